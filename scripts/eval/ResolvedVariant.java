package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Request;
import cop.copilot.RequestFields;
import cop.copilot.Delivery;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A variant with all that its cells need.
///
/// @param target what is the same in all its prompts: options, delivery, schema; no messages but a system message
/// @param prompts fills the template from a row
/// @param lint looks at the rows while they are scanned; shared by the variants of a template
/// @param checks of the template and the command line, not filled yet
/// @param structured whether the model accepts a schema in a field of its own
record ResolvedVariant(EvalVariant shown, Template template, TemplateLint lint, PreparedPrompt target,
                       Function<InputRow, PreparedPrompt> prompts, List<Check> checks, boolean structured) {
    /// @param model resolved
    ResolvedVariant with(String name, String model, boolean structured) {
        return new ResolvedVariant(new EvalVariant(name, shown.template(), model, shown.options()), template, lint,
                target, prompts, checks, structured);
    }

    Request request(PreparedPrompt prompt) {
        if (prompt.schema() != null) prompt.request().single("a schema");
        return prompt.request(shown.model(), true, structured);
    }

    /// Returns the schema of its answers, or null.
    JsonNode schema() { return target.schema() == null ? null : target.schema().schema().json(); }

    /// Returns what tells it from others: what it asks, not its name.
    ObjectNode settings() {
        var request = target.request();
        var settings = Json.object().put("template", shown.template()).put("template_hash", template.hash())
                .put("model", shown.model()).put("endpoint", request.delivery().endpoint());
        if (request.system() != null) settings.put("system", request.system());
        if (schema() != null) settings.put("schema_hash", Fingerprint.of(Json.compact(schema())));
        return settings.set("options", request.options());
    }
}

/// What a `--variant` sets for its cells.
///
/// @param template null for those of the command line
/// @param own its model, options, system message, and schema
record VariantOption(String name, String template, PreparedPrompt own) {
    private static final List<String> FIELDS = Stream.concat(Stream.of("template", "model", "endpoint", "system",
            "schema", "options"), RequestFields.NAMES.stream()).toList();
    private static final String FORM = "--variant 'cold: {model: gpt-5-mini, temperature: 0}'";

    /// Reads `name: {model: gpt-5-mini, temperature: 0}`.
    static VariantOption read(String text) {
        String place = "--variant " + Text.shortened(text.strip(), 60);
        Map<String, Object> all;
        try {
            all = JsonValues.yaml(text, "--variant", 1, new HashMap<>());
        } catch (Fault fault) {
            throw fault.withHint(FORM);
        }
        if (all.size() != 1) throw Fault.usage(place + ": expected one name with its settings", FORM);
        var named = all.entrySet().iterator().next();
        if (!(named.getValue() instanceof Map<?, ?> map)) {
            throw Fault.usage(place + ": expected settings in braces, got " + JsonValues.kind(named.getValue()), FORM);
        }
        return of(named.getKey(), JsonValues.copy(map));
    }

    private static VariantOption of(String name, Map<String, Object> fields) {
        String place = "--variant " + name;
        for (String field : fields.keySet()) {
            if (!FIELDS.contains(field)) throw Fault.usage(place + ": unknown field " + field, Suggestions.hint(
                    field.replace('-', '_'), FIELDS, "put other fields of the request under options:"));
        }
        var options = JsonValues.node(object(place, fields, "options")) instanceof ObjectNode node ? node
                : Json.object();
        var required = Set.copyOf(options.propertyNames());
        for (String field : RequestFields.NAMES) {
            if (fields.containsKey(field)) options.set(field, JsonValues.node(fields.get(field)));
        }
        RequestFields.check(options, field -> place + ": " + field);
        var schema = object(place, fields, "schema");
        var request = new Request(text(place, fields, "model"), List.of(), options, true, new Delivery(text(place,
                fields, "endpoint"), required));
        var answer = schema.isEmpty() ? null : new ResponseSchema("answer", new JsonSchema((ObjectNode)
                JsonValues.node(schema), place + ": schema"), null);
        if (answer != null) answer.schema().check();
        return new VariantOption(name, text(place, fields, "template"), new PreparedPrompt(request, answer)
                .withSystem(text(place, fields, "system")));
    }

    private static Map<String, Object> object(String place, Map<String, Object> fields, String name) {
        Object value = fields.getOrDefault(name, Map.of());
        if (value instanceof Map<?, ?> map) return JsonValues.copy(map);
        throw Fault.usage(place + ": " + name + " is " + JsonValues.kind(value) + ", not an object", "write " + name
                + ": {NAME: VALUE}");
    }

    private static String text(String place, Map<String, Object> fields, String name) {
        Object value = fields.get(name);
        if (value == null) return null;
        if (value instanceof String || value instanceof JsonValues.NumberLiteral) return value.toString();
        throw Fault.usage(place + ": " + name + " is " + JsonValues.kind(value) + ", not a string", "write " + name
                + ": \"TEXT\"");
    }
}
