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

/// Clients that mean harm, or cause it: what they send is refused in one clear line, nothing leaks, and the server
/// goes on.
class ServesHostile {
    private static final String CHAT = "/v1/chat/completions";
    private final Harness cop = Harness.loggedIn();
    /// 1 MiB a body, 2 inflated, 3 in all.
    private final ServesHarness serve = new ServesHarness(cop, new ServerLimits(ServerLimits.DEFAULT.admittance(),
            new ServerLimits.Sizes(64 << 10, 1 << 20, 2 << 20, 3 << 20, 500), ServerLimits.Times.DEFAULT));

    /// After every test: the server answers, and nobody was told a token.
    @AfterEach
    void livesAndIsSilent() {
        cop.sim.set("latency", 0);
        cop.sim.set("silence", 0);
        assertEquals(200, serve.post(CHAT, body("say: still here")).status());
        String said = serve.log();
        for (String secret : List.of(simulator.GITHUB_TOKEN, ServesHarness.KEY, "tid=", "internal error", "bug in")) {
            assertFalse(said.contains(secret), secret + " in: " + said);
        }
        serve.close();
        cop.close();
    }

    private static String body(String prompt) {
        return "{\"model\":\"gpt-5.4\",\"messages\":[{\"role\":\"user\",\"content\":\"" + prompt + "\"}]}";
    }

    private String error(int status, ServesHarness.Answer answer) {
        assertEquals(status, answer.status(), answer.body());
        String message = answer.json().path("error").path("message").asString();
        assertFalse(message.isBlank() || message.contains("\n"), message);
        assertTrue(message.length() < 300, message);
        return message;
    }

    private ServesHarness.Answer gzip(byte[] body) throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(body);
        }
        return serve.send("POST", CHAT, packed.toByteArray(), "Content-Encoding", "gzip");
    }

    // ------------------------------------------------------------------------------------ framing

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"gzip, chunked|501", "chunked, gzip|400", "identity|400", "xchunked|400",
            "chunked, chunked|400"})
    void otherCodings(String coding, int status) {
        try (var raw = serve.raw()) {
            raw.write("POST " + CHAT + " HTTP/1.1\nHost: localhost\nAuthorization: Bearer " + ServesHarness.KEY
                    + "\nContent-Type: application/json\nTransfer-Encoding: " + coding
                    + "\n\n0\n\nGET /x HTTP/1.1\n\n");
            String answer = raw.rest();
            assertTrue(answer.startsWith("HTTP/1.1 " + status), answer);
            assertEquals(1, answer.split("HTTP/1.1 [0-9]").length - 1, answer);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1\n", "zz\n", "fffffffffffffffff\n", "5\nabcdeXX0\n\n", " 5\nabcde\n0\n\n",
            "0x5\nabcde\n0\n\n"})
    void brokenChunks(String chunks) {
        try (var raw = serve.raw()) {
            raw.write("POST " + CHAT + " HTTP/1.1\nHost: localhost\nAuthorization: Bearer " + ServesHarness.KEY
                    + "\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n" + chunks);
            assertTrue(raw.rest().startsWith("HTTP/1.1 400"));
        }
    }

    @Test
    void aLongChunkHeader() {
        try (var raw = serve.raw()) {
            raw.write("POST " + CHAT + " HTTP/1.1\nHost: localhost\nAuthorization: Bearer " + ServesHarness.KEY
                    + "\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n5;" + "a".repeat(40_000) + "\n");
            String answer = raw.rest();
            assertTrue(answer.startsWith("HTTP/1.1 400") && answer.contains("chunk"), answer);
        }
    }

    // ------------------------------------------------------------------------------------ the log

    /// The log's lines are ours: no escape sequences, no forged lines, no turned text, nothing longer than a line.
    @Test
    void namesInTheLog() throws InterruptedException {
        error(404, serve.get("/v1/models/%1b%5b31m%0a%0dfake%E2%80%AE%00%C2%9B"));
        error(404, serve.post(CHAT, "{\"model\":\"\\u001b[2J\\nfake \\u202e\\u0000\",\"messages\":[]}"));
        try (var raw = serve.raw()) {
            raw.write("G".repeat(3000) + " /v1/models HTTP/1.1\nHost: localhost\nConnection: close\nAuthorization: "
                    + "Bearer " + ServesHarness.KEY + "\n\n");
            String answer = raw.rest();
            assertTrue(answer.startsWith("HTTP/1.1 405") && answer.length() < 900, answer);
        }
        for (int i = 0; i < 500 && serve.log().lines().count() < 3; i++) Thread.sleep(10);      // after the answer
        var lines = serve.log().lines().toList();
        assertEquals(3, lines.size(), lines::toString);
        for (String line : lines) {
            assertTrue(line.matches("[0-9]{2}:[0-9]{2}:[0-9]{2} .{1,400}"), line);
            assertFalse(line.matches(".*[\\p{Cntrl}\\p{Cf}\u0080-\u009f].*"), line);
        }
    }

    // ------------------------------------------------------------------------------------ bodies

    @ParameterizedTest
    @ValueSource(strings = {"1e999999999", "1e1000000000", "-1e400"})
    void numbersWithoutEnd(String number) {
        for (String path : List.of(CHAT, "/v1/responses", "/v1/messages")) {
            for (String model : List.of("gpt-5.4", "gpt-5.3-codex", "claude-sonnet-5", "gemini-3.8-flash")) {
                var answer = serve.post(path, "{\"model\":\"" + model + "\",\"max_tokens\":" + number
                        + ",\"max_output_tokens\":" + number + ",\"n\":" + number + ",\"input\":\"say: x\","
                        + "\"messages\":[{\"role\":\"user\",\"content\":\"say: x\"}]}");
                assertTrue(answer.status() < 500, path + " " + model + ": " + answer.body());
            }
        }
    }

    @Test
    void manyValues() {
        byte[] items = ("{\"model\":\"gpt-5.4\",\"messages\":[" + "1,".repeat(1_000_000) + "1]}").getBytes();
        assertTrue(assertThrows(ApiRefusal.class, () -> JsonSpan.of(items)).getMessage().contains(
                "more than 1000000 values"));
        assertTrue(error(400, serve.post(CHAT, "{\"model\":\"gpt-5.4\",\"messages\":" + "[".repeat(10_000)
                + "]".repeat(10_000) + "}")).contains("200 levels"));
    }

    /// A number of more digits, or none at all, is refused in words, not in those of the parser's settings.
    @ParameterizedTest
    @ValueSource(strings = {"NaN", "9999", "\"\u0001\"", "'x'"})
    void whatIsNotJson(String value) {
        String text = value.equals("9999") ? "9".repeat(5000) : value;
        String message = error(400, serve.post(CHAT, "{\"model\":\"gpt-5.4\",\"x\":" + text + "}"));
        assertTrue(message.startsWith("the request body is not valid JSON: "), message);
        assertFalse(message.matches(".*(Feature|Constraints).*"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-32"})
    void otherCharsets(String charset) {
        assertTrue(error(400, serve.send("POST", CHAT, body("x").getBytes(Charset.forName(charset))))
                .contains("not UTF-8"));
    }

    /// What bombs become counts as memory while it grows, so that many at once are refused sooner.
    @Test
    void compressedBombs() throws Exception {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            for (int i = 0; i < 30; i++) out.write(new byte[1 << 20]);
        }
        var bomb = packed.toByteArray();
        error(413, serve.send(serve.request("POST", CHAT, bomb, "Content-Encoding", "gzip")).get(30, TimeUnit.SECONDS));
        var all = IntStream.range(0, 8).mapToObj(_ -> serve.send(serve.request("POST", CHAT, bomb, "Content-Encoding",
                "gzip"))).toList();
        for (var each : all) {                              // too large alone, or together with the others
            int status = each.get(30, TimeUnit.SECONDS).status();
            assertTrue(status == 413 || status == 503, () -> "status " + status);
        }
        error(400, gzip(bomb));                             // nested: inflated once
        assertEquals(200, gzip(body("say: packed").getBytes(StandardCharsets.UTF_8)).status());
    }

    /// Large requests are limited together: as many as there are places would not fit into memory.
    @Test
    void largeTogether() throws Exception {
        cop.sim.set("latency", 700);
        var large = body("x".repeat(600_000)).getBytes(StandardCharsets.UTF_8);
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(large);
        }
        var all = IntStream.range(0, 16).mapToObj(_ -> serve.send(serve.request("POST", CHAT, packed.toByteArray(),
                "Content-Encoding", "gzip"))).toList();
        var statuses = new TreeMap<Integer, Integer>();
        for (var each : all) statuses.merge(each.get(60, TimeUnit.SECONDS).status(), 1, Integer::sum);
        assertTrue(statuses.containsKey(503) && statuses.getOrDefault(500, 0) == 0, statuses::toString);
        for (int i = 0; i < 3; i++) assertTrue(gzip(large).status() < 500);         // the memory was given back
    }

    // ------------------------------------------------------------------------------------ sockets

    /// A client that hardly reads stops the stream from Copilot; it does not fill the memory.
    @Test
    void aClientThatHardlyReads() throws Exception {
        try (var raw = serve.raw()) {
            raw.socket.setReceiveBufferSize(4096);
            raw.post(CHAT, "{\"model\":\"gpt-5.4\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"say: "
                    + "word ".repeat(20_000) + "\"}]}");
            for (int i = 0; i < 20; i++) assertTrue(raw.socket.getInputStream().read() >= 0);
            System.gc();
            long before = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
            for (int i = 0; i < 10; i++) {
                Thread.sleep(20);
                assertTrue(raw.socket.getInputStream().read() >= 0);
            }
            System.gc();
            long more = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory() - before;
            assertTrue(more < 64 << 20, more + " bytes more");
        }
        for (long end = System.nanoTime() + 5_000_000_000L; serve.backend.admission().running() > 0; Thread.sleep(5)) {
            assertTrue(System.nanoTime() < end, "its place is still taken");
        }
    }

    /// Hundreds of connections that send nothing, half a head, half a body, or TLS, and leave: none stays.
    @Test
    void noConnectionStays() throws Exception {
        var begins = List.of("", "GET ", "POST " + CHAT + " HTTP/1.1\r\nHost: localhost\r\nContent-Le", "POST " + CHAT
                + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + ServesHarness.KEY + "\r\nContent-Type: "
                + "application/json\r\nContent-Length: 1000\r\n\r\n{", "\u0016\u0003\u0001\u0002\u0000\u0001",
                "\r\n\r\n");
        var sockets = new ArrayList<ServesHarness.Raw>();
        for (int i = 0; i < 300; i++) sockets.add(serve.raw().write(begins.get(i % begins.size()).replace("\r", "")));
        for (int i = 0; i < sockets.size(); i++) {
            if (i % 2 == 0) sockets.get(i).reset();
            else sockets.get(i).close();
        }
        for (long end = System.nanoTime() + 5_000_000_000L; serve.server.open() > 0; Thread.sleep(5)) {
            assertTrue(System.nanoTime() < end, () -> serve.server.open() + " connections stay");
        }
        assertEquals(0, serve.backend.admission().running() + serve.backend.admission().queued());
    }
}
