///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Installs `cop`, a launcher for the tool and all programs, which starts from trained AOT caches
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES repl.java
//SOURCES talk.java
//SOURCES embed.java
//SOURCES tools.java
//SOURCES eval.java
//SOURCES serve.java

/// Writes a launcher that starts the JVM directly, without JBang, from trained AOT caches. It includes the programs
/// listed above, which are all of scripts/; a test compares.
package cop;

import module java.base;
import cop.copilot.Fault;
import java.lang.classfile.*;

public class install extends Command {
    public static void main(String... args) { System.exit(copilot.start("install", args)); }

    @Override
    String syntax() {
        return """
                [--name NAME] [--dir DIR] [--uninstall]

                Install cop, a launcher that starts faster than JBang.
                It starts the JVM directly, from AOT caches that are trained for about 30 seconds now, and includes
                all programs. It is a copy: install again after an update of copilot.java or of the JDK.

                --name=NAME  Name of the launcher. Default: cop.
                --dir=DIR  Folder to write the launcher to. Default: ~/.local/bin.
                --uninstall  Remove the launcher. Your login is kept; {cop} logout removes it.

                  {cop} install
                  {cop} install --name pilot --dir ~/bin
                """;
    }

    @Override
    int run(CopilotClient copilot) {
        var home = copilot.context().home();
        Path folder = (has("--dir") ? env.path(text("--dir")) : Home.userHome(env).resolve(".local/bin"))
                .toAbsolutePath().normalize();
        var launcher = new Launcher(text("--name", "cop"), folder, home.data().toAbsolutePath().normalize(), console);
        if (has("--uninstall")) {
            launcher.uninstall();
            console.note("removed " + launcher.file());
            return 0;
        }
        launcher.install();
        print(launcher.file().toString());
        boolean found = Stream.of(Objects.requireNonNullElse(env.variable("PATH"), "").split(File.pathSeparator))
                .anyMatch(entry -> !entry.isEmpty() && env.path(entry).toAbsolutePath().normalize().equals(folder));
        if (!found) {
            console.warn(folder + " is not on the PATH");
            console.hint("add this to your shell's startup file: export PATH=\"" + folder + ":$PATH\"");
        }
        return 0;
    }
}

/// An installed launcher. Its jars and AOT caches are in a folder named after the hash of the jars, the JDK, and the
/// options, and are never overwritten: a cache silently runs the classes it was made from, even if the jars change.
///
/// @param folder where the launcher is written
/// @param share the parent of the folders with the jars and caches
record Launcher(String name, Path folder, Path share, Console console) {
    private static final String MARK = "copilot.java's launcher", LOCK = "copilot.java.lock",
            LAUNCHERS = "copilot.java.launchers", OLD_LOCK = "lock", OLD_LAUNCHERS = "launchers";
    /// Files that `install` writes to a program's folder.
    private static final Pattern OWN = Pattern.compile("\\d+\\.jar|\\w+\\.aot.*|complete|training\\.log|keys\\.p12|"
            + "certificate\\.pem");
    private static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");
    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");

    /// The options in the header of copilot.java. Transparent huge pages, Linux only, make a start 10% faster.
    static final List<String> OPTIONS = Stream.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g", "-Xmn12m",
            "-XX:SurvivorRatio=2", LINUX ? "-XX:+UseTransparentHugePages" : "", "-Xlog:disable",
            "--enable-native-access=ALL-UNNAMED", "-Dstdout.encoding=UTF-8", "-Dstderr.encoding=UTF-8")
            .filter(option -> !option.isEmpty()).toList();

    /// Leaves method profiles (JEP 515) out of the cache: with them, each start compiles what any trained command often
    /// called, which costs a chat a seventh of its CPU time.
    private static final List<String> NO_PROFILES =
            List.of("-XX:+UnlockDiagnosticVMOptions", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:-AOTRecordTraining");

    Path file() { return folder.resolve(WINDOWS ? name + ".cmd" : name); }

    /// Copies the running program, trains its caches, and writes the launcher.
    void install() {
        BasicCommand.checkName(name);
        refuseForeignFile(file());
        if (isTemporary(share) && !isTemporary(folder)) {
            throw Fault.usage("the launcher " + file() + " would run a program in a temporary folder: " + share,
                    "unset COP_HOME, or choose a temporary folder with --dir");
        }
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw Fault.usage("--dir " + folder + " is not a folder", "choose another folder with --dir");
        }
        if (share.toString().contains(File.pathSeparator)) {
            throw Fault.usage("a class path cannot contain " + share + ", which has a " + File.pathSeparator,
                    "set XDG_DATA_HOME or COP_HOME to another folder");
        }
        var jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator)).map(Path::of).toList();
        try {
            Files.createDirectories(share);
            var upgraded = new ArrayList<byte[]>();
            for (Path jar : jars) upgraded.add(ClassUpgrade.upgrade(Files.readAllBytes(jar)));
            Path program = share.resolve(fingerprint(upgraded));
            try (var lock = FileChannel.open(share.resolve(LOCK), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE); var _ = lock.lock()) {
                boolean complete = Files.exists(program.resolve("complete"))
                        && Training.PARTS.stream().allMatch(part -> Files.exists(cache(program, part)));
                if (!complete) build(program, jars, upgraded);
                writeLauncher(program);
                removeUnused();
            }
        } catch (IOException e) {
            throw Fault.io("cannot install to " + share + " and " + folder, e,
                    "check that you can write to both, or choose another folder with --dir");
        }
    }

    /// Returns whether the system may clear the folder, for example at the next start.
    private boolean isTemporary(Path place) {
        return Stream.of(System.getProperty("java.io.tmpdir"), console.env().variable("TMPDIR"), "/tmp", "/var/tmp")
                .filter(Objects::nonNull).map(Path::of)
                .anyMatch(temporary -> realPath(place).startsWith(realPath(temporary)));
    }

    /// Resolves symbolic links in the existing part of a path.
    private static Path realPath(Path place) {
        try {
            return place.toRealPath();
        } catch (IOException missing) {
            // its parent may exist
            Path parent = place.toAbsolutePath().getParent();
            return parent == null ? place : realPath(parent).resolve(place.getFileName());
        }
    }

    private static Path java() {
        return Path.of(System.getProperty("java.home"), "bin", WINDOWS ? "java.exe" : "java");
    }

    private static String fingerprint(List<byte[]> jars) throws IOException {
        var parts = new ArrayList<>(jars);
        parts.add(Files.readAllBytes(Path.of(System.getProperty("java.home"), "release")));
        parts.add(String.join(" ", OPTIONS).getBytes(StandardCharsets.UTF_8));
        return Fingerprint.of(parts.toArray(byte[][]::new)).substring(0, 16);
    }

    private void build(Path program, List<Path> jars, List<byte[]> contents) throws IOException {
        delete(program);                                    // left by an interrupted install
        Files.createDirectories(program);
        for (int i = 0; i < jars.size(); i++) {
            Files.write(program.resolve("%02d.jar".formatted(i)), contents.get(i));
        }
        console.note("training the AOT caches, about 30 seconds");
        train(program);
        Files.writeString(program.resolve("complete"), "");
    }

    /// Runs chats, JShell, and other commands over TLS while the JVM records them (JEP 514). Each part has a cache of
    /// its own because everything in a cache slows the start: a chat needs neither Java's compiler nor batches.
    private void train(Path program) throws IOException {
        Path keys = program.resolve("keys.p12");
        String keytool = java().resolveSibling(WINDOWS ? "keytool.exe" : "keytool").toString();
        var store = List.of("-alias", "a", "-keystore", keys.toString(), "-storepass", "rehearsal");
        var generate = new ArrayList<>(List.of(keytool, "-genkeypair", "-keyalg", "EC", "-dname", "CN=127.0.0.1",
                "-ext", "san=ip:127.0.0.1", "-validity", "2"));
        generate.addAll(store);
        var export = new ArrayList<>(List.of(keytool, "-exportcert", "-rfc", "-file",
                program.resolve("certificate.pem").toString()));
        export.addAll(store);
        boolean trained = succeeds(program, generate) && succeeds(program, export)
                && Training.PARTS.stream().allMatch(part -> train(program, part, keys));
        for (String file : List.of("keys.p12", "certificate.pem")) Files.deleteIfExists(program.resolve(file));
        if (!trained) {
            console.warn("training failed, so " + name + " starts more slowly; see " + program.resolve("training.log"));
        }
    }

    private static Path cache(Path program, String part) { return program.resolve(part + ".aot"); }

    private boolean train(Path program, String part, Path keys) {
        Path cache = cache(program, part);
        var command = new ArrayList<>(List.of(java().toString(), "-XX:AOTCacheOutput=" + cache));
        command.addAll(NO_PROFILES);
        command.addAll(OPTIONS);
        try {
            command.addAll(List.of("-cp", classes(program), "cop.Training", part, keys.toString()));
            if (succeeds(program, command) && Files.exists(cache)) return true;
            Files.deleteIfExists(cache);
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Returns whether a command exits with 0 within two minutes. Its output is appended to training.log.
    private static boolean succeeds(Path program, List<String> command) throws IOException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true).directory(program.toFile())
                .redirectOutput(ProcessBuilder.Redirect.appendTo(program.resolve("training.log").toFile()));
        builder.environment().keySet().removeIf(variable -> variable.matches("JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS"));
        var process = builder.start();
        process.getOutputStream().close();
        try {
            return process.waitFor(2, TimeUnit.MINUTES) && process.exitValue() == 0;
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        } finally {
            process.destroyForcibly();
        }
    }

    private static String classes(Path program) throws IOException {
        try (var jars = Files.newDirectoryStream(program, "*.jar")) {
            return StreamSupport.stream(jars.spliterator(), false).sorted().map(Path::toString)
                    .collect(Collectors.joining(File.pathSeparator));
        }
    }

    private void writeLauncher(Path program) throws IOException {
        Files.createDirectories(folder);
        Path part = folder.resolve("." + name + ".part");
        Files.writeString(part, WINDOWS ? batchFile(program) : shellScript(program));
        if (!WINDOWS) Files.setPosixFilePermissions(part, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.move(part, file(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /// Prints the version and the overview without a JVM; the JVM runs, and reports the error, if that fails.
    private String answersWithoutJvm() {
        return """
                case "$#$1" in
                  1--version | 1-V) echo '%s' 2>/dev/null && exit ;;
                  0 | 1--help | 1-h | 1help) cat 2>/dev/null <<'END' && exit ;;
                %sEND
                esac
                """.formatted("copilot.java " + copilot.VERSION, Commands.overview(name));
    }

    /// Runs the JDK that the cache was trained with or, if it is gone, any JDK that is new enough, without a cache.
    private String shellScript(Path program) throws IOException {
        return """
                #!/bin/sh
                # %1$s; `%2$s install --uninstall` removes it.
                %7$sapp=%3$s
                java=%4$s
                case "${LC_ALL:-${LC_CTYPE:-$LANG}}" in
                  *[Uu][Tt][Ff]-8* | *[Uu][Tt][Ff]8*) ;;
                  *) LC_ALL=C.UTF-8 && export LC_ALL ;;
                esac
                [ -e "$PWD" ] || /bin/pwd >/dev/null 2>&1 || {
                  echo "error: the current folder has been deleted: $PWD" >&2
                  echo "hint: cd to another folder" >&2
                  exit 1
                }
                case "$1" in chat | talk) part=chat ;; repl | serve) part=$1 ;; *) part=others ;; esac
                cache=-XX:AOTCache=$app/$part.aot
                if [ ! -x "$java" ]; then
                  cache=-Dcopilot.cache=none java=
                  for other in "$JAVA_HOME/bin/java" "$(command -v java)" /usr/lib/jvm/*/bin/java; do
                    [ -x "$other" ] || continue
                    version=$("$other" -version 2>&1 | sed -n 's/.* version "\\([0-9]*\\).*/\\1/p')
                    [ "${version:-0}" -ge 25 ] && java=$other && break
                  done
                  if [ ! "$java" ]; then
                    echo "error: the JDK that %2$s was installed with is missing, and there is no other JDK 25+" >&2
                    echo "hint: install JDK 25 or later and set JAVA_HOME to it" >&2
                    exit 1
                  fi
                fi
                if [ ! -f "$app/complete" ]; then
                  echo "error: the copy of copilot.java that %2$s runs is missing: $app" >&2
                  echo "hint: jbang install@OWNER/copilot.java --name %2$s; or delete $0" >&2
                  exit 1
                fi
                exec "$java" "$cache" %5$s -Dcop.command=%2$s -cp "%6$s" cop.copilot "$@"
                """.formatted(MARK, name, quoted(program), quoted(java()), String.join(" ", OPTIONS),
                classes(program).replace(program.toString(), "$app"), answersWithoutJvm());
    }

    private static String quoted(Path path) { return "'" + path.toString().replace("'", "'\\''") + "'"; }

    String batchFile(Path program) throws IOException {
        return """
                @echo off
                rem %s
                setlocal
                set part=others
                for %%%%p in (chat repl serve) do if "%%~1"=="%%%%p" set part=%%%%p
                "%s" -XX:AOTCache="%s\\%%part%%.aot" %s -Dcop.command=%s -cp "%s" cop.copilot %%*
                """.formatted(MARK, percent(java().toString()), percent(program.toString()), String.join(" ", OPTIONS),
                name, percent(classes(program))).replace("\n", "\r\n");
    }

    private static String percent(String path) { return path.replace("%", "%%"); }

    /// @throws Fault if the file exists and is not a launcher
    private static void refuseForeignFile(Path file) {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS) || script(file).isPresent()) return;
        throw Fault.usage(file + " exists and is not a copilot.java launcher", "choose another --name or --dir");
    }

    /// Returns a launcher's text, or empty if the file is not a launcher.
    private static Optional<String> script(Path file) {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > 64_000) return Optional.empty();
            return Optional.of(Files.readString(file, StandardCharsets.ISO_8859_1)).filter(text -> text.startsWith(
                    WINDOWS ? "@echo off\r\nrem " + MARK : "#!/bin/sh\n# " + MARK));
        } catch (IOException unreadable) {
            return Optional.empty();
        }
    }

    /// Removes the launcher, and its program unless another launcher runs it. Keeps the login.
    void uninstall() {
        if (!Files.exists(file())) {
            throw Fault.usage(file() + " does not exist", launchers().isEmpty()
                    ? "pass the --name and --dir that it was installed with"
                    : "installed: " + String.join(", ", launchers()) + "; choose one with --name and --dir");
        }
        refuseForeignFile(file());
        var origin = script(file())
                .flatMap(text -> Pattern.compile("(?m)^app='(.*)'$").matcher(text).results().findFirst())
                .map(app -> Path.of(app.group(1).replace("'\\''", "'")).getParent());
        if (origin.isPresent() && !origin.get().equals(share)) {    // installed with another COP_HOME or XDG_DATA_HOME
            new Launcher(name, folder, origin.get(), console).uninstall();
            return;
        }
        try {
            Files.delete(file());
            if (!Files.isDirectory(share)) return;
            try (var lock = FileChannel.open(share.resolve(LOCK), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE); var _ = lock.lock()) {
                removeUnused();
            }
        } catch (IOException e) {
            throw Fault.io("cannot remove " + file(), e, "check that you can write to " + folder);
        }
    }

    /// Records this launcher, and deletes programs that no recorded launcher runs.
    private void removeUnused() throws IOException {
        var launchers = new TreeSet<>(launchers());
        launchers.add(file().toAbsolutePath().toString());
        launchers.removeIf(launcher -> script(Path.of(launcher)).isEmpty());
        if (launchers.isEmpty()) {
            for (Path program : programs()) delete(program);
            for (String own : List.of(LOCK, LAUNCHERS)) Files.deleteIfExists(share.resolve(own));
            deleteOldList();
            deleteIfEmpty(share);
            return;
        }
        Files.write(share.resolve(LAUNCHERS), launchers);
        deleteOldList();
        var texts = new StringBuilder();
        for (String launcher : launchers) script(Path.of(launcher)).ifPresent(texts::append);
        var old = Instant.now().minus(Duration.ofDays(7));  // a batch may run it for days
        for (Path program : programs()) {
            boolean young = Files.getLastModifiedTime(program).toInstant().isAfter(old);
            if (!young && texts.indexOf(program.getFileName().toString()) < 0) delete(program);
        }
    }

    /// Returns the folders that `install` has made; COP_HOME may contain others.
    private List<Path> programs() throws IOException {
        try (var all = Files.newDirectoryStream(share, Files::isDirectory)) {
            return StreamSupport.stream(all.spliterator(), false)
                    .filter(each -> each.getFileName().toString().matches("[0-9a-f]{16}")).toList();
        }
    }

    /// Returns the recorded launchers, including those that versions before 2026-11-28 recorded in `launchers`.
    private List<String> launchers() {
        return Stream.of(LAUNCHERS, OLD_LAUNCHERS).flatMap(list -> lines(list).stream()).distinct()
                .filter(Launcher::isAbsolute).toList();
    }

    private static boolean isAbsolute(String line) {
        try {
            return Path.of(line).isAbsolute();
        } catch (InvalidPathException _) {
            return false;
        }
    }

    private List<String> lines(String list) {
        try {
            return Files.readAllLines(share.resolve(list));
        } catch (IOException missing) {
            return List.of();
        }
    }

    /// Deletes the list and the lock of older versions, unless they belong to another program: COP_HOME may be shared.
    private void deleteOldList() throws IOException {
        var old = lines(OLD_LAUNCHERS);
        if (old.isEmpty() || !old.stream().allMatch(Launcher::isAbsolute)) return;
        Files.delete(share.resolve(OLD_LAUNCHERS));
        Path lock = share.resolve(OLD_LOCK);
        if (Files.exists(lock) && Files.size(lock) == 0) Files.delete(lock);
    }

    /// Deletes the files that `install` writes, and the folder if it is then empty.
    private static void delete(Path program) throws IOException {
        if (!Files.isDirectory(program)) return;
        try (var files = Files.newDirectoryStream(program)) {
            for (Path file : files) if (OWN.matcher(file.getFileName().toString()).matches()) Files.delete(file);
        }
        deleteIfEmpty(program);
    }

    private static void deleteIfEmpty(Path folder) throws IOException {
        try {
            Files.delete(folder);
        } catch (DirectoryNotEmptyException _) {
            // it has files of others
        }
    }
}

/// The training run of `install`: runs the commands of one part over TLS, in a temporary home, against a local server
/// with canned responses.
final class Training {
    static final List<String> PARTS = List.of("chat", "repl", "serve", "others");

    /// @param args a part, and a PKCS #12 file with the password `rehearsal`; certificate.pem is in its folder
    public static void main(String... args) {
        copilot.class.getMethods();                         // as the JVM does to find main
        copilot.start("--version");                     // streams and signals
        System.exit(run(args[0], Path.of(args[1])));
    }

    /// @return 0 if all commands exited as expected
    private static int run(String part, Path keys) {
        if (!Descriptors.closed(0)) Descriptors.kind(0);                // as at a start with a real stdin
        return switch (part) {
            case "chat" -> {
                markdown();
                yield run(List.of(List.of("chat", "-u", "-s", "Be brief", "--timeout", "3s", "hello"),
                        List.of("chat", "--json", "hello"), List.of("chat", "-c", "hello"), List.of("chat"),
                        List.of("chat", "--help"), List.of("chat", "--no-such-option"),
                        List.of("chat", "-t", "commit-message", "--var", "diff=+a")), Stdin.Kind.PIPE, keys);
            }
            // an interactive shell, whose input ends at once
            case "repl" -> run(List.of(List.of("repl", "snippets.jsh"), List.of("repl")), Stdin.Kind.TERMINAL, keys);
            case "serve" -> run(List.of(List.of("serve", "--port", "0", "--no-key")), Stdin.Kind.PIPE, keys);
            default -> run(List.of(List.of("--help"), List.of("render", "review", "--example"), List.of("templates"),
                    List.of("models"), List.of("token"), List.of("status"), List.of("batch", "classify", "-d",
                    "rows.jsonl", "-o", "out.jsonl", "--delay", "0"), List.of("batch", "classify", "-d", "rows.jsonl",
                    "-o", "out.jsonl", "--dry-run"), List.of("batch", "status", "out.jsonl"), List.of("eval",
                    "classify", "-d", "rows.jsonl", "-o", "lab.jsonl", "--expect", "contains: hello", "--delay", "0",
                    "--report", "lab.html")), Stdin.Kind.PIPE, keys);
        };
    }

    /// Trains what only runs on a terminal.
    private static void markdown() {
        var nowhere = new PrintWriter(Writer.nullWriter());
        String all = "# A\n\n**b** `c` *d* [e](f)\n\n1. g\n\n> h\n\n|i|j|\n|-|-|\n|k|l|\n\n```\nm\n```\n";
        for (var view : List.of(new StyledLines(nowhere), new MarkdownPrinter(nowhere, () -> new Window(80, 24)))) {
            for (String piece : all.split("(?<=[bg])")) view.text(piece);
            view.end();
        }
    }

    /// @return 0, or 1 if a command did not exit as expected, or the server did not start
    private static int run(List<List<String>> commands, Stdin.Kind stdin, Path keys) {
        try (var server = secure(keys)) {
            Path home = Files.createTempDirectory("copilot-rehearsal-");
            Thread.ofVirtual().start(() -> answer(server));
            var variables = Map.of("COP_HOME", home.toString(), "COPILOT_GITHUB_TOKEN", "rehearsal",
                    "COP_HOST", "https://127.0.0.1:" + server.getLocalPort(),
                    "SSL_CERT_FILE", keys.resolveSibling("certificate.pem").toString());
            Files.writeString(home.resolve("rows.jsonl"), "{\"id\": 1, \"text\": \"hello\"}\n");
            Files.writeString(home.resolve("snippets.jsh"), "record A(int b) { }\nvar a = new A(1);\na.b()\n");
            int failed = 0;
            for (var command : commands) {
                var nowhere = new PrintWriter(new OutputStreamWriter(OutputStream.nullOutputStream(),
                        StandardCharsets.UTF_8));
                var errors = new StringWriter();
                var out = command.contains("serve") ? visited(Thread.currentThread()) : nowhere;
                var env = new Environment(new Stdin(new ByteArrayInputStream("hello".getBytes()), stdin),
                        out, new PrintWriter(errors), variables, Descriptors::isTerminal, Time.SYSTEM, () -> false,
                        home);
                int code = copilot.run(env, command.toArray(String[]::new));
                int expected = command.contains("--no-such-option") ? Fault.USAGE : command.contains("serve")
                        ? Fault.INTERRUPTED : 0;
                if (code == expected) continue;
                failed = 1;
                System.err.println(command + " exited with " + code + ": " + errors);
            }
            try (var files = Files.walk(home)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
            return failed;
        } catch (IOException _) {
            return 1;
        }
    }

    /// Returns stdout for `serve`: when the URL is printed there, a client sends requests, and then stops the server.
    private static PrintWriter visited(Thread server) {
        return new PrintWriter(new Writer() {
            @Override
            public void write(char[] text, int offset, int length) {
                String url = new String(text, offset, length).strip();
                if (url.startsWith("http")) Thread.startVirtualThread(() -> {
                    for (String path : List.of("/v1/chat/completions", "/v1/messages")) visit(URI.create(url), path);
                    server.interrupt();
                });
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        });
    }

    private static void visit(URI server, String path) {
        String body = """
                {"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hello"}]}""";
        try (var socket = new Socket(server.getHost(), server.getPort())) {
            socket.getOutputStream().write(("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                    .getBytes(StandardCharsets.UTF_8));
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        } catch (IOException _) {
            // then less is trained
        }
    }

    private static ServerSocket secure(Path keys) throws IOException {
        char[] password = "rehearsal".toCharArray();
        try {
            var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            managers.init(KeyStore.getInstance(keys.toFile(), password), password);
            var context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            return context.getServerSocketFactory().createServerSocket(0, 5, InetAddress.getLoopbackAddress());
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }

    private static void answer(ServerSocket server) {
        while (!server.isClosed()) {
            try {
                var socket = server.accept();
                Thread.ofVirtual().start(() -> answer(socket, "https://127.0.0.1:" + socket.getLocalPort()));
            } catch (IOException _) {
                // the server was closed
            }
        }
    }

    /// Answers the requests of one connection.
    private static void answer(Socket socket, String origin) {
        try (socket) {
            var in = new BufferedInputStream(socket.getInputStream());
            for (String first = line(in); !first.isEmpty(); first = line(in)) {
                int length = 0;
                for (String line = line(in); !line.isEmpty(); line = line(in)) {
                    if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                        length = Integer.parseInt(line.substring(15).strip());
                    }
                }
                in.skipNBytes(length);
                socket.getOutputStream().write(answer(first, origin).getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException _) {
            // the client has closed the connection
        }
    }

    private static String line(InputStream in) throws IOException {
        var line = new StringBuilder();
        for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) if (b != '\r') line.append((char) b);
        return line.toString();
    }

    private static String answer(String request, String origin) {
        if (request.startsWith("POST")) {
            String events = """
                    data: {"choices":[{"index":0,"delta":{"content":"{\\"label\\":\\"bug\\",","role":"assistant"}}],
                    data: "model":"m"}

                    data: {"choices":[{"index":0,"delta":{"content":
                    data: "\\"reason\\":\\"\\",\\"confidence\\":\\"low\\"}"}}]}

                    data: {"choices":[{"index":0,"delta":{"content":null},"finish_reason":"stop"}],"usage":{
                    data: "prompt_tokens":1,"completion_tokens":1},"copilot_usage":{"total_nano_aiu":12000}}

                    data: [DONE]

                    """;
            return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
                    + Integer.toHexString(events.length()) + "\r\n" + events + "\r\n0\r\n\r\n";
        }
        String body = request.contains("token") ? """
                {"token":"t","refresh_in":1500,"endpoints":{"api":"%s"}}""".formatted(origin)
                : request.contains("models") ? """
                {"data":[{"id":"m","is_chat_default":true,"billing":{"multiplier":0.5},"model_picker_enabled":true,
                "supported_endpoints":["/chat/completions"],"capabilities":{"type":"chat","limits":{
                "max_context_window_tokens":9000,"max_prompt_tokens":8000},"supports":{"streaming":true}}}]}""" : "{}";
        return "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\nContent-Type: application/json\r\n\r\n"
                + body;
    }
}

/// Adds stack maps to class files older than version 50, such as picocli's 228: without them the JVM does not cache a
/// class.
final class ClassUpgrade {
    private static final int OLD = 50, NEW = 61;

    /// Returns the jar with its old classes upgraded, or the same array if it has none or is signed.
    static byte[] upgrade(byte[] jar) throws IOException {
        var entries = new LinkedHashMap<String, byte[]>();
        try (var in = new ZipInputStream(new ByteArrayInputStream(jar))) {
            for (var entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                if (!entry.isDirectory()) entries.put(entry.getName(), in.readAllBytes());
            }
        }
        boolean any = entries.entrySet().stream().anyMatch(entry -> isOld(entry.getKey(), entry.getValue()));
        boolean signed = entries.keySet().stream().anyMatch(name -> name.matches("META-INF/[^/]+\\.(SF|RSA|DSA|EC)"));
        if (!any || signed) return jar;
        var hierarchy = ClassHierarchyResolver.ofResourceParsing(name -> {
            byte[] bytes = entries.get(name.packageName().isEmpty() ? name.displayName() + ".class"
                    : name.packageName().replace('.', '/') + "/" + name.displayName() + ".class");
            return bytes == null ? null : new ByteArrayInputStream(bytes);
        }).orElse(ClassHierarchyResolver.defaultResolver());
        var out = new ByteArrayOutputStream(jar.length);
        try (var zip = new ZipOutputStream(out)) {
            for (var entry : entries.entrySet()) {
                var renewed = new ZipEntry(entry.getKey());
                renewed.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));       // for the same bytes each time
                zip.putNextEntry(renewed);
                zip.write(isOld(entry.getKey(), entry.getValue()) ? upgrade(entry.getValue(), hierarchy)
                        : entry.getValue());
            }
        }
        return out.toByteArray();
    }

    private static boolean isOld(String name, byte[] bytes) {
        return name.endsWith(".class") && bytes.length > 8 && (bytes[6] << 8 | bytes[7] & 0xff) < OLD;
    }

    private static byte[] upgrade(byte[] bytes, ClassHierarchyResolver hierarchy) {
        var classFile = ClassFile.of(ClassFile.ConstantPoolSharingOption.NEW_POOL,
                ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                ClassFile.ClassHierarchyResolverOption.of(hierarchy));
        var model = classFile.parse(bytes);
        return classFile.build(model.thisClass().asSymbol(), all -> {
            all.withVersion(NEW, 0);
            for (var element : model) {
                switch (element) {
                    case ClassFileVersion _ -> { }
                    case MethodModel method -> all.transformMethod(method,
                            MethodTransform.transformingCode(CodeBuilder::with));
                    default -> all.with(element);
                }
            }
        });
    }
}
