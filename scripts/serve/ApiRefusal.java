package cop;

import module java.base;
import java.net.http.HttpTimeoutException;
import cop.copilot.Fault;
import tools.jackson.databind.node.ObjectNode;

/// An error for the client: it is sent in the envelope of its protocol.
final class ApiRefusal extends RuntimeException {
    private final int status;
    private final String code;
    private final transient Map<String, String> headers;
    private transient ObjectNode details;

    /// @param code OpenAI's `code`; may be empty
    /// @param headers such as Retry-After
    ApiRefusal(int status, String code, String message, Map<String, String> headers) {
        super(Secrets.mask(message), null, false, false);
        this.status = status;
        this.code = code;
        this.headers = headers;
    }

    ApiRefusal(int status, String code, String message) { this(status, code, message, Map.of()); }

    static ApiRefusal invalid(String message) { return invalid("", message); }

    static ApiRefusal invalid(String code, String message) { return new ApiRefusal(400, code, message); }

    static ApiRefusal stopping() { return new ApiRefusal(503, "stopping", "the server is stopping"); }

    /// Returns the refusal for a defect of ours, whose details are for stderr.
    static ApiRefusal defect() { return new ApiRefusal(500, "", "internal error in serve"); }

    /// Adds what Anthropic's SDKs act on.
    ApiRefusal withDetails(ObjectNode more) {
        details = more;
        return this;
    }

    /// Returns a refusal that names when to come back, in whole seconds: some clients read nothing else.
    static ApiRefusal later(String code, String message, Duration wait) {
        return new ApiRefusal(429, code, message, Map.of("Retry-After", seconds(wait)));
    }

    /// Returns a wait in whole seconds, at least one.
    static String seconds(Duration wait) { return "" + Math.max(1, (wait.toMillis() + 999) / 1000); }

    /// Translates what our own client says. A lost login is not a 401: the client would ask its user for another key.
    static ApiRefusal of(Fault fault) {
        String words = fault.message() + (fault.hint().isEmpty() ? "" : " (" + fault.hint() + ")");
        var answer = ApiError.behind(fault);
        if (answer != null && fault.exitCode() != Fault.NOT_LOGGED_IN) {
            return new ApiRefusal(UpstreamError.status(answer.status()), answer.code(), words);
        }
        return switch (fault) {
            case Fault f when f.exitCode() == Fault.NOT_LOGGED_IN -> new ApiRefusal(403, "not_logged_in", words);
            case Fault f when f.is(Fault.Kind.ABUSE) -> new ApiRefusal(403, "blocked", words);
            case Fault f when f.exitCode() == Fault.LATER -> new ApiRefusal(429, "rate_limit_exceeded", words);
            case Fault f when f.exitCode() == Fault.USAGE -> new ApiRefusal(400, "", words);
            case Fault f when f.reason() instanceof HttpTimeoutException -> new ApiRefusal(504, "timeout", words);
            case Fault f when f.lostConnection() -> new ApiRefusal(502, "upstream_unreachable", words);
            default -> new ApiRefusal(502, "", words);
        };
    }

    int status() { return status; }

    String code() { return code; }

    Map<String, String> headers() { return headers; }

    Optional<ObjectNode> details() { return Optional.ofNullable(details); }
}
