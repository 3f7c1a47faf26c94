package cop;

import module java.base;
import cop.copilot.Fault;

/// An `llm` or `uses` evaluator of GitHub's `.prompt.yml`: a prompt over the row and `{{completion}}`, and scores by
/// choice (gh-models, cmd/eval). The prompts of `github/similarity` and the other four are our own words; names,
/// scales, and scores are GitHub's.
///
/// @param system may be null
/// @param prompt a template over the row and `completion`
/// @param data fields of the row that are put into blocks of their own, by title; with ? if the row may lack it
/// @param schema of the verdict
/// @param model may be null
/// @param row empty before it is known
record GitHubJudge(CheckValue system, CheckValue prompt, Map<String, String> data, Map<String, Double> choices,
                   ResponseSchema schema, String model, Map<String, Object> row) {
    private static final String COMPLETION = "completion";
    private static final List<Double> SCORES = List.of(0.0, 0.25, 0.5, 0.75, 1.0);
    private static final Map<String, String> QUESTION = Map.of("QUESTION", "input?");
    private static final Map<String, String> REFERENCE = Map.of("QUESTION", "input?", "REFERENCE", "expected");

    /// @param task what to judge
    /// @param scale what 1 to 5 mean
    private record BuiltIn(String task, List<String> scale, Map<String, String> data) {}

    private static final Map<String, BuiltIn> BUILT_IN = Map.of(
            "github/similarity", new BuiltIn(
                    "How far does the ANSWER say the same as the REFERENCE, as an answer to the"
                    + " QUESTION? Only the content counts, not the wording.", List.of("it says something else",
                    "little is the same", "half of it is the same", "almost all is the same",
                    "it says the same"), REFERENCE),
            "github/coherence", new BuiltIn(
                    "How well do the sentences of the ANSWER follow from one another, as an answer"
                    + " to the QUESTION? Whether it is true does not count.", List.of("words without connection",
                    "sentences that hardly connect", "partly in order, with gaps", "in order and easy to follow",
                    "every sentence in its place, with clear transitions"), QUESTION),
            "github/fluency", new BuiltIn(
                    "How good is the language of the ANSWER: grammar, choice of words, variety of"
                    + " sentences? What it says does not count.", List.of("hardly understandable, full of errors",
                    "understandable with effort, many errors", "clear, with some errors or stiff phrases",
                    "well written, hardly any error", "faultless, varied, and natural"), Map.of()),
            "github/relevance", new BuiltIn(
                    "How well does the ANSWER address the QUESTION?", List.of(
                    "it is about something else", "it is about the subject, but no answer",
                    "it answers a part, or a part is wrong", "it answers the question", "it answers the question in"
                    + " full, and adds what helps"), Map.of("QUESTION", "input")),
            "github/groundedness", new BuiltIn(
                    "How far is what the ANSWER says supported by the REFERENCE, and by nothing"
                    + " else, in reply to the QUESTION?", List.of("nothing is from the reference",
                    "it has the subject of the reference, but not its facts", "facts of the reference, and others"
                    + " that it does not support", "all is supported, but something needed is left out",
                    "all is supported, and nothing needed is left out"), REFERENCE));

    /// @param name with `github/`
    static GitHubJudge builtIn(String name, String place) {
        var found = BUILT_IN.get(name);
        if (found == null) throw Fault.usage("unknown evaluator " + Text.shortened(Text.cell(name), 60),
                Suggestions.hint(name, BUILT_IN.keySet(), "use " + String.join(", ", new TreeSet<>(
                BUILT_IN.keySet()))));
        var scale = IntStream.range(0, 5).mapToObj(i -> (i + 1) + ": " + found.scale().get(i))
                .collect(Collectors.joining("\n"));
        var choices = new LinkedHashMap<String, Double>();
        for (int i = 0; i < 5; i++) choices.put(String.valueOf(i + 1), SCORES.get(i));
        return new GitHubJudge(CheckValue.NONE, new CheckValue(found.task() + "\n\n" + scale, place, false),
                new TreeMap<>(found.data()), choices, JudgePrompt.chosen(choices.keySet()), null, Map.of());
    }

    /// @param fields of `llm:`
    static GitHubJudge of(Map<String, Object> fields, String place) {
        var choices = new LinkedHashMap<String, Double>();
        if (fields.get("choices") instanceof List<?> list) for (Object item : list) addChoice(choices, item);
        if (choices.isEmpty()) throw Fault.usage("llm has no choices", "choices: [{choice: good, score: 1}, …]");
        if (!(fields.get("prompt") instanceof String prompt) || prompt.isBlank()) {
            throw Fault.usage("llm has no prompt", "prompt: … {{completion}} …");
        }
        String model = fields.get("modelId") instanceof String id ? id.replaceFirst("^.*/", "") : null;
        return new GitHubJudge(new CheckValue(fields.get("systemPrompt"), place, true), new CheckValue(prompt, place,
                true), Map.of(), choices, JudgePrompt.chosen(choices.keySet()), model, Map.of());
    }

    private static void addChoice(Map<String, Double> choices, Object item) {
        if (!(item instanceof Map<?, ?> choice) || !(choice.get("score") instanceof JsonValues.NumberLiteral score)
                || choice.get("choice") == null || choice.get("choice") == JsonValues.NULL) {
            throw Fault.usage("a choice needs a choice and a score", "{choice: good, score: 1}");
        }
        double number = Double.parseDouble(score.text());
        if (!(number >= 0 && number <= 1)) throw Fault.usage("score of " + choice.get("choice") + " is " + score,
                "use a number from 0 to 1");
        choices.put(JsonValues.text(choice.get("choice")), number);
    }

    /// Returns the judge for a row.
    ///
    /// @throws Fault if the row lacks a field of the prompts
    GitHubJudge filled(Map<String, Object> row) {
        var filled = new GitHubJudge(system, prompt, data, choices, schema, model, row);
        var missing = data.values().stream().filter(field -> !field.endsWith("?") && !RowFilter.isValue(row.get(field)))
                .toList();
        if (!missing.isEmpty()) throw Fault.usage("{{" + String.join("}}, {{", missing) + "}} is missing",
                "the evaluator needs it in the row");
        filled.text(system, "");
        filled.text(prompt, "");
        return filled;
    }

    private String text(CheckValue template, String completion) {
        if (template.written() == null) return "";
        var values = new LinkedHashMap<>(row);
        values.put(COMPLETION, completion);
        return JsonValues.text(template.filled(values));
    }

    JudgeQuestion question(CheckedAnswer answer) {
        var parts = new ArrayList<JudgePrompt.Part>();
        data.forEach((title, field) -> {
            Object value = row.get(field.replace("?", ""));
            if (RowFilter.isValue(value)) parts.add(new JudgePrompt.Part(title, JsonValues.text(value)));
        });
        parts.add(new JudgePrompt.Part(JudgePrompt.ANSWER, answer.text().strip()));
        boolean placed = String.valueOf(prompt.written()).matches("(?s).*\\{\\{[{&]?\\s*" + COMPLETION + "\\s*}}.*");
        return JudgePrompt.choices(text(system, ""), text(prompt, ""), block -> text(prompt, placed
                ? block.apply(JudgePrompt.ANSWER) : ""), parts, this);
    }

    boolean isOpen() { return system.isOpen() || prompt.isOpen() || !data.isEmpty(); }
}
