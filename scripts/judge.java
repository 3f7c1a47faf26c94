///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Scores the answers of a batch with a second prompt: judge RESULTS "The label fits the text"
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Scores each answer of a batch from 1 to 5, with a reason, and prints the mean and the five worst. Keeps the scores
/// next to the results, so the same command again resumes.
void main(String... args) {
    script("""
            judge RESULTS CRITERION [MODEL]

            Scores each answer in RESULTS, the output of a batch, from 1 (fails) to 5
            (perfect), and prints the mean score and the five worst answers. All scores are
            written to RESULTS-scores.jsonl, without the extension of RESULTS. Run the same
            command again to retry failed rows.

            Examples:
              jbang judge@OWNER/copilot.java labels.jsonl "The label fits the text"
              jbang judge@OWNER/copilot.java out.jsonl "It is polite and brief" gpt-5-mini
            """, args, (words, _) -> {
        if (words.get(1).isBlank()) throw new Fault(2, "CRITERION is blank", "describe what makes an answer good");
        var answers = rows(words.getFirst()).filter(row -> row.text("status").equals("ok")).map(row -> Map.of("id",
                row.get("id"), "answer", row.containsKey("json") ? row.text("json") : row.text("text"))).toList();
        if (answers.isEmpty()) throw new Fault("no answers in " + words.getFirst(), "pass the output of a batch");
        var judge = template("""
                ---
                system: You are a strict judge. You judge answers only by the criterion.
                schema:
                  type: object
                  properties: {score: {type: integer, minimum: 1, maximum: 5}, reason: {type: string}}
                  required: [score, reason]
                  additionalProperties: false
                ---
                The criterion: {{criterion}}

                The answer:
                <answer>
                {{answer}}
                </answer>
                Score it from 1 (fails) to 5 (perfect), and give the reason in one sentence.
                """).with("criterion", words.get(1)).withModel(words.size() > 2 ? words.get(2) : null);
        var outcome = batch(judge, answers).withRetryFailed().withProgress(System.err::println)
                .to(words.getFirst().replaceFirst("\\.[^./\\\\]*$", "") + "-scores.jsonl");
        var scores = outcome.answers()
                .sorted(Comparator.comparing(row -> row.text("json.score"))).toList();
        if (!scores.isEmpty()) IO.println("%d answers, mean score %.2f".formatted(scores.size(),
                scores.stream().mapToDouble(row -> Double.parseDouble(row.text("json.score"))).average().orElse(0)));
        scores.stream().limit(5).forEach(row -> IO.println(row.text("json.score") + "  " + row.text("id") + ": "
                + row.text("json.reason")));
        if (!outcome.allOk()) {
            throw new Fault(5, outcome + "; " + outcome.firstProblem().orElse(""),
                    "run the same command to retry them");
        }
    });
}
