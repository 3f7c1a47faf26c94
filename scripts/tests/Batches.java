package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The command `batch` with a virtual clock: rows, results, and rows that are sent again.
class Batches {
    private final Harness cop = Harness.loggedIn();

    Batches() { cop.write("templates/t.mustache", "say: {{text}}"); }

    @AfterEach
    void close() { cop.close(); }

    // ------------------------------------------------------------------------------------------- helpers

    private Outcome good(String... more) { return exits(0, cop.batch(more)); }

    private List<JsonNode> results() {
        return cop.jsonLines("out.jsonl");
    }

    /// `id=text` of each result, or `id!status`.
    private String told() {
        return results().stream().map(r -> r.path("id").asString() + (Json.text(r, "status").equals("ok")
                ? "=" + Json.text(r, "text") : "!" + Json.text(r, "status"))).collect(Collectors.joining(" "));
    }

    private List<String> askedSince(int before) {
        return cop.prompts().subList(before, cop.prompts().size()).stream().sorted().toList();
    }

    // --------------------------------------------------------------------------------------- like make

    @Test
    void onlyMissingRowsAreSent() {
        cop.rows("a1", "b1", "c1", "d1");
        assertTrue(good().err().endsWith("done: 4 ok\n"));
        assertEquals("a=a1 b=b1 c=c1 d=d1", told());
        assertTrue(good().err().endsWith("nothing to do: 4 ok\n"));
        assertEquals(4, cop.prompts().size());
        cop.rows("d1", "x1", "b2", "a1");                       // reordered, inserted, edited, removed
        good();
        assertEquals(List.of("b2", "x1"), askedSince(4));
        assertEquals("d=d1 x=x1 b=b2 a=a1", told());
        cop.rows("a1", "b1", "c1", "d1");                       // back again: all is known
        assertTrue(good().err().endsWith("nothing to do: 4 ok\n"));
        assertEquals("a=a1 b=b1 c=c1 d=d1", told());
        cop.write("templates/t.mustache", "say: {{text}}!");
        good();
        assertEquals("a=a1! b=b1! c=c1! d=d1!", told());
        assertEquals(10, cop.prompts().size());
    }

    @Test
    void optionsArePartOfTheRequest() {
        cop.rows("a", "b");
        good("--temperature", "0");
        good("--temperature", "0", "-j", "7", "--delay", "3s");
        assertEquals(2, cop.prompts().size());
        good("--temperature", "1");
        assertEquals(4, cop.prompts().size());
        exits(0, cop.batch("--temperature", "1", "--again"));
        assertEquals(6, cop.prompts().size());
    }

    @Test
    void rowsWithoutIdAndDuplicateRows() {
        cop.write("rows.jsonl", "{\"text\": \"x\"}\n\n{\"text\": \"x\"}\r\n{\"text\": \"y\"}\n");
        good();
        assertEquals(List.of("x", "x", "y"), cop.prompts().stream().sorted().toList());
        assertEquals(3, results().stream().map(r -> Json.text(r, "id")).distinct().count());
        cop.write("rows.jsonl", "{\"text\": \"y\"}\n{\"text\": \"x\"}\n{\"text\": \"z\"}\n{\"text\": \"x\"}\n");
        good();
        assertEquals(List.of("z"), askedSince(3));
    }

    @Test
    void runKeepsItsModel() {
        cop.rows("a");
        good();
        cop.with("COP_MODEL", "mai-code-1.1-flash");
        cop.rows("a", "b");
        assertTrue(good().err().contains("using model gpt-5-mini, as when this run started"));
        assertEquals(2, cop.prompts().size());
        assertTrue(good("-m", "mai-code-1.1-flash").err().contains("the model was gpt-5-mini; all rows are new for"
                + " mai-code-1.1-flash"));
        assertEquals(4, cop.prompts().size());
        assertTrue(exits(2, cop.batch("-m", "gtp-5-mini")).err().contains("did you mean gpt-5-mini?"));
    }

    @Test
    void retryFailedResendsFailedRows() {
        cop.rows("a", "b", "c");
        cop.sim.set("faults", List.of("ok", "422"));
        var outcome = exits(5, cop.batch("-j", "1"));
        assertTrue(outcome.err().endsWith("done: 2 ok, 1 failed; --retry-failed sends 1 again\n"), outcome::all);
        assertEquals("a=a b!failed c=c", told());
        assertEquals("content_filter", results().get(1).at("/error/code").asString());
        exits(5, cop.batch());
        assertEquals(3, cop.prompts().size());
        good("--retry-failed");
        assertEquals("a=a b=b c=c", told());
        assertEquals(4, cop.prompts().size());
    }

    // ----------------------------------------------------------------------------------------- rows in

    static final List<List<String>> FORMATS = List.of(      // file, text, results
            List.of("r.csv", "id,text\na,\"x, \"\"y\"\"\nz\"\nb,2\n", "a=x, \"y\"\nz b=2"),
            List.of("r.csv", "\ufeffid;text\r\na;x, y\r\nb;2\r\n", "a=x, y b=2"),
            List.of("r.tsv", "id\ttext\na\tx, \"y\n", "a=x, \"y"),
            List.of("r.json", " [ {\"id\": 1, \"text\": \"x\"},\n{\"id\": 2, \"text\": 0.10} ] ", "1=x 2=0.10"),
            List.of("r.json", "{\"id\": \"a\", \"text\": \"x\"}", "a=x"),
            List.of("r.json", "{\"id\": \"a\", \"text\": \"x\"}\n{\"id\": \"b\", \"text\": \"y\"}", "a=x b=y"),
            List.of("r.jsonl", "\ufeff{\"custom_id\": \"a\", \"text\": \"x\"}", "a=x"),
            List.of("r.txt", "{\"id\": \"a\", \"text\": \"x\"}", "a=x"));

    @ParameterizedTest
    @FieldSource("FORMATS")
    void formats(List<String> row) {
        cop.write(row.get(0), row.get(1));
        exits(0, cop.run("batch", "t", "-d", row.get(0), "-o", "out.jsonl"));
        assertEquals(row.get(2), told());
    }

    @Test
    void rowsFromFoldersPatternsAndStdin() {
        cop.write("in/b.json", "{\"text\": \"1\"}");
        cop.write("in/a.json", "{\"text\": \"2\", \"id\": \"own\"}");
        cop.write("in/c.txt", "no");
        exits(0, cop.run("batch", "t", "-d", "in", "-o", "out.jsonl"));
        assertEquals("own=2 b=1", told());
        exits(0, cop.run("batch", "t", "-d", "in/b*.json", "-o", "out.jsonl"));
        assertEquals("b=1", told());
        assertEquals(2, cop.prompts().size());
        exits(0, cop.runWith("{\"id\": \"s\", \"text\": \"3\"}\n", "batch", "t", "-d", "-", "-o", "out.jsonl"));
        assertEquals("s=3", told());
    }

    static final List<List<String>> BAD = List.of(          // file, text, errors, a part each
            List.of("r.jsonl", "{\"id\": 1, \"text\": \"a\"}\n{\"id\": 2, \"txt\": \"b\"}\n{\"id\": 3\n[4]\n\u00e9",
                    "r.jsonl:2: templates/t.mustache:1: {{text}} is missing (the data has txt)", "r.jsonl:3:9: ",
                    "r.jsonl:4: expected a JSON object, got a list", "r.jsonl:5:"),
            List.of("r.jsonl", "{\"id\": 1, \"text\": \"a\"}\n{\"id\": 1, \"text\": \"b\"}\n",
                    "r.jsonl:2: duplicate id 1, as in row 1"),
            List.of("r.csv", "id,text\n1,a,b\n2\n", "r.csv:2: 3 columns, the header has 2",
                    "r.csv:3: 1 columns, the header has 2"),
            List.of("r.json", "[{\"id\": 1, \"text\": \"a\"}, 3, {\"id\":",
                    "r.json:1: expected an object, got a number", "r.json:1:"));

    @ParameterizedTest
    @FieldSource("BAD")
    void allInvalidRowsAreReportedBeforeSending(List<String> row) {
        cop.write(row.get(0), row.get(1));
        var outcome = exits(2, cop.run("batch", "t", "-d", row.get(0), "-o", "out.jsonl"));
        for (String error : row.subList(2, row.size())) {
            assertTrue(outcome.err().contains("error: " + error), outcome::all);
        }
        assertTrue(outcome.err().contains("nothing was sent"), outcome::all);
        assertEquals(List.of(), cop.prompts());
        assertFalse(Files.exists(cop.file("out.jsonl")));
    }

    @Test
    void skipBadSkipsInvalidRows() {
        cop.write("rows.jsonl", "{\"id\": \"a\", \"text\": \"1\"}\n{\"id\": \"b\"}\n"
                + "{\"id\": \"c\", \"text\": \"3\"}\n{{\n");
        exits(5, cop.batch("--skip-bad"));
        assertEquals("a=1 b!failed c=3 rows.jsonl:4!failed", told());
        assertEquals("bad_row", results().get(1).at("/error/code").asString());
        exits(5, cop.batch("--skip-bad"));
        assertEquals(2, cop.prompts().size());
    }

    static final List<List<String>> REFUSED = List.of(      // arguments, error, hint
            List.of("batch t -d rows.jsonl", "missing -o OUT", "-o OUT.jsonl"),
            List.of("batch t -o out.jsonl", "copilot batch requires -d ROWS", "copilot batch [TEMPLATE |"),
            List.of("batch t -d nope.jsonl -o out.jsonl", "cannot read nope.jsonl: no such file",
                    "did you mean: rows.jsonl"),
            List.of("batch nope -d rows.jsonl -o out.jsonl", "unknown template: nope", "copilot templates"),
            List.of("batch t -d rows.jsonl -o nope/out.jsonl", "-o nope/out.jsonl: no such folder", "mkdir -p"),
            List.of("batch t -d rows.jsonl -o out.jsonl -j 0", "-j 0 is out of range", "use 1 or more"),
            List.of("batch t -d rows.jsonl -o out.jsonl --delay soon", "invalid time: --delay soon", "--delay 90s"),
            List.of("batch t -d rows.jsonl -o out.jsonl --halt 20", "invalid --halt: 20", "--halt fail=20%"),
            List.of("batch t -d rows.jsonl -o out.jsonl --shard 5/4", "--shard 5/4 is out of range", "K/N"),
            List.of("batch t -d rows.jsonl -o out.jsonl --format xml", "invalid value for --format: xml", "jsonl"),
            List.of("batch t -d rows.jsonl -o out.jsonl --id nr", "--id nr: no row has this field",
                    "a row has id, text"),
            List.of("batch t -d rows.jsonl -o out/{{id}}.md", "-o out/{{id}}.md names many files", "--run DIR"),
            List.of("batch t -d rows.jsonl -k", "missing -o OUT", "--run DIR"),
            List.of("batch -d rows.jsonl -o out.jsonl", "rows.jsonl:1: not a request of the Batch API", "1 of"),
            List.of("batch t -d empty.jsonl -o out.jsonl", "empty.jsonl has no rows", "one line or object"),
            List.of("batch t -d rows.jsonl -o rows.jsonl", "rows.jsonl would overwrite the input", "use another"),
            List.of("batch t -d rows.jsonl -o ./rows.jsonl", "./rows.jsonl would overwrite", "use another"),
            List.of("batch t -d rows.jsonl -o out.jsonl --sample -3", "--sample -3 is out of range", "use 1 or more"),
            List.of("batch t -d rows.jsonl -o out.jsonl -L 0", "-L 0 is out of range", "use 1 or more"),
            List.of("batch t -d rows.jsonl -o out.jsonl --timeout 0", "--timeout 0 is out of range", "--timeout 10m"),
            List.of("batch t -d rows.jsonl -o out.jsonl --max-requests 0", "--max-requests 0 is", "use more than 0"),
            List.of("batch -d rows.jsonl -o out.jsonl -s x", "--system requires a template", "edit the requests"),
            List.of("batch -d rows.jsonl -o out.jsonl --var a=b", "--var requires a template", "edit the requests"),
            List.of("batch -d rows.jsonl -o out.jsonl --allow-missing", "--allow-missing requires a template", "edit"),
            List.of("batch t -d rows.jsonl -o out.jsonl --schema {} -O n=2", "rows.jsonl:1: a schema takes", "1 of"),
            List.of("batch t -d latin.csv -o out.jsonl", "latin.csv", ""),
            List.of("batch status nope.jsonl", "no batch run in ", "start one: copilot batch TEMPLATE"),
            List.of("batch status", "copilot batch status requires OUT", "copilot batch status"),
            List.of("batch merge -o out.jsonl", "copilot batch merge requires RUN…", "copilot batch merge"));

    @ParameterizedTest
    @FieldSource("REFUSED")
    void usageErrors(List<String> row) throws Exception {
        cop.rows("a");
        cop.write("empty.jsonl", "\n");
        Files.write(cop.file("latin.csv"), ("id,text\n" + "1,abc\n".repeat(9000) + "2,\u00ff\n3,b\n")
                .getBytes(StandardCharsets.ISO_8859_1));
        var outcome = exits(2, cop.run(row.get(0).split(" ")));
        var lines = outcome.err().lines().toList();
        assertTrue(lines.getFirst().startsWith("error: " + row.get(1)), outcome::all);
        assertTrue(lines.getLast().startsWith("hint: " + row.get(2)), outcome::all);
        assertEquals(List.of(), cop.prompts());
    }

    // -------------------------------------------------------------------------------------- values to the byte

    @Test
    void valuesAreSentUnchanged() {
        String odd = "{{x}} {{#y}}\r\nsystem: obey\u0000\u001b[31m\ud83d\ude00\"\\" + "x".repeat(1_000_000);
        cop.write("rows.jsonl", JsonValues.text(Map.of("id", "a", "text", odd)) + "\n");
        cop.sim.set("answer", "fine");
        cop.write("templates/t.mustache", "{{text}}");
        exits(0, cop.batch("-m", "gpt-5.4"));
        assertEquals(odd, cop.prompts().getFirst());
    }

    @Test
    void tooLongPromptsAreFoundBeforeSending() {
        cop.write("rows.jsonl", "{\"id\": \"a\", \"text\": \"" + "word ".repeat(200_000) + "\"}\n");
        var outcome = exits(2, cop.batch());
        assertTrue(outcome.err().matches("(?s)error: rows.jsonl:1: the prompt has 2\\d+ tokens; gpt-5-mini"
                + " accepts 128000; the largest part is the text with 2\\d+\n.*"), outcome::all);
    }

    // --------------------------------------------------------------------------------------------- results

    @Test
    void outputFormats() {
        cop.write("rows.jsonl", "{\"id\": \"a\", \"text\": \"x, \\\"y\\\"\", \"n\": 1.50}\n"
                + "{\"id\": \"b\", \"text\": \"z\"}\n");
        good("--echo", "n,text");
        assertEquals("{\"n\":1.50,\"text\":\"x, \\\"y\\\"\"}", results().getFirst().path("echo").toString());
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "out.csv", "--run", "out.jsonl.run", "--echo",
                "n,text"));
        assertTrue(cop.read("out.csv").startsWith("id,status,text,model,finish,prompt_tokens,completion_tokens,ms,"
                + "attempts,error,n,row_text\na,ok,\"x, \"\"y\"\"\",gpt-5-mini"), cop.read("out.csv"));
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "out.json", "--run", "out.jsonl.run"));
        assertEquals(2, Json.tryParse(cop.read("out.json")).size());
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "all/{{id}}.md", "--run", "out.jsonl.run"));
        assertEquals("x, \"y\"\n", cop.read("all/a.md"));
        var outcome = exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-k", "--run", "out.jsonl.run"));
        assertEquals(cop.read("out.jsonl"), outcome.out());
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "--out-format", "openai"));
        var line = results().getFirst();
        assertEquals("a", Json.text(line, "custom_id"));
        assertEquals("x, \"y\"", line.at("/response/body/choices/0/message/content").asString());
        assertEquals(2, cop.prompts().size());
    }

    @Test
    void filesPerRowCannotEscapeTheirFolder() {
        cop.write("rows.jsonl", "{\"id\": \"../../evil\", \"text\": \"x\"}\n");
        var outcome = exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "all/{{id}}.md", "--run", "r"));
        assertTrue(outcome.err().contains("which is outside its folder"), outcome::all);
        assertEquals(List.of(), cop.prompts(), "found before anything is paid for");
        assertFalse(Files.exists(cop.file("../evil.md")));
        cop.write("rows.jsonl", "{\"id\": \"a\", \"text\": \"x\"}\n{\"id\": \"./a\", \"text\": \"y\"}\n");
        assertTrue(exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "all/{{id}}.md", "--run", "r")).err()
                .contains("names the same file for ./a and a"));
        cop.write("rows.jsonl", "{\"id\": \"" + "x".repeat(300) + "\", \"text\": \"x\"}\n");
        assertTrue(exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "all/{{id}}.md", "--run", "r")).err()
                .contains("a file name that is too long"));
        cop.write("all/taken/x", "mine");
        for (String ids : List.of("a a/b c", "a/b/c a", "taken c", "taken/x/y c")) {
            cop.write("rows.jsonl", Stream.of(ids.split(" ")).map(id -> "{\"id\": \"" + id + "\", \"text\": \"x\"}\n")
                    .collect(Collectors.joining()));
            assertTrue(exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "all/{{id}}", "--run", "r")).err()
                    .contains("names both a file and a folder for "), ids);
        }
        assertTrue(exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "all/{{nope}}.md", "--run", "r")).err()
                .contains("results have no field {{nope}}"));
        assertEquals(List.of(), cop.prompts());
    }

    @Test
    void oneUnwritableFileDoesNotStopTheOthers() {
        cop.rows("a", "b", "c");
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "all/{{id}}.md", "--run", "r"));
        for (String file : List.of("a", "b", "c")) cop.file("all/" + file + ".md").toFile().delete();
        cop.write("all/a.md/mine", "mine");
        var outcome = exits(1, cop.run("batch", "status", "all/{{id}}.md", "--run", "r", "--write"));
        assertTrue(outcome.err().matches("error: cannot write .*all/a\\.md: .*\n.*\n"), outcome::all);
        assertEquals("b\nc\n", cop.read("all/b.md") + cop.read("all/c.md"));
    }

    @Test
    void openAiRequestsAreSentUnchanged() {
        cop.write("rows.jsonl", """
                {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", \
                "body": {"model": "mai-code-1.1-flash", "messages": [{"role": "system", "content": "S"}, \
                {"role": "user", "content": [{"type": "text", "text": "say: one"}]}], "temperature": 0.5}}
                {"custom_id": "b", "body": {"messages": [{"role": "user", "content": "say: two"}]}}
                """);
        exits(0, cop.run("batch", "-d", "rows.jsonl", "-o", "out.jsonl", "--out-format", "openai"));
        assertEquals(List.of("one", "two"), results().stream().map(r -> r.at("/response/body/choices/0/message/content")
                .asString()).toList());
        var body = cop.sim.ledger().stream().filter(e -> e.path().equals("/chat/completions")).map(e -> e.body())
                .filter(b -> Json.text(b, "model").equals("mai-code-1.1-flash")).findFirst().orElseThrow();
        assertEquals("0.5", body.path("temperature").toString());
        exits(0, cop.run("batch", "-d", "rows.jsonl", "-o", "more.jsonl", "--max-tokens", "50", "--temperature",
                "0.7"));
        assertEquals("[0.5 50 null, 0.7 null 50]", cop.sim.ledger().stream().map(e -> e.body())
                .filter(b -> b != null && (b.has("max_tokens") || b.has("max_completion_tokens")))
                .map(b -> b.get("temperature") + " " + b.get("max_tokens") + " " + b.get("max_completion_tokens"))
                .sorted().toList().toString());
    }

    @Test
    void statusOfIncompleteReplies() {
        cop.rows("a", "b");
        cop.sim.set("finish", "length");
        exits(5, cop.batch());
        assertEquals("a!incomplete b!incomplete", told());
        cop.sim.set("finish", "content_filter");
        exits(5, cop.batch("--again"));
        assertEquals("a!filtered b!filtered", told());
    }

    @Test
    void schemaViolationsAreRetried() {
        cop.write("templates/t.mustache", "---\nschema: {type: object, properties: {n: {type: integer}}, required: [n],"
                + " additionalProperties: false}\n---\nsay: {{text}}");
        cop.write("rows.jsonl", "{\"id\": \"a\", \"text\": \"{\\\"n\\\": 1}\"}\n{\"id\": \"b\", \"text\": \"none\"}\n");
        exits(5, cop.batch("-j", "1"));
        assertEquals("{\"n\":1}", results().getFirst().path("json").toString());
        assertEquals("schema", results().get(1).at("/error/code").asString());
        assertTrue(Json.text(results().get(1), "text").contains("does not match the schema"), "the raw text is kept");
        assertEquals(3, results().get(1).path("attempts").asInt());
        assertEquals(4, cop.prompts().size());
    }

    // ------------------------------------------------------------------------------------- limits and trouble

    @Test
    void budgets() {
        cop.rows("a", "b", "c", "d", "e", "f");
        var outcome = exits(75, cop.batch("--max-requests", "2"));
        assertEquals(2, cop.prompts().size());
        assertTrue(outcome.err().contains("error: --max-requests 2 is reached"), outcome::all);
        exits(75, cop.batch("--max-total-tokens", "9", "-j", "1"));
        assertTrue(cop.prompts().size() < 6, cop.prompts()::toString);
        good();
        assertEquals(6, cop.prompts().size());
        exits(75, cop.batch("--again", "--max-time", "2s", "-j", "1", "--delay", "1s"));
        assertTrue(cop.prompts().size() < 12, cop.prompts()::toString);
    }

    /// Nobody knows what a prompt costs before one has come back: with 8 jobs at once 8 could go before a limit is
    /// noticed.
    @Test
    void firstRequestMeasuresTheCost() {
        cop.rows(IntStream.range(0, 26).mapToObj(i -> "" + (char) ('a' + i)).toArray(String[]::new));
        exits(75, cop.batch("--max-total-tokens", "3", "-j", "8", "--delay", "0"));
        assertEquals(1, cop.prompts().size());
        exits(75, cop.batch("--max-credits", "0.000000001", "-j", "8", "--delay", "0"));
        assertEquals(1, cop.prompts().size(), "the first start has used it up");
        exits(75, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "other.jsonl", "--max-credits", "0.000000001", "-j",
                "8", "--delay", "0"));
        assertEquals(2, cop.prompts().size());
    }

    /// The first row needs another attempt while the second waits for it.
    @ParameterizedTest
    @ValueSource(strings = {"503", "429:1"})
    void failedFirstRequestIsFollowedByAnother(String fault) {
        cop.rows("a", "b", "c");
        cop.sim.set("faults", List.of(fault));
        good("--max-total-tokens", "1000", "-j", "2", "--delay", "0");
        assertEquals("a=a b=b c=c", told());
    }

    @Test
    void journalIsOpenedOnceInAProcess() {
        var first = new Journal(cop.file("x.run"), true);
        for (int i = 0; i < 3; i++) assertThrows(copilot.Fault.class, () -> new Journal(cop.file("x.run"), true));
        Thread.currentThread().interrupt();
        first.close();
        assertTrue(Thread.interrupted());
        new Journal(cop.file("x.run"), true).close();
    }

    // ---------------------------------------------------------------------------------- some rows, many machines

    @Test
    void limitAndSample() {
        cop.rows("a", "b", "c", "d", "e");
        good("-L", "2");
        assertEquals("a=a b=b", told());
        good("--sample", "2", "--sample-seed", "7");
        int asked = cop.prompts().size();
        good("--sample", "2", "--sample-seed", "7");
        assertEquals(asked, cop.prompts().size(), "the same sample");
        var all = good();
        assertEquals(5, cop.prompts().size(), "what the samples asked is used");
        assertEquals("a=a b=b c=c d=d e=e", told());
        assertFalse(all.err().contains("instead of"), all::all);
        var fewer = good("-L", "1");
        assertTrue(fewer.err().contains("note: rows in out.jsonl: 1 instead of 5; all answers stay in out.jsonl.run"),
                fewer::all);
        assertEquals("a=a", told());
    }

    @Test
    void shardsAreMerged() {
        cop.rows(IntStream.range(0, 26).mapToObj(i -> "" + (char) ('a' + i)).toArray(String[]::new));
        for (int k = 1; k <= 3; k++) {
            exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "s" + k + ".jsonl", "--shard", k + "/3"));
        }
        assertEquals(26, cop.prompts().size());
        var outcome = exits(0, cop.run("batch", "merge", "s1.jsonl.run", "s2.jsonl", "s3.jsonl.run", "-o",
                "out.jsonl"));
        assertTrue(outcome.out().startsWith("26 of 26 rows are done: 26 ok\n"), outcome::all);
        assertTrue(told().startsWith("a=a b=b c=c d=d"), told());
        cop.write("templates/t.mustache", "say: {{text}}!");
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "s3.jsonl", "--shard", "3/3"));
        assertTrue(exits(2, cop.run("batch", "merge", "s1.jsonl.run", "s3.jsonl.run", "-o", "out.jsonl")).err()
                .contains("s1.jsonl.run and s3.jsonl.run differ in their template"));
        assertTrue(exits(2, cop.run("batch", "merge", "s1.jsonl", "s2.jsonl", "-o", "out.jsonl")).err()
                .contains("missing shards: [3]"));
        cop.with("SLURM_ARRAY_TASK_ID", "5").with("SLURM_ARRAY_TASK_MIN", "5").with("SLURM_ARRAY_TASK_COUNT", "3")
                .with("SLURM_ARRAY_TASK_MAX", "7");
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "slurm.jsonl", "--shard", "auto"));
        cop.with("SLURM_ARRAY_TASK_ID", null).with("JOB_COMPLETION_INDEX", "0").with("JOB_COMPLETIONS", "3");
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "k8s.jsonl", "--shard", "auto"));
        assertEquals(cop.read("slurm.jsonl").lines().map(l -> Json.text(Json.tryParse(l), "id")).toList(),
                cop.read("k8s.jsonl").lines().map(l -> Json.text(Json.tryParse(l), "id")).toList());
    }

    @Test
    void dryRunSendsNothing() {
        cop.rows("a", "b", "c");
        good("-L", "1");
        var outcome = exits(0, cop.batch("--dry-run"));
        assertTrue(outcome.out().startsWith("rows     3\ndone     1\ninvalid  0\nto send  2\nmodel    gpt-5-mini\n"),
                outcome::all);
        assertTrue(outcome.out().contains("tokens   20 in the prompts"), outcome::all);
        assertTrue(outcome.out().contains("credits  0.0005 for the prompts"), outcome::all);
        assertTrue(outcome.out().endsWith("\n\n## user\n\nsay: b\n"), outcome::all);
        assertEquals(1, cop.prompts().size());
    }

    @Test
    void status() {
        cop.rows("a", "b", "c");
        good("-L", "2");
        cop.rows("a", "b", "c");
        cop.sim.set("faults", List.of("402"));
        exits(75, cop.batch());
        Files.exists(cop.file("out.jsonl"));
        var outcome = exits(0, cop.run("batch", "status", "out.jsonl"));
        assertTrue(outcome.out().startsWith("2 of 3 rows are done: 2 ok\n1 row remains: "), outcome::all);
        var json = Json.tryParse(exits(0, cop.run("batch", "status", "out.jsonl", "--json")).out());
        assertEquals(1, json.at("/done/left").asInt());
        cop.file("out.jsonl").toFile().delete();
        exits(0, cop.run("batch", "status", "out.jsonl", "--write"));
        assertEquals("a=a b=b", told());
    }

    @Test
    void largeRunsAskForConfirmation() {
        cop.terminal(0, 2);
        cop.write("rows.jsonl", IntStream.range(0, 201).mapToObj(i -> "{\"text\": " + i + "}\n")
                .collect(Collectors.joining()));
        var outcome = exits(1, cop.runWith("n\n", "batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl"));
        assertTrue(outcome.err().contains("201 requests to gpt-5-mini"), outcome::all);
        assertEquals(0, cop.prompts().size());
        exits(0, cop.runWith("y\n", "batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "-j", "16", "--delay", "0"));
        assertEquals(201, cop.prompts().size());
    }

    @Test
    void statusTimesAreInSeconds() {
        cop.time.advance(Duration.ofNanos(123_456_789));
        cop.write("r.jsonl", "{\"a\":1}\n");
        cop.write("t.mustache", "say: {{a}}");
        cop.run("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl");
        assertTrue(cop.run("batch", "status", "o.jsonl").out().matches("(?s).*, last started [-0-9]+T[:0-9]+Z\n"));
    }

    // ---- rows and results

    @Test
    void outputPatternWithoutFolder() {
        cop.write("a.json", "{\"id\": 1, \"text\": \"a\"}");
        cop.write("b.json", "{\"id\": 2, \"text\": \"b\"}");
        exits(0, cop.run("batch", "t", "-d", "[ab].json", "-o", "out.jsonl"));
        assertEquals(List.of("a", "b"), results().stream().map(r -> Json.text(r, "text")).toList());
    }

    @Test
    void echoedFieldWithCommaIsQuoted() {
        cop.write("rows.csv", "text,\"name, first\",\"a \"\"b\"\"\",c\nx,Ada,1,2\n");
        exits(0, cop.run("batch", "t", "-d", "rows.csv", "-o", "out.jsonl", "--echo",
                "\"name, first\",c,\"a \"\"b\"\"\""));
        assertEquals("{\"name, first\":\"Ada\",\"c\":\"2\",\"a \\\"b\\\"\":\"1\"}",
                results().getFirst().path("echo").toString());
    }

    @Test
    void echoIsSetWhenTheRunStarts() {
        cop.rows("a", "b");
        good();
        var outcome = exits(2, cop.batch("--echo", "text"));
        assertTrue(outcome.err().contains("error: --echo text was not set when this run started\nhint: use --again to "
                + "send all rows again, or --run DIR"), outcome::all);
        good("--echo", "text", "--again");
        assertEquals(List.of("a", "b"), results().stream().map(r -> Json.text(r.path("echo"), "text")).toList());
        good();
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "each/{{id}}-{{text}}.md", "--run", "out.jsonl.run",
                "--echo", "text"));
        assertEquals("a\n", cop.read("each/a-a.md"));
        assertEquals(4, cop.prompts().size());
    }

    @Test
    void runKeepsItsEcho() {
        cop.rows("a");
        good("--echo", "text");
        cop.rows("a", "b");
        good();
        assertEquals(List.of("a", "b"), results().stream().map(r -> Json.text(r.path("echo"), "text")).toList());
    }

    @Test
    void onlyCompleteRepliesBecomeFiles() {
        cop.rows("a", "b");
        cop.sim.set("faults", List.of("ok", "422"));
        exits(5, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "each/{{id}}.md", "--run", "r", "-j", "1"));
        assertTrue(Files.exists(cop.file("each/a.md")));
        assertFalse(Files.exists(cop.file("each/b.md")));
    }

    @Test
    void severalChoicesAreStored() {
        cop.rows("a");
        good("-O", "n=2", "--out-format", "openai");
        var choices = results().getFirst().path("response").path("body").path("choices");
        assertEquals("2 1", choices.size() + " " + choices.get(1).path("index").asString());
        assertEquals("a", choices.get(0).path("message").path("content").asString());
    }

    /// What comes after a broken line is unknown: it must not pass for "done".
    @Test
    void skipBadStopsAtUnreadableInput() {
        cop.write("rows.csv", "id,text\n1,a\n2,\"x\"y\n3,b\n4,c\n");
        cop.write("rows.json", "[{\"id\": 1, \"text\": \"a\"}, {oops}, {\"id\": 3, \"text\": \"b\"}]");
        for (String rows : List.of("rows.csv", "rows.json")) {
            var outcome = exits(2, cop.run("batch", "t", "-d", rows, "-o", "out.jsonl", "--skip-bad"));
            assertTrue(outcome.err().contains("no row after it can be read"), outcome::all);
        }
        for (String part : List.of("--sample=1 --sample-seed=2", "--sample=1 --sample-seed=2 --skip-bad", "--shard=1/9",
                "--shard=2/9 --skip-bad")) {
            var args = new ArrayList<>(List.of("batch", "t", "-d", "rows.csv", "-o", "out.jsonl"));
            args.addAll(List.of(part.split(" ")));
            exits(2, cop.run(args.toArray(String[]::new)));
        }
        assertEquals(0, cop.prompts().size());
        assertFalse(Files.exists(cop.file("out.jsonl.run")), "nothing has begun");
        exits(0, cop.run("batch", "t", "-d", "rows.csv", "-o", "out.jsonl", "--skip-bad", "-L", "1"));
        assertEquals("1=a", told());
    }

    @Test
    void tsvHasNoQuoting() {
        cop.write("rows.tsv", "id\ttext\n1\ta\n2\t\"half inch\n3\tc\n4\td\"\n");
        exits(0, cop.run("batch", "t", "-d", "rows.tsv", "-o", "out.jsonl", "--delay", "0"));
        assertEquals("1=a 2=\"half inch 3=c 4=d\"", told());
    }

    @Test
    void shardsReportTheirNumber() {
        cop.rows("a", "b", "c", "d");
        var outcome = exits(0, cop.batch("--shard", "2/2"));
        assertTrue(outcome.err().contains("part 2 of 2"), outcome::all);
    }

    // ------------------------------------------------------------------- what is not the run's own is left alone

    /// What lies in a folder: each file's name and text.
    private Map<String, String> inside(String folder) throws IOException {
        try (var files = Files.walk(cop.file(folder))) {
            return files.filter(Files::isRegularFile).collect(Collectors.toMap(
                    file -> cop.file(folder).relativize(file).toString(), file -> {
                        try {
                            return Files.readString(file, StandardCharsets.ISO_8859_1);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    }));
        }
    }

    private static final List<List<String>> FOREIGN = List.of(
            List.of("notes.txt", "mine"),
            List.of("sub/notes.txt", "mine"),
            List.of("manifest.json", "{\"name\": \"a web page\"}"),
            List.of("manifest.json", "{"),
            List.of("journal.jsonl", "{\"day\": 1}"),
            List.of("journal.jsonl", "Dear diary"),
            List.of("input.jsonl", "{\"id\": 1}\n"),
            List.of("order", "66"),
            List.of("lock", "stock and barrel"),
            List.of("journal.jsonl", ""),
            List.of("lock", ""));                           // the last two go with notes, see below

    /// A user's folder was emptied because a row was bad.
    @ParameterizedTest
    @FieldSource("FOREIGN")
    void folderOfOtherFilesIsRefusedAsRunFolder(List<String> foreign) throws IOException {
        cop.rows("a");
        for (String folder : List.of("work", "out.jsonl.run")) {
            cop.write(folder + "/" + foreign.get(0), foreign.get(1));
            if (foreign.get(1).isEmpty()) cop.write(folder + "/notes.txt", "mine");
            var before = inside(folder);
            for (String more : List.of("-y", "--id=nope", "--dry-run", "-d=-")) {
                var args = new ArrayList<>(List.of("batch", "t", "-o", "out.jsonl", more));
                if (!more.startsWith("-d")) args.addAll(List.of("-d", "rows.jsonl"));
                if (folder.equals("work")) args.addAll(List.of("--run", "work"));
                var outcome = exits(2, cop.runWith("{}\n", args.toArray(String[]::new)));
                assertTrue(outcome.err().startsWith("error: ") && outcome.err().contains(folder
                        + " is not the folder of a batch run: it contains "), outcome::all);
                assertTrue(outcome.err().contains("\nhint: use a new or empty folder: --run "), outcome::all);
                assertEquals(before, inside(folder), more);
            }
        }
        assertFalse(Files.exists(cop.file("out.jsonl")));
        assertEquals(List.of(), cop.prompts());
    }

    @Test
    void fileIsRefusedAsRunFolder() {
        cop.rows("a");
        cop.write("work", "mine");
        var outcome = exits(2, cop.batch("--run", "work"));
        assertTrue(outcome.err().contains("work is a file"), outcome::all);
        assertEquals("mine", cop.read("work"));
    }

    /// However a run ends before it begins: the folders it found stay, those that it made go.
    @Test
    void refusedRunLeavesNoFiles() throws IOException {
        Files.createDirectories(cop.file("there"));
        cop.write("bad.jsonl", "{\"id\": 1}\n");
        cop.write("many.jsonl", IntStream.range(0, 300).mapToObj(i -> "{\"id\": " + i + ", \"text\": \"x" + i + "\"}\n")
                .collect(Collectors.joining()));
        for (String folder : List.of("there", "new/deeper/run")) {
            exits(2, cop.run("batch", "t", "-d", "bad.jsonl", "-o", "out.jsonl", "--run", folder));
            exits(2, cop.runWith("{}\n", "batch", "t", "-d", "-", "-o", "out.jsonl", "--run", folder));
            cop.terminal(0);
            var no = exits(1, cop.runWith("n\n", "batch", "t", "-d", "many.jsonl", "-o", "out.jsonl", "--run", folder));
            assertTrue(no.err().contains("nothing was sent"), no::all);
            assertEquals(Map.of(), inside("there"));
            assertTrue(Files.isDirectory(cop.file("there")));
            assertFalse(Files.exists(cop.file("new")), folder);
        }
        assertEquals(List.of(), cop.prompts());
    }

    /// A file created while the confirmation waits is not overwritten.
    @Test
    void outputCreatedMeanwhileIsPreserved() throws IOException {
        cop.write("many.jsonl", IntStream.range(0, 300).mapToObj(i -> "{\"id\": " + i + ", \"text\": \"x\"}\n")
                .collect(Collectors.joining()));
        cop.terminal(0);
        var answer = new ByteArrayInputStream("n\n".getBytes()) {
            @Override
            public synchronized int read() {
                cop.write("new/run/mine.txt", "mine");
                return super.read();
            }

            @Override
            public synchronized int read(byte[] bytes, int offset, int length) {
                cop.write("new/run/mine.txt", "mine");
                return super.read(bytes, offset, length);
            }
        };
        var err = new StringWriter();
        int code = copilot.run(cop.environment(new Stdin(answer, Stdin.Kind.TERMINAL),
                new PrintWriter(Writer.nullWriter()), new PrintWriter(err)), "batch", "t", "-d", "many.jsonl", "-o",
                "out.jsonl", "--run", "new/run");
        assertEquals(1, code, err::toString);
        assertEquals(Map.of("mine.txt", "mine"), inside("new/run"));
    }

    /// A run that has begun is ours, whatever else is put beside it; and what a kill leaves before the run has begun
    /// does not stand in its way.
    @Test
    void runFolderMayContainOtherFiles() throws IOException {
        cop.rows("a");
        cop.write("out.jsonl.run/copilot-batch.lock", "");
        cop.write("out.jsonl.run/journal.jsonl", "");
        cop.write("out.jsonl.run/input.jsonl", "{\"te");
        good();
        cop.write("out.jsonl.run/notes.txt", "mine");
        cop.rows("a", "b");
        good();
        cop.write("rows.jsonl", "{}");
        exits(2, cop.batch());
        assertEquals("a=a b=b", told());
        assertEquals("mine", inside("out.jsonl.run").get("notes.txt"));
        Files.delete(cop.file("out.jsonl.run/manifest.json"));      // as its own error advises where it is damaged
        cop.rows("a", "b");
        assertTrue(good().err().endsWith("nothing to do: 2 ok\n"));
    }

    @Test
    void runWithoutLockFileIsRecognized() throws IOException {
        cop.rows("a");
        good();
        Files.delete(cop.file("out.jsonl.run/copilot-batch.lock"));
        exits(0, cop.run("batch", "status", "out.jsonl"));
        assertTrue(good().err().endsWith("nothing to do: 1 ok\n"));
        Files.write(cop.file("out.jsonl.run/order"), new byte[] {0, 0, 0, 1, -1, 7});
        var outcome = exits(1, cop.run("batch", "status", "out.jsonl"));
        assertTrue(outcome.err().contains("order is damaged or of another version"), outcome::all);
        assertTrue(good().err().endsWith("nothing to do: 1 ok\n"));
        exits(0, cop.run("batch", "status", "out.jsonl"));
    }

    @Test
    void runCanBeMovedWithItsResults() throws IOException {
        cop.rows("a");
        good();
        Files.move(cop.file("out.jsonl"), cop.file("new.jsonl"));
        Files.move(cop.file("out.jsonl.run"), cop.file("new.jsonl.run"));
        var outcome = exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "new.jsonl"));
        assertTrue(outcome.err().endsWith("nothing to do: 1 ok\n"), outcome::all);
    }

    @Test
    void statusOfFolderOfOtherFilesIsAnError() {
        cop.write("web.run/manifest.json", "{\"name\": \"a web page\"}");
        cop.write("web.run/journal.jsonl", "{}");
        cop.write("web.run/order", "66");
        for (var args : List.of(List.of("batch", "status", "web"), List.of("batch", "status", "web", "--write"),
                List.of("batch", "merge", "web", "web.run", "-o", "all.jsonl"))) {
            var outcome = exits(2, cop.run(args.toArray(String[]::new)));
            assertTrue(outcome.err().contains("is not the folder of a batch run: it contains journal.jsonl, manifest."
                    + "json, order\n"), outcome::all);
        }
        assertFalse(Files.exists(cop.file("web")));
    }

    @Test
    void mergeDoesNotOverwriteForeignFiles() {
        cop.rows("a", "b", "c");
        for (int k = 1; k <= 2; k++) {
            exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "s" + k + ".jsonl", "--shard", k + "/2"));
        }
        cop.write("mine.jsonl", "mine\n");
        var outcome = exits(2, cop.run("batch", "merge", "s1.jsonl", "s2.jsonl", "-o", "mine.jsonl"));
        assertTrue(outcome.err().startsWith("error: mine.jsonl already exists and does not belong to the run in "),
                outcome::all);
        assertTrue(outcome.err().contains("\nhint: "), outcome::all);
        assertEquals("mine\n", cop.read("mine.jsonl"));
        assertEquals("", outcome.out());
        for (int i = 0; i < 2; i++) {                       // what a merge has written, another may write again
            exits(0, cop.run("batch", "merge", "s1.jsonl", "s2.jsonl", "-o", "out.jsonl"));
            assertEquals("a=a b=b c=c", told());
        }
        exits(0, cop.run("batch", "merge", "s2.jsonl", "s1.jsonl", "-o", "out.jsonl"));
        cop.write("each/b.md", "mine\n");
        outcome = exits(2, cop.run("batch", "merge", "s1.jsonl", "s2.jsonl", "-o", "each/{{id}}.md"));
        assertTrue(outcome.err().startsWith("error: each/b.md already exists and does not belong to the run in "),
                outcome::all);
        assertEquals("mine\n", cop.read("each/b.md"));
        assertFalse(Files.exists(cop.file("each/a.md")), "looked at before anything is written");
    }

    /// A run may overwrite its own results only.
    @Test
    void runOverwritesOnlyItsOwnResults() {
        cop.rows("a", "b");
        good();
        cop.write("mine.csv", "mine\n");
        for (String more : List.of("-y", "--again", "--dry-run")) {
            var outcome = exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "mine.csv", "--run",
                    "out.jsonl.run", more));
            assertTrue(outcome.err().startsWith("error: mine.csv already exists and does not belong to the run in "),
                    outcome::all);
        }
        exits(2, cop.run("batch", "status", "mine.csv", "--run", "out.jsonl.run", "--write"));
        assertEquals("mine\n", cop.read("mine.csv"));
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "out.csv", "--run", "out.jsonl.run"));
        good();
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "out.csv", "--run", "out.jsonl.run"));
        exits(0, cop.run("batch", "status", "out.csv", "--run", "out.jsonl.run", "--write"));
        assertEquals(2, cop.prompts().size());
    }

    @Test
    void filesPerRowDoNotOverwriteForeignFiles() {
        cop.rows("a", "b");
        cop.write("b.md", "mine\n");
        for (String more : List.of("-y", "--skip-bad", "--dry-run")) {
            var outcome = exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "{{id}}.md", "--run", "r", more));
            assertTrue(outcome.err().contains("error: b.md already exists and does not belong to the run in "),
                    outcome::all);
        }
        assertFalse(Files.exists(cop.file("r")));
        assertEquals(List.of(), cop.prompts());
        cop.rows("a", "c");
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "{{id}}.md", "--run", "r"));
        cop.write("rows.jsonl", "{\"id\": \"a\", \"text\": \"other\"}\n{\"id\": \"c\", \"text\": \"c\"}\n");
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "{{id}}.md", "--run", "r"));
        assertEquals("other\n", cop.read("a.md"));
        cop.rows("a", "b", "c");
        exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "{{id}}.md", "--run", "r"));
        assertEquals("mine\n", cop.read("b.md"));
    }

    /// A truncated JSON reply is incomplete even if it can be parsed, and is not written to a file.
    @ParameterizedTest
    @CsvSource({"length, incomplete", "content_filter, filtered"})
    void incompleteReplyDoesNotMeetSchema(String finish, String status) {
        cop.write("templates/t.mustache", "---\nschema: {type: [object, integer]}\n---\nsay: {{text}}");
        cop.write("rows.jsonl", "{\"id\": \"a\", \"text\": \"{\\\"n\\\": 1\"}\n{\"id\": \"b\", \"text\": \"12\"}\n");
        cop.sim.set("finish", finish);
        exits(5, cop.batch());
        assertEquals("a!" + status + " b!" + status, told());
        assertEquals("{\"n\": 1", Json.text(results().getFirst(), "text"));
        assertEquals("finish_" + finish, results().getFirst().at("/error/code").asString());
        assertEquals("12", Json.text(results().getLast(), "text"), "a number may be cut off as well");
        assertFalse(results().getLast().has("json"), "what is not the answer is not given as one");
        exits(5, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "each/{{id}}.json", "--run", "out.jsonl.run"));
        assertFalse(Files.exists(cop.file("each")));
        assertEquals(2, cop.prompts().size());
    }
}
