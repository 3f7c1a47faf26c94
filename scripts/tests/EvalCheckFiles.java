package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Usage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Files with checks as people have them: test files of promptfoo, GitHub's `.prompt.yml`, front matters, and odd ones.
/// Each is read, or refused with its line.
class EvalCheckFiles {
    private final Harness cop = new Harness();

    @TempDir
    Path folder;

    @AfterEach
    void close() { cop.close(); }

    /// @param text of the file; in the expectation, a line for each row: its checks, or why it is refused
    record Example(String name, String text, String expected) {
        @Override
        public String toString() { return name + " " + Text.shortened(text.strip().replaceAll("\\s+", " "), 60); }
    }

    private static Example file(String name, String text, String expected) { return new Example(name, text, expected); }

    // ---------------------------------------------------------------------------------------------------- promptfoo

    static Stream<Example> promptfoo() {
        return Stream.of(
                file("basic.csv", """
                        input,__expected
                        Hello world,contains: Hello
                        Calculate 5 * 6,equals: 30
                        What's the weather?,llm-rubric: Provides weather information
                        Capital of France?,Paris
                        """, """
                        contains: Hello
                        equals: 30
                        llm-rubric: Provides weather information
                        equals: Paris
                        """),
                file("several.csv", """
                        question,__expected1,__expected2,__expected3
                        What is 2+2?,equals: 4,contains: four,max-words: 10
                        What is 3+3?,,contains: six,
                        """, """
                        equals: 4 | contains: four | max-words: 10
                        contains: six
                        """),
                file("script.csv", """
                        question,__expected1,__expected2
                        What is 2+2?,equals: 4,javascript: output.length < 10
                        """, "t.csv:2: __expected2: promptfoo's check javascript is not supported"),
                file("python.csv", "q,__expected\nx,file://check.py:score\n",
                        "t.csv:2: __expected: scripts are not run: file://check.py:score"),
                file("fn.csv", "q,__expected\nx,fn: output.includes('a')\n",
                        "t.csv:2: __expected: promptfoo's check fn is not supported"),
                file("thresholds.csv", """
                        text,__expected
                        a,similar(0.9): Hello there
                        b,similar:Hello there
                        c,levenshtein(2): Hello
                        d,levenshtein: Hello
                        e,cost(0.5)
                        f,latency(2000)
                        """, """
                        similar(0.9): Hello there
                        similar(0.8): Hello there
                        levenshtein(2): Hello
                        levenshtein: Hello
                        cost(0.5)
                        latency(2000)
                        """),
                file("lists.csv", """
                        text,__expected
                        a,"contains-any: <b>,</span>"
                        b,"contains-all: ""1,000"", in stock"
                        c,"icontains-any:x , y"
                        """, """
                        contains-any: <b>,</span>
                        contains-all: "1,000", in stock
                        icontains-any: x , y
                        """),
                file("not.csv", "t,__expected\na,not-contains: AI language model\nb,not-is-json\nc,not-regex:\\d\n", """
                        not-contains: AI language model
                        not-is-json
                        not-regex: \\d
                        """),
                file("labels.csv", """
                        ticket,__expected
                        The invoice is wrong,cost
                        It is slow,latency
                        Two are alike,similar
                        No idea,not sure
                        Note,note: see below
                        """, """
                        equals: cost
                        equals: latency
                        equals: similar
                        equals: not sure
                        equals: note: see below
                        """),
                file("misspelled.csv", "t,__expected\na,contains: x\nb,contain: y\n", """
                        contains: x
                        t.csv:3: __expected: unknown check contain, did you mean contains?
                        """),
                file("template.csv", """
                        city,country,__expected
                        "Washington, D.C.",USA,"contains-all: {{city}}, {{country}}"
                        """, "contains-all: {{city}}, {{country}} = [\"Washington, D.C.\",\"USA\"]"),
                file("missing.csv", "city,__expected\nParis,equals: {{town}}\n",
                        "t.csv:2: __expected: {{town}} is missing"),
                file("braces.csv", "q,__expected\nx,Hello {{name}}\n", "t.csv:2: __expected: {{name}} is missing"),
                file("threshold.csv", """
                        q,__expected1,__expected2,__threshold,__metric,__description
                        a,contains: x,contains: y,0.5,Accuracy,half is enough
                        b,contains: x,,,,
                        """, """
                        Accuracy | Accuracy | __threshold(0.5)
                        contains: x
                        """),
                file("config.csv", """
                        q,__expected,__config:__expected:threshold
                        a,similar: x,0.6
                        b,,
                        """, """
                        similar(0.6): x

                        """),
                file("config2.csv", """
                        q,__expected1,__expected2,__config:__expected2:threshold
                        a,contains: x,similar: y,0.7
                        """, "contains: x | similar(0.7): y"),
                file("config3.csv", "q,__expected,__config:__expected:provider\na,similar: y,openai\n",
                        "t.csv:2: __config:__expected:provider: unknown column"),
                file("metadata.csv", """
                        q,__expected,__metadata:category,__metadata:tags[]
                        a,x,math,"a,b"
                        """, "equals: x"),
                file("prefix.csv", "q,__expected,__prefix\na,x,\nb,y,Be brief.\n", """
                        equals: x
                        t.csv:3: __prefix is not supported: it would change what is asked
                        """),
                file("output.csv", "q,__expected,__providerOutput\na,x,x\n",
                        "t.csv:2: __providerOutput is not supported: it would change what is asked"),
                file("underscore.csv", "q,_expected\na,x\n", "t.csv:2: _expected: unknown column, did you mean"
                        + " __expected?"),
                file("column.csv", "q,__expected_answer\na,x\n", "t.csv:2: __expected_answer: unknown column"),
                file("schema.csv", "q,__expected\na,\"is-json: {\"\"type\"\": \"\"object\"\", \"\"required\"\":"
                        + " [\"\"a\"\"]}\"\n", "is-json: {\"type\": \"object\", \"required\": [\"a\"]}"),
                file("badschema.csv", "q,__expected\na,\"is-json: {\"\"type\"\": \"\"objekt\"\"}\"\n",
                        "t.csv:2: __expected: is-json: the schema.type: does not have a value in the enumeration"),
                file("regex.csv", "q,__expected\na,regex:(\\d+\n",
                        "t.csv:2: __expected: regex: invalid regex (\\d+: Unclosed group"),
                file("factuality.csv", "q,__expected\na,factuality:The capital is Paris\n",
                        "t.csv:2: __expected: promptfoo's check factuality is not supported"),
                file("windows.csv", "\uFEFFinput;__expected\r\nHallo;\"contains: Hall\"\r\nZwei\r\n", """
                        contains: Hall
                        t.csv:3: 1 columns, the header has 2
                        """),
                file("lines.csv", "input,__expected\nHaiku,\"equals: one\r\ntwo\r\n\"\n", "equals: one two"),
                file("tabs.tsv", "input\t__expected\nHi\tstarts-with: H\n", "starts-with: H"),
                file("numbers.jsonl", """
                        {"q": "2+2", "__expected": 4}
                        {"q": "true?", "__expected": true}
                        {"q": "none", "__expected": null}
                        {"q": "blank", "__expected": "  "}
                        """, """
                        equals: 4
                        equals: true


                        """));
    }

    @ParameterizedTest
    @MethodSource
    void promptfoo(Example file) throws IOException { assertEquals(file.expected().strip(), rows(file).strip()); }

    // ------------------------------------------------------------------------------------------------------ our rows

    static Stream<Example> ours() {
        return Stream.of(
                file("expect.jsonl", """
                        {"text": "a", "expect": "contains: x"}
                        {"text": "b", "expect": ["contains: x", {"regex": "^y", "weight": 2}, \
                        {"equals": "z", "path": "label"}]}
                        {"text": "c", "expect": {"type": "starts-with", "value": "Dear"}}
                        {"text": "d", "expect": {"equals": {"label": "bug"}}}
                        {"text": "e", "expect": []}
                        {"text": "f", "expect": 17}
                        {"text": "g", "expect": null}
                        {"text": "h", "expect": "bug"}
                        """, """
                        contains: x
                        contains: x | regex: ^y | label equals: z
                        starts-with: Dear
                        equals: {"label":"bug"}

                        equals: 17

                        equals: bug
                        """),
                file("expect.csv", "text,expect,__expected\na,bug,contains: b\n", "equals: bug | contains: b"),
                file("wrong.jsonl", """
                        {"text": "a", "expect": {"contain": "x"}}
                        {"text": "b", "expect": [["x"]]}
                        {"text": "c", "expect": {"contains": "x", "regex": "y"}}
                        {"text": "d", "expect": [{"equals": "x", "path": "a["}, {"cost": "x"}]}
                        """, """
                        t.jsonl:1: expect: unknown check contain, did you mean contains?
                        t.jsonl:2: expect: expected a check, got a list
                        t.jsonl:3: expect: more than one check: contains, regex
                        t.jsonl:4: expect: invalid path: a[; t.jsonl:4: expect: cost: not a number: x
                        """),
                file("typed.jsonl", """
                        {"text": "a", "labels": ["x", "y"], "expect": {"contains-all": "{{labels}}"}}
                        {"text": "b", "want": {"n": 1}, "expect": "equals: {{want}}"}
                        {"text": "c", "label": "{{text}} {{#if}}", "expect": "equals: {{label}}"}
                        """, """
                        contains-all: {{labels}} = ["x","y"]
                        equals: {{want}} = {"n":1}
                        equals: {{label}} = {{text}} {{#if}}
                        """));
    }

    @ParameterizedTest
    @MethodSource
    void ours(Example file) throws IOException { assertEquals(file.expected().strip(), rows(file).strip()); }

    private String rows(Example file) throws IOException {
        String name = "t" + file.name().substring(file.name().lastIndexOf('.'));
        Path path = Files.writeString(folder.resolve(name), file.text());
        var found = new StringBuilder();
        try (var rows = RowReader.opened(cop.environment(), path.toString(), name, RowReader.formatOf(cop.environment(),
                name))) {
            for (var row = rows.next(); row != null; row = rows.next()) found.append(row(row)).append('\n');
        }
        return found.toString();
    }

    private static String row(InputRow row) {
        try {
            if (row.fault() != null) throw row.fault();
            return Check.ofRow(row).stream().map(check -> shown(check, row.data())).collect(Collectors.joining(" | "));
        } catch (Fault fault) {
            return brief(fault);
        }
    }

    /// Returns a check's name, and its value if that depends on the row.
    private static String shown(Check check, Map<String, Object> row) {
        check.filled(row);
        return check.name() + (check.value().isOpen() ? " = " + JsonValues.text(check.value().filled(row)) : "");
    }

    private static String brief(Fault fault) {
        assertEquals(Fault.USAGE, fault.exitCode());
        assertTrue(!fault.hint().isBlank() && !fault.message().contains("\n"), fault.getMessage());
        return fault.message().replaceFirst("(enumeration|Unclosed group).*", "$1");
    }

    // ---------------------------------------------------------------------------------------------------- templates

    static Stream<Example> templates() {
        return Stream.of(
                file("list.mustache", """
                        expect:
                          - contains: "{{label}}"
                          - not-contains: sorry
                          - is-json
                          - regex: "^\\\\d"
                          - similar: hello
                            threshold: 0.9
                          - type: equals
                            value: x
                            weight: 0
                          - equals: {a: "{{label}}"}
                            path: x.y[0]
                        """, "contains: {{label}} | not-contains: sorry | is-json | regex: ^\\d | similar(0.9): hello"
                        + " | equals: x (weight 0) | x.y[0] equals: {\"a\":\"{{label}}\"}"),
                file("words.mustache", """
                        expect:
                          - equals: no
                          - equals: 1.0
                          - equals: 2026-11-28
                          - equals: true
                          - 'on'
                        """, "equals: no | equals: 1.0 | equals: 2026-11-28 | equals: true | equals: on"),
                file("one.mustache", "expect: 'contains: x'\n", "contains: x"),
                file("map.mustache", "expect: {contains: x, weight: 2}\n", "contains: x"),
                file("schema.mustache", """
                        expect:
                          - is-json:
                              type: object
                              required: [label]
                        """, "is-json: {\"type\":\"object\",\"required\":[\"label\"]}"),
                file("rubric.mustache", """
                        expect:
                          - llm-rubric: |
                              The answer is polite,
                              and names {{label}}.
                            model: gpt-5-mini
                        """, "llm-rubric: The answer is polite, and names {{label}}. "),
                file("dash.mustache", """
                        expect:
                          - contains: x
                            regex: y
                        """, "t.mustache:3: more than one check: contains, regex"),
                file("unknown.mustache", "expect:\n  - contains: x\n  - contians: y\n",
                        "t.mustache:4: unknown check contians, did you mean contains?"),
                file("option.mustache", "expect:\n  - contains: x\n    treshold: 3\n",
                        "t.mustache:3: unknown field treshold, did you mean threshold?"),
                file("bare.mustache", "expect:\n  - cost\n", "t.mustache:3: cost: the number is missing"),
                file("nothing.mustache", "expect:\n  -\n", "t.mustache:3: expected a check, got nothing"),
                file("tag.mustache", "expect:\n  - equals: '{{ label'\n", "t.mustache:3: unclosed tag {{ label"));
    }

    @ParameterizedTest
    @MethodSource
    void templates(Example file) {
        var lines = new HashMap<String, Integer>();
        var head = JsonValues.yaml(file.text(), "t.mustache", 2, lines);
        String found;
        try {
            found = Check.read(head.get("expect"), pointer -> "t.mustache:" + lines.get("/expect" + pointer)).stream()
                    .map(Check::name).collect(Collectors.joining(" | "));
        } catch (Fault fault) {
            found = brief(fault);
        }
        assertEquals(file.expected(), found);
    }

    // ------------------------------------------------------------------------------------------------------- GitHub

    static Stream<Example> github() {
        return Stream.of(
                file("string.prompt.yml", """
                        evaluators:
                          - name: says hello
                            string: {contains: hello}
                          - name: starts
                            string:
                              startsWith: "{{start}}"
                          - name: ends
                            string: {endsWith: "."}
                          - string: {equals: Hello.}
                        """, "says hello | starts | ends | equals: Hello."),
                file("uses.prompt.yml", """
                        evaluators:
                          - name: similarity check
                            uses: github/similarity
                          - name: fluent
                            uses: github/fluency
                        """, "similarity check | fluent"),
                file("llm.prompt.yml", """
                        evaluators:
                          - name: quality
                            llm:
                              modelId: openai/gpt-4o
                              systemPrompt: You judge.
                              prompt: "Is {{completion}} good for {{input}}?"
                              choices:
                                - {choice: good, score: 1.0}
                                - {choice: poor, score: 0.0}
                        """, "quality"),
                file("plugin.prompt.yml", "evaluators: [{name: x, uses: github/similarty}]\n",
                        "t.prompt.yml:1: unknown evaluator github/similarty"),
                file("other.prompt.yml", "evaluators: [{name: x, uses: acme/thing}]\n",
                        "t.prompt.yml:1: unknown evaluator acme/thing"),
                file("two.prompt.yml", "evaluators: [{name: x, string: {equals: a, contains: b}}]\n",
                        "t.prompt.yml:1: string has several tests: equals, contains"),
                file("none.prompt.yml", "evaluators: [{name: x}]\n",
                        "t.prompt.yml:1: an evaluator needs string, llm, or uses"),
                file("case.prompt.yml", "evaluators: [{name: x, string: {starts-with: a}}]\n",
                        "t.prompt.yml:1: unknown test starts-with"),
                file("choices.prompt.yml", "evaluators: [{name: x, llm: {prompt: y}}]\n",
                        "t.prompt.yml:1: llm has no choices"),
                file("score.prompt.yml", "evaluators: [{llm: {prompt: y, choices: [{choice: a, score: 3}]}}]\n",
                        "t.prompt.yml:1: score of a is 3"),
                file("map.prompt.yml", "evaluators: {name: x}\n", "t.prompt.yml:1: evaluators is not a list"));
    }

    @ParameterizedTest
    @MethodSource
    void github(Example file) {
        var head = JsonValues.yaml(file.text(), "t.prompt.yml", 1, new HashMap<>());
        String found;
        try {
            found = Check.ofEvaluators(JsonValues.node(head.get("evaluators")), "t.prompt.yml:1").stream()
                    .map(check -> check.filled(Map.of("start", "H", "input", "Hi", "expected", "Hello")).name())
                    .collect(Collectors.joining(" | "));
        } catch (Fault fault) {
            found = brief(fault);
        }
        assertEquals(file.expected(), found);
    }

    // ---------------------------------------------------------------------------------------------- the same verdicts

    /// A check in promptfoo's column, in a front matter, and as GitHub's evaluator; null where there is none.
    private record Forms(String column, String front, String evaluator) {}

    @Test
    void threeFormsGiveTheSameVerdicts() {
        var forms = List.of(new Forms("equals: {{label}}", "equals: '{{label}}'", "string: {equals: '{{label}}'}"),
                new Forms("bug", "equals: bug", "string: {equals: bug}"),
                new Forms("icontains: BUG", "icontains: BUG", "string: {contains: BUG}"),
                new Forms("regex: (?i)^\\s*bug", "regex: (?i)^\\s*bug", "string: {startsWith: Bug}"),
                new Forms("regex: (?i)bug\\s*$", "regex: (?i)bug\\s*$", "string: {endsWith: Bug}"),
                new Forms("contains-all: b, g", "contains-all: [b, g]", null),
                new Forms("not-contains: x", "{type: not-contains, value: x}", null),
                new Forms("is-json", "is-json", null),
                new Forms("levenshtein(1): bug", "{levenshtein: bug, threshold: 1}", null),
                new Forms("starts-with: b", "{type: starts-with, value: b}", null));
        var answers = List.of("bug", "bug\n", "  bug", "Bug", "a bug", "bug report", "", "{\"label\": \"bug\"}",
                "x bug", "BUG\r\n", "b\u0075\u0301g", "17", "null");
        Map<String, Object> row = Map.of("label", "bug", "input", "Hi");
        for (var form : forms) for (String answer : answers) {
            var column = new InputRow("t.csv:2", new LinkedHashMap<>(Map.of("label", "bug", "__expected",
                    form.column())), null);
            var head = JsonValues.yaml("expect:\n  - " + form.front() + "\n", "t", 1, new HashMap<>());
            boolean first = verdict(Check.ofRow(column), row, answer);
            assertEquals(first, verdict(Check.read(head.get("expect"), "t:1"), row, answer), form + " " + answer);
            if (form.evaluator() == null) continue;
            var file = JsonValues.yaml("evaluators:\n  - " + form.evaluator() + "\n", "t", 1, new HashMap<>());
            var evaluators = Check.ofEvaluators(JsonValues.node(file.get("evaluators")), "t:1");
            assertEquals(first, verdict(evaluators, row, answer), form + " " + answer);
        }
    }

    private static boolean verdict(List<Check> checks, Map<String, Object> row, String answer) {
        assertEquals(1, checks.size());
        var cell = new EvalCell("1", "A", 1, "ok", answer, null, "m", List.of(), null, null, Usage.NONE, null, 1, "",
                null);
        return Check.judged(cell, checks.stream().map(check -> check.filled(row)).toList(), _ -> Optional.empty())
                .pass();
    }
}
