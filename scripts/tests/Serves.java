package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// `serve`: what passes, what is told, who waits, and who has left. Numbers are rows of the list of complaints about
/// other such servers.
class Serves {
    private static final String CHAT = "/v1/chat/completions", RESPONSES = "/v1/responses", MESSAGES = "/v1/messages";

    private final Harness cop = Harness.loggedIn();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (var each : open.reversed()) each.close();
        cop.close();
    }

    private ServesHarness serve() { return kept(new ServesHarness(cop)); }

    private ServesHarness serve(ServerLimits limits) { return kept(new ServesHarness(cop, limits)); }

    private <T extends AutoCloseable> T kept(T each) {
        open.add(each);
        return each;
    }

    /// Returns a body for one of the three paths.
    static String body(String path, String text, boolean stream) {
        String model = path.equals(MESSAGES) ? "claude-sonnet-5" : "gpt-5-mini";
        return "{\"model\":\"" + model + "\",\"stream\":" + stream + "," + (path.equals(RESPONSES) ? "\"input\":\""
                + text + "\"" : "\"max_tokens\":1000,\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]")
                .replace(path.equals(CHAT) ? "\"max_tokens\":1000," : " ", path.equals(CHAT) ? "" : " ") + "}";
    }

    private static String text(String path, JsonNode answer) {
        return Json.text(switch (path) {
            case CHAT -> answer.path("choices").path(0).path("message").path("content");
            case RESPONSES -> answer.path("output").path(0).path("content").path(0).path("text");
            default -> answer.path("content").path(0).path("text");
        });
    }

    private static class Json {
        static String text(JsonNode node) { return node.asString(""); }
    }

    // ------------------------------------------------------------------------------------ what passes

    @ParameterizedTest
    @ValueSource(strings = {CHAT, RESPONSES, MESSAGES})
    void answersPass(String path) {
        var serve = serve();
        var whole = serve.post(path, body(path, "say: hello", false));
        assertEquals(200, whole.status(), whole::body);
        assertEquals("hello", text(path, whole.json()), whole::body);
        assertEquals("application/json", whole.header("content-type"));

        var streamed = serve.post(path, body(path, "say: hello", true));
        assertEquals(200, streamed.status(), streamed::body);
        assertTrue(streamed.header("content-type").startsWith("text/event-stream"));
        assertEquals("no-cache", streamed.header("cache-control"));
        assertTrue(streamed.body().contains("hello"), streamed::body);
        assertTrue(streamed.body().contains(switch (path) {
            case CHAT -> "data: [DONE]";
            case RESPONSES -> "event: response.completed";
            default -> "event: message_stop";
        }), streamed::body);
        assertEquals(2, cop.chats().size());
        assertTrue(serve.log().contains("POST " + path), serve::log);
        assertFalse(serve.log().contains("hello"), serve::log);
    }

    @Test
    void pathsWithoutVersion() {
        var serve = serve();
        assertEquals(200, serve.post("/chat/completions", body(CHAT, "say: hello", false)).status());
        assertEquals(200, serve.post("/v1/messages?beta=true", body(MESSAGES, "say: hello", false)).status());
    }

    /// 26: a Java program offers HTTP/2 with its first request, whose body some servers then lose; curl does not.
    @Test
    void anOfferOfHttp2IsIgnored() {
        var serve = serve();
        try (var client = serve.raw()) {
            client.write("POST " + CHAT + " HTTP/1.1\nHost: localhost\nConnection: Upgrade, HTTP2-Settings\n"
                    + "Upgrade: h2c\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\nAuthorization: Bearer "
                    + ServesHarness.KEY + "\nContent-Type: application/json\n");
            String body = body(CHAT, "say: hello", false);
            client.write("Content-Length: " + body.length() + "\n\n" + body);
            assertTrue(client.until("\r\n").startsWith("HTTP/1.1 200 "));
            assertTrue(client.until("hello").contains("hello"));
        }
    }

    /// 4: silence is survived, with signs of life of each protocol's kind; events that clients do not know stay away.
    @ParameterizedTest
    @CsvSource({CHAT + ", ': keep-alive'", RESPONSES + ", ': keep-alive'", MESSAGES + ", 'event: ping'"})
    void silentStreams(String path, String sign) {
        cop.sim.set("silence", 900);
        var serve = serve();
        String body = serve.post(path, body(path, "say: hello to all of you", true)).body();
        int signs = body.split(Pattern.quote(sign), -1).length - 1;
        assertTrue(signs >= 4 && signs < 30, () -> signs + " in " + body);
        assertTrue(path.equals(MESSAGES) || !body.contains("event: ping"), body);
        // Claude Code has a watchdog that pings do not feed
        boolean filler = body.contains("\"text\":\"\"}}") || body.contains("\"text\": \"\"}}");
        assertTrue(!path.equals(MESSAGES) || filler, body);
        assertEquals("hello to all of you", streamed(path, body), body);
    }

    /// Returns the text of a stream.
    private static String streamed(String path, String body) {
        var field = Pattern.compile(switch (path) {
            case CHAT -> "\"content\":\"((?:[^\"\\\\]|\\\\.)*)\"";
            case RESPONSES -> "output_text.delta\".*\"delta\":\"((?:[^\"\\\\]|\\\\.)*)\"";
            default -> "\"text_delta\",\"text\":\"((?:[^\"\\\\]|\\\\.)*)\"";
        });
        return field.matcher(body).results().map(found -> found.group(1)).collect(Collectors.joining());
    }

    /// A client that reads slowly gets all of it, and others are served meanwhile.
    @Test
    void aSlowReader() throws Exception {
        var serve = serve();
        String words = IntStream.range(0, 12_000).mapToObj(i -> "w" + i).collect(Collectors.joining(" "));
        String body = body(CHAT, "say: " + words, true);
        try (var socket = new Socket()) {
            socket.setReceiveBufferSize(4096);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), serve.port));
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(("POST " + CHAT + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Authorization: Bearer " + ServesHarness.KEY + "\r\nContent-Type: application/json\r\n"
                    + "Content-Length: " + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.US_ASCII));
            Harness.await("a head", () -> cop.chats().size() == 1);
            assertEquals(200, serve.post(MESSAGES, body(MESSAGES, "say: hello", true)).status());
            assertFalse(serve.log().contains("POST " + CHAT), serve::log);
            socket.setReceiveBufferSize(1 << 20);
            var all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(all.contains("data: [DONE]"));
            assertEquals(words.replace(" ", ""), streamed(CHAT, all).replace(" ", ""));
        }
    }

    /// However a stream is cut into pieces, its events are those that the tool itself reads.
    @Test
    void events() throws IOException {
        var random = new Random(7);
        for (int round = 0; round < 300; round++) {
            var text = new StringBuilder(random.nextInt(5) == 0 ? "\uFEFF" : "");
            for (int i = random.nextInt(30); i > 0; i--) {
                text.append(List.of("data: a", "data:b", "data", "data:  é☃", "event: x", "event:y", ": c", "id: 1",
                        "", "", "dat: z", "database: no").get(random.nextInt(12))).append(List.of("\n", "\r\n",
                        "\r").get(random.nextInt(3)));
            }
            var bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            var expected = new ArrayList<String>();
            var reader = new EventStream(new ByteArrayInputStream(bytes));
            for (String data = reader.next(); data != null; data = reader.next()) expected.add(data);
            var events = new ArrayList<String>();
            var splitter = new EventSplitter((_, data) -> events.add(new String(data, StandardCharsets.UTF_8)));
            for (int at = 0; at < bytes.length; ) {
                int length = Math.min(bytes.length - at, random.nextInt(1, 9));
                splitter.accept(Arrays.copyOfRange(bytes, at, at + length), length);
                at += length;
            }
            splitter.end();
            assertEquals(expected, events, () -> text.toString().replace("\r", "␍").replace("\n", "␊"));
        }
    }

    // ------------------------------------------------------------------------------------ errors

    /// 9, 24: Copilot's status and words reach the client once, in its own envelope.
    @ParameterizedTest
    @CsvSource({"413, 413", "429:7, 429", "400-model_not_supported, 400", "403, 403", "503, 503",
            "502, 502", "466, 466", "402:30, 402", "json-in-string:400-model_not_supported, 400"})
    void errorsPass(String fault, int status) {
        var serve = serve();
        for (String path : List.of(CHAT, MESSAGES)) {
            cop.sim.set("faults", fault);
            var answer = serve.post(path, body(path, "say: hello", true));
            assertEquals(status, answer.status(), answer::body);
            var error = answer.json().path("error");
            String message = Json.text(error.path("message"));
            assertTrue(!message.isEmpty() && !message.startsWith("{"), answer::body);
            assertEquals(path.equals(MESSAGES) ? "error" : "", Json.text(answer.json().path("type")), answer::body);
            if (fault.contains(":7")) assertEquals("7", answer.header("retry-after"));
            if (fault.equals("466")) assertTrue(message.contains("API version is no longer supported"), message);
            serve.backend.admission().forget();
        }
        assertEquals(2, cop.chats().size(), "nothing is repeated");
    }

    /// 18: a member that a model refuses is left out once, and remembered.
    @Test
    void refusedMembers() {
        cop.sim.set("refuse", "seed");
        var serve = serve();
        String body = body(CHAT, "say: hello", false).replace("\"stream\"", "\"seed\":1,\"stream\"");
        assertEquals(200, serve.post(CHAT, body).status());
        assertEquals(2, cop.chats().size());
        assertEquals(200, serve.post(CHAT, body).status());
        assertEquals(3, cop.chats().size());
        assertFalse(cop.bodies().getLast().has("seed"));
    }

    /// 5, 25: a login that is lost while serving is not the client's key.
    @Test
    void aLostLogin() {
        var serve = serve();
        assertEquals(200, serve.post(CHAT, body(CHAT, "say: hello", false)).status());
        cop.sim.set("exchange", "bad-credentials");
        cop.sim.set("faults", "401-expired");
        var answer = serve.post(CHAT, body(CHAT, "say: hello", false));
        assertEquals(403, answer.status(), answer::body);
        assertTrue(answer.body().contains("login"), answer::body);
        assertEquals(403, serve.post(MESSAGES, body(MESSAGES, "say: hello", true)).status());
        assertEquals(401, serve.send("POST", CHAT, new byte[0], "Authorization", "Bearer wrong").status());
    }

    /// 5: a token that Copilot no longer takes is renewed once, and the request sent again.
    @Test
    void aTokenIsRenewed() {
        var serve = serve();
        serve.post(CHAT, body(CHAT, "say: hello", false));
        cop.sim.set("faults", "401-expired");
        assertEquals(200, serve.post(CHAT, body(CHAT, "say: hello", true)).status());
        assertEquals(2, cop.sim.count("/copilot_internal/v2/token"));
        assertEquals(3, cop.chats().size());
    }

    /// 5: many requests, after two hours, share one new token; an exchange that fails for a while stops none.
    @Test
    void oneExchangeForMany() {
        var serve = serve(ServesHarness.limits(20, 32, Duration.ofSeconds(60)));
        serve.post(CHAT, body(CHAT, "say: hello", false));
        cop.time.advance(Duration.ofHours(2));
        cop.sim.set("exchange-faults", "503,503,503");
        var answers = IntStream.range(0, 20).mapToObj(_ -> serve.send(serve.request("POST", CHAT, body(CHAT,
                "say: hello", false).getBytes(StandardCharsets.UTF_8)))).toList();
        answers.forEach(answer -> assertEquals(200, answer.join().status(), () -> answer.join().body()));
        assertEquals(5, cop.sim.count("/copilot_internal/v2/token"));
    }

    /// 6: the API's host is the one that the exchange names.
    @Test
    void theHostOfThePlan() {
        cop.sim.set("endpoints", "other");
        var serve = serve();
        var answer = serve.post(CHAT, body(CHAT, "say: hello", false));
        assertEquals(502, answer.status(), answer::body);
        cop.sim.set("endpoints", "api");
        assertEquals(200, serve.post(CHAT, body(CHAT, "say: hello", false)).status());
    }

    /// A stream that breaks off never looks complete, and says so in the protocol's own form.
    @ParameterizedTest
    @CsvSource({"reset-mid, " + CHAT, "eof, " + CHAT, "error-chunk, " + CHAT, "reset-mid, " + RESPONSES,
            "eof, " + RESPONSES, "error-chunk, " + RESPONSES, "reset-mid, " + MESSAGES, "eof, " + MESSAGES,
            "error-chunk, " + MESSAGES})
    void brokenStreams(String fault, String path) {
        var serve = serve();
        cop.sim.set("faults", fault);
        var answer = serve.post(path, body(path, "say: hello to all of you", true));
        assertEquals(200, answer.status(), answer::body);
        for (String end : List.of("[DONE]", "message_stop", "response.completed")) {
            assertFalse(answer.body().contains(end), answer::body);
        }
        String error = switch (path) {
            case CHAT -> "data: {\"error\":{";
            case RESPONSES -> "event: response.failed";
            default -> "event: error";
        };
        assertTrue(answer.body().contains(error) || path.equals(RESPONSES) && answer.body().contains("event: error"),
                answer::body);
        Harness.await("the problem in the log", () -> serve.log().lines().anyMatch(line -> line.contains("POST")
                && line.contains("Copilot")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"html-200", "eof-empty", "truncated-json", "reset-headers", "reset-mid"})
    void brokenAnswers(String fault) {
        var serve = serve();
        for (boolean stream : List.of(false, true)) {
            cop.sim.set("faults", fault);
            var answer = serve.post(CHAT, body(CHAT, "say: hello", stream));
            boolean begun = stream && !fault.equals("html-200");
            assertTrue(answer.status() == 502 || begun && answer.body().contains("\"error\""), () -> answer.status()
                    + answer.body());
        }
        assertEquals(200, serve.post(CHAT, body(CHAT, "say: hello", true)).status());
    }

    @Test
    void withoutANetwork() {
        var serve = serve();
        serve.post(CHAT, body(CHAT, "say: hello", false));
        cop.sim.close();
        var answer = serve.post(MESSAGES, body(MESSAGES, "say: hello", true));
        assertEquals(502, answer.status(), answer::body);
        assertEquals("api_error", Json.text(answer.json().path("error").path("type")));
    }

    // ------------------------------------------------------------------------------------ who waits

    /// 27: one after the other, in the order of arrival.
    @Test
    void oneAtATime() {
        cop.sim.set("latency", 200);
        var serve = serve(ServesHarness.limits(1, 32, Duration.ofSeconds(60)));
        serve.post(CHAT, body(CHAT, "say: 0", false));
        var answers = new ArrayList<CompletableFuture<ServesHarness.Answer>>();
        for (int i = 1; i <= 5; i++) {
            answers.add(serve.send(serve.request("POST", CHAT, body(CHAT, "say: " + i, false).getBytes(
                    StandardCharsets.UTF_8))));
            int waiting = i - 1;
            var admission = serve.backend.admission();
            Harness.await("a queue of " + waiting, () -> admission.running() == 1 && admission.queued() >= waiting
                    || answers.getFirst().isDone());
        }
        answers.forEach(answer -> assertEquals(200, answer.join().status()));
        assertEquals(IntStream.rangeClosed(0, 5).mapToObj(i -> "" + i).toList(), cop.prompts());
    }

    /// Who has been given a place takes none in the queue, even if its thread has not woken yet.
    @Test
    void whoIsAdmittedWaitsNoMore() throws Exception {
        var admission = new Admission(new ServerLimits.Admittance(1, 1, Duration.ofSeconds(30)));
        var first = admission.enter("m", () -> { });
        var second = new CompletableFuture<Admission.Lease>();
        Thread.startVirtualThread(() -> second.complete(admission.enter("m", () -> { })));
        Harness.await("the second", () -> admission.queued() == 1);
        first.close();
        assertEquals(0, admission.queued());
        assertEquals(1, admission.running());
        second.get(30, TimeUnit.SECONDS).close();
        assertEquals(0, admission.running());
    }

    @Test
    void aFullQueue() {
        var limits = ServesHarness.limits(1, 1, Duration.ofMillis(500));
        cop.sim.set("latency", 2500);
        var serve = serve(limits);
        var running = serve.send(serve.request("POST", CHAT, body(CHAT, "say: 1", false).getBytes(
                StandardCharsets.UTF_8)));
        Harness.await("the first", () -> serve.backend.admission().running() == 1);
        var waiting = serve.send(serve.request("POST", MESSAGES, body(MESSAGES, "say: 2", false).getBytes(
                StandardCharsets.UTF_8)));
        Harness.await("the second", () -> serve.backend.admission().queued() == 1);
        var third = serve.post(CHAT, body(CHAT, "say: 3", false));
        assertEquals(429, third.status(), third::body);
        assertEquals("queue_full", Json.text(third.json().path("error").path("code")));
        assertTrue(third.header("retry-after").matches("[1-9][0-9]?"), third.header("retry-after"));
        var late = waiting.join();
        assertEquals(429, late.status(), late::body);
        assertEquals("rate_limit_error", Json.text(late.json().path("error").path("type")));
        assertTrue(late.header("retry-after").matches("[1-9][0-9]?"), late.header("retry-after"));
        assertEquals(200, running.join().status());
    }

    /// A limit of Copilot's holds later requests for that model, and no other's.
    @Test
    void aLimitedModelWaits() {
        var serve = serve();
        cop.sim.set("faults", "429:1");
        assertEquals(429, serve.post(CHAT, body(CHAT, "say: 1", false)).status());
        long start = System.nanoTime();
        assertEquals(200, serve.post(MESSAGES, body(MESSAGES, "say: 2", false)).status());
        assertEquals(200, serve.post(CHAT, body(CHAT, "say: 3", false)).status());
        assertTrue(System.nanoTime() - start > 700_000_000, "it did not wait");

        cop.sim.set("faults", "429:90");
        assertEquals("90", serve.post(CHAT, body(CHAT, "say: 4", false)).header("retry-after"));
        int sent = cop.chats().size();
        var held = serve.post(CHAT, body(CHAT, "say: 5", false));
        assertEquals(429, held.status());
        assertTrue(held.header("retry-after").matches("90|8[0-9]"), held.header("retry-after"));
        assertEquals(sent, cop.chats().size());
    }

    @Test
    void aLimitedEmbeddingModelWaits() {
        var serve = serve();
        String body = "{\"model\": \"text-embedding-3-small\", \"input\": \"a cat\"}";
        cop.sim.set("embeddings-faults", "429:90");
        assertEquals(429, serve.post("/v1/embeddings", body).status());
        var held = serve.post("/v1/embeddings", body);
        assertEquals(429, held.status(), held::body);
        assertEquals(1, cop.requests("/embeddings").size());
    }

    // ------------------------------------------------------------------------------------ who has left

    /// 21: in every state, whether streamed or not, by a FIN or a reset.
    @ParameterizedTest
    @EnumSource(SilentCopilot.Reach.class)
    void aClientThatLeavesCancels(SilentCopilot.Reach reach) throws Exception {
        var copilot = kept(new SilentCopilot(reach));
        cop.with("COP_HOST", copilot.url());
        var serve = serve();
        for (boolean stream : List.of(true, false)) {
            for (boolean reset : List.of(true, false)) {
                for (String path : List.of(CHAT, MESSAGES)) {
                    var client = serve.raw().post(path, body(path, "hello", stream).replace("sonnet-5", "sonnet-4.5"));
                    var chat = copilot.chats.poll(20, TimeUnit.SECONDS);
                    assertTrue(chat != null, () -> serve.log() + copilot.heads);
                    if (stream && reach == SilentCopilot.Reach.FIRST_EVENT) client.until("data: {");
                    long start = System.nanoTime();
                    if (reset) client.reset();
                    else client.close();
                    long left = chat.left.get(20, TimeUnit.SECONDS) - start;
                    assertTrue(left < 1_000_000_000, () -> left / 1_000_000 + " ms");
                }
            }
        }
        Harness.await("an empty server", () -> serve.backend.admission().running() == 0 && serve.log().lines().filter(
                line -> line.contains("client gone")).count() == 8);
    }

    /// 21: one that waits leaves the queue, and nothing is sent for it.
    @Test
    void aClientThatLeavesTheQueue() throws Exception {
        var copilot = kept(new SilentCopilot(SilentCopilot.Reach.HEAD));
        cop.with("COP_HOST", copilot.url());
        var serve = serve(ServesHarness.limits(1, 32, Duration.ofSeconds(60)));
        var first = kept(serve.raw()).post(CHAT, body(CHAT, "hello", true));
        assertTrue(copilot.chats.poll(20, TimeUnit.SECONDS) != null);
        for (boolean reset : List.of(true, false)) {
            var second = serve.raw().post(MESSAGES, body(MESSAGES, "hello", false).replace("sonnet-5", "sonnet-4.5"));
            Harness.await("the second", () -> serve.backend.admission().queued() == 1);
            long start = System.nanoTime();
            if (reset) second.reset();
            else second.close();
            Harness.await("an empty queue", () -> serve.backend.admission().queued() == 0);
            assertTrue(System.nanoTime() - start < 1_000_000_000);
        }
        first.close();
        Harness.await("an empty server", () -> serve.backend.admission().running() == 0);
        assertTrue(copilot.chats.isEmpty());
    }

    /// 23: through a proxy, by the rules of `chat`.
    @Test
    void throughAProxy() throws Exception {
        var copilot = kept(new SilentCopilot(SilentCopilot.Reach.FIRST_EVENT));
        cop.with("COP_HOST", "http://copilot.example").with("http_proxy", copilot.url());
        var serve = serve();
        try (var client = serve.raw().post(CHAT, body(CHAT, "hello", true))) {
            client.until("hi");
        }
        assertTrue(copilot.heads.getLast().startsWith("POST http://copilot.example/chat/completions "));
    }

    /// Copilot's connection breaks while a client waits.
    @Test
    void aNetworkThatBreaks() throws Exception {
        var copilot = kept(new SilentCopilot(SilentCopilot.Reach.FIRST_EVENT));
        cop.with("COP_HOST", copilot.url());
        var serve = serve();
        try (var client = serve.raw().post(CHAT, body(CHAT, "hello", true))) {
            client.until("hi");
            copilot.drop();
            client.until("data: {\"error\":{");
        }
    }

    // ------------------------------------------------------------------------------------ the end

    /// A stream in flight may end; a request that comes later is refused.
    @Test
    void stopping() throws Exception {
        cop.sim.set("silence", 600);
        var serve = serve();
        var running = serve.send(serve.request("POST", CHAT, body(CHAT, "say: hello to all of you", true).getBytes(
                StandardCharsets.UTF_8)));
        Harness.await("a stream", () -> cop.chats().size() == 1);
        assertTrue(serve.server.stop(Duration.ofSeconds(10)));
        assertTrue(running.join().body().contains("[DONE]"));
    }

    /// How a translator fails at the second event, and is asked to end its stream.
    private enum Defect { WITH_WORDS, WITHOUT, TWICE }

    /// A defect of ours in the middle of a stream: the client gets what came before, as slowly as it may read, and is
    /// told in its own form; and so are we.
    @ParameterizedTest
    @EnumSource(Defect.class)
    void aDefectInAStream(Defect defect) throws Exception {
        var serve = serve();
        var setup = serve.setup;
        Route route = exchange -> new StreamRelay(exchange, exchange.stream(200, Map.of()), new Defective(
                exchange.protocol(), defect), setup.limits().times().signs()).copy(stream("data: 1\n\ndata: 2\n\n"));
        var routes = new Routes();
        for (String path : List.of(CHAT, RESPONSES, MESSAGES)) routes.add("POST", path, route);
        try (var server = new LocalServer(new LocalServer.Setup(setup.access(), routes, setup.limits(), setup.meter(),
                setup.console()))) {
            int port = server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)).getPort();
            for (var form : Map.of(CHAT, "data: {\"error\":{", RESPONSES, "event: response.failed", MESSAGES,
                    "event: error").entrySet()) {
                try (var client = serve.raw(port).write("POST " + form.getKey() + " HTTP/1.1\nHost: localhost\n"
                        + "Connection: close\nAuthorization: Bearer " + ServesHarness.KEY
                        + "\nContent-Type: application/json\nContent-Length: 2\n\n{}")) {
                    String all = client.rest();
                    int before = all.indexOf(Defective.LONG), error = all.indexOf(form.getValue());
                    assertTrue(0 < before && before < error && all.indexOf("internal error in serve") > error,
                            form.getKey() + " " + all.length() + " " + before + " " + error);
                }
            }
        }
        Harness.await("reports", () -> serve.log().split("a defect of the test", -1).length > 3);
    }

    /// Returns a stream that arrives at once.
    private static ApiResponse stream(String events) {
        var body = new StreamingBody(Duration.ofSeconds(20), 0);
        body.onNext(List.of(ByteBuffer.wrap(events.getBytes(StandardCharsets.UTF_8))));
        body.onComplete();
        return new ApiResponse(200, java.net.http.HttpHeaders.of(Map.of(), (_, _) -> true), body);
    }

    private static final class Defective implements StreamTranslator {
        static final String LONG = "data: " + "before ".repeat(500_000) + "\n\n";
        private final ApiProtocol protocol;
        private final Defect defect;
        private boolean begun;

        Defective(ApiProtocol protocol, Defect defect) {
            this.protocol = protocol;
            this.defect = defect;
        }

        @Override
        public byte[] event(String name, byte[] data) {
            if (begun) throw new IllegalStateException("a defect of the test");
            begun = true;
            return LONG.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public byte[] end() { return NOTHING; }

        @Override
        public boolean isBroken() { return false; }

        @Override
        public byte[] failed(ApiRefusal why) {
            return switch (defect) {
                case WITH_WORDS -> protocol.broken(why);
                case WITHOUT -> NOTHING;                    // believes that it has sent the end
                case TWICE -> throw new IllegalStateException("another");
            };
        }
    }

    /// The second Ctrl-C: what is in flight ends at once, with an error.
    @Test
    void aborting() throws Exception {
        var copilot = kept(new SilentCopilot(SilentCopilot.Reach.FIRST_EVENT));
        cop.with("COP_HOST", copilot.url());
        var serve = serve();
        try (var stream = serve.raw().post(CHAT, body(CHAT, "hello", true));
                var message = serve.raw().post(MESSAGES, body(MESSAGES, "hello", true).replace("sonnet-5",
                "sonnet-4.5"))) {
            stream.until("hi");
            message.until("message_start");
            assertFalse(serve.server.stop(Duration.ofMillis(50)));
            serve.server.abort();
            assertTrue(stream.rest().contains("{\"error\":{\"message\":\"the server is stopping\""));
            assertTrue(message.rest().contains("event: error\r\ndata: ".replace("\r", "")));
        }
    }
}
