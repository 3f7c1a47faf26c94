///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION The README's tour: every step is a real run of the tool, against the simulator
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES simulator.java

/// The tour of the README without an account: each command is shown, then run as a process of its own in an empty
/// home, and its output is what the tool printed. The last line counts the steps; the exit code is 1 if one of them
/// ended otherwise than it should.
package cop;

import module java.base;

public class demo {
    /// @param shown the command as a person would type it
    /// @param code the exit code that it should end with
    /// @param stdin what is piped in; null: nothing
    /// @param answer what the simulated model says; null: its own words
    record Step(String shown, int code, String stdin, String answer, List<String> arguments) {
        Step(String why, int code, String stdin, String answer, String... arguments) {
            this(why, code, stdin, answer, List.of(arguments));
        }
    }

    private static final String DIFF = """
            -    return retries > 3;
            +    return retries >= 3;
            """;

    static final List<Step> TOUR = List.of(
            new Step("copilot login", 0, null, null, "login", "--no-browser"),
            new Step("copilot status", 0, null, null, "status"),
            new Step("copilot chat \"Three names for a pelican\"", 0, null, "Gulliver, Pouch and Captain Bill.",
                    "chat", "Three names for a pelican"),
            new Step("git diff | copilot chat -u \"Write a commit message\"", 0, DIFF, "Stop after the third retry",
                    "chat", "-u", "Write a commit message"),
            new Step("copilot chat -m claude-haiku-4.5 -s \"Answer in one word\" --json \"Capital of France?\"", 0,
                    null, "Paris", "chat", "-m", "claude-haiku-4.5", "-s", "Answer in one word", "--json",
                    "Capital of France?"),
            new Step("git diff | copilot chat -t review", 0, DIFF, "No findings.", "chat", "-t", "review"),
            new Step("copilot render summarize --example", 0, null, null, "render", "summarize", "--example"),
            new Step("copilot models | cut -f1,2", 0, null, null, "models"),
            new Step("copilot token --header", 0, null, null, "token", "--header"),
            new Step("copilot chat -m gtp-5-mini hello", 1, null, null, "chat", "-m", "gtp-5-mini", "hello"),
            new Step("copilot api /user", 0, null, null, "api", "/user"),
            new Step("copilot logout", 0, null, null, "logout"));

    private final simulator sim = simulator.start().set("interval", 1).set("pending", 0);
    private final Path home;

    private demo() throws IOException { home = Files.createTempDirectory("cop-demo-"); }

    public static void main(String... args) throws Exception {
        if (args.length > 0) {
            boolean help = args[0].matches("-h|--help");
            System.out.println((help ? "" : "error: demo takes no \"" + args[0] + "\"\nhint: ")
                    + "scripts/jbang demo runs the README's tour against the simulator");
            System.exit(help ? 0 : 2);
        }
        var demo = new demo();
        try {
            System.exit(demo.run());
        } finally {
            demo.sim.close();
        }
    }

    private int run() throws Exception {
        System.out.println("The tour, against a simulator on 127.0.0.1: the answers are made up, all else is real.\n");
        int wrong = 0;
        for (var step : TOUR) {
            System.out.println("$ " + step.shown());
            sim.set("answer", step.answer() == null ? "" : step.answer());
            int code = run(step);
            if (code != step.code()) {
                wrong++;
                System.out.println("*** ended with exit code " + code + ", not " + step.code());
            }
            System.out.println();
        }
        try (var files = Files.walk(home)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
        System.out.println(wrong == 0 ? TOUR.size() + " steps, all as they should be"
                : wrong + " of " + TOUR.size() + " steps went wrong");
        return wrong == 0 ? 0 : 1;
    }

    /// Both outputs go to stdout, in the order in which they come, and a pipe's columns are cut as the tour shows.
    private int run(Step step) throws Exception {
        var command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dcop.command=copilot", "-cp",
                System.getProperty("java.class.path"), "cop.copilot"));
        command.addAll(step.arguments());
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().clear();
        builder.environment().putAll(Map.of("HOME", home.toString(), "COP_HOST", sim.url(), "LC_ALL", "C.UTF-8"));
        var process = builder.start();
        try (var in = process.outputWriter()) {
            if (step.stdin() != null) in.write(step.stdin());
        }
        boolean cut = step.shown().contains("| cut -f1,2");
        try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] columns = line.split("\t");
                System.out.println(cut && columns.length > 2 ? columns[0] + "\t" + columns[1] : line);
            }
        }
        return process.waitFor();
    }
}
