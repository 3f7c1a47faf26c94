package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Reads the cells of an OUT of `eval` again, from JSON Lines or CSV.
record OutReader(RowReader rows) implements AutoCloseable {
    /// @throws Fault if the file cannot be read
    static OutReader open(Environment env, String name) {
        return new OutReader(RowReader.opened(env, name, name, RowReader.formatOf(env, name)));
    }

    /// @return null after the last
    /// @throws Fault if a line cannot be read, or is no cell
    EvalCell next() {
        var row = rows.next();
        if (row == null) return null;
        if (row.fault() != null) throw row.fault();
        for (String field : List.of("id", "variant", "status")) {
            if (!RowFilter.isValue(row.data().get(field))) throw Fault.usage(row.place() + ": no field " + field
                    + ": this is not an output of eval", "pass a file that eval has written with -o");
        }
        return cell(JsonValues.node(row.data()));
    }

    static EvalCell cell(JsonNode json) {
        var usage = json.has("usage") ? json.path("usage") : json;
        var used = new Usage(number(usage, "prompt_tokens").longValue(), number(usage, "completion_tokens").longValue(),
                number(usage, "cached_tokens").longValue(), number(usage, "reasoning_tokens").longValue(),
                number(usage, "credits").movePointRight(9).longValue(), usage.path("estimated").asBoolean(false));
        boolean judged = !plain(json, "pass").isEmpty();
        var credits = number(json.has("credits") ? json : usage, "credits");
        return new EvalCell(plain(json, "id"), plain(json, "variant"), Math.max(1, number(json, "repeat").intValue()),
                plain(json, "status"), json.has("json") ? null : plain(json, "text"), json.has("json")
                ? json.path("json") : null, plain(json, "model"), checks(json), judged ? (Boolean) plain(json, "pass")
                .equalsIgnoreCase("true") : null, judged ? (Double) number(json, "score").doubleValue() : null, used,
                credits.signum() == 0 ? null : credits, number(json, "ms").longValue(), plain(json, "request_id"),
                error(json));
    }

    private static List<CheckResult> checks(JsonNode json) {
        return json.path("checks").valueStream().map(check -> new CheckResult(plain(check, "name"), check.path("pass")
                .asBoolean(false), check.path("score").asDouble(0), plain(check, "reason"))).toList();
    }

    private static ObjectNode error(JsonNode json) {
        if (json.path("error") instanceof ObjectNode error) return error;
        String message = plain(json, "error");
        return message.isEmpty() ? null : Json.object().put("code", "").put("message", message);
    }

    private static String plain(JsonNode json, String field) { return Json.plain(json.path(field)); }

    /// Returns 0 if there is no number.
    private static BigDecimal number(JsonNode json, String field) {
        String text = plain(json, field);
        return text.matches("-?\\d{1,18}(\\.\\d{1,25})?([eE]-?\\d{1,2})?") ? new BigDecimal(text) : BigDecimal.ZERO;
    }

    @Override
    public void close() { rows.close(); }

    /// Returns the summary of all cells of a file.
    static Summary summary(Environment env, String name) {
        var builder = new Summary.Builder();
        int count = 0;
        try (var reader = open(env, name)) {
            for (var cell = reader.next(); cell != null; cell = reader.next(), count++) builder.add(cell);
        }
        if (count == 0) throw Fault.usage(name + " has no cells", "pass a file that eval has written with -o");
        return builder.build();
    }
}
