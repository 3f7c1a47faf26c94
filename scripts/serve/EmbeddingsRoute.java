package cop;

import module java.base;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;

/// Answers `POST /v1/embeddings`, with as many requests to Copilot as the texts need, one after the other.
record EmbeddingsRoute(Backend backend) implements Route {
    @Override
    public void handle(Exchange exchange) {
        backend.copilot().spending.check();
        var body = Json.tryParse(new String(exchange.body(), StandardCharsets.UTF_8));
        if (!body.isObject()) throw ApiRefusal.invalid("the body is not a JSON object");
        var request = EmbeddingsRequest.of(body, backend.copilot().models().list(ModelList.FRESH));
        exchange.call().model(request.asked());
        try (var _ = backend.admission().enter(request.model().id(), exchange.call()::queued)) {
            exchange.call().started();
            var responses = new ArrayList<JsonNode>();
            for (var call : request.calls()) {
                var response = backend.upstream().send("POST", "/embeddings", Json.bytes(call), Map.of(), answer -> {
                    if (answer.ok()) return Json.tryParse(answer.text());
                    String text = answer.text(UpstreamError.MOST);
                    var error = ErrorResponse.of(answer, text, backend.copilot().context().now());
                    backend.limited(request.model().id(), error);
                    UpstreamError.relay(answer, text, error, exchange);
                    return null;
                });
                if (response == null) return;
                responses.add(response);
            }
            var answer = request.answer(responses);
            backend.used(exchange.call(), request.model().id(), new Usage(answer.path("usage").path("prompt_tokens")
                    .asLong(), 0, 0, 0, 0, false));
            exchange.respond(200, answer);
        }
    }
}
