package cop;

import module java.base;

import cop.copilot.Fault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.prints;
import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Steps 1 to 3: the device flow with a virtual clock, the stored login, errors, logout, and `--host`.
class Login {
    static final String CODE = "/login/device/code", POLL = "/login/oauth/access_token",
            EXCHANGE = "/copilot_internal/v2/token";
    static final String KEPT = ".config/copilot.java/login.json";
    private final Harness cop = new Harness();

    @AfterEach
    void close() { cop.close(); }

    // ---- the pace of the polls

    @Test
    void sleepsBeforeTheFirstPoll() {
        cop.sim.set("pending", 0);
        loggedIn(cop.run("login", "--no-browser"));
        assertEquals(1, gaps().size());
        assertTrue(gaps().getFirst() >= 5, () -> "first poll after " + gaps());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 30})
    void pollsAtTheInterval(int interval) {
        cop.sim.set("interval", interval).set("pending", 5);
        loggedIn(cop.run("login", "--no-browser"));
        assertEquals(6, gaps().size());
        assertTrue(gaps().stream().allMatch(gap -> gap >= interval && gap <= interval + 2), () -> "" + gaps());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void slowDownAppliesToAllFurtherPolls(boolean named) {
        cop.sim.set("slow-down", 2).set("slow-down-interval", named).set("pending", 3);
        loggedIn(cop.run("login", "--no-browser"));
        var gaps = gaps();
        assertEquals(6, gaps.size(), () -> "" + gaps);
        assertTrue(gaps.get(1) >= 10 && gaps.stream().skip(2).allMatch(gap -> gap >= 15), () -> "" + gaps);
    }

    @Test
    void longestRequestedIntervalIsKept() {
        try (var github = stub("""
                {"error":"slow_down","interval":40}
                {"error":"slow_down","interval":1}
                {"error":"slow_down"}
                {"error":"authorization_pending"}
                {"access_token":"ghu_0123456789abcdef","token_type":"bearer","scope":""}""")) {
            loggedIn(cop.run("login", "--no-browser"));
            var gaps = gaps(github);
            assertTrue(gaps.get(1) >= 40 && gaps.get(2) >= 40, () -> "" + gaps);
            assertTrue(gaps.get(3) >= 45 && gaps.get(4) >= 45, () -> "" + gaps);
        }
    }

    @Test
    void missingIntervalDefaultsToFiveSeconds() {
        try (var github = stub("{\"access_token\":\"ghu_0123456789abcdef\"}")) {
            github.on(CODE, Stub.Reply.json(200, """
                    {"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"%s/login/device"}"""
                    .formatted(github.url())));
            loggedIn(cop.run("login", "--no-browser"));
            assertTrue(gaps(github).getFirst() >= 5, () -> "" + gaps(github));
        }
    }

    @ParameterizedTest
    @CsvSource({"{}, 900", "{\"expires_in\":1e300}, 900000000", "{\"expires_in\":9223372036854775807}, 900000000",
            "{\"expires_in\":-5}, 900", "{\"expires_in\":\"600\"}, 600", "{\"expires_in\":600.9}, 600",
            "{\"expires_in\":null}, 900", "{\"expires_in\":[]}, 900"})
    void codeLifetimeMayBeAnyNumber(String answer, long least) {
        var life = Json.seconds(Json.tryParse(answer), "expires_in", 900);
        assertTrue(life.toSeconds() >= Math.min(least, 900) && life.toDays() < 40_000, life::toString);
        assertEquals(least < 1000, life.toSeconds() == least, life::toString);
    }

    @ParameterizedTest
    @ValueSource(strings = {"9223372036854775807", "1e300", "-1", "0.5", "\"soon\"", "99999999999999999999999", "null"})
    void anyNumberInLoginIsHandled(String number) {
        try (var github = new Stub(cop.time)) {
            github.on(Login.CODE, Stub.Reply.json(200, """
                    {"device_code":"d","user_code":"AB-CD","expires_in":%1$s,"interval":%1$s}""".formatted(number)))
                    .on(Login.POLL, Stub.Reply.json(200, "{\"error\":\"slow_down\",\"interval\":%s}".formatted(number)),
                            Stub.Reply.json(200, "{\"access_token\":\"ghu_abc\"}"))
                    .on(EXCHANGE, Stub.Reply.json(200, "{\"token\":\"tid=0\",\"refresh_in\":%1$s,\"expires_at\":%1$s}"
                            .formatted(number))).on("/user", Stub.Reply.json(200, "{\"login\":\"octocat\"}"));
            cop.with("COPILOT_GITHUB_TOKEN", null).with("COP_HOST", github.url());
            var outcome = cop.run("login", "--no-browser");
            assertFalse(outcome.err().contains("bug"), outcome::all);
            assertTrue(outcome.code() == 0 || outcome.err().contains("the code expired"), outcome::all);
            assertEquals(outcome.code(), cop.run("status").code());
        }
    }

    /// A laptop that sleeps, or a clock that is set back while the code is typed.
    @ParameterizedTest
    @ValueSource(longs = {-86_400, -60, 60})
    void clockJumpsDoNotStopPolling(long jump) {
        var time = new Time() {
            int pauses;

            @Override
            public Instant now() { return cop.time.now(); }

            @Override
            public void sleep(Duration pause) {
                cop.time.sleep(++pauses == 3 ? Duration.ofSeconds(jump) : pause);
                if (pauses > 1000) throw new AssertionError("never polled");
            }
        };
        var environment = cop.environment(time);
        try (var http = new HttpSender(new Console(environment), Duration.ofMinutes(1))) {
            var flow = new DeviceFlow(cop.context(http, environment), "Iv1.b507a08c87ecfe98", "read:user");
            assertTrue(flow.await(flow.start(), _ -> { }, _ -> { }).startsWith("ghu_"));
        }
    }

    // ---- trouble on the way

    @ParameterizedTest
    @ValueSource(strings = {"reset", "502", "html", "garbage", "empty", "reset,502,html,garbage,empty,503,reset"})
    void failedPollsAreSurvived(String faults) {
        cop.sim.set("device-faults", faults).set("pending", 0);
        var outcome = cop.run("login", "--no-browser");
        loggedIn(outcome);
        assertEquals(faults.split(",").length + 1, gaps().size());
        assertTrue(gaps().stream().allMatch(gap -> gap >= 5), () -> "" + gaps());
        reports(outcome, "still trying");
    }

    @Test
    void lastingFailureEndsWhenCodeExpires() {
        cop.sim.set("device-faults", "502,".repeat(400)).set("expires-in", 600);
        refused(cop.run("login", "--no-browser"), "expired");
        assertTrue(elapsed() >= 600 && elapsed() < 610, () -> elapsed() + " s");
        assertTrue(gaps().size() > 15, () -> "gave up polling: " + gaps());
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 503, 429})
    void deviceCodeRequestIsRetried(int status) {
        try (var github = stub("{\"access_token\":\"ghu_0123456789abcdef\"}")) {
            github.first(CODE, Stub.Reply.text(status, "later"));
            loggedIn(cop.run("login", "--no-browser"));
            assertEquals(2, github.count(CODE));
        }
    }

    // ---- endings

    @ParameterizedTest
    @CsvSource({"deny, canceled", "expire, expired", "disabled, cannot log in by code", "bad-client, client id",
            "bad-code, no longer accepts"})
    void everyOutcomeHasItsMessage(String device, String words) {
        cop.sim.set("device", device);
        var outcome = cop.run("login", "--no-browser");
        refused(outcome, words);
        reports(outcome, "hint: copilot login");
    }

    @ParameterizedTest
    @CsvSource({"access_denied, 200, canceled", "expired_token, 200, expired", "token_expired, 200, expired",
            "device_flow_disabled, 200, cannot log in by code", "incorrect_client_credentials, 200, client id",
            "incorrect_device_code, 200, no longer accepts", "unsupported_grant_type, 200, unsupported_grant_type",
            // RFC 8628, 3.5 goes by RFC 6749, 5.2: an authorization server answers these with 400
            "access_denied, 400, canceled", "expired_token, 400, expired",
            "device_flow_disabled, 400, cannot log in by code",
            "incorrect_client_credentials, 401, client id"})
    void pollErrorEndsLoginWhateverItsStatus(String error, int status, String words) {
        try (var github = stub("{}")) {
            github.on(POLL, Stub.Reply.json(status, "{\"error\":\"%s\"}".formatted(error)));
            refused(cop.run("login", "--no-browser"), words);
            assertEquals(1, github.count(POLL));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"authorization_pending", "slow_down"})
    void pendingWithStatus400Continues(String error) {
        try (var github = stub("{}")) {
            github.on(POLL, Stub.Reply.json(400, "{\"error\":\"%s\"}".formatted(error)),
                    Stub.Reply.json(200, "{\"access_token\":\"ghu_0123456789abcdef\"}"));
            loggedIn(cop.run("login", "--no-browser"));
            assertTrue(gaps(github).getLast() >= (error.equals("slow_down") ? 10 : 5), () -> "" + gaps(github));
        }
    }

    @Test
    void disabledDeviceFlowIsReported() {
        try (var github = stub("{}")) {
            github.on(CODE, Stub.Reply.json(200, "{\"error\":\"device_flow_disabled\"}"));
            refused(cop.run("login", "--no-browser"), "cannot log in by code");
        }
    }

    @Test
    void unknownClientIdIsReported() {
        var outcome = cop.run("login", "--no-browser", "--client", "nonsense");
        refused(outcome, "nonsense");
        reports(outcome, "--client vscode");
    }

    @Test
    void codeExpiresByTheClock() {
        cop.sim.set("expires-in", 60).set("pending", 1000);
        refused(cop.run("login", "--no-browser"), "expired");
        assertTrue(elapsed() >= 60 && elapsed() < 62, () -> elapsed() + " s");
        assertTrue(gaps().size() >= 8 && gaps().size() <= 12, () -> "" + gaps());
        var end = cop.sim.ledger().getFirst().at().plusSeconds(60);
        assertTrue(cop.sim.ledger().stream().noneMatch(e -> e.at().isAfter(end)), "polled a code that was dead");
    }

    // ---- what is shown

    @Test
    void codeAndUrlAreShownAndStdoutHasOneLine() {
        var outcome = cop.run("login", "--no-browser");
        loggedIn(outcome);
        assertTrue(outcome.err().matches("(?s).*[B-Z]{4}-[B-Z]{4}.*"), outcome::all);
        reports(outcome, cop.sim.url() + "/login/device");
        assertFalse(outcome.all().contains("\033") || outcome.all().contains("\r"), outcome::all);
    }

    @Test
    void terminalShowsCodeAndCountdown() {
        var outcome = cop.terminal(0, 1, 2).run("login", "--no-browser");
        loggedIn(outcome);
        assertTrue(outcome.err().matches("(?s).*[B-Z]{4}-[B-Z]{4}.*"), outcome::all);
        reports(outcome, "15:00", "14:59");
        String last = outcome.err().substring(outcome.err().lastIndexOf("left"));
        assertTrue(last.endsWith("\r\033[K"), "the countdown stays on the screen: " + outcome.all());
    }

    @Test
    void quietStillShowsTheCode() {
        var outcome = cop.run("login", "--no-browser", "-q");
        loggedIn(outcome);
        assertTrue(outcome.err().matches("(?s).*[B-Z]{4}-[B-Z]{4}.*"), outcome::all);
    }

    @Test
    void verboseMasksTokenAndDeviceCode() {
        var outcome = cop.run("login", "--no-browser", "-v");
        loggedIn(outcome);
        String device = cop.sim.ledger().get(1).body().path("device_code").asString();
        assertFalse(outcome.all().contains(device), outcome::all);
        assertFalse(outcome.all().contains(kept().path("token").asString()), outcome::all);
    }

    @Test
    void codeIsEscapedOnTerminal() {
        try (var github = stub("{\"access_token\":\"ghu_0123456789abcdef\"}")) {
            github.on(CODE, Stub.Reply.json(200, """
                    {"device_code":"d","user_code":"AB\\u001b[2JCD\\r","verification_uri":"%s/login/device"}"""
                    .formatted(github.url())));
            var outcome = cop.run("login", "--no-browser");
            assertFalse(outcome.err().contains("\033") || outcome.err().contains("\r"), outcome::all);
        }
    }

    @Test
    void nameIsEscapedOnTerminal() {
        cop.terminal(1).sim.set("login", "octo\u001b[2Jcat");
        for (String command : List.of("login --no-browser", "login", "status", "status --json", "logout")) {
            var outcome = cop.run(command.split(" "));
            assertEquals(0, outcome.code(), outcome::all);
            assertTrue(outcome.out().contains("octo"), outcome::all);
            assertFalse(outcome.all().contains("\u001b"), outcome::all);
        }
    }

    @Test
    void missingNameLeavesNoGap() {
        cop.sim.set("login", "");
        for (var command : List.of("login", "login", "logout")) {
            var outcome = cop.run(command);
            assertEquals(0, outcome.code(), outcome::all);
            assertFalse(outcome.out().contains("  ") || outcome.out().contains("as ;"), outcome::all);
        }
    }

    // ---- the browser

    @ParameterizedTest
    @CsvSource({"github.com, https://github.com/login/device, true",
            "github.com, https://GitHub.com/login/device, true", "github.com, http://github.com/login/device, false",
            "github.com, https://evil.example/, false", "github.com, https://github.com.evil.example/, false",
            "github.com, https://github.com@evil.example/, false", "github.com, https://evilgithub.com/, false",
            "github.com, ftp://github.com/, false", "octo.ghe.com, https://octo.ghe.com/login/device, true",
            "octo.ghe.com, https://github.com/, false", "http://127.0.0.1:9, http://127.0.0.1:9/login/device, true",
            "http://127.0.0.1:9, https://evil.example/, false",
            "https://cop.example, file://cop.example/etc/passwd, false"})
    void onlyPageOfHostIsOpened(String host, String page, boolean opened) {
        assertEquals(opened, Host.of("--host", host).safeToOpen(URI.create(page)).isPresent());
    }

    @Test
    void browserOpensTheUrl() throws IOException {
        try (var github = stub("{\"error\":\"authorization_pending\"}")) {
            var process = withBrowser("login");
            try {
                Harness.await("the browser is opened", () -> Files.exists(cop.file("opened")));
                Harness.await("with the address", () -> cop.read("opened").equals(github.url() + "/login/device\n"));
            } finally {
                process.destroy();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://evil.example/login/device", "--no-browser"})
    void browserIsNotOpenedForForeignHostOrNoBrowser(String why) throws IOException {
        try (var github = stub("{\"error\":\"authorization_pending\"}")) {
            boolean foreign = !why.startsWith("-");
            github.on(CODE, deviceCode(foreign ? why : github.url() + "/login/device"));
            var process = foreign ? withBrowser("login") : withBrowser("login", why);
            try {
                Harness.await("it waits for the person", () -> cop.read("err.txt").contains("WDJB-MJHT")
                        && (!foreign || cop.read("err.txt").contains("could not open a browser")));
            } finally {
                process.destroy();
            }
            assertFalse(Files.exists(cop.file("opened")), () -> cop.read("opened"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"javascript:alert(1)", "", "http://a b", "file:///etc/passwd"})
    void invalidUrlIsReplacedByThatOfHost(String page) {
        try (var github = stub("{\"access_token\":\"ghu_0123456789abcdef\"}")) {
            github.on(CODE, deviceCode(page));
            var outcome = cop.run("login");
            loggedIn(outcome);
            reports(outcome, "Open   " + github.url() + "/login/device\n");
        }
    }

    // ---- what is sent

    @ParameterizedTest
    @CsvSource({"vscode, Iv1.b507a08c87ecfe98", "gh, 178c6fc778ccc68e1d6a",
            "01ab8ac9400c4e429b23, 01ab8ac9400c4e429b23", "Iv1.0123456789abcdef, Iv1.0123456789abcdef"})
    void clientByNameOrId(String name, String id) {
        cop.run("login", "--no-browser", "--client", name);
        assertEquals(id, sent(CODE).path("client_id").asString());
        assertEquals(id, sent(POLL).path("client_id").asString());
    }

    @Test
    void precedenceOfClientSettings() {
        cop.run("login", "--no-browser");
        assertEquals(DeviceFlow.CLIENTS.get("vscode"), sent(CODE).path("client_id").asString());
        cop.with("COP_CLIENT_ID", "gh").run("login", "--no-browser", "--force");
        assertEquals(DeviceFlow.CLIENTS.get("gh"), sent(CODE).path("client_id").asString());
        cop.run("login", "--no-browser", "--force", "--client", "vscode");
        assertEquals(DeviceFlow.CLIENTS.get("vscode"), sent(CODE).path("client_id").asString());
    }

    @Test
    void deviceFlowRequestFields() {
        cop.run("login", "--no-browser", "--scope", "read:user user:email");
        assertEquals(Set.of("client_id", "scope"), Set.copyOf(sent(CODE).propertyNames()));
        assertEquals("read:user user:email", sent(CODE).path("scope").asString());
        assertEquals(Set.of("client_id", "device_code", "grant_type"), Set.copyOf(sent(POLL).propertyNames()));
        for (var entry : cop.sim.ledger().subList(0, 2)) {
            assertEquals(List.of("application/json"), entry.headers().get("accept"));
            assertEquals(List.of("GitHubCopilotChat/0.54.0"), entry.headers().get("user-agent"));
            assertFalse(entry.headers().containsKey("authorization"));
        }
    }

    @Test
    void defaultScopeIsReadUser() {
        cop.run("login", "--no-browser");
        assertEquals("read:user", sent(CODE).path("scope").asString());
    }

    @Test
    void addedHeadersAreSentToApiOnly() {
        loggedIn(cop.run("login", "--no-browser", "-H", "X-Own: 1", "-H", "User-Agent: Mine/2"));
        assertEquals(Set.of(CODE, POLL, EXCHANGE, "/user"),
                cop.sim.ledger().stream().map(simulator.Entry::path).collect(Collectors.toSet()));
        for (var entry : cop.sim.ledger()) {
            assertFalse(entry.headers().containsKey("x-own"), entry::path);
            assertEquals(List.of("Mine/2"), entry.headers().get("user-agent"), entry::path);
        }
    }

    // ---- what is kept

    @Test
    void loginFileIsPrivate() throws IOException {
        loggedIn(cop.run("login", "--no-browser"));
        assertEquals("octocat", kept().path("user").asString());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cop.file(KEPT))));
        assertEquals("rwx------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(cop.file(KEPT).getParent())));
    }

    @Test
    void readableLoginFileIsMadePrivate() throws IOException {
        Files.setPosixFilePermissions(cop.write(KEPT, "{}"), PosixFilePermissions.fromString("rw-r--r--"));
        loggedIn(cop.run("login", "--no-browser"));
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cop.file(KEPT))));
    }

    @Test
    void tokenOfUnsupportedAppIsRejectedAndNotStored() {
        var outcome = cop.run("login", "--no-browser", "--client", FOREIGN);
        refused(outcome, "app");
        reports(outcome, "login not saved");
        assertEquals(4, cop.run("status").code());
    }

    /// A GitHub App outside the allow-list.
    private static final String FOREIGN = "Iv1.0123456789abcdef";

    @Test
    void rejectedClientIsNotSuggestedAgain() {
        var outcome = cop.with("COP_CLIENT_ID", FOREIGN).run("login", "--no-browser", "--force");
        refused(outcome, "hint: copilot login --client vscode");
        assertFalse(outcome.err().contains("your login"), outcome::all);
    }

    @Test
    void rejectedLoginKeepsTheOldOne() {
        cop.run("login", "--no-browser");
        String old = kept().path("token").asString();
        assertEquals(4, cop.run("login", "--no-browser", "--force", "--client", FOREIGN).code());
        assertEquals(old, kept().path("token").asString());
        assertEquals(0, cop.run("token", "--refresh").code());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"502,502,502,502 | 1", "reset,reset,reset,reset,reset,reset,reset,reset | 1",
            "rate-limit | 75", "garbage | 1", "html | 1", "server_error | 1"})
    void exchangeOutageStoresLogin(String faults, int code) {
        cop.sim.set("exchange-faults", faults);
        var outcome = cop.run("login", "--no-browser");
        assertEquals(code, outcome.code(), outcome::all);
        reports(outcome, "login saved but not verified");
        assertEquals("", outcome.out());
        cop.sim.set("exchange-faults", "");
        assertEquals(0, cop.run("token").code());
        assertTrue(cop.run("status").out().contains("octocat"));
    }

    /// GitHub's words and no others, nothing kept that the next command would ask with, nothing asked again.
    @ParameterizedTest
    @CsvSource({"programmatic_token_generation, --no-browser", "go_http_client, --no-browser",
            "programmatic_token_generation, --with-token"})
    void abuseDetectionEndsLogin(String verdict, String way) {
        cop.sim.set("exchange", verdict);
        var outcome = cop.runWith(simulator.GITHUB_TOKEN, "login", way);
        assertEquals(1, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("error: blocked by GitHub's abuse detection: "), outcome::all);
        reports(outcome, "hint: do not retry");
        assertFalse(outcome.err().contains("kept") || outcome.err().contains("in a while"), outcome::all);
        assertFalse(Files.exists(cop.file(KEPT)), "nothing is kept");
        assertEquals(1, cop.sim.count(EXCHANGE));
    }

    @Test
    void unwritableLoginIsNotReportedAsStored() {
        cop.write("file", "");
        var outcome = cop.with("COP_HOME", cop.file("file").toString()).run("login", "--no-browser");
        assertEquals(1, outcome.code(), outcome::all);
        reports(outcome, "cannot save the login");
        assertFalse(outcome.err().contains("is kept"), outcome::all);
    }

    // ---- --with-token

    @ParameterizedTest
    @ValueSource(strings = {"%s", "%s\n", "%s\r\n", "\n  %s  \n\n", "\uFEFF%s\n"})
    void tokenFromStdinSkipsDeviceFlow(String form) {
        loggedIn(cop.runWith(form.formatted(simulator.GITHUB_TOKEN), "login", "--with-token"));
        assertEquals(0, cop.sim.count(CODE));
        assertEquals(simulator.GITHUB_TOKEN, kept().path("token").asString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", " \r\n\t"})
    void missingTokenOnStdinIsUsageError(String stdin) {
        var outcome = cop.runWith(stdin, "login", "--with-token");
        assertEquals(2, outcome.code(), outcome::all);
        reports(outcome, "hint: ");
        assertEquals(List.of(), cop.sim.ledger());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ghu_first\nghu_second", "ghu_a b", "ghu_\u00e9\u00e9", "ghu_a\u0007b",
            "{\"token\":\n\"ghu_a\"}"})
    void tokenWithLineBreaksIsNeverSent(String stdin) {
        var outcome = cop.runWith(stdin, "login", "--with-token");
        assertEquals(2, outcome.code(), outcome::all);
        assertFalse(outcome.err().contains("unset") || outcome.err().contains("your login"), outcome::all);
        assertFalse(outcome.err().contains("first") || outcome.err().contains("ghu_a"), outcome::all);
        assertEquals(List.of(), cop.sim.ledger());
        assertFalse(Files.exists(cop.file(KEPT)));
    }

    @ParameterizedTest
    @CsvSource({"ghp, classic", "github_pat, fine-grained", "ghs, installation", "ghu-foreign, app"})
    void rejectedTokenFromStdinIsNotStored(String kind, String words) {
        refused(cop.runWith(cop.sim.issueGithubToken(kind), "login", "--with-token"), words);
    }

    @Test
    void unknownTokenFromStdinIsNotStored() {
        refused(cop.runWith("ghu_" + "x".repeat(36), "login", "--with-token"), "revoked, expired, or mistyped");
    }

    @Test
    void tokenFromStdinReplacesLogin() {
        cop.run("login", "--no-browser");
        loggedIn(cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token"));
        assertEquals(simulator.GITHUB_TOKEN, kept().path("token").asString());
    }

    @Test
    void unverifiedTokenDoesNotReplaceWorkingLogin() {
        cop.run("login", "--no-browser");
        String old = kept().path("token").asString();
        cop.sim.set("exchange-faults", "502,502,502,502");
        var outcome = cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token");
        assertEquals(1, outcome.code(), outcome::all);
        reports(outcome, "login not saved");
        assertEquals(old, kept().path("token").asString());
        assertEquals(0, cop.run("token").code());
    }

    @Test
    void unverifiedTokenIsStoredWithoutLogin() {
        cop.sim.set("exchange-faults", "502,502,502,502");
        assertEquals(1, cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token").code());
        assertEquals(simulator.GITHUB_TOKEN, kept().path("token").asString());
    }

    @Test
    void invalidTokenFromStdinIsNotReportedAsLogin() {
        var outcome = cop.runWith("notatoken", "login", "--with-token");
        refused(outcome, "standard input");
        assertFalse(outcome.err().contains("your login") || outcome.err().contains("--force"), outcome::all);
    }

    // ---- who is there already

    @Test
    void workingLoginIsKept() {
        cop.run("login", "--no-browser");
        var outcome = cop.run("login", "--no-browser");
        assertEquals("already logged in as octocat; use --force to log in again\n", outcome.out());
        assertEquals(0, outcome.code());
        assertEquals(1, cop.sim.count(CODE));
    }

    @Test
    void forceLogsInAgain() {
        cop.run("login", "--no-browser");
        String old = kept().path("token").asString();
        loggedIn(cop.run("login", "--no-browser", "--force"));
        assertNotEquals(old, kept().path("token").asString());
    }

    @Test
    void rejectedLoginIsReplacedWithoutForce() {
        cop.runWith(simulator.GITHUB_TOKEN, "login", "--with-token");
        cop.time.advance(Duration.ofHours(1));
        cop.sim.set("exchange-faults", "bad-credentials");
        loggedIn(cop.run("login", "--no-browser"));
        assertNotEquals(simulator.GITHUB_TOKEN, kept().path("token").asString());
        assertEquals(0, cop.run("token").code());
    }

    @Test
    void tokenInVariableIsNotALogin() {
        cop.with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN);
        loggedIn(cop.run("login", "--no-browser"));
        assertEquals(1, cop.sim.count(CODE));
    }

    @Test
    void variableThatOverridesLoginIsReported() {
        assertFalse(cop.run("login", "--no-browser").err().contains("COPILOT_GITHUB_TOKEN"));
        cop.with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN);
        reports(cop.run("login", "--no-browser", "--force"),
                "COPILOT_GITHUB_TOKEN is set and takes precedence over this login");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "{\"HOST\":5}", "{\"HOST\":{\"token\":7}}", "\u0000\u0001",
            "{\"HOST\":{\"user\":\"octocat\",\"token\":\"ghu_a b\"}}", "{\"HOST\":{\"token\":\"ghu_\\n\"}}"})
    void damagedLoginFileIsNotALogin(String text) {
        String damaged = text.replace("HOST", cop.sim.url());
        cop.write(KEPT, damaged);
        assertEquals(4, cop.run("status").code());
        assertEquals(0, cop.run("logout").code());
        cop.write(KEPT, damaged);
        loggedIn(cop.run("login", "--no-browser"));
        assertEquals(0, cop.run("token").code());
    }

    // ---- --host

    @ParameterizedTest
    @ValueSource(strings = {"octo", "octo.ghe.com", "OCTO.GHE.COM", " Octo.ghe.com "})
    void hostsOfTenant(String text) {
        var host = Host.of("--host", text);
        assertEquals("octo.ghe.com", host.name());
        assertEquals("https://octo.ghe.com/login/device/code", host.web(CODE).toString());
        assertEquals("https://api.octo.ghe.com" + EXCHANGE, host.rest(EXCHANGE).toString());
        assertEquals("https://copilot-api.octo.ghe.com", host.defaultApi().toString());
        assertFalse(host.custom());
    }

    @Test
    void defaultHostIsGithub() {
        for (var text : Arrays.asList(null, "", " ", "github.com", "GitHub.com")) {
            var host = Host.of("--host", text);
            assertEquals("github.com", host.name());
            assertEquals("https://github.com/login/device/code", host.web(CODE).toString());
            assertEquals("https://api.github.com" + EXCHANGE, host.rest(EXCHANGE).toString());
            assertEquals("https://api.githubcopilot.com", host.defaultApi().toString());
        }
    }

    @ParameterizedTest
    @CsvSource({"https://cop.example, https://cop.example", "https://cop.example/, https://cop.example",
            "https://Cop.Example:8443, https://cop.example:8443", "HTTP://127.0.0.1:80, http://127.0.0.1:80",
            "' http://[::1]:9 ', http://[::1]:9"})
    void originServesAllThreeHosts(String text, String name) {
        var host = Host.of("--host", text);
        assertTrue(host.custom());
        assertEquals(name, host.name(), "the name is the key of login.json: one way to write it");
        assertEquals(name + CODE, host.web(CODE).toString());
        assertEquals(name + EXCHANGE, host.rest(EXCHANGE).toString());
        assertEquals(name, host.defaultApi().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"octo.ghe.com.evil.example", "a.b.ghe.com", "ghe.com", ".ghe.com", "-octo", "octo-",
            "oc to", "octo/x", "octo.ghe.com:443", "octo@evil", "octo_x", "\u00f6cto", "ftp://cop.example", "https://",
            "https:cop.example", "https:///", "https://cop.example/path", "https://cop.example?x",
            "https://cop.example#x", "https://me@cop.example", "https://co p.example", "https://cop.example:99999",
            "https://cop.example:x", "http://cop.example\\@evil.example", "127.0.0.1:8080", "github.example.com"})
    void invalidHosts(String text) {
        var fault = assertThrows(Fault.class, () -> Host.of("--host", text));
        assertEquals(2, fault.exitCode(), fault::message);
        assertFalse(fault.message().isBlank());
    }

    @Test
    void hostOptionOverridesVariable() {
        cop.with("COP_HOST", "http://127.0.0.1:9");
        loggedIn(cop.run("login", "--no-browser", "--host", cop.sim.url()));
    }

    // ---- logout, and several hosts

    @Test
    void logoutDeletesLoginAndToken() throws IOException {
        cop.run("login", "--no-browser");
        String token = kept().path("token").asString();
        var outcome = cop.run("logout");
        assertEquals("logged out octocat (" + cop.sim.url() + ")\n", outcome.out());
        assertEquals(0, outcome.code());
        try (var files = Files.walk(cop.home)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                String text = Files.readString(file);
                assertFalse(text.contains(token) || text.contains("tid="), () -> file + ": " + text);
            }
        }
        assertEquals(4, cop.run("token").code());
        assertTrue(cop.run("logout").out().startsWith("not logged in"));
    }

    @Test
    void logoutNeedsNoNetwork() {
        cop.run("login", "--no-browser");
        cop.sim.close();
        assertEquals(0, cop.run("logout").code());
    }

    @Test
    void logoutReportsRemainingTokens() {
        cop.run("login", "--no-browser");
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN).run("logout");
        assertEquals(1, outcome.out().lines().count(), outcome::all);
        reports(outcome, "COPILOT_GITHUB_TOKEN");
        assertTrue(cop.run("logout").err().contains("COPILOT_GITHUB_TOKEN"));
        assertEquals(0, cop.run("token").code());
    }

    @Test
    void loginsOfSeveralHosts() {
        try (var tenant = simulator.start(cop.time).set("login", "monalisa").set("plan", "business")) {
            loggedIn(cop.run("login", "--no-browser"));
            var second = cop.run("login", "--no-browser", "--host", tenant.url());
            assertEquals("logged in as monalisa (business), API " + tenant.api() + "\n", second.out(), second::all);
            var hosts = Json.tryParse(cop.read(KEPT)).propertyNames();
            assertEquals(Set.of(cop.sim.url(), tenant.url()), Set.copyOf(hosts));
            assertTrue(cop.run("status").out().contains("octocat"));
            assertTrue(cop.run("status", "--host", tenant.url()).out().contains("monalisa"));
            assertNotEquals(cop.run("token").out(), cop.run("token", "--host", tenant.url()).out());
            cop.run("logout");
            assertEquals(4, cop.run("token").code());
            assertEquals(0, cop.run("token", "--host", tenant.url()).code());
        }
    }

    @Test
    void concurrentLoginsAreAllStored() throws Exception {
        var hosts = new ArrayList<Stub>();
        for (int i = 0; i < 8; i++) hosts.add(stub("{}"));
        Token.together(8, i -> cop.runWith("ghu_" + i, "login", "--with-token", "--host", hosts.get(i).url()))
                .forEach(this::loggedIn);
        var kept = Json.tryParse(cop.read(KEPT));
        for (int i = 0; i < 8; i++) assertEquals("ghu_" + i, kept.path(hosts.get(i).url()).path("token").asString());
        hosts.forEach(Stub::close);
    }

    @Test
    void contentHeadersDoNotAffectLogin() {
        loggedIn(cop.run("login", "--no-browser", "-H", "Content-Type: text/plain", "-H", "Accept: text/html"));
        assertEquals(List.of("application/json"), cop.sim.ledger().getFirst().headers().get("accept"));
    }

    /// It may hold a token: logout leaves nothing of it.
    @Test
    void damagedLoginIsReportedOnceAndDeletedByLogout() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        String said = "login.json is not a JSON object";
        for (String words : List.of("chat hi", "status", "models", "doctor", "logout", "login")) {
            Path file = cop.write(".config/copilot.java/login.json", "{\"127.0.0.1\": {\"token\": \"ghu_");
            var outcome = cop.run(words.split(" "));
            assertEquals(2, outcome.err().split(said, -1).length, outcome::all);
            prints(outcome, words.matches("log.*") ? 0 : 4, words.equals("logout")
                    ? "deleted the unreadable " + file : "copilot login");
            assertEquals(!words.equals("logout"), Files.exists(file), outcome::all);
            if (words.equals("login")) prints(cop.run("status"), 0, "your login");
        }
    }

    @Test
    void secondLogoutReportsNoDamage() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        cop.runWith(simulator.GITHUB_TOKEN + "\n", "login", "--with-token");
        prints(cop.run("logout"), 0, "");
        var again = cop.run("logout");
        assertFalse(again.err().contains("deleted"), again::all);
    }

    // ---- helpers

    private void loggedIn(Harness.Outcome outcome) {
        assertEquals(0, outcome.code(), outcome::all);
        assertTrue(outcome.out().matches("logged in as \\S+ \\([^)]+\\), API http\\S+\n"), outcome::all);
    }

    private void refused(Harness.Outcome outcome, String words) {
        assertEquals(4, outcome.code(), outcome::all);
        assertEquals("", outcome.out(), outcome::all);
        reports(outcome, words);
        reports(outcome, "\nhint: ");
        assertFalse(Files.exists(cop.file(KEPT)), "something was kept");
    }

    private JsonNode kept() { return Json.tryParse(cop.read(KEPT)).path(cop.sim.url()); }

    /// The body of the latest request to this path.
    private JsonNode sent(String path) {
        return cop.sim.ledger().reversed().stream().filter(e -> e.path().equals(path)).findFirst().orElseThrow().body();
    }

    private double elapsed() {
        var start = cop.sim.ledger().getFirst().at();
        return Duration.between(start, cop.time.now()).toMillis() / 1000.0;
    }

    /// Seconds from the device code to the first poll, and from each poll to the next.
    private List<Double> gaps() {
        return gaps(cop.sim.ledger().stream().filter(e -> e.path().startsWith("/login/"))
                .map(simulator.Entry::at).toList());
    }

    private static List<Double> gaps(Stub github) {
        return gaps(github.asked().stream().filter(a -> a.path().startsWith("/login/")).map(Stub.Asked::at).toList());
    }

    private static List<Double> gaps(List<Instant> times) {
        return IntStream.range(1, times.size())
                .mapToObj(i -> Duration.between(times.get(i - 1), times.get(i)).toMillis() / 1000.0).toList();
    }

    /// Starts a stub of GitHub that responds to polls with these lines, repeating the last one.
    private Stub stub(String polls) {
        var github = new Stub(cop.time);
        github.on(CODE, deviceCode(github.url() + "/login/device"))
                .on(POLL, polls.lines().map(line -> Stub.Reply.json(200, line)).toArray(Stub.Reply[]::new))
                .on(EXCHANGE, Stub.Reply.json(200, "{\"token\":\"tid=0;sku=x\",\"refresh_in\":1500,\"sku\":\"x\"}"))
                .on("/user", Stub.Reply.json(200, "{\"login\":\"octocat\"}"));
        cop.with("COP_HOST", github.url());
        return github;
    }

    private static Stub.Reply deviceCode(String page) {
        return Stub.Reply.json(200, """
                {"device_code":"0123456789abcdef","user_code":"WDJB-MJHT","verification_uri":"%s","expires_in":900,
                 "interval":5}""".formatted(page));
    }

    /// A real process with a display and a browser that writes down what it is to open.
    private Process withBrowser(String... args) throws IOException {
        var browser = cop.write("bin/xdg-open", "#!/bin/sh\nprintf '%s\\n' \"$*\" > " + cop.file("opened") + "\n");
        Files.setPosixFilePermissions(browser, PosixFilePermissions.fromString("rwx------"));
        cop.write("err.txt", "");
        var builder = cop.with("DISPLAY", ":0").process(args).redirectError(cop.file("err.txt").toFile());
        builder.environment().merge("PATH", browser.getParent() + ":", (old, folder) -> folder + old);
        return builder.start();
    }
}
