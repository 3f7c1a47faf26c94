package cop;

import module java.base;
import cop.copilot.Usage;

/// An answer of /v1/messages for a client that speaks it: events pass as they come. Only the model's name is put back,
/// and what Anthropic's API does not have is left out.
final class MessagesPassThrough implements StreamTranslator {
    private final String asked;
    private TokenUsage usage = TokenUsage.NONE;
    private int open = -1;                                  // index of the block that is being sent
    private String delta = "", field = "";                  // of an empty delta in it
    private boolean over, broken;

    MessagesPassThrough(String asked) { this.asked = asked; }

    @Override
    public byte[] event(String name, byte[] data) {
        var event = over ? Optional.<JsonSpan>empty() : PassThrough.parsed(data);
        if (event.isEmpty()) return NOTHING;                // such as [DONE]
        var json = event.get();
        String type = json.get("type").string();
        byte[] sent = switch (type) {
            case "message_start" -> start(json);
            case "content_block_start" -> {
                opened(json);
                yield data;
            }
            case "content_block_stop" -> {
                open = -1;
                yield data;
            }
            case "message_delta" -> {
                count(json.get("usage"), json);
                yield PassThrough.edited(json, edits -> edits.remove(json, "copilot_usage"));
            }
            case "message_stop", "error" -> {
                over = true;
                broken = !type.equals("message_stop");
                yield data;
            }
            default -> data;
        };
        return SseFrames.of(name.isEmpty() ? type : name, sent);
    }

    private byte[] start(JsonSpan json) {
        var message = json.get("message");
        count(message.get("usage"), message);
        return PassThrough.edited(json, edits -> {
            if (message.has("model")) edits.replace(message.get("model"), asked);
            if (message.isObject() && !message.get("usage").isPresent()) {      // clients fail without it
                edits.remove(message, "usage");
                edits.add(message, "usage", TokenUsage.NONE.json(ApiProtocol.MESSAGES));
            }
            edits.remove(message, "copilot_usage");
        });
    }

    private void opened(JsonSpan json) {
        open = (int) json.get("index").number(0);
        field = switch (json.get("content_block").get("type").string()) {
            case "text" -> "text";
            case "thinking" -> "thinking";
            case "tool_use" -> "partial_json";
            default -> "";
        };
        delta = field.equals("partial_json") ? "input_json_delta" : field + "_delta";
    }

    private void count(JsonSpan counts, JsonSpan bearer) {
        if (counts.isObject()) usage = usage.then(TokenUsage.of(ApiProtocol.MESSAGES, counts.tree()));
        if (bearer.has("copilot_usage")) usage = usage.priced(bearer.tree());
    }

    @Override
    public byte[] filler() { return open < 0 || field.isEmpty() ? NOTHING : filler(open, delta, field); }

    static byte[] filler(int index, String delta, String field) {
        var json = Json.object().put("type", "content_block_delta").put("index", index);
        json.putObject("delta").put("type", delta).put(field, "");
        return SseFrames.named("content_block_delta", json);
    }

    @Override
    public byte[] end() { return over ? NOTHING : failed(BrokenStream.ended()); }

    @Override
    public byte[] failed(ApiRefusal why) {
        if (over) return NOTHING;
        over = broken = true;
        return ApiProtocol.MESSAGES.broken(why);
    }

    @Override
    public boolean isBroken() { return broken; }

    @Override
    public Usage usage() { return usage.usage(); }

    static Translation.WholeAnswer whole(String asked, byte[] body) {
        var json = PassThrough.parsed(body);
        if (json.isEmpty()) return new Translation.WholeAnswer(body, Usage.NONE);
        var answer = json.get();
        var used = TokenUsage.of(ApiProtocol.MESSAGES, answer.get("usage").tree())
                .priced(Json.object().set("copilot_usage", answer.get("copilot_usage").tree()));
        return new Translation.WholeAnswer(PassThrough.edited(answer, edits -> {
            if (answer.has("model")) edits.replace(answer.get("model"), asked);
            edits.remove(answer, "copilot_usage");
        }), used.usage());
    }
}
