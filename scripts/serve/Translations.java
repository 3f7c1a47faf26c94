package cop;

import module java.base;
import cop.copilot.Model;

/// Chooses how a request is translated: not at all where the model has the client's own endpoint.
final class Translations {
    /// The endpoints to use for a client, the most faithful first.
    private static final Map<ApiProtocol, List<ApiProtocol>> ORDER = Map.of(
            ApiProtocol.CHAT, List.of(ApiProtocol.CHAT, ApiProtocol.RESPONSES, ApiProtocol.MESSAGES),
            ApiProtocol.RESPONSES, List.of(ApiProtocol.RESPONSES, ApiProtocol.MESSAGES, ApiProtocol.CHAT),
            ApiProtocol.MESSAGES, List.of(ApiProtocol.MESSAGES, ApiProtocol.RESPONSES, ApiProtocol.CHAT));

    /// @param models finds a model by its id at Copilot
    /// @throws ApiRefusal for what cannot be kept, and unknown models
    static Translation of(ApiProtocol client, byte[] body, HttpFields headers,
            Function<String, Optional<Model>> models) {
        return of(client, body, headers, models, List::of);
    }

    /// @param ids all models that can be asked for, to name near ones
    static Translation of(ApiProtocol client, byte[] body, HttpFields headers,
            Function<String, Optional<Model>> models, Supplier<List<String>> ids) {
        var json = JsonSpan.of(withoutMark(body));
        checkNames(json);
        if (!json.get("model").isString()) throw ApiRefusal.invalid("model: a string is required");
        String asked = json.get("model").string();
        var model = ModelNames.find(asked, models, ids);
        var upstream = ORDER.get(client).stream().filter(each -> model.isAuto() ? each == ApiProtocol.CHAT
                : model.endpoints().contains(each.endpoint())).findFirst().orElseThrow(() -> ApiRefusal.invalid(
                "model_not_supported", "the model " + model.id() + " is not for chats"));
        return upstream == client ? PassThrough.of(client, json, asked, model, headers)
                : TranslatedRequest.of(client, upstream, json, model, headers);
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
