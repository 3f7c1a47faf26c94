package cop;

import module java.base;

/// What `serve` adds to a request, side by side with copilot-api 0.7.0 (ericc-ch/copilot-api, from npm): both in front
/// of the same simulator, in turn with direct requests, so that noise affects all alike. copilot-api has GitHub's hosts
/// as constants; they are replaced in the temporary copy.
final class ServeBench {
    private static final String PEER = "copilot-api", VERSION = "0.7.0", KEY = "sk-bench-0123456789abcdef";
    /// Takes max_tokens, which copilot-api adds to each request.
    private static final String MODEL = "gemini-3.8-flash", CHAT = "/v1/chat/completions";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final bench bench;
    private final int rounds;
    private final Path npm;                                 // where copilot-api is; null if it is not measured
    private final List<Target> running = new ArrayList<>();
    private final Set<Target> late = new HashSet<>();       // have not answered within the time

    /// A server to measure; for direct requests, without a process.
    private record Target(String name, URI chat, String key, Process process, double start) {
        /// Returns the CPU time so far in milliseconds.
        double cpu() { return proc("/stat", text -> {
            var fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 10.0;
        }); }

        double megabytes() { return proc("/status", text -> Double.parseDouble(text.replaceFirst(
                "(?s).*VmRSS:\\s*([0-9]+).*", "$1")) / 1024); }

        private double proc(String file, ToDoubleFunction<String> figure) {
            try {
                return figure.applyAsDouble(Files.readString(Path.of("/proc/" + process.pid() + file)));
            } catch (IOException | RuntimeException notLinux) {
                return Double.NaN;
            }
        }

        ProxyClient client() { return new ProxyClient(chat, key); }
    }

    ServeBench(bench bench, int rounds) throws Exception {
        this.bench = bench;
        this.rounds = rounds;
        npm = bench.quick ? null : installed();
    }

    private Path installed() throws Exception {
        if (!bench.onPath("npm") || !bench.onPath("node")) {
            System.out.println("skipped: " + PEER + ": no npm");
            return null;
        }
        Path folder = Files.createDirectories(bench.home.resolve("npm-" + PEER));
        bench.run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", folder.toString(),
                PEER + "@" + VERSION);
        return folder.resolve("node_modules/" + PEER + "/dist");
    }

    void print() throws Exception {
        bench.sim.set("endpoints", "api");
        try {
            added();
            stop();
            try (var upstream = new TimedUpstream()) {
                var all = servers(upstream.url(), upstream.url(), 1000);
                var direct = new Target("direct", URI.create(upstream.url() + "/chat/completions"), "x", null, 0);
                load(direct, all);                          // warms them too
                deltas(direct, all);
                cancels(upstream, all);
                idle(upstream, all);
                starts(upstream, all);
            }
        } finally {
            stop();
            bench.sim.set("endpoints", "none");
        }
    }

    // ---- servers

    private void stop() throws InterruptedException {
        for (var each : running) end(each.process());
        running.clear();
    }

    private static void end(Process process) throws InterruptedException {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
    }

    /// Starts ours, with the JIT compiler that it is not started with as well, and copilot-api.
    private List<Target> servers(String github, String api, int jobs) throws Exception {
        var all = new ArrayList<Target>();
        String ours = bench.jvm("scripts/serve.java", "--help");
        all.add(ours("serve", ours, github, jobs));
        if (!bench.quick) all.add(ours("serve, with C2", ours.replaceAll("('?)-XX:TieredStopAtLevel=1", "$1-XX:"
                + "TieredStopAtLevel=4"), github, jobs));
        if (npm != null) all.add(peer(github, api));
        return all;
    }

    private Target ours(String name, String command, String github, int jobs) throws Exception {
        int port = freePort();
        return start(name, bench.shell(github, "env COP_SERVE_KEY=" + KEY + " COP_HOME=" + Files.createTempDirectory(
                bench.home, "serve") + " " + command + " --port " + port + " --jobs " + jobs + " --queue 2000"), port);
    }

    private Target peer(String github, String api) throws Exception {
        Path copy = npm.resolve("bench-" + Math.abs(api.hashCode()) + ".js");
        Files.writeString(copy, Files.readString(npm.resolve("main.js")).replace("https://api.githubcopilot.com", api)
                .replace("https://api.github.com", github)
                .replace("https://github.com", github).replace("https://aur.archlinux.org", github));
        int port = freePort();
        return start(PEER, bench.shell(github, "env HOME=" + bench.home + " node " + copy + " start --port " + port
                + " --github-token " + simulator.GITHUB_TOKEN), port);
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /// Starts a server, and waits for its first 200.
    private Target start(String name, List<String> command, int port) throws Exception {
        Path log = Files.createTempFile(bench.home, "server", ".log");
        long begin = System.nanoTime();
        var process = new ProcessBuilder(command).redirectInput(new File("/dev/null")).redirectErrorStream(true)
                .redirectOutput(log.toFile()).start();
        running.add(new Target(name, null, KEY, process, 0));
        while (!answers(port)) {
            if (!process.isAlive() || System.nanoTime() - begin > PATIENCE.toNanos()) {
                throw new IllegalStateException(name + " did not start: " + Files.readString(log).strip());
            }
            Thread.sleep(2);
        }
        return new Target(name, URI.create("http://127.0.0.1:" + port + CHAT), KEY, process,
                (System.nanoTime() - begin) / 1e6);
    }

    private static boolean answers(int port) {
        try (var socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.getOutputStream().write(("GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + KEY
                    + "\r\nConnection: close\r\n\r\n").getBytes());
            return TimedUpstream.head(socket.getInputStream()) instanceof String head && head.contains(" 200 ");
        } catch (IOException notYet) {
            return false;
        }
    }

    // ---- what is added to a request

    /// Prints medians and 95th percentiles of what a request takes longer than a direct one of the same round.
    private void added() throws Exception {
        var all = new ArrayList<Target>();
        var servers = servers(bench.sim.url(), bench.sim.api(), 4);
        String token = bench.sim.ledger().stream().filter(entry -> entry.path().equals("/models")).map(entry ->
                entry.headers().entrySet().stream().filter(field -> field.getKey().equalsIgnoreCase("authorization"))
                        .findFirst().orElseThrow().getValue().getFirst().replaceFirst("(?i)^bearer ", ""))
                .findFirst().orElseThrow();
        all.add(new Target("direct", URI.create(bench.sim.api() + "/chat/completions"), token, null, 0));
        all.addAll(servers);
        for (var each : all) {                              // a server runs for hours: its first requests do not count
            try (var client = each.client()) {
                byte[] body = body(MODEL, 1000, false, "say: warm");
                for (int i = 0; i < (bench.quick ? 50 : 1000); i++) client.send(body, _ -> {});
            }
        }
        bench.sim.clearLedger();
        System.out.printf("%nAdded to a request by a server on the same machine, ms; requests in turn%n%n"
                + "| request | server | first byte, median | p95 | end, median | p95 | of copilot-api's |%n"
                + "|---|---|--:|--:|--:|--:|--:|%n");
        for (int size : List.of(1000, 100_000, 5_000_000)) {
            for (boolean streams : List.of(false, true)) {
                int times = Math.max(bench.quick ? 4 : 5, rounds * 30 / (size > 1_000_000 ? 15 : 1)
                        / (bench.quick ? 3 : 1));
                added(all, size, streams, times);
                bench.sim.clearLedger();
            }
        }
    }

    private void added(List<Target> all, int size, boolean streams, int times) throws Exception {
        byte[] body = body(MODEL, size, streams, "say: a line of an answer that is neither long nor short");
        var samples = new LinkedHashMap<Target, List<ProxyClient.Times>>();
        var clients = new HashMap<Target, ProxyClient>();
        for (var each : all) clients.put(each, each.client());
        var before = Set.copyOf(late);
        var failed = new LinkedHashMap<Target, IOException>();
        for (int i = -Math.max(1, times / 5); i < times; i++) {     // the first rounds warm up
            for (int k = 0; k < all.size(); k++) {
                var each = all.get((Math.abs(i) + k) % all.size());
                if (late.contains(each) || failed.containsKey(each)) continue;
                ProxyClient.Times time;
                try {
                    time = clients.get(each).send(body, _ -> {});
                    boolean slow = each.name().equals(PEER) && time.end() > PATIENCE.toMillis();
                    if (slow) throw new SocketTimeoutException();
                } catch (IOException e) {
                    if (!each.name().equals(PEER)) throw e;
                    failed.put(each, e);
                    if (!(e instanceof SocketTimeoutException)) continue;
                    late.add(each);
                    end(each.process());                    // it counts an image's tokens, and would for the others
                    continue;
                }
                if (i >= 0) samples.computeIfAbsent(each, _ -> new ArrayList<>()).add(time);
            }
            if (size > 10_000) bench.sim.clearLedger();
        }
        for (var client : clients.values()) client.close();
        String what = (size < 1_000_000 ? size / 1000 + " kB" : size / 1_000_000 + " MB") + (streams ? ", streamed"
                : "");
        var direct = samples.get(all.getFirst());
        before.forEach(each -> System.out.println("| " + what + " | " + each.name() + " | not measured any more | | | |"
                + " |"));
        failed.forEach((each, e) -> System.out.println("| " + what + " | " + each.name() + " | " + (late.contains(each)
                ? "no answer within 30 s" : "failed: " + e.getMessage().lines().findFirst().orElse(""))
                + " | | | | |"));
        all = all.stream().filter(each -> !late.contains(each) && !failed.containsKey(each)).toList();
        var peer = all.getLast().name().equals(PEER) ? samples.get(all.getLast()) : null;
        double peers = peer == null ? Double.NaN : at(0.5, differences(peer, direct, ProxyClient.Times::end));
        for (var each : all) {
            var mine = samples.get(each);
            if (each.process() == null) {
                bench.figure(what + " | direct", "%.2f %.2f %.2f %.2f %.2f", at(0.5, values(mine,
                        ProxyClient.Times::first)), at(0.95, values(mine, ProxyClient.Times::first)),
                        at(0.5, values(mine, ProxyClient.Times::end)), at(0.95, values(mine, ProxyClient.Times::end)),
                        Double.NaN);
                continue;
            }
            var first = differences(mine, direct, ProxyClient.Times::first);
            var end = differences(mine, direct, ProxyClient.Times::end);
            bench.figure(what + " | " + each.name(), "%.2f %.2f %.2f %.2f %.2f", Math.max(1e-3, at(0.5, first)),
                    at(0.95, first), at(0.5, end), at(0.95, end), at(0.5, end) / peers);
        }
    }

    /// Returns a request with so many bytes, most of them in a first message: text or, as no prompt has megabytes of
    /// text, images.
    private static byte[] body(String model, int size, boolean streams, String prompt) {
        String filler = "a sentence of the text that a model is asked about. ";
        var pixels = new byte[size < 1_000_000 ? 0 : size / 8 * 3];
        new Random(1).nextBytes(pixels);
        String image = "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgoA"
                + Base64.getEncoder().encodeToString(pixels) + "\"}}";
        String large = size < 1_000_000 ? "\"" + filler.repeat(Math.max(1, (size - 250) / filler.length())) + "\""
                : "[" + image + "," + image + "]";
        return ("{\"model\":\"" + model + "\",\"stream\":" + streams + ",\"messages\":[{\"role\":\"user\",\"content"
                + "\":" + large + "},{\"role\":\"user\",\"content\":\"" + prompt + "\"}]}").getBytes();
    }

    private static double[] values(List<ProxyClient.Times> times, ToDoubleFunction<ProxyClient.Times> figure) {
        return times.stream().mapToDouble(figure).toArray();
    }

    private static double[] differences(List<ProxyClient.Times> times, List<ProxyClient.Times> direct,
            ToDoubleFunction<ProxyClient.Times> figure) {
        return IntStream.range(0, times.size()).mapToDouble(i -> figure.applyAsDouble(times.get(i))
                - figure.applyAsDouble(direct.get(i))).toArray();
    }

    private static double at(double share, double[] values) {
        double[] sorted = Arrays.stream(values).sorted().toArray();
        return sorted[Math.min(sorted.length - 1, (int) (share * sorted.length))];
    }

    // ---- deltas

    /// Prints the time from a delta's sending to its arrival, in this JVM's clock.
    private void deltas(Target direct, List<Target> all) throws Exception {
        System.out.println("\n| deltas: from Copilot's sending to the client, ms | server | median | p95 | slowest |"
                + "\n|---|---|--:|--:|--:|");
        for (String model : bench.quick ? List.of("drip-20-20") : List.of("drip-50-20", "drip-2000-0")) {
            var delays = new LinkedHashMap<Target, List<Double>>();
            for (int i = -1; i < (bench.quick ? 1 : Math.max(2, rounds / 3)); i++) {
                for (var each : Stream.concat(Stream.of(direct), all.stream()).toList()) {
                    var list = delays(each, model);
                    if (i >= 0) delays.computeIfAbsent(each, _ -> new ArrayList<>()).addAll(list);
                }
            }
            delays.forEach((target, list) -> {
                double[] values = list.stream().mapToDouble(each -> each).toArray();
                bench.figure((model.endsWith("-0") ? "a burst of 2,000" : "50 a second") + " | " + target.name(),
                        "%.2f %.2f %.2f", at(0.5, values), at(0.95, values), at(1, values));
            });
        }
    }

    private static List<Double> delays(Target target, String model) throws IOException {
        var delays = new ArrayList<Double>();
        var sent = Pattern.compile("\"content\":\"t([0-9]+)\"");
        try (var client = target.client()) {
            client.send(body(model, 300, true, "hi"), bytes -> {
                long now = System.nanoTime();
                sent.matcher(new String(bytes, StandardCharsets.ISO_8859_1)).results().forEach(found ->
                        delays.add((now - Long.parseLong(found.group(1))) / 1e6));
            });
        }
        if (delays.size() < 20) throw new IllegalStateException(target.name() + ": only " + delays.size() + " deltas");
        return delays;
    }

    // ---- a client that leaves

    private void cancels(TimedUpstream upstream, List<Target> all) throws Exception {
        System.out.println("\n| a client leaves a stream: until Copilot sees it, ms | median | slowest |\n"
                + "|---|--:|--:|");
        for (var each : all) {
            var times = new ArrayList<Double>();
            for (int i = 0; i < (bench.quick ? 2 : Math.min(20, rounds * 2)); i++) {
                upstream.left.clear();
                var client = each.client();
                client.begin(body("idle", 300, true, "hi"));
                client.await("\"x\"");
                long start = System.nanoTime();
                client.close();
                var left = upstream.left.poll(5, TimeUnit.SECONDS);
                if (left == null) break;
                times.add((left - start) / 1e6);
            }
            if (times.isEmpty()) {
                System.out.println("| " + each.name() + " | not within 5 s | |");
                continue;
            }
            double[] values = times.stream().mapToDouble(time -> time).toArray();
            bench.figure(each.name(), "%.1f %.1f", at(0.5, values), at(1, values));
        }
    }

    // ---- load

    /// Prints the rate of small requests, 32 at once, and CPU time and memory. The upstream is in this JVM, which needs
    /// CPU time too.
    private void load(Target direct, List<Target> all) throws Exception {
        int some = bench.quick ? 200 : 1000, many = bench.quick ? 400 : 10_000;
        System.out.printf("%n| requests of 1 kB, 32 at once | requests/s | CPU ms each | MB after start | after %,d |"
                + " after %,d |%n|---|--:|--:|--:|--:|--:|%n", some, many);
        requests(direct, some);
        bench.figure("direct", "%.0f %.2f %.0f %.0f %.0f", some / requests(direct, some), Double.NaN, Double.NaN,
                Double.NaN, Double.NaN);
        for (var each : all) {
            double atStart = each.megabytes();
            requests(each, some);
            double later = each.megabytes(), cpu = each.cpu(), seconds = requests(each, many - some);
            bench.figure(each.name(), "%.0f %.2f %.0f %.0f %.0f", (many - some) / seconds, (each.cpu() - cpu)
                    / (many - some), atStart, later, each.megabytes());
        }
    }

    /// @return seconds
    private static double requests(Target target, int count) throws Exception {
        byte[] body = body("quick", 1000, false, "hi");
        var left = new AtomicInteger(count);
        long start = System.nanoTime();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var clients = IntStream.range(0, 32).mapToObj(_ -> threads.submit(() -> {
                try (var client = target.client()) {
                    while (left.getAndDecrement() > 0) client.send(body, _ -> {});
                }
                return null;
            })).toList();
            for (var each : clients) each.get();
        }
        return (System.nanoTime() - start) / 1e9;
    }

    private void idle(TimedUpstream upstream, List<Target> all) throws Exception {
        int streams = bench.quick ? 50 : 1000;
        System.out.printf("%n| %,d idle streams | MB | MB more than before |%n|---|--:|--:|%n", streams);
        for (var each : all) {
            double before = each.megabytes();
            int others = upstream.idle.get();               // of a server that did not see its clients leave
            var clients = new ArrayList<ProxyClient>();
            for (int i = 0; i < streams; i++) {
                var client = each.client();
                clients.add(client);
                client.begin(body("idle", 300, true, "hi"));
            }
            for (var client : clients) client.await("\"x\"");
            if (upstream.idle.get() - others < streams) throw new IllegalStateException("not all streams are open");
            bench.figure(each.name(), "%.0f %.0f", each.megabytes(), each.megabytes() - before);
            for (var client : clients) client.close();
            long end = System.nanoTime() + 5_000_000_000L;
            while (upstream.idle.get() > others && System.nanoTime() < end) Thread.sleep(10);
        }
    }

    // ---- start

    private void starts(TimedUpstream upstream, List<Target> all) throws Exception {
        System.out.println("\n| from the start to the first 200 | ms |\n|---|--:|");
        for (var each : all) bench.figure(each.name(), "%.0f", each.start());
        if (bench.quick) return;
        var times = new ArrayList<Double>();
        for (int i = 0; i < 5; i++) {
            String cop = bench.installed().get().toString();
            times.add(ours("cop serve", cop + " serve", upstream.url(), 4).start());
            stop();
        }
        bench.figure("`cop serve`", "%.0f", at(0.5, times.stream().mapToDouble(time -> time).toArray()));
    }
}
