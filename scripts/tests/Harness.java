package cop;

import module java.base;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/// A simulator, an empty home, cleared variables and a clock of its own: what a test runs the tool in.
final class Harness implements AutoCloseable {
    /// What one run of the tool left behind.
    record Outcome(int code, String out, String err) {
        String all() { return "exit " + code + "\n--- stdout\n" + out + "--- stderr\n" + err; }
    }

    /// A clock that stands still until somebody sleeps; the simulator goes by it too.
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

    /// What hints begin with, as an alias of this name has it.
    static final String COMMAND = "copilot";

    final VirtualTime time = new VirtualTime();
    /// Stricter than the service is known to be: what we send is what the sources name, and once.
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

    /// Logged in from the start, by the variable that may go to a host of the user's own.
    static Harness loggedIn() { return new Harness().with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN); }

    Harness with(String variable, String value) {
        if (value == null) variables.remove(variable);
        else variables.put(variable, value);
        return this;
    }

    /// The descriptors that are to look like a terminal.
    Harness terminal(Integer... descriptors) {
        terminals.addAll(List.of(descriptors));
        return this;
    }

    /// Processes are as JBang starts copilot.java alone: without the classes of the programs.
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

    /// No token on any output, whatever the test is about; `token` and `api` are there to print one.
    private static Outcome checked(Outcome outcome, String... args) {
        boolean mayShow = args.length > 0 && (args[0].equals("token") || args[0].equals("api"));
        String token = "(?s).*(gh[a-z]_[A-Za-z0-9]{12}|github_pat_[A-Za-z0-9]{8}|tid=[0-9a-f]{8}).*";
        assertFalse(outcome.err().matches(token),
                () -> "a token on stderr\n" + outcome.all());
        assertFalse(!mayShow && outcome.out().matches(token),
                () -> "a token on stdout\n" + outcome.all());
        return outcome;
    }

    /// The same as a process of its own, with nothing of our environment; signals reach it as from a terminal.
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

    /// Runs it to its end; stdin is empty unless a text is given.
    Outcome runProcess(String stdin, String... args) {
        try {
            return finished(onStdin(stdin, process(args)).start(), stdin, args);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Makes an empty stdin `</dev/null`: an empty pipe is said.
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

    /// Waits until something is so; fails after 20 s with what was waited for.
    static void await(String what, BooleanSupplier condition) {
        for (long end = System.nanoTime() + 20_000_000_000L; !condition.getAsBoolean(); ) {
            if (System.nanoTime() > end) throw new AssertionError("did not come to pass: " + what);
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
