package cop;

import module java.base;

import static cop.SummaryText.whole;

/// Writes the upper part of a report, in HTML that needs no scripts: the table of variants, how each compares with the
/// first, the charts, the checks, and the rows that failed most.
final class ReportSummary {
    private static final String NONE = "–";

    private final Writer out;
    private final Summary summary;
    private final ReportData data;

    ReportSummary(Writer out, Summary summary, ReportData data) {
        this.out = out;
        this.summary = summary;
        this.data = data;
    }

    void write() throws IOException {
        out.append("<p class=\"dim lead\">").append(counted(summary.rows(), "row")).append(" × ")
                .append(counted(summary.variants().size(), "variant"))
                .append(data.repeats() > 1 ? " × " + data.repeats() + " repeats" : "").append(", ")
                .append(counted(data.cells(), "cell")).append("</p>\n");
        variants();
        charts();
        boolean narrow = data.variants().size() <= 4;       // a column for each
        out.append("<div class=\"columns\">\n<section>");
        pairs();
        if (narrow) checks();
        out.append("</section>\n<section>");
        worst();
        out.append("</section>\n</div>\n");
        if (!narrow) checks();
    }

    private static String counted(int number, String what) {
        return whole(number) + " " + what + (number == 1 ? "" : "s");
    }

    private static String percent(int part, int of) { return of == 0 ? NONE : SummaryText.percent(part, of); }

    private static String small(String text) { return text.isEmpty() ? "" : " <small>" + text + "</small>"; }

    private boolean any(ToIntFunction<Summary.Line> count) {
        return summary.variants().stream().mapToInt(count).sum() > 0;
    }

    // ---- tables

    private void variants() throws IOException {
        boolean repeats = summary.variants().stream().anyMatch(each -> each.agreement() != null);
        table("Variants", Stream.of("Variant", "Passed", "Score", repeats ? "Same answer" : "",
                repeats ? "Same verdict" : "", "No verdict", "Median", "95th pct.", "Tokens", "Credits", "Credits/pass")
                .filter(head -> !head.isEmpty()).toList());
        for (var each : summary.variants()) {
            row(each.name(), number(each));
            cell(each.checked() == 0 ? NONE : "<b>" + percent(each.passed(), each.checked()) + "</b>" + small(
                    whole(each.passed()) + " of " + whole(each.checked()) + ", " + SummaryText.percent(each.low())
                    + " – " + SummaryText.percent(each.high())));
            cell(each.checked() == 0 ? NONE : SummaryText.decimals(each.score(), 2));
            if (repeats) {
                cell(each.agreement() == null ? NONE : SummaryText.percent(each.agreement()));
                cell(each.sameVerdict() == null ? NONE : SummaryText.percent(each.sameVerdict()));
            }
            cell(missing(each));
            cell(isAnswered(each) ? SummaryText.time(each.medianMs()) : NONE);
            cell(isAnswered(each) ? SummaryText.time(each.p95Ms()) : NONE);
            cell(whole(each.tokens()));
            String about = each.estimated() ? "~" : "";
            cell(each.credits().signum() == 0 ? NONE : about + SummaryText.credits(each.credits()));
            cell(each.creditsPerPassedRow().map(credits -> about + SummaryText.credits(credits)).orElse(NONE));
            out.append("</tr>\n");
        }
        end();
    }

    private static boolean isAnswered(Summary.Line line) {
        return line.cells() > line.failed() + line.filtered() + line.incomplete();
    }

    private static String missing(Summary.Line of) {
        int missing = of.failed() + of.filtered() + of.incomplete() + of.unjudged();
        String parts = Stream.of(part(of.failed(), "failed"), part(of.filtered(), "filtered"),
                part(of.incomplete(), "cut off"), part(of.unjudged(), "not judged"))
                .filter(text -> !text.isEmpty()).collect(Collectors.joining(", "));
        return missing == 0 ? "0" : "<span class=\"error\">" + whole(missing) + "</span>" + small(parts);
    }

    private static String part(int number, String what) { return number == 0 ? "" : whole(number) + " " + what; }

    private void pairs() throws IOException {
        if (summary.pairs().isEmpty() || !any(Summary.Line::checked)) return;
        boolean uncompared = summary.pairs().stream().anyMatch(pair -> pair.uncompared() > 0);
        heading("Compared with " + summary.variants().getFirst().name() + ", row by row");
        table("", Stream.of("Variant", "Better", "Worse", "The same", uncompared ? "Not compared" : "", "Sign test")
                .filter(head -> !head.isEmpty()).toList());
        for (var pair : summary.pairs()) {
            row(pair.other());
            cell(whole(pair.better()));
            cell(whole(pair.worse()));
            cell(whole(pair.same()));
            if (uncompared) cell(whole(pair.uncompared()));
            cell(ReportText.html(Summary.Pair.verdict(pair.better(), pair.worse(), pair.p())));
            out.append("</tr>\n");
        }
        end();
    }

    private void checks() throws IOException {
        var names = data.checkNames();
        if (names.isEmpty()) return;
        heading("Checks");
        table("", Stream.concat(Stream.of("Check"), data.variants().stream()).toList());
        for (int check = 0; check < names.size(); check++) {
            row(names.get(check));
            for (int variant = 0; variant < data.variants().size(); variant++) {
                var counts = data.passed(check, variant);
                cell(counts == null ? NONE : percent(counts[0], counts[1]) + small(whole(counts[0]) + " of "
                        + whole(counts[1])));
            }
            out.append("</tr>\n");
        }
        end();
    }

    private void worst() throws IOException {
        if (summary.worst().isEmpty()) return;
        heading("Worst rows");
        table("", List.of("Row", "Passed", "Score", "First failure"));
        for (var row : summary.worst()) {
            out.append("<tr><th scope=\"row\" dir=\"auto\"><a href=\"#cells\" data-row=\"")
                    .append(ReportText.attribute(row.id())).append("\">")
                    .append(ReportText.html(ReportText.brief(row.id(), 30))).append("</a></th>");
            cell(whole(row.passed()) + " of " + whole(row.of()));
            cell(SummaryText.decimals(row.score(), 2));
            out.append("<td class=\"words dim\" dir=\"auto\">").append(ReportText.html(row.why()))
                    .append("</td></tr>\n");
        }
        end();
    }

    private void heading(String text) throws IOException {
        out.append("<h2 dir=\"auto\">").append(ReportText.html(text)).append("</h2>\n");
    }

    /// @param name for those who do not see the table; empty if a heading names it
    private void table(String name, List<String> heads) throws IOException {
        out.append("<div class=\"card scroll\"><table class=\"figures\">");
        if (!name.isEmpty()) out.append("<caption class=\"unseen\">").append(name).append("</caption>");
        out.append("<thead><tr>");
        for (String head : heads) {
            out.append("<th scope=\"col\">").append(ReportText.html(ReportText.brief(head, 160))).append("</th>");
        }
        out.append("</tr></thead>\n<tbody>\n");
    }

    private void row(String name) throws IOException { row(name, 0); }

    private void row(String name, int number) throws IOException {
        out.append("<tr><th scope=\"row\" dir=\"auto\">")
                .append(number > 0 ? "<span class=\"number\">" + number + "</span>" : "")
                .append(ReportText.html(ReportText.brief(name, 160)))
                .append("</th>");
    }

    private void cell(String html) throws IOException { out.append("<td>").append(html).append("</td>"); }

    private void end() throws IOException { out.append("</tbody></table></div>\n"); }

    // ---- charts

    private void charts() throws IOException {
        var all = summary.variants().stream().filter(ReportSummary::isAnswered).toList();
        if (all.isEmpty()) return;
        out.append("<div class=\"charts\">\n");
        var checked = all.stream().filter(each -> each.checked() > 0).toList();
        if (!checked.isEmpty()) rates(checked);
        times(all);
        if (!checked.isEmpty()) cost(checked);
        out.append("</div>\n");
    }

    private void rates(List<Summary.Line> variants) throws IOException {
        var ranges = variants.stream().map(each -> new ReportCharts.Range(number(each), each.name(),
                percent(each.passed(), each.checked()), rate(each), each.low(), each.high(),
                false)).toList();
        figure("Pass rate", "of the checked answers, with its 95% interval", ReportCharts.ranges(
                "Pass rate of each variant", ranges, 1, List.of("0", "50%", "100%")));
    }

    private void times(List<Summary.Line> variants) throws IOException {
        var ranges = variants.stream().map(each -> new ReportCharts.Range(number(each), each.name(),
                SummaryText.time(each.medianMs()) + " – " + SummaryText.time(each.p95Ms()), each.medianMs(),
                each.medianMs(), each.p95Ms(), true)).toList();
        double most = ReportCharts.nice(variants.stream().mapToLong(Summary.Line::p95Ms).max().orElse(1));
        var ticks = List.of("0", SummaryText.time(Math.round(most / 2)), SummaryText.time(Math.round(most)));
        figure("Time", "of an answer: median to 95th percentile (ring)", ReportCharts.ranges(
                "Time to an answer of each variant", ranges, most, ticks));
    }

    /// Draws credits, or tokens where no answer has a cost.
    private void cost(List<Summary.Line> variants) throws IOException {
        boolean priced = variants.stream().anyMatch(each -> each.credits().signum() > 0);
        var points = variants.stream().map(each -> new ReportCharts.Point(number(each), each.name(),
                priced ? each.credits().doubleValue() : each.tokens(), rate(each),
                each.low(), each.high())).toList();
        figure("Cost and quality", "further up is better, further left is cheaper", ReportCharts.scatter(
                "Cost and pass rate of each variant", points, priced ? "credits" : "tokens",
                priced ? cost -> SummaryText.credits(BigDecimal.valueOf(cost)) : cost -> whole(Math.round(cost))));
    }

    /// Returns the number that stands for a variant in charts.
    private int number(Summary.Line variant) { return summary.variants().indexOf(variant) + 1; }

    private static double rate(Summary.Line variant) { return (double) variant.passed() / variant.checked(); }

    private void figure(String title, String about, String svg) throws IOException {
        out.append("<figure class=\"card\"><figcaption><b>").append(title).append("</b>").append(about)
                .append("</figcaption>\n").append(svg).append("</figure>\n");
    }
}
