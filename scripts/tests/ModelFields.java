package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.messages;
import static cop.Harness.reports;
import static cop.Harness.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Fields that a model or an endpoint does not accept: omitted, renamed, learned, or an error; and `--endpoint`.
class ModelFields {
    private static final String CHAT = "/chat/completions", RESPONSES = "/responses", MESSAGES = "/v1/messages",
            EXCHANGE = "/copilot_internal/v2/token", SESSION = "/models/session", CACHE = ".cache/copilot.java";
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private static List<String> strings(JsonNode list) { return list.valueStream().map(JsonNode::asString).toList(); }

    private String at(String name) { return cop.file(name).toString(); }

    // ---- fields

    @ParameterizedTest
    @CsvSource({"gpt-5.4,/chat/completions", "gpt-5.4-mini,/responses", "claude-sonnet-5,/chat/completions",
            "claude-fable-5.1,/v1/messages"})
    void rejectedTemperatureIsOmittedAndRemembered(String model, String path) {
        cop.ok("models");
        var first = cop.ok("chat", "-m", model, "--temperature", "0", "say: hello");
        assertEquals("hello\n", first.out());
        assertEquals("warning: " + model + " does not support temperature; dropping it\n", first.err());
        assertEquals(2, cop.sim.count(path), "refused once, and asked again");
        assertFalse(cop.last(path).body().has("temperature"));
        var record = cop.record("-m", model, "--temperature", "0", "say: hello");
        assertEquals(List.of("temperature"), strings(record.path("dropped")));
        assertEquals(3, cop.sim.count(path), "the next one knows");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-5-mini", "kimi-k3", "grok-4.7", "mai-code-1.1-flash", "gemini-3.8-flash"})
    void acceptedTemperatureIsSent(String model) {
        cop.ok("models");
        assertEquals("", cop.ok("chat", "-q", "-m", model, "--temperature", "0.5", "hi").err());
        assertEquals(0.5, cop.sim.ledger().getLast().body().path("temperature").asDouble());
    }

    @Test
    void severalRejectedFieldsAreOmitted() {
        cop.sim.set("refuse", "temperature,top_p,seed");
        var record = cop.record("-m", "gpt-5-mini", "--temperature", "0", "--top-p", "1", "--seed", "7", "say: hello");
        assertEquals(Set.of("temperature", "top_p", "seed"), Set.copyOf(strings(record.path("dropped"))));
        assertEquals("hello", record.path("text").asString());
        assertEquals(4, cop.sim.count(CHAT));
    }

    @Test
    void fieldsOfOptionAreRequired() {
        reports(cop.run("chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi"), 1,
                "Unsupported parameter: 'temperature'");
        reports(cop.run("chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi"), 1, "hint: remove temperature");
        assertEquals(2, cop.sim.count(CHAT));
        cop.ok("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
        reports(cop.run("chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi"), 1,
                "Unsupported parameter: 'temperature'");
        cop.ok("chat", "-m", "gpt-5.4", "-O", "temperature=1", "--temperature", "0", "hi");
    }

    @ParameterizedTest
    @CsvSource({"temperature: 0, 0", "'options: {temperature: 0}', 1"})
    void templateFieldMayBeOmittedButNotItsOptions(String line, int code) {
        cop.write("t.mustache", "---\nmodel: gpt-5.4\n" + line + "\n---\nsay: hello");
        var outcome = cop.run("chat", "-t", at("t.mustache"));
        assertEquals(code, outcome.code(), outcome::all);
    }

    @Test
    void batchLearnsOnceAndRowsStayTheSame() {
        cop.write("t.mustache", "---\nmodel: gpt-5.4\ntemperature: 0\n---\nsay: {{x}}");
        var rows = new StringBuilder();
        for (int i = 0; i < 20; i++) rows.append("{\"id\":").append(i).append(",\"x\":").append(i).append("}\n");
        cop.write("rows.jsonl", rows.toString());
        String[] batch = {"batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay", "0",
                "-j", "1"};
        var outcome = cop.ok(batch);
        assertEquals(1, outcome.err().split("does not support temperature", -1).length - 1, outcome::all);
        assertEquals(21, cop.sim.count(CHAT));
        assertTrue(cop.jsonLines("out.jsonl").stream().allMatch(row -> strings(row.path("dropped"))
                .equals(List.of("temperature"))));
        assertTrue(cop.ok(batch).err().contains("nothing to do"));
        assertEquals(21, cop.sim.count(CHAT));
    }

    @Test
    void defaultsOfToolAreOmittedSilently() {
        cop.ok("models");
        cop.sim.set("refuse", "store,reasoning.summary");
        var record = cop.record("-m", "gpt-5.4-mini", "say: hello");
        assertEquals("hello", record.path("text").asString());
        assertFalse(record.has("dropped"));
        assertEquals(3, cop.sim.count(RESPONSES));
        assertFalse(cop.last(RESPONSES).body().has("store"));
    }

    @ParameterizedTest
    @CsvSource({"claude-haiku-4.5", "claude-sonnet-5"})
    void effortSelectsMessagesEndpointForClaude(String model) {
        cop.ok("models");
        cop.sim.set("reasoning", "I think");
        var record = cop.record("-m", model, "--reasoning-effort", "high", "say: hello");
        assertEquals("I think", record.path("reasoning").asString(), record::toString);
        var thinking = cop.last(MESSAGES).body().path("thinking");
        if (model.equals("claude-haiku-4.5")) assertTrue(thinking.path("budget_tokens").asInt() >= 1024);
        else assertEquals("summarized", thinking.path("display").asString());
        assertTrue(cop.ok("models", model).out().contains("reasoning"));
    }

    @Test
    void rejectedEffortHintsAtAcceptedOnes() {
        cop.sim.set("efforts", "low,medium");
        reports(cop.run("chat", "-m", "gpt-5.4", "--reasoning-effort", "xhigh", "hi"), 1,
                "hint: use --reasoning-effort low|medium");
    }

    @Test
    void rejectedMaxTokensIsRenamed() {
        cop.sim.set("faults", "400-max_tokens-renamed");
        cop.ok("chat", "-m", "mai-code-1.1-flash", "--max-tokens", "50", "hi");
        assertEquals(50, cop.last(CHAT).body().path("max_completion_tokens").asInt());
        assertFalse(cop.last(CHAT).body().has("max_tokens"));
    }

    // ---- endpoints

    @Test
    void claudeUsesMessagesEndpointForImagesToolsAndThinking() {
        cop.image("dot.png");
        cop.ok("models");
        cop.ok("chat", "-m", "claude-haiku-4.5", "hi");
        assertEquals(0, cop.sim.count(MESSAGES));
        cop.ok("chat", "-m", "claude-haiku-4.5", "-a", at("dot.png"), "hi");
        assertEquals(1, cop.sim.count(MESSAGES));
        cop.ok("chat", "-m", "claude-haiku-4.5", "-a", at("dot.png"), "--endpoint", "chat", "hi");
        assertEquals(1, cop.sim.count(MESSAGES));
    }

    @Test
    void endpointOption() {
        cop.ok("chat", "-m", "gpt-5-mini", "--endpoint", "responses", "hi");
        assertEquals(1, cop.sim.count(RESPONSES));
        reports(cop.run("chat", "-m", "gpt-5-mini", "--endpoint", "messages", "hi"), 1,
                "gpt-5-mini does not support /v1/messages");
        assertEquals(0, cop.sim.count(CHAT), "what was named is not changed");
        reports(cop.run("chat", "--endpoint", "nowhere", "hi"), 2, "invalid value for --endpoint: nowhere");
        cop.write("t.mustache", "---\nmodel: gpt-5-mini\nendpoint: responses\n---\nsay: {{input}}");
        cop.runWith("hi", "chat", "-t", at("t.mustache"));
        assertEquals(2, cop.sim.count(RESPONSES));
        cop.write("t.mustache", "---\nendpoint: elsewhere\n---\nsay: {{input}}");
        reports(cop.run("templates", "check", at("t.mustache")), 2,
                "t.mustache:2: unknown endpoint elsewhere");
    }

    @Test
    void batchKeepsItsEndpoint() {
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"id\":1,\"x\":1}\n");
        String[] first = {"batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay", "0",
                "-m", "gpt-5-mini", "--endpoint", "responses"};
        cop.ok(first);
        assertEquals(1, cop.sim.count(RESPONSES));
        cop.write("rows.jsonl", "{\"id\":1,\"x\":1}\n{\"id\":2,\"x\":2}\n");
        cop.ok(Arrays.copyOf(first, first.length - 2));
        assertEquals(2, cop.sim.count(RESPONSES));
        assertEquals(0, cop.sim.count(CHAT));
        first[first.length - 1] = "chat";
        assertTrue(cop.ok(first).err().contains("nothing to do"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"400-api-responses", "400-api-responses-nocode", "400-api-lacks", "400-api-lacks-nocode",
            "400-api-endpoint-nocode"})
    void otherEndpointIsTriedByErrorCodeOrMessage(String fault) {
        cop.ok("models");
        cop.sim.set("faults", fault);
        assertEquals("hello\n", cop.ok("chat", "-m", "gpt-5-mini", "say: hello").out());
    }

    @Test
    void rejectedEndpointOptionHintsToOmitIt() {
        reports(cop.run("chat", "-m", "gpt-5.4", "--endpoint", "messages", "hi"), 1, "hint: remove --endpoint");
    }

    @Test
    void runContinuesOnAnotherEndpoint() {
        cop.sim.set("answer", "{\"a\":1}");
        cop.write("t.mustache", "---\nschema: {type: object, properties: {a: {type: integer}}, required: [a]}\n---\n"
                + "{{x}}");
        rows(1);
        cop.ok(batch("-m", "gpt-5-mini"));
        rows(2);
        var outcome = cop.run(batch("-m", "gpt-5-mini", "--endpoint", "responses"));
        assertEquals(0, outcome.code(), outcome::all);
        assertEquals(2, cop.jsonLines("out.jsonl").size());
        assertEquals(1, cop.sim.count(RESPONSES), "the first row is done");
    }

    @ParameterizedTest
    @ValueSource(strings = {"top_logprobs=2", "parallel_tool_calls=false", "seed=1"})
    void unsupportedFieldsAreRefusedBeforeSending(String option) {
        cop.run("models");
        var outcome = cop.run("chat", "-m", "claude-opus-4.8", "--endpoint", "messages", "-O", option, "hello");
        assertEquals(2, outcome.code(), outcome::all);
        assertEquals(0, cop.sim.count("/v1/messages"));
    }

    // ---- learned

    private void rows(int number) {
        var rows = new StringBuilder();
        for (int i = 1; i <= number; i++) rows.append("{\"id\":").append(i).append(",\"x\":").append(i).append("}\n");
        cop.write("rows.jsonl", rows.toString());
    }

    private String[] batch(String... more) {
        var all = new ArrayList<>(List.of("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"),
                "--delay", "0"));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void concurrentRequestsLearnOnce() {
        cop.sim.set("latency", 30);
        cop.write("t.mustache", "---\nmodel: gpt-5.4\ntemperature: 0\n---\nsay: {{x}}");
        rows(32);
        cop.ok(batch("-j", "32"));
        assertEquals(33, cop.sim.count(CHAT));
    }

    @Test
    void rejectedFieldIsFoundByErrorCode() {
        var error = Json.tryParse("{\"error\":{\"code\":\"unsupported_parameter\",\"param\":\"temperature\"}}");
        var refusal = new ErrorResponse(400, "unsupported_parameter", "No.", error, "",
                HttpHeaders.of(Map.of(), (_, _) -> true), Instant.EPOCH);
        assertEquals(Optional.of("temperature"), RefusedFields.named(refusal));
    }

    @Test
    void learnedFieldsArePerEndpoint() {
        cop.ok("models");
        cop.sim.set("faults", "400-max_tokens-renamed");
        cop.ok("chat", "-m", "claude-haiku-4.5", "hi");
        assertEquals(2, cop.sim.count(CHAT));
        cop.ok("chat", "-m", "claude-haiku-4.5", "--endpoint", "messages", "hi");
        assertEquals(1, cop.sim.count(MESSAGES));
        assertTrue(cop.last(MESSAGES).body().has("max_tokens"));
    }

    @Test
    void conflictingFieldIsOmittedOnlyTogether() {
        cop.ok("models");
        var both = cop.record("-m", "claude-haiku-4.5", "--temperature", "0", "--top-p", "0.9", "hi");
        assertEquals(List.of("top_p"), strings(both.path("dropped")));
        var alone = cop.record("-m", "claude-haiku-4.5", "--top-p", "0.5", "hi");
        assertFalse(alone.has("dropped"), alone::toString);
        assertEquals(0.5, cop.last(CHAT).body().path("top_p").asDouble());
        var again = cop.record("-m", "claude-haiku-4.5", "--temperature", "0", "--top-p", "0.9", "hi");
        assertEquals(List.of("top_p"), strings(again.path("dropped")));
        assertEquals(4, cop.sim.count(CHAT), "and it is known");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "gpt-5.3-codex    | text.format       | response_format={\"type\":\"json_object\"}",
            "gpt-5.3-codex    | reasoning         | reasoning_effort=\"high\"",
            "gpt-5.3-codex    | max_output_tokens | max_completion_tokens=50",
            "claude-fable-5.1 | stop_sequences    | stop=[\"END\"]",
            "gpt-5.4          | seed              | seed=7"})
    void requiredFieldsAreNeverOmitted(String model, String refused, String option) {
        cop.ok("models");
        cop.sim.set("refuse", refused);
        var outcome = cop.run("chat", "-m", model, "-O", option, "hi");
        assertEquals(1, outcome.code(), outcome::all);
        assertEquals("", outcome.out());
    }

    @Test
    void requiredUnsupportedFieldIsAnError() {
        cop.ok("models");
        reports(cop.run("chat", "-m", "gpt-5.3-codex", "-O", "seed=7", "hi"), 2, "does not support seed");
        assertEquals(0, cop.sim.count(RESPONSES));
    }

    @Test
    void rejectedModelKeepsLearnedFields() {
        cop.ok("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
        reports(cop.run("chat", "-m", "nowhere-1", "hi"), 1, "cannot use the model");
        long before = cop.sim.count(CHAT);
        cop.ok("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
        assertEquals(before + 1, cop.sim.count(CHAT));
        cop.ok("models", "--refresh");
        cop.ok("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
        assertEquals(before + 3, cop.sim.count(CHAT), "a refresh forgets");
    }

    /// `max_tokens` is to be `max_completion_tokens` there, and the other way round.
    @Test
    void contradictoryErrorsEndRetries() {
        cop.sim.set("faults", Collections.nCopies(30, "400-max_tokens-renamed"));
        assertEquals(1, cop.run("chat", "-m", "gpt-5-mini", "--max-tokens", "9", "hi").code());
        assertTrue(cop.sim.count(CHAT) < 4, () -> cop.sim.count(CHAT) + " requests");
    }
}
