package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Usage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The figures of `eval`: against published and hand-computed tables, of whole experiments, and of two outputs.
class EvalStatistics {
    @TempDir
    Path folder;

    // ------------------------------------------------------------------------------------------------------ formulas

    /// The first four as published: R. G. Newcombe, "Two-sided confidence intervals for the single proportion"
    /// (Statistics in Medicine 17, 1998), table I, method 3. The others follow from the formula: z^2/(n + z^2) is the
    /// upper end for none of n, n/(n + z^2) the lower end for all.
    @ParameterizedTest
    @CsvSource({"81, 263, 0.2553, 0.3662", "15, 148, 0.0624, 0.1605", "0, 20, 0, 0.1611", "1, 29, 0.0061, 0.1718",
            "141, 150, 0.8899, 0.9681", "5, 10, 0.2366, 0.7634", "1, 1, 0.2065, 1", "0, 1, 0, 0.7935", "0, 0, 0, 1",
            "50, 50, 0.9287, 1", "60000, 120000, 0.4972, 0.5028", "120000, 120000, 1.0000, 1"})
    void intervalsAreWilsons(long passed, long n, double low, double high) {
        var interval = Statistics.wilson(passed, n);
        assertEquals(low, interval.low(), 0.00005);
        assertEquals(high, interval.high(), 0.00005);
        if (passed == 0) assertEquals(0, interval.low());
        if (passed == n) assertEquals(1, interval.high());
        var mirrored = Statistics.wilson(n - passed, n);
        assertEquals(interval.low(), 1 - mirrored.high(), 1e-12);
    }

    /// Sums of binomial coefficients over 2^n, such as 2(1 + 8)/256 for 1 and 7; the large ones computed with integers.
    @ParameterizedTest
    @CsvSource({"0, 0, 1", "1, 0, 1", "2, 0, 0.5", "5, 0, 0.0625", "6, 0, 0.03125", "1, 7, 0.0703125", "3, 3, 1",
            "3, 4, 1", "2, 4, 0.6875", "2, 10, 0.03857421875", "7, 3, 0.34375", "8, 12, 0.5034446716308594",
            "20, 40, 0.01348929373119186", "100, 140, 0.011664092317677663", "1000, 1100, 0.030720707864242296",
            "5000, 5200, 0.04878796312682245", "9000, 9600, 1.1208497870914697e-05", "400, 10, 2.568662833867262e-104",
            "2, 9998, 0", "60000, 60000, 1", "0, 120000, 0"})
    void signTestIsExact(long better, long worse, double p) {
        double found = Statistics.signTest(better, worse);
        assertEquals(p, found, p * 1e-9);
        assertEquals(found, Statistics.signTest(worse, better));
    }

    @Test
    void signTestIsTheSumOfIntegers() {
        for (int n = 0; n <= 60; n++) for (int k = 0; k <= n; k++) {
            var sum = BigInteger.ZERO;
            var term = BigInteger.ONE;
            for (int i = 0; i <= Math.min(k, n - k); i++) {
                sum = sum.add(term);
                term = term.multiply(BigInteger.valueOf(n - i)).divide(BigInteger.valueOf(i + 1));
            }
            double p = Math.min(1, 2 * sum.doubleValue() / BigInteger.TWO.pow(n).doubleValue());
            assertEquals(p, Statistics.signTest(k, n - k), 1e-12 * p, n + " " + k);
        }
    }

    /// Each row's repeats, as passed/checked, and the number of independent answers that they are worth.
    @ParameterizedTest
    @CsvSource({"1/1 0/1 1/1, 3", "3/3 0/3 3/3 3/3, 4", "0/2 0/2, 2", "2/2 2/2 2/2, 3", "1/2 1/2 1/2, 6", "2/3, 1",
            "3/3 3/3 3/3 2/3 1/3 0/3 3/3 3/3, 9.947"})
    void repeatsThatAgreeAddNothing(String rows, double worth) {
        var all = Stream.of(rows.split(" ")).map(row -> Stream.of(row.split("/")).mapToInt(Integer::parseInt)
                .toArray()).toList();
        long passed = all.stream().mapToLong(row -> row[0]).sum(), n = all.stream().mapToLong(row -> row[1]).sum();
        var found = Statistics.ofRows(all);
        var more = Statistics.wilson(Math.round(1000 * passed * worth / n), Math.round(1000 * worth));
        assertEquals(width(worth, (double) passed / n), found.high() - found.low(), 0.002);
        assertTrue(found.high() - found.low() >= more.high() - more.low());
        assertTrue(found.low() <= (double) passed / n && (double) passed / n <= found.high());
        assertEquals(new Statistics.Interval(0, 1), Statistics.ofRows(List.of()));
    }

    private static double width(double n, double p) {
        double z2 = Statistics.Z * Statistics.Z;
        return 2 * Statistics.Z / (1 + z2 / n) * Math.sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    }

    /// The interval contains the true share in about 95 % of experiments, though repeats of a row are alike.
    @Test
    void coverageWithRepeats() {
        var random = new Random(1);
        int covered = 0, naive = 0, trials = 2000;
        for (int trial = 0; trial < trials; trial++) {
            var rows = new ArrayList<int[]>();
            for (int row = 0; row < 60; row++) {
                double p = random.nextDouble() < 0.3 ? random.nextDouble() : 0.95;     // 0.815 on average
                rows.add(new int[] {(int) IntStream.range(0, 5).filter(_ -> random.nextDouble() < p).count(), 5});
            }
            int passed = rows.stream().mapToInt(row -> row[0]).sum();
            var interval = Statistics.ofRows(rows);
            var simple = Statistics.wilson(passed, 300);
            if (interval.low() <= 0.815 && 0.815 <= interval.high()) covered++;
            if (simple.low() <= 0.815 && 0.815 <= simple.high()) naive++;
        }
        assertEquals(0.95, (double) covered / trials, 0.02);
        assertTrue((double) naive / trials < 0.9, "" + naive);
    }

    /// The nearest rank; the median of an even number is between two.
    @ParameterizedTest
    @CsvSource({"7, 7, 7", "1 2, 1.5, 2", "1 2 9, 2, 9", "1 2 3 4, 2.5, 4", "15 20 35 40 50, 35, 50"})
    void percentiles(String numbers, double median, double p95) {
        int[] sorted = Stream.of(numbers.split(" ")).mapToInt(Integer::parseInt).toArray();
        assertEquals(median, Statistics.percentile(sorted, 50));
        assertEquals(p95, Statistics.percentile(sorted, 95));
    }

    @Test
    void percentileOfAHundred() {
        int[] sorted = IntStream.rangeClosed(1, 100).toArray();
        assertEquals("50.5 95.0 100.0 1.0", Statistics.percentile(sorted, 50) + " " + Statistics.percentile(sorted, 95)
                + " " + Statistics.percentile(sorted, 100) + " " + Statistics.percentile(sorted, 0));
    }

    // ------------------------------------------------------------------------------------------------------- summary

    private static EvalCell cell(String id, String variant, int repeat, String text, Boolean pass) {
        return cell(id, variant, repeat, text, null, pass);
    }

    private static EvalCell cell(String id, String variant, int repeat, String text, JsonNode json, Boolean pass) {
        var checks = pass == null ? List.<CheckResult>of() : List.of(new CheckResult("equals: {{label}}", pass, pass ? 1
                : 0, pass ? "" : "got \"" + text + "\", expected \"question\""));
        return new EvalCell(id, variant, repeat, "ok", text, json, "m", checks, pass, pass == null ? null : pass ? 1.0
                : 0.0, new Usage(100, 20, 0, 0, 250_000_000, false), new BigDecimal("0.25"), 700 + 100L * repeat, "r",
                null);
    }

    private static EvalCell without(String id, String variant, String status, String code) {
        return new EvalCell(id, variant, 1, status, null, null, "m", List.of(), null, null, Usage.NONE, null, 0, "",
                code == null ? null : Json.object().put("code", code).put("message", "x"));
    }

    private static Summary experiment() {
        var builder = new Summary.Builder(List.of("gpt-5-mini", "claude-haiku-4.5"));
        for (int i = 1; i <= 50; i++) for (int repeat = 1; repeat <= 3; repeat++) {
            builder.add(cell("t-" + i, "gpt-5-mini", repeat, "bug", i % 7 != 0));
            builder.add(cell("t-" + i, "claude-haiku-4.5", repeat, i % 10 == 0 && repeat == 2 ? "none" : "bug",
                    i % 5 != 0 || repeat == 1));
        }
        return builder.add(without("t-51", "gpt-5-mini", "failed", "timeout")).add(without("t-51", "claude-haiku-4.5",
                "filtered", "content_filter")).add(without("t-52", "gpt-5-mini", "failed", "timeout"))
                .add(without("t-53", "gpt-5-mini", "incomplete", null)).build();
    }

    @Test
    void textOfAnExperiment() {
        assertEquals("""
                variant               passed          95% interval  score        agree
                gpt-5-mini        129 of 150  86.0%  73.8% – 93.0%   0.86  100% · 100%
                claude-haiku-4.5  130 of 150  86.7%  77.5% – 92.5%   0.87    90% · 80%
                passed: of the checked answers. score: their mean score. agree: rows whose
                repeats all gave the same answer · the same verdict.

                variant           asked  failed  filtered  cut off
                gpt-5-mini          153       2         0        1
                claude-haiku-4.5    151       0         1        0
                gpt-5-mini: 2 timeout
                claude-haiku-4.5: 1 content_filter

                variant           median  95th pct.  tokens  credits  credits/pass
                gpt-5-mini        900 ms      1.0 s  18,000     37.5         0.872
                claude-haiku-4.5  900 ms      1.0 s  18,000     37.5         0.938
                median, 95th pct.: time of an answer. credits/pass: credits per row that passed
                (in most of its repeats).

                compared with gpt-5-mini, row by row:
                  claude-haiku-4.5: 6 rows better, 9 worse, 35 the same, 3 not compared;
                    p=0.61, could be chance

                worst rows:
                  t-35: 1 of 6 passed, score 0.17
                    gpt-5-mini: equals: {{label}}: got "bug", expected "question"
                  t-7: 3 of 6 passed, score 0.50
                    gpt-5-mini: equals: {{label}}: got "bug", expected "question"
                  t-14: 3 of 6 passed, score 0.50
                    gpt-5-mini: equals: {{label}}: got "bug", expected "question"
                  t-21: 3 of 6 passed, score 0.50
                    gpt-5-mini: equals: {{label}}: got "bug", expected "question"
                  t-28: 3 of 6 passed, score 0.50
                    gpt-5-mini: equals: {{label}}: got "bug", expected "question"
                """, experiment().table(80));
    }

    @Test
    void figuresOfAnExperiment() {
        var line = experiment().variants().get(1);
        assertEquals("151 130 150 0.9 0.8 0 1 0 0", line.cells() + " " + line.passed() + " " + line.checked() + " "
                + line.agreement() + " " + line.sameVerdict() + " " + line.failed() + " " + line.filtered() + " "
                + line.incomplete() + " " + line.unjudged());
        assertEquals(130.0 / 151, line.passedOfAll());
        assertEquals(Map.of("content_filter", 1), line.errors());
        assertEquals("40 0.9375", line.passedRows() + " " + line.creditsPerPassedRow().orElseThrow()
                .stripTrailingZeros());
        var json = experiment().json();
        assertEquals("53 claude-haiku-4.5 0.6072", json.path("rows").asInt() + " " + json.path("pairs").path(0)
                .path("other").asString() + " " + SummaryText.decimals(json.path("pairs").path(0).path("p").asDouble(),
                4));
    }

    /// Rows by their repeats' verdicts with two variants (+ passed, - failed, . not checked), and what they count as.
    @ParameterizedTest
    @CsvSource({"+, +, same", "+, -, worse", "-, +, better", "-, -, same", "++-, +, same", "+--, +, better",
            "+-, +, better", "+-, -, worse", "+-, -+, same", "++-., -, worse", "., +, uncompared", "+, .., uncompared",
            "., ., uncompared", "+., +, same", "+-., -, worse"})
    void rowsAreComparedByMajority(String first, String other, String expected) {
        var builder = new Summary.Builder(List.of("A", "B"));
        add(builder, "A", first);
        add(builder, "B", other);
        var pair = builder.build().pairs().getFirst();
        assertEquals(expected, pair.better() == 1 ? "better" : pair.worse() == 1 ? "worse" : pair.same() == 1 ? "same"
                : "uncompared");
        assertEquals(1, pair.better() + pair.worse() + pair.same() + pair.uncompared());
    }

    private static void add(Summary.Builder builder, String variant, String repeats) {
        for (int i = 0; i < repeats.length(); i++) {
            builder.add(repeats.charAt(i) == '.' ? without("1", variant, "failed", "x") : cell("1", variant, i + 1, "x",
                    repeats.charAt(i) == '+'));
        }
    }

    /// Answers of repeats, whether they agree, and the repeat of the majority's answer.
    @ParameterizedTest
    @CsvSource({"bug|bug|bug, true, 1", "'bug|bug | bug', true, 1", "bug|no|no, false, 2", "a|b|c, false, 1",
            "a|b, false, 1", "é|e\u0301, true, 1"})
    void repeatsAgreeIfTheirAnswersAreTheSame(String answers, boolean agree, int majority) {
        var builder = new Summary.Builder();
        var all = answers.split("\\|");
        for (int i = all.length; i > 0; i--) builder.add(cell("1", "A", i, all[i - 1], null));
        var summary = builder.build();
        assertEquals(agree ? 1.0 : 0.0, summary.variants().getFirst().agreement());
        assertEquals(majority, summary.majority("1", 0));
        assertEquals(0, summary.majority("2", 0));
        assertNull(summary.variants().getFirst().sameVerdict());
    }

    @Test
    void structuredAnswersAgreeIfTheirJsonIsEqual() {
        var builder = new Summary.Builder();
        builder.add(cell("1", "A", 1, null, Json.tryParse("{\"a\": 1, \"b\": [2.0]}"), null));
        builder.add(cell("1", "A", 2, null, Json.tryParse("{\"b\": [2], \"a\": 1.00}"), null));
        assertEquals(1.0, builder.build().variants().getFirst().agreement());
        builder.add(cell("1", "A", 3, null, Json.tryParse("{\"b\": [2], \"a\": \"1\"}"), null));
        assertEquals(0.0, builder.build().variants().getFirst().agreement());
    }

    @Test
    void nothingToSay() {
        assertEquals("", new Summary.Builder().build().table(80).strip());
        String unchecked = new Summary.Builder().add(cell("1", "A", 1, "x", null)).build().table(80);
        assertFalse(unchecked.contains("passed"), unchecked);
        assertTrue(unchecked.startsWith("variant  median"), unchecked);
        String failed = new Summary.Builder().add(without("1", "A", "failed", "")).build().table(80);
        assertTrue(failed.contains("A: 1 unknown\n"), failed);
    }

    @Test
    void anyNameFitsTheTerminal() {
        var builder = new Summary.Builder();
        String wide = "分類 🎫 \u001b[31m" + "klassifizieren-".repeat(10);
        for (String variant : List.of("A", wide, "B\n\t\u202eB")) for (int i = 0; i < 4; i++) {
            builder.add(cell("行".repeat(60) + i, variant, i % 2, "x".repeat(500), i > 1));
            builder.add(without("y" + i, variant, "failed", "code\u0007".repeat(30)));
        }
        for (int columns : List.of(20, 60, 80, 200)) {
            String table = builder.build().table(columns);
            assertFalse(table.contains("\u001b") || table.contains("\u0007") || table.contains("\t")
                    || table.contains("\u202e"), table);
            if (columns < 80) continue;
            table.lines().filter(line -> line.contains("%") || line.contains("passed")).forEach(line -> assertTrue(Text
                    .displayWidth(line) <= columns, line));
        }
    }

    @Test
    void manyCellsNeedLittle() {
        System.gc();
        long before = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
        var builder = new Summary.Builder();
        for (int row = 0; row < 10_000; row++) for (int variant = 0; variant < 4; variant++) {
            for (int repeat = 1; repeat <= 3; repeat++) {
                builder.add(cell("ticket-" + row, "variant " + variant, repeat, "answer " + row % 7, row % 11
                        > variant));
            }
        }
        var summary = builder.build();
        System.gc();
        long used = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory() - before;
        assertTrue(used < 40 << 20, "120,000 cells took " + (used >> 20) + " MB");
        assertEquals(30_000, summary.variants().getLast().checked());
        assertEquals(5, summary.worst().size());
    }

    // ---------------------------------------------------------------------------------------------------- difference

    /// @param verdicts a character a row: + passed, - failed, . not checked, blank not there
    private static Summary output(String variant, String verdicts) {
        var builder = new Summary.Builder();
        for (int i = 0; i < verdicts.length(); i++) {
            char c = verdicts.charAt(i);
            if (c == '.') builder.add(without("t-" + i, variant, "failed", "x"));
            else if (c != ' ') builder.add(cell("t-" + i, variant, 1, "x", c == '+'));
        }
        return builder.build();
    }

    @Test
    void textOfADifference() {
        assertEquals("""
                A: 2 rows worse, 1 better, 3 the same, 1 not compared; p=1.0, could be chance
                  failed → passed: t-3
                  passed → failed: t-0, t-1
                  passed 66.7% → 50.0%; credits per answer 0.250 → 0.219 (-12%); median 800
                    ms → 800 ms
                1 new row: t-8
                1 row gone: t-7
                """, Difference.of(output("A", "+++-+-++"), output("A", "--+++-. +")).text(80));
    }

    @Test
    void worseForSureIsSignificant() {
        assertFalse(Difference.of(output("A", "+".repeat(5)), output("A", "-".repeat(5))).isWorse());
        assertTrue(Difference.of(output("A", "+".repeat(6)), output("A", "-".repeat(6))).isWorse());
        assertFalse(Difference.of(output("A", "-".repeat(6)), output("A", "+".repeat(6))).isWorse());
        assertFalse(Difference.of(output("A", "+".repeat(9)), output("A", ".".repeat(9))).isWorse());
        String text = Difference.of(output("A", "+".repeat(30)), output("B", "-".repeat(30))).text(80);
        assertTrue(text.startsWith("B (was A): 30 rows worse, 0 better, 0 the same; p<0.0001, worse\n"), text);
        assertTrue(text.contains("and 10 more"), text);
    }

    @Test
    void whatIsNotComparedHasNoResult() {
        assertEquals("A: 0 rows worse, 0 better, 0 the same, 2 not compared\n", Difference.of(output("A", "+-"), output(
                "A", "..")).text(80).replaceAll("(?m)^ .*\n", ""));
        assertEquals("A: 0 rows worse, 0 better, 2 the same; no difference\n", Difference.of(output("A", "+-"), output(
                "A", "+-")).text(80).replaceAll("(?m)^ .*\n", ""));
    }

    @Test
    void variantsAreMatchedByName() {
        var old = new Summary.Builder().add(cell("1", "A", 1, "x", true)).add(cell("1", "B", 1, "x", true)).build();
        var recent = new Summary.Builder().add(cell("1", "C", 1, "x", true)).add(cell("1", "B", 1, "x", false)).build();
        var difference = Difference.of(old, recent);
        assertEquals(List.of("B"), difference.changes().stream().map(change -> change.after().name()).toList());
        assertEquals("[C] [A]", difference.addedVariants() + " " + difference.goneVariants());
        assertEquals("t", difference.json().path("variants").path(0).path("rows").has("passed → failed") ? "t" : "f");
    }

    /// A line of OUT as JSON Lines, and the same as CSV.
    @Test
    void outputsAreReadInBothForms() throws IOException {
        try (var cop = new Harness()) {
            String jsonl = Files.writeString(folder.resolve("a.jsonl"), """
                    {"id":"1","variant":"A","repeat":2,"status":"ok","text":"bug","checks":[{"name":"equals: x",\
                    "pass":false,"score":0.5,"reason":"no"}],"pass":false,"score":0.5,"model":"m",\
                    "usage":{"prompt_tokens":3,"completion_tokens":4},"credits":0.25,"ms":900,"request_id":"r"}
                    {"id":2,"variant":"A","status":"failed","ms":5,"error":{"code":"timeout","message":"late"}}
                    """).toString(), csv = Files.writeString(folder.resolve("a.csv"), """
                    id,variant,repeat,status,pass,score,text,failed,model,prompt_tokens,completion_tokens,credits,ms,\
                    request_id,error
                    1,A,2,ok,false,0.5,bug,equals: x (no),m,3,4,0.25,900,r,
                    2,A,1,failed,,,,,,,,,5,,late
                    """).toString();
            for (String name : List.of(jsonl, csv)) try (var reader = OutReader.open(cop.environment(), name)) {
                var first = reader.next();
                assertEquals("1 A 2 ok bug false 0.5 7 0.25 900", first.id() + " " + first.variant() + " "
                        + first.repeat() + " " + first.status() + " " + first.text() + " " + first.pass() + " "
                        + first.score() + " " + first.usage().totalTokens() + " " + first.credits() + " " + first.ms());
                var second = reader.next();
                assertEquals("2 failed null late", second.id() + " " + second.status() + " " + second.pass() + " "
                        + Json.text(second.error(), "message"));
                assertNull(reader.next());
            }
            assertFalse(Difference.read(cop.environment(), jsonl, csv).isWorse());
            String rows = Files.writeString(folder.resolve("rows.csv"), "id,text\n1,x\n").toString(), empty = Files
                    .writeString(folder.resolve("empty.jsonl"), "").toString(), other = Files.writeString(folder
                    .resolve("b.csv"), "id,variant,status\n1,B,ok\n1,C,ok\n").toString();
            for (var each : Map.of(rows, "rows.csv:2: no field variant: this is not an output of eval", empty,
                    "empty.jsonl has no cells", other, "is in " + other + ": A; B, C").entrySet()) {
                var fault = assertThrows(Fault.class, () -> Difference.read(cop.environment(), jsonl, each.getKey()));
                assertTrue(fault.exitCode() == Fault.USAGE && fault.message().contains(each.getValue()),
                        fault.getMessage());
            }
        }
    }
}
