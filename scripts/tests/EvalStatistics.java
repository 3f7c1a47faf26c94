package cop;

import module java.base;
import cop.copilot.Usage;
import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The figures of `eval`.
class EvalStatistics {
    private static EvalCell cell(String id, String variant, int repeat, String text, Boolean pass) {
        return new EvalCell(id, variant, repeat, "ok", text, null, "m", pass == null ? List.of() : List.of(
                new CheckResult("equals: {{label}}", pass, pass ? 1 : 0, pass ? "" : "got \"" + text + "\"")), pass,
                pass == null ? null : pass ? 1.0 : 0.0, new Usage(100, 20, 0, 0, 250_000_000, false), new BigDecimal(
                "0.25"), 700 + 100 * repeat, "r", null);
    }

    @Test
    void tableOfAnExperiment() {
        var builder = new Summary.Builder(List.of("gpt-5-mini", "claude-haiku-4.5"));
        for (int i = 1; i <= 50; i++) for (int repeat = 1; repeat <= 3; repeat++) {
            builder.add(cell("t-" + i, "gpt-5-mini", repeat, "bug", i % 7 != 0));
            builder.add(cell("t-" + i, "claude-haiku-4.5", repeat, "bug", i % 5 != 0 || repeat == 1));
        }
        String table = builder.build().table(80);
        assertTrue(table.contains("6 rows better, 9 worse, 35 the same; p = 0.61"), table);
    }

    @Test
    void differenceOfTwoOutputs() {
        var old = new Summary.Builder();
        var recent = new Summary.Builder();
        for (int i = 1; i <= 50; i++) {
            old.add(cell("t-" + i, "A", 1, "bug", i % 10 != 0));
            recent.add(cell("t-" + (i + 1), "A", 2, "bug", i % 4 != 0));
        }
        String text = Difference.of(old.build(), recent.build()).text(80);
        assertTrue(text.startsWith("A: 12 rows worse, 5 better, 32 the same; p = 0.14, could be chance\n"), text);
    }
}
