package cop;

import module java.base;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.util.RawValue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// JSON without Jackson's mapper: reads and writes the same as the mapper.
class JsonTrees {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    // ------------------------------------------------------------------------------------------------- to read

    /// What the mapper reads; a missing node where it reads nothing, also where it fails with another's exception.
    private static JsonNode oracle(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (JacksonException | NumberFormatException _) {
            return NODES.missingNode();
        }
    }

    /// Nodes are equal only where their classes are, and 1.0 is not 1.00; the text shows the order of names.
    private static void readAlike(String text) {
        var expected = oracle(text);
        var tree = Json.tryParse(text);
        assertEquals(expected, tree, text);
        assertEquals(expected.toString(), tree.toString(), text);
    }

    static final List<String> MALFORMED = List.of("", " ", "\n\t ", "{", "[", "}", "]", "{]", "[}", "{\"a\"",
            "{\"a\":", "{\"a\":}", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{'a':1}", "{1:1}",
            "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1:2]", "\"", "\"a", "\"a\\", "\"\\u12\"", "\"\\x\"", "\"\n\"",
            "nul", "nulll", "null null", "null", "true", "false", "truefalse", "True", "NaN", "Infinity", "-Infinity",
            "[NaN]", "-", "+1", "01", "-01", "1.", ".5", "1.e2", "1e", "1e+", "1 1", "1,", "{} {}", "{}}", "[]]",
            "{}x", "{} x", "[] []", "// a", "/* a */ 1", "# a", "\uFEFF{}", "\u00a0{}", "{\"a\":1}\0", "\0",
            "\"\\ud83d\"", "\"\ud83d\"", "<html></html>", "{\"\":{\"\":[]}}", "{\"a\":1,\"b\":2,\"a\":{\"c\":3}}",
            "{\"a\":[1],\"a\":[2]}", "{\"a\":{\"b\":1},\"a\":{}}",
            "{\"a\":{\"x\":1,\"x\":null},\"b\":0,\"a\":[{\"y\":1}]}", "x".repeat(5000),
            "[" + "1,".repeat(5000) + "]");

    @ParameterizedTest
    @FieldSource("MALFORMED")
    void invalidJsonIsRejected(String text) { readAlike(text); }

    static final List<String> NUMBERS = List.of("0", "-0", "1", "-1", "2147483647", "2147483648", "-2147483648",
            "-2147483649", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
            "-9223372036854775809", "12345678901234567890123", "0.0", "-0.0", "0.10", "1.00", "1e0", "1E+2", "1e-7",
            "1e400", "1e-400", "-1e400", "1e99999", "1e2147483647", "1e2147483648", "1e-2147483648", "1e99999999999",
            "0.1e1", "123456.789e-30", "1234567890.12345678901234567890", "9".repeat(1000), "9".repeat(1001),
            "0." + "1".repeat(998), "0." + "1".repeat(1000), "1e" + "0".repeat(999) + "1");

    @ParameterizedTest
    @FieldSource("NUMBERS")
    void numbersKeepTheirDigits(String number) {
        readAlike(number);
        readAlike("[" + number + "]");
        readAlike("{\"n\": " + number + " }");
        writtenAlike(oracle("[" + number + "]"));
    }

    @Test
    void hugeNumberIsUsageError() {
        try (var cop = Harness.loggedIn()) {
            cop.write("t.mustache", "---\noptions: {x: 1e99999999999}\n---\nhi\n");
            String template = cop.file("t.mustache").toString();
            for (var args : List.of(new String[]{"chat", "-O", "x=1e99999999999", "hi"},
                    new String[]{"chat", "-t", template})) {
                var outcome = cop.run(args);
                assertEquals(2, outcome.code(), outcome::all);
                assertTrue(outcome.err().contains("1e99999999999"), outcome::all);
            }
        }
    }

    @Test
    void textsAreReadAsByMapper() {
        var random = new Random(20261122);
        for (int i = 0; i < 3000; i++) readAlike(text(random, 6));
    }

    /// A character lost, doubled or exchanged: most are no JSON any more.
    @Test
    void damageIsReportedAsByMapper() {
        var random = new Random(20261123);
        for (int i = 0; i < 10_000; i++) {
            var text = new StringBuilder(text(random, 3));
            for (int n = random.nextInt(3); n >= 0; n--) {
                int at = random.nextInt(text.length() + 1);
                String some = "{}[],:\"\\ 01e.-+tfn\n\0/";
                String piece = String.valueOf(some.charAt(random.nextInt(some.length())));
                if (random.nextBoolean() || at == text.length()) text.insert(at, piece);
                else text.replace(at, at + 1, random.nextBoolean() ? piece : "");
            }
            readAlike(text.toString());
        }
    }

    /// Any JSON value with blanks anywhere, names that come twice, and each way to write a character.
    private static String text(Random random, int depth) {
        String blank = List.of("", "", " ", "\n", " \t\r\n").get(random.nextInt(5));
        String value = switch (random.nextInt(depth > 0 ? 9 : 6)) {
            case 0 -> List.of("null", "true", "false").get(random.nextInt(3));
            case 1 -> String.valueOf(random.nextInt(-1000, 1000));
            case 2 -> new BigInteger(random.nextInt(1, 100), random).toString();
            case 3 -> new BigDecimal(new BigInteger(random.nextInt(1, 90), random), random.nextInt(-30, 30)).toString();
            case 4, 5 -> string(random);
            case 6 -> members(random, depth, "[", "]", () -> "");
            default -> members(random, depth, "{", "}", () -> (random.nextInt(3) > 0 ? "\"" + random.nextInt(5) + "\""
                    : string(random)) + blank + ":");
        };
        return blank + value + blank;
    }

    private static String members(Random random, int depth, String open, String close, Supplier<String> name) {
        var members = new StringJoiner(",", open, close);
        for (int n = random.nextInt(6); n > 0; n--) members.add(name.get() + text(random, depth - 1));
        return members.toString();
    }

    private static String string(Random random) {
        var text = new StringBuilder("\"");
        for (int n = random.nextInt(12); n > 0; n--) {
            int c = List.of(random.nextInt(' ', 0x7f), random.nextInt(0x7f, 0x100), random.nextInt(0x100, 0xd800),
                    random.nextInt(0x10000, 0x110000), random.nextInt(0, ' ')).get(random.nextInt(5));
            if (c < ' ' || random.nextInt(6) == 0) {
                for (char half : Character.toChars(c)) text.append(String.format("\\u%04X", (int) half));
            } else {
                text.append(c == '"' || c == '\\' ? "\\" : "").appendCodePoint(c);
            }
        }
        return text.append(random.nextInt(20) == 0 ? "x".repeat(random.nextInt(9000)) : "").append('"').toString();
    }

    // ------------------------------------------------------------------------------------------------ to write

    /// The result, or what went wrong.
    private static String outcome(Callable<Object> action) {
        try {
            return action.call().toString();
        } catch (Exception e) {
            return e.getClass() + ": " + (e instanceof JacksonException j ? j.getOriginalMessage() : e.getMessage());
        }
    }

    private static String hex(byte[] bytes) { return HexFormat.of().formatHex(bytes); }

    private static void writtenAlike(JsonNode tree) {
        String compact = outcome(() -> MAPPER.writeValueAsString(tree));
        assertEquals(compact, outcome(() -> Json.compact(tree)));
        assertEquals(outcome(() -> hex(MAPPER.writeValueAsBytes(tree))), outcome(() -> hex(Json.bytes(tree))), compact);
        assertEquals(outcome(() -> harmless(MAPPER.writeValueAsString(tree))), outcome(() -> Json.singleLine(tree)));
        assertEquals(outcome(() -> harmless(MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(tree))),
                outcome(() -> Json.pretty(tree)));
    }

    private static String harmless(String json) {
        var text = new StringBuilder();
        for (char c : json.toCharArray()) text.append(c < 0x7f || c > 0x9f ? c : String.format("\\u%04x", (int) c));
        return text.toString();
    }

    @Test
    void treesAreWrittenAsByMapper() {
        var random = new Random(20261124);
        for (int i = 0; i < 2000; i++) writtenAlike(oracle(text(random, 6)));
    }

    /// Scripts make their own nodes, also such as no text can hold.
    @Test
    void everyNodeKindIsWrittenAsByMapper() {
        record Point(int x, Instant at) {}
        var all = new ArrayList<JsonNode>(List.of(NODES.missingNode(), NODES.nullNode(), NODES.booleanNode(true),
                NODES.numberNode((byte) 1), NODES.numberNode((short) -2), NODES.numberNode(3), NODES.numberNode(4L),
                NODES.numberNode(0.5f), NODES.numberNode(1e300), NODES.numberNode(Double.NaN),
                NODES.numberNode(Float.POSITIVE_INFINITY), NODES.numberNode(BigInteger.TEN.pow(30)),
                NODES.numberNode(new BigDecimal("1.00")), NODES.numberNode(new BigDecimal("1e-400")),
                NODES.numberNode(new BigDecimal("1e+400")), NODES.stringNode(""),
                NODES.stringNode("\0\"\\/\u007f\u0085é😀"), NODES.stringNode("\ud83d"), NODES.stringNode("\ude00 x"),
                NODES.stringNode("x".repeat(100_000)), NODES.binaryNode(new byte[0]),
                NODES.binaryNode(new byte[]{-1, 0, 1, 2}), NODES.pojoNode(null), NODES.pojoNode("text"),
                NODES.pojoNode(new Point(1, Instant.EPOCH)), NODES.pojoNode(List.of(1, Map.of())),
                NODES.pojoNode(NODES.objectNode().put("a", 1)), NODES.rawValueNode(new RawValue("[ 1 ]")),
                NODES.pojoNode(new Object()), NODES.objectNode(), NODES.arrayNode()));
        for (var node : all) {
            writtenAlike(node);
            writtenAlike(NODES.arrayNode().add(1).add(node).add(node));
            var object = NODES.objectNode();
            object.set("a", node);
            object.putArray("b").addObject().set("ü\u0085\"", node);
            writtenAlike(object);
        }
        assertEquals("{\n  \"a\" : [ 1, { } ]\n}".replace("\n", System.lineSeparator()),
                Json.pretty(Json.tryParse("{\"a\":[1,{}]}")));
    }

    // -------------------------------------------------------------------------------------------------- limits

    private static JsonNode nested(int depth, boolean objects) {
        JsonNode tree = NODES.numberNode(1);
        for (int i = 0; i < depth; i++) {
            tree = objects ? NODES.objectNode().set("a", tree) : NODES.arrayNode().add(tree);
        }
        return tree;
    }

    @ParameterizedTest
    @CsvSource({"499, true", "500, true", "501, false", "1000, false", "100000, false"})
    void nestingLimitIsThatOfParser(int depth, boolean read) throws Exception {
        var failures = new ArrayBlockingQueue<Optional<Throwable>>(2);
        Runnable test = () -> {
            Throwable failure = null;
            try {
                for (String text : List.of("[".repeat(depth) + "]".repeat(depth), "[".repeat(depth),
                        "{\"a\":".repeat(depth) + "1" + "}".repeat(depth))) {
                    assertEquals(oracle(text).isMissingNode(), Json.tryParse(text).isMissingNode());
                }
                assertEquals(read, Json.tryParse("[".repeat(depth) + "]".repeat(depth)).isArray());
            } catch (Throwable e) {
                failure = e;
            }
            failures.add(Optional.ofNullable(failure));
        };
        Thread.ofVirtual().start(test);
        new Thread(null, test, "small", 1 << 20).start();
        for (int i = 0; i < 2; i++) assertEquals(Optional.empty(), failures.poll(60, TimeUnit.SECONDS));
    }

    @ParameterizedTest
    @ValueSource(ints = {499, 500, 501, 5000})
    void writingLimitIsThatOfMapper(int depth) throws Exception {
        var failures = new ArrayBlockingQueue<Optional<Throwable>>(2);
        for (boolean objects : List.of(true, false)) {
            var tree = nested(depth, objects);
            Runnable test = () -> {
                Throwable failure = null;
                try {
                    writtenAlike(tree);
                } catch (Throwable e) {
                    failure = e;
                }
                failures.add(Optional.ofNullable(failure));
            };
            Thread.ofVirtual().start(test);
        }
        for (int i = 0; i < 2; i++) assertEquals(Optional.empty(), failures.poll(60, TimeUnit.SECONDS));
    }

    // ------------------------------------------------------------------------------------------------- start-up

    /// The mapper and what it asks of the JDK, calendars above all, cost a start more than the chat's own code.
    @ParameterizedTest
    @ValueSource(strings = {"", "-m claude-haiku-4.5", "-m gpt-5.4 -v", "--no-stream --json", "-O n=2"})
    void chatCreatesNoMapper(String options) throws IOException {
        try (var cop = Harness.loggedIn()) {
            var chat = Stream.of("chat " + options + " hi").flatMap(Pattern.compile(" +")::splitAsStream);
            var process = cop.process(chat.toArray(String[]::new));
            process.command().add(process.command().indexOf("-cp"), "-Xlog:class+init:file=" + cop.file("classes"));
            for (String start : options.isEmpty() ? List.of("first", "second") : List.of("first")) {
                var outcome = Harness.finished(process.start(), "");
                assertEquals(0, outcome.code(), outcome::all);
                String classes = cop.read("classes");
                assertTrue(classes.contains("Initializing 'cop/Json'"), start);
                assertEquals(List.of(), Stream.of("JsonMapper", "BaseSettings", "InternalNodeSerializer",
                        "java/util/Calendar'").filter(classes::contains).toList(), start);
            }
        }
    }
}
