package cop;

/// Repairs of a request to /chat/completions.
final class ChatRepairs {
    static void repair(PassedRequest request) {
        var body = request.body();
        limit(request);
        effort(request);
        request.dropToolFieldsWithoutTools("tool_choice", "parallel_tool_calls");
        for (var tool : body.get("tools").items()) request.typed(tool.get("function").get("parameters"));
        for (var message : body.get("messages").items()) {
            if (message.get("reasoning_opaque").startsWith(Seal.PREFIX)) {
                request.drop(message, "reasoning_opaque", "it is another model's");
            }
            request.edits().remove(message, "parsed");      // openai-node's helpers add it to what they give back
            for (var call : message.get("tool_calls").items()) {
                request.edits().remove(call.get("function"), "parsed_arguments");
            }
            if (message.get("content").items().stream().anyMatch(part -> part.isType("image_url"))) {
                request.showsImage();
            }
        }
    }

    /// Sends no effort to models that have none, as `chat` does; older Claudes have a budget instead.
    private static void effort(PassedRequest request) {
        var effort = request.body().get("reasoning_effort");
        if (!effort.isString() || request.model().isAuto() || !request.model().reasoningEfforts().isEmpty()) return;
        request.drop(request.body(), "reasoning_effort", "the model has none");
        long most = request.body().get("max_tokens").number(Long.MAX_VALUE) - 1;
        if (!request.model().thinksByBudget() || effort.is("none") || request.body().has("thinking_budget")) return;
        request.edits().add(request.body(), "thinking_budget", Math.min(most, request.model().thinkingBudget(
                effort.string())));
    }

    /// Uses the name that the family knows; Claude requires a limit.
    private static void limit(PassedRequest request) {
        var body = request.body();
        String old = "max_tokens", newer = "max_completion_tokens";
        boolean isNewer = Families.limitsCompletion(request.model().id());
        String right = isNewer ? newer : old, wrong = isNewer ? old : newer;
        if (body.get(wrong).isPresent()) {
            if (body.get(right).isPresent()) request.edits().remove(body, wrong);
            else request.edits().rename(body.get(wrong), right);
        } else if (request.model().isClaude() && !body.get(right).isPresent()) {
            request.edits().remove(body, right);            // null
            request.edits().add(body, right, request.model().maxOutputTokens(body.get("stream").isTrue()));
        }
    }
}
