package cop;

import module java.base;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;

/// One client's connection: checks each request's head, collects its body, and runs it on a virtual thread. Always
/// reads, because that is how it sees the client leave. Its methods run on Netty's thread, unless they say otherwise.
final class ClientConnection extends ChannelInboundHandlerAdapter {
    private enum State { IDLE, HEAD, BODY, ANSWERING, DRAINING }

    /// How much of a refused request is read, so that the client sees the answer rather than a reset.
    private static final long DRAINED = 64L << 20, SMALL = 64 << 10;
    private static final Duration LINGER = Duration.ofSeconds(2);
    /// Parts of later requests that a client may send before its answer.
    private static final int PIPELINED = 64;

    private final LocalServer server;
    private final LocalServer.Setup setup;
    private final Channel channel;
    private final Deque<Object> pipelined = new ArrayDeque<>();
    private State state = State.HEAD;
    private Future<?> timer;
    private RequestHead head;
    private final List<byte[]> body = new ArrayList<>();
    private long size, held;                                // held: bytes of the body in memory
    private ApiRefusal refusal;                             // of a request whose body is small enough to read first
    private boolean garbled;
    private volatile NettyExchange exchange;

    ClientConnection(LocalServer server, LocalServer.Setup setup, Channel channel) {
        this.server = server;
        this.setup = setup;
        this.channel = channel;
    }

    private ServerLimits.Client times() { return setup.limits().times().client(); }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        within(times().head(), this::close);
        context.fireChannelActive();
    }

    /// Called at the first byte of a request.
    void begun() {
        if (state != State.IDLE) return;
        state = State.HEAD;
        within(times().head(), () -> refuse(new ApiRefusal(408, "", "the headers took longer than "
                + Durations.words(times().head()))));
    }

    private void within(Duration limit, Runnable action) {
        if (timer != null) timer.cancel(false);
        timer = channel.eventLoop().schedule(action, limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    // ---- reading

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (state == State.ANSWERING) {
            pipelined.add(message);
            if (pipelined.size() >= PIPELINED) channel.config().setAutoRead(false);
            return;
        }
        try {
            read(message);
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void read(Object message) {
        if (state == State.DRAINING) {
            if (message instanceof HttpContent content) size += content.content().readableBytes();
            if (message instanceof LastHttpContent || size > DRAINED) closeAfterAnswer();
            return;
        }
        var result = ((HttpObject) message).decoderResult();
        if (result.isFailure()) {
            refuse(malformed(result.cause()));
            return;
        }
        if (message instanceof HttpRequest request) head(request);
        if (message instanceof HttpContent content && state == State.BODY) content(content);
    }

    private void head(HttpRequest request) {
        size = 0;
        body.clear();
        head = RequestHead.of(request);
        state = State.BODY;
        within(times().body(), () -> refuse(new ApiRefusal(408, "", "the body took longer than "
                + Durations.words(times().body()))));
        if (request.protocolVersion().majorVersion() != 1) {
            refuse(new ApiRefusal(505, "", "expected HTTP/1.1"));
            return;
        }
        refusal = head.check(setup, server.isStopping()).orElse(null);
        boolean expected = HttpUtil.is100ContinueExpected(request);
        if (refusal != null) {
            boolean small = !expected && refusal.status() != 400 && !HttpUtil.isTransferEncodingChunked(request)
                    && HttpUtil.getContentLength(request, 0L) <= SMALL;
            if (!small) refuse(refusal);
        } else if (expected) {
            channel.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE,
                    Unpooled.EMPTY_BUFFER));
        }
    }

    private void content(HttpContent content) {
        size += content.content().readableBytes();
        if (size > setup.limits().sizes().body()) {
            refuse(RequestHead.tooLarge(setup.limits().sizes().body()));
            return;
        }
        // what a stranger sends takes no memory from those who have the key
        if (refusal == null && !head.isPreflight() && !kept(content.content())) return;
        if (!(content instanceof LastHttpContent)) return;
        timer.cancel(false);
        state = State.ANSWERING;
        exchange = new NettyExchange(channel, setup, head, this::answered);
        if (refusal != null) exchange.refuse(refusal);
        else exchange.start(List.copyOf(body), server::hold);
        body.clear();
    }

    /// Keeps a part of the body, unless all bodies together are too large, which is answered.
    private boolean kept(ByteBuf part) {
        var bytes = new byte[part.readableBytes()];
        held += bytes.length;
        if (!server.hold(bytes.length)) {
            refuse(RequestHead.overloaded());
            return false;
        }
        part.readBytes(bytes);
        if (bytes.length > 0) body.add(bytes);
        return true;
    }

    private ApiRefusal malformed(Throwable cause) {
        return switch (cause) {
            case TooLongHttpHeaderException _ -> new ApiRefusal(431, "", "the headers are too large");
            case TooLongHttpLineException _ when state == State.BODY -> new ApiRefusal(400, "",
                    "the header of a chunk is too long");
            case TooLongHttpLineException _ -> new ApiRefusal(414, "", "the request line is too long");
            default -> new ApiRefusal(400, "", "malformed HTTP request: " + Text.shortened(Text.deepest(cause), 100));
        };
    }

    // ---- answering

    /// Answers before all of a request was read, and closes the connection when the client has sent the rest.
    private void refuse(ApiRefusal why) {
        garbled = true;
        if (state == State.ANSWERING || state == State.DRAINING) return;
        boolean more = state == State.BODY;
        var answer = new NettyExchange(channel, setup, more ? head.last() : RequestHead.NONE, _ -> {
            if (!more) closeAfterAnswer();
        });
        state = State.DRAINING;
        size = 0;
        release();
        within(LINGER, this::close);
        answer.refuse(why);
    }

    private void closeAfterAnswer() {
        if (channel instanceof SocketChannel socket && channel.isActive()) socket.shutdownOutput();
        within(LINGER, this::close);
    }

    /// Called when a response was sent.
    ///
    /// @param keep whether the client may send another request
    private void answered(boolean keep) {
        exchange = null;
        release();
        if (!keep || garbled || server.isStopping()) {
            state = State.DRAINING;
            closeAfterAnswer();
            return;
        }
        state = State.IDLE;
        within(times().idle(), this::close);
        while (state != State.ANSWERING && !pipelined.isEmpty()) {
            if (state == State.IDLE) begun();
            channelRead(null, pipelined.poll());
        }
        channel.config().setAutoRead(true);
    }

    // ---- ends

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (exchange instanceof NettyExchange running) running.wake();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (timer != null) timer.cancel(false);
        if (exchange instanceof NettyExchange running) running.gone();
        pipelined.forEach(ReferenceCountUtil::release);
        pipelined.clear();
        release();
    }

    private void release() {
        server.hold(-held);
        held = 0;
        body.clear();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof DecoderException e) refuse(malformed(e.getCause() == null ? e : e.getCause()));
        else channel.close();                               // a reset
    }

    /// By any thread.
    boolean isAnswering() { return exchange != null; }

    /// By any thread.
    void close() { channel.close(); }

    /// By any thread.
    void closeIfIdle() {
        channel.eventLoop().execute(() -> {
            if (state == State.IDLE || state == State.HEAD) close();
        });
    }

    /// By any thread.
    void abort() { if (exchange instanceof NettyExchange running) running.abort(); }
}
