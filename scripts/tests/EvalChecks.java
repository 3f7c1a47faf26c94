package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Usage;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The checks of `eval`.
class EvalChecks {
    private static EvalCell text(String text) { return cell("ok", text, null); }

    private static EvalCell json(String json) { return cell("ok", null, Json.tryParse(json)); }

    private static EvalCell cell(String status, String text, JsonNode json) {
        return new EvalCell("1", "A", 1, status, text, json, "m", List.of(), null, null, new Usage(1, 1, 0, 0, 0,
                false), new BigDecimal("0.25"), 1500, "r", null);
    }

    private static String verdict(EvalCell cell, String... checks) {
        var all = Stream.of(checks).map(Check::ofOption).map(check -> check.filled(Map.of("label", "bug"))).toList();
        var judged = Check.judged(cell, all, _ -> Optional.empty());
        return judged.pass() + " " + judged.score() + " " + judged.checks();
    }

    @Test
    void checksOfAnOption() {
        assertEquals("true 1.0 [CheckResult[name=equals: {{label}}, pass=true, score=1.0, reason=]]", verdict(text(
                "bug\n"), "equals: {{label}}"));
        assertEquals("--expect: unknown check contians, did you mean contains?", assertThrows(Fault.class, () ->
                Check.ofOption("contians: x")).message());
    }
}
