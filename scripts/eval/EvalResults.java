package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Message;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The checks of a row's cells, filled with its values.
final class RowChecks {
    /// @param all those of each variant, by name
    /// @param own definitions of the row's own
    record Filled(Map<String, List<Check>> all, String own) {
        List<Check> of(ResolvedVariant variant) { return all.get(variant.shown().name()); }

        Stream<Check> checks() { return all.values().stream().distinct().flatMap(List::stream); }
    }

    private final EvalSpec spec;

    RowChecks(EvalSpec spec) { this.spec = spec; }

    /// Returns what a check is, before a row fills it.
    static String definition(Check check) {
        return check.kind() + " " + check.negated() + " " + check.value() + " " + check.options() + " " + check.judge();
    }

    /// @throws Fault if a check is invalid, or needs a value that the row lacks
    Filled of(EvalRow row) {
        var all = new LinkedHashMap<String, List<Check>>();
        var known = new IdentityHashMap<List<Check>, List<Check>>();    // most variants share their checks
        var own = Check.ofRow(row.row());
        for (var variant : spec.variants) {
            all.put(variant.shown().name(), known.computeIfAbsent(variant.checks(), checks -> Stream.concat(
                    checks.stream(), own.stream()).map(check -> check.filled(row.row().data())).toList()));
        }
        return new Filled(all, own.stream().map(RowChecks::definition).collect(Collectors.joining("\n")));
    }
}

/// The answered cells of a run in the order of rows, variants, and repeats, read anew from rows and journal each time.
final class EvalResults {
    /// A cell with an answer or an error, and the checks that apply to it.
    record Answered(EvalRow row, CellRequest cell, EvalCell answer, List<Check> checks) {}

    /// @param id as the row has it
    record Judged(Object id, EvalCell cell) {}

    private final EvalSpec spec;
    private final Supplier<EvalInput> input;
    private final Journal journal;
    private final Function<JudgeQuestion, Optional<Verdict>> verdicts;
    private int unjudged;

    EvalResults(EvalSpec spec, Supplier<EvalInput> input, Journal journal,
                Function<JudgeQuestion, Optional<Verdict>> verdicts) {
        this.spec = spec;
        this.input = input;
        this.journal = journal;
        this.verdicts = verdicts;
    }

    /// Returns the cells that have ended; to be closed.
    Stream<Answered> answered() {
        var rows = input.get();
        var checks = new RowChecks(spec);
        return Stream.iterate(rows.next(), Objects::nonNull, _ -> rows.next()).flatMap(row -> {
            var filled = checks.of(row);
            return row.cells().stream().flatMap(cell -> journal.result(cell.item().key()).filter(_ -> journal.entry(
                    cell.item().key()).isPresent()).map(text -> new Answered(row, cell, cell(cell, Json.tryParse(text)),
                    filled.of(cell.variant()))).stream());
        }).onClose(rows::close);
    }

    /// Returns the cells that have ended, with the results of their checks; to be closed.
    Stream<Judged> judged() {
        unjudged = 0;
        return answered().map(each -> new Judged(each.row().id(), judged(each)));
    }

    /// Returns how many cells of the last stream lack a judge's verdict.
    int unjudged() { return unjudged; }

    private EvalCell judged(Answered each) {
        var cell = Check.judged(each.answer(), each.checks(), verdicts);
        if (!spec.predicates.isEmpty() && cell.status().equals("ok")) cell = withPredicates(cell, each);
        if (cell.pass() == null && cell.status().equals("ok") && !each.checks().isEmpty()) unjudged++;
        return cell;
    }

    /// Adds the checks in Java, each of weight 1. An answer that waits for a judge stays unknown unless one fails.
    private EvalCell withPredicates(EvalCell cell, Answered each) {
        var row = new copilot.Row(each.row().row().data());
        var answer = new copilot.Row(JsonValues.copy((Map<?, ?>) JsonValues.of(EvalOutput.json(cell))));
        var results = new ArrayList<>(cell.checks());
        int passed = 0;
        for (var predicate : spec.predicates.entrySet()) {
            boolean pass = passes(predicate, each, row, answer);
            results.add(new CheckResult(predicate.getKey(), pass, pass ? 1 : 0, ""));
            if (pass) passed++;
        }
        int count = spec.predicates.size();
        boolean isKnown = cell.pass() != null || each.checks().isEmpty();
        if (!isKnown && passed == count) return cell.with(results, null, null);
        double weight = cell.score() == null ? 0 : each.checks().stream().mapToDouble(Check::weight).sum();
        double score = (weight == 0 ? 0 : weight * cell.score()) + passed;
        return cell.with(results, passed == count && !Boolean.FALSE.equals(cell.pass()), score / (weight + count));
    }

    private static boolean passes(Map.Entry<String, BiPredicate<copilot.Row, copilot.Row>> check, Answered each,
            copilot.Row row, copilot.Row answer) {
        try {
            return check.getValue().test(row, answer);
        } catch (Fault own) {                               // of a check that asks Copilot, or of a wrong field
            own.rethrowIf(Fault.Kind.INTERRUPTED, Fault.Kind.ABUSE);
            throw failed(check.getKey(), each, own.message(), own);
        } catch (RuntimeException | AssertionError e) {
            throw failed(check.getKey(), each, e.toString(), e);
        }
    }

    private static Fault failed(String check, Answered each, String why, Throwable cause) {
        return Fault.error("the check \"" + check + "\" failed for the answer to " + each.row().row().place() + ": "
                + why, "correct it, and run again: the answers are kept").because(cause);
    }

    static EvalCell cell(CellRequest cell, JsonNode result) {
        var json = result.has("json") ? result.path("json") : null;
        var usage = result.path("usage");
        var used = new Usage(usage.path("prompt_tokens").asLong(0), usage.path("completion_tokens").asLong(0),
                usage.path("cached_tokens").asLong(0), usage.path("reasoning_tokens").asLong(0),
                Usage.of(usage).nanoCredits(), usage.path("estimated").asBoolean(false));
        return new EvalCell(JsonValues.text(cell.item().id()), cell.variant().shown().name(), cell.repeat(),
                Json.text(result, "status"), result.has("text") ? Json.text(result, "text") : null, json,
                Json.text(result, "model"), List.of(), null, null, used, used.nanoCredits() > 0
                ? used.credits().stripTrailingZeros() : null, result.path("ms").asLong(0),
                Json.text(result, "request_id"), result.path("error") instanceof ObjectNode error ? error : null);
    }
}

/// Renders the prompts of cells; reads the rows along with the cells that are asked about.
final class EvalPrompts implements AutoCloseable {
    private final Supplier<EvalInput> input;
    private EvalInput rows;
    private EvalRow current;

    EvalPrompts(Supplier<EvalInput> input) {
        this.input = input;
        rows = input.get();
        current = rows.next();
    }

    /// Returns the prompt of a cell.
    String of(EvalCell cell) {
        if (!holds(cell) && !seek(cell)) return "";         // a file of the folder was changed meanwhile
        return current.cells().stream().filter(each -> each.item().request() != null && each.variant().shown().name()
                .equals(cell.variant())).findFirst().map(each -> Message.text(each.item().request().messages(), true))
                .orElse("");
    }

    private boolean holds(EvalCell cell) {
        return current != null && JsonValues.text(current.id()).equals(cell.id());
    }

    private boolean seek(EvalCell cell) {
        if (isAhead(cell)) return true;
        rows.close();
        rows = input.get();                                 // a row before the last one asked about
        return isAhead(cell);
    }

    private boolean isAhead(EvalCell cell) {
        do current = rows.next(); while (current != null && !holds(cell));
        return current != null;
    }

    @Override
    public void close() { rows.close(); }
}
