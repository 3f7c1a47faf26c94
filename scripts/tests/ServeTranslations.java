package cop;

import module java.base;
import module java.net.http;
import cop.copilot.Model;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// What `serve` sends for a client's request, and what the client gets, without a server: pass-through, repairs, and
/// the translations between the three APIs. Bodies are tried on the simulator, which refuses what Copilot refuses.
class ServeTranslations {
    private Harness cop;

    @AfterEach
    void close() {
        http.shutdownNow();
        if (cop != null) cop.close();
    }

    // ------------------------------------------------------------------------------------------------- to ask

    /// Models by id, as the catalog has them.
    private static Optional<Model> model(String id) {
        return Optional.ofNullable(MODELS.get(id)).map(row -> {
            var cells = row.split(" ");
            var json = Json.object().put("id", id).put("vendor", id.startsWith("claude") ? "Anthropic" : "OpenAI");
            for (String path : cells[0].split(",")) json.withArray("/supported_endpoints").add(path);
            var capabilities = json.withObject("/capabilities").put("type", "chat");
            capabilities.withObject("/limits").put("max_output_tokens", 64000).put("max_prompt_tokens", 128000);
            var supports = capabilities.withObject("/supports").put("streaming", true).put("tool_calls", true)
                    .put("vision", true);
            if (cells[1].equals("adaptive")) supports.put("adaptive_thinking", true);
            if (cells[1].equals("budget")) supports.put("min_thinking_budget", 1024).put("max_thinking_budget", 32000);
            for (int i = 2; i < cells.length; i++) supports.withArray("/reasoning_effort").add(cells[i]);
            return new Model(json);
        });
    }

    private static final Map<String, String> MODELS = Stream.of(
            "gpt-5-mini /chat/completions,/responses - minimal low medium high",
            "gpt-5.4-mini /responses - none low medium high xhigh",
            "claude-haiku-4.5 /chat/completions,/v1/messages budget",
            "claude-sonnet-5 /v1/messages,/chat/completions adaptive low medium high max",
            "claude-opus-5 /v1/messages adaptive low medium high xhigh max",
            "claude-opus-5-1m /v1/messages adaptive low high",
            "claude-fable-5.1 /v1/messages adaptive low medium high xhigh max",
            "gemini-3.8-flash /chat/completions -", "kimi-k3 /chat/completions - low high max",
            "text-embedding-3-small /embeddings -").collect(Collectors.toMap(row -> row.split(" ", 2)[0],
            row -> row.split(" ", 2)[1]));

    private static Translation of(ApiProtocol client, String body, String... headers) {
        var all = new HashMap<String, String>();
        for (int i = 0; i < headers.length; i += 2) all.put(headers[i], headers[i + 1]);
        return Translations.of(client, utf8(body), HttpFields.of(all), ServeTranslations::model,
                () -> MODELS.keySet().stream().sorted().toList());
    }

    private static byte[] utf8(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    private static String text(byte[] bytes) { return new String(bytes, StandardCharsets.UTF_8); }

    private static ApiRefusal refused(ApiProtocol client, String body) {
        return assertThrows(ApiRefusal.class, () -> of(client, body));
    }

    private static JsonNode json(String text) { return Json.object(text.replace('\'', '"'), "the test"); }

    // ------------------------------------------------------------------------------------------- spans and edits

    /// A text with all kinds of values, escapes, and blanks; spans must agree with a tree of it.
    private static String random(Random random, int depth) {
        String blank = " \n\t".substring(0, random.nextInt(4)).repeat(random.nextInt(2));
        var inner = IntStream.range(0, depth > 3 ? 0 : random.nextInt(5)).mapToObj(i -> random(random, depth + 1));
        var strings = List.of("\"\"", "\"a\"", "\"\\\"\"", "\"\\\\\"", "\"é\\u00e9\"", "\"日本 🦊\"",
                "\"{[,:]}\"");
        return blank + switch (depth == 0 ? 0 : random.nextInt(6)) {
            case 0 -> {
                var names = IntStream.iterate(0, i -> i + 1).iterator();
                yield "{" + inner.map(value -> "\"n" + names.next() + "\"" + blank + ":" + value)
                        .collect(Collectors.joining(",")) + blank + "}";
            }
            case 1 -> "[" + inner.collect(Collectors.joining(",")) + blank + "]";
            case 2 -> List.of("0", "-1", "1.5e3", "12345678901234567890", "1E-2").get(random.nextInt(5));
            case 3 -> List.of("true", "false", "null").get(random.nextInt(3));
            default -> strings.get(random.nextInt(strings.size()));
        } + blank;
    }

    private static void agrees(JsonNode tree, JsonSpan span) {
        assertEquals(tree, span.tree());
        if (tree instanceof ObjectNode) {
            assertEquals(List.copyOf(tree.propertyNames()), span.children().stream().map(JsonSpan::name).toList());
            tree.properties().forEach(each -> agrees(each.getValue(), span.get(each.getKey())));
        } else if (tree.isArray()) {
            assertEquals(tree.size(), span.items().size());
            for (int i = 0; i < tree.size(); i++) agrees(tree.get(i), span.items().get(i));
        } else {
            assertEquals(tree.isString() ? tree.asString() : "", span.string());
        }
    }

    @Test
    void spansAgreeWithATreeOfTheText() {
        for (int seed = 0; seed < 2000; seed++) {
            String text = random(new Random(seed), 0);
            agrees(Json.tryParse(text), JsonSpan.of(utf8(text)));
        }
    }

    /// Removes, replaces, renames and adds at random, in the text and in the tree.
    @Test
    void editsLeaveValidJsonAndAllElse() {
        for (int seed = 0; seed < 3000; seed++) {
            var random = new Random(seed);
            String text = random(random, 0);
            var tree = Json.tryParse(text);
            var span = JsonSpan.of(utf8(text));
            var edits = new JsonEdits(span);
            change(random, tree, span, edits);
            assertEquals(tree, Json.tryParse(text(edits.apply())), text + " " + text(edits.apply()));
        }
    }

    private static void change(Random random, JsonNode tree, JsonSpan span, JsonEdits edits) {
        if (tree instanceof ObjectNode object) {
            for (var child : span.children()) {
                switch (random.nextInt(5)) {
                    case 0 -> {
                        edits.remove(span, child);
                        object.remove(child.name());
                    }
                    case 1 -> {
                        edits.replace(child, "new \"text\"");
                        object.put(child.name(), "new \"text\"");
                    }
                    case 2 -> {
                        edits.rename(child, child.name() + "!");
                        object.set(child.name() + "!", object.remove(child.name()));
                    }
                    default -> change(random, object.get(child.name()), child, edits);
                }
            }
            for (int i = random.nextInt(3); i > 0; i--) {
                edits.add(span, "added" + i, i);
                object.put("added" + i, i);
            }
        } else if (tree.isArray()) {
            for (int i = span.items().size() - 1; i >= 0; i--) {
                if (random.nextInt(3) > 0) {
                    change(random, tree.get(i), span.items().get(i), edits);
                } else {
                    edits.remove(span, span.items().get(i));
                    ((ArrayNode) tree).remove(i);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"'' | not a JSON object", "[] | not a JSON object", "{ | line 1",
            "'{\"a\":1} x' | JSON", "'{\"model\":\"a' | JSON", "'{\"a\":1,}' | line 1",
            "'{\"model\":\"gpt-5-mini\",\"model\":\"x\"}' | model: given twice", "{} | model: a string is required",
            "'{\"model\":7}' | model: a string is required"})
    void wrongBodiesAreRefusedInWords(String body, String words) {
        for (var client : ApiProtocol.values()) {
            var refusal = refused(client, body);
            assertEquals(400, refusal.status());
            assertTrue(refusal.getMessage().contains(words), refusal.getMessage());
        }
    }

    @Test
    void deepJsonIsRefused() {
        assertEquals(400, refused(ApiProtocol.CHAT, "{\"a\":".repeat(50_000)).status());
        assertEquals(400, assertThrows(ApiRefusal.class, () -> Translations.of(ApiProtocol.CHAT, "{\"model\":\"gpt\"}"
                .getBytes(StandardCharsets.UTF_16BE), HttpFields.of(Map.of()), ServeTranslations::model,
                List::of)).status());
    }

    // ------------------------------------------------------------------------------------------- models

    @ParameterizedTest
    @CsvSource({"claude-haiku-4-5-20251001, claude-haiku-4.5", "claude-haiku-4-5, claude-haiku-4.5",
            "claude-haiku-4.5-20251001, claude-haiku-4.5", "claude-haiku-4.5, claude-haiku-4.5",
            "claude-opus-5[1m], claude-opus-5-1m", "claude-haiku-4-5[1m], claude-haiku-4.5",
            "claude-sonnet-5-20260101, claude-sonnet-5", "claude-opus-5-1m, claude-opus-5-1m"})
    void idsOfAnthropicFindTheModel(String asked, String id) {
        var translation = of(ApiProtocol.MESSAGES, "{'model':'%s','max_tokens':1,'messages':[]}".formatted(asked)
                .replace('\'', '"'));
        assertEquals(id, translation.model());
        assertEquals(asked, translation.asked());
        assertEquals(id, Json.text(Json.tryParse(text(translation.body())), "model"));
    }

    @Test
    void unknownModelsAre404WithNearNames() {
        var refusal = refused(ApiProtocol.MESSAGES, "{\"model\": \"claude-hiaku-4-5-20251001\"}");
        assertEquals(404, refusal.status());
        assertEquals("model_not_found", refusal.code());
        assertTrue(refusal.getMessage().endsWith("did you mean claude-haiku-4.5?"), refusal.getMessage());
        assertTrue(refused(ApiProtocol.CHAT, "{\"model\": \"text-embedding-3-small\"}").getMessage()
                .contains("is not for chats"));
    }

    /// GitHub chooses where no model is named, on /chat/completions only.
    @Test
    void autoNamesNoModel() {
        sim();
        for (var client : ApiProtocol.values()) {
            var body = request(client, "auto", "say: hi", false, true);
            var request = Translations.of(client, Json.bytes(body), HttpFields.of(Map.of()), _ -> Optional.of(
                    Model.auto()), List::of);
            assertEquals(ApiProtocol.CHAT, request.upstream());
            assertFalse(Json.tryParse(text(request.body())).has("model"), text(request.body()));
            var heard = heard(client, frames(answer(request)));
            assertEquals("hi auto", heard.text() + " " + heard.model());
        }
    }

    // ------------------------------------------------------------------------------------------- pass-through

    @Test
    void whatNeedsNoRepairPassesAsItIs() {
        byte[] body = utf8("{ \"model\" : \"claude-opus-5\",\n \"max_tokens\": 1.0e2, \"messages\":[{\"role\":\"user\","
                + "\"content\":\"\\u00e9 é\"}] }");
        var translation = Translations.of(ApiProtocol.MESSAGES, body, HttpFields.of(Map.of()),
                ServeTranslations::model, List::of);
        assertSame(body, translation.body());
        assertEquals(Map.of("X-Initiator", "user", "anthropic-version", "2023-06-01"), translation.headers());
    }

    // ------------------------------------------------------------------------------------------- on the simulator

    /// One model for each endpoint that has no other.
    private static final Map<ApiProtocol, String> ONLY = new EnumMap<>(Map.of(ApiProtocol.CHAT, "gemini-3.8-flash",
            ApiProtocol.RESPONSES, "gpt-5.4-mini", ApiProtocol.MESSAGES, "claude-fable-5.1"));

    private simulator sim() {
        if (cop == null) cop = Harness.loggedIn();
        return cop.sim;
    }

    private String bearer;
    private final HttpClient http = HttpClient.newHttpClient();

    private HttpResponse<byte[]> post(Translation request) {
        sim();
        if (bearer == null) bearer = Json.text(Json.object(text(send(HttpRequest.newBuilder(URI.create(cop.sim.url()
                + "/copilot_internal/v2/token")).headers("Authorization", "token " + simulator.GITHUB_TOKEN,
                "User-Agent", "tests", "Editor-Version", "vscode/1.107.0", "Editor-Plugin-Version",
                "copilot-chat/0.35.0", "Copilot-Integration-Id", "vscode-chat").build()).body()), "token"), "token");
        var call = HttpRequest.newBuilder(URI.create(cop.sim.api() + request.upstream().endpoint()))
                .headers("Authorization", "Bearer " + bearer, "Editor-Version", "vscode/1.107.0",
                        "Copilot-Integration-Id", "vscode-chat", "Content-Type", "application/json",
                        "X-GitHub-Api-Version", "2026-08-01");
        request.headers().forEach(call::setHeader);
        return send(call.POST(HttpRequest.BodyPublishers.ofByteArray(request.body())).build());
    }

    private HttpResponse<byte[]> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// An event of a stream; `data` is missing for [DONE].
    private record Frame(String name, String data) {
        JsonNode json() { return Json.tryParse(data); }
    }

    private static List<Frame> frames(byte[] stream) {
        return Stream.of(text(stream).split("\n\n")).filter(each -> !each.isBlank()).map(each -> {
            String name = each.lines().filter(line -> line.startsWith("event: ")).map(line -> line.substring(7))
                    .findFirst().orElse("");
            return new Frame(name, each.lines().filter(line -> line.startsWith("data: ")).map(line -> line
                    .substring(6)).collect(Collectors.joining("\n")));
        }).toList();
    }

    /// Sends a request to the simulator, and translates its answer.
    private byte[] answer(Translation request) {
        var response = post(request);
        assertEquals(200, response.statusCode(), () -> text(request.body()) + "\n" + text(response.body()));
        return request.streams() ? streamed(request.stream(), response.body()) : request.whole(response.body()).body();
    }

    private static byte[] streamed(StreamTranslator translator, byte[] upstream) {
        var out = new ByteArrayOutputStream();
        frames(upstream).forEach(frame -> out.writeBytes(translator.event(frame.name(), utf8(frame.data()))));
        out.writeBytes(translator.end());
        return out.toByteArray();
    }

    // ---- what a client does with an answer

    /// An answer as a client understands it: calls as `id name arguments`.
    private record Heard(String text, String thoughts, List<String> calls, String stop, long prompt, long completion,
                         String model) {}

    private static Heard heard(ApiProtocol client, JsonNode whole) {
        return switch (client) {
            case CHAT -> {
                var message = whole.at("/choices/0/message");
                assertEquals(1, whole.path("choices").size());
                assertEquals("chat.completion", Json.text(whole, "object"));
                yield new Heard(Json.text(message, "content"), Json.text(message, "reasoning_content"),
                        message.path("tool_calls").valueStream().map(call -> Json.text(call, "id") + " " + Json.text(
                                call.path("function"), "name") + " " + Json.text(call.path("function"), "arguments"))
                                .toList(), Json.text(whole.at("/choices/0"), "finish_reason"),
                        whole.at("/usage/prompt_tokens").asLong(), whole.at("/usage/completion_tokens").asLong(),
                        Json.text(whole, "model"));
            }
            case RESPONSES -> {
                var output = whole.path("output");
                yield new Heard(texts(output, "message", "content"), texts(output, "reasoning", "summary"),
                        output.valueStream().filter(item -> item.has("arguments")).map(item -> Json.text(item,
                                "call_id") + " " + Json.text(item, "name") + " " + Json.text(item, "arguments"))
                                .toList(), Json.text(whole, "status") + Json.text(whole.path("incomplete_details"),
                        "reason"), whole.at("/usage/input_tokens").asLong(), whole.at("/usage/output_tokens").asLong(),
                        Json.text(whole, "model"));
            }
            case MESSAGES -> {
                var content = whole.path("content");
                var usage = whole.path("usage");
                yield new Heard(joined(content, "text"), joined(content, "thinking"), content.valueStream()
                        .filter(block -> block.has("input")).map(block -> Json.text(block, "id") + " "
                                + Json.text(block, "name") + " " + Json.compact(block.path("input"))).toList(),
                        Json.text(whole, "stop_reason"), usage.path("input_tokens").asLong() + usage.path(
                        "cache_read_input_tokens").asLong(), usage.path("output_tokens").asLong(), Json.text(whole,
                        "model"));
            }
        };
    }

    private static String joined(JsonNode blocks, String type) {
        return blocks.valueStream().filter(block -> Json.text(block, "type").equals(type)).map(block -> Json.text(block,
                type)).collect(Collectors.joining());
    }

    private static String texts(JsonNode items, String type, String field) {
        return items.valueStream().filter(item -> Json.text(item, "type").equals(type)).flatMap(item -> item.path(field)
                .valueStream()).map(part -> Json.text(part, "text")).collect(Collectors.joining("\n\n"));
    }

    /// Reads a stream as the vendor's own SDK does, and checks the order of its events.
    private static Heard heard(ApiProtocol client, List<Frame> frames) {
        return heard(client, switch (client) {
            case CHAT -> chat(frames);
            case RESPONSES -> responses(frames);
            case MESSAGES -> messages(frames);
        });
    }

    /// A role first, calls that begin with id and name at the next index, one finish, the usage, and [DONE].
    private static ObjectNode chat(List<Frame> frames) {
        assertEquals("[DONE]", frames.getLast().data());
        var answer = Json.object().put("object", "chat.completion");
        var message = Json.object();
        var content = new StringBuilder();
        var thoughts = new StringBuilder();
        var calls = new ArrayList<ObjectNode>();
        String finish = "";
        for (var frame : frames.subList(0, frames.size() - 1)) {
            var chunk = frame.json();
            assertEquals("", frame.name());
            assertEquals("chat.completion.chunk", Json.text(chunk, "object"), frame.data());
            assertFalse(Json.text(chunk, "id").isEmpty());
            assertTrue(chunk.path("created").asLong(0) > 0);
            answer.set("model", chunk.path("model"));
            if (chunk.path("choices").isEmpty()) {
                assertFalse(finish.isEmpty(), "usage before the finish");
                assertFalse(answer.has("usage"), "usage twice");
                answer.set("usage", chunk.path("usage"));
                continue;
            }
            assertTrue(chunk.path("usage").isMissingNode());
            assertEquals(1, chunk.path("choices").size());
            assertEquals(0, chunk.at("/choices/0/index").asInt(-1));
            assertEquals("", finish, "more after the finish");
            var delta = chunk.at("/choices/0/delta");
            if (message.isEmpty()) assertEquals("assistant", Json.text(delta, "role"), frame.data());
            message.put("role", "assistant");
            content.append(Json.text(delta, "content"));
            thoughts.append(Json.text(delta, "reasoning_content"));
            if (delta.has("reasoning_opaque")) message.set("reasoning_opaque", delta.get("reasoning_opaque"));
            for (var piece : delta.path("tool_calls")) {
                int index = piece.path("index").asInt(-1);
                if (index == calls.size()) {
                    assertFalse(Json.text(piece, "id").isEmpty(), frame.data());
                    assertEquals("function", Json.text(piece, "type"));
                    assertFalse(Json.text(piece.path("function"), "name").isEmpty(), frame.data());
                    calls.add(((ObjectNode) piece).deepCopy());
                } else {
                    var function = (ObjectNode) calls.get(index).path("function");
                    function.put("arguments", Json.text(function, "arguments") + Json.text(piece.path("function"),
                            "arguments"));
                }
            }
            finish = Json.text(chunk.at("/choices/0"), "finish_reason");
        }
        assertFalse(finish.isEmpty(), "no finish");
        message.put("content", content.toString()).put("reasoning_content", thoughts.toString());
        if (!calls.isEmpty()) message.set("tool_calls", Json.array(calls.stream()));
        answer.putArray("choices").addObject().put("finish_reason", finish).set("message", message);
        return answer;
    }

    /// One block open at a time, indices rising, deltas of the open block, and a signature last.
    private static ObjectNode messages(List<Frame> frames) {
        ObjectNode message = null, block = null;
        var json = new StringBuilder();
        int next = 0;
        boolean ended = false, signed = false;
        for (var frame : frames) {
            var event = frame.json();
            String type = Json.text(event, "type");
            assertEquals(type, frame.name());
            if (type.equals("ping")) continue;
            assertFalse(ended, "after message_stop: " + frame.data());
            assertEquals(message == null, type.equals("message_start"), frame.data());
            switch (type) {
                case "message_start" -> {
                    message = ((ObjectNode) event.path("message")).deepCopy();
                    for (String count : List.of("input_tokens", "output_tokens", "cache_read_input_tokens",
                            "cache_creation_input_tokens")) {
                        assertTrue(message.path("usage").path(count).isNumber(), frame.data());
                    }
                    assertEquals(0, message.path("content").size());
                }
                case "content_block_start" -> {
                    assertEquals(null, block, "two blocks are open");
                    assertEquals(next++, event.path("index").asInt(-1));
                    block = ((ObjectNode) event.path("content_block")).deepCopy();
                    json.setLength(0);
                    signed = false;
                }
                case "content_block_delta" -> {
                    assertEquals(next - 1, event.path("index").asInt(-1));
                    var delta = event.path("delta");
                    assertFalse(signed, "more after the signature");
                    switch (Json.text(delta, "type")) {
                        case "text_delta" -> block.put("text", Json.text(block, "text") + Json.text(delta, "text"));
                        case "thinking_delta" -> block.put("thinking", Json.text(block, "thinking") + Json.text(delta,
                                "thinking"));
                        case "signature_delta" -> {
                            block.set("signature", delta.path("signature"));
                            signed = true;
                        }
                        default -> {
                            assertEquals("input_json_delta", Json.text(delta, "type"));
                            assertEquals("tool_use", Json.text(block, "type"));
                            json.append(Json.text(delta, "partial_json"));
                        }
                    }
                }
                case "content_block_stop" -> {
                    assertEquals(next - 1, event.path("index").asInt(-1));
                    if (!json.isEmpty()) block.set("input", Json.tryParse(json.toString()));
                    message.withArray("content").add(block);
                    block = null;
                }
                case "message_delta" -> {
                    assertEquals(null, block, "a block is open");
                    message.setAll((ObjectNode) event.path("delta"));
                    message.withObject("/usage").setAll((ObjectNode) event.path("usage"));
                    assertFalse(event.has("copilot_usage"));
                }
                case "message_stop" -> {
                    assertFalse(Json.text(message, "stop_reason").isEmpty());
                    ended = true;
                }
                default -> throw new AssertionError(frame.data());
            }
        }
        assertTrue(ended, "no message_stop");
        return message;
    }

    /// Rising numbers, and for each item: added, its parts, deltas, and done, all under one id; then the same in the
    /// end.
    private static ObjectNode responses(List<Frame> frames) {
        var open = new TreeMap<Integer, ObjectNode>();
        var texts = new TreeMap<Integer, StringBuilder>();
        var done = new TreeMap<Integer, JsonNode>();
        String response = null;
        ObjectNode ended = null;
        for (int i = 0; i < frames.size(); i++) {
            var event = frames.get(i).json();
            String type = Json.text(event, "type");
            assertEquals(type, frames.get(i).name());
            assertEquals(i, event.path("sequence_number").asInt(-1), frames.get(i).data());
            assertEquals(null, ended, "after the end");
            int index = event.path("output_index").asInt(-1);
            if (event.has("item_id")) assertEquals(Json.text(open.get(index), "id"), Json.text(event, "item_id"));
            if (event.has("response")) {
                String id = Json.text(event.path("response"), "id");
                assertFalse(id.isEmpty());
                if (response != null) assertEquals(response, id);
                response = id;
            }
            switch (type) {
                case "response.created" -> assertEquals(0, i);
                case "response.in_progress" -> assertEquals(1, i);
                case "response.output_item.added" -> {
                    assertEquals(open.size(), index);
                    open.put(index, (ObjectNode) event.path("item"));
                    texts.put(index, new StringBuilder());
                }
                case "response.output_text.delta", "response.reasoning_summary_text.delta",
                        "response.function_call_arguments.delta", "response.custom_tool_call_input.delta" -> {
                    assertFalse(done.containsKey(index));
                    texts.get(index).append(Json.text(event, "delta"));
                }
                case "response.output_text.done", "response.reasoning_summary_text.done" ->
                        assertEquals(texts.get(index).toString(), Json.text(event, "text"));
                case "response.function_call_arguments.done" -> assertTrue(List.of(texts.get(index).toString(), "{}")
                        .contains(Json.text(event, "arguments")));
                case "response.custom_tool_call_input.done" -> assertEquals(texts.get(index).toString(),
                        Json.text(event, "input"));
                case "response.output_item.done" -> {
                    assertEquals(Json.text(open.get(index), "id"), Json.text(event.path("item"), "id"));
                    assertEquals(null, done.put(index, event.path("item")));
                }
                case "response.completed", "response.incomplete" -> {
                    ended = ((ObjectNode) event.path("response")).deepCopy();
                    for (int item = 0; item < done.size(); item++) {
                        assertEquals(Json.text(done.get(item), "id"), Json.text(ended.path("output").get(item), "id"));
                        assertEquals(Json.text(done.get(item), "type"), Json.text(ended.path("output").get(item),
                                "type"));
                    }
                    assertEquals(done.size(), ended.path("output").size());
                    assertEquals(open.keySet(), done.keySet());
                }
                default -> assertTrue(type.matches("response\\.(content_part|reasoning_summary_part)\\.(added|done)"),
                        type);
            }
        }
        assertFalse(ended == null, "no end");
        return ended;
    }

    // ---- requests in the three forms

    /// A request with a text, and with the tools `weather` and `time` if `tools`.
    private static ObjectNode request(ApiProtocol client, String model, String text, boolean tools, boolean stream) {
        var body = Json.object().put("model", model).put("stream", stream);
        switch (client) {
            case CHAT -> {
                body.putArray("messages").addObject().put("role", "user").put("content", text);
                if (stream) body.putObject("stream_options").put("include_usage", true);
            }
            case RESPONSES -> body.putArray("input").addObject().put("role", "user").put("content", text);
            case MESSAGES -> body.put("max_tokens", 1000).putArray("messages").addObject().put("role", "user")
                    .put("content", text);
        }
        if (!tools) return body;
        for (String name : List.of("weather", "time")) {
            var schema = json("{'type': 'object', 'properties': {'city': {'type': 'string'}}}");
            var all = body.withArray("/tools");
            switch (client) {
                case CHAT -> all.addObject().put("type", "function").putObject("function").put("name", name)
                        .set("parameters", schema);
                case RESPONSES -> all.addObject().put("type", "function").put("name", name).set("parameters", schema);
                case MESSAGES -> all.addObject().put("name", name).set("input_schema", schema);
            }
        }
        return body;
    }

    private Heard ask(ApiProtocol client, ObjectNode body) {
        var translation = of(client, Json.compact(body));
        byte[] answer = answer(translation);
        var heard = translation.streams() ? heard(client, frames(answer)) : heard(client, Json.object(text(answer),
                "the answer"));
        assertEquals(Json.text(body, "model"), heard.model());
        return heard;
    }

    private static Stream<Arguments> directions() {
        return Stream.of(ApiProtocol.values()).flatMap(client -> Stream.of(ApiProtocol.values()).flatMap(upstream ->
                Stream.of(true, false).map(stream -> Arguments.of(client, upstream, stream))));
    }

    private static String stop(ApiProtocol client, String chat, String responses, String messages) {
        return switch (client) {
            case CHAT -> chat;
            case RESPONSES -> responses;
            case MESSAGES -> messages;
        };
    }

    @ParameterizedTest
    @MethodSource("directions")
    void textsArriveInAllDirections(ApiProtocol client, ApiProtocol upstream, boolean stream) {
        sim().set("cached", 3);
        String text = "Hello,\n\n  wörld 🦊 \"q\"";
        var heard = ask(client, request(client, ONLY.get(upstream), "say: " + text, false, stream));
        assertEquals(text, heard.text());
        assertEquals(stop(client, "stop", "completed", "end_turn"), heard.stop());
        assertTrue(heard.prompt() > 3 && heard.completion() > 3, heard.toString());
        assertEquals(List.of(), heard.calls());
    }

    @ParameterizedTest
    @MethodSource("directions")
    void parallelCallsArriveInAllDirections(ApiProtocol client, ApiProtocol upstream, boolean stream) {
        var heard = ask(client, request(client, ONLY.get(upstream), "call: weather {\"city\":\"Rome\"} & time"
                + " {\"city\":\"Oslo \\\"x\\\"\"} & time", true, stream));
        assertEquals(List.of("weather {\"city\":\"Rome\"}", "time {\"city\":\"Oslo \\\"x\\\"\"}", "time {}"),
                heard.calls().stream().map(call -> call.substring(call.indexOf(' ') + 1)).toList());
        assertEquals(3, heard.calls().stream().map(call -> call.split(" ")[0]).distinct().count());
        assertEquals(stop(client, "tool_calls", "completed", "tool_use"), heard.stop());
    }

    @ParameterizedTest
    @MethodSource("directions")
    void thoughtsAndLimitsArriveInAllDirections(ApiProtocol client, ApiProtocol upstream, boolean stream) {
        sim().set("reasoning", "I think of it.").set("finish", "length");
        var heard = ask(client, request(client, ONLY.get(upstream), "say: so", false, stream));
        assertEquals("so", heard.text());
        assertEquals("I think of it.", heard.thoughts());
        assertEquals(stop(client, "length", "incompletemax_output_tokens", "max_tokens"), heard.stop());
        sim().set("finish", "content_filter").set("reasoning", "");
        assertEquals(stop(client, "content_filter", "incompletecontent_filter", "refusal"), ask(client, request(client,
                ONLY.get(upstream), "say: so", false, stream)).stop());
    }

    // ------------------------------------------------------------------------------------------- repairs

    /// What a body of this client becomes, in single quotes.
    private static JsonNode sent(ApiProtocol client, String body, String... headers) {
        return Json.object(text(of(client, body.replace('\'', '"'), headers).body()), "the body");
    }

    private static String quoted(JsonNode json) { return Json.compact(json).replace('"', '\''); }

    private static final String ASKS = "'max_tokens':9,'messages':[{'role':'user','content':'hi'}]";

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "'tools':[{'name':'f','eager_input_streaming':true,'input_schema':{'$schema':'x','properties':{}}}] |"
                    + " 'tools':[{'name':'f','input_schema':{'properties':{},'type':'object'}}]",
            "'tools':[{'name':'f','input_schema':{'type':'object','$schema':'x'}}] |"
                    + " 'tools':[{'name':'f','input_schema':{'type':'object'}}]",
            "'tool_choice':{'type':'auto'} |", "'tools':[],'tool_choice':{'type':'auto'} |",
            "'speed':'fast','diagnostics':{},'context_hint':'x' |",
            "'thinking':{'type':'adaptive','budget_tokens_max':5} | 'thinking':{'type':'adaptive'}",
            "'output_config':{'effort':'low','format':{'type':'json_schema','name':'x','strict':true,'schema':{'a':1}}}"
                    + "| 'output_config':{'effort':'low','format':{'type':'json_schema','schema':{'a':1}}}",
            "'output_config':{'format':{'type':'json_schema','json_schema':{'name':'x','schema':{'a':1}}}} |"
                    + " 'output_config':{'format':{'type':'json_schema','schema':{'a':1}}}",
            "'output_config':{'format':{'type':'json_schema','schema':{'a':1}}} |"
                    + " 'output_config':{'format':{'type':'json_schema','schema':{'a':1}}}",
            "'output_format':{'type':'json_schema','schema':{'a':1}} |"
                    + " 'output_config':{'format':{'type':'json_schema','schema':{'a':1}}}",
            "'metadata':{'user_id':'{}'} | 'metadata':{'user_id':'{}'}"})
    void messagesAreRepaired(String more, String repaired) {
        String tail = repaired == null ? "" : "," + repaired;
        assertEquals(("{'model':'claude-opus-5'," + ASKS + tail + "}"), quoted(sent(ApiProtocol.MESSAGES,
                "{'model':'claude-opus-5'," + ASKS + "," + more + "}")));
    }

    private static JsonNode blocks(String blocks) {
        return sent(ApiProtocol.MESSAGES, "{'model':'claude-opus-5','max_tokens':9,'messages':[{'role':'assistant',"
                + "'content':[" + blocks + "]},{'role':'user','content':'hi'}]}").path("messages");
    }

    @Test
    void thoughtsOfOtherModelsStayHere() {
        String seal = Seal.close("gpt-5.4-mini", Json.object().put("id", "x"));
        String text = "{'type':'text','text':'a'}", own = "{'type':'thinking','thinking':'','signature':'EqQB'}";
        assertEquals("[" + own + "," + text + "]", quoted(blocks(own + ",{'type':'thinking','thinking':'t',"
                + "'signature':'" + seal + "'}," + text + ",{'type':'redacted_thinking','data':'" + seal + "'}")
                .at("/0/content")));
        assertEquals("[{'role':'user','content':'hi'}]", quoted(blocks("{'type':'thinking','thinking':'t',"
                + "'signature':''}")));
        assertEquals("[{'role':'user','content':'hi'}]", quoted(sent(ApiProtocol.CHAT, "{'model':'gemini-3.8-flash',"
                + "'messages':[{'role':'user','content':'hi'}]}").path("messages")));
        var chat = sent(ApiProtocol.CHAT, "{'model':'gemini-3.8-flash','messages':[{'role':'assistant','content':'a',"
                + "'reasoning_opaque':'" + seal + "'},{'role':'user','content':'hi','reasoning_opaque':'own'}]}");
        assertEquals("[{'role':'assistant','content':'a'},{'role':'user','content':'hi','reasoning_opaque':'own'}]",
                quoted(chat.path("messages")));
        var input = sent(ApiProtocol.RESPONSES, "{'model':'gpt-5.4-mini','input':[{'type':'reasoning','id':'rs_cop1_5',"
                + "'summary':[]},{'type':'reasoning','summary':[],'encrypted_content':'" + seal + "'},{'type':"
                + "'reasoning','id':'i','summary':[],'encrypted_content':'g'},{'role':'user','content':'hi'}]}");
        assertEquals("[{'type':'reasoning','id':'i','summary':[],'encrypted_content':'g'},{'role':'user','content':"
                + "'hi'}]", quoted(input.path("input")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "{'type':'image','source':{'type':'url','url':'https://x'}} | messages.0.content.0.source: Copilot takes"
                    + " base64 data for images, not url",
            "{'type':'document','source':{'type':'text','media_type':'text/plain','data':'x'}} |"
                    + " messages.0.content.0.source: Copilot takes base64 data of a PDF for documents, not text",
            "{'type':'document','source':{'type':'base64','media_type':'text/plain','data':'x'}} |"
                    + " messages.0.content.0.source: Copilot takes base64 data of a PDF for documents, not base64",
            "{'type':'tool_result','tool_use_id':'a','content':[{'type':'text','text':'x'},{'type':'image','source':"
                    + "{'type':'file','file_id':'f'}}]} | messages.0.content.0.content.1.source: Copilot takes"})
    void sourcesThatCopilotCannotReadAreNamed(String block, String words) {
        var refusal = refused(ApiProtocol.MESSAGES, ("{'model':'claude-opus-5','max_tokens':9,'messages':[{'role':"
                + "'user','content':[" + block + "]}]}").replace('\'', '"'));
        assertTrue(refusal.getMessage().startsWith(words), refusal.getMessage());
        assertEquals(400, refusal.status());
    }

    @Test
    void imagesAreAnnouncedWhereverTheyStand() {
        String image = "{'type':'image','source':{'type':'base64','media_type':'image/png','data':'" + Harness.PNG
                + "'}}", url = "'data:image/png;base64," + Harness.PNG + "'";
        var bodies = Map.of("{'type':'tool_result','tool_use_id':'t','content':[" + image + "]}", ApiProtocol.MESSAGES,
                image, ApiProtocol.MESSAGES, "{'type':'image_url','image_url':{'url':" + url + "}}", ApiProtocol.CHAT,
                "{'type':'input_image','image_url':" + url + "}", ApiProtocol.RESPONSES);
        bodies.forEach((block, client) -> {
            for (String model : List.of("claude-haiku-4.5", "gpt-5-mini", "claude-fable-5.1", "gpt-5.4-mini",
                    "gemini-3.8-flash")) {
                var request = of(client, ("{'model':'" + model + "','max_tokens':20,'" + (client
                        == ApiProtocol.RESPONSES ? "input" : "messages") + "':[{'role':'user','content':[" + block
                        + "]}]}").replace('\'', '"').replace("\"max_tokens\":20,", client == ApiProtocol.MESSAGES
                        ? "\"max_tokens\":20," : ""));
                assertEquals("true", request.headers().get("Copilot-Vision-Request"), model + block);
                if (block.contains("tool_result")) continue;
                assertEquals(200, post(request).statusCode(), () -> text(request.body()) + text(post(request).body()));
            }
        });
        assertFalse(of(ApiProtocol.CHAT, "{\"model\":\"gpt-5-mini\",\"messages\":[]}").headers()
                .containsKey("Copilot-Vision-Request"));
    }

    @Test
    void betasAreForwarded() {
        String body = "{'model':'claude-opus-5','max_tokens':9,'messages':[{'role':'%s','content':'h'}]}"
                .replace('\'', '"');
        var headers = of(ApiProtocol.MESSAGES, body.formatted("user"), "anthropic-beta", "a-2025-01-01,"
                + " advisor-tool-2026-03-01,b-2025-01-01", "anthropic-version", "2024-01-01", "Authorization", "x",
                "X-Initiator", "agent").headers();
        assertEquals(Map.of("anthropic-beta", "a-2025-01-01,b-2025-01-01", "anthropic-version", "2024-01-01",
                "X-Initiator", "user"), headers);
        assertEquals(MessagesRepairs.SYSTEM_BETA, of(ApiProtocol.MESSAGES, body.formatted("system")).headers()
                .get("anthropic-beta"));
        assertTrue(refused(ApiProtocol.MESSAGES, body.formatted("user").replace("\"max_tokens\"",
                "\"tools\":[{\"type\":\"advisor_20260301\",\"name\":\"a\"}],\"max_tokens\"")).getMessage()
                .contains("tools.0.type: Copilot does not support the advisor tool"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "gpt-5-mini | 'max_tokens':5 | 'max_completion_tokens':5",
            "gpt-5-mini | 'max_tokens':5,'max_completion_tokens':6 | 'max_completion_tokens':6",
            "kimi-k3 | 'messages':[{'content':'a','parsed':{},'tool_calls':[{'id':'i','function':{'name':'f',"
                    + "'parsed_arguments':{}}}]}] | 'messages':[{'content':'a','tool_calls':[{'id':'i','function':"
                    + "{'name':'f'}}]}]",
            "kimi-k3 | 'reasoning_effort':'low','a':1 | 'reasoning_effort':'low','a':1",
            "gemini-3.8-flash | 'reasoning_effort':'low','a':1 | 'a':1",
            "claude-haiku-4.5 | 'reasoning_effort':'low','max_tokens':9000 | 'max_tokens':9000,'thinking_budget':2048",
            "claude-haiku-4.5 | 'reasoning_effort':'high','max_tokens':9000 | 'max_tokens':9000,'thinking_budget':8999",
            "claude-haiku-4.5 | 'reasoning_effort':'none','max_tokens':9000 | 'max_tokens':9000",
            "kimi-k3 | 'max_completion_tokens':5 | 'max_tokens':5", "kimi-k3 | 'a':1 | 'a':1",
            "claude-haiku-4.5 | 'a':1 | 'a':1,'max_tokens':64000",
            "claude-haiku-4.5 | 'max_tokens':null,'a':1 | 'a':1,'max_tokens':64000",
            "claude-haiku-4.5 | 'max_completion_tokens':7 | 'max_tokens':7",
            "kimi-k3 | 'tool_choice':'auto','parallel_tool_calls':true,'tools':[],'a':1 | 'a':1",
            "kimi-k3 | 'tools':[{'type':'function','function':{'name':'f','parameters':{}}}] |"
                    + " 'tools':[{'type':'function','function':{'name':'f','parameters':{'type':'object'}}}]"})
    void chatsAreRepaired(String model, String more, String repaired) {
        String head = "{'model':'" + model + "'," + (more.contains("'messages'") ? "" : "'messages':[],");
        assertEquals(head + repaired + "}", quoted(sent(ApiProtocol.CHAT, head + more + "}")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {"'a':1 | 'a':1,'store':false",
            "'store':false | 'store':false", "'store':null,'a':1 | 'a':1,'store':false",
            "'service_tier':'auto','store':false | 'store':false",
            "'input':[{'type':'function_call','call_id':'c','parsed_arguments':{}},{'role':'assistant','content':"
                    + "[{'type':'output_text','text':'t','parsed':{}}]}],'store':false | 'input':[{'type':"
                    + "'function_call','call_id':'c'},{'role':'assistant','content':[{'type':'output_text','text':'t'}]"
                    + "}],'store':false",
            "'include':['usage','reasoning.encrypted_content'],'store':false |"
                    + " 'include':['reasoning.encrypted_content'],'store':false",
            "'max_output_tokens':1,'store':false | 'max_output_tokens':16,'store':false",
            "'max_output_tokens':17,'store':false | 'max_output_tokens':17,'store':false",
            "'tools':[{'type':'function','name':'f','parameters':{}}],'store':false |"
                    + " 'tools':[{'type':'function','name':'f','parameters':{'type':'object'},'strict':false}],"
                    + "'store':false",
            "'tools':[{'type':'function','name':'f','strict':true},{'type':'custom','name':'c'}],'store':false |"
                    + " 'tools':[{'type':'function','name':'f','strict':true},{'type':'custom','name':'c'}],"
                    + "'store':false", "'tool_choice':'auto','store':false | 'store':false"})
    void responsesAreRepaired(String more, String repaired) {
        String head = "{'model':'gpt-5.4-mini'," + (more.contains("'input'") ? "" : "'input':'hi',");
        assertEquals(head + repaired + "}", quoted(sent(ApiProtocol.RESPONSES, head + more + "}")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {"'previous_response_id':'r' | previous_response_id",
            "'store':true | store", "'background':true | background", "'conversation':{'id':'c'} | conversation",
            "'prompt':{'id':'p'} | prompt", "'input':[{'type':'item_reference','id':'x'}] | input.0: item_reference"})
    void storedResponsesAreRefusedInWords(String more, String field) {
        for (String model : List.of("gpt-5.4-mini", "claude-opus-5", "gemini-3.8-flash")) {
            var refusal = refused(ApiProtocol.RESPONSES, ("{'model':'" + model + "'," + (more.contains("input") ? ""
                    : "'input':'hi',") + more + "}").replace('\'', '"'));
            assertTrue(refusal.getMessage().startsWith(field + ": Copilot stores no responses"), refusal.getMessage());
        }
    }

    @Test
    void idsFitCopilotsLimits() {
        String call = "call_" + "x".repeat(80), other = "call_" + "x".repeat(79) + "y";
        var input = sent(ApiProtocol.RESPONSES, "{'model':'gpt-5.4-mini','input':[{'type':'function_call','id':'"
                + "i".repeat(400) + "','call_id':'" + call + "','name':'f','arguments':'{}'},{'type':'function_call',"
                + "'id':'fc_1','call_id':'" + other + "','name':'f','arguments':'{}'},{'type':'function_call_output',"
                + "'call_id':'" + call + "','output':''},{'type':'function_call_output','call_id':'" + other
                + "','output':''}]}").path("input");
        assertFalse(input.get(0).has("id"));
        assertEquals("fc_1", Json.text(input.get(1), "id"));
        assertEquals(64, Json.text(input.get(0), "call_id").length());
        assertEquals(input.get(0).path("call_id"), input.get(2).path("call_id"));
        assertEquals(input.get(1).path("call_id"), input.get(3).path("call_id"));
        assertNotEquals(input.get(0).path("call_id"), input.get(1).path("call_id"));
    }

    // ------------------------------------------------------------------------------------------- X-Initiator

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', nullValues = "-", value = {
            "MESSAGES | [{'role':'user','content':'q'}] | - | user",
            "MESSAGES | [{'role':'user','content':'q'},{'role':'assistant','content':'a'},{'role':'user',"
                    + "'content':'q'}] | - | user",
            "MESSAGES | [{'role':'user','content':[{'type':'tool_result','tool_use_id':'t'}]}] | - | agent",
            "MESSAGES | [{'role':'user','content':[{'type':'tool_result','tool_use_id':'t'},{'type':'text','text':"
                    + "'<system-reminder>x</system-reminder> <system-reminder>y</system-reminder>'}]}] | - | agent",
            "MESSAGES | [{'role':'user','content':[{'type':'tool_result','tool_use_id':'t'},{'type':'text','text':"
                    + "'<system-reminder>x</system-reminder> stop!'}]}] | - | user",
            "MESSAGES | [{'role':'user','content':[{'type':'text','text':'<system-reminder>x</system-reminder>'}]}] | -"
                    + " | user",
            "MESSAGES | [{'role':'user','content':'q'},{'role':'assistant','content':'a'}] | - | user",
            "MESSAGES | [{'role':'user','content':'q'}] | x-claude-code-agent-id: 7 | agent",
            "MESSAGES | [{'role':'user','content':'q'}] | x-claude-code-request-class: main | user",
            "MESSAGES | [{'role':'user','content':'q'}] | x-claude-code-request-class: compaction | agent",
            "CHAT | [{'role':'user','content':'q'}] | - | user",
            "CHAT | [{'role':'user','content':'q'}] | x-initiator: agent | user",
            "CHAT | [{'role':'tool','tool_call_id':'t','content':'r'}] | - | agent",
            "CHAT | [{'role':'tool','tool_call_id':'t','content':'r'},{'role':'user','content':'q'}] | - | user",
            "CHAT | [{'role':'assistant','content':'a'}] | - | user", "CHAT | [] | - | user",
            "RESPONSES | [{'role':'user','content':'q'}] | - | user", "RESPONSES | 'q' | - | user",
            "RESPONSES | [{'type':'function_call_output','call_id':'c','output':''}] | - | agent",
            "RESPONSES | [{'type':'custom_tool_call_output','call_id':'c','output':''}] | - | agent",
            "RESPONSES | [{'role':'user','content':'q'}] | x-openai-subagent: compact | agent"})
    void initiatorTellsWhoAsked(ApiProtocol client, String messages, String header, String initiator) {
        var fields = header == null ? new String[0] : header.split(": ");
        String body = "{'model':'%s','" + (client == ApiProtocol.RESPONSES ? "input" : "messages") + "':" + messages
                + "}";
        var upstreams = client == ApiProtocol.RESPONSES ? List.of("gpt-5.4-mini", "claude-opus-5")
                : client == ApiProtocol.CHAT ? List.of("kimi-k3", "gpt-5.4-mini") : List.of("claude-opus-5", "kimi-k3");
        for (String model : upstreams) {
            assertEquals(initiator, of(client, body.formatted(model).replace('\'', '"'), fields).headers()
                    .get("X-Initiator"), model);
        }
    }

    // ------------------------------------------------------------------------------------------- whole conversations

    /// Puts an answer into the conversation as the vendor's SDK gives it back, and answers its calls.
    private static void goOn(ApiProtocol client, ObjectNode body, JsonNode answer, List<String> calls) {
        var ids = calls.stream().map(call -> call.split(" ")[0]).toList();
        switch (client) {
            case CHAT -> {
                body.withArray("messages").add(answer.at("/choices/0/message"));
                ids.forEach(id -> body.withArray("messages").addObject().put("role", "tool").put("tool_call_id", id)
                        .put("content", "result of " + id));
            }
            case RESPONSES -> {
                body.withArray("input").addAll(answer.path("output").values());
                ids.forEach(id -> body.withArray("input").addObject().put("type", "function_call_output")
                        .put("call_id", id).put("output", "result of " + id));
            }
            case MESSAGES -> {
                body.withArray("messages").addObject().put("role", "assistant").set("content", answer.path("content"));
                var results = body.withArray("messages").addObject().put("role", "user").putArray("content");
                ids.forEach(id -> results.addObject().put("type", "tool_result").put("tool_use_id", id)
                        .put("content", "result of " + id));
            }
        }
    }

    /// Two rounds of tools and an answer, with what each model wants back: signatures, sealed reasoning, opaque texts.
    @ParameterizedTest
    @MethodSource("directions")
    void agentsWorkInAllDirections(ApiProtocol client, ApiProtocol upstream, boolean stream) {
        sim().set("reasoning", "Let me think.").set("gemini-opaque", "required");
        for (String model : upstream == ApiProtocol.MESSAGES ? List.of("claude-fable-5.1", "claude-haiku-4.5")
                : List.of(ONLY.get(upstream))) {
            if (client == ApiProtocol.CHAT && model.equals("claude-haiku-4.5")) continue;       // passes
            var body = request(client, model, "call: weather {\"city\":\"Rome\"} & time {}\ncall: time {\"city\":"
                    + "\"Oslo\"}\nsay: done", true, stream);
            switch (client) {
                case CHAT -> {
                    if (upstream != ApiProtocol.CHAT) body.put("reasoning_effort", "high");
                }
                case RESPONSES -> {
                    body.putObject("reasoning").put("effort", "high");
                    body.putArray("include").add("reasoning.encrypted_content");
                }
                case MESSAGES -> {
                    body.put("max_tokens", 20_000);
                    body.putObject("thinking").put("type", model.contains("haiku") ? "enabled" : "adaptive");
                    if (model.contains("haiku")) body.withObject("thinking").put("budget_tokens", 2000);
                }
            }
            var said = new ArrayList<String>();
            var initiators = new ArrayList<String>();
            for (int turn = 0; turn < 3; turn++) {
                var translation = of(client, Json.compact(body));
                initiators.add(translation.headers().get("X-Initiator"));
                byte[] bytes = answer(translation);
                var whole = !stream ? Json.object(text(bytes), "it") : switch (client) {
                    case CHAT -> chat(frames(bytes));
                    case RESPONSES -> responses(frames(bytes));
                    case MESSAGES -> messages(frames(bytes));
                };
                var heard = heard(client, whole);
                said.add(heard.calls().size() + heard.text().replace("Let me look.", ""));
                assertEquals("Let me think.", heard.thoughts());
                goOn(client, body, whole, heard.calls());
            }
            assertEquals(List.of("2", "1", "0done"), said);
            assertEquals(List.of("user", "agent", "agent"), initiators);
            var last = cop.sim.ledger().getLast().body();
            String replayed = switch (upstream) {
                case CHAT -> "\"reasoning_opaque\":";
                case RESPONSES -> "\"encrypted_content\":";
                case MESSAGES -> "\"signature\":";
            };
            assertTrue(Json.compact(last).contains(replayed), () -> Json.compact(last));
            assertFalse(Json.compact(last).contains(Seal.PREFIX + "ey"), () -> Json.compact(last));
        }
    }

    /// A conversation changes its model in the middle: texts and calls stay, thoughts of others do not disturb.
    @Test
    void conversationsMayChangeTheirModel() {
        sim().set("reasoning", "Let me think.").set("gemini-opaque", "required");
        var models = List.of("claude-fable-5.1", "gpt-5.4-mini", "gemini-3.8-flash", "claude-haiku-4.5", "gpt-5-mini",
                "claude-sonnet-5");
        for (var client : ApiProtocol.values()) {
            var body = request(client, "", "call: time {}\nsay: done", true, false);
            if (client == ApiProtocol.RESPONSES) body.putArray("include").add("reasoning.encrypted_content");
            for (int turn = 0; turn < 2 * models.size(); turn++) {
                body.put("model", models.get(turn / 2));
                var whole = Json.object(text(answer(of(client, Json.compact(body)))), "it");
                var heard = heard(client, whole);
                goOn(client, body, whole, heard.calls());
                if (turn % 2 == 0) {
                    assertEquals(1, heard.calls().size(), client + " " + turn);
                } else {
                    assertEquals("done", heard.text());
                    body.withArray(client == ApiProtocol.RESPONSES ? "input" : "messages").addObject()
                            .put("role", "user").put("content", "call: time {}\nsay: done");
                }
                if (client == ApiProtocol.MESSAGES && heard.calls().isEmpty()) {
                    body.withArray("messages").remove(body.path("messages").size() - 2);   // an empty list of results
                }
            }
        }
    }

    // ------------------------------------------------------------------------------------------- what goes wrong

    /// A stream that ends early, or breaks, is an error to the client, after any number of events; a whole one is none.
    @ParameterizedTest
    @MethodSource("directions")
    void brokenStreamsAreErrors(ApiProtocol client, ApiProtocol upstream, boolean calls) {
        sim().set("reasoning", "hm");
        var request = of(client, Json.compact(request(client, ONLY.get(upstream), calls ? "call: time {\"city\":\"x\"}"
                : "say: one two", calls, true)));
        var frames = frames(post(request).body());
        for (boolean broken : List.of(true, false)) {
            for (int n = 0; n <= frames.size(); n++) {
                var stream = request.stream();
                var out = new ByteArrayOutputStream();
                for (var frame : frames.subList(0, n)) out.writeBytes(stream.event(frame.name(), utf8(frame.data())));
                boolean whole = isEnd(client, out.toByteArray());
                out.writeBytes(broken ? stream.failed(new ApiRefusal(502, "lost", "the connection was lost"))
                        : stream.end());
                out.writeBytes(stream.end());
                out.writeBytes(stream.event(frames.getFirst().name(), utf8(frames.getFirst().data())));
                var got = frames(out.toByteArray());
                String error = switch (client) {
                    case CHAT -> Json.text(got.getLast().json().path("error"), "message");
                    case RESPONSES -> Json.text(got.getLast().json().at("/response/error"), "message");
                    case MESSAGES -> Json.text(got.getLast().json().path("error"), "message");
                };
                boolean complete = whole || !broken && isEnd(client, out.toByteArray());
                assertEquals(complete, error.isEmpty(), n + " " + text(out.toByteArray()));
                if (n < frames.size() - 3) assertFalse(complete, n + " " + text(out.toByteArray()));
                if (n == frames.size()) assertTrue(complete, text(out.toByteArray()));
                if (complete) heard(client, got);
            }
        }
    }

    private static boolean isEnd(ApiProtocol client, byte[] stream) {
        return text(stream).contains(switch (client) {
            case CHAT -> "data: [DONE]";
            case RESPONSES -> "\"type\":\"response.completed\"";
            case MESSAGES -> "event: message_stop";
        });
    }

    @ParameterizedTest
    @MethodSource("directions")
    void errorsInAStreamReachTheClient(ApiProtocol client, ApiProtocol upstream, boolean first) {
        sim().set("faults", first ? "error-chunk" : "finish-error");
        var request = of(client, Json.compact(request(client, ONLY.get(upstream), "say: one two", false, true)));
        var response = post(request);
        assertEquals(200, response.statusCode(), () -> text(response.body()));
        var got = frames(streamed(request.stream(), response.body()));
        var last = got.getLast();
        switch (client) {
            case CHAT -> assertFalse(Json.text(last.json().path("error"), "message").isEmpty(), last.data());
            case RESPONSES -> assertTrue(last.name().matches("error|response.failed"), last.data());
            case MESSAGES -> {
                assertEquals("error", last.name());
                assertTrue(Json.text(last.json().path("error"), "type").endsWith("_error"), last.data());
            }
        }
    }

    // ------------------------------------------------------------------------------------------- refused members

    private static ErrorResponse refusal(String message) {
        return ErrorResponse.of(new ApiResponse(400, HttpHeaders.of(Map.of(), (_, _) -> true), null),
                Json.compact(Json.object().put("message", message)), Instant.EPOCH);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', nullValues = "-", value = {
            "context_management: Extra inputs are not permitted | 'context_management':{'edits':[]} | {}",
            "tools.1.custom.defer_loading: Extra inputs are not permitted | 'tools':[{'name':'a','defer_loading':true},"
                    + "{'name':'b','defer_loading':true}] | {'tools':[{'name':'a'},{'name':'b'}]}",
            "system.1.cache_control.ephemeral.scope: Extra inputs are not permitted | 'system':[{'type':'text',"
                    + "'cache_control':{'type':'ephemeral','scope':'x'}}] | {'system':[{'type':'text',"
                    + "'cache_control':{'type':'ephemeral'}}]}",
            "messages.0.content.0.text.odd: Extra inputs are not permitted | 'messages':[{'content':[{'type':'text',"
                    + "'text':'t','odd':1}]}] | {'messages':[{'content':[{'type':'text','text':'t'}]}]}",
            "thinking.adaptive.new: Extra inputs are not permitted | 'thinking':{'type':'adaptive','new':1} |"
                    + " {'thinking':{'type':'adaptive'}}",
            "output_config: Extra inputs are not permitted | 'output_config':{'format':{}} | -",
            "tools: Extra inputs are not permitted | 'tools':[] | -",
            "other: Extra inputs are not permitted | 'a':1 | -",
            "Unknown parameter: 'input[1].odd'. | 'input':[{'odd':1,'a':2},{'odd':[]}] | {'input':[{'a':2},{}]}",
            "Unknown parameter: 'input[0].content[3].odd'. | 'input':[{'content':[{'odd':1}]}] |"
                    + " {'input':[{'content':[{}]}]}",
            "Unknown parameter: 'tools[0].function.odd'. | 'tools':[{'function':{'odd':1,'a':1}}] |"
                    + " {'tools':[{'function':{'a':1}}]}",
            "Unknown parameter: 'tools'. | 'tools':[] | -", "Unknown parameter: 'odd'. | 'odd':1,'a':1 | {'a':1}",
            "Unsupported parameter: 'temperature' is not supported with this model. | 'temperature':1,'top_p':1,'a':1 |"
                    + " {'a':1}", "thread: Extra inputs are not permitted | 'thread':{} | -",
            "`temperature` is deprecated for this model. | 'temperature':1,'a':1 | {'a':1}",
            "`temperature` and `top_p` cannot both be specified | 'temperature':1,'top_p':1 | {'temperature':1}",
            "Unrecognized request argument supplied: reasoning_effort | 'a':1,'reasoning_effort':'high' | {'a':1}",
            "Unsupported parameter: 'tools' is not supported with this model. | 'tools':[] | -",
            "messages: Field required | 'a':1 | -"})
    void refusedMembersAreLeftOutOnceAndRemembered(String message, String more, String rest) {
        var memory = new RefusedMembers();
        var request = new PassThrough(ApiProtocol.MESSAGES, "m", "m", utf8(("{" + more + "}").replace('\'', '"')),
                Map.of(), List.of(), false, true, false, _ -> { });
        assertSame(request, memory.apply(request));
        var instead = memory.instead(request, refusal(message));
        assertEquals(Optional.ofNullable(rest), instead.map(other -> quoted(Json.object(text(other.body()), "it"))));
        if (rest == null) return;
        assertEquals(text(instead.get().body()), text(memory.apply(request).body()));
        assertEquals(Optional.empty(), memory.instead(instead.get(), refusal(message)));
    }

    /// A client that makes up names does not fill the memory.
    @Test
    void madeUpMembersAreForgotten() {
        var memory = new RefusedMembers();
        for (int i = 0; i < 250; i++) {
            var request = new PassThrough(ApiProtocol.MESSAGES, "m", "m", utf8("{\"x" + i + "\":1,\"a\":1}"), Map.of(),
                    List.of(), false, true, false, _ -> { });
            assertTrue(memory.instead(request, refusal("x" + i + ": Extra inputs are not permitted")).isPresent());
        }
        var all = IntStream.range(0, 250).mapToObj(i -> "\"x" + i + "\":1").collect(Collectors.joining(",", "{", "}"));
        var left = Json.object(text(memory.apply(new PassThrough(ApiProtocol.MESSAGES, "m", "m", utf8(all), Map.of(),
                List.of(), false, true, false, _ -> { })).body()), "it");
        assertTrue(left.size() >= 149 && left.path("x249").isMissingNode(), left::toString);
    }

    @Test
    void refusedBetasAreLeftOut() {
        var memory = new RefusedMembers();
        var headers = Map.of("anthropic-beta", "a-2025-01-01,bb-2025-01-01,b-2025-01-01");
        var request = new PassThrough(ApiProtocol.MESSAGES, "m", "m", utf8("{}"), headers, List.of(), false, true,
                false, _ -> { });
        var instead = memory.instead(request, refusal("unsupported beta header(s): b-2025-01-01, c-2025-01-01"));
        assertEquals("a-2025-01-01,bb-2025-01-01", instead.orElseThrow().headers().get("anthropic-beta"));
        assertEquals("a-2025-01-01", memory.instead(instead.get(), refusal("Unexpected value(s) `bb-2025-01-01` for the"
                + " `anthropic-beta` header.")).orElseThrow().headers().get("anthropic-beta"));
        assertEquals("a-2025-01-01", memory.apply(request).headers().get("anthropic-beta"));
    }

    /// The simulator refuses what Claude Code's updates brought; after one repeat each, all passes at once.
    @Test
    void newMembersOfClaudeCodeAreNoDeadEnd() {
        sim().set("refused-betas", "interleaved-thinking-2025-05-14");
        var memory = new RefusedMembers();
        var body = request(ApiProtocol.MESSAGES, "claude-sonnet-5", "say: ok", true, false);
        body.putArray("system").addObject().put("type", "text").put("text", "x").putObject("cache_control")
                .put("type", "ephemeral").put("scope", "global");
        body.withArray("tools").forEach(tool -> ((ObjectNode) tool).put("defer_loading", true)
                .put("eager_input_streaming", true));
        body.put("inference_geo", "us").putObject("context_management").putArray("edits");
        int repeats = 0;
        for (int n = 0; n < 10; n++) {
            var request = memory.apply(of(ApiProtocol.MESSAGES, Json.compact(body), "anthropic-beta",
                    "interleaved-thinking-2025-05-14,files-api-2025-04-14"));
            var response = post(request);
            if (response.statusCode() == 200) {
                assertEquals(5, repeats);
                assertEquals("files-api-2025-04-14", request.headers().get("anthropic-beta"));
                return;
            }
            repeats++;
            assertTrue(memory.instead(request, ErrorResponse.of(new ApiResponse(400, response.headers(), null),
                    text(response.body()), Instant.EPOCH)).isPresent(), text(response.body()));
        }
        throw new AssertionError("still refused");
    }

    /// The server repeats once, remembers, and passes a second refusal on as it is.
    @Test
    void serverRepeatsOnceAndRemembers() {
        sim().set("messages-errors", "anthropic");
        var body = request(ApiProtocol.MESSAGES, "claude-sonnet-5", "say: ok", false, false);
        body.put("inference_geo", "us");
        try (var serve = new ServesHarness(cop)) {
            assertEquals(200, serve.post("/v1/messages", Json.compact(body)).status());
            assertEquals(2, cop.chats().size());
            assertEquals(200, serve.post("/v1/messages", Json.compact(body)).status());
            assertEquals(3, cop.chats().size());
            body.putObject("context_management").putArray("edits");
            body.withArray("messages").addObject().put("role", "assistant").put("content", "a ");
            body.putArray("system").addObject().put("type", "text").put("text", "x").putObject("cache_control")
                    .put("type", "ephemeral").put("scope", "global");
            var refused = serve.post("/v1/messages", Json.compact(body));
            assertEquals(400, refused.status());
            assertEquals(5, cop.chats().size());
            assertTrue(refused.body().matches("(?s).*\"type\":\"error\".*req_.*"), refused.body());
        }
    }

    // ------------------------------------------------------------------------------------------- what is not stored

    /// Anthropic's SDKs repeat without a thread if the error says so.
    @Test
    void threadsAreRefusedSoThatSdksGoOnWithout() {
        for (String model : List.of("claude-opus-5", "gpt-5.4-mini", "kimi-k3")) {
            var refusal = refused(ApiProtocol.MESSAGES, ("{'model':'" + model + "','max_tokens':9,'thread':{'type':"
                    + "'create'},'messages':[]}").replace('\'', '"'));
            assertEquals("{'error_code':'thread_unsupported_request','unsupported':['thread']}", quoted(Json.tryParse(
                    text(ApiProtocol.MESSAGES.error(refusal, "r"))).at("/error/details")));
        }
    }

    /// A client that relies on stored responses refers to their items by id (the AI SDK's default).
    @ParameterizedTest
    @CsvSource({"gpt-5.4-mini, true", "gpt-5.4-mini, false", "claude-fable-5.1, true", "gemini-3.8-flash, false"})
    void itemsAreRemembered(String model, boolean stream) {
        sim().set("reasoning", "Let me think.").set("gemini-opaque", "required");
        var translations = new Translations(ServeTranslations::model, List::of, new ItemMemory());
        var body = request(ApiProtocol.RESPONSES, model, "call: time {}\nsay: done", true, stream);
        for (int turn = 0; turn < 2; turn++) {
            byte[] answer = answer(translations.translate(ApiProtocol.RESPONSES, Json.bytes(body), HttpFields.of(
                    Map.of())));
            var whole = stream ? responses(frames(answer)) : Json.object(text(answer), "it");
            var heard = heard(ApiProtocol.RESPONSES, whole);
            if (turn == 1) assertEquals("done", heard.text());
            whole.path("output").forEach(item -> body.withArray("input").addObject().put("type", "item_reference")
                    .put("id", Json.text(item, "id")));
            heard.calls().forEach(call -> body.withArray("input").addObject().put("type", "function_call_output")
                    .put("call_id", call.split(" ")[0]).put("output", "noon"));
        }
        assertTrue(Json.compact(cop.bodies().getLast()).matches(".*(\"signature\"|\"encrypted_content\""
                + "|\"reasoning_opaque\").*"), () -> Json.compact(cop.bodies().getLast()));
        body.withArray("input").addObject().put("type", "item_reference").put("id", "unknown");
        assertTrue(assertThrows(ApiRefusal.class, () -> translations.translate(ApiProtocol.RESPONSES, Json.bytes(body),
                HttpFields.of(Map.of()))).getMessage().contains("item_reference: Copilot stores no responses"));
        body.put("store", false);
        var forgetful = new ItemMemory();
        answer(new Translations(ServeTranslations::model, List::of, forgetful).translate(ApiProtocol.RESPONSES,
                Json.bytes(request(ApiProtocol.RESPONSES, model, "say: x", false, stream).put("store", false)),
                HttpFields.of(Map.of())));
        assertEquals(Optional.empty(), forgetful.find("anything"));
    }

    @Test
    void memoryOfItemsIsBounded() {
        var memory = new ItemMemory();
        for (int i = 0; i < 200; i++) memory.keep(Json.object().put("id", "i" + i).put("text", "x".repeat(1 << 19)));
        assertEquals(Optional.empty(), memory.find("i0"));
        assertTrue(memory.find("i199").isPresent());
        assertEquals(63, IntStream.range(0, 200).filter(i -> memory.find("i" + i).isPresent()).count());
        memory.keep(Json.object().put("id", "large").put("text", "x".repeat(5 << 20)));
        assertEquals(Optional.empty(), memory.find("large"));
    }

    // ------------------------------------------------------------------------------------------- tables of 2.5

    /// Translates parts of a request: fields that all have are left out.
    private static String translated(ApiProtocol client, String model, String parts) {
        boolean items = client == ApiProtocol.RESPONSES;
        String own = (items ? "'input'" : "'messages'");
        String body = "{'model':'" + model + "'," + (parts.contains(own + ":") ? "" : own
                + ":[{'role':'user','content':'q'}]"
                    + ",") + (client == ApiProtocol.MESSAGES && !parts.contains("max_tokens")
                ? "'max_tokens':99," : "") + parts + "}";
        var sent = (ObjectNode) sent(client, body);
        sent.remove(List.of("model", "stream", "store"));
        if (client == ApiProtocol.MESSAGES && !parts.contains("max_tokens")) {
            sent.remove(List.of("max_tokens", "max_output_tokens"));
        }
        if (sent.path("reasoning").path("summary").isString()) {
            sent.withObject("/reasoning").remove("summary");
            if (sent.path("reasoning").isEmpty()) sent.remove("reasoning");
        }
        sent.remove("include");
        for (String field : List.of("messages", "input")) {
            if (!parts.contains(own + ":")) sent.remove(field);
        }
        return quoted(sent).replaceAll("^\\{|}$", "");
    }

    private static final String PNG_SOURCE = "{'type':'base64','media_type':'image/png','data':'AAAA'}",
            PNG_URL = "'data:image/png;base64,AAAA'", TOOL_SCHEMA = "{'type':'object'}";

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "'system':'s','messages':[{'role':'user','content':'q'}] |"
                    + " 'messages':[{'role':'system','content':'s'},{'role':'user','content':'q'}] |"
                    + " 'instructions':'s','input':[{'role':'user','content':[{'type':'input_text','text':'q'}]}]",
            "'system':[{'type':'text','text':'a'},{'type':'text','text':'b','cache_control':{'type':'ephemeral'}}],"
                    + "'messages':[{'role':'user','content':[{'type':'text','text':'q'}]}] |"
                    + " 'messages':[{'role':'system','content':'a\\n\\nb','copilot_cache_control':{'type'"
                    + ":'ephemeral'}},"
                    + "{'role':'user','content':'q'}] | 'instructions':'a\\n\\nb','input':[{'role':'user','content':"
                    + "[{'type':'input_text','text':'q'}]}]",
            "'messages':[{'role':'user','content':'q'},{'role':'system','content':'m'},{'role':'user','content':'r'}] |"
                    + " 'messages':[{'role':'user','content':'q'},{'role':'system','content':'m'},{'role':'user',"
                    + "'content':'r'}] | 'input':[{'role':'user','content':[{'type':'input_text','text':'q'}]},{'role':"
                    + "'developer','content':[{'type':'input_text','text':'m'}]},{'role':'user','content':[{'type':"
                    + "'input_text','text':'r'}]}]",
            "'messages':[{'role':'assistant','content':[{'type':'thinking','thinking':'t','signature':'s'},{'type':"
                    + "'redacted_thinking','data':'d'},{'type':'text','text':'a'},{'type':'tool_use','id':'i','name':"
                    + "'f','input':{'x':1}}]},{'role':'user','content':[{'type':'tool_result','tool_use_id':'i',"
                    + "'content':'r','is_error':true},{'type':'text','text':'and'}]}] |"
                    + " 'messages':[{'role':'assistant','content':'a','tool_calls':[{'id':'i','type':'function',"
                    + "'function':{'name':'f','arguments':'{\\'x\\':1}'}}]},{'role':'tool','tool_call_id':'i',"
                    + "'content':'Error: r'},{'role':'user','content':'and'}] | 'input':[{'role':'assistant','content':"
                    + "[{'type':'output_text','text':'a'}]},{'type':'function_call','call_id':'i','name':'f',"
                    + "'arguments':'{\\'x\\':1}'},{'type':'function_call_output','call_id':'i','output':'Error: r'},"
                    + "{'role':'user','content':[{'type':'input_text','text':'and'}]}]",
            "'messages':[{'role':'user','content':[{'type':'text','text':'b'},{'type':'tool_result','tool_use_id':'i',"
                    + "'content':[{'type':'text','text':'r'},{'type':'image','source':" + PNG_SOURCE + "}]},{'type':"
                    + "'tool_result','tool_use_id':'j'}]}] | 'messages':[{'role':'tool','tool_call_id':'i','content'"
                    + ":'r'}"
                    + ",{'role':'tool','tool_call_id':'j','content':''},{'role':'user','content':[{'type':'image_url',"
                    + "'image_url':{'url':" + PNG_URL + "}},{'type':'text','text':'b'}]}] | 'input':[{'role':'user',"
                    + "'content':[{'type':'input_text','text':'b'}]},{'type':'function_call_output','call_id':'i',"
                    + "'output':[{'type':'input_text','text':'r'},{'type':'input_image','image_url':" + PNG_URL + "}]},"
                    + "{'type':'function_call_output','call_id':'j','output':''}]",
            "'messages':[{'role':'user','content':[{'type':'image','source':" + PNG_SOURCE + "},{'type':'image',"
                    + "'source':{'type':'url','url':'https://x/y'}}]}] | 'messages':[{'role':'user','content':[{'type':"
                    + "'image_url','image_url':{'url':" + PNG_URL + "}},{'type':'image_url','image_url':{'url':"
                    + "'https://x/y'}}]}] | 'input':[{'role':'user','content':[{'type':'input_image','image_url':"
                    + PNG_URL + "},{'type':'input_image','image_url':'https://x/y'}]}]",
            "'tools':[{'name':'f','description':'d','input_schema':{'$schema':'x','properties':{}}}] | 'tools':["
                    + "{'type':"
                    + "'function','function':{'name':'f','description':'d','parameters':{'properties':{},'type':"
                    + "'object'}}}] | 'tools':[{'type':'function','name':'f','description':'d','parameters':"
                    + "{'properties':{},'type':'object'},'strict':false}]",
            "'stream':true,'temperature':0.5,'top_p':0.9,'top_k':3,'metadata':{'user_id':'u'},'speed':'x' |"
                    + " 'temperature':0.5,'top_p':0.9 | 'temperature':0.5,'top_p':0.9",
            "'max_tokens':50 | 'max_tokens':50 | 'max_output_tokens':50",
            "'max_tokens':1 | 'max_tokens':1 | 'max_output_tokens':16",
            "'thinking':{'type':'enabled','budget_tokens':2000} | 'reasoning_effort':'low' |"
                    + " 'reasoning':{'effort':'low'}",
            "'thinking':{'type':'enabled','budget_tokens':30000} | 'reasoning_effort':'high' |"
                    + " 'reasoning':{'effort':'high'}",
            "'thinking':{'type':'adaptive'},'output_config':{'effort':'max'} | 'reasoning_effort':'max' |"
                    + " 'reasoning':{'effort':'xhigh'}",
            "'thinking':{'type':'disabled'} | 'reasoning_effort':'low' | 'reasoning':{'effort':'none'}",
            "'thinking':{'type':'adaptive'} | |",
            "'output_config':{'format':{'type':'json_schema','schema':{'type':'object','properties':{'a':{'type':"
                    + "'string'}}}}} | 'response_format':{'type':'json_schema','json_schema':{'name':'answer','schema':"
                    + "{'type':'object','properties':{'a':{'type':'string'}}}}} | 'text':{'format':{'type'"
                    + ":'json_schema'"
                    + ",'name':'answer','schema':{'type':'object','properties':{'a':{'type':'string'}}},'strict'"
                    + ":false}}"
            })
    void messagesBecomeChatsAndResponses(String parts, String chat, String responses) {
        assertEquals(Objects.requireNonNullElse(chat, ""), translated(ApiProtocol.MESSAGES, "kimi-k3", parts));
        assertEquals(Objects.requireNonNullElse(responses, ""), translated(ApiProtocol.MESSAGES, "gpt-5.4-mini",
                parts));
    }

    @ParameterizedTest
    @CsvSource({"auto,auto,auto", "any,required,required", "none,none,none"})
    void toolChoicesCorrespond(String messages, String chat, String responses) {
        String tools = "'tools':[{'name':'f','input_schema':" + TOOL_SCHEMA + "}],";
        for (String parallel : List.of("", ",'disable_parallel_tool_use':true")) {
            String parts = tools + "'tool_choice':{'type':'" + messages + "'" + parallel + "}";
            String off = parallel.isEmpty() ? "" : ",'parallel_tool_calls':false";
            assertTrue(translated(ApiProtocol.MESSAGES, "kimi-k3", parts).endsWith("],'tool_choice':'" + chat + "'"
                    + off));
            assertTrue(translated(ApiProtocol.MESSAGES, "gpt-5.4-mini", parts).endsWith("],'tool_choice':'" + responses
                    + "'" + off));
        }
        String functions = "'tools':[{'type':'function','function':{'name':'f'}}],'tool_choice':";
        assertEquals("{'type':'" + messages + "'}", quoted(sent(ApiProtocol.CHAT, "{'model':'claude-opus-5','messages':"
                + "[{'role':'user','content':'q'}]," + functions + "'" + chat + "'}").path("tool_choice")));
        assertEquals("'" + responses + "'", quoted(sent(ApiProtocol.CHAT, "{'model':'gpt-5.4-mini','messages':"
                + "[{'role':'user','content':'q'}]," + functions + "'" + chat + "'}").path("tool_choice")));
        assertEquals("{'type':'" + messages + "','disable_parallel_tool_use':true}".replace(messages.equals("none")
                ? ",'disable_parallel_tool_use':true" : "-", ""), quoted(sent(ApiProtocol.RESPONSES, "{'model':"
                + "'claude-opus-5','input':'q','parallel_tool_calls':false,'tools':[{'type':'function','name':'f'}],"
                + "'tool_choice':'" + responses + "'}").path("tool_choice")));
    }

    @Test
    void namedToolsCorrespond() {
        String messages = "'tools':[{'name':'f','input_schema':" + TOOL_SCHEMA + "}],'tool_choice':{'type':'tool',"
                + "'name':'f'}", chat = "{'type':'function','function':{'name':'f'}}",
                responses = "{'type':'function','name':'f'}";
        assertTrue(translated(ApiProtocol.MESSAGES, "kimi-k3", messages).endsWith("'tool_choice':" + chat));
        assertTrue(translated(ApiProtocol.MESSAGES, "gpt-5.4-mini", messages).endsWith("'tool_choice':" + responses));
        String functions = "'tools':[" + chat + "],'tool_choice':" + chat;
        assertTrue(translated(ApiProtocol.CHAT, "gpt-5.4-mini", functions).endsWith("'tool_choice':" + responses));
        assertTrue(translated(ApiProtocol.CHAT, "claude-opus-5", functions + ",'reasoning_effort':'high'")
                .endsWith("'tool_choice':{'type':'tool','name':'f'}"));
        String own = "'tools':[" + responses + "],'tool_choice':" + responses;
        assertTrue(translated(ApiProtocol.RESPONSES, "kimi-k3", own).endsWith("'tool_choice':" + chat));
        assertTrue(translated(ApiProtocol.RESPONSES, "claude-opus-5", own)
                .endsWith("'tool_choice':{'type':'tool','name':'f'}"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "MESSAGES | gpt-5.4-mini | 'stop_sequences':['x'] | stop_sequences: gpt-5.4-mini is reached by /responses",
            "MESSAGES | kimi-k3 | 'stop_sequences':['a','b','c','d','e'] | stop_sequences: this model takes 4",
            "MESSAGES | kimi-k3 | 'mcp_servers':[{'url':'x'}] | mcp_servers: Copilot does not support it",
            "MESSAGES | kimi-k3 | 'container':'c' | container: Copilot does not support it",
            "MESSAGES | kimi-k3 | 'tools':[{'type':'web_search_20250305','name':'web_search'}] | tools.0.type:"
                    + " web_search_20250305 is a tool of Anthropic's",
            "MESSAGES | gpt-5.4-mini | 'tools':[{'type':'code_execution_20250522','name':'x'}] | tools.0.type:",
            "MESSAGES | kimi-k3 | 'messages':[{'role':'user','content':[{'type':'search_result'}]}] |"
                    + " messages.0.content.0.type: search_result has no equivalent",
            "MESSAGES | kimi-k3 | 'messages':[{'role':'user','content':[{'type':'document','source':{'type':'base64',"
                    + "'media_type':'application/pdf','data':'x'}}]}] | document: this model takes no documents",
            "MESSAGES | gpt-5.4-mini | 'messages':[{'role':'user','content':[{'type':'document','source':{'type':'url',"
                    + "'url':'https://x'}}]}] | messages.0.content.0.source: Copilot takes base64 data for documents",
            "MESSAGES | kimi-k3 | 'messages':[{'role':'tool','content':'x'}] | messages.0.role:",
            "MESSAGES | kimi-k3 | 'messages':'x' | messages: a list is required",
            "MESSAGES | gpt-5.4-mini | 'max_tokens':'20','messages':[] | max_tokens: a whole number above 0",
            "MESSAGES | gpt-5.4-mini | 'max_tokens':1.5,'messages':[] | max_tokens:",
            "MESSAGES | gpt-5.4-mini | 'max_tokens':0,'messages':[] | max_tokens:",
            "MESSAGES | gpt-5.4-mini | 'temperature':'hot','messages':[] | temperature: a number is expected",
            "MESSAGES | gpt-5.4-mini | 'system':7,'messages':[] | system: a string or a list is expected",
            "CHAT | gpt-5.4-mini | 'max_tokens':'2' | max_tokens:",
            "RESPONSES | claude-opus-5 | 'instructions':[],'input':'y' | instructions: a string is expected",
            "CHAT | gpt-5.4-mini | 'max_completion_tokens':-1 | max_completion_tokens:",
            "RESPONSES | claude-opus-5 | 'max_output_tokens':'x','input':'y' | max_output_tokens:",
            "RESPONSES | claude-opus-5 | 'tools':'x','input':'y' | tools: a list is expected",
            "CHAT | gpt-5.4-mini | 'stop':'x' | stop: gpt-5.4-mini is reached by /responses, which has no equivalent",
            "CHAT | gpt-5.4-mini | 'n':2 | n: gpt-5.4-mini", "CHAT | gpt-5.4-mini | 'logprobs':true | logprobs:",
            "CHAT | claude-opus-5 | 'logit_bias':{'1':2} | logit_bias: claude-opus-5 is reached by /v1/messages",
            "CHAT | claude-opus-5 | 'frequency_penalty':0.5 | frequency_penalty:",
            "CHAT | claude-opus-5 | 'functions':[{'name':'f'}] | functions:",
            "CHAT | claude-opus-5 | 'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':"
                    + "'https://x'}}]}] | image_url: Copilot takes base64 data",
            "CHAT | claude-opus-5 | 'messages':[{'role':'user','content':[{'type':'input_audio'}]}] |"
                    + " messages.0.content.0.type: input_audio",
            "CHAT | claude-opus-5 | 'messages':[{'role':'x','content':''}] | messages.0.role:",
            "CHAT | claude-opus-5 | 'tools':[{'type':'custom','custom':{}}] | tools.0.type:",
            "RESPONSES | claude-opus-5 | 'tools':[{'type':'web_search'}] | tools.0.type: web_search is a tool of"
                    + " OpenAI",
            "RESPONSES | claude-opus-5 | 'tools':[{'type':'local_shell'},{'type':'function','name':'f'}] |"
                    + " tools.0.type",
            "RESPONSES | claude-opus-5 | 'top_logprobs':3 | top_logprobs:",
            "RESPONSES | claude-opus-5 | 'input':[{'type':'compaction'}] | input.0.type: compaction has no equivalent",
            "RESPONSES | claude-opus-5 | 'input':[{'role':'user','content':[{'type':'input_image','file_id':'f'}]}] |"
                    + " input.0.content.0.image_url: it is required: Copilot stores no files"})
    void whatCannotBeKeptIsRefusedInWords(ApiProtocol client, String model, String parts, String words) {
        var refusal = assertThrows(ApiRefusal.class, () -> translated(client, model, parts));
        assertEquals(400, refusal.status());
        assertTrue(refusal.getMessage().startsWith(words), refusal.getMessage());
    }

    /// What is not read is not checked, and a count may come from a program without integers.
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {"CHAT | 'max_tokens':4096.0",
            "CHAT | 'max_completion_tokens':9,'max_tokens':0", "CHAT | 'max_tokens':null,'stop':null,'tools':null",
            "CHAT | 'thinking':false,'max_output_tokens':0"})
    void whatIsNotReadIsNotRefused(ApiProtocol client, String parts) {
        assertDoesNotThrow(() -> translated(client, "gpt-5.4-mini", parts));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "'n':1,'logprobs':false,'frequency_penalty':0,'seed':5,'user':'u','store':false,'logit_bias':{} |"
                    + " 'max_tokens':64000 |",
            "'max_tokens':5,'stop':'x','temperature':0.5 | 'max_tokens':5,'stop_sequences':['x'],'temperature':0.5 | -",
            "'max_completion_tokens':50,'temperature':0.5 | 'max_tokens':50,'temperature':0.5 | 'max_output_tokens':50,"
                    + "'temperature':0.5",
            "'max_tokens':50,'temperature':0.5,'reasoning_effort':'minimal' | 'max_tokens':50,'thinking':{'type':"
                    + "'adaptive','display':'summarized'},'output_config':{'effort':'low'} | 'max_output_tokens':50,"
                    + "'temperature':0.5,'reasoning':{'effort':'none'}",
            "'max_tokens':50,'messages':[{'role':'system','content':'In JSON.'},{'role':'user','content':'q'}],"
                    + "'response_format':{'type':'json_object'} | 'max_tokens':50,'system':[{'type':'text','text':"
                    + "'In JSON.'},{'type':'text','text':'Answer with one JSON object and nothing else.'}],'messages':"
                    + "[{'role':'user','content':[{'type':'text','text':'q'}]}] | 'input':[{'role':'developer',"
                    + "'content':[{'type':'input_text','text':'In JSON.'}]},{'role':'user','content':[{'type':"
                    + "'input_text','text':'q'}]}],'max_output_tokens':50,'text':{'format':{'type':'json_object'}}",
            "'max_tokens':50,'response_format':{'type':'json_object'} | 'max_tokens':50,'system':[{'type':'text'"
                    + ",'text':"
                    + "'Answer with one JSON object and nothing else.'}] | 'max_output_tokens':50,'text':{'format':"
                    + "{'type':'json_object'}}",
            "'max_tokens':99999 | 'max_tokens':64000 | 'max_output_tokens':64000",
            "'max_tokens':50,'reasoning_effort':'none','verbosity':'low' | 'max_tokens':50 | 'max_output_tokens':50,"
                    + "'reasoning':{'effort':'none'},'text':{'verbosity':'low'}",
            "'max_tokens':50,'response_format':{'type':'json_schema','json_schema':{'name':'n','strict':true,'schema':"
                    + "{'a':1}}} | 'max_tokens':50,'output_config':{'format':{'type':'json_schema','schema':{'a':1}}} |"
                    + " 'max_output_tokens':50,'text':{'format':{'type':'json_schema','name':'n','schema':{'a':1},"
                    + "'strict':true}}",
            "'max_tokens':50,'messages':[{'role':'developer','content':'d'},{'role':'system','content':[{'type':'text',"
                    + "'text':'s'}]},{'role':'user','content':'q'},{'role':'user','content':[{'type':'text','text'"
                    + ":'r'}]"
                    + "},{'role':'system','content':'m'}] | 'max_tokens':50,'system':[{'type':'text','text':'d'},"
                    + "{'type':'text','text':'s'}],'messages':[{'role':'user','content':[{'type':'text','text':'q'},"
                    + "{'type':'text','text':'r'},{'type':'text','text':'<system-reminder>\\nm\\n</system-reminder>'}]}"
                    + "] | 'instructions':'d\\n\\ns','input':[{'role':'user','content':[{'type':'input_text','text':'q'"
                    + "}]},{'role':'user','content':[{'type':'input_text','text':'r'}]},{'role':'developer','content':"
                    + "[{'type':'input_text','text':'m'}]}],'max_output_tokens':50",
            "'max_tokens':50,'messages':[{'role':'user','content':'q'},{'role':'assistant','content':null,'tool_calls':"
                    + "[{'id':'a:1','type':'function','function':{'name':'f','arguments':'{\\'x\\':1}'}},{'id':'b',"
                    + "'type':'function','function':{'name':'g','arguments':''}},{'id':'c','type':'function'"
                    + ",'function':"
                    + "{'name':'g','arguments':'[]'}}]},{'role':'tool','tool_call_id':'a:1','content':'1'},{'role':"
                    + "'tool','tool_call_id':'b','content':[{'type':'text','text':'2'}]},{'role':'tool','tool_call_id':"
                    + "'c','content':'3'},{'role':'user','content':'r'}] | 'max_tokens':50,'messages':[{'role':'user',"
                    + "'content':[{'type':'text','text':'q'}]},{'role':'assistant','content':[{'type':'tool_use','id':"
                    + "'a_1','name':'f','input':{'x':1}},{'type':'tool_use','id':'b','name':'g','input':{}},{'type':"
                    + "'tool_use','id':'c','name':'g','input':{'arguments':'[]'}}]},{'role':'user','content':[{'type':"
                    + "'tool_result','tool_use_id':'a_1','content':[{'type':'text','text':'1'}]},{'type':'tool_result',"
                    + "'tool_use_id':'b','content':[{'type':'text','text':'2'}]},{'type':'tool_result','tool_use_id':"
                    + "'c','content':[{'type':'text','text':'3'}]},{'type':'text','text':'r'}]}] | 'input':[{'role':"
                    + "'user','content':[{'type':'input_text','text':'q'}]},{'type':'function_call','call_id':'a:1',"
                    + "'name':'f','arguments':'{\\'x\\':1}'},{'type':'function_call','call_id':'b','name':'g',"
                    + "'arguments':'{}'},{'type':'function_call','call_id':'c','name':'g','arguments':'[]'},{'type':"
                    + "'function_call_output','call_id':'a:1','output':'1'},{'type':'function_call_output','call_id':"
                    + "'b','output':'2'},{'type':'function_call_output','call_id':'c','output':'3'},{'role':'user',"
                    + "'content':[{'type':'input_text','text':'r'}]}],'max_output_tokens':50"})
    void chatsBecomeMessagesAndResponses(String parts, String messages, String responses) {
        assertEquals(parsed(messages), parsed(translated(ApiProtocol.CHAT, "claude-opus-5", parts)));
        if ("-".equals(responses)) return;
        assertEquals(parsed(responses), parsed(translated(ApiProtocol.CHAT, "gpt-5.4-mini", parts)));
    }

    private static JsonNode parsed(String fields) {
        String text = "{" + Objects.requireNonNullElse(fields, "") + "}";
        return Json.object(text.replace("\\'", "\u0001").replace('\'', '"').replace("\u0001", "\\\""), text);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "'instructions':'s','input':[{'type':'message','role':'developer','content':[{'type':'input_text','text':"
                    + "'d'}]},{'role':'user','content':[{'type':'input_text','text':'q'},{'type':'input_image',"
                    + "'image_url':" + PNG_URL + "}]},{'type':'reasoning','summary':[],'encrypted_content':'x'},"
                    + "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'a'}]},{'type':"
                    + "'function_call','call_id':'c','name':'f','arguments':'{}'},{'type':'custom_tool_call','call_id':"
                    + "'d','name':'p','input':'*** x'},{'type':'function_call_output','call_id':'c','output':'r'},"
                    + "{'type':'custom_tool_call_output','call_id':'d','output':[{'type':'input_text','text':'s'}]}],"
                    + "'max_output_tokens':50,'metadata':{},'prompt_cache_key':'k','service_tier':'auto' |"
                    + " 'max_tokens':50,'system':[{'type':'text','text':'s'},{'type':'text','text':'d'}],'messages':"
                    + "[{'role':'user','content':[{'type':'text','text':'q'},{'type':'image','source':" + PNG_SOURCE
                    + "}]},{'role':'assistant','content':[{'type':'text','text':'a'},{'type':'tool_use','id':'c'"
                    + ",'name':"
                    + "'f','input':{}},{'type':'tool_use','id':'d','name':'p','input':{'input':'*** x'}}]},{'role':"
                    + "'user','content':[{'type':'tool_result','tool_use_id':'c','content':[{'type':'text','text':'r'}]"
                    + "},{'type':'tool_result','tool_use_id':'d','content':[{'type':'text','text':'s'}]}]}] |"
                    + " 'messages':[{'role':'system','content':'s\\n\\nd'},{'role':'user','content':[{'type':'text',"
                    + "'text':'q'},{'type':'image_url','image_url':{'url':" + PNG_URL + "}}]},{'role':'assistant',"
                    + "'content':'a','tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}"
                    + "},{'id':'d','type':'function','function':{'name':'p','arguments':'{\\'input\\':\\'***"
                    + " x\\'}'}}]},"
                    + "{'role':'tool','tool_call_id':'c','content':'r'},{'role':'tool','tool_call_id':'d','content':"
                    + "'s'}],'max_tokens':50",
            "'max_output_tokens':50,'reasoning':{'effort':'high','summary':'auto'},'text':{'verbosity':'low','format':"
                    + "{'type':'json_schema','name':'n','schema':{'a':1}}} | 'max_tokens':50,'output_config':{'format':"
                    + "{'type':'json_schema','schema':{'a':1}},'effort':'high'},'thinking':{'type':'adaptive'"
                    + ",'display':"
                    + "'summarized'} | 'max_tokens':50,'reasoning_effort':'high','response_format':{'type'"
                    + ":'json_schema',"
                    + "'json_schema':{'name':'n','schema':{'a':1}}}"})
    void responsesBecomeMessagesAndChats(String parts, String messages, String chat) {
        assertEquals(parsed(messages), parsed(translated(ApiProtocol.RESPONSES, "claude-opus-5", parts)));
        assertEquals(parsed(chat), parsed(translated(ApiProtocol.RESPONSES, "kimi-k3", parts)));
    }

    // ------------------------------------------------------------------------------------------- answers

    /// Streams data through a translator; an event's name is its type.
    private static byte[] through(Translation request, String... events) {
        var stream = request.stream();
        var out = new ByteArrayOutputStream();
        for (String event : events) {
            String data = event.replace('\'', '"');
            out.writeBytes(stream.event(Json.text(Json.tryParse(data), "type"), utf8(data)));
        }
        out.writeBytes(stream.end());
        return out.toByteArray();
    }

    private static Translation to(ApiProtocol client, ApiProtocol upstream) {
        return of(client, Json.compact(request(client, ONLY.get(upstream), "q", false, true)));
    }

    private static String piece(String delta) {
        return "{'id':'x','created':5,'model':'m','choices':[{'index':0,'delta':" + delta + ",'finish_reason':null}]}";
    }

    private static final String FINISH = "{'id':'x','choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}";

    /// Calls whose pieces alternate, begin at index 1, repeat an index, or have no arguments.
    private static final String[] ALTERNATING = {piece("{'role':'assistant','content':'a'}"),
            piece("{'tool_calls':[{'index':1,'id':'c1','function':{'name':'f'}}]}"),
            piece("{'tool_calls':[{'index':2,'id':'c2','function':{'name':'g','arguments':''}}]}"),
            piece("{'tool_calls':[{'index':1,'function':{'arguments':'{\\'a\\':'}},{'index':2,'function':"
                    + "{'arguments':'{\\'b\\':'}}]}"), piece("{'content':'between'}"),
            piece("{'tool_calls':[{'index':2,'function':{'arguments':'2}'}},{'index':1,'function':{'arguments'"
                    + ":'1}'}}]}"),
            piece("{'tool_calls':[{'index':2,'id':'c3','function':{'name':'h'}}]}"), FINISH, "[DONE]"};

    @Test
    void alternatingCallsArePutInARow() {
        for (var client : ApiProtocol.values()) {
            var heard = heard(client, frames(through(to(client, ApiProtocol.CHAT), ALTERNATING)));
            assertEquals(List.of("c1 f {\"a\":1}", "c2 g {\"b\":2}", "c3 h {}"), heard.calls());
            assertTrue(heard.text().matches("a(\n\n)?between"), heard.text());
            assertEquals(stop(client, "tool_calls", "completed", "tool_use"), heard.stop());
        }
    }

    @Test
    void brokenArgumentsAreAnErrorAndNoCrash() {
        String[] broken = {piece("{'tool_calls':[{'index':0,'id':'c','function':{'name':'f','arguments':'{\\'a'}}]}"),
                FINISH, "[DONE]"};
        var got = frames(through(to(ApiProtocol.MESSAGES, ApiProtocol.CHAT), broken));
        assertEquals("error", got.getLast().name());
        assertTrue(got.getLast().data().contains("the model called f with arguments that are not a JSON object: "
                    + "{\\\"a"),
                got.getLast().data());
        for (var client : List.of(ApiProtocol.CHAT, ApiProtocol.RESPONSES)) {       // whose arguments are texts
            assertEquals(List.of("c f {\"a"), heard(client, frames(through(to(client, ApiProtocol.CHAT), broken)))
                    .calls());
        }
        var cut = heard(ApiProtocol.MESSAGES, frames(through(to(ApiProtocol.MESSAGES, ApiProtocol.CHAT), broken[0],
                FINISH.replace("stop", "length"), "[DONE]")));
        assertEquals("max_tokens", cut.stop());
        var whole = assertThrows(ApiRefusal.class, () -> to(ApiProtocol.MESSAGES, ApiProtocol.CHAT).whole(utf8(
                "{\"id\":\"x\",\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\","
                        + "\"arguments\":\"[1]\"}}]},\"finish_reason\":\"tool_calls\"}]}")));
        assertEquals(502, whole.status());
        assertEquals("invalid_tool_arguments", whole.code());
    }

    /// A probe with max_tokens 1 gets an empty text, also where the model answers with no choice, or no output at all.
    @Test
    void probesWithOneTokenAreAnswered() {
        var answers = Map.of(ApiProtocol.CHAT, "{'id':'x','choices':[],'usage':{'completion_tokens':1}}",
                ApiProtocol.RESPONSES, "{'id':'x','status':'incomplete','incomplete_details':{'reason':"
                        + "'max_output_tokens'},'output':[{'type':'reasoning','id':'r','summary':[]}],'usage':{}}",
                ApiProtocol.MESSAGES, "{'id':'msg_1','content':[],'stop_reason':'max_tokens','usage':{}}");
        for (var client : ApiProtocol.values()) {
            answers.forEach((upstream, answer) -> {
                var whole = Json.object(text(to(client, upstream).whole(utf8(answer.replace('\'', '"'))).body()), "it");
                if (client == upstream && client == ApiProtocol.MESSAGES) return;
                if (client == ApiProtocol.CHAT) ((ObjectNode) whole).put("object", "chat.completion");
                var heard = heard(client, whole);
                assertEquals("", heard.text());
                if (client == upstream && client == ApiProtocol.RESPONSES) return;
                assertEquals(stop(client, "length", "incompletemax_output_tokens", "max_tokens"), heard.stop(),
                        client + " " + upstream);
                if (client == ApiProtocol.MESSAGES) assertEquals("[{'type':'text','text':''}]", quoted(whole.path(
                        "content")));
            });
            for (String model : ONLY.values()) {
                // of /responses, the least is 16, and the answer may have ended before
                if (client == ApiProtocol.RESPONSES && model.equals(ONLY.get(client))) continue;
                for (boolean stream : List.of(true, false)) {
                    var body = request(client, model, "say: a b c d e f g h i j k l m n o p q r", false, stream);
                    body.put(client == ApiProtocol.RESPONSES ? "max_output_tokens" : "max_tokens", 1);
                    assertEquals(stop(client, "length", "incompletemax_output_tokens", "max_tokens"), ask(client, body)
                            .stop(), client + " " + model);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', nullValues = "-", value = {
            "CHAT | {'prompt_tokens':10,'completion_tokens':4,'prompt_tokens_details':{'cached_tokens':3},"
                    + "'completion_tokens_details':{'reasoning_tokens':2}} | 10 3 0 4 2",
            "CHAT | {'prompt_tokens':10,'completion_tokens':4,'reasoning_tokens':2} | 10 0 0 4 2",
            "RESPONSES | {'input_tokens':10,'output_tokens':4,'input_tokens_details':{'cached_tokens':3,"
                    + "'cache_write_tokens':2},'output_tokens_details':{'reasoning_tokens':2}} | 10 3 2 4 2",
            "MESSAGES | {'input_tokens':5,'cache_read_input_tokens':3,'cache_creation_input_tokens':2,"
                    + "'output_tokens':4} | 10 3 2 4 0", "MESSAGES | {'output_tokens':4} | 0 0 0 4 0",
            "CHAT | {} | 0 0 0 0 0"})
    void usageIsAddedUpInTheClientsWay(ApiProtocol upstream, String counts, String sums) {
        var usage = TokenUsage.of(upstream, json(counts));
        assertEquals(sums, String.join(" ", Stream.of(usage.prompt(), usage.cached(), usage.written(),
                usage.completion(), usage.reasoning()).map(String::valueOf).toList()));
        for (var client : ApiProtocol.values()) {
            var again = TokenUsage.of(client, usage.json(client));
            assertEquals(usage.prompt(), again.prompt());
            assertEquals(usage.cached(), again.cached());
            assertEquals(usage.completion(), again.completion());
        }
    }

    /// The usage of a message is whole at its start, as Claude Code shows it from there, and true at its end.
    @Test
    void messagesBeginWithAUsage() {
        var got = frames(through(to(ApiProtocol.MESSAGES, ApiProtocol.CHAT), piece("{'content':'a'}"), FINISH,
                "{'id':'x','choices':[],'usage':{'prompt_tokens':10,'completion_tokens':4,'prompt_tokens_details':"
                        + "{'cached_tokens':3}}}", "[DONE]"));
        var begin = got.getFirst().json().at("/message/usage");
        assertTrue(begin.path("input_tokens").asLong() > 0 && begin.path("output_tokens").asLong() > 0);
        assertEquals("{'input_tokens':7,'cache_creation_input_tokens':0,'cache_read_input_tokens':3,'output_tokens':4}",
                quoted(got.get(got.size() - 2).json().path("usage")));
        var native_ = frames(through(to(ApiProtocol.MESSAGES, ApiProtocol.MESSAGES),
                "{'type':'message_start','message':{'id':'i','model':'m','content':[]}}", "{'type':'message_stop'}"));
        assertEquals("{'id':'i','model':'claude-fable-5.1','content':[],'usage':{'input_tokens':0,"
                + "'cache_creation_input_tokens':0,'cache_read_input_tokens':0,'output_tokens':0}}", quoted(native_
                .getFirst().json().path("message")));
    }

    @Test
    void chatsOfCopilotBecomeThoseOfOpenAi() {
        String[] claude = {"{'id':'','created':0,'choices':[],'prompt_filter_results':[]}",
                "{'id':'x','model':'m','choices':[{'delta':{'content':'Let','role':'assistant'},'finish_reason':null}],"
                        + "'usage':{'prompt_tokens':0}}",
                "{'id':'x','model':'m','choices':[{'index':1,'delta':{'content':null,'tool_calls':[{'index':0,'id'"
                    + ":'t1',"
                        + "'function':{'name':'f'}}]},'finish_reason':null}]}",
                "{'id':'x','model':'m','choices':[{'index':1,'delta':{'tool_calls':[{'index':0,'function':{'arguments':"
                        + "'{}'}},{'index':0,'id':'t2','function':{'name':'g'}}]},'finish_reason':null}]}",
                "{'id':'x','model':'m','choices':[{'index':0,'delta':{'content':null},'finish_reason':'stop'}]}",
                "{'id':'x','model':'m','choices':[{'index':1,'delta':{'content':null},'finish_reason':'tool_calls'}],"
                        + "'usage':{'prompt_tokens':7,'completion_tokens':2}}", "[DONE]"};
        var heard = heard(ApiProtocol.CHAT, frames(through(to(ApiProtocol.CHAT, ApiProtocol.CHAT), claude)));
        assertEquals(new Heard("Let", "", List.of("t1 f {}", "t2 g {}"), "tool_calls", 7, 2, "gemini-3.8-flash"),
                heard);
        var silent = of(ApiProtocol.CHAT, "{\"model\":\"kimi-k3\",\"stream\":true,\"messages\":[]}");
        assertFalse(text(through(silent, claude)).contains("usage"));
        String whole = "{'id':'x','model':'m','choices':[{'finish_reason':'tool_calls','message':{'content':'Let',"
                + "'role':'assistant'}},{'finish_reason':'tool_calls','message':{'content':null,'role':'assistant',"
                + "'reasoning_text':'hm','tool_calls':[{'id':'t1','type':'function','function':{'name':'f',"
                + "'arguments':''}}]}}],'usage':{'prompt_tokens':7,'completion_tokens':2}}";
        assertEquals(new Heard("Let", "hm", List.of("t1 f {}"), "tool_calls", 7, 2, "kimi-k3"), heard(ApiProtocol.CHAT,
                Json.object(text(silent.whole(utf8(whole.replace('\'', '"'))).body()), "it")));
    }

    /// Several answers stay apart, streamed and not.
    @Test
    void severalChoicesStayApart() {
        var request = of(ApiProtocol.CHAT, "{\"model\":\"kimi-k3\",\"n\":2,\"stream\":true,\"messages\":[]}");
        var got = frames(through(request, "{'id':'x','choices':[{'index':0,'delta':{'content':'a'}}]}",
                "{'id':'x','choices':[{'index':1,'delta':{'content':'b'}}]}",
                "{'id':'x','choices':[{'index':0,'delta':{},'finish_reason':'stop'}]}",
                "{'id':'x','choices':[{'index':1,'delta':{},'finish_reason':'length'}]}", "[DONE]"));
        assertEquals(List.of("0a", "1b", "0stop", "1length", ""), got.stream().map(frame -> frame.json().at(
                "/choices/0")).map(choice -> choice.path("index").asString("") + Json.text(choice.path("delta"),
                "content") + Json.text(choice, "finish_reason")).toList());
        var whole = Json.tryParse(text(request.whole(utf8("{\"choices\":[{\"message\":{\"content\":\"a\"}},"
                    + "{\"message\":"
                + "{\"content\":\"b\"}}]}")).body()));
        assertEquals(List.of("0a", "1b"), whole.path("choices").valueStream().map(choice -> choice.path("index")
                .asString() + Json.text(choice.path("message"), "content")).toList());
    }

    /// Events that need no change pass byte for byte: thinking with its signature, unknown ones; [DONE] does not.
    @Test
    void eventsOfMessagesPassAsTheyAre() {
        var stream = to(ApiProtocol.MESSAGES, ApiProtocol.MESSAGES).stream();
        for (String data : List.of("{\"type\":\"content_block_delta\", \"index\":0,\"delta\":{\"type\":"
                + "\"signature_delta\",\"signature\":\"Eq\\u0041==\"}}", "{\"type\":\"brand_new\",\"x\":1.50}")) {
            String name = Json.text(Json.tryParse(data), "type");
            assertEquals("event: " + name + "\ndata: " + data + "\n\n", text(stream.event(name, utf8(data))));
            assertEquals("event: " + name + "\ndata: " + data + "\n\n", text(stream.event("", utf8(data))));
        }
        assertEquals("", text(stream.event("", utf8("[DONE]"))));
        assertEquals("", text(stream.event("", utf8("{\"type\":\"cut"))));
        assertEquals("event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":3}}\n\n",
                text(stream.event("message_delta", utf8("{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":3},"
                        + "\"copilot_usage\":{\"total_nano_aiu\":12}}"))));
        assertEquals(12, stream.usage().nanoCredits());
        assertEquals(3, stream.usage().completionTokens());
    }

    /// An empty delta in the open block keeps a silent stream alive.
    @Test
    void fillersGoIntoTheOpenBlock() {
        var stream = to(ApiProtocol.MESSAGES, ApiProtocol.MESSAGES).stream();
        assertEquals("", text(stream.filler()));
        Map.of("text", "'text_delta','text'", "thinking", "'thinking_delta','thinking'", "tool_use",
                "'input_json_delta','partial_json'").forEach((type, delta) -> {
            stream.event("", utf8("{\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"" + type
                    + "\"}}"));
            assertEquals("event: content_block_delta\ndata: {'type':'content_block_delta','index':3,'delta':{'type':"
                    .replace('\'', '"') + delta.replace('\'', '"') + ":\"\"}}\n\n", text(stream.filler()));
            stream.event("", utf8("{\"type\":\"content_block_stop\",\"index\":3}"));
            assertEquals("", text(stream.filler()));
        });
        var translated = to(ApiProtocol.MESSAGES, ApiProtocol.CHAT).stream();
        assertEquals("", text(translated.filler()));
        translated.event("", utf8(piece("{'content':'a'}").replace('\'', '"')));
        assertTrue(text(translated.filler()).contains("\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\"}"));
    }

    /// A custom tool of Codex is a function to other models, and the call of it is a custom one again.
    @ParameterizedTest
    @CsvSource({"true, claude-fable-5.1", "false, claude-fable-5.1", "true, gemini-3.8-flash"})
    void customToolsComeBackAsSuch(boolean stream, String model) {
        sim();
        var body = request(ApiProtocol.RESPONSES, model, "call: apply_patch {\"input\":\"*** Begin \\\"x\\\"\\n\"}"
                + "\nsay: done", true, stream);
        body.withArray("tools").addObject().put("type", "custom").put("name", "apply_patch").put("description", "P")
                .putObject("format").put("type", "grammar").put("syntax", "lark").put("definition", "start: x");
        body.withArray("tools").addObject().put("type", "web_search");
        byte[] answer = answer(of(ApiProtocol.RESPONSES, Json.compact(body)));
        var whole = stream ? responses(frames(answer)) : Json.object(text(answer), "it");
        var call = whole.path("output").valueStream().filter(item -> item.has("input")).findFirst().orElseThrow();
        assertEquals("custom_tool_call apply_patch *** Begin \"x\"\n", Json.text(call, "type") + " " + Json.text(call,
                "name") + " " + Json.text(call, "input"));
        String sent = Json.compact(cop.sim.ledger().getLast().body().path("tools"));
        assertTrue(sent.contains("The input must match this lark grammar:\\nstart: x"), sent);
        assertFalse(sent.contains("web_search"), sent);
        body.withArray("input").addAll(whole.path("output").values());
        body.withArray("input").addObject().put("type", "custom_tool_call_output").put("call_id", Json.text(call,
                "call_id")).put("output", "ok");
        assertEquals("done", ask(ApiProtocol.RESPONSES, body).text());
    }

    // ------------------------------------------------------------------------------------------- properties

    /// Any order of events gives a stream in the order that the client demands, with all texts and calls.
    @Test
    void anyOrderOfEventsIsPutInOrder() {
        for (int seed = 0; seed < 1000; seed++) {
            var random = new Random(seed);
            var events = new ArrayList<AnswerEvent>(List.of(new AnswerEvent.Begin("x", 5)));
            var texts = new StringBuilder();
            var calls = new TreeMap<Integer, StringBuilder>();
            var open = new ArrayList<Integer>();
            for (int n = random.nextInt(25); n > 0; n--) {
                switch (random.nextInt(7)) {
                    case 0, 1 -> {
                        texts.append(n);
                        events.add(new AnswerEvent.TextDelta("" + n));
                    }
                    case 2 -> events.add(new AnswerEvent.ThinkingDelta("t" + n));
                    case 3 -> events.add(random.nextBoolean() ? new AnswerEvent.ThinkingEnd(random.nextBoolean() ? null
                            : Json.object().put("x", n)) : new AnswerEvent.Paragraph());
                    case 4 -> {
                        int key = calls.size();
                        calls.put(key, new StringBuilder("{\"k\":\""));
                        open.add(key);
                        events.add(new AnswerEvent.CallBegin(key, "c" + key, "f" + key));
                        events.add(new AnswerEvent.CallDelta(key, "{\"k\":\""));
                    }
                    case 5 -> {
                        if (open.isEmpty()) continue;
                        int key = open.get(random.nextInt(open.size()));
                        calls.get(key).append(n);
                        events.add(new AnswerEvent.CallDelta(key, "" + n));
                    }
                    default -> {
                        if (open.isEmpty()) continue;
                        int key = open.remove(random.nextInt(open.size()));
                        calls.get(key).append("\"}");
                        events.add(new AnswerEvent.CallDelta(key, "\"}"));
                        if (random.nextBoolean()) events.add(new AnswerEvent.CallEnd(key));
                    }
                }
            }
            for (int key : open) {
                calls.get(key).append("\"}");
                events.add(new AnswerEvent.CallDelta(key, "\"}"));
            }
            events.add(new AnswerEvent.Used(new TokenUsage(5, 1, 0, 3, 0, 0)));
            events.add(new AnswerEvent.Finish(StopReason.DONE, null));
            events.add(new AnswerEvent.End());
            var expected = calls.entrySet().stream().map(call -> "c" + call.getKey() + " f" + call.getKey() + " "
                    + call.getValue()).toList();
            for (var client : ApiProtocol.values()) {
                var other = client == ApiProtocol.CHAT ? ApiProtocol.MESSAGES : ApiProtocol.CHAT;
                for (boolean whole : List.of(true, false)) {
                    var sink = AnswerSink.of((TranslatedRequest) to(client, other));
                    events.forEach(sink::accept);
                    var heard = whole ? heard(client, sink.whole()) : heard(client, frames(sink.take()));
                    assertEquals(texts.toString(), heard.text().replace("\n\n", ""), seed + " " + client);
                    assertEquals(expected, heard.calls(), seed + " " + client);
                    assertEquals(stop(client, expected.isEmpty() ? "stop" : "tool_calls", "completed",
                            expected.isEmpty() ? "end_turn" : "tool_use"), heard.stop());
                }
            }
        }
    }

    /// A conversation translated to another API, and read there as if a client had sent it, has the same texts, calls,
    /// results and images.
    @Test
    void conversationsKeepTheirContentInAllDirections() {
        for (int seed = 0; seed < 1500; seed++) {
            var random = new Random(seed);
            var client = ApiProtocol.values()[seed % 3];
            var body = conversation(client, random);
            for (var upstream : ApiProtocol.values()) {
                if (client == upstream) continue;
                var sent = Json.object(text(of(client, Json.compact(body.put("model", ONLY.get(upstream)))).body()),
                        "it");
                assertEquals(content(read(client, body)), content(read(upstream, sent)), seed + " " + sent);
                if (seed < 30) answer(of(client, Json.compact(body)));      // the simulator takes it
            }
        }
    }

    private static Dialog read(ApiProtocol protocol, ObjectNode body) {
        var model = model("claude-opus-5").orElseThrow();
        return switch (protocol) {
            case CHAT -> ChatDialog.read(body, model, protocol);
            case RESPONSES -> ResponsesDialog.read(JsonSpan.of(Json.bytes(body)), body, model, protocol);
            case MESSAGES -> MessagesDialog.read(body);
        };
    }

    /// All parts but thoughts, in order; results of a turn come first where an API wants it.
    private static List<String> content(Dialog dialog) {
        var all = new ArrayList<String>();
        for (var turn : dialog.turns) {
            var parts = turn.parts().stream().map(part -> switch (part) {
                case Dialog.TextPart text -> text.text().isBlank() ? "" : "text " + text.text().strip();
                case Dialog.ImagePart image -> "image " + image.url();
                case Dialog.CallPart call -> "call " + call.id() + call.name() + Json.compact(Json.tryParse(
                        Dialog.arguments(call)));
                case Dialog.ResultPart result -> "result " + result.callId() + Dialog.joined(result.content());
                default -> "";
            }).filter(text -> !text.isEmpty()).toList();
            parts.stream().filter(part -> part.startsWith("result")).forEach(all::add);
            all.addAll(parts.stream().filter(part -> !part.startsWith("result")).toList());
        }
        // texts of one turn may be joined
        return List.of(String.join("\n\n", all).replace("\n\ntext ", "\n\n"));
    }

    /// A conversation of a person, an assistant, and two tools.
    private static ObjectNode conversation(ApiProtocol client, Random random) {
        var body = Json.object().put("model", "m");
        if (client == ApiProtocol.MESSAGES) body.put("max_tokens", 100);
        if (client == ApiProtocol.MESSAGES && random.nextBoolean()) body.put("system", "Be brief.");
        if (client == ApiProtocol.RESPONSES && random.nextBoolean()) body.put("instructions", "Be brief.");
        var messages = body.putArray(client == ApiProtocol.RESPONSES ? "input" : "messages");
        if (client == ApiProtocol.CHAT && random.nextBoolean()) messages.addObject().put("role", "system")
                .put("content", "Be brief.");
        for (int turn = random.nextInt(5); turn >= 0; turn--) {
            String text = List.of("hi", "  spaced\n\n out ", "\"q\" 🦊", "{\"json\": 1}").get(random.nextInt(4));
            messages.addObject().put("role", "user").put("content", text + turn);
            int calls = random.nextInt(3);
            var ids = IntStream.range(0, calls).mapToObj(n -> "call_" + random.nextInt(1000) + n).toList();
            String said = random.nextBoolean() || ids.isEmpty() ? "I say " + turn : "";
            switch (client) {
                case CHAT -> {
                    var message = messages.addObject().put("role", "assistant").put("content", said.isEmpty() ? null
                            : said);
                    ids.forEach(id -> message.withArray("tool_calls").addObject().put("id", id).put("type", "function")
                            .putObject("function").put("name", "f").put("arguments", "{\"x\":\"" + id + "\"}"));
                    ids.forEach(id -> messages.addObject().put("role", "tool").put("tool_call_id", id).put("content",
                            "r " + id));
                }
                case RESPONSES -> {
                    if (!said.isEmpty()) messages.addObject().put("type", "message").put("role", "assistant").putArray(
                            "content").addObject().put("type", "output_text").put("text", said);
                    ids.forEach(id -> messages.addObject().put("type", "function_call").put("call_id", id).put("name",
                            "f").put("arguments", "{\"x\":\"" + id + "\"}"));
                    ids.forEach(id -> messages.addObject().put("type", "function_call_output").put("call_id", id)
                            .put("output", "r " + id));
                }
                case MESSAGES -> {
                    var content = messages.addObject().put("role", "assistant").putArray("content");
                    if (!said.isEmpty()) content.addObject().put("type", "text").put("text", said);
                    ids.forEach(id -> content.addObject().put("type", "tool_use").put("id", id).put("name", "f")
                            .putObject("input").put("x", id));
                    if (ids.isEmpty()) continue;
                    var results = messages.addObject().put("role", "user").putArray("content");
                    ids.forEach(id -> results.addObject().put("type", "tool_result").put("tool_use_id", id)
                            .put("content", "r " + id));
                }
            }
        }
        messages.addObject().put("role", "user").put("content", "and?");
        return body;
    }
}
