package cop;

import module java.base;
import cop.copilot.Usage;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;

/// Serves one of the three APIs: translates a request if it must be, waits for a place, sends it, and passes the answer
/// on as it comes. The client gets a status only after Copilot's, so that it sees Copilot's errors as they are.
record ApiRoute(ApiProtocol protocol, Backend backend) implements Route {
    private static final int LARGEST = 64 << 20;

    @Override
    public void handle(Exchange exchange) {
        backend.copilot().spending.check();
        exchange.shielded(() -> {                           // a new token, or list, is there for all
            backend.copilot().tokens().get();
            backend.copilot().models().list(ModelList.USABLE);          // says why if there is none
        });
        var translation = backend.translations().translate(protocol, exchange.body(), exchange.headers());
        exchange.call().model(translation.asked());
        translation.notes().forEach(backend.copilot().context().console()::detail);
        try (var _ = backend.admission().enter(translation.model(), exchange.call()::queued)) {
            exchange.call().started();
            var request = backend.refused().apply(translation);
            send(exchange, request, true).ifPresent(other -> send(exchange, other, false));
        }
    }

    /// Sends a request, and passes its answer on.
    ///
    /// @param mayRepeat false if it has been refused once
    /// @return what to send instead, if a model refuses a member that it can do without
    private Optional<Translation> send(Exchange exchange, Translation request, boolean mayRepeat) {
        return backend.upstream().send("POST", request.upstream().endpoint(), request.body(), request.headers(),
                answer -> {
                    if (!answer.ok()) return refused(exchange, request, answer, mayRepeat);
                    if (request.streams() && isStream(answer)) stream(exchange, request, answer);
                    else whole(exchange, request, answer);
                    return Optional.empty();
                });
    }

    private Optional<Translation> refused(Exchange exchange, Translation request, ApiResponse answer,
            boolean mayRepeat) throws IOException {
        String text = answer.text(UpstreamError.MOST);
        var error = ErrorResponse.of(answer, text, backend.copilot().context().now());
        var other = mayRepeat ? backend.refused().instead(request, error) : Optional.<Translation>empty();
        if (other.isPresent()) return other;
        backend.limited(request.model(), error);
        UpstreamError.relay(answer, text, error, exchange);
        return Optional.empty();
    }

    /// Looks at the body only if its type is not clear: the first event may be long in coming.
    private static boolean isStream(ApiResponse answer) throws IOException {
        return answer.contentType().contains("event-stream") || !answer.startsWith('{') && !answer.startsWith('<');
    }

    private void stream(Exchange exchange, Translation translation, ApiResponse answer) throws IOException {
        var headers = UpstreamError.headers(answer);
        headers.put("Content-Type", "text/event-stream; charset=utf-8");
        headers.put("Cache-Control", "no-cache");
        headers.put("X-Accel-Buffering", "no");
        var translator = translation.stream();
        try {
            new StreamRelay(exchange, exchange.stream(200, headers), translator, backend.limits().times().signs())
                    .copy(answer);
        } finally {
            used(exchange, translation, translator.usage());
        }
    }

    private void whole(Exchange exchange, Translation translation, ApiResponse answer) throws IOException {
        var bytes = answer.body().plain().readNBytes(LARGEST + 1);
        if (bytes.length > LARGEST || !isObject(bytes)) {
            String what = bytes.length == 0 ? "empty" : bytes.length > LARGEST ? "larger than 64 MiB"
                    : "not a JSON object";
            throw new ApiRefusal(502, "invalid_answer", "Copilot's answer is " + what, UpstreamError.headers(answer));
        }
        var whole = translation.whole(bytes);
        var headers = UpstreamError.headers(answer);
        headers.put("Content-Type", "application/json");
        exchange.respond(200, headers, whole.body());
        used(exchange, translation, whole.usage());
    }

    /// Returns whether an answer is complete: one that was cut off may have the right length.
    private static boolean isObject(byte[] bytes) {
        try (var json = Json.parser(new ByteArrayInputStream(bytes))) {
            if (json.nextToken() != JsonToken.START_OBJECT) return false;
            json.skipChildren();
            return json.currentToken() == JsonToken.END_OBJECT && json.nextToken() == null;
        } catch (JacksonException _) {
            return false;
        }
    }

    /// Records what an answer has cost, also one that nobody has read to its end.
    private void used(Exchange exchange, Translation translation, Usage usage) {
        exchange.shielded(() -> backend.used(exchange.call(), translation.model(), usage));
    }
}
