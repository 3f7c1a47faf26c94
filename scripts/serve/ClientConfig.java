package cop;

import module java.base;
import cop.copilot.Model;
import tools.jackson.databind.node.ObjectNode;

/// Prints what to paste into a client's settings or a shell, for `serve --print`.
///
/// @param key a shell word that yields the key, such as `"$(cop serve key)"`
/// @param keyCommand the same as a command
record ClientConfig(ClientSettings settings, String key, String keyCommand) {
    /// Those whose settings name no model.
    static final Set<String> PLAIN = Set.of("openai", "anthropic", "xcode", "open-webui");
    /// The clients of `--print`.
    static final List<String> CLIENTS = List.of("claude", "codex", "aider", "llm", "zed", "open-webui", "continue",
            "xcode", "openai", "anthropic");

    /// Returns where the text belongs, and how the key gets there.
    String note(String client) {
        return switch (client) {
            case "llm" -> "for extra-openai-models.yaml in $(dirname \"$(llm logs path)\"), with the key once by: llm"
                    + " keys set cop --value " + key;
            case "zed" -> "for Zed's settings.json; it reads the key from COP_API_KEY, or asks for it: " + keyCommand;
            case "continue" -> "for ~/.continue/config.yaml, with the key once by: echo COP_SERVE_KEY=" + key
                    + " >> ~/.continue/.env";
            case "xcode" -> "for Xcode > Settings > Intelligence > Add a Model Provider";
            default -> "for a shell";
        };
    }

    String text(String client) {
        String base = settings.base();
        return switch (client) {
            case "claude" -> "ANTHROPIC_AUTH_TOKEN=" + key + " claude --settings " + Text.quoted(Json.compact(
                    ClientSettings.claudeSettings(settings.claude()))) + "\n";
            case "codex" -> ClientSettings.KEY + "=" + key + " codex " + words(settings.codex()) + "\n";
            case "aider" -> exports(settings.aider()) + "export OPENAI_API_KEY=" + key + "\naider " + words(
                    settings.aiderOptions()) + "\n";
            case "llm" -> settings.models().all().stream().map(this::llm).collect(Collectors.joining());
            case "zed" -> Json.pretty(zed()) + "\n";
            case "continue" -> continued();
            case "open-webui" -> openWebUi();
            case "xcode" -> """
                    Internet Hosted
                    URL:             %s
                    API Key:         the line that this prints: %s
                    API Key Header:  x-api-key
                    Description:     Copilot
                    """.formatted(base, keyCommand);
            case "openai" -> exports(Map.of("OPENAI_BASE_URL", base + "/v1")) + "export OPENAI_API_KEY=" + key + "\n";
            case "anthropic" -> exports(Map.of("ANTHROPIC_BASE_URL", base)) + "export ANTHROPIC_API_KEY=" + key + "\n";
            default -> throw new IllegalArgumentException(client);
        };
    }

    private static String words(List<String> words) {
        return words.stream().map(Text::quoted).collect(Collectors.joining(" "));
    }

    private static String exports(Map<String, String> variables) {
        return variables.entrySet().stream().map(each -> "export " + each.getKey() + "=" + Text.quoted(each.getValue())
                + "\n").collect(Collectors.joining());
    }

    /// Returns an entry of llm's extra-openai-models.yaml; OpenAI's own ids are taken there.
    private String llm(Model model) {
        var lines = new StringJoiner("\n  ", "- ", "\n");
        lines.add("model_id: " + yaml("copilot/" + model.id())).add("model_name: " + yaml(model.id()))
                .add("api_base: " + yaml(settings.base() + "/v1")).add("api_key_name: cop");
        if (!model.streams()) lines.add("can_stream: false");
        if (model.supports("vision")) lines.add("vision: true");
        if (model.supports("tools")) lines.add("supports_tools: true");
        if (model.supports("schema")) lines.add("supports_schema: true");
        if (!model.reasoningEfforts().isEmpty()) lines.add("reasoning: true");
        return lines.toString();
    }

    /// Quotes a string; YAML's double quotes take the escapes of JSON.
    private static String yaml(String text) { return Json.compact(text); }

    /// Returns a provider for Zed, which asks no server for its models.
    private ObjectNode zed() {
        var json = Json.object();
        var provider = json.putObject("language_models").putObject("openai_compatible").putObject("cop")
                .put("api_url", settings.base() + "/v1");
        var models = provider.putArray("available_models");
        for (var model : settings.models().all()) {
            var entry = models.addObject().put("name", model.id()).put("display_name", model.name());
            entry.put("max_tokens", model.maxPromptTokens() > 0 ? model.maxPromptTokens() : 128_000);
            if (model.maxOutputTokens() > 0) entry.put("max_output_tokens", model.maxOutputTokens());
            boolean responses = model.endpoints().contains("/responses") && !model.endpoints()
                    .contains("/chat/completions");
            entry.putObject("capabilities").put("tools", model.supports("tools")).put("images",
                    model.supports("vision")).put("parallel_tool_calls", model.supports("parallel_tool_calls"))
                    .put("prompt_cache_key", false).put("chat_completions", !responses);
        }
        return json;
    }

    private String continued() {
        var text = new StringBuilder("name: Copilot\nversion: 1.0.0\nschema: v1\nmodels:\n");
        settings.models().all().forEach(model -> {
            text.append(entry(model)).append("    roles: [chat, edit, apply]\n");
            var abilities = Stream.of("tools", "vision").filter(model::supports).map(ability -> ability.equals("tools")
                    ? "tool_use" : "image_input").toList();
            if (!abilities.isEmpty()) text.append("    capabilities: ").append(abilities).append("\n");
            if (model.maxPromptTokens() > 0) text.append("    defaultCompletionOptions:\n      contextLength: ")
                    .append(model.maxPromptTokens()).append("\n");
        });
        settings.models().embedding().forEach(model -> text.append(entry(model)).append("    roles: [embed]\n"));
        return text.toString();
    }

    private String entry(Model model) {
        return "  - name: " + yaml(model.name()) + "\n    provider: openai\n    model: " + yaml(model.id())
                + "\n    apiBase: " + yaml(settings.base() + "/v1") + "\n    apiKey: ${{ secrets.COP_SERVE_KEY }}\n";
    }

    /// In Docker on Linux, the container must share the host's network: nothing else reaches 127.0.0.1.
    private String openWebUi() {
        String run = "export OPENAI_API_KEY=" + key + "\nopen-webui serve\n";
        String docker = "-e OPENAI_API_BASE_URL -e OPENAI_API_KEY -v open-webui:/app/backend/data"
                + " ghcr.io/open-webui/open-webui:main\n";
        String inside = settings.base().replace("127.0.0.1", "host.docker.internal");
        return exports(Map.of("OPENAI_API_BASE_URL", settings.base() + "/v1")) + run
                + "# in Docker on Linux, instead of the last line:\n# docker run --network=host " + docker
                + "# in Docker Desktop, with serve --allow-host host.docker.internal:\n# OPENAI_API_BASE_URL="
                + inside + "/v1 docker run -p 3000:8080 " + docker;
    }
}
