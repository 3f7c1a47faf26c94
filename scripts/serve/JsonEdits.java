package cop;

import module java.base;
import tools.jackson.databind.JsonNode;

/// Changes to a JSON text that leave all other bytes as they are: the service caches prompts by their beginning, and a
/// large body is not written anew.
final class JsonEdits {
    private record Edit(int from, int to, byte[] bytes) {}

    private final JsonSpan root;
    private final List<Edit> edits = new ArrayList<>();
    private final Map<JsonSpan, Set<JsonSpan>> removed = new IdentityHashMap<>();
    private final Map<JsonSpan, StringJoiner> added = new IdentityHashMap<>();

    JsonEdits(JsonSpan root) { this.root = root; }

    void replace(JsonSpan value, Object json) { edits.add(edit(value.start(), value.end(), Json.compact(json))); }

    void rename(JsonSpan member, String name) {
        edits.add(edit(member.from(), member.start(), Json.compact(name) + ":"));
    }

    /// Removes a member or an item, if it is there; returns whether it was.
    boolean remove(JsonSpan parent, JsonSpan child) {
        if (child.isMissing()) return false;
        return removed.computeIfAbsent(parent, _ -> Collections.newSetFromMap(new IdentityHashMap<>())).add(child);
    }

    boolean remove(JsonSpan parent, String member) { return remove(parent, parent.get(member)); }

    /// Returns whether all items of an array, or members of an object, are removed.
    boolean isEmptied(JsonSpan parent) {
        return removed.containsKey(parent) && removed.get(parent).size() == parent.children().size();
    }

    void add(JsonSpan object, String member, Object json) {
        added.computeIfAbsent(object, _ -> new StringJoiner(",")).add(Json.compact(member) + ":" + Json.compact(json));
    }

    /// Sets a member, whether it is there or not.
    void set(JsonSpan object, String member, Object json) {
        if (object.has(member)) replace(object.get(member), json);
        else add(object, member, json);
    }

    private static Edit edit(int from, int to, String json) {
        return new Edit(from, to, json.getBytes(StandardCharsets.UTF_8));
    }

    /// Returns the text with all changes; the same array if there are none.
    byte[] apply() {
        var all = new ArrayList<>(edits);
        removed.forEach((parent, gone) -> all.addAll(cuts(parent.children(), gone)));
        added.forEach((object, members) -> {
            boolean first = object.children().isEmpty() || isEmptied(object);
            all.add(edit(object.end() - 1, object.end() - 1, (first ? "" : ",") + members));
        });
        if (all.isEmpty()) return root.text();
        all.sort(Comparator.comparingInt(Edit::from).thenComparing(Comparator.comparingInt(Edit::to).reversed()));
        byte[] text = root.text();
        var out = new ByteArrayOutputStream(text.length + 256);
        int at = 0;
        for (var edit : all) {
            if (edit.from < at) continue;                   // within something that is removed
            out.write(text, at, edit.from - at);
            out.writeBytes(edit.bytes);
            at = edit.to;
        }
        out.write(text, at, text.length - at);
        return out.toByteArray();
    }

    /// Returns the places to cut, each with one of the commas beside it.
    private static List<Edit> cuts(List<JsonSpan> children, Set<JsonSpan> gone) {
        var cuts = new ArrayList<Edit>();
        JsonSpan kept = null;                               // the last one
        for (int i = 0; i < children.size(); i++) {
            if (!gone.contains(children.get(i))) {
                kept = children.get(i);
                continue;
            }
            int first = i;
            while (i + 1 < children.size() && gone.contains(children.get(i + 1))) i++;
            boolean atEnd = i + 1 == children.size();
            int from = atEnd && kept != null ? kept.end() : children.get(first).from();
            int to = atEnd ? children.get(i).end() : children.get(i + 1).from();
            cuts.add(new Edit(from, to, new byte[0]));
        }
        return cuts;
    }
}
