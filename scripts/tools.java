///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION A chat whose model calls plain Java methods: tools -T FILE.java "…"; the verbs tool and tools
//JAVA 25+
//SOURCES ../copilot.java

/// Tools: methods become definitions with a JSON Schema, a file of them is compiled in memory, calls are shown, asked
/// for, run and answered. `chat -T`, `batch -T` and `withTools` are here where this is on the class path.
package cop;

import module java.base;
import module java.compiler;
import com.sun.source.doctree.*;
import com.sun.source.tree.*;
import com.sun.source.util.*;
import cop.copilot.*;
import java.lang.annotation.*;
import java.lang.reflect.Modifier;
import javax.tools.ToolProvider;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.*;

import static cop.Text.COP;

public class tools extends ChatCommand implements ToolRunner {
    public static void main(String... args) { System.exit(copilot.start("tools", args)); }

    /// Marks a public method that a model may call; the text tells the model what it does.
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.METHOD)
    public @interface Tool {
        String value();

        /// Whether it changes nothing: calls of such tools run at the same time.
        boolean readOnly() default false;
    }

    /// Tells the model what a parameter, or a component of a record, means.
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.PARAMETER, ElementType.RECORD_COMPONENT})
    public @interface Param {
        String value();
    }

    /// Makes a tool of a function: `tool("weather", "Temperature in a city, in °C", City.class, c -> 21.5)`.
    ///
    /// @param arguments a record; its components are the parameters
    /// @throws Fault naming a component whose type a model cannot fill
    public static <T> ToolDefinition tool(String name, String description, Class<T> arguments,
                                          Function<T, ?> function) {
        String where = "tool(\"" + name + "\")";
        Fault.nonNull(function, where + "'s function");
        if (!Fault.nonNull(arguments, where + "'s class").isRecord()) {
            throw Fault.usage(where + ": " + arguments.getSimpleName() + " is not a record", "record "
                    + arguments.getSimpleName() + "Args(String name) {}");
        }
        return ToolSchema.definition(where, name, description, ToolSchema.of(arguments, where, Set.of()), false,
                json -> function.apply(ToolSchema.bound(json, arguments)));
    }

    /// Makes tools of the public methods of an object that have `@Tool("…")`, or of a class's static ones.
    ///
    /// @throws Fault naming method and parameter of what a model cannot fill
    public static ToolDefinition[] tools(Object toolbox) {
        var type = Fault.nonNull(toolbox, "tools' object") instanceof Class<?> named ? named : toolbox.getClass();
        var found = Stream.of(type.getDeclaredMethods()).filter(method -> method.isAnnotationPresent(Tool.class))
                .sorted(Comparator.comparing(Method::getName)).map(method -> {
                    var tool = method.getAnnotation(Tool.class);
                    return ToolSchema.definition(toolbox == type ? null : toolbox, method, tool.value(), Map.of());
                }).toList();
        if (found.isEmpty()) {
            throw Fault.usage(type.getSimpleName() + " has no method with @Tool", "@Tool(\"what it does\") before a"
                    + " public method");
        }
        return ToolSchema.distinct(found).toArray(ToolDefinition[]::new);
    }

    // ---- the command

    @Override
    String syntax() {
        var chat = SYNTAX.split("\n\n", 3);
        return String.join("\n\n", chat[0], """
                A chat whose model may call Java methods.
                As chat with -T FILE.java: the file is compiled, its methods with comments are the tools, and each
                call is shown and asked for.""", chat[2]);
    }

    // ---- the loop

    private static final int LARGEST = 100_000;             // characters of a result
    private Console shown;                                  // null: calls are not asked for
    private boolean yes = true;
    private int maxSteps = 10;
    private Duration limit = Duration.ofSeconds(60);
    private List<ToolDefinition> loaded = List.of();
    private final Set<String> always = new HashSet<>();

    @Override
    public ToolRunner load(Console console, List<String> files, boolean yes, int maxSteps, Duration limit) {
        this.yes = yes;
        this.maxSteps = maxSteps;
        this.limit = limit;
        shown = console;
        boolean person = console.env().stdin().kind() == Stdin.Kind.TERMINAL;
        if (!yes && !person) throw Fault.usage("-T asks before each call, and stdin is not a terminal", "add -y");
        System.setOut(System.err);                          // for good: a tool that was given up may print later
        loaded = ToolSchema.distinct(files.stream().flatMap(file -> new ToolFile(console, file).tools().stream())
                .toList());
        return this;
    }

    @Override
    public ArrayNode offered() { return Json.array(loaded.stream().map(ToolDefinition::json)); }

    @Override
    public List<ToolDefinition> of(Object toolbox) {
        return toolbox instanceof ToolDefinition one ? List.of(one) : List.of(tools(toolbox));
    }

    @Override
    public Reply ask(Request first, Consumer<List<Message>> log, Function<Request, Reply> asker) {
        var request = withMessages(first);
        var byName = new LinkedHashMap<String, ToolDefinition>();
        Stream.concat(loaded.stream(), request.delivery().tools().stream()).forEach(tool ->
                byName.put(tool.name(), tool));
        var steps = new ArrayList<Message>();
        var used = Usage.NONE;
        var took = Duration.ZERO;
        for (int left = maxSteps; ; left--) {
            var reply = asker.apply(request.withMessages(Stream.concat(request.messages().stream(), steps.stream())
                    .toList()));
            used = used.plus(reply.usage());
            took = took.plus(reply.duration());
            boolean calls = !reply.steps().isEmpty() && (reply.asksForTool() || reply.unfinished() == null);
            if (!calls) return reply.after(steps, used, took);
            if (left == 0) {
                throw new UnfitAnswer(reply.after(steps, used, took), Fault.error("the model still calls tools after "
                        + maxSteps + " steps", "--max-steps " + 2 * maxSteps));
            }
            steps.addAll(reply.steps());
            run(reply.toolCalls(), byName, steps, log);
        }
    }

    /// A row of a batch may be a whole request: its messages are a field.
    private static Request withMessages(Request request) {
        if (!request.messages().isEmpty()) return request;
        var fields = request.options();
        var messages = fields.remove("messages").valueStream().map(message -> Message.raw((ObjectNode) message));
        return new Request(request.model(), messages.toList(), fields, request.stream(), request.delivery());
    }

    /// Runs the calls of a turn in order, or together if none changes anything, and adds their results.
    private void run(JsonNode calls, Map<String, ToolDefinition> byName, List<Message> steps,
                     Consumer<List<Message>> log) {
        boolean together = calls.valueStream().map(ToolCall::of).allMatch(call -> byName.get(call.name())
                instanceof ToolDefinition tool && tool.isReadOnly());
        var out = System.out;
        System.setOut(System.err);
        try {
            var begun = new ArrayList<Supplier<Object>>();
            var images = JsonNodeFactory.instance.arrayNode();
            for (var json : calls) {
                var call = ToolCall.of(json);
                log.accept(List.copyOf(steps));
                var result = begin(call, byName);
                begun.add(result);
                if (!together) add(call, result.get(), steps, images);
            }
            for (int i = 0; together && i < begun.size(); i++) {
                add(ToolCall.of(calls.get(i)), begun.get(i).get(), steps, images);
            }
            if (!images.isEmpty()) {                        // a result is a text: they follow as a message
                var message = Json.object().put("role", "user").<ObjectNode>set("content", images);
                message.putObject(Message.REPLAY);
                steps.add(Message.raw(message));
            }
        } finally {
            System.setOut(out);
        }
    }

    private static void add(ToolCall call, Object value, List<Message> steps, ArrayNode images) {
        steps.add(call.result(value));
        if (!(value instanceof copilot.Image image)) return;
        images.addObject().put("type", "image_url").putObject("image_url").put("url", image.dataUrl());
    }

    /// A call as the model wrote it.
    private record ToolCall(String id, String name, String arguments) {
        static ToolCall of(JsonNode call) {
            return new ToolCall(Json.text(call, "id"), Json.text(call.path("function"), "name"),
                    Json.text(call.path("function"), "arguments"));
        }

        /// Returns what goes back to the model: a text, an image, or JSON.
        Message result(Object value) {
            var message = Json.object().put("role", "tool").put("tool_call_id", id);
            if (value instanceof copilot.Image image) return Message.raw(message.put("content", image.name()));
            String text;
            try {
                text = value instanceof CharSequence words ? words.toString() : Json.compact(Json.tree(value));
            } catch (RuntimeException e) {
                text = "error: the result cannot be written as JSON: " + e.getMessage();
            }
            return Message.raw(message.put("content", text.length() <= LARGEST ? text : text.substring(0, LARGEST)
                    + "\n… (cut: " + (text.length() - LARGEST) + " more characters)"));
        }
    }

    /// Asks for a call, starts it in a thread of its own, and returns what waits for its result.
    private Supplier<Object> begin(ToolCall call, Map<String, ToolDefinition> byName) {
        var tool = byName.get(call.name());
        if (tool == null) return () -> "error: there is no tool " + call.name() + ", only " + byName.keySet();
        if (!(Json.tryParse(call.arguments()) instanceof ObjectNode arguments)) {
            return () -> "error: the arguments are not a JSON object";
        }
        if (!approved(call)) return () -> "error: the user declined this call";
        for (var name : tool.json().at("/function/parameters/required")) {
            if (!arguments.hasNonNull(name.asString())) return () -> "error: " + name.asString() + " is missing";
        }
        var task = new FutureTask<>(() -> tool.function().apply(arguments));
        Thread.ofPlatform().daemon().name("tool " + call.name()).start(task);
        return () -> {
            try {
                return task.get(limit.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException _) {
                task.cancel(true);
                return "error: no result within " + Durations.words(limit);
            } catch (InterruptedException e) {
                task.cancel(true);
                throw Fault.interrupted();
            } catch (ExecutionException e) {
                var cause = e.getCause();
                return "error: " + (cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage());
            }
        };
    }

    private boolean approved(ToolCall call) {
        if (shown == null) return true;
        String line = Text.printable(Secrets.mask(call.name() + " " + call.arguments()).replaceAll("\\s*\\R\\s*", " "));
        if (yes || always.contains(call.name())) {
            shown.note(line);
            return true;
        }
        shown.say(shown.bold(line));
        while (true) {
            shown.fragment("run it? [y]es, [n]o, [a]lways " + call.name() + ", [q]uit ");
            String answer = shown.env().stdin().line();
            switch (answer == null ? "q" : answer.strip().toLowerCase(Locale.ROOT)) {
                case "a", "always" -> {
                    always.add(call.name());
                    return true;
                }
                case "y", "yes" -> { return true; }
                case "n", "no" -> { return false; }
                case "q", "quit" -> throw Fault.error("stopped before " + call.name() + " was called", "");
                default -> { }
            }
        }
    }
}

/// JSON Schema from Java types, and arguments bound to them.
final class ToolSchema {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final String TYPES = "use String, a number, boolean, an enum, a record, java.time, Optional, a List"
            + " or a Map<String, …>";

    static ToolDefinition definition(String where, String name, String description, ObjectNode schema,
                                     boolean readOnly, Function<ObjectNode, Object> function) {
        if (name == null || !name.matches("[a-zA-Z0-9_-]{1,64}")) {
            throw Fault.usage(where + ": \"" + name + "\" is not a tool's name",
                    "use up to 64 letters, digits, _ and -");
        }
        if (description == null || description.isBlank()) {
            throw Fault.usage(where + " has no description", "say what it does, for the model");
        }
        var json = Json.object().put("type", "function");
        json.putObject("function").put("name", name).put("description", description.strip()).set("parameters", schema);
        return new ToolDefinition(json, readOnly, function);
    }

    /// @param descriptions of the parameters, by name
    static ToolDefinition definition(Object receiver, Method method, String description,
                                     Map<String, String> descriptions) {
        String where = method.getDeclaringClass().getSimpleName() + "." + method.getName();
        boolean ofFile = descriptions.containsKey("");
        if (!ofFile && !Modifier.isPublic(method.getModifiers())) {
            throw Fault.usage(where + " is not public", "public … " + method.getName() + "(…)");
        }
        if (method.getTypeParameters().length > 0) throw Fault.usage(where + " has type parameters", TYPES);
        if (receiver == null && !Modifier.isStatic(method.getModifiers())) {
            throw Fault.usage(where + " is not static", "tools(new " + method.getDeclaringClass().getSimpleName()
                    + "(…)), with an object");
        }
        var schema = object();
        for (var parameter : method.getParameters()) {
            if (!parameter.isNamePresent()) {
                throw Fault.usage(where + " has lost its parameters' names", "compile it with javac -parameters");
            }
            var about = Optional.ofNullable(parameter.getAnnotation(tools.Param.class)).map(tools.Param::value)
                    .orElse(descriptions.get(parameter.getName()));
            add(schema, parameter.getName(), parameter.getParameterizedType(), about, where, Set.of());
        }
        method.setAccessible(true);
        var tool = method.getAnnotation(tools.Tool.class);
        return definition(where, method.getName(), description, schema, tool != null && tool.readOnly(), arguments -> {
            try {
                var values = Stream.of(method.getParameters()).map(parameter -> bound(
                        arguments.path(parameter.getName()), parameter.getParameterizedType())).toArray();
                var value = method.invoke(receiver, values);
                return method.getReturnType() == void.class ? "done" : value;
            } catch (InvocationTargetException e) {
                throw e.getCause() instanceof RuntimeException known ? known
                        : new IllegalStateException(e.getCause().getMessage() == null ? e.getCause().toString()
                        : e.getCause().getMessage());
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    /// @throws Fault if two tools have one name, or there are more than GitHub takes
    static List<ToolDefinition> distinct(List<ToolDefinition> tools) {
        var names = new HashSet<String>();
        tools.stream().filter(tool -> !names.add(tool.name())).findFirst().ifPresent(twice -> {
            throw Fault.usage("two tools are named " + twice.name(), "rename one of them");
        });
        if (tools.size() <= 128) return tools;
        throw Fault.usage(tools.size() + " tools are too many", "a request may have 128");
    }

    private static ObjectNode object() {
        var schema = Json.object().put("type", "object");
        schema.putObject("properties");
        schema.putArray("required");
        return schema.put("additionalProperties", false);
    }

    private static void add(ObjectNode schema, String name, Type type, String about, String where,
                            Set<Class<?>> outer) {
        boolean optional = type instanceof ParameterizedType given && given.getRawType() == Optional.class;
        var property = of(optional ? ((ParameterizedType) type).getActualTypeArguments()[0] : type, where + "(" + name
                + ")", outer);
        if (about != null && !about.isBlank()) property.put("description", about.strip());
        schema.withObject("/properties").set(name, property);
        if (!optional) schema.withArray("/required").add(name);
    }

    /// @param where method and parameter, for errors
    /// @param outer the records that this is within
    static ObjectNode of(Type type, String where, Set<Class<?>> outer) {
        if (type instanceof ParameterizedType given && given.getRawType() instanceof Class<?> raw) {
            var of = given.getActualTypeArguments();
            if (Set.of(List.class, Collection.class, Set.class).contains(raw)) {
                return Json.object().put("type", "array").set("items", of(of[0], where, outer));
            }
            if (raw == Map.class && of[0] == String.class) {
                return Json.object().put("type", "object").set("additionalProperties", of(of[1], where, outer));
            }
        }
        if (!(type instanceof Class<?> plain)) throw unsupported(type, where);
        if (plain.isEnum() && plain.getEnumConstants().length > 0) {
            var schema = Json.object().put("type", "string");
            Stream.of(plain.getEnumConstants()).forEach(each -> schema.withArray("/enum").add(((Enum<?>) each).name()));
            return schema;
        }
        if (plain.isRecord()) {
            if (outer.contains(plain)) throw Fault.usage(where + ": " + plain.getSimpleName() + " contains itself",
                    "use a record that does not");
            var within = new HashSet<>(outer);
            within.add(plain);
            var schema = object();
            for (var part : plain.getRecordComponents()) {
                var about = part.getAnnotation(tools.Param.class);
                add(schema, part.getName(), part.getGenericType(), about == null ? null : about.value(), where, within);
            }
            return schema;
        }
        if (plain.isArray() && plain != byte[].class) {
            return Json.object().put("type", "array").set("items", of(plain.getComponentType(), where, outer));
        }
        String kind = KINDS.get(plain);
        if (kind == null) throw unsupported(type, where);
        String[] words = kind.split(" ");
        var schema = Json.object().put("type", words[0]);
        return words.length < 2 ? schema : schema.put("format", words[1]);
    }

    private static final Map<Class<?>, String> KINDS = new HashMap<>();

    static {
        Stream.of(String.class, char.class, Character.class, Year.class, YearMonth.class, ZoneId.class, Period.class)
                .forEach(type -> KINDS.put(type, "string"));
        Stream.of(boolean.class, Boolean.class).forEach(type -> KINDS.put(type, "boolean"));
        Stream.of(int.class, long.class, short.class, byte.class, Integer.class, Long.class, Short.class, Byte.class,
                BigInteger.class).forEach(type -> KINDS.put(type, "integer"));
        Stream.of(double.class, float.class, Double.class, Float.class, BigDecimal.class).forEach(type ->
                KINDS.put(type, "number"));
        KINDS.put(LocalDate.class, "string date");
        KINDS.put(LocalTime.class, "string time");
        KINDS.put(Duration.class, "string duration");
        Stream.of(Instant.class, LocalDateTime.class, OffsetDateTime.class, ZonedDateTime.class).forEach(type ->
                KINDS.put(type, "string date-time"));
    }

    private static Fault unsupported(Type type, String where) {
        return Fault.usage(where + ": a model cannot fill the type " + type.getTypeName().replaceAll(
                "\\b([a-z]\\w*\\.)+", ""), TYPES);
    }

    @SuppressWarnings("unchecked")
    static <T> T bound(JsonNode json, Type type) {
        try {
            boolean none = json.isMissingNode() || json.isNull();
            if (none && type instanceof ParameterizedType given && given.getRawType() == Optional.class) {
                return (T) Optional.empty();
            }
            return (T) MAPPER.treeToValue(json, MAPPER.constructType(type));
        } catch (JacksonException e) {
            throw new IllegalArgumentException(e.getOriginalMessage());
        }
    }
}

/// A file of tools, compiled in memory: a class, or methods alone. What came of it is kept by the content of the file.
final class ToolFile {
    private static final String IMPORTS = " import module java.base; import static cop.copilot.*;"
            + " import static cop.tools.*; ";

    private final Console console;
    private final String name;
    private final String text;

    ToolFile(Console console, String name) {
        this.console = console;
        this.name = name;
        if (!name.endsWith(".java")) throw Fault.usage("-T " + name + " is not a Java file", "-T tools.java");
        text = InputFile.text(console.env().path(name), name);
        if (Pattern.compile("(?m)^//DEPS\\b").matcher(text).find()) {
            throw Fault.usage(name + " has //DEPS, which -T does not fetch",
                    "a script with //SOURCES tools.java, tools(…) and ask(…) may have them");
        }
    }

    List<ToolDefinition> tools() {
        var home = Home.of(console.env());
        String key = Text.sha256((copilot.VERSION + Runtime.version() + System.getProperty("java.class.path") + name
                + text).getBytes(StandardCharsets.UTF_8)).substring(0, 32);
        Path file = home.cache().resolve("tools-" + key + ".json");
        var kept = home.readOrEmpty(file, _ -> { });
        var compiled = kept.isEmpty() ? compile() : kept;
        if (kept.isEmpty() && home.isPersistent()) home.write(file, compiled);
        return definitions(compiled);
    }

    private List<ToolDefinition> definitions(ObjectNode compiled) {
        var loader = new ClassLoader(tools.class.getClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                if (!compiled.path("classes").has(name)) throw new ClassNotFoundException(name);
                byte[] bytes = Base64.getDecoder().decode(compiled.path("classes").path(name).asString());
                return defineClass(name, bytes, 0, bytes.length);
            }
        };
        try {
            var type = loader.loadClass(compiled.path("main").asString());
            Object receiver = null;
            var found = new ArrayList<ToolDefinition>();
            for (var method : type.getDeclaredMethods()) {
                var docs = compiled.path("docs").path(method.getName());
                var tool = method.getAnnotation(tools.Tool.class);
                if (Modifier.isPrivate(method.getModifiers()) || method.isSynthetic() || method.getName().equals("main")
                        || tool == null && docs.isMissingNode()) continue;
                if (receiver == null && !Modifier.isStatic(method.getModifiers())) {
                    var constructor = type.getDeclaredConstructor();
                    constructor.setAccessible(true);
                    receiver = constructor.newInstance();
                }
                var about = new HashMap<String, String>(Map.of("", ""));
                docs.path("params").properties().forEach(each -> about.put(each.getKey(), each.getValue().asString()));
                found.add(ToolSchema.definition(receiver, method, tool != null ? tool.value()
                        : docs.path("text").asString(""), about));
            }
            found.sort(Comparator.comparing(ToolDefinition::name));
            if (!found.isEmpty()) return found;
            throw Fault.usage(name + " has no method with a comment", "/// What it does, above a method");
        } catch (ReflectiveOperationException | LinkageError e) {
            var cause = e instanceof InvocationTargetException wrapped ? wrapped.getCause() : e;
            throw new Fault(Fault.USAGE, name + ": " + cause, "a class of tools has a constructor without parameters",
                    cause);
        }
    }

    /// @return classes in base64 by name, the name of the first, and the comments of its methods
    private ObjectNode compile() {
        var compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) throw Fault.usage("this Java has no compiler", "use a JDK, not a JRE");
        var problems = new DiagnosticCollector<JavaFileObject>();
        var compiled = compile(compiler, text, problems);
        if (compiled == null && problems.getDiagnostics().stream().anyMatch(each -> each.getCode()
                .contains("does.not.have.main.method"))) {
            problems = new DiagnosticCollector<>();         // javac wants one in a file of methods alone
            compiled = compile(compiler, text + "\nvoid main() {}\n", problems);
        }
        if (compiled != null) return compiled;
        var first = problems.getDiagnostics().stream().filter(each -> each.getKind() == Diagnostic.Kind.ERROR)
                .findFirst().orElseThrow();
        long column = first.getColumnNumber() - (first.getLineNumber() == importLine() ? IMPORTS.length() : 0);
        throw Fault.usage(name + ":" + first.getLineNumber() + ":" + Math.max(1, column) + ": "
                + first.getMessage(Locale.ROOT).lines().map(String::strip).collect(Collectors.joining(" ")), "");
    }

    private static final Pattern PACKAGE = Pattern.compile("(?m)^package [\\w.]+;");

    /// Returns the line that has our imports as well: the first, or that of the package.
    private long importLine() {
        var packaged = PACKAGE.matcher(text);
        return packaged.find() ? text.substring(0, packaged.end()).lines().count() : 1;
    }

    private ObjectNode compile(JavaCompiler compiler, String source, DiagnosticCollector<JavaFileObject> problems) {
        var packaged = PACKAGE.matcher(source);
        int at = packaged.find() ? packaged.end() : 0;
        String whole = source.substring(0, at) + IMPORTS + source.substring(at);
        String file = Path.of(name).getFileName().toString();
        var unit = new SimpleJavaFileObject(URI.create("string:///" + file), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignore) { return whole; }
        };
        var classes = new TreeMap<String, ByteArrayOutputStream>();
        try (var files = new ForwardingJavaFileManager<>(compiler.getStandardFileManager(problems, Locale.ROOT, null)) {
            @Override
            public JavaFileObject getJavaFileForOutput(Location place, String type, JavaFileObject.Kind kind,
                                                       FileObject sibling) {
                return new SimpleJavaFileObject(URI.create("mem:///" + type.replace('.', '/')), kind) {
                    @Override
                    public OutputStream openOutputStream() {
                        return classes.computeIfAbsent(type, _ -> new ByteArrayOutputStream());
                    }
                };
            }
        }) {
            var task = (JavacTask) compiler.getTask(Writer.nullWriter(), files, problems, List.of("-parameters",
                    "-proc:none", "-Xlint:none", "-classpath", System.getProperty("java.class.path")), null,
                    List.of(unit));
            var tree = task.parse().iterator().next();
            var docs = Json.object();
            String main = comments(DocTrees.instance(task), tree, docs);
            task.generate();
            if (problems.getDiagnostics().stream().anyMatch(each -> each.getKind() == Diagnostic.Kind.ERROR)) {
                return null;
            }
            var json = Json.object().put("main", main);
            classes.forEach((type, bytes) -> json.withObject("/classes").put(type,
                    Base64.getEncoder().encodeToString(bytes.toByteArray())));
            return json.set("docs", docs);
        } catch (IOException e) {
            throw Fault.io("cannot compile " + name, e, "");
        }
    }

    /// Collects the comments of methods, and returns the name of the first class.
    private static String comments(DocTrees trees, CompilationUnitTree unit, ObjectNode docs) {
        var first = unit.getTypeDecls().stream().filter(ClassTree.class::isInstance).map(ClassTree.class::cast)
                .findFirst();
        if (first.isEmpty()) return "";
        for (var member : first.get().getMembers()) {
            if (!(member instanceof MethodTree method)) continue;
            var comment = trees.getDocCommentTree(TreePath.getPath(unit, method));
            if (comment == null) continue;
            var doc = docs.putObject(method.getName().toString());
            doc.put("text", plain(comment.getFullBody()));
            var params = doc.putObject("params");
            for (var tag : comment.getBlockTags()) {
                if (tag instanceof ParamTree param) {
                    params.put(param.getName().toString(), plain(param.getDescription()));
                }
            }
        }
        String packaged = unit.getPackageName() == null ? "" : unit.getPackageName() + ".";
        return packaged + first.get().getSimpleName();
    }

    private static String plain(List<? extends DocTree> words) {
        return words.stream().map(DocTree::toString).collect(Collectors.joining()).replaceAll("\\s+", " ").strip();
    }
}
