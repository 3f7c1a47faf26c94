package cop;

import module java.base;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;

/// A value in a JSON text: where it begins and ends, and its members or items, but not its content. So a body of 10 MB
/// is looked into, and edited at a few places, without a copy of its texts and images.
final class JsonSpan {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int DEEPEST = 200, MOST = 1_000_000;           // levels; values, of some 60 bytes each
    private static final JsonSpan MISSING = new JsonSpan(new byte[0], "", 0, 0, JsonToken.NOT_AVAILABLE);

    private static final class Position {
        private int depth, values;
    }

    private final byte[] text;
    private final String name;
    private final int from, start;                          // of the member with its name; of the value
    private int end;
    private final JsonToken kind;
    private List<JsonSpan> children = List.of();

    private JsonSpan(byte[] text, String name, int from, int start, JsonToken kind) {
        this.text = text;
        this.name = name;
        this.from = from;
        this.start = start;
        this.kind = kind;
    }

    /// @throws ApiRefusal if the text is not a JSON object in UTF-8
    static JsonSpan of(byte[] text) {
        try (var json = JSON.createParser(ObjectReadContext.empty(), text)) {
            if (json.nextToken() != JsonToken.START_OBJECT) throw ApiRefusal.invalid(
                    "the request body is not a JSON object");
            if (json.currentTokenLocation().getByteOffset() < 0) throw notJson("it is not UTF-8");
            var root = value(text, json, "", -1, new Position());
            if (json.nextToken() != null) throw notJson("more follows after the object");
            return root;
        } catch (JacksonException e) {
            var at = e.getLocation();
            throw notJson(e.getOriginalMessage().replaceAll("\\R.*|[,:]? (from|enable) `[^`]*`( to allow)?", "")
                    + (at == null || at.getLineNr() < 1 ? "" : " (line " + at.getLineNr() + ", column "
                    + at.getColumnNr() + ")"));
        }
    }

    private static ApiRefusal notJson(String why) {
        return ApiRefusal.invalid("the request body is not valid JSON: " + Text.printable(why));
    }

    private static JsonSpan value(byte[] text, JsonParser json, String name, int from, Position at) {
        if (++at.values > MOST) throw ApiRefusal.invalid("the request body has more than " + MOST + " values");
        if (at.depth > DEEPEST) throw notJson("it is nested deeper than " + DEEPEST + " levels");
        at.depth++;
        int start = (int) json.currentTokenLocation().getByteOffset();
        var span = new JsonSpan(text, name, from < 0 ? start : from, start, json.currentToken());
        switch (span.kind) {
            case START_OBJECT -> {
                span.children = new ArrayList<>();
                while (json.nextToken() != JsonToken.END_OBJECT) {
                    int begin = (int) json.currentTokenLocation().getByteOffset();
                    String member = json.currentName();
                    json.nextToken();
                    span.children.add(value(text, json, member, begin, at));
                }
            }
            case START_ARRAY -> {
                span.children = new ArrayList<>();
                while (json.nextToken() != JsonToken.END_ARRAY) {
                    span.children.add(value(text, json, "", -1, at));
                }
            }
            default -> { }
        }
        at.depth--;
        span.end = span.kind == JsonToken.VALUE_STRING ? endOfString(text, start)
                : (int) json.currentLocation().getByteOffset();
        return span;
    }

    /// Returns the place after the closing quote, without decoding the string. The parser checks it later.
    private static int endOfString(byte[] text, int start) {
        int at = start + 1;
        while (at < text.length && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
        return Math.min(at + 1, text.length);
    }

    // ---- to look at

    String name() { return name; }

    int from() { return from; }

    int start() { return start; }

    int end() { return end; }

    byte[] text() { return text; }

    List<JsonSpan> children() { return children; }

    boolean isMissing() { return this == MISSING; }

    boolean isPresent() { return this != MISSING && kind != JsonToken.VALUE_NULL; }

    boolean isObject() { return kind == JsonToken.START_OBJECT; }

    boolean isArray() { return kind == JsonToken.START_ARRAY; }

    boolean isString() { return kind == JsonToken.VALUE_STRING; }

    boolean isTrue() { return kind == JsonToken.VALUE_TRUE; }

    /// Returns the items of an array; none of anything else.
    List<JsonSpan> items() { return isArray() ? children : List.of(); }

    Optional<JsonSpan> last() { return items().isEmpty() ? Optional.empty() : Optional.of(children.getLast()); }

    /// Returns a member, the last of its name; a missing value if there is none.
    JsonSpan get(String member) {
        if (!isObject()) return MISSING;
        for (int i = children.size() - 1; i >= 0; i--) {
            if (children.get(i).name.equals(member)) return children.get(i);
        }
        return MISSING;
    }

    boolean has(String member) { return !get(member).isMissing(); }

    /// Returns whether this is the string, written without escapes.
    boolean is(String ascii) {
        if (!isString() || end - start != ascii.length() + 2) return false;
        for (int i = 0; i < ascii.length(); i++) {
            if (text[start + 1 + i] != ascii.charAt(i)) return false;
        }
        return true;
    }

    boolean isType(String type) { return get("type").is(type); }

    /// Returns whether this is a string that begins so.
    boolean startsWith(String ascii) {
        if (!isString() || end - start < ascii.length() + 2) return false;
        for (int i = 0; i < ascii.length(); i++) {
            if (text[start + 1 + i] != ascii.charAt(i)) return false;
        }
        return true;
    }

    /// Returns the content of a string; empty for anything else.
    String string() { return isString() ? tree().asString() : ""; }

    /// Returns an integer; `otherwise` if this is none.
    long number(long otherwise) {
        return kind == JsonToken.VALUE_NUMBER_INT || kind == JsonToken.VALUE_NUMBER_FLOAT ? tree().asLong(otherwise)
                : otherwise;
    }

    /// Copies this value into a tree.
    JsonNode tree() { return Json.tryParse(new String(text, start, end - start, StandardCharsets.UTF_8)); }
}
