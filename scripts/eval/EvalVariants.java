package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Message;
import cop.copilot.Request;

/// Makes variants of templates, models, and options.
final class EvalVariants {
    private static final Pattern TAG = Pattern.compile("\\{\\{[#^&{]?\\s*([^\\s.{}/!>]+)");

    private final Environment env;
    private final Console console;
    private final PreparedPrompt wishes;                    // options of the command line, for all
    private final TemplateVariables data;
    private final List<Check> expected = new ArrayList<>(); // of the command line
    private final Map<String, Found> templates = new LinkedHashMap<>();     // by name as typed
    boolean allowMissing;

    /// A template, read once.
    private record Found(Template template, List<Check> checks, TemplateLint lint) {}

    EvalVariants(Environment env, Console console, PreparedPrompt wishes, TemplateVariables data) {
        this.env = env;
        this.console = console;
        this.wishes = wishes;
        this.data = data;
    }

    void expect(String option) { expected.add(Check.ofOption(option)); }

    /// Returns each template with each model, then each further variant. Without a model, the further ones are all.
    ///
    /// @param names of templates; may be empty if each further variant has its own
    List<ResolvedVariant> of(List<String> names, List<String> models, List<String> further) {
        var options = further.stream().map(VariantOption::read).toList();
        boolean complete = models.isEmpty() && !options.isEmpty() && options.stream().allMatch(option ->
                option.template() != null);
        if (names.isEmpty() && !complete) throw Fault.usage("no template", "name one, or give each --variant one: "
                + "'NAME: {template: FILE, model: ID}'");
        var all = new ArrayList<ResolvedVariant>();
        var typed = new ArrayList<String>(models);
        if (models.isEmpty() && further.isEmpty()) typed.add(null);
        for (String name : names) {
            for (String model : typed) {
                String template = found(name).template().name();
                all.add(variant(names.size() == 1 ? Objects.requireNonNullElse(model, "") : typed.size() == 1
                        ? template : template + "/" + model, name, wishes.request().withModel(model), null));
            }
        }
        for (var more : options) {
            var own = more.own();
            for (String name : more.template() != null ? List.of(more.template()) : names) {
                String shown = more.template() != null || names.size() == 1 ? more.name() : found(name).template()
                        .name() + "/" + more.name();
                all.add(variant(shown, name, wishes.request().withModel(null), own));
            }
        }
        return all;
    }

    private Found found(String name) {
        return templates.computeIfAbsent(name, _ -> {
            var folders = new TemplateFolders(env);
            var source = folders.find(name);
            var template = new TemplateReader(folders, source).template();
            var checks = new ArrayList<>(checks(source));
            checks.addAll(expected);
            return new Found(template, List.copyOf(checks), lint(template, checks));
        });
    }

    /// Does not take a field that only checks use for a misspelled one of the template.
    private TemplateLint lint(Template template, List<Check> checks) {
        data.lint(template, console);                       // warns of values that are not used
        var known = new HashSet<>(data.values(env).keySet());
        checks.forEach(check -> names(check).filter(name -> !template.names().contains(name)).forEach(known::add));
        return new TemplateLint(template, known);
    }

    /// Returns the names of the values that a check takes from rows.
    static Stream<String> names(Check check) {
        return TAG.matcher(RowChecks.definition(check)).results().map(tag -> tag.group(1));
    }

    /// Returns the checks of a template of a verb; one that is a text in Java has none.
    static List<Check> checks(Environment env, Template template) {
        if (template.place().equals("template(…)")) return List.of();
        return checks(new TemplateFolders(env).find(template.file() == null ? "packaged:" + template.name()
                : template.file().toString()));
    }

    /// Reads `expect:`, and the `evaluators:` of GitHub's prompt files, from the front matter.
    private static List<Check> checks(TemplateFolders.TemplateSource source) {
        var parts = TemplateText.of(source);
        var lines = new HashMap<String, Integer>();
        var fields = JsonValues.yaml(parts.yaml(), source.place(), parts.yamlLine(), lines);
        var all = new ArrayList<Check>();
        if (fields.get("expect") instanceof Object expect) all.addAll(Check.read(expect, pointer -> source.place()
                + ":" + line(lines, "/expect" + pointer)));
        if (source.github() && fields.get("evaluators") instanceof Object evaluators) {
            all.addAll(Check.ofEvaluators(evaluators, pointer -> source.place() + ":" + line(lines, "/evaluators"
                    + pointer)));
        }
        return all;
    }

    /// Returns the line of a value, or of the one that holds it.
    private static int line(Map<String, Integer> lines, String pointer) {
        for (String at = pointer; !at.isEmpty(); at = at.substring(0, at.lastIndexOf('/'))) {
            if (lines.containsKey(at)) return lines.get(at);
        }
        return 1;
    }

    private ResolvedVariant variant(String shown, String name, Request request, PreparedPrompt own) {
        var found = found(name);
        var template = found.template();
        var constant = data.values(env);
        var common = new PreparedPrompt(request, wishes.schema());
        var all = own == null ? common : common.with(own);
        var target = PreparedPrompt.of(template, List.of()).with(all);
        Function<InputRow, PreparedPrompt> prompts = row -> {
            var values = new LinkedHashMap<>(row.data());
            values.putAll(constant);
            return PreparedPrompt.of(template, TemplateVariables.fill(template, values, allowMissing)).with(all);
        };
        String model = target.request().model();
        return new ResolvedVariant(new EvalVariant(shown, template.place(), model == null || model.isBlank() ? null
                : model, all.request().options()), template, found.lint(), target, prompts, found.checks(), false);
    }
}
