package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Message;
import cop.copilot.Model;
import cop.copilot.Request;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What a scan of all rows has found: the cells, those to send, and what would keep them from being sent.
final class EvalPlan {
    private static final int SAMPLED_BYTES = 1 << 20;

    /// The prompts of a variant that are to be sent; the first are kept for an estimate.
    private static final class Share {
        long cells, bytes, sampled;
        final List<Request> sample = new ArrayList<>();

        void add(Request request) {
            cells++;
            bytes += request.bytes();
            if (sampled >= SAMPLED_BYTES) return;
            sample.add(request);
            sampled = bytes;
        }

        /// Estimates the prompts: the first by the tokenizer, the rest by their bytes.
        Usage estimate(Optional<Model> model) {
            long tokens = sample.stream().mapToLong(request -> TokenCount.of(request, model.map(Model::tokenizer)
                    .orElse("o200k_base"))).sum();
            var all = new Usage(tokens * bytes / Math.max(1, sampled), 0, 0, 0, 0, false);
            return model.map(known -> known.priced(all)).orElse(all);
        }
    }

    /// What is wrong in one row or more.
    ///
    /// @param message of the first of them
    /// @param last the number of the last of them
    private record Problem(String message, String hint, int rows, int last) {
        /// Returns it with one more row, unless that is the last one again, with another variant.
        Problem with(int row) { return row == last ? this : new Problem(message, hint, rows + 1, row); }

        String line() {
            return message + (rows > 1 ? "; also in " + Summary.count(rows - 1, "more row") : "");
        }
    }

    private final EvalSpec spec;
    private final Function<String, Optional<Model>> models;
    private final Map<String, Share> shares = new LinkedHashMap<>();    // by variant
    private final Set<TemplateLint> lints;
    private final Set<String> used;                         // names of values in templates
    private final Map<String, Problem> invalid = new LinkedHashMap<>(); // by message without the row's place
    private final Set<String> checked = new HashSet<>();    // variants
    private final Map<String, Integer> ids = new HashMap<>();
    final Map<Integer, String> order = new TreeMap<>();     // keys of all cells
    final Set<String> pending = new HashSet<>();            // keys to send
    final Set<String> asked = new LinkedHashSet<>();        // models of these
    int rows, cells, badRows;
    private int lastBad;                                    // the number of the last bad row
    final Set<String> judges = new HashSet<>();             // models that checks name; null: the default
    boolean similar;                                        // a check needs embeddings
    private final Set<String> expectedNames = new HashSet<>();          // of values that checks of templates use
    private final SortedMap<String, String> checks = new TreeMap<>();   // hashes by template
    private String expected = "", expectedBefore;           // hashes of what checks take from the rows
    private final int rowsBefore;                           // of the last start; expectedBefore is of the first ones

    /// @param rowsBefore number of rows at the run's last start; 0 if there was none
    EvalPlan(EvalSpec spec, Function<String, Optional<Model>> models, int rowsBefore) {
        this.spec = spec;
        this.rowsBefore = rowsBefore;
        this.models = models;
        spec.variants.forEach(variant -> shares.put(variant.shown().name(), new Share()));
        lints = new LinkedHashSet<>(spec.variants.stream().map(ResolvedVariant::lint).toList());
        used = spec.variants.stream().flatMap(variant -> variant.template().names().stream()).collect(
                Collectors.toSet());
        for (var variant : spec.variants) {
            String all = variant.checks().stream().map(RowChecks::definition).collect(Collectors.joining("\n"));
            checks.put(variant.shown().template(), Fingerprint.of(all));
            for (var check : variant.checks()) {
                EvalVariants.names(check).forEach(expectedNames::add);
                check.lint(variant.schema()).forEach(fault -> invalid.putIfAbsent(fault.message(), new Problem(
                        fault.message(), fault.hint(), 0, 0)));
            }
        }
    }

    /// @param isDone whether a key's cell needs no request
    /// @param preview fails if the request cannot be built
    void add(EvalRow row, RowChecks filled, Predicate<String> isDone, Consumer<Request> preview) {
        rows++;
        try {
            if (row.row().fault() == null) lint(row);
        } catch (Fault wrong) {
            invalid(row, wrong);
        }
        for (var cell : row.cells()) {
            var item = cell.item();
            cells++;
            if (item.fault() != null) {
                invalid(row, item.fault());
                continue;
            }
            order.put(order.size(), item.key());
            try {
                models.apply(item.request().model()).ifPresent(model -> ContextLimitCheck.checkLength(item.request(),
                        model));
                if (isDone.test(item.key()) || !pending.add(item.key())) continue;
                preview.accept(item.request());
                asked.add(item.request().model());
                shares.get(cell.variant().shown().name()).add(item.request());
            } catch (Fault wrong) {
                invalid(row, wrong);
            }
        }
        if (row.row().fault() == null) check(row, filled);
    }

    private void addJudge(Check check) {
        switch (check.kind()) {
            case LLM -> judges.add(check.judge().model());
            case LLM_RUBRIC -> judges.add(check.options().model());
            case SIMILAR -> similar = true;
            default -> { }
        }
    }

    /// Reports variants whose answers nothing checks.
    ///
    /// @throws Fault if a threshold judges such a variant
    void reportUnchecked(Console console) {
        String how = "add expect: to the template, --expect 'equals: {{label}}', or a field expect to the rows";
        for (var variant : spec.variants) {
            String name = variant.shown().name();
            if (checked.contains(name) || !spec.predicates.isEmpty()) continue;
            if (spec.threshold(name) != null) throw Fault.usage("--threshold: " + name + " has no checks", how);
            console.once(console::note, "note: no checks, answers are only collected; " + how);
        }
    }

    private void lint(EvalRow row) {
        var earlier = ids.putIfAbsent(Fingerprint.of(JsonValues.text(row.id())), rows);
        if (earlier != null) throw Fault.usage(row.row().place() + ": duplicate id " + row.id() + ", as in row "
                + earlier, "use --id with a field that differs in each row");
        var looked = new HashSet<TemplateLint>();
        for (var cell : row.cells()) {
            var lint = cell.variant() == null ? null : cell.variant().lint();
            if (lint == null || cell.item().fault() != null || !looked.add(lint)) continue;
            lint.row(row.row().data());
            lint.prompt(cell.item().request());
            lint.refuseBlank(row.row().data());
        }
    }

    private void check(EvalRow row, RowChecks filled) {
        try {
            var taken = new TreeMap<>(row.row().data());
            taken.keySet().retainAll(expectedNames);
            taken.keySet().removeAll(used);
            var all = filled.of(row);
            all.checks().forEach(this::addJudge);
            all.all().forEach((name, list) -> {
                if (!list.isEmpty()) checked.add(name);
            });
            expected = Fingerprint.of(expected + all.own() + Json.compact(JsonValues.node(taken)));
            if (rows == rowsBefore) expectedBefore = expected;
        } catch (Fault wrong) {
            invalid(row, wrong);
        }
    }

    private void invalid(EvalRow row, Fault fault) {
        String place = row.row().place() + ": ", message = fault.message();
        String what = message.replace(place, "");
        invalid.merge(what, new Problem(message.equals(what) ? place + what : message, fault.hint(), 1, rows),
                (first, _) -> first.with(rows));
        if (lastBad != rows) badRows++;
        lastBad = rows;
    }

    /// Reports what is wrong in the rows.
    ///
    /// @throws Fault if anything is
    void refuseInvalid(Console console, int most) {
        if (invalid.isEmpty()) return;
        if (badRows > 0) console.error(badRows + " of " + rows + " rows " + (badRows == 1 ? "is" : "are")
                + " invalid; nothing was sent");
        var shown = invalid.values().stream().limit(most).toList();
        shown.stream().limit(shown.size() - 1).forEach(problem -> console.error(problem.line()));
        throw Fault.usage(shown.getLast().line(), shown.getLast().hint());
    }

    /// Returns whether checks, or what they take from rows, differ from those of the last start: "checks", or
    /// "expected values"; empty if not. New templates and further rows do not count.
    String changed(JsonNode before) {
        if (checks.entrySet().stream().anyMatch(each -> before.path("templates").has(each.getKey())
                && !Json.text(before.path("templates"), each.getKey()).equals(each.getValue()))) return "checks";
        return expectedBefore == null || expectedBefore.equals(Json.text(before, "expected")) ? "" : "expected values";
    }

    /// Returns what `changed` will need at the next start.
    ///
    /// @param before what it was at the last start
    ObjectNode checks(JsonNode before) {
        var now = Json.object().put("rows", rows).put("expected", expected);
        var all = now.putObject("templates");
        before.path("templates").forEachEntry(all::set);
        checks.forEach(all::put);
        return now;
    }

    List<String> warnings() { return lints.stream().flatMap(lint -> lint.warnings().stream()).distinct().toList(); }

    boolean sameForAll() { return lints.stream().anyMatch(TemplateLint::sameForAll); }

    /// Estimates the prompts to send.
    Usage estimate() {
        return spec.variants.stream().map(variant -> shares.get(variant.shown().name()).estimate(models.apply(
                variant.shown().model()))).reduce(Usage.NONE, Usage::plus);
    }

    String leastTime() {
        return "at least " + Durations.words(spec.batch.delay.multipliedBy(pending.size()));
    }

    /// Returns `600 requests (300 gpt-5-mini, 300 gpt-5)`.
    String requests() {
        String each = spec.variants.size() == 1 ? " to " + spec.variants.getFirst().shown().model()
                : shares.entrySet().stream().filter(share -> share.getValue().cells > 0).map(share ->
                share.getValue().cells + " " + share.getKey()).collect(Collectors.joining(", ", " (", ")"));
        return pending.size() + (pending.size() == 1 ? " request" : " requests") + each;
    }

    int dryRun(Console console) {
        var prompts = estimate();
        var out = new StringJoiner("\n", "", "\n").add("rows     " + rows).add("cells    " + cells + ": " + rows
                + " rows x " + spec.variants.size() + " variants x " + spec.repeat)
                .add("done     " + (cells - pending.size())).add("to send  " + pending.size());
        spec.variants.forEach(variant -> {
            var share = shares.get(variant.shown().name());
            out.add("variant  " + variant.shown().name() + ": template " + variant.shown().template() + ", model "
                    + variant.shown().model() + (variant.shown().options().isEmpty() ? "" : ", "
                    + Json.singleLine(variant.shown().options())) + ", " + share.cells + " to send");
        });
        out.add("tokens   " + prompts.totalTokens() + " in the prompts, answers not included");
        if (prompts.estimated()) out.add("credits  " + prompts.price() + " for the prompts, answers not included");
        if (spec.batch.delay.isPositive()) out.add("time     " + leastTime());
        shares.values().stream().flatMap(share -> share.sample.stream()).findFirst().ifPresent(first ->
                out.add("").add(Message.text(first.messages(), true)));
        var env = console.env();
        env.out().print(env.terminal().test(1) ? Text.printable(out.toString()) : out);
        return 0;
    }
}
