package cop;

import module java.base;

/// Answers `GET /copilot_internal/v2/token`, so that copilot.java on another machine or in a container can use this
/// server as its `--host`, with the key in the place of a GitHub token. What it answers is the key that it was sent:
/// Copilot's token stays here.
record ExchangeRoute(Time time) implements Route {
    static final String PATH = "/copilot_internal/v2/token";
    private static final Duration LIFE = Duration.ofHours(24);

    @Override
    public void handle(Exchange exchange) {
        String key = exchange.headers().value("authorization").replaceFirst("^\\S*\\s*", "");
        var json = Json.object().put("token", key).put("expires_at", time.now().plus(LIFE).getEpochSecond())
                .put("refresh_in", LIFE.toSeconds() - 300);
        json.putObject("endpoints").put("api", "http://" + exchange.headers().value("host"));
        exchange.respond(200, json);
    }

    /// Returns whether a client is one of Copilot's own API, and reads GitHub's list of models.
    static boolean speaksCopilot(Exchange exchange) { return exchange.headers().has("x-github-api-version"); }
}
