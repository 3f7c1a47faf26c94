///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION One prompt, several models, side by side: compare "PROMPT" [MODEL…]
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Asks all at once and prints a column a model, with its time and tokens. COLUMNS is the width of the whole.
void main(String... args) throws Exception {
    if (args.length == 0) {
        System.err.println("usage: compare \"PROMPT\" [MODEL…]");
        System.exit(2);
    }
    var names = args.length > 1 ? List.of(args).subList(1, args.length)
            : models().filter(m -> m.enabled() && m.endpoints().contains("/chat/completions")).ids().stream().limit(3)
                    .toList();
    int width = Math.max(12, Integer.parseInt(System.getenv().getOrDefault("COLUMNS", "120")) / names.size() - 2);
    var columns = new ArrayList<List<String>>();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (var column : threads.invokeAll(names.stream().map(name -> answer(name, args[0], width)).toList())) {
            columns.add(column.get());
        }
    }
    for (int i = 0; i < columns.stream().mapToInt(List::size).max().orElse(0); i++) {
        var line = new StringBuilder();
        for (var column : columns) {
            line.append(("%-" + width + "s  ").formatted(i < column.size() ? column.get(i) : ""));
        }
        IO.println(line.toString().stripTrailing());
    }
}

/// A model's column: its name, what the answer took, the answer in lines of the width.
Callable<List<String>> answer(String model, String prompt, int width) {
    return () -> {
        var text = new StringBuilder(model + "\n");
        try {
            var reply = ask(model, prompt);
            text.append("%,d ms, %d tokens\n\n%s".formatted(reply.took().toMillis(), reply.usage().total(), reply));
        } catch (cop.copilot.Fault fault) {
            text.append("error: ").append(fault.sentence());
        }
        return text.toString().lines().flatMap(line -> line.isEmpty() ? Stream.of("")
                : Pattern.compile("\\S.{0," + (width - 1) + "}(?= |$)|\\S{" + width + "}").matcher(line).results()
                        .map(part -> part.group().strip())).toList();
    };
}
