package cop;

import module java.base;
import cop.copilot.Usage;

/// Counts the requests of `serve`, and prints a line per finished request to stderr; on a terminal, the figures stay
/// below in one line that is overwritten.
///
///     var call = meter.begin("POST", "/v1/messages");     call.queued();  call.started();
///     call.model("claude-sonnet-5");  call.head(200);  call.usage(used);
///     call.end();                                         or call.failed("why"), or call.gone()
final class RequestMeter {
    /// How often the line of figures is drawn at most.
    private static final Duration REDRAW = Duration.ofMillis(100);
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");
    /// Requests that clients make on their own, health checks, and our page: neither counted nor shown, also without a
    /// key (CLIProxyAPI #510).
    private static final Set<String> NOISE = Set.of("HEAD /", "GET /", "POST /api/event_logging/batch", "GET /livez",
            "GET /favicon.ico");
    private static final String GONE = "client gone";
    /// Line breaks, and marks of direction: with both a client could show another line than it has caused.
    private static final Pattern HIDDEN = Pattern.compile("[\n\\p{Cf}]");

    /// What requests have used.
    ///
    /// @param failed how many were answered with a status of 400 or more, or broke off
    record Figures(long requests, long failed, Usage used) {
        static final Figures NONE = new Figures(0, 0, Usage.NONE);

        Figures plus(boolean bad, Usage more) {
            return new Figures(requests + 1, failed + (bad ? 1 : 0), used.plus(more));
        }
    }

    /// The last request that failed.
    record Failure(Instant at, String request, String reason) {}

    /// A moment's figures.
    ///
    /// @param inFlight requests that are being answered
    /// @param queued requests that wait for one of these to end
    /// @param models by model, in the order of their first request
    record Snapshot(int inFlight, int queued, Figures all, Map<String, Figures> models, Optional<Failure> last) {}

    private final Console console;
    private final boolean silent;
    private final Map<String, Figures> models = new LinkedHashMap<>();
    private Figures all = Figures.NONE;
    private Failure last;
    private int inFlight, queued;
    private Instant drawn = Instant.EPOCH;

    /// @param silent for a launcher, whose terminal belongs to the client
    RequestMeter(Console console, boolean silent) {
        this.console = console;
        this.silent = silent;
    }

    Call begin(String method, String path) { return new Call(method, path, now()); }

    synchronized Snapshot snapshot() {
        return new Snapshot(inFlight, queued, all, new LinkedHashMap<>(models), Optional.ofNullable(last));
    }

    private Instant now() { return console.env().time().now(); }

    /// Returns `12 requests, 34567 tokens, 1.23 credits`.
    synchronized String summary() {
        return all.requests() + (all.requests() == 1 ? " request, " : " requests, ") + all.used().cost();
    }

    /// Draws the line of figures.
    ///
    /// @param always also shortly after the last time
    private synchronized void draw(boolean always) {
        var now = now();
        if (silent || !always && Durations.isRecent(drawn, REDRAW, now)) return;
        drawn = now;
        console.transientLine(Text.joined(" · ", inFlight + " in flight", queued == 0 ? "" : queued + " queued",
                summary(), all.failed() == 0 ? "" : all.failed() + " failed", last == null ? ""
                : "last error: " + last.reason()));
    }

    /// Clears the line of figures.
    void close() { if (!silent) console.transientLine(""); }

    private synchronized void finished(Call call, String status, String reason) {
        boolean bad = !reason.isEmpty() && !reason.equals(GONE) || call.status >= 400;
        if (call.noise && call.status < 500) return;
        all = all.plus(bad, call.used);
        if (!call.model.isEmpty()) models.merge(call.model, Figures.NONE.plus(bad, call.used), (old, _) ->
                old.plus(bad, call.used));
        var took = Duration.between(call.begun, now());
        String request = Text.joined(" ", call.request, call.model);
        if (bad) last = new Failure(now(), request, Text.joined(" ", status, reason));
        if (silent) return;
        console.note(Text.joined(" ", CLOCK.format(now().atZone(ZoneId.systemDefault())), request, status,
                Durations.seconds(took), call.used.totalTokens() == 0 ? "" : call.used.toString(), reason));
        draw(true);
    }

    private static String clean(String text, int most) {
        return Text.shortened(HIDDEN.matcher(Text.cell(text)).replaceAll(" "), most);
    }

    /// One request, by any thread.
    final class Call {
        private final String request;
        private final boolean noise;
        private final Instant begun;
        private String model = "", reason = "";
        private int status;
        private Usage used = Usage.NONE;
        private boolean waiting, answering, ended;

        private Call(String method, String path, Instant begun) {
            this.begun = begun;
            noise = NOISE.contains(method + " " + path);
            request = clean(method, 10) + " " + clean(path, 100);
        }

        /// Counts it as waiting for a place.
        void queued() { state(true, false); }

        /// Counts it as being answered.
        void started() { state(false, true); }

        /// Sets the model as the client named it.
        void model(String asked) { synchronized (RequestMeter.this) { model = clean(asked, 80); } }

        /// Sets the status sent to the client.
        void head(int sent) { synchronized (RequestMeter.this) { status = sent; } }

        void usage(Usage usage) { synchronized (RequestMeter.this) { used = usage; } }

        /// Sets why the answer is an error.
        void reason(String why) { synchronized (RequestMeter.this) { reason = clean(why, 200); } }

        /// Ends it: the answer was sent, whatever its status.
        void end() { end("" + status, reason); }

        /// Ends it: it was answered with an error, or the answer broke off.
        void failed(String reason) { end(status == 0 ? "" : "" + status, clean(reason, 200)); }

        /// Ends it: the client has closed the connection.
        void gone() { end(status == 0 ? "-" : "" + status, GONE); }

        private void state(boolean waits, boolean answers) {
            synchronized (RequestMeter.this) {
                if (noise) return;
                queued += (waits ? 1 : 0) - (waiting ? 1 : 0);
                inFlight += (answers ? 1 : 0) - (answering ? 1 : 0);
                waiting = waits;
                answering = answers;
                draw(false);
            }
        }

        private void end(String shown, String reason) {
            synchronized (RequestMeter.this) {
                if (ended) return;
                ended = true;
                state(false, false);
                finished(this, shown, reason);
            }
        }
    }
}
