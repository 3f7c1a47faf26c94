///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION The launcher `cop`: the tool and all programs, started without JBang and from a trained AOT cache
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES repl.java
//SOURCES talk.java
//SOURCES embed.java

/// Writes a launcher that starts the JVM itself, without JBang in front, and with what a start needs already worked
/// out. All programs are in it, for they are listed above; a test compares.
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

                The launcher cop, which starts faster than JBang does.
                It starts the JVM directly, without JBang, in a fraction of the time, with all programs in it. It is
                a copy: after an update of copilot.java or of Java, install again.

                --name=NAME  Its name. Default: cop.
                --dir=DIR  Its folder. Default: ~/.local/bin.
                --uninstall  Take it away again. The login stays; {cop} logout forgets it.
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
            console.note("taken away: " + launcher.file());
            return 0;
        }
        launcher.install();
        print(launcher.file().toString());
        boolean found = Stream.of(Objects.requireNonNullElse(env.variable("PATH"), "").split(File.pathSeparator))
                .anyMatch(entry -> !entry.isEmpty() && env.path(entry).toAbsolutePath().normalize().equals(folder));
        if (!found) {
            console.warn(folder + " is not on the PATH");
            console.hint("export PATH=\"" + folder + ":$PATH\" goes into your shell's start file");
        }
        return 0;
    }
}

/// One installed launcher. The program's jars and its AOT cache lie in a folder named by their content and the JDK's,
/// and are never written over: a cache silently runs the classes that it was made from, whatever the jars have become.
///
/// @param folder where the launcher goes
/// @param share where all programs of ours lie, each in a folder of its own
record Launcher(String name, Path folder, Path share, Console console) {
    private static final String MARK = "copilot.java's launcher", LOCK = "copilot.java.lock",
            LAUNCHERS = "copilot.java.launchers", OLD_LOCK = "lock", OLD_LAUNCHERS = "launchers";
    /// The files of a program.
    private static final Pattern OWN = Pattern.compile("\\d+\\.jar|\\w+\\.aot.*|complete|training\\.log|keys\\.p12|"
            + "certificate\\.pem");
    private static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");
    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");

    /// As at the head of copilot.java. Large pages, which Linux alone knows, spare a start a tenth in page faults.
    static final List<String> OPTIONS = Stream.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g", "-Xmn12m",
            "-XX:SurvivorRatio=2", LINUX ? "-XX:+UseTransparentHugePages" : "", "-Xlog:disable",
            "--enable-native-access=ALL-UNNAMED", "-Dstdout.encoding=UTF-8", "-Dstderr.encoding=UTF-8")
            .filter(option -> !option.isEmpty()).toList();

    /// The profile of the training's methods (JEP 515) stays out of the cache: with it each start compiles what all of
    /// the commands there had often called, which cost a chat a seventh of its CPU time.
    private static final List<String> CLASSES_ALONE =
            List.of("-XX:+UnlockDiagnosticVMOptions", "-XX:+IgnoreUnrecognizedVMOptions", "-XX:-AOTRecordTraining");

    Path file() { return folder.resolve(WINDOWS ? name + ".cmd" : name); }

    /// Copies the running program, makes its cache, writes the launcher.
    void install() {
        BasicCommand.checkName(name);
        ours(file());
        if (temporary(share) && !temporary(folder)) {
            throw Fault.usage("the copy of the tool would lie in a temporary folder, " + share
                    + ", and be gone before the launcher " + file(),
                    "unset COP_HOME; or --dir names a temporary folder");
        }
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw Fault.usage("--dir " + folder + " is a file", "--dir names a folder");
        }
        if (share.toString().contains(File.pathSeparator)) {
            throw Fault.usage(share + " cannot stand on a class path, for the " + File.pathSeparator + " in it",
                    "XDG_DATA_HOME or COP_HOME names another place");
        }
        var jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator)).map(Path::of).toList();
        try {
            Files.createDirectories(share);
            var raised = new ArrayList<byte[]>();
            for (Path jar : jars) raised.add(OldClasses.raised(Files.readAllBytes(jar)));
            Path program = share.resolve(fingerprint(raised));
            try (var lock = FileChannel.open(share.resolve(LOCK), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE); var _ = lock.lock()) {
                boolean complete = Files.exists(program.resolve("complete"))
                        && Rehearsal.PARTS.stream().allMatch(part -> Files.exists(cache(program, part)));
                if (!complete) build(program, jars, raised);
                writeLauncher(program);
                tidy();
            }
        } catch (IOException e) {
            throw Fault.io("cannot install into " + share + " and " + folder, e, "--dir names another folder");
        }
    }

    /// Whether the system clears the place, as with the next start.
    private boolean temporary(Path place) {
        return Stream.of(System.getProperty("java.io.tmpdir"), console.env().variable("TMPDIR"), "/tmp", "/var/tmp")
                .filter(Objects::nonNull).anyMatch(temporary -> real(place).startsWith(real(Path.of(temporary))));
    }

    /// Without links, as far as it is there.
    private static Path real(Path place) {
        try {
            return place.toRealPath();
        } catch (IOException notThere) {
            Path parent = place.toAbsolutePath().getParent();
            return parent == null ? place : real(parent).resolve(place.getFileName());
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
        delete(program);                                    // what an interrupted install has left
        Files.createDirectories(program);
        for (int i = 0; i < jars.size(); i++) {
            Files.write(program.resolve("%02d.jar".formatted(i)), contents.get(i));
        }
        console.note("training, half a minute");
        train(program);
        Files.writeString(program.resolve("complete"), "");
    }

    /// Plays chats, a JShell and other commands over TLS, while the JVM takes notes (JEP 514): a cache for each, for
    /// what one holds costs every start that uses it. Java's compiler has no place in a chat, nor have batches.
    private void train(Path program) throws IOException {
        Path keys = program.resolve("keys.p12");
        String keytool = java().resolveSibling(WINDOWS ? "keytool.exe" : "keytool").toString();
        var store = List.of("-alias", "a", "-keystore", keys.toString(), "-storepass", "rehearsal");
        var made = new ArrayList<>(List.of(keytool, "-genkeypair", "-keyalg", "EC", "-dname", "CN=127.0.0.1", "-ext",
                "san=ip:127.0.0.1", "-validity", "2"));
        made.addAll(store);
        var shown = new ArrayList<>(List.of(keytool, "-exportcert", "-rfc", "-file",
                program.resolve("certificate.pem").toString()));
        shown.addAll(store);
        boolean trained = ends(program, made) && ends(program, shown)
                && Rehearsal.PARTS.stream().allMatch(part -> trained(program, part, keys));
        for (String left : List.of("keys.p12", "certificate.pem")) Files.deleteIfExists(program.resolve(left));
        if (!trained) {
            console.warn("the training failed: it works, but starts slower; see " + program.resolve("training.log"));
        }
    }

    private static Path cache(Path program, String part) { return program.resolve(part + ".aot"); }

    private boolean trained(Path program, String part, Path keys) {
        Path cache = cache(program, part);
        var command = new ArrayList<>(List.of(java().toString(), "-XX:AOTCacheOutput=" + cache));
        command.addAll(CLASSES_ALONE);
        command.addAll(OPTIONS);
        try {
            command.addAll(List.of("-cp", classes(program), "cop.Rehearsal", part, keys.toString()));
            if (ends(program, command) && Files.exists(cache)) return true;
            Files.deleteIfExists(cache);
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Whether a command ends well.
    private static boolean ends(Path program, List<String> command) throws IOException {
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

    /// What needs no JVM. Where it cannot be written the JVM says so.
    private String answeredAtOnce() {
        return """
                case "$#$1" in
                  1--version | 1-V) echo '%s' 2>/dev/null && exit ;;
                  0 | 1--help | 1-h | 1help) cat 2>/dev/null <<'END' && exit ;;
                %sEND
                esac
                """.formatted("copilot.java " + copilot.VERSION, Commands.overview(name));
    }

    /// The JDK that the cache was made with, by its path; where it has gone, any other that is new enough, without it.
    private String shellScript(Path program) throws IOException {
        return """
                #!/bin/sh
                # %1$s; `%2$s install --uninstall` takes it away.
                %7$sapp=%3$s
                java=%4$s
                case "${LC_ALL:-${LC_CTYPE:-$LANG}}" in
                  *[Uu][Tt][Ff]-8* | *[Uu][Tt][Ff]8*) ;;
                  *) LC_ALL=C.UTF-8 && export LC_ALL ;;
                esac
                [ -e "$PWD" ] || /bin/pwd >/dev/null 2>&1 || {
                  echo "error: the current folder has been deleted: $PWD" >&2
                  echo "hint: cd to another one" >&2
                  exit 1
                }
                case "$1" in chat | talk) part=chat ;; repl) part=repl ;; *) part=others ;; esac
                cache=-XX:AOTCache=$app/$part.aot
                if [ ! -x "$java" ]; then
                  cache=-Dcopilot.cache=none java=
                  for other in "$JAVA_HOME/bin/java" "$(command -v java)" /usr/lib/jvm/*/bin/java; do
                    [ -x "$other" ] || continue
                    version=$("$other" -version 2>&1 | sed -n 's/.* version "\\([0-9]*\\).*/\\1/p')
                    [ "${version:-0}" -ge 25 ] && java=$other && break
                  done
                  if [ ! "$java" ]; then
                    echo "error: the JDK has gone that %2$s was installed with, and there is no other from 25 on" >&2
                    echo "hint: install one, and set JAVA_HOME to it" >&2
                    exit 1
                  fi
                fi
                if [ ! -f "$app/complete" ]; then
                  echo "error: the copy of copilot.java that %2$s runs has gone: $app" >&2
                  echo "hint: install it again: jbang install@OWNER/copilot.java --name %2$s; or remove $0" >&2
                  exit 1
                fi
                exec "$java" "$cache" %5$s -Dcop.command=%2$s -cp "%6$s" cop.copilot "$@"
                """.formatted(MARK, name, quoted(program), quoted(java()), String.join(" ", OPTIONS),
                classes(program).replace(program.toString(), "$app"), answeredAtOnce());
    }

    private static String quoted(Path path) { return "'" + path.toString().replace("'", "'\\''") + "'"; }

    String batchFile(Path program) throws IOException {
        return """
                @echo off
                rem %s
                setlocal
                set part=others
                for %%%%p in (chat repl) do if "%%~1"=="%%%%p" set part=%%%%p
                "%s" -XX:AOTCache="%s\\%%part%%.aot" %s -Dcop.command=%s -cp "%s" cop.copilot %%*
                """.formatted(MARK, percent(java().toString()), percent(program.toString()), String.join(" ", OPTIONS),
                name, percent(classes(program))).replace("\n", "\r\n");
    }

    private static String percent(String path) { return path.replace("%", "%%"); }

    /// @throws Fault where a file of somebody else's stands there
    private static void ours(Path file) {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS) || script(file).isPresent()) return;
        throw Fault.usage("there is another " + file, "--name or --dir names another place");
    }

    /// A launcher's text; empty where the file is none of ours.
    private static Optional<String> script(Path file) {
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > 64_000) return Optional.empty();
            return Optional.of(Files.readString(file, StandardCharsets.ISO_8859_1)).filter(text -> text.startsWith(
                    WINDOWS ? "@echo off\r\nrem " + MARK : "#!/bin/sh\n# " + MARK));
        } catch (IOException unreadable) {
            return Optional.empty();
        }
    }

    /// Takes the launcher away, and the program when no other launcher runs it. The login stays.
    void uninstall() {
        if (!Files.exists(file())) {
            throw Fault.usage("there is no " + file(), launchers().isEmpty() ? "--name, --dir: as it was installed"
                    : "--name, --dir: installed are " + String.join(", ", launchers()));
        }
        ours(file());
        var its = script(file())
                .flatMap(text -> Pattern.compile("(?m)^app='(.*)'$").matcher(text).results().findFirst())
                .map(app -> Path.of(app.group(1).replace("'\\''", "'")).getParent());
        if (its.isPresent() && !its.get().equals(share)) {  // it was installed with other variables
            new Launcher(name, folder, its.get(), console).uninstall();
            return;
        }
        try {
            Files.delete(file());
            if (!Files.isDirectory(share)) return;
            try (var lock = FileChannel.open(share.resolve(LOCK), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE); var _ = lock.lock()) {
                tidy();
            }
        } catch (IOException e) {
            throw Fault.io("cannot take away " + file(), e, "may you write there?");
        }
    }

    /// Keeps the programs that a launcher runs. Where the launchers lie is noted in a file beside them.
    private void tidy() throws IOException {
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
        var old = Instant.now().minus(Duration.ofDays(7));  // a batch may be at work with it for days
        for (Path program : programs()) {
            boolean young = Files.getLastModifiedTime(program).toInstant().isAfter(old);
            if (!young && texts.indexOf(program.getFileName().toString()) < 0) delete(program);
        }
    }

    /// The folders that `install` has made: COP_HOME may name a folder with others in it.
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

    /// Deletes what `install` writes; anything else stays, and its folder with it.
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
            // it is not ours alone
        }
    }
}

/// What `install` trains with: each part of the tool is played over TLS, in a home that is thrown away, against a
/// stand-in that answers as GitHub does.
final class Rehearsal {
    static final List<String> PARTS = List.of("chat", "repl", "others");

    /// @param args a part, and a PKCS #12 file, its password `rehearsal`, with the certificate as PEM beside it
    public static void main(String... args) {
        copilot.class.getMethods();                         // in which the JVM looks for a main
        copilot.start("--version");                     // streams and signals
        System.exit(play(args[0], Path.of(args[1])));
    }


    /// @return 0 where all went as it should
    private static int play(String part, Path keys) {
        if (!Descriptors.closed(0)) Descriptors.kind(0);                // as a start does that has a real stdin
        return switch (part) {
            case "chat" -> {
                markdown();
                yield play(List.of(List.of("chat", "-u", "-s", "Be brief", "--timeout", "3s", "hello"),
                        List.of("chat", "--json", "hello"), List.of("chat", "-c", "hello"), List.of("chat"),
                        List.of("chat", "--help"), List.of("chat", "--no-such-option"),
                        List.of("chat", "-t", "commit-message", "--var", "diff=+a")), Stdin.Kind.PIPE, keys);
            }
            // a person's shell finds its input at the end
            case "repl" -> play(List.of(List.of("repl", "snippets.jsh"), List.of("repl")), Stdin.Kind.TERMINAL, keys);
            default -> play(List.of(List.of("--help"), List.of("render", "review", "--example"), List.of("templates"),
                    List.of("models"), List.of("token"), List.of("status"), List.of("batch", "classify", "-d",
                    "rows.jsonl", "-o", "out.jsonl", "--delay", "0"), List.of("batch", "classify", "-d", "rows.jsonl",
                    "-o", "out.jsonl", "--dry-run"), List.of("batch", "status", "out.jsonl")), Stdin.Kind.PIPE, keys);
        };
    }

    /// What a terminal gets, for here there is none.
    private static void markdown() {
        var nowhere = new PrintWriter(Writer.nullWriter());
        String all = "# A\n\n**b** `c` *d* [e](f)\n\n1. g\n\n> h\n\n|i|j|\n|-|-|\n|k|l|\n\n```\nm\n```\n";
        for (var view : List.of(new StyledLines(nowhere), new MarkdownPrinter(nowhere, () -> new Window(80, 24)))) {
            for (String piece : all.split("(?<=[bg])")) view.text(piece);
            view.end();
        }
    }

    /// @return 0, or 1 where a command ended as it should not, or there was no playing at all
    private static int play(List<List<String>> commands, Stdin.Kind stdin, Path keys) {
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
                var said = new StringWriter();
                var env = new Environment(new Stdin(new ByteArrayInputStream("hello".getBytes()), stdin),
                        nowhere, new PrintWriter(said), variables, Descriptors::isTerminal, Time.SYSTEM, () -> false,
                        home);
                int code = copilot.run(env, command.toArray(String[]::new));
                if (code == (command.contains("--no-such-option") ? Fault.USAGE : 0)) continue;
                failed = 1;
                System.err.println(command + " ended with " + code + ": " + said);
            }
            try (var files = Files.walk(home)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
            return failed;
        } catch (IOException _) {
            return 1;
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
                // all is over
            }
        }
    }

    /// One connection, request after request.
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
            // the client has what it wanted
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

/// Class files older than version 50 have no stack maps, and no cache takes them: picocli's 228 are. They are written
/// anew, with the maps that the JDK works out.
final class OldClasses {
    private static final int OLD = 50, NEW = 61;

    /// A jar with its old classes raised; the same where there is none.
    static byte[] raised(byte[] jar) throws IOException {
        var entries = new LinkedHashMap<String, byte[]>();
        try (var in = new ZipInputStream(new ByteArrayInputStream(jar))) {
            for (var entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                if (!entry.isDirectory()) entries.put(entry.getName(), in.readAllBytes());
            }
        }
        boolean any = entries.entrySet().stream().anyMatch(entry -> old(entry.getKey(), entry.getValue()));
        boolean signed = entries.keySet().stream().anyMatch(name -> name.matches("META-INF/[^/]+\\.(SF|RSA|DSA|EC)"));
        if (!any || signed) return jar;
        var hierarchy = ClassHierarchyResolver.ofResourceParsing(name -> {
            byte[] ours = entries.get(name.packageName().isEmpty() ? name.displayName() + ".class"
                    : name.packageName().replace('.', '/') + "/" + name.displayName() + ".class");
            return ours == null ? null : new ByteArrayInputStream(ours);
        }).orElse(ClassHierarchyResolver.defaultResolver());
        var out = new ByteArrayOutputStream(jar.length);
        try (var zip = new ZipOutputStream(out)) {
            for (var entry : entries.entrySet()) {
                var renewed = new ZipEntry(entry.getKey());
                renewed.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));       // the same bytes each time
                zip.putNextEntry(renewed);
                zip.write(old(entry.getKey(), entry.getValue()) ? raised(entry.getValue(), hierarchy)
                        : entry.getValue());
            }
        }
        return out.toByteArray();
    }

    private static boolean old(String name, byte[] bytes) {
        return name.endsWith(".class") && bytes.length > 8 && (bytes[6] << 8 | bytes[7] & 0xff) < OLD;
    }

    private static byte[] raised(byte[] bytes, ClassHierarchyResolver hierarchy) {
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
