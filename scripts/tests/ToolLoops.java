package cop;

import module java.base;

import cop.copilot.*;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Tools: the loop on every endpoint, what goes back to the model, consent, files of tools, wrong signatures.
class ToolLoops {
    static final List<String> MODELS = ModelEndpoints.MODELS;
    private static final String FILE = """
            /// Adds numbers.
            /// @param a one
            /// @param b the other
            int add(int a, int b) { return a + b; }

            /// Says what the time is.
            String now() { return "noon"; }

            /// Goes wrong.
            String fail(String how) throws Exception {
                switch (how) {
                    case "throw": throw new IllegalStateException("the door is shut");
                    case "checked": throw new IOException("no such drawer");
                    case "null": return null;
                    case "large": return "x".repeat(10_000_000);
                    case "print": System.out.println("on stdout"); return "printed";
                    case "exit": System.exit(7);
                    default: while (true) Thread.sleep(100_000);
                }
            }
            """;

    private final Harness cop = Harness.loggedIn();
    private final Toolkit toolkit = new Toolkit(cop.environment(new Stdin(InputStream.nullInputStream(),
            Stdin.Kind.FILE), new PrintWriter(Writer.nullWriter()), new PrintWriter(Writer.nullWriter())));

    ToolLoops() { cop.write("tools.java", FILE); }

    private final PrintStream out = System.out;             // -T redirects it for good, for its process

    @AfterEach
    void close() {
        System.setOut(out);
        cop.close();
    }

    private List<simulator.Entry> asked() {
        return cop.sim.ledger().stream().filter(entry -> Set.of("/chat/completions", "/responses", "/v1/messages")
                .contains(entry.path())).toList();
    }

    private static String initiator(simulator.Entry entry) {
        return entry.headers().entrySet().stream().filter(header -> header.getKey().equalsIgnoreCase("x-initiator"))
                .flatMap(header -> header.getValue().stream()).collect(Collectors.joining("|"));
    }

    private Harness.Outcome good(String... args) {
        var outcome = cop.run(args);
        assertEquals(0, outcome.code(), outcome::all);
        return outcome;
    }

    private static Harness.Outcome shows(Harness.Outcome outcome, int code, String... words) {
        assertEquals(code, outcome.code(), outcome::all);
        for (String word : words) assertTrue(outcome.err().contains(word), () -> word + " in " + outcome.all());
        return outcome;
    }

    private static Fault fault(Callable<?> call, String... words) {
        var fault = assertThrows(Fault.class, call::call);
        for (String word : words) assertTrue(fault.getMessage().contains(word), fault.getMessage());
        return fault;
    }

    /// The results that the last request had.
    private List<String> results() {
        return asked().getLast().body().path("messages").valueStream().filter(message -> message.has("tool_call_id"))
                .map(message -> message.path("content").asString()).toList();
    }

    // ---------------------------------------------------------------------------------------------- the loop

    private static final String FIVE = """
            Add up.
            call: add {"a":1,"b":2}
            call: add {"a":3,"b":3} & now
            call: add {"b":6,"a":4}
            call: now {}
            call: add {"a":10,"b":5}
            say: 15""";

    /// Every kind of reasoning that must go back, in pieces of every size and in one.
    @ParameterizedTest
    @FieldSource("MODELS")
    void fiveStepsOnEveryModel(String model) {
        cop.run("models", "enable", "-y", model);
        cop.sim.set("gemini-opaque", "required");
        for (String reasoning : List.of("", "Thought  about it ünï.", "redacted")) {
            cop.sim.set("reasoning", reasoning);
            for (int chunk : reasoning.isEmpty() ? new int[]{0} : new int[]{0, 1, 2, 3, 4, 5, 6, 7, 64}) {
                cop.sim.set("chunk", chunk);
                loop(model, "--hide-reasoning");
            }
            cop.sim.set("chunk", 0);
            loop(model, "--no-stream");
        }
        if (model.startsWith("claude")) {
            cop.sim.set("reasoning", "");
            loop(model, "--reasoning-effort=low");
        }
    }

    private void loop(String model, String option) {
        int before = asked().size();
        assertEquals("15\n", good("chat", "-m", model, "-T", "tools.java", "-y", "--no-log", option, FIVE).out());
        var requests = asked().subList(before, asked().size());
        assertEquals(List.of("user", "agent", "agent", "agent", "agent", "agent"),
                requests.stream().map(ToolLoops::initiator).toList());
        String last = requests.getLast().rawBody();
        for (String result : List.of("\"3\"", "\"6\"", "\"10\"", "\"15\"", "\"noon\"")) {
            assertTrue(last.contains(result) || last.contains("\"text\":" + result), () -> result + " in " + last);
        }
        assertFalse(last.contains(Message.REPLAY), last);
    }

    /// What the reader keeps for the model: the first id of reasoning, signatures, the order of blocks.
    @ParameterizedTest
    @MethodSource("replays")
    void whatGoesBackIsWhatCame(Endpoint endpoint, String events, String whole, String replay) throws IOException {
        byte[] stream = events.lines().map(line -> "data: " + line + "\n\n").collect(Collectors.joining())
                .getBytes(StandardCharsets.UTF_8);
        for (int step = 1; step <= stream.length; step++) {
            assertEquals(replay, replay(endpoint, stream, step), "by " + step);
        }
        if (!whole.isEmpty()) assertEquals(replay, replay(endpoint, whole.getBytes(StandardCharsets.UTF_8), 7));
    }

    private static String replay(Endpoint endpoint, byte[] bytes, int step) throws IOException {
        var body = new StreamingBody(Duration.ofSeconds(20), 0);
        body.onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long n) {}

            @Override
            public void cancel() {}
        });
        for (int at = 0; at < bytes.length; at += step) {
            body.onNext(List.of(ByteBuffer.wrap(bytes, at, Math.min(step, bytes.length - at))));
        }
        body.onComplete();
        var reply = endpoint.reader((_, _) -> { }, 1).read(new ApiResponse(200, java.net.http.HttpHeaders.of(Map.of(),
                (_, _) -> true), body));
        return Json.compact(reply.steps().getFirst().raw().path(Message.REPLAY).path(endpoint.path()));
    }

    static List<Object[]> replays() {
        return List.of(new Object[]{Endpoint.RESPONSES, """
                {"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning",\
                "summary":[]}}
                {"type":"response.output_item.done","output_index":0,"item":{"id":"rs_2","type":"reasoning",\
                "summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"gAAé=="}}
                {"type":"response.output_item.added","output_index":1,"item":{"id":"fc_1","type":"function_call"}}
                {"type":"response.output_item.done","output_index":1,"item":{"id":"fc_2","type":"function_call",\
                "status":"completed","call_id":"c","name":"add","arguments":"{\\"a\\": 1.0}"}}
                {"type":"response.completed","response":{"id":"r","status":"completed","output":[{"id":"rs_3",\
                "type":"reasoning","summary":[],"encrypted_content":"other"},{"id":"fc_3","type":"function_call",\
                "call_id":"c","name":"add","arguments":"{\\"a\\": 1.0}"}]}}""", "",
                "[{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":"
                + "[{\"type\":\"summary_text\",\"text\":\"Hm\"}],\"encrypted_content\":\"gAAé==\"},"
                + "{\"type\":\"function_call\",\"call_id\":\"c\","
                + "\"name\":\"add\",\"arguments\":\"{\\\"a\\\": 1.0}\"}]"},
                new Object[]{Endpoint.MESSAGES, """
                {"type":"message_start","message":{"id":"m","content":[]}}
                {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"",\
                "signature":""}}
                {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"H é"}}
                {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m \\n"}}
                {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"Eq=="}}
                {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}
                {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"\\n\\n"}}
                {"type":"content_block_start","index":2,"content_block":{"type":"redacted_thinking","data":"Xy=="}}
                {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t",\
                "name":"add","input":{}}}
                {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}
                {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta",\
                "partial_json":"{\\"b\\":1.50,"}}
                {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\\"a\\":2}"}}
                {"type":"message_delta","delta":{"stop_reason":"tool_use"}}
                {"type":"message_stop"}""", """
                {"type":"message","id":"m","stop_reason":"tool_use","content":[{"type":"thinking",\
                "thinking":"H ém \\n","signature":"Eq=="},{"type":"text","text":"\\n\\n"},\
                {"type":"redacted_thinking","data":"Xy=="},\
                {"type":"tool_use","id":"t","name":"add","input":{"b":1.50,"a":2}}]}""", "[{\"type\":\"thinking\","
                + "\"thinking\":\"H ém \\n\",\"signature\":\"Eq==\"},{\"type\":\"redacted_thinking\",\"data\":"
                + "\"Xy==\"},"
                + "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"add\",\"input\":{\"b\":1.50,\"a\":2}}]"},
                new Object[]{Endpoint.CHAT, """
                {"choices":[{"delta":{"reasoning_text":"H "}}]}
                {"choices":[{"delta":{"reasoning_text":"é","reasoning_opaque":"Zz=="}}]}
                {"choices":[{"delta":{"tool_calls":[{"id":"c","function":{"name":"now"}}]},\
                "finish_reason":"tool_calls"}]}
                [DONE]""", "", "{\"reasoning_opaque\":\"Zz==\",\"reasoning_text\":\"H é\"}"});
    }

    /// Sealed reasoning is for its own model and path alone.
    @Test
    void anotherModelGetsNoneOfIt() {
        cop.sim.set("reasoning", "Hm");
        good("chat", "-m", "claude-sonnet-5", "-T", "tools.java", "-y", "call: now {}\nsay: it is noon");
        assertEquals("then\n", good("chat", "-c", "-m", "gpt-5.3-codex", "-T", "tools.java", "-y", "say: then").out());
        String body = asked().getLast().rawBody();
        assertTrue(body.contains("function_call_output") && !body.contains("signature"), body);
        assertEquals("again\n", good("chat", "-c", "-m", "claude-sonnet-5", "-T", "tools.java", "-y",
                "say: again").out());
        assertTrue(asked().getLast().rawBody().contains("\"signature\""), asked().getLast()::rawBody);
        String shown = good("logs", "show").out();
        assertTrue(shown.contains("## assistant\n\nLet me look.\nnow {}\n\n## tool\n\nnoon\n\n## assistant\n\n"
                + "it is noon"), shown);
    }

    @Test
    void whatGoesWrongGoesBackToTheModel() {
        String prompt = Stream.of("throw", "checked", "null", "large", "print").map(how -> "call: fail {\"how\":\""
                + how + "\"}").collect(Collectors.joining("\n")) + "\ncall: gone {}\ncall: add {\"a\":1}\n"
                + "call: add {\"a\":\"x\",\"b\":2}\ncall: add [\nsay: done";
        var outcome = good("chat", "-T", "tools.java", "-y", "--max-steps", "20", prompt);
        assertEquals("done\n", outcome.out());
        var results = results();
        assertEquals(List.of("error: the door is shut", "error: no such drawer", "null"), results.subList(0, 3));
        assertTrue(results.get(3).length() < 100_100);
        assertTrue(results.get(3).endsWith("\n… (cut: 9900000 more characters)"));
        assertEquals("printed", results.get(4));
        assertEquals("error: there is no tool gone, only [add, fail, now]", results.get(5));
        assertEquals("error: b is missing", results.get(6));
        assertTrue(results.get(7).startsWith("error: ") && results.get(7).contains("int"), results.get(7));
        assertEquals("error: the arguments are not a JSON object", results.get(8));
    }

    @Test
    void aToolThatHangsIsGivenUp() {
        good("chat", "-T", "tools.java", "-y", "--tool-timeout", "200ms", "call: fail {\"how\":\"hang\"}\nsay: ok");
        assertEquals(List.of("error: no result within 200 ms"), results());
    }

    @Test
    void theLastAnswerIsTheOutputAndTooManyStepsAreAnError() {
        var record = Json.object(good("chat", "-m", "claude-haiku-4.5", "-T", "tools.java", "-y", "--json", FIVE)
                .out(), "");
        assertEquals("15", record.path("text").asString());
        assertEquals(11, record.path("steps").size());
        assertEquals(List.of("1", "6"), List.of("" + record.path("steps").path(0).path("tool_calls").size(),
                "" + asked().size()));
        var outcome = shows(cop.run("chat", "-m", "claude-haiku-4.5", "-T", "tools.java", "-y", "--max-steps", "2",
                FIVE), 1, "error: the model still calls tools after 2 steps\nhint: --max-steps 4\n");
        assertEquals("Let me look.\n\nLet me look.\n\nLet me look.\n", outcome.out());
    }

    @Test
    void withASchemaTheLastAnswerIsChecked() {
        var outcome = good("chat", "-T", "tools.java", "-y", "--schema", "n int", "call: now {}\nsay: {\"n\":3}");
        assertEquals("{\"n\":3}\n", outcome.out());
        shows(cop.run("chat", "-T", "tools.java", "-y", "--schema-retries", "0", "--schema", "n int",
                "call: now {}\nsay: {\"n\":\"x\"}"), 1, "does not match the schema");
    }

    @Test
    void anImageIsAResult() {
        cop.write("tools.java", """
                /// A picture.
                Image picture() { return image("%s"); }
                """.formatted(cop.write("dot.png", "").toString().replace("\\", "/")));
        try {
            Files.write(cop.file("dot.png"), Base64.getDecoder().decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1Pe"
                    + "AAAADElEQVR4nGNgYmYBAAAPAAVfA4IAAAAASUVORK5CYII="));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (String model : List.of("gpt-5-mini", "gpt-5.3-codex", "claude-haiku-4.5")) {
            assertEquals("seen\n", good("chat", "-m", model, "-T", "tools.java", "-y", "call: picture\nsay: seen")
                    .out());
            var last = asked().getLast();
            assertTrue(last.rawBody().contains("iVBORw0K"), last::rawBody);
            assertTrue(last.headers().keySet().stream().anyMatch("Copilot-Vision-Request"::equalsIgnoreCase));
        }
    }

    @Test
    void aModelWithoutToolsIsRefusedBefore() {
        var model = new Model(Json.object("{\"id\":\"m\",\"capabilities\":{\"type\":\"chat\"}}", ""));
        var request = copilot.request("x").withTools(tools.tool("t", "x", City.class, c -> 1));
        fault(() -> {
            ContextLimitCheck.check(request, model);
            return 0;
        }, "m does not support tools\nhint: copilot models tools");
    }

    // ---------------------------------------------------------------------------------------------- consent

    private Harness.Outcome answering(String typed, String... args) {
        return cop.terminal(0, 2).runWith(typed, args);
    }

    @Test
    void nothingRunsUnasked() {
        String prompt = "call: add {\"a\":1,\"b\":2}\ncall: add {\"a\":3,\"b\":4}\ncall: now\nsay: ok";
        var outcome = answering("y\nn\n\nyes\n", "chat", "-T", "tools.java", prompt);
        assertEquals("ok\n", outcome.out(), outcome::all);
        assertEquals(List.of("3", "error: the user declined this call", "noon"), results());
        assertTrue(outcome.err().contains("add {\"a\":1,\"b\":2}"), outcome::all);
        outcome = answering("a\ny\n", "chat", "-T", "tools.java", prompt);
        assertEquals(List.of("3", "7", "noon"), results(), outcome::all);
        int before = asked().size();
        shows(answering("q\n", "chat", "-T", "tools.java", prompt), 1, "stopped before add was called");
        shows(answering("", "chat", "-T", "tools.java", prompt), 1, "stopped before add was called");
        assertEquals(before + 2, asked().size());
    }

    @ParameterizedTest
    @CsvSource({"chat", "batch"})
    void withoutATerminalItIsAnErrorBeforeAnythingIsSent(String command) {
        cop.write("r.jsonl", "{\"text\":\"x\"}\n");
        cop.write("t.mustache", "{{text}}");
        String[] args = command.equals("chat") ? new String[]{"chat", "-T", "tools.java", "x"}
                : new String[]{"batch", "t.mustache", "-d", "r.jsonl", "-o", "o.jsonl", "-T", "tools.java"};
        shows(cop.run(args), 2, "error: -T asks before each call, and stdin is not a terminal\nhint: add -y");
        assertEquals(0, asked().size());
    }

    @Test
    void secretsInArgumentsAreMasked() {
        cop.write("tools.java", "/// Takes a text.\nString take(String s) { return s; }");
        var outcome = answering("n\n", "chat", "-T", "tools.java", "call: take {\"s\":\"a\\u001b[2Jb ghp_"
                + "x".repeat(36) + "\"}\nsay: ok");
        assertTrue(outcome.err().contains("ghp_…xxxx") && !outcome.err().contains("\033[2J"), outcome::all);
    }

    /// Neither template nor row nor answer names a tool that runs.
    @Test
    void onlyTheUserNamesTools() {
        cop.write("t.mustache", "---\ntools: tools.java\n---\n{{text}}");
        assertEquals(2, cop.run("chat", "-t", "t.mustache", "--var", "text=x").code());
        String definition = "[{\"type\":\"function\",\"function\":{\"name\":\"add\",\"parameters\":{\"type\":"
                + "\"object\"}}}]";
        cop.write("t.mustache", "---\noptions: {tools: " + definition + "}\n---\n{{text}}");
        shows(cop.run("chat", "-t", "t.mustache", "--var", "text=call: add {}"), 1, "the model asks for a tool call");
        assertEquals(1, asked().size());
        cop.write("r.jsonl", "{\"custom_id\":\"a\",\"body\":{\"messages\":[{\"role\":\"user\",\"content\":"
                + "\"call: secret {}\\nsay: ok\"}],\"tools\":" + definition.replace("add", "secret") + "}}\n");
        cop.run("batch", "-d", "r.jsonl", "-o", "o.jsonl", "-T", "tools.java", "-y", "--delay", "0");
        assertEquals(List.of("error: there is no tool secret, only [add, fail, now]"), results());
    }

    // ---------------------------------------------------------------------------------------------- batch, log

    @Test
    void aRowIsALoop() {
        cop.write("r.jsonl", "{\"id\":\"a\",\"text\":\"call: add {\\\"a\\\":1,\\\"b\\\":2}\\nsay: three\"}\n"
                + "{\"id\":\"b\",\"text\":\"call: now\\ncall: now\\ncall: now\\nsay: never\"}\n");
        cop.write("t.mustache", "{{text}}");
        var outcome = cop.run("batch", "t.mustache", "-d", "r.jsonl", "-o", "o.jsonl", "-T", "tools.java", "-y",
                "-j", "1", "--delay", "0", "--max-steps", "2");
        assertEquals(5, outcome.code(), outcome::all);
        var rows = cop.read("o.jsonl").lines().map(line -> Json.object(line, "")).toList();
        assertEquals("ok three 2", rows.get(0).path("status").asString() + " " + rows.get(0).path("text").asString()
                + " " + rows.get(0).path("attempts").asInt());
        assertEquals("failed finish_tool_calls 3", rows.get(1).path("status").asString() + " "
                + rows.get(1).at("/error/code").asString() + " " + rows.get(1).path("attempts").asInt());
        assertEquals(5, asked().size());
    }

    @Test
    void theLogIsWrittenBeforeACall() throws Exception {
        var outcome = cop.runProcess("", "chat", "-T", "tools.java", "-y",
                "call: now\ncall: fail {\"how\":\"exit\"}\nsay: x");
        assertEquals(7, outcome.code(), outcome::all);
        var turn = Json.object(good("logs", "show", "--json").out().strip().replaceFirst("^\\[", "").replaceFirst("]$",
                ""), "");
        assertEquals(List.of("user", "assistant", "tool", "assistant"),
                turn.path("messages").findValuesAsString("role"));
        assertEquals("fine\n", good("chat", "-c", "say: fine").out());
        assertEquals(1, asked().getLast().body().path("messages").size(), "an unfinished turn is not sent again");
    }

    @Test
    void ctrlCStopsATool() throws Exception {
        var process = cop.process("chat", "-T", "tools.java", "-y", "call: fail {\"how\":\"hang\"}\nsay: x")
                .redirectInput(new File("/dev/null")).start();
        Harness.await("the call", () -> asked().size() == 1
                && cop.file(".local/state/copilot.java/conversations").toFile().list()
                instanceof String[] files && files.length == 1);
        Thread.sleep(300);
        new ProcessBuilder("kill", "-INT", "" + process.pid()).start().waitFor();
        assertTrue(process.waitFor(10, TimeUnit.SECONDS));
        assertEquals(130, process.exitValue());
    }

    @Test
    void whatAToolPrintsIsNotOnStdout() {
        var outcome = cop.runProcess("", "chat", "-T", "tools.java", "-y", "call: fail {\"how\":\"print\"}\nsay: ok");
        assertEquals("ok\n", outcome.out());
        assertTrue(outcome.err().contains("on stdout\n"), outcome::all);
    }

    // ---------------------------------------------------------------------------------------------- files

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            int add(int a) { return b; }               | tools.java:1:25: cannot find symbol
            \\n/// Adds.\\nint add(int a) { return 1 }  | tools.java:3:26: ';' expected
            //DEPS x:y:1                               | tools.java has //DEPS
            int add(int a) { return 1; }               | tools.java has no method with a comment
            /// Adds.\\nint add(Object a) { return 1; } | tools.add(a): a model cannot fill the type Object
            package p; class X { int y = z; }          | tools.java:1:30: cannot find symbol
            """)
    void aFileThatIsWrongSaysWhere(String text, String error) {
        cop.write("tools.java", text.replace("\\n", "\n"));
        shows(cop.run("chat", "-T", "tools.java", "-y", "x"), 2, "error: " + error);
        assertEquals(0, asked().size());
    }

    @Test
    void aClassWithAPackageAndCommentsOfBothKinds() {
        cop.write("Shop.java", """
                package shop;

                public class Shop {
                    private int left = 3;

                    /** How many are left.
                     * @param color of the thing */
                    public int left(String color) { return left; }

                    @Tool(value = "Sells one.", readOnly = true)
                    public int sell(@Param("how many") Optional<Integer> n) { return left -= n.orElse(1); }
                }
                """);
        good("chat", "-T", "Shop.java", "-y", "call: sell {}\ncall: sell {\"n\":2} & sell {\"n\":null}\ncall: left "
                + "{\"color\":\"red\"}\nsay: x");
        assertEquals("2", results().getFirst());
        var tools = asked().getLast().body().path("tools");
        assertEquals("How many are left. of the thing Sells one. how many", Stream.of("/0/function/description",
                "/0/function/parameters/properties/color/description", "/1/function/description",
                "/1/function/parameters/properties/n/description").map(at -> tools.at(at).asString()).collect(
                Collectors.joining(" ")));
        assertEquals("[]", tools.at("/1/function/parameters/required").toString());
    }

    @Test
    void compiledClassesAreKeptByContent() throws IOException {
        good("chat", "-T", "tools.java", "-y", "say: x");
        try (var files = Files.list(cop.file(".cache/copilot.java"))) {
            var kept = files.filter(file -> file.getFileName().toString().startsWith("tools-")).toList();
            assertEquals(1, kept.size());
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(kept.getFirst())));
        }
        good("chat", "-T", "tools.java", "-y", "call: now\nsay: x");
        assertEquals(List.of("noon"), results());
    }

    // ---------------------------------------------------------------------------------------------- verbs

    record City(String name) {}

    enum Size { SMALL, LARGE }

    record Order(Size size, List<String> items, Map<String, Integer> counts, Optional<LocalDate> day, double price,
                 City city, @tools.Param("a note") String note, boolean gift, long[] numbers) {}

    public static class Shop {
        @tools.Tool("What is left of a thing")
        public int left(@tools.Param("its color") String color, Optional<Integer> least) { return color.length(); }

        @tools.Tool(value = "The time", readOnly = true)
        public static LocalDate day() { return LocalDate.of(2026, 1, 2); }
    }

    @Test
    void theLinesOfTheReadme() {
        var weather = tools.tool("weather", "Current temperature in a city, in °C", City.class,
                city -> city.name().length());
        assertEquals("weather", weather.name());
        var reply = toolkit.ask(copilot.request("Warm?\ncall: weather {\"name\":\"Oslo\"}\nsay: It is.")
                .withTools(weather));
        assertEquals("It is.", reply.text());
        assertEquals(List.of("assistant", "tool"), reply.steps().stream().map(Message::role).toList());
        assertEquals(List.of("4"), results());
        var chat = toolkit.chat("You run my shop").withTools(new Shop());
        chat.say("What is left?\ncall: left {\"color\":\"red\"} & day\nsay: three");
        assertEquals(List.of("3", "\"2026-01-02\""), results());
        chat.say("say: bye");
        assertEquals(List.of("system", "user", "assistant", "tool", "tool", "assistant", "user", "assistant"),
                chat.messages().stream().map(Message::role).toList());
        assertEquals(7, asked().getLast().body().path("messages").size());
    }

    @Test
    void typesBecomeASchemaAndBack() {
        var seen = new AtomicReference<Order>();
        var tool = tools.tool("order", "Orders", Order.class, order -> {
            seen.set(order);
            return order;
        });
        var parameters = tool.json().at("/function/parameters");
        String schema = Json.compact(parameters);
        for (String part : List.of("\"size\":{\"type\":\"string\",\"enum\":[\"SMALL\",\"LARGE\"]}", "\"day\":{\"type\":"
                + "\"string\",\"format\":\"date\"}", "\"counts\":{\"type\":\"object\",\"additionalProperties\":"
                + "{\"type\":\"integer\"}}",
                "\"price\":{\"type\":\"number\"}", "\"description\":\"a note\"", "\"numbers\":"
                + "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}")) {
            assertTrue(schema.contains(part), () -> part + " in " + schema);
        }
        assertFalse(parameters.path("required").toString().contains("day"));
        tool.function().apply(Json.object("{\"size\":\"LARGE\",\"items\":[\"a\"],\"counts\":{\"x\":1},"
                + "\"day\":\"2026-02-03\",\"price\":1.5,\"city\":{\"name\":\"Rome\"},\"note\":\"n\",\"gift\":true,"
                + "\"numbers\":[1]}", ""));
        assertEquals(Optional.of(LocalDate.of(2026, 2, 3)), seen.get().day());
    }

    @Test
    void readOnlyToolsRunTogether() {
        var both = new CountDownLatch(2);
        var tool = tools.tool("meet", "Meets another", City.class, city -> {
            both.countDown();
            try {
                return both.await(5, TimeUnit.SECONDS) ? "met" : "alone";
            } catch (InterruptedException e) {
                return "interrupted";
            }
        }).readOnly();
        toolkit.ask(copilot.request("call: meet {\"name\":\"a\"} & meet {\"name\":\"b\"}\nsay: x").withTools(tool));
        assertEquals(List.of("met", "met"), results());
    }

    // ---------------------------------------------------------------------------------------------- signatures

    record Self(Self next) {}

    record Blob(byte[] bytes) {}

    record Wild(List<?> list) {}

    enum None {}

    static class Bean { public int x; }

    public static class A1 { @tools.Tool("x") public void m(Object it) {} }
    public static class A2 { @tools.Tool("x") public void m(Map<Integer, String> it) {} }
    public static class A3 { @tools.Tool("x") public void m(List<?> it) {} }
    @SuppressWarnings("rawtypes")
    public static class A4 { @tools.Tool("x") public void m(List it) {} }
    public static class A5 { @tools.Tool("x") public <T> void m(T it) {} }
    public static class A6 { @tools.Tool("x") public void m(int it) {} @tools.Tool("y") public void m(String it) {} }
    public static class A7 { @tools.Tool("x") void m(int it) {} }
    public static class A8 { @tools.Tool("x") public void m(Runnable it) {} }
    public static class A9 { @tools.Tool("x") public void m(Bean it) {} }
    public static class A10 { @tools.Tool("x") public void m(Self it) {} }
    public static class A11 { @tools.Tool(" ") public void m(int it) {} }
    public static class A12 { public void m(int it) {} }
    public static class A13 { @tools.Tool("x") public void m(Blob it) {} }
    public static class A14 { @tools.Tool("x") public void m(Wild it) {} }
    public static class A15 { @tools.Tool("x") public void m(None it) {} }
    public static class A16 { @tools.Tool("x") public void m(Date it) {} }
    public static class A17 { @tools.Tool("x") public void m(List<Optional<String>> it) {} }
    public static class A18 { @tools.Tool("x") public void m(Path it) {} }
    public static class A19 { @tools.Tool("x") public void m$1(int it) {} }

    static List<Object[]> wrong() {
        String types = "hint: use String, a number";
        return List.of(
                wrong(() -> tools.tools(new A1()), "A1.m(it): a model cannot fill the type Object", types),
                wrong(() -> tools.tools(new A2()), "A2.m(it): a model cannot fill the type Map<Integer, String>",
                        types),
                wrong(() -> tools.tools(new A3()), "A3.m(it): a model cannot fill the type ?", types),
                wrong(() -> tools.tools(new A4()), "A4.m(it): a model cannot fill the type List", types),
                wrong(() -> tools.tools(new A5()), "A5.m has type parameters", types),
                wrong(() -> tools.tools(new A6()), "two tools are named m", "rename one of them"),
                wrong(() -> tools.tools(new A7()), "A7.m is not public", "hint: public … m(…)"),
                wrong(() -> tools.tools(new A8()), "A8.m(it): a model cannot fill the type Runnable", types),
                wrong(() -> tools.tools(new A9()), "A9.m(it): a model cannot fill the type ToolLoops$Bean", types),
                wrong(() -> tools.tools(new A10()), "A10.m(it)(next): Self contains itself",
                        "use a record that does not"),
                wrong(() -> tools.tools(new A11()), "A11.m has no description", "say what it does"),
                wrong(() -> tools.tools(new A12()), "A12 has no method with @Tool", "@Tool(\"what it does\")"),
                wrong(() -> tools.tools(new A13()), "A13.m(it)(bytes): a model cannot fill the type byte[]", types),
                wrong(() -> tools.tools(new A14()), "A14.m(it)(list): a model cannot fill the type ?", types),
                wrong(() -> tools.tools(new A15()), "A15.m(it): a model cannot fill the type ToolLoops$None", types),
                wrong(() -> tools.tools(new A16()), "A16.m(it): a model cannot fill the type Date", types),
                wrong(() -> tools.tools(new A17()), "A17.m(it): a model cannot fill the type Optional<String>", types),
                wrong(() -> tools.tools(new A18()), "A18.m(it): a model cannot fill the type Path", types),
                wrong(() -> tools.tools(new A19()), "A19.m$1: \"m$1\" is not a tool's name", "letters, digits"),
                wrong(() -> tools.tools(A1.class), "A1.m is not static", "tools(new A1(…))"),
                wrong(() -> tools.tools(null), "tools' object is null", ""),
                wrong(() -> tools.tool("my tool", "x", City.class, c -> 1), "\"my tool\" is not a tool's name",
                        "letters"),
                wrong(() -> tools.tool("t", "", City.class, c -> 1), "tool(\"t\") has no description",
                        "say what it does"),
                wrong(() -> tools.tool("t", "x", Integer.class, c -> 1), "tool(\"t\"): Integer is not a record",
                        "record IntegerArgs(String name) {}"),
                wrong(() -> tools.tool("t", "x", City.class, null), "tool(\"t\")'s function is null", ""),
                wrong(() -> tools.tool("t", "x", Self.class, s -> 1), "tool(\"t\")(next): Self contains itself",
                        "use a record"));
    }

    private static Object[] wrong(Callable<?> call, String error, String hint) {
        return new Object[]{call, error, hint};
    }

    @ParameterizedTest
    @MethodSource("wrong")
    void aWrongSignatureSaysWhatToChange(Callable<?> call, String error, String hint) {
        var fault = fault(call, error, hint);
        assertFalse(fault.message().contains("\n"), fault.message());
    }

    // ---- what was spent

    @Test
    void spentCreditsAreRecordedAndShown() throws IOException {
        cop.run("chat", "--no-log", "say: secret");
        cop.write("templates/t.mustache", "{{input}}");
        cop.run("chat", "-t", "t", "say: secret");
        cop.write("r.jsonl", "{\"input\":\"say: a\"}\n{\"input\":\"say: b\"}\n");
        cop.run("batch", "t", "-d", "r.jsonl", "-o", "o.jsonl", "--delay", "0");
        String lines = cop.read(".local/state/copilot.java/spent.jsonl");
        assertEquals(4, lines.lines().count());
        assertFalse(lines.contains("secret"), lines);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(
                cop.file(".local/state/copilot.java/spent.jsonl"))));
        var rows = cop.run("usage", "--spent", "--since", "7d").out().lines().map(line -> line.split("\t")).toList();
        assertEquals(List.of("2026-11-22 gpt-5-mini  1", "2026-11-22 gpt-5-mini t 3"), rows.stream().map(row ->
                String.join(" ", row[0], row[1], row[2], row[3])).toList());
        assertTrue(new BigDecimal(rows.getFirst()[5]).signum() > 0);
        cop.time.advance(Duration.ofDays(401));
        assertEquals("", cop.run("usage", "--spent").out());
        assertEquals("", cop.read(".local/state/copilot.java/spent.jsonl"));
    }

    @Test
    void aDailyLimitStopsBeforeARequest() {
        cop.with("COP_DAILY_CREDITS", "0.000001");
        assertEquals(0, cop.run("chat", "say: x").code());
        var outcome = cop.run("chat", "say: x");
        assertEquals(75, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("COP_DAILY_CREDITS is 0.000001"), outcome::all);
        cop.write("r.jsonl", "{\"input\":\"say: a\"}\n");
        cop.write("templates/t.mustache", "{{input}}");
        assertEquals(75, cop.run("batch", "t", "-d", "r.jsonl", "-o", "o.jsonl").code());
        cop.time.advance(Duration.ofDays(1));
        assertEquals(0, cop.run("chat", "say: x").code());
        assertEquals(2, cop.with("COP_DAILY_CREDITS", "much").run("chat", "say: x").code());
    }

    @Test
    void aCachedAnswerCostsNothing() throws IOException {
        assertEquals("x\n", good("chat", "--cache", "say: x").out());
        cop.sim.set("answer", "other");
        assertEquals("x\n", good("chat", "--cache=7d", "say: x").out());
        assertEquals(1, asked().size());
        assertTrue(good("chat", "--cache", "--json", "say: x").out().contains("\"id\":\"cached 2026-11-22T"));
        assertTrue(good("chat", "--cache", "-u", "say: x").err().contains(", cached 2026-11-22T10:00:00Z\n"));
        for (String[] others : List.of(new String[]{"say: x"}, new String[]{"--cache", "-s", "y", "say: x"},
                new String[]{"--cache", "--seed", "1", "say: x"}, new String[]{"--cache", "-m", "gpt-5.4", "say: x"})) {
            var args = new ArrayList<>(List.of(others));
            args.addFirst("chat");
            assertEquals("other\n", good(args.toArray(String[]::new)).out(), args::toString);
        }
        cop.with("COP_CACHE", "30d");
        assertEquals("x\n", good("chat", "say: x").out());
        try (var files = Files.newDirectoryStream(cop.file(".cache/copilot.java"), "answer-*")) {
            for (var file : files) assertEquals("rw-------", PosixFilePermissions.toString(
                    Files.getPosixFilePermissions(file)));
        }
        cop.time.advance(Duration.ofDays(31));
        assertEquals("other\n", good("chat", "say: x").out());
        good("cache", "clear");
        cop.sim.set("answer", "new");
        assertEquals("new\n", good("chat", "say: x").out());
    }
}
