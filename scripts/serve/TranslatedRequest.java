package cop;

import module java.base;
import cop.copilot.Model;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A request to another API than the client's, because the model is not served on that.
///
/// @param keeper receives the items of a response
record TranslatedRequest(ApiProtocol client, ApiProtocol upstream, String asked, String model, byte[] body,
                         Map<String, String> headers, Dialog dialog, Consumer<JsonNode> keeper)
        implements Translation {
    static TranslatedRequest of(ApiProtocol client, ApiProtocol upstream, JsonSpan request, Model model,
            HttpFields fields) {
        var body = (ObjectNode) request.tree();
        var dialog = switch (client) {
            case CHAT -> ChatDialog.read(body, model, upstream);
            case RESPONSES -> ResponsesDialog.read(request, body, model, upstream);
            case MESSAGES -> MessagesDialog.read(body);
        };
        dialog.limit(model);
        var written = switch (upstream) {
            case CHAT -> ChatDialog.write(dialog, model);
            case RESPONSES -> ResponsesDialog.write(dialog, model);
            case MESSAGES -> MessagesDialog.write(dialog, model);
        };
        var headers = new TreeMap<String, String>();
        headers.put("X-Initiator", Initiator.of(client, request, fields));
        if (dialog.hasImages()) headers.put("Copilot-Vision-Request", "true");
        if (upstream == ApiProtocol.MESSAGES) headers.put("anthropic-version", "2023-06-01");
        return new TranslatedRequest(client, upstream, Json.text(body, "model"), model.id(), Json.bytes(written),
                headers, dialog, _ -> { });
    }

    TranslatedRequest keeping(Consumer<JsonNode> other) {
        return new TranslatedRequest(client, upstream, asked, model, body, headers, dialog, other);
    }

    @Override
    public Translation with(byte[] other, Map<String, String> fields) {
        return new TranslatedRequest(client, upstream, asked, model, other, fields, dialog, keeper);
    }

    @Override
    public boolean streams() { return dialog.stream; }

    @Override
    public List<String> notes() { return dialog.notes; }

    @Override
    public StreamTranslator stream() { return new TranslatedStream(this); }

    @Override
    public WholeAnswer whole(byte[] answer) {
        if (!(Json.tryParse(new String(answer, StandardCharsets.UTF_8)) instanceof ObjectNode json)) {
            throw new ApiRefusal(502, "invalid_answer", "Copilot's answer is not JSON");
        }
        var sink = AnswerSink.of(this);
        AnswerSource.of(upstream, sink::accept).whole(json);
        sink.failure().ifPresent(why -> {
            throw why;
        });
        return new WholeAnswer(Json.bytes(sink.whole()), sink.usage().usage());
    }
}
