package cop;

import module java.base;
import cop.copilot.Model;
import tools.jackson.databind.node.ObjectNode;

/// Describes the account's models in the clients' own formats: OpenAI's and Anthropic's lists as one document, and
/// Codex's catalog.
record ModelDocuments(ModelList list) {
    private static final Pattern DATE = Pattern.compile("\\d{4}-\\d{2}-\\d{2}$");
    /// The effort levels that Codex knows (codex-rs, protocol/src/openai_models.rs).
    private static final List<String> EFFORTS = List.of("none", "minimal", "low", "medium", "high", "xhigh");
    /// Codex demands instructions for each model of a catalog.
    private static final String INSTRUCTIONS = """
            You are a coding agent in the Codex CLI, on the user's computer. Work on the task until it is done: read \
            the files that matter, change them with the tools you have, and check the result, for example with the \
            project's tests. Follow the instructions in AGENTS.md files. Keep changes small and in the style of the \
            code around them; do not revert changes that you did not make. Answer briefly, and name files as paths \
            with line numbers.""";

    /// Returns the chat models that can be named; `auto` if GitHub lets the account name none.
    List<Model> models() {
        var usable = list.models().stream().filter(Model::usable).toList();
        return usable.isEmpty() ? List.of(Model.auto()) : usable;
    }

    /// Returns a page of the list, in GitHub's order.
    ///
    /// @param query the parameters `limit`, `after_id` and `before_id`, as Anthropic's API has them; others are ignored
    ObjectNode page(Map<String, String> query) {
        var all = models();
        int from = index(all, query.get("after_id")) + 1, to = index(all, query.get("before_id"));
        if (to < 0) to = all.size();
        int limit = limit(query.get("limit")), before = Math.max(from, to);
        if (query.containsKey("before_id")) from = Math.max(from, before - limit);
        var page = all.subList(Math.min(from, before), Math.min((int) Math.min((long) from + limit, before),
                all.size()));
        boolean more = query.containsKey("before_id") ? from > 0 : from + page.size() < before;
        var json = Json.object().put("object", "list").put("has_more", more);
        json.put("first_id", page.isEmpty() ? null : page.getFirst().id());
        json.put("last_id", page.isEmpty() ? null : page.getLast().id());
        json.set("data", Json.array(page.stream().map(ModelDocuments::entry)));
        return json;
    }

    /// Returns the entry of one model, also of those for embeddings.
    Optional<ObjectNode> one(String id) {
        return Stream.concat(models().stream(), list.models().stream().filter(model -> model.type()
                .equals("embeddings"))).filter(model -> model.id().equals(id)).findFirst().map(ModelDocuments::entry);
    }

    private static int limit(String text) {
        return text != null && text.matches("[1-9][0-9]{0,3}") ? Integer.parseInt(text) : Integer.MAX_VALUE;
    }

    /// Returns the index of a model, or -1.
    private static int index(List<Model> all, String id) {
        return IntStream.range(0, all.size()).filter(i -> all.get(i).id().equals(id)).findFirst().orElse(-1);
    }

    /// Returns a model with the fields of both APIs; GitHub does not tell when one was made, unless its version has a
    /// date, and Anthropic's reference allows the epoch.
    private static ObjectNode entry(Model model) {
        var date = DATE.matcher(Json.text(model.json(), "version"));
        var created = date.find() ? LocalDate.parse(date.group()).atStartOfDay(ZoneOffset.UTC).toInstant()
                : Instant.EPOCH;
        var json = Json.object().put("id", model.id()).put("object", "model").put("type", "model")
                .put("created", created.getEpochSecond()).put("created_at", Durations.stamp(created))
                .put("owned_by", model.vendor()).put("display_name", model.name());
        if (model.contextWindow() > 0) {
            json.put("context_window", model.contextWindow()).put("max_input_tokens", model.maxPromptTokens())
                    .put("max_tokens", model.maxOutputTokens()).put("description", description(model));
        }
        return json;
    }

    /// Returns a line for pickers: `Anthropic, 264K context, vision tools reasoning`.
    static String description(Model model) {
        return Text.joined(", ", model.vendor(), model.contextWindow() == 0 ? "" : tokens(model.contextWindow())
                + " context", model.abilities());
    }

    /// Formats a number of tokens: `264K`, `1.05M`.
    static String tokens(long tokens) {
        return tokens < 1000 ? "" + tokens : tokens < 1_000_000 ? tokens / 1000 + "K"
                : BigDecimal.valueOf(tokens / 10_000, 2).stripTrailingZeros().toPlainString() + "M";
    }

    /// Returns Codex's catalog. Its parser rejects all of it if one field is missing (openai/codex #35758).
    ObjectNode codex() {
        var all = models();
        var json = Json.object();
        json.set("models", Json.array(IntStream.range(0, all.size()).mapToObj(i -> codex(all.get(i), i))));
        return json;
    }

    private static ObjectNode codex(Model model, int priority) {
        var efforts = model.reasoningEfforts().stream().filter(EFFORTS::contains).toList();
        var json = Json.object().put("slug", model.id()).put("display_name", model.name())
                .put("description", description(model));
        if (!efforts.isEmpty()) json.put("default_reasoning_level", efforts.contains("medium") ? "medium"
                : efforts.getFirst());
        json.set("supported_reasoning_levels", Json.array(efforts.stream().map(effort -> Json.object()
                .put("effort", effort).put("description", effort))));
        boolean responses = model.endpoints().contains("/responses");
        json.put("shell_type", "shell_command").put("visibility", "list").put("supported_in_api", true)
                .put("priority", priority).putNull("availability_nux").putNull("upgrade")
                .put("base_instructions", INSTRUCTIONS).put("supports_reasoning_summaries", !efforts.isEmpty())
                .put("support_verbosity", false).putNull("default_verbosity");
        json.put("apply_patch_tool_type", responses ? "freeform" : null);
        json.putObject("truncation_policy").put("mode", "tokens").put("limit", 10_000);
        json.put("supports_parallel_tool_calls", model.supports("parallel_tool_calls"));
        if (model.maxPromptTokens() > 0) json.put("context_window", model.maxPromptTokens());
        json.putArray("experimental_supported_tools");
        var kinds = json.putArray("input_modalities").add("text");
        if (model.supports("vision")) kinds.add("image");
        return json;
    }
}
