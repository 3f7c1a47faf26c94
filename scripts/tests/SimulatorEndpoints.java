package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

import static cop.Harness.header;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The simulator's chat endpoints /chat/completions, /responses and /v1/messages over plain HTTP: they must follow the
/// protocol, because the tool is tested against them.
class SimulatorEndpoints {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String CHAT = "/chat/completions", RESPONSES = "/responses", MESSAGES = "/v1/messages";
    private static final List<String> PATHS = List.of(CHAT, RESPONSES, MESSAGES);
    private static final String DOT = "iVBORw0KGgo=";

    private final simulator sim = simulator.start().set("unknown-fields", "refuse").set("strict-headers", true)
            .set("tool-schema", "strict");
    private final HttpClient client = HttpClient.newHttpClient();
    private String bearer;
    private final Map<String, String> headers = new TreeMap<>(Map.of("Editor-Version", "vscode/1.107.0",
            "Copilot-Integration-Id", "vscode-chat", "Content-Type", "application/json",
            "anthropic-version", "2023-06-01"));

    @AfterEach
    void close() {
        client.shutdownNow();
        sim.close();
    }

    // ------------------------------------------------------------------------------------------------- to ask

    /// `name` is that of its `event:` line; `data` is missing where it is no JSON.
    private record Event(String name, JsonNode data) {
        String type() { return data.path("type").asString(""); }
    }

    /// An answer as it came; `broken`: the connection ended before it did.
    private record Answer(int status, HttpHeaders headers, String text, boolean broken) {
        JsonNode json() { return JSON.readTree(text); }

        /// By the letter of WHATWG HTML, "Server-sent events".
        List<Event> events() {
            var events = new ArrayList<Event>();
            String name = "", data = "";
            for (String line : text.replaceFirst("^\uFEFF", "").split("\r\n|\r|\n", -1)) {
                var field = line.split(": ?", 2);
                if (line.isEmpty()) {
                    if (!data.isEmpty()) events.add(new Event(name, parsed(data)));
                    name = data = "";
                } else if (field[0].equals("event")) {
                    name = field[1];
                } else if (field[0].equals("data")) {
                    data = field[1];
                }
            }
            return events;
        }

        private static JsonNode parsed(String data) {
            try {
                return JSON.readTree(data);
            } catch (JacksonException _) {
                return MissingNode.getInstance();
            }
        }

        List<String> types() { return events().stream().map(Event::type).toList(); }

        Event only(String type) {
            var found = events().stream().filter(e -> e.type().equals(type)).toList();
            assertEquals(1, found.size(), type + ": " + text);
            return found.getFirst();
        }
    }

    /// A token for the whole test.
    private String bearer() {
        if (bearer == null) bearer = exchange();
        return bearer;
    }

    private String exchange() {
        return send(HttpRequest.newBuilder(URI.create(sim.url() + "/copilot_internal/v2/token"))
                .headers("Authorization", "token " + simulator.GITHUB_TOKEN, "User-Agent", "tests", "Editor-Version",
                        "vscode/1.107.0", "Editor-Plugin-Version", "copilot-chat/0.35.0").build())
                .json().path("token").asString();
    }

    private Answer post(String path, JsonNode body) {
        var request = HttpRequest.newBuilder(URI.create(sim.api() + path)).header("Authorization", "Bearer " + bearer())
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()));
        headers.forEach(request::setHeader);
        return send(request.build());
    }

    /// A body as InputStream would lose what it holds when the connection breaks.
    private Answer send(HttpRequest request) {
        var bytes = new ByteArrayOutputStream();
        var head = new AtomicReference<HttpResponse.ResponseInfo>();
        boolean broken = false;
        try {
            client.send(request, info -> {
                head.set(info);
                return HttpResponse.BodySubscribers.ofByteArrayConsumer(part -> part.ifPresent(bytes::writeBytes));
            });
        } catch (IOException _) {
            broken = true;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return head.get() == null ? new Answer(0, null, "", true) : new Answer(head.get().statusCode(),
                head.get().headers(), bytes.toString(StandardCharsets.UTF_8), broken);
    }

    private static ObjectNode json(String text) { return (ObjectNode) JSON.readTree(text); }

    /// The smallest body that asks this; `more` are further fields, or others.
    private static ObjectNode body(String path, String prompt, String more) {
        var said = JSON.writeValueAsString(prompt);
        var shape = switch (path) {
            case CHAT -> "{\"model\":\"gpt-5.4\",\"messages\":[{\"role\":\"user\",\"content\":%s}]}";
            case RESPONSES -> "{\"model\":\"gpt-5.4\",\"input\":[{\"role\":\"user\",\"content\":"
                    + "[{\"type\":\"input_text\",\"text\":%s}]}]}";
            default -> "{\"model\":\"claude-fable-5.1\",\"max_tokens\":4000,"
                    + "\"messages\":[{\"role\":\"user\",\"content\":%s}]}";
        };
        var body = json(shape.formatted(said));
        body.setAll(json(more));
        if (path.equals(CHAT) && body.path("model").asString().startsWith("claude") && !body.has("max_tokens")) {
            body.put("max_tokens", 4000);
        }
        return body;
    }

    private Answer ask(String path, String prompt, String more) {
        var answer = post(path, body(path, prompt, more));
        assertEquals(200, answer.status, answer.text);
        return answer;
    }

    private Answer stream(String path, String prompt, String more) {
        var fields = json(more).put("stream", true);
        var answer = ask(path, prompt, fields.toString());
        assertEquals("text/event-stream", answer.headers.firstValue("content-type").orElse(""));
        return answer;
    }

    /// The text of an answer, streamed or whole, as a client would put it together.
    private static String said(String path, Answer answer) {
        if (!answer.text.startsWith("{")) {
            return answer.events().stream().map(Event::data).map(data -> switch (path) {
                case CHAT -> data.at("/choices/0/delta/content").asString("");
                case RESPONSES -> data.path("type").asString("").equals("response.output_text.delta")
                        ? data.path("delta").asString() : "";
                default -> data.at("/delta/text").asString("");
            }).collect(Collectors.joining());
        }
        return switch (path) {
            case CHAT -> answer.json().at("/choices/0/message/content").asString();
            case RESPONSES -> answer.json().path("output").valueStream()
                    .map(item -> item.at("/content/0/text").asString("")).collect(Collectors.joining());
            default -> answer.json().path("content").valueStream()
                    .map(block -> block.path("text").asString("")).collect(Collectors.joining());
        };
    }

    private static void refused(int status, String code, String words, Answer answer) {
        assertEquals(status, answer.status, answer.text);
        assertTrue(answer.text.contains(words), answer.text);
        if (code != null) assertEquals(code, answer.json().at("/error/code").asString(), answer.text);
    }

    // ------------------------------------------------------------------------------------------------- one talk

    private static final List<String> PROMPTS = List.of("hello", "say: one two three", "say: ", "x\nsay: a\r\n\n b  c",
            "say: äöü 🙂🙂 \uD83D\uDC69\u200D\uD83D\uDCBB 漢字",
            " many   words\tin\n\nlines of a prompt that is longer than"
                    + " sixty characters, which is where it is cut", "", "say: {\"a\":[1,2,\"}\"]}");

    /// The reply is the same on every endpoint.
    @ParameterizedTest
    @FieldSource("PROMPTS")
    void promptDeterminesReply(String prompt) {
        var expected = said(CHAT, ask(CHAT, prompt, "{}"));
        for (String path : List.of(CHAT, RESPONSES)) {
            assertEquals(expected, said(path, ask(path, prompt, "{}")), path);
            assertEquals(expected, said(path, stream(path, prompt, "{}")), path);
        }
        var claude = "{\"model\":\"claude-haiku-4.5\"}";
        if (prompt.isBlank()) return;       // Anthropic takes no empty text
        expected = said(CHAT, ask(CHAT, prompt, claude));
        assertEquals(expected, said(MESSAGES, ask(MESSAGES, prompt, claude)));
        assertEquals(expected, said(MESSAGES, stream(MESSAGES, prompt, claude)));
    }

    /// A conversation with a system prompt counts its turns the same; tool calls are turns of the model's.
    @Test
    void turnsAreCountedAlike() {
        var chat = said(CHAT, ask(CHAT, "", """
                {"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"a"},
                 {"role":"assistant","content":"b","tool_calls":[{"id":"c1","type":"function",
                  "function":{"name":"w","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"rain"},
                 {"role":"user","content":"and now"}]}"""));
        assertEquals("gpt-5.4 heard 2 words: and now (turn 2)", chat);
        assertEquals(chat, said(RESPONSES, ask(RESPONSES, "", """
                {"instructions":"be brief","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},
                 {"role":"assistant","content":[{"type":"output_text","text":"b"}]},
                 {"type":"function_call","call_id":"c1","name":"w","arguments":"{}"},
                 {"type":"function_call_output","call_id":"c1","output":"rain"},
                 {"type":"message","role":"user","content":[{"type":"input_text","text":"and "},
                                                           {"type":"input_text","text":"now"}]}]}""")));
        assertEquals(chat.replace("gpt-5.4", "claude-fable-5.1"), said(MESSAGES, ask(MESSAGES, "", """
                {"system":[{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}],
                 "messages":[{"role":"user","content":"a"},
                 {"role":"assistant","content":[{"type":"text","text":"b"},
                                                {"type":"tool_use","id":"t1","name":"w","input":{}}]},
                 {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"rain"},
                                           {"type":"text","text":"and "},{"type":"text","text":"now"}]}]}""")));
    }

    @ParameterizedTest
    @FieldSource("PATHS")
    void answerOptionAppliesToAllEndpoints(String path) {
        sim.set("answer", "always this");
        assertEquals("always this", said(path, ask(path, "say: that", "{}")));
        assertEquals("always this", said(path, stream(path, "say: that", "{}")));
    }

    @Test
    void tokensAreCountedAlike() {
        var prompt = "say: four words and more";
        var usage = ask(CHAT, prompt, "{}").json().path("usage");
        long in = usage.path("prompt_tokens").asLong(), out = usage.path("completion_tokens").asLong();
        assertTrue(in > 0 && out > 0, usage::toString);
        for (var bearer : List.of(ask(RESPONSES, prompt, "{}").json().path("usage"),
                stream(RESPONSES, prompt, "{}").only("response.completed").data.at("/response/usage"),
                ask(MESSAGES, prompt, "{}").json().path("usage"),
                stream(MESSAGES, prompt, "{}").only("message_delta").data.path("usage"))) {
            assertEquals(in, bearer.path("input_tokens").asLong(), bearer::toString);
            assertEquals(out, bearer.path("output_tokens").asLong(), bearer::toString);
        }
        assertEquals(in, stream(MESSAGES, prompt, "{}").only("message_start").data
                .at("/message/usage/input_tokens").asLong());
    }

    /// What a call costs is in each way's last event, and counted in the ledger.
    @Test
    void everyEndpointIsBilled() {
        assertTrue(ask(RESPONSES, "a", "{}").json().at("/copilot_usage/total_nano_aiu").asLong() > 0);
        assertTrue(stream(RESPONSES, "a", "{}").only("response.completed").data
                .at("/copilot_usage/total_nano_aiu").asLong() > 0);
        assertTrue(ask(MESSAGES, "a", "{}").json().at("/copilot_usage/total_nano_aiu").asLong() > 0);
        assertTrue(stream(MESSAGES, "a", "{}").only("message_delta").data
                .at("/copilot_usage/total_nano_aiu").asLong() > 0);
        assertEquals(2 * 1 + 2 * 7.5, sim.billed());
        headers.put("X-Initiator", "agent");
        stream(MESSAGES, "a", "{}");
        stream(RESPONSES, "a", "{}");
        assertEquals(17, sim.billed());
        assertEquals(3, sim.count(RESPONSES));
        var last = sim.ledger().getLast();
        assertEquals(List.of(200, "gpt-5.4", 0.0), List.of(last.status(), last.model(), last.billed()));
    }

    @Test
    void quotaIsInHeadersAndLastEvent() {
        var answer = stream(RESPONSES, "a", "{}");
        var header = "x-quota-snapshot-premium_interactions";
        assertTrue(answer.headers.firstValue(header).orElse("").startsWith("ent=1500&"));
        var quota = answer.only("response.completed").data.at("/copilot_quota_snapshots/premium_interactions");
        assertEquals("1500", quota.path("entitlement").asString());
        assertTrue(quota.path("entitlement").isString() && quota.path("reset_date").isString(), quota::toString);
        assertNotEquals(ask(MESSAGES, "a", "{}").headers.firstValue(header),
                ask(MESSAGES, "a", "{}").headers.firstValue(header), "it goes down");
    }

    @ParameterizedTest
    @FieldSource("PATHS")
    void expiredTokenIsRejectedEverywhere(String path) {
        sim.set("token-life", 0);
        refused(401, null, "unauthorized: token expired", post(path, body(path, "a", "{}")));
    }

    @ParameterizedTest
    @FieldSource("PATHS")
    void identityIsRequiredEverywhere(String path) {
        headers.keySet().removeAll(List.of("Editor-Version", "Copilot-Integration-Id"));
        refused(400, null, "missing Editor-Version header", post(path, body(path, "a", "{}")));
        headers.put("Editor-Version", "vscode/1");
        headers.put("Content-Type", "text/plain");
        refused(400, null, "Bad Request", post(path, body(path, "a", "{}")));
    }

    // ------------------------------------------------------------------------------------------------- the catalogue

    @ParameterizedTest
    @CsvSource({"gpt-5-mini, 110", "mai-code-1.1-flash, 100", "gpt-5.4, 110", "gpt-5.3-codex, 010", "gpt-5.4-mini, 010",
            "gpt-5.5, 110", "gpt-5.6-luna, 010", "claude-haiku-4.5, 101", "claude-sonnet-5, 101",
            "claude-opus-4.8, 101", "claude-fable-5.1, 001", "gemini-3.8-flash, 100", "kimi-k3, 100", "grok-4.7, 010",
            "text-embedding-3-small, 000"})
    void modelListNamesEndpoints(String model, String served) {
        for (int i = 0; i < PATHS.size(); i++) {
            var answer = post(PATHS.get(i), body(PATHS.get(i), "a", "{\"model\":\"%s\"}".formatted(model)));
            if (served.charAt(i) == '1') {
                assertEquals(200, answer.status, answer.text);
            } else {
                refused(400, "unsupported_api_for_model", (i == 1 ? "model %s is not supported via Responses API."
                        : "model \\\"%s\\\" is not accessible via the %s endpoint").formatted(model, PATHS.get(i)),
                        answer);
            }
        }
    }

    @Test
    void modelListMayBeStale() {
        sim.set("stale-endpoints", "gpt-5.4,claude-haiku-4.5:/v1/messages");
        refused(400, "unsupported_api_for_model", "gpt-5.4", post(CHAT, body(CHAT, "a", "{}")));
        assertEquals(200, post(RESPONSES, body(RESPONSES, "a", "{}")).status);
        var sonnet = "{\"model\":\"claude-haiku-4.5\"}";
        refused(400, "unsupported_api_for_model", "/v1/messages", post(MESSAGES, body(MESSAGES, "a", sonnet)));
        assertEquals(200, post(CHAT, body(CHAT, "a", sonnet)).status);
        assertTrue(get("/models/gpt-5.4").at("/supported_endpoints").toString().contains(CHAT), "it is still listed");
    }

    private JsonNode get(String path) {
        var request = HttpRequest.newBuilder(URI.create(sim.api() + path))
                .header("Authorization", "Bearer " + bearer());
        headers.forEach(request::setHeader);
        return send(request.build()).json();
    }

    @Test
    void disabledModelIsRejectedEverywhere() {
        var opus = "{\"model\":\"claude-opus-5\"}";
        for (String path : List.of(CHAT, MESSAGES)) {
            refused(400, "model_not_supported", "not supported", post(path, body(path, "a", opus)));
        }
        assertEquals(200, post("/models/claude-opus-5/policy", json("{\"state\":\"enabled\"}")).status);
        assertEquals(200, post(MESSAGES, body(MESSAGES, "a", opus)).status);
        refused(400, "unsupported_api_for_model", "not accessible", post(CHAT, body(CHAT, "a", opus)));
    }

    @Test
    void oldModelListHasChatModelsOnly() {
        sim.set("models", "old");
        var ids = get("/models").path("data").valueStream().map(m -> m.path("id").asString()).toList();
        assertTrue(ids.contains("gpt-5.4") && ids.contains("text-embedding-3-small"), ids::toString);
        assertTrue(Collections.disjoint(ids, List.of("gpt-5.3-codex", "gpt-5.4-mini", "claude-fable-5.1")),
                ids::toString);
    }

    // ------------------------------------------------------------------------------------------------- /responses

    @Test
    void responsesStream() {
        var answer = stream(RESPONSES, "say: one two", "{}");
        assertEquals(List.of("response.created", "response.in_progress", "response.output_item.added",
                "response.content_part.added", "response.output_text.delta", "response.output_text.delta",
                "response.output_text.done", "response.content_part.done", "response.output_item.done",
                "response.completed"), answer.types());
        var events = answer.events();
        for (int i = 0; i < events.size(); i++) {
            assertEquals(events.get(i).type(), events.get(i).name, "the event line says the type too");
            assertEquals(i, events.get(i).data.path("sequence_number").asInt());
        }
        var opened = answer.only("response.created").data.path("response");
        assertEquals("in_progress", opened.path("status").asString());
        assertTrue(opened.path("output").isEmpty() && opened.path("usage").isNull(), opened::toString);
        assertEquals("one two", answer.only("response.output_text.done").data.path("text").asString());
        var closed = answer.only("response.completed").data.path("response");
        assertEquals(List.of("completed", "gpt-5.4", "response"), List.of(closed.path("status").asString(),
                closed.path("model").asString(), closed.path("object").asString()));
        assertEquals("one two", closed.at("/output/0/content/0/text").asString());
        assertEquals("assistant", closed.at("/output/0/role").asString());
        assertFalse(answer.text.contains("[DONE]"), "it ends with response.completed");
    }

    /// Ids are encrypted again for every event: only output_index and content_index identify an item.
    @Test
    void responseIdsNeverMatch() {
        sim.set("reasoning", "some thought").set("finish", "tool_calls");
        var answer = stream(RESPONSES, "say: one two", "{\"include\":[\"reasoning.encrypted_content\"]}");
        var ids = new ArrayList<String>();
        for (var event : answer.events()) {
            for (var name : List.of("item_id", "id")) {
                event.data.findValues(name).forEach(id -> ids.add(id.asString()));
            }
        }
        assertTrue(ids.size() > 20, ids::toString);
        assertEquals(ids.size(), Set.copyOf(ids).size());
        ids.forEach(id -> assertTrue(id.length() >= 390 && id.length() <= 420, id));
        assertEquals(List.of(0, 1, 2), answer.events().stream().filter(e -> e.type().endsWith("output_item.done"))
                .map(e -> e.data.path("output_index").asInt()).toList());
    }

    @ParameterizedTest
    @CsvSource({"length, incomplete, max_output_tokens", "content_filter, incomplete, content_filter",
            "stop, completed, ''"})
    void responsesFinish(String finish, String status, String reason) {
        sim.set("finish", finish);
        for (var response : List.of(ask(RESPONSES, "say: a b", "{}").json(),
                stream(RESPONSES, "say: a b", "{}").only("response." + status).data.path("response"))) {
            assertEquals(status, response.path("status").asString());
            assertEquals(reason, response.at("/incomplete_details/reason").asString(""));
            assertEquals("a b", response.at("/output/0/content/0/text").asString());
            assertEquals(status, response.at("/output/0/status").asString());
        }
    }

    @Test
    void responsesStopAtLimit() {
        var answer = stream(RESPONSES, "say: " + "word ".repeat(100), "{\"max_output_tokens\":16}");
        assertEquals("max_output_tokens",
                answer.only("response.incomplete").data.at("/response/incomplete_details/reason").asString());
        assertTrue(said(RESPONSES, answer).length() <= 64, answer.text);
    }

    /// The limit includes the reasoning, which may leave no tokens for text.
    @Test
    void reasoningCountsTowardLimit() {
        var word = "say: " + "x".repeat(40);
        var answer = stream(RESPONSES, word, "{\"max_output_tokens\":16,\"reasoning\":{\"effort\":\"low\"}}");
        var response = answer.only("response.incomplete").data.path("response");
        assertEquals(List.of("reasoning"),
                response.path("output").valueStream().map(item -> item.path("type").asString()).toList());
        assertEquals("", said(RESPONSES, answer));
        assertEquals("x".repeat(40), said(RESPONSES, ask(RESPONSES, word, "{\"max_output_tokens\":16}")));
        answer = stream(MESSAGES, word, "{\"max_tokens\":12,\"thinking\":{\"type\":\"adaptive\"}}");
        assertEquals("max_tokens", answer.only("message_delta").data.at("/delta/stop_reason").asString());
        assertEquals("thinking", answer.only("content_block_start").data.at("/content_block/type").asString());
    }

    @Test
    void responsesFunctionCalls() {
        sim.set("finish", "tool_calls");
        var tools = """
                {"tools":[{"type":"function","name":"look_up","strict":false,
                 "parameters":{"type":"object","properties":{"city":{"type":"string"}}}}],"tool_choice":"auto"}""";
        var answer = stream(RESPONSES, "say: a", tools);
        var whole = ask(RESPONSES, "say: a", tools).json().at("/output/1");
        var pieces = answer.events().stream().filter(e -> e.type().equals("response.function_call_arguments.delta"))
                .map(e -> e.data.path("delta").asString()).collect(Collectors.joining());
        assertEquals("{\"city\":\"London\"}", pieces);
        assertEquals(pieces, answer.only("response.function_call_arguments.done").data.path("arguments").asString());
        var item = answer.only("response.completed").data.at("/response/output/1");
        for (var call : List.of(item, whole)) {
            assertEquals(List.of("function_call", "look_up", pieces, "call_simulated01"),
                    Stream.of("type", "name", "arguments", "call_id").map(f -> call.path(f).asString()).toList());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "{'effort':'low','summary':'auto'} | Thought about it with low effort.", "{'effort':'low'} | ''",
            "{'effort':'none','summary':'auto'} | NONE", "{} | NONE", "{'summary':'detailed'} | NONE"})
    void effortEnablesReasoning(String reasoning, String summary) {
        var fields = "{\"reasoning\":%s}".formatted(reasoning.replace('\'', '"'));
        var answer = stream(RESPONSES, "say: hi", fields);
        var output = ask(RESPONSES, "say: hi", fields).json().path("output");
        assertEquals(output.toString().replaceAll("\"id\":\"[^\"]*\"", ""), answer.only("response.completed").data
                .at("/response/output").toString().replaceAll("\"id\":\"[^\"]*\"", ""));
        if (summary.equals("NONE")) {
            assertEquals("message", output.at("/0/type").asString());
            assertFalse(answer.text.contains("reasoning_summary"));
            return;
        }
        assertEquals(List.of("reasoning", "message"),
                output.valueStream().map(item -> item.path("type").asString()).toList());
        assertEquals(summary, output.at("/0/summary/0/text").asString(""));
        assertEquals(summary.isEmpty() ? 0 : 1, output.at("/0/summary").size());
        assertEquals(summary, answer.events().stream().filter(e -> e.type().endsWith("reasoning_summary_text.delta"))
                .map(e -> e.data.path("delta").asString()).collect(Collectors.joining()));
        assertEquals("hi", said(RESPONSES, answer));
        var usage = ask(RESPONSES, "say: hi", fields).json().path("usage");
        assertTrue(usage.at("/output_tokens_details/reasoning_tokens").asLong() > 0
                && usage.path("output_tokens").asLong() > usage.at("/output_tokens_details/reasoning_tokens").asLong(),
                usage::toString);
    }

    @Test
    void emptyReasoningSummary() {
        sim.set("reasoning", "deep thought");
        assertEquals("deep thought", ask(RESPONSES, "a", "{}").json().at("/output/0/summary/0/text").asString());
        sim.set("summaries", false);
        var item = stream(RESPONSES, "a", "{}").only("response.completed").data.at("/response/output/0");
        assertEquals("reasoning", item.path("type").asString());
        assertTrue(item.path("summary").isArray() && item.path("summary").isEmpty(), item::toString);
    }

    /// Encrypted reasoning goes back with its own id or with none.
    @Test
    void reasoningCanBeSentBack() {
        var fields = "{\"reasoning\":{\"effort\":\"high\"},\"include\":[\"reasoning.encrypted_content\"]}";
        var item = (ObjectNode) stream(RESPONSES, "a", fields).events().stream()
                .filter(e -> e.type().equals("response.output_item.done")).findFirst().orElseThrow().data.path("item");
        assertTrue(item.path("encrypted_content").isString(), item::toString);
        assertEquals(200, replay(item.deepCopy()).status);
        assertEquals(200, replay(item.deepCopy().without("id")).status);
        refused(400, "invalid_request_body", "The encrypted content for item rs_1 could not be verified. Reason:",
                replay(item.deepCopy().put("id", "rs_1")));
        refused(400, "invalid_request_body", "could not be verified", replay(item.deepCopy().without("id")
                .put("encrypted_content", "made up")));
        assertFalse(ask(RESPONSES, "a", "{\"reasoning\":{\"effort\":\"high\"}}").text.contains("encrypted_content"));
    }

    private Answer replay(ObjectNode item) {
        var body = body(RESPONSES, "and then", "{}");
        body.withArray("input").insert(0, item);
        return post(RESPONSES, body);
    }

    @ParameterizedTest
    @ValueSource(strings = {"'store':false", "'store':null", "'instructions':'be brief'", "'truncation':'auto'",
            "'include':['reasoning.encrypted_content']", "'prompt_cache_key':'k'", "'parallel_tool_calls':false",
            "'max_output_tokens':16", "'max_output_tokens':null", "'top_logprobs':3", "'previous_response_id':null",
            "'reasoning':{'effort':'xhigh','summary':'concise'}", "'text':{'verbosity':'low'}",
            "'text':{'format':{'type':'text'}}",
            "'text':{'format':{'type':'json_schema','name':'x','schema':{'type':'object'}}}",
            "'text':{'format':{'type':'json_schema','name':'x','strict':true,'schema':{'type':'object',"
                    + "'properties':{'a':{'type':'string'}},'required':['a'],'additionalProperties':false}}}",
            "'text':{'format':{'type':'json_object'}},'input':[{'role':'user','content':[{'type':'input_text',"
                    + "'text':'as JSON'}]}]",
            "'tools':[{'type':'function','name':'f','strict':false,'parameters':{'type':'object'}}],"
                    + "'tool_choice':{'type':'function','name':'f'}",
            "'context_management':[{'type':'compaction','compact_threshold':1000}]", "'temperature':null",
            "'input':'hello'", "'input':[{'role':'user','content':'hello'}]", "'input':[{'role':'user','content':[]}]",
            "'input':[{'id':'msg_1','role':'user','content':[{'type':'input_text','text':'x'}]}]", "'temperature':1",
            "'tools':[{'type':'function','name':'f','parameters':{'type':'object','properties':{'a':{}}}}]",
            "'input':[{'role':'developer','content':[{'type':'input_text','text':'x'}]},"
                    + "{'role':'system','content':[{'type':'input_text','text':'x'}]},{'type':'web_search_call'}]"})
    void responsesAccept(String fields) { ask(RESPONSES, "a", "{%s}".formatted(fields.replace('\'', '"'))); }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "'max_tokens':100 | 400 | invalid_request_body | has moved to 'max_output_tokens'",
            "'max_completion_tokens':100 | 400 | invalid_request_body | 'max_output_tokens'",
            "'messages':[] | 400 | invalid_request_body | 'input'",
            "'response_format':{'type':'json_object'} | 400 | invalid_request_body | 'text.format'",
            "'reasoning_effort':'low' | 400 | invalid_request_body | 'reasoning.effort'",
            "'n':1 | 400 | invalid_request_body | n", "'stop':'x' | 400 | invalid_request_body | stop",
            "'seed':1 | 400 | invalid_request_body | seed", "'user':'x' | 400 | invalid_request_body | user",
            "'service_tier':'auto' | 400 | invalid_request_body | service_tier",
            "'stream_options':{} | 400 | invalid_request_body | stream_options",
            "'nonsense':null | 400 | invalid_request_body | nonsense",
            "'store':true | 400 | store_not_supported | store",
            "'previous_response_id':'resp_1' | 400 | previous_response_not_found | resp_1",
            "'max_output_tokens':15 | 400 | invalid_value | >= 16",
            "'max_output_tokens':128001 | 400 | invalid_value | <= 128000",
            "'max_output_tokens':'16' | 400 | invalid_request_body | max_output_tokens",
            "'temperature':0.5 | 400 | invalid_request_body | 'temperature' is not supported with this model",
            "'top_p':0.5 | 400 | invalid_request_body | 'top_p' is not supported with this model",
            "'temperature':3 | 400 | invalid_request_body | temperature",
            "'reasoning':{'effort':'max'} | 400 | invalid_request_body | 'max' is not supported with the 'gpt-5.4'",
            "'reasoning':{'effort':''} | 400 | invalid_request_body | Unsupported value: ''",
            "'reasoning':{'effort':'low','budget':1} | 400 | invalid_request_body | reasoning",
            "'reasoning':{'summary':'short'} | 400 | invalid_request_body | reasoning",
            "'reasoning':'low' | 400 | invalid_request_body | reasoning",
            "'truncation':'yes' | 400 | invalid_request_body | truncation",
            "'include':['everything'] | 400 | invalid_request_body | include",
            "'instructions':['x'] | 400 | invalid_request_body | instructions",
            "'text':{'format':{'type':'json_object'}} | 400 | invalid_request_body | must contain the word 'json'",
            "'text':{'format':{'type':'json_schema','schema':{}}} | 400 | invalid_request_body | text",
            "'text':{'format':{'type':'json_schema','name':'x','json_schema':{}}} | 400 | invalid_request_body | text",
            "'text':{'format':{'type':'json_schema','name':'x','strict':true,'schema':{'type':'object'}}} | 400 "
                    + "| invalid_request_body | text",
            "'text':{'verbosity':'loud'} | 400 | invalid_request_body | text",
            "'tools':[{'type':'function','function':{'name':'f'}}] | 400 | invalid_request_body | tools",
            "'tools':[{'type':'function','name':'f','strict':true,'parameters':{'type':'object',"
                    + "'properties':{'a':{}}}}] | 400 | invalid_request_body | Invalid schema for function 'f'",
            "'tool_choice':'auto' | 400 | invalid_request_body | tool_choice",
            "'input':7 | 400 | invalid_request_body | input", "'input':[] | 400 | invalid_request_body | input",
            "'input':['hello'] | 400 | invalid_request_body | input[0]",
            "'input':[{'role':'user','content':7}] | 400 | invalid_request_body | input[0].content",
            "'input':[{'role':'user'}] | 400 | invalid_request_body | input[0].content",
            "'input':[{'role':'user','content':[{'type':'text','text':'x'}]}] | 400 | invalid_value | 'text'",
            "'input':[{'role':'user','content':[{'type':'output_text','text':'x'}]}] | 400 | invalid_value "
                    + "| 'output_text'",
            "'input':[{'role':'assistant','content':[{'type':'input_text','text':'x'}]}] | 400 | invalid_value "
                    + "| 'input_text'",
            "'input':[{'role':'tool','content':[{'type':'input_text','text':'x'}]}] | 400 | invalid_value | 'tool'",
            "'input':[{'role':'user','name':'x','content':[]}] | 400 | invalid_request_body | 'input[0].name'",
            "'input':[{'type':'item_reference','id':'x'}] | 404 | not_found | ",
            "'input':[{'type':'no_such'}] | 400 | invalid_value | no_such",
            "'input':[{'type':'function_call_output','call_id':'c','output':'x'}] | 400 | invalid_request_body "
                    + "| No tool call found for function call output with call_id c",
            "'input':[{'type':'function_call','name':'f','arguments':'{}','call_id':'c'}] | 400 "
                    + "| invalid_request_body | No tool output found for function call c",
            "'input':[{'type':'function_call','name':'f','arguments':'{}','call_id':'"
                    + "0123456789012345678901234567890123456789012345678901234567890123456'}] | 400 "
                    + "| invalid_request_body | call_id"})
    void responsesReject(String fields, int status, String code, String words) {
        var body = body(RESPONSES, "a", "{%s}".formatted(fields.replace('\'', '"')));
        refused(status, code, words == null ? "" : words, post(RESPONSES, body));
        assertEquals(0, sim.billed());
    }

    @Test
    void tooLongPromptIsRejected() {
        var words = "word ".repeat(250_000);
        refused(400, "context_length_exceeded", "context window", post(RESPONSES, body(RESPONSES, words, "{}")
                .put("model", "gpt-5.4-mini")));
        refused(400, null, "tokens > 200000 maximum", post(MESSAGES, body(MESSAGES, words, "{}")));
        refused(400, "model_max_prompt_tokens_exceeded", "exceeds the limit of 128000", post(CHAT,
                body(CHAT, words, "{}").put("model", "claude-haiku-4.5")));
    }

    // ------------------------------------------------------------------------------------------------- /v1/messages

    @Test
    void messagesStream() {
        var answer = stream(MESSAGES, "say: one two", "{}");
        assertEquals(List.of("message_start", "content_block_start", "ping", "content_block_delta",
                "content_block_delta", "content_block_stop", "message_delta", "message_stop", ""), answer.types());
        answer.events().forEach(e -> assertEquals(e.type(), e.name));
        var start = answer.only("message_start").data.path("message");
        assertEquals(List.of("message", "assistant", "claude-fable-5.1"),
                Stream.of("type", "role", "model").map(f -> start.path(f).asString()).toList());
        assertTrue(start.path("stop_reason").isNull() && start.path("content").isEmpty(), start::toString);
        assertTrue(start.at("/usage/cache_read_input_tokens").isNumber(), start::toString);
        assertEquals("{\"type\":\"text\",\"text\":\"\"}",
                answer.only("content_block_start").data.path("content_block").toString());
        assertEquals("end_turn", answer.only("message_delta").data.at("/delta/stop_reason").asString());
        assertTrue(answer.text.endsWith("data: [DONE]\n\n"));
        sim.set("done", false);
        assertFalse(stream(MESSAGES, "say: one two", "{}").text.contains("[DONE]"));
    }

    @ParameterizedTest
    @CsvSource({"stop, end_turn", "length, max_tokens", "content_filter, refusal", "tool_calls, tool_use"})
    void messagesFinish(String finish, String reason) {
        sim.set("finish", finish);
        assertEquals(reason, ask(MESSAGES, "a", "{}").json().path("stop_reason").asString());
        assertEquals(reason,
                stream(MESSAGES, "a", "{}").only("message_delta").data.at("/delta/stop_reason").asString());
    }

    @Test
    void messagesStopSequences() {
        var stop = "{\"stop_sequences\":[\"END\",\"two\"]}";
        for (String path : List.of("", "/delta")) {
            var answer = path.isEmpty() ? ask(MESSAGES, "say: one two END", stop)
                    : stream(MESSAGES, "say: one two END", stop);
            assertEquals("one ", said(MESSAGES, answer));
            var end = path.isEmpty() ? answer.json() : answer.only("message_delta").data.path("delta");
            assertEquals("stop_sequence two", end.path("stop_reason").asString() + " "
                    + end.path("stop_sequence").asString());
        }
        var answer = stream(MESSAGES, "say: " + "word ".repeat(100), "{\"max_tokens\":10}");
        assertEquals("max_tokens", answer.only("message_delta").data.at("/delta/stop_reason").asString());
        assertTrue(said(MESSAGES, answer).length() <= 40);
    }

    @ParameterizedTest
    @ValueSource(strings = {"'thinking':{'type':'adaptive','display':'summarized'}",
            "'model':'claude-haiku-4.5','thinking':{'type':'enabled','budget_tokens':1024}"})
    void thinkingPrecedesText(String thinking) {
        var fields = "{%s}".formatted(thinking.replace('\'', '"'));
        var answer = stream(MESSAGES, "say: hi", fields);
        var kinds = answer.events().stream().filter(e -> e.type().equals("content_block_delta"))
                .map(e -> e.data.path("index").asInt() + e.data.at("/delta/type").asString()).distinct().toList();
        assertEquals(List.of("0thinking_delta", "0signature_delta", "1text_delta"), kinds);
        assertEquals("hi", said(MESSAGES, answer));
        var content = ask(MESSAGES, "say: hi", fields).json().path("content");
        assertEquals("Thought about it.", content.at("/0/thinking").asString());
        assertEquals("text", content.at("/1/type").asString());
        var replayed = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":%s},"
                + "{\"role\":\"user\",\"content\":\"b\"}]}";
        ask(MESSAGES, "", replayed.formatted(content));
        var forged = replayed.formatted(content.toString().replace("Thought", "Wrote"));
        refused(400, null, "Invalid `signature` in `thinking` block", post(MESSAGES, body(MESSAGES, "", forged)));
    }

    @Test
    void messagesToolUse() {
        sim.set("finish", "tool_calls");
        var tools = "{\"tools\":[{\"name\":\"look_up\",\"input_schema\":{\"type\":\"object\"}}]}";
        var answer = stream(MESSAGES, "say: a", tools);
        assertEquals("{\"city\":\"London\"}", answer.events().stream().map(e -> e.data.at("/delta/partial_json")
                .asString("")).collect(Collectors.joining()));
        var block = ask(MESSAGES, "say: a", tools).json().at("/content/1");
        assertEquals(List.of("tool_use", "look_up", "London"),
                Stream.of("/type", "/name", "/input/city").map(f -> block.at(f).asString()).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"'system':'be brief'", "'system':''", "'system':[{'type':'text','text':'x'}]",
            "'temperature':1", "'model':'claude-haiku-4.5','temperature':0", "'model':'claude-haiku-4.5','top_p':0.5",
            "'stop_sequences':[]", "'top_k':1", "'metadata':{'user_id':'x'}",
            "'model':'claude-haiku-4.5','thinking':{'type':'disabled'},'temperature':0.5",
            "'thinking':{'type':'adaptive'},'temperature':1",
            "'output_config':{'format':{'type':'json_schema','schema':{}}}", "'output_config':{'effort':'max'}",
            "'max_tokens':128000",
            "'messages':[{'role':'user','content':'a'},{'role':'user','content':'b'}]",
            "'tools':[{'name':'f','input_schema':{'type':'object'}}],'tool_choice':{'type':'tool','name':'f'}"})
    void messagesAccept(String fields) { ask(MESSAGES, "a", "{%s}".formatted(fields.replace('\'', '"'))); }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
            "'n':1 | n: Extra inputs are not permitted", "'seed':1 | seed: Extra", "'stop':'x' | stop: Extra",
            "'stream_options':{} | stream_options: Extra", "'max_completion_tokens':1 | max_completion_tokens: Extra",
            "'response_format':{} | response_format: Extra", "'service_tier':'x' | service_tier: Extra",
            "'reasoning_effort':'low' | reasoning_effort: Extra", "'nonsense':null | nonsense: Extra",
            "'context_management':{} | context_management: Extra inputs are not permitted",
            "'output_config':{'effort':'low','task':{}} | output_config.task: Extra",
            "'output_config':{'effort':7} | output_config.effort: Input should be a valid string",
            "'temperature':0.5 | `temperature` is deprecated for this model.",
            "'max_tokens':0 | max_tokens: Input should be greater than or equal to 1",
            "'max_tokens':128001 | max_tokens: 128001 > 128000", "'max_tokens':'9' | max_tokens: Input should be",
            "'temperature':1.1 | temperature: Input should be less than or equal to 1",
            "'temperature':-1 | temperature: Input should be greater than or equal to 0",
            "'top_p':2 | top_p: Input", "'temperature':null | temperature: Input should be a valid number",
            "'stream':'yes' | stream: Input should be a valid boolean",
            "'stop_sequences':'x' | stop_sequences: Input", "'stop_sequences':[' '] | non-whitespace",
            "'thinking':{'type':'adaptive'},'temperature':0.5 | `temperature` may only be set to 1",
            "'thinking':{'type':'enabled','budget_tokens':1023} | greater than or equal to 1024",
            "'thinking':{'type':'enabled','budget_tokens':4000} | must be greater than `thinking.budget_tokens`",
            "'thinking':{'type':'enabled'} | budget_tokens: Field required",
            "'thinking':{'type':'adaptive','budget_tokens':2000} | thinking.adaptive.budget_tokens: Extra",
            "'thinking':{'type':'on'} | thinking: Input tag", "'thinking':true | thinking: Input tag",
            "'model':'claude-haiku-4.5','thinking':{'type':'adaptive'} | adaptive thinking is not supported",
            "'model':'claude-haiku-4.5','temperature':0,'top_p':0.5 | cannot both be specified",
            "'system':7 | system: Input", "'system':['x'] | system.0",
            "'system':[{'type':'text','text':''}] | non-empty",
            "'messages':[] | at least one message is required", "'messages':'hello' | messages: Input",
            "'messages':[{'role':'system','content':'x'}] | Unexpected role \"system\"",
            "'messages':[{'role':'tool','content':'x'}] | messages.0.role: Input should be 'user' or 'assistant'",
            "'messages':[{'role':'user','content':'x','name':'y'}] | messages.0.name: Extra",
            "'messages':[{'role':'user','content':''}] | non-empty content",
            "'messages':[{'role':'user','content':' '}] | non-whitespace text",
            "'messages':[{'role':'user'}] | messages.0.content: Input",
            "'messages':[{'role':'user','content':[]}] | non-empty content",
            "'messages':[{'role':'user','content':[{'type':'text','text':''}]}] | must be non-empty",
            "'messages':[{'role':'user','content':[{'type':'input_text','text':'x'}]}] | Input tag 'input_text'",
            "'messages':[{'role':'user','content':[{'type':'image_url','image_url':{}}]}] | Input tag 'image_url'",
            "'messages':[{'role':'user','content':[{'type':'image','source':{'type':'url','url':'x'}}]}] | source",
            "'messages':[{'role':'assistant','content':'x'},{'role':'user','content':'x'}] | first message must use",
            "'messages':[{'role':'user','content':'x'},{'role':'assistant','content':'x'}] | assistant message prefill",
            "'messages':[{'role':'user','content':[{'type':'tool_result','tool_use_id':'t','content':'x'}]}] "
                    + "| unexpected `tool_use_id`",
            "'messages':[{'role':'user','content':'x'},{'role':'assistant','content':[{'type':'tool_use','id':'t',"
                    + "'name':'f','input':{}}]},{'role':'user','content':'y'}] | without `tool_result` blocks",
            "'tools':[{'type':'function','function':{'name':'f'}}] | tools.0.custom.function: Extra",
            "'tools':[{'name':'f'}] | tools.0.custom.input_schema: JSON schema is invalid",
            "'tools':[{'name':'f','input_schema':{'type':'object','$schema':'x'}}] | JSON schema is invalid",
            "'model':'claude-haiku-4.5','tools':[{'name':'f','eager_input_streaming':true,'input_schema':"
                    + "{'type':'object'}}] | tools.0.custom.eager_input_streaming: Extra",
            "'tools':[{'name':'f f','input_schema':{'type':'object'}}] | String should match pattern",
            "'system':[{'type':'text','text':'x','cache_control':{'type':'5m'}}] | should be 'ephemeral'",
            "'tool_choice':{'type':'auto'} | tool_choice",
            "'tools':[{'name':'f','input_schema':{'type':'object'}}],'tool_choice':'auto' | tool_choice: Input tag",
            "'thinking':{'type':'adaptive'},'tools':[{'name':'f','input_schema':{'type':'object'}}],"
                    + "'tool_choice':{'type':'any'} | Thinking may not be enabled"})
    void messagesReject(String fields, String words) {
        var body = body(MESSAGES, "a", "{%s}".formatted(fields.replace('\'', '"')));
        var answer = post(MESSAGES, body);
        assertEquals(400, answer.status, answer.text);
        assertTrue(answer.json().path("message").asString("").contains(words), answer.text);
        sim.set("messages-errors", "anthropic");
        var error = post(MESSAGES, body).json();
        assertEquals("error invalid_request_error", error.path("type").asString() + " "
                + error.at("/error/type").asString());
        assertEquals(answer.json().path("message"), error.at("/error/message"));
        assertEquals(0, sim.billed());
    }

    @ParameterizedTest
    @ValueSource(strings = {"max_tokens", "messages"})
    void messagesRequire(String field) {
        refused(400, null, field + ": Field required", post(MESSAGES, body(MESSAGES, "a", "{}").without(field)));
    }

    @ParameterizedTest
    @CsvSource({"/responses", "/v1/messages"})
    void onlyChatMayOmitModel(String path) {
        refused(400, "model_not_supported", "not supported", post(path, body(path, "a", "{}").without("model")));
        assertEquals(200, post(CHAT, body(CHAT, "a", "{}").without("model")).status);
    }

    /// No source shows that it must be there, or that a newer one is refused.
    @Test
    void messagesNeedNoAnthropicVersion() {
        headers.put("anthropic-version", "2026-10-21");
        ask(MESSAGES, "a", "{}");
        headers.remove("anthropic-version");
        ask(MESSAGES, "a", "{}");
    }

    @Test
    void unknownBetasAreRejected() {
        headers.put("anthropic-beta", "interleaved-thinking-2025-05-14, context-management-2025-06-27");
        ask(MESSAGES, "a", "{\"context_management\":{\"edits\":[]}}");
        headers.put("anthropic-beta", "interleaved-thinking-2025-05-14, made-up");
        refused(400, "invalid_request_body", "unsupported beta header(s): made-up",
                post(MESSAGES, body(MESSAGES, "a", "{}")));
    }

    @Test
    void atMostFourCacheControls() {
        var mark = "{\"type\":\"text\",\"text\":\"x\",\"cache_control\":{\"type\":\"ephemeral\"}}";
        var messages = "{\"messages\":[{\"role\":\"user\",\"content\":[%s]}]}";
        ask(MESSAGES, "", messages.formatted(String.join(",", Collections.nCopies(4, mark))));
        refused(400, null, "A maximum of 4 blocks with cache_control", post(MESSAGES, body(MESSAGES, "",
                messages.formatted(String.join(",", Collections.nCopies(5, mark))))));
    }

    // ------------------------------------------------------------------------------------------------- images

    private static ObjectNode picture(String path, String type, String base64, int count) {
        var text = switch (path) {
            case CHAT -> "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:%s;base64,%s\"}}";
            case RESPONSES -> "{\"type\":\"input_image\",\"image_url\":\"data:%s;base64,%s\",\"detail\":\"auto\"}";
            default -> "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"%s\",\"data\":\"%s\"}}";
        };
        var part = (path.equals(RESPONSES) ? "{\"type\":\"input_text\",\"text\":\"%s\"}"
                : "{\"type\":\"text\",\"text\":\"%s\"}").formatted("what is it?");
        var parts = String.join(",", Collections.nCopies(count, text.formatted(type, base64)));
        return body(path, "", "{\"%s\":[{\"role\":\"user\",\"content\":[%s,%s]}]}".formatted(
                path.equals(RESPONSES) ? "input" : "messages", part, parts));
    }

    @ParameterizedTest
    @FieldSource("PATHS")
    void imagesAreAccepted(String path) {
        refused(400, "", "missing required Copilot-Vision-Request header",
                post(path, picture(path, "image/png", DOT, 1)));
        headers.put("Copilot-Vision-Request", "true");
        var answer = post(path, picture(path, "image/png", DOT, 1));
        assertEquals(200, answer.status, answer.text);
        assertTrue(said(path, answer).endsWith("heard 3 words: what is it?"), answer.text);
        refused(400, "invalid_request_body", "image/bmp", post(path, picture(path, "image/bmp", DOT, 1)));
        refused(400, "invalid_request_body", "base64", post(path, picture(path, "image/png", "!!!", 1)));
        refused(400, "invalid_request_body", "more than", post(path, picture(path, "image/png", DOT, 6)));
        var large = Base64.getEncoder().encodeToString(new byte[3_145_729]);
        refused(413, "", "failed to parse request", post(path, picture(path, "image/png", large, 1)));
    }

    @Test
    void imagesNeedVisionModel() {
        headers.put("Copilot-Vision-Request", "true");
        refused(400, "invalid_request_body", "sees no images",
                post(CHAT, picture(CHAT, "image/png", DOT, 1).put("model", "gpt-4o-mini")));
        refused(400, "invalid_request_body", "", post(RESPONSES, body(RESPONSES, "", """
                {"input":[{"role":"user","content":[{"type":"input_image","image_url":"file:///x.png"}]}]}
                """)));
    }

    // ------------------------------------------------------------------------------------------------- odd bodies

    private static final List<List<String>> LARGE = List.of(List.of(CHAT, """
            {"messages":[{"role":"user","content":[{"type":"text","text":"a"},
              {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]},
             {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",
              "function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"x"}],
             "stop":["x"],"max_completion_tokens":9,"n":2,"reasoning_effort":"low","stream":true,"stream_options":{},
             "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}},
             "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}"""),
            List.of(RESPONSES, """
            {"input":[{"role":"user","content":[{"type":"input_text","text":"a"},
              {"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"},
              {"type":"input_image","image_url":"https://x.test/a.png"},
              {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}]},
             {"role":"assistant","content":[{"type":"output_text","text":"b","annotations":[]}]},
             {"type":"reasoning","summary":[],"encrypted_content":"gAAAAAB"},
             {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
             {"type":"function_call_output","call_id":"c","output":"x"}],"instructions":"x","stream":true,
             "max_output_tokens":16,"reasoning":{"effort":"low","summary":"auto"},"include":[],"store":false,
             "text":{"format":{"type":"json_schema","name":"x","schema":{"type":"object"}},"verbosity":"low"},
             "tools":[{"type":"function","name":"f","strict":false,"parameters":{"type":"object"}}],
             "tool_choice":{"type":"function","name":"f"},"context_management":[{"type":"compaction"}]}"""),
            List.of(MESSAGES, """
            {"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}],"stream":true,
             "messages":[{"role":"user","content":[{"type":"text","text":"a"},
              {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},
              {"type":"image","source":{"type":"url","url":"https://x.test/a.png"}},
              {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}]},
             {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":false,
              "content":[{"type":"text","text":"x"},{"type":"tool_reference","tool_name":"f"}]}]}],
             "stop_sequences":["x"],"temperature":1,"thinking":{"type":"adaptive","display":"summarized"},
             "output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}},
             "cache_control":{"type":"ephemeral"},
             "tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto"}}"""));

    /// Each value of a large body in turn, put otherwise, is answered or refused: the simulator has no accident.
    @ParameterizedTest
    @FieldSource("LARGE")
    void anyBodyGetsAResponse(List<String> large) {
        headers.put("Copilot-Vision-Request", "true");
        var path = large.getFirst();
        ask(path, "", large.getLast());
        var outcomes = new TreeMap<Integer, Integer>();
        for (var pointer : pointers(body(path, "", large.getLast()), "")) {
            for (String other : List.of("null", "7", "\"x\"", "\"\"", "[]", "{}", "[null]", "[[{}]]", "{\"type\":7}",
                    "true", "-1e99")) {
                var body = body(path, "", large.getLast());
                var name = pointer.substring(pointer.lastIndexOf('/') + 1);
                switch (body.at(pointer.substring(0, pointer.lastIndexOf('/')))) {
                    case ObjectNode parent -> parent.set(name, JSON.readTree(other));
                    case JsonNode parent -> ((ArrayNode) parent).set(Integer.parseInt(name), JSON.readTree(other));
                }
                var answer = post(path, body);
                outcomes.merge(answer.status, 1, Integer::sum);
                assertTrue(Set.of(200, 400, 404).contains(answer.status), () -> answer.text + "\n" + body);
            }
        }
        assertTrue(outcomes.get(400) > 2 * outcomes.get(200), outcomes::toString);
    }

    private static List<String> pointers(JsonNode node, String at) {
        var found = new ArrayList<String>();
        for (int i = 0; i < node.size() && node.isArray(); i++) found.add(at + "/" + i);
        node.propertyNames().forEach(name -> found.add(at + "/" + name));
        for (var pointer : List.copyOf(found)) found.addAll(pointers(node.at(pointer.substring(at.length())), pointer));
        return found;
    }

    // ------------------------------------------------------------------------------------------------- faults

    /// Refusals come before the endpoint has a say.
    @ParameterizedTest
    @FieldSource("PATHS")
    void faultsApplyToAllEndpoints(String path) {
        sim.set("faults", "429:5,503,reset-before,422");
        var limited = post(path, body(path, "a", "{}"));
        refused(429, "rate_limited", "rate limit", limited);
        assertEquals("5", limited.headers.firstValue("Retry-After").orElse(""));
        assertEquals(503, post(path, body(path, "a", "{}")).status);
        assertEquals(0, post(path, body(path, "a", "{}")).status);
        assertEquals(422, post(path, body(path, "a", "{}")).status);
        ask(path, "a", "{}");
    }

    /// The text before the fault, and its form.
    @ParameterizedTest
    @CsvSource({"reset-mid, one two, true, ''", "reset-end, one two three four, true, ''",
            "eof, one two three four, false, ''", "eof-empty, '', false, ''", "truncated-json, one two, false, ''",
            "error-first, '', false, error", "error-chunk, one two, false, error",
            "copilot-errors, one two, false, error", "finish-error, one two three four, false, failed"})
    void brokenStreams(String fault, String text, boolean broken, String end) {
        for (String path : PATHS) {
            sim.set("faults", fault);
            var answer = stream(path, "say: one two three four", "{}");
            var types = answer.types();
            assertEquals(text, said(path, answer).strip(), path + ": " + answer.text);
            assertEquals(broken, answer.broken, path);
            assertTrue(Collections.disjoint(types, List.of("response.completed", "message_stop")), types::toString);
            switch (path) {
                case CHAT -> assertEquals(fault.equals("finish-error"),
                        answer.text.contains("\"finish_reason\":\"error\""));
                case RESPONSES -> assertEquals(end.replace("failed", "response.failed"),
                        end.isEmpty() ? "" : answer.types().getLast());
                default -> assertEquals(end.replace("failed", "error"),
                        end.isEmpty() ? "" : answer.types().stream().filter(t -> !t.isEmpty()).toList().getLast());
            }
        }
    }

    @Test
    void errorsWithinStream() {
        sim.set("faults", "error-chunk,copilot-errors,finish-error,error-chunk,copilot-errors");
        var error = stream(RESPONSES, "say: a b", "{}").events().getLast();
        assertEquals("error", error.name);
        assertEquals("internal_error", error.data.path("code").asString());
        assertTrue(error.data.path("sequence_number").asInt() > 3 && error.data.has("param"), error::toString);
        error = stream(RESPONSES, "say: a b", "{}").events().getLast();
        assertEquals("internal_error", error.data.at("/error/code").asString(), "as over a WebSocket");
        var failed = stream(RESPONSES, "say: a b", "{}").only("response.failed").data.path("response");
        assertEquals("failed server_error",
                failed.path("status").asString() + " " + failed.at("/error/code").asString());
        assertEquals("api_error", stream(MESSAGES, "say: a b", "{}").only("error").data.at("/error/type").asString());
        assertEquals("overloaded_error",
                stream(MESSAGES, "say: a b", "{}").only("error").data.at("/error/type").asString());
        assertEquals(0, sim.billed());
    }

    @Test
    void failuresOfUnstreamedReplies() {
        sim.set("faults", "finish-error,error-chunk,truncated-json,reset-mid");
        var failed = ask(RESPONSES, "a", "{}").json();
        assertEquals("failed server_error",
                failed.path("status").asString() + " " + failed.at("/error/code").asString());
        assertEquals("error", ask(MESSAGES, "a", "{}").json().path("type").asString());
        assertTrue(ask(MESSAGES, "a", "{}").text.startsWith("{\"id\":\"msg_"));
        assertTrue(ask(RESPONSES, "a", "{}").broken);
    }

    // ------------------------------------------------------------------------------------------------- the transport

    private static final List<List<Object>> TRANSPORTS = List.of(List.of("chunk", 1), List.of("chunk", 7),
            List.of("newline", "crlf"), List.of("newline", "cr"), List.of("space", false), List.of("comments", true),
            List.of("bom", true), List.of("malformed", true), List.of("usage", "none"), List.of("usage", "own-chunk"),
            List.of("responses-done", true), List.of("done", false), List.of("drip", 1), List.of("latency", 1));

    @ParameterizedTest
    @FieldSource("TRANSPORTS")
    void transportVariants(List<Object> setting) {
        sim.set((String) setting.getFirst(), setting.getLast()).set("reasoning", "a thought");
        for (String path : PATHS) {
            var answer = stream(path, "say: äöü 🙂 two\nthree", "{}");
            assertEquals("äöü 🙂 two\nthree", said(path, answer), path);
            assertFalse(answer.broken);
        }
    }

    @Test
    void lastLineMayLackNewline() {
        sim.set("last-newline", false);
        var text = stream(RESPONSES, "a", "{}").text;
        assertTrue(text.contains("\nevent: response.completed\ndata: {") && text.endsWith("}"), text);
    }

    @Test
    void doneAfterResponsesIsOptional() {
        sim.set("responses-done", true);
        assertTrue(stream(RESPONSES, "a", "{}").text.endsWith("data: [DONE]\n\n"));
    }
}
