package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

import static cop.Harness.exits;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// What is checked before a template is sent: names, data, doubtful tags, the same prompt for all rows.
class TemplateChecks {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private Outcome run(int code, String... args) { return exits(code, cop.run(args)); }

    private void template(String text) { cop.write("templates/t.mustache", text); }

    private List<String> sent() {
        return cop.sim.ledger().stream().filter(e -> copilot.Delivery.ENDPOINTS.containsValue(e.path()))
                .map(e -> Json.text(e.body().path("messages").path(0), "content")).toList();
    }

    private Outcome batch(int code, String rows, String... more) {
        var args = new ArrayList<>(List.of("batch", "t", "-d", rows, "-o", "o.jsonl", "--delay", "0"));
        args.addAll(List.of(more));
        return run(code, args.toArray(String[]::new));
    }

    // ------------------------------------------------------------------------------- every field has a name

    /// A field's name as the data has it, and as a tag reads it.
    static final List<List<String>> SPELLED = List.of(
            List.of("Ticket Text", "Ticket_Text"), List.of("What is it? (1-5)", "What_is_it?_(1-5)"),
            List.of("Preis (EUR)", "Preis_(EUR)"), List.of("two\nlines", "two_lines"), List.of("#", "_"),
            List.of("# of items", "__of_items"), List.of("*", "_"), List.of("*x", "_x"), List.of("a{b", "a_b"),
            List.of("a}}b", "a__b"), List.of("$price", "_price"), List.of(">x", "_x"), List.of("/x", "_x"),
            List.of("^x", "_x"), List.of("<x", "_x"), List.of("!x", "_x"), List.of("&x", "_x"), List.of("=x", "_x"),
            List.of(".x", "_x"), List.of("x.", "x_"), List.of("a..b", "a_.b"), List.of("Mr. X", "Mr._X"),
            List.of("e-mail", "e-mail"), List.of("größe", "größe"), List.of("Text:", "Text:"),
            List.of("a\u00a0b", "a_b"), List.of("\ufefftext", "text"), List.of(" text ", "text"),
            List.of("user.name", "user.name"), List.of("a.b.c", "a.b.c"));

    @ParameterizedTest
    @FieldSource("SPELLED")
    void everyFieldCanBeNamed(List<String> row) {
        String field = row.get(0), tag = row.get(1);
        template("Is: {{" + tag + "}}{{#" + tag + "}}!{{/" + tag + "}}");
        cop.write("d.json", Json.compact(Map.of(field, "v", "id", "1")));
        assertEquals("Is: v!\n", run(0, "render", "-r", "t", "-d", "d.json").out());
        cop.write("rows.json", "[" + cop.read("d.json") + "]");
        reports(batch(0, "rows.json"), "done: 1 ok");
        assertEquals(List.of("Is: v!"), sent());
        template("{{#items}}{{" + tag + "}}{{/items}}");
        cop.write("d.json", Json.compact(Map.of("items", List.of(Map.of(field, "in")))));
        assertEquals("in\n", run(0, "render", "-r", "t", "-d", "d.json").out());
        if (field.contains(".") || field.contains("=") || field.startsWith("\ufeff") || field.isBlank()) return;
        template("{{" + tag + "}}");
        assertEquals("v\n", run(0, "render", "-r", "t", "--var", field + "=v").out());
    }

    @Test
    void columnsInOutputPattern() {
        template("say: {{Ticket_Text}}");
        cop.write("rows.csv", "Ticket Text,user.name\nhello,Ada\n");
        run(0, "batch", "t", "-d", "rows.csv", "-o", "out/{{user.name}} {{Ticket_Text}}.md", "--echo",
                "Ticket Text,user.name", "--run", "r", "--delay", "0");
        assertTrue(Files.exists(cop.file("out/Ada hello.md")));
    }

    @Test
    void objectTakesPrecedenceOverDottedField() {
        template("{{user.name}} {{#user}}{{name}}{{/user}}");
        cop.write("d.json", "{\"user.name\": \"flat\", \"user\": {\"name\": \"deep\"}}");
        assertEquals("deep deep\n", run(0, "render", "-r", "t", "-d", "d.json").out());
        template("{{user.name}} {{user}}");
        cop.write("d.json", "{\"user.name\": \"flat\", \"user\": \"text\"}");
        assertEquals("flat text\n", run(0, "render", "-r", "t", "-d", "d.json").out());
    }

    /// Which of two fields a name means is not guessed.
    @Test
    void ambiguousFieldNames() {
        template("{{a_b}}");
        cop.write("d.json", "{\"a b\": 1, \"a\\tb\": 2}");
        reports(run(2, "render", "t", "-d", "d.json"), "{{a_b}} is missing");
        cop.write("d.json", "{\"a b\": 1, \"a_b\": 2}");
        assertEquals("2\n", run(0, "render", "-r", "t", "-d", "d.json").out());
    }

    /// A default is for what the data has not, however the data spells it.
    @Test
    void defaultDoesNotHideField() {
        template("---\ndefaults: {Ticket_Text: none, user.name: nobody}\n---\n{{Ticket_Text}} {{user.name}}");
        cop.write("d.json", "{\"Ticket Text\": \"mine\", \"user\": {\"name\": \"Ada\"}}");
        assertEquals("mine Ada\n", run(0, "render", "-r", "t", "-d", "d.json").out());
        assertEquals("none nobody\n", run(0, "render", "-r", "t").out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"{{Ticket Text}}|{{Ticket_Text}}", "{{Tickettext}}|Ticket_Text",
            "{{$price}}|{{_price}}", "{{#Ticket Text}}x{{/Ticket Text}}|{{Ticket_Text}}"})
    void hintNamesTheTag(String text, String hint) {
        template(text);
        cop.write("d.json", "{\"Ticket Text\": \"x\", \"$price\": 1}");
        reports(run(2, "render", "t", "-d", "d.json"), hint);
    }

    // ----------------------------------------------------------------------------------- invisible characters

    @ParameterizedTest
    @ValueSource(strings = {"\u00a0", "\u200b", "\ufeff", "\u00a0 \u200b"})
    void invisibleCharactersAroundNamesAreIgnored(String blank) {
        cop.write("templates/p.mustache", "part");
        template("{{N}} {{#N}}in{{/name}} {{^N}}out{{/N}}{{>p}}".replace("N", blank + "name" + blank)
                .replace(">p", ">" + blank + "p" + blank));
        assertEquals("Ann in part\n", run(0, "render", "-r", "t", "--var", "name=Ann").out());
        assertEquals("templates/t.mustache: ok, inputs: name, no sample data\n",
                run(0, "templates", "check", "t").out());
    }

    @ParameterizedTest
    @CsvSource({"\u00a0, U+00A0", "\u200b, U+200B", "\ufeff, U+FEFF", "\u00ad, U+00AD"})
    void invisibleCharactersWithinNamesAreShown(String blank, String shown) {
        template("{{first" + blank + "name}}");
        reports(run(2, "render", "t", "--var", "first=x"), shown);
    }

    // ----------------------------------------------------------------------------------- the lint of the text

    /// A template, data, and the warning of `check`, `render`, `chat` and `batch`.
    static final List<List<String>> DOUBTS = List.of(
            List.of("{{! formerly: Dear {{x}}, was here }}Hello {{x}}", "{}", "t:1: ", "}}"),
            List.of("a\n{{!-- and bye, {{x}} --}}\n{{x}}", "{}", "t:2: ", "}}"),
            List.of("Hello {{x}}}", "{}", "t:1: ", "}"),
            List.of("Hello {{x}} }} there", "{}", "t:1: ", "}}"),
            List.of("{% if x %}Be kind.{% endif %} {{x}}", "{}", "t:1: ", "{%"),
            List.of("a\n{# a remark #} {{x}}", "{}", "t:2: ", "{#"),
            List.of("<% if x %> {{x}}", "{}", "t:1: ", "<%"),
            List.of("{{x}} {tone}", "{\"tone\": \"kind\"}", "t:1: ", "{tone}"),
            List.of("{{x}} ${tone}", "{\"tone\": \"kind\"}", "t:1: ", "{tone}"),
            List.of("---\ndefaults: {y: \"Dear {{x}}\"}\n---\n{{y}}, {{x}}", "{}", "default of y", "{{"),
            List.of("---\nsystem: |\n  a\n  {% b %}\n---\n{{x}}", "{}", "t:4: ", "{%"));

    static final List<List<String>> UNDOUBTED = List.of(
            List.of("{\"a\": {\"b\": {{x}}}}"), List.of("{\"a\": {\"b\": [{}]}} {{x}}"), List.of("f() { g({}) } {{x}}"),
            List.of("{{=<% %>=}}<%x%> {{name}} }} {% a %}"), List.of("{{! a remark }}{{x}}"), List.of("{{{x}}}"),
            List.of("{{x}} \\frac{a}{b} {word} ${HOME} 100% {} { x }"));

    @ParameterizedTest
    @FieldSource("DOUBTS")
    void warnings(List<String> row) {
        template(row.get(0));
        var data = Json.object().put("x", "say: Ann").setAll(Json.object(row.get(1), "data"));
        cop.write("templates/t.json", data.toString());
        cop.write("rows.jsonl", data.put("id", 1) + "\n" + data.put("id", 2).put("x", "say: Bob") + "\n");
        var words = row.subList(2, row.size()).stream().map(word -> word.replaceFirst("^t:", "templates/t.mustache:"))
                .toArray(String[]::new);
        for (var outcome : List.of(run(0, "templates", "check", "t"), run(0, "render", "t", "-d", "templates/t.json"),
                run(0, "chat", "-t", "t", "-d", "templates/t.json"), batch(0, "rows.jsonl", "--dry-run"),
                batch(0, "rows.jsonl"))) {
            reports(outcome, words);
            assertEquals(1, outcome.err().lines().filter(line -> line.startsWith("warning: ")).count(), outcome::all);
        }
    }

    @ParameterizedTest
    @FieldSource("UNDOUBTED")
    void noWarnings(List<String> row) {
        template(row.getFirst());
        assertEquals("", run(0, "templates", "check", "t").err());
        assertEquals("", run(0, "render", "t", "--var", "x=1", "--allow-missing").err());
    }

    @Test
    void packagedTemplatesRaiseNoWarnings() { assertEquals("", run(0, "templates", "check").err()); }

    // ------------------------------------------------------------------------------- the lint of what fills it

    @ParameterizedTest
    @ValueSource(strings = {"false", "False", "FALSE", "no", "0", "NULL", "None", "nan", "NaN", "N/A", "#N/A", "off",
            "undefined", " false "})
    void sectionOnFalsyText(String no) {
        template("{{#urgent}}URGENT! {{/urgent}}{{text}}");
        cop.write("rows.csv", "id,urgent,text\n1,true,say: a\n2," + no + ",say: b\n3," + no + ",say: c\n");
        for (var outcome : List.of(batch(0, "rows.csv", "--dry-run"), batch(0, "rows.csv"))) {
            reports(outcome, "warning: templates/t.mustache:1: {{#urgent}}", "\"" + no.strip() + "\"", "2 times");
        }
        cop.write("d.json", "{\"urgent\": \"" + no + "\", \"text\": \"say: a\"}");
        reports(run(0, "render", "t", "-d", "d.json"), "warning: templates/t.mustache:1: {{#urgent}}");
        reports(run(0, "chat", "-t", "t", "--var", "text=say: a", "--var", "urgent=" + no), "{{#urgent}}");
        template("{{^urgent}}calm{{/urgent}}{{text}}");
        reports(run(0, "render", "t", "-d", "d.json"), "warning: templates/t.mustache:1: {{^urgent}}");
        cop.write("templates/t.json", cop.read("d.json"));
        reports(run(0, "templates", "check", "t"), "{{^urgent}}");
    }

    @Test
    void sectionOnZeroInJson() {
        template("{{#urgent}}URGENT! {{/urgent}}{{text}}");
        cop.write("d.json", "{\"urgent\": 0, \"text\": \"a\"}");
        reports(run(0, "render", "t", "-d", "d.json"), "{{#urgent}}", "0");
        cop.write("d.json", "{\"urgent\": false, \"text\": \"a\"}");
        assertEquals("", run(0, "render", "t", "-d", "d.json").err());
    }

    /// A template, rows, and a name that nearly one of their fields has.
    static final List<List<String>> NEARLY = List.of(
            List.of("{{#text}}T: {{.}}{{/text}}{{id}}", "text"),
            List.of("{{^text}}none{{/text}}{{id}}", "text"),
            List.of("---\ndefaults: {text: none}\n---\n{{text}} {{id}}", "text"),
            List.of("{{#Txet}}T{{/Txet}}{{id}}", "Txet"));

    @ParameterizedTest
    @FieldSource("NEARLY")
    void misspelledNameSuggestsNearest(List<String> row) {
        template(row.getFirst());
        cop.write("rows.csv", "id,Text\n1,a\n2,b\n");
        for (var outcome : List.of(batch(0, "rows.csv", "--dry-run"), batch(0, "rows.csv"))) {
            reports(outcome, "warning: templates/t.mustache:", "{{" + row.getLast() + "}}", "did you mean Text?");
        }
        cop.write("d.json", "{\"id\": 1, \"Text\": \"a\"}");
        reports(run(0, "render", "t", "-d", "d.json"), "did you mean Text?");
    }

    @Test
    void allowMissingStillWarns() {
        template("say: {{text}} {{id}}");
        cop.write("rows.csv", "id,Text\n1,a\n2,b\n");
        reports(batch(0, "rows.csv", "--allow-missing"), "did you mean Text?");
        template("{{#note}}{{.}}{{/note}}{{Text}}");
        assertFalse(batch(0, "rows.csv", "--dry-run").err().contains("warning"));
    }

    @Test
    void batchReportsUnusedVariables() {
        template("say: {{Text}} {{label}}");
        cop.write("rows.csv", "id,Text\n1,a\n2,b\n");
        reports(batch(2, "rows.csv", "--var", "lable=x"), "does not use lable, did you mean label?");
    }

    // ------------------------------------------------------------------------------- the same prompt for all

    /// A template, rows, and whether nothing of the rows is used.
    static final List<List<String>> POINTLESS = List.of(
            List.of("Review: {text}", "id,text\n1,a\n2,b\n"),
            List.of("Review", "id,text\n1,a\n2,b\n"),
            List.of("Review", "id,text\n1,a\n"),
            List.of("{{#txt}}Review {{.}}{{/txt}}Hello", "id,text\n1,a\n2,b\n"),
            List.of("---\ndefaults: {txt: none}\n---\n{{txt}}", "id,text\n1,a\n2,b\n"),
            List.of("{{more}}", "id,text\n1,a\n2,b\n"),
            List.of("{{text}}", "id,text\n1,a\n2,a\n"));

    @ParameterizedTest
    @FieldSource("POINTLESS")
    void samePromptForAllRowsNeedsConfirmation(List<String> row) {
        template(row.get(0));
        cop.write("rows.csv", row.get(1));
        var more = new String[] {"--var", "more=say: x"};
        var refused = batch(2, "rows.csv", more);
        reports(refused, "hint: ");
        assertTrue(refused.err().matches("(?s)warning: .*(the same|no field).*"), refused::all);
        assertEquals(List.of(), sent());
        reports(batch(0, "rows.csv", "--var", "more=say: x", "--dry-run"), "warning: ");
        assertEquals(List.of(), sent());
        cop.terminal(0);
        exits(1, cop.runWith("n\n", "batch", "t", "-d", "rows.csv", "-o", "o.jsonl", "--delay", "0", more[0], more[1]));
        assertEquals(List.of(), sent());
        exits(0, cop.runWith("y\n", "batch", "t", "-d", "rows.csv", "-o", "o.jsonl", "--delay", "0", more[0], more[1]));
        int count = (int) row.get(1).lines().count() - 1;
        assertEquals(count, sent().size());
        batch(0, "rows.csv", more);                             // nothing is left to be asked about
        reports(batch(0, "rows.csv", "--again", "-y", more[0], more[1]), "warning: ");
    }

    @Test
    void identicalRequestsAreReported() {
        String line = "\"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": {\"model\": \"gpt-4.1\","
                + " \"messages\": [{\"role\": \"user\", \"content\": \"say: x\"}]}}\n";
        cop.write("r.jsonl", "{\"custom_id\": \"a\", " + line + "{\"custom_id\": \"b\", " + line);
        reports(run(2, "batch", "-d", "r.jsonl", "-o", "o.jsonl", "--delay", "0"), "the same");
        assertEquals(List.of(), sent());
    }

    @Test
    void emptyPrompts() {
        template("{{text}}");
        cop.write("rows.csv", "id,text\n1,say: a\n2,\n3,  \n");
        var outcome = batch(2, "rows.csv");
        reports(outcome, "rows.csv:3: templates/t.mustache renders to an empty prompt", "rows.csv:4: ", "--skip-bad");
        assertEquals(List.of(), sent());
    }

    /// What the rows give is blank, and the prompt is not: it would be paid for.
    @Test
    void rowsWithBlankValuesAreRefused() {
        cop.write("rows.csv", "id,text,note\n1,say: a,x\n2,\u00a0 ,x\n3,,x\n4,say: b,x\n");
        template("Classify {{lang}}: {{text}}");
        var outcome = batch(2, "rows.csv", "--var", "lang=");
        reports(outcome, "rows.csv:3: ", "text is blank", "rows.csv:4: ", "--skip-bad");
        assertEquals(List.of(), sent());
        for (String fine : List.of("Classify: {{text}} {{note}}", "Classify: {{id}} {{text}}",
                "Classify: {{#text}}{{text}}{{/text}}{{^text}}none{{/text}}")) {
            template(fine);
            assertFalse(batch(0, "rows.csv", "--dry-run").err().contains("is blank"));
        }
        template("Classify: {{text}}");
        assertFalse(batch(0, "rows.csv", "--dry-run", "--var", "text=x").err().contains("is blank"));
        reports(batch(5, "rows.csv", "--skip-bad"), "2 ok");
        assertEquals(2, sent().size());
    }

    // --------------------------------------------------------------------------------------- what is a template

    @Test
    void dataFileIsNotTheTemplate() {
        cop.write("rows/1.json", "{\"id\": 1, \"text\": \"say: one\"}");
        cop.write("rows/2.json", "{\"id\": 2, \"text\": \"say: two\"}");
        cop.write("list.csv", "id,text\n1,a\n");
        var outcome = run(2, "batch", "-d", "rows/1.json", "rows/2.json", "-o", "o.jsonl", "-y");
        reports(outcome, "rows/2.json", "not a template", "quotes");
        for (String command : List.of("render rows/2.json", "chat -t rows/2.json hello", "chat -t list.csv hello")) {
            reports(run(2, command.split(" ")), "not a template");
        }
        assertEquals(List.of(), sent());
    }

    @Test
    void promptInsteadOfTemplate() {
        cop.write("rows.jsonl", "{\"id\": 1, \"text\": \"say: A\"}\n");
        reports(run(2, "batch", "Classify: {{text}}", "-d", "rows.jsonl", "-o", "o.jsonl"), "templates/NAME.mustache");
        reports(run(2, "render", "Be brief"), "templates/NAME.mustache");
        template("{{text}}");
        reports(run(0, "batch", "-t", "t", "-d", "rows.jsonl", "-o", "o.jsonl"), "done: 1 ok");
        reports(run(2, "batch", "t", "-t", "t", "-d", "rows.jsonl", "-o", "o.jsonl"),
                "TEMPLATE and -t cannot be used together");
    }

    // ------------------------------------------------------------------------------- ./templates and the packaged

    @Test
    void copyCommand() {
        cop.write("templates/mine.mustache", "own");
        assertEquals("templates/classify.mustache\n", run(0, "templates", "copy", "classify").out());
        assertEquals(run(0, "templates", "show", "packaged:classify").out(), cop.read("templates/classify.mustache"));
        run(0, "render", "classify", "--example");
        run(0, "templates", "copy", "packaged:classify", "team/sort");
        assertEquals(cop.read("templates/classify.json"), cop.read("templates/team/sort.json"));
        for (String taken : List.of("classify", "review mine", "mine")) {
            reports(run(2, ("templates copy " + taken).split(" ")), "exists", "templates copy ");
        }
        cop.write("a b/classify.mustache", "{{x}}");
        reports(run(2, "templates", "copy", "a b/classify.mustache"), "templates copy 'a b/classify.mustache' NEW\n");
        assertEquals("own", cop.read("templates/mine.mustache"));
        cop.write("templates/taken.json", "{}");
        reports(run(2, "templates", "copy", "review", "taken"), "templates/taken.json already exists");
        assertFalse(Files.exists(cop.file("templates/taken.mustache")));
        reports(run(2, "templates", "path", "review"), "templates copy review");
        cop.write("a.prompt.yml", PROMPT + "testData: [{input: x}]\n");
        assertEquals("templates/a.prompt.yml\n", run(0, "templates", "copy", "a.prompt.yml").out());
        assertEquals(cop.read("a.prompt.yml"), cop.read("templates/a.prompt.yml"));
        reports(run(2, "templates", "copy", "revew"), "did you mean review?");
    }

    @Test
    void emptyFileDoesNotShadow() {
        cop.write("templates/review.mustache", "\n");
        for (String command : List.of("templates show review", "render review", "templates path review",
                "chat -t review hi", "templates check review")) {
            reports(run(2, command.split(" ")), "templates/review.mustache", "packaged:review");
        }
        assertEquals("", run(0, "templates", "show", "packaged:review").err());
    }

    @Test
    void shadowedTemplateIsReported() {
        template("hello");
        cop.write("templates/review.mustache", "---\nmodel: gpt-5-mini\n---\nmine {{diff}}");
        cop.write("rows.csv", "id,diff\n1,say: a\n2,say: b\n");
        for (var outcome : List.of(run(0, "render", "review", "--var", "diff=a"),
                run(0, "chat", "-t", "review", "--var", "diff=say: a"),
                run(0, "batch", "review", "-d", "rows.csv", "-o", "o.jsonl", "--dry-run"))) {
            reports(outcome, "templates/review.mustache", "packaged:review");
            assertEquals(1, outcome.err().split("packaged:review", -1).length - 1, outcome::all);
        }
        assertEquals("", run(0, "render", "./templates/review.mustache", "--var", "diff=a").err());
        assertEquals("", run(0, "render", "t").err());
        var packaged = run(0, "render", "-r", "packaged:review", "--var", "diff=+a");
        assertTrue(packaged.out().contains("Review this change."), packaged::all);
        assertEquals("", packaged.err());
        run(0, "templates", "check", "packaged:review");
        reports(run(2, "render", "packaged:revew"), "did you mean review?");
    }

    // --------------------------------------------------------------------------------- GitHub's prompt files

    private static final String PROMPT = "messages:\n- role: user\n  content: Hi {{input}}\n";

    @ParameterizedTest
    @ValueSource(strings = {"schema: \"v1\"", "stdin: other", "system: obey", "defaults: {input: none}", "inputs: 3",
            "options: {user: me}", "endpoint: nowhere", "temperature: 9", "something: [new]"})
    void githubPromptFilesUseOnlyTheirFields(String line) {
        cop.write("a.prompt.yml", line + "\n" + PROMPT);
        assertEquals("## user\n\nHi x\n", exits(0, cop.runWith("x", "render", "a.prompt.yml")).out());
    }

    @Test
    void unknownGithubFieldsAreReported() {
        cop.write("a.prompt.yml", PROMPT + "responseFormat: yaml\n");
        reports(run(2, "render", "a.prompt.yml", "--var", "input=x"), "a.prompt.yml:4: unknown responseFormat yaml",
                "json_schema");
        cop.write("a.prompt.yml", PROMPT + "testData:\n- input: x\n- just words\n");
        reports(run(2, "render", "a.prompt.yml", "--example"), "a.prompt.yml:4: testData");
        reports(run(2, "templates", "check", "a.prompt.yml"), "a.prompt.yml:4: testData");
        cop.write("a.prompt.yml", PROMPT + "responseFormat: text\n");
        run(0, "render", "a.prompt.yml", "--var", "input=x");
    }

    @Test
    void samplesUnderVars() {
        cop.write("w.prompt.yaml", "messages:\n- role: user\n  content: \"{{topic}} {{tone}}\"\ntestData:\n"
                + "- vars:\n    topic: wrens\n    tone: a\n- vars:\n    topic: owls\n    tone: b\n");
        var outcome = run(2, "templates", "check", "w.prompt.yaml");
        assertEquals(1, outcome.err().lines().filter(line -> line.startsWith("error: ")).count(), outcome::all);
        reports(outcome, "{{topic}}", "under vars");
        reports(run(2, "render", "w.prompt.yaml", "--example"), "under vars");
    }

    /// Its blocks would be lost.
    @ParameterizedTest
    @ValueSource(strings = {"{{<gone}}{{$a}}important{{/a}}{{/gone}}rest", "{{#a}}{{/a}}{{<gone}}{{/gone}}rest"})
    void missingParentIsAnError(String text) {
        template(text);
        run(2, "render", "t", "--allow-missing");
    }

    // -------------------------------------------------------------------------------------- the front matter

    @Test
    void allUnknownFieldsAreNamed() {
        template("---\ntemprature: 1\nsistem: x\ncolour: red\n---\nHello");
        reports(run(2, "templates", "check", "t"), "t.mustache:2: unknown field temprature",
                "t.mustache:3: unknown field sistem", "t.mustache:4: unknown field colour",
                "mean temperature?", "mean system?");
    }

    @ParameterizedTest
    @CsvSource({"{type: objekt}, type", "{properties: {a: {type: 3}}}, a.type", "{minimum: x}, minimum"})
    void schemaMistakeIsReportedOnce(String schema, String where) {
        template("---\nschema: " + schema + "\n---\nHello");
        var outcome = run(2, "templates", "check", "t");
        assertEquals(2, outcome.err().split(Pattern.quote(where) + ": ", -1).length, outcome::all);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"defaults:\\n  a: 1\\n\\tb: 2|4:1", "defaults: {a: 1}\\n\\tb: 2|3:1",
            "description: \"x\\n\\ndefaults: {a: 1}|2:14", "model: a: b|2:9"})
    void yamlErrorHasItsPlace(String yaml, String place) {
        template("---\n" + yaml.replace("\\n", "\n").replace("\\t", "\t") + "\n---\n{{a}}");
        reports(run(2, "templates", "check", "t"), "templates/t.mustache:" + place + ": ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2024", "true", "1.50"})
    void numberIsAcceptedAsString(String written) {
        template("---\ndescription: " + written + "\nsystem: " + written + "\n---\nHello");
        assertTrue(run(0, "templates").out().contains("t\t" + written + "\t"));
        assertEquals("## system\n\n" + written + "\n\n## user\n\nHello\n", run(0, "render", "t").out());
    }
}
