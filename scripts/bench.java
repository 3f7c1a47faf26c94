///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION The figures in the README: whole processes, side by side in one run
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES simulator.java

/// Measures the tool as a whole process against the simulator, beside what it can be compared with: an empty JVM,
/// `curl` doing steps 4 and 5, `node` with `fetch`, JBang with an empty script. All rows are run in turn, round by
/// round, so that a noisy machine is noisy for all; medians are printed. Run `scripts/jbang bench [ROUNDS] [PART…]` in
/// a checkout, on a machine with nothing else to do; parts: processes delta renders batches heap. A `promptfoo` on the
/// PATH is measured too.
package cop;

import module java.base;

import com.github.mustachejava.DefaultMustacheFactory;

public class bench {
    /// What an empty `main` costs.
    public static final class Empty {
        public static void main(String... args) {}
    }

    /// @param command what is timed, from start to exit
    record Row(String name, List<String> command) {}

    record Sample(double wall, double cpu, double megabytes) {}

    private static final String ASK = "say: a line of an answer";

    private final simulator sim = simulator.start();
    private final Path home = Files.createTempDirectory("cop-bench-");
    private final Path root = checkout();
    private final String java = ProcessHandle.current().info().command().orElse("java");
    private final Tls tls = new Tls(home, sim);

    private bench() throws Exception {}

    public static void main(String... args) throws Exception {
        try {
            new bench().run(args.length == 0 ? 10 : Integer.parseInt(args[0]), args.length < 2
                    ? List.of("processes", "delta", "renders", "batches", "heap")
                    : List.of(args).subList(1, args.length));
            System.exit(0);
        } catch (Exception e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    private void run(int rounds, List<String> parts) throws Exception {
        for (String part : parts) {
            switch (part) {
                case "processes" -> processes(rounds);
                case "delta" -> new FirstDelta().print();
                case "renders" -> Renders.print();
                case "batches" -> new Batches().print(Math.max(1, rounds / 3));
                case "heap" -> new Batches().heap();
                default -> throw new IllegalArgumentException("no part " + part);
            }
        }
    }

    private void processes(int rounds) throws Exception {
        var rows = rows();
        for (var row : rows) sample(row);                   // fills every cache, JBang's among them
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
        samples.forEach((row, list) -> System.out.printf("| %s | %.0f | %.0f | %.0f |%n", row.name(),
                median(list, Sample::wall), median(list, Sample::cpu), median(list, Sample::megabytes)));
        System.out.println("\nrequests of a warm chat: " + chats);
    }

    private static boolean onPath(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    // ------------------------------------------------------------------------------------------------ the rows

    private List<Row> rows() throws Exception {
        var rows = new ArrayList<Row>();
        String host = sim.url();
        var jvm = jbangsOwnCommand();
        rows.add(new Row("chat, the JVM as JBang starts it (`//CDS`)", shell(host, jvm + " chat '" + ASK + "'")));
        rows.add(new Row("chat, the same without `//CDS`", shell(host, withoutArchive(jvm) + " chat '" + ASK + "'")));
        rows.add(overHttps("chat over HTTPS, with `//CDS`", tls.trusting(jvm)));
        run(shell(host, jvm + " install -q --dir " + home).toArray(String[]::new));
        String cop = home.resolve("cop").toString();
        rows.add(new Row("`cop` chat, installed (AOT)", shell(host, cop + " chat '" + ASK + "'")));
        rows.add(overHttps("`cop` chat over HTTPS", trusting(Path.of(cop))));
        rows.add(new Row("`cop --version`", shell(host, cop + " --version")));
        rows.add(new Row("`cop --help`", shell(host, cop + " --help")));
        rows.add(new Row("chat through JBang", shell(host, "scripts/jbang copilot.java chat '" + ASK + "'")));
        rows.add(new Row("JBang, an empty script", shell(host, "scripts/jbang " + emptyScript())));
        rows.add(new Row("`chat -t review`, with `//CDS`",
                shell(host, jvm + " chat -t review --var 'diff=" + ASK + "'")));
        rows.add(new Row("`render review`, with `//CDS`", shell(host, jvm + " render review --var diff=x")));
        rows.add(new Row("`--version`, with `//CDS`", shell(host, jvm + " --version")));
        rows.add(new Row("`--help`, with `//CDS`", shell(host, jvm + " --help")));
        rows.add(new Row("`chat --help`, with `//CDS`", shell(host, jvm + " chat --help")));
        rows.add(new Row("an empty `java`", List.of(java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
                "-cp", System.getProperty("java.class.path"), "cop.bench$Empty")));
        rows.add(new Row("`curl`, steps 4 and 5", shell(host, curl())));
        rows.add(new Row("`node` with `fetch`, step 5", shell(host, "node " + node())));
        if (onPath("promptfoo")) rows.add(new Row("`promptfoo --version`", shell(host, "promptfoo --version")));
        return rows;
    }

    /// One origin for all: the exchange must not name the API's plain address.
    private Row overHttps(String name, String jvm) throws Exception {
        sim.set("endpoints", "none");
        run(shell(tls.url(), jvm + " token").toArray(String[]::new));
        sim.set("endpoints", "api");
        return new Row(name, shell(tls.url(), jvm + " chat -m gpt-4.1 '" + ASK + "'"));
    }

    /// The launcher with our certificate beside the JDK's.
    private String trusting(Path launcher) throws Exception {
        Path copy = Files.copy(launcher, home.resolve("cop-https"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.writeString(copy, Files.readString(copy).replace("exec \"$java\" ", tls.trusting("exec \"$java\" ")));
        return copy.toString();
    }

    /// JBang prints the command that starts the script's JVM; with it the JVM can be timed without JBang.
    private String jbangsOwnCommand() throws Exception {
        run("scripts/jbang", "copilot.java", "--version");
        String folder = System.getenv().getOrDefault("JBANG_DIR", System.getenv("HOME") + "/.jbang");
        try (var jars = Files.newDirectoryStream(Path.of(folder, "bin"), "jbang-cli-*-all.jar")) {
            String jdk = System.getProperty("java.home");
            String printed = run("bash", "-c", "JBANG_RUNTIME_SHELL=bash JAVA_HOME='" + jdk + "' '" + java
                    + "' -Duser.home=\"$HOME\" -jar '" + jars.iterator().next()
                    + "' copilot.java 2>/dev/null; true").strip();
            if (printed.contains("copilot")) return printed;
            throw new IllegalStateException("JBang printed no command: " + printed);
        }
    }

    private static String withoutArchive(String command) {
        return command.replaceAll("'?-XX:SharedArchiveFile=\\S+", "");
    }

    private String emptyScript() throws IOException {
        return Files.writeString(home.resolve("empty.java"), "void main() {}\n").toString();
    }

    /// Both requests by one curl, as in the README; the Copilot token is taken beforehand, so that is in its favour.
    private String curl() throws Exception {
        String bearer = run(shell(sim.url(), jbangsOwnCommand() + " token --header").toArray(String[]::new)).strip();
        String identity = " -H 'Editor-Version: vscode/1.85.0' -H 'Editor-Plugin-Version: copilot/1.155.0'"
                + " -H 'User-Agent: GitHubCopilotChat/0.12.0'";
        return "curl -sS -o /dev/null" + identity + " -H 'Authorization: token " + simulator.GITHUB_TOKEN + "' "
                + sim.url() + "/copilot_internal/v2/token --next -sSN" + identity + " -H '" + bearer + "'"
                + " -H 'Content-Type: application/json' -H 'Copilot-Integration-Id: vscode-chat' -d '" + body() + "' "
                + sim.api() + "/chat/completions";
    }

    private String node() throws Exception {
        String bearer = run(shell(sim.url(), jbangsOwnCommand() + " token").toArray(String[]::new)).strip();
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
                """.formatted(sim.api(), body(), bearer)).toString();
    }

    private static String body() {
        return "{\"model\":\"gpt-4.1\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"" + ASK + "\"}]}";
    }

    /// A command line of ours (nothing foreign is in it) with the simulator's host and an account.
    private List<String> shell(String host, String line) {
        return List.of("env", "-i", "PATH=" + System.getenv("PATH"), "HOME=" + System.getenv("HOME"), "LANG=C.UTF-8",
                "COP_HOST=" + host, "COP_HOME=" + home,
                "COPILOT_GITHUB_TOKEN=" + simulator.GITHUB_TOKEN, "bash", "-c", "exec " + line);
    }

    // --------------------------------------------------------------------------------------------- measuring

    /// CPU and memory by GNU time, which counts what the process waited for as well.
    private Sample sample(Row row) throws Exception {
        Path figures = home.resolve("figures");
        var command = new ArrayList<>(List.of("/usr/bin/time", "-o", figures.toString(), "-f", "%U %S %M"));
        command.addAll(row.command());
        long start = System.nanoTime();
        String said = run(command.toArray(String[]::new));
        double wall = (System.nanoTime() - start) / 1e6;
        if (row.name().contains("chat") && said.isBlank()) throw new IllegalStateException(row.name() + ": no answer");
        String[] parts = Files.readAllLines(figures).getLast().split(" ");
        return new Sample(wall, (Double.parseDouble(parts[0]) + Double.parseDouble(parts[1])) * 1000,
                Double.parseDouble(parts[2]) / 1024);
    }

    private String run(String... command) throws Exception {
        var process = new ProcessBuilder(command).directory(root.toFile())
                .redirectInput(new File("/dev/null")).redirectError(home.resolve("stderr").toFile()).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IllegalStateException(List.of(command) + " ended with " + process.exitValue() + ": "
                    + Files.readString(home.resolve("stderr")));
        }
        return out;
    }

    private static double median(List<Sample> samples, ToDoubleFunction<Sample> figure) {
        var sorted = samples.stream().mapToDouble(figure).sorted().toArray();
        return sorted.length % 2 == 1 ? sorted[sorted.length / 2]
                : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
    }

    private static Path checkout() {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            if (Files.exists(folder.resolve("copilot.java"))) return folder;
        }
        throw new IllegalStateException("run it in a checkout of copilot.java");
    }

    /// Batches against the simulator with 100 ms of latency, 32 at once, beside a node program that does nothing but
    /// the same requests, and what is ideal: rows / 32 × 100 ms. (The simulator works on the same machine.)
    private final class Batches {
        private static final int JOBS = 32, LATENCY = 100;

        private final String jvm = jbangsOwnCommand();

        Batches() throws Exception {
            Files.createDirectories(home.resolve("templates"));
            Files.writeString(home.resolve("templates/row.mustache"), "say: {{text}}");
        }

        void print(int rounds) throws Exception {
            sim.set("latency", LATENCY);
            System.out.printf("%nBatches, --delay 0, %d ms of latency, median of %d (the long ones: once)%n%n| what |"
                    + " wall s | CPU s | peak MB | of the ideal rate |%n|---|--:|--:|--:|--:|%n", LATENCY, rounds);
            row("1,000 rows, -j 32", 1000, JOBS, rounds, ours(JOBS));
            row("`node` with `fetch`, the same requests", 1000, JOBS, rounds, "node " + node(1000));
            if (onPath("promptfoo")) row("promptfoo, the same prompts", 1000, JOBS, 1, promptfoo());
            row("10,000 rows, -j 32", 10_000, JOBS, 1, ours(JOBS));
            row("`node`, 10,000", 10_000, JOBS, 1, "node " + node(10_000));
            for (int jobs : List.of(64, 128, 256)) row("10,000 rows, -j " + jobs, 10_000, jobs, 1, ours(jobs));
            nothing();
            sim.set("latency", 0);
        }

        private String ours(int jobs) {
            return jvm + " batch row -d rows.jsonl -o out.jsonl -j " + jobs + " --delay 0 -q";
        }

        private void row(String name, int rows, int jobs, int rounds, String command) throws Exception {
            var samples = new ArrayList<Sample>();
            var rates = new ArrayList<Double>();
            rows(rows);
            for (int i = 0; i < rounds; i++) {
                forget();
                int before = sim.ledger().size();
                samples.add(sample(new Row(name, inHome(command))));
                var asked = sim.ledger().stream().skip(before).filter(e -> e.path().equals("/chat/completions"))
                        .toList();
                if (asked.size() != rows) throw new IllegalStateException(name + ": " + asked.size() + " requests");
                double seconds = Duration.between(asked.getFirst().at(), asked.getLast().at()).toMillis() / 1000.0
                        + LATENCY / 1000.0;
                rates.add(rows * LATENCY / 1000.0 / jobs / seconds);
            }
            rates.sort(null);
            System.out.printf("| %s | %.1f | %.1f | %.0f | %.2f |%n", name, median(samples, Sample::wall) / 1000,
                    median(samples, Sample::cpu) / 1000, median(samples, Sample::megabytes),
                    rates.get(rates.size() / 2));
        }

        private void forget() throws IOException {
            for (String old : List.of("out.jsonl.run/journal.jsonl", "out.jsonl.run/manifest.json")) {
                Files.deleteIfExists(home.resolve(old));
            }
        }

        /// What is alive after a full collection, shortly before the last rows.
        void heap() throws Exception {
            System.out.println("\n| rows | live heap MB |\n|--:|--:|");
            for (int rows : List.of(1000, 10_000, 100_000)) {
                rows(rows);
                forget();
                sim.set("latency", 20);
                long before = sim.count("/chat/completions");
                var process = new ProcessBuilder(inHome(ours(64))).redirectErrorStream(true)
                        .redirectOutput(home.resolve("stderr").toFile()).start();
                while (process.isAlive() && sim.count("/chat/completions") - before < rows * 0.9) Thread.sleep(2);
                sim.set("latency", 3000);                   // nothing ends while we look
                String jcmd = Path.of(System.getProperty("java.home"), "bin/jcmd") + " " + process.pid();
                String said = run("bash", "-c", jcmd + " GC.run >&2; " + jcmd + " GC.class_histogram");
                sim.set("latency", 0);
                System.out.printf("| %,d | %.1f |%n", rows,
                        (bytes(said, "Total") - bytes(said, "FillerElement")) / 1e6);
                process.waitFor();
            }
        }

        /// The run before has asked all 10,000.
        private void nothing() throws Exception {
            var samples = new ArrayList<Sample>();
            for (int i = 0; i < 3; i++) {
                samples.add(sample(new Row("nothing", inHome(jvm + " batch row -d rows.jsonl -o out.jsonl -q"))));
            }
            System.out.printf("| nothing to do, 10,000 rows | %.1f | %.1f | %.0f | |%n", median(samples, Sample::wall)
                    / 1000, median(samples, Sample::cpu) / 1000, median(samples, Sample::megabytes));
        }

        private void rows(int count) throws IOException {
            Files.writeString(home.resolve("rows.jsonl"), IntStream.range(0, count).mapToObj(i -> "{\"id\": " + i
                    + ", \"text\": \"answer " + i + " of a classification\"}\n").collect(Collectors.joining()));
        }

        private List<String> inHome(String line) {
            return shell(sim.url(), "bash -c 'cd " + home + " && exec " + line.replace("'", "'\\''") + "'");
        }

        /// @param histogram of classes; FillerElement is what the collector fills its gaps with, and no object
        private static long bytes(String histogram, String name) {
            return histogram.lines().filter(line -> line.contains(name)).map(line -> line.strip().split("\\s+")[2])
                    .mapToLong(Long::parseLong).findFirst().orElse(0);
        }

        /// The same prompts by promptfoo's `eval`, its database and cache off.
        private String promptfoo() throws Exception {
            String bearer = run(shell(sim.url(), jbangsOwnCommand() + " token").toArray(String[]::new)).strip();
            Files.writeString(home.resolve("promptfooconfig.json"), """
                    {"prompts": ["say: {{text}}"], "tests": "file://rows.csv", "providers": [{
                      "id": "openai:chat:gpt-4.1", "config": {"apiBaseUrl": "%s", "apiKey": "%s", "headers": {
                        "Copilot-Integration-Id": "vscode-chat", "Editor-Version": "vscode/1.85.0",
                        "Editor-Plugin-Version": "copilot/1.155.0", "User-Agent": "GitHubCopilotChat/0.12.0"}}}]}
                    """.formatted(sim.api(), bearer));
            Files.writeString(home.resolve("rows.csv"), IntStream.range(0, 1000).mapToObj(i -> "answer " + i)
                    .collect(Collectors.joining("\n", "text\n", "\n")));
            return "env PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 promptfoo eval"
                    + " -c promptfooconfig.json -j " + JOBS + " --no-cache --no-write --no-table --no-progress-bar"
                    + " -o promptfoo.json";
        }

        private String node(int rows) throws Exception {
            String bearer = run(shell(sim.url(), jbangsOwnCommand() + " token").toArray(String[]::new)).strip();
            return Files.writeString(home.resolve("batch.mjs"), """
                    let next = 0;
                    async function worker() {
                      while (next < %d) {
                        const text = "say: answer " + next++;
                        const answer = await fetch("%s/chat/completions", {method: "POST", body: JSON.stringify({
                          model: "gpt-4.1", stream: true, messages: [{role: "user", content: text}]}), headers: {
                          "Authorization": "Bearer %s", "Content-Type": "application/json",
                          "Copilot-Integration-Id": "vscode-chat", "Editor-Version": "vscode/1.85.0",
                          "Editor-Plugin-Version": "copilot/1.155.0", "User-Agent": "GitHubCopilotChat/0.12.0"}});
                        for (const line of (await answer.text()).split("\\n")) {
                          if (line.startsWith("data: {")) JSON.parse(line.slice(6));
                        }
                      }
                    }
                    await Promise.all(Array.from({length: %d}, worker));
                    """.formatted(rows, sim.api(), bearer, JOBS)).toString();
        }
    }

    /// 10,000 prompts of 5 KB, each from data of its own, in this JVM: by our strict mustache with its data read from
    /// JSON, the same with the data at hand, and by mustache.java as it comes, which escapes HTML and swallows what is
    /// missing.
    private static final class Renders {
        private static final int PROMPTS = 10_000;
        private static final String TEMPLATE = """
                Review this change of {{author.name}}{{#focus}}, above all: {{focus}}{{/focus}}.

                {{#files}}
                - {{path}} ({{lines}} lines)
                {{/files}}

                {{diff}}
                """;

        static void print() {
            var rows = IntStream.range(0, PROMPTS).mapToObj(Renders::row).toList();
            var engine = new StrictMustache(_ -> Optional.empty(), List::of);
            var ours = engine.text(TEMPLATE, "bench", 1);
            var plain = new DefaultMustacheFactory().compile(new StringReader(TEMPLATE), "bench");
            var data = rows.stream().map(row -> Data.object(row, "row")).toList();
            var kinds = new LinkedHashMap<String, IntFunction<String>>();
            kinds.put("ours, each row read from JSON", i ->
                    engine.render(ours, Data.object(rows.get(i), "row")).text());
            kinds.put("ours, the data at hand", i -> engine.render(ours, data.get(i)).text());
            kinds.put("mustache.java as it comes, the data at hand", i -> {
                var text = new StringWriter();
                plain.execute(text, data.get(i));
                return text.toString();
            });
            System.out.printf("%n%,d renders of a prompt of %,d bytes, median of 7%n%n| what | ms |%n|---|--:|%n",
                    PROMPTS, kinds.firstEntry().getValue().apply(0).getBytes(StandardCharsets.UTF_8).length);
            var times = new LinkedHashMap<String, List<Double>>();
            for (int round = -1; round < 7; round++) {      // the first fills the compilers' caches
                for (var kind : kinds.entrySet()) {
                    long start = System.nanoTime();
                    long bytes = 0;
                    for (int i = 0; i < PROMPTS; i++) bytes += kind.getValue().apply(i).length();
                    if (bytes < PROMPTS * 4000L) throw new IllegalStateException("only " + bytes);
                    var list = times.computeIfAbsent(kind.getKey(), _ -> new ArrayList<>());
                    if (round >= 0) list.add((System.nanoTime() - start) / 1e6);
                }
            }
            times.forEach((kind, list) -> System.out.printf("| %s | %.0f |%n", kind,
                    list.stream().sorted().toList().get(list.size() / 2)));
        }

        private static String row(int i) {
            var files = IntStream.range(0, 10).mapToObj(f -> Map.<String, Object>of("path", "src/File" + f + ".java",
                    "lines", new Data.Digits("" + (i + f)))).toList();
            String diff = ("+ line " + i + " of a change, with {{braces}} and some more words in it\n").repeat(74);
            return Data.text(Map.of("author", Map.of("name", "Ann " + i), "focus", "what is <unsafe> & \"odd\"",
                    "files", files, "diff", diff));
        }
    }

    /// From the moment a delta leaves the server to the moment it has come out of the tool's stdout.
    private final class FirstDelta {
        private static final int DELTAS = 40;
        private final long[] sent = new long[DELTAS];

        void print() throws Exception {
            try (var server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
                Thread.ofVirtual().start(() -> serve(server));
                String host = "http://127.0.0.1:" + server.getLocalPort();
                fakeToken(host);
                var builder = new ProcessBuilder(shell(host, jbangsOwnCommand() + " chat -m gpt-4.1 hi"));
                var process = builder.directory(root.toFile()).redirectInput(new File("/dev/null")).start();
                var delays = new ArrayList<Double>();
                var in = process.getInputStream();
                for (int i = 0; i < DELTAS; i++) {
                    while (in.read() != ' ') { }
                    delays.add((System.nanoTime() - sent[i]) / 1e6);
                }
                in.readAllBytes();
                process.waitFor();
                double first = delays.getFirst();
                delays.sort(null);
                System.out.printf("from the server to stdout: the first delta %.1f ms, median %.1f ms, slowest %.1f"
                        + " ms%n", first, delays.get(DELTAS / 2), delays.getLast());
            }
        }

        private void serve(ServerSocket server) {
            try (var socket = server.accept()) {
                socket.setTcpNoDelay(true);
                socket.getInputStream().read(new byte[8192]);
                var out = socket.getOutputStream();
                out.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n".getBytes());
                for (int i = 0; i < DELTAS; i++) {
                    Thread.sleep(25);
                    byte[] event = ("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x \"},\"finish_reason\":"
                            + (i == DELTAS - 1 ? "\"stop\"" : "null") + "}]}\n\n").getBytes();
                    sent[i] = System.nanoTime();
                    out.write(event);
                }
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        /// A cached token for that host, so that the chat is the first and only request.
        private void fakeToken(String host) {
            var env = Environment.of(InputStream.nullInputStream(), null, null, Map.of("COP_HOME", home.toString()),
                    () -> false);
            var source = new GithubToken("bench", simulator.GITHUB_TOKEN, "");
            var file = Json.object().put("fetched_at", Instant.now().getEpochSecond());
            file.putObject("answer").put("token", "tid=bench").put("refresh_in", 1500)
                    .putObject("endpoints").put("api", host);
            var store = Home.of(env);
            store.write(store.token(source.key(Host.of(host))), file);
        }
    }

    /// TLS in front of the simulator: a relay with a certificate for 127.0.0.1, and the JDK's own authorities with
    /// one of ours, so that reading them costs what it costs everywhere. Its chain is of the kind that public sites
    /// show: a server's and a middle certificate of P-256, under a root of P-384.
    private static final class Tls {
        private static final char[] PASSWORD = "changeit".toCharArray();
        private final Path keys, trusted;
        private final SSLServerSocket server;

        Tls(Path home, simulator sim) throws Exception {
            keys = home.resolve("keys.p12");
            trusted = Files.copy(Path.of(System.getProperty("java.home"), "lib/security/cacerts"),
                    home.resolve("cacerts"));
            trusted.toFile().setWritable(true);
            keytool(keys, "-genkeypair", "-alias", "root", "-keyalg", "EC", "-groupname", "secp384r1", "-dname",
                    "CN=bench root", "-ext", "bc:c");
            keytool(keys, "-genkeypair", "-alias", "middle", "-keyalg", "EC", "-groupname", "secp256r1", "-dname",
                    "CN=bench middle", "-ext", "bc:c=ca:true,pathlen:0", "-signer", "root");
            keytool(keys, "-genkeypair", "-alias", "server", "-keyalg", "EC", "-groupname", "secp256r1", "-dname",
                    "CN=bench", "-ext", "SAN=IP:127.0.0.1", "-signer", "middle");
            Path root = home.resolve("root.pem");
            keytool(keys, "-exportcert", "-rfc", "-alias", "root", "-file", root.toString());
            keytool(trusted, "-importcert", "-noprompt", "-alias", "bench", "-file", root.toString());
            server = (SSLServerSocket) context().getServerSocketFactory()
                    .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
            Thread.ofPlatform().daemon().start(() -> accept(sim));
        }

        /// Shows the server's and the middle certificate, as a public site leaves its root away.
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
            String said = new String(process.getInputStream().readAllBytes());
            if (process.waitFor() != 0) throw new IllegalStateException(said);
        }

        private void accept(simulator sim) {
            while (true) {
                try {
                    var socket = server.accept();
                    socket.setTcpNoDelay(true);             // else the answer waits 40 ms for the client's ACK
                    Thread.ofVirtual().start(() -> relay(socket, sim));
                } catch (IOException e) {
                    return;
                }
            }
        }

        /// One origin in front of two: the first line of a connection says which is meant.
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
                // likewise
            }
        }
    }
}
