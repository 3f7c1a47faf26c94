package cop;

import module java.base;

import static cop.Harness.reports;
import static cop.Harness.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import cop.copilot.Fault;
import cop.copilot.Message;
import cop.copilot.Request;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Whose token is used, who waits for whom, and what ends: accounts, locks, cached failures, and answers that are odd.
class NetworkFaults {
    private static final String EXCHANGE = Login.EXCHANGE, CHAT = "/chat/completions",
            CACHE = ".cache/copilot.java/", ANSWER = """
            {"output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"status":"completed"}""";

    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---- whose account

    /// COPILOT_GITHUB_TOKEN chooses an account: no other is billed instead, the second time neither.
    @ParameterizedTest
    @ValueSource(strings = {"ghu_mistypedmistypedmistyped", "gho_mistypedmistypedmistyped", "ghu_a b",
            "0123456789abcdef0123456789abcdef01234567"})
    void anAccountThatWasChosenAndIsRefusedIsAnError(String token) {
        cop.storeLogin();
        cop.with("COPILOT_GITHUB_TOKEN", token);
        for (int i = 0; i < 2; i++) {
            var outcome = cop.run("chat", "say: hello");
            assertEquals(4, outcome.code(), outcome::all);
            reports(outcome, "COPILOT_GITHUB_TOKEN", "hint: unset COPILOT_GITHUB_TOKEN, or COP_TOKEN_SOURCE=login");
        }
        assertEquals(0, cop.sim.count(CHAT));
        var status = cop.run("status");
        assertEquals(4, status.code(), status::all);
        assertTrue(status.out().contains("your login               unused")
                && status.out().contains("as COPILOT_GITHUB_TOKEN chooses the account")
                && status.out().contains("not logged in; unset COPILOT_GITHUB_TOKEN"), status::all);
        assertTrue(cop.run("doctor").out().contains("not logged in hint: unset COPILOT_GITHUB_TOKEN"));
        assertEquals("hello\n", cop.with("COP_TOKEN_SOURCE", "login").run("chat", "say: hello").out());
    }

    /// GitHub's own CLI takes such tokens from the same variable.
    @ParameterizedTest
    @ValueSource(strings = {"ghp", "ghs", "github_pat"})
    void aKindThatNeverWorksGivesWayToOurLoginWithANoteInEachCall(String kind) {
        cop.storeLogin();
        long before = cop.sim.count(EXCHANGE);
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken(kind));
        for (int i = 0; i < 2; i++) {
            var outcome = cop.run("chat", "say: hello");
            assertEquals("hello\n", outcome.out(), outcome::all);
            assertEquals(1, outcome.err().lines().filter(line -> line.contains("COPILOT_GITHUB_TOKEN is passed over"))
                    .count(), outcome::all);
        }
        assertEquals(before, cop.sim.count(EXCHANGE), "nothing was asked with it");
        assertEquals(4, cop.with("COP_TOKEN_SOURCE", "env").run("token").code());
        var status = cop.with("COP_TOKEN_SOURCE", null).run("status");
        assertTrue(status.out().contains("COPILOT_GITHUB_TOKEN     refused"), status::all);
        assertTrue(status.out().contains("your login               used"), status::all);
    }

    /// To our own login alone: the general variables are somebody else's.
    @Test
    void aKindThatNeverWorksDoesNotGiveWayToTheGeneralVariables() {
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
    void theGeneralVariablesFallThroughWithANoteEachTime() {
        cop.with("COPILOT_GITHUB_TOKEN", null).with("GH_TOKEN", cop.sim.issueGithubToken("ghp"))
                .with("GITHUB_TOKEN", simulator.GITHUB_TOKEN);
        for (int i = 0; i < 2; i++) {
            var err = new StringWriter();
            var environment = cop.environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.FILE),
                    new PrintWriter(Writer.nullWriter()), new PrintWriter(err));
            try (var http = new HttpSender(new Console(environment), Duration.ofMinutes(1))) {
                tokens(cop.context(http, environment)).get();
            }
            assertTrue(err.toString().contains("GH_TOKEN") && err.toString().contains("GITHUB_TOKEN is used"),
                    err::toString);
        }
        assertEquals(2, cop.sim.count(EXCHANGE), "the refused one costs one request");
    }

    @ParameterizedTest
    @CsvSource({"login, your login", "env, COPILOT_GITHUB_TOKEN", "'login, env', COPILOT_GITHUB_TOKEN",
            "editor, ", "' env ,editor', COPILOT_GITHUB_TOKEN"})
    void theSourcesCanBeLimited(String allowed, String used) {
        cop.storeLogin();
        cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghu")).with("COP_TOKEN_SOURCE", allowed);
        var outcome = cop.run("status");
        assertEquals(used == null ? 4 : 0, outcome.code(), outcome::all);
        if (used != null) assertTrue(outcome.out().contains(Text.padded(used, 25) + "used"), outcome::all);
        if (!allowed.contains("login")) assertTrue(outcome.out().contains(
                "your login               ignored  left out by COP_TOKEN_SOURCE="), outcome::all);
        var chat = cop.run("chat", "say: hello");
        assertEquals(used == null ? 4 : 0, chat.code(), chat::all);
        if (used == null) reports(chat, "hint: unset COP_TOKEN_SOURCE");
    }

    @ParameterizedTest
    @ValueSource(strings = {"logins", "env,,login", "env login", "GH_TOKEN"})
    void anUnknownWordAmongTheSourcesIsAUsageError(String words) {
        cop.with("COP_TOKEN_SOURCE", words);
        for (String command : List.of("token", "status", "chat hello", "models")) {
            var outcome = cop.run(command.split(" "));
            assertEquals(2, outcome.code(), outcome::all);
            reports(outcome, "COP_TOKEN_SOURCE", "hint: ", "env, login, editor");
        }
        assertEquals(List.of(), cop.sim.ledger());
    }

    @Test
    void doctorKnowsTheVariableAndALoginLeftOutIsSaid() {
        cop.with("COP_TOKEN_SOURCE", "env");
        var outcome = cop.run("doctor");
        assertTrue(outcome.out().contains("variables: COP_TOKEN_SOURCE=env") && outcome.code() == 0, outcome::all);
        reports(cop.with("COPILOT_GITHUB_TOKEN", null).runWith(simulator.GITHUB_TOKEN, "login", "--with-token"),
                "COP_TOKEN_SOURCE is set, and goes before this login");
    }

    /// In one process: a source revoked in mid-life is left for the next, a chosen one is not.
    @ParameterizedTest
    @CsvSource({"true, at a renewal", "true, at a 401", "false, at a renewal", "false, at a 401"})
    void aRevokedSourceIsLeftForAnotherUnlessItWasChosen(boolean general, String when) {
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
    void quotesAroundATokenAreTakenOffWithANote(String written) {
        String quoted = written.formatted(simulator.GITHUB_TOKEN);
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", quoted).run("chat", "say: hello");
        assertEquals("hello\n", outcome.out(), outcome::all);
        assertEquals(1, outcome.err().split("the quotes around the token in COPILOT_GITHUB_TOKEN").length - 1,
                outcome::all);
        outcome = cop.with("COPILOT_GITHUB_TOKEN", null).runWith(quoted, "login", "--with-token");
        assertEquals(0, outcome.code(), outcome::all);
        reports(outcome, "the quotes around the token in standard input");
        assertEquals("hello\n", cop.run("chat", "say: hello").out());
    }

    @Test
    void aLoginThatWasNeverTriedIsForgottenWithoutAHole() {
        cop.write(Login.KEPT, "{\"%s\":{\"token\":\"ghu_x\"}}".formatted(cop.sim.url()));
        assertEquals("logged out (" + cop.sim.url() + ")\n", cop.run("logout").out());
    }

    @Test
    void anAppThatAllowsNoLoginByCodeIsNotAdvisedAgain() {
        cop.sim.set("device", "disabled");
        for (var pair : List.of("vscode gh", "gh vscode")) {
            reports(cop.run("login", "--no-browser", "--client", pair.split(" ")[0]),
                    "hint: copilot login --client " + pair.split(" ")[1]);
        }
    }

    @Test
    void aHomeThatCannotBeWrittenIsSaidBeforeTheCodeIsShown() {
        cop.write("file", "");
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", null).with("COP_HOME", cop.file("file").toString())
                .run("login", "--no-browser", "--force");
        assertEquals(1, outcome.code(), outcome::all);
        reports(outcome, "cannot write");
        assertEquals(List.of(), cop.sim.ledger());
    }

    // ---- nobody waits for somebody who waits

    /// A process that was stopped in the exchange keeps its lock for good.
    @ParameterizedTest
    @ValueSource(strings = {"token", "chat say:", "chat --timeout 5s say:", "status", "models", "models default auto"})
    void aStoppedProcessHangsNobody(String command) throws Exception {
        withLocksHeld(() -> {
            var outcome = cop.run(command.split(" "));
            assertEquals(0, outcome.code(), outcome::all);
            var waited = cop.time.pauses.stream().reduce(Duration.ZERO, Duration::plus);
            assertTrue(waited.toSeconds() >= 4 && waited.toSeconds() <= 25, () -> "waited " + waited);
        });
    }

    @Test
    void ctrlCEndsTheWaitForALock() throws Exception {
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
    void nothingIsLockedDuringAPause(String path) throws Exception {
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

    /// A JShell lives for days: after a failed /models it has the list, and so the limits, a minute later.
    @Test
    void aListThatCouldNotBeFetchedIsAskedForAgain() {
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
    void manyThreadsAskOnceForAListThatFails() throws Exception {
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

    /// `auto` that was not offered may be after all; lessons about models end with the list they were learned against.
    @Test
    void whatWasLearnedEnds() {
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
    void filesOfOldNamesAreTidiedAway() throws IOException {
        for (String name : List.of("ways-0.json", "learned-0.json", "auto-0.json")) {
            Files.setLastModifiedTime(cop.write(CACHE + name, "{}"),
                    FileTime.from(cop.time.now().minus(Duration.ofDays(9))));
            cop.run("token", "--refresh");
            assertFalse(Files.exists(cop.file(CACHE + name)), name);
        }
    }

    // ---- odd answers

    private static final String STREAM = """
            data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}

            data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

            data: [DONE]

            """, WHOLE = "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}";

    /// Whatever a proxy does to the body and says of it.
    @ParameterizedTest
    @CsvSource({"stream, gzip, gzip, text/event-stream", "stream, gzip, '', text/event-stream",
            "stream, gzip, '', text/plain", "stream, plain, gzip, text/event-stream",
            "whole, gzip, gzip, application/json", "whole, gzip, '', text/plain", "whole, gzip, x-gzip, text/plain",
            "whole, plain, gzip, text/plain",
            "stream, plain, '', application/json", "stream, gzip, '', application/json",
            "whole, gzip, identity, application/json", "blanks, gzip, '', ''",
            "blanks, plain, '', ''"})
    void aBodyIsReadAsItIsWhateverItsHeadSays(String form, String packed, String encoding, String type)
            throws Exception {
        String text = form.equals("stream") ? STREAM : form.equals("blanks") ? "\r\n\t " + WHOLE : WHOLE;
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        var answer = answer(packed.equals("gzip") ? zipped(body) : body, encoding, type);
        assertEquals("hi", read(answer));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 12, 30})
    void aGzippedBodyThatIsCutShortIsALostConnection(int bytes) throws Exception {
        byte[] whole = zipped(STREAM.getBytes(StandardCharsets.UTF_8));
        var cut = answer(Arrays.copyOf(whole, bytes), "gzip", "text/event-stream");
        assertThrows(IOException.class, () -> read(cut));
    }

    /// It would be answered, and billed, again and again.
    @Test
    void whatCannotBeDecompressedIsAskedForOnce() throws Exception {
        var asked = new AtomicInteger();
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            asked.incrementAndGet();
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, 4);
            exchange.getResponseBody().write(new byte[] {0x1f, (byte) 0x8b, 'x', 'x'});
            exchange.close();
        });
        server.start();
        try (var http = new HttpSender(new Console(cop.environment(cop.time)), Duration.ofMinutes(1))) {
            var call = new ApiRequest("POST", URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/"),
                    Headers.parse(null, List.of()).copilot("tid=0"), new byte[0]);
            var fault = assertThrows(Fault.class, () -> http.send(call, ResponseHandler.json("it")));
            assertTrue(fault.message().contains("no gzip"), fault::message);
            assertEquals(1, asked.get());
        } finally {
            server.stop(0);
        }
    }

    @ParameterizedTest
    @CsvSource({"{}, 900", "{\"expires_in\":1e300}, 900000000", "{\"expires_in\":9223372036854775807}, 900000000",
            "{\"expires_in\":-5}, 900", "{\"expires_in\":\"600\"}, 600", "{\"expires_in\":600.9}, 600",
            "{\"expires_in\":null}, 900", "{\"expires_in\":[]}, 900"})
    void aCodesLifeMayBeAnyNumber(String answer, long least) {
        var life = Json.seconds(Json.tryParse(answer), "expires_in", 900);
        assertTrue(life.toSeconds() >= Math.min(least, 900) && life.toDays() < 40_000, life::toString);
        assertEquals(least < 1000, life.toSeconds() == least, life::toString);
    }

    @ParameterizedTest
    @ValueSource(strings = {"9223372036854775807", "1e300", "-1", "0.5", "\"soon\"", "99999999999999999999999", "null"})
    void noNumberInALoginIsABug(String number) {
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
    void aClockThatJumpsDoesNotStopThePolls(long jump) {
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

    /// What GitHub asks for in whatever form; what is no wait is none.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Retry-After | 30                            | 30
            Retry-After | 1.5                           | 1
            Retry-After | 99999999999999                | 3200000000
            Retry-After | 259200                        | 259200
            Retry-After | Sun, 22 Nov 2020 10:00:00 GMT | 0
            Retry-After | Sun, 22 Nov 2026 10:01:00 GMT | 60
            Retry-After | -5                            |
            Retry-After | soon                          |
            Retry-After | .                             |
            body        | try again in 2 days           | 172800
            body        | Please try again in 6m0s.     | 360
            body        | Please try again in 20.5s.    | 20""")
    void aWaitIsReadFromAnyForm(String where, String value, Long seconds) {
        boolean body = where.equals("body");
        var answer = new ApiResponse(429, java.net.http.HttpHeaders.of(body ? Map.of() : Map.of(where, List.of(value)),
                (_, _) -> true), null);
        var refusal = ErrorResponse.of(answer, body ? value : "later", cop.time.now());
        assertEquals(Optional.ofNullable(seconds), refusal.retryAfter().map(Duration::toSeconds));
        assertFalse(refusal.fault(URI.create("https://x.example/y")).message().isEmpty());
    }

    // ---- proxies, fields

    @ParameterizedTest
    @CsvSource({"10.0.0.0/8, 10.255.255.1, true", "10.0.0.0/8, 11.0.0.1, false",
            "'192.168.0.0/16, 10.0.0.0/8', 10.1.2.3, true", "10.1.2.0/23, 10.1.3.4, true",
            "10.1.2.0/24, 10.1.3.4, false", "0.0.0.0/0, 8.8.8.8, true", "10.0.0.1/32, 10.0.0.1, true",
            "10.0.0.0/33, 10.0.0.1, false", "10.0.0.0/x, 10.0.0.1, false",
            "fd00::1, [fd00::1], true", "fd00::1, [fd00:0:0:0::1], true",
            "fd00::1, [fd00::2], false", "[fd00::1], [fd00::1], true", "fd00::/8, [fdff::1], true",
            "10.0.0.0/8, [fd00::1], false", "corp.example., corp.example, true", "corp.example, corp.example., true",
            ".corp.example., api.corp.example, true", "10.0.0.0/8, 10.example, false"})
    void noProxyIsReadAsCurlDoes(String list, String host, boolean exempt) {
        cop.with("NO_PROXY", list).with("HTTPS_PROXY", "http://p:1");
        assertEquals(exempt, new Proxies(cop.environment(cop.time)).inUse(URI.create("https://" + host
                + "/")).isEmpty());
    }

    @ParameterizedTest
    @CsvSource({"HTTPS_PROXY, 10.0.0.0/8, https://10.255.255.1", "all_proxy, corp.example., https://corp.example",
            "https_proxy, x.example, http://127.0.0.1:9", "http_proxy, x.example, http://127.0.0.1:9",
            "OTHER, '*', https://corp.example"})
    void doctorSaysWhyAProxyIsNotUsed(String variable, String exempt, String host) {
        cop.with(variable, "http://p:1").with("NO_PROXY", exempt);
        String out = cop.run("doctor", "--offline", "--host", host).out();
        String said = variable.equals("OTHER") ? "" : variable + " is set, but does not apply to " + host
                + " (by NO_PROXY, as loopback, or by its scheme): ";
        assertTrue(out.contains("  proxy: " + said + "none\n"), out);
    }

    @ParameterizedTest
    @ValueSource(strings = {"top_logprobs=2", "parallel_tool_calls=false", "seed=1"})
    void whatAnEndpointDoesNotKnowIsRefusedBeforeItIsSent(String option) {
        cop.run("models");
        var outcome = cop.run("chat", "-m", "claude-opus-4.8", "--endpoint", "messages", "-O", option, "hello");
        assertEquals(2, outcome.code(), outcome::all);
        assertEquals(0, cop.sim.count("/v1/messages"));
    }

    // ---- helpers

    private static ApiResponse answer(byte[] body, String encoding, String type) {
        var stream = new StreamingBody(Duration.ofSeconds(5), 0);
        stream.onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long n) {}

            @Override
            public void cancel() {}
        });
        stream.onNext(List.of(ByteBuffer.wrap(body, 0, body.length / 2), ByteBuffer.wrap(body, body.length / 2,
                body.length - body.length / 2)));
        stream.onComplete();
        return new ApiResponse(200, java.net.http.HttpHeaders.of(Map.of("Content-Encoding", List.of(encoding),
                "Content-Type", List.of(type)), (_, _) -> true), stream);
    }

    private static String read(ApiResponse answer) throws IOException {
        var reader = new ChatCompletionsStreamReader((_, _) -> { }, 1);
        reader.read(answer);
        return reader.reply(Duration.ZERO).text();
    }

    private static byte[] zipped(byte[] bytes) throws IOException {
        var zipped = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(zipped)) {
            gzip.write(bytes);
        }
        return zipped.toByteArray();
    }

    private String key() {
        return new GithubToken("", simulator.GITHUB_TOKEN, "").key(Host.of("--host", cop.sim.url())) + "-"
                + Headers.parse(null, List.of()).identity();
    }

}
