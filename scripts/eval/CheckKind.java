package cop;

import module java.base;
import cop.copilot.Fault;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What a check can test, with promptfoo's names and defaults (promptfoo.dev, "Assertions and metrics"); `ends-with`
/// and `max-words` are ours.
enum CheckKind {
    EQUALS("equals", false, CheckTests::equal),
    CONTAINS("contains", false, (value, options) -> CheckTests.contains(value, options.ignoreCase())),
    ICONTAINS("icontains", false, (value, _) -> CheckTests.contains(value, true)),
    CONTAINS_ALL("contains-all", false, (value, _) -> CheckTests.containsAll(value, false)),
    CONTAINS_ANY("contains-any", false, (value, _) -> CheckTests.containsAny(value, false)),
    ICONTAINS_ALL("icontains-all", false, (value, _) -> CheckTests.containsAll(value, true)),
    ICONTAINS_ANY("icontains-any", false, (value, _) -> CheckTests.containsAny(value, true)),
    STARTS_WITH("starts-with", false, CheckTests::startsWith),
    ENDS_WITH("ends-with", false, CheckTests::endsWith),
    REGEX("regex", false, (value, _) -> CheckTests.regex(value)),
    IS_JSON("is-json", false, (value, _) -> CheckTests.isJson(value)),
    CONTAINS_JSON("contains-json", false, (value, _) -> CheckTests.containsJson(value)),
    LEVENSHTEIN("levenshtein", true, CheckTests::levenshtein),
    SIMILAR("similar", true, CheckTests::similar),
    LLM_RUBRIC("llm-rubric", true, CheckTests::rubric),
    COST("cost", true, CheckTests::cost),
    LATENCY("latency", true, CheckTests::latency),
    MAX_WORDS("max-words", true, CheckTests::maxWords),
    /// GitHub's `llm` and `uses` evaluators; not a name that can be written.
    LLM("llm", true, CheckTests::choices),
    /// The row's `__threshold`; not a name that can be written.
    MEAN("__threshold", true, (_, _) -> CheckTest.plain(_ -> CheckTest.Finding.of(true, () -> "", () -> "")));

    /// Makes a test of a value and options.
    interface Compiler extends BiFunction<Object, CheckOptions, CheckTest> {}

    static final List<CheckKind> NAMED = Stream.of(values()).filter(kind -> kind != LLM && kind != MEAN).toList();
    static final List<String> NAMES = NAMED.stream().map(CheckKind::text).toList();

    private final String text;
    private final boolean threshold;
    private final Compiler compiler;

    CheckKind(String text, boolean threshold, Compiler compiler) {
        this.text = text;
        this.threshold = threshold;
        this.compiler = compiler;
    }

    String text() { return text; }

    static Optional<CheckKind> named(String name) {
        return NAMED.stream().filter(kind -> kind.text.equals(name)).findFirst();
    }

    boolean takesThreshold() { return threshold; }

    /// Tells whether its value is its threshold.
    boolean isLimit() { return this == COST || this == LATENCY || this == MAX_WORDS; }

    /// Tells whether it may be written without a value.
    boolean needsNoValue() { return this == IS_JSON || this == CONTAINS_JSON; }

    /// Tells whether its value is a list, or a text with commas.
    boolean takesList() { return text.endsWith("-all") || text.endsWith("-any"); }

    /// Tells whether its value is a JSON Schema, which is no template.
    boolean takesSchema() { return this == IS_JSON || this == CONTAINS_JSON; }

    /// @throws Fault if the value is not one for this kind; its message lacks the place
    CheckTest compile(Object value, CheckOptions options) { return compiler.apply(value, options); }
}

/// The tests of the kinds. Each throws a Fault if its value has the wrong form.
final class CheckTests {
    private static final Pattern ITEM = Pattern.compile("\\G\\s*(?:\"((?:[^\"\\\\]++|\"\"|\\\\.)*+)\"\\s*(?=,|\\z)"
            + "|([^,]*))(,|\\z)");

    private static final Set<Character.UnicodeScript> IDEOGRAPHS = EnumSet.of(Character.UnicodeScript.HAN,
            Character.UnicodeScript.HIRAGANA, Character.UnicodeScript.KATAKANA);

    // ---------------------------------------------------------------------------------------------------- equality

    /// Compares text, or JSON with JSON: numbers by value, objects whatever the order of their fields. White space
    /// around an answer and around the expected text does not count.
    static CheckTest equal(Object value, CheckOptions options) {
        if (value == null && options.path() == null) throw Fault.usage("the value is missing", "equals: TEXT");
        if (value instanceof Map || value instanceof List) return equalJson(JsonValues.node(value));
        if (value == null || value instanceof Boolean || value instanceof JsonValues.NumberLiteral) {
            return equalScalar(value == null ? "null" : value.toString());
        }
        String expected = CheckedAnswer.normalized((String) value).strip();
        var json = expected.startsWith("{") || expected.startsWith("[") ? Json.tryParse(expected) : null;
        if (json != null && json.isContainer()) {
            return CheckTest.plain(answer -> equal(answer.stripped().equals(expected) || same(answer.json(), json),
                    answer, expected));
        }
        return equalScalar(expected);
    }

    private static CheckTest equalScalar(String expected) {
        var number = number(expected);
        return CheckTest.plain(answer -> equal(answer.stripped().equals(expected) || answer.isStructured()
                && number.isPresent() && answer.json().isNumber() && answer.json().decimalValue()
                .compareTo(number.get()) == 0, answer, expected));
    }

    private static CheckTest equalJson(JsonNode expected) {
        return CheckTest.plain(answer -> answer.json().isMissingNode() ? notJson(answer) : equal(same(answer.json(),
                expected), answer, Json.compact(expected)));
    }

    private static CheckTest.Finding notJson(CheckedAnswer answer) {
        return CheckTest.Finding.failed(() -> answer.shown() + " is not JSON");
    }

    private static CheckTest.Finding equal(boolean pass, CheckedAnswer answer, String expected) {
        return CheckTest.Finding.of(pass, () -> "it is " + answer.shown(), () -> "got " + answer.shown() + ", expected "
                + CheckedAnswer.quoted(expected));
    }

    private static Optional<BigDecimal> number(String text) {
        var json = text.matches("-?\\d[\\d.eE+-]{0,40}") ? Json.tryParse(text) : null;
        return json == null || !json.isNumber() ? Optional.empty() : Optional.of(json.decimalValue());
    }

    /// Compares numbers by value: 1 and 1.0 are the same.
    static boolean same(JsonNode a, JsonNode b) {
        if (a.isNumber() && b.isNumber()) return a.decimalValue().compareTo(b.decimalValue()) == 0;
        if (a.isArray() && b.isArray()) {
            return a.size() == b.size() && IntStream.range(0, a.size()).allMatch(i -> same(a.path(i), b.path(i)));
        }
        if (a.isObject() && b.isObject()) {
            return a.size() == b.size() && a.propertyNames().stream().allMatch(name -> b.has(name) && same(a.path(name),
                    b.path(name)));
        }
        if (a.isString() && b.isString()) {
            return CheckedAnswer.normalized(a.asString()).equals(CheckedAnswer.normalized(b.asString()));
        }
        return a.equals(b);
    }

    // ------------------------------------------------------------------------------------------------------- parts

    static CheckTest contains(Object value, boolean ignoreCase) {
        String part = folded(text(value), ignoreCase);
        return CheckTest.plain(answer -> CheckTest.Finding.of(folded(answer.text(), ignoreCase).contains(part),
                () -> "it contains " + CheckedAnswer.quoted(part), () -> "no " + CheckedAnswer.quoted(part) + " in "
                + answer.shown()));
    }

    static CheckTest containsAll(Object value, boolean ignoreCase) {
        var parts = texts(value);
        return CheckTest.plain(answer -> {
            String text = folded(answer.text(), ignoreCase);
            var missing = parts.stream().filter(part -> !text.contains(folded(part, ignoreCase))).toList();
            return CheckTest.Finding.of(missing.isEmpty(), () -> "it contains all of " + quoted(parts), () -> "no "
                    + quoted(missing) + " in " + answer.shown());
        });
    }

    static CheckTest containsAny(Object value, boolean ignoreCase) {
        var parts = texts(value);
        return CheckTest.plain(answer -> {
            String text = folded(answer.text(), ignoreCase);
            var found = parts.stream().filter(part -> text.contains(folded(part, ignoreCase))).findFirst();
            return CheckTest.Finding.of(found.isPresent(), () -> "it contains " + CheckedAnswer.quoted(found.orElse(
                    "")), () -> "none of " + quoted(parts) + " in " + answer.shown());
        });
    }

    static CheckTest startsWith(Object value, CheckOptions options) {
        String start = folded(text(value), options.ignoreCase());
        return CheckTest.plain(answer -> CheckTest.Finding.of(folded(answer.stripped(), options.ignoreCase())
                .startsWith(start), () -> "it starts with " + CheckedAnswer.quoted(start), () -> answer.shown()
                + " does not start with " + CheckedAnswer.quoted(start)));
    }

    static CheckTest endsWith(Object value, CheckOptions options) {
        String end = folded(Text.stripTrailingNewlines(text(value)), options.ignoreCase());
        return CheckTest.plain(answer -> {
            String text = answer.stripped(), last = text.substring(Math.max(0, text.length() - 60));
            return CheckTest.Finding.of(folded(text, options.ignoreCase()).endsWith(end), () -> "it ends with "
                    + CheckedAnswer.quoted(end), () -> CheckedAnswer.quoted((last.length() < text.length() ? "…" : "")
                    + last) + " does not end with " + CheckedAnswer.quoted(end));
        });
    }

    /// Searches as JavaScript's `test` does: the regex may match anywhere.
    static CheckTest regex(Object value) {
        String written = text(value);
        var regex = BoundedRegex.of(written);
        return CheckTest.plain(answer -> {
            var found = regex.find(answer.text());
            if (found == BoundedRegex.Found.TOO_SLOW) return CheckTest.Finding.impossible("the regex takes too many"
                    + " steps on this answer of " + answer.text().length() + " characters");
            return CheckTest.Finding.of(found == BoundedRegex.Found.YES, () -> "it matches " + CheckedAnswer.quoted(
                    written), () -> answer.shown() + " does not match " + CheckedAnswer.quoted(written));
        });
    }

    // -------------------------------------------------------------------------------------------------------- JSON

    static CheckTest isJson(Object value) {
        var schema = schema(value);
        return CheckTest.plain(answer -> answer.json().isMissingNode() ? notJson(answer) : valid(answer.json(),
                schema));
    }

    private static CheckTest.Finding valid(JsonNode json, Optional<JsonSchema> schema) {
        var misses = schema.map(each -> each.misses(json, "answer")).orElse(List.of());
        return CheckTest.Finding.of(misses.isEmpty(), () -> schema.isEmpty() ? "it is JSON" : "it matches the schema",
                () -> Text.shortened(String.join("; ", misses), 300));
    }

    /// Accepts JSON among other text too, as in a fenced block.
    static CheckTest containsJson(Object value) {
        var schema = schema(value);
        return CheckTest.plain(answer -> {
            if (!answer.json().isMissingNode() && valid(answer.json(), schema).pass()) return valid(answer.json(),
                    schema);
            boolean found = answer.embedded(json -> valid(json, schema).pass()).findFirst().isPresent();
            return CheckTest.Finding.of(found, () -> "it contains JSON", () -> "no " + (schema.isEmpty() ? "JSON"
                    : "JSON that matches the schema") + " in " + answer.shown());
        });
    }

    private static Optional<JsonSchema> schema(Object value) {
        if (value == null || "".equals(value)) return Optional.empty();
        Object schema = value;
        if (value instanceof String text) {
            refuseFile(text);
            var json = Json.tryParse(text);
            schema = json.isMissingNode() ? JsonValues.yaml(text, "the schema", 1, new HashMap<>())
                    : JsonValues.of(json);
        }
        if (!(schema instanceof Map<?, ?> map)) throw Fault.usage("expected a JSON Schema, got "
                + JsonValues.kind(schema), "is-json: {type: object, required: [label]}");
        var compiled = new JsonSchema((ObjectNode) JsonValues.node(map), "the schema");
        compiled.check();
        return Optional.of(compiled);
    }

    // ------------------------------------------------------------------------------------------------- similarity

    static CheckTest levenshtein(Object value, CheckOptions options) {
        String expected = CheckedAnswer.normalized(text(value)).strip();
        int most = (int) Math.min(Integer.MAX_VALUE / 4, atLeastZero(options.threshold(), 5));
        return CheckTest.plain(answer -> {
            int distance = EditDistance.of(answer.stripped(), expected, most);
            if (distance == EditDistance.UNKNOWN) return CheckTest.Finding.impossible("an answer of "
                    + answer.text().length() + " characters is too long for a threshold of " + most);
            return CheckTest.Finding.of(distance != EditDistance.MORE, () -> "the distance is " + distance, () ->
                    "the distance of " + answer.shown() + " to " + CheckedAnswer.quoted(expected) + " is more than "
                    + most);
        });
    }

    private static double atLeastZero(BigDecimal threshold, double otherwise) {
        if (threshold == null) return otherwise;
        if (threshold.signum() >= 0) return threshold.doubleValue();
        throw Fault.usage("threshold is negative: " + threshold, "use 0 or more");
    }

    private static double share(BigDecimal threshold, double otherwise) {
        double share = atLeastZero(threshold, otherwise);
        if (share <= 1) return share;
        throw Fault.usage("threshold is more than 1: " + threshold, "use a number from 0 to 1");
    }

    /// Compares embeddings; with several values, the most similar one counts.
    static CheckTest similar(Object value, CheckOptions options) {
        var expected = value instanceof List ? texts(value) : List.of(text(value));
        double least = share(options.threshold(), 0.75);
        return new CheckTest() {
            @Override
            public List<JudgeQuestion> questions(CheckedAnswer answer) {
                return answer.stripped().isEmpty() ? List.of() : expected.stream().map(text ->
                        JudgeQuestion.similar(answer.stripped(), CheckedAnswer.normalized(text).strip())).toList();
            }

            @Override
            public Optional<Finding> of(CheckedAnswer answer, Function<JudgeQuestion, Optional<Verdict>> verdicts) {
                var questions = questions(answer);
                if (questions.isEmpty()) return Optional.of(Finding.failed(() -> "the answer is empty"));
                var scores = questions.stream().map(verdicts).toList();
                if (scores.stream().anyMatch(Optional::isEmpty)) return Optional.empty();
                double best = scores.stream().mapToDouble(score -> score.get().score()).max().orElse(0);
                return Optional.of(graded(best, least, "similarity " + shown(best), false));
            }
        };
    }

    /// Passes from the threshold on. Rounding must not fail a similarity of 1.
    private static CheckTest.Finding graded(double score, double least, String words, boolean always) {
        boolean pass = score >= least - 1e-9;
        return new CheckTest.Finding(pass, Math.clamp(score, 0, 1), () -> words + (pass || words.isEmpty() ? ""
                : "; below " + shown(least)), false, always);
    }

    private static String shown(double score) {
        return BigDecimal.valueOf(score).setScale(3, RoundingMode.HALF_EVEN).stripTrailingZeros().toPlainString();
    }

    // ------------------------------------------------------------------------------------------------------ judges

    static CheckTest rubric(Object value, CheckOptions options) {
        String criterion = value instanceof Map || value instanceof List ? Json.compact(value) : text(value);
        double least = share(options.threshold(), 0.5);
        return new Judged(answer -> JudgePrompt.rubric(criterion, answer.text(), options.model()), least, "score ");
    }

    /// @param value a GitHubJudge
    static CheckTest choices(Object value, CheckOptions options) {
        var judge = (GitHubJudge) value;
        double least = options.threshold() == null ? Double.MIN_VALUE : share(options.threshold(), 0);
        return new Judged(judge::question, least, "");
    }

    /// Asks a judge one question.
    ///
    /// @param least score that passes
    /// @param lead of the words, before the score; empty if the reason has the choice
    private record Judged(Function<CheckedAnswer, JudgeQuestion> question, double least, String lead)
            implements CheckTest {
        @Override
        public List<JudgeQuestion> questions(CheckedAnswer answer) { return List.of(question.apply(answer)); }

        @Override
        public Optional<Finding> of(CheckedAnswer answer, Function<JudgeQuestion, Optional<Verdict>> verdicts) {
            return verdicts.apply(question.apply(answer)).map(verdict -> {
                boolean pass = least == Double.MIN_VALUE ? verdict.score() > 0 : verdict.score() >= least - 1e-9;
                return new Finding(pass, verdict.score(), () -> verdict.reason().isBlank() && !lead.isEmpty() ? lead
                        + shown(verdict.score()) : Text.shortened(Text.cell(verdict.reason()), 1_000), false, true);
            });
        }
    }

    // ------------------------------------------------------------------------------------------------------ limits

    static CheckTest cost(Object value, CheckOptions options) {
        var most = limit("cost", value, options, "credits");
        return CheckTest.plain(answer -> {
            var credits = answer.cell().credits();
            if (credits == null) return CheckTest.Finding.impossible("the answer's cost is not known");
            return CheckTest.Finding.of(credits.compareTo(most) <= 0, () -> plain(credits) + " credits", () ->
                    plain(credits) + " credits, more than " + plain(most));
        });
    }

    static CheckTest latency(Object value, CheckOptions options) {
        var most = limit("latency", value, options, "milliseconds");
        return CheckTest.plain(answer -> CheckTest.Finding.of(BigDecimal.valueOf(answer.cell().ms()).compareTo(most)
                <= 0, () -> answer.cell().ms() + " ms", () -> answer.cell().ms() + " ms, more than " + plain(most)));
    }

    static CheckTest maxWords(Object value, CheckOptions options) {
        var most = limit("max-words", value, options, "words");
        return CheckTest.plain(answer -> {
            int words = words(answer.text());
            return CheckTest.Finding.of(BigDecimal.valueOf(words).compareTo(most) <= 0, () -> Summary.count(words,
                    "word"), () -> Summary.count(words, "word") + ", more than " + plain(most));
        });
    }

    /// Counts what has a letter or digit between white space, and each Chinese or Japanese character, as word
    /// processors do.
    static int words(String text) {
        int words = 0;
        boolean counted = false;                            // the word that the position is in
        for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            int c = text.codePointAt(i);
            boolean single = IDEOGRAPHS.contains(Character.UnicodeScript.of(c)), letter = Character.isLetterOrDigit(c);
            if (Character.isWhitespace(c) || single) counted = false;
            if (letter && !counted) words++;
            if (letter && !single) counted = true;
        }
        return words;
    }

    private static String plain(BigDecimal number) { return number.stripTrailingZeros().toPlainString(); }

    private static BigDecimal limit(String name, Object value, CheckOptions options, String unit) {
        String text = value == null ? "" : JsonValues.text(value).strip();
        if (!text.isEmpty() && options.threshold() != null && !number(text).equals(Optional.of(options.threshold()))) {
            throw Fault.usage("it has a value and a threshold", "write one: " + name + ": " + text);
        }
        var limit = text.isEmpty() ? Optional.ofNullable(options.threshold()) : number(text);
        if (limit.isEmpty()) throw Fault.usage(text.isEmpty() ? "the number is missing" : "not a number: "
                + Text.shortened(Text.cell(text), 40), "write the most " + unit + ", as in " + name + ": 100");
        if (limit.get().signum() < 0) throw Fault.usage("negative: " + limit.get(), "use 0 or more");
        return limit.get();
    }

    // ------------------------------------------------------------------------------------------------------ values

    private static String folded(String text, boolean ignoreCase) {
        return ignoreCase ? text.toLowerCase(Locale.ROOT) : text;
    }

    private static String quoted(List<String> parts) {
        return Text.shortened(parts.stream().map(CheckedAnswer::quoted).collect(Collectors.joining(", ")), 200);
    }

    /// Returns a value that must be text, a number, or a truth value, and not empty.
    private static String text(Object value) {
        if (value instanceof Map || value instanceof List) throw Fault.usage("expected text, got "
                + JsonValues.kind(value), "write the value as \"TEXT\"");
        String text = value == null ? "" : CheckedAnswer.normalized(value.toString());
        if (text.isEmpty()) throw Fault.usage("the value is empty", "write what to look for");
        refuseFile(text);
        return text;
    }

    private static void refuseFile(String text) {
        if (text.startsWith("file://")) throw Fault.usage("values from files are not read: " + Text.shortened(text, 80),
                "write the value itself");
    }

    /// Returns the items of a list, or of a text with commas; an item with commas is in double quotes.
    static List<String> texts(Object value) {
        if (value instanceof List<?> list) {
            if (list.isEmpty()) throw Fault.usage("the list is empty", "write what to look for");
            return list.stream().map(CheckTests::text).toList();
        }
        var items = ITEM.matcher(text(value)).results().map(item -> item.group(1) == null ? item.group(2).strip()
                : item.group(1).replaceAll("\"(\")|\\\\([\"\\\\])", "$1$2")).filter(item -> !item.isEmpty()).toList();
        if (items.isEmpty()) throw Fault.usage("the list is empty", "write what to look for");
        return items;
    }
}
