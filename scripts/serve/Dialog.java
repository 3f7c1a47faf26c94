package cop;

import module java.base;
import cop.copilot.Model;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A conversation, and what is asked of the model, in the form of no API: each API's requests are read into it and
/// written from it.
final class Dialog {
    enum Role {SYSTEM, USER, ASSISTANT}

    sealed interface Part {}

    /// @param mark whether a cache may end here
    record TextPart(String text, boolean mark) implements Part {
        TextPart(String text) { this(text, false); }
    }

    /// @param url https, or data
    record ImagePart(String url) implements Part {}

    /// A PDF.
    ///
    /// @param data a data URL
    record FilePart(String name, String data) implements Part {}

    /// @param seal what the model that thought it needs back (see `Seal`); empty if nothing
    record ThinkingPart(String text, String seal) implements Part {}

    /// @param arguments JSON, or any text for a custom tool
    record CallPart(String id, String name, String arguments, boolean custom) implements Part {}

    record ResultPart(String callId, List<Part> content, boolean isError) implements Part {}

    record Turn(Role role, List<Part> parts) {}

    /// A function, or a custom tool, whose input is free text.
    record Tool(String name, String description, JsonNode schema, boolean custom, boolean strict) {}

    /// @param kind `auto`, `any`, `none`, or `tool`
    record Choice(String kind, String name) {}

    /// @param schema null for any object
    record Format(String name, JsonNode schema, boolean strict) {}

    /// Asks for what `json_object` means.
    static final String ONE_OBJECT = "Answer with one JSON object and nothing else.";
    /// The field that holds a custom tool's input where tools are functions.
    static final String INPUT = "input";
    private static final List<String> EFFORTS = List.of("none", "minimal", "low", "medium", "high", "xhigh", "max");

    /// A JSON type.
    private record Type(String words, Predicate<JsonNode> test, String... members) {}

    /// Members whose value is read if it has this type: another would be left out, and the answer paid for without it.
    private static final List<Type> ALL = List.of(new Type("a number", JsonNode::isNumber, "temperature", "top_p"),
            new Type("a list", JsonNode::isArray, "tools"), new Type("true or false", JsonNode::isBoolean, "stream"));
    private static final Map<ApiProtocol, List<Type>> OWN = Map.of(
            ApiProtocol.CHAT, List.of(new Type("a whole number above 0", Dialog::isCount, "max_completion_tokens"),
                    new Type("a string or a list", Dialog::isTextOrList, "stop")),
            ApiProtocol.RESPONSES, List.of(new Type("a whole number above 0", Dialog::isCount, "max_output_tokens"),
                    new Type("a string", JsonNode::isString, "instructions")),
            ApiProtocol.MESSAGES, List.of(new Type("a whole number above 0", Dialog::isCount, "max_tokens"),
                    new Type("a string or a list", Dialog::isTextOrList, "system"),
                    new Type("a list", JsonNode::isArray, "stop_sequences")));

    final ApiProtocol client;
    final ObjectNode body;
    final List<Turn> turns = new ArrayList<>();
    final List<Tool> tools = new ArrayList<>();
    final List<String> notes = new ArrayList<>();
    final List<String> stop = new ArrayList<>();
    Choice choice;                                          // null: not said
    boolean parallel = true, stream, includeUsage, sealed;  // sealed: encrypted reasoning is asked for
    Long maxTokens;                                         // null: not said
    JsonNode temperature, topP;                             // null: not said
    String effort = "", verbosity = "";                     // empty: not said
    Format format;                                          // null: text

    Dialog(ApiProtocol client, ObjectNode body) {
        this.client = client;
        this.body = body;
        Stream.concat(OWN.get(client).stream(), ALL.stream()).forEach(type -> check(type, type.members()));
        if (client == ApiProtocol.CHAT && isAbsent("max_completion_tokens")) check(OWN.get(client).getFirst(),
                "max_tokens");
        stream = body.path("stream").asBoolean(false);
    }

    private void check(Type type, String... members) {
        for (String name : members) {
            if (isAbsent(name) || type.test().test(body.path(name))) continue;
            throw ApiRefusal.invalid(name + ": " + type.words() + " is expected");
        }
    }

    private boolean isAbsent(String name) { return body.path(name).isMissingNode() || body.path(name).isNull(); }

    /// Returns whether it is a whole number above 0, perhaps written as 1.0.
    private static boolean isCount(JsonNode value) {
        double number = value.asDouble(0);
        return value.isNumber() && number > 0 && number == Math.rint(number);
    }

    private static boolean isTextOrList(JsonNode value) { return value.isString() || value.isArray(); }

    /// Returns a refusal of something that the model's endpoint has no equivalent of.
    static ApiRefusal noEquivalent(String field, Model model, ApiProtocol upstream) {
        return ApiRefusal.invalid("unsupported_parameter", field + ": " + model.id() + " is reached by "
                + upstream.endpoint() + ", which has no equivalent; remove it or use another model");
    }

    // ---- to read

    /// Notes a field that is not sent, as it does not change the answer's meaning.
    void ignore(String field) { notes.add("ignored " + Text.shortened(Text.printable(field), 60)); }

    /// Lowers the limit to the model's own: clients that do not know a model send that of another.
    void limit(Model model) {
        long most = model.maxOutputTokens();
        if (maxTokens == null || most == 0 || maxTokens <= most) return;
        maxTokens = most;
        notes.add("lowered the limit of the answer to " + most + " tokens");
    }

    void add(Role role, Part... parts) { turns.add(new Turn(role, new ArrayList<>(List.of(parts)))); }

    void add(Role role, List<Part> parts) {
        if (!parts.isEmpty()) turns.add(new Turn(role, new ArrayList<>(parts)));
    }

    /// Adds to the last turn if it has this role, and otherwise a turn.
    void append(Role role, Part part) {
        if (!turns.isEmpty() && turns.getLast().role == role) turns.getLast().parts.add(part);
        else add(role, part);
    }

    /// Adds a result to the results before it.
    void appendResult(ResultPart result) {
        boolean after = !turns.isEmpty() && turns.getLast().role == Role.USER
                && turns.getLast().parts.stream().allMatch(ResultPart.class::isInstance);
        if (after) turns.getLast().parts.add(result);
        else add(Role.USER, result);
    }

    // ---- to write

    /// Returns the system texts that come first.
    List<TextPart> head() {
        return turns.stream().takeWhile(turn -> turn.role == Role.SYSTEM).flatMap(turn -> texts(turn.parts)).toList();
    }

    List<Turn> rest() { return turns.stream().dropWhile(turn -> turn.role == Role.SYSTEM).toList(); }

    static Stream<TextPart> texts(List<Part> parts) {
        return parts.stream().filter(TextPart.class::isInstance).map(TextPart.class::cast);
    }

    static String joined(List<Part> parts) { return joined(texts(parts)); }

    static String joined(Stream<TextPart> texts) {
        return texts.map(TextPart::text).filter(text -> !text.isEmpty()).collect(Collectors.joining("\n\n"));
    }

    boolean hasImages() { return turns.stream().flatMap(turn -> turn.parts.stream()).anyMatch(Dialog::isImage); }

    private static boolean isImage(Part part) {
        return part instanceof ImagePart || part instanceof ResultPart result
                && result.content.stream().anyMatch(Dialog::isImage);
    }

    /// Returns about how many tokens the prompt has, for clients that show a number before the answer ends.
    long estimate() {
        return 1 + turns.stream().flatMap(turn -> turn.parts.stream()).mapToLong(Dialog::estimate).sum()
                + tools.stream().mapToLong(tool -> Json.compact(tool.schema).length() + tool.description.length())
                .sum() / 4;
    }

    private static long estimate(Part part) {
        return switch (part) {
            case TextPart text -> text.text.length() / 4;
            case CallPart call -> call.arguments.length() / 4;
            case ResultPart result -> result.content.stream().mapToLong(Dialog::estimate).sum();
            case ImagePart _, FilePart _ -> 1000;
            case ThinkingPart _ -> 0;
        };
    }

    /// Returns the effort to send: what was asked for, or the nearest that the model has; empty if it has none.
    String effort(Model model) {
        var known = model.reasoningEfforts();
        int wished = EFFORTS.indexOf(effort);
        if (effort.isEmpty() || known.isEmpty() || known.contains(effort)) return known.isEmpty() ? "" : effort;
        if (wished < 0) return effort;                      // upstream says which it knows
        String nearest = known.stream().min(Comparator.comparingInt(each -> Math.abs(EFFORTS.indexOf(each) - wished)))
                .orElseThrow();
        notes.add("reasoning effort " + effort + " became " + nearest);
        return nearest;
    }

    /// Returns the effort that corresponds to a budget of Anthropic's.
    static String effortOf(long budget) { return budget < 4096 ? "low" : budget < 16_384 ? "medium" : "high"; }

    /// Returns a schema that describes an object, as all of Copilot's models want it.
    static ObjectNode objectSchema(JsonNode schema) {
        var own = schema instanceof ObjectNode object ? object.deepCopy() : Json.object();
        own.remove("$schema");
        return own.has("type") ? own : own.put("type", "object");
    }

    /// Returns the schema of a function that stands for a custom tool.
    static ObjectNode customSchema() {
        var schema = Json.object().put("type", "object");
        schema.putObject("properties").putObject(INPUT).put("type", "string");
        schema.putArray("required").add(INPUT);
        return schema;
    }

    /// Returns the arguments of a call as functions have them.
    static String arguments(CallPart call) {
        if (call.custom) return Json.compact(Json.object().put(INPUT, call.arguments));
        return call.arguments.isBlank() ? "{}" : call.arguments;
    }

    /// Returns the text of a result, marked if it is an error.
    static String text(ResultPart result) {
        String text = joined(result.content);
        boolean marked = text.regionMatches(true, 0, "error", 0, 5) || text.startsWith("<tool_use_error>");
        return result.isError && !marked ? "Error: " + text : text;
    }
}
