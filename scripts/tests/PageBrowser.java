package cop;

import module java.base;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// A headless Chromium with one page, driven over the DevTools protocol. Records what a page must not do: requests,
/// dialogs, and errors.
final class PageBrowser implements AutoCloseable {
    private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome");

    private final Process process;
    private final Path profile;
    private final HttpClient http = HttpClient.newHttpClient();
    private final WebSocket socket;
    private boolean scripts = true;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
    private volatile CompletableFuture<Void> loaded = new CompletableFuture<>();
    /// Kinds of events with a word on each: `request https://…`, `dialog 1`, `error …`.
    final List<String> events = new CopyOnWriteArrayList<>();

    /// Starts a browser; the test is skipped where none is installed.
    PageBrowser() throws Exception {
        var program = Stream.of(System.getenv("PATH").split(File.pathSeparator)).flatMap(folder -> NAMES.stream()
                .map(name -> Path.of(folder, name))).filter(Files::isExecutable).findFirst();
        assumeTrue(program.isPresent(), "no Chromium on the PATH");
        profile = Files.createTempDirectory("cop-browser-");
        process = new ProcessBuilder(program.get().toString(), "--headless", "--no-sandbox", "--disable-gpu",
                "--no-first-run", "--disable-extensions", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                "--hide-scrollbars", "--remote-debugging-port=0",
                "--user-data-dir=" + profile, "about:blank").redirectErrorStream(true)
                .redirectOutput(profile.resolve("log").toFile()).start();
        try {
            socket = http.newWebSocketBuilder().buildAsync(URI.create(page()), new Listener()).get(20,
                    TimeUnit.SECONDS);
            for (String domain : List.of("Page", "Runtime", "Network", "Log")) call(domain + ".enable");
        } catch (Exception e) {
            stop();
            throw e;
        }
    }

    /// Returns the socket of the page: the browser writes its port to a file when it listens.
    private String page() throws Exception {
        Path port = profile.resolve("DevToolsActivePort");
        Harness.await("Chromium's port", () -> port.toFile().length() > 0 || !process.isAlive());
        var uri = URI.create("http://127.0.0.1:" + Files.readAllLines(port).getFirst() + "/json/list");
        for (long end = System.nanoTime() + 20_000_000_000L; System.nanoTime() < end; ) {
            String answer = http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()).body();
            for (var target : Json.tryParse(answer)) {
                if (Json.text(target, "type").equals("page")) return Json.text(target, "webSocketDebuggerUrl");
            }
            LockSupport.parkNanos(5_000_000);
        }
        throw new AssertionError("Chromium has no page");
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                received(Json.tryParse(text.toString()));
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }
    }

    private void received(JsonNode message) {
        if (message.has("id")) {
            var answer = waiting.remove(message.path("id").asInt());
            if (answer != null) answer.complete(message);
            return;
        }
        var given = message.path("params");
        switch (Json.text(message, "method")) {
            case "Page.loadEventFired" -> loaded.complete(null);
            case "Page.javascriptDialogOpening" -> {
                events.add("dialog " + Json.text(given, "message"));
                send("Page.handleJavaScriptDialog", Json.object().put("accept", false));
            }
            case "Network.requestWillBeSent" -> {
                String url = Json.text(given.path("request"), "url");
                if (!url.startsWith("file:") && !url.startsWith("data:")) events.add("request " + url);
            }
            case "Runtime.exceptionThrown" -> events.add("error " + Json.compact(given.path("exceptionDetails")));
            case "Log.entryAdded" -> events.add("log " + Json.text(given.path("entry"), "text"));
            case "Page.frameNavigated" -> {
                if (given.path("frame").has("parentId")) events.add("frame " + Json.compact(given));
            }
            default -> { }
        }
    }

    private CompletableFuture<JsonNode> send(String method, ObjectNode given) {
        int id = ids.incrementAndGet();
        var answer = new CompletableFuture<JsonNode>();
        waiting.put(id, answer);
        var message = Json.object().put("id", id).put("method", method);
        message.set("params", given);
        synchronized (this) {
            socket.sendText(Json.compact(message), true).join();
        }
        return answer;
    }

    JsonNode call(String method) { return call(method, Json.object()); }

    JsonNode call(String method, ObjectNode given) {
        try {
            var answer = send(method, given).get(60, TimeUnit.SECONDS);
            if (answer.has("error")) throw new AssertionError(method + ": " + answer.path("error"));
            return answer.path("result");
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(method, e);
        }
    }

    /// Opens a file, and returns the milliseconds until it has drawn its first picture after loading.
    long open(Path file) {
        events.clear();
        loaded = new CompletableFuture<>();
        long start = System.nanoTime();
        call("Page.navigate", Json.object().put("url", file.toUri().toString()));
        try {
            loaded.get(60, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError("the page did not load", e);
        }
        if (scripts) js("new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))");
        return (System.nanoTime() - start) / 1_000_000;
    }

    /// Evaluates an expression of JavaScript, and awaits it if it is a promise.
    JsonNode js(String expression) {
        var result = call("Runtime.evaluate", Json.object().put("expression", expression).put("returnByValue", true)
                .put("awaitPromise", true));
        if (result.has("exceptionDetails")) throw new AssertionError(expression + "\n" + result);
        return result.path("result").path("value");
    }

    String text(String expression) { return js(expression).asString(""); }

    /// Types a key, as a person does.
    void key(String key) { key(key, 0); }

    /// @param modifiers 2 for Ctrl, 8 for Shift
    void key(String key, int modifiers) {
        var event = Json.object().put("key", key).put("modifiers", modifiers);
        int code = switch (key) {
            case "ArrowLeft" -> 37;
            case "ArrowUp" -> 38;
            case "ArrowRight" -> 39;
            case "ArrowDown" -> 40;
            case "Enter" -> 13;
            case "Escape" -> 27;
            case "Tab" -> 9;
            case "Home" -> 36;
            case "End" -> 35;
            case "PageUp" -> 33;
            case "PageDown" -> 34;
            default -> Character.toUpperCase(key.charAt(0));
        };
        event.put("windowsVirtualKeyCode", code).put("code", key);
        if (key.length() == 1) event.put("text", key);
        if (key.equals("Enter")) event.put("text", "\r");
        call("Input.dispatchKeyEvent", event.deepCopy().put("type", "keyDown"));
        call("Input.dispatchKeyEvent", event.put("type", "keyUp"));
    }

    /// Types text where the focus is.
    void type(String text) { call("Input.insertText", Json.object().put("text", text)); }

    /// Waits until an expression is true.
    void until(String expression) { Harness.await(expression, () -> js(expression).asBoolean(false)); }

    void size(int width, int height) {
        call("Emulation.setDeviceMetricsOverride", Json.object().put("width", width).put("height", height)
                .put("deviceScaleFactor", 1).put("mobile", width < 500));
    }

    /// @param media `screen` or `print`
    /// @param scheme `light` or `dark`
    void media(String media, String scheme) {
        var given = Json.object().put("media", media);
        given.putArray("features").addObject().put("name", "prefers-color-scheme").put("value", scheme);
        call("Emulation.setEmulatedMedia", given);
    }

    void scripts(boolean on) {
        scripts = on;
        call("Emulation.setScriptExecutionDisabled", Json.object().put("value", !on));
    }

    byte[] screenshot() { return data(call("Page.captureScreenshot", Json.object().put("format", "png"))); }

    byte[] pdf() { return data(call("Page.printToPDF", Json.object().put("printBackground", true))); }

    private static byte[] data(JsonNode answer) { return Base64.getDecoder().decode(Json.text(answer, "data")); }

    private void stop() {
        http.close();
        var children = process.descendants().toList();
        process.destroy();
        try {
            if (!process.waitFor(5, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
            for (var child : children) child.onExit().get(5, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException _) {
            children.forEach(ProcessHandle::destroyForcibly);
        }
        try (var files = Files.walk(profile)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException | UncheckedIOException _) {
            // the browser's last files
        }
    }

    @Override
    public void close() {
        socket.abort();
        stop();
    }
}
