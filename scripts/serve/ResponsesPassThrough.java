package cop;

import module java.base;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// An answer of /responses for a client that speaks it. Copilot changes all ids with each event, and clients look their
/// items up by id (LiteLLM #30071, vercel/ai PR 18548): the first id of an item, and of the response, stays. None is
/// made up, as Copilot compares the ids that come back with what it has encrypted.
final class ResponsesPassThrough implements StreamTranslator {
    private final String asked;
    private final Consumer<JsonNode> keeper;
    private final Map<Integer, String> ids = new HashMap<>();       // by output_index
    private String response = "";
    private long sequence = -1;
    private TokenUsage usage = TokenUsage.NONE;
    private boolean over, broken;

    /// @param keeper receives the items, with the ids that the client gets
    ResponsesPassThrough(String asked, Consumer<JsonNode> keeper) {
        this.asked = asked;
        this.keeper = keeper;
    }

    @Override
    public byte[] event(String name, byte[] data) {
        if (over || !(Json.tryParse(new String(data, StandardCharsets.UTF_8)) instanceof ObjectNode event)) {
            return NOTHING;
        }
        String type = Json.text(event, "type");
        sequence = event.path("sequence_number").asLong(sequence);
        if (event.path("response") instanceof ObjectNode whole) {
            rename(whole);
            usage = usage.then(TokenUsage.of(ApiProtocol.RESPONSES, whole.path("usage"))).priced(event);
        }
        if (event.path("output_index").isNumber()) {
            int index = event.path("output_index").asInt();
            if (event.path("item") instanceof ObjectNode item) {
                item(index, item, !type.endsWith(".added"));
                if (type.equals("response.output_item.done")) keeper.accept(item);
            }
            stable(index, event, "item_id");
            if (type.equals("response.function_call_arguments.done")) filled(event);
        }
        over = Set.of("response.completed", "response.incomplete", "response.failed", "response.cancelled", "error")
                .contains(type);
        broken = Set.of("response.failed", "error").contains(type);
        return SseFrames.named(name.isEmpty() ? type : name, event);
    }

    @Override
    public boolean isBroken() { return broken; }

    private void rename(ObjectNode whole) {
        if (whole.path("id").isString()) {
            if (response.isEmpty()) response = Json.text(whole, "id");
            whole.put("id", response);
        }
        if (whole.has("model")) whole.put("model", asked);
        int index = 0;
        for (var item : whole.path("output")) {
            if (item instanceof ObjectNode object) item(index, object, true);
            index++;
        }
    }

    private void item(int index, ObjectNode item, boolean done) {
        stable(index, item, "id");
        if (done && Json.text(item, "type").equals("function_call")) filled(item);
    }

    /// Gives a call without arguments those that clients can read.
    private static void filled(ObjectNode call) {
        if (Json.text(call, "arguments").isEmpty()) call.put("arguments", "{}");
    }

    private void stable(int index, ObjectNode bearer, String field) {
        String id = Json.text(bearer, field);
        if (!id.isEmpty()) bearer.put(field, ids.computeIfAbsent(index, _ -> id));
    }

    @Override
    public byte[] end() { return over ? NOTHING : failed(BrokenStream.ended()); }

    @Override
    public byte[] failed(ApiRefusal why) {
        if (over) return NOTHING;
        over = broken = true;
        return failure(response, sequence + 1, asked, why);
    }

    /// Returns the event on which Codex gives up a stream.
    static byte[] failure(String id, long sequence, String model, ApiRefusal why) {
        var response = Json.object().put("id", id.isEmpty() ? "resp_" + Seal.PREFIX : id).put("object", "response")
                .put("status", "failed").put("model", model);
        response.putArray("output");
        response.putObject("error").put("code", why.code().isEmpty() ? "server_error" : why.code())
                .put("message", why.getMessage());
        var event = Json.object().put("type", "response.failed").put("sequence_number", sequence);
        return SseFrames.named("response.failed", event.set("response", response));
    }

    @Override
    public Usage usage() { return usage.usage(); }

    static Translation.WholeAnswer whole(String asked, byte[] body, Consumer<JsonNode> keeper) {
        var json = PassThrough.parsed(body);
        if (json.isEmpty()) return new Translation.WholeAnswer(body, Usage.NONE);
        var answer = json.get();
        answer.get("output").items().forEach(item -> keeper.accept(item.tree()));
        var used = TokenUsage.of(ApiProtocol.RESPONSES, answer.get("usage").tree()).priced(price(answer));
        return new Translation.WholeAnswer(PassThrough.edited(answer, edits -> {
            if (answer.has("model")) edits.replace(answer.get("model"), asked);
            answer.get("output").items().stream().filter(item -> item.isType("function_call")
                    && item.get("arguments").is("")).forEach(item -> edits.replace(item.get("arguments"), "{}"));
        }), used.usage());
    }

    private static JsonNode price(JsonSpan answer) {
        return Json.object().set("copilot_usage", answer.get("copilot_usage").tree());
    }
}
