package cop;

import module java.base;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// What checks look at: an answer, or the part of it that a path names.
///
/// Texts are compared in Unicode's form NFC and with `\n` as line end, so that nobody's check fails because of a
/// difference that nobody sees; compatible characters (`²` and `2`, full width) stay different. A structured answer's
/// text is its JSON without white space.
final class CheckedAnswer {
    private static final long MOST_SCANNED = 2_000_000_000;

    private final EvalCell cell;
    private final JsonNode node;            // of a structured answer, or what a path names; null for text
    private String text;
    private JsonNode parsed;

    private CheckedAnswer(EvalCell cell, JsonNode node) {
        this.cell = cell;
        this.node = node;
    }

    /// Tells whether a cell has an answer that checks can judge: not failed, filtered, or cut off. It may be empty.
    static boolean isComplete(EvalCell cell) {
        return cell.status().equals("ok") && (cell.text() != null || cell.json() != null);
    }

    static CheckedAnswer of(EvalCell cell) { return new CheckedAnswer(cell, cell.json()); }

    static String normalized(String text) {
        String lines = text.indexOf('\r') < 0 ? text : text.replace("\r\n", "\n").replace('\r', '\n');
        if (isWithin(lines, 0, 0x300)) return lines;        // no combining marks: the usual case, and quick
        return Normalizer.isNormalized(lines, Normalizer.Form.NFC) ? lines : Normalizer.normalize(lines,
                Normalizer.Form.NFC);
    }

    /// Tells whether all characters are of a range, in a loop that is quick before it is compiled, too.
    private static boolean isWithin(String text, int from, int to) {
        for (int i = 0; i < text.length(); i++) if (text.charAt(i) < from || text.charAt(i) >= to) return false;
        return true;
    }

    EvalCell cell() { return cell; }

    /// Returns the part at a path, also of a text that is JSON or has it in one place; empty if there is none.
    Optional<CheckedAnswer> at(AnswerPath path) {
        var only = node != null ? List.of(node) : embedded(_ -> true).toList();
        var json = only.size() == 1 ? only.getFirst() : MissingNode.getInstance();
        var part = path.in(json);
        return part.isMissingNode() ? Optional.empty() : Optional.of(new CheckedAnswer(cell, part));
    }

    /// Returns a string as it is, other JSON compact.
    String text() {
        if (text == null) text = normalized(node == null ? cell.text() : node.isString() ? node.asString()
                : Json.compact(node));
        return text;
    }

    /// Returns the text without white space around it, which models add and nobody means.
    String stripped() { return text().strip(); }

    /// Returns the JSON of a structured answer, or of a text that is JSON as a whole; otherwise a missing node.
    JsonNode json() {
        if (node != null && !node.isString()) return node;
        if (parsed == null) parsed = Json.tryParse(text());
        return parsed;
    }

    /// Returns the JSON in a text that passes a test: all of it, that in fenced blocks, or objects and lists among
    /// words.
    Stream<JsonNode> embedded(Predicate<JsonNode> test) {
        var found = new ArrayList<JsonNode>();
        Predicate<String> collect = text -> {
            var json = Json.tryParse(text);
            boolean good = !json.isMissingNode() && test.test(json);
            if (good) found.add(json);
            return good;
        };
        String text = text();
        long brackets = text.chars().filter(c -> c == '{' || c == '[').count();
        if (collect.test(text.strip())) return found.stream();
        // each bracket is tried; megabytes of them are not
        if (brackets * text.length() < MOST_SCANNED) Json.extract(text, collect);
        return found.stream();
    }

    /// Tells whether it is a number, list, or object rather than text.
    boolean isStructured() { return node != null && !node.isString(); }

    /// Returns the text for a message, on one line.
    String shown() { return quoted(Text.shortened(text(), 2_000).strip()); }

    static String quoted(String text) {
        String start = Text.shortened(text, 200);
        return "\"" + Text.shortened(isWithin(start, ' ', 0x7f) ? start : Text.cell(start), 80)
                + "\"";
    }
}
