package cop;

import module java.base;
import tools.jackson.databind.JsonNode;

/// The APIs that clients speak, each of which Copilot has too: their paths, and their words for errors.
enum ApiProtocol {
    CHAT("/chat/completions"), RESPONSES("/responses"), MESSAGES("/v1/messages");

    private final String endpoint;

    ApiProtocol(String endpoint) { this.endpoint = endpoint; }

    /// Returns Copilot's path for this protocol.
    String endpoint() { return endpoint; }

    /// Returns the protocol of a request, also of one to an unknown path, whose client must understand the error.
    static ApiProtocol of(String path, HttpFields headers) {
        if (path.contains("/messages") || headers.has("anthropic-version") || headers.has("x-api-key")) return MESSAGES;
        return path.contains("/responses") ? RESPONSES : CHAT;
    }

    /// Returns an error in this protocol's envelope.
    byte[] error(ApiRefusal refusal, String requestId) {
        var error = Json.object();
        if (this == MESSAGES) {
            var json = Json.object().put("type", "error");
            error.put("type", anthropicType(refusal.status())).put("message", refusal.getMessage());
            refusal.details().ifPresent(details -> error.set("details", details));
            json.set("error", error);
            return Json.bytes(json.put("request_id", requestId));
        }
        error.put("message", refusal.getMessage()).put("type", openAiType(refusal.status()));
        error.set("param", null);
        error.put("code", refusal.code().isEmpty() ? null : refusal.code());
        return Json.bytes(Json.object().set("error", error));
    }

    /// Returns whether a body is an error that this protocol's clients understand as it is.
    boolean isError(JsonNode body) {
        var error = body.path("error");
        boolean named = error.path("message").isString();
        return this == MESSAGES ? named && body.path("type").asString("").equals("error")
                && error.path("type").isString() : named;
    }

    /// Returns what keeps a silent stream alive. OpenAI's SDKs hand unknown events to the user, Anthropic's knows ping.
    byte[] keepAlive() { return this == MESSAGES ? SseFrames.PING : SseFrames.COMMENT; }

    /// Returns the event with which a stream breaks off: the client must not take it for a complete one.
    byte[] broken(ApiRefusal why) {
        return switch (this) {
            case MESSAGES -> bytes("event: error\ndata: " + text(error(why, "")) + "\n\n");
            case CHAT -> bytes("data: " + text(error(why, "")) + "\n\n");
            case RESPONSES -> ResponsesPassThrough.failure("", 0, "", why);
        };
    }

    private static String text(byte[] json) { return new String(json, StandardCharsets.UTF_8); }

    private static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    private static String anthropicType(int status) {
        return switch (status) {
            case 401 -> "authentication_error";
            case 402 -> "billing_error";
            case 403 -> "permission_error";
            case 404, 405 -> "not_found_error";
            case 413 -> "request_too_large";
            case 429 -> "rate_limit_error";
            case 503, 529 -> "overloaded_error";
            default -> status < 500 ? "invalid_request_error" : "api_error";
        };
    }

    private static String openAiType(int status) {
        return status == 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error";
    }
}
