package cop;

import module java.base;
import cop.AnswerEvent.*;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Reads an answer of /v1/messages.
final class MessagesSource extends AnswerSource {
    private String kind = "", before = "";                  // of the open block, and the one before it
    private int index;
    private boolean spoke;
    private ObjectNode block = Json.object();
    private final StringBuilder thinking = new StringBuilder(), signature = new StringBuilder();

    MessagesSource(Consumer<AnswerEvent> out) { super(out); }

    @Override
    void event(ObjectNode event) {
        switch (Json.text(event, "type")) {
            case "message_start" -> begin(event.path("message"));
            case "content_block_start" -> start(event.path("index").asInt(index + 1), event.path("content_block"));
            case "content_block_delta" -> delta(event.path("delta"));
            case "content_block_stop" -> stop();
            case "message_delta" -> {
                used(ApiProtocol.MESSAGES, event.path("usage"), event);
                finish(event.path("delta"));
            }
            case "message_stop" -> emit(new End());
            case "error" -> failed(event.path("error"));
            default -> { }                                  // ping
        }
    }

    private void begin(JsonNode message) {
        emit(new Begin(Json.text(message, "id"), 0));
        used(ApiProtocol.MESSAGES, message.path("usage"), message);
    }

    private void start(int at, JsonNode content) {
        index = at;
        before = kind;
        kind = Json.text(content, "type");
        block = content instanceof ObjectNode object ? object : Json.object();
        thinking.setLength(0);
        signature.setLength(0);
        switch (kind) {
            case "text" -> {
                if (spoke && !before.equals("text")) emit(new Paragraph());
                spoke = true;
                text(Json.text(content, "text"));
            }
            case "thinking" -> {
                think(Json.text(content, "thinking"));
                signature.append(Json.text(content, "signature"));
            }
            case "tool_use" -> {
                emit(new CallBegin(index, Json.text(content, "id"), Json.text(content, "name")));
                if (!content.path("input").isEmpty()) call(index, Json.compact(content.path("input")));
            }
            default -> { }                                  // of Anthropic's own tools, which were not offered
        }
    }

    private void think(String text) {
        thinking.append(text);
        thought(text);
    }

    private void delta(JsonNode delta) {
        switch (Json.text(delta, "type")) {
            case "text_delta" -> text(Json.text(delta, "text"));
            case "thinking_delta" -> think(Json.text(delta, "thinking"));
            case "signature_delta" -> signature.append(Json.text(delta, "signature"));
            case "input_json_delta" -> call(index, Json.text(delta, "partial_json"));
            default -> { }
        }
    }

    private void stop() {
        switch (kind) {
            case "thinking" -> emit(new ThinkingEnd(signature.isEmpty() ? null : Json.object().put("type", "thinking")
                    .put("thinking", thinking.toString()).put("signature", signature.toString())));
            case "redacted_thinking" -> emit(new ThinkingEnd(block));
            case "tool_use" -> emit(new CallEnd(index));
            default -> { }
        }
    }

    private void finish(JsonNode bearer) {
        String reason = Json.text(bearer, "stop_reason");
        if (!reason.isEmpty()) emit(new Finish(StopReason.of(reason), bearer.path("stop_sequence").isString()
                ? Json.text(bearer, "stop_sequence") : null));
    }

    @Override
    void whole(ObjectNode answer) {
        if (Json.text(answer, "type").equals("error")) {
            failed(answer.path("error"));
            return;
        }
        begin(answer);
        int at = 0;
        for (var content : answer.path("content")) {
            start(at++, content);
            stop();
        }
        finish(answer);
        emit(new End());
    }
}
