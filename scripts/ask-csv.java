///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Asks a question about each row of a CSV file: ask-csv FILE 'Is this a complaint? {{text}}' [OUT]
//JAVA 25+
//SOURCES ../copilot.java
//MAIN AskCsv

import module java.base;

import static cop.copilot.*;

/// Fills the question from each row's columns, asks it, and prints the row's id and the answer. Answers are kept in
/// OUT.run, so the same command again asks only new and failed rows.
class AskCsv {
    static void main(String... args) {
        script("""
                ask-csv FILE QUESTION [OUT]

                Asks QUESTION about each row of a CSV file, and prints each row's id and answer.
                {{NAME}} in QUESTION is the row's value in column NAME. The answers are also
                written to OUT (default: FILE-answers.csv, without FILE's extension). Run the
                same command again to ask only new and failed rows.

                Examples:
                  jbang ask-csv@OWNER/copilot.java t.csv 'Is this a complaint? {{text}}'
                  jbang ask-csv@OWNER/copilot.java t.csv 'Translate: {{text}}' french.csv
                """, args, (words, _) -> {
            if (words.getFirst().equals("-")) throw new Fault(2, "FILE cannot be stdin", "pass the name of a CSV file");
            if (!words.get(1).contains("{{")) {
                throw new Fault(2, "the question does not name a column: " + words.get(1), "add one, such as {{text}}");
            }
            String out = words.size() > 2 ? words.get(2)
                    : words.getFirst().replaceFirst("\\.[^./\\\\]*$", "") + "-answers.csv";
            var outcome = batch(template(words.get(1)), words.getFirst()).withRetryFailed()
                    .withProgress(System.err::println).to(out);
            outcome.answers().forEach(row -> IO.println(row.text("id") + "\t"
                    + row.text("text").replaceAll("\\s+", " ")));
            if (!outcome.allOk()) {
                throw new Fault(5, outcome + "; " + outcome.firstProblem().orElse(""),
                        "run the same command to retry them");
            }
        });
    }
}
