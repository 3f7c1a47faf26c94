package cop;

import module java.base;
import cop.copilot.Message;
import cop.copilot.Request;
import tools.jackson.databind.JsonNode;

/// What a judge says of an answer.
///
/// @param score 0 to 1; of `similar`, the cosine of the two embeddings
/// @param reason may be empty
record Verdict(double score, String reason) {}

/// A question to a judge about one answer, or two texts whose embeddings are compared.
///
/// @param key fingerprint of what is judged and how, without the judge's model: equal questions are asked once
/// @param answer the text that is judged
/// @param expected of SIMILAR: the text to compare with
/// @param asking writes the messages of RUBRIC
/// @param schema of RUBRIC's answer
/// @param choices scores by choice; empty if the judge gives a score
/// @param model that the check names; null for the run's
record JudgeQuestion(Kind kind, String key, String answer, String expected, Supplier<List<Message>> asking,
                     ResponseSchema schema, Map<String, Double> choices, String model) {
    enum Kind { RUBRIC, SIMILAR }

    static JudgeQuestion similar(String answer, String expected) {
        return new JudgeQuestion(Kind.SIMILAR, key("similar", answer, expected), answer, expected, List::of, null,
                Map.of(), null);
    }

    /// @param key of all that the messages depend on
    static JudgeQuestion rubric(String key, String answer, Supplier<List<Message>> asking, ResponseSchema schema,
                                Map<String, Double> choices, String model) {
        return new JudgeQuestion(Kind.RUBRIC, key, answer, "", asking, schema, choices, model);
    }

    static String key(String... parts) {
        return Fingerprint.of(Stream.of(parts).map(part -> part.getBytes(StandardCharsets.UTF_8)).toArray(
                byte[][]::new));
    }

    List<Message> messages() { return asking.get(); }

    /// Returns the request of a RUBRIC.
    ///
    /// @param judgeModel null for the check's own, or the default
    PreparedPrompt prompt(String judgeModel) {
        String chosen = judgeModel != null ? judgeModel : model;
        return new PreparedPrompt(new Request(chosen, messages(), Json.object(), true), schema);
    }

    /// Returns what a judge's JSON says; empty if it is not valid against the schema.
    Optional<Verdict> verdict(JsonNode json) {
        if (!schema.misses(Json.compact(json)).isEmpty()) return Optional.empty();
        double score = choices.isEmpty() ? json.path("score").asDouble(0) : choices.getOrDefault(Json.text(json,
                "choice"), 0.0);
        String reason = Json.text(json, "reason").strip();
        return Optional.of(new Verdict(Math.clamp(score, 0, 1), choices.isEmpty() ? reason : Json.text(json, "choice")
                + (reason.isEmpty() ? "" : ": " + reason)));
    }
}
