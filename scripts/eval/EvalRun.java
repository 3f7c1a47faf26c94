package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Model;
import cop.copilot.Request;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Validates all rows, sends the missing cells, judges the answers, and writes the results.
final class EvalRun {
    private static final int ASK_FROM = 200, MOST_ERRORS = 50;

    private final Environment env;
    private final Console console;
    private final CopilotClient copilot;
    private final EvalSpec spec;
    private final BatchSpec batch;
    private final RunFolder folder;
    private ObjectNode earlier, manifest;                   // of the run's last start, and of this one
    private EvalModels models;
    private String input;                                   // the rows' file as named, or a copy
    private String stamp;                                   // of this file when the plan was made
    private Set<Integer> chosen;                            // rows of --sample; null: all
    private EvalPlan plan;
    private Summary summary;

    EvalRun(Console console, CopilotClient copilot, EvalSpec spec) {
        env = console.env();
        this.console = console;
        this.copilot = copilot;
        this.spec = spec;
        batch = spec.batch;
        folder = new RunFolder(batch.run);
    }

    /// @return the exit code
    int run() {
        open();
        chooseModels();
        if (input == null) input = BatchRun.spool(console, batch, folder);
        if (batch.sample > 0) sample();
        boolean exists = !earlier.isEmpty() && !batch.dryRun;       // otherwise nothing is written yet
        try (var journal = new Journal(folder.path(), exists)) {
            if (exists) refuseChangedRun();
            plan(journal);
            if (batch.dryRun) return plan.dryRun(console);
            if (!plan.pending.isEmpty() && !confirmed()) return Fault.ERROR;
            if (exists) return run(journal);
        }
        try (var journal = new Journal(folder.path(), true)) {
            refuseChangedRun();
            return run(journal.since(manifest));
        }
    }

    /// Looks again once no other process can write: the models, and where --again starts, decide what is paid for.
    private void refuseChangedRun() {
        var now = folder.readManifest();
        if (Stream.of("models", "again").allMatch(field -> now.path(field).equals(earlier.path(field)))) return;
        throw Fault.error("another process has changed the run in " + folder.path(), "run the command again");
    }

    /// Returns what has been found; null before a run.
    Summary summary() { return summary; }

    /// Checks files and folders, and reads the manifest of the run's last start.
    private void open() {
        for (String file : Stream.of(spec.out(), spec.report, spec.junit).filter(Objects::nonNull).toList()) {
            OutputFile.keepApart(env, batch.rows, file);
        }
        folder.check("use a new or empty folder: --run " + Text.quoted(batch.run.resolveSibling("new.run").toString()));
        Path rows = env.path(batch.rows);
        boolean once = piped() || Files.exists(rows) && !Files.isRegularFile(rows) && !Files.isDirectory(rows);
        if (!once) {                                        // a mistyped name must leave no folder
            input = batch.rows;
            input().close();
        }
        earlier = folder.readManifest();
        manifest = earlier.deepCopy();
        if (!earlier.isEmpty() && !earlier.has("variants")) throw Fault.usage(batch.run.getFileName()
                + " belongs to a batch", "choose another file for -o");
        if (spec.out() != null) RunFolder.refuseToOverwrite(env.directory(), List.of(folder), Set.of(env.path(
                spec.out())));
    }

    private boolean piped() { return batch.rows.equals("-"); }

    private EvalInput input() { return input(null); }

    /// @throws Fault if the rows' file was changed since the plan: answers would be checked by other rows
    private EvalInput input(Iterable<String> keys) {
        if (plan != null && !stamp.equals(FileStamp.of(env.path(input)))) throw Fault.error(batch.rows
                + " was changed during the run", "the answers are saved; run the same command");
        return new EvalInput(RowReader.opened(env, input, batch.rows, batch.format), spec, chosen, keys);
    }

    private void chooseModels() {
        models = new EvalModels(copilot, manifest);
        boolean all = spec.variants.stream().allMatch(variant -> models.knows(variant.shown().model()));
        if (!all && !batch.dryRun) models.fetch();          // fail early if not logged in
        boolean before = models.knows(null);
        boolean usual = spec.variants.stream().anyMatch(variant -> variant.shown().model() == null);
        spec.variants.replaceAll(this::resolved);
        if (before && usual) console.note("using model " + models.chosen(null).id() + ", as when this run started");
        spec.checkNames();
        var settings = new HashMap<ObjectNode, String>();
        for (var variant : spec.variants) {
            String name = variant.shown().name(), same = settings.put(variant.settings(), name);
            if (same != null) throw Fault.usage("the variants " + same + " and " + name + " are the same",
                    "remove one of them");
        }
    }

    private ResolvedVariant resolved(ResolvedVariant variant) {
        var model = models.chosen(variant.shown().model());
        String name = variant.shown().name();
        return variant.with(name.isEmpty() ? model.id() : name, model.id(), model.structured());
    }

    /// Samples at random, always the same for a seed and number of rows.
    private void sample() {
        int count = 0;
        try (var rows = input()) {
            while (rows.read() != null) count++;
        }
        chosen = new Random(batch.seed).ints(0, Math.max(1, count)).distinct().limit(Math.min(batch.sample, count))
                .boxed().collect(Collectors.toSet());
    }

    /// Reads all rows before anything is sent, and checks what would keep them from being sent.
    private void plan(Journal journal) {
        if (batch.again && !manifest.has("again")) manifest.put("again", journal.size());
        journal.since(manifest).damage().ifPresent(console::warn);
        stamp = FileStamp.of(env.path(input));
        plan = new EvalPlan(spec, models::find, earlier.path("checks").path("rows").asInt(0));
        var checks = new RowChecks(spec);
        try (var rows = input()) {
            for (var row = rows.next(); row != null; row = rows.next()) {
                plan.add(row, checks, key -> isDone(journal, key), request -> copilot.previewBody(request, _ -> { }));
            }
            rows.rows.notes().forEach(console::note);
            if (!rows.unseen.isEmpty() && !rows.fields.isEmpty()) {
                throw Fault.usage("--id " + batch.id + ": no row has this field", Suggestions.hint(batch.id,
                        rows.fields, "a row has " + String.join(", ", rows.fields)));
            }
            if (rows.index < 0) throw Fault.usage((piped() ? "the input" : batch.rows) + " has no rows",
                    "one line or object per row");
        }
        plan.refuseInvalid(console, MOST_ERRORS);
        plan.reportUnchecked(console);
        plan.warnings().forEach(console::warn);
        if (!plan.pending.isEmpty() && !batch.dryRun) checkSending(journal);
        if (!batch.dryRun) chooseJudges();
        describe();
    }

    /// Fixes the models of judges too, before anything is sent.
    private void chooseJudges() {
        var names = plan.judges.stream().map(name -> spec.judge != null ? spec.judge : name).collect(
                Collectors.toSet());
        if (!names.stream().allMatch(models::knows)) models.fetch();
        names.forEach(models::chosen);
        if (plan.similar) models.embedding();
    }

    private boolean isDone(Journal journal, String key) {
        return journal.entry(key).filter(end -> end.status().equals("ok") || batch.retry == null
                || !batch.retry.isEmpty() && !batch.retry.contains(end.code())).isPresent();
    }

    /// Refuses a budget that cannot be measured, and a run that was halted because too many rows failed.
    private void checkSending(Journal journal) {
        models.fetch();
        for (String id : batch.policy.maxCredits == null ? Set.<String>of() : plan.asked) {
            if (models.hasPrices(id)) continue;
            throw Fault.usage("--max-credits cannot be measured: no prices for " + id, "use --max-total-tokens N");
        }
        if (batch.retry != null || batch.policy.haltShare > manifest.path("halted").asDouble(-1)) return;
        var counts = counts(journal);
        if (counts.notOk() > 0) throw BatchRun.resumable(RetryPolicy.halted(counts), batch);
    }

    /// Returns how cells have ended.
    private BatchCounts counts(Journal journal) {
        var spent = journal.spent();
        return plan.order.values().stream().flatMap(key -> journal.entry(key).stream()).reduce(new BatchCounts(Map.of(),
                spent.requests(), spent.used()), (sum, end) -> sum.plus(end.status(), 0, Usage.NONE), (all, _) -> all);
    }

    private void describe() {
        String now = env.time().now().toString();
        manifest.put("tool", "copilot.java " + cop.copilot.VERSION).put("model", spec.variants.stream().map(variant ->
                variant.shown().model()).distinct().collect(Collectors.joining(", "))).put("template", spec.variants
                .stream().map(variant -> variant.shown().template()).distinct().collect(Collectors.joining(", ")));
        manifest.set("variants", Json.array(spec.variants.stream().map(variant -> variant.settings()
                .put("name", variant.shown().name()))));
        manifest.put("repeat", spec.repeat).put("rows", plan.order.size()).put("input", batch.rows).put("out",
                batch.out).put("updated", now).remove("halted");
        if (!manifest.has("started")) manifest.put("started", now);
    }

    private boolean confirmed() {
        if (!batch.yes && plan.sameForAll() && !console.confirmed("send the same prompt for all rows?",
                "use a field in the template, such as {{text}}, or -y")) return false;
        boolean asks = !batch.yes && env.stdin().kind() == Stdin.Kind.TERMINAL;
        if (plan.pending.size() <= ASK_FROM || !asks && console.quiet) return true;
        String what = plan.requests() + ", with prompts of " + plan.estimate().cost()
                + (plan.judges.isEmpty() ? "" : ", judges not included")
                + (batch.delay.isPositive() ? ", " + plan.leastTime() : "");
        if (!asks) console.note("note: " + what);
        if (!asks || console.confirmed(what + ". Continue?", "-y")) return true;
        console.note("nothing was sent; use -y to skip this question");
        return false;
    }

    private int run(Journal journal) {
        plan.pending.removeIf(key -> isDone(journal, key)); // another process may have done some
        if (piped() && !input.equals(folder.input().toString())) folder.keep(Path.of(input));
        noteChangedChecks();
        noteLeftOut();
        manifest.set("checks", plan.checks(earlier.path("checks")));
        folder.write(manifest, plan.order);
        long before = journal.spent().requests();
        var judge = new EvalJudge(spec, copilot, console, journal, models);
        var results = new EvalResults(spec, () -> input(plan.order.values()), journal, judge::verdict);
        var sender = new EvalSender(spec, copilot, console, journal);
        var stopped = sender.send(plan, this::input);
        if (stopped.isEmpty() && (plan.similar || !plan.judges.isEmpty())) stopped = judge.judge(results, sender);
        boolean halted = stopped.filter(why -> why.is(Fault.Kind.HALTED) && why.exitCode() == Fault.ERROR).isPresent();
        if (halted) manifest.put("halted", batch.policy.haltShare);
        if (halted || stopped.isEmpty() && manifest.remove("again") != null) folder.write(manifest, plan.order);
        var outcome = new EvalOutcome(console, spec, folder, results, () -> new EvalPrompts(this::input));
        try {
            return outcome.finish(counts(journal), before, plan, stopped);
        } finally {
            summary = outcome.summary();
        }
    }

    /// OUT has the variants named now; the run keeps the answers of all.
    private void noteLeftOut() {
        if (spec.watching) return;
        var now = spec.variants.stream().flatMap(variant -> Stream.of(variant.shown().name(), Json.compact(
                variant.settings()))).collect(Collectors.toSet());
        var others = earlier.path("variants").valueStream().filter(variant -> !now.contains(Json.text(variant, "name"))
                && !now.contains(settings(variant))).map(variant -> Json.text(variant, "name")).toList();
        if (spec.out() != null && !others.isEmpty()) console.note("note: " + spec.out() + " will be without "
                + Text.shortened(String.join(", ", others), 100) + ", not named now; " + (others.size() == 1
                ? "its answers are kept" : "their answers are kept"));
    }

    private static String settings(JsonNode variant) {
        return Json.compact(((ObjectNode) variant.deepCopy()).without("name"));
    }

    private void noteChangedChecks() {
        String what = plan.changed(earlier.path("checks"));
        int kept = plan.order.size() - plan.pending.size();
        if (!what.isEmpty() && kept > 0) console.note("note: the " + what + " have changed; " + kept + (kept == 1
                ? " answer is checked again," : " answers are checked again,") + " not asked again");
    }
}
