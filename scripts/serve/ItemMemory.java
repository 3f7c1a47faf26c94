package cop;

import module java.base;
import tools.jackson.databind.JsonNode;

/// Items of the last answers of /responses, in memory only. Copilot stores no responses, but clients that rely on
/// OpenAI's default to store them refer to an item by its id (the AI SDK's `item_reference`).
final class ItemMemory {
    private static final long MOST = 32 << 20, LARGEST = 4 << 20;       // bytes

    private final SequencedMap<String, byte[]> items = new LinkedHashMap<>();
    private long size;

    synchronized void keep(JsonNode item) {
        String id = Json.text(item, "id");
        byte[] json = Json.bytes(item);
        if (id.isEmpty() || json.length > LARGEST) return;
        forget(id);
        items.putLast(id, json);
        size += json.length;
        while (size > MOST) forget(items.firstEntry().getKey());
    }

    private void forget(String id) {
        byte[] old = items.remove(id);
        if (old != null) size -= old.length;
    }

    synchronized Optional<JsonNode> find(String id) {
        return Optional.ofNullable(items.get(id)).map(json -> Json.tryParse(new String(json, StandardCharsets.UTF_8)));
    }

    /// Puts items in place of references to them. Reasoning without its encrypted content is useless to the model.
    ///
    /// @return the same body if it has no reference that is known
    JsonSpan recall(JsonSpan body) {
        var edits = new JsonEdits(body);
        var input = body.get("input");
        for (var item : input.items()) {
            if (item.isType("item_reference") || item.has("id") && item.children().size() == 1) {
                find(item.get("id").string()).ifPresent(known -> {
                    boolean sealed = !Json.text(known, "type").equals("reasoning") || known.has("encrypted_content");
                    if (sealed) edits.replace(item, known);
                    else edits.remove(input, item);
                });
            }
        }
        byte[] changed = edits.apply();
        return changed == body.text() ? body : JsonSpan.of(changed);
    }

    /// Returns whether a client relies on its responses being stored.
    static boolean isWanted(JsonSpan body) { return !body.get("store").isPresent(); }
}
