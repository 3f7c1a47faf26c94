package cop;

import module java.base;
import tools.jackson.databind.JsonNode;

/// Answers `POST /v1/embeddings`, with as many requests to Copilot as the texts need, one after the other.
record EmbeddingsRoute(Upstream upstream) implements Route {
    @Override
    public void handle(Exchange exchange) {
        var body = Json.tryParse(new String(exchange.body(), StandardCharsets.UTF_8));
        if (!body.isObject()) throw ApiRefusal.invalid("the body is not a JSON object");
        var request = EmbeddingsRequest.of(body, upstream.copilot().models().list(ModelList.FRESH));
        var responses = new ArrayList<JsonNode>();
        for (var call : request.calls()) {
            var response = upstream.send("POST", "/embeddings", Json.bytes(call), Map.of(), answer -> {
                if (answer.ok()) return Json.tryParse(answer.text());
                UpstreamError.relay(answer, exchange);
                return null;
            });
            if (response == null) return;
            responses.add(response);
        }
        exchange.respond(200, request.answer(responses));
    }
}
