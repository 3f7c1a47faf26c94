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
        if (args.length < 2) {
            System.err.println("usage: ask-csv FILE 'QUESTION with {{column}}' [OUT.csv]");
            System.exit(2);
        }
        String out = args.length > 2 ? args[2] : args[0].replaceFirst("\\.[^./\\\\]*$", "") + "-answers.csv";
        var outcome = batch(template(args[1]), args[0]).withProgress(System.err::println).to(out);
        outcome.results().forEach(row -> IO.println(row.text("id") + "\t" + row.text("text").replaceAll("\\s+", " ")));
        if (outcome.failed() + outcome.filtered() + outcome.incomplete() > 0) System.exit(5);
    }
}
