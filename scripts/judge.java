///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Scores a batch's answers with a second prompt: judge RESULTS.jsonl "what a good answer does"
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Gives each answer of a batch a score from 1 to 5 with a reason, and prints the mean and the five worst. The scores
/// are kept beside the results, so that judging goes on where it stopped.
void main(String... args) {
    script("judge RESULTS CRITERION [MODEL]\nCRITERION is what a good answer does", args, (words, _) -> {
        var answers = rows(words.getFirst()).filter(row -> row.text("status").equals("ok")).map(row -> Map.of("id",
                row.get("id"), "answer", row.containsKey("json") ? row.text("json") : row.text("text"))).toList();
        if (answers.isEmpty()) throw new Fault("no row of " + words.getFirst() + " has an answer", "batch writes such");
        var judge = template("""
                ---
                system: You judge answers, strictly, by nothing but the criterion.
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
                Give it a score from 1 (fails) to 5 (perfect), with the reason in one sentence.
                """).with("criterion", words.get(1)).withModel(words.size() > 2 ? words.get(2) : null);
        var outcome = batch(judge, answers).withRetryFailed().withProgress(System.err::println)
                .to(words.getFirst().replaceFirst("\\.[^./\\\\]*$", "") + "-scores.jsonl");
        var scores = outcome.answers()
                .sorted(Comparator.comparing(row -> row.text("json.score"))).toList();
        if (!scores.isEmpty()) IO.println("%d answers, mean score %.2f".formatted(scores.size(),
                scores.stream().mapToDouble(row -> Double.parseDouble(row.text("json.score"))).average().orElse(0)));
        scores.stream().limit(5).forEach(row -> IO.println(row.text("json.score") + "  " + row.text("id") + ": "
                + row.text("json.reason")));
        if (!outcome.complete()) {
            throw new Fault(5, outcome + "; " + outcome.trouble().orElse(""), "the same command asks those again");
        }
    });
}
