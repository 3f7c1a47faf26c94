package cop;

import module java.base;
import cop.copilot.Fault;

/// The value of a check: text, a list, or an object, whose strings are templates over a row. What the row puts in is
/// never parsed as a template.
final class CheckValue {
    /// A value without tags.
    static final CheckValue NONE = new CheckValue(null, "", false);

    private static final Pattern LINE = Pattern.compile("(.*):(\\d+)");
    private static final Pattern ONE_TAG = Pattern.compile("\\{\\{\\{?\\s*([^{}#^/<$>!&=\\s]+)\\s*}?}}");

    private final Object written;
    private final String place;
    private final Object texts;             // like `written`, with compiled templates; null if no string has a tag
    private StrictMustache mustache;

    /// @param written a plain value (see JsonValues); null if there is none
    /// @param template whether strings are templates
    CheckValue(Object written, String place, boolean template) {
        this.written = written == JsonValues.NULL ? null : written;
        this.place = place;
        texts = template && hasTag(this.written) ? compiled(this.written) : null;
    }

    private static boolean hasTag(Object value) {
        return switch (value) {
            case String text -> text.contains("{{");
            case List<?> list -> list.stream().anyMatch(CheckValue::hasTag);
            case Map<?, ?> map -> map.values().stream().anyMatch(CheckValue::hasTag);
            case null, default -> false;
        };
    }

    Object written() { return written; }

    /// Tells whether it depends on the row.
    boolean isOpen() { return texts != null; }

    /// Returns the value for a row.
    ///
    /// @throws Fault naming every field that the row lacks
    Object filled(Map<String, Object> row) {
        if (texts == null) return written;
        var missing = new LinkedHashSet<String>();
        Object value = filled(written, texts, row, missing);
        if (missing.isEmpty()) return value;
        throw Fault.usage(String.join("; ", missing), row.isEmpty() ? "the row is empty" : "the row has "
                + Text.shortened(String.join(", ", StrictMustache.spelled(row.keySet())), 200)
                + "; for {{ as text, begin with {{=<% %>=}}");
    }

    private Object filled(Object plain, Object text, Map<String, Object> row, Set<String> missing) {
        return switch (text) {
            case StrictMustache.Compiled template -> {
                Object whole = whole((String) plain, row);
                if (whole != null) yield whole;
                var rendering = mustache.render(template, row);
                rendering.missing().forEach(each -> missing.add(shown(each.message())));
                yield rendering.text();
            }
            case List<?> list -> IntStream.range(0, list.size()).mapToObj(i -> filled(((List<?>) plain).get(i),
                    list.get(i), row, missing)).toList();
            case Map<?, ?> map -> {
                var all = new LinkedHashMap<String, Object>();
                JsonValues.copy(map).forEach((name, inner) -> all.put(name, filled(((Map<?, ?>) plain).get(name), inner,
                        row, missing)));
                yield all;
            }
            default -> plain;
        };
    }

    /// Returns the list, object, or number that a text of one tag names; null for text.
    private Object whole(String text, Map<String, Object> row) {
        var tag = ONE_TAG.matcher(text.strip());
        if (!tag.matches() || tag.group(1).equals(".")) return null;
        Object value = mustache.value(tag.group(1), row);
        return value instanceof String || value instanceof Boolean || value == JsonValues.NULL ? null : value;
    }

    private Object compiled(Object value) {
        return switch (value) {
            case String text -> template(text);
            case List<?> list -> list.stream().map(this::compiled).toList();
            case Map<?, ?> map -> {
                var all = new LinkedHashMap<String, Object>();
                JsonValues.copy(map).forEach((name, inner) -> all.put(name, compiled(inner)));
                yield all;
            }
            default -> value;
        };
    }

    private Object template(String text) {
        if (!text.contains("{{")) return text;
        if (mustache == null) mustache = new StrictMustache(_ -> Optional.empty(), List::of);
        var line = LINE.matcher(place);
        try {
            return line.matches() ? mustache.text(text, line.group(1), Integer.parseInt(line.group(2)))
                    : mustache.text(text, place, 1);
        } catch (Fault fault) {
            throw Fault.usage(shown(fault.message()), fault.hint());
        }
    }

    /// Omits the number of a line that `place` does not have.
    private String shown(String message) {
        if (LINE.matcher(place).matches() || !message.startsWith(place + ":")) return message;
        return place + message.substring(place.length()).replaceFirst("^:\\d+: ", ": ");
    }

    @Override
    public String toString() {
        return written instanceof List<?> list && list.stream().noneMatch(item -> item instanceof List
                || item instanceof Map) ? list.stream().map(String::valueOf).collect(Collectors.joining(", "))
                : written == null ? "" : JsonValues.text(written);
    }
}
