///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Compares prompts and models on rows with answers: eval classify -d tickets.csv -m A -m B -o lab.jsonl
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES eval/EvalCell.java

/// Sends rows × variants × repeats on the batch engine, checks the answers, and reports which variant is best.
package cop;

import module java.base;
import cop.copilot.Fault;

public class eval extends Command {
    public static void main(String... args) { System.exit(copilot.start("eval", args)); }

    @Override
    String syntax() {
        return """
                TEMPLATE

                Compare prompts and models. TEMPLATE is a template.
                """;
    }

    @Override
    int run(CopilotClient copilot) { throw Fault.error("eval is not written yet", ""); }
}
