///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION A question over each row of a CSV: ask-csv FILE 'Is this a complaint? {{text}}' [OUT.csv]
//JAVA 25+
//SOURCES ../copilot.java
//MAIN AskCsv

import module java.base;

import static cop.copilot.*;

/// Fills the question from each row (its columns are the names), asks, and prints each answer behind its row's id.
/// What is answered is kept in OUT.run: the same command again asks only what is new.
class AskCsv {
    static void main(String... args) {
        script("ask-csv FILE QUESTION [OUT]\nQUESTION is such as 'Is this a complaint? {{text}}'", args, (words, _) -> {
            if (words.getFirst().equals("-")) throw new Fault(2, "stdin does not say that it is CSV", "ask-csv FILE …");
            if (!words.get(1).contains("{{")) {
                throw new Fault(2, "the question names no column, so it would be the same for each row",
                        "name one, such as {{text}}");
            }
            String out = words.size() > 2 ? words.get(2)
                    : words.getFirst().replaceFirst("\\.[^./\\\\]*$", "") + "-answers.csv";
            var outcome = batch(template(words.get(1)), words.getFirst()).withRetryFailed()
                    .withProgress(System.err::println).to(out);
            outcome.answers().forEach(row -> IO.println(row.text("id") + "\t"
                    + row.text("text").replaceAll("\\s+", " ")));
            if (!outcome.complete()) {
                throw new Fault(5, outcome + "; " + outcome.trouble().orElse(""), "the same command asks those again");
            }
        });
    }
}
