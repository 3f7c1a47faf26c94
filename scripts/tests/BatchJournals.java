package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static cop.Harness.failed;
import static cop.Harness.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The journal of a run: cut short, damaged, locked, resumed, replaced by `--again`.
class BatchJournals {
    private final Harness cop = Harness.loggedIn();

    BatchJournals() { cop.write("templates/t.mustache", "say: {{text}}"); }

    @AfterEach
    void close() { cop.close(); }

    private Outcome good(String... more) { return exits(0, cop.batch(more)); }

    private List<JsonNode> results() {
        return cop.jsonLines("out.jsonl");
    }

    /// `id=text` of each result, or `id!status`.
    private String told() {
        return results().stream().map(r -> r.path("id").asString() + (Json.text(r, "status").equals("ok")
                ? "=" + Json.text(r, "text") : "!" + Json.text(r, "status"))).collect(Collectors.joining(" "));
    }

    private void aJournalCut(int step) throws Exception {
        cop.rows("a", "b", "c");
        good("-j", "1", "--delay", "0");
        byte[] whole = Files.readAllBytes(cop.file("out.jsonl.run/journal.jsonl"));
        String out = cop.read("out.jsonl").replaceAll("\"(ms|request_id)\":[^,}]*", "");
        for (int cut = 0; cut <= whole.length; cut += cut > 40 && cut < whole.length - 40 ? step : 1) {
            Files.write(cop.file("out.jsonl.run/journal.jsonl"), Arrays.copyOf(whole, cut));
            int before = cop.prompts().size(), at = cut;
            long lines = IntStream.range(0, cut).filter(i -> whole[i] == '\n').count();
            boolean wholeButForItsEnd = cut < whole.length && whole[cut] == '\n';
            exits(0, cop.batch("-j", "3", "--delay", "0"));
            assertEquals(3 - lines - (wholeButForItsEnd ? 1 : 0), cop.prompts().size() - before, () -> "cut at " + at);
            assertEquals(out, cop.read("out.jsonl").replaceAll("\"(ms|request_id)\":[^,}]*", ""), () -> "cut at " + at);
        }
    }

    /// Wherever a crash truncates the journal, complete results stay done and OUT has no missing or duplicate rows.
    @Test
    void journalCutAtSomeBytes() throws Exception { aJournalCut(11); }

    @Test
    @Tag("slow")
    void journalCutAtEveryByte() throws Exception { aJournalCut(1); }

    @Test
    void foreignJournalLinesArePreserved() throws Exception {
        cop.rows("a", "b");
        good();
        Path journal = cop.file("out.jsonl.run/journal.jsonl");
        Files.writeString(journal, "garbage\n" + Files.readString(journal) + "\n{\"key\":\"xyz\"}\n");
        var first = good();
        assertTrue(first.err().endsWith("nothing to do: 2 ok\n"));
        assertTrue(first.err().contains("warning: out.jsonl.run/journal.jsonl: line 1 is damaged (of 2), "),
                first::all);
        assertEquals("a=a b=b", told());
        String whole = Files.readString(journal);
        Files.writeString(journal, whole.substring(0, whole.indexOf("\"text\"") + 12) + "\n" + whole.lines().skip(2)
                .collect(Collectors.joining("\n")) + "\n");      // damaged in the middle: that row is asked again
        var status = exits(0, cop.run("batch", "status", "out.jsonl"));
        assertTrue(status.all().contains("out.jsonl.run/journal.jsonl: line 1 is damaged (of 3), "), status::all);
        var again = good();
        assertEquals(2, again.err().split("is damaged", -1).length, again::all);
        assertEquals("a=a b=b", told());
        assertEquals(3, cop.prompts().size());
    }

    /// Stopped on the way, `--again` goes on from there and asks nothing twice.
    @Test
    void againResumesWhenInterrupted() {
        cop.rows("a", "b", "c", "d");
        good("-j", "1");
        exits(75, cop.batch("--again", "--max-requests", "3", "-j", "1"));
        good("--again", "-j", "1");
        assertEquals(8, cop.prompts().size());
        assertTrue(good().err().endsWith("nothing to do: 4 ok\n"));
        good("--again", "-j", "1");
        assertEquals(12, cop.prompts().size());
    }

    /// A crash has left half a line: where `--again` begins is where the next whole line will stand.
    @Test
    void againSurvivesCrash() throws Exception {
        cop.rows("a", "b");
        good("-j", "1");
        Files.writeString(cop.file("out.jsonl.run/journal.jsonl"), "{\"key\":\"0123", StandardOpenOption.APPEND);
        good("--again", "-j", "1");
        assertEquals(4, cop.prompts().size());
        assertTrue(good().err().endsWith("nothing to do: 2 ok\n"));
    }

    @Test
    void againResumesAfterCrash() throws Exception {
        cop.rows("a", "b", "c");
        good("-j", "1");
        Files.writeString(cop.file("out.jsonl.run/journal.jsonl"), "{\"key\":\"0123", StandardOpenOption.APPEND);
        exits(75, cop.batch("--again", "--max-requests", "2", "-j", "1"));
        good("-j", "1");
        assertEquals(6, cop.prompts().size());
        assertTrue(good().err().endsWith("nothing to do: 3 ok\n"));
    }

    /// The question is answered slowly enough for another process to begin the run with another model.
    @Test
    void changesBeforeLockingAreSeen() {
        cop.rows("a");
        good();
        cop.write("rows.jsonl", IntStream.range(0, 300).mapToObj(i -> "{\"id\": " + i + ", \"text\": \"x" + i + "\"}\n")
                .collect(Collectors.joining()));
        cop.terminal(0);
        String manifest = cop.read("out.jsonl.run/manifest.json");
        for (String change : List.of("\"model\" : \"other\"", "\"again\" : 7, \"model\" : \"gpt-5-mini\"")) {
            cop.write("out.jsonl.run/manifest.json", manifest);
            var answer = new ByteArrayInputStream("y\n".getBytes()) {
                @Override
                public synchronized int read() {
                    cop.write("out.jsonl.run/manifest.json", manifest.replaceFirst("\"model\" ?: ?\"[^\"]*\"", change));
                    return super.read();
                }
            };
            var err = new StringWriter();
            int code = copilot.run(cop.environment(new Stdin(answer, Stdin.Kind.TERMINAL),
                    new PrintWriter(Writer.nullWriter()), new PrintWriter(err)), "batch", "t", "-d", "rows.jsonl",
                    "-o", "out.jsonl");
            assertEquals(1, code, err::toString);
            assertTrue(err.toString().contains("has changed the run in "), err::toString);
        }
        assertEquals(1, cop.prompts().size());
    }

    /// The resume command that a stopped run prints works without piping the rows in again.
    @Test
    void pipedRowsAreStored() throws Exception {
        String rows = "{\"id\": \"a\", \"text\": \"1\"}\n{\"id\": \"b\", \"text\": \"2\"}\n";
        String[] command = {"batch", "t", "-d", "-", "-o", "out.jsonl", "-j", "1", "--max-requests", "1"};
        var stopped = exits(75, cop.runWith(rows, command));
        assertTrue(stopped.err().contains("-d - "), stopped::all);
        Path kept = cop.file("out.jsonl.run/copilot-batch.input");
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(kept)));
        var outcome = exits(0, cop.run(command));
        assertTrue(outcome.err().contains("using the rows piped in earlier"), outcome::all);
        assertEquals("a=1 b=2", told());
        exits(0, cop.runWith(rows.replace("1", "3"), command));
        assertEquals("a=3 b=2", told());
        cop.terminal(0);
        assertTrue(exits(0, cop.runWith("never read", command)).err().endsWith("nothing to do: 2 ok\n"));
        assertEquals("a=3 b=2", told());
        assertEquals(3, cop.prompts().size());
    }

    @Test
    void invalidStdinRowKeepsItsIdentity() {
        String rows = "{\"id\": \"a\", \"text\": \"1\"}\nnothing\n";
        for (int start = 0; start < 2; start++) {
            var outcome = exits(5, cop.runWith(rows, "batch", "t", "-d", "-", "-o", "out.jsonl", "--skip-bad"));
            assertFalse(outcome.all().contains(".jsonl:2"), outcome::all);
        }
        assertEquals(2, cop.read("out.jsonl.run/journal.jsonl").lines().count());
        assertTrue(cop.read("out.jsonl").contains("stdin:2"), () -> cop.read("out.jsonl"));
    }

    @Test
    void schemaRetriesAreCounted() {
        cop.write("templates/t.mustache", "---\nschema: {type: object, additionalProperties: false}\n---\n"
                + "say: {{text}}");
        cop.rows("none");
        exits(5, cop.batch("-j", "1"));
        assertTrue(results().getFirst().at("/usage/prompt_tokens").asInt() > 20, cop.read("out.jsonl"));
    }

    @Test
    void transientFailuresDoNotStopTheRun() {
        cop.rows("a", "b");
        cop.sim.set("faults", List.of("html-200", "ok", "html-200"));
        good("-j", "1");
        assertEquals("a=a b=b", told());
    }

    @Test
    void dryRunAndStatusReflectAgain() {
        cop.rows("a", "b", "c");
        good();
        String all = exits(0, cop.batch("--again", "--dry-run")).out();
        assertTrue(all.contains("done     0\n") && all.contains("to send  3\n"), all);
        exits(75, cop.batch("--again", "--max-requests", "1", "-j", "1"));
        assertTrue(exits(0, cop.batch("--dry-run")).out().contains("to send  2\n"));
        String status = exits(0, cop.run("batch", "status", "out.jsonl")).out();
        assertTrue(status.startsWith("1 of 3 rows are done"), status);
        good();
        assertTrue(exits(0, cop.run("batch", "status", "out.jsonl")).out().startsWith("3 of 3 rows are done"));
    }

    @Test
    void againWithInvalidRows() {
        cop.write("rows.jsonl", "{\"id\": 1, \"text\": \"a\"}\n{\"id\": 2}\n");
        exits(5, cop.batch("--skip-bad"));
        var outcome = exits(5, cop.batch("--skip-bad", "--again"));
        assertTrue(outcome.err().contains("warning: 1 of 2 rows are invalid and skipped, such as"),
                outcome::all);
        assertTrue(outcome.err().endsWith("done: 1 ok, 1 failed\n"), outcome::all);
        // an id that is also a line
        assertTrue(outcome.err().contains("first 2: rows.jsonl:2: templates/t.mustache:1: {{text}} is missing"),
                outcome::all);
        cop.write("rows.jsonl", "{\"id\": \"C:\\\\Eva\\\\x\"}\n{\"id\": 3, \"text\": \"a\"}\n");
        outcome = exits(5, cop.batch("--skip-bad", "--again"));
        assertTrue(outcome.err().contains("first C:\\Eva\\x: rows.jsonl:1: "), outcome::all);
    }

    /// A user reported that a file of his own was overwritten.
    @Test
    void foreignOutputIsNotOverwritten() throws IOException {
        cop.write("rows.jsonl", "{\"id\": 1, \"text\": \"a\"}\n");
        cop.write("mine.csv", "mine\n");
        for (String more : List.of("-y", "--dry-run", "--again")) {
            var refused = exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "mine.csv", more));
            assertTrue(refused.err().contains("mine.csv already exists and does not belong"), refused::all);
        }
        assertEquals("mine\n", cop.read("mine.csv"));
        assertFalse(Files.exists(cop.file("mine.csv.run")));
        assertEquals(0, cop.prompts().size());
        cop.write("empty.jsonl", "");
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "empty.jsonl"));
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "empty.jsonl"));       // its own run has begun
        assertEquals(1, cop.prompts().size());
    }

    @Test
    void runIsLockedByOneProcess() {
        cop.rows("a");
        good();
        try (var _ = new Journal(cop.file("out.jsonl.run"), true)) {
            var outcome = exits(1, cop.batch());
            assertTrue(outcome.err().contains("error: another process is using "), outcome::all);
            exits(0, cop.run("batch", "status", "out.jsonl"));
        }
    }
}
