package cop;

import module java.base;

import cop.copilot.Fault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static cop.Harness.header;
import static cop.Harness.ok;
import static cop.Harness.reports;
import static cop.Harness.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Whose token is used: sources that are chosen, limited or refused, kinds of tokens, and the identity in headers.
class Accounts {
    private static final String CHAT = "/chat/completions", EXCHANGE = Login.EXCHANGE, CACHE = ".cache/copilot.java";
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---- sources

    /// COPILOT_GITHUB_TOKEN chooses an account: no other is billed instead, the second time neither.
    @ParameterizedTest
    @ValueSource(strings = {"ghu_mistypedmistypedmistyped", "gho_mistypedmistypedmistyped", "ghu_a b",
            "0123456789abcdef0123456789abcdef01234567"})
    void chosenAccountThatIsRejectedIsAnError(String token) {
        cop.storeLogin();
        cop.with("COPILOT_GITHUB_TOKEN", token);
        for (int i = 0; i < 2; i++) {
            var outcome = cop.run("chat", "say: hello");
            assertEquals(4, outcome.code(), outcome::all);
            reports(outcome, "COPILOT_GITHUB_TOKEN", "hint: unset COPILOT_GITHUB_TOKEN, or set COP_TOKEN_SOURCE=login");
        }
        assertEquals(0, cop.sim.count(CHAT));
        var status = cop.run("status");
        assertEquals(4, status.code(), status::all);
        assertTrue(status.out().contains("your login               unused")
                && status.out().contains("because COPILOT_GITHUB_TOKEN is set")
                && status.out().contains("not logged in; unset COPILOT_GITHUB_TOKEN"), status::all);
        assertTrue(cop.run("doctor").out().contains("not logged in hint: unset COPILOT_GITHUB_TOKEN"));
        assertEquals("hello\n", cop.with("COP_TOKEN_SOURCE", "login").run("chat", "say: hello").out());
    }

    /// GitHub's own CLI takes such tokens from the same variable.
    @ParameterizedTest
    @ValueSource(strings = {"ghp", "ghs", "github_pat"})
    void unsupportedTokenKindFallsBackToLoginWithNote(String kind) {
        cop.storeLogin();
        long before = cop.sim.count(EXCHANGE);
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken(kind));
        for (int i = 0; i < 2; i++) {
            var outcome = cop.run("chat", "say: hello");
            assertEquals("hello\n", outcome.out(), outcome::all);
            assertEquals(1, outcome.err().lines().filter(line -> line.contains("COPILOT_GITHUB_TOKEN is skipped"))
                    .count(), outcome::all);
        }
        assertEquals(before, cop.sim.count(EXCHANGE), "nothing was asked with it");
        assertEquals(4, cop.with("COP_TOKEN_SOURCE", "env").run("token").code());
        var status = cop.with("COP_TOKEN_SOURCE", null).run("status");
        assertTrue(status.out().contains("COPILOT_GITHUB_TOKEN     refused"), status::all);
        assertTrue(status.out().contains("your login               used"), status::all);
    }

    /// Only the stored login is a fallback: the general variables belong to other tools.
    @Test
    void unsupportedTokenKindDoesNotFallBackToGeneralVariables() {
        cop.with("COPILOT_GITHUB_TOKEN", "ghp_classic").with("GH_TOKEN", simulator.GITHUB_TOKEN);
        try (var http = new HttpSender(new Console(cop.environment(cop.time)), Duration.ofMinutes(1))) {
            var context = cop.context(http, cop.environment(cop.time));
            assertEquals(List.of("COPILOT_GITHUB_TOKEN"), new CredentialSources(context).usable().stream()
                    .map(GithubToken::source).toList());
            assertEquals(4, assertThrows(Fault.class, () -> tokens(context).get()).exitCode());
        }
        assertEquals(0, cop.sim.count(EXCHANGE));
    }

    @Test
    void generalVariablesFallThroughWithNote() {
        cop.with("COPILOT_GITHUB_TOKEN", null).with("GH_TOKEN", cop.sim.issueGithubToken("ghp"))
                .with("GITHUB_TOKEN", simulator.GITHUB_TOKEN);
        for (int i = 0; i < 2; i++) {
            var err = new StringWriter();
            var environment = cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                    new PrintWriter(Writer.nullWriter()), new PrintWriter(err));
            try (var http = new HttpSender(new Console(environment), Duration.ofMinutes(1))) {
                tokens(cop.context(http, environment)).get();
            }
            assertTrue(err.toString().contains("GH_TOKEN") && err.toString().contains("using GITHUB_TOKEN"),
                    err::toString);
        }
        assertEquals(2, cop.sim.count(EXCHANGE), "the refused one costs one request");
    }

    @ParameterizedTest
    @CsvSource({"login, your login", "env, COPILOT_GITHUB_TOKEN", "'login, env', COPILOT_GITHUB_TOKEN",
            "editor, ", "' env ,editor', COPILOT_GITHUB_TOKEN"})
    void tokenSourcesCanBeLimited(String allowed, String used) {
        cop.storeLogin();
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghu")).with("COP_TOKEN_SOURCE", allowed);
        var outcome = cop.run("status");
        assertEquals(used == null ? 4 : 0, outcome.code(), outcome::all);
        if (used != null) assertTrue(outcome.out().contains(Text.padded(used, 25) + "used"), outcome::all);
        if (!allowed.contains("login")) assertTrue(outcome.out().contains(
                "your login               ignored  disabled by COP_TOKEN_SOURCE="), outcome::all);
        var chat = cop.run("chat", "say: hello");
        assertEquals(used == null ? 4 : 0, chat.code(), chat::all);
        if (used == null) reports(chat, "hint: unset COP_TOKEN_SOURCE");
    }

    @ParameterizedTest
    @ValueSource(strings = {"logins", "env,,login", "env login", "GH_TOKEN"})
    void unknownTokenSourceIsUsageError(String words) {
        cop.with("COP_TOKEN_SOURCE", words);
        for (String command : List.of("token", "status", "chat hello", "models")) {
            var outcome = cop.run(command.split(" "));
            assertEquals(2, outcome.code(), outcome::all);
            reports(outcome, "COP_TOKEN_SOURCE", "hint: ", "env, login, editor");
        }
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void loginOutsideTokenSourcesIsReported() {
        cop.with("COP_TOKEN_SOURCE", "env");
        var outcome = cop.run("doctor");
        assertTrue(outcome.out().contains("variables: COP_TOKEN_SOURCE=env") && outcome.code() == 0, outcome::all);
        reports(cop.with("COPILOT_GITHUB_TOKEN", null).runWith(simulator.GITHUB_TOKEN, "login", "--with-token"),
                "COP_TOKEN_SOURCE is set and takes precedence over this login");
    }

    /// Within one process, a revoked source is replaced by the next unless it was chosen.
    @ParameterizedTest
    @CsvSource({"true, at a renewal", "true, at a 401", "false, at a renewal", "false, at a 401"})
    void revokedSourceIsReplacedUnlessChosen(boolean general, String when) {
        String revoked = cop.sim.issueGithubToken("ghu");
        cop.with("COPILOT_GITHUB_TOKEN", general ? null : revoked).with("GH_TOKEN", revoked)
                .with("GITHUB_TOKEN", simulator.GITHUB_TOKEN);
        try (var http = new HttpSender(new Console(cop.environment(cop.time)), Duration.ofMinutes(1))) {
            var tokens = tokens(cop.context(http, cop.environment(cop.time)));
            var first = tokens.get();
            cop.sim.set("exchange-faults", "bad-credentials");
            Supplier<copilot.Token> next = () -> tokens.refreshAfter401(first);
            if (when.contains("renewal")) {
                cop.time.advance(Duration.ofSeconds(1400));
                next = tokens::get;
            }
            if (!general) {
                assertEquals(4, assertThrows(Fault.class, next::get).exitCode());
                return;
            }
            assertFalse(next.get().value().equals(first.value()));
            assertEquals("GITHUB_TOKEN", tokens.source().source());
            assertEquals(3, cop.sim.count(EXCHANGE));
        }
    }

    // ---- quotes, logout, login

    @ParameterizedTest
    @ValueSource(strings = {"\"%s\"", "'%s'", " \"%s\" \n", "\" %s\r\n\""})
    void quotesAroundTokenAreRemovedWithNote(String written) {
        String quoted = written.formatted(simulator.GITHUB_TOKEN);
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", quoted).run("chat", "say: hello");
        assertEquals("hello\n", outcome.out(), outcome::all);
        assertEquals(1, outcome.err().split("ignoring the quotes around COPILOT_GITHUB_TOKEN").length - 1,
                outcome::all);
        outcome = cop.with("COPILOT_GITHUB_TOKEN", null).runWith(quoted, "login", "--with-token");
        assertEquals(0, outcome.code(), outcome::all);
        reports(outcome, "ignoring the quotes around standard input");
        assertEquals("hello\n", cop.run("chat", "say: hello").out());
    }

    @Test
    void logoutOfUntriedLoginNamesNoEmptyUser() {
        cop.write(Login.KEPT, "{\"%s\":{\"token\":\"ghu_x\"}}".formatted(cop.sim.url()));
        assertEquals("logged out (" + cop.sim.url() + ")\n", cop.run("logout").out());
    }

    @Test
    void appWithoutDeviceFlowIsNotSuggestedAgain() {
        cop.sim.set("device", "disabled");
        for (var pair : List.of("vscode gh", "gh vscode")) {
            reports(cop.run("login", "--no-browser", "--client", pair.split(" ")[0]),
                    "hint: copilot login --client " + pair.split(" ")[1]);
        }
    }

    @Test
    void readOnlyHomeIsReportedBeforeTheCode() {
        cop.write("file", "");
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", null).with("COP_HOME", cop.file("file").toString())
                .run("login", "--no-browser", "--force");
        assertEquals(1, outcome.code(), outcome::all);
        reports(outcome, "cannot save the login");
        assertEquals(List.of(), cop.sim.ledger());
    }

    // ---- kinds of tokens

    @Test
    void githubCliTokenIsUsedDirectly() {
        String token = cop.sim.issueGithubToken("gho");
        cop.with("COPILOT_GITHUB_TOKEN", token);
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals("Bearer " + token, header(cop.last(CHAT), "Authorization"));
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertEquals(1, cop.sim.count(EXCHANGE));
        assertEquals(1, cop.sim.count("/copilot_internal/user"));
        for (String name : cop.cached("")) assertFalse(cop.read(CACHE + "/" + name).contains(token), name);
        assertEquals(token + "\n", cop.ok("token").out());
        assertTrue(cop.ok("status").out().contains("used directly"));
        cop.time.advance(Duration.ofDays(1));
        cop.ok("chat", "say: hello");
        assertEquals(2, cop.sim.count("/copilot_internal/user"));
    }

    @Test
    void statusShowsDirectAndExchangedSources() {
        assertTrue(cop.ok("status").out().contains("exchanged"));
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("gho"));
        assertTrue(cop.ok("status", "--json").out().contains("used directly"));
    }

    @Test
    void loginAsGithubCliWorks() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.ok("login", "--client", "gh", "--no-browser");
        assertEquals("hello\n", cop.ok("chat", "say: hello").out());
        assertTrue(header(cop.last(CHAT), "Authorization").startsWith("Bearer gho_"));
    }

    @Test
    void revokedDirectTokenIsNotUsed() {
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("gho"));
        cop.ok("chat", "hi");
        cop.sim.reset();
        reports(cop.run("chat", "hi"), 4, "revoked, expired, or mistyped");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "ghs | installation token | permissions: copilot-requests: write",
            "github_pat | fine-grained personal access tokens | only work in GitHub's own copilot CLI and SDK",
            "ghp | classic personal access token | copilot login"})
    void unsupportedTokenKindsHintAtSupportedOnes(String kind, String words, String hint) {
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken(kind));
        assertTrue(reports(cop.run("chat", "hi"), 4, words).err().contains(hint));
        assertEquals(0, cop.sim.count(CHAT));
    }

    // ---- identity

    @Test
    void apiAndExchangeGetSameIdentityHeaders() {
        cop.ok("chat", "hi");
        for (String path : List.of(EXCHANGE, "/models", CHAT)) {
            var entry = cop.last(path);
            assertEquals("vscode-chat", header(entry, "Copilot-Integration-Id"), path);
            assertTrue(header(entry, "Editor-Version").matches("vscode/1\\.1[0-9]{2}\\.[0-9]+"), path);
            assertTrue(header(entry, "Editor-Plugin-Version").matches("copilot-chat/0\\.[0-9]{2}\\.[0-9]+"), path);
            assertTrue(header(entry, "User-Agent").matches("GitHubCopilotChat/0\\.[0-9]{2}\\.[0-9]+"), path);
        }
        assertEquals("2025-04-01", header(cop.last(EXCHANGE), "X-GitHub-Api-Version"));
        assertEquals("2026-08-01", header(cop.last("/models"), "X-GitHub-Api-Version"));
        assertEquals("2026-08-01", header(cop.last(CHAT), "X-GitHub-Api-Version"));
        cop.ok("usage");
        assertEquals("2025-04-01", header(cop.last("/copilot_internal/user"), "X-GitHub-Api-Version"));
        cop.ok("status");
        assertEquals("", header(cop.last("/user"), "X-GitHub-Api-Version"), "a public path knows no such version");
    }

    @Test
    void currentModelListIsRequested() {
        String models = cop.ok("models").out();
        assertTrue(models.contains("gpt-5.5\t"), models);
        assertTrue(models.contains("claude-sonnet-5\t"), models);
        String legacy = cop.ok("models", "--refresh", "-H", "X-GitHub-Api-Version:").out();
        assertFalse(legacy.contains("gpt-5.5\t"), legacy);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Copilot-Integration-Id: copilot-language-server", "Editor-Version: vscode/1.130.0",
            "Editor-Plugin-Version: copilot-chat/0.60.0", "User-Agent: me/1.0", "X-GitHub-Api-Version: 2026-09-01",
            "X-GitHub-Api-Version:"})
    void identityHeaderOptionAppliesToExchangeAndCaches(String line) {
        cop.ok("chat", "hi");
        cop.ok("chat", "-H", line, "hi");
        String[] parts = line.split(": ?", 2);
        for (String path : List.of(EXCHANGE, "/models", CHAT)) {
            assertEquals(2, cop.requests(path).size(), path);
            assertEquals(parts[1], header(cop.last(path), parts[0]), path);
        }
        cop.with("COP_HEADERS", line);
        cop.ok("chat", "hi");
        assertEquals(2, cop.requests(EXCHANGE).size(), "the same identity by the variable: its token is there");
    }

    @Test
    void logoutDeletesTokensOfAllIdentities() {
        cop.ok("token");
        cop.ok("token", "-H", "Editor-Version: vscode/1.130.0");
        assertEquals(2, cop.cached("token-").size());
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token");
        cop.ok("logout");
        assertEquals(List.of(), cop.cached("token-"));
    }

    @Test
    void tokenOfAnotherIntegrationIsRefreshedOnce() {
        cop.sim.set("exchange-scope", true);
        cop.ok("chat", "-m", "gpt-5.5", "hi");
        assertEquals(1, cop.requests(EXCHANGE).size());
        cop.sim.set("integrator", "gpt-5-mini");
        reports(cop.run("chat", "-m", "gpt-5.5", "hi"), 1, "Available models: [gpt-5-mini]");
        assertEquals(2, cop.requests(EXCHANGE).size(), "once more, in case the token was made for another");
    }

    @Test
    void batchRefreshesTokenOfAnotherIntegrationOnce() {
        cop.sim.set("integrator", "gpt-5-mini");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n{\"x\":2}\n{\"x\":3}\n{\"x\":4}\n");
        assertEquals(5, cop.run("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay",
                "0", "-m", "gpt-5.5").code());
        assertEquals(2, cop.requests(EXCHANGE).size());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "400-vscode-version | hint: -H 'Editor-Version: vscode/1.104.1'",
            "400-out-of-date | hint: a newer copilot.java (jbang --fresh), or -H 'Editor-Plugin-Version: copilot-chat/",
            "466-vscode | hint: -H 'Editor-Version: vscode/1.109.2'",
            "466 | hint: a newer copilot.java (jbang --fresh), or -H 'X-GitHub-Api-Version: "})
    void outdatedIdentityHintsAtHeader(String fault, String hint) {
        cop.sim.set("faults", fault);
        reports(cop.run("chat", "-m", "gpt-5-mini", "hi"), 1, hint);
    }

    /// Older versions exchanged tokens without the integration id.
    @Test
    void concurrentRowsSurviveTokenOfAnotherIntegration() {
        cop.sim.set("exchange-scope", true).set("latency", 50);
        cop.ok("models");
        String cached = CACHE + "/" + cop.cached("token-").getFirst();
        cop.ok("token", "--refresh", "-H", "Copilot-Integration-Id: copilot-language-server");
        String other = CACHE + "/" + cop.cached("token-").stream().filter(name -> !cached.endsWith(name)).findFirst()
                .orElseThrow();
        cop.write(cached, cop.read(other));
        cop.write("t.mustache", "say: {{x}}");
        rows(16);
        var outcome = cop.run(batch("-m", "gpt-5.5", "-j", "16"));
        assertEquals(0, outcome.code(), outcome::all);
        assertEquals(16, cop.jsonLines("out.jsonl").stream().filter(row -> row.path("status").asString().equals("ok"))
                .count());
    }

    private String at(String name) { return cop.file(name).toString(); }

    private void rows(int number) {
        var rows = new StringBuilder();
        for (int i = 1; i <= number; i++) rows.append("{\"id\":").append(i).append(",\"x\":").append(i).append("}\n");
        cop.write("rows.jsonl", rows.toString());
    }

    private String[] batch(String... more) {
        var all = new ArrayList<>(List.of("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"),
                "--delay", "0"));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }
}
