///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Computes embeddings of texts, lines, or rows, as JSON Lines, CSV, NumPy's .npy, or one JSON object
//JAVA 25+
//SOURCES ../copilot.java

/// Computes embeddings of arguments, lines of stdin, or rows, and writes them in one of four formats. For Java:
/// `import static cop.embed.*`, which `repl` does at its start.
package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Message;
import cop.copilot.Model;
import cop.copilot.Request;
import cop.copilot.Usage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import static cop.Text.COP;

public class embed extends Command {
    public static void main(String... args) { System.exit(copilot.start("embed", args)); }

    /// Returns the embeddings of texts, in their order, from the account's embedding model: `embed("a cat", "a dog")`.
    ///
    /// @throws Fault if a text is empty or too long, or the account has no embedding model
    public static List<double[]> embed(String... texts) {
        return embed(List.of(Fault.nonNull(texts, "embed's texts")));
    }

    /// Returns the embeddings of many texts, in as many requests as they need.
    public static List<double[]> embed(List<String> texts) {
        return Embedder.vectors(Toolkit.SHARED.copilot(), Fault.nonNull(texts, "embed's texts"));
    }

    /// Returns the cosine similarity of two vectors: 1 for the same direction, 0 for unrelated ones.
    public static double similarity(double[] a, double[] b) { return Embedder.cosine(a, b); }

    @Override
    String syntax() {
        return """
                [TEXT… | -d ROWS] [OPTIONS]

                Compute embeddings of texts, lines, or rows.
                Prints one JSON object per text: {"index", "embedding"}, and "id" if a row has one. Texts are the
                lines of stdin, then each TEXT; or, with -d, the rows. All are checked before any is sent.

                TEXT…  A text; a single - reads one text per line from stdin.
                -d, --data=ROWS  A file, a folder, a glob of JSON files, or - for JSON Lines on stdin.
                --field=NAME  Field of a row with its text. Default: text, or input.
                --id=FIELD  Field of a row with its id. Default: id, or custom_id, if it has one.
                -t, --template=TEMPLATE  Fill a template from each row, and embed the result.
                --var=NAME=VALUE  Set a template variable to a string.
                --allow-missing  Treat missing values as empty.
                -m, --model=MODEL  Model to use. Default: text-embedding-3-small, or your first embedding model.
                --dimensions=N:int  Size of the vectors, if the model can shorten them.
                -o, --output=FILE  Write to FILE when complete: .jsonl, .csv, .npy, or .json for one object.
                --format=jsonl|csv|npy  Output format; npy is NumPy's, float32, one row per text. Default: by FILE's \
                extension, or jsonl.
                --json  Print one JSON object with all vectors, the model, and the usage.
                --echo  Include the texts in the output.
                -u, --usage  Print tokens and cost to stderr.
                --max-wait=TIME  Longest Retry-After to wait for. Default: $COP_MAX_WAIT, or 60s.

                  {cop} embed "a cat" "a dog"
                  {cop} embed -d tickets.csv --field text -o vectors.npy
                """;
    }

    @Override
    int run(CopilotClient copilot) {
        Integer dimensions = has("--dimensions") ? atLeast(1, "--dimensions", 1) : null;
        String output = text("-o"), file = output == null || output.equals("-") ? null : output;
        OutputFile.keepApart(env, text("-d"), file);
        var form = new EmbedJob.Form(VectorWriter.format(env, has("--json"), text("--format"), file), has("--echo"),
                file == null ? null : OutputFile.check(env, "-o", file, has("--format") ? new String[0]
                        : VectorWriter.ENDINGS), has("-u"));
        try (var texts = texts()) {
            return new EmbedJob(env, console, copilot, form, texts).run(text("-m"), dimensions);
        }
    }

    private EmbedTexts texts() {
        String rows = text("-d"), field = text("--field"), id = text("--id"), template = text("-t");
        var words = texts("TEXT");
        if (rows == null) {
            var idle = Stream.of("--field", "--id", "-t", "--var").filter(this::has).findFirst();
            if (idle.isPresent()) throw Fault.usage(idle.get() + " requires -d", "add -d ROWS");
            return EmbedTexts.of(env, console, words);
        }
        if (template == null) {
            if (has("--var")) throw Fault.usage("--var requires -t", "add -t TEMPLATE");
            return EmbedTexts.of(env, rows, id, row -> EmbedTexts.field(row, field));
        }
        if (field != null) throw Fault.usage("--field and -t cannot be used together", "use one of them");
        var filled = new TemplateFolders(env).named(template);
        var data = new TemplateVariables();
        texts("--var").forEach(value -> data.add("--var", value));
        var constant = data.values(env);
        return EmbedTexts.of(env, rows, id, row -> {
            var values = new LinkedHashMap<>(row.data());
            values.putAll(constant);
            return Message.text(TemplateVariables.fill(filled, values, has("--allow-missing")), false);
        });
    }
}

/// One run of `embed`: checks the texts, requests their embeddings, and writes them.
final class EmbedJob {
    private static final int MOST_ERRORS = 50;

    /// @param format `jsonl`, `csv`, `npy` or `json`
    /// @param file null: stdout
    record Form(String format, boolean echo, Path file, boolean usage) {}

    private final Environment env;
    private final Console console;
    private final CopilotClient copilot;
    private final Form form;
    private final EmbedTexts texts;
    private int count, done, requests, size;
    private long tokens;
    private String answeredBy;
    private boolean ids;

    EmbedJob(Environment env, Console console, CopilotClient copilot, Form form, EmbedTexts texts) {
        this.env = env;
        this.console = console;
        this.copilot = copilot;
        this.form = form;
        this.texts = texts;
    }

    int run(String requested, Integer dimensions) {
        var model = Embedder.model(copilot, requested);
        check(model);
        if (count == 0) {
            throw Fault.usage("no texts", "pass a TEXT, pipe lines, or use -d ROWS");
        }
        long start = System.nanoTime();
        answeredBy = model.id();
        write(new Embedder(copilot, model, dimensions));
        if (form.usage()) {
            var used = model.priced(new Usage(tokens, 0, 0, 0, 0, false));
            console.say("usage: " + tokens + " tokens" + (used.nanoCredits() >= 50_000 ? ", about " + used.price()
                    + " credits" : "") + ", " + Text.printable(answeredBy) + ", "
                    + requests + (requests == 1 ? " request, " : " requests, ")
                    + Durations.seconds(Duration.ofNanos(System.nanoTime() - start)));
            copilot.quota().ifPresent(console::say);
        }
        return 0;
    }

    /// Reports up to MOST_ERRORS invalid texts, and throws the last one's Fault.
    private void check(Model model) {
        var invalid = new ArrayList<Fault>();
        try (var reader = texts.new Reader()) {
            while (reader.hasNext() && invalid.size() < MOST_ERRORS) {
                try {
                    var item = reader.next();
                    Embedder.check(item.place(), item.text(), model);
                    count++;
                    ids |= item.id() != null;
                } catch (Fault fault) {
                    invalid.add(fault);
                }
            }
            reader.notes().forEach(console::note);
        }
        if (invalid.isEmpty()) return;
        invalid.subList(0, invalid.size() - 1).forEach(fault -> console.error(fault.message()));
        throw invalid.getLast().withHint(invalid.getFirst().hint());
    }

    private void write(Embedder embedder) {
        try (var reader = texts.new Reader(); var to = new VectorWriter(env, form, ids, count)) {
            try {
                embedder.all(reader, EmbedTexts.Item::text, (items, answer) -> accept(to, items, answer));
                to.finish(json());
            } catch (Fault fault) {
                String kept = to.keep();
                if (done > 0) console.note(done + " of " + count + " vectors " + kept);
                throw fault;
            } finally {
                console.transientLine("");
            }
        } catch (IOException e) {
            throw Fault.io("cannot write " + (form.file() == null ? "the vectors" : form.file().toString()), e,
                    "check that the disk is not full, or choose another file with -o");
        }
    }

    private ObjectNode json() {
        var json = Json.object().put("model", answeredBy).put("dimensions", size);
        json.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        return json.put("requests", requests);
    }

    private void accept(VectorWriter to, List<EmbedTexts.Item> items, Embeddings answer) {
        console.transientLine("");
        requests++;
        tokens += answer.tokens();
        if (!answer.model().isEmpty()) answeredBy = answer.model();
        if (size > 0 && answer.size() != size) {
            throw Fault.error("GitHub returned vectors of different sizes: " + size + " and " + answer.size(),
                    "try again");
        }
        size = answer.size();
        try {
            for (int i = 0; i < items.size(); i++) to.write(items.get(i), answer.vectors().get(i), size);
            to.flush();
        } catch (IOException e) {
            throw Fault.io("cannot write the vectors", e,
                    "check that the disk is not full, or choose another file with -o");
        }
        done += items.size();
        if (done < count) console.transientLine(done + "/" + count + " texts");
    }
}

/// The embeddings from one response, in the order of the texts, with the digits that GitHub sent.
///
/// @param model the model in the response; may be empty
record Embeddings(List<ArrayNode> vectors, long tokens, String model) {
    /// Returns the size of each vector.
    int size() { return vectors.getFirst().size(); }
}

/// Reads a response of /embeddings, and checks that it has one vector per text, each index once, and all of one size.
///
/// @param size the required size of each vector; 0 for any
record EmbeddingsReader(int texts, int size) implements ResponseHandler<Embeddings> {
    @Override
    public Embeddings read(ApiResponse answer) throws IOException {
        var json = Json.tryParse(answer.text());
        var vectors = new TreeMap<Integer, JsonNode>();
        for (var item : json.path("data")) vectors.put(item.path("index").asInt(-1), item.path("embedding"));
        String problem = answer.contentType().contains("html") ? "it is an HTML page" : problem(json, vectors);
        if (!problem.isEmpty()) {
            throw Fault.incomplete("GitHub returned an invalid response to /embeddings: " + problem + " "
                    + ErrorResponse.embedded("", answer.requestId()).tags(""), "try again, or add -v");
        }
        var all = vectors.values().stream().map(ArrayNode.class::cast).toList();
        long tokens = json.path("usage").path("prompt_tokens").asLong(0);
        return new Embeddings(all, json.path("usage").path("total_tokens").asLong(tokens), Json.text(json, "model"));
    }

    /// @return empty if the response is valid
    private String problem(JsonNode json, SortedMap<Integer, JsonNode> vectors) {
        if (!json.isObject()) return "it is not a JSON object";
        var error = json.path("error");
        if (error.isObject()) return Text.shortened(Text.printable(Json.text(error, "message")), 300);
        boolean numbers = vectors.values().stream().allMatch(vector -> vector.isArray() && vector.valueStream()
                .allMatch(JsonNode::isNumber));
        if (!numbers) return "an embedding is not a list of numbers";
        int number = json.path("data").size();
        var indexes = IntStream.range(0, texts).boxed().collect(Collectors.toSet());
        if (number != texts || !vectors.keySet().equals(indexes)) {
            return "it has " + number + " vectors for " + texts + (texts == 1 ? " text" : " texts") + ", with indexes "
                    + Text.shortened(vectors.keySet().toString(), 100);
        }
        var sizes = vectors.values().stream().map(JsonNode::size).collect(Collectors.toCollection(TreeSet::new));
        if (sizes.size() > 1 || sizes.contains(0)) return "its vectors are empty or of different sizes: " + sizes;
        return size == 0 || sizes.contains(size) ? "" : "its vectors have " + sizes.first() + " numbers, not " + size;
    }
}

/// Embeds texts in as many requests as they need, one at a time.
///
/// @param dimensions null for the model's own size
record Embedder(CopilotClient copilot, Model model, Integer dimensions) {
    /// The limit of OpenAI's embedding models per text.
    private static final int MOST_TOKENS = 8191;
    /// OpenAI rejects more than 300,000 tokens per request; a token is seldom shorter than 2.5 bytes.
    private static final int MOST_BYTES = 750_000;

    /// Returns the named model, or the default one, or the account's first embedding model.
    static Model model(CopilotClient copilot, String named) {
        var all = copilot.models().list(ModelList.USABLE);
        var fit = all.models().stream().filter(Embedder::embeds).toList();
        if (named == null || named.isBlank()) {
            return fit.stream().min(Comparator.comparing(model -> !model.id().equals("text-embedding-3-small")))
                    .orElseThrow(() -> Fault.error("this account has no embedding model",
                            COP + " models --all --refresh"));
        }
        var model = all.require(named.strip(), Embedder::embeds);
        if (embeds(model)) return model;
        throw Fault.usage(model + " is not an embedding model", fit.isEmpty() ? COP + " models --all" : "-m "
                + fit.stream().map(Model::id).collect(Collectors.joining(", ")));
    }

    private static boolean embeds(Model model) { return model.type().equals("embeddings"); }

    /// Returns the embeddings of texts from the account's embedding model.
    static List<double[]> vectors(CopilotClient copilot, List<String> texts) {
        if (texts.isEmpty()) throw Fault.usage("embed() requires at least one text", "embed(\"a cat\", \"a dog\")");
        var model = model(copilot, null);
        for (int i = 0; i < texts.size(); i++) {
            check("text " + (i + 1), Fault.nonNull(texts.get(i), "text " + (i + 1)), model);
        }
        var vectors = new ArrayList<double[]>();
        new Embedder(copilot, model, null).all(texts.iterator(), text -> text, (_, answer) -> answer.vectors()
                .forEach(vector -> vectors.add(vector.valueStream().mapToDouble(JsonNode::asDouble).toArray())));
        return List.copyOf(vectors);
    }

    /// @throws Fault if a text is empty, or longer than the model's limit
    static void check(String place, String text, Model model) {
        if (text.isBlank()) throw Fault.usage(place + ": the text is empty", "remove it: it has no embedding");
        long most = model.maxPromptTokens() > 0 ? model.maxPromptTokens() : MOST_TOKENS;
        if (text.length() <= most / 3 || bytes(text) <= most) return;       // a token has at least one byte
        long tokens = TokenCount.upTo(most + 7, new Request(null, List.of(Message.user(text)), null, false),
                model.tokenizer()) - 7;                     // 7: a message's overhead
        if (tokens > most) {
            throw Fault.usage(place + ": the text is too long: over " + most + " tokens (" + bytes(text) + " bytes)",
                    "split it");
        }
    }

    private static int bytes(String text) { return text.getBytes(StandardCharsets.UTF_8).length; }

    /// @param to receives the items of each request and their embeddings
    <T> void all(Iterator<T> items, Function<T, String> text, BiConsumer<List<T>, Embeddings> to) {
        var some = new ArrayList<T>();
        int weight = 0, most = maxInputs();
        while (items.hasNext()) {
            var item = items.next();
            int bytes = bytes(text.apply(item));
            if (some.size() == most || !some.isEmpty() && weight + bytes > MOST_BYTES) {
                to.accept(some, ask(some.stream().map(text).toList()));
                some = new ArrayList<>();
                weight = 0;
            }
            some.add(item);
            weight += bytes;
        }
        if (!some.isEmpty()) to.accept(some, ask(some.stream().map(text).toList()));
    }

    /// Returns the limit of texts per request; 512 if the model list has none.
    private int maxInputs() {
        long most = model.limit("max_inputs");
        return most > 0 ? (int) Math.min(most, 2048) : 512;
    }

    /// Sends one request.
    private Embeddings ask(List<String> texts) {
        var body = Json.object().put("model", model.id());
        texts.forEach(body.putArray("input")::add);         // an array even for one text: a string is rejected
        if (dimensions != null) body.put("dimensions", dimensions);
        return copilot.send("POST", "/embeddings", Json.bytes(body), call -> call.unstreamed().explained(refusal ->
                !refusal.code().startsWith("model_not") ? null : Fault.error("this account cannot use the model \""
                        + model + "\": " + refusal.description(), COP + " models --all --refresh; then -m ID")),
                new EmbeddingsReader(texts.size(), dimensions == null ? 0 : dimensions));
    }

    static double cosine(double[] a, double[] b) {
        if (Fault.nonNull(a, "a vector").length != Fault.nonNull(b, "a vector").length || a.length == 0) {
            throw Fault.usage("vectors of " + a.length + " and " + b.length + " numbers cannot be compared",
                    "embed both with the same model");
        }
        double lengths = Math.sqrt(product(a, a) * product(b, b));
        return lengths == 0 ? 0 : product(a, b) / lengths;
    }

    private static double product(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }
}

/// The texts of `embed`, which are read twice: to check all of them, and to send them.
final class EmbedTexts implements AutoCloseable {
    /// @param place for messages, such as `tickets.csv:17`
    /// @param id null if the row has none
    record Item(int index, String place, Object id, String text) {}

    private interface Source {
        RowReader open(EmbedTexts texts);
    }

    private static final Duration PATIENCE = Duration.ofMinutes(10);    // for stdin in addition to words

    private final Environment env;
    private final String name;
    private final Source source;
    private final String id;
    private final Function<InputRow, String> text;
    private Path spool;                                     // a copy of input that can be read only once

    private EmbedTexts(Environment env, String name, Source source, String id, Function<InputRow, String> text) {
        this.env = env;
        this.name = name;
        this.source = source;
        this.id = id;
        this.text = text;
    }

    /// @param words one text each, after the lines of stdin; only stdin if empty or `-`
    static EmbedTexts of(Environment env, Console console, List<String> words) {
        boolean stdin = words.isEmpty() || words.equals(List.of("-"));
        boolean terminal = env.stdin().kind() == Stdin.Kind.TERMINAL;
        if (words.isEmpty() && terminal) {
            throw Fault.usage("no texts", "pass a TEXT, pipe lines, or use -d ROWS");
        }
        String piped = stdin || terminal ? "" : env.stdin().text(PATIENCE);
        if (piped.isBlank() && !stdin && env.stdin().kind() == Stdin.Kind.PIPE) console.note("note: stdin is empty");
        var all = Stream.concat(piped.isBlank() ? Stream.of() : piped.lines(), words.stream()).toList();
        Source source = stdin ? texts -> lines(texts.spooled(null)) : _ -> new Words(all);
        return new EmbedTexts(env, "stdin", source, null, row -> JsonValues.text(row.data().get("text")));
    }

    private static RowReader lines(Path file) {
        try {
            return InputFile.open(file, "stdin", (in, _) -> {
                var lines = new LinesReader(new LineNumberReader(new InputStreamReader(in,
                        StandardCharsets.ISO_8859_1)), "stdin", (line, _) -> Map.of("text", line));
                return new RowReader() {
                    @Override
                    public InputRow next() { return lines.next(); }

                    @Override
                    public void close() { new RowFilter(lines, "stdin", in, Map.of()).close(); }
                };
            });
        } catch (IOException e) {
            throw Fault.io("cannot read stdin", e, null);
        }
    }

    /// @param id the field with a row's id; null for `id` or `custom_id`, if present
    static EmbedTexts of(Environment env, String rows, String id, Function<InputRow, String> text) {
        String format = rows.equals("-") ? "jsonl" : RowReader.formatOf(env, rows);
        Path file = rows.equals("-") ? null : env.path(rows);
        boolean once = file == null || Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
        String name = file == null ? "stdin" : rows;
        return new EmbedTexts(env, name, texts -> RowReader.opened(env, once ? texts.spooled(file).toString() : rows,
                name, format), id, text);
    }

    /// Returns a row's text from the named field, or from `text` or `input`.
    static String field(InputRow row, String named) {
        var names = named == null ? List.of("text", "input") : List.of(named);
        var name = names.stream().filter(row.data()::containsKey).findFirst().orElseThrow(() -> Fault.usage(
                "the row has no field " + String.join(" or ", names), "choose one with --field: "
                        + Text.shortened(String.join(", ", row.data().keySet()), 200)));
        Object value = row.data().get(name);
        if (value instanceof String || value instanceof JsonValues.NumberLiteral) return value.toString();
        throw Fault.usage(name + " is " + (value == JsonValues.NULL ? "null" : JsonValues.kind(value))
                + ", not a string", "use -t TEMPLATE to turn a row into text");
    }

    /// Throws a Fault if a row cannot be read, or has no text.
    final class Reader implements Iterator<Item>, AutoCloseable {
        private final RowReader rows = source.open(EmbedTexts.this);
        private int index;
        private InputRow ahead;
        private boolean broken;                             // the rest cannot be read

        @Override
        public boolean hasNext() {
            try {
                if (ahead == null && !broken) ahead = rows.next();
            } catch (Fault unreadable) {
                broken = true;
                ahead = new InputRow(name, null, unreadable);
            }
            return ahead != null;
        }

        List<String> notes() { return rows instanceof RowFilter filter ? filter.notes() : List.of(); }

        @Override
        public Item next() {
            if (!hasNext()) throw new NoSuchElementException();
            var row = ahead;
            ahead = null;
            return item(row, index++);
        }

        @Override
        public void close() { rows.close(); }
    }

    private Item item(InputRow row, int index) {
        String place = shown(row.place());
        try {
            if (row.fault() != null) throw row.fault();
            return new Item(index, place, id(row.data()), text.apply(row));
        } catch (Fault fault) {
            String message = shown(fault.message());
            throw Fault.usage(message.startsWith(place) ? message : place + ": " + message, fault.hint());
        }
    }

    private String shown(String place) { return spool == null ? place : place.replace(spool.toString(), name); }

    private Object id(Map<String, Object> row) {
        for (String name : id == null ? List.of("id", "custom_id") : List.of(id)) {
            if (RowFilter.isValue(row.get(name))) return row.get(name);
        }
        if (id == null) return null;
        throw Fault.usage("the row has no field " + id + " (--id)", "choose a field that every row has");
    }

    /// Copies the input to a temporary file, once.
    ///
    /// @param file null for stdin
    private Path spooled(Path file) {
        if (spool != null) return spool;
        try {
            spool = Files.createTempFile("copilot-", ".texts");     // readable by the owner only
            env.stdin().copyTo(spool, file);
            return spool;
        } catch (IOException e) {
            throw Fault.io("cannot copy the texts to " + System.getProperty("java.io.tmpdir"), e,
                    "check that the disk is not full");
        }
    }

    @Override
    public void close() {
        if (spool != null) spool.toFile().delete();
    }

    private static final class Words implements RowReader {
        private final List<String> words;
        private int read;

        Words(List<String> words) { this.words = words; }

        @Override
        public InputRow next() {
            return read == words.size() ? null : new InputRow("text " + (read + 1), Map.of("text", words.get(read++)),
                    null);
        }
    }
}

/// Writes vectors as they arrive, in the order of the texts.
final class VectorWriter implements Closeable {
    static final String[] ENDINGS = {".jsonl", ".csv", ".npy", ".json"};
    private static final List<String> FORMATS = List.of("jsonl", "csv", "npy");

    private final String format;
    private final boolean ids, echo;
    private final int rows;
    private final PartialFile file;                         // null for stdout
    private final Writer text;
    private final OutputStream bytes;
    private int written;

    /// @param ids whether any text has an id
    /// @param rows the number of texts
    VectorWriter(Environment env, EmbedJob.Form form, boolean ids, int rows) throws IOException {
        format = form.format();
        echo = form.echo();
        this.ids = ids;
        this.rows = rows;
        file = form.file() == null ? null : new PartialFile(form.file());
        text = file == null ? env.out() : new OutputStreamWriter(file.out, StandardCharsets.UTF_8);
        bytes = file != null ? file.out : RealProcess.stream(FileDescriptor.out, true);
    }

    /// Returns the named format, or the one of the file's extension, or `jsonl`.
    static String format(Environment env, boolean json, String named, String file) {
        if (json && named != null) throw Fault.usage("--json and --format cannot be used together", "use one of them");
        if (json && file != null && file.toLowerCase(Locale.ROOT).matches(".*\\.(npy|csv|jsonl)")) {
            throw Fault.usage("--json cannot be written to " + file, "use -o vectors.json, or remove --json");
        }
        if (named != null && !FORMATS.contains(named)) {
            throw Fault.usage("unknown --format: " + named, "use one of " + String.join(", ", FORMATS));
        }
        String ending = file == null || !file.contains(".") ? "" : file.substring(file.lastIndexOf('.') + 1)
                .toLowerCase(Locale.ROOT);
        String format = json ? "json" : named != null ? named : ending.equals("json") || FORMATS.contains(ending)
                ? ending : "jsonl";
        if (format.equals("npy") && file == null && env.terminal().test(1)) {
            throw Fault.usage("npy is binary, and stdout is a terminal", "-o vectors.npy");
        }
        boolean ownProcess = env.shutdown() instanceof Signals;
        if (format.equals("npy") && file == null && !ownProcess) {
            throw Fault.usage("npy is binary, and this output is text", "-o vectors.npy");
        }
        return format;
    }

    void write(EmbedTexts.Item item, ArrayNode vector, int size) throws IOException {
        if (written == 0) begin(size);
        switch (format) {
            case "npy" -> bytes.write(floats(vector, size));
            case "csv" -> text.write((ids ? ResultWriter.cell(item.id() == null ? "" : JsonValues.text(item.id()),
                    false) + "," : "")
                    + item.index() + (echo ? "," + ResultWriter.cell(item.text(), false) : "") + ","
                    + vector.valueStream().map(JsonNode::asString).collect(Collectors.joining(",")) + "\n");
            case "json" -> text.write((written == 0 ? "{\"data\":[\n" : ",\n") + line(item, vector));
            default -> text.write(line(item, vector) + "\n");
        }
        written++;
    }

    private String line(EmbedTexts.Item item, ArrayNode vector) {
        var line = Json.object();
        if (item.id() != null) line.set("id", JsonValues.node(item.id()));
        line.put("index", item.index());
        if (echo) line.put("text", item.text());
        line.set("embedding", vector);
        return Json.singleLine(line);
    }

    private void begin(int size) throws IOException {
        if (format.equals("npy")) bytes.write(npyHeader(rows, size));
        if (!format.equals("csv")) return;
        text.write((ids ? "id," : "") + "index," + (echo ? "text," : "") + IntStream.range(0, size)
                .mapToObj(i -> "e" + i).collect(Collectors.joining(",")) + "\n");
    }

    /// Returns the header of NumPy's format 1.0, padded to a multiple of 64 bytes (numpy.lib.format).
    static byte[] npyHeader(int rows, int size) {
        String shape = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + rows + ", " + size + "), }";
        int length = Math.ceilDiv(10 + shape.length() + 1, 64) * 64 - 10;
        var header = ByteBuffer.allocate(10 + length).order(ByteOrder.LITTLE_ENDIAN);
        header.put(new byte[]{(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) length);
        return header.put((Text.padded(shape, length - 1) + "\n").getBytes(StandardCharsets.US_ASCII)).array();
    }

    private static byte[] floats(ArrayNode vector, int size) {
        var row = ByteBuffer.allocate(4 * size).order(ByteOrder.LITTLE_ENDIAN);
        for (var number : vector) row.putFloat(number.decimalValue().floatValue());
        return row.array();
    }

    void flush() throws IOException { if (format.equals("npy")) bytes.flush(); else text.flush(); }

    /// @param summary the other fields of the JSON object
    void finish(ObjectNode summary) throws IOException {
        if (written != rows) {
            throw Fault.error("the input changed while it was read: " + rows + " texts, then " + written,
                    "run the same command again");
        }
        if (format.equals("json")) text.write("\n]," + Json.singleLine(summary).substring(1) + "\n");
        flush();
        if (file != null) file.finish();
    }

    /// Keeps the vectors written so far, and returns where; npy is not kept because its header declares all rows.
    String keep() throws IOException {
        flush();
        if (file == null) return "were printed";
        boolean useful = written > 0 && !format.equals("npy");
        return useful ? "were saved to " + file.keep() : "were received, but not saved";
    }

    @Override
    public void close() throws IOException { if (file != null) file.close(); }
}

/// A file that is written in pieces, and gets its name when it is complete.
final class PartialFile implements Closeable {
    final OutputStream out;
    private final Path file, part;                          // the same if written in place

    PartialFile(Path name) throws IOException {
        file = !Files.isSymbolicLink(name) ? name : Files.exists(name) ? name.toRealPath()
                : name.resolveSibling(Files.readSymbolicLink(name));
        part = AtomicFile.inPlace(file) ? file
                : file.resolveSibling("." + UUID.randomUUID() + ".part");
        out = new BufferedOutputStream(Files.newOutputStream(part), 1 << 16);
    }

    void finish() throws IOException {
        out.close();
        if (part.equals(file)) return;
        AtomicFile.keepPermissions(file, part);
        AtomicFile.move(part, file);
    }

    /// Keeps the partial content in a file next to the old one, which stays unchanged.
    Path keep() throws IOException {
        out.close();
        return part.equals(file) ? file : Files.move(part, OutputFile.partOf(file));
    }

    @Override
    public void close() throws IOException {
        out.close();
        if (!part.equals(file)) Files.deleteIfExists(part);
    }
}
