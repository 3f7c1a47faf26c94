package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static cop.Harness.messages;
import static cop.Harness.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Shell completion: the candidates of `completion next`, and the functions of bash, zsh and fish.
class Completions {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---- candidates

    /// What may come where a line ends.
    private List<String> next(String line) {
        return cop.run("completion", "next", line).out().lines().map(each -> each.split("\t")[0]).toList();
    }

    @Test
    void commandsOptionsAndValuesAreCompleted() {
        cop.run("models");
        cop.write("templates/mine.mustache", "x");
        assertEquals(Commands.names(), next("cop "));
        assertEquals(Commands.names(), next("cop ch"));
        assertEquals(Commands.names(), next("cop help ba"));
        for (String line : List.of("cop chat -m gpt-", "cop chat hello --model=", "cop models show ", "cop talk -m ")) {
            assertTrue(next(line).containsAll(List.of("auto", "gpt-5-mini")), line);
        }
        for (String line : List.of("cop chat -t ", "cop render re", "cop batch ", "cop templates show r",
                "cop templates check -q ", "cop embed -t ")) {
            assertTrue(next(line).containsAll(List.of("review", "mine")), line);
        }
        assertTrue(next("cop batch x --max-tot").containsAll(List.of("--max-total-tokens", "-j", "--jobs")));
        assertTrue(next("cop logs ").containsAll(List.of("list", "show", "path", "clear")));
        assertTrue(next("cop templates c").containsAll(List.of("list", "show", "check", "path", "copy")));
        assertEquals(List.of("chat", "responses", "messages"), next("cop chat --endpoint "));
        assertTrue(next("cop completion z").containsAll(List.of("bash", "zsh", "fish")));
        for (String line : List.of("cop chat hel", "cop chat -f ", "cop batch x -d ", "cop help batch ",
                "cop nosuch ")) {
            assertEquals(List.of(), next(line), line);
            assertNotEquals(0, cop.run("completion", "next", line).code(), "where nothing is offered files are");
        }
    }

    @Test
    void completionSendsNoRequests() {
        assertEquals(List.of("auto"), next("cop chat -m "));
        assertEquals(0, cop.sim.ledger().size());
        cop.run("models");
        assertTrue(next("cop chat -m ").contains("gpt-5-mini"));
        assertEquals(1, cop.sim.count("/models"));
        assertEquals(2, cop.run("completion", "tcsh").code());
        assertEquals(2, cop.run("completion").code());
        assertEquals(2, cop.run("completion", "bash", "--name", "a b").code());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"batch |status merge review", "batch status |a b", "batch merge a |b",
            "batch status d/|d/c", "models default |auto gpt-5-mini", "models show |gpt-5.4",
            "chat -m |claude-sonnet-5", "models enable |claude-opus-5", "chat --reasoning-effort |low high",
            "login --client |vscode gh", "batch --out-format |openai", "batch -d x --format |jsonl csv",
            "help |chat logs", "logs |show clear",
            "completion |bash zsh fish", "templates |check path"})
    void candidatesDependOnContext(String line, String wanted) throws IOException {
        for (String run : List.of("a.run", "b.run", "d/c.run", "e")) Files.createDirectories(cop.file(run));
        cop.run("models");
        var next = next("cop " + line + (line.endsWith("/") ? "" : " "));
        assertTrue(next.containsAll(List.of(wanted.split(" "))), next::toString);
        assertFalse(next("cop models enable ").contains("gpt-5.4"));
        assertFalse(next("cop chat -m ").contains("claude-opus-5"));
    }

    /// Whatever others add to the table of commands is in the help and completed.
    @Test
    void everyActionIsCompleted() {
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
    void candidatesHaveDescriptions() {
        cop.run("chat", "say: what was\tsaid\nfirst");
        String id = next("cop logs show ").getFirst();
        assertEquals(id + "\tsay: what was said first\n", cop.run("completion", "next", "cop chat --cid ").out());
        assertTrue(cop.run("completion", "next", "cop ").out().contains("chat\tAsk a model; with no prompt "));
        assertTrue(cop.run("completion", "next", "cop logs ").out().contains("clear\tclear [ID | --older-than TIME]"));
        assertTrue(cop.run("completion", "next", "cop token -").out().contains("--refresh\tGet a new token"));
    }

    // ---- shells

    /// Returns bash's candidates for a line if the tool offers these.
    private String bash(String line, String... offered) throws IOException {
        cop.write("complete.sh", "cop() { printf '%s\\n' \"$@\" >asked; cat offered; }\n"
                + cop.run("completion", "bash").out() + "COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDS=($1); COMP_CWORD="
                + "$((${#COMP_WORDS[@]}-1))\n[[ $1 == *' ' ]] && COMP_CWORD=${#COMP_WORDS[@]}\n_cop\n"
                + "printf '%s\\n' \"${COMPREPLY[@]}\"\n");
        cop.write("offered", String.join("\n", offered) + "\n");
        var process = cop.process().command("bash", "--norc", "complete.sh", line);
        String replied = Harness.finished(process.start(), "").out().strip();
        assertEquals("completion\nnext\n" + line + "\n", Files.readString(cop.file("asked")));
        return replied;
    }

    @Test
    void bashFiltersByPrefix() throws IOException {
        assertEquals("chat", bash("cop ch", "login", "chat", "completion"));
        assertEquals("gpt-5-mini\ngpt-5.4", bash("cop chat -m ", "gpt-5-mini", "gpt-5.4"));
        assertEquals("", bash("cop chat hel", ""));
        assertEquals("a\\ b\n\\$\\(touch\\ run\\)\n\\*", bash("cop chat -t ", "a b", "$(touch run)", "*"));
        assertFalse(Files.exists(cop.file("run")), "a name is no command");
    }

    @Test
    void shellFunctionsCallTheTool() {
        for (String shell : List.of("bash", "zsh", "fish")) {
            String script = cop.run("completion", shell, "--name", "pilot").out();
            assertTrue(script.contains("(pilot completion next "), script);
            assertFalse(script.contains("NAME"), script);
        }
    }

    /// Names that a cloned repository may contain.
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

    /// zsh quotes the arguments of compadd itself.
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
}
