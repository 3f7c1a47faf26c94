package cop;

import module java.base;
import cop.Dialog.*;
import cop.copilot.Model;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Requests of OpenAI's Chat Completions API, as a dialog and back.
final class ChatDialog {
    private static final Set<String> READ = Set.of("model", "stream", "stream_options", "messages", "tools",
            "tool_choice", "parallel_tool_calls", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop",
            "reasoning_effort", "verbosity", "response_format", "n");
    /// What changes the answer, and cannot be kept.
    private static final Set<String> REFUSED = Set.of("logprobs", "top_logprobs", "logit_bias", "presence_penalty",
            "frequency_penalty", "functions", "function_call", "audio", "web_search_options");

    // ------------------------------------------------------------------------------------------------- to read

    static Dialog read(ObjectNode body, Model model, ApiProtocol upstream) {
        var dialog = new Dialog(ApiProtocol.CHAT, body);
        body.properties().forEach(field -> {
            if (READ.contains(field.getKey()) || isNothing(field.getValue())) return;
            if (REFUSED.contains(field.getKey())) throw Dialog.noEquivalent(field.getKey(), model, upstream);
            dialog.ignore(field.getKey());
        });
        if (body.path("n").asInt(1) != 1) throw Dialog.noEquivalent("n", model, upstream);
        if (!body.path("messages").isArray()) throw ApiRefusal.invalid("messages: a list is required");
        int index = 0;
        for (var message : body.path("messages")) message(dialog, message, "messages." + index++);
        tools(dialog);
        settings(dialog);
        return dialog;
    }

    private static boolean isNothing(JsonNode value) {
        return value.isNull() || value.isContainer() && value.isEmpty() || value.isNumber() && value.asDouble() == 0
                || value.isBoolean() && !value.asBoolean();
    }

    private static void message(Dialog dialog, JsonNode message, String at) {
        var parts = parts(message.path("content"), at + ".content");
        switch (Json.text(message, "role")) {
            case "system", "developer" -> dialog.add(Role.SYSTEM, parts);
            case "user" -> dialog.add(Role.USER, parts);
            case "tool" -> dialog.appendResult(new ResultPart(Json.text(message, "tool_call_id"), parts, false));
            case "assistant" -> {
                String thought = ErrorResponse.firstNonEmpty(Json.text(message, "reasoning_text"),
                        Json.text(message, "reasoning_content"));
                var all = new ArrayList<Part>();
                if (message.has("reasoning_opaque")) all.add(new ThinkingPart(thought, Json.text(message,
                        "reasoning_opaque")));
                all.addAll(parts);
                for (var call : message.path("tool_calls")) {
                    var function = call.path("function");
                    if (!function.isObject()) throw ApiRefusal.invalid(at + ".tool_calls: calls of functions are"
                            + " expected");
                    all.add(new CallPart(Json.text(call, "id"), Json.text(function, "name"),
                            Json.text(function, "arguments"), false));
                }
                dialog.add(Role.ASSISTANT, all);
            }
            default -> throw ApiRefusal.invalid(at + ".role: system, developer, user, assistant, or tool is expected");
        }
    }

    private static List<Part> parts(JsonNode content, String at) {
        if (content.isString()) return List.of(new TextPart(content.asString()));
        var parts = new ArrayList<Part>();
        int index = 0;
        for (var part : content) {
            String here = at + "." + index++;
            parts.add(switch (Json.text(part, "type")) {
                case "text" -> new TextPart(Json.text(part, "text"));
                case "refusal" -> new TextPart(Json.text(part, "refusal"));
                case "image_url" -> new ImagePart(part.path("image_url").isString() ? Json.text(part, "image_url")
                        : Json.text(part.path("image_url"), "url"));
                case "file" -> {
                    String data = Json.text(part.path("file"), "file_data");
                    if (data.isEmpty()) throw ApiRefusal.invalid(here + ".file: file_data is expected: Copilot stores"
                            + " no files");
                    yield new FilePart(part.path("file").path("filename").asString("document.pdf"), data);
                }
                default -> throw ApiRefusal.invalid(here + ".type: " + Text.shortened(Text.printable(Json.text(part,
                        "type")), 60) + " has no equivalent in the API of this model");
            });
        }
        return parts;
    }

    private static void tools(Dialog dialog) {
        int index = 0;
        for (var tool : dialog.body.path("tools")) {
            var function = tool.path("function");
            if (!function.isObject()) {
                throw ApiRefusal.invalid("tools." + index + ".type: this model takes functions only");
            }
            dialog.tools.add(new Tool(Json.text(function, "name"), Json.text(function, "description"),
                    function.path("parameters"), false, function.path("strict").asBoolean(false)));
            index++;
        }
        var choice = dialog.body.path("tool_choice");
        if (choice.isString()) {
            String kind = choice.asString();
            dialog.choice = new Choice(kind.equals("required") ? "any" : kind, "");
        } else if (choice.path("function").isObject()) {
            dialog.choice = new Choice("tool", Json.text(choice.path("function"), "name"));
        } else if (choice.isObject()) {
            throw ApiRefusal.invalid("tool_choice: a function, auto, required, or none is expected");
        }
        dialog.parallel = dialog.body.path("parallel_tool_calls").asBoolean(true);
    }

    private static void settings(Dialog dialog) {
        var body = dialog.body;
        for (String field : List.of("max_completion_tokens", "max_tokens")) {
            if (dialog.maxTokens == null && body.path(field).isNumber()) dialog.maxTokens = body.path(field).asLong();
        }
        dialog.includeUsage = body.path("stream_options").path("include_usage").asBoolean(false);
        dialog.temperature = body.path("temperature").isNumber() ? body.get("temperature") : null;
        dialog.topP = body.path("top_p").isNumber() ? body.get("top_p") : null;
        if (body.path("stop").isString()) dialog.stop.add(body.path("stop").asString());
        body.path("stop").forEach(stop -> dialog.stop.add(stop.asString("")));
        dialog.effort = Json.text(body, "reasoning_effort");
        dialog.verbosity = Json.text(body, "verbosity");
        dialog.sealed = true;
        dialog.format = format(body.path("response_format"), body.path("response_format").path("json_schema"));
    }

    /// @param bearer has name, schema and strict
    static Format format(JsonNode format, JsonNode bearer) {
        return switch (Json.text(format, "type")) {
            case "json_object" -> new Format("", null, false);
            case "json_schema" -> new Format(bearer.path("name").asString("answer"), bearer.path("schema"),
                    bearer.path("strict").asBoolean(false));
            default -> null;
        };
    }

    // ------------------------------------------------------------------------------------------------- to write

    static ObjectNode write(Dialog dialog, Model model) {
        var body = Json.object();
        if (!model.isAuto()) body.put("model", model.id());
        var messages = body.putArray("messages");
        var head = dialog.head();
        if (!head.isEmpty()) {
            var system = messages.addObject().put("role", "system").put("content", Dialog.joined(head.stream()));
            if (head.stream().anyMatch(TextPart::mark)) mark(system);
        }
        dialog.rest().forEach(turn -> write(turn, messages, model));
        keepMarks(messages);
        body.put("stream", dialog.stream);
        String limit = Families.limitsCompletion(model.id()) ? "max_completion_tokens" : "max_tokens";
        if (dialog.maxTokens != null) body.put(limit, dialog.maxTokens);
        else if (model.isClaude()) body.put(limit, model.maxOutputTokens(dialog.stream));
        if (dialog.temperature != null) body.set("temperature", dialog.temperature);
        if (dialog.topP != null) body.set("top_p", dialog.topP);
        if (dialog.stop.size() > 4) throw ApiRefusal.invalid("stop_sequences: this model takes 4 at most");
        if (!dialog.stop.isEmpty()) dialog.stop.forEach(body.putArray("stop")::add);
        String effort = dialog.effort(model);
        if (!effort.isEmpty()) body.put("reasoning_effort", effort);
        if (!dialog.tools.isEmpty()) writeTools(dialog, body);
        if (dialog.format != null) writeFormat(dialog.format, body.putObject("response_format"));
        return body;
    }

    private static void mark(ObjectNode message) {
        message.putObject("copilot_cache_control").put("type", "ephemeral");
    }

    /// Keeps the last four marks: more are refused.
    private static void keepMarks(ArrayNode messages) {
        int kept = 0;
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i).has("copilot_cache_control") && ++kept > 4) {
                ((ObjectNode) messages.get(i)).remove("copilot_cache_control");
            }
        }
    }

    private static void write(Turn turn, ArrayNode messages, Model model) {
        switch (turn.role()) {
            case SYSTEM -> messages.addObject().put("role", "system").put("content", Dialog.joined(turn.parts()));
            case USER -> writeUser(turn, messages);
            case ASSISTANT -> writeAssistant(turn, messages, model);
        }
    }

    /// Results of tools follow their calls at once; what else the person says comes after them.
    private static void writeUser(Turn turn, ArrayNode messages) {
        var rest = new ArrayList<Part>();
        for (var part : turn.parts()) {
            if (!(part instanceof ResultPart result)) continue;
            String text = Dialog.text(result);
            var images = result.content().stream().filter(each -> !(each instanceof TextPart)).toList();
            messages.addObject().put("role", "tool").put("tool_call_id", result.callId()).put("content",
                    text.isEmpty() && !images.isEmpty() ? "The image is in the next message." : text);
            rest.addAll(images);
        }
        turn.parts().stream().filter(part -> !(part instanceof ResultPart)).forEach(rest::add);
        if (rest.isEmpty()) return;
        var message = messages.addObject().put("role", "user");
        if (rest.size() == 1 && rest.getFirst() instanceof TextPart text) message.put("content", text.text());
        else rest.forEach(part -> writePart(part, message.withArray("content")));
        if (Dialog.texts(rest).anyMatch(TextPart::mark)) mark(message);
    }

    private static void writePart(Part part, ArrayNode content) {
        switch (part) {
            case TextPart text -> content.addObject().put("type", "text").put("text", text.text());
            case ImagePart image -> content.addObject().put("type", "image_url").putObject("image_url")
                    .put("url", image.url());
            case FilePart _ -> throw ApiRefusal.invalid("document: this model takes no documents");
            default -> { }
        }
    }

    private static void writeAssistant(Turn turn, ArrayNode messages, Model model) {
        String text = Dialog.joined(turn.parts());
        var message = Json.object().put("role", "assistant").put("content", text.isEmpty() ? null : text);
        for (var part : turn.parts()) {
            if (part instanceof ThinkingPart thinking) Seal.open(model.id(), thinking.seal())
                    .ifPresent(message::setAll);
            if (!(part instanceof CallPart call)) continue;
            message.withArray("tool_calls").addObject().put("id", call.id()).put("type", "function")
                    .putObject("function").put("name", call.name()).put("arguments", Dialog.arguments(call));
        }
        if (message.has("tool_calls") || !text.isEmpty()) messages.add(message);
    }

    private static void writeTools(Dialog dialog, ObjectNode body) {
        var tools = body.putArray("tools");
        for (var tool : dialog.tools) {
            var function = tools.addObject().put("type", "function").putObject("function").put("name", tool.name());
            if (!tool.description().isEmpty()) function.put("description", tool.description());
            function.set("parameters", tool.custom() ? Dialog.customSchema() : Dialog.objectSchema(tool.schema()));
            if (tool.strict()) function.put("strict", true);
        }
        if (dialog.choice != null) {
            switch (dialog.choice.kind()) {
                case "tool" -> body.putObject("tool_choice").put("type", "function").putObject("function").put("name",
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
        var schema = there.put("type", "json_schema").putObject("json_schema").put("name", format.name());
        schema.set("schema", format.schema());
        if (format.strict()) schema.put("strict", true);
    }
}
