package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static cop.Harness.ok;
import static cop.Harness.reports;
import static cop.Harness.showsNot;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// The command `chat`: prompts, requests, replies, and output files.
class Chat {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ------------------------------------------------------------------------------------------- helpers

    private JsonNode body() { return cop.chats().getLast().body(); }

    private String sentTo(String field) { return body().path(field).toString(); }

    private String prompt() {
        var messages = body().path("messages");
        return messages.path(messages.size() - 1).path("content").asString();
    }

    /// Refused by the tool: exit 2, an error, no output, and no request.
    private Harness.Outcome refused(Harness.Outcome outcome) {
        exits(2, outcome);
        assertEquals("", outcome.out());
        assertTrue(outcome.err().startsWith("error: "), outcome::all);
        assertEquals(List.of(), cop.sim.ledger());
        return outcome;
    }

    private static void hasErrorAndHint(Harness.Outcome outcome) {
        var lines = outcome.err().lines().toList();
        assertEquals(1, lines.stream().filter(l -> l.startsWith("error: ")).count(), outcome::all);
        assertEquals(1, lines.stream().filter(l -> l.matches("hint: .*\\S.*")).count(), outcome::all);
    }

    private Harness.Outcome chat(String... more) {
        var args = new ArrayList<>(List.of("chat"));
        args.addAll(List.of(more));
        return cop.run(args.toArray(String[]::new));
    }

    /// Starts a stub of GitHub that responds to chats with these replies, repeating the last one.
    private Stub stub(Stub.Reply... chats) {
        var github = new Stub(cop.time).on("/chat/completions", chats).on(Login.EXCHANGE,
                Stub.Reply.json(200, "{\"token\":\"tid=0123456789abcdef;sku=x\",\"refresh_in\":1500}"));
        cop.with("COP_HOST", github.url());
        return github;
    }

    // ------------------------------------------------------------------------------------------- the prompt

    @Test
    void argumentsAreThePrompt() {
        assertEquals("gpt-5-mini heard 3 words: one two three\n", ok(chat("one", "two", "three")).out());
        assertEquals("one two three", prompt());
    }

    @Test
    void whitespaceInArgumentsIsPreserved() {
        ok(chat("  a\n\n b\t\n"));
        assertEquals("  a\n\n b\t\n", prompt());
    }

    @Test
    void stdinAloneIsThePrompt() {
        ok(cop.runWith("from a pipe\n", "chat"));
        assertEquals("from a pipe", prompt());
    }

    @Test
    void stdinPrecedesArguments() {
        ok(cop.runWith("diff --git\n+new\n\n", "chat", "write a message"));
        assertEquals("diff --git\n+new\n\nwrite a message", prompt());
    }

    @Test
    void leadingBlankLinesOfStdinArePreserved() {
        ok(cop.runWith("\n  indented\n", "chat", "why"));
        assertEquals("\n  indented\n\nwhy", prompt());
    }

    @Test
    void emptyStdinIsIgnored() {
        ok(cop.runWith("\n \n", "chat", "hello"));
        assertEquals("hello", prompt());
    }

    @Test
    void dashIsStdin() {
        ok(cop.runWith("from a pipe\r\n", "chat", "-"));
        assertEquals("from a pipe", prompt());
    }

    @Test
    void dashIsStdinOnTerminal() {
        cop.terminal(0, 1, 2);
        ok(cop.runWith("typed\n", "chat", "-"));
        assertEquals("typed", prompt());
    }

    @Test
    void argumentsMayFollowDash() {
        ok(cop.runWith("class A{}\n", "chat", "-", "explain", "this"));
        assertEquals("class A{}\n\nexplain this", prompt());
    }

    @Test
    void dashAmongArgumentsIsText() {
        ok(cop.runWith("", "chat", "1", "-", "2"));
        assertEquals("1 - 2", prompt());
    }

    @Test
    void terminalIsNotReadWhenPromptIsGiven() {
        cop.terminal(0);
        ok(cop.runWith("not this\n", "chat", "hello"));
        assertEquals("hello", prompt());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n\n", " \t\n"})
    void missingPromptIsRefused(String stdin) {
        refused(cop.runWith(stdin, "chat"));
        refused(cop.runWith(stdin, "chat", "-"));
        refused(cop.runWith(stdin, "chat", " "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"@a.txt", "${sys:user.home}", "\"quoted\"", "'q'", "a\\nb", "%n", "{{x}}", "-"})
    void argumentsAreSentUnchanged(String argument) {
        cop.write("a.txt", "not this");
        ok(chat("-m", "mai-code-1.1-flash", "-s", argument, "tell me about", argument));
        assertEquals("tell me about " + argument, prompt());
        assertEquals(argument, body().at("/messages/0/content").asString());
    }

    @Test
    void doubleDashEndsOptions() {
        ok(chat("--", "-v", "--json"));
        assertEquals("-v --json", prompt());
    }

    @Test
    void unicodeIsSentUnchanged() {
        ok(cop.runWith("Grüße 😀\n", "chat", "नमस्ते 👩‍👩‍👧‍👦"));
        assertEquals("Grüße 😀\n\nनमस्ते 👩‍👩‍👧‍👦", prompt());
    }

    @Test
    void binaryStdinIsRefused() {
        refused(cop.runWith(new byte[]{'a', (byte) 0xff, 'b'}, "chat", "what is it"));
        refused(cop.runWith(new byte[]{'a', 0, 'b'}, "chat", "what is it"));
    }

    @Test
    void byteOrderMarkOnStdinIsDropped() {
        ok(cop.runWith("\uFEFFhello", "chat"));
        assertEquals("hello", prompt());
    }

    @Test
    void silentPipeIsNotAwaitedForever() throws IOException {
        try (var nobodyWrites = new PipedOutputStream(); var pipe = new PipedInputStream(nobodyWrites)) {
            var silent = new Stdin(pipe, Stdin.Kind.PIPE);
            var fault = assertThrows(copilot.Fault.class, () -> silent.text(Duration.ofMillis(20)));
            assertTrue(fault.message().startsWith("no input on stdin"), fault::message);
        }
    }

    @Test
    void unreadableStdinIsAnError() {
        var broken = new SequenceInputStream(new ByteArrayInputStream("half".getBytes()), new InputStream() {
            @Override
            public int read() throws IOException { throw new IOException("Input/output error"); }
        });
        var fault = assertThrows(copilot.Fault.class, () -> new Stdin(broken, Stdin.Kind.FILE).text());
        assertEquals("cannot read stdin: Input/output error", fault.message());
    }

    @Test
    void filesAreFencedWithTheirNames() {
        cop.write("a.txt", "one\ntwo\n\n");
        ok(chat("-f", "a.txt", "explain"));
        assertEquals("a.txt\n```\none\ntwo\n```\n\nexplain", prompt());
    }

    @Test
    void stdinThenFilesThenWords() {
        cop.write("a.txt", "A");
        cop.write("b.txt", "B");
        ok(cop.runWith("piped\n", "chat", "words", "-f", "a.txt", "--file", "b.txt"));
        assertEquals("piped\n\na.txt\n```\nA\n```\n\nb.txt\n```\nB\n```\n\nwords", prompt());
    }

    @Test
    void fileAloneIsThePrompt() {
        cop.write("a.txt", "A");
        ok(chat("-f", "a.txt"));
        assertEquals("a.txt\n```\nA\n```", prompt());
    }

    @ParameterizedTest
    @CsvSource({"``, ```", "```, ````", "x`````y, ``````", "`` ` ```, ````"})
    void fenceIsLongerThanAnyInTheFile(String inside, String fence) {
        cop.write("a.md", inside + "\n");
        ok(chat("-f", "a.md"));
        assertEquals("a.md\n" + fence + "\n" + inside + "\n" + fence, prompt());
    }

    @Test
    void emptyFileIsFenced() {
        cop.write("empty.txt", "");
        ok(chat("-f", "empty.txt", "what is in it"));
        assertTrue(prompt().matches("empty\\.txt\n```\n\n?```\n\nwhat is in it"), prompt());
    }

    @Test
    void dashAsFileIsStdinOnce() {
        ok(cop.runWith("the data\n", "chat", "-f", "-", "explain"));
        assertEquals(1, prompt().split("the data", -1).length - 1, prompt());
        assertTrue(prompt().endsWith("\n\nexplain"), prompt());
    }

    @Test
    void binaryFilesAreRefused() throws IOException {
        Files.write(cop.file("nul"), new byte[]{'a', 0, 'b'});
        Files.write(cop.file("latin1"), new byte[]{'a', (byte) 0xe9, 'b'});
        reports(refused(chat("-f", "nul", "x")), "nul");
        reports(refused(chat("-f", "latin1", "x")), "latin1");
    }

    @Test
    void missingFilesAndFoldersAreRefused() throws IOException {
        Files.createDirectory(cop.file("folder"));
        reports(refused(chat("-f", "nowhere.txt", "x")), "no such file");
        reports(refused(chat("-f", "folder", "x")), "folder");
        refused(chat("-f", "a\0b", "x"));
    }

    @Test
    void systemMessageComesFirst() {
        ok(chat("-s", "be brief", "hello"));
        assertEquals("[{\"role\":\"system\",\"content\":\"be brief\"},{\"role\":\"user\",\"content\":\"hello\"}]",
                sentTo("messages"));
    }

    // ------------------------------------------------------------------------------------------- the model

    @Test
    void accountDefaultModelIsUsed() {
        ok(chat("hello"));
        assertEquals("\"gpt-5-mini\"", sentTo("model"));
    }

    @Test
    void githubChoosesModelWithoutModelList() {
        cop.sim.set("models-faults", "403-empty");
        ok(chat("hello"));
        assertEquals("", sentTo("model"));
    }

    @Test
    void precedenceOfModelSettings() {
        ok(cop.run("models", "default", "gpt-4o-mini"));
        ok(chat("hello"));
        assertEquals("\"gpt-4o-mini\"", sentTo("model"));
        cop.with("COP_MODEL", "claude-haiku-4.5");
        ok(chat("hello"));
        assertEquals("\"claude-haiku-4.5\"", sentTo("model"));
        ok(chat("-m", "gpt-5.4", "hello"));
        assertEquals("\"gpt-5.4\"", sentTo("model"));
        ok(chat("--model", "mai-code-1.1-flash", "hello"));
        assertEquals("\"mai-code-1.1-flash\"", sentTo("model"));
    }

    @Test
    void namedModelFetchesListOnce() {
        ok(chat("-m", "mai-code-1.1-flash", "hello"));
        ok(chat("-m", "gpt-5-mini", "hello"));
        assertEquals(1, cop.sim.count("/models"), "it says on which path a model is served");
    }

    @Test
    void namedModelWorksWithoutModelList() {
        cop.sim.set("models-faults", "403,403,403");
        ok(chat("-m", "mai-code-1.1-flash", "hello"));
    }

    /// Trouble with the token is told at once, and not met again on the way to the catalogue.
    @ParameterizedTest
    @CsvSource({"programmatic_token_generation, 1, 1", "rate-limit, 75, 1", "502, 1, 4", "bad-credentials, 4, 1"})
    void namedModelExchangesTokenOnce(String fault, int exit, int exchanges) {
        cop.sim.set("exchange-faults", (fault + ",").repeat(9));
        hasErrorAndHint(exits(exit, chat("-m", "mai-code-1.1-flash", "hello")));
        assertEquals(exchanges, cop.sim.count(Login.EXCHANGE));
        assertEquals(0, cop.chats().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "\u0000", "{\"model\":7}"})
    void damagedSettingsAreIgnored(String text) {
        cop.write(".config/copilot.java/config.json", text);
        var outcome = ok(chat("say: hi"));
        assertEquals("hi\n", outcome.out());
        assertEquals("\"gpt-5-mini\"", sentTo("model"));
        if (!text.startsWith("{\"")) reports(outcome, "warning: ");
        showsNot("copilot login", outcome);
    }

    @Test
    void nonStreamingModelIsNotStreamed() {
        cop.sim.set("revive", "o1");
        ok(cop.run("models"));
        assertEquals("o1 heard 1 word: hello\n", ok(chat("-m", "o1", "hello")).out());
        assertEquals("false", sentTo("stream"));
        assertEquals(1, cop.chats().size());
    }

    @Test
    void nonStreamingModelWorksInEmptyHome() {
        cop.sim.set("revive", "o1");
        assertEquals("o1 heard 1 word: hello\n", ok(chat("-m", "o1", "hello")).out());
        assertEquals("false", sentTo("stream"));
    }

    // ------------------------------------------------------------------------------------------- what is sent

    @Test
    void warmChatMakesOneRequest() {
        ok(chat("hello"));
        int before = cop.sim.ledger().size();
        ok(chat("hello"));
        assertEquals(List.of("/chat/completions"),
                cop.sim.ledger().stream().skip(before).map(simulator.Entry::path).toList());
    }

    @Test
    void requestBody() {
        ok(chat("hello \"you\" é"));
        assertEquals("{\"model\":\"gpt-5-mini\",\"messages\":[{\"role\":\"user\","
                + "\"content\":\"hello \\\"you\\\" é\"}],\"stream\":true}", cop.chats().getLast().rawBody());
        ok(chat("--no-stream", "-m", "mai-code-1.1-flash", "-s", "s", "hello"));
        assertEquals("{\"model\":\"mai-code-1.1-flash\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                + "{\"role\":\"user\",\"content\":\"hello\"}],\"stream\":false}", cop.chats().getLast().rawBody());
    }

    private static final Set<String> TRANSPORT = Set.of("host", "content-length", "connection");

    private Map<String, List<String>> headers() {
        var sent = new TreeMap<>(cop.chats().getLast().headers());
        sent.keySet().removeAll(TRANSPORT);
        return sent;
    }

    private String header(String name) { return String.join("|", headers().getOrDefault(name, List.of())); }

    @Test
    void requestHeadersAreSentOnce() {
        ok(chat("hello"));
        var sent = headers();
        assertEquals(List.of("authorization", "content-type", "copilot-integration-id", "editor-plugin-version",
                "editor-version", "user-agent", "x-github-api-version", "x-initiator", "x-request-id"),
                List.copyOf(sent.keySet()));
        sent.forEach((name, values) -> assertEquals(1, values.size(), name));
        assertTrue(header("authorization").startsWith("Bearer tid="));
        assertEquals("application/json", header("content-type"));
        assertEquals("vscode-chat", header("copilot-integration-id"));
        assertEquals("copilot-chat/0.54.0", header("editor-plugin-version"));
        assertEquals("vscode/1.126.0", header("editor-version"));
        assertEquals("GitHubCopilotChat/0.54.0", header("user-agent"));
        assertEquals("2026-08-01", header("x-github-api-version"));
        assertEquals("user", header("x-initiator"));
        assertEquals(4, UUID.fromString(header("x-request-id")).version());
        assertEquals(2, UUID.fromString(header("x-request-id")).variant());
    }

    @Test
    void exchangeHasIdentityHeadersOnce() {
        ok(chat("hello"));
        var exchange = cop.sim.ledger().stream().filter(e -> e.path().endsWith("/v2/token")).findFirst().orElseThrow();
        for (String name : List.of("authorization", "editor-version", "editor-plugin-version", "user-agent")) {
            assertEquals(1, exchange.headers().get(name).size(), name);
        }
        assertEquals("token " + simulator.GITHUB_TOKEN, exchange.headers().get("authorization").getFirst());
    }

    @Test
    void headerOptionIsCaseInsensitive() {
        ok(chat("-H", "eDITOR-vERSION:  Neovim/0.11.0 ", "-H", "X-Extra: 1",
                "--header", "Openai-Intent: conversation-panel", "hello"));
        assertEquals("Neovim/0.11.0", header("editor-version"));
        assertEquals("1", header("x-extra"));
        assertEquals("conversation-panel", header("openai-intent"));
    }

    @Test
    void emptyHeaderIsOmitted() {
        cop.sim.set("faults", "ok");
        ok(chat("hello"));
        ok(chat("-H", "Editor-Plugin-Version:", "hello"));
        assertFalse(headers().containsKey("editor-plugin-version"));
    }

    @Test
    void emptyUserAgentIsOmitted() {
        ok(chat("hello"));
        var outcome = chat("-H", "User-Agent:", "hello");
        boolean said = outcome.code() == 2 && outcome.err().contains("User-Agent");
        assertTrue(said || !header("user-agent").contains("Java"), header("user-agent") + outcome.all());
    }

    @Test
    void headerOptionsOverrideEnvironment() {
        cop.with("COP_HEADERS", "Editor-Version: Zed/1.0\n\nX-Extra: a:b\nX-Initiator: agent\n");
        ok(chat("-H", "Editor-Version: Neovim/0.11.0", "hello"));
        assertEquals("Neovim/0.11.0", header("editor-version"));
        assertEquals("a:b", header("x-extra"));
        assertEquals("agent", header("x-initiator"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"no colon", ": nameless", "X Y: 1", "X-A: a\r\nX-B: b", "X-A: a\nX-B: b", "X-É: 1",
            "Authorization: Bearer x", "Host: evil.example", "Content-Length: 1", "Transfer-Encoding: chunked"})
    void invalidHeadersAreRefused(String header) { refused(chat("-H", header, "hello")); }

    @Test
    void invalidHeadersInEnvironmentAreRefused() {
        cop.with("COP_HEADERS", "Editor-Version");
        reports(refused(chat("hello")), "COP_HEADERS");
    }

    @Test
    void everyRequestHasItsOwnId() {
        cop.sim.set("faults", "503");
        ok(chat("hello"));
        ok(chat("hello"));
        assertEquals(3, cop.chats().stream().map(e -> e.headers().get("x-request-id").getFirst()).distinct().count());
    }

    // ------------------------------------------------------------------------------------------- request fields

    @Test
    void anyFieldCanBeSet() {
        ok(chat("-O", "stop=[\"END\"]", "--option", "top_p=0.5", "-O", "user=\"me=you\"", "-O", "seed=1",
                "-O", "seed=2", "-O", "logit_bias={\"50256\": -100}", "-O", "temperature=null", "hello"));
        assertEquals("[\"END\"]", sentTo("stop"));
        assertEquals("0.5", sentTo("top_p"));
        assertEquals("\"me=you\"", sentTo("user"));
        assertEquals("2", sentTo("seed"));
        assertEquals("{\"50256\":-100}", sentTo("logit_bias"));
        assertEquals("null", sentTo("temperature"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"stop", "=1", "temperature=warm", "temperature=", "user={", "seed=1 2", "seed='1'",
            "model=\"mai-code-1.1-flash\"", "messages=[]", "stream=true"})
    void invalidFieldsAreRefused(String option) { refused(chat("-O", option, "hello")); }

    @Test
    void numericOptionsAreFields() {
        ok(chat("-m", "gpt-5-mini", "--temperature", "0.70", "--top-p", "1", "--seed", "12345678901",
                "--max-tokens", "50", "--reasoning-effort", "low", "hello"));
        String sent = cop.chats().getLast().rawBody();
        for (String field : List.of("\"temperature\":0.70", "\"top_p\":1", "\"seed\":12345678901",
                "\"max_completion_tokens\":50",
                "\"reasoning_effort\":\"low\"")) {
            assertTrue(sent.contains(field), () -> field + " is not in " + sent);
        }
    }

    @Test
    void numbersKeepTheirDigits() {
        ok(chat("-O", "top_p=0.50", "-O", "seed=12345678901234567890", "--temperature", "0.0000001", "hello"));
        String sent = cop.chats().getLast().rawBody();
        assertTrue(sent.contains("\"top_p\":0.50"), sent);
        assertTrue(sent.contains("\"seed\":12345678901234567890"), sent);
        assertEquals(0, new BigDecimal("0.0000001").compareTo(body().path("temperature").decimalValue()), sent);
    }

    @ParameterizedTest
    @CsvSource({"--temperature, warm", "--max-tokens, many", "--max-tokens, 1.5", "--top-p, x", "--seed, 1e3",
            "--max-wait, soon", "--max-wait, -1", "--timeout, 1w", "--timeout, ''", "--timeout, 0"})
    void invalidNumbersAndDurationsAreRefused(String option, String value) { refused(chat(option, value, "hello")); }

    @Test
    void hugeTimeoutIsAccepted() {
        for (String option : List.of("--timeout", "--max-wait")) ok(chat(option, "999999999d", "hello"));
    }

    @Test
    void invalidMaxWaitInEnvironmentIsRefused() {
        cop.with("COP_MAX_WAIT", "soon");
        reports(refused(chat("hello")), "COP_MAX_WAIT");
    }

    @Test
    void unknownOptionsSuggestNearest() {
        reports(refused(chat("--modle", "mai-code-1.1-flash", "hello")), "--model");
        refused(chat("-p", "hello"));
    }

    // ------------------------------------------------------------------------------------------- the answer

    @ParameterizedTest
    @ValueSource(strings = {"a", "a\n", "a\n\n\n", "\n\na\n", "a\n\n\nb\n", "a\r\n", "a\r\nb\r\nc\r\n\r\n",
            "a \r b", "  a  ", "a\n \n", "\r\na"})
    void replyEndsInOneNewline(String answer) {
        cop.sim.set("answer", answer);
        cop.write("out.txt", "old");
        String wanted = answer.replaceFirst("[\r\n]+$", "") + "\n";
        assertEquals(wanted, ok(chat("hello")).out());
        assertEquals(wanted, ok(chat("--no-stream", "hello")).out());
        assertEquals(wanted, ok(chat("-m", "claude-haiku-4.5", "hello")).out());
        ok(chat("-o", "out.txt", "hello"));
        assertEquals(wanted, cop.read("out.txt"));
    }

    @Test
    void newlineOnlyReplyIsTheSameStreamedOrNot() {
        cop.sim.set("answer", "\n\n\n");
        assertEquals(ok(chat("--no-stream", "hello")).out(), ok(chat("hello")).out());
    }

    @Test
    void emptyReplyWarns() {
        cop.sim.set("answer", "say");
        var outcome = ok(chat("-O", "stop=\"s\"", "hello"));
        assertEquals("", outcome.out().strip());
        reports(outcome, "warning: the answer is empty");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-stream", "--hide-reasoning"})
    void unstreamedReplyWithoutJsonContentType(String way) {
        String answer = "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}";
        try (var github = stub(Stub.Reply.text(200, answer))) {
            assertEquals("hi\n", ok(chat("-m", "mai-code-1.1-flash", way, "hello")).out());
            assertEquals(1, github.count("/chat/completions"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-stream", "--hide-reasoning"})
    void emptyBodyIsAnErrorAndNotRetried(String way) {
        try (var github = stub(Stub.Reply.text(200, ""))) {
            hasErrorAndHint(exits(1, chat("-m", "mai-code-1.1-flash", way, "hello")));
            assertEquals(1, github.count("/chat/completions"));
            assertEquals(List.of(), cop.time.pauses);
        }
    }

    @ParameterizedTest
    @CsvSource({"lf, true, 0", "crlf, false, 1", "cr, true, 2", "cr, false, 7"})
    void anyTransportGivesTheSameText(String newline, boolean space, int chunk) {
        cop.sim.set("newline", newline).set("space", space).set("chunk", chunk).set("comments", true)
                .set("malformed", true).set("bom", true).set("last-newline", false).set("usage", "own-chunk");
        String text = "Grüße 😀 👩‍👩‍👧‍👦, one two three four";
        for (String model : List.of("mai-code-1.1-flash", "claude-haiku-4.5", "gemini-3.8-flash")) {
            assertEquals(text + "\n", ok(chat("-m", model, "say: " + text)).out());
        }
    }

    @Test
    void noStreamGivesTheSameText() {
        assertEquals("one two\n", ok(chat("--no-stream", "say: one two")).out());
        assertEquals("false", sentTo("stream"));
    }

    @Test
    void streamWithoutDoneIsComplete() {
        cop.sim.set("done", false);
        var outcome = ok(chat("say: hi"));
        assertEquals("hi\n", outcome.out());
        assertEquals("", outcome.err());
    }

    @Test
    void stdoutContainsOnlyTheReply() {
        var outcome = ok(chat("say: hi"));
        assertEquals("hi\n", outcome.out());
        assertEquals("", outcome.err());
    }

    private static final String STEERING = "a\u001b[31mred\u0007\u009b2J\u007f b\tc\n\u001b]0;title\u0007d";

    @Test
    void pipeGetsControlCharactersUnchanged() {
        cop.sim.set("answer", STEERING);
        assertEquals(STEERING + "\n", ok(chat("hello")).out());
        assertEquals(STEERING + "\n", ok(chat("-O", "n=1", "--no-stream", "hello")).out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"n=1", "n=2"})
    void controlCharactersAreEscapedOnTerminal(String choices) {
        cop.terminal(1, 2).with("NO_COLOR", "1").sim.set("answer", STEERING);
        for (String way : List.of("--no-stream", "--hide-reasoning", "--json")) {
            String out = ok(chat("-O", choices, way, "hello")).out();
            assertFalse(out.matches("(?s).*[\u0000-\u0008\u000b-\u001f\u007f-\u009f].*"), way + " " + out);
            assertTrue(way.equals("--json") || out.contains("\u241b[31mred\u2407"), out);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-stream", "--hide-reasoning"})
    void crLfIsPrintedOnTerminal(String way) {
        cop.terminal(1, 2).with("TERM", "dumb").sim.set("answer", "one\r\ntwo three\r\n\r\nfour\r\n");
        assertEquals("one\r\ntwo three\r\n\r\nfour\n", ok(chat(way, "hello")).out());
    }

    @Test
    void reasoningGoesToStderrOnly() {
        cop.sim.set("reasoning", "let me think");
        for (String model : List.of("gpt-5.4", "claude-haiku-4.5", "gemini-3.8-flash")) {
            var outcome = ok(chat("-m", model, "say: four"));
            assertEquals("four\n", outcome.out());
            reports(outcome, "let me think");
        }
    }

    @Test
    void hideReasoning() {
        cop.sim.set("reasoning", "let me think");
        showsNot("let me think", ok(chat("-m", "claude-haiku-4.5", "--hide-reasoning", "say: four")));
        showsNot("let me think", ok(chat("-m", "claude-haiku-4.5", "-q", "say: four")));
    }

    @Test
    void reasoningIsEscapedOnTerminal() {
        cop.terminal(1, 2).with("NO_COLOR", "1").sim.set("reasoning", "a\u001b[2Jb");
        showsNot("\u001b", ok(chat("-m", "claude-haiku-4.5", "say: four")));
    }

    @Test
    void jsonIsOneRecord() {
        var outcome = ok(chat("-m", "mai-code-1.1-flash", "--json", "say: one\ntwo"));
        assertEquals(1, outcome.out().lines().count(), outcome::all);
        var record = Json.tryParse(outcome.out());
        assertEquals(List.of("text", "model", "finish", "usage", "ms", "id", "request_id",
                "conversation"), List.copyOf(record.propertyNames()));
        assertEquals("one\ntwo", record.path("text").asString());
        assertEquals("mai-code-1.1-flash-2026-08-20", record.path("model").asString());
        assertEquals("stop", record.path("finish").asString());
        assertEquals(3, record.path("usage").path("prompt_tokens").asInt());
        assertEquals(2, record.path("usage").path("completion_tokens").asInt());
        assertEquals(5, record.path("usage").path("total_tokens").asInt());
        assertTrue(record.path("ms").isIntegralNumber());
        assertTrue(record.path("id").asString().startsWith("chatcmpl-"));
        assertTrue(record.path("request_id").asString().startsWith("C0DE:"));
        assertEquals("", outcome.err());
    }

    @Test
    void jsonIncludesReasoning() {
        cop.sim.set("reasoning", "hmm");
        var record = Json.tryParse(ok(chat("-m", "claude-haiku-4.5", "--json", "say: four")).out());
        assertEquals("hmm", record.path("reasoning").asString());
        assertEquals(1, record.path("usage").path("reasoning_tokens").asInt());
    }

    @ParameterizedTest
    @ValueSource(strings = {"finish", "own-chunk"})
    void jsonIsTheSameStreamedOrNot(String usage) {
        cop.sim.set("usage", usage);
        for (String model : List.of("mai-code-1.1-flash", "claude-haiku-4.5", "gemini-3.8-flash")) {
            var streamed = Json.tryParse(ok(chat("-m", model, "--json", "say: one two")).out());
            var whole = Json.tryParse(ok(chat("-m", model, "--json", "--no-stream", "say: one two")).out());
            for (String field : List.of("text", "model", "finish", "usage")) {
                assertEquals(whole.path(field), streamed.path(field), model + " " + field);
            }
        }
    }

    @Test
    void severalChoicesArePrintedInOrder() {
        assertEquals("one two\n\none two\n", ok(chat("-O", "n=2", "say: one two")).out());
        assertEquals("one two\n\none two\n", ok(chat("-O", "n=2", "--no-stream", "say: one two")).out());
        var record = Json.tryParse(ok(chat("-O", "n=2", "--json", "say: one two")).out());
        assertEquals("[\"one two\",\"one two\"]", record.path("choices").toString());
    }

    @Test
    void usageIsPrintedOnStderr() {
        var outcome = ok(chat("-u", "-m", "mai-code-1.1-flash", "say: hi"));
        assertEquals("hi\n", outcome.out());
        assertTrue(outcome.err().matches("usage: 2 prompt \\+ 1 completion tokens, [0-9.]+ credits, "
                + "mai-code-1.1-flash-2026-08-20, "
                + "[0-9.]+ m?s\nquota: [^\n]*\n"), outcome::all);
    }

    @Test
    void completedWorkIsNotBilledTwice() {
        ok(chat("-m", "gpt-5.4", "hello"));
        assertEquals(1.0, cop.sim.billed());
    }

    @ParameterizedTest
    @ValueSource(strings = {"hello", "two words", "# A heading", "`code`", "three\n\nparagraphs\n\nof it"})
    void terminalShowsReplyOnce(String answer) {
        cop.sim.set("answer", answer);
        String shown = cop.terminal(1).run("chat", "hi").out().replaceAll("\\x1b\\[[0-9;]*[A-Za-z]|[#`]", "");
        String last = answer.replaceAll("[#`]", "").lines().toList().getLast().strip();
        assertEquals(1, shown.lines().filter(line -> line.strip().equals(last)).count(), shown);
    }

    // ------------------------------------------------------------------------------------------- how it ends

    @ParameterizedTest
    @ValueSource(strings = {"length", "content_filter"})
    void incompleteReplyIsPrintedAndIsAnError(String finish) {
        cop.sim.set("finish", finish);
        for (String way : List.of("--no-stream", "--hide-reasoning")) {
            var outcome = exits(1, chat(way, "say: one two"));
            assertEquals("one two\n", outcome.out());
            reports(outcome, "error: ");
            reports(outcome, finish);
            reports(outcome, "hint: ");
        }
        assertEquals(finish, Json.tryParse(exits(1, chat("--json", "say: hi")).out()).path("finish").asString());
    }

    @Test
    void maxTokensTruncatesReply() {
        var outcome = exits(1, chat("--max-tokens", "2", "say: one two three four"));
        assertEquals("one two \n", outcome.out());
    }

    @Test
    void incompleteReplyIsWrittenToOutput() {
        cop.sim.set("finish", "length");
        exits(1, chat("-o", "out.txt", "say: one"));
        assertEquals("one\n", cop.read("out.txt"));
    }

    @Test
    void toolCallIsAnErrorWithoutJson() {
        cop.sim.set("finish", "tool_calls");
        for (String model : List.of("mai-code-1.1-flash", "claude-haiku-4.5", "gemini-3.8-flash")) {
            for (String way : List.of("--no-stream", "--hide-reasoning")) {
                var outcome = exits(1, chat("-m", model, way, "say: hi"));
                assertEquals("hi\n", outcome.out());
                hasErrorAndHint(outcome);
                reports(outcome, "--json");
                var call = Json.tryParse(ok(chat("-m", model, way, "--json", "hi")).out()).path("tool_calls");
                assertEquals(1, call.size(), model + way);
                assertEquals("weather", call.at("/0/function/name").asString());
                assertEquals("{\"city\":\"London\"}", call.at("/0/function/arguments").asString());
            }
        }
    }

    @Test
    void failedChoicesArePrintedOnce() {
        cop.sim.set("finish", "tool_calls");
        var outcome = exits(1, chat("-O", "n=2", "say: hi"));
        assertEquals("hi\n\nhi\n", outcome.out());
        hasErrorAndHint(outcome);
    }

    @Test
    void completeReplyWithToolCallLeavesNoPartFile() {
        cop.sim.set("finish", "tool_calls");
        var outcome = exits(1, chat("-o", "out.txt", "say: hi"));
        assertEquals("hi\n", cop.read("out.txt"));
        assertFalse(Files.exists(cop.file("out.txt.part")), outcome::all);
    }

    @Test
    void finishReasonErrorKeepsOldFileAndWritesPart() {
        cop.write("out.txt", "old\n");
        cop.sim.set("faults", "finish-error");
        hasErrorAndHint(exits(1, chat("-o", "out.txt", "say: half")));
        assertEquals("old\n", cop.read("out.txt"));
        assertEquals("half\n", cop.read("out.txt.part"));
    }

    @Test
    void finishReasonErrorIsAnError() {
        cop.sim.set("faults", "finish-error");
        var outcome = exits(1, chat("say: one two"));
        assertEquals("one two\n", outcome.out());
        hasErrorAndHint(outcome);
    }

    @ParameterizedTest
    @CsvSource({"reset-mid, one two", "reset-end, one two three four", "eof, one two three four",
            "truncated-json, one two", "error-chunk, one two", "copilot-errors, one two"})
    void brokenStreamPrintsPartialReply(String fault, String kept) {
        cop.sim.set("faults", fault);
        var outcome = exits(1, chat("say: one two three four"));
        assertEquals(kept, outcome.out().stripTrailing(), outcome::all);
        assertTrue(outcome.out().matches("(?s).*[^\n]\n"), outcome::all);
        hasErrorAndHint(outcome);
        assertEquals(1, cop.chats().size());
        assertEquals(List.of(), cop.time.pauses);
    }

    @ParameterizedTest
    @CsvSource({"error-chunk, upstream model provider failed in mid-stream", "copilot-errors, the agent failed"})
    void errorWithinStreamIsReported(String fault, String words) {
        cop.sim.set("faults", fault);
        reports(exits(1, chat("say: one two three four")), words);
    }

    @ParameterizedTest
    @ValueSource(strings = {"error-first", "error-chunk"})
    void errorWithinHttp200IsNotRetried(String fault) {
        for (String way : List.of("--no-stream", "--hide-reasoning")) {
            cop.sim.set("faults", fault);
            int before = cop.chats().size();
            var outcome = exits(1, chat(way, "say: one two"));
            hasErrorAndHint(outcome);
            reports(outcome, "upstream model provider failed in mid-stream");
            reports(outcome, "internal_error");
            reports(outcome, "request id C0DE:");
            assertEquals(before + 1, cop.chats().size());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--json", "-O"})
    void unsavedReplyIsNotReportedAsSaved(String way) {
        cop.sim.set("faults", "reset-mid");
        String prompt = "say: one two three";
        var outcome = exits(1, way.equals("-O") ? chat("-O", "n=2", prompt) : chat(way, prompt));
        assertTrue(outcome.out().contains("one") || !outcome.err().contains("kept"), outcome::all);
        if (!way.equals("--json")) return;
        var record = Json.tryParse(outcome.out());
        assertTrue(record.path("text").asString().startsWith("one"), outcome::all);
        assertTrue(record.path("error").asString().contains("was interrupted"), outcome::all);
    }

    @Test
    void partialChoicesAreSeparated() {
        cop.sim.set("faults", "reset-mid");
        var outcome = exits(1, chat("-O", "n=2", "say: one two three four"));
        assertTrue(outcome.out().isEmpty() || outcome.out().matches("(one (two )?)\n\n(one (two )?)\n"),
                outcome::all);
        hasErrorAndHint(outcome);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-stream", "--hide-reasoning"})
    void htmlInsteadOfReplyIsExplained(String way) {
        cop.sim.set("faults", "html-200,html-200,html-200,html-200");
        var outcome = exits(1, chat(way, "hello"));
        hasErrorAndHint(outcome);
        reports(outcome, "check --host, and whether a proxy requires a login");
        assertEquals(1, cop.chats().size(), "it is no trouble of the connection");
    }

    // ------------------------------------------------------------------------------------------- -o

    @Test
    void outputFileReplacesStdout() {
        var outcome = ok(chat("-o", "out.txt", "say: one two"));
        assertEquals("", outcome.out());
        assertEquals("one two\n", cop.read("out.txt"));
        assertFalse(Files.exists(cop.file("out.txt.part")));
    }

    @Test
    void dashAsOutputIsStdout() {
        assertEquals("one two\n", ok(chat("-o", "-", "say: one two")).out());
        assertFalse(Files.exists(cop.file("-")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-stream", "--json"})
    void replyIsPrintedWhenOutputCannotBeWritten(String way) {
        assumeTrue(Files.exists(Path.of("/dev/full")), "/dev/full");
        var outcome = exits(1, chat("-o", "/dev/full", way, "say: one two"));
        String answer = way.equals("--json") ? Json.text(Json.tryParse(outcome.out()), "text") + "\n" : outcome.out();
        assertEquals("one two\n", answer);
        hasErrorAndHint(outcome);
        reports(outcome, "/dev/full");
    }

    @Test
    void jsonIsWrittenToOutput() {
        ok(chat("-o", "out.json", "--json", "say: one"));
        assertEquals("one", Json.tryParse(cop.read("out.json")).path("text").asString());
    }

    @Test
    void outputIsReplacedAtomically() {
        cop.write("out.txt", "a much longer text than the new one\n");
        ok(chat("-o", "out.txt", "say: new"));
        assertEquals("new\n", cop.read("out.txt"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"reset-mid", "error-chunk", "eof"})
    void brokenStreamKeepsOldFileAndWritesPart(String fault) {
        cop.write("out.txt", "old\n");
        cop.sim.set("faults", fault);
        var outcome = exits(1, chat("-o", "out.txt", "say: one two three four"));
        assertEquals("old\n", cop.read("out.txt"));
        assertTrue(cop.read("out.txt.part").startsWith("one two"), () -> cop.read("out.txt.part"));
        assertEquals("", outcome.out());
        reports(outcome, "out.txt.part");
    }

    @Test
    void failureBeforeReplyLeavesNoPartFile() {
        cop.sim.set("faults", "403");
        exits(1, chat("-o", "out.txt", "hello"));
        assertFalse(Files.exists(cop.file("out.txt")));
        assertFalse(Files.exists(cop.file("out.txt.part")));
    }

    @Test
    void oldPartFileIsPreserved() {
        cop.sim.set("faults", "reset-mid");
        exits(1, chat("-o", "out.txt", "say: one two three four"));
        ok(chat("-o", "out.txt", "say: whole"));
        assertEquals("whole\n", cop.read("out.txt"));
        assertTrue(Files.exists(cop.file("out.txt.part")));
    }

    @Test
    void symlinkIsPreserved() throws IOException {
        cop.write("deep/real.txt", "old");
        Files.createSymbolicLink(cop.file("link.txt"), cop.file("deep/real.txt"));
        ok(chat("-o", "link.txt", "say: new"));
        assertTrue(Files.isSymbolicLink(cop.file("link.txt")));
        assertEquals("new\n", cop.read("deep/real.txt"));
    }

    @Test
    void unwritablePartFileDoesNotHideTheError() throws IOException {
        Files.createDirectories(cop.file("out.txt.part/full"));
        cop.sim.set("faults", "error-chunk");
        var outcome = exits(1, chat("-o", "out.txt", "say: one two three four"));
        reports(outcome, "upstream model provider failed in mid-stream");
    }

    @Test
    void outputKeepsFilePermissions() throws IOException {
        var mine = PosixFilePermissions.fromString("rw-------");
        Files.setPosixFilePermissions(cop.write("out.txt", "secret\n"), mine);
        ok(chat("-o", "out.txt", "say: new"));
        assertEquals(mine, Files.getPosixFilePermissions(cop.file("out.txt")));
        assertEquals("new\n", cop.read("out.txt"));
    }

    @Test
    void invalidOutputsAreRefusedBeforeSending() throws IOException {
        Files.createDirectory(cop.file("folder"));
        cop.write("file", "x");
        reports(refused(chat("-o", "folder", "hello")), "folder");
        reports(refused(chat("-o", "nowhere/out.txt", "hello")), "nowhere");
        refused(chat("-o", "file/out.txt", "hello"));
        refused(chat("-o", "/", "hello"));
        refused(chat("-o", "a\0b", "hello"));
    }

    // ------------------------------------------------------------------- an answer that is cut off, and a schema

    private static final String HALF = "{\"a\": 1, \"b";

    /// Half a JSON answer is none: a program that reads stdout must not get it.
    @ParameterizedTest
    @CsvSource({"length, cut off by the token limit, raise --max-tokens",
            "content_filter, cut off by GitHub's content filter, rephrase the prompt"})
    void incompleteReplyDoesNotMeetSchema(String finish, String error, String hint) {
        cop.sim.set("finish", finish).set("answer", HALF);
        for (String more : List.of("-q", "--no-stream", "-x", "-m=gpt-5.4", "-m=claude-haiku-4.5", "--raw")) {
            var outcome = exits(1, chat(more, "--schema", "a int, b int", "hello"));
            assertEquals("", outcome.out(), more);
            hasErrorAndHint(outcome);
            reports(outcome, HALF + "\nerror: the answer was " + error + " (finish: " + finish + ")");
            reports(outcome, "\nhint: " + hint);
            showsNot("retrying", outcome);
        }
        var record = Json.tryParse(exits(1, chat("--json", "--schema", "a int, b int", "hello")).out());
        assertEquals(List.of(HALF, finish), List.of(Json.text(record, "text"), Json.text(record, "finish")));
        assertTrue(Json.text(record, "error").startsWith("the answer was " + error), record::toString);
        exits(1, chat("-o", "a.json", "--schema", "a int, b int", "hello"));
        assertFalse(Files.exists(cop.file("a.json")));
        assertEquals(HALF + "\n", cop.read("a.json.part"));
    }

    /// A number that is cut off is still a number, and may not be the one that was meant.
    @Test
    void truncatedNumberIsNotAReply() {
        cop.sim.set("finish", "length").set("answer", "12");
        assertEquals("", exits(1, chat("--schema", "{\"type\": \"integer\"}", "hello")).out());
    }

    @Test
    void maxTokensTruncatesJson() {
        var outcome = exits(1, chat("--max-tokens", "2", "--schema", "a int, b int", "say: {\"a\": 1, \"b\": 2}"));
        assertEquals("", outcome.out());
        reports(outcome, "hint: raise --max-tokens");
    }

    @Test
    void schemaViolationIsEscapedOnTerminal() {
        var outcome = exits(1, chat("--schema-retries", "0", "--schema", "a int", "say: \u001b]0;title\u0007 words"));
        reports(outcome, "words");
        assertFalse(outcome.all().contains("\u001b"), outcome::all);
    }

    /// What ends otherwise is held to the schema, and is no answer where it ends in a tool call.
    @Test
    void everyIncompleteReplyIsAnError() {
        cop.sim.set("finish", "tool_calls").set("answer", HALF);
        var outcome = exits(1, chat("--schema", "a int, b int", "hello"));
        assertEquals("", outcome.out());
        hasErrorAndHint(outcome);
        var calls = Json.tryParse(ok(chat("--json", "--schema", "a int, b int", "hello")).out()).path("tool_calls");
        assertEquals(1, calls.size());
        var answer = Json.object();
        answer.putArray("choices").addObject().put("finish_reason", "eos").putObject("message").put("content", HALF);
        try (var _ = stub(Stub.Reply.json(200, Json.singleLine(answer)))) {
            outcome = exits(1, chat("--schema-retries", "0", "--schema", "a int, b int", "hello"));
            assertEquals("", outcome.out());
            reports(outcome, "error: the answer does not match the schema: not valid JSON");
        }
    }

    /// A record is printed, though nothing was said.
    @Test
    void recordOfFilteredReply() {
        var answer = Json.object();
        answer.putArray("choices").addObject().put("finish_reason", "content_filter").putObject("message")
                .put("content", "");
        try (var _ = stub(Stub.Reply.json(200, Json.singleLine(answer)))) {
            var record = Json.tryParse(exits(1, chat("--json", "--schema", "a int", "hello")).out());
            assertEquals("content_filter", Json.text(record, "finish"));
            var outcome = exits(1, chat("-q", "--schema", "a int", "hello"));
            assertEquals("", outcome.out());
            assertTrue(outcome.err().startsWith("error: the answer was cut off"), outcome::all);
        }
    }
}
