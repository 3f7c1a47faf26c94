package cop;

import module java.base;
import cop.copilot.Model;

/// Ids of models as clients write them: dated as in Anthropic's API, with dashes for dots, with `[1m]` for the long
/// context (as Jer-y/copilot-proxy and puxu-msft/copilot-api-js read them).
final class ModelNames {
    private static final String LONG = "[1m]";
    private static final Pattern
            DATED = Pattern.compile("(claude-[a-z]+-\\d+(?:\\.\\d+)?)-\\d{8,}"),
            DASHED = Pattern.compile("(claude-[a-z]+-\\d+)-(\\d)(?:-\\d{8,})?"),
            DAY = Pattern.compile("(.+)-20\\d{2}-\\d{2}-\\d{2}");

    /// Finds the model; an exact id is preferred.
    ///
    /// @throws ApiRefusal 404 with near names if the list has no such model
    static Model find(String asked, Function<String, Optional<Model>> models, Supplier<List<String>> ids) {
        return candidates(asked).flatMap(id -> models.apply(id).stream()).findFirst().orElseThrow(() ->
                new ApiRefusal(404, "model_not_found", "the model " + Text.shortened(
                        Text.cell(asked), 100) + " is not in your account's list"
                        + near(asked, ids.get()).map(name -> "; did you mean " + name + "?").orElse("")));
    }

    private static Optional<String> near(String asked, List<String> ids) {
        String last = candidates(asked).reduce((_, later) -> later).orElse(asked);
        return Suggestions.of(last, ids);
    }

    private static Stream<String> candidates(String asked) {
        boolean longer = asked.endsWith(LONG);
        String id = longer ? asked.substring(0, asked.length() - LONG.length()) : asked;
        var all = Stream.concat(Stream.of(id), Stream.of(DATED, DASHED, DAY).map(form -> form.matcher(id))
                .filter(Matcher::matches).map(ModelNames::shorter)).toList();
        var lengthened = all.stream().filter(_ -> longer).map(each -> each + "-1m");
        return Stream.of(Stream.of(asked), lengthened, all.stream()).flatMap(Function.identity()).distinct();
    }

    private static String shorter(MatchResult id) {
        return id.group(1) + (id.groupCount() > 1 ? "." + id.group(2) : "");
    }
}
