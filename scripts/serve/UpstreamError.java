package cop;

import module java.base;

/// Passes an error of Copilot's on to the client: its status, its words, and the headers that say when to come back.
final class UpstreamError {
    private static final Pattern KEPT = Pattern.compile("retry-after(-ms)?|x-should-retry|x-github-request-id"
            + "|(anthropic|x)-ratelimit-.*");
    private static final int MOST = 1 << 20;

    static void relay(ApiResponse answer, Exchange exchange) throws IOException {
        String text = answer.text(MOST);
        var protocol = exchange.protocol();
        boolean known = protocol.isError(Json.tryParse(text));
        var error = ErrorResponse.of(answer, text, Instant.now());
        byte[] body = known ? text.getBytes(StandardCharsets.UTF_8) : protocol.error(new ApiRefusal(answer.status(),
                error.code(), error.message().isEmpty() ? "no reason given" : error.message()), exchange.id());
        var headers = new TreeMap<>(Map.of("Content-Type", "application/json"));
        answer.headers().map().forEach((name, values) -> {
            if (KEPT.matcher(name).matches()) headers.put(name, values.getFirst());
        });
        // a 401 would let the client ask its user for another key
        exchange.respond(answer.status() == 401 ? 403 : answer.status(), headers, body);
    }
}
