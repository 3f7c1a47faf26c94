package cop;

import module java.base;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Strict mustache: the official specification, exact values, missing values, and invalid templates.
class Mustaches {
    // ------------------------------------------------------------------------------------------- helpers

    private static StrictMustache engine(Map<String, String> partials) {
        var engine = new StrictMustache(name -> Optional.ofNullable(partials.get(name)).map(text ->
                new StrictMustache.Source(name, text, 1)), partials::keySet);
        engine.dotted = false;
        return engine;
    }

    private static StrictMustache.Rendering rendering(String template, String json, Map<String, String> partials) {
        var engine = engine(partials);
        return engine.render(engine.text(template, "t", 1), JsonValues.object(json, "data"));
    }

    private static String rendered(String template, String json) { return rendered(template, json, Map.of()); }

    private static String rendered(String template, String json, Map<String, String> partials) {
        var rendering = rendering(template, json, partials);
        assertEquals(List.of(), List.copyOf(rendering.missing()));
        return rendering.text();
    }

    private static List<String> missingValues(String template, String json) {
        return rendering(template, json, Map.of()).missing().stream().map(StrictMustache.Missing::message)
                .toList();
    }

    // ------------------------------------------------------------------------- the official specification

    /// The folder of the official cases, next to a checkout.
    private static Optional<Path> spec() {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            Path spec = folder.resolve("shared/mustache-spec");
            if (Files.isDirectory(spec)) return Optional.of(spec);
        }
        return Optional.empty();
    }

    /// All cases pass, but for some of inheritance that want lines taken away or indented again.
    @ParameterizedTest
    @CsvSource({"comments, 12, ''", "delimiters, 14, ''", "interpolation, 42, ''", "inverted, 22, ''",
            "partials, 12, ''", "sections, 34, ''",
            "dynamic-names, 21, ''", "inheritance, 27, 'Inherit; Override parent with newlines; Standalone parent;"
            + " Standalone block; Block reindentation; Intrinsic indentation; Nested block reindentation'"})
    void officialSpecification(String file, int cases, String unsupported) throws Exception {
        assumeTrue(spec().isPresent(), "the official cases are not here (shared/mustache-spec)");
        var failed = new ArrayList<String>();
        int count = 0;
        for (var test : Json.object(Files.readString(spec().get().resolve(file + ".json")), file).path("tests")) {
            count++;
            String problem = problem(test);
            if (!problem.isEmpty()) failed.add(Json.text(test, "name"));
        }
        assertEquals(cases, count);
        assertEquals(unsupported, String.join("; ", failed));
    }

    private static String problem(JsonNode test) {
        var partials = new HashMap<String, String>();
        test.path("partials").properties().forEach(p -> partials.put(p.getKey(), p.getValue().asString()));
        String wanted = Json.text(test, "expected").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">")
                .replace("&amp;", "&");
        try {
            var engine = engine(partials);
            Object data = JsonValues.value(test.path("data").toString(), "data");     // not always an object
            String got = engine.render(engine.text(Json.text(test, "template"), "t", 1), data).text();
            return got.equals(wanted) ? "" : "\n wanted " + wanted + "\n got " + got;
        } catch (RuntimeException e) {
            return " " + e;
        }
    }

    // ---------------------------------------------------------------------------------- values to the byte

    /// A template, data, and what comes of them; each value as its author wrote it.
    static final List<List<String>> VALUES = List.of(
            List.of("{{x}}", "{\"x\": \"<b> & \\\"q\\\" 'a'\"}", "<b> & \"q\" 'a'"),
            List.of("{{{x}}}|{{&x}}|{{ x }}", "{\"x\": \"a\\nb\"}", "a\nb|a\nb|a\nb"),
            List.of("{{x}}", "{\"x\": \"{{y}} {{#z}} {{>p}} {{=<% %>=}}\"}", "{{y}} {{#z}} {{>p}} {{=<% %>=}}"),
            List.of("{{x}}", "{\"x\": 1e12}", "1e12"),
            List.of("{{x}}", "{\"x\": 0.10}", "0.10"),
            List.of("{{x}}", "{\"x\": 12345678901234567890}", "12345678901234567890"),
            List.of("{{x}}", "{\"x\": -0.0}", "-0.0"),
            List.of("{{x}}", "{\"x\": 1E999999999}", "1E999999999"),
            List.of("{{x}}", "{\"x\": true}", "true"),
            List.of("{{x}}", "{\"x\": \"\"}", ""),
            List.of("{{x}}", "{\"x\": {\"a\": 1.50, \"b\": [null, \"ü\\u0001\\\"\", {}]}}",
                    "{\"a\":1.50,\"b\":[null,\"ü\\u0001\\\"\",{}]}"),
            List.of("{{x}}", "{\"x\": []}", "[]"),
            List.of("{{#x}}[{{.}}]{{/x}}", "{\"x\": [1e3, \"a\", false, [2], {\"k\": 1}]}",
                    "[1e3][a][false][[2]][{\"k\":1}]"),
            List.of("{{#x}}{{#.}}{{.}},{{/.}};{{/x}}", "{\"x\": [[1, 2], [3]]}", "1,2,;3,;"),
            List.of("{{a.b.c}}", "{\"a\": {\"b\": {\"c\": 0}}}", "0"),
            List.of("{{#a}}{{b}}{{/a}}", "{\"b\": \"outer\", \"a\": {\"c\": 1}}", "outer"),
            List.of("{{#n}}{{n}} errors{{/n}}", "{\"n\": 0}", "0 errors"),
            List.of("{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\": {}}", "yes"),
            List.of("{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\": []}", "no"),
            List.of("{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\": \"\"}", "no"),
            List.of("{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\": null}", "no"),
            List.of("{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\": false}", "no"),
            List.of("{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{}", "no"),
            List.of("{{#x.y.z}}yes{{/x.y.z}}{{^x.y.z}}no{{/x.y.z}}", "{\"x\": {\"y\": 1}}", "no"),
            List.of("{{.}}", "{\"a\": 1}", "{\"a\":1}"),
            List.of("a\r\n{{#x}}\r\nb\r\n{{/x}}\r\nc\rd", "{\"x\": true}", "a\r\nb\r\nc\rd"),
            List.of("a\n  {{! remark\n on two lines }}  \nb", "{}", "a\nb"),
            List.of("{{! }}", "{}", ""),
            List.of("a {{! in the line }} b", "{}", "a  b"),
            List.of("{{=<% %>=}}\n{{x}} <% x %> <%{x}%>", "{\"x\": 1}", "{{x}} 1 1"),
            List.of("{{größe}} {{a-b}} {{日本}}", "{\"größe\": 1, \"a-b\": 2, \"日本\": 3}", "1 2 3"),
            List.of("{ \"a\": {{x}} } }} {", "{\"x\": 1}", "{ \"a\": 1 } }} {"));

    @ParameterizedTest
    @FieldSource("VALUES")
    void values(List<String> row) { assertEquals(row.get(2), rendered(row.get(0), row.get(1))); }

    /// Nothing of Java can be reached from a template.
    @ParameterizedTest
    @CsvSource({"text.length", "text.class", "text.bytes", "list.size", "list.empty", "map.keySet", "map.class",
            "class", "number.text", "number.digits", "text.value", "list.0"})
    void noReflection(String name) {
        String data = "{\"text\": \"abc\", \"list\": [1], \"map\": {\"k\": 1}, \"number\": 1}";
        assertEquals(1, missingValues("{{" + name + "}}", data).size());
        assertEquals("no", rendered("{{#N}}yes{{/N}}{{^N}}no{{/N}}".replace("N", name), data));
    }

    /// A value of several lines stays as it is, also in a partial that is indented and contains itself.
    @Test
    void valuesInIndentedPartials() {
        var partials = Map.of("node", "- {{text}}\n{{#nodes}}\n  {{>node}}\n{{/nodes}}\n");
        String data = """
                {"text": "a\\nb", "nodes": [{"text": "c\\r\\nd", "nodes": [{"text": "e", "nodes": []}]}]}
                """;
        assertEquals("  - a\nb\n    - c\r\nd\n      - e\n", rendered("  {{>node}}\n", data, partials));
    }

    @Test
    void partials() {
        var partials = Map.of("p", "<{{x}}>\n", "q", "{{#list}}\n{{>p}}\n{{/list}}\n", "a.b", "dotted");
        assertEquals("<1>\n", rendered("{{>p}}", "{\"x\": 1}", partials));
        assertEquals("  <1>\n  <2>\n", rendered("  {{>q}}", "{\"list\": [{\"x\": 1}, {\"x\": 2}]}", partials));
        assertEquals("dotted|<1>\n", rendered("{{>a.b}}|{{>*which}}", "{\"which\": \"p\", \"x\": 1}", partials));
        assertEquals("a <v\nw>\n b", rendered("a {{>p}} b", "{\"x\": \"v\\nw\"}", partials));
    }

    /// More items than partials may lie within each other; and indentation goes by LF alone.
    @Test
    void partialsInLongLists() {
        var partials = Map.of("p", "{{.}}\u2028x\u0085y\rz\n");
        String list = IntStream.range(0, 150).mapToObj(i -> "" + i).collect(Collectors.joining(","));
        assertTrue(rendered("{{#l}}\n  {{>p}}\n{{/l}}", "{\"l\": [" + list + "]}", partials)
                .endsWith("  149\u2028x\u0085y\rz\n"));
    }

    /// A template of one long line takes no longer than the same in many lines.
    @Test
    void longLines() {
        String template = "{{a}} words and ".repeat(80_000);
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> rendered(template, "{\"a\": 1}"));
    }

    @Test
    void inheritance() {
        var partials = Map.of("letter", "Dear {{$who}}you{{/who}},\n{{$text}}…{{/text}}\n");
        assertEquals("Dear Ann,\n…\n",
                rendered("{{<letter}}{{$who}}{{name}}{{/who}}{{/letter}}", "{\"name\": \"Ann\"}", partials));
    }

    @Test
    void endlessPartials() {
        var endless = engine(Map.of("p", "{{>p}}", "a", "{{<b}}{{/b}}", "b", "{{<a}}{{/a}}"));
        var fault = assertThrows(copilot.Fault.class, () -> endless.render(endless.text("{{>p}}", "t", 1), Map.of()));
        assertEquals("p:1: endless recursion of partial p", fault.message());
        assertThrows(copilot.Fault.class, () -> endless.render(endless.text("{{<a}}{{/a}}", "t", 1), Map.of()));
        assertEquals("ends", endless.render(endless.text("{{#x}}{{>p}}{{/x}}ends", "t", 1), Map.of()).text());
    }

    // --------------------------------------------------------------------------------------- what is missing

    /// A template, data, and the messages about missing values.
    static final List<List<String>> MISSING = List.of(
            List.of("a\n{{dif}}", "{\"diff\": 1}", "t:2: {{dif}} is missing (the data has diff)"),
            List.of("{{x}}", "{\"x\": null}", "t:1: {{x}} is missing (it is null)"),
            List.of("{{a.b}}", "{\"a\": {\"c\": 1, \"d\": 2}}", "t:1: {{a.b}} is missing (a has c, d)"),
            List.of("{{a.b}}", "{\"a\": \"text\"}", "t:1: {{a.b}} is missing (a is a string)"),
            List.of("{{a.b.c}}", "{\"a\": {\"b\": [1]}}", "t:1: {{a.b.c}} is missing (a.b is a list)"),
            List.of("{{a.b}}", "{\"a\": {\"b\": null}}", "t:1: {{a.b}} is missing (it is null)"),
            List.of("{{x}}{{y}}\n{{x}}", "{}", "t:1: {{x}} is missing|t:1: {{y}} is missing|t:2: {{x}} is missing"),
            List.of("{{#l}}{{n}}{{/l}}", "{\"l\": [{\"n\": 1}, {\"m\": 2}]}",
                    "t:1: {{n}} is missing in {\"m\":2}"),
            List.of("{{#l}}[{{.}}]{{/l}}", "{\"l\": [1, null]}", "t:1: {{.}} is missing in null (it is null)"),
            List.of("{{#gone}}{{x}}{{/gone}}", "{}", ""),
            List.of("{{^gone}}{{x}}{{/gone}}", "{}", "t:1: {{x}} is missing"),
            List.of("\r\n\r\n{{! x }}\r\n{{x}}", "{}", "t:4: {{x}} is missing"),
            List.of("{{>nope}}", "{}", "t:1: unknown partial nope"),
            List.of("{{>*x}}", "{}", "t:1: {{x}} is missing"),
            List.of("{{>*x}}", "{\"x\": \"../secret\"}", "t:1: unknown partial ../secret"),
            List.of("{{#l}}{{>*.}}{{/l}}", "{\"l\": [\"p\"]}", "t:1: unknown partial p"),
            List.of("{{a.b}}", "{\"a.b\": 1}", "t:1: {{a.b}} is missing"),
            List.of("{{#l}}{{n}}{{/l}}", "{\"l\": [{\"m\": 1}, {\"m\": 2}, {\"m\": 3}]}",
                    "t:1: {{n}} is missing in {\"m\":1}"),
            List.of("\n{{<gone}}{{/gone}}", "{}", "t:2: unknown partial gone"),
            List.of("\n{{<*x}}{{/*x}}", "{}", "t:2: {{x}} is missing"));

    @ParameterizedTest
    @FieldSource("MISSING")
    void missingValues(List<String> row) {
        assertEquals(row.get(2), String.join("|", missingValues(row.get(0), row.get(1))));
    }

    // ------------------------------------------------------------------------------- templates that are none

    /// A template, the error, and a part of the hint.
    static final List<List<String>> WRONG = List.of(
            List.of("a\n{{x", "t:2: unclosed tag {{x", "change the delimiters"),
            List.of("{{{x}}", "t:1: invalid tag {{{x}}", "change the delimiters"),
            List.of("{{=<% %>}}", "t:1: {{=<% %>}} sets no delimiters", "{{=<% %>=}}"),
            List.of("{{}}", "t:1: invalid tag {{}}", "{{title}}"),
            List.of("{{# }}{{/ }}", "t:1: invalid tag {{#}}", "{{title}}"),
            List.of("{{#a}}\n\n{{/b}}", "t:3: {{/b}} does not close {{#a}} of line 1", "close {{#name}} with"),
            List.of("\n{{#a}}", "t:2: unclosed section {{#a}}", "with {{/name}}"),
            List.of("{{^a}}{{#b}}{{/b}}", "t:1: unclosed section {{^a}}", "with {{/name}}"),
            List.of("{{/a}}", "t:1: {{/a}} does not close a section", "with {{/name}}"),
            List.of("{{#if x}}{{/if}}", "t:1: invalid tag {{#if x}}", "use {{#name}}"),
            List.of("{{#each xs}}{{/each}}", "t:1: invalid tag {{#each xs}}", "for each of a list"),
            List.of("{{ x | upper }}", "t:1: invalid tag {{x | upper}}", "{{x_|_upper}}"),
            List.of("{{\"a\": 1}}", "t:1: invalid tag {{\"a\": 1}}", "change the delimiters"),
            List.of("{{a..b}}", "t:1: invalid tag {{a..b}}", "{{a_.b}}"),
            List.of("{{.a}}", "t:1: invalid tag {{.a}}", "{{_a}}"),
            List.of("{{a.}}", "t:1: invalid tag {{a.}}", "{{a_}}"),
            List.of("{{../x}}", "t:1: invalid tag {{../x}}", "{{_./x}}"),
            List.of("{{=x=}}", "t:1: {{=x=}} sets no delimiters", "{{=<% %>=}}"),
            List.of("{{*x}}", "t:1: invalid tag {{*x}}", "{{_x}}"),
            List.of("{{>*}}", "t:1: invalid tag {{>*}}", "{{_}}"));

    @ParameterizedTest
    @FieldSource("WRONG")
    void invalidTemplates(List<String> row) {
        var fault = assertThrows(copilot.Fault.class, () -> rendered(row.get(0), "{}"));
        assertEquals(row.get(1), fault.message());
        assertTrue(fault.hint().contains(row.get(2)), fault.hint());
        assertEquals(2, fault.exitCode());
    }

    // ------------------------------------------------------------------------------------------------- chance

    /// Values of every kind come out byte for byte, whatever they hold, and so does the text around them.
    @Test
    void randomValues() { randomValues(Duration.ofSeconds(3)); }

    @Test
    @Tag("slow")
    void randomValuesForAMinute() { randomValues(Duration.ofMinutes(1)); }

    private static void randomValues(Duration time) {
        long seed = System.nanoTime();
        var random = new Random(seed);
        long end = System.nanoTime() + time.toNanos();
        for (int round = 0; System.nanoTime() < end; round++) {
            var data = new LinkedHashMap<String, Object>();
            var template = new StringBuilder();
            var wanted = new StringBuilder();
            boolean large = round % 50 == 0;
            for (int i = 0; i < 6; i++) {
                String text = text(random, large && i == 0 ? 1_000_000 : 60);
                String around = harmless(text(random, 20));
                Object value = value(random, 0, text);
                data.put("v" + i, value);
                template.append(around).append(FORMS.get(random.nextInt(FORMS.size())).replace("N", "" + i));
                data.put("o" + i, Map.of("v", value, "list", List.of(value)));
                wanted.append(around).append(JsonValues.text(value));
            }
            String json = JsonValues.text(data);
            var engine = new StrictMustache(name -> Optional.of(new StrictMustache.Source(name,
                    "{{v" + name.substring(1) + "}}", 1)), List::of);
            String got = engine.render(engine.text("|" + template, "t", 1), JsonValues.object(json, "data")).text();
            if (!got.equals("|" + wanted)) {
                throw new AssertionError("seed " + seed + ", round " + round + "\n" + template + "\n" + json);
            }
        }
    }

    private static final List<String> FORMS = List.of("{{vN}}", "{{{vN}}}", "{{& vN }}", "{{#oN}}{{v}}{{/oN}}",
            "{{>pN}}", "{{=[ ]=}}[vN][={{ }}=]", "{{#oN.list}}{{.}}{{/oN.list}}");

    private static Object value(Random random, int depth, String text) {
        return switch (random.nextInt(depth > 3 ? 4 : 7)) {
            case 0 -> new JsonValues.NumberLiteral(List.of("0", "-1.50", "1e12", "3E-7", "12345678901234567890123").get(
                    random.nextInt(5)));
            case 1 -> random.nextBoolean();
            case 4 -> IntStream.range(0, random.nextInt(4)).mapToObj(_ -> value(random, depth + 1, text)).toList();
            case 5 -> {
                var map = new LinkedHashMap<String, Object>();
                for (int i = random.nextInt(4); i > 0; i--) {
                    map.put(text(random, 8), random.nextInt(9) == 0 ? JsonValues.NULL : value(random, depth + 1, text));
                }
                yield map;
            }
            default -> text;
        };
    }

    private static final List<String> PIECES = List.of("{{", "}}", "{{x}}", "{{#v1}}", "{{/v1}}", "{{>p1}}", "{{{",
            "}}}", "{{=<% %>=}}", "{{! ", "\r\n", "\n", "\r", "\t", "  ", "\nsystem: obey\n", "## user\n\n",
            "\nassistant:\n", "---\n", "&amp;", "<&>\"'", "\\", "\\n", "\u0000", "\u0001", "\u001b[31m", "\u007f",
            "\u0085", "\u2028", "\ufeff", "é", "日本", "\ud83d\ude00", "\ud835\udd38", "e\u0301", "$1", ".");

    private static String text(Random random, int most) {
        var text = new StringBuilder();
        int length = most > 1000 ? most : random.nextInt(most);
        while (text.length() < length) text.append(PIECES.get(random.nextInt(PIECES.size())));
        return text.toString();
    }

    /// Text around tags must not hold tags of its own, nor make one stand alone.
    private static String harmless(String text) { return text.replace("{", "(") + "x"; }

    /// A compiled text can be rendered by many threads at once.
    @Test
    void concurrentRendering() throws Exception {
        var engine = engine(Map.of("p", "{{#l}}{{.}},{{/l}}{{>q}}", "q", "{{x}}"));
        var text = engine.text("{{x}}{{#l}}{{x}}{{/l}}{{>p}}", "t", 1);
        try (var threads = Executors.newFixedThreadPool(4)) {
            var results = IntStream.range(0, 2000).mapToObj(i -> threads.submit(() -> engine.render(text,
                            JsonValues.object("{\"x\": " + i + ", \"l\": [1, 2]}", "data")).text()
                    .equals(("" + i).repeat(3) + "1,2," + i))).toList();
            for (var result : results) assertTrue(result.get());
        }
    }
}
