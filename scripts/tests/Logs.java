package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static cop.Harness.messages;
import static cop.Harness.prints;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Stored conversations: the files, `chat -c`, and `logs`.
class Logs {
    private static final String FOLDER = ".local/state/copilot.java/conversations";
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---------------------------------------------------------------------------------------------- helpers

    /// A chat that is answered, with nothing on stderr.
    private String chat(String... words) {
        var outcome = exits(0, cop.run(with("chat", words)));
        assertEquals("", outcome.err(), outcome::all);
        return outcome.out();
    }

    private String logs(String... words) { return exits(0, cop.run(with("logs", words))).out(); }

    private static String[] with(String first, String... words) {
        return Stream.concat(Stream.of(first), Stream.of(words)).toArray(String[]::new);
    }

    private Outcome refused(String error, String hint, String... words) {
        var outcome = exits(2, cop.run(words));
        assertEquals("", outcome.out(), outcome::all);
        assertTrue(outcome.err().startsWith("error: ") && outcome.err().contains(error), outcome::all);
        assertTrue(outcome.err().lines().anyMatch(l -> l.startsWith("hint: ") && l.contains(hint)), outcome::all);
        return outcome;
    }

    private List<Path> files() {
        try (var files = Files.list(cop.file(FOLDER))) {
            return files.sorted().toList();
        } catch (NoSuchFileException _) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path onlyFile() {
        assertEquals(1, files().size(), () -> files().toString());
        return files().getFirst();
    }

    private static String id(Path file) { return file.getFileName().toString().replace(".jsonl", ""); }

    private static List<JsonNode> turns(Path file) {
        try {
            return Files.readAllLines(file).stream().map(Json::tryParse).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> sent() { return messages(cop.chats().getLast().body()); }

    private String askedModel() { return Json.text(cop.chats().getLast().body(), "model"); }

    private static copilot.Request request(String prompt) {
        return new copilot.Request("mai-code-1.1-flash", List.of(copilot.Message.user(prompt)), null, true);
    }

    /// A conversation as if it had been kept, last used so many minutes after midnight of 2026-11-01.
    private String kept(int minutes, String... promptsAndAnswers) {
        var at = Instant.parse("2026-11-01T00:00:00Z").plus(Duration.ofMinutes(minutes));
        String id = Durations.stamp(at).replaceAll("[-:Z]", "").replace('T', '-') + "-test";
        var lines = new StringBuilder();
        for (int i = 0; i < promptsAndAnswers.length; i += 2) {
            var turn = new Conversation(session().home(), null).turn(request(promptsAndAnswers[i]), null)
                    .put("at", Durations.stamp(at)).put("text", promptsAndAnswers[i + 1]);
            lines.append(Json.singleLine(turn)).append('\n');
        }
        try {
            Files.setLastModifiedTime(cop.write(FOLDER + "/" + id + ".jsonl", lines.toString()), FileTime.from(at));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return id;
    }

    // ------------------------------------------------------------------------------------------ what is kept

    @Test
    void eachChatIsStoredInItsFile() throws IOException {
        assertEquals("one\n", chat("say: one", "-m", "mai-code-1.1-flash", "-s", "Be brief", "--temperature", "0"));
        var file = onlyFile();
        assertTrue(id(file).matches("20261122-1000\\d\\d-[0-9a-z]{4}"), file.toString());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        for (Path folder = file.getParent(); !folder.equals(cop.home); folder = folder.getParent()) {
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
        }
        var turn = turns(file).getFirst();
        assertTrue(Json.text(turn, "at").matches("2026-11-22T10:00:\\d\\dZ"), turn.toString());
        assertEquals("mai-code-1.1-flash", Json.text(turn, "asked"));
        assertEquals("mai-code-1.1-flash-2026-08-20", Json.text(turn, "model"));
        assertEquals("Be brief", Json.text(turn, "system"));
        assertEquals(List.of("user: say: one"), messages(turn));
        assertEquals("{\"temperature\":0}", turn.path("options").toString());
        assertEquals("one", Json.text(turn, "text"));
        assertEquals("stop", Json.text(turn, "finish"));
        assertTrue(turn.path("usage").path("completion_tokens").asInt() > 0, turn.toString());
        assertFalse(Json.text(turn, "request_id").isEmpty(), turn.toString());
        assertTrue(turn.path("ms").isNumber(), turn.toString());
        assertTrue(turn.path("template").isMissingNode() && turn.path("error").isMissingNode(), turn.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-stream", "--json", "-o=x.txt"})
    void everyEndpointIsStored(String option) {
        exits(0, cop.run("chat", option, "say: one"));
        assertEquals("one", Json.text(turns(onlyFile()).getFirst(), "text"));
    }

    @Test
    void recordNamesConversation() {
        var record = Json.tryParse(chat("--json", "say: one"));
        assertEquals(id(onlyFile()), Json.text(record, "conversation"));
        chat("--cid", Json.text(record, "conversation"), "say: two");
        assertEquals(List.of("user: say: one", "assistant: one", "user: say: two"), sent());
        assertTrue(Json.tryParse(chat("--json", "--no-log", "say: one")).path("conversation").isMissingNode());
    }

    @Test
    void templateAndItsMessagesAreStored() {
        cop.write("templates/greet.mustache", """
                ---
                system: Be {{how}}
                messages:
                  - user: Hello
                  - assistant: Good day
                ---
                say: {{input}}
                """);
        exits(0, cop.runWith("Ann", "chat", "-t", "greet", "--var", "how=kind"));
        var turn = turns(onlyFile()).getFirst();
        assertEquals("greet", Json.text(turn, "template"));
        assertEquals("Be kind", Json.text(turn, "system"));
        assertEquals(List.of("user: Hello", "assistant: Good day", "user: say: Ann"), messages(turn));
        assertTrue(logs().endsWith("\t1\tsay: Ann\n"), "not the template's example");
    }

    @Test
    void chatsInOneSecondGetTwoFiles() {
        chat("say: one");
        chat("say: two");
        assertEquals(2, files().size());
    }

    @Test
    void noLogStoresNothing() {
        chat("--no-log", "say: one");
        exits(0, cop.runWith("hello", "render", "explain", "--var", "reader=Ann"));
        cop.write("rows.jsonl", "{\"id\": 1, \"text\": \"hello\"}\n");
        cop.write("templates/t.mustache", "say: {{text}}");
        exits(0, cop.run("batch", "t", "-d", "rows.jsonl", "-o", "out.jsonl"));
        exits(0, cop.run("models"));
        assertFalse(Files.exists(cop.file(".local/state/copilot.java/conversations")));
    }

    /// A partial reply is resent as it was received; a failed prompt is not resent.
    @Test
    void brokenReplyIsStoredAsIncomplete() {
        cop.sim.set("faults", "reset-mid");
        String heard = exits(1, cop.run("chat", "say: a b c d e f g h")).out().strip();
        var turn = turns(onlyFile()).getFirst();
        assertFalse(heard.isEmpty());
        assertEquals(heard, Json.text(turn, "text").strip());
        assertEquals("", turn.path("finish").asString());
        assertTrue(Json.text(turn, "error").contains("was interrupted"), turn.toString());
        chat("-c", "say: two");
        assertEquals(List.of("user: say: a b c d e f g h", "assistant: " + Json.text(turn, "text"), "user: say: two"),
                sent());
        assertTrue(logs("show").contains("\n\n*(the answer was interrupted"), logs("show"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"403", "422", "429:7200", "error-first"})
    void failedChatIsNotStored(String fault) {
        cop.sim.set("faults", fault);
        assertNotEquals(0, cop.run("chat", "say: lost").code());
        assertEquals(List.of(), files());
    }

    /// As `| head` does, once something is written in which this is found.
    private void chatUntil(String end, String prompt) {
        var closing = new Writer() {
            @Override
            public void write(char[] text, int from, int length) {
                if (new String(text, from, length).contains(end)) throw new BrokenPipe();
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        var in = new Stdin(InputStream.nullInputStream(), Stdin.Kind.PIPE);
        var env = cop.environment(in, new PrintWriter(closing), new PrintWriter(new StringWriter()));
        assertEquals(0, copilot.run(env, "chat", prompt));
    }

    @Test
    void replyCutByClosedPipeIsStored() {
        chatUntil("a", "say: a b c");
        var turn = turns(onlyFile()).getFirst();
        assertTrue("a b c".startsWith(Json.text(turn, "text")) && !Json.text(turn, "text").isEmpty(), turn.toString());
        assertEquals("stdout was closed", Json.text(turn, "error"));
    }

    @Test
    void replyWithUnreadLastNewlineIsComplete() {
        chatUntil("\n", "say: a b c");
        var turn = turns(onlyFile()).getFirst();
        assertEquals("a b c", Json.text(turn, "text"));
        assertEquals("stop", Json.text(turn, "finish"));
    }

    @Test
    void replyThatViolatesSchemaIsStored() {
        cop.write("templates/s.mustache", "---\nschema: {type: object, required: [a]}\n---\nsay: {\"b\": 1}");
        cop.sim.set("answer", "{\"b\": 1}");
        exits(1, cop.run("chat", "-t", "s"));
        assertTrue(Json.text(turns(onlyFile()).getFirst(), "text").contains("\"b\""));
    }

    @Test
    void anyTextIsStoredInOneLine() {
        String text = "é 中文 🦆 \u2028 \u0085 \t \"q\" \\ \u001b[31m \n\r\nend";
        chat("say: " + text);
        assertEquals(1, turns(onlyFile()).size());
        assertEquals("say: " + text, Json.text(turns(onlyFile()).getFirst().path("messages").path(0), "content"));
        chat("-c", "say: ü");
        assertEquals("user: say: " + text, sent().getFirst());
    }

    // ------------------------------------------------------------------------------------------- where, and not

    @ParameterizedTest
    @CsvSource({"COP_HOME, mine, mine/state/conversations", "XDG_STATE_HOME, there, there/copilot.java/conversations"})
    void stateFolderFollowsVariables(String variable, String folder, String place) throws IOException {
        cop.with(variable, cop.file(folder).toString());
        chat("say: one");
        try (var files = Files.list(cop.file(place))) {
            assertEquals(1, files.count());
        }
        assertEquals(cop.file(place) + "\n", logs("path"));
        chat("-c", "say: two");
        assertEquals(3, sent().size());
    }

    /// Neither a file in the folder's place, nor a folder in the file's place, nor a missing device.
    @ParameterizedTest
    @ValueSource(strings = {"file", "/proc/nowhere"})
    void unwritableFolderIsAWarning(String place) {
        cop.write("file/conversations", "");
        cop.with("XDG_STATE_HOME", place.equals("file") ? cop.file("file/conversations").toString() : place);
        var outcome = exits(0, cop.run("chat", "say: one"));
        assertEquals("one\n", outcome.out());
        assertTrue(outcome.err().matches("warning: cannot record credits: .+\\n"
                + "warning: cannot save the conversation in \\S+: .+\\n"), outcome::all);
        assertEquals("", cop.read("file/conversations"));
    }

    @Test
    void fullDiskIsOneWarning() throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "a device that is full");
        cop.write(FOLDER + "/x", "");
        Files.createSymbolicLink(cop.file(FOLDER + "/full.jsonl"), Path.of("/dev/full"));
        var session = session();
        var log = new Conversation(session.home(), "full");
        heard(log, session, "why");
        heard(log, session, "why");
        assertTrue(said.toString().matches("warning: cannot save the conversation in .*No space left on device\n"),
                said::toString);
    }

    private static void heard(Conversation log, Context session, String error) {
        log.add(log.turn(request("x"), null), List.of(), Json.object().put("text", "heard")
                .put("error", error), session.console());
    }

    private final StringWriter said = new StringWriter();

    private Context session() {
        var env = cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.PIPE),
                new PrintWriter(new StringWriter()), new PrintWriter(said));
        return new Context(new Console(env), Home.of(env), null, null, null);
    }

    @Test
    void interruptIsKeptAndLineIsWritten() {
        var session = session();
        var log = new Conversation(session.home(), null);
        Thread.currentThread().interrupt();
        heard(log, session, "interrupted");
        assertTrue(Thread.interrupted());
        assertEquals("heard", Json.text(turns(onlyFile()).getFirst(), "text"));
        assertEquals("", said.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"nowhere", "?"})
    void missingHomeStoresNothingAndPrintsNote(String home) throws IOException {
        cop.with("HOME", home);
        var outcome = cop.ok("chat", "say: one");
        assertEquals("note: no home folder: nothing is saved (set COP_HOME)\n", outcome.err());
        try (var files = Files.list(cop.home)) {
            assertEquals(List.of(), files.toList());
        }
        assertEquals("one\n", cop.ok("chat", "-q", "say: one").out());
    }

    // ---------------------------------------------------------------------------------------- many at once, torn

    /// What the test below starts as processes of their own: `Logs FILE NAME COUNT`.
    public static void main(String... args) throws IOException {
        var env = Environment.of(System.in, new PrintWriter(System.out), new PrintWriter(System.err), System.getenv(),
                () -> false);
        System.out.println("ready");
        var _ = System.in.read();                           // all begin together
        for (int i = 0; i < Integer.parseInt(args[2]); i++) append(Home.of(env), Path.of(args[0]), args[1], i);
    }

    private static void append(Home home, Path file, String name, int i) throws IOException {
        String text = name.repeat(3000 * (i % 5));
        home.append(file, Json.singleLine(Json.object().put("text", text).put("name", name).put("i", i)), false);
    }

    @Test
    void concurrentWritersDoNotMixLines() throws Exception {
        var file = cop.file(FOLDER + "/shared.jsonl");
        var processes = new ArrayList<Process>();
        for (String name : List.of("a", "b")) {
            var builder = cop.process();
            var command = builder.command().stream().map(w -> w.equals("cop.copilot") ? "cop.Logs" : w);
            builder.command(Stream.concat(command, Stream.of(file.toString(), name, "100")).toList());
            processes.add(builder.redirectErrorStream(true).start());
        }
        for (var process : processes) assertEquals('r', process.getInputStream().read());
        for (var process : processes) process.getOutputStream().close();
        var home = session().home();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var done = Stream.of("c", "d", "e").map(name -> threads.submit(() -> {
                for (int i = 0; i < 100; i++) append(home, file, name, i);
                return true;
            })).toList();
            for (var each : done) assertTrue(each.get());
        }
        for (var process : processes) {
            var rest = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, process.waitFor(), rest);
        }
        var next = new TreeMap<String, Integer>();
        for (var line : turns(file)) {
            String name = Json.text(line, "name");
            assertEquals(next.merge(name, 1, Integer::sum) - 1, line.path("i").asInt());
            assertEquals(name.repeat(3000 * (line.path("i").asInt() % 5)), Json.text(line, "text"));
        }
        assertEquals(Map.of("a", 100, "b", 100, "c", 100, "d", 100, "e", 100), next);
    }

    @Test
    void concurrentChatsOfOneConversationAreAllStored() throws Exception {
        chat("say: one");
        String id = id(onlyFile());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = IntStream.range(0, 6).mapToObj(i -> threads.submit(() -> cop.run("chat", "--cid", id,
                    "say: t" + i))).toList();
            for (var each : all) exits(0, each.get());
        }
        var answers = turns(onlyFile()).stream().map(t -> Json.text(t, "text")).collect(Collectors.toSet());
        assertEquals(Set.of("one", "t0", "t1", "t2", "t3", "t4", "t5"), answers);
        chat("-c", "say: last");
        assertEquals(15, sent().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"at\":\"2026-11-22T10:00:00Z\",\"mess", "{", "\u0000\u0000\u0000",
            "\n\n{\"a\":1}\n[]\nnull", "{\"messages\":5,\"text\":\"x\"}", "é"})
    void damagedLineIsSkipped(String torn) throws IOException {
        String id = kept(1, "say: one", "one");
        var file = cop.file(FOLDER + "/" + id + ".jsonl");
        byte[] bytes = torn.getBytes(StandardCharsets.UTF_8);
        Files.write(file, torn.equals("é") ? Arrays.copyOf(bytes, 1) : bytes, StandardOpenOption.APPEND);
        assertTrue(says("logs").out().contains("\t1\tsay: one\n"));
        says("chat", "-c", "say: two");
        assertEquals(List.of("user: say: one", "assistant: one", "user: say: two"), sent());
        says("chat", "-c", "say: three");
        assertEquals(List.of("user: say: one", "assistant: one", "user: say: two", "assistant: two",
                "user: say: three"), sent());
        assertEquals("three\n", says("logs", "-r").out());
    }

    /// Runs the tool and asserts the warning about a skipped line.
    private Harness.Outcome says(String... words) {
        var outcome = exits(0, cop.run(words));
        assertTrue(outcome.err().contains(".jsonl:2 is damaged; skipping it\n"), outcome::all);
        return outcome;
    }

    @Test
    void fileOfOneDamagedLineIsNotAConversation() throws IOException {
        Files.writeString(cop.file(FOLDER + "/" + kept(1, "a", "b") + ".jsonl"), "{\"at\":");
        var outcome = exits(2, cop.run("chat", "-c", "x"));
        assertTrue(outcome.err().contains(".jsonl:1 is damaged; skipping it\nerror: no conversations yet"
                + "\nhint: start one: copilot chat \"…\""), outcome::all);
        assertEquals("", logs());
        assertEquals("deleted 1 conversation\n", logs("clear", "-y"));
    }

    @Test
    void twoHundredTurnsContinue() {
        var said = new ArrayList<String>();
        for (int i = 0; i < 200; i++) said.addAll(List.of("question " + i, "answer " + i));
        kept(1, said.toArray(String[]::new));
        chat("-c", "say: more");
        assertEquals(401, sent().size());
        assertEquals("user: question 0", sent().getFirst());
        assertEquals("assistant: answer 199", sent().get(399));
        assertTrue(logs().contains("\t201\tquestion 0\n"), logs());
        assertEquals("more\n", logs("-r"));
    }

    private Path conversation(String name) {
        return Path.of(cop.run("logs", "path").out().strip()).resolve(name + ".jsonl");
    }

    /// A line truncated by a crash, and others that are not turns.
    @ParameterizedTest
    @CsvSource({"'{\"at\":\"2026', 1", "garbage, 1", "{}, 1", "'[]\n{}\n', 2"})
    void damagedTurnIsReported(String text, int lines) throws IOException {
        cop.run("chat", "say: one");
        Path file = Path.of(cop.run("logs", "path", "20").out().strip());
        Files.writeString(file, text, StandardOpenOption.APPEND);
        for (String words : List.of("logs", "logs show", "logs -q one", "chat -c say:two")) {
            var outcome = cop.run(words.split(" "));
            prints(outcome, 0, "warning: " + file + ":2 is damaged; skipping it\n");
            assertEquals(lines, outcome.err().split("is damaged").length - 1, outcome::all);
        }
        assertFalse(cop.run("completion", "next", "cop logs show ").err().contains("damaged"));
    }

    @Test
    void continuingPastDamagedConversationWarns() throws IOException {
        cop.run("chat", "say: one");
        Path file = Files.createFile(conversation("20261122-110000-abc"));
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(60)));
        prints(cop.run("chat", "-c", "say: two"), 0, "warning: " + file + ":1 is damaged; skipping it", "two\n");
        prints(cop.run("chat", "--cid", "20261122-11", "say: two"), 0, "warning: " + file + ":1 is damaged");
    }

    @Test
    void foldersAndPipesAreNotConversations() {
        cop.run("chat", "say: one");
        assumeFalse(System.getProperty("os.name").startsWith("Windows"), "POSIX");
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            Files.createDirectories(conversation("folder").resolve("kept"));
            var command = new ProcessBuilder("mkfifo", conversation("pipe").toString());
            assertEquals(0, command.start().waitFor());
            assertEquals(1, cop.run("logs").out().lines().count());
            prints(cop.run("chat", "-c", "say: two"), 0, "two\n");
            prints(cop.run("logs", "show", "folder"), 2, "unknown conversation: folder");
            prints(cop.run("logs", "clear", "-y"), 0, "deleted 1 conversation\n");
            assertTrue(Files.exists(conversation("folder").resolve("kept")));
        });
    }

    // ------------------------------------------------------------------------------------------------ going on

    @Test
    void continueKeepsModelAndSystemMessage() {
        kept(5, "other", "other");
        chat("say: one", "-m", "mai-code-1.1-flash", "-s", "Be kind", "--temperature", "0.5");
        cop.with("COP_MODEL", "gpt-5-mini");
        chat("-c", "say: two");
        assertEquals("mai-code-1.1-flash", askedModel());
        assertEquals(List.of("system: Be kind", "user: say: one", "assistant: one", "user: say: two"), sent());
        assertTrue(cop.chats().getLast().body().path("temperature").isMissingNode(), "options are for one call");
        assertEquals(List.of("user"), cop.chats().getLast().headers().get("x-initiator"));
        chat("--continue", "-m", "gpt-5-mini", "-s", "Be curt", "say: three");
        assertEquals("gpt-5-mini", askedModel());
        assertEquals("system: Be curt", sent().getFirst());
        chat("-c", "say: four");
        assertEquals("gpt-5-mini", askedModel());
        assertEquals(List.of("system: Be curt", "user: say: one", "assistant: one", "user: say: two", "assistant: two",
                "user: say: three", "assistant: three", "user: say: four"), sent());
        assertEquals(2, files().size());
    }

    @Test
    void latestIsTheOneLastUsed() {
        String first = kept(1, "say: a", "a");
        kept(2, "say: b", "b");
        chat("--cid", first, "say: c");
        chat("-c", "say: d");
        assertEquals(List.of("user: say: a", "assistant: a", "user: say: c", "assistant: c", "user: say: d"), sent());
        assertEquals(first, logs().split("\t")[0]);
    }

    @Test
    void stdinAndTemplatesFollowEarlierTurns() {
        kept(1, "say: a", "a");
        exits(0, cop.runWith("piped", "chat", "-c", "and this"));
        assertEquals(List.of("user: say: a", "assistant: a", "user: piped\n\nand this"), sent());
        cop.write("templates/t.mustache", """
                ---
                system: Be kind
                model: gpt-5-mini
                messages:
                  - user: Hello
                  - assistant: Good day
                ---
                say: {{input}}
                """);
        exits(0, cop.runWith("x", "chat", "--cid", "2026", "-t", "t"));
        assertEquals("gpt-5-mini", askedModel());
        assertEquals("system: Be kind", sent().getFirst());
        assertEquals(List.of("user: Hello", "assistant: Good day", "user: say: x"), sent().subList(5, 8));
        exits(0, cop.runWith("x", "chat", "-c", "-t", "t", "-m", "mai-code-1.1-flash", "-s", "No"));
        assertEquals("mai-code-1.1-flash", askedModel());
        assertEquals("system: No", sent().getFirst());
        assertEquals(12, sent().size());
    }

    @Test
    void continueWithNoLogStoresNothing() {
        kept(1, "say: a", "a");
        String before = logs("show", "--json");
        chat("-c", "--no-log", "say: b");
        assertEquals(3, sent().size());
        assertEquals(before, logs("show", "--json"));
    }

    @Test
    void emptyReplyIsNotResent() {
        kept(1, "say: a", "a", "say: b", "", "say: c", "c");
        chat("-c", "say: d");
        assertEquals(List.of("user: say: a", "assistant: a", "user: say: c", "assistant: c", "user: say: d"), sent());
    }

    @Test
    void conversationIsFoundByIdPrefix() {
        String first = kept(1, "say: a", "a"), second = kept(70, "say: b", "b");
        chat("--cid", second.substring(0, 11), "say: x");
        assertEquals("user: say: b", sent().getFirst());
        refused("\"2026110\" matches 2 conversations: " + second + ", " + first, "type more", "chat", "--cid",
                "2026110", "x");
        refused("\"\" matches 2 conversations", "type more", "chat", "--cid", "", "x");
        refused("unknown conversation: 20261101-0002", "copilot logs", "logs", "show", "20261101-0002");
        refused("unknown conversation: " + first + "x", "did you mean " + first + "?", "chat", "--cid",
                first + "x", "x");
        refused("unknown conversation: pelicans", "copilot logs", "chat", "--cid", "pelicans", "x");
        refused("unknown conversation: ../../x", "copilot logs", "logs", "clear", "../../x", "-y");
        assertEquals(1, cop.chats().size());
    }

    @Test
    void exactIdIsNotAPrefix() throws IOException {
        String id = kept(1, "say: a", "a");
        Files.copy(cop.file(FOLDER + "/" + id + ".jsonl"), cop.file(FOLDER + "/" + id + "2.jsonl"));
        chat("--cid", id, "say: x");
        assertEquals("x", Json.text(turns(cop.file(FOLDER + "/" + id + ".jsonl")).getLast(), "text"));
    }

    @Test
    void missingConversationIsReportedBeforeSending() {
        refused("no conversations yet", "start one: ", "chat", "-c", "hello");
        refused("unknown conversation: 2026", "copilot logs", "chat", "--cid", "2026", "hello");
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void idIsPrintedByVerboseOnly() {
        var outcome = exits(0, cop.run("chat", "-v", "say: one"));
        assertTrue(outcome.err().contains("(conversation " + id(onlyFile()) + "; continue with copilot chat -c)"),
                outcome::all);
    }

    @Test
    void severalChoicesCannotContinueConversation() {
        cop.ok("chat", "say: one");
        for (String way : List.of("-c", "--cid=2")) {
            var outcome = exits(2, cop.run("chat", way, "-O", "n=2", "say: two"));
            assertTrue(outcome.err().contains("n=2"), outcome::all);
        }
        cop.terminal(0, 1, 2);
        assertTrue(exits(2, cop.run("chat", "-O", "n=2")).err().contains("n=2"));
        assertEquals(1, cop.bodies().size());
        cop.sim.set("answer", "same");
        cop.ok("chat", "-O", "n=2", "q");
        cop.ok("chat", "-c", "and?");
        assertEquals("same", cop.bodies().getLast().path("messages").path(1).path("content").asString());
    }

    // ---------------------------------------------------------------------------------------------------- logs

    @Test
    void listIsNewestFirstAndTabSeparated() {
        String first = kept(1, "one\ttwo\n three \033[31m", "a"), second = kept(2, "x".repeat(200), "b", "c", "d");
        assertEquals(second + "\t2026-11-01T00:02:00Z\tmai-code-1.1-flash\t2\t" + "x".repeat(60) + "…\n"
                + first + "\t2026-11-01T00:01:00Z\tmai-code-1.1-flash\t1\tone two three ␛[31m\n", logs());
        assertEquals(logs(), logs("list"));
        assertTrue(logs("-n", "1").startsWith(second) && logs("-n", "1").lines().count() == 1);
        assertEquals(logs(), logs("-n", "0"));
        var json = Json.tryParse(logs("--json"));
        assertEquals(List.of(second, first), json.valueStream().map(c -> Json.text(c, "id")).toList());
        assertEquals(2, json.path(0).path("turns").asInt());
        assertEquals(cop.file(FOLDER + "/" + second + ".jsonl").toString(), Json.text(json.path(0), "path"));
        cop.terminal(1);
        assertTrue(logs().startsWith("ID  "), logs());
    }

    @Test
    void titlesEndBetweenCharacters() {
        kept(1, "x".repeat(59) + "🦆🦆", "a");
        assertTrue(logs().endsWith("\t" + "x".repeat(59) + "…\n"), logs());
    }

    @Test
    void listShowsTwenty() {
        for (int i = 0; i < 25; i++) kept(i, "a", "b");
        assertEquals(20, logs().lines().count());
        assertEquals(25, logs("-n", "0").lines().count());
        assertEquals(22, logs("-n", "22").lines().count());
    }

    @Test
    void searchCoversPromptsAndReplies() {
        String first = kept(1, "Pélican names", "Percy", "more", "Petra"), second = kept(2, "pelicans", "none");
        assertEquals(first, logs("-q", "pÉlICAN").split("\t")[0]);
        assertEquals(first, logs("--query", "petra").split("\t")[0]);
        assertEquals(second, logs("-q", "pelicans", "-n", "1").split("\t")[0]);
        var none = exits(1, cop.run("logs", "-q", "messages"));
        assertEquals("no conversation contains \"messages\"\n", none.err(), "the words of the file were not said");
        assertEquals("[ ]", exits(1, cop.run("logs", "-q", "messages", "--json")).out().strip());
        assertEquals("", exits(1, cop.run("logs", "--quiet", "-q", "messages")).err());
    }

    @Test
    void emptyLogIsNotAnError() {
        var outcome = exits(0, cop.run("logs"));
        assertEquals("no conversations are saved\n", outcome.err());
        assertEquals("[ ]", logs("--json").strip());
        assertEquals("nothing to delete\n", logs("clear"));
        refused("no conversations yet", "start one: ", "logs", "show");
        refused("no conversations yet", "start one: ", "logs", "-r");
    }

    @Test
    void idsAreCompleted() {
        String first = kept(1, "a", "b"), second = kept(2, "c", "d");
        for (String begun : List.of("cop logs show ", "cop chat --cid 2026", "cop logs clear -y ")) {
            assertEquals(second + "\tc\n" + first + "\ta\n", exits(0, cop.run("completion", "next", begun)).out());
        }
    }

    @Test
    void showPrintsMarkdown() {
        chat("-s", "Be kind", "-m", "mai-code-1.1-flash", "say: one");
        chat("-c", "say: two");
        chat("-c", "-s", "Be curt", "say: # three");
        String shown = """
                ## system

                Be kind

                ## user

                say: one

                ## assistant

                one

                ## user

                say: two

                ## assistant

                two

                ## system

                Be curt

                ## user

                say: # three

                ## assistant

                # three
                """;
        assertEquals(shown, logs("show"));
        assertEquals(shown, logs("show", id(onlyFile()).substring(0, 12)));
        assertEquals("# three\n", logs("show", "-r"));
        assertEquals("# three\n", logs("-r"));
        var lines = Json.tryParse(logs("show", "--json"));
        assertEquals(turns(onlyFile()), lines.valueStream().toList());
        assertEquals(onlyFile() + "\n", logs("path", "2026"));
    }

    @Test
    void storedTextIsEscapedOnTerminal() {
        kept(1, "\033[2Jred", "\033]0;title\007", "\u009bm", "\u0085");
        cop.terminal(0, 1, 2);
        for (var words : List.of("logs", "logs show", "logs show --json", "logs -r", "logs --json",
                "logs -q \033[2J")) {
            var outcome = exits(0, cop.run(words.split(" ")));
            String plain = outcome.all().replaceAll("\033\\[[0-9]*m", "");
            assertTrue(plain.chars().allMatch(c -> c == '\n' || c >= ' ' && (c < 0x7f || c >= 0xa0)), words + plain);
        }
    }

    @ParameterizedTest
    @CsvSource({"shwo, did you mean: copilot logs show", "20261101, copilot logs show 20261101",
            "pelican, copilot logs show pelican"})
    void unknownActionIsUsageError(String action, String hint) {
        kept(1, "a", "b");
        refused("unknown command \"copilot logs " + action, hint, "logs", action);
    }

    @ParameterizedTest
    @CsvSource({"-y, list", "'-n 3', show", "'-n 3', clear", "-r, clear", "--json, path", "'-q x', show",
            "'--older-than 3d', list", "'--older-than 3d', show"})
    void optionOfAnotherActionIsUsageError(String option, String action) {
        kept(1, "a", "b");
        String name = option.split(" ")[0];
        refused(name + " is not valid for " + action, name, ("logs " + action + " " + option).split(" "));
        assertEquals(1, files().size());
    }

    @ParameterizedTest
    @CsvSource({"list 2026, unexpected argument", "-n -1, out of range", "-n x, expects a number",
            "show --json -r, cannot be used together", "clear 2026 --older-than 1d -y, cannot be used together",
            "clear --older-than soon -y, invalid time", "show a b, unexpected argument"})
    void invalidArgumentsAreUsageErrors(String words, String error) {
        kept(1, "a", "b");
        refused(error, "", ("logs " + words).split(" "));
        assertEquals(1, files().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"cafe\u0301", "CAF\u00c9", "two words", "two  words", "strasse", "STRASSE", "\uff21bc"})
    void searchIgnoresCaseAndUnicodeForm(String query) {
        cop.ok("chat", "say: caf\u00e9 two\nwords Stra\u00dfe ABC");
        assertTrue(cop.ok("logs", "-q", query).out().contains("caf"), query);
    }

    @Test
    void emptySearchExitsOne() {
        cop.ok("chat", "say: one");
        cop.ok("chat", "say: other");
        var outcome = exits(1, cop.run("logs", "-q", "nothing of it"));
        assertEquals("", outcome.out());
        assertTrue(Json.tryParse(exits(1, cop.run("logs", "-q", "nothing of it", "--json")).out()).isArray());
        exits(1, cop.run("logs", "-q", "nothing of it", "-r"));
        assertEquals("one\n", cop.ok("logs", "-q", "one", "-r").out());
        exits(0, cop.run("logs", "clear", "-y"));
        cop.ok("logs");
    }

    @Test
    void showJsonIsAnArrayOfTurns() {
        cop.ok("chat", "say: one");
        assertEquals(1, Json.tryParse(cop.ok("logs", "show", "--json").out()).size());
    }

    @Test
    void loggingCanBeTurnedOff() {
        cop.ok("chat", "say: before");
        assertTrue(cop.ok("logs", "status").out().contains("on"));
        cop.ok("logs", "off");
        cop.ok("logs", "off");
        assertEquals("", cop.ok("chat", "say: one").err());
        assertTrue(cop.ok("logs", "status").out().contains("off"));
        assertTrue(Json.tryParse(cop.ok("chat", "--json", "say: one").out()).path("conversation").isMissingNode());
        assertTrue(cop.ok("chat", "-c", "say: more").out().contains("more"));
        assertFalse(cop.ok("logs", "show").out().contains("more"));
        assertEquals(1, cop.ok("logs").out().lines().count());
        cop.ok("chat", "--log", "say: two");
        assertEquals(2, cop.ok("logs").out().lines().count());
        assertTrue(cop.run("chat", "--log", "--no-log", "x").err().contains("cannot be used together"));
        cop.ok("logs", "on");
        cop.ok("chat", "say: three");
        assertEquals(3, cop.ok("logs").out().lines().count());
    }

    // --------------------------------------------------------------------------------------------------- clear

    @Test
    void clearInPipeNeedsYes() {
        String first = kept(1, "say: a", "a"), second = kept(2, "b", "b");
        refused("(no terminal): delete 2 conversations?", "copilot logs clear -y", "logs", "clear");
        refused("delete 2 conversations", "copilot logs --older-than 1s clear -y", "logs", "--older-than", "1s",
                "clear");
        refused("delete the conversation " + first + " (1 turn: say: a)?", "copilot logs clear " + first + " -y",
                "logs", "clear", first);
        assertEquals("deleted the conversation " + first + " (1 turn: say: a)\n", logs("clear", first, "-y"));
        assertEquals(second, id(onlyFile()));
        kept(3, "c", "c");
        assertEquals("deleted 2 conversations\n", logs("clear", "--yes"));
        assertEquals(List.of(), files());
    }

    @Test
    void clearOnTerminalAsks() {
        kept(1, "a", "a");
        cop.terminal(0, 2);
        for (String no : List.of("", "\n", "n\n", "no\n")) {
            var outcome = exits(1, cop.runWith(no, "logs", "clear"));
            assertTrue(outcome.err().contains("delete 1 conversation? [y/N]\n"), outcome::all);
            assertEquals(1, files().size());
        }
        assertEquals("deleted 1 conversation\n", exits(0, cop.runWith("y\n", "logs", "clear")).out());
        assertEquals(List.of(), files());
    }

    @Test
    void olderThanGoesByLastUse() throws IOException {
        String old = kept(1, "a", "a"), used = kept(2, "b", "b");
        chat("--cid", used, "say: x");
        Files.setLastModifiedTime(cop.file(FOLDER + "/" + used + ".jsonl"), FileTime.from(cop.time.now()));
        assertEquals("nothing to delete\n", logs("clear", "--older-than", "30d"));
        assertEquals("deleted 1 conversation\n", logs("clear", "--older-than", "20d", "-y"));
        assertEquals(used, id(onlyFile()), old);
        cop.time.advance(Duration.ofDays(2));
        assertEquals("deleted 1 conversation\n", logs("clear", "--older-than", "36h", "-y"));
    }

    @Test
    void conversationDeletedMeanwhileStartsAgain() {
        chat("say: one");
        var session = session();
        var log = new Conversation(session.home(), id(onlyFile()));
        logs("clear", "-y");
        heard(log, session, "why");
        assertEquals(1, turns(onlyFile()).size());
    }

    @Test
    void unreadableFolderIsAnError() {
        cop.write(FOLDER, "a file");
        var outcome = exits(1, cop.run("logs"));
        assertTrue(outcome.err().startsWith("error: cannot read " + cop.file(FOLDER)), outcome::all);
        assertTrue(outcome.err().contains("hint: "), outcome::all);
    }

    @ParameterizedTest
    @CsvSource({"30", "0", "' 7 '", "''"})
    void olderThanNeedsUnit(String time) {
        cop.run("chat", "say: kept");
        prints(cop.run("logs", "clear", "--older-than", time, "-y"), 2, "--older-than");
        assertEquals(1, cop.run("logs").out().lines().count());
        // the clock stands still
        prints(cop.run("logs", "clear", "--older-than", "0s", "-y"), 0, "nothing to delete");
    }

    @Test
    void emptyIdIsNotAConversation() {
        cop.run("chat", "say: kept");
        prints(cop.run("logs", "clear", "", "-y"), 2, "\"\"");
        assertEquals(1, cop.run("logs").out().lines().count());
    }

    // ---------------------------------------------------------------------------------------------- calls of tools

    /// The API refuses the results of calls without the definitions of the tools.
    @Test
    void callsAreContinuedWithTheirDefinitions() {
        String tools = "[{\"type\":\"function\",\"function\":{\"name\":\"left\"}}]";
        cop.write(FOLDER + "/20261122-095900-abcd.jsonl", """
                {"at":"2026-11-22T09:59:00Z","asked":"gpt-5-mini","messages":[{"role":"user","content":"how many?"},\
                {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":\
                {"name":"left","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"7"}],"options":\
                {"tools":%s,"seed":7},"step":2,"text":"seven","model":"gpt-5-mini","finish":"stop"}
                """.formatted(tools));
        for (String question : List.of("say: one", "say: two")) exits(0, cop.run("chat", "-c", question));
        for (var body : cop.bodies()) {
            assertEquals("left", body.at("/tools/0/function/name").asString(), body::toString);
            assertTrue(body.path("seed").isMissingNode(), "other options apply to one call");
        }
        var last = Json.tryParse(cop.run("logs", "show", "--json").out()).path(2);
        assertEquals("left", last.at("/options/tools/0/function/name").asString());
        exits(0, cop.run("chat", "say: a new one"));
        assertTrue(cop.bodies().getLast().path("tools").isMissingNode());
    }
}
