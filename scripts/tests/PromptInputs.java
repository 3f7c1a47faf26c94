package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static cop.Harness.exits;
import static cop.Harness.header;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Sources of a prompt: pipes, arguments, files, folders, images; nothing unintended is sent.
class PromptInputs {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---------------------------------------------------------------------------------------------- helpers

    private Outcome refused(String error, String... words) {
        var outcome = exits(2, cop.run(words));
        assertTrue(outcome.out().isEmpty() && outcome.err().contains("error: ") && outcome.err().contains(error)
                && outcome.err().contains("\nhint: "), outcome::all);
        assertEquals(List.of(), cop.bodies(), outcome::all);
        return outcome;
    }

    private String sent() { return Json.text(cop.bodies().getLast().path("messages").path(0), "content"); }

    /// The tool with a stdin that the test writes, and its output so far.
    private final class Live implements AutoCloseable {
        final PipedOutputStream to = new PipedOutputStream();
        final StringWriter out = new StringWriter(), err = new StringWriter();
        final CompletableFuture<Integer> code = new CompletableFuture<>();

        Live(Stdin.Kind kind, String... words) throws IOException {
            var in = new Stdin(new PipedInputStream(to), kind);
            var env = cop.environment(in, new PrintWriter(out), new PrintWriter(err));
            Thread.ofVirtual().start(() -> code.complete(copilot.run(env, words)));
        }

        Outcome outcome() throws Exception {
            return new Outcome(code.get(30, TimeUnit.SECONDS), out.toString(), err.toString());
        }

        @Override
        public void close() throws IOException { to.close(); }
    }

    // ----------------------------------------------------------------------------------- a pipe that is silent

    @ParameterizedTest
    @ValueSource(strings = {"chat words", "chat -t summarize", "chat -f a.txt", "chat", "chat -"})
    void nothingIsSentWhilePipeIsSilent(String line) throws Exception {
        cop.write("a.txt", "file\n");
        try (var live = new Live(Stdin.Kind.PIPE, line.split(" "))) {
            Harness.await("a note", () -> live.err.toString().contains("</dev/null") || live.code.isDone());
            assertEquals(List.of(), cop.bodies(), live.err::toString);
            live.to.write("late".getBytes());
            live.to.close();
            exits(0, live.outcome());
            assertTrue(cop.bodies().getLast().toString().contains("late"), () -> cop.bodies().toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"chat words --timeout 300ms", "chat -t summarize --timeout 300ms"})
    void silentPipeIsRefusedAtTimeout(String line) throws Exception {
        try (var live = new Live(Stdin.Kind.PIPE, line.split(" "))) {
            var outcome = exits(2, live.outcome());
            assertTrue(outcome.err().contains("error: ") && outcome.err().contains("stdin")
                    && outcome.err().contains("</dev/null"), outcome::all);
            assertEquals(List.of(), cop.bodies(), outcome::all);
        }
    }

    @Test
    void startedPipeIsReadToTheEnd() throws Exception {
        try (var live = new Live(Stdin.Kind.PIPE, "chat", "words", "--timeout", "5s")) {
            live.to.write("one ".getBytes());
            live.to.flush();
            Harness.await("a note", () -> live.err.toString().contains("</dev/null"));
            assertEquals(List.of(), cop.bodies());
            live.to.write("two".getBytes());
            live.to.close();
            exits(0, live.outcome());
            assertEquals("one two\n\nwords", sent());
        }
    }

    @Test
    void emptyPipeIsReported() throws Exception {
        try (var live = new Live(Stdin.Kind.PIPE, "chat", "say: x")) {
            live.to.close();
            assertTrue(exits(0, live.outcome()).err().contains("stdin is empty"), live.err::toString);
        }
        cop.run("chat", "say: x");
        assertEquals("", cop.ok("chat", "say: x").err());
    }

    @Test
    void silentNamedPipeIsWaitedForWithANote() throws Exception {
        assumeTrue(new ProcessBuilder("mkfifo", cop.file("fifo").toString()).start().waitFor() == 0, "no mkfifo here");
        for (String words : List.of("-f fifo", "-t ./fifo", "--schema fifo --no-stream")) {
            int before = cop.bodies().size();
            try (var live = new Live(Stdin.Kind.FILE, ("chat say:x " + words).split(" "))) {
                live.to.close();
                Harness.await("a note", () -> live.err.toString().contains("fifo to end\n")
                        || live.code.isDone());
                assertEquals(before, cop.bodies().size(), live.err::toString);
                Files.writeString(cop.file("fifo"), words.startsWith("--schema") ? "{\"late\": 1}" : "late {{! }}");
                live.outcome();
                assertTrue(cop.bodies().getLast().toString().contains("late"), live.err::toString);
            }
        }
    }

    @Test
    void batchFromSilentNamedPipeWaitsWithANote() throws Exception {
        assumeTrue(new ProcessBuilder("mkfifo", cop.file("fifo").toString()).start().waitFor() == 0, "no mkfifo here");
        cop.write("templates/t.mustache", "say: {{text}}");
        try (var live = new Live(Stdin.Kind.FILE, "batch", "t", "-d", "fifo", "-o", "out.jsonl")) {
            Harness.await("a note", () -> live.err.toString().contains("waiting for fifo to end\n")
                    || live.code.isDone());
            assertFalse(live.code.isDone(), live.err::toString);
            Files.writeString(cop.file("fifo"), "{\"text\": \"late\"}\n");
            exits(0, live.outcome());
            assertTrue(cop.read("out.jsonl").contains("\"text\":\"late\""), () -> cop.read("out.jsonl"));
        }
    }

    // ------------------------------------------------------------------------------------------- secrets in a folder

    @ParameterizedTest
    @ValueSource(strings = {"id_rsa", "id_ed25519", "server.pem", "tls.KEY", "prod.env", "env.local", "credentials",
            "credentials.json", "my-credentials.yml", "secrets.yaml", "client_secret.json", "store.p12", "app.jks",
            "terraform.tfstate", "service-account.json", "plain.txt"})
    void likelySecretsOfAFolderAreSkipped(String name) {
        String key = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nxyz\n";
        cop.write("d/sub/" + name, name.equals("plain.txt") ? key : "hidden-value\n");
        cop.write("d/Main.java", "class Main {}\n");
        for (String files : List.of("d", "d/**")) {
            var outcome = exits(0, cop.run("chat", "-f", files, "say: x"));
            assertTrue(outcome.err().contains("d/sub/" + name), outcome::all);
            assertFalse(sent().contains("hidden-value") || sent().contains("xyz"), this::sent);
            assertTrue(sent().contains("class Main"), this::sent);
        }
        assertEquals("", exits(0, cop.run("chat", "-f", "d/sub/" + name, "say: x")).err());
        assertTrue(sent().contains(name.equals("plain.txt") ? "xyz" : "hidden-value"), this::sent);
        assertEquals("", exits(0, cop.run("chat", "-f", "d", "-f", "d/sub/" + name, "say: x")).err());
    }

    /// A note alone would be easy to overlook: the question would be sent without its files.
    @ParameterizedTest
    @ValueSource(strings = {"d", "d/*.pem"})
    void patternOfSkippedFilesIsRefused(String files) {
        cop.write("d/key.pem", "hidden-value\n");
        var outcome = exits(2, cop.run("chat", "-f", files, "say: x"));
        assertTrue(outcome.err().endsWith("error: all files of -f " + files + " are skipped\nhint: name the files to"
                + " send: -f d/key.pem\n"), outcome::all);
        assertEquals(List.of(), cop.bodies());
    }

    @ParameterizedTest
    @ValueSource(strings = {"id_rsa.pub", "environment.ts", "keys.md", "Credentials.java", "secretary.txt", "env.py",
            "monkey", "token.go", "key.rs"})
    void otherFilesOfAFolderAreSent(String name) {
        cop.write("d/" + name, "hidden-value\n");
        assertEquals("", exits(0, cop.run("chat", "-f", "d", "say: x")).err());
        assertTrue(sent().contains("hidden-value"), this::sent);
    }

    // ------------------------------------------------------------------------------------------- other words

    @ParameterizedTest
    @ValueSource(strings = {"-f a.txt b.txt what?", "-a a.png b.txt what?", "-f a.txt what? b.txt",
            "-f a.txt -- b.txt"})
    void fileNamedAmongArgumentsIsReported(String words) {
        for (String name : List.of("a.txt", "b.txt", "a.png")) cop.write(name, "\u0089PNG\r\n\u001a\n");
        refused("\"b.txt\" is a file", ("chat " + words).split(" "));
    }

    @Test
    void fileNameMayBeThePrompt() {
        cop.write("b.txt", "x");
        cop.ok("chat", "b.txt");
        cop.ok("chat", "-f", "b.txt", "what is b.txt?");
    }

    // ------------------------------------------------------------------------------------------- empty prompts

    @ParameterizedTest
    @ValueSource(strings = {"", "   ", "\n", "\u00a0", "\ufeff"})
    void blankPromptIsRefused(String blank) {
        cop.terminal(0, 1, 2).with("NO_COLOR", "1");
        refused("prompt", "chat", blank);
        refused("prompt", "chat", "--", blank, blank);
    }

    @Test
    void emptyFileIsReported() {
        cop.write("empty.txt", "");
        cop.write("blank.txt", " \n\n");
        refused("missing prompt", "chat");
        refused("-s", "chat", "-s", "", "hi");
        refused("-s", "chat", "-s", " ", "hi");
        for (String name : List.of("empty.txt", "blank.txt")) {
            assertTrue(cop.ok("chat", "-f", name, "say: x").err().contains("empty files: " + name), name);
        }
    }

    // ------------------------------------------------------------------------------- a folder is what lies in it

    private void folder() throws IOException {
        cop.write("secret/key.txt", "the secret\n");
        cop.write("src/a.txt", "fine\n");
        cop.write("src/.env", "PASSWORD=hidden\n");
        cop.write("src/.git/config.txt", "hidden too\n");
        cop.write("src/real/b.txt", "bee\n");
        Files.createSymbolicLink(cop.file("src/key.txt"), Path.of("../secret/key.txt"));
        Files.createSymbolicLink(cop.file("src/config.txt"), Path.of(".env"));
        Files.createSymbolicLink(cop.file("src/git.txt"), Path.of(".git/config.txt"));
        Files.createSymbolicLink(cop.file("src/out"), Path.of("../secret"));
        Files.createSymbolicLink(cop.file("src/gone.txt"), Path.of("nowhere"));
        Files.createSymbolicLink(cop.file("src/again.txt"), Path.of("real/b.txt"));
        Files.createSymbolicLink(cop.file("linked"), Path.of("src"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"src", "src/*.txt", "src/**", "linked", "linked/*", "src/{key,config,git,a}.txt", "./src"})
    void linksOutOfFolderOrToHiddenFilesAreSkipped(String name) throws IOException {
        folder();
        var outcome = cop.ok("chat", "-f", name, "what is in it?");
        assertTrue(sent().contains("fine"), this::sent);
        for (String not : List.of("secret", "PASSWORD", "hidden")) assertFalse(sent().contains(not), this::sent);
        assertTrue(outcome.err().contains("key.txt") && outcome.err().contains("config.txt"), outcome::all);
        if (name.equals("src")) assertTrue(sent().contains("src/again.txt\n```\nbee"), this::sent);
    }

    @ParameterizedTest
    @ValueSource(strings = {"app/[slug]/*.tsx", "app/[[...sign-in]]/*.tsx", "app/(auth)/*.tsx", "app/{x}/*.tsx",
            "app/[slug]", "app/[slug]/page.tsx", "app/[slug]/**", "./app/[slug]/p*"})
    void existingPathPartIsLiteral(String name) {
        for (String folder : List.of("[slug]", "[[...sign-in]]", "(auth)", "{x}")) {
            cop.write("app/" + folder + "/page.tsx", "found " + folder);
        }
        cop.ok("chat", "-f", name, "?");
        assertTrue(sent().contains("found " + name.replaceAll("(./)?app/([^/]*).*", "$2")), this::sent);
    }

    @Test
    void invalidPatternHintsAtEscape() {
        cop.write("app/x", "");
        var outcome = refused("app/[z-a]/*.tsx", "chat", "-f", "app/[z-a]/*.tsx", "?");
        assertTrue(outcome.err().contains("\\["), outcome::all);
    }

    @Test
    void rowsBelowLiteralPathPart() {
        cop.write("rows/[2026]/r.json", "{\"text\": \"a\"}");
        cop.write("t.mustache", "Say {{text}}");
        var outcome = cop.ok("batch", "t.mustache", "-d", "rows/[2026]/*.json", "-o", "o.jsonl", "--dry-run");
        assertTrue(outcome.all().contains("Say a"), outcome::all);
    }

    // ---- images, folders

    @ParameterizedTest
    @ValueSource(strings = {"gpt-5-mini", "gpt-5.3-codex", "claude-haiku-4.5", "claude-fable-5.1",
            "gemini-3.8-flash"})
    void imageIsSent(String model) throws IOException {
        cop.image("a.png");
        assertEquals("x\n", cop.ok("chat", "-m", model, "-a", "a.png", "say: x").out());
        var entry = cop.chats().getLast();
        assertEquals("true", header(entry, "copilot-vision-request"));
        assertTrue(entry.rawBody().contains(Harness.PNG), entry::rawBody);
        assertTrue(cop.ok("chat", "-m", model, "-a", "a.png").out().contains("heard 0 words"), "alone");
        cop.ok("chat", "-m", model, "say: x");
        assertEquals("", header(cop.chats().getLast(), "copilot-vision-request"));
    }

    @Test
    void unsupportedImagesAreRefused() throws IOException {
        cop.sim.set("revive", "o1");
        cop.ok("models");
        cop.image("a.png");
        cop.write("b.png", "text");
        Files.write(cop.file("c.pdf"), "%PDF-1.7".getBytes());
        byte[] large = Arrays.copyOf(Base64.getDecoder().decode(Harness.PNG), 4 << 20);
        Files.write(cop.file("large.png"), large);
        reports(cop.run("chat", "-m", "o1", "-a", "a.png", "x"), 2, "o1 does not accept images",
                "copilot models vision");
        reports(cop.run("chat", "-m", "claude-haiku-4.5", "-a", "a.png", "-a", "a.png", "x"), 2,
                "the prompt has 2 images; claude-haiku-4.5 accepts 1");
        reports(cop.run("chat", "-a", "b.png", "x"), 2, "b.png is not a supported image");
        reports(cop.run("chat", "-a", "c.pdf", "x"), 2, "c.pdf is application/pdf; gpt-5-mini accepts image/jpeg");
        reports(cop.run("chat", "-a", "large.png", "x"), 2,
                "large.png has 4194304 bytes; gpt-5-mini accepts 3145728");
        reports(cop.run("chat", "-a", "none.png", "x"), 2, "cannot read none.png");
        reports(cop.run("chat", "-a", ".", "x"), 2, ". is a folder");
        assertEquals(0, cop.chats().size());
    }

    @Test
    void imageOfEarlierTurnIsReported() throws IOException {
        cop.image("a.png");
        cop.ok("chat", "-a", "a.png", "say: x");
        reports(cop.ok("chat", "-c", "say: y"), 0, "images from earlier turns are not resent (attach them");
    }

    @Test
    void imageOnStdin() throws IOException {
        assertEquals(0, cop.runWith(Base64.getDecoder().decode(Harness.PNG), "chat", "-a", "-", "say: x").code());
        assertTrue(cop.chats().getLast().rawBody().contains(Harness.PNG));
        reports(cop.run("chat", "-a", "-", "-f", "-", "x"), 2, "stdin cannot be both -f - and -a -");
    }

    @Test
    void foldersAndPatternsOfFiles() throws IOException {
        cop.write("src/A.java", "class A {}\n");
        cop.write("src/deep/b.md", "```\nx\n");
        cop.write("src/.hidden/c.md", "no");
        cop.write("src/.d", "no");
        Files.write(cop.file("src/e.bin"), new byte[]{0, 1, 2});
        var outcome = cop.ok("chat", "-f", "src", "say: x");
        String body = cop.chats().getLast().body().at("/messages/0/content").asString();
        assertEquals("src/A.java\n```\nclass A {}\n```\n\nsrc/deep/b.md\n````\n```\nx\n````\n\nsay: x", body);
        assertTrue(outcome.err().contains("skipped binary files: "), outcome::all);
        cop.ok("chat", "-f", "src/**.md", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("src/deep/b.md"));
        assertFalse(cop.chats().getLast().rawBody().contains("A.java"));
        cop.ok("chat", "-f", "src/**/*.java", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("A.java"), "** means none too");
        reports(cop.run("chat", "-f", "src/*.txt", "x"), 2, "no file in src/*.txt");
        reports(cop.run("chat", "-f", "a[1", "x"), 2, "invalid pattern a[1");
        cop.write("odd/-", "text of -");
        cop.run("chat", "-f", "odd/*", "say: x");
        assertTrue(cop.chats().getLast().rawBody().contains("odd/-\\n```\\ntext of -"), cop.chats().getLast()::rawBody);
        reports(cop.run("chat", "-f", "src/e.bin", "x"), 2, "src/e.bin is not text");
        reports(cop.run("chat", "-f", "src", "--max-file-tokens", "5", "x"), 2, "the 2 files of -f have ",
                "more than 5 tokens", "raise --max-file-tokens");
    }

    @Test
    void tooLongPromptReportsLargestPart() {
        cop.write("a.txt", "word ".repeat(200_000));
        cop.write("b.txt", "word ".repeat(20_000));
        reports(cop.run("chat", "-f", "a.txt", "-f", "b.txt", "x"), 2, "the prompt has 2200",
                "gpt-5-mini accepts 128000", "the largest part is a.txt with 200001");
        reports(cop.runWith("word ".repeat(200_000), "chat", "-f", "b.txt", "x"), 2,
                "the largest part is the text outside the files with 2000");
        reports(cop.runWith("word ".repeat(200_000), "chat", "x"), 2, "the largest part is the text with 2000");
        assertEquals(0, cop.chats().size());
        assertEquals(0, cop.runWith("word ".repeat(100_000), "chat", "say: x").code(), "bytes are no tokens");
    }

    // --------------------------------------------------------------------------------------------- --save

    /// A saved template renders what would have been sent, whatever the text holds.
    @ParameterizedTest
    @CsvSource({"Summarize this, -", "Summarize this, some text", "'Explain {{x}} and <% y %>', -",
            "'{{input}} ---', -", "'{{#if}} \u00e9', piped"})
    void savedTemplateRendersTheSame(String words, String piped) {
        var chat = List.of("chat", words, "-m", "gpt-5-mini", "-s", "Be {{brief}}: \"now\"", "--temperature", "0.5",
                "--schema", "a int");
        String stdin = piped.equals("-") ? "" : piped;
        var save = Stream.concat(chat.stream(), Stream.of("--save", "mine")).toArray(String[]::new);
        var saved = exits(0, cop.runWith(stdin, save));
        assertEquals("templates/mine.mustache\n", saved.out());
        assertTrue(saved.err().contains("model: \"gpt-5-mini\"\n"), saved::all);
        assertEquals(0, cop.chats().size());
        cop.sim.set("answer", "{\"a\": 1}");
        exits(0, cop.runWith(stdin, chat.toArray(String[]::new)));
        var rendered = Json.tryParse(exits(0, cop.runWith(stdin, "render", "mine", "--json")).out());
        assertEquals(Json.compact(cop.chats().getLast().body()),
                Json.compact(rendered).replace("\"mine\"", "\"answer\""));
    }

    @Test
    void saveNeverOverwritesAndAsksOnTerminal() {
        cop.write("templates/mine.mustache", "old");
        reports(cop.run("chat", "--save", "mine", "hi"), 2, "error: templates/mine.mustache already exists");
        reports(cop.run("chat", "--save", "../mine", "hi"), 2, "error: invalid template name: ../mine");
        reports(cop.run("chat", "--save", "new"), 2, "error: no prompt to save");
        for (String[] other : new String[][] {{"-t", "explain"}, {"-f", "x.txt"}, {"-a", "x.png"}, {"-c"}}) {
            var line = Stream.concat(Stream.of("chat", "--save", "new", "hi"), Stream.of(other)).toArray(String[]::new);
            reports(cop.run(line), 2, " cannot be saved");
        }
        cop.terminal(0, 1, 2);
        exits(1, cop.runWith("n\n", "chat", "--save", "new", "hi"));
        assertFalse(Files.exists(cop.file("templates/new.mustache")));
        var outcome = exits(0, cop.runWith("y\n", "chat", "--save", "new", "hi"));
        assertTrue(outcome.err().contains("hi\nsave as templates/new.mustache? [y/N]"), outcome::all);
        assertEquals("hi\n", cop.read("templates/new.mustache"));
        exits(0, cop.run("chat", "--save", "third", "-y", "hi"));
        assertEquals("old", cop.read("templates/mine.mustache"));
        assertEquals(0, cop.chats().size());
    }
}
