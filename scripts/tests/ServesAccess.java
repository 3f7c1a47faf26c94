package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// `serve` against those who should not use it, and those who would stop it.
class ServesAccess {
    private static final String CHAT = "/v1/chat/completions", MESSAGES = "/v1/messages";
    private static final String BODY = Serves.body(CHAT, "say: hello", false);

    private final Harness cop = Harness.loggedIn();
    private ServesHarness serve = new ServesHarness(cop);

    @AfterEach
    void close() {
        // it still works, whatever a test did to it
        if (cop.sim.count(CHAT.substring(3)) == 0) assertEquals(200, serve.post(CHAT, BODY).status(), serve::log);
        assertFalse(Harness.TRACE.matcher(serve.log()).find(), serve::log);
        assertFalse(serve.log().contains("this is a bug"), serve::log);
        serve.close();
        cop.close();
    }

    private void allow(Set<String> hosts, Set<String> origins) {
        serve.close();
        serve = new ServesHarness(cop, ServesHarness.limits(4, 32, Duration.ofSeconds(60)), AccessRules.of(
                ServesHarness.KEY, hosts, origins));
    }

    /// Sends text on a connection, and returns all that comes back until the server closes it.
    private String answer(String text) {
        try (var client = serve.raw().write(text)) {
            return client.rest();
        }
    }

    /// Returns the head of a request with a key and a length.
    private static String head(String host, String more) {
        return "POST " + CHAT + " HTTP/1.1\nHost: " + host + "\nAuthorization: Bearer " + ServesHarness.KEY
                + "\nContent-Type: application/json\nConnection: close\n" + more + "Content-Length: " + BODY.length()
                + "\n\n" + BODY;
    }

    private void sentNothing() { assertEquals(0, cop.chats().size()); }

    // ------------------------------------------------------------------------------------ the key

    /// 7: no key, a wrong one, or one of a wrong kind is refused on every path, in the client's envelope.
    @ParameterizedTest
    @ValueSource(strings = {CHAT, MESSAGES, "/v1/responses", "/v1/models", "/", "/nothing", "/token", "/v1/../token"})
    void withoutTheKey(String path) {
        for (String key : List.of("", "Bearer wrong", "Bearer " + ServesHarness.KEY + "x", "Bearer", "Basic "
                + ServesHarness.KEY, ServesHarness.KEY)) {
            String text = answer("POST " + path + " HTTP/1.1\nHost: localhost:1\nContent-Type: application/json\n"
                    + (key.isEmpty() ? "" : "Authorization: " + key + "\n") + "Connection: close\nContent-Length: 2\n\n"
                    + "{}");
            assertTrue(text.startsWith("HTTP/1.1 401 "), text);
            assertTrue(text.contains(path.equals(MESSAGES) ? "authentication_error" : "invalid_api_key"), text);
        }
        sentNothing();
    }

    @Test
    void withTheKey() {
        var bytes = BODY.getBytes(StandardCharsets.UTF_8);
        for (String header : List.of("x-api-key", "api-key", "X-API-Key")) {
            assertEquals(200, serve.send("POST", CHAT, bytes, "Authorization", "Bearer other", header,
                    ServesHarness.KEY).status());
        }
        assertEquals(200, serve.send("POST", CHAT, bytes, "Authorization", "bearer " + ServesHarness.KEY).status());
        assertFalse(serve.log().contains(ServesHarness.KEY), serve::log);
    }

    /// 8: nothing listens but 127.0.0.1.
    @Test
    void noOtherAddress() throws SocketException {
        var others = NetworkInterface.networkInterfaces().flatMap(NetworkInterface::inetAddresses).filter(address ->
                !address.isLoopbackAddress() && !address.isLinkLocalAddress()).toList();
        for (var address : others) {
            assertThrows(IOException.class, () -> {
                try (var socket = new Socket()) {
                    socket.connect(new InetSocketAddress(address, serve.port), 1000);
                }
            }, address::toString);
        }
    }

    // ------------------------------------------------------------------------------------ Host and Origin

    @ParameterizedTest
    @ValueSource(strings = {"evil.example", "evil.example:4141", "127.0.0.1.evil.example", "localhost.evil.example",
            "evil@127.0.0.1", "169.254.169.254", "[::2]", "0.0.0.0", "127.0.0.1%00", "localhost:port", "", "a b",
            "2130706433"})
    void foreignHosts(String host) {
        for (String path : List.of(CHAT, "/nothing", "/")) {
            for (String method : List.of("POST", "GET", "OPTIONS")) {
                String text = answer(method + " " + path + " HTTP/1.1\nHost: " + host + "\nConnection: close\n"
                        + "Authorization: Bearer " + ServesHarness.KEY + "\nContent-Length: 0\n\n");
                assertTrue(text.startsWith("HTTP/1.1 403 ") || text.startsWith("HTTP/1.1 400 "), text);
                assertFalse(text.toLowerCase(Locale.ROOT).contains("access-control"), text);
            }
        }
        sentNothing();
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:4141", "localhost.", "127.0.0.1:65535"})
    void ownHosts(String host) {
        String text = answer(head(host, ""));
        assertTrue(text.startsWith("HTTP/1.1 200 "), text);
    }

    @Test
    void allowedHosts() {
        allow(Set.of("host.docker.internal"), Set.of());
        assertTrue(answer(head("host.docker.internal:4141", "")).startsWith("HTTP/1.1 200 "));
        assertTrue(answer(head("docker.internal", "")).startsWith("HTTP/1.1 403 "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://evil.example", "http://localhost:3000", "null", "http://127.0.0.1:4141", ""})
    void foreignOrigins(String origin) {
        String text = answer(head("localhost", "Origin: " + origin + "\n"));
        assertTrue(text.startsWith("HTTP/1.1 403 "), text);
        text = answer("OPTIONS " + CHAT + " HTTP/1.1\nHost: localhost\nOrigin: " + origin
                + "\nAccess-Control-Request-Method: POST\nConnection: close\n\n");
        assertTrue(text.startsWith("HTTP/1.1 403 "), text);
        assertFalse(text.toLowerCase(Locale.ROOT).contains("access-control"), text);
        sentNothing();
    }

    @Test
    void anAllowedOrigin() {
        allow(Set.of(), Set.of("app://obsidian.md"));
        String asked = answer("OPTIONS " + CHAT + " HTTP/1.1\nHost: localhost\nOrigin: app://obsidian.md\nConnection: "
                + "close\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: authorization,"
                + "content-type\nAccess-Control-Request-Private-Network: true\n\n");
        assertTrue(asked.startsWith("HTTP/1.1 204 "), asked);
        for (String header : List.of("Access-Control-Allow-Origin: app://obsidian.md", "Access-Control-Allow-Headers: "
                + "authorization,content-type", "Access-Control-Allow-Private-Network: true", "Vary: Origin",
                "Access-Control-Allow-Methods: GET, POST")) {
            assertTrue(asked.contains(header + "\r\n"), asked);
        }
        String text = answer(head("localhost", "Origin: app://obsidian.md\n"));
        assertTrue(text.startsWith("HTTP/1.1 200 ") && text.contains("Access-Control-Allow-Origin: app://obsidian.md"),
                text);
        String foreign = answer(head("localhost", "Origin: app://obsidian.md.evil\n"));
        assertTrue(foreign.startsWith("HTTP/1.1 403 "), foreign);
        assertFalse(foreign.contains("Access-Control-Allow-Origin"), foreign);
        assertTrue(answer(head("localhost", "").replace(ServesHarness.KEY, "wrong")).startsWith("HTTP/1.1 401 "));
    }

    // ------------------------------------------------------------------------------------ the protocol

    /// Smuggling, and other things that two parsers read differently.
    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', value = {
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|Transfer-Encoding: chunked|Content-Length: 4||0||`",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|Content-Length: 4|Content-Length: 5||{}  `",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|Content-Length: 2, 3||{}  `",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|Content-Length: -2||{}  `",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|Content-Length: +2||{}  `",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|Transfer-Encoding: xchunked||0||`",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|Transfer-Encoding: chunked, identity||0||`",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|X-A: b| Content-Length: 2||{}`",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|X-A: b|\tfolded||`",
            "400, `POST {path} HTTP/1.1|Host: localhost|Host: localhost|{key}|Content-Length: 2||{}`",
            "400, `POST {path} HTTP/1.1|Host : localhost|{key}|Content-Length: 2||{}`",
            "400, `POST {path} HTTP/1.1|{key}|Content-Length: 2||{}`",
            "400, `POST http://localhost{path} HTTP/1.1|Host: localhost|{key}|Content-Length: 2||{}`",
            "400, `CONNECT localhost:443 HTTP/1.1|Host: localhost|{key}||`",
            "400, `GET / HTTP/1.1|Host: localhost|No colon||`",
            "400, `GET / HTTP/1.1|Host: localhost|X: a\0b||`",
            "505, `PRI * HTTP/2.0||SM||`", "400, `GET /||`", "400, `\u0016\u0003\u0001\u0002||`",
            "400, `POST {path} HTTP/1.1|Host: localhost|{key}|Transfer-Encoding: chunked||zz|{}|0||`"})
    void malformed(int status, String request) {
        String text = answer(request.replace("|", "\n").replace("{path}", CHAT).replace("{key}",
                "Authorization: Bearer " + ServesHarness.KEY + "\nContent-Type: application/json"));
        assertTrue(text.startsWith("HTTP/1.1 " + status + " "), text);
        assertEquals(1, text.split("HTTP/1\\.1 ", -1).length - 1, text);
        sentNothing();
    }

    /// A line feed alone does not end a line.
    @Test
    void bareLineFeeds() throws IOException {
        try (var client = serve.raw()) {
            client.socket.getOutputStream().write(("POST " + CHAT + " HTTP/1.1\nHost: localhost\nAuthorization: Bearer "
                    + ServesHarness.KEY + "\nContent-Length: 2\n\n{}").getBytes(StandardCharsets.US_ASCII));
            assertTrue(client.rest().startsWith("HTTP/1.1 400 "));
        }
    }

    @Test
    void largeHeads() {
        String header = answer("GET / HTTP/1.1\nHost: localhost\nX: " + "a".repeat(70_000) + "\n\n");
        assertTrue(header.startsWith("HTTP/1.1 431 "), header);
        String line = answer("GET /" + "a".repeat(70_000) + " HTTP/1.1\nHost: localhost\n\n");
        assertTrue(line.startsWith("HTTP/1.1 414 "), line);
        String many = answer("GET / HTTP/1.1\nHost: localhost\n" + "X: y\n".repeat(20_000) + "\n");
        assertTrue(many.startsWith("HTTP/1.1 431 "), many);
    }

    /// One connection for several requests, and several sent at once.
    @Test
    void keptConnections() {
        try (var client = serve.raw()) {
            client.post(CHAT, BODY).post("/nothing", "{}").post(CHAT, BODY);
            client.until("\"hello\"");
            client.until("404 Not Found");
            client.until("\"hello\"");
            client.write("GET /nothing HTTP/1.1\nHost: localhost\nAuthorization: Bearer " + ServesHarness.KEY + "\n\n");
            client.until("no such path");
        }
    }

    @Test
    void http10() {
        for (boolean stream : List.of(false, true)) {
            String body = Serves.body(CHAT, "say: hello", stream);
            String text = answer("POST " + CHAT + " HTTP/1.0\nHost: localhost\nAuthorization: Bearer "
                    + ServesHarness.KEY + "\nContent-Type: application/json\nContent-Length: " + body.length()
                    + "\n\n" + body);
            assertTrue(text.startsWith("HTTP/1.1 200 ") && text.contains("hello"), text);
            assertFalse(text.toLowerCase(Locale.ROOT).contains("chunked"), text);
        }
    }

    @Test
    void expectations() {
        try (var client = serve.raw().write(head("localhost", "Expect: 100-continue\n").replace(BODY, ""))) {
            client.until("HTTP/1.1 100 Continue\r\n\r\n");
            assertTrue(client.write(BODY).rest().startsWith("HTTP/1.1 200 "));
        }
        String refused = answer(head("localhost", "Expect: 100-continue\n").replace(BODY, "").replace(
                ServesHarness.KEY, "wrong"));
        assertTrue(refused.startsWith("HTTP/1.1 401 "), refused);
    }

    @Test
    void methodsAndTypes() {
        assertEquals(405, serve.get(CHAT).status());
        assertEquals("POST", serve.get(CHAT).header("allow"));
        assertEquals(404, serve.post("/v1/nothing", "{}").status());
        assertEquals("not_found_error", serve.send("POST", "/v1/messages/x", "{}".getBytes(StandardCharsets.UTF_8))
                .json().path("error").path("type").asString());
        for (String type : List.of("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x=json",
                "application/x-www-form-urlencoded; a=b+json")) {
            assertEquals(415, serve.send("POST", CHAT, BODY.getBytes(StandardCharsets.UTF_8), "Content-Type", type)
                    .status());
        }
        sentNothing();
    }

    // ------------------------------------------------------------------------------------ bodies

    private static byte[] gzip(byte[] bytes) {
        var out = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    @Test
    void compressedBodies() {
        var gzip = gzip(BODY.getBytes(StandardCharsets.UTF_8));
        assertEquals(200, serve.send("POST", CHAT, gzip, "Content-Encoding", "gzip").status());
        var zstd = serve.send("POST", CHAT, new byte[] {0x28, (byte) 0xB5, 0x2F, (byte) 0xFD}, "Content-Encoding",
                "zstd");
        assertEquals(415, zstd.status());
        assertTrue(zstd.body().contains("zstd is not supported"), zstd::body);
        assertEquals(400, serve.send("POST", CHAT, new byte[] {1, 2, 3}, "Content-Encoding", "gzip").status());
        assertEquals(400, serve.send("POST", CHAT, Arrays.copyOf(gzip, 30), "Content-Encoding", "gzip").status());
        var bomb = serve.send("POST", MESSAGES, gzip(new byte[65 << 20]), "Content-Encoding", "gzip");
        assertEquals(413, bomb.status());
        assertTrue(bomb.body().contains("request_too_large"), bomb::body);
    }

    /// 24: a body that is too large is refused in words, before it is sent; also one that does not tell its length.
    @Test
    void largeBodies() throws IOException {
        int size = 40 << 20;
        try (var client = serve.raw().write("POST " + MESSAGES + " HTTP/1.1\nHost: localhost\nx-api-key: "
                + ServesHarness.KEY + "\nContent-Type: application/json\nContent-Length: " + size + "\n\n")) {
            client.socket.getOutputStream().write(new byte[size]);
            String text = client.rest();
            assertTrue(text.startsWith("HTTP/1.1 413 ") && text.contains("request_too_large"), text);
        }
        try (var client = serve.raw().write("POST " + MESSAGES + " HTTP/1.1\nHost: localhost\nx-api-key: "
                + ServesHarness.KEY + "\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n")) {
            var chunk = ("100000\r\n" + " ".repeat(1 << 20) + "\r\n").getBytes(StandardCharsets.US_ASCII);
            for (int i = 0; i < 40; i++) client.socket.getOutputStream().write(chunk);
            client.write("0\n\n");
            String text = client.rest();
            assertTrue(text.startsWith("HTTP/1.1 413 ") && text.contains("larger than 32 MiB"), text);
        }
        sentNothing();
    }

    /// More than fits in memory at once is refused, and room is made again.
    @Test
    void manyLargeBodies() {
        memory(1 << 20);
        for (int i = 0; i < 3; i++) {
            var answer = serve.post(MESSAGES, " ".repeat(2 << 20));
            assertEquals(503, answer.status(), answer::body);
            assertTrue(answer.body().contains("overloaded_error"), answer::body);
        }
        for (int i = 0; i < 3; i++) {
            var answer = serve.send("POST", MESSAGES, gzip(" ".repeat(2 << 20).getBytes(StandardCharsets.UTF_8)),
                    "Content-Encoding", "gzip");
            assertEquals(503, answer.status(), answer::body);
        }
        sentNothing();
        assertEquals(200, serve.send("POST", CHAT, gzip(BODY.getBytes(StandardCharsets.UTF_8)), "Content-Encoding",
                "gzip").status());
    }

    /// What comes without the key is not kept.
    @Test
    void bodiesOfStrangers() {
        memory(1 << 10);
        for (int i = 0; i < 3; i++) {
            assertEquals(401, serve.send("POST", CHAT, " ".repeat(32 << 10).getBytes(StandardCharsets.UTF_8),
                    "Authorization", "Bearer wrong").status());
        }
        assertEquals(200, serve.post(CHAT, BODY).status());
    }

    private void memory(long bodies) {
        serve.close();
        var usual = ServesHarness.limits(4, 32, Duration.ofSeconds(60));
        serve = new ServesHarness(cop, new ServerLimits(usual.admittance(), new ServerLimits.Sizes(64 << 10, 32 << 20,
                64 << 20, bodies, 100), usual.times()));
    }

    // ------------------------------------------------------------------------------------ slow and many

    /// Slow loris: heads and bodies that never end.
    @Test
    void slowClients() {
        long start = System.nanoTime();
        try (var silent = serve.raw(); var head = serve.raw().write("GET / HTTP/1.1\nHost: localhost\nX: ");
                var body = serve.raw().post(CHAT, BODY + "x").write("")) {
            assertEquals("", silent.rest());
            assertTrue(head.rest().startsWith("HTTP/1.1 408 ") || head.rest().isEmpty());
            body.until("HTTP/1.1 ");
        }
        try (var body = serve.raw().write(head("localhost", "").replace(BODY, "{"))) {
            String text = body.rest();
            assertTrue(text.startsWith("HTTP/1.1 408 "), text);
        }
        assertTrue(System.nanoTime() - start < 10_000_000_000L);
    }

    /// Nonsense, and requests with bytes changed, removed, and repeated.
    @Test
    void garbage() {
        var random = new Random(7);
        String request = head("localhost", "X-A: b\n").replace("\n", "\r\n");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 200; i++) {
                var text = new StringBuilder(i % 4 == 0 ? "" : request);
                for (int change = random.nextInt(1, 8); change > 0; change--) {
                    int at = random.nextInt(text.length() + 1);
                    String junk = "" + (char) random.nextInt(256) + " \r\n:\0\t".charAt(random.nextInt(6));
                    if (random.nextBoolean()) text.insert(at, junk.repeat(random.nextInt(1, 40)));
                    else text.delete(at, Math.min(text.length(), at + random.nextInt(9)));
                }
                threads.submit(() -> {
                    try (var client = serve.raw()) {
                        client.socket.setSoTimeout(1000);               // it may have been a good one
                        client.socket.getOutputStream().write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
                        client.rest();
                    }
                    return null;
                });
            }
        }
        assertEquals(200, serve.post(CHAT, BODY).status(), serve::log);
    }

    @Test
    void manyConnections() {
        var idle = new ArrayList<ServesHarness.Raw>();
        try {
            for (int i = 0; i < 500; i++) idle.add(serve.raw());
            assertEquals(200, serve.post(CHAT, BODY).status());
        } finally {
            idle.forEach(ServesHarness.Raw::close);
        }
    }

    /// A client that ends its own side is taken as gone, as in other servers; one that waits is not.
    @Test
    void halfClosed() throws IOException {
        cop.sim.set("latency", 500);
        try (var client = serve.raw().post(CHAT, BODY)) {
            client.socket.shutdownOutput();
            assertEquals("", client.rest());
        }
        Harness.await("the log", () -> serve.log().contains("client gone"));
    }

    /// What clients send about themselves stays here, and what Copilot sends for itself as well.
    @Test
    void headersThatStay() {
        var answer = serve.send("POST", CHAT, BODY.getBytes(StandardCharsets.UTF_8), "Cookie", "a=b", "X-Initiator",
                "agent", "Copilot-Integration-Id", "other", "Editor-Version", "x/1", "X-Forwarded-For", "10.0.0.1",
                "User-Agent", "client/1.0", "X-GitHub-Api-Version", "2020-01-01");
        assertEquals(200, answer.status(), answer::body);
        var sent = cop.chats().getLast();
        assertEquals("", Harness.header(sent, "cookie") + Harness.header(sent, "x-forwarded-for"));
        assertEquals("user", Harness.header(sent, "x-initiator"));
        assertEquals("vscode-chat", Harness.header(sent, "copilot-integration-id"));
        assertFalse(Harness.header(sent, "authorization").contains(ServesHarness.KEY));
        assertTrue(Harness.header(sent, "user-agent").startsWith("GitHubCopilotChat/"));
        assertEquals("", answer.header("set-cookie"));
        assertEquals("copilot.java", answer.header("server"));
    }
}
