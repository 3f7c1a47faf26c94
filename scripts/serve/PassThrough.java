package cop;

import module java.base;
import cop.copilot.Model;
import tools.jackson.databind.JsonNode;

/// A request to the client's own API at Copilot.
///
/// @param asked the id that the client used
/// @param includeUsage whether a chat asked for the usage in its stream
/// @param single whether a chat asked for one answer
/// @param keeper receives the items of a response
record PassThrough(ApiProtocol upstream, String asked, String model, byte[] body, Map<String, String> headers,
                   List<String> notes, boolean streams, boolean single, boolean includeUsage,
                   Consumer<JsonNode> keeper) implements Translation {
    static PassThrough of(ApiProtocol protocol, JsonSpan body, String asked, Model model, HttpFields client) {
        var request = new PassedRequest(body, model, client);
        if (model.isAuto()) request.edits().remove(body, "model");
        else if (!asked.equals(model.id())) request.edits().replace(body.get("model"), model.id());
        switch (protocol) {
            case CHAT -> ChatRepairs.repair(request);
            case RESPONSES -> ResponsesRepairs.repair(request);
            case MESSAGES -> MessagesRepairs.repair(request);
        }
        request.headers().put("X-Initiator", Initiator.of(protocol, body, client));
        return new PassThrough(protocol, asked, model.id(), request.edits().apply(), request.headers(),
                request.notes(), body.get("stream").isTrue(), body.get("n").number(1) == 1,
                body.get("stream_options").get("include_usage").isTrue(), _ -> { });
    }

    PassThrough keeping(Consumer<JsonNode> other) {
        return new PassThrough(upstream, asked, model, body, headers, notes, streams, single, includeUsage, other);
    }

    @Override
    public Translation with(byte[] other, Map<String, String> fields) {
        return new PassThrough(upstream, asked, model, other, fields, notes, streams, single, includeUsage, keeper);
    }

    @Override
    public StreamTranslator stream() {
        return switch (upstream) {
            case CHAT -> new ChatPassThrough(asked, single, includeUsage);
            case RESPONSES -> new ResponsesPassThrough(asked, keeper);
            case MESSAGES -> new MessagesPassThrough(asked);
        };
    }

    @Override
    public WholeAnswer whole(byte[] answer) {
        return switch (upstream) {
            case CHAT -> ChatPassThrough.whole(asked, single, answer);
            case RESPONSES -> ResponsesPassThrough.whole(asked, answer, keeper);
            case MESSAGES -> MessagesPassThrough.whole(asked, answer);
        };
    }

    // ---- for what passes

    /// Returns an object of Copilot's; empty if it is none.
    static Optional<JsonSpan> parsed(byte[] json) {
        try {
            return Optional.of(JsonSpan.of(json));
        } catch (ApiRefusal _) {
            return Optional.empty();
        }
    }

    static byte[] edited(JsonSpan json, Consumer<JsonEdits> change) {
        var edits = new JsonEdits(json);
        change.accept(edits);
        return edits.apply();
    }
}
