package cop;

import module java.base;
import cop.AnswerEvent.*;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Reads an answer of /chat/completions. All choices are parts of one answer.
final class ChatSource extends AnswerSource {
    private final CallNumbers numbers = new CallNumbers();
    private final StringBuilder thoughts = new StringBuilder();
    private boolean begun, speaks, finished;

    ChatSource(Consumer<AnswerEvent> out) { super(out); }

    @Override
    void event(ObjectNode chunk) {
        if (chunk.has("error")) {
            failed(chunk.path("error"));
            return;
        }
        if (!begun && !Json.text(chunk, "id").isEmpty()) begin(chunk);
        used(ApiProtocol.CHAT, chunk.path("usage"), chunk);
        for (var choice : chunk.path("choices")) {
            part(choice.has("delta") ? choice.path("delta") : choice.path("message"));
            String reason = Json.text(choice, "finish_reason");
            if (reason.isEmpty()) continue;
            finished = true;
            if (reason.equals("error")) emit(new Failed(BrokenStream.interrupted()));
            else emit(new Finish(StopReason.of(reason), null));
        }
    }

    private void begin(JsonNode chunk) {
        begun = true;
        emit(new Begin(Json.text(chunk, "id"), chunk.path("created").asLong(0)));
    }

    private void part(JsonNode part) {
        String thought = Stream.of("reasoning_text", "cot_summary", "thinking").map(field -> Json.text(part, field))
                .filter(text -> !text.isEmpty()).findFirst().orElse("");
        if (!speaks) {                                      // Azure's summary comes after the answer
            thoughts.append(thought);
            thought(thought);
        }
        String opaque = Json.text(part, "reasoning_opaque");
        if (!opaque.isEmpty()) {
            var sealed = Json.object().put("reasoning_opaque", opaque);
            if (!thoughts.isEmpty()) sealed.put("reasoning_text", thoughts.toString());
            emit(new ThinkingEnd(sealed));
        }
        for (String field : List.of("content", "refusal")) {
            speaks |= !Json.text(part, field).isEmpty();
            text(Json.text(part, field));
        }
        for (var piece : part.path("tool_calls")) {
            int before = numbers.size(), key = numbers.of(piece);
            var function = piece.path("function");
            speaks = true;
            if (numbers.size() > before) emit(new CallBegin(key, Json.text(piece, "id"), Json.text(function, "name")));
            call(key, Json.text(function, "arguments"));
        }
    }

    @Override
    void done() { if (begun || finished) emit(new End()); }

    @Override
    boolean end() {
        if (finished) emit(new End());
        return super.end();
    }

    @Override
    void whole(ObjectNode answer) {
        if (!begun) begin(answer);
        event(answer);
        // a probe with max_tokens 1 may bring no choice at all (LiteLLM #29391)
        if (!answer.has("error") && answer.path("choices").isEmpty()) emit(new Finish(StopReason.LENGTH, null));
        emit(new End());
    }
}
