package cop;

import module java.base;

import cop.copilot.Usage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// What stands around the server of `serve`: models, embeddings, counts, the key, settings of clients, the meter and
/// the page.
class ServesClients {
    private static final String BASE = "http://127.0.0.1:4141";

    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private CopilotClient client() { return cop.toolkit().copilot(); }

    private ModelList list() { return client().models().list(Duration.ZERO); }

    private ModelDocuments documents() { return new ModelDocuments(list()); }

    private static ObjectNode json(String text) { return Json.object(text.replace('\'', '"'), "a test"); }

    private static List<String> ids(JsonNode page) {
        return page.path("data").valueStream().map(model -> Json.text(model, "id")).toList();
    }

    // -------------------------------------------------------------------------------------------------- models

    @Test
    void oneDocumentIsForBothApis() {
        var page = documents().page(Map.of());
        assertEquals("list", Json.text(page, "object"));
        assertFalse(page.path("has_more").asBoolean());
        var all = ids(page);
        assertEquals(List.of(all.getFirst(), all.getLast()), List.of(Json.text(page, "first_id"), Json.text(page,
                "last_id")));
        assertTrue(all.containsAll(List.of("gpt-5-mini", "gpt-5.3-codex", "claude-sonnet-5", "gemini-3.8-flash")));
        var unusable = List.of("claude-opus-5", "text-embedding-3-small", "gpt-4o-copilot", "gpt-4", "auto-model-3");
        unusable.forEach(id -> assertFalse(all.contains(id), id));      // disabled, not for chats, hidden
        assertEquals(all.size(), Set.copyOf(all).size());
        for (var model : page.path("data")) {
            assertEquals("model model", Json.text(model, "object") + " " + Json.text(model, "type"));
            assertTrue(model.path("created").isIntegralNumber() && !Json.text(model, "owned_by").isEmpty()
                    && !Json.text(model, "display_name").isEmpty(), model::toString);
            assertEquals(model.path("created").asLong(), Instant.parse(Json.text(model, "created_at"))
                    .getEpochSecond());
        }
        var mini = documents().one("gpt-5-mini").orElseThrow();
        assertEquals("2025-08-07T00:00:00Z", Json.text(mini, "created_at"));
        assertEquals("264000 128000 64000", mini.path("context_window").asString() + " " + mini.path(
                "max_input_tokens").asString() + " " + mini.path("max_tokens").asString());
        assertEquals("1970-01-01T00:00:00Z", Json.text(documents().one("claude-sonnet-5").orElseThrow(),
                "created_at"));
        assertTrue(documents().one("text-embedding-3-small").isPresent());
        assertTrue(documents().one("claude-opus-5").isEmpty());
    }

    @Test
    void theListHasPagesAsAnthropics() {
        var all = ids(documents().page(Map.of()));
        var first = documents().page(Map.of("limit", "2"));
        assertEquals(all.subList(0, 2), ids(first));
        assertTrue(first.path("has_more").asBoolean());
        var read = new ArrayList<String>();
        for (var page = first; ; page = documents().page(Map.of("limit", "2", "after_id", Json.text(page,
                "last_id")))) {
            read.addAll(ids(page));
            if (!page.path("has_more").asBoolean()) break;
        }
        assertEquals(all, read);
        assertEquals(all.subList(1, 3), ids(documents().page(Map.of("limit", "2", "before_id", all.get(3)))));
        assertEquals(all, ids(documents().page(Map.of("limit", "1000"))));
        assertEquals(all, ids(documents().page(Map.of("limit", "no number"))));
    }

    @Test
    void withoutModelsToNameThereIsAuto() {
        cop.sim.set("plan", "free");
        assertEquals(List.of("auto"), ids(documents().page(Map.of())));
    }

    /// The fields without which Codex rejects the list (openai/codex #35758), by its source of 2026-06.
    @Test
    void codexGetsItsOwnCatalog() {
        var required = List.of("slug", "display_name", "description", "supported_reasoning_levels", "shell_type",
                "visibility", "supported_in_api", "priority", "availability_nux", "upgrade", "base_instructions",
                "supports_reasoning_summaries", "support_verbosity", "default_verbosity", "apply_patch_tool_type",
                "truncation_policy", "supports_parallel_tool_calls", "experimental_supported_tools");
        var catalog = documents().codex();
        assertEquals(ids(documents().page(Map.of())), catalog.path("models").valueStream().map(model ->
                Json.text(model, "slug")).toList());
        for (var model : catalog.path("models")) {
            required.forEach(name -> assertTrue(model.has(name), () -> name + " is missing in " + model));
            assertFalse(Json.compact(model.path("supported_reasoning_levels")).contains("\"max\""));
        }
        var codex = catalog.path("models").valueStream().filter(model -> Json.text(model, "slug")
                .equals("gpt-5.3-codex")).findFirst().orElseThrow();
        assertEquals(272_000, codex.path("context_window").asInt());
        assertEquals("medium", Json.text(codex, "default_reasoning_level"));
        assertEquals("[\"text\",\"image\"]", Json.compact(codex.path("input_modalities")));
    }

    // ---------------------------------------------------------------------------------------------- embeddings

    private EmbeddingsRequest embeddings(String input, String more) {
        return EmbeddingsRequest.of(json("{'model':'text-embedding-3-small','input':" + input + more + "}"), list());
    }

    private List<JsonNode> sent(EmbeddingsRequest request) {
        return request.calls().stream().map(call -> client().send("POST", "/embeddings", Json.bytes(call),
                each -> each, ResponseHandler.json("embeddings"))).map(JsonNode.class::cast).toList();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"'a cat' | a cat", "['a cat','a dog'] | a cat/a dog",
            "[64,8415] | a cat", "[[64,8415],[64,5679]] | a cat/a dog", "['a cat',[64,5679]] | a cat/a dog"})
    void textsAndTokensBecomeAListOfTexts(String input, String texts) {
        assertEquals(List.of(texts.split("/")), embeddings(input, "").texts());
        assertEquals(texts.split("/").length, embeddings(input, "").answer(sent(embeddings(input, ""))).path("data")
                .size());
    }

    @Test
    void vectorsAreAnsweredAsFloatsOrInBase64() {
        var numbers = embeddings("'a cat'", ",'dimensions':3").answer(sent(embeddings("'a cat'", ",'dimensions':3")));
        var packed = embeddings("'a cat'", ",'dimensions':3,'encoding_format':'base64'");
        assertEquals("{\"model\":\"text-embedding-3-small\",\"input\":[\"a cat\"],\"dimensions\":3}".length(),
                Json.compact(packed.calls().getFirst()).length());
        var answer = packed.answer(sent(packed));
        var bytes = ByteBuffer.wrap(Base64.getDecoder().decode(Json.text(answer.path("data").path(0), "embedding")))
                .order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(12, bytes.capacity());
        for (var number : numbers.path("data").path(0).path("embedding")) {
            assertEquals((float) number.asDouble(), bytes.getFloat());
        }
        assertEquals("list embedding 0", Json.text(answer, "object") + " " + Json.text(answer.path("data").path(0),
                "object") + " " + answer.path("data").path(0).path("index").asInt(-1));
        assertTrue(answer.path("usage").path("prompt_tokens").asInt() > 0);
        assertEquals(answer.path("usage").path("prompt_tokens"), answer.path("usage").path("total_tokens"));
    }

    @Test
    void moreTextsThanCopilotTakesAreSentInTurn() {
        String input = IntStream.range(0, 1100).mapToObj(i -> "'text " + i + "'").collect(Collectors.joining(",", "[",
                "]"));
        var request = embeddings(input, ",'dimensions':3");
        assertEquals(List.of(512, 512, 76), request.calls().stream().map(call -> call.path("input").size()).toList());
        cop.sim.set("embeddings", "shuffled");
        var answer = request.answer(sent(request));
        assertEquals(1100, answer.path("data").size());
        var last = embeddings("'text 1099'", ",'dimensions':3");
        assertEquals(last.answer(sent(last)).path("data").path(0).path("embedding"), answer.path("data").path(1099)
                .path("embedding"));
        assertTrue(assertThrows(ApiRefusal.class, () -> embeddings("[" + "'a',".repeat(2048) + "'a']", ""))
                .getMessage().contains("2049 texts; 2048 are allowed"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "{'input':'a'} | 400 | model: a string is required",
            "{'model':'text-embedding-9','input':'a'} | 404 | use text-embedding-3-small",
            "{'model':'gpt-5-mini','input':'a'} | 400 | gpt-5-mini is not an embedding model",
            "{'model':'text-embedding-3-small'} | 400 | input: expected a string",
            "{'model':'text-embedding-3-small','input':[]} | 400 | input: expected a string",
            "{'model':'text-embedding-3-small','input':''} | 400 | input: the text is empty",
            "{'model':'text-embedding-3-small','input':['a',{}]} | 400 | input[1]: expected a string or a list",
            "{'model':'text-embedding-3-small','input':['a','']} | 400 | input[1]: the text is empty",
            "{'model':'text-embedding-3-small','input':[[1.5]]} | 400 | input: expected a list of integers",
            "{'model':'text-embedding-3-small','input':[999999999]} | 400 | has numbers that are not tokens of cl100k",
            "{'model':'text-embedding-3-small','input':'a','dimensions':0} | 400 | dimensions: expected a positive",
            "{'model':'text-embedding-3-small','input':'a','encoding_format':'f16'} | 400 | encoding_format: expected"})
    void invalidRequestsAreRefusedInWords(String body, int status, String words) {
        var refusal = assertThrows(ApiRefusal.class, () -> EmbeddingsRequest.of(json(body), list()));
        assertEquals(status, refusal.status());
        assertTrue(refusal.getMessage().contains(words), refusal::getMessage);
    }

    @ParameterizedTest
    @ValueSource(strings = {"short", "no-index", "texts", "base64"})
    void damagedResponsesAreErrors(String damage) {
        var request = embeddings("['a','b']", "");
        cop.sim.set("embeddings", damage);
        assertEquals(502, assertThrows(ApiRefusal.class, () -> request.answer(sent(request))).status());
    }

    // ------------------------------------------------------------------------------------------------- counting

    @Test
    void estimatesCountEverythingAndAreRoundedUp() {
        var model = list().find("gpt-5-mini").orElseThrow();
        String text = "The quick brown fox jumps over the lazy dog. ".repeat(100);
        long plain = TokenEstimate.of(json("{'messages':[{'role':'user','content':'" + text + "'}]}"), model);
        long exact = TokenCount.of(text, model.tokenizer());
        assertTrue(plain >= exact && plain < exact * 1.2, () -> plain + " for " + exact);
        for (String more : List.of("'system':'Be brief'", "'system':[{'type':'text','text':'Be brief'}]",
                "'tools':[{'name':'add','description':'Adds','input_schema':{'type':'object'}}]")) {
            assertTrue(TokenEstimate.of(json("{" + more + ",'messages':[{'role':'user','content':'" + text + "'}]}"),
                    model) > plain, more);
        }
        long image = TokenEstimate.of(json("{'messages':[{'role':'user','content':[{'type':'tool_result','content':"
                + "[{'type':'image','source':{'type':'base64','data':'AAAA'}}]}]}]}"), model);
        assertTrue(image > 1600 && image < 2000, () -> "" + image);
    }

    // ------------------------------------------------------------------------------------------------------ key

    private ServeKey key() { return new ServeKey(Home.of(cop.environment())); }

    private String getKey(String named) { return key().get(named, new Console(cop.environment())); }

    @Test
    void aKeyIsMadeOnceAndKeptForItsUserAlone() throws IOException {
        String first = getKey(null);
        assertTrue(first.matches("sk-cop-[A-Za-z0-9_-]{43}"), first);
        assertEquals(first, getKey(null));
        Path file = cop.file(".config/copilot.java/serve-key");
        assertEquals(first + "\n", Files.readString(file));
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertNotEquals(first, key().renew());
        assertNotEquals(first, getKey(null));
    }

    @Test
    void aVariableOrAFileReplacesTheKey() {
        cop.with("COP_SERVE_KEY", "a-key-of-my-own-1");
        assertEquals("a-key-of-my-own-1", getKey(null));
        cop.write("key.txt", "another-key-of-mine\n");
        assertEquals("another-key-of-mine", getKey("key.txt"));
        assertFalse(Files.exists(cop.file(".config/copilot.java/serve-key")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"short | has 5 characters; 16 are required",
            "a key with some blanks | has blanks", "schlüssel-mit-umlaut | characters other than ASCII"})
    void weakKeysAreRefused(String key, String words) {
        cop.with("COP_SERVE_KEY", key);
        var fault = assertThrows(copilot.Fault.class, () -> getKey(null));
        assertTrue(fault.message().contains("COP_SERVE_KEY " + words) || fault.message().contains(words),
                fault::message);
        assertFalse(fault.getMessage().contains(key), "the key is shown");
        assertEquals(2, fault.exitCode());
    }

    @Test
    void aMissingKeyFileIsNamed() {
        var fault = assertThrows(copilot.Fault.class, () -> getKey("nothing.txt"));
        assertEquals("cannot read the key in nothing.txt: no such file", fault.message());
    }

    // ------------------------------------------------------------------------------------- settings of clients

    private ClientModels models() { return new ClientModels(documents()); }

    private ClientSettings settings(String model) {
        var models = models();
        return new ClientSettings(BASE, models, models.named(model));
    }

    @Test
    void claudeGetsTheAccountsClaudesAndTheirWindow() {
        var models = models();
        var settings = new ClientSettings(BASE, models, models.forClaude(client())).claude();
        assertEquals(BASE, settings.get("ANTHROPIC_BASE_URL"));
        assertEquals("claude-sonnet-5", settings.get("ANTHROPIC_MODEL"));
        assertEquals("claude-opus-4.8 claude-sonnet-5 claude-haiku-4.5", Stream.of("OPUS", "SONNET", "HAIKU")
                .map(family -> settings.get("ANTHROPIC_DEFAULT_" + family + "_MODEL"))
                .collect(Collectors.joining(" ")));
        assertEquals("200000", settings.get("CLAUDE_CODE_AUTO_COMPACT_WINDOW"));        // not 264,000
        assertFalse(settings.containsKey("CLAUDE_CODE_SUBAGENT_MODEL"));
        assertFalse(settings.toString().contains("sk-cop"));
        var mini = settings("gpt-5-mini").claude();
        assertEquals("gpt-5-mini 128000 gpt-5-mini", mini.get("ANTHROPIC_MODEL") + " " + mini.get(
                "CLAUDE_CODE_AUTO_COMPACT_WINDOW") + " " + mini.get("CLAUDE_CODE_SUBAGENT_MODEL"));
    }

    @Test
    void theNewestOfAFamilyIsChosen() {
        cop.sim.set("revive", "claude-sonnet-4.5,claude-opus-4.7");
        assertEquals("claude-sonnet-5", models().claude("sonnet").orElseThrow().id());
        assertEquals("claude-opus-4.8", models().claude("opus").orElseThrow().id());
        assertTrue(models().claude("ballad").isEmpty());
    }

    @Test
    void codexGetsAModelOfItsEndpoint() {
        assertEquals("gpt-5-mini", models().forCodex(client()).id());
        cop.with("COP_MODEL", "claude-sonnet-5");
        assertTrue(models().forCodex(client()).endpoints().contains("/responses"));
        var options = settings("gpt-5.3-codex").codex();
        assertEquals(List.of("-c", "model_provider=\"cop\"", "-c", "model_providers.cop={name=\"GitHub Copilot\","
                + "base_url=\"http://127.0.0.1:4141/v1\",wire_api=\"responses\",env_key=\"COP_SERVE_KEY\"}", "-c",
                "model=\"gpt-5.3-codex\"", "-c", "model_context_window=272000"), options);
    }

    @Test
    void aiderGetsTheWindowsOfAllModels() {
        var metadata = settings("claude-sonnet-5").aiderModels();
        assertEquals(models().all().size(), metadata.size());
        assertEquals(200_000, metadata.path("openai/claude-sonnet-5").path("max_input_tokens").asInt());
        assertEquals(List.of("--model", "openai/claude-sonnet-5", "--weak-model", "openai/claude-haiku-4.5"),
                settings("claude-sonnet-5").aiderOptions());
    }

    private String printed(String client) {
        return new ClientConfig(settings("claude-sonnet-5"), "\"$(cop serve key)\"", "cop serve key").text(client);
    }

    @Test
    void zedsBlockIsJson() {
        var provider = json(printed("zed")).path("language_models").path("openai_compatible").path("cop");
        assertEquals(BASE + "/v1", Json.text(provider, "api_url"));
        var all = provider.path("available_models");
        assertEquals(models().all().size(), all.size());
        for (var model : all) {
            assertTrue(model.path("max_tokens").isIntegralNumber() && model.path("capabilities").path("tools")
                    .isBoolean() && !Json.text(model, "name").isEmpty(), model::toString);
        }
        var codex = all.valueStream().filter(model -> Json.text(model, "name").equals("gpt-5.3-codex")).findFirst();
        assertFalse(codex.orElseThrow().path("capabilities").path("chat_completions").asBoolean(true));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llm", "continue"})
    void theOthersBlocksAreYaml(String client) {
        var yaml = new YAMLMapper().readTree(printed(client));
        var entries = client.equals("llm") ? yaml : yaml.path("models");
        String name = client.equals("llm") ? "model_name" : "model", base = client.equals("llm") ? "api_base"
                : "apiBase";
        var ids = entries.valueStream().map(entry -> entry.path(name).asString("")).toList();
        assertTrue(ids.containsAll(models().all().stream().map(copilot.Model::id).toList()), ids::toString);
        entries.forEach(entry -> assertEquals(BASE + "/v1", entry.path(base).asString(""), entry::toString));
        assertTrue(printed(client).contains(client.equals("llm") ? "supports_tools: true" : "[tool_use, image_input]"));
    }

    static List<String> shells() { return List.of("claude", "codex", "aider", "openai", "anthropic", "open-webui"); }

    /// Runs the lines in a shell with clients that print what they were given.
    @ParameterizedTest
    @MethodSource("shells")
    void whatIsForAShellRunsThere(String client) throws Exception {
        Path bin = Files.createDirectories(cop.file("bin"));
        for (String name : List.of("claude", "codex", "aider", "open-webui", "cop")) {
            Files.writeString(bin.resolve(name), name.equals("cop") ? "#!/bin/sh\necho the-key\n"
                    : "#!/bin/sh\nenv | sort | grep -E 'ANTHROPIC|OPENAI|COP_'\nfor a; do echo \"<$a>\"; done\n");
            assertTrue(bin.resolve(name).toFile().setExecutable(true));
        }
        var builder = new ProcessBuilder("sh", "-eu").redirectErrorStream(true);
        builder.environment().put("PATH", bin + ":" + builder.environment().get("PATH"));
        builder.environment().keySet().removeIf(name -> name.matches("(ANTHROPIC|OPENAI|COP)_.*"));
        var process = builder.start();
        try (var out = process.outputWriter()) {
            out.write(printed(client) + "env | sort | grep -E '^(ANTHROPIC|OPENAI)_' || true\n");
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        assertTrue(said.contains("=the-key") && said.contains(BASE), said);
        if (client.equals("claude")) {
            var env = json(said.lines().filter(line -> line.startsWith("<{")).findFirst().orElseThrow()
                    .replaceAll("^<|>$", "")).path("env");
            assertEquals("claude-sonnet-5", Json.text(env, "ANTHROPIC_MODEL"));
            assertTrue(env.valueStream().allMatch(JsonNode::isString));
        }
    }

    @Test
    void everyClientHasATextAndANote() {
        var config = new ClientConfig(settings("gpt-5-mini"), "KEY", "cop serve key");
        for (String client : ClientConfig.CLIENTS) {
            assertTrue(config.text(client).endsWith("\n") && !config.note(client).isEmpty(), client);
            assertTrue(config.text(client).contains("127.0.0.1:4141"), client);
        }
    }

    // ---------------------------------------------------------------------------------------------------- meter

    /// Runs a meter, and returns what it printed to stderr.
    private String metered(boolean terminal, Consumer<RequestMeter> work) {
        if (terminal) cop.terminal(2);
        var err = new StringWriter();
        var env = cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE), new PrintWriter(
                Writer.nullWriter()), new PrintWriter(err));
        work.accept(new RequestMeter(new Console(env), false));
        return err.toString();
    }

    private static final Usage USED = new Usage(1000, 200, 500, 0, 1_230_000_000, false);

    @Test
    void aRequestIsALine() {
        String said = metered(false, meter -> {
            var call = meter.begin("POST", "/v1/messages");
            call.started();
            call.model("claude-sonnet-5");
            call.head(200);
            call.usage(USED);
            cop.time.advance(Duration.ofMillis(1500));
            call.end();
            call.end();
            var other = meter.begin("POST", "/v1/chat/completions");
            other.model("gpt-5-mini");
            other.head(429);
            other.failed("too many requests");
            meter.begin("POST", "/v1/responses").gone();
            var now = meter.snapshot();
            assertEquals("0 0 3 1", now.inFlight() + " " + now.queued() + " " + now.all().requests() + " "
                    + now.all().failed());
            assertEquals(1, now.models().get("claude-sonnet-5").requests());
            assertEquals("POST /v1/chat/completions gpt-5-mini", now.last().orElseThrow().request());
            assertEquals("3 requests, 1200 tokens, 1.23 credits", meter.summary());
        });
        var lines = said.lines().map(line -> line.replaceFirst("^\\d\\d:\\d\\d:\\d\\d ", "")).toList();
        assertEquals(List.of("POST /v1/messages claude-sonnet-5 200 1.5 s 1000 prompt + 200 completion tokens, 500"
                + " cached, 1.23 credits", "POST /v1/chat/completions gpt-5-mini 429 0 ms too many requests",
                "POST /v1/responses - 0 ms client gone"), lines);
    }

    @Test
    void onATerminalTheFiguresStay() {
        String said = metered(true, meter -> {
            var call = meter.begin("POST", "/v1/messages");
            call.queued();
            cop.time.advance(Duration.ofSeconds(1));
            call.started();
            call.head(200);
            call.usage(USED);
            call.end();
            meter.close();
        });
        assertTrue(said.contains("0 in flight · 1 queued · 0 requests, 0 tokens"), said);
        assertTrue(said.contains("1 in flight · 0 requests"), said);
        assertTrue(said.contains("0 in flight · 1 request, 1200 tokens, 1.23 credits"), said);
        assertTrue(said.endsWith("\r\033[K"), said);
    }

    @Test
    void whatClientsSendCannotControlTheTerminal() {
        String said = metered(true, meter -> {
            var call = meter.begin("PO\033[2JST", "/v1/\033]0;title\007\r\n" + "x".repeat(500));
            call.model("m\nodel\033[31m");
            call.failed("bad\033[0m\r\nthing");
        });
        assertFalse(said.replaceAll("\033\\[(\\d*m|K|\\?7[lh])", "").chars().anyMatch(c -> c < ' ' && c != '\n'
                && c != '\r'), said);
        assertEquals(1, said.lines().filter(line -> line.contains("/v1/")).filter(line -> line.contains("bad"))
                .filter(line -> !line.contains("in flight")).count(), said);
        assertTrue(said.lines().allMatch(line -> line.length() < 700), said);
    }

    /// Row 30: CLIProxyAPI #510.
    @ParameterizedTest
    @CsvSource({"GET, /, 200", "GET, /, 401", "HEAD, /, 200", "HEAD, /, 401",
            "POST, /api/event_logging/batch, 200", "GET, /livez, 200"})
    void noiseHasNoLine(String method, String path, int status) {
        assertEquals("", metered(false, meter -> {
            var call = meter.begin(method, path);
            call.started();
            call.head(status);
            call.failed(status == 200 ? "" : "no key");
            assertEquals(0, meter.snapshot().all().requests());
        }));
    }

    // ----------------------------------------------------------------------------------------------------- page

    private String page(RequestMeter meter) { return new StatusPage(client(), meter).html(BASE); }

    @Test
    void thePageShowsFiguresQuotasAndModels() {
        var meter = new RequestMeter(new Console(cop.environment()), true);
        var call = meter.begin("POST", "/v1/<script>");
        call.model("claude-sonnet-5");
        call.head(200);
        call.usage(USED);
        call.end();
        meter.begin("GET", "/v1/<b>").failed("it's \"bad\"");
        String html = page(meter);
        for (String part : List.of("<dt>requests</dt><dd>2</dd>", "<dt>credits</dt><dd>1.23</dd>", "1,200",
                "GET /v1/&lt;b&gt; it&#39;s &quot;bad&quot;", "<code>claude-sonnet-5</code>",
                "<td class=\"n\" data-l=\"prompt\">200K</td>", "Quotas", "premium interactions",
                "http://127.0.0.1:4141/v1")) {
            assertTrue(html.contains(part), () -> part + " is not in " + html);
        }
        assertFalse(html.contains("<script") || html.contains("<b>") || html.contains("sk-cop") || html.contains(
                simulator.GITHUB_TOKEN), html);
    }

    /// Row 31: a Free account has no quota_snapshots.
    @Test
    void thePageIsForFreeAccountsToo() {
        cop.sim.set("plan", "free");
        String html = page(new RequestMeter(new Console(cop.environment()), true));
        assertTrue(html.contains("<code>auto</code>") && html.contains("Quotas"), html);
    }

    @Test
    void thePagesPolicyAllowsItsStyleAlone() {
        String html = page(new RequestMeter(new Console(cop.environment()), true));
        String style = html.substring(html.indexOf("<style>") + 7, html.indexOf("</style>"));
        String hash = Base64.getEncoder().encodeToString(Text.sha256().digest(style.getBytes(StandardCharsets.UTF_8)));
        assertTrue(StatusPage.POLICY.startsWith("default-src 'none'; style-src 'sha256-" + hash + "';"));
        assertFalse(html.matches("(?s).*(\\sstyle=|\\son\\w+=|https?://(?!127\\.0\\.0\\.1)).*"), html);
    }

    @Test
    void thePageIsShownWithoutGitHub() {
        var client = client();
        cop.sim.set("models-faults", "400-bad-request");
        var page = new StatusPage(client, new RequestMeter(new Console(cop.environment()), true));
        assertTrue(page.html(BASE).contains("cannot be read now"));
    }
}
