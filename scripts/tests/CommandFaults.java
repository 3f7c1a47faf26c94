package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// What the command line says and completes: names as they were typed, words that were meant, nothing that is run,
/// deleted or cut in two.
class CommandFaults {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private static void says(Harness.Outcome outcome, int code, String... texts) {
        assertEquals(code, outcome.code(), outcome::all);
        for (String text : texts) assertTrue(outcome.all().contains(text), () -> text + " in\n" + outcome.all());
    }

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
        says(Harness.finished(process.start(), "", "chat"), 4, "hint: ~/b/p 100% login\n");
        process.command().removeLast();
        process.command().set(process.command().size() - 1, "help");
        says(Harness.finished(process.start(), "", "help"), 0, "Usage: ~/b/p 100% COMMAND", "~/b/p 100% chat \"Three");
        process.command().add("chat");
        says(Harness.finished(process.start(), "", "help"), 0, "Usage: ~/b/p 100% chat [PROMPT", "~/b/p 100% logs");
        process.command().removeIf(word -> word.startsWith("-Dcop.command"));
        says(Harness.finished(process.start(), "", "help"), 0, "Usage: jbang copilot.java chat ");
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
    void theCatalogsAliasesTellTheirName() throws IOException {
        Path catalog = CommandLines.root().resolve("jbang-catalog.json");
        var aliases = Json.tryParse(Files.readString(catalog)).path("aliases");
        for (String name : List.of("copilot", "talk", "repl", "embed", "install", "commit", "judge")) {
            assertEquals("[\"-Dcop.command=jbang copilot@OWNER/copilot.java\"]",
                    Json.compact(aliases.path(name).path("runtime-options")), name);
        }
    }
}
