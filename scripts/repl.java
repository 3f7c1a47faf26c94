///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Opens a JShell with your login: ask("…"), prompt, rows, batch, models; or runs a file of snippets
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES embed.java
//SOURCES eval.java
//SOURCES tools.java

/// JShell with the verbs imported. Snippets run in this process and use the login and cache of the command line.
package cop;

import module java.base;
import cop.copilot.Fault;
import jdk.jshell.*;
import jdk.jshell.execution.LocalExecutionControl;
import jdk.jshell.spi.*;
import jdk.jshell.tool.JavaShellToolBuilder;

import static cop.Text.COP;

public class repl extends Command {
    public static void main(String... args) { System.exit(copilot.start("repl", args)); }

    private static final String IMPORTS = """
            import module java.base;
            import cop.copilot;
            import cop.copilot.*;
            import static cop.copilot.*;
            import static cop.embed.*;
            import static cop.eval.*;
            import static cop.tools.*;
            """;
    /// JShell shortens values of more than 1,000 characters, such as a table of models.
    private static final String WIDE = """
            /set mode copilot concise -quiet
            /set truncation copilot 100000
            /set mode -retain copilot
            /set feedback -retain copilot
            /exit
            """;
    private static final String CLASSES = System.getProperty("java.class.path");

    @Override
    String syntax() {
        return """
                [OPTIONS] [FILE…]

                Open JShell with your login, or run files of snippets.
                Imports ask("…"), stream, chat, tool, prompt, template, rows, batch, models, run, api, and embed.
                With FILE, runs the files and exits: with 0, the number after /exit, or the error's exit code.

                FILE…  Files of Java snippets; - for stdin.

                  {cop} repl
                  echo 'System.out.println(ask("hello"));' | {cop} repl -
                """;
    }

    @Override
    int run(CopilotClient copilot) {
        if (has("--host")) System.setProperty("COP_HOST", text("--host"));
        System.setProperty("COP_HEADERS", Stream.concat(Stream.ofNullable(env.variable("COP_HEADERS")),
                texts("-H").stream()).collect(Collectors.joining("\n")));
        if (has("-v")) System.setProperty("COP_VERBOSE", "1");
        var files = texts("FILE");
        if (!files.isEmpty()) return run(files);
        if (env.stdin().kind() != Stdin.Kind.TERMINAL) return run(List.of("-"));
        if (!has("--quiet")) console.say(greeting(copilot));
        return interact();
    }

    /// Runs the interactive shell, until /exit.
    ///
    /// @return the number after /exit
    private int interact() {
        var history = Home.of(env).state().resolve("jshell.json");
        var settings = new HashMap<String, String>();
        Home.of(env).readOrEmpty(history, console::warn).properties()
                .forEach(entry -> settings.put(entry.getKey(), entry.getValue().asString()));
        try {
            Path startup = Files.createTempFile("copilot-", ".jsh");
            try {
                if (!settings.containsKey("FEEDBACK")) widen(settings, startup);
                Files.writeString(startup, IMPORTS);
                return JavaShellToolBuilder.builder().persistence(settings).start("--execution", "local",
                        "--class-path", CLASSES, "-C-parameters", "--startup", startup.toString());
            } finally {
                Files.deleteIfExists(startup);
                if (Conversation.kept(Home.of(env))) Home.of(env).edit(history, console::warn, kept -> {
                    kept.removeAll();                       // JShell renumbers its lines
                    settings.forEach(kept::put);
                });
            }
        } catch (Fault fault) {
            throw fault;
        } catch (Exception e) {
            throw new Fault(Fault.ERROR, "cannot start JShell: " + Text.reason(e),
                    COP + " repl FILE works without a terminal", e);
        }
    }

    /// Runs a JShell to create the settings, once: JShell has no other way to set them.
    private static void widen(Map<String, String> settings, Path startup) throws Exception {
        var quiet = new PrintStream(OutputStream.nullOutputStream());
        var made = new HashMap<String, String>();
        JavaShellToolBuilder.builder().persistence(made).out(quiet).err(quiet)
                .in(new ByteArrayInputStream(WIDE.getBytes(StandardCharsets.UTF_8)), null)
                .start("--execution", "local", "--startup", startup.toString());
        made.keySet().removeIf(key -> key.startsWith("HISTORY"));
        settings.putAll(made);
    }

    /// Runs files in order, in one shell, until the first error.
    ///
    /// @param names `-` is stdin
    /// @return 0, or the number after /exit
    private int run(List<String> names) {
        var texts = names.stream().map(name -> TextFile.read(env, name)).toList();
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
        var engine = new Engine();
        try (var shell = JShell.builder().executionEngine(engine, Map.of())
                .compilerOptions("--class-path", CLASSES, "-parameters").build()) {
            IMPORTS.lines().forEach(shell::eval);
            for (int i = 0; i < names.size(); i++) {
                var code = new Code(shell, engine, names.get(i), texts.get(i)).run(env.shutdown());
                if (code.isPresent()) return code.getAsInt();
            }
            return 0;
        }
    }

    /// Runs snippets in this process, and keeps the exception they throw: JShell wraps it.
    private static final class Engine implements ExecutionControlProvider {
        private Throwable thrown;

        @Override
        public String name() { return "copilot"; }

        @Override
        public ExecutionControl generate(ExecutionEnv env, Map<String, String> parameters) {
            return new LocalExecutionControl() {
                @Override
                protected String invoke(Method method) throws Exception {
                    try {
                        return super.invoke(method);
                    } catch (InvocationTargetException e) {
                        thrown = e.getCause();
                        throw e;
                    }
                }
            };
        }
    }

    /// Splits a file's code into snippets, by adding lines until JShell calls a snippet complete.
    private static final class Code {
        private static final Pattern CONTINUED = Pattern.compile("(\\s|//[^\n]*\n|/\\*(?s:.*?)\\*/)*+"
                + "(\\.|(else|catch|finally)\\b)");
        private static final String ANNOTATIONS = "(@[\\w.]+(\\(.*\\))?\\s*)+;?";

        private final JShell shell;
        private final Engine engine;
        private final String name, text;
        private final Map<String, Integer> places = new HashMap<>();        // the first line of each snippet
        private int at;                                     // the offset of the next snippet

        Code(JShell shell, Engine engine, String name, String text) {
            this.shell = shell;
            this.engine = engine;
            this.name = name.equals("-") ? "stdin" : name;
            this.text = text;
        }

        /// @return the number after /exit; empty at the end of the file
        OptionalInt run(Environment.Shutdown shutdown) {
            if (text.startsWith("#!")) at = endOfLine(0);
            while (true) {
                while (at < text.length() && Character.isWhitespace(text.charAt(at))) at++;
                String rest = text.substring(at);
                if (rest.startsWith("/") && !rest.startsWith("//") && !rest.startsWith("/*")) {
                    return OptionalInt.of(exit(rest.lines().findFirst().orElseThrow().strip()));
                }
                int end = eval();
                if (shutdown.signaled()) throw Fault.interrupted();             // otherwise JShell runs the next line
                if (end == at) break;
                at = end;
            }
            var open = EnumSet.of(Snippet.Status.RECOVERABLE_DEFINED, Snippet.Status.RECOVERABLE_NOT_DEFINED);
            shell.snippets().filter(snippet -> open.contains(shell.status(snippet))).findFirst().ifPresent(snippet -> {
                throw unresolved(snippet);
            });
            return OptionalInt.empty();
        }

        /// Runs the snippet at `at`.
        ///
        /// @return the offset of its end
        private int eval() {
            for (int end = endOfLine(at); end > at; end = endOfLine(end)) {
                var next = shell.sourceCodeAnalysis().analyzeCompletion(text.substring(at, end));
                boolean last = end == text.length();
                if (next.completeness() == SourceCodeAnalysis.Completeness.EMPTY) return end;       // a comment
                if (next.completeness().isComplete() || last && next.source() != null) {
                    boolean continued = CONTINUED.matcher(text).region(end, text.length()).lookingAt()
                            || next.source().strip().matches(ANNOTATIONS);
                    if (next.remaining().isBlank() && continued && !last) continue;
                    engine.thrown = null;
                    var events = shell.eval(next.source());
                    events.forEach(event -> places.putIfAbsent(event.snippet().id(), line(at)));
                    for (var event : events) if (event.causeSnippet() == null) check(event);
                    return end - next.remaining().length();
                }
                if (last) {
                    throw Fault.usage(name + ":" + line(at) + ": the statement that begins here is incomplete",
                            "check for a missing ), }, or \"");
                }
            }
            return at;
        }

        private int endOfLine(int from) {
            int end = text.indexOf('\n', from);
            return end < 0 ? text.length() : end + 1;
        }

        /// @return the number after /exit
        private int exit(String command) {
            if (!command.matches("/exit( .*|;)?")) {
                throw Fault.usage(name + ":" + line(at) + ": " + command + " works only at the prompt",
                        "use Java, or /exit with a number");
            }
            String number = command.substring(5).replaceFirst("//.*", "").replace(";", "").strip();
            if (number.isEmpty()) return 0;
            engine.thrown = null;
            var events = shell.eval("(int) (" + number + ")");
            events.forEach(this::check);
            return Integer.parseInt(events.getLast().value());
        }

        /// Names the missing declaration; Java's own message names the declaration that uses it.
        private Fault unresolved(Snippet snippet) {
            String names = snippet instanceof DeclarationSnippet declared
                    ? String.join(", ", shell.unresolvedDependencies(declared).toList()) : "";
            String what = snippet instanceof DeclarationSnippet declared && !(snippet instanceof ErroneousSnippet)
                    ? declared.name() : snippet.source().strip().lines().findFirst().orElse("");
            return Fault.usage(name + ":" + places.getOrDefault(snippet.id(), line(at)) + ": " + what + " uses "
                    + (names.isEmpty() ? "a name" : names) + ", which is not declared", "check the spelling");
        }

        private void check(SnippetEvent event) {
            if (event.status() == Snippet.Status.REJECTED) {
                shell.snippets().filter(snippet -> snippet instanceof DeclarationSnippet declared
                        && shell.status(snippet) == Snippet.Status.RECOVERABLE_NOT_DEFINED && Pattern.compile("\\b"
                        + Pattern.quote(declared.name()) + "\\b").matcher(event.snippet().source()).find()).findFirst()
                        .ifPresent(snippet -> {
                            throw unresolved(snippet);
                        });
                var wrong = shell.diagnostics(event.snippet()).filter(Diag::isError).findFirst();
                long offset = wrong.map(Diag::getPosition).orElse(0L);
                throw Fault.usage(name + ":" + line(at + (int) Math.max(0, offset)) + ": "
                        + wrong.map(w -> w.getMessage(Locale.ENGLISH)).orElse("this is not Java")
                        .replaceAll("\\s*\\R\\s*", "; "), "files run as in JShell, one statement at a time");
            }
            if (event.exception() == null) return;
            if (event.exception() instanceof UnresolvedReferenceException open) throw unresolved(open.getSnippet());
            String where = place(event.exception()) + ": ";
            throw switch (engine.thrown) {
                case Fault fault -> new Fault(fault.exitCode(), where + fault.message(), fault.hint(), fault);
                case Throwable thrown -> new Fault(Fault.ERROR, where + thrown, "add -v for the stack trace", thrown);
                case null -> Fault.error(where + event.exception().getMessage(), "");
            };
        }

        /// Returns the line in the file. A JShell stack frame has a snippet and a line in it: `#12:3`.
        private String place(Exception thrown) {
            for (var frame : thrown.getStackTrace()) {
                String snippet = String.valueOf(frame.getFileName());
                if (!snippet.startsWith("#") || !places.containsKey(snippet.substring(1))) continue;
                return name + ":" + (places.get(snippet.substring(1)) + Math.max(1, frame.getLineNumber()) - 1);
            }
            return name + ":" + line(at);
        }

        private int line(int offset) {
            return 1 + (int) text.substring(0, offset).chars().filter(c -> c == '\n').count();
        }
    }

    /// Returns the user, the model, and what to type, without a request to GitHub.
    private String greeting(CopilotClient copilot) {
        var source = copilot.logins().usable().stream().findFirst();
        String who = source.map(s -> (s.user().isEmpty() ? s.source() : s.name())
                + copilot.tokens().plan(s).map(plan -> " (" + plan + ")").orElse("")).orElse("not logged in (run "
                + COP + " login)");
        var models = copilot.models();
        var model = models.configured(null).or(() -> models.cached().map(ModelList::defaultModelId));
        return "copilot.java " + cop.copilot.VERSION + ": " + who + model.map(id -> ", " + id).orElse("")
                + "; try ask(\"hello\") and Tab; type /exit to leave";
    }
}
