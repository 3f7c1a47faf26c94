package cop;

import module java.base;
import cop.AnswerEvent.*;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Reads an answer of /responses, by `output_index`: ids change with each event.
final class ResponsesSource extends AnswerSource {
    private final Set<Integer> read = new HashSet<>(), begun = new HashSet<>();     // outputs
    private boolean spoke, calls;
    private int last = -1;                                  // the output whose text came last

    ResponsesSource(Consumer<AnswerEvent> out) { super(out); }

    @Override
    void event(ObjectNode event) {
        int index = event.path("output_index").asInt(0);
        var response = event.path("response");
        switch (Json.text(event, "type")) {
            case "response.created" -> begin(response);
            case "response.output_item.added" -> added(index, event.path("item"));
            case "response.output_text.delta", "response.refusal.delta" -> speak(index, Json.text(event, "delta"));
            case "response.reasoning_summary_part.added" -> {
                if (event.path("summary_index").asInt(0) > 0) thought("\n\n");
            }
            case "response.reasoning_summary_text.delta", "response.reasoning_text.delta" -> {
                read.add(index);
                thought(Json.text(event, "delta"));
            }
            case "response.function_call_arguments.delta" -> {
                read.add(index);
                call(index, Json.text(event, "delta"));
            }
            case "response.output_item.done" -> item(index, event.path("item"));
            case "response.completed", "response.incomplete" -> ended(response, event);
            case "response.failed", "response.cancelled" -> failed(response.path("error"));
            case "error" -> failed(event.path("error").isObject() ? event.path("error") : event);
            default -> { }                                  // starts and ends of parts, annotations
        }
    }

    private void begin(JsonNode response) {
        emit(new Begin(Json.text(response, "id"), response.path("created_at").asLong(0)));
    }

    private void added(int index, JsonNode item) {
        if (!Json.text(item, "type").equals("function_call") || !begun.add(index)) return;
        calls = true;
        emit(new CallBegin(index, Json.text(item, "call_id"), Json.text(item, "name")));
    }

    private void speak(int index, String text) {
        if (text.isEmpty()) return;
        read.add(index);
        if (spoke && index != last) emit(new Paragraph());
        spoke = true;
        last = index;
        text(text);
    }

    /// Reads what is left of a finished output.
    private void item(int index, JsonNode item) {
        boolean unread = read.add(index);
        switch (Json.text(item, "type")) {
            case "message" -> {
                for (var part : item.path("content")) {
                    if (unread) speak(index, Json.text(part, part.has("refusal") ? "refusal" : "text"));
                }
            }
            case "reasoning" -> {
                if (unread) thought(String.join("\n\n", item.path("summary").findValuesAsString("text")));
                // id and content of one event fit
                emit(new ThinkingEnd(Json.text(item, "encrypted_content").isEmpty() ? null : Json.object().put("id",
                        Json.text(item, "id")).put("encrypted_content", Json.text(item, "encrypted_content"))));
            }
            case "function_call" -> {
                added(index, item);
                if (unread) call(index, Json.text(item, "arguments"));
                emit(new CallEnd(index));
            }
            default -> { }
        }
    }

    private void ended(JsonNode response, JsonNode bearer) {
        if (response.path("error").isObject()) failed(response.path("error"));
        int index = 0;
        for (var item : response.path("output")) {
            if (!read.contains(index)) item(index, item);
            index++;
        }
        used(ApiProtocol.RESPONSES, response.path("usage"), bearer);
        String reason = Json.text(response.path("incomplete_details"), "reason");
        emit(new Finish(!reason.isEmpty() ? StopReason.of(reason) : calls ? StopReason.TOOLS : StopReason.DONE, null));
        emit(new End());
    }

    @Override
    void whole(ObjectNode answer) {
        begin(answer);
        ended(answer, answer);
    }
}
