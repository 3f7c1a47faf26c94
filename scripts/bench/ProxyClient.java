package cop;

import module java.base;

/// A client of a server that is measured: one kept connection, and as little work as possible.
final class ProxyClient implements AutoCloseable {
    /// Times of a response: milliseconds until the first byte of its body, and until its end.
    record Times(double first, double end) {}

    private final URI target;
    private final String headers;
    private Socket socket;
    private InputStream in;
    private long used;                                      // System.nanoTime() of the last request

    /// @param target the whole URL of the API
    /// @param key for `Authorization: Bearer`
    ProxyClient(URI target, String key) {
        this.target = target;
        headers = "Host: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer " + key + "\r\n"
                + "Copilot-Integration-Id: vscode-chat\r\nCopilot-Vision-Request: true\r\n"
                + "Editor-Version: vscode/1.126.0\r\n"
                + "Editor-Plugin-Version: copilot-chat/0.54.0\r\n";
    }

    /// Sends a request, and returns once its head has come. The body is not read.
    void begin(byte[] body) throws IOException {
        // the simulator's server closes a connection after 30 s, for instance while copilot-api counts tokens
        if (System.nanoTime() - used > 15e9) close();
        used = System.nanoTime();
        if (socket == null) connect();
        var head = ("POST " + target.getPath() + " HTTP/1.1\r\n" + headers + "Content-Length: " + body.length
                + "\r\n\r\n").getBytes();
        var all = Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, all, head.length, body.length);
        socket.getOutputStream().write(all);
    }

    private void connect() throws IOException {
        socket = new Socket(target.getHost(), target.getPort());
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(60_000);
        in = new BufferedInputStream(socket.getInputStream(), 64 << 10);
    }

    /// Sends a request, and reads its response.
    ///
    /// @param piece receives each piece of the body as it comes
    Times send(byte[] body, Consumer<byte[]> piece) throws IOException {
        long start = System.nanoTime();
        begin(body);
        long[] first = {0};
        read(bytes -> {
            if (first[0] == 0) first[0] = System.nanoTime();
            piece.accept(bytes);
        });
        return new Times((first[0] - start) / 1e6, (System.nanoTime() - start) / 1e6);
    }

    private void read(Consumer<byte[]> piece) throws IOException {
        String head = TimedUpstream.head(in);
        if (head == null || !head.startsWith("HTTP/1.1 200")) throw new IOException("" + head + rest());
        if (!head.toLowerCase(Locale.ROOT).contains("transfer-encoding: chunked")) {
            piece.accept(in.readNBytes(TimedUpstream.length(head)));
            return;
        }
        for (int size = chunk(); size > 0; size = chunk()) {
            piece.accept(in.readNBytes(size));
            in.readNBytes(2);
        }
        in.readNBytes(2);
        if (head.toLowerCase(Locale.ROOT).contains("connection: close")) close();
    }

    private String rest() throws IOException { return new String(in.readNBytes(Math.min(500, in.available()))); }

    private int chunk() throws IOException {
        int size = 0;
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) throw new EOFException("cut off");
            if (b != '\r') size = size * 16 + Character.digit(b, 16);
        }
        return size;
    }

    /// Reads until a text comes.
    void await(String text) throws IOException {
        for (var seen = new StringBuilder(); seen.indexOf(text) < 0; ) {
            int b = in.read();
            if (b < 0) throw new EOFException(seen.toString());
            seen.append((char) b);
        }
    }

    @Override
    public void close() throws IOException {
        if (socket != null) socket.close();
        socket = null;
    }
}
