package cop;

import module java.base;
import cop.copilot.Fault;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// A path into a structured answer: `label`, `items[0].name`, `$.totals['net price']`.
///
/// @param steps names (strings) and indexes (integers from 0)
record AnswerPath(String text, List<Object> steps) {
    private static final Pattern STEP = Pattern.compile("\\G(?:\\.?([^.\\[\\]'\"*\\s][^.\\[\\]]*)|\\[(\\d{1,6})]"
            + "|\\[(?:'([^']*)'|\"([^\"]*)\")])");
    private static final int DEEPEST = 30;                  // of references in a schema

    static AnswerPath of(String text) {
        String path = text.strip(), rest = path.replaceFirst("^\\$(?=[.\\[]|$)", "");
        var steps = new ArrayList<>();
        var step = STEP.matcher(rest);
        int end = 0;
        while (end < rest.length() && step.find(end) && step.start() == end) {
            steps.add(step.group(2) != null ? Integer.valueOf(step.group(2)) : Stream.of(1, 3, 4).map(step::group)
                    .filter(Objects::nonNull).findFirst().orElseThrow());
            end = step.end();
        }
        if (end == rest.length() && !steps.isEmpty()) return new AnswerPath(path, steps);
        throw Fault.usage("invalid path: " + Text.shortened(path, 80), "write a path such as label, or items[0].name");
    }

    /// Returns a missing node if the JSON has nothing there.
    JsonNode in(JsonNode json) {
        var node = json;
        for (Object step : steps) {
            node = step instanceof Integer index ? node.path(index) : node.path((String) step);
        }
        return node == null ? MissingNode.getInstance() : node;
    }

    /// Returns why no answer that is valid against a JSON Schema has this path; empty if one may have it.
    Optional<String> misfit(JsonNode schema) { return misfit(schema, List.of(schema), 0); }

    private Optional<String> misfit(JsonNode root, List<JsonNode> schemas, int at) {
        if (at == steps.size()) return Optional.empty();
        var all = schemas.stream().flatMap(schema -> alternatives(root, schema, 0)).toList();
        var next = all.stream().flatMap(schema -> inner(schema, steps.get(at))).toList();
        if (next.stream().anyMatch(JsonNode::isMissingNode)) return Optional.empty();      // anything may be there
        return next.isEmpty() ? Optional.of(lacking(all, at)) : misfit(root, next, at + 1);
    }

    /// Returns a schema and the parts that it combines, with references resolved.
    private static Stream<JsonNode> alternatives(JsonNode root, JsonNode schema, int depth) {
        if (depth > DEEPEST) return Stream.empty();
        var parts = Stream.of("anyOf", "oneOf", "allOf").flatMap(name -> schema.path(name).valueStream());
        String ref = schema.path("$ref").asString("");
        var target = ref.startsWith("#") ? root.at(ref.substring(1).replace("%20", " ")) : MissingNode.getInstance();
        var others = Stream.of("then", "else").map(schema::path).filter(part -> !part.isMissingNode());
        return Stream.concat(Stream.of(schema), Stream.of(parts, Stream.of(target).filter(each -> !each
                .isMissingNode()), others).flatMap(each -> each).flatMap(each -> alternatives(root, each, depth + 1)));
    }

    /// Returns the schemas of what a step leads to; a missing node if that may be anything.
    private static Stream<JsonNode> inner(JsonNode schema, Object step) {
        if (schema.isBoolean()) return schema.asBoolean() ? Stream.of(MissingNode.getInstance()) : Stream.empty();
        boolean combined = Stream.of("anyOf", "oneOf", "allOf", "$ref").anyMatch(schema::has);
        var types = schema.path("type");
        boolean typed = !types.isMissingNode(), index = step instanceof Integer;
        String type = index ? "array" : "object";
        if (typed && !types.asString("").equals(type) && types.valueStream().noneMatch(each -> each.asString("")
                .equals(type))) return Stream.empty();
        String known = index ? "items" : "properties";
        var child = index ? schema.path("prefixItems").path((int) step) : schema.path("properties").path((String) step);
        if (!child.isMissingNode()) return Stream.of(child);
        var rest = schema.path(index ? "items" : "additionalProperties");
        if (rest.isObject()) return Stream.of(rest);
        boolean open = rest.asBoolean(false) || schema.has("patternProperties") || !schema.has(known) && !combined
                && !(rest.isBoolean() && !rest.asBoolean());
        return open ? Stream.of(MissingNode.getInstance()) : Stream.empty();
    }

    private String lacking(List<JsonNode> schemas, int at) {
        String outer = at == 0 ? "the answer" : new AnswerPath("", steps.subList(0, at)).written();
        if (steps.get(at) instanceof Integer) return outer + " is not a list";
        var names = schemas.stream().flatMap(schema -> schema.path("properties").propertyNames().stream()).distinct()
                .toList();
        if (names.isEmpty()) return outer + (schemas.stream().anyMatch(schema -> schema.has("items"))
                ? " is a list; write " + (at == 0 ? "" : outer) + "[0]." + steps.get(at) : " is not an object");
        return "the schema has no field " + steps.get(at) + StrictMustache.near((String) steps.get(at), names)
                + (StrictMustache.near((String) steps.get(at), names).isEmpty() ? "; " + outer + " has "
                + Text.shortened(String.join(", ", names), 100) : "");
    }

    private String written() {
        var text = new StringBuilder();
        steps.forEach(step -> text.append(step instanceof Integer ? "[" + step + "]" : (text.isEmpty() ? "" : ".")
                + step));
        return text.toString();
    }
}
