package cop;

import module java.base;
import cop.copilot.Fault;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.Slf4JLoggerFactory;

/// An HTTP/1.1 server on one address. Netty, because it sees a client leave while its request is queued or Copilot is
/// silent (it always reads), streams with back-pressure, and is 3.6 MB: figures are in the note of issue 20.
///
/// Netty's thread parses and writes; each request runs on a virtual thread, where it may block.
final class LocalServer implements AutoCloseable {
    /// @param console for defects; nothing that clients send is printed
    record Setup(AccessRules access, Routes routes, ServerLimits limits, RequestMeter meter, Console console) {}

    private final Setup setup;
    private final EventLoopGroup loops;
    private final Set<ClientConnection> connections = ConcurrentHashMap.newKeySet();
    private final AtomicLong bodies = new AtomicLong();             // bytes of requests in memory
    private volatile Channel listening;
    private volatile boolean stopping;

    LocalServer(Setup setup) {
        InternalLoggerFactory.setDefaultFactory(Slf4JLoggerFactory.INSTANCE);     // that is, none
        this.setup = setup;
        loops = new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("serve", true), NioIoHandler.newFactory());
    }

    /// Begins to listen.
    ///
    /// @param address with port 0 for any free one
    InetSocketAddress listen(InetSocketAddress address) {
        try {
            var bootstrap = new ServerBootstrap().group(loops).channel(NioServerSocketChannel.class)
                    .option(ChannelOption.SO_BACKLOG, 1024).option(ChannelOption.SO_REUSEADDR, !Text.WINDOWS)
                    .childOption(ChannelOption.TCP_NODELAY, true)
                    .childHandler(new ChannelInitializer<Channel>() {
                        @Override
                        protected void initChannel(Channel channel) { accept(channel); }
                    });
            listening = bootstrap.bind(address).sync().channel();
            return (InetSocketAddress) listening.localAddress();
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        } catch (Exception e) {                             // sync() throws what it likes
            throw Fault.error("cannot listen on " + address.getAddress().getHostAddress() + " port "
                    + address.getPort() + ": " + Text.deepest(e), e instanceof BindException
                    ? "use another --port, or --port 0 for a free one"
                    : "check --listen and --port");
        }
    }

    private void accept(Channel channel) {
        if (stopping || connections.size() >= setup.limits().sizes().connections()) {
            channel.close();
            return;
        }
        var connection = new ClientConnection(this, setup, channel);
        connections.add(connection);
        channel.closeFuture().addListener(_ -> connections.remove(connection));
        channel.pipeline().addLast(new StrictDecoder(setup.limits().sizes().head(), connection::begun),
                new HttpResponseEncoder(), connection);
    }

    /// Returns how many requests are being answered.
    int answering() { return (int) connections.stream().filter(ClientConnection::isAnswering).count(); }

    /// Counts bytes of bodies in memory; negative if they are no longer.
    ///
    /// @return false if there are too many
    boolean hold(long bytes) { return bodies.addAndGet(bytes) <= setup.limits().sizes().bodies(); }

    /// Returns how many connections are open.
    int open() { return connections.size(); }

    boolean isStopping() { return stopping; }

    /// Ends what is being answered, with an error where a stream has begun.
    void abort() { connections.forEach(ClientConnection::abort); }

    /// Stops accepting requests, and waits until all are answered.
    ///
    /// @return false if some were not within the time
    /// @throws InterruptedException at a second Ctrl-C
    boolean stop(Duration grace) throws InterruptedException {
        stopping = true;
        listening.close();
        connections.forEach(ClientConnection::closeIfIdle);
        for (long end = System.nanoTime() + grace.toNanos(); !connections.isEmpty(); Thread.sleep(10)) {
            if (System.nanoTime() > end) return false;
        }
        return true;
    }

    @Override
    public void close() {
        stopping = true;
        if (listening != null) listening.close();
        connections.forEach(ClientConnection::close);
        loops.shutdownGracefully(0, 100, TimeUnit.MILLISECONDS).awaitUninterruptibly(500);
    }
}
