package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

import static cop.Harness.header;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Whatever path a model is served on, and however it is told things there, the same is asked and the same is said.
class EveryModel {
    static final List<String> MODELS = List.of("gpt-5-mini", "mai-code-1.1-flash", "gpt-4o-mini", "gpt-4",
            "gpt-5.4", "gpt-5.3-codex", "gpt-5.4-mini", "claude-haiku-4.5", "claude-sonnet-5", "claude-opus-5",
            "claude-fable-5.1", "gemini-3.8-flash", "kimi-k3", "grok-4.7");
    private static final Map<String, String> PATHS = Map.of("gpt-5.3-codex", "/responses", "gpt-5.4-mini", "/responses",
            "grok-4.7", "/responses", "claude-fable-5.1", "/v1/messages", "claude-opus-5", "/v1/messages");

    private final Harness cop = Harness.loggedIn();

    /// The catalogue tells the ways. o1 is gone: the last that neither streams nor takes a system message.
    EveryModel() {
        cop.sim.set("revive", "o1");
        assertEquals(0, cop.run("models").code());
    }

    private void enableAll() { cop.ok("models", "enable", "-y", "claude-opus-5"); }

    @AfterEach
    void close() { cop.close(); }

    private String path(String model) { return PATHS.getOrDefault(model, "/chat/completions"); }

    // ---------------------------------------------------------------------------------------------- the same

    private static final List<String> PROMPTS = List.of("say: hello", "say: ünï ☃ 😀 日本", "say: two\n\nparagraphs\n",
            "say: ```java\nint x = 1;\n```", "What is the sky?\nSay it in three words. \"quoted\" \\ {{x}} \u2028 end");

    @ParameterizedTest
    @FieldSource("MODELS")
    void fivePromptsGiveTheSameTextOnEveryModel(String model) {
        enableAll();
        for (String prompt : PROMPTS) {
            String wanted = cop.ok("chat", "-m", "mai-code-1.1-flash", "-s", "Be brief", prompt).out()
                    .replaceFirst("mai-code-1.1-flash heard", model + " heard");
            int before = cop.chats().size();
            for (int chunk : new int[]{0, 1, 2, 3, 4, 5, 6, 7, 64}) {
                cop.sim.set("chunk", chunk);
                assertEquals(wanted, cop.ok("chat", "-m", model, "-s", "Be brief", prompt).out(), "chunks of " + chunk);
            }
            cop.sim.set("chunk", 0);
            assertEquals(wanted, cop.ok("chat", "-m", model, "-s", "Be brief", "--no-stream", prompt).out());
            assertTrue(cop.chats().stream().skip(before).allMatch(entry -> entry.path().equals(path(model))));
            assertTrue(cop.chats().stream().allMatch(entry -> header(entry, "x-initiator").equals("user")));
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void aConversationIsToldFromItsBeginning(String model) {
        enableAll();
        var toolkit = cop.toolkit();
        var chat = toolkit.chat("You are terse").withModel(model);
        chat.say("say: one \n");
        chat.say("say: two  ");
        assertEquals("three", chat.say("say: three").text());
        assertEquals(7, chat.messages().size());
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void whatItCostIsCounted(String model) {
        enableAll();
        for (String way : List.of("--json", "--no-stream")) {
            var usage = Json.object(cop.ok("chat", "-m", model, "--json", way, "say: one two").out(), "").path("usage");
            assertTrue(usage.path("prompt_tokens").asLong() > 0 && usage.path("completion_tokens").asLong() > 0
                    && usage.path("credits").asDouble() > 0, usage::toString);
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void whatEndsAnAnswerEarlyIsTold(String model) {
        enableAll();
        for (String way : List.of("--timeout=60s", "--no-stream")) {
            cop.sim.set("finish", "length");
            reports(cop.run("chat", "-m", model, way, "say: a b"), 1, "(finish: length)");
            cop.sim.set("finish", "content_filter");
            reports(cop.run("chat", "-m", model, way, "say: a b"), 1, "(finish: content_filter)");
            cop.sim.set("finish", "stop");
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void aCallOfAToolIsARecord(String model) {
        enableAll();
        String tools = "tools=[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":{\"type\":"
                + "\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}}}]";
        cop.sim.set("finish", "tool_calls");
        for (String way : List.of("--json", "--no-stream")) {
            var record = Json.object(cop.ok("chat", "-m", model, "--json", way, "-O", tools, "Rain?").out(), "");
            assertEquals("tool_calls", record.path("finish").asString());
            var function = record.path("tool_calls").path(0).path("function");
            assertEquals("weather", function.path("name").asString(), record::toString);
            assertTrue(Json.tryParse(function.path("arguments").asString()).has("city"), record::toString);
        }
        reports(cop.run("chat", "-m", model, "-O", tools, "Rain?"), 1, "the model asks for a tool call");
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void whatBreaksInTheMiddleIsToldAndWhatCameStays(String model) {
        enableAll();
        for (String fault : List.of("error-chunk", "eof", "reset-mid")) {
            cop.sim.set("faults", List.of(fault));
            var outcome = reports(cop.run("chat", "-m", model, "say: one two three four five"), 1, "error: ");
            assertTrue(outcome.out().startsWith("one"), outcome::all);
        }
    }

    // ---------------------------------------------------------------------------------------------- options

    @Test
    void aTemperatureIsSaidToTheMessagesApiToo() {
        cop.sim.set("stale-endpoints", "claude-haiku-4.5");
        cop.ok("chat", "-m", "claude-haiku-4.5", "--temperature", "0.5", "say: x");
        assertEquals("/v1/messages", cop.chats().getLast().path());
        assertTrue(cop.chats().getLast().rawBody().contains("\"temperature\":0.5"), cop.chats().getLast()::rawBody);
    }

    /// What is typed, and what the body must and must not have; what is said of what was left out.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            mai-code-1.1-flash | --max-tokens 50 --top-p 0.5 | "max_tokens":50, "top_p":0.5 | max_completion_tokens |
            gpt-5-mini | --max-tokens 50 --top-p 0.5 | "max_completion_tokens":50, "top_p":0.5 | "max_tokens" |
            gpt-5.4 | --max-tokens 50 | "max_completion_tokens":50 | "max_tokens"          |
            o1 | --max-tokens 50 | "max_completion_tokens":50 | "max_tokens"          |
            claude-haiku-4.5 | --temperature 0 | "max_tokens":64000 | max_completion        |
            claude-haiku-4.5 | --reasoning-effort low | "budget_tokens":2048 | reasoning_effort      |
            claude-haiku-4.5 | --reasoning-effort low --endpoint chat | "thinking_budget":2048 | reasoning_effort |
            mai-code-1.1-flash | --reasoning-effort low | "stream":true | reasoning_effort | takes no
            gpt-5-mini | --reasoning-effort low | "reasoning_effort":"low" | budget |
            claude-sonnet-5 | --reasoning-effort max | effort":"max" | budget |
            kimi-k3 | --reasoning-effort max --temperature 0 | "reasoning_effort":"max" | budget |
            gpt-5.3-codex | --max-tokens 50 | "max_output_tokens":50 | "max_tokens"          |
            gpt-5.3-codex | --seed 3 | "store":false | "seed" | knows no
            gpt-5.3-codex | --temperature 0 | "summary":"auto" | temperature | takes no
            gpt-5.3-codex | --reasoning-effort high | "effort":"high" | reasoning_effort      |
            claude-fable-5.1 | --max-tokens 50 | "max_tokens":50 | "n"                   |
            claude-fable-5.1 | --temperature 0.5 | "max_tokens":64000 | "temperature" | temperature
            gpt-5.4 | --temperature 0.5 | "stream":true | "temperature" | temperature
            claude-fable-5.1 | --seed 1 | "max_tokens":64000 | seed | knows no
            claude-fable-5.1 | --reasoning-effort low | "adaptive", "effort":"low" | temperature           |
            claude-fable-5.1 | --no-stream | "max_tokens":16000 | "n"                   |
            """)
    void optionsAreSaidInTheModelsOwnWay(String model, String options, String has, String hasNot, String note) {
        var args = new ArrayList<>(List.of("chat", "--hide-reasoning", "-m", model));
        args.addAll(List.of(options.split(" +")));
        args.add("say: x");
        var outcome = cop.ok(args.toArray(String[]::new));
        String body = cop.chats().getLast().rawBody();
        for (String part : has.split(", ")) assertTrue(body.contains(part), () -> part + " in " + body);
        assertFalse(body.contains(hasNot), () -> hasNot + " in " + body);
        assertEquals(note == null ? "" : "warning: ", outcome.err().replaceFirst("(?s)(?<=warning: ).*", ""));
        if (note != null) reports(outcome, 0, note);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gpt-5.3-codex   | n=2                 | gives one answer a call (it is asked on /responses), not n=2
            claude-fable-5.1 | n=2                 | gives one answer a call (it is asked on /v1/messages)
            gpt-5.3-codex   | stop="x"            | which knows no stop
            gpt-5.3-codex   | reasoning_effort="x" | knows no reasoning_effort x
            claude-fable-5.1 | reasoning_effort="minimal" | knows no reasoning_effort minimal
            claude-fable-5.1 | response_format={"type":"json_object"} | which knows no response_format
            """)
    void whatCannotBeSaidThereIsAnError(String model, String option, String error) {
        reports(cop.run("chat", "-m", model, "-O", option, "hello"), 2, error, "\nhint: ");
        assertEquals(0, cop.chats().size());
    }

    @Test
    void stopsAreStopsEverywhereElse() {
        for (String model : List.of("gpt-5-mini", "claude-haiku-4.5", "claude-fable-5.1")) {
            assertEquals("one", cop.ok("chat", "-m", model, "-O", "stop=\"two\"", "say: one two").out().strip());
        }
    }

    @Test
    void thoughtsGoToStderr() {
        for (String model : List.of("gpt-5.3-codex", "claude-fable-5.1")) {
            var outcome = cop.ok("chat", "-m", model, "--reasoning-effort", "low", "say: x");
            assertEquals("x\n", outcome.out());
            assertTrue(outcome.err().contains("Thought"), outcome::all);
            outcome = cop.ok("chat", "-m", model, "--reasoning-effort", "low", "--hide-reasoning", "say: x");
            assertEquals("", outcome.err());
        }
    }

    // ------------------------------------------------------------------------------------------- the way

    @ParameterizedTest
    @CsvSource({"gpt-5.4, /responses", "claude-haiku-4.5, /v1/messages"})
    void theOtherWayIsTriedOnceAndRemembered(String model, String other) {
        cop.sim.set("stale-endpoints", List.of(model));
        assertEquals("x\n", cop.ok("chat", "-m", model, "say: x").out());
        assertEquals(List.of("/chat/completions", other), cop.chats().stream().map(simulator.Entry::path).toList());
        assertEquals("y\n", cop.ok("chat", "-m", model, "say: y").out());
        assertEquals(other, cop.chats().getLast().path());
        assertEquals(3, cop.chats().size(), "the next command knows");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("r.jsonl", "{\"x\":1}\n{\"x\":2}\n");
        cop.ok("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl", "-m", model, "--delay", "0");
        assertEquals(5, cop.chats().size());
    }

    @Test
    void aModelThatIsServedNowhereIsTriedElsewhereOnce() {
        cop.sim.set("stale-endpoints", List.of("gpt-5.4", "gpt-5.4:/responses", "gpt-5.4:/v1/messages"));
        cop.write("t.mustache", "say: {{x}}");
        cop.write("r.jsonl", "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n");
        cop.run("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl", "-m", "gpt-5.4", "--delay", "0", "-j", "1");
        assertEquals(4, cop.chats().size(), () -> cop.chats().toString());
    }

    /// What was learned is for a list of models that was wrong: a new one may be right, and so may the disk.
    @Test
    void whatWasLearnedCanBeUnlearned() throws IOException {
        cop.sim.set("stale-endpoints", List.of("gpt-5.4"));
        cop.ok("chat", "-m", "gpt-5.4", "say: x");
        cop.sim.set("stale-endpoints", List.of("gpt-5.4:/responses"));
        assertEquals("y\n", cop.ok("chat", "-m", "gpt-5.4", "say: y").out());
        assertEquals("/chat/completions", cop.chats().getLast().path());
        cop.sim.set("stale-endpoints", List.of("gpt-5.4"));
        cop.ok("chat", "-m", "gpt-5.4", "say: x");
        cop.sim.set("stale-endpoints", List.of());
        cop.ok("models", "--refresh");
        int before = cop.chats().size();
        cop.ok("chat", "-m", "gpt-5.4", "say: z");
        assertEquals("/chat/completions", cop.chats().getLast().path());
        assertEquals(1, cop.chats().size() - before);
    }

    @Test
    void anAnswerIsNotLostForWhatCannotBeLearned() throws IOException {
        try (var files = Files.list(cop.file(".cache/copilot.java"))) {
            String key = files.map(f -> f.getFileName().toString()).filter(f -> f.startsWith("models-")).findFirst()
                    .orElseThrow().substring(7);
            Files.createDirectories(cop.file(".cache/copilot.java/learned-" + key + "/x"));
        }
        cop.sim.set("stale-endpoints", List.of("gpt-5.4"));
        assertEquals("x\n", cop.ok("chat", "-m", "gpt-5.4", "say: x").out());
    }

    @Test
    void rowsThatAreUnderWayWhileAWayIsLearnedAreAnswered() {
        cop.sim.set("stale-endpoints", List.of("gpt-5.4")).set("latency", 30);
        cop.write("t.mustache", "say: {{x}}");
        cop.write("r.jsonl", IntStream.range(0, 40).mapToObj(i -> "{\"x\":" + i + "}\n").collect(Collectors.joining()));
        long lists = cop.sim.count("/models");
        cop.ok("batch", "./t.mustache", "-d", "r.jsonl", "-o", "o.jsonl", "-m", "gpt-5.4", "-j", "8", "--delay", "0");
        assertEquals(40, cop.read("o.jsonl").lines().filter(line -> line.contains("\"ok\"")).count());
        assertTrue(cop.sim.count("/models") - lists <= 1, "the list is fetched once");
    }

    /// A list that cannot be had is asked for once, and again once; the chat is sent all the same.
    @Test
    void aMissingListDoesNotHoldUpAChat() {
        try (var fresh = Harness.loggedIn()) {
            fresh.sim.set("models-faults", "500,500,500,500,500,500,500,500").set("revive", "gpt-4o");
            assertEquals("x\n", fresh.run("chat", "-m", "mai-code-1.1-flash", "say: x").out());
            assertEquals(2, fresh.sim.count("/models"));
            fresh.sim.set("models-faults", "500,500,500,500,500,500,500,500");
            assertEquals("x\n", fresh.run("chat", "say: x").out());
            assertEquals(4, fresh.sim.count("/models"));
        }
    }

    /// A row that cannot be said on its model's way is a bad row, and no end of the run.
    @Test
    void aRowThatItsWayDoesNotTakeIsABadRow() {
        String row = "{\"custom_id\":\"%s\",\"body\":{\"model\":\"gpt-5.3-codex\",%s\"messages\":[{\"role\":\"user\","
                + "\"content\":\"say: hi\"}]}}\n";
        cop.write("r.jsonl", row.formatted("a", "\"stop\":null,\"n\":null,") + row.formatted("b", "\"stop\":[\"x\"],"));
        reports(cop.run("batch", "-d", "r.jsonl", "-o", "o.jsonl", "--delay", "0"), 2, "r.jsonl:2", "knows no stop");
        reports(cop.run("batch", "-d", "r.jsonl", "-o", "o.jsonl", "--delay", "0", "--skip-bad"), 5, "1 ok");
        assertEquals(1, cop.chats().size());
    }

    @Test
    void picturesInRowsAreNoText() {
        String url = "data:image/png;base64," + Base64.getEncoder().encodeToString(Arrays.copyOf(Base64.getDecoder()
                .decode(Harness.PNG), 700_000));
        cop.write("r.jsonl", "{\"custom_id\":\"a\",\"body\":{\"model\":\"mai-code-1.1-flash\",\"messages\":["
                + "{\"role\":\"user\","
                + "\"content\":[{\"type\":\"text\",\"text\":\"say: hi\"},"
                + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"" + url + "\"}}]}]}}\n");
        cop.ok("batch", "-d", "r.jsonl", "-o", "o.jsonl", "--delay", "0");
    }

    @Test
    void whatThePersonSaysGoesBeforeWhatWeSay() {
        cop.ok("chat", "-m", "gpt-5.3-codex", "-O", "reasoning={\"summary\":\"detailed\"}", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("\"summary\":\"detailed\""),
                cop.chats().getLast()::rawBody);
        reports(cop.run("chat", "-m", "gpt-5.3-codex", "-O", "store=true", "say: x"), 1, "store_not_supported");
        cop.ok("chat", "-m", "gpt-5.3-codex", "--max-tokens", "5", "--hide-reasoning", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("\"max_output_tokens\":16"),
                cop.chats().getLast()::rawBody);
    }

    @Test
    void whatIsServedNowhereIsToldInTheFirstWords() {
        cop.sim.set("stale-endpoints", List.of("gpt-5.4", "gpt-5.4:/responses"));
        reports(cop.run("chat", "-m", "gpt-5.4", "say: x"), 1, "gpt-5.4 is not served on /chat/completions");
        assertEquals(2, cop.chats().size());
    }

    @Test
    void aBatchAsksOnTheModelsWay() {
        cop.write("t.mustache", "---\nsystem: Be brief\nschema: {type: object, properties: {a: {type: integer}},"
                + " required: [a], additionalProperties: false}\n---\nsay: {\"a\": {{x}}}");
        cop.write("r.jsonl", "{\"id\":\"p\",\"x\":1}\n{\"id\":\"q\",\"x\":2}\n");
        for (String model : List.of("gpt-5.3-codex", "gpt-5-mini")) {
            cop.ok("batch", "./t.mustache", "-d", "r.jsonl", "-o", model + ".jsonl", "-m", model, "--delay", "0");
            assertEquals(List.of(1, 2), cop.read(model + ".jsonl").lines().map(line -> Json.object(line, "")
                    .path("json").path("a").asInt()).toList());
        }
        cop.write("openai.jsonl", "{\"custom_id\":\"z\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":"
                + "\"gpt-5.3-codex\",\"max_tokens\":50,\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                + "{\"role\":\"user\",\"content\":["
                + "{\"type\":\"text\",\"text\":\"say: \"},{\"type\":\"text\",\"text\":\"hi\"}]}]}}\n");
        cop.ok("batch", "-d", "openai.jsonl", "-o", "z.jsonl", "--delay", "0");
        assertEquals("hi", Json.object(cop.read("z.jsonl").strip(), "").path("text").asString());
    }

    // ------------------------------------------------------------------------------------------- files, pictures

    @ParameterizedTest
    @ValueSource(strings = {"gpt-5-mini", "gpt-5.3-codex", "claude-haiku-4.5", "claude-fable-5.1",
            "gemini-3.8-flash"})
    void aPictureIsSeen(String model) throws IOException {
        cop.image("a.png");
        assertEquals("x\n", cop.ok("chat", "-m", model, "-a", "a.png", "say: x").out());
        var entry = cop.chats().getLast();
        assertEquals("true", header(entry, "copilot-vision-request"));
        assertTrue(entry.rawBody().contains(Harness.PNG), entry::rawBody);
        assertTrue(cop.ok("chat", "-m", model, "-a", "a.png").out().contains("heard 0 words"), "alone");
        cop.ok("chat", "-m", model, "say: x");
        assertEquals("", header(cop.chats().getLast(), "copilot-vision-request"));
    }

    @Test
    void whatAModelCannotSeeIsNotSent() throws IOException {
        cop.image("a.png");
        cop.write("b.png", "text");
        Files.write(cop.file("c.pdf"), "%PDF-1.7".getBytes());
        byte[] large = Arrays.copyOf(Base64.getDecoder().decode(Harness.PNG), 4 << 20);
        Files.write(cop.file("large.png"), large);
        reports(cop.run("chat", "-m", "o1", "-a", "a.png", "x"), 2, "o1 takes no pictures", "copilot models vision");
        reports(cop.run("chat", "-m", "claude-haiku-4.5", "-a", "a.png", "-a", "a.png", "x"), 2,
                "the prompt has 2 pictures, and claude-haiku-4.5 takes 1");
        reports(cop.run("chat", "-a", "b.png", "x"), 2, "b.png is no picture that a model takes");
        reports(cop.run("chat", "-a", "c.pdf", "x"), 2, "c.pdf is application/pdf, and gpt-5-mini takes image/jpeg");
        reports(cop.run("chat", "-a", "large.png", "x"), 2,
                "large.png has 4194304 bytes, and gpt-5-mini takes 3145728");
        reports(cop.run("chat", "-a", "none.png", "x"), 2, "cannot read none.png");
        reports(cop.run("chat", "-a", ".", "x"), 2, ". is a folder");
        assertEquals(0, cop.chats().size());
    }

    @Test
    void aPictureOfAnEarlierTurnIsMissedAloud() throws IOException {
        cop.image("a.png");
        cop.ok("chat", "-a", "a.png", "say: x");
        reports(cop.ok("chat", "-c", "say: y"), 0, "pictures of earlier turns are not sent again: a.png", "hint: -a");
    }

    @Test
    void aPictureMayComeOnStdin() throws IOException {
        assertEquals(0, cop.runWith(Base64.getDecoder().decode(Harness.PNG), "chat", "-a", "-", "say: x").code());
        assertTrue(cop.chats().getLast().rawBody().contains(Harness.PNG));
        reports(cop.run("chat", "-a", "-", "-f", "-", "x"), 2, "stdin cannot be both -f - and -a -");
    }

    @Test
    void foldersAndPatternsOfFiles() throws IOException {
        cop.write("src/A.java", "class A {}\n");
        cop.write("src/deep/b.md", "```\nx\n");
        cop.write("src/.hidden/c.md", "no");
        cop.write("src/.d", "no");
        Files.write(cop.file("src/e.bin"), new byte[]{0, 1, 2});
        var outcome = cop.ok("chat", "-f", "src", "say: x");
        String body = cop.chats().getLast().body().at("/messages/0/content").asString();
        assertEquals("src/A.java\n```\nclass A {}\n```\n\nsrc/deep/b.md\n````\n```\nx\n````\n\nsay: x", body);
        assertTrue(outcome.err().contains("left out, for they are no text, or links"), outcome::all);
        cop.ok("chat", "-f", "src/**.md", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("src/deep/b.md"));
        assertFalse(cop.chats().getLast().rawBody().contains("A.java"));
        cop.ok("chat", "-f", "src/**/*.java", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("A.java"), "** means none too");
        reports(cop.run("chat", "-f", "src/*.txt", "x"), 2, "there is no file in src/*.txt");
        reports(cop.run("chat", "-f", "a[1", "x"), 2, "a[1 is no pattern");
        cop.write("odd/-", "text of -");
        cop.run("chat", "-f", "odd/*", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("odd/-\\n```\\ntext of -"), cop.chats().getLast()::rawBody);
        reports(cop.run("chat", "-f", "src/e.bin", "x"), 2, "src/e.bin is no text");
        reports(cop.run("chat", "-f", "src", "--max-file-tokens", "5", "x"), 2, "the 2 files of -f have ",
                "more than 5 tokens", "raise --max-file-tokens");
    }

    @Test
    void aPromptThatIsTooLongNamesItsLargestPart() {
        cop.write("a.txt", "word ".repeat(200_000));
        cop.write("b.txt", "word ".repeat(20_000));
        reports(cop.run("chat", "-f", "a.txt", "-f", "b.txt", "x"), 2, "the prompt has 2200",
                "gpt-5-mini takes 128000", "the largest part is a.txt with 200001");
        reports(cop.runWith("word ".repeat(200_000), "chat", "-f", "b.txt", "x"), 2,
                "the largest part is what was said besides the files with 2000");
        reports(cop.runWith("word ".repeat(200_000), "chat", "x"), 2, "the largest part is the text with 2000");
        assertEquals(0, cop.chats().size());
        assertEquals(0, cop.runWith("word ".repeat(100_000), "chat", "say: x").code(), "bytes are no tokens");
    }

    // ------------------------------------------------------------------------------------------- models

    @Test
    void aPartOfANameThatOnlyOneModelHas() {
        assertEquals("x\n", cop.ok("chat", "-m", "sonnet", "say: x").out());
        assertEquals("claude-sonnet-5", cop.chats().getLast().body().path("model").asString());
        reports(cop.run("chat", "-m", "claude", "say: x"), 2, "the model claude fits several", "claude-fable-5.1");
        assertEquals("x\n", cop.ok("chat", "-m", "opus", "say: x").out(), "the one that is enabled");
        reports(cop.run("chat", "-m", "text-embedding-3-small", "x"), 2, "cannot chat", "copilot embed -m text-emb");
        cop.ok("chat", "-m", "gpt-4", "say: x");
        assertEquals("gpt-4", cop.chats().getLast().body().path("model").asString(), "a whole id is itself");
    }

    @Test
    void oneModelInFull() {
        var lines = cop.ok("models", "show", "gpt-5.4").out().lines().toList();
        assertTrue(lines.containsAll(List.of("id\tgpt-5.4", "context\t400k", "price\t1x", "credits\t250/1500",
                "capabilities.supports.reasoning_effort\t[\"none\",\"low\",\"medium\",\"high\",\"xhigh\"]",
                "policy.state\tenabled", "billing.promo.message\t20 % off until the end of the year")),
                lines::toString);
        assertTrue(Json.object(cop.ok("models", "show", "gpt-5.4", "--json").out(), "").has("capabilities"));
        reports(cop.run("models", "show", "gtp-5.4"), 2, "did you mean gpt-5.4?");
        reports(cop.run("models", "show", "sonet"), 2, "did you mean claude-sonnet-5?");
        reports(cop.run("models", "show", "zzzz"), 2, "hint: copilot models");
        reports(cop.run("chat", "-m", "sonet", "hi"), 1, "hint: it can use: claude-sonnet-5, ");
        reports(cop.run("models", "show"), 2, "models show wants MODEL");
        assertTrue(cop.ok("models", "vision").out().contains("gpt-5-mini\t"));
        assertFalse(cop.ok("models", "vision").out().contains("o1\t"));
        assertEquals(6, cop.ok("models", "messages").out().lines().count() + cop.ok("models", "responses").out().lines()
                .filter(line -> line.contains("codex")).count());
    }

    @Test
    void termsAreAcceptedByAPersonAlone() {
        String opus = "claude-opus-5";
        reports(cop.run("chat", "-m", opus, "x"), 1, "copilot models enable " + opus);
        reports(cop.run("models", "enable", opus), 2, "Enable access to Claude Opus 5", "nobody is here to be asked",
                "-y accepts the terms");
        cop.terminal(0);
        assertEquals(1, cop.runWith("n\n", "models", "enable", opus).code());
        assertEquals(0, cop.sim.count("/models/" + opus + "/policy"));
        assertEquals(opus + " is enabled\n", cop.runWith("y\n", "models", "enable", opus).out());
        assertEquals("x\n", cop.ok("chat", "-m", opus, "say: x").out());
        assertEquals(opus + " is enabled already\n", cop.ok("models", "enable", opus).out());
        reports(cop.run("models", "enable", "nosuch"), 2, "this account has no model");
    }

    @Test
    void aSeatOfAnOrganizationCannotAccept() {
        cop.sim.set("plan", "business");
        reports(cop.run("models", "enable", "-y", "claude-opus-5"), 1, "cannot be enabled by you", "its administrator");
    }

    // ------------------------------------------------------------------------------------------- schemas, -x

    @Test
    void aSchemaInShort() {
        var schema = cop.ok("render", "--json", "--schema", "name, age int: in years, tags [string], mood good|bad",
                "classify", "--var", "text=x").out();
        var json = Json.object(schema, "").at("/response_format/json_schema/schema");
        assertEquals("{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{\"type\":"
                + "\"integer\",\"description\":\"in years\"},"
                + "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
                + "\"mood\":{\"type\":\"string\","
                + "\"enum\":[\"good\",\"bad\"]}},\"required\":[\"name\",\"age\",\"tags\",\"mood\"],"
                + "\"additionalProperties\":false}", json.toString());
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void anAnswerMeetsItsSchemaOrIsAskedForAgain(String model) {
        enableAll();
        cop.write("s.json", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"],"
                + "\"additionalProperties\":false}");
        for (String schema : List.of("a int", "s.json", cop.read("s.json"))) {
            cop.sim.set("answer", "```json\n{\"a\": 1}\n```");
            assertEquals("{\"a\": 1}\n", cop.ok("chat", "-m", model, "--schema", schema, "x").out());
        }
        cop.sim.set("answer", "{\"a\": \"x\"}");
        int before = cop.chats().size();
        var outcome = reports(cop.run("chat", "-m", model, "--schema", "a int", "x"), 1, "asking again",
                "{\"a\": \"x\"}",
                "error: the answer does not meet the schema: answer.a: string found, integer expected");
        assertEquals("", outcome.out());
        assertEquals(3, cop.chats().size() - before);
        assertTrue(cop.chats().getLast().rawBody().contains("does not meet the schema"));
        reports(cop.run("chat", "-m", model, "--schema", "a int", "--schema-retries", "0", "x"), 1, "error: ");
        assertEquals(4, cop.chats().size() - before);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            a itn          | there is no type itn     | did you mean int?
            a, a int       | unique items             |
            a b c d        | there is no type b c d   | string, int
            ?              | "?": a name has only     | a JSON Schema, or its file
            none.json      | cannot read none.json    | ls -l none.json
            {"type": 3}    | --schema.type            | json-schema.org
            {"a"           | --schema:1               |
            """)
    void badSchemas(String schema, String error, String hint) {
        reports(cop.run("chat", "--schema", schema, "x"), 2, error, hint == null ? "" : hint);
        assertEquals(0, cop.chats().size());
    }

    @Test
    void aMissIsARecordWithItsCost() {
        cop.sim.set("answer", "no");
        var record = Json.object(reports(cop.run("chat", "--json", "--schema", "a int", "x"), 1, "error: ").out(), "");
        assertTrue(record.path("error").asString().contains("does not meet") && record.path("text").asString()
                .equals("no") && record.path("usage").path("prompt_tokens").asInt() > 20, record::toString);
        reports(cop.run("chat", "--schema", "a int", "-O", "n=2", "x"), 2, "--schema takes one answer, not n=2");
        reports(cop.run("chat", "--schema", "a int", "--schema-retries", "-1", "x"), 2, "out of range");
        reports(cop.run("chat", "-c", "--cid", "2", "x"), 2, "exclude each other");
        reports(cop.run("chat", "-f", "x", "--max-file-tokens", "-1", "x"), 2, "out of range");
        reports(cop.run("chat", "-a", "https://example.com/a.png", "x"), 2, "-a takes no address");
        reports(cop.run("chat", "-a", "-", "x"), 2, "stdin is empty");
        cop.sim.set("answer", "{\"a\": 1}");
        assertEquals("", cop.ok("chat", "-x", "--schema", "a int", "x").err());
    }

    @Test
    void theFirstFencedBlockAlone() {
        cop.sim.set("answer", "Look:\n\n```java\nint x;\n\n  int y;\n```\n\nand\n```\nz\n```\n");
        assertEquals("int x;\n\n  int y;\n", cop.ok("chat", "-x", "q").out());
        assertEquals("int x;\n\n  int y;", Json.object(cop.ok("chat", "-x", "--json", "q").out(), "").path("text")
                .asString());
        cop.sim.set("answer", "~~~\na\n```\nb\n~~~");
        assertEquals("a\n```\nb\n", cop.ok("chat", "-x", "q").out());
        cop.sim.set("answer", "```\nopen");
        reports(cop.run("chat", "-x", "q"), 1, "one that is not closed");         // `| sh` would run a part of it
        cop.sim.set("answer", "none");
        reports(cop.run("chat", "-x", "q"), 1, "no fenced block");
    }
}
