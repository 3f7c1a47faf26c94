package cop;

import module java.base;
import module java.net.http;
import cop.copilot.Account;
import cop.copilot.Fault;
import cop.copilot.Quota;
import cop.copilot.Request;
import cop.copilot.Usage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Remaining quotas: `usage`, and the line that -u prints from a reply's headers.
class Usages {
    private static final Instant NOW = Instant.parse("2026-11-22T10:00:00Z");
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    /// GitHub's midnight as it is called here.
    private static String local(String moment, String pattern) {
        return DateTimeFormatter.ofPattern(pattern).format(Instant.parse(moment).atZone(ZoneId.systemDefault()));
    }

    private static Account account(String json) { return new Account(Json.object(json, "a test"), NOW); }

    private static Quota only(String json) {
        var quotas = account(json).quotas();
        assertEquals(1, quotas.size(), json);
        return quotas.getFirst();
    }

    private static String snapshot(String fields) { return "{\"quota_snapshots\":{\"x\":{" + fields + "}}}"; }

    // ------------------------------------------------------------------------------------------------ the command

    @Test
    void pipeGetsOneRowPerQuota() {
        var outcome = cop.ok("usage");
        assertEquals("""
                chat\t0\t\t\t\ttrue\t2026-12-01T00:00:00Z\t0\tfalse\t
                completions\t0\t\t\t\ttrue\t2026-12-01T00:00:00Z\t0\tfalse\t
                premium_interactions\t28.6\t1471.4\t1500\t98.09\tfalse\t2026-12-01T00:00:00Z\t0\tfalse\tcredits
                """, outcome.out());
        assertEquals("", outcome.err());
    }

    @Test
    void terminalGetsOneLinePerQuota() {
        assertEquals("""
                octocat (individual, yearly_subscriber_quota), billed in AI credits, $0.01 each
                  chat                  unlimited
                  completions           unlimited
                  premium interactions  98.09%% left of 1500 credits: 1471.4
                resets %s, in 8 days
                """.formatted(local("2026-12-01T00:00:00Z", "yyyy-MM-dd HH:mm")), cop.terminal(1).run("usage").out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "requests | (individual, yearly_subscriber_quota) | 90.47% left of 300 requests: 271.4",
            "negative | $0.01 each | -0.07% left of 1500 credits: -1",
            "overage | $0.01 each | 0% left of 1500 credits: 0, 12.5 used beyond it, more may be used and is"
            + " billed",
            "free | (free, free_limited_copilot) | chat         96% left of 500: 480",
            "missing | (individual, yearly_subscriber_quota) | GitHub reports no quotas for this account"})
    void everyKindOfAccountIsShown(String kind, String head, String line) {
        cop.sim.set("quota", kind);
        var outcome = cop.terminal(1).run("usage");
        assertEquals(0, outcome.code(), outcome::all);
        assertTrue(outcome.out().contains(head), outcome::all);
        assertTrue(outcome.out().contains(line), outcome::all);
        assertEquals(!kind.equals("missing"), outcome.out().contains("\nresets 2026-"), outcome::all);
        assertEquals(!head.contains("$"), !outcome.out().contains("credits"), outcome::all);
    }

    @Test
    void freeAccountHasRows() {
        cop.sim.set("plan", "free");
        assertEquals("""
                chat\t20\t480\t500\t96\tfalse\t2026-12-01T00:00:00Z\t\tfalse\t
                completions\t10\t3990\t4000\t99.75\tfalse\t2026-12-01T00:00:00Z\t\tfalse\t
                """, cop.ok("usage").out());
    }

    @Test
    void emptyOutputInPipeIsExplained() {
        cop.sim.set("quota", "missing");
        var outcome = cop.ok("usage");
        assertEquals("", outcome.out());
        assertEquals("warning: GitHub reports no quotas for this account\n", outcome.err());
    }

    /// `api` prints the bytes as they came.
    @ParameterizedTest
    @ValueSource(strings = {"paid", "free", "negative", "missing", "overage"})
    void jsonIsTheCompleteResponse(String kind) {
        cop.sim.set("quota", kind);
        String whole = cop.ok("api", "/copilot_internal/user").out();
        var shown = cop.ok("usage", "--json").out();
        assertEquals(Json.tryParse(whole).toPrettyString() + "\n", shown);
        assertTrue(kind.equals("free") || kind.equals("missing") || shown.contains("\"quota_remaining\" : 0.0"), shown);
    }

    @Test
    void requestUsesGithubToken() {
        cop.ok("usage");
        var asked = cop.sim.ledger().stream().filter(e -> e.path().equals("/copilot_internal/user")).toList();
        assertEquals(List.of("token " + simulator.GITHUB_TOKEN), asked.getFirst().headers().get("authorization"));
        assertEquals(1, asked.size());
    }

    @Test
    void revokedTokenIsReported() {
        cop.ok("token");
        cop.sim.set("exchange", "bad-credentials");
        var outcome = cop.run("usage");
        assertEquals(4, outcome.code(), outcome::all);
        assertTrue(outcome.err().contains("COPILOT_GITHUB_TOKEN: it is revoked, expired, or mistyped"), outcome::all);
    }

    @Test
    void notLoggedInIsReported() {
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", null).run("usage");
        assertEquals(4, outcome.code(), outcome::all);
        assertTrue(outcome.err().endsWith("hint: copilot login\n"), outcome::all);
    }

    @Test
    void argumentsAreRefused() { assertEquals(2, cop.run("usage", "premium").code()); }

    @Test
    void exhaustedQuotaHintsAtUsage() {
        cop.sim.set("faults", "402");
        assertTrue(cop.run("chat", "hello").err().contains("hint: copilot usage"));
    }

    // --------------------------------------------------------------------------------------- the record of credits

    private static final String SPENT = ".local/state/copilot.java/spent.jsonl";

    /// Adds three answers before the record can be written, then calls back.
    private void spend(Consumer<Spending> then) {
        var environment = cop.environment(cop.time);
        try (var http = new HttpSender(new Console(environment), Duration.ofMinutes(1))) {
            var spending = new CopilotClient(cop.context(http, environment)).spending;
            var request = new Request("gpt-5-mini", List.of(), null, false);
            synchronized (spending) {                       // the writer waits for it
                for (int i = 0; i < 3; i++) spending.add(request, new Usage(3, 4, 0, 0, 5, false));
                assertFalse(Files.exists(cop.file(SPENT)), "one write for all");
                then.accept(spending);
            }
            Harness.await("the record", () -> Files.exists(cop.file(SPENT)));
            Harness.await("all lines", () -> cop.read(SPENT).lines().count() == 3);
        }
    }

    @Test
    void creditsAreWrittenTogetherWithinASecond() { spend(_ -> { }); }

    @Test
    void creditsAreWrittenBeforeTheLimitIsJudged() {
        cop.with("COP_DAILY_CREDITS", "0.00000001");
        spend(spending -> assertEquals(75, assertThrows(Fault.class, spending::check).exitCode()));
    }

    /// Java closes the file of an interrupted thread.
    @Test
    void creditsAreWrittenAfterCtrlC() {
        spend(spending -> {
            Thread.currentThread().interrupt();
            spending.write();
            assertTrue(Thread.interrupted());
            assertEquals(3, cop.read(SPENT).lines().count());
        });
    }

    // ------------------------------------------------------------------------------------------ shapes of the answer

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "\"entitlement\":-1,\"remaining\":0 | x: unlimited",
            "\"entitlement\":0,\"remaining\":0,\"unlimited\":true | x: unlimited",
            "\"entitlement\":0,\"remaining\":0,\"percent_remaining\":0.0 | x: none in this plan",
            "\"entitlement\":300,\"remaining\":-1,\"percent_remaining\":-0.33 | x: -0.33% left of 300: -1",
            "\"entitlement\":\"300\",\"remaining\":\"30\" | x: 10% left of 300: 30",
            "\"entitlement\":3,\"remaining\":1 | x: 33.33% left of 3: 1",
            "\"entitlement\":300 | x: unknown amount left of 300",
            "\"remaining\":7 | x: 7 left",
            "\"percent_remaining\":99.999 | x: 99.99% left",
            "\"percent_remaining\":1e99999999,\"entitlement\":1e99999999,\"remaining\":null | x: unknown amount left",
            "\"entitlement\":[],\"remaining\":{},\"percent_remaining\":true | x: unknown amount left",
            "\"remaining\":7,\"overage_count\":2.50 | x: 7 left, 2.5 used beyond it",
            "\"remaining\":7,\"overage_permitted\":true | x: 7 left, more may be used and is billed",
            "'' | x: unknown amount left"})
    void incompleteSnapshotIsRead(String fields, String words) {
        assertEquals(words, only(snapshot(fields)).toString());
        assertTrue(account(snapshot(fields)).toString().contains("\n  x  "));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "\"limited_user_quotas\":{\"chat\":5} | chat: 5 left",
            "\"monthly_quotas\":{\"chat\":50} | chat: unknown amount left of 50",
            "\"monthly_quotas\":{\"chat\":50},\"limited_user_quotas\":{\"chat\":0} | chat: 0% left of 50: 0",
            "\"monthly_quotas\":{\"chat\":50},\"limited_user_quotas\":null,\"quota_snapshots\":null"
                    + " | chat: unknown amount left of 50",
            "\"monthly_quotas\":{\"chat\":50},\"quota_snapshots\":{} | chat: unknown amount left of 50",
            "\"monthly_quotas\":{\"chat\":50},\"quota_snapshots\":{\"y\":{\"remaining\":1},\"z\":3} | y: 1 left"})
    void incompleteFreeAccountIsRead(String fields, String words) {
        assertEquals(words, only("{" + fields + "}").toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "\"quota_reset_date\":\"2026-12-01\" | 2026-12-01T00:00:00Z",
            "\"quota_reset_date\":\"2026-12-01\",\"quota_reset_date_utc\":\"2026-12-01T03:00:00.000Z\""
                    + " | 2026-12-01T03:00:00Z",
            "\"limited_user_reset_date\":\"2026-12-01\" | 2026-12-01T00:00:00Z",
            "\"limited_user_reset_date\":1796083200 | 2026-12-01T00:00:00Z",
            "\"quota_reset_date_utc\":\"2026-12-01T00:00:00+02:00\" | 2026-11-30T22:00:00Z",
            "\"quota_reset_date\":\"soon\" | ", "\"quota_reset_date\":null | ",
            "\"quota_reset_date\":\"2026-13-01\" | ", "\"quota_reset_date\":{} | ", "\"quota_reset_date\":true | "})
    void resetDateForms(String fields, String reset) {
        assertEquals(Optional.ofNullable(reset).map(Instant::parse), account("{" + fields + "}").reset());
    }

    @Test
    void pastResetIsReported() {
        String text = account("{\"quota_reset_date\":\"2026-11-01\"}").toString();
        assertTrue(text.endsWith("(past: these figures are outdated)"), text);
    }

    @Test
    void quotaWithItsOwnReset() {
        String text = account("{\"quota_reset_date\":\"2026-12-01\",\"quota_snapshots\":{\"x\":{\"remaining\":1,"
                + "\"reset_date\":\"2026-11-29\"},\"y\":{\"remaining\":1,\"reset_date\":\"2026-12-01\"}}}").toString();
        assertTrue(text.contains("1 left, resets " + local("2026-11-29T00:00:00Z", "yyyy-MM-dd HH:mm") + ", in 6 days\n"
                + "  y"), text);
        assertTrue(text.contains("1 left\nresets "), text);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"true | true", "false | false", "{} | true", "{\"enabled\":false} | false",
            "null | false", "\"yes\" | false"})
    void tokenBillingIsFlagOrObject(String value, boolean billed) {
        assertEquals(billed, account("{\"token_based_billing\":" + value + "}").tokenBilled());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "\"copilot_plan\":\"individual\",\"access_type_sku\":\"free_limited_copilot\" | free",
            "\"copilot_plan\":\"individual_pro\",\"access_type_sku\":\"yearly_subscriber\" | individual_pro",
            "\"copilot_plan\":\"business\" | business", "\"copilot_plan\":7 | unknown", "'' | unknown"})
    void planOfAccount(String fields, String plan) {
        assertEquals(plan, account("{" + fields + "}").plan());
    }

    @Test
    void accountIsEscapedOnTerminal() {
        String text = account("""
                {"login":"\\u001b[2Jx","copilot_plan":"a\\nb","access_type_sku":"\\u009b1m",
                "quota_snapshots":{"\\u001b[2J\\ty":{"remaining":1}}}""").toString();
        assertFalse(text.matches("(?s).*[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f].*"), text);
    }

    @Test
    void unlimitedBusinessShowsSpending() {
        cop.sim.set("plan", "business").set("quota", "unlimited-business");
        String shown = cop.terminal(1).run("usage").out();
        assertTrue(shown.matches("(?s).*premium interactions +unlimited, [0-9.]+ credits used.*"), shown);
        assertTrue(shown.contains("business"), shown);
    }

    @ParameterizedTest
    @CsvSource({"free,free", "student,student", "max,max", "business,business"})
    void planNames(String plan, String word) {
        cop.sim.set("plan", plan);
        assertTrue(cop.ok("status").out().contains("(" + word + ","), () -> cop.ok("status").out());
        assertTrue(cop.terminal(1).run("usage").out().contains("(" + word + ","));
    }

    // ------------------------------------------------------------------------------------------------- -u

    private String lineAfter(String headers) {
        cop.sim.set("quota-headers", headers);
        var outcome = cop.ok("chat", "-u", "-m", "gpt-5.4", "say: hi");
        assertEquals("hi\n", outcome.out());
        return outcome.err().replaceFirst("usage: .*\n", "");
    }

    @Test
    void usageOptionShowsRemainingQuota() {
        String day = local("2026-12-01T00:00:00Z", "yyyy-MM-dd HH:mm") + ", in 8 days";
        assertEquals("quota: premium interactions 98.09% left of 1500, resets " + day + "\n", lineAfter("snapshot"));
        assertEquals("quota: premium interactions 98.03% left of 1500, resets " + day + "\n", lineAfter("snapshot"),
                "the call before is counted now");
    }

    @Test
    void usageOptionOmitsUnknownQuotas() {
        assertEquals("", lineAfter("none"));
        assertEquals("", lineAfter("garbage"));
    }

    @Test
    void usageOptionShowsSessionAndWeeklyLimits() {
        assertEquals("quota: premium interactions 98.09% left of 1500, resets "
                + local("2026-12-01T00:00:00Z", "yyyy-MM-dd HH:mm") + ", in 8 days; session limit 75.5% left of 1000,"
                + " resets " + local("2026-11-22T12:00:00Z", "yyyy-MM-dd HH:mm") + ", in 2 h; weekly limit"
                + " 99.99% left of 5000\n",
                lineAfter("all"));
    }

    @Test
    void freeAccountUsesChatHeader() {
        cop.sim.set("plan", "free");
        var outcome = cop.ok("chat", "-u", "say: hi");
        assertTrue(outcome.err().contains("\nquota: chat 42.8% left of 50, resets "), outcome::all);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "null", value = {
            "ent=-1&rem=100 | quota: unlimited", "ent=300&rem=-0.33 | quota: chat -0.33% left of 300",
            "rem=5 | quota: chat 5% left", "ent=300 | null", "rem=NaN&ent=1 | null",
            "ent=0&rem=0 | quota: chat none in this plan", "rem=1e9 | quota: chat 1000000000% left",
            "rem=1e99999 | null", "& | null", "rem | null", "rem=5&rst=%zz | quota: chat 5% left"})
    void incompleteHeaderIsRead(String value, String line) {
        var headers = HttpHeaders.of(Map.of("X-Quota-Snapshot-Chat", List.of(value)), (_, _) -> true);
        assertEquals(Optional.ofNullable(line), Quota.line(Quota.of(headers), NOW));
    }

    @Test
    void noUsageLineWithoutOption() { assertEquals("", cop.ok("chat", "say: hi").err()); }

    @Test
    void unpricedUsageIsEstimated() {
        cop.sim.set("copilot-usage", false);
        var outcome = cop.ok("chat", "-u", "-m", "mai-code-1.1-flash", "say: hi");
        assertTrue(outcome.err().contains("1 completion tokens, about 0.0003 credits, mai-code-1.1-flash"),
                outcome::all);
        cop.sim.set("copilot-usage", true);
        assertFalse(cop.ok("chat", "-u", "-m", "mai-code-1.1-flash", "say: hi").err().contains("about"));
        cop.sim.set("copilot-usage", false).set("models", "old");
        cop.ok("models", "--refresh");
        assertFalse(cop.ok("chat", "-u", "-m", "mai-code-1.1-flash", "say: hi").err().contains("about"),
                "the list has no prices");
    }

    @Test
    void verbPrintsAsTheCommand() {
        var out = new PrintWriter(Writer.nullWriter());
        var account = new Toolkit(cop.environment(new Stdin(InputStream.nullInputStream(), null), out, out)).copilot()
                .account();
        assertEquals(cop.terminal(1).run("usage").out(), account + "\n");
        assertEquals("individual", account.plan());
        assertEquals(new BigDecimal("28.6"), account.quotas().getLast().used());
    }

    @Test
    void usageLineWithoutModel() {
        var reply = new copilot.Reply(List.of("hi"), "", "stop", "", copilot.Usage.NONE, Json.array(Stream.of()), "",
                "", Duration.ofMillis(328), List.of(), List.of());
        assertEquals("usage: 0 prompt + 0 completion tokens, 328 ms", reply.usageLine());
    }
}
