package cop;

import module java.base;

/// A Copilot that answers an exchange and a list of models, but chats only so far, and notices at once when the client
/// of a chat has left. The simulator's server does not, because it reads nothing more from a connection then.
final class SilentCopilot implements AutoCloseable {
    /// How far an answer comes.
    enum Reach { HEAD_MISSING, HEAD, FIRST_EVENT }

    /// A chat.
    static final class Chat {
        final String head;
        final CompletableFuture<Long> left = new CompletableFuture<>();         // System.nanoTime()

        private Chat(String head) { this.head = head; }
    }

    private static final String MODELS = """
            {"object":"list","data":[{"id":"gpt-5-mini","name":"GPT-5 mini","vendor":"OpenAI",
            "model_picker_enabled":true,"is_chat_default":true,"supported_endpoints":["/chat/completions","/responses"],
            "capabilities":{"type":"chat","family":"gpt-5-mini","supports":{"streaming":true}}},
            {"id":"claude-sonnet-4.5","name":"Claude","vendor":"Anthropic","model_picker_enabled":true,
            "supported_endpoints":["/chat/completions","/v1/messages"],
            "capabilities":{"type":"chat","family":"claude","supports":{"streaming":true}}}]}""";

    final BlockingQueue<Chat> chats = new LinkedBlockingQueue<>();
    final List<String> heads = Collections.synchronizedList(new ArrayList<>());
    private final ServerSocket socket;
    private final Reach reach;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    SilentCopilot(Reach reach) {
        this.reach = reach;
        try {
            socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.startVirtualThread(this::accept);
    }

    String url() { return "http://127.0.0.1:" + socket.getLocalPort(); }

    private void accept() {
        try {
            while (true) {
                var client = socket.accept();
                open.add(client);
                Thread.startVirtualThread(() -> serve(client));
            }
        } catch (IOException _) {
            // closed
        }
    }

    private void serve(Socket client) {
        try (client) {
            var in = new BufferedInputStream(client.getInputStream());
            for (String head = head(in); head != null; head = head(in)) {
                heads.add(head);
                var length = Pattern.compile("(?i)content-length: *(\\d+)").matcher(head);
                if (length.find()) in.readNBytes(Integer.parseInt(length.group(1)));
                if (head.contains("/copilot_internal/")) answer(client, """
                        {"token":"tid=silent;exp=4102444800","expires_at":4102444800,"refresh_in":1500}""");
                else if (head.startsWith("GET ") && head.contains("/models")) answer(client, MODELS);
                else {
                    chat(client, in, head);
                    return;
                }
            }
        } catch (IOException _) {
            // it has left
        }
    }

    private void chat(Socket client, InputStream in, String head) throws IOException {
        var chat = new Chat(head);
        var out = client.getOutputStream();
        if (reach != Reach.HEAD_MISSING) out.write(("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
        String event = head.contains("/messages") ? "event: message_start\ndata: {\"type\":"
                + "\"message_start\",\"message\":{\"model\":\"m\","
                + "\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n"
                : "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
        if (reach == Reach.FIRST_EVENT) out.write((Integer.toHexString(event.length()) + "\r\n" + event + "\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        out.flush();
        chats.add(chat);
        try {
            in.read();
        } catch (IOException _) {
            // a reset
        }
        chat.left.complete(System.nanoTime());
    }

    /// @return null at the end
    private static String head(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int b = in.read();
            if (b < 0) return null;
            head.append((char) b);
        }
        return head.toString();
    }

    private static void answer(Socket client, String json) throws IOException {
        client.getOutputStream().write(("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                + json.length() + "\r\n\r\n" + json).getBytes(StandardCharsets.US_ASCII));
        client.getOutputStream().flush();
    }

    /// Ends all connections, as a network does.
    void drop() {
        open.forEach(client -> {
            try {
                client.setSoLinger(true, 0);
                client.close();
            } catch (IOException _) {
                // it is closed
            }
        });
    }

    @Override
    public void close() throws IOException {
        socket.close();
        drop();
    }
}
