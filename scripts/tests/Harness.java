package cop;

import module java.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import tools.jackson.databind.JsonNode;

/// The environment of a test: a simulator, an empty home, cleared variables and a virtual clock.
final class Harness implements AutoCloseable {
    /// The result of one run of the tool.
    record Outcome(int code, String out, String err) {
        String all() { return "exit " + code + "\n--- stdout\n" + out + "--- stderr\n" + err; }
    }

    /// A clock that advances only by sleeping, shared with the simulator.
    static final class VirtualTime implements Time, InstantSource {
        private Instant now = Instant.parse("2026-11-22T10:00:00Z");
        final List<Duration> pauses = new ArrayList<>();

        @Override
        public synchronized Instant now() { return now; }

        @Override
        public Instant instant() { return now(); }

        @Override
        public synchronized void sleep(Duration pause) {
            pauses.add(pause);
            now = now.plus(pause);
        }

        synchronized void advance(Duration by) { now = now.plus(by); }
    }

    /// The command name in hints, as with an alias of this name.
    static final String COMMAND = "copilot";

    /// An image of one pixel, in Base64.
    static final String PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYmYBAAAPAAVfA4IAAAAA"
            + "SUVORK5CYII=";

    final VirtualTime time = new VirtualTime();
    /// Stricter than the service is known to be: only documented fields and headers, each once, are accepted.
    final simulator sim = simulator.start(time).set("unknown-fields", "refuse").set("strict-headers", true);
    final Path home;
    final Map<String, String> variables = new TreeMap<>();
    private final Set<Integer> terminals = new HashSet<>();
    private String classPath = System.getProperty("java.class.path");

    Harness() {
        try {
            home = Files.createTempDirectory("cop-test-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        variables.put("HOME", home.toString());
        variables.put("COP_HOST", sim.url());
    }

    /// Returns a harness logged in by the variable that may be sent to a custom host.
    static Harness loggedIn() { return new Harness().with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN); }

    Harness with(String variable, String value) {
        if (value == null) variables.remove(variable);
        else variables.put(variable, value);
        return this;
    }

    /// Makes these descriptors look like a terminal.
    Harness terminal(Integer... descriptors) {
        terminals.addAll(List.of(descriptors));
        return this;
    }

    /// Runs processes without the classes of the programs, as JBang starts copilot.java alone.
    Harness withoutPrograms() {
        try {
            var place = Path.of(copilot.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            assumeFalse(Files.isDirectory(place), "the tests' classes are in a jar");
            try (var jar = new JarFile(place.toFile())) {
                for (var entry : Collections.list(jar.entries())) {
                    boolean program = Commands.PROGRAMS.contains(entry.getName()
                            .replaceFirst("cop/(.*)\\.class", "$1"));
                    if (program || !entry.getName().endsWith(".class")) continue;
                    Path file = file("alone").resolve(entry.getName());
                    Files.createDirectories(file.getParent());
                    try (var in = jar.getInputStream(entry)) {
                        Files.copy(in, file);
                    }
                }
            }
            classPath = classPath.replace(place.toString(), file("alone").toString());
            return this;
        } catch (IOException | URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    Path file(String name) { return home.resolve(name); }

    Path write(String name, String text) {
        try {
            Files.createDirectories(file(name).getParent());
            return Files.writeString(file(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String read(String name) {
        try {
            return Files.readString(file(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Asserts the exit code, and that no defect of the tool was reported.
    static Outcome exits(int code, Outcome outcome) {
        assertEquals(code, outcome.code(), outcome::all);
        assertFalse(outcome.all().contains("bug in copilot.java"), outcome::all);
        return outcome;
    }

    static Outcome ok(Outcome outcome) { return exits(0, outcome); }

    /// Runs the tool and asserts that it succeeds.
    Outcome ok(String... args) { return ok(run(args)); }

    /// Asserts that stderr contains each text; one that begins with a newline begins a line.
    static Outcome reports(Outcome outcome, String... texts) {
        for (String text : texts) {
            assertTrue(("\n" + outcome.err()).contains(text),
                    () -> "stderr does not contain: " + text + "\n" + outcome.all());
        }
        return outcome;
    }

    static Outcome reports(Outcome outcome, int code, String... texts) {
        return reports(exits(code, outcome), texts);
    }

    static final Pattern TOKEN = Pattern.compile("gh[a-z]_[A-Za-z0-9]{12}|github_pat_[A-Za-z0-9]{8}|tid=[0-9a-f]{8}");
    static final Pattern TRACE = Pattern.compile("(?m)^\\s+at [\\w.$]+\\(|Exception in thread");

    /// Asserts one error line with this in it, one hint line, no stack trace, and nothing on stdout.
    static Outcome failed(int code, String error, Outcome outcome) {
        var lines = outcome.err().lines().toList();
        var wrong = new ArrayList<String>();
        if (outcome.code() != code) wrong.add("exit code, expected " + code);
        if (!outcome.out().isEmpty()) wrong.add("stdout is not empty");
        if (lines.size() != 2) wrong.add("stderr does not have two lines");
        if (lines.isEmpty() || !lines.getFirst().startsWith("error: ")) wrong.add("no error line");
        if (lines.isEmpty() || !lines.getFirst().contains(error)) wrong.add("the error does not contain " + error);
        if (lines.isEmpty() || !lines.getLast().matches("hint: \\S.*")) wrong.add("no hint line");
        if (TRACE.matcher(outcome.err()).find() || outcome.err().contains("this is a bug")) wrong.add("a bug");
        assertTrue(wrong.isEmpty(), () -> String.join("; ", wrong) + "\n" + outcome.all());
        return outcome;
    }

    /// Asserts that a hint line contains the text.
    static void hints(String hint, Outcome outcome) {
        assertTrue(outcome.err().lines().anyMatch(l -> l.startsWith("hint: ") && l.contains(hint)), outcome::all);
    }

    static void showsNot(String text, Outcome outcome) {
        assertFalse(outcome.err().contains(text), () -> "stderr contains: " + text + "\n" + outcome.all());
    }

    /// Asserts that stdout or stderr contains each text.
    static Outcome prints(Outcome outcome, String... texts) {
        for (String text : texts) {
            assertTrue(("\n" + outcome.out()).contains(text) || ("\n" + outcome.err()).contains(text),
                    () -> "not printed: " + text + "\n" + outcome.all());
        }
        return outcome;
    }

    static Outcome prints(Outcome outcome, int code, String... texts) { return prints(exits(code, outcome), texts); }

    /// Runs the tool in this process with `</dev/null`.
    Outcome run(String... args) { return runWith("", args); }

    Outcome runWith(String stdin, String... args) {
        return runWith(stdin.getBytes(StandardCharsets.UTF_8), args);
    }

    Outcome runWith(byte[] stdin, String... args) {
        var in = new Stdin(new ByteArrayInputStream(stdin), terminals.contains(0) ? Stdin.Kind.TERMINAL
                : stdin.length == 0 ? Stdin.Kind.FILE : Stdin.Kind.PIPE);
        var out = new StringWriter();
        var err = new StringWriter();
        int code = copilot.run(environment(in, new PrintWriter(out), new PrintWriter(err)), args);
        return checked(new Outcome(code, out.toString(), err.toString()), args);
    }

    Environment environment(Stdin in, PrintWriter out, PrintWriter err) {
        return new Environment(in, out, err, Map.copyOf(variables), terminals::contains, time, () -> false, home);
    }

    /// Returns an environment with an empty stdin that discards all output.
    Environment environment() {
        return environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                new PrintWriter(Writer.nullWriter()), new PrintWriter(Writer.nullWriter()));
    }

    /// The verbs of JShell and scripts in this home, printing nothing.
    Toolkit toolkit() { return new Toolkit(environment()); }

    /// The chat requests so far, on all three endpoints.
    List<simulator.Entry> chats() {
        return sim.ledger().stream().filter(entry -> copilot.Delivery.ENDPOINTS.containsValue(entry.path())).toList();
    }

    /// The bodies of the chat requests so far.
    List<JsonNode> bodies() { return chats().stream().map(simulator.Entry::body).toList(); }

    /// The first message of each chat request, without the simulator's `say: `.
    List<String> prompts() {
        return bodies().stream().map(body -> Json.text(body.path("messages").path(0), "content").replace("say: ", ""))
                .toList();
    }

    /// The messages of a request, each as `role: content`.
    static List<String> messages(JsonNode body) {
        return body.path("messages").valueStream()
                .map(message -> Json.text(message, "role") + ": " + Json.text(message, "content")).toList();
    }

    /// The values of a request's header, joined by `|`.
    static String header(simulator.Entry entry, String name) {
        return String.join("|", entry.headers().getOrDefault(name.toLowerCase(Locale.ROOT), List.of()));
    }

    /// The requests to this path so far.
    List<simulator.Entry> requests(String path) {
        return sim.ledger().stream().filter(entry -> entry.path().equals(path)).toList();
    }

    simulator.Entry last(String path) { return requests(path).getLast(); }

    /// Runs `chat --json` and parses its record.
    JsonNode record(String... args) {
        return Json.object(ok(Stream.concat(Stream.of("chat", "--json"), Stream.of(args)).toArray(String[]::new)).out(),
                "the record");
    }

    /// Runs `batch` with the template t, rows.jsonl and out.jsonl.
    Outcome batch(String... more) {
        return run(Stream.concat(Stream.of("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl"), Stream.of(more))
                .toArray(String[]::new));
    }

    /// Writes rows.jsonl: each argument is a row's text, its first letter the id.
    void rows(String... texts) {
        write("rows.jsonl", Stream.of(texts).map(text -> "{\"id\": \"" + text.charAt(0) + "\", \"text\": \"" + text
                + "\"}\n").collect(Collectors.joining()));
    }

    /// The names of the cached files of a kind: `token-`, `auto-`.
    List<String> cached(String kind) {
        try (var files = Files.list(file(".cache/copilot.java"))) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith(kind)
                    && name.endsWith(".json")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Logs in without the variable of the environment, and puts it back.
    void storeLogin() {
        String variable = variables.get("COPILOT_GITHUB_TOKEN");
        with("COPILOT_GITHUB_TOKEN", null);
        assertEquals(0, runWith(simulator.GITHUB_TOKEN, "login", "--with-token").code());
        with("COPILOT_GITHUB_TOKEN", variable);
    }

    /// An environment with a clock of its own in which nothing looks like a terminal.
    Environment environment(Time time) {
        return new Environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                new PrintWriter(Writer.nullWriter()), new PrintWriter(Writer.nullWriter()), Map.copyOf(variables),
                _ -> false, time, () -> false, home);
    }

    /// The simulator as if it were GitHub's own host, so that all token sources count.
    Context context(HttpSender http, Environment environment) {
        sim.set("endpoints", "none");
        var origin = URI.create(sim.url());
        return new Context(new Console(environment), Home.of(environment), new Host("github.com", origin, origin,
                URI.create(sim.api()), false), Headers.parse(null, List.of()), http);
    }

    static TokenManager tokens(Context context) { return new TokenManager(context, new CredentialSources(context)); }

    /// A file of JSON lines, parsed.
    List<JsonNode> jsonLines(String name) { return read(name).lines().map(Json::tryParse).toList(); }

    /// Writes an image of one pixel.
    void image(String name) {
        try {
            Files.write(file(name), Base64.getDecoder().decode(PNG));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// No token on any output, and no stack trace without -v; `token` and `api` may print a token.
    private static Outcome checked(Outcome outcome, String... args) {
        boolean mayShow = args.length > 0 && (args[0].equals("token") || args[0].equals("api"));
        assertFalse(TOKEN.matcher(outcome.err()).find(), () -> "a token on stderr\n" + outcome.all());
        assertFalse(!mayShow && TOKEN.matcher(outcome.out()).find(), () -> "a token on stdout\n" + outcome.all());
        Messages.collect(outcome.err());
        boolean verbose = Stream.of(args).anyMatch(arg -> arg.equals("-v") || arg.equals("--verbose"));
        assertFalse(!verbose && TRACE.matcher(outcome.err()).find(), () -> "a stack trace\n" + outcome.all());
        return outcome;
    }

    /// Returns a process of the tool with a clean environment; signals reach it as from a terminal.
    ProcessBuilder process(String... args) {
        String system = System.getProperty("os.name");
        assumeFalse(system.startsWith("Windows"), "processes are tested with POSIX signals and pipes");
        var command = new ArrayList<String>();
        if (system.equals("Linux")) command.addAll(List.of("env", "--default-signal=INT",
                "--default-signal=HUP"));
        command.addAll(List.of(ProcessHandle.current().info().command().orElse("java"), "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED",
                "-Dcop.command=" + COMMAND, "-cp", classPath, "cop.copilot"));
        command.addAll(List.of(args));
        var builder = new ProcessBuilder(command).directory(home.toFile());
        builder.environment().clear();
        builder.environment().putAll(variables);
        builder.environment().putIfAbsent("PATH", System.getenv("PATH"));
        builder.environment().putIfAbsent("LC_ALL", "C.UTF-8");
        return builder;
    }

    /// Runs the tool as a process; stdin is empty unless a text is given.
    Outcome runProcess(String stdin, String... args) {
        try {
            return finished(onStdin(stdin, process(args)).start(), stdin, args);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Redirects an empty stdin from /dev/null, because an empty pipe prints a note.
    static ProcessBuilder onStdin(String stdin, ProcessBuilder builder) {
        return stdin == null || stdin.isEmpty() ? builder.redirectInput(new File("/dev/null")) : builder;
    }

    static Outcome finished(Process process, String stdin, String... args) {
        try (var readers = Executors.newVirtualThreadPerTaskExecutor()) {
            var out = readers.submit(() -> new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
            var err = readers.submit(() -> new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
            try (var in = process.getOutputStream()) {
                if (stdin != null) in.write(stdin.getBytes(StandardCharsets.UTF_8));
            } catch (IOException _) {
                // it did not want all of it
            }
            if (!process.waitFor(120, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("still running after 120 s: " + List.of(args));
            }
            return checked(new Outcome(process.exitValue(), out.get(), err.get()), args);
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    /// Waits for a condition; fails after 20 s.
    static void await(String what, BooleanSupplier condition) {
        for (long end = System.nanoTime() + 20_000_000_000L; !condition.getAsBoolean(); ) {
            if (System.nanoTime() > end) throw new AssertionError("timed out waiting for: " + what);
            LockSupport.parkNanos(5_000_000);
        }
    }

    @Override
    public void close() {
        sim.close();
        try (var files = Files.walk(home)) {
            files.sorted(Comparator.reverseOrder()).forEach(p -> p.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
