package cop;

import module java.base;
import module jdk.httpserver;

import com.sun.net.httpserver.HttpServer;
import cop.copilot.Fault;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

import static cop.Harness.reports;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Connections: proxies, certificates, redirects, and servers that are unreachable or silent.
class Network {
    private static final String API = "https://api.individual.githubcopilot.com";

    private static Authority authority;

    private final Harness cop = new Harness().with("COP_HOST", null);

    @BeforeAll
    static void certify() throws Exception { authority = new Authority(); }

    @AfterAll
    static void forget() throws IOException { authority.close(); }

    @AfterEach
    void close() { cop.close(); }

    // ---- which proxy

    @ParameterizedTest
    @CsvSource({
            "https_proxy=http://low:1 HTTPS_PROXY=http://up:2, https://x.example, low:1",
            "HTTPS_PROXY=http://up:2, https://x.example, up:2", "HTTPS_PROXY=http://up:2, http://x.example, ",
            "http_proxy=http://low:1, http://x.example, low:1", "http_proxy=http://low:1, https://x.example, ",
            "HTTP_PROXY=http://up:2, http://x.example, ", "HTTP_PROXY=http://up:2, https://x.example, ",
            "ALL_PROXY=http://all:3, https://x.example, all:3", "ALL_PROXY=http://all:3, http://x.example, all:3",
            "all_proxy=http://low:1 ALL_PROXY=http://up:2, https://x.example, low:1",
            "HTTPS_PROXY=http://up:2 all_proxy=http://all:3, https://x.example, up:2",
            "HTTPS_PROXY=up:2, https://x.example, up:2", "HTTPS_PROXY=http://up, https://x.example, up:1080",
            "HTTPS_PROXY=http://up:2/, https://x.example, up:2",
            "HTTPS_PROXY=http://[::2]:3, https://x.example, [::2]:3",
            "HTTPS_PROXY=HTTP://up:2, https://x.example, up:2",
            "HTTPS_PROXY=http://me:pw@up:2, https://x.example, up:2", "HTTPS_PROXY=, https://x.example, "})
    void proxySelectionMatchesCurl(String variables, String target, String proxy) {
        assertEquals(Optional.ofNullable(proxy), proxies(variables).inUse(URI.create(target)));
    }

    @ParameterizedTest
    @CsvSource({"x.example, x.example, true", "x.example, api.x.example, true", ".x.example, api.x.example, true",
            "*.x.example, api.x.example, true", "X.Example, api.x.EXAMPLE, true", "x.example, notx.example, false",
            "x.example, x.example.evil, false", "'a.example,x.example', x.example, true",
            "'a.example, x.example', x.example, true", "a.example x.example, x.example, true", "*, x.example, true",
            "'', x.example, false", "',', x.example, false", "10.0.0.1, 10.0.0.1, true", "10.0.0.1, 10.0.0.11, false",
            "example, x.example, true", "*x.example, x.example, false"})
    void noProxyExemptsHostsAndDomains(String list, String host, boolean exempt) {
        cop.with("NO_PROXY", list);
        assertEquals(!exempt, proxies("HTTPS_PROXY=http://p:1").inUse(URI.create("https://" + host + "/")).isPresent());
    }

    @Test
    void lowerCaseNoProxyTakesPrecedence() {
        cop.with("no_proxy", "a.example").with("NO_PROXY", "b.example");
        var proxies = proxies("HTTPS_PROXY=http://p:1");
        assertTrue(proxies.inUse(URI.create("https://a.example")).isEmpty());
        assertTrue(proxies.inUse(URI.create("https://b.example")).isPresent());
    }

    @ParameterizedTest
    @CsvSource({"localhost, true", "LOCALHOST, true", "127.0.0.1, true", "127.1.2.3, true", "[::1], true",
            "[0:0:0:0:0:0:0:1], true", "127.evil.example, false", "localhost.evil.example, false", "128.0.0.1, false"})
    void onlyLoopbackIsNeverProxied(String host, boolean loopback) {
        var proxies = proxies("ALL_PROXY=http://p:1");
        assertEquals(loopback, proxies.inUse(URI.create("http://" + host + ":8080/")).isEmpty());
    }

    @ParameterizedTest
    @CsvSource({"me:pw, me:pw", "me:p%40ss%3Aw%2Ford, me:p@ss:w/ord", "me:a+b, me:a+b", "me:%C3%A9, me:\u00e9",
            "me:, me:"})
    void credentialsAreDecodedFromProxyUrl(String written, String meant) {
        String sent = proxies("HTTPS_PROXY=http://" + written + "@p:1").authorization(URI.create(API)).orElseThrow();
        assertTrue(sent.startsWith("Basic "), sent);
        assertEquals(meant, new String(Base64.getDecoder().decode(sent.substring(6)), StandardCharsets.UTF_8));
    }

    @Test
    void credentialsAreSentToProxyOnly() {
        var proxies = proxies("HTTPS_PROXY=http://me:pw@p:1");
        assertTrue(proxies.authorization(URI.create("http://x.example")).isEmpty());
        assertTrue(proxies.authorization(URI.create("https://localhost")).isEmpty());
        assertTrue(proxies("HTTPS_PROXY=http://p:1").authorization(URI.create(API)).isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"socks5://me:secret@p:1", "socks://p:1", "https://me:secret@p:1", "http://me:secret@",
            "http://", "http://me:secret@p:x", "http://me:sec ret@p:1", "http://me:secr@secret@p:1", "me:secret@p:1 2",
            "socks5://me:secr@secret@p:1", "socks5://me:sec/secret@p:1", "http://me:secret%zz@p:1", "http://p:99999"})
    void unsupportedProxyIsRefusedWithoutPassword(String value) {
        cop.with("HTTPS_PROXY", value).with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN);
        var outcome = cop.run("token");
        assertEquals(2, outcome.code(), outcome::all);
        reports(outcome, "proxy");
        assertFalse(outcome.err().contains("secret") || outcome.err().contains("sec ret"), outcome::all);
        assertFalse(outcome.err().contains("bug"), outcome::all);
        assertEquals(List.of(), cop.time.pauses);
    }

    @Test
    void loopbackRequestsBypassProxy() {
        var outcome = cop.with("COP_HOST", cop.sim.url()).with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN)
                .with("ALL_PROXY", "http://127.0.0.1:9").run("chat", "say: hello");
        assertEquals("hello\n", outcome.out(), outcome::all);
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.0/8, 10.255.255.1, true", "10.0.0.0/8, 11.0.0.1, false",
            "'192.168.0.0/16, 10.0.0.0/8', 10.1.2.3, true", "10.1.2.0/23, 10.1.3.4, true",
            "10.1.2.0/24, 10.1.3.4, false", "0.0.0.0/0, 8.8.8.8, true", "10.0.0.1/32, 10.0.0.1, true",
            "10.0.0.0/33, 10.0.0.1, false", "10.0.0.0/x, 10.0.0.1, false",
            "fd00::1, [fd00::1], true", "fd00::1, [fd00:0:0:0::1], true",
            "fd00::1, [fd00::2], false", "[fd00::1], [fd00::1], true", "fd00::/8, [fdff::1], true",
            "10.0.0.0/8, [fd00::1], false", "corp.example., corp.example, true", "corp.example, corp.example., true",
            ".corp.example., api.corp.example, true", "10.0.0.0/8, 10.example, false"})
    void noProxyMatchesCurl(String list, String host, boolean exempt) {
        cop.with("NO_PROXY", list).with("HTTPS_PROXY", "http://p:1");
        assertEquals(exempt, new Proxies(cop.environment(cop.time)).inUse(URI.create("https://" + host
                + "/")).isEmpty());
    }

    @ParameterizedTest
    @CsvSource({"HTTPS_PROXY, 10.0.0.0/8, https://10.255.255.1", "all_proxy, corp.example., https://corp.example",
            "https_proxy, x.example, http://127.0.0.1:9", "http_proxy, x.example, http://127.0.0.1:9",
            "OTHER, '*', https://corp.example"})
    void doctorReportsWhyProxyIsNotUsed(String variable, String exempt, String host) {
        cop.with(variable, "http://p:1").with("NO_PROXY", exempt);
        String out = cop.run("doctor", "--offline", "--host", host).out();
        String why = variable.equals("OTHER") ? "" : variable + " is set but does not apply to " + host + ": ";
        assertTrue(out.contains("  proxy: " + why + "none\n"), out);
    }

    // ---- through a proxy

    @Test
    void tunnelKeepsProxyPasswordFromServer() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            cop.with("SSL_CERT_FILE", authority.pem())
                    .with("HTTPS_PROXY", "http://me:p%40ss@127.0.0.1:" + proxy.port());
            assertEquals("there", Json.text(call(API + "/models"), "hello"));
            var connect = proxy.heads.get(0);
            var tunnelled = proxy.heads.getLast();
            assertTrue(connect.startsWith("CONNECT api.individual.githubcopilot.com:443 "), connect);
            assertTrue(connect.contains("\r\nProxy-Authorization: Basic " + base64("me:p@ss") + "\r\n"), connect);
            assertFalse(connect.toLowerCase(Locale.ROOT).contains("\nauthorization:"), connect);
            assertTrue(tunnelled.startsWith("GET /models "), tunnelled);
            assertFalse(tunnelled.toLowerCase(Locale.ROOT).contains("proxy-authorization"), tunnelled);
            assertTrue(tunnelled.toLowerCase(Locale.ROOT).contains("authorization: bearer "), tunnelled);
        }
    }

    @Test
    void proxyWithoutCredentialsGetsNone() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            cop.with("https_proxy", "127.0.0.1:" + proxy.port()).with("SSL_CERT_FILE", authority.pem());
            assertEquals("there", Json.text(call(API + "/models"), "hello"));
            assertFalse(proxy.heads.getFirst().toLowerCase(Locale.ROOT).contains("proxy-authorization"));
        }
    }

    @Test
    void requestsShareOneTunnel() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("api"));
             var http = wire(Map.of("SSL_CERT_FILE", authority.pem(), "HTTPS_PROXY", "127.0.0.1:" + proxy.port()))) {
            for (int i = 0; i < 3; i++) http.send(get(API + "/models"), ResponseHandler.json("it"));
            // one more before it: that by which the file turned out to be needed
            assertEquals(2, proxy.heads.stream().filter(h -> h.startsWith("CONNECT")).count());
        }
    }

    @Test
    void proxyThatRequiresPasswordIsReported() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            proxy.refusal = "407 Proxy Authentication Required";
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port());
            var fault = fails(API + "/models");
            String all = fault.message() + "\n" + fault.hint();
            assertTrue(all.toLowerCase(Locale.ROOT).contains("proxy"), all);
            assertEquals(1, proxy.heads.size());
        }
    }

    @Test
    void unreachableProxyIsHinted() {
        cop.with("HTTPS_PROXY", "http://me:secret@127.0.0.1:" + closedPort());
        var fault = fails(API + "/models");
        assertTrue(fault.message().contains("cannot connect to the proxy 127.0.0.1:"), fault::message);
        assertTrue(fault.hint().contains("HTTPS_PROXY") && fault.hint().contains("127.0.0.1"), fault::hint);
        assertFalse((fault.message() + fault.hint()).contains("secret"));
        backedOff(3);
    }

    // ---- certificates

    @Test
    void unknownCertificateAuthorityIsRefusedWithHint() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port());
            certificateRefused(proxy, "certificate");
        }
    }

    @Test
    void certificateForAnotherNameIsRefused() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("other"))) {
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port()).with("SSL_CERT_FILE", authority.pem());
            certificateRefused(proxy, "No subject alternative DNS name", "check the host");
        }
    }

    @Test
    void expiredCertificateIsRefused() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("expired"))) {
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port()).with("SSL_CERT_FILE", authority.pem());
            certificateRefused(proxy, "NotAfter: ", "clock");
        }
    }

    /// A gateway that requires a client certificate gets it, whoever signed its own.
    @Test
    void clientCertificateWithCertificateFile() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            proxy.wantsCertificate = true;
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port()).with("SSL_CERT_FILE", authority.pem());
            withKeys(authority.keys(), "changeit", () -> {
                assertEquals("there", Json.text(call(API + "/models"), "hello"));
            });
        }
    }

    @Test
    void unreadableClientCertificateIsReported() throws Exception {
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port()).with("SSL_CERT_FILE", authority.pem());
            withKeys(authority.keys(), "sEcReT", () -> {
                var fault = fails(API + "/models");
                assertTrue(fault.message().startsWith("cannot set up TLS"), fault::message);
                assertTrue(fault.hint().contains("javax.net.ssl.trustStore and keyStore"), fault::hint);
                assertFalse((fault.message() + fault.hint()).contains("sEcReT"), fault::message);
            });
            withKeys("no-such.p12", "x", () -> {
                var fault = fails(API + "/models");
                assertTrue(fault.message().endsWith("no-such.p12"), fault::message);
                assertEquals(1, fault.exitCode());
            });
        }
    }

    /// The JVM's own, so for a moment all tests have them; a server that asks for none is sent none.
    private static void withKeys(String file, String password, Runnable work) {
        var old = new HashMap<String, String>();
        var keys = Map.of("javax.net.ssl.keyStore", file, "javax.net.ssl.keyStorePassword", password);
        keys.forEach((name, value) -> old.put(name, System.setProperty(name, value)));
        try {
            work.run();
        } finally {
            old.forEach((name, value) -> {
                if (value == null) System.clearProperty(name);
                else System.setProperty(name, value);
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"missing", "folder", "empty", "prose", "cut", "nonsense inside"})
    void invalidCertificateFileIsReported(String kind) throws Exception {
        String pem = Files.readString(Path.of(authority.pem()));
        var file = switch (kind) {
            case "missing" -> cop.file("missing.pem");
            case "folder" -> cop.home;
            case "empty" -> cop.write("empty.pem", "");
            case "prose" -> cop.write("prose.pem", "this is no certificate\n");
            case "cut" -> cop.write("cut.pem", pem.substring(0, pem.length() / 2));
            default -> cop.write("inside.pem", pem.lines().limit(1).findFirst().orElseThrow() + "\nbm9uc2Vuc2U=\n"
                    + "-----END CERTIFICATE-----\n");
        };
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port()).with("SSL_CERT_FILE", file.toString());
            certificateRefused(proxy, file.toString());
        }
    }

    @Test
    void certificateBundleWithComments() throws Exception {
        String pem = Files.readString(Path.of(authority.pem()));
        var bundle = cop.write("bundle.pem", "# our CA\n" + authority.certificate("other") + "\n# and\n" + pem);
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port()).with("SSL_CERT_FILE", bundle.toString());
            assertEquals("there", Json.text(call(API + "/models"), "hello"));
        }
    }

    @Test
    void certificateFileMayBeRelative() throws Exception {
        cop.write("company.pem", Files.readString(Path.of(authority.pem())));
        try (var proxy = new TunnelProxy(authority.server("api"))) {
            cop.with("HTTPS_PROXY", "http://127.0.0.1:" + proxy.port()).with("SSL_CERT_FILE", "company.pem");
            assertEquals("there", Json.text(call(API + "/models"), "hello"));
        }
    }

    @Test
    void invalidCertificateFileDoesNotAffectHttp() {
        var outcome = cop.with("COP_HOST", cop.sim.url()).with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN)
                .with("SSL_CERT_FILE", "/nowhere/at.all").run("chat", "say: hello");
        assertEquals("hello\n", outcome.out(), outcome::all);
    }

    @Test
    void plainHttpOnHttpsPortIsReported() throws IOException {
        try (var server = new PlainHttp()) {
            var fault = fails("https://127.0.0.1:" + server.port() + "/models");
            assertTrue(fault.message().contains("127.0.0.1:" + server.port()), fault::message);
            assertFalse(fault.message().contains("bug"), fault::message);
        }
    }

    // ---- redirects

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void redirectIsNotFollowed(int status) {
        try (var there = new Stub(cop.time); var here = new Stub(cop.time)) {
            there.on("/", Stub.Reply.json(200, "{\"token\":\"tid=0\"}"));
            here.on(Login.EXCHANGE, Stub.Reply.text(status, "").with("Location", there.url() + Login.EXCHANGE));
            var outcome = cop.with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN).run("token", "--host", here.url());
            assertEquals(1, outcome.code(), outcome::all);
            assertEquals("", outcome.out());
            reports(outcome, "returned a redirect", "hint: ");
            assertEquals(1, here.count(Login.EXCHANGE));
            assertEquals(List.of(), there.asked());
        }
    }

    @Test
    void apiRedirectIsNotFollowed() {
        try (var there = new Stub(cop.time); var here = new Stub(cop.time)) {
            there.on("/", Stub.Reply.json(200, "{\"hello\":\"there\"}"));
            here.on("/models", Stub.Reply.text(307, "").with("Location", there.url() + "/models"));
            assertEquals(1, fails(here.url() + "/models").exitCode());
            assertEquals(List.of(), there.asked());
            assertEquals(List.of(), cop.time.pauses);
        }
    }

    // ---- servers that are not there, or say nothing

    @Test
    void refusedConnectionIsTriedFourTimes() {
        int port = closedPort();
        var fault = fails("http://127.0.0.1:" + port + "/models");
        assertEquals(1, fault.exitCode());
        assertTrue(fault.message().contains("127.0.0.1:" + port), fault::message);
        assertTrue(fault.hint().contains("network"), fault::hint);
        backedOff(3);
    }

    @Test
    void unknownHostIsReported() {
        var fault = fails("https://no-such-host.invalid/models");
        assertEquals("cannot resolve no-such-host.invalid", fault.message());
        assertTrue(fault.hint().contains("HTTPS_PROXY"), fault::hint);
        backedOff(3);
    }

    @Test
    void connectionErrorIsTwoLinesAndNotesAttempts() {
        int port = closedPort();
        var outcome = cop.with("COPILOT_GITHUB_TOKEN", simulator.GITHUB_TOKEN)
                .run("token", "--host", "http://127.0.0.1:" + port);
        assertEquals(1, outcome.code(), outcome::all);
        reports(outcome, "error: cannot connect to 127.0.0.1:" + port + "\nhint: ");
        assertEquals(3, outcome.err().split("retrying in").length - 1, outcome::all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "POST"})
    void silentServerTimesOut(String method) throws IOException {
        try (var server = new Silent("")) {
            var fault = failsInTime(new ApiRequest(method, server.uri(), headers(), new byte[2]));
            assertTrue(fault.message().startsWith("127.0.0.1"), fault::message);
            assertTrue(fault.message().contains("did not respond within the timeout"), fault::message);
            assertEquals(1, server.accepted.get(), "the limit is for the whole, not for each attempt");
            assertEquals(List.of(), cop.time.pauses);
        }
    }

    /// What was posted is perhaps still being made, and will be billed; a GET costs nothing.
    @ParameterizedTest
    @CsvSource({"GET, 4", "POST, 1"})
    void onlyGetIsRetriedAfterTimeout(String method, int attempts) throws IOException {
        try (var server = new Silent("")) {
            var fault = fails(new ApiRequest(method, server.uri(), headers(), method.equals("GET") ? null : new byte[2],
                    Duration.ofMillis(300), 3, _ -> null));
            assertTrue(fault.message().contains("did not respond within 300 ms"), fault::message);
            assertEquals(attempts, server.accepted.get());
            backedOff(attempts - 1);
        }
    }

    @Test
    void unstreamedReplyMayTakeLonger() {
        var call = new ApiRequest("POST", URI.create(API), headers(), "{}".getBytes());
        assertEquals(HttpSender.HEAD, call.head());
        assertEquals(HttpSender.SILENCE, call.unstreamed().head());
        assertTrue(HttpSender.SILENCE.compareTo(HttpSender.HEAD) > 0);
    }

    @Test
    void stalledResponseTimesOut() throws IOException {
        try (var server = new Silent("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\"")) {
            var fault = failsInTime(ApiRequest.get(server.uri(), headers()));
            assertTrue(fault.message().contains("did not finish within the timeout"), fault::message);
            assertEquals(1, server.accepted.get());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "POST"})
    void droppedConnectionIsTriedFourTimes(String method) throws IOException {
        try (var server = new HangsUp("")) {
            var fault = fails(new ApiRequest(method, server.uri(), headers(), method.equals("GET") ? null
                    : new byte[2]));
            assertTrue(fault.message().contains("127.0.0.1"), fault::message);
            assertEquals(4, server.accepted.get(), "the JDK's client must not try again by itself");
            backedOff(3);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"a\"",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"a\"", "HTTP/1.1 20",
            "SSH-2.0-OpenSSH\r\n\r\n"})
    void truncatedResponseIsLostConnection(String answer) throws IOException {
        try (var server = new HangsUp(answer)) {
            var fault = fails(ApiRequest.get(server.uri(), headers()));
            assertTrue(fault.message().contains("127.0.0.1"), fault::message);
            assertFalse(fault.message().contains("bug"), fault::message);
            assertEquals(4, server.accepted.get());
        }
    }

    @Test
    void nonRepeatableRequestIsNotRetried() throws IOException {
        try (var server = new HangsUp("")) {
            fails(new ApiRequest("POST", server.uri(), headers(), "{}".getBytes()).withRetries(0));
            assertEquals(1, server.accepted.get());
            assertEquals(List.of(), cop.time.pauses);
        }
    }

    // ---- helpers

    private Proxies proxies(String variables) {
        for (var variable : variables.split(" ")) {
            var pair = variable.split("=", 2);
            cop.with(pair[0], pair[1]);
        }
        return new Proxies(environment());
    }

    private Environment environment() {
        return cop.environment();
    }

    private HttpSender wire(Map<String, String> variables) {
        variables.forEach(cop::with);
        var environment = environment();
        return new HttpSender(new Console(environment), Duration.ofMinutes(1));
    }

    private static Headers headers() { return Headers.parse(null, List.of()).copilot("tid=0;made-up"); }

    private static ApiRequest get(String address) { return ApiRequest.get(URI.create(address), headers()); }

    private ObjectNode call(String address) {
        try (var http = wire(Map.of())) {
            return http.send(get(address), ResponseHandler.json("it"));
        }
    }

    private Fault fails(String address) { return fails(get(address)); }

    private Fault failsInTime(ApiRequest call) { return Deadline.within(Duration.ofMillis(150), () ->
            fails(call)); }

    private Fault fails(ApiRequest call) {
        try (var http = wire(Map.of())) {
            return assertThrows(Fault.class, () -> http.send(call, ResponseHandler.json("it")));
        }
    }

    /// So many pauses, each about twice the one before, beginning with a second.
    private void backedOff(int times) {
        assertEquals(times, cop.time.pauses.size(), () -> "" + cop.time.pauses);
        for (int i = 0; i < times; i++) {
            double seconds = cop.time.pauses.get(i).toMillis() / 1000.0 / (1 << i);
            assertTrue(seconds >= 0.7 && seconds <= 1.3, () -> "" + cop.time.pauses);
        }
    }

    private void certificateRefused(TunnelProxy proxy, String words) {
        certificateRefused(proxy, words, "SSL_CERT_FILE");
    }

    private void certificateRefused(TunnelProxy proxy, String words, String hint) {
        var fault = fails(API + "/models");
        assertEquals(1, fault.exitCode());
        assertTrue(fault.message().contains("certificate") && fault.message().contains(words), fault::message);
        assertTrue(fault.hint().contains(hint), fault::hint);
        assertFalse(fault.message().contains("java."), fault::message);
        assertEquals(List.of(), cop.time.pauses);
        boolean twice = cop.variables.containsKey("SSL_CERT_FILE");         // without the file first, then with it
        assertTrue(proxy.heads.size() <= (twice ? 2 : 1), () -> "attempts: " + proxy.heads);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static int closedPort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A certificate authority of the test's own and what it has signed, made by the JDK's keytool.
    private static final class Authority {
        private static final char[] PASSWORD = "changeit".toCharArray();
        private final Path folder = Files.createTempDirectory("cop-ca-");
        private final KeyStore store = KeyStore.getInstance("PKCS12");

        Authority() throws Exception {
            keytool("-genkeypair", "-alias", "ca", "-dname", "CN=A Company", "-ext", "bc:c", "-validity", "9");
            sign("api", "api.individual.githubcopilot.com", "-validity", "9");
            sign("other", "other.example", "-validity", "9");
            sign("expired", "api.individual.githubcopilot.com", "-startdate", "-9d", "-validity", "3");
            try (var in = Files.newInputStream(Path.of(keys()))) {
                store.load(in, PASSWORD);
            }
            Files.writeString(Path.of(pem()), certificate("ca"));
        }

        String pem() { return folder.resolve("ca.pem").toString(); }

        String keys() { return folder.resolve("keys.p12").toString(); }

        String certificate(String alias) throws Exception {
            return "-----BEGIN CERTIFICATE-----\n" + Base64.getMimeEncoder()
                    .encodeToString(store.getCertificate(alias).getEncoded()) + "\n-----END CERTIFICATE-----\n";
        }

        SSLContext server(String alias) throws Exception {
            var own = KeyStore.getInstance("PKCS12");
            own.load(null, null);
            own.setKeyEntry(alias, store.getKey(alias, PASSWORD), PASSWORD, store.getCertificateChain(alias));
            var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(own, PASSWORD);
            own.setCertificateEntry("ca", store.getCertificate("ca"));
            var trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trusted.init(own);
            var context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
            return context;
        }

        private void sign(String alias, String name, String... more) throws Exception {
            keytool(Stream.concat(Stream.of("-genkeypair", "-alias", alias, "-signer", "ca", "-dname", "CN=" + name,
                    "-ext", "san=dns:" + name), Stream.of(more)).toArray(String[]::new));
        }

        private void keytool(String... words) throws Exception {
            var command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/keytool"));
            command.addAll(List.of(words));
            command.addAll(List.of("-keyalg", "EC", "-storetype", "PKCS12", "-keystore",
                    keys(), "-storepass", new String(PASSWORD)));
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, process.waitFor(), said);
        }

        void close() throws IOException {
            for (var file : List.of(Path.of(keys()), Path.of(pem()), folder)) Files.deleteIfExists(file);
        }
    }

    /// A server on 127.0.0.1 that does something of its own with each connection.
    private abstract static class Listener implements Closeable {
        final ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        final AtomicInteger accepted = new AtomicInteger();
        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

        Listener() throws IOException {
            threads.submit(() -> {
                while (!socket.isClosed()) {
                    var connection = socket.accept();
                    accepted.incrementAndGet();
                    threads.submit(() -> {
                        serve(connection);
                        return null;
                    });
                }
                return null;
            });
        }

        abstract void serve(Socket connection) throws IOException;

        int port() { return socket.getLocalPort(); }

        URI uri() { return URI.create("http://127.0.0.1:" + port() + "/models"); }

        /// Reads a request's head byte by byte, to leave what follows.
        static String head(InputStream in) throws IOException {
            var head = new StringBuilder();
            for (int c = in.read(); c >= 0; c = in.read()) {
                if (head.append((char) c).toString().endsWith("\r\n\r\n")) return head.toString();
            }
            throw new EOFException();
        }

        @Override
        public void close() throws IOException {
            socket.close();
            threads.shutdownNow();
        }
    }

    /// Reads a request, sends some bytes, and is then silent until the client closes.
    private static final class Silent extends Listener {
        private final String answer;

        Silent(String answer) throws IOException { this.answer = answer; }

        @Override
        void serve(Socket connection) throws IOException {
            try (connection) {
                head(connection.getInputStream());
                connection.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
                connection.getOutputStream().flush();
                connection.getInputStream().transferTo(OutputStream.nullOutputStream());
            }
        }
    }

    /// Reads a request, sends some bytes, and closes the connection.
    private static final class HangsUp extends Listener {
        private final String answer;

        HangsUp(String answer) throws IOException { this.answer = answer; }

        @Override
        void serve(Socket connection) throws IOException {
            try (connection) {
                head(connection.getInputStream());
                connection.getInputStream().skipNBytes(connection.getInputStream().available());
                connection.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
            }
        }
    }

    /// Answers a TLS greeting as nginx does on a port without TLS.
    private static final class PlainHttp extends Listener {
        PlainHttp() throws IOException {}

        @Override
        void serve(Socket connection) throws IOException {
            try (connection) {
                connection.getInputStream().read(new byte[4096]);
                connection.getOutputStream().write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
                        .getBytes(StandardCharsets.ISO_8859_1));
            }
        }
    }

    /// A proxy that opens every tunnel to itself and is the server at its end.
    private static final class TunnelProxy extends Listener {
        final List<String> heads = new CopyOnWriteArrayList<>();
        private final SSLContext server;
        volatile String refusal;
        volatile boolean wantsCertificate;

        TunnelProxy(SSLContext server) throws IOException { this.server = server; }

        @Override
        void serve(Socket connection) throws IOException {
            try (connection) {
                heads.add(head(connection.getInputStream()));
                String answer = refusal == null ? "200 Connection established"
                        : refusal + "\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0";
                connection.getOutputStream()
                        .write(("HTTP/1.1 " + answer + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
                if (refusal == null) tunnel(connection);
            }
        }

        private void tunnel(Socket connection) throws IOException {
            try (var tls = (SSLSocket) server.getSocketFactory().createSocket(connection, null, true)) {
                tls.setUseClientMode(false);
                tls.setNeedClientAuth(wantsCertificate);
                while (true) {
                    heads.add(head(tls.getInputStream()));
                    tls.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"hello\":\"there\"}"
                            .getBytes(StandardCharsets.ISO_8859_1));
                }
            }
        }
    }
}

/// A stub server on 127.0.0.1 with configured responses, which records its requests.
final class Stub implements AutoCloseable {
    record Asked(Instant at, String method, String path, Map<String, List<String>> headers, String body) {}

    record Reply(int status, String type, String body, Map<String, String> headers) {
        static Reply json(int status, String body) { return new Reply(status, "application/json", body, Map.of()); }

        static Reply text(int status, String body) { return new Reply(status, "text/plain", body, Map.of()); }

        static Reply html(int status, String body) { return new Reply(status, "text/html", body, Map.of()); }

        Reply with(String name, String value) { return new Reply(status, type, body, Map.of(name, value)); }
    }

    private final InstantSource clock;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, Deque<Reply>> replies = new ConcurrentHashMap<>();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();

    Stub(InstantSource clock) {
        this.clock = clock;
        try {
            server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(threads);
        server.createContext("/", this::serve);
        server.start();
    }

    /// The answers of a path, one a request; the last one stays.
    Stub on(String path, Reply... answers) {
        replies.put(path, new ConcurrentLinkedDeque<>(List.of(answers)));
        return this;
    }

    /// One answer before those that are there.
    Stub first(String path, Reply answer) {
        replies.get(path).addFirst(answer);
        return this;
    }

    String url() { return "http://127.0.0.1:" + server.getAddress().getPort(); }

    List<Asked> asked() { return List.copyOf(asked); }

    long count(String path) { return asked.stream().filter(a -> a.path().equals(path)).count(); }

    private void serve(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String sent = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        asked.add(new Asked(clock.instant(), exchange.getRequestMethod(), path,
                Map.copyOf(exchange.getRequestHeaders()), sent));
        var queue = replies.getOrDefault(path, new ArrayDeque<>(List.of(Reply.text(404, "404 page not found"))));
        var reply = queue.size() > 1 ? queue.poll() : queue.peek();
        byte[] body = reply.body().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", reply.type());
        reply.headers().forEach(exchange.getResponseHeaders()::set);
        exchange.sendResponseHeaders(reply.status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        threads.shutdownNow();
        server.stop(0);
    }
}
