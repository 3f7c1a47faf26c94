package cop;

import module java.base;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static cop.Harness.prints;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/// `install` and the launcher, in a temporary home.
@Timeout(value = 8, unit = TimeUnit.MINUTES)              // training takes half a minute, more where it is busy
class Installs {
    private final Harness cop = Harness.loggedIn();

    @BeforeEach
    void posix() { assumeFalse(System.getProperty("os.name").startsWith("Windows"), "a shell script is tested"); }

    @AfterEach
    void close() { cop.close(); }

    private Harness.Outcome install(String... more) {
        return cop.runProcess("", Stream.concat(Stream.of("install"), Stream.of(more)).toArray(String[]::new));
    }

    /// A program that a test before has had trained.
    private static Path trained;

    /// The same where training is not what it is about: it takes half a minute.
    private Harness.Outcome installTrained(String... more) throws IOException {
        Path share = cop.file(".local/share/copilot.java");
        if (trained != null) copy(trained, share);
        var outcome = install(more);
        if (trained == null) {
            trained = Files.createTempDirectory("copilot-trained-");
            copy(share, trained);
            Files.delete(trained.resolve("copilot.java.launchers"));
        }
        return outcome;
    }

    @AfterAll
    static void forget() throws IOException {
        if (trained == null) return;
        try (var all = Files.walk(trained)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) Files.delete(each);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var all = Files.walk(from)) {
            for (Path each : all.toList()) {
                Path copy = to.resolve(from.relativize(each).toString());
                if (Files.isDirectory(each)) Files.createDirectories(copy);
                else Files.copy(each, copy, StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    private Path launcher() { return cop.file(".local/bin/cop"); }

    private List<Path> programs() throws IOException {
        try (var all = Files.list(cop.file(".local/share/copilot.java"))) {
            return all.filter(Files::isDirectory).sorted().toList();
        }
    }

    /// Runs the launcher with nothing but what a person's shell has.
    private Harness.Outcome run(String stdin, String... args) {
        try {
            var command = new ArrayList<String>();
            if (System.getProperty("os.name").equals("Linux")) command.addAll(List.of("env", "--default-signal=INT"));
            command.add(launcher().toString());
            command.addAll(List.of(args));
            return Harness.finished(cop.process().command(command).start(), stdin, args);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void answers() {
        assertEquals("copilot.java " + copilot.VERSION + "\n", run("", "--version").out());
        var version = run("", "--version", "x");            // two words: the JVM's own answer
        assertEquals("copilot.java " + copilot.VERSION + "\n", version.out(), version::all);
        assertEquals("", version.err());
        assertEquals(0, version.code());
        var help = run("", "--help");
        assertEquals(Commands.overview("cop"), help.out(), help::all);
        assertEquals("", help.err());
        for (String[] asked : new String[][]{{}, {"-h"}, {"help"}, {"help", "help"}}) {
            assertEquals(help.out(), run("", asked).out());
        }
    }

    @Test
    void launcherRunsTheTool() throws Exception {
        var outcome = install();
        assertEquals(0, outcome.code(), outcome::all);
        assertEquals(launcher() + "\n", outcome.out());
        assertTrue(outcome.err().contains("is not on the PATH\nhint: add this to your shell's startup file: export "),
                outcome::all);
        assertFalse(outcome.err().contains("training failed"), outcome::all);
        answers();
        Path program = programs().getFirst();
        for (String part : Training.PARTS) assertTrue(Files.size(program.resolve(part + ".aot")) > 1 << 20, part);
        try (var files = Files.list(program)) {
            assertTrue(files.noneMatch(f -> f.toString().matches(".*(p12|pem|config)")), "nothing of the training");
        }
        // words arrive as they were typed
        assertEquals("a 'b' \"c\" $HOME `d` ä😀\n", run("", "chat", "say: a 'b' \"c\" $HOME `d` ä😀").out());
        assertEquals("piped\n", run("say: piped", "chat").out());
        assertTrue(run("say: piped", "chat", "-s", "").err().contains("--system is blank"), "an empty word arrives");
        assertEquals("x\n", cop.with("LC_ALL", "C").with("LANG", "C").runProcess("say: x", "chat").out());
        assertEquals("ü\n", run("", "chat", "say: ü").out(), "the locale is made UTF-8");
        assertEquals(2, run("", "chat", "--no-such").code());
        assertEquals(1, run("", "chat", "-m", "nosuch", "hi").code());
        // signals reach the JVM
        cop.sim.set("latency", 20_000);
        var process = cop.process().command("env", "--default-signal=INT", launcher().toString(), "chat", "hi").start();
        Harness.await("the request", () -> cop.sim.count("/chat/completions") > 4);
        new ProcessBuilder("kill", "-INT", "" + process.pid()).start().waitFor();
        assertTrue(process.waitFor(10, TimeUnit.SECONDS));
        assertEquals(130, process.exitValue());
        // a second time: the same program, nothing is trained again
        cop.sim.set("latency", 0);
        var made = Files.getLastModifiedTime(program.resolve("chat.aot"));
        assertFalse(install().err().contains("training"));
        assertEquals(made, Files.getLastModifiedTime(programs().getFirst().resolve("chat.aot")));
        assertEquals(1, programs().size());
    }

    /// A start loads what its command needs, out of the cache, and nothing else.
    @Test
    void startLoadsOnlyNeededClasses() throws Exception {
        installTrained();
        String chat = classesOf("chat", "say: hi"), shell = classesOf("repl", cop.write("a.jsh", "1 + 1").toString());
        assertTrue(chat.contains("cop.ChatJob source: shared objects file"), chat);
        assertTrue(shell.contains("jdk.jshell.JShell source: shared objects file"), shell);
        assertTrue(classesOf("templates").contains("cop.TemplateFolders source: shared objects file"));
        var apart = Pattern.compile(".*(jdk\\.jshell|com\\.sun\\.tools|networknt|cop\\.Batch(?!Command)|\\$Proxy"
                + "|\\.jar$).*");
        assertEquals(List.of(), chat.lines().filter(line -> apart.matcher(line).matches()).toList());
        assertTrue(shell.lines().filter(line -> line.contains("com.sun.tools.javac")).filter(line ->
                !line.contains("shared objects file")).count() < 50, shell);
    }

    private String classesOf(String... words) throws Exception {
        Path log = cop.file("classes"), copy = cop.file("cop-logging");
        Files.deleteIfExists(log);
        Files.copy(launcher(), copy, StandardCopyOption.COPY_ATTRIBUTES, StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(copy, Files.readString(copy).replace("-Xlog:disable", "-Xlog:disable -Xlog:class+load:file="
                + log));
        var command = new ArrayList<>(List.of(copy.toString()));
        command.addAll(List.of(words));
        var outcome = Harness.finished(cop.process().command(command).start(), "");
        assertEquals(0, outcome.code(), outcome::all);
        return Files.readString(log);
    }

    /// As far as it can be tested without Windows.
    @Test
    void windowsBatchFile() throws IOException {
        Path program = Files.createDirectories(cop.file("100% mine"));
        Files.writeString(program.resolve("00.jar"), "");
        String text = new Launcher("cop", cop.home, cop.home, null).batchFile(program);
        assertTrue(text.startsWith("@echo off\r\nrem "), text);
        assertTrue(text.contains("\r\nfor %%p in (chat repl serve) do if \"%~1\"==\"%%p\" set part=%%p\r\n"), text);
        assertTrue(text.contains("/100%% mine\\%part%.aot\" -XX:+UseSerialGC"), text);
        assertTrue(text.endsWith("00.jar\" cop.copilot %*\r\n"), text);
    }

    @Test
    void oldClassFilesAreUpgraded() throws Exception {
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!entry.contains("picocli")) continue;
            byte[] before = Files.readAllBytes(Path.of(entry)), after = ClassUpgrade.upgrade(before);
            assertEquals(List.of(49), versions(before));
            assertEquals(List.of(61), versions(after));
            assertTrue(Arrays.equals(after, ClassUpgrade.upgrade(before)), "the same each time");
            assertTrue(ClassUpgrade.upgrade(after) == after);
            return;
        }
        throw new AssertionError("no picocli on the class path");
    }

    private static List<Integer> versions(byte[] jar) throws IOException {
        var versions = new TreeSet<Integer>();
        try (var in = new ZipInputStream(new ByteArrayInputStream(jar))) {
            for (var entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                if (!entry.getName().endsWith(".class") || entry.getName().contains("module-info")) continue;
                byte[] bytes = in.readAllBytes();
                versions.add(bytes[6] << 8 | bytes[7] & 0xff);
            }
        }
        return List.copyOf(versions);
    }

    /// Whatever has become of the cache, stdout is byte for byte the answer's.
    @Test
    void mismatchedCacheIsIgnored() throws Exception {
        installTrained();
        Path cache = programs().getFirst().resolve("chat.aot");
        try (var file = FileChannel.open(cache, StandardOpenOption.WRITE)) {
            file.truncate(1_000_000);
        }
        answers();
        Files.writeString(cache, "nonsense");
        answers();
        Files.delete(cache);
        answers();
        assertTrue(install().err().contains("training"), "it is made again");
        assertTrue(Files.exists(cache));
        // the JDK has gone
        String script = Files.readString(launcher());
        Files.writeString(launcher(), script.replaceFirst("(?m)^java='.*'$", "java='/no/such/jdk/bin/java'"));
        cop.with("JAVA_HOME", System.getProperty("java.home"));
        answers();
    }

    @Test
    void reinstallReplacesCode() throws Exception {
        installTrained();
        answers();
        Path first = programs().getFirst();
        Path jar = cop.file("newer.jar");
        String classes = newer(jar);
        var command = new ArrayList<>(cop.process("install").command());
        command.replaceAll(word -> word.equals(System.getProperty("java.class.path")) ? classes : word);
        assertEquals(0, Harness.finished(cop.process().command(command).start(), "").code());
        assertEquals("copilot.java 9.9.9\n", run("", "--version").out());
        assertEquals("copilot.java 9.9.9\n", run("", "--version", "x").out(), "the new classes");
        assertEquals("hi\n", run("", "chat", "say: hi").out());
        assertTrue(Files.exists(first), "something may still run it");
        Files.setLastModifiedTime(first, FileTime.from(Instant.now().minus(Duration.ofDays(8))));
        assertEquals(0, Harness.finished(cop.process().command(command).start(), "").code());
        assertFalse(Files.exists(first));
    }

    /// The class path with another version of the tool in it.
    private static String newer(Path jar) throws IOException {
        String path = System.getProperty("java.class.path");
        for (String entry : path.split(File.pathSeparator)) {
            var entries = new LinkedHashMap<String, byte[]>();
            try (var in = new ZipInputStream(Files.newInputStream(Path.of(entry)))) {
                for (var next = in.getNextEntry(); next != null; next = in.getNextEntry()) {
                    entries.put(next.getName(), in.readAllBytes());
                }
            }
            if (!entries.containsKey("cop/copilot.class")) continue;
            try (var out = new ZipOutputStream(Files.newOutputStream(jar))) {
                for (var next : entries.entrySet()) {
                    out.putNextEntry(new ZipEntry(next.getKey()));
                    String bytes = new String(next.getValue(), StandardCharsets.ISO_8859_1);
                    out.write(next.getKey().startsWith("cop/") ? bytes.replace("copilot.java " + copilot.VERSION,
                            "copilot.java 9.9.9").getBytes(StandardCharsets.ISO_8859_1) : next.getValue());
                }
            }
            return path.replace(entry, jar.toString());
        }
        throw new AssertionError("the tool is in no jar: " + path);
    }

    @Test
    void foreignFilesArePreserved() throws Exception {
        cop.write("bin/cop", "#!/bin/sh\necho mine\n");
        var outcome = install("--dir", "bin");
        assertEquals(2, outcome.code());
        assertTrue(outcome.err().contains("bin/cop exists and is not a copilot.java launcher\n")
                && outcome.err().contains("hint: choose another --name or --dir\n"), outcome::all);
        assertEquals(2, install("--uninstall", "--dir", "bin").code());
        assertEquals("#!/bin/sh\necho mine\n", cop.read("bin/cop"));
        assertEquals(2, install("--uninstall").code());
        assertEquals(2, install("--name", "../x").code());
        assertFalse(Files.exists(cop.file(".local")));
    }

    @Test
    void uninstallKeepsSharedProgram() throws Exception {
        cop.with("PATH", cop.file("my bin") + ":" + System.getenv("PATH"));
        assertFalse(installTrained("--dir", "my bin", "--name", "pilot").err().contains("not on the PATH"));
        install();
        assertEquals(1, programs().size());
        assertEquals(0, install("--uninstall", "--dir", "my bin", "--name", "pilot").code());
        assertFalse(Files.exists(cop.file("my bin/pilot")));
        answers();
        // an install that was interrupted
        Path program = programs().getFirst();
        Files.delete(program.resolve("complete"));
        try (var jars = Files.newDirectoryStream(program, "*.jar")) {
            Files.delete(jars.iterator().next());
        }
        var broken = run("", "chat", "hi");
        assertEquals(1, broken.code());
        assertTrue(broken.err().startsWith("error: the copy of copilot.java that cop runs is missing: "), broken::all);
        assertTrue(broken.err().contains("\nhint: jbang install@OWNER/copilot.java --name cop; or delete "),
                broken::all);
        install();
        answers();
        var elsewhere = install("--uninstall", "--name", "coop");
        assertTrue(elsewhere.err().contains("\nhint: installed: " + launcher() + "; choose"), elsewhere::all);
        assertEquals(0, install("--uninstall").code());
        assertFalse(Files.exists(cop.file(".local/share/copilot.java")));
        assertFalse(Files.exists(launcher()));
    }

    /// Versions before 2026-11-28 kept their list under a plain name; a folder that COP_HOME names has other files.
    @Test
    void launchersOfOlderVersionsAreFound() throws Exception {
        assertEquals(0, installTrained("--dir", "old bin", "--name", "pilot").code());
        Path share = cop.file(".local/share/copilot.java");
        Path pilot = cop.file("old bin/pilot");
        Files.move(share.resolve("copilot.java.launchers"), share.resolve("launchers"));
        Files.move(share.resolve("copilot.java.lock"), share.resolve("lock"));
        var missing = install("--uninstall");
        assertTrue(missing.err().contains(pilot.toString()), missing::all);
        assertEquals(0, install().code());
        assertEquals(List.of(launcher().toString(), pilot.toString()),
                Files.readAllLines(share.resolve("copilot.java.launchers")));
        assertFalse(Files.exists(share.resolve("launchers")));
        assertFalse(Files.exists(share.resolve("lock")));
        assertEquals(0, install("--uninstall").code());
        assertEquals(0, Harness.finished(cop.process().command(pilot.toString(), "--version", "x").start(), "").code(),
                "the program that another launcher runs was removed");
        // nothing but our own list, which holds absolute paths, and our empty lock is deleted
        Files.writeString(share.resolve("launchers"), "falcon 9\n");
        Files.writeString(share.resolve("lock"), "mine");
        assertEquals(0, install("--uninstall", "--dir", "old bin", "--name", "pilot").code());
        try (var left = Files.list(share)) {
            assertEquals(Set.of("launchers", "lock"), left.map(file -> file.getFileName().toString())
                    .collect(Collectors.toSet()));
        }
    }

    // ---- what uninstall deletes

    /// The user's own folder as COP_HOME, with a launcher that is installed and one that is not.
    @Test
    void uninstallDeletesOnlyInstalledFiles() throws IOException {
        String mark = "#!/bin/sh\n# copilot.java's launcher; `cop install --uninstall` takes it away.\n";
        var old = FileTime.from(Instant.now().minus(Duration.ofDays(30)));
        cop.with("COP_HOME", cop.home.toString());
        for (String mine : List.of("share/photos/a.jpg", "share/notes.txt", "share/lock", "share/0123456789abcdef/mine",
                "share/launchers", "share/0123456789abcde/complete", "bin/note")) {
            Files.setLastModifiedTime(cop.write(mine, mark.substring(12)).getParent(), old);
        }
        var mine = files();
        for (String own : List.of("00.jar", "chat.aot", "complete", "training.log")) {
            cop.write("share/0123456789abcdef/" + own, "");
            cop.write("share/fedcba9876543210/" + own, "");
        }
        Files.setLastModifiedTime(cop.file("share/fedcba9876543210"), old);
        String app = "app='" + cop.file("share/0123456789abcdef") + "'\n";
        cop.write("bin/cop", mark + app);
        cop.write("bin/pilot", mark + app);
        cop.write("share/copilot.java.launchers", cop.file("bin/cop") + "\n" + cop.file("bin/pilot") + "\n");
        prints(cop.run("install", "--uninstall", "--dir", "bin", "--name", "note"), 2,
                "exists and is not a copilot.java launcher");
        prints(cop.run("install", "--uninstall", "--dir", "bin", "--name", "pilot"), 0);
        assertTrue(files().containsAll(mine), () -> files() + "");
        assertTrue(files().contains("share/0123456789abcdef/00.jar") && !files().contains("share/fedcba9876543210"),
                () -> files() + "");
        prints(cop.run("install", "--uninstall", "--dir", "bin"), 0);
        assertEquals(mine, files());
    }

    private Set<String> files() {
        try (var all = Files.walk(cop.home)) {
            return all.filter(Files::isRegularFile).map(file -> cop.home.relativize(file).toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// As in the simulator's shell.
    @Test
    void launcherIsNotInstalledFromTemporaryFolder() {
        var lasting = Path.of("/opt/no-such-folder-of-copilot.java");       // the tests themselves may run in /tmp
        prints(cop.with("COP_HOME", cop.file("h").toString()).run("install", "--dir", lasting.toString()), 2,
                "temporary folder: " + cop.file("h/share"), "hint: unset COP_HOME");
        assertFalse(Files.exists(lasting));
    }
}
