package cop;

import module java.base;
import module java.net.http;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static cop.Harness.failed;
import static cop.Harness.header;
import static cop.Harness.messages;
import static cop.Harness.ok;
import static cop.Harness.reports;
import static cop.Harness.showsNot;
import static cop.Harness.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Chats that fail: refused requests, retries, Retry-After, timeouts, and what -v and -q print of it.
class ChatFailures {
    private static final String CHAT = "/chat/completions";
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private JsonNode body() { return cop.chats().getLast().body(); }

    private String prompt() {
        var messages = body().path("messages");
        return messages.path(messages.size() - 1).path("content").asString();
    }

    /// Refused by the tool: exit 2, an error, no output, and no request.
    private Harness.Outcome refused(Harness.Outcome outcome) {
        exits(2, outcome);
        assertEquals("", outcome.out());
        assertTrue(outcome.err().startsWith("error: "), outcome::all);
        assertEquals(List.of(), cop.sim.ledger());
        return outcome;
    }

    private static void hasErrorAndHint(Harness.Outcome outcome) {
        var lines = outcome.err().lines().toList();
        assertEquals(1, lines.stream().filter(l -> l.startsWith("error: ")).count(), outcome::all);
        assertEquals(1, lines.stream().filter(l -> l.matches("hint: .*\\S.*")).count(), outcome::all);
    }

    private Duration slept() { return cop.time.pauses.stream().reduce(Duration.ZERO, Duration::plus); }

    private static void between(double low, double high, Duration pause) {
        double seconds = pause.toMillis() / 1000.0;
        assertTrue(seconds >= low && seconds <= high, () -> seconds + " s is not within " + low + " and " + high);
    }

    private Harness.Outcome chat(String... more) {
        var args = new ArrayList<>(List.of("chat"));
        args.addAll(List.of(more));
        return cop.run(args.toArray(String[]::new));
    }

    /// Starts a stub of GitHub that responds to chats with these replies, repeating the last one.
    private Stub stub(Stub.Reply... chats) {
        var github = new Stub(cop.time).on("/chat/completions", chats).on(Login.EXCHANGE,
                Stub.Reply.json(200, "{\"token\":\"tid=0123456789abcdef;sku=x\",\"refresh_in\":1500}"));
        cop.with("COP_HOST", github.url());
        return github;
    }

    // ---- refused requests and retries

    /// An error of the API and the expected outcome.
    private record Row(String fault, int exit, int requests, String... words) {
        @Override
        public String toString() { return fault + " " + exit; }
    }

    static final List<Row> AT_ONCE = List.of(
            new Row("400-model_not_supported", 1, 1, "The requested model is not supported.", "model_not_supported"),
            new Row("400-completion-model", 1, 1, "Model is not supported for this request."),
            new Row("400-model_not_available_for_integrator", 1, 2, "is not available for integrator",
                    "Available models: [gpt-5-mini gpt-5.5]"),
            new Row("400-unsupported_api_for_model", 1, 1, "is not accessible via the /chat/completions endpoint"),
            new Row("400-model_max_prompt_tokens_exceeded", 1, 1,
                    "prompt token count of 130000 exceeds the limit of 128000", "shorten it"),
            new Row("400-context_length_exceeded", 1, 1, "Your input exceeds the context window.", "shorten it"),
            new Row("400-vision", 1, 1, "missing required Copilot-Vision-Request header for vision requests"),
            new Row("400-invalid_request_body", 1, 1, "invalid request body", "invalid_request_body"),
            new Row("400-invalid_request_body-empty", 1, 1, "invalid_request_body"),
            new Row("400-editor-missing", 1, 1, "bad request: missing Editor-Version header for IDE auth", "-H"),
            new Row("400-editor-unknown", 1, 1, "bad request: unknown Editor-Version header for IDE auth", "-H"),
            new Row("400-integration-id", 1, 1, "unknown Copilot-Integration-Id", "-H"),
            new Row("400-pat", 1, 1, "bad request: Personal Access Tokens are not supported for this endpoint",
                    "copilot login"),
            new Row("400-third-party", 1, 1, "checking third-party user token"),
            new Row("400-off_topic", 1, 1, "off_topic"),
            new Row("400-bad-request", 1, 1, "Bad Request"),
            new Row("400-text:a proxy's own words", 1, 1, "a proxy's own words"),
            new Row("401-expired", 4, 2, "unauthorized: token expired", "copilot login"),
            new Row("401-ide-expired", 4, 2, "IDE token expired: unauthorized: token expired"),
            new Row("401-garbage", 4, 2, "unauthorized: unauthorized: AuthenticateToken authentication failed"),
            new Row("401-authorize-url", 4, 2, "authorize_url"),
            new Row("401-auto", 4, 2, "Invalid auto-mode selector"),
            new Row("402", 75, 1, "You have no quota", "quota_exceeded"),
            new Row("402-free_quota_exceeded", 75, 1, "You have no quota", "free_quota_exceeded"),
            new Row("402-overage_limit_reached", 75, 1, "You have no quota", "overage_limit_reached"),
            new Row("402-billing_not_configured", 75, 1, "You have no quota", "billing_not_configured"),
            new Row("402-text", 75, 1, "quota exceeded"),
            new Row("402:5", 75, 1, "You have no quota", "5 s"),
            new Row("402:date+1209600", 75, 1, "You have no quota", "14 days", "2026-12-06"),
            new Row("403", 1, 1, "Access to this endpoint is forbidden. Please review our [Terms of Service]"
                    + "(https://docs.github.com/en/site-policy/github-terms/github-terms-of-service)."),
            new Row("403-old", 1, 1, "access to this endpoint is forbidden"),
            new Row("403-denied", 1, 1, "forbidden: access denied"),
            new Row("403-empty", 1, 1, "403"),
            new Row("404", 1, 1, "404 page not found"),
            new Row("404-json", 1, 1, "not_found"),
            new Row("404-resource", 1, 1, "The resource you requested was not found."),
            new Row("413", 1, 1, "Request Entity Too Large"),
            new Row("413-json", 1, 1, "failed to parse request"),
            new Row("413-status", 1, 1, "request entity too large"),
            new Row("421", 1, 2, "Misdirected Request"),
            new Row("422", 1, 1, "The prompt was filtered by Responsible AI Service.", "content_filter"),
            new Row("422-text", 1, 1, "Filtered by Responsible AI Service"),
            new Row("424", 1, 1, "failed dependency: the extension agent did not answer"),
            new Row("429:7200", 75, 1, "rate limit exceeded", "rate_limited", "2 h", "12:00"),
            new Row("429:61", 75, 1, "rate limit exceeded", "61 s"),
            new Row("429:date+208800", 75, 1, "rate limit exceeded", "2 days"),
            new Row("429-text:7200", 75, 1,
                    "Sorry, you've exceeded your rate limits. Please review our [Terms of Service]"),
            new Row("429-user_weekly_rate_limited:208800", 75, 1, "user_weekly_rate_limited", "2 days"),
            new Row("429-quota", 75, 1, "quota exceeded"),
            new Row("466", 1, 1, "the specified API version is no longer supported"),
            new Row("499", 1, 1, "499"),
            new Row("json-in-string:402", 75, 1, "You have no quota", "quota_exceeded"),
            new Row("json-in-string:400-model_max_prompt_tokens_exceeded", 1, 1, "prompt token count of 130000"),
            new Row("json-in-string:403-denied", 1, 1, "forbidden: access denied"));

    @ParameterizedTest
    @FieldSource("AT_ONCE")
    void rejectionsOnOtherEndpointsAreReportedAlike(Row row) {
        if (row.fault.contains("unsupported_api")) return;  // then another path is tried
        for (var model : Map.of("gpt-5.3-codex", "/responses", "claude-fable-5.1", "/v1/messages").entrySet()) {
            cop.sim.set("faults", row.fault + "," + row.fault);
            var outcome = exits(row.exit, chat("-m", model.getKey(), "hello"));
            assertEquals("", outcome.out());
            hasErrorAndHint(outcome);
            for (String words : row.words) reports(outcome, words);
            assertEquals(row.requests, cop.sim.count(model.getValue()), outcome::all);
            cop.sim.set("faults", "");
        }
    }

    @ParameterizedTest
    @FieldSource("AT_ONCE")
    void permanentErrorsAreReportedWithoutRetry(Row row) {
        cop.sim.set("faults", row.fault + "," + row.fault);
        var outcome = exits(row.exit, chat("-m", "mai-code-1.1-flash", "hello"));
        assertEquals("", outcome.out());
        hasErrorAndHint(outcome);
        String error = outcome.err().lines().filter(l -> !l.startsWith("hint: ")).collect(Collectors.joining("\n"));
        assertTrue(error.matches("(?s).*request id C0DE:[0-9A-F]{4}:[0-9A-F]{6}.*"), outcome::all);
        for (String words : row.words) reports(outcome, words);
        assertEquals(row.requests, cop.sim.count("/chat/completions"), outcome::all);
        assertEquals(List.of(), cop.time.pauses);
    }

    static final List<Row> PASSING = List.of(
            new Row("408", 1, 4, "Request Timeout"), new Row("408-empty", 1, 4, "408"),
            new Row("429", 75, 4, "rate limit exceeded"),
            new Row("429-text", 75, 4, "Sorry, you've exceeded your rate limits."),
            new Row("429-user_model_rate_limited", 75, 4, "user_model_rate_limited"),
            new Row("429-user_global_rate_limited", 75, 4, "user_global_rate_limited"),
            new Row("429-integration_rate_limited", 75, 4, "integration_rate_limited"),
            new Row("429-model_overloaded", 75, 4, "model_overloaded"),
            new Row("429-agent_mode_limit_exceeded", 75, 4, "agent_mode_limit_exceeded"),
            new Row("429-upstream_provider_rate_limit", 75, 4, "upstream_provider_rate_limit"),
            new Row("429-extension_blocked", 75, 4, "Sorry, the extension is blocked."),
            new Row("429:soon", 75, 4, "rate limit exceeded"),
            new Row("json-in-string:429", 75, 4, "rate limit exceeded"),
            new Row("500", 1, 4, "Internal Server Error"), new Row("500-empty", 1, 4, "500"),
            new Row("502", 1, 4, "502"), new Row("503", 1, 4, "upstream connect error"), new Row("504", 1, 4, "504"));

    @ParameterizedTest
    @FieldSource("PASSING")
    void transientErrorsAreRetriedThreeTimesWithBackoff(Row row) {
        cop.sim.set("faults", String.join(",", Collections.nCopies(4, row.fault)));
        var outcome = exits(row.exit, chat("-m", "mai-code-1.1-flash", "hello"));
        assertEquals("", outcome.out());
        hasErrorAndHint(outcome);
        reports(outcome, "request id C0DE:");
        reports(outcome, "retrying in ");
        for (String words : row.words) reports(outcome, words);
        assertEquals(row.requests, cop.chats().size());
        assertEquals(3, cop.time.pauses.size());
        for (int i = 0; i < 3; i++) between(0.75 * (1 << i), 1.25 * (1 << i), cop.time.pauses.get(i));
        assertFalse(outcome.err().contains("<html>"), outcome::all);
    }

    /// Gemini puts the time to wait in the body only.
    @Test
    void retryAfterInBody() {
        cop.sim.set("faults", "429-gemini");
        var outcome = ok(chat("-m", "mai-code-1.1-flash", "say: hi"));
        assertEquals("hi\n", outcome.out());
        reports(outcome, "RESOURCE_EXHAUSTED");
        assertEquals(Duration.ofSeconds(7), slept());
    }

    @ParameterizedTest
    @FieldSource("PASSING")
    void recoveredErrorIsNotReported(Row row) {
        cop.sim.set("faults", row.fault);
        assertEquals("hi\n", ok(chat("-m", "mai-code-1.1-flash", "say: hi")).out());
        assertEquals(2, cop.chats().size());
        between(0.75, 1.25, slept());
    }

    @ParameterizedTest
    @ValueSource(strings = {"reset-before", "reset-headers"})
    void connectionLostBeforeOutputIsRetried(String fault) {
        cop.sim.set("faults", fault + "," + fault);
        assertEquals("hi\n", ok(chat("-m", "mai-code-1.1-flash", "say: hi")).out());
        assertEquals(3, cop.chats().size());
        assertEquals(2, cop.time.pauses.size());
    }

    @Test
    void retriesOfLostConnectionsEnd() {
        cop.sim.set("faults", String.join(",", Collections.nCopies(9, "reset-before")));
        var outcome = exits(1, chat("-m", "mai-code-1.1-flash", "hello"));
        hasErrorAndHint(outcome);
        reports(outcome, "127.0.0.1");
        assertEquals(4, cop.chats().size());
        assertEquals(3, cop.time.pauses.size());
    }

    @ParameterizedTest
    @CsvSource({"429:5, 5", "429:60, 60", "429:date+30, 30", "503:7, 7", "408:3, 3", "429-text:9, 9",
            "json-in-string:429:4, 4"})
    void shortRetryAfterIsSleptExactly(String fault, int seconds) {
        cop.sim.set("faults", fault);
        assertEquals("hi\n", ok(chat("-m", "mai-code-1.1-flash", "say: hi")).out());
        assertEquals(Duration.ofSeconds(seconds), slept());
        assertEquals(2, cop.chats().size());
    }

    @Test
    void endlessRetryAfterExits75() {
        cop.sim.set("faults", "429:5,429:5,429:5,429:5,429:5");
        var outcome = exits(75, chat("-m", "mai-code-1.1-flash", "hello"));
        assertEquals(Duration.ofSeconds(15), slept());
        assertEquals(4, cop.chats().size());
        reports(outcome, "try again in 5 s");
    }

    @ParameterizedTest
    @CsvSource({"10m, 600, 0", "10m, 601, 75", "0, 1, 75", "500ms, 1, 75", "2, 2, 0"})
    void maxWaitLimitsEachPause(String most, int asked, int exit) {
        cop.sim.set("faults", "429:" + asked);
        exits(exit, chat("-m", "mai-code-1.1-flash", "--max-wait", most, "hello"));
        assertEquals(exit == 0 ? Duration.ofSeconds(asked) : Duration.ZERO, slept());
        cop.with("COP_MAX_WAIT", most).time.pauses.clear();
        cop.sim.set("faults", "429:" + asked);
        exits(exit, chat("-m", "mai-code-1.1-flash", "hello"));
        assertEquals(exit == 0 ? Duration.ofSeconds(asked) : Duration.ZERO, slept());
        cop.sim.set("faults", "429:" + asked);
        ok(chat("-m", "mai-code-1.1-flash", "--max-wait", "1h", "hello"));
    }

    @Test
    void long5xxRetryAfterIsNotSlept() {
        cop.sim.set("faults", "503:3600");
        exits(1, chat("-m", "mai-code-1.1-flash", "hello"));
        assertEquals(1, cop.chats().size());
        assertEquals(List.of(), cop.time.pauses);
    }

    @Test
    void long5xxRetryAfterIsReported() {
        cop.sim.set("faults", "503:10800");
        reports(exits(1, chat("-m", "mai-code-1.1-flash", "hello")), "try again in 3 h, at 2026-11-2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"503", "429", "reset-before"})
    void maxWaitZeroDisablesRetries(String fault) {
        cop.sim.set("faults", fault + "," + fault);
        exits(fault.equals("429") ? 75 : 1, chat("-m", "mai-code-1.1-flash", "--max-wait", "0", "hello"));
        assertEquals(1, cop.chats().size());
        assertEquals(List.of(), cop.time.pauses);
    }

    @Test
    void retryAfterZeroStillBacksOff() {
        cop.sim.set("faults", "429:0,503:0");
        ok(chat("-m", "mai-code-1.1-flash", "say: hi"));
        assertEquals(2, cop.time.pauses.size());
        for (int i = 0; i < 2; i++) between(0.75 * (1 << i), 1.25 * (1 << i), cop.time.pauses.get(i));
    }

    @Test
    void tokenExpiredDuringPauseIsRefreshed() {
        cop.sim.set("faults", "429:3600");
        assertEquals("hi\n", ok(chat("-m", "mai-code-1.1-flash", "--max-wait", "2h", "say: hi")).out());
        assertEquals(2, cop.sim.count("/copilot_internal/v2/token"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"401-expired", "401-ide-expired", "401-garbage", "401-authorize-url", "401-auto", "421"})
    void http401And421AreRefreshedAndRetriedOnce(String fault) {
        cop.sim.set("faults", fault);
        var outcome = ok(chat("-m", "mai-code-1.1-flash", "say: hi"));
        assertEquals("hi\n", outcome.out());
        assertEquals(2, cop.chats().size());
        assertEquals(2, cop.sim.count("/copilot_internal/v2/token"));
        assertEquals(List.of(), cop.time.pauses);
        var tokens = cop.chats().stream().map(e -> e.headers().get("authorization").getFirst()).distinct();
        assertEquals(2, tokens.count());
    }

    @Test
    void http401ThenHttp421Recovers() {
        cop.sim.set("faults", "401-expired,421");
        ok(chat("-m", "mai-code-1.1-flash", "say: hi"));
        assertEquals(3, cop.chats().size());
    }

    @Test
    void movedAccountUsesNewApiHost() {
        ok(chat("-m", "mai-code-1.1-flash", "say: hi"));
        cop.sim.set("endpoints", "other");
        ok(cop.run("token", "--refresh"));
        cop.sim.set("endpoints", "api");
        assertEquals("hi\n", ok(chat("-m", "mai-code-1.1-flash", "say: hi")).out());
    }

    @Test
    void refreshDoesNotCountAsRetry() {
        cop.sim.set("faults", "401-expired,503,503,503");
        assertEquals("hi\n", ok(chat("-m", "mai-code-1.1-flash", "say: hi")).out());
        assertEquals(5, cop.chats().size());
    }

    @Test
    void failedRefreshIsReported() {
        ok(chat("-m", "mai-code-1.1-flash", "say: hi"));
        cop.sim.set("faults", "401-expired").set("exchange", "bad-credentials");
        var outcome = exits(4, chat("-m", "mai-code-1.1-flash", "hello"));
        hasErrorAndHint(outcome);
        reports(outcome, "Bad credentials");
        reports(outcome, "COPILOT_GITHUB_TOKEN");
    }

    @Test
    void unknownModelHintsAtAvailableModels() {
        var outcome = exits(1, chat("-m", "gpt-4.0", "hello"));
        reports(outcome, "gpt-4.0");
        reports(outcome, "The requested model is not supported.");
        String hint = "(?s).*hint: did you mean gpt-5.4\\? use gpt-5[.0-9]+, .*claude-haiku-4\\.5.*";
        assertTrue(outcome.err().matches(hint), outcome::all);
        reports(outcome, "copilot");
        showsNot("text-embedding", outcome);
        assertEquals(1, cop.chats().size());
    }

    @Test
    void disabledModelHintsHowToEnableIt() {
        var outcome = exits(1, chat("-m", "claude-opus-5", "hello"));
        reports(outcome, "models enable claude-opus-5");
        reports(outcome, "copilot");
    }

    @Test
    void modelServedNowhereIsReported() {
        cop.sim.set("faults", List.of("400-unsupported_api_for_model", "400-unsupported_api_for_model"));
        var outcome = exits(1, chat("-m", "mai-code-1.1-flash", "hello"));
        reports(outcome, "mai-code-1.1-flash does not support /chat/completions");
        reports(outcome, "hint: use another model: copilot models --refresh");
    }

    @Test
    void userRateLimitHeaderIsUsed() {
        var headers = HttpHeaders.of(Map.of("x-ratelimit-user-retry-after", List.of("7")), (_, _) -> true);
        var refusal = new ErrorResponse(429, "", "", Json.object(), "", headers, cop.time.now());
        assertEquals(Optional.of(Duration.ofSeconds(7)), refusal.retryAfter());
    }

    @ParameterizedTest
    @CsvSource({"try again in 51 hours, PT51H", "Retry after 5 minutes., PT5M", "retryDelay: 30s, PT30S",
            "try again in 20ms, PT0.02S", "try again in 5 milliseconds,", "try again in 5 months,"})
    void retryAfterInWords(String words, Duration wait) {
        var refusal = new ErrorResponse(429, "", words, Json.object(), "", HttpHeaders.of(Map.of(), (_, _) -> true),
                cop.time.now());
        assertEquals(Optional.ofNullable(wait), refusal.retryAfter());
    }

    @Test
    void requestTimeoutIsRetriedOnce() {
        cop.sim.set("faults", "408-user_request_timeout,408-user_request_timeout,ok");
        reports(cop.run("chat", "-m", "gpt-5-mini", "hi"), 1, "Timed out reading request body");
        assertEquals(2, cop.sim.count(CHAT));
        cop.sim.set("faults", "408-user_request_timeout,408-user_request_timeout,ok");
        cop.write("t.mustache", "say: {{x}}");
        cop.write("rows.jsonl", "{\"x\":1}\n");
        assertEquals(5, cop.run("batch", at("t.mustache"), "-d", at("rows.jsonl"), "-o", at("out.jsonl"), "--delay",
                "0", "-m", "gpt-5-mini").code());
        assertEquals(4, cop.sim.count(CHAT));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "400-prompt-too-long | the prompt is too long for gpt-5-mini",
            "400-max_tokens-over | hint: --max-tokens 64000",
            "400-vision_attachment_not_accessible | hint: GitHub cannot fetch the image"})
    void otherErrorsHintWhatToDo(String fault, String words) {
        cop.sim.set("faults", fault);
        reports(cop.run("chat", "-m", "gpt-5-mini", "--max-tokens", "999999", "hi"), 1, words);
    }

    // ---- time, -v

    @Test
    void timeoutCoversReplyAndRetries() {
        cop.sim.set("latency", 60_000);
        var outcome = assertTimeoutPreemptively(Duration.ofSeconds(20),
                () -> exits(1, chat("-m", "mai-code-1.1-flash", "--timeout", "200ms", "hello")));
        hasErrorAndHint(outcome);
        reports(outcome, "within");
        assertEquals(1, cop.chats().size());
        assertEquals(List.of(), cop.time.pauses);
    }

    @Test
    void timeoutCoversExchange() throws IOException {
        try (var silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            cop.with("COP_HOST", "http://127.0.0.1:" + silent.getLocalPort());
            for (String[] model : new String[][] {{"-m", "mai-code-1.1-flash"}, {}}) {
                var words = Stream.concat(Stream.of("--timeout", "150ms", "hello"), Stream.of(model));
                var outcome = assertTimeoutPreemptively(Duration.ofSeconds(20),
                        () -> exits(1, chat(words.toArray(String[]::new))));
                hasErrorAndHint(outcome);
                reports(outcome, "within the timeout");
            }
        }
    }

    @Test
    void exchangeRetryAfterBeyondTimeoutIsNotSlept() {
        cop.sim.set("exchange-faults", "502,502,502,502");
        exits(1, chat("-m", "mai-code-1.1-flash", "--timeout", "500ms", "hello"));
        assertEquals(1, cop.sim.count(Login.EXCHANGE));
        assertEquals(List.of(), cop.time.pauses);
    }

    @Test
    void timeoutRecordsPartialReply() {
        cop.sim.set("silence", 60_000);
        var outcome = assertTimeoutPreemptively(Duration.ofSeconds(20),
                () -> exits(1, chat("-m", "mai-code-1.1-flash", "--json", "--timeout", "1500ms", "say: one two")));
        assertEquals(1, outcome.out().lines().count(), outcome::all);
        var record = Json.tryParse(outcome.out());
        assertEquals("one ", record.path("text").asString());
        assertEquals("", record.path("finish").asString("absent"));
        assertTrue(record.path("error").asString().contains("timeout"), outcome::all);
        hasErrorAndHint(outcome);
    }

    @Test
    void retryAfterBeyondTimeoutIsNotSlept() {
        cop.sim.set("faults", "429:30");
        exits(75, chat("-m", "mai-code-1.1-flash", "--timeout", "10s", "hello"));
        assertEquals(1, cop.chats().size());
        assertEquals(List.of(), cop.time.pauses);
    }

    @Test
    void timeoutEndsSilentStream() {
        cop.sim.set("silence", 60_000);
        var outcome = assertTimeoutPreemptively(Duration.ofSeconds(20),
                () -> exits(1, chat("-m", "mai-code-1.1-flash", "--timeout", "1500ms", "say: one two")));
        assertEquals("one \n", outcome.out());
        hasErrorAndHint(outcome);
        reports(outcome, "timeout");
    }

    @Test
    void verboseShowsRequestsResponsesAndTraceButNoToken() {
        cop.sim.set("faults", "403");
        var outcome = chat("-v", "-m", "mai-code-1.1-flash", "hello");
        assertEquals(1, outcome.code());
        reports(outcome, "> POST " + cop.sim.api() + "/chat/completions");
        reports(outcome, "> GET " + cop.sim.url() + "/copilot_internal/v2/token");
        reports(outcome, "< 403");
        reports(outcome, "\tat cop.");
        showsNot(simulator.GITHUB_TOKEN.substring(4, 20), outcome);
        showsNot("tid=", outcome);
    }

    @Test
    void verboseSuccessShowsNoTrace() {
        var outcome = ok(chat("-v", "say: hi"));
        assertEquals("hi\n", outcome.out());
        showsNot("\tat ", outcome);
        reports(outcome, "< 200");
    }

    @Test
    void verboseShowsFieldsButNotMessages() {
        var outcome = ok(chat("-v", "-m", "mai-code-1.1-flash", "--temperature", "0.5", "-s", "my system",
                "say: my prompt"));
        reports(outcome, "\"temperature\":0.5");
        reports(outcome, "\"model\":\"mai-code-1.1-flash\"");
        showsNot("my system", outcome);
        showsNot("my prompt", outcome);
        showsNot("\tat ", outcome);
    }

    @Test
    void tokenInErrorIsMasked() {
        String token = "ghu_" + "abcdefghijklmnop0123456789";
        cop.sim.set("faults", "400-text:your token " + token + " and tid=0123456789abcdef;exp=1 are bad");
        showsNot("ghijklmnop", exits(1, chat("-m", "mai-code-1.1-flash", "hello")));
    }

    private static final String ECHO = "you sent Bearer abcdefghijklmnop0123456789, ghu_abcdefghijklmnop0123456789"
            + " and tid=abcdefghijklmnop;exp=1:abcdefghijklmnop";

    @ParameterizedTest
    @ValueSource(ints = {400, 403, 404, 429, 500, 503})
    void echoedTokenIsMaskedInNotes(int status) {
        for (var echo : List.of(Stub.Reply.text(status, ECHO), Stub.Reply.json(status,
                Json.singleLine(Json.object().put("message", ECHO).put("code", "ghu_abcdefghijklmnop0123456789"))))) {
            try (var github = stub(echo)) {
                var outcome = chat("-v", "-m", "mai-code-1.1-flash", "hello");
                assertEquals(status >= 429 ? 4 : 1, github.count("/chat/completions"));
                reports(outcome, "you sent");
                assertFalse(outcome.all().contains("ghijklmnop"), outcome::all);
            }
        }
    }

    /// What the server calls the model, and its warnings, go to stderr like everything else.
    @Test
    void warningAndUsageAreMaskedAndEscaped() {
        cop.terminal(2).with("NO_COLOR", "1");
        String told = "\u001b[2J" + ECHO;
        var answer = Json.object().put("model", told);
        answer.putArray("copilot_errors").addObject().put("message", told);
        answer.putArray("choices").addObject().put("finish_reason", told).putObject("message").put("content", "");
        try (var _ = stub(Stub.Reply.json(200, Json.singleLine(answer)))) {
            var outcome = ok(chat("-u", "-m", "mai-code-1.1-flash", "hello"));
            reports(outcome, "warning: ");
            reports(outcome, "usage: ");
            showsNot("ghijklmnop", outcome);
            showsNot("\u001b[2J", outcome);
        }
    }

    @Test
    void errorIsEscapedOnTerminal() {
        cop.terminal(1, 2).with("NO_COLOR", "1").sim.set("faults", "400-text:\u001b[2Jgone");
        var outcome = exits(1, chat("-m", "mai-code-1.1-flash", "hello"));
        showsNot("\u001b", outcome);
        reports(outcome, "gone");
    }

    @Test
    void quietHidesNotesButNotErrors() {
        cop.sim.set("faults", "503");
        assertEquals("", ok(chat("-q", "-m", "mai-code-1.1-flash", "say: hi")).err());
        cop.sim.set("faults", "403");
        hasErrorAndHint(exits(1, chat("-q", "-m", "mai-code-1.1-flash", "say: hi")));
    }

    private String at(String name) { return cop.file(name).toString(); }

    /// On a terminal both streams share the screen.
    @Test
    void warningAfterAnswerBeginsItsOwnLine() {
        cop.terminal(1, 2).with("NO_COLOR", "1").sim.set("faults", List.of("finish-none")).set("answer", "hello");
        var screen = new StringWriter();
        var both = new PrintWriter(screen);
        var in = new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE);
        copilot.run(cop.environment(in, both, both), "chat", "hi");
        assertTrue(screen.toString().contains("hello\nwarning: GitHub gave no finish reason"), screen::toString);
    }
}
