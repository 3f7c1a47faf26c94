package cop;

import module java.base;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// One cell of an experiment: a variant's answer to a row, and what its checks say of it. A line of OUT.
///
/// @param id of the row
/// @param repeat counts from 1
/// @param status `ok`, `failed`, `filtered`, or `incomplete`, as in a batch
/// @param text null if `json` has the answer, or there is none
/// @param json the structured answer, or null
/// @param pass null if no check was evaluated, because the cell has no complete answer or there are no checks
/// @param score the weighted mean of the checks' scores, 0 to 1; null as `pass`
/// @param error `code` and `message`; null if the cell has an answer
record EvalCell(String id, String variant, int repeat, String status, String text, JsonNode json, String model,
                List<CheckResult> checks, Boolean pass, Double score, Usage usage, BigDecimal credits, long ms,
                String requestId, ObjectNode error) {
    /// Returns the same answer with what its checks say.
    EvalCell with(List<CheckResult> results, Boolean passed, Double mean) {
        return new EvalCell(id, variant, repeat, status, text, json, model, results, passed, mean, usage, credits, ms,
                requestId, error);
    }
}

/// What one check says of an answer.
///
/// @param name as shown: `contains: refund`, `not-regex: \d+`
/// @param score 0 to 1
/// @param reason why it failed, or the judge's reason; empty if there is nothing to say
record CheckResult(String name, boolean pass, double score, String reason) {}

/// A template, a model, and options that differ: what is compared.
///
/// @param name shown; it may change without sending anything again
/// @param template as the user named it
/// @param options of the request, such as temperature
record EvalVariant(String name, String template, String model, ObjectNode options) {}
