package cop;

import module java.base;
import module java.net.http;
import tools.jackson.databind.JsonNode;

/// `serve` in this process, with limits as short as a test needs, and its clients.
final class ServesHarness implements AutoCloseable {
    static final String KEY = "sk-cop-of-the-tests-0123456789";

    final StringWriter log = new StringWriter();
    final RequestMeter meter;
    final Backend backend;
    final LocalServer.Setup setup;
    final LocalServer server;
    final int port;
    private final HttpSender http;
    /// As a Java program has it: over plain HTTP, it offers HTTP/2 (`Upgrade: h2c`) with each request.
    private final HttpClient client = HttpClient.newHttpClient();

    ServesHarness(Harness cop) { this(cop, limits(4, 32, Duration.ofSeconds(60))); }

    ServesHarness(Harness cop, ServerLimits limits) { this(cop, limits, AccessRules.of(KEY, Set.of(), Set.of())); }

    ServesHarness(Harness cop, ServerLimits limits, AccessRules access) {
        var env = cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE), new PrintWriter(
                Writer.nullWriter()), new PrintWriter(log));
        var console = new Console(env);
        http = new HttpSender(console, Duration.ofSeconds(60));
        var host = Host.of("COP_HOST", env.variable("COP_HOST"));
        var copilot = new CopilotClient(new Context(console, Home.of(env), host,
                Headers.parse(env.variable("COP_HEADERS"), List.of()), http));
        meter = new RequestMeter(console, false);
        backend = Backend.of(copilot, limits, meter);
        setup = new LocalServer.Setup(access, serve.routes(backend), limits, meter, console);
        server = new LocalServer(setup);
        port = server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)).getPort();
    }

    /// Returns the usual limits with shorter times.
    static ServerLimits limits(int jobs, int queue, Duration patience) {
        var client = new ServerLimits.Client(Duration.ofMillis(400), Duration.ofMillis(800), Duration.ofSeconds(20));
        return limits(jobs, queue, patience, client, new ServerLimits.Signs(Duration.ofMillis(80),
                Duration.ofMillis(80), Duration.ofMillis(400)));
    }

    static ServerLimits limits(int jobs, int queue, Duration patience, ServerLimits.Client client,
            ServerLimits.Signs signs) {
        return new ServerLimits(new ServerLimits.Admittance(jobs, queue, patience), ServerLimits.Sizes.DEFAULT,
                new ServerLimits.Times(client, ServerLimits.Times.DEFAULT.upstream(), signs, Duration.ofSeconds(2)));
    }

    String url() { return "http://127.0.0.1:" + port; }

    String log() { return log.toString(); }

    // ---- clients that behave

    record Answer(int status, HttpHeaders headers, String body) {
        JsonNode json() { return Json.object(body, "an answer of serve"); }

        String header(String name) { return headers.firstValue(name).orElse(""); }
    }

    /// Sends a request with the key.
    Answer post(String path, String body) { return send("POST", path, body.getBytes(StandardCharsets.UTF_8)); }

    Answer get(String path, String... headers) { return send("GET", path, null, headers); }

    /// @param body null for none
    /// @param headers names and values; the key comes first, unless `Authorization` is among them
    Answer send(String method, String path, byte[] body, String... headers) {
        try {
            return send(request(method, path, body, headers)).get(30, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(method + " " + path, e);
        }
    }

    CompletableFuture<Answer> send(HttpRequest request) {
        return client.sendAsync(request, HttpResponse.BodyHandlers.ofString()).thenApply(answer -> new Answer(
                answer.statusCode(), answer.headers(), answer.body()));
    }

    HttpRequest request(String method, String path, byte[] body, String... headers) {
        var request = HttpRequest.newBuilder(URI.create(url() + path)).header("Content-Type", "application/json")
                .method(method, body == null ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofByteArray(body));
        if (!List.of(headers).contains("Authorization")) request.header("Authorization", "Bearer " + KEY);
        if (headers.length > 0) request.setHeader(headers[0], headers[1]);
        for (int i = 2; i < headers.length; i += 2) request.setHeader(headers[i], headers[i + 1]);
        return request.build();
    }

    // ---- clients that do as they like

    /// A connection on which a test writes what it likes.
    final class Raw implements AutoCloseable {
        final Socket socket;

        Raw(int port) {
            try {
                socket = new Socket(InetAddress.getLoopbackAddress(), port);
                socket.setSoTimeout(20_000);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /// Writes text; `\n` stands for CRLF.
        Raw write(String text) {
            try {
                socket.getOutputStream().write(text.replace("\n", "\r\n").getBytes(StandardCharsets.ISO_8859_1));
                socket.getOutputStream().flush();
                return this;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /// Writes a request with the key, and the lengths that it needs.
        Raw post(String path, String body) {
            return write("POST " + path + " HTTP/1.1\nHost: 127.0.0.1\nAuthorization: Bearer " + KEY
                    + "\nContent-Type: application/json\nContent-Length: " + body.length() + "\n\n" + body);
        }

        /// Reads until a text comes.
        String until(String text) {
            var bytes = new ByteArrayOutputStream();
            try {
                while (!bytes.toString(StandardCharsets.ISO_8859_1).contains(text)) {
                    int b = socket.getInputStream().read();
                    if (b < 0) throw new AssertionError("ended before \"" + text + "\": " + bytes);
                    bytes.write(b);
                }
                return bytes.toString(StandardCharsets.ISO_8859_1);
            } catch (IOException e) {
                throw new AssertionError("no \"" + text + "\" in: " + bytes, e);
            }
        }

        /// Reads until the server closes the connection.
        String rest() {
            var bytes = new ByteArrayOutputStream();
            try {
                socket.getInputStream().transferTo(bytes);
            } catch (SocketTimeoutException e) {
                throw new AssertionError("still open after: " + bytes);
            } catch (IOException reset) {
                // what came before it counts
            }
            return bytes.toString(StandardCharsets.ISO_8859_1);
        }

        /// Closes the connection with a reset instead of a FIN.
        void reset() {
            try {
                socket.setSoLinger(true, 0);
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    Raw raw() { return raw(port); }

    /// @param other the port of another server
    Raw raw(int other) { return new Raw(other); }

    @Override
    public void close() {
        client.shutdownNow();
        server.close();
        backend.copilot().close();
        http.close();
    }
}
