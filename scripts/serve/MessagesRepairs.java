package cop;

import module java.base;

/// Repairs of a request to /v1/messages, each because Copilot refuses it otherwise (Jer-y/copilot-proxy and
/// puxu-msft/copilot-api-js tried them live).
final class MessagesRepairs {
    static final String SYSTEM_BETA = "mid-conversation-system-2026-04-07";
    private static final Set<String> REFUSED_BETAS = Set.of("advisor-tool-2026-03-01");
    private static final String REFUSES = "Copilot refuses it";

    static void repair(PassedRequest request) {
        var body = request.body();
        if (body.get("thread").isPresent()) throw threads();
        for (String field : List.of("speed", "diagnostics", "context_hint")) request.drop(body, field, REFUSES);
        tools(request, body.get("tools"));
        request.dropToolFieldsWithoutTools("tool_choice");
        limit(request);
        if (body.get("thinking").isType("adaptive")) request.drop(body.get("thinking"), "budget_tokens_max", REFUSES);
        format(request);
        boolean system = false;
        var messages = body.get("messages");
        for (int i = 0; i < messages.items().size(); i++) {
            var message = messages.items().get(i);
            system |= message.get("role").is("system");
            blocks(request, message.get("content"), "messages." + i + ".content");
            if (request.edits().isEmptied(message.get("content"))) request.edits().remove(messages, message);
        }
        betas(request, system);
    }

    /// Refuses a thread, which needs a server that stores it, in the way that makes the SDKs go on without.
    static ApiRefusal threads() {
        var details = Json.object().put("error_code", "thread_unsupported_request");
        details.putArray("unsupported").add("thread");
        return ApiRefusal.invalid("unsupported_parameter", "thread: Copilot stores no messages; send the whole"
                + " conversation").withDetails(details);
    }

    /// Lowers max_tokens to the model's own: Copilot refuses more, and clients that do not know its ids send that of
    /// another model (@ai-sdk/anthropic for claude-haiku-4.5).
    private static void limit(PassedRequest request) {
        long most = request.model().maxOutputTokens();
        if (most == 0 || request.body().get("max_tokens").number(0) <= most) return;
        request.edits().set(request.body(), "max_tokens", most);
        request.notes().add("lowered max_tokens to " + most);
    }

    private static void tools(PassedRequest request, JsonSpan tools) {
        for (int i = 0; i < tools.items().size(); i++) {
            var tool = tools.items().get(i);
            if (tool.get("type").startsWith("advisor_")) {
                throw ApiRefusal.invalid("tools." + i + ".type: Copilot does not support the advisor tool");
            }
            request.drop(tool, "eager_input_streaming", REFUSES);
            var schema = tool.get("input_schema");
            request.edits().remove(schema, "$schema");
            request.typed(schema);
        }
    }

    /// Brings a schema for the answer into the form that Copilot takes: in output_config, flat, and without a name.
    private static void format(PassedRequest request) {
        var body = request.body();
        var config = body.get("output_config");
        var old = body.get("output_format");                // of the beta
        var format = config.has("format") ? config.get("format") : old;
        if (!format.isType("json_schema")) return;
        var schema = format.has("schema") ? format.get("schema") : format.get("json_schema").get("schema");
        boolean good = format != old && format.children().size() == 2 && format.has("schema");
        if (good || !schema.isObject()) return;
        var flat = Json.object().put("type", "json_schema").set("schema", schema.tree());
        request.notes().add("flattened output_config.format");
        request.edits().remove(body, old);
        if (config.isObject()) request.edits().set(config, "format", flat);
        else request.edits().add(body, "output_config", Json.object().set("format", flat));
    }

    private static void blocks(PassedRequest request, JsonSpan content, String at) {
        for (int i = 0; i < content.items().size(); i++) {
            var block = content.items().get(i);
            String here = at + "." + i;
            if (block.isType("image")) {
                request.showsImage();
                source(block, here, "image", "base64 data");
            } else if (block.isType("document")) {
                source(block, here, "document", "base64 data of a PDF");
            } else if (block.isType("thinking") && isForeign(block.get("signature"))
                    || block.isType("redacted_thinking") && isForeign(block.get("data"))) {
                request.edits().remove(content, block);
                request.notes().add("dropped another model's thinking");
            } else if (block.get("type").string().endsWith("tool_result")) {
                blocks(request, block.get("content"), here + ".content");
            }
        }
    }

    /// Returns whether a signature is ours, or none: thinking of other models that this server has translated.
    private static boolean isForeign(JsonSpan signature) {
        return signature.is("") || signature.startsWith(Seal.PREFIX);
    }

    private static void source(JsonSpan block, String at, String what, String known) {
        var source = block.get("source");
        boolean pdf = !what.equals("document") || source.get("media_type").is("application/pdf");
        if (source.isType("base64") && pdf) return;
        throw ApiRefusal.invalid(at + ".source: Copilot takes " + known + " for " + what + "s, not "
                + Text.shortened(Text.printable(source.get("type").string() + (pdf ? "" : " " + source.get("media_type")
                .string())), 80));
    }

    private static void betas(PassedRequest request, boolean system) {
        var betas = new LinkedHashSet<>(Stream.of(request.client().joined("anthropic-beta").split(","))
                .map(String::strip).filter(beta -> !beta.isEmpty() && !REFUSED_BETAS.contains(beta)).toList());
        if (system) betas.add(SYSTEM_BETA);
        if (!betas.isEmpty()) request.headers().put("anthropic-beta", String.join(",", betas));
        String version = request.client().value("anthropic-version");
        request.headers().put("anthropic-version", version.matches("[\\w-]+") ? version : "2023-06-01");
    }
}
