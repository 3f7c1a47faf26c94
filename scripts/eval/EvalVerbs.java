package cop;

import module java.base;
import cop.copilot.Prompt;
import cop.copilot.Row;

/// Runs the experiments of JShell and scripts.
final class EvalVerbs {
    /// Runs an experiment, and returns its summary.
    ///
    /// @param report null for none
    static Summary run(eval.Evaluation wanted, String out, String report) {
        var first = wanted.prompts.getFirst();
        var copilot = first.toolkit.copilot();
        var shared = copilot.context().env();
        var env = wanted.rows instanceof List<?> rows ? withStdin(shared, rows) : shared;
        var heard = heard(env, wanted.progress);
        var console = new Console(heard);
        var run = new EvalRun(console, copilot, spec(wanted, heard, out, report));
        run.run();
        return run.summary();
    }

    private static Environment withStdin(Environment env, List<?> rows) {
        var lines = rows.stream().map(row -> JsonValues.text(JsonValues.of(row)) + "\n").collect(Collectors.joining());
        return new Environment(new Stdin(new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)),
                Stdin.Kind.FILE), env.out(), env.err(), env.variables(), env.terminal(), env.time(), env.shutdown(),
                env.directory());
    }

    private static Environment heard(Environment env, Consumer<String> listener) {
        var lines = new PrintWriter(new StringWriter() {
            @Override
            public void flush() {
                toString().lines().forEach(listener);
                getBuffer().setLength(0);
            }
        });
        return new Environment(env.stdin(), env.out(), lines, env.variables(), _ -> false, env.time(), env.shutdown(),
                env.directory());
    }

    private static EvalSpec spec(eval.Evaluation wanted, Environment env, String out, String report) {
        var batch = new BatchSpec();
        batch.rows = wanted.rows instanceof String name ? name : "-";
        batch.format = RowReader.formatOf(env, batch.rows);
        batch.out = out;
        batch.run = env.path(out + ".run");
        batch.jobs = wanted.jobs;
        batch.delay = wanted.delay;
        batch.retry = wanted.retry ? Set.of() : null;
        batch.yes = true;
        var spec = new EvalSpec(batch);
        spec.repeat = wanted.repeat;
        spec.judge = wanted.judge;
        spec.report = report;
        wanted.predicates.forEach(spec.predicates::put);
        var models = wanted.models.isEmpty() ? Collections.<String>singletonList(null) : wanted.models;
        var expected = wanted.checks.stream().map(Check::ofOption).toList();
        for (var prompt : wanted.prompts) {
            for (String model : models) spec.variants.add(variant(prompt, model, wanted, env, expected));
        }
        return spec;
    }

    private static ResolvedVariant variant(Prompt prompt, String model, eval.Evaluation wanted,
            Environment env, List<Check> expected) {
        var asked = model == null ? prompt : prompt.withModel(model);
        String id = asked.model() == null || asked.model().isBlank() ? null : asked.model();
        String name = wanted.prompts.size() == 1 ? Objects.requireNonNullElse(model, "")
                : wanted.models.size() < 2 ? prompt.name() : prompt.name() + "/" + model;
        var own = new PreparedPrompt(new copilot.Request(id, List.of(), prompt.options, true), null);
        var target = PreparedPrompt.of(prompt.template, List.of()).with(own);
        var checks = Stream.concat(EvalVariants.checks(env, prompt.template).stream(), expected.stream()).toList();
        return new ResolvedVariant(new EvalVariant(name, prompt.template.place(), id, prompt.options), prompt.template,
                new TemplateLint(prompt.template, prompt.values.keySet()), target, row -> asked.withAll(row.data())
                .prepared(), checks, false);
    }
}
