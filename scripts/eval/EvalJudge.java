package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.FinishReason;
import cop.copilot.Model;
import cop.copilot.Reply;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;

/// Asks a judge model, or compares embeddings, for the checks that need it. Each verdict is a cell of its own in the
/// run's journal, found again by what was judged, how, and by which model.
final class EvalJudge {
    private static final int AT_ONCE = 100;                 // comparisons whose texts are embedded together

    private final EvalSpec spec;
    private final CopilotClient copilot;
    private final Console console;
    private final Journal journal;
    private final EvalModels models;
    private Model embedder;

    EvalJudge(EvalSpec spec, CopilotClient copilot, Console console, Journal journal, EvalModels models) {
        this.spec = spec;
        this.copilot = copilot;
        this.console = console;
        this.journal = journal;
        this.models = models;
    }

    /// Returns the answer to a question, unless it is still to be asked, or could not be had.
    Optional<Verdict> verdict(JudgeQuestion question) {
        String key = key(question);
        var result = journal.entry(key).filter(end -> end.status().equals("ok")).flatMap(_ -> journal.result(key))
                .map(Json::tryParse);
        boolean rubric = question.kind() == JudgeQuestion.Kind.RUBRIC;
        return rubric ? result.flatMap(json -> question.verdict(json.path("json"))) : result.map(json ->
                new Verdict(Double.parseDouble(Json.text(json, "text")), ""));
    }

    private String key(JudgeQuestion question) {
        String model = question.kind() == JudgeQuestion.Kind.RUBRIC ? judge(question).id() : models.embedding();
        return Fingerprint.of(("judge " + question.key() + " " + model).getBytes(StandardCharsets.UTF_8));
    }

    private EvalModels.Chosen judge(JudgeQuestion question) {
        return models.chosen(spec.judge != null ? spec.judge : question.model());
    }

    /// Asks what has not been asked yet.
    ///
    /// @return why the run stopped early, if it did
    Optional<Fault> judge(EvalResults results, EvalSender sender) {
        var rubrics = new HashSet<String>();
        var texts = new HashSet<String>();
        try (var all = questions(results)) {
            all.forEach(each -> (each.question().kind() == JudgeQuestion.Kind.RUBRIC ? rubrics : texts).add(key(
                    each.question())));
        }
        if (rubrics.isEmpty() && texts.isEmpty()) return Optional.empty();
        copilot.tokens().get();
        console.note("judging: " + Text.joined(", ", rubrics.isEmpty() ? "" : Summary.count(rubrics.size(), "question"),
                texts.isEmpty() ? "" : Summary.count(texts.size(), "comparison") + " of embeddings"));
        var stopped = rubrics.isEmpty() ? Optional.<Fault>empty() : askRubrics(results, sender, rubrics);
        if (stopped.isPresent() || texts.isEmpty()) return stopped;
        try {
            compare(results, texts);
            return Optional.empty();
        } catch (Fault fault) {
            return Optional.of(fault);
        }
    }

    /// A question, and the cell that it is about.
    private record Asked(EvalResults.Answered about, JudgeQuestion question) {}

    /// Returns the questions without an answer, equal ones too; to be closed.
    private Stream<Asked> questions(EvalResults results) {
        return results.answered().flatMap(each -> each.checks().stream().flatMap(check -> check.questions(each.answer())
                .stream()).map(question -> new Asked(each, question))).filter(each -> !isDone(key(each.question())));
    }

    private boolean isDone(String key) {
        var retry = spec.batch.retry;
        return journal.entry(key).filter(end -> end.status().equals("ok") || retry == null || !retry.isEmpty()
                && !retry.contains(end.code())).isPresent();
    }

    private Optional<Fault> askRubrics(EvalResults results, EvalSender sender, Set<String> waiting) {
        var asked = Set.copyOf(waiting);
        try (var all = questions(results)) {
            var left = all.iterator();
            var stopped = sender.run(waiting.size(), copilot::askOnce, (_, _) -> {
                while (left.hasNext()) {
                    var next = left.next();
                    String key = key(next.question());
                    if (waiting.remove(key)) return item(next, key);
                }
                return null;
            });
            warnOfFailures(asked);
            return stopped;
        }
    }

    private void warnOfFailures(Set<String> asked) {
        var codes = asked.stream().flatMap(key -> journal.entry(key).stream()).filter(end -> !end.status().equals("ok"))
                .collect(Collectors.groupingBy(end -> end.code().isEmpty() ? end.status() : end.code(), TreeMap::new,
                        Collectors.counting()));
        if (codes.isEmpty()) return;
        console.warn("the judge gave no verdict: " + codes.entrySet().stream().map(code -> code.getValue() + " "
                + code.getKey()).collect(Collectors.joining(", ")));
    }

    private BatchItem item(Asked asked, String key) {
        var of = asked.about().cell().item();
        var judge = judge(asked.question());
        var prompt = asked.question().prompt(judge.id());
        return new BatchItem(of.index(), of.place(), of.id(), key, prompt.request(judge.id(), true,
                judge.structured()), prompt.schema(), null, null);
    }

    private void compare(EvalResults results, Set<String> waiting) {
        embedder = Embedder.model(copilot, models.embedding());
        var some = new ArrayList<Asked>();
        int done = 0;
        try (var all = questions(results)) {
            for (var left = all.iterator(); left.hasNext(); ) {
                var next = left.next();
                if (waiting.remove(key(next.question()))) some.add(next);
                if (some.size() < AT_ONCE && left.hasNext()) continue;
                compare(some);
                done += some.size();
                console.transientLine(done + " comparisons of embeddings");
                some.clear();
            }
        } finally {
            console.transientLine("");
        }
    }

    /// Embeds the texts of some questions, and records how similar they are.
    private void compare(List<Asked> some) {
        var texts = some.stream().flatMap(each -> Stream.of(each.question().answer(), each.question().expected()))
                .filter(text -> !text.isBlank()).distinct().toList();
        var vectors = new HashMap<String, double[]>();
        var cost = new AtomicReference<>(BatchCounts.NONE);
        long start = System.nanoTime();
        new Embedder(copilot, embedder, null).all(texts.iterator(), text -> text, (items, answer) -> {
            for (int i = 0; i < items.size(); i++) {
                vectors.put(items.get(i), answer.vectors().get(i).valueStream().mapToDouble(JsonNode::asDouble)
                        .toArray());
            }
            cost.set(cost.get().plus("", 1, embedder.priced(new Usage(answer.tokens(), 0, 0, 0, 0, false))));
        });
        var took = Duration.ofNanos(System.nanoTime() - start);
        for (var each : some) {
            var question = each.question();
            double[] answer = vectors.get(question.answer()), expected = vectors.get(question.expected());
            double score = answer == null || expected == null ? 0 : Embedder.cosine(answer, expected);
            record(each, String.valueOf(score), took, cost.getAndSet(BatchCounts.NONE));
        }
    }

    /// @param cost of all texts, recorded with the first
    private void record(Asked asked, String score, Duration took, BatchCounts cost) {
        var of = asked.about().cell().item();
        var reply = new Reply(List.of(score), "", "stop", embedder.id(), cost.used(), Json.array(Stream.empty()), "",
                "", took, List.of(), List.of());
        journal.append(new RowResult(new BatchItem(of.index(), of.place(), of.id(), key(asked.question()), null, null,
                null, null), "ok", reply, cost.used(), took, (int) cost.requests(), "", ""), cost,
                console.env().time().now());
    }
}
