package cop;

import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The tokens of an answer, in the arithmetic of OpenAI: the prompt includes what was read from and written to a cache,
/// the completion includes reasoning. Anthropic counts the three parts of a prompt apart.
///
/// @param nanoCredits Copilot's price; 0 if it named none
record TokenUsage(long prompt, long cached, long written, long completion, long reasoning, long nanoCredits) {
    static final TokenUsage NONE = new TokenUsage(0, 0, 0, 0, 0, 0);

    /// Reads the usage of any of the three endpoints.
    static TokenUsage of(ApiProtocol protocol, JsonNode usage) {
        return switch (protocol) {
            case CHAT -> openAi(usage, "prompt", "completion");
            case RESPONSES -> openAi(usage, "input", "output");
            case MESSAGES -> {
                long read = usage.path("cache_read_input_tokens").asLong(0);
                long written = usage.path("cache_creation_input_tokens").asLong(0);
                yield new TokenUsage(usage.path("input_tokens").asLong(0) + read + written, read, written,
                        usage.path("output_tokens").asLong(0), 0, 0);
            }
        };
    }

    private static TokenUsage openAi(JsonNode usage, String in, String out) {
        var details = usage.path(in + "_tokens_details");
        return new TokenUsage(usage.path(in + "_tokens").asLong(0), details.path("cached_tokens").asLong(0),
                details.path("cache_write_tokens").asLong(0), usage.path(out + "_tokens").asLong(0),
                usage.path(out + "_tokens_details").path("reasoning_tokens").asLong(usage.path("reasoning_tokens")
                        .asLong(0)), 0);
    }

    /// Adds the price in an answer or event.
    TokenUsage priced(JsonNode answer) {
        long nano = answer.path("copilot_usage").path("total_nano_aiu").asLong(nanoCredits);
        return new TokenUsage(prompt, cached, written, completion, reasoning, nano);
    }

    /// Adds what a later event counts: Anthropic's first counts the prompt, its last the answer and, since 2025, both.
    TokenUsage then(TokenUsage later) {
        boolean counted = later.prompt > 0;
        return new TokenUsage(counted ? later.prompt : prompt, counted ? later.cached : cached,
                counted ? later.written : written, Math.max(completion, later.completion),
                Math.max(reasoning, later.reasoning), Math.max(nanoCredits, later.nanoCredits));
    }

    Usage usage() { return new Usage(prompt, completion, cached, reasoning, nanoCredits, false); }

    /// Returns the object that an answer of this protocol has.
    ObjectNode json(ApiProtocol protocol) {
        return switch (protocol) {
            case CHAT -> {
                var json = Json.object().put("prompt_tokens", prompt).put("completion_tokens", completion)
                        .put("total_tokens", prompt + completion);
                json.putObject("prompt_tokens_details").put("cached_tokens", cached);
                json.putObject("completion_tokens_details").put("reasoning_tokens", reasoning);
                yield json;
            }
            case RESPONSES -> {
                var json = Json.object().put("input_tokens", prompt);
                json.putObject("input_tokens_details").put("cached_tokens", cached);
                json.put("output_tokens", completion).putObject("output_tokens_details")
                        .put("reasoning_tokens", reasoning);
                yield json.put("total_tokens", prompt + completion);
            }
            case MESSAGES -> Json.object().put("input_tokens", Math.max(0, prompt - cached - written))
                    .put("cache_creation_input_tokens", written).put("cache_read_input_tokens", cached)
                    .put("output_tokens", completion);
        };
    }
}
