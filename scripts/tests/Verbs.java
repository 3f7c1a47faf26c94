package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The verbs for JShell and scripts, and `repl` with files.
class Verbs {
    private final Harness cop = Harness.loggedIn();
    private final Toolkit toolkit = cop.toolkit();

    @AfterEach
    void close() { cop.close(); }

    private static copilot.Request request(String text) { return copilot.request(text); }

    private copilot.Fault fault(Callable<?> call, String... words) {
        var fault = assertThrows(copilot.Fault.class, call::call);
        for (String word : words) assertTrue(fault.getMessage().contains(word), fault.getMessage());
        return fault;
    }

    private List<String> sent() {
        return cop.sim.ledger().stream().filter(entry -> entry.path().equals("/chat/completions"))
                .map(entry -> entry.body().toString()).toList();
    }

    // ------------------------------------------------------------------------------------------------ ask

    @Test
    void askReturnsReplyThatPrintsItsText() {
        var reply = toolkit.ask(request("say: Rayleigh scattering"));
        assertEquals("Rayleigh scattering", reply.toString());
        assertEquals("STOP gpt-5-mini-2025-08-07", reply.finish() + " " + reply.model());
        assertTrue(reply.usage().totalTokens() > 0);
        assertEquals("Rayleigh scattering", reply.json().path("text").asString());
        toolkit.ask(request("hi").withModel("mai-code-1.1-flash").withSystem("S").withOption("temperature", 0)
                .withOption("stop", List.of("x")));
        assertTrue(sent().getLast().contains("\"temperature\":0"), sent()::getLast);
        assertTrue(sent().getLast().contains("\"stop\":[\"x\"]"), sent()::getLast);
        assertTrue(sent().getLast().contains("\"model\":\"mai-code-1.1-flash\""), sent()::getLast);
    }

    @Test
    void errorsAreFaultsWithHints() {
        fault(() -> toolkit.ask(request(" ")), "the prompt is empty");
        var unknown = fault(() -> toolkit.ask(request("hi").withModel("gtp-5-mini")), "cannot use the model",
                "\nhint: ");
        assertEquals(1, unknown.exitCode());
        assertEquals(0, Stream.of(unknown.getStackTrace()).filter(f -> f.getClassName().equals("cop.Wire")).count());
        cop.with("COPILOT_GITHUB_TOKEN", null);
        var nobody = cop.toolkit();
        assertEquals(4, fault(() -> nobody.ask(request("hi")), "not logged in", "copilot login").exitCode());
    }

    /// Words that are not in the enum reach the JSON as GitHub sent them.
    @ParameterizedTest
    @CsvSource({"stop, STOP", "length, LENGTH", "content_filter, CONTENT_FILTER", "tool_calls, TOOL_CALLS",
            "unknown, UNKNOWN", "malformed_function_call, UNKNOWN", "'', UNKNOWN"})
    void finishReasons(String word, copilot.FinishReason reason) {
        var reply = new copilot.Reply(List.of("x"), "", word, "m", copilot.Usage.NONE, Json.array(Stream.of()), "", "",
                Duration.ZERO, List.of(), List.of());
        assertEquals(reason, reply.finish());
        assertEquals(word, reply.rawFinish());
        assertEquals(word, reply.json().path("finish").asString("absent"));
    }

    record Listed(List<Integer> a) {}

    @Test
    void valuesOfJsonReply() {
        cop.sim.set("answer", "```json\n{\"a\": [1]}\n```");
        assertEquals(1, toolkit.ask(request("hi")).value().path("a").get(0).asInt());
        assertEquals(new Listed(List.of(1)), toolkit.ask(request("hi")).value(Listed.class));
        cop.sim.set("answer", "{\"a\": \"x\"}");
        fault(() -> toolkit.ask(request("hi")).value(Listed.class), "the answer is not a valid Listed");
        cop.sim.set("answer", "no");
        fault(() -> toolkit.ask(request("hi")).value(), "the answer is not JSON: no");
    }

    @Test
    void nullsAndInvalidFieldsAreReportedByName() {
        fault(() -> copilot.request(null), "a message's text is null");
        fault(() -> copilot.ask((String) null), "a message's text is null");
        fault(() -> copilot.prompt(null), "prompt's name is null");
        fault(() -> copilot.template(null), "template's text is null");
        fault(() -> copilot.rows(null), "rows' file is null");
        fault(() -> copilot.api(null), "api's path is null");
        fault(() -> copilot.api("/models", null), "api's body is null");
        fault(() -> copilot.batch(toolkit.template("x"), (String) null), "batch's rows is null");
        fault(() -> new copilot.Batch(toolkit.template("x"), "r").to(null), "to's file is null");
        fault(() -> toolkit.stream(request("x"), null), "the listener is null");
        fault(() -> toolkit.run("git", null), "an argument of git is null");
        fault(() -> toolkit.template("x").with(null, 1), "with's name is null");
        fault(() -> toolkit.template("x").withAll(null), "withAll's map is null");
        fault(() -> request("x").withOption("temperature", 9), "withOption(\"temperature\") 9 is out of range");
        fault(() -> request("x").withOption("model", "mai-code-1.1-flash"), "cannot be set this way", "withModel");
        fault(() -> toolkit.template("x").withOption("max_tokens", "many"), "takes a whole number");
        fault(() -> toolkit.template("{{x}}").ask(), "{{x}} is missing", "with(\"name\", value)");
        assertEquals(0, sent().size());
        var request = request("x").withOption("stop", "y");
        request.options().put("stop", "z");
        assertEquals("y", request.options().path("stop").asString(), "what is handed out is a copy");
    }

    @Test
    void streamDeliversPieces() {
        var pieces = new ArrayList<String>();
        var usage = toolkit.stream(request("say: one two three four"), pieces::add);
        assertEquals("one two three four", String.join("", pieces));
        assertTrue(pieces.size() > 1 && usage.totalTokens() > 0);
        cop.sim.set("finish", "length");
        pieces.clear();
        fault(() -> toolkit.stream(request("say: one two"), pieces::add), "(finish: length)");
        assertEquals("one two", String.join("", pieces), "what came was handed over");
    }

    @Test
    void chatRemembersReplies() {
        var chat = toolkit.chat("You are terse");
        assertEquals("hello", chat.say("say: hello").text());
        cop.sim.set("faults", List.of("422"));
        fault(() -> chat.say("lost"));
        fault(() -> chat.say(" "), "the prompt is empty");
        chat.say("and in French");
        assertEquals(List.of("system", "user", "assistant", "user", "assistant"),
                chat.messages().stream().map(copilot.Message::role).toList());
        assertFalse(chat.toString().contains("lost"), chat::toString);
        var other = chat.withModel("mai-code-1.1-flash");
        other.say("more");
        assertEquals(5, chat.messages().size());
        assertEquals(7, other.messages().size());
        assertEquals("", toolkit.chat(null).toString());
    }

    @Test
    void streamRefusesSeveralChoices() {
        var toolkit = cop.toolkit();
        var two = copilot.request("q").withOption("n", 2);
        assertThrows(copilot.Fault.class, () -> toolkit.stream(two, _ -> { }));
        assertEquals(2, toolkit.ask(two).choices().size());
    }

    // ---------------------------------------------------------------------------------------------- prompts

    @Test
    void templatesFromText() {
        var prompt = toolkit.template("say: {{x}} {{y.z}}").with("x", 1).with("y.z", "2");
        assertEquals("1 2", prompt.ask().text());
        assertEquals("3 2", prompt.ask(Map.of("x", 3)).text());
        assertEquals("1 2", collected(prompt::stream));
        prompt.withOption("temperature", 0.5).withModel("mai-code-1.1-flash").ask();
        assertTrue(sent().getLast().contains("\"temperature\":0.5"), sent()::getLast);
        fault(() -> toolkit.template("{{#a}}").ask(), "template(…):1");
        fault(() -> toolkit.template("say: {{x}}").ask(), "{{x}} is missing");
        fault(() -> toolkit.prompt("revew"), "did you mean review?");
        assertTrue(toolkit.templates().contains("review"));
    }

    private static String collected(Consumer<Consumer<String>> stream) {
        var all = new StringBuilder();
        stream.accept(all::append);
        return all.toString();
    }

    // ------------------------------------------------------------------------------------------- rows, batch

    @Test
    void rowsInEveryFormat() {
        cop.write("r.jsonl", "{\"id\": 1, \"price\": 1.50, \"tags\": [\"a\", null], \"in\": {\"x\": true}}\n");
        var row = toolkit.rows("r.jsonl").findFirst().orElseThrow();
        assertEquals(new BigDecimal("1.50"), row.get("price"));
        assertEquals("1.50", row.text("price"));
        assertEquals(Arrays.asList("a", null), row.get("tags"));
        assertEquals(true, ((Map<?, ?>) row.get("in")).get("x"));
        assertEquals("{\"id\":1,\"price\":1.50,\"tags\":[\"a\",null],\"in\":{\"x\":true}}", row.toString());
        assertTrue(row.containsKey("price") && !row.containsKey("nothing") && row.get("nothing") == null);
        assertEquals(" true ", row.text("nothing") + " " + row.text("in.x") + " " + row.text("in.y.z"));
        assertEquals("1.50", toolkit.template("say: {{price}}").ask(row).text(), "digits stay");
        cop.write("r.csv", "id,text\n7,\"a, b\"\n8,c\n");
        assertEquals(List.of("a, b", "c"), toolkit.rows("r.csv").map(r -> r.text("text")).toList());
        cop.write("bad.jsonl", "{\"id\": 1}\nnot\n");
        assertEquals(1, toolkit.rows("bad.jsonl").limit(1).count());
        fault(() -> toolkit.rows("bad.jsonl").toList(), "bad.jsonl:2");
        fault(() -> toolkit.rows("none.jsonl"), "cannot read none.jsonl");
    }

    /// A model that took the schema is not told to be exchanged for one that takes it.
    @ParameterizedTest
    @CsvSource({"gpt-5-mini, try again or use another model",
            "claude-haiku-4.5, use a model that enforces schemas: copilot models schema"})
    void schemaHintDependsOnModel(String model, String hint) {
        cop.write("s.mustache", "---\nschema: {type: object, properties: {n: {type: integer}}}\n---\nq");
        cop.sim.set("answer", "no");
        var fault = fault(() -> toolkit.prompt("./s.mustache").withModel(model).ask(), "does not match the schema");
        assertEquals(hint, fault.hint());
    }

    /// What is left out is said where the log is.
    @Test
    void omittedRowsAreLogged() {
        cop.write("r.csv", "id,text\n7,a\n,\n8,b\n");
        cop.with("COP_VERBOSE", "1");
        var log = new StringWriter();
        var loud = new Toolkit(cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                new PrintWriter(Writer.nullWriter()), new PrintWriter(log, true)));
        assertEquals(List.of("a", "b"), loud.rows("r.csv").map(r -> r.text("text")).toList());
        assertEquals("* note: r.csv: skipped rows without values: 1\n", log.toString());
    }

    private static final String THREE = "{\"id\": \"a\", \"x\": \"1\"}\n{\"id\": \"b\", \"x\": \"2\"}\n"
            + "{\"id\": \"c\", \"x\": \"3\"}\n";

    @Test
    void batchIsStoredAndResumed() {
        cop.write("r.jsonl", THREE);
        var batch = new copilot.Batch(toolkit.template("say: {{x}}"), "r.jsonl").withJobs(2).withDelay(Duration.ZERO);
        assertTrue(batch.toString().contains("not sent yet"));
        var outcome = batch.to("out.jsonl");
        assertEquals("out.jsonl: 3 ok", outcome.toString());
        assertEquals(List.of("a=1", "b=2", "c=3"),
                outcome.results().map(r -> r.text("id") + "=" + r.text("text")).toList());
        assertEquals("out.jsonl: 3 ok", batch.to("out.jsonl").toString());
        assertEquals(3, sent().size(), "nothing is asked twice");
        cop.write("r.jsonl", THREE.replace("\"2\"", "\"4\""));
        batch.to("out.jsonl");
        assertEquals(4, sent().size());
    }

    @Test
    void batchOfRowsInMemory() {
        cop.write("r.jsonl", THREE);
        var rows = toolkit.rows("r.jsonl").filter(r -> !r.text("id").equals("b")).toList();
        var lines = new ArrayList<String>();
        var outcome = new copilot.Batch(toolkit.template("say: {{x}}"), rows).withDelay(Duration.ZERO)
                .withProgress(lines::add).to("out.csv");
        assertEquals(List.of("1", "3"), outcome.results().map(r -> r.text("text")).toList());
        assertEquals("done: 2 ok", lines.getLast());
        assertTrue(outcome.allOk() && outcome.ok() == 2 && outcome.out().endsWith("out.csv"));
        assertEquals(2, cop.read("out.csv.run/order").lines().count());
        fault(() -> new copilot.Batch(toolkit.template("say: {{x}}"), List.of(Map.of("y", 1))).to("other.csv"),
                "{{x}} is missing", "filter");
        assertFalse(Files.exists(cop.file("other.csv.run")), "what did not begin leaves nothing");
    }

    @Test
    void retryFailedResendsFailedRows() {
        cop.write("r.jsonl", THREE);
        var batch = new copilot.Batch(toolkit.template("say: {{x}}"), "r.jsonl").withJobs(1).withDelay(Duration.ZERO);
        cop.sim.set("faults", List.of("422"));
        assertEquals("out.jsonl: incomplete: 2 of 3", batch.to("out.jsonl").toString());
        assertEquals(1, batch.to("out.jsonl").failed());
        assertTrue(batch.to("out.jsonl").firstProblem().orElseThrow().startsWith("a: "));
        assertEquals(3, sent().size());
        assertTrue(batch.withRetryFailed().to("out.jsonl").allOk());
        assertEquals(4, sent().size());
    }

    @Test
    void invalidBatchSendsNothing() {
        cop.write("r.jsonl", THREE + "{\"id\": \"d\"}\n{\"id\": \"a\", \"x\": \"y\"}\n");
        var batch = new copilot.Batch(toolkit.template("say: {{x}}"), "r.jsonl");
        assertEquals(2, fault(() -> batch.to("out.jsonl"), "2 of 5 rows are invalid", "duplicate id a, as in row 1",
                "Fix them, or filter them: batch(prompt, rows(…).filter(…).toList())").exitCode());
        fault(() -> batch.to("no/such/out.jsonl"), "no such folder");
        fault(() -> batch.to("r.jsonl"), "r.jsonl would overwrite the input");
        fault(() -> batch.to(""), "to needs a file");
        fault(() -> new copilot.Batch(toolkit.template("x"), List.of()).to("o.jsonl"), "the input has no rows");
        fault(() -> batch.withJobs(0).to("out.jsonl"), "withJobs(0)");
        assertEquals(0, sent().size());
        cop.write("r.jsonl", THREE);
        cop.sim.set("faults", List.of("ok", "402"));
        assertEquals(75, fault(() -> batch.withJobs(1).to("out.jsonl"), "quota", "the same call").exitCode());
        assertEquals(1, cop.read("out.jsonl").lines().count());
    }

    // ------------------------------------------------------------------------------------------- the account

    @Test
    void modelsPrintAsTable() {
        var seeing = toolkit.models().filter(m -> m.supports("vision"));
        assertTrue(seeing.size() > 2 && seeing.size() < toolkit.models().size());
        assertTrue(seeing.toString().startsWith(seeing.size() + " models\nID "), seeing::toString);
        assertEquals(seeing.ids().size() + 2, seeing.toString().lines().count());
    }

    @Test
    void programsRunWithoutShell() {
        assertEquals("a $HOME;b", toolkit.run("printf", "%s\n\n", "a $HOME;b"));
        fault(() -> toolkit.run("sh", "-c", "echo why >&2; exit 3"), "sh exited with 3: why");
        assertEquals("sh exited with 3: why …",
                fault(() -> toolkit.run("sh", "-c", "printf 'why\nmore\n' >&2; exit 3")).message());
        assertEquals("cannot run no-such-program: no such program",
                fault(() -> toolkit.run("no-such-program")).message());
        fault(() -> toolkit.run(), "needs a program");
        assertEquals(300_000, toolkit.run("sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero"
                + " >&2").length());
    }

    @Test
    void apiAndTokenVerbs() {
        assertEquals("octocat", toolkit.api("GET", "/user", null).path("login").asString());
        var answer = toolkit.api("POST", "/chat/completions", Map.of("model", "gpt-5-mini", "messages",
                List.of(copilot.Message.user("say: hi"))));
        assertEquals("hi", answer.path("choices").get(0).path("message").path("content").asString());
        fault(() -> toolkit.api("GET", "/nothing", null), "GET /nothing returned HTTP 404", "page not found");
        fault(() -> toolkit.api("GET", "", null), "expected a path, got");
        fault(() -> toolkit.api("GET", "https://example.com/x", null), "expected a path, got");
        var token = toolkit.copilot().tokens().get();
        assertEquals("Bearer " + token.value(), token.header());
        assertFalse(token.toString().contains(token.value().substring(0, 12)), token::toString);
        assertTrue(token.expiresAt().isAfter(cop.time.now()));
    }

    // ------------------------------------------------------------------------------------------------ repl

    static final List<List<Object>> FILES = List.of(
            List.of("var r = ask(\"say: ä {{x}}\");\nSystem.out.println(r);", 0, "ä {{x}}\n", ""),
            List.of("// a comment\n/* and\n another */\nint f(int i) {\n    return i + 1;\n}\n"
                    + "System.out.println(f(1));\n/exit 5\nSystem.out.println(3);", 5, "2\n", ""),
            List.of("System.out.println(1);\nint x = \"a\";", 2, "1\n", "f.jsh:2: incompatible types"),
            List.of("\n\nvoid f() {\n", 2, "", "f.jsh:3: the statement that begins here is"),
            List.of("int i = 0;\nnosuch(i);\n", 2, "", "f.jsh:2: cannot find symbol"),
            List.of("ask(\"gtp\", \"hi\");", 1, "", "f.jsh:1: this account cannot use the model \"gtp\""),
            List.of("\n/set feedback normal", 2, "", "f.jsh:2: /set feedback normal works only at the prompt"),
            List.of("throw new IllegalStateException(\"mine\");", 1, "",
                    "f.jsh:1: java.lang.IllegalStateException: mine"),
            List.of("\nint f() { return g(); }\nf();", 2, "", "f.jsh:2: f uses method g(), which is not declared"),
            List.of("\nint f() { return g(); }\n", 2, "", "f.jsh:2: f uses method g(), which is not declared"),
            List.of("class A { B b; }\nnew A()", 2, "", "f.jsh:1: A uses class B, which is not declared"),
            List.of("Foo f() { return null; }\nf()", 2, "", "f.jsh:1: f uses class Foo, which is not declared"),
            List.of("@FunctionalInterface\ninterface G { int g(int x); }\n@Deprecated\nint f() { return 4; }\n"
                    + "System.out.println(f())", 0, "4\n", ""),
            List.of("if (false) { f(); }\n// why\nelse System.out.println(5)\nvoid f() { }\n", 2, "",
                    "f.jsh:1: cannot find symbol"),
            List.of("if (1 > 2) { System.out.println(1); }\n// why\n\n/* so */ else System.out.println(5)\n", 0, "5\n",
                    ""),
            List.of("int f(int i) {\n    var x = i;\n    return x / (x - i);\n}\n\nfor (int i = 0; i < 2; i++) {\n"
                    + "    f(i);\n}\n", 1, "", "f.jsh:3: java.lang.ArithmeticException: / by zero"),
            List.of("/exit 5 // why", 5, "", ""), List.of("/exit;", 0, "", ""),
            List.of("int f() { return g(); }\nint g() { return 3; }\nSystem.out.println(f())\n", 0, "3\n", ""),
            List.of("#!/usr/bin/env -S cop repl\nint x = 1\nint y = 2 // two\n\nSystem.out.println(x + y)\n", 0, "3\n",
                    ""),
            List.of("var l = List.of(3, 4)\n    .stream()\n    .map(i -> i + 1)\n    .toList()\nint i = 0; i++; i++\n"
                    + "if (i > 5) System.out.println(1);\nelse System.out.println(l)\n", 0, "[4, 5]\n", ""),
            List.of("int i = 4\n/exit i + 1\n", 5, "", ""),
            List.of("/exit 300", 300 % 256, "", ""),
            List.of("/exit \"a\"", 2, "", "f.jsh:1: incompatible types"),
            List.of("System.exit(7);", 7, "", ""),
            List.of("var l = List.of(1);\nl.forEach(i ->\n    prompt(\"nosuch\"))", 2, "",
                    "f.jsh:3: unknown template: nosuch"),
            List.of("rows(\"-\").forEach(System.out::println)", 0, "{\"a\":1}\n", ""),
            List.of("var l = List.of(1, 2);\nfor (int i : l)\n    System.out.println(i);\n"
                    + "System.out.println(l.size())", 0, "1\n2\n2\n", ""));

    @ParameterizedTest
    @MethodSource
    void replFiles(List<Object> row) {
        cop.write("f.jsh", (String) row.get(0));
        var outcome = cop.runProcess("{\"a\": 1}\n", "repl", "f.jsh");
        assertEquals(row.get(1), outcome.code(), outcome::all);
        assertEquals(row.get(2), outcome.out(), outcome::all);
        assertEquals(!row.get(3).equals(""), outcome.err().contains("error: "), outcome::all);
        assertTrue(outcome.err().contains((String) row.get(3)), outcome::all);
        assertEquals(!row.get(3).equals(""), outcome.err().contains("\nhint: "), outcome::all);
    }

    static List<List<Object>> replFiles() { return FILES; }

    @Test
    void replFilesShareShellAndStdin() {
        cop.write("a.jsh", "int x = 4;");
        cop.write("b.jsh", "System.out.println(x + 1);");
        assertEquals("5\n", cop.runProcess("", "repl", "a.jsh", "b.jsh").out());
        assertEquals("hi\n", cop.runProcess("System.out.println(ask(\"say: hi\"))\n", "repl").out());
        var missing = cop.runProcess("", "repl", "a.jsh", "none.jsh");
        assertEquals(2, missing.code());
        assertTrue(missing.err().contains("cannot read none.jsh"), missing::all);
    }

    @Test
    void replOptionsApplyToVerbs() {
        cop.with("COP_HEADERS", "X-One: 1");
        var outcome = cop.runProcess("System.out.println(ask(\"say: hi\"))", "repl", "-v", "-H", "X-Two: 2");
        assertEquals("hi\n", outcome.out());
        for (String line : List.of("> POST ", "> X-One: 1", "> X-Two: 2", "< 200")) {
            assertTrue(outcome.err().contains(line), outcome::all);
        }
    }

    // ---------------------------------------------------------------------------------------------- scripts

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            a b --loud        | 0 | [a, b] [--loud]  | -
            a -- --loud       | 0 | [a, --loud] []   | -
            a                 | 0 | [a] []           | -
            --help            | 0 | -                | -
            a --lout          | 2 | -                | error: unknown option: --lout~hint: did you mean --loud?
            a -x              | 2 | -                | error: unknown option: -x~hint: usage: greet-all NAME [OTHER]
            --loud            | 2 | -                | error: missing NAME~NAME [OTHER] [--loud]; --help
            a b c             | 2 | -                | error: unexpected argument: c~hint: usage: greet-all
            fail              | 7 | -                | error: it went wrong~hint: try again
            bug               | 1 | -                | error: java.lang.IllegalStateException: b~hint: rerun with -v
            bug -v            | 1 | -                | error: java.lang.IllegalStateException: b~at cop.Verbs""")
    void scriptArguments(String args, int code, String got, String err) {
        var heard = new StringBuilder();
        var before = System.err;
        var said = new ByteArrayOutputStream();
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            assertEquals(code, copilot.runScript("greet-all NAME [OTHER] [--loud]\nGreets.", args.split(" "),
                    (words, options) -> {
                        if (words.contains("fail")) throw new copilot.Fault(7, "it went wrong", "try again");
                        if (words.contains("bug")) throw new IllegalStateException("b");
                        heard.append(words).append(' ').append(options);
                    }));
        } finally {
            System.setErr(before);
        }
        assertEquals(got == null ? "" : got, heard.toString());
        for (String line : err == null ? new String[0] : err.split("~")) {
            assertTrue(said.toString(StandardCharsets.UTF_8).contains(line), said::toString);
        }
    }

    /// JShell ends the line that is interrupted, and would go on with the next.
    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void interruptEndsFile(String signal, int code) throws Exception {
        cop.write("f.jsh", "System.out.println(\"go\");\nThread.sleep(60_000);\nSystem.out.println(\"after\");\n");
        var process = cop.process("repl", "f.jsh").redirectOutput(cop.file("out").toFile()).start();
        Harness.await("it goes", () -> cop.read("out").equals("go\n"));
        new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(code, process.exitValue());
        assertEquals("go\n", cop.read("out"));
    }

    @Test
    void hostOptionAppliesToVerbs() {
        String host = cop.sim.url();
        cop.with("COP_HOST", "http://127.0.0.1:9");
        assertEquals("hi\n", cop.runProcess("System.out.println(ask(\"say: hi\"))", "repl", "--host", host).out());
    }

    /// A truncated JSON reply is an error in scripts too.
    @Test
    void incompleteReplyDoesNotMeetSchema() {
        var prompt = toolkit.template("---\nschema: {type: object, required: [a]}\n---\nsay: {\"a\": 1");
        for (String finish : List.of("length", "content_filter")) {
            cop.sim.set("finish", finish);
            String hint = finish.equals("length") ? "withOption(\"max_tokens\"" : "rephrase the prompt";
            fault(prompt::ask, "(finish: " + finish + ")", hint);
            fault(() -> toolkit.ask(prompt.prepared()), "(finish: " + finish + ")", hint);
        }
    }

    @Test
    void runReportsInvalidUtf8() throws IOException {
        Files.write(cop.file("mixed.txt"), "caf\u00e9 old\n".getBytes(StandardCharsets.ISO_8859_1));
        Files.writeString(cop.file("mixed.txt"), "gr\u00f6\u00dfe\n", StandardOpenOption.APPEND);
        var toolkit = cop.toolkit();
        var fault = assertThrows(copilot.Fault.class, () -> toolkit.run("cat", "mixed.txt"));
        assertTrue(fault.getMessage().matches("(?s).*\\bcat\\b.*(:1|line 1)\\b.*"), fault::getMessage);
        assertEquals("gr\u00f6\u00dfe", toolkit.run("printf", "gr\u00f6\u00dfe\n"));
    }
}
