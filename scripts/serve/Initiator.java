package cop;

import module java.base;

/// Decides X-Initiator truthfully: `user` if a person asked for this request, `agent` if a tool's result or the client
/// itself did. In doubt it is `user`.
final class Initiator {
    private static final Set<String> CLASSES = Set.of("subagent", "workflow", "compaction", "auxiliary");
    private static final String OPEN = "<system-reminder>", CLOSE = "</system-reminder>";

    static String of(ApiProtocol client, JsonSpan body, HttpFields headers) {
        boolean agent = statedByClient(headers) || switch (client) {
            case CHAT -> body.get("messages").last().filter(last -> last.get("role").is("tool")
                    || last.get("role").is("function")).isPresent();
            case RESPONSES -> body.get("input").last().filter(last -> last.get("type").string().endsWith("_output"))
                    .isPresent();
            case MESSAGES -> body.get("messages").last().filter(Initiator::bringsResults).isPresent();
        };
        return agent ? "agent" : "user";
    }

    /// Claude Code and Codex say which requests no person typed.
    private static boolean statedByClient(HttpFields headers) {
        return headers.has("x-claude-code-agent-id") || headers.has("x-openai-subagent")
                || CLASSES.contains(headers.value("x-claude-code-request-class"));
    }

    /// Returns whether a message has results of tools and nothing that a person typed; Claude Code adds reminders.
    private static boolean bringsResults(JsonSpan message) {
        var blocks = message.get("role").is("user") ? message.get("content").items() : List.<JsonSpan>of();
        return blocks.stream().anyMatch(Initiator::isResult) && blocks.stream().allMatch(block -> isResult(block)
                || block.isType("text") && isReminder(block.get("text").string()));
    }

    private static boolean isResult(JsonSpan block) {
        return block.has("tool_use_id") && block.get("type").string().endsWith("tool_result");
    }

    static boolean isReminder(String text) {
        int at = afterBlanks(text, 0);
        while (text.startsWith(OPEN, at)) {
            int end = text.indexOf(CLOSE, at);
            if (end < 0) return false;
            at = afterBlanks(text, end + CLOSE.length());
        }
        return at == text.length() && !text.isBlank();
    }

    private static int afterBlanks(String text, int from) {
        int at = from;
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
        return at;
    }
}
