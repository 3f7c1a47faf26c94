///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Vectors of texts, lines or rows: JSON Lines, CSV, NumPy's npy, or one JSON record
//JAVA 25+
//SOURCES ../copilot.java

/// Vectors of texts: of words, of the lines of stdin, or of rows, written in any of four forms. In Java:
/// `import static cop.embed.*`, which `repl` has done.
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

    /// Vectors of texts, in their order, by the account's model for embeddings: `embed("a cat", "a dog")`.
    ///
    /// @throws Fault where a text is empty or too long, or the account has no such model
    public static List<double[]> embed(String... texts) {
        return embed(List.of(Fault.nonNull(texts, "embed's texts")));
    }

    /// The same of many texts, in as many requests as they need.
    public static List<double[]> embed(List<String> texts) {
        return Embedder.vectors(Toolkit.mine().copilot(), Fault.nonNull(texts, "embed's texts"));
    }

    /// How alike two vectors are, by the cosine of the angle between them: 1 is the same direction, 0 none in common.
    public static double similarity(double[] a, double[] b) { return Embedder.cosine(a, b); }

    @Override
    String syntax() {
        return """
                [TEXT… | -d ROWS] [OPTIONS]

                Vectors of texts, lines or rows.
                One a line of JSON: {"index", "embedding", and "id" where a row has one}. Each line of stdin and each
                TEXT is one, in this order; with -d each row. All are looked at before anything is sent.

                TEXT…  A text; - alone waits for stdin, a text a line.
                -d, --data=ROWS  A file, a folder, a pattern of JSON files, or - for JSON Lines on stdin.
                --field=NAME  The field of a row that holds its text. Default: text, else input.
                --id=FIELD  The field that names a row. Default: id, else custom_id, if it has one.
                -t, --template=TEMPLATE  Fill a template with each row: that is its text.
                --var=NAME=VALUE  One value for the template.
                --allow-missing  A value that is missing is empty, and no error.
                -m, --model=MODEL  The model. Default: text-embedding-3-small, else the account's first for embeddings.
                --dimensions=N:int  Numbers in a vector, where the model can shorten them.
                -o, --output=FILE  Write to FILE, whole: .jsonl, .csv, .npy, or .json for one record.
                --format=jsonl|csv|npy  npy: NumPy's, float32, a row a text. Default: by the ending of FILE, else jsonl.
                --json  One JSON record with all vectors, model and usage.
                --echo  Repeat the texts.
                -u, --usage  Say on stderr what it cost.
                --max-wait=TIME  The longest wait that GitHub may ask for. Default: $COP_MAX_WAIT, else 60s.
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
            if (idle.isPresent()) throw Fault.usage(idle.get() + " is for rows, and there are none", "-d ROWS");
            return EmbedTexts.of(env, console, words);
        }
        if (template == null) {
            if (has("--var")) throw Fault.usage("--var fills a template, and none is named", "-t NAME");
            return EmbedTexts.of(env, rows, id, row -> EmbedTexts.field(row, field));
        }
        if (field != null) throw Fault.usage("--field and -t exclude each other", "take one of them");
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

/// `embed` from its texts to its vectors.
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

    int run(String wished, Integer dimensions) {
        var model = Embedder.model(copilot, wished);
        look(model);
        if (count == 0) {
            throw Fault.usage("there are no texts", "embed \"a text\", or lines on stdin, or -d ROWS.jsonl");
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

    /// Names all texts that are wrong, the last as a Fault.
    private void look(Model model) {
        var wrong = new ArrayList<Fault>();
        try (var reader = texts.new Reader()) {
            while (reader.hasNext() && wrong.size() < MOST_ERRORS) {
                try {
                    var item = reader.next();
                    Embedder.check(item.place(), item.text(), model);
                    count++;
                    ids |= item.id() != null;
                } catch (Fault fault) {
                    wrong.add(fault);
                }
            }
            reader.notes().forEach(console::note);
        }
        if (wrong.isEmpty()) return;
        wrong.subList(0, wrong.size() - 1).forEach(fault -> console.error(fault.message()));
        throw wrong.getLast().withHint(wrong.getFirst().hint());
    }

    private void write(Embedder embedder) {
        try (var reader = texts.new Reader(); var to = new VectorWriter(env, form, ids, count)) {
            try {
                embedder.all(reader, EmbedTexts.Item::text, (items, answer) -> told(to, items, answer));
                to.whole(json());
            } catch (Fault fault) {
                String where = to.keep();
                if (done > 0) console.note(done + " of " + count + " vectors " + where);
                throw fault;
            } finally {
                console.transientLine("");
            }
        } catch (IOException e) {
            throw Fault.io("cannot write " + (form.file() == null ? "the vectors" : form.file().toString()), e,
                    "is the disk full? choose another place for -o");
        }
    }

    private ObjectNode json() {
        var json = Json.object().put("model", answeredBy).put("dimensions", size);
        json.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        return json.put("requests", requests);
    }

    private void told(VectorWriter to, List<EmbedTexts.Item> items, Embeddings answer) {
        console.transientLine("");
        requests++;
        tokens += answer.tokens();
        if (!answer.model().isEmpty()) answeredBy = answer.model();
        if (size > 0 && answer.size() != size) {
            throw Fault.error("GitHub's vectors differ in length: " + size + " numbers, and then " + answer.size(),
                    "try again");
        }
        size = answer.size();
        try {
            for (int i = 0; i < items.size(); i++) to.write(items.get(i), answer.vectors().get(i), size);
            to.flush();
        } catch (IOException e) {
            throw Fault.io("cannot write the vectors", e, "is the disk full? choose another place for -o");
        }
        done += items.size();
        if (done < count) console.transientLine(done + "/" + count + " texts");
    }
}

/// Vectors of texts, in their order, with the digits that GitHub sent.
///
/// @param model the one that answered; may be empty
record Embeddings(List<ArrayNode> vectors, long tokens, String model) {
    /// How many numbers each vector has.
    int size() { return vectors.getFirst().size(); }
}

/// Reads an answer of /embeddings. Nothing is taken on trust: as many vectors as texts, each index once, all of one
/// length.
///
/// @param size how many numbers each vector shall have; 0: any
record EmbeddingsReading(int texts, int size) implements ResponseHandler<Embeddings> {
    @Override
    public Embeddings read(ApiResponse answer) throws IOException {
        var json = Json.tryParse(answer.text());
        var vectors = new TreeMap<Integer, JsonNode>();
        for (var item : json.path("data")) vectors.put(item.path("index").asInt(-1), item.path("embedding"));
        String wrong = answer.contentType().contains("html") ? "it is a page of HTML" : wrong(json, vectors);
        if (!wrong.isEmpty()) {
            throw Fault.incomplete("GitHub's answer to /embeddings is not what was asked for: " + wrong + " "
                    + ErrorResponse.embedded("", answer.requestId()).tags(""), "try again, or add -v");
        }
        var all = vectors.values().stream().map(ArrayNode.class::cast).toList();
        long tokens = json.path("usage").path("prompt_tokens").asLong(0);
        return new Embeddings(all, json.path("usage").path("total_tokens").asLong(tokens), Json.text(json, "model"));
    }

    /// @return empty where all is well
    private String wrong(JsonNode json, SortedMap<Integer, JsonNode> vectors) {
        if (!json.isObject()) return "it is no JSON object";
        var error = json.path("error");
        if (error.isObject()) return Text.shortened(Text.printable(Json.text(error, "message")), 300);
        boolean numbers = vectors.values().stream().allMatch(vector -> vector.isArray() && vector.valueStream()
                .allMatch(JsonNode::isNumber));
        if (!numbers) return "an embedding is no list of numbers";
        int number = json.path("data").size();
        var indexes = IntStream.range(0, texts).boxed().collect(Collectors.toSet());
        if (number != texts || !vectors.keySet().equals(indexes)) {
            return number + " vectors came for " + texts + (texts == 1 ? " text" : " texts") + ", with the indexes "
                    + Text.shortened(vectors.keySet().toString(), 100);
        }
        var sizes = vectors.values().stream().map(JsonNode::size).collect(Collectors.toCollection(TreeSet::new));
        if (sizes.size() > 1 || sizes.contains(0)) return "its vectors differ in length, or are empty: " + sizes;
        return size == 0 || sizes.contains(size) ? "" : "a vector of " + sizes.first() + " numbers instead of " + size;
    }
}

/// Embeds texts in as many requests as they need, one after the other.
///
/// @param dimensions null: as many as the model has
record Embedder(CopilotClient copilot, Model model, Integer dimensions) {
    /// What OpenAI's models for embeddings take of one text.
    private static final int MOST_TOKENS = 8191;
    /// OpenAI refuses more than 300,000 tokens a request; a token is seldom less than 2.5 bytes.
    private static final int MOST_BYTES = 750_000;

    /// The model for vectors: the one that is named, else the usual, else the first of the list.
    static Model model(CopilotClient copilot, String named) {
        var all = copilot.models().list(ModelList.USABLE);
        var fit = all.models().stream().filter(Embedder::embeds).toList();
        if (named == null || named.isBlank()) {
            return fit.stream().min(Comparator.comparing(model -> !model.id().equals("text-embedding-3-small")))
                    .orElseThrow(() -> Fault.error("GitHub lists no model for embeddings for this account",
                            COP + " models --all --refresh shows what there is; plans and organizations differ"));
        }
        var model = all.require(named.strip(), Embedder::embeds);
        if (embeds(model)) return model;
        throw Fault.usage(model + " makes no embeddings", fit.isEmpty() ? COP + " models --all" : "-m "
                + fit.stream().map(Model::id).collect(Collectors.joining(", ")));
    }

    private static boolean embeds(Model model) { return model.type().equals("embeddings"); }

    /// The vectors of texts by the account's model for them.
    static List<double[]> vectors(CopilotClient copilot, List<String> texts) {
        if (texts.isEmpty()) throw Fault.usage("embed() wants a text", "embed(\"a cat\", \"a dog\")");
        var model = model(copilot, null);
        for (int i = 0; i < texts.size(); i++) {
            check("text " + (i + 1), Fault.nonNull(texts.get(i), "text " + (i + 1)), model);
        }
        var vectors = new ArrayList<double[]>();
        new Embedder(copilot, model, null).all(texts.iterator(), text -> text, (_, answer) -> answer.vectors()
                .forEach(vector -> vectors.add(vector.valueStream().mapToDouble(JsonNode::asDouble).toArray())));
        return List.copyOf(vectors);
    }

    /// @throws Fault where a text is empty, or longer than the model takes
    static void check(String place, String text, Model model) {
        if (text.isBlank()) throw Fault.usage(place + ": the text is empty", "leave it out: it has no vector");
        long most = model.maxPrompt() > 0 ? model.maxPrompt() : MOST_TOKENS;
        if (text.length() <= most / 3 || bytes(text) <= most) return;       // a token is a byte at least
        long tokens = TokenCount.upTo(most + 7, new Request(null, List.of(Message.user(text)), null, false),
                model.tokenizer()) - 7;                     // 7: what a message costs besides its text
        if (tokens > most) {
            throw Fault.usage(place + ": the text is too long: over " + most + " tokens, in " + bytes(text) + " bytes",
                    "cut it into parts");
        }
    }

    private static int bytes(String text) { return text.getBytes(StandardCharsets.UTF_8).length; }

    /// @param to gets the items of a request and what was answered
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

    /// How many texts a request may hold; the usual 512 where the catalogue does not say.
    private int maxInputs() {
        long most = model.limit("max_inputs");
        return most > 0 ? (int) Math.min(most, 2048) : 512;
    }

    /// The vectors of some texts by one request.
    private Embeddings ask(List<String> texts) {
        var body = Json.object().put("model", model.id());
        texts.forEach(body.putArray("input")::add);         // also a single one: a bare text is refused
        if (dimensions != null) body.put("dimensions", dimensions);
        return copilot.send("POST", "/embeddings", Json.bytes(body), call -> call.unstreamed().explained(refusal ->
                !refusal.code().startsWith("model_not") ? null : Fault.error("this account cannot use the model \""
                        + model + "\": " + refusal.description(), COP + " models --all --refresh; then -m ID")),
                new EmbeddingsReading(texts.size(), dimensions == null ? 0 : dimensions));
    }

    static double cosine(double[] a, double[] b) {
        if (Fault.nonNull(a, "a vector").length != Fault.nonNull(b, "a vector").length || a.length == 0) {
            throw Fault.usage("vectors of " + a.length + " and " + b.length + " numbers cannot be compared",
                    "embed both by the same model");
        }
        double lengths = Math.sqrt(product(a, a) * product(b, b));
        return lengths == 0 ? 0 : product(a, b) / lengths;
    }

    private static double product(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }
}

/// The texts of `embed`, read twice: to look at all of them, and to send them.
final class EmbedTexts implements AutoCloseable {
    /// @param place what the user calls it, such as `tickets.csv:17`
    /// @param id null where the row has none
    record Item(int index, String place, Object id, String text) {}

    private interface Source {
        RowReader open(EmbedTexts texts);
    }

    private static final Duration PATIENCE = Duration.ofMinutes(10);    // for a pipe besides words

    private final Environment env;
    private final String name;
    private final Source source;
    private final String id;
    private final Function<InputRow, String> text;
    private Path spool;                                     // a copy of what can be read once only

    private EmbedTexts(Environment env, String name, Source source, String id, Function<InputRow, String> text) {
        this.env = env;
        this.name = name;
        this.source = source;
        this.id = id;
        this.text = text;
    }

    /// @param words a text each, after the lines that are piped in; none, or `-`: the lines of stdin
    static EmbedTexts of(Environment env, Console console, List<String> words) {
        boolean stdin = words.isEmpty() || words.equals(List.of("-"));
        boolean terminal = env.stdin().kind() == Stdin.Kind.TERMINAL;
        if (words.isEmpty() && terminal) {
            throw Fault.usage("there is no text", "embed \"a text\", a pipe of lines, or -d ROWS");
        }
        String piped = stdin || terminal ? "" : env.stdin().text(PATIENCE);
        if (piped.isBlank() && !stdin && env.stdin().kind() == Stdin.Kind.PIPE) console.note("note: stdin is empty");
        var all = Stream.concat(piped.isBlank() ? Stream.of() : piped.lines(), words.stream()).toList();
        Source source = stdin ? texts -> lines(texts.spooled(null)) : _ -> new Words(all);
        return new EmbedTexts(env, "stdin", source, null, row -> JsonValues.text(row.data().get("text")));
    }

    private static RowReader lines(Path file) {
        try {
            var in = InputFile.open(file, "stdin");
            var lines = new LinesReader(new LineNumberReader(new InputStreamReader(in,
                    StandardCharsets.ISO_8859_1)), "stdin", (line, _) -> Map.of("text", line));
            return new RowReader() {
                @Override
                public InputRow next() { return lines.next(); }

                @Override
                public void close() { new RowFilter(lines, "stdin", in, Map.of()).close(); }
            };
        } catch (IOException e) {
            throw Fault.io("cannot read stdin", e, null);
        }
    }

    /// @param id the field that names a row; null: `id` or `custom_id`, if it is there
    static EmbedTexts of(Environment env, String rows, String id, Function<InputRow, String> text) {
        String format = rows.equals("-") ? "jsonl" : RowReader.formatOf(env, rows);
        Path file = rows.equals("-") ? null : env.path(rows);
        boolean once = file == null || Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
        String name = file == null ? "stdin" : rows;
        return new EmbedTexts(env, name, texts -> RowReader.opened(env, once ? texts.spooled(file).toString() : rows,
                name, format), id, text);
    }

    /// A row's text in the field that is named, else in `text`, else in `input`.
    static String field(InputRow row, String named) {
        var names = named == null ? List.of("text", "input") : List.of(named);
        var name = names.stream().filter(row.data()::containsKey).findFirst().orElseThrow(() -> Fault.usage(
                "there is no field " + String.join(" or ", names), "--field NAME; it has: "
                        + Text.shortened(String.join(", ", row.data().keySet()), 200)));
        Object value = row.data().get(name);
        if (value instanceof String || value instanceof JsonValues.NumberLiteral) return value.toString();
        throw Fault.usage(name + " is " + (value == JsonValues.NULL ? "null" : JsonValues.kind(value))
                + ", and no text", "-t TEMPLATE makes a text of a row");
    }

    /// Throws a Fault where a row cannot be read, or has no text.
    final class Reader implements Iterator<Item>, AutoCloseable {
        private final RowReader rows = source.open(EmbedTexts.this);
        private int index;
        private InputRow ahead;
        private boolean broken;                             // what follows cannot be read

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
            String said = shown(fault.message());
            throw Fault.usage(said.startsWith(place) ? said : place + ": " + said, fault.hint());
        }
    }

    private String shown(String place) { return spool == null ? place : place.replace(spool.toString(), name); }

    private Object id(Map<String, Object> row) {
        for (String name : id == null ? List.of("id", "custom_id") : List.of(id)) {
            if (RowFilter.isValue(row.get(name))) return row.get(name);
        }
        if (id == null) return null;
        throw Fault.usage("there is no " + id + " for --id", "--id names a field that every row has");
    }

    /// @param file null: stdin
    private Path spooled(Path file) {
        if (spool != null) return spool;
        try {
            spool = Files.createTempFile("copilot-", ".texts");     // nobody else can read it
            if (file == null) env.stdin().copyTo(spool);
            else try (var out = Files.newOutputStream(spool)) {
                Files.copy(file, out);
            }
            return spool;
        } catch (IOException e) {
            throw Fault.io("cannot keep the texts in " + System.getProperty("java.io.tmpdir"), e, "is it full?");
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

/// Writes vectors as they come, in the texts' order.
final class VectorWriter implements Closeable {
    static final String[] ENDINGS = {".jsonl", ".csv", ".npy", ".json"};
    private static final List<String> FORMATS = List.of("jsonl", "csv", "npy");

    private final String format;
    private final boolean ids, echo;
    private final int rows;
    private final GrowingFile file;                         // null: stdout
    private final Writer text;
    private final OutputStream bytes;
    private int written;

    /// @param ids whether any text has one
    /// @param rows how many texts there are
    VectorWriter(Environment env, EmbedJob.Form form, boolean ids, int rows) throws IOException {
        format = form.format();
        echo = form.echo();
        this.ids = ids;
        this.rows = rows;
        file = form.file() == null ? null : new GrowingFile(form.file());
        text = file == null ? env.out() : new OutputStreamWriter(file.out, StandardCharsets.UTF_8);
        bytes = file != null ? file.out : RealProcess.stream(FileDescriptor.out, true);
    }

    /// The format that is named, else the one that the file's ending means.
    static String format(Environment env, boolean json, String named, String file) {
        if (json && named != null) throw Fault.usage("--json and --format exclude each other", "take one of them");
        if (json && file != null && file.toLowerCase(Locale.ROOT).matches(".*\\.(npy|csv|jsonl)")) {
            throw Fault.usage("--json is one record, and " + file + " another form", "-o vectors.json");
        }
        if (named != null && !FORMATS.contains(named)) {
            throw Fault.usage("--format " + named + " is unknown", String.join(", ", FORMATS));
        }
        String ending = file == null || !file.contains(".") ? "" : file.substring(file.lastIndexOf('.') + 1)
                .toLowerCase(Locale.ROOT);
        String format = json ? "json" : named != null ? named : ending.equals("json") || FORMATS.contains(ending)
                ? ending : "jsonl";
        if (format.equals("npy") && file == null && env.terminal().test(1)) {
            throw Fault.usage("npy is not for a terminal", "-o vectors.npy");
        }
        boolean ownProcess = env.shutdown() instanceof Signals;
        if (format.equals("npy") && file == null && !ownProcess) {
            throw Fault.usage("npy is bytes, and this output takes text", "-o vectors.npy");
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

    /// NumPy's format 1.0: the header ends at a multiple of 64 bytes (numpy.lib.format).
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

    /// @param sum what stands in the record besides the vectors
    void whole(ObjectNode sum) throws IOException {
        if (written != rows) {
            throw Fault.error("the texts have changed meanwhile: there were " + rows + ", and then " + written,
                    "the same command again");
        }
        if (format.equals("json")) text.write("\n]," + Json.singleLine(sum).substring(1) + "\n");
        flush();
        if (file != null) file.whole();
    }

    /// Says where that is what had come; of npy, whose header promises more, nothing is kept.
    String keep() throws IOException {
        flush();
        if (file == null) return "were printed";
        boolean useful = written > 0 && !format.equals("npy");
        return useful ? "are in " + file.keep() : "had come, and are not kept";
    }

    @Override
    public void close() throws IOException { if (file != null) file.close(); }
}

/// A file that grows piece by piece, and takes its name when it is whole.
final class GrowingFile implements Closeable {
    final OutputStream out;
    private final Path file, part;                          // the same where it is written in place

    GrowingFile(Path name) throws IOException {
        file = !Files.isSymbolicLink(name) ? name : Files.exists(name) ? name.toRealPath()
                : name.resolveSibling(Files.readSymbolicLink(name));
        part = AtomicFile.inPlace(file) ? file
                : file.resolveSibling("." + UUID.randomUUID() + ".part");
        out = new BufferedOutputStream(Files.newOutputStream(part), 1 << 16);
    }

    void whole() throws IOException {
        out.close();
        if (part.equals(file)) return;
        AtomicFile.keepPermissions(file, part);
        AtomicFile.move(part, file);
    }

    /// Leaves what had come beside the file, whose old content stays.
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
