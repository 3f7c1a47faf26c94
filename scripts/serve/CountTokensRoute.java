package cop;

import module java.base;

/// Answers `POST /v1/messages/count_tokens`: with Copilot's own count for models that it serves on /v1/messages (as
/// puxu-msft/copilot-api-js and Jer-y/copilot-proxy found), else with an estimate that a header marks as one. An error
/// is sent as it is: with a wrong number, Claude Code would compact too late; without one, it estimates itself.
record CountTokensRoute(Backend backend) implements Route {
    static final String PATH = "/v1/messages/count_tokens";

    @Override
    public void handle(Exchange exchange) {
        var body = Json.tryParse(new String(exchange.body(), StandardCharsets.UTF_8));
        String asked = Json.text(body, "model");
        if (asked.isEmpty()) throw ApiRefusal.invalid("model: a string is required");
        exchange.call().model(asked);
        var model = ModelNames.find(asked, backend::model, backend::ids);
        if (model.endpoints().contains(ApiProtocol.MESSAGES.endpoint())) {
            var sent = backend.translations().translate(ApiProtocol.MESSAGES, exchange.body(), exchange.headers());
            backend.upstream().send("POST", PATH, sent.body(), sent.headers(), answer -> {
                if (answer.ok()) exchange.respond(200, "application/json", answer.text().getBytes(
                        StandardCharsets.UTF_8));
                else UpstreamError.relay(answer, exchange);
                return null;
            });
        } else {
            var json = Json.object().put("input_tokens", TokenEstimate.of(body, model));
            exchange.respond(200, Map.of("Content-Type", "application/json", TokenEstimate.HEADER, "true"),
                    Json.bytes(json));
        }
    }
}
