package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Model;

/// Chooses the account's models for a client.
record ClientModels(ModelDocuments documents) {
    private static final Pattern NUMBER = Pattern.compile("\\d+");

    List<Model> all() { return documents.models(); }

    /// Returns the models for embeddings.
    List<Model> embedding() {
        return documents.list().models().stream().filter(EmbeddingsRequest::embeds).toList();
    }

    /// Returns a model by its id or part of it; only models that can be named.
    Model named(String part) {
        var model = documents.list().require(part, Model::usable);
        if (model.isAuto() || model.usable()) return model;
        throw Fault.usage(model + " cannot be used", all().isEmpty() ? Text.COP + " models" : "-m " + all().getFirst());
    }

    /// Returns the model that GitHub, or the user, has set as the default.
    Model usual(CopilotClient copilot) {
        String id = copilot.models().choose(null);
        return all().stream().filter(model -> model.id().equals(id)).findFirst().orElseGet(() -> all().getFirst());
    }

    /// Returns the newest Claude of a family: `sonnet`.
    Optional<Model> claude(String family) {
        return all().stream().filter(model -> model.isClaude() && model.id().contains(family))
                .max(Comparator.<Model, List<Integer>>comparing(ClientModels::version, ClientModels::compare)
                        .thenComparing(model -> -model.id().length()));       // not its `-1m` or `-fast`
    }

    /// Returns the model for Claude Code's main conversation: its own default is a Sonnet.
    Model forClaude(CopilotClient copilot) {
        return Stream.of("sonnet", "opus", "haiku").map(this::claude).flatMap(Optional::stream).findFirst()
                .orElseGet(() -> usual(copilot));
    }

    /// Returns a model that Copilot serves on /responses, which is all that Codex speaks: the default, or the first.
    Model forCodex(CopilotClient copilot) {
        var usual = usual(copilot);
        Predicate<Model> responses = model -> model.endpoints().contains("/responses");
        if (responses.test(usual)) return usual;
        return all().stream().filter(responses).findFirst().orElse(usual);
    }

    /// Returns the cheapest model of the same vendor for summaries and titles.
    Model small(Model main) {
        return all().stream().filter(model -> model.vendor().equals(main.vendor()) && model.multiplier().isPresent()
                && model.multiplier().get().signum() >= 0).min(Comparator.comparing(model -> model.multiplier().get()))
                .orElse(main);
    }

    private static List<Integer> version(Model model) {
        return NUMBER.matcher(model.id()).results().map(number -> number.group().length() > 6 ? 0
                : Integer.parseInt(number.group())).toList();
    }

    private static int compare(List<Integer> a, List<Integer> b) {
        return IntStream.range(0, Math.max(a.size(), b.size())).map(i -> Integer.compare(i < a.size() ? a.get(i) : 0,
                i < b.size() ? b.get(i) : 0)).filter(order -> order != 0).findFirst().orElse(0);
    }
}
