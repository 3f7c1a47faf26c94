package cop;

import module java.base;

/// Passes an error of Copilot's on to the client: its status, its words, and the headers that say when to come back.
/// Clients mend their requests by the words (Claude Code's gateway protocol), so a body in their form stays as it is.
final class UpstreamError {
    private static final Pattern KEPT = Pattern.compile("(?i)retry-after-ms|x-should-retry|(x-)?request-id"
            + "|x-github-request-id|(anthropic|x)-ratelimit-.*|x-quota-snapshot-.*|openai-processing-ms");
    static final int MOST = 1 << 20;

    static void relay(ApiResponse answer, Exchange exchange) throws IOException {
        String text = answer.text(MOST);
        relay(answer, text, ErrorResponse.of(answer, text, Instant.now()), exchange);
    }

    /// @param text the body
    /// @param error what it says
    static void relay(ApiResponse answer, String text, ErrorResponse error, Exchange exchange) {
        var headers = headers(answer);
        // clients read whole seconds only
        error.retryAfter().ifPresent(wait -> headers.put("Retry-After", ApiRefusal.seconds(wait)));
        int status = status(answer.status());
        String words = error.message().isEmpty() ? "Copilot gave no reason" : error.message();
        if (answer.status() == 401) words += " (Copilot rejects the login: " + Text.COP + " login)";
        if (status != answer.status() || !exchange.protocol().isError(Json.tryParse(text))) {
            throw new ApiRefusal(status, error.code(), words, headers);
        }
        headers.put("Content-Type", "application/json");
        exchange.call().reason(words);
        exchange.respond(status, headers, text.getBytes(StandardCharsets.UTF_8));
    }

    /// Returns the client's status. After a 401, clients ask their user for another key, but ours is not at fault;
    /// nothing redirects, or leads to another host.
    static int status(int status) {
        return status == 401 ? 403 : status < 400 || status == 421 ? 502 : status;
    }

    /// Returns the headers of an answer that clients may see.
    static Map<String, String> headers(ApiResponse answer) {
        var headers = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
        answer.headers().map().forEach((name, values) -> {
            if (KEPT.matcher(name).matches()) headers.put(name, values.getFirst());
        });
        return headers;
    }
}
