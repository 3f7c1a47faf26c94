package cop;

import module java.base;

import static cop.Harness.exits;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What is sent that was not meant, and answers that are not what was asked for: rules of ../shared/cases.
class PromptFaults {
    private static final String MODEL = "gpt-5-mini";

    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---------------------------------------------------------------------------------------------- helpers

    private Outcome refused(String error, String... words) {
        var outcome = exits(2, cop.run(words));
        assertTrue(outcome.out().isEmpty() && outcome.err().contains("error: ") && outcome.err().contains(error)
                && outcome.err().contains("\nhint: "), outcome::all);
        assertEquals(List.of(), cop.bodies(), outcome::all);
        return outcome;
    }

    private String sent() { return Json.text(cop.bodies().getLast().path("messages").path(0), "content"); }

    private static String escaped(String text) {
        return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("FENCE", "```");
    }

    /// The tool on a stdin that the test writes, and what it has said so far.
    private final class Live implements AutoCloseable {
        final PipedOutputStream to = new PipedOutputStream();
        final StringWriter out = new StringWriter(), err = new StringWriter();
        final CompletableFuture<Integer> code = new CompletableFuture<>();

        Live(Stdin.Kind kind, String... words) throws IOException {
            var in = new Stdin(new PipedInputStream(to), kind);
            var env = cop.environment(in, new PrintWriter(out), new PrintWriter(err));
            Thread.ofVirtual().start(() -> code.complete(copilot.run(env, words)));
        }

        Outcome outcome() throws Exception {
            return new Outcome(code.get(30, TimeUnit.SECONDS), out.toString(), err.toString());
        }

        @Override
        public void close() throws IOException { to.close(); }
    }

    // ----------------------------------------------------------------------------------- a pipe that is silent

    @ParameterizedTest
    @ValueSource(strings = {"chat words", "chat -t summarize", "chat -f a.txt", "chat", "chat -"})
    void nothingIsSentWhileAPipeIsOpenAndSilent(String line) throws Exception {
        cop.write("a.txt", "file\n");
        try (var live = new Live(Stdin.Kind.PIPE, line.split(" "))) {
            Harness.await("a note", () -> live.err.toString().contains("</dev/null") || live.code.isDone());
            assertEquals(List.of(), cop.bodies(), live.err::toString);
            live.to.write("late".getBytes());
            live.to.close();
            exits(0, live.outcome());
            assertTrue(cop.bodies().getLast().toString().contains("late"), () -> cop.bodies().toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"chat words --timeout 300ms", "chat -t summarize --timeout 300ms"})
    void aPipeThatStaysSilentIsRefusedAtTheTimeout(String line) throws Exception {
        try (var live = new Live(Stdin.Kind.PIPE, line.split(" "))) {
            var outcome = exits(2, live.outcome());
            assertTrue(outcome.err().contains("error: ") && outcome.err().contains("stdin")
                    && outcome.err().contains("</dev/null"), outcome::all);
            assertEquals(List.of(), cop.bodies(), outcome::all);
        }
    }

    @Test
    void onceAByteHasComeTheEndIsWaitedFor() throws Exception {
        try (var live = new Live(Stdin.Kind.PIPE, "chat", "words", "--timeout", "5s")) {
            live.to.write("one ".getBytes());
            live.to.flush();
            Harness.await("a note", () -> live.err.toString().contains("</dev/null"));
            assertEquals(List.of(), cop.bodies());
            live.to.write("two".getBytes());
            live.to.close();
            exits(0, live.outcome());
            assertEquals("one two\n\nwords", sent());
        }
    }

    @Test
    void aPipeThatBroughtNothingIsSaid() throws Exception {
        try (var live = new Live(Stdin.Kind.PIPE, "chat", "say: x")) {
            live.to.close();
            assertTrue(exits(0, live.outcome()).err().contains("stdin is empty"), live.err::toString);
        }
        cop.run("chat", "say: x");
        assertEquals("", cop.ok("chat", "say: x").err());
    }

    // ------------------------------------------------------------------------------------------- other words

    @ParameterizedTest
    @ValueSource(strings = {"-f a.txt b.txt what?", "-a a.png b.txt what?", "-f a.txt what? b.txt",
            "-f a.txt -- b.txt"})
    void aWordThatIsAFileIsNoticed(String words) {
        for (String name : List.of("a.txt", "b.txt", "a.png")) cop.write(name, "\u0089PNG\r\n\u001a\n");
        refused("\"b.txt\" is a file", ("chat " + words).split(" "));
    }

    @Test
    void aWordThatIsAFileMayBeSentByItself() {
        cop.write("b.txt", "x");
        cop.ok("chat", "b.txt");
        cop.ok("chat", "-f", "b.txt", "what is b.txt?");
    }

    // ------------------------------------------------------------------------------------------- empty prompts

    @ParameterizedTest
    @ValueSource(strings = {"", "   ", "\n", "\u00a0", "\ufeff"})
    void aBlankPromptIsNone(String blank) {
        cop.terminal(0, 1, 2).with("NO_COLOR", "1");
        refused("prompt", "chat", blank);
        refused("prompt", "chat", "--", blank, blank);
    }

    @Test
    void anEmptyFileIsSaid() {
        cop.write("empty.txt", "");
        cop.write("blank.txt", " \n\n");
        refused("no prompt", "chat");
        refused("-s", "chat", "-s", "", "hi");
        refused("-s", "chat", "-s", " ", "hi");
        for (String name : List.of("empty.txt", "blank.txt")) {
            assertTrue(cop.ok("chat", "-f", name, "say: x").err().contains("no text in " + name), name);
        }
    }

    // ------------------------------------------------------------------------------- a folder is what lies in it

    private void folder() throws IOException {
        cop.write("secret/key.txt", "the secret\n");
        cop.write("src/a.txt", "fine\n");
        cop.write("src/.env", "PASSWORD=hidden\n");
        cop.write("src/.git/config.txt", "hidden too\n");
        cop.write("src/real/b.txt", "bee\n");
        Files.createSymbolicLink(cop.file("src/key.txt"), Path.of("../secret/key.txt"));
        Files.createSymbolicLink(cop.file("src/config.txt"), Path.of(".env"));
        Files.createSymbolicLink(cop.file("src/git.txt"), Path.of(".git/config.txt"));
        Files.createSymbolicLink(cop.file("src/out"), Path.of("../secret"));
        Files.createSymbolicLink(cop.file("src/gone.txt"), Path.of("nowhere"));
        Files.createSymbolicLink(cop.file("src/again.txt"), Path.of("real/b.txt"));
        Files.createSymbolicLink(cop.file("linked"), Path.of("src"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"src", "src/*.txt", "src/**", "linked", "linked/*", "src/{key,config,git,a}.txt", "./src"})
    void linksThatLeadOutOrToSomethingHiddenAreLeftOut(String name) throws IOException {
        folder();
        var outcome = cop.ok("chat", "-f", name, "what is in it?");
        assertTrue(sent().contains("fine"), this::sent);
        for (String not : List.of("secret", "PASSWORD", "hidden")) assertFalse(sent().contains(not), this::sent);
        assertTrue(outcome.err().contains("key.txt") && outcome.err().contains("config.txt"), outcome::all);
        if (name.equals("src")) assertTrue(sent().contains("src/again.txt\n```\nbee"), this::sent);
    }

    @ParameterizedTest
    @ValueSource(strings = {"app/[slug]/*.tsx", "app/[[...sign-in]]/*.tsx", "app/(auth)/*.tsx", "app/{x}/*.tsx",
            "app/[slug]", "app/[slug]/page.tsx", "app/[slug]/**", "./app/[slug]/p*"})
    void aPartOfAPathThatExistsIsLiteral(String name) {
        for (String folder : List.of("[slug]", "[[...sign-in]]", "(auth)", "{x}")) {
            cop.write("app/" + folder + "/page.tsx", "found " + folder);
        }
        cop.ok("chat", "-f", name, "?");
        assertTrue(sent().contains("found " + name.replaceAll("(./)?app/([^/]*).*", "$2")), this::sent);
    }

    @Test
    void aPatternThatIsNoneSaysHowToMeanTheCharacter() {
        cop.write("app/x", "");
        var outcome = refused("app/[z-a]/*.tsx", "chat", "-f", "app/[z-a]/*.tsx", "?");
        assertTrue(outcome.err().contains("\\["), outcome::all);
    }

    @Test
    void rowsBelowALiteralPart() {
        cop.write("rows/[2026]/r.json", "{\"text\": \"a\"}");
        cop.write("t.mustache", "Say {{text}}");
        var outcome = cop.ok("batch", "t.mustache", "-d", "rows/[2026]/*.json", "-o", "o.jsonl", "--dry-run");
        assertTrue(outcome.all().contains("Say a"), outcome::all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nowhere", "?"})
    void withoutAHomeNothingIsKeptAndANoteSaysSo(String home) throws IOException {
        cop.with("HOME", home);
        var outcome = cop.ok("chat", "say: one");
        assertEquals("note: there is no home folder, so nothing is kept (COP_HOME names one)\n", outcome.err());
        try (var files = Files.list(cop.home)) {
            assertEquals(List.of(), files.toList());
        }
        assertEquals("one\n", cop.ok("chat", "-q", "say: one").out());
    }

    // -------------------------------------------------------------------------------- -x: code alone, or nothing

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "FENCEbash\\nls -l\\nFENCE | ls -l",
        "1. First:\\n\\n    FENCEbash\\n    ls -l\\n    FENCE\\n2. Then | ls -l",
        "1. a\\n   FENCEpython\\n   if x:\\n       y = 1\\n   FENCE | if x:\\n    y = 1",
        "- FENCEsh\\n  ls\\n  FENCE | ls",
        "10. ~~~sh\\n    ls\\n    ~~~ | ls",
        "\\tFENCE\\n\\tls\\n\\tFENCE | ls",
        "> Try:\\n> FENCEsh\\n> ls\\n>\\n>   pwd\\n> FENCE\\nDone | ls\\n\\n  pwd",
        "- a\\n  > FENCE\\n  > x\\n  > FENCE | x",
        "FENCEmd\\n1. x\\n    FENCE\\n    y\\n    FENCE\\nFENCE | 1. x\\n    FENCE\\n    y\\n    FENCE",
        "FENCE`\\nFENCE\\nFENCE` | FENCE"})
    void codeComesWithoutItsFenceAndIndentation(String answer, String code) {
        cop.sim.set("answer", escaped(answer));
        assertEquals(escaped(code) + "\n", cop.ok("chat", "-x", "q").out());
        assertEquals(escaped(code), Json.text(Json.tryParse(cop.ok("chat", "-x", "--json", "q").out()), "text"));
        cop.ok("chat", "-x", "-o", "code", "q");
        assertEquals(escaped(code) + "\n", cop.read("code"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"touch ran", "use `ls`", "FENCEsh\\nrm -rf bui", "FENCEls"})
    void withoutCodeNothingIsPrinted(String answer) {
        cop.sim.set("answer", escaped(answer));
        var outcome = exits(1, cop.run("chat", "-x", "q"));
        assertEquals("", outcome.out(), outcome::all);
        assertTrue(outcome.err().contains(escaped(answer)) && outcome.err().contains("error: "), outcome::all);
        outcome = exits(1, cop.run("chat", "-x", "-o", "code", "q"));
        assertFalse(Files.exists(cop.file("code")), outcome::all);
        var record = Json.tryParse(exits(1, cop.run("chat", "-x", "--json", "q")).out());
        assertTrue(Json.text(record, "error").contains("block"), record::toString);
        assertEquals(escaped(answer), cop.ok("logs", "-r").out().strip(), "it is kept");
    }

    @Test
    void codeThatIsCutOffIsNotPrinted() {
        cop.sim.set("answer", "```sh\nrm -rf bui").set("finish", "length");
        var outcome = exits(1, cop.run("chat", "-x", "q"));
        assertEquals("", outcome.out(), outcome::all);
        assertTrue(outcome.err().contains("finish: length"), outcome::all);
    }

    // --------------------------------------------------------------------------------------------- --schema

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "name: first, last\\nage int ; name,age", "name: the name, signed\\n;name",
        "price float: in USD e.g. 9.99 ; price", "url: such as https://x.y/z.html ; url",
        "name, age int, tags [string], mood good|bad: how it ends ; name,age,tags,mood",
        "name, ; name", "a integer, b boolean, c [float] ; a,b,c",
        "mood good|bad: how it ends, age int ; mood,age", "path string: as in a/b.json ; path"})
    void theShortFormMeansWhatItSays(String schema, String fields) {
        cop.write("t.mustache", "hi");
        cop.ok("models");
        var body = Json.tryParse(cop.ok("render", "t.mustache", "-m", MODEL, "--schema", escaped(schema).stripLeading(),
                "--json").out());
        var required = body.at("/response_format/json_schema/schema/required");
        assertEquals(fields, required.valueStream().map(JsonNode::asString).collect(Collectors.joining(",")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "name: first, last | last", "größe int | ö", "first-name | -", "name, name int | unique", "' ' | no field",
        "',' | no field", "age nit | int", "missing.json | there is no such file", "a dir/missing.json | no such file"})
    void whatTheShortFormCannotMeanIsNamed(String schema, String named) {
        var outcome = refused(named, "chat", "--schema", schema, "hi");
        assertTrue(outcome.err().contains("\nhint: "), outcome::all);
        cop.write("rows.jsonl", "{\"text\": 1}");
        cop.write("t.mustache", "{{text}}");
        refused(named, "batch", "t.mustache", "-d", "rows.jsonl", "-o", "o.jsonl", "--schema", schema);
    }

    private static final List<String> SURROUNDED = List.of("Here is the JSON:\n\n```json\n{\"n\": 3}\n```\n\nElse?",
            "The answer is {\"n\": 3}.", "{\"n\": 3}\n\nLet me know!", "~~~\n{\"n\": 3}\n~~~", "```json\n{\"n\": 3}",
            "\ufeff{\"n\": 3}", "It is `{\"n\": 3}`", "See [1]: {\"n\": 3} {\"m\": 4}",
            "1. So:\n\n   ```\n   {\"n\": 3}\n   ```", "Not {n}, but {\"n\": 3} [sic]",
            "```\n{\"a\": 1}\n```\n```\n{\"n\": 3}\n```", "```json\n{\"n\": 3}\n```");

    @ParameterizedTest
    @FieldSource("SURROUNDED")
    void theOnlyJsonThatMeetsTheSchemaIsTheAnswer(String answer) {
        cop.sim.set("answer", answer);
        assertEquals("{\"n\": 3}\n", cop.ok("chat", "-m", MODEL, "--schema", "n int", "q").out());
        assertEquals(1, cop.bodies().size());
        cop.write("t.mustache", "---\nschema: {type: object, required: [n], properties: {n: {type: integer}}}\n"
                + "---\nhi");
        assertEquals("{\"n\": 3}\n", cop.ok("chat", "-m", MODEL, "-t", "t.mustache").out());
        cop.write("rows.jsonl", "{\"id\": 1}");
        cop.ok("batch", "-y", "t.mustache", "-d", "rows.jsonl", "-o", "o.jsonl", "--delay", "0");
        assertEquals("{\"n\":3}", Json.tryParse(cop.read("o.jsonl")).path("json").toString());
        assertEquals(3, cop.bodies().size());
        var toolkit = cop.toolkit();
        boolean several = answer.matches("(?s).*(\"m\"|\"a\"|\\[1]).*");
        if (!several) assertEquals("{\"n\":3}", toolkit.ask(copilot.request("q")).value().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"either {\"n\": 1} or {\"n\": 2}", "three", "{\"n\": 3", "```\n{\"n\": \"3\"}\n```",
            "{\"m\": {\"n\": 3}}"})
    void otherAnswersAreAskedForAgain(String answer) {
        cop.sim.set("answer", answer);
        var outcome = exits(1, cop.run("chat", "--schema", "n int", "q"));
        assertEquals("", outcome.out(), outcome::all);
        assertEquals(3, cop.bodies().size());
        if (answer.contains("`")) assertTrue(outcome.err().contains("answer.n: "), outcome::all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"n\": 3}", "{\"n\": 3", "3"})
    void aCutOffAnswerNeverPassesForJson(String answer) {
        cop.sim.set("answer", answer).set("finish", "length");
        for (String form : List.of("-r", "--no-stream", "-x", "-v", "-q")) {
            var outcome = exits(1, cop.run("chat", "--schema", "n int", form, "q"));
            assertEquals("", outcome.out(), outcome::all);
        }
        exits(1, cop.run("chat", "--schema", "n int", "-o", "o.json", "q"));
        assertFalse(Files.exists(cop.file("o.json")));
        var record = Json.tryParse(exits(1, cop.run("chat", "--schema", "n int", "--json", "q")).out());
        assertTrue(record.path("json").isMissingNode() && Json.text(record, "error").contains("length"),
                record::toString);
        cop.write("rows.jsonl", "{\"id\": 1}");
        cop.write("t.mustache", "hi");
        exits(5, cop.run("batch", "-y", "t.mustache", "-d", "rows.jsonl", "-o", "o.jsonl", "--delay", "0",
                "--schema", "n int"));
        var row = Json.tryParse(cop.read("o.jsonl"));
        assertTrue(row.path("json").isMissingNode() && Json.text(row, "status").equals("incomplete"), row::toString);
    }

    @ParameterizedTest
    @CsvSource({"--schema=n int, reset-mid", "--schema=n int, eof", "-x, reset-mid", "-x, error-chunk",
            "--schema=n int, error-chunk", "-x, finish-error", "--schema=n int, finish-error"})
    void whatBreaksOffIsNeitherJsonNorCode(String option, String fault) {
        cop.sim.set("faults", fault);
        var outcome = exits(1, cop.run("chat", option, "say: {\"n\": 3} and ```\nls\n``` and more words to come"));
        assertEquals("", outcome.out(), outcome::all);
        cop.sim.set("faults", fault);
        exits(1, cop.run("chat", option, "-o", "o", "say: {\"n\": 3} and ```\nls\n``` and more words to come"));
        assertFalse(Files.exists(cop.file("o")));
    }

    @Test
    void theRecordHasTheJson() {
        cop.sim.set("answer", "So: {\"n\": 3}");
        var record = Json.tryParse(cop.ok("chat", "--json", "--schema", "n int", "q").out());
        assertEquals("{\"n\":3}", record.path("json").toString());
        assertTrue(Json.tryParse(cop.ok("chat", "--json", "q").out()).path("json").isMissingNode());
    }

    // ------------------------------------------------------------------------------- several answers, one answer

    @Test
    void severalAnswersAreNoTurnOfAConversation() {
        cop.ok("chat", "say: one");
        for (String way : List.of("-c", "--cid=2")) {
            var outcome = exits(2, cop.run("chat", way, "-O", "n=2", "say: two"));
            assertTrue(outcome.err().contains("n=2"), outcome::all);
        }
        cop.terminal(0, 1, 2);
        assertTrue(exits(2, cop.run("chat", "-O", "n=2")).err().contains("n=2"));
        assertEquals(1, cop.bodies().size());
        cop.sim.set("answer", "same");
        cop.ok("chat", "-O", "n=2", "q");
        cop.ok("chat", "-c", "and?");
        assertEquals("same", cop.bodies().getLast().path("messages").path(1).path("content").asString());
    }

    @Test
    void oneStreamHasOneAnswer() {
        var toolkit = cop.toolkit();
        var two = copilot.request("q").with("n", 2);
        assertThrows(copilot.Fault.class, () -> toolkit.stream(two, _ -> { }));
        assertEquals(2, toolkit.ask(two).choices().size());
    }

    // ------------------------------------------------------------------------------------------------- logs

    @ParameterizedTest
    @ValueSource(strings = {"cafe\u0301", "CAF\u00c9", "two words", "two  words", "strasse", "STRASSE", "\uff21bc"})
    void logsFindWhatAPersonSees(String query) {
        cop.ok("chat", "say: caf\u00e9 two\nwords Stra\u00dfe ABC");
        assertTrue(cop.ok("logs", "-q", query).out().contains("caf"), query);
    }

    @Test
    void whatIsNotFoundIsExitOneAsOfGrep() {
        cop.ok("chat", "say: one");
        cop.ok("chat", "say: other");
        var outcome = exits(1, cop.run("logs", "-q", "nothing of it"));
        assertEquals("", outcome.out());
        assertTrue(Json.tryParse(exits(1, cop.run("logs", "-q", "nothing of it", "--json")).out()).isArray());
        exits(1, cop.run("logs", "-q", "nothing of it", "-r"));
        assertEquals("one\n", cop.ok("logs", "-q", "one", "-r").out());
        exits(0, cop.run("logs", "clear", "-y"));
        cop.ok("logs");
    }

    @Test
    void showJsonIsAnArrayOfTurns() {
        cop.ok("chat", "say: one");
        assertEquals(1, Json.tryParse(cop.ok("logs", "show", "--json").out()).size());
    }

    @Test
    void loggingIsTurnedOffForGood() {
        cop.ok("chat", "say: before");
        assertTrue(cop.ok("logs", "status").out().contains("on"));
        cop.ok("logs", "off");
        cop.ok("logs", "off");
        assertEquals("", cop.ok("chat", "say: one").err());
        assertTrue(cop.ok("logs", "status").out().contains("off"));
        assertTrue(Json.tryParse(cop.ok("chat", "--json", "say: one").out()).path("conversation").isMissingNode());
        assertTrue(cop.ok("chat", "-c", "say: more").out().contains("more"));
        assertFalse(cop.ok("logs", "show").out().contains("more"));
        assertEquals(1, cop.ok("logs").out().lines().count());
        cop.ok("chat", "--log", "say: two");
        assertEquals(2, cop.ok("logs").out().lines().count());
        assertTrue(cop.run("chat", "--log", "--no-log", "x").err().contains("exclude"));
        cop.ok("logs", "on");
        cop.ok("chat", "say: three");
        assertEquals(3, cop.ok("logs").out().lines().count());
    }

    // -------------------------------------------------------------------------------------- run(), other places

    @Test
    void labelsGivenAsOneTextAreSeveral() {
        var outcome = cop.run("render", "classify", "--var", "text=x", "--var", "labels=a,b");
        assertTrue(outcome.code() == 2 && outcome.err().contains("labels"), outcome::all);
        assertTrue(cop.ok("render", "classify", "--var", "text=x", "--var-json", "labels=[\"a\",\"b\"]").out()
                .contains("- a\n- b"));
    }

    @Test
    void runDoesNotReplaceBytes() throws IOException {
        Files.write(cop.file("mixed.txt"), "caf\u00e9 old\n".getBytes(StandardCharsets.ISO_8859_1));
        Files.writeString(cop.file("mixed.txt"), "gr\u00f6\u00dfe\n", StandardOpenOption.APPEND);
        var toolkit = cop.toolkit();
        var fault = assertThrows(copilot.Fault.class, () -> toolkit.run("cat", "mixed.txt"));
        assertTrue(fault.getMessage().matches("(?s).*\\bcat\\b.*(:1|line 1)\\b.*"), fault::getMessage);
        assertEquals("gr\u00f6\u00dfe", toolkit.run("printf", "gr\u00f6\u00dfe\n"));
    }

    @Test
    void rowsOfAFolderAreWhatLiesInIt() throws IOException {
        cop.write("secret/key.json", "{\"text\": \"the secret\"}");
        cop.write("rows/a.json", "{\"text\": \"fine\"}");
        Files.createSymbolicLink(cop.file("rows/key.json"), Path.of("../secret/key.json"));
        cop.write("t.mustache", "Say {{text}}");
        var outcome = cop.ok("batch", "t.mustache", "-d", "rows", "-o", "o.jsonl", "--delay", "0");
        assertEquals(1, cop.bodies().size(), outcome::all);
        assertTrue(outcome.err().contains("rows/key.json"), outcome::all);
    }

    @Test
    void allTextsThatHaveNoVectorAreNamed() {
        var outcome = exits(2, cop.runWith("a\n\nb\n  \n", "embed"));
        assertTrue(outcome.err().contains("stdin:2: ") && outcome.err().contains("stdin:4: "), outcome::all);
        assertEquals("", outcome.out());
    }

    @Test
    void embedTakesWhatIsPipedInBesideItsWords() {
        var outcome = exits(0, cop.runWith("a\nb", "embed", "c", "-o", "x.jsonl", "--echo"));
        assertEquals(List.of("a", "b", "c"), cop.read("x.jsonl").lines().map(line -> Json.text(Json.tryParse(line),
                "text")).toList(), outcome::all);
        assertEquals(1, exits(0, cop.run("embed", "c")).out().lines().count());
        exits(2, cop.runWith("a\n\n", "embed", "c"));
        assertTrue(exits(0, cop.runWith("\n", "embed", "c")).err().contains("stdin is empty"));
    }

    // -------------------------------------------------------------------------- nothing steers the terminal

    @ParameterizedTest
    @ValueSource(strings = {"render t.mustache -d r.json", "render t.mustache -d r.json --json",
            "batch t.mustache -d r.jsonl -o o.jsonl --dry-run", "batch bad.mustache -d r.jsonl -o o.jsonl",
            "chat -t bad.mustache -d r.json", "chat -t t.mustache -d r.json", "chat -r -t t.mustache -d r.json",
            "chat -x -t t.mustache -d r.json", "chat --schema n -t t.mustache -d r.json", "chat -f \u001b]0;x\u0007 y",
            "chat --schema \u001b[2J y", "logs show", "logs", "logs -q \u001b[2J",
            "chat --json -t t.mustache -d r.json",
            "chat -m \u001b[2J y", "templates show t.mustache", "chat -c y",
            "batch t.mustache -d r.jsonl -o o.jsonl -k"})
    void nothingSteersTheTerminal(String line) {
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
}
