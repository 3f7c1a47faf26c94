package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.header;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// `auto`: plans that offer nothing else, sessions, and what differs from a model that is named.
class AutoModels {
    private static final String CHAT = "/chat/completions", RESPONSES = "/responses", MESSAGES = "/v1/messages",
            EXCHANGE = "/copilot_internal/v2/token", SESSION = "/models/session", CACHE = ".cache/copilot.java";
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private static List<String> strings(JsonNode list) { return list.valueStream().map(JsonNode::asString).toList(); }

    private String at(String name) { return cop.file(name).toString(); }

    // ---------------------------------------------------------------------------------------------- auto

    @ParameterizedTest
    @ValueSource(strings = {"free", "student"})
    void autoIsImpliedOnAutoOnlyPlans(String plan) {
        cop.sim.set("plan", plan);
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertFalse(cop.last(CHAT).body().has("model"));
        assertEquals("hello\n", cop.ok("chat", "-m", "auto", "say: hello").out());
        assertEquals(0, cop.sim.count(SESSION));
        var record = cop.record("say: hello");
        assertTrue(record.path("model").asString().startsWith("gpt-5-mini"), record::toString);
        assertTrue(cop.ok("chat", "-u", "say: hello").err().contains("gpt-5-mini"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"free", "student"})
    void namedModelOnAutoOnlyPlanHintsAtAuto(String plan) {
        cop.sim.set("plan", plan);
        reports(cop.run("chat", "-m", "gpt-5-mini", "hi"), 1, "hint: copilot models default auto");
        reports(cop.run("chat", "-m", "claude-sonnet-5", "hi"), 1,
                "on Free and Student plans, GitHub chooses the model");
    }

    @Test
    void autoIsListedFirst() {
        assertEquals("auto", cop.ok("models").out().lines().findFirst().orElseThrow().split("\t")[0]);
        assertEquals("auto", cop.ok("models", "auto").out().split("\t")[0]);
        assertTrue(cop.ok("models", "show", "auto").out().contains("GitHub chooses"));
        cop.sim.set("plan", "free");
        var outcome = cop.ok("models", "--refresh");
        assertEquals(1, outcome.out().lines().count(), outcome::all);
        assertTrue(outcome.err().contains("GitHub chooses the model"), outcome::all);
        assertFalse(cop.ok("models", "--all").out().contains("-free-auto"), "those live within a session alone");
    }

    @Test
    void autoAsDefaultAndInVariable() {
        cop.ok("models", "default", "auto");
        cop.ok("chat", "hi");
        assertFalse(cop.last(CHAT).body().has("model"));
        cop.with("COP_MODEL", "gpt-5-mini");
        cop.ok("chat", "hi");
        assertEquals("gpt-5-mini", cop.last(CHAT).body().path("model").asString());
        cop.with("COP_MODEL", "auto");
        cop.ok("chat", "hi");
        assertFalse(cop.last(CHAT).body().has("model"));
    }

    @Test
    void sessionChoosesModelWhenOmittedModelIsRejected() {
        cop.sim.set("plan", "free").set("no-model", "refuse");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(2, cop.sim.count(CHAT));
        assertEquals("gpt-5-mini", cop.last(CHAT).body().path("model").asString());
        assertFalse(header(cop.last(CHAT), "Copilot-Session-Token").isEmpty());
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(3, cop.sim.count(CHAT), "what was learned is remembered");
        assertEquals(1, cop.sim.count(SESSION), "and so is the session");
        assertEquals(1, cop.cached("auto-").size());
    }

    @Test
    void expiredSessionIsReopened() {
        cop.sim.set("plan", "free").set("no-model", "refuse").set("session-life", 3600);
        cop.ok("chat", "say: hello");
        cop.time.advance(Duration.ofHours(2));
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(2, cop.sim.count(SESSION));
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n");
        cop.sim.set("session-life", 0);
        cop.time.advance(Duration.ofHours(2));
        // its session is over at once, and so is the next
        reports(cop.run("chat", "hi"), 1, "Invalid auto-mode selector");
        assertEquals(4, cop.sim.count(SESSION));
        cop.sim.set("session-life", 3600);
        assertEquals(0, cop.run("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay",
                "0").code());
        assertEquals(3, cop.jsonLines("out.jsonl").size());
        assertEquals(5, cop.sim.count(SESSION));
    }

    @Test
    void autoEndpointIsTriedWithoutSessions() {
        cop.sim.set("plan", "free").set("no-model", "refuse").set("sessions", "404");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(1, cop.sim.count("/auto"));
        cop.sim.set("auto", "404");
        cop.time.advance(Duration.ofDays(2));
        reports(cop.run("chat", "-m", "auto", "say: hello"), 1, "GitHub does not offer auto to this account");
    }

    @Test
    void imagesAndOtherEndpointsUseSession() {
        cop.sim.set("plan", "student");
        cop.image("dot.png");
        cop.ok("chat", "-a", at("dot.png"), "say: hello");
        assertEquals(1, cop.sim.count(SESSION));
        assertTrue(cop.last(CHAT).body().has("model"));
        cop.ok("chat", "--endpoint", "responses", "say: hello");
        assertEquals("gpt-5-mini", cop.last(RESPONSES).body().path("model").asString());
        assertEquals(1, cop.sim.count(SESSION));
        cop.ok("chat", "--endpoint", "messages", "say: hello");
        assertTrue(cop.last(MESSAGES).body().path("model").asString().startsWith("claude-"));
    }

    @Test
    void autoDropsEffortAndPutsSchemaIntoPrompt() {
        cop.sim.set("answer", "{\"name\":\"Ann\"}");
        var outcome = cop.run("chat", "-m", "auto", "--reasoning-effort", "high", "--schema", "name", "--json", "Who?");
        assertEquals(0, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("auto does not support reasoning_effort; dropping it"), outcome::all);
        assertEquals(List.of("reasoning_effort"), strings(Json.object(outcome.out(), "it").path("dropped")));
        assertFalse(cop.last(CHAT).body().has("response_format"));
        assertTrue(cop.last(CHAT).rawBody().contains("JSON Schema"));
        cop.sim.set("answer", "{\"name\":1}");
        reports(cop.run("chat", "-m", "auto", "--schema", "name", "--schema-retries", "0", "Who?"), 1,
                "does not match the schema");
    }

    @Test
    void conversationStoresAuto() {
        cop.ok("chat", "-m", "auto", "say: one");
        cop.sim.set("auto-model", "mai-code-1.1-flash");
        cop.ok("chat", "-c", "say: two");
        assertFalse(cop.last(CHAT).body().has("model"));
        assertTrue(cop.ok("logs").out().contains("\tauto\t"), "the model that was asked for");
    }

    @Test
    void templateWithAuto() {
        cop.write("t.mustache", "---\nmodel: auto\n---\nsay: {{input}}");
        assertEquals("hi\n", cop.runWith("hi", "chat", "-t", at("t.mustache")).out());
        assertFalse(cop.last(CHAT).body().has("model"));
    }

    @Test
    void batchStoresAutoWhateverModelAnswered() {
        cop.sim.set("plan", "free");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n{\"x\":2}\n");
        String[] batch = {"batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay", "0"};
        assertTrue(cop.ok(Stream.concat(Stream.of(batch), Stream.of("--dry-run")).toArray(String[]::new)).out()
                .contains("auto: GitHub chooses, so no prompt was checked against a limit"));
        cop.ok(batch);
        assertEquals("auto", Json.object(cop.read("out.jsonl.run/manifest.json"), "it").path("model").asString());
        assertTrue(cop.jsonLines("out.jsonl").getFirst().path("model").asString().startsWith("gpt-5-mini"));
        cop.sim.set("auto-model", "kimi-k3");
        var again = cop.ok(batch);
        assertTrue(again.err().contains("nothing to do"), again::all);
        assertEquals(2, cop.sim.count(CHAT));
    }

    @Test
    void autoIsPricedByAnsweringModel() {
        cop.sim.set("auto-model", "kimi-k3").set("copilot-usage", false);
        cop.ok("models");
        assertTrue(cop.ok("chat", "-m", "auto", "-u", "hi").err().matches("(?s).*, about [0-9.]+ credits, kimi-k3.*"));
    }

    // ---------------------------------------------------------------------------------------------- errors

    @ParameterizedTest
    @ValueSource(strings = {"429-session", "429-weekly-pro"})
    void sessionAndWeeklyLimitsHintAtAuto(String fault) {
        cop.sim.set("faults", fault);
        reports(cop.run("chat", "-m", "gpt-5-mini", "hi"), 75, "hint: use -m auto");
    }

    // ----------------------------------------------------------------------------------------- as an enemy would

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

    @ParameterizedTest
    @ValueSource(strings = {"429-session", "429-weekly-pro"})
    void autoIsNotHintedWhenUsed(String fault) {
        cop.sim.set("faults", fault);
        assertFalse(reports(cop.run("chat", "-m", "auto", "hi"), 75, "too many requests").err().contains("-m auto"));
        cop.sim.set("faults", "").set("plan", "free").set("no-model", "refuse");
        cop.ok("chat", "hi");
        cop.sim.set("faults", fault);
        assertFalse(reports(cop.run("chat", "hi"), 75, "too many requests").err().contains("-m auto"));
    }

    @Test
    void rejectedSessionModelIsReplaced() {
        cop.sim.set("plan", "free").set("no-model", "refuse");
        cop.ok("chat", "hi");
        cop.sim.set("faults", "400-model_not_supported");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(2, cop.sim.count(SESSION));
        cop.sim.set("faults", "400-model_not_supported,400-model_not_supported");
        assertFalse(reports(cop.run("chat", "hi"), 1,
                "GitHub chose no model for this account").err().contains("-m auto"));
    }

    @Test
    void sessionModelSupportsRequestedFields() {
        cop.sim.set("no-model", "refuse").set("auto-model", "gpt-5.3-codex");
        cop.ok("chat", "-m", "auto", "-O", "stop=[\"END\"]", "hi");
        assertTrue(cop.last(CHAT).body().has("stop"));
        cop.ok("chat", "-m", "auto", "hi");
        assertEquals(1, cop.sim.count(RESPONSES), "GitHub's choice where nothing else is wanted");
    }

    @Test
    void sessionBelongsToAccountAndIsDeletedAtLogout() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token");
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghs")).sim.set("no-model", "refuse");
        cop.ok("chat", "-m", "auto", "hi");
        assertEquals(1, cop.cached("auto-").size());
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.ok("logout");
        assertEquals(List.of(), cop.cached("auto-"));
        for (String other : cop.cached("token-")) assertTrue(cop.read(CACHE + "/" + other).contains("rejected"), other);
    }

    @Test
    void batchWithoutModelListUsesAuto() {
        cop.sim.set("models-faults", "500,500,500,500");
        cop.write("t.mustache", "say: {{x}}");
        rows(2);
        cop.ok(batch());
        assertFalse(cop.last(CHAT).body().has("model"));
    }

    @Test
    void autoIsCaseInsensitive() {
        cop.ok("chat", "-m", "AUTO", "hi");
        assertFalse(cop.last(CHAT).body().has("model"));
    }

    // ------------------------------------------------------------------------------------- what a newcomer met

    @Test
    void droppedFieldsAreRememberedPerAnsweringModel() {
        cop.sim.set("auto-model", "claude-sonnet-5");
        var refused = cop.ok("chat", "-m", "auto", "--temperature", "0.4", "hi");
        assertTrue(refused.err().contains("the model that GitHub chose does not support temperature"), refused::all);
        cop.sim.set("auto-model", "kimi-k3");
        assertFalse(cop.record("-m", "auto", "--temperature", "0.4", "hi").has("dropped"));
    }

    @Test
    void batchWithNamedModelWarnsOnAutoOnlyPlan() {
        cop.sim.set("plan", "free");
        cop.write("t.mustache", "say: {{x}}");
        rows(1);
        assertTrue(cop.run(batch("-m", "gpt-5.4")).err().contains("GitHub chooses the model"));
        assertTrue(cop.ok("models", "default", "gpt-5.4").err().contains("GitHub chooses the model"));
    }
}
