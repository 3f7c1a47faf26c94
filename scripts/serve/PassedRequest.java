package cop;

import module java.base;
import cop.copilot.Model;

/// A request on its way to the client's own API at Copilot, and the few changes that it needs.
///
/// @param client the client's headers
/// @param headers to send
/// @param notes receives what was changed, for the log
record PassedRequest(JsonSpan body, JsonEdits edits, Model model, HttpFields client, Map<String, String> headers,
                     List<String> notes) {
    PassedRequest(JsonSpan body, Model model, HttpFields client) {
        this(body, new JsonEdits(body), model, client, new TreeMap<>(), new ArrayList<>());
    }

    /// Removes a member, if it is there.
    void drop(JsonSpan parent, String member, String why) {
        if (edits.remove(parent, member)) notes.add("dropped " + member + ": " + why);
    }

    /// Drops what may only be sent with tools.
    void dropToolFieldsWithoutTools(String... fields) {
        var tools = body.get("tools");
        if (!tools.items().isEmpty()) return;
        edits.remove(body, tools);
        for (String field : fields) drop(body, field, "there are no tools");
    }

    /// Makes sure that a tool's schema says that it describes an object.
    void typed(JsonSpan schema) {
        if (!schema.isObject() || schema.has("type")) return;
        edits.add(schema, "type", "object");
        notes.add("added type: object to a tool's schema");
    }

    /// Announces images, which are refused otherwise.
    void showsImage() { headers.put("Copilot-Vision-Request", "true"); }
}
