///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION One prompt, several models, side by side: compare "PROMPT" [MODEL…]
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Asks all at once and prints a column a model, with its time and tokens. COLUMNS is the width of the whole.
void main(String... args) {
    script("compare PROMPT [MODEL…]\nWithout models: the three that cost the least", args, (words, _) -> {
        var names = words.size() > 1 ? words.stream().skip(1).distinct().toList() : cheapest(3);
        if (words.getFirst().isBlank()) throw new Fault(2, "the prompt is empty", "compare \"your question\"");
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
        if (failed > 0) throw new Fault(failed + " of " + columns.size() + " gave no answer", "");
    });
}

List<String> cheapest(int number) {
    return models().filter(m -> m.enabled()).stream()
            .sorted(Comparator.comparing(m -> m.multiplier().orElse(BigDecimal.TEN))).limit(number)
            .map(m -> m.id()).toList();
}

/// A model's name, what the answer took, and the answer.
String answer(String model, String prompt) {
    try {
        var reply = ask(model, prompt);
        return "%s\n%,d ms, %d tokens\n\n%s".formatted(model, reply.took().toMillis(), reply.usage().total(), reply);
    } catch (Fault fault) {
        return model + "\nerror: " + fault.message();
    }
}

List<String> lines(String text, int width) {
    var words = Pattern.compile("\\S.{0," + (width - 1) + "}(?= |$)|\\S{" + width + "}");
    return text.lines().flatMap(line -> line.isEmpty() ? Stream.of("")
            : words.matcher(line).results().map(part -> part.group().strip())).toList();
}
