///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Script your own GitHub Copilot subscription: login, token, chat, prompt templates
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//DEPS tools.jackson.core:jackson-databind:3.1.8
//DEPS tools.jackson.dataformat:jackson-dataformat-yaml:3.1.8
//DEPS com.networknt:json-schema-validator:3.0.9
//DEPS com.knuddels:jtokkit:1.1.0
//DEPS org.slf4j:slf4j-nop:2.0.20
//DEPS com.github.spullara.mustache.java:compiler:0.9.14
//FILES templates/classify.json=templates/classify.json
//FILES templates/classify.mustache=templates/classify.mustache
//FILES templates/commit-message.json=templates/commit-message.json
//FILES templates/commit-message.mustache=templates/commit-message.mustache
//FILES templates/explain.json=templates/explain.json
//FILES templates/explain.mustache=templates/explain.mustache
//FILES templates/extract.json=templates/extract.json
//FILES templates/extract.mustache=templates/extract.mustache
//FILES templates/release-notes.json=templates/release-notes.json
//FILES templates/release-notes.mustache=templates/release-notes.mustache
//FILES templates/review.json=templates/review.json
//FILES templates/review.mustache=templates/review.mustache
//FILES templates/sql.json=templates/sql.json
//FILES templates/sql.mustache=templates/sql.mustache
//FILES templates/summarize.json=templates/summarize.json
//FILES templates/summarize.mustache=templates/summarize.mustache
//FILES templates/test-cases.json=templates/test-cases.json
//FILES templates/test-cases.mustache=templates/test-cases.mustache
//FILES templates/translate.json=templates/translate.json
//FILES templates/translate.mustache=templates/translate.mustache
//COMPILE_OPTIONS -XDignore.symbol.file -XDstringConcat=inline
//RUNTIME_OPTIONS -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx1g -Xmn12m -XX:SurvivorRatio=2
//RUNTIME_OPTIONS -XX:+IgnoreUnrecognizedVMOptions -XX:+UseTransparentHugePages
//RUNTIME_OPTIONS -Xshare:auto -Xlog:disable --enable-native-access=ALL-UNNAMED
//RUNTIME_OPTIONS -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8
//CDS

/// # copilot.java: a scriptable client for your own GitHub Copilot subscription
///
/// Run by JBang. The parts of the file follow these steps:
///
///  1. ask GitHub for a device code            POST github.com/login/device/code           Login
///  2. enter the code in a browser             github.com/login/device                     Login
///  3. poll until GitHub issues a token        POST github.com/login/oauth/access_token    Login
///  4. exchange it for a short Copilot token   GET  api.github.com/copilot_internal/...    Token
///  5. ask                                     POST {endpoints.api}/chat/completions       Copilot
///
/// Quick start: `jbang copilot.java login`, then `jbang copilot.java chat "hello"`. GitHub documents none of this API.
///
/// A part uses only the parts below it and Vocabulary, which uses only Text; scripts/tests/Layers.java enforces this.
///
/// | Part                | Contents |
/// |---------------------|----------|
/// | Header              | JBang directives, this text, imports |
/// | Entry               | `main`, `run`, `script` |
/// | Verbs               | the API for JShell and scripts, and the types it returns |
/// | Vocabulary          | immutable data: `Message`, `Request`, `Reply`, `Model`, `Account`, `Fault` … |
/// | Toolkit             | the implementation of the verbs |
/// | Commands            | command-line parsing and printing |
/// | Batch               | a batch, from its options to its exit code |
/// | Reply output        | a chat, interactive or not, and writing answers to stdout |
/// | Prompt input        | words, stdin, files, images, values, a schema |
/// | Conversations       | the store: one file per conversation, one line per turn |
/// | Status              | who is logged in, and whether a chat would work |
/// | Login               | steps 1 to 3: the device flow |
/// | Copilot             | step 5: the client, the list of models, `auto` |
/// | Token               | step 4: sources, the exchange, cache, renewal, rejections |
/// | Endpoints           | request formats, stream readers, fields that models reject |
/// | Batch engine        | rows, journal, rate control, runner, results |
/// | Templates           | lookup, front matter, mustache, values |
/// | Schema and tokens   | JSON Schema, token counts |
/// | HTTP                | hosts, headers, the sender, event streams, errors, proxies, TLS |
/// | Storage             | directories, locks, atomic file writes |
/// | Console and process | streams, variables, signals, clock, messages on stderr |
/// | Text                | JSON, masking, durations, spelling suggestions |
package cop;

import module java.base;
import module java.net.http;
import java.lang.Error;                                  // not the validator's
import java.net.Proxy;
import java.security.cert.*;

import com.github.mustachejava.*;
import com.github.mustachejava.codes.*;
import com.github.mustachejava.reflect.AbstractObjectHandler;
import com.github.mustachejava.util.Wrapper;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.EncodingRegistry;
import com.networknt.schema.*;
import cop.copilot.*;
import cop.copilot.Token;                               // not the test of this name
import static cop.Text.COP;
import picocli.CommandLine;
import picocli.CommandLine.Model.*;
import tools.jackson.core.*;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.*;
import tools.jackson.databind.*;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.*;
import tools.jackson.dataformat.yaml.*;

public class copilot {
    // ------------------------------------------------------------------------------------------------ Entry

    public static void main(String... args) { System.exit(RealProcess.start(copilot::run, args)); }

    /// Runs a separate program as a command; returns the exit code.
    static int start(String program, String... args) {
        var words = Stream.concat(Stream.of(program), Stream.of(args));
        return RealProcess.start(copilot::run, words.toArray(String[]::new));
    }

    /// Runs one command with the process's stdin, environment, and clock: `run(out, err, "chat", "hello")`.
    ///
    /// @param out receives only the answer
    /// @param err receives progress, warnings, and errors
    /// @return the exit code: 0 done, 1 error, 2 usage, 4 not logged in, 5 failed rows, 75 try later, 130 interrupted
    public static int run(PrintWriter out, PrintWriter err, String... args) {
        return run(new Environment(new Stdin(System.in, null), out, err, System.getenv(), _ -> false, Time.SYSTEM,
                () -> false, Path.of("")), args);
    }

    static int run(Environment env, String... args) {
        var console = new Console(env);
        try {
            try {
                return Commands.dispatch(console, args);
            } finally {
                console.flush();
            }
        } catch (BrokenPipe _) {
            return 0;                                       // as in `| head`
        } catch (RuntimeException e) {
            return console.report(e instanceof Fault fault ? fault : Fault.bug(e));
        } catch (StackOverflowError | OutOfMemoryError tooMuch) {
            return console.report(Fault.usage("the input is too large, or too deeply nested",
                    "use a smaller input").because(tooMuch));
        }
    }

    /// Runs the body of a script's `main`. A `Fault` is printed, and exits with its code, as on the command line.
    ///
    ///     void main(String... args) {
    ///         script("greet NAME [--loud]", args, (words, options) -> IO.println(ask("Greet " + words.getFirst())));
    ///     }
    ///
    /// `--help` prints the usage. Missing or extra words and unknown options are usage errors (2).
    ///
    /// @param usage name, words in capitals, and options (all flags); brackets mark optional parts, `…` a repeatable
    ///     word; further lines appear only in `--help`
    public static void script(String usage, String[] args, BiConsumer<List<String>, Set<String>> body) {
        int code = runScript(Fault.nonNull(usage, "script's usage"), Fault.nonNull(args, "script's arguments"), body);
        if (code != 0) System.exit(code);
    }

    static int runScript(String usage, String[] args, BiConsumer<List<String>, Set<String>> body) {
        var words = new ArrayList<String>();
        var options = new TreeSet<String>();
        int end = List.of(args).indexOf("--");
        for (int i = 0; i < args.length; i++) {
            if (i != end) (args[i].matches("-.+") && (end < 0 || i < end) ? options : words).add(args[i]);
        }
        var console = new Console(Environment.of(System.in, new PrintWriter(System.out, true),
                new PrintWriter(System.err, true), System.getenv(), () -> false));
        console.verbose = options.remove("-v");
        if (options.contains("--help") || options.contains("-h")) {
            System.out.print("usage: " + usage.strip() + "\n");
            return 0;
        }
        try {
            checkWords(usage, words, options);
            body.accept(List.copyOf(words), options);
            return 0;
        } catch (RuntimeException e) {
            return console.report(e instanceof Fault fault ? fault
                    : new Fault(Fault.ERROR, e.toString(), "rerun with -v", e));
        }
    }

    private static void checkWords(String usage, List<String> words, Set<String> options) {
        String line = usage.strip().lines().findFirst().orElse("");
        String hint = "usage: " + line + (usage.strip().equals(line) ? "" : "; --help explains it");
        var form = Form.of("", line.replaceFirst("^\\S+", ""));         // the name may contain a dash
        for (String option : options) {
            if (form.options().contains(option)) continue;
            throw Fault.usage("unknown option: " + option, Suggestions.hint(option, form.options(), hint));
        }
        var needed = form.needed();
        if (words.size() < needed.size()) throw Fault.usage("missing " + needed.get(words.size()), hint);
        if (words.isEmpty() || form.word(words.size() - 1) != null) return;
        throw Fault.usage("unexpected argument: " + words.get(form.words().size()), hint);
    }

    // ------------------------------------------------------------------------------------------------ Verbs
    // For JShell and scripts. Nothing here prints or exits; every failure is a Fault.

    /// Asks the model that `copilot chat` uses, and waits for the answer: `ask("Why is the sky blue?")`.
    ///
    /// @throws Fault if nobody is logged in, GitHub rejects the request, or the connection is lost
    public static Reply ask(String prompt) { return ask(request(prompt)); }

    /// Asks a model from `models()`: `ask("auto", "Three names for a pelican").usage()`.
    public static Reply ask(String model, String prompt) { return ask(request(prompt).withModel(model)); }

    /// Sends a request, and returns incomplete answers too (see `Reply.finish`):
    /// `ask(request("Why?").withSystem("Be brief").withOption("temperature", 0))`.
    public static Reply ask(Request request) { return Toolkit.SHARED.ask(request); }

    /// Streams the answer in small pieces, and returns the tokens used: `stream("A story", System.out::print)`.
    ///
    /// @throws Fault as `ask` does, and after the last piece if the answer is incomplete
    public static Usage stream(String prompt, Consumer<String> pieces) { return stream(request(prompt), pieces); }

    /// Streams the answer to a request.
    public static Usage stream(Request request, Consumer<String> pieces) {
        return Toolkit.SHARED.stream(request, pieces);
    }

    /// Returns a request with one user message, to extend with `with…`.
    public static Request request(String text) { return new Request(null, List.of(Message.user(text)), null, true); }

    /// Reads an image for a request: `ask(request("What is this?").withImage(image("cat.png")))`.
    ///
    /// @throws Fault if it cannot be read or is not an image
    public static Image image(String file) { return Toolkit.SHARED.image(Fault.nonNull(file, "image's file")); }

    /// Starts a conversation: `var c = chat("You are terse"); c.say("hello"); c.say("and now in French")`.
    ///
    /// @param system the system message; null for none
    public static Chat chat(String system) { return Toolkit.SHARED.chat(system); }

    /// Starts a conversation without a system message.
    public static Chat chat() { return chat(null); }

    /// Loads a template by name or file, as `chat -t` does: `prompt("review").with("diff", run("git", "diff")).ask()`.
    ///
    /// @throws Fault if there is none, suggesting the nearest name
    public static Prompt prompt(String name) { return Toolkit.SHARED.prompt(Fault.nonNull(name, "prompt's name")); }

    /// Parses a template: `template("Is it a complaint? {{text}}")`.
    ///
    /// @throws Fault with the line of a syntax error
    public static Prompt template(String text) { return Toolkit.SHARED.template(text); }

    /// Reads rows lazily from a JSON Lines, JSON, CSV, or TSV file or a folder of JSON files:
    /// `rows("tickets.jsonl").limit(5).map(prompt("classify")::ask).forEach(System.out::println)`.
    /// The file is closed at its end, by `close()`, or when the stream is dropped. With COP_VERBOSE set, stderr lists
    /// skipped rows, such as those without any value.
    ///
    /// @throws Fault naming file and line, on reaching a row that cannot be read
    public static Stream<Row> rows(String file) { return Toolkit.SHARED.rows(Fault.nonNull(file, "rows' file")); }

    /// Prepares one prompt per row, as in `copilot batch`: `batch("classify", "tickets.jsonl").to("labels.jsonl")`.
    ///
    /// @param template its name or file
    /// @param rows a file, a folder, or a glob of JSON files
    public static Batch batch(String template, String rows) { return batch(prompt(template), rows); }

    /// Prepares a batch whose rows share the values that the prompt already has.
    public static Batch batch(Prompt prompt, String rows) { return new Batch(prompt, rows); }

    /// Prepares a batch of rows in memory, such as `rows("x.csv").filter(…).toList()`.
    public static Batch batch(Prompt prompt, List<? extends Map<String, ?>> rows) { return new Batch(prompt, rows); }

    /// Returns the models of this account, cached for an hour: `models().filter(m -> m.supports("vision"))`.
    public static Models models() { return Toolkit.SHARED.models(); }

    /// Returns your plan and remaining quotas: `usage().quotas()`. (The cost of a call is `ask("…").usage()`.)
    public static Account usage() { return Toolkit.SHARED.copilot().account(); }

    /// Returns the names of the templates that `prompt` can load.
    public static List<String> templates() { return Toolkit.SHARED.templates(); }

    /// Runs a program without a shell and returns its output, less trailing newlines: `run("git", "diff")`.
    ///
    /// @throws Fault with its stderr if it cannot be started or its exit code is not 0
    public static String run(String... command) { return Toolkit.SHARED.run(command); }

    /// Returns JSON from any Copilot endpoint, such as `api("/models")`, or from GitHub's `/copilot_internal/user`.
    ///
    /// @throws Fault with GitHub's message if the status is not 2xx, and if the response is not JSON
    public static JsonNode api(String path) { return Toolkit.SHARED.api("GET", path, null); }

    /// Posts JSON and returns the response.
    ///
    /// @param body anything Jackson can serialize: a map, a record, a `JsonNode`
    public static JsonNode api(String path, Object body) {
        return Toolkit.SHARED.api("POST", path, Fault.nonNull(body, "api's body"));
    }

    /// Returns the short-lived Copilot token, renewed if due, for other HTTP clients: `token().header()`.
    public static Token token() { return Toolkit.SHARED.copilot().tokens().get(); }

    /// A template and its values. Immutable: `with…` methods return a copy.
    public static final class Prompt {
        final Template template;
        final Map<String, Object> values;
        final ObjectNode options;
        final Toolkit toolkit;
        private final String model;

        Prompt(Template template, Toolkit toolkit) { this(template, Map.of(), null, Json.object(), toolkit); }

        private Prompt(Template template, Map<String, Object> values, String model, ObjectNode options,
                Toolkit toolkit) {
            this.template = template;
            this.values = values;
            this.model = model;
            this.options = options;
            this.toolkit = toolkit;
        }

        /// Returns the template's name.
        public String name() { return template.name(); }

        /// Returns the template's description; may be empty.
        public String description() { return template.head().description(); }

        /// Sets a string, number, boolean, list, map, record, or `JsonNode`. A dotted name sets a nested value.
        public Prompt with(String name, Object value) {
            var all = new LinkedHashMap<>(values);
            JsonValues.put(all, Fault.nonNull(name, "with's name"), JsonValues.of(value), "with(\"" + name + "\")");
            return new Prompt(template, all, model, options, toolkit);
        }

        /// Sets all values of a map or row.
        public Prompt withAll(Map<String, ?> more) {
            var all = new LinkedHashMap<>(values);
            JsonValues.copy((Map<?, ?>) JsonValues.of(Fault.nonNull(more, "withAll's map"))).forEach(all::put);
            return new Prompt(template, all, model, options, toolkit);
        }

        /// Sets the model; the default is the template's, then that of `chat`.
        public Prompt withModel(String id) { return new Prompt(template, values, id, options, toolkit); }

        /// Sets an option of the request, such as `withOption("temperature", 0)`.
        ///
        /// @throws Fault if the value is out of the documented range
        public Prompt withOption(String name, Object value) {
            return new Prompt(template, values, model, RequestFields.with(options, name, value), toolkit);
        }

        /// Returns the filled messages: the system message, earlier turns, the question.
        ///
        /// @throws Fault naming all missing values
        public List<Message> messages() { return prepared().request().messages(); }

        /// Returns the messages as `copilot render` prints them.
        public String render() { return Message.text(messages(), true); }

        /// Asks, and waits for the whole answer.
        ///
        /// @throws Fault as `ask` does, and if a value is missing, or the answer is incomplete or violates the schema
        public Reply ask() { return Toolkit.requireComplete(toolkit.ask(prepared())); }

        /// Asks with further values: `rows("x.csv").map(prompt("classify")::ask)`.
        public Reply ask(Map<String, ?> more) { return withAll(more).ask(); }

        /// Streams the answer in small pieces, and returns the tokens used.
        public Usage stream(Consumer<String> pieces) {
            return toolkit.stream(prepared().request(toolkit.copilot(), true), pieces);
        }

        /// Returns the requested model; null or empty for any.
        String model() { return model != null ? model : template.head().model(); }

        PreparedPrompt prepared() {
            var own = new PreparedPrompt(new Request(model, List.of(), options, true), null);
            try {
                return PreparedPrompt.of(template, template.filled(values, false)).with(own);
            } catch (Fault fault) {
                boolean ofValues = fault.is(Fault.Kind.MISSING_VALUES) || fault.is(Fault.Kind.INVALID_VALUES);
                throw ofValues ? fault.withHint("set it: with(\"name\", value)") : fault;
            }
        }

        @Override
        public String toString() { return name() + " " + JsonValues.text(values); }
    }

    /// A conversation that remembers its turns. Thread-safe.
    public static final class Chat {
        private final Toolkit toolkit;
        private Request history;

        Chat(Request history, Toolkit toolkit) {
            this.history = history;
            this.toolkit = toolkit;
        }

        /// Returns a copy of the conversation with another model.
        public synchronized Chat withModel(String id) { return new Chat(history.withModel(id), toolkit); }

        /// Returns a copy of the conversation whose model may call tools: definitions, or objects and classes with
        /// methods that have `@Tool`.
        public synchronized Chat withTools(Object... toolboxes) {
            return new Chat(history.withTools(Stream.of(toolboxes).flatMap(each -> Commands.tools().of(each).stream())
                    .toArray(ToolDefinition[]::new)), toolkit);
        }

        /// Sends a message and waits for the answer. A message that fails is not remembered.
        ///
        /// @throws Fault as `ask` does
        public Reply say(String text) { return say(text, _ -> { }); }

        /// Sends a message and streams the answer.
        public synchronized Reply say(String text, Consumer<String> pieces) {
            var request = history.plus(Message.user(text));
            var reply = toolkit.ask(request, pieces);
            history = request.withMessages(Stream.of(request.messages(), reply.steps(), List.of(Message.assistant(
                    reply.text()))).flatMap(List::stream).toList());
            return reply;
        }

        /// Returns all messages so far, the system message first.
        public synchronized List<Message> messages() { return history.messages(); }

        @Override
        public String toString() { return Message.text(messages(), true); }
    }

    /// A row of data: fields by name, in the file's order. Prints as JSON.
    public static final class Row extends AbstractMap<String, Object> implements JsonValues.Fields {
        private final Map<String, Object> data;

        Row(Map<String, Object> data) { this.data = data; }

        /// Returns a field as text, empty if missing or null. A dotted name reads a nested field: `json.label`.
        ///
        /// @throws Fault if `json` is read from the result of a batch's row that is not ok
        public String text(String name) {
            Object value = data;
            for (String part : data.containsKey(name) ? new String[] {name} : name.split("\\.")) {
                value = value instanceof Map<?, ?> map ? map.get(part) : null;
            }
            if (value == null && name.matches("json(\\..*)?") && text("status").matches("failed|filtered|incomplete")) {
                throw Fault.error("row " + text("id") + " has no " + name + ": its status is " + text("status"),
                        "read answers(), which has only rows that are ok; text(\"error.message\") is the reason");
            }
            return value == null || value == JsonValues.NULL ? "" : JsonValues.text(value);
        }

        /// Returns the row as JSON.
        public ObjectNode json() { return (ObjectNode) JsonValues.node(data); }

        /// Returns the fields: strings, `BigDecimal`, `Boolean`, null, rows, and lists.
        @Override
        public Set<Entry<String, Object>> entrySet() {
            var fields = new LinkedHashMap<String, Object>();
            data.forEach((name, value) -> fields.put(name, plain(value)));
            return Collections.unmodifiableMap(fields).entrySet();
        }

        private static Object plain(Object value) {
            return switch (value) {
                case Map<?, ?> map -> new Row(JsonValues.copy(map));
                case List<?> list -> list.stream().map(Row::plain).toList();
                case JsonValues.NumberLiteral digits -> new BigDecimal(digits.text());
                case null -> null;
                default -> value == JsonValues.NULL ? null : value;
            };
        }

        /// Returns the values with numbers as in the file: `1.50` stays `1.50`.
        @Override
        public Map<String, Object> data() { return data; }

        @Override
        public String toString() { return JsonValues.text(data); }
    }

    /// A batch not sent yet: `with…` methods return a copy, `to` runs it.
    ///
    /// @param rows a file name, or a list of maps
    public record Batch(Prompt prompt, Object rows, int jobs, Duration delay, boolean retryFailed,
                        Consumer<String> progress) {
        public Batch {
            Fault.nonNull(prompt, "batch's prompt");
            Fault.nonNull(rows, "batch's rows");
            Fault.nonNull(delay, "withDelay's time");
            Fault.nonNull(progress, "withProgress's listener");
            if (jobs < 1) throw Fault.usage("withJobs(" + jobs + ") is out of range", "use 1 or more");
        }

        Batch(Prompt prompt, Object rows) { this(prompt, rows, BatchSpec.JOBS, BatchSpec.DELAY, false, _ -> { }); }

        /// Sets the number of concurrent requests; 2 by default.
        public Batch withJobs(int number) { return new Batch(prompt, rows, number, delay, retryFailed, progress); }

        /// Sets the minimum time between starts of requests; one second by default.
        public Batch withDelay(Duration time) { return new Batch(prompt, rows, jobs, time, retryFailed, progress); }

        /// Retries rows that failed, were filtered, or were incomplete in an earlier run.
        public Batch withRetryFailed() { return new Batch(prompt, rows, jobs, delay, true, progress); }

        /// Sets a listener for progress messages and notes: `withProgress(System.err::println)`.
        public Batch withProgress(Consumer<String> lines) {
            return new Batch(prompt, rows, jobs, delay, retryFailed, lines);
        }

        /// Asks the rows not answered yet, and writes all results. Progress is kept in the folder `out` + `.run`.
        ///
        /// @param out a .jsonl, .json, .csv, or .tsv file
        /// @throws Fault naming an invalid row, before anything is sent; or with exit code 75 if a limit
        ///     ends the batch early, which the same call resumes, or 1 if too many rows fail, which only
        ///     `withRetryFailed` resumes
        public Outcome to(String out) { return prompt.toolkit.batch(this, Fault.nonNull(out, "to's file")); }

        @Override
        public String toString() {
            return "a batch of " + prompt.name() + ", not sent yet: .to(\"results.jsonl\") sends it";
        }
    }

    /// The outcome of a batch.
    ///
    /// @param out the file of results
    /// @param ok the number of answers that are complete and meet the schema
    /// @param failed the number of rows without an answer, or whose answer violates the schema
    /// @param filtered the number of answers stopped by the content filter
    /// @param incomplete the number of answers cut off
    public record Outcome(Path out, long ok, long failed, long filtered, long incomplete) {
        /// Returns whether every row is ok.
        public boolean allOk() { return failed + filtered + incomplete == 0; }

        /// Returns the results in row order: `id`, `status`, `text` or `json`, `model`, `usage`, `error`.
        public Stream<Row> results() { return rows(out.toString()); }

        /// Returns the results that are ok.
        public Stream<Row> answers() { return results().filter(row -> row.text("status").equals("ok")); }

        /// Returns `ID: problem` for the first row that is not ok, if any.
        public Optional<String> firstProblem() {
            try (var rows = results()) {
                return rows.filter(row -> !row.text("status").equals("ok")).findFirst().map(row -> row.text("id") + ": "
                        + ErrorResponse.firstNonEmpty(row.text("error.message"), row.text("status")));
            }
        }

        @Override
        public String toString() {
            return out.getFileName() + ": " + (allOk() ? ok + " ok" : "incomplete: " + ok + " of "
                    + (ok + failed + filtered + incomplete));
        }
    }

    /// A list of models that prints as a table.
    public static final class Models extends AbstractList<Model> {
        private final List<Model> all;

        Models(List<Model> all) { this.all = List.copyOf(all); }

        /// Returns the models that match: `models().filter(m -> m.supports("vision"))`.
        public Models filter(Predicate<Model> condition) { return new Models(all.stream().filter(condition).toList()); }

        /// Returns the ids, for `withModel`.
        public List<String> ids() { return all.stream().map(Model::id).toList(); }

        @Override
        public Model get(int index) { return all.get(index); }

        @Override
        public int size() { return all.size(); }

        @Override
        public String toString() {
            var lines = Console.columns(ModelTable.COLUMNS, all.stream().map(ModelTable::row).toList(),
                    Integer.MAX_VALUE);
            return size() + (size() == 1 ? " model\n" : " models\n") + String.join("\n", lines);
        }
    }

    // -------------------------------------------------------------------------------------------- Vocabulary
    // Immutable data for JShell and scripts. Nothing here prints or fetches.

    static final String VERSION = "0.1.0";

    /// One message of a prompt.
    ///
    /// @param role `system`, `user`, `assistant`, or `tool`
    /// @param raw a call of tools or its result, as /chat/completions has it; null for any other message
    public record Message(String role, String content, List<Image> images, ObjectNode raw) {
        /// A field of `raw` that is not sent: what the model must get back exactly as it came, by endpoint.
        static final String REPLAY = "replay";

        public Message {
            Fault.nonNull(role, "a message's role");
            Fault.nonNull(content, "a message's text");
            images = List.copyOf(Fault.nonNull(images, "a message's list of images"));
        }

        public Message(String role, String content, List<Image> images) { this(role, content, images, null); }

        /// Creates a message without images.
        public Message(String role, String content) { this(role, content, List.of()); }

        /// @return for a call of tools, names and arguments are part of the content, which differs from the text sent
        static Message raw(ObjectNode json) {
            var calls = json.path("tool_calls").valueStream().map(call -> call.path("function")).map(call -> "\n"
                    + Json.text(call, "name") + " " + Json.text(call, "arguments")).collect(Collectors.joining());
            return new Message(Json.text(json, "role"), (text(json.path("content")) + calls).strip(), List.of(), json);
        }

        /// Returns a system message.
        public static Message system(String text) { return new Message("system", text); }

        /// Returns a user message.
        public static Message user(String text) { return new Message("user", text); }

        /// Returns an answer, to continue a conversation.
        public static Message assistant(String text) { return new Message("assistant", text); }

        static String text(List<Message> messages, boolean roles) {
            return messages.stream().map(m -> roles ? "## " + m.role() + "\n\n" + m.content() : m.content())
                    .collect(Collectors.joining("\n\n"));
        }

        /// @param content a string or a list of parts
        static String text(JsonNode content) {
            return content.isString() ? content.asString() : String.join("", content.findValuesAsString("text"));
        }
    }

    /// An image to send (see `image`).
    ///
    /// @param name the file's name, for messages
    /// @param mediaType such as `image/png`
    /// @param base64 the file's bytes
    public record Image(String name, String mediaType, String base64) {
        /// Returns the size in bytes.
        public long size() { return base64.replace("=", "").length() * 3L / 4; }

        String dataUrl() { return "data:" + mediaType + ";base64," + base64; }

        @Override
        public String toString() { return name + " (" + mediaType + ", " + size() + " bytes)"; }
    }

    /// A function that a model may call, as the verb `tool` makes it.
    ///
    /// @param json name, description and parameters, as /chat/completions has them
    /// @param isReadOnly whether calls may run at the same time
    /// @param function returns a text, an `Image`, or anything that Jackson can serialize
    public record ToolDefinition(ObjectNode json, boolean isReadOnly, Function<ObjectNode, Object> function) {
        public String name() { return Json.text(json.path("function"), "name"); }

        /// Marks a tool that changes nothing.
        public ToolDefinition readOnly() { return new ToolDefinition(json, true, function); }
    }

    /// The short-lived Copilot token, or a GitHub token that the API accepts directly. Prints masked.
    ///
    /// @param json GitHub's whole response, with the token
    /// @param fetched by the local clock; `expires_at` is ignored because of clock skew (as in vscode-copilot-chat)
    /// @param api the base URL for requests
    public record Token(ObjectNode json, Instant fetched, URI api) {
        static final String DIRECT = "direct";

        /// Returns the token itself, a secret.
        public String value() { return Json.text(json, "token"); }

        /// Returns `Bearer …`, for the Authorization header.
        public String header() { return "Bearer " + value(); }

        /// Returns the expiry: a minute after `refresh_in`, as in vscode-copilot-chat.
        public Instant expiresAt() { return fetched.plus(refreshIn()).plusSeconds(60); }

        /// Returns the SKU, such as `yearly_subscriber_quota`.
        public String sku() { return json.path("sku").asString("unknown"); }

        /// Returns `free`, `student`, `individual`, `business`, `enterprise` …, or else the SKU.
        public String plan() {
            return Account.planOf(sku(), Json.text(json, "plan"))
                    .orElse(json.path("individual").asBoolean(false) ? "individual" : sku());
        }

        boolean direct() { return json.path(DIRECT).asBoolean(false); }

        private Duration refreshIn() {
            return Durations.min(Duration.ofDays(1), Json.seconds(json, "refresh_in", 1500));
        }

        /// Returns when to renew: four minutes before `refresh_in`, or halfway if that is later.
        Instant refreshAt() {
            long seconds = refreshIn().toSeconds();
            return fetched.plusSeconds(Math.max(seconds - 240, seconds / 2));
        }

        boolean isFresh(Instant now) { return !now.isBefore(fetched) && now.isBefore(refreshAt()); }

        /// Returns whether it may still be used if renewal fails.
        boolean isUsable(Instant now) { return !now.isBefore(fetched) && !now.isAfter(expiresAt()); }

        Duration timeLeft(Instant now) { return Duration.between(now, expiresAt()); }

        @Override
        public String toString() { return Secrets.abbreviated(value()) + " for " + api + ", until " + expiresAt(); }
    }

    /// How a request is sent, and what runs the tools that it offers. Not part of a batch row's identity.
    ///
    /// @param endpoint `chat`, `responses`, or `messages`; null to choose one for the model
    /// @param required options that are not dropped if the model rejects them
    public record Delivery(String endpoint, Set<String> required, List<ToolDefinition> tools) {
        static final SortedMap<String, String> ENDPOINTS = new TreeMap<>(Map.of("chat", "/chat/completions",
                "responses", "/responses", "messages", "/v1/messages"));
        static final Delivery USUAL = new Delivery(null, Set.of());

        public Delivery {
            if (endpoint != null && !ENDPOINTS.containsKey(endpoint)) throw Fault.usage("unknown endpoint: " + endpoint,
                    "use " + String.join(", ", ENDPOINTS.keySet()));
            required = Set.copyOf(required);
            tools = List.copyOf(tools);
        }

        Delivery(String endpoint, Set<String> required) { this(endpoint, required, List.of()); }

        /// Merges two deliveries; the later one wins.
        ///
        /// @param options the later request's: only `later` decides which of these are required
        Delivery then(Delivery later, Iterable<String> options) {
            var all = new HashSet<>(required);
            options.forEach(all::remove);
            all.addAll(later.required);
            return new Delivery(later.endpoint == null ? endpoint : later.endpoint, all, tools);
        }
    }

    /// A request.
    ///
    /// @param model null for the one that `chat` uses; `auto` lets GitHub choose
    /// @param options further fields of the request's body, such as `temperature`
    public record Request(String model, List<Message> messages, ObjectNode options, boolean stream, Delivery delivery) {
        public Request {
            messages = List.copyOf(Fault.nonNull(messages, "a request's list of messages"));
            options = options == null ? Json.object() : options.deepCopy();
        }

        public Request(String model, List<Message> messages, ObjectNode options, boolean stream) {
            this(model, messages, options, stream, Delivery.USUAL);
        }

        /// Returns a copy.
        @Override
        public ObjectNode options() { return options.deepCopy(); }

        /// Returns the options without a copy; read-only.
        ObjectNode optionsView() { return options; }

        /// Replaces all messages.
        public Request withMessages(List<Message> all) { return new Request(model, all, options, stream, delivery); }

        /// Sets the model: an id, a unique part of one, `auto`, or null for the default.
        public Request withModel(String other) { return new Request(other, messages, options, stream, delivery); }

        /// Sets the endpoint: `chat`, `responses`, or `messages`; null to choose one for the model.
        ///
        /// @throws Fault for an unknown endpoint
        public Request withEndpoint(String name) {
            return with(new Delivery(name, delivery.required(), delivery.tools()));
        }

        /// Offers tools: `request("Is it warmer in Oslo or in Rome?").withTools(weather)`. `ask` runs those that the
        /// model calls.
        public Request withTools(ToolDefinition... tools) {
            var all = Stream.concat(delivery.tools().stream(), Stream.of(tools)).toList();
            var offered = options();
            offered.set("tools", Json.array(all.stream().map(ToolDefinition::json)));
            return new Request(model, messages, offered, stream, new Delivery(delivery.endpoint(), delivery.required(),
                    all));
        }

        boolean hasImages() {
            return messages.isEmpty() ? options.path("messages").findValuesAsString("type").contains("image_url")
                    : messages.stream().anyMatch(message -> !message.images().isEmpty() || message.raw() != null
                    && message.raw().findValuesAsString("type").contains("image_url"));
        }

        /// Returns whether the result of a tool causes this request, and not the user.
        boolean answersCall() {
            return !messages.isEmpty() && messages.getLast().raw() instanceof ObjectNode raw
                    && (raw.has("tool_call_id") || raw.has(Message.REPLAY));
        }

        List<String> texts() {
            if (!messages.isEmpty()) return messages.stream().map(Message::content).toList();
            return options.path("messages").valueStream().map(each -> Message.text(each.path("content"))).toList();
        }

        long bytes() {
            return extraBytes() + texts().stream().mapToLong(t -> t.getBytes(StandardCharsets.UTF_8).length).sum();
        }

        /// Returns the bytes of the schema and the tools, with 4000 for each image: about a thousand tokens.
        long extraBytes() {
            long images = messages.stream().mapToLong(each -> each.images().size()).sum()
                    + options.path("messages").findValues("image_url").size();
            return 4000 * images + Stream.of("response_format", "tools").mapToLong(name ->
                    options.path(name).toString().length()).sum();
        }

        int answers() { return options.path("n").asInt(1); }

        /// Rejects `n`, for a schema or a turn of a conversation.
        Request single(String what) {
            if (answers() == 1) return this;
            throw Fault.usage(what + " takes one answer, not n=" + answers(), "remove the option n");
        }

        Request with(Delivery other) { return new Request(model, messages, options, stream, other); }

        /// Sets the system message, replacing any earlier one.
        public Request withSystem(String text) {
            return withMessages(Stream.concat(Stream.of(Message.system(text)), turns().stream()).toList());
        }

        String system() {
            boolean first = !messages.isEmpty() && messages.getFirst().role().equals("system");
            return first ? messages.getFirst().content() : null;
        }

        List<Message> turns() { return messages.subList(system() == null ? 0 : 1, messages.size()); }

        Request plus(Message more) { return withMessages(Stream.concat(messages.stream(), Stream.of(more)).toList()); }

        /// Adds an image to the last message.
        public Request withImage(Image image) {
            var last = messages.getLast();
            var images = Stream.concat(last.images().stream(), Stream.of(Fault.nonNull(image, "withImage's image")));
            return withMessages(messages.subList(0, messages.size() - 1))
                    .plus(new Message(last.role(), last.content(), images.toList()));
        }

        /// Sets an option, such as `withOption("temperature", 0)`.
        ///
        /// @throws Fault if the value is out of the documented range
        public Request withOption(String name, Object value) {
            return new Request(model, messages, RequestFields.with(options, name, value), stream, delivery);
        }

        /// Sets whether the answer is streamed, which is the default.
        public Request withStream(boolean other) { return new Request(model, messages, options, other, delivery); }
    }

    /// Why an answer ended. `UNKNOWN` stands for any other word of GitHub's (see `Reply.rawFinish`), and for none.
    public enum FinishReason {
        STOP, LENGTH, CONTENT_FILTER, TOOL_CALLS, UNKNOWN;

        static final String MISSING = "GitHub gave no finish reason; the answer may be incomplete";

        static FinishReason of(String word) {
            return Stream.of(values()).filter(each -> each.name().equalsIgnoreCase(word)).findFirst().orElse(UNKNOWN);
        }
    }

    /// An answer. Prints as its text.
    ///
    /// @param choices the texts, one for each of `n`
    /// @param rawFinish why it ended, in the words of `/chat/completions` or an unknown word; empty if GitHub sent none
    /// @param usage zeros if GitHub reported none
    /// @param model the dated name of the model that answered, not the requested id
    /// @param toolCalls a list, as in `/chat/completions`; may be empty
    /// @param dropped options left out because the model rejects them
    /// @param steps the calls of tools and their results before this answer
    public record Reply(List<String> choices, String reasoning, String rawFinish, String model, Usage usage,
                        JsonNode toolCalls, String id, String requestId, Duration duration, List<String> dropped,
                        List<Message> steps) {
        public Reply {
            choices = List.copyOf(choices);
            dropped = List.copyOf(dropped);
        }

        /// Returns the text; of several choices all, with blank lines between.
        public String text() { return String.join("\n\n", choices); }

        /// Returns why the answer ended; it is whole if this is `STOP`.
        public FinishReason finish() { return FinishReason.of(rawFinish); }

        boolean asksForTool() { return finish() == FinishReason.TOOL_CALLS; }

        /// Returns null if the answer is complete.
        Fault unfinished() {
            return switch (finish()) {
                case LENGTH -> Fault.error("the answer was cut off by the token limit (finish: length)",
                        "raise --max-tokens, withOption(\"max_tokens\", …), or use a model with a larger output");
                case CONTENT_FILTER -> Fault.error("the answer was cut off by GitHub's content filter"
                        + " (finish: content_filter)", "rephrase the prompt");
                case TOOL_CALLS -> Fault.error("the model asks for a tool call instead of answering",
                        "add -T FILE, or --json");
                default -> null;
            };
        }

        Reply withUsage(Usage other) { return with(choices, other, dropped); }

        Reply withText(String other) { return with(List.of(other), usage, dropped); }

        Reply withDropped(Collection<String> names) {
            return with(choices, usage, Stream.concat(dropped.stream(), names.stream()).distinct().toList());
        }

        private Reply with(List<String> texts, Usage other, List<String> left) {
            return new Reply(texts, reasoning, rawFinish, model, other, toolCalls, id, requestId, duration, left,
                    steps);
        }

        /// Returns this answer as the last of several steps, which cost so much together.
        Reply after(List<Message> all, Usage used, Duration time) {
            return new Reply(choices, reasoning, rawFinish, model, used, toolCalls, id, requestId, time, dropped, all);
        }

        @Override
        public String toString() { return text(); }

        /// Parses the JSON in the text: all of it, the only fenced block, or the only object or list among words:
        /// `ask("…").value().path("label").asString()`.
        ///
        /// @throws Fault if it is not JSON
        public JsonNode value() {
            return Json.extract(text(), _ -> true).map(Json::tryParse).orElseThrow(() -> Fault.error("the answer is not"
                    + " JSON: " + Text.shortened(Text.printable(text()), 80), "use a template with a schema"));
        }

        /// Binds the JSON to a class, such as a record: `ask("…").value(Person.class).name()`.
        ///
        /// @throws Fault if it is not JSON or does not fit the class
        public <T> T value(Class<T> type) { return Json.convert(value(), type); }

        /// Returns the record that `chat --json` prints; times in milliseconds.
        public ObjectNode json() {
            var json = Json.object().put("text", text()).put("model", model).put("finish", rawFinish);
            if (choices.size() > 1) choices.forEach(json.putArray("choices")::add);
            if (!reasoning.isEmpty()) json.put("reasoning", reasoning);
            if (!toolCalls.isEmpty()) json.set("tool_calls", toolCalls);
            if (!steps.isEmpty()) json.set("steps", Json.array(steps.stream().map(step ->
                    step.raw().deepCopy().without(Message.REPLAY))));
            if (!dropped.isEmpty()) dropped.forEach(json.putArray("dropped")::add);
            json.set("usage", usage.json());
            return json.put("ms", duration.toMillis()).put("id", id).put("request_id", requestId);
        }

        String usageLine() {
            return "usage: " + usage + Text.printable(model.isEmpty() ? "" : ", " + model) + ", "
                    + Durations.seconds(duration) + (id.startsWith("cached ") ? ", " + id : "");
        }
    }

    /// The tokens of one call, and its cost.
    ///
    /// @param cachedTokens how many of the prompt's were read from GitHub's cache
    /// @param reasoningTokens how many of the completion's were spent on reasoning
    /// @param nanoCredits the cost in billionths of an AI credit
    /// @param estimated whether GitHub did not report the cost, or not even the tokens
    public record Usage(long promptTokens, long completionTokens, long cachedTokens, long reasoningTokens,
                        long nanoCredits, boolean estimated) {
        static final Usage NONE = new Usage(0, 0, 0, 0, 0, false);

        static Usage of(JsonNode json) {
            return new Usage(json.path("prompt_tokens").asLong(0), json.path("completion_tokens").asLong(0), 0, 0,
                    json.path("credits").decimalValue(BigDecimal.ZERO).movePointRight(9).longValue(),
                    json.path("estimated").asBoolean(false));
        }

        public long totalTokens() { return promptTokens + completionTokens; }

        /// Returns the cost in AI credits ($0.01 each); 0 if not billed in credits.
        public BigDecimal credits() { return BigDecimal.valueOf(nanoCredits, 9); }

        Usage plus(Usage other) {
            return new Usage(promptTokens + other.promptTokens, completionTokens + other.completionTokens,
                    cachedTokens + other.cachedTokens, reasoningTokens + other.reasoningTokens,
                    nanoCredits + other.nanoCredits, estimated || other.estimated);
        }

        ObjectNode json() {
            var json = Json.object().put("prompt_tokens", promptTokens).put("completion_tokens", completionTokens)
                    .put("total_tokens", totalTokens());
            if (cachedTokens > 0) json.put("cached_tokens", cachedTokens);
            if (reasoningTokens > 0) json.put("reasoning_tokens", reasoningTokens);
            if (nanoCredits > 0) json.put("credits", credits());
            if (estimated) json.put("estimated", true);
            return json;
        }

        String price() { return credits().setScale(4, RoundingMode.HALF_UP).stripTrailingZeros().toPlainString(); }

        private String price(String lead) { return nanoCredits < 50_000 ? "" : lead + price() + " credits"; }

        /// Returns `about 1437 tokens, 0.5562 credits`.
        String cost() { return (estimated ? "about " : "") + totalTokens() + " tokens" + price(", "); }

        @Override
        public String toString() {
            return promptTokens + " prompt + " + completionTokens + " completion tokens"
                    + (cachedTokens > 0 ? ", " + cachedTokens + " cached" : "")
                    + (reasoningTokens > 0 ? ", " + reasoningTokens + " reasoning" : "")
                    + price(estimated ? ", about " : ", ");
        }
    }

    /// A model. Prints as its id.
    ///
    /// @param json GitHub's catalog entry
    public record Model(JsonNode json) {
        /// The id that lets GitHub choose; not in the catalog.
        static final String AUTO = "auto";

        static Model auto() {
            return new Model(Json.object().put("id", AUTO).put("name", "Auto").put("vendor", "GitHub"));
        }

        static boolean isAuto(String id) { return AUTO.equalsIgnoreCase(id); }

        boolean isAuto() { return isAuto(id()); }

        /// Returns the id, for `withModel`.
        public String id() { return Json.text(json, "id"); }

        /// Returns the name for people.
        public String name() { return Json.text(json, "name"); }

        /// Returns the vendor, such as `Anthropic`.
        public String vendor() { return Json.text(json, "vendor"); }

        /// Returns the most tokens of prompt plus answer; 0 if unknown.
        public long contextWindow() { return limit("max_context_window_tokens"); }

        /// Returns the most tokens of the answer; 0 if unknown.
        public long maxOutputTokens() { return limit("max_output_tokens"); }

        /// Returns the most tokens of the prompt; 0 if unknown.
        public long maxPromptTokens() {
            long most = limit("max_prompt_tokens");
            return most > 0 ? most : contextWindow();
        }

        String tokenizer() { return json.path("capabilities").path("tokenizer").asString("o200k_base"); }

        private JsonNode price(String kind) {
            return json.path("billing").path("token_prices").path("default").path(kind + "_price");
        }

        boolean hasPrices() { return price("input").isNumber(); }

        /// Adds the cost to a usage, if known; prices are per `batch_size` tokens (as in opencode), with one of its own
        /// for cached tokens.
        Usage priced(Usage used) {
            double read = Stream.of("cache_read", "cache", "input").map(this::price).filter(JsonNode::isNumber)
                    .findFirst().map(JsonNode::asDouble).orElse(0.0);
            double sum = (used.promptTokens - used.cachedTokens) * price("input").asDouble(0) + used.cachedTokens * read
                    + used.completionTokens * price("output").asDouble(0);
            long batch = json.path("billing").path("token_prices").path("batch_size").asLong(1_000_000);
            long nano = Math.round(sum / Math.max(1, batch) * 1e9);
            return new Usage(used.promptTokens, used.completionTokens, used.cachedTokens, used.reasoningTokens,
                    nano, used.estimated || nano > 0);
        }

        private JsonNode supports() { return json.path("capabilities").path("supports"); }

        /// Returns whether the catalog lists `vision`, `tool_calls`, `streaming`, `structured_outputs` …
        public boolean supports(String ability) {
            var names = List.of("tools", "schema", "reasoning");    // as `models` prints them
            if (names.contains(ability)) return List.of(abilities().split(" ")).contains(ability);
            var claim = supports().path(ability);
            return claim.isArray() ? !claim.isEmpty() : claim.asBoolean(false);
        }

        /// Returns the paths that serve this model; a missing field means chat only (vscode-copilot-chat).
        public List<String> endpoints() {
            var paths = json.path("supported_endpoints").valueStream().map(JsonNode::asString).toList();
            return paths.isEmpty() ? List.of("/chat/completions") : paths;
        }

        /// Returns whether the terms are accepted: it has no policy, or one whose state is `enabled`.
        public boolean enabled() { return Set.of("", "enabled").contains(Json.text(json.path("policy"), "state")); }

        boolean isClaude() { return vendor().equals("Anthropic") || id().startsWith("claude"); }

        /// Returns the limit to send where one is required; often lower without streaming.
        long maxOutputTokens(boolean stream) {
            long most = maxOutputTokens() > 0 ? maxOutputTokens() : 4096;
            long unstreamed = limit("max_non_streaming_output_tokens");
            return stream || unstreamed == 0 ? most : Math.min(most, unstreamed);
        }

        /// Returns the effort levels, such as `low`; empty if there are none or only a token budget.
        public List<String> reasoningEfforts() {
            return supports().path("reasoning_effort").valueStream().map(JsonNode::asString).toList();
        }

        /// Returns whether it has a thinking budget (no flag shows it: caozhiyuan/copilot-api #54).
        boolean thinksByBudget() { return supports().path("max_thinking_budget").asLong(0) > 0; }

        long thinkingBudget(String effort) {
            long budget = Map.of("minimal", 1024, "low", 2048, "high", 24_000, "xhigh", 32_000, "max", 32_000)
                    .getOrDefault(effort, 8192);
            return Math.clamp(budget, supports().path("min_thinking_budget").asLong(1024),
                    supports().path("max_thinking_budget").asLong(32_000));
        }

        boolean streams() { return supports("streaming") || supports().isMissingNode(); }

        boolean isListed() { return json.path("model_picker_enabled").asBoolean(true) && isChat(); }

        String type() { return json.path("capabilities").path("type").asString("chat"); }

        boolean isChat() { return type().equals("chat"); }

        boolean isDefault() { return json.path("is_chat_default").asBoolean(false); }

        /// Returns whether it can be requested: GitHub's editors list it, and its terms are accepted.
        boolean usable() { return isListed() && enabled() && chats(); }

        boolean chats() { return endpoints().stream().anyMatch(Delivery.ENDPOINTS::containsValue); }

        /// Returns whether a reply's model name is this id, its version, or the id with a date.
        boolean answersAs(String name) {
            return !name.isEmpty() && (name.equals(id()) || name.equals(Json.text(json, "version"))
                    || name.startsWith(id() + "-2"));
        }

        boolean matches(String part) {
            return Stream.of(id(), name(), vendor(), abilities(), paths()).anyMatch(text -> text
                    .toLowerCase(Locale.ROOT).contains(part.toLowerCase(Locale.ROOT)));
        }

        String terms() { return json.path("policy").path("terms").asString("no terms to accept"); }

        String paths() {
            return endpoints().stream().filter(path -> path.startsWith("/"))
                    .map(path -> path.replace("/chat/completions", "chat").replaceFirst("^/(v1/)?", ""))
                    .collect(Collectors.joining(" "));
        }

        String abilities() {
            boolean thinks = supports("reasoning_effort") || supports("adaptive_thinking") || thinksByBudget();
            return Text.joined(" ", supports("vision") ? "vision" : "", supports("tool_calls") ? "tools" : "",
                    supports("structured_outputs") ? "schema" : "", thinks ? "reasoning" : "");
        }

        /// Returns how many premium requests a call costs; empty if unknown.
        public Optional<BigDecimal> multiplier() {
            return json.path("billing").path("multiplier").decimalValueOpt().map(BigDecimal::stripTrailingZeros);
        }

        long limit(String name) { return json.path("capabilities").path("limits").path(name).asLong(0); }

        @Override
        public String toString() { return id(); }
    }

    /// An account.
    ///
    /// @param json GitHub's whole response
    public record Account(JsonNode json, Instant fetched) {
        static final String NO_QUOTAS = "GitHub reports no quotas for this account";

        /// Returns the user name; may be empty.
        public String login() { return Json.text(json, "login"); }

        /// Returns `free`, `student`, `individual`, `individual_pro`, `max`, `business`, `enterprise` …
        public String plan() { return planOf(sku(), Json.text(json, "copilot_plan")).orElse("unknown"); }

        /// Returns the plan. Students pay nothing, but have their own plan (OmniRoute #12000, opencode #46455).
        static Optional<String> planOf(String sku, String plan) {
            if (sku.contains("educational")) return Optional.of("student");
            var ofSku = Stream.of("free", "business", "enterprise", "max", "standalone").filter(sku::contains)
                    .findFirst();
            return plan.isEmpty() || sku.contains("free") ? ofSku : Optional.of(plan);
        }

        /// Returns the SKU, such as `yearly_subscriber_quota`; may be empty.
        public String sku() { return Json.text(json, "access_type_sku"); }

        /// Returns whether calls are billed by tokens, in AI credits ($0.01 each), and not as premium requests.
        public boolean tokenBilled() {
            var billing = json.path("token_based_billing");
            return billing.isObject() ? billing.path("enabled").asBoolean(true) : billing.asBoolean(false);
        }

        /// Returns when the next period begins.
        public Optional<Instant> reset() {
            return Quota.moment(json, "quota_reset_date_utc", "quota_reset_date", "limited_user_reset_date");
        }

        /// Returns the quotas in GitHub's order.
        public List<Quota> quotas() {
            var snapshots = new LinkedHashMap<String, JsonNode>();
            json.path("quota_snapshots").properties().stream().filter(each -> each.getValue().isObject())
                    .forEach(each -> snapshots.put(each.getKey(), each.getValue()));
            if (snapshots.isEmpty()) {                      // a Free account: two objects of numbers
                JsonNode all = json.path("monthly_quotas"), left = json.path("limited_user_quotas");
                Stream.of(all, left).flatMap(each -> each.propertyNames().stream()).forEach(id -> snapshots.put(id,
                        Json.object().<ObjectNode>set("entitlement", all.path(id)).set("remaining", left.path(id))));
            }
            String unit = tokenBilled() ? "credits" : "requests";
            return snapshots.entrySet().stream().map(each -> Quota.of(each.getKey(), each.getValue(),
                    reset().orElse(null), each.getKey().startsWith("premium") ? unit : "")).toList();
        }

        @Override
        public String toString() {
            String person = Text.printable((login().isEmpty() ? "?" : login()) + " ("
                    + Text.joined(", ", plan(), sku()) + ")");
            int width = quotas().stream().mapToInt(quota -> quota.name().length()).max().orElse(0);
            var lines = quotas().stream().map(quota -> "\n  " + Text.padded(quota.name(), width) + "  " + quota.words()
                    + (reset().equals(Optional.ofNullable(quota.reset())) ? "" : quota.resets(fetched))).toList();
            return person + (tokenBilled() ? ", billed in AI credits, $0.01 each" : "")
                    + (lines.isEmpty() ? "\n  " + NO_QUOTAS : String.join("", lines))
                    + reset().map(then -> "\nresets " + Quota.when(then, fetched)).orElse("");
        }
    }

    /// A quota. Null means unknown, or not applicable to an unlimited quota.
    ///
    /// @param id GitHub's name, such as `premium_interactions`
    /// @param entitlement the amount per period
    /// @param remaining below 0 if more was used
    /// @param percentRemaining how much of the entitlement remains: 0 to 100, or below
    /// @param overage the amount used beyond the entitlement
    /// @param overagePermitted whether use beyond it is allowed, and billed
    /// @param reset when the next period begins
    /// @param unit `credits`, `requests`, or empty
    public record Quota(String id, BigDecimal entitlement, BigDecimal remaining, BigDecimal percentRemaining,
                        boolean unlimited, BigDecimal overage, boolean overagePermitted, Instant reset, String unit,
                        BigDecimal used) {
        private static final DateTimeFormatter MINUTE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm");
        private static final Pattern HEADER = Pattern.compile("x-(?:quota-snapshot|usage-ratelimit)-(.+)");
        /// Short names in headers, and those in GitHub's account response.
        private static final Map<String, String> NAMES = Map.of("ent", "entitlement", "rem", "percent_remaining",
                "ov", "overage_count", "ovPerm", "overage_permitted", "rst", "reset_date");

        /// @param reset the account's, for a quota without its own
        static Quota of(String id, JsonNode json, Instant reset, String unit) {
            var entitlement = number(json.path("entitlement"));
            var remaining = Optional.ofNullable(number(json.path("quota_remaining")))
                    .orElseGet(() -> number(json.path("remaining")));
            var percent = number(json.path("percent_remaining"));
            var used = number(json.path("credits_used"));   // all there is if an organization pays without limit
            boolean unlimited = json.path("unlimited").asBoolean(false)
                    || entitlement != null && entitlement.signum() < 0;
            if (unlimited) entitlement = remaining = percent = null;
            if (entitlement != null && remaining != null) {
                if (used == null) used = entitlement.subtract(remaining);
                if (percent == null && entitlement.signum() > 0) {
                    percent = remaining.multiply(BigDecimal.valueOf(100)).divide(entitlement, 4, RoundingMode.FLOOR);
                }
            }
            return new Quota(id, entitlement, remaining, percent, unlimited, number(json.path("overage_count")),
                    json.path("overage_permitted").asBoolean(false), moment(json, "quota_reset_at", "reset_date")
                    .orElse(reset), unit, used);
        }

        /// Reads quotas, as of before the call, from response headers (see vscode-copilot-chat, CopilotChat.nvim):
        /// `x-quota-snapshot-ID` and `x-usage-ratelimit-PERIOD`, such as
        /// `ent=300&ov=0.0&ovPerm=false&rem=90.4&rst=2026-12-01T00%3A00%3A00Z`; `ent=-1` is unlimited.
        static List<Quota> of(HttpHeaders headers) {
            var found = new TreeMap<String, Quota>();
            headers.map().forEach((name, values) -> {
                var header = HEADER.matcher(name.toLowerCase(Locale.ROOT));
                if (!header.matches()) return;
                String id = header.group(1) + (header.group().startsWith("x-usage") ? "_limit" : "");
                var json = Json.object();
                for (String pair : values.getFirst().split("&")) {
                    String key = pair.replaceFirst("=.*", "");
                    json.put(NAMES.getOrDefault(key, key), pair.replaceFirst("^[^=]*=?", "").replaceAll("%3[Aa]", ":"));
                }
                var quota = of(id, json, null, "");
                if (quota.unlimited() || quota.percentRemaining() != null) found.put(id, quota);
            });
            if (found.containsKey("premium_interactions")) found.remove("premium_models");      // the older name
            return List.copyOf(found.values());
        }

        static Optional<String> line(List<Quota> quotas, Instant now) {
            if (quotas.isEmpty()) return Optional.empty();
            var limited = quotas.stream().filter(quota -> !quota.unlimited())
                    .map(quota -> quota.name() + " " + quota.words() + quota.resets(now)).toList();
            return Optional.of("quota: " + (limited.isEmpty() ? "unlimited" : String.join("; ", limited)));
        }

        /// Returns the id with spaces.
        public String name() { return Text.cell(id.replace('_', ' ')); }

        List<String> cells() {
            return List.of(id, plain(used), plain(remaining), plain(entitlement), plain(percentRemaining),
                    Boolean.toString(unlimited), Objects.toString(reset, ""), plain(overage),
                    Boolean.toString(overagePermitted), unit);
        }

        /// Returns `90.4% left of 300 credits: 271.4`. Rounds down: 99.999 is not 100.
        String words() {
            String units = unit.isEmpty() ? "" : " " + unit;
            if (unlimited) return "unlimited" + (none(used) ? "" : ", " + plain(used) + units + " used");
            String beyond = (none(overage) ? "" : ", " + plain(overage) + " used beyond it")
                    + (overagePermitted ? ", more may be used and is billed" : "");
            if (entitlement != null && none(entitlement) && none(remaining) && none(used)) {
                return "none in this plan" + beyond;
            }
            String left = percentRemaining != null ? plain(percentRemaining.setScale(2, RoundingMode.FLOOR)) + "% left"
                    : remaining != null ? plain(remaining) + " left" : "unknown amount left";
            return left + (entitlement == null ? "" : " of " + plain(entitlement)) + units
                    + (percentRemaining == null || remaining == null ? "" : ": " + plain(remaining)) + beyond;
        }

        String resets(Instant now) { return reset == null ? "" : ", resets " + when(reset, now); }

        /// Formats a time in the local time zone; GitHub resets at midnight UTC.
        static String when(Instant then, Instant now) {
            return MINUTE.format(then.atZone(ZoneId.systemDefault())) + (then.isAfter(now) ? ", in "
                    + Durations.words(Duration.between(now, then)) : " (past: these figures are outdated)");
        }

        private static boolean none(BigDecimal number) { return number == null || number.signum() == 0; }

        private static String plain(BigDecimal number) {
            return number == null ? "" : number.stripTrailingZeros().toPlainString();
        }

        /// Parses a JSON number or numeric string; null for anything else.
        private static BigDecimal number(JsonNode json) {
            String text = json.isValueNode() ? json.asString("") : "";
            return text.matches("-?[0-9]{1,15}(\\.[0-9]{1,15})?([eE][+-]?[0-9])?") ? new BigDecimal(text) : null;
        }

        /// Returns the first field that holds a time, or a date (midnight UTC).
        static Optional<Instant> moment(JsonNode json, String... names) {
            return Stream.of(names).filter(json::has).map(name -> {
                try {
                    String text = json.path(name).asString("");
                    return json.path(name).isIntegralNumber() ? Json.instant(json, name)
                            : OffsetDateTime.parse(text.length() == 10 ? text + "T00:00Z" : text).toInstant();
                } catch (DateTimeParseException _) {
                    return null;
                }
            }).filter(Objects::nonNull).findFirst();
        }

        @Override
        public String toString() { return name() + ": " + words(); }
    }

    /// Body fields from the command line or front matter.
    static final class RequestFields {
        private static final Map<String, String> OWN = Map.of("model", "-m, model: in a template, or withModel",
                "messages", "the prompt and -s, or withMessages", "stream", "--no-stream, or withStream");

        private record Range(long from, long to, boolean whole) {}

        private static final Map<String, Range> RANGES = Map.of("temperature", new Range(0, 2, false),
                "top_p", new Range(0, 1, false), "max_tokens", new Range(1, Integer.MAX_VALUE, true),
                "max_completion_tokens", new Range(1, Integer.MAX_VALUE, true), "n", new Range(1, 128, true),
                "seed", new Range(Long.MIN_VALUE, Long.MAX_VALUE, true), "presence_penalty", new Range(-2, 2, false),
                "frequency_penalty", new Range(-2, 2, false));
        /// Fields that front matter accepts outside `options:`.
        static final List<String> NAMES = List.of("temperature", "max_tokens", "max_completion_tokens", "top_p", "n",
                "seed", "stop", "presence_penalty", "frequency_penalty", "reasoning_effort");

        static ObjectNode with(ObjectNode options, String name, Object value) {
            var json = Json.tree(value);
            check(Fault.nonNull(name, "withOption's name"), json, "withOption(\"" + name + "\")");
            return options.deepCopy().set(name, json);
        }

        static void check(ObjectNode fields, UnaryOperator<String> named) {
            fields.properties().forEach(field -> check(field.getKey(), field.getValue(), named.apply(field.getKey())));
        }

        private static void rejectOwn(String field, String named) {
            if (OWN.containsKey(field)) throw Fault.usage(named + " cannot be set this way", "use " + OWN.get(field));
        }

        /// @throws Fault for a field that is set elsewhere, or a value out of range
        static void check(String field, JsonNode value, String named) {
            rejectOwn(field, named);
            var range = RANGES.get(field);
            if (range == null) return;
            String hint = "use " + range.from() + " to " + range.to();
            var number = value.isNumber() ? value.decimalValue() : null;
            if (number == null || range.whole() && number.stripTrailingZeros().scale() > 0) {
                throw Fault.usage(named + " takes a " + (range.whole() ? "whole " : "") + "number", hint);
            }
            if (number.compareTo(BigDecimal.valueOf(range.from())) >= 0
                    && number.compareTo(BigDecimal.valueOf(range.to())) <= 0) return;
            throw Fault.usage(named + " " + value + " is out of range", hint);
        }

        static ObjectNode parse(List<String> options) {
            var fields = Json.object();
            for (String option : options) {
                int equals = option.indexOf('=');
                if (equals < 1) throw Fault.usage("-O " + option + " is not KEY=JSON", "for example: -O top_p=0.5");
                String key = option.substring(0, equals), text = option.substring(equals + 1);
                var value = Json.tryParse(text);
                if (value.isMissingNode()) throw Fault.usage("-O " + option + ": the value is not JSON",
                        "quote a string: -O '" + key + "=\"" + text.replace("\"", "\\\"") + "\"'");
                rejectOwn(key, "-O " + key);
                fields.set(key, value);
            }
            return fields;
        }
    }

    /// The only exception: a message, a hint on what to do next, and an exit code. Tokens are masked.
    public static class Fault extends RuntimeException {
        static final int ERROR = 1, USAGE = 2, NOT_LOGGED_IN = 4, FAILED_ROWS = 5, LATER = 75, INTERRUPTED = 130;

        enum Kind {
            OTHER, INTERRUPTED, UNREACHABLE, CONNECTION_LOST, INCOMPLETE, MISSING_VALUES,
            /// The data does not meet the template's `inputs:`.
            INVALID_VALUES,
            /// The exchange rejected a token; the next source is tried.
            TOKEN_REFUSED,
            /// GitHub's abuse detection: nothing more is sent, and no old token is used.
            ABUSE,
            /// A batch has used up its budget, or too many rows fail; the hint is the option to continue with.
            HALTED
        }

        private final Kind kind;
        private final int exitCode;
        private final String hint;
        private Throwable reason;                           // not `cause`: JShell would print all its frames
        boolean isFinal;                                    // repeated often enough, or not to be

        Fault(Kind kind, int exitCode, String message, String hint, Throwable reason) {
            super(Secrets.mask(message));
            this.kind = kind;
            this.reason = reason;
            this.exitCode = exitCode;
            this.hint = hint == null ? "" : Secrets.mask(hint);
        }

        Fault(int code, String message, String hint, Throwable why) { this(Kind.OTHER, code, message, hint, why); }

        /// Creates an error with exit code 1; the hint may be empty.
        public Fault(String message, String hint) { this(ERROR, message, hint, null); }

        /// Creates an error with any exit code from 1 to 255.
        public Fault(int exitCode, String message, String hint) { this(exitCode, message, hint, null); }

        static Fault error(String message, String hint) { return new Fault(ERROR, message, hint, null); }

        static Fault usage(String message, String hint) { return new Fault(USAGE, message, hint, null); }

        static Fault login(String message, String hint) { return new Fault(NOT_LOGGED_IN, message, hint, null); }

        static Fault retryLater(String message, String hint) { return new Fault(LATER, message, hint, null); }

        static Fault interrupted() { return new Fault(Kind.INTERRUPTED, INTERRUPTED, "interrupted", "", null); }

        static Fault refused(String text, String hint) {
            return new Fault(Kind.TOKEN_REFUSED, NOT_LOGGED_IN, text, hint, null);
        }

        static Fault incomplete(String text, String hint) {
            return new Fault(Kind.INCOMPLETE, ERROR, text, hint, null);
        }

        static Fault io(String doing, IOException e, String hint) {
            return new Fault(ERROR, doing + ": " + Text.reason(e), hint, e);
        }

        static Fault bug(Throwable e) {
            return new Fault(ERROR, "this is a bug in copilot.java: " + e, "report it with the output of -v", e);
        }

        static <T> T nonNull(T value, String what) {
            if (value != null) return value;
            throw usage(what + " is null", "");
        }

        Fault withHint(String other) { return new Fault(kind, exitCode, message(), other, reason); }

        boolean is(Kind other) { return kind == other; }

        Kind kind() { return kind; }

        boolean lostConnection() { return kind == Kind.UNREACHABLE || kind == Kind.CONNECTION_LOST; }

        void rethrowIf(Kind... kinds) { if (List.of(kinds).contains(kind)) throw this; }

        Throwable reason() { return reason; }

        Fault because(Throwable other) {
            if (reason == null) reason = other;
            return this;
        }

        /// Returns the exit code: 1, 2, 4, 5, 75, or 130 (see `run`), or a script's own.
        public int exitCode() { return exitCode; }

        /// Returns the message without the hint.
        public String message() { return super.getMessage(); }

        /// Returns what to do next; may be empty.
        public String hint() { return hint; }

        /// Returns message and hint, since JShell and stack traces show nothing else.
        @Override
        public String getMessage() { return hint.isEmpty() ? message() : message() + "\nhint: " + hint; }

        @Override
        public void printStackTrace(PrintWriter to) {
            super.printStackTrace(to);
            if (reason == null) return;
            to.print("Caused by: ");
            reason.printStackTrace(to);
        }

        /// Returns only the caller's frames, for JShell.
        @Override
        public StackTraceElement[] getStackTrace() {
            return Stream.of(super.getStackTrace()).filter(frame -> !frame.getClassName().startsWith("cop.")
                    && !frame.getClassName().startsWith("java.")).toArray(StackTraceElement[]::new);
        }
    }
}

// ================================================================================================ Toolkit
// Implements the verbs with one client per process, created on first use.

final class Toolkit {
    private static final String VERBOSE = "COP_VERBOSE";
    static final Toolkit SHARED = new Toolkit(here());

    private final Environment env;
    private final Console console;
    private CopilotClient client;

    Toolkit(Environment env) {
        this.env = env;
        console = new Console(env);
        console.verbose = env.variable(VERBOSE) != null;
        console.quiet = true;
    }

    /// Lets system properties (`repl`, `java -DCOP_HOST=…`) override variables.
    private static Environment here() {
        var variables = new HashMap<>(System.getenv());
        for (String name : List.of("COP_HOST", "COP_HEADERS", "COP_HOME", "COP_MODEL", VERBOSE)) {
            if (System.getProperty(name) instanceof String value) variables.put(name, value);
        }
        return new Environment(new Stdin(InputStream.nullInputStream(), null), new PrintWriter(Writer.nullWriter()),
                new PrintWriter(variables.containsKey(VERBOSE) ? System.err : OutputStream.nullOutputStream(), true),
                variables, _ -> false, Time.SYSTEM, () -> false, Path.of(""));
    }

    synchronized CopilotClient copilot() {
        if (client == null) client = client(console, maxWait(Duration.ofMinutes(1)));
        return client;
    }

    private Environment heard(Stdin stdin, Consumer<String> listener) {
        var lines = new PrintWriter(new StringWriter() {
            @Override
            public void flush() {
                toString().lines().forEach(listener);
                getBuffer().setLength(0);
            }
        });
        return new Environment(stdin, env.out(), lines, env.variables(), _ -> false, env.time(), env.shutdown(),
                env.directory());
    }

    private Duration maxWait(Duration usual) {
        return Durations.parse("COP_MAX_WAIT", env.variable("COP_MAX_WAIT"), usual);
    }

    private CopilotClient client(Console console, Duration wait) {
        return new CopilotClient(new Context(console, Home.of(env), Host.of("COP_HOST", env.variable("COP_HOST")),
                Headers.parse(env.variable("COP_HEADERS"), List.of()), new HttpSender(console, wait)));
    }

    Reply ask(Request request) { return ask(request, _ -> { }); }

    Reply ask(Request request, Consumer<String> pieces) {
        Fault.nonNull(pieces, "the listener");
        var messages = Fault.nonNull(request, "the request").messages();
        if (messages.isEmpty() || messages.getLast().content().isBlank() && messages.getLast().images().isEmpty()) {
            throw Fault.usage("the prompt is empty", "ask(\"your question\")");
        }
        var client = copilot();
        var named = request.withModel(client.models().choose(request.model()));
        Function<Request, Reply> asker = each -> client.ask(each, (_, piece) -> pieces.accept(piece));
        return request.delivery().tools().isEmpty() ? asker.apply(named) : Commands.tools().ask(named, _ -> { }, asker);
    }

    Reply ask(PreparedPrompt question) {
        var client = copilot();
        return new SchemaRetry(question.schema(), 2, _ -> { }).ask(question.request(client, true),
                request -> client.ask(request, (_, _) -> { }));
    }

    Usage stream(Request request, Consumer<String> to) {
        return requireComplete(ask(request.single("a stream"), to)).usage();
    }

    /// Rejects incomplete answers, which a script would not notice.
    static Reply requireComplete(Reply reply) {
        if (reply.unfinished() == null) return reply;
        throw reply.unfinished();
    }

    copilot.Chat chat(String system) {
        var nothing = new Request(null, List.of(), Json.object(), true);
        return new copilot.Chat(system == null || system.isBlank() ? nothing : nothing.withSystem(system), this);
    }

    Image image(String file) { return ImageFile.read(env, file); }

    Prompt prompt(String name) { return new Prompt(new TemplateFolders(env).named(name), this); }

    Prompt template(String text) {
        var source = new TemplateFolders.TemplateSource("template", "template(…)", null,
                Fault.nonNull(text, "template's text"));
        return new Prompt(new TemplateReader(new TemplateFolders(env), source).template(), this);
    }

    List<String> templates() { return List.copyOf(new TemplateFolders(env).names()); }

    Models models() {
        var listed = copilot().models().list(ModelList.FRESH).models().stream().filter(Model::isListed);
        return new Models(Stream.concat(Stream.of(Model.auto()), listed).toList());
    }

    Stream<Row> rows(String name) {
        var rows = name.equals("-") ? RowReader.opened(env, "/dev/stdin", "stdin", "jsonl")
                : RowReader.opened(env, name, name, RowReader.formatOf(env, name));
        return Stream.iterate(next(rows), Objects::nonNull, _ -> next(rows)).onClose(rows::close);
    }

    private Row next(RowFilter rows) {
        var row = rows.next();
        if (row != null && row.fault() == null) return new Row(row.data());
        rows.close();
        if (row != null) throw row.fault();
        rows.notes().forEach(console::detail);
        return null;
    }

    Outcome batch(copilot.Batch batch, String out) {
        if (out.isBlank() || !ResultWriter.check(env, ".to", out)) {
            throw Fault.usage("to needs a file, got \"" + out + "\"", ".to(\"results.jsonl\")");
        }
        Path file = env.path(out);
        var prompt = batch.prompt();
        var spec = new BatchSpec();
        spec.jobs = batch.jobs();
        spec.delay = batch.delay();
        spec.retry = batch.retryFailed() ? Set.of() : null;
        spec.rows = batch.rows() instanceof String name ? name : "-";
        spec.format = RowReader.formatOf(env, spec.rows);
        spec.run = file.resolveSibling(file.getFileName() + ".run");
        spec.template = prompt.template;
        spec.lint = new TemplateLint(prompt.template, prompt.values.keySet());
        spec.prompts = row -> prompt.withAll(row.data()).prepared();
        spec.model = prompt.model();
        spec.endpoint = prompt.template.head().delivery().endpoint();
        spec.fields = prompt.options;
        spec.out = out;
        spec.yes = true;
        spec.skipping = "filter them: batch(prompt, rows(…).filter(…).toList())";
        spec.policy.maxWait = maxWait(spec.policy.maxWait);
        var console = new Console(heard(batch.rows() instanceof List<?> list ? lines(list) : spec.rows.equals("-")
                ? new Stdin(System.in, Stdin.Kind.FILE) : env.stdin(), batch.progress()));
        var client = client(console, spec.policy.maxWait);
        try (var _ = client.context().http(); client) {
            new BatchRun(console, client, spec).run();
        }
        try (var report = BatchReport.merged(List.of(spec.run))) {
            var counts = report.counts();
            return new Outcome(file, counts.of("ok"), counts.of("failed"), counts.of("filtered"),
                    counts.of("incomplete"));
        }
    }

    private static Stdin lines(List<?> rows) {
        var lines = rows.stream().map(row -> JsonValues.text(JsonValues.of(row)) + "\n").collect(Collectors.joining());
        return new Stdin(new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)), Stdin.Kind.FILE);
    }

    String run(String... command) {
        if (command.length == 0) throw Fault.usage("run() needs a program", "run(\"git\", \"diff\")");
        for (String word : command) Fault.nonNull(word, "an argument of " + command[0]);
        Process process;
        try {
            process = new ProcessBuilder(command).directory(env.directory().toFile()).start();
            process.getOutputStream().close();
        } catch (IOException e) {
            throw new Fault(Fault.ERROR, "cannot run " + command[0] + ": " + (Text.reason(e).contains("error: 2")
                    ? "no such program" : Text.reason(e)), "check that it is on the PATH", e);
        }
        var output = new FutureTask<>(process.getInputStream()::readAllBytes);
        var errors = new FutureTask<>(process.getErrorStream()::readAllBytes);
        Thread.ofVirtual().start(output);
        Thread.ofVirtual().start(errors);
        try {
            int code = process.waitFor();
            if (code == 0) return Text.stripTrailingNewlines(Text.decoded(output.get(), command[0], 0));
            String stderr = new String(errors.get(), StandardCharsets.UTF_8).strip();
            throw Fault.error(command[0] + " exited with " + code + (stderr.isEmpty() ? "" : ": "
                    + Text.shortened(Text.printable(stderr.replaceFirst("(?s)\\R.*", " …")), 300)), "");
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            process.destroy();
        }
    }

    JsonNode api(String method, String path, Object body) {
        var answer = new StringWriter();
        String text = body == null ? null : Json.compact(Json.tree(body));
        int status = copilot().raw(method, Fault.nonNull(path, "api's path"), text, response -> {
            response.copyText(new PrintWriter(answer));
            return response.status();
        });
        var json = Json.tryParse(answer.toString());
        if (status / 100 == 2 && !json.isMissingNode()) return json;
        throw Fault.error(method + " " + path + " returned HTTP " + status + (status / 100 == 2 ? ", but not JSON: "
                : ": ") + Text.shortened(Text.printable(answer.toString().strip()), 300), "");
    }
}

// =============================================================================================== Commands
// Each parses its options, asks a CopilotClient, and prints. Only the requested one is registered with picocli.
//
// A new command is a text that `Syntax` parses, a method of BasicCommand, and a line in COMMANDS; help, the overview,
// and completion follow from these. Code uses the labels of the text: `text("TEMPLATE")`.

final class Commands {
    /// A command and its implementation; null for `help` and programs.
    ///
    /// @param syntax see `Syntax`; the overview shows the first line of its description
    record Entry(String group, String name, String syntax, Supplier<Command> command) {
        Entry(String group, String name, String syntax, ToIntBiFunction<BasicCommand, CopilotClient> body) {
            this(group, name, syntax, () -> new BasicCommand(body));
        }

        String summary() { return syntax.split("\n\n")[1].lines().findFirst().orElseThrow(); }
    }

    private static final List<Entry> COMMANDS = List.of(
            new Entry("Log in", "login", BasicCommand.LOGIN, BasicCommand::login),
            new Entry("Log in", "logout", BasicCommand.LOGOUT, BasicCommand::logout),
            new Entry("Log in", "status", BasicCommand.STATUS, BasicCommand::status),
            new Entry("Log in", "token", BasicCommand.TOKEN, BasicCommand::token),
            new Entry("Ask", "chat", ChatCommand.SYNTAX, ChatCommand::new),
            new Entry("Ask", "logs", BasicCommand.LOGS, BasicCommand::logs),
            new Entry("Ask", "models", BasicCommand.MODELS, BasicCommand::models),
            new Entry("Ask", "usage", BasicCommand.USAGE, BasicCommand::usage),
            new Entry("Ask", "api", BasicCommand.API, BasicCommand::api),
            new Entry("Ask", "cache", BasicCommand.CACHE, BasicCommand::cache),
            new Entry("Prompts in files", "render", RenderCommand.SYNTAX, RenderCommand::new),
            new Entry("Prompts in files", "templates", BasicCommand.TEMPLATES, BasicCommand::templates),
            new Entry("Prompts in files", "batch", BatchCommand.SYNTAX, BatchCommand::new),
            new Entry("Help", "completion", BasicCommand.COMPLETION, BasicCommand::completion),
            new Entry("Help", "doctor", DoctorCommand.SYNTAX, DoctorCommand::new),
            new Entry("Help", "help", "\n\nShow help for a command.", (Supplier<Command>) null));

    /// Programs in `scripts/`: JBang catalog aliases, and commands if `cop.NAME` is on the class path, as in the
    /// installed `cop`. A new one, here `stats`, is a line below, an alias in jbang-catalog.json, `//SOURCES
    /// stats.java` in install.java, and the file scripts/stats.java:
    ///
    ///     // SOURCES ../copilot.java                      without the blank after the slashes, as //JAVA 25+
    ///     package cop;
    ///     public class stats extends Command {
    ///         public static void main(String... args) { System.exit(copilot.start("stats", args)); }
    ///         String syntax() { return "[OPTIONS]\n\nShow what your chats have used.\n"; }
    ///         int run(CopilotClient client) { return print("…"); }
    ///     }
    static final List<String> PROGRAMS = List.of("embed", "eval", "install", "repl", "serve", "talk", "tools");

    static Stream<Entry> entries() {
        return Stream.concat(COMMANDS.stream(), PROGRAMS.stream().flatMap(name -> program(name).stream().map(each ->
                new Entry("Programs", name, each.syntax(), (Supplier<Command>) null))));
    }

    static List<String> names() { return entries().map(Entry::name).toList(); }

    /// @param cop how the tool is started
    static String overview(String cop) {
        var groups = entries().collect(Collectors.groupingBy(Entry::group, LinkedHashMap::new, Collectors.mapping(
                each -> "  " + Text.padded(each.name(), 12) + each.summary() + "\n", Collectors.joining())));
        var lines = new StringBuilder();
        groups.forEach((group, entries) -> lines.append(group).append(":\n").append(entries).append('\n'));
        return """
                Script your own GitHub Copilot subscription.

                Usage: {cop} COMMAND [OPTIONS] [ARGUMENTS]

                %sOptions:
                  -h, --help       Show this help, or help for a command
                  -V, --version    Show the version

                Examples:
                  {cop} chat "Three names for a pelican"
                  git diff | {cop} chat -t review
                """.formatted(lines).replace("{cop}", cop);
    }

    /// Returns how a command is started: `cop chat`; a program on its own as `jbang talk@OWNER/copilot.java`.
    static String command(String name) {
        return COP.replaceFirst(PROGRAMS.contains(name) ? " copilot(?=@|$)|$" : "$", " " + name);
    }

    static Optional<Command> program(String name) {
        if (!PROGRAMS.contains(name)) return Optional.empty();
        try {
            return Optional.of((Command) Class.forName("cop." + name).getDeclaredConstructor().newInstance());
        } catch (ReflectiveOperationException elsewhere) {
            return Optional.empty();
        }
    }

    static Command create(String name) {
        var known = COMMANDS.stream().filter(each -> each.name().equals(name) && each.command() != null).findFirst();
        if (known.isEmpty()) return program(name).orElseThrow(() -> unknown(name));
        var command = known.get().command().get();
        command.syntax = known.get().syntax();
        return command;
    }

    static ToolRunner tools() { return (ToolRunner) create("tools"); }

    private static Fault unknown(String name) {
        if (PROGRAMS.contains(name)) return Fault.usage(name + " is a separate program", "jbang " + name
                + "@OWNER/copilot.java, or scripts/jbang " + name + " in a checkout");
        var names = Stream.of(COMMANDS.stream().map(Entry::name), PROGRAMS.stream(), Stream.of("--version"));
        return Fault.usage("unknown command \"" + Text.shortened(name, 60) + "\"", Suggestions.hint(name, names
                .flatMap(each -> each).toList(), COP + " ", COP + (name.equals("auth") ? " login" : " chat "
                + (name.contains(" ") ? Text.quoted(name) : "\"…\"") + " asks a model; " + COP
                + " --help lists the commands")));
    }

    static int dispatch(Console console, String... args) {
        String first = args.length == 0 ? "--help" : args[0];
        if (Set.of("-V", "--version").contains(first)) return console.print("copilot.java " + copilot.VERSION + "\n");
        var help = Set.of("help", "-h", "--help");
        if (help.contains(first)) return args.length < 2 || help.contains(args[1]) ? console.print(overview(COP))
                : execute(args[1], console, "--help");
        if (!first.startsWith("-")) return execute(first, console, Arrays.copyOfRange(args, 1, args.length));
        throw Fault.usage("no command before the option " + first, Suggestions.hint(first,
                List.of("--help", "--version"), COP + " " + Stream.of(args).filter(names()::contains).findFirst()
                .orElse("chat") + " " + first + " …"));
    }

    private static int execute(String name, Console console, String... args) {
        var command = create(name);
        command.env = console.env();
        command.console = console;
        command.arguments = args;
        command.known = new Syntax(name, command.syntax());
        var line = new CommandLine(command.known.spec)
                .setExpandAtFiles(false)                // JBang has already expanded @files
                .setOverwrittenOptionsAllowed(true);    // allows -v -v; otherwise the last wins, as in curl
        try {
            var options = command.known.spec.optionsMap();
            Stream.of(args).takeWhile(word -> !word.equals("--")).map(word -> word.replaceFirst("=.*", ""))
                    .filter(word -> word.matches("-\\w\\w.*") && options.containsKey("-" + word)).forEach(word -> {
                        throw Fault.usage("unknown option: " + word, "did you mean -" + word + "?");
                    });                                     // -max-tokens would be -m ax-tokens
            // an option whose value may be left out would take the next word
            command.parsed = line.parseArgs(Stream.of(args).map(word -> options.get(word) instanceof OptionSpec option
                    && option.arity().min() < option.arity().max() ? word + "=" : word).toArray(String[]::new));
        } catch (CommandLine.ParameterException e) {
            throw usageFault(e);
        }
        return line.isUsageHelpRequested() ? console.print(command.known.help(console.columns())) : command.call();
    }

    private static Fault usageFault(CommandLine.ParameterException e) {
        String name = e.getCommandLine().getCommandName();
        String message = e.getMessage().lines().findFirst().orElse("wrong arguments"), hint = name + " --help";
        if (e instanceof CommandLine.UnmatchedArgumentException unmatched) {
            String word = unmatched.getUnmatched().getFirst();
            String quoted = "\"" + word + "\"";
            if (word.contains(" ")) return Fault.usage(quoted + " is not an option", name + " -- " + quoted);
            message = "unknown option: " + word;
            var options = e.getCommandLine().getCommandSpec().optionsMap().keySet();
            hint = options.contains(word.replaceFirst("^--", "--no-")) ? "omit it: this is the default"
                    : Suggestions.hint(word, options, hint);
        } else if (e.getArgSpec() instanceof OptionSpec option && e.getValue() != null) {
            message = option.longestName() + (option.typeInfo().isBoolean() ? " does not take a value"
                    : " expects a number, got \"" + e.getValue() + "\"");
        } else if (e.getArgSpec() instanceof OptionSpec option) {
            message = option.longestName() + " needs a value";
        }
        return Fault.usage(message, hint);
    }
}

/// The syntax of a command, parsed from text like its `--help`. Its paragraphs are the forms of the command line, a
/// description, lines for words and options, and examples.
///
///     PATH                  a word of the forms
///     Output:               a heading for the options that follow
///     -j, --jobs=N:int      an option with a value; text if it names no type
///     --format=csv|json     an option with a choice of values
///     --retry[=CODE]        an option whose value may be left out: an empty text
///     --json                a flag
///
/// picocli is set up in code: its annotations added 60 ms to startup (an empty JVM took 100).
final class Syntax {
    private static final Map<String, Class<?>> TYPES = Map.of("int", Integer.class, "long", Long.class,
            "decimal", BigDecimal.class);
    private static final int COLUMN = 28;                   // of the descriptions in `--help`

    final CommandSpec spec = CommandSpec.create();
    final List<Form> forms;
    private final String[] parts;
    private final Map<String, List<Map.Entry<String, String>>> groups = new LinkedHashMap<>();
    private String heading = "Options:";

    Syntax(String name, String text) {
        String command = Commands.command(name);
        parts = text.stripTrailing().replace("{cop} " + name, command).replace("{cop}", COP).split("\n\n", 4);
        forms = parts[0].lines().map(line -> Form.of(command, line)).toList();
        // all words; the forms assign them
        spec.name(command).addPositional(PositionalParamSpec.builder().paramLabel("WORDS").type(String.class)
                .index("0..*").arity("0..*").build());
        if (parts.length > 2) parts[2].lines().forEach(this::declare);
        Command.COMMON.lines().forEach(this::declare);
    }

    String help(int columns) {
        int width = Math.clamp(columns, 60, 100);
        var help = new StringBuilder(forms.stream().map(form -> Text.wrapped(form.text(), 9, width))
                .collect(Collectors.joining("\n       ", "Usage: ", "\n\n")));
        for (String paragraph : parts[1].split("\n", 2)) {
            help.append(Text.wrapped(paragraph.replace("\n", " "), 0, width)).append("\n");
        }
        groups.forEach((title, lines) -> {
            help.append("\n").append(title).append("\n");
            lines.forEach(line -> help.append(line.getKey().length() > COLUMN - 2 ? line.getKey() + "\n"
                    + " ".repeat(COLUMN) : Text.padded(line.getKey(), COLUMN))
                    .append(Text.wrapped(line.getValue(), COLUMN, width)).append("\n"));
        });
        return help + (parts.length > 3 ? "\nExamples:\n" + parts[3] + "\n" : "");
    }

    private void declare(String line) {
        var halves = line.split("  ", 2);
        boolean option = line.startsWith("-");
        if (halves.length < 2) heading = line;
        else groups.computeIfAbsent(option ? heading : "Arguments:", _ -> new ArrayList<>()).add(Map.entry(option
                ? addOption(halves[0], halves[1]) : "  " + halves[0], halves[1]));
    }

    /// Returns how `--help` shows the option.
    private String addOption(String what, String about) {
        int equals = what.indexOf('=');
        var names = Stream.of(what.replaceAll("\\[?=.*", "").split(", ")).filter(each ->
                !spec.optionsMap().containsKey(each)).toArray(String[]::new);   // logs has its own -q, token a --header
        var label = what.substring(equals + 1).replace("]", "").split(":(?=[a-z])");
        var option = OptionSpec.builder(names).description(about.replace("%", "%%"));     // a format string
        if (equals < 0) option.type(boolean.class).usageHelp(what.endsWith("--help"));
        else option.type(TYPES.getOrDefault(label[label.length - 1], String.class)).paramLabel(label[0]);
        boolean bare = what.endsWith("]");                  // its value may be left out
        spec.addOption(bare ? option.arity("0..1").build() : option.build());
        return (names[0].startsWith("--") ? "      " : "  ") + String.join(", ", names) + (equals < 0 ? ""
                : bare ? "[=" + label[0] + "]" : " " + label[0]);
    }

    /// Returns the words of a label such as `csv|json`, or `vscode|gh|ID`, which takes others as well.
    static List<String> choices(String label) {
        return Stream.of(label.split("\\|")).filter(word -> word.matches("[a-z]+")).toList();
    }
}

/// One line of a synopsis: `show [ID] [-r | --json]`. Brackets mark optional parts, bars exclusive ones, and … a word
/// that takes the rest.
///
/// @param command how the tool was started, which may hold anything, and the command's name
/// @param action the fixed first word, or empty
/// @param words the labels of the words that follow
/// @param options the options it names; a form that does not name them rejects them
record Form(String command, String line, String action, List<String> words, Set<String> options) {
    private static final Pattern PART = Pattern.compile(
            "--?[\\w-]+(?: [A-Z]+)?|(?!OPTIONS)\\b[A-Z]+…?|[a-z]+(?:\\|[a-z]+)+"),
            CHOICE = Pattern.compile("\\[([^\\]]* \\| [^\\]]*)]");

    static Form of(String command, String line) {
        var names = PART.matcher(line).results().map(part -> part.group().split("[… ]")[0])
                .collect(Collectors.partitioningBy(name -> name.startsWith("-")));
        return new Form(command, line, line.replaceFirst("\\[?([a-z]+)(?=[] ]|$).*|.*", "$1"),
                names.get(false), Set.copyOf(names.get(true)));
    }

    String text() { return command + " " + line; }

    /// Returns the label of a word, or null past the last.
    String word(int at) { return at < words.size() ? words.get(at) : line.contains("…") ? words.getLast() : null; }

    /// Returns the required words, and required options with their values.
    List<String> needed() {
        return PART.matcher(line.replaceAll("\\[[^\\]]*]", "")).results().map(MatchResult::group).toList();
    }

    /// Returns the groups of exclusive words and options.
    List<List<String>> choices() {
        return CHOICE.matcher(line).results().map(choice -> Stream.of(choice.group(1).split(" \\| "))
                .map(each -> each.split("[… ]")[0]).toList()).toList();
    }
}

abstract class Command {
    static final String COMMON = """
            Common options:
            --host=HOST  NAME.ghe.com or https://… instead of github.com. Default: $COP_HOST.
            -H, --header='NAME: VALUE'  Replace a header; 'NAME:' removes it. $COP_HEADERS has one per line.
            -v, --verbose  Show requests and response headers on stderr, tokens masked.
            -q, --quiet  Show no progress and no notes on stderr.
            -h, --help  Show this help.
            """;

    Environment env;
    Console console;
    String[] arguments;                                 // as typed
    String syntax;
    Syntax known;
    CommandLine.ParseResult parsed;
    private String action;
    private final Map<String, List<Object>> words = new HashMap<>();

    String syntax() { return syntax; }

    String action() { return action; }

    /// Checks the arguments against the forms, and assigns words to labels.
    private void check() {
        String called = known.spec.name();
        var forms = known.forms;
        var typed = new ArrayList<>(known.spec.positionalParameters().getFirst().typedValues());
        String usual = forms.getFirst().action();
        if (typed.isEmpty() && forms.getFirst().line().contains("[" + usual + "]")) typed.add(usual);
        String first = typed.isEmpty() ? "" : (String) typed.getFirst();
        var form = forms.stream().filter(each -> each.action().equals(first)).findFirst().orElse(forms.getFirst());
        action = form.action();
        String hint = action.equals(first) ? form.text() : Suggestions.hint(first, forms.stream().map(Form::action)
                .toList(), called + " ", action.isEmpty() ? form.text() : called + " show " + first);
        if (!action.isEmpty()) {
            if (!action.equals(first)) throw Fault.usage("unknown command \"" + called + " " + first + "\"", hint);
            called += " " + typed.removeFirst();
        }
        for (int i = 0; i < typed.size(); i++) {
            String label = form.word(i);
            if (label == null) throw Fault.usage("unexpected argument: " + typed.get(i), hint);
            words.computeIfAbsent(label, _ -> new ArrayList<>()).add(typed.get(i));
            choose("", label, label);
        }
        parsed.matchedOptions().forEach(option -> choose(" for " + option.longestName(), option.paramLabel(),
                option.longestName()));
        for (String part : form.needed()) {
            if (!has(part.split("[… ]")[0])) throw Fault.usage(called + " requires " + part, hint);
        }
        for (var choice : form.choices()) {
            String all = choice.stream().filter(this::has).collect(Collectors.joining(" and "));
            if (all.contains(" and ")) throw Fault.usage(all + " cannot be used together", "use one of them");
        }
        for (var other : forms) {
            for (String option : other.options()) {
                if (!has(option) || form.options().contains(option)) continue;
                throw Fault.usage(option + " is not valid for " + (action.isEmpty() ? called : action), other.text());
            }
        }
    }

    private void choose(String where, String label, String name) {
        var choices = Syntax.choices(label);
        if (label.matches(".*[A-Z].*") || choices.isEmpty() || choices.contains(value(name))) return;
        throw Fault.usage("invalid value" + where + ": " + value(name), Suggestions.hint(text(name), choices,
                String.join(", ", choices)));
    }

    private List<Object> values(String name) {
        if (!name.startsWith("-")) return words.getOrDefault(name, List.of());
        var option = known.spec.findOption(name);
        return option == null ? List.of() : option.typedValues();
    }

    Object value(String name) {
        var values = values(name);
        return values.isEmpty() ? null : values.getLast();
    }

    boolean has(String name) { return value(name) instanceof Object given && given != Boolean.FALSE; }

    String text(String name) { return (String) value(name); }

    String text(String name, String otherwise) { return has(name) ? text(name) : otherwise; }

    List<String> texts(String name) { return values(name).stream().map(String.class::cast).toList(); }

    Duration time(String option, Duration otherwise) { return Durations.parse(option, text(option), otherwise); }

    int atLeast(int least, String option, int otherwise) {
        long value = value(option) instanceof Number number ? number.longValue() : otherwise;
        if (value < least) throw Fault.usage(option + " " + value + " is out of range", "use " + least + " or more");
        return (int) value;
    }

    final int call() {
        console.verbose = has("--verbose");
        console.quiet = has("--quiet");
        check();
        console.command = known.spec.name().replaceFirst(".* ", "");
        console.template = text("TEMPLATE", text("-t"));
        String named = text("--host");
        var host = setting("host", () -> named != null ? Host.of("--host", named)
                : Host.of("COP_HOST", env.variable("COP_HOST")), Host.of("--host", null));
        var headers = setting("headers", () -> Headers.parse(env.variable("COP_HEADERS"), texts("-H")),
                Headers.parse(null, List.of()));
        var home = Home.of(env);
        if (!home.isPersistent()) console.note("note: no home folder: nothing is saved (set COP_HOME)");
        try (var http = new HttpSender(console, maxWait());
             var copilot = new CopilotClient(new Context(console, home, host, headers, http))) {
            return run(copilot);
        } catch (Fault fault) {
            if (!has("--max-wait") || !fault.hint().contains("COP_MAX_WAIT=")) throw fault;
            throw fault.withHint(fault.hint().replace("COP_MAX_WAIT=", "--max-wait ")).because(fault);
        }
    }

    abstract int run(CopilotClient copilot);

    /// Reads a user setting. `doctor` overrides this to report errors and continue.
    <T> T setting(String what, Supplier<T> read, T otherwise) { return read.get(); }

    Duration maxWait() {
        return time("--max-wait", Durations.parse("COP_MAX_WAIT", env.variable("COP_MAX_WAIT"), longestWait()));
    }

    Duration longestWait() { return Duration.ofMinutes(1); }

    /// @param more options, which win over earlier ones
    String commandLine(String... more) {
        String words = String.join("\0", arguments) + "\0";
        for (String each : more) if (each.contains("=")) words = words.replaceAll("(?<![^\0])"
                + each.replaceFirst("=.*", "[=\0][^\0]*\0"), "");
        return known.spec.name() + " " + Stream.concat(Stream.of(words.split("\0")), Stream.of(more)).map(Text::quoted)
                .collect(Collectors.joining(" "));
    }

    /// Prints a line, with LF on Windows too: `$(copilot token --header)` would keep a CR.
    int print(String line) { return console.print(line + "\n"); }

    /// Prints text; on a terminal, without control characters.
    int show(String text) {
        return console.print(Text.endWithNewline(env.terminal().test(1) ? Text.printable(text) : text));
    }
}

final class BasicCommand extends Command {
    private final ToIntBiFunction<BasicCommand, CopilotClient> body;

    BasicCommand(ToIntBiFunction<BasicCommand, CopilotClient> body) { this.body = body; }

    @Override
    int run(CopilotClient copilot) { return body.applyAsInt(this, copilot); }

    static final String LOGIN = """
            [OPTIONS]

            Log in with a browser code or a token.

            --client=vscode|gh|ID  OAuth client id. Default: $COP_CLIENT_ID or vscode.
            --scope=S  OAuth scopes. Default: read:user.
            --no-browser  Do not open a browser.
            --with-token  Read a GitHub token from stdin.
            --force  Log in again even if the saved login works.

              {cop} login
              printf %s "$TOKEN" | {cop} login --with-token
            """;

    int login(CopilotClient copilot) {
        var logins = copilot.logins();
        var old = logins.stored();
        boolean withToken = has("--with-token");
        if (old.isPresent() && !has("--force") && !withToken && copilot.tokens().isAccepted(old.get())) {
            return print("already logged in as " + old.get().name() + "; use --force to log in again");
        }
        Home.readOnly(copilot.context().home().config()).ifPresent(why -> {        // before a code is typed for nothing
            throw Fault.error("cannot save the login: " + why, "");
        });
        var login = withToken ? new GithubToken(GithubToken.STDIN, tokenFromStdin(logins), "")
                : new GithubToken(GithubToken.BROWSER, byDevice(copilot), "");
        var grant = copilot.tokens().verifyAndStore(login, !withToken || old.isEmpty());
        String first = logins.usable().stream().filter(each -> !each.isSkipped()).findFirst()
                .map(GithubToken::source).orElse("COP_TOKEN_SOURCE");
        if (!first.equals(CredentialSources.OWN)) console.note("note: " + first
                + " is set and takes precedence over this login");
        String who = logins.stored().orElse(login).name();
        return print("logged in as " + who + " (" + grant.plan() + "), API " + grant.api());
    }

    private String byDevice(CopilotClient copilot) {
        String client = Objects.requireNonNullElse(text("--client", env.variable("COP_CLIENT_ID")), "vscode");
        String clientId = DeviceFlow.CLIENTS.getOrDefault(client, client);
        var flow = new DeviceFlow(copilot.context(), clientId, text("--scope", "read:user"));
        var code = flow.start();
        console.say("Open   " + code.verificationUri() + "\nand enter this code:\n\n    "
                + console.bold(code.userCode()) + "\n");
        if (!has("--no-browser") && !Browser.open(env, copilot.context().host().safeToOpen(code.verificationUri()))) {
            console.note("could not open a browser; open the URL yourself");
        }
        try {
            return flow.await(code, left -> console.transientLine("waiting for the code, "
                    + Durations.clock(left) + " left"), console::note);
        } finally {
            console.transientLine("");
        }
    }

    private String tokenFromStdin(CredentialSources logins) {
        boolean person = env.stdin().kind() == Stdin.Kind.TERMINAL;
        if (person) console.say("paste a GitHub token (it is not shown) and press Enter");
        String token = logins.unquoted(person ? env.stdin().secret() : env.stdin().text(), GithubToken.STDIN);
        if (GithubToken.wellFormed(token)) return token;
        throw Fault.usage("stdin does not contain a valid token",
                "printf %s \"$TOKEN\" | " + COP + " login --with-token");
    }

    static final String LOGOUT = "[OPTIONS]\n\nRemove the login from this machine.\n\n\n\n"
            + "  {cop} logout\n  {cop} logout --host NAME.ghe.com";

    int logout(CopilotClient copilot) {
        var old = copilot.logins().stored();
        copilot.logins().forget();
        old.ifPresent(copilot.tokens()::forget);
        print(old.map(login -> ("logged out " + Text.printable(login.user())).strip()).orElse("not logged in")
                + " (" + copilot.context().host().name() + ")");
        old.ifPresent(_ -> console.note("to revoke the authorization as well: "
                + "https://github.com/settings/apps/authorizations"));
        for (var left : copilot.logins().all()) console.note("a token is still available from " + left.source());
        return 0;
    }

    static final String STATUS = """
            [--json] [--check]

            Show who is logged in, the plan, and every token source.

            --json  Print JSON.
            --check  Check every source again, even those rejected in the last day.

              {cop} status
              {cop} status --json | jq -r .api
            """;

    int status(CopilotClient copilot) {
        var status = Status.of(copilot, has("--check"));
        print(has("--json") ? Json.pretty(status.json()) : status.text());
        if (status.failure().isPresent()) throw status.failure().get();
        return status.loggedIn() ? 0 : Fault.NOT_LOGGED_IN;
    }

    static final String TOKEN = """
            [--json | --header] [--refresh]

            Print the short-lived Copilot token for curl and scripts.
            The token is valid for about 25 minutes and is renewed when due.

            --json  Print the complete exchange response.
            --header  Print the line for curl -H "$({cop} token --header)".
            --refresh  Get a new token even if the cached one is valid.

              {cop} token --header
              {cop} token --json | jq .expires_at
            """;

    int token(CopilotClient copilot) {
        var token = has("--refresh") ? copilot.tokens().refresh() : copilot.tokens().get();
        return print(has("--json") ? Json.pretty(token.json())
                : has("--header") ? "Authorization: " + token.header() : token.value());
    }

    static final String LOGS = """
            [list] [-n N] [-q TEXT] [-r | --json]
            show [ID] [-r | --json]
            path [ID]
            clear [ID | --older-than TIME] [-y]
            off
            on
            status

            List, show, and delete saved conversations.
            list: newest first (TSV in a pipe). show: one as Markdown, by default the latest. path: its file (JSON
            Lines), or the folder. clear: delete one, old ones, or all. off and on: stop and resume saving.

            ID  Conversation id; a prefix is enough.
            -n, --count=N:int  List at most N; 0 for all. Default: 20.
            -q, --query=TEXT  Select conversations that contain TEXT, in any case; exit 1 if none does.
            -r, --response  Print only the last answer of the conversation.
            --json  Print JSON.
            --older-than=TIME  Delete conversations unused for this long: 30d.
            -y, --yes  Do not ask for confirmation.

              {cop} logs -q pelican
              {cop} logs clear --older-than 30d
            """;

    int logs(CopilotClient copilot) {
        var home = copilot.context().home();
        String id = text("ID");
        return switch (has("-r") ? "show" : action()) {
            case "show" -> {
                var one = Conversation.find(home, id, text("-q"), console::warn);
                yield show(has("--json") ? Json.pretty(one.json()) : has("-r") ? one.lastAnswer() : one.text());
            }
            case "path" -> print((id == null ? home.conversations().toAbsolutePath()
                    : Conversation.find(home, id, null, console::warn).file()).toString());
            case "clear" -> deleteConversations(home, id);
            case "off", "on", "status" -> {
                if (action().equals("off")) home.write(Conversation.off(home), Json.object());
                if (action().equals("on")) home.delete(Conversation.off(home));
                yield print("logging is " + (Conversation.kept(home) ? "on" : "off") + "; conversations in "
                        + home.conversations() + ": " + Conversation.files(home).size());
            }
            default -> listConversations(home);
        };
    }

    private int listConversations(Home home) {
        String query = text("-q");
        int count = atLeast(0, "-n", 20);
        var rows = Conversation.all(home, console::warn).filter(each -> each.contains(query))  // not in memory at once
                .limit(count == 0 ? Long.MAX_VALUE : count).map(Conversation::summary).toList();
        if (rows.isEmpty()) console.note(query == null ? "no conversations are saved" : "no conversation contains \""
                + query + "\"");
        if (has("--json")) print(Json.pretty(Json.array(rows.stream())));
        else console.table(Conversation.COLUMNS, rows.stream().map(Conversation::cells).toList());
        return query != null && rows.isEmpty() ? 1 : 0;
    }

    private int deleteConversations(Home home, String id) {
        var age = Durations.withUnit("--older-than", text("--older-than"));
        var one = id == null ? null : Conversation.find(home, id, null, console::warn);
        var files = one != null ? List.of(one.file()) : Conversation.files(home).stream().filter(file ->
                age == null || Conversation.used(file).isBefore(env.time().now().minus(age))).toList();
        if (files.isEmpty()) return print("nothing to delete");
        String what = one != null ? "the conversation " + one.title() : files.size() == 1
                ? "1 conversation" : files.size() + " conversations";
        if (!has("-y") && !console.confirmed("delete " + what + "?", commandLine("-y"))) {
            console.note("nothing was deleted");
            return 1;
        }
        files.forEach(home::delete);
        return print("deleted " + what);
    }

    static final String MODELS = """
            [WORD] [--all] [--refresh] [--json]
            show MODEL [--json]
            enable MODEL [-y]
            default [MODEL | --unset]

            List the models of this account; set the default.
            The list is TSV in a pipe. show: all details. enable: accept the terms. default: show or set chat's model.

            WORD  Part of an id, name, vendor, ability, or endpoint.
            MODEL  Model id, or a unique part of it.
            --unset  Restore the account's default.
            -y, --yes  Accept the terms without asking.
            --json  Print GitHub's JSON.
            --all  Include models that GitHub's editors hide.
            --refresh  Fetch the list again even if it is less than an hour old.

              {cop} models vision
              {cop} models default gpt-5-mini
            """;

    int models(CopilotClient copilot) {
        String id = text("MODEL");
        return switch (action()) {
            case "show" -> {
                var model = copilot.models().list(ModelList.FRESH).require(id, Model::usable);
                yield has("--json") ? print(Json.pretty(model.json())) : console.table(List.of("FIELD", "VALUE"),
                        ModelTable.details(model));
            }
            case "enable" -> enableModel(copilot, copilot.models().list(Duration.ZERO).require(id,
                    model -> !model.enabled()));
            case "default" -> setDefaultModel(copilot, id);
            default -> listModels(has("--refresh") ? copilot.models().refreshed()
                    : copilot.models().list(ModelList.FRESH), text("WORD", ""));
        };
    }

    private int listModels(ModelList catalogue, String word) {
        boolean json = has("--json");
        if (json && word.isEmpty()) return print(Json.pretty(catalogue.json()));
        var all = catalogue.models();
        var auto = json || all.isEmpty() ? Stream.<Model>of() : Stream.of(Model.auto());
        var shown = Stream.concat(auto, all.stream().filter(model -> has("--all") || model.isListed()))
                .filter(model -> model.matches(word)).toList();
        if (shown.isEmpty()) {
            throw Fault.error(word.isEmpty() ? "GitHub lists no models for this account"
                    : "no model matches \"" + word + "\"", Suggestions.hint(word, known.forms.stream()
                    .map(Form::action).toList(), COP + " models ", COP + " models --all"));
        }
        if (json) return print(Json.pretty(Json.object().set("data", Json.array(shown.stream().map(Model::json)))));
        if (catalogue.onlyAuto()) console.note(ModelList.ONLY_AUTO);
        return console.table(ModelTable.COLUMNS, shown.stream().map(ModelTable::row).toList());
    }

    private int enableModel(CopilotClient copilot, Model model) {
        if (model.enabled()) return print(model.id() + " is already enabled");
        console.say(Text.printable(model.terms()));
        if (!has("--yes") && !console.confirmed("Accept the terms and enable " + model.id() + "?",
                "use -y to accept the terms")) return 1;
        copilot.models().enable(model.id());
        return print(model.id() + " is enabled");
    }

    private int setDefaultModel(CopilotClient copilot, String id) {
        if (has("--unset")) {
            copilot.models().setDefault("");
            console.note("default removed; chat now uses:");
        }
        if (id == null) return print(copilot.models().choose(null));
        var list = copilot.models().list(ModelList.FRESH);
        var model = list.require(id, Model::usable);
        if (!model.isChat()) throw Fault.usage(model.id() + " is not a chat model", COP + " models");
        copilot.models().setDefault(model.id());
        if (!model.isAuto() && list.onlyAuto()) console.warn(ModelList.ONLY_AUTO);
        return print(model.id() + " is now the default model (-m and $COP_MODEL take precedence)");
    }

    static final String USAGE = """
            [OPTIONS]

            Show the plan, quotas, and remaining credits.
            GitHub's figures may lag behind its billing page. TSV in a pipe: id, used, remaining, entitlement,
            percent remaining, unlimited, reset, overage, overage permitted, unit.

            --json  Print GitHub's JSON.
            --spent  Show what was spent, by day (UTC), model, and template, from this machine's record.
            --since=TIME  With --spent: only the last 7d, for example.

              {cop} usage
              {cop} usage --spent --since 7d
              {cop} usage --json | jq .quota_snapshots
            """;

    int usage(CopilotClient copilot) {
        if (has("--spent")) return spent(copilot.spending);
        var account = copilot.account();
        if (has("--json")) return print(Json.pretty(account.json()));
        if (env.terminal().test(1)) return print(account.toString());
        if (account.quotas().isEmpty()) console.warn(Account.NO_QUOTAS);
        return console.table(List.of(), account.quotas().stream().map(Quota::cells).toList());
    }

    /// Sums up by day, model and template; deletes lines older than 400 days.
    private int spent(Spending spending) {
        var now = env.time().now();
        var all = spending.since(now.minus(Spending.KEPT));
        if (spending.since(Instant.EPOCH).size() > all.size()) OutputFile.write(spending.file(), all.stream().map(
                line -> Json.singleLine(line) + "\n").collect(Collectors.joining()));
        var since = Durations.stamp(now.minus(time("--since", Spending.KEPT)));
        var groups = all.stream().filter(line -> Json.text(line, "at").compareTo(since) >= 0).collect(
                Collectors.groupingBy(line -> String.join("\t", Json.text(line, "at").substring(0, 10),
                Json.text(line, "model"), Json.text(line, "template")), TreeMap::new, Collectors.toList()));
        var rows = new ArrayList<List<String>>();
        groups.forEach((names, lines) -> rows.add(Stream.concat(Stream.of(names.split("\t", -1)), Stream.of(
                "" + lines.size(), "" + lines.stream().mapToLong(line -> line.path("tokens").asLong()).sum(),
                (lines.stream().anyMatch(line -> line.has("about")) ? "about " : "") + Spending.credits(lines)
                .stripTrailingZeros().toPlainString())).toList()));
        return console.table(List.of("DAY", "MODEL", "TEMPLATE", "REQUESTS", "TOKENS", "CREDITS"), rows);
    }

    static final String CACHE = "clear [OPTIONS]\n\nDelete cached answers and compiled tools.\n\n\n\n"
            + "  {cop} cache clear\n  {cop} cache clear --quiet";

    int cache(CopilotClient copilot) {
        copilot.context().home().deleteCached("{answer,tools}-*.json");
        return 0;
    }

    static final String API = """
            PATH [OPTIONS]

            Call any Copilot endpoint with your token and headers.
            /copilot_internal/… and /user are called on GitHub's API with your GitHub token. Prints the body as is.

            PATH  Such as /models or /copilot_internal/user.
            -X, --method=METHOD  HTTP method. Default: GET, or POST with --input.
            --input=FILE  Request body; - is stdin.
            -i, --include  Print the response status and headers first.

              {cop} api /models | jq -r '.data[].id'
              {cop} api /chat/completions --input request.json
            """;

    int api(CopilotClient copilot) {
        String path = text("PATH"), body = has("--input") ? TextFile.read(env, text("--input")) : null;
        String verb = text("-X", body == null ? "GET" : "POST").toUpperCase(Locale.ROOT);
        if (!verb.matches("[A-Z]+") || verb.equals("CONNECT")) throw Fault.usage("invalid method: " + text("-X"),
                "use GET, POST, PUT, PATCH, or DELETE");
        int status = copilot.raw(verb, path, body, answer -> {
            if (has("--include")) answer.head(env.out());
            if (answer.copyText(env.out()) && env.terminal().test(1)) env.out().print("\n");
            return answer.status();
        });
        if (status / 100 == 2) return 0;
        console.error(verb + " " + path + " returned HTTP " + status);
        return 1;
    }

    static final String TEMPLATES = """
            [list]
            show TEMPLATE
            check [TEMPLATE…]
            path [TEMPLATE]
            copy TEMPLATE [NEW]

            List, show, check, and copy prompt templates.
            list: name, description, inputs ([optional]), and location. check: fill each with its sample data; exit 2 on
            errors. path: the folders searched, or a template's file. copy: to ./templates, never over a file.

            TEMPLATE  Template name or file.
            NEW  Name of the copy.

              {cop} templates copy review my-review
              {cop} templates check

            A template is a file templates/NAME.mustache, with sample data in NAME.json:

              ---
              description: Explain a text to someone
              ---
              Explain this to {{reader}}: {{input}}""";

    int templates(CopilotClient copilot) {
        var folders = new TemplateFolders(env);
        var names = texts("TEMPLATE");
        return switch (action()) {
            case "show" -> show(folders.find(names.getFirst()).text());
            case "path" -> print((names.isEmpty() ? folders.folders().stream().map(Path::toAbsolutePath)
                    : Stream.of(folders.path(names.getFirst()))).map(Path::toString)
                    .collect(Collectors.joining("\n")));
            case "copy" -> print(folders.copy(names.getFirst(), text("NEW")));
            case "check" -> checkTemplates(folders, names.isEmpty() ? List.copyOf(folders.names()) : names);
            default -> listTemplates(folders);
        };
    }

    private int listTemplates(TemplateFolders folders) {
        var rows = new ArrayList<List<String>>();
        for (String name : folders.names()) {
            try {
                var template = folders.named(name);
                rows.add(List.of(name, template.head().description(), template.inputNames(), template.file() == null
                        ? "packaged" : template.place()));
            } catch (Fault damaged) {
                console.warn(damaged.message());
            }
        }
        return console.table(List.of("NAME", "DESCRIPTION", "INPUTS", "PLACE"), rows);
    }

    private int checkTemplates(TemplateFolders folders, List<String> names) {
        int wrong = 0;
        for (String name : names) {
            try {
                var template = folders.named(name);
                var lint = new TemplateLint(template, Set.of());
                var errors = lint.errors();
                errors.forEach(console::report);
                lint.warnings().forEach(console::warn);
                if (!errors.isEmpty()) wrong++;
                else print(Text.cell(template.place() + ": ok, " + (template.inputs().isEmpty() ? "no inputs"
                        : "inputs: " + template.inputNames()) + (template.head().samples().any()
                        ? ", filled with its sample data" : ", no sample data")));
            } catch (Fault damaged) {
                console.report(damaged);
                wrong++;
            }
        }
        return wrong == 0 ? 0 : Fault.USAGE;
    }

    /// Shell functions that ask for candidates at each Tab: a line each, then a tab and a description. A name is one
    /// candidate, quoted, and nothing of it is run. Shells filter them, and offer files if there are none.
    private static final Map<String, String> SCRIPTS = Map.of("bash", """
            _NAME() {
              local word about typed=${COMP_WORDS[COMP_CWORD]//[\\"\\'\\\\]/}
              COMPREPLY=()
              while IFS=$'\\t' read -r word about; do
                [[ $word == "$typed"* ]] || continue
                [[ $COMP_TYPE == 63 ]] || about=
                COMPREPLY+=("$(printf %q "$word")${about:+  ($about)}")
              done < <(NAME completion next "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
            }
            complete -o default -F _NAME NAME
            """, "zsh", """
            (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
            _NAME() {
              local -a all shown
              all=(${(f)"$(NAME completion next "${(j: :)${(@Q)words[1,CURRENT]}}" 2>/dev/null)"})
              shown=(${all//$'\\t'/  })
              (( $#all )) && compadd -l -d shown -- ${all%%$'\\t'*} || _files
            }
            compdef _NAME NAME
            """, "fish", """
            complete -c NAME -f -a '(NAME completion next (commandline -cp) 2>/dev/null
              or __fish_complete_path (commandline -ct))'
            """);

    static final String COMPLETION = """
            bash|zsh|fish [--name NAME]
            next LINE

            Print a completion script for bash, zsh, or fish.
            It completes commands, options, models, templates, and conversations, for which the shell runs next.

            bash|zsh|fish  The shell.
            LINE  The command line to complete.
            --name=NAME  The command to complete. Default: cop.

              eval "$(cop completion bash)"
              cop completion fish | source
            """;

    int completion(CopilotClient copilot) {
        if (action().equals("next")) {
            var next = next(copilot, List.of(text("LINE").split("[\\s=]+", -1))).filter(line ->
                    line.equals(Text.printable(line)) && !line.contains("\n")).toList();
            next.forEach(this::print);
            return next.isEmpty() ? 1 : 0;
        }
        String name = text("--name", "cop");
        checkName(name);
        return show(SCRIPTS.get(text("bash|zsh|fish")).replace("NAME", name));
    }

    static void checkName(String name) {
        if (name.matches("[A-Za-z0-9][\\w.-]*")) return;
        throw Fault.usage("invalid --name: \"" + name + "\"", "use letters, digits, periods, - and _: --name cop");
    }

    /// Returns what may come at the end of a line, without asking GitHub: a name, a tab, what it is about.
    ///
    /// @param typed the last word is incomplete, maybe empty
    private Stream<String> next(CopilotClient copilot, List<String> typed) {
        boolean help = typed.size() > 2 && typed.get(1).equals("help");
        if (typed.size() < (help ? 4 : 3)) return Commands.entries().map(each -> each.name() + "\t" + each.summary());
        var known = new Syntax(typed.get(1), Commands.create(typed.get(1)).syntax());
        if (typed.getLast().startsWith("-")) return known.spec.options().stream().flatMap(option -> Stream.of(
                option.names()).map(name -> name + "\t" + option.description()[0]));
        var option = known.spec.findOption(typed.get(typed.size() - 2));
        if (option != null && !option.typeInfo().isBoolean()) return known(copilot, option.paramLabel(), typed);
        var words = typed.subList(2, typed.size() - 1);
        var begun = known.forms.stream().filter(form -> words.contains(form.action())).findFirst();
        var actions = known.forms.stream().filter(form -> begun.isEmpty() && !form.action().isEmpty())
                .map(form -> form.action() + "\t" + form.line());
        return Stream.concat(actions, begun.orElse(known.forms.getFirst()).words().stream().flatMap(label ->
                known(copilot, label, typed)));
    }

    private Stream<String> known(CopilotClient copilot, String label, List<String> typed) {
        return switch (label) {
            case "MODEL" -> Stream.concat(Stream.of(Model.auto()), copilot.models().cached().stream()
                    .flatMap(all -> all.models().stream()).filter(model -> model.isListed() && model.enabled()
                    != typed.contains("enable"))).map(model -> model.id() + "\t" + model.vendor());
            case "TEMPLATE" -> new TemplateFolders(env).names().stream();
            case "ID" -> Conversation.all(copilot.context().home(), _ -> { }).limit(100).map(each -> each.id() + "\t"
                    + Text.cell(Conversation.cells(each.summary()).getLast()));
            case "OUT", "RUN" -> {
                String front = typed.getLast().replaceFirst("[^/]*$", "");
                String[] runs = env.directory().resolve(front).toFile().list((_, name) -> name.endsWith(".run"));
                yield Stream.ofNullable(runs).flatMap(Stream::of).map(run -> front + run.replaceFirst("\\.run$", ""));
            }
            default -> Syntax.choices(label).stream();
        };
    }
}

/// `doctor`: a finding for each thing a chat depends on. Checks continue after failures, and no secrets are printed, so
/// that it can be pasted into a bug report.
final class DoctorCommand extends Command {
    static final String SYNTAX = """
            [OPTIONS]

            Check everything a chat depends on, for bug reports.
            One line each for versions, folders, variables, login, network, clock, and models: ok, warn, or fail. Prints
            no secrets. Exit 0 if a chat would work, 4 if not logged in, otherwise 1.

            --json  Print JSON.
            --offline  Do not contact GitHub.

              {cop} doctor
              {cop} doctor --json --offline
            """;

    /// @param state `ok`, `warn` (a chat still works) or `fail`
    private record Finding(String state, String what, String detail) {}

    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final Set<String> VARIABLES = Set.of("COP_HOME", "COP_HOST", "COP_CLIENT_ID", "COP_MODEL",
            "COP_HEADERS", "COP_MAX_WAIT", "COP_TOKEN_SOURCE");

    private final List<Finding> findings = new ArrayList<>();
    private final Set<String> secrets = new HashSet<>();
    private int exitCode;                                   // 0 if a chat would work

    private void add(String state, String what, String detail) { findings.add(new Finding(state, what, detail)); }

    private void ok(String what, String detail) { add("ok", what, detail); }

    /// Records a fault as a finding instead of stopping.
    @Override
    <T> T setting(String what, Supplier<T> read, T otherwise) {
        try {
            return read.get();
        } catch (RuntimeException trouble) {
            int code = trouble instanceof Fault fault ? fault.exitCode() : Fault.ERROR;
            if (code == Fault.INTERRUPTED) throw trouble;
            add("fail", what, Text.reason(trouble));
            exitCode = Math.max(exitCode, code == Fault.NOT_LOGGED_IN ? code : Fault.ERROR);
            return otherwise;
        }
    }

    private void check(String what, Supplier<String> look) {
        if (setting(what, look, null) instanceof String detail) ok(what, detail);
    }

    /// Returns zero, so that it reports the current state without waiting.
    @Override
    Duration maxWait() {
        setting("COP_MAX_WAIT", super::maxWait, null);
        return Duration.ZERO;
    }

    @Override
    int run(CopilotClient copilot) {
        var context = copilot.context();
        var host = context.host();
        if (!has("--offline")) console.transientLine("contacting GitHub, for at most a minute");
        machine(context.home());
        ok("host", host.name() + ", " + host.rest());
        check("proxy", () -> new Proxies(env).described(host.defaultApi()));
        check("certificates", this::certificates);
        var token = setting("login", () -> login(copilot), Optional.<Token>empty());
        URI api = token.map(Token::api).orElse(host.defaultApi());
        check("network", () -> probe("GitHub", context, host.rest("/"), context.headers().login()));
        check("network", () -> probe("API", context, host.resolve(api, token.isPresent() ? "/models" : "/"),
                token.map(known -> context.headers().copilot(known.value())).orElseGet(context.headers()::login)));
        check("chat", () -> chat(copilot, api));
        console.transientLine("");
        findings.replaceAll(each -> new Finding(each.state(), each.what(), redact(each.detail())));
        if (has("--json")) print(Json.pretty(Json.object().put("ok", exitCode == 0).put("exit_code", exitCode)
                .set("checks", Json.tree(findings))));
        else findings.forEach(each -> print(console.state(Text.padded(each.state(), 4)) + "  " + each.what() + ": "
                + each.detail()));
        return exitCode;
    }

    private void machine(Home home) {
        ok("tool", "copilot.java " + copilot.VERSION);
        ok("java", properties("java.runtime.version", "java.vendor", "java.home"));
        ok("system", properties("os.name", "os.version", "os.arch", "sun.jnu.encoding"));
        String first = System.getProperty("java.class.path").split(File.pathSeparator)[0];
        ok("start", Path.of(first).toAbsolutePath().startsWith(home.data().toAbsolutePath())
                ? "by an installed launcher" : first.contains("jbang") ? "by JBang" : "by java");
        folder("config", home.config());
        folder("cache", home.cache());
        folder("state", home.state());
        texts("-H").forEach(this::header);
        var set = new TreeMap<>(env.variables());
        set.keySet().removeIf(name -> !name.startsWith("COP_") || env.variable(name) == null);
        if (set.isEmpty()) ok("variables", "no COP_* variable is set");
        set.forEach((name, value) -> {
            if (name.equals("COP_HEADERS")) value.lines().forEach(this::header);
            if (VARIABLES.contains(name)) ok("variables", name + "=" + (name.equals("COP_HEADERS") ? "…" : value));
            else add("warn", "variables", "unknown variable " + name + Suggestions.of(name, VARIABLES)
                    .map(near -> " (did you mean " + near + "?)").orElse(""));
        });
    }

    private static String properties(String... names) {
        return Stream.of(names).map(System::getProperty).collect(Collectors.joining(", "));
    }

    private void folder(String what, Path folder) {
        Home.readOnly(folder).ifPresentOrElse(why -> add("warn", what, why), () -> ok(what, folder
                + (Files.exists(folder) ? "" : ", not created yet")));
    }

    /// Hides a custom header's value: it may be a secret.
    private void header(String line) { secrets.add(line.substring(line.indexOf(':') + 1).strip()); }

    private String certificates() {
        String file = env.variable("SSL_CERT_FILE");
        Trust.context(file == null ? null : env.path(file));
        return "Java's" + (file == null ? "" : " and those in SSL_CERT_FILE=" + file);
    }

    private Optional<Token> login(CopilotClient copilot) {
        var sources = copilot.logins().all();
        sources.forEach(source -> secrets.add(source.value()));
        if (sources.isEmpty()) throw Fault.login("not logged in", copilot.logins().loginHint());
        if (has("--offline")) {
            sources.forEach(source -> ok("source", source.source() + ": unchecked, "
                    + Secrets.abbreviated(source.value())));
            return Optional.empty();
        }
        var status = Deadline.within(PATIENCE.multipliedBy(2), () -> Status.of(copilot, false));
        for (var line : status.sources()) {
            if (!line.state().equals("none")) add(Set.of("refused", "untried").contains(line.state()) ? "warn" : "ok",
                    "source", line.source() + ": " + line.state() + ", " + line.detail());
        }
        var token = status.token().orElseThrow(() -> status.failure().orElseGet(() ->
                Fault.login("not logged in", status.loginHint())));
        secrets.add(token.value());
        ok("login", token.plan() + " (" + token.sku() + "), the Copilot token is " + Status.use(token, status.now())
                + ", API " + token.api());
        return status.token();
    }

    private String probe(String what, Context context, URI uri, Headers headers) {
        if (has("--offline")) return "not checked (--offline): " + what + " " + uri;
        long begin = System.nanoTime();
        var head = Deadline.within(PATIENCE, () -> context.http().send(ApiRequest.get(uri, headers)
                .withRetries(0), (AnyReading<ApiResponse>) answer -> answer));
        var took = Duration.ofNanos(System.nanoTime() - begin);
        Text.date(head.header("date")).map(theirs -> Duration.between(theirs, env.time().now()).toSeconds())
                .filter(ahead -> Math.abs(ahead) >= 60).ifPresent(ahead -> add("warn", "clock", Math.abs(ahead) + " s "
                + (ahead > 0 ? "ahead of" : "behind") + " GitHub's; tokens may look expired or never expire"));
        String line = what + " " + uri + " responds in " + Durations.seconds(took) + " [HTTP " + head.status() + "]";
        if (head.status() < (uri.getPath().equals("/models") ? 300 : 500)) return line;
        throw Fault.error(line, "");
    }

    private String chat(CopilotClient copilot, URI api) {
        var models = copilot.models();
        var known = models.cached();
        ok("models", known.map(all -> all.models().size() + " in the list, " + Durations.words(Duration.between(
                all.fetched(), env.time().now())) + " old").orElse("no list cached yet (" + COP + " models)"));
        String id = models.chooseCached(null), why = env.variable("COP_MODEL") != null ? "by COP_MODEL"
                : models.configured(null).isPresent() ? "by `" + COP + " models default`" : "the account's default";
        var model = known.flatMap(all -> all.find(id));
        if (known.isPresent() && model.isEmpty() && !Model.isAuto(id)) {
            throw Fault.error("the model " + id + ", " + why + ", is not in the list", Suggestions.hint(id,
                    known.get().chatModels(), COP + " models"));
        }
        ok("model", id + ", " + why);
        return "POST " + copilot.context().host().resolve(api, EndpointSelector.usual(Delivery.USUAL, model).path());
    }

    /// Removes tokens, passwords and the name of the home folder.
    private String redact(String text) {
        String safe = text.replaceAll("//[^/@\\s]*@", "//…@");
        for (String secret : secrets) if (secret.length() > 3) safe = safe.replace(secret, Secrets.abbreviated(secret));
        for (String home : Arrays.asList(env.variable("HOME"), System.getProperty("user.home"))) {
            if (home != null && home.length() > 1) safe = safe.replaceAll(Pattern.quote(home)
                    + "(?=[/\\\\\\s,:;]|$)", "~");
        }
        return Text.printable(Secrets.mask(safe).replaceAll("\\s*\\R\\s*", " ")).strip();
    }
}

abstract class RequestCommand extends Command {
    static final String VALUES = """
            --var=NAME=VALUE  Set a template variable to a string.
            --var-json=NAME=JSON  Set a template variable to a JSON value.
            --var-file=NAME=PATH  Set a template variable to the text of a file.
            --allow-missing  Treat missing values as empty.
            """, REQUEST = """
            Model:
            -m, --model=MODEL  Model id, part of one, or auto. Default: the template's, $COP_MODEL, or `models default`.
            --endpoint=chat|responses|messages  API endpoint. Default: chosen for the model.
            -s, --system=TEXT  System message.
            -O, --option=KEY=JSON  Set any request field: -O stop='["END"]'.
            --temperature=T:decimal  Randomness, 0 to 2; some models reject it.
            --max-tokens=N:int  Maximum tokens in the answer.
            --top-p=P:decimal  Nucleus sampling, 0 to 1.
            --seed=N:long  Seed for repeatable answers, if the model supports it.
            --reasoning-effort=none|low|medium|high|LEVEL  Reasoning effort, if the model supports it.
            --schema=SCHEMA  Require JSON that matches a JSON Schema, a file, or 'name, age int, tags [string]'.
            --schema-retries=N:int  Retries if the answer does not match. Default: 2.
            """, TOOLS = """
            Tools:
            -T, --tools=FILE  Let the model call the methods of a Java file. Each call is shown and confirmed.
            -y, --yes  Do not ask for confirmation.
            --max-steps=N:int  Maximum rounds of tool calls. Default: 10.
            --tool-timeout=TIME  Limit per tool call. Default: 60s.
            """, LIMITS = """
            Limits:
            -j, --jobs=N:int  Maximum concurrent requests. Default: 2.
            --delay=TIME  Minimum time between request starts. Default: 1s.
            --retries=N:int  Retries after 5xx, lost connections, and timeouts. Default: 3.
            --timeout=TIME  Limit per request. Default: 10m.
            --max-wait=TIME  Longest Retry-After to wait for; stop if it is longer. Default: $COP_MAX_WAIT or 15m.
            --halt=fail=N%  Stop if more than N% of rows fail, checked from 50 rows on. Default: 20%.
            --max-requests=N:long  Stop after N requests.
            --max-total-tokens=N:long  Stop after N tokens, over all starts of the run.
            --max-credits=N:decimal  Stop after N AI credits, over all starts; estimated if answers report none.
            --max-time=TIME  Stop after this long.
            """;
    private static final List<String> FIELDS = List.of("--temperature", "--max-tokens", "--top-p", "--seed",
            "--reasoning-effort");

    ToolRunner tools;                                   // null without -T

    /// Collects template values in the order typed; the last wins.
    TemplateVariables data(Set<String> options) {
        var data = new TemplateVariables();
        var seen = new HashMap<String, Integer>();
        for (var option : parsed.matchedOptions()) {
            String name = option.longestName();
            if (options.contains(name)) data.add(name, texts(name).get(seen.merge(name, 1, Integer::sum) - 1));
        }
        return data;
    }

    int schemaRetries() { return atLeast(0, "--schema-retries", 2); }

    Duration timeout(Duration otherwise) {
        var limit = time("--timeout", otherwise);
        if (limit == null || !limit.isZero()) return limit;
        throw Fault.usage("--timeout 0 is out of range", "--timeout " + (otherwise == null ? "90s" : "10m"));
    }

    /// Reads options into a question without a prompt. -O fields are required; those of other options are dropped if
    /// rejected.
    PreparedPrompt wishes() {
        var fields = RequestFields.parse(texts("--option"));
        var required = new HashSet<>(fields.propertyNames());
        for (String option : FIELDS) {
            if (!(value(option) instanceof Object value)) continue;
            String field = option.substring(2).replace('-', '_');
            var json = Json.tryParse(Json.compact(value));
            RequestFields.check(field, json, option);
            fields.set(field, json);
            required.remove(field);
        }
        if (has("-T") && tools == null) tools = Commands.tools().load(console, texts("-T"), has("-y"), atLeast(1,
                "--max-steps", 10), time("--tool-timeout", Duration.ofMinutes(1)));
        if (tools != null) fields.set("tools", tools.offered());
        var schema = has("--schema") ? SchemaOption.read(env, text("--schema")) : null;
        String system = text("--system");
        for (String option : List.of("--system", "--model")) {
            if (text(option) instanceof String text && Text.blank(text)) throw Fault.usage(option + " is blank",
                    "check for an unset shell variable");
        }
        return new PreparedPrompt(new Request(text("--model"), List.of(), fields, true, new Delivery(text("--endpoint"),
                required)), schema).withSystem(system);
    }

    static final String PARTS = """
            -d, --data=FILE  Fill the template from a JSON object; - is stdin. The last value of a name wins.
            """ + VALUES + """
            -f, --file=PATH  Add a text file, or all text files of a folder or glob.
            --max-file-tokens=N:int  Token limit for -f with a folder or glob. Default: 100000.
            -a, --attach=IMAGE  Attach an image; - is stdin.
            """, STREAM = "--no-stream  Do not stream the answer.\n";

    /// @return null without template and prompt if stdin is a terminal
    PreparedPrompt question(String template) {
        var wishes = wishes();
        var data = data(Set.of("--data", "--var", "--var-json", "--var-file"));
        Integer most = has("--max-file-tokens") ? atLeast(1, "--max-file-tokens", 1) : null;
        for (String word : has("--file") || has("--attach") ? texts("PROMPT") : List.<String>of()) {
            if (word.isBlank() || !env.isFile(word)) continue;
            throw Fault.usage("\"" + word + "\" is a file", "quote a pattern: -f 'src/*.txt'; or -f "
                    + Text.quoted(word));
        }
        var input = new PromptInput(console, texts("PROMPT"), new FileAttachments(texts("--file"), most),
                texts("--attach"), time("--timeout", Duration.ofMinutes(10)));
        PreparedPrompt question;
        if (template != null) {
            var found = new TemplateFolders(env).named(template);
            if (has("--example")) data.sampleOf(found);
            question = input.filling(found, data, has("--allow-missing"));
        } else {
            if (data.given()) throw Fault.usage(data.first() + " requires a template", "-t NAME");
            question = input.alone();
            if (question == null) return null;
        }
        return question.with(wishes);
    }
}

class ChatCommand extends RequestCommand {
    static final String SYNTAX = """
            [PROMPT…] [-c | --cid ID] [--log | --no-log] [OPTIONS]

            Ask a model; with no prompt on a terminal, start a conversation.
            The answer streams to stdout. Stdin comes first, then files, then PROMPT; a template takes them as
            {{input}} if it has that. Chats are saved on this machine (see `{cop} logs`). -c continues the latest with
            its model and system message, unless -m, -s, or -t is given; other options apply to one call.

            PROMPT…  The prompt; - reads it from stdin.
            Input:
            -t, --template=TEMPLATE  Template name or file; see `{cop} templates`.
            """ + PARTS + """
            Conversation:
            -c, --continue  Continue the latest conversation.
            --cid=ID  Continue the conversation with this id; a prefix is enough.
            --log  Save this chat, even after `{cop} logs off`.
            --no-log  Do not save this chat.
            """ + REQUEST + TOOLS + """
            Output:
            --save=NAME  Save prompt and options as templates/NAME.mustache, stdin as {{input}}; send nothing.
            --cache[=TIME]  Reuse the answer to the same request for 30d, or for TIME. Default: $COP_CACHE.
            -o, --output=FILE  Write the answer to FILE.
            -x, --extract  Print only the first fenced block of the answer.
            -u, --usage  Show tokens and credits on stderr.
            --json  Print one JSON record with text, model, usage, finish, and ids.
            -r, --raw  Print raw Markdown, even on a terminal.
            --hide-reasoning  Do not show the model's reasoning on stderr.
            """ + STREAM + """
            Limits:
            --timeout=TIME  Limit for the complete answer: 90s, 5m. Default: 2m to the first byte, 5m between bytes.
            --max-wait=TIME  Longest Retry-After to wait for. Default: $COP_MAX_WAIT or 60s.

              {cop} chat "Three names for a pelican"
              git diff | {cop} chat -t review
            """;

    @Override
    int run(CopilotClient copilot) {
        if (has("--save")) return save(text("--save"));
        if (has("--cache")) copilot.cacheAge = text("--cache").isEmpty() ? Duration.ofDays(30) : time("--cache", null);
        boolean json = has("--json"), extract = has("--extract");
        String output = text("--output"), template = text("--template");
        Path file = output == null || output.equals("-") ? null : OutputFile.check(env, "-o", output);
        var talk = conversation(copilot.context().home());
        var alone = question(template);
        var asked = alone == null ? wishes() : alone;
        boolean structured = asked.schema() != null, several = asked.request().answers() != 1;
        if (alone == null || !talk.messages().isEmpty()) asked.request().single("a conversation");
        if (structured) asked.request().single(has("--schema") ? "--schema" : "the template's schema");
        boolean live = !json && !extract && file == null && !several && !structured
                && (tools == null || env.terminal().test(1));
        var job = new ChatJob(console, copilot, talk, new ChatOptions(timeout(null), !has("--no-stream"),
                schemaRetries(), has("--usage"), extract && !structured, new AnswerPrinter.OutputMode(live, json, file,
                !has("--hide-reasoning"), has("--raw") || structured, structured || extract), template, tools));
        if (alone == null) converse(job, asked);
        else job.run(alone, this::view);
        return 0;
    }

    private int save(String name) {
        String shown = "templates/" + name + ".mustache";
        if (!name.matches("[\\w-]+")) throw Fault.usage("invalid template name: " + name, "--save my-prompt");
        Path file = env.path(shown);
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) throw Fault.usage(shown + " already exists", "--save NEW");
        for (String other : List.of("--template", "--file", "--attach", "--continue", "--cid", "--tools")) {
            if (has(other)) throw Fault.usage(other + " cannot be saved", "omit " + other);
        }
        var prepared = wishes();
        var request = prepared.request();
        var head = Json.object();
        if (request.model() != null) head.put("model", request.model());
        if (request.delivery().endpoint() != null) head.put("endpoint", request.delivery().endpoint());
        if (request.system() != null) head.put("system", StrictMustache.literal(request.system()));
        if (!request.options().isEmpty()) head.set("options", request.options());
        if (prepared.schema() != null) head.set("schema", prepared.schema().schema().json());
        var piped = env.stdin().kind() == Stdin.Kind.TERMINAL ? "" : env.stdin().text();
        String words = String.join(" ", texts("PROMPT")).replaceFirst("^-(?: |$)", "");
        if (Text.blank(words + piped)) throw Fault.usage("no prompt to save", known.spec.name() + " --save " + name
                + " \"…\"");
        String template = Text.paragraphs(piped.isBlank() ? "" : "{{input}}", StrictMustache.literal(words)) + "\n";
        if (!head.isEmpty() || words.startsWith("---")) template = head.properties().stream().map(field ->
                field.getKey() + ": " + Json.singleLine(field.getValue()) + "\n")
                .collect(Collectors.joining("", "---\n", "---\n")) + template;
        console.say(Text.printable(template.stripTrailing()));
        boolean asks = env.stdin().kind() == Stdin.Kind.TERMINAL && !has("--yes");
        if (asks && !console.confirmed("save as " + shown + "?", "-y")) return Fault.ERROR;
        file.toFile().getParentFile().mkdirs();             // if this fails, writing does too
        OutputFile.write(file, template);
        return print(shown);
    }

    private Conversation conversation(Home home) {
        String cid = text("--cid");
        boolean earlier = cid != null || has("--continue");
        var talk = earlier ? Conversation.find(home, cid, null, console::warn) : new Conversation(home, null);
        talk.keeps = has("--log") ? home.isPersistent() : !has("--no-log") && Conversation.kept(home);
        if (!talk.images().isEmpty()) console.warn("images from earlier turns are not resent (attach them with -a): "
                + String.join(", ", talk.images()));
        return talk;
    }

    private void converse(ChatJob job, PreparedPrompt first) {
        for (String needy : List.of("--json", "-o", "--schema", "-x", "-a")) {
            if (has(needy)) throw Fault.usage(needy + " requires a prompt", COP + " chat \"…\"");
        }
        var earlier = job.talk();
        var request = first.after(earlier).request(job.copilot(), !has("--no-stream"));
        if (earlier.model() != null && !has("--quiet")) {
            console.note("continuing " + earlier.title());
            console.say(console.dim(Text.printable(earlier.lastExchange())));
        }
        var program = Commands.program("talk").map(ChatCommand.class::cast).orElse(this);
        try (var terminal = program.terminal(console, earlier.keeps)) {
            new InteractiveChat(job, terminal, request).run();
        }
    }

    AnswerView view() { return new StyledLines(env.out()); }

    /// Creates the terminal for a conversation; `talk`, if present, overrides this.
    ///
    /// @param keeps whether typed lines may be kept
    ChatTerminal terminal(Console console, boolean keeps) { return new PlainTerminal(console); }
}

final class RenderCommand extends RequestCommand {
    static final String SYNTAX = """
            TEMPLATE [PROMPT…] [--json | --raw] [OPTIONS]

            Fill a template and print the prompt; send nothing.

            TEMPLATE  Template name or file.
            PROMPT…  Text to add; - reads it from stdin.
            Input:
            --example  Fill the template with its sample data.
            """ + PARTS + REQUEST + """
            Output:
            --json  Print the request body.
            -r, --raw  Print the texts without roles.
            """ + STREAM + """

              {cop} render review --example
              git diff | {cop} render review --json
            """;

    @Override
    int run(CopilotClient copilot) {
        var question = question(text("TEMPLATE"));
        if (!has("--json")) return show(Message.text(question.request().messages(), !has("--raw")));
        var request = question.cachedRequest(copilot, !has("--no-stream"), console);
        return show(Json.pretty(copilot.previewBody(request, console::warn)));
    }
}

class BatchCommand extends RequestCommand {
    static final String SYNTAX = """
            [TEMPLATE | -t TEMPLATE] -d ROWS [-o OUT] [OPTIONS]
            status OUT [--write] [--json]
            errors OUT [--json]
            merge RUN… -o OUT

            Run one prompt per row; run it again to resume.
            After edits to rows or template it sends only what changed. Rows: JSON Lines, JSON, CSV, TSV, a folder or
            glob of JSON files; without TEMPLATE, requests in OpenAI's Batch format. State is saved in OUT.run/.

            TEMPLATE  Template name or file.
            RUN…  OUT or OUT.run of each part.
            Input:
            -t, --template=TEMPLATE  Same as TEMPLATE.
            -d, --data=ROWS  A file, folder, or glob of JSON files; - is stdin.
            --format=jsonl|json|csv|tsv|files  Format of the rows. Default: by file extension.
            --id=FIELD  Field that identifies a row. Default: id, custom_id, or a hash of the request.
            """ + VALUES + """
            Rows:
            -L, --limit=N:int  Send only the first N rows.
            --sample=N:int  Send N randomly chosen rows.
            --sample-seed=S:long  Seed for --sample.
            --shard=K/N|auto  Send part K of N; auto: this task of a Slurm array or Kubernetes Job.
            --skip-bad  Record invalid rows as failed and send the rest.
            --retry-failed[=CODE,…]  Send failed, filtered, and incomplete rows again (only these error codes).
            --again  Send all rows again, replacing earlier answers.
            """ + REQUEST + TOOLS + """
            Output:
            -o, --output=OUT  Results: .jsonl, .json, .csv, .tsv, - for stdout, or one file per row: 'out/{{id}}.md'. \
            Spreadsheets may run CSV cells that start with =, +, -, or @ as formulas.
            --out-format=openai  Write OpenAI's Batch format.
            --echo=F1,F2  Row fields to repeat in the result.
            -k  Print results as they arrive, in row order.
            --run=DIR  Folder for the run's state. Default: OUT.run.
            --dry-run  Show rows, tokens, and the first prompt; send nothing.
            --write  Write OUT from finished rows.
            --json  Print JSON.
            """ + LIMITS + """

              {cop} batch classify -d tickets.jsonl -o labels.jsonl --dry-run
              {cop} batch classify -d tickets.jsonl -o labels.jsonl
            """;

    @Override
    Duration longestWait() { return Duration.ofMinutes(15); }

    @Override
    int run(CopilotClient copilot) {
        return switch (action()) {
            case "status", "errors" -> report();
            case "merge" -> merge();
            default -> new BatchRun(console, copilot, spec()).run();
        };
    }

    BatchSpec spec() {
        var spec = new BatchSpec();
        asking(spec);
        complete(spec.policy);
        spec.rows = text("--data");
        spec.format = text("--format", RowReader.formatOf(env, spec.rows));
        if (has("-L")) spec.first = atLeast(1, "-L", 1);
        if (has("--sample")) spec.sample = atLeast(1, "--sample", 1);
        if (value("--sample-seed") instanceof Long seed) spec.seed = seed;
        if (known.spec.findOption("--shard") != null) spec.shard = Shard.of(text("--shard"), env);
        spec.id = text("--id");
        spec.jobs = atLeast(1, "-j", spec.jobs);
        spec.delay = time("--delay", spec.delay);
        spec.out = text("--output", spec.out);
        spec.run = folder();
        texts("--echo").forEach(names -> spec.echo.addAll(Text.names(names)));
        spec.openai = has("--out-format");
        spec.stream = has("-k");
        spec.skipBad = has("--skip-bad");
        spec.retry = has("--retry-failed") ? Set.copyOf(Text.names(text("--retry-failed"))) : null;
        spec.again = has("--again");
        spec.dryRun = has("--dry-run");
        spec.yes = has("-y");
        // it may hold --again, which the manifest remembers
        spec.command = more -> commandLine(more.lines().toArray(String[]::new));
        return spec;
    }

    void asking(BatchSpec spec) {
        String name = text("TEMPLATE", text("-t"));
        var template = name == null ? null : new TemplateFolders(env).named(name);
        var given = data(Set.of("--var", "--var-json", "--var-file"));
        var constant = given.values(env);
        var wishes = wishes();
        for (String option : template != null ? List.<String>of() : List.of("--schema", "--system", "--allow-missing",
                "--var", "--var-json", "--var-file")) {
            if (has(option)) throw Fault.usage(option + " requires a template", "edit the requests");
        }
        var target = (template == null ? wishes : PreparedPrompt.of(template, List.of()).with(wishes)).request();
        spec.template = template;
        if (template != null) spec.lint = given.lint(template, console);
        spec.fields = wishes.request().options();
        spec.model = target.model();
        spec.endpoint = target.delivery().endpoint();
        spec.prompts = row -> {
            var values = new LinkedHashMap<>(row.data());
            values.putAll(constant);
            return PreparedPrompt.of(template, TemplateVariables.fill(template, values, has("--allow-missing")))
                    .with(wishes);
        };
    }

    private void complete(RetryPolicy policy) {
        policy.retries = atLeast(0, "--retries", policy.retries);
        policy.schemaRetries = schemaRetries();
        policy.tools = tools;
        var share = Pattern.compile("(?:fail=)?([0-9]{1,2}|100)%").matcher(text("--halt", "fail=20%"));
        if (!share.matches()) throw Fault.usage("invalid --halt: " + text("--halt"), "--halt fail=20%");
        policy.haltShare = Integer.parseInt(share.group(1)) / 100.0;
        policy.maxRequests = positive("--max-requests");
        policy.maxTokens = positive("--max-total-tokens");
        policy.maxCredits = positive("--max-credits");
        policy.timeout = timeout(policy.timeout);
        policy.maxWait = maxWait();
        policy.maxTime = time("--max-time", null);
    }

    /// Returns null if the option is not given.
    @SuppressWarnings("unchecked")
    private <N extends Number> N positive(String option) {
        var value = (N) value(option);
        if (value == null || value.doubleValue() > 0) return value;
        throw Fault.usage(option + " " + value + " is out of range", "use more than 0");
    }

    private Path folder() {
        String run = text("--run"), output = text("--output", "-");
        boolean single = ResultWriter.check(env, "-o", output);
        if (run != null || single) return env.path(run != null ? run : output + ".run");
        throw Fault.usage(output.equals("-") ? "missing -o OUT" : "-o " + output
                + (output.contains("{{") ? " names many files" : " is not a regular file"),
                has("-k") || has("--output") ? "--run DIR, a folder for the run's state" : "-o OUT.jsonl");
    }

    private String runName(String out) {
        return Files.isDirectory(env.path(out)) ? out : out.replaceFirst("(\\.run)?$", ".run");
    }

    private int report() {
        String output = text("OUT"), file = output.replaceFirst("\\.run$", "");
        if (has("--write")) ResultWriter.check(env, "-o", file);
        try (var report = BatchReport.merged(List.of(env.path(text("--run", runName(output)))))) {
            if (has("--write")) report.write(console, file, has("--out-format"));
            if (action().equals("status")) return show(has("--json") ? Json.pretty(report.json()) : report.text());
            var errors = report.errors().toList();
            if (has("--json")) return print(Json.pretty(Json.tree(errors)));
            var columns = List.of("id", "code", "attempts", "message");
            return console.table(columns, errors.stream().map(row -> columns.stream().map(name ->
                    Json.plain(row.path(name))).toList()).toList());
        }
    }

    private int merge() {
        String output = text("--output");
        ResultWriter.check(env, "-o", output);
        var runs = texts("RUN").stream().map(name -> env.path(runName(name)).normalize()).distinct().toList();
        if (runs.size() > 1 && runs.contains(env.path(output + ".run").normalize())) {
            throw Fault.usage("-o " + output + " is also one of the parts", "choose another file for -o");
        }
        try (var report = BatchReport.merged(runs)) {
            report.write(console, output, has("--out-format"));
            if (output.equals("-")) report.text().lines().forEach(console::note);
            else show(report.text());
            return report.left() > 0 ? Fault.LATER : report.counts().notOk() > 0 ? Fault.FAILED_ROWS : 0;
        }
    }
}

// ================================================================================================== Batch
// Validates all rows, runs the batch, and reports progress and results.

final class BatchSpec {
    static final int JOBS = 2;
    static final Duration DELAY = Duration.ofSeconds(1);
    String rows, format;                                    // as the user named them
    Path run;
    Template template;                                      // null: rows are requests of OpenAI's Batch API
    Function<InputRow, PreparedPrompt> prompts;             // fills the template
    TemplateLint lint = new TemplateLint(null, Set.of());   // looks at the rows while they are scanned
    String model, endpoint;                                 // null: the run's, or the default
    boolean structured;                                     // the model accepts a schema in its own field
    ObjectNode fields = Json.object();                      // for every request
    String id;                                              // the field that names a row
    String out = "-";                                       // a file, a pattern with {{id}}, or - for stdout
    List<String> echo = new ArrayList<>();
    boolean openai, stream, skipBad, again, dryRun, yes;
    Set<String> retry;                                      // error codes to retry; empty: any; null: none
    int first, sample;                                      // number of rows; 0: all
    long seed;
    Shard shard = Shard.ALL;
    int jobs = JOBS;
    Duration delay = DELAY;
    RetryPolicy policy = new RetryPolicy();
    /// Resumes the run, with one more option unless empty.
    UnaryOperator<String> command = more -> "the same call" + (more.isEmpty() ? "" : ", with withRetryFailed()");
    String skipping = "use --skip-bad";                     // how to send only the valid rows
}

/// The part of the rows that this process sends.
record Shard(int number, int of) {
    static final Shard ALL = new Shard(1, 1);
    private static final List<String> KUBERNETES = List.of("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS");
    private static final List<String> SLURM = Stream.of("ID", "MIN", "MAX", "STEP", "COUNT")
            .map("SLURM_ARRAY_TASK_"::concat).toList();

    /// Reads `K/N`, or `auto`: this task of a job array. One is required in a job array, whose tasks may also be meant
    /// to send all rows each.
    static Shard of(String option, Environment env) {
        if (option != null && !option.equals("auto")) return numbered(List.of(option.split("/", -1)), 1,
                "--shard " + option + " is out of range", "K/N with K from 1 to N");
        var set = env.variables();
        var names = set.containsKey(SLURM.getFirst()) ? SLURM : KUBERNETES;
        var values = names.stream().map(name -> set.getOrDefault(name, name.endsWith("STEP") ? "1" : "")).toList();
        if (values.getFirst().isEmpty() && option == null) return ALL;
        if (values.getFirst().isEmpty()) throw Fault.usage("--shard auto: not a task of a job array", "--shard 1/4");
        String job = names == SLURM ? "Slurm array" : "Kubernetes Indexed Job";
        String task = "task " + values.getFirst() + " of a " + job;
        var part = numbered(values, 0, task + " has no valid part: " + IntStream.range(0, names.size()).mapToObj(
                i -> names.get(i) + "=" + values.get(i)).toList(), "use --shard K/N, or --shard 1/1 for all rows");
        if (option != null) return part;
        throw Fault.usage(task + " is " + part, "use --shard auto for that part, or --shard 1/1 for all rows");
    }

    /// @param words a number, counting from `first`, and how many there are; or between them the first, the last and
    ///     the step, which may not agree: a Slurm array may be a list
    private static Shard numbered(List<String> words, int first, String error, String hint) {
        var n = words.stream().map(word -> word.matches("[0-9]{1,6}") ? Integer.parseInt(word) : -1).toList();
        int of = n.getLast();
        if (n.size() == 2) n = List.of(n.getFirst(), first, first + of - 1, 1, of);
        if (n.size() == 5 && Collections.min(n) >= 0 && n.get(3) > 0) {
            int own = n.get(0) - n.get(1), span = n.get(2) - n.get(1), step = n.get(3);
            boolean agree = own >= 0 && own <= span && own % step == 0 && span / step + 1 == of;
            if (agree) return new Shard(own / step + 1, of);
        }
        throw Fault.usage(error, hint);
    }

    @Override
    public String toString() { return of == 1 ? "all rows" : "part " + number + " of " + of; }

    /// Depends only on the id, so that added rows do not move others.
    boolean holds(String id) {
        return of == 1 || Math.floorMod(Long.parseUnsignedLong(Fingerprint.of(id), 0, 16, 16), of) == number - 1;
    }
}

final class BatchInput implements AutoCloseable {
    /// The version of the row keys; a run of another version sends all rows again.
    static final int KEY_VERSION = 2;

    final RowFilter rows;
    private final BatchSpec spec;
    private final Set<Integer> chosen;                      // null: all
    private final Map<String, Integer> equal = new HashMap<>();     // how many rows without an id have a hash
    final Set<String> unseen;                               // fields that options name and no row has had
    Set<String> fields = Set.of();                          // of the last row
    int index = -1;
    Fault broken;                                           // of an unreadable row, which ends the input
    String fingerprint = "";                                // of all rows read, of any shard, and their prompts

    BatchInput(RowFilter rows, BatchSpec spec, Set<Integer> chosen) {
        this.rows = rows;
        this.spec = spec;
        this.chosen = chosen;
        unseen = new LinkedHashSet<>(spec.echo);
        if (spec.id != null) unseen.add(spec.id);
    }

    /// Returns the next row, selected or not; null after the last.
    InputRow read() {
        if (Thread.interrupted()) throw Fault.interrupted();
        try {
            return broken != null || spec.first > 0 && index + 1 >= spec.first ? null : rows.next();
        } catch (Fault unreadable) {
            broken = unreadable;
            return new InputRow(spec.rows, null, unreadable);
        }
    }

    /// Returns the next selected item; null after the last.
    BatchItem next() {
        for (var row = read(); row != null; row = read()) {
            index++;
            if (chosen != null && !chosen.contains(index)) continue;
            var item = item(row);
            fingerprint = Fingerprint.of(fingerprint + " " + item.key());
            if (spec.shard.holds(JsonValues.text(item.id()))) return item;
        }
        return null;
    }

    private BatchItem item(InputRow row) {
        Object id = row.place();
        var echo = row.data() == null || spec.echo.isEmpty() ? null : Json.object();
        try {
            if (row.fault() != null) throw row.fault();
            var data = row.data();
            for (String name : spec.echo) echo.set(name, JsonValues.node(data.getOrDefault(name, JsonValues.NULL)));
            fields = data.keySet();
            unseen.removeAll(fields);
            Object own = id(data);
            if (own != null) id = own;
            boolean filled = spec.template != null;
            if (filled) spec.lint.row(data);
            var question = filled ? spec.prompts.apply(row) : question(row);
            if (filled) spec.lint.refuseBlank(row.data());
            if (question.schema() != null) question.request().single("a schema");
            String named = question.request().model();
            String model = filled || named.isEmpty() ? spec.model : named;
            var request = question.request(model, true, spec.structured).withEndpoint(spec.endpoint);
            // those first as in the first version of the key, options in any order
            var body = new TreeMap<String, JsonNode>(Comparator.comparingInt((String name) -> -List.of("stream",
                    "messages", "model").indexOf(name)).thenComparing(Comparator.naturalOrder()));
            ChatCompletionsBody.plain(request).forEachEntry(body::put);
            byte[] asks = Json.compact(body).getBytes(StandardCharsets.UTF_8);
            if (own == null) id = numbered(Fingerprint.of(asks));
            var key = Fingerprint.of(JsonValues.text(id).getBytes(StandardCharsets.UTF_8), asks);
            return new BatchItem(index, row.place(), id, key, request, question.schema(), null, echo);
        } catch (Fault fault) {
            return BatchItem.bad(index, row.place(), id, fault, echo);
        }
    }

    /// Reads a line of OpenAI's Batch API. Its own model wins; `stream` is ignored.
    private PreparedPrompt question(InputRow row) {
        var body = JsonValues.node(row.data().get("body"));
        String url = row.data().getOrDefault("url", "/v1/chat/completions").toString();
        boolean chat = url.endsWith("/chat/completions");
        if (!chat || !(body instanceof ObjectNode fields) || !fields.path("messages").isArray()) {
            throw foreign(row.data(), chat ? "" : url);
        }
        String own = Json.text(fields, "model");
        fields.remove(List.of("stream", "model"));
        fields = spec.fields.deepCopy().setAll(fields);
        return new PreparedPrompt(new Request(own, List.of(), fields, true, new Delivery(null,
                Set.copyOf(fields.propertyNames()))), null);
    }

    /// Names the API that a row is for, with the command that converts such rows.
    private Fault foreign(Map<String, Object> data, String url) {
        String api = !url.isEmpty() ? "a request to " + url : data.get("params") instanceof Map
                ? "an Anthropic batch request" : data.get("messages") instanceof List ? "messages without a body" : "";
        String cop = COP.replace("%", "%%"), command = api.isEmpty() ? cop + " batch TEMPLATE -d %1$s"
                : url.endsWith("/embeddings") ? "jq -c '{id: .custom_id, text: .body.input}' %1$s | " + cop
                + " embed -d -" : "jq -c '{custom_id, body: (.body // .params // . | {messages: ([{role: \"system\","
                + " content: (.system // empty)}] + (.messages // [{role: \"user\", content: (.input // .prompt)}]))}"
                + " + del(.custom_id, .messages, .system, .input, .prompt))}' %1$s >requests.jsonl"
                + (data.containsKey("messages") ? ", or use a template with {{#messages}}" : "");
        return Fault.usage(api.isEmpty() ? "not a request of the Batch API" : "unsupported: " + api,
                Text.command(command, spec.rows.equals("-") ? "stdin" : spec.rows));
    }

    private Object id(Map<String, Object> data) {
        for (String name : spec.id != null ? List.of(spec.id) : List.of("id", "custom_id")) {
            if (RowFilter.isValue(data.get(name))) return data.get(name);
        }
        if (spec.id == null) return null;
        throw Fault.usage("no value for --id " + spec.id, "use a field that every row has");
    }

    /// Returns the id of a row without one: a hash of what it asks, with its number among those that ask the same.
    private String numbered(String asks) {
        int number = equal.merge(asks, 1, Integer::sum);
        return asks.substring(0, 16) + (number == 1 ? "" : "-" + number);
    }

    @Override
    public void close() { rows.close(); }
}

final class BatchRun {
    private static final int ASK_FROM = 200, MOST_ERRORS = 50, SAMPLED_BYTES = 1 << 20;

    private final Environment env;
    private final Console console;
    private final CopilotClient copilot;
    private final BatchSpec spec;
    private final RunFolder folder;
    private final ResultWriter results;
    private ObjectNode earlier, manifest;                   // of the run's last start, and of this one
    private Optional<ModelList> catalog = Optional.empty();
    private String input;                                   // the rows' file as named, or a copy
    private Set<Integer> chosen;
    // Results of the scan.
    private final Map<Integer, String> order = new TreeMap<>();     // a row's index and key
    private final List<BatchItem> bad = new ArrayList<>();
    private final Set<String> pending = new HashSet<>();    // keys to send
    private String fingerprint = "";
    private long bytes, sampled;                            // of prompts to send, of those in `sample`
    private final List<Request> sample = new ArrayList<>();
    private final Set<String> models = new TreeSet<>();     // of the requests to send
    private long replaced;                                  // done rows whose prompts have changed
    // The pass over the rows to send.
    private BatchInput reader;
    private Set<String> waiting = Set.of();

    BatchRun(Console console, CopilotClient copilot, BatchSpec spec) {
        env = console.env();
        this.console = console;
        this.copilot = copilot;
        this.spec = spec;
        folder = new RunFolder(spec.run);
        results = new ResultWriter(console, spec.out, spec.openai, spec.echo);
    }

    int run() {
        open();
        chooseTarget();
        if (input == null) input = spool(console, spec, folder);
        try (var journal = new Journal(folder.path(), false)) {
            plan(journal);
        }
        if (!bad.isEmpty() && !spec.skipBad && !spec.dryRun) throw refusal();
        spec.lint.warnings().forEach(console::warn);
        RunFolder.refuseToOverwrite(env.directory(), List.of(folder), results.files());
        if (spec.dryRun) return dryRun();
        if (!bad.isEmpty()) console.warn(bad.size() + " of " + order.size() + " rows are invalid and skipped, such as "
                + bad.getFirst().fault().message());
        if (spec.shard.of() > 1) console.note(spec.shard.toString());
        if (!pending.isEmpty() && !confirmed()) return Fault.ERROR;
        try (var journal = new Journal(folder.path(), true)) {              // first write to the folder
            var now = folder.readManifest();
            if (!Stream.of("model", "again").allMatch(field -> now.path(field).equals(earlier.path(field)))) {
                throw Fault.error("another process has changed the run in " + folder.path(), "run the command again");
            }
            return run(journal.since(manifest));
        }
    }

    /// Checks files and folders, and reads the manifest of the run's last start.
    private void open() {
        OutputFile.keepApart(env, spec.rows, spec.out);
        folder.check("use a new or empty folder: --run " + Text.quoted(spec.run.resolveSibling("new.run").toString()));
        Path rows = env.path(spec.rows);
        // a batch reads rows twice, which a pipe does not allow
        boolean once = piped() || Files.exists(rows) && !Files.isRegularFile(rows) && !Files.isDirectory(rows);
        if (!once) {                                        // a mistyped name must leave no folder
            input = spec.rows;
            input().close();
        }
        earlier = folder.readManifest();
        if (earlier.has("variants")) throw Fault.usage(spec.run + " belongs to an eval", "choose another -o");
        manifest = earlier.deepCopy();
        var part = new Shard(earlier.path("shard").asInt(1), earlier.path("shards").asInt(1));
        if (earlier.has("shards") && !part.equals(spec.shard)) {
            throw Fault.usage(spec.run.getFileName() + " is for " + part + ", not " + spec.shard, "use --shard "
                    + part.number() + "/" + part.of() + ", or another -o");
        }
        if (spec.echo.isEmpty()) spec.echo.addAll(BatchReport.echo(manifest));
        if (results.pattern() != null) results.pattern().check(spec.echo);
        RunFolder.refuseToOverwrite(env.directory(), List.of(folder), results.files());
    }

    /// Reads all rows before anything is sent, and checks what would keep them from being sent.
    private void plan(Journal journal) {
        if (spec.again && !manifest.has("again")) manifest.put("again", journal.size());
        journal.damage().ifPresent(console::warn);
        if (!spec.again && journal.size() > 0 && !BatchReport.echo(manifest).containsAll(spec.echo)) {
            throw Fault.usage("--echo " + String.join(",", spec.echo) + " was not set when this run started",
                    "use --again to send all rows again, or --run DIR to start another run");
        }
        scan(journal.since(manifest));
        checkRetry(journal);
        checkBudget(new BatchReport(List.of(folder), manifest, order, List.of(journal)).counts());
        describe();
        countReplaced(journal);
    }

    private void checkRetry(Journal journal) {
        var codes = order.values().stream().flatMap(key -> journal.entry(key).stream()).map(Journal.Entry::code)
                .filter(code -> !code.isEmpty()).distinct().sorted().toList();
        for (String code : spec.retry == null ? Set.<String>of() : spec.retry) {
            if (!codes.contains(code)) console.warn("no failed row has the code " + code
                    + (codes.isEmpty() ? "" : ", only " + String.join(", ", codes)));
        }
    }

    /// Refuses a budget that cannot be measured, and a run that was halted because too many rows failed.
    private void checkBudget(BatchCounts counts) {
        for (String id : spec.policy.maxCredits == null ? Set.<String>of() : models) {
            if (catalog.flatMap(all -> all.priced("", id)).isPresent()) continue;
            throw Fault.usage("--max-credits cannot be measured: no prices for " + id, "use --max-total-tokens N");
        }
        boolean halted = spec.retry == null && spec.policy.haltShare <= manifest.path("halted").asDouble(-1);
        if (halted && counts.notOk() > bad.size() && !spec.dryRun) throw resumable(RetryPolicy.halted(counts), spec);
    }

    static Fault resumable(Fault why, BatchSpec spec) {
        boolean halted = why.is(Fault.Kind.HALTED);
        String next = "to resume: " + spec.command.apply(halted ? why.hint() : "");
        int code = why.exitCode() == Fault.ERROR && ApiError.behind(why) != null ? Fault.LATER : why.exitCode();
        return new Fault(code, why.message(), halted || why.hint().isEmpty() ? next : why.hint() + "; " + next, why);
    }

    private int run(Journal journal) {
        pending.removeIf(key -> isDone(journal, key));      // another process may have done some
        if (results.pattern() == null && earlier.path("rows").asInt(0) > order.size()) {
            console.note("note: rows in " + spec.out + ": " + order.size() + " instead of "
                    + earlier.path("rows").asString() + "; all answers stay in " + folder.path().getFileName());
        }
        if (piped() && !input.equals(folder.input().toString())) folder.keep(Path.of(input));
        folder.write(manifest, order);
        record(journal);
        var stopped = ask(journal);
        boolean halted = stopped.filter(why -> why.is(Fault.Kind.HALTED) && why.exitCode() == Fault.ERROR).isPresent();
        if (halted) manifest.put("halted", spec.policy.haltShare);
        if (halted || stopped.isEmpty() && manifest.remove("again") != null) folder.write(manifest, order);
        return finish(journal, stopped);
    }

    /// Counts done rows whose place a row with another prompt has taken, and reports why.
    private void countReplaced(Journal journal) {
        var now = new HashSet<>(order.values());
        boolean lost = !manifest.has("again") && !Files.exists(journal.file) && folder.owned().values().stream()
                .anyMatch(hash -> !hash.isEmpty());
        var done = folder.order().entrySet().stream().filter(row -> lost || journal.entry(row.getValue())
                .filter(end -> end.status().equals("ok")).isPresent()).toList();
        replaced = done.stream().filter(row -> pending.contains(order.get(row.getKey()))
                && (lost || !now.contains(row.getValue()))).count();
        if (replaced == 0) return;
        String changed = Stream.of("key_version", "template_hash", "model", "options")
                .filter(field -> !earlier.path(field).toString().equals(manifest.path(field).toString()))
                .map(BatchReport::words).collect(Collectors.joining(", "));
        Path run = spec.run.getFileName();
        console.note("note: " + (lost ? run + "/journal.jsonl is missing: " + replaced + " rows are sent again,"
                : replaced + " of " + done.size() + " done rows have changed (" + (changed.isEmpty() ? "rows or values"
                : changed) + "):") + " their answers in " + spec.out + " are replaced" + (lost ? ""
                : "; the old ones stay in " + run));
    }

    private void describe() {
        manifest.put("key_version", BatchInput.KEY_VERSION).put("tool", "copilot.java " + cop.copilot.VERSION);
        var template = spec.template;
        if (template != null) manifest.put("template", template.place()).put("template_hash", template.hash());
        manifest.set("options", spec.fields);
        spec.echo.forEach(manifest.putArray("echo")::add);
        String now = env.time().now().toString();
        manifest.put("model", spec.model).put("endpoint", spec.endpoint).put("structured", spec.structured)
                .put("rows", order.size()).put("fingerprint", fingerprint).put("input", spec.rows).put("out", spec.out)
                .put("shard", spec.shard.number()).put("shards", spec.shard.of()).put("updated", now).remove("halted");
        if (!manifest.has("started")) manifest.put("started", now);
    }

    static String spool(Console console, BatchSpec spec, RunFolder folder) {
        var stdin = console.env().stdin();
        boolean piped = spec.rows.equals("-"), kept = piped && Files.exists(folder.input());
        try {
            Path spool = Files.createTempFile("copilot-rows-", "." + spec.format);      // readable by the owner only
            spool.toFile().deleteOnExit();
            if (!piped) stdin.copyTo(spool, console.env().path(spec.rows));
            else if (!kept || stdin.kind() != Stdin.Kind.TERMINAL) stdin.copyTo(spool, null);
            if (!kept || Files.size(spool) > 0) return spool.toString();
            console.note("note: using the rows piped in earlier: " + folder.input());
            return folder.input().toString();
        } catch (IOException e) {
            throw Fault.io("cannot save the input", e, "free some space for temporary files");
        }
    }

    private boolean piped() { return spec.rows.equals("-"); }

    private BatchInput input() {
        return new BatchInput(RowReader.opened(env, input, spec.rows, spec.format), spec, chosen);
    }

    /// Fixes model and schema support for the whole run, because each row would be paid for again with another model.
    private void chooseTarget() {
        if (!spec.dryRun) copilot.tokens().get();           // fail early if not logged in
        catalog = copilot.models().listIfAny();             // without one, rows will report the error
        String before = Json.text(manifest, "model");
        boolean named = spec.model != null && !spec.model.isBlank();
        String model = named || before.isEmpty() ? copilot.models().chooseCached(spec.model) : before;
        if (!before.isEmpty()) console.note(before.equals(model) ? "using model " + model + ", as when this run started"
                : "note: the model was " + before + "; all rows are new for " + model);
        if (catalog.isPresent() && spec.template != null) catalog.get().require(model, Model::usable);
        if (!Model.isAuto(model) && catalog.filter(ModelList::onlyAuto).isPresent()) console.warn(ModelList.ONLY_AUTO);
        String endpoint = Json.text(manifest, "endpoint");
        if (spec.endpoint == null && !endpoint.isEmpty()) spec.endpoint = endpoint;
        spec.structured = before.equals(model) && manifest.has("structured") ? manifest.path("structured").asBoolean()
                : copilot.structured(new Request(model, List.of(), null, true).withEndpoint(spec.endpoint));
        spec.model = model;
    }

    /// Returns empty for auto, whose limits are unknown.
    private Optional<Model> known(String id) {
        return Model.isAuto(id) ? Optional.empty() : catalog.flatMap(all -> all.find(id));
    }

    /// Samples at random, always the same for a seed and number of rows.
    private void sample() {
        int count = 0;
        try (var rows = input()) {
            while (rows.read() != null) count++;
        }
        chosen = new Random(spec.seed).ints(0, Math.max(1, count)).distinct().limit(Math.min(spec.sample, count))
                .boxed().collect(Collectors.toSet());
    }

    private void scan(Journal journal) {
        if (spec.sample > 0) sample();
        var ids = new HashMap<String, Integer>();
        try (var rows = input()) {
            for (var read = rows.next(); read != null; read = rows.next()) {
                var item = checked(read, ids);
                order.put(item.index(), item.key());
                if (item.fault() == null) spec.lint.prompt(item.request());
                if (item.fault() != null) bad.add(item);
                else if (!isDone(journal, item.key())) send(item);
            }
            fingerprint = rows.fingerprint;
            rows.rows.notes().forEach(console::note);
            if (rows.broken != null && (spec.skipBad || bad.isEmpty())) {
                throw Fault.usage(rows.broken.message(), "fix it; no row after it can be read");
            }
            for (String name : rows.fields.isEmpty() ? Set.<String>of() : rows.unseen) {
                throw Fault.usage((name.equals(spec.id) ? "--id " : "--echo ") + name + ": no row has this field",
                        Suggestions.hint(name, rows.fields, "a row has " + String.join(", ", rows.fields)));
            }
            if (rows.index >= 0) return;                    // perhaps none in this part
            throw Fault.usage((piped() ? "the input" : spec.rows) + " has no rows", "one line or object per row");
        }
    }

    private boolean isDone(Journal journal, String key) {
        return journal.entry(key).filter(end -> end.status().equals("ok") || spec.retry == null
                || !spec.retry.isEmpty() && !spec.retry.contains(end.code())).isPresent();
    }

    private void send(BatchItem item) {
        pending.add(item.key());
        models.add(item.request().model());
        bytes += item.request().bytes();
        if (sampled >= SAMPLED_BYTES) return;
        sample.add(item.request());
        sampled = bytes;
    }

    /// Estimates the prompts to send: the first by the tokenizer, the rest by their bytes.
    private Usage estimate() {
        var model = known(spec.model);
        long tokens = sample.stream().mapToLong(request -> TokenCount.of(request, model.map(Model::tokenizer)
                .orElse("o200k_base"))).sum();
        var all = new Usage(tokens * bytes / Math.max(1, sampled), 0, 0, 0, 0, false);
        return model.map(known -> known.priced(all)).orElse(all);
    }

    private BatchItem checked(BatchItem item, Map<String, Integer> ids) {
        if (item.fault() != null) return item;
        try {
            var before = ids.putIfAbsent(Fingerprint.of(JsonValues.text(item.id())), item.index());
            if (before != null) {
                throw Fault.usage(item.place() + ": duplicate id " + item.id() + ", as in row " + (before + 1),
                        item.id().toString().matches("[0-9][.,][0-9]+E\\+[0-9]+") ? "Excel has rounded it: format the"
                        + " column as text" : "use --id with a field that differs in each row");
            }
            known(item.request().model()).ifPresent(model -> ContextLimitCheck.checkLength(item.request(), model));
            copilot.previewBody(item.request(), _ -> { });
            if (results.pattern() != null) results.pattern().claim(item, spec.model);
            return item;
        } catch (Fault wrong) {
            return BatchItem.bad(item.index(), item.place(), item.id(), wrong, item.echo());
        }
    }

    private Fault refusal() {
        var lines = problems();
        lines.stream().limit(lines.size() - 1).forEach(console::error);
        return Fault.usage(lines.getLast(), bad.size() + " of " + order.size() + " rows are invalid; nothing was sent."
                + " Fix them, or " + spec.skipping + " (" + bad.getFirst().fault().hint() + ")");
    }

    private List<String> problems() {
        return bad.stream().limit(MOST_ERRORS).map(item -> item.fault().message()).toList();
    }

    private void record(Journal journal) {
        bad.stream().filter(item -> journal.entry(item.key()).isEmpty()).forEach(item -> journal.append(new RowResult(
                item, "failed", null, Usage.NONE, Duration.ZERO, 0, "bad_row", item.fault().message()),
                BatchCounts.NONE, env.time().now()));
    }

    private int dryRun() {
        problems().forEach(console::error);
        var prompts = estimate();
        var out = new StringJoiner("\n", "", "\n").add("rows     " + order.size())
                .add("done     " + (order.size() - bad.size() - pending.size())).add("invalid  " + bad.size())
                .add("to send  " + pending.size()).add("model    " + spec.model + (Model.isAuto(spec.model)
                ? ": GitHub chooses, so no prompt was checked against a limit" : ""))
                .add("tokens   " + prompts.totalTokens() + " in the prompts, answers not included");
        if (prompts.estimated()) out.add("credits  " + prompts.price() + " for the prompts, answers not included");
        if (spec.delay.isPositive()) out.add("time     " + leastTime());
        if (!sample.isEmpty() && spec.template != null) {
            out.add("").add(Message.text(sample.getFirst().messages(), true));
        }
        env.out().print(env.terminal().test(1) ? Text.printable(out.toString()) : out);
        return bad.isEmpty() || spec.skipBad ? 0 : Fault.USAGE;
    }

    private String leastTime() { return "at least " + Durations.words(spec.delay.multipliedBy(pending.size())); }

    private boolean confirmed() {
        if (!spec.yes && spec.lint.sameForAll() && !console.confirmed("send the same prompt for all rows?",
                "use a field in the template, such as {{text}}, or -y")) return false;
        boolean asks = !spec.yes && env.stdin().kind() == Stdin.Kind.TERMINAL;
        if (pending.size() <= ASK_FROM && replaced == 0 || !asks && console.quiet) return true;
        String what = pending.size() + " requests to " + spec.model + ", with prompts of " + estimate().cost()
                + (spec.delay.isPositive() ? ", " + leastTime() : "");
        if (!asks) console.note("note: " + what);
        if (!asks || console.confirmed(what + ". Continue?", "-y")) return true;
        console.note("nothing was sent; use -y to skip this question");
        return false;
    }

    private Optional<Fault> ask(Journal journal) {
        var pace = new RateController(spec.jobs, spec.delay);
        var printer = spec.stream ? new OrderedPrinter(new ArrayDeque<>(order.values()), new HashSet<>(pending), key ->
                journal.result(key).map(results::line), env.out()) : null;
        var progress = new BatchProgress(console, pending.size(), printer, pace);
        spec.policy.estimate = (request, model) -> copilot.models().estimate(request, model, "", Usage.NONE);
        var runner = new BatchRunner(pace, spec.policy, env.time(), copilot::askOnce, journal, progress);
        env.shutdown().patience(Duration.ofSeconds(60));      // 30 for requests in flight, and time to write OUT
        // those that failed least often first, so that a budget reaches others at each --retry-failed
        var passes = pending.stream().collect(Collectors.groupingBy(journal::lines, TreeMap::new, Collectors.toSet()))
                .values().iterator();
        try {
            return progress.printed(runner.run(() -> nextToSend(passes), Duration.ofSeconds(30)));
        } finally {
            if (reader != null) reader.close();
            console.transientLine("");
        }
    }

    /// Returns the next item to send, each pass reading all rows again; null after the last.
    private BatchItem nextToSend(Iterator<Set<String>> passes) {
        while (true) {
            if (waiting.isEmpty()) {
                if (!passes.hasNext()) return null;
                if (reader != null) reader.close();
                waiting = passes.next();
                reader = input();
            }
            var item = reader.next();
            if (item == null) throw Fault.error("the input changed while it was read", "");
            if (waiting.remove(item.key())) return item;
        }
    }

    private int finish(Journal journal, Optional<Fault> stopped) {
        var report = new BatchReport(List.of(folder), manifest, order, List.of(journal));
        try {
            if (!spec.stream || !results.stdout()) report.write(console, spec.out, spec.openai);
        } catch (Fault unwritable) {
            throw stopped.orElse(unwritable);               // a full disk may already have stopped the run
        }
        var counts = report.counts();
        report.causes().forEach(console::note);
        if (counts.requests() > 0) console.note("used " + counts.used().cost());
        if (stopped.isPresent() || counts.rows() < order.size()) {
            console.note(counts.rows() + " of " + order.size() + " rows are done: " + counts.words());
            var why = stopped.orElseGet(() -> Fault.error("some rows were not sent", ""));
            if (!why.is(Fault.Kind.INTERRUPTED)) throw resumable(why, spec);
            console.note(resumable(why, spec).hint());
            throw why;
        }
        long failed = spec.retry == null ? counts.notOk() - bad.size() : 0;
        String retry = failed > 0 ? "; --retry-failed sends " + failed + " again" : "";
        console.note((pending.isEmpty() ? "nothing to do: " : "done: ") + counts.words() + retry);
        return counts.notOk() > 0 ? Fault.FAILED_ROWS : 0;
    }
}

/// The state of a batch, read only from run folders.
record BatchReport(List<RunFolder> folders, ObjectNode manifest, Map<Integer, String> order, List<Journal> journals)
        implements AutoCloseable {
    private static final String BEGIN = "start one: " + COP + " batch TEMPLATE -d ROWS -o OUT";

    static List<String> echo(JsonNode manifest) {
        return manifest.path("echo").valueStream().map(JsonNode::asString).toList();
    }

    /// Returns a manifest's field as words: `template_hash` is the template.
    static String words(String field) { return field.replace("_hash", "").replace('_', ' '); }

    /// Merges all shards of a job, which must agree in rows, template, options, and model.
    static BatchReport merged(List<Path> runs) {
        var folders = runs.stream().map(RunFolder::new).toList();
        folders.forEach(folder -> folder.check(BEGIN));
        var first = folders.getFirst().readManifest();
        var rows = new TreeMap<Integer, String>();
        var missing = IntStream.rangeClosed(1, first.path("shards").asInt(1)).boxed().collect(Collectors.toSet());
        for (var folder : folders) {
            var manifest = folder.readManifest();
            if (manifest.isEmpty()) throw Fault.usage("no batch run in " + folder.path(), BEGIN);
            var order = folder.order();
            order.forEach(rows::putIfAbsent);
            if (order.isEmpty() && manifest.path("rows").asInt() > 0) {
                throw Fault.error(folder.path().resolve("order") + " is damaged or of another version",
                        "run the command that started the run");
            }
            for (String field : List.of("key_version", "template_hash", "model", "options", "fingerprint", "shards")) {
                if (manifest.path(field).equals(first.path(field))) continue;
                String both = folders.getFirst().path().getFileName() + " and " + folder.path().getFileName();
                throw Fault.usage(both + " differ in their " + words(field).replace("fingerprint", "rows"),
                        "run each again with the same rows and options");
            }
            missing.remove(manifest.path("shard").asInt(1));
        }
        if (folders.size() > 1 && !missing.isEmpty()) throw Fault.usage("missing shards: " + missing,
                "name the runs of all shards");
        var report = new BatchReport(folders, first, rows, new ArrayList<>());
        try {
            folders.reversed().forEach(folder -> report.journals.add(new Journal(folder.path(), false)));
            return report;
        } catch (Fault unreadable) {
            report.close();
            throw unreadable;
        }
    }

    /// Looks each row up in the journals, in input order; the first that has it wins.
    private <T> Stream<T> find(BiFunction<Journal, String, Optional<T>> lookup) {
        return order.values().stream().flatMap(key -> journals.stream().flatMap(journal ->
                lookup.apply(journal, key).stream()).limit(1));
    }

    BatchCounts counts() {
        var spent = journals.stream().map(Journal::spent).reduce(BatchCounts.NONE, (all, one) -> all.plus("",
                one.requests(), one.used()));
        return find(Journal::entry).reduce(spent, (sum, end) -> sum.plus(end.status(), 0, Usage.NONE), (all, _) -> all);
    }

    /// Returns `id`, `code`, `attempts` and `message` of each row that is not ok.
    Stream<ObjectNode> errors() {
        return find((journal, key) -> journal.entry(key).filter(end -> !end.status().equals("ok")).flatMap(_ ->
                journal.result(key))).map(Json::tryParse).map(row -> ((ObjectNode) row.path("error"))
                .put("attempts", row.path("attempts").asInt()).set("id", row.path("id")));
    }

    /// Groups failures by code and message, without numbers and ids: `82 x schema, first t0: the answer …`. The
    /// most frequent are first; those after the tenth are only counted.
    List<String> causes() {
        var first = errors().collect(Collectors.toMap(row -> Json.text(row, "code") + " " + Json.text(row, "message")
                .replaceAll("\\S*\\d\\S*", "#"), row -> row.put("rows", 1),
                (row, _) -> row.put("rows", row.path("rows").asInt() + 1), LinkedHashMap::new));
        var lines = first.values().stream().sorted(Comparator.comparing(row -> -row.path("rows").asInt())).map(row ->
                row.path("rows") + " x " + Json.text(row, "code") + ", first " + Json.plain(row.path("id")) + ": "
                + Text.shortened(Json.text(row, "message").replaceFirst("^" + Pattern.quote(Json.plain(
                row.path("id"))) + ": ", ""), 200)).toList();
        return lines.size() <= 10 ? lines : Stream.concat(lines.stream().limit(10), Stream.of("and "
                + (lines.size() - 10) + " other causes: " + COP + " batch errors OUT")).toList();
    }

    void write(Console console, String out, boolean openai) {
        var writer = new ResultWriter(console, out, openai, echo(manifest));
        Supplier<Stream<String>> results = () -> find(Journal::result);
        var files = writer.files(results);
        RunFolder.refuseToOverwrite(writer.here(), folders, files.keySet());
        var known = folders.stream().flatMap(folder -> folder.owned().values().stream()).collect(Collectors.toSet());
        var writable = folders.stream().filter(folder -> Files.isWritable(folder.path())).toList();
        writable.forEach(folder -> folder.own(files));      // also if the next step is killed
        Stream.concat(folders.stream().map(RunFolder::path), files.keySet().stream().map(Path::getParent)).distinct()
                .forEach(AtomicFile::deleteOld);
        writer.write(results, known, written -> writable.forEach(folder -> folder.own(written)));
    }

    @Override
    public void close() { journals.forEach(Journal::close); }

    long left() { return order.size() - counts().rows(); }

    String text() {
        var counts = counts();
        var lines = new StringJoiner("\n");
        journals.forEach(journal -> journal.damage().ifPresent(damage -> lines.add("warning: " + damage)));
        lines.add(counts.rows() + " of " + order.size() + " rows are done: " + counts.words());
        boolean busy = folders.stream().anyMatch(folder -> Journal.isBusy(folder.path()));
        if (left() > 0) lines.add(left() + (left() == 1 ? " row remains: " : " rows remain: ") + (busy
                ? "a process is sending them" : manifest.has("halted")
                ? "too many failed; resume with --retry-failed or a larger --halt" : "run the same command to resume"));
        causes().forEach(lines::add);
        return lines.add("used " + counts.used().cost()).add("model " + Json.text(manifest, "model")
                + (manifest.has("template") ? ", template " + Json.text(manifest, "template") : "") + ", last started "
                + Json.text(manifest, "updated").replaceFirst("\\.\\d+", "")).toString();
    }

    ObjectNode json() {
        var json = manifest.deepCopy();
        var counts = counts();
        var done = json.putObject("done").put("rows", order.size()).put("left", left());
        for (String end : List.of("ok", "failed", "filtered", "incomplete")) done.put(end, counts.of(end));
        return json.set("used", counts.used().json().put("requests", counts.requests()));
    }
}

// =========================================================================================== Reply output
// Runs a chat from question to exit code and the interactive conversation, and prints answers to stdout.

/// @param limit time for each attempt; null for none
/// @param schemaRetries retries after an answer that violates its schema
/// @param extract print only the first fenced block
/// @param template the template's name, or null
/// @param tools runs what the model calls, or null
record ChatOptions(Duration limit, boolean stream, int schemaRetries, boolean usage, boolean extract,
                   AnswerPrinter.OutputMode form, String template, ToolRunner tools) {}

/// Asks questions in a conversation, and prints and logs the answers.
record ChatJob(Console console, CopilotClient copilot, Conversation talk, ChatOptions options) {
    void run(PreparedPrompt question, Supplier<AnswerView> styled) {
        var printer = new AnswerPrinter(console, options.form(), styled);
        var request = Deadline.within(options.limit(), () -> question.after(talk).request(copilot, options.stream()));
        var turn = talk.turn(request, options.template());
        Reply reply, printed;
        Function<Request, Reply> asker = step -> Deadline.within(options.limit(), () -> copilot.ask(step, printer));
        try {
            reply = new SchemaRetry(question.schema(), options.schemaRetries(), console::note).ask(request, again -> {
                printer.discard();
                return options.tools() == null ? asker.apply(again) : options.tools().ask(again, steps -> {
                    printer.nextStep();
                    talk.add(turn, steps, Json.object().put("text", "").put("finish", "tool_calls"), console);
                }, asker);
            });
            printed = extracted(reply, question.schema() != null);
        } catch (Fault | BrokenPipe broken) {
            String text = printer.received();
            String why = broken instanceof Fault fault ? fault.message() : "stdout was closed";
            var partial = Json.object().put("text", text).put("finish", "").put("error", why);
            if (broken instanceof UnfitAnswer unfit) end(request, turn, unfit.reply, printer);
            else if (!text.isEmpty()) talk.add(turn, List.of(), partial, console);
            if (broken instanceof Fault fault) printer.brokenOff(fault);
            throw broken;
        }
        end(request, turn, reply, printer);
        printer.finish(printed, question.schema() != null, talk.id());
    }

    private void end(Request request, ObjectNode turn, Reply reply, AnswerPrinter printer) {
        try {
            printer.end();
        } finally {
            talk.add(turn, reply.steps(), reply.json().without("steps"), console);      // even if the reader is gone
        }
        if (!options.usage()) return;
        console.say(copilot.models().completed(request, reply).usageLine());
        copilot.quota().ifPresent(console::say);
    }

    /// Returns only the code block or JSON that was asked for: a program that reads stdout may run or parse it.
    private Reply extracted(Reply reply, boolean structured) {
        if (!options.extract() && !(structured && reply.asksForTool())) return reply;
        var blocks = options.extract() ? Text.fenced(reply.text()) : List.<String>of();
        if (!blocks.isEmpty()) return reply.withText(blocks.getFirst());
        if (options.form().json() && reply.asksForTool()) return reply;
        throw new UnfitAnswer(reply, reply.unfinished() != null ? reply.unfinished() : Fault.error("the answer has"
                + " no complete fenced block", "ask for a fenced block of code, or omit -x"));
    }
}

final class InteractiveChat {
    private static final String HELP = """
            Enter sends a line; end it with \\ to continue on the next.
              /model [ID]      show or change the model     /reset        clear the conversation
              /system [TEXT]   show or change the system    /save FILE    write the conversation
              /quit            leave (also Ctrl-D)          /help         show this text
            Ctrl-C stops an answer. Type // to send a line that begins with /.
            """;
    static final List<String> COMMANDS = List.of("/model", "/system", "/reset", "/save", "/help", "/quit");

    private final ChatJob job;
    private final ChatTerminal terminal;
    private final Console console;
    private Request request;                                // without the history

    InteractiveChat(ChatJob job, ChatTerminal terminal, Request first) {
        this.job = job;
        this.terminal = terminal;
        console = job.console();
        request = first.withMessages(first.messages().subList(0, first.system() == null ? 0 : 1));
    }

    void run() {
        console.note("chatting with " + request.model() + "; /help for commands, Ctrl-D to leave");
        for (String line = terminal.line(); line != null; line = terminal.line()) {
            if (Set.of("/quit", "/exit", "/bye", "quit", "exit").contains(line.strip())) return;
            try {
                execute(line.strip());
            } catch (Fault fault) {
                if (job.console().env().shutdown().signaled()) throw fault;
                if (fault.is(Fault.Kind.INTERRUPTED)) console.note("(stopped)");
                else console.report(fault);
            }
        }
    }

    private void execute(String line) {
        if (!line.startsWith("/") || line.startsWith("//")) {
            if (!line.isEmpty()) send(line.startsWith("//") ? line.substring(1) : line);
            return;
        }
        String[] words = line.split("\\s+", 2);
        String rest = words.length == 2 ? words[1] : "";
        switch (words[0]) {
            case "/help" -> console.say(HELP.stripTrailing());
            case "/model" -> {
                if (!rest.isEmpty()) request = request.withModel(job.copilot().models().recent()
                        .map(all -> all.require(rest, Model::usable).id()).orElse(rest));
                console.note("model: " + request.model());
            }
            case "/system" -> {
                if (!rest.isEmpty()) request = request.withSystem(rest);
                console.note("system message: " + Objects.requireNonNullElse(request.system(), "none"));
            }
            case "/reset" -> {
                job.talk().reset();
                console.note("conversation cleared" + (request.system() == null ? "" : " (system message kept)"));
            }
            case "/save" -> {
                if (rest.isEmpty()) throw Fault.usage("/save needs a file name", "/save chat.md");
                Path file = OutputFile.check(job.console().env(), "/save", rest);
                OutputFile.write(file, Text.endWithNewline(job.talk().text()));
                console.note("saved to " + rest);
            }
            default -> console.warn("unknown command " + words[0] + "; " + Suggestions.hint(words[0], COMMANDS,
                    "/help lists them"));
        }
    }

    /// Runs one turn. A prompt without an answer is forgotten, so that it can be asked again.
    private void send(String text) {
        var asked = new PreparedPrompt(request.plus(Message.user(text)), null);
        terminal.stoppable(() -> job.run(asked, terminal::view));
    }
}

/// The user's side of a conversation. `talk` adds line editing, history and Markdown.
interface ChatTerminal extends AutoCloseable {
    /// Reads one input, usually a line; null at the end.
    String line();

    AnswerView view();

    /// Runs work that Ctrl-C can stop without ending the program.
    void stoppable(Runnable work);

    @Override
    default void close() {}
}

/// A terminal without line editing of its own.
record PlainTerminal(Console console) implements ChatTerminal {
    @Override
    public String line() {
        String line = typed("> ");
        while (line != null && line.endsWith("\\")) {
            line = line.substring(0, line.length() - 1) + "\n" + Objects.requireNonNullElse(typed("… "), "");
        }
        return line;
    }

    private String typed(String prompt) {
        console.fragment(console.bold(prompt));
        String line = console.env().stdin().line();
        if (line == null) console.say("");
        return line;
    }

    @Override
    public AnswerView view() { return new StyledLines(console.env().out()); }

    @Override
    public void stoppable(Runnable work) { console.env().shutdown().stoppable(work); }
}

/// Prints an answer to stdout as it arrives, ending in exactly one newline, or whole, as JSON or to a file.
/// Reasoning goes to stderr, dimmed.
final class AnswerPrinter implements DeltaListener {
    /// @param live print text as it arrives, not at the end
    /// @param file file to write instead of stdout, or null
    /// @param raw print unstyled even on a terminal
    /// @param exact whether stdout may get only JSON that meets the schema, or the code block
    record OutputMode(boolean live, boolean json, Path file, boolean reasoning, boolean raw, boolean exact) {}

    private final Console console;
    private final OutputMode form;
    private final AnswerView view;
    private final SortedMap<Integer, StringBuilder> received = new TreeMap<>();
    private final List<String> warnings = new ArrayList<>();    // of an answer whose last line is not ended yet
    private boolean reasoning;

    AnswerPrinter(Console console, OutputMode form, Supplier<AnswerView> styled) {
        var env = console.env();
        this.console = console;
        this.form = form;
        boolean terminal = env.terminal().test(1);
        boolean plain = !terminal || form.raw() || form.json() || form.file() != null
                || env.variable("NO_COLOR") != null || "dumb".equals(env.variable("TERM"));
        view = plain ? new PlainText(env.out(), terminal) : styled.get();
    }

    void discard() { received.clear(); }

    String received() { return String.join("\n\n", received.values()); }

    /// Ends the text before tools are called.
    void nextStep() {
        end();
        received.replaceAll((_, text) -> new StringBuilder(text.toString().stripTrailing() + "\n\n"));
    }

    @Override
    public void text(int choice, String delta) {
        endReasoning();
        received.computeIfAbsent(choice, _ -> new StringBuilder()).append(delta);
        if (form.live()) view.text(delta);
    }

    @Override
    public void reasoning(String delta) {
        if (!form.reasoning() || console.quiet) return;
        if (!reasoning) view.pause();
        reasoning = true;
        console.fragment(console.dim(Text.printable(delta)));
    }

    @Override
    public void warning(String message) {
        if (received.isEmpty()) console.warn(message);
        else warnings.add(message);
    }

    /// @param structured whether the text is JSON
    /// @param conversation id for the record, or null if not logged
    /// @throws Fault if the answer was cut off
    void finish(Reply reply, boolean structured, String conversation) {
        var record = reply.json();
        var value = Json.tryParse(structured ? reply.text() : "");
        if (!value.isMissingNode()) record.set("json", value);
        if (conversation != null) record.put("conversation", conversation);
        String answer = form.json() ? Json.singleLine(record) : reply.text();
        try {
            if (form.file() != null) OutputFile.write(form.file(), Text.endWithNewline(answer));
            else if (!form.live()) print(answer);
        } catch (Fault unwritable) {
            print(answer);                                  // a billed answer is not lost
            throw unwritable;
        }
        if (form.json() && reply.asksForTool()) return;
        if (reply.unfinished() != null) throw reply.unfinished();
        if (reply.text().isEmpty()) console.warn("the answer is empty (finish: " + reply.rawFinish() + ")");
    }

    /// Saves a partial answer: to stdout, or to a part file next to the output file. An answer that violates its schema
    /// is printed on stderr, since stdout gets only its record.
    void brokenOff(Fault fault) {
        end();
        var misfit = fault instanceof UnfitAnswer wrong ? wrong.reply : null;
        if (misfit == null && received.isEmpty()) return;
        var record = misfit != null ? misfit.json() : Json.object().put("text", received()).put("finish", "");
        String answer = form.json() ? Json.singleLine(record.put("error", fault.message())) : received();
        if (form.file() != null && !answer.isEmpty()) keepPart(answer);
        else if (form.exact() && !form.json() && !answer.isEmpty()) console.say(Text.printable(answer));
        else if (!form.live()) print(answer);
    }

    private void keepPart(String answer) {
        try {
            Path part = OutputFile.partOf(form.file());     // the existing file stays
            OutputFile.write(part, Text.endWithNewline(answer));
            console.note("the partial answer was saved to " + part);
        } catch (Fault unwritable) {
            console.warn(unwritable.message());
        }
    }

    private void print(String answer) {
        view.text(answer);
        view.end();
    }

    void end() {
        endReasoning();
        view.end();
        warnings.forEach(console::warn);
        warnings.clear();
    }

    private void endReasoning() {
        if (reasoning) console.fragment("\n\n");
        reasoning = false;
    }
}

interface AnswerView {
    void text(String delta);

    /// Clears unfinished output, to let something else be written.
    default void pause() {}

    /// Prints the rest and ends its line, if anything was received.
    void end();
}

/// Prints text as it arrives, ending in exactly one newline.
class PlainText implements AnswerView {
    private final PrintWriter out;
    private final boolean terminal;
    private String lineEnds = "";                           // possibly trailing ones
    private boolean begun;

    PlainText(PrintWriter out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    @Override
    public void text(String delta) {
        String body = Text.stripTrailingNewlines(delta);
        if (!body.isEmpty()) {
            out.print(terminal ? Text.printable(lineEnds + body) : lineEnds + body);
            out.flush();
            begun = true;
            lineEnds = "";
        }
        lineEnds += delta.substring(body.length());
    }

    @Override
    public void end() {
        if (begun) out.print("\n");
        out.flush();
        begun = false;
    }
}

/// Styles headings, fences, `**bold**` and `code` line by line. Plain words are printed at once; from a possible mark
/// on, a line is held back until its end, so that nothing on the screen is rewritten.
final class StyledLines extends PlainText {
    private static final Pattern FENCE = Pattern.compile(" {0,3}(`{3,}|~{3,})[^`]*");
    private static final Pattern MARKED = Pattern.compile("\\*\\*(?! )(.+?)(?<! )\\*\\*|(?<!`)`([^`]+)`(?!`)");
    /// Text that cannot be a mark: at the start of a line, and later in it.
    private static final Pattern FIRST = Pattern.compile(" {0,3}[^ #~*`\r][^*`\r]*");
    private static final Pattern MORE = Pattern.compile("[^*`\r]+");

    private final StringBuilder open = new StringBuilder(); // unprinted part of the last line
    private String fence;                                   // of the current code block, or null
    private boolean begun;                                  // part of the last line is printed

    StyledLines(PrintWriter out) { super(out, false); }

    @Override
    public void text(String delta) {
        open.append(delta);
        for (int end = open.indexOf("\n"); end >= 0; end = open.indexOf("\n")) {
            line(open.substring(0, end).replaceFirst("\r\\z", ""));
            super.text("\n");
            open.delete(0, end + 1);
            begun = false;
        }
        var plain = (begun ? MORE : FIRST).matcher(open);
        if (fence != null || !plain.lookingAt()) return;
        super.text(Text.printable(plain.group()));
        open.delete(0, plain.end());
        begun = true;
    }

    private void line(String raw) {
        String text = Text.printable(raw);
        var mark = FENCE.matcher(text);
        if (!begun && mark.matches() && (fence == null || text.strip().matches(fence + "+"))) {
            fence = fence == null ? mark.group(1) : null;
            super.text("\033[2m" + text + "\033[0m");
        } else if (!begun && fence == null && text.matches(" {0,3}#{1,6} .*")) {
            super.text("\033[1m" + text + "\033[0m");
        } else {
            super.text(fence != null ? text : MARKED.matcher(text).replaceAll(m -> Matcher.quoteReplacement(
                    m.group(1) == null ? "\033[36m" + m.group(2) + "\033[0m" : "\033[1m" + m.group(1) + "\033[0m")));
        }
    }

    @Override
    public void end() {
        line(open.toString());
        open.setLength(0);
        super.end();
    }
}

// =========================================================================================== Prompt input
// Builds prompts from words, stdin, files, images, template values and a schema.

/// A prompt before a model is chosen; its request's model is null or empty for any.
///
/// @param schema of the answer; may be null
record PreparedPrompt(Request request, ResponseSchema schema) {
    /// @param messages none, or those of a prompt, which may not be empty
    static PreparedPrompt of(Template template, List<Message> messages) {
        var head = template.head();
        var last = messages.isEmpty() ? null : messages.getLast();
        if (last != null && last.content().isBlank() && last.images().isEmpty()) throw Fault.usage(
                template.place() + " renders to an empty prompt", COP + " templates show " + template.typed());
        var request = new Request(head.model(), messages, head.options(), true, head.delivery());
        return new PreparedPrompt(request, head.answer());
    }

    PreparedPrompt withSystem(String text) {
        return text == null ? this : new PreparedPrompt(request.withSystem(text), schema);
    }

    /// Merges in another prompt, which takes precedence.
    PreparedPrompt with(PreparedPrompt other) {
        var later = other.request;
        ObjectNode fields = request.options().setAll(later.options());
        return new PreparedPrompt(new Request(later.model() == null ? request.model() : later.model(), request
                .messages(), fields, true, request.delivery().then(later.delivery(), later.options().propertyNames())),
                other.schema == null ? schema : other.schema).withSystem(later.system());
    }

    /// Continues a conversation; its system message and model are the defaults.
    PreparedPrompt after(Conversation earlier) {
        var all = Stream.concat(earlier.messages().stream(), request.turns().stream()).toList();
        boolean any = request.model() == null || request.model().isBlank();
        ObjectNode fields = earlier.tools().setAll(request.optionsView());
        return new PreparedPrompt(new Request(any ? earlier.model() : request.model(), all, fields, request.stream(),
                request.delivery()), schema).withSystem(request.system() != null ? request.system() : earlier.system());
    }

    Request request(CopilotClient copilot, boolean stream) {
        String id = copilot.models().choose(request.model());
        return request(id, stream, schema != null && copilot.structured(request.withModel(id)));
    }

    /// Builds the request from cached model data, without asking GitHub.
    Request cachedRequest(CopilotClient copilot, boolean stream, Console console) {
        boolean cached = copilot.models().cached().isPresent();
        if (!cached) console.note("note: the list of models is not cached yet (" + COP + " models fetches it)");
        String id = copilot.models().chooseCached(request.model());
        boolean streams = copilot.models().findCached(id).map(Model::streams).orElse(true);
        return request(id, stream && streams, schema != null && copilot.structured(request.withModel(id)));
    }

    /// Puts the schema into `response_format` if the model supports it, else into the prompt.
    Request request(String id, boolean stream, boolean structured) {
        var messages = new ArrayList<>(request.messages());
        ObjectNode fields = request.options();
        if (schema != null && !fields.has("response_format")) {
            if (structured) fields.set("response_format", schema.responseFormat());
            else messages.add(schema.instructing(messages.removeLast()));
        }
        return new Request(id, messages, fields, stream, request.delivery());
    }
}

/// Template values in command-line order; later ones win.
final class TemplateVariables {
    private record Part(String option, String name, String text) {}

    private final List<Part> parts = new ArrayList<>();
    private Map<String, Object> sample = Map.of();

    void add(String option, String text) {
        int equals = text.indexOf('=');
        if (option.equals("--data")) parts.add(new Part("-d", "", text));
        else if (equals > 0) parts.add(new Part(option, text.substring(0, equals), text.substring(equals + 1)));
        else throw Fault.usage(option + " " + text + ": missing NAME=", option + " NAME=…");
    }

    boolean given() { return !parts.isEmpty(); }

    String first() { return parts.getFirst().option(); }

    List<String> readingStdin() {
        return parts.stream().filter(part -> part.text().equals("-") && part.option().matches("-d|--var-file"))
                .map(part -> part.option() + " " + (part.name().isEmpty() ? "-" : part.name() + "=-")).toList();
    }

    void sampleOf(Template template) {
        var samples = template.head().samples();
        if (!samples.any()) throw Fault.usage(template.place() + " has no sample data", "create " + samples.place());
        sample = samples.rows().get().getFirst();
    }

    /// Starts to lint a template; warns of a hidden packaged one and of variables that it does not use.
    TemplateLint lint(Template template, Console console) {
        var names = StrictMustache.spelled(parts.stream().map(part -> part.name().split("\\.")[0]).toList());
        var used = template.open() ? names : template.names();
        boolean hides = template.place().startsWith("templates/") && TemplateFolders.PACKAGED.contains(template.name());
        if (hides) console.note("note: " + template.place() + " overrides packaged:" + template.name());
        names.stream().filter(name -> !used.contains(name) && !name.isEmpty()).forEach(name -> console.warn(
                template.place() + " does not use " + name + StrictMustache.near(name, used)));
        return new TemplateLint(template, names);
    }

    Map<String, Object> values(Environment env) {
        var values = new LinkedHashMap<>(sample);
        for (var part : parts) {
            String option = part.option(), name = part.name(), text = part.text();
            if (option.equals("-d")) values.putAll(JsonValues.object(TextFile.read(env, text), InputFile.shown(text)));
            else JsonValues.put(values, name, switch (option) {
                case "--var-json" -> JsonValues.value(text, "--var-json " + name);
                case "--var-file" -> TextFile.read(env, text).replaceFirst("\\r?\\n\\z", "");
                default -> text;
            }, option + " " + name);
        }
        return values;
    }

    /// Fills a template; hints show how to give a value on the command line.
    static List<Message> fill(Template template, Map<String, Object> values, boolean allowMissing) {
        try {
            return template.filled(values, allowMissing);
        } catch (Fault fault) {
            throw fault.withHint(switch (fault.kind()) {
                case MISSING_VALUES -> "add --var NAME=VALUE or -d FILE.json" + (!template.awaitsStdin(values) ? ""
                        : ", or pipe {{" + template.head().stdin() + "}} in") + "; " + fault.hint();
                case INVALID_VALUES -> "use --var for a string, --var-json NAME=JSON for any other value";
                default -> fault.hint();
            });
        }
    }
}

/// A user's prompt: stdin, files, words and images, alone or around a template.
///
/// @param prompt words; a leading `-` stands for stdin
/// @param images file names
/// @param patience limit for the first byte of a pipe if there is other input
record PromptInput(Console console, List<String> prompt, FileAttachments files, List<String> images,
                   Duration patience) {
    /// Joins stdin, files and words; null if there is none and stdin is a terminal.
    PreparedPrompt alone() {
        boolean onlyStdin = words().isEmpty() && files.names().isEmpty() && images.isEmpty();
        String text = Text.paragraphs(before(onlyStdin, List.of()), words());
        var request = new Request(null, List.of(message(text)), null, true);
        if (!text.isEmpty() || !images.isEmpty()) return new PreparedPrompt(request, null);
        if (console.env().stdin().kind() == Stdin.Kind.TERMINAL && prompt.isEmpty()) return null;
        throw Fault.usage("missing prompt: no argument, and stdin is empty", COP + " chat \"your question\"");
    }

    /// Fills the template's stdin variable (`{{input}}` by default) from stdin and -f, or else from the words.
    PreparedPrompt filling(Template template, TemplateVariables data, boolean allowMissing) {
        var values = data.values(console.env());
        var lint = data.lint(template, console);
        String words = words();
        boolean free = template.awaitsStdin(values);
        String before = before(false, data.readingStdin());
        boolean takesStdin = free && !before.isEmpty(), takesWords = free && !takesStdin && !words.isEmpty();
        if (takesStdin || takesWords) values.put(template.head().stdin(), takesStdin ? before : words);
        lint.row(values);
        var filled = TemplateVariables.fill(template, values, allowMissing);
        lint.warnings().forEach(console::warn);
        return PreparedPrompt.of(template, around(template, filled, takesStdin ? "" : before, takesWords ? "" : words));
    }

    /// Puts stdin and files before the last user message, and the words after it.
    private List<Message> around(Template template, List<Message> filled, String before, String words) {
        var messages = new ArrayList<>(filled);
        boolean asks = messages.getLast().role().equals("user");
        String own = asks ? messages.removeLast().content() : "";
        String text = Text.paragraphs(before, own.isBlank() ? "" : own, words);
        if (asks || !text.isEmpty() || !images.isEmpty()) messages.add(message(text));
        if (!messages.getLast().role().equals("system")) return messages;
        throw Fault.usage("missing prompt: " + template.place() + " has only a system message",
                COP + " chat -t " + template.typed() + " \"your question\"");
    }

    private Message message(String text) {
        return new Message("user", text, images.stream().map(name -> ImageFile.read(console.env(), name)).toList());
    }

    private boolean dash() { return !prompt.isEmpty() && prompt.getFirst().equals("-"); }

    private String words() {
        String words = String.join(" ", dash() ? prompt.subList(1, prompt.size()) : prompt);
        return Text.blank(words) ? "" : words;
    }

    /// Returns stdin and the files.
    ///
    /// @param alone whether stdin is the only input
    /// @param data template options that read stdin
    private String before(boolean alone, List<String> data) {
        var readers = new ArrayList<>(data);
        if (dash()) readers.add("the prompt -");
        if (files.names().contains("-")) readers.add("-f -");
        images.stream().filter("-"::equals).forEach(_ -> readers.add("-a -"));
        if (readers.size() > 1) throw Fault.usage("stdin cannot be both " + String.join(" and ", readers),
                "save one of them as a file");
        var stdin = console.env().stdin();
        boolean reads = dash() || readers.isEmpty() && stdin.kind() != Stdin.Kind.TERMINAL;
        String piped = reads ? stdin.text(alone || dash() ? null : patience) : "";
        boolean empty = Text.blank(piped);
        if (empty && reads && !alone && stdin.kind() == Stdin.Kind.PIPE) console.note("note: stdin is empty");
        boolean blank = !prompt.isEmpty() && !dash() && words().isEmpty() && !(alone && empty);
        if (blank) console.note("note: the prompt is blank");
        return Text.paragraphs(empty ? "" : Text.stripTrailingNewlines(piped), files.text(console));
    }
}

/// The files of -f. A null `limit` means 100,000 tokens with a folder or pattern, else none.
record FileAttachments(List<String> names, Integer limit) {
    private static final int USUAL = 100_000;

    /// Returns the files, each fenced under its name; of folders and patterns neither binary files nor likely secrets.
    String text(Console console) {
        var env = console.env();
        var texts = new LinkedHashMap<String, String>();
        var skipped = new LinkedHashMap<String, String>();  // with the reason
        boolean many = false;
        for (String name : names) {
            boolean glob = !name.equals("-") && FileGlob.is(env, name);
            many |= glob;
            if (!glob) texts.put(name, "");
            var files = glob ? FileGlob.of(env, name, "**") : new FileGlob("", List.of(), List.of());
            files.links().forEach(link -> skipped.put(link, "links to hidden or outside files"));
            for (String file : files.names()) {
                String reason = TextFile.reasonToSkip(env, file);
                (reason.isEmpty() ? texts : skipped).put(file, reason);
            }
        }
        skipped.keySet().removeAll(texts.keySet());         // named as well
        for (String reason : Set.copyOf(skipped.values())) note(console, "skipped " + reason, skipped, reason::equals);
        if (texts.isEmpty() && many) throw Fault.usage("all files of -f " + String.join(", ", names)
                + " are skipped", "name the files to send: -f " + Text.quoted(skipped.firstEntry().getKey()));
        long most = limit != null ? limit : many ? USUAL : Long.MAX_VALUE;
        var tooMuch = Fault.usage("the " + texts.size() + " files of -f have more than " + most + " tokens",
                "name fewer files, or raise --max-file-tokens");
        // a token is about 4 bytes, hardly ever 16: does not read files that are surely too large
        long bytes = texts.keySet().stream().mapToLong(file -> env.path(file).toFile().length()).sum();
        if (bytes / 16 > most) throw tooMuch;
        texts.replaceAll((file, _) -> TextFile.read(env, file));
        note(console, "empty files", texts, Text::blank);
        var fenced = texts.entrySet().stream().map(file -> TextFile.fenced(file.getKey(), file.getValue()));
        String text = Text.paragraphs(fenced.toArray(String[]::new));
        var request = new Request(null, List.of(Message.user(text)), null, true);
        if (request.bytes() <= most || TokenCount.upTo(most, request, "o200k_base") <= most) return text;
        throw tooMuch;
    }

    private static void note(Console console, String what, Map<String, String> files, Predicate<String> which) {
        String some = String.join(", ", files.keySet().stream().filter(file -> which.test(files.get(file))).toList());
        if (!some.isEmpty()) console.note("note: " + what + ": " + Text.shortened(some, 200));
    }
}

final class TextFile {
    private static final Pattern SECRET = Pattern.compile("(?i)id_(rsa|dsa|ecdsa|ed25519)(_sk)?|.*\\.(pem|key|ppk|p12"
            + "|pfx|jks|keystore|kdbx|tfstate)|(.*\\.)?env(\\.(local|dev|prod|test|staging))?"
            + "|(.*[_.-])?(credentials?|secrets?|service[_-]account)(\\.(json|ya?ml|toml|ini|cfg|conf|csv|txt|xml))?");

    static String read(Environment env, String name) {
        if (name.equals("-")) return env.stdin().text();
        Path file = env.path(name);
        return env.stdin().orPipe(file, name, () -> InputFile.text(file, name));
    }

    /// Judges by the name and the first bytes; empty if neither is suspicious.
    static String reasonToSkip(Environment env, String name) {
        Path file = env.path(name);
        try (var in = Files.newInputStream(file)) {
            String head = new String(in.readNBytes(FileType.HEAD), StandardCharsets.UTF_8);
            int bad = head.indexOf('\ufffd');
            boolean cut = bad == head.length() - 1;
            if (head.indexOf('\0') >= 0 || bad >= 0 && !cut) return "binary files";
            boolean secret = SECRET.matcher(file.getFileName().toString()).matches()
                    || head.matches("(?s)\\s*-----BEGIN [A-Z ]*PRIVATE KEY-----.*");
            return secret ? "likely secrets (name a file to send it)" : "";
        } catch (IOException unreadable) {
            return "";                                      // reading it will report that
        }
    }

    static String fenced(String name, String text) {
        String fence = "```";
        while (text.contains(fence)) fence += "`";
        return name + "\n" + fence + "\n" + Text.endWithNewline(text) + fence;
    }
}

final class SchemaOption {
    private static final Map<String, String> TYPES = Map.of("string", "string", "int", "integer", "integer", "integer",
            "number", "number", "float", "number", "bool", "boolean", "boolean", "boolean");
    private static final Pattern FIELD = Pattern.compile("(?s)(\\w+)(?:\\s+([^:]+?))?\\s*(?::\\s*(.*))?");

    /// Reads a JSON Schema, its file, or a short form: `name, age int, tags [string], mood good|bad: how it ends`.
    static ResponseSchema read(Environment env, String option) {
        String text = option.strip();
        boolean json = text.startsWith("{");
        boolean file = !json && (text.matches("[^\\n:]*\\.json|[^\\s:,]+\\.\\w+") || env.isFile(text));
        String place = file ? text : "--schema";
        var schema = new JsonSchema(!json && !file ? shortForm(option) : (ObjectNode) JsonValues.node(JsonValues.object(
                file ? TextFile.read(env, text) : text, place)), place);
        schema.check();
        return new ResponseSchema("answer", schema, null);
    }

    /// With one field per line, commas belong to the description.
    private static ObjectNode shortForm(String text) {
        var schema = Json.object().put("type", "object");
        var properties = schema.putObject("properties");
        var required = schema.putArray("required");
        boolean lines = text.stripLeading().contains("\n"), described = false;
        for (String part : text.split(lines ? ",?\\s*\n" : ",")) {
            if (part.isBlank()) continue;
            var field = FIELD.matcher(part.strip());
            if (!field.matches()) throw invalid("invalid field \"" + part.strip() + "\"");
            String name = field.group(1), typed = field.group(2), description = field.group(3);
            if (described && !lines && typed == null && description == null) {
                throw invalid("\"" + name + "\" may be a field or belong to a description");
            }
            var type = type(typed == null ? "string" : typed);
            described |= description != null;
            if (description != null) type.put("description", description.strip());
            properties.set(name, type);
            required.add(name);
        }
        if (required.isEmpty()) throw invalid("no fields");
        return schema.put("additionalProperties", false);
    }

    private static Fault invalid(String what) {
        return Fault.usage("--schema: " + what, "--schema 'name, age int, tags [string]', or one field per line");
    }

    private static ObjectNode type(String name) {
        if (name.matches("\\[.*]")) return Json.object().put("type", "array").set("items", type(name.substring(1,
                name.length() - 1).strip()));
        if (name.contains("|")) return Json.object().put("type", "string").set("enum", Json.array(Stream.of(name.split(
                "\\|")).map(String::strip).map(JsonNodeFactory.instance::stringNode)));
        if (TYPES.containsKey(name)) return Json.object().put("type", TYPES.get(name));
        throw Fault.usage("--schema: unknown type " + name, Suggestions.hint(name, TYPES.keySet(),
                "use string, int, number, bool, [string], or a|b"));
    }
}

/// Images, identified by their first bytes rather than their names.
final class ImageFile {
    private static final int LARGEST = 20 << 20;

    static Image read(Environment env, String name) {
        if (name.matches("https?://.*")) throw Fault.usage("-a does not accept a URL: " + name, "curl -sL URL | " + COP
                + " chat -a - …");
        String shown = InputFile.shown(name);
        byte[] bytes = name.equals("-") ? env.stdin().bytes() : env.stdin().orPipe(env.path(name), name, () ->
                InputFile.bytes(env.path(name), name, LARGEST));
        if (bytes.length == 0) throw Fault.usage(shown + " is empty", "name an image");
        var type = FileType.of(bytes, name);
        String media = type.map(FileType::media).orElseThrow(() -> Fault.usage(name + " is " + type.map(FileType::what)
                .orElse("not a supported image"), type.map(known -> Text.command(known.way(), shown))
                .orElse("use PNG, JPEG, WebP or GIF; -f for a text file")));
        return new Image(shown, media, Base64.getEncoder().encodeToString(bytes));
    }
}

// ========================================================================================== Conversations
// Stores conversations: one file each, one line per turn.

/// A conversation. Each line of its file is a turn: the question, and the record of `chat --json`.
///
///     {"at":"2026-11-24T11:05:30Z","asked":"auto","system":"…","messages":[{"role":"user","content":"…"}],
///      "template":"review","options":{"seed":7},"text":"…","model":"gpt-5-mini-2025-08-07","finish":"stop", …}
///
/// `messages` has only the new ones; `system` was sent with them. Incomplete answers have an `error`.
final class Conversation {
    static final List<String> COLUMNS = List.of("ID", "USED", "MODEL", "TURNS", "PROMPT");
    private static final String ENDING = ".jsonl";

    private final Home home;
    private final List<ObjectNode> turns = new ArrayList<>();
    private String id;
    boolean keeps = true;                                   // whether to write at all

    /// @param id null to begin a new one with the first turn
    Conversation(Home home, String id) {
        this.home = home;
        this.id = id;
    }

    /// Returns the file whose existence turns logging off, as `llm` has it.
    static Path off(Home home) { return home.config().resolve("logs-off"); }

    static boolean kept(Home home) { return home.isPersistent() && !Files.exists(off(home)); }

    static List<Path> files(Home home) {
        try (var files = Files.list(home.conversations())) {
            return files.filter(file -> file.toString().endsWith(ENDING) && Files.isRegularFile(file))
                    .map(file -> Map.entry(used(file), file))
                    .sorted(Map.Entry.<Instant, Path>comparingByKey().thenComparing(Map.Entry.comparingByValue())
                    .reversed()).map(Map.Entry::getValue).toList();
        } catch (NoSuchFileException _) {
            return List.of();
        } catch (IOException e) {
            throw Fault.io("cannot read " + home.conversations(), e, "check its permissions, or set COP_HOME");
        }
    }

    static List<String> ids(Home home) {
        return files(home).stream().map(file -> file.getFileName().toString().replace(ENDING, "")).toList();
    }

    /// Returns nonempty conversations, most recently used first, each read on demand.
    static Stream<Conversation> all(Home home, Consumer<String> warnings) {
        return ids(home).stream().map(id -> read(home, id, warnings)).filter(each -> !each.turns.isEmpty());
    }

    /// @param prefix an id or the start of one; null for the latest
    /// @param query a text that it contains, or null
    static Conversation find(Home home, String prefix, String query, Consumer<String> warnings) {
        if (prefix == null) {
            return all(home, warnings).filter(each -> each.contains(query)).findFirst().orElseThrow(() -> query == null
                    ? Fault.usage("no conversations yet", "start one: " + COP + " chat \"…\"")
                    : Fault.error("no conversation contains \"" + query + "\"", COP + " logs"));
        }
        var ids = ids(home);
        var matches = ids.stream().filter(ids.contains(prefix) ? prefix::equals : id -> id.startsWith(prefix)).toList();
        if (matches.size() == 1 && !prefix.isEmpty()) return read(home, matches.getFirst(), warnings);
        throw matches.isEmpty() ? Fault.usage("unknown conversation: " + prefix, Suggestions.hint(prefix, ids,
                COP + " logs")) : Fault.usage("\"" + prefix + "\" matches " + matches.size() + " conversations: "
                + Text.shortened(String.join(", ", matches), 80), "type more of the id");
    }

    private static Conversation read(Home home, String id, Consumer<String> warnings) {
        var conversation = new Conversation(home, id);
        try {
            String[] lines = new String(Files.readAllBytes(conversation.file()), StandardCharsets.UTF_8).split("\n");
            for (int i = 0; i < lines.length; i++) {
                if (Json.tryParse(lines[i]) instanceof ObjectNode json && json.path("messages").isArray()
                        && json.path("text").isString()) conversation.keep(json);
                else warnings.accept(conversation.file() + ":" + (i + 1) + " is damaged; skipping it");
            }
        } catch (NoSuchFileException _) {
            // just deleted
        } catch (IOException e) {
            throw Fault.io("cannot read " + conversation.file(), e, "check its permissions");
        }
        return conversation;
    }

    static Instant used(Path file) { return Instant.ofEpochMilli(file.toFile().lastModified()); }

    ObjectNode turn(Request request, String template) {
        var turn = Json.object().put("at", Durations.stamp(home.env().time().now())).put("asked", request.model());
        if (request.system() != null) turn.put("system", request.system());
        var fresh = turn.putArray("messages");
        request.turns().stream().skip(messages().size()).forEach(message -> {
            var json = fresh.addObject().put("role", message.role()).put("content", message.content());
            message.images().forEach(image -> json.withArray("images").add(image.name()));      // not the bytes
        });
        if (template != null) turn.put("template", template);
        if (!request.optionsView().isEmpty()) turn.set("options", request.optionsView());
        return turn;
    }

    /// Adds an answered turn. A failure to save it is a warning, because the user already has the answer.
    ///
    /// @param steps of tools: the turn is written before each, and a `step` above 1 replaces the line before
    void add(ObjectNode question, List<Message> steps, ObjectNode answer, Console console) {
        int step = question.path("step").asInt(0);
        if (step > 0 || !steps.isEmpty()) question.put("step", step + 1);
        ObjectNode turn = question.deepCopy().setAll(answer);
        steps.forEach(message -> turn.withArray("messages").add(message.raw()));
        keep(turn);
        if (!keeps) return;
        boolean fresh = id == null;
        if (fresh) id = Json.text(turn, "at").replaceAll("[-:Z]", "").replace('T', '-') + "-"   // ids sort by time
                + Integer.toString(ThreadLocalRandom.current().nextInt(36 * 36 * 36, 36 * 36 * 36 * 36), 36);
        try {
            home.append(file(), Json.singleLine(turn), fresh);
            console.detail("(conversation " + id + "; continue with " + COP + " chat -c)");
        } catch (IOException | Fault e) {
            console.once(console::warn, "cannot save the conversation in " + home.conversations() + ": "
                    + Text.reason(e));
            if (fresh) id = null;
        }
    }

    private void keep(ObjectNode turn) {
        if (turn.path("step").asInt(0) > 1 && !turns.isEmpty()) turns.removeLast();
        turns.add(turn);
    }

    void reset() {
        id = null;
        turns.clear();
    }

    String id() { return keeps ? id : null; }

    Path file() { return home.conversations().resolve(id + ENDING).toAbsolutePath(); }

    List<String> images() { return turns.stream().flatMap(Conversation::images).distinct().toList(); }

    private static Stream<String> images(ObjectNode turn) {
        return turn.path("messages").findValues("images").stream().flatMap(JsonNode::valueStream)
                .map(JsonNode::asString);
    }

    private static Stream<Message> questions(ObjectNode turn) {
        return turn.path("messages").valueStream().map(message -> message.has("tool_calls")
                || message.has("tool_call_id") ? Message.raw((ObjectNode) message)
                : new Message(Json.text(message, "role"), Json.text(message, "content")));
    }

    /// Returns the history to send, without unanswered prompts, and with the first of several answers (`n`).
    List<Message> messages() {
        return turns.stream().filter(turn -> !Json.text(turn, "text").isEmpty()).flatMap(turn -> Stream.concat(
                questions(turn), Stream.of(Message.assistant(turn.path("choices").path(0).asString(Json.text(turn,
                "text")))))).toList();
    }

    private String last(String field) { return turns.isEmpty() ? null : turns.getLast().path(field).asString(null); }

    String system() { return last("system"); }

    String model() { return last("asked"); }

    /// Returns the field `tools` of the turns with calls, without which the API refuses these.
    ObjectNode tools() {
        var tools = Json.object();
        turns.stream().filter(turn -> turn.has("step") && turn.at("/options/tools").isArray()).forEach(turn ->
                tools.set("tools", turn.at("/options/tools")));
        return tools;
    }

    String lastAnswer() { return Objects.requireNonNullElse(last("text"), ""); }

    /// Ignores case, kinds of whitespace, and Unicode forms of a character.
    ///
    /// @param text null matches all
    boolean contains(String text) {
        return text == null || folded(Message.text(allMessages(), false)).contains(folded(text));
    }

    private static String folded(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFKC).toUpperCase(Locale.ROOT).replaceAll("[\\s\\h]+", " ");
    }

    private static String prompt(ObjectNode turn) {
        return questions(turn).filter(message -> message.role().equals("user")).reduce((_, last) -> last)
                .map(Message::content).orElse("").strip();
    }

    private String firstPrompt() {
        return turns.isEmpty() ? "" : Text.shortened(prompt(turns.getFirst()).replaceAll("\\s+", " "), 60);
    }

    String title() {
        return Text.printable(id + " (" + turns.size() + (turns.size() == 1 ? " turn: " : " turns: ") + firstPrompt()
                + ")");
    }

    ObjectNode summary() {
        return Json.object().put("id", id).put("begun", Json.text(turns.getFirst(), "at")).put("used", last("at"))
                .put("model", model()).put("turns", turns.size()).put("prompt", firstPrompt())
                .put("path", file().toString());
    }

    static List<String> cells(ObjectNode summary) {
        return COLUMNS.stream().map(name -> summary.path(name.toLowerCase(Locale.ROOT)).asString("")).toList();
    }

    ArrayNode json() { return Json.array(turns.stream()); }

    String lastExchange() {
        return turns.isEmpty() ? "" : "> " + Text.shortened(prompt(turns.getLast()), 500) + "\n" + lastAnswer();
    }

    String text() { return Message.text(allMessages(), true); }

    /// Returns all messages, with a system message only where it changes.
    private List<Message> allMessages() {
        var all = new ArrayList<Message>();
        String system = null;
        for (var turn : turns) {
            String now = turn.path("system").asString(null), error = Json.text(turn, "error");
            if (now != null && !now.equals(system)) all.add(Message.system(now));
            system = now;
            questions(turn).forEach(all::add);
            String images = images(turn).collect(Collectors.joining(", "));
            if (!images.isEmpty()) all.add(Message.user("*(images: " + images + ")*"));
            all.add(Message.assistant(Json.text(turn, "text") + (error.isEmpty() ? "" : "\n\n*(" + error + ")*")));
        }
        return all;
    }
}

// ================================================================================================= Status
// Reports who is logged in, and what a chat depends on.

record Status(Host host, List<SourceStatus> sources, Optional<Token> token, String user, Instant now,
              Optional<Fault> failure, String loginHint) {
    record SourceStatus(String source, String state, String detail) {}

    /// Checks the sources in order, but sends nothing more after an outage.
    ///
    /// @param check ask GitHub about every source, not only up to the first that works
    static Status of(CopilotClient copilot, boolean check) {
        var logins = copilot.logins();
        var states = new ArrayList<SourceStatus>();
        Token used = null;
        String user = "";
        Fault failure = null;
        var usable = logins.usable();
        for (String source : CredentialSources.ORDER) {
            var tokens = logins.tokensFrom(source);
            var ignored = logins.ignored(source);
            if (ignored.isPresent()) states.add(new SourceStatus(source, "ignored", ignored.get()));
            else if (tokens.isEmpty()) states.add(new SourceStatus(source, "none", ""));
            for (var login : tokens) {
                String state, detail = Secrets.abbreviated(login.value());
                boolean mayServe = used == null && usable.contains(login);
                try {
                    if (failure != null || !mayServe && !check) {
                        state = "unused";
                        detail += copilot.tokens().plan(login).map(plan -> ", " + plan).orElse("");
                        if (used == null && failure == null) detail += ", because COPILOT_GITHUB_TOKEN is set";
                    } else {
                        var token = check ? copilot.tokens().exchangeNow(login) : copilot.tokens().tokenFor(login);
                        state = mayServe ? "used" : "works";
                        detail += ", " + token.plan() + ", " + (token.direct() ? "used directly" : "exchanged");
                        if (mayServe) {
                            used = token;
                            user = login.user().isEmpty() ? logins.user(login) : login.user();
                        }
                    }
                } catch (Fault fault) {
                    fault.rethrowIf(Fault.Kind.INTERRUPTED);
                    boolean rejected = fault.is(Fault.Kind.TOKEN_REFUSED);
                    if (!rejected) failure = fault;
                    state = rejected ? "refused" : "untried";
                    if (rejected) detail = fault.message();
                }
                states.add(new SourceStatus(source, state, detail));
            }
        }
        return new Status(copilot.context().host(), states, Optional.ofNullable(used), user, copilot.context().now(),
                Optional.ofNullable(failure), logins.loginHint());
    }

    boolean loggedIn() { return token.isPresent(); }

    static String use(Token token, Instant now) {
        return token.direct() ? "GitHub's own, used directly" : "valid for " + Durations.words(token.timeLeft(now));
    }

    String text() {
        return host.name() + token.map(known -> """

                  logged in as %s (%s, %s)
                  API      %s
                  token    %s
                """.formatted(user.isEmpty() ? "?" : Text.printable(user), known.plan(), known.sku(), known.api(),
                use(known, now))).orElse(failure.isPresent() ? "\n  unknown: GitHub is unreachable\n"
                        : "\n  not logged in; " + loginHint + "\n")
                + "  GitHub tokens, in order of use:" + sources.stream().map(line -> "\n    "
                + (Text.padded(line.source(), 25) + Text.padded(line.state(), 9) + line.detail()).stripTrailing())
                .collect(Collectors.joining());
    }

    ObjectNode json() {
        var json = Json.object().put("host", host.name());
        if (failure.isPresent()) json.putNull("logged_in");             // unknown
        else json.put("logged_in", loggedIn());
        token.ifPresent(t -> json.put("user", user).put("plan", t.plan()).put("sku", t.sku())
                .put("api", t.api().toString()).put("seconds_left", t.timeLeft(now).toSeconds())
                .put("direct", t.direct()));
        return json.set("sources", Json.tree(sources));
    }
}

// ================================================================================================== Login
// Steps 1 to 3: the device flow (RFC 8628 as GitHub implements it).

/// GitHub sends errors with HTTP 200 (GitHub docs, "Authorizing OAuth apps").
record DeviceFlow(Context context, String clientId, String scope) {
    /// Client ids of GitHub's own apps (protocol: ericc-ch/copilot-api, LiteLLM, CopilotChat.nvim).
    static final Map<String, String> CLIENTS = Map.of("vscode", "Iv1.b507a08c87ecfe98", "gh", "178c6fc778ccc68e1d6a");
    /// Added to the server's interval, because clocks differ.
    private static final Duration MARGIN = Duration.ofSeconds(1);
    private static final Duration SLOWEST = Duration.ofSeconds(30);

    record Code(String deviceCode, String userCode, URI verificationUri, Duration life, Duration interval) {}

    Code start() {
        var answer = post("/login/device/code", Map.of("client_id", clientId, "scope", scope), 3);
        String code = Json.text(answer, "device_code");
        if (code.isEmpty()) throw rejected(answer);
        return new Code(code, Text.printable(Json.text(answer, "user_code")),
                Text.uri(Json.text(answer, "verification_uri")).orElse(context.host().web("/login/device")),
                Durations.min(Duration.ofDays(1), Json.seconds(answer, "expires_in", 900)),
                Json.seconds(answer, "interval", 5));
    }

    /// Polls at the server's pace until the user enters the code or it expires, and returns the GitHub token.
    ///
    /// @param countdown receives the code's remaining lifetime every second
    String await(Code code, Consumer<Duration> countdown, Consumer<String> notes) {
        Instant end = context.now().plus(code.life());
        Duration interval = code.interval();
        while (true) {
            sleep(interval.plus(MARGIN), end, countdown);
            try {
                var answer = post("/login/oauth/access_token", Map.of("client_id", clientId, "device_code",
                        code.deviceCode(), "grant_type", "urn:ietf:params:oauth:grant-type:device_code"), 0);
                String token = Json.text(answer, "access_token"), error = Json.text(answer, "error");
                if (!token.isEmpty()) return token;
                boolean slower = error.equals("slow_down");
                if (!slower && !error.equals("authorization_pending")) throw rejected(answer);
                if (slower) interval = Durations.max(interval.plusSeconds(5), Json.seconds(answer, "interval", 0));
            } catch (Fault lost) {                          // RFC 8628, 3.5: slower after a timeout
                if (!lost.lostConnection()) throw lost;
                notes.accept(lost.message() + "; still trying");
                interval = Durations.max(interval, Durations.min(interval.multipliedBy(2), SLOWEST));
            }
        }
    }

    private void sleep(Duration pause, Instant end, Consumer<Duration> countdown) {
        for (Duration rest = pause; rest.isPositive(); rest = rest.minusSeconds(1)) {       // the clock may jump
            Duration left = Duration.between(context.now(), end);
            if (!left.isPositive()) throw rejected(Json.object().put("error", "expired_token"));
            countdown.accept(left);
            context.env().time().pause(Durations.min(Duration.ofSeconds(1), rest));
        }
    }

    /// Returns GitHub's answer; errors come with 200, or 400 by the RFC. Anything else (a gateway's page) is retried.
    private ObjectNode post(String path, Map<String, String> form, int retries) {
        var call = new ApiRequest("POST", context.host().web(path), context.headers().login(),
                Text.form(form).getBytes(StandardCharsets.UTF_8)).withRetries(retries);
        return context.http().send(call, (AnyReading<ObjectNode>) answer -> {
            if (Json.tryParse(answer.text()) instanceof ObjectNode json
                    && (answer.ok() || answer.status() / 100 == 4 && json.has("error"))) return json;
            throw new IOException("unexpected response (HTTP " + answer.status() + ") to the login");
        });
    }

    private Fault rejected(ObjectNode answer) {
        String error = Json.text(answer, "error"), again = COP + " login";
        String otherApp = again + " --client " + (clientId.equals(CLIENTS.get("vscode")) ? "gh" : "vscode");
        return switch (error) {
            case "access_denied" -> Fault.login("the login was canceled in the browser", again);
            case "expired_token", "token_expired" -> Fault.login("the code expired before it was entered", again);
            case "incorrect_device_code" -> Fault.login("GitHub no longer accepts this code", again);
            case "device_flow_disabled" -> Fault.login("the app " + clientId + " cannot log in by code", otherApp);
            case "incorrect_client_credentials", "Not Found" -> Fault.login("unknown client id " + clientId, otherApp);
            default -> Fault.login("GitHub rejected the login: " + Text.printable(error.isEmpty() ? "no token, no error"
                    : error + ", " + Json.text(answer, "error_description")), again + " -v");
        };
    }
}

/// Opens a URL in the user's browser, without a shell, if there is a display.
final class Browser {
    static boolean open(Environment env, Optional<URI> address) {
        String system = System.getProperty("os.name");
        boolean display = env.variable("DISPLAY") != null || env.variable("WAYLAND_DISPLAY") != null;
        String opener = system.startsWith("Mac") ? "open" : system.startsWith("Windows")
                ? "rundll32 url.dll,FileProtocolHandler" : display ? "xdg-open" : "";
        if (opener.isEmpty() || address.isEmpty() || env.variable("SSH_CONNECTION") != null) return false;
        try {
            new ProcessBuilder((opener + " " + address.get()).split(" ")).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().getOutputStream().close();
            return true;
        } catch (IOException _) {
            return false;
        }
    }
}

// ================================================================================================ Copilot
// Step 5: the client. Streaming is the default; a whole answer is read into the same reply.

/// A client of the Copilot API for one account on one host. (`Copilot` would clash with `copilot` on some file systems)
final class CopilotClient implements AutoCloseable {
    private final Context context;
    private final CredentialSources logins;
    private final TokenManager tokens;
    private final ModelCatalog models;
    final Spending spending;
    private final AutoModel auto = new AutoModel(this);
    private volatile String minted = "";                    // a token renewed because of its integration
    private final Map<String, CountDownLatch> firsts = new ConcurrentHashMap<>();

    static final String OTHER_INTEGRATOR = "model_not_available_for_integrator";
    private static final String NOWHERE = "nowhere";        // the path of a model that both endpoints rejected

    Duration cacheAge;                                      // how long answers are reused; null: never

    CopilotClient(Context context) {
        this.context = context;
        cacheAge = Durations.parse("COP_CACHE", context.env().variable("COP_CACHE"), null);
        logins = new CredentialSources(context);
        tokens = new TokenManager(context, logins);
        models = new ModelCatalog(this);
        spending = new Spending(context);
    }

    Context context() { return context; }

    CredentialSources logins() { return logins; }

    TokenManager tokens() { return tokens; }

    ModelCatalog models() { return models; }

    @Override
    public void close() { spending.write(); }

    // ---- chats, in calling order

    /// @param options timeouts, retries and headers of each call
    private record Attempt(String requested, UnaryOperator<ApiRequest> options, DeltaListener listener) {}

    Reply ask(Request request, DeltaListener listener) {
        var cache = new AnswerCache(context, cacheAge);
        var cached = cache.find(request);
        cached.ifPresent(reply -> listener.text(0, reply.text()));
        return cached.orElseGet(() -> cache.keep(request, sent(request, listener)));
    }

    private Reply sent(Request request, DeltaListener listener) {
        tokens.get();                                       // what was learned depends on its source
        models.find(request.model()).ifPresent(model -> ContextLimitCheck.check(request, model));
        var reply = resolved(request, new Attempt(request.model(), UnaryOperator.identity(), listener));
        spending.add(request, models.completed(request, reply).usage());
        spending.write();
        return reply;
    }

    /// Sends without retries and limit checks, which the caller does. Estimates a cost that GitHub does not report, so
    /// that budgets count every answer. The cost is recorded within a second, at the latest by `close`.
    Reply askOnce(Request request) {
        tokens.get();
        var listener = new DeltaListener() {
            @Override
            public void text(int choice, String delta) {}

            @Override
            public void warning(String message) { context().warnOnce(message); }
        };
        var reply = models.completed(request, resolved(request, new Attempt(request.model(), call ->
                call.withRetries(0), listener)));
        spending.add(request, reply.usage());
        return reply;
    }

    /// 1. Resolves `auto` to a model, or to none.
    private Reply resolved(Request request, Attempt attempt) {
        spending.check();
        if (!Model.isAuto(request.model())) return onEndpoint(request, attempt);
        var omitted = new Omitted(request, context()::warnOnce);
        return auto.ask(AutoModel.withoutEffort(request, omitted), (asked, headers) -> onEndpoint(asked, new Attempt(
                attempt.requested(), call -> attempt.options().apply(call).with(headers), attempt.listener())))
                .withDropped(omitted.names());
    }

    /// 2. Tries another endpoint once if the model list was wrong, and remembers it.
    private Reply onEndpoint(Request request, Attempt attempt) {
        String id = request.model();
        var endpoint = EndpointSelector.of(request, models.find(id), models.memory());
        try {
            return oneAhead(request, endpoint, () -> withoutRefused(request, endpoint, attempt));
        } catch (Fault fault) {
            boolean nowhere = models.memory().path(id).equals(NOWHERE);
            if (!wrongEndpoint(fault) || request.delivery().endpoint() != null || nowhere) throw fault;
            var other = EndpointSelector.instead(endpoint, id, models.recent().flatMap(all -> all.find(id)));
            context.console().detail(id + " does not support " + endpoint.path() + "; trying " + other.path());
            try {
                var reply = withoutRefused(request, other, attempt);
                models.memory().learnPath(id, other.path());
                return reply;
            } catch (Fault again) {
                if (!wrongEndpoint(again)) throw again;
                models.memory().learnPath(id, NOWHERE);
                throw fault;
            }
        }
    }

    /// Matches the code, or the message in bodies without one (ericc-ch/copilot-api #208, opencode #42759).
    private static boolean wrongEndpoint(Fault fault) {
        var refusal = ApiError.behind(fault);
        return refusal != null && refusal.status() == 400 && (refusal.kind().equals("unsupported_api_for_model")
                || refusal.message().matches("(?is).*(is not (accessible|supported) via|does not support) .*"
                        + "\\b(api|endpoint)\\b.*"));
    }

    /// Sends the first request with options that a model may reject before all others, so that only one of many is
    /// rejected; but no other waits long for its answer.
    private Reply oneAhead(Request request, Endpoint endpoint, Supplier<Reply> send) {
        String fields = RefusedFields.optional(request);
        if (fields.isEmpty()) return send.get();
        var own = new CountDownLatch(1);
        var first = firsts.putIfAbsent(request.model() + " " + endpoint.path() + " " + fields, own);
        try {
            if (first != null) first.await(Math.min(10_000_000_000L, Deadline.left()), TimeUnit.NANOSECONDS);
            return send.get();
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        } finally {
            own.countDown();
        }
    }

    /// 3. Omits fields known to be rejected, and retries for each new one.
    private Reply withoutRefused(Request request, Endpoint endpoint, Attempt attempt) {
        var model = models.find(request.model());
        var sent = request.withStream(request.stream() && model.map(Model::streams).orElse(true));
        var bodies = new HashSet<ObjectNode>();             // ends the loop if a server contradicts itself
        while (true) {
            var omitted = new Omitted(sent, context()::warnOnce);
            var body = body(sent, model, endpoint, omitted);
            try {
                return post(sent, body, endpoint, attempt).withDropped(omitted.names());
            } catch (Fault fault) {
                var lesson = Optional.ofNullable(ApiError.behind(fault))
                        .flatMap(refusal -> RefusedFields.lesson(sent, body, refusal));
                if (lesson.isEmpty() || !bodies.add(body)) throw fault;
                context.console().detail(sent.model() + " refuses " + lesson.get() + ": " + fault.message());
                models.memory().learnRefused(sent.model(), endpoint.path(), lesson.get());
            }
        }
    }

    private ObjectNode body(Request request, Optional<Model> model, Endpoint endpoint, Omitted omitted) {
        return RefusedFields.without(models.memory().refused(request.model(), endpoint.path()), request,
                endpoint.form().of(request, model.orElse(null), omitted), omitted);
    }

    /// 4. Sends one API request, which `send` may repeat.
    private Reply post(Request request, ObjectNode body, Endpoint endpoint, Attempt attempt) {
        var brief = Json.object().setAll(body).without(List.of("messages", "input", "system", "instructions"));
        context.console().detail("POST " + endpoint.path() + ": " + Json.singleLine(brief));
        var headers = new HashMap<>(endpoint.headers());
        if (request.hasImages()) headers.put("Copilot-Vision-Request", "true");
        if (request.answersCall()) headers.put("X-Initiator", "agent");
        var reader = endpoint.reader(attempt.listener(), request.answers());
        try {
            var reply = send("POST", endpoint.path(), Json.bytes(body), call -> attempt.options().apply(
                    request.stream() ? call : call.unstreamed()).with(headers).explained(refusal ->
                    ChatErrors.of(this, attempt.requested(), request, endpoint, refusal)), reader);
            reply.steps().forEach(call -> call.raw().withObject(Message.REPLAY).put("model", request.model()));
            if (!reply.rawFinish().equals("error")) return reply;
        } catch (Fault stopped) {
            if (!stopped.lostConnection()) throw stopped;
            boolean begun = reader.delivered();
            throw new Fault(stopped.kind(), Fault.ERROR, (begun ? "the answer was interrupted: "
                    : "no answer received: ") + stopped.message(), begun ? "try again" : stopped.hint(), stopped);
        }
        throw Fault.incomplete("GitHub interrupted the answer (finish: error)", "try again or use another model (-m)");
    }

    // ---- chats that are not sent

    /// Returns the body that would be sent, judging by the cached model list.
    ///
    /// @param notes receives the fields omitted for the model
    ObjectNode previewBody(Request request, Consumer<String> notes) {
        var omitted = new Omitted(request, notes);
        var asked = Model.isAuto(request.model()) ? AutoModel.withoutEffort(request, omitted) : request;
        var model = models.findCached(asked.model());
        return body(asked, model, EndpointSelector.of(asked, model, models.memory()), omitted);
    }

    /// Returns whether a schema is sent as `response_format` rather than in the prompt.
    boolean structured(Request request) {
        var model = models.findCached(request.model()).filter(known -> known.supports("structured_outputs"));
        return model.isPresent() && EndpointSelector.of(request, model, models.memory()).knowsSchemas();
    }

    // ---- other requests

    Account account() { return new Account(tokens.account(tokens.source()), context.now()); }

    /// Returns the quotas in the last answer's headers, which do not count that call.
    Optional<String> quota() {
        return context.http().lastHeaders().flatMap(headers -> Quota.line(Quota.of(headers), context.now()));
    }

    /// Sends any request once. GitHub's own paths go to GitHub with the GitHub token.
    <T> T raw(String method, String path, String body, ResponseHandler<T> reading) {
        if (path.isBlank() || path.matches("(?s)([A-Za-z][A-Za-z0-9+.-]*:|//).*")) {
            throw Fault.usage("expected a path, got \"" + path + "\"", COP + " api /models");
        }
        String from = path.startsWith("/") ? path : "/" + path;
        byte[] bytes = body == null ? null : body.getBytes(StandardCharsets.UTF_8);
        boolean github = from.startsWith("/copilot_internal/") || from.matches("/user(\\?.*)?");
        AnyReading<T> any = reading::read;
        if (!github) return send(method, from, bytes, call -> call.unstreamed().withRetries(0), any);
        String own = tokens.source().value();
        var headers = from.startsWith("/user") ? context.headers().github(own) : context.headers().internal(own);
        return context.http().send(new ApiRequest(method, context.host().rest(from), headers, bytes).withRetries(0),
                any);
    }

    /// Sends every API request. Renews the token once on 401, on 421 (to learn the API's new host), and if it was
    /// exchanged for another integration (openclaw #79976).
    <T> T send(String method, String path, byte[] body, UnaryOperator<ApiRequest> options, ResponseHandler<T> reading) {
        var token = new AtomicReference<>(tokens.get());
        return context.http().send(() -> options.apply(new ApiRequest(method, context.host().resolve(token.get().api(),
                path), context.headers().copilot(token.get().value()), body)), (sent, refusal) -> {
            boolean integrator = refusal.kind().equals(OTHER_INTEGRATOR) && !token.get().direct()
                    && !token.get().value().equals(minted);
            boolean ofAuto = AutoModel.outdated(refusal) && sent.headers().toMap().containsKey(AutoModel.HEADER);
            if (ofAuto || !integrator && !List.of(401, 421).contains(refusal.status())) return false;
            token.set(tokens.refreshAfter401(token.get()));
            if (integrator) minted = token.get().value();
            return true;
        }, reading);
    }
}

/// Answers kept for requests that are the same, but for what was streamed.
///
/// @param age how long they are used; null for not at all
record AnswerCache(Context context, Duration age) {
    static final String MARK = "cached ";

    private Path file(Request request) {
        var key = Json.compact(ChatCompletionsBody.plain(request.withStream(true))) + request.delivery().endpoint();
        return context.home().cache().resolve("answer-" + Text.sha256(key).substring(0, 32) + ".json");
    }

    /// Returns a saved answer, whose id shows when it was saved.
    Optional<Reply> find(Request request) {
        return Optional.ofNullable(age).flatMap(_ -> context.home().readCached(file(request))).filter(kept ->
                Durations.isRecent(kept.fetched(), age, context.now())).map(kept -> new Reply(List.of(Json.text(
                kept.answer(), "text")), Json.text(kept.answer(), "reasoning"), "stop", Json.text(kept.answer(),
                "model"), Usage.NONE, Json.array(Stream.of()), MARK + Durations.stamp(kept.fetched()), "",
                Duration.ZERO, List.of(), List.of()));
    }

    /// Keeps a complete answer that is a text.
    Reply keep(Request request, Reply reply) {
        boolean whole = reply.rawFinish().equals("stop") && reply.choices().size() == 1 && reply.steps().isEmpty();
        if (age != null && whole) context.home().writeCached(file(request), reply.json(), context.now(),
                context.console());
        return reply;
    }
}

/// What answers have cost, in all processes: a line each in `spent.jsonl`, without any text.
///
///     {"at":"2026-11-28T20:43:00Z","command":"chat","template":"review","model":"gpt-5-mini","tokens":137,
///      "credits":0.0036,"about":true}
final class Spending {
    private static final String DAILY = "COP_DAILY_CREDITS";
    static final Duration KEPT = Duration.ofDays(400);
    private final Context context;
    private final List<String> unwritten = new ArrayList<>();       // guarded by this

    Spending(Context context) { this.context = context; }

    Path file() { return context.home().state().resolve("spent.jsonl"); }

    /// Returns the lines since a time; all begin with their own.
    List<ObjectNode> since(Instant start) {
        if (!Files.exists(file())) return List.of();
        try {
            return Files.readAllLines(file()).stream().filter(line -> line.compareTo("{\"at\":\"" + Durations.stamp(
                    start)) >= 0).map(Json::tryParse).filter(JsonNode::isObject).map(ObjectNode.class::cast).toList();
        } catch (IOException e) {
            throw Fault.io("cannot read " + file(), e, "");
        }
    }

    static BigDecimal credits(List<ObjectNode> lines) {
        return lines.stream().map(line -> line.path("credits").decimalValue(BigDecimal.ZERO)).reduce(BigDecimal.ZERO,
                BigDecimal::add);
    }

    /// Stops before a request if the day (UTC) has cost COP_DAILY_CREDITS.
    void check() {
        String limit = context.env().variable(DAILY);
        if (limit == null) return;
        write();
        if (!limit.matches("[0-9]{1,9}(\\.[0-9]{1,9})?")) throw Fault.usage("invalid " + DAILY + ": " + limit, DAILY
                + "=50");
        Home.readOnly(context.home().state()).ifPresent(why -> {
            throw Fault.usage("cannot record credits: " + why, "unset " + DAILY);
        });
        var spent = credits(since(context.now().truncatedTo(ChronoUnit.DAYS)));
        if (spent.compareTo(new BigDecimal(limit)) >= 0) throw new Fault(Fault.LATER, "today's requests cost " + spent
                .stripTrailingZeros().toPlainString() + " credits; " + DAILY + " is " + limit,
                "wait until midnight UTC, or raise " + DAILY);
    }

    /// Records an answer, to be written within a second with those that follow: each write locks the file.
    synchronized void add(Request request, Usage used) {
        if (!context.home().isPersistent()) return;
        var line = Json.object().put("at", Durations.stamp(context.now())).put("command", context.console().command);
        if (context.console().template != null) line.put("template", context.console().template);
        line.put("model", request.model()).put("tokens", used.totalTokens()).put("credits", BigDecimal.valueOf(
                used.nanoCredits(), 9));
        if (used.estimated()) line.put("about", true);
        unwritten.add(Json.singleLine(line));
        if (unwritten.size() == 1) Thread.startVirtualThread(() -> {
            Time.SYSTEM.pause(Duration.ofSeconds(1));
            write();
        });
    }

    synchronized void write() {
        if (unwritten.isEmpty()) return;
        try {
            context.home().append(file(), String.join("\n", unwritten), false);
        } catch (IOException | Fault e) {
            context.warnOnce("cannot record credits: " + Text.reason(e));
        }
        unwritten.clear();
    }
}

/// The account's models: the cached list, what requests have shown, and the choice of a model.
final class ModelCatalog {
    private final CopilotClient copilot;
    private final Context context;
    private final Map<GithubToken, Optional<ModelList>> lists = new ConcurrentHashMap<>();
    private final Map<Path, EndpointMemory> memories = new ConcurrentHashMap<>();
    private final ReentrantLock fetching = new ReentrantLock();
    private volatile Instant asked = Instant.EPOCH;         // when `listIfAny` last fetched

    ModelCatalog(CopilotClient copilot) {
        this.copilot = copilot;
        context = copilot.context();
    }

    // ---- the list

    /// Returns the cached list if it is younger than `age`, or a new one.
    ModelList list(Duration age) { return list(age, 3); }

    private ModelList list(Duration age, int retries) {
        return context.http().withRetries(retries, () -> Deadline.withLock(fetching, () -> {
            var old = cached().filter(each -> each.isYounger(ModelList.USABLE, context.now()));
            if (old.isPresent() && old.get().isYounger(age, context.now())) return old.get();
            var fresh = new ModelList(copilot.send("GET", "/models", null, UnaryOperator.identity(),
                    ResponseHandler.json("the list of models")), context.now());
            // learned with another list
            if (old.isEmpty() || !old.get().json().equals(fresh.json())) memory().forget();
            var source = copilot.tokens().used().orElseThrow();
            context.home().writeCached(source.file("models-", context), fresh.json(), fresh.fetched(),
                    context.console());
            lists.put(source, Optional.of(fresh));
            return fresh;
        }));
    }

    ModelList refreshed() {
        memory().forget();
        return list(Duration.ZERO);
    }

    /// Returns the cached list if fetching fails. Fetches once a minute at most.
    Optional<ModelList> listIfAny() {
        boolean lately = Durations.isRecent(asked, Duration.ofMinutes(1), context.now());
        if (lately) return Deadline.withLock(fetching, this::cached);
        asked = context.now();
        return context.attempt(() -> list(ModelList.USABLE, 1)).or(this::cached);
    }

    /// Returns a cached list of any age, of the token in use or the first source that has one.
    Optional<ModelList> cached() {
        var sources = copilot.tokens().used().map(List::of).orElseGet(copilot.logins()::usable);
        return sources.stream().flatMap(source -> lists.computeIfAbsent(source, _ -> context.home().readCached(
                source.file("models-", context)).filter(kept -> kept.answer().path("data").isArray())
                .map(kept -> new ModelList(kept.answer(), kept.fetched()))).stream()).findFirst();
    }

    /// Uses the first source if no token is in use.
    EndpointMemory memory() {
        var source = copilot.tokens().used().or(() -> copilot.logins().usable().stream().findFirst());
        return memories.computeIfAbsent(source.map(each -> each.file("learned-", context))
                .orElse(context.home().cache().resolve("learned-nobody.json")), file -> new EndpointMemory(context,
                file, context.home().readOrEmpty(file, context.console()::detail)));
    }

    // ---- one model

    /// Fetches the list if none is cached, or an old one lacks it.
    Optional<Model> find(String id) {
        if (Model.isAuto(id)) return Optional.empty();
        return findCached(id).or(() -> listIfAny().flatMap(all -> all.find(id)));
    }

    Optional<Model> findCached(String id) { return cached().flatMap(all -> all.find(id)); }

    /// Returns a list at most a minute old: many requests at once fetch one.
    Optional<ModelList> recent() { return context.attempt(() -> list(Duration.ofMinutes(1))); }

    void enable(String id) {
        String path = "/models/" + URLEncoder.encode(id, StandardCharsets.UTF_8) + "/policy";
        var headers = Map.of("Openai-Intent", "chat-policy", "X-Interaction-Type", "chat-policy");
        copilot.send("POST", path, Json.bytes(Json.object().put("state", "enabled")), call -> call.with(headers)
                .explained(refusal -> refusal.status() != 403 ? null : Fault.error("cannot enable " + id + ": "
                        + refusal.description(), "ask your organization's administrator")), _ -> null);
        context.attempt(() -> list(Duration.ZERO));         // updates the cached list
    }

    Reply completed(Request request, Reply reply) {
        if (reply.id().startsWith(AnswerCache.MARK)) return reply;
        return reply.withUsage(estimate(request, reply.model(), reply.text() + reply.reasoning(), reply.usage()));
    }

    /// Completes a usage: tokens by the tokenizer, the cost by the cached prices.
    Usage estimate(Request request, String name, String answer, Usage reported) {
        if (reported.totalTokens() > 0 && reported.nanoCredits() > 0) return reported;
        var model = cached().flatMap(list -> list.priced(name, request.model()));
        String tokenizer = model.map(Model::tokenizer).orElse("");
        var used = reported.totalTokens() > 0 ? reported : new Usage(TokenCount.of(request, tokenizer),
                TokenCount.of(answer, tokenizer), 0, 0, reported.nanoCredits(), true);
        return used.nanoCredits() > 0 ? used : model.map(known -> known.priced(used)).orElse(used);
    }

    // ---- the choice

    /// Returns the model named (perhaps by part of its id), or COP_MODEL, the user's default, or the account's.
    String choose(String named) {
        copilot.tokens().get();                             // unlike the list's, its errors are reported
        var configured = requested(named);
        boolean stale = cached().filter(list -> list.isYounger(Duration.ofDays(2), context.now())).isEmpty();
        if (configured.isEmpty() || !Model.isAuto(configured.get()) && stale) listIfAny();
        String id = chooseCached(named);
        find(id);                                           // refetches an old list that lacks it
        return id;
    }

    String chooseCached(String named) {
        return configured(named).orElseGet(() -> cached().map(ModelList::defaultModelId).orElse(Model.AUTO));
    }

    Optional<String> configured(String named) { return requested(named).map(this::expand); }

    private Optional<String> requested(String named) {
        if (named != null && !named.isBlank()) return Optional.of(named.strip());
        if (context.env().variable("COP_MODEL") instanceof String variable) return Optional.of(variable.strip());
        var choices = context.home().readOrEmpty(context.home().choices(), context.console()::warn);
        return Optional.of(Json.text(choices, "model")).filter(id -> !id.isEmpty());
    }

    void setDefault(String id) {
        context.home().edit(context.home().choices(), context.console()::warn, choices -> choices.put("model", id));
    }

    private String expand(String part) {
        if (Model.isAuto(part)) return Model.AUTO;
        var list = cached();
        var ids = list.map(all -> all.matching(part, Model::usable)).orElse(List.of());
        if (ids.contains(part)) return part;
        boolean fresh = list.filter(each -> each.isYounger(ModelList.USABLE, context.now())).isPresent();
        if (ids.isEmpty() || !fresh && ids.size() > 1) return part;     // may be newer than the list: GitHub decides
        String id = list.get().require(part, Model::usable).id();       // throws if there are several
        context.console().note("model " + id);
        return id;
    }
}

record ModelList(ObjectNode json, Instant fetched) {
    static final String ONLY_AUTO = "on Free and Student plans, GitHub chooses the model (-m auto)";
    static final Duration FRESH = Duration.ofHours(1);
    /// Enough for choosing a model, so that a warm chat makes one request.
    static final Duration USABLE = Duration.ofDays(1);

    boolean isYounger(Duration age, Instant now) { return Durations.isRecent(fetched, age, now); }

    private Stream<Model> entries() {
        return json.path("data").values().stream().filter(m -> m.path("id").isString()).map(Model::new);
    }

    /// Returns models that can be named or enabled; GitHub lists some twice.
    List<Model> models() {
        var ids = new HashSet<String>();
        return entries().filter(model -> !Families.isPseudo(model.id()) && ids.add(model.id())).toList();
    }

    /// Also finds models available only in an `auto` session.
    Optional<Model> find(String id) { return entries().filter(m -> m.id().equals(id)).findFirst(); }

    /// Returns the model that answered, else the named one, if it has prices; if neither is known, the dearest.
    Optional<Model> priced(String name, String id) {
        var dearest = Comparator.comparing((Model each) -> each.priced(new Usage(9, 9, 0, 0, 0, false)).nanoCredits());
        return answering(name).filter(Model::hasPrices).or(() -> find(id)).or(() -> entries().max(dearest))
                .filter(Model::hasPrices);
    }

    Optional<Model> answering(String name) { return entries().filter(model -> model.answersAs(name)).findFirst(); }

    List<String> chatModels() {
        return models().stream().filter(m -> m.isListed() && m.enabled()).map(Model::id).toList();
    }

    /// Returns the model with this id, or those that differ only in case, dots and dashes (vendors write
    /// `claude-opus-4-8` for Copilot's `claude-opus-4.8`), or those whose ids contain it.
    List<String> matching(String part, Predicate<Model> condition) {
        if (find(part).isPresent()) return List.of(part);
        UnaryOperator<String> plain = id -> id.toLowerCase(Locale.ROOT).replace('.', '-');
        String sought = plain.apply(part.strip());
        var ids = models().stream().filter(condition).map(Model::id).filter(id -> plain.apply(id).contains(sought))
                .toList();
        var same = ids.stream().filter(id -> plain.apply(id).equals(sought)).toList();
        return same.isEmpty() ? ids : same;
    }

    /// Returns whether no model may be named, as on plans with only `auto` since 2026-06-24.
    boolean onlyAuto() {
        var chats = models().stream().filter(Model::isChat).toList();
        return !chats.isEmpty() && chats.stream().noneMatch(Model::isListed);
    }

    /// Returns GitHub's default among usable models, else its fallback, else the first; `auto` if none is usable.
    String defaultModelId() {
        return models().stream().filter(Model::usable)
                .min(Comparator.comparing(model -> model.isDefault() ? 0 : model.json().path(
                "is_chat_fallback").asBoolean(false) ? 1 : 2))
                .map(Model::id).orElse(Model.AUTO);
    }

    /// Returns the model with this id, or the only one with this part that meets the condition, or the only one of all.
    Model require(String part, Predicate<Model> condition) {
        if (Model.isAuto(part)) return Model.auto();
        var ids = matching(part, condition);
        if (ids.isEmpty()) ids = matching(part, _ -> true);
        if (ids.size() > 1) throw Fault.usage(part + " matches several models", "use " + String.join(", ", ids));
        return ids.stream().findFirst().flatMap(this::find).orElseThrow(() -> Fault.usage("unknown model: " + part,
                Suggestions.hint(part, chatModels(), COP + " models")));
    }
}

/// `auto`: GitHub chooses the model, the only way on Free and Student plans (GitHub changelog of 2026-06-24). On chat,
/// the model is omitted (opencode #46455, codecompanion.nvim). If that is rejected, or another endpoint or an ability
/// is needed, GitHub names one in a session.
final class AutoModel {
    static final String HEADER = "Copilot-Session-Token", NAME_ONE = "choose a model with -m: " + COP + " models";
    private static final Duration MARGIN = Duration.ofMinutes(1), LEAST = Duration.ofMinutes(10);

    private final CopilotClient copilot;
    private final ReentrantLock choosing = new ReentrantLock();
    private final Map<Path, Choice> choices = new ConcurrentHashMap<>();        // by file, and so by account
    private Fault notOffered;                               // not asked again for a while
    private Instant refused = Instant.EPOCH;

    /// GitHub's choice within a session, its preferred model first.
    private record Choice(String token, List<String> models, Instant fetched, Instant expires) {
        static Optional<Choice> of(Home.CachedResponse kept) {
            var answer = kept.answer();
            var selected = answer.path("selected_model");
            var models = Stream.concat(Stream.of(selected.isObject() ? selected.path("id") : selected),
                    answer.path("available_models").valueStream()).map(model -> model.asString(""))
                    .filter(id -> !id.isEmpty()).distinct().toList();
            String token = Json.text(answer, "session_token");
            return models.isEmpty() || !GithubToken.wellFormed(token) ? Optional.empty()
                    : Optional.of(new Choice(token, models, kept.fetched(), Json.instant(answer, "expires_at")));
        }

        /// Trusts a recent choice, since our clock may be ahead of GitHub's.
        boolean isUsable(Instant now) {
            return !now.isBefore(fetched) && (now.isBefore(expires.minus(MARGIN)) || now.isBefore(fetched.plus(LEAST)));
        }
    }

    AutoModel(CopilotClient copilot) { this.copilot = copilot; }

    /// Returns whether the session has ended, or is not this model's (copilot-cli #2818).
    static boolean outdated(ErrorResponse refusal) {
        return refusal.status() == 401 && refusal.message().startsWith("Invalid auto-mode selector");
    }

    /// Drops `reasoning_effort`, whose values depend on the model, still unknown.
    static Request withoutEffort(Request request, Omitted omitted) {
        if (!request.optionsView().has("reasoning_effort")) return request;
        omitted.add("reasoning_effort", "auto does not support reasoning_effort");
        var rest = request.options();
        rest.remove("reasoning_effort");
        return new Request(request.model(), request.messages(), rest, request.stream(), request.delivery());
    }

    Reply ask(Request request, BiFunction<Request, Map<String, String>, Reply> asker) {
        var memory = copilot.models().memory();
        if (!needsName(request) && memory.path(Model.AUTO).isEmpty()) {
            try {
                return asker.apply(request, Map.of());
            } catch (Fault fault) {
                if (!requiresName(fault)) throw fault;
                memory.learnPath(Model.AUTO, "session");       // from now on, opens one at once
            }
        }
        var first = choice(null, request);
        try {
            return within(first, request, asker);
        } catch (Fault fault) {
            var refusal = ApiError.behind(fault);
            if (refusal == null || !outdated(refusal) && !refusal.kind().startsWith("model_not")) throw fault;
            return within(choice(first, request), request, asker);
        }
    }

    private Reply within(Choice choice, Request request, BiFunction<Request, Map<String, String>, Reply> asker) {
        String model = fitting(choice, request, copilot.models().listIfAny()).orElse(choice.models().getFirst());
        return asker.apply(request.withModel(model), Map.of(HEADER, choice.token()));
    }

    private static boolean needsName(Request request) {
        String endpoint = request.delivery().endpoint();
        return endpoint != null && !endpoint.equals("chat") || request.hasImages()
                || request.optionsView().has("tools");
    }

    private static boolean requiresName(Fault fault) {
        var refusal = ApiError.behind(fault);
        return refusal != null && refusal.status() == 400 && (refusal.kind().startsWith("model_not")
                || refusal.message().matches("(?is).*\\bmodel['\"`]? (is|field|parameter)\\b.*(required|missing).*"
                + "|.*(required|missing|provide)[^.]{0,30}\\bmodel\\b.*"));
    }

    private static Optional<String> fitting(Choice choice, Request request, Optional<ModelList> known) {
        return choice.models().stream().filter(id -> known.flatMap(all -> all.find(id))
                .filter(model -> fits(model, request)).isPresent()).findFirst();
    }

    private static boolean fits(Model model, Request request) {
        var fields = request.optionsView();
        String endpoint = request.delivery().endpoint();
        boolean chat = fields.has("stop") || request.answers() > 1;
        return (endpoint == null || model.endpoints().contains(Delivery.ENDPOINTS.get(endpoint)))
                && (!chat || model.endpoints().contains("/chat/completions"))
                && (!request.hasImages() || model.supports("vision"))
                && (!fields.has("tools") || model.supports("tool_calls"));
    }

    /// Reuses a session until it expires or offers no fitting model.
    ///
    /// @param old not to be used again; may be null
    private Choice choice(Choice old, Request request) {
        var context = copilot.context();
        var known = copilot.models().listIfAny();           // not under the lock
        return context.http().withRetries(1, () -> Deadline.withLock(choosing, () -> {
            Path file = copilot.tokens().source().file("auto-", context);
            var now = context.now();
            // a new one is kept in any case, as another would hardly differ
            var choice = Optional.ofNullable(choices.get(file))
                    .or(() -> context.home().readCached(file).flatMap(Choice::of))
                    .filter(each -> each != old && each.isUsable(now) && (now.isBefore(each.fetched().plus(MARGIN))
                            || fitting(each, request, known).isPresent())).orElseGet(() -> opened(request, file));
            choices.put(file, choice);
            return choice;
        }));
    }

    /// Asks as GitHub's editors do: the older API offers several models, the newer chooses by the prompt.
    private Choice opened(Request request, Path file) {
        var context = copilot.context();
        if (Durations.isRecent(refused, LEAST, context.now())) throw notOffered;
        var hints = Json.tryParse("{\"auto_mode\":{\"model_hints\":[\"auto\"]}}");
        var prompt = Json.object().put("prompt", request.texts().reversed().stream().findFirst().orElse(""))
                .put("has_image", request.hasImages());
        for (var api : List.of(Map.entry("/models/session", hints), Map.entry("/auto", prompt))) {
            try {
                var opened = new Home.CachedResponse(copilot.send("POST", api.getKey(), Json.bytes(api.getValue()),
                        UnaryOperator.identity(), ResponseHandler.json("the choice of a model")), context.now());
                var choice = Choice.of(opened).orElseThrow(() -> Fault.error("GitHub chose no model", NAME_ONE));
                context.home().writeCached(file, opened.answer(), opened.fetched(), context.console());
                return choice;
            } catch (Fault fault) {
                var refusal = ApiError.behind(fault);
                if (refusal == null || refusal.status() != 404) throw fault;
                notOffered = Fault.error("GitHub does not offer auto to this account: " + refusal.description(),
                        NAME_ONE).because(fault.reason());
            }
        }
        refused = context.now();
        throw notOffered;
    }
}

/// Explains rejected chats where GitHub's own words do not.
final class ChatErrors {
    static Fault of(CopilotClient copilot, String requested, Request request, Endpoint endpoint,
            ErrorResponse refusal) {
        boolean auto = Model.isAuto(requested);
        String reason = refusal.description();
        boolean tooLong = refusal.code().matches(".*(max_prompt_tokens|context_length).*")
                || refusal.message().startsWith("prompt is too long");
        if (refusal.status() == 400 && tooLong) {
            return Fault.error("the prompt is too long for " + request.model() + ": " + reason,
                    "shorten it, or use a model with a larger context: " + COP + " models");
        }
        if (refusal.status() == 429 && refusal.ofNamedModels() && !auto) {
            return refusal.limited("use -m auto, which has its own limit; or ");
        }
        return switch (auto && AutoModel.outdated(refusal) ? "model_not_supported" : refusal.kind()) {
            case "model_not_supported" -> auto ? Fault.error("GitHub chose no model for this account: " + reason,
                    AutoModel.NAME_ONE) : notSupported(copilot, requested, reason);
            case CopilotClient.OTHER_INTEGRATOR -> Fault.error(reason,
                    "use -m with one of these, or another -H 'Copilot-Integration-Id: …'");
            case "unsupported_api_for_model" -> Fault.error(request.model() + " does not support " + endpoint.path()
                    + ": " + reason, request.delivery().endpoint() == null ? "use another model: " + COP
                    + " models --refresh" : "remove --endpoint, or endpoint: in the template");
            default -> rejected(request, refusal);
        };
    }

    private static Fault rejected(Request request, ErrorResponse refusal) {
        String values = RefusedFields.values(refusal), effort = Json.text(request.optionsView(), "reasoning_effort");
        boolean ofEffort = refusal.kind().equals("invalid_reasoning_effort") || !effort.isEmpty()
                && Pattern.compile("['\"`]" + Pattern.quote(effort) + "['\"`]").matcher(refusal.message()).find();
        String field = ofEffort ? "reasoning_effort"
                : RefusedFields.named(refusal).map(RefusedFields::requestField).orElse("");
        if (values.isEmpty() && !request.optionsView().has(field)) return null;
        return Fault.error("GitHub rejected the request: " + refusal.description(), values.isEmpty() ? "remove " + field
                : "use " + (ofEffort ? "--reasoning-effort " : "") + values);
    }

    private static Fault notSupported(CopilotClient copilot, String model, String reason) {
        String lead = "this account cannot use the model \"" + model + "\": " + reason;
        var list = copilot.models().recent().orElse(null);
        if (list == null) return Fault.error(lead, COP + " models");
        if (list.onlyAuto()) return Fault.error(lead + "; " + ModelList.ONLY_AUTO, COP + " models default auto");
        boolean disabled = list.find(model).filter(known -> !known.enabled()).isPresent();
        return Fault.error(lead, disabled ? "enable it, or ask your organization's administrator: " + COP
                + " models enable " + model : (Suggestions.hint(model, list.chatModels(), "") + " use "
                + String.join(", ", Suggestions.sorted(model, list.chatModels()))).strip()
                + ", or auto; enable more: https://github.com/settings/copilot/features");
    }
}

final class ModelTable {
    static final List<String> COLUMNS = List.of("ID", "VENDOR", "CONTEXT", "OUTPUT", "PRICE", "CREDITS", "ENDPOINTS",
            "ABILITIES", "NOTES");

    static List<String> row(Model model) {
        return List.of(model.id(), model.vendor(), count(model.contextWindow()), count(model.maxOutputTokens()),
                model.multiplier().map(times -> times.toPlainString() + "x").orElse(""), credits(model), model.paths(),
                model.abilities(), notes(model));
    }

    static List<List<String>> details(Model model) {
        var rows = new ArrayList<List<String>>();
        var cells = row(model);
        for (int i = 0; i < cells.size(); i++) rows.add(List.of(COLUMNS.get(i).toLowerCase(Locale.ROOT), cells.get(i)));
        addFields("", model.json(), rows);
        return rows.stream().filter(row -> !row.getLast().isEmpty()).toList();
    }

    private static void addFields(String name, JsonNode value, List<List<String>> rows) {
        String text = Json.compact(value).replace("\",\"", "\", \"");     // so that a list wraps between its items
        if (!value.isObject()) rows.add(List.of(name, value.isString() ? value.asString() : text));
        value.properties().forEach(each -> addFields(name + (name.isEmpty() ? "" : ".") + each.getKey(),
                each.getValue(), rows));
    }

    private static String credits(Model model) {
        return !model.hasPrices() ? "" : Stream.of(1_000_000, 0).map(in -> model.priced(new Usage(in, 1_000_000 - in, 0,
                0, 0, false)).price()).collect(Collectors.joining("/"));
    }

    private static String notes(Model model) {
        var notes = new ArrayList<String>();
        if (model.isAuto()) notes.add("GitHub chooses; the only one on Free and Student plans");
        if (model.isDefault()) notes.add("default");
        if (!model.enabled()) notes.add("not enabled");
        if (model.json().path("preview").asBoolean(false)) notes.add("preview");
        if (!model.isChat()) notes.add(model.type());
        else if (!model.chats()) notes.add("not for chat");
        for (var message : model.json().path("warning_messages")) notes.add(Json.text(message, "message"));
        return String.join(", ", notes);
    }

    private static String count(long tokens) {
        return tokens == 0 ? "" : tokens < 10_000 ? Long.toString(tokens) : tokens / 1000 + "k";
    }
}

// ================================================================================================== Token
// Step 4: finds GitHub tokens, and exchanges, caches and renews Copilot tokens. There are three kinds:
//
//  - A `GithubToken` is valid until revoked. `CredentialSources` finds it. Only GitHub's own hosts see it
//    (`Headers.github`), or the API if it accepts it directly (`TokenManager.direct`). File: login.json.
//  - A `Token`, Copilot's, is valid for about 25 minutes. Only `TokenManager.renew` gets a new one: when it is due
//    (`Token.refreshAt`), after a 401, a 421 or another integration's rejection (`CopilotClient.send`), for
//    `token --refresh`, and at a login. Only the API host that GitHub names with it sees it, if `Host.trusted` allows
//    (`Headers.copilot`). Files: token-*.json in the cache, named by a hash of the GitHub token.
//  - A session's token (`AutoModel`) limits which models `auto` may choose; the same API host sees it. Files:
//    auto-*.json in the cache.
//
// The files have mode 0600. `copilot token`, `copilot api` and the verbs print tokens on request; everything on stderr
// is masked (`Secrets`).

/// A GitHub token and its source, which `key` ignores.
record GithubToken(String source, String value, String user) {
    static final String STDIN = "standard input", BROWSER = "this login";

    /// Returns a hash for file names; tokens have over 160 random bits.
    String key(Host host) { return Text.sha256(host.name() + "\n" + value).substring(0, 20); }

    /// Includes our identity, on which GitHub's answers depend.
    String key(Context context) { return key(context.host()) + "-" + context.headers().identity(); }

    Path file(String kind, Context context) { return context.home().cache().resolve(kind + key(context) + ".json"); }

    static boolean wellFormed(String token) {
        return !token.isEmpty() && token.chars().allMatch(c -> c > ' ' && c < 127);
    }

    String name() { return user.isEmpty() ? "?" : Text.printable(user); }

    private static final Map<String, String> KINDS = Map.of(
            "ghp_", "classic personal access tokens cannot use Copilot",
            "github_pat_", "fine-grained personal access tokens only work in GitHub's own copilot CLI and SDK",
            "ghs_", "installation tokens, such as GitHub Actions' GITHUB_TOKEN, only work in GitHub's own copilot CLI"
                    + " (permissions: copilot-requests: write)");

    /// Returns whether it is meant for GitHub's own CLI, which reads the same variable.
    boolean isSkipped() { return source.equals(CredentialSources.CHOICE) && useless().isPresent(); }

    Optional<String> useless() { return KINDS.keySet().stream().filter(value::startsWith).findFirst().map(KINDS::get); }
}

/// Our own login and all other sources of GitHub tokens, in order of use.
record CredentialSources(Context context) {
    static final String OWN = "your login", CHOICE = "COPILOT_GITHUB_TOKEN";
    private static final String APPS = "the editors' apps.json", HOSTS = "the editors' hosts.json",
            LIMIT = "COP_TOKEN_SOURCE";
    static final List<String> ORDER = List.of(CHOICE, OWN, "GH_TOKEN", "GITHUB_TOKEN", APPS, HOSTS);

    List<GithubToken> all() {
        var seen = new HashSet<String>();
        return ORDER.stream().flatMap(source -> tokensFrom(source).stream()).filter(t -> seen.add(t.value())).toList();
    }

    /// Returns the tokens to try. COPILOT_GITHUB_TOKEN chooses an account, so no other is used instead, except our own
    /// login in place of a token that only GitHub's own CLI accepts.
    List<GithubToken> usable() {
        var all = all();
        if (all.isEmpty() || !all.getFirst().source().equals(CHOICE)) return all;
        boolean own = all.getFirst().isSkipped();
        return all.stream().filter(token -> token.source().equals(CHOICE) || own && token.source().equals(OWN))
                .toList();
    }

    String loginHint() {
        var usable = usable();
        return usable.size() == 1 && usable.getFirst().source().equals(CHOICE)
                ? "unset COPILOT_GITHUB_TOKEN, or set COP_TOKEN_SOURCE=login to use your own login (" + COP + " login)"
                : barred(OWN).isPresent() ? "unset COP_TOKEN_SOURCE, or add login to it" : COP + " login";
    }

    List<GithubToken> tokensFrom(String source) { return barred(source).isEmpty() ? read(source) : List.of(); }

    Optional<String> ignored(String source) { return barred(source).filter(_ -> !read(source).isEmpty()); }

    /// Returns why a source is not used. A custom --host gets no tokens that were made for GitHub.
    private Optional<String> barred(String source) {
        boolean ofGithub = !source.equals(OWN) && !source.equals(CHOICE);
        if (ofGithub && context.host().custom()) return Optional.of("not sent to a custom --host");
        String list = Objects.requireNonNullElse(context.env().variable(LIMIT), "env, login, editor");
        if (!list.matches("\\s*((env|login|editor)\\s*(,\\s*(?=[elo])|$))+")) {
            throw Fault.usage("unknown source in " + LIMIT + "=" + list, "list any of env, login, editor");
        }
        String kind = source.equals(OWN) ? "login" : source.startsWith("the editors") ? "editor" : "env";
        return list.contains(kind) ? Optional.empty() : Optional.of("disabled by " + LIMIT + "=" + list);
    }

    private List<GithubToken> read(String source) {
        return switch (source) {
            case OWN -> stored().stream().toList();
            case APPS, HOSTS -> editor(source, source.replaceFirst(".* ", ""));
            default -> Stream.ofNullable(context.env().variable(source)).map(text -> unquoted(text, source))
                    .filter(token -> !token.isEmpty()).map(token -> new GithubToken(source, token, "")).toList();
        };
    }

    /// Removes the quotes that `docker --env-file` keeps.
    String unquoted(String text, String source) {
        String token = text.strip().replaceFirst("(?s)\\A([\"'])\\s*(.*?)\\s*\\1\\z", "$2");
        var console = context.console();
        if (!token.equals(text.strip())) console.once(console::note, "ignoring the quotes around " + source);
        return token;
    }

    /// Reads the editor plug-ins' files, keyed by host (hosts.json) or host:clientId (apps.json).
    private List<GithubToken> editor(String source, String name) {
        String host = context.host().name();
        var file = context.home().readOrEmpty(context.home().editors().resolve(name), context.console()::detail);
        return file.properties().stream()
                .filter(entry -> context.host().custom() || (entry.getKey() + ":").startsWith(host + ":"))
                .map(Map.Entry::getValue).filter(entry -> !Json.text(entry, "oauth_token").isEmpty())
                .map(entry -> new GithubToken(source, Json.text(entry, "oauth_token"), Json.text(entry, "user")))
                .toList();
    }

    Optional<GithubToken> stored() {
        var entry = context.home().readOrEmpty(context.home().login(), context::warnOnce).path(context.host().name());
        return Optional.of(new GithubToken(OWN, Json.text(entry, "token"), Json.text(entry, "user")))
                .filter(login -> !login.value().isEmpty());
    }

    void store(GithubToken login) {
        change(all -> all.set(context.host().name(), Json.object().put("user", login.user())
                .put("token", login.value()).put("created", context.now().toString())));
    }

    void forget() { change(all -> all.remove(context.host().name())); }

    private void change(Consumer<ObjectNode> edit) {
        context.home().edit(context.home().login(), context::warnOnce, edit);
    }

    String user(GithubToken token) {
        var call = ApiRequest.get(context.host().rest("/user"), context.headers().github(token.value()));
        return context.attempt(() -> context.http().send(call, ResponseHandler.json("who is logged in")))
                .map(answer -> Json.text(answer, "login")).orElse("");
    }
}

/// Copilot tokens, cached by a hash of their GitHub token. One process at a time renews a token; the others use it.
final class TokenManager {
    private static final String REJECTED = "rejected";

    private final Context context;
    private final CredentialSources sources;
    private volatile Active active;                         // in use by this process

    /// @param until when to look for another; soon if renewal failed
    private record Active(GithubToken source, Token token, Instant until) {}

    TokenManager(Context context, CredentialSources sources) {
        this.context = context;
        this.sources = sources;
    }

    // ---- used by the parts above

    /// Returns the current token, from the first source that works.
    ///
    /// @throws Fault with exit code 4, naming every source and why it failed
    Token get() {
        var known = active;
        var now = context.now();
        if (known == null) return firstAccepted(this::tokenFor);
        boolean good = now.isBefore(known.until()) && known.token().isUsable(now);
        return good ? known.token() : orAnother(known.source(), () -> tokenFor(known.source()));
    }

    /// Exchanges even if a fresh token is cached.
    Token refresh() { return firstAccepted(source -> renew(source, cached(source).orElse(null), false)); }

    /// Renews a refused token, unless another process has just done so.
    Token refreshAfter401(Token refused) {
        var source = source();
        return orAnother(source, () -> renew(source, refused, false));
    }

    /// Replaces a source that was revoked while in use.
    private Token orAnother(GithubToken source, Supplier<Token> renewal) {
        return unlessRejected(() -> activate(source, renewal.get()), revoked -> {
            if (ApiError.behind(revoked) != null) remember(source, revoked);
        }).orElseGet(() -> firstAccepted(this::tokenFor));
    }

    GithubToken source() {
        get();
        return active.source();                             // never null again
    }

    Optional<GithubToken> used() { return Optional.ofNullable(active).map(Active::source); }

    /// @throws Fault if GitHub refuses it, or has within a day
    Token tokenFor(GithubToken source) {
        return cached(source).filter(token -> token.isFresh(context.now())).orElseGet(() -> renew(source, null, false));
    }

    Token exchangeNow(GithubToken source) { return renew(source, cached(source).orElse(null), true); }

    boolean isAccepted(GithubToken source) { return unlessRejected(() -> tokenFor(source), _ -> { }).isPresent(); }

    Optional<String> plan(GithubToken source) { return cached(source).map(Token::plan); }

    ObjectNode account(GithubToken source) { return internal(source, "/copilot_internal/user", "the account"); }

    /// Saves a new login after a successful exchange.
    ///
    /// @param untried save it also if GitHub cannot be reached
    Token verifyAndStore(GithubToken login, boolean untried) {
        try {
            var token = activate(login, exchangeNow(login));
            sources.store(new GithubToken(login.source(), login.value(), sources.user(login)));
            return token;
        } catch (Fault fault) {
            fault.rethrowIf(Fault.Kind.INTERRUPTED, Fault.Kind.ABUSE);
            boolean rejected = fault.is(Fault.Kind.TOKEN_REFUSED), saved = untried && !rejected;
            if (saved) sources.store(login);
            throw new Fault(fault.exitCode(), "login " + (saved ? "saved but not verified: " : rejected ? "not saved: "
                    : "not saved, because it could not be verified: ") + fault.message(), rejected ? fault.hint()
                    : saved ? "check it later: " + COP + " status" : "try again later", fault);
        }
    }

    /// Deletes what GitHub gave for a token, under any identity.
    void forget(GithubToken source) {
        context.home().deleteCached("{token,auto}-" + source.key(context.host()) + "*.json");
    }

    // ---- the choice of a source

    private Token firstAccepted(Function<GithubToken, Token> obtain) {
        var rejections = new ArrayList<Fault>();
        var usable = sources.usable();
        for (var source : usable) {
            var token = unlessRejected(() -> activate(source, obtain.apply(source)), rejections::add);
            if (token.isEmpty()) continue;
            // another account may be used than the one meant
            rejections.forEach(rejected -> context.console().once(context.console()::note, rejected.message()
                    + "; using " + source.source()));
            return token.get();
        }
        if (usable.isEmpty()) throw Fault.login("not logged in to " + context.host().name(), sources.loginHint());
        if (rejections.size() == 1) {
            var one = rejections.getFirst();
            throw usable.getFirst().source().equals(CredentialSources.CHOICE) ? one.withHint(sources.loginHint()) : one;
        }
        throw Fault.login("none of the GitHub tokens found can use Copilot: " + rejections.stream()
                .map(Fault::message).collect(Collectors.joining("; ")), COP + " login");
    }

    /// Returns empty, after calling `handler`, if GitHub rejects the token.
    private static <T> Optional<T> unlessRejected(Supplier<T> work, Consumer<Fault> handler) {
        try {
            return Optional.of(work.get());
        } catch (Fault fault) {
            if (!fault.is(Fault.Kind.TOKEN_REFUSED)) throw fault;
            handler.accept(fault);
            return Optional.empty();
        }
    }

    private Token activate(GithubToken source, Token token) {
        var now = context.now();
        active = new Active(source, token, token.isFresh(now) ? token.refreshAt() : now.plusSeconds(60));
        return token;
    }

    // ---- the exchange

    /// The only place that renews a token.
    ///
    /// @param unwanted a token not to be returned again; null accepts any fresh one
    /// @param again ask GitHub even if it has refused the source within a day
    private Token renew(GithubToken source, Token unwanted, boolean again) {
        boolean wellFormed = GithubToken.wellFormed(source.value());
        if (!wellFormed || source.isSkipped()) {
            throw Fault.refused(source.source() + (wellFormed ? " is skipped: " + source.useless().get()
                    : " is not a valid token (it has a space, newline, or non-ASCII character)"),
                    "fix or unset it, or run " + COP + " login");
        }
        try {
            return context.http().withRetries(3, () -> context.home().locked("token-" + source.key(context), () ->
                    otherOrExchanged(source, unwanted, again)));
        } catch (Fault fault) {
            fault.rethrowIf(Fault.Kind.TOKEN_REFUSED, Fault.Kind.INTERRUPTED, Fault.Kind.ABUSE);
            var old = cached(source).filter(token -> unwanted == null && token.isUsable(context.now()));
            if (old.isEmpty()) throw fault;
            context.console().warn("cannot renew the Copilot token, using the old one: " + fault.message());
            return old.get();
        }
    }

    private Token otherOrExchanged(GithubToken source, Token unwanted, boolean again) {
        var other = cached(source).filter(token -> token.isFresh(context.now()));
        if (other.isPresent() && (unwanted == null || !other.get().value().equals(unwanted.value())
                || other.get().fetched().isAfter(unwanted.fetched()))) return other.get();
        if (!again) throwIfRecentlyRejected(source);
        try {
            return exchange(source);
        } catch (Fault trouble) {
            if (trouble.is(Fault.Kind.TOKEN_REFUSED) && other.isEmpty()) remember(source, trouble);
            throw trouble;
        }
    }

    private Token exchange(GithubToken source) {
        var fetched = context.now();
        ObjectNode answer;
        try {
            answer = internal(source, "/copilot_internal/v2/token", "the token exchange");
        } catch (Fault rejected) {
            var refusal = ApiError.behind(rejected);
            boolean ofItsApp = rejected.is(Fault.Kind.TOKEN_REFUSED) && source.value().startsWith("gho_")
                    && refusal.status() != 401 && !refusal.json().has("error_details");
            if (!ofItsApp) throw rejected;
            answer = direct(source, rejected);
        }
        var token = token(answer, fetched, context.host());
        keep(source, token.direct() ? answer.deepCopy().without("token") : answer, fetched);
        return token;
    }

    /// Uses the token of an OAuth app such as the GitHub CLI directly: the exchange rejects it, but the API accepts it
    /// (opencode, pydantic-ai #8059). GitHub's account data names the API host.
    ///
    /// @throws Fault `rejected`, if the account has no chat either
    private ObjectNode direct(GithubToken source, Fault rejected) {
        var account = unlessRejected(() -> account(source), neither -> context.console().detail(neither.message()))
                .filter(each -> each.path("chat_enabled").asBoolean(true)).orElseThrow(() -> rejected);
        return Json.object().put(Token.DIRECT, true).put("token", source.value())
                .put("refresh_in", Duration.ofDays(1).toSeconds()).put("sku", Json.text(account, "access_type_sku"))
                .put("plan", Json.text(account, "copilot_plan")).set("endpoints", account.path("endpoints"));
    }

    private ObjectNode internal(GithubToken source, String path, String what) {
        var call = ApiRequest.get(context.host().rest(path), context.headers().internal(source.value()));
        return context.http().send(call.explained(answer -> ExchangeErrors.of(source, answer)),
                ResponseHandler.json(what));
    }

    /// @throws Fault if the answer has no token, or names an untrusted API host
    static Token token(ObjectNode answer, Instant fetched, Host host) {
        String value = Json.text(answer, "token");
        if (!GithubToken.wellFormed(value)) throw Fault.error("the token exchange returned no token",
                COP + " status -v");
        return new Token(answer, fetched, api(answer, value, host));
    }

    /// Returns `endpoints.api`, else `api.X` from the token's `proxy-ep=proxy.X`, else the host's default.
    private static URI api(ObjectNode answer, String token, Host host) {
        String named = Json.text(answer.path("endpoints"), "api");
        var proxy = Pattern.compile("(?<![^;:])proxy-ep=proxy\\.([^;:]*)").matcher(token);
        if (named.isEmpty() && proxy.find()) named = "https://api." + proxy.group(1);
        return named.isEmpty() ? host.defaultApi() : host.requireTrusted(named);
    }

    // ---- the cache: one file per GitHub token, with GitHub's last answer: a Copilot token or a refusal

    private Optional<Token> cached(GithubToken source) {
        var last = context.home().readCached(source.file("token-", context));
        return last.filter(kept -> !kept.answer().has(REJECTED)).flatMap(kept -> context.attempt(() -> {
            var answer = kept.answer();
            if (answer.path(Token.DIRECT).asBoolean(false)) answer.put("token", source.value());
            return token(answer, kept.fetched(), context.host());
        }));
    }

    private void keep(GithubToken source, ObjectNode answer, Instant fetched) {
        context.home().writeCached(source.file("token-", context), answer, fetched, context.console());
        Home.deleteOld(context.home().cache(), "{token-,auto-,models-,learned-,ways-,.}*.{json,part}",
                context.now().minus(Duration.ofDays(2)));
    }

    private void remember(GithubToken source, Fault refused) {
        keep(source, Json.object().put(REJECTED, refused.message()).put("hint", refused.hint()), context.now());
    }

    private void throwIfRecentlyRejected(GithubToken source) {
        var now = context.now();
        var old = context.home().readCached(source.file("token-", context)).filter(kept -> kept.answer().has(REJECTED)
                && Durations.isRecent(kept.fetched(), Duration.ofDays(1), now)).orElse(null);
        if (old == null) return;
        throw Fault.refused(Json.text(old.answer(), REJECTED) + " (" + Durations.words(Duration.between(old.fetched(),
                now)) + " ago; check again: " + COP + " status --check)", Json.text(old.answer(), "hint"));
    }
}

/// Explains errors of step 4 (protocol: vscode-copilot-chat, LiteLLM and many issue threads).
final class ExchangeErrors {
    /// GitHub's abuse detection; nothing more is sent after it.
    private static final Set<String> VERDICTS = Set.of("programmatic_token_generation", "go_http_client");
    private static final String ENDED = "the subscription has ended. ", NONE = "the account has no Copilot. ";
    /// What GitHub's own words do not make clear.
    private static final Map<String, String> MEANINGS = Map.of("no_copilot_access", NONE, "not_signed_up", NONE,
            "subscription_ended", ENDED, "expired_coupon", ENDED, "revoked_coupon", ENDED,
            "enterprise_managed_user_account", "an administrator must allow it. ");

    static Fault of(GithubToken source, ErrorResponse answer) {
        int status = answer.status();
        if (answer.limited() || !Set.of(401, 403, 404).contains(status)) return null;   // the general message will do
        if (!answer.json().path("message").isString()) {
            return Fault.error("the token exchange response is not from GitHub: " + answer.description(),
                    "check --host, and whether a proxy requires a login");
        }
        var details = answer.json().path("error_details");
        if (!Json.text(details, "notification_id").isEmpty()) return notified(source, details, answer);
        String login = source.source().equals(GithubToken.BROWSER) ? COP + " login --client vscode" : COP + " login";
        String why = status == 401 ? "it is revoked, expired, or mistyped"
                : source.useless().orElse("its app cannot use Copilot");
        return rejected(source, why + ": " + answer.description(), login);
    }

    private static Fault notified(GithubToken source, JsonNode details, ErrorResponse answer) {
        String id = Json.text(details, "notification_id");
        String url = Json.text(details, "url").replace("{EDITOR}", "vscode");
        String words = Text.printable(Json.text(details, "title") + ": " + Json.text(details, "message")
                + (url.isEmpty() ? "" : " " + url)) + " " + answer.tags(id);
        if (VERDICTS.contains(id)) {
            return new Fault(Fault.Kind.ABUSE, Fault.ERROR, "blocked by GitHub's abuse detection: " + words,
                    "do not retry; ask GitHub Support", null);
        }
        if (id.equals("server_error")) return Fault.error("GitHub could not issue a Copilot token: " + words,
                "try again later");
        return rejected(source, MEANINGS.getOrDefault(id, "") + words, "open " + (url.isEmpty()
                ? "https://github.com/features/copilot" : url) + ", or log in as another user: " + COP + " login");
    }

    private static Fault rejected(GithubToken source, String why, String hint) {
        return Fault.refused("GitHub rejected the token from " + source.source() + ": " + why, hint);
    }
}

// ============================================================================================== Endpoints
// Requests in the formats of the three endpoints, and readers of their answers.

interface DeltaListener {
    /// @param choice the answer's index, below the request's `n`
    void text(int choice, String delta);

    default void reasoning(String delta) {}

    default void warning(String message) {}
}

/// An API endpoint: its path, request body and answer format.
/// @param headers added to ours
record Endpoint(String path, boolean knowsSchemas, Map<String, String> headers, Body form,
                BiFunction<DeltaListener, Integer, StreamReader> readers) {
    static final Endpoint CHAT = new Endpoint("/chat/completions", true, Map.of(), ChatCompletionsBody::of,
            ChatCompletionsStreamReader::new),
            RESPONSES = new Endpoint("/responses", true, Map.of(), ResponsesBody::of,
                    (listener, _) -> new ResponsesStreamReader(listener)),
            MESSAGES = new Endpoint("/v1/messages", false, Map.of("anthropic-version", "2023-06-01"), MessagesBody::of,
                    (listener, _) -> new MessagesStreamReader(listener));
    static final List<Endpoint> ALL = List.of(CHAT, RESPONSES, MESSAGES);
    static final String CHAT_MODELS = "use a model with the endpoint chat: " + COP + " models chat";

    interface Body {
        /// @param model null if no list of models is available
        /// @throws Fault if leaving a field out would change what was asked for
        ObjectNode of(Request request, Model model, Omitted omitted);
    }

    AnswerReader reader(DeltaListener listener, int n) { return new AnswerReader(() -> readers.apply(listener, n)); }

    /// Returns the fields of a request without those that only /chat/completions supports.
    ///
    /// @throws Fault if several answers are requested
    ObjectNode chatFields(Request request, Omitted omitted, String... unknown) {
        var fields = ChatCompletionsBody.plain(request).deepCopy();     // a batch row is used again
        fields.removeNulls();
        translate(fields, "max_completion_tokens", "max_tokens", most -> most);
        var others = Stream.of("seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs",
                "stream_options", "prediction", "thinking_budget", "user");
        for (String field : Stream.concat(others, Stream.of(unknown)).toList()) {
            if (fields.remove(field) == null) continue;
            omitted.add(field, path() + " does not support " + field);
        }
        var n = fields.remove("n");
        if (n == null || n.asInt(1) == 1) return fields;
        throw Fault.usage(path() + " does not support n=" + n, CHAT_MODELS);
    }

    /// @return the effort to send; empty if the model supports none
    /// @throws Fault if it supports only others
    static Optional<String> effort(Model model, String level, Omitted omitted) {
        var known = model == null ? List.of(level) : model.reasoningEfforts();
        if (known.contains(level)) return Optional.of(level);
        String unsupported = model.id() + " does not support reasoning_effort";
        if (!known.isEmpty()) throw Fault.usage(unsupported + " " + level, "use " + String.join(", ", known));
        omitted.add("reasoning_effort", unsupported);
        return Optional.empty();
    }

    /// Returns the parts of a message; a plain text counts as one.
    static Stream<JsonNode> parts(JsonNode message) {
        var content = message.path("content");
        return content.isString() ? Stream.of(Json.object().put("type", "text").set("text", content))
                : content.valueStream();
    }

    /// Removes what a message keeps for its model, and returns it if this is the model, asked on the same path:
    /// signatures and sealed reasoning are refused elsewhere (caozhiyuan/copilot-api #54).
    static JsonNode replay(Request request, String path, JsonNode message) {
        var kept = message instanceof ObjectNode own && own.has(Message.REPLAY) ? own.remove(Message.REPLAY) : message;
        return Json.text(kept, "model").equals(request.model()) ? kept.path(path) : kept.path("");
    }

    /// Returns the arguments of a call; none if the model wrote no object.
    static ObjectNode arguments(String json) {
        return Json.tryParse(json) instanceof ObjectNode object ? object : Json.object();
    }

    static void translate(ObjectNode body, String field, String there, UnaryOperator<JsonNode> value) {
        if (body.has(field)) body.set(there, value.apply(body.remove(field)));
    }

    static ObjectNode namedTool(String type, JsonNode choice) {
        return Json.object().put("type", type).put("name", Json.text(choice.path("function"), "name"));
    }
}

/// Picks the endpoint: the user's choice; one learned from a refusal; /v1/messages for Claude with images, thinking or
/// tools (as opencode and pi do); else the first of chat, responses and messages that the catalog lists.
final class EndpointSelector {
    static Endpoint usual(Delivery delivery, Optional<Model> model) {
        var served = delivery.endpoint() == null ? model.map(Model::endpoints).orElse(List.of())
                : List.of(Delivery.ENDPOINTS.get(delivery.endpoint()));
        return Endpoint.ALL.stream().filter(each -> served.contains(each.path())).findFirst().orElse(Endpoint.CHAT);
    }

    static Endpoint of(Request request, Optional<Model> model, EndpointMemory memory) {
        if (request.delivery().endpoint() != null) return usual(request.delivery(), model);
        boolean messages = needsMessages(request) && model.filter(Model::isClaude)
                .filter(claude -> claude.endpoints().contains("/v1/messages")).isPresent();
        return at(memory.path(request.model())).findFirst()
                .orElseGet(() -> messages ? Endpoint.MESSAGES : usual(Delivery.USUAL, model));
    }

    private static Stream<Endpoint> at(String path) {
        return Endpoint.ALL.stream().filter(each -> each.path().equals(path));
    }

    /// Returns whether chat serves Claude badly here: it bills images as the text of their base64.
    private static boolean needsMessages(Request request) {
        var fields = request.optionsView();
        boolean thinks = !List.of("", "none").contains(Json.text(fields, "reasoning_effort")) || fields.has("thinking");
        return (thinks || fields.has("tools") || request.hasImages())
                && !fields.has("response_format") && fields.path("n").asInt(1) == 1;
    }

    /// @param model from a list fetched just now
    static Endpoint instead(Endpoint refused, String id, Optional<Model> model) {
        var served = model.map(Model::endpoints).orElse(List.of()).stream().flatMap(EndpointSelector::at);
        var likely = id.startsWith("claude") ? Endpoint.ALL.reversed() : Endpoint.ALL;
        return Stream.concat(served, likely.stream()).filter(each -> !each.equals(refused)).findFirst().orElseThrow();
    }
}

/// Endpoints and refused fields learned from the service, kept until a newer list of models arrives.
///
///     {"gpt-5.4": "/responses", "gpt-5.4 /responses": "temperature seed"}
record EndpointMemory(Context context, Path file, ObjectNode known) {
    synchronized String path(String model) { return Json.text(known, model); }

    /// Returns what a model refuses, in the form of `RefusedFields.LESSON`.
    List<String> refused(String model, String path) { return List.of(path(model + " " + path).split(" ")); }

    void learnPath(String model, String path) { change(all -> all.put(model, path), true); }

    /// Keeps lessons about auto in memory only, as its next model may accept the field.
    void learnRefused(String model, String path, String field) {
        String key = model + " " + path;
        change(all -> all.put(key, Stream.concat(Stream.of(Json.text(all, key).split(" ")), Stream.of(field)).distinct()
                .collect(Collectors.joining(" ")).strip()), !Model.isAuto(model));
    }

    void forget() { change(ObjectNode::removeAll, Files.exists(file)); }

    /// Ignores disk errors, as `known` has the change.
    private void change(Consumer<ObjectNode> change, boolean keep) {
        synchronized (this) {
            change.accept(known);
        }
        if (keep) context.attempt(() -> context.home().edit(file, context.console()::detail, change));
    }
}

/// Requested fields that are not sent because the model does not support them.
record Omitted(Request request, Consumer<String> warning, Set<String> names) {
    Omitted(Request request, Consumer<String> warning) { this(request, warning, new LinkedHashSet<>()); }

    /// @param why such as `gpt-5.4 does not support temperature`
    /// @throws Fault if the field is required
    void add(String field, String why) {
        if (request.delivery().required().contains(field)) throw Fault.usage(why, "remove " + field);
        names.add(field);
        warning.accept(why + "; dropping it");
    }
}

/// Optional fields that models refuse, unannounced, with a 400 that names one: they are left out from then on.
final class RefusedFields {
    private static final Set<String> OPTIONAL = Set.of("temperature", "top_p", "seed", "max_tokens",
            "max_completion_tokens", "reasoning_effort", "top_logprobs", "parallel_tool_calls");
    private static final Set<String> ADDED = Set.of("store", "reasoning.summary", "thinking.display");
    private static final String NAME = "(?<![\\w.\\]])[a-z_]+(?:\\.[a-z_]+)*";
    /// In the words of OpenAI, Anthropic and Copilot, without quotes (github/app #2574, pydantic-ai #8059, jcode #558).
    private static final Pattern WORDS = Pattern.compile("(?i)(?<=(?:Unsupported parameter|Unknown parameter|supplied):"
            + " )" + NAME + "|(?<=Unsupported value: )" + NAME + "(?= does not support)|" + NAME
            + "(?= is (?:deprecated|not supported) (?:for|with|by) this model|: Extra inputs are not permitted)"
            + "|reasoning_effort(?= .*does not support reasoning effort)");
    private static final Pattern BOTH = Pattern.compile("`([a-z_]+)` and `([a-z_]+)` cannot both be");
    /// If other values are supported, the field is not left out: the user must choose one.
    private static final Pattern VALUES = Pattern.compile("(?i)supported values(?: are)?:? *\\[?([^\\].]+)");
    private static final Pattern INSTEAD = Pattern.compile("[Uu]se '([a-z_]+)' instead");
    private static final String QUOTES = "['\"`]";
    /// `FIELD`; `OLD>NEW` for a renamed field; `FIELD&OTHER` for one refused next to another.
    private static final Pattern LESSON = Pattern.compile("([^>&]+)(?:([>&])(.+))?");

    /// Returns the field that a refusal names, as sent: `reasoning.effort`.
    static Optional<String> named(ErrorResponse refusal) {
        if (refusal.status() != 400 || !values(refusal).isEmpty()) return Optional.empty();
        var words = WORDS.matcher(refusal.message().replaceAll(QUOTES, ""));
        if (words.find()) return Optional.of(words.group());
        boolean ofField = refusal.kind().matches("unsupported_(parameter|value)|unknown_parameter");
        return Optional.of(Json.text(refusal.json().path("error"), "param")).filter(name -> ofField && !name.isEmpty());
    }

    static String values(ErrorResponse refusal) {
        var list = VALUES.matcher(refusal.message());
        return list.find() ? list.group(1).replaceAll(QUOTES + "|\\b(and|or)\\b", "").strip().replaceAll("[\\s,]+", "|")
                : "";
    }

    /// Returns what to remember of a refusal; empty if sending again is useless or unwanted.
    static Optional<String> lesson(Request request, ObjectNode body, ErrorResponse refusal) {
        var both = BOTH.matcher(refusal.status() == 400 ? refusal.message() : "");
        if (both.find()) return droppable(request, body, both.group(2)).map(path -> path + "&" + both.group(1));
        return named(refusal).flatMap(name -> droppable(request, body, name)).map(path -> {
            var other = INSTEAD.matcher(refusal.message());
            return other.find() && !body.has(other.group(1)) ? path + ">" + other.group(1) : path;
        });
    }

    static ObjectNode without(List<String> refused, Request request, ObjectNode body, Omitted omitted) {
        String who = Model.isAuto(request.model()) ? "the model that GitHub chose" : request.model();
        for (String each : refused) {
            var lesson = LESSON.matcher(each);
            if (!lesson.matches() || "&".equals(lesson.group(2)) && !body.has(lesson.group(3))) continue;
            droppable(request, body, lesson.group(1)).ifPresent(path -> {
                String top = path.replaceFirst("\\..*", "");
                var parent = path.equals(top) ? body : (ObjectNode) body.path(top);
                var value = parent.remove(path.substring(path.indexOf('.') + 1));
                if (parent != body && parent.isEmpty()) body.remove(top);
                String field = requestField(path);
                if (">".equals(lesson.group(2))) body.set(lesson.group(3), value);
                else if (among(request.optionsView().propertyNames(), field)) omitted.add(field, who
                        + " does not support " + field + ("&".equals(lesson.group(2)) ? " with " + lesson.group(3)
                        : ""));
            });
        }
        return body;
    }

    /// Returns the path to leave out: `reasoning.effort`, or `thinking` for a value in it.
    private static Optional<String> droppable(Request request, ObjectNode body, String name) {
        String[] parts = name.split("\\.");
        boolean inner = parts.length == 2 && !parts[1].equals("type") && body.path(parts[0]).has(parts[1]);
        String path = inner ? name : parts[0], field = requestField(path);
        boolean own = request.optionsView().has(parts[0]);
        boolean optional = OPTIONAL.contains(field) && (!own || OPTIONAL.contains(parts[0]))
                && !among(request.delivery().required(), field);
        return body.has(parts[0]) && (ADDED.contains(path) ? !own : optional) ? Optional.of(path) : Optional.empty();
    }

    static String optional(Request request) {
        return OPTIONAL.stream().filter(request.optionsView()::has).sorted().collect(Collectors.joining(" "));
    }

    static String requestField(String path) {
        return switch (path) {
            case "max_completion_tokens", "max_output_tokens" -> "max_tokens";
            case "reasoning", "reasoning.effort", "thinking", "thinking_budget", "output_config",
                    "output_config.effort" -> "reasoning_effort";
            default -> path;
        };
    }

    private static boolean among(Collection<String> names, String field) {
        return names.stream().map(RefusedFields::requestField).anyMatch(field::equals);
    }
}

/// Facts about families of ids that neither the catalog nor a refusal reveals in time.
///
/// | family               | fact                                    | as of      | source                    |
/// |----------------------|-----------------------------------------|------------|---------------------------|
/// | o…, gpt-5 and later  | `max_tokens` is `max_completion_tokens` | 2026-11-28 | ericc-ch/copilot-api #222 |
/// | *-free-auto and such | work only within a session of auto      | 2026-08-08 | spinabot/brigade #97      |
final class Families {
    static boolean limitsCompletion(String id) { return id.matches("(o\\d|gpt-[5-9]).*"); }

    /// Returns whether an id is listed but not requested by name.
    static boolean isPseudo(String id) {
        return id.matches("auto|auto-model-.*|.*-free-auto|copilot-search-.*|exec-agent-.*");
    }
}

/// `POST /chat/completions`, in OpenAI's format.
final class ChatCompletionsBody {
    /// Returns the body before changes for the model; the user's fields override ours. Batch keys are hashes of it.
    static ObjectNode plain(Request request) {
        var body = Json.object().put("model", request.model());
        var messages = body.putArray("messages");
        for (var message : request.messages()) {
            if (message.raw() != null) messages.add(message.raw());
            else messages.addObject().put("role", message.role()).set("content", content(message));
        }
        body.put("stream", request.stream());
        body.setAll(request.optionsView());
        return body;
    }

    /// Returns a text, or with images a list of parts.
    private static JsonNode content(Message message) {
        if (message.images().isEmpty()) return JsonNodeFactory.instance.stringNode(message.content());
        var text = Json.object().put("type", "text").put("text", message.content());
        return Json.array(Stream.concat(Stream.of(text).filter(_ -> !message.content().isEmpty()), message.images()
                .stream().map(image -> Json.object().put("type", "image_url").set("image_url", Json.object().put("url",
                image.dataUrl())))));
    }

    /// Newer OpenAI models renamed the token limit, Claude requires one, and auto is requested by sending no model.
    static ObjectNode of(Request request, Model model, Omitted omitted) {
        var body = plain(request).deepCopy();               // a batch row is used again
        String id = Json.text(body, "model");
        if (Model.isAuto(id)) body.remove("model");
        body.path("messages").forEach(message -> Endpoint.replay(request, "/chat/completions", message).properties()
                .forEach(own -> ((ObjectNode) message).set(own.getKey(), own.getValue())));
        if (Families.limitsCompletion(id) && !body.has("max_completion_tokens")) Endpoint.translate(body, "max_tokens",
                "max_completion_tokens", most -> most);
        if (model != null && body.has("reasoning_effort")) {
            String wished = body.remove("reasoning_effort").asString("");
            if (model.reasoningEfforts().isEmpty() && model.thinksByBudget() && !wished.equals("none")) {
                long most = body.path("max_tokens").asLong(Long.MAX_VALUE) - 1;
                body.put("thinking_budget", Math.min(most, model.thinkingBudget(wished)));
            } else {
                Endpoint.effort(model, wished, omitted).ifPresent(effort -> body.put("reasoning_effort", effort));
            }
        }
        if (model != null && model.isClaude()) {
            if (!body.has("max_tokens")) body.put("max_tokens", model.maxOutputTokens(request.stream()));
            // an answer to be continued: Claude refuses trailing spaces
            if (body.path("messages").path(body.path("messages").size() - 1) instanceof ObjectNode last
                    && Json.text(last, "role").equals("assistant") && last.path("content").isString()) {
                last.put("content", Json.text(last, "content").stripTrailing());
            }
        }
        return body;
    }
}

/// `POST /responses`, OpenAI's newer format. Nothing is stored or referred to: Copilot changes ids with every event.
final class ResponsesBody {
    static ObjectNode of(Request request, Model model, Omitted omitted) {
        var body = Endpoint.RESPONSES.chatFields(request, omitted);
        if (body.has("stop")) throw Fault.usage("/responses does not support stop", Endpoint.CHAT_MODELS);
        Endpoint.translate(body, "messages", "input", messages -> input(request, messages));
        Endpoint.translate(body, "max_tokens", "max_output_tokens", most -> JsonNodeFactory.instance.numberNode(
                Math.max(16, most.asLong())));              // fewer are refused
        Endpoint.translate(body, "tools", "tools", tools -> Json.array(tools.valueStream().map(ResponsesBody::tool)));
        Endpoint.translate(body, "tool_choice", "tool_choice", choice -> choice.isObject()
                ? Endpoint.namedTool("function", choice) : choice);
        if (body.remove("response_format") instanceof JsonNode format) body.withObject("/text").set("format",
                format.path("json_schema") instanceof ObjectNode schema ? schema.put("type", "json_schema") : format);
        Optional.ofNullable(body.remove("reasoning_effort"))
                .flatMap(effort -> Endpoint.effort(model, effort.asString(""), omitted))
                .ifPresent(effort -> body.withObject("/reasoning").put("effort", effort));
        boolean thinks = model != null && model.supports("reasoning_effort");
        if (thinks && !body.at("/reasoning/summary").isString()) body.withObject("/reasoning").put("summary", "auto");
        if (thinks && body.has("tools")) body.withArray("include").add("reasoning.encrypted_content");  // to replay it
        return body.has("store") ? body : body.put("store", false);
    }

    private static ArrayNode input(Request request, JsonNode messages) {
        var input = JsonNodeFactory.instance.arrayNode();
        for (var message : messages) {
            String role = Json.text(message, "role");
            if (Endpoint.replay(request, "/responses", message) instanceof ArrayNode own) {
                input.addAll(own);
                continue;
            }
            if (role.equals("tool")) {
                input.addObject().put("type", "function_call_output").put("call_id", Json.text(message, "tool_call_id"))
                        .put("output", Message.text(message.path("content")));
                continue;
            }
            String type = role.equals("assistant") ? "output_text" : "input_text";
            var content = Json.array(Endpoint.parts(message).map(part -> Json.text(part, "type").equals("image_url")
                    ? Json.object().put("type", "input_image").set("image_url", part.path("image_url").path("url"))
                    : Json.object().put("type", type).put("text", Json.text(part, "text"))));
            if (!content.isEmpty()) input.addObject().put("role", role).set("content", content);
            for (var call : message.path("tool_calls")) {
                input.addObject().put("type", "function_call").put("call_id", Json.text(call, "id"))
                        .put("name", Json.text(call.path("function"), "name"))
                        .put("arguments", Json.text(call.path("function"), "arguments"));
            }
        }
        return input;
    }

    /// Turns `strict` off: Copilot's default is on (as users found), and fails schemas not written for it.
    private static JsonNode tool(JsonNode tool) {
        if (!(tool.path("function") instanceof ObjectNode function)) return tool;
        function.put("type", "function");
        return function.has("strict") ? function : function.put("strict", false);
    }
}

/// `POST /v1/messages`, Anthropic's format, for Claude.
final class MessagesBody {
    static ObjectNode of(Request request, Model model, Omitted omitted) {
        var body = Endpoint.MESSAGES.chatFields(request, omitted, "top_logprobs", "parallel_tool_calls");
        messages(request, body, body.path("messages"));
        Endpoint.translate(body, "stop", "stop_sequences", stop -> stop.isArray() ? stop : Json.array(Stream.of(stop)));
        Endpoint.translate(body, "tools", "tools", tools -> Json.array(tools.valueStream().map(MessagesBody::tool)));
        Endpoint.translate(body, "tool_choice", "tool_choice", choice -> choice.isObject()
                ? Endpoint.namedTool("tool", choice)
                : Json.object().put("type", choice.asString().equals("required") ? "any" : choice.asString()));
        JsonNode effort = body.remove("reasoning_effort"), format = body.remove("response_format");
        if (!body.has("max_tokens")) body.put("max_tokens",
                model == null ? 4096 : model.maxOutputTokens(request.stream()));
        if (effort != null && !effort.asString("").equals("none")) think(body, model, effort.asString(""), omitted);
        if (format != null && !Json.text(format, "type").equals("text")) ask(body, request, format);
        return body;
    }

    /// Newer models take an effort, and show thoughts only if asked for a summary (opencode's models.ts, pi #3292).
    private static void think(ObjectNode body, Model model, String effort, Omitted omitted) {
        String id = Json.text(body, "model");
        long most = body.path("max_tokens").asLong() - 1;
        if (model != null && model.supports("adaptive_thinking")) {
            body.putObject("thinking").put("type", "adaptive").put("display", "summarized");
            Endpoint.effort(model, effort, omitted)
                    .ifPresent(wished -> body.putObject("output_config").put("effort", wished));
        } else if (model != null && model.thinksByBudget() && most >= 1024) {      // Anthropic's minimum
            body.putObject("thinking").put("type", "enabled")
                    .put("budget_tokens", Math.min(most, model.thinkingBudget(effort)));
        } else {
            omitted.add("reasoning_effort", id + " does not support reasoning_effort" + (model == null
                    || !model.thinksByBudget() ? "" : " with max_tokens below 1025"));
            return;
        }
        if (body.remove("temperature") != null) omitted.add("temperature",
                id + " does not support temperature with reasoning");
    }

    private static void ask(ObjectNode body, Request request, JsonNode format) {
        var schema = format.at("/json_schema/schema");
        if (!schema.isObject() || request.delivery().required().contains("response_format")) {
            throw Fault.usage("/v1/messages does not support response_format",
                    "use --schema, which asks for JSON in the prompt and checks the answer");
        }
        if (body.path("messages").path(body.path("messages").size() - 1).path("content") instanceof ArrayNode last) {
            last.addObject().put("type", "text").put("text", ResponseSchema.instruction(schema));
        }
    }

    private static void messages(Request request, ObjectNode body, JsonNode chat) {
        var system = new StringJoiner("\n\n");
        var messages = body.putArray("messages");
        String before = "";
        for (var message : chat) {
            String role = Json.text(message, "role");
            var content = Endpoint.replay(request, "/v1/messages", message) instanceof ArrayNode own ? own
                    : content(message, role);
            if (role.equals("system") || role.equals("developer")) {
                system.add(Message.text(message.path("content")));
            } else if (role.equals("tool") && before.equals("tool")) {      // all results belong into one message
                messages.path(messages.size() - 1).withArray("content").addAll(content);
            } else if (!content.isEmpty()) {
                messages.addObject().put("role", role.equals("tool") ? "user" : role).set("content", content);
            }
            before = role;
        }
        if (system.length() > 0) body.put("system", system.toString());
    }

    /// Drops empty texts and trailing spaces of the assistant, which are refused.
    private static ArrayNode content(JsonNode message, String role) {
        var parts = JsonNodeFactory.instance.arrayNode();
        if (role.equals("tool")) {
            parts.addObject().put("type", "tool_result").put("tool_use_id", Json.text(message, "tool_call_id"))
                    .put("content", Message.text(message.path("content")));
            return parts;
        }
        Endpoint.parts(message).forEach(part -> {
            String said = Json.text(part, "text"), text = role.equals("assistant") ? said.stripTrailing() : said;
            if (Json.text(part, "type").equals("image_url")) image(parts, Json.text(part.path("image_url"), "url"));
            else if (!text.isBlank()) parts.addObject().put("type", "text").put("text", text);
        });
        for (var call : message.path("tool_calls")) {
            parts.addObject().put("type", "tool_use").put("id", Json.text(call, "id"))
                    .put("name", Json.text(call.path("function"), "name"))
                    .set("input", Endpoint.arguments(Json.text(call.path("function"), "arguments")));
        }
        return parts;
    }

    private static void image(ArrayNode parts, String url) {
        String[] data = url.split("[:;,]", 4);              // data:image/png;base64,AAAA
        var source = parts.addObject().put("type", "image").putObject("source");
        if (data.length < 4 || !data[0].equals("data")) source.put("type", "url").put("url", url);
        else source.put("type", "base64").put("media_type", data[1]).put("data", data[3]);
    }

    private static JsonNode tool(JsonNode tool) {
        var function = tool.path("function");
        var schema = function.path("parameters") instanceof ObjectNode parameters
                ? parameters.without("$schema")             // it is refused
                : Json.object().put("type", "object");
        return Json.object().put("name", Json.text(function, "name"))
                .put("description", Json.text(function, "description")).set("input_schema", schema);
    }
}

final class ContextLimitCheck {
    static void check(Request request, Model model) {
        if (!model.isChat()) throw Fault.usage(model.id() + " is not a chat model",
                COP + (model.endpoints().contains("/embeddings") ? " embed -m " + model.id() : " models"));
        boolean canCall = model.supports("tool_calls") || !request.optionsView().has("tools");
        if (!canCall) throw Fault.usage(model.id() + " does not support tools", COP + " models tools");
        checkImages(request.messages().stream().flatMap(message -> message.images().stream()).toList(), model);
        checkLength(request, model);
    }

    /// Counts only if the bytes exceed the limit, and in very long prompts only up to it, as counting takes seconds.
    static void checkLength(Request request, Model model) {
        long limit = model.maxPromptTokens(), bytes = request.bytes();
        if (limit == 0 || bytes <= limit) return;
        boolean all = bytes <= 8 << 20;
        long tokens = TokenCount.upTo(all ? Long.MAX_VALUE : limit, request, model.tokenizer());
        if (tokens <= limit) return;
        var part = largestPart(request);
        throw Fault.usage("the prompt has " + (all ? "" : "at least ") + tokens + " tokens; " + model.id()
                + " accepts " + limit + "; the largest part is " + part.getKey()
                + (all ? " with " + TokenCount.of(part.getValue(), model.tokenizer()) : ""),
                "shorten it, or use a model with a larger context (" + COP + " models)");
    }

    /// Returns the name and text of the largest fenced file, or of the rest if that is larger.
    private static Map.Entry<String, String> largestPart(Request request) {
        String text = Collections.max(request.texts(), Comparator.comparing(String::length));
        var files = Pattern.compile("(?ms)^(\\S[^\\n]*)\\n(`{3,})\\n(.*?)^\\2$").matcher(text);
        var parts = new LinkedHashMap<String, String>();
        files.results().forEach(file -> parts.put(file.group(1), file.group(3)));
        parts.put(parts.isEmpty() ? "the text" : "the text outside the files", files.replaceAll(""));
        return Collections.max(parts.entrySet(), Comparator.comparing(part -> part.getValue().length()));
    }

    private static void checkImages(List<Image> images, Model model) {
        if (images.isEmpty()) return;
        String id = model.id();
        if (!model.supports("vision")) throw Fault.usage(id + " does not accept images", COP + " models vision");
        var limits = model.json().path("capabilities").path("limits").path("vision");
        long most = limits.path("max_prompt_images").asLong(Long.MAX_VALUE);
        long largest = limits.path("max_prompt_image_size").asLong(Long.MAX_VALUE);
        var types = limits.path("supported_media_types").values().stream().map(JsonNode::asString).toList();
        fits(images.size() <= most, "the prompt has " + images.size() + " images", id, most, "attach fewer");
        for (var image : images) {
            fits(image.size() <= largest, image.name() + " has " + image.size() + " bytes", id, largest,
                    "make it smaller");
            fits(types.isEmpty() || types.contains(image.mediaType()), image.name() + " is " + image.mediaType(), id,
                    String.join(", ", types), "convert it");
        }
    }

    private static void fits(boolean fits, String what, String model, Object limit, String hint) {
        if (!fits) throw Fault.usage(what + "; " + model + " accepts " + limit, hint);
    }
}

/// Reads each attempt at an answer with a new `StreamReader`, as long as the one before delivered nothing.
final class AnswerReader implements ResponseHandler<Reply> {
    private final Supplier<StreamReader> readers;
    private final long start = System.nanoTime();
    private StreamReader current;

    AnswerReader(Supplier<StreamReader> readers) { this.readers = readers; }

    @Override
    public boolean delivered() { return current != null && current.delivered; }

    @Override
    public Reply read(ApiResponse answer) throws IOException {
        current = readers.get();
        current.read(answer);
        return current.reply(Duration.ofNanos(System.nanoTime() - start));
    }
}

/// Reads an answer: passes its pieces to the listener and collects them for the reply.
abstract sealed class StreamReader permits ChatCompletionsStreamReader, ResponsesStreamReader, MessagesStreamReader {
    final DeltaListener listener;
    final StringBuilder reasoning = new StringBuilder();
    final ToolCalls toolCalls = new ToolCalls();
    Usage usage = Usage.NONE;                               // without credits
    boolean delivered;                                      // some content has arrived, even if not yet passed on
    boolean done;                                           // no relevant event follows
    private final SortedMap<Integer, StringBuilder> texts = new TreeMap<>();
    private long nanoCredits;
    private String model = "", id = "", finish = "", requestId = "";

    StreamReader(DeltaListener listener) { this.listener = listener; }

    /// Reads an event, or an answer that is not streamed, after errors in it were handled.
    abstract void event(ObjectNode event);

    /// Returns, by the endpoint's path, what the model must get back with the results of its calls.
    abstract ObjectNode replay();

    final void read(ApiResponse answer) throws IOException {
        requestId = answer.requestId();
        if (answer.startsWith('{') || answer.contentType().matches(".*(json|html).*") && !answer.startsWith('d')) {
            take(Json.object(answer.text(), "the answer"));
            if (texts.isEmpty() && finish.isEmpty()) throw Fault.incomplete("GitHub's response contains no answer",
                    "run it again with -v");
        } else {
            stream(answer);
        }
    }

    private void stream(ApiResponse answer) throws IOException {
        var events = new EventStream(answer.body().plain());
        for (String data = events.next(); data != null; data = done ? null : events.next()) {
            if (data.equals("[DONE]")) done = true;
            else if (Json.tryParse(data) instanceof ObjectNode event) take(event);
            // else: a malformed line, which GitHub's own editor also skips
        }
        if (done) answer.body().drain();        // so that the connection can be reused
        if (finish.isEmpty() && !done) {
            // not retried: the response ended properly, so the answer has been billed
            throw Fault.incomplete((delivered ? "the answer was interrupted" : "no answer received")
                    + ": the stream ended without an end marker " + ErrorResponse.embedded("", requestId).tags(""),
                    "try again");
        }
        if (finish.isEmpty()) listener.warning(FinishReason.MISSING);
    }

    private void take(ObjectNode event) {
        if (event.hasNonNull("error")) failed(event.path("error"));
        nanoCredits = Math.max(nanoCredits, event.path("copilot_usage").path("total_nano_aiu").asLong(0));
        event(event);
    }

    /// @throws Fault always, for an error inside an answer
    final void failed(JsonNode error) {
        String text = error.isNull() || error.isMissingNode() ? "" : Json.compact(Json.object().set("error", error));
        var response = ErrorResponse.embedded(text, requestId);
        throw Fault.incomplete("GitHub interrupted the answer: " + response.description(),
                "try again, or use another model (-m)").because(new ApiError(response));
    }

    final void text(int choice, String text) {
        var all = texts.computeIfAbsent(choice, _ -> new StringBuilder());
        if (text.isEmpty()) return;
        delivered = true;
        all.append(text);
        listener.text(choice, text);
    }

    final boolean hasText() { return texts.values().stream().anyMatch(text -> !text.isEmpty()); }

    final void thought(String text) {
        if (text.isEmpty()) return;
        delivered = true;
        reasoning.append(text);
        listener.reasoning(text);
    }

    final void call(int index, String id, String name, String arguments) {
        delivered = true;
        toolCalls.add(index, id, name, arguments);
    }

    final void named(JsonNode answer) {
        model = ErrorResponse.firstNonEmpty(Json.text(answer, "model"), model);
        id = ErrorResponse.firstNonEmpty(Json.text(answer, "id"), id);
    }

    /// @param reason in any endpoint's terms; empty: not finished
    final void finished(String reason) {
        finish = switch (reason) {
            case "" -> finish;
            case "end_turn", "stop_sequence", "pause_turn" -> "stop";
            case "max_tokens", "max_output_tokens", "model_context_window_exceeded" -> "length";
            case "tool_use", "function_call" -> "tool_calls";
            case "refusal" -> "content_filter";
            default -> reason;
        };
    }

    /// @param in prefix of the prompt's count, such as `prompt` in `prompt_tokens`
    /// @param out prefix of the answer's count
    final void counted(JsonNode usage, String in, String out) {
        if (!usage.isObject()) return;
        long thought = usage.path(out + "_tokens_details").path("reasoning_tokens")
                .asLong(usage.path("reasoning_tokens").asLong(0));
        this.usage = new Usage(usage.path(in + "_tokens").asLong(0), usage.path(out + "_tokens").asLong(0),
                usage.path(in + "_tokens_details").path("cached_tokens").asLong(0), thought, 0, false);
    }

    private ObjectNode call(String text) {
        var message = Json.object().put("role", "assistant").put("content", text.isEmpty() ? null : text);
        message.set("tool_calls", toolCalls.json());
        message.set(Message.REPLAY, replay());
        return message;
    }

    final Reply reply(Duration took) {
        var choices = texts.isEmpty() ? List.of("") : texts.values().stream().map(StringBuilder::toString).toList();
        return new Reply(choices, reasoning.toString(), finish, model, usage.plus(new Usage(0, 0, 0, 0, nanoCredits,
                false)), toolCalls.json(), id, requestId, took, List.of(), toolCalls.isEmpty() ? List.of()
                : List.of(Message.raw(call(String.join("\n\n", choices)))));
    }
}

/// Reads the answers of all model families (as vscode-copilot-chat and codecompanion.nvim record them): empty first
/// choices, usage in a separate chunk, Claude's text and tool calls in two choices, Gemini's usage on each chunk,
/// errors in a 200.
final class ChatCompletionsStreamReader extends StreamReader {
    private final int n;
    private String opaque = "";

    /// @param n number of choices requested; if 1, all parts are merged whatever their index
    ChatCompletionsStreamReader(DeltaListener listener, int n) {
        super(listener);
        this.n = n;
    }

    @Override
    void event(ObjectNode chunk) {
        for (var error : chunk.path("copilot_errors")) listener.warning(Text.printable(Json.text(error, "message")));
        named(chunk);
        counted(chunk.path("usage"), "prompt", "completion");
        int position = 0;
        for (var choice : chunk.path("choices")) {
            int index = n == 1 ? 0 : choice.path("index").asInt(position++);
            part(index, choice.has("delta") ? choice.path("delta") : choice.path("message"));
            finished(Json.text(choice, "finish_reason"));
        }
    }

    private void part(int index, JsonNode part) {
        if (Json.text(part, "role").equals("function")) return;     // references of an extension, as JSON text
        for (String field : List.of("reasoning_text", "cot_summary", "thinking")) thought(Json.text(part, field));
        opaque = ErrorResponse.firstNonEmpty(Json.text(part, "reasoning_opaque"), opaque);
        for (String field : List.of("content", "refusal")) text(index, Json.text(part, field));
        for (var call : part.path("tool_calls")) {
            var function = call.path("function");
            call(call.path("index").asInt(-1), Json.text(call, "id"), Json.text(function, "name"),
                    Json.text(function, "arguments"));
        }
    }

    /// Gemini 3 refused results of calls without it.
    @Override
    ObjectNode replay() {
        var own = Json.object();
        if (!opaque.isEmpty()) own.put("reasoning_opaque", opaque);
        if (!opaque.isEmpty() && !reasoning.isEmpty()) own.put("reasoning_text", reasoning.toString());
        return Json.object().set("/chat/completions", own);
    }
}

/// Matches parts by `output_index`, as Copilot changes the ids with each event (LiteLLM #30071, vercel/ai #18548).
final class ResponsesStreamReader extends StreamReader {
    private final Set<Integer> seen = new HashSet<>();      // outputs read, at least in part
    private int lastOutput = -1;                            // the output whose text came last
    private final SortedMap<Integer, ObjectNode> items = new TreeMap<>();

    ResponsesStreamReader(DeltaListener listener) { super(listener); }

    @Override
    void event(ObjectNode event) {
        int index = event.path("output_index").asInt(0);
        String delta = Json.text(event, "delta");
        var response = event.path("response");
        if (event.path("item") instanceof ObjectNode item) items.merge(index, item, (first, later) ->
                later.deepCopy().put("id", Json.text(first, "id")));
        switch (Json.text(event, "type")) {
            case "response.created" -> named(response);
            case "response.output_text.delta", "response.refusal.delta" -> paragraph(index, delta);
            case "response.reasoning_summary_part.added" -> thought(reasoning.isEmpty() ? "" : "\n\n");
            case "response.reasoning_summary_text.delta", "response.reasoning_text.delta" -> {
                seen.add(index);
                thought(delta);
            }
            case "response.function_call_arguments.delta" -> delivered = true;     // output_item.done has them all
            case "response.output_item.done" -> item(index, event.path("item"));
            case "response.completed", "response.incomplete" -> ended(response);
            case "response.failed", "response.cancelled" -> failed(response.path("error"));
            case "error" -> failed(event);
            case "" -> {                                    // it is not streamed
                if (event.path("output").isArray()) ended(event);
            }
            default -> { }                                  // starts and ends of parts, annotations
        }
    }

    /// Adds text, as a new paragraph if another output begins.
    private void paragraph(int index, String text) {
        seen.add(index);
        if (index != lastOutput && hasText() && !text.isEmpty()) text(0, "\n\n");
        lastOutput = index;
        text(0, text);
    }

    /// Reads a finished output, unless its deltas have been read.
    private void item(int index, JsonNode item) {
        if (item instanceof ObjectNode whole) items.putIfAbsent(index, whole);
        if (!seen.add(index)) return;
        switch (Json.text(item, "type")) {
            case "message" -> item.path("content").forEach(part -> paragraph(index,
                    Json.text(part, part.has("refusal") ? "refusal" : "text")));
            case "reasoning" -> item.path("summary").forEach(part -> thought(Json.text(part, "text")));
            case "function_call" -> call(index, Json.text(item, "call_id"), Json.text(item, "name"),
                    Json.text(item, "arguments"));
            default -> { }
        }
    }

    private void ended(JsonNode response) {
        if (response.path("error").isObject()) failed(response.path("error"));
        done = true;
        named(response);
        boolean silent = !hasText();
        var output = response.path("output");
        for (int i = 0; i < output.size(); i++) {
            if (silent || Json.text(output.get(i), "type").equals("function_call")) item(i, output.get(i));
        }
        counted(response.path("usage"), "input", "output");
        String reason = Json.text(response.path("incomplete_details"), "reason");
        finished(!reason.isEmpty() ? reason : toolCalls.isEmpty() ? "stop" : "tool_calls");
    }

    /// Reasoning keeps the first id of its item, to which Copilot compares what it sealed (LiteLLM PR #30072); other
    /// items need none.
    @Override
    ObjectNode replay() {
        var own = items.values().stream().map(ObjectNode::deepCopy).map(item -> !Json.text(item, "type")
                .equals("reasoning") ? item.without(List.of("id", "status")) : item)
                .filter(item -> !item.has("id") || item.has("encrypted_content"));
        return Json.object().set("/responses", Json.array(own));
    }
}

final class MessagesStreamReader extends StreamReader {
    private long fresh, read, written;                      // prompt tokens: uncached, read from cache, written to it
    private final SortedMap<Integer, ObjectNode> blocks = new TreeMap<>();
    private final Map<Integer, Map<String, StringBuilder>> deltas = new HashMap<>();    // by block and field

    MessagesStreamReader(DeltaListener listener) { super(listener); }

    @Override
    void event(ObjectNode event) {
        int index = event.path("index").asInt(0);
        switch (Json.text(event, "type")) {
            case "message" -> message(event);               // it is not streamed
            case "message_start" -> message(event.path("message"));
            case "content_block_start" -> piece(index, event.path("content_block"));
            case "content_block_delta" -> piece(index, event.path("delta"));
            case "message_delta" -> {
                count(event.path("usage"));
                finished(Json.text(event.path("delta"), "stop_reason"));
            }
            case "message_stop" -> done = true;
            default -> { }                                  // ping, the end of a block
        }
    }

    private void message(JsonNode message) {
        named(message);
        int index = 0;
        for (var block : message.path("content")) piece(index++, block);
        count(message.path("usage"));
        finished(Json.text(message, "stop_reason"));
    }

    private void piece(int index, JsonNode piece) {
        String type = Json.text(piece, "type");
        if (!type.endsWith("_delta") && piece instanceof ObjectNode block) blocks.put(index, block);
        else piece.properties().stream().filter(part -> part.getValue().isString()).forEach(part -> deltas
                .computeIfAbsent(index, _ -> new HashMap<>()).computeIfAbsent(part.getKey(), _ -> new StringBuilder())
                .append(part.getValue().asString()));
        text(0, Json.text(piece, "text"));
        thought(Json.text(piece, "thinking"));
        if (!List.of("tool_use", "input_json_delta").contains(type)) return;
        var input = piece.path("input");
        call(index, Json.text(piece, "id"), Json.text(piece, "name"),
                input.isEmpty() ? Json.text(piece, "partial_json") : Json.compact(input));
    }

    /// The first event counts the prompt, the last the answer; `input_tokens` excludes cached ones.
    private void count(JsonNode counts) {
        fresh = counts.path("input_tokens").asLong(fresh);
        read = counts.path("cache_read_input_tokens").asLong(read);
        written = counts.path("cache_creation_input_tokens").asLong(written);
        long completion = counts.path("output_tokens").asLong(usage.completionTokens());
        usage = new Usage(fresh + read + written, completion, read, 0, 0, false);
    }

    /// Thoughts go back with their signatures; blank texts are refused.
    @Override
    ObjectNode replay() {
        var own = Json.object();
        var content = own.putArray("/v1/messages");
        blocks.forEach((index, start) -> {
            var block = start.deepCopy();
            deltas.getOrDefault(index, Map.of()).forEach((field, more) -> {
                if (field.equals("partial_json")) block.set("input", Endpoint.arguments(more.toString()));
                else if (!field.equals("type")) block.put(field, Json.text(block, field) + more);
            });
            if (!Json.text(block, "type").equals("text") || !Json.text(block, "text").isBlank()) content.add(block);
        });
        return own;
    }
}

/// Assembles tool calls: a new id starts one (Claude repeats index 0 for a second), other fragments belong to the last
/// of their index, else to the last one.
final class ToolCalls {
    private record Call(int index, String id, StringBuilder name, StringBuilder arguments) {}

    private final List<Call> calls = new ArrayList<>();

    boolean isEmpty() { return calls.isEmpty(); }

    void add(int index, String id, String name, String arguments) {
        var known = calls.reversed().stream().filter(call -> id.isEmpty() ? call.index == index : call.id.equals(id))
                .findFirst();
        boolean begins = known.isEmpty() && (calls.isEmpty() || !id.isEmpty());
        if (begins) calls.add(new Call(index, id, new StringBuilder(), new StringBuilder()));
        var call = known.orElseGet(calls::getLast);
        call.name.append(name);
        call.arguments.append(arguments);
    }

    /// Returns the calls; arguments that never came are `{}`.
    ArrayNode json() {
        return Json.array(calls.stream().map(call -> Json.object().put("id", call.id).put("type", "function")
                .set("function", Json.object().put("name", call.name.toString()).put("arguments",
                call.arguments.isEmpty() ? "{}" : call.arguments.toString()))));
    }
}

// =========================================================================================== Batch engine
// Thousands of prompts, like `make`: the same command again sends only the missing rows. Rows are read one at a time,
// the journal records those that are done, and one rate limit holds for all.

/// One row of the input.
///
/// @param place such as `tickets.csv:17`
/// @param data null if the row is unreadable; otherwise `fault` is
record InputRow(String place, Map<String, Object> data, Fault fault) {
    static InputRow of(String place, Supplier<Map<String, Object>> reading) {
        try {
            return new InputRow(place, reading.get(), null);
        } catch (Fault fault) {
            return new InputRow(place, null, fault);
        }
    }
}

interface RowReader extends AutoCloseable {
    /// @return null after the last
    /// @throws Fault if this row and all that follow cannot be read
    InputRow next();

    @Override
    default void close() {}

    List<String> FORMATS = List.of("jsonl", "json", "csv", "tsv", "files");

    static String formatOf(Environment env, String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return FileGlob.is(env, name) ? "files" : lower.endsWith(".csv") ? "csv"
                : lower.matches(".*\\.(tsv|tab)") ? "tsv" : lower.endsWith(".json") ? "json" : "jsonl";
    }

    /// @param typed the name for messages; `-` is stdin
    static RowFilter opened(Environment env, String name, String typed, String format) {
        String shown = InputFile.shown(typed);
        var skipped = new TreeMap<String, Integer>();
        try {
            if (format.equals("files")) return new RowFilter(files(env, name, skipped), shown, null, skipped);
            return InputFile.open(env.path(name), shown, (in, start) -> {
                String head = Text.trimmed(new String(start));
                if (format.equals("jsonl") && !head.matches("(?s)([{\\[].*)?")) throw Fault.usage(shown + " is not JSON"
                        + " Lines; it begins with " + Text.shortened(head.lines().findFirst().orElse(""), 40),
                        "--format csv");
                return new RowFilter(switch (format.equals("jsonl") && head.startsWith("[") ? "json" : format) {
                    case "csv", "tsv" -> new CsvReader(in, shown, format.equals("tsv"));
                    case "json" -> new JsonReader(Json.parser(in), shown);
                    default -> new LinesReader(new LineNumberReader(new InputStreamReader(in,
                            StandardCharsets.ISO_8859_1)), shown, (line, number) -> line.isBlank() ? null
                            : JsonValues.object(line, shown, number));
                }, shown, in, skipped);
            });
        } catch (IOException e) {
            throw InputFile.unreadable(typed, e);
        }
    }

    /// Reads JSON files (`tickets/*.json`), a row each.
    private static RowReader files(Environment env, String name, Map<String, Integer> skipped) {
        var pattern = FileGlob.of(env, name, "*.json");
        String links = Text.shortened(String.join(", ", pattern.links()), 200);
        if (!links.isEmpty()) skipped.put("skipped links to hidden or outside files: " + links, 0);
        Path folder = env.directory().resolve(pattern.front());
        var names = pattern.files().stream().map(path -> path.toString().replace(File.separatorChar, '/')).iterator();
        return () -> {
            String file = names.hasNext() ? names.next() : null;
            return file == null ? null : InputRow.of(file, () -> {
                var data = new LinkedHashMap<>(JsonValues.object(InputFile.text(folder.resolve(file), file), file));
                data.putIfAbsent("id", file.replaceFirst("\\.json$", ""));
                return data;
            });
        };
    }
}

/// Skips rows without values and repeated headers, rejects objects that are tables, and closes the file.
///
/// @param file may be null
/// @param skipped what to report, and how often
record RowFilter(RowReader rows, String name, Closeable file, Map<String, Integer> skipped) implements RowReader {
    static boolean isValue(Object value) {
        return value != null && value != JsonValues.NULL && !(value instanceof String text && text.isBlank());
    }

    @Override
    public InputRow next() {
        while (true) {
            var row = rows.next();
            if (row == null || row.fault() != null) return row;
            var data = row.data();
            if (isTable(data)) return new InputRow(row.place(), null, Fault.usage(row.place() + " is a table, not a"
                    + " row", "in pandas, to_json(orient=\"records\")"));
            if (data.remove("") != null) skipped.put("skipped columns without a name", 0);
            boolean empty = data.values().stream().noneMatch(RowFilter::isValue), header = data.entrySet().stream()
                    .allMatch(e -> e.getValue() instanceof String text && text.length() < 99
                    && Text.trimmed(text).equals(e.getKey()));
            if (!empty && !header) return row;
            skipped.merge(empty ? "skipped rows without values" : "skipped repeated headers", 1, Integer::sum);
        }
    }

    /// Detects the other shapes of pandas: columns, rows by number, rows without names.
    private static boolean isTable(Map<String, Object> data) {
        String keys = data.values().stream().map(value -> value instanceof Map<?, ?> map ? map.keySet() : "")
                .distinct().toList().toString(), numbers = "\\[[0-9, ]+]";
        return keys.matches("\\[" + numbers + "]") || keys.matches("\\[\\[[^\\[]+]]")
                && data.keySet().toString().matches(numbers) || data.get("columns") instanceof List
                && data.get("data") instanceof List;
    }

    List<String> notes() {
        return skipped.entrySet().stream().map(e -> "note: " + name + ": " + e.getKey()
                + (e.getValue() == 0 ? "" : ": " + e.getValue())).toList();
    }

    @Override
    public void close() {
        try (file) {
            // may be null
        } catch (IOException e) {
            throw Fault.io("cannot close " + name, e, null);
        }
    }
}

/// Reads one row per line, as bytes: a line that is not UTF-8 leaves the others readable.
///
/// @param in one char per byte
/// @param row maps a line and its number to a row; null skips it
record LinesReader(LineNumberReader in, String name, BiFunction<String, Integer, Map<String, Object>> row)
        implements RowReader {
    @Override
    public InputRow next() {
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                byte[] bytes = line.getBytes(StandardCharsets.ISO_8859_1);
                int number = in.getLineNumber();
                var found = InputRow.of(name + ":" + number, () -> row.apply(Text.utf8(bytes, name, number), number));
                if (found.data() != null || found.fault() != null) return found;
            }
            return null;
        } catch (IOException e) {
            throw Fault.io("cannot read " + name, e, null);
        }
    }
}

/// Streams a JSON array of objects, or concatenated objects.
record JsonReader(JsonParser parser, String name) implements RowReader {
    @Override
    public InputRow next() {
        try {
            var token = parser.nextToken();
            while (token == JsonToken.END_ARRAY || token == JsonToken.START_ARRAY
                    && parser.streamReadContext().getNestingDepth() == 1) token = parser.nextToken();
            if (token == null) return null;
            String place = name + ":" + parser.currentTokenLocation().getLineNr();
            Object value = JsonValues.value(parser, name);
            return value instanceof Map<?, ?> map ? new InputRow(place, JsonValues.copy(map), null)
                    : new InputRow(place, null, Fault.usage(place + ": expected an object, got "
                    + JsonValues.kind(value), "write each row as {\"name\": \"value\"}"));
        } catch (JacksonException e) {
            throw JsonValues.fault(e, name);
        }
    }
}

/// Reads CSV (RFC 4180), or TSV with Excel's quotes; all values are strings. Blanks count, except around quotes.
final class CsvReader implements RowReader {
    private final Scanner in;                               // one char per byte
    private final String name, separator;
    private final Pattern cell;                             // with the separator or line end after it
    private final List<String> header;                      // "": a column without a name
    private int line = 1, rowLine;                          // of the next cell, and of the row's first

    CsvReader(InputStream in, String name, boolean tabs) {
        this.in = new Scanner(new BufferedReader(new InputStreamReader(in, StandardCharsets.ISO_8859_1)));
        this.name = name;
        // a byte order mark, Excel's `sep=;`, and a look at the header
        var start = match(Pattern.compile("(?i)\\G(?:\u00ef\u00bb\u00bf)?(?:\"?sep=(.)\"?\\R)?\\R*+"
                + "(?=((?:[^\"\r\n]|\"[^\"]*+\"?)*+))"));
        String first = start.group(2).replaceAll("\"[^\"]*\"?", "");
        separator = start.group(1) != null ? start.group(1) : tabs ? "\t"
                : Stream.of(",", ";", "\t", "|").filter(first::contains).findFirst().orElse(",");
        boolean inches = separator.equals("\t");            // a quote is text unless it closes before a tab or line end
        String end = "\\Q" + separator + "\\E", blanks = "[ \t&&[^" + end + "]]*";
        cell = Pattern.compile("\\G(?:" + blanks + "\"(" + (inches ? "(?:[^\"\t]++|\"\")*+|(?:[^\"\r\n]++|\"\")*+"
                : "(?:[^\"]++|\"\")*+") + ")\"" + blanks + "|" + (inches ? "" : "(?!" + blanks + "\")")
                + "([^\r\n" + end + "]*+))(" + end + "|\\R|\\z)");
        var cells = Objects.requireNonNullElse(cells(), List.<String>of());
        header = cells.stream().map(this::decoded).map(Text::trimmed).toList();
        var names = header.stream().filter(column -> !column.isEmpty()).toList();
        if (names.isEmpty() && !header.isEmpty()) throw wrong("no column has a name", "name the columns in line 1");
        if (!names.stream().allMatch(new HashSet<>()::add)) throw wrong("duplicate column: " + names, "rename one");
    }

    @Override
    public InputRow next() {
        var cells = cells();
        return cells == null ? null : InputRow.of(name + ":" + rowLine, () -> data(cells));
    }

    private Map<String, Object> data(List<String> cells) {
        var data = new LinkedHashMap<String, Object>();
        if (cells.stream().allMatch(String::isBlank)) return data;
        if (cells.size() != header.size()) throw wrong(cells.size() + " columns, the header has " + header.size(),
                "quote cells with a separator or a line break");
        for (int i = 0; i < header.size(); i++) data.put(header.get(i), decoded(cells.get(i)));
        return data;
    }

    private String decoded(String cell) { return Text.utf8(cell.getBytes(StandardCharsets.ISO_8859_1), name, rowLine); }

    private Fault wrong(String what, String hint) { return Fault.usage(name + ":" + rowLine + ": " + what, hint); }

    /// Returns the cells of the next line that is not blank, undecoded; null after the last.
    private List<String> cells() {
        while (true) {
            rowLine = line;
            var cells = new ArrayList<String>();
            MatchResult match;
            do {
                match = match(cell);
                cells.add(match.group(1) == null ? match.group(2) : match.group(1).replace("\"\"", "\""));
            } while (match.group(3).equals(separator));
            if (cells.size() > 1 || !match.group().isBlank()) return cells;
            if (match.group().isEmpty()) return null;
        }
    }

    private MatchResult match(Pattern pattern) {
        String text = in.findWithinHorizon(pattern, 1 << 24);
        if (in.ioException() != null) throw Fault.io("cannot read " + name, in.ioException(), null);
        if (text == null) throw wrong("unclosed quote, or text after a quote", "double quotes within quotes: \"\"");
        line += (int) (text + "|").lines().count() - 1;
        return in.match();
    }
}

/// The first 128 bits of a SHA-256, in hex; parts are hashed with their lengths.
final class Fingerprint {
    static String of(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(ByteBuffer.allocate(4).putInt(part.length).array());
            all.writeBytes(part);
        }
        return Text.sha256(all.toByteArray()).substring(0, 32);
    }

    static String of(String text) { return of(text.getBytes(StandardCharsets.UTF_8)); }
}

/// A row prepared to be asked.
///
/// @param fault why it cannot be asked, or null
/// @param echo fields to repeat in the result, or null
record BatchItem(int index, String place, Object id, String key, Request request, ResponseSchema schema,
                 Fault fault, ObjectNode echo) {
    static BatchItem bad(int index, String place, Object id, Fault fault, ObjectNode echo) {
        String words = fault.message().contains(place) ? fault.message() : place + ": " + fault.message();
        return new BatchItem(index, place, id, Fingerprint.of("bad\n" + id + "\n" + words), null, null,
                Fault.usage(words, fault.hint()), echo);
    }
}

/// The outcome of a row.
///
/// @param status `ok`, `failed`, `filtered` (GitHub's content filter) or `incomplete` (cut off)
/// @param reply may be null
/// @param used by all attempts together
record RowResult(BatchItem item, String status, Reply reply, Usage used, Duration took, int attempts, String code,
                 String error) {
    ObjectNode json() {
        var json = Json.object().<ObjectNode>set("id", JsonValues.node(item.id())).put("status", status);
        if (reply != null) {
            var value = item.schema() != null && status.equals("ok") ? Json.tryParse(reply.text()) : null;
            if (value == null || value.isMissingNode()) json.put("text", reply.text());
            else json.set("json", value);
            if (reply.choices().size() > 1) reply.choices().forEach(json.putArray("choices")::add);
            json.put("model", reply.model());
        }
        if (reply != null || used.totalTokens() > 0) json.set("usage", used.json());
        json.put("ms", took.toMillis()).put("attempts", attempts);
        if (reply != null) json.put("finish", reply.rawFinish()).put("request_id", reply.requestId());
        if (reply != null && !reply.dropped().isEmpty()) reply.dropped().forEach(json.putArray("dropped")::add);
        if (!error.isEmpty()) json.putObject("error").put("code", code).put("message", error);
        if (item.echo() != null) json.set("echo", item.echo());
        return json;
    }
}

/// A run's results, one per line. A row is done once its line is synced to disk. Lines with the status `missed` or
/// `lost` record the cost of attempts that did not end their row. A file lock excludes other processes.
final class Journal implements AutoCloseable {
    /// The position of a key's last line.
    ///
    /// @param code of the error, if it is not ok
    /// @param lines of the key so far
    record Entry(long offset, int length, String status, String code, int lines) {}

    /// Folders open in this process. OS locks do not exclude its own threads, and closing a second channel to the lock
    /// file would release it.
    private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

    final Path file;                                        // journal.jsonl in the run's folder
    private long since;                                     // where --again began
    private Path held;                                      // the folder; null: read-only
    private FileChannel lock;
    private RandomAccessFile io;                            // a channel closes if its thread is interrupted
    private final Map<String, Entry> entries = new ConcurrentHashMap<>();
    private final Map<String, Integer> missed = new HashMap<>();    // answers to unfinished rows; guarded by this
    private BatchCounts spent = BatchCounts.NONE;           // of all lines; guarded by this
    private final Object forcing = new Object();
    private long size, forced = -1;                         // bytes; guarded by this and by `forcing`; -1: not open
    private boolean broken;                                 // a sync failed; guarded by `forcing`
    private final List<Integer> damaged = new ArrayList<>();        // line numbers

    /// @param write creates the folder if needed and repairs a last line cut off by a crash; otherwise another process
    ///     may be writing, and there may be no journal yet
    /// @throws Fault if another process has it open for writing, or it cannot be opened
    Journal(Path folder, boolean write) {
        file = folder.resolve("journal.jsonl");
        since(new RunFolder(folder).readManifest());
        try {
            if (write) {
                Path real = Files.createDirectories(folder).toRealPath();
                if (!OPEN.add(real)) throw inUse(folder);
                held = real;
                lock = FileChannel.open(folder.resolve(RunFolder.LOCK), StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
                // `status` takes it for a moment
                for (int i = 0; lock.tryLock() == null; i++) {
                    if (i == 20) throw inUse(folder);
                    Time.SYSTEM.pause(Duration.ofMillis(10));
                }
            }
            if (write || Files.exists(file)) {
                io = new RandomAccessFile(file.toFile(), write ? "rw" : "r");
                index();
            }
            forced = size;
        } catch (ClosedByInterruptException e) {
            throw Fault.interrupted();
        } catch (IOException e) {
            throw Fault.io("cannot open the run's folder " + folder, e, RunFolder.ELSEWHERE);
        } finally {
            if (forced < 0) close();
        }
    }

    /// Ignores lines before an unfinished `--again`, which sends their rows again.
    synchronized Journal since(ObjectNode manifest) {
        long again = manifest.path("again").asLong(0);
        if (again > since) missed.clear();
        since = again;
        return this;
    }

    /// Returns whether a process, perhaps this one, has a run open for writing.
    static boolean isBusy(Path folder) {
        try (var lock = OPEN.contains(folder.toRealPath()) ? null
                : FileChannel.open(folder.resolve(RunFolder.LOCK), StandardOpenOption.READ)) {
            return lock == null || lock.tryLock(0, Long.MAX_VALUE, true) == null;
        } catch (IOException | OverlappingFileLockException unreadable) {
            return false;
        }
    }

    private static Fault inUse(Path folder) {
        return Fault.error("another process is using " + folder, "wait for it, or see " + COP + " batch status "
                + Text.quoted(folder.toString().replaceFirst("\\.run$", "")));
    }

    /// Reads all lines. A last one that a crash left incomplete is removed, or gets its newline, where this may write.
    private void index() throws IOException {
        var line = new ByteArrayOutputStream(512);
        try (var in = new BufferedInputStream(new FileInputStream(file.toFile()), 1 << 16)) {
            for (int b = in.read(), number = 1; b >= 0 || line.size() > 0; b = in.read()) {
                if (b >= 0) line.write(b);
                if (b >= 0 && b != '\n') continue;
                boolean entered = enter(line.toByteArray(), size);
                if (entered || b == '\n') size += line.size() + (b == '\n' ? 0 : 1);
                if (!entered && b == '\n' && line.size() > 1) damaged.add(number);
                line.reset();
                number++;
            }
        }
        long end = io.length();
        if (held == null || size == end) return;
        io.seek(end);
        if (size > end) io.write('\n');
        else io.setLength(size);
        io.getFD().sync();
    }

    /// @return false for an incomplete line, which does not count
    private synchronized boolean enter(byte[] line, long offset) {
        var json = Json.tryParse(new String(line, StandardCharsets.UTF_8));
        String key = Json.text(json, "key"), status = Json.text(json, "status").intern();
        var result = json.path("result");
        if (!key.matches("[0-9a-f]{32}") || !result.isObject()) return false;
        spent = spent.plus("", json.at("/cost/requests").asLong(0), Usage.of(json.path("cost")));
        if (status.equals("missed") && offset >= since) missed.merge(key, 1, Integer::sum);
        if (List.of("missed", "lost").contains(status)) return true;
        missed.remove(key);
        var old = entries.get(key);
        // --retry-failed does not replace a partial answer with a failure
        boolean partial = old != null && old.offset() >= since && old.status().equals("incomplete");
        var now = partial && status.equals("failed") ? old : new Entry(offset, line.length, status,
                Json.text(result.path("error"), "code").intern(), 0);
        entries.put(key, new Entry(now.offset(), now.length(), now.status(), now.code(), lines(key) + 1));
        return true;
    }

    Optional<String> damage() {
        return damaged.stream().findFirst().map(first -> file.getParent().getFileName() + "/journal.jsonl: line "
                + first + " is damaged" + (damaged.size() == 1 ? "" : " (of " + damaged.size() + ")")
                + ", its answer is lost");
    }

    int lines(String key) { return Optional.ofNullable(entries.get(key)).map(Entry::lines).orElse(0); }

    synchronized long size() { return size; }

    synchronized BatchCounts spent() { return spent; }

    Optional<Entry> entry(String key) {
        return Optional.ofNullable(entries.get(key)).filter(entry -> entry.offset() >= since);
    }

    /// Returns how many answers to an unfinished row did not match its schema.
    synchronized int missed(String key) { return missed.getOrDefault(key, 0); }

    /// Returns the last result's JSON text, even if `since` excludes it.
    Optional<String> result(String key) { return Optional.ofNullable(entries.get(key)).map(this::read); }

    private synchronized String read(Entry entry) {
        var bytes = new byte[entry.length()];
        try {
            io.seek(entry.offset());
            io.readFully(bytes);
        } catch (IOException e) {
            throw Fault.io("cannot read " + file, e, "check the disk");
        }
        String line = new String(bytes, StandardCharsets.UTF_8);
        return line.substring(line.indexOf("\"result\":") + 9, line.lastIndexOf('}'));
    }

    /// Returns when the result is on disk.
    ///
    /// @param cost not recorded in earlier lines
    void append(RowResult result, BatchCounts cost, Instant at) {
        String spent = Json.singleLine(cost.used().json().put("requests", cost.requests()));
        byte[] line = ("{\"key\":\"" + result.item().key() + "\",\"status\":\"" + result.status() + "\",\"at\":"
                + at.getEpochSecond() + ",\"cost\":" + spent + ",\"result\":" + Json.singleLine(result.json()) + "}\n")
                .getBytes(StandardCharsets.UTF_8);
        try {
            long offset = write(line);
            force(offset + line.length);
            enter(line, offset);
        } catch (IOException e) {
            throw Fault.io("cannot write " + file, e, "free disk space, then run the same command");
        }
    }

    private synchronized long write(byte[] line) throws IOException {
        long offset = size;
        try {
            io.seek(offset);
            io.write(line);
        } catch (IOException e) {
            io.setLength(offset);                       // leave no partial line
            throw e;
        }
        size += line.length;
        return offset;
    }

    /// Syncs up to an offset. Rows that end during a sync share the next.
    private void force(long end) throws IOException {
        synchronized (forcing) {
            if (forced >= end) return;
            if (broken) throw new IOException("an earlier write failed");
            long all = size();
            broken = true;                                  // if this throws: a later sync may succeed over lost lines
            io.getFD().sync();
            broken = false;
            forced = all;
        }
    }

    @Override
    public void close() {
        try (var _ = lock; var _ = io) {
            // all are closed, even if one fails
        } catch (IOException e) {
            throw Fault.io("cannot close " + file, e, null);
        } finally {
            if (held != null) OPEN.remove(held);            // the lock is released
        }
    }
}

/// Decides when the next request may start, without threads or a clock of its own. A rate limit halves the jobs and
/// doubles the delay; answers restore them step by step, never beyond the user's limits.
final class RateController {
    static final Duration UNTIL_AN_ANSWER = Duration.ofDays(9999);
    /// Successive rate-limit pauses, without an answer between them, that stop a run.
    static final int MOST_PAUSES = 3;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(10), SLOWEST = Duration.ofSeconds(30);

    private final int mostJobs;
    private final Duration leastDelay;
    private int jobs, inFlight, pauses, calm, unreachable;
    private Duration delay, unreachableFor = Duration.ZERO;
    private Instant next = Instant.MIN, pausedUntil = Instant.MIN, pausedAt = Instant.MIN;

    RateController(int jobs, Duration delay) {
        mostJobs = this.jobs = jobs;
        leastDelay = this.delay = delay;
    }

    /// Pauses all for lack of a connection, longer each time; requests that fail together cause one pause.
    ///
    /// @return the rest of the pause
    synchronized Duration unreachable(Instant now) {
        if (!pausedUntil.isAfter(now)) {
            var pause = Duration.ofSeconds(Math.min(30, 2L << Math.min(4, unreachable++)));
            unreachableFor = unreachableFor.plus(pause);
            pausedUntil = now.plus(pause);
        }
        return Duration.between(now, pausedUntil);
    }

    /// Returns the sum of such pauses since the last answer of any kind.
    synchronized Duration unreachableFor() { return unreachableFor; }

    synchronized int jobs() { return jobs; }

    synchronized Duration delay() { return delay; }

    synchronized int inFlight() { return inFlight; }

    synchronized int pauses() { return pauses; }

    /// Returns the time that the next request must wait; zero: none.
    synchronized Duration wait(Instant now) {
        if (inFlight >= jobs) return UNTIL_AN_ANSWER;
        var start = next.isAfter(pausedUntil) ? next : pausedUntil;
        return start.isAfter(now) ? Duration.between(now, start) : Duration.ZERO;
    }

    synchronized void started(Instant now) {
        inFlight++;
        next = now.plus(delay);
    }

    synchronized void ended() { inFlight--; }

    /// Records any answer but a rate limit.
    synchronized void answered() {
        pauses = unreachable = 0;
        unreachableFor = Duration.ZERO;
        if (jobs == mostJobs && delay.equals(leastDelay) || ++calm < 5 * jobs) return;
        calm = 0;
        jobs = Math.min(mostJobs, jobs + Math.max(1, jobs / 4));
        delay = Durations.max(leastDelay, delay.multipliedBy(3).dividedBy(4));
    }

    /// Records a rate limit; requests that were in flight together cause one pause.
    ///
    /// @param started when the request was
    /// @param wanted the server's `Retry-After`
    /// @return the rest of the pause
    synchronized Duration limited(Instant started, Optional<Duration> wanted, Instant now) {
        boolean another = started.isAfter(pausedAt);
        if (another) {
            pausedAt = now;
            pauses++;
            calm = 0;
            jobs = Math.max(1, jobs / 2);
            delay = Durations.max(leastDelay, Durations.min(SLOWEST, Durations.max(delay.multipliedBy(2),
                    Duration.ofMillis(250))));
        }
        var own = FIRST_PAUSE.multipliedBy(1L << Math.clamp(pauses - 1, 0, 6));
        var until = now.plus(wanted.filter(Duration::isPositive).orElse(another ? own : Duration.ZERO));
        if (until.isAfter(pausedUntil)) pausedUntil = until;
        return pausedUntil.isAfter(now) ? Duration.between(now, pausedUntil) : Duration.ZERO;
    }
}

/// Limits on retries and on a run; null: no limit.
final class RetryPolicy {
    int retries = 3;                                        // after 5xx and lost connections, not rate limits
    int schemaRetries = 2;                                  // after an answer that does not match its schema
    Duration timeout = Duration.ofMinutes(10);              // of one request
    Duration maxWait = Duration.ofMinutes(15);              // the longest pause
    double haltShare = 0.2;                                 // of rows that may fail; 1: any
    Long maxRequests, maxTokens;
    BigDecimal maxCredits;
    Duration maxTime;
    ToolRunner tools;                                       // null without -T
    BiFunction<Request, String, Usage> estimate = (_, _) -> Usage.NONE;     // of a prompt to the model that answers

    boolean hasBudget() { return maxTokens != null || maxCredits != null; }

    /// @param counts of the requests that have ended, of all starts
    /// @param more what the next request and those in flight may cost, as a share of that
    /// @param bytes of the next prompt
    /// @param requests of this start
    /// @return the limit that the next request would exceed, with a larger one as its hint, or null
    Fault spent(BatchCounts counts, double more, long bytes, long requests, Duration elapsed) {
        var used = counts.used();
        var credits = BigDecimal.valueOf(used.nanoCredits(), 9).stripTrailingZeros();
        if (maxRequests != null && requests >= maxRequests) return reached("--max-requests " + maxRequests, true, "");
        if (maxTokens != null && Math.max(bytes / 4, used.totalTokens() * (1 + more)) > maxTokens) {
            return reached("--max-total-tokens " + maxTokens, used.totalTokens() >= maxTokens,
                    "--max-total-tokens=" + 2 * Math.max(maxTokens, used.totalTokens()));
        }
        if (maxCredits != null && credits.doubleValue() * (1 + more) > maxCredits.doubleValue()) {
            return reached("--max-credits " + maxCredits.toPlainString(), credits.compareTo(maxCredits) >= 0,
                    "--max-credits=" + credits.max(maxCredits).multiply(BigDecimal.TWO).toPlainString());
        }
        boolean late = maxTime != null && elapsed.compareTo(maxTime) >= 0;
        return late ? reached("--max-time " + Durations.words(maxTime), true, "") : null;
    }

    private static Fault reached(String limit, boolean already, String larger) {
        String words = limit + " is reached" + (already ? "" : " with the next request");
        return new Fault(Fault.Kind.HALTED, Fault.LATER, words, larger, null);
    }

    static Fault halted(BatchCounts counts) {
        return new Fault(Fault.Kind.HALTED, Fault.ERROR, "too many rows failed: " + counts.words()
                + " (use --halt fail=100% to continue)", "--retry-failed", null);
    }
}

record BatchCounts(Map<String, Long> statuses, long requests, Usage used) {
    static final BatchCounts NONE = new BatchCounts(Map.of(), 0, Usage.NONE);

    /// @param status empty if no row ended
    BatchCounts plus(String status, long moreRequests, Usage more) {
        var all = new HashMap<>(statuses);
        if (!status.isEmpty()) all.merge(status, 1L, Long::sum);
        return new BatchCounts(all, requests + moreRequests, used.plus(more));
    }

    long of(String status) { return statuses.getOrDefault(status, 0L); }

    long rows() { return statuses.values().stream().mapToLong(Long::longValue).sum(); }

    long notOk() { return rows() - of("ok"); }

    /// `980 ok, 20 failed`
    String words() {
        return of("ok") + " ok" + Stream.of("failed", "filtered", "incomplete").filter(statuses::containsKey).map(end ->
                ", " + of(end) + " " + end).collect(Collectors.joining());
    }
}

/// Prints results in the input's order, each as soon as those before it are known.
///
/// @param left keys of the rows still to be sent
record OrderedPrinter(Queue<String> keys, Set<String> left, Function<String, Optional<String>> lines, PrintWriter out) {
    void ended(String key) {
        left.remove(key);
        try {
            while (!keys.isEmpty() && !left.contains(keys.peek())) {
                lines.apply(keys.remove()).ifPresent(line -> out.print(line + "\n"));
            }
            out.flush();
        } catch (BrokenPipe closed) {
            throw Fault.retryLater("stdout was closed", "");
        }
    }
}

/// Shows progress as an updating line on a terminal, else as a line every 30 seconds.
class BatchProgress {
    private static final Duration SELDOM = Duration.ofSeconds(30);

    private final Console console;
    private final int rows;
    private final OrderedPrinter printer;                   // null: results are not printed
    /// A reader that has stalled blocks only this.
    private final ExecutorService thread = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
    private Future<?> printing = CompletableFuture.completedFuture(null);
    private final RateController pace;
    private final Instant begun;
    private BatchCounts counts = BatchCounts.NONE;          // used: by all starts
    private Instant printed, pausedUntil = Instant.MIN;
    private String reason = "";

    BatchProgress(Console console, int rows, OrderedPrinter printer, RateController pace) {
        this.console = console;
        this.rows = rows;
        this.printer = printer;
        this.pace = pace;
        begun = printed = console.env().time().now();
    }

    synchronized void begun(BatchCounts earlier) {
        counts = earlier;
        print("");                                          // results of earlier starts; fails if stdout is closed
        printed(Optional.empty()).ifPresent(unread -> {
            throw unread;
        });
    }

    synchronized void ended(RowResult result) {
        counts = counts.plus(result.status(), result.attempts(), result.used());
        print(result.item().key());
        tick();
    }

    /// @throws Fault if earlier results could not be printed
    private void print(String ended) {
        if (printer == null) return;
        for (int ms = 0; ms < 20 && !printing.isDone(); ms++) Time.SYSTEM.pause(Duration.ofMillis(1));
        if (printing.state() == Future.State.FAILED) throw (Fault) printing.exceptionNow();
        console.stalled = true;                             // if its reader is
        printing = thread.submit(() -> {
            console.transientLine("");                          // stdout may be the same terminal
            printer.ended(ended);
        });
    }

    /// Waits until all results are printed, after Ctrl-C for two seconds.
    ///
    /// @return why the run stopped, or why they could not be printed
    Optional<Fault> printed(Optional<Fault> stopped) {
        boolean interrupted = stopped.filter(why -> why.is(Fault.Kind.INTERRUPTED)).isPresent();
        try {
            printing.get(interrupted ? 2 : Integer.MAX_VALUE, TimeUnit.SECONDS);
            console.stalled = false;
        } catch (InterruptedException e) {
            return Optional.of(Fault.interrupted());
        } catch (ExecutionException e) {
            return stopped.or(() -> Optional.of((Fault) e.getCause()));
        } catch (TimeoutException _) {
            // stdout's reader has stalled
        }
        return stopped;
    }

    /// Reports a pause of all requests, once if they begin it together.
    synchronized void paused(Duration pause, String reason) {
        var now = console.env().time().now();
        if (!console.terminal() && !pausedUntil.isAfter(now)) {
            console.note("pausing for " + Durations.words(pause) + ": " + reason);
        }
        pausedUntil = now.plus(pause);
        this.reason = reason;
    }

    void note(String text) { console.note(text); }

    void stoppable(Runnable work) { console.env().shutdown().stoppable(work); }

    /// Must be called at least every second.
    synchronized void tick() {
        var now = console.env().time().now();
        if (console.terminal()) {
            console.transientLine(!pausedUntil.isAfter(now) ? line(now) : "pausing for "
                    + Durations.clock(Duration.between(now, pausedUntil)) + ": " + Text.shortened(reason, 60));
        } else if (Duration.between(printed, now).compareTo(SELDOM) >= 0) {
            printed = now;
            console.note(line(now));
        }
    }

    private String line(Instant now) {
        long done = counts.rows(), ms = Math.max(1, Duration.between(begun, now).toMillis());
        String left = done == 0 ? "" : ", " + Durations.words(Duration.ofMillis(ms * (rows - done) / done)) + " left";
        return done + "/" + rows + ": " + counts.words() + ", " + String.format(Locale.ROOT, "%.1f", 1000.0 * done / ms)
                + " rows/s, " + pace.inFlight() + " in flight, " + counts.used().cost() + left + " (pace " + pace.jobs()
                + " jobs" + (pace.delay().isPositive() ? ", " + Durations.seconds(pace.delay()) : "") + ")";
    }
}

/// What a failed request means for its row and the run:
///
/// | why                         | the row's record   | the run           | exit code |
/// |-----------------------------|--------------------|-------------------|-----------|
/// | invalid                     | none               | sends nothing     | 2         |
/// | the same, with `--skip-bad` | failed, `bad_row`  | continues         | 5         |
/// | ROW                         | failed             | continues         | 5         |
/// | RETRY                       | failed, at last    | continues         | 5         |
/// | RETRY_THEN_STOP             | none               | stops, at last    | as STOP   |
/// | PAUSE                       | none               | waits, then stops | 75        |
/// | STOP                        | none               | stops             | 75, 4, 1  |
/// | schema not matched          | failed, `schema`   | continues         | 5         |
/// | finish `length`             | incomplete         | continues         | 5         |
/// | finish `content_filter`     | filtered           | continues         | 5         |
///
/// STOP exits with 4 if not logged in, with 1 if GitHub is not the cause, such as on a full disk. A row with a record
/// is done until `--retry-failed`; one without is sent by the next start.
enum FaultClass {
    PAUSE, RETRY, ROW, RETRY_THEN_STOP, STOP;

    boolean stops() { return this == RETRY_THEN_STOP || this == STOP; }

    static FaultClass of(Fault fault) {
        var refusal = ApiError.behind(fault);
        if (fault.exitCode() == Fault.NOT_LOGGED_IN || fault.is(Fault.Kind.ABUSE)) return STOP;
        if (refusal == null) return switch (fault.kind()) {
            case UNREACHABLE -> PAUSE;
            case CONNECTION_LOST, INCOMPLETE -> RETRY;
            default -> fault.exitCode() == Fault.ERROR ? RETRY_THEN_STOP : STOP;
        };
        int status = refusal.status();
        if (status == 403 && refusal.code().isEmpty() && refusal.json().has("error_details")) return RETRY_THEN_STOP;
        if (refusal.quota() || List.of(401, 402, 403, 421, 466).contains(status)) return STOP;
        return refusal.rateLimit() ? PAUSE : status == 200 || refusal.isTransient() ? RETRY : ROW;
    }
}

/// Sends the pending rows, each in its own thread, as many at once as the rate allows.
final class BatchRunner {
    private static final int HALT_FROM = 50;                // rows before the failed share counts

    private final RateController pace;
    private final RetryPolicy policy;
    private final Time time;
    private final Function<Request, Reply> sender;
    private final Journal journal;
    private final BatchProgress progress;
    private final ReentrantLock turnstile = new ReentrantLock(true);    // one waits for the clock, others for it
    private final int most;                                 // rows open at once
    private final Semaphore seats;                          // for rows, of which there are `most`
    private final Instant begun;
    // Guarded by this. Never call `progress`, which has its own lock, while holding it.
    private BatchCounts counts;                             // rows of this start; used by all starts
    private long requests;                                  // admitted in this start
    private long ahead, sent;                               // bytes of prompts: in flight; of answered ones
    private volatile String answering = "";                 // the model of the last reply: `auto` has no price
    private Fault stop;                                     // why nothing more starts; null: it may

    BatchRunner(RateController pace, RetryPolicy policy, Time time, Function<Request, Reply> sender, Journal journal,
                BatchProgress progress) {
        this.pace = pace;
        this.policy = policy;
        this.time = time;
        this.sender = sender;
        this.journal = journal;
        this.progress = progress;
        most = pace.jobs() + pace.jobs() / 16;              // some are being written to disk
        seats = new Semaphore(most);
        begun = time.now();
        counts = journal.spent();
        sent = 4 * counts.used().promptTokens();
    }

    /// @param items returns null after the last
    /// @param grace for requests in flight after Ctrl-C
    /// @return why the run stopped early, if it did
    Optional<Fault> run(Supplier<BatchItem> items, Duration grace) {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            try {
                progress.begun(counts);
                for (var item = items.get(); item != null && stopped().isEmpty(); item = items.get()) {
                    var row = item;
                    await(1, Long.MAX_VALUE);
                    threads.submit(() -> work(row));
                }
            } catch (InterruptedException | Fault e) {      // requests in flight may end after an input error
                stop(e instanceof Fault fault ? fault : Fault.interrupted());
            }
            try {
                if (stopped().map(Fault::kind).orElse(null) == Fault.Kind.INTERRUPTED) throw new InterruptedException();
                await(most, Long.MAX_VALUE);
            } catch (InterruptedException _) {              // also if the run stops for another reason
                stop(Fault.interrupted());
                if (pace.inFlight() > 0) progress.note("requests in flight: " + pace.inFlight()
                        + "; press Ctrl-C again to abandon them");
                progress.stoppable(() -> drain(grace));
                threads.shutdownNow();
            }
        }
        return stopped();
    }

    private void await(int rows, long nanos) throws InterruptedException {
        for (long begin = System.nanoTime(); System.nanoTime() - begin < nanos; progress.tick()) {
            if (seats.tryAcquire(rows, 500, TimeUnit.MILLISECONDS)) return;
        }
    }

    /// Lets requests in flight end; a second Ctrl-C abandons them, a third one ends the process.
    private void drain(Duration grace) {
        try {
            await(most, grace.toNanos());
        } catch (InterruptedException _) {
            // stop waiting
        }
    }

    synchronized Optional<Fault> stopped() { return Optional.ofNullable(stop); }

    synchronized void stop(Fault why) {
        if (stop == null) stop = why;
        notifyAll();
    }

    /// Waits until a request may start, and counts it as started.
    ///
    /// @throws Fault if no more may start
    private void start(long bytes) {
        try {
            turnstile.lockInterruptibly();
            for (var wait = tryStart(bytes); wait.isPositive(); wait = tryStart(bytes)) {
                progress.tick();
                if (wait != RateController.UNTIL_AN_ANSWER) time.pause(Durations.min(wait, Duration.ofSeconds(1)));
            }
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        } finally {
            if (turnstile.isHeldByCurrentThread()) turnstile.unlock();
        }
    }

    /// @return the time until the next try; zero: counted as started
    private synchronized Duration tryStart(long bytes) throws InterruptedException {
        // as much as those before, by number or length; twice for those in flight, as the first may have been cheap
        double ended = Math.max(1, counts.requests()), tokens = Math.max(1, counts.used().promptTokens());
        double flying = Math.max(1.0 * ahead / Math.max(1, sent), pace.inFlight() / ended);
        double more = Math.max(bytes / 4.0 / tokens, 1 / ended) + 2 * flying;
        var spent = policy.spent(counts, more, bytes, requests, Duration.between(begun, time.now()));
        // an estimate waits for requests in flight, which may cost less
        if (stop == null && spent != null && (pace.inFlight() == 0 || spent.hint().isEmpty())) stop = spent;
        if (stop != null) throw Fault.interrupted();
        boolean probing = spent != null || policy.hasBudget() && pace.inFlight() > 0 && ahead + bytes > 4 * sent;
        var wait = probing ? RateController.UNTIL_AN_ANSWER : pace.wait(time.now());
        if (wait.isZero()) {
            requests++;
            ahead += bytes;
            pace.started(time.now());
        } else if (wait == RateController.UNTIL_AN_ANSWER) wait(500);
        return wait;
    }

    private void work(BatchItem item) {
        var attempts = new Attempts(item);
        try {
            var result = attempts.result();
            count(result);
            progress.ended(result);
        } catch (RuntimeException | Error e) {              // the next run asks the row
            stop(e instanceof Fault fatal ? fatal : Fault.bug(e));
            attempts.save();
        } finally {
            seats.release();
        }
    }

    private final class Attempts {
        private final BatchItem item;
        private final long start = System.nanoTime();
        private int troubles;
        private BatchCounts paid = BatchCounts.NONE, unsaved = BatchCounts.NONE;

        Attempts(BatchItem item) { this.item = item; }

        /// @throws Fault if the run must stop
        RowResult result() {
            try {
                return ended(new SchemaRetry(item.schema(), policy.schemaRetries - journal.missed(item.key()),
                        _ -> ended("missed", null, "", "")).ask(item.request(), first -> policy.tools == null
                        ? ask(first) : policy.tools.ask(first, _ -> { }, this::ask)), "");
            } catch (UnfitAnswer wrong) {
                return ended(wrong.reply, wrong.message());
            } catch (Fault fault) {
                if (FaultClass.of(fault).stops()) throw fault;
                var refusal = ApiError.behind(fault);
                boolean unnamed = refusal == null || refusal.code().isEmpty();
                return ended("failed", null, !unnamed ? refusal.code() : refusal == null || refusal.status() == 200
                        ? "lost" : "http_" + refusal.status(), fault.message());
            }
        }

        private RowResult ended(Reply reply, String mismatch) {
            if (reply.rawFinish().isEmpty()) return ended("incomplete", reply, "finish_missing", FinishReason.MISSING);
            if (reply.unfinished() == null) return mismatch.isEmpty() ? ended("ok", reply, "", "")
                    : ended("failed", reply, "schema", mismatch);
            return ended(reply.finish() == FinishReason.LENGTH ? "incomplete"
                    : reply.finish() == FinishReason.CONTENT_FILTER ? "filtered" : "failed", reply,
                    "finish_" + reply.rawFinish(), reply.unfinished().message());
        }

        /// Records a result, or an attempt at once, because the run may stop before the row ends.
        private RowResult ended(String status, Reply reply, String code, String error) {
            var result = new RowResult(item, status, reply, paid.used(), Duration.ofNanos(System.nanoTime() - start),
                    (int) paid.requests(), code, error);
            journal.append(result, unsaved, time.now());
            unsaved = BatchCounts.NONE;
            return result;
        }

        /// Records the cost that the journal does not have yet.
        private void save() { if (unsaved.requests() > 0) ended("lost", null, "", ""); }

        /// @throws Fault if the request is not retried
        private Reply ask(Request request) {
            while (true) {
                long bytes = request.bytes();
                start(bytes);
                var started = time.now();
                try {
                    var reply = Deadline.within(policy.timeout, () -> sender.apply(request));
                    answering = reply.model();
                    pay(reply.usage(), true, bytes);
                    return reply;
                } catch (Fault fault) {
                    var kind = FaultClass.of(fault);
                    if (kind == FaultClass.PAUSE) pause(fault, started, bytes);
                    else retry(request, fault, kind, bytes);
                }
            }
        }

        private void pay(Usage cost, boolean answered, long bytes) {
            paid = paid.plus("", 1, cost);
            unsaved = unsaved.plus("", 1, cost);
            synchronized (BatchRunner.this) {
                counts = counts.plus("", 1, cost);
                ahead -= bytes;
                if (cost.totalTokens() > 0) sent += bytes;
                pace.ended();
                if (answered) pace.answered();
                BatchRunner.this.notifyAll();
            }
        }

        private void retry(Request request, Fault fault, FaultClass kind, long bytes) {
            var refusal = ApiError.behind(fault);
            boolean fatal = kind == FaultClass.ROW || kind == FaultClass.STOP;
            int most = fatal ? 0 : refusal == null ? policy.retries : refusal.retries(policy.retries);
            boolean again = troubles++ < most;
            if (!again && kind.stops()) stop(fault);        // before another request can start
            boolean lost = fault.is(Fault.Kind.CONNECTION_LOST), inStream = refusal != null && refusal.status() == 200;
            boolean billed = lost || inStream || fault.is(Fault.Kind.INCOMPLETE) || fault.is(Fault.Kind.INTERRUPTED);
            pay(billed ? policy.estimate.apply(request, answering) : Usage.NONE, !kind.stops() && !lost, bytes);
            if (!again) throw fault;
            if (billed) save();
            for (int left = 1 << Math.min(troubles - 1, 5); left > 0 && stopped().isEmpty(); left--) {
                time.pause(Duration.ofSeconds(1));
            }
        }
    }

    private synchronized void count(RowResult result) {
        counts = counts.plus(result.status(), 0, Usage.NONE);
        boolean halt = counts.rows() >= HALT_FROM && counts.notOk() > policy.haltShare * counts.rows();
        if (halt) stop(RetryPolicy.halted(counts));
    }

    /// Pauses all after a rate limit or without a connection, not counted as an attempt. Stops the run if a rate-limit
    /// pause, or all connection pauses since the last answer, exceed `--max-wait`.
    private void pause(Fault fault, Instant started, long bytes) {
        var limit = ApiError.behind(fault);                 // null: no connection
        Duration pause;
        synchronized (this) {
            pace.ended();
            requests--;
            ahead -= bytes;
            var now = time.now();
            pause = limit == null ? pace.unreachable(now) : pace.limited(started, limit.retryAfter(), now);
            if (Durations.max(pause, pace.unreachableFor()).compareTo(policy.maxWait) > 0
                    || pace.pauses() >= RateController.MOST_PAUSES) {
                stop(new Fault(Fault.LATER, fault.message(), fault.hint(), fault.reason()));
            }
            notifyAll();
        }
        if (stopped().isEmpty()) progress.paused(pause, limit == null ? fault.message() : limit.description());
    }
}

/// A run's folder. As `--run` may name any folder, only a run's own files are overwritten or removed.
record RunFolder(Path path) {
    static final String LOCK = "copilot-batch.lock", ELSEWHERE = "make it writable, or use --run DIR";
    private static final Pattern OURS = Pattern.compile(
            "copilot-batch\\.(lock|input)|journal\\.jsonl|order|manifest\\.json|written\\.json");

    Path manifest() { return path.resolve("manifest.json"); }

    Path input() { return path.resolve("copilot-batch.input"); }

    /// Returns a missing node if the file is unreadable or not JSON.
    private static JsonNode read(Path file) {
        try {
            return Json.tryParse(Files.isRegularFile(file) ? Files.readString(file) : "");
        } catch (IOException unreadable) {
            return Json.tryParse("");
        }
    }

    /// @throws Fault if it contains files but neither a run's lock nor its manifest
    void check(String hint) {
        if (!Files.exists(path) || Files.exists(path.resolve(LOCK))
                || Json.text(read(manifest()), "tool").startsWith("copilot.java ")) return;
        String[] others = path.toFile().list();
        if (others != null && others.length == 0) return;
        throw Fault.usage(path + (!Files.isDirectory(path) ? " is a file, not a folder" : others == null
                ? " cannot be read" : " is not the folder of a batch run: it contains "
                + Text.shortened(String.join(", ", new TreeSet<>(List.of(others))), 80)), hint);
    }

    /// Refuses existing files that none of these runs wrote, except empty ones (as of `mktemp`), pipes and devices.
    ///
    /// @param here names are shown relative to it
    static void refuseToOverwrite(Path here, List<RunFolder> runs, Collection<Path> files) {
        var own = runs.stream().flatMap(run -> run.owned().keySet().stream()).collect(Collectors.toSet());
        for (Path each : files) {
            Path file = each.normalize();
            String shown = (file.startsWith(here) ? here.relativize(file) : file).toString();
            String name = file.getFileName().toString();
            if (runs.stream().anyMatch(run -> run.path.normalize().startsWith(file)
                    || OURS.matcher(name).matches() && run.is(file.getParent()))) {
                throw Fault.usage(shown + " is reserved for the run itself", "choose another file for -o");
            }
            // OUT.run belongs to OUT, also if both were moved
            boolean ours = own.contains(file) || runs.stream().anyMatch(run -> Files.exists(run.manifest())
                    && run.is(file.resolveSibling(name + ".run")));
            if (ours || !Files.isRegularFile(file) || file.toFile().length() == 0) continue;
            throw Fault.usage(shown + " already exists and does not belong to the run in " + runs.getFirst().path,
                    "choose another file for -o, or delete " + shown);
        }
    }

    private boolean is(Path other) { return path.normalize().equals(other); }

    /// Returns the run's result files, each with a hash of what was last written; empty if it is only about to be.
    Map<Path, String> owned() {
        var owned = new TreeMap<Path, String>();
        read(path.resolve("written.json")).properties().forEach(file ->
                owned.put(path.resolve(file.getKey()).normalize(), file.getValue().asString("")));
        return owned;
    }

    /// Records result files, relative to the folder, so that all may be moved together.
    void own(Map<Path, String> files) {
        var owned = owned();
        files.forEach((file, hash) -> owned.merge(file.normalize(), hash, (old, now) -> now.isEmpty() ? old : now));
        var names = Json.object();
        Path from = path.normalize();
        owned.forEach((file, hash) -> names.put((Objects.equals(file.getRoot(), from.getRoot())
                ? from.relativize(file) : file).toString(), hash));
        put(path.resolve("written.json"), Json.pretty(names) + "\n");
    }

    /// Keeps rows that were piped in, for later starts.
    void keep(Path rows) { put(input(), to -> Files.copy(rows, to), Home.ownerOnly("rw-------")); }

    private void put(Path file, String text) { put(file, to -> to.write(text.getBytes(StandardCharsets.UTF_8))); }

    private void put(Path file, AtomicFile.Content content, FileAttribute<?>... attributes) {
        try {
            Files.createDirectories(path);
            AtomicFile.write(file, content, attributes);
        } catch (IOException e) {
            throw Fault.io("cannot write to " + path, e, ELSEWHERE);
        }
    }

    /// Returns an empty object if there is none.
    ///
    /// @throws Fault if it is damaged
    ObjectNode readManifest() {
        if (!Files.exists(manifest())) return Json.object();
        if (read(manifest()) instanceof ObjectNode manifest) return manifest;
        throw Fault.error("cannot read " + manifest(), "move it away, then run the same command; the answers are in"
                + " journal.jsonl");
    }

    void write(ObjectNode manifest, Map<Integer, String> order) {
        put(path.resolve("order"), order.entrySet().stream().map(row -> row.getKey() + " " + row.getValue() + "\n")
                .collect(Collectors.joining()));
        put(manifest(), Json.pretty(manifest) + "\n");
    }

    /// Returns the index and key of each row of the run's last start; empty if they cannot be read.
    Map<Integer, String> order() {
        try (var lines = Files.lines(path.resolve("order"))) {
            return lines.map(line -> line.split(" ")).collect(Collectors.toMap(words -> Integer.valueOf(words[0]),
                    words -> words[1]));
        } catch (IOException | RuntimeException unreadable) {
            return Map.of();
        }
    }

}

/// Writes results in input order to one file or to one per row, each moved into place when complete.
///
/// @param openai writes lines in the format of OpenAI's Batch API
/// @param echo names of row fields that results repeat
/// @param pattern null: one file for all
record ResultWriter(Console console, String name, boolean openai, List<String> echo, FilePattern pattern) {
    private static final String[] ENDINGS = {".jsonl", ".json", ".csv", ".tsv", ".ndjson"};

    ResultWriter(Console console, String name, boolean openai, List<String> echo) {
        this(console, name, openai, echo, name.contains("{{") ? new FilePattern(console.env(), name) : null);
    }

    /// Checks a name for results before anything is sent.
    ///
    /// @return whether it is that of one file, which may have its OUT.run
    static boolean check(Environment env, String what, String name) {
        if (name.equals("-")) return false;
        Path file = OutputFile.check(env, what, name, ENDINGS);
        return !name.contains("{{") && (Files.isRegularFile(file) || !Files.exists(file));
    }

    Path here() { return console.env().directory(); }

    boolean stdout() { return name.equals("-"); }

    Set<Path> files() {
        return pattern != null ? pattern.claimed() : stdout() ? Set.of() : Set.of(here().resolve(name));
    }

    private void each(Supplier<Stream<String>> results, BiConsumer<Path, AtomicFile.Content> to) {
        if (pattern == null) to.accept(here().resolve(name), bytes -> writeAll(results.get(), bytes));
        else results.get().map(Json::tryParse).forEach(result -> pattern.file(result).ifPresent(file -> to.accept(file,
                bytes -> bytes.write(Text.endWithNewline(result.has("json") ? Json.pretty(result.path("json"))
                        : Json.text(result, "text")).getBytes(StandardCharsets.UTF_8)))));
    }

    Map<Path, String> files(Supplier<Stream<String>> results) {
        var files = new HashMap<Path, String>();
        if (!stdout()) each(results, (file, _) -> files.put(file, ""));
        return files;
    }

    /// @param results JSON texts
    /// @param known hashes of what the run last wrote
    /// @param own receives the files that were written, each with a hash
    /// @throws Fault for the first file that cannot be written, after the others are
    void write(Supplier<Stream<String>> results, Set<String> known, Consumer<Map<Path, String>> own) {
        var written = new HashMap<Path, String>();
        var failures = new ArrayList<Fault>();
        if (stdout()) results.get().forEach(result -> console.env().out().print(line(result) + "\n"));
        else each(results, (file, content) -> {
            try {
                Files.createDirectories(file.getParent());
                written.put(file, replace(file, content, known));
            } catch (IOException e) {
                failures.add(Fault.io("cannot write " + shown(file), e, "the answers are saved; fix it, then run " + COP
                        + " batch status OUT --write"));
            }
        });
        own.accept(written);
        if (!failures.isEmpty()) throw failures.getFirst();
    }

    /// Replaces a file. One that somebody has changed since the run wrote it is kept under another name.
    private String replace(Path file, AtomicFile.Content content, Set<String> known) throws IOException {
        String before = OutputFile.hash(file);
        if (!before.isEmpty() && OutputFile.hash(content).equals(before)) return before;
        if (!before.isEmpty() && !known.contains(before)) {
            Path kept = Files.copy(file, OutputFile.free(file, i -> ".changed-" + i));
            console.note("note: " + shown(file) + " was changed since this run wrote it; saved as " + shown(kept));
        }
        AtomicFile.write(file, content);
        return OutputFile.hash(file);
    }

    private Path shown(Path file) { return file.startsWith(here()) ? here().relativize(file) : file; }

    private void writeAll(Stream<String> results, OutputStream to) throws IOException {
        var text = new BufferedWriter(new OutputStreamWriter(to, StandardCharsets.UTF_8));
        String ending = name.toLowerCase(Locale.ROOT).replaceFirst("(?s).*(?=\\.)", "");
        boolean array = ending.equals(".json"), tabs = ending.equals(".tsv");
        var lines = (tabs || ending.equals(".csv") ? table(results, tabs) : results.map(this::line)).iterator();
        if (array) text.write(lines.hasNext() ? "[\n" : "[");
        while (lines.hasNext()) text.write(lines.next() + (array && lines.hasNext() ? ",\n" : "\n"));
        if (array) text.write("]\n");
        text.flush();
    }

    String line(String result) { return openai ? openai(result) : result; }

    private static final List<String> COLUMNS = List.of("id", "status", "text", "model", "finish", "prompt_tokens",
            "completion_tokens", "ms", "attempts", "error");

    private Stream<String> table(Stream<String> results, boolean tabs) {
        var heading = echo.stream().map(field -> COLUMNS.contains(field) ? "row_" + field : field);
        var cells = results.map(Json::tryParse).map(json -> Stream.concat(COLUMNS.stream().map(column ->
                switch (column) {
                    case "text" -> answer(json);
                    case "prompt_tokens", "completion_tokens" -> json.path("usage").path(column).asString("");
                    case "error" -> Json.text(json.path("error"), "message");
                    default -> Json.plain(json.path(column));
                }), echo.stream().map(field -> Json.plain(json.path("echo").path(field)))));
        return Stream.concat(Stream.of(Stream.concat(COLUMNS.stream(), heading)), cells).map(row ->
                row.map(cell -> cell(cell, tabs)).collect(Collectors.joining(tabs ? "\t" : ",")));
    }

    private static String answer(JsonNode result) {
        return result.has("json") ? Json.compact(result.path("json")) : Json.text(result, "text");
    }

    /// Quotes as RFC 4180 does; in TSV line ends and tabs become spaces, and only what begins with a quote has others.
    static String cell(String text, boolean tabs) {
        String cell = tabs ? text.replaceAll("[\t\r\n]+", " ") : text;
        return cell.matches(tabs ? " *\".*" : "(?s).*[\",\r\n].*") ? "\"" + cell.replace("\"", "\"\"") + "\"" : cell;
    }

    private static String openai(String result) {
        var json = Json.tryParse(result);
        String id = Json.plain(json.path("id"));
        var line = Json.object().put("id", "batch_req_" + id).put("custom_id", id);
        if (json.has("text") || json.has("json")) {
            var body = line.putObject("response").put("status_code", 200)
                    .put("request_id", Json.text(json, "request_id")).putObject("body")
                    .put("object", "chat.completion").put("model", Json.text(json, "model"));
            var choices = body.putArray("choices");
            for (var text : json.has("choices") ? json.path("choices") : Json.object().put("text", answer(json))) {
                var choice = choices.addObject().put("index", choices.size() - 1);
                choice.putObject("message").put("role", "assistant").put("content", text.asString());
                choice.put("finish_reason", Json.text(json, "finish"));
            }
            body.set("usage", json.path("usage"));
        } else line.putNull("response");
        return Json.singleLine(line.set("error", json.has("error") ? json.path("error") : NullNode.getInstance()));
    }
}

/// A file per row, such as `out/{{id}}.md`, named from its result, never outside the pattern's folder.
final class FilePattern {
    private final Environment env;
    private final Path folder;
    private final String pattern;
    private final StrictMustache mustache = new StrictMustache(_ -> Optional.empty(), List::of);
    private final StrictMustache.Compiled compiled;
    /// Files with the id of their row. On macOS as on Windows, names that differ in case alone are one.
    private final Map<Path, Object> claimed = new TreeMap<>(!System.getProperty("os.name").startsWith("Mac")
            ? Comparator.naturalOrder() : Comparator.comparing(file -> file.toString().toLowerCase(Locale.ROOT)));
    private final Set<Path> above = new HashSet<>();                    // their folders

    FilePattern(Environment env, String pattern) {
        this.env = env;
        this.pattern = pattern;
        compiled = mustache.text(pattern, "-o " + pattern, 1);
        String start = pattern.substring(0, pattern.indexOf("{{"));
        folder = env.directory().resolve(start.substring(0, start.lastIndexOf('/') + 1)).normalize();
    }

    Set<Path> claimed() { return claimed.keySet(); }

    /// Refuses names that no result has.
    ///
    /// @param echo names of row fields that results repeat
    void check(Collection<String> echo) {
        var names = StrictMustache.spelled(echo);
        names.addAll(List.of("id", "status", "model", "echo", "."));
        for (var use : compiled.uses()) {
            String name = use.name().replaceFirst("^echo\\.", "");
            if (use.section() || names.stream().anyMatch(each -> (name + ".").startsWith(each + "."))) continue;
            throw wrong(": results have no field {{" + use.name() + "}}", "--echo " + name);
        }
    }

    /// Checks that a row's file has a valid name that no other row has.
    void claim(BatchItem item, String model) {
        var result = Json.object().put("status", "ok").put("model", model).set("id", JsonValues.node(item.id()));
        if (item.echo() != null) result.set("echo", item.echo());
        Path file = file(result).orElseThrow();
        Object other = claimed.put(file, item.id());
        if (other != null) throw wrong(" names the same file for " + item.id() + " and " + other, "use {{id}}");
        var folders = Stream.iterate(file.getParent(), up -> !up.equals(folder), Path::getParent).toList();
        above.addAll(folders);
        if (above.contains(file) || Files.isDirectory(file) || folders.stream().anyMatch(up -> claimed.containsKey(up)
                || Files.isRegularFile(up))) {
            throw wrong(" names both a file and a folder for " + item.id(), "add an ending: '" + pattern + ".txt'");
        }
        if (file.getFileName().toString().getBytes(StandardCharsets.UTF_8).length > 240) {
            throw wrong(" makes a file name that is too long", "use --id with a shorter field");
        }
    }

    private Fault wrong(String what, String hint) { return Fault.usage("-o " + pattern + what, hint); }

    Optional<Path> file(JsonNode result) {
        if (!Json.text(result, "status").equals("ok")) return Optional.empty();
        var data = JsonValues.copy((Map<?, ?>) JsonValues.of(result));
        if (data.get("echo") instanceof Map<?, ?> echo) JsonValues.copy(echo).forEach(data::putIfAbsent);
        var name = mustache.render(compiled, data);
        for (var missing : name.missing()) throw Fault.usage(missing.message(),
                "use id, status, model, or fields named by --echo");
        Path file = env.path(name.text()).normalize();
        if (file.startsWith(folder) && !file.equals(folder)) return Optional.of(file);
        throw wrong(" makes \"" + name.text() + "\", which is outside its folder", "use --id with another field");
    }
}

// ============================================================================================== Templates
// Template lookup, front matter and strict mustache; only this part loads mustache.java and YAML.

/// A parsed template. Messages are split before rendering, so no value can pose as another message.
///
/// @param file null for a packaged template
record Template(String name, String place, Path file, FrontMatter head, List<MessageTemplate> turns,
                StrictMustache mustache) {
    /// @param defaults for names that the data omits or sets to null
    /// @param inputs descriptions by name
    /// @param inputSchema of the data; may be null
    /// @param stdin the name that receives piped input
    /// @param delivery `endpoint:` and the fields under `options:`
    record FrontMatter(String description, String model, ObjectNode options, Map<String, Object> defaults,
                       Map<String, String> inputs, JsonSchema inputSchema, String stdin, ResponseSchema answer,
                       Samples samples, Delivery delivery) {}

    record Samples(boolean any, String place, Supplier<List<Map<String, Object>>> rows) {}

    record MessageTemplate(String role, StrictMustache.Compiled text) {}

    private static final int LONGEST = 2_000;               // characters of an error message
    static final String PARTIALS = "put partials next to the template or into a folder of " + COP + " templates path";

    /// Returns the rendered messages without blank ones; the last is kept even if blank.
    ///
    /// @param allowMissing renders missing values as empty; a missing parent, whose blocks would be lost, still fails
    /// @throws Fault listing every missing value and every violation of the input schema
    List<Message> filled(Map<String, Object> data, boolean allowMissing) {
        if (head.answer() != null) head.answer().schema().check();
        var all = JsonValues.withDefaults(data, head.defaults());
        var missing = new ArrayList<StrictMustache.Missing>();
        var messages = new ArrayList<Message>();
        for (var turn : turns) {
            var rendering = mustache.render(turn.text(), all);
            missing.addAll(rendering.missing());
            boolean kept = turn == turns.getLast() || !rendering.text().isBlank();
            if (kept) messages.add(new Message(turn.role(), rendering.text()));
        }
        if (allowMissing) missing.removeIf(each -> !each.kind().equals("<"));
        var problems = new LinkedHashSet<>(missing.stream().map(StrictMustache.Missing::message).toList());
        if (head.inputSchema() != null) problems.addAll(head.inputSchema().misses(JsonValues.node(all), place
                + ": data"));
        if (problems.isEmpty()) return messages;
        var kind = missing.isEmpty() ? Fault.Kind.INVALID_VALUES : missing.stream().allMatch(each -> each.kind()
                .isEmpty()) ? Fault.Kind.MISSING_VALUES : Fault.Kind.OTHER;
        throw new Fault(kind, Fault.USAGE, Text.shortened(String.join("; ", problems), LONGEST), switch (kind) {
            case INVALID_VALUES -> "see inputs: in the template";
            case MISSING_VALUES -> data.isEmpty() ? "the data is empty" : "the data has " + Text.shortened(
                    String.join(", ", StrictMustache.spelled(data.keySet())), 200);
            default -> PARTIALS;
        }, null);
    }

    /// Returns its name as `-t` needs it: outside the folders of templates the path, quoted.
    String typed() { return file == null || place.startsWith("templates/") ? name : Text.quoted(place); }

    /// Returns the names that are missing from `data`, except in sections that are not rendered.
    Set<String> needs(Map<String, Object> data) {
        var all = JsonValues.withDefaults(data, head.defaults());
        return names(turns.stream().flatMap(turn -> mustache.render(turn.text(), all).missing().stream())
                .filter(missing -> missing.kind().isEmpty()).map(StrictMustache.Missing::name));
    }

    /// Returns true if stdin would give a value that `data` lacks.
    boolean awaitsStdin(Map<String, Object> data) {
        return names().contains(head.stdin()) && data.getOrDefault(head.stdin(), JsonValues.NULL) == JsonValues.NULL;
    }

    /// Returns the first path segments of all names in the texts and their partials.
    Set<String> names() { return names(uses().filter(use -> !use.partial()).map(StrictMustache.TagReference::name)); }

    Set<String> inputs() { return head.inputs().isEmpty() ? names() : head.inputs().keySet(); }

    String inputNames() {
        var needs = needs(Map.of());
        return inputs().stream().map(name -> needs.contains(name) ? name : "[" + name + "]")
                .collect(Collectors.joining(" "));
    }

    private static Set<String> names(Stream<String> paths) {
        return new LinkedHashSet<>(paths.map(path -> path.split("\\.", 2)[0]).filter(name -> !name.isEmpty()).toList());
    }

    boolean open() { return uses().anyMatch(use -> use.name().equals(".") || use.dynamic()); }

    Collection<StrictMustache.Compiled> texts() {
        var all = new LinkedHashSet<StrictMustache.Compiled>();
        turns.forEach(turn -> mustache.addTexts(turn.text(), all));
        return all;
    }

    Stream<StrictMustache.TagReference> uses() { return texts().stream().flatMap(text -> text.uses().stream()); }

    /// Returns a hash of the template's text, without partials; merged shards must have the same one.
    String hash() {
        return Text.sha256(turns.stream().map(turn -> turn.role() + "\n" + turn.text().source().text())
                .collect(Collectors.joining("\n"))).substring(0, 16);
    }
}

/// Finds likely mistakes in a template and its data, for `templates check`, `render`, `chat` and batches.
final class TemplateLint {
    private static final Pattern NO = Pattern.compile("(?i)\\s*(false|no|off|0|none|null|nan|#?n/a|undefined)\\s*");
    private static final Pattern TAG = Pattern.compile("(?s)\\{\\{\\{.*?}}}|\\{\\{.*?}}"), FOREIGN = Pattern.compile(
            "\\{[%#]|<%|}}|\0}|(?<![\\w\\\\}])\\$?\\{(?<name>\\w+)}");

    private final Template template;                        // null: rows are whole requests
    private final Set<String> given;                        // names that are set individually
    private final List<StrictMustache.TagReference> tags;
    private final Set<String> fields = new LinkedHashSet<>(), found = new HashSet<>();      // of all rows
    private final Map<String, Fault> errors = new LinkedHashMap<>();        // by message
    private final Map<String, Integer> warnings = new LinkedHashMap<>();    // with their number
    private final Set<Request> requests = new HashSet<>();                  // at most two
    private int rows, prompts;

    TemplateLint(Template template, Set<String> given) {
        this.template = template;
        this.given = given;
        tags = template == null ? List.of() : template.uses().filter(tag -> !tag.name().equals(".")).toList();
        if (template == null || template.open()) found.add("");             // certainly depends on the rows
    }

    /// Finds missing or endless partials, failing samples, unused or undescribed inputs, invalid schemas.
    Collection<Fault> errors() {
        var head = template.head();
        var names = template.names();
        var described = StrictMustache.spelled(head.inputs().keySet());
        tags.stream().filter(tag -> tag.partial() && !tag.dynamic()).forEach(tag -> template.mustache()
                .missingPartial(tag.name()).ifPresent(what -> error(tag.place() + ": " + what, Template.PARTIALS, "")));
        check("", () -> {
            var needs = template.needs(Map.of());           // endless without data: always endless
            if (template.open()) return;
            compare("the input %s is not used", described, names);
            if (!head.stdin().equals("input")) compare("stdin: %s is not used", Set.of(head.stdin()), names);
            if (!described.isEmpty()) compare("{{%s}} is not among the inputs", needs, described);
        });
        if (head.inputSchema() != null) check("", head.inputSchema()::check);
        if (head.answer() != null) check("", head.answer().schema()::check);
        if (errors.isEmpty() && head.samples().any()) check("", () -> head.samples().rows().get().forEach(sample -> {
            row(sample);
            check(" (sample " + rows + " of " + head.samples().place() + ")", () -> template.filled(sample, false));
        }));
        return errors.values();
    }

    private void compare(String message, Set<String> names, Set<String> known) {
        names.stream().filter(name -> !known.contains(name)).forEach(name -> error(template.place() + ": "
                + message.formatted(name) + StrictMustache.near(name, known), "fix inputs:, stdin: or the tag", ""));
    }

    private void check(String where, Runnable check) {
        try {
            check.run();
        } catch (Fault fault) {
            error(fault.message(), fault.hint(), where);
        }
    }

    private void error(String message, String hint, String where) {
        errors.putIfAbsent(message, Fault.usage(message + where, hint));
    }

    private void warn(String message) { warnings.merge(message, 1, Integer::sum); }

    void row(Map<String, Object> data) {
        rows++;
        if (fields.size() < 10_000) fields.addAll(StrictMustache.spelled(data.keySet()));
        for (var tag : tags) {
            Object value = template.mustache().value(tag.name(), data);
            if (value != null) found.add(tag.name());
            String text = value instanceof String || value instanceof JsonValues.NumberLiteral ? value.toString() : "";
            if (tag.section() && NO.matcher(text).matches()) warn(tag.place() + ": {{" + tag.kind() + tag.name()
                    + "}} treats \"" + text.strip() + "\" as true");
        }
    }

    /// @throws Fault if all that the prompt takes from a row is blank, unless a section provides for that
    void refuseBlank(Map<String, Object> data) {
        var values = new LinkedHashMap<String, Object>();
        for (var tag : tags) {
            Object value = template.mustache().value(tag.name(), data);
            if (value == null || given.contains(tag.name().split("\\.")[0])) continue;
            if (tag.section() || !(value instanceof String text && Text.blank(text))) return;
            values.put(tag.name(), value);
        }
        if (!values.isEmpty()) throw Fault.usage(String.join(", ", values.keySet()) + (values.size() == 1 ? " is blank"
                : " are blank"), "fill in a value");
    }

    void prompt(Request request) {
        prompts++;
        if (requests.size() < 2) requests.add(request);
    }

    /// Returns each warning, with the number of rows that have it.
    List<String> warnings() {
        if (sameForAll()) warn(!found.isEmpty() ? "all " + prompts + " prompts are the same"
                : template.place() + " uses no field of the rows: " + Text.shortened(String.join(", ", fields), 200));
        if (template != null) checkTags();
        return warnings.entrySet().stream().map(warning -> warning.getKey() + (warning.getValue() == 1 ? ""
                : ", " + warning.getValue() + " times")).toList();
    }

    private void checkTags() {
        template.texts().forEach(text -> findForeignTags(text.source()));
        template.head().defaults().forEach((name, value) -> {
            if (JsonValues.text(value).contains("{{")) warn(template.place() + ": default of " + name + " contains {{");
        });
        var others = fields.stream().filter(name -> !template.names().contains(name) && !given.contains(name)).toList();
        for (var tag : tags) {
            String near = found.contains(tag.name()) || tag.partial() ? "" : StrictMustache.near(tag.name(), others);
            if (!near.isEmpty()) warn(tag.place() + ": {{" + tag.name() + "}} is not in the data" + near);
        }
    }

    /// Finds tags of other template languages, and unmatched closing braces.
    private void findForeignTags(StrictMustache.Source source) {
        String text = TAG.matcher(source.text()).replaceAll(tag -> "\0" + tag.group().replaceAll("[^\n]", ""));
        boolean balanced = text.replace("}", "").length() >= text.replace("{", "").length();
        var found = FOREIGN.matcher(source.text().contains("{{=") ? "" : text);
        while (found.find()) {
            String what = found.group().replace("\0", ""), name = found.group("name");
            if (what.startsWith("}") ? balanced : name != null && !fields.contains(name)) continue;
            int line = source.firstLine() + text.substring(0, found.start()).split("\n", -1).length - 1;
            warn(source.place() + ":" + line + ": " + what + " is plain text, not a tag");
        }
    }

    /// Returns true if a batch would pay for the same answer again and again.
    boolean sameForAll() { return prompts > 1 && requests.size() == 1 || prompts > 0 && found.isEmpty(); }
}

/// Reads `NAME.mustache` files with front matter, and GitHub prompt files (gh-models, pkg/prompt): pure YAML whose
/// unknown fields are ignored and whose models are named PUBLISHER/MODEL.
final class TemplateReader {
    private static final List<String> TEXTS = List.of("description", "model", "endpoint", "system", "stdin",
            "responseFormat");
    private static final List<String> LISTS = List.of("messages", "testData");
    private static final List<String> OBJECTS = List.of("defaults", "inputs", "schema", "options", "modelParameters");
    private static final List<String> KEYS = Stream.of(TEXTS, LISTS, OBJECTS, List.of("jsonSchema",
            "expect"), RequestFields.NAMES).flatMap(List::stream).toList();
    private static final List<String> GITHUB = List.of("description", "model", "modelParameters", "messages",
            "responseFormat", "jsonSchema", "testData");
    static final String PROMPT = "write the prompt after the front matter; in a .prompt.yml, under messages:";

    private final TemplateFolders.TemplateSource found;
    private final StrictMustache mustache;
    private final TemplateText parts;
    private final Map<String, Integer> lines = new HashMap<>();         // of each value, by JSON pointer
    private final Map<String, Object> fields;

    TemplateReader(TemplateFolders folders, TemplateFolders.TemplateSource found) {
        this.found = found;
        mustache = new StrictMustache(name -> folders.partial(found, name), () -> folders.partials(found));
        parts = TemplateText.of(found);
        fields = new LinkedHashMap<>(JsonValues.yaml(parts.yaml(), found.place(), parts.yamlLine(), lines));
        fields.values().removeIf(value -> value == JsonValues.NULL);
        if (found.github()) fields.keySet().retainAll(GITHUB);
        String unknown = fields.keySet().stream().filter(key -> !KEYS.contains(key)).map(key -> at(key)
                + ": unknown field " + key + Suggestions.of(key.replace('-', '_'), KEYS).map(near -> ", did you mean "
                + near + "?").orElse("")).collect(Collectors.joining("; "));
        if (!unknown.isEmpty()) throw Fault.usage(unknown, "put other fields of the request under options:");
        fields.replaceAll(this::checked);
    }

    /// Accepts `description: 2024` too.
    private Object checked(String key, Object value) {
        boolean scalar = !(value instanceof Map || value instanceof List), text = TEXTS.contains(key);
        String kind = text && scalar ? "a string" : JsonValues.kind(value), expected = text ? "a string"
                : LISTS.contains(key) ? "a list" : OBJECTS.contains(key) ? "an object" : kind;
        if (kind.equals(expected)) return text ? value.toString() : value;
        throw wrong(key, "expected " + expected + ", got " + kind, "write " + key + ": " + Map.of("a string",
                "\"TEXT\"", "a list", "[ITEM, …]", "an object", "{NAME: VALUE}").get(expected));
    }

    private String text(String key) { return (String) fields.getOrDefault(key, ""); }

    private String choice(String key, Collection<String> known) {
        String value = text(key);
        if (value.isEmpty() || known.contains(value)) return value;
        throw Fault.usage(at(key) + ": unknown " + key + " " + value, "use " + String.join(", ", known));
    }

    private Map<String, Object> object(String key) {
        return JsonValues.copy((Map<?, ?>) fields.getOrDefault(key, Map.of()));
    }

    private List<?> list(String key) { return (List<?>) fields.getOrDefault(key, List.of()); }

    /// Returns FILE:LINE of the first of these paths that exists.
    private String at(String... paths) {
        return found.place() + Stream.of(paths).map(path -> lines.get("/" + path)).filter(Objects::nonNull).findFirst()
                .map(line -> ":" + line).orElse("");
    }

    private Fault wrong(String key, String what, String hint) {
        return Fault.usage(at(key) + ": " + key + ": " + what, hint);
    }

    Template template() {
        var options = options();
        var inputs = new LinkedHashMap<String, String>();
        var inputSchema = inputs(inputs);
        String endpoint = choice("endpoint", Delivery.ENDPOINTS.keySet());
        var delivery = new Delivery(endpoint.isEmpty() ? null : endpoint, object("options").keySet());
        var head = new Template.FrontMatter(text("description"), text("model").replaceFirst("^.*/", ""),
                options, object("defaults"), inputs, inputSchema, fields.containsKey("stdin") ? text("stdin")
                : "input", answer(options), samples(), delivery);
        var turns = turns();
        if (!turns.isEmpty()) return new Template(found.name(), found.place(), found.file(), head, turns, mustache);
        throw Fault.usage(found.place() + " has no prompt", PROMPT);
    }

    /// Converts options; GitHub's camelCase names (`maxTokens`) become snake_case.
    private ObjectNode options() {
        var options = (ObjectNode) JsonValues.node(object("options"));
        object("modelParameters").forEach((name, value) -> options.set(name.replaceAll("([a-z])([A-Z])", "$1_$2")
                .toLowerCase(Locale.ROOT), JsonValues.node(value)));
        RequestFields.NAMES.stream().filter(fields::containsKey).forEach(name -> options.set(name,
                JsonValues.node(fields.get(name))));
        RequestFields.check(options, key -> at("options/" + key, key, "modelParameters") + ": " + key);
        return options;
    }

    private List<Template.MessageTemplate> turns() {
        var turns = new ArrayList<Template.MessageTemplate>();
        if (fields.containsKey("system")) turns.add(turn("system", text("system"), lines.getOrDefault("/system", 1)));
        var messages = list("messages");
        for (int i = 0; i < messages.size(); i++) turns.add(earlier(messages.get(i), "messages/" + i));
        var body = parts.body();
        if (!body.text().isBlank()) turns.add(turn("user", body.text(), body.firstLine()));
        return turns;
    }

    /// Drops one trailing newline, which editors and YAML blocks add.
    private Template.MessageTemplate turn(String role, String text, int firstLine) {
        return new Template.MessageTemplate(role, mustache.text(text.replaceFirst("\\r?\\n\\z", ""), found.place(),
                firstLine));
    }

    /// Reads a message: `- user: text`, or in GitHub's form `- role: user` with `content: text`.
    private Template.MessageTemplate earlier(Object item, String path) {
        var message = item instanceof Map<?, ?> map ? map : Map.of();
        boolean brief = message.size() == 1;
        Object key = brief ? message.keySet().iterator().next() : "content", role = brief ? key : message.get("role");
        if (role == null || !(message.get(key) instanceof String content) || message.size() > 2 && !found.github()) {
            throw Fault.usage(at(path) + ": a message must have role and content only", "- user: \"TEXT\"");
        }
        String name = String.valueOf(role).toLowerCase(Locale.ROOT);
        int line = lines.getOrDefault("/" + path + "/" + key, 1);
        if (name.matches("system|user|assistant")) return turn(name, content, line);
        throw Fault.usage(at(path) + ": unknown role " + role, "use system, user or assistant");
    }

    /// Reads `inputs`: a description per name, a JSON Schema per name, or one JSON Schema for all.
    ///
    /// @param lines receives the description of each name
    /// @return the schema of the data, or null
    private JsonSchema inputs(Map<String, String> lines) {
        var inputs = object("inputs");
        boolean whole = "object".equals(inputs.get("type")) && inputs.get("properties") instanceof Map;
        var schemas = new LinkedHashMap<String, Object>();
        (whole ? JsonValues.copy((Map<?, ?>) inputs.get("properties")) : inputs).forEach((name, value) -> {
            if (value instanceof Map) schemas.put(name, value);
            Object line = value instanceof Map<?, ?> schema ? schema.get("description") : value;
            lines.put(name, line == null || line == JsonValues.NULL ? "" : JsonValues.text(line));
        });
        if (schemas.isEmpty() && !whole) return null;
        return schema("inputs", whole ? inputs : Map.of("type", "object", "properties", schemas));
    }

    private JsonSchema schema(String key, Map<?, ?> schema) {
        return new JsonSchema((ObjectNode) JsonValues.node(schema), at(key) + ": " + key);
    }

    /// @param options receives `response_format` for `json_object`
    private ResponseSchema answer(ObjectNode options) {
        var own = object("schema");
        if (!own.isEmpty()) return new ResponseSchema(found.name(), schema("schema", own), null);
        String format = choice("responseFormat", List.of("text", "json_object", "json_schema"));
        if (format.equals("json_object")) options.putObject("response_format").put("type", format);
        if (!format.equals("json_schema")) return null;
        var json = fields.get("jsonSchema") instanceof String text ? JsonValues.value(text, at("jsonSchema")
                + ", jsonSchema") : fields.get("jsonSchema");
        if (json instanceof Map<?, ?> map && map.get("name") instanceof String name
                && map.get("schema") instanceof Map<?, ?> schema) return new ResponseSchema(name, schema("jsonSchema",
                schema), map.get("strict") instanceof Boolean strict ? strict : null);
        throw wrong("responseFormat", "json_schema needs a jsonSchema with name and schema",
                "jsonSchema: '{\"name\": …, \"schema\": {…}}'");
    }

    private Template.Samples samples() {
        if (!fields.containsKey("testData")) return found.samples();
        var rows = list("testData").stream().map(row -> row instanceof Map<?, ?> map ? JsonValues.copy(map)
                : JsonValues.object(Json.compact(row), at("testData") + ": testData")).toList();
        return new Template.Samples(!rows.isEmpty(), "testData:", () -> rows);
    }
}

/// A template's text, split into the YAML between two `---` lines and the body after it.
record TemplateText(String yaml, int yamlLine, StrictMustache.Source body) {
    private static final Pattern PARTS = Pattern.compile("(?ms)\\s*^---[ \\t]*(?:\\r?\\n|\\z)(?<yaml>.*?)"
            + "(?:^---[ \\t]*(?:\\r?\\n|\\z)(?<body>.*)|\\z)");

    /// GitHub's files are all YAML.
    static TemplateText of(TemplateFolders.TemplateSource found) {
        String text = found.text(), place = found.place();
        if (found.github()) return new TemplateText(text, 1, new StrictMustache.Source(place, "", 1));
        var parts = PARTS.matcher(text);
        if (!parts.matches()) return new TemplateText("", 1, new StrictMustache.Source(place, text, 1));
        String yaml = parts.group("yaml"), body = parts.group("body");
        int line = (int) text.substring(0, parts.start("yaml")).lines().count();
        if (body != null) return new TemplateText(yaml, line + 1, new StrictMustache.Source(place, body,
                line + (int) yaml.lines().count() + 2));
        throw Fault.usage(place + ":" + line + ": unclosed front matter", "end it with a line ---");
    }
}

/// Finds templates; the first match wins: a path, `./templates`, `templates` under COP_HOME, packaged.
final class TemplateFolders {
    /// A jar cannot be listed; a test compares this with the folder.
    static final List<String> PACKAGED = List.of("classify", "commit-message", "explain", "extract", "release-notes",
            "review", "sql", "summarize", "test-cases", "translate");
    private static final List<String> ENDINGS = List.of(".mustache", ".prompt.yml", ".prompt.yaml");

    private final Environment env;
    private final List<Path> folders;

    TemplateFolders(Environment env) {
        this.env = env;
        folders = List.of(env.path("templates"), Home.of(env).config().resolve("templates"));
    }

    /// @param place the path for display; the bare file name of a packaged template
    /// @param file null for a packaged template
    record TemplateSource(String name, String place, Path file, String text) {
        boolean github() { return place.matches("(?i).*\\.ya?ml"); }

        Template.Samples samples() {
            String sample = place.replaceFirst("\\.[^./\\\\]+$", "") + ".json";
            Path path = file == null ? null : file.resolveSibling(Path.of(sample).getFileName());
            boolean any = path == null ? PACKAGED.contains(name) : Files.isRegularFile(path);
            return new Template.Samples(any, sample, () -> List.of(JsonValues.object(path == null
                    ? packaged(name + ".json") : InputFile.text(path, sample), sample)));
        }
    }

    List<Path> folders() { return folders; }

    Template named(String name) { return new TemplateReader(this, find(name)).template(); }

    TemplateSource find(String name) {
        String bare = name.replaceFirst("^packaged:", "");
        var endings = name.matches("[\\w-]+|packaged:.*") ? Stream.<String>of() : Stream.concat(Stream.of(""),
                ENDINGS.stream());
        var found = endings.map(ending -> name + ending).filter(env::isFile).findFirst()
                .map(path -> found(stem(env.path(path).getFileName().toString()), path, env.path(path)))
                .or(() -> inFolders(bare.equals(name) ? folders : List.of(), bare, false))
                .orElseThrow(() -> Fault.usage("unknown template: " + name, name.matches("(?s).*(\\s|\\{\\{).*")
                        ? "save the prompt as templates/NAME.mustache and pass NAME" : Suggestions.hint(stem(bare),
                        names(), COP + " templates, or name a file with its ending")));
        boolean blank = found.text().isBlank();
        boolean odd = found.place().matches(".*\\.\\w+(?<!\\.mustache|\\.prompt\\.ya?ml)");
        if (!blank && (!odd || found.text().contains("{{"))) return found;
        throw Fault.usage(found.place() + (blank ? " has no prompt" : " is not a template: it has no {{name}}"),
                !blank ? "name a .mustache or .prompt.yml file; put a pattern in quotes: -d '*.json'"
                : PACKAGED.contains(found.name()) ? "-t packaged:" + found.name() : TemplateReader.PROMPT);
    }

    private TemplateSource found(String name, String place, Path file) {
        String text = env.stdin().orPipe(file, place, () -> InputFile.text(file, place));
        return new TemplateSource(name, place, file, text);
    }

    Path path(String name) {
        var found = find(name);
        if (found.file() != null) return found.file().toAbsolutePath();
        throw Fault.usage(found.name() + " is packaged and has no file", COP + " templates copy " + found.name());
    }

    /// Copies a template and its sample to `./templates`, never over a file.
    String copy(String typed, String name) {
        var found = find(typed);
        String to = "templates/" + Objects.requireNonNullElse(name, found.name()).replaceFirst("^(\\./)?templates/", "")
                .replaceFirst("\\.mustache$", "");
        Path file = env.path(to + (found.github() ? ".prompt.yml" : ".mustache")), sample = env.path(to + ".json");
        for (Path each : List.of(file, sample)) if (Files.exists(each, LinkOption.NOFOLLOW_LINKS)) throw Fault.usage(
                shown(each) + " already exists", COP + " templates copy " + Text.quoted(typed) + " NEW");
        file.toFile().getParentFile().mkdirs();             // if this fails, writing does too
        OutputFile.write(file, found.text());
        if (found.samples().any()) OutputFile.write(sample, Json.pretty(found.samples().rows().get().getFirst()));
        return shown(file);
    }

    private Optional<TemplateSource> inFolders(List<Path> places, String name, boolean confined) {
        return places.stream().flatMap(folder -> ENDINGS.stream().flatMap(ending -> within(folder, name + ending,
                confined).stream())).findFirst().map(file -> found(name, shown(file), file))
                .or(() -> PACKAGED.contains(name) ? Optional.of(new TemplateSource(name, name + ".mustache", null,
                        packaged(name + ".mustache"))) : Optional.empty());
    }

    /// Finds a partial next to the template, then in the template folders, from which neither `..` nor a symbolic link
    /// leads out. Front matter is stripped.
    Optional<StrictMustache.Source> partial(TemplateSource from, String name) {
        return inFolders(places(from), name, true).filter(found -> !found.github())
                .map(found -> TemplateText.of(found).body());
    }

    Collection<String> partials(TemplateSource from) { return names(places(from)); }

    private List<Path> places(TemplateSource from) {
        var places = new ArrayList<>(folders);
        if (from.file() != null) places.addFirst(from.file().toAbsolutePath().getParent());
        return places;
    }

    SortedSet<String> names() { return names(folders); }

    private static SortedSet<String> names(List<Path> folders) {
        var names = new TreeSet<>(PACKAGED);
        for (Path folder : folders) {
            try (var files = Files.walk(folder, 8)) {
                files.filter(Files::isRegularFile).map(file -> folder.relativize(file).toString().replace('\\', '/'))
                        .filter(file -> file.matches(".*[^/]\\.(mustache|prompt\\.ya?ml)"))
                        .map(TemplateFolders::stem).forEach(names::add);
            } catch (IOException | UncheckedIOException _) {
                // it may not exist
            }
        }
        return names;
    }

    private static String stem(String file) { return file.replaceFirst("\\.(mustache|prompt\\.ya?ml)$", ""); }

    private static Optional<Path> within(Path folder, String name, boolean confined) {
        try {
            Path file = folder.resolve(name);
            boolean exists = Files.exists(file) && !Files.isDirectory(file);
            return exists && (!confined || file.toRealPath().startsWith(folder.toRealPath())) ? Optional.of(file)
                    : Optional.empty();
        } catch (InvalidPathException | IOException _) {
            return Optional.empty();
        }
    }

    private String shown(Path file) {
        Path here = env.directory().toAbsolutePath(), whole = file.toAbsolutePath().normalize();
        return (whole.startsWith(here) ? here.relativize(whole) : whole).toString().replace('\\', '/');
    }

    private static String packaged(String file) {
        try (var in = TemplateFolders.class.getResourceAsStream("/templates/" + file)) {
            if (in == null) throw new NoSuchFileException(file);
            return Text.utf8(in.readAllBytes(), file, 0);
        } catch (IOException e) {
            throw Fault.io("cannot read the packaged " + file, e, "reinstall the tool with jbang --fresh");
        }
    }
}

/// Mustache for prompts, based on mustache.java: nothing is escaped, missing values are recorded, values are never
/// parsed as templates. Parser, lookup, values, partials and inheritance are replaced; sections are mustache.java's.
/// Compiled texts are immutable and thread-safe.
final class StrictMustache extends DefaultMustacheFactory {
    /// A compiled text. `uses` excludes the names in partials.
    record Compiled(Source source, Code code, List<TagReference> uses) {}

    /// @param kind the tag's sigil; empty for a value
    record TagReference(String kind, String name, String place) {
        boolean section() { return kind.equals("#") || kind.equals("^"); }

        boolean partial() { return kind.equals(">") || kind.equals("<"); }

        boolean dynamic() { return name.startsWith("*"); }
    }

    record Source(String place, String text, int firstLine) {}

    /// @param kind the sigil of a tag whose partial is missing; empty for a value
    record Missing(String kind, String name, String message) {}

    private static final int DEEPEST = 100;                 // nesting of partials
    private static final String BLANK = "[\\s\\u00a0\\u200b\\ufeff]";
    private static final Pattern AROUND = Pattern.compile("^" + BLANK + "+|" + BLANK + "+$"),
            UNTAGGABLE = Pattern.compile("^[#^/<>$!&=*.]|[{}]|\\.(?=\\.|$)|" + BLANK),
            INVISIBLE = Pattern.compile("[\\p{Cf}\\p{Z}&&[^ ]]");

    private final Function<String, Optional<Source>> partials;
    private final Supplier<Collection<String>> partialNames;
    private final Lookup lookup = new Lookup();
    private final ConcurrentMap<String, Optional<Compiled>> known = new ConcurrentHashMap<>();
    /// Whether `{{a.b}}` may read a field `a.b`, unlike in the specification.
    boolean dotted = true;

    StrictMustache(Function<String, Optional<Source>> partials, Supplier<Collection<String>> partialNames) {
        this.partials = partials;
        this.partialNames = partialNames;
        oh = lookup;
    }

    /// @param firstLine the line number in the file at which the text starts
    Compiled text(String template, String place, int firstLine) {
        var parser = new Parser(template, place, firstLine);
        var code = parser.codes(null, firstLine);
        code.init();
        return new Compiled(new Source(place, template, firstLine), code, parser.uses);
    }

    /// Compiles a partial on first use, as partials may be recursive. A standalone tag's indentation is added to each
    /// line (mustache specification).
    private Optional<Compiled> partial(String name, String indent) {
        return known.computeIfAbsent(indent + name, _ -> partials.apply(name).map(source -> text(source.text()
                .replaceAll("(?md)^(?!\\z)", Matcher.quoteReplacement(indent)), source.place(), source.firstLine())));
    }

    void addTexts(Compiled text, Set<Compiled> all) {
        if (all.add(text)) text.uses().stream().filter(use -> use.partial() && !use.dynamic()).forEach(use ->
                partial(use.name(), "").ifPresent(part -> addTexts(part, all)));
    }

    Optional<String> missingPartial(String name) {
        return partial(name, "").isPresent() ? Optional.empty()
                : Optional.of("unknown partial " + shown(name) + near(name, partialNames.get()));
    }

    Object value(String name, Map<String, Object> data) {
        return name.equals(".") ? null : lookup.find(name.split("\\."), List.of(data));
    }

    /// Returns names as tags spell them, with `_` for other characters: `{{Ticket_Text}}`.
    static Set<String> spelled(Collection<String> names) {
        return new LinkedHashSet<>(names.stream().map(StrictMustache::spelled).toList());
    }

    private static String spelled(String name) { return UNTAGGABLE.matcher(stripped(name)).replaceAll("_"); }

    private static String stripped(String name) { return AROUND.matcher(name).replaceAll(""); }

    private static String shown(String name) {
        return INVISIBLE.matcher(name).replaceAll(m -> "<U+%04X>".formatted((int) m.group().charAt(0)));
    }

    /// Returns the field of that name, else the only one that a tag spells so.
    static String field(Map<?, ?> map, String name) {
        return map.containsKey(name) ? name : JsonValues.copy(map).keySet().stream()
                .filter(each -> spelled(each).equals(name)).reduce((_, _) -> name).orElse(name);
    }

    static String near(String name, Collection<String> names) {
        return Suggestions.of(name, names).filter(near -> !near.equals(name))
                .map(near -> ", did you mean " + near + "?").orElse("");
    }

    /// @throws Fault if partials recurse without end
    Rendering render(Compiled text, Object data) {
        var output = new Rendering();
        text.code().execute(output, new ArrayList<>(List.of(data)));
        return output;
    }

    static final class Rendering extends StringWriter {
        private final Map<String, Missing> missing = new LinkedHashMap<>();     // by place and name
        private Map<String, Code> blocks = Map.of();        // overrides of a parent's
        private int depth;

        String text() { return toString(); }

        Collection<Missing> missing() { return missing.values(); }

        private void missing(TemplateContext place, String kind, String name, Supplier<String> message) {
            missing.computeIfAbsent(at(place) + name, _ -> new Missing(kind, name, at(place) + message.get()));
        }
    }

    /// Returns text as a template that renders it verbatim.
    static String literal(String text) { return text.contains("{{") ? "{{=<%% %%>=}}" + text : text; }

    private static String at(TemplateContext place) { return place.file() + ":" + place.line() + ": "; }

    /// A tag that mustache.java would handle differently: value, partial, parent or block.
    private final class Tag extends DefaultCode {
        private final String indent;

        /// @param indent the whitespace before a standalone tag
        Tag(TemplateContext place, String kind, String name, DefaultMustache inner, String indent) {
            super(place, StrictMustache.this, inner, name, kind);
            this.indent = indent;
        }

        @Override
        public Writer execute(Writer writer, List<Object> scopes) {
            var output = (Rendering) writer;
            switch (type) {
                case "$" -> output.blocks.getOrDefault(name, mustache).execute(output, scopes);
                case "<" -> partial(output, scopes, blocks(output.blocks));
                case ">" -> partial(output, scopes, Map.of());
                default -> value(output, scopes, name, get(scopes)).ifPresent(output::write);
            }
            return writer;
        }

        private Optional<String> value(Rendering output, List<Object> scopes, String name, Object value) {
            if (value != null && value != JsonValues.NULL) return Optional.of(JsonValues.text(value));
            output.missing(tc, "", name, () -> lookup.missing(name, scopes));
            return Optional.empty();
        }

        /// Renders `{{>name}}`, `{{>*name}}` (the data has the name) or `{{<name}}`.
        private void partial(Rendering output, List<Object> scopes, Map<String, Code> blocks) {
            var named = dynamic ? value(output, scopes, name.substring(1), binding.get(scopes)) : Optional.of(name);
            if (named.isEmpty()) return;
            var partial = StrictMustache.this.partial(named.get(), indent);
            if (partial.isEmpty()) {
                output.missing(tc, type, named.get(), () -> missingPartial(named.get()).orElseThrow());
                return;
            }
            if (++output.depth > DEEPEST) throw Fault.usage(at(tc) + "endless recursion of partial " + named.get(),
                    "set the list to [] in the innermost item: a missing name is looked up in the outer items");
            var outer = output.blocks;
            output.blocks = blocks;
            partial.get().code().execute(output, scopes);
            output.blocks = outer;
            output.depth--;
        }

        /// Returns the block overrides in a parent tag; overrides from outside win.
        private Map<String, Code> blocks(Map<String, Code> outer) {
            var blocks = new HashMap<String, Code>();
            for (var code : getCodes()) {
                if (code instanceof Tag tag && tag.type.equals("$")) blocks.put(tag.name, tag.mustache);
            }
            blocks.putAll(outer);
            return blocks;
        }
    }

    /// Looks up names in maps only, so no Java object is reachable: the first segment of a dotted name from the
    /// innermost section outwards, the rest inside its value.
    private final class Lookup extends AbstractObjectHandler {
        @Override
        public Binding createBinding(String name, TemplateContext place, Code code) {
            if (".".equals(name)) return List::getLast;
            String[] path = String.valueOf(name).split("\\.");
            return scopes -> find(path, scopes);
        }

        Object find(String[] path, List<Object> scopes) {
            Object value = null;
            for (int i = scopes.size() - 1; i >= 0 && value == null; i--) value = get(scopes.get(i), path[0]);
            for (int i = 1; i < path.length; i++) value = get(value, path[i]);
            return value != null || path.length == 1 || !dotted ? value
                    : find(new String[] {String.join(".", path)}, scopes);
        }

        private static Object get(Object value, String name) {
            return value instanceof Map<?, ?> map ? map.get(field(map, name)) : null;
        }

        @Override
        public Wrapper find(String name, List<Object> scopes) { throw new IllegalStateException("not used"); }

        String missing(String name, List<Object> scopes) {
            String[] path = name.split("\\.");
            var fields = new LinkedHashMap<String, Object>();
            for (Object scope : scopes) if (scope instanceof Map<?, ?> map) fields.putAll(JsonValues.copy(map));
            Object value = name.equals(".") ? scopes.getLast() : find(path, scopes);
            String why = value == JsonValues.NULL ? " (it is null)" : Suggestions.of(name, spelled(fields.keySet()))
                    .filter(near -> !near.equals(name)).map(near -> " (the data has " + near + ")").orElse("");
            if (why.isEmpty()) why = fields.keySet().stream().filter(outer -> get(fields.get(outer), path[0]) != null)
                    .findFirst().map(outer -> " (it is under " + outer + ")").orElse("");
            for (int known = 1; known < path.length; known++) {         // finds the longest prefix that exists
                Object outer = find(Arrays.copyOf(path, known), scopes);
                if (outer == null || find(Arrays.copyOf(path, known + 1), scopes) != null) continue;
                why = " (" + String.join(".", List.of(path).subList(0, known)) + (outer instanceof Map<?, ?> map
                        && !map.isEmpty() ? " has " + String.join(", ", JsonValues.copy(map).keySet()) : " is "
                        + JsonValues.kind(outer)) + ")";
            }
            return "{{" + shown(name) + "}} is missing" + (scopes.size() == 1 ? "" : " in "
                    + Text.shortened(JsonValues.text(scopes.getLast()), 40)) + why;
        }
    }

    /// Replaces mustache.java's parser, which leaves blank lines for standalone tags, loses CR and miscounts lines. A
    /// standalone tag removes its whole line (mustache specification).
    private final class Parser {
        private static final Pattern DELIMITERS = Pattern.compile("(\\S+)\\s+(\\S+)\\s*=");
        private static final Pattern PARTIAL = Pattern.compile("[^\\s*]\\S*|\\*\\s*\\S+");
        private static final Pattern NAME = Pattern.compile("\\.|[^\\s.{}*][^\\s.{}]*+(\\.[^\\s.{}]++)*+");
        private static final String AS_TEXT = "to write {{ as text, change the delimiters: {{=<% %>=}}";
        private static final String SECTIONS = "close {{#name}} with {{/name}}; {{_price}} reads a field $price";

        private final String text, place;
        private final List<TagReference> uses = new ArrayList<>();
        private String open;
        private Matcher tag;
        private int position, line, counted;

        Parser(String text, String place, int firstLine) {
            this.text = text;
            this.place = place;
            line = firstLine;
            delimiters("{{ }}=", firstLine);
        }

        private void delimiters(String pair, int line) {
            var both = DELIMITERS.matcher(pair);
            if (!both.matches()) throw wrong(line, "{{=" + pair + "}} sets no delimiters", "{{=<% %>=}}");
            open = both.group(1);
            tag = Pattern.compile("(?smd)(?<indent>^[ \\t]*)?(?<tag>" + Pattern.quote(open)
                    + "(?:\\{(?<raw>.*?)}|(?<kind>[#^/<$>!&=]?)(?<name>.*?))" + Pattern.quote(both.group(2))
                    + ")(?<rest>[ \\t]*(?:\\r?\\n|\\z))?").matcher(text);
        }

        /// @param opened the section to close, or null at top level
        DefaultMustache codes(String opened, int start) {
            var codes = new ArrayList<Code>();
            while (tag.find(position)) {
                boolean raw = tag.group("raw") != null;
                String kind = raw ? "&" : tag.group("kind"), name = stripped(tag.group(raw ? "raw" : "name"));
                boolean alone = !"&".contains(kind) && tag.group("indent") != null && tag.group("rest") != null;
                String indent = alone ? tag.group("indent") : "";
                codes.add(text(tag.start(alone ? "indent" : "tag")));
                int at = lineOf(tag.start("tag"));
                position = tag.end(alone ? "rest" : "tag");
                switch (kind) {
                    case "!" -> { }
                    case "=" -> delimiters(name, at);
                    case "/" -> {
                        if (opened != null && opened.substring(1).equals(name)) return mustache(codes, start);
                        throw wrong(at, "{{/" + name + "}} does not close " + (opened == null ? "a section"
                                : "{{" + opened + "}} of line " + start), SECTIONS);
                    }
                    default -> codes.add(code(kind.replace("&", ""), checked(kind, name, at), at, indent));
                }
            }
            int next = text.indexOf(open, position);
            if (next >= 0) throw wrong(lineOf(next), "unclosed tag " + Text.shortened(text.substring(next).replaceFirst(
                    "(?s)\\R.*", ""), 40), AS_TEXT);
            if (opened != null) throw wrong(start, "unclosed section {{" + opened + "}}", SECTIONS);
            codes.add(text(text.length()));
            return mustache(codes, start);
        }

        private DefaultMustache mustache(List<Code> codes, int start) {
            return new DefaultMustache(context(start), StrictMustache.this, codes.toArray(Code[]::new), place);
        }

        private Code text(int end) {
            return new WriteCode(context(line), StrictMustache.this, text.substring(position, end));
        }

        private TemplateContext context(int line) { return new TemplateContext("{{", "}}", place, line, false); }

        private Code code(String kind, String name, int line, String indent) {
            uses.add(new TagReference(kind, name, place + ":" + line));
            var inner = List.of("", ">").contains(kind) ? null : codes(kind + name, line);
            return switch (kind) {
                case "#" -> new IterableCode(context(line), StrictMustache.this, inner, name);
                case "^" -> new NotIterableCode(context(line), StrictMustache.this, inner, name);
                default -> new Tag(context(line), kind, name, inner, indent);
            };
        }

        /// Rejects names that look like the syntax of other template languages.
        private String checked(String kind, String name, int line) {
            boolean partial = kind.equals(">") || kind.equals("<");
            if ((partial ? PARTIAL : NAME).matcher(name).matches()) return name.replaceFirst("^\\*\\s+", "*");
            String word = name.split("[\\s|(]+", 2)[0];
            throw wrong(line, "invalid tag {{" + kind + Text.shortened(shown(name), 40) + "}}",
                    List.of("if", "unless", "each", "for", "with").contains(word)
                    ? "use {{#name}} … {{/name}} if a value is there and for each of a list, {{^name}} … if not"
                    : "write a name, such as {{" + (name.isEmpty() ? "title" : spelled(name)) + "}}; " + AS_TEXT);
        }

        /// Returns the line number; positions must not decrease between calls.
        private int lineOf(int at) {
            for (; counted < at; counted++) if (text.charAt(counted) == '\n') line++;
            return line;
        }

        private Fault wrong(int line, String what, String hint) {
            return Fault.usage(place + ":" + line + ": " + what, hint);
        }
    }
}

/// JSON as plain values: maps, lists, strings, booleans, `NULL`, and numbers as written (1e12, 0.10).
final class JsonValues {
    /// Data whose numbers keep the digits of the file.
    interface Fields {
        Map<String, Object> data();
    }

    record NumberLiteral(String text) {
        @Override
        public String toString() { return text; }
    }

    static final Object NULL = JsonNodeFactory.instance.nullNode();

    /// @throws Fault with line and column if it is not a JSON object
    static Map<String, Object> object(String json, String where) { return object(json, where, 1); }

    static Map<String, Object> object(String json, String where, int firstLine) {
        return new Source(where, firstLine, json, null).object(Json.parser(json), where + (firstLine > 1 ? ":"
                + firstLine : "") + ": expected a JSON object, got ", "write {\"name\": \"value\"}");
    }

    static Object value(JsonParser parser, String where) { return new Source(where, 1, "", null).value(parser); }

    static Object value(String json, String where) { return new Source(where, 1, json, null).read(Json.parser(json)); }

    /// @param lines receives the line of each value by JSON pointer
    static Map<String, Object> yaml(String yaml, String where, int firstLine, Map<String, Integer> lines) {
        if (yaml.lines().map(String::strip).allMatch(line -> line.isEmpty() || line.startsWith("#"))) return Map.of();
        return new Source(where, firstLine, yaml, lines).object(new YAMLFactory().createParser(ObjectReadContext
                .empty(), yaml), where + ":" + firstLine + ": expected an object, got ", "write NAME: VALUE lines");
    }

    static Fault fault(JacksonException e, String where) { return new Source(where, 1, "", null).fault(e); }

    /// @param lines receives the line of each value; null for JSON
    private record Source(String where, int firstLine, String text, Map<String, Integer> lines) {
        private static final Pattern MARK = Pattern.compile("line (\\d+), column (\\d+)");

        Map<String, Object> object(JsonParser parser, String expected, String hint) {
            Object value = read(parser);
            if (value instanceof Map<?, ?> map) return copy(map);
            throw Fault.usage(expected + kind(value), hint);
        }

        Object read(JsonParser parser) {
            try (parser) {
                if (parser.nextToken() == null) throw Fault.usage(where + " is empty", "write {} for no values");
                Object value = value(parser);
                if (parser.nextToken() == null) return value;
                throw Fault.usage(at(parser.currentTokenLocation()) + "more than one value", lines == null
                        ? "use a batch, or one object: head -n 1 FILE" : "remove the second YAML document");
            } catch (JacksonException e) {
                throw fault(e);
            }
        }

        private Object value(JsonParser parser) {
            note(parser);
            return switch (parser.currentToken()) {
                case START_OBJECT -> {
                    var map = new LinkedHashMap<String, Object>();
                    while (parser.nextToken() != JsonToken.END_OBJECT) {
                        String name = parser.currentName();
                        var place = parser.currentTokenLocation();
                        note(parser);
                        parser.nextToken();
                        if (map.putIfAbsent(name, value(parser)) == null) continue;
                        throw Fault.usage(at(place) + "duplicate name " + name, "remove one of them");
                    }
                    yield map;
                }
                case START_ARRAY -> {
                    var list = new ArrayList<>();
                    while (parser.nextToken() != JsonToken.END_ARRAY) list.add(value(parser));
                    yield list;
                }
                case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number(parser.getString());
                case VALUE_TRUE -> true;
                case VALUE_FALSE -> false;
                case VALUE_NULL -> NULL;
                default -> text(parser);
            };
        }

        private String text(JsonParser parser) {
            if (parser instanceof YAMLParser yaml && yaml.isCurrentAlias()) {
                throw Fault.usage(at(parser.currentTokenLocation()) + "unsupported alias *" + parser.getString(),
                        "quote a string that begins with *");
            }
            return checked(parser.getString(), () -> at(parser.currentTokenLocation()));
        }

        /// Records where a string starts (for a block, after its `|`), else the line of its name.
        private void note(JsonParser parser) {
            if (lines == null) return;
            var place = parser.currentTokenLocation();
            String path = parser.streamReadContext().pathAsPointer().toString();
            boolean text = parser.currentToken() == JsonToken.VALUE_STRING;
            boolean block = text && line(place).strip().matches(".*[|>][0-9+-]*([ \\t]#.*)?");
            if (text || !lines.containsKey(path)) lines.put(path, lineNumber(place) + (block ? 1 : 0));
        }

        private int lineNumber(TokenStreamLocation place) { return place.getLineNr() + firstLine - 1; }

        private String at(TokenStreamLocation place) {
            return where + ":" + lineNumber(place) + ":" + place.getColumnNr() + ": ";
        }

        private String line(TokenStreamLocation place) {
            return text.lines().skip(Math.max(0, place.getLineNr() - 1)).findFirst().orElse("");
        }

        Fault fault(JacksonException e) {
            String message = e.getOriginalMessage();
            var place = Objects.requireNonNullElse(e.getLocation(), TokenStreamLocation.NA);
            if (message.startsWith("Invalid UTF-8")) return Text.notUtf8(where, lineNumber(place));
            var mark = MARK.matcher(message);               // YAML: Jackson's location is that of the token before
            if (mark.find()) place = new TokenStreamLocation(null, -1,
                    Integer.parseInt(mark.group(1)), Integer.parseInt(mark.group(2)));
            String line = line(place);
            String near = line.substring(Math.clamp(place.getColumnNr() - 60, 0, line.length())).strip();
            return new Fault(Fault.USAGE, at(place) + words(message) + (near.isEmpty() ? "" : " in: "
                    + Text.shortened(Text.printable(near), 100)), lines == null
                    ? "check commas, colons and brackets; put names and strings in double quotes"
                    : "quote strings with : or # or a leading {; indent with spaces", e);
        }
    }

    /// Drops technical details, such as the source line of YAML errors.
    private static String words(String message) {
        return Text.shortened(message.lines().filter(line -> !line.startsWith(" ")).collect(Collectors.joining(", "))
                .replaceAll("^while [^,]*, |\\. \\(Do not use.*| \\(code \\d+\\)| ?\\(start marker at .*|: enable `.*"
                + "|: maybe a \\(non.*", ""), 200);
    }

    private static final Pattern SURROGATE = Pattern.compile("\\p{Cs}");    // unpaired

    /// Rejects lone surrogates such as `\ud83d`, which cannot be sent.
    private static String checked(String text, Supplier<String> where) {
        var surrogate = SURROGATE.matcher(text);
        if (!surrogate.find()) return text;
        throw Fault.usage(where.get() + "unpaired surrogate \\u" + Integer.toHexString(surrogate.group().charAt(0)),
                "write both halves: \\ud83d\\ude00");
    }

    private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

    /// Keeps numbers that are valid in YAML but not in JSON, such as 0x1F and 007, as text.
    private static Object number(String text) {
        return NUMBER.matcher(text).matches() ? new NumberLiteral(text) : text;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> copy(Map<?, ?> map) { return (Map<String, Object>) map; }

    /// Converts values from scripts: strings, numbers, booleans, lists, maps, records, `JsonNode`.
    static Object of(Object value) {
        return switch (value) {
            case null -> NULL;
            case NumberLiteral _, Boolean _ -> value;
            case CharSequence _, Enum<?> _, Path _, Temporal _ -> checked(value.toString(), () -> "");
            case Number number -> number(number.toString());
            case JsonNode node -> value(Json.compact(node), "the JSON");
            case Fields fields -> fields.data();
            case Map<?, ?> map -> {                         // the order of Map.of differs between JVMs
                var copy = map instanceof SequencedMap ? new LinkedHashMap<String, Object>()
                        : new TreeMap<String, Object>();
                map.forEach((name, inner) -> copy.put(String.valueOf(name), of(inner)));
                yield copy;
            }
            case Collection<?> items -> items.stream().map(JsonValues::of).toList();
            case Object[] items -> of(Arrays.asList(items));
            case Record record -> of(Json.tree(record));
            default -> throw Fault.usage("unsupported value type " + value.getClass().getName(),
                    "use a string, number, boolean, list, map or record");
        };
    }

    static JsonNode node(Object value) {
        var node = Json.tryParse(Json.compact(value));
        if (!node.isMissingNode()) return node;
        throw Fault.usage("number out of range: " + Text.shortened(text(value), 80), "quote it");
    }

    /// Returns the value as shown in a prompt: scalars verbatim, objects and lists as compact JSON.
    static String text(Object value) {
        return value instanceof Map || value instanceof List ? Json.compact(value) : value.toString();
    }

    static String kind(Object value) {
        return value == null ? "nothing" : value instanceof Map ? "an object" : value instanceof List ? "a list"
                : value instanceof String ? "a string" : value instanceof NumberLiteral ? "a number" : value.toString();
    }

    /// Sets a value; a dotted name creates nested objects as needed.
    static void put(Map<String, Object> data, String dotted, Object value, String where) {
        String[] path = dotted.split("\\.", 2);
        if (path[0].isBlank()) throw Fault.usage(where + ": empty name", "--var NAME=VALUE");
        if (path.length > 1) {
            Object outer = data.getOrDefault(path[0], NULL) == NULL ? Map.of() : data.get(path[0]);
            if (!(outer instanceof Map<?, ?> map)) throw Fault.usage(where + ": " + path[0] + " is " + kind(outer),
                    "--var " + path[0] + "=…");
            var inner = new LinkedHashMap<>(copy(map));
            put(inner, path[1], value, where);
            value = inner;
        }
        data.put(path[0], value);
    }

    /// Fills in defaults for absent or null values, recursively.
    static Map<String, Object> withDefaults(Map<String, Object> data, Map<String, Object> defaults) {
        if (defaults.isEmpty()) return data;
        var all = new LinkedHashMap<>(data);
        defaults.forEach((name, value) -> all.merge(StrictMustache.field(data, name), value, (own, other) ->
                own == NULL ? other : own instanceof Map<?, ?> a && other instanceof Map<?, ?> b
                ? withDefaults(copy(a), copy(b)) : own));
        return all;
    }
}

// ====================================================================================== Schema and tokens
// JSON Schema, retries of answers that violate it, token counts; only this part loads the validator and the tokenizer.

/// Reports an answer of the wrong form, such as one that violates its schema after all retries.
final class UnfitAnswer extends Fault {
    final Reply reply;

    UnfitAnswer(Reply reply, Fault why) {
        super(ERROR, why.message(), why.hint(), null);
        this.reply = reply;
    }
}

/// Runs the tools that a model calls; the program `tools` implements it.
interface ToolRunner {
    /// Compiles the files of `-T`. From then on each call is shown, and asked for unless `yes`.
    ///
    /// @throws Fault if a file does not compile, or if stdin is not a terminal
    ToolRunner load(Console console, List<String> files, boolean yes, int maxSteps, Duration limit);

    ArrayNode offered();

    List<ToolDefinition> of(Object toolbox);

    /// Asks until the model calls no more tools.
    ///
    /// @param log receives the steps so far before each call, which may end the process
    /// @return the last answer, with all steps and the usage of all requests
    Reply ask(Request request, Consumer<List<Message>> log, Function<Request, Reply> asker);
}

/// Sends a request, and again if the answer violates the schema.
///
/// @param schema null accepts any answer
/// @param notes receives the reason for each retry
record SchemaRetry(ResponseSchema schema, int retries, Consumer<String> notes) {
    /// @return the reply, its text only the JSON that matches the schema. Tool calls are not checked
    /// @throws UnfitAnswer with the last reply; also if it was cut off: a truncated number is wrong
    Reply ask(Request first, Function<Request, Reply> ask) {
        var request = first;
        var used = Usage.NONE;
        for (int left = retries; ; left--) {
            var reply = ask.apply(request);
            used = used.plus(reply.usage());
            if (schema == null || reply.asksForTool()) return reply.withUsage(used);
            if (reply.unfinished() != null) throw new UnfitAnswer(reply.withUsage(used), reply.unfinished());
            String answer = reply.text(), json = Json.extract(answer, each -> schema.misses(each).isEmpty())
                    .or(() -> Json.extract(answer, _ -> true)).orElse(answer);
            String misses = String.join("; ", schema.misses(json));
            String why = "the answer does not match the schema: " + misses;
            if (misses.isEmpty()) return reply.withText(json).withUsage(used);
            if (left <= 0) throw new UnfitAnswer(reply.withUsage(used), Fault.error(why,
                    first.optionsView().has("response_format") ? "try again or use another model"
                            : "use a model that enforces schemas: " + COP + " models schema"));
            notes.accept(Text.shortened(why, 240) + "; retrying");
            request = first.withMessages(Stream.of(first.messages(), reply.steps(), List.of(Message.assistant(answer),
                    Message.user("That does not match the schema: " + misses
                    + ". Answer again, only with JSON that does."))).flatMap(List::stream).toList());
        }
    }
}

/// @param strict whether the API enforces it; null if it should whenever the schema allows that
record ResponseSchema(String name, JsonSchema schema, Boolean strict) {
    ObjectNode responseFormat() {
        var format = Json.object().put("type", "json_schema");
        format.putObject("json_schema").put("name", name.replaceAll("[^A-Za-z0-9_-]", "_"))
                .put("strict", strict != null ? strict : closed(schema.json())).set("schema", schema.json());
        return format;
    }

    /// Appends the schema as instructions, for models without `response_format`.
    Message instructing(Message message) {
        return new Message(message.role(), message.content() + "\n\n" + instruction(schema.json()), message.images());
    }

    static String instruction(JsonNode schema) {
        return "Answer with JSON alone, without a code fence, that is valid against this JSON Schema:\n"
                + Json.compact(schema);
    }

    List<String> misses(String text) {
        var json = Json.tryParse(text);
        return json.isMissingNode() ? List.of("not valid JSON") : schema.misses(json, "answer");
    }

    /// Checks OpenAI's rule for `strict`: every object requires all its properties and allows no others.
    private static boolean closed(JsonNode schema) {
        var properties = schema.path("properties");
        if (schema.has("properties") || schema.path("type").asString("").equals("object")) {
            var required = schema.path("required").valueStream().map(name -> name.asString("")).toList();
            boolean open = schema.path("additionalProperties").asBoolean(true);
            if (open || !required.containsAll(properties.propertyNames())) return false;
        }
        return Stream.concat(schema.valueStream().filter(JsonNode::isContainer), properties.valueStream())
                .allMatch(ResponseSchema::closed);
    }
}

/// A JSON Schema, compiled on first use. `$ref` reaches only the schema itself and the standard meta-schemas.
final class JsonSchema {
    private static final class Validator {
        static final SchemaRegistry REGISTRY = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12,
                builder -> builder.schemaRegistryConfig(SchemaRegistryConfig.builder().locale(Locale.ENGLISH).build())
                        .schemaLoader(loader -> loader.block(address -> !address.toString()
                                .matches("(https?://json-schema\\.org/|classpath:draft).*"))));
    }

    private final ObjectNode json;
    private final String place;
    private Schema compiled;

    JsonSchema(ObjectNode json, String place) {
        this.json = json;
        this.place = place;
    }

    ObjectNode json() { return json; }

    synchronized void check() {
        if (compiled != null) return;
        var errors = guarded(place, () -> {
            String dialect = json.path("$schema").asString(SpecificationVersion.DRAFT_2020_12.getDialectId());
            // where several types are allowed, each alternative reports an error
            var first = new LinkedHashMap<String, String>();
            Validator.REGISTRY.getSchema(SchemaLocation.of(dialect)).validate(json).forEach(error -> first.putIfAbsent(
                    error.getInstanceLocation().toString(), message(error, place)));
            if (!first.isEmpty()) return List.copyOf(first.values());
            var schema = Validator.REGISTRY.getSchema(json);
            schema.initializeValidators();
            schema.validate(Json.object());                 // fails now if `$ref` is circular
            compiled = schema;
            return List.of();
        });
        if (!errors.isEmpty()) throw Fault.usage(String.join("; ", errors), "see https://json-schema.org");
    }

    List<String> misses(JsonNode value, String what) {
        check();
        return guarded(what, () -> compiled.validate(value).stream().map(error -> message(error, what)).toList());
    }

    /// The validator's exceptions have no common type.
    private static List<String> guarded(String what, Supplier<List<String>> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            return List.of(what + ": " + Text.reason(e).lines().findFirst().orElse("invalid"));
        } catch (StackOverflowError _) {                    // also from regular expressions on long texts
            return List.of(what + " is too long, too deeply nested, or refers to itself endlessly");
        }
    }

    private static String message(com.networknt.schema.Error error, String what) {
        String at = error.getInstanceLocation().toString().replaceFirst("^\\$?[./]?", "").replace('/', '.');
        return what + (at.isEmpty() ? "" : "." + at) + ": " + error.getMessage();
    }
}

/// Counts tokens with jtokkit, loaded on first use.
final class TokenCount {
    private static final EncodingRegistry ENCODINGS = Encodings.newLazyEncodingRegistry();

    static long of(String text, String tokenizer) {
        return ENCODINGS.getEncoding(tokenizer).or(() -> ENCODINGS.getEncoding("o200k_base")).orElseThrow()
                .countTokensOrdinary(text);
    }

    /// Counts a request's tokens with those per message, up to `most`: megabytes take seconds. Long texts are counted
    /// in slices, each of which may add a token.
    static long upTo(long most, Request request, String tokenizer) {
        int slice = 1 << 16;
        long tokens = 3;
        for (String text : request.texts()) {
            tokens += 4;
            for (int at = 0; at < text.length() && tokens <= most; at += slice) {
                tokens += of(text.substring(at, Math.min(text.length(), at + slice)), tokenizer);
            }
        }
        return tokens;
    }

    static long of(Request request, String tokenizer) {
        return upTo(Long.MAX_VALUE, request, tokenizer) + request.extraBytes() / 4;
    }
}

// =================================================================================================== HTTP
// Our headers, server-sent events, and one retry layer for all requests.

/// What all parts share during one command.
record Context(Console console, Home home, Host host, Headers headers, HttpSender http) {
    Environment env() { return console.env(); }

    Instant now() { return env().time().now(); }

    void warnOnce(String text) { console.once(console::warn, text); }

    /// Returns the result of `work`, or empty if it fails; -v shows why.
    <T> Optional<T> attempt(Supplier<T> work) {
        try {
            return Optional.of(work.get());
        } catch (Fault trouble) {
            trouble.rethrowIf(Fault.Kind.INTERRUPTED, Fault.Kind.ABUSE);
            console.detail(trouble.message());
            return Optional.empty();
        }
    }
}

/// GitHub, a tenant of it, or an origin from the user: where requests go and which hosts may get the Copilot token.
///
/// @param custom an origin from the user (--host https://…) that serves device flow, exchange and API
record Host(String name, URI web, URI rest, URI defaultApi, boolean custom) {
    private static final Pattern TENANT = Pattern.compile("([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\\.ghe\\.com)?");

    static Host of(String where, String text) {
        String name = text == null ? "" : text.strip().toLowerCase(Locale.ROOT);
        if (name.isEmpty() || name.equals("github.com")) {
            return new Host("github.com", URI.create("https://github.com"), URI.create("https://api.github.com"),
                    URI.create("https://api.githubcopilot.com"), false);
        }
        if (name.startsWith("http://") || name.startsWith("https://")) return origin(where, text.strip());
        var tenant = TENANT.matcher(name);
        if (!tenant.matches()) {
            throw Fault.usage("invalid " + where + ": " + text, "NAME.ghe.com, or https://HOST:PORT; accounts on"
                    + " GitHub Enterprise Server log in to github.com");
        }
        String base = tenant.group(1) + ".ghe.com";
        return new Host(base, URI.create("https://" + base), URI.create("https://api." + base),
                URI.create("https://copilot-api." + base), false);
    }

    private static Host origin(String where, String text) {
        var uri = Text.uri(text).filter(u -> u.getUserInfo() == null && u.getQuery() == null && u.getFragment() == null
                && (u.getPath().isEmpty() || u.getPath().equals("/"))).orElseThrow(() ->
                Fault.usage("invalid " + where + ": " + text, "use scheme, host and port only: https://HOST:PORT"));
        var origin = URI.create((uri.getScheme() + "://" + uri.getAuthority()).toLowerCase(Locale.ROOT));
        return new Host(origin.toString(), origin, origin, origin, true);
    }

    URI web(String path) { return web.resolve(path); }

    URI rest(String path) { return resolve(rest, path); }

    URI resolve(URI base, String path) {
        return Text.uri(base.toString().replaceAll("/+$", "") + path).orElseThrow(() -> Fault.usage("invalid path \""
                + path + "\"", COP + " api /models"));
    }

    /// Returns the URI if it may get the Copilot token: HTTPS to `*.githubcopilot.com` or `copilot-api.*.ghe.com`, or
    /// any port of a host that the user named.
    URI requireTrusted(String named) {
        return Text.uri(named).filter(api -> api.getUserInfo() == null && mayHaveToken(api)).orElseThrow(() ->
                Fault.error("the token exchange returned an untrusted API host: " + named,
                        "if you trust it, use --host https://…"));
    }

    private boolean mayHaveToken(URI api) {
        String host = api.getHost().toLowerCase(Locale.ROOT);
        boolean secure = api.getScheme().equals("https");
        boolean github = secure && (api.getPort() == -1 || api.getPort() == 443)
                && host.matches("(.*\\.githubcopilot|copilot-api\\..*\\.ghe)\\.com");
        return github || custom && host.equalsIgnoreCase(web.getHost())
                && (secure || api.getScheme().equals(web.getScheme()));
    }

    /// Returns the address to open in a browser, or empty if it is not on our host.
    Optional<URI> safeToOpen(URI page) {
        return Optional.of(page).filter(to -> web.getHost().equalsIgnoreCase(to.getHost())
                && (to.getScheme().equals("https") || custom && to.getScheme().equals("http")));
    }
}

/// Request headers, unique regardless of case: Copilot rejects duplicates.
///
/// @param own headers from the user; an empty value removes one
/// @param strict for GitHub: the user may only replace identity headers
record Headers(Map<String, String> own, Map<String, String> ours, boolean strict) {
    /// Our identity: GitHub's own editor plug-in. GitHub disables models for old versions (opencode-copilot-auth #1),
    /// ties tokens to the integration that exchanged them (openclaw #80074), and lists only legacy models without an
    /// API version (opencode #32627).
    ///
    /// | header                 | value                    | as of      | source                                 |
    /// |------------------------|--------------------------|------------|----------------------------------------|
    /// | Editor-Version         | vscode/1.126.0           | 2026-11-28 | OmniRoute and two other public clients |
    /// | Editor-Plugin-Version  | copilot-chat/0.54.0      | 2026-11-28 | OmniRoute, with that editor            |
    /// | User-Agent             | GitHubCopilotChat/0.54.0 | 2026-11-28 | the same                               |
    /// | Copilot-Integration-Id | vscode-chat              | 2026-11-28 | openclaw #80074, pi, VS Code           |
    /// | X-GitHub-Api-Version   | 2026-08-01, to the API   | 2026-09-03 | opencode #47108, VS Code               |
    /// | X-GitHub-Api-Version   | 2025-04-01, to GitHub    | 2026-11-28 | VS Code, for /copilot_internal         |
    private static final Map<String, String> IDENTITY = Map.of(
            "Editor-Version", "vscode/1.126.0", "Editor-Plugin-Version", "copilot-chat/0.54.0",
            "User-Agent", "GitHubCopilotChat/0.54.0", "Copilot-Integration-Id", "vscode-chat");
    private static final String VERSION = "X-GitHub-Api-Version", API_VERSION = "2026-08-01",
            GITHUB_VERSION = "2025-04-01";

    private static final Pattern LINE = Pattern.compile("\\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\\s*:\\s*([ -~\t]*?)\\s*");

    static Headers parse(String variable, List<String> options) {
        var own = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
        if (variable != null) variable.lines().filter(l -> !l.isBlank()).forEach(l -> put(own, l, "COP_HEADERS"));
        options.forEach(option -> put(own, option, "-H"));
        return new Headers(own, Map.of(), true);
    }

    private static void put(Map<String, String> own, String line, String where) {
        var header = LINE.matcher(line);                    // RFC 9110, 5.6.2
        if (!header.matches()) throw Fault.usage("invalid header in " + where + ": " + Text.printable(line),
                "-H 'Name: value'");
        String name = header.group(1), value = header.group(2);
        if (Set.of("authorization", "host", "content-length", "connection", "transfer-encoding", "upgrade", "expect")
                .contains(name.toLowerCase(Locale.ROOT))) {
            throw Fault.usage(where + " cannot set " + name, name.equalsIgnoreCase("authorization")
                    ? "set COPILOT_GITHUB_TOKEN to a GitHub token" : "remove it; it is set automatically");
        }
        if (value.isEmpty() && name.equalsIgnoreCase("user-agent")) {
            throw Fault.usage(where + " cannot remove User-Agent, which GitHub requires", where
                    + " 'User-Agent: NAME/1.0'");
        }
        own.put(name, value);
    }

    /// Returns the headers of the device flow (steps 1 and 3), which has no token yet.
    Headers login() {
        return of(true, Map.of("User-Agent", IDENTITY.get("User-Agent")), Map.of("Accept", "application/json",
                "Content-Type", "application/x-www-form-urlencoded"));
    }

    Headers github(String token) {
        return of(true, IDENTITY, Map.of("Authorization", "token " + token, "Accept", "application/json"));
    }

    Headers internal(String token) { return github(token).with(Map.of(VERSION, GITHUB_VERSION)); }

    /// Returns the headers of the Copilot API (step 5), the only ones the user can add to. `X-Initiator` is `user`
    /// because a person makes each request.
    Headers copilot(String token) {
        return of(false, IDENTITY, Map.of("Authorization", "Bearer " + token, "Content-Type", "application/json",
                VERSION, API_VERSION, "X-Initiator", "user", "X-Request-Id", UUID.randomUUID().toString()));
    }

    Headers with(Map<String, String> more) { return of(strict, ours, more); }

    private Headers of(boolean strict, Map<String, String> some, Map<String, String> more) {
        var all = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
        all.putAll(some);
        all.putAll(more);
        return new Headers(own, all, strict);
    }

    /// Returns a hash of our identity; tokens and model lists obtained under another one are not used.
    String identity() {
        var said = of(true, IDENTITY, Map.of(VERSION, API_VERSION + ", " + GITHUB_VERSION)).toMap();
        return Text.sha256(said.toString()).substring(0, 8);
    }

    Map<String, String> toMap() {
        var sent = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
        sent.putAll(ours);
        own.forEach((name, value) -> {
            if (strict && (!ours.containsKey(name) || name.matches("(?i)accept|content-type"))) return;
            if (value.isEmpty()) sent.remove(name);
            else sent.put(name, value);
        });
        return sent;
    }
}

/// @param head the time limit for the response headers
/// @param retries the maximum number of retries after transient failures
/// @param explained returns a more specific Fault for an error, or null
record ApiRequest(String method, URI uri, Headers headers, byte[] body, Duration head, int retries,
            Function<ErrorResponse, Fault> explained) {
    ApiRequest(String method, URI uri, Headers headers, byte[] body) {
        this(method, uri, headers, body, HttpSender.HEAD, 3, _ -> null);
    }

    static ApiRequest get(URI uri, Headers headers) { return new ApiRequest("GET", uri, headers, null); }

    /// Adds headers; the user's still win.
    ApiRequest with(Map<String, String> more) {
        return more.isEmpty() ? this : new ApiRequest(method, uri, headers.with(more), body, head, retries, explained);
    }

    ApiRequest withRetries(int most) { return new ApiRequest(method, uri, headers, body, head, most, explained); }

    /// Extends the limit for responses whose headers come only when the whole body is ready.
    ApiRequest unstreamed() {
        return new ApiRequest(method, uri, headers, body, HttpSender.SILENCE, retries, explained);
    }

    ApiRequest explained(Function<ErrorResponse, Fault> words) {
        return new ApiRequest(method, uri, headers, body, head, retries, words);
    }
}

interface ResponseHandler<T> {
    T read(ApiResponse answer) throws IOException;

    /// Returns true if output has reached the user, which a retry would repeat.
    default boolean delivered() { return false; }

    static ResponseHandler<ObjectNode> json(String what) { return answer -> Json.object(answer.text(), what); }
}

/// Handles errors too, instead of having them thrown.
interface AnyReading<T> extends ResponseHandler<T> {}

/// A response whose body is still arriving.
record ApiResponse(int status, HttpHeaders headers, StreamingBody body) implements Closeable {
    private static final int LARGEST = 64 << 20;

    boolean ok() { return status >= 200 && status < 300; }

    String header(String name) { return headers.firstValue(name).orElse(""); }

    /// Looks at the first non-blank character: some JSON responses do not declare their type.
    boolean startsWith(char c) throws IOException { return StreamingBody.peek(body.plain()) == c; }

    String contentType() { return header("content-type").toLowerCase(Locale.ROOT); }

    String requestId() { return ErrorResponse.firstNonEmpty(header("x-github-request-id"), header("x-request-id")); }

    String text() throws IOException {
        String text = text(LARGEST + 1);
        if (text.length() > LARGEST) throw new IOException("the response is larger than 64 MiB");
        return text;
    }

    String text(int most) throws IOException {
        return new String(body.plain().readNBytes(most), StandardCharsets.UTF_8);
    }

    void head(PrintWriter out) {
        out.print("HTTP " + status + "\n");
        headers.map().forEach((name, values) -> values.forEach(v -> out.print(name + ": " + v + "\n")));
        out.print("\n");
    }

    /// Copies the body as it arrives.
    ///
    /// @return true if it does not end with a newline
    boolean copyText(PrintWriter out) throws IOException {
        var in = new InputStreamReader(body.plain(), StandardCharsets.UTF_8);
        var buffer = new char[8192];
        char last = '\n';
        for (int n; (n = in.read(buffer)) > 0;) {
            out.write(buffer, 0, n);
            out.flush();
            last = buffer[n - 1];
        }
        return last != '\n';
    }

    @Override
    public void close() { body.close(); }
}

/// The response body as an InputStream that, unlike the JDK's, can be interrupted and times out.
final class StreamingBody extends InputStream implements HttpResponse.BodySubscriber<StreamingBody> {
    private static final Object END = new Object();

    private final BlockingQueue<Object> queue = new LinkedBlockingQueue<>();    // ByteBuffer, Throwable or END
    private final Duration silence;
    private long deadline;
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    private ByteBuffer current = ByteBuffer.allocate(0);
    private boolean ended;
    private InputStream plain;

    /// @param silence the longest wait for data
    /// @param deadline System.nanoTime() by which the body must be complete; 0 for none
    StreamingBody(Duration silence, long deadline) {
        this.silence = silence;
        this.deadline = deadline;
    }

    @Override
    public CompletionStage<StreamingBody> getBody() { return CompletableFuture.completedFuture(this); }

    @Override
    public void onSubscribe(Flow.Subscription s) { subscription.complete(s); }

    @Override
    public void onNext(List<ByteBuffer> buffers) { queue.addAll(buffers); }

    @Override
    public void onError(Throwable trouble) { queue.add(trouble); }

    @Override
    public void onComplete() { queue.add(END); }

    @Override
    public int read() throws IOException { return fill() ? current.get() & 0xff : -1; }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) return 0;
        if (!fill()) return -1;
        int n = Math.min(length, current.remaining());
        current.get(bytes, offset, n);
        return n;
    }

    /// Lets BufferedInputStream read all that is there.
    @Override
    public int available() { return current.remaining() + (queue.peek() instanceof ByteBuffer b ? b.remaining() : 0); }

    /// Returns the decompressed body: some proxies add gzip unasked and unsaid, and no text begins with its first byte.
    InputStream plain() throws IOException {
        if (plain != null) return plain;
        plain = new BufferedInputStream(this);
        if (peek(plain) == 0x1f) plain = new BufferedInputStream(new GZIPInputStream(plain));
        return plain;
    }

    /// Returns the next byte that is not blank, without consuming it; -1 at the end.
    static int peek(InputStream in) throws IOException {
        int next = ' ';
        while (" \t\r\n".indexOf(next) >= 0) {
            in.mark(1);
            next = in.read();
        }
        in.reset();
        return next;
    }

    private boolean fill() throws IOException {
        while (!current.hasRemaining() && !ended) {
            if (queue.isEmpty()) subscription.thenAccept(s -> s.request(1));
            var item = next();                              // a pattern switch would generate a class at each start
            if (item instanceof Throwable trouble) throw new IOException(Text.reason(trouble), trouble);
            if (item instanceof ByteBuffer buffer) current = buffer;
            else ended = true;
        }
        return current.hasRemaining();
    }

    private Object next() throws IOException {
        long left = deadline == 0 ? Long.MAX_VALUE : deadline - System.nanoTime();
        try {
            var item = left <= 0 ? null : queue.poll(Math.min(silence.toNanos(), left), TimeUnit.NANOSECONDS);
            if (item != null) return item;
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        }
        throw new HttpTimeoutException(left <= silence.toNanos() ? "did not finish within the timeout"
                : "sent nothing for " + Durations.words(silence));
    }

    void drain() {
        deadline = System.nanoTime() + 100_000_000;
        try (var rest = this) {
            rest.transferTo(OutputStream.nullOutputStream());
        } catch (IOException _) {
            // the rest is dropped
        }
    }

    /// Cancels the rest: an unread body would keep the client from closing.
    @Override
    public void close() {
        if (!ended) subscription.thenAccept(Flow.Subscription::cancel);
        ended = true;
    }
}

/// Reads server-sent events (WHATWG). Lines end in LF, CRLF or CR; chunks may split characters.
final class EventStream {
    private static final int LONGEST = 16 << 20;            // bytes per event

    private final BufferedReader lines;
    private long size;

    EventStream(InputStream in) throws IOException {
        lines = new BufferedReader(new InputStreamReader(new FilterInputStream(in) {
            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                int n = super.read(bytes, offset, length);
                size += n;
                if (size > LONGEST) throw new IOException("an event in the stream is larger than 16 MiB");
                return n;
            }
        }, StandardCharsets.UTF_8));
        lines.mark(1);
        if (lines.read() != '\uFEFF') lines.reset();
    }

    /// Returns the next event's data, or null at the end. Some servers omit the blank line after the last event.
    String next() throws IOException {
        size = 0;
        var data = new ArrayList<String>();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.isEmpty() && !data.isEmpty()) break;
            if (line.startsWith("data") && (line.length() == 4 || line.charAt(4) == ':')) {
                data.add(line.length() <= 5 ? "" : line.substring(line.charAt(5) == ' ' ? 6 : 5));
            }                                               // else: a comment or unused field
        }
        return data.isEmpty() ? null : String.join("\n", data);
    }
}

/// An error response. JSON often comes as text/plain or inside a JSON string, so bodies are read as text.
record ErrorResponse(int status, String code, String message, JsonNode json, String requestId, HttpHeaders headers,
               Instant now) {
    static ErrorResponse embedded(String text, String requestId) {
        var headers = HttpHeaders.of(Map.of("x-request-id", List.of(requestId)), (_, _) -> true);
        return of(new ApiResponse(200, headers, null), text, Instant.EPOCH);
    }

    /// @param text the start of the body; empty if the caller reads it
    static ErrorResponse of(ApiResponse answer, String text, Instant now) {
        var json = Json.tryParse(text);
        if (json.isString()) json = Json.tryParse(json.asString());
        var error = json.path("error");
        String code = firstNonEmpty(Json.text(error, "code"), Json.text(json, "code"));
        String message = firstNonEmpty(Json.text(error, "message"),
                firstNonEmpty(error.asString(""), Json.text(json, "message")));
        var upstream = Json.tryParse(message).path("error");        // a vendor's error as a JSON string
        if (upstream.isObject()) message = Json.text(upstream, upstream.has("message") ? "message" : "status");
        if (!json.isObject() || message.isEmpty() && code.isEmpty()) {
            message = text.stripLeading().startsWith("<") ? "" : text.strip();
        }
        return new ErrorResponse(answer.status(), code, Text.shortened(Text.printable(message), 600), json,
                answer.requestId(), answer.headers(), now);
    }

    static String firstNonEmpty(String a, String b) { return a.isEmpty() ? b : a; }

    String description() { return (message.isEmpty() ? "no reason given" : message) + " " + tags(code); }

    /// Returns status, code and request id as far as known: `[HTTP 429, rate_limited, request id 1A2B]`.
    String tags(String name) {
        String marks = Text.joined(", ", status == 200 ? "" : "HTTP " + status, Text.printable(name),
                requestId.isEmpty() ? "" : "request id " + Text.printable(requestId));
        return marks.isEmpty() ? "" : "[" + marks + "]";
    }

    private static final Pattern WAITING = Pattern.compile("(?i)(?:retryDelay\\W+|(?:try again|retry) (?:in|after) )"
            + "([0-9]{1,9})(?:\\.[0-9]+)? ?(ms|[smhd](?!illi|on))");

    /// Returns the wait that GitHub asks for: seconds or an HTTP date (RFC 9110, 10.2.3), the reset of an exhausted
    /// rate limit, or words in the body of a 429: `"retryDelay": "30s"`, "try again in 5 minutes".
    Optional<Duration> retryAfter() {
        for (String name : List.of("retry-after", "x-ratelimit-user-retry-after")) {
            String value = header(name);
            if (value.matches("[0-9]+(\\.[0-9]+)?")) return Optional.of(Json.seconds(Json.object().put(name, value),
                    name, 0));
            var date = Text.date(value);
            if (date.isPresent()) return until(date.get());
        }
        String reset = header("x-ratelimit-reset");
        if (header("x-ratelimit-remaining").equals("0") && reset.matches("[0-9]{1,11}")) {
            return until(Instant.ofEpochSecond(Long.parseLong(reset)));
        }
        var words = WAITING.matcher(rateLimit() ? Json.compact(json) + message : "");
        if (!words.find()) return Optional.empty();
        return Optional.of(Durations.parse("", words.group(1) + words.group(2).toLowerCase(Locale.ROOT), null));
    }

    private String header(String name) { return headers.firstValue(name).orElse("").strip(); }

    private Optional<Duration> until(Instant then) {
        return Optional.of(Durations.max(Duration.ZERO, Duration.between(now, then)));
    }

    /// Returns the code without a plan suffix: `user_weekly_rate_limited:pro`.
    String kind() { return code.split(":", 2)[0]; }

    /// Returns the retry limit: a body that took too long to arrive will do so again (ericc-ch/copilot-api #223).
    int retries(int wished) { return kind().equals("user_request_timeout") ? Math.min(1, wished) : wished; }

    /// Returns true for session and weekly limits on named models; `auto` still works, as in GitHub's editor.
    boolean ofNamedModels() {
        return kind().equals("user_weekly_rate_limited")
                || message.matches("(?is).*\\b(session|weekly)\\b[^.]*\\blimits?\\b.*");
    }

    /// Returns true for a rate limit, also one inside a response that began as a success.
    boolean rateLimit() {
        return status == 429 || status == 200 && (code + Json.text(json.path("error"), "type"))
                .matches("(?i).*(rate_?limit|too_many_requests|429).*");
    }

    boolean isTransient() { return status == 408 || limited() && !quota() || status >= 500 && status != 501; }

    /// Returns true for a rate limit; GitHub's REST API uses 403 too.
    boolean limited() { return status == 429 || status == 403 && message.contains("rate limit"); }

    /// Returns true if the monthly quota is exhausted: formerly a 429 with these words, now a 402.
    boolean quota() { return status == 402 || (code + message).matches("(?is).*quota[ _]exceeded.*"); }

    Fault fault(URI uri) {
        String where = uri.getHost() + uri.getPath(), said = ": " + description();
        return switch (!limited() ? status : quota() ? 402 : 429) {
            case 400 -> Fault.error("GitHub rejected the request" + said, advice());
            case 401 -> Fault.login("the API rejected a newly issued Copilot token" + said, COP + " login --force");
            case 402 -> kind().equals("billing_not_configured")
                    ? Fault.retryLater("billing is not set up" + said, "https://github.com/settings/billing")
                    : Fault.retryLater("the quota is used up" + said + retryAdvice(), COP + " usage");
            case 403 -> Fault.error("GitHub denied access" + said, "do not retry; check your plan and your"
                    + " organization's policy: https://github.com/settings/copilot");
            case 404 -> Fault.error("not found: " + where + said, "add -v to see the request");
            case 413 -> Fault.error("the request is too large" + said, "shorten the prompt, or attach fewer files");
            case 421 -> Fault.error("wrong API host for this account" + said, COP + " token --refresh");
            case 422 -> Fault.error("GitHub's content filter rejected the prompt" + said, "rephrase the prompt");
            case 429 -> limited("");
            case 466 -> Fault.error("GitHub no longer supports this client version" + said, newerIdentity());
            case 301, 302, 303, 307, 308 -> Fault.error(where + " returned a redirect, which is not followed" + said,
                    Text.CHECK_HOST);
            default -> status >= 500 || status == 408
                    ? Fault.error(where + " is unavailable" + said + retryAdvice(),
                            "try again later, or see https://githubstatus.com")
                    : Fault.error("unexpected response from " + where + said, "add -v to see it");
        };
    }

    /// @param first what to try before the general hint
    Fault limited(String first) {
        return Fault.retryLater("too many requests: " + description() + retryAdvice(), first + retryAfter().map(wait ->
                wait.toMinutes() < 1 || wait.toHours() >= 3 ? "try again then" : "try again then, or wait with"
                        + " COP_MAX_WAIT=" + (wait.toMinutes() + 1) + "m").orElse("try again later"));
    }

    private static final Pattern NEWER = Pattern.compile("(?i)(?:update|upgrade)\\D*?\\bv?(\\d+(?:\\.\\d+)+)");

    private String advice() {
        if (message.matches("(?s).*(not supported in this VS Code version|is out of date).*")) return newerIdentity();
        if (message.matches("(?s).*(Editor-Version|Integration-Id).*")) return "check -H and COP_HEADERS";
        if (message.contains("Personal Access Token")) return COP + " login";
        var most = Pattern.compile("max_tokens: \\d+ > (\\d+)").matcher(message);
        if (most.find()) return "--max-tokens " + most.group(1);
        return kind().equals("vision_attachment_not_accessible") ? "GitHub cannot fetch the image: attach a file (-a)"
                : "check that the model supports all options; add -v to see the request";
    }

    /// Returns a hint with the header to set, using the minimum version from GitHub's message.
    private String newerIdentity() {
        var newer = NEWER.matcher(message);
        String header = message.contains("API version") ? "X-GitHub-Api-Version: "
                : message.contains("extension") ? "Editor-Plugin-Version: copilot-chat/" : "Editor-Version: vscode/";
        return newer.find() ? "-H '" + header + newer.group(1) + "', or a newer copilot.java (jbang --fresh)"
                : "a newer copilot.java (jbang --fresh), or -H '" + header + "…'";
    }

    String retryAdvice() {
        var clock = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm").withZone(ZoneId.systemDefault());
        return retryAfter().map(wait -> "; try again in " + Durations.words(wait) + ", at "
                + clock.format(now.plus(wait))).orElse("");
    }
}

/// The API error that caused a Fault.
final class ApiError extends Exception {
    private final transient ErrorResponse refusal;

    ApiError(ErrorResponse refusal) {
        super(refusal.description(), null, false, false);
        this.refusal = refusal;
    }

    /// @return null if the Fault has another cause
    static ErrorResponse behind(Fault fault) { return fault.reason() instanceof ApiError error ? error.refusal : null; }
}

/// Sends requests: the only place with an HttpClient, and the only retry layer.
final class HttpSender implements AutoCloseable {
    static final Duration CONNECT = Duration.ofSeconds(10);
    static final Duration HEAD = Duration.ofMinutes(2);
    static final Duration SILENCE = Duration.ofMinutes(5);

    static {
        // The JDK's first client reads these: allow Basic auth for tunneling proxies, and hardly repeat a GET below our
        // own retries.
        System.getProperties().putIfAbsent("jdk.http.auth.tunneling.disabledSchemes", "");
        System.getProperties().putIfAbsent("jdk.httpclient.redirects.retrylimit", "1");
    }

    private final Console console;
    private final Duration maxWait;
    private final Proxies proxies;
    private HttpClient client;                              // created on first use
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();       // the client's
    private Path authorities;                               // a PEM file, once the JDK's do not suffice
    private volatile HttpHeaders lastHeaders;

    /// @param maxWait the longest pause before a retry, even if the server asks for more
    HttpSender(Console console, Duration maxWait) {
        this.console = console;
        this.maxWait = maxWait;
        proxies = new Proxies(console.env());
    }

    /// Uses HTTP/1.1: a chat gains nothing from HTTP/2, and a batch avoids its stream limit.
    private synchronized HttpClient client() {
        if (client != null) return client;
        var builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT)
                .sslContext(Trust.context(authorities))
                .sslParameters(new SSLParameters())                     // else it takes the context's
                .followRedirects(HttpClient.Redirect.NEVER).executor(threads).proxy(proxies);
        // Its threads must not join the caller's thread group: JShell stops a snippet by interrupting the whole group,
        // which would kill the client for good.
        return client = CompletableFuture.supplyAsync(builder::build, Thread::startVirtualThread).join();
    }

    /// Adds the authorities of SSL_CERT_FILE only if the JDK's do not suffice: loading as many takes 300 ms.
    ///
    /// @param used the client that rejected a certificate
    /// @return true if another client may succeed
    private synchronized boolean trustMore(HttpClient used) {
        String pem = console.env().variable("SSL_CERT_FILE");
        if (client != used) return true;
        if (pem == null || authorities != null) return false;
        authorities = console.env().path(pem);
        client = null;                                      // not shut down: others may be about to use it
        return true;
    }

    <T> T send(ApiRequest call, ResponseHandler<T> reading) { return send(() -> call, (_, _) -> false, reading); }

    /// Sends a request until a response is read. Retries connections lost before any output, and transient errors; once
    /// per status if `fix` removed the cause, such as an expired token. Never retries other errors or what GitHub may
    /// still be working on.
    ///
    /// @param fix returns true to send again
    <T> T send(Supplier<ApiRequest> calls, BiPredicate<ApiRequest, ErrorResponse> fix, ResponseHandler<T> reading) {
        var seen = new HashSet<Integer>();
        return withRetries(calls.get().retries(), () -> once(calls, (call, refusal) -> seen.add(refusal.status())
                && fix.test(call, refusal), reading));
    }

    private <T> T once(Supplier<ApiRequest> calls, BiPredicate<ApiRequest, ErrorResponse> fix,
            ResponseHandler<T> reading) {
        while (true) {
            var call = calls.get();
            var client = client();
            ErrorResponse refusal;
            try (var answer = open(client, call)) {
                if (answer.ok()) return reading.read(answer);
                boolean any = reading instanceof AnyReading;
                refusal = ErrorResponse.of(answer, any ? "" : answer.text(64 << 10), console.env().time().now());
                if (fix.test(call, refusal)) continue;
                if (any) return reading.read(answer);
            } catch (IOException e) {
                if (untrusted(e) && trustMore(client)) continue;
                var stopped = stopped(call, e);
                // GitHub may still be working on the answer to a POST, and will bill it
                stopped.isFinal = reading.delivered() || untrusted(e) || e instanceof ZipException
                        || e instanceof HttpTimeoutException && !(e instanceof HttpConnectTimeoutException)
                        && !call.method().equals("GET");
                throw stopped;
            }
            var better = call.explained().apply(refusal);
            throw (better != null ? better : refusal.fault(call.uri())).because(new ApiError(refusal));
        }
    }

    /// Repeats work that fails for a while, with exponential backoff or when GitHub asks to, up to `--max-wait`. Under
    /// a lock it does not: what took the lock is repeated instead, so that nothing is locked during a pause.
    <T> T withRetries(int retries, Supplier<T> work) {
        for (int failures = 0; ; failures++) {
            try {
                return work.get();
            } catch (Fault fault) {
                if (Deadline.isAlone()) throw fault;
                var refusal = ApiError.behind(fault);
                boolean passing = !fault.isFinal && (refusal == null ? fault.lostConnection() : refusal.isTransient());
                long millis = 1000L << failures;            // 25% jitter, so that clients do not return together
                var pause = Duration.ofMillis(ThreadLocalRandom.current().nextLong(millis * 3 / 4, millis * 5 / 4));
                if (refusal != null) pause = Durations.max(pause, refusal.retryAfter().orElse(Duration.ZERO));
                if (!passing || failures >= (refusal == null ? retries : refusal.retries(retries))
                        || pause.compareTo(maxWait) > 0 || pause.toNanos() >= Deadline.left()) {
                    fault.isFinal |= retries > 0;
                    throw fault;
                }
                console.note((refusal == null ? fault.message() : refusal.description()) + "; retrying in "
                        + Durations.words(pause));
                console.env().time().pause(pause);
            }
        }
    }

    private ApiResponse open(HttpClient client, ApiRequest call) throws IOException {
        var builder = HttpRequest.newBuilder(call.uri());
        call.headers().toMap().forEach(builder::setHeader);
        proxies.authorization(call.uri()).ifPresent(value -> builder.setHeader("Proxy-Authorization", value));
        var request = builder.method(call.method(), call.body() == null ? HttpRequest.BodyPublishers.noBody()
                : HttpRequest.BodyPublishers.ofByteArray(call.body())).build();
        console.head(">", call.method() + " " + call.uri(), request.headers());
        long end = Deadline.end();
        var silence = Durations.max(SILENCE, call.head());
        var response = head(client.sendAsync(request, _ -> new StreamingBody(silence, end)), call);
        if (response.body() == null) {                      // the JDK provides none if the proxy refuses the tunnel
            throw Fault.error("the proxy " + proxies.inUse(call.uri()).orElse("") + (response.statusCode() == 407
                    ? " requires a password" : " does not connect to " + call.uri().getHost()) + " [HTTP "
                    + response.statusCode() + "]", "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, or NO_PROXY");
        }
        var answer = new ApiResponse(response.statusCode(), response.headers(), response.body());
        console.head("<", "" + answer.status(), answer.headers());
        lastHeaders = answer.headers();
        return answer;
    }

    Optional<HttpHeaders> lastHeaders() { return Optional.ofNullable(lastHeaders); }

    /// Waits for the headers. HttpRequest's own timeout is not used: from JDK 26 on it covers the body too.
    private static HttpResponse<StreamingBody> head(CompletableFuture<HttpResponse<StreamingBody>> response,
            ApiRequest call) throws IOException {
        long patience = Math.min(call.head().toNanos(), Deadline.left());
        try {
            return response.get(patience, TimeUnit.NANOSECONDS);
        } catch (TimeoutException | InterruptedException e) {
            response.cancel(true);                          // and one that comes at this moment:
            response.thenAccept(late -> Optional.ofNullable(late.body()).ifPresent(StreamingBody::close));
            if (e instanceof InterruptedException) throw Fault.interrupted();
            throw new HttpTimeoutException("did not respond within " + (patience < call.head().toNanos()
                    ? "the timeout" : Durations.words(call.head())));
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof IOException reason)) throw new IllegalStateException(e.getCause());
            while ("Too many retries".equals(reason.getMessage()) && reason.getCause() instanceof IOException cause) {
                reason = cause;                             // the JDK wraps it once or twice
            }
            throw reason;
        }
    }

    /// Returns true for an untrusted certificate, which a retry cannot fix.
    private static boolean untrusted(IOException e) {
        return e instanceof SSLException && Text.chain(e).anyMatch(CertificateException.class::isInstance)
                || e instanceof SSLPeerUnverifiedException;
    }

    private Fault stopped(ApiRequest call, IOException e) {
        String where = call.uri().getAuthority();
        var proxy = proxies.inUse(call.uri());
        String peer = proxy.map(p -> "the proxy " + p).orElse(where);           // the only peer of our connection
        String what = switch (e) {
            case IOException _ when untrusted(e) -> where + " presented an untrusted certificate: " + Text.deepest(e);
            case HttpConnectTimeoutException _ -> "cannot connect to " + where + " within " + Durations.words(CONNECT);
            case HttpTimeoutException t -> where + " " + t.getMessage();
            case ConnectException c when Text.chain(c).anyMatch(UnresolvedAddressException.class::isInstance) ->
                    "cannot resolve " + peer;
            case ConnectException _ -> "cannot connect to " + peer;
            case ZipException _ -> where + " sent invalid gzip data: " + Text.reason(e);
            default -> "the connection to " + where + " was lost (" + Text.reason(e) + ")";
        };
        String hint = untrusted(e) ? "check the host and the clock; for a company's CA, set SSL_CERT_FILE to its PEM"
                : e instanceof HttpTimeoutException && !(e instanceof HttpConnectTimeoutException)
                ? Deadline.end() != 0 ? "use a longer --timeout" : "try again, or use another model (-m)"
                : proxy.map(p -> "check the proxy " + p + " (HTTPS_PROXY, NO_PROXY)")
                        .orElse("check the network; behind a proxy, set HTTPS_PROXY");
        boolean unreachable = Text.chain(e).anyMatch(each -> each instanceof ConnectException
                || each instanceof HttpConnectTimeoutException);
        return new Fault(unreachable ? Fault.Kind.UNREACHABLE : Fault.Kind.CONNECTION_LOST, Fault.ERROR, what, hint, e);
    }

    /// Does not wait for the client's threads, which would take 300 ms at every exit.
    @Override
    public synchronized void close() {
        if (client == null) return;
        client.shutdownNow();
        if (!FirstRun.now()) return;
        try {                                               // JDK 25 crashes if a lambda is linked during archiving
            client.awaitTermination(FirstRun.PATIENCE);
            threads.shutdownNow();
            threads.awaitTermination(FirstRun.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

/// Proxies from the environment by curl's rules: lower case wins, http_proxy has no upper-case form, ALL_PROXY serves
/// both schemes, NO_PROXY lists hosts and domains, loopback is exempt. Without them the JVM's properties apply.
final class Proxies extends ProxySelector {
    private final Environment env;

    Proxies(Environment env) { this.env = env; }

    @Override
    public List<Proxy> select(URI uri) {
        if (any() == null) return ProxySelector.getDefault().select(uri);
        return List.of(proxy(uri).map(p -> new Proxy(Proxy.Type.HTTP, new InetSocketAddress(p.getHost(), p.getPort())))
                .orElse(Proxy.NO_PROXY));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {}

    String described(URI uri) {
        return inUse(uri).orElse(any() == null ? "none" : any() + " is set but does not apply to " + uri + ": none");
    }

    private String any() { return firstOf("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"); }

    Optional<String> inUse(URI uri) { return proxy(uri).map(p -> p.getHost() + ":" + p.getPort()); }

    Optional<String> authorization(URI uri) {
        return proxy(uri).map(URI::getRawUserInfo).map(user -> "Basic " + Base64.getEncoder().encodeToString(
                URLDecoder.decode(user.replace("+", "%2B"), StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8)));
    }

    private Optional<URI> proxy(URI target) {
        String name = target.getScheme().equals("https") ? firstOf("https_proxy", "HTTPS_PROXY", "all_proxy",
                "ALL_PROXY") : firstOf("http_proxy", "all_proxy", "ALL_PROXY");
        if (name == null || exempt(target.getHost())) return Optional.empty();
        String value = env.variable(name);
        var uri = Text.uri(value.contains("://") ? value : "http://" + value)
                .filter(u -> u.getScheme().equalsIgnoreCase("http"))
                .orElseThrow(() -> Fault.usage("invalid proxy in " + name + ": "
                        + value.replaceFirst("(?s).*@", "…@"), name + "=http://HOST:PORT"));
        return Optional.of(uri.getPort() >= 0 ? uri
                : URI.create("http://" + uri.getRawAuthority() + ":1080"));         // curl's default
    }

    private boolean exempt(String host) {
        if (host == null || host.matches("(?i)localhost|127\\.[0-9.]+|\\[[0:]*:0*1]")) return true;
        String list = firstOf("no_proxy", "NO_PROXY"), name = bare(host);
        return list != null && Stream.of(env.variable(list).split("[,\\s]+"))
                .map(entry -> bare(entry.replaceFirst("^\\*?\\.", "")))
                .anyMatch(entry -> entry.equals("*") || contains(entry, name)
                        || !entry.isEmpty() && ("." + name).endsWith("." + entry));
    }

    private static String bare(String host) { return host.toLowerCase(Locale.ROOT).replaceAll("[\\[\\]]|\\.$", ""); }

    /// @param range an address, or several such as `10.0.0.0/8`
    private static boolean contains(String range, String address) {
        String[] parts = range.split("/", 2);
        try {
            byte[] net = InetAddress.ofLiteral(parts[0]).getAddress();
            byte[] own = InetAddress.ofLiteral(address).getAddress();
            int rest = parts.length == 1 ? 0 : 8 * net.length - Integer.parseInt(parts[1]);
            return net.length == own.length && rest >= 0
                    && new BigInteger(net).shiftRight(rest).equals(new BigInteger(own).shiftRight(rest));
        } catch (IllegalArgumentException _) {
            return false;                                   // a name
        }
    }

    /// Returns the first of the variables that is set, or null.
    private String firstOf(String... names) {
        return Stream.of(names).filter(name -> env.variable(name) != null).findFirst().orElse(null);
    }
}

/// TLS trust: the JDK's configured authorities, plus those of a PEM file.
final class Trust {
    /// @param pem the value of SSL_CERT_FILE, or null
    static SSLContext context(Path pem) {
        try {
            if (pem == null) return SSLContext.getDefault();
            var trusted = new ArrayList<Certificate>();
            try (var in = Files.newInputStream(pem)) {
                trusted.addAll(CertificateFactory.getInstance("X.509").generateCertificates(in));
            }
            if (trusted.isEmpty()) throw new CertificateException("it contains no certificate");
            trusted.addAll(List.of(((X509TrustManager) managers(null)[0]).getAcceptedIssuers()));
            var authorities = KeyStore.getInstance(KeyStore.getDefaultType());
            authorities.load(null, null);
            for (var each : trusted) authorities.setCertificateEntry("ca" + authorities.size(), each);
            var context = SSLContext.getInstance("TLS");
            context.init(keys(), managers(authorities), null);
            return context;
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
            throw Fault.error("cannot set up TLS" + (pem == null ? "" : " with the certificates in " + pem) + ": "
                    + Text.deepest(e), "check SSL_CERT_FILE, and javax.net.ssl.trustStore and keyStore");
        }
    }

    private static TrustManager[] managers(KeyStore authorities) throws GeneralSecurityException {
        var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(authorities);
        return factory.getTrustManagers();
    }

    /// Returns the client certificate for gateways that require one, from the JDK's own properties.
    private static KeyManager[] keys() throws IOException, GeneralSecurityException {
        String file = System.getProperty("javax.net.ssl.keyStore", "");
        if (file.isEmpty()) return null;
        char[] password = System.getProperty("javax.net.ssl.keyStorePassword", "").toCharArray();
        var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(KeyStore.getInstance(new File(file), password), password);
        return factory.getKeyManagers();
    }
}

// ================================================================================================ Storage
// File locations, locks and atomic writes.

/// @param config login and settings
/// @param cache data that can be fetched again
/// @param state conversations and history
/// @param data what `install` writes
/// @param editors the logins of GitHub's editor plug-ins
record Home(Path config, Path cache, Path state, Path data, Path editors, Environment env) {
    /// How long another process may keep a lock, and how often to look.
    private static final Duration PATIENCE = Duration.ofSeconds(10), POLL = Duration.ofMillis(20);

    static Home of(Environment env) {
        Path home = userHome(env), xdg = folder(env, "XDG_CONFIG_HOME", home.resolve(".config"));
        Path local = folder(env, "LOCALAPPDATA", home);
        Path editors = (Text.WINDOWS ? local : xdg).resolve("github-copilot");
        String own = env.variable("COP_HOME");
        if (own != null || Text.WINDOWS) {
            Path root = own != null ? env.path(own) : local.resolve("copilot.java");
            return new Home(own != null ? root : folder(env, "APPDATA", home).resolve("copilot.java"),
                    root.resolve("cache"), root.resolve("state"), root.resolve("share"), editors, env);
        }
        return new Home(xdg.resolve("copilot.java"),
                folder(env, "XDG_CACHE_HOME", home.resolve(".cache")).resolve("copilot.java"),
                folder(env, "XDG_STATE_HOME", home.resolve(".local/state")).resolve("copilot.java"),
                folder(env, "XDG_DATA_HOME", home.resolve(".local/share")).resolve("copilot.java"), editors, env);
    }

    /// Returns /dev/null, where nothing can be stored, without a home folder: without an entry in passwd, Java names
    /// the folder `?`, and a token would be written into whatever the current folder is.
    static Path userHome(Environment env) {
        String home = Objects.requireNonNullElse(env.variable("HOME"), System.getProperty("user.home"));
        return Path.of(home).isAbsolute() ? env.path(home) : Path.of("/dev/null");
    }

    boolean isPersistent() { return !state.startsWith("/dev/null"); }

    /// Ignores relative values, as the XDG specification requires.
    private static Path folder(Environment env, String variable, Path otherwise) {
        String value = env.variable(variable);
        return value != null && env.path(value).equals(Path.of(value)) ? Path.of(value) : otherwise;
    }

    Path login() { return config.resolve("login.json"); }

    Path choices() { return config.resolve("config.json"); }

    Path conversations() { return state.resolve("conversations"); }

    /// Reads a JSON object; a missing file counts as empty.
    ///
    /// @throws Fault if it is unreadable or not a JSON object
    ObjectNode read(Path file) {
        try {
            if (Json.tryParse(Files.readString(file)) instanceof ObjectNode object) return object;
        } catch (IOException e) {
            if (e instanceof NoSuchFileException || e instanceof FileSystemException f
                    && "Not a directory".equals(f.getReason())) return Json.object();
            throw Fault.io("cannot read " + file, e, "check its permissions, or set COP_HOME");
        }
        throw Fault.error(file + " is not a JSON object", file.equals(login()) ? COP + " login"
                : "repair or delete it");
    }

    /// Reads a JSON object; a damaged file counts as empty, with a warning.
    ObjectNode readOrEmpty(Path file, Consumer<String> warn) {
        try {
            return read(file);
        } catch (Fault damaged) {
            warn.accept(damaged.message() + "; ignoring it (" + damaged.hint() + ")");
            return Json.object();
        }
    }

    /// Updates a file under a lock, writing only if it changed. Deletes one that is damaged if nothing is to be in it:
    /// it may hold a token.
    ///
    /// @return the new content
    ObjectNode edit(Path file, Consumer<String> warn, Consumer<ObjectNode> change) {
        return locked(file.getFileName().toString(), () -> {
            var damage = new ArrayList<String>();
            var json = readOrEmpty(file, damage::add);
            damage.forEach(warn);
            var before = json.deepCopy();
            change.accept(json);
            if (!json.equals(before)) write(file, json);
            else if (!damage.isEmpty() && json.isEmpty() && Files.isReadable(file)) {
                delete(file);
                warn.accept("deleted the unreadable " + file);
            }
            return json;
        });
    }

    /// A cached GitHub response; `fetched` is by our clock.
    record CachedResponse(ObjectNode answer, Instant fetched) {}

    /// Reads a cached response; any problem counts as a cache miss.
    Optional<CachedResponse> readCached(Path file) {
        var json = readOrEmpty(file, _ -> { });
        return json.path("fetched_at").isNumber() && json.path("answer") instanceof ObjectNode answer
                ? Optional.of(new CachedResponse(answer, Json.instant(json, "fetched_at"))) : Optional.empty();
    }

    /// Writes a cached response; a failure is only a warning.
    void writeCached(Path file, ObjectNode answer, Instant fetched, Console console) {
        if (!isPersistent()) return;
        try {
            write(file, Json.object().put("fetched_at", fetched.getEpochSecond()).set("answer", answer));
        } catch (Fault readOnly) {
            console.warn(readOnly.message() + "; continuing without the cache");
        }
    }

    void write(Path file, JsonNode json) {
        try {
            writeText(file, Json.pretty(json) + "\n");
        } catch (IOException e) {
            throw Fault.io("cannot write " + file, e, "make the folder writable, or set COP_HOME");
        }
    }

    /// Returns why nothing can be written into a folder, which need not exist yet.
    static Optional<String> readOnly(Path folder) {
        Path there = folder.toAbsolutePath();
        while (there.getParent() != null && !Files.exists(there)) there = there.getParent();
        return Files.isDirectory(there) && Files.isWritable(there) ? Optional.empty()
                : Optional.of(there + " is not a writable folder (COP_HOME sets another)");
    }

    void writeText(Path file, String text) throws IOException {
        folder(file.getParent());
        AtomicFile.write(file, text, ownerOnly("rw-------"));
    }

    /// Appends lines under a lock. Ends a partial line that a killed process left; undoes its own on a full disk.
    ///
    /// @param fresh fails with FileAlreadyExistsException if the file exists
    void append(Path file, String line, boolean fresh) throws IOException {
        boolean interrupted = Thread.interrupted();         // Ctrl-C would close the file before the write
        var threads = threads(file);
        threads.lock();
        try (var channel = open(file, fresh ? StandardOpenOption.CREATE_NEW : StandardOpenOption.CREATE)) {
            // without the lock, a line would be written over another's
            if (!lock(channel, PATIENCE, Time.SYSTEM)) throw Fault.error(file + " is locked by another process", "");
            long end = channel.size();
            var last = ByteBuffer.allocate(1);
            boolean torn = end > 0 && channel.read(last, end - 1) == 1 && last.get(0) != '\n';
            var bytes = StandardCharsets.UTF_8.encode((torn ? "\n" : "") + line + "\n");
            try {
                channel.position(end);
                while (bytes.hasRemaining()) channel.write(bytes);
            } catch (IOException e) {
                channel.truncate(end);
                throw e;
            }
        } finally {
            threads.unlock();
            if (interrupted) Thread.currentThread().interrupt();
        }
    }

    void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw Fault.io("cannot delete " + file, e, null);
        }
    }

    /// Deletes cached files, such as all tokens fetched with one GitHub token.
    void deleteCached(String glob) {
        try (var files = Files.newDirectoryStream(cache, glob)) {
            files.forEach(this::delete);
        } catch (NoSuchFileException | NotDirectoryException _) {
            // nothing was ever fetched
        } catch (IOException e) {
            throw Fault.io("cannot read " + cache, e, null);
        }
    }

    /// Deletes expired cache files and partial files left by killed processes; never locks, which may be held.
    static void deleteOld(Path folder, String glob, Instant before) {
        try (var files = Files.newDirectoryStream(folder, glob)) {
            for (var file : files) if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) Files.delete(file);
        } catch (IOException _) {
            // another process tidies up as well
        }
    }

    /// File locks are per JVM, so threads need their own. They also keep a thread from closing a file that another has
    /// locked: POSIX would release that lock.
    private static final ConcurrentMap<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

    private static ReentrantLock threads(Path file) {
        return THREADS.computeIfAbsent(file.toAbsolutePath(), _ -> new ReentrantLock());
    }

    /// Runs `work` under a lock across threads and processes; only across threads if the cache is read-only, or if a
    /// process, perhaps a stopped one, keeps the lock for long: files are written atomically all the same.
    <T> T locked(String name, Supplier<T> work) {
        Path file = cache.resolve(name + ".lock");
        return Deadline.withLock(threads(file), () -> {
            // without it after a deadline: closing the file would release another thread's lock
            if (!threads(file).isHeldByCurrentThread()) return work.get();
            FileChannel channel = null;
            try {
                channel = open(file, StandardOpenOption.CREATE);
            } catch (IOException _) {
                // the cache is read-only
            }
            try (var _ = channel) {
                var patience = Duration.ofNanos(Deadline.left());
                if (channel != null) lock(channel, Durations.min(PATIENCE, patience), env.time());
                return work.get();
            } catch (IOException e) {
                throw Fault.io("cannot close " + file, e, null);
            }
        });
    }

    private static FileChannel open(Path file, OpenOption how) throws IOException {
        folder(file.getParent());
        return FileChannel.open(file, Set.of(how, StandardOpenOption.READ, StandardOpenOption.WRITE),
                ownerOnly("rw-------"));
    }

    /// Waits for the lock of a file, if the file system has locks; closing the file releases it.
    ///
    /// @return false if another process keeps it
    private static boolean lock(FileChannel channel, Duration patience, Time time) {
        try {
            for (long left = patience.toMillis(); channel.tryLock() == null; left -= POLL.toMillis()) {
                if (left <= 0) return false;
                time.pause(POLL);
            }
        } catch (IOException | OverlappingFileLockException _) {
            // a file system without locks
        }
        return true;
    }

    private static void folder(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) Files.createDirectories(folder, ownerOnly("rwx------"));
    }

    static FileAttribute<?>[] ownerOnly(String permissions) {
        if (!FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) return new FileAttribute<?>[0];
        var own = PosixFilePermissions.fromString(permissions);
        return new FileAttribute<?>[]{PosixFilePermissions.asFileAttribute(own)};
    }
}

final class InputFile {
    static String shown(String name) { return name.equals("-") ? "stdin" : name; }

    /// @param most limit in bytes
    static byte[] bytes(Path file, String name, int most) {
        if (Files.isDirectory(file)) throw Fault.usage(name + " is a folder", "name the files in it");
        try (var in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(most + 1);
            if (bytes.length <= most) return bytes;
            throw Fault.usage(name + " is larger than " + (most >> 20) + " MiB", "use a smaller file");
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    static String text(Path file, String name) { return Text.utf8(bytes(file, name, Text.LARGEST), name, 0); }

    /// Opens a file; a small one is read at once: nothing is left open. Ctrl-C does not close it.
    ///
    /// @param reader receives the file and its first bytes; if it throws, the file is closed
    /// @throws Fault if the first bytes are of a kind of file that is not text
    static <T> T open(Path file, String name, BiFunction<InputStream, byte[], T> reader) throws IOException {
        boolean small = Files.isRegularFile(file) && Files.size(file) <= 1 << 20;
        var in = new BufferedInputStream(small ? new ByteArrayInputStream(Files.readAllBytes(file))
                : Files.newInputStream(file));
        try {
            in.mark(FileType.HEAD);
            var head = new byte[FileType.HEAD];
            head = Arrays.copyOf(head, Math.max(0, in.read(head)));     // of a pipe, what is there
            in.reset();
            FileType.refuse(head, name);
            return reader.apply(in, head);
        } catch (Fault | IOException e) {
            in.close();
            throw e;
        }
    }

    static Fault unreadable(String name, Exception e) {
        String folder = name.replaceFirst("[^/\\\\]*$", ""), hint = "ls -l " + Text.quoted(name);
        if (e instanceof NoSuchFileException missing) hint = Suggestions.hint(name.substring(folder.length()),
                Stream.ofNullable(Path.of(missing.getFile()).toAbsolutePath().getParent().toFile().list())
                .flatMap(Stream::of).toList(), folder, "ls " + Text.quoted(folder.isEmpty() ? "." : folder));
        return new Fault(Fault.USAGE, "cannot read " + name + ": " + Text.reason(e), hint, e);
    }
}

/// The files of a folder or a pattern such as `src/**/*.java`, sorted by name, without hidden ones. A link counts only
/// if it leads to a file that is itself below the folder and not hidden.
///
/// @param front the prefix of each file
/// @param links names of those that do not count
record FileGlob(String front, List<Path> files, List<String> links) {
    static boolean is(Environment env, String name) {
        return env.existing(name).map(Files::isDirectory).orElse(name.matches(".*[*?\\[{].*"));
    }

    /// Takes what exists at the beginning of a name literally: `app/[slug]/*.tsx`.
    ///
    /// @param all the pattern to use for a folder
    static FileGlob of(Environment env, String name, String all) {
        boolean folder = Files.isDirectory(env.path(name));
        int plain = name.replaceFirst("[*?\\[{].*", "").length();
        int cut = IntStream.iterate(name.indexOf('/'), at -> at >= 0 && (at < plain || Files.isDirectory(env.path(name
                .substring(0, at)))), at -> name.indexOf('/', at + 1)).reduce(-1, (_, at) -> at) + 1;
        String front = folder ? name.replaceFirst("(?<=.)/+$", "") + "/" : name.substring(0, cut);
        String pattern = folder ? all : name.substring(cut);
        Path root = env.directory().resolve(front);
        var found = new ArrayList<Path>();
        var links = new TreeSet<String>();
        try {
            var matchers = Stream.of(pattern, pattern.replace("**/", ""))       // src/**/*.java matches src/A.java too
                    .map(each -> FileSystems.getDefault().getPathMatcher("glob:" + each)).toList();
            Path top = root.toRealPath();
            for (Path path : inside(root, pattern.contains("/") || pattern.contains("**") ? 64 : 1)) {
                Path within = root.relativize(path);
                if (matchers.stream().noneMatch(matcher -> matcher.matches(within))) continue;
                if (Files.isSymbolicLink(path) && leadsOut(top, path)) links.add(front + within);
                else found.add(within);
            }
        } catch (PatternSyntaxException e) {
            throw Fault.usage("invalid pattern " + name + ": " + e.getDescription(), "write \\[ or \\{ for a literal");
        } catch (IOException | DirectoryIteratorException e) {
            throw InputFile.unreadable(name, e);
        }
        if (found.isEmpty()) throw Fault.usage("no file in " + name + (links.isEmpty() ? "" : ", only links out of it"
                + " or to hidden files"), links.isEmpty() ? "ls " + name : "name the files themselves");
        Collections.sort(found);
        return new FileGlob(front, found, List.copyOf(links));
    }

    private static boolean leadsOut(Path top, Path link) throws IOException {
        if (!Files.isRegularFile(link)) return true;
        Path real = link.toRealPath();
        return !real.startsWith(top) || top.relativize(real).toString().matches("(.*[/\\\\])?\\..*");
    }

    private static List<Path> inside(Path folder, int depth) throws IOException {
        var found = new ArrayList<Path>();
        try (var all = Files.newDirectoryStream(folder, path -> !path.getFileName().toString().startsWith("."))) {
            for (Path path : all) {
                if (Files.isSymbolicLink(path) || Files.isRegularFile(path)) found.add(path);
                else if (Files.isDirectory(path) && depth > 1) found.addAll(inside(path, depth - 1));
            }
        }
        return found;
    }

    /// Returns names that cannot be mistaken for options or stdin.
    List<String> names() {
        return files.stream().map(file -> (front.isEmpty() && file.toString().startsWith("-") ? "./" : front) + file)
                .toList();
    }
}

/// The file of `-o`: checked before anything is sent, and written atomically.
final class OutputFile {
    /// @param endings the known ones, if any; an empty file or a device may have another
    static Path check(Environment env, String what, String name, String... endings) {
        String shown = what + " " + Text.shortened(name, 80);
        Path file = env.path(name), folder = file.getParent();
        if (Files.isDirectory(file) || name.endsWith("/")) {
            throw Fault.usage(shown + " is a folder", what + " " + Text.quoted(name.replaceFirst("/+$", "")
                    + (endings.length > 0 ? "/out" + endings[0] : "/answer.txt")));
        }
        String last = file.getFileName().toString(), ending = last.replaceFirst("(?s).+(?=\\.)|.*", "");
        boolean many = name.contains("{{");                 // makes its folders
        while (many && !Files.exists(folder)) folder = folder.getParent();
        if (!Files.isDirectory(folder)) throw Fault.usage(shown + ": no such folder: " + folder,
                "mkdir -p " + Text.quoted(folder.toString()));
        if (!Files.isWritable(Files.exists(file) ? file : folder)) throw Fault.usage(shown + " is not writable",
                "use another file, or chmod u+w " + Text.quoted(name));
        boolean known = many || endings.length == 0 || ending.isEmpty() || List.of(endings).contains(
                ending.toLowerCase(Locale.ROOT)) || Files.exists(file) && file.toFile().length() == 0;
        if (!known) throw Fault.usage(shown + ": unknown extension " + ending, "use " + String.join(", ", endings));
        return file;
    }

    static String hash(AtomicFile.Content content) throws IOException {
        var digest = Text.sha256();
        content.writeTo(new DigestOutputStream(OutputStream.nullOutputStream(), digest));
        return HexFormat.of().formatHex(digest.digest());
    }

    /// Refuses to overwrite the input rows with the results.
    static void keepApart(Environment env, String rows, String out) {
        if (rows == null || out == null || rows.equals("-") || out.equals("-")) return;
        Path in = env.path(rows).normalize(), to = env.path(out).normalize();
        try {
            var pattern = FileSystems.getDefault().getPathMatcher("glob:" + rows.replaceFirst("^(\\./)+", ""));
            if (!(Files.isDirectory(in) ? to.startsWith(in) : pattern.matches(Path.of(rows).isAbsolute() ? to
                    : env.directory().relativize(to)) || Files.isSameFile(in, to))) return;
        } catch (IOException | PatternSyntaxException missing) {
            return;
        }
        throw Fault.usage(out + " would overwrite the input", "use another name for the results");
    }

    static void write(Path file, String text) {
        AtomicFile.deleteOld(file.getParent());
        try {
            AtomicFile.write(file, text);
        } catch (IOException e) {
            throw Fault.io("cannot write " + file, e, "free some disk space, or write elsewhere with -o");
        }
    }

    /// Returns the hash of a file; empty if it is empty, missing, or a device.
    static String hash(Path file) throws IOException {
        return Files.isRegularFile(file) && Files.size(file) > 0 ? hash(to -> Files.copy(file, to)) : "";
    }

    /// Returns where to keep partial output: FILE.part, a numbered variant if taken, or FILE if written in place.
    static Path partOf(Path file) {
        return AtomicFile.inPlace(file) ? file : free(file, i -> i == 1 ? ".part" : ".part" + i);
    }

    static Path free(Path file, IntFunction<String> ending) {
        return IntStream.iterate(1, i -> i + 1).mapToObj(i -> file.resolveSibling(file.getFileName() + ending.apply(i)))
                .filter(path -> !Files.exists(path)).findFirst().orElseThrow();
    }
}

/// Writes files atomically, by moving a temporary file. Special files such as /dev/null and files in read-only folders
/// are written in place.
final class AtomicFile {
    interface Content {
        void writeTo(OutputStream to) throws IOException;
    }

    /// @param attributes for a new file; an existing one keeps its permissions
    static void write(Path file, String text, FileAttribute<?>... attributes) throws IOException {
        write(file, to -> to.write(text.getBytes(StandardCharsets.UTF_8)), attributes);
    }

    static void write(Path file, Content content, FileAttribute<?>... attributes) throws IOException {
        if (attributes.length == 0 && inPlace(file)) {      // ours are replaced by files with mode 0600
            try (var to = Files.newOutputStream(file)) {
                content.writeTo(to);
            }
            return;
        }
        Path target = !Files.isSymbolicLink(file) ? file : Files.exists(file) ? file.toRealPath()
                : file.resolveSibling(Files.readSymbolicLink(file));
        Path part = target.resolveSibling("." + UUID.randomUUID() + ".part");
        try {
            var options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            try (var to = Channels.newOutputStream(Files.newByteChannel(part, options, attributes))) {
                if (attributes.length == 0) keepPermissions(target, part);
                content.writeTo(to);
            }
            move(part, target);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /// Deletes what processes killed a day ago have left of such files.
    static void deleteOld(Path folder) {
        Home.deleteOld(folder, ".????????-????-????-????-????????????.part", Instant.now().minus(Duration.ofDays(1)));
    }

    static boolean inPlace(Path file) {
        return Files.exists(file)
                && !(Files.isRegularFile(file) && Files.isWritable(file.toAbsolutePath().getParent()));
    }

    static void keepPermissions(Path from, Path to) throws IOException {
        var old = Files.getFileAttributeView(from, PosixFileAttributeView.class);
        if (old != null && Files.exists(from)) Files.setPosixFilePermissions(to, old.readAttributes().permissions());
    }

    /// Retries on Windows, which refuses to replace a file while it is being read.
    static void move(Path part, Path target) throws IOException {
        for (int tries = 0; ; tries++) {
            try {
                Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                return;
            } catch (AccessDeniedException e) {
                if (!Text.WINDOWS || tries == 40) throw e;
                Time.SYSTEM.pause(Duration.ofMillis(25));
            }
        }
    }
}

// ==================================================================================== Console and process
// The process as a command sees it: streams, variables, signals, clock, stderr.

/// The outside world; tests substitute their own.
///
/// @param terminal tests whether a descriptor is a terminal
/// @param directory the base of relative paths
record Environment(Stdin stdin, PrintWriter out, PrintWriter err, Map<String, String> variables,
                   IntPredicate terminal, Time time, Shutdown shutdown, Path directory) {
    /// Makes the folder absolute: `Path.of("")` has no parent and is a prefix of no path.
    Environment { directory = directory.toAbsolutePath().normalize(); }

    interface Shutdown {
        /// Returns true after SIGTERM or SIGHUP, but not after Ctrl-C.
        boolean stopping();

        default boolean signaled() { return stopping(); }

        /// Runs work that Ctrl-C stops without ending the program.
        default void stoppable(Runnable work) { work.run(); }

        /// Sets how long the command may take to end by itself.
        default void patience(Duration grace) {}
    }

    static Environment of(InputStream in, PrintWriter out, PrintWriter err, Map<String, String> variables,
                          Shutdown ending) {
        return new Environment(new Stdin(in, null), out, err, variables, Descriptors::isTerminal, Time.SYSTEM,
                ending, Path.of(""));
    }

    /// Returns null if the variable is unset or empty.
    String variable(String name) {
        String value = variables.get(name);
        return value == null || value.isEmpty() ? null : value;
    }

    Path path(String text) {
        if (text.isEmpty()) throw Fault.usage("empty file name", "check for an unset shell variable");
        try {
            return directory.resolve(text);
        } catch (InvalidPathException e) {
            throw Fault.usage("invalid path \"" + text + "\": " + e.getReason(), "check the name");
        }
    }

    /// Returns the file or folder of that name, if there is one; the text may be anything.
    Optional<Path> existing(String text) {
        try {
            return Optional.of(directory.resolve(text)).filter(Files::exists);
        } catch (InvalidPathException _) {
            return Optional.empty();
        }
    }

    /// Accepts special files too, such as a shell's process substitution.
    boolean isFile(String text) { return existing(text).filter(file -> !Files.isDirectory(file)).isPresent(); }
}

interface Time {
    Time SYSTEM = new Time() {};

    default Instant now() { return Instant.now(); }

    default void sleep(Duration pause) throws InterruptedException { Thread.sleep(pause); }

    default void pause(Duration pause) {
        try {
            if (pause.isPositive()) sleep(pause);
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        }
    }
}

/// The time limit of all that a thread does, with token renewal and retry pauses: `--timeout`.
final class Deadline {
    private static final ScopedValue<Long> END = ScopedValue.newInstance();
    private static final ScopedValue<Boolean> ALONE = ScopedValue.newInstance();

    /// Returns whether a lock is held, under which nothing may pause.
    static boolean isAlone() { return ALONE.isBound(); }

    /// @param limit null: no limit
    static <T> T within(Duration limit, Supplier<T> work) {
        return limit == null ? work.get() : ScopedValue.where(END, System.nanoTime() + limit.toNanos()).call(work::get);
    }

    /// Returns the System.nanoTime() by which all must be done; 0 for no limit.
    static long end() { return END.isBound() ? END.get() : 0; }

    static long left() { return END.isBound() ? END.get() - System.nanoTime() : Long.MAX_VALUE; }

    /// Runs `work` under a lock, for which it waits no longer than the limit: what it then sends fails of that. The
    /// work may use the network, but `HttpSender.withRetries` does not pause in it, only around it.
    static <T> T withLock(ReentrantLock lock, Supplier<T> work) {
        boolean locked = false;
        try {
            locked = lock.tryLock(left(), TimeUnit.NANOSECONDS);
            return ScopedValue.where(ALONE, true).call(work::get);
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        } finally {
            if (locked) lock.unlock();
        }
    }
}

/// The reader closed stdout, as `| head` does; this is not an error.
final class BrokenPipe extends RuntimeException {
    BrokenPipe() { super(null, null, false, false); }
}

/// The tool as an operating system process: UTF-8 in any locale, signals, broken pipes.
final class RealProcess {
    static int start(ToIntBiFunction<Environment, String[]> body, String... args) {
        var out = writer(FileDescriptor.out, true);
        var err = writer(FileDescriptor.err, false);
        var signals = new Signals(Thread.currentThread());
        var env = Environment.of(System.in, out, err, System.getenv(), signals);
        if (argumentsGotLost(args)) {
            return new Console(env).report(Fault.usage("the locale's encoding, "
                    + System.getProperty("sun.jnu.encoding") + ", cannot represent an argument",
                    "LC_ALL=C.UTF-8 " + COP + " …, or pipe the text in"));
        }
        int code = body.applyAsInt(env, args);
        if (FirstRun.now()) FirstRun.rehearse(body);
        return code == Fault.INTERRUPTED ? signals.exitCode() : code;
    }

    private static PrintWriter writer(FileDescriptor descriptor, boolean answer) {
        return new PrintWriter(new OutputStreamWriter(stream(descriptor, answer), StandardCharsets.UTF_8));
    }

    static OutputStream stream(FileDescriptor descriptor, boolean answer) {
        return new FilterOutputStream(new FileOutputStream(descriptor)) {
            @Override
            public void write(byte[] bytes, int offset, int length) {
                try {
                    out.write(bytes, offset, length);
                } catch (IOException e) {
                    if (!answer) return;                    // nowhere to report it
                    boolean broken = Text.reason(e).matches("(?s).*(Broken pipe|pipe is being closed|reset).*");
                    if (broken) throw new BrokenPipe();
                    throw Fault.io("cannot write to stdout", e, "check that it is open and the disk is not full");
                }
            }
        };
    }

    /// Detects arguments that the JVM decoded with `?` for non-ASCII under a C locale; such a prompt must not be sent.
    /// Works only where /proc shows the original bytes.
    private static boolean argumentsGotLost(String... args) {
        if (System.getProperty("sun.jnu.encoding", "UTF-8").startsWith("UTF")) return false;
        if (Stream.of(args).noneMatch(arg -> arg.contains("?") || arg.contains("\uFFFD"))) return false;
        try {
            for (byte b : Files.readAllBytes(Path.of("/proc/self/cmdline"))) if (b < 0) return true;
        } catch (IOException _) {
            // not Linux
        }
        return false;
    }
}

/// JBang's `//CDS` archives the classes that the very first run loads. This adds those of a chat over TLS, as far as
/// possible without an answer: after a mere `--version`, each later chat took a quarter longer (968 ms, not 786).
final class FirstRun {
    static final Duration PATIENCE = Duration.ofSeconds(5);

    static boolean now() {
        try {
            return Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.ISO_8859_1)
                    .contains("-XX:ArchiveClassesAtExit");
        } catch (IOException notLinux) {
            return System.getProperty("os.name").startsWith("Mac") && ProcessHandle.current().info().arguments()
                    .stream().flatMap(Stream::of).anyMatch(a -> a.startsWith("-XX:ArchiveClassesAtExit"));
        }
    }

    /// Runs a chat with a template against a silent server, from a home that keeps nothing.
    static void rehearse(ToIntBiFunction<Environment, String[]> body) {
        try (var silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            var nowhere = new PrintWriter(Writer.nullWriter());
            var env = new Environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE), nowhere, nowhere,
                    Map.of("COP_HOME", "/dev/null", "COPILOT_GITHUB_TOKEN", "rehearsal", "COP_HOST",
                    "https://127.0.0.1:" + silent.getLocalPort()), _ -> false, Time.SYSTEM, () -> false, Path.of("/"));
            body.applyAsInt(env, new String[]{"chat", "--timeout", "500ms", "-t", "explain", "hello"});
        } catch (IOException _) {
            // then later runs start a little slower
        }
    }
}

/// Handles Ctrl-C and SIGTERM: the first interrupts the command's thread; a second, or three seconds without an end
/// (longer for a batch), halts the JVM.
final class Signals implements Environment.Shutdown {
    private volatile Duration grace = Duration.ofSeconds(3);
    private final AtomicInteger code = new AtomicInteger();             // exit code; 0: no signal yet
    private volatile Thread stoppable;                      // interrupted by Ctrl-C instead of the program

    Signals(Thread main) {
        on("INT", Fault.INTERRUPTED, main);
        on("TERM", 143, main);
        on("HUP", 129, main);                               // terminal closed
    }

    int exitCode() { return signaled() ? code.get() : Fault.INTERRUPTED; }

    @Override
    public boolean stopping() { return exitCode() != Fault.INTERRUPTED; }

    @Override
    public boolean signaled() { return code.get() != 0; }

    @Override
    public void stoppable(Runnable work) {
        stoppable = Thread.currentThread();
        try {
            work.run();
        } finally {
            stoppable = null;
            if (!signaled()) Thread.interrupted();              // drops a late Ctrl-C
        }
    }

    @Override
    public void patience(Duration longer) { grace = longer; }

    private void on(String name, int meaning, Thread main) {
        try {
            var signal = new sun.misc.Signal(name);
            var before = sun.misc.Signal.handle(signal, _ -> {
                var work = stoppable;
                if (work != null && meaning == Fault.INTERRUPTED) {
                    work.interrupt();
                    return;
                }
                if (!code.compareAndSet(0, meaning)) Runtime.getRuntime().halt(meaning);
                main.interrupt();
                Thread.ofPlatform().daemon().start(() -> {
                    Time.SYSTEM.pause(grace);
                    Runtime.getRuntime().halt(meaning);
                });
            });
            if (name.equals("HUP") && before == sun.misc.SignalHandler.SIG_IGN) sun.misc.Signal.handle(signal, before);
        } catch (IllegalArgumentException _) {
            // no such signal here, or the JVM reserves it (-Xrs)
        }
    }
}

/// Standard input, read on its own thread so that Ctrl-C works and a silent pipe cannot block.
final class Stdin {
    enum Kind { TERMINAL, PIPE, FILE }

    private static final Duration PATIENCE = Duration.ofSeconds(2), FOREVER = Duration.ofDays(3650);

    private final InputStream in;
    private final Kind given;
    private final CompletableFuture<Boolean> first = new CompletableFuture<>();
    private Future<byte[]> all;
    Consumer<String> onSlow = _ -> { };                     // called after two seconds without the end

    /// @param given null to detect the kind on first use
    Stdin(InputStream in, Kind given) {
        this.in = in;
        this.given = given;
    }

    Kind kind() { return given != null ? given : Descriptors.kind(0); }

    String text() {
        byte[] bytes = bytes();
        if (bytes.length > Text.LARGEST) throw Fault.usage("stdin is larger than 64 MiB", "pipe in less");
        return Text.utf8(bytes, "stdin", 0);
    }

    /// @throws Fault if stdin cannot be read to its end: a prompt without its data is not what was meant
    byte[] bytes() {
        return await(all(), FOREVER, this::slow).orElseThrow(() -> new Fault(Fault.USAGE, "cannot read stdin: "
                + Text.reason(all().exceptionNow()), "check what is piped in, or add </dev/null", null));
    }

    /// @param pipe another one to read instead, or null
    void copyTo(Path file, Path pipe) throws IOException {
        var copied = reading(() -> {
            try (var out = Files.newOutputStream(file)) {
                return pipe == null ? open().transferTo(out) : Files.copy(pipe, out);
            }
        });
        Runnable slow = pipe == null ? this::slow : () -> onSlow.accept(pipe.getFileName() + " to end");
        if (await(copied, FOREVER, slow).isEmpty()) throw new IOException(Text.reason(copied.exceptionNow()));
    }

    /// Reads everything.
    ///
    /// @param limit how long to wait for a pipe's first byte; null for ever
    String text(Duration limit) {
        all();
        if (limit == null || kind() != Kind.PIPE || await(first, limit, this::slow).isPresent()) return text();
        throw Fault.usage("no input on stdin, an open pipe, within " + Durations.words(limit), "add </dev/null, or a"
                + " longer --timeout");
    }

    private void slow() { onSlow.accept("stdin to end (add </dev/null to skip it)"); }

    /// Reads a file, or a pipe that has a name, such as a shell's `<(…)`, as patiently as stdin.
    <T> T orPipe(Path file, String name, Supplier<T> read) {
        if (Files.isRegularFile(file) || !Files.exists(file)) return read.get();
        var result = reading(read::get);
        return await(result, FOREVER, () -> onSlow.accept(name + " to end")).orElseThrow(() -> (RuntimeException)
                result.exceptionNow());
    }

    String secret() {
        var console = given == null ? System.console() : null;
        if (console == null) return text();
        return await(reading(() -> new String(console.readPassword())), FOREVER, () -> { }).orElse("");
    }

    /// Reads a line; null at the end.
    String line() {
        return await(reading(() -> {
            var bytes = new ByteArrayOutputStream();
            int b = in.read();
            if (b < 0) return null;
            for (; b >= 0 && b != '\n'; b = in.read()) bytes.write(b);
            return bytes.toString(StandardCharsets.UTF_8);
        }), FOREVER, () -> { }).orElse(null);
    }

    private synchronized Future<byte[]> all() {
        if (all == null) {
            all = reading(() -> {
                try {
                    var from = new BufferedInputStream(open());
                    from.mark(1);
                    first.complete(from.read() >= 0);
                    from.reset();
                    return from.readNBytes(Text.LARGEST + 1);
                } finally {
                    first.complete(false);                  // unless it is complete
                }
            });
        }
        return all;
    }

    private InputStream open() { return given == null && Descriptors.closed(0) ? InputStream.nullInputStream() : in; }

    private static <T> Future<T> reading(Callable<T> work) {
        var result = new FutureTask<>(work);
        Thread.ofPlatform().daemon().name("stdin").start(result);
        return result;
    }

    /// @param slow called after two seconds
    /// @return empty after `limit` or if the input is unreadable
    private static <T> Optional<T> await(Future<T> future, Duration limit, Runnable slow) {
        try {
            long soon = Durations.min(limit, PATIENCE).toMillis();
            try {
                future.get(soon, TimeUnit.MILLISECONDS);
            } catch (TimeoutException _) {
                slow.run();
            }
            return Optional.ofNullable(future.get(limit.toMillis() - soon, TimeUnit.MILLISECONDS));
        } catch (TimeoutException | ExecutionException _) {
            return Optional.empty();
        } catch (InterruptedException e) {
            throw Fault.interrupted();
        }
    }
}

/// Detects the kind of a descriptor; `System.console()` is null as soon as stdin or stdout is redirected.
final class Descriptors {
    static boolean isTerminal(int descriptor) {
        return link(descriptor).map(l -> l.matches("/dev/(pts/.*|tty.*|console)")).orElseGet(() -> isatty(descriptor));
    }

    static Stdin.Kind kind(int descriptor) {
        if (isTerminal(descriptor)) return Stdin.Kind.TERMINAL;
        boolean pipe = link(descriptor).map(l -> l.startsWith("pipe:") || l.startsWith("socket:")).orElse(true);
        return pipe ? Stdin.Kind.PIPE : Stdin.Kind.FILE;
    }

    /// Detects a start without this descriptor (`<&-`): the JVM reuses its number for a file of its own, which must not
    /// be read as a prompt.
    static boolean closed(int descriptor) {
        return link(descriptor).map(l -> l.matches("closed|.*(/lib/modules|\\.jar|\\.jsa|\\.aot)")).orElse(false);
    }

    private static Optional<String> link(int descriptor) {
        if (!System.getProperty("os.name").equals("Linux")) return Optional.empty();
        try {
            return Optional.of(Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString());
        } catch (NoSuchFileException closed) {
            return Optional.of("closed");
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    private static boolean isatty(int descriptor) {
        try (var arena = Arena.ofConfined()) {
            var linker = Linker.nativeLinker();
            var symbols = Text.WINDOWS ? SymbolLookup.libraryLookup("ucrtbase", arena) : linker.defaultLookup();
            var isatty = linker.downcallHandle(symbols.find(Text.WINDOWS ? "_isatty" : "isatty").orElseThrow(),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
            return (int) isatty.invokeExact(descriptor) != 0;
        } catch (Throwable unknown) {
            return System.console() != null;
        }
    }
}

/// The only writer to stderr; of stdout it knows tables.
final class Console {
    private final Environment env;
    private boolean living;                                 // the last line is to be overwritten
    private final Set<String> said = ConcurrentHashMap.newKeySet();
    boolean verbose, quiet;
    String command = "script", template;                    // for the record of credits
    volatile boolean stalled;                               // another thread writes to stdout, and may be stuck

    Console(Environment env) {
        this.env = env;
        env.stdin().onSlow = what -> note("waiting for " + what);
    }

    Environment env() { return env; }

    boolean terminal() { return env.terminal().test(2); }

    boolean color() { return terminal() && env.variable("NO_COLOR") == null && !"dumb".equals(env.variable("TERM")); }

    private String paint(String code, String text) { return color() ? "\033[" + code + "m" + text + "\033[0m" : text; }

    /// Returns the width of the window: COLUMNS, or the terminal's, or 80.
    int columns() {
        String columns = Objects.requireNonNullElse(env.variable("COLUMNS"), "");
        if (columns.matches("[1-9][0-9]{0,3}")) return Integer.parseInt(columns);
        return env.terminal().test(1) ? windowSize()[1] : 80;
    }

    /// Returns the terminal's rows and columns. Runs `stty`, which is faster than preparing the JVM for native calls.
    static int[] windowSize() {
        try {
            var stty = new ProcessBuilder("stty", "size").redirectInput(new File("/dev/tty"))
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String size = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            if (size.matches("[1-9]\\d{0,4} [1-9]\\d{0,4}")) {
                return Stream.of(size.split(" ")).mapToInt(Integer::parseInt).toArray();
            }
        } catch (IOException _) {
            // no terminal, or no stty
        }
        return new int[] {24, 80};
    }

    String bold(String text) { return paint("1", text); }

    String dim(String text) { return paint("2", text); }

    /// Colors a status if stdout is a terminal.
    String state(String state) {
        String code = state.strip().equals("ok") ? "32" : state.strip().equals("warn") ? "33" : "31";
        return env.terminal().test(1) ? paint(code, state) : state;
    }

    public void note(String text) { if (!quiet) say(dim(oneLine(text))); }

    /// Shows a message unless it has been shown: a batch gets each once.
    void once(Consumer<String> how, String text) { if (said.add(text)) how.accept(text); }

    public void warn(String text) { say(paint("33", "warning:") + " " + oneLine(text)); }

    void hint(String text) { if (text != null && !text.isEmpty()) say("hint: " + oneLine(text)); }

    void error(String text) { say(paint("31", "error:") + " " + oneLine(text)); }

    private static String oneLine(String text) { return Text.printable(text.strip().replaceAll("\\R", "␊")); }

    public void detail(String text) { if (verbose) say(dim("* " + oneLine(text))); }

    void flush() { if (!stalled) env.out().flush(); }

    /// Shows a line that the next one overwrites, on a terminal only; empty text clears it.
    void transientLine(String text) {
        if (quiet || !terminal() || "dumb".equals(env.variable("TERM"))) return;
        // truncated by the terminal (DECAWM off): a wrapped line could not be overwritten, nor one after its ^C
        env.err().print("\r\033[K" + (text.isEmpty() ? "" : "\033[?7l" + dim(Secrets.mask(text)) + "\033[?7h\r"));
        env.err().flush();
        living = !text.isEmpty();
    }

    /// Prints a fragment, such as a prompt, or reasoning as it arrives.
    void fragment(String text) {
        env.err().print(Secrets.mask(text));
        env.err().flush();
    }

    /// Prints the head of a request (`>`) or response (`<`) with -v.
    void head(String mark, String first, HttpHeaders headers) {
        if (!verbose) return;
        say(dim(mark + " " + first));
        headers.map().forEach((name, values) -> values.forEach(value ->
                say(dim(mark + " " + name + ": " + Text.printable(Secrets.header(name, value))))));
    }

    int report(Fault fault) {
        if (!fault.is(Fault.Kind.INTERRUPTED)) {
            error(fault.message());
            hint(fault.hint());
        }
        if (verbose) {
            var trace = new StringWriter();
            fault.printStackTrace(new PrintWriter(trace));
            say(Text.printable(trace.toString().stripTrailing()));
        }
        return fault.exitCode();
    }

    /// Prints what was asked for, such as a login code, and all else.
    void say(String text) {
        if (living) transientLine("");
        try {
            flush();                                        // keeps the order of both streams
        } catch (BrokenPipe _) {
            // nobody reads it; the message still matters
        }
        env.err().print(Secrets.mask(text) + "\n");
        env.err().flush();
    }

    /// Asks for confirmation; anything but yes means no.
    ///
    /// @param hint how to confirm in advance
    /// @throws Fault if stdin is not a terminal
    boolean confirmed(String question, String hint) {
        if (env.stdin().kind() != Stdin.Kind.TERMINAL) throw Fault.usage("cannot ask for confirmation (no terminal): "
                + question, hint);
        say(question + " [y/N]");
        return env.stdin().line() instanceof String answer && answer.strip().toLowerCase(Locale.ROOT).startsWith("y");
    }

    /// Prints to stdout.
    ///
    /// @return 0, for the exit code
    int print(String text) {
        env.out().print(text);
        return 0;
    }

    /// Prints aligned columns to a terminal, else tab-separated values without a heading.
    int table(List<String> heading, List<List<String>> rows) {
        var lines = env.terminal().test(1) ? columns(heading, rows, columns()) : rows.stream().map(row -> row.stream()
                .map(Text::cell).collect(Collectors.joining("\t"))).toList();
        return print(lines.stream().map(line -> line + "\n").collect(Collectors.joining()));
    }

    /// Aligns columns. Those beyond the width are joined and wrapped at blanks, in the rest of the line or below it.
    static List<String> columns(List<String> heading, List<List<String>> rows, int width) {
        var all = Stream.concat(Stream.of(heading), rows.stream().map(row -> row.stream().map(Text::cell).toList()))
                .toList();
        var widths = IntStream.range(0, heading.size())
                .map(i -> all.stream().mapToInt(row -> Text.displayWidth(row.get(i))).max().orElse(0)).toArray();
        int fit = 0, end = -2;
        while (fit < widths.length && end + widths[fit] + 2 <= width) end += widths[fit++] + 2;
        boolean sameLine = fit < widths.length && end <= width - 24;
        int aligned = Math.max(1, fit), indent = sameLine ? end + 2 : 4;
        return all.stream().map(row -> {
            String line = IntStream.range(0, aligned).mapToObj(i -> Text.padded(row.get(i), widths[i]))
                    .collect(Collectors.joining("  "));
            String rest = Text.joined("  ", row.subList(aligned, row.size()).toArray(String[]::new));
            rest = Text.wrapped(rest, indent, width);
            return rest.isEmpty() ? line.stripTrailing() : sameLine ? line + "  " + rest
                    : line.stripTrailing() + "\n    " + rest;
        }).toList();
    }
}

// =================================================================================================== Text
// JSON, masking, durations, suggestions.

/// JSON trees, byte for byte like Jackson's mapper but without loading it, which costs a chat over HTTPS 60 ms of CPU
/// with the AOT cache, 110 with the class archive (15 pairs). Numbers keep their digits.
final class Json {
    /// For records only; loaded on first use.
    private static final class Mapper {
        static final JsonMapper ONE = JsonMapper.builder()
                .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();
    }

    private static final JsonFactory JSON = new JsonFactory();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final ObjectWriteContext COMPACT = ObjectWriteContext.empty();
    private static final ObjectWriteContext PRETTY = new ObjectWriteContext.Base() {
        @Override
        public boolean hasPrettyPrinter() { return true; }

        @Override
        public PrettyPrinter getPrettyPrinter() { return new DefaultPrettyPrinter(); }
    };

    static ObjectNode object() { return NODES.objectNode(); }

    static ArrayNode array(Stream<? extends JsonNode> items) { return NODES.arrayNode().addAll(items.toList()); }

    /// Returns a string field; empty if it is missing or not a string.
    static String text(JsonNode node, String field) {
        var value = node.path(field);
        return value.isString() ? value.asString() : "";
    }

    /// Returns a field in seconds; `otherwise` if it is missing, no number, or not positive. A hundred years at most.
    static Duration seconds(JsonNode node, String field, long otherwise) {
        double seconds = node.path(field).asDouble(otherwise);
        return Duration.ofMillis((long) (1000 * Math.min(seconds > 0 ? seconds : otherwise, 3.2e9)));
    }

    /// Returns a field in epoch seconds as an Instant; the epoch if it is missing or invalid.
    static Instant instant(JsonNode node, String field) { return Instant.EPOCH.plus(seconds(node, field, 0)); }

    // ---- to read

    /// Returns a missing node if the text is not JSON.
    static JsonNode tryParse(String text) {
        try (var json = parser(text)) {
            var tree = json.nextToken() == null ? NODES.missingNode() : value(json);
            return json.nextToken() == null ? tree : NODES.missingNode();
        } catch (JacksonException | NumberFormatException _) {      // 1e9999999999 exceeds BigDecimal
            return NODES.missingNode();
        }
    }

    /// Finds the JSON of an answer that passes a test: all of it, else its only such fenced block, else its only such
    /// object or list that is not within another.
    static Optional<String> extract(String answer, Predicate<String> test) {
        for (var found : List.of(List.of(answer.strip()), Text.fenced(answer), containers(answer))) {
            var good = found.stream().filter(text -> !tryParse(text).isMissingNode() && test.test(text)).toList();
            if (!good.isEmpty()) return good.size() == 1 ? Optional.of(good.getFirst()) : Optional.empty();
        }
        return Optional.empty();
    }

    private static List<String> containers(String text) {
        var found = new ArrayList<String>();
        var bracket = Pattern.compile("[{\\[]").matcher(text);
        for (int at = 0; bracket.find(at); ) {
            at = bracket.start();
            try (var json = parser(text.substring(at))) {
                json.nextToken();
                json.skipChildren();
                found.add(text.substring(at, at += (int) json.currentLocation().getCharOffset()));
            } catch (JacksonException _) {
                at++;                                       // a bracket among words
            }
        }
        return found;
    }

    static ObjectNode object(String text, String what) {
        if (tryParse(text) instanceof ObjectNode object) return object;
        throw Fault.error("unexpected response for " + what + ": " + (text.isBlank() ? "it is empty"
                : "\"" + Text.shortened(Text.printable(text), 120) + "\""), Text.CHECK_HOST);
    }

    static JsonParser parser(String text) { return JSON.createParser(ObjectReadContext.empty(), text); }

    static JsonParser parser(InputStream in) { return JSON.createParser(ObjectReadContext.empty(), in); }

    /// Reads the value at the parser's current token. The last of duplicate names wins; the parser limits the depth.
    private static JsonNode value(JsonParser json) {
        return switch (json.currentToken()) {
            case START_OBJECT -> {
                var object = NODES.objectNode();
                while (json.nextToken() != JsonToken.END_OBJECT) {
                    String name = json.currentName();
                    json.nextToken();
                    object.set(name, value(json));
                }
                yield object;
            }
            case START_ARRAY -> {
                var array = NODES.arrayNode();
                while (json.nextToken() != JsonToken.END_ARRAY) array.add(value(json));
                yield array;
            }
            case VALUE_STRING -> NODES.stringNode(json.getString());
            case VALUE_NUMBER_INT -> switch (json.getNumberType()) {
                case INT -> NODES.numberNode(json.getIntValue());
                case LONG -> NODES.numberNode(json.getLongValue());
                default -> NODES.numberNode(json.getBigIntegerValue());
            };
            case VALUE_NUMBER_FLOAT -> NODES.numberNode(json.getDecimalValue());
            case VALUE_TRUE, VALUE_FALSE -> NODES.booleanNode(json.getBooleanValue());
            default -> NODES.nullNode();
        };
    }

    /// @throws Fault if the value does not fit the class
    static <T> T convert(JsonNode value, Class<T> type) {
        try {
            return Mapper.ONE.treeToValue(value, type);
        } catch (JacksonException e) {
            throw Fault.error("the answer is not a valid " + type.getSimpleName() + ": " + e.getOriginalMessage(),
                    "ask with a template that has a schema");
        }
    }

    static JsonNode tree(Object value) { return Mapper.ONE.valueToTree(value); }

    // ---- to write

    static byte[] bytes(JsonNode tree) {
        var bytes = new ByteArrayBuilder();                 // grows in chunks: a prompt may have 64 MB
        try (var json = JSON.createGenerator(COMPACT, bytes, JsonEncoding.UTF8)) {
            write(tree, json);
        }
        return bytes.toByteArray();
    }

    /// Accepts trees and plain values: maps, lists, strings, booleans; anything else is written as a number.
    static String compact(Object json) { return text(json, COMPACT); }

    static String singleLine(JsonNode json) { return harmless(compact(json)); }

    /// Returns a string as it is, an object or array as JSON, empty if missing.
    static String plain(JsonNode value) { return value.isContainer() ? compact(value) : value.asString(""); }

    static String pretty(Object json) { return harmless(text(json, PRETTY)); }

    private static String text(Object value, ObjectWriteContext form) {
        var text = new StringWriter(512);
        try (var json = JSON.createGenerator(form, text)) {
            write(value, json);
        }
        return text.toString();
    }

    private static void write(Object value, JsonGenerator json) {
        if (value instanceof ObjectNode || value instanceof Map) {
            json.writeStartObject();
            for (var member : value instanceof ObjectNode node ? node.properties() : ((Map<?, ?>) value).entrySet()) {
                json.writeName((String) member.getKey());
                write(member.getValue(), json);
            }
            json.writeEndObject();
        } else if (value instanceof ArrayNode || value instanceof List) {
            json.writeStartArray();
            for (Object item : (Iterable<?>) value) write(item, json);
            json.writeEndArray();
        } else if (value == null || value instanceof NullNode) {
            json.writeNull();
        } else if (value instanceof BinaryNode || value instanceof POJONode) {      // possible from scripts
            Mapper.ONE.writeValue(json, value);
        } else if (value instanceof JsonNode scalar) {
            scalar.serialize(json, null);                   // scalars need no context
        } else if (value instanceof String text) {
            json.writeString(text);
        } else if (value instanceof Boolean truth) {
            json.writeBoolean(truth);
        } else {
            json.writeNumber(value.toString());
        }
    }

    private static final Pattern CONTROL = Pattern.compile("[\\x7f-\\x9f]");

    /// Escapes DEL and C1 controls, which JSON allows but terminals obey.
    private static String harmless(String json) {
        return CONTROL.matcher(json).replaceAll(m -> String.format("\\\\u%04x", (int) m.group().charAt(0)));
    }
}

/// Masks tokens in everything written to stderr: GitHub's by prefix, Copilot's by `tid=`, and bearer tokens.
final class Secrets {
    private static final Pattern TOKEN = Pattern.compile("(gh[a-z]_|github_pat_)[A-Za-z0-9_.-]{12,}"
            + "|(tid=)[^\\s\"',]+|(?i:(\\bbearer |\\btoken )[\\w.;=:+/-]{20,})");

    static String mask(String text) {
        if (text == null) return "";
        return TOKEN.matcher(text).replaceAll(m -> m.group(1) != null ? abbreviated(m.group())
                : (m.group(2) != null ? m.group(2) : m.group(3)) + "…");
    }

    /// Returns a token's kind and last four characters, safe to display.
    static String abbreviated(String token) {
        var prefix = Pattern.compile("(github_pat|gh[a-z])_").matcher(token);
        String kind = prefix.lookingAt() ? prefix.group() : "";
        return kind + "…" + (token.length() < 20 ? "" : token.substring(token.length() - 4));
    }

    static String header(String name, String value) {
        String lower = name.toLowerCase(Locale.ROOT);
        if (lower.matches(".*(cookie|key|secret|password|session-token).*")) return "…";
        return lower.contains("authorization") ? value.replaceFirst("(?s) .*", " …") : mask(value);
    }
}

final class Text {
    static final int LARGEST = 64 << 20;                    // bytes per prompt part; no model reads more
    /// A prefix, an empty group if a list item follows, the fence, the text, and the closing fence or the end.
    private static final Pattern FENCED = Pattern.compile("(?ms)^([ \\t>]*)(?:(?:[-*+]|\\d+[.)])[ \\t]+())?"
            + "(`{3,}|~{3,})[^\\n`]*$\\n?(.*?)(^(?:\\1)?(?:\\2[ \\t]{0,9}|[ \\t]{0,3})\\3[`~]*[ \\t\\r]*$|\\z)");
    private static final String WIDE = "[\\p{IsHan}\\p{IsHiragana}\\p{IsKatakana}\\p{IsHangul}\\p{IsBopomofo}\\p{IsYi}"
            + "\\p{IsEmoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6&&[^\uff61-\uffdc]]";
    static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");
    /// How the tool is started, for hints and help: the launcher, scripts/jbang and the catalog's aliases tell it.
    static final String COP = System.getProperty("cop.command", "jbang copilot.java");

    static final String CHECK_HOST = "check --host, and whether a proxy requires a login";

    static String cell(String text) { return printable(text.replaceAll("[\t\r\n]+", " ")); }

    /// Makes control characters visible, except line breaks and tabs: output must not control a terminal.
    static String printable(String text) {
        if (text.chars().noneMatch(Text::control)) return text;
        var clean = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean lineEnd = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n';
            clean.append(lineEnd || !control(c) ? c : c < ' ' ? (char) (0x2400 + c) : '\uFFFD');
        }
        return clean.toString();
    }

    private static boolean control(int c) { return c < ' ' && c != '\n' && c != '\t' || c >= 0x7f && c < 0xa0; }

    /// Splits at commas; names with commas are in double quotes, as in CSV.
    static List<String> names(String list) {
        return Pattern.compile("\"((?:[^\"]|\"\")*)\"(?=,|$)|[^,]+").matcher(list).results()
                .map(name -> name.group(1) == null ? name.group().strip() : name.group(1).replace("\"\"", "\""))
                .toList();
    }

    /// Returns the fenced blocks of Markdown, in lists and quotations too, without their fences and indentation.
    static List<String> fenced(String markdown) {
        return FENCED.matcher(markdown).results().filter(block -> !block.group(5).isEmpty()).map(block -> {
            String indent = "(?m)^[ \\t" + (block.group(1).contains(">") ? ">" : "") + "]{0,";
            return stripTrailingNewlines(block.group(4)
                    .replaceAll(indent + (block.start(3) - block.start()) + "}", ""));
        }).toList();
    }

    /// Tests for white space alone, also of the kinds that `isBlank` does not know.
    static boolean blank(String text) { return text.replaceAll("[\\h\u200b\ufeff]", "").isBlank(); }

    static String shortened(String text, int most) {
        if (text.length() <= most) return text;
        return text.substring(0, Character.isHighSurrogate(text.charAt(most - 1)) ? most - 1 : most) + "…";
    }

    static String padded(String text, int width) { return text + " ".repeat(Math.max(0, width - displayWidth(text))); }

    /// Returns how many cells of a terminal a text takes.
    static int displayWidth(String text) {
        if (text.chars().allMatch(c -> c < 0x300)) return text.length();
        String cells = text.replaceAll("[\\p{Mn}\\p{Me}\\p{Cf}\u1160-\u11ff]", "").replaceAll(WIDE, "xx");
        return cells.codePointCount(0, cells.length());
    }

    /// Wraps at blanks; lines after the first are indented.
    static String wrapped(String text, int indent, int width) {
        return text.replaceAll("(.{1," + Math.max(1, width - indent) + "})(?: +|$)", "$1\n" + " ".repeat(indent))
                .stripTrailing();
    }

    static String paragraphs(String... texts) { return joined("\n\n", texts); }

    /// Omits empty texts.
    static String joined(String between, String... texts) {
        return Stream.of(texts).filter(text -> !text.isEmpty()).collect(Collectors.joining(between));
    }

    static String endWithNewline(String text) { return stripTrailingNewlines(text) + "\n"; }

    static String stripTrailingNewlines(String text) {
        int end = text.length();
        while (end > 0 && (text.charAt(end - 1) == '\n' || text.charAt(end - 1) == '\r')) end--;
        return text.substring(0, end);
    }

    /// Decodes text from the user, without a byte order mark.
    ///
    /// @param line its first in the file; 0 if it is the whole file
    /// @throws Fault if it is not text, which names its kind or the line
    static String utf8(byte[] bytes, String name, int line) {
        String text = decoded(bytes, name, line);
        if (text.indexOf('\0') < 0) return text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (line == 0) FileType.refuse(bytes, name);
        throw Fault.usage(name + (line == 0 ? "" : ":" + line) + " is not text: it contains a NUL byte",
                command("tr -d '\\0' <%1$s >%2$s", name));
    }

    /// Decodes any characters.
    static String decoded(byte[] bytes, String name, int line) {
        var in = ByteBuffer.wrap(bytes);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(in).toString();
        } catch (CharacterCodingException e) {
            if (line == 0) FileType.refuse(bytes, name);
            int breaks = (int) IntStream.range(0, in.position()).filter(i -> bytes[i] == '\n').count();
            throw notUtf8(name, Math.max(1, line) + breaks);
        }
    }

    /// The command leaves lines that are UTF-8 as they are: files may have both.
    static Fault notUtf8(String name, int line) {
        return Fault.usage(name + ":" + line + " is not UTF-8 text", command("perl -MEncode -pe '$_ = encode(\"UTF-8\","
                + " decode(\"cp1252\", $_)) unless eval { decode(\"UTF-8\", my $x = $_, 1); 1 }' %1$s >%2$s", name));
    }

    /// Formats a command with a file's name (%1$s) and a name for its result (%2$s).
    static String command(String command, String name) {
        return name.equals("stdin") ? command.replaceAll(" [<>]%\\d\\$s", "").formatted("-")
                : command.formatted(quoted(name), quoted(name.replaceFirst("[^/\\\\]*$", "utf8-$0")));
    }

    /// Quotes a word for a shell, if need be.
    static String quoted(String word) {
        return word.matches("[\\w./:=,@%+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /// Strips blanks, also those that nobody sees.
    static String trimmed(String name) {
        return name.replaceAll("^[\\s\u00a0\u200b\ufeff]+|[\\s\u00a0\u200b\ufeff]+$", "");
    }

    /// Reads a date of HTTP; empty if it is none.
    static Optional<Instant> date(String text) {
        try {
            return Optional.of(text).filter(given -> !given.isEmpty())
                    .map(DateTimeFormatter.RFC_1123_DATE_TIME::parse).map(Instant::from);
        } catch (DateTimeException _) {
            return Optional.empty();
        }
    }

    static Optional<URI> uri(String text) {
        try {
            return Optional.of(new URI(text)).filter(uri -> uri.getScheme() != null && uri.getHost() != null
                    && uri.getPort() <= 65_535);
        } catch (URISyntaxException _) {
            return Optional.empty();
        }
    }

    static String form(Map<String, String> fields) {
        return fields.entrySet().stream().map(field -> field.getKey() + "=" + URLEncoder.encode(field.getValue(),
                StandardCharsets.UTF_8)).collect(Collectors.joining("&"));
    }

    static String sha256(String text) { return sha256(text.getBytes(StandardCharsets.UTF_8)); }

    static String sha256(byte[] bytes) { return HexFormat.of().formatHex(sha256().digest(bytes)); }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Returns the message of an exception, or its class name.
    static String reason(Throwable e) {
        String what = Objects.requireNonNullElse(e.getMessage(), "").isBlank() ? e.getClass().getSimpleName()
                : e.getMessage();
        return printable(switch (e) {
            case NoSuchFileException _ -> "no such file";
            case AccessDeniedException _ -> "permission denied";
            case FileSystemException f when f.getReason() != null -> f.getReason();
            default -> what;
        });
    }

    static String deepest(Throwable e) { return reason(chain(e).reduce((_, deepest) -> deepest).orElse(e)); }

    static Stream<Throwable> chain(Throwable e) {
        return Stream.iterate(e, Objects::nonNull, each -> each instanceof Fault fault ? fault.reason()
                : each.getCause());
    }
}

/// What a file is that is not UTF-8 text, by its first bytes.
///
/// @param start a regular expression for them, a char a byte, and the file's name
/// @param media its media type if models take it, else null
/// @param way a command, as for `Text.command`
record FileType(String start, String what, String media, String way) {
    static final int HEAD = 8000;
    private static final List<FileType> ALL = List.of(
            new FileType("\\x89PNG\r\n\\x1a\n", "a PNG image", "image/png", "-a %1$s"),
            new FileType("\\xff\\xd8\\xff", "a JPEG image", "image/jpeg", "-a %1$s"),
            new FileType("GIF8[79]a", "a GIF image", "image/gif", "-a %1$s"),
            new FileType("RIFF....WEBP", "a WebP image", "image/webp", "-a %1$s"),
            new FileType("....ftyp(hei|mif|avif)", "a HEIC image", null, "magick %1$s image.png; then -a image.png"),
            new FileType("%PDF-", "a PDF", "application/pdf", "pdftotext %1$s -, or -a %1$s if the model takes it"),
            new FileType("PK\3\4.*(word/|\\.(docx|odt)$)", "a Word document", null, "pandoc -t plain %1$s"),
            new FileType("PK\3\4.*(xl/|\\.(xls[xmb]|ods)$)|\\xd0\\xcf\\x11\\xe0", "an Excel workbook", null,
                    "save it as \"CSV UTF-8\", or: soffice --headless --convert-to csv %1$s"),
            new FileType("PK\3\4", "a ZIP archive", null, "unzip -p %1$s"),
            new FileType("\\x1f\\x8b", "a gzip archive", null, "gunzip -k %1$s"),
            new FileType("PAR1\\x15", "a Parquet file", null, "f=%1$s; duckdb -c \"copy (from '$f') to 'rows.csv'\""),
            new FileType("\\xff\\xfe|\\xfe\\xff", "UTF-16 text", null, "iconv -f utf-16 -t utf-8 %1$s >%2$s"),
            new FileType("([^\0]\0){4}", "UTF-16 text", null, "iconv -f utf-16le -t utf-8 %1$s >%2$s"));

    static Optional<FileType> of(byte[] bytes, String name) {
        String head = new String(bytes, 0, Math.min(HEAD, bytes.length), StandardCharsets.ISO_8859_1) + "\n" + name;
        return ALL.stream().filter(type -> Pattern.compile("(?s)" + type.start).matcher(head).lookingAt()).findFirst();
    }

    /// @throws Fault if bytes that are not text are of a kind that is known
    static void refuse(byte[] bytes, String name) {
        of(bytes, name).ifPresent(type -> {
            throw Fault.usage(name + " is " + type.what + ", not UTF-8 text", Text.command(type.way, name));
        });
    }
}

final class Durations {
    /// Formats without `DateTimeFormatter`, which would add about 20 ms to every chat.
    static String stamp(Instant at) {
        var utc = LocalDateTime.ofEpochSecond(at.getEpochSecond(), 0, ZoneOffset.UTC);
        return utc + (utc.getSecond() == 0 ? ":00Z" : "Z");             // toString omits seconds if 0
    }

    private static final Pattern WRITTEN = Pattern.compile("([0-9]{1,9}(?:\\.[0-9]{1,9})?)\\s*(ms|s|m|h|d)?");
    private static final Duration LONGEST = Duration.ofDays(3650);      // fits in nanoseconds

    static Duration parse(String where, String text, Duration otherwise) {
        if (text == null) return otherwise;
        var m = WRITTEN.matcher(text.strip());
        if (!m.matches()) throw Fault.usage("invalid time: " + where + " " + text,
                where + " 90s, or 500ms, 5m, 2h, 30d");
        return min(LONGEST, Duration.ofMillis(Math.round(Double.parseDouble(m.group(1)) * switch (m.group(2)) {
            case "ms" -> 1;
            case "m" -> 60_000;
            case "h" -> 3_600_000;
            case "d" -> 86_400_000;
            case null, default -> 1000;
        })));
    }

    /// Returns whether a time is past, but not longer than `age`, whichever way the clock jumped.
    static boolean isRecent(Instant time, Duration age, Instant now) {
        return !time.isAfter(now) && time.plus(age).isAfter(now);
    }

    /// Requires a unit, for times that decide what to delete: 30 could mean days.
    static Duration withUnit(String where, String text) {
        if (text == null || text.matches("(?s).*[a-z]\\s*")) return parse(where, text, null);
        throw Fault.usage("missing unit: " + where + " " + text, where + " 30d");
    }

    static Duration min(Duration a, Duration b) { return a.compareTo(b) <= 0 ? a : b; }

    static Duration max(Duration a, Duration b) { return a.compareTo(b) >= 0 ? a : b; }

    static String words(Duration d) {
        long s = d.toSeconds();
        return s < 1 ? Math.max(0, d.toMillis()) + " ms" : s < 120 ? s + " s" : s < 7200 ? s / 60 + " min"
                : s < 172_800 ? s / 3600 + " h" : s / 86_400 + " days";
    }

    static String clock(Duration d) {
        long s = Math.max(0, d.toSeconds());
        return s / 60 + ":" + (s % 60 < 10 ? "0" : "") + s % 60;
    }

    static String seconds(Duration d) {
        return d.toMillis() < 1000 ? d.toMillis() + " ms" : BigDecimal.valueOf(d.toMillis() / 100, 1) + " s";
    }
}

/// Finds the name that a misspelled one was probably meant to be.
final class Suggestions {
    static String hint(String word, Collection<String> names, String otherwise) {
        return of(word, names).map(near -> "did you mean " + near + "?").orElse(otherwise);
    }

    static String hint(String word, Collection<String> names, String command, String otherwise) {
        return of(word, names).map(near -> "did you mean: " + command + near).orElse(otherwise);
    }

    /// Returns the nearest name, else those that begin so, else the first with such a part: `sonet` in claude-sonnet-5.
    static Optional<String> of(String word, Collection<String> names) {
        return near(word, names).or(() -> near(word, names.stream().flatMap(Suggestions::parts).toList())
                .flatMap(part -> names.stream().filter(name -> parts(name).anyMatch(part::equals)).findFirst()));
    }

    private static Optional<String> near(String word, Collection<String> names) {
        int letters = word.replaceFirst("^-+", "").length(), most = letters < 3 ? 0 : Math.max(1, letters / 3);
        var begun = names.stream().filter(name -> word.length() > 2 && name.regionMatches(true, 0, word, 0,
                word.length())).limit(3).collect(Collectors.joining(" or "));
        return names.stream().filter(name -> distance(word, name) <= most)
                .min(Comparator.comparingInt((String name) -> distance(word, name))
                        .thenComparing(name -> !name.regionMatches(true, 0, word, 0, 1)))
                .or(() -> Optional.of(begun).filter(some -> !some.isEmpty()));
    }

    private static Stream<String> parts(String name) { return Stream.of(name.replaceFirst("^-+", "").split("-")); }

    static List<String> sorted(String word, List<String> names) {
        return names.stream().sorted(Comparator.comparingInt(name -> Stream.concat(Stream.of(name), parts(name))
                .mapToInt(part -> distance(word, part)).min().orElse(0))).toList();
    }

    /// Computes the optimal string alignment distance (with transpositions), ignoring case.
    private static int distance(String word, String name) {
        String a = word.toLowerCase(Locale.ROOT), b = name.toLowerCase(Locale.ROOT);
        var rows = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                int least = i == 0 || j == 0 ? i + j : Math.min(Math.min(rows[i - 1][j], rows[i][j - 1]) + 1,
                        rows[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1));
                boolean swapped = i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1);
                rows[i][j] = swapped ? Math.min(least, rows[i - 2][j - 2] + 1) : least;
            }
        }
        return rows[a.length()][b.length()];
    }
}
