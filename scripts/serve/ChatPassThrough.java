package cop;

import module java.base;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// An answer of /chat/completions for a client that speaks it, as OpenAI would have sent it: one choice where one was
/// asked for (Claude's text and calls come in two), calls numbered from 0, a role first, one finish, and the usage only
/// if it was asked for.
final class ChatPassThrough implements StreamTranslator {
    /// What is known of a choice so far.
    private static final class Choice {
        private final CallNumbers numbers = new CallNumbers();
        private final Set<Integer> withArguments = new HashSet<>();
        private String finish = "";
        private boolean begun;
    }

    private final String asked;
    private final boolean single, includeUsage;
    private final SortedMap<Integer, Choice> choices = new TreeMap<>();
    private final ObjectNode envelope = Json.object();      // what all chunks have
    private ObjectNode usage;                               // comes last
    private TokenUsage used = TokenUsage.NONE;
    private boolean over, broken;

    /// @param single whether one answer was asked for
    ChatPassThrough(String asked, boolean single, boolean includeUsage) {
        this.asked = asked;
        this.single = single;
        this.includeUsage = includeUsage;
    }

    @Override
    public byte[] event(String name, byte[] data) {
        if (over) return NOTHING;
        String text = new String(data, StandardCharsets.UTF_8);
        if (text.strip().equals("[DONE]")) return choices.isEmpty() ? failed(BrokenStream.empty()) : finish();
        if (!(Json.tryParse(text) instanceof ObjectNode chunk)) return NOTHING;
        if (chunk.path("error").isObject() || chunk.path("error").isString()) {
            over = broken = true;
            return SseFrames.data(chunk);
        }
        count(chunk);
        if (chunk.path("choices").valueStream().anyMatch(each -> Json.text(each, "finish_reason").equals("error"))) {
            return failed(BrokenStream.interrupted());
        }
        var frames = new ByteArrayOutputStream();
        int position = 0;
        for (var each : chunk.path("choices")) {
            int index = single ? 0 : each.path("index").asInt(position++);
            if (each instanceof ObjectNode choice) frames.writeBytes(choice(chunk, index, choice));
        }
        return frames.toByteArray();
    }

    /// Keeps the usage for the end: Gemini sends one with each chunk.
    private void count(ObjectNode chunk) {
        if (!Json.text(chunk, "id").isEmpty()) envelope.set("id", chunk.get("id"));
        if (chunk.path("created").asLong(0) > 0) envelope.set("created", chunk.get("created"));
        if (chunk.path("usage") instanceof ObjectNode counts) {
            usage = counts;
            used = TokenUsage.of(ApiProtocol.CHAT, counts).priced(chunk);
        }
        chunk.remove("usage");
    }

    private byte[] choice(ObjectNode chunk, int index, ObjectNode choice) {
        var known = choices.computeIfAbsent(index, _ -> new Choice());
        String finish = Json.text(choice, "finish_reason");
        if (!finish.isEmpty()) known.finish = finish;
        if (!(choice.path("delta") instanceof ObjectNode delta)) return NOTHING;
        reasoning(delta);
        boolean calls = calls(known, delta);
        boolean says = delta.properties().stream().anyMatch(field -> !field.getKey().equals("role")
                && !field.getValue().isNull() && !(field.getValue().isString() && field.getValue().asString().isEmpty())
                && !(field.getValue().isArray() && field.getValue().isEmpty()));
        if (known.begun && !says && !calls) return NOTHING;
        if (!known.begun && !delta.has("role")) delta.put("role", "assistant");
        known.begun = true;
        choice.put("index", index).putNull("finish_reason");
        var sent = chunk.deepCopy();
        sent.putArray("choices").add(choice);
        return SseFrames.data(filled(sent, "chat.completion.chunk"));
    }

    /// Adds the name under which Cline, Open WebUI and others show reasoning.
    static void reasoning(ObjectNode delta) {
        if (delta.has("reasoning_content")) return;
        Stream.of("reasoning_text", "cot_summary", "thinking").map(field -> Json.text(delta, field))
                .filter(text -> !text.isEmpty()).findFirst().ifPresent(text -> delta.put("reasoning_content", text));
    }

    private static boolean calls(Choice known, ObjectNode delta) {
        boolean any = false;
        for (var each : delta.path("tool_calls")) {
            if (!(each instanceof ObjectNode piece)) continue;
            int before = known.numbers.size(), number = known.numbers.of(piece);
            var function = piece.withObject("/function");
            String arguments = Json.text(function, "arguments");
            if (!arguments.isEmpty()) known.withArguments.add(number);
            piece.put("index", number);
            if (known.numbers.size() > before) piece.put("type", "function");
            function.put("arguments", arguments);
            any = true;
        }
        return any;
    }

    private ObjectNode filled(ObjectNode chunk, String object) {
        if (Json.text(chunk, "id").isEmpty()) chunk.set("id", envelope.path("id").isString() ? envelope.get("id")
                : chunk.stringNode("chatcmpl-" + Seal.PREFIX));
        if (!chunk.has("object")) chunk.put("object", object);
        if (chunk.path("created").asLong(0) == 0) {
            if (!envelope.has("created")) envelope.put("created", Instant.now().getEpochSecond());
            chunk.set("created", envelope.get("created"));
        }
        return chunk.put("model", asked);
    }

    private byte[] finish() {
        over = true;
        var frames = new ByteArrayOutputStream();
        choices.forEach((index, choice) -> {
            for (int i = 0; i < choice.numbers.size(); i++) {
                if (choice.withArguments.contains(i)) continue;
                var delta = Json.object();
                delta.putArray("tool_calls").addObject().put("index", i).putObject("function").put("arguments", "{}");
                frames.writeBytes(chunk(index, delta, null));
            }
            String finish = choice.numbers.size() > 0 && choice.finish.matches("|stop") ? "tool_calls"
                    : choice.finish.isEmpty() ? "stop" : choice.finish;
            frames.writeBytes(chunk(index, Json.object(), finish));
        });
        if (includeUsage && usage != null) {
            var last = filled(Json.object(), "chat.completion.chunk");
            last.putArray("choices");
            frames.writeBytes(SseFrames.data(last.set("usage", usage)));
        }
        frames.writeBytes(SseFrames.DONE);
        return frames.toByteArray();
    }

    private byte[] chunk(int index, ObjectNode delta, String finish) {
        var chunk = filled(Json.object(), "chat.completion.chunk");
        chunk.putArray("choices").addObject().put("index", index).put("finish_reason", finish).set("delta", delta);
        return SseFrames.data(chunk);
    }

    /// A finish without [DONE] will do: not all of Copilot's vendors send it.
    @Override
    public byte[] end() {
        if (over) return NOTHING;
        boolean finished = !choices.isEmpty() && choices.values().stream().noneMatch(each -> each.finish.isEmpty());
        return finished ? finish() : failed(BrokenStream.ended());
    }

    @Override
    public byte[] failed(ApiRefusal why) {
        if (over) return NOTHING;
        over = broken = true;
        return ApiProtocol.CHAT.broken(why);
    }

    @Override
    public boolean isBroken() { return broken; }

    @Override
    public Usage usage() { return used.usage(); }

    // ---- in one piece

    static Translation.WholeAnswer whole(String asked, boolean single, byte[] body) {
        if (!(Json.tryParse(new String(body, StandardCharsets.UTF_8)) instanceof ObjectNode answer)
                || answer.has("error")) {
            return new Translation.WholeAnswer(body, Usage.NONE);
        }
        var used = TokenUsage.of(ApiProtocol.CHAT, answer.path("usage")).priced(answer);
        var choices = answer.path("choices").valueStream().map(ObjectNode.class::cast).toList();
        var all = single ? List.of(merged(choices)) : choices;
        for (int i = 0; i < all.size(); i++) all.get(i).put("index", i);
        answer.set("choices", Json.array(all.stream()));
        new ChatPassThrough(asked, single, false).filled(answer, "chat.completion");
        return new Translation.WholeAnswer(Json.bytes(answer), used.usage());
    }

    /// Returns one choice of all; of none, one without text, as for a probe with max_tokens 1 (LiteLLM #29391).
    private static ObjectNode merged(List<ObjectNode> choices) {
        var choice = choices.isEmpty() ? Json.object().put("finish_reason", "length") : choices.getFirst();
        var message = choice.withObject("/message");
        for (var other : choices.stream().skip(1).toList()) {
            var more = other.path("message");
            String text = Text.paragraphs(Json.text(message, "content"), Json.text(more, "content"));
            more.properties().stream().filter(field -> message.path(field.getKey()).isMissingNode()
                    || message.path(field.getKey()).isNull()).forEach(field -> message.set(field.getKey(),
                    field.getValue()));
            if (message.path("tool_calls") instanceof ArrayNode calls && calls != more.path("tool_calls")) {
                calls.addAll(more.path("tool_calls").values());
            }
            message.put("content", text.isEmpty() ? null : text);
        }
        message.put("role", "assistant");
        if (!message.has("content")) message.put("content", choices.isEmpty() ? "" : null);
        reasoning(message);
        message.path("tool_calls").forEach(call -> {
            var function = ((ObjectNode) call).withObject("/function");
            if (Json.text(function, "arguments").isEmpty()) function.put("arguments", "{}");
        });
        if (message.path("tool_calls").isEmpty()) message.remove("tool_calls");
        else if (Json.text(choice, "finish_reason").matches("|stop")) choice.put("finish_reason", "tool_calls");
        return choice;
    }
}
