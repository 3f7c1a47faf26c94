package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

import static cop.Harness.exits;
import static cop.Harness.ok;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Vectors of texts: `embed` and the verb of the same name.
class Embeds {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private static String[] embed(String... more) {
        return Stream.concat(Stream.of("embed", "--dimensions", "3"), Stream.of(more)).toArray(String[]::new);
    }

    /// Asserts a usage error before any request.
    private void refused(Harness.Outcome outcome, String... words) {
        assertEquals(2, outcome.code(), outcome::all);
        assertEquals("", outcome.out(), outcome::all);
        for (String word : words) assertTrue(outcome.err().contains(word), outcome::all);
        assertEquals(0, cop.sim.count("/embeddings"), outcome::all);
    }

    private List<JsonNode> asked() {
        return cop.sim.ledger().stream().filter(e -> e.path().equals("/embeddings")).map(simulator.Entry::body)
                .toList();
    }

    private List<String> textsAsked() {
        return asked().stream().flatMap(body -> body.path("input").values().stream()).map(JsonNode::asString).toList();
    }

    private static List<JsonNode> lines(Harness.Outcome outcome) {
        return outcome.out().lines().map(Json::tryParse).toList();
    }

    private static String numbered(int n) {
        return IntStream.range(0, n).mapToObj(i -> "text " + i + "\n").collect(Collectors.joining());
    }

    // ------------------------------------------------------------------------------------ where texts come from

    @Test
    void eachArgumentIsAText() {
        var outcome = cop.ok(embed("a cat", "a dog"));
        assertEquals(List.of("a cat", "a dog"), textsAsked());
        assertEquals("""
                {"index":0,"embedding":[0.3333333333333333,0.6666666666666666,0.6666666666666666]}
                {"index":1,"embedding":[0.30151134457776363,0.9045340337332909,0.30151134457776363]}
                """, outcome.out());
        assertEquals("", outcome.err());
        assertEquals("{\"model\":\"text-embedding-3-small\",\"input\":[\"a cat\",\"a dog\"],\"dimensions\":3}",
                asked().getFirst().toString());
    }

    @Test
    void singleTextIsSentInAnArray() {
        cop.ok("embed", "one");
        assertEquals("{\"model\":\"text-embedding-3-small\",\"input\":[\"one\"]}", asked().getFirst().toString());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void eachLineOfStdinIsAText(boolean dash) {
        ok(cop.runWith("one\r\n  two  \n{\"three\": 3}\nvier\u00e4", dash ? embed("-") : embed()));
        assertEquals(List.of("one", "  two  ", "{\"three\": 3}", "vier\u00e4"), textsAsked());
    }

    @Test
    void byteOrderMarkIsIgnored() {
        ok(cop.runWith("\ufeffone\n", embed()));
        assertEquals(List.of("one"), textsAsked());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "r.jsonl | {\"id\":\"a\",\"text\":\"one\"}\\n{\"text\":2.50} | a,null",
            "r.json | [{\"custom_id\":7,\"text\":\"one\"},{\"id\":null,\"text\":2.50}] | 7,null",
            "r.csv | id,text\\na,one\\nb,2.50\\n | a,b", "r.tsv | text\\tid\\none\\ta\\n2.50\\tb\\n | a,b",
            "r.csv | input,other\\none,x\\n2.50,y\\n | null,null",
            "r.csv | input,text\\nx,one\\ny,2.50\\n | null,null"})
    void rowsInAllFormats(String file, String text, String ids) {
        cop.write(file, text.translateEscapes());
        var outcome = cop.ok(embed("-d", file));
        assertEquals(List.of("one", "2.50"), textsAsked());
        assertEquals(ids, lines(outcome).stream().map(line -> line.path("id").asString("null"))
                .collect(Collectors.joining(",")));
    }

    @Test
    void folderYieldsOneRowPerFile() {
        cop.write("rows/b.json", "{\"text\": \"two\"}");
        cop.write("rows/a.json", "{\"text\": \"one\"}");
        assertEquals("a b", lines(cop.ok(embed("-d", "rows"))).stream().map(line -> Json.text(line, "id"))
                .collect(Collectors.joining(" ")));
    }

    @Test
    void rowsFromStdinAndNamedPipes() throws Exception {
        String rows = "{\"id\":\"a\",\"text\":\"one\"}\n{\"id\":\"b\",\"text\":\"two\"}\n";
        assertEquals("b", Json.text(lines(ok(cop.runWith(rows, embed("-d", "-")))).getLast(), "id"));
        cop.write("r.jsonl", rows);
        var command = new ArrayList<>(List.of("bash", "-c", "exec \"$@\" -d <(cat r.jsonl)", "-"));
        command.addAll(cop.process(embed()).command());
        assertEquals(2, cop.ok(Harness.finished(cop.process().command(command).start(), "")).out().lines().count());
        assertEquals(List.of("one", "two", "one", "two"), textsAsked());
    }

    @Test
    void fieldIdAndTemplateOptions() {
        cop.write("r.jsonl", "{\"key\":\"k\",\"body\":\"one\",\"text\":\"no\"}\n");
        cop.write("t.mustache", "---\nsystem: About {{what}}\n---\n{{body}}!\n");
        assertEquals("k", Json.text(lines(cop.ok(embed("-d", "r.jsonl", "--field", "body", "--id", "key"))).getFirst(),
                "id"));
        cop.ok(embed("-d", "r.jsonl", "-t", "t.mustache", "--var", "what=cats"));
        assertEquals(List.of("one", "About cats\n\none!"), textsAsked());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "{\"title\":\"x\",\"n\":1} | r.jsonl:2: the row has no field text or input | with --field: title, n",
            "{\"text\":\"\",\"n\":1} | r.jsonl:2: the text is empty | remove it",
            "{\"text\":\" \\n\",\"n\":1} | r.jsonl:2: the text is empty | remove it",
            "{\"text\":null,\"n\":1} | r.jsonl:2: text is null, not a string | -t TEMPLATE",
            "{\"text\":[\"a\"]} | r.jsonl:2: text is a list, not a string | -t TEMPLATE",
            "{\"text\":{}} | r.jsonl:2: text is an object, not a string | -t TEMPLATE",
            "{\"text\":true} | r.jsonl:2: text is true, not a string | -t TEMPLATE",
            "{\"text\":} | r.jsonl:2:9: | check commas, colons", "[1] | r.jsonl:2: expected a JSON object | "})
    void rowWithoutTextIsReported(String row, String said, String hint) {
        cop.write("r.jsonl", "{\"text\":\"fine\"}\n" + row + "\n");
        var outcome = cop.run(embed("-d", "r.jsonl"));
        refused(outcome, "error: " + said);
        assertTrue(hint == null || outcome.err().contains("\nhint: ") && outcome.err().contains(hint), outcome::all);
        refused(cop.runWith(cop.read("r.jsonl"), embed("-d", "-")), said.replace("r.jsonl", "stdin"));
    }

    @Test
    void emptyTextIsReported() {
        refused(cop.run(embed("a", "", "b")), "text 2: the text is empty");
        refused(cop.run(embed("a", "\u00a0", "b", " ")), "text 4: the text is empty");
        refused(cop.runWith("one\n\ntwo\n", embed()), "stdin:2: the text is empty");
        refused(cop.runWith("", embed()), "no texts");
        refused(cop.runWith("one\0two\n", embed()), "stdin:1 is not text: it contains a NUL byte");
        refused(cop.runWith(new byte[]{'a', '\n', (byte) 0xff, '\n'}, embed()), "stdin:2 is not UTF-8 text");
        cop.write("r.csv", "text\n");
        refused(cop.run(embed("-d", "r.csv")), "no texts");
    }

    @Test
    void tooLongTextIsReported() {
        cop.ok(embed("x".repeat(8191)));
        cop.ok(embed("word ".repeat(6500)));
        cop.sim.set("max-body", 1);                         // nothing may be sent from here on
        long before = cop.sim.count("/embeddings");
        for (String text : List.of("word ".repeat(9000), "\u20ac ".repeat(20_000), "x9".repeat(2_000_000))) {
            var outcome = cop.runWith("fine\n" + text + "\n", embed());
            assertEquals(2, outcome.code(), outcome::all);
            assertTrue(outcome.err().contains("stdin:2: the text is too long: over 8191 tokens"), outcome::all);
        }
        assertEquals(before, cop.sim.count("/embeddings"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"a -d r.jsonl | cannot be used together", "--field x a | --field requires -d",
            "--id x a | --id requires -d", "-t x a | -t requires -d", "--var a=b a | --var requires -d",
            "-d r.jsonl --var a=b | --var requires -t", "-d none.jsonl | none.jsonl",
            "-d r.jsonl -t t --field x | --field and -t cannot be used together",
            "-d r.jsonl -t nosuch | nosuch", "-d r.jsonl --id key | r.jsonl:1: the row has no field key (--id)",
            "--dimensions 0 a | --dimensions 0 is out of range", "--dimensions x a | expects a number",
            "--format xml a | invalid value for --format: xml",
            "--json --format csv a | --json and --format cannot be used together",
            "--format npy a | npy is binary, and this output is text", "-o no/such/v.csv a | no such folder",
            "-o . a | is a folder", "-d r.jsonl -o r.jsonl | would overwrite the input", "-m mai-code-1.1-flash a"
                    + " | mai-code-1.1-flash is not an embedding model",
            "-m nosuch a | unknown model: nosuch"})
    void invalidOptionsAreUsageErrors(String options, String said) {
        cop.write("r.jsonl", "{\"text\":\"one\"}\n");
        cop.write("t.mustache", "{{text}}");
        refused(cop.run(embed(options.split(" "))), said);
    }

    @Test
    void terminalWithoutTextIsNotRead() { refused(cop.terminal(0).run(embed()), "no texts"); }

    @Test
    void closedStdinHasNoTexts() throws Exception {
        var command = new ArrayList<>(List.of("bash", "-c", "exec \"$@\" <&-", "-"));
        command.addAll(cop.process(embed()).command());
        refused(Harness.finished(cop.process().command(command).start(), ""), "no texts");
    }

    @Test
    void allEmptyTextsAreReported() {
        var outcome = exits(2, cop.runWith("a\n\nb\n  \n", "embed"));
        assertTrue(outcome.err().contains("stdin:2: ") && outcome.err().contains("stdin:4: "), outcome::all);
        assertEquals("", outcome.out());
    }

    @Test
    void pipedTextsAreAddedToArguments() {
        var outcome = exits(0, cop.runWith("a\nb", "embed", "c", "-o", "x.jsonl", "--echo"));
        assertEquals(List.of("a", "b", "c"), cop.read("x.jsonl").lines().map(line -> Json.text(Json.tryParse(line),
                "text")).toList(), outcome::all);
        assertEquals(1, exits(0, cop.run("embed", "c")).out().lines().count());
        exits(2, cop.runWith("a\n\n", "embed", "c"));
        assertTrue(exits(0, cop.runWith("\n", "embed", "c")).err().contains("stdin is empty"));
    }

    // ------------------------------------------------------------------------------------------------ the model

    @Test
    void embeddingModelOfAccountIsUsed() {
        cop.with("COP_MODEL", "mai-code-1.1-flash");
        cop.ok("models", "default", "gpt-5-mini");
        cop.ok(embed("a"));
        cop.ok(embed("-m", " text-embedding-3-small ", "a"));
        assertEquals(Set.of("text-embedding-3-small"), asked().stream().map(body -> Json.text(body, "model"))
                .collect(Collectors.toSet()));
        assertTrue(cop.run(embed("-m", "gpt-5-mini", "a")).err().contains("hint: -m text-embedding-3-small\n"));
    }

    @Test
    void missingEmbeddingModelIsReported() {
        cop.sim.set("models", "no-embeddings");
        var outcome = cop.run(embed("a"));
        assertEquals(1, outcome.code());
        assertTrue(outcome.err().contains("this account has no embedding model\nhint: copilot"
                + " models"), outcome::all);
        refused(cop.run(embed("-m", "text-embedding-3-small", "a")), "unknown model: ");
    }

    /// A cached model list may be outdated; GitHub's error is reported.
    @Test
    void retiredModelIsReported() {
        cop.sim.set("embeddings-faults", List.of("400-model_not_supported"));
        var outcome = cop.run(embed("a"));
        assertEquals(1, outcome.code());
        assertTrue(outcome.err().contains("this account cannot use the model \"text-embedding-3-small\""),
                outcome::all);
    }

    @Test
    void batchSizeOfModelListIsKept() {
        cop.sim.set("max-inputs", 4);
        var outcome = ok(cop.runWith(numbered(10), embed("--echo")));
        assertEquals(List.of(4, 4, 2), asked().stream().map(body -> body.path("input").size()).toList());
        for (int i = 0; i < 10; i++) {
            var line = lines(outcome).get(i);
            assertEquals(i + " text " + i, line.path("index").asInt() + " " + Json.text(line, "text"));
            assertArrayEquals(vector("text " + i), numbers(line));
        }
    }

    private double[] vector(String text) {
        var alone = new Harness.Outcome[1];
        try (var other = Harness.loggedIn()) {
            alone[0] = cop.ok(other.run(embed(text)));
        }
        return numbers(lines(alone[0]).getFirst());
    }

    private static double[] numbers(JsonNode line) {
        return line.path("embedding").values().stream().mapToDouble(JsonNode::asDouble).toArray();
    }

    @Test
    void defaultBatchSizeIs512() {
        cop.sim.set("max-inputs", 0);
        ok(cop.runWith(numbered(600), embed()));
        assertEquals(List.of(512, 88), asked().stream().map(body -> body.path("input").size()).toList());
    }

    @Test
    void longTextsAreSentInSmallerRequests() {
        String text = "word ".repeat(6000);
        ok(cop.runWith((text + "\n").repeat(60), embed()));
        assertEquals(60, textsAsked().size());
        asked().forEach(body -> assertTrue(body.toString().length() < 800_000));
        assertEquals(3, asked().size());
    }

    // --------------------------------------------------------------------------------------------- what comes out

    @Test
    void vectorsAreInInputOrder() {
        String ordered = ok(cop.runWith(numbered(20), embed())).out();
        for (String way : List.of("shuffled", "bare")) {
            cop.sim.set("embeddings", way);
            assertEquals(ordered, ok(cop.runWith(numbered(20), embed())).out());
        }
    }

    @Test
    void digitsAreUnchanged() {
        cop.sim.set("embeddings", "digits");
        for (String format : List.of("jsonl", "csv")) {
            var outcome = cop.ok(embed("--format", format, "a"));
            assertTrue(outcome.out().contains("0.00001,-0.10,"), outcome::all);
        }
        assertTrue(cop.ok(embed("--json", "a")).out().contains("[0.00001,-0.10,"));
    }

    @Test
    void csvHasOneColumnPerNumber() {
        cop.write("r.jsonl", """
                {"id":"a,b","text":"say \\"hi\\"\\nthere"}
                {"text":"x"}
                """);
        assertEquals("""
                id,index,text,e0,e1,e2
                "a,b",0,"say ""hi""
                there",0.5,0.25,0.125
                ,1,x,0.5,0.25,0.125
                """, cop.ok(embed("-d", "r.jsonl", "--format", "csv", "--echo")).out().replaceAll(
                        "(?m)[0-9.]{3,},[0-9.]+,[0-9.]+$|0\\.0,.*$|1\\.0,.*$", "0.5,0.25,0.125"));
        assertTrue(cop.ok(embed("--format", "csv", "a")).out().startsWith("index,e0,e1,e2\n0,"));
    }

    @Test
    void jsonIsOneRecord() {
        cop.sim.set("max-inputs", 2);
        var record = Json.object(ok(cop.runWith(numbered(3), embed("--json", "--echo"))).out(), "the record");
        assertEquals(List.of("data", "model", "dimensions", "usage", "requests"), List.copyOf(record.propertyNames()));
        assertEquals("[\"index\",\"text\",\"embedding\"]", Json.tree(record.path("data").path(2).propertyNames())
                .toString());
        assertEquals(3, record.path("dimensions").asInt());
        assertEquals(2, record.path("requests").asInt());
        assertEquals(record.path("usage").path("prompt_tokens"), record.path("usage").path("total_tokens"));
        assertTrue(record.path("usage").path("total_tokens").asInt() > 0);
    }

    @ParameterizedTest
    @CsvSource({"v.jsonl, jsonl", "v.csv, csv", "v.CSV, csv", "v.json, json", "v, jsonl"})
    void extensionSelectsFormat(String file, String format) {
        String shown = cop.ok(format.equals("json") ? embed("--json", "a", "b") : embed("--format", format, "a", "b"))
                .out();
        var outcome = cop.ok(embed("-o", file, "a", "b"));
        assertEquals("", outcome.out());
        assertEquals(shown, cop.read(file));
        assertEquals(Set.of(file), leftOver());
    }

    private Set<String> leftOver() {
        return Stream.of(Objects.requireNonNull(cop.home.toFile().list())).filter(name -> !Set.of(".cache", ".config",
                ".local", "r.jsonl").contains(name)).collect(Collectors.toSet());
    }

    @Test
    void formatOptionOverridesExtension() {
        cop.ok(embed("-o", "v.csv", "--format", "jsonl", "a"));
        assertTrue(cop.read("v.csv").startsWith("{\"index\":0,"));
    }

    /// The header's length, its padding and the numbers, byte by byte.
    @Test
    void npyMatchesNumpy() throws Exception {
        cop.sim.set("max-inputs", 2);
        ok(cop.runWith(numbered(5), embed("-o", "v.npy")));
        byte[] file = Files.readAllBytes(cop.file("v.npy"));
        var bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals("\u0093NUMPY\u0001\0", new String(file, 0, 8, StandardCharsets.ISO_8859_1));
        int header = bytes.getShort(8);
        assertEquals(0, (10 + header) % 64);
        String dictionary = new String(file, 10, header, StandardCharsets.US_ASCII);
        assertEquals("{'descr': '<f4', 'fortran_order': False, 'shape': (5, 3), }", dictionary.strip());
        assertTrue(dictionary.endsWith(" \n"), dictionary);
        assertEquals(10 + header + 5 * 3 * 4, file.length);
        bytes.position(10 + header);
        for (int i = 0; i < 5; i++) {
            for (double number : vector("text " + i)) assertEquals((float) number, bytes.getFloat());
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "99999, 1536", "100000, 3072", "2147483647, 65536"})
    void npyHeaderIsAligned(int rows, int size) {
        byte[] header = VectorWriter.npyHeader(rows, size);
        assertEquals(0, header.length % 64);
        assertEquals('\n', header[header.length - 1]);
        assertEquals(header.length - 10, (header[8] & 0xff) + 256 * header[9]);
    }

    /// npy's header states the number of vectors before they are received.
    @Test
    void changedInputLeavesNoOutput() throws Exception {
        var form = new EmbedJob.Form("npy", false, cop.file("v.npy"), false);
        try (var to = new VectorWriter(cop.environment(null, null, null), form, false, 2)) {
            to.write(new EmbedTexts.Item(0, "stdin:1", null, "a"), (ArrayNode) Json.tryParse("[1,2]"), 2);
            fault(() -> {
                try {
                    to.finish(Json.object());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }, "the input changed while it was read: 2 texts, then 1");
        }
        assertEquals(Set.of(), leftOver());
    }

    @Test
    void npyIsWrittenToPipeButNotTerminal() throws Exception {
        refused(cop.terminal(1).run(embed("--format", "npy", "a")), "npy is binary, and stdout is a terminal",
                "hint: -o vectors.npy");
        cop.ok(embed("-o", "v.npy", "a", "b"));
        var process = cop.process(embed("--format", "npy", "a", "b")).redirectOutput(cop.file("piped").toFile())
                .redirectInput(new File("/dev/null")).start();
        assertEquals(0, process.waitFor());
        assertArrayEquals(Files.readAllBytes(cop.file("v.npy")), Files.readAllBytes(cop.file("piped")));
    }

    @Test
    void usageIsPrintedOnStderr() {
        cop.sim.set("max-inputs", 1);
        var outcome = cop.ok(embed("-u", "a b c", "d"));
        assertTrue(outcome.err().matches("usage: \\d+ tokens, text-embedding-3-small, 2 requests, [0-9.]+ m?s\n"
                + "quota: premium interactions 98.09% left of 1500, resets [-0-9]+ [:0-9]+, in \\d+ days\n"),
                outcome::all);
        outcome = cop.ok(embed("-u", "word ".repeat(500)));
        assertTrue(outcome.err().matches("(?s)usage: 625 tokens, about 0.0013 credits, .*, 1 request, .*"),
                outcome::all);
    }

    @Test
    void progressOnTerminal() {
        cop.sim.set("max-inputs", 2);
        var outcome = ok(cop.terminal(2).runWith(numbered(5), embed()));
        assertTrue(outcome.err().contains("4/5 texts"), outcome::all);
        assertTrue(outcome.err().endsWith("\r\033[K"), outcome::all);
        assertEquals("", ok(cop.terminal(2).runWith(numbered(5), embed("-q"))).err());
    }

    // ------------------------------------------------------------------------------------------------- bad days

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"short | it has 2 vectors for 3 texts",
            "long | it has 4 vectors for 3 texts, with indexes [0, 1, 2, 3]",
            "twice | it has 4 vectors for 3 texts, with indexes [0, 1, 2]",
            "no-index | it has 3 vectors for 3 texts, with indexes [-1, 0, 1]",
            "ragged | its vectors are empty or of different sizes: [2, 3]",
            "empty-vector | its vectors are empty or of different sizes: [0, 3]",
            "texts | an embedding is not a list of numbers", "null | an embedding is not a list of numbers",
            "base64 | an embedding is not a list of numbers", "error | the model is overloaded"})
    void unexpectedResponseIsAnError(String way, String said) {
        cop.sim.set("embeddings", way);
        var outcome = cop.run(embed("-o", "v.jsonl", "a", "b", "c"));
        assertEquals(1, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("GitHub returned an invalid response to /embeddings: " + said),
                outcome::all);
        assertTrue(outcome.err().contains("request id "), outcome::all);
        assertEquals(1, asked().size(), "it was billed, and is not asked for again");
        assertEquals(Set.of(), leftOver());
    }

    @Test
    void unexpectedDimensionsAreAnError() {
        cop.sim.set("embeddings", "ragged");
        var outcome = cop.run(embed("a"));
        assertTrue(outcome.err().contains("its vectors have 2 numbers, not 3 [request id"),
                outcome::all);
        assertEquals(1, outcome.code());
        assertEquals("", outcome.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"500", "503", "429:1", "reset-before", "reset-headers", "reset-mid"})
    void transientErrorsAreRetried(String fault) {
        String calm = cop.ok(embed("a", "b")).out();
        cop.sim.set("embeddings-faults", List.of(fault));
        assertEquals(calm, cop.ok(embed("a", "b")).out());
        assertEquals(3, cop.sim.count("/embeddings"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"truncated-json | invalid response to /embeddings",
            "eof-empty | it is not a JSON object",
            "html-200 | it is an HTML page", "402 | the quota is used up", "403 | GitHub denied access",
            "413 | the request is too large"})
    void permanentErrorsAreNotRetried(String fault, String said) {
        cop.sim.set("embeddings-faults", List.of(fault));
        var outcome = cop.run(embed("a"));
        assertTrue(outcome.code() != 0 && outcome.err().contains(said), outcome::all);
        assertEquals(1, cop.sim.count("/embeddings"));
    }

    @Test
    void expiredTokenIsRefreshed() {
        cop.ok(embed("a"));
        cop.time.advance(Duration.ofMinutes(31));
        cop.sim.set("embeddings-faults", List.of("ok", "401-expired")).set("max-inputs", 1);
        cop.ok("models", "--refresh");
        assertEquals(2, cop.ok(embed("a", "b")).out().lines().count());
    }

    @ParameterizedTest
    @CsvSource({"jsonl, were saved to, 2", "csv, were saved to, 3", "npy, 'were received, but not saved', 0"})
    void partialOutputIsSaved(String format, String said, int lines) throws Exception {
        cop.sim.set("max-inputs", 2).set("embeddings-faults", List.of("ok", "403"));
        String name = "v." + format;
        cop.write(name, "old");
        var outcome = cop.runWith(numbered(5), embed("-o", name));
        assertEquals(1, outcome.code(), outcome::all);
        assertTrue(outcome.err().startsWith("2 of 5 vectors " + said), outcome::all);
        assertEquals("old", cop.read(name));
        assertEquals(lines == 0 ? Set.of(name) : Set.of(name, name + ".part"), leftOver());
        if (lines > 0) assertEquals(lines, Files.readAllLines(cop.file(name + ".part")).size());
    }

    @Test
    void partialOutputIsPrinted() {
        cop.sim.set("max-inputs", 2).set("embeddings-faults", List.of("ok", "403"));
        var outcome = cop.runWith(numbered(5), embed());
        assertEquals(2, outcome.out().lines().count());
        assertTrue(outcome.err().startsWith("2 of 5 vectors were printed\n"), outcome::all);
    }

    @Test
    void outputKeepsPermissionsAndSymlinks() throws Exception {
        cop.write("real.jsonl", "old");
        Files.setPosixFilePermissions(cop.file("real.jsonl"), PosixFilePermissions.fromString("rw-r-----"));
        Files.createSymbolicLink(cop.file("link.jsonl"), Path.of("real.jsonl"));
        cop.ok(embed("-o", "link.jsonl", "a"));
        assertTrue(Files.isSymbolicLink(cop.file("link.jsonl")));
        assertTrue(cop.read("real.jsonl").startsWith("{\"index\""));
        assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(cop.file("real.jsonl"))));
        cop.ok(embed("-o", "/dev/null", "a"));
    }

    @Test
    void headMayStopReading() throws Exception {
        cop.sim.set("max-inputs", 50);
        var command = new ArrayList<>(List.of("bash", "-c", "\"$@\" | head -n 1; echo ${PIPESTATUS[0]}", "-"));
        command.addAll(cop.process("embed").command());
        var outcome = Harness.finished(cop.process().command(command).start(), numbered(500));
        assertTrue(outcome.out().endsWith("\n0\n"), outcome::all);
        assertEquals("", outcome.err());
    }

    /// Each vector is 1536 numbers: held all at once they would need some gigabytes.
    @Test
    @Tag("slow")
    void hundredThousandRowsInSmallHeap() throws Exception {
        int rows = 100_000;
        cop.write("r.txt", numbered(rows));
        var command = cop.process("embed", "--dimensions", "256", "-o", "v.npy");
        command.command().add(command.command().indexOf("-cp"), "-Xmx96m");
        var process = command.redirectErrorStream(true).redirectOutput(cop.file("said.txt").toFile())
                .redirectInput(cop.file("r.txt").toFile()).start();
        assertTrue(process.waitFor(15, TimeUnit.MINUTES), "still at work");
        assertEquals(0, process.exitValue(), () -> cop.read("said.txt"));
        assertEquals(128 + 4L * 256 * rows, Files.size(cop.file("v.npy")));
    }

    // ------------------------------------------------------------------------------------------------ the verb

    private final Toolkit toolkit = cop.toolkit();

    private static void fault(Runnable call, String words) {
        var fault = assertThrows(copilot.Fault.class, call::run);
        assertTrue(fault.getMessage().contains(words), fault.getMessage());
    }

    @Test
    void verbReturnsVectors() {
        cop.sim.set("max-inputs", 2).set("embeddings", "shuffled");
        var vectors = Embedder.vectors(toolkit.copilot(), List.of("cat", "act", "zzzz"));
        assertEquals(2, cop.sim.count("/embeddings"));
        assertEquals(1536, vectors.getFirst().length);
        assertEquals(1, embed.similarity(vectors.get(0), vectors.get(1)), 1e-9);
        assertEquals(0, embed.similarity(vectors.get(0), vectors.get(2)), 1e-9);
    }

    /// As README has it.
    @Test
    void verbIsImportedInJShell() {
        var outcome = ok(cop.runProcess("""
                var v = embed("a cat", "a dog"); similarity(v.get(0), v.get(1))
                System.out.println(v.size() + " " + similarity(v.get(0), v.getFirst()))
                System.out.println(embed(List.of("a")).size())
                """, "repl"));
        assertEquals("2 1.0\n1\n", outcome.out());
    }

    @Test
    void verbReportsInvalidInput() {
        fault(() -> Embedder.vectors(toolkit.copilot(), List.of()), "embed() requires at least one text");
        fault(() -> Embedder.vectors(toolkit.copilot(), List.of("a", " ")), "text 2: the text is empty");
        fault(() -> Embedder.vectors(toolkit.copilot(), Arrays.asList("a", null)), "text 2 is null");
        fault(() -> embed.embed((String[]) null), "embed's texts is null");
        fault(() -> embed.similarity(new double[2], new double[3]), "vectors of 2 and 3 numbers");
        fault(() -> embed.similarity(null, new double[3]), "a vector is null");
        assertEquals(0, embed.similarity(new double[2], new double[2]));
        assertFalse(cop.sim.ledger().stream().anyMatch(e -> e.path().equals("/embeddings")));
    }
}
