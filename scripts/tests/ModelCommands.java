package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.failed;
import static cop.Harness.header;
import static cop.Harness.hints;
import static cop.Harness.messages;
import static cop.Harness.prints;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// The commands `models` and `models show|default|enable`, and model names that are abbreviated.
class ModelCommands {
    private static final String CHAT = "/chat/completions", RESPONSES = "/responses";
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private JsonNode chatBody() { return cop.last("/chat/completions").body(); }

    // ---- the list

    private List<String> rows(String... more) {
        var args = Stream.concat(Stream.of("models"), Stream.of(more)).toArray(String[]::new);
        return cop.ok(args).out().lines().toList();
    }

    private List<String> ids(String... more) { return rows(more).stream().map(r -> r.split("\t", -1)[0]).toList(); }

    private static void sameColumns(List<String> rows) {
        assertFalse(rows.isEmpty());
        rows.forEach(row -> assertEquals(ModelTable.COLUMNS.size(), row.split("\t", -1).length, row));
    }

    private Path cache() {
        try (var files = Files.walk(cop.home)) {
            return files.filter(p -> p.getFileName().toString().matches("models-.*\\.json")).findFirst().orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void cached(String text) throws IOException {
        cop.ok("models");
        Files.writeString(cache(), text);
    }

    @Test
    void listIsTabSeparatedInPipe() {
        sameColumns(rows());
        assertTrue(ids().containsAll(List.of("gpt-5-mini", "mai-code-1.1-flash", "claude-opus-5")));
        assertFalse(ids().contains("text-embedding-3-small"));
    }

    @Test
    void listIsTableOnTerminal() {
        var lines = cop.terminal(1).with("COLUMNS", "200").run("models").out().lines().toList();
        assertEquals(ModelTable.COLUMNS, List.of(lines.getFirst().split(" +")));
        int name = lines.getFirst().indexOf("VENDOR");
        lines.forEach(l -> {
            assertFalse(l.contains("\t"));
            assertTrue(l.charAt(name - 1) == ' ' && l.charAt(name) != ' ', l);
        });
    }

    /// Columns that do not fit follow on lines of their own, and no word is broken.
    @ParameterizedTest
    @CsvSource({"60, models", "80, models", "80, models show gpt-5-mini", "80, templates", "70, models show auto"})
    void tableFitsWindow(int columns, String command) {
        String all = cop.terminal(1).with("COLUMNS", "1000").run(command.split(" ")).out();
        String fitted = cop.with("COLUMNS", "" + columns).run(command.split(" ")).out();
        fitted.lines().forEach(line -> assertTrue(Text.displayWidth(line) <= columns, line));
        var words = List.of(fitted.replaceAll(",(?=\\s)", "").strip().split("\\s+"));
        assertEquals(List.of(all.replaceAll(",(?=\\s)", "").strip().split("\\s+")), words);
    }

    @Test
    void jsonIsComplete() {
        var json = Json.tryParse(cop.ok("models", "--json").out());
        assertEquals(23, json.path("data").size());
        assertTrue(json.at("/data/0/capabilities/limits/max_prompt_tokens").isNumber());
        assertTrue(json.at("/data/0/billing/token_prices").isObject());
        assertEquals(json, Json.tryParse(cop.ok("models", "--json").out()), "from the cache too");
    }

    @ParameterizedTest
    @CsvSource({"claude, claude-haiku-4.5 claude-sonnet-5 claude-opus-4.8 claude-fable-5.1 claude-opus-5",
            "CLAUDE, claude-haiku-4.5 claude-sonnet-5 claude-opus-4.8 claude-fable-5.1 claude-opus-5",
            "anthropic, claude-haiku-4.5 claude-sonnet-5 claude-opus-4.8 claude-fable-5.1 claude-opus-5",
            "Gemini 3.8, gemini-3.8-flash", "codex, gpt-5.3-codex"})
    void wordFiltersTheList(String word, String wanted) {
        assertEquals(List.of(wanted.split(" ")), ids(word));
    }

    @Test
    void wordWithoutMatchIsAnError() {
        hints("copilot models", failed(1, "zzz", cop.run("models", "zzz")));
    }

    @Test
    void wordFiltersTheJson() {
        var json = Json.tryParse(cop.ok("models", "--json", "claude").out());
        assertEquals(ids("claude"), json.path("data").valueStream().map(m -> m.path("id").asString()).toList());
        assertTrue(json.at("/data/0/capabilities").isObject(), "GitHub's whole entry");
        hints("copilot models", failed(1, "zzz", cop.run("models", "--json", "zzz")));
    }

    @Test
    void allIncludesHiddenModels() {
        assertTrue(ids("--all").containsAll(List.of("auto", "text-embedding-3-small", "gpt-4o-copilot", "gpt-4")));
        assertEquals(21, Set.copyOf(ids("--all")).size());
        assertEquals(21, ids("--all").size(), "one is listed twice");
    }

    @Test
    void listShowsStateAndPrice() {
        assertTrue(rows("gpt-5-mini").getFirst().endsWith("default"), rows("gpt-5-mini").getFirst());
        assertTrue(rows("opus-5").getFirst().contains("not enabled"), rows("opus-5").getFirst());
        assertTrue(rows("opus").getFirst().contains("7.5x"), rows("opus").getFirst());
        assertTrue(rows("codex").getFirst().contains("\tresponses\t"), rows("codex").getFirst());
        assertTrue(rows("sonnet").getFirst().contains("vision tools"), rows("sonnet").getFirst());
    }

    @Test
    void listIsFetchedOncePerHour() {
        cop.ok("models");
        cop.time.advance(Duration.ofMinutes(59));
        cop.ok("models");
        assertEquals(1, cop.sim.count("/models"));
        cop.time.advance(Duration.ofMinutes(2));
        cop.ok("models");
        assertEquals(2, cop.sim.count("/models"));
    }

    /// What is listed depends on who asks.
    @ParameterizedTest
    @ValueSource(strings = {"Copilot-Integration-Id: copilot-developer-cli", "Editor-Version: Neovim/0.11.0"})
    void listsAreCachedPerIdentity(String header) {
        for (int i = 0; i < 2; i++) {
            cop.ok("models");
            cop.ok("models", "-H", header);
        }
        assertEquals(2, cop.sim.count("/models"));
    }

    @Test
    void refreshFetchesAtOnce() {
        cop.ok("models");
        cop.ok("models", "--refresh");
        assertEquals(2, cop.sim.count("/models"));
    }

    @Test
    void listFromTheFutureIsStale() {
        cop.ok("models");
        cop.time.advance(Duration.ofDays(-2));
        cop.ok("models");
        assertEquals(2, cop.sim.count("/models"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{half", "[]", "null", "{}", "\0\0\0",
            "{\"fetched_at\":\"x\",\"answer\":{\"data\":[]}}",
            "{\"fetched_at\":9223372036854775807,\"answer\":{\"data\":[]}}",
            "{\"fetched_at\":1e300,\"answer\":{\"data\":[]}}", "{\"fetched_at\":-1,\"answer\":{\"data\":{}}}"})
    void corruptCacheIsDiscarded(String text) throws IOException {
        cached(text);
        sameColumns(rows());
        assertEquals(2, cop.sim.count("/models"));
    }

    @Test
    void cacheWithInvalidUtf8IsDiscarded() throws IOException {
        cop.ok("models");
        Files.write(cache(), new byte[]{'{', (byte) 0xff, '}'});
        sameColumns(rows());
    }

    /// Control characters in names neither break rows nor reach the terminal.
    @Test
    void oddNamesKeepRowsIntact() throws IOException {
        cop.ok("models");
        Files.writeString(cache(), Files.readString(cache()).replace("\"GPT-4o mini\"", "\"GPT\\t4o\\nmini\\u001b[2J\"")
                .replace("\"GPT-4o\"", "\"GPT\\t4o\\nbig\\u001b[2J\""));
        sameColumns(rows());
        assertEquals(ids().size(), Set.copyOf(ids()).size());
        var table = cop.terminal(1).with("COLUMNS", "200").run("models", "--all").out();
        assertEquals(22, table.lines().distinct().count(), table);
        assertFalse(table.contains("\033"), table);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"id\":7}", "null", "\"x\"", "[]", "{\"id\":\"odd\"}",
            "{\"id\":\"odd\",\"name\":null,\"vendor\":null,\"capabilities\":null,\"policy\":null,\"billing\":null}",
            "{\"id\":\"odd\",\"capabilities\":{\"limits\":{\"max_output_tokens\":\"many\"},\"type\":7}}",
            "{\"id\":\"odd\",\"billing\":{\"multiplier\":\"x\"},\"preview\":\"yes\",\"model_picker_enabled\":\"no\"}",
            "{\"id\":\"odd\",\"capabilities\":{\"limits\":{\"max_output_tokens\":1e30}},\"is_chat_default\":\"x\"}",
            "{\"id\":\"odd\",\"supported_endpoints\":\"/responses\",\"warning_messages\":[1,null,{}]}"})
    void oddEntryDoesNotHideOthers(String entry) throws IOException {
        cop.ok("models");
        Files.writeString(cache(), Files.readString(cache()).replaceFirst("\"data\"\\s*:\\s*\\[", "$0" + entry + ","));
        sameColumns(rows("--all"));
        assertTrue(ids().contains("mai-code-1.1-flash"));
        cop.ok("chat", "say: hi");
        assertEquals(1, cop.sim.count("/models"), "the cache was read");
    }

    @Test
    void emptyListIsReported() {
        cop.sim.set("models", "empty");
        failed(1, "no models", cop.run("models"));
        assertEquals("{}", cop.ok("models", "--json").out().replaceAll("[^{}]", ""));
    }

    @Test
    void listOfEarly2025IsRead() {
        cop.sim.set("models", "old").set("revive", "gpt-4o");
        sameColumns(rows());
        assertTrue(ids().containsAll(List.of("gpt-4o", "claude-opus-4.8")));
        assertEquals("hi\n", cop.ok("chat", "say: hi").out());
        assertEquals("gpt-5-mini", chatBody().path("model").asString(), "the first: there was no default then");
    }

    @Test
    void accountDefaultIsUsed() {
        assertEquals("gpt-5-mini\n", cop.ok("models", "default").out());
        cop.ok("chat", "say: hi");
        assertEquals("gpt-5-mini", chatBody().path("model").asString());
        cop.sim.set("models", "no-default");
        cop.ok("models", "--refresh");
        assertEquals("gpt-5.3-codex\n", cop.ok("models", "default").out(), "GitHub's fallback");
    }

    @Test
    void defaultIsSetShownAndUsed() {
        cop.ok("models", "default", "claude-haiku-4.5");
        assertEquals("claude-haiku-4.5\n", cop.ok("models", "default").out());
        cop.ok("chat", "say: hi");
        assertEquals("claude-haiku-4.5", chatBody().path("model").asString());
        cop.ok("chat", "-m", "mai-code-1.1-flash", "say: hi");
        assertEquals("mai-code-1.1-flash", chatBody().path("model").asString());
        cop.with("COP_MODEL", "gpt-4").run("chat", "say: hi");
        assertEquals("gpt-4", chatBody().path("model").asString());
    }

    @ParameterizedTest
    @CsvSource({"gpt-5.44, gpt-5.4", "claude-sonet-5, claude-sonnet-5", "GPT-5.4_, gpt-5.4",
            "gemini-3.8-flahs, gemini-3.8-flash"})
    void unknownDefaultSuggestsNearest(String typed, String meant) {
        hints(meant, failed(2, "unknown model: " + typed, cop.run("models", "default", typed)));
        assertEquals("gpt-5-mini\n", cop.ok("models", "default").out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"text-embedding-3-small", "gpt-4o-copilot"})
    void defaultMustBeChatModel(String id) { failed(2, id, cop.run("models", "default", id)); }

    @Test
    void rejectedModelSuggestsNearest() {
        hints("gpt-5-mini", failed(1, "gpt-5-minni", cop.run("chat", "-m", "gpt-5-minni", "hi")));
        assertEquals(1, cop.sim.count("/chat/completions"));
    }

    // ---- one model

    @Test
    void uniquePartOfNameSelectsModel() {
        assertEquals("x\n", cop.ok("chat", "-m", "sonnet", "say: x").out());
        assertEquals("claude-sonnet-5", cop.chats().getLast().body().path("model").asString());
        reports(cop.run("chat", "-m", "claude", "say: x"), 2, "claude matches several models", "claude-fable-5.1");
        assertEquals("x\n", cop.ok("chat", "-m", "opus", "say: x").out(), "the one that is enabled");
        reports(cop.run("chat", "-m", "text-embedding-3-small", "x"), 2, "is not a chat model",
                "copilot embed -m text-emb");
        cop.ok("chat", "-m", "gpt-4", "say: x");
        assertEquals("gpt-4", cop.chats().getLast().body().path("model").asString(), "a whole id is itself");
    }

    @Test
    void showPrintsOneModel() {
        var lines = cop.ok("models", "show", "gpt-5.4").out().lines().toList();
        assertTrue(lines.containsAll(List.of("id\tgpt-5.4", "context\t400k", "price\t1x", "credits\t250/1500",
                "capabilities.supports.reasoning_effort\t[\"none\", \"low\", \"medium\", \"high\", \"xhigh\"]",
                "policy.state\tenabled", "billing.promo.message\t20 % off until the end of the year")),
                lines::toString);
        assertTrue(Json.object(cop.ok("models", "show", "gpt-5.4", "--json").out(), "").has("capabilities"));
        reports(cop.run("models", "show", "gtp-5.4"), 2, "did you mean gpt-5.4?");
        reports(cop.run("models", "show", "sonet"), 2, "did you mean claude-sonnet-5?");
        reports(cop.run("models", "show", "zzzz"), 2, "hint: copilot models");
        reports(cop.run("chat", "-m", "sonet", "hi"), 1, "hint: did you mean claude-sonnet-5? use ");
        reports(cop.run("models", "show"), 2, "models show requires MODEL");
        assertTrue(cop.ok("models", "vision").out().contains("gpt-5-mini\t"));
        assertFalse(cop.ok("models", "vision").out().contains("o1\t"));
        assertEquals(6, cop.ok("models", "messages").out().lines().count() + cop.ok("models", "responses").out().lines()
                .filter(line -> line.contains("codex")).count());
    }

    @Test
    void enableNeedsConsent() {
        String opus = "claude-opus-5";
        reports(cop.run("chat", "-m", opus, "x"), 1, "copilot models enable " + opus);
        reports(cop.run("models", "enable", opus), 2, "Enable access to Claude Opus 5", "cannot ask for confirmation",
                "use -y to accept the terms");
        cop.terminal(0);
        assertEquals(1, cop.runWith("n\n", "models", "enable", opus).code());
        assertEquals(0, cop.sim.count("/models/" + opus + "/policy"));
        assertEquals(opus + " is enabled\n", cop.runWith("y\n", "models", "enable", opus).out());
        assertEquals("x\n", cop.ok("chat", "-m", opus, "say: x").out());
        assertEquals(opus + " is already enabled\n", cop.ok("models", "enable", opus).out());
        reports(cop.run("models", "enable", "nosuch"), 2, "unknown model: ");
    }

    @Test
    void organizationSeatCannotEnable() {
        cop.sim.set("plan", "business");
        reports(cop.run("models", "enable", "-y", "claude-opus-5"), 1, "cannot enable claude-opus-5", "administrator");
    }

    // ---- abbreviated names

    @ParameterizedTest
    @CsvSource({"models show sonnet, 0, id\tclaude-sonnet-5", "models show claude-SONNET, 0, id\tclaude-sonnet-5",
            "models show claude, 2, several", "models default sonnet, 0, claude-sonnet-5 is now the default",
            "models default claude, 2, 'claude-haiku-4.5, '", "models enable opus -y, 0, claude-opus-5 is enabled",
            "models enable sonnet, 0, claude-sonnet-5 is already enabled", "models enable nosuch -y, 2, unknown model",
            "embed -m 3-small --json a, 0, text-embedding-3-small"})
    void partOfIdInCommands(String line, int code, String said) {
        prints(cop.run(line.split(" ")), code, said);
    }

    @Test
    void partOfIdInSettings() {
        cop.with("COP_MODEL", "sonnet");
        cop.run("chat", "say: x");
        assertEquals("claude-sonnet-5", cop.bodies().getLast().path("model").asString());
        cop.with("COP_MODEL", null).write("t.mustache", "---\nmodel: haiku\n---\nsay: x");
        cop.run("chat", "-t", "./t.mustache", "--no-log");
        assertEquals("claude-haiku-4.5", cop.bodies().getLast().path("model").asString());
        cop.write("r.jsonl", "{\"a\":1}\n{\"a\":2}\n");
        cop.write("t.mustache", "---\nmodel: haiku\n---\nsay: {{a}}");
        prints(cop.run("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl"), 0);
        assertEquals("claude-haiku-4.5", cop.bodies().getLast().path("model").asString());
    }

    /// On a terminal, as a process of the tool alone: `talk` has a terminal of its own.
    private Harness.Outcome onATerminal(String stdin, String... args) {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "there is no script(1)");
        cop.withoutPrograms();
        var process = cop.process(args);
        var line = process.command().stream().map(word -> "'" + word.replace("'", "'\\''") + "'");
        process.command(List.of("script", "-qec", line.collect(Collectors.joining(" ")), "/dev/null"));
        try {
            return Harness.finished(process.start(), stdin);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void interactiveModelCommandRejectsUnknownModel() {
        prints(onATerminal("/model sonnet\nsay: a\n/model nope\nsay: b\n/model gpt\nsay: c\n/model auto\n", "chat"), 0,
                "unknown model: nope", "matches several", "model: claude-sonnet-5", "model: auto");
        assertEquals("[\"claude-sonnet-5\",\"claude-sonnet-5\",\"claude-sonnet-5\"]", Json.compact(Json.array(
                cop.bodies().stream().map(body -> body.path("model")))));
    }

    @Test
    void defaultCanBeUnset() {
        cop.run("models", "default", "sonnet");
        prints(cop.run("models", "default"), 0, "claude-sonnet-5\n");
        prints(cop.run("models", "default", "--unset"), 0, "gpt-5-mini");
        prints(cop.run("models", "default"), 0, "gpt-5-mini\n");
        prints(cop.run("models", "default", "sonnet", "--unset"), 2, "cannot be used together");
    }

    @ParameterizedTest
    @CsvSource({"claude-opus-4-8,claude-opus-4.8", "CLAUDE-OPUS-4-8,claude-opus-4.8", "gpt-5-4,gpt-5.4",
            "opus-4-8,claude-opus-4.8"})
    void dashesAndDotsAreEquivalent(String typed, String id) {
        cop.ok("models");
        cop.ok("chat", "-m", typed, "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString());
    }

    @ParameterizedTest
    @CsvSource({"haiku,claude-haiku-4.5", "claude-opus-4-8,claude-opus-4.8", "grok,grok-4.7"})
    void partOfIdWorksInEmptyHome(String part, String id) {
        cop.ok("chat", "-m", part, "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString());
        cop.with("COP_MODEL", part);
        cop.ok("chat", "hi");
        assertEquals(id, cop.sim.ledger().getLast().body().path("model").asString(), "by the variable");
    }

    // ---- the default

    @Test
    void defaultIsASelectableModel() {
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
    void missingListUsesAuto() {
        cop.sim.set("models-faults", "500,500,500,500");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertFalse(cop.last(CHAT).body().has("model"));
    }
}
