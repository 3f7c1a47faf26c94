///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Runs a tour of the tool against the simulator; no account needed
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES simulator.java

/// Runs a tour of the tool without an account: prints each command and the output of a real run, in an empty home,
/// against the simulator. The last line counts the steps; the exit code is 1 if one did not exit as expected.
package cop;

import module java.base;

public class demo {
    /// @param shown the command as a user types it
    /// @param code the expected exit code
    /// @param stdin null for none
    /// @param answer the simulated model's answer; null for the simulator's default
    record Step(String shown, int code, String stdin, String answer, List<String> arguments) {
        Step(String shown, int code, String stdin, String answer, String... arguments) {
            this(shown, code, stdin, answer, List.of(arguments));
        }
    }

    private static final String USAGE = """
            usage: demo

            Runs a tour of copilot.java against the simulator. It needs no account.

            Examples:
              jbang demo@OWNER/copilot.java
              scripts/jbang demo              # in a checkout
            """;

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
            if (help) System.out.print(USAGE);
            else System.err.println("error: unexpected argument: " + args[0] + "\nhint: demo has no options");
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
        System.out.println("A tour against a simulator on 127.0.0.1: the answers are simulated, the rest is real.\n");
        int wrong = 0;
        for (var step : TOUR) {
            System.out.println("$ " + step.shown());
            sim.set("answer", step.answer() == null ? "" : step.answer());
            int code = run(step);
            if (code != step.code()) {
                wrong++;
                System.out.println("*** exit code " + code + ", expected " + step.code());
            }
            System.out.println();
        }
        try (var files = Files.walk(home)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
        System.out.println(wrong == 0 ? TOUR.size() + " steps, all as expected"
                : wrong + " of " + TOUR.size() + " steps failed");
        return wrong == 0 ? 0 : 1;
    }

    /// Runs a step, with stderr merged into stdout, and `cut` applied if the step shows it.
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
