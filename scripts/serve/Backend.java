package cop;

import module java.base;
import cop.copilot.Model;
import cop.copilot.Request;
import cop.copilot.Usage;

/// What the routes share.
///
/// @param refused what models refused before
record Backend(CopilotClient copilot, Upstream upstream, Admission admission, Translations translations,
               RefusedMembers refused, ServerLimits limits, RequestMeter meter) {
    static Backend of(CopilotClient copilot, ServerLimits limits, RequestMeter meter) {
        var models = copilot.models();
        var translations = new Translations(id -> Model.isAuto(id) ? Optional.of(Model.auto()) : models.find(id),
                () -> models.cached().map(list -> list.models().stream().map(Model::id).toList()).orElse(List.of()),
                new ItemMemory());
        return new Backend(copilot, new Upstream(copilot, limits.times().upstream()), new Admission(
                limits.admittance()), translations, new RefusedMembers(), limits, meter);
    }

    /// Finds a model by its id at Copilot, or `auto`.
    Optional<Model> model(String id) { return translations.models().apply(id); }

    /// Returns the ids to name near ones of.
    List<String> ids() { return translations.ids().get(); }

    /// Holds a model's requests if Copilot has limited them.
    void limited(String model, ErrorResponse error) {
        if (error.limited()) error.retryAfter().ifPresent(wait -> admission.hold(model, wait));
    }

    /// Records what an answer has cost, for the figures and for `usage --spent`.
    void used(RequestMeter.Call call, String model, Usage usage) {
        var known = copilot.models().findCached(model);
        var priced = usage.nanoCredits() > 0 || known.isEmpty() ? usage : known.get().priced(usage);
        call.usage(priced);
        if (priced.totalTokens() > 0) copilot.spending.add(new Request(model, List.of(), null, true), priced);
    }
}
