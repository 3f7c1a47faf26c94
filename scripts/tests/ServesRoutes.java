package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Models, embeddings, counts, quiet paths and the page, as clients get them from the server.
class ServesRoutes {
    private static final String KEY = "a-key-for-the-tests";

    private final Harness cop = Harness.loggedIn();
    private final StringWriter err = new StringWriter();
    private final HttpClient http = HttpClient.newHttpClient();
    private LocalServer server;
    private HttpSender upstream;
    private String base;

    @BeforeEach
    void serve() {
        var env = cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE), new PrintWriter(
                Writer.nullWriter()), new PrintWriter(err));
        var console = new Console(env);
        var copilot = new CopilotClient(new Context(console, Home.of(env), Host.of("COP_HOST", cop.sim.url()),
                Headers.parse(null, List.of()), upstream = new HttpSender(console, Duration.ofSeconds(10))));
        var meter = new RequestMeter(console, false);
        var limits = ServerLimits.DEFAULT;
        server = new LocalServer(new LocalServer.Setup(AccessRules.of(KEY, List.of(), List.of()), serve.routes(
                Backend.of(copilot, limits, meter)), limits, meter, console));
        base = "http://127.0.0.1:" + server.listen(new InetSocketAddress(
                InetAddress.ofLiteral("127.0.0.1"), 0)).getPort();
    }

    @AfterEach
    void close() {
        http.shutdownNow();
        server.close();
        upstream.close();
        cop.close();
    }

    private HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create(base + path)).header("x-api-key", KEY).timeout(Duration.ofSeconds(20));
    }

    private HttpResponse<String> sent(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private HttpResponse<String> get(String path) { return sent(to(path)); }

    private HttpResponse<String> post(String path, String body) {
        return sent(to(path).header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(
                body.replace('\'', '"'))));
    }

    private static ObjectNode json(HttpResponse<String> response) { return Json.object(response.body(), "a test"); }

    private static List<String> ids(JsonNode page) {
        return page.path("data").valueStream().map(model -> Json.text(model, "id")).toList();
    }

    // -------------------------------------------------------------------------------------------------- models

    @ParameterizedTest
    @ValueSource(strings = {"/v1/models", "/models", "/v1/models?limit=1000", "/v1/models?limit=5"})
    void modelsAreListed(String path) {
        var response = get(path);
        assertEquals(200, response.statusCode());
        var all = ids(json(response));
        assertTrue(path.endsWith("=5") ? all.size() == 5 : all.contains("claude-sonnet-5"), all::toString);
    }

    /// Row 20: openai/codex #35758, #37393.
    @Test
    void codexGetsItsShape() {
        var catalog = json(get("/v1/models?client_version=0.171.0"));
        assertEquals(Set.of("models"), Set.copyOf(catalog.propertyNames()));
        assertEquals("gpt-5-mini", Json.text(catalog.path("models").path(0), "slug"));
    }

    @ParameterizedTest
    @CsvSource({"/v1/models/claude-sonnet-5, 200, claude-sonnet-5", "/models/gpt-5-mini, 200, gpt-5-mini",
            "/v1/models/claude-haiku-4-5-20251001, 200, claude-haiku-4.5",
            "/v1/models/text-embedding-3-small, 200, text-embedding-3-small",
            "/v1/models/claude%2Dsonnet%2D5, 200, claude-sonnet-5", "/v1/models/claude-opus-5, 404, ''",
            "/v1/models/%ZZ, 404, ''"})
    void oneModelIsDescribed(String path, int status, String id) {
        var response = raw("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: " + KEY
                + "\r\nConnection: close\r\n\r\n");
        assertEquals(status, Integer.parseInt(response.substring(9, 12)), response);
        assertTrue(response.contains(id.isEmpty() ? "not_found" : "\"id\":\"" + id + "\""), response);
    }

    /// Sends bytes as they are; the JDK's client refuses some.
    private String raw(String request) {
        try (var socket = new Socket("127.0.0.1", URI.create(base).getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void anUnknownModelIsNotFoundWithANearName() {
        var response = get("/v1/models/claude-sonet-5");
        assertEquals(404, response.statusCode());
        assertTrue(response.body().contains("did you mean claude-sonnet-5?"), response::body);
    }

    @Test
    void theListIsReadOncePerHour() {
        for (int i = 0; i < 5; i++) get("/v1/models");
        assertEquals(1, cop.sim.count("/models"));
        cop.time.advance(Duration.ofMinutes(61));
        get("/v1/models");
        assertEquals(2, cop.sim.count("/models"));
    }

    // ---------------------------------------------------------------------------------------------- embeddings

    /// Row 12: ericc-ch/copilot-api #59, #100.
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"'a cat' | 1", "['a cat','a dog'] | 2",
            "[64,8415] | 1", "[[64,8415],[64,5679]] | 2"})
    void embeddingsTakeWhatOpenAisDo(String input, int texts) {
        var floats = post("/v1/embeddings", "{'model':'text-embedding-3-small','dimensions':4,'input':" + input + "}");
        assertEquals(200, floats.statusCode(), floats::body);
        assertEquals(texts, json(floats).path("data").size());
        var packed = json(post("/embeddings", "{'model':'text-embedding-3-small','dimensions':4,'encoding_format':"
                + "'base64','input':" + input + "}"));
        var bytes = Base64.getDecoder().decode(Json.text(packed.path("data").path(0), "embedding"));
        var first = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals((float) json(floats).path("data").path(0).path("embedding").path(0).asDouble(), first.getFloat());
        assertEquals(16, bytes.length);
        assertTrue(cop.requests("/embeddings").stream().allMatch(entry -> entry.body().path("input").valueStream()
                .allMatch(JsonNode::isString) && !entry.body().has("encoding_format")));
    }

    @Test
    void whatEmbeddingsCostIsNoted() {
        post("/v1/embeddings", "{'model':'text-embedding-3-small','input':'" + "word ".repeat(3000) + "'}");
        Harness.await("the line", () -> err.toString().contains("POST /v1/embeddings text-embedding-3-small 200"));
        String record = ".local/state/copilot.java/spent.jsonl";        // within a second
        Harness.await("the record", () -> Files.exists(cop.file(record)) && cop.read(record).contains(
                "text-embedding-3-small"));
    }

    @Test
    void anErrorOfCopilotsReachesTheClient() {
        cop.sim.set("embeddings-faults", "429:7");
        var response = post("/v1/embeddings", "{'model':'text-embedding-3-small','input':'a'}");
        assertEquals(429, response.statusCode(), response::body);
        assertEquals("7", response.headers().firstValue("retry-after").orElse(""));
        assertFalse(Json.text(json(response).path("error"), "message").isEmpty(), response::body);
        assertEquals(1, cop.sim.count("/embeddings"));
    }

    // ------------------------------------------------------------------------------------------------- counting

    private static final String QUESTION = "'messages':[{'role':'user','content':'say: hello there'}]}";

    /// Row 10: ericc-ch/copilot-api #210.
    @Test
    void copilotCountsForItsClaudes() {
        var response = post("/v1/messages/count_tokens?beta=true", "{'model':'claude-sonnet-5'," + QUESTION);
        assertEquals("{\"input_tokens\":4}", response.body());
        assertTrue(response.headers().firstValue("x-copilot-estimate").isEmpty());
        assertEquals("claude-sonnet-5", Json.text(cop.last("/v1/messages/count_tokens").body(), "model"));
        assertEquals(200, post("/v1/messages/count_tokens", "{'model':'claude-haiku-4-5-20251001'," + QUESTION)
                .statusCode());
        assertEquals("claude-haiku-4.5", Json.text(cop.last("/v1/messages/count_tokens").body(), "model"));
    }

    @Test
    void othersAreEstimatedAndMarked() {
        var response = post("/v1/messages/count_tokens", "{'model':'gpt-5-mini'," + QUESTION);
        assertEquals("true", response.headers().firstValue("x-copilot-estimate").orElse(""));
        assertTrue(json(response).path("input_tokens").asInt() >= 3, response::body);
        assertEquals(0, cop.sim.count("/v1/messages/count_tokens"));
    }

    @Test
    void aFailedCountIsTheRealErrorAndNeverANumber() {
        var response = post("/v1/messages/count_tokens", "{'model':'claude-sonnet-5','messages':[]}");
        assertEquals(400, response.statusCode());
        assertEquals("error invalid_request_error", Json.text(json(response), "type") + " " + Json.text(json(response)
                .path("error"), "type"));
        assertTrue(response.body().contains("at least one message is required"), response::body);
        assertEquals(404, post("/v1/messages/count_tokens", "{'model':'claude-9'," + QUESTION).statusCode());
        assertEquals(400, post("/v1/messages/count_tokens", "{'messages':[]}").statusCode());
    }

    // ------------------------------------------------------------------------------------------ quiet and others

    /// Row 30: CLIProxyAPI #510.
    @Test
    void whatClientsSendOnTheirOwnIsQuiet() {
        assertEquals(200, sent(to("/").method("HEAD", HttpRequest.BodyPublishers.noBody())).statusCode());
        assertEquals(200, post("/api/event_logging/batch", "{'events':[]}").statusCode());
        assertEquals(200, get("/livez").statusCode());
        assertEquals(401, sent(HttpRequest.newBuilder(URI.create(base + "/"))).statusCode());
        assertEquals("", err.toString());
    }

    @Test
    void anUnknownPathIsInTheClientsWords() {
        var openai = get("/v1/batches");
        assertEquals("404 not_found", openai.statusCode() + " " + Json.text(json(sent(HttpRequest.newBuilder(URI.create(
                base + "/v1/batches")).header("Authorization", "Bearer " + KEY))).path("error"), "code"));
        var anthropic = json(sent(to("/v1/files").header("anthropic-version", "2023-06-01")));
        assertEquals("error not_found_error", Json.text(anthropic, "type") + " " + Json.text(anthropic.path("error"),
                "type"));
    }

    // ------------------------------------------------------------------------------ what real clients have sent

    private static final String AGENTS = "'tools':[{'type':'namespace','name':'multi_agent_v1','description':'Agents',"
            + "'tools':[{'type':'function','name':'spawn','strict':false,'parameters':{'type':'object'}}]},"
            + "{'type':'web_search'}]";

    /// Codex 0.171.0 with a model of another vendor.
    @Test
    void codexsNamespacesBecomeFunctionsAndComeBack() {
        String input = "{'type':'message','role':'user','content':[{'type':'input_text','text':"
                + "'call: multi_agent_v1__spawn {}'}]}";
        var call = json(post("/v1/responses", "{'model':'claude-sonnet-5'," + AGENTS + ",'client_metadata':{'a':'b'},"
                + "'input':[" + input + "]}")).path("output").valueStream().filter(item -> Json.text(item, "type")
                .equals("function_call")).findFirst().orElseThrow();
        assertEquals("multi_agent_v1 spawn", Json.text(call, "namespace") + " " + Json.text(call, "name"));
        var again = post("/v1/responses", "{'model':'claude-sonnet-5'," + AGENTS + ",'input':[" + input + ","
                + Json.compact(call) + ",{'type':'function_call_output','call_id':'" + Json.text(call, "call_id")
                + "','output':'done'}]}");
        assertEquals(200, again.statusCode(), again::body);
        assertTrue(Json.compact(cop.last("/v1/messages").body()).contains("\"name\":\"multi_agent_v1__spawn\""));
        assertEquals(200, post("/v1/responses", "{'model':'gpt-5.3-codex','client_metadata':{'a':'b'},"
                + "'input':'say: a'}").statusCode());
        assertFalse(cop.last("/responses").body().has("client_metadata"));
    }

    /// The AI SDK's Anthropic provider, which knows no id with a dot.
    @Test
    void moreTokensThanAModelHasAreLowered() {
        var response = post("/v1/messages", "{'model':'claude-haiku-4.5','max_tokens':128000," + QUESTION);
        assertEquals(200, response.statusCode(), response::body);
        assertEquals(64_000, cop.last("/v1/messages").body().path("max_tokens").asInt());
    }

    // -------------------------------------------------------------------------------------------- copilot.java

    /// Copilot.java in a container, with the key in the place of a login.
    @Test
    void copilotJavaItselfIsAClient() {
        cop.with("COPILOT_GITHUB_TOKEN", KEY).with("COP_HOST", base);
        for (String model : List.of("gpt-5-mini", "claude-sonnet-5", "gpt-5.3-codex")) {
            assertEquals("hello there\n", cop.ok("chat", "-m", model, "say: hello there").out());
        }
        assertEquals("{\"a\": 7}\n", cop.ok("chat", "--no-stream", "--schema", "a int", "say: {\"a\": 7}").out());
        assertTrue(cop.ok("models").out().contains("gpt-5.3-codex\tOpenAI\t400k"));
        assertEquals(1, cop.ok("embed", "a cat").out().lines().count());
        assertEquals(1, cop.sim.count("/copilot_internal/v2/token"), "the server's own exchange");
    }

    @Test
    void theExchangeAnswersTheKeyThatItWasSent() {
        var exchange = sent(HttpRequest.newBuilder(URI.create(base + "/copilot_internal/v2/token")).header(
                "Authorization", "token " + KEY));
        assertEquals(KEY, Json.text(json(exchange), "token"));
        assertEquals(base, Json.text(json(exchange).path("endpoints"), "api"));
        assertEquals(401, sent(HttpRequest.newBuilder(URI.create(base + "/copilot_internal/v2/token")).header(
                "Authorization", "token wrong")).statusCode());
    }

    // ----------------------------------------------------------------------------------------------------- page

    @Test
    void thePageTakesTheKeyAsAPassword() {
        var request = HttpRequest.newBuilder(URI.create(base + "/"));
        var without = sent(request.copy());
        assertEquals(401, without.statusCode());
        assertTrue(without.headers().firstValue("www-authenticate").orElse("").startsWith("Basic "));
        var basic = Base64.getEncoder().encodeToString(("anyone:" + KEY).getBytes(StandardCharsets.UTF_8));
        var page = sent(request.copy().header("Authorization", "Basic " + basic));
        assertEquals(200, page.statusCode());
        assertTrue(page.headers().firstValue("content-security-policy").orElse("").startsWith("default-src 'none'"));
        assertTrue(page.headers().firstValue("set-cookie").isEmpty() && !page.body().contains(KEY));
        assertTrue(page.body().contains("<code>" + base + "/v1</code>"), page::body);
        var wrong = Base64.getEncoder().encodeToString("anyone:wrong".getBytes(StandardCharsets.UTF_8));
        assertEquals(401, sent(request.copy().header("Authorization", "Basic " + wrong)).statusCode());
        // elsewhere, a password that the browser remembers must not do
        assertEquals(401, sent(HttpRequest.newBuilder(URI.create(base + "/v1/models")).header("Authorization",
                "Basic " + basic)).statusCode());
    }

    /// Row 31: ericc-ch/copilot-api on Free accounts.
    @Test
    void aFreeAccountHasAPageAndAuto() {
        cop.sim.set("plan", "free");
        assertTrue(get("/").body().contains("<code>auto</code>"));
        assertEquals(List.of("auto"), ids(json(get("/v1/models"))));
        var answer = post("/v1/chat/completions", "{'model':'auto'," + QUESTION);
        assertEquals(200, answer.statusCode(), answer::body);
        assertEquals("hello there", Json.text(json(answer).path("choices").path(0).path("message"), "content"));
    }

    /// Row 8: every peer that listens on all interfaces.
    @Test
    void nothingListensElsewhere() throws IOException {
        int port = URI.create(base).getPort();
        for (var network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            for (var address : Collections.list(network.getInetAddresses())) {
                if (address.equals(InetAddress.ofLiteral("127.0.0.1")) || address.isLinkLocalAddress()) continue;
                try (var socket = new Socket()) {
                    socket.connect(new InetSocketAddress(address, port), 500);
                    throw new AssertionError("it listens on " + address);
                } catch (ConnectException | SocketTimeoutException _) {
                    // as it should be
                }
            }
        }
    }
}
