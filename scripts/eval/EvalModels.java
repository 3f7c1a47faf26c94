package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Model;
import cop.copilot.Request;
import tools.jackson.databind.node.ObjectNode;

/// The models of a run by the names that the user gave. They stay as at its first start, because each cell would be
/// paid for again with another model; names that the run knows need no request.
final class EvalModels {
    /// @param structured whether it accepts a schema in a field of its own
    record Chosen(String id, boolean structured) {}

    private static final String EMBEDDING = "embedding of similar";

    private final CopilotClient copilot;
    private final ObjectNode known;                         // of the manifest
    private Optional<ModelList> catalog;

    EvalModels(CopilotClient copilot, ObjectNode manifest) {
        this.copilot = copilot;
        known = manifest.withObject("models");
        catalog = copilot.models().cached();
    }

    boolean knows(String typed) { return known.has(Objects.requireNonNullElse(typed, "")); }

    /// Logs in, and fetches the list of models if it is old.
    void fetch() {
        copilot.tokens().get();
        catalog = copilot.models().listIfAny();             // without one, cells will report the error
    }

    /// @param typed the name given, or null for the default
    /// @throws Fault if the list of models lacks it
    Chosen chosen(String typed) {
        String name = Objects.requireNonNullElse(typed, "");
        if (!known.has(name)) {
            String id = copilot.models().chooseCached(typed);
            if (catalog.isPresent()) catalog.get().require(id, Model::usable);
            known.putObject(name).put("id", id).put("structured", copilot.structured(new Request(id, List.of(), null,
                    true)));
        }
        return new Chosen(Json.text(known.path(name), "id"), known.path(name).path("structured").asBoolean());
    }

    /// Returns the model of `similar`.
    String embedding() {
        if (!known.has(EMBEDDING)) known.putObject(EMBEDDING).put("id", Embedder.model(copilot, null).id());
        return Json.text(known.path(EMBEDDING), "id");
    }

    /// Returns empty for auto, whose limits are unknown.
    Optional<Model> find(String id) {
        return Model.isAuto(id) ? Optional.empty() : catalog.flatMap(all -> all.find(id));
    }

    boolean hasPrices(String id) { return catalog.flatMap(all -> all.priced("", id)).isPresent(); }
}
