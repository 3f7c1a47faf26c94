package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static cop.Harness.reports;
import static cop.Harness.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// `--schema` and `-x`: JSON Schemas and their short form, JSON and code blocks within a reply, retries.
class Schemas {
    private static final String MODEL = "gpt-5-mini";
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private Outcome refused(String error, String... words) {
        var outcome = exits(2, cop.run(words));
        assertTrue(outcome.out().isEmpty() && outcome.err().contains("error: ") && outcome.err().contains(error)
                && outcome.err().contains("\nhint: "), outcome::all);
        assertEquals(List.of(), cop.bodies(), outcome::all);
        return outcome;
    }

    private static String escaped(String text) {
        return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("FENCE", "```");
    }

    private void enableAll() {
        cop.ok("models");
        cop.ok("models", "enable", "-y", "claude-opus-5");
    }

    // ---- schemas

    @Test
    void shortFormIsExpanded() {
        cop.ok("models");
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
    @FieldSource("cop.ModelEndpoints#MODELS")
    void invalidReplyIsRetried(String model) {
        enableAll();
        cop.write("s.json", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"],"
                + "\"additionalProperties\":false}");
        for (String schema : List.of("a int", "s.json", cop.read("s.json"))) {
            cop.sim.set("answer", "```json\n{\"a\": 1}\n```");
            assertEquals("{\"a\": 1}\n", cop.ok("chat", "-m", model, "--schema", schema, "x").out());
        }
        cop.sim.set("answer", "{\"a\": \"x\"}");
        int before = cop.chats().size();
        var outcome = reports(cop.run("chat", "-m", model, "--schema", "a int", "x"), 1, "retrying",
                "{\"a\": \"x\"}",
                "error: the answer does not match the schema: answer.a: string found, integer expected");
        assertEquals("", outcome.out());
        assertEquals(3, cop.chats().size() - before);
        assertTrue(cop.chats().getLast().rawBody().contains("does not match the schema"));
        reports(cop.run("chat", "-m", model, "--schema", "a int", "--schema-retries", "0", "x"), 1, "error: ");
        assertEquals(4, cop.chats().size() - before);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            a itn          | unknown type itn         | did you mean int?
            a, a int       | unique items             |
            a b c d        | unknown type b c d       | string, int
            ?              | invalid field "?"        | --schema 'name, age int
            none.json      | cannot read none.json    | ls .
            {"type": 3}    | --schema.type            | json-schema.org
            {"a"           | --schema:1               |
            """)
    void invalidSchemas(String schema, String error, String hint) {
        reports(cop.run("chat", "--schema", schema, "x"), 2, error, hint == null ? "" : hint);
        assertEquals(0, cop.chats().size());
    }

    @Test
    void schemaViolationIsRecordedWithCost() {
        cop.sim.set("answer", "no");
        var record = Json.object(reports(cop.run("chat", "--json", "--schema", "a int", "x"), 1, "error: ").out(), "");
        assertTrue(record.path("error").asString().contains("does not match") && record.path("text").asString()
                .equals("no") && record.path("usage").path("prompt_tokens").asInt() > 20, record::toString);
        reports(cop.run("chat", "--schema", "a int", "-O", "n=2", "x"), 2, "--schema takes one answer, not n=2");
        reports(cop.run("chat", "--schema", "a int", "--schema-retries", "-1", "x"), 2, "out of range");
        reports(cop.run("chat", "-c", "--cid", "2", "x"), 2, "cannot be used together");
        reports(cop.run("chat", "-f", "x", "--max-file-tokens", "-1", "x"), 2, "out of range");
        reports(cop.run("chat", "-a", "https://example.com/a.png", "x"), 2, "-a does not accept a URL");
        reports(cop.run("chat", "-a", "-", "x"), 2, "stdin is empty");
        cop.sim.set("answer", "{\"a\": 1}");
        assertEquals("", cop.ok("chat", "-x", "--schema", "a int", "x").err());
    }

    @Test
    void firstCodeBlockIsExtracted() {
        cop.sim.set("answer", "Look:\n\n```java\nint x;\n\n  int y;\n```\n\nand\n```\nz\n```\n");
        assertEquals("int x;\n\n  int y;\n", cop.ok("chat", "-x", "q").out());
        assertEquals("int x;\n\n  int y;", Json.object(cop.ok("chat", "-x", "--json", "q").out(), "").path("text")
                .asString());
        cop.sim.set("answer", "~~~\na\n```\nb\n~~~");
        assertEquals("a\n```\nb\n", cop.ok("chat", "-x", "q").out());
        cop.sim.set("answer", "```\nopen");
        reports(cop.run("chat", "-x", "q"), 1, "no complete fenced block");         // `| sh` would run a part of it
        cop.sim.set("answer", "none");
        reports(cop.run("chat", "-x", "q"), 1, "no complete fenced block");
    }

    // ---- the short form, JSON within a reply

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "name: first, last\\nage int ; name,age", "name: the name, signed\\n;name",
        "price float: in USD e.g. 9.99 ; price", "url: such as https://x.y/z.html ; url",
        "name, age int, tags [string], mood good|bad: how it ends ; name,age,tags,mood",
        "name, ; name", "a integer, b boolean, c [float] ; a,b,c",
        "mood good|bad: how it ends, age int ; mood,age", "path string: as in a/b.json ; path"})
    void shortFormFields(String schema, String fields) {
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
        "',' | no field", "age nit | int", "missing.json | no such file", "a dir/missing.json | no such file"})
    void invalidShortFormIsReported(String schema, String named) {
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
    void onlyValidJsonInReplyIsExtracted(String answer) {
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
    void ambiguousRepliesAreRetried(String answer) {
        cop.sim.set("answer", answer);
        var outcome = exits(1, cop.run("chat", "--schema", "n int", "q"));
        assertEquals("", outcome.out(), outcome::all);
        assertEquals(3, cop.bodies().size());
        if (answer.contains("`")) assertTrue(outcome.err().contains("answer.n: "), outcome::all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"n\": 3}", "{\"n\": 3", "3"})
    void truncatedReplyIsNotAcceptedAsJson(String answer) {
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
    void brokenStreamIsNeitherJsonNorCode(String option, String fault) {
        cop.sim.set("faults", fault);
        var outcome = exits(1, cop.run("chat", option, "say: {\"n\": 3} and ```\nls\n``` and more words to come"));
        assertEquals("", outcome.out(), outcome::all);
        cop.sim.set("faults", fault);
        exits(1, cop.run("chat", option, "-o", "o", "say: {\"n\": 3} and ```\nls\n``` and more words to come"));
        assertFalse(Files.exists(cop.file("o")));
    }

    @Test
    void recordIncludesJson() {
        cop.sim.set("answer", "So: {\"n\": 3}");
        var record = Json.tryParse(cop.ok("chat", "--json", "--schema", "n int", "q").out());
        assertEquals("{\"n\":3}", record.path("json").toString());
        assertTrue(Json.tryParse(cop.ok("chat", "--json", "q").out()).path("json").isMissingNode());
    }

    // ---- code blocks

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
    void codeIsPrintedWithoutFenceAndIndentation(String answer, String code) {
        cop.sim.set("answer", escaped(answer));
        assertEquals(escaped(code) + "\n", cop.ok("chat", "-x", "q").out());
        assertEquals(escaped(code), Json.text(Json.tryParse(cop.ok("chat", "-x", "--json", "q").out()), "text"));
        cop.ok("chat", "-x", "-o", "code", "q");
        assertEquals(escaped(code) + "\n", cop.read("code"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"touch ran", "use `ls`", "FENCEsh\\nrm -rf bui", "FENCEls"})
    void replyWithoutCodePrintsNothing(String answer) {
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
    void truncatedCodeIsNotPrinted() {
        cop.sim.set("answer", "```sh\nrm -rf bui").set("finish", "length");
        var outcome = exits(1, cop.run("chat", "-x", "q"));
        assertEquals("", outcome.out(), outcome::all);
        assertTrue(outcome.err().contains("finish: length"), outcome::all);
    }
}
