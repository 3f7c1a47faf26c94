package cop;

import module java.base;
import javax.xml.parsers.DocumentBuilderFactory;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The program `eval`: what is sent, what is kept, and how a run ends.
class Evals {
    private static final String A = "gpt-5-mini", B = "claude-haiku-4.5";

    private final Harness cop = Harness.loggedIn();

    Evals() {
        template("t", "equals: '{{label}}'", "say: {{text}}");
        rows("a", "b", "c");
    }

    @AfterEach
    void close() { cop.close(); }

    // ------------------------------------------------------------------------------------------- helpers

    private void template(String name, String expect, String text) {
        cop.write("templates/" + name + ".mustache", "---\nexpect:\n  - " + expect + "\n---\n" + text + "\n");
    }

    /// A row per text, whose label is the text.
    private void rows(String... texts) {
        cop.write("rows.jsonl", Stream.of(texts).map(text -> "{\"id\": \"" + text.charAt(0) + "\", \"text\": \"" + text
                + "\", \"label\": \"" + text + "\"}\n").collect(Collectors.joining()));
    }

    private void rows(int count) {
        cop.write("rows.jsonl", IntStream.range(0, count).mapToObj(i -> "{\"id\": \"r" + i + "\", \"text\": \"a" + i
                + "\", \"label\": \"a" + i + "\"}\n").collect(Collectors.joining()));
    }

    private Outcome eval(String... more) {
        return cop.run(Stream.concat(Stream.of("eval", "t", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0"),
                Stream.of(more)).toArray(String[]::new));
    }

    private Outcome good(String... more) { return exits(0, eval(more)); }

    private List<JsonNode> cells() { return cop.jsonLines("lab.jsonl"); }

    /// `id/variant/repeat=text+` of each cell, with + or - for its checks, or `!status`.
    private String told() {
        return cells().stream().map(cell -> Json.text(cell, "id") + "/" + Json.text(cell, "variant").charAt(0) + "/"
                + cell.path("repeat") + (Json.text(cell, "status").equals("ok") ? "=" + Json.text(cell, "text")
                : "!" + Json.text(cell, "status")) + (!cell.has("pass") ? "" : cell.path("pass").asBoolean() ? "+"
                : "-")).collect(Collectors.joining(" "));
    }

    private int sent() { return cop.chats().size(); }

    // -------------------------------------------------------------------------------------- like make

    @Test
    void cellsAreRowsTimesVariantsTimesRepeats() {
        var outcome = good("-m", A, "-m", B, "--repeat", "2", "-j", "1");
        assertEquals("a/g/1=a+ a/g/2=a+ a/c/1=a+ a/c/2=a+ b/g/1=b+ b/g/2=b+ b/c/1=b+ b/c/2=b+ c/g/1=c+ c/g/2=c+"
                + " c/c/1=c+ c/c/2=c+", told());
        assertEquals(12, sent());
        reports(outcome, "done: 12 ok");
        var cell = cells().getFirst();
        for (String field : List.of("id", "variant", "repeat", "status", "text", "checks", "pass", "score", "model",
                "usage", "credits", "ms", "request_id")) assertTrue(cell.has(field), () -> field + " in " + cell);
        assertEquals("[{\"name\":\"equals: {{label}}\",\"pass\":true,\"score\":1.0}]", cell.path("checks").toString());
    }

    @Test
    void cellsAreSentRowByRowOverTheVariants() {
        good("-m", A, "-m", B, "--repeat", "2", "-j", "1");
        assertEquals(List.of("g:a", "c:a", "g:a", "c:a", "g:b", "c:b", "g:b", "c:b", "g:c", "c:c", "g:c",
                "c:c"), models());
    }

    private List<String> models() {
        var prompts = cop.prompts();
        return IntStream.range(0, prompts.size()).mapToObj(i -> Json.text(cop.bodies().get(i), "model").charAt(0) + ":"
                + prompts.get(i)).toList();
    }

    private List<String> modelsSince(int before) {
        return models().subList(before, models().size()).stream().sorted().toList();
    }

    @Test
    void onlyNewCellsAreAsked() {
        good("-m", A);
        assertEquals(3, sent());
        reports(good("-m", A), "nothing to do: 3 ok");
        assertEquals(3, sent());
        Harness.showsNot("checks have changed", good("-m", A, "-m", B));    // a model more
        assertEquals(List.of("c:a", "c:b", "c:c"), modelsSince(3));
        rows("d", "c", "a", "b2");                          // inserted, reordered, edited
        Harness.showsNot("checks have changed", good("-m", A, "-m", B));
        assertEquals(List.of("c:b2", "c:d", "g:b2", "g:d"), modelsSince(6));
        good("-m", A, "--repeat", "3");
        assertEquals(18, sent());
        good("-m", A, "--repeat", "5");                     // two more of each
        assertEquals(26, sent());
        good("-m", A, "--repeat", "2");
        good("-m", B, "-m", A, "-L", "2");
        assertEquals(26, sent());
        assertEquals("d/c/1=d+ d/g/1=d+ c/c/1=c+ c/g/1=c+", told());
    }

    @Test
    void changedTemplateAsksItsOwnVariant() {
        template("u", "equals: '{{label}}'", "say: {{text}}!");
        cop.ok("eval", "t", "u", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0");
        assertEquals(6, sent());
        template("u", "equals: '{{label}}'", "say: {{text}}?");
        cop.ok("eval", "t", "u", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0");
        assertEquals(List.of("g:a?", "g:b?", "g:c?"), modelsSince(6));
        assertEquals("a/t/1=a+ a/u/1=a?- b/t/1=b+ b/u/1=b?- c/t/1=c+ c/u/1=c?-", told());
    }

    @Test
    void changedCheckAsksNothing() {
        good("-m", A);
        template("t", "equals: x", "say: {{text}}");
        reports(good("-m", A), "the checks have changed; 3 answers are checked again, not asked again",
                "nothing to do: 3 ok");
        assertEquals("a/g/1=a- b/g/1=b- c/g/1=c-", told());
        reports(good("-m", A, "--expect", "contains: a"), "the checks have changed");
        assertEquals(2, cells().getFirst().path("checks").size());
        cop.write("rows.jsonl", cop.read("rows.jsonl").replace("\"label\": \"b\"", "\"label\": \"B\""));
        template("t", "equals: '{{label}}'", "say: {{text}}");
        good("-m", A);
        assertEquals("a/g/1=a+ b/g/1=b- c/g/1=c+", told());
        Harness.showsNot("checks have changed", good("-m", A));
        assertEquals(3, sent());
    }

    @Test
    void otherVariantsAndFurtherRowsChangeNoCheck() {
        template("u", "contains: '{{label}}'", "say: {{text}}!");
        Harness.showsNot("changed", good("-m", A, "-L", "2"));
        Harness.showsNot("changed", good("-m", A, "-m", B));
        cop.ok("eval", "u", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0");
        Harness.showsNot("changed", good("-m", B));
        cop.write("rows.jsonl", cop.read("rows.jsonl").replace("\"label\": \"a\"", "\"label\": \"A\""));
        reports(good("-m", B), "the expected values have changed; 3 answers are checked again, not asked again");
        template("u", "contains: x", "say: {{text}}!");
        reports(cop.ok("eval", "u", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0"), "the checks have changed");
    }

    @Test
    void variantIsKnownByItsSettings() {
        good("--variant", "cold: {model: " + A + ", temperature: 0}");
        assertFalse(good("--variant", "warm: {model: " + A + ", temperature: 0}").err().contains("without"));
        assertEquals(3, sent());
        assertEquals("a/w/1=a+ b/w/1=b+ c/w/1=c+", told());
        reports(good("-m", A, "-j", "1", "--variant", "hot: {model: " + A + ", temperature: 1.5}"),
                "note: lab.jsonl will be without warm, not named now; its answers are kept");
        assertEquals(9, sent());
        assertEquals("0", cop.bodies().getFirst().path("temperature").toString());
        assertFalse(cop.bodies().get(3).has("temperature"));
    }

    @Test
    void variantsMayNameTheirTemplates() {
        String both = "both: {template: t, model: " + A + "}";
        exits(0, cop.run("eval", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0", "--variant", both));
        assertEquals("a/b/1=a+ b/b/1=b+ c/b/1=c+", told());
        reports(exits(2, cop.run("eval", "-d", "rows.jsonl", "--variant", both, "-m", A)), "no template");
        reports(exits(2, cop.run("eval", "-d", "rows.jsonl", "--variant", "x: {model: " + A + "}")), "no template");
        reports(exits(2, cop.run("eval", "-d", "rows.jsonl")), "no template");
        assertEquals(3, sent());
    }

    @Test
    void rowsWithoutIdKeepTheirAnswers() {
        cop.write("rows.jsonl", "{\"text\": \"a\", \"label\": \"a\"}\n{\"text\": \"b\", \"label\": \"x\"}\n");
        good("-m", A, "-m", B);
        var ids = cells().stream().map(cell -> Json.text(cell, "id")).toList();
        cop.write("rows.jsonl", "{\"text\": \"b\", \"label\": \"b\", \"more\": 1}\n"
                + "{\"text\": \"a\", \"label\": \"a\"}\n");
        good("-m", A, "-m", B);
        assertEquals(4, sent());
        assertEquals(List.of(ids.get(2), ids.get(2), ids.get(0), ids.get(0)), cells().stream().map(cell ->
                Json.text(cell, "id")).toList());
        assertTrue(cells().stream().allMatch(cell -> cell.path("pass").asBoolean()), this::told);
    }

    @Test
    void runKeepsItsModel() {
        good();
        cop.with("COP_MODEL", B);
        reports(good("--repeat", "2"), "using model " + A + ", as when this run started");
        assertEquals(List.of("g:a", "g:b", "g:c"), modelsSince(3));
    }

    // -------------------------------------------------------------------------------------- failures

    /// Its model is in the list, and refused where it is asked.
    @Test
    void refusedModelLeavesTheOthersAlone() {
        rows(80);
        cop.sim.set("integrator", A);
        var outcome = exits(5, eval("-m", A, "-m", B, "-j", "8"));
        reports(outcome, "claude-haiku-4.5 is refused, its other cells fail", "done: 80 ok, 80 failed");
        assertEquals(80, cells().stream().filter(cell -> Json.text(cell, "status").equals("ok")).count());
        assertEquals("model_not_available_for_integrator", cells().get(1).at("/error/code").asString());
        assertTrue(sent() < 100, sent() + " sent");
        int before = sent();
        exits(5, eval("-m", A, "-m", B));
        assertEquals(before, sent());
        cop.sim.set("integrator", "");
        good("-m", A, "-m", B, "--retry-failed");
        assertEquals(before + 80, sent());
    }

    @Test
    void modelDeniedWith403LeavesTheOthersAlone() {
        cop.sim.set("faults", List.of("ok", "403"));
        exits(5, eval("-m", A, "-m", B, "-j", "1"));
        assertEquals("a/g/1=a+ a/c/1!failed b/g/1=b+ b/c/1!failed c/g/1=c+ c/c/1!failed", told());
        assertEquals(4, sent());
    }

    @Test
    void onlyModelDeniedStopsTheRun() {
        cop.sim.set("faults", List.of("403"));
        exits(75, eval("-m", A, "-j", "1"));
        assertEquals(1, sent());
        good("-m", A);
        assertEquals(4, sent());
    }

    @Test
    void failedFilteredAndCutOffAreNotFailedChecks() {
        cop.sim.set("faults", List.of("ok", "422"));
        var outcome = exits(5, eval("-m", A, "-j", "1"));
        assertEquals("a/g/1=a+ b/g/1!failed c/g/1=c+", told());
        assertFalse(cells().get(1).has("pass"));
        reports(outcome, "done: 2 ok, 1 failed; --retry-failed sends 1 again");
        good("-m", A, "--retry-failed");
        cop.sim.set("finish", "length");
        exits(5, eval("-m", B));
        assertEquals("a/c/1!incomplete b/c/1!incomplete c/c/1!incomplete", told());
    }

    @Test
    void budgetsAndHaltHold() {
        var outcome = exits(75, eval("-m", A, "-m", B, "-j", "1", "--max-requests", "3"));
        reports(outcome, "--max-requests 3 is reached", "3 of 6 cells are done");
        assertEquals("a/g/1=a+ a/c/1=a+ b/g/1=b+", told());
        good("-m", A, "-m", B);
        assertEquals(6, sent());
        rows(60);
        cop.sim.set("faults", Collections.nCopies(100, "422"));
        reports(exits(1, eval("-m", A, "--again")), "too many rows failed");
        assertTrue(sent() < 66, () -> sent() + " sent");
        reports(exits(1, eval("-m", A, "--again")), "too many rows failed");
    }

    // -------------------------------------------------------------------------------------- gate

    @Test
    void thresholdCountsPassedOfAllCells() {
        rows("a", "b", "c", "d");
        exits(0, eval("-m", A, "--threshold", "100%"));
        cop.write("rows.jsonl", cop.read("rows.jsonl").replace("\"label\": \"b\"", "\"label\": \"x\""));
        good("-m", A);                                      // failed checks alone
        reports(exits(5, eval("-m", A, "--threshold", "76%")),
                "gpt-5-mini: 3 of 4 cells passed (75.0%), below --threshold 76.0%");
        good("-m", A, "--threshold", "75%");
        good("-m", A, "--threshold", "gpt-5-mini=75%", "--threshold", "90%");
        exits(5, eval("-m", A, "--threshold", "gpt-5-mini=90%"));
        cop.sim.set("faults", List.of("422"));
        exits(5, eval("-m", B, "-j", "1", "--threshold", "75%"));   // one failed, one did not pass
        good("-m", B, "--threshold", "50%");
        reports(exits(2, eval("-m", A, "--threshold", "gtp-5-mini=90%")), "no variant has this name",
                "did you mean gpt-5-mini?");
        reports(exits(2, eval("-m", A, "--threshold", "0.9")), "invalid --threshold: 0.9");
    }

    @Test
    void nothingToCheck() {
        cop.write("templates/t.mustache", "say: {{text}}");
        reports(exits(2, eval("-m", A, "--threshold", "90%")), "--threshold: gpt-5-mini has no checks", "add expect:");
        reports(good("-m", A), "note: no checks, answers are only collected");
        assertFalse(cells().getFirst().has("pass"));
        cop.write("rows.jsonl", cop.read("rows.jsonl").replace("{\"id\": \"b\"", "{\"expect\": \"x\", \"id\": \"b\""));
        Harness.showsNot("no checks", good("-m", A));
        assertEquals("a/g/1=a b/g/1=b- c/g/1=c", told());
        assertEquals(3, sent());
    }

    @Test
    void unfinishedRunIsNotJudged() {
        exits(75, eval("-m", A, "--max-requests", "2", "--threshold", "10%"));
        exits(0, eval("-m", A, "--threshold", "10%"));
    }

    // -------------------------------------------------------------------------------------- before sending

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
            "contians: x | t.mustache:3: unknown check contians, did you mean contains?",
            "regex: '[' | t.mustache:3: regex:", "equals: '{{lable}}' | lable",
            "{equals: x, path: label.deep} | label"})
    void invalidChecksAreFoundBeforeAnythingIsSent(String expect, String error) {
        cop.write("templates/t.mustache", "---\nschema: {type: object, properties: {label: {type: string}},"
                + " additionalProperties: false}\nexpect:\n  - " + expect + "\n---\nsay: {{text}}\n");
        reports(exits(2, eval("-m", A)), error.replace("t.mustache:3", "t.mustache:4"));
        assertEquals(0, sent());
        assertFalse(Files.exists(cop.file("lab.jsonl.run")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
            "-m gtp-5-mini | unknown model: gtp-5-mini", "--repeat 0 | --repeat 0 is out of range",
            "-m gpt-5-mini -m gpt-5-mini | two variants have the name gpt-5-mini",
            "--expect contians:x | unknown check contians", "--variant x | expected",
            "--variant x:{modle:y} | expected", "-L -1 | -L", "-L 0 | -L 0 is out of range",
            "--expect= | --expect is empty",
            "--sample 0 | --sample 0 is out of range",
            "--report lab.txt | unknown extension .txt", "--junit x/y.xml | no such folder"})
    void invalidOptionsAreFoundBeforeAnythingIsSent(String options, String error) {
        reports(exits(2, eval(options.split(" "))), error);
        assertEquals(0, sent());
    }

    @Test
    void duplicateIdsAndMissingValues() {
        cop.write("rows.jsonl", "{\"id\": 1, \"text\": \"a\", \"label\": \"a\"}\n"
                + "{\"id\": 1, \"text\": \"b\", \"label\": \"a\"}\n{\"id\": 2, \"label\": \"c\"}\n");
        reports(exits(2, eval("-m", A, "-m", B)), "rows.jsonl:2: duplicate id 1, as in row 1", "rows.jsonl:3",
                "2 of 3 rows are invalid; nothing was sent");
        reports(exits(2, eval("-m", A, "-m", B, "--id", "label", "--expect", "equals: {{lable}}")),
                "rows.jsonl:1: --expect: {{lable}} is missing (the data has label); also in 2 more rows");
        assertEquals(0, sent());
        rows("a");
        cop.write("rows.jsonl", cop.read("rows.jsonl").replace("\"a\", \"text\"", "7, \"text\""));
        good("-m", A);
        assertEquals("7", cells().getFirst().path("id").toString());
    }

    @Test
    void dryRunSendsNothing() {
        var outcome = good("-m", A, "-m", B, "--repeat", "3", "--dry-run");
        Harness.prints(outcome, "rows     3\n", "cells    18: 3 rows x 2 variants x 3\n", "to send  18\n",
                "variant  claude-haiku-4.5: template templates/t.mustache, model claude-haiku-4.5, 9 to send\n",
                "say: a\n");
        assertEquals(0, sent());
        assertFalse(Files.exists(cop.file("lab.jsonl.run")));
    }

    @Test
    void runsOfBatchesAreKeptApart() {
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "lab.jsonl"));
        reports(exits(2, eval("-m", A)), "lab.jsonl.run belongs to a batch");
        exits(0, cop.run("eval", "t", "-d", "rows.jsonl", "-o", "e.jsonl", "--delay", "0"));
        reports(exits(2, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "e.jsonl")), "belongs to an eval");
    }

    // -------------------------------------------------------------------------------------- files

    @Test
    void expectInTemplatesIsIgnoredElsewhere() {
        assertEquals("## user\n\nsay: x\n", cop.ok("render", "t", "--var", "text=x").out());
        assertEquals("x\n", cop.ok("chat", "-t", "t", "--var", "text=x").out());
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl"));
        cop.ok("templates", "check", "templates/t.mustache");
    }

    @Test
    void tableAsCsv() {
        exits(0, cop.run("eval", "t", "-d", "rows.jsonl", "-m", A, "-o", "lab.csv", "--delay", "0"));
        var lines = cop.read("lab.csv").lines().toList();
        assertEquals("id,variant,repeat,status,pass,score,text,failed,model,prompt_tokens,completion_tokens,credits,ms,"
                + "request_id,error", lines.getFirst());
        assertTrue(lines.get(1).startsWith("a,gpt-5-mini,1,ok,true,1.0,a,,gpt-5-mini-2025-08-07,"), lines.get(1));
    }

    @Test
    void answerWithHalfACharacterIsWritten() {
        template("t", "{equals: '{{label}}', path: label}", "say: {{text}}");
        cop.write("rows.jsonl", """
                {"id": "a", "text": "{\\"label\\": \\"xHALF\\"}", "label": "x"}
                """.replace("HALF", "\\\\ud83d"));
        good("-m", A, "--report", "lab.html", "--junit", "lab.xml");
        reports(good("-m", A), "nothing to do: 1 ok");
        assertEquals("got \"x?\", expected \"x\"", cells().getFirst().at("/checks/0/reason").asString());
    }

    @Test
    void changedOutIsKept() {
        good("-m", A);
        cop.write("lab.jsonl", "mine\n");
        reports(good("-m", A), "lab.jsonl was changed since this run wrote it");
        assertEquals("mine\n", cop.read("lab.jsonl.changed-1"));
        assertEquals("a/g/1=a+ b/g/1=b+ c/g/1=c+", told());
    }

    @Test
    void manyRequestsAreConfirmed() {
        rows(201);
        cop.terminal(0);
        var outcome = exits(1, cop.runWith("n\n", "eval", "t", "-d", "rows.jsonl", "-o", "lab.jsonl", "-m", A));
        reports(outcome, "201 requests to gpt-5-mini, with prompts of about ", ", at least 3 min. Continue? [y/N]",
                "nothing was sent");
        assertEquals(0, sent());
        exits(0, cop.runWith("y\n", "eval", "t", "-d", "rows.jsonl", "-o", "lab.jsonl", "-m", A));
        good("-m", A, "-m", B, "-y");
        assertEquals(402, sent());
    }

    @Test
    void rowsFromStdinAreKept() {
        String rows = cop.read("rows.jsonl");
        exits(0, cop.runWith(rows, "eval", "t", "-d", "-", "-o", "lab.jsonl", "-m", A, "--delay", "0"));
        reports(exits(0, cop.run("eval", "t", "-d", "-", "-o", "lab.jsonl", "-m", A, "-m", B, "--delay", "0")),
                "using the rows piped in earlier");
        assertEquals(6, sent());
    }

    /// Templates that ask the same of a row share its answer.
    @Test
    void equalPromptsAreAskedOnce() {
        template("u", "equals: '{{label}}'", "say: {{text}}{{#more}} {{more}}{{/more}}");
        cop.write("rows.jsonl", "{\"id\": \"a\", \"text\": \"a\", \"label\": \"a\"}\n"
                + "{\"id\": \"b\", \"text\": \"b\", \"label\": \"b\", \"more\": \"x\"}\n");
        cop.ok("eval", "t", "u", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0");
        assertEquals("a/t/1=a+ a/u/1=a+ b/t/1=b+ b/u/1=b x-", told());
        assertEquals(3, sent());
    }

    @Test
    void evaluatorsOfGitHubsPromptFiles() {
        cop.write("g.prompt.yml", """
                model: openai/gpt-5-mini
                messages:
                  - role: user
                    content: "say: {{text}}"
                evaluators:
                  - name: has a
                    string: {contains: A}
                """);
        cop.ok("eval", "g.prompt.yml", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0");
        assertEquals("a/g/1=a+ b/g/1=b- c/g/1=c-", told());
        assertEquals("has a", cells().getFirst().at("/checks/0/name").asString());
    }

    // -------------------------------------------------------------------------------------- judges

    /// Those of answers do not have the marker of the judge's data.
    private List<JsonNode> judgings() {
        return cop.bodies().stream().filter(body -> body.toString().contains("The criterion")).toList();
    }

    private void judge(String answer) {
        template("t", "llm-rubric: is polite", "{{text}}");
        cop.sim.set("answer", answer);
    }

    @Test
    void judgesAnswersAreCellsOfTheirOwn() {
        judge("{\"reason\": \"it is\", \"score\": 0.8}");
        good("-m", A, "--repeat", "2");
        assertEquals(1, judgings().size());                 // all answers are the same
        assertEquals("it is", cells().getFirst().at("/checks/0/reason").asString());
        assertEquals("0.8", cells().getFirst().path("score").toString());
        reports(good("-m", A, "--repeat", "2"), "nothing to do: 6 ok");
        good("-m", A, "--repeat", "2", "--expect", "max-words: 20");
        assertEquals(1, judgings().size());
        good("-m", A, "--repeat", "2", "--expect", "llm-rubric: is brief");
        assertEquals(2, judgings().size());
        good("-m", A, "--repeat", "2", "--judge", B);
        assertEquals(B, Json.text(judgings().getLast(), "model"));
        good("-m", A, "--repeat", "2");                     // the first judge's verdict is still there
        assertEquals(3, judgings().size());
    }

    @Test
    void judgesModelIsCheckedFirst() {
        judge("{\"reason\": \"\", \"score\": 1}");
        reports(exits(2, eval("-m", A, "--judge", "gtp-5-mini")), "unknown model: gtp-5-mini");
        template("t", "{llm-rubric: is polite, model: nobody}", "{{text}}");
        reports(exits(2, eval("-m", A)), "unknown model: nobody");
        assertEquals(0, sent());
        template("t", "llm-rubric: is polite", "{{text}}");
        good("-m", A);
        cop.with("COP_MODEL", B);
        good("-m", A);
        assertEquals(4, sent());
    }

    @Test
    void answerWithoutVerdictIsNotJudged() {
        judge("{\"reason\": \"no score\"}");
        reports(exits(5, eval("-m", A)), "3 answers are not judged");
        assertFalse(cells().getFirst().has("pass"));
        int before = sent();
        exits(5, eval("-m", A));
        assertEquals(before, sent());
        exits(5, eval("-m", A, "--threshold", "10%"));
        cop.sim.set("answer", "{\"reason\": \"\", \"score\": 1}");
        good("-m", A, "--retry-failed");
        assertTrue(cells().getFirst().path("pass").asBoolean());
        assertEquals(before + 1, sent());
    }

    @Test
    void budgetHoldsForJudgesToo() {
        template("t", "llm-rubric: is polite", "say: {\"reason\": \"\", \"score\": 1, \"of\": \"{{text}}\"}");
        reports(exits(75, eval("-m", A, "-j", "1", "--max-requests", "4")), "--max-requests 4 is reached");
        assertEquals(4, sent());
    }

    @Test
    void similarTextsAreComparedOnce() {
        template("t", "{similar: '{{label}}', threshold: 0.9}", "say: {{text}}");
        good("-m", A, "--repeat", "2");
        assertEquals(1, cop.sim.count("/embeddings"));
        assertTrue(cells().stream().allMatch(cell -> cell.path("pass").asBoolean()), () -> told());
        good("-m", A, "--repeat", "2");
        assertEquals(1, cop.sim.count("/embeddings"));
        cop.write("rows.jsonl", cop.read("rows.jsonl").replace("\"label\": \"b\"", "\"label\": \"other words\""));
        good("-m", A, "--repeat", "2");
        assertEquals(2, cop.sim.count("/embeddings"));
        assertEquals(6, sent());
    }

    // -------------------------------------------------------------------------------------- what comes out

    @Test
    void tableReportAndJunit() throws Exception {
        cop.write("rows.jsonl", cop.read("rows.jsonl").replace("\"label\": \"b\"", "\"label\": \"x\""));
        var outcome = good("-m", A, "-m", B, "--report", "lab.html", "--junit", "lab.xml");
        Harness.prints(outcome, "\ngpt-5-mini ", "2 of 3  66.7%", "compared with gpt-5-mini", "worst rows:");
        String page = cop.read("lab.html");
        assertTrue(page.contains("say: b") && page.contains("claude-haiku-4.5"), page);
        var suites = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(cop.file("lab.xml").toFile());
        assertEquals("2", suites.getDocumentElement().getAttribute("failures"));
        assertEquals(6, suites.getElementsByTagName("testcase").getLength());
        var json = Json.object(good("-m", A, "-m", B, "--json").out(), "the table");
        assertEquals("2", json.at("/variants/0/passed").toString(), json::toString);
    }

    @Test
    void differenceOfTwoRuns() {
        rows(20);
        good("-m", A);
        cop.write("monday.jsonl", cop.read("lab.jsonl"));
        Harness.prints(cop.ok("eval", "diff", "monday.jsonl", "lab.jsonl", "--no-worse"), "0 rows worse");
        template("t", "equals: '{{label}}'", "say: not {{text}}");
        good("-m", A);
        Harness.prints(cop.ok("eval", "diff", "monday.jsonl", "lab.jsonl"), "20 rows worse");
        exits(5, cop.run("eval", "diff", "monday.jsonl", "lab.jsonl", "--no-worse"));
        exits(0, cop.run("eval", "diff", "lab.jsonl", "monday.jsonl", "--no-worse"));
        reports(exits(2, cop.run("eval", "diff", "rows.jsonl", "lab.jsonl")), "no field variant");
    }

    /// The job of README: a worse template fails it.
    @Test
    void continuousIntegration() {
        String[] job = {"eval", "t", "-d", "rows.jsonl", "-m", A, "-o", "lab.jsonl", "--junit", "lab.xml",
                "--threshold", "90%"};
        cop.ok(job);
        template("t", "equals: '{{label}}'", "say: The answer is {{text}}.");
        reports(exits(5, cop.run(job)), "error: gpt-5-mini: 0 of 3 cells passed (0%), below --threshold 90.0%");
        assertTrue(cop.read("lab.xml").contains("failures=\"3\""));
    }

    // -------------------------------------------------------------------------------------- verbs

    @Test
    void verbs() {
        var tools = cop.toolkit();
        var experiment = eval.evaluate(tools.prompt("t"), List.of(Map.of("id", 1, "text", "a", "label", "a"),
                Map.of("id", 2, "text", "b", "label", "x"))).models(A, B).repeat(2).delay(Duration.ZERO)
                .expect("not-contains: z").expect("label", (row, answer) -> answer.text("text").equals(
                row.text("label"))).to("lab.jsonl");
        assertTrue(experiment.toString().contains("claude-haiku-4.5  2 of 4"), experiment::toString);
        assertEquals(8, sent());
        assertEquals(List.of("equals: {{label}}", "not-contains: z", "label"), cells().getLast().path("checks")
                .valueStream().map(check -> Json.text(check, "name")).toList());
        assertEquals("false", cells().getLast().at("/checks/2/pass").toString());
        experiment.report("lab.html");
        assertTrue(cop.read("lab.html").contains("say: b"));
        assertEquals(8, sent());
    }

    private eval.Evaluation evaluation(BiPredicate<copilot.Row, copilot.Row> test) {
        return eval.evaluate(cop.toolkit().prompt("t"), "rows.jsonl").models(A).delay(Duration.ZERO).expect("java",
                test);
    }

    @Test
    void checksInJavaCountAsOthersDo() {
        template("t", "{equals: x, weight: 0}", "say: {{text}}");
        evaluation((_, answer) -> answer.text("text").equals("a")).to("lab.jsonl");
        assertEquals("a/g/1=a+ b/g/1=b- c/g/1=c-", told());
        assertEquals("1.0", cells().getFirst().path("score").toString());
        template("t", "{equals: x, weight: 3}", "say: {{text}}");
        evaluation((_, _) -> true).to("lab.jsonl");
        assertEquals("a/g/1=a- b/g/1=b- c/g/1=c-", told());
        assertEquals("0.25", cells().getFirst().path("score").toString());
        judge("{\"reason\": \"no score\"}");
        evaluation((row, _) -> row.text("id").equals("a")).to("lab.jsonl");
        assertEquals(List.of(true, false, false), cells().stream().map(cell -> cell.path("pass").isMissingNode())
                .toList());
    }

    @Test
    void aCheckInJavaThatThrowsNamesItselfAndTheRow() {
        template("t", "{contains: a}", "say: {{text}}");
        var fault = assertThrows(copilot.Fault.class, () -> evaluation((row, _) -> {
            if (row.text("id").equals("b")) throw new IllegalStateException("boom");
            return true;
        }).to("lab.jsonl"));
        assertTrue(fault.getMessage().contains("\"java\" failed for the answer to rows.jsonl:2: java.lang.Illegal"),
                fault.getMessage());
        int asked = sent();
        assertTrue(assertThrows(copilot.Fault.class, () -> evaluation((_, _) -> {
            throw copilot.Fault.interrupted();
        }).to("lab.jsonl")).is(copilot.Fault.Kind.INTERRUPTED));
        assertTrue(assertThrows(copilot.Fault.class, () -> evaluation((_, _) -> {
            throw new AssertionError("no");
        }).to("lab.jsonl")).getMessage().contains("rows.jsonl:1: java.lang.AssertionError: no"));
        evaluation((_, _) -> true).to("lab.jsonl");
        assertEquals(asked, sent());
    }

    /// The rows' answers are found by their number.
    @Test
    void rowsChangedDuringTheRunAreNotTakenForOthers() {
        var busy = new AtomicBoolean();
        var experiment = evaluation((_, _) -> {
            if (busy.get()) rows("c", "b");
            return true;
        }).to("lab.jsonl");
        busy.set(true);
        var fault = assertThrows(copilot.Fault.class, () -> experiment.report("lab.html"));
        assertTrue(fault.message().contains("rows.jsonl was changed during the run"), fault::message);
        busy.set(false);
        experiment.report("lab.html");
        assertEquals(3, sent());
    }

    // -------------------------------------------------------------------------------------- processes

    private Process start(String... more) throws IOException {
        var args = Stream.concat(Stream.of("eval", "t", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0"),
                Stream.of(more));
        return cop.process(args.toArray(String[]::new)).redirectErrorStream(true)
                .redirectOutput(cop.file("said.txt").toFile()).redirectInput(new File("/dev/null")).start();
    }

    /// Killed at random moments: each cell is answered, and what was paid beyond that is at most what was in flight.
    private void killed(int kills, int rows, int jobs) throws Exception {
        rows(rows);
        cop.sim.set("latency", 30);
        var random = new Random(7);
        String[] run = {"-m", A, "-m", B, "-m", "mai-code-1.1-flash", "--repeat", "2", "-j", "" + jobs};
        int cells = rows * 6;
        for (int i = 0; i < kills; i++) {
            long before = sent();
            var process = start(run);
            int after = 1 + random.nextInt(cells / (2 * kills));
            Harness.await("requests", () -> sent() >= before + after || !process.isAlive());
            Thread.sleep(random.nextInt(20));               // somewhere between two answers
            process.destroyForcibly().waitFor();
        }
        var last = start(run);
        assertTrue(last.waitFor(60, TimeUnit.SECONDS), "still at work");
        assertEquals(0, last.exitValue(), () -> cop.read("said.txt"));
        assertEquals(cells, cells().stream().filter(cell -> cell.path("pass").asBoolean()).map(cell -> cell.path("id")
                + " " + cell.path("variant") + cell.path("repeat")).distinct().count());
        long extra = sent() - cells;
        assertTrue(extra <= (long) kills * jobs, extra + " requests too many in " + kills + " kills at -j " + jobs);
        long before = sent();
        reports(good(run), "nothing to do");
        assertEquals(before, sent());
    }

    @Test
    void twoKills() throws Exception { killed(2, 12, 4); }

    @Test
    @Tag("slow")
    void twentyKills() throws Exception { killed(20, 100, 8); }

    private static final List<String> FOUR = List.of(A, B, "gpt-5.4-mini", "mai-code-1.1-flash");

    /// Runs one row, and writes what answers to all others would have left in the run's journal.
    private String[] answered(int rows, int repeat) throws IOException {
        template("t", "equals: '{{label}}'", "say: {{text}}, of " + "many words ".repeat(40));
        rows(rows);
        var args = new ArrayList<>(List.of("eval", "t", "-d", "rows.jsonl", "-o", "lab.jsonl", "--delay", "0", "-y",
                "--repeat", "" + repeat));
        FOUR.forEach(model -> args.addAll(List.of("-m", model)));
        exits(0, cop.run(Stream.concat(args.stream(), Stream.of("-L", "1")).toArray(String[]::new)));
        var env = cop.environment();
        var spec = new EvalSpec(new BatchSpec());
        spec.repeat = repeat;
        var nothing = new PreparedPrompt(new copilot.Request(null, List.of(), null, true), null);
        new EvalVariants(env, new Console(env), nothing, new TemplateVariables()).of(List.of("t"), FOUR, List.of())
                .forEach(each -> spec.variants.add(each.with(each.shown().name(), each.shown().model(), true)));
        try (var input = new EvalInput(RowReader.opened(env, "rows.jsonl", "rows.jsonl", "jsonl"), spec, null, null);
                var to = Files.newBufferedWriter(cop.file("lab.jsonl.run/journal.jsonl"))) {
            for (var row = input.next(); row != null; row = input.next()) {
                for (var cell : row.cells()) to.write("{\"key\":\"" + cell.item().key() + "\",\"status\":\"ok\","
                        + "\"at\":1,\"cost\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"requests\":1},\"result\":"
                        + "{\"id\":\"" + row.id() + "\",\"status\":\"ok\",\"text\":\"a" + cell.item().index()
                        + "\",\"model\":\"m\",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1},\"ms\":9}}\n");
            }
        }
        return args.toArray(String[]::new);
    }

    private Outcome inHeap(String size, String... args) throws IOException {
        var process = cop.process(args);
        process.command().add(process.command().indexOf("-XX:+UseSerialGC"), "-Xmx" + size);
        return Harness.finished(process.redirectInput(new File("/dev/null")).start(), "");
    }

    /// A run with nothing to do reads its files: less than 2 s, where the machine is not busy with others.
    @Test
    @Tag("slow")
    void nothingToDoIsQuick() throws IOException {
        String[] args = answered(1000, 3);
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            long start = System.nanoTime();
            reports(exits(0, inHeap("256m", args)), "nothing to do: 12000 ok");
            best = Math.min(best, (System.nanoTime() - start) / 1_000_000);
        }
        assertTrue(best < 2000, best + " ms");
    }

    @Test
    @Tag("slow")
    void aHundredThousandCellsInASmallHeap() throws IOException {
        String[] args = answered(10_000, 3);
        var outcome = inHeap("256m", Stream.concat(Stream.of(args), Stream.of("--report", "lab.html", "--junit",
                "lab.xml")).toArray(String[]::new));
        reports(exits(0, outcome), "nothing to do: 120000 ok");
        assertEquals(120_000, cop.read("lab.jsonl").lines().count());
    }

    @Test
    void watchShowsTheFirstRowsAgain() throws Exception {
        rows(30);
        var process = start("-m", A, "--watch");
        Harness.await("the first table", () -> cop.read("said.txt").contains("watching rows.jsonl, t.mustache"));
        assertEquals(5, sent());
        template("t", "equals: '{{label}}'", "say: {{text}}!");
        Harness.await("the second table", () -> cop.read("said.txt").split("watching rows.jsonl, t").length == 3);
        assertEquals(10, sent());
        cop.write("templates/t.mustache", "{{#text}}");
        Harness.await("an error", () -> cop.read("said.txt").split("watching rows.jsonl, t").length == 4);
        new ProcessBuilder("kill", "-INT", "" + process.pid()).start().waitFor();
        assertTrue(process.waitFor(10, TimeUnit.SECONDS));
        assertEquals(130, process.exitValue(), () -> cop.read("said.txt"));
        assertTrue(cop.read("said.txt").contains("error: templates/t.mustache"), () -> cop.read("said.txt"));
        assertFalse(Files.exists(cop.file("lab.jsonl")));
    }
}
