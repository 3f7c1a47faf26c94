package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

import static cop.Harness.messages;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Conversation and login in a terminal (tmux): typed key by key, read from the screen.
@Execution(ExecutionMode.CONCURRENT)
class Terminals {
    private final Harness cop = Harness.loggedIn();
    private int servers;

    @BeforeAll
    static void onlyWithTmux() {
        boolean there = Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "tmux")));
        assumeTrue(there && System.getProperty("os.name").equals("Linux"), "tmux on Linux");
    }

    @AfterEach
    void close() {
        closeWindow();
        cop.close();
    }

    // ---------------------------------------------------------------------------------------------- helpers

    /// A tmux server of our own, which none of the user's settings reach.
    private String tmux(String... args) {
        var command = new ArrayList<>(List.of("tmux", "-u", "-S", cop.file("tmux-" + servers).toString(),
                "-f", cop.file("tmux.conf").toString()));
        command.addAll(List.of(args));
        var builder = cop.process().command(command).redirectErrorStream(true);
        try {
            var process = builder.start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return said;
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// Starts the tool in a window of 100 by 40; after its end the screen shows `[left with CODE, TERMINAL]`.
    private Terminals open(String... args) { return openAs("$@", args); }

    private Terminals openAs(String line, String... args) {
        String command = cop.process(args).command().stream().map(w -> "'" + w.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
        cop.write("tmux.conf", """
                set -g default-terminal tmux-256color
                set -g status off
                set -g escape-time 20
                set -g history-limit 5000
                """);
        // Ctrl-C goes to the whole foreground group: the shell must outlive it
        cop.write("run.sh", "trap : INT\n" + line.replace("$@", command)
                + "\necho \"[left with $?, $(stty -a | grep -ow -e '-\\?icanon' -e '-\\?echo' | xargs)]\"\n"
                + "exec sleep 300\n");
        tmux("new-session", "-d", "-x", "100", "-y", "40", "sh", cop.file("run.sh").toString());
        return this;
    }

    /// Ends the server; the next one has another socket, for this one is not gone at once.
    private void closeWindow() {
        if (Files.exists(cop.file("tmux-" + servers))) tmux("kill-server");
        servers++;
    }

    private String screen() { return tmux("capture-pane", "-p", "-J", "-S", "-").stripTrailing(); }

    private void await(String what, Predicate<String> condition) {
        var last = new String[]{""};
        try {
            Harness.await(what, () -> {
                LockSupport.parkNanos(30_000_000);
                last[0] = screen();
                return condition.test(last[0]);
            });
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "\n--- the screen\n" + last[0], e);
        }
    }

    private Terminals shows(String text) {
        await("the screen shows " + text, s -> s.contains(text));
        return this;
    }

    private Terminals matches(String regex) {
        await("the screen has " + regex, s -> Pattern.compile(regex, Pattern.MULTILINE).matcher(s).find());
        return this;
    }

    /// The prompt is the last thing on the screen.
    private Terminals ready() {
        await("the prompt", s -> s.equals(">") || s.endsWith("\n>"));
        return this;
    }

    /// By way of a file: under a C locale this JVM could not pass the text as an argument.
    private Terminals type(String text) {
        cop.write("keys", text);
        tmux("load-buffer", cop.file("keys").toString(), ";", "paste-buffer");
        return this;
    }

    /// Bracketed, as terminals paste.
    private Terminals paste(String text) {
        cop.write("keys", text);
        tmux("load-buffer", cop.file("keys").toString(), ";", "paste-buffer", "-p");
        return this;
    }

    private Terminals press(String... keys) {
        tmux(Stream.concat(Stream.of("send-keys"), Stream.of(keys)).toArray(String[]::new));
        return this;
    }

    private Terminals enter(String text) { return type(text).press("Enter"); }

    /// Types a line and waits for the answer or note, and for the next prompt.
    private Terminals turn(String line, String shown) {
        return prompted(() -> enter(line).shows(shown));
    }

    /// Does something and waits for one more prompt.
    private Terminals prompted(Runnable action) {
        long before = prompts(screen());
        action.run();
        await("the next prompt", s -> prompts(s) > before && s.endsWith("\n>"));
        return this;
    }

    private Terminals interrupt() { return prompted(() -> press("C-c")); }

    private static long prompts(String screen) { return screen.lines().filter(l -> l.startsWith(">")).count(); }

    /// The program ends, and the terminal reads lines and echoes them as before.
    private void leaves(int code) {
        matches("^.*\\[left with .*\\]");
        String screen = screen();
        assertTrue(screen.contains("[left with " + code + ", icanon echo]"), screen);
    }

    private String lastSent() { return messages(cop.chats().getLast().body()).getLast(); }

    private ProcessHandle java() {
        long shell = Long.parseLong(tmux("list-panes", "-F", "#{pane_pid}").strip());
        return ProcessHandle.of(shell).orElseThrow().children().findFirst().orElseThrow();
    }

    private Terminals conversation(String... more) {
        return open(Stream.concat(Stream.of("chat", "-m", "mai-code-1.1-flash"), Stream.of(more))
                .toArray(String[]::new)).ready();
    }

    // ------------------------------------------------------------------------------------------ coming, going

    @Test
    void ctrlDEndsConversation() {
        open("chat").ready().shows("chatting with gpt-5-mini").press("C-d").leaves(0);
        assertEquals(0, cop.chats().size());
    }

    @Test
    void quitEndsIt() { conversation().enter("/quit").leaves(0); }

    @Test
    void exitAndQuitWithoutSlash() {
        for (String word : List.of("exit", "quit")) {
            conversation().enter(word).leaves(0);
            closeWindow();
        }
        assertEquals(0, cop.chats().size());
    }

    @Test
    void ctrlCAtEmptyPromptHintsHowToQuit() {
        conversation().type("half").shows("> half").interrupt();
        assertFalse(screen().contains("leaves)"), screen());
        interrupt().shows("(press Ctrl-D or type /quit to leave)").press("C-d").leaves(0);
    }

    @Test
    void ctrlCDiscardsTypedLine() {
        conversation().interrupt().type("half a li").shows("> half a li").interrupt().prompted(() -> press("Enter"))
                .turn("say: still here", "still here").press("C-d").leaves(0);
        assertEquals(1, cop.chats().size());
        assertEquals(List.of("user: say: still here"), messages(cop.chats().getLast().body()));
    }

    @Test
    void terminatedAtPromptRestoresTerminal() throws Exception {
        conversation();
        new ProcessBuilder("kill", "-TERM", "" + java().pid()).start().waitFor();
        leaves(143);
    }

    @Test
    void terminatedWithinReplyRestoresTerminal() throws Exception {
        conversation();
        cop.sim.set("silence", 30_000);
        enter("say: first second").matches("^first");
        new ProcessBuilder("kill", "-TERM", "" + java().pid()).start().waitFor();
        leaves(143);
    }

    @Test
    void notLoggedInIsReportedBeforeFirstPrompt() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        open("chat").shows("copilot login").leaves(4);
    }

    @Test
    void jsonNeedsPrompt() { open("chat", "--json").shows("error: ").leaves(2); }

    @Test
    void promptArgumentOnTerminalIsSentAtOnce() { open("chat", "say: hello").shows("hello").leaves(0); }

    @Test
    void dashReadsFromTerminal() {
        open("chat", "-");
        enter("say: typed").press("C-d").matches("^typed$").leaves(0);
    }

    @Test
    void ctrlCEndsWaitForInput() {
        open("chat", "-");
        enter("half").shows("half");
        Harness.await("the program", () -> java().info().command().orElse("").endsWith("java"));
        press("C-c").leaves(130);
        assertEquals(0, cop.chats().size());
    }

    @Test
    void closedWindowEndsProgram() {
        conversation();
        var program = java();
        closeWindow();
        Harness.await("the end", () -> !program.isAlive());
    }

    @Test
    void narrowedWindowKeepsLine() {
        conversation().type("say: one two three four five six seven").shows("seven");
        tmux("resize-window", "-x", "24", "-y", "20");
        prompted(() -> press("Enter"));
        assertEquals("user: say: one two three four five six seven", lastSent());
    }

    // ------------------------------------------------------------------------------------------------- turns

    @Test
    void twoTurnsKeepTheContext() {
        conversation("-s", "be kind").turn("say: one", "one").turn("say: two", "two");
        assertEquals(List.of("system: be kind", "user: say: one", "assistant: one", "user: say: two"),
                messages(cop.chats().getLast().body()));
    }

    @Test
    void ctrlCStopsReplyOnly() {
        conversation();
        cop.sim.set("silence", 30_000);
        enter("say: first second").matches("^first").interrupt().shows("(stopped)");
        cop.sim.set("silence", 0);
        turn("say: again", "again");
        assertEquals("user: say: again", lastSent());
        assertFalse(screen().contains("second\n") && screen().lines().anyMatch("first second"::equals), screen());
        press("C-d").leaves(0);
    }

    @Test
    void ctrlCBeforeFirstWordDropsTurn() {
        conversation();
        cop.sim.set("latency", 30_000);
        enter("say: first");
        Harness.await("the question", () -> cop.chats().size() == 1);
        interrupt().shows("(stopped)");
        cop.sim.set("latency", 0);
        turn("say: again", "again");
        assertEquals(List.of("user: say: again"), messages(cop.chats().getLast().body()));
    }

    @Test
    void ctrlCTwiceStopsReplyOnly() {
        conversation();
        cop.sim.set("silence", 30_000);
        enter("say: first second").matches("^first").prompted(() -> press("C-c", "C-c")).shows("(stopped)");
        cop.sim.set("silence", 0);
        turn("say: alive", "alive").press("C-d").leaves(0);
    }

    @Test
    void ctrlCEndsRetryPause() {
        conversation();
        cop.sim.set("faults", "429:30");
        enter("say: x").shows("30 s").interrupt().shows("(stopped)").turn("say: y", "y");
        assertEquals(List.of("user: say: y"), messages(cop.chats().getLast().body()));
    }

    @Test
    void conversationSurvivesError() {
        conversation().turn("say: one", "one");
        for (String fault : List.of("429:7200", "402", "422", "400-model_not_supported", "403", "error-first")) {
            cop.sim.set("faults", fault);
            prompted(() -> enter("say: lost"));
        }
        assertEquals(6, screen().lines().filter(l -> l.startsWith("error: ")).count(), screen());
        turn("say: two", "two");
        assertEquals(List.of("user: say: one", "assistant: one", "user: say: two"),
                messages(cop.chats().getLast().body()));
        press("C-d").leaves(0);
    }

    @Test
    void conversationSurvivesBrokenStream() {
        conversation();
        cop.sim.set("faults", "reset-mid");
        enter("say: a b c d e f g h").shows("error: ").ready().matches("^a b");
        turn("say: two", "two").press("C-d").leaves(0);
    }

    @Test
    void unknownModelIsAnError() {
        conversation();
        enter("/model gpt-4oo").shows("error: ").ready().turn("/model", "model: mai-code-1.1-flash")
                .turn("say: fine", "fine");
        assertEquals(List.of("user: say: fine"), messages(cop.chats().getLast().body()));
    }

    @Test
    void usageIsPrintedAfterEachTurn() { conversation("-u").turn("say: x", "completion tokens"); }

    // ---------------------------------------------------------------------------------------------- commands

    @Test
    void modelCommand() {
        conversation().turn("/model", "model: mai-code-1.1-flash")
                .turn("/model gpt-5-mini", "model: gpt-5-mini").turn("say: x", "x");
        assertEquals("gpt-5-mini", cop.chats().getLast().body().path("model").asString());
    }

    @Test
    void systemCommand() {
        conversation().turn("/system", "system message: none").turn("/system be brief", "be brief").turn("say: x", "x");
        assertEquals(List.of("system: be brief", "user: say: x"), messages(cop.chats().getLast().body()));
        turn("/system be long", "be long").turn("say: yy", "yy");
        assertEquals(List.of("system: be long", "user: say: x", "assistant: x", "user: say: yy"),
                messages(cop.chats().getLast().body()));
    }

    @Test
    void resetKeepsSystemMessage() {
        conversation("-s", "be kind").turn("say: one", "one").turn("/reset", "conversation cleared")
                .turn("say: two", "two");
        assertEquals(List.of("system: be kind", "user: say: two"), messages(cop.chats().getLast().body()));
    }

    @Test
    void saveCommand() {
        conversation("-s", "be kind").turn("say: one", "one").turn("/save my talk.md", "my talk.md");
        assertEquals("## system\n\nbe kind\n\n## user\n\nsay: one\n\n## assistant\n\none\n", cop.read("my talk.md"));
        turn("/save", "/save").turn("/save missing/talk.md", "no such folder").turn("say: two", "two");
    }

    @Test
    void saveErrorNamesTheCommand() {
        conversation().turn("/save missing/talk.md", "error: /save missing/talk.md").turn("/save .", "is a folder");
        assertFalse(screen().contains("-o"), screen());
    }

    private static final String MARKDOWN = "# Birds\n\n1. the **first** one\n2. `two`\n\n```sh\nls\n```\n\n"
            + "| a | b |\n|---|--:|\n| one | 1 |\n\nThe end.";
    private static final String DRAWN = "Birds\n\n1. the first one\n2. two\n\n```sh\nls\n```\n\n"
            + "a   │ b\n────┼──\none │ 1\n\nThe end.";

    @Test
    void markdownIsRenderedWhileStreaming() {
        cop.sim.set("answer", MARKDOWN);
        cop.sim.set("drip", 15);
        open("talk", "hello").leaves(0);
        assertTrue(screen().startsWith(DRAWN + "\n[left"), screen());
    }

    @Test
    void markdownIsRenderedInConversation() {
        cop.sim.set("answer", MARKDOWN);
        conversation().turn("hello", DRAWN);
        turn("and now?", DRAWN + "\n> and now?\n" + DRAWN);
        assertEquals(MARKDOWN, messages(cop.chats().getLast().body()).get(1).replaceFirst("assistant: ", ""));
        press("C-d").leaves(0);
        closeWindow();
        conversation("--raw").turn("hello", MARKDOWN).press("C-d").leaves(0);
    }

    /// Line by line, and nothing that is on the screen is touched again.
    @Test
    void singleReplyIsStyled() {
        cop.sim.set("answer", MARKDOWN);
        cop.sim.set("drip", 15);
        open("chat", "hello").leaves(0);
        assertTrue(screen().startsWith(MARKDOWN.replace("**", "").replace("`two`", "two") + "\n[left"), screen());
    }

    @Test
    void ctrlCWithinMarkdownKeepsTextAndResetsColor() {
        cop.sim.set("answer", "**bold** and _so_ on ".repeat(40));
        cop.sim.set("drip", 40);
        open("talk", "hello").shows("bold and so").press("C-c").leaves(130);
        String coloured = tmux("capture-pane", "-p", "-e", "-S", "-");
        String left = coloured.substring(coloured.indexOf("[left"));
        assertFalse(left.contains("\033["), left);
        assertTrue(screen().startsWith("bold and so"), screen());
    }

    @Test
    void resizedWindowLosesNothing() {
        String words = IntStream.rangeClosed(1, 150).mapToObj(i -> "**w" + i + "**").collect(Collectors.joining(" "));
        cop.sim.set("answer", words);
        cop.sim.set("drip", 20);
        open("talk", "hello").shows("w30 ");
        tmux("resize-window", "-x", "60", "-y", "30");
        shows("w90");
        tmux("resize-window", "-x", "90", "-y", "20");
        leaves(0);
        var shown = Pattern.compile("w\\d+").matcher(screen()).results().map(MatchResult::group).toList();
        assertEquals(IntStream.rangeClosed(1, 150).mapToObj(i -> "w" + i).toList(),
                shown.subList(shown.size() - 150, shown.size()), screen());
        assertTrue(shown.size() < 200, "a torn line may stay, but no more: " + screen());
    }

    @Test
    void longReplyScrollsWithoutLoss() {
        String items = IntStream.rangeClosed(1, 70).mapToObj(i -> "- item **" + i + "**")
                .collect(Collectors.joining("\n"));
        String rows = IntStream.rangeClosed(1, 60).mapToObj(i -> "\n| row " + i + " | b |")
                .collect(Collectors.joining());
        cop.sim.set("answer", items + "\n\n| a | b |\n|---|---|" + rows);
        open("talk", "hello").leaves(0);
        var lines = screen().lines().toList();
        for (int i = 1; i <= 70; i++) assertEquals("• item " + i, lines.get(i - 1));
        for (int i = 1; i <= 60; i++) assertEquals(Text.padded("row " + i, 6) + " │ b", lines.get(72 + i));
    }

    @Test
    void helpAndUnknownCommands() {
        conversation().turn("/help", "/system").turn("/modle", "/model").turn("/frobnicate now", "/help")
                .turn("/", "unknown command");
        assertEquals(0, cop.chats().size());
    }

    @Test
    void doubleSlashIsLiteralSlash() {
        conversation();
        for (String line : List.of("/x y", "/", "//a", "/model")) {
            turn("/" + line, "heard");
            assertEquals("user: " + line, lastSent());
        }
    }

    // ------------------------------------------------------------------------- the plain loop, without talk

    @Test
    void plainConversation() {
        cop.withoutPrograms();
        conversation("-s", "be kind").turn("say: one", "one").turn("/model gpt-5-mini", "model: gpt-5-mini");
        prompted(() -> enter("say: two\\").shows("…").enter("more").matches("^more$"));
        assertEquals(List.of("system: be kind", "user: say: one", "assistant: one", "user: say: two\nmore"),
                messages(cop.chats().getLast().body()));
        assertEquals("gpt-5-mini", cop.chats().getLast().body().path("model").asString());
        turn("/system be brief", "be brief").turn("/save talk.md", "saved to talk.md")
                .turn("/reset", "conversation cleared").turn("/help", "/quit").turn("/modle", "did you mean /model?")
                .turn("//x", "heard");
        assertEquals(List.of("system: be brief", "user: /x"), messages(cop.chats().getLast().body()));
        assertTrue(cop.read("talk.md").endsWith("## assistant\n\ntwo\nmore\n"), cop.read("talk.md"));
        cop.sim.set("answer", MARKDOWN);
        turn("hello", MARKDOWN.replace("**", "").replace("`two`", "two"));
        cop.sim.set("faults", "422");
        prompted(() -> enter("say: lost").shows("error: "));
        enter("/quit").leaves(0);
        closeWindow();
        open("chat", "-c").ready().shows("> hello").press("C-d").leaves(0);
    }

    @Test
    void ctrlCStopsReplyOfPlainConversation() {
        cop.withoutPrograms();
        conversation();
        cop.sim.set("silence", 30_000);
        enter("say: first second").matches("^first").interrupt().shows("(stopped)");
        cop.sim.set("silence", 0);
        turn("say: again", "again");
        assertEquals(List.of("user: say: first second", "assistant: first ", "user: say: again"),
                messages(cop.chats().getLast().body()));
        press("C-c").leaves(130);
    }

    @Test
    void terminatedPlainConversationRestoresTerminal() throws Exception {
        cop.withoutPrograms();
        conversation();
        cop.sim.set("silence", 30_000);
        enter("say: first second").matches("^first");
        new ProcessBuilder("kill", "-TERM", "" + java().pid()).start().waitFor();
        leaves(143);
    }

    // ------------------------------------------------------------------------------------------------ typing

    @Test
    void trailingBackslashContinuesLine() {
        conversation().enter("say: a\\").shows("…").enter("b\\").enter("c").matches("^c$").ready();
        assertEquals("user: say: a\nb\nc", lastSent());
        assertEquals(1, cop.chats().size());
    }

    @Test
    void altEnterContinuesLine() {
        conversation().type("say: a").press("M-Enter").enter("b").matches("^b$").ready();
        assertEquals("user: say: a\nb", lastSent());
    }

    /// No quote waits for another, nothing is expanded, no backslash is lost.
    @Test
    void lineIsSentUnchanged() {
        conversation();
        for (String line : List.of("it's \"half", "C:\\dir\\new", "a\\\\b", "!! !1 $HOME `id` ~ *", "{[(", "a # b",
                "50% %s")) {
            turn(line, "heard");
            assertEquals("user: " + line, lastSent());
        }
    }

    @Test
    void pastedLinesAreOneMessage() {
        conversation();
        paste("say: one\n\ttwo 'x\n\n  three").shows("three").press("Enter");
        await("the answer", s -> s.split("three", -1).length > 2);
        ready();
        assertEquals("user: say: one\n\ttwo 'x\n\n  three", lastSent());
        assertEquals(1, cop.chats().size());
    }

    @Test
    void longPasteIsComplete() {
        conversation();
        String text = "say: " + "0123456789 ".repeat(300) + "end";
        paste(text).shows("end").press("Enter");
        await("the answer", s -> s.split("end", -1).length > 2);
        ready();
        assertEquals("user: " + text, lastSent());
    }

    @Test
    void unicodeIsTypedAndShown() {
        conversation().turn("say: é 中文 🦆 ∑", "é 中文 🦆 ∑");
        assertEquals("user: say: é 中文 🦆 ∑", lastSent());
        matches("^é 中文 🦆 ∑$");
    }

    @Test
    void unicodeIsTypedInCLocale() {
        cop.with("LC_ALL", "C");
        conversation().turn("say: é 中文 🦆", "é");
        assertEquals("user: say: é 中文 🦆", lastSent());
    }

    @Test
    void tabCompletesCommand() { conversation().type("/sys").press("Tab").shows("> /system"); }

    @Test
    void tabElsewhereCompletesNothing() {
        conversation().press("Tab").type("say: two").press("Tab").type("x").shows("twox").press("Enter");
        Harness.await("the question", () -> cop.chats().size() == 1);
        assertEquals("user: say: twox", lastSent());
        assertFalse(screen().contains("> /"), screen());
    }

    // ----------------------------------------------------------------------------------------------- history

    @Test
    void arrowUpRecallsLine() {
        conversation().turn("say: one", "one").press("Up").shows("say: one");
        press("Enter");
        Harness.await("the second question", () -> cop.chats().size() == 2);
        assertEquals("user: say: one", lastSent());
    }

    @Test
    void logsOffDisablesHistory() {
        cop.run("logs", "off");
        conversation().turn("say: one", "one").press("Up").shows("say: one").press("C-c").ready()
                .enter("/quit").leaves(0);
        closeWindow();
        open("repl").shows("try ask(\"hello\")").enter("1 + 1").matches("==> 2$").enter("/exit").leaves(0);
        for (String name : List.of("history", "jshell.json", "conversations")) {
            assertFalse(Files.exists(cop.file(".local/state/copilot.java/" + name)), name);
        }
    }

    @Test
    void historyPersistsAndIsPrivate() throws IOException {
        conversation().enter("say: one\\").shows("…").turn("more", "one\nmore").turn("/quiz", "/quit").press("C-d")
                .leaves(0);
        Path history = cop.file(".local/state/copilot.java/history");
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(history)));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(history.getParent())));
        closeWindow();
        conversation().press("Up", "Up").shows("say: one").press("Enter");
        Harness.await("the question", () -> cop.chats().size() == 2);
        assertEquals("user: say: one\nmore", lastSent());
    }

    @Test
    void unwritableHistoryIsIgnored() {
        cop.with("COP_HOME", "/proc/nowhere");
        conversation().turn("say: one", "one").press("C-d").leaves(0);
    }

    // ------------------------------------------------------------------------------------------ going on

    private List<Path> conversations() {
        try (var files = Files.list(cop.file(".local/state/copilot.java/conversations"))) {
            return files.sorted(Comparator.comparing(file -> {
                try {
                    return Files.getLastModifiedTime(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            })).toList();
        } catch (NoSuchFileException _) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> answers(Path file) {
        try {
            return Files.readAllLines(file).stream().map(line -> Json.text(Json.tryParse(line), "text")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void conversationContinuesInItsFile() {
        conversation("-s", "be kind").turn("say: one", "one").turn("/model gpt-5-mini", "gpt-5-mini")
                .turn("say: two", "two").press("C-d").leaves(0);
        closeWindow();
        open("chat", "-c").ready().shows("2 turns").shows("> say: two").shows("chatting with gpt-5-mini");
        assertTrue(screen().contains("> say: two\ntwo\n") && !screen().contains("> say: one"), screen());
        turn("say: three", "three");
        assertEquals(List.of("system: be kind", "user: say: one", "assistant: one", "user: say: two", "assistant: two",
                "user: say: three"), messages(cop.chats().getLast().body()));
        turn("/save talk.md", "saved to talk.md").press("C-d").leaves(0);
        assertEquals(1, conversations().size());
        assertEquals(List.of("one", "two", "three"), answers(conversations().getFirst()));
        assertEquals(cop.read("talk.md").strip(), cop.run("logs", "show").out().strip());
        assertEquals("four\n", cop.run("chat", "-c", "say: four").out());
        assertEquals(8, messages(cop.chats().getLast().body()).size());
    }

    @Test
    void resetStartsNewConversation() {
        conversation().turn("say: one", "one").turn("/reset", "conversation cleared").turn("say: two", "two");
        assertEquals(2, conversations().size());
        turn("say: three", "three").press("C-d").leaves(0);
        assertEquals(List.of("one"), answers(conversations().getFirst()));
        assertEquals(List.of("two", "three"), answers(conversations().getLast()));
    }

    @Test
    void stoppedReplyIsStoredAsShown() {
        conversation();
        cop.sim.set("silence", 30_000);
        enter("say: first second").matches("^first").interrupt().shows("(stopped)");
        cop.sim.set("silence", 0).set("faults", "422");
        prompted(() -> enter("say: lost")).turn("say: last", "last").press("C-d").leaves(0);
        var heard = answers(conversations().getFirst());
        assertEquals(List.of("first", "last"), heard.stream().map(String::strip).toList());
    }

    @Test
    void noLogStoresNothing() {
        conversation("--no-log").turn("say: one", "one").press("C-d").leaves(0);
        assertEquals(List.of(), conversations());
    }

    @Test
    void missingConversationIsReportedAtOnce() { open("chat", "-c").shows("no conversations yet").leaves(2); }

    // ------------------------------------------------------------------------------------ other ends, colours

    @Test
    void pipedConversationKeepsRepliesOnStdout() {
        openAs("$@ | sed 's/^/out: /'", "chat", "-m", "mai-code-1.1-flash");
        shows("chatting with").enter("say: hello").shows("out: hello").press("C-d").matches("left with 0");
    }

    @Test
    void dumbTerminalGetsNoColors() {
        openAs("TERM=dumb $@ 2>err.txt", "chat", "-m", "mai-code-1.1-flash");
        await("a prompt", s -> s.contains(">"));
        enter("say: hello").shows("hello").press("C-d").matches("left with 0");
        assertFalse(cop.read("err.txt").contains("\033"), cop.read("err.txt"));
    }

    // ------------------------------------------------------------------------------------------------- login

    /// Polled by the true clock: the virtual one of the harness stands still for other processes.
    private simulator realTime() {
        var sim = simulator.start().set("interval", 1);
        cop.with("COP_HOST", sim.url()).with("COPILOT_GITHUB_TOKEN", null);
        return sim;
    }

    @Test
    void loginShowsCodeAndCountdown() {
        try (var sim = realTime().set("pending", 1)) {
            open("login", "--no-browser").matches("[B-Z]{4}-[B-Z]{4}").shows(sim.url() + "/login/device")
                    .matches("14:5\\d").matches("14:5[0-8]").shows("logged in as octocat (individual)").leaves(0);
            assertFalse(screen().contains("14:5"), screen());
        }
    }

    @Test
    void ctrlCEndsLogin() {
        try (var _ = realTime().set("pending", 1000)) {
            open("login", "--no-browser").matches("14:5\\d").press("C-c").leaves(130);
            assertTrue(screen().endsWith("echo]"), "nothing is left of the countdown\n" + screen());
        }
    }

    @Test
    void pastedTokenLogsIn() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        open("login", "--with-token").shows("paste").enter(simulator.GITHUB_TOKEN).press("C-d")
                .shows("logged in as octocat").leaves(0);
    }

    @Test
    void typedTokenIsHiddenAndEndsAtEnter() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        open("login", "--with-token").shows("paste").silent().enter(simulator.GITHUB_TOKEN)
                .shows("logged in as octocat").leaves(0);
        assertFalse(screen().contains(simulator.GITHUB_TOKEN.substring(0, 12)), screen());
    }

    // --------------------------------------------------------------------------------------------- JShell

    @Test
    void jshellSurvivesInterrupt() {
        open("repl").shows("try ask(\"hello\")").matches("^jshell>");
        assertFalse(screen().contains("Welcome"), "one line of greeting");
        enter("\"x\".repeat(1500) + \"!\"").matches("x!\"$");
        assertFalse(screen().contains(" ... "), "a long value is not cut out in its middle");
        enter("ask(\"say: a first answer\")").matches("^\\$2 ==> a first answer$");
        cop.sim.set("latency", 30_000);
        enter("ask(\"slow\")");
        Harness.await("the request", () -> cop.chats().size() == 2);
        press("C-c").matches("Exception cop.copilot.Fault: interrupted$");
        cop.sim.set("latency", 0);
        enter("ask(\"say: a second answer\")").matches("==> a second answer$");
        enter("prompt(\"revew\")").matches("^hint: did you mean review\\?$");
        assertFalse(screen().contains("at Toolkit"), "no frames of ours");
        type("mod").press("Tab").shows("models()").press("C-c");
        enter("/exit 5").leaves(5);
        assertTrue(cop.read(".local/state/copilot.java/jshell.json").contains("a first answer"), "a history");
    }

    /// The terminal echoes no more what is typed.
    private Terminals silent() {
        String terminal = tmux("list-panes", "-F", "#{pane_tty}").strip();
        Harness.await("no echo", () -> {
            try {
                var stty = cop.process().command("stty", "-a", "-F", terminal).start();
                return new String(stty.getInputStream().readAllBytes(), StandardCharsets.UTF_8).contains("-echo ");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        return this;
    }
}
