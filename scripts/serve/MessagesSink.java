package cop;

import module java.base;
import cop.AnswerBlocks.Block;
import tools.jackson.databind.node.ObjectNode;

/// Writes answers of Anthropic's Messages API.
final class MessagesSink extends AnswerSink {
    MessagesSink(TranslatedRequest request) { super(request); }

    private ObjectNode message() {
        var message = Json.object().put("id", id("msg_")).put("type", "message").put("role", "assistant")
                .put("model", request.asked());
        message.putArray("content");
        return message;
    }

    /// Shows an estimate of the prompt: the true count comes with the end, and clients show what comes first.
    @Override
    void begin() {
        var message = message().putNull("stop_reason").putNull("stop_sequence");
        long prompt = usage().prompt() > 0 ? usage().prompt() : request.dialog().estimate();
        message.set("usage", new TokenUsage(prompt, usage().cached(), usage().written(), 1, 0, 0)
                .json(ApiProtocol.MESSAGES));
        send("message_start", Json.object().set("message", message));
    }

    private void send(String type, ObjectNode fields) {
        var event = Json.object().put("type", type);
        event.setAll(fields);
        write(SseFrames.named(type, event));
    }

    @Override
    public void open(Block block) {
        var content = switch (block.kind) {
            case TEXT -> Json.object().put("type", "text").put("text", "");
            case THINKING -> Json.object().put("type", "thinking").put("thinking", "").put("signature", "");
            case CALL -> {
                var call = Json.object().put("type", "tool_use").put("id", block.id).put("name", block.name);
                call.putObject("input");
                yield call;
            }
        };
        send("content_block_start", Json.object().put("index", block.index).set("content_block", content));
    }

    @Override
    public void delta(Block block, String text) {
        switch (block.kind) {
            case TEXT -> delta(block, "text_delta", "text", text);
            case THINKING -> delta(block, "thinking_delta", "thinking", text);
            case CALL -> delta(block, "input_json_delta", "partial_json", text);
        }
    }

    private void delta(Block block, String type, String field, String text) {
        var event = Json.object().put("index", block.index);
        event.putObject("delta").put("type", type).put(field, text);
        send("content_block_delta", event);
    }

    @Override
    public void close(Block block) {
        String seal = seal(block);
        if (!seal.isEmpty()) delta(block, "signature_delta", "signature", seal);
        if (block.kind == AnswerBlocks.Kind.CALL && block.text.isEmpty()) delta(block, "{}");
        send("content_block_stop", Json.object().put("index", block.index));
    }

    @Override
    Optional<ApiRefusal> wrongCall() {
        return calls().filter(call -> !isCut() && !(input(call) instanceof ObjectNode)).findFirst().map(call ->
                new ApiRefusal(502, "invalid_tool_arguments", "the model called " + Text.printable(call.name)
                        + " with arguments that are not a JSON object: "
                        + Text.shortened(Text.printable(call.text.toString()), 200)));
    }

    private static Object input(Block call) {
        return call.text.toString().isBlank() ? Json.object() : Json.tryParse(call.text.toString());
    }

    @Override
    void finish() {
        if (blocks.all().isEmpty()) {                       // some clients fail without a block
            var empty = new Block(AnswerBlocks.Kind.TEXT, "", "");
            empty.index = 0;
            open(empty);
            close(empty);
        }
        var end = Json.object();
        end.putObject("delta").put("stop_reason", stop().messages()).put("stop_sequence", sequence());
        end.set("usage", usage().json(ApiProtocol.MESSAGES));
        send("message_delta", end);
        send("message_stop", Json.object());
    }

    @Override
    void fail(ApiRefusal why) { write(ApiProtocol.MESSAGES.broken(why)); }

    @Override
    byte[] filler() {
        var block = blocks.open();
        if (block == null) return StreamTranslator.NOTHING;
        return switch (block.kind) {
            case TEXT -> MessagesPassThrough.filler(block.index, "text_delta", "text");
            case THINKING -> MessagesPassThrough.filler(block.index, "thinking_delta", "thinking");
            case CALL -> MessagesPassThrough.filler(block.index, "input_json_delta", "partial_json");
        };
    }

    @Override
    ObjectNode whole() {
        var message = message();
        var content = message.withArray("content");
        for (var block : blocks.all()) {
            switch (block.kind) {
                case TEXT -> content.addObject().put("type", "text").put("text", block.text.toString());
                case THINKING -> content.addObject().put("type", "thinking").put("thinking", block.text.toString())
                        .put("signature", seal(block));
                case CALL -> content.addObject().put("type", "tool_use").put("id", block.id).put("name", block.name)
                        .set("input", input(block) instanceof ObjectNode input ? input : Json.object());
            }
        }
        if (content.isEmpty()) content.addObject().put("type", "text").put("text", "");
        message.put("stop_reason", stop().messages()).put("stop_sequence", sequence());
        return message.set("usage", usage().json(ApiProtocol.MESSAGES));
    }
}
