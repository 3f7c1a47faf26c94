package cop;

import module java.base;

/// Members of requests, and betas, that a model refuses although its API's reference has them. After one refusal a
/// request is sent again without them, and later ones at once: clients add new ones with each release (LiteLLM #28054).
/// What decides the answer's meaning stays, and the client gets the refusal.
final class RefusedMembers {
    private static final Pattern EXTRA = Pattern.compile("([\\w$-]+(?:\\.[\\w$-]+)*): Extra inputs are not permitted");
    private static final Pattern UNKNOWN = Pattern.compile("Unknown parameter: '([\\w.\\[\\]]+)'");
    private static final Pattern BETAS = Pattern.compile("(?i)(?:unsupported beta header|unexpected value\\(s\\) .*"
            + "anthropic-beta).*");
    private static final Pattern BOTH = Pattern.compile("`(temperature|top_p)` and `(temperature|top_p)` cannot both");
    private static final String BETA = "beta ";
    private static final int MOST = 100;                    // members of one model
    /// Of these, a member may go, but not all.
    private static final Set<String> KEPT = Set.of("model", "messages", "input", "system", "instructions", "tools",
            "tool_choice", "thinking", "output_config", "output_config.format", "output_format", "response_format",
            "text", "stop_sequences", "stop", "thread", "mcp_servers", "container", "max_tokens", "stream");
    private static final Set<String> SAMPLING = Set.of("temperature", "top_p", "top_k");
    /// How a model chooses its words, and for whom: without them it answers as well.
    private static final Set<String> OPTIONAL = Set.of("temperature", "top_p", "top_k", "seed", "presence_penalty",
            "frequency_penalty", "user", "metadata", "service_tier", "prompt_cache_key", "prompt_cache_retention",
            "safety_identifier", "verbosity", "text.verbosity", "store", "stream_options", "reasoning.summary",
            "truncation", "thinking.display", "reasoning_effort", "reasoning.effort", "output_config.effort");

    private final Map<String, Set<String>> known = new ConcurrentHashMap<>();

    /// Returns the request without what its model is known to refuse.
    Translation apply(Translation request) { return without(request, known.getOrDefault(key(request), Set.of())); }

    /// Returns the request to send instead of a refused one; empty if nothing may be left out.
    ///
    /// @param request that was sent
    Optional<Translation> instead(Translation request, ErrorResponse refusal) {
        if (refusal.status() != 400) return Optional.empty();
        var lessons = lessons(request, refusal);
        var other = without(request, lessons);
        boolean same = Arrays.equals(other.body(), request.body()) && other.headers().equals(request.headers());
        if (same) return Optional.empty();
        var all = known.computeIfAbsent(key(request), _ -> ConcurrentHashMap.newKeySet());
        if (all.size() > MOST) all.clear();                 // of a client that makes up names
        all.addAll(lessons);
        return Optional.of(other);
    }

    private static String key(Translation request) { return request.model() + " " + request.upstream().endpoint(); }

    private static Set<String> lessons(Translation request, ErrorResponse refusal) {
        String message = refusal.message();
        if (BETAS.matcher(message).find()) {
            return betas(request).filter(beta -> Pattern.compile("(?<![\\w-])" + Pattern.quote(beta) + "(?![\\w-])")
                    .matcher(message).find()).map(beta -> BETA + beta).collect(Collectors.toSet());
        }
        var lessons = new LinkedHashSet<String>();
        Stream.of(EXTRA, UNKNOWN).flatMap(words -> words.matcher(message).results()).map(found -> found.group(1)
                .replaceAll("\\[(\\d+)]", ".$1").replaceAll("(?<=\\.)\\d+(?=\\.)", "*"))
                .filter(path -> !KEPT.contains(path)).forEach(lessons::add);
        var both = BOTH.matcher(message);
        if (both.find()) lessons.add("top_p");
        RefusedFields.named(refusal).filter(OPTIONAL::contains).ifPresent(name -> lessons.addAll(SAMPLING.contains(name)
                ? SAMPLING : Set.of(name)));    // who does not know one knows none
        return lessons;
    }

    private static Stream<String> betas(Translation request) {
        return Stream.of(request.headers().getOrDefault("anthropic-beta", "").split(",")).map(String::strip)
                .filter(beta -> !beta.isEmpty());
    }

    private static Translation without(Translation request, Set<String> lessons) {
        if (lessons.isEmpty()) return request;
        var body = JsonSpan.of(request.body());
        var edits = new JsonEdits(body);
        lessons.stream().filter(lesson -> !lesson.startsWith(BETA)).forEach(path -> remove(edits, body,
                List.of(path.split("\\."))));
        var headers = new TreeMap<>(request.headers());
        String betas = betas(request).filter(beta -> !lessons.contains(BETA + beta)).collect(Collectors.joining(","));
        if (betas.isEmpty()) headers.remove("anthropic-beta");
        else headers.put("anthropic-beta", betas);
        return request.with(edits.apply(), headers);
    }

    /// Removes all members at a path. A refusal's path has the tags of unions too, such as `tools.0.custom.NAME`.
    private static void remove(JsonEdits edits, JsonSpan value, List<String> path) {
        if (value.isArray()) {
            if (path.size() > 1) value.items().forEach(item -> remove(edits, item, path.subList(1, path.size())));
            return;
        }
        var member = value.get(path.getFirst());
        if (path.size() == 1) {
            edits.remove(value, member);
        } else {
            boolean tag = member.isMissing() || value.isType(path.getFirst());
            remove(edits, tag ? value : member, path.subList(1, path.size()));
        }
    }
}
