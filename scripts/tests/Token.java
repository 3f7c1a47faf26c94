package cop;

import module java.base;

import cop.copilot.Fault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Step 4: sources of GitHub tokens, the exchange, cached and refreshed tokens, `token` and `status`.
class Token {
    private static final String EXCHANGE = Login.EXCHANGE, CACHE = ".cache/copilot.java/",
            EDITORS = ".config/github-copilot/", CHAT = "/chat/completions";

    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---- where a GitHub token comes from

    @Test
    void sourcesAreTriedInOrder() {
        everySource();
        assertEquals(List.of("COPILOT_GITHUB_TOKEN ghu_variable", "your login ghu_login", "GH_TOKEN gho_gh",
                "GITHUB_TOKEN ghp_github", "the editors' apps.json ghu_apps", "the editors' hosts.json ghu_hosts"),
                found("github.com"));
    }

    @Test
    void tokenInTwoSourcesIsTriedOnce() {
        everySource();
        cop.with("GITHUB_TOKEN", "gho_gh").with("COPILOT_GITHUB_TOKEN", "ghu_apps");
        assertEquals(List.of("COPILOT_GITHUB_TOKEN ghu_apps", "your login ghu_login", "GH_TOKEN gho_gh",
                "the editors' hosts.json ghu_hosts"), found("github.com"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://127.0.0.1:9", "https://cop.example", "https://github.com.evil.example"})
    void customOriginGetsDedicatedTokensOnly(String host) {
        everySource();
        cop.write(Login.KEPT, "{\"%s\":{\"token\":\"ghu_own\"}}".formatted(host));
        cop.write(EDITORS + "apps.json", "{\"%s:Iv1.x\":{\"oauth_token\":\"ghu_apps\"}}".formatted(host));
        cop.write(EDITORS + "hosts.json", "{\"%s\":{\"oauth_token\":\"ghu_hosts\"}}".formatted(host));
        assertEquals(List.of("COPILOT_GITHUB_TOKEN ghu_variable", "your login ghu_own"), found(host));
    }

    @Test
    void generalVariablesAreNeverSentToSimulator() {
        cop.with("COPILOT_GITHUB_TOKEN", null).with("GH_TOKEN", simulator.GITHUB_TOKEN)
                .with("GITHUB_TOKEN", simulator.GITHUB_TOKEN);
        assertEquals(4, cop.run("token").code());
        assertEquals(4, cop.run("status", "--check").code());
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void tenantHasItsOwnLoginAndEditors() {
        everySource();
        cop.write(Login.KEPT, "{\"octo.ghe.com\":{\"token\":\"ghu_tenant\"},\"github.com\":{\"token\":\"ghu_login\"}}");
        cop.write(EDITORS + "apps.json", """
                {"github.com:Iv1.x":{"oauth_token":"ghu_apps"},"octo.ghe.com:Iv1.x":{"oauth_token":"ghu_octo"},
                 "octo.ghe.com.evil.example":{"oauth_token":"ghu_evil"}}""");
        assertEquals(List.of("COPILOT_GITHUB_TOKEN ghu_variable", "your login ghu_tenant", "GH_TOKEN gho_gh",
                "GITHUB_TOKEN ghp_github", "the editors' apps.json ghu_octo"), found("octo"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "{\"github.com\":5}", "{\"github.com\":{\"oauth_token\":null}}",
            "{\"github.com\":{\"oauth_token\":\"\"}}",
            "{\"github.com.evil.example\":{\"oauth_token\":\"ghu_x\"}}",
            "{\"notgithub.com\":{\"oauth_token\":\"ghu_x\"}}"})
    void unusableEditorFileIsSkipped(String text) {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.write(EDITORS + "apps.json", text);
        cop.write(EDITORS + "hosts.json", "{\"github.com\":{\"user\":\"octocat\",\"oauth_token\":\"ghu_hosts\"}}");
        assertEquals(List.of("the editors' hosts.json ghu_hosts"), found("github.com"));
    }

    @Test
    void emptyEditorEntryIsSkipped() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.write(EDITORS + "apps.json", """
                {"github.com:Iv1.a":{"oauth_token":""},"github.com:Iv1.b":{"oauth_token":"ghu_second"}}""");
        assertEquals(List.of("the editors' apps.json ghu_second"), found("github.com"));
    }

    @Test
    void everyMatchingEditorEntryIsTried() {
        String refused = cop.sim.issueGithubToken("ghp");
        cop.with("COPILOT_GITHUB_TOKEN", null).sim.set("endpoints", "none");
        cop.write(EDITORS + "apps.json", """
                {"github.com:Iv1.a":{"oauth_token":"%s"},"github.com:Iv1.b":{"oauth_token":"%s"}}"""
                .formatted(refused, simulator.GITHUB_TOKEN));
        var origin = URI.create(cop.sim.url());
        try (var http = new HttpSender(new Console(environment()), Duration.ofMinutes(1))) {
            var context = session(new Host("github.com", origin, origin, origin, false), http);
            assertEquals(2, new CredentialSources(context).all().size());
            assertTrue(new TokenManager(context, new CredentialSources(context)).get().value().startsWith("tid="));
        }
        assertEquals(List.of(404, 200), statuses(EXCHANGE));
    }

    @Test
    void editorFolderFollowsXdg() {
        cop.with("COPILOT_GITHUB_TOKEN", null).with("XDG_CONFIG_HOME", cop.file("xdg").toString());
        cop.write("xdg/github-copilot/hosts.json", "{\"github.com\":{\"oauth_token\":\"ghu_hosts\"}}");
        assertEquals(List.of("the editors' hosts.json ghu_hosts"), found("github.com"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "  ", "\n"})
    void emptyVariableIsIgnored(String value) {
        cop.with("COPILOT_GITHUB_TOKEN", value);
        assertEquals(List.of(), found("github.com"));
    }

    @Test
    void variablesAreTrimmed() {
        cop.with("COPILOT_GITHUB_TOKEN", " " + simulator.GITHUB_TOKEN + "\r\n");
        assertEquals(0, cop.run("token").code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ghu_a b", "ghu_a\nb", "gh\u00f8_x", "ghu_a\u0007"})
    void invalidTokenVariableIsReportedWithoutFallback(String nonsense) {
        ownLogin();
        cop.with("COPILOT_GITHUB_TOKEN", nonsense);
        var outcome = cop.run("token");
        assertEquals(4, outcome.code(), outcome::all);
        reports(outcome, "COPILOT_GITHUB_TOKEN");
        var status = cop.run("status");
        assertEquals(4, status.code(), status::all);
        assertTrue(status.out().lines().anyMatch(l -> l.matches(" +COPILOT_GITHUB_TOKEN +refused .*")), status::all);
    }

    @Test
    void invalidTokenAloneIsNotALogin() {
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", "ghu_a b").run("token");
        assertEquals(4, outcome.code(), outcome::all);
        reports(outcome, "COPILOT_GITHUB_TOKEN");
        assertFalse(outcome.err().contains("ghu_a"), outcome::all);
        assertEquals(List.of(), cop.sim.ledger());
    }

    // ---- the exchange

    @Test
    void exchangeSendsEachHeaderOnce() {
        cop.run("token");
        var headers = exchanges().getFirst().headers();
        assertEquals(List.of("token " + simulator.GITHUB_TOKEN), headers.get("authorization"));
        assertEquals(List.of("vscode/1.126.0"), headers.get("editor-version"));
        assertEquals(List.of("copilot-chat/0.54.0"), headers.get("editor-plugin-version"));
        assertEquals(List.of("GitHubCopilotChat/0.54.0"), headers.get("user-agent"));
        assertEquals(List.of("vscode-chat"), headers.get("copilot-integration-id"));
        assertEquals(List.of("2025-04-01"), headers.get("x-github-api-version"));
        assertEquals(List.of("application/json"), headers.get("accept"));
        assertEquals(List.of("vscode-chat"), headers.get("copilot-integration-id"));
    }

    @Test
    void headerNamesAreCaseInsensitive() {
        cop.with("COP_HEADERS", "editor-version: vscode/1.90.0\nX-Own: 1").run("token", "-H", "USER-AGENT: Mine/2");
        var headers = exchanges().getFirst().headers();
        assertEquals(List.of("vscode/1.90.0"), headers.get("editor-version"));
        assertEquals(List.of("Mine/2"), headers.get("user-agent"));
        assertNull(headers.get("x-own"), "what the user adds is for the API alone");
    }

    @Test
    void minimalExchangeResponse() {
        cop.sim.set("minimal", true);
        assertEquals(0, cop.run("token").code());
        assertTrue(cop.run("status").out().contains(cop.sim.url()));
    }

    @ParameterizedTest
    @CsvSource({"individual, individual", "free, free", "business, business", "enterprise, enterprise"})
    void planIsReadFromSku(String plan, String shown) {
        cop.sim.set("plan", plan);
        assertEquals(shown, status().path("plan").asString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            bad-credentials | Bad credentials                                  | revoked
            foreign-app     | Resource not accessible by integration           | app
            pat             | Resource not accessible by personal access token | app
            not-found       | Not Found                                        | app""")
    void rejectedTokenIsReportedWithSourceAndReason(String exchange, String sentence, String words) {
        cop.sim.set("exchange", exchange);
        var outcome = cop.run("token");
        assertEquals(4, outcome.code(), outcome::all);
        assertEquals("", outcome.out());
        reports(outcome, "COPILOT_GITHUB_TOKEN");
        reports(outcome, sentence, words);
        assertTrue(outcome.err().contains("C0DE:"), "the request id is kept: " + outcome.all());
        reports(outcome, "\nhint: unset COPILOT_GITHUB_TOKEN");
    }

    @ParameterizedTest
    @CsvSource({"ghs, installation", "ghp, classic", "github_pat, fine-grained", "ghu-foreign, app"})
    void tokenKindIsExplained(String kind, String words) {
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken(kind));
        var outcome = cop.run("token");
        assertEquals(4, outcome.code(), outcome::all);
        reports(outcome, words);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            not_signed_up                   | 4 | You are not signed up for   | no Copilot    | signup?editor=vscode
            no_copilot_access               | 4 | No access to GitHub Copilot | no Copilot    | signup?editor=vscode
            subscription_ended              | 4 | subscription has ended.     | ended         | signup?editor=vscode
            enterprise_managed_user_account | 4 | Ask the admin of            | administrator | docs.github.com/copilot
            feature_flag_blocked            | 4 | A feature flag blocks       | Support       | support.github.com
            spammy_user                     | 4 | account has been flagged.   | Support       | support.github.com
            billing_locked                  | 4 | for a billing issue.        | Billing issue | settings/billing
            trade_restricted                | 4 | by trade controls.          | Trade         | docs.github.com/copilot
            trade_restricted_country        | 4 | not available in your       | Trade         | docs.github.com/copilot
            codespaces_demo_inactive        | 4 | demo is no longer active.   | Demo over     | signup?editor=vscode
            snippy_not_configured           | 4 | Say first whether public    | Settings      | copilot?editor=vscode
            expired_coupon                  | 4 | for Copilot has expired.    | ended         | settings/billing
            revoked_coupon                  | 4 | for Copilot was revoked.    | ended         | settings/billing
            go_http_client                  | 1 | this client are blocked.    | abuse         | support.github.com
            programmatic_token_generation   | 1 | generated by a program.     | abuse         | support.github.com
            access_revoked                  | 4 | to Copilot was revoked.     | revoked       | support.github.com
            server_error                    | 1 | went wrong on our side.     | Server error  | support.github.com""")
    void notificationIsPrintedVerbatim(String id, int code, String sentence, String words, String url) {
        cop.sim.set("exchange", id);
        var outcome = cop.run("token");
        assertEquals(code, outcome.code(), outcome::all);
        assertEquals("", outcome.out());
        reports(outcome, sentence, words, url, id, "HTTP 403", "C0DE:", "\nhint: ");
        assertFalse(outcome.err().contains("{EDITOR}"), outcome::all);
        assertEquals(code == 4, outcome.err().contains("COPILOT_GITHUB_TOKEN"), outcome::all);
        assertEquals(1, exchanges().size());
    }

    @Test
    void unknownNotificationIsPrinted() {
        try (var github = stub(Stub.Reply.json(403, """
                {"error_details":{"notification_id":"brand_new","title":"New","message":"A new reason.\\u001b[2J",
                 "url":"https://github.com/x?e={EDITOR}"},"message":"Resource not accessible by integration"}"""))) {
            var outcome = cop.run("token");
            assertEquals(4, outcome.code(), outcome::all);
            reports(outcome, "A new reason.", "https://github.com/x?e=vscode");
            assertFalse(outcome.err().contains("{EDITOR}") || outcome.err().contains("\033"), outcome::all);
        }
    }

    @Test
    void nextSourceIsTriedAfterRejection() {
        ownLogin();
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghp"));
        var outcome = cop.run("chat", "say: hello");
        assertEquals("hello\n", outcome.out(), outcome::all);
        reports(outcome, "COPILOT_GITHUB_TOKEN", "classic");
    }

    @Test
    void rejectionOfAllSourcesHintsAtLogin() {
        ownLogin();
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghp"));
        cop.time.advance(Duration.ofHours(1));
        cop.sim.set("exchange-faults", "spammy_user");
        var outcome = cop.run("chat", "hello");
        assertEquals(4, outcome.code(), outcome::all);
        reports(outcome, "COPILOT_GITHUB_TOKEN", "your login", "classic", "Your account has been flagged.",
                "hint: copilot login");
        assertEquals(0, cop.sim.count(CHAT));
    }

    /// GitHub refused an exchange once, though the token in the cache is still good.
    @Test
    void rejectedRefreshKeepsValidToken() {
        cop.sim.set("exchange-faults", "ok,not-found,ok");
        String token = cop.run("token").out();
        assertEquals(4, cop.run("token", "--refresh").code());
        assertEquals(token, cop.run("token").out());
    }

    @Test
    void editorFileMayHaveAnyKey() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.write(EDITORS + "apps.json", "{\":\":{\"oauth_token\":\"x\"},\"\":{\"oauth_token\":\"y\"}}");
        assertEquals(4, cop.with("COP_HOST", null).run("chat", "hello").code());
    }

    @Test
    void missingTokenHintsAtLogin() {
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", null).run("token");
        assertEquals(4, outcome.code());
        reports(outcome, "hint: copilot login");
    }

    // ---- refusals are remembered

    @Test
    void rejectionIsCachedForADay() {
        cop.sim.set("exchange", "no_copilot_access");
        for (var command : List.of("token", "token", "chat", "models", "status")) {
            var outcome = cop.run(command.equals("chat") ? new String[] {"chat", "hello"} : new String[] {command});
            assertEquals(4, outcome.code(), outcome::all);
            assertTrue(outcome.all().contains("No access to GitHub Copilot found."), outcome::all);
        }
        assertEquals(1, exchanges().size());
        cop.time.advance(Duration.ofHours(23));
        assertEquals(4, cop.run("token").code());
        assertEquals(1, exchanges().size());
        cop.time.advance(Duration.ofHours(2));
        assertEquals(4, cop.run("token").code());
        assertEquals(2, exchanges().size());
    }

    @Test
    void cachedRejectionReportsAgeAndHint() {
        cop.sim.set("exchange", "no_copilot_access");
        cop.run("token");
        cop.time.advance(Duration.ofHours(3));
        var outcome = cop.run("token");
        reports(outcome, "3 h ago", "status --check");
    }

    @Test
    void statusCheckIgnoresCachedRejection() {
        cop.sim.set("exchange", "no_copilot_access");
        cop.run("token");
        assertEquals(4, cop.run("status", "--check").code());
        assertEquals(2, exchanges().size());
        cop.sim.set("exchange", "ok");
        assertEquals(4, cop.run("token").code());
        assertEquals(0, cop.run("status", "--check").code());
        assertEquals(0, cop.run("token").code());
    }

    @Test
    void successClearsCachedRejection() {
        cop.sim.set("exchange", "no_copilot_access");
        cop.run("token");
        cop.sim.set("exchange", "ok");
        assertEquals(0, cop.run("status", "--check").code());
        cop.time.advance(Duration.ofHours(1));
        var outcome = cop.run("token");
        assertEquals(0, outcome.code(), outcome::all);
    }

    @Test
    void refreshRespectsCachedRejection() {
        ownLogin();
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("gho"));
        assertEquals(0, cop.run("token").code());
        long before = exchanges().size();
        assertEquals(0, cop.run("token", "--refresh").code());
        assertEquals(before + 1, exchanges().size());
    }

    @Test
    void anotherTokenInSameSourceIsTried() {
        cop.sim.set("exchange", "no_copilot_access");
        cop.run("token");
        cop.sim.set("exchange", "ok");
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghu"));
        assertEquals(0, cop.run("token").code());
    }

    @Test
    void rejectionFromTheFutureIsIgnored() {
        cop.sim.set("exchange", "no_copilot_access");
        cop.run("token");
        cop.time.advance(Duration.ofDays(-3));
        cop.sim.set("exchange", "ok");
        assertEquals(0, cop.run("token").code());
    }

    @Test
    void rejectionsAreStoredByHash() throws IOException {
        cop.sim.set("exchange", "no_copilot_access");
        cop.run("token");
        assertNoGithubTokenInTheCache();
        assertEquals("rw-------", permissions(cached()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"rejected\":\"x\"}", "{\"answer\":{\"rejected\":\"x\"}}",
            "{\"fetched_at\":\"x\",\"answer\":{\"rejected\":\"x\"}}",
            "{\"fetched_at\":1e300,\"answer\":{\"rejected\":\"x\"}}",
            "{\"fetched_at\":9223372036854775807,\"answer\":{\"rejected\":\"x\"}}",
            "{\"fetched_at\":-9223372036854775808,\"answer\":{\"rejected\":\"x\"}}"})
    void damagedRejectionCacheIsIgnored(String text) {
        cop.write(CACHE + cached().getFileName(), text);
        cop.sim.set("exchange-faults", "no_copilot_access");
        var refused = cop.run("token");
        assertEquals(4, refused.code(), refused::all);
        assertFalse(refused.err().contains("bug"), refused::all);
        assertEquals(4, cop.run("token").code());
        assertEquals(1, exchanges().size());
    }

    // ---- what is no refusal of the token

    @ParameterizedTest
    @ValueSource(strings = {"programmatic_token_generation", "go_http_client"})
    void abuseDetectionStopsEverything(String verdict) {
        ownLogin();
        long before = exchanges().size();
        cop.sim.set("exchange-faults", verdict);
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghu"));
        var outcome = cop.run("chat", "hello");
        assertEquals(1, outcome.code(), outcome::all);
        assertEquals(before + 1, exchanges().size(), "neither tried again nor with another token");
        assertEquals(0, cop.sim.count(CHAT));
        assertEquals(List.of(), cop.time.pauses.stream().filter(p -> p.toMillis() < 900).toList());
        reports(outcome, "do not retry");
    }

    @ParameterizedTest
    @ValueSource(strings = {"programmatic_token_generation", "go_http_client"})
    void abuseDetectionAtRefreshStopsEverything(String verdict) {
        cop.run("token");
        cop.time.advance(Duration.ofSeconds(1300));
        cop.sim.set("exchange", verdict);
        var outcome = cop.run("chat", "hello");
        assertEquals(1, outcome.code(), outcome::all);
        assertEquals(0, cop.sim.count(CHAT));
        reports(outcome, "error: blocked by GitHub's abuse detection");
    }

    @Test
    void rateLimitIsNotCachedAsRejection() {
        cop.sim.set("exchange-faults", "rate-limit");
        var outcome = cop.run("token");
        assertEquals(75, outcome.code(), outcome::all);
        reports(outcome, "API rate limit exceeded for user ID 1.");
        assertEquals(1, exchanges().size());
        assertEquals(0, cop.run("token").code());
    }

    @Test
    void rateLimitReportsRetryTime() {
        cop.sim.set("exchange", "rate-limit");              // its X-RateLimit-Reset is half an hour ahead
        var outcome = cop.run("token");
        reports(outcome, "30 min");
    }

    @Test
    void outageIsRetriedWithBackoff() {
        cop.sim.set("exchange-faults", "502,503,500");
        assertEquals(0, cop.run("token").code());
        assertEquals(4, exchanges().size());
        var pauses = cop.time.pauses;
        assertEquals(3, pauses.size());
        for (int i = 0; i < 3; i++) {
            double seconds = pauses.get(i).toMillis() / 1000.0 / (1 << i);
            assertTrue(seconds >= 0.7 && seconds <= 1.3, () -> "" + pauses);
        }
    }

    @ParameterizedTest
    @CsvSource({"502, unavailable", "reset, lost"})
    void lastingOutageFailsAfterFourAttempts(String fault, String words) {
        cop.sim.set("exchange-faults", (fault + ",").repeat(20));
        var outcome = cop.run("token");
        assertEquals(1, outcome.code(), outcome::all);
        reports(outcome, words, "\nhint: ");
        assertEquals(4, exchanges().size());
        assertEquals(3, cop.time.pauses.size());
    }

    /// Old and new token are equal and differ only in the fetch time.
    @Test
    void directTokensAreRefreshedTogether() throws Exception {
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("gho"));
        try (var http = new HttpSender(new Console(environment()), Duration.ofMinutes(1));
             var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var context = session(Host.of("--host", cop.sim.url()), http);
            var tokens = new TokenManager(context, new CredentialSources(context));
            var old = tokens.get();
            assertTrue(old.direct());
            cop.time.advance(Duration.ofMinutes(1));
            Callable<copilot.Token> renewal = () -> tokens.refreshAfter401(old);
            for (var renewed : threads.invokeAll(Collections.nCopies(16, renewal))) {
                assertTrue(renewed.get().fetched().isAfter(old.fetched()));
            }
        }
        assertEquals(2, exchanges().size());
    }

    @Test
    void outageIsNotARejection() {
        cop.sim.set("exchange-faults", "502,502,502,502");
        cop.run("token");
        assertEquals(0, cop.run("token").code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"html", "garbage", "empty"})
    void invalidExchangeResponseIsAnErrorAndNotCached(String fault) {
        cop.sim.set("exchange-faults", fault);
        var outcome = cop.run("token");
        assertEquals(1, outcome.code(), outcome::all);
        reports(outcome, "unexpected response", "\nhint: ");
        assertEquals(0, cop.run("token").code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"token\":null}", "{\"token\":\"\"}", "{\"token\":7}", "{\"token\":\"a b\"}",
            "{\"token\":\"a\\nb\"}", "{\"token\":\"a\\r\\nX-Evil: 1\"}"})
    void exchangeResponseWithoutTokenIsAnErrorAndNotCached(String answer) {
        try (var github = stub(Stub.Reply.json(200, answer))) {
            var outcome = cop.run("token");
            assertEquals(1, outcome.code(), outcome::all);
            assertFalse(outcome.err().contains("bug"), outcome::all);
            cop.run("token");
            assertEquals(2, github.count(EXCHANGE));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-5", "\"soon\"", "null", "9223372036854775807", "1e300", "1500.5", "99999999999999"})
    void anyRefreshInIsAccepted(String refreshIn) {
        try (var github = stub(Stub.Reply.json(200, "{\"token\":\"tid=0\",\"refresh_in\":%s}".formatted(refreshIn)))) {
            for (int i = 0; i < 2; i++) {
                var outcome = cop.run("token");
                assertEquals("tid=0\n", outcome.out(), outcome::all);
                assertEquals(0, cop.run("status").code());
            }
            assertTrue(github.count(EXCHANGE) > 0);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404})
    void responseOfFirewallIsNotARejection(int status) {
        try (var github = stub(Stub.Reply.html(status, "<html><body>Blocked by policy</body></html>"),
                Stub.Reply.json(200, "{\"token\":\"tid=0\"}"))) {
            var outcome = cop.run("token");
            assertNotEquals(0, outcome.code());
            assertFalse(outcome.err().matches("(?s).*(belongs to|made for) an app.*"), outcome::all);
            assertEquals("tid=0\n", cop.run("token").out(), "a wall's answer must not be remembered for a day");
        }
    }

    // ---- the cache

    @Test
    void tokenIsCachedForEveryCommand() {
        for (int i = 0; i < 3; i++) assertEquals(0, cop.run("token").code());
        cop.run("chat", "say: hello");
        cop.run("status");
        assertEquals(1, exchanges().size());
    }

    @Test
    void cacheIsPrivateAndFileNamesContainNoToken() throws IOException {
        cop.run("token");
        assertEquals("rwx------", permissions(cop.file(CACHE)));
        try (var files = Files.list(cop.file(CACHE))) {
            for (var file : files.toList()) {
                assertEquals("rw-------", permissions(file), file::toString);
                assertFalse(file.getFileName().toString().contains("Octocat"), file::toString);
            }
        }
        assertNoGithubTokenInTheCache();
    }

    @Test
    void readableCacheIsMadePrivateAtRefresh() throws IOException {
        cop.run("token");
        Files.setPosixFilePermissions(cached(), PosixFilePermissions.fromString("rw-rw-rw-"));
        cop.run("token", "--refresh");
        assertEquals("rw-------", permissions(cached()));
    }

    @Test
    void cacheContainsNoTemporaryFiles() throws IOException {
        for (int i = 0; i < 3; i++) cop.run("token", "--refresh");
        try (var files = Files.list(cop.file(CACHE))) {
            var names = files.map(f -> f.getFileName().toString()).sorted().toList();
            assertTrue(names.stream().noneMatch(n -> n.endsWith(".part")), names::toString);
            assertEquals(1, names.stream().filter(n -> n.endsWith(".json")).count(), names::toString);
        }
    }

    @Test
    void cachesArePerGithubToken() {
        String first = cop.run("token").out();
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghu"));
        String second = cop.run("token").out();
        assertNotEquals(first, second);
        assertEquals(first, cop.with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN).run("token").out());
        assertEquals(2, exchanges().size());
    }

    @Test
    void tokensArePerHost() {
        try (var other = simulator.start(cop.time)) {
            String first = cop.run("token").out();
            assertNotEquals(first, cop.run("token", "--host", other.url()).out());
            assertEquals(first, cop.run("token").out());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "null", "[]", "{}", "7", "{\"fetched_at\":1,\"answer\":{}}",
            "{\"fetched_at\":NOW}", "{\"fetched_at\":NOW,\"answer\":[]}",
            "{\"fetched_at\":NOW,\"answer\":{\"token\":7}}", "{\"fetched_at\":NOW,\"answer\":{\"token\":\"\"}}",
            "{\"fetched_at\":NOW,\"answer\":{\"token\":\"a b\"}}",
            "{\"fetched_at\":NOW,\"answer\":{\"token\":\"a\\nb\"}}",
            "{\"fetched_at\":\"NOW\",\"answer\":{\"token\":\"a\"}}",
            "{\"fetched_at\":9223372036854775807,\"answer\":{\"token\":\"a\"}}",
            "{\"fetched_at\":-9223372036854775808,\"answer\":{\"token\":\"a\"}}",
            "{\"fetched_at\":1e300,\"answer\":{\"token\":\"a\"}}",
            "{\"fetched_at\":1e999999999,\"answer\":{\"token\":\"a\"}}",
            "{\"fetched_at\":31556889864403199,\"answer\":{\"token\":\"a\",\"refresh_in\":9223372036854775807}}",
            "{\"fetched_at\":NOW,\"answer\":{\"token\":\"a\",\"endpoints\":{\"api\":\"https://evil.example\"}}}",
            "{\"fetched_at\":NOW,\"answer\":{\"token\":\"a\",\"endpoints\":{\"api\":\"nonsense\"}}}",
            "\u0000\u0000\u0000"})
    void damagedCacheIsDiscarded(String text) throws IOException {
        String before = cop.run("token").out();
        Files.writeString(cached(), text.replace("NOW", "" + cop.time.now().getEpochSecond()));
        fetchedAnew(before);
    }

    @Test
    void truncatedCacheIsDiscarded() throws IOException {
        String before = cop.run("token").out();
        String whole = Files.readString(cached());
        Files.writeString(cached(), whole.substring(0, whole.length() / 2));
        fetchedAnew(before);
    }

    @Test
    void binaryCacheIsDiscarded() throws IOException {
        String before = cop.run("token").out();
        Files.write(cached(), new byte[] {(byte) 0xff, (byte) 0xfe, 0, (byte) 0xc3});
        fetchedAnew(before);
    }

    @Test
    void folderInPlaceOfCacheIsHandled() throws IOException {
        cop.run("token");
        Path place = cached();
        Files.delete(place);
        Files.createDirectories(place.resolve("in"));
        var outcome = cop.run("token");
        assertEquals(0, outcome.code(), outcome::all);
        reports(outcome, "without the cache");
    }

    @Test
    void fetchTimeInTheFutureIsExpired() {
        cop.run("token");
        cop.time.advance(Duration.ofMinutes(-10));
        assertEquals(0, cop.run("token").code());
        assertEquals(2, exchanges().size());
    }

    @ParameterizedTest
    @ValueSource(ints = {-86_400, 86_400})
    void wrongServerClockIsHarmless(int skew) {
        cop.sim.set("clock-skew", skew);
        assertEquals("hello\n", cop.run("chat", "say: hello").out());
        long left = status().path("seconds_left").asLong();
        assertTrue(left > 1400 && left <= 1560, () -> left + " s left");
        cop.time.advance(Duration.ofSeconds(1200));
        cop.run("chat", "say: hello");
        assertEquals(1, exchanges().size());
        cop.time.advance(Duration.ofSeconds(100));
        cop.run("chat", "say: hello");
        assertEquals(2, exchanges().size());
    }

    @Test
    void cleanupKeepsLockInUse() throws IOException {
        cop.run("token");
        Path lock;
        try (var files = Files.list(cop.file(CACHE))) {
            lock = files.filter(f -> f.toString().endsWith(".lock")).findFirst().orElseThrow();
        }
        Files.setLastModifiedTime(lock, FileTime.from(Instant.now().minus(Duration.ofDays(9))));
        cop.run("token", "--refresh");
        assertTrue(Files.exists(lock), "deleted while it was held: the next process would lock another file");
    }

    @Test
    void staleTokensAreDeleted() throws IOException {
        cop.run("token");
        Path old = cached();
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(9))));
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghu")).run("token");
        assertFalse(Files.exists(old));
    }

    @Test
    void temporaryFilesOfKilledProcessAreDeleted() throws IOException {
        var stale = List.of(".token-0.json.1.part", "models-0.json", "token-0.json");
        for (String name : stale) aged(name, Duration.ofDays(9));
        aged(".token-1.json.2.part", Duration.ofMinutes(1));
        aged("refused.lock", Duration.ofDays(9));
        cop.run("token");
        for (String name : stale) assertFalse(Files.exists(cop.file(CACHE + name)), name);
        assertTrue(Files.exists(cop.file(CACHE + ".token-1.json.2.part")), "somebody may be writing it");
        assertTrue(Files.exists(cop.file(CACHE + "refused.lock")), "somebody may hold it");
    }

    private void aged(String name, Duration age) throws IOException {
        Files.setLastModifiedTime(cop.write(CACHE + name, "{}"), FileTime.from(cop.time.now().minus(age)));
    }

    // ---- a home that cannot be written

    @Test
    void missingCacheFolderIsReported() {
        cop.write("file", "");
        cop.with("XDG_CACHE_HOME", cop.file("file").toString());
        var outcome = cop.run("token");
        assertEquals(0, outcome.code(), outcome::all);
        reports(outcome, "without the cache");
        assertEquals("hello\n", cop.run("chat", "say: hello").out());
        assertEquals(0, cop.run("status").code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"token", "status", "models", "chat say:"})
    void worksWithoutHome(String command) {
        cop.write("file", "");
        var outcome = cop.with("COP_HOME", cop.file("file").toString()).run(command.split(" "));
        assertEquals(0, outcome.code(), outcome::all);
    }

    // ---- renewal

    @ParameterizedTest
    @CsvSource({"1500, 1260", "600, 360", "480, 240", "479, 239", "300, 150", "100, 50", "2, 1"})
    void tokenIsRefreshedBeforeExpiry(int refreshIn, int due) {
        cop.sim.set("refresh-in", refreshIn);
        cop.run("token");
        cop.time.advance(Duration.ofSeconds(due - 1));
        cop.run("token");
        assertEquals(1, exchanges().size());
        cop.time.advance(Duration.ofSeconds(1));
        cop.run("token");
        assertEquals(2, exchanges().size());
    }

    @Test
    void refreshExchangesAtOnce() {
        String before = cop.run("token").out();
        assertNotEquals(before, cop.run("token", "--refresh").out());
        assertEquals(2, exchanges().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"502,502,502,502", "rate-limit", "garbage", "html", "server_error"})
    void failedRefreshFallsBackToValidToken(String faults) {
        String before = cop.run("token").out();
        cop.time.advance(Duration.ofSeconds(1300));
        cop.sim.set("exchange-faults", faults);
        var outcome = cop.run("token");
        assertEquals(before, outcome.out(), outcome::all);
        assertEquals(0, outcome.code());
        reports(outcome, "warning: ");
        assertNotEquals(before, cop.run("token").out());
    }

    @Test
    void rejectedRefreshDoesNotFallBack() {
        cop.run("token");
        cop.time.advance(Duration.ofSeconds(1300));
        cop.sim.set("exchange", "access_revoked");
        assertEquals(4, cop.run("token").code());
    }

    @Test
    void expiredTokenIsNotAFallback() {
        cop.run("token");
        cop.time.advance(Duration.ofSeconds(1600));
        cop.sim.set("exchange-faults", "502,502,502,502");
        var outcome = cop.run("token");
        assertEquals(1, outcome.code(), outcome::all);
        assertEquals("", outcome.out());
    }

    @Test
    void refreshDoesNotFallBack() {
        cop.run("token");
        cop.sim.set("exchange-faults", "502,502,502,502");
        assertEquals(1, cop.run("token", "--refresh").code());
    }

    @Test
    void http401RefreshesAndRetriesOnce() {
        cop.run("token");
        cop.sim.set("faults", "401-expired");
        var outcome = cop.run("chat", "say: hello");
        assertEquals("hello\n", outcome.out(), outcome::all);
        assertEquals(2, exchanges().size());
        assertEquals(List.of(401, 200), statuses(CHAT));
        assertEquals(0, cop.time.pauses.size());
    }

    /// A pause for the exchange keeps no lock: another thread is served by the token that it gets in the meantime.
    @Test
    void nothingIsLockedDuringPauseForExchange() {
        var usual = cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                new PrintWriter(Writer.nullWriter()), new PrintWriter(Writer.nullWriter()));
        var models = new AtomicReference<ModelCatalog>();
        var served = new ArrayList<Boolean>();
        var time = new Time() {
            @Override
            public Instant now() { return cop.time.now(); }

            @Override
            public void sleep(Duration pause) throws InterruptedException {
                cop.time.sleep(pause);
                served.add(Thread.startVirtualThread(() -> models.get().list(ModelList.FRESH))
                        .join(Duration.ofSeconds(5)));
            }
        };
        models.set(new Toolkit(new Environment(usual.stdin(), usual.out(), usual.err(), usual.variables(), _ -> false,
                time, () -> false, usual.directory())).copilot().models());
        cop.sim.set("exchange-faults", "503");
        assertFalse(models.get().list(ModelList.FRESH).models().isEmpty());
        assertEquals(List.of(true), served);
        assertEquals(2, exchanges().size());
    }

    @Test
    void secondHttp401IsAnError() {
        cop.run("token");
        cop.sim.set("faults", "401-expired,401-garbage,401-expired");
        var outcome = cop.run("chat", "say: hello");
        assertEquals(4, outcome.code(), outcome::all);
        assertEquals(List.of(401, 401), statuses(CHAT));
        assertEquals(2, exchanges().size());
        reports(outcome, "hint: copilot login --force");
    }

    @Test
    void http403DoesNotRefresh() {
        cop.run("token");
        cop.sim.set("faults", "403");
        assertEquals(1, cop.run("chat", "say: hello").code());
        assertEquals(1, exchanges().size());
    }

    @Test
    void http401WithFailedRefreshIsNotRetried() {
        cop.run("token");
        cop.sim.set("faults", "401-expired").set("exchange-faults", "502,502,502,502");
        assertEquals(1, cop.run("chat", "say: hello").code());
        assertEquals(List.of(401), statuses(CHAT));
    }

    @Test
    void http401WithRejectedRefreshReportsReason() {
        cop.run("token");
        cop.sim.set("faults", "401-expired").set("exchange-faults", "access_revoked");
        var outcome = cop.run("chat", "say: hello");
        assertEquals(4, outcome.code(), outcome::all);
        reports(outcome, "Your access to Copilot was revoked.");
    }

    @Test
    void http421RereadsHostOnce() {
        cop.sim.set("endpoints", "other");
        cop.run("token");
        cop.sim.set("endpoints", "api");
        assertEquals("hello\n", cop.run("chat", "say: hello").out());
        assertEquals(2, exchanges().size());
    }

    @Test
    void lastingHttp421IsAnError() {
        assertEquals(0, cop.run("models").code());
        cop.sim.set("endpoints", "other");
        cop.run("token", "--refresh");
        var outcome = cop.run("chat", "-m", "mai-code-1.1-flash", "say: hello");
        assertEquals(1, outcome.code(), outcome::all);
        assertEquals(3, exchanges().size());
        assertEquals(2, cop.sim.count(CHAT));
        reports(outcome, "Misdirected Request");
    }

    // ---- one renewal at a time

    @Test
    void twentyThreadsMakeOneExchange() throws Exception {
        var outcomes = together(20, _ -> cop.run("token"));
        assertEquals(1, outcomes.stream().peek(o -> assertEquals(0, o.code(), o::all)).map(Harness.Outcome::out)
                .distinct().count());
        assertEquals(1, exchanges().size());
    }

    @Test
    void twentyThreadsWithHttp401MakeOneExchange() throws Exception {
        cop.run("token");
        cop.sim.set("faults", "401-expired");               // it kills the token for all of them
        for (var outcome : together(20, i -> cop.run("chat", "-m", "mai-code-1.1-flash", "say: " + i))) {
            assertEquals(0, outcome.code(), outcome::all);
        }
        assertEquals(2, exchanges().size());
    }

    @Test
    void accountsExchangeConcurrently() throws Exception {
        var tokens = IntStream.range(0, 4).mapToObj(_ -> cop.sim.issueGithubToken("ghu")).toList();
        var outcomes = together(4, i -> {
            var variables = new TreeMap<>(cop.variables);
            variables.put("COPILOT_GITHUB_TOKEN", tokens.get(i));
            var out = new StringWriter();
            var err = new StringWriter();
            int code = copilot.run(new Environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                    new PrintWriter(out), new PrintWriter(err), variables, _ -> false, cop.time,
                    () -> false, cop.home), "token");
            return new Harness.Outcome(code, out.toString(), err.toString());
        });
        assertEquals(4, outcomes.stream().map(Harness.Outcome::out).distinct().count());
        assertEquals(4, exchanges().size());
    }

    @Test
    void twentyProcessesMakeOneExchange() throws Exception {
        var processes = new ArrayList<Process>();
        for (int i = 0; i < 20; i++) processes.add(cop.process("token").start());
        var outcomes = together(20, i -> Harness.finished(processes.get(i), "", "token"));
        assertEquals(1, outcomes.stream().peek(o -> assertEquals(0, o.code(), o::all)).map(Harness.Outcome::out)
                .distinct().count());
        assertEquals(1, exchanges().size());
    }

    @Test
    void twentyThreadsShareOneRejection() throws Exception {
        cop.sim.set("exchange", "no_copilot_access");
        for (var outcome : together(20, _ -> cop.run("token"))) assertEquals(4, outcome.code(), outcome::all);
        assertEquals(1, exchanges().size());
    }

    // ---- the API host

    @ParameterizedTest
    @CsvSource({"https://api.business.githubcopilot.com, proxy.individual.githubcopilot.com, "
            + "api.business.githubcopilot.com",
            ", proxy.individual.githubcopilot.com, api.individual.githubcopilot.com",
            ", tracker.individual.githubcopilot.com, api.githubcopilot.com", ", , api.githubcopilot.com",
            "'', proxy.enterprise.githubcopilot.com, api.enterprise.githubcopilot.com",
            "https://copilot-api.octo.ghe.com, , copilot-api.octo.ghe.com",
            "https://API.Business.GithubCopilot.com, , API.Business.GithubCopilot.com"})
    void precedenceOfApiHosts(String endpoint, String proxy, String host) {
        assertEquals("https://" + host, api(endpoint, proxy, "github.com").toString());
    }

    @Test
    void defaultApiOfTenant() {
        assertEquals("https://copilot-api.octo.ghe.com", api(null, null, "octo").toString());
    }

    @Test
    void proxyEndpointReplacesMissingApi() {
        cop.sim.set("endpoints", "missing-with-proxy-ep").set("plan", "business");
        assertEquals("https://api.business.githubcopilot.com", status().path("api").asString());
    }

    @Test
    void defaultApiOfOriginIsItself() {
        cop.sim.set("endpoints", "none");
        assertEquals(cop.sim.url(), status().path("api").asString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://api.individual.githubcopilot.com", "https://evil.example",
            "https://evilgithubcopilot.com", "https://githubcopilot.com.evil.example",
            "https://api.githubcopilot.com.evil.example", "https://api.githubcopilot.com@evil.example",
            "https://me:pw@api.githubcopilot.com", "https://api.githubcopilot.com:8443",
            "https://api.githubcopilot.com:80", "https://githubcopilot.com",
            "https://evil.example/api.githubcopilot.com", "https://evil.example#.githubcopilot.com",
            "https://evil.example?.githubcopilot.com", "https://copilot-api.octo.ghe.com.evil.example",
            "https://copilot-api.evil.example", "https://copilot-apix.ghe.com",
            "https://evil-copilot-api.octo.ghe.com", "https://octo.ghe.com", "https://api.octo.ghe.com",
            "ftp://api.githubcopilot.com", "//api.githubcopilot.com", "api.githubcopilot.com",
            "https:api.githubcopilot.com", "https://", "nonsense", "https://127.0.0.1",
            "https://evil.example\\.githubcopilot.com", "https://evil.example%2e.githubcopilot.com",
            "https://.githubcopilot.com", "https://api.github\u0441opilot.com",
            "https://evil.example\\@api.githubcopilot.com", "https://api.githubcopilot.com\r\n"})
    void noOtherHostGetsTheToken(String endpoint) {
        var fault = assertThrows(Fault.class, () -> api(endpoint, null, "github.com"));
        assertEquals(1, fault.exitCode(), fault::message);
        assertFalse(fault.message().contains("tid="), fault::message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"proxy.evil.example", "proxy.githubcopilot.com.evil.example",
            "proxy.evil.example/.githubcopilot.com", "proxy.evil.example#.githubcopilot.com", "proxy.me@evil.example",
            "proxy."})
    void noOtherProxyEndpointGetsTheToken(String proxy) {
        assertThrows(Fault.class, () -> api(null, proxy, "github.com"));
    }

    @ParameterizedTest
    @CsvSource({"http://127.0.0.1:9, http://127.0.0.1:7, true", "http://127.0.0.1:9, https://127.0.0.1, true",
            "http://127.0.0.1:9, http://127.0.0.2:9, false", "http://127.0.0.1:9, http://me@127.0.0.1:9, false",
            "http://127.0.0.1:9, http://localhost:9, false", "http://127.0.0.1:9, ftp://127.0.0.1:9, false",
            "https://cop.example, https://cop.example:8443, true", "https://cop.example, https://COP.example, true",
            "https://cop.example, https://sub.cop.example, false", "https://cop.example, http://cop.example, false",
            "https://cop.example, https://api.githubcopilot.com, true", "octo, https://copilot-api.octo.ghe.com, true"})
    void customOriginIsTrustedOnAnyPort(String host, String endpoint, boolean trusted) {
        if (trusted) assertEquals(endpoint, api(endpoint, null, host).toString());
        else assertThrows(Fault.class, () -> api(endpoint, null, host));
    }

    @Test
    void untrustedApiHostIsReportedAndGetsNothing() {
        cop.sim.set("endpoints", "foreign");
        var outcome = cop.run("chat", "hello");
        assertEquals(1, outcome.code(), outcome::all);
        reports(outcome, "https://evil.example", "--host");
        assertEquals(1, cop.sim.ledger().size());
    }

    // ---- what is printed

    @Test
    void tokenPrintsOnlyTheToken() {
        var outcome = cop.run("token");
        assertTrue(outcome.out().matches("tid=[0-9a-f]{32};[^\\s]+:[0-9a-f]{64}\n"), outcome::all);
        assertEquals("", outcome.err());
    }

    @Test
    void tokenHeaderIsACompleteHeader() {
        String token = cop.run("token").out();
        assertEquals("Authorization: Bearer " + token, cop.run("token", "--header").out());
    }

    @Test
    void tokenJsonIsTheCompleteResponse() {
        var json = Json.tryParse(cop.run("token", "--json").out());
        assertEquals(cop.run("token").out().strip(), json.path("token").asString());
        assertTrue(Set.copyOf(json.propertyNames()).containsAll(Set.of("expires_at", "refresh_in", "endpoints", "sku",
                "limited_user_quotas", "tracking_id")), json::toString);
        assertFalse(json.has("fetched_at"));
    }

    @Test
    void jsonAndHeaderConflict() {
        var outcome = cop.run("token", "--json", "--header");
        assertEquals(2, outcome.code(), outcome::all);
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void verboseMasksBothTokens() {
        var outcome = cop.run("status", "-v", "--check");
        reports(outcome, "> GET", "uthorization: token …");
        assertFalse(outcome.all().contains(simulator.GITHUB_TOKEN) || outcome.all().contains("tid=0"), outcome::all);
    }

    @Test
    void verboseShowsNoCookie() {
        String cookie = "session=SECRETCOOKIE; path=/";
        try (var _ = stub(Stub.Reply.json(200, "{\"token\":\"tid=0\"}").with("Set-Cookie", cookie))) {
            var outcome = cop.run("token", "-v");
            assertTrue(outcome.err().toLowerCase(Locale.ROOT).contains("set-cookie: …"), outcome::all);
            assertFalse(outcome.err().contains("SECRETCOOKIE"), outcome::all);
        }
    }

    // ---- status

    @Test
    void statusShowsUserPlanAndLifetime() {
        ownLogin();
        var outcome = cop.run("status");
        assertEquals(0, outcome.code(), outcome::all);
        var parts = new ArrayList<>(CredentialSources.ORDER);
        parts.addAll(List.of(cop.sim.url(), "logged in as octocat", "individual", cop.sim.api(), "valid for 26 min"));
        for (var part : parts) assertTrue(outcome.out().contains(part), () -> part + " is missing\n" + outcome.all());
        assertEquals("", outcome.err());
    }

    @Test
    void statusWhenNotLoggedIn() {
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", null).run("status");
        assertEquals(4, outcome.code(), outcome::all);
        assertTrue(outcome.out().contains("not logged in") && outcome.out().contains("copilot login"), outcome::all);
        assertEquals(List.of(), cop.sim.ledger());
        var json = Json.tryParse(cop.run("status", "--json").out());
        assertFalse(json.path("logged_in").asBoolean(true));
        assertFalse(json.has("api") || json.has("user"));
        assertEquals(CredentialSources.ORDER.size(), json.path("sources").size());
    }

    @Test
    void statusJson() {
        var json = status();
        assertTrue(json.path("logged_in").asBoolean());
        assertEquals(cop.sim.url(), json.path("host").asString());
        assertEquals("octocat", json.path("user").asString());
        assertEquals("yearly_subscriber_quota", json.path("sku").asString());
        assertEquals(cop.sim.api(), json.path("api").asString());
        assertEquals(1560, json.path("seconds_left").asInt());
        assertEquals("used", state("COPILOT_GITHUB_TOKEN"));
        assertEquals("none", state("your login"));
    }

    @Test
    void statusMarksUsedSourceAndChecksOnRequest() {
        ownLogin();
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghu"));
        assertEquals("used", state("COPILOT_GITHUB_TOKEN"));
        assertEquals("unused", state("your login"));
        assertEquals("works", state("your login", "--check"));
    }

    @Test
    void statusReportsRejectedSourceAndReason() {
        ownLogin();
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghp"));
        var outcome = cop.run("status");
        assertEquals(0, outcome.code(), outcome::all);
        assertEquals("refused", state("COPILOT_GITHUB_TOKEN"));
        assertEquals("used", state("your login"));
        assertTrue(outcome.out().contains("classic"), outcome::all);
    }

    @Test
    void statusOfRejectedTokenIsNotLoggedIn() {
        cop.sim.set("exchange", "no_copilot_access");
        var outcome = cop.run("status");
        assertEquals(4, outcome.code(), outcome::all);
        assertTrue(outcome.out().contains("No access to GitHub Copilot found."), outcome::all);
        assertFalse(status().path("logged_in").asBoolean(true));
    }

    @ParameterizedTest
    @CsvSource({"502, 1", "rate-limit, 75", "programmatic_token_generation, 1", "garbage, 1"})
    void statusListsSourcesDuringOutage(String exchange, int code) {
        cop.sim.set("exchange-faults", (exchange + ",").repeat(8));
        var outcome = cop.run("status");
        assertEquals(code, outcome.code(), outcome::all);
        assertTrue((outcome.out() + outcome.err()).contains("COPILOT_GITHUB_TOKEN"), outcome::all);
        assertTrue(outcome.out().contains("your login"), outcome::all);
        assertFalse(outcome.out().contains("not logged in"), "the login is not the trouble: " + outcome.all());
    }

    @Test
    void statusWithFreshTokenMakesNoExchange() {
        ownLogin();
        long before = cop.sim.ledger().size();
        cop.run("status");
        assertEquals(before, cop.sim.ledger().size());
    }

    @Test
    void statusCountsDown() {
        cop.run("token");
        cop.time.advance(Duration.ofSeconds(1000));
        assertEquals(560, status().path("seconds_left").asInt());
    }

    /// Tokens of every kind, also those of no kind that we know.
    private static final List<String> KINDS = List.of("0123456789abcdef0123456789abcdef01234567", "gho_abcdefgh",
            "ghs_1234567_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJnaXRodWIiLCJzdWIiOiJ4In0.c2lnbmF0dXJlc2lnbmF0dXJl",
            "ghs_1234567.eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJnaXRodWIiLCJzdWIiOiJ4In0.c2lnbmF0dXJlc2lnbmF0dXJl",
            "my-password", "correct;horse:battery/staple=", "ghu_" + "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789");

    /// Whatever becomes of it: nothing of it but its kind and its end is shown.
    @ParameterizedTest
    @FieldSource("KINDS")
    void statusMasksTokens(String token) {
        var answers = List.of(Stub.Reply.json(200, "{\"token\":\"tid=0\"}"), Stub.Reply.text(502, "later"),
                Stub.Reply.json(401, "{\"message\":\"Bad credentials\"}"), Stub.Reply.html(403, "<html>a wall</html>"));
        var states = new TreeSet<String>();
        for (var answer : answers) {
            try (var github = stub(answer)) {
                cop.with("COPILOT_GITHUB_TOKEN", token).with("GH_TOKEN", token);
                cop.write(Login.KEPT, Json.singleLine(Json.object().set(github.url(),
                        Json.object().put("token", token))));
                for (String way : List.of("status", "status --check", "status --json", "status --json --check",
                        "status -v", "status -v --check")) {
                    var outcome = cop.run(way.split(" "));
                    assertShowsNothingOf(token, outcome);
                    outcome.out().lines().map(l -> l.strip().split(" +")).filter(w -> w.length > 1)
                            .forEach(w -> states.add(w[w[0].equals("your") ? 2 % w.length : 1]));
                }
            }
        }
        for (String state : List.of("used", "unused", "works", "refused", "untried", "ignored")) {
            if (state.equals("works") && token.startsWith("ghs_")) continue;    // it is never asked with
            assertTrue(states.contains(state), () -> state + " was not tried: " + states);
        }
    }

    private static void assertShowsNothingOf(String token, Harness.Outcome outcome) {
        int most = Math.min(8, token.length() - 4);
        for (int i = 4; i + most <= token.length(); i++) {
            String piece = token.substring(i, i + most);
            assertFalse(outcome.all().contains(piece), () -> piece + " of the token is shown\n" + outcome.all());
        }
    }

    @Test
    void statusReportsSourcesIgnoredForCustomOrigin() {
        cop.with("GH_TOKEN", simulator.GITHUB_TOKEN);
        assertEquals("ignored", state("GH_TOKEN"));
        assertEquals("none", state("GITHUB_TOKEN"));
        assertEquals("ignored", state("GH_TOKEN", "--check"));
        assertTrue(cop.run("status").out().lines().anyMatch(l -> l.matches(" +GH_TOKEN +ignored +.*--host.*")));
    }

    @Test
    void statusDuringOutageIsNotLoggedOut() {
        cop.sim.set("exchange-faults", "502,502,502,502");
        var outcome = cop.run("status", "--json");
        assertEquals(1, outcome.code(), outcome::all);
        assertTrue(Json.tryParse(outcome.out()).get("logged_in").isNull(), outcome::all);
    }

    @Test
    void statusCheckExchangesDespiteFreshToken() {
        cop.run("token");
        assertEquals(0, cop.run("status", "--check").code());
        assertEquals(2, exchanges().size());
        cop.sim.set("exchange", "bad-credentials");
        assertEquals(0, cop.run("status").code());
        assertEquals(4, cop.run("status", "--check").code(), "revoked, though the cached token still lives");
    }

    // ---- helpers

    private List<simulator.Entry> exchanges() {
        return cop.sim.ledger().stream().filter(e -> e.path().equals(EXCHANGE)).toList();
    }

    private List<Integer> statuses(String path) {
        return cop.sim.ledger().stream().filter(e -> e.path().equals(path)).map(simulator.Entry::status).toList();
    }

    /// Nothing in a variable, and a login of our own that works.
    private void ownLogin() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        assertEquals(0, cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token").code());
    }

    private void everySource() {
        cop.with("COPILOT_GITHUB_TOKEN", "ghu_variable").with("GH_TOKEN", "gho_gh").with("GITHUB_TOKEN", "ghp_github");
        cop.write(Login.KEPT, "{\"github.com\":{\"user\":\"octocat\",\"token\":\"ghu_login\"}}");
        cop.write(EDITORS + "apps.json", """
                {"github.com:Iv1.b507a08c87ecfe98":{"user":"octocat","oauth_token":"ghu_apps",
                 "githubAppId":"Iv1.b507a08c87ecfe98"}}""");
        cop.write(EDITORS + "hosts.json", "{\"github.com\":{\"user\":\"octocat\",\"oauth_token\":\"ghu_hosts\"}}");
    }

    /// What would be tried for a host; nothing is sent.
    private List<String> found(String host) {
        return new CredentialSources(session(Host.of("--host", host), null)).all().stream()
                .map(t -> t.source() + " " + t.value()).toList();
    }

    private Environment environment() {
        return cop.environment();
    }

    private Context session(Host host, HttpSender http) {
        var environment = environment();
        return new Context(new Console(environment), Home.of(environment), host,
                Headers.parse(null, List.of()), http);
    }

    private static URI api(String endpoint, String proxy, String host) {
        String token = "tid=0;" + (proxy == null ? "" : "proxy-ep=" + proxy + ";") + "st=dotcom:0";
        var answer = Json.object().put("token", token);
        if (endpoint != null) answer.putObject("endpoints").put("api", endpoint);
        return TokenManager.token(answer, Instant.EPOCH, Host.of("--host", host)).api();
    }

    private JsonNode status() { return Json.tryParse(cop.run("status", "--json").out()); }

    private String state(String source, String... more) {
        var args = Stream.concat(Stream.of("status", "--json"), Stream.of(more)).toArray(String[]::new);
        return Json.tryParse(cop.run(args).out()).path("sources").valueStream()
                .filter(s -> s.path("source").asString().equals(source)).findFirst().orElseThrow()
                .path("state").asString();
    }

    private String key() {
        return new GithubToken("", simulator.GITHUB_TOKEN, "").key(Host.of("--host", cop.sim.url())) + "-"
                + Headers.parse(cop.variables.get("COP_HEADERS"), List.of()).identity();
    }

    private Path cached() { return cop.file(CACHE + "token-" + key() + ".json"); }

    private void fetchedAnew(String before) {
        var outcome = cop.run("token");
        assertEquals(0, outcome.code(), outcome::all);
        assertFalse(outcome.out().isBlank() || outcome.out().equals(before), outcome::all);
        assertEquals(outcome.out(), cop.run("token").out());
        assertEquals(2, exchanges().size());
    }

    private static String permissions(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private void assertNoGithubTokenInTheCache() throws IOException {
        try (var files = Files.walk(cop.file(CACHE))) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                String text = Files.readString(file);
                assertFalse(text.contains(simulator.GITHUB_TOKEN), () -> file + ": " + text);
            }
        }
    }

    private Stub stub(Stub.Reply... answers) {
        var github = new Stub(cop.time).on(EXCHANGE, answers);
        github.on("/user", Stub.Reply.json(200, "{\"login\":\"octocat\"}"));
        cop.with("COP_HOST", github.url());
        return github;
    }

    /// The same by so many threads, let go at one moment.
    static List<Harness.Outcome> together(int threads, IntFunction<Harness.Outcome> work) throws Exception {
        var start = new CountDownLatch(1);
        try (var executor = Executors.newFixedThreadPool(threads)) {
            var futures = IntStream.range(0, threads).mapToObj(i -> executor.submit(() -> {
                start.await();
                return work.apply(i);
            })).toList();
            start.countDown();
            var outcomes = new ArrayList<Harness.Outcome>();
            for (var future : futures) outcomes.add(future.get());
            return outcomes;
        }
    }
}
