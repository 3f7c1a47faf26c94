package cop;

import module java.base;

/// A Copilot for measurements, because the simulator neither says when it sends nor sees a client leave. The model's
/// name says how it answers: `quick` at once, `drip-N-MS` with N deltas at that distance, each with the time at which
/// it was sent, and `idle` with one delta, and nothing more until the client leaves.
final class TimedUpstream implements AutoCloseable {
    private final ServerSocket server;
    /// Receives when the client of an idle stream has left (System.nanoTime()).
    final BlockingQueue<Long> left = new LinkedBlockingQueue<>();
    final AtomicInteger idle = new AtomicInteger();         // streams now

    TimedUpstream() throws IOException {
        server = new ServerSocket(0, 2048, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    String url() { return "http://127.0.0.1:" + server.getLocalPort(); }

    private void accept() {
        while (true) {
            try {
                var socket = server.accept();
                socket.setTcpNoDelay(true);
                Thread.ofVirtual().start(() -> answer(socket));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void answer(Socket socket) {
        try (socket) {
            var in = new BufferedInputStream(socket.getInputStream(), 64 << 10);
            var out = socket.getOutputStream();
            for (var head = head(in); head != null; head = head(in)) {
                byte[] body = in.readNBytes(length(head));
                if (head.startsWith("POST ")) chat(new String(body, StandardCharsets.UTF_8), in, out);
                else if (head.startsWith("GET /copilot_internal/v2/token")) whole(out, token());
                else if (head.startsWith("GET /models")) whole(out, MODELS);
                else whole(out, "{}");
            }
        } catch (IOException | InterruptedException _) {
            // the other side has closed
        }
    }

    /// Returns a request's or a response's head, or null at the end.
    static String head(InputStream in) throws IOException {
        var head = new ByteArrayOutputStream(1024);
        int ends = 0;
        for (int b = in.read(); b >= 0; b = in.read()) {
            head.write(b);
            ends = b == '\n' ? ends + 1 : b == '\r' ? ends : 0;
            if (ends == 2) return head.toString(StandardCharsets.ISO_8859_1);
        }
        return null;
    }

    /// Returns the Content-Length of a head; 0 if there is none.
    static int length(String head) {
        var length = Pattern.compile("(?im)^content-length: *([0-9]+)").matcher(head);
        return length.find() ? Integer.parseInt(length.group(1)) : 0;
    }

    private void chat(String body, InputStream in, OutputStream out) throws IOException, InterruptedException {
        var model = Pattern.compile("\"model\": *\"([a-z0-9-]+)\"").matcher(body);
        String[] how = (model.find() ? model.group(1) : "quick").split("-");
        if (how[0].equals("quick")) {
            whole(out, ANSWER);
            return;
        }
        out.write(("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                .getBytes());
        if (how[0].equals("idle")) {
            idle.incrementAndGet();
            event(out, delta("x"));
            try {
                in.read();                                  // waits for the end
            } finally {
                idle.decrementAndGet();                     // first: who has seen it leave counts the others
                left.add(System.nanoTime());
            }
            throw new EOFException();
        }
        int deltas = Integer.parseInt(how[1]), pause = Integer.parseInt(how[2]);
        for (int i = 0; i < deltas; i++) {
            if (pause > 0) Thread.sleep(pause);
            event(out, delta("t" + System.nanoTime()));
        }
        event(out, "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
        event(out, "[DONE]");
        out.write("0\r\n\r\n".getBytes());
    }

    private static String delta(String text) {
        return "{\"id\":\"c\",\"created\":1,\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":"
                + "{\"content\":\"" + text + "\"},\"finish_reason\":null}]}";
    }

    private static void event(OutputStream out, String data) throws IOException {
        byte[] bytes = ("data: " + data + "\n\n").getBytes();
        out.write((Integer.toHexString(bytes.length) + "\r\ndata: " + data + "\n\n\r\n").getBytes());
    }

    private static void whole(OutputStream out, String json) throws IOException {
        out.write(("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + json.length() + "\r\n\r\n"
                + json).getBytes());
    }

    private String token() {
        return "{\"token\":\"tid=bench\",\"expires_at\":" + (Instant.now().getEpochSecond() + 7200)
                + ",\"refresh_in\":7000,\"endpoints\":{\"api\":\"" + url() + "\"}}";
    }

    private static final String ANSWER = "{\"id\":\"c\",\"created\":1,\"object\":\"chat.completion\",\"choices\":["
            + "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a line of an answer\"},\"finish_reason\":"
            + "\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5,\"total_tokens\":14}}";
    private static final String MODELS = Stream.of("quick", "drip-50-20", "drip-20-20", "drip-2000-0", "idle").map(
            id -> ("{\"id\":\"%s\",\"name\":\"%s\",\"vendor\":\"OpenAI\",\"version\":\"1\",\"object\":\"model\","
                    + "\"preview\":false,\"model_picker_enabled\":true,\"supported_endpoints\":[\"/chat/completions\"],"
                    + "\"capabilities\":{\"type\":\"chat\",\"family\":\"gpt-5\",\"object\":\"model_capabilities\","
                    + "\"tokenizer\":\"o200k_base\",\"limits\":{\"max_output_tokens\":4096,\"max_prompt_tokens\":90000,"
                    + "\"max_context_window_tokens\":100000},\"supports\":{\"streaming\":true}}}").formatted(id, id))
            .collect(Collectors.joining(",", "{\"object\":\"list\",\"data\":[", "]}"));

    @Override
    public void close() throws IOException { server.close(); }
}
