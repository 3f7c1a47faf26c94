package cop;

import module java.base;
import cop.copilot.Model;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// What `serve` sends for a client's request, and what the client gets, without a server: pass-through, repairs, and
/// the translations between the three APIs. Bodies are tried on the simulator, which refuses what Copilot refuses.
class ServeTranslations {
    private Harness cop;

    @AfterEach
    void close() { if (cop != null) cop.close(); }

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

    private static final String C = "/chat/completions", R = "/responses", M = "/v1/messages";
    private static final Map<String, String> MODELS = Map.of(
            "gpt-5-mini", C + "," + R + " - minimal low medium high",
            "gpt-5.4-mini", R + " - none low medium high xhigh",
            "claude-haiku-4.5", C + "," + M + " budget",
            "claude-sonnet-5", M + "," + C + " adaptive low medium high max",
            "claude-opus-5", M + " adaptive low medium high xhigh max", "claude-opus-5-1m", M + " adaptive low high",
            "gemini-3.8-flash", C + " -", "kimi-k3", C + " - low high max", "text-embedding-3-small", "/embeddings -");

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
        for (int seed = 0; seed < 4000; seed++) {
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
    @CsvSource(delimiter = '|', value = {"'' | an object is expected", "[] | an object is expected", "{ | line 1",
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
                .getBytes(StandardCharsets.UTF_16BE), HttpFields.of(Map.of()), ServeTranslations::model)).status());
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

    // ------------------------------------------------------------------------------------------- pass-through

    @Test
    void whatNeedsNoRepairPassesAsItIs() {
        byte[] body = utf8("{ \"model\" : \"claude-opus-5\",\n \"max_tokens\": 1.0e2, \"messages\":[{\"role\":\"user\","
                + "\"content\":\"\\u00e9 é\"}] }");
        var translation = Translations.of(ApiProtocol.MESSAGES, body, HttpFields.of(Map.of()),
                ServeTranslations::model);
        assertSame(body, translation.body());
        assertEquals(Map.of("X-Initiator", "user", "anthropic-version", "2023-06-01"), translation.headers());
    }
}
