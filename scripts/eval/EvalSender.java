package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Usage;

/// Sends the pending cells on the batch engine, row by row over the variants.
final class EvalSender {
    private final EvalSpec spec;
    private final CopilotClient copilot;
    private final Console console;
    private final Journal journal;
    private final RetryPolicy policy;
    private final Instant begun;
    private final long requestsBefore;                      // of earlier starts
    private ModelGate gate;
    private final List<RowResult> refused = new ArrayList<>();      // cells of refused models, not sent
    // The pass over the rows to send.
    private EvalInput reader;
    private Iterator<CellRequest> row = Collections.emptyIterator();
    private Set<String> waiting = Set.of();

    EvalSender(EvalSpec spec, CopilotClient copilot, Console console, Journal journal) {
        this.spec = spec;
        this.copilot = copilot;
        this.console = console;
        this.journal = journal;
        policy = spec.batch.policy;
        begun = console.env().time().now();
        requestsBefore = journal.spent().requests();
        policy.estimate = (request, model) -> copilot.models().estimate(request, model, "", Usage.NONE);
    }

    /// @return why the run stopped early, if it did
    Optional<Fault> send(EvalPlan plan, Supplier<EvalInput> input) {
        if (plan.pending.isEmpty()) return Optional.empty();
        gate = new ModelGate(copilot::askOnce, plan.asked, policy.haltShare);
        // those that failed least often first, so that a budget reaches others at each --retry-failed
        var passes = plan.pending.stream().collect(Collectors.groupingBy(journal::lines, TreeMap::new,
                Collectors.toSet())).values().iterator();
        try {
            var stopped = run(plan.pending.size(), gate::send, (runner, progress) -> next(passes, input, runner,
                    progress));
            if (!gate.allRefused()) saveRefused();
            return stopped;
        } finally {
            if (reader != null) reader.close();
        }
    }

    interface Source {
        /// Returns the next item; null after the last.
        BatchItem next(Supplier<Optional<Fault>> stopped, Runnable tick);
    }

    /// Runs items within the limits of this start, of which earlier calls have used a part.
    Optional<Fault> run(int items, Function<copilot.Request, copilot.Reply> sender, Source source) {
        var env = console.env();
        var pace = new RateController(spec.batch.jobs, spec.batch.delay);
        var progress = new BatchProgress(console, items, null, pace) {
            @Override
            void ended(RowResult result) {                  // each lock on its own: `enter` ticks
                if (gate != null) gate.left(result.item().request().model());
                super.ended(result);
            }
        };
        var left = new AtomicReference<BatchRunner>();
        var runner = new BatchRunner(pace, remaining(), env.time(), sender, journal, progress);
        left.set(runner);
        env.shutdown().patience(Duration.ofSeconds(60));      // 30 for requests in flight, and time to write OUT
        try {
            return runner.run(() -> source.next(left.get()::stopped, progress::tick), Duration.ofSeconds(30)).map(
                    this::asTyped);
        } finally {
            console.transientLine("");
        }
    }

    /// Names the limit that the user has set, rather than what was left of it.
    private Fault asTyped(Fault why) {
        String words = why.message().replaceFirst("^--max-requests \\d+", "--max-requests " + policy.maxRequests);
        if (policy.maxTime != null) words = words.replaceFirst("^--max-time .* is", "--max-time " + Durations.words(
                policy.maxTime) + " is");
        return words.equals(why.message()) ? why : new Fault(why.kind(), why.exitCode(), words, why.hint(),
                why.reason());
    }

    /// Returns the limits without what this start has used.
    private RetryPolicy remaining() {
        var rest = new RetryPolicy();
        rest.retries = policy.retries;
        rest.schemaRetries = policy.schemaRetries;
        rest.timeout = policy.timeout;
        rest.maxWait = policy.maxWait;
        rest.haltShare = policy.haltShare;
        rest.maxTokens = policy.maxTokens;
        rest.maxCredits = policy.maxCredits;
        rest.estimate = policy.estimate;
        if (policy.maxRequests != null) {
            rest.maxRequests = policy.maxRequests - (journal.spent().requests() - requestsBefore);
        }
        if (policy.maxTime != null) rest.maxTime = policy.maxTime.minus(Duration.between(begun, console.env().time()
                .now()));
        return rest;
    }

    /// Returns the next item to send, each pass reading all rows again; null after the last.
    private BatchItem next(Iterator<Set<String>> passes, Supplier<EvalInput> input, Supplier<Optional<Fault>> stopped,
            Runnable tick) {
        while (true) {
            if (waiting.isEmpty()) {
                if (!passes.hasNext()) return null;
                if (reader != null) reader.close();
                waiting = passes.next();
                reader = input.get();
                row = Collections.emptyIterator();
            }
            if (!row.hasNext()) {
                var cells = reader.next();
                if (cells == null) throw Fault.error("the input changed while it was read", "");
                row = cells.interleaved().iterator();
                continue;
            }
            var cell = row.next();
            if (!waiting.remove(cell.item().key())) continue;
            var fault = admitted(cell.item(), stopped, tick);
            if (fault == null) return cell.item();
            refuse(cell, fault);
        }
    }

    private Fault admitted(BatchItem item, Supplier<Optional<Fault>> stopped, Runnable tick) {
        try {
            return gate.enter(item.request().model(), () -> stopped.get().isPresent(), tick);
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        }
    }

    private void refuse(CellRequest cell, Fault fault) {
        console.once(console::warn, cell.item().request().model() + " is refused, its other cells fail: "
                + fault.message());
        var item = cell.item();
        var refusal = ApiError.behind(fault);
        String code = refusal.code().isEmpty() ? "http_" + refusal.status() : refusal.code();
        refused.add(new RowResult(new BatchItem(item.index(), item.place(), item.id(), item.key(), null, null, null,
                null), "failed", null, Usage.NONE, Duration.ZERO, 0, code, fault.message()));
    }

    /// Records the cells of refused models, many at once, since each waits for the disk.
    private void saveRefused() {
        try (var threads = Executors.newFixedThreadPool(32, Thread.ofVirtual().factory())) {
            refused.forEach(result -> threads.submit(() -> journal.append(result, BatchCounts.NONE,
                    console.env().time().now())));
        }
    }
}
