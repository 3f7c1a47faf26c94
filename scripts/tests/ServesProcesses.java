package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static cop.Harness.failed;
import static cop.Harness.hints;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// `serve` as a command: its options, its start, and its end.
class ServesProcesses {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ------------------------------------------------------------------------------------ options

    @Test
    void wrongOptions() {
        failed(2, "--jobs 0 is out of range", cop.run("serve", "--jobs", "0"));
        failed(2, "--port 70000 is out of range", cop.run("serve", "--port", "70000"));
        failed(2, "--listen nowhere is not an address", cop.run("serve", "--listen", "nowhere"));
        failed(2, "--listen 0.0.0.0 requires --allow-host", cop.run("serve", "--listen", "0.0.0.0"));
        failed(2, "--listen 0.0.0.0 requires a key", cop.run("serve", "--listen", "0.0.0.0", "--no-key",
                "--allow-host", "box"));
        failed(2, "--allow-origin * is not an origin", cop.run("serve", "--allow-origin", "*"));
        failed(2, "--allow-origin http://a/b is not an origin", cop.run("serve", "--allow-origin", "http://a/b"));
        failed(2, "--allow-host a/b is not a host name", cop.run("serve", "--allow-host", "a/b"));
        failed(2, "--key-file and --no-key cannot be used together", cop.run("serve", "--key-file", "x", "--no-key"));
        failed(2, "invalid time: --queue-timeout soon", cop.run("serve", "--queue-timeout", "soon"));
        assertEquals(0, cop.sim.ledger().size());
    }

    /// 25: without a login it does not start, and no device code is waited for.
    @Test
    void withoutALogin() {
        cop.with("COPILOT_GITHUB_TOKEN", null);
        hints("login", failed(4, "not logged in", cop.run("serve", "--port", "0")));
        cop.with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN).sim.set("exchange", "bad-credentials");
        failed(4, "revoked", cop.run("serve", "--port", "0"));
    }

    @Test
    void aPortInUse() throws IOException {
        try (var other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = "" + other.getLocalPort();
            hints("--port 0", failed(1, "cannot listen on 127.0.0.1 port " + port, cop.run("serve", "--port", port)));
        }
    }

    // ------------------------------------------------------------------------------------ start and end

    private final class Running implements AutoCloseable {
        final Process process;
        final String url;
        final List<String> err = Collections.synchronizedList(new ArrayList<>());
        private final BufferedReader out;
        private final Thread reader;

        Running(String... more) throws IOException {
            process = cop.process(Stream.concat(Stream.of("serve", "--port", "0"), Stream.of(more))
                    .toArray(String[]::new)).redirectInput(new File("/dev/null")).start();
            reader = Thread.startVirtualThread(() -> process.errorReader().lines().forEach(err::add));
            out = process.inputReader();
            url = Objects.requireNonNullElse(out.readLine(), "nothing");
        }

        void signal(String name) throws IOException, InterruptedException {
            new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor();
        }

        /// Returns the exit code, and asserts that stdout has nothing more.
        int end() throws IOException, InterruptedException {
            assertTrue(process.waitFor(20, TimeUnit.SECONDS), err::toString);
            reader.join();
            assertEquals(null, out.readLine());
            return process.exitValue();
        }

        /// Begins a stream, and waits for its first event.
        BufferedReader stream() throws IOException {
            var uri = URI.create(url);
            var socket = new Socket(uri.getHost(), uri.getPort());
            socket.setSoTimeout(20_000);
            String body = Serves.body("/v1/chat/completions", "say: hello to all of you", true);
            socket.getOutputStream().write(("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                    + "application/json\r\nAuthorization: Bearer " + cop.read(".config/copilot.java/serve-key").strip()
                    + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.US_ASCII));
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            for (String line = in.readLine(); !line.contains("\"hello"); line = in.readLine()) assertTrue(line != null);
            return in;
        }

        @Override
        public void close() { process.destroyForcibly(); }
    }

    private static String rest(BufferedReader in) { return in.lines().collect(Collectors.joining("\n")); }

    /// One line on stdout: the URL, once it listens. A stream that has begun may end after Ctrl-C.
    @Test
    void oneLineAndAPatientEnd() throws Exception {
        cop.sim.set("silence", 700);
        try (var serve = new Running()) {
            assertTrue(serve.url.matches("http://127\\.0\\.0\\.1:[0-9]+"), serve.url);
            var key = cop.file(".config/copilot.java/serve-key");
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(key)));
            var stream = serve.stream();
            serve.signal("INT");
            assertTrue(rest(stream).contains("[DONE]"));
            assertEquals(130, serve.end());
            assertTrue(serve.err.toString().contains("waiting up to 10 s for 1 request"), serve.err::toString);
            assertFalse(serve.err.toString().contains("hello"), serve.err::toString);
        }
    }

    /// A second Ctrl-C ends it at once, and the client is told.
    @Test
    void aSecondCtrlC() throws Exception {
        cop.sim.set("silence", 60_000);
        try (var serve = new Running()) {
            var stream = serve.stream();
            serve.signal("INT");
            Harness.await("the first", () -> serve.err.toString().contains("waiting up to"));
            long start = System.nanoTime();
            serve.signal("INT");
            assertTrue(rest(stream).contains("\"error\""));
            assertEquals(130, serve.end());
            assertTrue(System.nanoTime() - start < 3_000_000_000L);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"INT", "TERM"})
    void anIdleEnd(String signal) throws Exception {
        try (var serve = new Running("--no-key")) {
            long start = System.nanoTime();
            serve.signal(signal);
            assertEquals(signal.equals("INT") ? 130 : 143, serve.end());
            assertTrue(System.nanoTime() - start < 2_000_000_000L);
            assertTrue(serve.err.toString().contains("warning: no key"), serve.err::toString);
        }
    }
}
