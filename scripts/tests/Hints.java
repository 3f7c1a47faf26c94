package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static cop.Harness.prints;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Hints and suggestions: the command as it was started, misspelled words; and what may reach the terminal.
class Hints {
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
            "scripts/ask-csv.java", "scripts/eval.java"})
    void noTextUsesBareCommandName(String file) throws IOException {
        var lines = Files.readAllLines(CommandLines.root().resolve(file));
        assertEquals(List.of(), lines.stream().filter(line -> !line.strip().startsWith("//"))
                .filter(line -> BARE.matcher(line).find()).toList());
    }

    @Test
    void hintsAndHelpUseCommandProperty() throws IOException {
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

    /// A program is started by an alias or a file of its own, other commands and the installed launcher by `copilot`.
    @ParameterizedTest
    @CsvSource({"jbang copilot@OWNER/copilot.java, jbang talk@OWNER/copilot.java, jbang copilot@OWNER/copilot.java",
            "scripts/jbang copilot, scripts/jbang talk, scripts/jbang copilot", "cop, cop talk, cop"})
    void helpOfProgramNamesItsAlias(String started, String talk, String tool) throws IOException {
        var process = cop.process("talk", "--help");
        process.command().replaceAll(word -> word.startsWith("-Dcop.command=") ? "-Dcop.command=" + started : word);
        prints(Harness.finished(process.start(), "", "help"), 0, "Usage: " + talk + " [PROMPT", "\n  " + talk + "\n");
        process.command().set(process.command().size() - 2, "chat");
        prints(Harness.finished(process.start(), "", "help"), 0, "Usage: " + tool + " chat [PROMPT");
    }

    /// A stand-in for the `jbang` on the PATH prints what it is given.
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"copilot.java|scripts/jbang copilot.java", "copilot|scripts/jbang copilot",
            "talk|scripts/jbang copilot", "ask-csv|scripts/jbang copilot", "scripts/repl.java|scripts/jbang copilot",
            "info|", "--version|"})
    void jbangScriptPassesCommandProperty(String first, String command) throws Exception {
        cop.write("bin/jbang", "#!/bin/sh\nprintf '<%s>' \"$@\"\n").toFile().setExecutable(true);
        var builder = new ProcessBuilder("bash", "scripts/jbang", first, "x y").directory(CommandLines.root().toFile());
        builder.environment().put("PATH", cop.file("bin") + ":" + System.getenv("PATH"));
        String told = command == null ? "" : "<-Dcop.command=" + command + ">";
        assertEquals(told + "<" + first + "><x y>", Harness.finished(builder.start(), "").out());
    }

    /// The command that starts the tool is not part of the syntax, even with capitals, brackets and dashes.
    @ParameterizedTest
    @ValueSource(strings = {"templates check", "status", "chat say:x", "logs", "models", "render t --var text=x"})
    void commandPropertyDoesNotAffectParsing(String words) throws Exception {
        cop.write("templates/t.mustache", "{{text}}");
        var process = cop.process(words.split(" "));
        process.command().replaceAll(word -> word.startsWith("-Dcop.command=")
                ? "-Dcop.command=jbang -v copilot@OWNER/[x]/copilot.java" : word);
        var outcome = Harness.finished(process.start(), "", "help");
        assertEquals(0, outcome.code(), outcome::all);
    }

    @Test
    void catalogAliasesSetCommandProperty() throws IOException {
        Path catalog = CommandLines.root().resolve("jbang-catalog.json");
        var aliases = Json.tryParse(Files.readString(catalog)).path("aliases");
        for (String name : List.of("copilot", "talk", "repl", "embed", "install", "commit", "eval")) {
            assertEquals("[\"-Dcop.command=jbang copilot@OWNER/copilot.java\"]",
                    Json.compact(aliases.path(name).path("runtime-options")), name);
        }
    }

    /// Words are separated by commas here.
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"chat,-o,no dir/x,hi|hint: mkdir -p '/|/no dir'",
            "chat,-o,a b,hi|hint: -o 'a|b/answer.txt'", "chat,-f,a b/f,a b/f|or -f 'a|b/f'",
            "batch,a b/t.mustache,-d,r.jsonl,-o,x.jsonl,--run,a b/c|--run '/|/a b/new.run'",
            "chat,-t,a b/s.mustache|chat -t 'a|b/s.mustache' ",
            "chat,-t,a b/e.mustache,--var,x= |show 'a|b/e.mustache'"})
    void namesInHintsAreQuoted(String words, String begin, String end) {
        cop.write("r.jsonl", "{\"text\": \"a\"}\n");
        cop.write("a b/f", "text");
        cop.write("a b/c/f", "text");
        cop.write("a b/t.mustache", "{{text}}");
        cop.write("a b/s.mustache", "---\nsystem: be brief\n---\n");
        cop.write("a b/e.mustache", "{{x}}");
        var outcome = cop.run(words.split(","));
        String hint = outcome.err().lines().filter(line -> line.startsWith("hint: ")).findFirst().orElse("");
        assertTrue(outcome.code() == 2 && hint.contains(begin) && hint.contains(end), outcome::all);
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
            "logs show 20261|unknown conversation: 20261", "ask hello|hint: copilot chat \"…\" asks a model",
            "version|did you mean: copilot --version", "--host x status|hint: copilot status --host …"})
    void misspelledWords(String line, String hint) {
        var outcome = cop.run(line.split(" "));
        assertTrue(outcome.err().contains(hint), outcome::all);
    }

    @Test
    void sentenceHintsAtChat() {
        prints(cop.run("Three names for Ann's pelican"), 2, "unknown command \"Three names",
                "hint: copilot chat 'Three names for Ann'\\''s pelican' asks a model");
    }

    // ---- tables

    @Test
    void columnsAlignByDisplayWidth() {
        for (String name : List.of("鳥鳥", "abcd", "e\u0301tude", "ｶﾅ", "한국어", "🦆")) {
            cop.write("templates/" + name + ".mustache", "---\ndescription: D\n---\nx\n");
        }
        var at = cop.terminal(1).with("COLUMNS", "200").run("templates").out().lines()
                .filter(line -> line.contains(" D "))
                .map(line -> line.substring(0, line.indexOf(" D "))).map(DisplayWidth::of).distinct().toList();
        assertEquals(1, at.size(), at::toString);
    }

    // ---- stderr

    /// The hint works with every command, whether it lists --max-wait or not.
    @Test
    void maxWaitHintWorksForEveryCommand() {
        cop.sim.set("models-faults", "429:300");
        prints(cop.run("models"), 75, "COP_MAX_WAIT=6m");
        cop.sim.set("models-faults", "429:300");
        prints(cop.with("COP_MAX_WAIT", "6m").run("models"), 0);
        cop.sim.set("faults", "429:600");
        var outcome = cop.run("chat", "--max-wait", "1m", "hi");
        prints(outcome, 75, "with --max-wait 11m");
        assertFalse(outcome.all().contains("COP_MAX_WAIT"), outcome::all);
    }

    @Test
    void unknownModelSuggestsNearest() {
        prints(cop.run("chat", "-m", "sonet", "hi"), 1, "hint: did you mean claude-sonnet-5? ");
        cop.run("models");
        prints(cop.run("chat", "-m", "gtp-5.4", "hi"), 1, "hint: did you mean gpt-5.4? ");
        assertFalse(cop.run("chat", "-m", "zzzzzzzz", "hi").all().contains("did you mean"));
    }

    @Test
    void terminalOutputIsMasked() {
        String secret = "ghu_" + "a".repeat(36);
        var err = new StringWriter();
        var console = new Console(cop.terminal(2).environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                new PrintWriter(new StringWriter()), new PrintWriter(err)));
        console.transientLine("waiting for " + secret);
        new PlainTerminal(console).line();
        assertFalse(err.toString().contains(secret), err::toString);
        assertTrue(err.toString().contains("\033[1m> \033[0m"), err::toString);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void verboseShowsTraceOfFatalErrors(boolean memory) {
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
    @CsvSource({"bench, nosuch, 2, error: unknown part: nosuch", "bench, --against /, 2, error: / is not in a checkout",
            "demo, --help, 0, usage: demo", "demo, x, 2, error: unexpected argument: x",
            "test, --help, 0, RowReaders", "test, --fast, 2, error: unknown option: --fast"})
    @Tag("slow")                                            // each is built, by JBang
    void programsReportUsage(String program, String args, int code, String said) throws IOException {
        var command = Stream.concat(Stream.of("scripts/jbang", program), Stream.of(args.split(" "))).toList();
        var builder = new ProcessBuilder(command).directory(CommandLines.root().toFile());
        var outcome = Harness.finished(builder.start(), "");
        prints(outcome, code, said);
        assertFalse(outcome.all().contains("\tat "), outcome::all);
    }

    @Test
    void deletedCurrentFolderIsReported() throws IOException {
        String jbang = CommandLines.root().resolve("scripts/jbang").toString();
        cop.write("gone/x", "");
        var process = cop.process().command("bash", "-c", "cd gone && rm -r ../gone && '" + jbang + "' copilot.java");
        assertEquals("error: the current folder has been deleted: " + cop.file("gone").toRealPath()
                + "\nhint: cd to another folder\n", Harness.finished(process.start(), "").err()
                .replaceAll("(?m)^shell-init.*\n|^.*getcwd.*\n", ""));
    }

    /// Words that a shell or a habit has changed are refused before anything is sent.
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "chat -max-tokens 5 hi | unknown option: -max-tokens | did you mean --max-tokens?",
            "chat -json hi | unknown option: -json | did you mean --json?",
            "batch t -d r -o o.csv --delay 3w | invalid time: --delay 3w | 500ms"})
    void wordsThatAreNotMeantAreRefused(String line, String error, String hint) {
        cop.write("templates/t.mustache", "{{text}}");
        cop.write("r", "{\"text\": \"a\"}");
        var outcome = cop.run(line.split(" "));
        assertEquals(2, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains(error), outcome::all);
        assertTrue(hint == null || outcome.err().contains(hint), outcome::all);
        assertEquals(0, cop.chats().size());
        outcome = cop.run("chat", "-m", "", "hi");
        assertEquals("error: --model is blank\nhint: check for an unset shell variable\n", outcome.err());
    }

    // ---- what a new user types

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "auth login                              | copilot login",
            "chat --stream hello                     | omit it: this is the default",
            "render t -d data/custmers.json          | did you mean: data/customers.json",
            "chat -a data/customers.jsn x            | did you mean: data/customers.json",
            "batch t -d data/customer.json -o o.json | did you mean: data/customers.json",
            "render t -d nope.json                   | ls .",
            "render t -d data/nope.json              | ls data/"})
    void hintNamesWhatIsThere(String line, String hint) {
        cop.write("templates/t.mustache", "{{name}}");
        cop.write("data/customers.json", "{\"name\": 1}");
        var outcome = cop.run(line.split(" "));
        assertEquals(2, outcome.code(), outcome::all);
        assertEquals("hint: " + hint, outcome.err().lines().toList().getLast(), outcome::all);
    }

    /// `^C` is echoed where the cursor is: at the end of the window it would wrap.
    @Test
    void cursorWaitsAtTheBeginningOfAnUpdatingLine() {
        var err = new StringWriter();
        var in = new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE);
        new Console(cop.terminal(2).environment(in, new PrintWriter(new StringWriter()), new PrintWriter(err)))
                .transientLine("4/20");
        assertTrue(err.toString().endsWith("4/20\033[0m\033[?7h\r"), err.toString().replace("\033", "^"));
    }
}
