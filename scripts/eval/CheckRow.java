package cop;

import module java.base;
import cop.copilot.Fault;

/// Reads the checks of one row: its field `expect`, and the columns of promptfoo's test files: `__expected`,
/// `__expected1`, …, `__threshold`, `__metric`, `__config:__expected:threshold`. Columns that only describe
/// (`__description`, `__metadata:…`) are data; those that would change what is asked are refused.
final class CheckRow {
    /// promptfoo's default in these columns; in YAML it is 0.75.
    private static final BigDecimal SIMILAR = new BigDecimal("0.8");
    private static final Pattern EXPECTED = Pattern.compile("__expected(\\d*)");
    private static final Pattern CONFIG = Pattern.compile("__config:__expected(\\d*):(.*)");

    private final InputRow row;
    private final Map<String, Object> data;
    private final List<Check> checks = new ArrayList<>();

    CheckRow(InputRow row) {
        this.row = row;
        data = row.data() == null ? Map.of() : row.data();
    }

    List<Check> checks() {
        data.forEach(this::refuseForeign);
        if (filled("expect")) {
            Object expect = data.get("expect");
            String place = place("expect");
            checks.addAll(expect instanceof String text ? List.of(new CheckReader(_ -> place).text(text.strip(), place,
                    false)) : Check.read(expect, place));
        }
        int own = checks.size();
        begin("__expected").forEach(this::expected);
        begin("__config").forEach(name -> configure(name, own));
        if (filled("__metric")) for (int i = own; i < checks.size(); i++) checks.set(i, relabeled(checks.get(i)));
        if (filled("__threshold") && !checks.isEmpty()) checks.add(Check.of(CheckKind.MEAN, false, CheckValue.NONE,
                CheckOptions.NONE.withThreshold(number("__threshold")), place("__threshold")));
        return List.copyOf(checks);
    }

    private Stream<String> begin(String start) {
        return data.keySet().stream().filter(name -> name.startsWith(start)).filter(this::filled);
    }

    private boolean filled(String name) { return RowFilter.isValue(data.get(name)); }

    private String place(String name) { return row.place() + ": " + name; }

    private void expected(String name) {
        if (!EXPECTED.matcher(name).matches()) throw Fault.usage(place(name) + ": unknown column",
                "use __expected, or __expected1, __expected2, …");
        Object value = data.get(name);
        String place = place(name);
        if (value instanceof Map || value instanceof List) {
            checks.addAll(Check.read(value, place));
            return;
        }
        String text = JsonValues.text(value).strip();
        if (text.startsWith("file://")) throw Fault.usage(place + ": scripts are not run: " + Text.shortened(text, 80),
                "use a check that needs no script");
        var check = new CheckReader(_ -> place).text(text, place, false);
        boolean similar = check.kind() == CheckKind.SIMILAR && check.options().threshold() == null;
        checks.add(similar ? Check.of(check.kind(), check.negated(), check.value(), check.options().withThreshold(
                SIMILAR), place) : check);
    }

    /// Sets the threshold of one check, counted from 1; `__expected` is the first.
    private void configure(String name, int own) {
        var config = CONFIG.matcher(name);
        if (!config.matches() || !config.group(2).equals("threshold")) throw Fault.usage(place(name)
                + ": unknown column", "use __config:__expected:threshold, or __config:__expected2:threshold");
        int index = own - 1 + (config.group(1).isEmpty() ? 1 : Integer.parseInt(config.group(1)));
        if (index < own || index >= checks.size()) return;
        var check = checks.get(index);
        checks.set(index, Check.of(check.kind(), check.negated(), check.value(), check.options().withThreshold(
                number(name)), place(name)));
    }

    private Check relabeled(Check check) {
        return Check.of(check.kind(), check.negated(), check.value(), check.options().withLabel(JsonValues.text(data
                .get("__metric")).strip()), check.place());
    }

    private BigDecimal number(String name) {
        try {
            return new BigDecimal(JsonValues.text(data.get(name)).strip());
        } catch (NumberFormatException _) {
            throw Fault.usage(place(name) + ": not a number: " + Text.shortened(Text.cell(JsonValues.text(data.get(
                    name))), 40), "write a number such as 0.8");
        }
    }

    private void refuseForeign(String name, Object value) {
        if (!name.startsWith("_")) return;
        if (name.matches("_expected\\d*")) throw Fault.usage(place(name) + ": unknown column, did you mean _" + name
                + "?", "begin it with two underscores, or rename it");
        if (!name.matches("__(prefix|suffix|providerOutput)") || !RowFilter.isValue(value)) return;
        throw Fault.usage(place(name) + " is not supported: it would change what is asked", name.contains("fix")
                ? "put it into the template" : "remove the column");
    }
}
