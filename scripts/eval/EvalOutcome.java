package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;

/// Writes what a run has found: OUT, the table, the report, JUnit XML; and decides the exit code.
final class EvalOutcome {
    private final Environment env;
    private final Console console;
    private final EvalSpec spec;
    private final RunFolder folder;
    private final EvalResults results;
    private final Supplier<EvalPrompts> prompts;
    private Summary summary;

    EvalOutcome(Console console, EvalSpec spec, RunFolder folder, EvalResults results, Supplier<EvalPrompts> prompts) {
        env = console.env();
        this.console = console;
        this.prompts = prompts;
        this.spec = spec;
        this.folder = folder;
        this.results = results;
    }

    /// @param requestsBefore of earlier starts
    /// @param stopped why cells are left, if it is known
    /// @return the exit code
    int finish(BatchCounts counts, long requestsBefore, EvalPlan plan, Optional<Fault> stopped) {
        summary = write(stopped);
        console.print(spec.json ? Json.pretty(summary.json()) + "\n" : summary.table(console.columns()));
        if (counts.requests() > 0) console.note("used " + counts.used().cost());
        long ended = counts.rows();
        if (stopped.isPresent() || ended < plan.order.size()) {
            console.note(ended + " of " + plan.order.size() + " cells are done: " + counts.words()
                    + (results.unjudged() > 0 ? "; " + results.unjudged() + " are not judged yet" : ""));
            var why = stopped.orElseGet(() -> Fault.error("some cells were not sent", ""));
            if (!why.is(Fault.Kind.INTERRUPTED)) throw BatchRun.resumable(why, spec.batch);
            console.note(BatchRun.resumable(why, spec.batch).hint());
            throw why;
        }
        String retry = counts.notOk() > 0 && spec.batch.retry == null ? "; --retry-failed sends " + counts.notOk()
                + " again" : "";
        boolean idle = counts.requests() == requestsBefore;
        console.note((idle ? "nothing to do: " : "done: ") + counts.words() + retry);
        int unjudged = results.unjudged();
        if (unjudged > 0) console.warn(unjudged + (unjudged == 1 ? " answer is" : " answers are") + " not judged"
                + (spec.batch.retry == null ? "; --retry-failed asks the judge again" : ""));
        return !spec.thresholds.isEmpty() ? gate() : counts.notOk() + unjudged > 0 ? Fault.FAILED_ROWS : 0;
    }

    Summary summary() { return summary; }

    /// Compares the share of all cells that have passed with the thresholds.
    private int gate() {
        int code = 0;
        for (var line : summary.variants()) {
            Double least = spec.threshold(line.name());
            if (least == null || line.passed() >= least * line.cells() - 1e-9) continue;
            console.error(line.name() + ": " + line.passed() + " of " + line.cells() + " cells passed ("
                    + SummaryText.percent(line.passedOfAll()) + "), below --threshold " + SummaryText.percent(least));
            code = Fault.FAILED_ROWS;
        }
        return code;
    }

    private Summary write(Optional<Fault> stopped) {
        try {
            return write();
        } catch (Fault unwritable) {
            throw stopped.orElse(unwritable);               // a full disk may already have stopped the run
        } catch (IOException e) {
            throw Fault.io("cannot write the results", e, "the answers are saved; run the same command");
        }
    }

    /// Evaluates all checks once; what is written last reads the lines of that.
    private Summary write() throws IOException {
        Path lines = Files.createTempFile("copilot-eval-", ".jsonl");       // readable by the owner only
        try {
            var built = evaluate(lines);
            Supplier<Stream<EvalCell>> cells = () -> EvalOutput.read(lines);
            if (spec.watching) print(cells);
            else if (spec.out() != null) new EvalOutput(env, console, spec.out(), folder).write(lines);
            String title = spec.out() != null ? spec.out() : spec.batch.rows;
            if (spec.junit != null) put(spec.junit, to -> JUnitXml.write(to, cells, title));
            if (spec.report != null) {
                try (var rendered = prompts.get()) {
                    put(spec.report, to -> Report.write(to, built, cells, rendered::of, title));
                }
            }
            return built;
        } finally {
            Files.deleteIfExists(lines);
        }
    }

    private Summary evaluate(Path lines) throws IOException {
        var names = spec.variants.stream().map(variant -> variant.shown().name()).toList();
        var summary = new Summary.Builder(names);
        // unlike Files.newBufferedWriter it accepts half a character, which an answer's JSON may have as an escape
        try (var all = results.judged(); var to = new BufferedWriter(new OutputStreamWriter(Files.newOutputStream(
                lines), StandardCharsets.UTF_8))) {
            for (var left = all.iterator(); left.hasNext(); ) {
                var each = left.next();
                summary.add(each.cell());
                var line = EvalOutput.json(each.cell());
                line.set("id", JsonValues.node(each.id()));     // a number stays one
                to.write(EvalOutput.text(line) + "\n");
            }
        }
        return summary.build();
    }

    /// Prints the cells of a few rows.
    private void print(Supplier<Stream<EvalCell>> cells) {
        try (var all = cells.get()) {
            console.table(List.of("ROW", "VARIANT", "", "ANSWER"), all.map(cell -> List.of(cell.id(), cell.variant()
                    + (spec.repeat > 1 ? " " + cell.repeat() : ""), cell.pass() == null ? "?" : cell.pass() ? "✓"
                    : "✗", answer(cell))).toList());
        }
        console.print("\n");
    }

    private static String answer(EvalCell cell) {
        String answer = cell.json() != null ? Json.compact(cell.json()) : Objects.requireNonNullElse(cell.text(), "");
        var checks = cell.checks().stream().filter(check -> !check.pass()).map(check -> check.name()
                + (check.reason().isEmpty() ? "" : ": " + check.reason()));
        String failed = cell.error() != null ? Json.text(cell.error(), "message") : checks.collect(Collectors.joining(
                "; "));
        return Text.joined("  ", Text.shortened(Text.cell(answer), 200), failed.isEmpty() ? "" : "(" + failed + ")");
    }

    private void put(String name, AtomicFile.Content content) {
        try {
            AtomicFile.write(env.path(name), content);
        } catch (IOException e) {
            throw Fault.io("cannot write " + name, e, "the answers are saved; fix it, then run the same command");
        }
    }
}
