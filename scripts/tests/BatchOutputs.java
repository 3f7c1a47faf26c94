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
import tools.jackson.databind.node.ObjectNode;

import static cop.Harness.exits;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Results of a batch: done rows are not paid for twice, files of others are not overwritten, parts are merged.
class BatchOutputs {
    private final Harness cop = Harness.loggedIn();

    BatchOutputs() { cop.write("templates/t.mustache", "say: {{text}}"); }

    @AfterEach
    void close() { cop.close(); }

    // ------------------------------------------------------------------------------------------- helpers

    private Outcome cop(String line) { return cop.run(line.split(" ")); }

    /// `batch t --delay 0` and more words.
    private Outcome batch(String line) { return cop("batch t --delay 0 " + line); }

    private void rows(String name, String... lines) { cop.write(name, String.join("\n", lines) + "\n"); }

    private List<JsonNode> results(String name) { return cop.jsonLines(name); }

    private List<String> texts(String name) {
        return results(name).stream().map(result -> Json.text(result, "text")).toList();
    }

    private long asked() { return cop.sim.count("/chat/completions"); }

    // ------------------------------------------------------------------------- done rows are paid for once

    static final List<List<String>> SAME = List.of(         // what does not make a row new: two files
            List.of("r.csv", "text,label\nhello,a\nbye,b\n", "r.csv", "text,label,note\nhello,a,x\nbye,b,y\n"),
            List.of("r.csv", "text,label\nhello,a\nbye,b\n", "r.csv", "label,text\na,hello\nb,bye\n"),
            List.of("r.csv", "text,label\nhello,a\nbye,b\n", "r.csv", "text\nhello\nbye\n"),
            List.of("r.csv", "text,n\nhello,1\nbye,2\n", "r.jsonl",
                    "{\"text\":\"hello\",\"n\":1}\n{\"text\":\"bye\"}\n"),
            List.of("r.jsonl", "{\"n\": 1, \"text\":\"hello\"}\n", "r.jsonl", "{\"n\": 1.0, \"text\":\"hello\"}\n"),
            List.of("r.jsonl", "{\"text\":\"hello\"}\n", "r.jsonl", "{\"text\":\"hello\", \"note\": null}\n"),
            List.of("r.jsonl", "{\"text\":\"a\", \"n\": 1}\n{\"text\":\"a\", \"n\": 2}\n", "r.jsonl",
                    "{\"text\":\"a\", \"n\": 3}\n{\"text\":\"a\", \"n\": 1}\n"),
            List.of("r.csv", "id,text\n7,a\n8,b\n", "r.jsonl",
                    "{\"id\":7,\"text\":\"a\"}\n{\"id\":8,\"text\":\"b\"}\n"));

    @ParameterizedTest
    @FieldSource("SAME")
    void unusedColumnsDoNotChangeRows(List<String> files) {
        cop.write(files.get(0), files.get(1));
        exits(0, batch("-y -d " + files.get(0) + " -o out.jsonl"));       // equal rows are asked about
        long before = asked();
        cop.write(files.get(2), files.get(3));
        var outcome = exits(0, batch("-d " + files.get(2) + " -o out.jsonl"));
        reports(outcome, "nothing to do: ");
        assertEquals(before, asked());
        assertFalse(outcome.err().contains("have changed"), outcome::all);
    }

    @Test
    void optionOrderDoesNotMatter() {
        rows("r.jsonl", "{\"text\": \"a\"}");
        exits(0, batch("-d r.jsonl -o out.jsonl -O top_p=0.5 -O seed=1"));
        exits(0, batch("-d r.jsonl -o out.jsonl -O seed=1 -O top_p=0.5"));
        assertEquals(1, asked());
    }

    @Test
    void defaultIdIsHashOfRequest() {
        rows("r.jsonl", "{\"text\": \"a\", \"n\": 1}", "{\"text\": \"a\", \"n\": 2}", "{\"text\": \"b\"}");
        exits(0, batch("-d r.jsonl -o out.jsonl"));
        var ids = results("out.jsonl").stream().map(result -> Json.text(result, "id")).toList();
        assertTrue(ids.getFirst().matches("[0-9a-f]{16}"), ids::toString);
        assertEquals(ids.getFirst() + "-2", ids.get(1));
        assertEquals(3, Set.copyOf(ids).size());
    }

    /// As MongoDB exports them.
    @Test
    void idsMayBeObjects() {
        rows("r.jsonl", "{\"id\": {\"$oid\": \"5f\"}, \"text\": \"a\"}", "{\"id\": [7], \"text\": \"b\"}");
        reports(exits(5, batch("-d r.jsonl -o out.csv --schema age --schema-retries 0")),
                "first {\"$oid\":\"5f\"}: ");
        assertTrue(cop.read("out.csv").contains("\n\"{\"\"$oid\"\":\"\"5f\"\"}\",failed,"), cop.read("out.csv"));
        assertTrue(exits(0, cop("batch errors out.csv")).out().startsWith("{\"$oid\":\"5f\"}\tschema\t1\t"));
        assertTrue(exits(0, cop("batch status out.csv")).out().contains("first {\"$oid\":\"5f\"}: "));
    }

    static final List<List<String>> OTHER = List.of(        // the second command, the reason, the rows
            List.of("batch u --delay 0 -d r.jsonl -o out.jsonl", "template", "3"),
            List.of("batch t --delay 0 -d r.jsonl -o out.jsonl -m mai-code-1.1-flash", "model", "3"),
            List.of("batch t --delay 0 -d r.jsonl -o out.jsonl --temperature 0", "options", "3"),
            List.of("batch t --delay 0 -d r.jsonl -o out.jsonl -L 2 --temperature 0", "options", "2"),
            List.of("batch t --delay 0 -d other.jsonl -o out.jsonl", "rows or values", "2"),
            List.of("batch t --delay 0 -d r.jsonl -o out.jsonl -s brief", "rows or values", "3"));

    /// Said with counts before anything is sent; on a terminal asked, and `-y` answers it.
    @ParameterizedTest
    @FieldSource("OTHER")
    void changedDoneRowsAreReported(List<String> row) {
        cop.write("templates/u.mustache", "say: {{text}}!");
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}", "{\"id\": 3, \"text\": \"c\"}");
        rows("other.jsonl", "{\"id\": 1, \"text\": \"x\"}", "{\"id\": 2, \"text\": \"b\"}",
                "{\"id\": 3, \"text\": \"z\"}", "{\"id\": 4, \"text\": \"d\"}");
        exits(0, batch("-d r.jsonl -o out.jsonl"));
        String said = "note: " + row.get(2) + " of 3 done rows have changed (" + row.get(1)
                + "): their answers in out.jsonl are replaced";
        reports(exits(0, cop(row.get(0) + " --dry-run")), said);
        assertEquals(3, asked());
        cop.terminal(0, 2);
        var no = exits(1, cop.runWith("n\n", row.get(0).split(" ")));
        reports(no, said);
        assertEquals(3, asked());
        assertEquals(List.of("a", "b", "c"), texts("out.jsonl"));
        reports(exits(0, cop(row.get(0) + " -y")), said);
        assertTrue(asked() > 3);
    }

    @Test
    void missingRowsNeedNoConfirmation() {
        rows("r.jsonl", "{\"text\": \"a\"}", "{\"text\": \"b\"}", "{\"text\": \"c\"}", "{\"text\": \"d\"}");
        cop.terminal(0, 2);
        for (String more : List.of("-L 1", "--sample 2", "", "-L 2", "", "--again")) {
            var outcome = exits(0, cop(("batch t --delay 0 -d r.jsonl -o out.jsonl " + more).strip()));
            assertFalse(outcome.err().contains("have changed"), outcome::all);
        }
        rows("r.jsonl", "{\"text\": \"x\"}", "{\"text\": \"a\"}", "{\"text\": \"c\"}");
        assertFalse(exits(0, batch("-d r.jsonl -o out.jsonl -y")).err().contains("have changed"));
    }

    /// What the first version of a key was: id, and the body as it is sent.
    @Test
    void rowsWithIdsOfOlderVersionsAreRecognized() {
        rows("r.jsonl", "{\"id\": 7, \"text\": \"a\"}");
        exits(0, batch("-d r.jsonl -o out.jsonl --temperature 0"));
        String body = "{\"model\":\"gpt-5-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"say: a\"}],"
                + "\"stream\":true,\"temperature\":0}";
        assertEquals("0 " + Fingerprint.of("7".getBytes(), body.getBytes()) + "\n", cop.read("out.jsonl.run/order"));
    }

    @Test
    void runOfAnotherVersionIsReported() {
        rows("r.jsonl", "{\"text\": \"a\"}");
        exits(0, batch("-d r.jsonl -o out.jsonl"));
        var manifest = (ObjectNode) Json.tryParse(cop.read("out.jsonl.run/manifest.json"));
        manifest.remove("key_version");
        cop.write("out.jsonl.run/manifest.json", Json.pretty(manifest));
        String key = cop.read("out.jsonl.run/order").split("[ \n]")[1], old = "0".repeat(32);
        for (String file : List.of("order", "journal.jsonl")) {
            cop.write("out.jsonl.run/" + file, cop.read("out.jsonl.run/" + file).replace(key, old));
        }
        reports(exits(0, batch("-d r.jsonl -o out.jsonl")),
                "note: 1 of 1 done rows have changed (key version): ");
    }

    /// Only the journal records what is done; without it every row would be billed again.
    @Test
    void missingJournalIsReported() throws IOException {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}", "{\"id\": 3, \"text\": \"c\"}");
        exits(0, batch("-d r.jsonl -o out.jsonl"));
        Files.delete(cop.file("out.jsonl.run/journal.jsonl"));
        String said = "note: out.jsonl.run/journal.jsonl is missing: 3 rows are sent again, their"
                + " answers in out.jsonl are replaced";
        reports(exits(0, batch("-d r.jsonl -o out.jsonl --dry-run")), said);
        assertFalse(exits(0, batch("-d r.jsonl -o out.jsonl --dry-run --again")).err().contains("is missing"));
        reports(exits(0, batch("-d r.jsonl -o out.jsonl -L 2 --dry-run")), "2 rows are sent again");
        cop.terminal(0, 2);
        String out = cop.read("out.jsonl");
        reports(exits(1, cop.runWith("n\n", "batch t --delay 0 -d r.jsonl -o out.jsonl".split(" "))), said);
        assertEquals(3, asked());
        assertEquals(out, cop.read("out.jsonl"));
        reports(exits(0, batch("-d r.jsonl -o out.jsonl -y")), said);
        assertEquals(6, asked());
        reports(exits(0, batch("-d r.jsonl -o out.jsonl")), "nothing to do");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-o o.jsonl --run o.jsonl", "-o o.jsonl --run o.jsonl/run", "-o o.jsonl --run ./o.jsonl/",
            "-o r/journal.jsonl --run r", "-o r/order --run r"})
    void filesOfTheRunAreRefusedAsOutput(String places) throws IOException {
        Files.createDirectories(cop.file("r"));
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        for (String more : List.of(" --dry-run", "")) {
            reports(exits(2, batch("-d r.jsonl " + places + more)), " is reserved for the run itself\nhint: ");
        }
        assertEquals(0, asked());
        assertFalse(Files.exists(cop.file("o.jsonl")));
    }

    // ------------------------------------------------------------------------------------------ parts

    /// index, first, last, step, count of a Slurm array; the part, or empty where they do not agree
    @ParameterizedTest
    @CsvSource({"6,0,9,3,4,part 3 of 4", "0,0,9,3,4,part 1 of 4", "9,0,9,3,4,part 4 of 4", "5,5,7,1,3,part 1 of 3",
            "3,0,4,,5,part 4 of 5", "3,1,5,1,3,''", "5,0,9,3,4,''", "4,5,7,1,3,''", "8,5,7,1,3,''", "1,,2,1,2,''",
            "one,1,2,1,2,''", "1,1,2,0,2,''", "1,1,,1,2,''", "1,1,2,1,,''"})
    void slurmArrayTaskSelectsShard(String id, String min, String max, String step, String count, String part) {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        cop.with("SLURM_ARRAY_TASK_ID", id).with("SLURM_ARRAY_TASK_MIN", min).with("SLURM_ARRAY_TASK_MAX", max)
                .with("SLURM_ARRAY_TASK_STEP", step).with("SLURM_ARRAY_TASK_COUNT", count);
        var none = exits(2, batch("-d r.jsonl -o out.jsonl"));
        reports(none, "error: task " + id + " of a Slurm array ");
        if (!part.isEmpty()) {
            reports(none, "error: task " + id + " of a Slurm array is " + part
                    + "\nhint: use --shard auto for that part, or --shard 1/1 for all rows\n");
        }
        assertEquals(0, asked());
        assertFalse(Files.exists(cop.file("out.jsonl.run")));
        var auto = exits(part.isEmpty() ? 2 : 0, batch("-d r.jsonl -o out.jsonl --shard auto"));
        if (!part.isEmpty()) reports(auto, part + "\n");
        else reports(auto, "SLURM_ARRAY_TASK_ID=" + id);
        exits(0, batch("-d r.jsonl -o all.jsonl --shard 1/1"));
        assertEquals(2, results("all.jsonl").size());
    }

    @ParameterizedTest
    @CsvSource({"0,3,part 1 of 3", "2,3,part 3 of 3", "3,3,''", "0,,''", "0,x,''", "0,0,''"})
    void kubernetesIndexedJobSelectsShard(String index, String completions, String part) {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        cop.with("JOB_COMPLETION_INDEX", index).with("JOB_COMPLETIONS", completions);
        reports(exits(2, batch("-d r.jsonl -o out.jsonl")), "error: task " + index + " of a Kubernetes Indexed Job ");
        var auto = exits(part.isEmpty() ? 2 : 0, batch("-d r.jsonl -o out.jsonl --shard auto"));
        reports(auto, part.isEmpty() ? "JOB_COMPLETION_INDEX=" + index : part);
    }

    @Test
    void autoShardNeedsArrayJob() {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        reports(exits(2, batch("-d r.jsonl -o out.jsonl --shard auto")), "error: --shard auto: ");
    }

    @Test
    void runKeepsItsShard() {
        rows("r.jsonl", IntStream.range(0, 10).mapToObj(i -> "{\"id\": \"r" + i + "\", \"text\": \"row " + i + "\"}")
                .toArray(String[]::new));
        exits(0, batch("-d r.jsonl -o p.jsonl --shard 4/5"));
        long before = asked();
        String out = cop.read("p.jsonl");
        for (String other : List.of(" --shard 1/2", " --shard 3/5", "", " --dry-run")) {
            reports(exits(2, batch("-d r.jsonl -o p.jsonl" + other)), "p.jsonl.run is for part 4 of 5, not ");
        }
        assertEquals(before, asked());
        assertEquals(out, cop.read("p.jsonl"));
        exits(0, batch("-d r.jsonl -o p.jsonl --shard 4/5"));
        exits(0, batch("-d r.jsonl -o all.jsonl"));
        reports(exits(2, batch("-d r.jsonl -o all.jsonl --shard 1/2")),
                "all.jsonl.run is for all rows, not part 1 of 2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"jsonl", "json", "csv", "tsv"})
    void emptyShardSucceeds(String ending) {
        rows("one.jsonl", "{\"id\": 1, \"text\": \"A\"}");
        for (int k = 1; k <= 3; k++) {
            var outcome = exits(0, batch("-d one.jsonl -o e" + k + "." + ending + " --shard " + k + "/3"));
            assertTrue(outcome.err().endsWith(": 1 ok\n") || outcome.err().endsWith("nothing to do: 0 ok\n"),
                    outcome::all);
            assertTrue(Files.exists(cop.file("e" + k + "." + ending)));
            exits(0, cop("batch status e" + k + "." + ending));
        }
        assertEquals(1, asked());
        exits(0, cop.run("batch", "merge", "e1." + ending, "e2." + ending, "e3." + ending, "-o", "all.jsonl"));
        assertEquals(List.of("A"), texts("all.jsonl"));
        rows("none.jsonl", "");
        reports(exits(2, batch("-d none.jsonl -o n.jsonl --shard 1/2")), "none.jsonl has no rows");
    }

    @Test
    void mergeReportsMissingRun() {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        exits(0, batch("-d r.jsonl -o s1.jsonl --shard 1/2"));
        for (String runs : List.of("s1.jsonl nope.jsonl", "nope.jsonl s1.jsonl", "nope.jsonl")) {
            var outcome = exits(2, cop("batch merge " + runs + " -o all.jsonl"));
            assertTrue(outcome.err().matches("(?s)error: no batch run in .*nope.jsonl.run\nhint: .*"), outcome::all);
        }
    }

    /// A journal that was opened is closed if another cannot be: on Windows nobody could move it.
    @Test
    void failedMergeClosesJournals() throws IOException {
        assumeTrue(Files.exists(Path.of("/proc/self/fd")), "Linux");
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        for (int part : List.of(1, 2)) exits(0, batch("-d r.jsonl -o p" + part + ".jsonl --shard " + part + "/2"));
        Files.delete(cop.file("p1.jsonl.run/journal.jsonl"));
        Files.createDirectories(cop.file("p1.jsonl.run/journal.jsonl"));
        reports(exits(1, cop("batch merge p1.jsonl p2.jsonl -o all.jsonl")), "error: cannot open the run's folder");
        try (var open = Files.list(Path.of("/proc/self/fd"))) {
            for (var file : open.toList()) {
                String target = Files.isRegularFile(file) ? file.toRealPath().toString() : "";
                assertFalse(target.endsWith("p2.jsonl.run/journal.jsonl"), target);
            }
        }
    }

    // ----------------------------------------------------------------------------- OUT is looked at before

    /// What is wrong with the pattern is wrong once, not once for each row.
    @ParameterizedTest
    @CsvSource({"text, --echo text", "txt, --echo txt", "echo.text, --echo text"})
    void unknownFieldInPatternIsOneError(String field, String hint) {
        rows("r.jsonl", IntStream.range(0, 9).mapToObj(i -> "{\"id\": " + i + ", \"text\": \"a" + i + "\"}")
                .toArray(String[]::new));
        for (String more : List.of("", " --skip-bad")) {
            var outcome = exits(2, batch("-d r.jsonl --run r -o out/{{" + field + "}}.md" + more));
            assertEquals(2, outcome.err().lines().count(), outcome::all);
            reports(outcome, "{{" + field + "}}", hint);
        }
        assertEquals(0, asked());
        exits(0, batch("-d r.jsonl --run r -o out/{{text}}-{{echo.text}}.{{status}}.md --echo text"));
        assertTrue(Files.exists(cop.file("out/a1-a1.ok.md")));
    }

    /// -o, and the expected message
    static final List<List<String>> OUTS = List.of(
            List.of("results/", "-o results/ is a folder\nhint: -o results/out.jsonl\n"),
            List.of("there", "-o there is a folder"),
            List.of("nope/out.jsonl", "-o nope/out.jsonl: no such folder"),
            List.of("out.xlsx", "-o out.xlsx: unknown extension .xlsx"),
            List.of("out.md", "-o out.md: unknown extension .md"),
            List.of("out.parquet", "-o out.parquet: unknown extension .parquet"),
            List.of("out.txt", "-o out.txt: unknown extension .txt"),
            List.of("out.jsonl.gz", "-o out.jsonl.gz: unknown extension .gz"),
            List.of("file/{{id}}.md", "no such folder"),
            List.of("file/deep/{{id}}.md", "no such folder"),
            List.of("there/{{id}}/", "-o there/{{id}}/ is a folder"));

    @ParameterizedTest
    @FieldSource("OUTS")
    void unwritableOutputIsRefusedBeforeSending(List<String> row) throws IOException {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        Files.createDirectories(cop.file("there"));
        cop.write("file", "mine");
        exits(0, batch("-d r.jsonl -o good.jsonl"));
        for (String command : List.of("batch t -d r.jsonl -o OUT --run r",
                "batch t -d r.jsonl -o OUT --run r --dry-run",
                "batch status OUT --run good.jsonl.run --write", "batch merge good.jsonl -o OUT")) {
            reports(exits(2, cop(command.replace("OUT", row.get(0)))), row.get(1));
        }
        assertEquals(1, asked());
        assertFalse(Files.exists(cop.file("r")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.xlsx", "v.md", "v.parquet", "v.txt", "results/"})
    void embedRefusesUnwritableOutput(String out) {
        reports(exits(2, cop("embed hello -o " + out)), "-o " + out);
        assertEquals(0, cop.sim.count("/embeddings"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"out", "out.jsonl", "OUT.JSONL", "out.ndjson", "a.b.json", "out.csv", "out.tsv"})
    void outputExtensions(String out) {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        exits(0, batch("-d r.jsonl -o " + out));
        assertTrue(cop.file(out).toFile().length() > 0);
    }

    /// What is written among the rows would be a row of the next start.
    @ParameterizedTest
    @CsvSource({"in/*.json,in/out.json", "./in/*.json,in/out.json", "in/*.json,./in/out.json", "in,in/out.json",
            "in/**.json,in/deep/out.json", "in,in/{{id}}.json", "in/*.json,in/{{id}}.json", "in/a.json,in/a.json"})
    void resultsInInputFolderAreRefused(String rows, String out) throws IOException {
        cop.write("in/a.json", "{\"id\": 1, \"text\": \"a\"}");
        Files.createDirectories(cop.file("in/deep"));
        reports(exits(2, batch("-d " + rows + " -o " + out + " --run r")),
                "error: " + out + " would overwrite the input\n");
        assertEquals(0, asked());
        exits(0, batch("-d in/*.json -o in/out.jsonl --run r"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"x.md", "x.xlsx", "-", "all/{{id}}.md", "there/", "/dev/null", " "})
    void verbRefusesUnwritableOutput(String out) throws IOException {
        Files.createDirectories(cop.file("there"));
        var env = cop.environment();
        var toolkit = new Toolkit(env);
        var batch = new copilot.Batch(toolkit.prompt("t"), List.of(Map.of("text", "a")));
        var fault = assertThrows(copilot.Fault.class, () -> toolkit.batch(batch, out));
        assertEquals(2, fault.exitCode(), fault::toString);
        assertEquals(0, asked());
    }

    /// A temporary name must not be longer than the file's own.
    @Test
    void longFileName() {
        rows("r.jsonl", "{\"id\": \"" + "i".repeat(230) + "\", \"text\": \"a\"}");
        String out = "x".repeat(220) + ".jsonl";
        exits(0, batch("-d r.jsonl -o " + out));
        exits(0, batch("-d r.jsonl -o each/{{id}}.md --run r"));
        assertEquals("a\n", cop.read("each/" + "i".repeat(230) + ".md"));
    }

    @Test
    void deviceNeedsRunFolder() {
        assumeTrue(Files.exists(Path.of("/dev/null")));
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        for (String out : List.of("/dev/null", "-")) {
            var outcome = exits(2, batch("-d r.jsonl -o " + out));
            reports(outcome, "hint: --run DIR");
            reports(outcome, out.equals("-") ? "error: missing -o OUT"
                    : "error: -o /dev/null is not a regular file");
        }
        assertFalse(Files.exists(Path.of("/dev/null.run")));
        exits(0, batch("-d r.jsonl -o /dev/null --run r"));
        assertEquals(1, asked());
    }

    @Test
    void hyphenIsStdout() throws IOException {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        for (String more : List.of("", " -k")) {
            var outcome = exits(0, batch("-d r.jsonl -o - --run r" + more));
            assertEquals(List.of("a", "b"), outcome.out().lines().map(line -> Json.text(Json.tryParse(line), "text"))
                    .toList(), outcome::all);
        }
        var openai = exits(0, batch("-d r.jsonl -o - --run r --out-format openai"));
        assertTrue(openai.out().lines().allMatch(line -> Json.tryParse(line).has("custom_id")), openai::all);
        var merged = exits(0, cop("batch merge r.run -o -".replace("r.run", "r")));
        assertEquals(2, merged.out().lines().count(), merged::all);
        reports(merged, "2 of 2 rows are done");
        assertFalse(merged.err().contains("\u240a"), merged::all);
        assertEquals(merged.err(), exits(0, cop("batch merge r r ./r -o -")).err());
        assertFalse(Files.exists(cop.file("-")) || Files.exists(cop.file("-.run")));
        assertEquals(2, asked());
    }

    @Test
    void incompleteReplySurvivesLaterFailure() {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        cop.sim.set("finish", "length");
        exits(5, batch("-d r.jsonl -o o.jsonl"));
        String answer = Json.text(Json.tryParse(cop.read("o.jsonl")), "text");
        assertFalse(answer.isEmpty());
        cop.sim.set("faults", List.of("400-invalid_request_body"));
        exits(5, batch("-d r.jsonl -o o.jsonl --retry-failed"));
        assertEquals(answer, Json.text(Json.tryParse(cop.read("o.jsonl")), "text"));
        cop.sim.set("finish", "stop");
        exits(0, batch("-d r.jsonl -o o.jsonl --retry-failed"));
        assertEquals("ok", Json.text(Json.tryParse(cop.read("o.jsonl")), "status"));
    }

    /// What fails in a run of --again has failed, also for the start after it.
    @Test
    void incompleteRowIsSentOnceByAgain() {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        cop.sim.set("finish", "length");
        exits(5, batch("-d r.jsonl -o o.jsonl -j 1"));
        cop.sim.set("finish", "stop").set("faults", List.of("400-invalid_request_body"));
        exits(75, batch("-d r.jsonl -o o.jsonl -j 1 --again --max-requests 1"));
        exits(5, batch("-d r.jsonl -o o.jsonl -j 1"));
        assertEquals(4, asked());
    }

    @Test
    void rowsInCurrentFolderWithResultsOnStdout() throws IOException {
        cop.write("1.json", "{\"id\": 1, \"text\": \"a\"}");
        cop.write("t.mustache", "{{text}}");
        var run = Files.createTempDirectory("cop-run-");
        var outcome = exits(0, cop.run("batch", "t.mustache", "-d", ".", "-k", "--run", run.toString()));
        assertEquals(1, outcome.out().lines().count(), outcome::all);
    }

    @Test
    void failuresAreEscapedOnTerminal() {
        cop.terminal(1);
        rows("r.jsonl", "{\"id\": \"\\u001b]0;x\\u0007\", \"text\": \"a\"}");
        cop.sim.set("faults", List.of("400-invalid_request_body"));
        exits(5, batch("-d r.jsonl -o o.jsonl"));
        var outcome = exits(0, cop("batch status o.jsonl"));
        assertFalse(outcome.out().contains("\u001b]"), outcome::all);
    }

    @Test
    void shardsKeepTheirFiles() {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        for (int part : List.of(1, 2)) exits(0, batch("-d r.jsonl -o p" + part + ".jsonl --shard " + part + "/2"));
        reports(exits(2, cop("batch merge p1.jsonl p2.jsonl -o p1.jsonl")),
                "-o p1.jsonl is also one of the parts");
        exits(0, cop("batch merge p1.jsonl p2.jsonl -o all.jsonl"));
    }

    /// A symlink is preserved even if its target does not exist yet.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void symlinkIsPreserved(boolean there) throws IOException {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        Files.createDirectories(cop.file("runs"));
        if (there) cop.write("runs/1.jsonl", "");
        Files.createSymbolicLink(cop.file("out.jsonl"), Path.of("runs/1.jsonl"));
        exits(0, batch("-d r.jsonl -o out.jsonl"));
        assertTrue(Files.isSymbolicLink(cop.file("out.jsonl")));
        assertEquals(List.of("a"), texts("runs/1.jsonl"));
        if (there) cop.write("runs/2.jsonl", "");
        Files.createSymbolicLink(cop.file("v.jsonl"), Path.of("runs/2.jsonl"));
        exits(0, cop("embed hello -o v.jsonl"));
        assertTrue(Files.isSymbolicLink(cop.file("v.jsonl")));
        assertEquals(1, results("runs/2.jsonl").size());
    }

    // ------------------------------------------------------------------- what was changed by hand is kept

    static final List<List<String>> CHANGED = List.of(      // -o, the file, what follows
            List.of("out.jsonl", "out.jsonl", "batch t --delay 0 -d r.jsonl -o out.jsonl --run r"),
            List.of("out.csv", "out.csv", "batch t --delay 0 -d r.jsonl -o out.csv --run r"),
            List.of("all/{{id}}.md", "all/1.md", "batch t --delay 0 -d r.jsonl -o all/{{id}}.md --run r"),
            List.of("out.jsonl", "out.jsonl", "batch status out.jsonl --run r --write"),
            List.of("out.csv", "out.csv", "batch merge r -o out.csv"));

    @ParameterizedTest
    @FieldSource("CHANGED")
    void editedResultsAreBackedUp(List<String> row) {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        exits(0, batch("-d r.jsonl --run r -o " + row.get(0)));
        String written = cop.read(row.get(1));
        cop.write(row.get(1), "corrected by hand\n");
        for (int i = 1; i <= 2; i++) {
            reports(exits(0, cop(row.get(2))),
                    "note: " + row.get(1) + " was changed since this run wrote it; saved as "
                            + row.get(1) + ".changed-" + i);
            assertEquals("corrected by hand\n", cop.read(row.get(1) + ".changed-" + i));
            assertEquals(written, cop.read(row.get(1)));
            var again = exits(0, cop(row.get(2)));
            assertFalse(again.err().contains("changed"), again::all);
            cop.write(row.get(1), "corrected by hand\n");
        }
        assertEquals(2, asked());
    }

    @Test
    void ownResultsAreNotTakenForEdited() throws IOException {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        exits(0, batch("-d r.jsonl -o out.jsonl"));
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        Files.move(cop.file("out.jsonl"), cop.file("new.jsonl"));
        Files.move(cop.file("out.jsonl.run"), cop.file("new.jsonl.run"));
        exits(0, batch("-d r.jsonl -o new.jsonl"));
        Files.delete(cop.file("new.jsonl"));
        exits(0, batch("-d r.jsonl -o new.jsonl"));
        rows("r.jsonl", "{\"id\": 1, \"text\": \"x\"}");
        exits(0, batch("-d r.jsonl -o new.jsonl -y"));
        assertEquals(List.of("x"), texts("new.jsonl"));
        assertFalse(Files.exists(cop.file("new.jsonl.changed-1")));
    }

    // ------------------------------------------------------------------------------------- results that join

    @Test
    void echoedColumnsAreTrimmed() {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        exits(0, cop.run("batch", "t", "-d", "r.jsonl", "-o", "out.jsonl", "--echo", " id , text"));
        assertEquals("{\"id\":1,\"text\":\"a\"}", results("out.jsonl").getFirst().path("echo").toString());
    }

    @ParameterizedTest
    @CsvSource({"--echo txt,--echo txt", "'--echo text,txt',--echo txt", "--id nr,--id nr",
            "--echo txt --skip-bad,--echo",
            "--id nr --skip-bad,--id nr", "--echo txt -L 1,--echo txt", "--echo txt --sample 1,--echo txt",
            "--echo txt --shard 2/2,--echo txt", "--echo txt --dry-run,--echo txt"})
    void unknownEchoColumnIsRefused(String more, String named) {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        var outcome = exits(2, batch("-d r.jsonl -o out.jsonl " + more));
        reports(outcome, "error: " + named);
        reports(outcome, ": no row has ");
        if (named.contains("txt")) reports(outcome, "hint: did you mean text?");
        assertEquals(0, asked());
        assertFalse(Files.exists(cop.file("out.jsonl.run")));
    }

    @Test
    void echoColumnOfSomeRowsIsAccepted() {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\", \"note\": \"n\"}");
        exits(0, batch("-d r.jsonl -o out.jsonl --echo note"));
        assertEquals("n", results("out.jsonl").getLast().at("/echo/note").asString());
        assertEquals(2, asked());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--field nope", "--id nope"})
    void embedEchoesColumns(String more) {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        reports(exits(2, cop("embed -d r.jsonl " + more)), " nope");
        assertEquals(0, cop.sim.count("/embeddings"));
    }

    @Test
    void csvFormulasAreReported() { assertTrue(exits(0, cop("batch --help")).out().contains("formula")); }

    // ------------------------------------------------------------------------------------- failed and killed writes

    /// Files written next to one that cannot be are known as the run's own.
    @Test
    void oneFailedFileDoesNotMakeOthersForeign() throws IOException {
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}", "{\"id\": 2, \"text\": \"b\"}");
        String line = "-d r.jsonl -o out/{{id}}/x.md --run run";
        exits(0, batch(line + " -L 1"));
        cop.write("out/2", "in the way");
        rows("r.jsonl", "{\"id\": 1, \"text\": \"c\"}", "{\"id\": 2, \"text\": \"b\"}");
        cop.sim.set("latency", 0);
        exits(2, batch(line + " -y"));
        Files.delete(cop.file("out/2"));
        exits(0, batch(line + " -y"));
        assertEquals("c\n", cop.read("out/1/x.md"));
        assertFalse(Files.exists(cop.file("out/1/x.md.changed-1")));
    }

    /// Left by a killed process a day ago: removed. Younger ones may be in use, others are not ours.
    @Test
    void staleFilesOfKilledWritesAreRemoved() throws IOException {
        var names = List.of("." + UUID.randomUUID() + ".part", "." + UUID.randomUUID() + ".part", ".notes.part",
                UUID.randomUUID() + ".part");
        rows("r.jsonl", "{\"id\": 1, \"text\": \"a\"}");
        for (String out : List.of("a/o.jsonl", "b/{{id}}.md --run run", "c/x.md")) {
            var folder = Path.of(out).getParent();
            for (String name : names) cop.write(folder + "/" + name, "half");
            for (String name : names) if (!name.equals(names.get(1))) Files.setLastModifiedTime(cop.file(folder + "/"
                    + name), FileTime.from(Instant.now().minus(Duration.ofHours(25))));
            exits(0, out.startsWith("c") ? cop.run("chat", "say: x", "-o", out) : batch("-d r.jsonl -o " + out));
            for (String name : names) assertEquals(!name.equals(names.getFirst()), Files.exists(cop.file(folder + "/"
                    + name)), name);
        }
    }
}
