package cop;

import module java.base;

import cop.Harness.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

import static cop.Harness.exits;
import static cop.Harness.failed;
import static cop.Harness.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// Rate limits, retries and lost connections in a batch, with a virtual clock.
class BatchPace {
    private final Harness cop = Harness.loggedIn();

    BatchPace() { cop.write("templates/t.mustache", "say: {{text}}"); }

    @AfterEach
    void close() { cop.close(); }

    private Outcome good(String... more) { return exits(0, cop.batch(more)); }

    private List<JsonNode> results() {
        return cop.jsonLines("out.jsonl");
    }

    /// `id=text` of each result, or `id!status`.
    private String told() {
        return results().stream().map(r -> r.path("id").asString() + (Json.text(r, "status").equals("ok")
                ? "=" + Json.text(r, "text") : "!" + Json.text(r, "status"))).collect(Collectors.joining(" "));
    }

    @ParameterizedTest
    @CsvSource({"429:5, 5", "429:0, 10", "429, 10", "429:soon, 10", "429:date+30, 30", "429-gemini, 7"})
    void rateLimitPausesAllRequests(String fault, long seconds) {
        cop.rows("a", "b", "c", "d");
        cop.sim.set("faults", List.of(fault));
        var outcome = good("-j", "1", "--delay", "0");
        assertEquals("a=a b=b c=c d=d", told());
        assertEquals(1, results().getFirst().path("attempts").asInt(), "a limit uses up no attempt");
        assertTrue(outcome.err().contains("pausing for " + seconds + " s: "), outcome::all);
        assertEquals(5, cop.prompts().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"429:21600", "402:date+86400", "402", "403", "429-quota"})
    void longRetryAfterEndsTheRunWithoutLoss(String fault) {
        cop.rows("a", "b", "c", "d");
        cop.sim.set("faults", List.of("ok", "ok", fault));
        var outcome = exits(75, cop.batch("-j", "1"));
        assertTrue(outcome.err().contains("2 of 4 rows are done: 2 ok"), outcome::all);
        assertTrue(outcome.err().contains("to resume: copilot batch t -d rows.jsonl -o out.jsonl -j 1\n"),
                outcome::all);
        assertEquals("a=a b=b", told());
        assertEquals(3, cop.prompts().size());
        good("-j", "1");
        assertEquals("a=a b=b c=c d=d", told());
        assertEquals(5, cop.prompts().size());
    }

    @Test
    void runEndsAfterThreeFruitlessPauses() {
        cop.rows("a", "b", "c", "d");
        cop.sim.set("faults", Collections.nCopies(20, "429:5"));
        exits(75, cop.batch("-j", "1"));
        assertEquals(3, cop.prompts().size());
    }

    @Test
    void manyRateLimitsAreSurvived() {
        cop.rows(IntStream.range(0, 26).mapToObj(i -> "" + (char) ('a' + i)).toArray(String[]::new));
        var faults = new ArrayList<String>();
        for (int i = 0; i < 60; i++) faults.add(i % 3 == 0 ? "429:1" : "ok");
        cop.sim.set("faults", faults);
        good("-j", "8", "--delay", "0");
        assertEquals(26, results().size());
    }

    @Test
    void transientErrorsAreRetried() {
        cop.rows("a", "b");
        cop.sim.set("faults", List.of("502", "reset-mid", "500", "ok", "error-chunk", "eof", "503", "504"));
        exits(5, cop.batch("-j", "1"));
        assertEquals("a=a b!failed", told());
        assertEquals(4, results().getFirst().path("attempts").asInt());
        assertTrue(results().get(1).at("/error/message").asString().contains("HTTP 504"));
    }

    @Test
    void expiredTokenIsRefreshed() {
        cop.rows("a", "b", "c", "d", "e", "f");
        cop.sim.set("faults", List.of("ok", "401-expired", "ok", "401-ide-expired"));
        good("-j", "1");
        assertEquals("a=a b=b c=c d=d e=e f=f", told());
        assertTrue(results().stream().allMatch(r -> r.path("attempts").asInt() == 1));
        cop.sim.set("token-life", 3);                       // shorter than the server says that it is
        good("-j", "3", "--delay", "2s", "--again");
        assertEquals("a=a b=b c=c d=d e=e f=f", told());
    }

    @Test
    void logoutDuringRunIsReported() {
        cop.rows("a", "b", "c");
        cop.sim.set("faults", List.of("ok", "401-garbage", "401-garbage", "401-garbage"));
        exits(4, cop.batch("-j", "1"));
        assertEquals("a=a", told());
    }

    @Test
    void runWithBrokenTemplateIsHalted() {
        cop.rows(IntStream.range(0, 90).mapToObj(i -> (char) (0x4e00 + i) + "").toArray(String[]::new));
        cop.sim.set("faults", Collections.nCopies(200, "400-invalid_request_body"));
        exits(1, cop.batch("-j", "1", "--delay", "0"));
        assertEquals(50, cop.prompts().size());
        cop.sim.set("faults", Collections.nCopies(200, "400-invalid_request_body"));
        exits(5, cop.batch("-j", "1", "--delay", "0", "--halt", "fail=100%"));
        var twice = cop.prompts().stream().collect(Collectors.groupingBy(t -> t, Collectors.counting()));
        twice.values().removeIf(n -> n == 1);
        assertEquals(Map.of(), twice);
        assertEquals(90, cop.prompts().size());
    }

    @Test
    void concurrentRequestsKeepToTheRate() {
        cop.rows(IntStream.range(0, 40).mapToObj(i -> (char) (0x4e00 + i) + "").toArray(String[]::new));
        var begun = cop.time.now();
        good("-j", "16", "--delay", "2s");
        assertTrue(Duration.between(begun, cop.time.now()).toSeconds() >= 78, "39 delays of 2 s");
        assertEquals(40, cop.prompts().size());
    }

    private static final Instant START = Instant.parse("2026-11-24T00:00:00Z");

    private static Instant at(double seconds) { return START.plusMillis((long) (seconds * 1000)); }

    /// A runner by itself, over rows a to z, with a network of the test's own.
    private final class Network {
        final List<String> said = Collections.synchronizedList(new ArrayList<>());
        final AtomicInteger tries = new AtomicInteger();
        final Journal journal = new Journal(cop.file("network.run"), true);
        Optional<copilot.Fault> stop;

        Network(Instant back, Duration maxWait, int jobs) {
            this(maxWait, jobs, _ -> { }, tries -> {
                if (cop.time.now().isBefore(back)) {
                    throw new copilot.Fault(copilot.Fault.Kind.UNREACHABLE, 1, "cannot reach the API",
                            "is there a network?", new ConnectException("refused"));
                }
            });
        }

        /// @param each receives the number of each attempt and throws its failure
        Network(Duration maxWait, int jobs, Consumer<RetryPolicy> more, IntConsumer each) {
            var policy = new RetryPolicy();
            policy.timeout = Duration.ofMinutes(1);
            policy.maxWait = maxWait;
            policy.haltShare = 1;
            more.accept(policy);
            var pace = new RateController(jobs, Duration.ZERO);
            var env = cop.environment();
            var progress = new BatchProgress(new Console(env), 26, null, pace) {
                @Override
                void ended(RowResult result) { said.add(result.item().id() + " " + result.attempts()); }

                @Override
                void paused(Duration pause, String why) { said.add("pause"); }

                @Override
                void note(String text) { said.add(text); }
            };
            var runner = new BatchRunner(pace, policy, cop.time, request -> {
                each.accept(tries.incrementAndGet());
                return new copilot.Reply(List.of("hello"), "", "stop", "m", copilot.Usage.NONE, null, "", "",
                        Duration.ZERO, List.of(), List.of());
            }, journal, progress);
            var request = new copilot.Request("gpt-5-mini", List.of(copilot.Message.user("hi")), Json.object(), true);
            var items = IntStream.range(0, 26).mapToObj(i -> new BatchItem(i, "place", "" + (char) ('a' + i),
                    Fingerprint.of("" + i), request, null, null, null)).iterator();
            stop = runner.run(() -> items.hasNext() ? items.next() : null, Duration.ofSeconds(1));
            journal.close();
        }
    }

    @Test
    void tenMinuteOutageFailsNoRow() {
        var network = new Network(cop.time.now().plusSeconds(600), Duration.ofMinutes(15), 4);
        assertEquals(Optional.empty(), network.stop);
        var rows = network.said.stream().filter(s -> !s.equals("pause")).sorted().toList();
        assertEquals(IntStream.range(0, 26).mapToObj(i -> (char) ('a' + i) + " 1").toList(), rows);
        assertTrue(network.tries.get() < 26 + 4 * 30, "pauses of half a minute: " + network.tries);
    }

    @Test
    void lastingOutageEndsTheRun() {
        var begun = cop.time.now();
        var network = new Network(Instant.MAX, Duration.ofMinutes(15), 4);
        assertEquals(75, network.stop.orElseThrow().exitCode());
        assertEquals(List.of(), network.said.stream().filter(s -> !s.equals("pause")).toList(), "no row is done");
        var waited = Duration.between(begun, cop.time.now());
        assertTrue(waited.toMinutes() >= 14 && waited.toMinutes() <= 16, waited::toString);
    }

    /// A lost connection is not a response, and does not end a series of pauses.
    @Test
    void lostConnectionIsNotAResult() {
        var network = new Network(Duration.ofMinutes(1), 1, _ -> { }, tries -> {
            throw tries % 2 == 0 && tries < 200
                    ? new copilot.Fault(copilot.Fault.Kind.CONNECTION_LOST, 1, "the connection was lost", "", null)
                    : new copilot.Fault(copilot.Fault.Kind.UNREACHABLE, 1, "cannot reach the API", "", null);
        });
        assertEquals("cannot reach the API", network.stop.orElseThrow().message());
        assertTrue(network.tries.get() < 20, network.tries + " tries");
    }

    /// A run that stops for another reason still waits for an answer that takes long.
    @Test
    @Timeout(20)
    void ctrlCWhileRunIsStopping() {
        var main = Thread.currentThread();
        var network = new Network(Duration.ofMinutes(1), 2, policy -> policy.maxRequests = 1L, _ -> {
            try {
                Thread.sleep(300);                          // the limit is reached
                main.interrupt();
                Thread.sleep(60_000);
            } catch (InterruptedException e) {
                throw copilot.Fault.interrupted();
            }
        });
        assertEquals(75, network.stop.orElseThrow().exitCode());
        assertEquals(List.of("requests in flight: 1; press Ctrl-C again to abandon them"), network.said);
        assertFalse(Thread.interrupted());
    }

    /// A row that is not read because of Ctrl-C is not invalid; reading continues until then.
    @Test
    void ctrlCWhileReadingRows() throws IOException {
        cop.write("many.jsonl", "{\"text\": \"a\"}\n".repeat(10_000));
        var env = cop.environment();
        try (var rows = RowReader.opened(env, "many.jsonl", "many.jsonl", "jsonl")) {
            Thread.currentThread().interrupt();
            for (var row = rows.next(); row != null; row = rows.next()) assertNull(row.fault());
            assertTrue(Thread.currentThread().isInterrupted());
            var fault = assertThrows(copilot.Fault.class, () -> new BatchInput(rows, new BatchSpec(),
                    null).read());
            assertTrue(fault.is(copilot.Fault.Kind.INTERRUPTED));
        } finally {
            Thread.interrupted();
        }
    }

    /// After a failed sync, a successful one may hide lost lines.
    @Test
    void journalStaysBrokenAfterFailedSync() throws Exception {
        assumeTrue(Files.exists(Path.of("/dev/null")), "it takes writes, and refuses to sync");
        Files.createDirectories(cop.file("x.run"));
        Files.createSymbolicLink(cop.file("x.run/journal.jsonl"), Path.of("/dev/null"));
        var item = BatchItem.bad(0, "place", "a", copilot.Fault.usage("bad", ""), null);
        var result = new RowResult(item, "failed", null, copilot.Usage.NONE, Duration.ZERO, 0, "bad_row", "bad");
        try (var journal = new Journal(cop.file("x.run"), true);
             var healed = new RandomAccessFile(cop.file("healed").toFile(), "rw")) {
            assertThrows(copilot.Fault.class, () -> journal.append(result, BatchCounts.NONE, START));
            var writer = Journal.class.getDeclaredField("io");
            writer.setAccessible(true);
            writer.set(journal, healed);
            assertThrows(copilot.Fault.class, () -> journal.append(result, BatchCounts.NONE, START));
            assertTrue(journal.entry(item.key()).isEmpty());
        }
    }

    @Test
    void rateControllerKeepsJobsAndDelay() {
        var pace = new RateController(2, Duration.ofSeconds(1));
        assertEquals(Duration.ZERO, pace.wait(at(0)));
        pace.started(at(0));
        assertEquals(Duration.ofMillis(600), pace.wait(at(0.4)));
        assertEquals(Duration.ZERO, pace.wait(at(1)));
        pace.started(at(1));
        assertEquals(RateController.UNTIL_AN_ANSWER, pace.wait(at(9)));
        pace.ended();
        assertEquals(Duration.ZERO, pace.wait(at(9)));
    }

    @Test
    void concurrentRateLimitsCountOnce() {
        var pace = new RateController(16, Duration.ofMillis(100));
        for (int i = 0; i < 16; i++) pace.started(at(i / 10.0));
        assertEquals(Duration.ofSeconds(20), pace.limited(at(0), Optional.of(Duration.ofSeconds(20)), at(2)));
        for (int i = 1; i < 16; i++) pace.limited(at(i / 10.0), Optional.of(Duration.ofSeconds(18)), at(2.1));
        assertEquals(1, pace.pauses());
        assertEquals(8, pace.jobs());
        assertEquals(Duration.ofMillis(250), pace.delay());
        for (int i = 0; i < 16; i++) pace.ended();
        assertEquals(Duration.ofSeconds(10), pace.wait(at(12)));
        assertEquals(Duration.ZERO, pace.wait(at(22)));
        pace.started(at(22));
        pace.limited(at(22), Optional.empty(), at(23));
        assertEquals(2, pace.pauses());
        assertEquals(4, pace.jobs());
        assertEquals(Duration.ofSeconds(20), pace.wait(at(23)), "our own pauses grow");
        pace.answered();
        assertEquals(0, pace.pauses());
    }

    @Test
    void rateRecoversSlowlyUpToTheMaximum() {
        var pace = new RateController(8, Duration.ofSeconds(1));
        pace.started(at(0));
        pace.limited(at(0), Optional.of(Duration.ofSeconds(1)), at(1));
        assertEquals(4, pace.jobs());
        for (int i = 0; i < 19; i++) pace.answered();
        assertEquals(4, pace.jobs());
        for (int i = 0; i < 1000; i++) pace.answered();
        assertEquals(8, pace.jobs());
        assertEquals(Duration.ofSeconds(1), pace.delay());
    }
}
