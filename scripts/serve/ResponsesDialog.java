package cop;

import module java.base;
import cop.Dialog.*;
import cop.copilot.Model;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Requests of OpenAI's Responses API, as a dialog and back. Nothing is stored.
final class ResponsesDialog {
    private static final String NAMESPACE = "__";
    private static final Set<String> READ = Set.of("model", "stream", "input", "instructions", "tools", "tool_choice",
            "parallel_tool_calls", "max_output_tokens", "temperature", "top_p", "text", "reasoning", "include", "store",
            "truncation");
    static final long LEAST_OUTPUT = 16;

    // ------------------------------------------------------------------------------------------------- to read

    static Dialog read(JsonSpan request, ObjectNode body, Model model, ApiProtocol upstream) {
        ResponsesRepairs.refuseStored(request);
        var dialog = new Dialog(ApiProtocol.RESPONSES, body);
        body.properties().forEach(field -> {
            if (READ.contains(field.getKey()) || field.getValue().isNull()) return;
            if (field.getKey().equals("top_logprobs") && field.getValue().asLong(0) > 0) {
                throw Dialog.noEquivalent(field.getKey(), model, upstream);
            }
            dialog.ignore(field.getKey());
        });
        if (body.path("instructions").isString()) {
            dialog.add(Role.SYSTEM, new TextPart(Json.text(body, "instructions")));
        }
        var input = body.path("input");
        if (input.isString()) dialog.add(Role.USER, new TextPart(input.asString()));
        else if (!input.isArray()) throw ApiRefusal.invalid("input: a string or a list is required");
        for (int i = 0; i < input.size(); i++) item(dialog, input.get(i), "input." + i);
        tools(dialog);
        settings(dialog);
        return dialog;
    }

    private static void item(Dialog dialog, JsonNode item, String at) {
        String callId = Json.text(item, "call_id");
        switch (item.path("type").asString("message")) {
            case "message" -> message(dialog, item, at);
            case "reasoning" -> {
                String thought = String.join("\n\n", item.path("summary").findValuesAsString("text"));
                dialog.append(Role.ASSISTANT, new ThinkingPart(thought, Json.text(item, "encrypted_content")));
            }
            case "function_call" -> dialog.append(Role.ASSISTANT, new CallPart(callId, joined(Json.text(item,
                    "namespace"), Json.text(item, "name")), Json.text(item, "arguments"), false));
            case "custom_tool_call" -> dialog.append(Role.ASSISTANT, new CallPart(callId, Json.text(item, "name"),
                    Json.text(item, "input"), true));
            case "function_call_output", "custom_tool_call_output" -> dialog.appendResult(new ResultPart(callId,
                    parts(item.path("output"), at + ".output"), false));
            case "web_search_call" -> dialog.notes.add("dropped a web search of another model");
            case "item_reference" -> throw ApiRefusal.invalid("unsupported_parameter", at + ": item_reference: Copilot"
                    + " stores no responses; send the item itself (in the AI SDK, store: false)");
            default -> throw ApiRefusal.invalid(at + ".type: " + Text.shortened(Text.printable(Json.text(item,
                    "type")), 60) + " has no equivalent in the API of this model");
        }
    }

    private static void message(Dialog dialog, JsonNode item, String at) {
        var parts = parts(item.path("content"), at + ".content");
        switch (Json.text(item, "role")) {
            case "user" -> dialog.add(Role.USER, parts);
            case "system", "developer" -> dialog.add(Role.SYSTEM, parts);
            case "assistant" -> parts.forEach(part -> dialog.append(Role.ASSISTANT, part));
            default -> throw ApiRefusal.invalid(at + ".role: user, system, developer, or assistant is expected");
        }
    }

    private static List<Part> parts(JsonNode content, String at) {
        if (content.isString()) return List.of(new TextPart(content.asString()));
        var parts = new ArrayList<Part>();
        for (int i = 0; i < content.size(); i++) {
            var part = content.get(i);
            String here = at + "." + i;
            parts.add(switch (Json.text(part, "type")) {
                case "input_text", "output_text", "text" -> new TextPart(Json.text(part, "text"));
                case "refusal" -> new TextPart(Json.text(part, "refusal"));
                case "input_image" -> new ImagePart(needed(part, "image_url", here));
                case "input_file" -> new FilePart(part.path("filename").asString("document.pdf"),
                        needed(part, "file_data", here));
                default -> throw ApiRefusal.invalid(here + ".type: " + Text.shortened(Text.printable(Json.text(part,
                        "type")), 60) + " has no equivalent in the API of this model");
            });
        }
        return parts;
    }

    private static String needed(JsonNode part, String field, String at) {
        String value = Json.text(part, field);
        if (value.isEmpty()) throw ApiRefusal.invalid(at + "." + field + ": it is required: Copilot stores no files");
        return value;
    }

    /// Returns the name of a function that stands for one in a namespace, as Codex has for its agents.
    private static String joined(String namespace, String name) {
        return namespace.isEmpty() ? name : namespace + NAMESPACE + name;
    }

    /// Puts the name of a function into an item, and its namespace, if it has one.
    static ObjectNode named(ObjectNode item, Dialog dialog, String name) {
        for (var tool : dialog.body.path("tools")) {
            String namespace = Json.text(tool, "name"), start = namespace + NAMESPACE;
            if (Json.text(tool, "type").equals("namespace") && name.startsWith(start)) {
                return item.put("name", name.substring(start.length())).put("namespace", namespace);
            }
        }
        return item.put("name", name);
    }

    private static Tool function(JsonNode tool, String namespace) {
        return new Tool(joined(namespace, Json.text(tool, "name")), Json.text(tool, "description"), tool.path(
                "parameters"), false, tool.path("strict").asBoolean(false));
    }

    /// A custom tool becomes a function with one text; a web search is left out if there are other tools, as the model
    /// may do without it.
    private static void tools(Dialog dialog) {
        var all = dialog.body.path("tools");
        for (int i = 0; i < all.size(); i++) {
            var tool = all.get(i);
            String name = Json.text(tool, "name"), description = Json.text(tool, "description");
            switch (Json.text(tool, "type")) {
                case "function" -> dialog.tools.add(function(tool, ""));
                case "namespace" -> tool.path("tools").valueStream().filter(inner -> Json.text(inner, "type")
                        .equals("function")).forEach(inner -> dialog.tools.add(function(inner, name)));
                case "custom" -> dialog.tools.add(new Tool(name, Text.paragraphs(description, grammar(tool.path(
                        "format"))), Json.object(), true, false));
                case String type when type.startsWith("web_search") && all.size() > 1 ->
                        dialog.notes.add("dropped the tool " + type);
                case String type -> throw ApiRefusal.invalid("tools." + i + ".type: " + Text.shortened(
                        Text.printable(type), 60) + " is a tool of OpenAI's, which this model does not have");
            }
        }
        var choice = dialog.body.path("tool_choice");
        if (choice.isString()) {
            dialog.choice = new Choice(choice.asString().equals("required") ? "any" : choice.asString(), "");
        } else if (Set.of("function", "custom").contains(Json.text(choice, "type"))) {
            dialog.choice = new Choice("tool", Json.text(choice, "name"));
        } else if (choice.isObject()) {
            throw ApiRefusal.invalid("tool_choice: a function, auto, required, or none is expected");
        }
        dialog.parallel = dialog.body.path("parallel_tool_calls").asBoolean(true);
    }

    private static String grammar(JsonNode format) {
        return Json.text(format, "type").equals("grammar") ? "The input must match this " + Json.text(format, "syntax")
                + " grammar:\n" + Json.text(format, "definition") : "";
    }

    private static void settings(Dialog dialog) {
        var body = dialog.body;
        if (body.path("max_output_tokens").isNumber()) dialog.maxTokens = body.path("max_output_tokens").asLong();
        dialog.temperature = body.path("temperature").isNumber() ? body.get("temperature") : null;
        dialog.topP = body.path("top_p").isNumber() ? body.get("top_p") : null;
        dialog.effort = Json.text(body.path("reasoning"), "effort");
        dialog.verbosity = Json.text(body.path("text"), "verbosity");
        dialog.sealed = body.path("include").valueStream().anyMatch(each -> each.asString("")
                .equals("reasoning.encrypted_content"));
        dialog.format = ChatDialog.format(body.path("text").path("format"), body.path("text").path("format"));
    }

    // ------------------------------------------------------------------------------------------------- to write

    static ObjectNode write(Dialog dialog, Model model) {
        if (!dialog.stop.isEmpty()) {
            throw Dialog.noEquivalent(dialog.client == ApiProtocol.MESSAGES ? "stop_sequences" : "stop", model,
                    ApiProtocol.RESPONSES);
        }
        var body = Json.object().put("model", model.id());
        // Where JSON is asked for, a message must say so, and instructions do not count
        boolean inPlace = dialog.format != null && dialog.format.schema() == null;
        var head = dialog.head();
        if (!head.isEmpty() && !inPlace) body.put("instructions", Dialog.joined(head.stream()));
        var input = body.putArray("input");
        boolean said = dialog.turns.stream().anyMatch(turn -> Dialog.joined(turn.parts()).toLowerCase(Locale.ROOT)
                .contains("json"));
        if (inPlace && !said) write(new Turn(Role.SYSTEM, List.of(new TextPart(Dialog.ONE_OBJECT))), input, model);
        (inPlace ? dialog.turns : dialog.rest()).forEach(turn -> write(turn, input, model));
        body.put("stream", dialog.stream).put("store", false);
        if (dialog.maxTokens != null) body.put("max_output_tokens", Math.max(LEAST_OUTPUT, dialog.maxTokens));
        if (dialog.temperature != null) body.set("temperature", dialog.temperature);
        if (dialog.topP != null) body.set("top_p", dialog.topP);
        if (!model.reasoningEfforts().isEmpty()) {
            String effort = dialog.effort(model);
            if (!effort.isEmpty()) body.withObject("/reasoning").put("effort", effort);
            body.withObject("/reasoning").put("summary", "auto");
            if (!dialog.tools.isEmpty()) body.putArray("include").add("reasoning.encrypted_content");
        }
        if (!dialog.verbosity.isEmpty()) body.withObject("/text").put("verbosity", dialog.verbosity);
        if (dialog.format != null) writeFormat(dialog.format, body.withObject("/text").putObject("format"));
        if (!dialog.tools.isEmpty()) writeTools(dialog, body);
        return body;
    }

    private static void write(Turn turn, ArrayNode input, Model model) {
        String role = switch (turn.role()) {
            case SYSTEM -> "developer";
            case USER -> "user";
            case ASSISTANT -> "assistant";
        };
        ArrayNode content = null;                           // of the message that is being written
        for (var part : turn.parts()) {
            var piece = piece(part, turn.role() == Role.ASSISTANT);
            if (piece.isPresent()) {
                if (content == null) {
                    content = JsonNodeFactory.instance.arrayNode();
                    input.addObject().put("role", role).set("content", content);
                }
                content.add(piece.get());
            } else {
                content = part instanceof ThinkingPart || part instanceof CallPart || part instanceof ResultPart ? null
                        : content;
                item(part, input, model);
            }
        }
    }

    private static Optional<ObjectNode> piece(Part part, boolean assistant) {
        return switch (part) {
            case TextPart text when text.text().isEmpty() -> Optional.empty();
            case TextPart text -> Optional.of(Json.object().put("type", assistant ? "output_text" : "input_text")
                    .put("text", text.text()));
            case ImagePart image -> Optional.of(Json.object().put("type", "input_image").put("image_url",
                    image.url()));
            case FilePart file -> Optional.of(Json.object().put("type", "input_file").put("filename", file.name())
                    .put("file_data", file.data()));
            default -> Optional.empty();
        };
    }

    private static void item(Part part, ArrayNode input, Model model) {
        switch (part) {
            case ThinkingPart thinking -> Seal.open(model.id(), thinking.seal()).ifPresent(sealed -> {
                var item = Json.object().put("type", "reasoning").put("id", Json.text(sealed, "id"));
                var summary = item.putArray("summary");
                if (!thinking.text().isEmpty()) summary.addObject().put("type", "summary_text").put("text",
                        thinking.text());
                input.add(item.put("encrypted_content", Json.text(sealed, "encrypted_content")));
            });
            case CallPart call -> input.addObject().put("type", "function_call").put("call_id", ResponsesRepairs
                    .shortened(call.id())).put("name", call.name()).put("arguments", Dialog.arguments(call));
            case ResultPart result -> {
                var item = input.addObject().put("type", "function_call_output").put("call_id", ResponsesRepairs
                        .shortened(result.callId()));
                if (result.content().stream().allMatch(TextPart.class::isInstance)) {
                    item.put("output", Dialog.text(result));
                } else {
                    var output = item.putArray("output");
                    if (result.isError()) output.addObject().put("type", "input_text").put("text", "Error:");
                    result.content().forEach(each -> piece(each, false).ifPresent(output::add));
                }
            }
            default -> { }
        }
    }

    private static void writeTools(Dialog dialog, ObjectNode body) {
        var tools = body.putArray("tools");
        for (var tool : dialog.tools) {
            var function = tools.addObject().put("type", "function").put("name", tool.name());
            if (!tool.description().isEmpty()) function.put("description", tool.description());
            function.set("parameters", tool.custom() ? Dialog.customSchema() : Dialog.objectSchema(tool.schema()));
            function.put("strict", tool.strict());
        }
        if (dialog.choice != null) {
            switch (dialog.choice.kind()) {
                case "tool" -> body.putObject("tool_choice").put("type", "function").put("name",
                        dialog.choice.name());
                case "any" -> body.put("tool_choice", "required");
                default -> body.put("tool_choice", dialog.choice.kind());
            }
        }
        if (!dialog.parallel) body.put("parallel_tool_calls", false);
    }

    private static void writeFormat(Format format, ObjectNode there) {
        if (format.schema() == null) {
            there.put("type", "json_object");
            return;
        }
        there.put("type", "json_schema").put("name", format.name()).set("schema", format.schema());
        there.put("strict", format.strict());
    }
}
