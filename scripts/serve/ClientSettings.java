package cop;

import module java.base;
import cop.copilot.Model;
import tools.jackson.databind.node.ObjectNode;

/// What a client has to be told to use the server: variables, options and files, none of which change the client's own
/// settings.
///
/// @param base the server's address, such as `http://127.0.0.1:4141`
/// @param main the model to begin with
record ClientSettings(String base, ClientModels models, Model main) {
    static final String KEY = ServeKey.VARIABLE;

    /// Returns Claude Code's variables, without the key. It believes that each Claude has a window of 200,000 tokens;
    /// Copilot's limit of a prompt is often lower (ericc-ch/copilot-api #210).
    SequencedMap<String, String> claude() {
        var all = new LinkedHashMap<String, String>();
        all.put("ANTHROPIC_BASE_URL", base);
        all.put("ANTHROPIC_MODEL", main.id());
        var small = models.claude("haiku").orElseGet(() -> models.small(main));
        for (String family : List.of("opus", "sonnet", "haiku")) {
            all.put("ANTHROPIC_DEFAULT_" + family.toUpperCase(Locale.ROOT) + "_MODEL", models.claude(family)
                    .orElse(family.equals("haiku") ? small : main).id());
        }
        all.put("ANTHROPIC_SMALL_FAST_MODEL", small.id());
        // with Claude models, an agent's own choice of a cheaper one is better
        if (!main.isClaude()) all.put("CLAUDE_CODE_SUBAGENT_MODEL", main.id());
        if (main.maxPromptTokens() > 0) all.put("CLAUDE_CODE_AUTO_COMPACT_WINDOW", "" + main.maxPromptTokens());
        // CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC would also keep it from reading our list of models
        for (String traffic : List.of("DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING", "DISABLE_AUTOUPDATER",
                "DISABLE_NON_ESSENTIAL_MODEL_CALLS")) all.put(traffic, "1");
        all.put("CLAUDE_CODE_ATTRIBUTION_HEADER", "0");     // it differs in each conversation, which prompt caches see
        all.put("CLAUDE_CODE_GATEWAY_HINT_HEADERS", "1");   // it says who began a request
        all.put("CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY", "1");
        return all;
    }

    /// Returns the JSON of `claude --settings`, which wins over the variables in the user's settings.json.
    static ObjectNode claudeSettings(Map<String, String> variables) {
        var json = Json.object();
        variables.forEach(json.putObject("env")::put);
        return json;
    }

    /// Returns Codex's options, which stand for a provider in its config.toml; values are TOML.
    List<String> codex() {
        var values = new LinkedHashMap<String, String>();
        values.put("model_provider", toml("cop"));
        values.put("model_providers.cop", "{name=" + toml("GitHub Copilot") + ",base_url=" + toml(base + "/v1")
                + ",wire_api=" + toml("responses") + ",env_key=" + toml(KEY) + "}");
        values.put("model", toml(main.id()));
        if (main.maxPromptTokens() > 0) values.put("model_context_window", "" + main.maxPromptTokens());
        return values.entrySet().stream().flatMap(each -> Stream.of("-c", each.getKey() + "=" + each.getValue()))
                .toList();
    }

    /// Quotes a string; TOML's escapes are those of JSON.
    private static String toml(String text) { return Json.compact(text); }

    /// Returns the variables of OpenAI's older SDKs, which aider reads, without the key.
    SequencedMap<String, String> aider() {
        var all = new LinkedHashMap<String, String>();
        all.put("OPENAI_API_BASE", base + "/v1");
        return all;
    }

    List<String> aiderOptions() {
        return List.of("--model", "openai/" + main.id(), "--weak-model", "openai/" + models.small(main).id());
    }

    /// Returns the models in the format of aider's `--model-metadata-file`, that is LiteLLM's; without it, aider warns
    /// of an unknown context window.
    ObjectNode aiderModels() {
        var json = Json.object();
        for (var model : models.all()) {
            var entry = json.putObject("openai/" + model.id()).put("litellm_provider", "openai").put("mode", "chat")
                    .put("input_cost_per_token", 0).put("output_cost_per_token", 0);
            if (model.maxPromptTokens() > 0) entry.put("max_input_tokens", model.maxPromptTokens());
            if (model.maxOutputTokens() > 0) entry.put("max_output_tokens", model.maxOutputTokens())
                    .put("max_tokens", model.maxOutputTokens());
            entry.put("supports_vision", model.supports("vision")).put("supports_function_calling",
                    model.supports("tools"));
        }
        return json;
    }
}
