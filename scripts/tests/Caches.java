package cop;

import module java.base;

import cop.copilot.Fault;
import cop.copilot.Message;
import cop.copilot.Request;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Locks, cached model lists and learned facts: no process blocks another, and cached failures expire.
class Caches {
    private static final String EXCHANGE = Login.EXCHANGE, CHAT = "/chat/completions",
            CACHE = ".cache/copilot.java/", ANSWER = """
            {"output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"status":"completed"}""";
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---- nobody waits for somebody who waits

    /// A process that was stopped in the exchange keeps its lock for good.
    @ParameterizedTest
    @ValueSource(strings = {"token", "chat say:", "chat --timeout 5s say:", "status", "models", "models default auto"})
    void stoppedProcessBlocksNobody(String command) throws Exception {
        withLocksHeld(() -> {
            var outcome = cop.run(command.split(" "));
            assertEquals(0, outcome.code(), outcome::all);
            var waited = cop.time.pauses.stream().reduce(Duration.ZERO, Duration::plus);
            assertTrue(waited.toSeconds() >= 4 && waited.toSeconds() <= 25, () -> "waited " + waited);
        });
    }

    @Test
    void ctrlCEndsWaitForLock() throws Exception {
        withLocksHeld(() -> {
            var interrupted = new Time() {
                @Override
                public void sleep(Duration pause) throws InterruptedException { throw new InterruptedException(); }
            };
            assertEquals(Fault.INTERRUPTED, copilot.run(cop.environment(interrupted), "token"));
            assertEquals(0, cop.sim.count(EXCHANGE));
        });
    }

    private void withLocksHeld(Runnable work) throws Exception {
        var files = Stream.of("token-" + key() + ".lock", "config.json.lock")
                .map(name -> cop.write(CACHE + name, "").toString()).toList();
        var command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "-Xshare:auto",
                cop.write("Hold.java", """
                import java.nio.channels.FileChannel; import java.nio.file.*;
                void main(String[] files) throws Exception {
                    for (var file : files) FileChannel.open(Path.of(file), StandardOpenOption.WRITE).lock();
                    System.out.println("held"); System.in.read();
                }""").toString()));
        command.addAll(files);
        var holder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            assertEquals("held", holder.inputReader().readLine());
            work.run();
        } finally {
            holder.destroyForcibly().waitFor();
        }
    }

    /// While GitHub's Retry-After is slept through, nothing that another process or thread needs is locked.
    @ParameterizedTest
    @ValueSource(strings = {EXCHANGE, "/models", "/models/session"})
    void noLockIsHeldDuringRetryAfter(String path) throws Exception {
        try (var github = new Stub(cop.time)) {
            github.on(EXCHANGE, Stub.Reply.json(200, "{\"token\":\"tid=0\",\"refresh_in\":1500}"))
                    .on("/models", Stub.Reply.json(200, "{\"data\":[]}"))
                    .on("/models/session", Stub.Reply.json(200,
                            "{\"session_token\":\"s\",\"selected_model\":\"m\",\"expires_at\":1e99}"))
                    .on("/responses", Stub.Reply.json(200, ANSWER))
                    .first(path, Stub.Reply.text(429, "later").with("Retry-After", "40"));
            cop.with("COP_HOST", github.url());
            var paused = new CountDownLatch(1);
            var go = new CountDownLatch(1);
            Time time = new Time() {
                @Override
                public Instant now() { return cop.time.now(); }

                @Override
                public void sleep(Duration pause) throws InterruptedException {
                    if (pause.toSeconds() < 30) return;
                    paused.countDown();
                    go.await();
                }
            };
            var environment = cop.environment(time);
            try (var threads = Executors.newVirtualThreadPerTaskExecutor();
                 var http = new HttpSender(new Console(environment), Duration.ofMinutes(1))) {
                var context = new Context(new Console(environment), Home.of(environment), Host.of("--host",
                        github.url()), Headers.parse(null, List.of()), http);
                var client = new CopilotClient(context);
                var request = new Request("auto", List.of(Message.user("hello")), null, false)
                        .withEndpoint("responses");
                Callable<String> ask = () -> client.ask(request, (_, _) -> { }).text();
                var first = threads.submit(ask);
                paused.await();
                var second = threads.submit(ask);
                assertEquals("hi", second.get(10, TimeUnit.SECONDS));
                go.countDown();
                assertEquals("hi", first.get(10, TimeUnit.SECONDS));
            }
        }
    }

    // ---- what failed once is tried again

    /// JShell sessions last for days: a failed model list is requested again after a minute.
    @Test
    void failedModelListIsRequestedAgain() {
        cop.sim.set("models-faults", "502,502,502,502,502,502");
        var environment = cop.environment(cop.time);
        try (var http = new HttpSender(new Console(environment), Duration.ofMinutes(1))) {
            var client = new CopilotClient(cop.context(http, environment));
            assertEquals("auto", client.models().choose(null));
            long asked = cop.sim.count("/models");
            for (int i = 0; i < 20; i++) client.models().find("m" + i);
            assertEquals(asked, cop.sim.count("/models"), "not at every row");
            cop.sim.set("models-faults", "");
            cop.time.advance(Duration.ofSeconds(61));
            assertFalse(client.models().choose(null).equals("auto"));
            assertTrue(client.models().listIfAny().isPresent());
        }
    }

    @Test
    void manyThreadsShareFailedModelList() throws Exception {
        cop.sim.set("models-faults", "502,".repeat(200));
        var environment = cop.environment(cop.time);
        try (var http = new HttpSender(new Console(environment), Duration.ofMinutes(1));
             var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var client = new CopilotClient(cop.context(http, environment));
            client.tokens().get();
            Callable<Object> find = () -> client.models().find("m");
            for (var found : threads.invokeAll(Collections.nCopies(32, find))) found.get();
            assertTrue(cop.sim.count("/models") <= 4, () -> "" + cop.sim.count("/models"));
        }
    }

    /// `auto` may become available later; what was learned about models is valid until the next model list.
    @Test
    void learnedFactsExpire() {
        var environment = cop.environment(cop.time);
        try (var http = new HttpSender(new Console(environment), Duration.ofMinutes(1))) {
            var client = new CopilotClient(cop.context(http, environment));
            client.tokens().get();
            client.models().memory().learnPath("m", "/responses");
            assertEquals("/responses", new CopilotClient(client.context()).models().memory().path("m"));
            client.models().listIfAny();                    // the first list
            assertEquals("", client.models().memory().path("m"));
            client.models().memory().learnPath("m", "/responses");
            client.models().recent();
            cop.time.advance(Duration.ofMinutes(2));
            client.models().recent();                       // another with the same in it
            assertEquals("/responses", client.models().memory().path("m"));
            cop.time.advance(Duration.ofDays(2));
            client.models().choose("gpt-5-mini");
            assertEquals("", client.models().memory().path("m"));
            cop.sim.set("sessions", "404").set("auto", "404");
            var request = new Request("auto", List.of(Message.user("hello")), null, false).withEndpoint("responses");
            assertThrows(Fault.class, () -> client.ask(request, (_, _) -> { }));
            cop.sim.set("sessions", "ok");
            assertThrows(Fault.class, () -> client.ask(request, (_, _) -> { }));
            cop.time.advance(Duration.ofMinutes(11));
            assertFalse(client.ask(request, (_, _) -> { }).text().isEmpty());
        }
    }

    @Test
    void cacheFilesOfOlderVersionsAreDeleted() throws IOException {
        for (String name : List.of("ways-0.json", "learned-0.json", "auto-0.json")) {
            Files.setLastModifiedTime(cop.write(CACHE + name, "{}"),
                    FileTime.from(cop.time.now().minus(Duration.ofDays(9))));
            cop.run("token", "--refresh");
            assertFalse(Files.exists(cop.file(CACHE + name)), name);
        }
    }

    // ---- helpers

    private String key() {
        return new GithubToken("", simulator.GITHUB_TOKEN, "").key(Host.of("--host", cop.sim.url())) + "-"
                + Headers.parse(null, List.of()).identity();
    }
}
