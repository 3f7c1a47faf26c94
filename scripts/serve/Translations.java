package cop;

import module java.base;
import cop.copilot.Model;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.JsonNodeException;

/// Chooses how a request is translated: not at all where the model has the client's own endpoint.
///
/// @param models finds a model by its id at Copilot
/// @param ids returns all ids that can be asked for, to name near ones
/// @param items what clients may refer to
record Translations(Function<String, Optional<Model>> models, Supplier<List<String>> ids, ItemMemory items) {
    /// The endpoints to use for a client, the most faithful first.
    private static final Map<ApiProtocol, List<ApiProtocol>> ORDER = Map.of(
            ApiProtocol.CHAT, List.of(ApiProtocol.CHAT, ApiProtocol.RESPONSES, ApiProtocol.MESSAGES),
            ApiProtocol.RESPONSES, List.of(ApiProtocol.RESPONSES, ApiProtocol.MESSAGES, ApiProtocol.CHAT),
            ApiProtocol.MESSAGES, List.of(ApiProtocol.MESSAGES, ApiProtocol.RESPONSES, ApiProtocol.CHAT));

    /// Translates without a memory of items.
    static Translation of(ApiProtocol client, byte[] body, HttpFields headers,
            Function<String, Optional<Model>> models, Supplier<List<String>> ids) {
        return new Translations(models, ids, new ItemMemory()).translate(client, body, headers);
    }

    /// @throws ApiRefusal for what cannot be kept, and unknown models
    Translation translate(ApiProtocol client, byte[] body, HttpFields headers) {
        var json = JsonSpan.of(withoutMark(body));
        if (client == ApiProtocol.RESPONSES) json = items.recall(json);
        checkNames(json);
        if (!json.get("model").isString()) throw ApiRefusal.invalid("model: a string is required");
        String asked = json.get("model").string();
        var model = ModelNames.find(asked, models, ids);
        var upstream = ORDER.get(client).stream().filter(each -> model.isAuto() ? each == ApiProtocol.CHAT
                : model.endpoints().contains(each.endpoint())).findFirst().orElseThrow(() -> ApiRefusal.invalid(
                "model_not_supported", "the model " + model.id() + " is not for chats"));
        boolean kept = client == ApiProtocol.RESPONSES && ItemMemory.isWanted(json);
        Consumer<JsonNode> keeper = kept ? items::keep : _ -> { };
        try {
            return upstream == client ? PassThrough.of(client, json, asked, model, headers).keeping(keeper)
                    : TranslatedRequest.of(client, upstream, json, model, headers).keeping(keeper);
        } catch (JsonNodeException number) {                // such as 1e999 tokens
            throw ApiRefusal.invalid("a number is out of range: " + Text.shortened(Text.printable(
                    number.getOriginalMessage().replaceFirst("(?s).*value (.*?) to .*", "$1")), 60));
        }
    }

    private static byte[] withoutMark(byte[] body) {
        boolean marked = body.length > 2 && body[0] == (byte) 0xEF && body[1] == (byte) 0xBB && body[2] == (byte) 0xBF;
        return marked ? Arrays.copyOfRange(body, 3, body.length) : body;
    }

    /// Refuses a field given twice, of which we might read one and Copilot the other.
    private static void checkNames(JsonSpan body) {
        var names = new HashSet<String>();
        for (var member : body.children()) {
            if (!names.add(member.name())) {
                throw ApiRefusal.invalid(Text.shortened(Text.printable(member.name()), 60) + ": given twice");
            }
        }
    }
}
