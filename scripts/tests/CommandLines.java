package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Model.CommandSpec;
import tools.jackson.databind.JsonNode;

import static cop.Harness.failed;
import static cop.Harness.hints;
import static cop.Harness.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// The command line: help, usage errors, `api`, formats of durations and suggestions; and the source file's form.
class CommandLines {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---------------------------------------------------------------------------------------------- helpers

    /// A usage error: exit 2 and no request.
    private Outcome refused(String error, String... args) {
        var outcome = failed(2, error, cop.run(args));
        assertEquals(List.of(), cop.sim.ledger(), outcome::all);
        return outcome;
    }

    private static void narrow(int columns, String text) {
        text.lines().forEach(l -> assertTrue(l.codePointCount(0, l.length()) <= columns, l));
    }

    static Stream<String> commands() { return Commands.names().stream().filter(n -> !n.equals("help")); }

    private static String authorization(simulator.Entry entry) {
        return String.join(",", entry.headers().getOrDefault("authorization", List.of()));
    }

    private JsonNode chatBody() { return cop.last("/chat/completions").body(); }

    // ----------------------------------------------------------------------------------------- help, version

    @ParameterizedTest
    @ValueSource(strings = {"--version", "-V"})
    void versionIsOneLine(String option) {
        assertEquals("copilot.java " + copilot.VERSION + "\n", cop.ok(option).out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "-h", "help"})
    void helpShowsOverview(String word) {
        var outcome = cop.ok(word);
        assertEquals(Commands.overview("copilot"), outcome.out());
        assertEquals("", outcome.err());
    }

    @Test
    void noArgumentsShowOverview() { assertEquals(Commands.overview("copilot"), cop.ok().out()); }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "-h", "help"})
    void helpOnHelpShowsOverview(String word) {
        assertEquals(Commands.overview("copilot"), cop.ok("help", word).out());
    }

    @Test
    void overviewListsEveryCommand() {
        var listed = Commands.overview("copilot").lines().takeWhile(l -> !l.contains("-h, --help"))
                .map(Pattern.compile("^  ([a-z]+) +\\S.*")::matcher).filter(Matcher::matches).map(m -> m.group(1));
        assertEquals(Commands.names(), listed.toList());
        narrow(80, Commands.overview("copilot"));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void helpOnCommand(String name) {
        var help = cop.ok(name, "--help");
        assertEquals(help.out(), cop.ok("help", name).out());
        assertEquals(help.out(), cop.ok(name, "-h").out());
        assertEquals("", help.err());
        assertEquals(List.of(), cop.sim.ledger());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void helpListsEveryOptionWithin100Columns(String name) {
        String help = cop.ok(name, "--help").out();
        narrow(80, help);
        assertTrue(help.startsWith("Usage: copilot " + name), help);
        var spec = spec(name);
        for (var option : spec.options()) {
            for (String word : option.names()) {
                assertTrue(Pattern.compile("(?<![\\w-])" + word + "(?![\\w-])").matcher(help).find(), word + "\n"
                        + help);
            }
            assertTrue(option.hidden() || option.description().length > 0, option.longestName());
        }
        new Syntax(name, Commands.create(name).syntax()).forms.stream().flatMap(form -> form.words().stream())
                .filter(word -> spec.options().stream().noneMatch(option -> option.paramLabel().equals(word)))
                .forEach(word -> assertTrue(help.contains("\n  " + word), word));
    }

    /// Examples use options that there are; those of the programs are theirs to add.
    @ParameterizedTest
    @MethodSource("commands")
    void helpEndsWithCommonOptionsAndExamples(String name) {
        String help = cop.ok(name, "--help").out();
        assertTrue(help.indexOf("\nCommon options:\n") > help.indexOf("\nOptions:\n"), help);
        if (Commands.PROGRAMS.contains(name)) return;
        var lines = help.substring(help.indexOf("\n\nExamples:\n  ")).lines().skip(3).takeWhile(l -> !l.isEmpty())
                .toList();
        assertTrue(lines.size() >= 2 && lines.stream().allMatch(l -> l.startsWith("  ")), help);
        var options = spec(name).optionsMap().keySet();
        lines.stream().map(l -> l.replaceFirst(".*(copilot|cop) " + name, "").replaceFirst("[|].*", ""))
                .flatMap(l -> Pattern.compile(" (--?[a-z-]+)").matcher(l).results()).map(m -> m.group(1))
                .forEach(word -> assertTrue(options.contains(word), word + "\n" + help));
    }

    @Test
    void helpGroupsOptions() {
        assertEquals(List.of("Arguments:", "Input:", "Conversation:", "Model:", "Tools:", "Output:",
                "Limits:", "Common options:", "Examples:"), cop.ok("chat", "--help").out().lines().filter(l ->
                l.matches("[A-Z][a-z ]+:")).toList());
        assertTrue(cop.ok("batch", "--help").out().contains("\n      --sample-seed S       Seed for --sample.\n"));
        cop.with("COLUMNS", "60");
        narrow(60, cop.ok("usage", "--help").out().replaceFirst("(?s)Examples.*", ""));
    }

    @ParameterizedTest
    @CsvSource({"login, --client --scope --no-browser --force --with-token", "status, --json",
            "token, --json --header --refresh", "models, --json", "api, -X --input",
            "chat, -m --model -s --system -f --file -o --output -O --option --temperature --max-tokens --top-p --seed"
            + " --reasoning-effort -u --usage --json --no-stream --timeout -c --continue --cid --no-log"})
    void documentedOptionsExist(String name, String options) {
        var known = spec(name).optionsMap().keySet();
        var common = List.of("--host", "-H", "-v", "--verbose", "-q", "--quiet", "-h", "--help");
        Stream.concat(Stream.of(options.split(" ")), common.stream())
                .forEach(option -> assertTrue(known.contains(option), name + " " + option));
        assertTrue(known.contains("--header"), name);
    }

    private static CommandSpec spec(String name) {
        return new Syntax(name, Commands.create(name).syntax()).spec;
    }

    @ParameterizedTest
    @MethodSource("commands")
    void shortOptionPIsUnused(String name) {
        assertFalse(spec(name).optionsMap().containsKey("-p"));
    }

    // ----------------------------------------------------------------------------------------------- mistakes

    @ParameterizedTest
    @CsvSource({"modles, models", "chta, chat", "logn, login", "staus, status", "CHAT, chat", "hepl, help",
            "tokens, token", "log-out, logout"})
    void unknownCommandSuggestsNearest(String typed, String meant) {
        hints("copilot " + meant, refused("unknown command \"" + typed + "\"", typed));
        hints("copilot " + meant, refused("unknown command \"" + typed + "\"", "help", typed));
    }

    @ParameterizedTest
    @ValueSource(strings = {"frobnicate", "", " ", "frob\nnicate", "\033[31mred", "%s%n%d", "${sys:user.home}",
            "@/etc/passwd"})
    void dissimilarCommandHintsAtHelp(String typed) {
        hints("--help", refused("unknown command", typed));
    }

    @ParameterizedTest
    @ValueSource(strings = {"history", "ask", "run", "daemon"})
    void dissimilarCommandIsNotSuggested(String typed) {
        assertFalse(refused("unknown command", typed).err().contains("did you mean"));
    }

    @Test
    void argumentsAreEscapedInErrors() {
        for (var args : List.of(List.of("\033[2J"), List.of("--\033[2J"), List.of("chat", "--\033[2J", "x"),
                List.of("chat", "-O", "\033[2J", "x"), List.of("chat", "--timeout", "\033[2J", "x"),
                List.of("chat", "--max-tokens", "\033[2J", "x"), List.of("--host", "\033[2J"),
                List.of("status", "--host", "\033[2J"), List.of("api", "http://\033[2J"),
                List.of("models", "\033[2J", "b"))) {
            var outcome = cop.run(args.toArray(String[]::new));
            assertEquals(2, outcome.code(), outcome::all);
            assertFalse(outcome.all().contains("\033"), outcome::all);
        }
    }

    @ParameterizedTest
    @CsvSource({"chat, --modle, --model", "chat, --max-token, --max-tokens", "chat, --no-steam, --no-stream",
            "chat, --sytem, --system", "models, --refesh, --refresh", "token, --heder, --header",
            "login, --with-tokens, --with-token", "status, --jsn, --json",
            "logout, --verbos, --verbose", "chat, --hepl, --help"})
    void unknownOptionSuggestsNearest(String command, String typed, String meant) {
        hints(meant, refused("unknown option: " + typed, command, typed));
    }

    @Test
    void unknownOptionAmongArgumentsSuggestsNearest() {
        hints("--input", refused("unknown option: --inptu", "api", "--inptu", "x.json", "/models"));
        hints("--no-stream", refused("unknown option: --nostream", "chat", "hello", "--nostream"));
    }

    /// Any one-letter option is one edit from any other: a guess would be a random one.
    @ParameterizedTest
    @ValueSource(strings = {"-p", "-Z", "-k"})
    void unknownShortOptionSuggestsNothing(String option) {
        hints("copilot chat --help", refused("unknown option: " + option, "chat", option, "hello"));
    }

    @ParameterizedTest
    @CsvSource({"models, --list", "models, --sort", "api, --jq", "chat, --stencil", "status, --short"})
    void dissimilarOptionIsNotSuggested(String command, String typed) {
        hints("copilot " + command + " --help", refused("unknown option: " + typed, command, typed, "/x"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"- make a list", "-5 + 3?", "--- what is this?", "-z is what?"})
    void promptWithLeadingDashHintsAtDoubleDash(String prompt) {
        hints("copilot chat -- \"" + prompt + "\"", refused("is not an option", "chat", prompt));
        cop.ok("chat", "--", prompt);
        assertEquals(prompt, chatBody().at("/messages/0/content").asString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-m", "--model", "--json", "-v", "--frobnicate", "-"})
    void optionsBeforeCommandAreExplained(String option) {
        refused("no command before the option", option, "chat", "hello");
    }

    @ParameterizedTest
    @CsvSource({"--hepl, --help", "--verison, --version", "--vresion, --version"})
    void mistypedHelpOrVersionIsNotAChat(String typed, String meant) { hints(meant, refused(typed, typed)); }

    @ParameterizedTest
    @CsvSource({"--max-tokens, x", "--max-tokens, 1.5", "--max-tokens, 99999999999", "--max-tokens, ''",
            "--temperature, warm", "--temperature, NaN", "--top-p, half", "--seed, lucky", "--seed, 1e3",
            "--timeout, soon", "--timeout, -5", "--timeout, 1.s", "--timeout, 5x", "--timeout, ''", "--timeout, 0",
            "--timeout, 0s", "--max-wait, ever", "--max-wait, -1"})
    void invalidValueIsUsageError(String option, String value) { refused(option, "chat", option, value, "hello"); }

    @ParameterizedTest
    @CsvSource({"--temperature, warm", "--top-p, half", "--max-tokens, 1.5", "--max-tokens, 99999999999",
            "--seed, lucky"})
    void invalidNumberIsReportedPlainly(String option, String value) {
        var outcome = refused("expects a number, got", "chat", option + "=" + value, "hello");
        assertTrue(outcome.err().contains(option + " expects a number, got \"" + value), outcome::all);
        assertFalse(outcome.err().matches("(?s).*(java|Exception|BigDecimal|\\bint\\b|\\blong\\b).*"), outcome::all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--refresh=1", "--json=maybe"})
    void flagWithValueIsReportedPlainly(String option) {
        var outcome = refused(option.replaceFirst("=.*", ""), "models", option);
        assertFalse(outcome.err().matches("(?s).*(boolean|java|a number).*"), outcome::all);
    }

    @ParameterizedTest
    @CsvSource({"--temperature, 2.1, use 0 to 2", "--temperature, -0.1, use 0 to 2", "--top-p, 1.01, use 0 to 1",
            "--top-p, -1, use 0 to 1", "--max-tokens, 0, use 1", "--max-tokens, -3, use 1"})
    void numberOutOfRangeIsUsageError(String option, String value, String range) {
        hints(range, refused(option + " " + value + " is out of range", "chat", option + "=" + value, "hello"));
    }

    @Test
    void rangesAreInclusive() {
        cop.ok("chat", "--temperature", "2", "--top-p", "0", "--max-tokens", "1", "-m", "mai-code-1.1-flash",
                "say: hi");
        cop.ok("chat", "--temperature", "0", "--top-p", "1.0", "-m", "mai-code-1.1-flash", "say: hi");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-v -v", "-vv", "-q -q", "--verbose -v", "-m nosuch -m mai-code-1.1-flash"})
    void repeatedOption(String options) {
        cop.sim.set("answer", "hi");
        assertEquals("hi\n", cop.ok(("chat " + options + " hello").split(" ")).out());
        assertEquals(options.contains("-m") ? "mai-code-1.1-flash" : "gpt-5-mini", chatBody().path("model").asString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"999999999d", "999999999h"})
    void hugeDurationIsAccepted(String time) {
        assertEquals("hi\n", cop.ok("chat", "--timeout", time, "--max-wait", time, "say: hi").out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--model", "--system", "--output", "--option", "--file", "--max-tokens", "--timeout",
            "--header"})
    void optionWithoutValueIsUsageError(String option) { refused(option, "chat", "hello", option); }

    @ParameterizedTest
    @ValueSource(strings = {"nocolon", ": value", "a b: c", "Authorization: x", "Host: x", "Content-Length: 3",
            "X: a\nY: b", "ü: x", "X: ü"})
    void invalidHeaderIsUsageError(String header) { refused("-H", "chat", "-H", header, "hello"); }

    @ParameterizedTest
    @ValueSource(strings = {"ftp://x", "http://", "https://", "http://a/b", "http://u:p@a", "http://a?x", "a.b.c",
            "x y",
            "evil.example", "http://a b", "https://[::1", "http://a:port"})
    void invalidHostIsUsageError(String host) {
        refused("--host", "models", "--host", host);
        refused("--host", "chat", "--host", host, "hello");
    }

    @Test
    void invalidHostInEnvironmentNamesVariable() {
        cop.with("COP_HOST", "http://a/b");
        refused("COP_HOST", "models");
    }

    @Test
    void invalidMaxWaitInEnvironmentNamesVariable() {
        cop.with("COP_MAX_WAIT", "soon");
        refused("COP_MAX_WAIT", "models");
    }

    @Test
    void invalidHeadersInEnvironmentNameVariable() {
        cop.with("COP_HEADERS", "nocolon");
        refused("COP_HEADERS", "models");
    }

    @Test
    void templateExampleInHelpWorks() {
        assertTrue(cop.ok("templates", "--help").out().contains("\n  ---\n  description: Explain"));
    }

    @ParameterizedTest
    @CsvSource({"status --json=false", "status --json --json=false", "status --json="})
    void flagsCanBeNegated(String line) {
        assertFalse(cop.run(line.split(" ")).out().startsWith("{"));
    }

    @Test
    void noFormIsNotYes() {
        cop.ok("chat", "say: hi");
        var outcome = cop.run("logs", "-y=false", "clear");
        assertEquals(2, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("cannot ask for confirmation"), outcome::all);
        assertEquals(1, cop.ok("logs").out().lines().count());
    }

    @Test
    void argumentsMayFollowOptions() {
        assertEquals("b c d", cop.ok("chat", "say: b", "--no-log", "c", "-q", "--", "d").out().strip());
    }

    @ParameterizedTest
    @ValueSource(strings = {"logout", "status", "token", "login"})
    void unexpectedArgumentIsUsageError(String name) { refused("unexpected argument: extra", name, "extra"); }

    @Test
    void tooManyArgumentsAreUsageError() {
        refused("unexpected argument: c", "models", "default", "b", "c");
        refused("b", "models", "a", "b");
        refused("/b", "api", "/a", "/b");
        refused("PATH", "api");
    }

    @Test
    void unwritableOutputIsRefusedBeforeSending() {
        refused("is a folder", "chat", "-o", cop.home.toString(), "hello");
        refused("no such folder", "chat", "-o", "missing/answer.txt", "hello");
        refused("invalid path", "chat", "-o", "a\0b", "hello");
    }

    @Test
    void unreadableInputIsUsageError() {
        refused("missing.txt", "chat", "-f", "missing.txt", "hello");
        refused("folder", "chat", "-a", ".", "hello");
        refused("no file in .", "chat", "-f", ".", "hello");
        refused("missing.json", "api", "/x", "--input", "missing.json");
    }

    @Test
    void missingPromptIsUsageError() {
        refused("missing prompt", "chat");
        refused("missing prompt", "chat", "");
        refused("missing prompt", "chat", "-");
        refused("missing prompt", "chat", " \n ");
    }

    @Test
    void binaryStdinIsUsageError() {
        failed(2, "UTF-8", cop.runWith(new byte[]{'a', (byte) 0xff, 'b'}, "chat", "hello"));
        failed(2, "NUL", cop.runWith("a\0b", "chat", "hello"));
        failed(2, "stdin does not contain a valid token", cop.runWith(" \n", "login", "--with-token"));
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void tokenJsonAndHeaderConflict() { refused("cannot be used together", "token", "--json", "--header"); }

    @Test
    void verboseUsageErrorShowsOnlyTrace() {
        assertTrue(Harness.TRACE.matcher(cop.run("models", "-v", "a", "b").err()).find());
    }

    @ParameterizedTest
    @ValueSource(strings = {"render t.mustache -d r.json", "render t.mustache -d r.json --json",
            "batch t.mustache -d r.jsonl -o o.jsonl --dry-run", "batch bad.mustache -d r.jsonl -o o.jsonl",
            "chat -t bad.mustache -d r.json", "chat -t t.mustache -d r.json", "chat -r -t t.mustache -d r.json",
            "chat -x -t t.mustache -d r.json", "chat --schema n -t t.mustache -d r.json", "chat -f \u001b]0;x\u0007 y",
            "chat --schema \u001b[2J y", "logs show", "logs", "logs -q \u001b[2J",
            "chat --json -t t.mustache -d r.json",
            "chat -m \u001b[2J y", "templates show t.mustache", "chat -c y",
            "batch t.mustache -d r.jsonl -o o.jsonl -k"})
    void contentIsEscapedOnTerminal(String line) {
        String evil = "\\u001b]0;owned\\u0007\\u001b[2J\\u009b1m";
        cop.terminal(1, 2).with("NO_COLOR", "1");
        cop.write("r.json", "{\"text\": \"say: " + evil + "\", \"id\": \"" + evil + "\"}");
        cop.write("r.jsonl", cop.read("r.json") + "\n" + cop.read("r.json").replace("\"id", "\"idee") + "\n");
        cop.write("t.mustache", "{{text}}");
        cop.write("bad.mustache", "{{text}} {{#id}}{{missing.\u001b[2J}}{{/id}}");
        cop.run("chat", "-t", "t.mustache", "-d", "r.json");
        var outcome = cop.run(line.split(" "));
        String all = outcome.out() + outcome.err().replaceAll("\r\033\\[K|\033\\[\\?7[lh]", "");   // one living line
        assertTrue(all.chars().noneMatch(c -> c < ' ' && "\n\r\t".indexOf(c) < 0 || c >= 0x7f && c < 0xa0),
                () -> Text.printable(outcome.all()));
    }

    // ----------------------------------------------------------------------------------- words left as they are

    @ParameterizedTest
    @ValueSource(strings = {"it's \"quoted\"", "two\nlines", "$HOME", "*", "@/etc/passwd", "%s %d %n",
            "${sys:user.home}",
            "a\\nb", "tab\there", "中文 🦆 é", "a=b", "'single'", "\"double\"", "-", "1,2;3"})
    void argumentIsSentUnchanged(String word) {
        cop.ok("chat", "say: x", word);
        assertEquals("say: x " + word, chatBody().at("/messages/0/content").asString());
    }

    @Test
    void doubleDashEndsOptions() {
        cop.ok("chat", "--", "--version", "-m", "x");
        assertEquals("--version -m x", chatBody().at("/messages/0/content").asString());
    }

    @Test
    void optionValuesAreSentUnchanged() {
        cop.ok("chat", "-s", "%s @x '$HOME' \"q\"", "--temperature", "0.10", "--seed", "-3", "hello");
        assertEquals("%s @x '$HOME' \"q\"", chatBody().at("/messages/0/content").asString());
        assertTrue(cop.last("/chat/completions").rawBody().contains("\"temperature\":0.10"),
                cop.last("/chat/completions").rawBody());
        assertEquals(-3, chatBody().path("seed").asInt());
    }

    // ---------------------------------------------------------------------------------------------------- api

    @Test
    void apiPrintsBodyUnchanged() {
        String body = cop.ok("api", "/models").out();
        assertTrue(body.startsWith("{\"object\":\"list\"") && body.endsWith("}"), body);
        var sent = cop.last("/models");
        assertEquals("GET", sent.method());
        assertTrue(authorization(sent).startsWith("Bearer tid="));
        assertEquals(List.of("vscode-chat"), sent.headers().get("copilot-integration-id"));
    }

    @Test
    void apiPathWithoutLeadingSlash() {
        assertEquals(cop.ok("api", "/models").out(), cop.ok("api", "models").out());
        assertTrue(cop.ok("api", "copilot_internal/user").out().contains("octocat"));
        assertTrue(cop.ok("api", "user").out().contains("octocat"));
    }

    private static final String QUESTION =
            "{\"model\":\"mai-code-1.1-flash\",\"messages\":[{\"role\":\"user\",\"content\":\"say: é\"}]}";

    @Test
    void apiPostsFileOrStdin() {
        cop.write("q.json", QUESTION);
        assertTrue(cop.ok("api", "/chat/completions", "--input", "q.json").out().contains("\"é\""));
        assertEquals("POST", cop.last("/chat/completions").method());
        assertEquals(QUESTION, cop.last("/chat/completions").rawBody());
        assertTrue(ok(cop.runWith(QUESTION, "api", "chat/completions", "--input", "-")).out().contains("\"é\""));
        assertEquals(QUESTION, cop.last("/chat/completions").rawBody());
    }

    @Test
    void apiTakesAnyMethod() {
        cop.run("api", "-X", "delete", "/models/mai-code-1.1-flash");
        assertEquals("DELETE", cop.sim.ledger().getLast().method());
        cop.write("p.json", "{\"state\":\"enabled\"}");
        assertEquals(0, cop.run("api", "-X", "post", "/models/claude-opus-5/policy", "--input", "p.json").code());
        assertEquals(0, cop.run("api", "-XGET", "/models/mai-code-1.1-flash").code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"GE T", "", "GET\r\nX: y", "CONNECT", "É"})
    void apiRefusesInvalidMethod(String method) { refused("", "api", "-X", method, "/models"); }

    @Test
    void apiIncludesStatusAndHeaders() {
        String out = cop.ok("api", "-i", "/models").out();
        assertTrue(out.startsWith("HTTP 200\n") || out.startsWith("HTTP/1.1 200"), out);
        assertTrue(out.contains("\ncontent-type: application/json"), out);
        assertTrue(out.contains("\n\n{\"object\""), out);
    }

    @Test
    void apiPrintsErrorBodyAndExitsOne() {
        var outcome = cop.run("api", "/nowhere");
        assertEquals(1, outcome.code());
        assertEquals("404 page not found\n", outcome.out());
        assertTrue(outcome.err().matches("error: .*404.*\n(hint: .*\n)?"), outcome.err());
    }

    @Test
    void apiAddsNewlineOnTerminalOnly() {
        String piped = cop.ok("api", "/models").out();
        assertEquals(piped + "\n", cop.terminal(1).run("api", "/models").out());
        assertEquals("404 page not found\n", cop.run("api", "/nowhere").out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"429:5", "500", "502", "403"})
    void apiDoesNotRetry(String fault) {
        cop.sim.set("models-faults", fault);
        assertEquals(1, cop.run("api", "/models").code());
        assertEquals(1, cop.sim.count("/models"));
    }

    @Test
    void apiRefreshesExpiredToken() {
        cop.ok("token");
        cop.sim.set("models-faults", "401-expired");
        assertTrue(cop.ok("api", "/models").out().startsWith("{\"object\""));
        assertEquals(2, cop.sim.count("/models"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://api.githubcopilot.com/models", "http://evil.example/", "HTTPS://evil.example/x",
            "file:///etc/passwd", "https:/evil.example", "//evil.example/models"})
    void apiRefusesAbsoluteUrl(String address) { refused(address, "api", address); }

    /// What only looks like a host stays a path on the host that may have the token.
    @ParameterizedTest
    @ValueSource(strings = {"@evil.example/models", ":99@evil.example/", ".evil.example/models", "/@evil.example",
            "\\\\evil.example/x", "/a b", "/\t", "/%zz", "#x"})
    void apiNeverLeavesTheHost(String path) {
        var outcome = cop.run("api", path);
        assertTrue(Set.of(1, 2).contains(outcome.code()), outcome::all);
        assertFalse(outcome.err().contains("this is a bug"), outcome::all);
        assertFalse(outcome.err().contains("cannot resolve"), outcome::all);
        assertTrue(outcome.code() == 2 || outcome.out().contains("404"), outcome::all);
    }

    @Test
    void apiAcceptsUrlInQuery() {
        assertEquals(1, cop.run("api", "/nowhere?next=https://x").code());
        assertEquals(1, cop.sim.count("/nowhere"));
    }

    @Test
    void apiEncodesNonAsciiPath() {
        cop.run("api", "/models/é");
        assertEquals("/models/é", cop.sim.ledger().getLast().path());
    }

    /// The GitHub token is for GitHub and the Copilot token for the API: never the other way round.
    @ParameterizedTest
    @ValueSource(strings = {"/copilot_internal/user", "/copilot_internal/v2/token", "/user", "user?per_page=1",
            "/copilot_internal/user?x=1"})
    void apiSendsGithubTokenToGithub(String path) {
        cop.run("api", path);
        var sent = cop.sim.ledger().getLast();
        assertEquals(200, sent.status(), sent::toString);
        assertTrue(authorization(sent).endsWith(simulator.GITHUB_TOKEN), sent.path());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users", "/user/repos", "/copilot_internal", "/copilot_internalx/user", "/v1/user",
            "/models/../user", "/COPILOT_INTERNAL/user"})
    void apiNeverSendsGithubTokenElsewhere(String path) {
        var outcome = cop.run("api", path);
        assertEquals(1, outcome.code(), outcome::all);
        for (var sent : cop.sim.ledger()) {
            boolean exchange = sent.path().startsWith("/copilot_internal/");
            assertEquals(exchange, authorization(sent).contains("ghu_"), sent.path());
        }
    }

    // -------------------------------------------------------------------------------------------- small words

    @ParameterizedTest
    @CsvSource({"modle, model", "MODEL, model", "chatt, chat", "--modle, --model", "claude-sonet, claude-sonnet"})
    void nearestNameIsFound(String typed, String meant) {
        assertEquals(Optional.of(meant), Suggestions.of(typed, List.of("model", "chat", "--model", "claude-sonnet")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"caht", "chta", "hcat"})
    void transposedLettersAreOneMistake(String typed) {
        assertEquals(Optional.of("chat"), Suggestions.of(typed, List.of("login", "chat", "cart-")));
    }

    @Test
    void nearestNamesComeFirst() {
        assertEquals(List.of("gpt-4o", "gpt-4o-mini", "claude"),
                Suggestions.sorted("gpt-4oo", List.of("claude", "gpt-4o-mini", "gpt-4o")));
    }

    @Test
    void shortWordsGetNoSuggestion() {
        for (String word : List.of("b", "x", "-p")) assertEquals(Optional.empty(), Suggestions.of(word, List.of("o1",
                "ls", "-")));
    }

    @Test
    void dissimilarWordsGetNoSuggestion() {
        assertEquals(Optional.empty(), Suggestions.of("frobnicate", List.of("model", "chat")));
        assertEquals(Optional.empty(), Suggestions.of("", List.of("model")));
        assertEquals(Optional.empty(), Suggestions.of("x", List.of()));
        assertEquals(Optional.of("ab"), Suggestions.of("ab", List.of("ac", "ab", "ad")));
    }

    @ParameterizedTest
    @CsvSource({"90, 90000", "90s, 90000", "90 s, 90000", "' 5m ', 300000", "2h, 7200000", "1d, 86400000",
            "500ms, 500", "0, 0", "1.5h, 5400000", "0.25 m, 15000", "1.5, 1500"})
    void parsedDurations(String text, long millis) {
        assertEquals(Duration.ofMillis(millis), Durations.parse("--x", text, null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "soon", "-1", "1.", ".5s", "1,5h", "5w", "m", "1 2", "9999999999", "٣"})
    void invalidDurationsAreRefused(String text) {
        assertEquals(2, assertThrows(copilot.Fault.class, () -> Durations.parse("--x", text, null)).exitCode());
    }

    @ParameterizedTest
    @CsvSource({"0, 0 ms, 0:00", "999, 999 ms, 0:00", "1000, 1 s, 0:01", "119000, 119 s, 1:59", "120000, 2 min, 2:00",
            "7200000, 2 h, 120:00", "259200000, 3 days, 4320:00"})
    void formattedDurations(long millis, String words, String clock) {
        assertEquals(words, Durations.words(Duration.ofMillis(millis)));
        assertEquals(clock, Durations.clock(Duration.ofMillis(millis)));
    }

    @Test
    void negativeDurationIsFormattedAsZero() {
        assertEquals("0:00", Durations.clock(Duration.ofSeconds(-5)));
        assertEquals("0 ms", Durations.words(Duration.ofSeconds(-5)));
        assertEquals("1.2 s", Durations.seconds(Duration.ofMillis(1299)));
    }

    private static final String SECRET = "Abcd1234Abcd1234Abcd1234Abcd1234wxyz";

    @ParameterizedTest
    @ValueSource(strings = {"ghu_S", "a gho_S b", "token=ghp_S", "x_ghu_S", "\"ghs_S\"", "ghr_S,ghu_S",
            "github_pat_S_S",
            "%22ghu_S", "Authorization: token S", "authorization: BEARER S", "Bearer S", "tid=S;exp=1;sku=S:S",
                    "'tid=S'",
            "{\"token\":\"tid=S;exp=1:S\"}", "https://x-access-token:ghu_S@github.com/", "ghu_\uFEFFghu_S"})
    void tokensAreMasked(String text) {
        String masked = Secrets.mask(text.replace("S", SECRET));
        assertFalse(masked.contains("Abcd1234"), masked);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a bearer of bad news", "token expired", "the token was refused", "ghosts", "untidy tid",
            "mai-code-1.1-flash", "token authentication failed", ""})
    void otherWordsAreNotMasked(String text) { assertEquals(text, Secrets.mask(text)); }

    @Test
    void maskedTokensRemainDistinguishable() {
        assertEquals("ghu_…wxyz and ghu_…wxyy",
                Secrets.mask("ghu_" + SECRET + " and ghu_" + SECRET.replace("wxyz", "wxyy")));
        assertEquals("", Secrets.mask(null));
    }

    @Test
    void controlCharactersAreEscaped() {
        assertEquals("␛[2J␇␀\r\n\t␍", Text.printable("\033[2J\007\0\r\n\t\r"));
        assertEquals("\uFFFD2J\uFFFD", Text.printable("\u009b2J\u007f"));
        assertEquals("é 中文 🦆\uD83E", Text.printable("é 中文 🦆\uD83E"));
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '"', value = {"\"\", \"\n\"", "\"a\", \"a\n\"", "\"a\n\n\", \"a\n\"",
            "\"a\r\n\", \"a\n\"",
            "\"a\nb\n\", \"a\nb\n\"", "\"a  \n\", \"a  \n\"", "\"\n\", \"\n\""})
    void textEndsInOneNewline(String text, String wanted) { assertEquals(wanted, Text.endWithNewline(text)); }

    @Test
    void requestFieldsAreJson() {
        var fields = copilot.RequestFields.parse(List.of("n=2",
                "stop=[\"a=b\"]", "user=\"é\"", "x= {\"a\":null} ", "t=0.10",
                "n=3"));
        assertEquals("{\"n\":3,\"stop\":[\"a=b\"],\"user\":\"é\",\"x\":{\"a\":null},\"t\":0.10}",
                Json.singleLine(fields));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "n", "=1", "n=", "n= ", "user=octocat", "n=1 2", "a={", "a=NaN", "a='x'", "a=01",
            "a={\"b\":1}}",
            "model=\"x\"", "messages=[]", "stream=true"})
    void invalidJsonFieldsAreRefused(String option) {
        var fault = assertThrows(copilot.Fault.class, () -> copilot.RequestFields.parse(List.of(option)));
        assertEquals(2, fault.exitCode());
        assertFalse(fault.hint().isBlank());
    }

    // ----------------------------------------------------------------------------------------- the file itself

    /// The checkout, if the tests run from one and not from a remote catalog.
    static Path root() {
        var here = Stream.iterate(Path.of("").toAbsolutePath(), Objects::nonNull, Path::getParent)
                .filter(p -> Files.exists(p.resolve("copilot.java"))).findFirst();
        assumeTrue(here.isPresent(), "no checkout above " + Path.of("").toAbsolutePath());
        return here.get();
    }

    private static String source(String name) throws IOException { return Files.readString(root().resolve(name)); }

    private static List<String> javaFiles() throws IOException {
        try (var files = Files.walk(root(), 3)) {
            return files.map(p -> root().relativize(p).toString().replace('\\', '/'))
                    .filter(p -> p.endsWith(".java") && !p.startsWith(".")).sorted().toList();
        }
    }

    private static List<String> directives(String source, String name) {
        return source.lines().filter(l -> l.startsWith("//" + name + " ")).map(l -> l.substring(name.length() + 3)
                .strip())
                .toList();
    }

    private static List<String> files(String folder, String end) throws IOException {
        if (!Files.isDirectory(root().resolve(folder))) return List.of();
        try (var files = Files.list(root().resolve(folder))) {
            return files.map(p -> p.getFileName().toString()).filter(n -> n.endsWith(end)).sorted().toList();
        }
    }

    @Test
    void noLineIsWiderThan120() throws IOException {
        var wide = new ArrayList<String>();
        for (String name : javaFiles()) {
            var lines = source(name).lines().toList();
            for (int i = 0; i < lines.size(); i++) {
                int width = lines.get(i).codePointCount(0, lines.get(i).length());
                if (width > 120) wide.add(name + ":" + (i + 1) + " " + width);
            }
        }
        assertEquals(List.of(), wide);
    }

    @Test
    void noTabsNoTrailingSpacesOneFinalNewline() throws IOException {
        var untidy = new ArrayList<String>();
        for (String name : javaFiles()) {
            String source = source(name);
            var lines = source.lines().toList();
            for (int i = 0; i < lines.size(); i++) if (lines.get(i).matches(".*\\s|.*\t.*")) untidy.add(name + ":"
                    + (i + 1));
            if (!source.endsWith("\n") || source.endsWith("\n\n") || source.contains("\r")) untidy.add(name);
        }
        assertEquals(List.of(), untidy);
    }

    /// JBang takes any line that begins so for a directive, even within a text block.
    @Test
    void directivesAreInTheHeaderOnly() throws IOException {
        var astray = new ArrayList<String>();
        for (String name : javaFiles()) {
            var lines = source(name).lines().toList();
            int header = 0;
            while (header < lines.size() && lines.get(header).startsWith("//")) header++;
            lines.stream().skip(header).filter(l -> l.matches("//[A-Z]+( .*)?")).forEach(l -> astray.add(name + ": "
                    + l));
        }
        assertEquals(List.of(), astray);
    }

    @Test
    void requiredDirectives() throws IOException {
        String source = source("copilot.java");
        assertTrue(source.startsWith("///usr/bin/env jbang \"$0\" \"$@\" ; exit $?\n"));
        assertEquals(List.of("25+"), directives(source, "JAVA"));
        assertTrue(source.lines().anyMatch("//CDS"::equals));
        assertTrue(String.join(" ", directives(source, "RUNTIME_OPTIONS")).contains("-Xshare:auto -Xlog:disable"));
        if (System.getProperty("os.name").equals("Linux")) {
            String started = String.join(" ", directives(source, "RUNTIME_OPTIONS")).replace("-Xshare:auto ", "");
            assertEquals(started.replace("-XX:+IgnoreUnrecognizedVMOptions ", ""), String.join(" ", Launcher.OPTIONS),
                    "the launcher starts as JBang does, but for its own cache");
        }
        for (String name : javaFiles()) {
            directives(source(name), "DEPS").forEach(dep ->
                    assertTrue(dep.matches("[\\w.-]+:[\\w.-]+:\\d+\\.\\d+(\\.\\d+)?(\\.Final)?"
                            + "|\\.\\./copilot\\.java"), name + " " + dep));
            directives(source(name), "FILES").forEach(file -> assertFalse(file.contains("*"), file));
        }
    }

    @Test
    void everyTemplateIsListed() throws IOException {
        var listed = directives(source("copilot.java"), "FILES").stream().map(l -> l.split("=")[0]).sorted().toList();
        var there = files("templates", "").stream().map(n -> "templates/" + n).toList();
        assertEquals(there, listed);
    }

    /// A page that is not listed is missing where the program runs from a catalog or is installed.
    @Test
    void everyPageIsListed() throws IOException {
        for (String program : List.of("eval", "serve")) {
            String folder = "scripts/" + program;
            var listed = directives(source(folder + ".java"), "FILES").stream().sorted().toList();
            assertEquals(files(folder, ".html").stream().map(name -> name + "=" + program + "/" + name).toList(),
                    listed);
        }
    }

    /// As from "$UNSET": neither a folder nor the current one.
    @Test
    void emptyFileNameIsAnError() {
        for (var words : List.of(List.of("chat", "-f", "", "x"), List.of("chat", "-o", "", "x"),
                List.of("batch", "classify", "-d", "", "-o", "o.jsonl"), List.of("install", "--dir", ""))) {
            var outcome = cop.run(words.toArray(String[]::new));
            assertEquals(2, outcome.code(), outcome::all);
            assertTrue(outcome.err().contains("empty file name"), outcome::all);
            assertEquals("", outcome.out());
        }
    }

    @Test
    void onlyMainAndScriptExit() throws IOException {
        var exits = source("copilot.java").lines().map(String::strip).filter(l -> l.contains("System.exit")
                && !l.startsWith("//")).toList();
        assertEquals(2, exits.size(), exits::toString);
        assertTrue(exits.getFirst().startsWith("public static void main("), exits::toString);
        assertEquals("if (code != 0) System.exit(code);", exits.getLast(), "a script's");
    }

    @Test
    void aliasesPointAtFilesThatExist() throws IOException {
        var aliases = Json.tryParse(source("jbang-catalog.json")).path("aliases");
        assertTrue(aliases.propertyStream().map(Map.Entry::getKey).toList()
                .containsAll(List.of("copilot", "demo", "simulator", "test")));
        for (var alias : aliases.properties()) {
            String script = alias.getValue().path("script-ref").asString();
            assertTrue(Files.isRegularFile(root().resolve(script)), alias.getKey() + ": " + script);
            assertFalse(Files.isDirectory(root().resolve(alias.getKey())), "a folder hides the alias "
                    + alias.getKey());
            assertFalse(alias.getValue().path("description").asString("").isBlank(), alias.getKey());
        }
    }

    /// One name for file, class, alias and command; and all of them are in the installed `cop`.
    @Test
    void programsHaveFileAliasAndLauncherEntry() throws IOException {
        var programs = Commands.PROGRAMS;
        var aliases = Json.tryParse(source("jbang-catalog.json")).path("aliases");
        for (String name : programs) {
            assertEquals("scripts/" + name + ".java", aliases.path(name).path("script-ref").asString(name));
            String main = "    public static void main(String... args) { System.exit(copilot.start(\"" + name
                    + "\", args)); }";
            assertTrue(source("scripts/" + name + ".java").lines().anyMatch(main::equals), name);
            assertEquals("cop." + name, Commands.program(name).orElseThrow().getClass().getName());
        }
        assertEquals(programs.stream().filter(name -> !name.equals("install")).map(name -> name + ".java")
                .collect(Collectors.toSet()), directives(source("scripts/install.java"), "SOURCES").stream()
                .filter(other -> !other.equals("../copilot.java")).collect(Collectors.toSet()));
    }

    /// On macOS and Windows `Repl.class` and `repl.class` are one file.
    @Test
    void noClassDiffersFromProgramByCaseAlone() throws IOException {
        var types = new ArrayList<String>();
        for (String name : javaFiles()) {
            Pattern.compile("(?m)^(?:[a-z-]+ )*(?:class|record|interface|enum) (\\w+)").matcher(source(name)).results()
                    .map(type -> type.group(1)).forEach(types::add);
        }
        assertTrue(types.contains("HttpSender") && types.contains("talk"), types::toString);
        for (String name : Commands.PROGRAMS) {
            assertEquals(List.of(name), types.stream().filter(name::equalsIgnoreCase).toList());
        }
    }

    /// As JBang runs copilot.java alone: the class path without the programs' classes.
    @Test
    void missingProgramHintsAtAlias() throws Exception {
        cop.withoutPrograms();
        String help = cop.runProcess("", "--help").out();
        assertFalse(help.contains("Programs") || help.contains("  repl "), help);
        assertFalse(cop.runProcess("", "completion", "next", "cop ").out().contains("embed"));
        for (String name : Commands.PROGRAMS) {
            var outcome = cop.runProcess("", name);
            assertEquals(2, outcome.code(), outcome::all);
            assertTrue(outcome.err().startsWith("error: " + name + " is a separate program"), outcome::all);
            assertTrue(outcome.err().contains("\nhint: jbang " + name + "@OWNER/copilot.java"), outcome::all);
        }
        hints("did you mean: copilot install", cop.runProcess("", "instal"));
    }

    @Test
    void everyTestIsListed() throws IOException {
        var sources = directives(source("scripts/test.java"), "SOURCES").stream().filter(s -> s.startsWith("tests/"))
                .map(s -> s.substring(6)).sorted().toList();
        assertEquals(files("scripts/tests", ".java"), sources);
        var classes = test.CLASSES.stream().map(c -> c.getSimpleName() + ".java").sorted().toList();
        var withTests = new ArrayList<String>();
        for (String name : sources) if (source("scripts/tests/" + name).contains("    @Test\n")) withTests.add(name);
        assertEquals(withTests, classes);
    }

    @Test
    void everyListedSourceExists() throws IOException {
        for (String name : javaFiles()) {
            for (String other : directives(source(name), "SOURCES")) {
                Path file = root().resolve(name).resolveSibling(other).normalize();
                assertTrue(Files.isRegularFile(file), name + " names " + other);
            }
        }
    }

    @Test
    void budgetTakesFractionOfAnHour() {
        cop.write("templates/t.mustache", "say: {{text}}");
        cop.write("rows.jsonl", "{\"text\": \"a\"}\n");
        assertEquals(0, cop.batch("--max-time", "1.5h").code());
    }
}
