package cop;

import module java.base;
import cop.AnswerBlocks.Block;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Writes answers of OpenAI's Responses API.
final class ResponsesSink extends AnswerSink {
    /// Fields of the request that an answer repeats, and what they are by default.
    private static final Map<String, String> REPEATED = new TreeMap<>(Map.of("instructions", "null",
            "max_output_tokens", "null", "metadata", "{}", "parallel_tool_calls", "true", "reasoning", "{}",
            "temperature", "null", "tool_choice", "\"auto\"", "tools", "[]", "top_p", "null", "text",
            "{\"format\":{\"type\":\"text\"}}"));
    private long sequence;

    ResponsesSink(TranslatedRequest request) { super(request); }

    // ---- objects

    private ObjectNode response(String status) {
        var response = Json.object().put("id", id("resp_")).put("object", "response").put("created_at", created())
                .put("status", status).putNull("error").putNull("incomplete_details").put("model", request.asked());
        response.putArray("output");
        response.putNull("previous_response_id").put("store", false).put("truncation", "disabled").putNull("usage");
        REPEATED.forEach((field, otherwise) -> {
            var asked = request.dialog().body.path(field);
            response.set(field, asked.isMissingNode() || asked.isNull() ? Json.tryParse(otherwise) : asked);
        });
        return response;
    }

    private ObjectNode ended() {
        boolean cut = isCut();
        var response = response(cut ? "incomplete" : "completed");
        if (cut) {
            response.putObject("incomplete_details").put("reason", stop() == StopReason.FILTER ? "content_filter"
                    : "max_output_tokens");
        }
        blocks.all().forEach(block -> {
            response.withArray("output").add(item(block, "completed"));
            var kept = item(block, "completed");
            request.keeper().accept(block.sealed == null ? kept : kept.put("encrypted_content", seal(block)));
        });
        return response.set("usage", usage().json(ApiProtocol.RESPONSES));
    }

    private String itemId(Block block) {
        String kind = switch (block.kind) {
            case TEXT -> "msg_";
            case THINKING -> "rs_";
            case CALL -> isCustom(block) ? "ctc_" : "fc_";
        };
        return kind + Seal.PREFIX + id("").hashCode() + "_" + block.index;
    }

    private boolean isCustom(Block block) {
        return request.dialog().tools.stream().anyMatch(tool -> tool.custom() && tool.name().equals(block.name));
    }

    private ObjectNode item(Block block, String status) {
        boolean begins = status.equals("in_progress");
        var item = Json.object().put("id", itemId(block));
        return switch (block.kind) {
            case TEXT -> {
                item.put("type", "message").put("status", status).put("role", "assistant");
                item.putArray("content");
                if (!begins) item.withArray("content").add(part(block.text.toString()));
                yield item;
            }
            case THINKING -> {
                item.put("type", "reasoning").putArray("summary");
                if (!begins && !block.text.isEmpty()) item.withArray("summary").add(summary(block.text.toString()));
                if (!begins && request.dialog().sealed && block.sealed != null) item.put("encrypted_content",
                        seal(block));
                yield item;
            }
            case CALL -> isCustom(block) ? item.put("type", "custom_tool_call").put("status", status)
                    .put("call_id", block.id).put("name", block.name).put("input", begins ? "" : input(block))
                    : ResponsesDialog.named(item.put("type", "function_call").put("status", status)
                    .put("call_id", block.id), request.dialog(), block.name).put("arguments", begins ? ""
                    : arguments(block));
        };
    }

    private static String arguments(Block block) { return block.text.isEmpty() ? "{}" : block.text.toString(); }

    /// Returns the text for a custom tool; if the model did not follow the schema, all that it wrote.
    private static String input(Block block) {
        var arguments = Json.tryParse(block.text.toString());
        return arguments.path(Dialog.INPUT).isString() ? Json.text(arguments, Dialog.INPUT) : block.text.toString();
    }

    private static ObjectNode part(String text) {
        var part = Json.object().put("type", "output_text").put("text", text);
        part.putArray("annotations");
        part.putArray("logprobs");
        return part;
    }

    private static ObjectNode summary(String text) {
        return Json.object().put("type", "summary_text").put("text", text);
    }

    // ---- events

    private void send(String type, ObjectNode fields) {
        var event = Json.object().put("type", type).put("sequence_number", sequence++);
        event.setAll(fields);
        write(SseFrames.named(type, event));
    }

    private static ObjectNode around(String name, JsonNode value) { return Json.object().set(name, value); }

    private ObjectNode place(Block block, String position) {
        var place = Json.object().put("item_id", itemId(block)).put("output_index", block.index);
        return position.isEmpty() ? place : place.put(position, 0);
    }

    @Override
    void begin() {
        send("response.created", around("response", response("in_progress")));
        send("response.in_progress", around("response", response("in_progress")));
    }

    @Override
    public void open(Block block) {
        send("response.output_item.added", Json.object().put("output_index", block.index).set("item", item(block,
                "in_progress")));
        if (block.kind == AnswerBlocks.Kind.TEXT) {
            send("response.content_part.added", place(block, "content_index").set("part", part("")));
        }
    }

    @Override
    public void delta(Block block, String text) {
        switch (block.kind) {
            case TEXT -> {
                var delta = place(block, "content_index").put("delta", text);
                delta.putArray("logprobs");
                send("response.output_text.delta", delta);
            }
            case THINKING -> {
                if (block.text.length() == text.length()) {     // the first one
                    send("response.reasoning_summary_part.added", place(block, "summary_index").set("part",
                            summary("")));
                }
                send("response.reasoning_summary_text.delta", place(block, "summary_index").put("delta", text));
            }
            case CALL -> {
                if (isCustom(block)) return;                // its text is known at the end
                send("response.function_call_arguments.delta", place(block, "").put("delta", text));
            }
        }
    }

    @Override
    public void close(Block block) {
        String text = block.text.toString();
        switch (block.kind) {
            case TEXT -> {
                var done = place(block, "content_index").put("text", text);
                done.putArray("logprobs");
                send("response.output_text.done", done);
                send("response.content_part.done", place(block, "content_index").set("part", part(text)));
            }
            case THINKING -> {
                if (!text.isEmpty()) {
                    send("response.reasoning_summary_text.done", place(block, "summary_index").put("text", text));
                    send("response.reasoning_summary_part.done", place(block, "summary_index").set("part",
                            summary(text)));
                }
            }
            case CALL -> {
                if (isCustom(block)) {
                    send("response.custom_tool_call_input.delta", place(block, "").put("delta", input(block)));
                    send("response.custom_tool_call_input.done", place(block, "").put("input", input(block)));
                } else {
                    send("response.function_call_arguments.done", ResponsesDialog.named(place(block, ""),
                            request.dialog(), block.name).put("arguments", arguments(block)));
                }
            }
        }
        send("response.output_item.done", Json.object().put("output_index", block.index).set("item", item(block,
                "completed")));
    }

    @Override
    void finish() {
        var response = ended();
        send("response." + Json.text(response, "status"), around("response", response));
    }

    @Override
    void fail(ApiRefusal why) {
        write(ResponsesPassThrough.failure(id("resp_"), sequence++, request.asked(), why));
    }

    @Override
    ObjectNode whole() { return ended(); }
}
