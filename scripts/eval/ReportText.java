package cop;

import module java.base;
import tools.jackson.databind.JsonNode;

/// Writes untrusted text as HTML, or as JSON within a `<script>`, such that nothing in it is markup.
final class ReportText {
    /// What is invisible, or changes the direction of what follows: shown by its code point. Joiners stay: emoji and
    /// Persian need them.
    private static final Pattern ODD = Pattern.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e"
            + "\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\x{e0000}-\\x{e007f}\\p{Cs}]");

    /// Returns text for an element. Without scripts, too, it shows what is invisible.
    static String html(String text) {
        return ODD.matcher(escaped(text)).replaceAll(odd -> "<span class=\"control\">" + name(odd.group()) + "</span>");
    }

    /// Returns text for an attribute, a title, or an SVG text, where no element may stand.
    static String plain(String text) { return ODD.matcher(escaped(text)).replaceAll(odd -> name(odd.group())); }

    /// Returns text for an attribute that a script reads: it comes back as it was, but for what HTML cannot contain.
    static String attribute(String text) {
        return escaped(text).replaceAll("[\\x00\\p{Cs}]", "\ufffd").replace("\r", "&#13;");
    }

    private static String name(String odd) { return "U+%04X".formatted(odd.codePointAt(0)); }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;")
                .replace("'", "&#39;");
    }

    /// Appends a JSON string. `<`, `>`, and `&` are escaped so that no text ends the script or opens a comment;
    /// controls, line separators, marks of direction, and surrogates without a partner so that the file is plain text.
    static StringBuilder json(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean pair = Character.isHighSurrogate(c) && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1));
            if (pair) out.append(c).append(text.charAt(++i));
            else if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c == '\n') out.append("\\n");
            else if (c < ' ' || c == '<' || c == '>' || c == '&' || c >= 0x7f && c < 0xa0 || c == '\ufeff'
                    || c >= 0x2000 && c < 0x2070 || c == '\u061c' || Character.isSurrogate(c)) {
                out.append("\\u").append(HexFormat.of().toHexDigits(c));
            } else {
                out.append(c);
            }
        }
        return out.append('"');
    }

    /// Returns the beginning of a text, not cut within a character, without a sign that it is cut.
    static String start(String text, int most) {
        if (text.length() <= most) return text;
        return text.substring(0, Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most);
    }

    /// Returns the beginning of a text in one line.
    static String brief(String text, int most) {
        return Text.shortened(start(text, most * 2).strip().replaceAll("\\s+", " "), most);
    }

    /// Returns the answer as text, a structured one with a line per field; empty if there is none.
    static String answer(EvalCell cell) {
        if (cell.text() != null) return cell.text();
        return cell.json() == null || cell.json().isMissingNode() ? "" : pretty(cell.json(), "\n");
    }

    private static String pretty(JsonNode json, String line) {
        if (!json.isContainer() || json.isEmpty()) return Json.singleLine(json);
        var members = json.isArray() ? json.valueStream().map(value -> pretty(value, line + "  "))
                : json.propertyStream().map(member -> Json.compact(member.getKey()) + ": "
                        + pretty(member.getValue(), line + "  "));
        return members.collect(Collectors.joining("," + line + "  ", (json.isArray() ? "[" : "{") + line + "  ",
                line + (json.isArray() ? "]" : "}")));
    }
}
