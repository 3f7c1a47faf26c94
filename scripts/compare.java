///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Asks several models and prints their answers side by side: compare "PROMPT" [MODEL…]
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Asks all models at once, and prints one column per model, with its time and tokens, COLUMNS wide in total.
void main(String... args) {
    script("""
            compare PROMPT [MODEL…]

            Asks several models, and prints their answers side by side, with time and
            tokens. Default: the three cheapest models. COLUMNS sets the total width.

            Examples:
              jbang compare@OWNER/copilot.java "Why is the sky blue?"
              jbang compare@OWNER/copilot.java "Why is the sky blue?" auto gpt-5-mini
            """, args, (words, _) -> {
        var names = words.size() > 1 ? words.stream().skip(1).distinct().toList() : cheapest(3);
        if (words.getFirst().isBlank()) throw new Fault(2, "PROMPT is blank", "pass a question");
        String given = System.getenv().getOrDefault("COLUMNS", "");
        int width = Math.max(12, (given.matches("\\d{1,4}") ? Integer.parseInt(given) : 120) / names.size() - 2);
        var columns = names.parallelStream().map(name -> lines(answer(name, words.getFirst()), width)).toList();
        for (int i = 0; i < columns.stream().mapToInt(List::size).max().orElse(0); i++) {
            var line = new StringBuilder();
            for (var column : columns) {
                line.append(("%-" + width + "s  ").formatted(i < column.size() ? column.get(i) : ""));
            }
            IO.println(line.toString().stripTrailing());
        }
        long failed = columns.stream().filter(column -> column.get(1).startsWith("error: ")).count();
        if (failed > 0) throw new Fault(failed + " of " + columns.size() + " models failed", "");
    });
}

List<String> cheapest(int number) {
    return models().filter(m -> m.enabled()).stream()
            .sorted(Comparator.comparing(m -> m.multiplier().orElse(BigDecimal.TEN))).limit(number)
            .map(m -> m.id()).toList();
}

/// Returns the model's name, the time and tokens, and the answer, or the error.
String answer(String model, String prompt) {
    try {
        var reply = ask(model, prompt);
        return "%s\n%,d ms, %d tokens\n\n%s".formatted(model, reply.duration().toMillis(),
                reply.usage().totalTokens(), reply);
    } catch (Fault fault) {
        return model + "\nerror: " + fault.message();
    }
}

List<String> lines(String text, int width) {
    var words = Pattern.compile("\\S.{0," + (width - 1) + "}(?= |$)|\\S{" + width + "}");
    return text.lines().flatMap(line -> line.isEmpty() ? Stream.of("")
            : words.matcher(line).results().map(part -> part.group().strip())).toList();
}
