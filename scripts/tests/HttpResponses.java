package cop;

import module java.base;

import com.sun.net.httpserver.HttpServer;
import cop.copilot.Fault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Response bodies as proxies and servers send them: compressed or not, whatever the headers say; waits in any form.
class HttpResponses {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    private static final String STREAM = """
            data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}

            data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

            data: [DONE]

            """, WHOLE = "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}";

    /// Whatever a proxy does to the body and its headers.
    @ParameterizedTest
    @CsvSource({"stream, gzip, gzip, text/event-stream", "stream, gzip, '', text/event-stream",
            "stream, gzip, '', text/plain", "stream, plain, gzip, text/event-stream",
            "whole, gzip, gzip, application/json", "whole, gzip, '', text/plain", "whole, gzip, x-gzip, text/plain",
            "whole, plain, gzip, text/plain",
            "stream, plain, '', application/json", "stream, gzip, '', application/json",
            "whole, gzip, identity, application/json", "blanks, gzip, '', ''",
            "blanks, plain, '', ''"})
    void bodyIsReadWhateverItsHeadersSay(String form, String packed, String encoding, String type)
            throws Exception {
        String text = form.equals("stream") ? STREAM : form.equals("blanks") ? "\r\n\t " + WHOLE : WHOLE;
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        var answer = answer(packed.equals("gzip") ? zipped(body) : body, encoding, type);
        assertEquals("hi", read(answer));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 12, 30})
    void truncatedGzipIsLostConnection(int bytes) throws Exception {
        byte[] whole = zipped(STREAM.getBytes(StandardCharsets.UTF_8));
        var cut = answer(Arrays.copyOf(whole, bytes), "gzip", "text/event-stream");
        assertThrows(IOException.class, () -> read(cut));
    }

    /// Every retry would be billed.
    @Test
    void corruptGzipIsNotRetried() throws Exception {
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
            assertTrue(fault.message().contains("invalid gzip"), fault::message);
            assertEquals(1, asked.get());
        } finally {
            server.stop(0);
        }
    }

    /// Retry-After in all forms; anything else is ignored.
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
    void retryAfterForms(String where, String value, Long seconds) {
        boolean body = where.equals("body");
        var answer = new ApiResponse(429, java.net.http.HttpHeaders.of(body ? Map.of() : Map.of(where, List.of(value)),
                (_, _) -> true), null);
        var refusal = ErrorResponse.of(answer, body ? value : "later", cop.time.now());
        assertEquals(Optional.ofNullable(seconds), refusal.retryAfter().map(Duration::toSeconds));
        assertFalse(refusal.fault(URI.create("https://x.example/y")).message().isEmpty());
    }

    /// An attempt that breaks off before any content; another attempt must know nothing of it.
    @Test
    void anAttemptThatDeliveredNothingLeavesNothingBehind() throws IOException {
        String reasoning = "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":"
                + "\"reasoning\",\"summary\":[]}}\n\n";
        String message = "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":"
                + "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\"}]}}\n\n"
                + "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n";
        assertEquals("Hi", afterLost(Endpoint.RESPONSES, reasoning, message).text());

        String cut = "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"length\"}],"
                + "\"model\":\"old\","
                + "\"copilot_usage\":{\"total_nano_aiu\":9}}\n\n";
        String whole = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n";
        var reply = afterLost(Endpoint.CHAT, cut, whole);
        assertEquals(List.of("Hi", "", "", 0L), List.of(reply.text(), reply.rawFinish(), reply.model(),
                reply.usage().nanoCredits()));

        String start = "data: {\"type\":\"message_start\",\"message\":{\"model\":\"old\",\"usage\":"
                + "{\"input_tokens\":7,\"cache_read_input_tokens\":5}}}\n\n";
        String answer = "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\","
                + "\"text\":\"Hi\"}}"
                + "\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":"
                + "{\"output_tokens\":1}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
        assertEquals(new copilot.Usage(0, 1, 0, 0, 0, false), afterLost(Endpoint.MESSAGES, start, answer).usage());
    }

    private static copilot.Reply afterLost(Endpoint endpoint, String lost, String text) throws IOException {
        var reader = endpoint.reader((_, _) -> { }, 1);
        var first = answer((lost + "data").getBytes(StandardCharsets.UTF_8), "", "text/event-stream");
        first.body().onError(new IOException("connection reset"));
        assertThrows(IOException.class, () -> reader.read(first));
        assertFalse(reader.delivered());
        return reader.read(answer(text.getBytes(StandardCharsets.UTF_8), "", "text/event-stream"));
    }

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
        if (!new String(body, StandardCharsets.UTF_8).endsWith("data")) stream.onComplete();
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
}
