package cop;

import module java.base;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Reads an answer of Copilot's, event by event or in one piece.
abstract sealed class AnswerSource permits ChatSource, ResponsesSource, MessagesSource {
    private final Consumer<AnswerEvent> out;
    private boolean over;

    AnswerSource(Consumer<AnswerEvent> out) { this.out = out; }

    static AnswerSource of(ApiProtocol upstream, Consumer<AnswerEvent> out) {
        return switch (upstream) {
            case CHAT -> new ChatSource(out);
            case RESPONSES -> new ResponsesSource(out);
            case MESSAGES -> new MessagesSource(out);
        };
    }

    abstract void event(ObjectNode event);

    abstract void whole(ObjectNode answer);

    /// Reads [DONE], which only chat's streams need.
    void done() {}

    /// Accepts that the stream has ended here.
    ///
    /// @return whether the answer is complete
    boolean end() { return over; }

    boolean over() { return over; }

    final void emit(AnswerEvent event) {
        if (over) return;
        over = event instanceof AnswerEvent.End || event instanceof AnswerEvent.Failed;
        out.accept(event);
    }

    final void text(String text) { if (!text.isEmpty()) emit(new AnswerEvent.TextDelta(text)); }

    final void thought(String text) { if (!text.isEmpty()) emit(new AnswerEvent.ThinkingDelta(text)); }

    final void call(int key, String arguments) {
        if (!arguments.isEmpty()) emit(new AnswerEvent.CallDelta(key, arguments));
    }

    final void used(ApiProtocol protocol, JsonNode usage, JsonNode bearer) {
        if (usage.isObject()) emit(new AnswerEvent.Used(TokenUsage.of(protocol, usage).priced(bearer)));
    }

    /// @param error with a message, and a type or code
    final void failed(JsonNode error) {
        String message = error.isString() ? error.asString() : ErrorResponse.firstNonEmpty(Json.text(error, "message"),
                "Copilot interrupted the answer");
        String code = ErrorResponse.firstNonEmpty(Json.text(error, "code"), Json.text(error, "type"));
        int status = code.contains("rate_limit") ? 429 : code.contains("overloaded") ? 529 : 502;
        emit(new AnswerEvent.Failed(new ApiRefusal(status, code, message)));
    }
}
