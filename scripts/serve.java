///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Serves your Copilot on 127.0.0.1 to other tools, with the OpenAI and Anthropic APIs
//JAVA 25+
//CDS
//DEPS io.netty:netty-codec-http:4.2.20.Final
//SOURCES ../copilot.java
//SOURCES serve/AccessRules.java
//SOURCES serve/Admission.java
//SOURCES serve/AnswerBlocks.java
//SOURCES serve/AnswerEvent.java
//SOURCES serve/AnswerSink.java
//SOURCES serve/AnswerSource.java
//SOURCES serve/ApiProtocol.java
//SOURCES serve/ApiRefusal.java
//SOURCES serve/ApiRoute.java
//SOURCES serve/Backend.java
//SOURCES serve/BrokenStream.java
//SOURCES serve/CallNumbers.java
//SOURCES serve/ChatDialog.java
//SOURCES serve/ChatPassThrough.java
//SOURCES serve/ChatRepairs.java
//SOURCES serve/ChatSink.java
//SOURCES serve/ChatSource.java
//SOURCES serve/ClientConfig.java
//SOURCES serve/ClientConnection.java
//SOURCES serve/ClientLauncher.java
//SOURCES serve/ClientModels.java
//SOURCES serve/ClientSettings.java
//SOURCES serve/CountTokensRoute.java
//SOURCES serve/Dialog.java
//SOURCES serve/EmbeddingsRequest.java
//SOURCES serve/EmbeddingsRoute.java
//SOURCES serve/EventSplitter.java
//SOURCES serve/Exchange.java
//SOURCES serve/ExchangeRoute.java
//SOURCES serve/HttpFields.java
//SOURCES serve/Initiator.java
//SOURCES serve/ItemMemory.java
//SOURCES serve/JsonEdits.java
//SOURCES serve/JsonSpan.java
//SOURCES serve/LocalServer.java
//SOURCES serve/MessagesDialog.java
//SOURCES serve/MessagesPassThrough.java
//SOURCES serve/MessagesRepairs.java
//SOURCES serve/MessagesSink.java
//SOURCES serve/MessagesSource.java
//SOURCES serve/ModelDocuments.java
//SOURCES serve/ModelNames.java
//SOURCES serve/ModelsRoute.java
//SOURCES serve/NettyExchange.java
//SOURCES serve/PassThrough.java
//SOURCES serve/PassedRequest.java
//SOURCES serve/RefusedMembers.java
//SOURCES serve/RequestHead.java
//SOURCES serve/RequestMeter.java
//SOURCES serve/ResponsesDialog.java
//SOURCES serve/ResponsesPassThrough.java
//SOURCES serve/ResponsesRepairs.java
//SOURCES serve/ResponsesSink.java
//SOURCES serve/ResponsesSource.java
//SOURCES serve/Route.java
//SOURCES serve/Routes.java
//SOURCES serve/Seal.java
//SOURCES serve/ServeKey.java
//SOURCES serve/ServerLimits.java
//SOURCES serve/SseFrames.java
//SOURCES serve/StatusPage.java
//SOURCES serve/StopReason.java
//SOURCES serve/StreamRelay.java
//SOURCES serve/StreamTranslator.java
//SOURCES serve/StrictDecoder.java
//SOURCES serve/TokenEstimate.java
//SOURCES serve/TokenUsage.java
//SOURCES serve/TranslatedRequest.java
//SOURCES serve/TranslatedStream.java
//SOURCES serve/Translation.java
//SOURCES serve/Translations.java
//SOURCES serve/Upstream.java
//SOURCES serve/UpstreamError.java

/// A local server with the three APIs that other tools speak: chat completions, responses, and messages.
package cop;

import module java.base;
import cop.copilot.Fault;

public class serve extends Command {
    public static void main(String... args) { System.exit(copilot.start("serve", args)); }

    private static final int PORT = 4141;
    private static final String CLIENT = "claude|codex|aider";

    @Override
    String syntax() {
        return """
                [claude|codex|aider [ARGS…]]
                key [--new]

                Serve your Copilot to Claude Code, Codex, editors, and SDKs.
                Speaks the OpenAI and Anthropic APIs, on this computer only, and requires a key. Prints the base URL \
                when it is ready; Ctrl-C stops it. With a client, serves it alone: on a free port, with a key of its \
                own, until it ends, and without changing its settings. A browser shows figures, quotas, and models \
                at the base URL, with the key as password. Paths: /v1/chat/completions, /v1/responses, /v1/messages, \
                /v1/messages/count_tokens, /v1/embeddings, /v1/models.

                claude|codex|aider  Client to run.
                ARGS…  Arguments of the client, after --.
                Clients:
                -m, --model=MODEL  Model to begin with. Default: the newest Sonnet for claude, else your default model.
                --print=CLIENT  Print the settings for a client instead: claude, codex, aider, llm, zed, open-webui, \
                continue, xcode, openai, or anthropic.
                --new  Replace the key that serve has made; a running server keeps the old one.
                Server:
                --port=PORT:int  Port to listen on; 0 for any free one. Default: 4141, or 0 with a client.
                --listen=ADDRESS  Address to listen on; one that other computers reach requires --allow-host. \
                Default: 127.0.0.1.
                --allow-host=NAME  Also accept requests to this host name; repeatable.
                --allow-origin=ORIGIN  Let web pages of this origin use it, such as app://obsidian.md; repeatable.
                --key-file=FILE  Read the key from FILE. Default: $COP_SERVE_KEY, or a key made on first use.
                --no-key  Require no key: everyone on this computer can use your Copilot.
                --jobs=N:int  Requests to send at once. Default: 4.
                --queue=N:int  Requests that may wait. Default: 32.
                --queue-timeout=TIME  Longest wait for a request's turn. Default: 60s.

                  {cop} serve
                  {cop} serve claude
                  {cop} serve codex -m gpt-5.3-codex -- exec "explain this project"
                  {cop} serve --print zed
                """;
    }

    @Override
    int run(CopilotClient copilot) {
        if (action().equals("key")) {
            var key = new ServeKey(copilot.context().home());
            return print(has("--new") ? key.renew() : key.get(text("--key-file"), console));
        }
        if (has("--print")) return printed(copilot);
        // a new connection for each request after a pause would add a TLS handshake
        System.getProperties().putIfAbsent("jdk.httpclient.keepalive.timeout", "300");
        return has(CLIENT) ? launched(copilot) : served(copilot);
    }

    /// Serves until Ctrl-C. C1 compiles here too, as copilot.java's options say: C2 is no faster for a request of 1 kB,
    /// takes 1.6 times the CPU time and half as much memory again (`bench serve` has rows of both).
    private int served(CopilotClient copilot) {
        var limits = limits();
        var address = new InetSocketAddress(address(), port());
        var access = access(copilot, address.getAddress());
        copilot.tokens().get();                             // else each client would be told that nobody is logged in
        var meter = new RequestMeter(console, false);
        var backend = Backend.of(copilot, limits, meter);
        try (var server = new LocalServer(new LocalServer.Setup(access, routes(backend), limits, meter, console))) {
            print(url(address.getAddress(), server.listen(address).getPort()));
            console.flush();
            if (console.terminal()) console.note(welcome());
            var warm = Thread.startVirtualThread(() -> warm(copilot));
            env.shutdown().patience(limits.times().shutdown().plusSeconds(5));
            env.shutdown().stoppable(() -> until(server, limits.times().shutdown()));
            warm.interrupt();
            return Fault.INTERRUPTED;
        } finally {
            meter.close();
        }
    }

    private String welcome() {
        String command = Commands.command("serve");
        return Text.joined("; ", has("--no-key") ? "" : "key: " + command + " key", "settings for a tool: " + command
                + " --print NAME", "Ctrl-C stops");
    }

    /// Fetches the list of models, and opens a connection to Copilot with it, before the first client comes.
    private static void warm(CopilotClient copilot) {
        try {
            copilot.models().list(ModelList.USABLE);
        } catch (Fault _) {
            // the first request says why
        }
    }

    private ClientSettings settings(CopilotClient copilot, String base, String client) {
        if (ClientConfig.PLAIN.contains(client) && !has("-m")) return new ClientSettings(base, null, null);
        copilot.tokens().get();
        var models = new ClientModels(new ModelDocuments(copilot.models().list(ModelList.USABLE)));
        var main = has("-m") ? models.named(text("-m")) : switch (client) {
            case "claude" -> models.forClaude(copilot);
            case "codex" -> models.forCodex(copilot);
            default -> models.usual(copilot);
        };
        return new ClientSettings(base, models, main);
    }

    /// Prints what to paste on stdout, and where on stderr.
    private int printed(CopilotClient copilot) {
        String client = text("--print");
        if (!ClientConfig.CLIENTS.contains(client)) throw Fault.usage("no settings for " + client, Suggestions.hint(
                client, ClientConfig.CLIENTS, "use " + String.join(", ", ClientConfig.CLIENTS)));
        String command = has("--key-file") ? "cat " + Text.quoted(text("--key-file")) : Commands.command("serve")
                + " key";
        var settings = settings(copilot, url(address(), port()), client);
        var config = new ClientConfig(settings, has("--no-key") ? "none" : "\"$(" + command + ")\"", command);
        console.note(config.note(client) + "; " + Commands.command("serve") + " must be running");
        return print(config.text(client).stripTrailing());
    }

    /// Runs a client with a server of its own.
    private int launched(CopilotClient copilot) {
        String client = text(CLIENT), key = ServeKey.random();
        for (String option : List.of("--listen", "--allow-host", "--allow-origin", "--key-file", "--no-key")) {
            if (has(option)) throw Fault.usage(option + " and " + client + " cannot be used together", "leave out "
                    + option + ": the server is for " + client + " alone");
        }
        var launcher = ClientLauncher.of(env, client);
        var limits = limits();
        var meter = new RequestMeter(console, true);
        var access = AccessRules.of(key, List.of(), List.of());
        var backend = Backend.of(copilot, limits, meter);
        var loopback = InetAddress.ofLiteral("127.0.0.1");
        try (var server = new LocalServer(new LocalServer.Setup(access, routes(backend), limits, meter, console))) {
            int port = server.listen(new InetSocketAddress(loopback, has("--port") ? port() : 0)).getPort();
            var settings = settings(copilot, url(loopback, port), client);
            int code = quietly(() -> launcher.run(settings, key, texts("ARGS")));
            if (meter.snapshot().all().requests() > 0) console.note(client + ": " + meter.summary());
            return code;
        }
    }

    /// Runs a client without notes of ours: the terminal is its own.
    private int quietly(IntSupplier client) {
        boolean quiet = console.quiet;
        console.quiet = true;
        try {
            return client.getAsInt();
        } finally {
            console.quiet = quiet;
        }
    }

    /// The paths of the three APIs are served without `/v1` too, for tools whose base URL has none.
    static Routes routes(Backend backend) {
        var routes = new Routes();
        var models = new ModelsRoute(backend.copilot().models());
        for (String version : List.of("/v1", "")) {
            routes.add("POST", version + "/chat/completions", new ApiRoute(ApiProtocol.CHAT, backend))
                    .add("POST", version + "/responses", new ApiRoute(ApiProtocol.RESPONSES, backend))
                    .add("POST", version + "/messages", new ApiRoute(ApiProtocol.MESSAGES, backend))
                    .add("POST", version + "/messages/count_tokens", new CountTokensRoute(backend))
                    .add("POST", version + "/embeddings", new EmbeddingsRoute(backend))
                    .add("GET", version + "/models", models).add("GET", version + "/models/*", models);
        }
        routes.add("GET", ExchangeRoute.PATH, new ExchangeRoute(backend.copilot().context().env().time()))
                .add("POST", "/api/event_logging/batch", exchange -> exchange.respond(200, Json.object()))
                .add("GET", "/livez", exchange -> exchange.respond(200, Json.object().put("status", "ok")))
                .addPage("/", new StatusPage(backend.copilot(), backend.meter()));
        return routes;
    }

    /// Serves until Ctrl-C; then lets what is being answered end, until another Ctrl-C.
    private void until(LocalServer server, Duration grace) {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException _) {
            // Ctrl-C
        }
        try {
            int open = server.answering();
            if (open > 0) console.note("waiting up to " + Durations.words(grace) + " for " + open + (open == 1
                    ? " request" : " requests") + "; Ctrl-C again to stop at once");
            if (server.stop(grace)) return;
        } catch (InterruptedException _) {
            // Ctrl-C again
        }
        server.abort();
        try {
            server.stop(Duration.ofSeconds(1));             // the last words
        } catch (InterruptedException _) {
            // a third time
        }
    }

    // ---- options

    private ServerLimits limits() {
        var usual = ServerLimits.DEFAULT;
        return new ServerLimits(new ServerLimits.Admittance(atLeast(1, "--jobs", usual.admittance().jobs()),
                atLeast(0, "--queue", usual.admittance().queue()),
                time("--queue-timeout", usual.admittance().patience())), usual.sizes(), usual.times());
    }

    private int port() {
        int port = atLeast(0, "--port", PORT);
        if (port > 65_535) throw Fault.usage("--port " + port + " is out of range", "use 65535 or less");
        return port;
    }

    private InetAddress address() {
        String text = text("--listen", "127.0.0.1");
        try {
            return InetAddress.ofLiteral(text.equals("localhost") ? "127.0.0.1" : text.replaceAll("[\\[\\]]", ""));
        } catch (IllegalArgumentException notAnAddress) {
            throw Fault.usage("--listen " + text + " is not an address", "--listen 127.0.0.1, ::1, or 0.0.0.0");
        }
    }

    private AccessRules access(CopilotClient copilot, InetAddress address) {
        if (has("--no-key") && has("--key-file")) {
            throw Fault.usage("--key-file and --no-key cannot be used together", "use one of them");
        }
        var hosts = texts("--allow-host").stream().map(name -> AccessRules.host(name).orElseThrow(() -> Fault.usage(
                "--allow-host " + name + " is not a host name", "--allow-host host.docker.internal")))
                .collect(Collectors.toCollection(ArrayList::new));
        if (!address.isLoopbackAddress()) {
            if (has("--no-key")) throw Fault.usage("--listen " + text("--listen") + " requires a key",
                    "leave out --no-key");
            if (hosts.isEmpty()) throw Fault.usage("--listen " + text("--listen") + " requires --allow-host",
                    "--allow-host NAME, the name that clients will use");
            console.warn("other computers that reach " + address.getHostAddress() + " can connect, without encryption:"
                    + " whoever has the key, or reads it on the way, can use your Copilot");
        }
        texts("--allow-origin").forEach(serve::checkOrigin);
        if (has("--no-key")) console.warn("no key: every user and program on this computer can use your Copilot");
        String key = has("--no-key") ? null : new ServeKey(copilot.context().home()).get(text("--key-file"), console);
        if (address.isLoopbackAddress()) hosts.add(literal(address));    // such as 127.0.0.2
        return AccessRules.of(key, hosts, texts("--allow-origin"));
    }

    private static void checkOrigin(String origin) {
        if (origin.equals("null") || origin.matches("[a-z][a-z0-9+.-]*://[^\\s/*]+")) return;
        throw Fault.usage("--allow-origin " + origin + " is not an origin", origin.contains("*")
                ? "name each origin: --allow-origin http://localhost:3000" : "--allow-origin http://localhost:3000");
    }

    private String url(InetAddress address, int port) {
        return "http://" + (address.isAnyLocalAddress() ? text("--allow-host") : literal(address)) + ":" + port;
    }

    /// Returns an address as in a URL.
    private static String literal(InetAddress address) {
        String text = address.getHostAddress().replaceFirst("%.*", "");
        return address instanceof Inet6Address ? address.isLoopbackAddress() ? "[::1]" : "[" + text + "]" : text;
    }
}
