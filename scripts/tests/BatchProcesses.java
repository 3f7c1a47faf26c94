package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// The command `batch` as a separate process: killed, interrupted, run twice at once, with many rows.
class BatchProcesses {
    private final Harness cop = Harness.loggedIn();

    BatchProcesses() { cop.write("templates/t.mustache", "say: {{text}}"); }

    @AfterEach
    void close() { cop.close(); }

    // ------------------------------------------------------------------------------------------- helpers

    private void rows(int count) {
        cop.write("rows.jsonl", IntStream.range(0, count).mapToObj(i -> "{\"id\": \"r" + i + "\", \"text\": \"a" + i
                + "\"}\n").collect(Collectors.joining()));
    }

    private Process start(String... more) throws IOException {
        var args = Stream.concat(Stream.of("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl"), Stream.of(more));
        return cop.process(args.toArray(String[]::new)).redirectErrorStream(true)
                .redirectOutput(cop.file("said.txt").toFile()).redirectInput(new File("/dev/null")).start();
    }

    private void finish(int code, String... more) throws Exception {
        var process = start(more);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "still at work");
        assertEquals(code, process.exitValue(), () -> cop.read("said.txt"));
    }

    private long asked() { return cop.sim.count("/chat/completions"); }

    private void allAnswered(int count) {
        var lines = cop.read("out.jsonl").lines().map(Json::tryParse).toList();
        assertEquals(IntStream.range(0, count).mapToObj(i -> "r" + i + "=a" + i).toList(),
                lines.stream().map(r -> Json.text(r, "id") + "=" + Json.text(r, "text")).toList());
    }

    // --------------------------------------------------------------------------------------------- kill -9

    /// Killed at random moments again and again: each row is answered, and what was paid beyond that is no more than
    /// what was in flight at the kills.
    private void killed(int kills, int jobs) throws Exception {
        int rows = kills * 12 + 60;
        rows(rows);
        cop.sim.set("latency", 40);
        var random = new Random(7);
        for (int i = 0; i < kills; i++) {
            long before = asked();
            var process = start("-j", "" + jobs, "--delay", "0");
            int after = 1 + random.nextInt(12);
            Harness.await("requests", () -> asked() >= before + after || !process.isAlive());
            Thread.sleep(random.nextInt(20));               // somewhere between two answers
            process.destroyForcibly().waitFor();
        }
        finish(0, "-j", "" + jobs, "--delay", "0");
        allAnswered(rows);
        long extra = asked() - rows;
        assertTrue(extra <= (long) kills * jobs, extra + " requests too many in " + kills + " kills at -j " + jobs);
        finish(0);
        assertEquals(rows + extra, asked(), "nothing to do");
    }

    @Test
    void tenKills() throws Exception { killed(10, 8); }

    @Test
    @Tag("slow")
    void twoHundredKills() throws Exception { killed(200, 8); }

    // ------------------------------------------------------------------------------------------- full disks

    /// What cannot be kept is not asked for again.
    @Test
    void fullDiskLosesOnlyRequestsInFlight() throws Exception {
        rows(400);
        var command = new ArrayList<>(List.of("bash", "-c", "ulimit -f 60; exec \"$@\"", "-"));
        command.addAll(cop.process("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "-j", "16", "--delay", "0")
                .command());
        var builder = cop.process().command(command);
        var outcome = Harness.finished(builder.start(), "");
        assertEquals(1, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("cannot write") && outcome.err().contains("free disk space"), outcome::all);
        long kept = cop.read("out.jsonl.run/journal.jsonl").lines().count();
        assertTrue(kept > 50 && asked() <= kept + 17, asked() + " asked, " + kept + " kept");
        long before = asked();
        finish(0, "-j", "16", "--delay", "0");
        allAnswered(400);
        assertEquals(before + 400 - kept, asked());
    }

    @Test
    void unprintableResultStopsTheRun() throws Exception {
        assumeTrue(Files.exists(Path.of("/dev/full")), "a device of Linux");
        rows(100);
        var process = cop.process("batch", "t", "-d", "rows.jsonl", "-k", "--run", "r", "-j", "4", "--delay", "0")
                .redirectOutput(new File("/dev/full")).start();
        var outcome = Harness.finished(process, "");
        assertEquals(1, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("cannot write to stdout"), outcome::all);
        assertTrue(asked() < 20, () -> asked() + " asked");
    }

    // ---------------------------------------------------------------------------------------------- signals

    private static void signal(Process process, String name) throws Exception {
        new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor();
    }

    @Test
    void firstCtrlCFinishesRequestsInFlight() throws Exception {
        rows(200);
        cop.sim.set("latency", 1500);
        var process = start("-j", "4", "--delay", "0");
        Harness.await("requests", () -> asked() >= 4);
        signal(process, "INT");
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(130, process.exitValue(), () -> cop.read("said.txt"));
        assertEquals(asked(), cop.read("out.jsonl").lines().count(), () -> cop.read("said.txt"));
        cop.sim.set("latency", 0);
        finish(0, "-j", "16", "--delay", "0");
        assertEquals(200, asked());
        allAnswered(200);
    }

    /// Also while rows are being read of which none is to be asked: those of other machines.
    @Test
    void firstCtrlCWhileReadingRowsFinishesRequests() throws Exception {
        var shard = new Shard(1, 100);
        var ours = IntStream.iterate(0, i -> i + 1).mapToObj(i -> "r" + i).filter(shard::holds).limit(2).toList();
        var others = IntStream.range(0, 60_000).mapToObj(i -> "r" + i).filter(id -> !shard.holds(id));
        cop.write("rows.jsonl", Stream.of(Stream.of(ours.getFirst()), others, Stream.of(ours.getLast()))
                .flatMap(ids -> ids).map(id -> "{\"id\": \"" + id + "\", \"text\": \"" + id + "\"}\n")
                .collect(Collectors.joining()));
        cop.sim.set("latency", 1500);
        var process = start("-j", "4", "--delay", "0", "--shard", "1/100");
        Harness.await("requests", () -> asked() >= 1);
        signal(process, "INT");
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(130, process.exitValue(), () -> cop.read("said.txt"));
        assertTrue(cop.read("said.txt").contains("requests in flight: 1"), () -> cop.read("said.txt"));
        assertEquals(1, cop.read("out.jsonl").lines().count(), () -> cop.read("said.txt"));
        assertEquals(1, asked());
    }

    /// Also while the clock is waited for, be it for the delay or for a limit.
    @ParameterizedTest
    @ValueSource(strings = {"ok", "429:60"})
    void ctrlCEndsPause(String fault) throws Exception {
        rows(50);
        cop.sim.set("faults", List.of("ok", fault));
        var process = start("-j", "2", "--delay", fault.equals("ok") ? "60s" : "0");
        Harness.await("requests", () -> asked() >= (fault.equals("ok") ? 1 : 2));
        Thread.sleep(300);                                  // the answer is there, and the clock is waited for
        signal(process, "INT");
        assertTrue(process.waitFor(10, TimeUnit.SECONDS), () -> cop.read("said.txt"));
        assertEquals(130, process.exitValue(), () -> cop.read("said.txt"));
        assertTrue(cop.read("out.jsonl").lines().count() >= 1);
    }

    @Test
    void secondCtrlCStopsAtOnce() throws Exception {
        rows(50);
        cop.sim.set("latency", 10_000);
        var process = start("-j", "2", "--delay", "0");
        Harness.await("requests", () -> asked() >= 2);
        signal(process, "INT");
        Harness.await("the word of it", () -> cop.read("said.txt").contains("in flight"));
        long begun = System.nanoTime();
        signal(process, "INT");
        assertTrue(process.waitFor(5, TimeUnit.SECONDS));
        assertTrue(System.nanoTime() - begun < 5e9);
        assertEquals(130, process.exitValue());
        var used = Json.tryParse(cop.run("batch", "status", "out.jsonl", "--json").out()).path("used");
        assertEquals(2, used.path("requests").asInt(), "they were sent, and are mostly paid for");
        assertTrue(used.path("total_tokens").asInt() > 0 && used.path("credits").asDouble() > 0, used::toString);
    }

    @ParameterizedTest
    @CsvSource({"TERM, 143", "HUP, 129"})
    void sigtermIsLikeFirstCtrlC(String name, int code) throws Exception {
        rows(50);
        cop.sim.set("latency", 800);
        var process = start("-j", "2", "--delay", "0");
        Harness.await("requests", () -> asked() >= 2);
        signal(process, name);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(code, process.exitValue(), () -> cop.read("said.txt"));
        assertEquals(asked(), cop.read("out.jsonl").lines().count());
        assertEquals(asked(), cop.read(".local/state/copilot.java/spent.jsonl").lines().count(), "credits");
        assertTrue(cop.read("said.txt").contains("to resume: copilot batch t"), cop.read("said.txt"));
    }

    @Test
    void nohupIsHonored() throws Exception {
        assumeTrue(System.getProperty("os.name").equals("Linux"), "by env's --ignore-signal");
        rows(10);
        cop.sim.set("latency", 300);
        var builder = cop.process("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "--delay", "0");
        builder.command().replaceAll(word -> word.equals("--default-signal=HUP") ? "--ignore-signal=HUP" : word);
        var process = builder.redirectErrorStream(true).redirectOutput(cop.file("said.txt").toFile()).start();
        Harness.await("requests", () -> asked() >= 2);
        signal(process, "HUP");
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), () -> cop.read("said.txt"));
    }

    // ------------------------------------------------------------------------------------ others at the same time

    @Test
    void twoProcessesOnOneRun() throws Exception {
        rows(20);
        cop.sim.set("latency", 500);
        var first = start("-j", "2", "--delay", "0");
        Harness.await("requests", () -> asked() >= 2);
        var second = cop.runProcess("", "batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl");
        assertEquals(1, second.code());
        assertTrue(second.err().contains("error: another process is using "), second::all);
        var status = cop.runProcess("", "batch", "status", "out.jsonl");
        assertTrue(status.out().contains("of 20 rows are done"), status::all);
        assertTrue(first.waitFor(30, TimeUnit.SECONDS));
        assertEquals(20, asked());
        allAnswered(20);
    }

    /// A pipe can be read once only, and is looked at twice.
    @Test
    void rowsFromAPipe() throws Exception {
        rows(5);
        var command = cop.process("batch", "t", "-d", "/dev/stdin", "-o", "out.jsonl", "--delay", "0");
        var process = command.redirectErrorStream(true).redirectOutput(cop.file("said.txt").toFile()).start();
        try (var in = process.getOutputStream()) {
            in.write(cop.read("rows.jsonl").getBytes());
        }
        assertEquals(0, process.waitFor(), () -> cop.read("said.txt"));
        allAnswered(5);
    }

    /// Many threads end rows, meet limits and draw the living line at once, and none waits for another for ever.
    @Test
    void progressLineOnTerminal() {
        cop.terminal(2);
        rows(400);
        var faults = new ArrayList<String>();
        for (int i = 0; i < 500; i++) faults.add(i % 10 == 9 ? "429:1" : "ok");
        cop.sim.set("faults", faults);
        var outcome = cop.run("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "-j", "64", "--delay", "0");
        assertEquals(0, outcome.code(), outcome::all);
        allAnswered(400);
    }

    @Test
    void readerClosesStdoutMidway() throws Exception {
        rows(30);
        String batch = String.join(" ", cop.process("batch", "t", "-d", "rows.jsonl", "-k", "--run", "r", "-j", "4",
                "--delay", "0").command());
        var process = new ProcessBuilder("bash", "-c", batch + " 2>err.txt | head -n 2; echo ${PIPESTATUS[0]}")
                .directory(cop.home.toFile());
        process.environment().clear();
        process.environment().putAll(cop.variables);
        process.environment().put("PATH", System.getenv("PATH"));
        var started = process.start();
        String out = new String(started.getInputStream().readAllBytes());
        assertEquals(List.of("r0", "r1"), out.lines().limit(2).map(l -> Json.text(Json.tryParse(l), "id")).toList());
        assertEquals("75", out.lines().toList().getLast(), () -> cop.read("err.txt"));
        assertTrue(cop.read("err.txt").contains("error: stdout was closed"));
        assertFalse(cop.read("err.txt").contains("bug"), () -> cop.read("err.txt"));
    }

    /// Also of the results of an earlier run, which are printed before any row is asked: OUT is written all the same.
    @Test
    void stdoutClosedFromTheStart() throws Exception {
        rows(30);
        finish(75, "-j", "4", "--delay", "0", "--max-requests", "20");
        Files.delete(cop.file("out.jsonl"));
        String batch = String.join(" ", cop.process("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "-k", "-j",
                "4", "--delay", "0").command());
        var process = new ProcessBuilder("bash", "-c", batch + " 2>err.txt | true; echo ${PIPESTATUS[0]}")
                .directory(cop.home.toFile());
        process.environment().clear();
        process.environment().putAll(cop.variables);
        process.environment().put("PATH", System.getenv("PATH"));
        String out = new String(process.start().getInputStream().readAllBytes());
        assertEquals("75", out.strip(), () -> cop.read("err.txt"));
        assertTrue(cop.read("err.txt").contains("error: stdout was closed"));
        assertEquals(20, cop.read("out.jsonl").lines().count());
        assertEquals(20, asked());
    }

    // ---------------------------------------------------------------------------------------------- many rows

    @Test
    @Tag("slow")
    void hundredThousandRows() throws Exception {
        int rows = 100_000;
        rows(rows);
        cop.sim.set("answer", "fine");
        var command = cop.process("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl", "-j", "64", "--delay", "0");
        command.command().add(command.command().indexOf("-cp"), "-Xmx256m");
        var process = command.redirectErrorStream(true).redirectOutput(cop.file("said.txt").toFile())
                .redirectInput(new File("/dev/null")).start();
        assertTrue(process.waitFor(15, TimeUnit.MINUTES), "still at work");
        assertEquals(0, process.exitValue(), () -> cop.read("said.txt"));
        try (var lines = Files.lines(cop.file("out.jsonl"))) {
            assertEquals(rows, lines.count());
        }
    }

    // ------------------------------------------------------------------ what the tests' own folder does not show

    /// In a process the folder is where it was started, and no name in it has a parent.
    @ParameterizedTest
    @ValueSource(strings = {"out/{{id}}.md", "{{id}}.md", "./{{id}}.md", "a/../b/{{id}}.md", "{{id}}/x.md"})
    void oneFilePerRow(String pattern) throws Exception {
        rows(2);
        for (int i = 0; i < 2; i++) {
            var outcome = cop.runProcess("", "batch", "t", "-d", "rows.jsonl", "-o", pattern, "--run", "r", "--delay",
                    "0");
            assertEquals(0, outcome.code(), outcome::all);
        }
        assertEquals(2, asked());
        String file = pattern.replace("a/../", "").replace("{{id}}", "r1");
        assertEquals("a1\n", cop.read(file));
        cop.write(file.replace("r1", "r2"), "mine");
        rows(3);
        var outcome = cop.runProcess("", "batch", "t", "-d", "rows.jsonl", "-o", pattern, "--run", "r");
        assertEquals(2, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("error: " + file.replace("r1", "r2").replaceFirst("^\\./", "")
                + " already exists and does not belong to the run in "), outcome::all);
        assertEquals("mine", cop.read(file.replace("r1", "r2")));
    }

    @Test
    void filesPerRowStayInTheirFolder() {
        cop.write("rows.jsonl", "{\"id\": \"../evil\", \"text\": \"x\"}\n");
        for (String pattern : List.of("{{id}}.md", "out/{{id}}.md")) {
            var outcome = cop.runProcess("", "batch", "t", "-d", "rows.jsonl", "-o", pattern, "--run", "r");
            assertEquals(2, outcome.code(), outcome::all);
            assertTrue(outcome.err().contains("which is outside its folder"), outcome::all);
        }
        assertFalse(Files.exists(cop.file("r")));
    }

    /// Relative names in all forms that users type.
    @Test
    void fileNamesWithoutFolder() {
        rows(1);
        cop.write("in/a.json", "{\"text\": \"x\"}");
        cop.write("bare.mustache", "say: {{text}}");
        var runs = List.of(List.of("-d", "rows.jsonl", "-o", "o1.jsonl"), List.of("-d", "in", "-o", "o2.csv"),
                List.of("-d", "in/*.json", "-o", "o3.json"), List.of("-d", "rows.jsonl", "-o", "o4.jsonl", "--run",
                        "run"), List.of("-d", "./rows.jsonl", "-o", "./o5.jsonl", "--run", "./r6"));
        for (var run : runs) {
            for (String template : List.of("t", "bare.mustache", "./bare.mustache")) {
                var args = new ArrayList<>(List.of("batch", template));
                args.addAll(run);
                var outcome = cop.runProcess("", args.toArray(String[]::new));
                assertEquals(0, outcome.code(), outcome::all);
                assertTrue(Files.exists(cop.file(run.get(3))), outcome::all);
            }
        }
        assertTrue(Files.exists(cop.file("o1.jsonl.run/manifest.json")) && Files.exists(cop.file("run/manifest.json"))
                && Files.exists(cop.file("r6/manifest.json")));
        var status = cop.runProcess("", "batch", "status", "o1.jsonl");
        assertEquals(0, status.code(), status::all);
    }

    /// Ctrl-C while the rows are scanned before the run: the user's folder and its files are preserved.
    @Test
    void ctrlCDuringInputScanLeavesNoFiles() throws Exception {
        for (String folder : List.of("there", "new")) {
            if (folder.equals("there")) Files.createDirectories(cop.file(folder));
            var process = cop.process("batch", "t", "-d", "-", "-o", "out.jsonl", "--run", folder)
                    .redirectErrorStream(true).redirectOutput(cop.file("said.txt").toFile()).start();
            process.getOutputStream().write(("{\"id\": 1, \"text\": \"" + "x".repeat(1 << 20)).getBytes());
            process.getOutputStream().flush();              // more than a pipe holds: it is being read
            cop.write(folder + "/mine.txt", "mine");
            signal(process, "INT");
            assertTrue(process.waitFor(10, TimeUnit.SECONDS), () -> cop.read("said.txt"));
            assertEquals(130, process.exitValue(), () -> cop.read("said.txt"));
            try (var left = Files.list(cop.file(folder))) {
                assertEquals(List.of("mine.txt"), left.map(file -> file.getFileName().toString()).toList());
            }
        }
        assertEquals(0, asked());
    }
}
