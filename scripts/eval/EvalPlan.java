package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Message;
import cop.copilot.Model;
import cop.copilot.Request;
import cop.copilot.Usage;

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

    private final EvalSpec spec;
    private final Function<String, Optional<Model>> models;
    private final Map<String, Share> shares = new LinkedHashMap<>();    // by variant
    private final Set<TemplateLint> lints;
    private final Set<String> used;                         // names of values in templates
    private final Map<String, String> invalid = new LinkedHashMap<>();  // messages and hints
    private final Set<String> checked = new HashSet<>();    // variants
    private final Map<String, Integer> ids = new HashMap<>();
    final Map<Integer, String> order = new TreeMap<>();     // keys of all cells
    final Set<String> pending = new HashSet<>();            // keys to send
    final Set<String> asked = new LinkedHashSet<>();        // models of these
    int rows, cells, badRows;
    final Set<String> judges = new HashSet<>();             // models that checks name; null: the default
    boolean similar;                                        // a check needs embeddings
    String checks = "";                                     // a hash of all checks and what they may take from rows

    EvalPlan(EvalSpec spec, Function<String, Optional<Model>> models) {
        this.spec = spec;
        this.models = models;
        spec.variants.forEach(variant -> shares.put(variant.shown().name(), new Share()));
        lints = new LinkedHashSet<>(spec.variants.stream().map(ResolvedVariant::lint).toList());
        used = spec.variants.stream().flatMap(variant -> variant.template().names().stream()).collect(
                Collectors.toSet());
        for (var variant : spec.variants) {
            for (var check : variant.checks()) {
                checks = Fingerprint.of(checks + RowChecks.definition(check));
                check.lint(variant.schema()).forEach(fault -> invalid.putIfAbsent(fault.message(), fault.hint()));
            }
        }
    }

    /// @param isDone whether a key's cell needs no request
    /// @param preview fails if the request cannot be built
    void add(EvalRow row, RowChecks filled, Predicate<String> isDone, Consumer<Request> preview) {
        rows++;
        int before = invalid.size();
        try {
            if (row.row().fault() == null) lint(row);
        } catch (Fault wrong) {
            invalid(row, wrong);
        }
        for (var cell : row.cells()) {
            var item = cell.item();
            cells++;
            if (item.fault() != null) {
                invalid.putIfAbsent(item.fault().message(), item.fault().hint());
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
        if (invalid.size() > before) badRows++;
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
            var expected = new TreeMap<>(row.row().data());
            expected.keySet().removeAll(used);
            var all = filled.of(row);
            all.checks().forEach(this::addJudge);
            all.all().forEach((name, list) -> {
                if (!list.isEmpty()) checked.add(name);
            });
            checks = Fingerprint.of(checks + all.own() + Json.compact(JsonValues.node(expected)));
        } catch (Fault wrong) {
            invalid(row, wrong);
        }
    }

    private void invalid(EvalRow row, Fault fault) {
        String place = row.row().place();
        invalid.putIfAbsent(fault.message().contains(place) ? fault.message() : place + ": " + fault.message(),
                fault.hint());
    }

    /// Reports what is wrong in the rows.
    ///
    /// @throws Fault if anything is
    void refuseInvalid(Console console, int most) {
        if (invalid.isEmpty()) return;
        var lines = invalid.keySet().stream().limit(most).toList();
        lines.stream().limit(lines.size() - 1).forEach(console::error);
        throw Fault.usage(lines.getLast(), (badRows == 0 ? "nothing was sent. " : badRows + " of " + rows
                + " rows are invalid; nothing was sent. ")
                + invalid.values().iterator().next());
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
