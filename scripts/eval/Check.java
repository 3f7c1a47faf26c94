package cop;

import module java.base;
import cop.copilot.Fault;
import tools.jackson.databind.JsonNode;

/// One expectation of an answer: `contains: refund`, `not-regex: \d{4}`, `llm-rubric: is polite`. Written in a
/// template's front matter, on the command line, in a row, or as GitHub's evaluator; all are read to the same.
///
/// An answer passes if all its checks pass; its score is their mean, weighted. A check of weight 0 is reported and does
/// not count. With `path`, a check looks at a part of a structured answer, and an answer without that part fails it,
/// `not-` or not.
///
/// @param negated by `not-`
/// @param judge of GitHub's evaluators; null for others
/// @param place such as `classify.mustache:7`, for messages
/// @param name as it is written, the same for all rows: `label equals: {{label}}`
/// @param test null until the value is known, which `filled` does
record Check(CheckKind kind, boolean negated, CheckValue value, CheckOptions options, GitHubJudge judge, String place,
             String name, CheckTest test) {
    /// Reads checks from a front matter's or a row's `expect`.
    ///
    /// @param expect a text, a map, or a list of them, as JsonValues has them
    /// @throws Fault naming all that are wrong
    static List<Check> read(Object expect, String place) { return new CheckReader(_ -> place).list(expect); }

    /// @param places returns the place of a JSON pointer into `expect`, such as `/0/regex`
    static List<Check> read(Object expect, UnaryOperator<String> places) {
        return new CheckReader(places).list(expect);
    }

    /// Reads `--expect`: `contains: x`, or a map such as `{equals: '{{label}}', path: label}`.
    static Check ofOption(String text) { return new CheckReader(_ -> "--expect").option(text); }

    /// Reads the checks in a row: its field `expect`, and promptfoo's `__expected`, `__expected1`, and so on.
    static List<Check> ofRow(InputRow row) { return new CheckRow(row).checks(); }

    /// Reads `evaluators` of GitHub's `.prompt.yml`.
    static List<Check> ofEvaluators(JsonNode evaluators, String place) {
        return ofEvaluators(JsonValues.of(evaluators), _ -> place);
    }

    static List<Check> ofEvaluators(Object evaluators, UnaryOperator<String> places) {
        return new CheckReader(places).evaluators(evaluators);
    }

    /// Makes a check; its value is compiled now unless it depends on the row.
    ///
    /// @throws Fault if the value does not suit the kind
    static Check of(CheckKind kind, boolean negated, CheckValue value, CheckOptions options, String place) {
        if (options.threshold() != null && !kind.takesThreshold()) throw Fault.usage(place + ": " + kind.text()
                + " takes no threshold", "remove it");
        var check = new Check(kind, negated, value, options, null, place, name(kind, negated, value, options), null);
        return value.isOpen() ? check : check.compiled(value.written());
    }

    static Check of(GitHubJudge judge, CheckOptions options, String place) {
        var check = new Check(CheckKind.LLM, false, CheckValue.NONE, options, judge, place, name(CheckKind.LLM, false,
                CheckValue.NONE, options), null);
        return judge.isOpen() ? check : check.compiled(judge);
    }

    private Check compiled(Object value) {
        try {
            return new Check(kind, negated, this.value, options, judge, place, name, kind.compile(value, options));
        } catch (Fault fault) {
            throw Fault.usage(place + ": " + kind.text() + ": " + fault.message(), fault.hint());
        }
    }

    /// Returns the check for a row.
    ///
    /// @throws Fault if the row lacks a field of the value, or its value does not suit the kind
    Check filled(Map<String, Object> row) {
        if (test != null) return this;
        try {
            return compiled(judge != null ? judge.filled(row) : value.filled(row));
        } catch (Fault fault) {
            throw fault.message().startsWith(place) ? fault : Fault.usage(place + ": " + fault.message(), fault.hint());
        }
    }

    private static String name(CheckKind kind, boolean negated, CheckValue value, CheckOptions options) {
        if (options.label() != null) return options.label();
        String written = Text.shortened(Text.cell(value.toString()), 80);
        return (options.path() == null ? "" : options.path().text() + " ") + (negated ? "not-" : "") + kind.text()
                + (options.threshold() == null ? "" : "(" + options.threshold().toPlainString() + ")")
                + (written.isEmpty() ? "" : ": " + written) + (options.weight() == 0 ? " (weight 0)" : "");
    }

    /// Finds what can be known to be wrong before anything is sent.
    ///
    /// @param schema of the structured answers; null for plain text
    List<Fault> lint(JsonNode schema) {
        if (schema == null || kind == CheckKind.MEAN) return List.of();
        if (options.path() != null) return options.path().misfit(schema).map(why -> Fault.usage(place + ": path "
                + options.path().text() + ": " + why, "name a field of the template's schema")).stream().toList();
        return kind == CheckKind.EQUALS ? comparesObject(schema.path("properties").propertyNames()) : List.of();
    }

    /// Finds `equals: bug` and `equals: {{label}}` where the answer is an object with a field `label`.
    ///
    /// @param fields of the answer
    private List<Fault> comparesObject(Collection<String> fields) {
        String text = value.toString().strip();
        boolean json = text.startsWith("{") && !text.startsWith("{{") || text.startsWith("[");
        var tag = fields.stream().filter(field -> text.matches("\\{\\{\\{?\\s*\\Q" + field + "\\E\\s*}?}}"))
                .findFirst();
        if (fields.isEmpty() || json || value.isOpen() && tag.isEmpty()) return List.of();
        return List.of(Fault.usage(place + ": " + name + " compares the whole answer, an object with "
                + Text.shortened(String.join(", ", fields), 80), "add path: " + tag.orElse(fields.iterator().next())
                + ", as in {equals: …, path: " + tag.orElse(fields.iterator().next()) + "}"));
    }

    /// Returns what has to be asked about an answer; none if it is not complete.
    List<JudgeQuestion> questions(EvalCell cell) {
        if (!CheckedAnswer.isComplete(cell) || test == null) return List.of();
        return part(CheckedAnswer.of(cell)).map(test::questions).orElse(List.of());
    }

    private Optional<CheckedAnswer> part(CheckedAnswer answer) {
        return options.path() == null ? Optional.of(answer) : answer.at(options.path());
    }

    /// Returns what the check says of a complete answer; empty if a judge's verdict is missing.
    Optional<CheckResult> evaluate(EvalCell cell, Function<JudgeQuestion, Optional<Verdict>> verdicts) {
        return evaluate(CheckedAnswer.of(cell), verdicts);
    }

    private Optional<CheckResult> evaluate(CheckedAnswer answer, Function<JudgeQuestion, Optional<Verdict>> verdicts) {
        if (test == null) throw new IllegalStateException("not filled: " + name);
        var part = part(answer);
        var finding = part.isEmpty() ? Optional.of(CheckTest.Finding.impossible(answer.isStructured()
                || !answer.json().isMissingNode() ? "the answer has no " + options.path().text()
                : answer.shown() + " is not JSON")) : test.of(part.get(), verdicts);
        return finding.map(found -> negated ? found.negated() : found).map(found -> new CheckResult(name,
                found.pass(), found.score(), found.pass() && !found.always() ? "" : found.words().get()));
    }

    /// Returns a cell with what its checks say. If a judge's verdict is missing, the cell has failed if another check
    /// has; otherwise nothing is known, and `pass` and `score` are null.
    static EvalCell judged(EvalCell cell, List<Check> checks, Function<JudgeQuestion, Optional<Verdict>> verdicts) {
        if (!CheckedAnswer.isComplete(cell) || checks.isEmpty()) return cell.with(List.of(), null, null);
        var answer = CheckedAnswer.of(cell);
        var results = new ArrayList<CheckResult>();
        double sum = 0, weights = 0;
        boolean missing = false, failed = false;
        Double least = null;
        for (var check : checks) {
            if (check.kind == CheckKind.MEAN) {
                least = check.options.threshold().doubleValue();
                continue;
            }
            var result = check.evaluate(answer, verdicts);
            double weight = check.weight();
            missing |= result.isEmpty() && weight > 0;      // one of weight 0 is only reported
            if (result.isEmpty()) continue;
            results.add(result.get());
            sum += weight * result.get().score();
            weights += weight;
            failed |= weight > 0 && !result.get().pass();
        }
        double score = weights > 0 ? Math.clamp(sum / weights, 0, 1) : results.stream().mapToDouble(CheckResult::score)
                .average().orElse(1);
        if (least != null) failed = score < least - 1e-9;
        if (results.isEmpty() && !missing) return cell.with(List.of(), null, null);
        boolean unknown = missing && (least != null || !failed);
        return cell.with(List.copyOf(results), unknown ? null : (Boolean) !failed, unknown ? null : (Double) score);
    }

    /// Returns how much it counts in the score; 0 for the row's threshold, which is no check of its own.
    double weight() { return kind == CheckKind.MEAN ? 0 : options.weight(); }
}
