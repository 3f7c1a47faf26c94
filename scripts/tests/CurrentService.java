package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The service as it is since the summer of 2026: who we say that we are, plans that have only `auto`, options that
/// models refuse, tokens that are used directly.
class CurrentService {
    private static final String CHAT = "/chat/completions", RESPONSES = "/responses", MESSAGES = "/v1/messages",
            EXCHANGE = "/copilot_internal/v2/token", SESSION = "/models/session", CACHE = ".cache/copilot.java";
    private static final String DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYmYBAAAPAAVfA4IAAAAA"
            + "SUVORK5CYII=";

    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private Harness.Outcome good(String... args) {
        var outcome = cop.run(args);
        assertEquals(0, outcome.code(), outcome::all);
        return outcome;
    }

    private Harness.Outcome bad(int code, String words, String... args) {
        var outcome = cop.run(args);
        assertEquals(code, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains(words), () -> words + " in " + outcome.all());
        return outcome;
    }

    private JsonNode record(String... args) {
        var all = new ArrayList<>(List.of("chat", "--json"));
        all.addAll(List.of(args));
        return Json.object(good(all.toArray(String[]::new)).out(), "the record");
    }

    private List<simulator.Entry> asked(String path) {
        return cop.sim.ledger().stream().filter(entry -> entry.path().equals(path)).toList();
    }

    private simulator.Entry last(String path) { return asked(path).getLast(); }

    private static String header(simulator.Entry entry, String name) {
        return String.join("|", entry.headers().getOrDefault(name.toLowerCase(Locale.ROOT), List.of()));
    }

    private static List<String> strings(JsonNode list) { return list.valueStream().map(JsonNode::asString).toList(); }

    private List<String> cached(String kind) {
        try (var files = Files.list(cop.file(CACHE))) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith(kind)
                    && name.endsWith(".json")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void image() {
        try {
            Files.write(cop.file("dot.png"), Base64.getDecoder().decode(DOT));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String at(String name) { return cop.file(name).toString(); }

    private List<JsonNode> results(String name) {
        return cop.read(name).lines().map(line -> (JsonNode) Json.object(line, "a result")).toList();
    }

    // ---------------------------------------------------------------------------------------------- identity

    @Test
    void theApiAndTheExchangeAreToldTheSameCurrentIdentity() {
        good("chat", "hi");
        for (String path : List.of(EXCHANGE, "/models", CHAT)) {
            var entry = last(path);
            assertEquals("vscode-chat", header(entry, "Copilot-Integration-Id"), path);
            assertTrue(header(entry, "Editor-Version").matches("vscode/1\\.1[0-9]{2}\\.[0-9]+"), path);
            assertTrue(header(entry, "Editor-Plugin-Version").matches("copilot-chat/0\\.[0-9]{2}\\.[0-9]+"), path);
            assertTrue(header(entry, "User-Agent").matches("GitHubCopilotChat/0\\.[0-9]{2}\\.[0-9]+"), path);
        }
        assertEquals("2025-04-01", header(last(EXCHANGE), "X-GitHub-Api-Version"));
        assertEquals("2026-08-01", header(last("/models"), "X-GitHub-Api-Version"));
        assertEquals("2026-08-01", header(last(CHAT), "X-GitHub-Api-Version"));
        good("usage");
        assertEquals("2025-04-01", header(last("/copilot_internal/user"), "X-GitHub-Api-Version"));
        good("status");
        assertEquals("", header(last("/user"), "X-GitHub-Api-Version"), "a public path knows no such version");
    }

    @Test
    void theWholeListIsShownAndNotTheLegacyOne() {
        String models = good("models").out();
        assertTrue(models.contains("gpt-5.5\t"), models);
        assertTrue(models.contains("claude-sonnet-5\t"), models);
        String legacy = good("models", "--refresh", "-H", "X-GitHub-Api-Version:").out();
        assertFalse(legacy.contains("gpt-5.5\t"), legacy);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Copilot-Integration-Id: copilot-language-server", "Editor-Version: vscode/1.130.0",
            "Editor-Plugin-Version: copilot-chat/0.60.0", "User-Agent: me/1.0", "X-GitHub-Api-Version: 2026-09-01",
            "X-GitHub-Api-Version:"})
    void everyPartCanBeReplacedOnTheExchangeTooAndOldTokensAndListsAreNotUsedThen(String line) {
        good("chat", "hi");
        good("chat", "-H", line, "hi");
        String[] parts = line.split(": ?", 2);
        for (String path : List.of(EXCHANGE, "/models", CHAT)) {
            assertEquals(2, asked(path).size(), path);
            assertEquals(parts[1], header(last(path), parts[0]), path);
        }
        cop.with("COP_HEADERS", line);
        good("chat", "hi");
        assertEquals(2, asked(EXCHANGE).size(), "the same identity by the variable: its token is there");
    }

    @Test
    void logoutForgetsTheTokensOfEveryIdentity() {
        good("token");
        good("token", "-H", "Editor-Version: vscode/1.130.0");
        assertEquals(2, cached("token-").size());
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token");
        good("logout");
        assertEquals(List.of(), cached("token-"));
    }

    @Test
    void aTokenThatWasMintedForAnotherIntegrationIsRenewedOnce() {
        cop.sim.set("exchange-scope", true);
        good("chat", "-m", "gpt-5.5", "hi");
        assertEquals(1, asked(EXCHANGE).size());
        cop.sim.set("integrator", "gpt-5-mini");
        bad(1, "Available models: [gpt-5-mini]", "chat", "-m", "gpt-5.5", "hi");
        assertEquals(2, asked(EXCHANGE).size(), "once more, in case the token was made for another");
    }

    @Test
    void aBatchRenewsSuchATokenOnceAndNotForEachRow() {
        cop.sim.set("integrator", "gpt-5-mini");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n{\"x\":4}\n");
        assertEquals(5, cop.run("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay",
                "0", "-m", "gpt-5.5").code());
        assertEquals(2, asked(EXCHANGE).size());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "400-vscode-version | hint: -H 'Editor-Version: vscode/1.104.1'",
            "400-out-of-date | hint: a newer copilot.java (jbang --fresh); or -H 'Editor-Plugin-Version: copilot-chat/",
            "466-vscode | hint: -H 'Editor-Version: vscode/1.109.2'",
            "466 | hint: a newer copilot.java (jbang --fresh); or -H 'X-GitHub-Api-Version: "})
    void anIdentityThatIsTooOldIsToldWithTheHeaderToType(String fault, String hint) {
        cop.sim.set("faults", fault);
        bad(1, hint, "chat", "-m", "gpt-5-mini", "hi");
    }

    // ---------------------------------------------------------------------------------------------- auto

    @ParameterizedTest
    @ValueSource(strings = {"free", "student"})
    void whoHasOnlyAutoCanChatWithoutNamingIt(String plan) {
        cop.sim.set("plan", plan);
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertFalse(last(CHAT).body().has("model"));
        assertEquals("hello\n", good("chat", "-m", "auto", "say: hello").out());
        assertEquals(0, cop.sim.count(SESSION));
        var record = record("say: hello");
        assertTrue(record.path("model").asString().startsWith("gpt-5-mini"), record::toString);
        assertTrue(good("chat", "-u", "say: hello").err().contains("gpt-5-mini"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"free", "student"})
    void aNamedModelOnSuchAPlanSaysWhyAndHow(String plan) {
        cop.sim.set("plan", plan);
        bad(1, "hint: -m auto", "chat", "-m", "gpt-5-mini", "hi");
        bad(1, "on Free and Student plans GitHub chooses it", "chat", "-m", "claude-sonnet-5", "hi");
    }

    @Test
    void autoIsTheFirstOfTheModels() {
        assertEquals("auto", good("models").out().lines().findFirst().orElseThrow().split("\t")[0]);
        assertEquals("auto", good("models", "auto").out().split("\t")[0]);
        assertTrue(good("models", "show", "auto").out().contains("GitHub chooses"));
        cop.sim.set("plan", "free");
        var outcome = good("models", "--refresh");
        assertEquals(1, outcome.out().lines().count(), outcome::all);
        assertTrue(outcome.err().contains("may name no model"), outcome::all);
        assertFalse(good("models", "--all").out().contains("-free-auto"), "those live within a session alone");
    }

    @Test
    void autoCanBeTheDefaultAndTheVariable() {
        good("models", "default", "auto");
        good("chat", "hi");
        assertFalse(last(CHAT).body().has("model"));
        cop.with("COP_MODEL", "gpt-5-mini");
        good("chat", "hi");
        assertEquals("gpt-5-mini", last(CHAT).body().path("model").asString());
        cop.with("COP_MODEL", "auto");
        good("chat", "hi");
        assertFalse(last(CHAT).body().has("model"));
    }

    @Test
    void whereNoModelIsRefusedASessionNamesOneAndIsKept() {
        cop.sim.set("plan", "free").set("no-model", "refuse");
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertEquals(2, cop.sim.count(CHAT));
        assertEquals("gpt-5-mini", last(CHAT).body().path("model").asString());
        assertFalse(header(last(CHAT), "Copilot-Session-Token").isEmpty());
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertEquals(3, cop.sim.count(CHAT), "what was learned is remembered");
        assertEquals(1, cop.sim.count(SESSION), "and so is the session");
        assertEquals(1, cached("auto-").size());
    }

    @Test
    void aSessionThatHasEndedIsOpenedAnew() {
        cop.sim.set("plan", "free").set("no-model", "refuse").set("session-life", 3600);
        good("chat", "say: hello");
        cop.time.advance(Duration.ofHours(2));
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertEquals(2, cop.sim.count(SESSION));
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n");
        cop.sim.set("session-life", 0);
        cop.time.advance(Duration.ofHours(2));
        bad(1, "Invalid auto-mode selector", "chat", "hi"); // its session is over at once, and so is the next
        assertEquals(4, cop.sim.count(SESSION));
        cop.sim.set("session-life", 3600);
        assertEquals(0, cop.run("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay",
                "0").code());
        assertEquals(3, results("out.jsonl").size());
        assertEquals(5, cop.sim.count(SESSION));
    }

    @Test
    void whereThereAreNoSessionsTheNewestWayIsAsked() {
        cop.sim.set("plan", "free").set("no-model", "refuse").set("sessions", "404");
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertEquals(1, cop.sim.count("/auto"));
        cop.sim.set("auto", "404");
        cop.time.advance(Duration.ofDays(2));
        bad(1, "GitHub does not offer auto to this account", "chat", "-m", "auto", "say: hello");
    }

    @Test
    void imagesAndOtherEndpointsNeedASession() {
        cop.sim.set("plan", "student");
        image();
        good("chat", "-a", at("dot.png"), "say: hello");
        assertEquals(1, cop.sim.count(SESSION));
        assertTrue(last(CHAT).body().has("model"));
        good("chat", "--endpoint", "responses", "say: hello");
        assertEquals("gpt-5-mini", last(RESPONSES).body().path("model").asString());
        assertEquals(1, cop.sim.count(SESSION));
        good("chat", "--endpoint", "messages", "say: hello");
        assertTrue(last(MESSAGES).body().path("model").asString().startsWith("claude-"));
    }

    @Test
    void autoHasNoEffortAndItsSchemaGoesIntoThePrompt() {
        cop.sim.set("answer", "{\"name\":\"Ann\"}");
        var outcome = cop.run("chat", "-m", "auto", "--reasoning-effort", "high", "--schema", "name", "--json", "Who?");
        assertEquals(0, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("auto takes no reasoning_effort; it is left out"), outcome::all);
        assertEquals(List.of("reasoning_effort"), strings(Json.object(outcome.out(), "it").path("dropped")));
        assertFalse(last(CHAT).body().has("response_format"));
        assertTrue(last(CHAT).rawBody().contains("JSON Schema"));
        cop.sim.set("answer", "{\"name\":1}");
        bad(1, "does not meet the schema", "chat", "-m", "auto", "--schema", "name", "--schema-retries", "0", "Who?");
    }

    @Test
    void aConversationKeepsAutoAndNotTheModelThatAnswered() {
        good("chat", "-m", "auto", "say: one");
        cop.sim.set("auto-model", "mai-code-1.1-flash");
        good("chat", "-c", "say: two");
        assertFalse(last(CHAT).body().has("model"));
        assertTrue(good("logs").out().contains("\tauto\t"), "the model that was asked for");
    }

    @Test
    void aTemplateCanNameAuto() {
        cop.write("t.mustache", "---\nmodel: auto\n---\nsay: {{input}}");
        assertEquals("hi\n", cop.runWith("hi", "chat", "-t", at("t.mustache")).out());
        assertFalse(last(CHAT).body().has("model"));
    }

    @Test
    void aBatchSettlesAutoAndAnotherAnsweringModelIsNoChange() {
        cop.sim.set("plan", "free");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n{\"x\":2}\n");
        String[] batch = {"batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay", "0"};
        assertTrue(good(Stream.concat(Stream.of(batch), Stream.of("--dry-run")).toArray(String[]::new)).out()
                .contains("auto: GitHub chooses, so no prompt was checked against a limit"));
        good(batch);
        assertEquals("auto", Json.object(cop.read("out.jsonl.run/manifest.json"), "it").path("model").asString());
        assertTrue(results("out.jsonl").getFirst().path("model").asString().startsWith("gpt-5-mini"));
        cop.sim.set("auto-model", "kimi-k3");
        var again = good(batch);
        assertTrue(again.err().contains("nothing to do"), again::all);
        assertEquals(2, cop.sim.count(CHAT));
    }

    @Test
    void whatAutoCostsIsTakenFromTheModelThatAnswered() {
        cop.sim.set("auto-model", "kimi-k3").set("copilot-usage", false);
        good("models");
        assertTrue(good("chat", "-m", "auto", "-u", "hi").err().matches("(?s).*, about [0-9.]+ credits, kimi-k3.*"));
    }

    // ---------------------------------------------------------------------------------------------- the default

    @Test
    void theDefaultIsOneOfThoseThatMayBeNamed() {
        good("chat", "hi");
        assertEquals("gpt-5-mini", last(CHAT).body().path("model").asString());
        cop.sim.set("models", "no-default");
        good("models", "--refresh");
        good("chat", "hi");
        assertEquals("gpt-5.3-codex", last(RESPONSES).body().path("model").asString(), "the fallback");
        cop.sim.set("models", "empty");
        good("models", "--refresh", "--json");
        good("chat", "hi");
        assertFalse(last(CHAT).body().has("model"), "nothing is known: auto");
    }

    @Test
    void withoutAListAutoIsAsked() {
        cop.sim.set("models-faults", "500,500,500,500");
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertFalse(last(CHAT).body().has("model"));
    }

    @ParameterizedTest
    @CsvSource({"claude-opus-4-8,claude-opus-4.8", "CLAUDE-OPUS-4-8,claude-opus-4.8", "gpt-5-4,gpt-5.4",
            "opus-4-8,claude-opus-4.8"})
    void dashesAndDotsAreAlike(String typed, String id) {
        good("models");
        good("chat", "-m", typed, "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString());
    }

    // ---------------------------------------------------------------------------------------------- parameters

    @ParameterizedTest
    @CsvSource({"gpt-5.4,/chat/completions", "gpt-5.4-mini,/responses", "claude-sonnet-5,/chat/completions",
            "claude-fable-5.1,/v1/messages"})
    void aTemperatureThatAModelRefusesIsLeftOutAndRemembered(String model, String path) {
        good("models");
        var first = good("chat", "-m", model, "--temperature", "0", "say: hello");
        assertEquals("hello\n", first.out());
        assertEquals("warning: " + model + " takes no temperature; it is left out\n", first.err());
        assertEquals(2, cop.sim.count(path), "refused once, and asked again");
        assertFalse(last(path).body().has("temperature"));
        var record = record("-m", model, "--temperature", "0", "say: hello");
        assertEquals(List.of("temperature"), strings(record.path("dropped")));
        assertEquals(3, cop.sim.count(path), "the next one knows");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-5-mini", "kimi-k3", "grok-4.7", "mai-code-1.1-flash", "gemini-3.8-flash"})
    void aTemperatureThatAModelTakesIsSent(String model) {
        good("models");
        assertEquals("", good("chat", "-q", "-m", model, "--temperature", "0.5", "hi").err());
        assertEquals(0.5, cop.sim.ledger().getLast().body().path("temperature").asDouble());
    }

    @Test
    void severalFieldsMayBeRefusedOneAfterTheOther() {
        cop.sim.set("refuse", "temperature,top_p,seed");
        var record = record("-m", "gpt-5-mini", "--temperature", "0", "--top-p", "1", "--seed", "7", "say: hello");
        assertEquals(Set.of("temperature", "top_p", "seed"), Set.copyOf(strings(record.path("dropped"))));
        assertEquals("hello", record.path("text").asString());
        assertEquals(4, cop.sim.count(CHAT));
    }

    @Test
    void whatMinusOAsksForIsRequired() {
        bad(1, "Unsupported parameter: 'temperature'", "chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi");
        bad(1, "hint: leave out temperature", "chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi");
        assertEquals(2, cop.sim.count(CHAT));
        good("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
        bad(1, "Unsupported parameter: 'temperature'", "chat", "-m", "gpt-5.4", "-O", "temperature=0", "hi");
        good("chat", "-m", "gpt-5.4", "-O", "temperature=1", "--temperature", "0", "hi");
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
        var outcome = good(batch);
        assertEquals(1, outcome.err().split("takes no temperature", -1).length - 1, outcome::all);
        assertEquals(21, cop.sim.count(CHAT));
        assertTrue(results("out.jsonl").stream().allMatch(row -> strings(row.path("dropped"))
                .equals(List.of("temperature"))));
        assertTrue(good(batch).err().contains("nothing to do"));
        assertEquals(21, cop.sim.count(CHAT));
    }

    @Test
    void whatTheToolAddsItselfGoesWithoutAWord() {
        good("models");
        cop.sim.set("refuse", "store,reasoning.summary");
        var record = record("-m", "gpt-5.4-mini", "say: hello");
        assertEquals("hello", record.path("text").asString());
        assertFalse(record.has("dropped"));
        assertEquals(3, cop.sim.count(RESPONSES));
        assertFalse(last(RESPONSES).body().has("store"));
    }

    @ParameterizedTest
    @CsvSource({"claude-haiku-4.5", "claude-sonnet-5"})
    void anEffortReachesClaudeOnItsMakersEndpoint(String model) {
        good("models");
        cop.sim.set("reasoning", "I think");
        var record = record("-m", model, "--reasoning-effort", "high", "say: hello");
        assertEquals("I think", record.path("reasoning").asString(), record::toString);
        var thinking = last(MESSAGES).body().path("thinking");
        if (model.equals("claude-haiku-4.5")) assertTrue(thinking.path("budget_tokens").asInt() >= 1024);
        else assertEquals("summarized", thinking.path("display").asString());
        assertTrue(good("models", model).out().contains("reasoning"));
    }

    @Test
    void anEffortThatIsRefusedNamesThoseThatAreNot() {
        cop.sim.set("efforts", "low,medium");
        bad(1, "hint: --reasoning-effort low|medium", "chat", "-m", "gpt-5.4", "--reasoning-effort", "xhigh", "hi");
    }

    @Test
    void aLimitOfTheAnswerThatHasAnotherNameIsRenamed() {
        cop.sim.set("faults", "400-max_tokens-renamed");
        good("chat", "-m", "mai-code-1.1-flash", "--max-tokens", "50", "hi");
        assertEquals(50, last(CHAT).body().path("max_completion_tokens").asInt());
        assertFalse(last(CHAT).body().has("max_tokens"));
    }

    // ---------------------------------------------------------------------------------------------- endpoints

    @Test
    void claudeIsAskedByItsMakersWayWhereImagesToolsOrThinkingAreInPlay() {
        image();
        good("models");
        good("chat", "-m", "claude-haiku-4.5", "hi");
        assertEquals(0, cop.sim.count(MESSAGES));
        good("chat", "-m", "claude-haiku-4.5", "-a", at("dot.png"), "hi");
        assertEquals(1, cop.sim.count(MESSAGES));
        good("chat", "-m", "claude-haiku-4.5", "-a", at("dot.png"), "--endpoint", "chat", "hi");
        assertEquals(1, cop.sim.count(MESSAGES));
    }

    @Test
    void theEndpointCanBeNamed() {
        good("chat", "-m", "gpt-5-mini", "--endpoint", "responses", "hi");
        assertEquals(1, cop.sim.count(RESPONSES));
        bad(1, "gpt-5-mini is not served on /v1/messages", "chat", "-m", "gpt-5-mini", "--endpoint", "messages", "hi");
        assertEquals(0, cop.sim.count(CHAT), "what was named is not changed");
        bad(2, "--endpoint nowhere is unknown", "chat", "--endpoint", "nowhere", "hi");
        cop.write("t.mustache", "---\nmodel: gpt-5-mini\nendpoint: responses\n---\nsay: {{input}}");
        cop.runWith("hi", "chat", "-t", at("t.mustache"));
        assertEquals(2, cop.sim.count(RESPONSES));
        cop.write("t.mustache", "---\nendpoint: elsewhere\n---\nsay: {{input}}");
        bad(2, "t.mustache:2: endpoint: there is no endpoint elsewhere", "templates", "check", at("t.mustache"));
    }

    @Test
    void aBatchKeepsItsEndpointAndItsRowsDoNotDependOnIt() {
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"id\":1,\"x\":1}\n");
        String[] first = {"batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay", "0",
                "-m", "gpt-5-mini", "--endpoint", "responses"};
        good(first);
        assertEquals(1, cop.sim.count(RESPONSES));
        cop.write("rows.jsonl", "{\"id\":1,\"x\":1}\n{\"id\":2,\"x\":2}\n");
        good(Arrays.copyOf(first, first.length - 2));
        assertEquals(2, cop.sim.count(RESPONSES));
        assertEquals(0, cop.sim.count(CHAT));
        first[first.length - 1] = "chat";
        assertTrue(good(first).err().contains("nothing to do"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"400-api-responses", "400-api-responses-nocode", "400-api-lacks", "400-api-lacks-nocode",
            "400-api-endpoint-nocode"})
    void anotherEndpointIsTriedByCodeOrWords(String fault) {
        good("models");
        cop.sim.set("faults", fault);
        assertEquals("hello\n", good("chat", "-m", "gpt-5-mini", "say: hello").out());
    }

    // ---------------------------------------------------------------------------------------------- tokens

    @Test
    void aTokenOfGitHubsCliIsUsedDirectly() {
        String token = cop.sim.issueGithubToken("gho");
        cop.with("COPILOT_GITHUB_TOKEN", token);
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertEquals("Bearer " + token, header(last(CHAT), "Authorization"));
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertEquals(1, cop.sim.count(EXCHANGE));
        assertEquals(1, cop.sim.count("/copilot_internal/user"));
        for (String name : cached("")) assertFalse(cop.read(CACHE + "/" + name).contains(token), name);
        assertEquals(token + "\n", good("token").out());
        assertTrue(good("status").out().contains("used directly"));
        cop.time.advance(Duration.ofDays(1));
        good("chat", "say: hello");
        assertEquals(2, cop.sim.count("/copilot_internal/user"));
    }

    @Test
    void statusSaysWhichWayEachSourceGoes() {
        assertTrue(good("status").out().contains("exchanged"));
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("gho"));
        assertTrue(good("status", "--json").out().contains("used directly"));
    }

    @Test
    void aLoginAsGitHubsCliWorks() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        good("login", "--client", "gh", "--no-browser");
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertTrue(header(last(CHAT), "Authorization").startsWith("Bearer gho_"));
    }

    @Test
    void aDirectTokenThatIsRevokedIsNoLongerUsed() {
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("gho"));
        good("chat", "hi");
        cop.sim.reset();
        bad(4, "revoked, expired or mistyped", "chat", "hi");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "ghs | installation token | permissions: copilot-requests: write",
            "github_pat | fine-grained personal access tokens | GitHub's own copilot CLI or SDK takes it",
            "ghp | classic personal access token | copilot login"})
    void otherKindsAreNamedWithTheirSanctionedWay(String kind, String words, String hint) {
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken(kind));
        assertTrue(bad(4, words, "chat", "hi").err().contains(hint));
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
        assertTrue(good("status").out().contains("(" + word + ","), () -> good("status").out());
        assertTrue(cop.terminal(1).run("usage").out().contains("(" + word + ","));
    }

    // ---------------------------------------------------------------------------------------------- errors

    @ParameterizedTest
    @ValueSource(strings = {"429-session", "429-weekly-pro"})
    void limitsOfASessionOrAWeekPointAtAuto(String fault) {
        cop.sim.set("faults", fault);
        bad(75, "hint: try -m auto", "chat", "-m", "gpt-5-mini", "hi");
    }

    @Test
    void aBodyThatTookTooLongIsSentOnceMore() {
        cop.sim.set("faults", "408-user_request_timeout,408-user_request_timeout,ok");
        bad(1, "Timed out reading request body", "chat", "-m", "gpt-5-mini", "hi");
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
        bad(1, words, "chat", "-m", "gpt-5-mini", "--max-tokens", "999999", "hi");
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
        good("models");
        String cached = CACHE + "/" + cached("token-").getFirst();
        good("token", "--refresh", "-H", "Copilot-Integration-Id: copilot-language-server");
        String other = CACHE + "/" + cached("token-").stream().filter(name -> !cached.endsWith(name)).findFirst()
                .orElseThrow();
        cop.write(cached, cop.read(other));
        cop.write("t.mustache", "say: {{x}}");
        rows(16);
        var outcome = cop.run(batch("-m", "gpt-5.5", "-j", "16"));
        assertEquals(0, outcome.code(), outcome::all);
        assertEquals(16, results("out.jsonl").stream().filter(row -> row.path("status").asString().equals("ok"))
                .count());
    }

    @Test
    void aLessonIsPaidForOnceHoweverManyAreAtWork() {
        cop.sim.set("latency", 30);
        cop.write("t.mustache", "---\nmodel: gpt-5.4\ntemperature: 0\n---\nsay: {{x}}");
        rows(32);
        good(batch("-j", "32"));
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
        good("models");
        cop.sim.set("faults", "400-max_tokens-renamed");
        good("chat", "-m", "claude-haiku-4.5", "hi");
        assertEquals(2, cop.sim.count(CHAT));
        good("chat", "-m", "claude-haiku-4.5", "--endpoint", "messages", "hi");
        assertEquals(1, cop.sim.count(MESSAGES));
        assertTrue(last(MESSAGES).body().has("max_tokens"));
    }

    @Test
    void whatIsRefusedBesideAnotherIsTakenAlone() {
        good("models");
        var both = record("-m", "claude-haiku-4.5", "--temperature", "0", "--top-p", "0.9", "hi");
        assertEquals(List.of("top_p"), strings(both.path("dropped")));
        var alone = record("-m", "claude-haiku-4.5", "--top-p", "0.5", "hi");
        assertFalse(alone.has("dropped"), alone::toString);
        assertEquals(0.5, last(CHAT).body().path("top_p").asDouble());
        var again = record("-m", "claude-haiku-4.5", "--temperature", "0", "--top-p", "0.9", "hi");
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
        good("models");
        cop.sim.set("refuse", refused);
        var outcome = cop.run("chat", "-m", model, "-O", option, "hi");
        assertEquals(1, outcome.code(), outcome::all);
        assertEquals("", outcome.out());
    }

    @Test
    void whatTheToolItselfKnowsIsAnErrorTooWhereItIsRequired() {
        good("models");
        bad(2, "knows no seed", "chat", "-m", "gpt-5.3-codex", "-O", "seed=7", "hi");
        assertEquals(0, cop.sim.count(RESPONSES));
    }

    @Test
    void aRunGoesOnOnAnotherEndpointWithItsSchemaInWords() {
        cop.sim.set("answer", "{\"a\":1}");
        cop.write("t.mustache", "---\nschema: {type: object, properties: {a: {type: integer}}, required: [a]}\n---\n"
                + "{{x}}");
        rows(1);
        good(batch("-m", "gpt-5-mini"));
        rows(2);
        var outcome = cop.run(batch("-m", "gpt-5-mini", "--endpoint", "responses"));
        assertEquals(0, outcome.code(), outcome::all);
        assertEquals(2, results("out.jsonl").size());
        assertEquals(1, cop.sim.count(RESPONSES), "the first row is done");
    }

    @ParameterizedTest
    @ValueSource(strings = {"429-session", "429-weekly-pro"})
    void whoAsksAutoIsNotToldToTryIt(String fault) {
        cop.sim.set("faults", fault);
        assertFalse(bad(75, "too many requests", "chat", "-m", "auto", "hi").err().contains("-m auto"));
        cop.sim.set("faults", "").set("plan", "free").set("no-model", "refuse");
        good("chat", "hi");
        cop.sim.set("faults", fault);
        assertFalse(bad(75, "too many requests", "chat", "hi").err().contains("-m auto"));
    }

    @Test
    void aSessionsModelThatIsRefusedIsGivenUpForAnother() {
        cop.sim.set("plan", "free").set("no-model", "refuse");
        good("chat", "hi");
        cop.sim.set("faults", "400-model_not_supported");
        assertEquals("hello\n", good("chat", "say: hello").out());
        assertEquals(2, cop.sim.count(SESSION));
        cop.sim.set("faults", "400-model_not_supported,400-model_not_supported");
        assertFalse(bad(1, "GitHub chooses no model for this account", "chat", "hi").err().contains("-m auto"));
    }

    @Test
    void whatASessionsModelCannotDoIsAskedOfOneThatCan() {
        cop.sim.set("no-model", "refuse").set("auto-model", "gpt-5.3-codex");
        good("chat", "-m", "auto", "-O", "stop=[\"END\"]", "hi");
        assertTrue(last(CHAT).body().has("stop"));
        good("chat", "-m", "auto", "hi");
        assertEquals(1, cop.sim.count(RESPONSES), "GitHub's choice where nothing else is wanted");
    }

    @Test
    void theSessionIsThatOfTheAccountInUseAndGoesWithItsLogin() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token");
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghs")).sim.set("no-model", "refuse");
        good("chat", "-m", "auto", "hi");
        assertEquals(1, cached("auto-").size());
        cop.with("COPILOT_GITHUB_TOKEN", null);
        good("logout");
        assertEquals(List.of(), cached("auto-"));
        for (String other : cached("token-")) assertTrue(cop.read(CACHE + "/" + other).contains("rejected"), other);
    }

    @Test
    void aBatchWithoutAListAsksAuto() {
        cop.sim.set("models-faults", "500,500,500,500");
        cop.write("t.mustache", "say: {{x}}");
        rows(2);
        good(batch());
        assertFalse(last(CHAT).body().has("model"));
    }

    @Test
    void aModelThatIsRefusedDoesNotCostWhatWasLearned() {
        good("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
        bad(1, "cannot use the model", "chat", "-m", "nowhere-1", "hi");
        long before = cop.sim.count(CHAT);
        good("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
        assertEquals(before + 1, cop.sim.count(CHAT));
        good("models", "--refresh");
        good("chat", "-m", "gpt-5.4", "--temperature", "0", "hi");
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
        good("chat", "-m", "AUTO", "hi");
        assertFalse(last(CHAT).body().has("model"));
    }

    // ------------------------------------------------------------------------------------- what a newcomer met

    @ParameterizedTest
    @CsvSource({"haiku,claude-haiku-4.5", "claude-opus-4-8,claude-opus-4.8", "grok,grok-4.7"})
    void aPartOfAnIdIsEnoughInAnEmptyHome(String part, String id) {
        good("chat", "-m", part, "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString());
        cop.with("COP_MODEL", part);
        good("chat", "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString(), "by the variable");
    }

    @Test
    void whatOneOfAutosModelsRefusesTheNextMayTake() {
        cop.sim.set("auto-model", "claude-sonnet-5");
        var refused = good("chat", "-m", "auto", "--temperature", "0.4", "hi");
        assertTrue(refused.err().contains("the model that GitHub chose takes no temperature"), refused::all);
        cop.sim.set("auto-model", "kimi-k3");
        assertFalse(record("-m", "auto", "--temperature", "0.4", "hi").has("dropped"));
    }

    @Test
    void anEndpointThatWasNamedIsWhatToLeaveOut() {
        bad(1, "hint: leave out the endpoint", "chat", "-m", "gpt-5.4", "--endpoint", "messages", "hi");
    }

    @Test
    void aBatchWithANamedModelIsWarnedWhereOnlyAutoWorks() {
        cop.sim.set("plan", "free");
        cop.write("t.mustache", "say: {{x}}");
        rows(1);
        assertTrue(cop.run(batch("-m", "gpt-5.4")).err().contains("may name no model"));
        assertTrue(good("models", "default", "gpt-5.4").err().contains("may name no model"));
    }
}
