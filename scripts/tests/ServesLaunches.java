package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.failed;
import static cop.Harness.hints;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// `serve claude`, `codex`, `aider` as processes, with a script in the place of the client; `serve key` and `--print`.
class ServesLaunches {
    /// Writes what it was given, waits until it may end, and exits with 7. Ctrl-C does not end it.
    private static final String CLIENT = """
            #!/bin/sh
            trap 'echo INT >>signals' INT
            trap 'echo TERM >>signals; exit 9' TERM
            for a; do printf '%s\\n' "$a"; done >args.part
            env >env.part
            for a; do case $a in */cop-serve-*.json) cp "$a" settings.json; echo "$a" >path;; esac; done
            mv env.part env.txt; mv args.part args.txt
            while [ ! -e go ]; do sleep 0.05; done
            exit 7
            """;

    private final Harness cop = Harness.loggedIn();

    @BeforeEach
    void installClients() {
        for (String client : List.of("claude", "codex", "aider")) {
            assertTrue(cop.write("bin/" + client, CLIENT).toFile().setExecutable(true));
        }
        cop.with("PATH", cop.file("bin") + ":" + System.getenv("PATH"));
    }

    @AfterEach
    void close() { cop.close(); }

    private Process launch(String... args) throws IOException {
        var builder = Harness.onStdin("", cop.process(Stream.concat(Stream.of("serve"), Stream.of(args))
                .toArray(String[]::new)));
        builder.command().addFirst("setsid");               // a process group of its own, as a shell makes it
        var process = builder.start();
        Harness.await("the client's start", () -> Files.exists(cop.file("args.txt")) || !process.isAlive());
        assertTrue(process.isAlive(), () -> Harness.finished(process, null).all());
        return process;
    }

    private String variable(String name) {
        return cop.read("env.txt").lines().filter(line -> line.startsWith(name + "=")).findFirst().orElse("=")
                .replaceFirst("^[^=]*=", "");
    }

    private List<String> args() { return cop.read("args.txt").lines().toList(); }

    private static int status(String base, String key) throws Exception {
        try (var http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(URI.create(base + "/v1/models")).header("x-api-key", key).build(),
                    HttpResponse.BodyHandlers.discarding()).statusCode();
        }
    }

    private Harness.Outcome ended(Process process) {
        cop.write("go", "");
        return Harness.finished(process, null);
    }

    @Test
    void claudeIsServedUntilItEnds() throws Exception {
        cop.with("ANTHROPIC_API_KEY", "another").with("COP_SERVE_KEY", "of-another-server")
                .with("HTTPS_PROXY", "http://127.0.0.1:1")
                .with("NO_PROXY", "a.example");
        var process = launch("claude", "--", "-p", "two words");
        String base = variable("ANTHROPIC_BASE_URL"), key = variable("ANTHROPIC_AUTH_TOKEN");
        assertTrue(base.matches("http://127\\.0\\.0\\.1:\\d+") && key.matches("sk-cop-[\\w-]{43}"), base + " " + key);
        assertEquals(200, status(base, key));
        assertEquals(401, status(base, "sk-cop-" + "x".repeat(43)));
        assertEquals("", variable("ANTHROPIC_API_KEY"));
        assertEquals("", variable("COP_SERVE_KEY"));
        assertEquals("a.example,127.0.0.1,localhost", variable("NO_PROXY"));
        assertEquals(List.of("--settings", cop.read("path").strip(), "-p", "two words"), args());
        assertFalse(cop.read("args.txt").contains(key), "the key is an argument");
        JsonNode settings = Json.object(cop.read("settings.json"), "settings").path("env");
        assertEquals(List.of(base, key, "claude-sonnet-5", "200000"), Stream.of("ANTHROPIC_BASE_URL",
                "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_MODEL", "CLAUDE_CODE_AUTO_COMPACT_WINDOW")
                .map(name -> Json.text(settings, name)).toList());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(Path.of(cop.read("path")
                .strip()))));
        var outcome = ended(process);
        assertEquals(7, outcome.code(), outcome::all);
        assertEquals("", outcome.out());
        assertEquals("claude: 1 request, 0 tokens\n", outcome.err().replaceAll("\\d+ requests?", "1 request"));
        assertFalse(Files.exists(Path.of(cop.read("path").strip())));
        assertThrows(IOException.class, () -> status(base, key));
        assertFalse(Files.exists(cop.file(".config/copilot.java/serve-key")), "a key was kept");
    }

    @Test
    void codexGetsAProviderByOptions() throws Exception {
        var process = launch("codex", "-m", "gpt-5.3-codex", "--", "exec", "hello");
        String provider = args().stream().filter(arg -> arg.startsWith("model_providers.cop=")).findFirst()
                .orElseThrow();
        String base = provider.replaceFirst(".*base_url=\"([^\"]*)/v1\".*", "$1");
        assertEquals(200, status(base, variable("COP_SERVE_KEY")));
        assertTrue(args().containsAll(List.of("model_provider=\"cop\"", "model=\"gpt-5.3-codex\"",
                "model_context_window=272000")) && args().subList(args().size() - 2, args().size())
                .equals(List.of("exec", "hello")), args()::toString);
        assertEquals(7, ended(process).code());
    }

    @Test
    void aiderGetsVariablesAndAllModels() throws Exception {
        var process = launch("aider", "-m", "haiku");
        assertEquals(200, status(variable("OPENAI_API_BASE").replace("/v1", ""), variable("OPENAI_API_KEY")));
        assertEquals(List.of("--model", "openai/claude-haiku-4.5"), args().subList(0, 2));
        assertTrue(Json.object(cop.read("settings.json"), "models").has("openai/gpt-5-mini"));
        assertEquals(7, ended(process).code());
    }

    @Test
    void ctrlCIsTheClients() throws Exception {
        var process = launch("claude");
        signal("INT", "-" + process.pid());
        Harness.await("the client's SIGINT", () -> Files.exists(cop.file("signals")));
        assertEquals(200, status(variable("ANTHROPIC_BASE_URL"), variable("ANTHROPIC_AUTH_TOKEN")));
        signal("INT", "-" + process.pid());
        assertEquals(7, ended(process).code());
        assertTrue(cop.read("signals").startsWith("INT\n"));
    }

    @Test
    void sigtermEndsBoth() throws Exception {
        var process = launch("claude");
        signal("TERM", "" + process.pid());
        var outcome = Harness.finished(process, null);
        assertEquals(143, outcome.code(), outcome::all);
        assertEquals("TERM\n", cop.read("signals"));
        assertFalse(Files.exists(Path.of(cop.read("path").strip())));
    }

    private static void signal(String name, String process) throws Exception {
        assertEquals(0, new ProcessBuilder("kill", "-" + name, "--", process).start().waitFor());
    }

    @Test
    void aMissingClientIsNamedBeforeAnythingIsSent() {
        cop.with("PATH", cop.file("nothing").toString());
        hints("npm install -g @anthropic-ai/claude-code", failed(2, "claude is not on the PATH", cop.run("serve",
                "claude")));
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void anotherClientIsRefused() {
        hints("did you mean claude?", failed(2, "invalid value: cluade", cop.run("serve", "cluade")));
    }

    @Test
    void optionsOfASharedServerAreRefused() {
        failed(2, "--no-key and claude cannot be used together", cop.run("serve", "claude", "--no-key"));
        failed(2, "--listen and codex cannot be used together", cop.run("serve", "codex", "--listen", "0.0.0.0"));
    }

    @Test
    void anUnknownModelIsRefusedBeforeTheClientStarts() {
        var outcome = cop.run("serve", "claude", "-m", "claude-sonet");
        failed(2, "unknown model: claude-sonet", outcome);
        assertFalse(Files.exists(cop.file("args.txt")));
    }

    // ----------------------------------------------------------------------------------------- key and --print

    @Test
    void theKeyIsPrintedAndRenewed() {
        String first = cop.ok("serve", "key").out();
        assertTrue(first.matches("sk-cop-[\\w-]{43}\n"), first);
        assertEquals(first, cop.ok("serve", "key").out());
        String second = cop.ok("serve", "key", "--new").out();
        assertFalse(first.equals(second));
        assertEquals(second, cop.ok("serve", "key").out());
        failed(2, "--new is not valid for", cop.run("serve", "--new"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude", "codex", "aider", "llm", "zed", "open-webui", "continue", "xcode", "openai",
            "anthropic"})
    void settingsArePrintedForEachClient(String client) {
        var outcome = cop.ok("serve", "--print", client, "--port", "5151", "-m", "claude-sonnet-5");
        assertTrue(outcome.out().contains("127.0.0.1:5151") || outcome.out().contains("5151"), outcome::all);
        assertFalse(outcome.out().contains("sk-cop-"), outcome::all);
        assertTrue(outcome.err().lines().count() == 1 && outcome.err().startsWith("for "), outcome::all);
    }

    @Test
    void settingsOfAnUnknownClientAreRefused() {
        hints("did you mean zed?", failed(2, "no settings for zeed", cop.run("serve", "--print", "zeed")));
    }

    @Test
    void withoutALoginNothingStarts() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        for (var command : List.of(List.of("serve", "claude"), List.of("serve", "--print", "zed"))) {
            assertEquals(4, cop.run(command.toArray(String[]::new)).code());
        }
        for (String client : ClientConfig.PLAIN) assertTrue(cop.ok("serve", "--print", client).out().contains("4141"));
    }
}
