package cop;

import module java.base;
import cop.copilot.Fault;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;

/// A request on its way through Netty's channel.
final class NettyExchange implements Exchange {
    /// Never forwarded to a client, or set by us.
    private static final Set<String> OWN = Set.of("set-cookie", "connection", "transfer-encoding", "content-length",
            "server", "date");
    private static final int PART = 64 << 10;               // of a body that is decompressed

    private final Channel channel;
    private final LocalServer.Setup setup;
    private final RequestHead head;
    private final Consumer<Boolean> answered;
    private final RequestMeter.Call call;
    private final String id = "req_" + UUID.randomUUID().toString().replace("-", "");
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition writable = lock.newCondition();
    private boolean shielded, aborted;                      // under the lock
    private volatile Thread thread;
    private volatile boolean gone;
    private volatile int status;
    private String problem = "";                            // why it failed, for the log
    private byte[] body = {};
    private long inflated;                                  // bytes of the body that were not sent
    private ChannelSink sink;

    /// @param answered called when all is sent, with whether the connection may be used again
    NettyExchange(Channel channel, LocalServer.Setup setup, RequestHead head, Consumer<Boolean> answered) {
        this.channel = channel;
        this.setup = setup;
        this.head = head;
        this.answered = answered;
        call = setup.meter().begin(head.method(), head.path());
    }

    // ---- on Netty's thread

    /// @param memory counts the bytes of bodies in memory, and says whether so many fit
    void start(List<byte[]> parts, LongPredicate memory) {
        thread = Thread.ofVirtual().name(id).unstarted(() -> run(parts, memory));
        thread.start();
    }

    /// The client has left.
    void gone() {
        gone = true;
        abort();
        wake();
    }

    void wake() {
        lock.lock();
        try {
            writable.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // ---- on any thread

    /// Ends the request although its client is there.
    void abort() {
        lock.lock();
        try {
            aborted = true;
            if (thread != null && !shielded) thread.interrupt();
        } finally {
            lock.unlock();
        }
    }

    // ---- on the request's own thread

    private void run(List<byte[]> parts, LongPredicate memory) {
        try {
            if (head.isPreflight()) {
                respond(204, setup.access().preflight(head.headers()), new byte[0]);
                return;
            }
            body = inflated(parts, memory);
            setup.routes().find(head.method(), head.path()).handle(this);
            if (status == 0) throw new IllegalStateException("no answer from the route " + head.path());
            if (sink != null && !sink.closed) channel.close();
        } catch (ApiRefusal refusal) {
            orBreak(refusal, null);
        } catch (Fault fault) {
            if (!gone) orBreak(fault.is(Fault.Kind.INTERRUPTED) ? ApiRefusal.stopping() : ApiRefusal.of(fault), null);
        } catch (RuntimeException | Error defect) {          // without an answer, the client would wait for ever
            orBreak(ApiRefusal.defect(), defect);
        } finally {
            memory.test(-inflated);
            log();
        }
    }

    private void log() {
        if (gone) call.gone();
        else if (problem.isEmpty()) call.end();
        else call.failed(problem);
    }

    /// Sends an error; if the response has begun, all that is left is to break it, unless it has ended.
    private void orBreak(ApiRefusal refusal, Throwable defect) {
        Thread.interrupted();
        if (defect != null) setup.console().report(Fault.bug(defect));
        if (status == 0) refuse(refusal);
        else if (sink != null && !sink.closed) channel.close();
        problem = refusal.getMessage();
    }

    private byte[] inflated(List<byte[]> parts, LongPredicate memory) {
        var bytes = joined(parts);
        if (!head.headers().value("content-encoding").toLowerCase(Locale.ROOT).endsWith("gzip")) return bytes;
        int most = setup.limits().sizes().inflated();
        var all = new ByteArrayOutputStream(bytes.length);
        try (var in = new GZIPInputStream(new ByteArrayInputStream(bytes), PART)) {
            for (var part = in.readNBytes(PART); part.length > 0; part = in.readNBytes(PART)) {
                if (all.size() + part.length > most) throw RequestHead.tooLarge(most);
                inflated += part.length;                    // at once: a few bytes may become a thousandfold
                if (!memory.test(part.length)) throw RequestHead.overloaded();
                all.writeBytes(part);
            }
        } catch (IOException e) {
            throw ApiRefusal.invalid("the body is not valid gzip: " + Text.reason(e));
        }
        return all.toByteArray();
    }

    private static byte[] joined(List<byte[]> parts) {
        if (parts.size() == 1) return parts.getFirst();
        var all = new byte[parts.stream().mapToInt(part -> part.length).sum()];
        int at = 0;
        for (var part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    @Override
    public String method() { return head.method(); }

    @Override
    public String path() { return head.path(); }

    @Override
    public Map<String, String> query() { return head.query(); }

    @Override
    public HttpFields headers() { return head.headers(); }

    @Override
    public byte[] body() { return body; }

    @Override
    public ApiProtocol protocol() { return head.protocol(); }

    @Override
    public String id() { return id; }

    @Override
    public void shielded(Runnable work) {
        shield(true);
        try {
            work.run();
        } finally {
            shield(false);
        }
    }

    private void shield(boolean on) {
        lock.lock();
        try {
            shielded = on;
            if (on) Thread.interrupted();
            else if (aborted) thread.interrupt();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public RequestMeter.Call call() { return call; }

    @Override
    public void refuse(ApiRefusal refusal) {
        problem = refusal.getMessage();
        Exchange.super.refuse(refusal);
        if (thread == null) log();
    }

    @Override
    public boolean isGone() { return gone; }

    @Override
    public int status() { return status; }

    @Override
    public void respond(int code, Map<String, String> headers, byte[] bytes) {
        var response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(code),
                head.method().equals("HEAD") ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(bytes));
        boolean keep = begin(code, headers, response);
        if (code != 204) response.headers().set(HttpHeaderNames.CONTENT_LENGTH, bytes.length);
        channel.writeAndFlush(response, sent(keep));
    }

    /// Has a listener before anything is sent: one that is added later may run after the client has closed.
    private ChannelPromise sent(boolean keep) {
        return channel.newPromise().addListener(done -> answered.accept(keep && done.isSuccess()));
    }

    /// @return whether the connection is kept
    private boolean begin(int code, Map<String, String> headers, HttpResponse response) {
        if (status != 0) throw new IllegalStateException("a second answer from the route " + head.path());
        status = code;
        call.head(code);
        var fields = response.headers();
        headers.forEach((name, value) -> {
            if (!OWN.contains(name.toLowerCase(Locale.ROOT))) fields.set(name, value);
        });
        setup.access().cors(head.headers()).forEach(fields::set);
        fields.set("Server", "copilot.java").set("Date", DateTimeFormatter.RFC_1123_DATE_TIME.format(
                ZonedDateTime.now(ZoneOffset.UTC))).set("X-Content-Type-Options", "nosniff");
        for (String name : List.of("request-id", "x-request-id")) if (!fields.contains(name)) fields.set(name, id);
        if (!fields.contains("Cache-Control")) fields.set("Cache-Control", "no-store");
        boolean keep = head.keep() && (head.chunks() || response instanceof DefaultFullHttpResponse);
        if (!keep) fields.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        else if (!head.chunks()) fields.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        return keep;
    }

    @Override
    public Sink stream(int code, Map<String, String> headers) {
        var response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(code));
        boolean keep = begin(code, headers, response);
        if (head.chunks()) response.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        channel.writeAndFlush(response);
        return sink = new ChannelSink(keep);
    }

    /// A body in chunks, or until the connection's end for HTTP/1.0.
    private final class ChannelSink implements Sink {
        private final boolean keep;
        private volatile long last = System.nanoTime();
        private boolean closed;

        ChannelSink(boolean keep) { this.keep = keep; }

        @Override
        public void write(byte[] bytes) {
            if (bytes.length == 0) return;
            checkOpen();
            channel.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(bytes)));
            last = System.nanoTime();
            if (!channel.isWritable()) await();
        }

        private void await() {
            long patience = setup.limits().times().client().idle().toNanos();
            lock.lock();
            try {
                while (channel.isActive() && !channel.isWritable()) {
                    patience = writable.awaitNanos(patience);
                    if (patience <= 0) channel.close();     // it does not read any more
                }
            } catch (InterruptedException e) {
                throw Fault.interrupted();
            } finally {
                lock.unlock();
            }
            checkOpen();
        }

        /// Netty closes a channel before it says that it has.
        private void checkOpen() {
            if (channel.isActive()) return;
            gone = true;
            throw Fault.interrupted();
        }

        @Override
        public Duration silence() { return Duration.ofNanos(System.nanoTime() - last); }

        @Override
        public void close() {
            if (closed) return;
            closed = true;
            channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT, sent(keep));
        }

        @Override
        public void breakOff(byte[] last, String why) {
            problem = why;
            if (!closed && channel.isActive()) channel.write(new DefaultHttpContent(Unpooled.wrappedBuffer(last)));
            close();
        }
    }
}
