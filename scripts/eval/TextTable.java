package cop;

import module java.base;

/// A table for the terminal: the first column on the left, figures on the right. Cells may hold anything: controls are
/// made visible, and wide characters are counted as two.
final class TextTable {
    private static final String GAP = "  ";
    private static final int NARROWEST = 12;                // of the first column

    private final List<List<String>> rows = new ArrayList<>();

    TextTable(String... header) { row(header); }

    void row(String... cells) { rows.add(Stream.of(cells).map(TextTable::shown).toList()); }

    /// Returns a text on one line, without what moves or hides other text of a terminal.
    static String shown(String text) {
        return Text.cell(text).replaceAll("[\\u202a-\\u202e\\u2066-\\u2069]", "\uFFFD");
    }

    /// Returns lines, each at most `columns` wide as long as the figures leave room for the names.
    String text(int columns) {
        int figures = rows.getFirst().size() - 1;
        int[] widths = new int[figures + 1];
        for (var row : rows) for (int i = 0; i <= figures; i++) {
            widths[i] = Math.max(widths[i], Text.displayWidth(row.get(i)));
        }
        int rest = IntStream.rangeClosed(1, figures).map(i -> widths[i] + GAP.length()).sum();
        widths[0] = Math.min(widths[0], Math.max(NARROWEST, columns - rest));
        var text = new StringBuilder();
        for (var row : rows) {
            var line = new StringBuilder(Text.padded(fitted(row.getFirst(), widths[0]), widths[0]));
            for (int i = 1; i <= figures; i++) {
                line.append(GAP).repeat(" ", widths[i] - Text.displayWidth(row.get(i))).append(row.get(i));
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    /// Shortens a text to a number of the terminal's cells.
    static String fitted(String text, int width) {
        if (Text.displayWidth(text) <= width) return text;
        var fit = new StringBuilder();
        int used = 0;
        for (int c : text.codePoints().limit(4L * width + 8).toArray()) {
            used += Text.displayWidth(Character.toString(c));
            if (used >= width) break;
            fit.appendCodePoint(c);
        }
        return fit + "…";
    }
}
