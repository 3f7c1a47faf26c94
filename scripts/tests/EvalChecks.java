package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Usage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The checks of `eval`: how they are read, and what they say of answers.
class EvalChecks {
    private static final Map<String, Object> ROW = JsonValues.object("""
            {"label": "bug", "n": 30, "price": 12.50, "words": ["a, b", "c"], "want": {"label": "bug", "n": 1.0},
             "odd": "{{label}} {{#x}}", "empty": "", "nothing": null, "pattern": "^b.g$", "lines": "one\\r\\ntwo",
             "bool": true, "schema": {"required": ["b"]}, "schemaText": "{\\"required\\": [\\"b\\"]}"}""", "row");

    private static EvalCell text(String text) { return cell("ok", text, null); }

    private static EvalCell json(String json) { return cell("ok", null, Json.tryParse(json)); }

    private static EvalCell cell(String status, String text, JsonNode json) {
        return new EvalCell("1", "A", 1, status, text, json, "m", List.of(), null, null, new Usage(1, 1, 0, 0, 0,
                false), new BigDecimal("0.25"), 1500, "r", null);
    }

    private static EvalCell judged(EvalCell cell, Check... checks) {
        return Check.judged(cell, Stream.of(checks).map(check -> check.filled(ROW)).toList(), _ -> Optional.empty());
    }

    private static String passes(EvalCell cell, String check) {
        var judged = judged(cell, Check.ofOption(check));
        return judged.pass() ? "yes" : "no: " + judged.checks().getFirst().reason();
    }

    private static String message(Fault fault) {
        assertEquals(Fault.USAGE, fault.exitCode());
        assertFalse(fault.message().contains("\n"), fault.message());
        assertFalse(fault.hint().isBlank(), fault.message());
        return fault.message();
    }

    private static Stream<String[]> table(String text) {
        return text.lines().filter(line -> !line.isBlank()).map(line -> Stream.of(line.split(" +¦ ?", -1)).map(cell ->
                cell.strip().replace("\\n", "\n").replace("\\r", "\r").replace("\\s", " ")).toArray(String[]::new));
    }

    // --------------------------------------------------------------------------------------------------- verdicts

    /// Check, answer, and what it says.
    static Stream<String[]> answers() {
        return table("""
                equals: bug                      ¦ bug                  ¦ yes
                equals: bug                      ¦ bug\\n               ¦ yes
                equals: bug                      ¦ \\n bug\\s           ¦ yes
                equals: bug                      ¦ Bug                  ¦ no: got "Bug", expected "bug"
                equals: bug                      ¦                      ¦ no: got "", expected "bug"
                bug                              ¦ bug                  ¦ yes
                {{label}}                        ¦ bug                  ¦ yes
                equals: {{lines}}                ¦ one\\ntwo            ¦ yes
                equals: one\\ntwo                ¦ one\\r\\ntwo\\r\\n   ¦ yes
                equals: {{n}}                    ¦ 30                   ¦ yes
                equals: 30                       ¦ 30.0                 ¦ no: got "30.0", expected "30"
                equals: {{price}}                ¦ 12.50                ¦ yes
                equals: true                     ¦ true                 ¦ yes
                equals: {{bool}}                 ¦ true                 ¦ yes
                equals: {"n": 1, "label": "bug"} ¦ {"label":"bug", "n": 1.0} ¦ yes
                equals: {{want}}                 ¦ {"n":1, "label":"bug"} ¦ yes
                equals: {{want}}                 ¦ bug                  ¦ no: "bug" is not JSON
                equals: {{want}}                 ¦ {"n":2, "label":"bug"} ¦ no: got "{"n":2, "label":"bug"}", \
                expected "{"label":"bug","n":1.0}"
                equals: [1, 2]                   ¦ [1,2.0]              ¦ yes
                equals: [1, 2]                   ¦ [2,1]                ¦ no: got "[2,1]", expected "[1, 2]"
                equals: café                     ¦ cafe\u0301           ¦ yes
                equals: x²                       ¦ x2                   ¦ no: got "x2", expected "x²"
                not-equals: bug                  ¦ bug                  ¦ no: it is "bug"
                not-equals: bug                  ¦ bugs                 ¦ yes
                contains: ell                    ¦ Hello                ¦ yes
                contains: ELL                    ¦ Hello                ¦ no: no "ELL" in "Hello"
                contains: 30                     ¦ it is 300            ¦ yes
                icontains: ELL                   ¦ Hello                ¦ yes
                icontains: STRASSE               ¦ Straße               ¦ no: no "strasse" in "Straße"
                not-contains: ell                ¦ Hello                ¦ no: it contains "ell"
                contains: é                      ¦ cafe\u0301           ¦ yes
                contains-all: a, c               ¦ abc                  ¦ yes
                contains-all: a,x ,y             ¦ abc                  ¦ no: no "x", "y" in "abc"
                contains-all: "a, b", c          ¦ a, b and c           ¦ yes
                contains-all: "say ""hi"\"",x    ¦ say "hi"x            ¦ yes
                contains-all: {{words}}          ¦ a, b                 ¦ no: no "c" in "a, b"
                contains-any: {{words}}          ¦ a, b                 ¦ yes
                contains-any: x, ,c              ¦ abc                  ¦ yes
                contains-any: x,y                ¦ abc                  ¦ no: none of "x", "y" in "abc"
                not-contains-any: x,y            ¦ abc                  ¦ yes
                not-contains-any: x,c            ¦ abc                  ¦ no: it contains "c"
                icontains-any: X,C               ¦ abc                  ¦ yes
                icontains-all: A,C               ¦ abc                  ¦ yes
                icontains-all: A,D               ¦ abc                  ¦ no: no "D" in "abc"
                starts-with: Dear                ¦ \\nDear all          ¦ yes
                starts-with: Dear                ¦ My Dear              ¦ no: "My Dear" does not start with "Dear"
                not-starts-with: Dear            ¦ Dear                 ¦ no: it starts with "Dear"
                ends-with: bye                   ¦ Good bye\\n          ¦ yes
                ends-with: bye                   ¦ bye.                 ¦ no: "bye." does not end with "bye"
                regex: \\d{4}                    ¦ in 2026 or so        ¦ yes
                regex: ^\\d+$                    ¦ 17 or so             ¦ no: "17 or so" does not match "^\\d+$"
                regex: (?i)BUG                   ¦ a bug                ¦ yes
                regex: {{pattern}}               ¦ bag                  ¦ yes
                regex: .*b.*$                    ¦ a bug                ¦ yes
                regex: .*+b                      ¦ a bug                ¦ no: "a bug" does not match ".*+b"
                regex: .*                        ¦                      ¦ yes
                regex: .*x|g$                    ¦ a bug                ¦ yes
                is-json: {{schema}}              ¦ {"a": 1}             ¦ no: answer: required property 'b' not found
                is-json: {{schemaText}}          ¦ {"b": 1}             ¦ yes
                not-regex: \\d                   ¦ no digit             ¦ yes
                is-json                          ¦ {"a": 1}             ¦ yes
                is-json                          ¦ 17                   ¦ yes
                is-json                          ¦ {"a": 1} or so       ¦ no: "{"a": 1} or so" is not JSON
                is-json                          ¦                      ¦ no: "" is not JSON
                not-is-json                      ¦ words                ¦ yes
                is-json: {"required": ["b"]}     ¦ {"a": 1}             ¦ no: answer: required property 'b' not found
                is-json: {"required": ["a"]}     ¦ {"a": 1}             ¦ yes
                not-is-json: {"required": ["b"]} ¦ {"a": 1}             ¦ yes
                contains-json                    ¦ so: {"a": 1}, or {"b": 2} ¦ yes
                contains-json                    ¦ {so}                 ¦ no: no JSON in "{so}"
                contains-json: {"required":["b"]} ¦ so: {"a": 1}, or {"b": 2} ¦ yes
                levenshtein: kitten              ¦ sitting              ¦ yes
                levenshtein(2): kitten           ¦ sitting              ¦ no: the distance of "sitting" to "kitten" \
                is more than 2
                levenshtein(3): kitten           ¦ sitting              ¦ yes
                levenshtein(0): same             ¦ same\\n              ¦ yes
                levenshtein(1): 👍🏽!            ¦ 👍🏾!                ¦ yes
                levenshtein: abcdef              ¦                      ¦ no: the distance of "" to "abcdef" is more \
                than 5
                not-levenshtein(1): abc          ¦ abd                  ¦ no: the distance is 1
                cost: 0.25                       ¦ x                    ¦ yes
                cost(0.2)                        ¦ x                    ¦ no: 0.25 credits, more than 0.2
                not-cost: 0.2                    ¦ x                    ¦ yes
                latency: 1500                    ¦ x                    ¦ yes
                latency: 1499                    ¦ x                    ¦ no: 1500 ms, more than 1499
                max-words: 3                     ¦ it's three, words!   ¦ yes
                max-words: 2                     ¦ one – two 3          ¦ no: 3 words, more than 2
                max-words: {{n}}                 ¦ x                    ¦ yes
                max-words: 4                     ¦ 今日は晴れ           ¦ no: 5 words, more than 4
                max-words: 0                     ¦                      ¦ yes
                equals: {{=<% %>=}}{{x}}         ¦ {{x}}                ¦ yes
                equals: {{odd}}                  ¦ {{label}} {{#x}}     ¦ yes
                equals: {{empty}}                ¦                      ¦ yes
                {equals: bug, path: label}       ¦ {"label": "bug"}     ¦ yes
                {equals: bug, path: a.b}         ¦ {"label": "bug"}     ¦ no: the answer has no a.b
                {not-equals: bug, path: a.b}     ¦ {"label": "bug"}     ¦ no: the answer has no a.b
                {equals: bug, path: label}       ¦ a bug                ¦ no: "a bug" is not JSON
                """);
    }

    @ParameterizedTest
    @MethodSource
    void answers(String check, String answer, String verdict) { assertEquals(verdict, passes(text(answer), check)); }

    /// Check, structured answer, and what it says.
    static Stream<String[]> structures() {
        return table("""
                {equals: '{{label}}', path: label} ¦ {"label": " bug"}          ¦ yes
                {equals: bug, path: $.label}     ¦ {"label": "bug"}             ¦ yes
                {equals: 4, path: 'x[1].n'}      ¦ {"x": [1, {"n": 4.0}]}       ¦ yes
                {equals: '4.00', path: n}        ¦ {"n": 4}                     ¦ yes
                {equals: 4, path: n}             ¦ {"n": "4.0"}                 ¦ no: got "4.0", expected "4"
                {equals: true, path: ok}         ¦ {"ok": true}                 ¦ yes
                {equals: null, path: ok}         ¦ {"ok": null}                 ¦ yes
                {equals: [1, 2], path: x}        ¦ {"x": [1.0, 2]}              ¦ yes
                {equals: {a: '{{label}}'}, path: x} ¦ {"x": {"a": "bug"}}       ¦ yes
                {contains: u, path: label}       ¦ {"label": "bug"}             ¦ yes
                {contains: '"a":1', path: x}     ¦ {"x": {"a": 1}}              ¦ yes
                {equals: x, path: "['a.b'][0]"}  ¦ {"a.b": ["x"]}               ¦ yes
                {equals: x, path: 'net price'}   ¦ {"net price": "x"}           ¦ yes
                {contains: x, path: 'a[3]'}      ¦ {"a": ["x"]}                 ¦ no: the answer has no a[3]
                {max-words: 2, path: reason}     ¦ {"reason": "a b c"}          ¦ no: 3 words, more than 2
                {is-json: {type: array}, path: x} ¦ {"x": []}                   ¦ yes
                is-json                          ¦ {"label": "bug"}             ¦ yes
                equals: {"label": "bug"}         ¦ {"label": "bug"}             ¦ yes
                equals: {"label": "bug"}         ¦ {"label": "bug", "n": 1}     ¦ no: got "{"label":"bug","n":1}", \
                expected "{"label": "bug"}"
                {equals: {label: bug}}           ¦ {"label": "bug"}             ¦ yes
                regex: "label":"b                ¦ {"label": "bug"}             ¦ yes
                """);
    }

    @ParameterizedTest
    @MethodSource
    void structures(String check, String answer, String verdict) { assertEquals(verdict, passes(json(answer), check)); }

    @Test
    void weightsThresholdsAndMissingVerdicts() {
        var cell = text("bug");
        var one = judged(cell, Check.ofOption("{contains: x, weight: 3}"), Check.ofOption("contains: b"));
        assertEquals("false 0.25", one.pass() + " " + one.score());
        var unweighted = judged(cell, Check.ofOption("{contains: x, weight: 0}"), Check.ofOption("contains: b"));
        assertEquals("true 1.0", unweighted.pass() + " " + unweighted.score());
        assertEquals("contains: x (weight 0)", unweighted.checks().getFirst().name());
        assertFalse(unweighted.checks().getFirst().pass());
        var unknown = judged(cell, Check.ofOption("llm-rubric: polite"), Check.ofOption("contains: b"));
        assertEquals("null null 1", unknown.pass() + " " + unknown.score() + " " + unknown.checks().size());
        var failed = judged(cell, Check.ofOption("llm-rubric: polite"), Check.ofOption("contains: x"));
        assertEquals("false 0.0 1", failed.pass() + " " + failed.score() + " " + failed.checks().size());
        for (String status : List.of("failed", "filtered", "incomplete")) {
            var none = judged(cell(status, "bu", null), Check.ofOption("contains: b"));
            assertEquals("null null []", none.pass() + " " + none.score() + " " + none.checks());
        }
        assertNull(judged(text("bug")).pass());
        assertEquals("the answer's cost is not known", judged(new EvalCell("1", "A", 1, "ok", "x", null, "m", List.of(),
                null, null, null, null, 1, "", null), Check.ofOption("not-cost: 1")).checks().getFirst().reason());
    }

    @Test
    void verdictsOfJudges() {
        var cell = text("Hello\n");
        Function<JudgeQuestion, Optional<Verdict>> judge = question -> Optional.of(question.kind()
                == JudgeQuestion.Kind.SIMILAR ? new Verdict(question.expected().length() / 10.0, "") : new Verdict(0.5,
                "half\nof it"));
        record Case(String check, String result) {}
        for (var each : List.of(new Case("llm-rubric: is polite", "true 0.5 half of it"),
                new Case("llm-rubric(0.6): is polite", "false 0.5 half of it"),
                new Case("not-llm-rubric(0.6): is polite", "true 0.5 half of it"),
                new Case("grade: is polite", "true 0.5 half of it"), new Case("similar: 12345678", "true 0.8 "),
                new Case("similar(0.8): 12345678", "true 0.8 "),
                new Case("similar(0.81): 12345678", "false 0.8 similarity 0.8; below 0.81"),
                new Case("{similar: [a, 12345678]}", "true 0.8 "),
                new Case("not-similar: 12345678", "false 0.2 similarity 0.8"))) {
            var check = Check.ofOption(each.check());
            var result = check.evaluate(cell, judge).orElseThrow();
            assertEquals(each.result(), result.pass() + " " + BigDecimal.valueOf(result.score()).setScale(1,
                    RoundingMode.HALF_UP) + " " + result.reason(), each.check());
        }
        var similar = Check.ofOption("similar: x");
        assertEquals("Hello", similar.questions(cell).getFirst().answer());
        assertEquals(List.of(), similar.questions(text("\n")));
        assertEquals("the answer is empty", similar.evaluate(text("\n"), judge).orElseThrow().reason());
        assertEquals(List.of(), similar.questions(cell("failed", null, null)));
    }

    @Test
    void questionsAreEqualIfWhatIsJudgedIs() {
        var polite = Check.ofOption("llm-rubric: is polite");
        String key = polite.questions(text("Hi")).getFirst().key();
        assertEquals(key, Check.ofOption("llm-rubric(0.9):  is polite ").questions(text("Hi")).getFirst().key());
        assertNotEquals(key, polite.questions(text("Hi!")).getFirst().key());
        assertNotEquals(key, Check.ofOption("llm-rubric: is brief").questions(text("Hi")).getFirst().key());
        assertNotEquals(Check.ofOption("similar: a").questions(text("b")).getFirst().key(), Check.ofOption("similar: b")
                .questions(text("a")).getFirst().key());
        var question = polite.questions(text("Hi")).getFirst();
        assertEquals("gpt-5-mini", question.prompt("gpt-5-mini").request().model());
        assertNull(question.prompt(null).request().model());
        question.schema().schema().check();
        assertEquals(Optional.of(new Verdict(0.5, "so")), question.verdict(Json.tryParse(
                "{\"reason\": \" so \", \"score\": 0.5}")));
        for (String wrong : List.of("{\"score\": 1}", "{\"reason\": \"x\", \"score\": 2}", "1", "[]",
                "{\"reason\": \"x\", \"score\": \"1.0\"}")) {
            assertEquals(Optional.empty(), question.verdict(Json.tryParse(wrong)), wrong);
        }
    }

    // ------------------------------------------------------------------------------------------------------ refused

    /// Options that are refused, and why.
    static Stream<String[]> refused() {
        return table("""
                contians: x                 ¦ unknown check contians, did you mean contains?
                Contains: x                 ¦ unknown check Contains, did you mean contains?
                not-contians: x             ¦ unknown check contians, did you mean contains?
                contains:                   ¦ contains needs a value
                contains                    ¦ contains needs a value
                contains(0.5): x            ¦ contains takes no threshold
                similar(a): x               ¦ threshold of similar is not a number: a
                similar(1.5): x             ¦ similar: threshold is more than 1: 1.5
                similar(-1): x              ¦ similar: threshold is negative: -1
                cost                        ¦ cost: the number is missing
                cost: cheap                 ¦ cost: not a number: cheap
                latency: 2s                 ¦ latency: not a number: 2s
                max-words: -1               ¦ max-words: negative: -1
                {cost: 1, threshold: 2}     ¦ cost: it has a value and a threshold
                regex: [a                   ¦ regex: invalid regex [a: Unclosed character class at character 2
                regex: {{label}}*{{x}}(     ¦ {{x}} is missing
                is-json: {"type": "objekt"} ¦ is-json: the schema.type: does not have a value in the enumeration
                is-json: 17                 ¦ is-json: expected a JSON Schema, got a number
                rouge-n: x                  ¦ promptfoo's check rouge-n is not supported
                javascript: output.length   ¦ promptfoo's check javascript is not supported
                {contains: x, wieght: 2}    ¦ unknown field wieght, did you mean weight?
                {contains: x, weight: a}    ¦ weight is not a number: a
                {contains: x, weight: -1}   ¦ weight is negative: -1
                {contains: x, regex: y}     ¦ more than one check: contains, regex
                {weight: 2}                 ¦ no check
                {contain: x}                ¦ unknown check contain, did you mean contains?
                {type: contain, value: x}   ¦ unknown check contain, did you mean contains?
                {type: equals, value: x, transform: y} ¦ unknown field transform
                {contains: {a: 1}}          ¦ contains: expected text, got an object
                {contains-any: []}          ¦ contains-any: the list is empty
                contains-any: ,             ¦ contains-any: the list is empty
                contains: file://x.txt      ¦ contains: values from files are not read: file://x.txt
                {contains: x, path: a..b}   ¦ invalid path: a..b
                {contains: x, path: 'a[*]'} ¦ invalid path: a[*]
                equals: {{lable}}           ¦ {{lable}} is missing (the data has label)
                equals: {{nothing}}         ¦ {{nothing}} is missing (it is null)
                contains: {{empty}}         ¦ contains: the value is empty
                equals: {{label             ¦ unclosed tag {{label
                equals: {{ label | upper }} ¦ invalid tag {{label | upper}}
                max-words: {{label}}        ¦ max-words: not a number: bug
                """);
    }

    @ParameterizedTest
    @MethodSource
    void refused(String option, String message) {
        var fault = assertThrows(Fault.class, () -> Check.ofOption(option).filled(ROW));
        assertTrue(message(fault).startsWith("--expect: " + message), fault.message());
    }

    @Test
    void allThatAreWrongAreNamedWithTheirLines() {
        var lines = new HashMap<String, Integer>();
        var head = JsonValues.yaml("""
                expect:
                  - contains: x
                  - contians: y
                  - regex: "["
                  - type: starts-with
                    value: ""
                """, "t.mustache", 3, lines);
        var fault = assertThrows(Fault.class, () -> Check.read(head.get("expect"), pointer -> "t.mustache:"
                + lines.get("/expect" + pointer)));
        assertEquals("t.mustache:5: unknown check contians, did you mean contains?; t.mustache:6: regex: invalid regex"
                + " [: Unclosed character class at character 1; t.mustache:7: starts-with: the value is empty",
                message(fault));
    }

    /// Schema, check, and what is wrong with it.
    static Stream<String[]> schemas() {
        return table("""
                {equals: x, path: label}       ¦
                {equals: x, path: lable}       ¦ path lable: the schema has no field lable, did you mean label?
                {equals: x, path: colour}      ¦ path colour: the schema has no field colour; the answer has label, \
                items, more, any, ref, list
                {equals: x, path: 'items[0].n'} ¦
                {equals: x, path: items.n}     ¦ path items.n: items is a list; write items[0].n
                {equals: x, path: 'label[0]'}  ¦ path label[0]: label is not a list
                {equals: x, path: label.x}     ¦ path label.x: label is not an object
                {equals: x, path: '[0]'}       ¦ path [0]: the answer is not a list
                {equals: x, path: more.what.ever} ¦
                {equals: x, path: any.x}       ¦
                {equals: x, path: any.y}       ¦ path any.y: the schema has no field y
                {equals: x, path: ref.name}    ¦
                {equals: x, path: ref.nam}     ¦ path ref.nam: the schema has no field nam, did you mean name?
                {equals: x, path: 'list[1].name'} ¦
                equals: bug                    ¦ equals: bug compares the whole answer, an object with label
                equals: {{label}}              ¦ equals: {{label}} compares the whole answer, an object with label
                equals: {{answer}}             ¦
                equals: {"label": "bug"}       ¦
                contains: bug                  ¦
                """);
    }

    @ParameterizedTest
    @MethodSource
    void schemas(String option, String message) {
        var schema = Json.tryParse("""
                {"type": "object", "additionalProperties": false, "properties": {
                  "label": {"type": "string"},
                  "items": {"type": ["array", "null"], "items": {"type": "object", "properties": {"n": {}}}},
                  "more": {"type": "object", "additionalProperties": {"type": "object"}},
                  "any": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"x": {}}}]},
                  "ref": {"$ref": "#/$defs/person"}, "list": {"items": {"$ref": "#/$defs/person"}}},
                 "$defs": {"person": {"properties": {"name": {}, "boss": {"$ref": "#/$defs/person"}}}}}
                """);
        var faults = Check.ofOption(option).lint(schema);
        if (message.isEmpty()) assertEquals(List.of(), faults);
        else assertTrue(message(faults.getFirst()).startsWith("--expect: " + message), faults.getFirst().message());
        assertEquals(List.of(), Check.ofOption(option).lint(null));
    }

    // ------------------------------------------------------------------------------------------------------- bounds

    @Test
    void nothingHangs() {
        String long1 = "a".repeat(1 << 20), long2 = "b" + "a".repeat(1 << 20), open = "[".repeat(1 << 20);
        record Case(String check, String answer, String verdict) {}
        for (var each : List.of(
                new Case("regex: (a+)+\\1b", "a".repeat(40), "no: the regex takes too many steps on this answer of 40"),
                new Case("not-regex: (a+)+\\1b", "a".repeat(40), "no: the regex takes too many steps"),
                new Case("regex: x.*y", "x".repeat(50_000), "no: the regex takes too many"),
                new Case("regex: .*y.*", long1, "no: \"aaa"),
                new Case("regex: (?s).*?.*b", long2, "yes"),
                new Case("regex: (a|b)*c", long1, "no: the regex takes too many"),
                new Case("regex: a{10}$", long1, "yes"),
                new Case("levenshtein: " + long1, long2, "yes"),
                new Case("levenshtein(0): " + long1, long2, "no: the distance of"),
                new Case("levenshtein(500000): " + "b".repeat(1 << 20), long1, "no: an answer of 1048576 characters"),
                new Case("levenshtein(100): " + "b".repeat(1 << 20), long1, "no: the distance of"),
                new Case("contains-json", open, "no: no JSON in"),
                new Case("contains-json", "```\n".repeat(200_000), "no: no JSON"),
                new Case("{equals: x, path: a}", open, "no: "),
                new Case("equals: x", long1, "no: got \"aaa"),
                new Case("max-words: 1", long1, "yes"),
                new Case("max-words: 1", "-".repeat(1 << 20), "yes"),
                new Case("contains-all: \"" + "a\"\"".repeat(100_000) + "\"", long1, "no: no "),
                new Case("is-json", "[".repeat(400) + "]".repeat(400), "yes"))) {
            String found = assertTimeoutPreemptively(Duration.ofSeconds(20), () -> passes(text(each.answer()),
                    each.check()), Text.shortened(each.check(), 30));
            assertTrue(found.startsWith(each.verdict()), found);
            assertTrue(found.length() < 400, found);
        }
    }

    @Test
    void distancesAreThoseOfTheWholeTable() {
        var random = new Random(7);
        for (int i = 0; i < 3000; i++) {
            String a = word(random), b = word(random);
            int distance = distance(a, b);
            for (int most = 0; most < 8; most++) {
                assertEquals(distance <= most ? distance : EditDistance.MORE, EditDistance.of(a, b, most), a + " " + b
                        + " " + most);
            }
        }
    }

    private static String word(Random random) {
        return random.ints(random.nextInt(9), 'a', 'd').mapToObj(Character::toString).collect(Collectors.joining());
    }

    private static int distance(String a, String b) {
        if (a.isEmpty() || b.isEmpty()) return a.length() + b.length();
        int last = distance(a.substring(1), b.substring(1)) + (a.charAt(0) == b.charAt(0) ? 0 : 1);
        return a.charAt(0) == b.charAt(0) ? last : Math.min(last, 1 + Math.min(distance(a.substring(1), b),
                distance(a, b.substring(1))));
    }
}
