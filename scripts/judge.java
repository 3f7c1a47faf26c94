///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Scores a batch's answers with a second prompt: judge RESULTS.jsonl "what a good answer does"
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Gives each answer of a batch a score from 1 to 5 with a reason, and prints the mean and the five worst. The scores
/// are kept beside the results, so that judging goes on where it stopped.
void main(String... args) {
    if (args.length < 2) {
        System.err.println("usage: judge RESULTS.jsonl \"what a good answer does\" [MODEL]");
        System.exit(2);
    }
    var answers = rows(args[0]).filter(row -> row.text("status").equals("ok")).map(row -> Map.of("id", row.text("id"),
            "answer", row.containsKey("json") ? row.text("json") : row.text("text"))).toList();
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
            """).with("criterion", args[1]);
    if (args.length > 2) judge = judge.withModel(args[2]);
    var outcome = batch(judge, answers).withProgress(System.err::println)
            .to(args[0].replaceFirst("\\.[^./\\\\]*$", "") + "-scores.jsonl");
    var scores = outcome.results().filter(row -> row.text("status").equals("ok"))
            .sorted(Comparator.comparing(row -> row.text("json.score"))).toList();
    if (scores.isEmpty()) {
        System.err.println("no answer could be scored");
        System.exit(1);
    }
    IO.println("%d answers, mean score %.2f".formatted(scores.size(),
            scores.stream().mapToDouble(row -> Double.parseDouble(row.text("json.score"))).average().orElse(0)));
    scores.stream().limit(5).forEach(row -> IO.println(row.text("json.score") + "  " + row.text("id") + ": "
            + row.text("json.reason")));
}
