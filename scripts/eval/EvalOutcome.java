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
    private Summary summary;

    EvalOutcome(Environment env, Console console, EvalSpec spec, RunFolder folder, EvalResults results) {
        this.env = env;
        this.console = console;
        this.spec = spec;
        this.folder = folder;
        this.results = results;
    }

    /// @param stopped why cells are left, if it is known
    /// @return the exit code
    int finish(BatchCounts counts, EvalPlan plan, Optional<Fault> stopped) {
        summary = write(stopped);
        console.print(spec.json ? Json.pretty(summary.json()) + "\n" : summary.table(console.columns()));
        if (counts.requests() > 0) console.note("used " + counts.used().cost());
        long ended = counts.rows();
        if (stopped.isPresent() || ended < plan.order.size()) {
            console.note(ended + " of " + plan.order.size() + " cells are done: " + counts.words());
            var why = stopped.orElseGet(() -> Fault.error("some cells were not sent", ""));
            if (!why.is(Fault.Kind.INTERRUPTED)) throw BatchRun.resumable(why, spec.batch);
            console.note(BatchRun.resumable(why, spec.batch).hint());
            throw why;
        }
        String retry = counts.notOk() > 0 && spec.batch.retry == null ? "; --retry-failed sends " + counts.notOk()
                + " again" : "";
        console.note((plan.pending.isEmpty() ? "nothing to do: " : "done: ") + counts.words() + retry);
        return spec.thresholds.isEmpty() ? counts.notOk() > 0 ? Fault.FAILED_ROWS : 0 : gate();
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
            var summary = new Summary.Builder(spec.variants.stream().map(variant -> variant.shown().name())
                    .toList());
            try (var all = results.cells(); var to = Files.newBufferedWriter(lines)) {
                for (var each = all.iterator(); each.hasNext(); ) {
                    var cell = each.next();
                    summary.add(cell);
                    to.write(Json.singleLine(EvalOutput.json(cell)) + "\n");
                }
            }
            if (spec.out() != null) new EvalOutput(env, console, spec.out(), folder).write(lines);
            return summary.build();
        } finally {
            Files.deleteIfExists(lines);
        }
    }

    private void put(String name, AtomicFile.Content content) {
        try {
            AtomicFile.write(env.path(name), content);
        } catch (IOException e) {
            throw Fault.io("cannot write " + name, e, "the answers are saved; fix it, then run the same command");
        }
    }
}
