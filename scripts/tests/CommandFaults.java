package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.prints;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// What the command line says and completes: names as they were typed, words that were meant, nothing that is run,
/// deleted or cut in two.
class CommandFaults {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---- hints name what was typed

    /// The name of a command after the bare word `copilot`, which may be GitHub's own CLI.
    private static final Pattern BARE = Pattern.compile("(?<![-\\w/.{])copilot (login|logout|status|token|chat|logs|"
            + "models|usage|api|render|templates|batch|completion|doctor|help|talk|repl|embed|install|--help)\\b");

    @ParameterizedTest
    @ValueSource(strings = {"copilot.java", "scripts/talk.java", "scripts/repl.java", "scripts/embed.java",
            "scripts/install.java", "scripts/simulator.java", "scripts/commit.java", "scripts/changelog.java",
            "scripts/compare.java", "scripts/ask-csv.java", "scripts/judge.java"})
    void noTextNamesTheBareCommand(String file) throws IOException {
        var lines = Files.readAllLines(CommandLines.root().resolve(file));
        assertEquals(List.of(), lines.stream().filter(line -> !line.strip().startsWith("//"))
                .filter(line -> BARE.matcher(line).find()).toList());
    }

    @Test
    void hintsHelpAndResumeCommandsBeginWithTheProperty() throws IOException {
        var process = cop.with("COPILOT_GITHUB_TOKEN", null).process("chat", "hi");
        process.command().replaceAll(word -> word.equals("-Dcop.command=copilot") ? "-Dcop.command=~/b/p 100%" : word);
        prints(Harness.finished(process.start(), "", "chat"), 4, "hint: ~/b/p 100% login\n");
        process.command().removeLast();
        process.command().set(process.command().size() - 1, "help");
        prints(Harness.finished(process.start(), "", "help"), 0, "Usage: ~/b/p 100% COMMAND",
                "~/b/p 100% chat \"Three");
        process.command().add("chat");
        prints(Harness.finished(process.start(), "", "help"), 0, "Usage: ~/b/p 100% chat [PROMPT", "~/b/p 100% logs");
        process.command().removeIf(word -> word.startsWith("-Dcop.command"));
        prints(Harness.finished(process.start(), "", "help"), 0, "Usage: jbang copilot.java chat ");
    }

    /// A stand-in for the `jbang` on the PATH prints what it is given.
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"copilot.java|scripts/jbang copilot.java", "copilot|scripts/jbang copilot",
            "talk|scripts/jbang copilot", "ask-csv|scripts/jbang copilot", "scripts/repl.java|scripts/jbang copilot",
            "info|", "--version|"})
    void scriptsJbangTellsHowItWasStarted(String first, String command) throws Exception {
        cop.write("bin/jbang", "#!/bin/sh\nprintf '<%s>' \"$@\"\n").toFile().setExecutable(true);
        var builder = new ProcessBuilder("bash", "scripts/jbang", first, "x y").directory(CommandLines.root().toFile());
        builder.environment().put("PATH", cop.file("bin") + ":" + System.getenv("PATH"));
        String told = command == null ? "" : "<-Dcop.command=" + command + ">";
        assertEquals(told + "<" + first + "><x y>", Harness.finished(builder.start(), "").out());
    }

    @Test
    void loggingOutTwiceIsNoDamage() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.runWith(simulator.GITHUB_TOKEN + "\n", "login", "--with-token");
        prints(cop.run("logout"), 0, "");
        var again = cop.run("logout");
        assertFalse(again.err().contains("deleted"), again::all);
    }

    /// What starts the tool is no part of a command's syntax, though it has capitals, brackets and dashes.
    @ParameterizedTest
    @ValueSource(strings = {"templates check", "status", "chat say:x", "logs", "models", "render t --var text=x"})
    void anyNameStartsTheSameCommands(String words) throws Exception {
        cop.write("templates/t.mustache", "{{text}}");
        var process = cop.process(words.split(" "));
        process.command().replaceAll(word -> word.startsWith("-Dcop.command=")
                ? "-Dcop.command=jbang -v copilot@OWNER/[x]/copilot.java" : word);
        var outcome = Harness.finished(process.start(), "", "help");
        assertEquals(0, outcome.code(), outcome::all);
    }

    @Test
    void theCatalogsAliasesTellTheirName() throws IOException {
        Path catalog = CommandLines.root().resolve("jbang-catalog.json");
        var aliases = Json.tryParse(Files.readString(catalog)).path("aliases");
        for (String name : List.of("copilot", "talk", "repl", "embed", "install", "commit", "judge")) {
            assertEquals("[\"-Dcop.command=jbang copilot@OWNER/copilot.java\"]",
                    Json.compact(aliases.path(name).path("runtime-options")), name);
        }
    }

    // ---- files that are damaged

    private Path conversation(String name) {
        return Path.of(cop.run("logs", "path").out().strip()).resolve(name + ".jsonl");
    }

    /// A line that a crash has cut off, and others that are no turn.
    @ParameterizedTest
    @CsvSource({"'{\"at\":\"2026', 1", "garbage, 1", "{}, 1", "'[]\n{}\n', 2"})
    void aDamagedTurnIsSaid(String text, int lines) throws IOException {
        cop.run("chat", "say: one");
        Path file = Path.of(cop.run("logs", "path", "20").out().strip());
        Files.writeString(file, text, StandardOpenOption.APPEND);
        for (String words : List.of("logs", "logs show", "logs -q one", "chat -c say:two")) {
            var outcome = cop.run(words.split(" "));
            prints(outcome, 0, "warning: " + file + ": line 2 is damaged or empty, and left out\n");
            assertEquals(lines, outcome.err().split("is damaged").length - 1, outcome::all);
        }
        assertFalse(cop.run("completion", "next", "cop logs show ").err().contains("damaged"));
    }

    @Test
    void chatDoesNotGoOnWithAnotherConversationWithoutAWord() throws IOException {
        cop.run("chat", "say: one");
        Path file = Files.createFile(conversation("20261122-110000-abc"));
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(60)));
        prints(cop.run("chat", "-c", "say: two"), 0, "warning: " + file + ": line 1 is damaged or empty", "two\n");
        prints(cop.run("chat", "--cid", "20261122-11", "say: two"), 0, "warning: " + file + ": line 1 is damaged");
    }

    @Test
    void aFolderOrAPipeAmongTheConversationsIsNone() {
        cop.run("chat", "say: one");
        assumeFalse(System.getProperty("os.name").startsWith("Windows"), "POSIX");
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            Files.createDirectories(conversation("folder").resolve("kept"));
            var command = new ProcessBuilder("mkfifo", conversation("pipe").toString());
            assertEquals(0, command.start().waitFor());
            assertEquals(1, cop.run("logs").out().lines().count());
            prints(cop.run("chat", "-c", "say: two"), 0, "two\n");
            prints(cop.run("logs", "show", "folder"), 2, "there is no conversation \"folder\"");
            prints(cop.run("logs", "clear", "-y"), 0, "deleted 1 conversation\n");
            assertTrue(Files.exists(conversation("folder").resolve("kept")));
        });
    }

    /// It may hold a token: logout leaves nothing of it.
    @Test
    void aDamagedLoginIsSaidOnceAndGoesByLogout() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        String said = "login.json is damaged";
        for (String words : List.of("chat hi", "status", "models", "doctor", "logout", "login")) {
            Path file = cop.write(".config/copilot.java/login.json", "{\"127.0.0.1\": {\"token\": \"ghu_");
            var outcome = cop.run(words.split(" "));
            assertEquals(2, outcome.err().split(said, -1).length, outcome::all);
            prints(outcome, words.matches("log.*") ? 0 : 4, words.equals("logout") ? "deleted " + file
                    + ", which held nothing that can be read" : "copilot login replaces it");
            assertEquals(!words.equals("logout"), Files.exists(file), outcome::all);
            if (words.equals("login")) prints(cop.run("status"), 0, "your login");
        }
    }

    // ---- nothing is deleted that was not meant

    @ParameterizedTest
    @CsvSource({"30", "0", "' 7 '", "''"})
    void whatIsDeletedNeedsAUnit(String time) {
        cop.run("chat", "say: kept");
        prints(cop.run("logs", "clear", "--older-than", time, "-y"), 2, "--older-than");
        assertEquals(1, cop.run("logs").out().lines().count());
        // the clock stands still
        prints(cop.run("logs", "clear", "--older-than", "0s", "-y"), 0, "nothing to delete");
    }

    @Test
    void anEmptyIdIsNoConversation() {
        cop.run("chat", "say: kept");
        prints(cop.run("logs", "clear", "", "-y"), 2, "\"\"");
        assertEquals(1, cop.run("logs").out().lines().count());
    }

    // ---- a part of a model's id, wherever one is named

    @ParameterizedTest
    @CsvSource({"models show sonnet, 0, id\tclaude-sonnet-5", "models show claude-SONNET, 0, id\tclaude-sonnet-5",
            "models show claude, 2, several", "models default sonnet, 0, chat takes claude-sonnet-5",
            "models default claude, 2, 'claude-haiku-4.5, '", "models enable opus -y, 0, claude-opus-5 is enabled",
            "models enable sonnet, 0, claude-sonnet-5 is enabled already", "models enable nosuch -y, 2, no model",
            "embed -m 3-small --json a, 0, text-embedding-3-small"})
    void aPartOfAModelsId(String line, int code, String said) {
        prints(cop.run(line.split(" ")), code, said);
    }

    @Test
    void aPartOfAModelsIdInSettings() {
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

    @Test
    void aBatchsStatusHasNoNanoseconds() {
        cop.time.advance(Duration.ofNanos(123_456_789));
        cop.write("r.jsonl", "{\"a\":1}\n");
        cop.write("t.mustache", "say: {{a}}");
        cop.run("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl");
        assertTrue(cop.run("batch", "status", "o.jsonl").out().matches("(?s).*, last started [-0-9]+T[:0-9]+Z\n"));
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
    void aConversationTakesNoModelThatIsNotThere() {
        prints(onATerminal("/model sonnet\nsay: a\n/model nope\nsay: b\n/model gpt\nsay: c\n/model auto\n", "chat"), 0,
                "no model \"nope\"", "fits several", "the model is claude-sonnet-5", "the model is auto");
        assertEquals("[\"claude-sonnet-5\",\"claude-sonnet-5\",\"claude-sonnet-5\"]", Json.compact(Json.array(
                cop.bodies().stream().map(body -> body.path("model")))));
    }

    @Test
    void theDefaultModelCanBeTakenBack() {
        cop.run("models", "default", "sonnet");
        prints(cop.run("models", "default"), 0, "claude-sonnet-5\n");
        prints(cop.run("models", "default", "--unset"), 0, "gpt-5-mini");
        prints(cop.run("models", "default"), 0, "gpt-5-mini\n");
        prints(cop.run("models", "default", "sonnet", "--unset"), 2, "exclude each other");
    }

    // ---- install

    /// The user's own folder as COP_HOME, with a launcher that is installed and one that is not.
    @Test
    void uninstallDeletesWhatInstallWrote() throws IOException {
        String mark = "#!/bin/sh\n# copilot.java's launcher; `cop install --uninstall` takes it away.\n";
        var old = FileTime.from(Instant.now().minus(Duration.ofDays(30)));
        cop.with("COP_HOME", cop.home.toString());
        for (String mine : List.of("share/photos/a.jpg", "share/notes.txt", "share/lock", "share/0123456789abcdef/mine",
                "share/launchers", "share/0123456789abcde/complete", "bin/note")) {
            Files.setLastModifiedTime(cop.write(mine, mark.substring(12)).getParent(), old);
        }
        var mine = files();
        for (String own : List.of("00.jar", "chat.aot", "complete", "training.log")) {
            cop.write("share/0123456789abcdef/" + own, "");
            cop.write("share/fedcba9876543210/" + own, "");
        }
        Files.setLastModifiedTime(cop.file("share/fedcba9876543210"), old);
        String app = "app='" + cop.file("share/0123456789abcdef") + "'\n";
        cop.write("bin/cop", mark + app);
        cop.write("bin/pilot", mark + app);
        cop.write("share/copilot.java.launchers", cop.file("bin/cop") + "\n" + cop.file("bin/pilot") + "\n");
        prints(cop.run("install", "--uninstall", "--dir", "bin", "--name", "note"), 2, "there is another");
        prints(cop.run("install", "--uninstall", "--dir", "bin", "--name", "pilot"), 0);
        assertTrue(files().containsAll(mine), () -> files() + "");
        assertTrue(files().contains("share/0123456789abcdef/00.jar") && !files().contains("share/fedcba9876543210"),
                () -> files() + "");
        prints(cop.run("install", "--uninstall", "--dir", "bin"), 0);
        assertEquals(mine, files());
    }

    private Set<String> files() {
        try (var all = Files.walk(cop.home)) {
            return all.filter(Files::isRegularFile).map(file -> cop.home.relativize(file).toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// As in the simulator's shell.
    @Test
    void aLauncherDoesNotOutliveItsCopy() {
        var lasting = Path.of("/opt/no-such-folder-of-copilot.java");       // the tests themselves may run in /tmp
        prints(cop.with("COP_HOME", cop.file("h").toString()).run("install", "--dir", lasting.toString()), 2,
                "temporary folder, " + cop.file("h/share"), "hint: unset COP_HOME");
        assertFalse(Files.exists(lasting));
    }

    // ---- what was meant

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"batch staus m.jsonl|did you mean: copilot batch status",
            "batch staus|did you mean: copilot batch status", "batch merg a b|did you mean: copilot batch merge",
            "models defualt gpt-5.4|did you mean: copilot models default", "models shw|copilot models show",
            "templates shwo a|copilot templates show", "logs clera|copilot logs clear",
            "logs 2026|copilot logs show 2026",
            "chat --temp 0 hi|did you mean --template or --temperature?", "staus|did you mean: copilot status",
            "chat --endpoint respones hi|did you mean responses?", "batch -d r --format jsnol|did you mean jsonl?",
            "completion bsh|did you mean bash?", "chat -t sumarize|did you mean summarize?",
            "logs show 20261|no conversation \"20261\"", "ask hello|hint: copilot chat \"…\" asks a model",
            "version|did you mean: copilot --version", "--host x status|hint: copilot status --host …"})
    void aWordThatIsNearlyOne(String line, String hint) {
        var outcome = cop.run(line.split(" "));
        assertTrue(outcome.err().contains(hint), outcome::all);
    }

    @Test
    void aSentenceIsForChat() {
        prints(cop.run("Three names for Ann's pelican"), 2, "no command \"Three names",
                "hint: copilot chat 'Three names for Ann'\\''s pelican' asks a model");
    }

    // ---- tables

    @Test
    void columnsGoByCells() {
        for (String name : List.of("鳥鳥", "abcd", "e\u0301tude", "ｶﾅ", "한국어", "🦆")) {
            cop.write("templates/" + name + ".mustache", "---\ndescription: D\n---\nx\n");
        }
        var at = cop.terminal(1).run("templates").out().lines().filter(line -> line.contains(" D "))
                .map(line -> line.substring(0, line.indexOf(" D "))).map(Cells::of).distinct().toList();
        assertEquals(1, at.size(), at::toString);
    }

    // ---- completion

    private List<String> next(String line) {
        return cop.run("completion", "next", line).out().lines().map(each -> each.split("\t")[0]).toList();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"batch |status merge review", "batch status |a b", "batch merge a |b",
            "batch status d/|d/c", "models default |auto gpt-5-mini", "models show |gpt-5.4",
            "chat -m |claude-sonnet-5", "models enable |claude-opus-5", "chat --reasoning-effort |low high",
            "login --client |vscode gh", "batch --out-format |openai", "batch -d x --format |jsonl csv",
            "help |chat logs", "logs |show clear",
            "completion |bash zsh fish", "templates |check path"})
    void completesByWhatStandsThere(String line, String wanted) throws IOException {
        for (String run : List.of("a.run", "b.run", "d/c.run", "e")) Files.createDirectories(cop.file(run));
        cop.run("models");
        var next = next("cop " + line + (line.endsWith("/") ? "" : " "));
        assertTrue(next.containsAll(List.of(wanted.split(" "))), next::toString);
        assertFalse(next("cop models enable ").contains("gpt-5.4"));
        assertFalse(next("cop chat -m ").contains("claude-opus-5"));
    }

    /// Whatever others add to the table of commands is in the help and completed.
    @Test
    void eachFormIsCompletedWithItsWords() {
        for (String command : Commands.names()) {
            if (command.equals("help")) continue;
            var forms = new Syntax(command, Commands.create(command).syntax()).forms;
            for (var form : forms) {
                if (form.action().isEmpty()) continue;
                assertTrue(next("cop " + command + " ").contains(form.action()), form.text());
                String help = cop.run("help", command).out();
                assertTrue(help.matches("(?s).*[ \\[]" + form.action() + "\\b.*"), form.text());
            }
        }
    }

    @Test
    void candidatesSayWhatTheyAre() {
        cop.run("chat", "say: what was\tsaid\nfirst");
        String id = next("cop logs show ").getFirst();
        assertEquals(id + "\tsay: what was said first\n", cop.run("completion", "next", "cop chat --cid ").out());
        assertTrue(cop.run("completion", "next", "cop ").out().contains("chat\tAsk a model; with no prompt "));
        assertTrue(cop.run("completion", "next", "cop logs ").out().contains("clear\tclear [ID | --older-than TIME]"));
        assertTrue(cop.run("completion", "next", "cop token -").out().contains("--refresh\tExchange now"));
    }

    /// Names as nobody would choose them, but a cloned repository may hold.
    private static final List<String> NAMES = List.of("zap$(touch${IFS}pwned)", "`touch pwned`", "two words", "*",
            "it's", "a\"b", "a;touch pwned", "é~", "new\nline", "esc\u001b[2J", "#x", "-rf");

    /// The shell's own completion of a line, in a folder with these templates; the tool itself is a stand-in.
    private List<String> completed(String shell, String script, String... extra) throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/" + shell)), "there is no " + shell);
        for (String name : NAMES) cop.write("templates/" + name + ".mustache", "x");
        cop.write("next", cop.run("completion", "next", "cop render ").out());
        cop.write("functions", cop.run("completion", shell).out());
        cop.write("try", script);
        var command = Stream.concat(Stream.of(shell), Stream.of(extra));
        var process = cop.process().command(Stream.concat(command, Stream.of("try")).toList()).start();
        var lines = Harness.finished(process, "").out().lines().toList();
        assertFalse(Files.exists(cop.file("pwned")), lines::toString);
        return lines;
    }

    @Test
    void bashQuotesEachName() throws IOException {
        var lines = completed("bash", """
                cop() { cat next; }
                . ./functions
                COMP_LINE="cop render "; COMP_POINT=11; COMP_WORDS=(cop render ""); COMP_CWORD=2; _cop
                for each in "${COMPREPLY[@]}"; do eval "set -- $each"; printf '%s:%s\n' $# "$1"; done
                COMP_TYPE=63; _cop
                """, "--norc");
        for (String name : NAMES) {
            assertEquals(name.matches(".*\\p{Cntrl}(?s).*") ? 0 : 1, Collections.frequency(lines, "1:" + name), name);
        }
        assertEquals(List.of(), lines.stream().filter(line -> !line.startsWith("1:")).toList());
    }

    /// What compadd gets is quoted by zsh itself.
    @Test
    void zshAddsEachNameOnce() throws IOException {
        var lines = completed("zsh", """
                cop() { cat next }; compdef() { : }; compadd() { shift 4; print -rl -- "$@" }; words=(cop render '')
                CURRENT=3; . ./functions; _cop
                """, "-f");
        for (String name : NAMES) {
            assertEquals(name.matches(".*\\p{Cntrl}(?s).*") ? 0 : 1, Collections.frequency(lines, name), name);
        }
    }

    @Test
    void fishOffersEachNameOnce() throws IOException {
        var lines = completed("fish", "function cop; cat next; end\nsource functions\ncomplete -C 'cop render '\n",
                "--no-config");
        for (String name : NAMES) {
            assertEquals(name.matches(".*\\p{Cntrl}(?s).*") ? 0 : 1, Collections.frequency(lines, name), name);
        }
    }

    // ---- stderr

    /// What is advised works with every command, whether it lists --max-wait or not.
    @Test
    void aLongRateLimitIsWaitedForAsTheHintSays() {
        cop.sim.set("models-faults", "429:300");
        prints(cop.run("models"), 75, "COP_MAX_WAIT=6m");
        cop.sim.set("models-faults", "429:300");
        prints(cop.with("COP_MAX_WAIT", "6m").run("models"), 0);
    }

    @Test
    void usageOfAnAnswerWithoutAModelHasNoGap() {
        var reply = new copilot.Reply(List.of("hi"), "", "stop", "", copilot.Usage.NONE, Json.array(Stream.of()), "",
                "", Duration.ofMillis(328), List.of());
        assertEquals("usage: 0 prompt + 0 completion tokens, 328 ms", reply.usageLine());
    }

    @Test
    void nothingGoesPastTheConsole() {
        String secret = "ghu_" + "a".repeat(36);
        var err = new StringWriter();
        var console = new Console(cop.terminal(2).environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                new PrintWriter(new StringWriter()), new PrintWriter(err)));
        console.countdown("waiting for " + secret);
        new PlainTerminal(console).line();
        assertFalse(err.toString().contains(secret), err::toString);
        assertTrue(err.toString().contains("\033[1m> \033[0m"), err::toString);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsTooDeepShowsWhereWithV(boolean memory) {
        var err = new StringWriter();
        var out = new PrintWriter(new StringWriter()) {
            @Override
            public void print(String text) {
                if (memory) throw new OutOfMemoryError("down there");
                throw new StackOverflowError("down there");
            }
        };
        var env = cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE), out, new PrintWriter(err));
        assertEquals(2, copilot.run(env, "completion", "bash", "-v"));
        assertTrue(err.toString().contains("down there") && err.toString().contains("at cop.Command.show"),
                err::toString);
    }

    // ---- the programs beside it

    @ParameterizedTest
    @CsvSource({"bench, nosuch, 2, error: nosuch is unknown", "bench, --against /, 2, error: there is no checkout",
            "demo, --help, 0, runs the README's tour", "demo, x, 2, error: demo takes no",
            "test, --help, 0, CommandFaults", "test, --fast, 2, error: there is no option --fast"})
    @Tag("slow")                                            // each is built, by JBang
    void programsSayWhatTheyTake(String program, String args, int code, String said) throws IOException {
        var command = Stream.concat(Stream.of("scripts/jbang", program), Stream.of(args.split(" "))).toList();
        var builder = new ProcessBuilder(command).directory(CommandLines.root().toFile());
        var outcome = Harness.finished(builder.start(), "");
        prints(outcome, code, said);
        assertFalse(outcome.all().contains("\tat "), outcome::all);
    }

    @Test
    void aDeletedFolderIsNoStackTrace() throws IOException {
        String jbang = CommandLines.root().resolve("scripts/jbang").toString();
        cop.write("gone/x", "");
        var process = cop.process().command("bash", "-c", "cd gone && rm -r ../gone && '" + jbang + "' copilot.java");
        assertEquals("error: the current folder has been deleted: " + cop.file("gone").toRealPath()
                + "\nhint: cd to another one\n", Harness.finished(process.start(), "").err()
                .replaceAll("(?m)^shell-init.*\n|^.*getcwd.*\n", ""));
    }
}
