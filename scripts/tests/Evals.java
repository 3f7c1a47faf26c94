package cop;

import module java.base;

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
        good("-m", A, "-m", B);                             // a model more
        assertEquals(List.of("c:a", "c:b", "c:c"), modelsSince(3));
        rows("d", "c", "a", "b2");                          // inserted, reordered, edited
        good("-m", A, "-m", B);
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
    void variantIsKnownByItsSettings() {
        good("--variant", "cold: {model: " + A + ", temperature: 0}");
        good("--variant", "warm: {model: " + A + ", temperature: 0}");
        assertEquals(3, sent());
        assertEquals("a/w/1=a+ b/w/1=b+ c/w/1=c+", told());
        good("-m", A, "-j", "1", "--variant", "hot: {model: " + A + ", temperature: 1.5}");
        assertEquals(9, sent());
        assertEquals("0", cop.bodies().getFirst().path("temperature").toString());
        assertFalse(cop.bodies().get(3).has("temperature"));
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
            "--variant x:{modle:y} | expected", "-L -1 | -L",
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
        assertEquals(0, sent());
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
    void changedOutIsKept() {
        good("-m", A);
        cop.write("lab.jsonl", "mine\n");
        reports(good("-m", A), "lab.jsonl was changed since this run wrote it");
        assertEquals("mine\n", cop.read("lab.jsonl.changed-1"));
        assertEquals("a/g/1=a+ b/g/1=b+ c/g/1=c+", told());
    }
}
