///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Compares prompts and models on rows with answers: eval classify -d tickets.csv -m A -m B -o lab.jsonl
//JAVA 25+
//CDS
//SOURCES ../copilot.java
//SOURCES embed.java
//SOURCES eval/AnswerPath.java
//SOURCES eval/BoundedRegex.java
//SOURCES eval/Check.java
//SOURCES eval/CheckKind.java
//SOURCES eval/CheckOptions.java
//SOURCES eval/CheckReader.java
//SOURCES eval/CheckRow.java
//SOURCES eval/CheckTest.java
//SOURCES eval/CheckValue.java
//SOURCES eval/CheckedAnswer.java
//SOURCES eval/Difference.java
//SOURCES eval/EditDistance.java
//SOURCES eval/EvalCell.java
//SOURCES eval/EvalInput.java
//SOURCES eval/EvalJudge.java
//SOURCES eval/EvalModels.java
//SOURCES eval/EvalOutcome.java
//SOURCES eval/EvalOutput.java
//SOURCES eval/EvalPlan.java
//SOURCES eval/EvalResults.java
//SOURCES eval/EvalRun.java
//SOURCES eval/EvalSender.java
//SOURCES eval/EvalSpec.java
//SOURCES eval/EvalVariants.java
//SOURCES eval/EvalVerbs.java
//SOURCES eval/EvalWatch.java
//SOURCES eval/GitHubJudge.java
//SOURCES eval/JUnitXml.java
//SOURCES eval/JudgePrompt.java
//SOURCES eval/JudgeQuestion.java
//SOURCES eval/ModelGate.java
//SOURCES eval/OutReader.java
//SOURCES eval/Report.java
//SOURCES eval/ReportCharts.java
//SOURCES eval/ReportData.java
//SOURCES eval/ReportSummary.java
//SOURCES eval/ReportText.java
//SOURCES eval/ResolvedVariant.java
//SOURCES eval/Statistics.java
//SOURCES eval/Summary.java
//SOURCES eval/SummaryText.java
//SOURCES eval/TextTable.java
//FILES report.html=eval/report.html

/// Sends rows × variants × repeats on the batch engine, checks the answers, and reports which variant is best. For
/// Java: `import static cop.eval.*`, which `repl` does at its start.
package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Prompt;
import cop.copilot.Row;

public class eval extends BatchCommand {
    public static void main(String... args) { System.exit(copilot.start("eval", args)); }

    /// Prepares an experiment, as the command `eval` does: `evaluate(prompt("classify"), rows("tickets.csv"))
    /// .models("gpt-5-mini", "claude-haiku-4.5").repeat(3).expect("equals: {{label}}").to("lab.jsonl")`.
    public static Evaluation evaluate(Prompt prompt, Stream<? extends Map<String, ?>> rows) {
        return new Evaluation(prompt, Fault.nonNull(rows, "evaluate's rows").toList());
    }

    /// Prepares an experiment with rows in memory.
    public static Evaluation evaluate(Prompt prompt, List<? extends Map<String, ?>> rows) {
        return new Evaluation(prompt, rows);
    }

    /// Prepares an experiment.
    ///
    /// @param rows a file, a folder, or a glob of JSON files
    public static Evaluation evaluate(Prompt prompt, String rows) { return new Evaluation(prompt, rows); }

    /// An experiment not run yet: most methods return a copy, `to` runs it.
    public static final class Evaluation implements Cloneable {
        List<Prompt> prompts;
        final Object rows;                                  // a file name, or a list of maps
        List<String> models = List.of(), checks = List.of();
        Map<String, BiPredicate<Row, Row>> predicates = Map.of();
        int repeat = 1, jobs = BatchSpec.JOBS;
        Duration delay = BatchSpec.DELAY;
        String judge;
        boolean retry;
        Consumer<String> progress = _ -> { };

        Evaluation(Prompt prompt, Object rows) {
            prompts = List.of(Fault.nonNull(prompt, "evaluate's prompt"));
            this.rows = Fault.nonNull(rows, "evaluate's rows");
        }

        /// Returns a changed copy.
        private Evaluation with(Consumer<Evaluation> change) {
            try {
                var copy = (Evaluation) clone();
                change.accept(copy);
                return copy;
            } catch (CloneNotSupportedException impossible) {
                throw new AssertionError(impossible);
            }
        }

        private static <T> List<T> plus(List<T> list, T another) {
            return Stream.concat(list.stream(), Stream.of(another)).toList();
        }

        private static int atLeastOne(String method, int number) {
            if (number >= 1) return number;
            throw Fault.usage(method + "(" + number + ") is out of range", "use 1 or more");
        }

        /// Adds a prompt to compare.
        public Evaluation and(Prompt other) {
            Fault.nonNull(other, "and's prompt");
            return with(copy -> copy.prompts = plus(prompts, other));
        }

        /// Sets the models that answer each prompt; the default is the prompt's.
        public Evaluation models(String... ids) { return with(copy -> copy.models = List.of(ids)); }

        /// Sets how often each row is asked.
        public Evaluation repeat(int times) { return with(copy -> copy.repeat = atLeastOne("repeat", times)); }

        /// Adds a check, such as `expect("contains: {{name}}")`.
        public Evaluation expect(String check) {
            Fault.nonNull(check, "expect's check");
            return with(copy -> copy.checks = plus(checks, check));
        }

        /// Adds a check in Java:
        /// `expect("label", (row, answer) -> answer.text("json.label").equals(row.text("label")))`.
        ///
        /// @param name shown in results
        /// @param test gets the row, and the answer with `text` or `json`, `model`, `ms`, `usage`
        public Evaluation expect(String name, BiPredicate<Row, Row> test) {
            var all = new LinkedHashMap<>(predicates);
            all.put(Fault.nonNull(name, "expect's name"), Fault.nonNull(test, "expect's test"));
            return with(copy -> copy.predicates = all);
        }

        /// Sets the model of `llm-rubric`.
        public Evaluation judge(String model) { return with(copy -> copy.judge = model); }

        /// Sets the number of concurrent requests; 2 by default.
        public Evaluation jobs(int number) { return with(copy -> copy.jobs = atLeastOne("jobs", number)); }

        /// Sets the minimum time between starts of requests; one second by default.
        public Evaluation delay(Duration time) {
            Fault.nonNull(time, "delay's time");
            return with(copy -> copy.delay = time);
        }

        /// Asks cells again that failed, were filtered, or were cut off in an earlier run.
        public Evaluation retryFailed() { return with(copy -> copy.retry = true); }

        /// Sets a listener for progress messages and notes: `progress(System.err::println)`.
        public Evaluation progress(Consumer<String> lines) {
            Fault.nonNull(lines, "progress's listener");
            return with(copy -> copy.progress = lines);
        }

        /// Asks the cells not answered yet, checks all, and writes a line per cell. What is done is kept in the folder
        /// `out` + `.run`.
        ///
        /// @param out a .jsonl or .csv file
        /// @throws Fault naming an invalid row or check, before anything is sent; or as a batch's `to`
        public Experiment to(String out) {
            return new Experiment(this, Fault.nonNull(out, "to's file"), EvalVerbs.run(this, out, null));
        }

        @Override
        public String toString() {
            return "an experiment with " + prompts.stream().map(Prompt::name).collect(Collectors.joining(", "))
                    + ", not run yet: .to(\"lab.jsonl\") runs it";
        }
    }

    /// A finished experiment. Prints as the table of `eval`.
    public static final class Experiment {
        private final Evaluation evaluation;
        private final String out;
        private final Summary summary;

        Experiment(Evaluation evaluation, String out, Summary summary) {
            this.evaluation = evaluation;
            this.out = out;
            this.summary = summary;
        }

        /// Returns the cells: `id`, `variant`, `repeat`, `status`, `text` or `json`, `checks`, `pass`, `score`.
        public Stream<Row> cells() { return copilot.rows(out); }

        /// Writes the page with all cells, and sends nothing.
        ///
        /// @param file an .html file
        public Experiment report(String file) {
            EvalVerbs.run(evaluation, out, Fault.nonNull(file, "report's file"));
            return this;
        }

        @Override
        public String toString() { return summary.table(100).stripTrailing(); }
    }

    @Override
    String syntax() {
        return """
                [TEMPLATE…] -d ROWS [-o OUT] [--json] [OPTIONS]
                diff OLD NEW [--no-worse] [--json]

                Compare prompts and models on rows; run it again to resume.
                Sends each row to each variant (a template, a model, and options), checks the answers, and shows which \
                variant passes, how sure that is, and what it costs. After edits it sends only what is new; changed \
                checks are evaluated on the answers that are kept. State is saved in OUT.run/.

                TEMPLATE…  Template names or files, unless each --variant has one. Their expect: has checks.
                OLD  OUT of an earlier run.
                NEW  OUT of a later run.
                Input:
                -d, --data=ROWS  A file, folder, or glob of JSON files; - is stdin.
                --format=jsonl|json|csv|tsv|files  Format of the rows. Default: by file extension.
                --id=FIELD  Field that identifies a row. Default: id, custom_id, or a hash of what templates use.
                """ + VALUES + """
                Variants:
                -m, --model=MODEL  Model id, part of one, or auto; may be repeated. Default: as batch.
                --variant='NAME: {SETTING: VALUE}'  Add a variant; settings: template, model, system, schema, \
                endpoint, options, temperature, …
                --repeat=N:int  Ask each N times, to see how stable the answers are. Default: 1.
                Checks:
                --expect='CHECK: VALUE'  Add a check, such as 'equals: {{label}}'; may be repeated. Names: equals, \
                contains, icontains, contains-all, contains-any, starts-with, ends-with, regex, is-json, levenshtein, \
                similar, llm-rubric, cost, latency, max-words; not- negates.
                --judge=MODEL  Model of llm-rubric. Default: as chat.
                --threshold=N%  Exit with 5 if fewer of a variant's cells pass; 'NAME=N%' for one variant.
                --no-worse  Exit with 5 if NEW is worse with significance.
                Rows:
                -L, --limit=N:int  Send only the first N rows.
                --sample=N:int  Send N randomly chosen rows.
                --sample-seed=S:long  Seed for --sample.
                --retry-failed[=CODE,…]  Send failed, filtered, and incomplete cells again (only these error codes).
                --again  Send all cells again, replacing earlier answers.
                """ + REQUEST.replaceFirst("(?s)Model:\\n-m.*?\\n", "Requests:\n") + """
                Output:
                -o, --output=OUT  One line per cell: .jsonl or .csv.
                --report=FILE  Write a page with all cells and charts: .html.
                --junit=FILE  Write the checks as JUnit XML.
                --run=DIR  Folder for the run's state. Default: OUT.run.
                --json  Print the table as JSON.
                --watch  Show the first N rows (-L, default 5) each time the templates or rows are saved; writes no OUT.
                --dry-run  Show cells, tokens, and the first prompt; send nothing.
                -y, --yes  Do not ask for confirmation.
                """ + LIMITS + """

                  {cop} eval classify -d t.csv -m gpt-5-mini -m auto --repeat 3 -o lab.jsonl
                  {cop} eval classify short -d t.csv -m auto -o lab.jsonl --report lab.html
                  {cop} eval classify -d t.csv -o lab.jsonl --expect 'equals: {{label}}'
                  {cop} eval diff monday.jsonl lab.jsonl
                """;
    }

    private EvalSpec eval;

    @Override
    int run(CopilotClient copilot) {
        if (action().equals("diff")) return diff();
        if (has("--watch")) return watch(copilot);
        return new EvalRun(console, copilot, read()).run();
    }

    private EvalSpec read() {
        if (has("--output")) OutputFile.check(env, "-o", text("--output"), EvalOutput.ENDINGS);
        spec();
        return eval;
    }

    /// Reads variants and checks.
    @Override
    void asking(BatchSpec spec) {
        eval = new EvalSpec(spec);
        eval.repeat = atLeast(1, "--repeat", 1);
        eval.judge = text("--judge");
        eval.report = file("--report", ".html", ".htm");
        eval.junit = file("--junit", ".xml");
        eval.json = has("--json");
        eval.thresholds = EvalSpec.thresholds(texts("--threshold"));
        var variants = new EvalVariants(env, console, wishes(), data(Set.of("--var", "--var-json", "--var-file")));
        variants.allowMissing = has("--allow-missing");
        texts("--expect").forEach(variants::expect);
        eval.variants.addAll(variants.of(texts("TEMPLATE"), texts("--model"), texts("--variant")));
    }

    private String file(String option, String... endings) {
        String name = text(option);
        if (name != null) OutputFile.check(env, option, name, endings);
        return name;
    }

    private int diff() {
        var difference = Difference.read(env, text("OLD"), text("NEW"));
        console.print(has("--json") ? Json.pretty(difference.json()) + "\n" : difference.text(console.columns()));
        return has("--no-worse") && difference.isWorse() ? Fault.FAILED_ROWS : 0;
    }

    private int watch(CopilotClient copilot) {
        return new EvalWatch(console, texts("TEMPLATE"), text("--data")).watch(() -> {
            var spec = read();
            spec.watching = true;
            if (!has("-L")) spec.batch.first = EvalWatch.ROWS;
            new EvalRun(console, copilot, spec).run();
            return spec.variants;
        });
    }
}
