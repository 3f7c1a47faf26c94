package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Behavior of real processes: exit codes, signals, pipes, locales, concurrency.
class Processes {
    private final Harness cop = Harness.loggedIn();
    private final List<AutoCloseable> others = new ArrayList<>();

    @BeforeEach
    void onlyOnLinux() {
        assumeTrue(System.getProperty("os.name").equals("Linux"), "signals, bash, /proc");
    }

    @AfterEach
    void close() throws Exception {
        for (var other : others.reversed()) other.close();
        cop.close();
    }

    // ---------------------------------------------------------------------------------------------- helpers

    /// A running process whose output is collected.
    private static final class Live implements AutoCloseable {
        final Process process;
        private final ByteArrayOutputStream out = new ByteArrayOutputStream(), err = new ByteArrayOutputStream();
        private final List<Thread> readers = new ArrayList<>();

        Live(ProcessBuilder builder) throws IOException {
            process = builder.start();
            gather(process.getInputStream(), out);
            gather(process.getErrorStream(), err);
        }

        private void gather(InputStream from, ByteArrayOutputStream into) {
            readers.add(Thread.ofVirtual().start(() -> {
                var buffer = new byte[8192];
                try {
                    for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) into.write(buffer, 0, n);
                } catch (IOException _) {
                    // closed by us
                }
            }));
        }

        String out() { return out.toString(StandardCharsets.UTF_8); }

        String err() { return err.toString(StandardCharsets.UTF_8); }

        Live says(String text) {
            Harness.await("stdout " + text + ", so far: " + out() + err(), () -> out().contains(text)
                    || !process.isAlive());
            assertTrue(out().contains(text), () -> out() + err());
            return this;
        }

        Live tells(String text) {
            Harness.await("stderr " + text, () -> err().contains(text) || !process.isAlive());
            assertTrue(err().contains(text), () -> out() + err());
            return this;
        }

        Live signal(String name) throws Exception {
            assertEquals(0, new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor());
            return this;
        }

        /// Must end within so many milliseconds from now.
        Outcome ends(int milliseconds) throws Exception {
            assertTrue(process.waitFor(milliseconds, TimeUnit.MILLISECONDS), () -> "still running\n" + out() + err());
            for (var reader : readers) reader.join();
            return new Outcome(process.exitValue(), out(), err());
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    private Live start(ProcessBuilder builder) throws IOException {
        var live = new Live(builder);
        others.add(live);
        return live;
    }

    private Live start(String... args) throws IOException { return start(cop.process(args)); }

    /// With an empty stdin, so that nothing is waited for.
    private Live startAlone(String... args) throws IOException {
        return start(Harness.onStdin("", cop.process(args)));
    }

    /// The command as `"$@"` of a line of bash.
    private ProcessBuilder shell(String line, String... args) {
        var builder = cop.process(args);
        builder.command().addAll(0, List.of("bash", "-c", line, "bash"));
        return builder;
    }

    /// Passes more arguments through a file, because in a C locale this JVM cannot pass non-ASCII arguments.
    private Outcome withArguments(List<String> more, String... args) throws IOException {
        cop.write("arguments", String.join("\0", more) + "\0");
        return inShell("mapfile -td '' more <arguments; exec \"$@\" \"${more[@]}\"", args);
    }

    private Outcome inShell(String line, String... args) throws IOException {
        return Harness.finished(Harness.onStdin("", shell(line, args)).start(), "", args);
    }

    private static Outcome ended(int code, Outcome outcome) {
        assertEquals(code, outcome.code(), outcome::all);
        assertFalse(outcome.err().contains("Exception"), outcome::all);
        assertFalse(outcome.all().contains("this is a bug"), outcome::all);
        return outcome;
    }

    private static void quiet(Outcome outcome) { assertEquals("", outcome.err(), outcome::all); }

    /// The first message of the last question.
    private String sent() { return messages().path(0).path("content").asString(); }

    private String lastMessage() { return messages().path(messages().size() - 1).path("content").asString(); }

    private JsonNode messages() {
        return cop.sim.ledger().stream().filter(e -> e.path().equals("/chat/completions")).reduce((_, b) -> b)
                .orElseThrow().body().path("messages");
    }

    /// A simulator by the true clock, for processes that live long enough to poll it.
    private simulator realTime() {
        var sim = simulator.start();
        others.add(sim);
        cop.with("COP_HOST", sim.url()).with("COPILOT_GITHUB_TOKEN", null);
        return sim;
    }

    // ------------------------------------------------------------------------------------------- exit codes

    @Test
    void exitZeroOnSuccess() {
        var outcome = ended(0, cop.runProcess("", "chat", "say: hello"));
        assertEquals("hello\n", outcome.out());
        quiet(outcome);
    }

    @Test
    void exitOneOnError() {
        cop.sim.set("faults", "403-denied");
        var outcome = ended(1, cop.runProcess("", "chat", "hello"));
        assertTrue(outcome.err().matches("error: .*\nhint: .*\n"), outcome.err());
    }

    @Test
    void exitTwoOnUsageError() { ended(2, cop.runProcess("", "chat", "--frobnicate")); }

    @Test
    void exitFourWhenNotLoggedIn() {
        var outcome = ended(4, cop.with("COPILOT_GITHUB_TOKEN", null).runProcess("", "chat", "hello"));
        assertTrue(outcome.err().contains("hint: copilot login"), outcome.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"402", "429:7200"})
    void exit75WhenRateLimited(String fault) {
        cop.sim.set("faults", fault);
        ended(75, cop.runProcess("", "chat", "hello"));
        assertEquals(1, cop.sim.count("/chat/completions"));
    }

    @Test
    void brokenStreamPrintsPartialReplyAndExitsOne() {
        cop.sim.set("faults", "reset-mid");
        var outcome = ended(1, cop.runProcess("", "chat", "say: one two three four five six seven"));
        assertTrue(outcome.out().matches("one two[ a-z]*\n"), outcome::all);
        assertTrue(outcome.err().startsWith("error: "), outcome::all);
    }

    // ---------------------------------------------------------------------------------------------- signals

    /// Streams one word, then is silent for long.
    private Live streaming() throws Exception {
        cop.sim.set("silence", 30_000);
        return startAlone("chat", "say: first second third").says("first");
    }

    @Test
    void interruptedWhileStreaming() throws Exception {
        var outcome = ended(130, streaming().signal("INT").ends(2_000));
        assertEquals("first", outcome.out().strip());
        assertTrue(outcome.out().endsWith("\n") && !outcome.out().endsWith("\n\n"), outcome::all);
    }

    @Test
    void terminatedWhileStreaming() throws Exception {
        var outcome = ended(143, streaming().signal("TERM").ends(2_000));
        assertTrue(outcome.out().matches("first ?\n"), outcome::all);
    }

    @Test
    void interruptedTwiceAtOnce() throws Exception {
        ended(130, streaming().signal("INT").signal("INT").ends(1_500));
    }

    @Test
    void interruptedWhileNoHeadersCome() throws Exception {
        cop.sim.set("latency", 30_000);
        var live = startAlone("chat", "hello");
        Harness.await("the question", () -> cop.sim.count("/chat/completions") == 1);
        var outcome = ended(130, live.signal("INT").ends(2_000));
        assertEquals("", outcome.out());
    }

    @Test
    void interruptedWhileWaitingForUnstreamedReply() throws Exception {
        cop.sim.set("latency", 30_000);
        var live = startAlone("chat", "--no-stream", "-o", "answer.txt", "hello");
        Harness.await("the question", () -> cop.sim.count("/chat/completions") == 1);
        ended(130, live.signal("INT").ends(2_000));
        assertFalse(Files.exists(cop.file("answer.txt")));
    }

    @Test
    void interruptedWithOutputWritesPartFile() throws Exception {
        cop.sim.set("silence", 30_000).set("drip", 1);
        cop.write("answer.txt", "old\n");
        var live = startAlone("chat", "-v", "-o", "answer.txt", "say: first second third");
        live.tells("< 200");
        Harness.await("the question", () -> cop.sim.count("/chat/completions") == 1);
        LockSupport.parkNanos(300_000_000);
        assertEquals(130, live.signal("INT").ends(2_000).code());
        assertEquals("old\n", cop.read("answer.txt"));
        assertEquals("first", cop.read("answer.txt.part").strip());
    }

    @Test
    void interruptedBetweenRetries() throws Exception {
        cop.sim.set("faults", "429:30");
        var outcome = ended(130, startAlone("chat", "hello").tells("30 s").signal("INT").ends(2_000));
        assertEquals("", outcome.out());
        assertEquals(1, cop.sim.count("/chat/completions"));
    }

    @Test
    void interruptedWhileWaitingForStdin() throws Exception {
        for (var args : List.of(List.of("chat", "-"), List.of("login", "--with-token"),
                List.of("api", "/x", "--input", "-"))) {
            var live = start(args.toArray(String[]::new));
            awaitThread(live, "stdin");
            quiet(ended(130, live.signal("INT").ends(2_000)));
        }
        assertEquals(0, cop.sim.count("/chat/completions"));
    }

    /// Linux names a process' threads: the one that reads stdin is there.
    private static void awaitThread(Live live, String name) {
        Harness.await("a thread " + name, () -> {
            try (var tasks = Files.list(Path.of("/proc/" + live.process.pid() + "/task"))) {
                for (Path task : tasks.toList()) {
                    if (Files.readString(task.resolve("comm")).strip().equals(name)) return true;
                }
                return false;
            } catch (IOException | UncheckedIOException e) {
                return !live.process.isAlive();
            }
        });
    }

    @Test
    void interruptedWhileLoginWaits() throws Exception {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        var live = start("login", "--no-browser").tells("and enter this code");
        var outcome = ended(130, live.signal("INT").ends(2_000));
        assertEquals("", outcome.out());
        assertFalse(Files.exists(cop.file(".config/copilot.java/login.json")));
    }

    @Test
    void terminatedWhileLoginWaits() throws Exception {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        ended(143, start("login", "--no-browser").tells("and enter this code").signal("TERM").ends(2_000));
    }

    /// A reader that neither reads nor goes away: the write cannot be interrupted, so the process is stopped.
    @Test
    void interruptedWhileStdoutIsBlocked() throws Exception {
        cop.sim.set("answer", "word ".repeat(60_000)).set("silence", 1);
        var process = cop.process("chat", "-m", "gpt-5.4", "hello").start();
        try {
            process.getOutputStream().close();
            Harness.await("the question", () -> cop.sim.count("/chat/completions") == 1);
            LockSupport.parkNanos(700_000_000);
            assertTrue(process.isAlive());
            new ProcessBuilder("kill", "-INT", "" + process.pid()).start().waitFor();
            assertTrue(process.waitFor(5, TimeUnit.SECONDS));
            assertEquals(130, process.exitValue());
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void ignoredInterruptStaysIgnored() throws Exception {
        cop.sim.set("silence", 1_500);
        var builder = shell("trap '' INT; exec \"$@\"", "chat", "say: first second");
        builder.command().removeAll(List.of("env", "--default-signal=INT", "--default-signal=HUP"));
        var live = start(builder);
        live.process.getOutputStream().close();
        live.says("first");
        assertEquals("first second\n", ended(0, live.signal("INT").ends(10_000)).out());
    }

    // ------------------------------------------------------------------------------------------------ stdout

    @Test
    void firstDeltaIsPrintedBeforeTheEnd() throws Exception {
        var live = streaming();
        assertTrue(live.process.isAlive());
        assertEquals("first", live.out().strip());
    }

    @Test
    void everyDeltaIsWrittenAtOnce() throws Exception {
        cop.sim.set("drip", 250);
        var live = startAlone("chat", "say: one two three four").says("one").says("two").says("three");
        assertTrue(live.process.isAlive());
        assertFalse(live.out().contains("four"));
        assertEquals("one two three four\n", ended(0, live.ends(5_000)).out());
    }

    @Test
    void closedPipeEndsQuietly() throws Exception {
        cop.sim.set("drip", 300);
        var process = Harness.onStdin("", cop.process("chat", "say: " + "word ".repeat(200))).start();
        assertEquals('w', process.getInputStream().read());
        process.getInputStream().close();
        assertTrue(process.waitFor(3, TimeUnit.SECONDS), "it must not wait for the rest of the answer");
        assertEquals("", new String(process.getErrorStream().readAllBytes()));
        assertEquals(0, process.exitValue());
    }

    @ParameterizedTest
    @ValueSource(strings = {"chat say: x", "models", "--version", "chat --help", "token", "api /models"})
    void pipeClosedFromTheStart(String words) throws Exception {
        var outcome = inShell("exec 3>&1; { sleep 0.3 3>&-; \"$@\" 3>&-; echo $? >&3; } | true", words.split(" "));
        assertEquals("0\n", outcome.out(), outcome::all);
        quiet(outcome);
    }

    @ParameterizedTest
    @ValueSource(strings = {"chat say: x", "models", "--version", "chat --help", "chat --no-stream say: x"})
    void fullDiskIsAnError(String words) throws Exception {
        assumeTrue(Files.exists(Path.of("/dev/full")), "/dev/full");
        var outcome = ended(1, inShell("\"$@\" >/dev/full", words.split(" ")));
        assertTrue(outcome.err().matches("(?s)error: .*stdout.*[Nn]o space.*\nhint: .*\n"), outcome::all);
        assertEquals(1, outcome.err().split("error:", -1).length - 1, outcome::all);
    }

    @Test
    void closedStdoutIsAnErrorOrQuiet() throws Exception {
        var outcome = inShell("\"$@\" >&-", "chat", "say: x");
        assertFalse(outcome.err().contains("Exception"), outcome::all);
        assertEquals(outcome.code() == 0, outcome.err().isEmpty(), outcome::all);
    }

    @Test
    void closedStderrIsHarmless() throws Exception {
        assertEquals("x\n", ended(0, inShell("\"$@\" 2>&-", "chat", "-v", "-u", "say: x")).out());
        assertEquals("x\n", ended(0, inShell("\"$@\" 2>/dev/full", "chat", "-v", "-u", "say: x")).out());
        assertEquals(2, inShell("\"$@\" 2>&-", "chat", "--frobnicate").code());
        assertEquals("say: x", sent(), "nothing of stderr went into a file or a socket");
    }

    @Test
    void stdoutAndStderrKeepOrderInOneFile() throws Exception {
        cop.sim.set("answer", "x");
        assertEquals("x\n", inShell("\"$@\" >both.txt 2>&1; exec cat both.txt", "chat", "q").out());
    }

    @Test
    void outputFileMayBeADevice() throws Exception {
        var outcome = ended(0, cop.runProcess("", "chat", "-o", "/dev/stderr", "say: x"));
        assertEquals("x\n", outcome.err());
        assertEquals("", ended(0, cop.runProcess("", "chat", "-o", "/dev/null", "say: x")).all()
                .replaceAll("exit 0|---.*", "")
                .strip());
        assertTrue(Files.exists(Path.of("/dev/null")) && !Files.isRegularFile(Path.of("/dev/null")));
    }

    // ------------------------------------------------------------------------------------------------- stdin

    @Test
    void stdinComesFirst() {
        ended(0, cop.runProcess("the diff\n\n", "chat", "write", "it"));
        assertEquals("the diff\n\nwrite it", sent());
    }

    @Test
    void silentPipeIsRefusedAtTimeout() throws Exception {
        var outcome = ended(2, start("chat", "say: x", "--timeout", "3s").ends(8_000));
        assertEquals("", outcome.out());
        assertTrue(outcome.err().contains("waiting for stdin to end (add </dev/null"), outcome::all);
        assertTrue(outcome.err().contains("no input on stdin"), outcome::all);
        assertEquals(List.of(), cop.sim.ledger().stream().filter(e -> e.path().endsWith("completions")).toList());
    }

    @Test
    void slowPipeIsReadToTheEnd() throws Exception {
        var live = start("chat", "argument");
        live.process.getOutputStream().write("one ".getBytes());
        live.process.getOutputStream().flush();
        awaitThread(live, "stdin");
        LockSupport.parkNanos(2_500_000_000L);
        live.process.getOutputStream().write("two".getBytes());
        live.process.getOutputStream().close();
        var outcome = ended(0, live.ends(5_000));
        assertEquals("waiting for stdin to end (add </dev/null to skip it)\n", outcome.err());
        assertEquals("one two\n\nargument", sent());
    }

    @Test
    void dashWaitsForever() throws Exception {
        var live = start("chat", "-");
        assertFalse(live.process.waitFor(3, TimeUnit.SECONDS), live.err());
        live.process.getOutputStream().write("say: late".getBytes());
        live.process.getOutputStream().close();
        var outcome = ended(0, live.ends(5_000));
        assertEquals("late\n", outcome.out());
        assertEquals("waiting for stdin to end (add </dev/null to skip it)\n", outcome.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"</dev/null", "<&-", "<file.txt", "<<<''", "0</dev/zero 0</dev/null"})
    void unreadableStdinIsNotAwaited(String redirection) throws Exception {
        cop.write("file.txt", "");
        var outcome = ended(0, inShell("\"$@\" " + redirection, "chat", "say: x"));
        assertEquals("x\n", outcome.out(), outcome::all);
        assertFalse(outcome.err().contains("waiting"), outcome::all);       // an empty pipe is said
    }

    @Test
    void stdinFromAFileIsRead() throws Exception {
        cop.write("file.txt", "say: from the file\n");
        assertEquals("from the file\n", ended(0, inShell("\"$@\" <file.txt", "chat")).out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"</dev/null", "<&-"})
    void missingPromptIsUsageError(String redirection) throws Exception {
        var outcome = ended(2, inShell("\"$@\" " + redirection, "chat"));
        assertTrue(outcome.err().contains("missing prompt"), outcome::all);
    }

    @Test
    void folderAsStdin() throws Exception {
        var outcome = inShell("\"$@\" </", "chat", "say: x");
        assertFalse(outcome.err().contains("Exception"), outcome::all);
    }

    /// More than the model takes, but all of it must arrive there, and its answer here.
    @Test
    void fiveMegabytesOfStdin() {
        cop.sim.set("models", "empty");                     // nothing tells before that it is too much
        String text = "All work and no play. ".repeat(5_000_000 / 22);
        var outcome = ended(1, cop.runProcess(text + "\n", "chat", "-m", "mai-code-1.1-flash", "end"));
        assertTrue(outcome.err().contains("exceeds the limit"), outcome::all);
        assertEquals(text + "\n\nend", sent());
    }

    @Test
    void largeReplyIsComplete() {
        String text = "Zeile für Zeile 🦆\n".repeat(15_000);
        cop.sim.set("answer", text);
        assertEquals(text, ended(0, cop.runProcess("", "chat", "-m", "gpt-5.4", "hello")).out());
    }

    // ---------------------------------------------------------------------------------------------- locales

    @ParameterizedTest
    @ValueSource(strings = {"C", "POSIX", "C.UTF-8", "xx_XX.nowhere"})
    void utf8WhateverTheLocale(String locale) {
        cop.with("LC_ALL", locale);
        var outcome = ended(0, cop.runProcess("say: é 中文 🦆 ∑", "chat", "-"));
        assertEquals("é 中文 🦆 ∑\n", outcome.out());
        assertEquals("say: é 中文 🦆 ∑", sent());
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "POSIX"})
    void nonAsciiArgumentInCLocaleIsRefused(String locale) throws IOException {
        cop.with("LC_ALL", locale);
        var outcome = ended(2, withArguments(List.of("é"), "chat"));
        assertTrue(outcome.err().matches("error: .*locale.*\nhint: .*LC_ALL=C.UTF-8.*\n"), outcome::all);
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void nonAsciiPathInCLocaleIsAccepted() throws IOException {
        cop.with("LC_ALL", "C").write("place", "/home/müller");
        String line = "cp=$(<place); args=(); for a; do [[ $a == *.jar* ]] && a=$a:$cp;"
                + " args+=(\"$a\"); done; exec \"${args[@]}\"";
        var builder = shell(line, "--version");
        String classes = System.getProperty("java.class.path");
        assumeTrue(classes.contains(".jar"), "a class path of jars");
        assertTrue(ended(0, Harness.finished(builder.start(), "")).out().startsWith("copilot.java "));
        assertEquals("x\n", ended(0, Harness.finished(shell(line, "chat", "say: x").start(), "")).out());
    }

    @Test
    void nonAsciiFileInCLocaleIsRead() throws IOException {
        cop.with("LC_ALL", "C").write("plain.txt", "é 🦆");
        ended(0, cop.runProcess("", "chat", "-f", "plain.txt", "-o", "answer.txt", "say"));
        assertTrue(sent().contains("é 🦆"), sent());
    }

    @Test
    void nonAsciiArgumentInUtf8Locale() throws IOException {
        ended(0, withArguments(List.of("é 中文 🦆"), "chat"));
        assertEquals("é 中文 🦆", sent());
    }

    @Test
    void nonAsciiInFileNamesAndVariables() throws IOException {
        assumeTrue(System.getProperty("sun.jnu.encoding").startsWith("UTF"), "this JVM can name such files");
        cop.with("COP_HOME", cop.file("hömé 🦆").toString()).write("frage ü.txt", "Wörter");
        ended(0, cop.runProcess("", "chat", "-f", "frage ü.txt", "-o", "antwort ß.txt", "x"));
        assertTrue(sent().startsWith("frage ü.txt\n"), sent());
        assertTrue(Files.exists(cop.file("antwort ß.txt")));
        assertTrue(Files.isDirectory(cop.file("hömé 🦆/cache")));
    }

    // ------------------------------------------------------------------------------------------- arguments

    @Test
    void argumentsAreSentUnchanged() {
        var words = List.of("it's \"quoted\"", "two\nlines", "$HOME `id` $(id)", "*", "@file", "@/etc/passwd",
                "%s %d %n", "a\\nb\\", " blanks  kept ", "", "~", "!!", "#x", "a=b;c|d&e", "--");
        var args = new ArrayList<>(List.of("chat", "-s", "@a '%s' \"$HOME\"\n*", "x"));
        args.addAll(words);
        ended(0, cop.runProcess("", args.toArray(String[]::new)));
        assertEquals("@a '%s' \"$HOME\"\n*", sent());
        assertEquals("x " + String.join(" ", words.subList(0, words.size() - 1)), lastMessage());
    }

    @Test
    void emptyArgumentIsNotAPrompt() {
        ended(2, cop.runProcess("", "chat", ""));
        ended(0, cop.runProcess("piped", "chat", ""));
        assertEquals("piped", sent());
    }

    @Test
    void doubleDashEndsOptions() {
        ended(0, cop.runProcess("", "chat", "--", "--help", "-m"));
        assertEquals("--help -m", sent());
    }

    // ---------------------------------------------------------------------------------------- homes, locks

    @Test
    void twentyProcessesMakeOneExchange() throws Exception {
        var all = new ArrayList<Live>();
        for (int i = 0; i < 20; i++) all.add(startAlone("chat", "-m", "mai-code-1.1-flash", "say: " + i));
        for (int i = 0; i < 20; i++) assertEquals(i + "\n", ended(0, all.get(i).ends(60_000)).out());
        assertEquals(1, cop.sim.count("/copilot_internal/v2/token"));
        assertEquals(20, cop.sim.count("/chat/completions"));
    }

    private static final Pattern PRIVATE_FOLDER = Pattern.compile("rwx------"),
            PRIVATE_FILE = Pattern.compile("rw-------");

    private void isPrivate(String folder) throws IOException {
        try (var files = Files.walk(cop.file(folder))) {
            for (Path file : files.toList()) {
                String rights = PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
                assertTrue((Files.isDirectory(file) ? PRIVATE_FOLDER : PRIVATE_FILE).matcher(rights).matches(),
                        file + " " + rights);
            }
        }
    }

    @Test
    void relativeCopHomeIsInCurrentFolder() throws IOException {
        ended(0, cop.with("COP_HOME", "mine").runProcess("", "chat", "say: x"));
        assertTrue(Files.isDirectory(cop.file("mine/cache")));
        isPrivate("mine");
        assertFalse(Files.exists(cop.file(".cache")));
    }

    @Test
    void xdgFoldersAreHonored() throws IOException {
        cop.with("XDG_CACHE_HOME", cop.file("c").toString()).with("XDG_CONFIG_HOME", cop.file("d").toString());
        ended(0, cop.runProcess("", "models", "default", "mai-code-1.1-flash"));
        isPrivate("c/copilot.java");
        isPrivate("d/copilot.java");
        assertTrue(Files.exists(cop.file("d/copilot.java/config.json")));
        assertFalse(Files.exists(cop.file(".cache")) || Files.exists(cop.file(".config")));
    }

    @Test
    void relativeXdgFoldersCountAsUnset() {
        cop.with("XDG_CACHE_HOME", "c").with("XDG_CONFIG_HOME", "d").with("XDG_STATE_HOME", "e");
        ended(0, cop.runProcess("", "chat", "say: x"));
        assertTrue(Files.isDirectory(cop.file(".cache/copilot.java")));
        assertFalse(Files.exists(cop.file("c")));
    }

    @Test
    void missingHomeVariableUsesSystemHome() throws Exception {
        var builder = cop.with("HOME", null).process("chat", "say: x");
        int java = builder.command().indexOf("-XX:+UseSerialGC");
        builder.command().add(java, "-Duser.home=" + cop.file("from-passwd"));
        assertEquals("x\n", ended(0, Harness.finished(builder.start(), "")).out());
        assertTrue(Files.isDirectory(cop.file("from-passwd/.cache/copilot.java")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/proc/nowhere", "/dev/null", "/dev/null/x"})
    void readOnlyHomeDoesNotPreventChat(String home) {
        var outcome = ended(0, cop.with("COP_HOME", home).runProcess("", "chat", "say: x"));
        assertEquals("x\n", outcome.out());
    }

    @Test
    void filesArePrivateWithUmaskZero() throws IOException {
        ended(0, inShell("umask 0; \"$@\"", "models"));
        isPrivate(".cache/copilot.java");
    }

    @Test
    void loginByRealClock() throws Exception {
        var sim = realTime().set("interval", 1).set("pending", 1);
        var outcome = ended(0, cop.runProcess("", "login", "--no-browser"));
        assertFalse(outcome.err().contains("\r") || outcome.err().contains("\033"), "a countdown is for terminals");
        assertEquals("logged in as octocat (individual), API " + sim.api() + "\n", outcome.out());
        isPrivate(".config/copilot.java");
        assertEquals(0, sim.ledger().stream().filter(e -> e.rawBody().contains("slow_down")).count());
    }

    @Test
    void tokenForCurl() throws Exception {
        assumeTrue(inShell("command -v curl", "x").code() == 0, "curl");
        var outcome = ended(0, inShell("curl -sS -o /dev/null -w '%{http_code}' -H \"$(\"$@\")\""
                + " -H 'Editor-Version: vscode/1.85.0' -H 'Copilot-Integration-Id: vscode-chat' " + cop.sim.api()
                        + "/models",
                "token", "--header"));
        assertEquals("200", outcome.out(), outcome::all);
    }

    // --------------------------------------------------------------------------------------------- colours

    /// Within a pseudo-terminal of util-linux: what the program writes to a screen.
    private String onScreen(String line, String... args) throws Exception {
        assumeTrue(new ProcessBuilder("script", "--version").start().waitFor() == 0, "script of util-linux");
        var builder = cop.process(args);
        var quoted = builder.command().stream().map(w -> "'" + w.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
        builder.command(List.of("script", "-qec", line.replace("$@", quoted), "/dev/null"));
        builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null"))).redirectErrorStream(true);
        var live = start(builder);
        return live.ends(20_000).out().replace("\r\n", "\n");
    }

    @Test
    void colorsOnTerminal() throws Exception {
        cop.with("TERM", "xterm");
        assertTrue(onScreen("$@", "chat", "--frobnicate").contains("\033["));
        assertTrue(onScreen("$@ | cat", "chat", "--frobnicate").contains("\033["), "stderr is still a terminal");
    }

    @Test
    void noColorsElsewhere() throws Exception {
        cop.with("TERM", "xterm");
        String screen = onScreen("$@ 2>err.txt; cat err.txt", "chat", "--frobnicate");
        assertTrue(screen.contains("error: ") && !screen.contains("\033"), screen);
    }

    @ParameterizedTest
    @CsvSource({"xterm, 1", "dumb, "})
    void noColorsWhenDisabled(String term, String noColor) throws Exception {
        cop.with("TERM", term).with("NO_COLOR", noColor);
        String screen = onScreen("$@", "chat", "--frobnicate");
        assertTrue(screen.contains("error: ") && !screen.contains("\033"), screen);
    }

    @Test
    void tableOnTerminalOnly() throws Exception {
        cop.with("TERM", "xterm");
        assertTrue(onScreen("$@", "models").startsWith("ID "));
        assertTrue(onScreen("$@ | cat", "models").startsWith("auto\t"));
    }

    @Test
    void replyIsEscapedOnTerminal() throws Exception {
        cop.with("TERM", "xterm").sim.set("answer", "a\033[2Jb\033]0;title\007c\u009b2Jd");
        String screen = onScreen("$@", "chat", "-m", "mai-code-1.1-flash", "hello");
        assertEquals("a␛[2Jb␛]0;title␇c\uFFFD2Jd\n", screen);
        assertEquals("a\033[2Jb\033]0;title\007c\u009b2Jd\n", cop.runProcess("", "chat", "hello").out(),
                "a pipe gets all");
    }
}
