package cop;

import module java.base;
import cop.copilot.Usage;

/// Serves one of the three APIs: translates a request if it must be, waits for a place, sends it, and passes the answer
/// on as it comes. The client gets a status only after Copilot's, so that it sees Copilot's errors as they are.
record ApiRoute(ApiProtocol protocol, Backend backend) implements Route {
    private static final int LARGEST = 64 << 20, LARGEST_ERROR = 1 << 20;
    private static final Pattern PASSED = Pattern.compile("(?i)x-request-id|request-id|x-github-request-id|"
            + "(x-|anthropic-)ratelimit-.*|x-quota-snapshot-.*|openai-processing-ms");

    @Override
    public void handle(Exchange exchange) {
        new Spending(backend.copilot().context()).check();
        var translation = Translations.of(protocol, exchange.body(), exchange.headers(), backend::model, backend::ids);
        exchange.call().model(translation.asked());
        try (var _ = backend.admission().enter(translation.model(), exchange.call()::queued)) {
            exchange.call().started();
            backend.upstream().send("POST", translation.upstream().endpoint(), translation.body(),
                    translation.headers(), answer -> {
                        pass(exchange, translation, answer);
                        return null;
                    });
        }
    }

    private void pass(Exchange exchange, Translation translation, ApiResponse answer) throws IOException {
        if (!answer.ok()) refuse(exchange, translation, answer);
        else if (translation.streams() && !answer.startsWith('{') && !answer.startsWith('<')) stream(exchange,
                translation, answer);
        else whole(exchange, translation, answer);
    }

    private void stream(Exchange exchange, Translation translation, ApiResponse answer) throws IOException {
        var headers = passed(answer);
        headers.put("Content-Type", "text/event-stream; charset=utf-8");
        headers.put("Cache-Control", "no-cache");
        headers.put("X-Accel-Buffering", "no");
        var translator = translation.stream();
        try {
            new StreamRelay(exchange, exchange.stream(200, headers), translator, backend.limits().times().signs())
                    .copy(answer.body().plain());
        } finally {
            used(exchange, translation, translator.usage());
        }
    }

    private void whole(Exchange exchange, Translation translation, ApiResponse answer) throws IOException {
        boolean json = answer.startsWith('{');
        var bytes = answer.body().plain().readNBytes(LARGEST + 1);
        if (!json || bytes.length > LARGEST) throw new ApiRefusal(502, "invalid_answer", "Copilot's answer is "
                + (bytes.length == 0 ? "empty" : json ? "larger than 64 MiB" : "not JSON"), passed(answer));
        var whole = translation.whole(bytes);
        var headers = passed(answer);
        headers.put("Content-Type", "application/json");
        used(exchange, translation, whole.usage());
        exchange.respond(200, headers, whole.body());
    }

    /// Records what an answer has cost, also one that nobody has read to its end.
    private void used(Exchange exchange, Translation translation, Usage usage) {
        backend.used(exchange.call(), translation.model(), usage);
    }

    /// Passes an error on: unchanged where the client knows its form, else in an envelope with the same words.
    private void refuse(Exchange exchange, Translation translation, ApiResponse answer) throws IOException {
        String text = answer.text(LARGEST_ERROR);
        var refusal = ErrorResponse.of(answer, text, backend.copilot().context().now());
        var headers = passed(answer);
        refusal.retryAfter().ifPresent(wait -> {
            headers.put("Retry-After", "" + Math.max(1, (wait.toMillis() + 999) / 1000));
            if (refusal.limited()) backend.admission().hold(translation.model(), wait);
        });
        int status = status(answer.status());
        boolean known = translation.upstream() == protocol && protocol.isError(refusal.json()) && status == answer
                .status();
        if (!known) throw new ApiRefusal(status, refusal.code(), words(refusal, text), headers);
        headers.put("Content-Type", "application/json");
        exchange.call().model(translation.asked());
        exchange.respond(status, headers, text.getBytes(StandardCharsets.UTF_8));
    }

    private static String words(ErrorResponse refusal, String text) {
        String message = refusal.message().isEmpty() ? "Copilot gave no reason" : refusal.message();
        return message + (refusal.status() == 401 ? " (Copilot rejects the login: " + Text.COP + " login)" : "");
    }

    /// Returns the client's status: a login that Copilot rejects is not a wrong key, and nothing redirects.
    private static int status(int status) {
        return status == 401 ? 403 : status < 400 || status == 421 ? 502 : status;
    }

    private static Map<String, String> passed(ApiResponse answer) {
        var headers = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
        answer.headers().map().forEach((name, values) -> {
            if (PASSED.matcher(name).matches()) headers.put(name, values.getFirst());
        });
        return headers;
    }
}
