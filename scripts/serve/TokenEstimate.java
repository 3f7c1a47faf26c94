package cop;

import module java.base;
import cop.copilot.Message;
import cop.copilot.Model;
import cop.copilot.Request;
import tools.jackson.databind.JsonNode;

/// Estimates the tokens of a request to /v1/messages, for models that Copilot does not serve there and so cannot count.
/// An estimate that is too low makes clients compact a conversation too late (ericc-ch/copilot-api #210): it is rounded
/// up by a twentieth.
final class TokenEstimate {
    /// Marks an answer as an estimate.
    static final String HEADER = "x-copilot-estimate";
    /// What Anthropic's reference gives for the largest image; it has a token for 750 pixels.
    private static final int IMAGE = 1600;
    /// Bytes of a PDF's Base64 per token: its pages are sent as images too.
    private static final int DOCUMENT = 20;
    private static final int PER_TOOL = 10;

    private final List<String> texts = new ArrayList<>();
    private long others;

    private TokenEstimate() {}

    /// @param body a request in Anthropic's format
    static long of(JsonNode body, Model model) {
        var estimate = new TokenEstimate();
        estimate.content(body.path("system"));
        body.path("messages").forEach(message -> estimate.content(message.path("content")));
        for (var tool : body.path("tools")) {
            estimate.texts.add(Json.compact(tool));
            estimate.others += PER_TOOL;
        }
        long tokens = TokenCount.of(new Request(null, estimate.texts.stream().map(Message::user).toList(), null,
                false), model.tokenizer()) + estimate.others;
        return Math.ceilDiv(tokens * 21, 20);
    }

    /// Adds a text, or a list of blocks.
    private void content(JsonNode content) {
        if (content.isString()) texts.add(content.asString());
        content.values().forEach(this::block);
    }

    private void block(JsonNode block) {
        switch (Json.text(block, "type")) {
            case "text" -> texts.add(Json.text(block, "text"));
            case "image" -> others += IMAGE;
            case "document" -> others += Json.text(block.path("source"), "data").length() / DOCUMENT;
            case "tool_use" -> texts.add(Json.text(block, "name") + Json.compact(block.path("input")));
            case "tool_result" -> content(block.path("content"));
            case "thinking", "redacted_thinking" -> { }     // not sent to these models
            default -> texts.add(Json.compact(block));
        }
    }
}
