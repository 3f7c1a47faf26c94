package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static cop.Harness.prints;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// What a batch may spend and has spent, why rows failed, and halts that are remembered.
class Budgets {
    private final Harness cop = Harness.loggedIn();

    Budgets() { cop.write("templates/t.mustache", "say: {{text}}"); }

    @AfterEach
    void close() { cop.close(); }

    // ------------------------------------------------------------------------------------------- helpers

    private Outcome batch(String... more) {
        return cop.run(Stream.concat(Stream.of("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "-j", "1",
                "--delay", "0"), Stream.of(more)).toArray(String[]::new));
    }

    /// Rows 1 to N, whose texts are `a 1` to `a N`.
    private void rows(int count) {
        cop.write("rows.jsonl", IntStream.rangeClosed(1, count).mapToObj(i -> "{\"id\": \"r" + i
                + "\", \"text\": \"a " + i + "\"}\n").collect(Collectors.joining()));
    }

    private List<JsonNode> results() { return cop.jsonLines("out.jsonl"); }

    /// The whole run's tokens, by what the journal has of each attempt.
    private long tokens() {
        return cop.read("out.jsonl.run/journal.jsonl").lines().map(Json::tryParse)
                .mapToLong(line -> line.at("/result/usage/total_tokens").asLong(0)).sum();
    }

    // -------------------------------------------------------------------- a guard that guards nothing

    static final List<List<String>> BUDGETS = List.of(      // switches, budget, what is said
            List.of("", "--max-credits 0.001", "--max-credits 0.001 is reached"),
            List.of("copilot-usage=false", "--max-credits 0.001", "--max-credits 0.001 is reached"),
            List.of("copilot-usage=false", "--max-credits 0.0000001", "--max-credits 0.0000001 is reached"),
            List.of("copilot-usage=false usage=none", "--max-credits 0.001", "--max-credits 0.001 is reached"),
            List.of("usage=none", "--max-total-tokens 20", "--max-total-tokens 20 is reached"),
            List.of("copilot-usage=false usage=none", "--max-total-tokens 20", "--max-total-tokens 20 is reached"),
            List.of("copilot-usage=false", "-m auto --max-credits 0.001", "--max-credits 0.001 is reached"),
            List.of("", "--max-requests 3", "--max-requests 3 is reached"));

    @ParameterizedTest
    @FieldSource("BUDGETS")
    void budgetsAlwaysHaveAnEffect(List<String> row) {
        rows(30);
        for (String each : row.get(0).split(" ")) {
            if (!each.isEmpty()) cop.sim.set(each.split("=")[0], each.matches(".*=(true|false)")
                    ? (Object) Boolean.valueOf(each.split("=")[1]) : each.matches(".*=[0-9]+")
                    ? (Object) Integer.valueOf(each.split("=")[1]) : each.split("=")[1]);
        }
        var outcome = exits(75, batch(("-m gpt-5-mini " + row.get(1)).split(" ")));
        assertTrue(cop.chats().size() < 30, outcome::all);
        prints(outcome, "error: " + row.get(2));
        if (row.get(1).contains("credits") && !row.get(0).isEmpty()) prints(outcome, "about ");
    }

    @Test
    void estimatesAreMarked() {
        rows(2);
        cop.sim.set("copilot-usage", false).set("usage", "none");
        var outcome = exits(0, batch("-m", "gpt-5-mini"));
        prints(outcome, "used about ");
        var usage = results().getFirst().path("usage");
        assertTrue(usage.path("prompt_tokens").asInt() > 3 && usage.path("completion_tokens").asInt() > 0
                && usage.path("credits").asDouble() > 0, usage::toString);
        assertTrue(usage.path("estimated").asBoolean(), usage::toString);
        cop.sim.set("usage", "finish");
        exits(0, batch("-m", "gpt-5-mini", "--again"));
        assertTrue(results().getFirst().at("/usage/estimated").asBoolean());
        cop.sim.set("copilot-usage", true);
        exits(0, batch("-m", "gpt-5-mini", "--again"));
        assertFalse(results().getFirst().path("usage").has("estimated"));
    }

    /// An early list has no prices.
    @Test
    void creditBudgetWithoutPricesIsRefused() {
        rows(3);
        cop.sim.set("models", "old");
        for (String model : List.of("mai-code-1.1-flash", "auto")) {
            var outcome = exits(2, batch("-m", model, "--max-credits", "1"));
            prints(outcome, "error: --max-credits cannot be measured: ", "\nhint: ", "--max-total-tokens");
            exits(2, batch("-m", model, "--max-credits", "1", "--dry-run"));
        }
        assertEquals(0, cop.chats().size());
        assertFalse(Files.exists(cop.file("out.jsonl.run")));
        exits(0, batch("-m", "mai-code-1.1-flash"));
    }

    @Test
    void budgetsCoverAllStarts() {
        rows(40);
        var first = exits(75, batch("--max-total-tokens", "60"));
        int before = cop.chats().size();
        assertTrue(before > 2 && before < 20, first::all);
        prints(first, "\nhint: to resume: copilot batch t -d rows.jsonl -o out.jsonl -j 1 --delay 0"
                + " --max-total-tokens=120\n");
        prints(exits(75, batch("--max-total-tokens", "60")), "--max-total-tokens 60 is reached");
        assertEquals(before, cop.chats().size(), "the budget was used up by the first start");
        exits(75, batch("--max-total-tokens", "120"));
        assertTrue(tokens() <= 120, () -> "" + tokens());
        assertTrue(cop.chats().size() > before);
        exits(75, batch("--max-credits", "0.000001"));
        exits(75, batch("--again", "--max-total-tokens", "120"));
        exits(0, batch());
    }

    /// Requests in flight are estimated by their prompts, because rows differ in length.
    @ParameterizedTest
    @CsvSource({"--max-total-tokens 2000", "--max-credits 0.1"})
    void longPromptsAfterShortOnesAreCounted(String budget) {
        cop.write("rows.jsonl", IntStream.range(0, 40).mapToObj(i -> "{\"id\": " + i + ", \"text\": \"" + (i == 0 ? "a"
                : "a" + i + " four".repeat(600)) + "\"}\n").collect(Collectors.joining()));
        cop.sim.set("latency", 50).set("answer", "fine");
        var outcome = exits(75, batch(("-m gpt-5-mini -j 16 " + budget).split(" ")));
        var used = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out()).path("used");
        assertTrue(used.path(budget.contains("tokens") ? "total_tokens" : "credits").asDouble()
                <= Double.parseDouble(budget.split(" ")[1]), () -> cop.chats().size() + " asked: " + outcome.all());
    }

    /// Rows that grow, and those of less than four bytes a token, hold to it as well.
    @ParameterizedTest
    @ValueSource(strings = {" four", "#f7?0a!9"})
    void budgetHoldsForManyAtOnce(String text) {
        cop.write("rows.jsonl", IntStream.range(0, 60).mapToObj(i -> "{\"id\": " + i + ", \"text\": \"a" + i
                + text.repeat(10 * i) + "\"}\n").collect(Collectors.joining()));
        cop.sim.set("latency", 50);
        var outcome = exits(75, batch("-m", "gpt-5-mini", "-j", "32", "--max-total-tokens", "4000"));
        long used = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out()).at("/used/total_tokens")
                .asLong();
        assertTrue(used <= 4000 && used > 2000, () -> used + " used\n" + outcome.all());
    }

    /// Nothing is sent whose prompt alone is more than the budget.
    @Test
    void promptBeyondBudgetIsNotSent() {
        cop.write("rows.jsonl", "{\"id\": 1, \"text\": \"" + "four ".repeat(600) + "\"}\n");
        prints(exits(75, batch("--max-total-tokens", "500")), "error: --max-total-tokens 500 is reached");
        assertEquals(0, cop.chats().size());
    }

    @Test
    void requestAndTimeLimitsCoverOneStart() {
        rows(4);
        prints(exits(75, batch("--max-requests", "2")), "--max-requests 2\n");
        exits(75, batch("--max-requests", "1"));
        exits(0, batch("--max-requests", "1"));
        assertEquals(4, cop.chats().size());
    }

    /// A schema that is missed costs three requests a row.
    @Test
    void retriesAreCounted() {
        cop.write("templates/t.mustache", "---\nschema: {type: object, additionalProperties: false}\n---\n"
                + "say: {{text}}");
        rows(4);
        exits(75, batch("--max-requests", "4"));
        assertEquals(4, cop.chats().size());
    }

    /// A request whose answer was lost has mostly been paid for.
    @Test
    void lostRepliesAreCounted() {
        rows(30);
        cop.sim.set("faults", Collections.nCopies(200, "reset-mid"));
        exits(75, batch("--max-total-tokens", "50", "--halt", "fail=100%"));
        assertTrue(cop.chats().size() < 20, () -> cop.chats().size() + " asked");
    }

    /// What is in flight may cost less than feared: the rest is sent, as far as the budget goes.
    @Test
    void exhaustedBudgetEndsTheRun() {
        cop.write("rows.jsonl", IntStream.range(0, 60).mapToObj(i -> "{\"id\": " + i + ", \"text\": \"a" + i
                + (i < 8 ? "" : " four".repeat(3000)) + "\"}\n").collect(Collectors.joining()));
        cop.sim.set("latency", 50).set("answer", "fine");
        var outcome = exits(75, batch("-m", "gpt-5-mini", "-j", "32", "--max-credits", "0.5"));
        var used = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out()).at("/used/credits");
        assertTrue(used.asDouble() > 0.38 && used.asDouble() <= 0.5, () -> used + "\n" + outcome.all());
        prints(outcome, "--max-credits 0.5 is reached with the next request");
        int before = cop.chats().size();
        exits(75, batch("-m", "gpt-5-mini", "-j", "32", "--max-credits", "0.5"));
        assertEquals(before, cop.chats().size());
    }

    // -------------------------------------------------------------------- what a start that stops has paid

    /// What was paid before the failure that stops a run is remembered too.
    @ParameterizedTest
    @CsvSource({"402, 75", "403, 75", "401-garbage, 4", "429:90000, 75"})
    void attemptsBeforeStopCount(String stopping, int code) {
        rows(3);
        cop.sim.set("faults", List.of("reset-mid", "502", stopping, stopping));
        exits(code, batch("--retries", "5"));
        var used = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out()).path("used");
        assertEquals(stopping.startsWith("429") ? 2 : 3, used.path("requests").asInt(), used::toString);
        assertTrue(used.path("total_tokens").asInt() > 0, used::toString);
    }

    private static final String MISSES = "---\nschema: {type: object, additionalProperties: false}\n---\n"
            + "say: {{text}}";

    /// Answers that miss the schema are remembered at once: they count, and the next start goes on behind them.
    @ParameterizedTest
    @CsvSource({"1, 12", "2, 6", "5, 3", "8, 2"})
    void retriesAreRecorded(int each, int starts) {
        cop.write("templates/t.mustache", MISSES);
        rows(4);
        for (int i = 1; i < starts; i++) {
            var outcome = exits(75, batch("-j", "3", "--max-requests", "" + each));
            assertEquals(each * i, cop.chats().size(), outcome::all);
            var status = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out());
            assertEquals(each * i, status.at("/used/requests").asInt(), status::toString);
            assertTrue(status.at("/used/total_tokens").asInt() > 0, status::toString);
            prints(outcome, "used ");
        }
        exits(5, batch("-j", "3", "--max-requests", "" + each));
        assertEquals(12, cop.chats().size());
        var used = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out()).path("used");
        assertEquals(12, used.path("requests").asInt());
        assertEquals(cop.read("out.jsonl.run/journal.jsonl").lines().map(Json::tryParse).mapToLong(line ->
                line.at("/cost/total_tokens").asLong()).sum(), used.path("total_tokens").asLong());
        for (var row : results()) assertEquals("schema", row.at("/error/code").asString(), row::toString);
        exits(5, batch("--retry-failed"));
        assertEquals(24, cop.chats().size());
        exits(5, batch("--again"));
        assertEquals(36, cop.chats().size());
        assertEquals(36, Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out())
                .at("/used/requests").asInt());
    }

    @ParameterizedTest
    @CsvSource({"--max-total-tokens 400", "--max-credits 0.04"})
    void retriesCountInAllStarts(String budget) {
        cop.write("templates/t.mustache", MISSES);
        rows(150);
        int before = -1;
        for (int i = 0; cop.chats().size() > before && i < 20; i++) {
            before = cop.chats().size();
            prints(exits(75, batch(("-m gpt-5-mini -j 8 " + budget).split(" "))), budget + " is reached");
        }
        assertEquals(before, cop.chats().size());
        var used = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out()).path("used");
        assertEquals(before, used.path("requests").asInt());
        double most = Double.parseDouble(budget.split(" ")[1]);
        double all = used.path(budget.contains("tokens") ? "total_tokens" : "credits").asDouble();
        assertTrue(all > most * 0.7 && all <= most * 1.5, used::toString);   // it is an estimate
    }

    /// `--again` starts over, but earlier costs still count.
    @Test
    void againKeepsTheCostOfReplacedResults() {
        cop.write("templates/t.mustache", MISSES);
        rows(1);
        exits(75, batch("--max-requests", "2"));
        exits(5, batch("--again"));
        assertEquals(5, cop.chats().size());
        assertEquals(3, results().getFirst().path("attempts").asInt());
        assertEquals(5, Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out())
                .at("/used/requests").asInt());
    }

    // ----------------------------------------------------------------------------------- one counting

    @Test
    void totalsAgreeEverywhere() {
        rows(3);
        exits(0, batch("-L", "2"));
        var outcome = exits(0, batch());
        String used = "used " + tokens() + " tokens, ";
        prints(outcome, used);
        assertTrue(outcome.err().endsWith("done: 3 ok\n"), outcome::all);
        prints(exits(0, batch()), used);
        prints(exits(0, cop.run("batch", "status", "out.jsonl")), used);
        var json = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out());
        assertEquals(tokens(), json.at("/used/total_tokens").asLong());
        assertTrue(json.at("/used/credits").asDouble() > 0);
    }

    @Test
    void dryRunAndConfirmationCountAlike() {
        rows(300);
        cop.terminal(0);
        String dry = exits(0, batch("--dry-run")).out();
        var question = exits(1, cop.runWith("n\n", "batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "--delay",
                "0"));
        var numbers = Pattern.compile("(?s)tokens +(\\S+) .*credits +(\\S+) ").matcher(dry);
        assertTrue(numbers.find(), dry);
        prints(question, "300 requests to gpt-5-mini, with prompts of about " + numbers.group(1) + " tokens, "
                + numbers.group(2) + " credits. Continue? [y/N]", "nothing was sent");
        assertEquals(0, cop.chats().size());
    }

    @Test
    void largeRunOfScriptNeedsConfirmation() {
        rows(201);
        var outcome = exits(0, batch("-j", "32"));
        assertTrue(outcome.err().startsWith("note: 201 requests to gpt-5-mini, with prompts of about "), outcome::all);
        prints(outcome, " credits");
        assertFalse(outcome.err().contains("[y/N]"), outcome::all);
    }

    // ------------------------------------------------------------------------------- why rows failed

    @Test
    void failuresAreGroupedByCause() {
        rows(6);
        cop.sim.set("faults", List.of("ok", "422", "400-invalid_request_body", "422"));
        var outcome = exits(5, batch("--halt", "fail=100%"));
        prints(outcome, "\n2 x content_filter, first r2: ", "\n1 x invalid_request_body, first r3: ",
                "done: 3 ok, 3 failed; --retry-failed sends 3 again\n");
        var errors = exits(0, cop.run("batch", "errors", "out.jsonl"));
        assertEquals(List.of("r2\tcontent_filter\t1", "r3\tinvalid_request_body\t1", "r4\tcontent_filter\t1"),
                errors.out().lines().map(line -> line.replaceFirst("\t[^\t]+$", "")).toList());
        var json = Json.tryParse(exits(0, cop.run("batch", "errors", "out.jsonl", "--json")).out());
        assertEquals("r2 content_filter 1", json.at("/0/id").asString() + " " + json.at("/0/code").asString() + " "
                + json.at("/0/attempts").asInt());
        assertTrue(json.at("/2/message").asString().contains("HTTP 422"), json::toString);
        prints(exits(0, cop.run("batch", "status", "out.jsonl")), "2 x content_filter, first r2: ");
        prints(exits(2, cop.run("batch", "errors", "nope.jsonl")), "error: no batch run in ");
    }

    @Test
    void retryFailedByCause() {
        rows(4);
        cop.sim.set("faults", List.of("422", "400-invalid_request_body", "422"));
        exits(5, batch("--halt", "fail=100%"));
        prints(exits(5, batch("--retry-failed=schema")), "warning: no failed row has the code schema, only "
                + "content_filter, invalid_request_body\n", "2 x content_filter, first r1: ",
                "nothing to do: 1 ok, 3 failed");
        assertEquals(4, cop.chats().size());
        var outcome = exits(5, batch("--retry-failed=content_filter,schema"));
        assertEquals(6, cop.chats().size());
        prints(outcome, "done: 3 ok, 1 failed");
        exits(0, batch("--retry-failed"));
        assertEquals(7, cop.chats().size());
        exits(0, cop.run("batch", "--retry-failed", "t", "-d", "rows.jsonl", "-o", "out.jsonl"));
    }

    /// Rows that fail again do not keep others from their turn.
    @ParameterizedTest
    @CsvSource({"1, 5", "3, 6"})
    void retriedRowsTakeTurns(int jobs, int each) {
        rows(20);
        cop.sim.set("faults", Collections.nCopies(80, "400-invalid_request_body"));
        exits(5, batch("--halt", "fail=100%"));
        for (int i = 0; i < 4; i++) {
            exits(75, batch("-j", "" + jobs, "--halt", "fail=100%", "--retry-failed", "--max-requests", "" + each));
        }
        assertEquals(20 + 4 * each, cop.chats().size());
        var turns = cop.read("out.jsonl.run/journal.jsonl").lines().skip(20)
                .map(line -> Json.tryParse(line).at("/result/id").asString()).collect(Collectors.toSet());
        assertEquals(20, turns.size(), turns::toString);
        cop.sim.set("faults", List.of());
        exits(0, batch("--retry-failed"));
        assertEquals("r1", results().getFirst().path("id").asString());
    }

    /// Two causes may have one code: numbers and what has them, as ids, make no cause of its own.
    @Test
    void causesOfOneCodeAreListed() throws IOException {
        cop.write("templates/t.mustache", MISSES.replace("false}", "false, required: [a]}"));
        cop.write("rows.jsonl", Stream.of("{}", "{}", "{\\\"a\\\": 1, \\\"b7\\\": 2}", "{}",
                "{\\\"a\\\": 1, \\\"b8\\\": 2}").map(text -> "{\"text\": \"" + text + "\", \"id\": \"r"
                + UUID.randomUUID() + "\"}\n").collect(Collectors.joining()));
        exits(5, batch("--schema-retries", "0"));
        var causes = exits(0, cop.run("batch", "status", "out.jsonl")).out().lines().filter(line ->
                line.contains(" x schema, first ")).toList();
        assertEquals(2, causes.size(), causes::toString);
        assertTrue(causes.getFirst().startsWith("3 x ") && causes.getLast().startsWith("2 x "), causes::toString);
    }

    @Test
    void haltIsRemembered() {
        rows(90);
        cop.sim.set("faults", Collections.nCopies(50, "400-invalid_request_body"));
        var halted = exits(1, batch());
        prints(halted, "error: too many rows failed: 0 ok, 50 failed", "50 x invalid_request_body, first r1: ",
                "--retry-failed", "--halt fail=100%");
        for (int i = 0; i < 2; i++) {
            prints(exits(1, batch()), "error: too many rows failed: 0 ok, 50 failed", "--retry-failed");
            exits(1, batch("-k"));
            exits(1, batch("--halt", "fail=10%"));
        }
        assertEquals(50, cop.chats().size());
        exits(5, batch("--halt", "fail=100%"));
        assertEquals(90, cop.chats().size());
    }

    @Test
    void haltOfLaterStartIsRemembered() {
        rows(200);
        exits(75, batch("--max-requests", "100"));
        cop.sim.set("faults", Collections.nCopies(50, "400-invalid_request_body"));
        exits(1, batch());
        exits(1, batch());
        assertEquals(150, cop.chats().size());
        exits(0, batch("--retry-failed"));
        assertEquals(250, cop.chats().size());
    }

    @ParameterizedTest
    @CsvSource({"--retry-failed", "-m mai-code-1.1-flash", "--temperature 0", "-s briefly", "--again",
            "--retry-failed=invalid_request_body"})
    void haltHintsHowToContinue(String more) {
        rows(60);
        cop.sim.set("faults", Collections.nCopies(50, "400-invalid_request_body"));
        exits(1, batch("-m", "gpt-5-mini"));
        exits(0, batch(("-m gpt-5-mini " + more).split(" ")));
    }

    @Test
    void anotherTemplateContinuesHaltedRun() {
        rows(60);
        cop.sim.set("faults", Collections.nCopies(50, "400-invalid_request_body"));
        exits(1, batch());
        cop.write("templates/t.mustache", "say: {{text}}!");
        exits(0, batch());
    }

    // --------------------------------------------------------------------------- errors within a 200

    @Test
    void rateLimitWithinStreamPauses() {
        rows(3);
        cop.sim.set("faults", List.of("error-limit", "error-limit"));
        var outcome = exits(0, batch("--retries", "0"));
        prints(outcome, "pausing for 10 s: rate limit exceeded");
        assertEquals(1, results().getFirst().path("attempts").asInt());
    }

    @Test
    void errorWithinStreamKeepsItsCode() {
        rows(1);
        cop.sim.set("faults", List.of("error-chunk"));
        exits(5, batch("--retries", "0"));
        assertEquals("internal_error", results().getFirst().at("/error/code").asString());
    }

    /// `auto` has no price of its own: a lost request costs as much as one to the model that answered the others.
    @Test
    void lostRequestOfAutoIsPricedLikeTheOthers() {
        rows(2);
        cop.run("models");
        cop.sim.set("faults", List.of("ok", "reset-mid"));
        exits(5, batch("-m", "auto", "--retries", "0"));
        double first = results().getFirst().at("/usage/credits").asDouble();
        var status = Json.tryParse(cop.ok("batch", "status", "out.jsonl", "--json").out());
        double both = status.at("/used/credits").asDouble();
        assertTrue(first > 0 && both > first && both < 3 * first, first + " of " + both);
    }

    @Test
    void replyWithoutFinishReasonIsNotOk() {
        rows(2);
        cop.sim.set("faults", List.of("finish-none"));
        var outcome = exits(5, batch());
        prints(outcome, "1 x finish_missing, first r1: ");
        assertEquals("incomplete", results().getFirst().path("status").asString());
        assertEquals("a 1", results().getFirst().path("text").asString());
    }

    // ---------------------------------------------------------------------------------- beside a run

    @Test
    void statusReportsRunningProcess() {
        rows(3);
        exits(75, batch("--max-requests", "1"));
        prints(exits(0, cop.run("batch", "status", "out.jsonl")), "2 rows remain: run the same command to resume");
        try (var _ = new Journal(cop.file("out.jsonl.run"), true)) {
            var outcome = exits(0, cop.run("batch", "status", "out.jsonl"));
            prints(outcome, "2 rows remain: a process is sending them");
            assertFalse(outcome.all().contains("goes on"), outcome::all);
        }
    }

    /// A stalled reader of `-k` blocks neither requests nor Ctrl-C.
    @Test
    @Timeout(60)
    void stalledInputDoesNotBlockRequests() throws Exception {
        cop.sim.set("answer", "x".repeat(3000));
        rows(200);
        var process = cop.process("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "-k", "-j", "4", "--delay", "0")
                .redirectError(cop.file("said.txt").toFile()).start();
        Harness.await("all answers, though nobody reads them", () -> cop.chats().size() == 200);
        long start = System.nanoTime();
        new ProcessBuilder("kill", "-INT", "" + process.pid()).start().waitFor();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS), () -> "still there: " + cop.read("said.txt"));
        assertEquals(130, process.exitValue(), () -> cop.read("said.txt"));
        assertTrue(System.nanoTime() - start < 15_000_000_000L);
        assertEquals(200, cop.read("out.jsonl").lines().count(), "OUT is written");
    }

    // ----------------------------------------------------------------------------------------- Java

    @Test
    void failedRowsDifferFromEmptyReplies() {
        var out = new PrintWriter(Writer.nullWriter());
        var toolkit = new Toolkit(cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE), out, out));
        rows(5);
        cop.sim.set("faults", List.of("422", "ok", "422"));
        var outcome = new copilot.Batch(toolkit.template("say: {{text}}"), "rows.jsonl").withJobs(1)
                .withDelay(Duration.ZERO).to("out.jsonl");
        assertEquals("out.jsonl: incomplete: 3 of 5", outcome.toString());
        assertEquals(List.of("r2", "r4", "r5"), outcome.answers().map(row -> row.text("id")).toList());
        assertEquals(5, outcome.results().count());
        var failed = outcome.results().findFirst().orElseThrow();
        var fault = assertThrows(copilot.Fault.class, () -> failed.text("json.label"));
        assertTrue(fault.getMessage().contains("row r1 has no json.label: its status is failed")
                && fault.getMessage().contains("answers()"),
                fault::getMessage);
        assertEquals("", outcome.answers().findFirst().orElseThrow().text("json.label"));
        assertEquals("", new copilot.Row(new LinkedHashMap<>(Map.of("status", "open"))).text("json.label"));
        assertEquals("failed", failed.text("status"));
    }

    @Test
    void haltOfVerbHintsHowToContinue() {
        var out = new PrintWriter(Writer.nullWriter());
        var toolkit = new Toolkit(cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE), out, out));
        rows(60);
        cop.sim.set("faults", Collections.nCopies(50, "400-invalid_request_body"));
        var batch = new copilot.Batch(toolkit.template("say: {{text}}"), "rows.jsonl").withJobs(1)
                .withDelay(Duration.ZERO);
        for (int i = 0; i < 2; i++) {
            var halted = assertThrows(copilot.Fault.class, () -> batch.to("out.jsonl"));
            assertEquals("1 to resume: the same call, with withRetryFailed()", halted.exitCode() + " "
                    + halted.hint());
        }
        assertEquals(50, cop.chats().size());
        assertTrue(batch.withRetryFailed().to("out.jsonl").allOk());
    }

    /// Twice the limit may be less than what is already used.
    @ParameterizedTest
    @CsvSource({"--max-total-tokens, 1", "--max-credits, 0.000001"})
    void hintedBudgetExceedsUsage(String option, String least) {
        rows(2);
        exits(0, batch("-L", "1"));
        var outcome = exits(75, batch(option, least));
        var hinted = Pattern.compile(option + "=(\\S+)").matcher(outcome.err());
        assertTrue(hinted.find() && outcome.err().contains(least + " is reached\n"), outcome::all);
        exits(0, batch(hinted.group()));
    }

    /// An image has about a thousand tokens, a schema or a tool as many as its text.
    @Test
    void budgetsCountWhatIsNotText() {
        var request = new copilot.Request("m", List.of(copilot.Message.user("hello")), null, true);
        var image = new copilot.Image("a", "image/png", Harness.PNG);
        assertEquals(5, request.bytes());
        assertEquals(4005, request.withImage(image).bytes());
        var tools = Json.tryParse("[{\"type\":\"function\"}]");
        assertEquals(5 + tools.toString().length(), request.withOption("tools", tools).bytes());
        assertEquals(TokenCount.of(request, "") + 1000, TokenCount.of(request.withImage(image), ""));
        var row = Json.object();
        row.withArray("messages").addObject().put("role", "user").putArray("content").addObject()
                .put("type", "image_url").putObject("image_url").put("url", "data:image/png;base64," + Harness.PNG);
        assertEquals(4000, new copilot.Request("m", List.of(), row, true).bytes());
    }
}
