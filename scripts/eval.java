///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Compares prompts and models on rows with answers: eval classify -d tickets.csv -m A -m B -o lab.jsonl
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES eval/AnswerPath.java
//SOURCES eval/BoundedRegex.java
//SOURCES eval/Check.java
//SOURCES eval/CheckedAnswer.java
//SOURCES eval/CheckKind.java
//SOURCES eval/CheckOptions.java
//SOURCES eval/CheckReader.java
//SOURCES eval/CheckRow.java
//SOURCES eval/CheckTest.java
//SOURCES eval/CheckValue.java
//SOURCES eval/Difference.java
//SOURCES eval/EditDistance.java
//SOURCES eval/EvalCell.java
//SOURCES eval/GitHubJudge.java
//SOURCES eval/JudgePrompt.java
//SOURCES eval/JudgeQuestion.java
//SOURCES eval/JUnitXml.java
//SOURCES eval/OutReader.java
//SOURCES eval/Report.java
//SOURCES eval/ReportCharts.java
//SOURCES eval/ReportData.java
//SOURCES eval/ReportSummary.java
//SOURCES eval/ReportText.java
//SOURCES eval/Statistics.java
//SOURCES eval/Summary.java
//SOURCES eval/SummaryText.java
//SOURCES eval/TextTable.java
//FILES report.html=eval/report.html

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
