package cop;

import module java.base;

/// The text of a Summary: tables of a line a variant, what the figures mean, the pairs, and the worst rows.
record SummaryText(Summary summary, int columns) {
    static final String NONE = "-";

    String text() {
        return summary.variants().isEmpty() ? "" : Text.joined("\n", checks(), failures(), cost(), pairs(), worst());
    }

    private boolean any(ToIntFunction<Summary.Line> count) {
        return summary.variants().stream().mapToInt(count).sum() > 0;
    }

    private String checks() {
        boolean repeats = summary.variants().stream().anyMatch(each -> each.agreement() != null);
        boolean checked = any(Summary.Line::checked);
        if (!checked && !repeats) return "";
        var header = new ArrayList<>(List.of("variant", "passed", "", "95% interval", "score"));
        if (repeats) header.add("agree");
        var table = new TextTable(header.toArray(String[]::new));
        for (var each : summary.variants()) {
            var cells = new ArrayList<>(each.checked() == 0 ? List.of(each.name(), NONE, "", NONE, NONE)
                    : List.of(each.name(), each.passed() + " of " + each.checked(), percent(each.passed(),
                    each.checked()), percent(each.low()) + " – " + percent(each.high()),
                    decimals(each.score(), 2)));
            if (repeats) cells.add(each.agreement() == null ? NONE : rounded(each.agreement())
                    + (each.sameVerdict() == null ? "" : " · " + rounded(each.sameVerdict())));
            table.row(cells.toArray(String[]::new));
        }
        return table.text(columns) + note("passed: of the checked answers. score: their mean score." + (!repeats
                ? "" : " agree: rows whose repeats all gave the same answer" + (checked ? " · the same verdict."
                : ".")));
    }

    private String failures() {
        var kinds = new LinkedHashMap<String, ToIntFunction<Summary.Line>>();
        kinds.put("failed", Summary.Line::failed);
        kinds.put("filtered", Summary.Line::filtered);
        kinds.put("cut off", Summary.Line::incomplete);
        kinds.put("not judged", Summary.Line::unjudged);
        kinds.values().removeIf(kind -> !any(kind));
        if (kinds.isEmpty()) return "";
        var table = new TextTable(Stream.concat(Stream.of("variant", "asked"), kinds.keySet().stream())
                .toArray(String[]::new));
        summary.variants().forEach(each -> table.row(Stream.concat(Stream.of(each.name(), whole(each.cells())), kinds
                .values().stream().map(kind -> whole(kind.applyAsInt(each)))).toArray(String[]::new)));
        var errors = summary.variants().stream().filter(each -> !each.errors().isEmpty()).map(each -> each.name() + ": "
                + each.errors().entrySet().stream().map(error -> whole(error.getValue()) + " " + error.getKey())
                .collect(Collectors.joining(", "))).toList();
        return table.text(columns) + errors.stream().map(this::note).collect(Collectors.joining());
    }

    private String cost() {
        boolean passed = any(Summary.Line::passedRows), priced = summary.variants().stream().anyMatch(each ->
                each.credits().signum() > 0);
        var header = new ArrayList<>(List.of("variant", "median", "95th pct.", "tokens"));
        if (priced) header.add("credits");
        if (priced && passed) header.add("credits/pass");
        var table = new TextTable(header.toArray(String[]::new));
        for (var each : summary.variants()) {
            String about = each.estimated() ? "~" : "";
            var cells = new ArrayList<>(List.of(each.name(), each.p95Ms() == 0 ? NONE : time(each.medianMs()),
                    each.p95Ms() == 0 ? NONE : time(each.p95Ms()), whole(each.tokens())));
            if (priced) cells.add(each.credits().signum() == 0 ? NONE : about + credits(each.credits()));
            if (priced && passed) cells.add(each.creditsPerPassedRow().map(credits -> about + credits(credits))
                    .orElse(NONE));
            table.row(cells.toArray(String[]::new));
        }
        boolean estimated = summary.variants().stream().anyMatch(Summary.Line::estimated);
        return table.text(columns) + note("median, 95th pct.: time of an answer." + (!priced || !passed ? ""
                : " credits/pass: credits per row that passed (in most of its repeats).") + (!estimated ? ""
                : " ~: estimated."));
    }

    private String pairs() {
        if (summary.pairs().isEmpty() || !any(Summary.Line::checked)) return "";
        String first = TextTable.shown(summary.variants().getFirst().name());
        return wrapped("compared with " + first + ", row by row:", 0) + summary.pairs().stream().map(pair ->
                wrapped("  " + TextTable.shown(pair.other()) + ": " + pair.words(), 4)).collect(Collectors.joining());
    }

    private String worst() {
        if (summary.worst().isEmpty()) return "";
        return "worst rows:\n" + summary.worst().stream().map(row -> {
            String figures = ": " + row.passed() + " of " + row.of() + " passed, score " + decimals(row.score(), 2);
            int width = Math.max(12, columns - 2 - figures.length());
            return "  " + TextTable.fitted(TextTable.shown(row.id()), width) + figures + "\n"
                    + wrapped("    " + TextTable.shown(row.why()), 4);
        }).collect(Collectors.joining());
    }

    private String note(String text) { return wrapped(TextTable.shown(text), 0); }

    private String wrapped(String text, int indent) {
        return Text.wrapped(text, indent, Math.max(20, columns)) + "\n";
    }

    static String percent(int part, int of) { return percent((double) part / of); }

    static String percent(double share) {
        double percent = 100 * share;
        return share == 0 || share == 1 ? Math.round(percent) + "%" : decimals(percent, 1) + "%";
    }

    /// Rounds down to less than 100%.
    private static String rounded(double share) {
        return (share < 1 ? Math.min(99, Math.round(100 * share)) : 100) + "%";
    }

    /// Rounds to nearest, without an exponent or a locale's separators.
    static String decimals(double number, int places) {
        return BigDecimal.valueOf(number).setScale(places, RoundingMode.HALF_UP).toPlainString();
    }

    static String whole(long number) { return String.format(Locale.ROOT, "%,d", number); }

    static String time(long ms) {
        return ms == 0 ? NONE : ms < 1000 ? ms + " ms" : decimals(ms / 1000.0, ms < 100_000 ? 1 : 0) + " s";
    }

    /// Returns three significant digits, or all before the point.
    static String credits(BigDecimal credits) {
        if (credits.signum() == 0) return "0";
        int places = Math.max(0, 2 - (credits.precision() - credits.scale() - 1));
        return credits.setScale(Math.min(6, places), RoundingMode.HALF_UP).toPlainString();
    }
}
