///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Measures startup, streaming, batches, memory, and rendering, and prints the figures of the README
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES simulator.java
//SOURCES bench/ProxyClient.java
//SOURCES bench/ServeBench.java
//SOURCES bench/TimedUpstream.java

/// Measures whole processes of the tool against the simulator, over HTTPS, and compares them with an empty JVM, `curl`
/// for steps 4 and 5, `node` with `fetch`, and JBang with an empty script. Runs all rows in turn, round by round, so
/// that noise affects all rows, and prints medians. Skips, with a message, programs that are not installed.
package cop;

import module java.base;

import com.github.mustachejava.DefaultMustacheFactory;

public class bench {
    /// An empty `main`, as the baseline.
    public static final class Empty {
        public static void main(String... args) {}
    }

    /// @param command timed from start to exit
    record Row(String name, List<String> command) {}

    record Sample(double wall, double cpu, double megabytes) {}

    /// A program that is not on this machine.
    static final class Missing extends Exception {
        Missing(String what) { super(what); }
    }

    private static final String ASK = "say: a line of an answer", MODEL = "gpt-5.4";
    private static final List<String> PARTS = List.of("processes", "evals", "delta", "renders", "batches", "heap",
            "serve");
    private static final List<String> QUICK = PARTS.reversed();     // `cop` is trained meanwhile
    private static final Set<String> CHATS = Set.of("/chat/completions", "/responses", "/v1/messages");

    private static final String USAGE = """
            usage: scripts/jbang bench [--quick] [ROUNDS] [PART… | --against CHECKOUT]

            Measures the tool against the simulator, and prints medians of ROUNDS (default:
            10). Run it in a checkout, on an idle machine. Measures promptfoo too if it is
            on the PATH; for evals, npm installs it in a temporary folder if need be.

            Parts (default: all):
              processes   time, CPU, and memory of whole processes, such as a chat
              evals       experiments: time, CPU, and memory, beside promptfoo
              delta       time from the server to stdout
              renders     rendering of prompt templates
              batches     throughput of batches
              heap        live heap of batches
              serve       what `serve` adds to a request, beside copilot-api 0.7.0, which npm
                          installs in a temporary folder

            Options:
              --quick               Run every part once with 1% of the rows, in under a
                                    minute; exit with 1 if a part prints no figures.
              --against CHECKOUT    Compare with another checkout, such as a worktree of the
                                    previous commit: run a chat and a batch in pairs, and
                                    print the medians and the median of the ratios.

            Examples:
              scripts/jbang bench 5 processes
              scripts/jbang bench --against ../before
            """;

    final simulator sim = simulator.start();
    final Path home = Files.createTempDirectory("cop-bench-");
    private final Path root;                                // the checkout to measure
    private final Tls tls;
    private final String java = ProcessHandle.current().info().command().orElse("java");
    final boolean quick;
    private final boolean gnuTime;
    private String jvm;                                     // how JBang starts copilot.java
    private Future<Path> installed;                         // the launcher, once it is trained
    private int figures;                                    // printed by the current part

    private bench(boolean quick, Path root) throws Exception {
        this.quick = quick;
        this.root = root;
        sim.set("endpoints", "none");                       // no API host in the exchange: use the TLS origin
        tls = new Tls(home, sim);
        gnuTime = Files.isExecutable(Path.of("/usr/bin/time"))
                && new ProcessBuilder("/usr/bin/time", "-f", "%U", "-o", home.resolve("figures").toString(), "true")
                .redirectErrorStream(true).redirectOutput(home.resolve("stderr").toFile()).start().waitFor() == 0;
        if (!gnuTime) System.out.println("skipped: CPU and memory, because GNU time is not installed");
    }

    public static void main(String... args) throws Exception {
        var words = new ArrayList<>(List.of(args));
        if (words.contains("--help") || words.contains("-h")) {
            System.out.print(USAGE);
            System.exit(0);
        }
        boolean quick = words.remove("--quick");
        int rounds = words.isEmpty() || !words.getFirst().matches("[1-9][0-9]{0,3}") ? quick ? 1 : 10
                : Integer.parseInt(words.removeFirst());
        int failed = 1;
        boolean against = words.size() == 2 && words.getFirst().equals("--against");
        Path here = checkout(Path.of("")), other = against ? checkout(Path.of(words.getLast())) : null;
        var unknown = words.stream().filter(word -> !against && !PARTS.contains(word)).findFirst();
        if (here == null || against && other == null || unknown.isPresent()) {
            System.err.println("error: " + unknown.map(word -> "unknown " + (word.startsWith("-") ? "option" : "part")
                    + ": " + word).orElse((here == null ? Path.of("").toAbsolutePath() : words.getLast())
                    + " is not in a checkout of copilot.java") + "\nhint: " + (unknown.isEmpty()
                    ? "run bench in a checkout; --against names another one" : "scripts/jbang bench --help"));
            System.exit(2);
        }
        var bench = new bench(quick, here);
        try {
            if (against) {
                failed = bench.against(other, rounds);
            } else {
                failed = bench.run(rounds, !words.isEmpty() ? words : quick ? QUICK : PARTS);
            }
        } catch (Exception e) {                             // the simulator's threads would keep this JVM alive
            e.printStackTrace();
        } finally {
            bench.deleteHome();
        }
        System.exit(failed == 0 ? 0 : 1);
    }

    /// Runs the same rows of two checkouts in pairs. Each has its own simulator, home, and launcher.
    private int against(Path other, int rounds) throws Exception {
        var theirs = new bench(quick, other);
        try {
            var pairs = new LinkedHashMap<Row, Row>();
            var before = theirs.compared();
            for (var row : compared()) pairs.put(row, before.removeFirst());
            logIn();
            theirs.logIn();
            System.out.printf("In pairs over HTTPS, this checkout and the other, median of %d%n%n"
                    + "| what | wall ms | other | ratio | CPU ms | other | ratio |%n"
                    + "|---|--:|--:|--:|--:|--:|--:|%n", rounds);
            for (var pair : pairs.entrySet()) {
                var mine = new ArrayList<Sample>();
                var others = new ArrayList<Sample>();
                for (int i = -1; i < rounds; i++) {         // the first round fills the caches
                    Sample one = sample(pair.getKey()), another = theirs.sample(pair.getValue());
                    if (i < 0) continue;
                    mine.add(one);
                    others.add(another);
                }
                figure(pair.getKey().name(), "%.0f %.0f %.2f %.0f %.0f %.2f",
                        median(mine, Sample::wall), median(others, Sample::wall), ratio(mine, others, Sample::wall),
                        median(mine, Sample::cpu), median(others, Sample::cpu), ratio(mine, others, Sample::cpu));
            }
            return 0;
        } finally {
            theirs.deleteHome();
        }
    }

    private List<Row> compared() throws Exception {
        var batches = new Batches();
        batches.rows(count(1000));
        sim.set("latency", Batches.LATENCY);
        String cop = trusting(installed().get()), chat = " chat '" + ASK + "'", reset = "rm -rf out.jsonl* && ";
        return new ArrayList<>(List.of(new Row("`cop` chat", shell(cop + chat)),
                new Row("chat, the JVM as JBang starts it (`//CDS`)", shell(tls.trusting(jvm()) + chat)),
                new Row("chat through JBang", shell(throughJBang("copilot.java" + chat))),
                new Row("batch of 1,000 rows, -j 32, the JVM as JBang starts it", inHome(reset,
                        batches.ours(Batches.JOBS))),
                new Row("batch of 1,000 rows, -j 32, `cop`", inHome(reset,
                        batches.command(cop, Batches.JOBS)))));
    }

    private static double ratio(List<Sample> ours, List<Sample> theirs, ToDoubleFunction<Sample> figure) {
        return IntStream.range(0, ours.size()).mapToDouble(i -> figure.applyAsDouble(ours.get(i))
                / figure.applyAsDouble(theirs.get(i))).sorted().skip(ours.size() / 2).findFirst().orElseThrow();
    }

    /// Runs the parts; a part that fails does not stop the others.
    ///
    /// @return the number of failed parts
    private int run(int rounds, List<String> parts) {
        var failed = new ArrayList<String>();
        if (quick && parts.contains("processes")) beginToInstall();
        for (String part : parts) {
            figures = 0;
            try {
                measure(part, rounds);
                if (figures == 0) failed.add(part + ": no figures");
            } catch (Missing tool) {
                System.out.println("skipped: " + part + ", because " + tool.getMessage() + " is missing");
            } catch (Exception e) {
                if (!quick) e.printStackTrace();
                failed.add(part + ": " + (e instanceof ExecutionException ? e.getCause() : e).getMessage());
            }
        }
        failed.forEach(what -> System.err.println("failed: " + what));
        return failed.size();
    }

    /// Caches a Copilot token, so that measured chats send requests to the API only. (The relay routes a whole
    /// connection by its first request.)
    private void logIn() throws Exception { run(shell(tls.trusting(jvm()) + " token --refresh")); }

    private void measure(String part, int rounds) throws Exception {
        logIn();
        switch (part) {
            case "processes" -> processes(rounds);
            case "delta" -> new FirstDelta().print();
            case "renders" -> new Renders().print();
            case "batches" -> new Batches().print(Math.max(1, rounds / 3));
            case "heap" -> new Batches().heap();
            case "serve" -> new ServeBench(this, rounds).print();
            case "evals" -> new Evals().print(Math.max(1, rounds / 3));
            default -> throw new IllegalArgumentException("unknown part; parts: " + String.join(" ", PARTS));
        }
    }

    /// Returns the number, or 1% of it with --quick.
    private int count(int number) { return quick ? number / 100 : number; }

    /// Prints one line of a table.
    ///
    /// @param format one format per value
    /// @param values the first must be positive; NaN if not measurable here
    void figure(String name, String format, double... values) {
        if (!(values[0] > 0)) throw new IllegalStateException(name + ": invalid figure: " + values[0]);
        var formats = format.split(" ");
        var line = new StringBuilder("| " + name + " |");
        for (int i = 0; i < values.length; i++) {
            line.append(' ').append(Double.isNaN(values[i]) ? "–" : formats[i].formatted(values[i])).append(" |");
        }
        System.out.println(line);
        figures++;
    }

    private void processes(int rounds) throws Exception {
        var rows = rows();
        if (!quick) for (var row : rows) sample(row);       // fills all caches, including JBang's
        long before = sim.count("/chat/completions");
        sample(rows.getFirst());
        long chats = sim.count("/chat/completions") - before;
        var samples = new LinkedHashMap<Row, List<Sample>>();
        for (int i = 0; i < rounds; i++) {
            for (var row : rows) samples.computeIfAbsent(row, _ -> new ArrayList<>()).add(sample(row));
        }
        System.out.printf("Whole process, median of %d, %s, JDK %s, %d cores%n%n", rounds,
                System.getProperty("os.name"), Runtime.version().feature(),
                Runtime.getRuntime().availableProcessors());
        System.out.println("| what | wall ms | CPU ms | peak MB |\n|---|--:|--:|--:|");
        samples.forEach((row, list) -> figure(row.name(), "%.0f %.0f %.0f", median(list, Sample::wall),
                median(list, Sample::cpu), median(list, Sample::megabytes)));
        System.out.println("\nrequests of a warm chat: " + chats);
    }

    /// Returns whether a program is installed; prints a message if not.
    private static boolean has(String program) {
        if (onPath(program)) return true;
        System.out.println("skipped: `" + program + "`, because it is not on the PATH");
        return false;
    }

    static boolean onPath(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    // ------------------------------------------------------------------------------------------------ the rows

    private List<Row> rows() throws Exception {
        var rows = new ArrayList<Row>();
        String jvm = tls.trusting(jvm()), cop = trusting(installed().get()), chat = " chat '" + ASK + "'";
        rows.add(new Row("`cop` chat", shell(cop + chat)));
        rows.add(new Row("chat, the JVM as JBang starts it (`//CDS`)", shell(jvm + chat)));
        rows.add(new Row("chat, the same without `//CDS`", shell(withoutArchive(jvm) + chat)));
        rows.add(new Row("chat through JBang", shell(throughJBang("copilot.java" + chat))));
        rows.add(new Row("JBang, an empty script", shell("scripts/jbang " + emptyScript())));
        rows.add(new Row("`chat -t review`, with `//CDS`", shell(jvm + " chat -t review --var 'diff=" + ASK + "'")));
        rows.add(new Row("`render review`, with `//CDS`", shell(jvm + " render review --var diff=x")));
        rows.add(new Row("`--help`, with `//CDS`", shell(jvm + " --help")));
        rows.add(new Row("`chat --help`, with `//CDS`", shell(jvm + " chat --help")));
        rows.add(new Row("`cop --version`", shell(cop + " --version")));
        rows.add(new Row("`cop --help`", shell(cop + " --help")));
        rows.add(new Row("an empty `java`", List.of(java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
                "-cp", System.getProperty("java.class.path"), "cop.bench$Empty")));
        if (has("curl")) rows.add(new Row("`curl`, steps 4 and 5", shell(curl())));
        if (has("node")) rows.add(new Row("`node` with `fetch`, step 5", shell("node " + node())));
        if (onPath("promptfoo")) rows.add(new Row("`promptfoo --version`", shell("promptfoo --version")));
        return rows;
    }

    /// Returns a copy of the launcher that trusts our certificate in addition to the JDK's.
    private String trusting(Path launcher) throws Exception {
        Path copy = home.resolve("cop-https");
        if (Files.exists(copy)) return copy.toString();
        Files.copy(launcher, copy, StandardCopyOption.COPY_ATTRIBUTES);
        Files.writeString(copy, Files.readString(copy).replace("exec \"$java\" ", tls.trusting("exec \"$java\" ")));
        return copy.toString();
    }

    private String throughJBang(String line) {
        return "scripts/jbang -R-Djavax.net.ssl.trustStore=" + tls.trusted + " " + line;
    }

    private String jvm() throws Exception {
        return jvm != null ? jvm : (jvm = jvm("copilot.java", "--version"));
    }

    /// Returns the command with which JBang starts the script's JVM, to time the JVM without JBang.
    ///
    /// @param first the argument of a first run, which builds the script and its class archive
    String jvm(String script, String first) throws Exception {
        run("scripts/jbang", script, first);
        String folder = System.getenv().getOrDefault("JBANG_DIR", System.getenv("HOME") + "/.jbang");
        String jdk = System.getProperty("java.home");
        String printed = run("bash", "-c", "JBANG_RUNTIME_SHELL=bash JAVA_HOME='" + jdk + "' '" + java
                + "' -Duser.home=\"$HOME\" -jar '" + jbang(Path.of(folder, "bin")) + "' " + script
                + " 2>/dev/null; true").strip();
        if (!printed.contains("cop.")) throw new IllegalStateException("JBang printed no command: " + printed);
        return printed;
    }

    private static Path jbang(Path folder) throws Exception {
        if (Files.isDirectory(folder)) {
            try (var jars = Files.newDirectoryStream(folder, "jbang-cli-*-all.jar")) {
                for (Path jar : jars) return jar;
            }
        }
        throw new Missing("JBang in " + folder + " (scripts/jbang fetches it if no jbang is on the PATH)");
    }

    private void beginToInstall() {
        try {
            installed();
        } catch (Exception _) {
            // reported by the parts that need the launcher
        }
    }

    Future<Path> installed() throws Exception {
        if (installed != null) return installed;
        String command = jvm("scripts/install.java", "--help") + " -q --dir " + home;
        var installing = new FutureTask<>(() -> {
            run(shell(command));
            return home.resolve("cop");
        });
        Thread.ofPlatform().daemon().start(installing);
        return installed = installing;
    }

    private static String withoutArchive(String command) {
        return command.replaceAll("'?-XX:SharedArchiveFile=\\S+", "");
    }

    private String emptyScript() throws IOException {
        return Files.writeString(home.resolve("empty.java"), "void main() {}\n").toString();
    }

    /// Returns both requests as one curl command, as in the README. It gets the Copilot token beforehand, to its
    /// advantage.
    private String curl() throws Exception {
        String bearer = run(shell(tls.trusting(jvm()) + " token --header")).strip();
        String identity = " -H 'Editor-Version: vscode/1.85.0' -H 'Editor-Plugin-Version: copilot/1.155.0'"
                + " -H 'User-Agent: GitHubCopilotChat/0.12.0'";
        return "curl -sS --cacert " + tls.root + " -o /dev/null" + identity + " -H 'Authorization: token "
                + simulator.GITHUB_TOKEN + "' " + tls.url() + "/copilot_internal/v2/token --next -sSN --cacert "
                + tls.root + identity + " -H '" + bearer + "'"
                + " -H 'Content-Type: application/json' -H 'Copilot-Integration-Id: vscode-chat' -d '" + body() + "' "
                + tls.url() + "/chat/completions";
    }

    private String node() throws Exception {
        String bearer = run(shell(tls.trusting(jvm()) + " token")).strip();
        return Files.writeString(home.resolve("chat.mjs"), """
                const answer = await fetch("%s/chat/completions", {method: "POST", body: '%s', headers: {
                  "Authorization": "Bearer %s", "Content-Type": "application/json",
                  "Copilot-Integration-Id": "vscode-chat", "Editor-Version": "vscode/1.85.0",
                  "Editor-Plugin-Version": "copilot/1.155.0", "User-Agent": "GitHubCopilotChat/0.12.0"}});
                let text = "";
                for (const line of (await answer.text()).split("\\n")) {
                  if (line.startsWith("data: {")) text += JSON.parse(line.slice(6)).choices[0]?.delta?.content ?? "";
                }
                console.log(text);
                """.formatted(tls.url(), body(), bearer)).toString();
    }

    private static String body() {
        return "{\"model\":\"" + MODEL + "\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"" + ASK
                + "\"}]}";
    }

    private List<String> shell(String line) { return shell(tls.url(), line); }

    /// Returns a shell command with the simulator's host and an account. Nothing is quoted: all input is our own.
    List<String> shell(String host, String line) {
        return List.of("env", "-i", "PATH=" + System.getenv("PATH"), "HOME=" + System.getenv("HOME"), "LANG=C.UTF-8",
                "COP_HOST=" + host, "COP_HOME=" + home, "NODE_EXTRA_CA_CERTS=" + tls.root,
                "COPILOT_GITHUB_TOKEN=" + simulator.GITHUB_TOKEN, "bash", "-c", "exec " + line);
    }

    private List<String> inHome(String line) { return inHome("", line); }

    private List<String> inHome(String before, String line) {
        return shell("bash -c 'cd " + home + " && " + before + "exec " + line.replace("'", "'\\''") + "'");
    }

    // --------------------------------------------------------------------------------------------- measuring

    /// Runs a row once. GNU time measures CPU and memory, including those of child processes.
    private Sample sample(Row row) throws Exception {
        Path figures = home.resolve("figures");
        var command = new ArrayList<String>();
        if (gnuTime) command.addAll(List.of("/usr/bin/time", "-o", figures.toString(), "-f", "%U %S %M"));
        command.addAll(row.command());
        long start = System.nanoTime();
        String output = run(command);
        double wall = (System.nanoTime() - start) / 1e6;
        if (row.name().contains("chat") && output.isBlank()) {
            throw new IllegalStateException(row.name() + ": no answer");
        }
        if (!gnuTime) return new Sample(wall, Double.NaN, Double.NaN);
        String[] parts = Files.readAllLines(figures).getLast().split(" ");
        return new Sample(wall, (Double.parseDouble(parts[0]) + Double.parseDouble(parts[1])) * 1000,
                Double.parseDouble(parts[2]) / 1024);
    }

    String run(String... command) throws Exception { return run(List.of(command)); }

    private String run(List<String> command) throws Exception {
        Path errors = Files.createTempFile(home, "stderr", "");
        var process = new ProcessBuilder(command).directory(root.toFile())
                .redirectInput(new File("/dev/null")).redirectError(errors.toFile()).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException("exit " + process.exitValue() + ": "
                    + Files.readString(errors).strip() + "\n" + String.join(" ", command));
        }
        return out;
    }

    private static double median(List<Sample> samples, ToDoubleFunction<Sample> figure) {
        var sorted = samples.stream().mapToDouble(figure).sorted().toArray();
        return sorted.length % 2 == 1 ? sorted[sorted.length / 2]
                : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
    }

    private void deleteHome() {
        try {
            delete(home);
        } catch (IOException e) {
            System.err.println("warning: cannot delete " + home);
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) return;
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }

    /// Returns the checkout that contains a folder, or null.
    private static Path checkout(Path from) {
        for (Path folder = from.toAbsolutePath(); folder != null; folder = folder.getParent()) {
            if (Files.exists(folder.resolve("copilot.java"))) return folder;
        }
        return null;
    }

    /// Batches against the simulator with 100 ms of latency and 32 jobs, compared with a node program that sends the
    /// same requests, and with the ideal, rows / 32 × 100 ms. (The simulator runs on the same machine.)
    private final class Batches {
        private static final int JOBS = 32, LATENCY = 100;

        private final String jvm = tls.trusting(jvm());

        Batches() throws Exception {
            Files.createDirectories(home.resolve("templates"));
            Files.writeString(home.resolve("templates/row.mustache"), "say: {{text}}");
        }

        void print(int rounds) throws Exception {
            sim.set("latency", LATENCY);
            boolean node = has("node");
            System.out.printf("%nBatches, --delay 0, %d ms of latency, median of %d (long ones: one run)%n%n| what |"
                    + " wall s | CPU s | peak MB | of the ideal rate |%n|---|--:|--:|--:|--:|%n", LATENCY, rounds);
            int some = count(1000), many = count(10_000);
            row("%,d rows, -j 32".formatted(some), some, JOBS, rounds, ours(JOBS));
            if (node) row("`node` with `fetch`, the same requests", some, JOBS, rounds, "node " + node(some));
            if (onPath("promptfoo")) row("promptfoo, the same prompts", some, JOBS, 1, promptfoo(some));
            row("%,d rows, -j 32".formatted(many), many, JOBS, 1, ours(JOBS));
            if (node) row("`node`, %,d".formatted(many), many, JOBS, 1, "node " + node(many));
            for (int jobs : List.of(64, 128, 256)) {
                row("%,d rows, -j %d".formatted(many, jobs), many, jobs, 1, ours(jobs));
            }
            nothing(many);
            sim.set("latency", 0);
        }

        private String ours(int jobs) { return command(jvm, jobs); }

        private String command(String tool, int jobs) {
            return tool + " batch row -d rows.jsonl -o out.jsonl -j " + jobs + " --delay 0 -q";
        }

        private void row(String name, int rows, int jobs, int rounds, String command) throws Exception {
            var samples = new ArrayList<Sample>();
            var rates = new ArrayList<Double>();
            rows(rows);
            for (int i = 0; i < rounds; i++) {
                deleteRun();
                int before = sim.ledger().size();
                samples.add(sample(new Row(name, inHome(command))));
                var asked = sim.ledger().stream().skip(before).filter(e -> CHATS.contains(e.path())).toList();
                if (asked.size() != rows) throw new IllegalStateException(name + ": " + asked.size() + " requests");
                double seconds = Duration.between(asked.getFirst().at(), asked.getLast().at()).toMillis() / 1000.0
                        + LATENCY / 1000.0;
                rates.add(rows * LATENCY / 1000.0 / jobs / seconds);
            }
            rates.sort(null);
            figure(name, "%.1f %.1f %.0f %.2f", median(samples, Sample::wall) / 1000,
                    median(samples, Sample::cpu) / 1000, median(samples, Sample::megabytes),
                    rates.get(rates.size() / 2));
        }

        /// Deletes the run and its results: a batch does not overwrite the results of another run.
        private void deleteRun() throws IOException {
            delete(home.resolve("out.jsonl.run"));
            Files.deleteIfExists(home.resolve("out.jsonl"));
        }

        /// Measures the live heap after a full collection, shortly before the last rows.
        void heap() throws Exception {
            Path jcmd = Path.of(System.getProperty("java.home"), "bin/jcmd");
            if (!Files.isExecutable(jcmd)) throw new Missing("jcmd in the JDK");
            System.out.println("\n| rows | live heap MB |\n|--:|--:|");
            for (int many : List.of(1000, 10_000, 100_000)) {
                int rows = count(many), jobs = quick ? Math.max(1, rows / 50) : 64;     // some must be left
                rows(rows);
                deleteRun();
                sim.set("latency", quick ? 200 : 20);
                long before = chats();
                var process = new ProcessBuilder(inHome(ours(jobs))).redirectErrorStream(true)
                        .redirectOutput(home.resolve("stderr").toFile()).start();
                while (process.isAlive() && chats() - before < rows * (quick ? 0.5 : 0.9)) Thread.sleep(2);
                sim.set("latency", 10_000);                 // so that no row ends meanwhile
                String command = jcmd + " " + process.pid();
                String histogram = run("bash", "-c", command + " GC.run >&2; " + command + " GC.class_histogram");
                process.destroyForcibly().waitFor();
                sim.set("latency", 0);
                figure("%,d".formatted(rows), "%.1f", (bytes(histogram, "Total")
                        - bytes(histogram, "FillerElement")) / 1e6);
            }
        }

        private long chats() { return CHATS.stream().mapToLong(sim::count).sum(); }

        /// Measures a batch whose rows are all done, by the previous run.
        private void nothing(int rows) throws Exception {
            var samples = new ArrayList<Sample>();
            for (int i = 0; i < (quick ? 1 : 3); i++) {
                samples.add(sample(new Row("nothing", inHome(jvm + " batch row -d rows.jsonl -o out.jsonl -q"))));
            }
            figure("nothing to do, %,d rows".formatted(rows), "%.1f %.1f %.0f", median(samples, Sample::wall) / 1000,
                    median(samples, Sample::cpu) / 1000, median(samples, Sample::megabytes));
        }

        private void rows(int count) throws IOException {
            Files.writeString(home.resolve("rows.jsonl"), IntStream.range(0, count).mapToObj(i -> "{\"id\": " + i
                    + ", \"text\": \"answer " + i + " of a classification\"}\n").collect(Collectors.joining()));
        }

        /// Returns the bytes of a class in a histogram. The collector fills gaps with FillerElement, which is not live.
        private static long bytes(String histogram, String name) {
            return histogram.lines().filter(line -> line.contains(name)).map(line -> line.strip().split("\\s+")[2])
                    .mapToLong(Long::parseLong).findFirst().orElse(0);
        }

        /// Returns a `promptfoo eval` command for the same prompts, without its database and cache.
        private String promptfoo(int rows) throws Exception {
            String bearer = run(shell(tls.trusting(jvm()) + " token")).strip();
            Files.writeString(home.resolve("promptfooconfig.json"), """
                    {"prompts": ["say: {{text}}"], "tests": "file://rows.csv", "providers": [{
                      "id": "openai:chat:%s", "config": {"apiBaseUrl": "%s", "apiKey": "%s", "headers": {
                        "Copilot-Integration-Id": "vscode-chat", "Editor-Version": "vscode/1.85.0",
                        "Editor-Plugin-Version": "copilot/1.155.0", "User-Agent": "GitHubCopilotChat/0.12.0"}}}]}
                    """.formatted(MODEL, tls.url(), bearer));
            Files.writeString(home.resolve("rows.csv"), IntStream.range(0, rows).mapToObj(i -> "answer " + i)
                    .collect(Collectors.joining("\n", "text\n", "\n")));
            return "env PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 promptfoo eval"
                    + " -c promptfooconfig.json -j " + JOBS + " --no-cache --no-write --no-table --no-progress-bar"
                    + " -o promptfoo.json";
        }

        private String node(int rows) throws Exception {
            String bearer = run(shell(tls.trusting(jvm()) + " token")).strip();
            return Files.writeString(home.resolve("batch.mjs"), """
                    let next = 0;
                    async function worker() {
                      while (next < %d) {
                        const text = "say: answer " + next++;
                        const answer = await fetch("%s/chat/completions", {method: "POST", body: JSON.stringify({
                          model: "%s", stream: true, messages: [{role: "user", content: text}]}), headers: {
                          "Authorization": "Bearer %s", "Content-Type": "application/json",
                          "Copilot-Integration-Id": "vscode-chat", "Editor-Version": "vscode/1.85.0",
                          "Editor-Plugin-Version": "copilot/1.155.0", "User-Agent": "GitHubCopilotChat/0.12.0"}});
                        for (const line of (await answer.text()).split("\\n")) {
                          if (line.startsWith("data: {")) JSON.parse(line.slice(6));
                        }
                      }
                    }
                    await Promise.all(Array.from({length: %d}, worker));
                    """.formatted(rows, tls.url(), MODEL, bearer, JOBS)).toString();
        }
    }

    /// Experiments against the simulator, compared with promptfoo and with the ideal, cells / jobs × latency.
    private final class Evals {
        private static final int JOBS = 16, LATENCY = 100;
        private static final List<String> MODELS = List.of(MODEL, "claude-haiku-4.5"),
                MORE = List.of(MODEL, "claude-haiku-4.5", "gpt-5-mini", "gemini-3.8-flash");

        private final String eval = tls.trusting(jvm("scripts/eval.java", "--help"));

        Evals() throws Exception {
            Files.writeString(home.resolve("say.mustache"), """
                    ---
                    expect: [equals: "{{text}}", contains: answer, max-words: 10]
                    ---
                    say: {{text}}""");
        }

        void print(int rounds) throws Exception {
            int rows = count(200) * (quick ? 10 : 1);
            System.out.printf("%nExperiments: %,d rows, 2 models, 3 checks, -j %d, %d ms of latency, median of %d%n%n"
                    + "| what | wall s | beyond the ideal s | CPU s | peak MB |%n|---|--:|--:|--:|--:|%n", rows, JOBS,
                    LATENCY, rounds);
            sim.set("latency", LATENCY);
            rows(rows);
            figures("`eval`, the JVM as JBang starts it", rows, rounds, command(eval, MODELS, JOBS, ""));
            figures("`cop eval`", rows, rounds, command(trusting(installed().get()) + " eval", MODELS, JOBS, ""));
            try {
                figures("promptfoo", rows, rounds, promptfoo(rows));
            } catch (Missing tool) {
                System.out.println("skipped: promptfoo, because " + tool.getMessage());
            }
            sim.set("latency", 0);
            large();
        }

        private String command(String tool, List<String> models, int jobs, String more) {
            return tool + " say.mustache -d cells.jsonl -m " + String.join(" -m ", models) + " -o lab.jsonl -j " + jobs
                    + " --endpoint chat --delay 0 -q " + more;
        }

        private void figures(String name, int rows, int rounds, String command) throws Exception {
            var samples = new ArrayList<Sample>();
            for (int i = 0; i < rounds; i++) {
                long before = chats();
                samples.add(sample(new Row(name, inHome("rm -rf lab.* && ", command))));
                long asked = chats() - before;
                if (asked != rows * 2L) throw new IllegalStateException(name + ": " + asked + " requests");
            }
            double wall = median(samples, Sample::wall) / 1000;
            figure(name, "%.2f %.2f %.2f %.0f", wall, wall - rows * 2.0 / JOBS * LATENCY / 1000,
                    median(samples, Sample::cpu) / 1000, median(samples, Sample::megabytes));
        }

        private long chats() { return CHATS.stream().mapToLong(sim::count).sum(); }

        /// Measures the most that fits: 10,000 rows, 4 models, 3 repeats, a report; and runs with nothing to do.
        private void large() throws Exception {
            System.out.println("\n| what | wall s | CPU s | peak MB |\n|---|--:|--:|--:|");
            String small = eval.replaceFirst("-Xmx\\S+", "-Xmx256m"), report = "--repeat 3 --report lab.html";
            if (small.equals(eval)) throw new IllegalStateException("no -Xmx in: " + eval);
            int many = count(10_000);
            rows(many);
            figure("%,d rows × 4 × 3 and the report, in a heap of 256 MB".formatted(many), "%.1f %.1f %.0f", figures(
                    1, inHome("rm -rf lab.* && ", command(small, MORE, 32, report))));
            int some = count(1000);
            rows(some);
            sample(new Row("first", inHome("rm -rf lab.* && ", command(eval, MORE, 32, "--repeat 3"))));
            figure("nothing to do, %,d cells".formatted(some * 12), "%.2f %.2f %.0f", figures(3, inHome(command(eval,
                    MORE, 32, "--repeat 3"))));
            figure("the same and the report", "%.2f %.2f %.0f", figures(3, inHome(command(eval, MORE, 32, report))));
        }

        private double[] figures(int rounds, List<String> command) throws Exception {
            var samples = new ArrayList<Sample>();
            for (int i = 0; i < (quick ? 1 : rounds); i++) samples.add(sample(new Row("eval", command)));
            return new double[] {median(samples, Sample::wall) / 1000, median(samples, Sample::cpu) / 1000,
                median(samples, Sample::megabytes)};
        }

        private void rows(int count) throws IOException {
            Files.writeString(home.resolve("cells.jsonl"), IntStream.range(0, count).mapToObj(i -> "{\"id\": " + i
                    + ", \"text\": \"answer " + i + " of a classification\"}\n").collect(Collectors.joining()));
        }

        /// Returns a `promptfoo eval` command for the same prompts, models, and checks, without its database and cache.
        private String promptfoo(int rows) throws Exception {
            String program = installedPromptfoo(), bearer = run(shell(tls.trusting(jvm()) + " token")).strip();
            String providers = MODELS.stream().map(model -> """
                    {"id": "openai:chat:%s", "config": {"apiBaseUrl": "%s", "apiKey": "%s", "headers": {
                      "Copilot-Integration-Id": "vscode-chat", "Editor-Version": "vscode/1.85.0",
                      "Editor-Plugin-Version": "copilot/1.155.0", "User-Agent": "GitHubCopilotChat/0.12.0"}}}
                    """.formatted(model, tls.url(), bearer)).collect(Collectors.joining(","));
            Files.writeString(home.resolve("evals.json"), """
                    {"prompts": ["say: {{text}}"], "tests": "file://evals.csv", "providers": [%s], "defaultTest": {
                      "assert": [{"type": "equals", "value": "{{text}}"}, {"type": "contains", "value": "answer"},
                        {"type": "regex", "value": "^(\\\\S+\\\\s*){0,10}$"}]}}
                    """.formatted(providers));
            Files.writeString(home.resolve("evals.csv"), IntStream.range(0, rows).mapToObj(i -> "answer " + i
                    + " of a classification").collect(Collectors.joining("\n", "text\n", "\n")));
            return "env PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 PROMPTFOO_CONFIG_DIR=" + home
                    + "/promptfoo " + program + " eval -c evals.json -j " + JOBS + " --no-cache --no-write --no-table"
                    + " --no-progress-bar -o promptfoo.json";
        }

        /// Returns the promptfoo on the PATH, or one that npm installs in a temporary folder with the Node.js that
        /// it requires: about 1.5 GB.
        private String installedPromptfoo() throws Exception {
            if (onPath("promptfoo")) return "promptfoo";
            if (quick) throw new Missing("it is not on the PATH, and --quick does not install it");
            if (!onPath("npm")) throw new Missing("npm, which would install it, is not on the PATH");
            run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix",
                    Files.createDirectories(home.resolve("npm")).toString(), "promptfoo@0.123.1", "node@22.23.3");
            return "env PATH=" + home.resolve("npm/node_modules/.bin") + ":\"$PATH\" promptfoo";
        }
    }

    /// Renders 10,000 prompts of 5 KB, each from different data, in this JVM: with our strict mustache from JSON text
    /// and from parsed data, and with plain mustache.java, which escapes HTML and ignores missing values.
    private final class Renders {
        private final int prompts = count(10_000), rounds = quick ? 1 : 7;
        private static final String TEMPLATE = """
                Review this change of {{author.name}}{{#focus}}, above all: {{focus}}{{/focus}}.

                {{#files}}
                - {{path}} ({{lines}} lines)
                {{/files}}

                {{diff}}
                """;

        void print() {
            var rows = IntStream.range(0, prompts).mapToObj(Renders::row).toList();
            var engine = new StrictMustache(_ -> Optional.empty(), List::of);
            var ours = engine.text(TEMPLATE, "bench", 1);
            var plain = new DefaultMustacheFactory().compile(new StringReader(TEMPLATE), "bench");
            var data = rows.stream().map(row -> JsonValues.object(row, "row")).toList();
            var kinds = new LinkedHashMap<String, IntFunction<String>>();
            kinds.put("ours, each row read from JSON", i ->
                    engine.render(ours, JsonValues.object(rows.get(i), "row")).text());
            kinds.put("ours, the data in memory", i -> engine.render(ours, data.get(i)).text());
            kinds.put("mustache.java without our strictness, the data in memory", i -> {
                var text = new StringWriter();
                plain.execute(text, data.get(i));
                return text.toString();
            });
            System.out.printf("%n%,d renders of a prompt of %,d bytes, median of %d%n%n| what | ms |%n|---|--:|%n",
                    prompts, kinds.firstEntry().getValue().apply(0).getBytes(StandardCharsets.UTF_8).length,
                    rounds);
            var times = new LinkedHashMap<String, List<Double>>();
            for (int round = -1; round < rounds; round++) {      // the first warms up the compilers
                for (var kind : kinds.entrySet()) {
                    long start = System.nanoTime();
                    long bytes = 0;
                    for (int i = 0; i < prompts; i++) bytes += kind.getValue().apply(i).length();
                    if (bytes < prompts * 4000L) throw new IllegalStateException("only " + bytes);
                    var list = times.computeIfAbsent(kind.getKey(), _ -> new ArrayList<>());
                    if (round >= 0) list.add((System.nanoTime() - start) / 1e6);
                }
            }
            times.forEach((kind, list) -> figure(kind, "%.0f", list.stream().sorted().toList().get(list.size() / 2)));
        }

        private static String row(int i) {
            var files = IntStream.range(0, 10).mapToObj(f -> Map.<String, Object>of("path", "src/File" + f + ".java",
                    "lines", new JsonValues.NumberLiteral("" + (i + f)))).toList();
            String diff = ("+ line " + i + " of a change, with {{braces}} and some more words in it\n").repeat(74);
            return JsonValues.text(Map.of("author", Map.of("name", "Ann " + i), "focus", "what is <unsafe> & \"odd\"",
                    "files", files, "diff", diff));
        }
    }

    /// Measures the time from the server sending a delta to its arrival on the tool's stdout.
    private final class FirstDelta {
        private static final int DELTAS = 40;
        private static final String MODELS = "{\"data\":[{\"id\":\"" + MODEL + "\",\"model_picker_enabled\":true,"
                + "\"supported_endpoints\":[\"/chat/completions\"],\"capabilities\":{\"type\":\"chat\","
                + "\"supports\":{\"streaming\":true}}}]}";
        private final long[] sent = new long[DELTAS];

        void print() throws Exception {
            try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
                Thread.ofVirtual().start(() -> serve(server));
                String host = "http://127.0.0.1:" + server.getLocalPort();
                fakeToken(host);
                var builder = new ProcessBuilder(shell(host, jvm() + " chat -m " + MODEL + " hi"));
                var process = builder.directory(root.toFile()).redirectInput(new File("/dev/null")).start();
                var delays = new ArrayList<Double>();
                var in = process.getInputStream();
                for (int i = 0; i < DELTAS; i++) {
                    for (int b = in.read(); b != ' '; b = in.read()) {
                        if (b < 0) throw new IllegalStateException("only " + i + " deltas");
                    }
                    delays.add((System.nanoTime() - sent[i]) / 1e6);
                }
                in.readAllBytes();
                process.waitFor();
                double first = delays.getFirst();
                delays.sort(null);
                System.out.println("\n| from the server to stdout | first ms | median ms | slowest ms |"
                        + "\n|---|--:|--:|--:|");
                figure("a delta", "%.1f %.1f %.1f", first, delays.get(DELTAS / 2), delays.getLast());
                System.out.println();
            }
        }

        private void serve(ServerSocket server) {
            while (true) {
                try (var socket = server.accept()) {
                    answer(socket);
                } catch (IOException closed) {
                    return;
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
        }

        /// Answers the request for the models, or streams the deltas one at a time.
        private void answer(Socket socket) throws IOException, InterruptedException {
            socket.setTcpNoDelay(true);
            var head = new byte[8192];
            int read = socket.getInputStream().read(head);
            var out = socket.getOutputStream();
            if (!new String(head, 0, Math.max(0, read), StandardCharsets.UTF_8).startsWith("POST ")) {
                out.write(("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
                        + MODELS.length() + "\r\n\r\n" + MODELS).getBytes());
                return;
            }
            out.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n".getBytes());
            for (int i = 0; i < DELTAS; i++) {
                Thread.sleep(25);
                byte[] event = ("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x \"},\"finish_reason\":"
                        + (i == DELTAS - 1 ? "\"stop\"" : "null") + "}]}\n\n").getBytes();
                sent[i] = System.nanoTime();
                out.write(event);
            }
        }

        /// Caches a token for the host, so that the chat is the only request.
        private void fakeToken(String host) {
            var env = Environment.of(InputStream.nullInputStream(), null, null, Map.of("COP_HOME", home.toString()),
                    () -> false);
            var source = new GithubToken("bench", simulator.GITHUB_TOKEN, "");
            var file = Json.object().put("fetched_at", Instant.now().getEpochSecond());
            file.putObject("answer").put("token", "tid=bench").put("refresh_in", 1500)
                    .putObject("endpoints").put("api", host);
            var store = Home.of(env);
            store.write(store.cache().resolve("token-" + source.key(Host.of("--host", host)) + "-"
                    + Headers.parse(null, List.of()).identity() + ".json"), file);
        }
    }

    /// A TLS relay to the simulator. Its certificate for 127.0.0.1 is signed by a root that is added to the JDK's trust
    /// store, so that loading the store costs as much as elsewhere. As on public sites, the server's and the
    /// intermediate certificate are P-256, the root P-384.
    private static final class Tls {
        private static final char[] PASSWORD = "changeit".toCharArray();
        private final Path keys, trusted, root;
        private final SSLServerSocket server;

        Tls(Path home, simulator sim) throws Exception {
            keys = home.resolve("keys.p12");
            trusted = Files.copy(Path.of(System.getProperty("java.home"), "lib/security/cacerts"),
                    home.resolve("cacerts"));
            trusted.toFile().setWritable(true);
            keytool(keys, "-genkeypair", "-alias", "root", "-keyalg", "EC", "-groupname", "secp384r1", "-dname",
                    "CN=bench root", "-ext", "bc:c");
            keytool(keys, "-genkeypair", "-alias", "intermediate", "-keyalg", "EC", "-groupname", "secp256r1", "-dname",
                    "CN=bench intermediate", "-ext", "bc:c=ca:true,pathlen:0", "-signer", "root");
            keytool(keys, "-genkeypair", "-alias", "server", "-keyalg", "EC", "-groupname", "secp256r1", "-dname",
                    "CN=bench", "-ext", "SAN=IP:127.0.0.1", "-signer", "intermediate");
            root = home.resolve("root.pem");
            keytool(keys, "-exportcert", "-rfc", "-alias", "root", "-file", root.toString());
            keytool(trusted, "-importcert", "-noprompt", "-alias", "bench", "-file", root.toString());
            server = (SSLServerSocket) context().getServerSocketFactory()
                    .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
            Thread.ofPlatform().daemon().start(() -> accept(sim));
        }

        /// Presents the server's and the intermediate certificate without the root, as public sites do.
        private SSLContext context() throws Exception {
            var made = KeyStore.getInstance(keys.toFile(), PASSWORD);
            var shown = KeyStore.getInstance("PKCS12");
            shown.load(null, null);
            shown.setKeyEntry("server", made.getKey("server", PASSWORD), PASSWORD,
                    Arrays.copyOf(made.getCertificateChain("server"), 2));
            var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(shown, PASSWORD);
            var context = SSLContext.getInstance("TLS");
            context.init(factory.getKeyManagers(), null, null);
            return context;
        }

        String url() { return "https://127.0.0.1:" + server.getLocalPort(); }

        String trusting(String command) {
            return command.replaceFirst("java['\"]? ", "$0-Djavax.net.ssl.trustStore=" + trusted + " ");
        }

        private static void keytool(Path store, String... words) throws Exception {
            var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/keytool").toString()));
            command.addAll(List.of(words));
            command.addAll(List.of("-keystore", store.toString(), "-storepass", new String(PASSWORD)));
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes());
            if (process.waitFor() != 0) throw new IllegalStateException(output);
        }

        private void accept(simulator sim) {
            while (true) {
                try {
                    var socket = server.accept();
                    socket.setTcpNoDelay(true);             // otherwise a response waits 40 ms for the client's ACK
                    Thread.ofVirtual().start(() -> relay(socket, sim));
                } catch (IOException e) {
                    return;
                }
            }
        }

        /// Relays a connection to GitHub's or the API's port, chosen by its first request.
        private static void relay(Socket socket, simulator sim) {
            try (socket) {
                var in = socket.getInputStream();
                var head = new byte[8192];
                int n = in.read(head);
                String first = new String(head, 0, Math.max(0, n), StandardCharsets.ISO_8859_1);
                boolean github = first.startsWith("GET /copilot_internal") || first.startsWith("GET /user");
                var target = URI.create(github ? sim.url() : sim.api());
                try (var to = new Socket(target.getHost(), target.getPort())) {
                    to.setTcpNoDelay(true);
                    Thread.ofVirtual().start(() -> pump(to, socket));
                    to.getOutputStream().write(head, 0, n);
                    in.transferTo(to.getOutputStream());
                }
            } catch (IOException _) {
                // the other side has closed
            }
        }

        private static void pump(Socket from, Socket to) {
            try (to) {
                from.getInputStream().transferTo(to.getOutputStream());
            } catch (IOException _) {
                // the other side has closed
            }
        }
    }
}
