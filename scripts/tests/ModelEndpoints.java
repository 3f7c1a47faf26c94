package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

import static cop.Harness.header;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Each model on the endpoint that serves it: the same prompts, options, replies and errors on all three.
class ModelEndpoints {
    static final List<String> MODELS = List.of("gpt-5-mini", "mai-code-1.1-flash", "gpt-4o-mini", "gpt-4",
            "gpt-5.4", "gpt-5.3-codex", "gpt-5.4-mini", "claude-haiku-4.5", "claude-sonnet-5", "claude-opus-5",
            "claude-fable-5.1", "gemini-3.8-flash", "kimi-k3", "grok-4.7");
    private static final Map<String, String> PATHS = Map.of("gpt-5.3-codex", "/responses", "gpt-5.4-mini", "/responses",
            "grok-4.7", "/responses", "claude-fable-5.1", "/v1/messages", "claude-opus-5", "/v1/messages");
    private final Harness cop = Harness.loggedIn();

    /// Fetches the model list, which names the endpoints. o1 is retired, but the last model without streams and system
    /// messages.
    ModelEndpoints() {
        cop.sim.set("revive", "o1");
        assertEquals(0, cop.run("models").code());
    }

    private void enableAll() { cop.ok("models", "enable", "-y", "claude-opus-5"); }

    @AfterEach
    void close() { cop.close(); }

    private String path(String model) { return PATHS.getOrDefault(model, "/chat/completions"); }

    // ---------------------------------------------------------------------------------------------- the same

    private static final List<String> PROMPTS = List.of("say: hello", "say: ünï ☃ 😀 日本",
            "say: two\n\nparagraphs\n",
            "say: ```java\nint x = 1;\n```", "What is the sky?\nSay it in three words. \"quoted\" \\ {{x}} \u2028 end");

    @ParameterizedTest
    @FieldSource("MODELS")
    void promptsGiveTheSameTextOnEveryModel(String model) {
        enableAll();
        for (String prompt : PROMPTS) {
            String wanted = cop.ok("chat", "-m", "mai-code-1.1-flash", "-s", "Be brief", prompt).out()
                    .replaceFirst("mai-code-1.1-flash heard", model + " heard");
            int before = cop.chats().size();
            for (int chunk : new int[]{0, 1, 2, 3, 4, 5, 6, 7, 64}) {
                cop.sim.set("chunk", chunk);
                assertEquals(wanted, cop.ok("chat", "-m", model, "-s", "Be brief", prompt).out(), "chunks of " + chunk);
            }
            cop.sim.set("chunk", 0);
            assertEquals(wanted, cop.ok("chat", "-m", model, "-s", "Be brief", "--no-stream", prompt).out());
            assertTrue(cop.chats().stream().skip(before).allMatch(entry -> entry.path().equals(path(model))));
            assertTrue(cop.chats().stream().allMatch(entry -> header(entry, "x-initiator").equals("user")));
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void conversationIsSentInFull(String model) {
        enableAll();
        var toolkit = cop.toolkit();
        var chat = toolkit.chat("You are terse").withModel(model);
        chat.say("say: one \n");
        chat.say("say: two  ");
        assertEquals("three", chat.say("say: three").text());
        assertEquals(7, chat.messages().size());
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void usageIsReported(String model) {
        enableAll();
        for (String way : List.of("--json", "--no-stream")) {
            var usage = Json.object(cop.ok("chat", "-m", model, "--json", way, "say: one two").out(), "").path("usage");
            assertTrue(usage.path("prompt_tokens").asLong() > 0 && usage.path("completion_tokens").asLong() > 0
                    && usage.path("credits").asDouble() > 0, usage::toString);
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void finishReasonIsReported(String model) {
        enableAll();
        for (String way : List.of("--timeout=60s", "--no-stream")) {
            cop.sim.set("finish", "length");
            reports(cop.run("chat", "-m", model, way, "say: a b"), 1, "(finish: length)");
            cop.sim.set("finish", "content_filter");
            reports(cop.run("chat", "-m", model, way, "say: a b"), 1, "(finish: content_filter)");
            cop.sim.set("finish", "stop");
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void toolCallIsInRecord(String model) {
        enableAll();
        String tools = "tools=[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":{\"type\":"
                + "\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}}}]";
        cop.sim.set("finish", "tool_calls");
        for (String way : List.of("--json", "--no-stream")) {
            var record = Json.object(cop.ok("chat", "-m", model, "--json", way, "-O", tools, "Rain?").out(), "");
            assertEquals("tool_calls", record.path("finish").asString());
            var function = record.path("tool_calls").path(0).path("function");
            assertEquals("weather", function.path("name").asString(), record::toString);
            assertTrue(Json.tryParse(function.path("arguments").asString()).has("city"), record::toString);
        }
        reports(cop.run("chat", "-m", model, "-O", tools, "Rain?"), 1, "the model asks for a tool call");
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void brokenStreamKeepsPartialReply(String model) {
        enableAll();
        for (String fault : List.of("error-chunk", "eof", "reset-mid")) {
            cop.sim.set("faults", List.of(fault));
            var outcome = reports(cop.run("chat", "-m", model, "say: one two three four five"), 1, "error: ");
            assertTrue(outcome.out().startsWith("one"), outcome::all);
        }
    }

    // ---------------------------------------------------------------------------------------------- options

    @Test
    void temperatureIsSentToMessagesApi() {
        cop.sim.set("stale-endpoints", "claude-haiku-4.5");
        cop.ok("chat", "-m", "claude-haiku-4.5", "--temperature", "0.5", "say: x");
        assertEquals("/v1/messages", cop.chats().getLast().path());
        assertTrue(cop.chats().getLast().rawBody().contains("\"temperature\":0.5"), cop.chats().getLast()::rawBody);
    }

    /// Options, what the body must and must not contain, and the warning about omitted fields.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            mai-code-1.1-flash | --max-tokens 50 --top-p 0.5 | "max_tokens":50, "top_p":0.5 | max_completion_tokens |
            gpt-5-mini | --max-tokens 50 --top-p 0.5 | "max_completion_tokens":50, "top_p":0.5 | "max_tokens" |
            gpt-5.4 | --max-tokens 50 | "max_completion_tokens":50 | "max_tokens"          |
            o1 | --max-tokens 50 | "max_completion_tokens":50 | "max_tokens"          |
            claude-haiku-4.5 | --temperature 0 | "max_tokens":64000 | max_completion        |
            claude-haiku-4.5 | --reasoning-effort low | "budget_tokens":2048 | reasoning_effort      |
            claude-haiku-4.5 | --reasoning-effort low --endpoint chat | "thinking_budget":2048 | reasoning_effort |
            mai-code-1.1-flash | --reasoning-effort low | "stream":true | reasoning_effort | does not support
            gpt-5-mini | --reasoning-effort low | "reasoning_effort":"low" | budget |
            claude-sonnet-5 | --reasoning-effort max | effort":"max" | budget |
            kimi-k3 | --reasoning-effort max --temperature 0 | "reasoning_effort":"max" | budget |
            gpt-5.3-codex | --max-tokens 50 | "max_output_tokens":50 | "max_tokens"          |
            gpt-5.3-codex | --seed 3 | "store":false | "seed" | does not support
            gpt-5.3-codex | --temperature 0 | "summary":"auto" | temperature | does not support
            gpt-5.3-codex | --reasoning-effort high | "effort":"high" | reasoning_effort      |
            claude-fable-5.1 | --max-tokens 50 | "max_tokens":50 | "n"                   |
            claude-fable-5.1 | --temperature 0.5 | "max_tokens":64000 | "temperature" | temperature
            gpt-5.4 | --temperature 0.5 | "stream":true | "temperature" | temperature
            claude-fable-5.1 | --seed 1 | "max_tokens":64000 | seed | does not support
            claude-fable-5.1 | --reasoning-effort low | "adaptive", "effort":"low" | temperature           |
            claude-fable-5.1 | --no-stream | "max_tokens":16000 | "n"                   |
            """)
    void optionsAreTranslatedForEndpoint(String model, String options, String has, String hasNot, String note) {
        var args = new ArrayList<>(List.of("chat", "--hide-reasoning", "-m", model));
        args.addAll(List.of(options.split(" +")));
        args.add("say: x");
        var outcome = cop.ok(args.toArray(String[]::new));
        String body = cop.chats().getLast().rawBody();
        for (String part : has.split(", ")) assertTrue(body.contains(part), () -> part + " in " + body);
        assertFalse(body.contains(hasNot), () -> hasNot + " in " + body);
        assertEquals(note == null ? "" : "warning: ", outcome.err().replaceFirst("(?s)(?<=warning: ).*", ""));
        if (note != null) reports(outcome, 0, note);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gpt-5.3-codex   | n=2                 | /responses does not support n=2
            claude-fable-5.1 | n=2                 | /v1/messages does not support n=2
            gpt-5.3-codex   | stop="x"            | /responses does not support stop
            gpt-5.3-codex   | reasoning_effort="x" | does not support reasoning_effort x
            claude-fable-5.1 | reasoning_effort="minimal" | does not support reasoning_effort minimal
            claude-fable-5.1 | response_format={"type":"json_object"} | /v1/messages does not support response_format
            """)
    void unsupportedOptionsAreErrors(String model, String option, String error) {
        reports(cop.run("chat", "-m", model, "-O", option, "hello"), 2, error, "\nhint: ");
        assertEquals(0, cop.chats().size());
    }

    @Test
    void stopSequencesOnOtherEndpoints() {
        for (String model : List.of("gpt-5-mini", "claude-haiku-4.5", "claude-fable-5.1")) {
            assertEquals("one", cop.ok("chat", "-m", model, "-O", "stop=\"two\"", "say: one two").out().strip());
        }
    }

    @Test
    void reasoningGoesToStderr() {
        for (String model : List.of("gpt-5.3-codex", "claude-fable-5.1")) {
            var outcome = cop.ok("chat", "-m", model, "--reasoning-effort", "low", "say: x");
            assertEquals("x\n", outcome.out());
            assertTrue(outcome.err().contains("Thought"), outcome::all);
            outcome = cop.ok("chat", "-m", model, "--reasoning-effort", "low", "--hide-reasoning", "say: x");
            assertEquals("", outcome.err());
        }
    }

    // ------------------------------------------------------------------------------------------- the way

    @ParameterizedTest
    @CsvSource({"gpt-5.4, /responses", "claude-haiku-4.5, /v1/messages"})
    void otherEndpointIsTriedOnceAndRemembered(String model, String other) {
        cop.sim.set("stale-endpoints", List.of(model));
        assertEquals("x\n", cop.ok("chat", "-m", model, "say: x").out());
        assertEquals(List.of("/chat/completions", other), cop.chats().stream().map(simulator.Entry::path).toList());
        assertEquals("y\n", cop.ok("chat", "-m", model, "say: y").out());
        assertEquals(other, cop.chats().getLast().path());
        assertEquals(3, cop.chats().size(), "the next command knows");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("r.jsonl", "{\"x\":1}\n{\"x\":2}\n");
        cop.ok("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl", "-m", model, "--delay", "0");
        assertEquals(5, cop.chats().size());
    }

    @Test
    void modelServedNowhereIsTriedOncePerEndpoint() {
        cop.sim.set("stale-endpoints", List.of("gpt-5.4", "gpt-5.4:/responses", "gpt-5.4:/v1/messages"));
        cop.write("t.mustache", "say: {{x}}");
        cop.write("r.jsonl", "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n");
        cop.run("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl", "-m", "gpt-5.4", "--delay", "0", "-j", "1");
        assertEquals(4, cop.chats().size(), () -> cop.chats().toString());
    }

    /// What was learned is for a list of models that was wrong: a new one may be right, and so may the disk.
    @Test
    void learnedEndpointIsReplacedOrForgotten() throws IOException {
        cop.sim.set("stale-endpoints", List.of("gpt-5.4"));
        cop.ok("chat", "-m", "gpt-5.4", "say: x");
        cop.sim.set("stale-endpoints", List.of("gpt-5.4:/responses"));
        assertEquals("y\n", cop.ok("chat", "-m", "gpt-5.4", "say: y").out());
        assertEquals("/chat/completions", cop.chats().getLast().path());
        cop.sim.set("stale-endpoints", List.of("gpt-5.4"));
        cop.ok("chat", "-m", "gpt-5.4", "say: x");
        cop.sim.set("stale-endpoints", List.of());
        cop.ok("models", "--refresh");
        int before = cop.chats().size();
        cop.ok("chat", "-m", "gpt-5.4", "say: z");
        assertEquals("/chat/completions", cop.chats().getLast().path());
        assertEquals(1, cop.chats().size() - before);
    }

    @Test
    void failedEndpointMemoryDoesNotLoseReply() throws IOException {
        try (var files = Files.list(cop.file(".cache/copilot.java"))) {
            String key = files.map(f -> f.getFileName().toString()).filter(f -> f.startsWith("models-")).findFirst()
                    .orElseThrow().substring(7);
            Files.createDirectories(cop.file(".cache/copilot.java/learned-" + key + "/x"));
        }
        cop.sim.set("stale-endpoints", List.of("gpt-5.4"));
        assertEquals("x\n", cop.ok("chat", "-m", "gpt-5.4", "say: x").out());
    }

    @Test
    void concurrentRowsSurviveLearnedEndpoint() {
        cop.sim.set("stale-endpoints", List.of("gpt-5.4")).set("latency", 30);
        cop.write("t.mustache", "say: {{x}}");
        cop.write("r.jsonl", IntStream.range(0, 40).mapToObj(i -> "{\"x\":" + i + "}\n").collect(Collectors.joining()));
        long lists = cop.sim.count("/models");
        cop.ok("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl", "-m", "gpt-5.4", "-j", "8", "--delay", "0");
        assertEquals(40, cop.read("o.jsonl").lines().filter(line -> line.contains("\"ok\"")).count());
        assertTrue(cop.sim.count("/models") - lists <= 1, "the list is fetched once");
    }

    /// A missing list is requested once per command; the chat is sent nevertheless.
    @Test
    void missingModelListDoesNotBlockChat() {
        try (var fresh = Harness.loggedIn()) {
            fresh.sim.set("models-faults", "500,500,500,500,500,500,500,500").set("revive", "gpt-4o");
            assertEquals("x\n", fresh.run("chat", "-m", "mai-code-1.1-flash", "say: x").out());
            assertEquals(2, fresh.sim.count("/models"));
            fresh.sim.set("models-faults", "500,500,500,500,500,500,500,500");
            assertEquals("x\n", fresh.run("chat", "say: x").out());
            assertEquals(4, fresh.sim.count("/models"));
        }
    }

    /// A row that its model's endpoint does not support is invalid, but does not end the run.
    @Test
    void rowUnsupportedByEndpointIsInvalid() {
        String row = "{\"custom_id\":\"%s\",\"body\":{\"model\":\"gpt-5.3-codex\",%s\"messages\":[{\"role\":\"user\","
                + "\"content\":\"say: hi\"}]}}\n";
        cop.write("r.jsonl", row.formatted("a", "\"stop\":null,\"n\":null,") + row.formatted("b", "\"stop\":[\"x\"],"));
        reports(cop.run("batch", "-d", "r.jsonl", "-o", "o.jsonl", "--delay", "0"), 2, "r.jsonl:2",
                "does not support stop");
        reports(cop.run("batch", "-d", "r.jsonl", "-o", "o.jsonl", "--delay", "0", "--skip-bad"), 5, "1 ok");
        assertEquals(1, cop.chats().size());
    }

    @Test
    void imagesInRowsAreNotCountedAsText() {
        String url = "data:image/png;base64," + Base64.getEncoder().encodeToString(Arrays.copyOf(Base64.getDecoder()
                .decode(Harness.PNG), 700_000));
        cop.write("r.jsonl", "{\"custom_id\":\"a\",\"body\":{\"model\":\"mai-code-1.1-flash\",\"messages\":["
                + "{\"role\":\"user\","
                + "\"content\":[{\"type\":\"text\",\"text\":\"say: hi\"},"
                + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"" + url + "\"}}]}]}}\n");
        cop.ok("batch", "-d", "r.jsonl", "-o", "o.jsonl", "--delay", "0");
    }

    @Test
    void optionsOverrideDefaultFields() {
        cop.ok("chat", "-m", "gpt-5.3-codex", "-O", "reasoning={\"summary\":\"detailed\"}", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("\"summary\":\"detailed\""),
                cop.chats().getLast()::rawBody);
        reports(cop.run("chat", "-m", "gpt-5.3-codex", "-O", "store=true", "say: x"), 1, "store_not_supported");
        cop.ok("chat", "-m", "gpt-5.3-codex", "--max-tokens", "5", "--hide-reasoning", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("\"max_output_tokens\":16"),
                cop.chats().getLast()::rawBody);
    }

    @Test
    void firstErrorIsReportedForModelServedNowhere() {
        cop.sim.set("stale-endpoints", List.of("gpt-5.4", "gpt-5.4:/responses"));
        reports(cop.run("chat", "-m", "gpt-5.4", "say: x"), 1, "gpt-5.4 does not support /chat/completions");
        assertEquals(2, cop.chats().size());
    }

    @Test
    void batchUsesEndpointOfModel() {
        cop.write("t.mustache", "---\nsystem: Be brief\nschema: {type: object, properties: {a: {type: integer}},"
                + " required: [a], additionalProperties: false}\n---\nsay: {\"a\": {{x}}}");
        cop.write("r.jsonl", "{\"id\":\"p\",\"x\":1}\n{\"id\":\"q\",\"x\":2}\n");
        for (String model : List.of("gpt-5.3-codex", "gpt-5-mini")) {
            cop.ok("batch", "./t.mustache", "-d", "r.jsonl", "-o", model + ".jsonl", "-m", model, "--delay", "0");
            assertEquals(List.of(1, 2), cop.read(model + ".jsonl").lines().map(line -> Json.object(line, "")
                    .path("json").path("a").asInt()).toList());
        }
        cop.write("openai.jsonl", "{\"custom_id\":\"z\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":"
                + "\"gpt-5.3-codex\",\"max_tokens\":50,\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                + "{\"role\":\"user\",\"content\":["
                + "{\"type\":\"text\",\"text\":\"say: \"},{\"type\":\"text\",\"text\":\"hi\"}]}]}}\n");
        cop.ok("batch", "-d", "openai.jsonl", "-o", "z.jsonl", "--delay", "0");
        assertEquals("hi", Json.object(cop.read("z.jsonl").strip(), "").path("text").asString());
    }
}
