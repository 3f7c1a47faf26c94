package cop;

import module java.base;
import tools.jackson.databind.node.StringNode;

/// Repairs of a request to /responses, where Copilot stores nothing.
final class ResponsesRepairs {
    private static final String SEALED = "reasoning.encrypted_content";
    private static final int LONGEST_ID = 64;
    private static final long LEAST_OUTPUT = 16;

    static void repair(PassedRequest request) {
        var body = request.body();
        refuseStored(body);
        seal(request);
        if (!body.get("store").isPresent()) {
            request.edits().remove(body, "store");
            request.edits().add(body, "store", false);
        }
        request.drop(body, "service_tier", "Copilot refuses it");
        request.drop(body, "client_metadata", "it is for OpenAI");      // Codex: ids of its installation and session
        var include = body.get("include");
        include.items().stream().filter(item -> item.is("usage")).forEach(item -> request.edits().remove(include,
                item));
        var most = body.get("max_output_tokens");
        if (most.isPresent() && most.number(LEAST_OUTPUT) < LEAST_OUTPUT) {
            request.edits().replace(most, LEAST_OUTPUT);
            request.notes().add("raised max_output_tokens to " + LEAST_OUTPUT);
        }
        request.dropToolFieldsWithoutTools("tool_choice", "parallel_tool_calls");
        for (var tool : body.get("tools").items()) {
            if (!tool.isType("function")) continue;
            if (!tool.has("strict")) request.edits().add(tool, "strict", false);        // Copilot's default is on
            request.typed(tool.get("parameters"));
        }
        var input = body.get("input");
        for (int i = 0; i < input.items().size(); i++) item(request, input, input.items().get(i), "input." + i);
    }

    /// Asks for sealed reasoning on behalf of clients that rely on their responses being stored: it has to come back.
    private static void seal(PassedRequest request) {
        var include = request.body().get("include");
        boolean asked = include.items().stream().anyMatch(item -> item.is(SEALED));
        boolean useless = request.body().get("tools").items().isEmpty() || request.model().reasoningEfforts().isEmpty();
        if (asked || useless || !ItemMemory.isWanted(request.body())) return;
        var all = Stream.concat(include.items().stream().map(JsonSpan::tree).filter(item -> !item.asString("")
                .equals("usage")), Stream.of(StringNode.valueOf(SEALED)));
        request.edits().set(request.body(), "include", Json.array(all));
    }

    /// Refuses what needs an earlier response: it was not stored.
    static void refuseStored(JsonSpan body) {
        for (String field : List.of("previous_response_id", "conversation", "prompt")) {
            if (body.get(field).isPresent()) {
                throw ApiRefusal.invalid("unsupported_parameter", field + ": Copilot stores no responses; send the"
                        + " whole conversation as input");
            }
        }
        for (String field : List.of("store", "background")) {
            if (body.get(field).isTrue()) {
                throw ApiRefusal.invalid("unsupported_parameter", field + ": Copilot stores no responses; send " + field
                        + ": false");
            }
        }
    }

    private static void item(PassedRequest request, JsonSpan input, JsonSpan item, String at) {
        if (item.isType("item_reference")) {
            throw ApiRefusal.invalid("unsupported_parameter", at + ": item_reference: Copilot stores no responses; send"
                    + " the item itself (in the AI SDK, store: false)");
        }
        boolean reasoning = item.isType("reasoning");
        if (reasoning && (item.get("encrypted_content").startsWith(Seal.PREFIX)
                || item.get("id").startsWith("rs_" + Seal.PREFIX))) {
            request.edits().remove(input, item);
            request.notes().add("dropped another model's reasoning");
            return;
        }
        // Copilot's ids have 400 characters, and some accounts refuse to take them back (oh-my-pi #457)
        var id = item.get("id");
        if (!reasoning && id.end() - id.start() > LONGEST_ID + 2) request.edits().remove(item, id);
        var call = item.get("call_id");
        if (call.end() - call.start() > LONGEST_ID + 2) request.edits().replace(call, shortened(call.string()));
        request.edits().remove(item, "parsed_arguments");   // openai-node's helpers add it to what they give back
        for (String field : List.of("content", "output")) {
            for (var part : item.get(field).items()) request.edits().remove(part, "parsed");
            if (item.get(field).items().stream().anyMatch(part -> part.isType("input_image"))) request.showsImage();
        }
    }

    /// Returns the same id of at most 64 characters for a call and its result.
    static String shortened(String callId) {
        return callId.length() <= LONGEST_ID ? callId : callId.substring(0, 31) + "_" + Text.sha256(callId)
                .substring(0, 32);
    }
}
