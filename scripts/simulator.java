///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Simulates GitHub and GitHub Copilot on 127.0.0.1, to use and test copilot.java without an account
//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.1.8
//DEPS info.picocli:picocli:4.7.7
//COMPILE_OPTIONS -XDignore.symbol.file
//RUNTIME_OPTIONS -XX:+UseSerialGC -XX:TieredStopAtLevel=1
package cop;

import module java.base;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import sun.misc.Signal;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Simulates GitHub and GitHub Copilot as of late 2026, according to public sources only.
///
/// **The rule: a request is accepted unless a source shows that the service rejects it; a switch can be stricter for a
/// test.** A rejection that the service does not make is as wrong as a reply that it would not give. Rejected by
/// default, with the confidence (A: GitHub's own source or documentation, or three reports; B: two reports, or one with
/// a quoted exchange; C: one claim, or an interpretation of it):
///
/// | refused | source | |
/// |---|---|---|
/// | a poll within the interval after another one | GitHub docs, "Authorizing OAuth apps"; RFC 8628 3.5 | A |
/// | the exchange, by the kind of the token | hermes-agent #16551, netclaw #1157, dot-ai #591 | B |
/// | a token past its end, a raw `ghu_`, `ghs_`, a PAT | LLM's cassette; pi #3461; pydantic-ai PR #8059 | B |
/// | neither Editor-Version nor Copilot-Integration-Id | LiteLLM #13256, openclaw #71538; gptel sends but the one | B |
/// | an unknown or doubled Copilot-Integration-Id | LiteLLM users (`unknown Copilot-Integration-Id`) | B |
/// | X-GitHub-Api-Version before 2025 (466) | vscode #294448, ericc-ch #190 | B |
/// | too old an editor, for some models | opencode-copilot-auth PR #1 and #3, vscode #175523 | B |
/// | a model: unknown, retired, not enabled, not of this endpoint | caozhiyuan #79, #154; ericc-ch #208 | A |
/// | any named model on Free and Student, outside a session | GitHub changelog; opencode #33696; CCN #1575 | A |
/// | no `model` on /responses and /v1/messages | OmniRoute #12000, opencode #46455 | B |
/// | a session token that is over, or of other models | copilot-cli #2818 (`Invalid auto-mode selector`) | B |
/// | POST /auto with an older API version | opencode PR #47108 (`invalid apiVersion`) | B |
/// | images without Copilot-Vision-Request | ericc-ch #16; vscode-copilot-chat | A |
/// | more than 20 images by https | vscode #301668, #301770 (`too many URL images in request (max 20)`) | B |
/// | documents on /chat/completions | codecompanion.nvim; the other two take them (vscode's messagesApi.ts) | C |
/// | parameters that a family's models do not accept: [#UNSUPPORTED] | there, row by row | |
/// | an effort that the model does not support: [#checkEffort] | crush #2902, ccs #686, Floway #6 | B |
/// | more than 4 cache marks; calls without answers | codecompanion; copilot-cli #762, #330, #1159 | B |
/// | `strict: true` with an open schema | codecompanion #2314 (its text is Copilot's) | B |
/// | `item_reference`; sealed reasoning under another id | opencode #37389; openclaw #72602 | B |
/// | /v1/messages: an assistant message at the end, but for 4.5 | vscode's messagesApi.ts, caozhiyuan's proxy | A |
/// | /v1/messages: members by name, context_management without its beta | caozhiyuan #143, ericc-ch #217 | B |
/// | /v1/messages: the beta context-1m-2025-08-07 | caozhiyuan PR #103 (`unsupported beta header(s)`) | B |
/// | /v1/messages: betas not of the form NAME-DATE | the same words; an interpretation | C |
/// | /v1/messages: max_tokens above the model's own | Anthropic's words; @ai-sdk/anthropic's table of figures | B |
/// | /v1/messages: cache_control of the whole request, to 4.5 | caozhiyuan's preprocess.ts | C |
/// | /embeddings: an input that is not a list of strings | ericc-ch #59, #100 | B |
/// | values of a wrong type or out of range | OpenAI's and Anthropic's references | B |
///
/// Contradicted, and therefore accepted unless a switch rejects it: Gemini's calls without their `reasoning_opaque`
/// (gemini-opaque; true of 2025-11), a tool's `$schema` (tool-schema), a JSON schema for the answer of a model that has
/// no structured_outputs (schemas), max_tokens for gpt-5-mini (refuse=gpt-5-mini:max_tokens; OpenAI itself refuses it,
/// of Copilot nobody reports it: C), ids of /responses sent back (ids), other betas (refused-betas).
///
/// Invented, because there is no source: prices and windows of models newer than mid-2026, the efforts of Opus 5, Fable
/// and Grok, how mai-code treats temperature, the format of replies of vendors other than OpenAI, Anthropic and Google,
/// the credits of a student, the sku of Max, the forms of a session token, of `auto_discount` and `quota_reset_at`, the
/// messages that reject an image's or document's source, of output_config.format, of tool_reference and of the whole
/// request's cache_control, that every https URL has an image and that those are not counted against the model's own
/// maximum, that a document costs no tokens.
///
/// There are two origins, as in reality: [#url] is github.com with api.github.com (device flow, `/user`, the token
/// exchange, the quota), [#api] is api.githubcopilot.com: `/models`, `/embeddings`, and three chat endpoints,
/// `/chat/completions`, `/responses` and `/v1/messages`, of which each model has those that its entry in the model list
/// names. A third origin, [#otherApi], is the Copilot API of another plan's host: it answers 421 to everything
/// (ericc-ch/copilot-api #7).
///
/// Deviations from the lenient default are set by **switches**: one table ([#SWITCHES]) defines the options of the
/// command line, the names of [#set] and the fields of `POST /_simulator`. Requests and their cost are recorded in the
/// **ledger**. Replies are deterministic (see [#replyText]): the reply is determined first ([Reply]) and then written
/// in the format of the endpoint ([ChatEndpoint]), so that the same prompt gets the same text on all three, streamed or
/// not.
///
/// It shares no code with copilot.java, because shared errors would go unnoticed.
/// To run it alone: `simulator.java`, or around a command: `simulator.java --logged-in -- copilot chat "hello"`.
public class simulator implements AutoCloseable {

    // ------------------------------------------------------------------------------------------- start and stop

    /// A GitHub token that is always valid for the exchange, as if issued to the editor plug-in's app.
    public static final String GITHUB_TOKEN = "ghu_" + "SimulatorTokenOfOctocat0000000000000";

    static {
        // The JDK's server drops idle connections above 200 and lets Nagle's algorithm hold back small writes.
        System.setProperty("sun.net.httpserver.maxIdleConnections", "10000");
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY).build();

    private final InstantSource clock;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer github, copilot, other;
    private final Map<String, Object> switches = new ConcurrentHashMap<>();
    private final NavigableMap<Long, Entry> ledger = new ConcurrentSkipListMap<>();
    private final DoubleAdder billed = new DoubleAdder();
    private final AtomicLong arrivals = new AtomicLong();
    private final Map<String, Grant> grants = new ConcurrentHashMap<>();
    private final Map<String, Access> githubTokens = new ConcurrentHashMap<>();
    private final Map<String, CopilotToken> copilotTokens = new ConcurrentHashMap<>();
    private final Map<String, Session> sessions = new ConcurrentHashMap<>();
    private final Set<String> enabledModels = ConcurrentHashMap.newKeySet();
    private final Messages messages = new Messages();
    private final Map<String, ChatEndpoint> chatEndpoints = chatEndpoints(new Completions(), new Responses());

    private simulator(InstantSource clock, int port) throws IOException {
        this.clock = clock;
        reset();
        github = listen(port, this::github);
        copilot = listen(port == 0 ? 0 : port + 1, this::copilot);
        other = listen(port == 0 ? 0 : port + 2, _ -> Answer.text(421, "Misdirected Request"));
    }

    public static simulator start() {
        return start(InstantSource.system());
    }

    /// Starts a simulator whose polling intervals and lifetimes of codes and tokens use `clock`; pauses in streams are
    /// in real time.
    public static simulator start(InstantSource clock) {
        try {
            return new simulator(clock, 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// gptel uses /v1/responses only for the newer models (since 2026-03, C).
    private Map<String, ChatEndpoint> chatEndpoints(Completions completions, Responses responses) {
        return Map.of(completions.path(), completions, responses.path(), responses, "/v1/responses", responses,
                messages.path(), messages);
    }

    private HttpServer listen(int port, Function<Call, Answer> origin) throws IOException {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 1024);
        server.setExecutor(threads);
        server.createContext("/", exchange -> serve(exchange, origin));
        server.start();
        return server;
    }

    /// Returns the URL of GitHub, for `copilot login --host`.
    public String url() {
        return origin(github);
    }

    /// Returns the URL of the Copilot API, which the exchange response names.
    public String api() {
        return origin(copilot);
    }

    /// Returns the URL of another plan's Copilot API, which responds with 421 to everything.
    public String otherApi() {
        return origin(other);
    }

    private static String origin(HttpServer server) {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /// Resets all switches and deletes ledger, codes, tokens and enabled models.
    public final void reset() {
        SWITCHES.values().forEach(s -> switches.put(s.name, s.normal));
        ledger.clear();
        billed.reset();
        grants.clear();
        copilotTokens.clear();
        sessions.clear();
        enabledModels.clear();
        githubTokens.clear();
        githubTokens.put(GITHUB_TOKEN, Access.EDITOR);
    }

    /// Deletes the requests only, which would fill the memory after many large ones.
    final void clearLedger() { ledger.clear(); }

    @Override
    public void close() {
        threads.shutdownNow();          // wakes streams that are silent intentionally
        Stream.of(github, copilot, other).forEach(server -> server.stop(0));
    }

    // ------------------------------------------------------------------------------------------- switches

    /// A setting of the simulator. Without `choices`, any value of the default's type is accepted.
    private record Switch(String name, Object normal, String help, List<String> choices, String group) {
        Object parse(Object given) {
            var text = given instanceof Collection<?> list
                    ? list.stream().map(String::valueOf).collect(Collectors.joining(","))
                    : String.valueOf(given);
            if (!choices.isEmpty() && !choices.contains(text)) {
                throw new IllegalArgumentException(name + " must be one of " + String.join(", ", choices) + ", got \""
                        + text + "\"");
            }
            if (name.equals("exchange") && items(text).count() != 1) {
                throw new IllegalArgumentException("exchange takes one name");
            }
            return switch (normal) {
                case Boolean _ when text.equals("true") || text.equals("false") -> Boolean.valueOf(text);
                case Long _ when text.matches("-?\\d{1,15}") -> Long.valueOf(text);
                case String _ -> checked(text);
                default -> throw new IllegalArgumentException(name + " must be "
                        + (normal instanceof Long ? "an integer" : "true or false") + ", got \"" + text + "\"");
            };
        }

        String label() {
            return !choices.isEmpty() ? "CHOICE" : normal instanceof Long ? "N"
                    : normal instanceof Boolean ? "BOOLEAN" : "TEXT";
        }

        /// The help text with the values to choose from and the default.
        String description() {
            return help + (choices.isEmpty() ? "" : "; one of " + String.join(", ", choices))
                    + (normal.equals("") ? "" : " (default " + normal + ")");
        }

        private String checked(String text) {
            Predicate<String> known = switch (name) {
                case "faults", "models-faults", "embeddings-faults" -> simulator::isFault;
                case "device-faults" -> simulator::isGatewayFault;
                case "exchange", "exchange-faults" -> f -> isGatewayFault(f) || EXCHANGES.contains(f)
                        || NOTIFICATIONS.containsKey(f);
                case "auto-model", "revive" -> MODELS::containsKey;
                case "minimum-version" -> v -> v.matches("\\d+(\\.\\d+)*");
                default -> _ -> true;
            };
            items(text).filter(known.negate()).findFirst().ifPresent(unknown -> {
                throw new IllegalArgumentException("unknown value of " + name + ": \"" + unknown + "\""
                        + (name.matches("(models-|embeddings-)?faults") ? "; use " + faultNames() : ""));
            });
            return text;
        }
    }

    /// All switches by name, in the order of `--help`.
    private static final SequencedMap<String, Switch> SWITCHES = new LinkedHashMap<>();

    private static String group = "";

    /// Begins a group of switches in `--help`.
    private static void group(String heading) { group = heading; }

    private static void toggle(String name, Object normal, String help, String... choices) {
        var value = normal instanceof Integer number ? Long.valueOf(number) : normal;
        SWITCHES.put(name, new Switch(name, value, help, List.of(choices), group));
    }

    static {
        group("Login (device flow):");
        toggle("pending", 1, "polls that return authorization_pending before the login completes");
        toggle("interval", 5, "seconds between polls; an earlier poll returns slow_down, which adds 5 seconds");
        toggle("expires-in", 900, "lifetime of a device code in seconds");
        toggle("device", "approve", "outcome of the login",
                "approve", "deny", "expire", "disabled", "bad-client", "bad-code");
        toggle("slow-down", 0, "the first N polls return slow_down even if they are on time");
        toggle("slow-down-interval", true, "slow_down contains the new interval");
        toggle("approve-on-open", false, "GET /login/device approves the login; true around a COMMAND");
        toggle("device-faults", "", "one per poll: 5xx, html, garbage, empty, reset, ok");

        group("Token exchange:");
        toggle("exchange", "ok", "result of the exchange (ok depends on the token's kind); names below");
        toggle("exchange-faults", "", "one per exchange: values of --exchange, 5xx, garbage, reset");
        toggle("exchange-identity", false, "require Editor-Version and Editor-Plugin-Version");
        toggle("exchange-scope", false, "without Copilot-Integration-Id: vscode-chat the token lacks newer models");
        toggle("token-life", 1800, "seconds until the Copilot API returns 401 token expired");
        toggle("refresh-in", 1500, "refresh_in of the exchange response");
        toggle("clock-skew", 0, "seconds by which expires_at and exp= are ahead; Date stays correct");
        toggle("endpoints", "api", "endpoints.api: correct, absent, another plan's, an untrusted host, proxy-ep only",
                "api", "none", "other", "foreign", "missing-with-proxy-ep");
        toggle("proxy-ep", "", "proxy-ep= of the token (default proxy.PLAN.githubcopilot.com)");
        toggle("minimal", false, "the response has token, expires_at and refresh_in only");

        group("Account and quota:");
        toggle("plan", "individual", "plan of the account; free and student offer auto only",
                "individual", "free", "student", "pro-plus", "max", "business", "enterprise");
        toggle("login", "octocat", "name of the account");
        toggle("quota", "auto", "/copilot_internal/user: auto is free on the free plan, otherwise paid",
                "auto", "paid", "free", "negative", "missing", "requests", "overage", "unlimited-business");
        toggle("quota-headers", "snapshot", "quota headers of API responses: the plan's, none, all known, invalid",
                "snapshot", "none", "all", "garbage");

        group("Models:");
        toggle("models", "full", "model list: complete, as in early 2025, empty, without is_chat_default or embeddings",
                "full", "old", "empty", "no-default", "no-embeddings");
        toggle("models-faults", "", "one per request of /models, named as for --faults");
        toggle("legacy-list", true, "/models without X-GitHub-Api-Version omits the newest models");
        toggle("revive", "", "retired models to serve again: " + simulator.RETIRED);
        toggle("no-model", "accept", "/chat/completions without a model", "accept", "refuse");
        toggle("auto-model", "gpt-5-mini", "model chosen for auto");
        toggle("sessions", "ok", "POST /models/session", "ok", "404");
        toggle("session-life", 3600, "lifetime of a session in seconds; sessions of POST /auto live 24 times as long");
        toggle("auto", "ok", "POST /auto", "ok", "404", "503");
        toggle("integrator", "", "the only models available for the integration id");
        toggle("stale-endpoints", "", "models that reject /chat/completions although the list names it; ID:/PATH"
                + " for another endpoint");

        group("What is required and rejected:");
        toggle("minimum-version", "", "oldest version of vscode/ that is served (default: depends on the model)");
        toggle("out-of-date", false, "the API reports that the editor's extension is out of date");
        toggle("integration-id", "optional", "Copilot-Integration-Id", "optional", "required");
        toggle("strict-headers", false, "reject repeated identity headers and unknown values of X-Initiator");
        toggle("gemini-opaque", "optional", "/chat/completions: Gemini's calls are returned with reasoning_opaque",
                "optional", "required");
        toggle("tool-schema", "any", "/v1/messages: strict rejects $schema in a tool's input_schema", "any", "strict");
        toggle("schemas", "ignore", "JSON schema for a model without structured_outputs", "ignore", "refuse");
        toggle("refused-betas", "context-1m-2025-08-07", "values of anthropic-beta to reject, in addition to those"
                + " not of the form NAME-DATE");
        toggle("unknown-fields", "ignore", "fields that no source documents", "ignore", "refuse");
        toggle("refuse", "", "parameters to reject: NAME or MODEL:NAME; a.b for a nested one");
        toggle("efforts", "", "reasoning efforts that are accepted, whatever the model list says");
        toggle("ids", "any", "/responses: ids of items that are sent back", "any", "length");
        toggle("max-body", 20 << 20, "bytes of a request body above which the response is 413");

        group("Replies:");
        toggle("faults", "", "one per chat request (all endpoints), after authorization; names below");
        toggle("answer", "", "reply to every chat (default: see \"say: \" below)");
        toggle("calls", "", "what is called where tools are offered (default: see call: below), lines of NAME JSON, a"
                + " turn each; ' & ' between calls of one turn");
        toggle("finish", "stop", "finish_reason, or its equivalent on other endpoints",
                "stop", "length", "content_filter", "tool_calls");
        toggle("reasoning", "", "text sent as the model's reasoning, in the format of its vendor");
        toggle("summaries", true, "/responses: reasoning has a summary; false sends []");
        toggle("usage", "finish", "position of the usage in a stream (own-chunk: /chat/completions only)",
                "finish", "own-chunk", "none");
        toggle("messages-errors", "flat", "/v1/messages: {\"message\"} or {\"type\":\"error\",\"error\":{…}}",
                "flat", "anthropic");
        toggle("copilot-usage", true, "replies contain their cost in AI credits");
        toggle("cached", 0, "prompt tokens reported as cached");

        group("Streams:");
        toggle("chunk", 0, "bytes per write; 0 writes one event at a time");
        toggle("newline", "lf", "line ending", "lf", "crlf", "cr");
        toggle("space", true, "a space after data:");
        toggle("comments", false, "a comment line between events");
        toggle("malformed", false, "one line of truncated JSON");
        toggle("bom", false, "a leading byte order mark");
        toggle("done", true, "final data: [DONE], except for /responses");
        toggle("responses-done", false, "final data: [DONE] for /responses");
        toggle("last-newline", true, "the last line ends in a newline");
        toggle("latency", 0, "milliseconds before the response headers");
        toggle("drip", 0, "milliseconds between deltas");
        toggle("silence", 0, "milliseconds of silence after the first delta");

        group("Embeddings:");
        toggle("max-inputs", 512, "texts per request; 0: not in the model list, and 512 are accepted");
        toggle("embeddings", "ordered", "response to a request for embeddings: correct, in another order, or invalid",
                "ordered", "shuffled", "bare", "short", "long", "twice", "no-index", "ragged", "empty-vector", "texts",
                "null", "base64", "error", "digits");
        toggle("embeddings-faults", "", "one per request for embeddings, named as for --faults");
    }

    /// Sets a switch.
    ///
    /// @throws IllegalArgumentException if the name or the value is unknown
    public simulator set(String name, Object value) {
        var found = SWITCHES.get(name);
        if (found == null) {
            var nearest = Collections.min(SWITCHES.keySet(), Comparator.comparingInt(s -> distance(s, name)));
            throw new IllegalArgumentException("unknown switch \"" + name + "\"; did you mean " + nearest + "?");
        }
        switches.put(name, found.parse(value));
        return this;
    }

    private String text(String name) {
        return (String) switches.get(name);
    }

    private long number(String name) {
        return (Long) switches.get(name);
    }

    private boolean on(String name) {
        return (Boolean) switches.get(name);
    }

    /// Removes and returns the first item of a comma-separated switch, or `ok` if it is empty.
    private String take(String name) {
        var taken = new String[] {"ok"};
        switches.computeIfPresent(name, (_, list) -> {
            var items = items((String) list).toList();
            if (items.isEmpty()) {
                return "";
            }
            taken[0] = items.getFirst();
            return String.join(",", items.subList(1, items.size()));
        });
        return taken[0];
    }

    private static Stream<String> items(String list) {
        return Arrays.stream(list.split(",")).map(String::strip).filter(s -> !s.isEmpty());
    }

    /// Levenshtein's edit distance.
    private static int distance(String a, String b) {
        var row = IntStream.rangeClosed(0, b.length()).toArray();
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substitution = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substitution, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    // ------------------------------------------------------------------------------------------- ledger

    /// A request and its result. `billed` is in premium requests: the model's multiplier for a reply that
    /// GitHub attributes to the user (X-Initiator other than `agent`), 0 for a failure. Status 0: connection dropped.
    public record Entry(Instant at, String method, String path, Map<String, List<String>> headers, JsonNode body,
                        String rawBody, int status, double billed, String model) {}

    /// Returns all requests in order of arrival, except those to `/_simulator`. An entry is added before the first byte
    /// of its response is sent.
    public List<Entry> ledger() {
        return List.copyOf(ledger.values());
    }

    public long count(String path) {
        return ledger.values().stream().filter(e -> e.path.equals(path)).count();
    }

    public double billed() {
        return billed.sum();
    }

    /// Returns the ledger as JSON lines, in which tokens are masked except for their kind and last four characters.
    private String ledgerLines() {
        var token = Pattern.compile("(gh[a-z]_|github_pat_|tid=|(?<=\"device_code\":\")|(?<=device_code=)"
                + "|(?<=\"copilot-session-token\":\\[\"))"
                + "([^\"\\\\,& ]*?)([^\"\\\\,& ]{4})(?=[\"\\\\,& ])");
        return ledger.values().stream()
                .map(e -> token.matcher(JSON.writeValueAsString(e)).replaceAll("$1…$3") + "\n")
                .collect(Collectors.joining());
    }

    /// `GET|POST /_simulator`, `GET /_simulator/ledger`, `POST /_simulator/reset`: control from another process.
    private Answer control(Call call) {
        switch (call.route()) {
            case "GET /_simulator/ledger" -> {
                return new Answer(200, "application/x-ndjson", utf8(ledgerLines()));
            }
            case "POST /_simulator/reset" -> reset();
            case "GET /_simulator" -> { }
            case "POST /_simulator" -> {
                if (!(call.body instanceof ObjectNode given)) {
                    return Answer.text(400, "expected a JSON object {\"switch\":value}\n");
                }
                try {
                    given.properties().forEach(p -> set(p.getKey(), p.getValue() instanceof ArrayNode list
                            ? list.valueStream().map(JsonNode::asString).toList() : p.getValue().asString()));
                } catch (IllegalArgumentException e) {
                    return Answer.text(400, e.getMessage() + "\n");
                }
            }
            default -> {
                return Answer.text(404, "/_simulator, /_simulator/ledger, /_simulator/reset\n");
            }
        }
        var state = JSON.createObjectNode().put("url", url()).put("api", api()).put("otherApi", otherApi());
        var values = state.putObject("switches");
        SWITCHES.keySet().forEach(name -> values.putPOJO(name, switches.get(name)));
        var totals = state.putObject("totals").put("requests", ledger.size()).put("billed", billed());
        var paths = totals.putObject("paths");
        ledger.values().forEach(e -> paths.put(e.path, paths.path(e.path).asInt(0) + 1));
        return Answer.json(200, state);
    }

    // ------------------------------------------------------------------------------------------- HTTP

    /// A request. `body` is null if it is absent or not JSON; a form becomes an object.
    private record Call(String method, String path, Map<String, List<String>> headers, byte[] bytes, JsonNode body) {
        static Call read(HttpExchange exchange) throws IOException {
            var headers = new TreeMap<String, List<String>>();
            exchange.getRequestHeaders().forEach((k, v) -> headers.put(k.toLowerCase(Locale.ROOT), List.copyOf(v)));
            var bytes = exchange.getRequestBody().readAllBytes();
            var type = headers.getOrDefault("content-type", List.of("")).getFirst();
            var path = exchange.getRequestURI().getPath();      // curl sends JSON as a form by default
            var form = type.startsWith("application/x-www-form-urlencoded") && !path.startsWith("/_simulator");
            return new Call(exchange.getRequestMethod(), path, Collections.unmodifiableMap(headers), bytes,
                    form ? form(bytes) : parsed(bytes));
        }

        private static JsonNode form(byte[] bytes) {
            var fields = JSON.createObjectNode();
            for (var pair : new String(bytes, UTF_8).split("&")) {
                var name = pair.split("=", 2);
                fields.put(URLDecoder.decode(name[0], UTF_8), name.length < 2 ? "" : URLDecoder.decode(name[1], UTF_8));
            }
            return fields;
        }

        private static JsonNode parsed(byte[] bytes) {
            try {
                return bytes.length == 0 ? null : JSON.readTree(bytes);
            } catch (JacksonException _) {
                return null;
            }
        }

        String route() { return method + " " + path; }

        boolean has(String header) { return headers.containsKey(header); }

        String header(String name) {
            return headers.getOrDefault(name, List.of("")).getFirst();
        }

        String field(String name) { return body == null ? "" : body.path(name).asString(""); }
    }

    private static final Charset UTF_8 = StandardCharsets.UTF_8;

    /// A response. It is complete before its first byte is sent, so that the ledger is written before the client can
    /// read it. `keep`: the bytes of the body that are sent before the connection drops; -1 for all.
    private record Answer(int status, String type, byte[] body, int keep, Script script, Map<String, String> headers,
                          String model, double billed) {
        Answer(int status, String type, byte[] body) {
            this(status, type, body, -1, null, Map.of(), null, 0);
        }

        static Answer text(int status, String text) {
            return new Answer(status, "text/plain; charset=utf-8", utf8(text));
        }

        static Answer json(int status, JsonNode json) {
            return new Answer(status, "application/json; charset=utf-8", JSON.writeValueAsBytes(json));
        }

        static Answer html(int status, String title) {
            return new Answer(status, "text/html", utf8("""
                    <html>
                    <head><title>%s</title></head>
                    <body><center><h1>%<s</h1></center><hr><center>nginx</center></body>
                    </html>
                    """.formatted(title)));
        }

        static Answer dropped() { return new Answer(0, "", new byte[0]); }

        Answer header(String name, String value) { return headers(Map.of(name, value)); }

        Answer headers(Map<String, String> more) {
            var all = new LinkedHashMap<>(headers);
            all.putAll(more);
            return new Answer(status, type, body, keep, script, all, model, billed);
        }

        Answer cut(int bytes) {
            return new Answer(status, type, body, bytes, script, headers, model, billed);
        }

        Answer charged(String model, double billed) {
            return new Answer(status, type, body, keep, script, headers, model, billed);
        }
    }

    /// Thrown by a check that rejects the request, so that checks read as a list.
    private static final class Refusal extends RuntimeException {
        final transient Answer answer;

        Refusal(Answer answer) {
            super(null, null, false, false);
            this.answer = answer;
        }
    }

    private static void refuseIf(boolean wrong, int status, String text) {
        if (wrong) {
            throw new Refusal(Answer.text(status, text));
        }
    }

    private void serve(HttpExchange exchange, Function<Call, Answer> origin) throws IOException {
        var order = arrivals.incrementAndGet();
        var at = clock.instant();
        var call = Call.read(exchange);
        Answer answer;
        try {
            answer = origin.apply(call);
        } catch (Refusal refusal) {
            answer = refusal.answer;
        } catch (RuntimeException bug) {
            bug.printStackTrace();
            answer = Answer.text(500, "a bug in the simulator: " + bug);
        }
        var quota = quotaHeaders();     // before this call is counted: snapshots lag by one call (METER, 9.2)
        if (!call.path.startsWith("/_simulator")) {
            billed.add(answer.billed);
            ledger.put(order, new Entry(at, call.method, call.path, call.headers, call.body,
                    new String(call.bytes, UTF_8), answer.status, answer.billed, answer.model));
        }
        var headers = exchange.getResponseHeaders();
        headers.set("x-github-request-id", "C0DE:%04X:%06X".formatted(order & 0xffff, order * 104_729));
        if (exchange.getLocalAddress().equals(copilot.getAddress())) {
            headers.set("x-request-id", call.has("x-request-id") ? call.header("x-request-id") : uuid(order));
            quota.forEach(headers::set);
        }
        answer.headers.forEach(headers::set);
        send(exchange, answer);
    }

    /// Drops the connection: after an exception of a handler the JDK's server closes the socket without the last chunk.
    /// Closing the exchange would end the body properly.
    private void send(HttpExchange exchange, Answer answer) throws IOException {
        if (answer.status == 0) {
            throw new IOException("dropped before any byte, on purpose");
        }
        exchange.getResponseHeaders().set("Content-Type", answer.type);
        if (answer.model != null) {
            pause(number("latency"));
        }
        if (answer.script != null) {
            exchange.sendResponseHeaders(answer.status, 0);
            play(answer.script, exchange.getResponseBody());
        } else {
            exchange.sendResponseHeaders(answer.status, answer.body.length == 0 ? -1 : answer.body.length);
            var out = exchange.getResponseBody();
            out.write(answer.body, 0, answer.keep < 0 ? answer.body.length : answer.keep);
            out.flush();
            if (answer.keep >= 0) {
                throw new IOException("dropped within the body, on purpose");
            }
        }
        exchange.close();
    }

    private static void pause(long milliseconds) throws IOException {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new InterruptedIOException("the simulator was closed");
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(UTF_8);
    }

    private static String uuid(long seed) {
        return UUID.nameUUIDFromBytes(utf8("cop" + seed)).toString();
    }

    // ------------------------------------------------------------------------------------------- GitHub: device flow

    private Answer github(Call call) {
        return call.path.startsWith("/_simulator") ? control(call) : switch (call.route()) {
            case "POST /login/device/code" -> deviceCode(call);
            case "GET /login/device" -> devicePage();
            case "POST /login/oauth/access_token" -> poll(call);
            case "GET /user" -> user(call);
            case "GET /copilot_internal/v2/token" -> exchange(call);
            case "GET /copilot_internal/user" -> quota(call);
            case "POST /graphql" -> graphql(call);
            default -> githubError(404, "Not Found");
        };
    }

    /// A device code that was issued (RFC 8628, section 3.2). `interval` grows with every slow_down.
    private static final class Grant {
        final String client, scope;
        final Instant end;
        Instant last;       // null before the first poll, which is never early (copilot-api polls at once)
        long interval, polls, onTime;
        boolean used, approved;

        Grant(String client, String scope, Instant start, long life, long interval) {
            this.client = client;
            this.scope = scope;
            this.end = start.plusSeconds(life);
            this.interval = interval;
        }
    }

    private Answer deviceCode(Call call) {
        var client = call.field("client_id");
        if (malformed(client)) {
            return negotiated(call, 404, JSON.createObjectNode().put("error", "Not Found"));
        }
        if (text("device").equals("disabled")) {    // 400: what cli/oauth (GitHub's own Go library) expects
            return negotiated(call, 400, deviceError("device_flow_disabled",
                    "Device Flow must be explicitly enabled for this App"));
        }
        var code = random("0123456789abcdef", 40);
        var letters = random("BCDFGHJKLMNPQRSTVWXZ", 8);
        grants.put(code, new Grant(client, call.field("scope"), clock.instant(), number("expires-in"),
                number("interval")));
        return negotiated(call, 200, JSON.createObjectNode().put("device_code", code)
                .put("user_code", letters.substring(0, 4) + "-" + letters.substring(4))
                .put("verification_uri", url() + "/login/device")
                .put("expires_in", number("expires-in")).put("interval", number("interval")));
    }

    /// Approves the login, as the user does on the page.
    private Answer devicePage() {
        if (on("approve-on-open")) { grants.values().forEach(grant -> grant.approved = true); }
        return Answer.html(200, "This is the simulator: the code approves itself");
    }

    private Answer poll(Call call) {
        var fault = gatewayFault(take("device-faults"));
        return fault != null ? fault : negotiated(call, 200, pollAnswer(call));
    }

    /// Errors come with status 200 (GitHub docs, "Authorizing OAuth apps", error codes for the device flow).
    private ObjectNode pollAnswer(Call call) {
        if (!call.field("grant_type").equals("urn:ietf:params:oauth:grant-type:device_code")) {
            return deviceError("unsupported_grant_type", "The grant type must be"
                    + " urn:ietf:params:oauth:grant-type:device_code");
        }
        var grant = grants.get(call.field("device_code"));
        if (malformed(call.field("client_id")) || text("device").equals("bad-client")) {
            return deviceError("incorrect_client_credentials",
                    "The client_id and/or client_secret passed are incorrect.");
        }
        if (grant == null || !grant.client.equals(call.field("client_id")) || text("device").equals("bad-code")) {
            return deviceError("incorrect_device_code", "The device_code provided is not valid.");
        }
        synchronized (grant) { return pollGrant(grant); }
    }

    private ObjectNode pollGrant(Grant grant) {
        var now = clock.instant();
        if (grant.used) {
            return deviceError("incorrect_device_code", "The device_code provided is not valid.");
        }
        if (!now.isBefore(grant.end)) {
            return deviceError("expired_token", "This 'device_code' has expired.");
        }
        var early = grant.last != null
                && Duration.between(grant.last, now).compareTo(Duration.ofSeconds(grant.interval)) < 0;
        grant.last = now;
        if (early || grant.polls++ < number("slow-down")) {     // RFC 8628, section 3.5: 5 seconds more, for good
            grant.interval += 5;
            var slower = deviceError("slow_down", "Too many requests have been made in the same timeframe.");
            return on("slow-down-interval") ? slower.put("interval", grant.interval) : slower;
        }
        if (grant.onTime++ < number("pending") && !grant.approved) {
            return deviceError("authorization_pending", "The authorization request is still pending.");
        }
        return switch (text("device")) {
            case "deny" -> deviceError("access_denied", "The authorization request was denied.");
            case "expire" -> deviceError("expired_token", "This 'device_code' has expired.");
            case "disabled" -> deviceError("device_flow_disabled",
                    "Device Flow must be explicitly enabled for this App");
            default -> {
                grant.used = true;
                var access = Access.ofClient(grant.client);
                yield JSON.createObjectNode().put("access_token", mint(access)).put("token_type", "bearer")
                        .put("scope", access.prefix.equals("gho_") ? grant.scope.replace(' ', ',') : "");
            }
        };
    }

    /// All client ids ever seen have 20 characters (`Iv1.` + 16 hex, `Iv23li…`, `Ov23li…`, 20 hex).
    private static boolean malformed(String client) {
        return !client.matches("[A-Za-z0-9.]{20}");
    }

    private static ObjectNode deviceError(String code, String description) {
        return JSON.createObjectNode().put("error", code).put("error_description", description)
                .put("error_uri", "https://docs.github.com/developers/apps/authorizing-oauth-apps#error-codes-for-the-"
                        + "device-flow");
    }

    /// GitHub's responses are form-encoded unless JSON is requested (GitHub docs, "Authorizing OAuth apps").
    private static Answer negotiated(Call call, int status, ObjectNode fields) {
        if (call.header("accept").contains("application/json")) {
            return Answer.json(status, fields);
        }
        return new Answer(status, "application/x-www-form-urlencoded; charset=utf-8", utf8(fields.propertyStream()
                .map(p -> p.getKey() + "=" + URLEncoder.encode(p.getValue().asString(), UTF_8))
                .collect(Collectors.joining("&"))));
    }

    // ------------------------------------------------------------------------------------------- GitHub: tokens

    /// The issuer of a GitHub token, which determines the result of the exchange (hermes-agent #16551, netclaw #1157,
    /// copilot-gpt4-service #293, dot-ai #591). The result for an installation's `ghs_` is an assumption.
    private enum Access {
        EDITOR("ghu_", "ok"), VSCODE("gho_", "ok"), FOREIGN_APP("ghu_", "foreign-app"), OAUTH_APP("gho_", "not-found"),
        CLASSIC("ghp_", "not-found"), FINE_GRAINED("github_pat_", "pat"), INSTALLATION("ghs_", "foreign-app");

        final String prefix, exchange;

        Access(String prefix, String exchange) {
            this.prefix = prefix;
            this.exchange = exchange;
        }

        /// The Copilot API accepts an OAuth app's token directly (opencode, the Copilot CLI, pydantic-ai PR #8059).
        boolean direct() { return prefix.equals("gho_"); }

        static Access ofClient(String id) {
            return switch (id) {
                case "Iv1.b507a08c87ecfe98" -> EDITOR;          // the Copilot editor plug-in, a GitHub App
                case "01ab8ac9400c4e429b23" -> VSCODE;          // VS Code's sign-in, an OAuth app on the allow-list
                case String s when s.startsWith("Iv") -> FOREIGN_APP;
                default -> OAUTH_APP;                           // 178c6fc778ccc68e1d6a is the GitHub CLI
            };
        }
    }

    /// Issues a valid token: `ghu` of the editor plug-in, `gho` of an OAuth app outside the allow-list, `ghp`,
    /// `github_pat`, `ghs`; also `gho-vscode` (accepted) and `ghu-foreign` (refused).
    public String issueGithubToken(String kind) {
        return mint(switch (kind) {
            case "ghu" -> Access.EDITOR;
            case "gho" -> Access.OAUTH_APP;
            case "ghp" -> Access.CLASSIC;
            case "github_pat" -> Access.FINE_GRAINED;
            case "ghs" -> Access.INSTALLATION;
            case "gho-vscode" -> Access.VSCODE;
            case "ghu-foreign" -> Access.FOREIGN_APP;
            default -> throw new IllegalArgumentException("no kind of GitHub token: " + kind);
        });
    }

    private String mint(Access access) {
        var token = access.prefix + random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 36);
        githubTokens.put(token, access);
        return token;
    }

    private static String random(String alphabet, int length) {
        return ThreadLocalRandom.current().ints(length, 0, alphabet.length())
                .mapToObj(i -> alphabet.substring(i, i + 1)).collect(Collectors.joining());
    }

    /// GitHub's REST API requires a User-Agent and accepts `token X` and `Bearer X`.
    private Access authenticated(Call call) {
        refuseIf(call.header("user-agent").isBlank(), 403, "Request forbidden by administrative rules. Please make"
                + " sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/"
                + "resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other"
                + " possible causes.\n");
        if (!call.has("authorization")) {
            throw new Refusal(githubError(401, "Requires authentication"));
        }
        var given = call.header("authorization").split(" ", 2);
        var access = given.length == 2 && given[0].matches("(?i)token|bearer") ? githubTokens.get(given[1]) : null;
        if (access == null || call.headers.get("authorization").size() > 1
                || text("exchange").equals("bad-credentials")) {
            throw new Refusal(githubError(401, "Bad credentials"));
        }
        return access;
    }

    private static Answer githubError(int status, String message) {
        return Answer.json(status, JSON.createObjectNode().put("message", message)
                .put("documentation_url", "https://docs.github.com/rest").put("status", "" + status));
    }

    private Answer user(Call call) {
        authenticated(call);
        return Answer.json(200, JSON.createObjectNode().put("login", text("login")).put("id", 1)
                .put("name", "The Simulated " + text("login")).put("type", "User"));
    }

    private Answer exchange(Call call) {
        var access = authenticated(call);
        // no source quotes these messages: CopilotChat.nvim and others send neither header
        if (on("exchange-identity")) {
            refuseIf(!call.header("editor-version").contains("/"), 400, "bad request: missing Editor-Version header\n");
            refuseIf(!call.header("editor-plugin-version").contains("/"), 400,
                    "bad request: missing Editor-Plugin-Version header\n");
        }
        var fault = take("exchange-faults");
        var requested = fault.equals("ok") ? text("exchange") : fault;
        var integrator = call.has("copilot-integration-id") ? call.header("copilot-integration-id") : UNNAMED;
        return exchangeOutcome(requested.equals("ok") ? access.exchange : requested, integrator)
                .header("X-RateLimit-Limit", "5000").header("X-RateLimit-Resource", "core")
                .header("Cache-Control", "private, max-age=60, s-maxage=60");
    }

    /// The integrator of a token that was issued without a Copilot-Integration-Id (openclaw #79946, PR #80074).
    private static final String UNNAMED = "copilot-language-server";

    private Answer exchangeOutcome(String outcome, String integrator) {
        return switch (outcome) {
            case "ok" -> Answer.json(200, copilotToken(integrator));
            case "bad-credentials" -> githubError(401, "Bad credentials");
            case "foreign-app" -> githubError(403, "Resource not accessible by integration");
            case "pat" -> githubError(403, "Resource not accessible by personal access token");
            case "not-found" -> githubError(404, "Not Found");
            case "rate-limit" -> githubError(403, "API rate limit exceeded for user ID 1. If you reach out to GitHub"
                    + " Support for help, please include the request ID.").header("X-RateLimit-Remaining", "0")
                    .header("X-RateLimit-Reset", "" + clock.instant().plusSeconds(1800).getEpochSecond());
            case String id when NOTIFICATIONS.containsKey(id) -> notification(id);
            default -> gatewayFault(outcome);
        };
    }

    /// The 403 envelope of an account that may not use Copilot; VS Code shows error_details to the user.
    private static Answer notification(String id) {
        var row = NOTIFICATIONS.get(id);
        var envelope = JSON.createObjectNode().put("can_signup_for_limited", false);
        envelope.putObject("error_details").put("message", row.get(2)).put("notification_id", id)
                .put("title", row.get(1)).put("url", row.get(3));
        return Answer.json(403, envelope.put("message", "Resource not accessible by integration"));
    }

    /// Every notification_id that VS Code knows (vscode-copilot-chat); titles and messages are invented.
    private static final SequencedMap<String, List<String>> NOTIFICATIONS = table("""
            not_signed_up | Sign up for GitHub Copilot | You are not signed up for GitHub Copilot. | SIGNUP
            no_copilot_access | Signup for GitHub Copilot | No access to GitHub Copilot found. | SIGNUP
            subscription_ended | Copilot subscription ended | Your GitHub Copilot subscription has ended. | SIGNUP
            enterprise_managed_user_account | Managed account | Ask the admin of your enterprise for Copilot. | DOCS
            feature_flag_blocked | Contact Support | A feature flag blocks Copilot for you. | SUPPORT
            spammy_user | Contact Support | Your account has been flagged. | SUPPORT
            billing_locked | Billing issue | Your account is locked for a billing issue. | BILLING
            trade_restricted | Trade restricted | Your account is restricted by trade controls. | DOCS
            trade_restricted_country | Trade restricted | Copilot is not available in your country. | DOCS
            codespaces_demo_inactive | Demo over | This Codespaces demo is no longer active. | SIGNUP
            snippy_not_configured | Settings missing | Say first whether public code may be suggested. | SETTINGS
            expired_coupon | Coupon expired | The coupon for Copilot has expired. | BILLING
            revoked_coupon | Coupon revoked | The coupon for Copilot was revoked. | BILLING
            go_http_client | Access blocked | Requests by this client are blocked. | SUPPORT
            programmatic_token_generation | Access blocked | Tokens were generated by a program. | SUPPORT
            access_revoked | Access revoked | Your access to Copilot was revoked. | SUPPORT
            server_error | Server error | Something went wrong on our side. | SUPPORT
            """.replace("SIGNUP", "https://github.com/github-copilot/signup?editor={EDITOR}")
            .replace("SETTINGS", "https://github.com/settings/copilot?editor={EDITOR}")
            .replace("BILLING", "https://github.com/settings/billing")
            .replace("DOCS", "https://docs.github.com/copilot")
            .replace("SUPPORT", "https://support.github.com"));

    private static final List<String> EXCHANGES = List.of("ok", "bad-credentials", "foreign-app", "pat", "rate-limit",
            "not-found");

    /// A failure between client and GitHub; null for `ok`.
    private static Answer gatewayFault(String name) {
        return switch (name) {
            case "ok" -> null;
            case "reset" -> Answer.dropped();
            case "html" -> Answer.html(200, "Sign in to the guest network");
            case "garbage" -> new Answer(200, "application/json", utf8("{\"access_tok"));
            case "empty" -> new Answer(200, "application/json", new byte[0]);
            default -> Answer.html(Integer.parseInt(name), name + " Bad Gateway");
        };
    }

    private static boolean isGatewayFault(String name) {
        return name.matches("ok|reset|html|garbage|empty|5\\d\\d");
    }

    /// A token of the exchange, valid until `end` for the models of the integrator that it was issued to.
    private record CopilotToken(Instant end, String integrator) {}

    private ObjectNode copilotToken(String integrator) {
        var now = clock.instant();
        var seen = now.plusSeconds(number("clock-skew")).plusSeconds(number("token-life")).getEpochSecond();
        var plan = text("plan");
        var sku = sku(plan);
        var proxy = text("proxy-ep").isEmpty() ? "proxy.%s.githubcopilot.com".formatted(skuHost()) : text("proxy-ep");
        var token = "tid=%s;exp=%d;sku=%s;%sst=dotcom;chat=1;cit=1;malfil=1;editor_preview_features=1;ccr=1;8kp=1;"
                .formatted(random("0123456789abcdef", 32), seen, sku,
                        text("endpoints").equals("none") ? "" : "proxy-ep=" + proxy + ";")
                + "ip=192.0.2.1;asn=AS64500:" + random("0123456789abcdef", 64);
        copilotTokens.put(token, new CopilotToken(now.plusSeconds(number("token-life")), integrator));
        var answer = JSON.createObjectNode().put("token", token).put("expires_at", seen)
                .put("refresh_in", number("refresh-in"));
        if (on("minimal")) { return answer; }
        answer.setAll((ObjectNode) JSON.readTree("""
                {"annotations_enabled":true,"blackbird_clientside_indexing":false,"chat_enabled":true,
                 "chat_jetbrains_enabled":true,"code_quote_enabled":true,"code_review_enabled":true,"codesearch":true,
                 "copilotignore_enabled":false,"enterprise_list":null,"limited_user_quotas":null,
                 "limited_user_reset_date":null,"nes_enabled":true,"organization_list":[],"prompt_8k":true,
                 "public_suggestions":"disabled","snippy_load_test_enabled":false,"telemetry":"disabled",
                 "tracking_id":"00000000000000000000000000000000","vsc_electron_fetcher_v2":false,"xcode":true,
                 "xcode_chat":false}"""));
        if (plan.equals("free")) {
            answer.set("limited_user_quotas", JSON.readTree("{\"chat\":480,\"completions\":3990}"));
            answer.put("limited_user_reset_date", resetDate().toEpochDay() * 86_400);
        }
        answer.put("individual", skuHost().equals("individual")).put("sku", sku);
        if (!text("endpoints").equals("none")) {
            answer.set("endpoints", endpoints());
        }
        return answer;
    }

    private ObjectNode endpoints() {
        var hosts = JSON.createObjectNode();
        switch (text("endpoints")) {
            case "other" -> hosts.put("api", otherApi());
            case "foreign" -> hosts.put("api", "https://evil.example");
            case "missing-with-proxy-ep" -> { }
            default -> hosts.put("api", api());
        }
        return hosts.put("origin-tracker", "https://origin-tracker.%s.githubcopilot.com".formatted(skuHost()))
                .put("proxy", "https://proxy.%s.githubcopilot.com".formatted(skuHost()))
                .put("telemetry", "https://telemetry.%s.githubcopilot.com".formatted(skuHost()));
    }

    /// OmniRoute #12000 has the students' sku; that of the plan Max is an invention.
    private static String sku(String plan) {
        return Map.of("free", "free_limited_copilot", "student", "free_educational_quota", "individual",
                "yearly_subscriber_quota", "pro-plus", "plus_monthly_subscriber_quota", "max",
                "max_monthly_subscriber_quota", "business", "copilot_for_business_seat_quota", "enterprise",
                "copilot_enterprise_seat_quota").get(plan);
    }

    private static String copilotPlan(String plan) {
        return Map.of("student", "individual_edu", "pro-plus", "individual_pro_plus").getOrDefault(plan, plan);
    }

    private String skuHost() {
        return text("plan").matches("business|enterprise") ? text("plan") : "individual";
    }

    /// Since 2026-06-24 (GitHub changelog).
    private boolean autoOnly() { return text("plan").matches("free|student"); }

    /// opencode and new versions of Zed find their host with this request (2026-11).
    private Answer graphql(Call call) {
        authenticated(call);
        var answer = JSON.createObjectNode();
        answer.putObject("data").putObject("viewer").put("login", text("login"))
                .set("copilotEndpoints", endpoints());
        return Answer.json(200, answer);
    }

    // ------------------------------------------------------------------------------------------- GitHub: quota

    /// AI credits a month in 2026: Pro, Pro+, Max as in llmgateway PR #4159 and yasb PR #995, the seats' by their
    /// price; a student's are an invention. `requests` is an old yearly plan, with premium requests.
    private long entitlement() {
        return text("quota").equals("requests") ? 300 : Map.of("free", 50L, "student", 300L, "pro-plus", 7000L, "max",
                20_000L, "business", 1900L, "enterprise", 3900L).getOrDefault(text("plan"), 1500L);
    }

    /// Premium requests left: the account had used 28.6 before the simulator started.
    private double remaining() {
        return text("quota").equals("negative") ? -1 : entitlement() - 28.6 - billed();
    }

    private LocalDate resetDate() {
        return LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC).plusMonths(1).withDayOfMonth(1);
    }

    /// The form of METER and vscode-copilot-chat; a session's and a week's limits have the same.
    private Map<String, String> quotaHeaders() {
        var percent = Math.round(remaining() * 10_000 / entitlement()) / 100.0;
        var name = "x-quota-snapshot-" + (text("plan").equals("free") ? "chat" : "premium_interactions");
        var value = "ent=%d&ov=0.0&ovPerm=false&rem=%s&rst=%sT00%%3A00%%3A00Z"
                .formatted(entitlement(), percent, resetDate());
        if (text("quota").equals("unlimited-business")) { value = "ent=-1&ov=0.0&ovPerm=false&rem=100.0"; }
        return switch (text("quota-headers")) {
            case "none" -> Map.of();
            case "garbage" -> Map.of(name, "ent=many&rem=%zz&&=&rst=soon", "x-usage-ratelimit-", "%",
                    "x-quota-snapshot-odd", "");
            case "all" -> Map.of(name, value, "x-quota-snapshot-completions", "ent=-1&ov=0.0&ovPerm=false&rem=100.0",
                    "x-quota-snapshot-premium_models", value, "x-usage-ratelimit-session",
                    "ent=1000&ov=0.0&ovPerm=false&rem=75.5&rst=" + URLEncoder.encode(clock.instant()
                            .truncatedTo(ChronoUnit.HOURS).plusSeconds(7200).toString(), UTF_8) + "&totRem=755",
                    "x-usage-ratelimit-weekly", "ent=5000&ov=0.0&ovPerm=false&rem=99.999");
            default -> Map.of(name, value);
        };
    }

    /// The same in the last event of a stream, where the entitlement is a string.
    private ObjectNode quotaSnapshots() {
        var snapshots = JSON.createObjectNode();
        snapshots.putObject(text("plan").equals("free") ? "chat" : "premium_interactions")
                .put("entitlement", "" + entitlement())
                .put("percent_remaining", Math.round(remaining() * 10_000 / entitlement()) / 100.0)
                .put("overage_count", 0).put("overage_permitted", false).put("unlimited", false)
                .put("reset_date", resetDate() + "T00:00:00Z");
        return snapshots;
    }

    private Answer quota(Call call) {
        var access = authenticated(call);
        if (!access.exchange.equals("ok") && !access.direct()) { return exchangeOutcome(access.exchange, UNNAMED); }
        var kind = text("quota").equals("auto") ? text("plan").equals("free") ? "free" : "paid" : text("quota");
        var plan = kind.equals("unlimited-business") ? "business" : text("plan");
        var answer = (ObjectNode) JSON.readTree("""
                {"login":"%s","access_type_sku":"%s","analytics_tracking_id":"00000000000000000000000000000000",
                 "assigned_date":null,"can_signup_for_limited":false,"chat_enabled":true,"copilot_plan":"%s",
                 "organization_login_list":[],"organization_list":[]}"""
                .formatted(text("login"), sku(kind.equals("free") ? "free" : plan), copilotPlan(plan)));
        answer.set("endpoints", endpoints());
        switch (kind) {
            case "free" -> {
                answer.set("monthly_quotas", JSON.readTree("{\"chat\":500,\"completions\":4000}"));
                answer.set("limited_user_quotas", JSON.readTree("{\"chat\":480,\"completions\":3990}"));
                answer.put("limited_user_reset_date", resetDate().toString());
            }
            case "missing" -> { }
            default -> paidQuota(answer, kind);
        }
        return Answer.json(200, answer);
    }

    private void paidQuota(ObjectNode answer, String kind) {
        answer.put("quota_reset_date", resetDate().toString())
                .put("quota_reset_date_utc", resetDate() + "T00:00:00.000Z")
                .put("token_based_billing", !kind.equals("requests"));
        var snapshots = answer.putObject("quota_snapshots");
        for (var id : List.of("chat", "completions", "premium_interactions")) {
            var premium = id.startsWith("premium") && !kind.equals("unlimited-business");
            var over = premium && kind.equals("overage");
            var left = over || !premium ? 0 : Math.round(remaining() * 10) / 10.0;
            var percent = premium ? Math.round(left * 10_000 / entitlement()) / 100.0 : 100;
            snapshots.putObject(id).put("quota_id", id).put("entitlement", premium ? entitlement() : 0)
                    .put("remaining", (long) Math.floor(left)).put("quota_remaining", left)
                    .put("percent_remaining", percent).put("unlimited", !premium)
                    .put("overage_count", over ? 12.5 : 0).put("overage_permitted", over)
                    .put("has_quota", !premium || left > 0)
                    .put("credits_used", id.startsWith("premium") ? Math.round((28.6 + billed()) * 10) / 10.0 : 0)
                    .put("quota_reset_at", resetDate() + "T00:00:00Z")
                    .put("timestamp_utc", clock.instant().truncatedTo(ChronoUnit.MILLIS).toString());
        }
    }

    // ------------------------------------------------------------------------------------------- Copilot: the checks

    private static final String ROUTES = "GET /models(/[^/]+)?|POST /(embeddings|auto|v1/messages/count_tokens"
            + "|models/session|models/[^/]+/policy)";

    private Answer copilot(Call call) {
        if (call.route().equals("GET /_ping")) { return Answer.text(200, "OK"); }
        checkHost(call);
        var endpoint = call.method.equals("POST") ? chatEndpoints.get(call.path) : null;
        refuseIf(endpoint == null && !call.route().matches(ROUTES), 404, "404 page not found\n");
        checkAuthorization(call);
        var fault = endpoint != null ? take("faults") : call.route().equals("GET /models") ? take("models-faults")
                : call.route().equals("POST /embeddings") ? take("embeddings-faults") : "ok";
        if (fault.equals("reset-before") || fault.equals("html-200")) {
            return fault.equals("html-200") ? Answer.html(200, "Sign in to the guest network") : Answer.dropped();
        }
        if (!fault.equals("ok") && !BREAKS.contains(fault)) { return fault(fault, call); }
        checkIdentity(call);
        if (call.method.equals("POST")) {
            checkBody(call);
        }
        if (endpoint != null) { return ask(endpoint, call, fault); }
        return switch (call.route()) {
            case "GET /models" -> broken(Answer.json(200, modelList(call)), fault, MID_STREAM_ERROR)
                    .header("Cache-Control", "private, max-age=21600");
            case "POST /embeddings" -> broken(embeddings(call), fault, MID_STREAM_ERROR);
            case "POST /v1/messages/count_tokens" -> messages.count(call);
            case "POST /models/session" -> modelSession();
            case "POST /auto" -> autoRoute(call);
            case String s when s.matches("GET /models/[^/]+") -> Answer.json(200, entry(named(call), call));
            default -> policy(call);
        };
    }

    /// A SKU's host serves only its own plan's tokens; the un-prefixed host serves all.
    private void checkHost(Call call) {
        var host = call.header("host").replaceFirst(":\\d+$", "").toLowerCase(Locale.ROOT);
        refuseIf(host.endsWith(".githubcopilot.com") && !host.equals("api.githubcopilot.com")
                && !host.equals("api." + skuHost() + ".githubcopilot.com"), 421, "Misdirected Request");
    }

    private static String bearer(Call call) {
        var given = call.header("authorization");
        return given.startsWith("Bearer ") ? given.substring(7) : "";
    }

    private boolean isDirect(Call call) {
        var access = githubTokens.get(bearer(call));
        return access != null && access.direct();
    }

    private void checkAuthorization(Call call) {
        var bearer = bearer(call);
        refuseIf(bearer.startsWith("ghp_"), 400,
                "bad request: Personal Access Tokens are not supported for this endpoint");
        refuseIf(bearer.matches("(github_pat_|ghs_).*"), 401, "unauthorized");      // pydantic-ai PR #8059
        boolean doubled = call.headers.getOrDefault("authorization", List.of()).size() > 1;
        if (isDirect(call) && !doubled) { return; }
        var token = copilotTokens.get(bearer);
        refuseIf(token == null || doubled, 401, "unauthorized: unauthorized: AuthenticateToken authentication failed");
        refuseIf(!clock.instant().isBefore(token.end), 401, "unauthorized: token expired");
    }

    private static final List<String> IDENTITY = List.of("editor-version", "editor-plugin-version", "user-agent",
            "copilot-integration-id", "openai-intent", "x-initiator", "x-request-id", "x-github-api-version",
            "copilot-vision-request", "content-type", "anthropic-version", "anthropic-beta");

    private void checkIdentity(Call call) {
        refuseIf(call.has("x-github-api-version") && call.header("x-github-api-version").compareTo("2025") < 0, 466,
                "bad request: the specified API version is no longer supported. You may need to update your client to a"
                        + " newer version.");
        checkIntegration(call);
        refuseIf(on("out-of-date"), 400, "Your editor's Copilot extension, version \"%s\", is out of date and no longer"
                .formatted(call.has("editor-plugin-version") ? call.header("editor-plugin-version")
                        : "copilot/1.31.6194") + " supported. Please update your extension.");
        if (on("strict-headers")) {
            IDENTITY.forEach(name -> refuseIf(call.headers.getOrDefault(name, List.of("")).size() > 1, 400,
                    "bad request: header " + name + " was sent more than once"));
            refuseIf(!call.header("x-initiator").matches("|user|agent"), 400, "bad request: unknown X-Initiator");
        }
    }

    /// An editor is required only without an integrator (gptel has sent only that since 2025-04), and only with
    /// an exchanged token only (opencode sends neither).
    private void checkIntegration(Call call) {
        var given = call.headers.getOrDefault("copilot-integration-id", List.of());
        boolean direct = isDirect(call);
        refuseIf(!call.has("editor-version") && given.isEmpty() && !direct, 400,
                "bad request: missing Editor-Version header for IDE auth");
        refuseIf(call.has("editor-version") && !direct && !call.header("editor-version").matches(
                "(vscode|vscode-insiders|Neovim|Vim|Zed|JetBrains-\\w+|VisualStudio|Xcode|Eclipse|Emacs)/[^,\\s]+"),
                400, "bad request: unknown Editor-Version header for IDE auth");
        refuseIf(given.isEmpty() && !direct && text("integration-id").equals("required"), 400,      // hermes #6806
                "bad request: missing required Copilot-Integration-Id header");
        // Two lines of one header get joined, and the joined value is not registered (LiteLLM users, 2026).
        refuseIf(!given.isEmpty() && !String.join(", ", given).matches("vscode-chat|copilot-chat|copilot-developer-cli"
                + "|copilot-language-server|vscode-nl|jetbrains-chat"), 400, "unknown Copilot-Integration-Id");
    }

    private void checkBody(Call call) {
        refuseIf(call.has("content-type") && !call.header("content-type").matches("(?i)application/json *(;.*)?"), 400,
                "Bad Request\n");
        refuseIf(call.bytes.length > number("max-body"), 413, "Request Entity Too Large");
        invalidIf(!(call.body instanceof ObjectNode), "not a JSON object");
    }

    /// Returns whether undocumented fields are rejected.
    private boolean strict() { return text("unknown-fields").equals("refuse"); }

    private static void invalidIf(boolean wrong, String reason) {
        if (wrong) {
            throw new Refusal(error(400, "invalid request body: " + reason, "invalid_request_body"));
        }
    }

    /// Copilot's errors are JSON, mostly with a text content type.
    private static Answer error(int status, String message, String code) {
        var error = JSON.createObjectNode();
        error.putObject("error").put("message", message).put("code", code);
        return Answer.text(status, JSON.writeValueAsString(error));
    }

    private static Answer modelError(String message, String code) {
        var error = JSON.createObjectNode();
        error.putObject("error").put("message", message).put("code", code).put("param", "model")
                .put("type", "invalid_request_error");
        return Answer.text(400, JSON.writeValueAsString(error));
    }

    // ------------------------------------------------------------------------------------------- Copilot: models

    /// A row of the model list. `prices` are AI credits per million tokens: input, output, cached input, and those
    /// three for a long context, if it has a price of its own.
    private record Model(String id, String name, String vendor, String version, String type, long context, long prompt,
                         long output, double multiplier, List<Long> prices, List<String> endpoints,
                         Set<String> supports, List<String> efforts, Set<String> marks) {
        static Model of(List<String> row) {
            var limits = words(row.get(5)).map(Long::valueOf).toList();
            return new Model(row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), limits.get(0), limits.get(1),
                    limits.get(2), Double.parseDouble(row.get(6)), words(row.get(7)).map(Long::valueOf).toList(),
                    words(row.get(8)).toList(), words(row.get(9)).collect(Collectors.toSet()),
                    words(row.get(10)).toList(), words(row.get(11)).collect(Collectors.toSet()));
        }

        private static Stream<String> words(String cell) {
            return Arrays.stream(cell.split(" ")).filter(w -> !w.isEmpty());
        }

        boolean supports(String ability) { return supports.contains(ability); }

        boolean is(String mark) { return marks.contains(mark); }

        /// Azure's reply formats; that Microsoft's own models use them is an assumption.
        boolean openAI() { return vendor.endsWith("OpenAI") || vendor.equals("Microsoft"); }

        boolean google() { return vendor.equals("Google"); }

        boolean anthropic() { return vendor.equals("Anthropic"); }

        boolean chats() { return endpoints.contains("/chat/completions"); }

        /// Some replies lack `object` and `created` (pydantic-ai's docs, puxu-msft/copilot-api-js).
        boolean bare() { return id.equals("gpt-5.4"); }

        int maxImages() { return google() ? 10 : anthropic() ? 1 : 5; }

        /// The length up to which the price of a short context applies.
        long shortPrompt() { return prices.size() > 3 ? 272_000 : prompt; }

        long price(int kind, long promptTokens) {
            return prices.get(promptTokens > shortPrompt() ? kind + 3 : kind);
        }

        /// Returns the value of a flag `name=value`, or "".
        String marked(String name) {
            return marks.stream().filter(m -> m.startsWith(name + "=")).map(m -> m.substring(name.length() + 1))
                    .findFirst().orElse("");
        }
    }

    /// Retired from the service in 2026, by GitHub's list and models.dev PR #6218.
    private static final String RETIRED = "gpt-4.1 gpt-4o o1 claude-sonnet-4.5 claude-opus-4.7 gemini-3.1-pro-preview";

    /// id | name | vendor | dated name | type | context, prompt, output tokens | multiplier | credits per million
    /// tokens in, out, cached | endpoints | abilities | reasoning efforts | marks
    ///
    /// The marks: `recent` is not in the short list of a request without an API version; `hidden` is not for the
    /// picker; `pseudo` is available within a session only; `twice` is listed twice (so did gpt-4-o-preview); `min`
    /// is the version of vscode/ that it requires; `retired` must be revived by a switch. `budget` is not an ability of
    /// the service: it represents min_ and max_thinking_budget.
    private static final SequencedMap<String, Model> MODELS = new LinkedHashMap<>();

    static {
        table("""
            gpt-5-mini | GPT-5 mini | Azure OpenAI | gpt-5-mini-2025-08-07 | chat | 264000 128000 64000 | 0 | 25 200 3 \
            | /chat/completions /responses ws:/responses \
            | streaming tool_calls parallel_tool_calls vision structured_outputs | minimal low medium high \
            | default versatile
            gpt-5.4 | GPT-5.4 | OpenAI | gpt-5.4-2026-03-01 | chat | 400000 272000 128000 | 1 | 250 1500 25 \
            | /chat/completions /responses ws:/responses \
            | streaming tool_calls parallel_tool_calls vision structured_outputs | none low medium high xhigh \
            | premium powerful promo policy
            gpt-5.4-mini | GPT-5.4 mini | OpenAI | gpt-5.4-mini-2026-03-17 | chat | 400000 272000 128000 | 0.33 \
            | 75 450 8 | /responses ws:/responses \
            | streaming tool_calls parallel_tool_calls vision structured_outputs | none low medium high xhigh \
            | premium lightweight policy
            gpt-5.3-codex | GPT-5.3-Codex | OpenAI | gpt-5.3-codex-2026-02-05 | chat | 400000 272000 128000 | 1 \
            | 175 1400 18 | /responses ws:/responses \
            | streaming tool_calls parallel_tool_calls vision structured_outputs | none low medium high xhigh \
            | premium powerful fallback policy min=1.104.1
            gpt-5.5 | GPT-5.5 | OpenAI | gpt-5.5-2026-04-23 | chat | 400000 272000 128000 | 7.5 | 500 3000 50 \
            | /chat/completions /responses ws:/responses \
            | streaming tool_calls parallel_tool_calls vision structured_outputs | none low medium high xhigh \
            | premium powerful policy recent
            gpt-5.6-luna | GPT-5.6 Luna | OpenAI | gpt-5.6-luna-2026-06-25 | chat | 1050000 922000 128000 | 1 \
            | 100 600 10 200 900 20 | /responses ws:/responses \
            | streaming tool_calls parallel_tool_calls vision structured_outputs | none low medium high xhigh max \
            | premium powerful policy recent
            claude-haiku-4.5 | Claude Haiku 4.5 | Anthropic | claude-haiku-4.5 | chat | 144000 128000 64000 | 0.33 \
            | 100 500 10 | /chat/completions /v1/messages \
            | streaming tool_calls parallel_tool_calls vision budget | | premium versatile policy
            claude-sonnet-5 | Claude Sonnet 5 | Anthropic | claude-sonnet-5 | chat | 264000 200000 64000 | 1 \
            | 300 1500 30 | /v1/messages /chat/completions \
            | streaming tool_calls parallel_tool_calls vision adaptive_thinking | low medium high xhigh max \
            | premium versatile policy recent
            claude-opus-4.8 | Claude Opus 4.8 | Anthropic | claude-opus-4.8 | chat | 264000 200000 64000 | 7.5 \
            | 500 2500 50 | /v1/messages /chat/completions \
            | streaming tool_calls parallel_tool_calls vision adaptive_thinking | low medium high xhigh max \
            | premium powerful policy recent
            claude-fable-5.1 | Claude Fable 5.1 | Anthropic | claude-fable-5.1 | chat | 264000 200000 64000 | 7.5 \
            | 500 2500 50 | /v1/messages \
            | streaming tool_calls parallel_tool_calls vision adaptive_thinking | low medium high xhigh max \
            | premium powerful policy recent
            claude-opus-5 | Claude Opus 5 | Anthropic | claude-opus-5 | chat | 264000 200000 64000 | 7.5 \
            | 500 2500 50 | /v1/messages \
            | streaming tool_calls parallel_tool_calls vision adaptive_thinking | low medium high xhigh max \
            | premium powerful policy disabled recent
            gemini-3.8-flash | Gemini 3.8 Flash | Google | gemini-3.8-flash | chat | 128000 109000 64000 | 1 \
            | 50 300 5 | /chat/completions | streaming tool_calls parallel_tool_calls vision | \
            | premium lightweight policy preview recent
            kimi-k3 | Kimi K3 | Moonshot AI | kimi-k3 | chat | 256000 224000 32000 | 0.33 | 60 300 10 \
            | /chat/completions | streaming tool_calls parallel_tool_calls structured_outputs | low high max \
            | premium versatile policy recent
            grok-4.7 | Grok 4.7 | xAI | grok-4.7 | chat | 256000 224000 64000 | 1 | 200 600 20 | /responses \
            | streaming tool_calls parallel_tool_calls vision structured_outputs | low medium high \
            | premium powerful policy recent
            mai-code-1.1-flash | MAI-Code-1.1 Flash | Microsoft | mai-code-1.1-flash-2026-08-20 | chat \
            | 128000 64000 16384 | 0 | 25 200 3 | /chat/completions \
            | streaming tool_calls parallel_tool_calls vision structured_outputs prediction | | lightweight recent
            gpt-4o-mini | GPT-4o mini | Azure OpenAI | gpt-4o-mini-2024-07-18 | chat | 128000 12288 4096 | 0 | 15 60 8 \
            | /chat/completions | streaming tool_calls parallel_tool_calls | | hidden lightweight
            gpt-4 | GPT 4 | Azure OpenAI | gpt-4-0613 | chat | 32768 32768 4096 | 0 | 3000 6000 3000 \
            | /chat/completions | streaming tool_calls | | hidden versatile
            gpt-4-o-preview | GPT-4o | Azure OpenAI | gpt-4o-2024-05-13 | chat | 128000 64000 4096 | 0 | 500 1500 250 \
            | /chat/completions | streaming tool_calls parallel_tool_calls | | hidden versatile twice
            auto-model-3 | Auto | OpenAI | auto-model-3 | chat | 128000 128000 16384 | 0 | 0 0 0 \
            | /chat/completions | streaming tool_calls | | hidden pseudo
            spark-free-auto | Spark | OpenAI | spark-free-auto | chat | 128000 64000 16384 | 0 | 15 60 8 \
            | /chat/completions | streaming tool_calls parallel_tool_calls | | hidden pseudo
            gpt-4o-copilot | GPT-4o Copilot | Azure OpenAI | gpt-4o-copilot | completion | 0 0 0 | 0 | 0 0 0 | \
            | streaming | | hidden
            text-embedding-3-small | Embedding V3 small | Azure OpenAI | text-embedding-3-small | embeddings | 0 0 0 \
            | 0 | 2 0 0 | /embeddings | dimensions | | hidden
            gpt-4.1 | GPT-4.1 | Azure OpenAI | gpt-4.1-2025-04-14 | chat | 128000 128000 16384 | 0 | 200 800 50 \
            | /chat/completions | streaming tool_calls parallel_tool_calls vision structured_outputs | \
            | versatile retired
            gpt-4o | GPT-4o | Azure OpenAI | gpt-4o-2024-11-20 | chat | 128000 64000 16384 | 0 | 250 1000 125 \
            | /chat/completions | streaming tool_calls parallel_tool_calls vision structured_outputs prediction | \
            | versatile retired
            o1 | o1 (Preview) | Azure OpenAI | o1-2024-12-17 | chat | 200000 20000 100000 | 10 | 1500 6000 750 \
            | /chat/completions | tool_calls structured_outputs | | premium powerful retired
            claude-sonnet-4.5 | Claude Sonnet 4.5 | Anthropic | claude-sonnet-4.5 | chat | 144000 128000 64000 | 1 \
            | 300 1500 30 | /chat/completions /v1/messages \
            | streaming tool_calls parallel_tool_calls vision budget | | premium versatile policy retired
            claude-opus-4.7 | Claude Opus 4.7 | Anthropic | claude-opus-4.7 | chat | 264000 200000 64000 | 7.5 \
            | 500 2500 50 | /v1/messages /chat/completions \
            | streaming tool_calls parallel_tool_calls vision adaptive_thinking | low medium high xhigh max \
            | premium powerful policy retired
            gemini-3.1-pro-preview | Gemini 3.1 Pro | Google | gemini-3.1-pro-preview | chat | 128000 109000 64000 | 1 \
            | 200 1200 20 | /chat/completions | streaming tool_calls parallel_tool_calls vision | \
            | premium powerful policy preview retired
            """).values().forEach(row -> MODELS.put(row.getFirst(), Model.of(row)));
    }

    /// Rows of cells between bars, by their first cell.
    private static SequencedMap<String, List<String>> table(String text) {
        var rows = new LinkedHashMap<String, List<String>>();
        text.lines().map(line -> Arrays.stream(line.split("\\|", -1)).map(String::strip).toList())
                .forEach(row -> rows.put(row.getFirst(), row));
        return rows;
    }

    private boolean isServed(Model model) {
        return !model.is("retired") || items(text("revive")).anyMatch(model.id::equals);
    }

    /// In early 2025 every chat model was served on /chat/completions.
    private boolean isListed(Model model) {
        return isServed(model) && !(text("models").equals("old") && model.type.equals("chat") && !model.chats())
                && !(text("models").equals("no-embeddings") && model.type.equals("embeddings"));
    }

    private boolean isEnabled(Model model) {
        return !model.is("disabled") || enabledModels.contains(model.id);
    }

    /// Without an API version the list is an old one, in which the newest models are missing (opencode #32627).
    private ObjectNode modelList(Call call) {
        var list = JSON.createObjectNode().put("object", "list");
        var data = list.putArray("data");
        var legacy = on("legacy-list") && !call.has("x-github-api-version");
        if (!text("models").equals("empty")) {
            MODELS.values().stream().filter(model -> isListed(model) && !(legacy && model.is("recent")))
                    .flatMap(model -> Collections.nCopies(model.is("twice") ? 2 : 1, model).stream())
                    .map(model -> entry(model, call)).forEach(data::add);
        }
        return list;
    }

    /// An entry in full, or as it was in early 2025, when there were neither prices nor endpoints.
    private ObjectNode entry(Model model, Call call) {
        var entry = JSON.createObjectNode().put("id", model.id).put("name", model.name).put("object", "model")
                .put("vendor", model.vendor).put("version", model.version)
                .put("preview", model.is("preview"))
                .put("model_picker_enabled", !model.is("hidden") && !autoOnly());
        if (model.is("policy")) {
            entry.putObject("policy").put("state", isEnabled(model) ? "enabled" : "disabled")
                    .put("terms", "Enable access to " + model.name + ". [Learn more](https://docs.github.com).");
        }
        entry.set("capabilities", capabilities(model));
        if (!text("models").equals("old")) {
            addTwentySix(entry, model);
            entry.set("billing", billing(model, call.header("x-github-api-version").compareTo("2026-06") >= 0));
        }
        return entry;
    }

    private ObjectNode capabilities(Model model) {
        var capabilities = JSON.createObjectNode().put("object", "model_capabilities").put("type", model.type)
                .put("family", model.id)
                .put("tokenizer", model.id.matches("gpt-4|text-.*") ? "cl100k_base" : "o200k_base");
        var limits = capabilities.putObject("limits");
        if (model.type.equals("embeddings")) {
            if (number("max-inputs") > 0) {
                limits.put("max_inputs", number("max-inputs"));
            }
        } else if (model.context > 0) {
            limits.put("max_context_window_tokens", model.context).put("max_prompt_tokens", model.prompt)
                    .put("max_output_tokens", model.output);
            if (model.output > 16_000) {
                limits.put("max_non_streaming_output_tokens", 16_000);
            }
        }
        if (model.supports("vision")) {
            var vision = limits.putObject("vision").put("max_prompt_image_size", MAX_IMAGE)
                    .put("max_prompt_images", model.maxImages());
            IMAGES.forEach(vision.putArray("supported_media_types")::add);
        }
        var supports = capabilities.putObject("supports");      // a missing flag means: not supported
        model.supports.stream().filter(s -> !s.equals("budget")).sorted().forEach(s -> supports.put(s, true));
        if (model.supports("budget")) {         // no flag `thinking` (puxu-msft/copilot-api-js, caozhiyuan #54)
            supports.put("min_thinking_budget", 1024).put("max_thinking_budget", 32_000);
        }
        if (!model.efforts.isEmpty()) {
            model.efforts.forEach(supports.putArray("reasoning_effort")::add);
        }
        return capabilities;
    }

    private void addTwentySix(ObjectNode entry, Model model) {
        Stream.of("lightweight", "versatile", "powerful").filter(model.marks::contains)
                .forEach(category -> entry.put("model_picker_category", category)
                        .put("model_picker_price_category", model.multiplier > 1 ? "very_high"
                                : model.multiplier == 1 ? "high" : "low"));
        entry.put("is_chat_default", model.is("default") && !text("models").equals("no-default"))
                .put("is_chat_fallback", model.is("fallback"));
        model.endpoints.forEach(entry.putArray("supported_endpoints")::add);
        var warnings = entry.putArray("warning_messages");
        if (model.is("retired")) {
            warnings.addObject().put("code", "retiring").put("message", model.id + " will be retired soon.");
        }
        entry.putArray("info_messages");
    }

    /// Newer versions of the API use another name for the price of cached input and have auto's discount (opencode PR
    /// #47108; the discount's form is an invention).
    private static ObjectNode billing(Model model, boolean newer) {
        var billing = JSON.createObjectNode().put("is_premium", model.is("premium"))
                .put("multiplier", model.multiplier);
        if (model.is("premium")) {
            List.of("pro", "pro_plus", "max", "business", "enterprise").forEach(
                    billing.putArray("restricted_to")::add);
        }
        var prices = billing.putObject("token_prices").put("batch_size", 1_000_000);
        for (int tier = 0; tier < model.prices.size() / 3; tier++) {
            prices.putObject(tier == 0 ? "default" : "long_context").put("input_price", model.prices.get(tier * 3))
                    .put("output_price", model.prices.get(tier * 3 + 1))
                    .put(newer ? "cache_read_price" : "cache_price", model.prices.get(tier * 3 + 2))
                    .put("context_max", tier == 0 ? model.shortPrompt() : model.prompt);
        }
        if (newer) {
            billing.putObject("auto_discount").put("discount_percent", 10);
        }
        if (model.is("promo")) {
            billing.putObject("promo").put("id", "p1").put("discount_percent", 20)
                    .put("ends_at", "2026-12-31T00:00:00Z").put("message", "20 % off until the end of the year");
        }
        return billing;
    }

    private Model named(Call call) {
        var model = MODELS.get(call.path.split("/")[2]);
        if (model == null || !isListed(model)) {
            throw new Refusal(error(404, "", "not_found"));
        }
        return model;
    }

    /// Enables a model, which accepts its terms; only an administrator can do so for a seat of an organization.
    private Answer policy(Call call) {
        var model = named(call);
        refuseIf(text("plan").matches("business|enterprise"), 403, "forbidden: access denied");
        invalidIf(!call.field("state").matches("enabled|disabled"), "state");
        if (call.field("state").equals("enabled")) {
            enabledModels.add(model.id);
        } else {
            enabledModels.remove(model.id);
        }
        return Answer.json(200, entry(model, call).path("policy"));
    }

    private static Refusal notSupported() {
        return new Refusal(modelError("The requested model is not supported.", "model_not_supported"));
    }

    /// Returns the model of a request, if the account may use it on this endpoint.
    private Model chosen(Call call, String endpoint) {
        boolean inSession = checkSession(call);
        if (!isGiven(call.body.path("model"))) { return unnamed(endpoint); }
        var id = call.field("model");
        var model = MODELS.get(id);
        if (model == null || !isServed(model) || !isEnabled(model) || !inSession && (model.is("pseudo")
                || autoOnly() && model.type.equals("chat"))) {
            throw notSupported();
        }
        if (model.type.equals("completion")) {
            throw new Refusal(modelError("Model is not supported for this request.", "model_not_supported"));
        }
        checkEditor(call, model);
        if (!model.endpoints.contains(endpoint) || items(text("stale-endpoints")).map(stale -> stale.contains(":")
                ? stale : stale + ":/chat/completions").anyMatch((id + ":" + endpoint)::equals)) {
            throw new Refusal(error(400, (endpoint.equals("/responses") ? "model %s is not supported via Responses API."
                    : "model \"%s\" is not accessible via the %s endpoint").formatted(id, endpoint),
                    "unsupported_api_for_model"));
        }
        checkIntegrator(id, call.header("copilot-integration-id"), items(text("integrator")).toList());
        if (on("exchange-scope") && !integrator(call).equals("vscode-chat")) {
            checkIntegrator(id, integrator(call), MODELS.values().stream().filter(m -> isListed(m)
                    && !m.is("recent")).map(Model::id).toList());
        }
        return model;
    }

    private static void checkIntegrator(String id, String integrator, List<String> available) {
        if (!available.isEmpty() && !available.contains(id)) {
            throw new Refusal(modelError(("The requested model is not available for integrator \"%s\". Available"
                    + " models: [%s]. Verify the correct Copilot-Integration-Id header is being sent.").formatted(
                    integrator, String.join(" ", available)), "model_not_available_for_integrator"));
        }
    }

    /// The integrator of a request: that of the exchanged token, whatever the request says (openclaw #79946); that of a
    /// direct token's app only if the request names none (opencode #36575).
    private String integrator(Call call) {
        var token = copilotTokens.get(bearer(call));
        return token != null ? token.integrator : call.has("copilot-integration-id")
                ? call.header("copilot-integration-id") : UNNAMED;
    }

    /// Old editors lack some models. This is known of VS Code only.
    private void checkEditor(Call call, Model model) {
        var minimum = text("minimum-version").isEmpty() ? model.marked("min") : text("minimum-version");
        var editor = call.header("editor-version");
        refuseIf(!minimum.isEmpty() && editor.matches("vscode(-insiders)?/.*") && isOlder(editor, minimum), 400,
                "model %s is not supported in this VS Code version. Please update it to version %s or newer"
                        .formatted(model.id, minimum));
    }

    /// Compares the numbers in two versions one after the other.
    private static boolean isOlder(String version, String minimum) {
        var numbers = Stream.of(version, minimum).map(v -> Arrays.stream(v.split("\\D+")).filter(n -> !n.isEmpty())
                .map(BigInteger::new).toArray(BigInteger[]::new)).toList();
        return Arrays.compare(numbers.get(0), numbers.get(1)) < 0;
    }

    // ------------------------------------------------------------------------------------------- Copilot: auto

    /// The models of a session and its end (VS Code's automodeService.ts).
    private record Session(Instant end, Set<String> models) {}

    /// Without a model the service chooses one, on /chat/completions only (OmniRoute #12000; codecompanion.nvim leaves
    /// the name out for its "auto").
    private Model unnamed(String endpoint) {
        if (!endpoint.equals("/chat/completions") || text("no-model").equals("refuse")) { throw notSupported(); }
        var auto = MODELS.get(text("auto-model"));
        return auto.chats() ? auto : MODELS.get("gpt-5-mini");
    }

    private static boolean isAuto(Call call) {
        return !isGiven(call.body.path("model")) || call.has("copilot-session-token");
    }

    /// Returns whether the request belongs to a session, which must be active and include the model.
    private boolean checkSession(Call call) {
        if (!call.has("copilot-session-token")) { return false; }
        var context = sessions.get(call.header("copilot-session-token"));
        refuseIf(context == null, 401, "Invalid auto-mode selector: unknown session\n");
        refuseIf(!clock.instant().isBefore(context.end), 401, "Invalid auto-mode selector: session expired\n");
        refuseIf(isGiven(call.body.path("model")) && !context.models.contains(call.field("model")), 401,
                "Invalid auto-mode selector: model %s is not of this session\n".formatted(call.field("model")));
        return true;
    }

    /// The chosen model first, then others, over all endpoints.
    private List<String> candidates() {
        return Stream.of(text("auto-model"), "gpt-5-mini", "gpt-5.4-mini", "claude-haiku-4.5", "mai-code-1.1-flash",
                autoOnly() ? "spark-free-auto" : "gpt-5.4").distinct().toList();
    }

    private ObjectNode opened(long life) {
        var token = random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 48);
        var end = clock.instant().plusSeconds(life);
        sessions.put(token, new Session(end, Set.copyOf(candidates())));
        var session = JSON.createObjectNode().put("session_token", token).put("expires_at", end.getEpochSecond());
        var discounts = session.putObject("discounted_costs");
        candidates().forEach(id -> discounts.put(id, 0.1));
        return session;
    }

    /// `POST /models/session`; the body is ignored.
    private Answer modelSession() {
        refuseIf(text("sessions").equals("404"), 404, "404 page not found\n");
        var session = opened(number("session-life")).put("selected_model", text("auto-model"));
        candidates().forEach(session.putArray("available_models")::add);
        return Answer.json(200, session);
    }

    /// `POST /auto`, VS Code's newer endpoint (autoV2Fetcher.ts), absent from older versions of the API.
    private Answer autoRoute(Call call) {
        refuseIf(call.header("x-github-api-version").compareTo("2026-08-01") < 0, 404, "invalid apiVersion\n");
        if (!text("auto").equals("ok")) {
            return Answer.json(Integer.parseInt(text("auto")), JSON.createObjectNode().put("error",
                    text("auto").equals("404") ? "not_found" : "service_unavailable"));
        }
        var session = opened(24 * number("session-life"));
        session.set("selected_model", entry(MODELS.get(text("auto-model")), call));
        var scores = session.putObject("hydra_scores");
        List.of("reasoning", "code_gen", "debugging", "tool_use").forEach(kind -> scores.put(kind, 0.25));
        return Answer.json(200, session);
    }

    // ------------------------------------------------------------------------------------------- Copilot: embeddings

    /// Vectors made of the text's characters: the same text gives the same vector, near texts near ones.
    private Answer embeddings(Call call) {
        var input = call.body.path("input");    // a bare string is refused (ericc-ch/copilot-api #59, #100)
        refuseIf(!input.isArray() || input.isEmpty() || input.valueStream().anyMatch(i -> !i.isString()), 400,
                "Bad Request\n");
        var model = chosen(call, "/embeddings");
        call.body.propertyNames().forEach(name -> invalidIf(strict() && !List.of("model", "input", "dimensions")
                .contains(name), name));
        long most = number("max-inputs") > 0 ? number("max-inputs") : 512;
        invalidIf(input.size() > most, "more than " + most + " inputs");
        invalidIf(input.valueStream().anyMatch(i -> i.asString().isEmpty()), "an input is empty");
        invalidIf(input.valueStream().anyMatch(i -> tokens(i.asString()) > 8191), "an input is too long");
        invalidIf(call.body.has("dimensions") && !call.body.path("dimensions").isIntegralNumber(), "dimensions");
        int size = call.body.path("dimensions").asInt(1536);
        invalidIf(size < 1 || size > 1536, "dimensions");
        var items = new ArrayList<ObjectNode>();
        long tokens = 0;
        for (var text : input) {
            items.add(embedding(items.size(), vector(text.asString(), size)));
            if (call.field("encoding_format").equals("base64")) { pack(items.getLast()); }
            tokens += tokens(text.asString());
        }
        var answer = JSON.createObjectNode();
        if (!text("embeddings").equals("bare")) {
            answer.put("object", "list");
        }
        answer.set("data", damaged(items));
        answer.put("model", model.id).putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        if (text("embeddings").equals("error")) {
            answer.putObject("error").put("message", "the model is overloaded");
        }
        // Digits that no number type preserves.
        var sent = !text("embeddings").equals("digits") ? Answer.json(200, answer) : new Answer(200, "application/json",
                utf8(answer.toString().replaceAll("\"embedding\":\\[[^,]+,[^,]+,", "\"embedding\":[1E-05,-0.10,")));
        return sent.charged(model.id, 0);
    }

    private static double[] vector(String text, int size) {
        var vector = new double[size];
        text.codePoints().forEach(c -> vector[Math.floorMod(c * 31, size)] += 1);
        var length = Math.max(1e-9, Math.sqrt(Arrays.stream(vector).map(x -> x * x).sum()));
        return Arrays.stream(vector).map(x -> x / length).toArray();
    }

    private static ObjectNode embedding(int index, double[] vector) {
        var item = JSON.createObjectNode().put("object", "embedding").put("index", index);
        Arrays.stream(vector).forEach(item.putArray("embedding")::add);
        return item;
    }

    /// As OpenAI's SDKs request them (npm's always): little-endian floats in Base64.
    private static void pack(ObjectNode item) {
        var bytes = ByteBuffer.allocate(4 * item.path("embedding").size()).order(ByteOrder.LITTLE_ENDIAN);
        item.path("embedding").forEach(number -> bytes.putFloat((float) number.asDouble()));
        item.put("embedding", Base64.getEncoder().encodeToString(bytes.array()));
    }

    /// Returns the data of a response according to the switch.
    private ArrayNode damaged(List<ObjectNode> items) {
        var last = items.getLast();
        var vector = last.path("embedding") instanceof ArrayNode array ? array : JSON.createArrayNode();
        switch (text("embeddings")) {
            case "shuffled" -> Collections.shuffle(items, new Random(items.size()));
            case "bare" -> items.forEach(item -> item.remove("object"));
            case "short" -> items.removeLast();
            case "long" -> items.add(last.deepCopy().put("index", items.size()));
            case "twice" -> items.add(last);
            case "no-index" -> last.remove("index");
            case "ragged" -> vector.remove(0);
            case "empty-vector" -> vector.removeAll();
            case "texts" -> vector.set(0, vector.path(0).asString());
            case "null" -> last.putNull("embedding");
            case "base64" -> last.put("embedding", "AACAPw==");
            default -> { }
        }
        return JSON.createArrayNode().addAll(items);
    }

    // ---------------------------------------------------------------------------------------- Copilot: chat endpoints

    /// A chat endpoint: its path, the checks of its body, and the format of its replies.
    private sealed interface ChatEndpoint permits Completions, Responses, Messages {
        String path();

        /// Rejects bodies that no model accepts.
        void check(Call call);

        /// The documented fields of a request.
        Set<String> fields();

        /// Reads a request and rejects what the model does not accept.
        ChatRequest read(Model model, Call call);

        Refusal tooLong(Model model, long tokens);

        /// Returns the rejection of a parameter.
        Refusal rejection(String message);

        Script script(Reply reply);

        /// Returns the unstreamed reply.
        ObjectNode whole(Reply reply);

        /// Returns event `number` of a stream that fails (a fault with `error` in its name).
        Event trouble(String fault, int number);

        /// Returns a complete stream whose end is a failure.
        Script failed(Script script);

        /// Returns the same failure unstreamed.
        String failure(Reply reply);
    }

    /// A request to any endpoint: the reply depends on nothing else. `room` is in tokens, without those of reasoning;
    /// `thinking` is the text of the reasoning, empty for none; `request` is for fields that the reply repeats.
    private record ChatRequest(JsonNode request, List<Turn> turns, List<Image> images, List<String> stops, long room,
                         int choices, String tool, String thinking) {
        long tokens() { return turns.stream().mapToLong(turn -> simulator.tokens(turn.text)).sum(); }
    }

    private record Turn(String role, String text) {}

    private record Image(String type, String base64) {
        /// Parses `data:TYPE;base64,…` or a URL, of which nothing else is known; returns null for anything else.
        static Image ofUrl(String url) {
            if (url.startsWith("https://")) { return new Image(null, url); }
            int comma = url.startsWith("data:image/") ? url.indexOf(";base64,") : -1;
            return comma < 0 ? null : new Image(url.substring(5, comma), url.substring(comma + 8));
        }

        boolean isRemote() { return type == null; }

        long size() {
            try {
                return Base64.getDecoder().decode(base64).length;
            } catch (IllegalArgumentException _) {
                return -1;
            }
        }
    }

    private static final List<String> IMAGES = List.of("image/jpeg", "image/png", "image/webp", "image/gif");
    private static final int MAX_IMAGE = 3_145_728, MAX_REMOTE_IMAGES = 20;

    /// A reply before it is written: its text, model and tokens. `stopped` is the stop sequence that ended it, or null.
    private record Reply(Model model, ChatRequest asked, List<String> deltas, String finish, String stopped,
            String reasoning, long promptTokens, long cached, boolean auto, long created, String id, List<Use> uses) {
        String text() { return String.join("", deltas); }

        int choices() { return asked.choices; }

        long thoughtTokens() { return tokens(reasoning); }

        long completionTokens() { return tokens(text()) * choices(); }

        boolean toolCall() { return finish.equals("tool_calls"); }

        List<Use> calls() {
            return !toolCall() ? List.of() : uses.isEmpty() ? List.of(new Use(asked.tool, CITY, "simulated01")) : uses;
        }
    }

    /// A call of a tool.
    private record Use(String name, String arguments, String id) {
        /// The arguments as they are streamed: none, some, the rest.
        List<String> pieces() {
            int cut = arguments.length() / 2;
            return List.of("", arguments.substring(0, cut), arguments.substring(cut));
        }
    }

    /// The calls that are due: as many results as have come since the last that a person said are done. A line of it
    /// that begins with `call: ` is a turn.
    private List<Use> uses(ChatRequest asked) {
        if (asked.request.path("tools").isEmpty()) { return List.of(); }
        int start = asked.turns.size();
        do { start--; } while (start > 0 && !(asked.turns.get(start).role.equals("user")
                && !asked.turns.get(start).text.isBlank()));
        var script = text("calls").isEmpty() ? asked.turns.get(start).text.lines().filter(line ->
                line.startsWith("call: ")).map(line -> line.substring(6)).toList() : text("calls").lines().toList();
        long done = asked.turns.stream().skip(start).filter(turn -> turn.role.equals("tool")).count();
        int number = 0;
        for (var line : script) {
            var uses = new ArrayList<Use>();
            for (var use : line.split(" & ")) {
                var parts = use.split(" ", 2);
                uses.add(new Use(parts[0], parts.length < 2 ? "" : parts[1], "simulated" + start + "_" + ++number));
            }
            if (number > done) { return uses; }
        }
        return List.of();
    }

    private Answer ask(ChatEndpoint endpoint, Call call, String fault) {
        endpoint.check(call);
        if (strict()) {
            call.body.propertyNames().forEach(name -> invalidIf(!endpoint.fields().contains(name), name));
        }
        var model = chosen(call, endpoint.path());
        rejectUnsupported(endpoint, model, call.body);
        var asked = endpoint.read(model, call);
        checkImages(model, call, asked.images);
        boolean streams = call.body.path("stream").asBoolean(false);
        invalidIf(streams && !model.supports("streaming"), model.id + " does not stream");
        if (asked.tokens() > model.prompt) {
            throw endpoint.tooLong(model, asked.tokens());
        }
        var reply = reply(model, asked, isAuto(call));
        var answer = streams
                ? new Answer(200, "text/event-stream", new byte[0], -1, damaged(endpoint, reply, fault), Map.of(),
                        null, 0)
                : broken(Answer.json(200, endpoint.whole(reply)), fault, endpoint.failure(reply));
        // A missing X-Initiator counts as the user's (LiteLLM #12859, ericc-ch/copilot-api #47).
        var free = call.header("x-initiator").equals("agent") || fault.contains("error");
        return answer.charged(model.id, free ? 0 : model.multiplier * (reply.auto ? 0.9 : 1));
    }

    /// A parameter that the models of a family do not accept (ids and paths are patterns): the error message, and the
    /// value that is accepted nevertheless.
    private record Unsupported(String models, String paths, String parameter, String but, String message) {}

    private static final String CURT = "Unsupported parameter: '%s' is not supported with this model.";
    private static final String RENAMED = CURT + " Use 'max_completion_tokens' instead.";
    private static final String GONE = "`%s` is deprecated for this model.";
    private static final String STRANGE = "Unrecognized request argument supplied: %s";
    private static final String ADAPTIVE = "claude-(opus-4\\.[78]|opus-5|sonnet-5|fable-.*)";
    private static final String OLDER = "claude-.*-4\\.5";
    private static final String ANY = ".*";

    private static final List<Unsupported> UNSUPPORTED = List.of(
            // codecompanion #2952 (this body), oh-my-pi #5606, 9router #536; 1 passes: hermes PR #91313 (live). A-
            new Unsupported("gpt-5\\..*|o\\d.*", ANY, "temperature", "1(\\.0+)?", CURT),
            // For top_p only general claims. C
            new Unsupported("gpt-5\\..*|o\\d.*", ANY, "top_p", "1(\\.0+)?", CURT),
            // github/app #2574, #2706; pydantic-ai PR #8059. B+. Of 1, which is the default, nothing is reported.
            new Unsupported(ADAPTIVE, ANY, "temperature", "1(\\.0+)?", GONE),
            new Unsupported(ADAPTIVE, ANY, "top_p", "1(\\.0+)?", GONE),
            // Of 5.3 and 5.4: caozhiyuan #172, ericc-ch #222 and PR #258, jcode #190, OmniRoute #1540. A. Of the o's
            // and gpt-5: vault-operator #28. C. No report for gpt-5-mini, and copilot-api sent it for months.
            new Unsupported("o\\d.*|gpt-5|gpt-5\\..*|gpt-5-codex|gpt-[6-9].*", "/chat/completions", "max_tokens", "",
                    RENAMED),
            // pi's compat table for GPT-4.1, 4o and Gemini; chatwise #1367. B
            new Unsupported("gpt-4.*|gemini-.*|mai-.*", "/chat/completions", "reasoning_effort", "", STRANGE));

    private void rejectUnsupported(ChatEndpoint endpoint, Model model, JsonNode request) {
        UNSUPPORTED.stream().filter(row -> model.id.matches(row.models) && endpoint.path().matches(row.paths))
                .filter(row -> isGiven(request.path(row.parameter))
                        && !request.path(row.parameter).asString("").matches(row.but))
                .findFirst().ifPresent(row -> {
                    throw endpoint.rejection(row.message.formatted(row.parameter));
                });
        if (model.id.matches(OLDER) && isGiven(request.path("temperature"))
                && isGiven(request.path("top_p"))) {        // Anthropic's words
            throw endpoint.rejection("`temperature` and `top_p` cannot both be specified for this model. Please use"
                    + " only one.");
        }
        items(text("refuse")).map(item -> item.contains(":") ? item : model.id + ":" + item)
                .filter(item -> item.startsWith(model.id + ":")).map(item -> item.substring(model.id.length() + 1))
                .filter(name -> !request.at("/" + name.replace('.', '/')).isMissingNode()).findFirst()
                .ifPresent(name -> {
                    throw endpoint.rejection((name.equals("max_tokens") ? RENAMED : STRANGE).formatted(name));
                });
    }

    private static boolean isGiven(JsonNode value) { return !value.isMissingNode() && !value.isNull(); }

    private static Refusal invalid(String message) { return new Refusal(error(400, message, "invalid_request_body")); }

    /// Rejects an effort; `called` is its name on the endpoint: four refusals, as reported for Copilot (crush
    /// #2902 and xcode-assistant-copilot-server #7; jcode #558; ccs #686; Floway #6 and vscode #311629).
    private void checkEffort(Model model, String called, JsonNode effort) {
        if (!effort.isString()) { return; }
        var value = effort.asString();
        var served = text("efforts").isEmpty() ? model.efforts : items(text("efforts")).toList();
        if (model.efforts.isEmpty() && model.anthropic()) {
            throw new Refusal(error(400, "reasoning_effort \"%s\" was provided, but model %s does not support reasoning"
                    .formatted(value, model.id) + " effort", "invalid_reasoning_effort"));
        }
        if (model.efforts.isEmpty()) { throw invalid(STRANGE.formatted(called)); }
        if (served.contains(value)) { return; }
        if (model.openAI()) {
            throw invalid("Unsupported value: '%s' is not supported with the '%s' model. Supported values are: %s."
                    .formatted(value, model.id, served.stream().map("'%s'"::formatted)
                            .collect(Collectors.joining(", "))));
        }
        throw new Refusal(error(400, "%s \"%s\" is not supported by model %s; supported values: [%s]".formatted(called,
                value, model.id, String.join(" ", served)), "invalid_reasoning_effort"));
    }

    /// No source shows what a model without schemas does with one: it is ignored like json_object, unless a switch
    /// rejects it.
    private void checkSchema(Model model, String called, JsonNode type) {
        invalidIf(text("schemas").equals("refuse") && type.asString("").equals("json_schema")
                && !model.supports("structured_outputs"), model.id + " knows no " + called);
    }

    private static void checkImages(Model model, Call call, List<Image> images) {
        if (images.isEmpty()) {
            return;
        }
        if (!call.header("copilot-vision-request").equals("true")) {
            throw new Refusal(error(400, "missing required Copilot-Vision-Request header for vision requests", ""));
        }
        invalidIf(!model.supports("vision"), model.id + " sees no images");
        if (images.stream().filter(Image::isRemote).count() > MAX_REMOTE_IMAGES) {     // vscode #301668, #301770
            throw new Refusal(error(400, "too many URL images in request (max %d)".formatted(MAX_REMOTE_IMAGES), ""));
        }
        var here = images.stream().filter(image -> !image.isRemote()).toList();
        invalidIf(here.size() > model.maxImages(), "more than %d images".formatted(model.maxImages()));
        for (var image : here) {
            invalidIf(!IMAGES.contains(image.type), "media type " + image.type);
            long size = image.size();
            invalidIf(size <= 0, "an image that is not base64");
            if (size > MAX_IMAGE) {
                throw new Refusal(error(413, "failed to parse request", ""));
            }
        }
    }

    private static long tokens(String text) {
        return (utf8(text).length + 3) / 4;
    }

    /// A limit on the output includes the reasoning, which may leave no tokens for text.
    private static long room(long limit, String thought) { return Math.max(0, limit - tokens(thought)); }

    private Reply reply(Model model, ChatRequest asked, boolean auto) {
        var words = new ArrayList<String>();
        var uses = uses(asked);
        var answer = uses.isEmpty() ? replyText(model, asked.turns) : model.anthropic() ? "Let me look." : "";
        String stopped = null;
        for (var stop : asked.stops) {
            var at = answer.indexOf(stop);
            stopped = at < 0 ? stopped : stop;
            answer = at < 0 ? answer : answer.substring(0, at);
        }
        // Deltas end where words end, so that no character is cut in two.
        Pattern.compile("\\S+\\s*|\\s+").matcher(answer).results().map(MatchResult::group).forEach(words::add);
        var finish = uses.isEmpty() ? text("finish") : "tool_calls";
        for (long left = tokens(answer); left > asked.room; finish = "length") {
            answer = answer.substring(0, answer.length() - words.removeLast().length());
            left = tokens(answer);
        }
        return new Reply(model, asked, words, finish, stopped, text("reasoning").isEmpty() ? asked.thinking
                : text("reasoning"), asked.tokens(), Math.min(number("cached"), asked.tokens()), auto,
                clock.instant().getEpochSecond(), model.openAI()
                ? "chatcmpl-" + random("ABCDEFGHJKLMNPQRSTUVWXYZ", 28) : UUID.randomUUID().toString(), uses);
    }

    /// Returns the text of a reply: the switch `answer` if set; if a line of the last user message begins with `say: `,
    /// everything after that, unchanged; otherwise a sentence about the prompt.
    private String replyText(Model model, List<Turn> turns) {
        var heard = turns.stream().filter(turn -> turn.role.equals("user") && !turn.text.isBlank())
                .reduce((_, last) -> last).map(Turn::text).orElse("");
        if (!text("answer").isEmpty()) { return text("answer"); }
        var say = Pattern.compile("(?<![^\\r\\n])say: ").matcher(heard);
        if (say.find()) { return heard.substring(say.end()); }
        var line = heard.strip().replaceAll("\\s+", " ");
        long count = line.isEmpty() ? 0 : line.split(" ").length;
        long replies = turns.stream().filter(turn -> turn.role.equals("assistant")).count();
        return "%s heard %d word%s: %s%s".formatted(model.id, count, count == 1 ? "" : "s",
                line.codePoints().limit(60).mapToObj(Character::toString).collect(Collectors.joining()),
                replies == 0 ? "" : " (turn " + (replies + 1) + ")");
    }

    /// Returns the cost: prices are in AI credits per batch, a credit is 10⁹ nano (a cent); auto costs 10% less.
    private static ObjectNode credits(Reply reply) {
        var credits = JSON.createObjectNode();
        var details = JSON.createArrayNode();
        long total = 0;
        var names = List.of("input", "output", "cache_read");
        var counts = List.of(reply.promptTokens - reply.cached, reply.completionTokens() + reply.thoughtTokens(),
                reply.cached);
        for (int i = 0; i < (reply.cached > 0 ? 3 : 2); i++) {
            long cost = reply.model.price(i, reply.promptTokens) * (reply.auto ? 900 : 1000);     // nano a token
            total += counts.get(i) * cost;
            details.addObject().put("token_type", names.get(i)).put("token_count", counts.get(i))
                    .put("cost_per_batch", cost * 1_000_000).put("batch_size", 1_000_000);
        }
        credits.put("total_nano_aiu", total).set("token_details", details);
        return credits;
    }

    // ------------------------------------------------------------------------------------------- Copilot: chat

    /// `POST /chat/completions`; its parts are the methods from here to [#addUsage].
    private final class Completions implements ChatEndpoint {
        @Override
        public String path() { return "/chat/completions"; }

        @Override
        public void check(Call call) { checkRequest(call.body); }

        @Override
        public Set<String> fields() { return CHAT_FIELDS; }

        @Override
        public ChatRequest read(Model model, Call call) {
            checkAgainst(model, call.body);
            return asked(model, call.body);
        }

        @Override
        public Refusal tooLong(Model model, long tokens) { return promptTooLong(model, tokens); }

        @Override
        public Refusal rejection(String message) { return invalid(message); }

        @Override
        public Script script(Reply reply) { return simulator.this.script(reply); }

        @Override
        public ObjectNode whole(Reply reply) { return simulator.this.whole(reply); }

        @Override
        public Event trouble(String fault, int number) {
            return new Event("", !fault.equals("copilot-errors") ? MID_STREAM_ERROR : """
                    {"choices":null,"copilot_errors":[{"type":"agent","code":"agent_failed",\
                    "message":"the agent failed","agent":"simulated"}]}""");
        }

        @Override
        public Script failed(Script script) {
            return script.with(script.events.stream().map(e -> new Event("", e.data.replaceFirst(
                    "(\"finish_reason\":)\"\\w+\"", "$1\"error\""))).toList());
        }

        @Override
        public String failure(Reply reply) { return MID_STREAM_ERROR; }
    }

    private static Refusal promptTooLong(Model model, long tokens) {
        return new Refusal(error(400,
                "prompt token count of %d exceeds the limit of %d".formatted(tokens, model.prompt),
                "model_max_prompt_tokens_exceeded"));
    }

    private static void checkRequest(JsonNode request) {
        request.properties().forEach(p -> invalidIf(!fieldIsFine(p.getKey(), p.getValue(), request), p.getKey()));
        invalidIf(!request.path("messages").isArray() || request.path("messages").isEmpty(), "messages");
        request.path("messages").forEach(simulator::checkMessage);
    }

    /// The fields that clients send (vscode-copilot-chat, codecompanion.nvim, LiteLLM).
    private static final Set<String> CHAT_FIELDS = Set.of("messages", "model", "stream", "stream_options", "n", "stop",
            "logprobs", "top_logprobs", "parallel_tool_calls", "intent", "temperature", "top_p", "presence_penalty",
            "frequency_penalty", "max_tokens", "max_completion_tokens", "seed", "thinking_budget", "tools",
            "tool_choice", "functions", "function_call", "copilot_skills", "copilot_thread_id", "response_format",
            "logit_bias", "prediction", "snippy", "user", "reasoning_effort");

    private static boolean fieldIsFine(String name, JsonNode value, JsonNode request) {
        return switch (name) {
            case "messages" -> true;
            case "model" -> value.isString() || value.isNull();
            case "stream" -> value.isBoolean();
            case String _ when value.isNull() -> true;
            case "logprobs", "parallel_tool_calls", "intent" -> value.isBoolean();
            case "temperature" -> within(value, 0, 2);
            case "top_p" -> within(value, 0, 1);
            case "presence_penalty", "frequency_penalty" -> within(value, -2, 2);
            case "max_tokens", "max_completion_tokens" -> value.isIntegralNumber() && value.asLong() > 0;
            case "n" -> value.isIntegralNumber() && within(value, 1, 16);
            case "top_logprobs", "seed", "thinking_budget" -> value.isIntegralNumber();
            case "stop" -> value.isString() || value.isArray();
            case "tools" -> value.isArray() && value.size() <= 128
                    && value.valueStream().allMatch(simulator::toolIsFine);
            case "tool_choice" -> request.has("tools");
            case "functions", "copilot_skills" -> value.isArray();
            case "response_format" -> formatIsFine(value);
            case "stream_options" -> value.isObject() && request.path("stream").asBoolean(false);
            case "logit_bias", "prediction", "snippy" -> value.isObject();
            case "user", "reasoning_effort", "copilot_thread_id" -> value.isString();
            default -> true;
        };
    }

    /// Returns whether it is a string of this form; asString would accept numbers.
    private static boolean matches(JsonNode value, String form) {
        return value.isString() && value.asString().matches(form);
    }

    private static final String NAME = "[a-zA-Z0-9_-]{1,64}";

    private static boolean within(JsonNode value, double low, double high) {
        return value.isNumber() && value.asDouble() >= low && value.asDouble() <= high;
    }

    /// OpenAI's rules: a schema has a name, and where it is `strict`, every object in it names all its properties as
    /// required and allows no others.
    private static boolean formatIsFine(JsonNode format) {
        var schema = format.path("json_schema");
        return switch (format.path("type").asString("")) {
            case "text", "json_object" -> format.size() == 1;
            case "json_schema" -> schema.path("name").asString("").matches("[a-zA-Z0-9_-]{1,64}")
                    && schema.path("schema").isObject()
                    && (!schema.path("strict").asBoolean(false) || closed(schema.path("schema")));
            default -> false;
        };
    }

    private static boolean closed(JsonNode schema) {
        boolean object = schema.path("type").asString("").equals("object") || schema.path("properties").isObject();
        var required = schema.path("required").valueStream().map(JsonNode::asString).toList();
        return (!object || schema.path("additionalProperties").isBoolean()
                && !schema.path("additionalProperties").asBoolean()
                && required.containsAll(schema.path("properties").propertyNames()))
                && schema.path("properties").valueStream().allMatch(simulator::closed)
                && (schema.path("items").isMissingNode() || closed(schema.path("items")));
    }

    /// OpenAI's message, as reported for Copilot (codecompanion #2314). A schema that is not strict may be open.
    private static void checkStrict(JsonNode function, JsonNode schema) {
        if (!function.path("strict").asBoolean(false) || closed(schema)) { return; }
        var name = function.path("name").asString("");
        boolean closed = schema.path("additionalProperties").isBoolean()
                && !schema.path("additionalProperties").asBoolean();
        throw invalid("Invalid schema for function '%s': In context=(), %s.".formatted(name, closed
                || !schema.has("required") ? "'required' is required to be supplied and to be an array including every"
                + " key in properties" : "'additionalProperties' is required to be supplied and to be false"));
    }

    private static boolean toolIsFine(JsonNode tool) {
        var function = tool.path("function");
        return tool.path("type").asString("").equals("function")
                && function.path("name").asString("").matches("[a-zA-Z0-9_-]{1,64}")
                && (!function.has("parameters") || function.at("/parameters/type").asString("").equals("object"));
    }

    private static void checkMessage(JsonNode message) {
        var role = message.path("role").asString("");
        var content = message.path("content");
        invalidIf(!role.matches("system|user|assistant|tool|function|developer"), "messages: role " + role);
        invalidIf(!content.isString() && !content.isArray()
                && !(role.equals("assistant") && (content.isNull() || content.isMissingNode())), "messages: content");
        invalidIf(role.equals("tool") && !message.path("tool_call_id").isString(), "messages: tool_call_id");
        for (var part : content.isArray() ? content : JSON.createArrayNode()) {
            var fine = switch (part.path("type").asString("")) {
                case "text" -> part.path("text").isString();
                case "image_url" -> Image.ofUrl(part.at("/image_url/url").asString("")) != null;
                default -> false;       // documents and PDF parts are refused here (codecompanion.nvim)
            };
            invalidIf(!fine, "messages: content part");
        }
    }

    /// Checks that depend on the model.
    private void checkAgainst(Model model, JsonNode request) {
        var messages = request.path("messages");
        checkRoles(model, messages);
        checkSchema(model, "response_format", request.at("/response_format/type"));
        checkEffort(model, "reasoning_effort", request.path("reasoning_effort"));
        int marks = request.findValues("copilot_cache_control").size();     // vscode-copilot-chat, codecompanion.nvim
        if (marks > 4) { throw invalid(MARKS.formatted(marks)); }
        if (model.openAI()) {
            request.path("tools").forEach(tool -> checkStrict(tool.path("function"), tool.at("/function/parameters")));
        }
        if (model.openAI() || model.anthropic()) { checkCalls(model, messages); }
        var last = messages.get(messages.size() - 1);
        invalidIf(model.anthropic() && last.path("role").asString("").equals("assistant")
                && contentText(last).matches("(?s).*\\s"),
                        "final assistant content cannot end with trailing whitespace");
        // Until 2025-12 Gemini 3 refused the answer to a call without its own opaque reasoning (opencode #4468), not
        // since then (opencode PR #5346, PR #8900).
        invalidIf(model.google() && text("gemini-opaque").equals("required") && newest(messages).anyMatch(m ->
                m.has("tool_calls") && !m.path("reasoning_opaque").asString("").equals(OPAQUE)), "reasoning_opaque");
    }

    /// Returns the messages after the last one of the user.
    private static Stream<JsonNode> newest(JsonNode messages) {
        var list = messages.valueStream().toList();
        int last = list.size();
        while (last > 0 && !list.get(last - 1).path("role").asString("").equals("user")) { last--; }
        return list.stream().skip(last);
    }

    private static final String MARKS = "A maximum of 4 blocks with cache_control may be provided. Found %d.";

    /// o1 takes no system role (vscode-copilot-chat), GPT-4.1 and 4o no developer (pi's compat table, C).
    private static void checkRoles(Model model, JsonNode messages) {
        var unknown = model.id.matches("o\\d.*") ? "system" : model.id.matches("gpt-4\\.1|gpt-4o") ? "developer" : "";
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).path("role").asString().equals(unknown)) {
                throw invalid("Unsupported value: 'messages[%d].role' does not support '%s' with this model."
                        .formatted(i, unknown));
            }
        }
    }

    /// Each call is followed by its result, and each result has a call: OpenAI's message, and for Claude Anthropic's,
    /// which Copilot passes on (copilot-cli #330, #762, #1159).
    private static void checkCalls(Model model, JsonNode messages) {
        var open = new LinkedHashSet<String>();
        for (int i = 0; i < messages.size(); i++) {
            var message = messages.get(i);
            var id = message.path("tool_call_id").asString("");
            if (!message.path("role").asString().equals("tool")) {
                refuseOpen(model, i, open);
                message.path("tool_calls").forEach(call -> open.add(call.path("id").asString("")));
            } else if (!open.remove(id)) {
                throw invalid(model.anthropic() ? ("messages.%d.content.0: unexpected `tool_use_id` found in"
                        + " `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use`"
                        + " block in the previous message.").formatted(i, id) : "Invalid parameter: messages with role"
                        + " 'tool' must be a response to a preceeding message with 'tool_calls'.");
            }
        }
        refuseOpen(model, messages.size(), open);
    }

    private static void refuseOpen(Model model, int at, Set<String> open) {
        if (!open.isEmpty()) {
            var ids = String.join(", ", open);
            throw invalid(model.anthropic() ? ("messages.%d: `tool_use` ids were found without `tool_result` blocks"
                    + " immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in"
                    + " the next message.").formatted(at, ids) : "An assistant message with 'tool_calls' must be"
                    + " followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did"
                    + " not have response messages: " + ids);
        }
    }

    private static ChatRequest asked(Model model, JsonNode request) {
        var stop = request.path("stop");
        return new ChatRequest(request, request.path("messages").valueStream()
                .map(m -> new Turn(m.path("role").asString(), contentText(m))).toList(),
                request.path("messages").valueStream().flatMap(m -> m.path("content").valueStream())
                        .filter(p -> p.has("image_url")).map(p -> Image.ofUrl(p.at("/image_url/url").asString()))
                        .toList(),
                (stop.isArray() ? stop.valueStream() : Stream.of(stop)).filter(JsonNode::isString)
                        .map(JsonNode::asString).toList(),
                request.path("max_completion_tokens").asLong(request.path("max_tokens").asLong(model.output)),
                request.path("n").asInt(1), request.at("/tools/0/function/name").asString("weather"), "");
    }

    /// A message's text: its string, or its text parts one after the other.
    private static String contentText(JsonNode message) { return contentText(message, "content"); }

    private static String contentText(JsonNode message, String field) {
        var content = message.path(field);
        return content.isString() ? content.asString() : content.valueStream()
                .map(part -> part.path("text").asString("")).collect(Collectors.joining());
    }

    private static ObjectNode usage(Reply reply, boolean zero) {
        long prompt = zero ? 0 : reply.promptTokens, completion = zero ? 0 : reply.completionTokens();
        long thought = zero ? 0 : reply.thoughtTokens();
        var usage = JSON.createObjectNode().put("completion_tokens", completion + thought).put("prompt_tokens", prompt)
                .put("total_tokens", prompt + completion + thought);
        usage.putObject("prompt_tokens_details").put("cached_tokens", zero ? 0 : reply.cached);
        if (reply.model.google()) { return usage.put("reasoning_tokens", thought); }
        usage.putObject("completion_tokens_details").put("reasoning_tokens", thought)
                .put("accepted_prediction_tokens", 0).put("rejected_prediction_tokens", 0);
        return usage;
    }

    /// The answer in one piece. Claude's has no object and no index, and with tools two choices for one answer
    /// (codecompanion.nvim's recorded stubs).
    private ObjectNode whole(Reply reply) {
        var answer = JSON.createObjectNode();
        var choices = answer.putArray("choices");
        for (int i = 0; i < reply.choices(); i++) {
            var choice = choices.addObject();
            choice.put("finish_reason", reply.finish);
            if (!reply.model.anthropic()) {
                choice.put("index", i);
            }
            if (reply.model.openAI()) {
                choice.set("content_filter_results", harmless());
            }
            var message = choice.putObject("message").put("content", reply.text()).put("role", "assistant");
            if (!reply.reasoning.isEmpty() && !reply.model.openAI()) {
                message.put("reasoning_text", reply.reasoning).put("reasoning_opaque", OPAQUE);
            }
            if (reply.toolCall()) {
                if (reply.model.google()) { message.put("reasoning_opaque", OPAQUE); }   // clients send it back
                var caller = reply.model.anthropic() ? choices.addObject().put("finish_reason", reply.finish)
                        .putObject("message").putNull("content").put("role", "assistant") : message;
                var calls = caller.putArray("tool_calls");
                reply.calls().forEach(use -> calls.add(toolCall(reply, use, use.arguments).without("index")));
            }
        }
        answer.put("created", reply.created).put("id", reply.id).put("model", reply.model.version);
        if (reply.model.openAI()) {
            answer.put("object", "chat.completion").put("system_fingerprint", "fp_simulated");
            if (reply.model.bare()) { answer.remove(List.of("object", "created")); }
            answer.set("prompt_filter_results", promptFilter());
        }
        answer.set("usage", usage(reply, false));
        if (on("copilot-usage")) { answer.set("copilot_usage", credits(reply)); }
        return answer;
    }

    private static final String CITY = "{\"city\":\"London\"}";

    /// Sealed reasoning of Claude's and Gemini's.
    private static final String OPAQUE = "c2ltdWxhdGVk";

    private static ObjectNode toolCall(Reply reply, Use use, String arguments) {
        var call = JSON.createObjectNode().put("id", (reply.model.anthropic() ? "toolu_" : "call_") + use.id)
                .put("index", reply.model.anthropic() ? 0 : reply.calls().indexOf(use)).put("type", "function");
        var function = call.putObject("function").put("name", use.name);
        if (arguments != null) {
            function.put("arguments", arguments);
        }
        return call;
    }

    private static ObjectNode harmless() {
        var results = JSON.createObjectNode();
        List.of("hate", "self_harm", "sexual", "violence")
                .forEach(harm -> results.putObject(harm).put("filtered", false).put("severity", "safe"));
        return results;
    }

    private static ArrayNode promptFilter() {
        var filter = JSON.createArrayNode();
        filter.addObject().put("prompt_index", 0).set("content_filter_results", harmless());
        return filter;
    }

    // ------------------------------------------------------------------------------------------- streams

    /// A server-sent event. /chat/completions gives its events no name: "".
    private record Event(String name, String data) {
        Event cut() { return new Event(name, data.substring(0, data.length() / 2)); }
    }

    /// The events of a stream. Text deltas are from `lead` to before `close`; the finish event and what follows it
    /// begin at `tail`. `drop`: the connection breaks after the last of them. `end`: an event that comes last, cut and
    /// without a newline, or null.
    private record Script(List<Event> events, int lead, int close, int tail, boolean drop, Event end) {
        Script(List<Event> events, int lead, int close, int tail) { this(events, lead, close, tail, false, null); }

        Script with(List<Event> events) { return new Script(events, lead, close, tail, drop, end); }

        Script first(int count) { return with(events.subList(0, count)); }

        int half() { return (lead + close + 1) / 2; }

        Script dropped() { return new Script(events, lead, close, tail, true, end); }

        Script then(Event last) {
            return with(Stream.concat(events.stream(), Stream.of(last)).toList());
        }
    }

    /// The shapes differ by the model's vendor (recorded in vscode-copilot-chat's and codecompanion.nvim's tests).
    private Script script(Reply reply) {
        var events = new ArrayList<ObjectNode>();
        if (reply.model.openAI()) {
            var first = JSON.createObjectNode();
            first.putArray("choices");
            events.add(first.put("created", 0).put("id", "").set("prompt_filter_results", promptFilter()));
            each(reply, i -> events.add(opening(reply, i)));
        }
        int lead = events.size();
        if (!reply.model.openAI() && !reply.reasoning.isEmpty()) {
            each(reply, i -> events.addAll(thoughts(reply, i)));
        }
        for (var word : reply.deltas) {
            each(reply, i -> events.add(chunk(reply, i, textDelta(reply, word), null)));
        }
        if (reply.toolCall() && !reply.model.google()) {
            each(reply, i -> events.addAll(callPieces(reply, i)));
        }
        int tail = events.size();
        if (tail > lead && !reply.model.openAI()) {      // OpenAI's helper requires a role, and every record has one
            each(reply, i -> ((ObjectNode) events.get(lead + i).at("/choices/0/delta")).put("role", "assistant"));
        }
        each(reply, i -> events.add(chunk(reply, i, reply.toolCall() && reply.model.google() ? wholeCall(reply)
                : JSON.createObjectNode().putNull("content"), reply.finish)));
        addUsage(reply, events);
        if (reply.model.openAI() && !reply.reasoning.isEmpty()) {     // Azure's summary may come after the finish
            events.add(chunk(reply, 0, JSON.createObjectNode().put("cot_summary", reply.reasoning).put("cot_id",
                    "cot_1"),
                    null));
        }
        var payloads = events.stream().map(event -> new Event("", JSON.writeValueAsString(event))).toList();
        var script = new Script(payloads, lead, tail, tail);
        return on("done") ? script.then(DONE) : script;
    }

    private static final Event DONE = new Event("", "[DONE]");

    private static void each(Reply reply, IntConsumer choice) {
        IntStream.range(0, reply.choices()).forEach(choice);
    }

    private static ObjectNode opening(Reply reply, int index) {
        var delta = JSON.createObjectNode().put("content", "").put("role", "assistant").putNull("refusal");
        var chunk = chunk(reply, index, delta, null).put("object", "chat.completion.chunk")
                .put("system_fingerprint", "fp_simulated");
        if (reply.model.bare()) { chunk.remove("object"); }
        var choice = ((ObjectNode) chunk.at("/choices/0")).putNull("logprobs");
        choice.putObject("content_filter_offsets").put("check_offset", 40).put("start_offset", 40)
                .put("end_offset", 52);
        choice.putObject("content_filter_results");
        return chunk;
    }

    private static ObjectNode chunk(Reply reply, int index, ObjectNode delta, String finish) {
        var chunk = JSON.createObjectNode();
        chunk.putArray("choices").addObject().put("index", index).put("finish_reason", finish).set("delta", delta);
        if (!reply.model.bare()) { chunk.put("created", reply.created); }
        return chunk.put("id", reply.id).put("model", reply.model.version);
    }

    private static ObjectNode textDelta(Reply reply, String word) {
        var delta = JSON.createObjectNode().put("content", word);
        return reply.model.anthropic() ? delta.put("role", "assistant") : delta;
    }

    private static List<ObjectNode> thoughts(Reply reply, int index) {
        return List.of(chunk(reply, index, JSON.createObjectNode().put("content", "").put("role", "assistant")
                        .put("reasoning_text", reply.reasoning), null),
                chunk(reply, index, JSON.createObjectNode().put("content", "").put("role", "assistant")
                        .put("reasoning_opaque", OPAQUE), null));
    }

    /// Claude's first piece has no arguments key at all, the second an empty one, the others no id; its second call has
    /// index 0 again.
    private static List<ObjectNode> callPieces(Reply reply, int index) {
        var pieces = new ArrayList<ObjectNode>();
        for (var use : reply.calls()) {
            pieces.add(toolCall(reply, use, reply.model.anthropic() ? null : ""));
            for (var part : use.pieces()) {
                var piece = JSON.createObjectNode().put("index", pieces.getLast().path("index").asInt());
                piece.putObject("function").put("arguments", part);
                pieces.add(piece);
            }
        }
        return pieces.stream().map(piece -> {
            var delta = JSON.createObjectNode().putNull("content");
            delta.putArray("tool_calls").add(piece);
            return chunk(reply, index, delta, null);
        }).toList();
    }

    /// Gemini sends a call whole, in the chunk that also has the finish_reason.
    private static ObjectNode wholeCall(Reply reply) {
        var delta = JSON.createObjectNode().putNull("content").put("role", "assistant")
                .put("reasoning_opaque", OPAQUE);
        var calls = delta.putArray("tool_calls");
        reply.calls().forEach(use -> calls.add(toolCall(reply, use, use.arguments)));
        return delta;
    }

    private void addUsage(Reply reply, List<ObjectNode> events) {
        var mode = text("usage");
        if (mode.equals("none")) {
            return;
        }
        if (reply.model.google()) {
            events.forEach(event -> event.set("usage", usage(reply, true)));
        } else if (mode.equals("own-chunk")) {
            events.stream().filter(event -> !event.path("choices").isEmpty()).forEach(event -> event.putNull("usage"));
        }
        var bearer = events.getLast();
        if (mode.equals("own-chunk")) {
            bearer = JSON.createObjectNode();
            bearer.putArray("choices");
            events.add(bearer.put("created", reply.created).put("id", reply.id).put("model", reply.model.version));
        }
        bearer.set("usage", usage(reply, false));
        if (on("copilot-usage")) { bearer.set("copilot_usage", credits(reply)); }
    }

    /// Writes a stream with all the variants that server-sent events allow (WHATWG HTML, "Server-sent events").
    private void play(Script script, OutputStream out) throws IOException {
        var slow = number("drip") + number("silence") > 0;
        var text = new StringBuilder(on("bom") ? "\uFEFF" : "");
        for (int i = 0; i < script.events.size(); i++) {
            if (on("comments")) {
                text.append(": ping").append(newline().repeat(2));
            }
            if (on("malformed") && i == script.lead + 1) {
                text.append(lines(script.events.get(i).cut())).append(newline().repeat(2));
            }
            var last = i == script.events.size() - 1;
            text.append(lines(script.events.get(i)))
                    .append(last && !on("last-newline") ? "" : newline().repeat(2))
                    .append(last && script.end != null ? lines(script.end) : "");
            if (slow || last || number("chunk") == 0) {
                write(out, utf8(text.toString()));
                text.setLength(0);
            }
            if (!last && i >= script.lead) {
                pause(number("drip") + (i == script.lead ? number("silence") : 0));
            }
        }
        if (script.drop) {
            out.flush();
            throw new IOException("dropped within the stream, on purpose");
        }
    }

    private String newline() {
        return Map.of("lf", "\n", "crlf", "\r\n", "cr", "\r").get(text("newline"));
    }

    private String lines(Event event) {
        var colon = on("space") ? ": " : ":";
        return (event.name.isEmpty() ? "" : "event" + colon + event.name + newline()) + "data" + colon + event.data;
    }

    private void write(OutputStream out, byte[] bytes) throws IOException {
        int step = number("chunk") == 0 ? bytes.length : (int) number("chunk");
        for (int at = 0; at < bytes.length; at += step) {
            out.write(bytes, at, Math.min(step, bytes.length - at));
            out.flush();
        }
    }

    // ------------------------------------------------------------------------------------------- Copilot: responses

    /// `POST /responses`, OpenAI's newer API as Copilot has it (vscode-copilot-chat's responsesApi.ts; LiteLLM #30071;
    /// caozhiyuan/copilot-api PR #72; opencode #37389): nothing is stored, and ids are encrypted again for every event,
    /// so that those of one item never match.
    private final class Responses implements ChatEndpoint {
        private static final Map<String, String> MOVED = Map.of("max_tokens", "max_output_tokens",
                "max_completion_tokens", "max_output_tokens", "response_format", "text.format",
                "reasoning_effort", "reasoning.effort", "messages", "input");
        private static final Map<String, Set<String>> ITEMS = Map.of(
                "message", Set.of("type", "id", "role", "content", "status"),
                "function_call", Set.of("type", "id", "call_id", "name", "arguments", "status"),
                "function_call_output", Set.of("type", "id", "call_id", "output", "status"),
                "reasoning", Set.of("type", "id", "summary", "content", "encrypted_content", "status"));
        /// Other fields of OpenAI's reference: accepted and ignored.
        private static final String OTHERS = "(web_search|file_search|image_generation|computer|code_interpreter"
                + "|local_shell|shell|apply_patch|mcp|custom_tool|tool_search)_.*|compaction";
        private static final Set<String> FIELDS = Set.of("input", "model", "stream", "store", "parallel_tool_calls",
                "instructions", "prompt_cache_key", "previous_response_id", "max_output_tokens", "top_logprobs",
                "temperature", "top_p", "truncation", "include", "reasoning", "text", "tools", "tool_choice",
                "context_management");

        @Override
        public String path() { return "/responses"; }

        // ---- the request

        @Override
        public void check(Call call) {
            call.body.properties().forEach(p -> {
                refuseUnsupported(p.getKey(), p.getValue());
                invalidIf(!fieldIsFine(p.getKey(), p.getValue(), call.body), p.getKey());
            });
            var input = call.body.path("input");        // OpenAI's reference: "string or array", and clients send both
            invalidIf(!input.isString() && (!input.isArray() || input.isEmpty()), "input");
            var open = new LinkedHashSet<String>();     // calls without their output so far
            for (int i = 0; i < input.size(); i++) {
                checkItem("input[%d]".formatted(i), input.get(i), open);
            }
            invalidIf(!open.isEmpty(), "No tool output found for function call %s.".formatted(String.join(", ", open)));
        }

        @Override
        public Set<String> fields() { return FIELDS; }

        @Override
        public Refusal rejection(String message) { return invalid(message); }

        private void refuseUnsupported(String name, JsonNode value) {
            if (name.equals("store") && value.asBoolean(false)) {
                throw new Refusal(error(400, "store is not supported", "store_not_supported"));
            }
            if (name.equals("previous_response_id") && !value.isNull()) {
                throw new Refusal(error(400, "Previous response with id '%s' not found.".formatted(value.asString("")),
                        "previous_response_not_found"));
            }
            invalidIf(MOVED.containsKey(name), "Unsupported parameter: '%s'. In the Responses API, this parameter has"
                    .formatted(name) + " moved to '%s'.".formatted(MOVED.get(name)));
            wrongIf(name.equals("max_output_tokens") && value.isIntegralNumber() && value.asLong() < 16,
                    "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got %s"
                            .formatted(value) + " instead.");
        }

        private static void wrongIf(boolean wrong, String message) {
            if (wrong) {
                throw new Refusal(error(400, message, "invalid_value"));
            }
        }

        private boolean fieldIsFine(String name, JsonNode value, JsonNode request) {
            return switch (name) {
                case "input" -> true;
                case "model" -> value.isString() || value.isNull();
                case "stream" -> value.isBoolean();
                case "store", "parallel_tool_calls" -> value.isBoolean() || value.isNull();
                case "instructions", "prompt_cache_key" -> value.isString() || value.isNull();
                case "previous_response_id" -> true;
                case "max_output_tokens" -> value.isIntegralNumber() || value.isNull();
                case "top_logprobs" -> value.isNull() || value.isIntegralNumber() && within(value, 0, 20);
                case "temperature" -> value.isNull() || within(value, 0, 2);
                case "top_p" -> value.isNull() || within(value, 0, 1);
                case "truncation" -> value.isNull() || matches(value, "auto|disabled");
                case "include" -> value.isNull() || value.isArray() && value.valueStream().allMatch(
                        i -> matches(i, strict() ? "reasoning.encrypted_content|message.output_text.logprobs" : ".*"));
                case "reasoning" -> value.isNull() || only(value, "effort", "summary")
                        && (isAbsent(value.path("effort")) || value.path("effort").isString())
                        && (isAbsent(value.path("summary"))
                                || matches(value.path("summary"), "auto|concise|detailed"));
                case "text" -> value.isNull() || only(value, "format", "verbosity")
                        && textFormatIsFine(value.path("format"))
                        && (isAbsent(value.path("verbosity"))
                                || matches(value.path("verbosity"), "low|medium|high"));
                case "tools" -> value.isArray() && value.size() <= 128
                        && value.valueStream().allMatch(this::toolIsFine);
                case "tool_choice" -> request.has("tools") && (value.isObject() ? !value.path("type").asString("")
                        .equals("function") || value.path("name").isString() : matches(value, "none|auto|required"));
                case "context_management" -> value.isArray() && value.valueStream().allMatch(
                        m -> m.path("type").asString("").equals("compaction"));
                default -> true;
            };
        }

        private static boolean isAbsent(JsonNode value) { return value.isMissingNode() || value.isNull(); }

        private boolean only(JsonNode value, String... names) {
            return value.isObject() && (!strict() || Set.of(names).containsAll(value.propertyNames()));
        }

        /// As `response_format` of /chat/completions, but flat.
        private boolean textFormatIsFine(JsonNode format) {
            return switch (format.path("type").asString("")) {
                case "text", "json_object" -> only(format, "type");
                case "json_schema" -> only(format, "type", "name", "schema", "strict", "description")
                        && matches(format.path("name"), NAME) && format.path("schema").isObject()
                        && (!format.path("strict").asBoolean(false) || closed(format.path("schema")));
                default -> isAbsent(format);
            };
        }

        /// A function whose `strict` is absent is normalized into a strict one, whatever its schema (OpenAI's guide).
        /// Other tools, as web_search, are taken and never called (a LiteLLM fork's probe of 2026-04).
        private boolean toolIsFine(JsonNode tool) {
            if (!tool.path("type").asString("function").equals("function")) { return tool.path("type").isString(); }
            checkStrict(tool, tool.path("parameters"));
            return only(tool, "type", "name", "description", "parameters", "strict")
                    && tool.path("type").isString() && matches(tool.path("name"), NAME)
                    && (!tool.has("parameters") || tool.at("/parameters/type").asString("").equals("object"));
        }

        private void checkItem(String at, JsonNode item, Set<String> open) {
            invalidIf(!item.isObject(), at);
            var type = item.path("type").asString("message");
            if (type.equals("item_reference")) {
                throw new Refusal(error(404, "", "not_found"));
            }
            if (type.matches(OTHERS)) { return; }
            wrongIf(!ITEMS.containsKey(type), "Invalid value: '%s' (%s.type)".formatted(type, at));
            item.propertyNames().forEach(name -> invalidIf(strict() && !ITEMS.get(type).contains(name),
                    "Unknown parameter: '%s.%s'.".formatted(at, name)));
            checkId(at, type, item.path("id").asString(""));
            switch (type) {
                case "message" -> checkMessage(at, item);
                case "function_call" -> {
                    invalidIf(!matches(item.path("name"), NAME) || !item.path("arguments").isString(), at);
                    open.add(callId(at, item));
                }
                case "function_call_output" -> {
                    invalidIf(!item.path("output").isString() && !item.path("output").isArray(), at + ".output");
                    invalidIf(!open.remove(callId(at, item)), "No tool call found for function call output with"
                            + " call_id %s.".formatted(item.path("call_id").asString()));
                }
                default -> checkReasoning(at, item);
            }
        }

        /// Most accounts can send back what they received (codecompanion.nvim, gptel); for some it was
        /// refused in 2026-03 (oh-my-pi #457, opencode #17933).
        private void checkId(String at, String type, String id) {
            if (text("ids").equals("any") || id.isEmpty()) { return; }
            var start = Map.of("message", "msg", "reasoning", "rs").getOrDefault(type, "fc");
            if (id.length() > 64) {
                throw invalid("Invalid '%s.id': string too long. Expected a string with maximum length 64, but got a"
                        .formatted(at) + " string with length %d instead.".formatted(id.length()));
            }
            if (!id.startsWith(start)) {
                throw invalid("Invalid '%s.id': '%s'. Expected an ID that begins with '%s'.".formatted(at, id, start));
            }
        }

        private static String callId(String at, JsonNode item) {
            var id = item.path("call_id").asString("");
            invalidIf(id.isEmpty() || id.length() > 64, at + ".call_id: string of 1 to 64 characters");
            return id;
        }

        private void checkMessage(String at, JsonNode item) {
            var role = item.path("role").asString("");
            wrongIf(!role.matches("user|system|developer|assistant"), "Invalid value: '%s' (%s.role). Supported values"
                    .formatted(role, at) + " are: 'assistant', 'system', 'developer', and 'user'.");
            var content = item.path("content");         // "string or array": CopilotChat.nvim, pi and ai send strings
            invalidIf(!content.isString() && !content.isArray(), at + ".content: a string or an array is expected");
            for (var part : content) {
                var type = part.path("type").asString("");
                var known = role.equals("assistant") ? "output_text|refusal" : "input_text|input_image|input_file";
                wrongIf(!type.matches(known), "Invalid value: '%s' (%s.content). Supported values are: %s."
                        .formatted(type, at, known.replace("|", ", ")));
                invalidIf(!switch (type) {
                    case "output_text" -> only(part, "type", "text", "annotations", "logprobs")
                            && part.path("text").isString() && (!part.has("annotations")
                                    || part.path("annotations").isArray());
                    case "refusal" -> only(part, "type", "refusal") && part.path("refusal").isString();
                    case "input_text" -> only(part, "type", "text") && part.path("text").isString();
                    // vscode's responsesApi.ts sends the data, OpenAI's reference has the other two as well
                    case "input_file" -> only(part, "type", "filename", "file_data", "file_url", "file_id", "detail")
                            && Stream.of("file_data", "file_url", "file_id").anyMatch(n -> part.path(n).isString());
                    default -> only(part, "type", "image_url", "detail") && role.equals("user")
                            && (!part.has("detail") || matches(part.path("detail"), "low|high|auto|original"))
                            && Image.ofUrl(part.path("image_url").asString("")) != null;
                }, at + ".content: " + type);
            }
        }

        /// Encrypted content can be sent back unchanged or without its id (openclaw #72602).
        private static void checkReasoning(String at, JsonNode item) {
            invalidIf(!item.path("summary").isArray(), at + ".summary");
            var sealed = item.path("encrypted_content").asString("");
            var id = item.path("id").asString("");
            if (sealed.isEmpty()) { return; }
            if (!sealed.startsWith(SEAL) || item.has("id") && !sealed.equals(sealed(id))) {
                throw new Refusal(error(400, ("The encrypted content for item %s could not be verified. Reason:"
                        + " Encrypted content item_id did not match the target item id.").formatted(id),
                        "invalid_request_body"));
            }
        }

        @Override
        public ChatRequest read(Model model, Call call) {
            var request = call.body;
            var effort = request.at("/reasoning/effort").asString("");
            checkEffort(model, "reasoning.effort", request.at("/reasoning/effort"));
            wrongIf(request.path("max_output_tokens").asLong(0) > model.output, "Invalid 'max_output_tokens': integer"
                    + " above maximum value. Expected a value <= %d.".formatted(model.output));
            var format = request.at("/text/format/type").asString("");
            checkSchema(model, "text.format", request.at("/text/format/type"));
            var thought = effort.matches("|none") ? "" : "Thought about it with %s effort.".formatted(effort);
            var turns = turns(request);
            invalidIf(format.equals("json_object") && turns.stream().skip(request.has("instructions") ? 1 : 0)
                    .noneMatch(turn -> turn.text.toLowerCase(Locale.ROOT).contains("json")), "Response input messages"
                    + " must contain the word 'json' in some form to use 'text.format' of type 'json_object'.");
            var images = request.path("input").valueStream().flatMap(item -> item.path("content").valueStream())
                    .filter(part -> part.has("image_url")).map(part -> Image.ofUrl(part.path("image_url").asString()))
                    .toList();
            return new ChatRequest(request, turns, images, List.of(),
                    room(request.path("max_output_tokens").asLong(model.output), thought), 1,
                    request.at("/tools/0/name").asString("weather"), thought);
        }

        private static List<Turn> turns(JsonNode request) {
            var turns = new ArrayList<Turn>();
            if (request.path("instructions").isString()) {
                turns.add(new Turn("system", request.path("instructions").asString()));
            }
            if (request.path("input").isString()) {
                turns.add(new Turn("user", request.path("input").asString()));
            }
            for (var item : request.path("input")) {
                switch (item.path("type").asString("message")) {
                    case "message" -> turns.add(new Turn(item.path("role").asString(), contentText(item)));
                    case "function_call_output" -> turns.add(new Turn("tool", contentText(item, "output")));
                    case "function_call" -> {       // one turn with the text that it follows and with its like
                        if (turns.isEmpty() || !turns.getLast().role.equals("assistant")) {
                            turns.add(new Turn("assistant", ""));
                        }
                    }
                    default -> { }
                }
            }
            return turns;
        }

        @Override
        public Refusal tooLong(Model model, long tokens) {
            return new Refusal(error(400, "Your input exceeds the context window of this model. Please adjust your"
                    + " input and try again.", "context_length_exceeded"));
        }

        // ---- the answer

        private static final String SEAL = "gAAAAAB";

        /// All ids that one item was given fit what was sealed for it (JERY's live test of replays, LiteLLM PR #30072);
        /// what they have in common is their end.
        private static String sealed(String id) {
            return SEAL + uuid(id.substring(Math.max(0, id.length() - 8)).hashCode()).replace("-", "").repeat(12);
        }

        /// Returns an id like those of Copilot: some 400 characters, different each time.
        private static String blob() {
            var bytes = new byte[300];
            ThreadLocalRandom.current().nextBytes(bytes);
            return Base64.getEncoder().encodeToString(bytes);
        }

        private static String status(Reply reply) {
            return reply.finish.matches("length|content_filter") ? "incomplete" : "completed";
        }

        private ObjectNode response(Reply reply, String status) {
            var request = reply.asked.request;
            var response = JSON.createObjectNode().put("id", blob()).put("object", "response")
                    .put("created_at", reply.created).put("status", status).putNull("error");
            if (status.equals("incomplete")) {
                response.putObject("incomplete_details").put("reason",
                        reply.finish.equals("length") ? "max_output_tokens" : reply.finish);
            } else {
                response.putNull("incomplete_details");
            }
            response.set("instructions", request.path("instructions").isString() ? request.get("instructions")
                    : JSON.nullNode());
            response.put("model", reply.model.id).putArray("output");
            response.put("parallel_tool_calls", true).putNull("previous_response_id").put("store", false)
                    .put("truncation", request.path("truncation").asString("disabled")).putNull("usage");
            return response;
        }

        private ObjectNode ended(Reply reply) {
            var response = response(reply, status(reply));
            items(reply).forEach(response.withArray("output")::add);
            if (!text("usage").equals("none")) {
                response.set("usage", usage(reply));
            }
            return response;
        }

        private static ObjectNode usage(Reply reply) {
            long output = reply.completionTokens() + reply.thoughtTokens();
            var usage = JSON.createObjectNode().put("input_tokens", reply.promptTokens);
            usage.putObject("input_tokens_details").put("cached_tokens", reply.cached);
            usage.put("output_tokens", output).putObject("output_tokens_details")
                    .put("reasoning_tokens", reply.thoughtTokens());
            return usage.put("total_tokens", reply.promptTokens + output);
        }

        /// Returns the complete items of the output.
        private List<ObjectNode> items(Reply reply) {
            var items = new ArrayList<ObjectNode>();
            if (!reply.reasoning.isEmpty()) {
                items.add(reasoning(reply, summary(reply)));
            }
            if (speaks(reply)) {
                var message = message(status(reply));
                message.withArray("content").add(part(reply.text()));
                items.add(message);
            }
            reply.calls().forEach(use -> items.add(functionCall(use, "completed", use.arguments)));
            return items;
        }

        /// No message comes before a bare call, nor after reasoning that used up all the tokens.
        private static boolean speaks(Reply reply) {
            return !reply.deltas.isEmpty() || !reply.toolCall() && !(reply.finish.equals("length")
                    && !reply.reasoning.isEmpty());
        }

        /// The switch `reasoning` always has a summary; reasoning by effort has one only if requested.
        private String summary(Reply reply) {
            return on("summaries") && (!text("reasoning").isEmpty()
                    || reply.asked.request.at("/reasoning/summary").isString()) ? reply.reasoning : "";
        }

        private static ObjectNode reasoning(Reply reply, String summary) {
            var id = blob() + String.format("%08x", reply.id.hashCode());
            var item = JSON.createObjectNode().put("id", id).put("type", "reasoning");
            var parts = item.putArray("summary");
            if (!summary.isEmpty()) {
                parts.addObject().put("type", "summary_text").put("text", summary);
            }
            if (reply.asked.request.path("include").valueStream()
                    .anyMatch(i -> i.asString().equals("reasoning.encrypted_content"))) {
                item.put("encrypted_content", sealed(id));
            }
            return item;
        }

        private static ObjectNode message(String status) {
            var item = JSON.createObjectNode().put("id", blob()).put("type", "message").put("status", status)
                    .put("role", "assistant");
            item.putArray("content");
            return item;
        }

        private static ObjectNode part(String text) {
            var part = JSON.createObjectNode().put("type", "output_text").put("text", text);
            part.putArray("annotations");
            part.putArray("logprobs");
            return part;
        }

        private static ObjectNode functionCall(Use use, String status, String arguments) {
            return JSON.createObjectNode().put("id", blob()).put("type", "function_call").put("status", status)
                    .put("call_id", "call_" + use.id).put("name", use.name).put("arguments", arguments);
        }

        @Override
        public ObjectNode whole(Reply reply) { return billed(reply, ended(reply)); }

        private ObjectNode billed(Reply reply, ObjectNode answer) {
            if (!text("usage").equals("none")) {
                if (on("copilot-usage")) { answer.set("copilot_usage", credits(reply)); }
            }
            return answer.set("copilot_quota_snapshots", quotaSnapshots());
        }

        @Override
        public Script script(Reply reply) {
            var stream = new ArrayList<Event>();
            add(stream, "response.created", around(response(reply, "in_progress")));
            add(stream, "response.in_progress", around(response(reply, "in_progress")));
            int index = 0;
            if (!reply.reasoning.isEmpty()) {
                think(stream, reply, index++);
            }
            int lead = stream.size() + (speaks(reply) ? 2 : 0);
            if (speaks(reply)) {
                speak(stream, reply, index++);
            }
            for (var use : reply.calls()) {
                callFunction(stream, use, index++);
            }
            int tail = stream.size();
            add(stream, "response." + status(reply), billed(reply, around(ended(reply))));
            var script = new Script(stream, lead, lead + reply.deltas.size(), tail);
            return on("responses-done") ? script.then(DONE) : script;
        }

        private static ObjectNode around(ObjectNode response) {
            return JSON.createObjectNode().set("response", response);
        }

        private static void add(List<Event> stream, String type, ObjectNode fields) {
            var data = JSON.createObjectNode().put("type", type).put("sequence_number", stream.size());
            data.setAll(fields);
            stream.add(new Event(type, JSON.writeValueAsString(data)));
        }

        private static ObjectNode item(int index, ObjectNode item) {
            return JSON.createObjectNode().put("output_index", index).set("item", item);
        }

        private static ObjectNode place(int index) {
            return JSON.createObjectNode().put("item_id", blob()).put("output_index", index);
        }

        private void think(List<Event> stream, Reply reply, int index) {
            var summary = summary(reply);
            add(stream, "response.output_item.added", item(index, reasoning(reply, "")));
            if (!summary.isEmpty()) {
                Supplier<ObjectNode> here = () -> place(index).put("summary_index", 0);
                add(stream, "response.reasoning_summary_part.added", here.get()
                        .set("part", JSON.createObjectNode().put("type", "summary_text").put("text", "")));
                Pattern.compile("\\S+\\s*|\\s+").matcher(summary).results().forEach(word ->
                        add(stream, "response.reasoning_summary_text.delta", here.get().put("delta", word.group())
                                .put("obfuscation", "x")));
                add(stream, "response.reasoning_summary_text.done", here.get().put("text", summary));
                add(stream, "response.reasoning_summary_part.done", here.get()
                        .set("part", JSON.createObjectNode().put("type", "summary_text").put("text", summary)));
            }
            add(stream, "response.output_item.done", item(index, reasoning(reply, summary)));
        }

        private static void speak(List<Event> stream, Reply reply, int index) {
            Supplier<ObjectNode> here = () -> place(index).put("content_index", 0);
            add(stream, "response.output_item.added", item(index, message("in_progress")));
            add(stream, "response.content_part.added", here.get().set("part", part("")));
            for (var word : reply.deltas) {
                var delta = here.get().put("delta", word);
                delta.putArray("logprobs");
                add(stream, "response.output_text.delta", delta.put("obfuscation", "x".repeat(word.length() % 7)));
            }
            var done = here.get().put("text", reply.text());
            done.putArray("logprobs");
            add(stream, "response.output_text.done", done);
            add(stream, "response.content_part.done", here.get().set("part", part(reply.text())));
            var message = message(status(reply));
            message.withArray("content").add(part(reply.text()));
            add(stream, "response.output_item.done", item(index, message));
        }

        private static void callFunction(List<Event> stream, Use use, int index) {
            add(stream, "response.output_item.added", item(index, functionCall(use, "in_progress", "")));
            for (var piece : use.pieces()) {
                add(stream, "response.function_call_arguments.delta", place(index).put("delta", piece)
                        .put("obfuscation", "x"));
            }
            add(stream, "response.function_call_arguments.done", place(index).put("arguments", use.arguments));
            add(stream, "response.output_item.done", item(index, functionCall(use, "completed", use.arguments)));
        }

        /// `copilot-errors` is the error as it comes over a WebSocket (vscode-copilot-chat).
        @Override
        public Event trouble(String fault, int number) {
            var data = JSON.createObjectNode().put("type", "error");
            if (fault.equals("copilot-errors")) {
                data.putObject("error").put("code", "internal_error").put("message", MISHAP);
                data.putObject("copilot_quota_snapshots");
            } else {
                data.put("sequence_number", number).put("code", "internal_error").put("message", MISHAP)
                        .putNull("param");
            }
            return new Event("error", JSON.writeValueAsString(data));
        }

        @Override
        public Script failed(Script script) {
            var last = (ObjectNode) JSON.readTree(script.events.get(script.tail).data);
            last.put("type", "response.failed");
            fail((ObjectNode) last.path("response"));
            last.remove("copilot_usage");
            return script.first(script.tail).then(new Event("response.failed", JSON.writeValueAsString(last)));
        }

        @Override
        public String failure(Reply reply) {
            var response = response(reply, "failed");
            fail(response);
            return JSON.writeValueAsString(response);
        }

        private static void fail(ObjectNode response) {
            response.put("status", "failed").putNull("usage").putArray("output");
            response.putObject("error").put("code", "server_error").put("message", MISHAP);
        }
    }

    // ------------------------------------------------------------------------------------------- Copilot: messages

    /// `POST /v1/messages`, Anthropic's API as Copilot has it (vscode-copilot-chat's messagesApi.ts; LiteLLM PR
    /// #28054): "Extra inputs are not permitted" is quoted for some members and returned for these only.
    private final class Messages implements ChatEndpoint {
        /// Anthropic publishes some every month (SDK 1.14 knows sixty): a name and a date will do.
        private static final String BETA = "[a-z0-9-]+-20\\d{2}-?\\d{2}-?\\d{2}";
        private static final Set<String> FIELDS = Set.of("model", "max_tokens", "stream", "temperature", "top_p",
                "top_k", "stop_sequences", "system", "messages", "tools", "tool_choice", "thinking", "output_config",
                "context_management", "metadata", "cache_control");
        /// Members that are refused by name and where, as users of proxies for Claude Code report (B); defer_loading
        /// belongs to a beta. That tools may say eager_input_streaming to all models but Claude 4.5 is opencode #23257.
        private static final Map<String, String> REFUSED = Map.of("scope", "cache_control", "defer_loading", "tools",
                "inference_geo", "");
        private static final String EAGER = "eager_input_streaming";
        private static final String EXTRA = "Extra inputs are not permitted";
        /// Anthropic's message (claude-code #7365). According to a comment in vscode `$schema` causes it, but
        /// the tools of @ai-sdk/anthropic all have one: hence a switch.
        private static final String NO_SCHEMA = ".input_schema: JSON schema is invalid. It must match JSON Schema draft"
                + " 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at"
                + " https://docs.claude.com/en/docs/tool-use.";

        @Override
        public String path() { return "/v1/messages"; }

        // ---- the request

        @Override
        public Set<String> fields() { return FIELDS; }

        @Override
        public Refusal rejection(String message) {
            var body = JSON.createObjectNode();
            if (text("messages-errors").equals("flat")) {
                body.put("message", message);
            } else {
                body.put("type", "error").putObject("error").put("type", "invalid_request_error").put("message",
                        message);
                body.put("request_id", "req_" + random("abcdefghjkmnpqrstuvwxyz0123456789", 24));
            }
            return new Refusal(Answer.text(400, JSON.writeValueAsString(body)));
        }

        private void refuseIf(boolean wrong, String message) {
            if (wrong) { throw rejection(message); }
        }

        /// anthropic-version is left out by caozhiyuan/copilot-api, and the newest SDK's is in no source: neither is
        /// looked at.
        @Override
        public void check(Call call) {
            refuseIf(!call.body.has("max_tokens"), "max_tokens: Field required");
            checkAll(call);
        }

        private void checkAll(Call call) {
            var betas = simulator.items(call.header("anthropic-beta")).collect(Collectors.toSet());
            var refused = simulator.items(text("refused-betas")).toList();
            var strange = simulator.items(call.header("anthropic-beta"))
                    .filter(beta -> !beta.matches(BETA) || refused.contains(beta)).collect(Collectors.joining(", "));
            if (!strange.isEmpty()) {       // caozhiyuan PR #103, word for word
                throw new Refusal(error(400, "unsupported beta header(s): " + strange, "invalid_request_body"));
            }
            refuseIf(!call.body.has("messages"), "messages: Field required");
            checkMembers("", call.body, betas);
            call.body.properties().forEach(p -> checkField(p.getKey(), p.getValue(), betas));
            var body = call.body;
            refuseIf(body.has("tool_choice") && !body.has("tools"), "tool_choice: may only be given with tools");
            boolean thinks = !body.at("/thinking/type").asString("disabled").equals("disabled");
            refuseIf(thinks && body.has("temperature") && body.path("temperature").asDouble() != 1,
                    "`temperature` may only be set to 1 when thinking is enabled");
            refuseIf(thinks && body.at("/tool_choice/type").asString("").matches("any|tool"),
                    "Thinking may not be enabled when tool_choice forces tool use.");
            refuseIf(body.at("/thinking/budget_tokens").asLong(0) >= body.path("max_tokens").asLong(Long.MAX_VALUE),
                    "`max_tokens` must be greater than `thinking.budget_tokens`");
            int marks = body.findValues("cache_control").size();
            refuseIf(marks > 4, MARKS.formatted(marks));
        }

        /// Walks through a request for the members that are refused by name.
        private void checkMembers(String at, JsonNode node, Set<String> betas) {
            for (int i = 0; node.isArray() && i < node.size(); i++) {
                checkMembers(at + i + ".", node.get(i), betas);
            }
            node.properties().forEach(p -> {
                var place = REFUSED.get(p.getKey());
                boolean here = place != null && (place.isEmpty() ? at.isEmpty()
                        : at.matches("(.*\\.)?" + place + "(\\.\\d+)?\\."));
                boolean welcome = betas.contains("advanced-tool-use-2025-11-20") && "tools".equals(place);
                refuseIf(here && !welcome, at.replace("cache_control.", "cache_control.ephemeral.")
                        .replaceFirst("^(tools\\.\\d+\\.)$", "$1custom.") + p.getKey() + ": " + EXTRA);
                if (!p.getKey().matches("input|input_schema|metadata")) {
                    checkMembers(at + p.getKey() + ".", p.getValue(), betas);
                }
            });
        }

        private void checkField(String name, JsonNode value, Set<String> betas) {
            switch (name) {
                case "model" -> refuseIf(!value.isString() && !value.isNull(), "model: Input should be a valid string");
                case "max_tokens" -> {
                    refuseIf(!value.isIntegralNumber(), "max_tokens: Input should be a valid integer");
                    refuseIf(value.asLong() < 1, "max_tokens: Input should be greater than or equal to 1");
                }
                case "stream" -> refuseIf(!value.isBoolean(), "stream: Input should be a valid boolean");
                case "temperature", "top_p" -> {
                    refuseIf(!value.isNumber(), name + ": Input should be a valid number");
                    refuseIf(!within(value, 0, 1), "%s: Input should be %s than or equal to %s".formatted(name,
                            value.asDouble() > 1 ? "less" : "greater", value.asDouble() > 1 ? 1 : 0));
                }
                case "stop_sequences" -> {
                    refuseIf(!value.isArray(), "stop_sequences: Input should be a valid list");
                    value.forEach(stop -> refuseIf(!matches(stop, "(?s).*\\S.*"),
                            "stop_sequences: each stop sequence must contain non-whitespace"));
                }
                case "system" -> checkSystem(value);
                case "messages" -> checkMessages(value, betas.contains(SYSTEM_BETA));
                case "tools" -> checkTools(value);
                case "tool_choice" -> refuseIf(!matches(value.path("type"), "auto|any|tool|none")
                                || value.path("type").asString().equals("tool") != value.path("name").isString(),
                        "tool_choice: Input tag should be one of 'auto', 'any', 'tool', 'none'");
                case "thinking" -> checkThinking(value);
                case "cache_control" -> refuseIf(!matches(value.path("type"), "ephemeral"),
                        "cache_control: Input tag should be 'ephemeral'");
                case "output_config" -> {
                    only("output_config", value, "effort", "format");       // @ai-sdk/anthropic sends either alone
                    refuseIf(value.has("effort") && !value.path("effort").isString(),
                            "output_config.effort: Input should be a valid string");
                    var format = value.path("format");
                    refuseIf(value.has("format") && !(matches(format.path("type"), "json_schema")
                            && format.path("schema").isObject()), "output_config.format: Input should be a schema");
                }
                case "context_management" -> refuseIf(!betas.contains("context-management-2025-06-27"),
                        "context_management: " + EXTRA);        // LiteLLM PR #28054
                default -> refuseIf(strict() && !FIELDS.contains(name), name + ": " + EXTRA);
            }
        }

        private void only(String at, JsonNode value, String... names) {
            refuseIf(!value.isObject(), at + ": Input should be an object");
            value.propertyNames().forEach(name ->
                    refuseIf(strict() && !Set.of(names).contains(name), at + "." + name + ": " + EXTRA));
        }

        private void checkThinking(JsonNode value) {
            switch (value.path("type").asString("")) {
                case "enabled" -> {
                    only("thinking", value, "type", "budget_tokens");
                    refuseIf(!value.path("budget_tokens").isIntegralNumber(),
                            "thinking.enabled.budget_tokens: Field required");
                    refuseIf(value.path("budget_tokens").asLong() < 1024,
                            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
                }
                case "adaptive" -> {        // `display` requests readable reasoning (pi #3292)
                    only("thinking.adaptive", value, "type", "display");
                    refuseIf(value.has("display") && !matches(value.path("display"), "summarized|omitted"),
                            "thinking.adaptive.display: Input should be 'summarized' or 'omitted'");
                }
                case "disabled" -> only("thinking.disabled", value, "type");
                default -> refuseIf(true, "thinking: Input tag should be one of 'adaptive', 'disabled', 'enabled'");
            }
        }

        private void checkSystem(JsonNode value) {
            refuseIf(!value.isString() && !value.isArray(), "system: Input should be a valid string or list");
            for (int i = 0; i < value.size(); i++) {
                checkBlock("system." + i, value.get(i), "text");
            }
        }

        private void checkTools(JsonNode value) {
            refuseIf(!value.isArray() || value.size() > 128, "tools: Input should be a valid list");
            for (int i = 0; i < value.size(); i++) {
                var at = "tools.%d.custom".formatted(i);
                if (matches(value.get(i).path("type"), "[a-z_]+_20\\d{6}")) { continue; }      // Anthropic's own tools
                only(at, value.get(i), "type", "name", "description", "input_schema", "cache_control", EAGER);
                refuseIf(!matches(value.get(i).path("name"), NAME),
                        at + ".name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'");
                checkMark(at, value.get(i));
                var schema = value.get(i).path("input_schema");
                refuseIf(!schema.path("type").asString("").equals("object")
                        || text("tool-schema").equals("strict") && schema.has("$schema"), at + NO_SCHEMA);
            }
        }

        /// Claude Code's notes within a conversation (code.claude.com, gateway protocol; Jer-y/copilot-proxy sends it).
        private static final String SYSTEM_BETA = "mid-conversation-system-2026-04-07";

        private void checkMessages(JsonNode messages, boolean systems) {
            refuseIf(!messages.isArray(), "messages: Input should be a valid list");
            refuseIf(messages.isEmpty(), "messages: at least one message is required");
            var calls = Set.<String>of();
            for (int i = 0; i < messages.size(); i++) {
                var message = messages.get(i);
                var at = "messages." + i;
                only(at, message, "role", "content");
                var role = message.path("role").asString("");
                if (role.equals("system") && systems && i > 0) { continue; }
                refuseIf(role.equals("system"), "messages: Unexpected role \"system\". The Messages API accepts a"
                        + " top-level `system` parameter, not \"system\" as an input message role.");
                refuseIf(!role.matches("user|assistant"), at + ".role: Input should be 'user' or 'assistant'");
                checkContent(at, role, message.path("content"), calls);
                var answered = message.path("content").valueStream()
                        .map(block -> block.path("tool_use_id").asString("")).toList();
                refuseIf(!answered.containsAll(calls), at + ": `tool_use` ids were found without `tool_result` blocks"
                        + " immediately after: " + String.join(", ", calls));
                calls = message.path("content").valueStream().filter(block -> block.path("type").asString("")
                        .equals("tool_use")).map(block -> block.path("id").asString()).collect(Collectors.toSet());
            }
            refuseIf(messages.get(0).path("role").asString().equals("assistant"),
                    "messages: first message must use the \"user\" role");
        }

        private void checkContent(String at, String role, JsonNode content, Set<String> calls) {
            refuseIf(!content.isString() && !content.isArray(),
                    at + ".content: Input should be a valid string or list");
            refuseIf(content.isString() ? content.asString().isEmpty() : content.isEmpty(),
                    at + ": all messages must have non-empty content");
            refuseIf(content.isString() && content.asString().isBlank(),
                    "messages: text content blocks must contain non-whitespace text");
            for (int i = 0; i < content.size(); i++) {
                var here = "%s.content.%d".formatted(at, i);
                checkBlock(here, content.get(i), role.equals("user") ? "text|image|document|tool_result"
                        : "text|tool_use|thinking|redacted_thinking");
                var id = content.get(i).path("tool_use_id");
                refuseIf(id.isString() && !calls.contains(id.asString()), here + ": unexpected `tool_use_id` found in"
                        + " `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use`"
                        .formatted(id.asString()) + " block in the previous message.");
            }
        }

        private void checkMark(String at, JsonNode bearer) {
            refuseIf(bearer.has("cache_control") && !bearer.at("/cache_control/type").asString("").equals("ephemeral"),
                    at + ".cache_control: Input tag should be 'ephemeral'");
        }

        private void checkBlock(String at, JsonNode block, String types) {
            var type = block.path("type").asString("");
            refuseIf(!type.matches(types), "%s: Input tag '%s' found using 'type' does not match any of the expected"
                    .formatted(at, type) + " tags: '%s'".formatted(types.replace("|", "', '")));
            checkMark(at, block);
            switch (type) {
                case "text" -> {
                    only(at + ".text", block, "type", "text", "cache_control");
                    refuseIf(!block.path("text").isString(), at + ".text.text: Input should be a valid string");
                    refuseIf(block.path("text").asString().isEmpty(),
                            "messages: text content blocks must be non-empty");
                    refuseIf(block.path("text").asString().isBlank(),
                            "messages: text content blocks must contain non-whitespace text");
                }
                case "image" -> {
                    only(at + ".image", block, "type", "source", "cache_control");
                    checkSource(at + ".image.source", block.path("source"), "base64|url", ".*");
                }
                case "tool_reference" -> {      // what a search for tools found (vscode's messagesApi.ts)
                    only(at + ".tool_reference", block, "type", "tool_name", "cache_control");
                    refuseIf(!block.path("tool_name").isString(), at + ".tool_reference.tool_name: Field required");
                }
                case "document" -> {        // vscode-copilot-chat PR #4473
                    only(at + ".document", block, "type", "source", "title", "context", "citations", "cache_control");
                    checkSource(at + ".document.source", block.path("source"), "base64|text|url",
                            "application/pdf|text/plain");
                }
                case "tool_use" -> {
                    only(at + ".tool_use", block, "type", "id", "name", "input", "cache_control");
                    refuseIf(!block.path("id").isString() || !matches(block.path("name"), NAME)
                            || !block.path("input").isObject(), at + ".tool_use.input: Input should be an object");
                }
                case "tool_result" -> {
                    only(at + ".tool_result", block, "type", "tool_use_id", "content", "is_error", "cache_control");
                    refuseIf(!block.path("tool_use_id").isString(), at + ".tool_result.tool_use_id: Field required");
                    refuseIf(block.has("is_error") && !block.path("is_error").isBoolean(),
                            at + ".tool_result.is_error: Input should be a valid boolean");
                    var content = block.path("content");
                    refuseIf(!content.isMissingNode() && !content.isString() && !content.isArray(),
                            at + ".tool_result.content: Input should be a valid string or list");
                    for (int i = 0; i < content.size(); i++) {
                        checkBlock("%s.tool_result.content.%d".formatted(at, i), content.get(i),
                                "text|image|document|tool_reference");
                    }
                }
                case "thinking" -> {
                    only(at + ".thinking", block, "type", "thinking", "signature");
                    refuseIf(!block.path("signature").asString("").equals(
                            signature(block.path("thinking").asString(""))), at + ": Invalid `signature` in `thinking`"
                            + " block");
                }
                default -> {
                    only(at + ".redacted_thinking", block, "type", "data");
                    refuseIf(!block.equals(redacted()), at + ": Invalid `data` in `redacted_thinking` block");
                }
            }
        }

        /// A source of one of these kinds: data has a type, a remote one has a URL (vscode's messagesApi.ts).
        private void checkSource(String at, JsonNode source, String kinds, String types) {
            var kind = source.path("type").asString("");
            refuseIf(!kind.matches(kinds), "%s: Input tag '%s' found using 'type' does not match any of the expected"
                    .formatted(at, kind) + " tags: '%s'".formatted(kinds.replace("|", "', '")));
            boolean away = kind.equals("url");
            only(at, source, away ? new String[]{"type", "url"} : new String[]{"type", "media_type", "data"});
            refuseIf(away && !matches(source.path("url"), "https://.*"), at + ".url: Only HTTPS URLs are supported.");
            refuseIf(!away && (!matches(source.path("media_type"), types) || !source.path("data").isString()),
                    at + ": Input should be %s, media_type and data".formatted(kind));
        }

        @Override
        public ChatRequest read(Model model, Call call) {
            var request = call.body;
            // The maximum is that of the model, whatever the model list says (@ai-sdk/anthropic's table). B-
            long most = model.id.matches(ADAPTIVE) ? 128_000 : model.output;
            refuseIf(request.path("max_tokens").asLong() > most, "max_tokens: %s > %d, which is the maximum"
                    .formatted(request.path("max_tokens"), most) + " allowed number of output tokens for " + model.id);
            checkModel(model, request);
            var thinking = request.at("/thinking/type").asString("disabled");
            var blocks = request.path("messages").valueStream().flatMap(m -> m.path("content").valueStream())
                    .flatMap(b -> Stream.concat(Stream.of(b), b.path("content").valueStream()));
            var images = blocks.filter(b -> b.path("type").asString("").equals("image")).map(b ->
                    b.at("/source/url").isString() ? Image.ofUrl(b.at("/source/url").asString()) : new Image(
                            b.at("/source/media_type").asString(), b.at("/source/data").asString())).toList();
            var thought = thinking.equals("disabled") ? "" : "Thought about it.";
            return new ChatRequest(request, turns(request), images,
                    request.path("stop_sequences").valueStream().map(JsonNode::asString).toList(),
                    room(request.path("max_tokens").asLong(), thought), 1,
                    request.at("/tools/0/name").asString("weather"), thought);
        }

        private void checkModel(Model model, JsonNode request) {
            var thinking = request.at("/thinking/type").asString("");
            refuseIf(thinking.equals("enabled") && !model.supports("budget"), "\"thinking.type.enabled\" is not"
                    + " supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to"
                    + " control thinking behavior.");
            refuseIf(thinking.equals("adaptive") && !model.supports("adaptive_thinking"),
                    "adaptive thinking is not supported on this model");
            checkEffort(model, "output_config.effort", request.at("/output_config/effort"));
            checkThoughts(thinking, request.path("messages"));
            checkEnd(model, request.path("messages"));
            // caozhiyuan's preprocess.ts takes it off for these (and Sonnet 4.6); the words are not known. C
            refuseIf(model.id.matches(OLDER) && request.has("cache_control"), "cache_control: " + EXTRA);
            for (int i = 0; i < request.path("tools").size(); i++) {
                refuseIf(model.id.matches(OLDER) && request.path("tools").get(i).has(EAGER),
                        "tools.%d.custom.%s: %s".formatted(i, EAGER, EXTRA));
            }
        }

        /// While it thinks, the thoughts of the turn whose calls are answered come back (Anthropic's documentation).
        private void checkThoughts(String thinking, JsonNode messages) {
            int last = messages.size() - 2;
            boolean answers = messages.path(last + 1).path("content").valueStream()
                    .anyMatch(block -> block.has("tool_use_id"));
            if (last < 0 || !answers || !thinking.equals("enabled")) { return; }
            var first = messages.get(last).path("content").path(0).path("type").asString("");
            refuseIf(!first.endsWith("thinking"), ("messages.%d.content.0.type: Expected `thinking` or"
                    + " `redacted_thinking`, but found `%s`. When `thinking` is enabled, a final `assistant` message"
                    + " must start with a thinking block").formatted(last, first));
        }

        /// The models of 4.5 continue a final assistant message (caozhiyuan's assistant-prefill.ts probes which do).
        private void checkEnd(Model model, JsonNode messages) {
            var last = messages.get(messages.size() - 1);
            if (!last.path("role").asString("").equals("assistant")) { return; }
            refuseIf(!model.id.matches(OLDER), "This model does not support assistant message prefill. The conversation"
                    + " must end with a user message.");
            refuseIf(contentText(last).matches("(?s).*\\s"),
                    "messages: final assistant content cannot end with trailing whitespace");
        }

        /// `POST /v1/messages/count_tokens` (tried live by two users of it).
        Answer count(Call call) {
            checkAll(call);
            checkModel(chosen(call, path()), call.body);
            return Answer.json(200, JSON.createObjectNode().put("input_tokens", turns(call.body).stream()
                    .mapToLong(turn -> tokens(turn.text)).sum()));
        }

        private static List<Turn> turns(JsonNode request) {
            var turns = new ArrayList<Turn>();
            if (request.has("system")) {
                var system = request.path("system");
                turns.add(new Turn("system", system.isString() ? system.asString() : system.valueStream()
                        .map(block -> block.path("text").asString()).collect(Collectors.joining())));
            }
            for (var message : request.path("messages")) {
                var results = message.path("content").valueStream().filter(b -> b.has("tool_use_id")).toList();
                results.forEach(result -> turns.add(new Turn("tool", contentText(result))));
                if (results.isEmpty() || message.path("content").size() > results.size()) {
                    turns.add(new Turn(message.path("role").asString(), contentText(message)));
                }
            }
            return turns;
        }

        @Override
        public Refusal tooLong(Model model, long tokens) {
            return rejection("prompt is too long: %d tokens > %d maximum".formatted(tokens, model.prompt));
        }

        // ---- the answer

        /// The text of adaptive thinking is sent only on request (opencode's models.ts, pi #3292); that of the switch
        /// `reasoning` is always sent.
        private String shown(Reply reply) {
            var thinking = reply.asked.request.path("thinking");
            return text("reasoning").isEmpty() && thinking.path("type").asString("").equals("adaptive")
                    && !thinking.path("display").asString("").equals("summarized") ? "" : reply.reasoning;
        }

        /// This text as reasoning is thought that may not be shown.
        private static final String REDACTED = "redacted";

        private static ObjectNode redacted() {
            return JSON.createObjectNode().put("type", "redacted_thinking").put("data", signature(REDACTED));
        }

        private static String signature(String thinking) {
            return Base64.getEncoder().encodeToString(utf8(uuid(thinking.hashCode()).repeat(6)));
        }

        private static ObjectNode message(Reply reply) {
            var message = JSON.createObjectNode()
                    .put("id", "msg_" + reply.id.replaceAll("\\W", "").substring(0, 24))
                    .put("type", "message").put("role", "assistant").put("model", reply.model.version);
            message.putArray("content");
            return message;
        }

        private static String stopReason(Reply reply) {
            return switch (reply.finish) {
                case "length" -> "max_tokens";
                case "content_filter" -> "refusal";
                case "tool_calls" -> "tool_use";
                default -> reply.stopped == null ? "end_turn" : "stop_sequence";
            };
        }

        private static ObjectNode stop(Reply reply, ObjectNode bearer) {
            bearer.put("stop_reason", stopReason(reply));
            return bearer.put("stop_sequence", stopReason(reply).equals("stop_sequence") ? reply.stopped : null);
        }

        private static ObjectNode usage(Reply reply, long output) {
            return JSON.createObjectNode().put("input_tokens", reply.promptTokens - reply.cached)
                    .put("cache_creation_input_tokens", 0).put("cache_read_input_tokens", reply.cached)
                    .put("output_tokens", output);
        }

        private static long outputTokens(Reply reply) { return reply.completionTokens() + reply.thoughtTokens(); }

        @Override
        public ObjectNode whole(Reply reply) {
            var message = message(reply);
            var content = message.withArray("content");
            if (reply.reasoning.equals(REDACTED)) {
                content.add(redacted());
            } else if (!reply.reasoning.isEmpty()) {
                content.addObject().put("type", "thinking").put("thinking", shown(reply))
                        .put("signature", signature(shown(reply)));
            }
            if (!reply.deltas.isEmpty()) {
                content.addObject().put("type", "text").put("text", reply.text());
            }
            reply.calls().forEach(use -> content.add(toolUse(use).set("input", input(use))));
            stop(reply, message);
            return billed(reply, message);
        }

        private ObjectNode billed(Reply reply, ObjectNode bearer) {
            if (!text("usage").equals("none")) {
                bearer.set("usage", usage(reply, outputTokens(reply)));
                if (on("copilot-usage")) { bearer.set("copilot_usage", credits(reply)); }
            }
            return bearer;
        }

        private static ObjectNode toolUse(Use use) {
            var block = JSON.createObjectNode().put("type", "tool_use").put("id", "toolu_" + use.id)
                    .put("name", use.name);
            block.putObject("input");
            return block;
        }

        private static JsonNode input(Use use) {
            try {
                return JSON.readTree(use.arguments.isEmpty() ? "{}" : use.arguments);
            } catch (JacksonException _) {
                return JSON.createObjectNode();
            }
        }

        @Override
        public Script script(Reply reply) {
            var stream = new ArrayList<Event>();
            var opening = message(reply).putNull("stop_reason").putNull("stop_sequence");
            if (!text("usage").equals("none")) {
                opening.set("usage", usage(reply, 1));
            }
            add(stream, "message_start", JSON.createObjectNode().set("message", opening));
            int index = 0;
            if (reply.reasoning.equals(REDACTED)) {
                start(stream, index, redacted());
                stop(stream, index++);
            } else if (!reply.reasoning.isEmpty()) {
                think(stream, shown(reply), index++);
            }
            int lead = stream.size() + (reply.deltas.isEmpty() ? 0 : 2);
            if (!reply.deltas.isEmpty()) {
                speak(stream, reply, index++);
            }
            for (var use : reply.calls()) {
                useTool(stream, use, index++);
            }
            int tail = stream.size();
            var end = JSON.createObjectNode();
            stop(reply, end.putObject("delta"));
            add(stream, "message_delta", billed(reply, end));
            add(stream, "message_stop", JSON.createObjectNode());
            var script = new Script(stream, lead, lead + reply.deltas.size(), tail);
            return on("done") ? script.then(DONE) : script;
        }

        private static void add(List<Event> stream, String type, ObjectNode fields) {
            var data = JSON.createObjectNode().put("type", type);
            data.setAll(fields);
            stream.add(new Event(type, JSON.writeValueAsString(data)));
        }

        private static void start(List<Event> stream, int index, ObjectNode block) {
            add(stream, "content_block_start", JSON.createObjectNode().put("index", index).set("content_block", block));
        }

        private static void delta(List<Event> stream, int index, String type, String field, String value) {
            var delta = JSON.createObjectNode().put("index", index);
            delta.putObject("delta").put("type", type).put(field, value);
            add(stream, "content_block_delta", delta);
        }

        private static void stop(List<Event> stream, int index) {
            add(stream, "content_block_stop", JSON.createObjectNode().put("index", index));
        }

        private static void think(List<Event> stream, String shown, int index) {
            start(stream, index, JSON.createObjectNode().put("type", "thinking").put("thinking", "")
                    .put("signature", ""));
            Pattern.compile("\\S+\\s*|\\s+").matcher(shown).results().forEach(word ->
                    delta(stream, index, "thinking_delta", "thinking", word.group()));
            delta(stream, index, "signature_delta", "signature", signature(shown));
            stop(stream, index);
        }

        private static void speak(List<Event> stream, Reply reply, int index) {
            start(stream, index, JSON.createObjectNode().put("type", "text").put("text", ""));
            add(stream, "ping", JSON.createObjectNode());
            reply.deltas.forEach(word -> delta(stream, index, "text_delta", "text", word));
            stop(stream, index);
        }

        private static void useTool(List<Event> stream, Use use, int index) {
            start(stream, index, toolUse(use));
            use.pieces().forEach(piece -> delta(stream, index, "input_json_delta", "partial_json", piece));
            stop(stream, index);
        }

        @Override
        public Event trouble(String fault, int number) {
            var data = JSON.createObjectNode().put("type", "error");
            data.putObject("error").put("type", fault.equals("copilot-errors") ? "overloaded_error" : "api_error")
                    .put("message", fault.equals("copilot-errors") ? "Overloaded" : MISHAP);
            return new Event("error", JSON.writeValueAsString(data));
        }

        /// A failure has an error instead of a stop_reason.
        @Override
        public Script failed(Script script) {
            return script.first(script.tail).then(trouble("", script.tail));
        }

        @Override
        public String failure(Reply reply) { return trouble("", 0).data; }
    }

    // ------------------------------------------------------------------------------------------- faults

    /// Errors of the Copilot API with the messages that clients reported (vscode-copilot-chat's fetcher; issues of
    /// ericc-ch/copilot-api, opencode, copilot-cli, LiteLLM): name | status | code, `-` for plain text, `?` for JSON
    /// without one, `!` before it where param and type are there too | message.
    private static final SequencedMap<String, List<String>> FAULTS = table("""
            400-bad-request | 400 | - | Bad Request\\n
            400-editor-missing | 400 | - | bad request: missing Editor-Version header for IDE auth
            400-editor-unknown | 400 | - | bad request: unknown Editor-Version header for IDE auth
            400-integration-id | 400 | - | unknown Copilot-Integration-Id
            400-integration-missing | 400 | - | bad request: missing required Copilot-Integration-Id header
            400-vscode-version | 400 | - | model gpt-5-codex is not supported in this VS Code version. Please update \
            it to version 1.104.1 or newer
            400-out-of-date | 400 | - | Your editor's Copilot extension, version "copilot/1.31.6194", is out of date \
            and no longer supported. Please update your extension.
            400-pat | 400 | - | bad request: Personal Access Tokens are not supported for this endpoint
            400-third-party | 400 | - | checking third-party user token: bad request: Personal Access Tokens are not \
            supported for this endpoint
            400-off_topic | 400 | - | off_topic: the message is off topic
            400-model_not_supported | 400 | !model_not_supported | The requested model is not supported.
            400-completion-model | 400 | !model_not_supported | Model is not supported for this request.
            400-model_not_available_for_integrator | 400 | !model_not_available_for_integrator | The requested model \
            is not available for integrator "copilot-language-server". Available models: [gpt-5-mini gpt-5.5]. Verify \
            the correct Copilot-Integration-Id header is being sent.
            400-unsupported_api_for_model | 400 | unsupported_api_for_model | model "gpt-5.4-mini" is not accessible \
            via the /chat/completions endpoint
            400-api-endpoint-nocode | 400 | ? | model "gpt-5.4-mini" is not accessible via the /chat/completions \
            endpoint
            400-api-responses | 400 | unsupported_api_for_model | model gpt-5-mini is not supported via Responses API.
            400-api-responses-nocode | 400 | ? | model gpt-5-mini is not supported via Responses API.
            400-api-lacks | 400 | unsupported_api_for_model | model gpt-5-mini does not support Responses API.
            400-api-lacks-nocode | 400 | ? | model gpt-5-mini does not support Responses API.
            400-prompt-caching | 400 | - | {"message":"You invoked an unsupported model or your request did not allow \
            prompt caching. See the documentation for more information."}
            400-vision_attachment_not_accessible | 400 | vision_attachment_not_accessible | the attachment is not \
            accessible
            400-messages-error | 400 | - | {"type":"error","error":{"type":"invalid_request_error","message":\
            "messages: the request is wrong"},"request_id":"req_simulated01"}
            400-messages-flat | 400 | - | {"message":"system.1.cache_control.ephemeral.scope: Extra inputs are not \
            permitted"}
            400-prompt-too-long | 400 | - | {"message":"prompt is too long: 210000 tokens > 200000 maximum"}
            400-max_tokens-over | 400 | - | {"message":"max_tokens: 999999 > 64000, which is the maximum allowed \
            number of output tokens for claude-haiku-4.5"}
            400-max_tokens-renamed | 400 | invalid_request_body | Unsupported parameter: 'max_tokens' is not supported \
            with this model. Use 'max_completion_tokens' instead.
            400-temperature | 400 | invalid_request_body | Unsupported parameter: 'temperature' is not supported with \
            this model.
            400-temperature-deprecated | 400 | invalid_request_body | `temperature` is deprecated for this model.
            400-unrecognized | 400 | invalid_request_body | Unrecognized request argument supplied: reasoning_effort
            400-invalid_reasoning_effort | 400 | invalid_reasoning_effort | output_config.effort "xhigh" is not \
            supported by model claude-opus-4.7; supported values: [medium]
            400-input-id | 400 | invalid_request_body | Invalid 'input[131].id': 'thinking_0'. Expected an ID that \
            begins with 'rs'.
            400-input-id-length | 400 | invalid_request_body | Invalid 'input[2].id': string too long. Expected a \
            string with maximum length 64, but got a string with length 408 instead.
            400-model_max_prompt_tokens_exceeded | 400 | model_max_prompt_tokens_exceeded | prompt token count of \
            130000 exceeds the limit of 128000
            400-context_length_exceeded | 400 | context_length_exceeded | Your input exceeds the context window.
            400-vision | 400 | | missing required Copilot-Vision-Request header for vision requests
            400-invalid_request_body | 400 | invalid_request_body | invalid request body
            400-invalid_request_body-empty | 400 | invalid_request_body |
            401-expired | 401 | - | unauthorized: token expired
            401-ide-expired | 401 | - | IDE token expired: unauthorized: token expired
            401-garbage | 401 | - | unauthorized: unauthorized: AuthenticateToken authentication failed
            401-authorize-url | 401 | - | {"authorize_url":"https://github.com/login/oauth/authorize?client_id=x"}
            401-auto | 401 | - | Invalid auto-mode selector
            402 | 402 | quota_exceeded | You have no quota
            402-free_quota_exceeded | 402 | free_quota_exceeded | You have no quota
            402-overage_limit_reached | 402 | overage_limit_reached | You have no quota
            402-billing_not_configured | 402 | billing_not_configured | You have no quota
            402-text | 402 | - | quota exceeded
            403 | 403 | - | Access to this endpoint is forbidden. Please review our TERMS.
            403-old | 403 | - | access to this endpoint is forbidden
            403-denied | 403 | - | forbidden: access denied
            403-empty | 403 | - |
            404 | 404 | - | 404 page not found\\n
            404-json | 404 | not_found |
            404-resource | 404 | invalid_request_body | The resource you requested was not found.
            408 | 408 | - | Request Timeout
            408-empty | 408 | - |
            408-user_request_timeout | 408 | user_request_timeout | Timed out reading request body. Try again, or use \
            a smaller request size.
            413 | 413 | - | Request Entity Too Large
            413-json | 413 | | failed to parse request
            413-status | 413 | - | {"statusCode":413,"message":"request entity too large"}
            421 | 421 | - | Misdirected Request
            422 | 422 | content_filter | The prompt was filtered by Responsible AI Service.
            422-text | 422 | - | Filtered by Responsible AI Service
            424 | 424 | - | failed dependency: the extension agent did not answer
            429 | 429 | rate_limited | rate limit exceeded
            429-text | 429 | - | Sorry, you've exceeded your rate limits. Please review our TERMS.
            429-quota | 429 | - | quota exceeded
            429-gemini | 429 | rate_limited | {"error":{"code":429,"status":"RESOURCE_EXHAUSTED",\
            "details":[{"retryDelay":"7s"}]}}
            429-user_model_rate_limited | 429 | user_model_rate_limited | rate limit exceeded
            429-user_global_rate_limited | 429 | user_global_rate_limited | rate limit exceeded
            429-user_weekly_rate_limited | 429 | user_weekly_rate_limited | rate limit exceeded
            429-session | 429 | user_global_rate_limited:pro | Sorry, you've exceeded your 5 hour session limits. \
            Please retry after 2733 seconds.
            429-weekly-pro | 429 | user_weekly_rate_limited:pro | Sorry, you've hit a rate limit that restricts the \
            number of Copilot model requests you can make within a specific time period. Please try again in 51 \
            hours. Please review our TERMS.
            429-weekly | 429 | user_weekly_rate_limited | Sorry, you've exceeded your weekly rate limit. Please review \
            our TERMS.
            429-global-pro | 429 | user_global_rate_limited:pro | Sorry, you've exceeded your rate limits. Please \
            review our TERMS.
            429-token-usage | 429 | rate_limited | Sorry, you have exceeded your Copilot token usage. Please review \
            our TERMS.
            429-integration_rate_limited | 429 | integration_rate_limited | rate limit exceeded
            429-model_overloaded | 429 | model_overloaded:simulated | rate limit exceeded
            429-agent_mode_limit_exceeded | 429 | agent_mode_limit_exceeded | rate limit exceeded
            429-upstream_provider_rate_limit | 429 | upstream_provider_rate_limit | rate limit exceeded
            429-insufficient_quota | 429 | insufficient_quota | rate limit exceeded
            429-extension_blocked | 429 | - | {"error":{"message":"Sorry, the extension is blocked.",\
            "code":"extension_blocked","type":"rate_limit_error"}}
            466 | 466 | - | bad request: the specified API version is no longer supported. You may need to update \
            your client to a newer version.
            466-vscode | 466 | - | bad request: the VS Code version you are using is no longer supported. Please \
            upgrade VS Code to version 1.109.2+.
            499 | 499 | - |
            500 | 500 | - | Internal Server Error
            500-empty | 500 | - |
            502 | 502 | - | <502 Bad Gateway
            503 | 503 | - | upstream connect error or disconnect/reset before headers
            504 | 504 | - | <504 Gateway Time-out
            """.replace("TERMS", "[Terms of Service]"
                    + "(https://docs.github.com/en/site-policy/github-terms/github-terms-of-service)"));

    /// Faults that need no table: invalid responses with status 200, and dropped connections.
    private static final Set<String> BREAKS = new TreeSet<>(Set.of("reset-before", "reset-headers", "reset-mid",
            "reset-end", "eof", "eof-empty", "error-first", "error-chunk", "error-limit", "copilot-errors",
            "finish-error", "finish-none", "truncated-json", "html-200"));

    private static boolean isFault(String name) {
        return name.equals("ok") || BREAKS.contains(name) || isErrorResponse(name);
    }

    private static boolean isErrorResponse(String name) {
        var parts = name.split(":", 2);
        return parts[0].equals("400-text") || FAULTS.containsKey(parts[0])
                || parts[0].equals("json-in-string") && (parts.length == 1 || isErrorResponse(parts[1]));
    }

    private static String faultNames() {
        return "ok, " + String.join(", ", FAULTS.keySet()) + ", 400-text:TEXT, json-in-string[:FAULT], "
                + String.join(", ", BREAKS);
    }

    /// `NAME`, or `NAME:ARGUMENT`: the argument is the Retry-After, in seconds, as `date+SECONDS`, or any garbage.
    private Answer fault(String name, Call call) {
        var parts = name.split(":", 2);
        var argument = parts.length < 2 ? "" : parts[1];
        if (parts[0].equals("400-text")) { return Answer.text(400, argument); }
        if (parts[0].equals("json-in-string")) {
            var inner = fault(argument.isEmpty() ? "400-model_not_supported" : argument, call);
            return new Answer(inner.status, inner.type, JSON.writeValueAsBytes(new String(inner.body, UTF_8)))
                    .headers(inner.headers);
        }
        var row = FAULTS.get(parts[0]);
        int status = Integer.parseInt(row.get(1));
        var code = row.get(2);
        var message = row.get(3).replace("\\n", "\n");
        var answer = message.startsWith("<") ? Answer.html(status, message.substring(1))
                : code.equals("-") ? Answer.text(status, message)
                : code.equals("?") ? Answer.text(status, "{\"error\":{\"message\":%s}}".formatted(
                        JSON.writeValueAsString(message)))
                : code.startsWith("!") ? modelError(message, code.substring(1)) : error(status, message, code);
        if (status == 401) {
            copilotTokens.remove(call.header("authorization").replace("Bearer ", ""));  // the token is revoked
        }
        if (status == 429) {
            answer = answer.header("x-ratelimit-exceeded", code.equals("-") ? "global" : code);
        }
        return argument.isEmpty() ? answer : answer.header("Retry-After", !argument.startsWith("date+") ? argument
                : DateTimeFormatter.RFC_1123_DATE_TIME.format(clock.instant().atOffset(ZoneOffset.UTC)
                        .plusSeconds(Long.parseLong(argument.substring(5)))));
    }

    private static final String MISHAP = "upstream model provider failed in mid-stream";
    private static final String MID_STREAM_ERROR =
            "{\"error\":{\"code\":\"internal_error\",\"message\":\"%s\"}}".formatted(MISHAP);

    /// Applies a fault to a stream.
    private static Script damaged(ChatEndpoint endpoint, Reply reply, String fault) {
        var script = endpoint.script(reply);
        var half = script.first(script.half());
        return switch (fault) {
            case "reset-headers" -> script.first(0).dropped();
            case "reset-mid" -> half.dropped();
            case "reset-end" -> script.first(script.tail).dropped();
            case "eof" -> script.first(script.tail);
            case "eof-empty" -> script.first(0);
            case "truncated-json" -> new Script(half.events, script.lead, script.close, script.tail, false,
                    script.events.get(script.tail).cut());
            case "error-first" -> script.first(0).then(endpoint.trouble(fault, 0));
            case "error-chunk", "copilot-errors" -> half.then(endpoint.trouble(fault, half.events.size()));
            case "error-limit" -> script.first(0).then(new Event("", MID_STREAM_ERROR.replace("internal_error",
                    "rate_limited").replace(MISHAP, "rate limit exceeded")));
            case "finish-error" -> endpoint.failed(script);
            case "finish-none" -> script.with(script.events.stream().map(e -> new Event(e.name, e.data.replaceFirst(
                    "(\"finish_reason\":)\"\\w+\"", "$1null"))).toList());
            default -> script;
        };
    }

    /// Applies a fault to an unstreamed response; `trouble` is the response when the model fails.
    private static Answer broken(Answer answer, String fault, String trouble) {
        int half = answer.body.length / 2;
        return switch (fault) {
            case "reset-headers" -> answer.cut(0);
            case "reset-mid", "reset-end" -> answer.cut(half);
            case "eof", "truncated-json" -> new Answer(200, answer.type, Arrays.copyOf(answer.body, half));
            case "eof-empty" -> new Answer(200, answer.type, new byte[0]);
            case String s when s.contains("error") -> new Answer(200, answer.type, utf8(trouble));
            default -> answer;
        };
    }

    // ------------------------------------------------------------------------------------------- the command line

    public static void main(String... args) {
        System.exit(run(args));
    }

    private static int run(String... args) {
        int cut = Arrays.asList(args).indexOf("--");
        var command = cut < 0 ? List.<String>of() : List.of(args).subList(cut + 1, args.length);
        var line = new CommandLine(options()).setExpandAtFiles(false);
        try {
            var given = line.parseArgs(cut < 0 ? args : Arrays.copyOf(args, cut));
            if (CommandLine.printHelpIfRequested(given)) {
                return 0;
            }
            try (var simulator = new simulator(InstantSource.system(), given.matchedOptionValue("port", 0))) {
                given.matchedOptions().stream().filter(o -> SWITCHES.containsKey(o.longestName().substring(2)))
                        .forEach(o -> simulator.set(o.longestName().substring(2), o.getValue()));
                if (!command.isEmpty() && !given.hasMatchedOption("approve-on-open")) {
                    simulator.set("approve-on-open", true);
                }
                int code = command.isEmpty() ? simulator.serve(given.matchedOptionValue("for", 3600))
                        : simulator.around(command, given.hasMatchedOption("logged-in"));
                Path file = given.matchedOptionValue("ledger", null);
                if (file != null) {
                    Files.writeString(file, simulator.ledgerLines());
                }
                return code;
            }
        } catch (CommandLine.ParameterException | IllegalArgumentException e) {
            System.err.println("error: " + e.getMessage() + "\nhint: scripts/jbang simulator --help");
            return 2;
        } catch (IOException e) {
            System.err.println("error: " + e.getMessage());
            return 1;
        }
    }

    private static CommandSpec options() {
        var spec = CommandSpec.create().name("simulator.java").mixinStandardHelpOptions(true);
        spec.version("simulator of copilot.java").usageMessage().width(80).sortOptions(false)
                .description("Simulates GitHub and GitHub Copilot on 127.0.0.1, to use copilot.java without an",
                        "account.", "", "With COMMAND, runs it against the simulator, in a home of its own, and exits",
                        "with its code. Otherwise serves until Ctrl-C.", "", "Examples:",
                        "  scripts/jbang simulator --logged-in -- bash",
                        "  scripts/jbang simulator --faults=429:2,ok --port=9000", "")
                .customSynopsis("simulator.java [OPTIONS] [-- COMMAND…]")
                .footer("", "Names for --exchange: " + String.join(", ", EXCHANGES) + ", "
                                + String.join(", ", NOTIFICATIONS.keySet()) + ", 5xx, html, garbage, empty, reset.",
                        "", "Names for --faults: " + faultNames()
                                + ". A Retry-After follows a colon: 429:5, 402:date+86400.",
                        "", "A line of the user's message that begins with \"say: \" starts the reply, which extends",
                        "to the end of the message. Lines that begin with \"call: \" are calls of tools, such as",
                        "call: weather {\"name\": \"Oslo\"} & weather {\"name\": \"Rome\"}", "",
                        "While it runs: GET and POST /_simulator (switches), GET /_simulator/ledger (requests),",
                        "POST /_simulator/reset.");
        spec.addOption(option("port", Integer.class, "PORT", "port of GitHub; the APIs use the next two"))
                .addOption(option("for", Integer.class, "SECONDS", "time to run without COMMAND (default 3600)"))
                .addOption(option("logged-in", Boolean.class, null, "also set COPILOT_GITHUB_TOKEN for COMMAND"))
                .addOption(option("ledger", Path.class, "FILE", "write all requests to FILE, as JSON lines"));
        var groups = SWITCHES.values().stream()
                .collect(Collectors.groupingBy(Switch::group, LinkedHashMap::new, Collectors.toList()));
        groups.forEach((heading, members) -> {
            var options = ArgGroupSpec.builder().validate(false).heading("%n" + heading + "%n").multiplicity("0..1");
            members.forEach(member ->
                    options.addArg(option(member.name, String.class, member.label(), member.description())));
            spec.addArgGroup(options.build());
        });
        return spec;
    }

    private static OptionSpec option(String name, Class<?> type, String label, String help) {
        var option = OptionSpec.builder("--" + name).type(type).description(help.replace("%", "%%"));
        return (label == null ? option.arity("0") : option.paramLabel(label).arity("1")).build();
    }

    private int serve(int seconds) throws IOException {
        System.out.println("GitHub       " + url() + "\nCopilot API  " + api() + "\n\nIn another terminal:\n\n"
                + "  " + System.getProperty("cop.command", "jbang copilot.java") + " login --host " + url()
                + "\n  curl " + url() + "/_simulator\n\nPress Ctrl-C to stop.");
        var stop = new CompletableFuture<Integer>();
        signal("INT", () -> stop.complete(130));
        signal("TERM", () -> stop.complete(143));
        return stop.completeOnTimeout(0, seconds, TimeUnit.SECONDS).join();
    }

    /// Runs a command against this simulator, without the user's own login, and returns its exit code. Ctrl-C reaches
    /// the command directly because it is in the same process group; the command decides whether to exit.
    private int around(List<String> command, boolean loggedIn) throws IOException {
        var builder = new ProcessBuilder(command).inheritIO();
        var environment = builder.environment();
        environment.keySet().removeAll(List.of("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"));
        environment.put("COP_HOST", url());
        if (loggedIn) {
            environment.put("COPILOT_GITHUB_TOKEN", GITHUB_TOKEN);
        }
        var home = environment.containsKey("COP_HOME") ? null : Files.createTempDirectory("cop-home-");
        if (home != null) {
            environment.put("COP_HOME", home.toString());
        }
        try {
            var child = builder.start();
            signal("INT", () -> { });
            signal("TERM", child::destroy);
            return child.waitFor();
        } catch (IOException e) {
            System.err.println("error: " + e.getMessage());
            return 127;         // the shells' exit code for a command that is not found
        } catch (InterruptedException _) {
            return 130;
        } finally {
            delete(home);
        }
    }

    private static void signal(String name, Runnable action) {
        Signal.handle(new Signal(name), _ -> action.run());
    }

    private static void delete(Path folder) throws IOException {
        if (folder != null) {
            try (var files = Files.walk(folder)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }
    }
}
