package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.header;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The service as it is since the summer of 2026: who we say that we are, plans that have only `auto`, options that
/// models refuse, tokens that are used directly.
class CurrentService {
    private static final String CHAT = "/chat/completions", RESPONSES = "/responses", MESSAGES = "/v1/messages",
            EXCHANGE = "/copilot_internal/v2/token", SESSION = "/models/session", CACHE = ".cache/copilot.java";

    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private static List<String> strings(JsonNode list) { return list.valueStream().map(JsonNode::asString).toList(); }

    private String at(String name) { return cop.file(name).toString(); }

    // ---------------------------------------------------------------------------------------------- identity

    @Test
    void theApiAndTheExchangeAreToldTheSameCurrentIdentity() {
        cop.ok("chat", "hi");
        for (String path : List.of(EXCHANGE, "/models", CHAT)) {
            var entry = cop.last(path);
            assertEquals("vscode-chat", header(entry, "Copilot-Integration-Id"), path);
            assertTrue(header(entry, "Editor-Version").matches("vscode/1\\.1[0-9]{2}\\.[0-9]+"), path);
            assertTrue(header(entry, "Editor-Plugin-Version").matches("copilot-chat/0\\.[0-9]{2}\\.[0-9]+"), path);
            assertTrue(header(entry, "User-Agent").matches("GitHubCopilotChat/0\\.[0-9]{2}\\.[0-9]+"), path);
        }
        assertEquals("2025-04-01", header(cop.last(EXCHANGE), "X-GitHub-Api-Version"));
        assertEquals("2026-08-01", header(cop.last("/models"), "X-GitHub-Api-Version"));
        assertEquals("2026-08-01", header(cop.last(CHAT), "X-GitHub-Api-Version"));
        cop.ok("usage");
        assertEquals("2025-04-01", header(cop.last("/copilot_internal/user"), "X-GitHub-Api-Version"));
        cop.ok("status");
        assertEquals("", header(cop.last("/user"), "X-GitHub-Api-Version"), "a public path knows no such version");
    }

    @Test
    void theWholeListIsShownAndNotTheLegacyOne() {
        String models = cop.ok("models").out();
        assertTrue(models.contains("gpt-5.5\t"), models);
        assertTrue(models.contains("claude-sonnet-5\t"), models);
        String legacy = cop.ok("models", "--refresh", "-H", "X-GitHub-Api-Version:").out();
        assertFalse(legacy.contains("gpt-5.5\t"), legacy);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Copilot-Integration-Id: copilot-language-server", "Editor-Version: vscode/1.130.0",
            "Editor-Plugin-Version: copilot-chat/0.60.0", "User-Agent: me/1.0", "X-GitHub-Api-Version: 2026-09-01",
            "X-GitHub-Api-Version:"})
    void everyPartCanBeReplacedOnTheExchangeTooAndOldTokensAndListsAreNotUsedThen(String line) {
        cop.ok("chat", "hi");
        cop.ok("chat", "-H", line, "hi");
        String[] parts = line.split(": ?", 2);
        for (String path : List.of(EXCHANGE, "/models", CHAT)) {
            assertEquals(2, cop.requests(path).size(), path);
            assertEquals(parts[1], header(cop.last(path), parts[0]), path);
        }
        cop.with("COP_HEADERS", line);
        cop.ok("chat", "hi");
        assertEquals(2, cop.requests(EXCHANGE).size(), "the same identity by the variable: its token is there");
    }

    @Test
    void logoutForgetsTheTokensOfEveryIdentity() {
        cop.ok("token");
        cop.ok("token", "-H", "Editor-Version: vscode/1.130.0");
        assertEquals(2, cop.cached("token-").size());
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token");
        cop.ok("logout");
        assertEquals(List.of(), cop.cached("token-"));
    }

    @Test
    void aTokenThatWasMintedForAnotherIntegrationIsRenewedOnce() {
        cop.sim.set("exchange-scope", true);
        cop.ok("chat", "-m", "gpt-5.5", "hi");
        assertEquals(1, cop.requests(EXCHANGE).size());
        cop.sim.set("integrator", "gpt-5-mini");
        reports(cop.run("chat", "-m", "gpt-5.5", "hi"), 1, "Available models: [gpt-5-mini]");
        assertEquals(2, cop.requests(EXCHANGE).size(), "once more, in case the token was made for another");
    }

    @Test
    void aBatchRenewsSuchATokenOnceAndNotForEachRow() {
        cop.sim.set("integrator", "gpt-5-mini");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n{\"x\":4}\n");
        assertEquals(5, cop.run("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay",
                "0", "-m", "gpt-5.5").code());
        assertEquals(2, cop.requests(EXCHANGE).size());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "400-vscode-version | hint: -H 'Editor-Version: vscode/1.104.1'",
            "400-out-of-date | hint: a newer copilot.java (jbang --fresh); or -H 'Editor-Plugin-Version: copilot-chat/",
            "466-vscode | hint: -H 'Editor-Version: vscode/1.109.2'",
            "466 | hint: a newer copilot.java (jbang --fresh); or -H 'X-GitHub-Api-Version: "})
    void anIdentityThatIsTooOldIsToldWithTheHeaderToType(String fault, String hint) {
        cop.sim.set("faults", fault);
        reports(cop.run("chat", "-m", "gpt-5-mini", "hi"), 1, hint);
    }

    // ---------------------------------------------------------------------------------------------- auto

    @ParameterizedTest
    @ValueSource(strings = {"free", "student"})
    void whoHasOnlyAutoCanChatWithoutNamingIt(String plan) {
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
    void aNamedModelOnSuchAPlanSaysWhyAndHow(String plan) {
        cop.sim.set("plan", plan);
        reports(cop.run("chat", "-m", "gpt-5-mini", "hi"), 1, "hint: -m auto");
        reports(cop.run("chat", "-m", "claude-sonnet-5", "hi"), 1, "on Free and Student plans GitHub chooses it");
    }

    @Test
    void autoIsTheFirstOfTheModels() {
        assertEquals("auto", cop.ok("models").out().lines().findFirst().orElseThrow().split("\t")[0]);
        assertEquals("auto", cop.ok("models", "auto").out().split("\t")[0]);
        assertTrue(cop.ok("models", "show", "auto").out().contains("GitHub chooses"));
        cop.sim.set("plan", "free");
        var outcome = cop.ok("models", "--refresh");
        assertEquals(1, outcome.out().lines().count(), outcome::all);
        assertTrue(outcome.err().contains("may name no model"), outcome::all);
        assertFalse(cop.ok("models", "--all").out().contains("-free-auto"), "those live within a session alone");
    }

    @Test
    void autoCanBeTheDefaultAndTheVariable() {
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
    void whereNoModelIsRefusedASessionNamesOneAndIsKept() {
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
    void aSessionThatHasEndedIsOpenedAnew() {
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
    void whereThereAreNoSessionsTheNewestWayIsAsked() {
        cop.sim.set("plan", "free").set("no-model", "refuse").set("sessions", "404");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(1, cop.sim.count("/auto"));
        cop.sim.set("auto", "404");
        cop.time.advance(Duration.ofDays(2));
        reports(cop.run("chat", "-m", "auto", "say: hello"), 1, "GitHub does not offer auto to this account");
    }

    @Test
    void imagesAndOtherEndpointsNeedASession() {
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
    void autoHasNoEffortAndItsSchemaGoesIntoThePrompt() {
        cop.sim.set("answer", "{\"name\":\"Ann\"}");
        var outcome = cop.run("chat", "-m", "auto", "--reasoning-effort", "high", "--schema", "name", "--json", "Who?");
        assertEquals(0, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("auto takes no reasoning_effort; it is left out"), outcome::all);
        assertEquals(List.of("reasoning_effort"), strings(Json.object(outcome.out(), "it").path("dropped")));
        assertFalse(cop.last(CHAT).body().has("response_format"));
        assertTrue(cop.last(CHAT).rawBody().contains("JSON Schema"));
        cop.sim.set("answer", "{\"name\":1}");
        reports(cop.run("chat", "-m", "auto", "--schema", "name", "--schema-retries", "0", "Who?"), 1,
                "does not meet the schema");
    }

    @Test
    void aConversationKeepsAutoAndNotTheModelThatAnswered() {
        cop.ok("chat", "-m", "auto", "say: one");
        cop.sim.set("auto-model", "mai-code-1.1-flash");
        cop.ok("chat", "-c", "say: two");
        assertFalse(cop.last(CHAT).body().has("model"));
        assertTrue(cop.ok("logs").out().contains("\tauto\t"), "the model that was asked for");
    }

    @Test
    void aTemplateCanNameAuto() {
        cop.write("t.mustache", "---\nmodel: auto\n---\nsay: {{input}}");
        assertEquals("hi\n", cop.runWith("hi", "chat", "-t", at("t.mustache")).out());
        assertFalse(cop.last(CHAT).body().has("model"));
    }

    @Test
    void aBatchSettlesAutoAndAnotherAnsweringModelIsNoChange() {
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
    void whatAutoCostsIsTakenFromTheModelThatAnswered() {
        cop.sim.set("auto-model", "kimi-k3").set("copilot-usage", false);
        cop.ok("models");
        assertTrue(cop.ok("chat", "-m", "auto", "-u", "hi").err().matches("(?s).*, about [0-9.]+ credits, kimi-k3.*"));
    }

    // ---------------------------------------------------------------------------------------------- the default

    @Test
    void theDefaultIsOneOfThoseThatMayBeNamed() {
        cop.ok("chat", "hi");
        assertEquals("gpt-5-mini", cop.last(CHAT).body().path("model").asString());
        cop.sim.set("models", "no-default");
        cop.ok("models", "--refresh");
        cop.ok("chat", "hi");
        assertEquals("gpt-5.3-codex", cop.last(RESPONSES).body().path("model").asString(), "the fallback");
        cop.sim.set("models", "empty");
        cop.ok("models", "--refresh", "--json");
        cop.ok("chat", "hi");
        assertFalse(cop.last(CHAT).body().has("model"), "nothing is known: auto");
    }

    @Test
    void withoutAListAutoIsAsked() {
        cop.sim.set("models-faults", "500,500,500,500");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertFalse(cop.last(CHAT).body().has("model"));
    }

    @ParameterizedTest
    @CsvSource({"claude-opus-4-8,claude-opus-4.8", "CLAUDE-OPUS-4-8,claude-opus-4.8", "gpt-5-4,gpt-5.4",
            "opus-4-8,claude-opus-4.8"})
    void dashesAndDotsAreAlike(String typed, String id) {
        cop.ok("models");
        cop.ok("chat", "-m", typed, "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString());
    }

    // ---------------------------------------------------------------------------------------------- parameters

    @ParameterizedTest
    @CsvSource({"gpt-5.4,/chat/completions", "gpt-5.4-mini,/responses", "claude-sonnet-5,/chat/completions",
            "claude-fable-5.1,/v1/messages"})
    void aTemperatureThatAModelRefusesIsLeftOutAndRemembered(String model, String path) {
        cop.ok("models");
        var first = cop.ok("chat", "-m", model, "--temperature", "0", "say: hello");
        assertEquals("hello\n", first.out());
        assertEquals("warning: " + model + " takes no temperature; it is left out\n", first.err());
        assertEquals(2, cop.sim.count(path), "refused once, and asked again");
        assertFalse(cop.last(path).body().has("temperature"));
        var record = cop.record("-m", model, "--temperature", "0", "say: hello");
        assertEquals(List.of("temperature"), strings(record.path("dropped")));
        assertEquals(3, cop.sim.count(path), "the next one knows");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-5-mini", "kimi-k3", "grok-4.7", "mai-code-1.1-flash", "gemini-3.8-flash"})
    void aTemperatureThatAModelTakesIsSent(String model) {
        cop.ok("models");
        assertEquals("", cop.ok("chat", "-q", "-m", model, "--temperature", "0.5", "hi").err());
        assertEquals(0.5, cop.sim.ledger().getLast().body().path("temperature").asDouble());
    }

    @Test
    void severalFieldsMayBeRefusedOneAfterTheOther() {
        cop.sim.set("refuse", "temperature,top_p,seed");
        var record = cop.record("-m", "gpt-5-mini", "--temperature", "0", "--top-p", "1", "--seed", "7", "say: hello");
        assertEquals(Set.of("temperature", "top_p", "seed"), Set.copyOf(strings(record.path("dropped"))));
        assertEquals("hello", record.path("text").asString());
        assertEquals(4, cop.sim.count(CHAT));
    }

    @Test
    void whatMinusOAsksForIsRequired() {
        reports(cop.run("chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi"), 1,
                "Unsupported parameter: 'temperature'");
        reports(cop.run("chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi"), 1, "hint: leave out temperature");
        assertEquals(2, cop.sim.count(CHAT));
        cop.ok("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
        reports(cop.run("chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi"), 1,
                "Unsupported parameter: 'temperature'");
        cop.ok("chat", "-m", "gpt-5.4", "-O", "temperature=1", "--temperature", "0", "hi");
    }

    @ParameterizedTest
    @CsvSource({"temperature: 0, 0", "'options: {temperature: 0}', 1"})
    void aTemplatesFieldMayGoButNotItsOptions(String line, int code) {
        cop.write("t.mustache", "---\nmodel: gpt-5.4\n" + line + "\n---\nsay: hello");
        var outcome = cop.run("chat", "-t", at("t.mustache"));
        assertEquals(code, outcome.code(), outcome::all);
    }

    @Test
    void aBatchPaysForTheLessonOnceAndItsRowsStayTheSame() {
        cop.write("t.mustache", "---\nmodel: gpt-5.4\ntemperature: 0\n---\nsay: {{x}}");
        var rows = new StringBuilder();
        for (int i = 0; i < 20; i++) rows.append("{\"id\":").append(i).append(",\"x\":").append(i).append("}\n");
        cop.write("rows.jsonl", rows.toString());
        String[] batch = {"batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay", "0",
                "-j", "1"};
        var outcome = cop.ok(batch);
        assertEquals(1, outcome.err().split("takes no temperature", -1).length - 1, outcome::all);
        assertEquals(21, cop.sim.count(CHAT));
        assertTrue(cop.jsonLines("out.jsonl").stream().allMatch(row -> strings(row.path("dropped"))
                .equals(List.of("temperature"))));
        assertTrue(cop.ok(batch).err().contains("nothing to do"));
        assertEquals(21, cop.sim.count(CHAT));
    }

    @Test
    void whatTheToolAddsItselfGoesWithoutAWord() {
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
    void anEffortReachesClaudeOnItsMakersEndpoint(String model) {
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
    void anEffortThatIsRefusedNamesThoseThatAreNot() {
        cop.sim.set("efforts", "low,medium");
        reports(cop.run("chat", "-m", "gpt-5.4", "--reasoning-effort", "xhigh", "hi"), 1,
                "hint: --reasoning-effort low|medium");
    }

    @Test
    void aLimitOfTheAnswerThatHasAnotherNameIsRenamed() {
        cop.sim.set("faults", "400-max_tokens-renamed");
        cop.ok("chat", "-m", "mai-code-1.1-flash", "--max-tokens", "50", "hi");
        assertEquals(50, cop.last(CHAT).body().path("max_completion_tokens").asInt());
        assertFalse(cop.last(CHAT).body().has("max_tokens"));
    }

    // ---------------------------------------------------------------------------------------------- endpoints

    @Test
    void claudeIsAskedByItsMakersWayWhereImagesToolsOrThinkingAreInPlay() {
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
    void theEndpointCanBeNamed() {
        cop.ok("chat", "-m", "gpt-5-mini", "--endpoint", "responses", "hi");
        assertEquals(1, cop.sim.count(RESPONSES));
        reports(cop.run("chat", "-m", "gpt-5-mini", "--endpoint", "messages", "hi"), 1,
                "gpt-5-mini is not served on /v1/messages");
        assertEquals(0, cop.sim.count(CHAT), "what was named is not changed");
        reports(cop.run("chat", "--endpoint", "nowhere", "hi"), 2, "--endpoint nowhere is unknown");
        cop.write("t.mustache", "---\nmodel: gpt-5-mini\nendpoint: responses\n---\nsay: {{input}}");
        cop.runWith("hi", "chat", "-t", at("t.mustache"));
        assertEquals(2, cop.sim.count(RESPONSES));
        cop.write("t.mustache", "---\nendpoint: elsewhere\n---\nsay: {{input}}");
        reports(cop.run("templates", "check", at("t.mustache")), 2,
                "t.mustache:2: endpoint: there is no endpoint elsewhere");
    }

    @Test
    void aBatchKeepsItsEndpointAndItsRowsDoNotDependOnIt() {
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
    void anotherEndpointIsTriedByCodeOrWords(String fault) {
        cop.ok("models");
        cop.sim.set("faults", fault);
        assertEquals("hello\n", cop.ok("chat", "-m", "gpt-5-mini", "say: hello").out());
    }

    // ---------------------------------------------------------------------------------------------- tokens

    @Test
    void aTokenOfGitHubsCliIsUsedDirectly() {
        String token = cop.sim.issueGithubToken("gho");
        cop.with("COPILOT_GITHUB_TOKEN", token);
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals("Bearer " + token, header(cop.last(CHAT), "Authorization"));
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(1, cop.sim.count(EXCHANGE));
        assertEquals(1, cop.sim.count("/copilot_internal/user"));
        for (String name : cop.cached("")) assertFalse(cop.read(CACHE + "/" + name).contains(token), name);
        assertEquals(token + "\n", cop.ok("token").out());
        assertTrue(cop.ok("status").out().contains("used directly"));
        cop.time.advance(Duration.ofDays(1));
        cop.ok("chat", "say: hello");
        assertEquals(2, cop.sim.count("/copilot_internal/user"));
    }

    @Test
    void statusSaysWhichWayEachSourceGoes() {
        assertTrue(cop.ok("status").out().contains("exchanged"));
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("gho"));
        assertTrue(cop.ok("status", "--json").out().contains("used directly"));
    }

    @Test
    void aLoginAsGitHubsCliWorks() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.ok("login", "--client", "gh", "--no-browser");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertTrue(header(cop.last(CHAT), "Authorization").startsWith("Bearer gho_"));
    }

    @Test
    void aDirectTokenThatIsRevokedIsNoLongerUsed() {
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("gho"));
        cop.ok("chat", "hi");
        cop.sim.reset();
        reports(cop.run("chat", "hi"), 4, "revoked, expired or mistyped");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "ghs | installation token | permissions: copilot-requests: write",
            "github_pat | fine-grained personal access tokens | GitHub's own copilot CLI or SDK takes it",
            "ghp | classic personal access token | copilot login"})
    void otherKindsAreNamedWithTheirSanctionedWay(String kind, String words, String hint) {
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken(kind));
        assertTrue(reports(cop.run("chat", "hi"), 4, words).err().contains(hint));
        assertEquals(0, cop.sim.count(CHAT));
    }

    // ---------------------------------------------------------------------------------------------- money

    @Test
    void aBusinessWithoutALimitShowsWhatWasSpent() {
        cop.sim.set("plan", "business").set("quota", "unlimited-business");
        String shown = cop.terminal(1).run("usage").out();
        assertTrue(shown.matches("(?s).*premium interactions +unlimited, [0-9.]+ credits used.*"), shown);
        assertTrue(shown.contains("business"), shown);
    }

    @ParameterizedTest
    @CsvSource({"free,free", "student,student", "max,max", "business,business"})
    void thePlanHasItsWord(String plan, String word) {
        cop.sim.set("plan", plan);
        assertTrue(cop.ok("status").out().contains("(" + word + ","), () -> cop.ok("status").out());
        assertTrue(cop.terminal(1).run("usage").out().contains("(" + word + ","));
    }

    // ---------------------------------------------------------------------------------------------- errors

    @ParameterizedTest
    @ValueSource(strings = {"429-session", "429-weekly-pro"})
    void limitsOfASessionOrAWeekPointAtAuto(String fault) {
        cop.sim.set("faults", fault);
        reports(cop.run("chat", "-m", "gpt-5-mini", "hi"), 75, "hint: try -m auto");
    }

    @Test
    void aBodyThatTookTooLongIsSentOnceMore() {
        cop.sim.set("faults", "408-user_request_timeout,408-user_request_timeout,ok");
        reports(cop.run("chat", "-m", "gpt-5-mini", "hi"), 1, "Timed out reading request body");
        assertEquals(2, cop.sim.count(CHAT));
        cop.sim.set("faults", "408-user_request_timeout,408-user_request_timeout,ok");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n");
        assertEquals(5, cop.run("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay",
                "0", "-m", "gpt-5-mini").code());
        assertEquals(4, cop.sim.count(CHAT));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "400-prompt-too-long | the prompt is too long for gpt-5-mini",
            "400-max_tokens-over | hint: --max-tokens 64000",
            "400-vision_attachment_not_accessible | hint: GitHub cannot fetch the image"})
    void otherRefusalsSayWhatToDo(String fault, String words) {
        cop.sim.set("faults", fault);
        reports(cop.run("chat", "-m", "gpt-5-mini", "--max-tokens", "999999", "hi"), 1, words);
    }

    @ParameterizedTest
    @ValueSource(strings = {"hello", "two words", "# A heading", "`code`", "three\n\nparagraphs\n\nof it"})
    void aTerminalSeesAnAnswerOnce(String answer) {
        cop.sim.set("answer", answer);
        String shown = cop.terminal(1).run("chat", "hi").out().replaceAll("\\x1b\\[[0-9;]*[A-Za-z]|[#`]", "");
        String last = answer.replaceAll("[#`]", "").lines().toList().getLast().strip();
        assertEquals(1, shown.lines().filter(line -> line.strip().equals(last)).count(), shown);
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

    /// The tokens of before were made without the integration id.
    @Test
    void allRowsOfAFirstWaveSurviveATokenOfAnotherIntegration() {
        cop.sim.set("exchange-scope", true).set("latency", 50);
        cop.ok("models");
        String cached = CACHE + "/" + cop.cached("token-").getFirst();
        cop.ok("token", "--refresh", "-H", "Copilot-Integration-Id: copilot-language-server");
        String other = CACHE + "/" + cop.cached("token-").stream().filter(name -> !cached.endsWith(name)).findFirst()
                .orElseThrow();
        cop.write(cached, cop.read(other));
        cop.write("t.mustache", "say: {{x}}");
        rows(16);
        var outcome = cop.run(batch("-m", "gpt-5.5", "-j", "16"));
        assertEquals(0, outcome.code(), outcome::all);
        assertEquals(16, cop.jsonLines("out.jsonl").stream().filter(row -> row.path("status").asString().equals("ok"))
                .count());
    }

    @Test
    void aLessonIsPaidForOnceHoweverManyAreAtWork() {
        cop.sim.set("latency", 30);
        cop.write("t.mustache", "---\nmodel: gpt-5.4\ntemperature: 0\n---\nsay: {{x}}");
        rows(32);
        cop.ok(batch("-j", "32"));
        assertEquals(33, cop.sim.count(CHAT));
    }

    @Test
    void aFieldIsNamedByItsCodeWhereTheWordsAreUnknown() {
        var error = Json.tryParse("{\"error\":{\"code\":\"unsupported_parameter\",\"param\":\"temperature\"}}");
        var refusal = new ErrorResponse(400, "unsupported_parameter", "No.", error, "",
                HttpHeaders.of(Map.of(), (_, _) -> true), Instant.EPOCH);
        assertEquals(Optional.of("temperature"), RefusedFields.named(refusal));
    }

    @Test
    void aLessonOfOneEndpointIsNoneOfAnother() {
        cop.ok("models");
        cop.sim.set("faults", "400-max_tokens-renamed");
        cop.ok("chat", "-m", "claude-haiku-4.5", "hi");
        assertEquals(2, cop.sim.count(CHAT));
        cop.ok("chat", "-m", "claude-haiku-4.5", "--endpoint", "messages", "hi");
        assertEquals(1, cop.sim.count(MESSAGES));
        assertTrue(cop.last(MESSAGES).body().has("max_tokens"));
    }

    @Test
    void whatIsRefusedBesideAnotherIsTakenAlone() {
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
    void whatIsRequiredIsNeverDroppedWhateverTheWireCallsIt(String model, String refused, String option) {
        cop.ok("models");
        cop.sim.set("refuse", refused);
        var outcome = cop.run("chat", "-m", model, "-O", option, "hi");
        assertEquals(1, outcome.code(), outcome::all);
        assertEquals("", outcome.out());
    }

    @Test
    void whatTheToolItselfKnowsIsAnErrorTooWhereItIsRequired() {
        cop.ok("models");
        reports(cop.run("chat", "-m", "gpt-5.3-codex", "-O", "seed=7", "hi"), 2, "knows no seed");
        assertEquals(0, cop.sim.count(RESPONSES));
    }

    @Test
    void aRunGoesOnOnAnotherEndpointWithItsSchemaInWords() {
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
    @ValueSource(strings = {"429-session", "429-weekly-pro"})
    void whoAsksAutoIsNotToldToTryIt(String fault) {
        cop.sim.set("faults", fault);
        assertFalse(reports(cop.run("chat", "-m", "auto", "hi"), 75, "too many requests").err().contains("-m auto"));
        cop.sim.set("faults", "").set("plan", "free").set("no-model", "refuse");
        cop.ok("chat", "hi");
        cop.sim.set("faults", fault);
        assertFalse(reports(cop.run("chat", "hi"), 75, "too many requests").err().contains("-m auto"));
    }

    @Test
    void aSessionsModelThatIsRefusedIsGivenUpForAnother() {
        cop.sim.set("plan", "free").set("no-model", "refuse");
        cop.ok("chat", "hi");
        cop.sim.set("faults", "400-model_not_supported");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(2, cop.sim.count(SESSION));
        cop.sim.set("faults", "400-model_not_supported,400-model_not_supported");
        assertFalse(reports(cop.run("chat", "hi"), 1,
                "GitHub chooses no model for this account").err().contains("-m auto"));
    }

    @Test
    void whatASessionsModelCannotDoIsAskedOfOneThatCan() {
        cop.sim.set("no-model", "refuse").set("auto-model", "gpt-5.3-codex");
        cop.ok("chat", "-m", "auto", "-O", "stop=[\"END\"]", "hi");
        assertTrue(cop.last(CHAT).body().has("stop"));
        cop.ok("chat", "-m", "auto", "hi");
        assertEquals(1, cop.sim.count(RESPONSES), "GitHub's choice where nothing else is wanted");
    }

    @Test
    void theSessionIsThatOfTheAccountInUseAndGoesWithItsLogin() {
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
    void aBatchWithoutAListAsksAuto() {
        cop.sim.set("models-faults", "500,500,500,500");
        cop.write("t.mustache", "say: {{x}}");
        rows(2);
        cop.ok(batch());
        assertFalse(cop.last(CHAT).body().has("model"));
    }

    @Test
    void aModelThatIsRefusedDoesNotCostWhatWasLearned() {
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
    void aServerThatContradictsItselfIsNotAskedForEver() {
        cop.sim.set("faults", Collections.nCopies(30, "400-max_tokens-renamed"));
        assertEquals(1, cop.run("chat", "-m", "gpt-5-mini", "--max-tokens", "9", "hi").code());
        assertTrue(cop.sim.count(CHAT) < 4, () -> cop.sim.count(CHAT) + " requests");
    }

    @Test
    void autoIsAutoInAnyCase() {
        cop.ok("chat", "-m", "AUTO", "hi");
        assertFalse(cop.last(CHAT).body().has("model"));
    }

    // ------------------------------------------------------------------------------------- what a newcomer met

    @ParameterizedTest
    @CsvSource({"haiku,claude-haiku-4.5", "claude-opus-4-8,claude-opus-4.8", "grok,grok-4.7"})
    void aPartOfAnIdIsEnoughInAnEmptyHome(String part, String id) {
        cop.ok("chat", "-m", part, "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString());
        cop.with("COP_MODEL", part);
        cop.ok("chat", "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString(), "by the variable");
    }

    @Test
    void whatOneOfAutosModelsRefusesTheNextMayTake() {
        cop.sim.set("auto-model", "claude-sonnet-5");
        var refused = cop.ok("chat", "-m", "auto", "--temperature", "0.4", "hi");
        assertTrue(refused.err().contains("the model that GitHub chose takes no temperature"), refused::all);
        cop.sim.set("auto-model", "kimi-k3");
        assertFalse(cop.record("-m", "auto", "--temperature", "0.4", "hi").has("dropped"));
    }

    @Test
    void anEndpointThatWasNamedIsWhatToLeaveOut() {
        reports(cop.run("chat", "-m", "gpt-5.4", "--endpoint", "messages", "hi"), 1, "hint: leave out the endpoint");
    }

    @Test
    void aBatchWithANamedModelIsWarnedWhereOnlyAutoWorks() {
        cop.sim.set("plan", "free");
        cop.write("t.mustache", "say: {{x}}");
        rows(1);
        assertTrue(cop.run(batch("-m", "gpt-5.4")).err().contains("may name no model"));
        assertTrue(cop.ok("models", "default", "gpt-5.4").err().contains("may name no model"));
    }
}
