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
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Rows and cells: read without a change, and what cannot be read is reported with its line.
class RowReaders {
    private final Harness cop = Harness.loggedIn();
    private final Toolkit toolkit = cop.toolkit();

    RowReaders() { cop.write("templates/t.mustache", "say: {{text}}"); }

    @AfterEach
    void close() { cop.close(); }

    private Outcome batch(String rows, String... more) {
        return cop.run(Stream.concat(Stream.of("batch", "t", "-d", rows, "-o", "out.jsonl", "--delay", "0", "-j", "1"),
                Stream.of(more)).toArray(String[]::new));
    }

    private List<JsonNode> results() { return cop.jsonLines("out.jsonl"); }

    private Path writeBytes(String name, String latin1) {
        try {
            return Files.write(cop.file(name), latin1.getBytes(StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ----------------------------------------------------------------------------------- what a cell is

    /// File, content, a part of a note or empty, and the texts that are sent.
    static final List<List<String>> CELLS = List.of(
            // blanks at a row's beginning, as everywhere
            List.of("r.csv", "text,id\n    return x;,1\n\ty,2\n", "", "    return x;", "\ty"),
            List.of("r.csv", "id,text\n1,  two  \n", "", "  two  "),
            List.of("r.tsv", "text\tid\n  - item\t1\n", "", "  - item"),
            // blanks around quotes
            List.of("r.csv", "id,text\n1, \"hello\"\n2,\t\"say \"\"yes\"\"\" \n", "", "hello", "say \"yes\""),
            List.of("r.csv", "text,id\n   \"quoted, yes\" ,1\n\" in \",2\n", "", "quoted, yes", " in "),
            List.of("r.csv", "id,text\n1,5\" pipe\n2,a \"b\" c\n", "", "5\" pipe", "a \"b\" c"),
            List.of("r.csv", "id,text\r\n1,\"a\r\nb\"\r\n2,\"a\nb\"\r\n", "", "a\r\nb", "a\nb"),
            List.of("r.csv", "id,text\r1,a\r2,b\r", "", "a", "b"),
            List.of("r.csv", "id,text\n1,\u00c5 \u2026 \"\u00c5\"\n2,\"\u2026\"\n", "",
                    "\u00c5 \u2026 \"\u00c5\"", "\u2026"),
            List.of("r.csv", "id,n,text\n1,,2", "", "2"),
            List.of("r.csv", "\"id\",\"text\"\n\"1\",\"" + "x\"\"y\n".repeat(2000) + "\"\n", "", "x\"y\n".repeat(2000)),
            List.of("r.csv", "id;text;n\n1;a, b;1,5\n", "", "a, b"),
            List.of("r.csv", "\"id\";\"name, first\";\"text\"\n1;Ada;hello\n", "", "hello"),
            List.of("r.csv", "\"id\n, n\";text\n1;x\n", "", "x"),
            // a TSV has the quotes of Excel
            List.of("r.tsv", "id\ttext\n1\t\"He said \"\"hi\"\"\"\n", "", "He said \"hi\""),
            List.of("r.tsv", "id\ttext\n1\t\"two\nlines\"\n2\tx, \"y\n", "", "two\nlines", "x, \"y"),
            List.of("r.tsv", "id\ttext\n1\t\"half inch\n2\t\"so\" he said\n3\td\"\n", "", "\"half inch",
                    "\"so\" he said", "d\""),
            // Excel's first line
            List.of("r.csv", "sep=;\nid;text\n1;a, b\n", "", "a, b"),
            List.of("r.csv", "\ufeffsep=,\r\nid,text\r\n1,\"a, b\"\r\n", "", "a, b"),
            List.of("r.csv", "\"sep=|\"\nid|text\n1|a, b\n", "", "a, b"),
            List.of("r.csv", "sep=\t\nid\ttext\n1\t\"a \"\"b\"\"\"\n", "", "a \"b\""),
            // tabs and bars in a .csv
            List.of("r.csv", "id\ttext\n1\thello, you\n2\t\"a \"\"b\"\"\"\n", "", "hello, you", "a \"b\""),
            List.of("r.csv", "id|text\n1|hello, you\n", "", "hello, you"),
            // headings
            List.of("r.csv", " id , text \n1,a\n", "", "a"),
            List.of("r.csv", "id\u00a0,\u200btext\n1,a\n", "", "a"),
            List.of("r.csv", ",text,label\n0,hello,a\n", "skipped columns without a name", "hello"),
            List.of("r.csv", "id,text,,\n1,hello,,\n2,x,y,z\n", "skipped columns without a name", "hello", "x"),
            List.of("r.csv", "id,text\n1,a\nid,text\n2,b\n", "skipped repeated headers: 1", "a", "b"),
            // rows without any value
            List.of("r.csv", "id,text,n\n1,a,x\n,,\n , ,\" \"\n\n,,,,\n2,b,\n", "skipped rows without values: 3",
                    "a", "b"),
            List.of("r.csv", "id;text\n1;a\n;\n", "skipped rows without values: 1", "a"),
            List.of("r.tsv", "id\ttext\n1\ta\n\t\n", "skipped rows without values: 1", "a"),
            List.of("r.jsonl", "{\"id\": \"\", \"text\": null}\n{}\n{\"id\": 1, \"text\": \"a\"}\n",
                    "skipped rows without values: 2", "a"),
            List.of("r.json", "[{\"text\": \"\"}, {\"text\": \"a\"}]", "skipped rows without values: 1", "a"),
            List.of("r.jsonl", "{\"text\": \"a\"}\n{\"id\": 1, \"text\": \"b\"}\n", "", "a", "b"),
            // an array in .jsonl
            List.of("r.jsonl", "[\n  {\"id\": 1, \"text\": \"a\"},\n  {\"id\": 2, \"text\": \"b\"}\n]\n", "", "a", "b"),
            List.of("r.jsonl", "\ufeff [{\"id\": 1, \"text\": \"a\"}]", "", "a"));

    @ParameterizedTest
    @FieldSource("CELLS")
    void cellValues(List<String> row) {
        cop.write(row.get(0), row.get(1));
        var texts = row.subList(3, row.size());
        var outcome = exits(0, batch(row.get(0)));
        assertEquals(texts, cop.prompts(), outcome::all);
        assertTrue(outcome.err().contains(row.get(2)), outcome::all);
        assertEquals(row.get(2).isEmpty() ? 0 : 1, outcome.err().split("note: r\\.", -1).length - 1, outcome::all);
        assertEquals(texts, toolkit.rows(row.get(0)).map(r -> r.text("text")).toList(), "rows() in Java");
        if (texts.stream().anyMatch(String::isBlank)) return;
        var embedded = exits(0, cop.run("embed", "-d", row.get(0), "--dimensions", "3", "--echo"));
        assertEquals(texts, embedded.out().lines().map(line -> Json.text(Json.tryParse(line), "text")).toList());
        assertTrue(embedded.err().contains(row.get(2)), embedded::all);
    }

    @Test
    void emptyIdIsMissing() {
        cop.write("r.csv", "id,text\n,hello\n,bye\n \t,so\n");
        exits(0, batch("r.csv"));
        assertEquals(3, results().stream().map(r -> Json.text(r, "id")).distinct().count());
        assertTrue(results().stream().noneMatch(r -> Json.text(r, "id").isBlank()));
        assertEquals("0 1 2", exits(0, cop.run("embed", "-d", "r.csv")).out().lines().map(Json::tryParse)
                .map(line -> line.path("index").asString() + line.path("id").asString("")).collect(
                        Collectors.joining(" ")));
        cop.write("r.jsonl", "{\"id\": \"\", \"custom_id\": \"c\", \"text\": \"x\"}\n");
        exits(0, batch("r.jsonl", "--again"));
        assertEquals("c", Json.text(results().getFirst(), "id"));
        var outcome = exits(2, batch("r.csv", "--id", "id"));
        assertTrue(outcome.err().contains("r.csv:2: no value for --id id"), outcome::all);
    }

    // ------------------------------------------------------------------------------ refused by their line

    /// File, content (a char a byte), the error, a part of the hint.
    static final List<List<String>> REFUSED = List.of(
            List.of("r.csv", "\"id\"x,text\n1,a\n", "r.csv:1: ", "quote"),
            List.of("r.csv", "\"id,text\n1,a\n", "r.csv:1: ", "quote"),
            List.of("r.csv", "id,text\n1,a\n2,\"b\n3,c\n", "r.csv:3: ", "quote"),
            List.of("r.csv", "id,text\n1,\"a\"b\n", "r.csv:2: ", "quote"),
            List.of("r.csv", "id,id\n1,a\n", "r.csv:1: duplicate column", "rename"),
            List.of("r.csv", "id, id\n1,a\n", "r.csv:1: duplicate column", "rename"),
            List.of("r.csv", ",,\n1,a,b\n", "r.csv:1: no column has a name", "line 1"),
            List.of("r.csv", "id,text\n1,a\u0000b\n", "r.csv:2 ", "tr -d '\\0' <r.csv"),
            List.of("r.csv", "id,text\n1,\u0093caf\u00e9\u0094 \u0080\n", "r.csv:2 is not UTF-8 text", "cp1252"),
            List.of("r.csv", "id,text\n" + ",abc\n".repeat(3000) + "2,\u00e9\n", "r.csv:3002 is not UTF-8 text",
                    "cp1252"),
            List.of("r.jsonl", "{\"text\": \"a\"}\n{\"text\": \"\u00e9\"}\n", "r.jsonl:2 is not UTF-8 text", "cp1252"),
            List.of("r.json", "[{\"text\": \"a\"},\n{\"text\": \"\u00e9\"}]\n", "r.json:2 is not UTF-8 text", "cp1252"),
            List.of("r.json", "{\"text\": \"caf\u00e9\"}\n", "r.json:1 is not UTF-8 text", "cp1252"),
            List.of("r.json", "{\"id\":{\"0\":1,\"1\":2},\"text\":{\"0\":\"hello\",\"1\":\"bye\"}}",
                    "r.json:1 is a table, not a row", "orient="),
            List.of("r.jsonl", "{\"id\":{\"0\":1},\"text\":{\"0\":\"hello\"}}", "r.jsonl:1 is a table, not a row",
                    "orient="),
            List.of("r.json", "{\"0\":{\"id\":1,\"text\":\"a\"},\"1\":{\"id\":2,\"text\":\"b\"}}",
                    "r.json:1 is a table, not a row", "orient="),
            List.of("r.json", "{\"columns\":[\"id\",\"text\"],\"index\":[0,1],\"data\":[[1,\"a\"],[2,\"b\"]]}",
                    "r.json:1 is a table, not a row", "orient="));

    @ParameterizedTest
    @FieldSource("REFUSED")
    void invalidRowsAreReportedWithLine(List<String> row) {
        writeBytes(row.get(0), row.get(1));
        for (var outcome : List.of(batch(row.get(0)), cop.run("embed", "-d", row.get(0)))) {
            exits(2, outcome);
            assertTrue(outcome.err().startsWith("error: " + row.get(2)), outcome::all);
            assertEquals(1, outcome.err().split("error: ", -1).length - 1, outcome::all);
            String hint = outcome.err().substring(outcome.err().indexOf("hint: "));
            assertTrue(hint.contains(row.get(3)), outcome::all);
        }
        assertEquals(List.of(), cop.prompts());
        var fault = assertThrows(copilot.Fault.class, () -> toolkit.rows(row.get(0)).toList());
        assertTrue(fault.message().startsWith(row.get(2)), fault.message());
    }

    /// One error, not one a line, for rows of another format.
    @ParameterizedTest
    @ValueSource(strings = {"id,text\n1,a\n2,b\n", "id\ttext\n1\ta\n", "Dear all,\n\nhello\n"})
    void pipedRowsAreJsonLines(String rows) {
        for (var outcome : List.of(cop.runWith(rows, "batch", "t", "-d", "-", "-o", "out.jsonl"),
                cop.runWith(rows, "embed", "-d", "-"))) {
            exits(2, outcome);
            assertTrue(outcome.err().startsWith("error: stdin is not JSON Lines; it begins with "
                    + rows.lines().findFirst().orElseThrow().replace("\t", "\t") + "\n"), outcome::all);
            assertTrue(outcome.err().contains("--format csv"), outcome::all);
            assertEquals(2, outcome.err().lines().count(), outcome::all);
        }
        exits(0, cop.runWith("id,text\n1,a\n", "batch", "t", "-d", "-", "--format", "csv", "-o", "out.jsonl"));
    }

    @Test
    void embedReportsAllInvalidRows() {
        var outcome = exits(2, cop.runWith("a\n\nb\n \n", "embed"));
        assertTrue(outcome.err().startsWith("error: stdin:2: the text is empty\nerror: stdin:4: the text is empty\n"),
                outcome::all);
        cop.write("r.jsonl", "{\"text\": \"a\"}\n{oops\n{\"txt\": 1}\n");
        outcome = exits(2, cop.run("embed", "-d", "r.jsonl"));
        assertEquals(2, outcome.err().split("error: ", -1).length - 1, outcome::all);
        cop.write("r.json", "[{\"text\": \"a\"}, {oops}, {\"text\": \"b\"}]");
        outcome = exits(2, cop.run("embed", "-d", "r.json"));
        assertEquals(1, outcome.err().split("error: ", -1).length - 1, outcome::all);
    }

    /// Written rows are read unchanged.
    @ParameterizedTest
    @ValueSource(strings = {"out.csv", "out.tsv"})
    void csvRoundTrip(String out) {
        var texts = List.of("\"quoted\"", "  \"so\" he said", "5\" pipe", "  blanks  ", "a,b;c|d", "\"", "\"\"\"");
        cop.write("r.jsonl", texts.stream().map(text -> Json.compact(Map.of("text", text)) + "\n").collect(
                Collectors.joining()));
        exits(0, cop.run("batch", "t", "-d", "r.jsonl", "-o", out, "--delay", "0", "--echo", "text"));
        assertEquals(texts, toolkit.rows(out).map(row -> row.text("row_text")).toList());
    }

    // ------------------------------------------------------------------- what is no text is called by name

    private static final String OFFICE = "PK\u0003\u0004\u0014\u0000\u0006\u0000\u00ff\n";

    /// Name, content (a char a byte), what it is called, a part of the hint.
    static final List<List<String>> KINDS = List.of(
            List.of("book.xlsx", OFFICE, "an Excel workbook", "CSV"),
            List.of("book.csv", OFFICE + "xl/workbook.xml", "an Excel workbook", "CSV"),
            List.of("r.docx", OFFICE, "a Word document", "pandoc -t plain r.docx"),
            List.of("r.zip", OFFICE, "a ZIP archive", "unzip -p r.zip"),
            List.of("old.xls", "\u00d0\u00cf\u0011\u00e0\u00a1\u00b1\u001a\u00e1", "an Excel workbook", "CSV"),
            List.of("r.pdf", "%PDF-1.7\n%\u00e2\u00e3\u00cf\u00d3\n", "a PDF", "pdftotext"),
            List.of("p.png", "\u0089PNG\r\n\u001a\n\u0000\u0000", "a PNG image", "-a p.png"),
            List.of("p.jpg", "\u00ff\u00d8\u00ff\u00e0", "a JPEG image", "-a p.jpg"),
            List.of("p.heic", "\u0000\u0000\u0000\u0018ftypheic\u0000", "a HEIC image", "p.heic"),
            List.of("r.gz", "\u001f\u008b\b\u0000", "a gzip archive", "gunzip"),
            List.of("r.parquet", "PAR1\u0015\u0004\u0000", "a Parquet file", "duckdb"),
            List.of("r16.csv", "\u00ff\u00fei\u0000d\u0000,\u0000t\u0000", "UTF-16",
                    "iconv -f utf-16 -t utf-8 r16.csv"),
            List.of("r16.csv", "i\u0000d\u0000,\u0000t\u0000e\u0000x\u0000t\u0000\n\u0000", "UTF-16",
                    "iconv -f utf-16le -t utf-8 r16.csv"),
            List.of("a b.gz", "\u001f\u008b\b\u0000", "a gzip archive", "gunzip -k 'a b.gz'"));

    private void named(List<String> row, Outcome outcome) {
        exits(2, outcome);
        String error = outcome.err().lines().filter(line -> line.startsWith("error: ")).findFirst().orElse("");
        String hint = outcome.err().lines().filter(line -> line.startsWith("hint: ")).findFirst().orElse("");
        assertTrue(error.contains(" is " + row.get(2)), outcome::all);
        assertTrue(hint.contains(row.get(3).contains(row.get(0)) && error.contains("stdin") ? "" : row.get(3)),
                outcome::all);
        assertFalse(hint.contains("FILE"), outcome::all);
        assertEquals(1, outcome.err().split("error: ", -1).length - 1, outcome::all);
    }

    @ParameterizedTest
    @FieldSource("KINDS")
    void binaryInputIsReportedEverywhere(List<String> row) throws IOException {
        String name = row.get(0);
        byte[] bytes = Files.readAllBytes(writeBytes(name, row.get(1)));
        for (String format : List.of("jsonl", "json", "csv", "tsv")) named(row, batch(name, "--format", format));
        named(row, cop.run("embed", "-d", name));
        named(row, cop.run("chat", "-f", name, "sum up"));
        named(row, cop.run("render", "t", "-d", name));
        named(row, cop.run("render", "t", "--var-file", "text=" + name));
        named(row, cop.run("chat", "--schema", name, "x"));
        named(row, cop.run("render", name));
        var fault = assertThrows(copilot.Fault.class, () -> toolkit.rows(name).toList());
        assertTrue(fault.message().contains(" is " + row.get(2)), fault.message());
        assertEquals(List.of(), cop.prompts());
        if (OFFICE.equals(row.get(1))) return;              // its name alone tells
        named(row, cop.runWith(bytes, "chat", "sum up"));
        named(row, cop.runWith(bytes, "batch", "t", "-d", "-", "-o", "out.jsonl"));
        named(row, cop.runWith(bytes, "embed", "-d", "-"));
        named(row, cop.runWith(bytes, "embed"));
    }

    @Test
    void unsupportedImageTypeIsReported() {
        writeBytes("book.xlsx", OFFICE);
        writeBytes("p.heic", "\u0000\u0000\u0000\u0018ftypheic\u0000");
        cop.write("notes.md", "hello");
        for (var each : List.of(List.of("book.xlsx", "an Excel workbook"), List.of("p.heic", "a HEIC image"),
                List.of("notes.md", "not a supported image"))) {
            var outcome = exits(2, cop.run("chat", "-a", each.get(0), "x"));
            assertTrue(outcome.err().contains(each.get(0) + " is " + each.get(1)), outcome::all);
        }
    }

    /// Words at a text's beginning make nothing of it but a text.
    @ParameterizedTest
    @ValueSource(strings = {"GIF89a or GIF87a?", "PAR1 and PAR2", "BM", "PK", "ID3 tags", "RIFF"})
    void argumentsAreText(String text) {
        exits(0, cop.runWith("say: " + text, "chat"));
        cop.write("f.txt", text);
        exits(0, cop.run("chat", "-f", "f.txt", "x"));
        exits(0, cop.runWith(text, "chat"));
    }

    @Test
    void lineOfPipeIsReported() throws Exception {
        byte[] mixed = "caf\u00e9 old\ngr\u00c3\u00b6\u00c3\u009fe\n".getBytes(StandardCharsets.ISO_8859_1);
        var outcome = exits(2, cop.runWith(mixed, "chat", "commit message"));
        assertTrue(outcome.err().contains("error: stdin:1 is not UTF-8 text\n"), outcome::all);
        String hint = outcome.err().substring(outcome.err().indexOf("hint: "));
        assertFalse(hint.contains("iconv"), "it would spoil the other line");
        Files.write(cop.file("mixed.txt"), mixed);
        hint = exits(2, cop.run("chat", "-f", "mixed.txt", "x")).err().lines().toList().getLast();
        assumeTrue(new ProcessBuilder("sh", "-c", "command -v perl").start().waitFor() == 0, "no perl here");
        String command = hint.substring(hint.indexOf("perl "), hint.indexOf(" >"));
        var mended = Harness.finished(new ProcessBuilder("sh", "-c", command).directory(cop.home.toFile()).start(), "");
        assertEquals("café old\ngröße\n", mended.out());
        outcome = exits(2, cop.runWith("a\nb\nc\u00e9\n".getBytes(StandardCharsets.ISO_8859_1), "chat"));
        assertTrue(outcome.err().contains("error: stdin:3 is not UTF-8 text\n"), outcome::all);
        var fault = assertThrows(copilot.Fault.class, () -> toolkit.run("cat", "mixed.txt"));
        assertTrue(fault.message().contains("cat:1 is not UTF-8 text"), fault.message());
        assertEquals("a\0b", toolkit.run("printf", "a\\0b"));
    }

    @Test
    void rowsOfFolderSkipLinksOutOfIt() throws IOException {
        cop.write("secret/key.json", "{\"text\": \"the secret\"}");
        cop.write("rows/a.json", "{\"text\": \"fine\"}");
        Files.createSymbolicLink(cop.file("rows/key.json"), Path.of("../secret/key.json"));
        cop.write("t.mustache", "Say {{text}}");
        var outcome = cop.ok("batch", "t.mustache", "-d", "rows", "-o", "o.jsonl", "--delay", "0");
        assertEquals(1, cop.bodies().size(), outcome::all);
        assertTrue(outcome.err().contains("rows/key.json"), outcome::all);
    }

    // ------------------------------------------------------------------------------------------------- ids

    @Test
    void idsAreUnchanged() {
        cop.write("r.jsonl", """
                {"id": 7, "text": "a", "n": 1.50}
                {"id": "07", "text": "b", "n": "1.50"}
                {"id": 1.50, "text": "c", "n": null}
                {"id": true, "text": "d", "n": [1, "2"]}
                {"id": 12345678901234567890, "text": "e", "n": false}
                """);
        exits(0, batch("r.jsonl", "--echo", "n"));
        assertEquals("7 \"07\" 1.50 true 12345678901234567890", results().stream().map(r -> r.path("id").toString())
                .collect(Collectors.joining(" ")));
        assertEquals("1.50 \"1.50\" null [1,\"2\"] false", results().stream().map(r -> r.path("echo").path("n")
                .toString()).collect(Collectors.joining(" ")));
        assertEquals(5, cop.prompts().size());
        var again = exits(0, batch("r.jsonl", "--echo", "n"));
        assertTrue(again.err().contains("nothing to do: 5 ok"), again::all);
        exits(0, cop.run("batch", "t", "-d", "r.jsonl", "-o", "o.json", "--run", "out.jsonl.run"));
        assertTrue(cop.read("o.json").contains("{\"id\":1.50,"), cop.read("o.json"));
        exits(0, cop.run("batch", "t", "-d", "r.jsonl", "-o", "o.csv", "--run", "out.jsonl.run"));
        assertTrue(cop.read("o.csv").contains("\n1.50,ok"), cop.read("o.csv"));
        exits(0, cop.run("batch", "t", "-d", "r.jsonl", "-o", "o2.jsonl", "--run", "out.jsonl.run", "--out-format",
                "openai"));
        assertTrue(cop.read("o2.jsonl").contains("\"custom_id\":\"1.50\""), cop.read("o2.jsonl"));
        assertEquals("7 \"07\" 1.50 true 12345678901234567890", exits(0, cop.run("embed", "-d", "r.jsonl")).out()
                .lines().map(line -> Json.tryParse(line).path("id").toString()).collect(Collectors.joining(" ")));
    }

    /// A CSV converted to JSON has the same rows, because ids are compared as text.
    @Test
    void numericAndTextIdsAreEqual() {
        cop.write("r.jsonl", "{\"id\": 7, \"text\": \"a\"}\n{\"id\": \"7\", \"text\": \"b\"}\n");
        var outcome = exits(2, batch("r.jsonl"));
        assertTrue(outcome.err().contains("r.jsonl:2: duplicate id 7, as in row 1"), outcome::all);
    }

    @Test
    void filesPerRowUseDigitsOfId() {
        cop.write("r.jsonl", "{\"id\": 7, \"text\": \"a\"}\n{\"id\": 1.50, \"text\": \"b\"}\n");
        exits(0, cop.run("batch", "t", "-d", "r.jsonl", "-o", cop.home + "/out/{{id}}.md", "--run", "run", "--delay",
                "0"));
        assertEquals("a\nb\n", cop.read("out/7.md") + cop.read("out/1.50.md"));
    }

    @Test
    void idsRoundedByExcelAreReported() {
        cop.write("r.csv", "id,text\n1.23457E+15,a\n1.23457E+15,b\n");
        var outcome = exits(2, batch("r.csv"));
        assertTrue(outcome.err().contains("r.csv:3: duplicate id 1.23457E+15, as in row 1"), outcome::all);
        assertTrue(outcome.err().contains("Excel has rounded it"), outcome::all);
    }

    // ------------------------------------------------------------------------------- rows for other APIs

    /// The row, what it is called, and the way on; `jq` lines are run.
    static final List<List<String>> FOREIGN = List.of(
            List.of("{\"custom_id\":\"a\",\"url\":\"/v1/embeddings\",\"body\":{\"model\":\"m\",\"input\":\"say: x\"}}",
                    "unsupported: a request to /v1/embeddings", " embed -d"),
            List.of("{\"custom_id\":\"a\",\"url\":\"/v1/responses\",\"body\":{\"model\":\"gpt-5-mini\",\"input\":"
                    + "\"say: x\"}}", "unsupported: a request to /v1/responses", "jq -c"),
            List.of("{\"custom_id\":\"a\",\"params\":{\"model\":\"gpt-5-mini\",\"max_tokens\":50,\"system\":\"s\","
                    + "\"messages\":[{\"role\":\"user\",\"content\":\"say: x\"}]}}", "unsupported: an Anthropic batch",
                    "jq -c"),
            List.of("{\"messages\":[{\"role\":\"user\",\"content\":\"say: x\"}]}",
                    "unsupported: messages without a body", "jq -c"),
            List.of("{\"custom_id\":\"a\",\"url\":\"/v1/completions\",\"body\":{\"model\":\"gpt-5-mini\",\"prompt\":"
                    + "\"say: x\"}}", "unsupported: a request to /v1/completions", "jq -c"),
            List.of("{\"id\":1,\"text\":\"x\"}", "not a request of the Batch API", "TEMPLATE"));

    @ParameterizedTest
    @FieldSource("FOREIGN")
    void rowsForOtherApisAreReported(List<String> row) throws Exception {
        cop.write("r.jsonl", row.get(0) + "\n");
        var outcome = exits(2, cop.run("batch", "-d", "r.jsonl", "-o", "out.jsonl"));
        assertTrue(outcome.err().startsWith("error: r.jsonl:1: " + row.get(1)), outcome::all);
        String hint = outcome.err().lines().toList().getLast();
        assertTrue(hint.contains(row.get(2)), outcome::all);
        if (!row.get(2).equals("jq -c")) return;
        assumeTrue(new ProcessBuilder("sh", "-c", "command -v jq").start().waitFor() == 0, "no jq here");
        String command = hint.substring(hint.indexOf("jq -c "), hint.indexOf(">requests.jsonl"));
        var jq = Harness.finished(new ProcessBuilder("sh", "-c", command).directory(cop.home.toFile()).start(), "");
        cop.write("requests.jsonl", jq.out());
        exits(0, cop.run("batch", "-d", "requests.jsonl", "-o", "out.jsonl", "--delay", "0"));
        assertEquals("x", Json.text(results().getFirst(), "text"), jq::all);
    }

    // --------------------------------------------------------------------------------- open files, rows()

    private long open(Path file) throws IOException {
        try (var links = Files.list(Path.of("/proc/self/fd"))) {
            return links.filter(link -> {
                try {
                    return Files.readSymbolicLink(link).equals(file);
                } catch (IOException closed) {
                    return false;
                }
            }).count();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"r.jsonl", "r.csv", "r.json"})
    void rowReadersCloseTheirFiles(String name) throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "no /proc here");
        String row = name.equals("r.csv") ? "1,a\n" : "{\"id\": 1, \"text\": \"a\"}\n";
        Path file = cop.write(name, (name.equals("r.csv") ? "id,text\n" : "") + row.repeat(10)).toRealPath();
        assertEquals(5, toolkit.rows(name).limit(5).count());
        assertEquals(0, open(file), "a small file is read at once");
        cop.write(name, (name.equals("r.csv") ? "id,text\n" : "") + row.repeat(300_000));
        try (var rows = toolkit.rows(name)) {
            assertEquals(5, rows.limit(5).count());
            assertEquals(1, open(file));
        }
        assertEquals(0, open(file), "closed with the stream");
        assertEquals(300_000, toolkit.rows(name).toList().size());
        assertEquals(0, open(file), "closed at its end");
        assertEquals(5, toolkit.rows(name).limit(5).toList().size());
        Harness.await("a dropped stream closes its file", () -> {
            System.gc();
            try {
                return open(file) == 0;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"r.csv|id,id", "r.csv|,,", "r.jsonl|id text", "r.csv|%PDF-"})
    void refusedFileIsClosed(String name, String head) throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "no /proc here");
        Path file = cop.write(name, head + "\n" + "1,a\n".repeat(300_000)).toRealPath();
        assertThrows(copilot.Fault.class, () -> toolkit.rows(name));
        assertEquals(0, open(file));
    }
}
