package cop;

import module java.base;
import cop.AnswerBlocks.Kind;
import cop.AnswerEvent.*;
import tools.jackson.databind.node.ObjectNode;

/// Writes answers of OpenAI's Chat Completions API. Its calls may overlap, so that nothing waits.
final class ChatSink extends AnswerSink {
    private final Map<Integer, Integer> numbers = new HashMap<>();      // of calls, by key
    private final Set<Integer> withArguments = new HashSet<>();
    private boolean spoke, paragraph;

    ChatSink(TranslatedRequest request) { super(request); }

    private ObjectNode envelope(String object) {
        return Json.object().put("id", id("chatcmpl-")).put("object", object).put("created", created())
                .put("model", request.asked());
    }

    private void send(ObjectNode delta, String finish) {
        var chunk = envelope("chat.completion.chunk");
        chunk.putArray("choices").addObject().put("index", 0).put("finish_reason", finish).set("delta", delta);
        write(SseFrames.data(chunk));
    }

    @Override
    void begin() { send(Json.object().put("role", "assistant").put("content", ""), null); }

    @Override
    void content(AnswerEvent event) {
        super.content(event);
        switch (event) {
            case TextDelta text -> {
                send(Json.object().put("content", (paragraph ? "\n\n" : "") + text.text()), null);
                spoke = true;
                paragraph = false;
            }
            case Paragraph _ -> paragraph = spoke;
            case ThinkingDelta thinking -> send(Json.object().put("reasoning_text", thinking.text())
                    .put("reasoning_content", thinking.text()), null);
            case ThinkingEnd end when end.sealed() != null -> send(Json.object().put("reasoning_opaque",
                    Seal.close(request.model(), end.sealed())), null);
            case CallBegin begin -> {
                numbers.put(begin.key(), numbers.size());
                call(begin.key(), "").put("id", begin.id()).put("type", "function").withObject("/function")
                        .put("name", begin.name());
                send();
            }
            case CallDelta delta -> {
                withArguments.add(delta.key());
                call(delta.key(), delta.arguments());
                send();
            }
            default -> { }
        }
    }

    private ObjectNode piece = Json.object();

    private ObjectNode call(int key, String arguments) {
        piece = Json.object().put("index", numbers.getOrDefault(key, 0));
        piece.putObject("function").put("arguments", arguments);
        return piece;
    }

    private void send() {
        var delta = Json.object();
        delta.putArray("tool_calls").add(piece);
        send(delta, null);
    }

    @Override
    void finish() {
        numbers.keySet().stream().filter(key -> !withArguments.contains(key)).sorted().forEach(key -> {
            call(key, "{}");
            send();
        });
        send(Json.object(), stop().chat());
        if (request.dialog().includeUsage) {
            var chunk = envelope("chat.completion.chunk");
            chunk.putArray("choices");
            write(SseFrames.data(chunk.set("usage", usage().json(ApiProtocol.CHAT))));
        }
        write(SseFrames.DONE);
    }

    @Override
    void fail(ApiRefusal why) { write(ApiProtocol.CHAT.broken(why)); }

    @Override
    ObjectNode whole() {
        var answer = envelope("chat.completion");
        var choice = answer.putArray("choices").addObject().put("index", 0);
        var message = choice.putObject("message").put("role", "assistant");
        String text = joined(Kind.TEXT, "\n\n"), thoughts = joined(Kind.THINKING, "\n\n");
        boolean calls = calls().findAny().isPresent();
        message.put("content", text.isEmpty() && calls ? null : text);
        message.putNull("refusal");
        if (!thoughts.isEmpty()) message.put("reasoning_text", thoughts).put("reasoning_content", thoughts);
        blocks.all().stream().filter(block -> block.sealed != null).forEach(block -> message.put("reasoning_opaque",
                seal(block)));
        calls().forEach(call -> message.withArray("tool_calls").addObject().put("id", call.id).put("type", "function")
                .putObject("function").put("name", call.name).put("arguments", call.text.isEmpty() ? "{}"
                        : call.text.toString()));
        choice.putNull("logprobs").put("finish_reason", stop().chat());
        return answer.set("usage", usage().json(ApiProtocol.CHAT));
    }

    private String joined(Kind kind, String between) {
        return blocks.all().stream().filter(block -> block.kind == kind).map(block -> block.text.toString())
                .filter(text -> !text.isEmpty()).collect(Collectors.joining(between));
    }
}
