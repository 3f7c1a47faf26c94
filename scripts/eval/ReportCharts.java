package cop;

import module java.base;

/// Draws the charts of a report as SVG, with no color of their own: the page's style has them, light and dark.
final class ReportCharts {
    private static final int WIDTH = 400, LEAST_HEIGHT = 190, LEFT = 6, RIGHT = 394;

    /// A variant in a chart of ranges.
    ///
    /// @param number of the variant, from 1
    /// @param value where the dot is
    /// @param from the beginning of the range, in the same unit
    /// @param to its end; drawn as a ring if `ring`
    record Range(int number, String name, String figure, double value, double from, double to, boolean ring) {}

    /// A variant in the chart of cost against quality.
    record Point(int number, String name, double cost, double quality, double low, double high) {}

    /// Draws a line per variant: its name, a figure, and a dot on a range from 0 to `most`.
    static String ranges(String title, List<Range> ranges, double most, List<String> ticks) {
        var svg = new StringBuilder();
        int space = Math.clamp((LEAST_HEIGHT - 24) / ranges.size(), 42, 64), height = height(ranges.size());
        int bottom = height - 20;
        for (int i = 0; i < ticks.size(); i++) {
            double x = at(i, ticks.size() - 1, LEFT, RIGHT);
            line(svg, "rule", x, 22, x, bottom);
            text(svg, x, bottom + 14, i == 0 ? "start" : i == ticks.size() - 1 ? "end" : "middle", "tick",
                    ticks.get(i));
        }
        for (int i = 0; i < ranges.size(); i++) {
            var range = ranges.get(i);
            double y = i * space + 14, axis = y + 15;
            text(svg, LEFT, y, "start", "tick", "" + range.number());
            text(svg, LEFT + (range.number() > 9 ? 18 : 12), y, "start", "", Text.shortened(range.name(), 56
                    - range.figure().length()));
            text(svg, RIGHT, y, "end", "", range.figure());
            line(svg, "rule", LEFT, axis, RIGHT, axis);
            line(svg, "range", at(range.from(), most, LEFT, RIGHT), axis, at(range.to(), most, LEFT, RIGHT), axis);
            if (range.ring()) circle(svg, "ring", at(range.to(), most, LEFT, RIGHT), axis, 4);
            circle(svg, "dot", at(range.value(), most, LEFT, RIGHT), axis, 5);
        }
        return svg(title, height, svg);
    }

    /// Draws a dot per variant, to the right if it costs more, higher if more answers passed.
    static String scatter(String title, List<Point> points, String costs, DoubleFunction<String> cost) {
        int height = height(points.size()), top = 12, bottom = height - 38, left = 40;
        double most = nice(points.stream().mapToDouble(Point::cost).max().orElse(1));
        double least = Math.floor(points.stream().mapToDouble(Point::low).min().orElse(0) * 10) / 10;
        if (least >= 1) least = 0.9;
        var svg = new StringBuilder();
        for (int i = 0; i <= 2; i++) {
            double quality = least + (1 - least) * i / 2, y = at(quality - least, 1 - least, bottom, top);
            line(svg, "rule", left, y, RIGHT, y);
            text(svg, left - 6, y + 4, "end", "tick", Math.round(quality * 100) + "%");
        }
        for (int i = 0; i <= 2; i++) {
            double x = at(i, 2, left, RIGHT);
            text(svg, x, bottom + 18, i == 0 ? "start" : i == 2 ? "end" : "middle", "tick",
                    cost.apply(most * i / 2));
        }
        text(svg, (left + RIGHT) / 2.0, height - 6, "middle", "tick", costs);
        var taken = new ArrayList<double[]>();              // of dots and names: x from, x to, y, the distance needed
        for (var point : points) {
            double x = at(point.cost(), most, left, RIGHT), y = at(point.quality() - least, 1 - least, bottom, top);
            taken.add(new double[] {x - 9, x + 9, y, 13});
        }
        for (var point : points) {
            double x = at(point.cost(), most, left, RIGHT), y = at(point.quality() - least, 1 - least, bottom, top);
            line(svg, "range", x, at(point.low() - least, 1 - least, bottom, top), x,
                    at(point.high() - least, 1 - least, bottom, top));
            circle(svg, "dot", x, y, 8);
            text(svg, x, y + 3.5, "middle", "in-dot", "" + point.number());
            label(svg, taken, point.name(), x, y);
        }
        return svg(title, height, svg);
    }

    /// Writes a name beside its dot, unless it would cover another name or dot: the number in the dot has to do then.
    private static void label(StringBuilder svg, List<double[]> taken, String name, double x, double y) {
        String shown = Text.shortened(name, 34);
        double width = shown.length() * 6.3;
        for (boolean before : new boolean[] {false, true}) {
            double from = before ? x - 13 - width : x + 13, to = from + width;
            boolean fits = from >= 0 && to <= RIGHT + 6 && taken.stream().noneMatch(other -> other[0] < to
                    && from < other[1] && Math.abs(other[2] - y) < other[3]);
            if (!fits) continue;
            taken.add(new double[] {from, to, y, 13});
            text(svg, before ? x - 13 : x + 13, y + 4, before ? "end" : "start", "", shown);
            return;
        }
    }

    /// Returns the height for this many variants, the same in all charts.
    private static int height(int variants) { return Math.max(LEAST_HEIGHT, variants * 42 + 24); }

    /// Returns a round number that is not less, and whose half is round.
    static double nice(double most) {
        if (!(most > 0)) return 1;
        double power = Math.pow(10, Math.floor(Math.log10(most)));
        return DoubleStream.of(1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10).map(step -> step * power)
                .filter(end -> end >= most * 0.9999).findFirst().orElse(10 * power);
    }

    private static double at(double value, double most, double from, double to) {
        return from + (most > 0 ? Math.clamp(value / most, 0, 1) : 0) * (to - from);
    }

    private static String svg(String title, int height, StringBuilder content) {
        return "<svg viewBox=\"0 0 " + WIDTH + " " + height + "\" role=\"img\" aria-label=\""
                + ReportText.plain(title) + "\">\n" + content + "</svg>\n";
    }

    private static void line(StringBuilder svg, String style, double x1, double y1, double x2, double y2) {
        svg.append("<line class=\"%s\" x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\"/>%n".formatted(style, number(x1),
                number(y1), number(x2), number(y2)));
    }

    private static void circle(StringBuilder svg, String style, double x, double y, int radius) {
        svg.append("<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%d\"/>%n".formatted(style, number(x), number(y),
                radius));
    }

    private static void text(StringBuilder svg, double x, double y, String anchor, String style, String text) {
        svg.append("<text x=\"").append(number(x)).append("\" y=\"").append(number(y)).append("\"")
                .append(anchor.equals("start") ? "" : " text-anchor=\"" + anchor + "\"")
                .append(style.isEmpty() ? "" : " class=\"" + style + "\"").append('>')
                .append(ReportText.plain(text)).append("</text>\n");
    }

    private static String number(double value) {
        return BigDecimal.valueOf(value).setScale(1, RoundingMode.HALF_UP).stripTrailingZeros().toPlainString();
    }
}
