package cop;

/// Why an answer ended, in the words of the three APIs.
enum StopReason {
    DONE("end_turn", "stop"), LENGTH("max_tokens", "length"), TOOLS("tool_use", "tool_calls"),
    SEQUENCE("stop_sequence", "stop"), FILTER("refusal", "content_filter"),
    WINDOW("model_context_window_exceeded", "length");

    private final String messages, chat;

    StopReason(String messages, String chat) {
        this.messages = messages;
        this.chat = chat;
    }

    /// Returns Anthropic's word.
    String messages() { return messages; }

    /// Returns the word of Chat Completions.
    String chat() { return chat; }

    /// Reads the word of any API, or a reason why a response is incomplete.
    static StopReason of(String word) {
        return switch (word) {
            case "max_tokens", "length", "max_output_tokens" -> LENGTH;
            case "tool_use", "tool_calls", "function_call" -> TOOLS;
            case "stop_sequence" -> SEQUENCE;
            case "refusal", "content_filter" -> FILTER;
            case "model_context_window_exceeded" -> WINDOW;
            default -> DONE;
        };
    }
}
