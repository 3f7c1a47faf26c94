package cop;

import module java.base;
import cop.copilot.Fault;

/// Reads checks: texts (`contains: x`, `similar(0.8): x`; other text is `equals`), maps with one check
/// (`{contains: x, weight: 2}`), promptfoo's maps (`{type: contains, value: x}`), and GitHub's evaluators.
///
/// @param places returns the place of a JSON pointer
record CheckReader(UnaryOperator<String> places) {
    private static final Pattern NAMED = Pattern.compile("(?s)\\s*(not-)?([A-Za-z][\\w-]*)\\s*(?:\\(([^()]*)\\))?"
            + "\\s*(?::(.*))?");
    private static final List<String> OPTIONS = List.of("weight", "threshold", "path", "metric", "model");
    /// Those of promptfoo that are not here, with what to use.
    private static final Map<String, String> FOREIGN = new TreeMap<>(Map.ofEntries(
            Map.entry("javascript", ""), Map.entry("python", ""), Map.entry("ruby", ""), Map.entry("fn", ""),
            Map.entry("eval", ""), Map.entry("webhook", ""), Map.entry("assert-set", "write its checks one by one"),
            Map.entry("factuality", "llm-rubric"), Map.entry("model-graded-closedqa", "llm-rubric"),
            Map.entry("model-graded-factuality", "llm-rubric"), Map.entry("g-eval", "llm-rubric"),
            Map.entry("agent-rubric", "llm-rubric"), Map.entry("search-rubric", "llm-rubric"),
            Map.entry("answer-relevance", "llm-rubric"), Map.entry("context-recall", "llm-rubric"),
            Map.entry("context-relevance", "llm-rubric"), Map.entry("context-faithfulness", "llm-rubric"),
            Map.entry("select-best", "several variants"), Map.entry("max-score", "several variants"),
            Map.entry("rouge-n", "similar"), Map.entry("bleu", "similar"), Map.entry("gleu", "similar"),
            Map.entry("meteor", "similar"), Map.entry("word-count", "max-words"), Map.entry("is-xml", "regex"),
            Map.entry("contains-xml", "regex"), Map.entry("is-html", "regex"), Map.entry("contains-html", "regex"),
            Map.entry("is-sql", "llm-rubric"), Map.entry("contains-sql", "llm-rubric"),
            Map.entry("is-refusal", "llm-rubric"), Map.entry("finish-reason", ""), Map.entry("classifier", ""),
            Map.entry("moderation", ""), Map.entry("guardrails", ""), Map.entry("perplexity", ""),
            Map.entry("perplexity-score", ""), Map.entry("pi", "llm-rubric"), Map.entry("tool-call-f1", ""),
            Map.entry("is-valid-function-call", ""), Map.entry("is-valid-openai-function-call", ""),
            Map.entry("is-valid-openai-tools-call", "")));
    private static final String HINT = "use one of: " + String.join(", ", CheckKind.NAMES) + "; not- before any";

    List<Check> list(Object expect) {
        if (expect == null || expect == JsonValues.NULL) return List.of();
        return expect instanceof List<?> list ? all(list, "/", this::one) : all(List.of(expect), "", this::one);
    }

    /// Reads items, and throws one Fault with all that is wrong.
    private List<Check> all(List<?> items, String pointer, BiFunction<Object, String, Check> reader) {
        var checks = new ArrayList<Check>();
        var wrong = new ArrayList<Fault>();
        for (int i = 0; i < items.size(); i++) {
            try {
                checks.add(reader.apply(items.get(i), pointer.isEmpty() ? "" : pointer + i));
            } catch (Fault fault) {
                wrong.add(fault);
            }
        }
        if (wrong.isEmpty()) return List.copyOf(checks);
        throw Fault.usage(wrong.stream().map(Fault::message).distinct().collect(Collectors.joining("; ")),
                wrong.getFirst().hint());
    }

    private Check one(Object item, String pointer) {
        String place = places.apply(pointer);
        return switch (item) {
            case String text -> text(text, place, true);
            case Map<?, ?> map -> map(JsonValues.copy(map), pointer);
            case JsonValues.NumberLiteral _, Boolean _ -> equal(item, place);
            case null, default -> throw Fault.usage(place + ": expected a check, got " + (item == JsonValues.NULL
                    ? "nothing" : JsonValues.kind(item)), "- contains: TEXT");
        };
    }

    private static Check equal(Object value, String place) {
        return Check.of(CheckKind.EQUALS, false, new CheckValue(value, place, true), CheckOptions.NONE, place);
    }

    Check option(String text) {
        if (text.isBlank()) throw Fault.usage("--expect is empty", "--expect 'equals: {{label}}'");
        if (!text.strip().matches("(?s)\\{(?!\\{).*}")) return text(text, "--expect", true);
        return map(JsonValues.yaml(text, "--expect", 1, new HashMap<>()), "");
    }

    // -------------------------------------------------------------------------------------------------------- text

    /// @param bare whether a name alone, such as `cost`, must be a check rather than a label
    Check text(String text, String place, boolean bare) {
        var named = NAMED.matcher(text);
        if (!named.matches()) return equal(text, place);
        boolean negated = named.group(1) != null, colon = named.group(4) != null, number = named.group(3) != null;
        String name = named.group(2), value = colon ? named.group(4).strip() : "";
        if (name.equals("grade") && colon) name = CheckKind.LLM_RUBRIC.text();
        var kind = CheckKind.named(name);
        boolean known = kind.isPresent() && (colon || number || kind.get().needsNoValue() || negated || bare);
        if (!known) {
            if (FOREIGN.containsKey(name) && (colon || number)) throw foreign(name, place);
            if (colon || number) refuseMisspelled(name, place);
            return equal(text, place);
        }
        var options = number ? CheckOptions.NONE.withThreshold(threshold(named.group(3), place, name))
                : CheckOptions.NONE;
        return make(kind.get(), negated, value.isEmpty() ? null : value, options, place);
    }

    private static Check make(CheckKind kind, boolean negated, Object value, CheckOptions options, String place) {
        if (value == null && !kind.needsNoValue() && !kind.isLimit() && !(kind == CheckKind.EQUALS && options.path()
                != null)) throw Fault.usage(place + ": " + kind.text() + " needs a value", kind.text() + ": TEXT");
        // split before the row's values, which may have commas, are filled in
        Object split = kind.takesList() && value instanceof String text && text.contains("{{") && text.contains(",")
                ? CheckTests.texts(text) : value;
        boolean template = !kind.takesSchema() || value instanceof String text && text.startsWith("{{");
        return Check.of(kind, negated, new CheckValue(split, place, template), options, place);
    }

    private static BigDecimal threshold(String text, String place, String name) {
        try {
            return new BigDecimal(text.strip());
        } catch (NumberFormatException _) {
            throw Fault.usage(place + ": threshold of " + name + " is not a number: " + Text.shortened(Text.cell(text),
                    40), name + "(0.8): TEXT");
        }
    }

    /// Refuses `contians: x`, which would silently be compared as a text, but not `note: x`.
    private static void refuseMisspelled(String name, String place) {
        var near = Suggestions.of(name, CheckKind.NAMES).filter(each -> Math.abs(each.length() - name.length()) <= 2
                && each.regionMatches(true, 0, name, 0, 1));
        near.ifPresent(each -> {
            throw Fault.usage(place + ": unknown check " + name + ", did you mean " + each + "?",
                    "to compare with this text, write equals: before it");
        });
    }

    private static Fault unknown(String name, String place) {
        return FOREIGN.containsKey(name) ? foreign(name, place) : Fault.usage(place + ": unknown check "
                + Text.shortened(Text.cell(name), 40) + Suggestions.of(name, CheckKind.NAMES).map(near ->
                ", did you mean " + near + "?").orElse(""), HINT);
    }

    private static Fault foreign(String name, String place) {
        String use = FOREIGN.get(name);
        return Fault.usage(place + ": promptfoo's check " + name + " is not supported", use.isEmpty() ? HINT
                : use.contains(" ") ? use : "use " + use);
    }

    // --------------------------------------------------------------------------------------------------------- map

    private Check map(Map<String, Object> map, String pointer) {
        String place = places.apply(pointer);
        var names = new LinkedHashSet<>(map.keySet());
        boolean typed = names.remove("type");
        if (typed) names.remove("value");
        names.removeAll(OPTIONS);
        if (typed) {
            if (!(map.get("type") instanceof String type)) throw Fault.usage(place + ": type is not a string", HINT);
            refuseOthers(names, place);
            return named(type, map.get("value"), options(map, place), place);
        }
        if (names.size() != 1) throw several(names, place);
        String name = names.iterator().next();
        return named(name, map.get(name), options(map, place), places.apply(pointer.isEmpty() ? "" : pointer + "/"
                + name));
    }

    private static Fault several(Set<String> names, String place) {
        var known = names.stream().filter(name -> CheckKind.named(name.replaceFirst("^not-", "")).isPresent()).toList();
        var others = names.stream().filter(name -> !known.contains(name)).findFirst();
        if (names.isEmpty()) return Fault.usage(place + ": no check", "- contains: TEXT");
        if (known.size() == 1 && others.isPresent()) return Fault.usage(place + ": unknown field " + others.get()
                + Suggestions.of(others.get(), OPTIONS).map(near -> ", did you mean " + near + "?").orElse(""),
                "beside " + known.getFirst() + ": use " + String.join(", ", OPTIONS));
        return known.size() > 1 ? Fault.usage(place + ": more than one check: " + String.join(", ", known),
                "put a dash before each") : unknown(names.iterator().next(), place);
    }

    private static void refuseOthers(Set<String> names, String place) {
        if (names.isEmpty()) return;
        String name = names.iterator().next();
        throw Fault.usage(place + ": unknown field " + Text.shortened(Text.cell(name), 40), switch (name) {
            case "transform" -> "use path: to reach into a structured answer";
            case "provider" -> "use model: for the judge's model";
            default -> "use type, value, " + String.join(", ", OPTIONS);
        });
    }

    private static Check named(String written, Object value, CheckOptions options, String place) {
        boolean negated = written.startsWith("not-");
        String name = negated ? written.substring(4) : written;
        var kind = CheckKind.named(name).orElseThrow(() -> unknown(name, place));
        return make(kind, negated, value == JsonValues.NULL ? null : value, options, place);
    }

    private static CheckOptions options(Map<String, Object> map, String place) {
        var weight = number(map, "weight", place);
        if (weight != null && weight.signum() < 0) throw Fault.usage(place + ": weight is negative: " + weight,
                "use 0 or more");
        String path = string(map, "path", place), metric = string(map, "metric", place);
        try {
            return new CheckOptions(number(map, "threshold", place), weight == null ? 1 : weight.doubleValue(),
                    path == null ? null : AnswerPath.of(path), false, metric, string(map, "model", place));
        } catch (Fault fault) {
            throw fault.message().startsWith(place) ? fault : Fault.usage(place + ": " + fault.message(), fault.hint());
        }
    }

    private static String string(Map<String, Object> map, String name, String place) {
        Object value = map.get(name);
        if (value == null || value == JsonValues.NULL) return null;
        if (value instanceof String text && !text.isBlank()) return text.strip();
        throw Fault.usage(place + ": " + name + " is not a string", name + ": TEXT");
    }

    private static BigDecimal number(Map<String, Object> map, String name, String place) {
        Object value = map.get(name);
        if (value == null || value == JsonValues.NULL) return null;
        try {
            return new BigDecimal(JsonValues.text(value).strip());
        } catch (NumberFormatException _) {
            throw Fault.usage(place + ": " + name + " is not a number: " + Text.shortened(Text.cell(JsonValues.text(
                    value)), 40), name + ": 1");
        }
    }

    // -------------------------------------------------------------------------------------------------- evaluators

    List<Check> evaluators(Object evaluators) {
        if (evaluators == null || evaluators == JsonValues.NULL) return List.of();
        if (evaluators instanceof List<?> list) return all(list, "/", this::evaluator);
        throw Fault.usage(places.apply("") + ": evaluators is not a list", "evaluators: [{name: …, string: …}]");
    }

    private Check evaluator(Object item, String pointer) {
        String place = places.apply(pointer);
        var map = item instanceof Map<?, ?> fields ? JsonValues.copy(fields) : Map.<String, Object>of();
        var options = options(map, place);
        if (map.get("name") instanceof String name && !name.isBlank()) options = options.withLabel(name.strip());
        try {
            if (map.get("string") instanceof Map<?, ?> string) return string(JsonValues.copy(string), options, place);
            if (map.get("llm") instanceof Map<?, ?> llm) return Check.of(GitHubJudge.of(JsonValues.copy(llm), place),
                    options, place);
            if (map.get("uses") instanceof String uses) {
                return Check.of(GitHubJudge.builtIn(uses, place), options, place);
            }
        } catch (Fault fault) {
            throw fault.message().startsWith(place) ? fault : Fault.usage(place + ": " + fault.message(), fault.hint());
        }
        throw Fault.usage(place + ": an evaluator needs string, llm, or uses", "{name: …, string: {contains: …}}");
    }

    /// GitHub ignores case in all but `equals`.
    private static Check string(Map<String, Object> string, CheckOptions options, String place) {
        var kinds = Map.of("equals", CheckKind.EQUALS, "contains", CheckKind.CONTAINS, "startsWith",
                CheckKind.STARTS_WITH, "endsWith", CheckKind.ENDS_WITH);
        if (string.size() != 1) throw Fault.usage("string has " + (string.isEmpty() ? "no test" : "several tests: "
                + String.join(", ", string.keySet())), "write an evaluator for each");
        var entry = string.entrySet().iterator().next();
        var kind = kinds.get(entry.getKey());
        if (kind == null) throw Fault.usage("unknown test " + entry.getKey(), Suggestions.hint(entry.getKey(),
                kinds.keySet(), "use equals, contains, startsWith, or endsWith"));
        return make(kind, false, entry.getValue() == JsonValues.NULL ? null : entry.getValue(), new CheckOptions(
                options.threshold(), options.weight(), options.path(), kind != CheckKind.EQUALS, options.label(),
                options.model()), place);
    }
}
