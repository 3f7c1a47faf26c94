package cop;

import module java.base;
import cop.Dialog.*;
import cop.copilot.Model;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Requests of Anthropic's Messages API, as a dialog and back.
final class MessagesDialog {
    /// What has no effect on the answer's meaning; anything unknown is ignored as well.
    private static final Set<String> READ = Set.of("model", "stream", "messages", "system", "tools", "tool_choice",
            "max_tokens", "temperature", "top_p", "stop_sequences", "thinking", "output_config", "output_format");

    // ------------------------------------------------------------------------------------------------- to read

    static Dialog read(ObjectNode body) {
        var dialog = new Dialog(ApiProtocol.MESSAGES, body);
        if (body.path("thread").isObject()) throw MessagesRepairs.threads();
        body.properties().forEach(field -> {
            if (READ.contains(field.getKey())) return;
            if (Set.of("mcp_servers", "container").contains(field.getKey()) && !isEmpty(field.getValue())) {
                throw ApiRefusal.invalid("unsupported_parameter", field.getKey() + ": Copilot does not support it");
            }
            dialog.ignore(field.getKey());
        });
        dialog.add(Role.SYSTEM, parts(dialog, body.path("system"), "system"));
        if (!body.path("messages").isArray()) throw ApiRefusal.invalid("messages: a list is required");
        int index = 0;
        for (var message : body.path("messages")) {
            String at = "messages." + index++;
            var role = switch (Json.text(message, "role")) {
                case "user" -> Role.USER;
                case "assistant" -> Role.ASSISTANT;
                case "system" -> Role.SYSTEM;
                default -> throw ApiRefusal.invalid(at + ".role: user, assistant, or system is expected");
            };
            dialog.add(role, parts(dialog, message.path("content"), at + ".content"));
        }
        tools(dialog);
        settings(dialog);
        return dialog;
    }

    private static boolean isEmpty(JsonNode value) { return value.isNull() || value.isArray() && value.isEmpty(); }

    private static List<Part> parts(Dialog dialog, JsonNode content, String at) {
        if (content.isString()) return List.of(new TextPart(content.asString()));
        var parts = new ArrayList<Part>();
        int index = 0;
        for (var block : content) parts.addAll(part(dialog, block, at + "." + index++).stream().toList());
        return parts;
    }

    private static Optional<Part> part(Dialog dialog, JsonNode block, String at) {
        return switch (Json.text(block, "type")) {
            case "text" -> Optional.of(new TextPart(Json.text(block, "text"), block.path("cache_control").isObject()));
            case "image" -> Optional.of(new ImagePart(url(block.path("source"), at, "image")));
            case "document" -> {
                if (Json.text(block.path("source"), "type").equals("text")) {
                    yield Optional.of(new TextPart(Text.paragraphs(Json.text(block, "title"),
                            Json.text(block.path("source"), "data"))));
                }
                yield Optional.of(new FilePart(block.path("title").asString("document.pdf"),
                        url(block.path("source"), at, "document")));
            }
            case "thinking" -> Optional.of(new ThinkingPart(Json.text(block, "thinking"),
                    Json.text(block, "signature")));
            case "redacted_thinking" -> Optional.of(new ThinkingPart("", Json.text(block, "data")));
            case "tool_use" -> Optional.of(new CallPart(Json.text(block, "id"), Json.text(block, "name"),
                    Json.compact(block.path("input").isObject() ? block.path("input") : Json.object()), false));
            case "tool_result" -> Optional.of(new ResultPart(Json.text(block, "tool_use_id"),
                    parts(dialog, block.path("content"), at + ".content"), block.path("is_error").asBoolean(false)));
            case "tool_reference" -> Optional.of(new TextPart(Json.text(block, "tool_name")));
            default -> throw ApiRefusal.invalid(at + ".type: " + Text.shortened(Text.printable(Json.text(block,
                    "type")), 60) + " has no equivalent in the API of this model");
        };
    }

    private static String url(JsonNode source, String at, String what) {
        return switch (Json.text(source, "type")) {
            case "base64" -> "data:" + Json.text(source, "media_type") + ";base64," + Json.text(source, "data");
            case String type when type.equals("url") && what.equals("image") -> Json.text(source, "url");
            default -> throw ApiRefusal.invalid(at + ".source: Copilot takes base64 data for " + what + "s");
        };
    }

    private static void tools(Dialog dialog) {
        int index = 0;
        for (var tool : dialog.body.path("tools")) {
            String at = "tools." + index++, type = Json.text(tool, "type");
            if (!type.isEmpty() && !type.equals("custom")) {
                throw ApiRefusal.invalid(at + ".type: " + Text.shortened(Text.printable(type), 60) + " is a tool of"
                        + " Anthropic's, which this model does not have");
            }
            dialog.tools.add(new Tool(Json.text(tool, "name"), Json.text(tool, "description"),
                    tool.path("input_schema"), false, false));
        }
        var choice = dialog.body.path("tool_choice");
        String kind = Json.text(choice, "type");
        if (!kind.isEmpty()) dialog.choice = new Choice(kind, Json.text(choice, "name"));
        dialog.parallel = !choice.path("disable_parallel_tool_use").asBoolean(false);
    }

    private static void settings(Dialog dialog) {
        var body = dialog.body;
        if (body.path("max_tokens").isNumber()) dialog.maxTokens = body.path("max_tokens").asLong();
        dialog.temperature = body.path("temperature").isNumber() ? body.get("temperature") : null;
        dialog.topP = body.path("top_p").isNumber() ? body.get("top_p") : null;
        body.path("stop_sequences").forEach(stop -> dialog.stop.add(stop.asString("")));
        var thinking = body.path("thinking");
        String asked = Json.text(body.path("output_config"), "effort");
        dialog.effort = switch (Json.text(thinking, "type")) {
            case "disabled" -> "none";
            case "enabled" -> asked.isEmpty() ? Dialog.effortOf(thinking.path("budget_tokens").asLong(0)) : asked;
            default -> asked;
        };
        var format = body.path("output_config").path("format");
        if (!format.isObject()) format = body.path("output_format");
        var schema = format.has("schema") ? format.path("schema") : format.path("json_schema").path("schema");
        if (schema.isObject()) {
            dialog.format = new Format(format.path("name").asString("answer"), schema, isClosed(schema));
        }
    }

    /// Returns whether OpenAI takes a schema as strict: its objects require all their properties, and allow no others.
    private static boolean isClosed(JsonNode schema) {
        var properties = schema.path("properties");
        var required = schema.path("required").valueStream().map(each -> each.asString("")).toList();
        boolean open = schema.path("additionalProperties").asBoolean(true)
                || !required.containsAll(properties.propertyNames());
        boolean object = Json.text(schema, "type").equals("object") || properties.isObject();
        return !(object && open) && Stream.of("properties", "$defs").flatMap(field -> schema.path(field).valueStream())
                .allMatch(MessagesDialog::isClosed) && (!schema.has("items") || isClosed(schema.path("items")))
                && schema.path("anyOf").valueStream().allMatch(MessagesDialog::isClosed);
    }

    // ------------------------------------------------------------------------------------------------- to write

    static ObjectNode write(Dialog dialog, Model model) {
        var body = Json.object().put("model", model.id());
        body.put("max_tokens", dialog.maxTokens != null ? dialog.maxTokens : model.maxOutputTokens(dialog.stream));
        body.put("stream", dialog.stream);
        boolean agent = !dialog.tools.isEmpty();
        writeSystem(dialog, body, agent);
        var messages = body.putArray("messages");
        dialog.rest().forEach(turn -> write(turn, messages, model));
        if (agent) mark(messages.path(messages.size() - 1).path("content"));
        if (agent) writeTools(dialog, body);
        if (!dialog.stop.isEmpty()) dialog.stop.forEach(body.putArray("stop_sequences")::add);
        if (dialog.format != null && dialog.format.schema() != null) body.withObject("/output_config")
                .putObject("format").put("type", "json_schema").set("schema", dialog.format.schema());
        boolean thinks = think(dialog, body, model);
        if (thinks && dialog.temperature != null) dialog.notes.add("dropped temperature: the model thinks");
        else if (dialog.temperature != null) body.set("temperature", dialog.temperature);
        if (dialog.topP != null && !thinks) body.set("top_p", dialog.topP);
        return body;
    }

    private static void writeSystem(Dialog dialog, ObjectNode body, boolean agent) {
        var texts = new ArrayList<>(dialog.head().stream().map(TextPart::text).filter(text -> !text.isBlank())
                .toList());
        if (dialog.format != null && dialog.format.schema() == null) {
            texts.add(Dialog.ONE_OBJECT);        // there is no mode for it
            dialog.notes.add("asked for a JSON object in words");
        }
        if (texts.isEmpty()) return;
        var system = body.putArray("system");
        texts.forEach(text -> system.add(text(text)));
        if (agent) mark(system);
    }

    /// Lets Claude cache a long conversation of an agent, as OpenAI's models do unasked.
    private static void mark(JsonNode blocks) {
        if (blocks.path(blocks.size() - 1) instanceof ObjectNode last && !Json.text(last, "type").equals("thinking")) {
            last.putObject("cache_control").put("type", "ephemeral");
        }
    }

    private static ObjectNode text(String text) { return Json.object().put("type", "text").put("text", text); }

    /// Adds a turn; neighbors of one role become one message, results of tools first.
    private static void write(Turn turn, ArrayNode messages, Model model) {
        String role = turn.role() == Role.ASSISTANT ? "assistant" : "user";
        var results = JsonNodeFactory.instance.arrayNode();
        var others = JsonNodeFactory.instance.arrayNode();
        for (var part : turn.parts()) {
            (part instanceof ResultPart ? results : others).addAll(blocks(part, turn.role(), model));
        }
        results.addAll(others);
        if (results.isEmpty()) return;
        if (messages.path(messages.size() - 1) instanceof ObjectNode last && Json.text(last, "role").equals(role)) {
            last.withArray("content").addAll(results);
        } else {
            messages.addObject().put("role", role).set("content", results);
        }
    }

    private static ArrayNode blocks(Part part, Role role, Model model) {
        var blocks = JsonNodeFactory.instance.arrayNode();
        switch (part) {
            case TextPart text when text.text().isBlank() -> { }           // it is refused
            // The model must not take it for its own words, nor for the person's
            case TextPart text when role == Role.SYSTEM -> blocks.add(text("<system-reminder>\n" + text.text()
                    + "\n</system-reminder>"));
            case TextPart text -> blocks.add(text(role == Role.ASSISTANT ? text.text().stripTrailing() : text.text()));
            case ImagePart image -> blocks.addObject().put("type", "image").set("source", source(image.url()));
            case FilePart file -> blocks.addObject().put("type", "document").put("title", file.name())
                    .set("source", source(file.data()));
            case ThinkingPart thinking -> Seal.open(model.id(), thinking.seal()).ifPresent(blocks::add);
            case CallPart call -> blocks.addObject().put("type", "tool_use").put("id", id(call.id()))
                    .put("name", call.name()).set("input", input(Dialog.arguments(call)));
            case ResultPart result -> {
                var block = blocks.addObject().put("type", "tool_result").put("tool_use_id", id(result.callId()));
                if (result.isError()) block.put("is_error", true);
                var content = block.putArray("content");
                result.content().forEach(each -> content.addAll(blocks(each, Role.USER, model)));
            }
        }
        return blocks;
    }

    private static ObjectNode source(String url) {
        String[] data = url.split("[:;,]", 4);              // data:image/png;base64,AAAA
        boolean inline = data.length == 4 && data[0].equals("data") && data[2].equals("base64");
        if (!inline) throw ApiRefusal.invalid("image_url: Copilot takes base64 data for images of this model, no URLs");
        return Json.object().put("type", "base64").put("media_type", data[1]).put("data", data[3]);
    }

    /// Anthropic's ids have letters, digits, `_` and `-` alone.
    private static String id(String id) { return id.replaceAll("[^\\w-]", "_"); }

    /// Keeps arguments that are no object, as a model may have written them.
    private static JsonNode input(String arguments) {
        return Json.tryParse(arguments) instanceof ObjectNode object ? object : Json.object().put("arguments",
                arguments);
    }

    private static void writeTools(Dialog dialog, ObjectNode body) {
        var tools = body.putArray("tools");
        for (var tool : dialog.tools) {
            tools.addObject().put("name", tool.name()).put("description", tool.description()).set("input_schema",
                    tool.custom() ? Dialog.customSchema() : Dialog.objectSchema(tool.schema()));
        }
        if (dialog.choice == null && dialog.parallel) return;
        var choice = body.putObject("tool_choice").put("type", dialog.choice == null ? "auto" : dialog.choice.kind());
        if (dialog.choice != null && dialog.choice.kind().equals("tool")) choice.put("name", dialog.choice.name());
        boolean none = Json.text(choice, "type").equals("none");
        if (!dialog.parallel && !none) choice.put("disable_parallel_tool_use", true);
    }

    /// Newer models take an effort, older ones a budget; neither goes with a forced tool.
    private static boolean think(Dialog dialog, ObjectNode body, Model model) {
        boolean forced = dialog.choice != null && Set.of("any", "tool").contains(dialog.choice.kind());
        if (dialog.effort.isEmpty() || dialog.effort.equals("none") || forced) return false;
        long most = body.path("max_tokens").asLong() - 1;
        if (model.supports("adaptive_thinking")) {
            body.putObject("thinking").put("type", "adaptive").put("display", "summarized");
            String effort = dialog.effort(model);
            if (!effort.isEmpty()) body.withObject("/output_config").put("effort", effort);
            return true;
        }
        if (!model.thinksByBudget() || most < 1024 || lacksThoughts(body.path("messages"))) return false;
        body.putObject("thinking").put("type", "enabled").put("budget_tokens", Math.min(most,
                model.thinkingBudget(dialog.effort)));
        return true;
    }

    /// With a budget, the calls that are answered must come with the thoughts before them, which few clients keep.
    private static boolean lacksThoughts(JsonNode messages) {
        int last = messages.size() - 1;
        boolean answers = messages.path(last).path("content").valueStream().anyMatch(block -> block.has("tool_use_id"));
        return answers && !Json.text(messages.path(last - 1).path("content").path(0), "type").endsWith("thinking");
    }
}
