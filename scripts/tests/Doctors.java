package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// `doctor`: its findings, that no failure stops it, and that it prints no secrets.
class Doctors {
    private final Harness cop = Harness.loggedIn();
    private final Set<String> secrets = new TreeSet<>(Set.of(simulator.GITHUB_TOKEN));

    @AfterEach
    void close() { cop.close(); }

    // ---------------------------------------------------------------------------------------------- helpers

    /// Runs `doctor` and asserts that no token that was sent, stored or set is printed.
    private Harness.Outcome doctor(int code, String... options) {
        var outcome = cop.run(Stream.concat(Stream.of("doctor"), Stream.of(options)).toArray(String[]::new));
        assertEquals(code, outcome.code(), outcome::all);
        for (var entry : cop.sim.ledger()) {
            for (var header : entry.headers().entrySet()) {
                if (!header.getKey().equalsIgnoreCase("authorization")) continue;
                header.getValue().forEach(value -> secrets.add(value.replaceFirst(".* ", "")));
            }
        }
        for (String secret : secrets) {
            assertFalse(outcome.all().contains(secret), () -> secret + " in " + outcome.all());
        }
        assertFalse(outcome.all().contains(cop.home.toString()), outcome::all);
        if (!List.of(options).contains("--json")) {
            for (String line : outcome.out().split("\n")) assertTrue(line.matches("(ok  |warn|fail)  \\w+: .+"), line);
            for (String what : List.of("tool", "java", "system", "start", "config", "cache", "state", "variables",
                    "host", "network", "models", "chat")) {
                assertTrue(outcome.out().contains("  " + what + ": "), () -> "no " + what + "\n" + outcome.all());
            }
        }
        assertEquals("", outcome.err(), outcome::all);
        return outcome;
    }

    private static void says(Harness.Outcome outcome, String... lines) {
        for (String line : lines) {
            assertTrue(outcome.out().lines().anyMatch(l -> l.matches(line)), () -> line + "\n" + outcome.all());
        }
    }

    /// The simulator's `Date` is the machine's.
    private void rightClock() { cop.time.advance(Duration.between(cop.time.now(), Instant.now())); }

    // ------------------------------------------------------------------------------------------------ in order

    @Test
    void healthySetup() {
        rightClock();
        var outcome = doctor(0);
        says(outcome, "ok    tool: copilot.java " + Pattern.quote(copilot.VERSION),
                "ok    java: 25.*", "ok    host: http://127.0.0.1:.*", "ok    proxy: none",
                "ok    source: COPILOT_GITHUB_TOKEN: used, ghu_…0000, .*",
                "ok    login: .* the Copilot token is valid for .*, API http://127.0.0.1:\\d+",
                "ok    network: GitHub http://127.0.0.1:\\d+/ responds in .* \\[HTTP \\d+]",
                "ok    network: API http://127.0.0.1:\\d+/models responds in .* \\[HTTP 200]",
                "ok    models: no list cached yet .*", "ok    model: auto, .*",
                "ok    chat: POST http://127.0.0.1:\\d+/chat/completions");
        assertFalse(outcome.out().contains("fail"), outcome::all);
    }

    @Test
    void jsonReport() {
        var json = Json.tryParse(doctor(0, "--json").out());
        assertTrue(json.path("ok").asBoolean());
        assertEquals(0, json.path("exit_code").asInt());
        assertTrue(json.path("checks").size() > 15);
        assertEquals(List.of("state", "what", "detail"), List.copyOf(json.path("checks").get(0).propertyNames()));
    }

    @Test
    void offlineSendsNothing() {
        says(doctor(0, "--offline"), "ok    source: COPILOT_GITHUB_TOKEN: unchecked, ghu_…0000",
                "ok    network: not checked .*");
        assertEquals(List.of(), cop.sim.ledger());
        cop.with("COPILOT_GITHUB_TOKEN", null);
        says(doctor(4, "--offline"), "fail  login: not logged in .*");
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void requestsAreSentOnceAndNoneToAModel() {
        doctor(0);
        assertFalse(cop.sim.ledger().stream().anyMatch(e -> e.path().equals("/chat/completions")));
        assertTrue(cop.sim.ledger().size() <= 4, () -> cop.sim.ledger().toString());
    }

    @Test
    void colorsOnTerminalOnly() {
        var outcome = cop.terminal(1, 2).run("doctor");
        assertTrue(outcome.out().startsWith("\033[32mok  \033[0m  tool: "), outcome::all);
        assertTrue(cop.with("NO_COLOR", "1").run("doctor").out().startsWith("ok    tool: "));
    }

    @Test
    void modelListAndItsAge() {
        rightClock();
        cop.run("models");
        cop.time.advance(Duration.ofHours(3));
        says(doctor(0), "ok    models: \\d+ in the list, 3 h old", "ok    model: gpt-5-mini, the account's default");
        cop.time.advance(Duration.ofHours(23));
        says(doctor(0), "ok    models: \\d+ in the list, 26 h old");
    }

    // -------------------------------------------------------------------------------------------------- trouble

    @Test
    void notLoggedIn() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        says(doctor(4), "fail  login: not logged in .*", "ok    network: API .*");
    }

    @Test
    void rejectedTokenIsReportedWithReason() {
        cop.sim.set("exchange", "bad-credentials");
        says(doctor(4), "warn  source: COPILOT_GITHUB_TOKEN: refused, .*", "fail  login: not logged in .*");
    }

    @Test
    void noNetwork() {
        cop.with("COP_HOST", "http://127.0.0.1:1");
        says(doctor(1), "warn  source: .* untried, .*", "fail  login: cannot connect to 127.0.0.1:1 .*",
                "fail  network: cannot connect to 127.0.0.1:1 .*");
    }

    @ParameterizedTest
    @CsvSource({"0, ''", "-3600, 3[56]\\d\\d s behind GitHub's", "3600, 3[56]\\d\\d s ahead of GitHub's", "30, ''"})
    void clockIsComparedWithGithub(int seconds, String difference) {
        rightClock();
        cop.time.advance(Duration.ofSeconds(seconds));
        var outcome = doctor(0);
        if (!difference.isEmpty()) says(outcome, "warn  clock: " + difference + "; tokens may look expired.*");
        assertEquals(!difference.isEmpty(), outcome.out().contains("clock: "), outcome::all);
    }

    @Test
    void invalidSettingsAreFindings() {
        cop.with("COP_HOST", "git.corp.example").with("COP_HEADERS", "no header s3cretValue")
                .with("COP_MAX_WAIT", "soon");
        secrets.add("s3cretValue");
        says(doctor(1, "--offline"), "fail  host: invalid COP_HOST: git.corp.example hint: .*",
                "fail  headers: invalid header in COP_HEADERS: .* hint: .*",
                "fail  COP_MAX_WAIT: invalid time: COP_MAX_WAIT soon .*",
                "ok    host: github.com, https://api.github.com");
    }

    @Test
    void unknownDefaultModel() {
        cop.run("models");
        cop.with("COP_MODEL", "gpt-5-mino");
        says(doctor(1), "fail  chat: the model gpt-5-mino, by COP_MODEL, is not in the list hint: did you mean"
                + " gpt-5-mini\\?");
    }

    @Test
    void defaultModel() {
        cop.run("models", "default", "mai-code-1.1-flash");
        says(doctor(0), "ok    model: mai-code-1.1-flash, by `copilot models default`");
    }

    @Test
    void damagedLoginDoesNotHideOtherFindings() {
        cop.with("COPILOT_GITHUB_TOKEN", null).write(".config/copilot.java/login.json", "{");
        var outcome = cop.run("doctor");
        assertTrue(outcome.code() == 1 || outcome.code() == 4, outcome::all);
        says(outcome, "fail  login: .*", "ok    chat: POST .*");
    }

    @Test
    void folders() throws IOException {
        assumeTrue(FileSystems.getDefault().supportedFileAttributeViews().contains("posix"));
        cop.run("models");
        says(doctor(0), "ok    cache: ~/.cache/copilot.java", "ok    config: .*, not created yet");
        cop.write(".config/copilot.java", "a file");
        says(cop.run("doctor"), "warn  config: ~/.config/copilot.java is not a writable folder .*");
    }

    @Test
    void certificates() {
        cop.with("SSL_CERT_FILE", "no-such.pem");
        says(doctor(1), "fail  certificates: .*no-such.pem: no such file hint: check SSL_CERT_FILE.*");
        cop.write("bad.pem", "no certificate");
        cop.with("SSL_CERT_FILE", cop.file("bad.pem").toString());
        says(doctor(1), "fail  certificates: .*bad.pem.*");
    }

    // -------------------------------------------------------------------------------------------------- secrets

    @Test
    void variablesAreShownWithoutSecrets() {
        secrets.addAll(List.of("keyOfTheProxy", "hunter22", "myOwnToken1", "corp%40secret"));
        cop.with("COP_HEADERS", "X-Api-Key: keyOfTheProxy\nEditor-Version: vscode/9").with("COP_MODLE", "myOwnToken1")
                .with("COP_MODEL", "mai-code-1.1-flash").with("https_proxy", "http://me:hunter22@proxy.example:3128")
                .with("ALL_PROXY", "http://me:corp%40secret@other.example").with("COP_HOST", null);
        says(doctor(0, "--offline", "-H", "X-More: myOwnToken1"),
                "ok    variables: COP_HEADERS=…",
                "warn  variables: unknown variable COP_MODLE \\(did you mean COP_MODEL\\?\\)",
                "ok    variables: COP_MODEL=mai-code-1.1-flash",
                "ok    proxy: proxy.example:3128");
        doctor(0, "--offline", "--json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://me:hunter22@ghe.example", "http://me:hunter22@127.0.0.1:1/x"})
    void passwordsInUrlsAreMasked(String host) {
        secrets.add("hunter22");
        says(doctor(1, "--offline", "--host", host), "fail  host: .*");
        cop.with("COP_HOST", host);
        says(doctor(1, "--offline"), "fail  host: .*", "ok    variables: COP_HOST=.*…@.*");
        cop.with("COP_HOST", null).with("HTTPS_PROXY", host.replaceFirst("^https?", "socks5"));
        says(doctor(1, "--offline"), "fail  proxy: .*");
    }

    @Test
    void misplacedTokenIsMasked() {
        cop.with("COP_MODEL", simulator.GITHUB_TOKEN).with("COP_CLIENT_ID", simulator.GITHUB_TOKEN);
        doctor(0);
    }

    @Test
    void valuesAreEscaped() {
        cop.with("COP_MODEL", "a\u001b[2Jb").with("LANG", "x\u001b]0;t\u0007");
        assertFalse(doctor(0).out().contains("\u001b"));
    }

    @Test
    void realProcess() {
        var outcome = cop.runProcess("", "doctor");
        assertEquals(0, outcome.code(), outcome::all);
        says(outcome, "ok    start: by .*", "ok    system: .*, UTF-8");
    }
}
