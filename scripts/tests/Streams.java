package cop;

import module java.base;
import module java.net.http;

import cop.copilot.Fault;
import cop.copilot.Reply;
import cop.copilot.Usage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Reading replies: every format that the model families are known to send (according to vscode-copilot-chat and
/// codecompanion.nvim; the samples are invented), split at every byte.
class Streams {
    // ------------------------------------------------------------------------------------------- samples

    private static final String FINISHED = "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}";

    private static String said(String text) { return delta("\"content\":\"" + text + "\""); }

    private static String delta(String fields) {
        return "{\"choices\":[{\"index\":0,\"delta\":{%s}}]}".formatted(fields);
    }

    private static String last(String fields, String reason) {
        return "{\"choices\":[{\"index\":0,\"delta\":{%s},\"finish_reason\":\"%s\"}]}".formatted(fields, reason);
    }

    private static String call(String fields) { return delta("\"content\":null,\"tool_calls\":[" + fields + "]"); }

    /// The first piece of a tool call, as Claude sends it: without arguments.
    private static String opening(String id, int index, String name) {
        return "{\"function\":{\"name\":\"%s\"},\"id\":\"%s\",\"index\":%d,\"type\":\"function\"}"
                .formatted(name, id, index);
    }

    private static String piece(int index, String arguments) {
        return "{\"index\":%d,\"function\":{\"arguments\":\"%s\"}}".formatted(index, arguments.replace("\"", "\\\""));
    }

    private static String called(String id, String name, String arguments) {
        var call = Json.object().put("id", id).put("type", "function");
        call.putObject("function").put("name", name).put("arguments", arguments);
        return Json.singleLine(call);
    }

    private static final List<Sample> CHAT = List.of(
            new Sample("OpenAI, usage in the finish chunk").stream("""
                    data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[\
                    {"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"prompt_index":0}]}

                    data: {"choices":[{"index":0,"content_filter_offsets":{"check_offset":40,"start_offset":40,\
                    "end_offset":52},"content_filter_results":{},"delta":{"content":"","role":"assistant",\
                    "refusal":null},"finish_reason":null,"logprobs":null}],"created":1795300000,"id":"chatcmpl-7",\
                    "model":"gpt-4o-2024-11-20","object":"chat.completion.chunk","system_fingerprint":"fp_7"}

                    data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"id":"chatcmpl-7",\
                    "model":"gpt-4o-2024-11-20"}

                    data: {"choices":[{"index":0,"delta":{"content":" there"},"finish_reason":null}],\
                    "id":"chatcmpl-7","model":"gpt-4o-2024-11-20"}

                    data: {"choices":[{"index":0,"delta":{"content":null},"finish_reason":"stop"}],\
                    "id":"chatcmpl-7","model":"gpt-4o-2024-11-20","usage":{"completion_tokens":2,"prompt_tokens":9,\
                    "total_tokens":11,"prompt_tokens_details":{"cached_tokens":4},\
                    "completion_tokens_details":{"reasoning_tokens":1}}}

                    data: [DONE]

                    """).by("gpt-4o-2024-11-20", "chatcmpl-7").told("Hi", " there").counted(9, 2, 4, 1),
            new Sample("OpenAI, usage in a chunk of its own").events(
                    "{\"choices\":[],\"id\":\"\",\"usage\":null}",
                    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}",
                    "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}",
                    "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}",
                    "[DONE]").told("Hi").counted(9, 2, 0, 0),
            new Sample("usage:null after the usage").events(said("Hi"),
                    "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}",
                    "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}", "[DONE]")
                    .told("Hi").counted(9, 2, 0, 0),
            new Sample("credits in the last chunk").events(said("Hi"), FINISHED,
                    "{\"choices\":[],\"copilot_usage\":{\"total_nano_aiu\":1234500000,\"token_details\":[]}}", "[DONE]")
                    .told("Hi").credited(1_234_500_000L),
            new Sample("parallel calls by index").events(
                    call(opening("call_a", 0, "sky")), call(opening("call_b", 1, "sea")),
                    call(piece(0, "") + "," + piece(1, "")),
                    call(piece(0, "{\"x\":") + "," + piece(1, "{\"y\":")),
                    call(piece(1, "2}")), call(piece(0, "1}")), last("", "tool_calls"), "[DONE]").finished("tool_calls")
                    .calling(called("call_a", "sky", "{\"x\":1}"), called("call_b", "sea", "{\"y\":2}")),
            new Sample("Claude: role repeated, no object").stream("""
                    data: {"choices":[{"index":0,"delta":{"content":"Let me ","role":"assistant"}}],\
                    "created":1795300000,"id":"11111111-2222-3333-4444-555555555555","model":"claude-sonnet-4.5"}

                    data: {"choices":[{"index":0,"delta":{"content":"look.","role":"assistant"}}],"created":1795300000,\
                    "id":"11111111-2222-3333-4444-555555555555","model":"claude-sonnet-4.5"}

                    data: {"choices":[{"finish_reason":"stop","index":0,"delta":{"content":null}}],\
                    "created":1795300000,"id":"11111111-2222-3333-4444-555555555555","usage":{"completion_tokens":40,\
                    "prompt_tokens":300,"prompt_tokens_details":{"cached_tokens":0},"total_tokens":340},\
                    "model":"claude-sonnet-4.5"}

                    data: [DONE]

                    """).by("claude-sonnet-4.5", "11111111-2222-3333-4444-555555555555").told("Let me ", "look.")
                    .counted(300, 40, 0, 0),
            new Sample("Claude: the call in a second choice").events(
                    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Let me look.\",\"role\":\"assistant\"}}]}",
                    "{\"choices\":[{\"index\":1,\"delta\":{\"content\":null,\"tool_calls\":[{\"function\":"
                            + "{\"name\":\"weather\"},\"id\":\"tooluse_a\",\"index\":0,\"type\":\"function\"}]}}]}",
                    "{\"choices\":[{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
                            + "{\"arguments\":\"{}\"}}]}}]}",
                    "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"},"
                            + "{\"index\":1,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}", "[DONE]")
                    .told("Let me look.").finished("tool_calls").calling(called("tooluse_a", "weather", "{}")),
            new Sample("Claude: a call's first piece without arguments").events(
                    call(opening("tooluse_a", 0, "weather")), call(piece(0, "")),
                    call(piece(0, "{\"city\":")), call(piece(0, "\"London\"}")),
                    last("\"content\":null", "tool_calls"), "[DONE]").finished("tool_calls")
                    .calling(called("tooluse_a", "weather", "{\"city\":\"London\"}")),
            new Sample("Claude: a second call with index 0 again").events(call(opening("tooluse_a", 0, "sky")),
                    call(piece(0, "")), call(piece(0, "{\"x\":")), call(piece(0, "1}")),
                    call(opening("tooluse_b", 0, "sea")), call(piece(0, "{\"y\":")), call(piece(0, "2}")),
                    last("", "tool_calls"), "[DONE]").finished("tool_calls")
                    .calling(called("tooluse_a", "sky", "{\"x\":1}"), called("tooluse_b", "sea", "{\"y\":2}")),
            new Sample("a call without a fragment of arguments").events(call(opening("tooluse_a", 0, "now")),
                    last("", "tool_calls"), "[DONE]").finished("tool_calls").calling(called("tooluse_a", "now", "{}")),
            new Sample("fragments of unknown index go to the last call").events(call(opening("a", 0, "sky")),
                    call(piece(3, "{\"x\":")), call("{\"function\":{\"arguments\":\"1}\"}}"),
                    last("", "tool_calls"), "[DONE]").finished("tool_calls").calling(called("a", "sky", "{\"x\":1}")),
            new Sample("the id repeated on each fragment").events(
                    call(opening("a", 0, "sky")), call(opening("b", 0, "sea")),
                    call("{\"function\":{\"arguments\":\"{\\\"x\\\":1}\"},\"id\":\"a\",\"index\":0}"),
                    call("{\"function\":{\"arguments\":\"{\\\"y\\\":2}\"},\"id\":\"b\",\"index\":0}"),
                    last("", "tool_calls"), "[DONE]").finished("tool_calls")
                    .calling(called("a", "sky", "{\"x\":1}"), called("b", "sea", "{\"y\":2}")),
            new Sample("Claude: opaque reasoning beside its text").events(
                    delta("\"content\":\"\",\"reasoning_text\":\"Hmm, \",\"role\":\"assistant\""),
                    delta("\"content\":\"\",\"reasoning_text\":\"yes.\",\"role\":\"assistant\""),
                    delta("\"content\":\"\",\"reasoning_opaque\":\"bWFkZSB1cA==\",\"role\":\"assistant\""),
                    said("Four."), FINISHED, "[DONE]").thought("Hmm, ", "yes.").told("Four."),
            new Sample("Gemini: usage on each chunk, the call with the finish").stream("""
                    data: {"choices":[{"index":0,"delta":{"content":"","role":"assistant",\
                    "reasoning_text":"Weather?"}}],"id":"g1","model":"gemini-3.1-pro-preview",\
                    "usage":{"completion_tokens":0,"prompt_tokens":0,"total_tokens":0,"reasoning_tokens":0}}

                    data: {"choices":[{"index":0,"finish_reason":"tool_calls","delta":{"content":null,\
                    "role":"assistant","reasoning_opaque":"bWFkZSB1cA==","tool_calls":[{"function":{\
                    "arguments":"{\\"city\\":\\"Oslo\\"}","name":"weather"},"id":"call_g","index":0,\
                    "type":"function"}]}}],"id":"g1","model":"gemini-3.1-pro-preview","usage":{\
                    "completion_tokens":12,"prompt_tokens":50,"total_tokens":62,"reasoning_tokens":7,\
                    "prompt_tokens_details":{"cached_tokens":3}}}

                    data: [DONE]

                    """).by("gemini-3.1-pro-preview", "g1").thought("Weather?").finished("tool_calls")
                    .calling(called("call_g", "weather", "{\"city\":\"Oslo\"}")).counted(50, 12, 3, 7),
            new Sample("thoughts of the other names").events(delta("\"thinking\":\"a\",\"signature\":\"x\""),
                    delta("\"cot_summary\":\"b\",\"cot_id\":\"c1\""), said("Hi"), FINISHED, "[DONE]")
                    .thought("a", "b").told("Hi"),
            new Sample("cot_summary after the finish").events(said("Hi"), FINISHED,
                    delta("\"cot_summary\":\"I greeted.\",\"cot_id\":\"cot_1\""), "[DONE]")
                    .told("Hi").thought("I greeted."),
            new Sample("refusal in pieces").events(delta("\"content\":null,\"refusal\":\"I \""),
                    delta("\"refusal\":\"cannot.\""), FINISHED, "[DONE]").told("I ", "cannot."),
            new Sample("content_filter without a word").events(last("\"content\":null", "content_filter"), "[DONE]")
                    .finished("content_filter"),
            new Sample("finish length").events(said("Hi"), last("", "length"), "[DONE]").told("Hi").finished("length"),
            new Sample("n=2 interleaved").choices(2).events(
                    "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b1 \"}}]}",
                    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a1 \"}},"
                            + "{\"index\":1,\"delta\":{\"content\":\"b2\"}}]}",
                    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a2\"}}]}",
                    "{\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"stop\"}]}", FINISHED, "[DONE]")
                    .told("b1 ", "a1 ", "b2", "a2").answering("a1 a2", "b1 b2"),
            new Sample("n=2, one choice stays empty").choices(2).events(
                    "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}",
                    last("", "stop"), "[DONE]").told("b").answering("", "b"),
            new Sample("an index that is null or missing").events(
                    "{\"choices\":[{\"index\":null,\"delta\":{\"content\":\"a\"}}]}",
                    "{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}", "[DONE]")
                    .told("a", "b"),
            new Sample("copilot_errors without choices").events(said("Hi"),
                    "{\"choices\":null,\"copilot_errors\":[{\"type\":\"agent\",\"code\":\"c\",\"message\":\"no agent\","
                            + "\"agent\":\"web\"}]}", FINISHED, "[DONE]").told("Hi").warned("no agent"),
            new Sample("references, annotations and functions are passed over").events(
                    "{\"copilot_references\":[{\"type\":\"x\",\"id\":\"y\",\"data\":{}}]}",
                    delta("\"role\":\"function\",\"name\":\"search\",\"content\":\"[{\\\"u\\\":1}]\""),
                    delta("\"content\":\"Hi\",\"copilot_annotations\":{\"IPCodeCitations\":[{\"id\":1}]}"),
                    "{\"copilot_confirmation\":{\"type\":\"action\",\"title\":\"t\",\"message\":\"m\"}}",
                    FINISHED, "[DONE]").told("Hi"),
            new Sample("an error chunk in the middle").events(said("Hi"),
                    "{\"error\":{\"code\":\"internal_error\",\"message\":\"upstream fell over\"}}", "[DONE]")
                    .told("Hi").finished("").breaking("upstream fell over"),
            new Sample("an error chunk first, as a bare string").events("{\"error\":\"upstream fell over\"}")
                    .finished("").breaking("upstream fell over"),
            new Sample("an error chunk that says nothing").events(said("Hi"),
                    "{\"error\":{\"code\":\"\",\"message\":\"\"}}").told("Hi").finished("")
                    .breaking("interrupted the answer"),
            new Sample("a malformed line in between").events(said("Hi"), "{\"choices\":[{\"index\":0,\"delta\":{\"cont",
                    said(" there"), "not even JSON", "17", "[]", "\"text\"", FINISHED, "[DONE]").told("Hi", " there"),
            new Sample("values of the wrong type").events("{\"choices\":[{\"index\":\"x\",\"delta\":{\"content\":7}}]}",
                    "{\"choices\":[null,7,{}],\"usage\":\"none\",\"id\":7,\"model\":null}",
                    "{\"choices\":{\"index\":0}}", "{\"choices\":\"none\",\"usage\":{\"prompt_tokens\":\"many\"}}",
                    "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":\"none\"}}],\"copilot_errors\":\"none\"}",
                    "{\"choices\":[{\"index\":0,\"delta\":null,\"finish_reason\":null}],\"copilot_usage\":null}",
                    said("Hi"), FINISHED, "[DONE]").told("Hi"),
            new Sample("no [DONE]").events(said("Hi"), FINISHED).told("Hi"),
            new Sample("[DONE] without a finish").events(said("Hi"), "[DONE]").told("Hi").finished("")
                    .warned("answer may be incomplete"),
            new Sample("nothing after [DONE] counts").events(said("Hi"), FINISHED, "[DONE]", said("more"),
                    "{\"error\":{\"message\":\"late\"}}").told("Hi"),
            new Sample("EOF without a finish").events(said("Hi"), said(" there")).told("Hi", " there").finished("")
                    .breaking("without an end mark"),
            new Sample("EOF within the JSON").stream("data: " + said("Hi") + "\n\ndata: {\"choices\":[{\"ind")
                    .told("Hi").finished("").breaking("without an end mark"),
            new Sample("nothing at all").stream("").finished("").breaking("without an end mark"),
            new Sample("nothing but comments").stream(": ping\n\n: ping\n\n").finished("")
                    .breaking("without an end mark"),
            new Sample("comments, other fields, several events at once").stream(":\n: ping\nevent: message\nid: 7\n"
                    + "retry: 10\ndata: " + said("Hi") + "\n: ping\n\n\n\n:data: no\ndatum: no\nDATA: no\ndata: "
                    + FINISHED + "\n\ndata: [DONE]\n\n").told("Hi"),
            new Sample("data: without a space").stream("data:" + said(" Hi ") + "\n\ndata:" + FINISHED
                    + "\n\ndata:[DONE]\n\n").told(" Hi "),
            new Sample("a byte order mark").stream("\uFEFFdata: " + said("Hi") + "\n\ndata: " + FINISHED
                    + "\n\ndata: [DONE]\n\n").told("Hi"),
            new Sample("a byte order mark within the text stays").events(said("\uFEFFHi"), FINISHED, "[DONE]")
                    .told("\uFEFFHi"),
            new Sample("a last line without newline").stream("data: " + said("Hi") + "\n\ndata: "
                    + FINISHED).told("Hi"),
            new Sample("[DONE] as a last line without newline").stream("data: " + said("Hi") + "\n\ndata: " + FINISHED
                    + "\n\ndata: [DONE]").told("Hi"),
            new Sample("an event over several lines").stream("data: {\"choices\":[\ndata:{\"index\":0,\ndata: "
                    + "\"delta\":{\"content\":\"Hi\"},\ndata\ndata: \"finish_reason\":\"stop\"}]}\n\n"
                    + "data: [DONE]\n\n").told("Hi"),
            new Sample("characters of one to four bytes").events(said("aé€😀"),
                    said("👩‍👩‍👧‍👦 नमस्ते"),
                    said("\u2028\u0085\uFFFD\\u0000"), FINISHED, "[DONE]")
                    .told("aé€😀", "👩‍👩‍👧‍👦 नमस्ते", "\u2028\u0085\uFFFD\u0000"),
            new Sample("an emoji in two deltas").events(said("\\ud83d"), said("\\ude00"), FINISHED, "[DONE]")
                    .told("\ud83d", "\ude00"),
            new Sample("newlines of every kind in the text").events(said("a\\r"), said("\\nb\\n\\n"),
                    said("\\r\\tc\\n"), FINISHED, "[DONE]").told("a\r", "\nb\n\n", "\r\tc\n"));

    /// A stream and its expected content.
    static final class Sample {
        final String name;
        String text;
        int n = 1;
        String trouble = "", finish = "stop", model = "", id = "";
        List<String> deltas = List.of(), thoughts = List.of(), warnings = List.of(), choices, calls = List.of();
        Usage usage = Usage.NONE;

        Endpoint way = Endpoint.CHAT;

        Sample(String name) { this.name = name; }

        Sample on(Endpoint other) {
            way = other;
            return this;
        }

        Sample stream(String whole) {
            text = whole;
            return this;
        }

        Sample events(String... payloads) {
            return stream(Stream.of(payloads).map(p -> "data: " + p + "\n\n").collect(Collectors.joining()));
        }

        Sample choices(int count) {
            n = count;
            return this;
        }

        Sample by(String model, String id) {
            this.model = model;
            this.id = id;
            return this;
        }

        Sample told(String... pieces) {
            deltas = List.of(pieces);
            return this;
        }

        Sample thought(String... pieces) {
            thoughts = List.of(pieces);
            return this;
        }

        Sample warned(String... parts) {
            warnings = List.of(parts);
            return this;
        }

        Sample answering(String... texts) {
            choices = List.of(texts);
            return this;
        }

        Sample calling(String... wanted) {
            calls = List.of(wanted);
            return this;
        }

        Sample finished(String reason) {
            finish = reason;
            return this;
        }

        Sample counted(long prompt, long completion, long cached, long reasoning) {
            usage = new Usage(prompt, completion, cached, reasoning, 0, false);
            return this;
        }

        Sample credited(long nano) {
            usage = new Usage(0, 0, 0, 0, nano, false);
            return this;
        }

        Sample breaking(String words) {
            trouble = words;
            return this;
        }

        Reply reply() {
            return new Reply(choices != null ? choices : List.of(String.join("", deltas)), String.join("", thoughts),
                    finish, model, usage, Json.tryParse("[" + String.join(",", calls) + "]"), id, "R:1", Duration.ZERO,
                    List.of(), List.of());
        }

        @Override
        public String toString() { return name; }
    }

    // ------------------------------------------------------------------------------------------- replaying

    /// The deltas that a listener received, and the reply.
    private static class Heard implements DeltaListener, ResponseHandler<Reply> {
        final List<String> deltas = new ArrayList<>(), thoughts = new ArrayList<>(), warnings = new ArrayList<>();
        final Map<Integer, String> byChoice = new TreeMap<>();
        final int n;
        final Endpoint way;
        StreamReader answer;
        String trouble = "";

        Heard(int n) { this(n, Endpoint.CHAT); }

        Heard(int n, Endpoint way) {
            this.n = n;
            this.way = way;
        }

        @Override
        public void text(int choice, String delta) {
            deltas.add(delta);
            byChoice.merge(choice, delta, String::concat);
        }

        @Override
        public void reasoning(String delta) { thoughts.add(delta); }

        @Override
        public void warning(String message) { warnings.add(message); }

        @Override
        public Reply read(ApiResponse head) throws IOException {
            answer = way.readers().apply(this, n);
            answer.read(head);
            return answer.reply(Duration.ZERO);
        }

        @Override
        public boolean delivered() { return answer != null && answer.delivered; }

        void mustBe(Sample wanted, Supplier<String> where) {
            var read = answer.reply(Duration.ZERO);
            var reply = read.after(List.of(), read.usage(), Duration.ZERO);     // calls are compared as toolCalls
            if (!reply.equals(wanted.reply())) assertEquals(shown(wanted.reply()), shown(reply), where);
            assertEquals(wanted.deltas, deltas, where);
            byChoice.forEach((choice, text) -> assertEquals(reply.choices().get(choice), text, where));
            assertEquals(wanted.thoughts, thoughts, where);
            assertEquals(wanted.warnings.size(), warnings.size(), () -> where.get() + " " + warnings);
            for (int i = 0; i < warnings.size(); i++) assertContains(wanted.warnings.get(i), warnings.get(i), where);
            assertEquals(wanted.trouble.isEmpty(), trouble.isEmpty(), () -> where.get() + " " + trouble);
            assertContains(wanted.trouble, trouble, where);
        }
    }

    private static String shown(Reply reply) { return reply.choices() + " " + reply.json(); }

    private static void assertContains(String part, String whole, Supplier<String> where) {
        assertTrue(whole.contains(part), () -> where.get() + ": \"" + whole + "\" has no \"" + part + "\"");
    }

    private static void replay(Sample sample, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int size = 1; size <= Math.max(1, bytes.length); size++) {
            int step = size;
            var heard = new Heard(sample.n, sample.way);
            try {
                heard.read(head("text/event-stream", body(bytes, step)));
            } catch (IOException | Fault e) {
                heard.trouble = e.getMessage();
            }
            heard.mustBe(sample, () -> sample + " in pieces of " + step);
        }
    }

    /// A burst is one read, and one write of `serve`.
    @Test
    void whatHasArrivedIsReadAtOnce() throws IOException {
        byte[] bytes = "data: 1\n\ndata: 2\n\ndata: 3\n\n".getBytes(StandardCharsets.UTF_8);
        var buffer = new byte[16 << 10];
        assertEquals(bytes.length, body(bytes, 9).plain().read(buffer));
        var large = new byte[12_000];                       // more than a BufferedInputStream holds
        assertEquals(large.length, body(large, large.length).plain().read(buffer));
        assertEquals(large.length, body(large, 5000).plain().read(buffer));
        assertEquals(-1, body(new byte[0], 1).plain().read(buffer));
    }

    private static ApiResponse head(String type, StreamingBody body) {
        return new ApiResponse(200, HttpHeaders.of(Map.of("content-type", List.of(type), "x-github-request-id",
                List.of("R:1")), (_, _) -> true), body);
    }

    private static StreamingBody body(byte[] bytes, int step) {
        var body = new StreamingBody(Duration.ofSeconds(20), 0);
        body.onSubscribe(new Requests(_ -> {}));
        for (int at = 0; at < bytes.length; at += step) {
            body.onNext(List.of(ByteBuffer.wrap(bytes, at, Math.min(step, bytes.length - at))));
        }
        body.onComplete();
        return body;
    }

    private record Requests(LongConsumer wish) implements Flow.Subscription {
        @Override
        public void request(long n) { wish.accept(n); }

        @Override
        public void cancel() {}
    }

    // ------------------------------------------------------------------------------------------- the other ways

    /// In the shapes that OpenAI's and Anthropic's own documentation gives for streams; Copilot's ids change with every
    /// event.
    private static final List<Sample> OTHERS = List.of(
            new Sample("/responses: a text").on(Endpoint.RESPONSES).stream("""
                    event: response.created
                    data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response",\
                    "created_at":1795300000,"status":"in_progress","error":null,"incomplete_details":null,\
                    "model":"gpt-5.4","output":[],"usage":null}}

                    event: response.in_progress
                    data: {"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_2","output":[]}}

                    event: response.output_item.added
                    data: {"type":"response.output_item.added","sequence_number":2,"output_index":0,\
                    "item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}

                    event: response.content_part.added
                    data: {"type":"response.content_part.added","item_id":"msg_2","output_index":0,\
                    "content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}

                    event: response.output_text.delta
                    data: {"type":"response.output_text.delta","item_id":"msg_3","output_index":0,"content_index":0,\
                    "delta":"Hi","logprobs":[],"obfuscation":"x"}

                    event: response.output_text.delta
                    data: {"type":"response.output_text.delta","item_id":"msg_4","output_index":0,"content_index":0,\
                    "delta":" thére"}

                    event: response.output_text.done
                    data: {"type":"response.output_text.done","item_id":"msg_5","output_index":0,"content_index":0,\
                    "text":"Hi thére"}

                    event: response.content_part.done
                    data: {"type":"response.content_part.done","item_id":"msg_6","output_index":0,"content_index":0,\
                    "part":{"type":"output_text","text":"Hi thére","annotations":[]}}

                    event: response.output_item.done
                    data: {"type":"response.output_item.done","output_index":0,"item":{"id":"msg_7","type":"message",\
                    "status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi thére"}]}}

                    event: response.completed
                    data: {"type":"response.completed","response":{"id":"resp_3","status":"completed",\
                    "model":"gpt-5.4","output":[{"id":"msg_8","type":"message","role":"assistant","content":\
                    [{"type":"output_text","text":"Hi thére"}]}],"usage":{"input_tokens":9,\
                    "input_tokens_details":{"cached_tokens":4},"output_tokens":2,\
                    "output_tokens_details":{"reasoning_tokens":1},"total_tokens":11}}}

                    """).by("gpt-5.4", "resp_3").told("Hi", " thére").counted(9, 2, 4, 1),
            new Sample("/responses: thoughts in two parts, then a text in no pieces").on(Endpoint.RESPONSES)
                    .events(
                    "{\"type\":\"response.reasoning_summary_part.added\",\"output_index\":0,\"summary_index\":0}",
                    "{\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":0,\"delta\":\"First.\"}",
                    "{\"type\":\"response.reasoning_summary_part.added\",\"output_index\":0,\"summary_index\":1}",
                    "{\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":0,\"delta\":\"Then.\"}",
                    "{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"reasoning\","
                            + "\"summary\":[{\"type\":\"summary_text\",\"text\":\"First.\"}]}}",
                    "{\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"type\":\"message\","
                            + "\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\"}]}}",
                    "{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"},"
                            + "\"copilot_usage\":{\"total_nano_aiu\":500}}", "[DONE]")
                    .thought("First.", "\n\n", "Then.").told("Hi").credited(500),
            new Sample("/responses: two calls, the ids made anew").on(Endpoint.RESPONSES).events(
                    "{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"id\":\"a\",\"type\":"
                            + "\"function_call\",\"call_id\":\"call_1\",\"name\":\"sky\",\"arguments\":\"\"}}",
                    "{\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"b\",\"output_index\":0,"
                            + "\"delta\":\"{\\\"x\\\":\"}",
                    "{\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"c\",\"output_index\":0,"
                            + "\"delta\":\"1}\"}",
                    "{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"id\":\"d\",\"type\":"
                            + "\"function_call\",\"call_id\":\"call_1\",\"name\":\"sky\",\"arguments\":"
                            + "\"{\\\"x\\\":1}\"}}",
                    "{\"type\":\"response.output_item.done\",\"output_index\":1,\"item\":{\"id\":\"e\",\"type\":"
                            + "\"function_call\",\"call_id\":\"call_2\",\"name\":\"sea\",\"arguments\":\"{}\"}}",
                    "{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}")
                    .finished("tool_calls").told().answering("")
                    .calling(called("call_1", "sky", "{\"x\":1}"), called("call_2", "sea", "{}")),
            new Sample("/responses: two texts are two paragraphs").on(Endpoint.RESPONSES).events(
                    "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"One.\"}",
                    "{\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"Two.\"}",
                    "{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":["
                            + "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"One.\"}]}]}}")
                    .told("One.", "\n\n", "Two."),
            new Sample("/responses: cancelled").on(Endpoint.RESPONSES).events(
                    "{\"type\":\"response.cancelled\",\"response\":{\"status\":\"cancelled\",\"error\":null}}")
                    .finished("").breaking("no reason given"),
            new Sample("/responses: completed, with an error").on(Endpoint.RESPONSES).events(
                    "{\"type\":\"response.completed\",\"response\":{\"status\":\"failed\",\"error\":"
                            + "{\"message\":\"out of order\"}}}").finished("").breaking("out of order"),
            new Sample("/responses: cut off").on(Endpoint.RESPONSES).events(
                    "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hi\"}",
                    "{\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":"
                            + "{\"reason\":\"max_output_tokens\"}}}").told("Hi").finished("length"),
            new Sample("/responses: a refusal").on(Endpoint.RESPONSES).events(
                    "{\"type\":\"response.refusal.delta\",\"output_index\":0,\"delta\":\"No.\"}",
                    "{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}").told("No."),
            new Sample("/responses: it fails").on(Endpoint.RESPONSES).events(
                    "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Hi\"}",
                    "{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
                            + "\"server_error\",\"message\":\"The model failed\"}}}")
                    .told("Hi").finished("").breaking("The model failed"),
            new Sample("/responses: an error event").on(Endpoint.RESPONSES).events(
                    "{\"type\":\"error\",\"code\":\"rate_limit\",\"message\":\"Slow down\",\"param\":null}")
                    .finished("").breaking("Slow down"),
            new Sample("/v1/messages: a text").on(Endpoint.MESSAGES).stream("""
                    event: message_start
                    data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",\
                    "content":[],"model":"claude-opus-4.8","stop_reason":null,"stop_sequence":null,\
                    "usage":{"input_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":1,\
                    "output_tokens":1}}}

                    event: content_block_start
                    data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

                    event: ping
                    data: {"type":"ping"}

                    event: content_block_delta
                    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

                    event: content_block_delta
                    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" thére"}}

                    event: content_block_stop
                    data: {"type":"content_block_stop","index":0}

                    event: message_delta
                    data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},\
                    "usage":{"output_tokens":2},"copilot_usage":{"total_nano_aiu":0}}

                    event: message_stop
                    data: {"type":"message_stop"}

                    """).by("claude-opus-4.8", "msg_1").told("Hi", " thére").counted(9, 2, 3, 0),
            new Sample("/v1/messages: thoughts, a text, a call").on(Endpoint.MESSAGES).events(
                    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\","
                            + "\"thinking\""
                            + ":\"\",\"signature\":\"\"}}",
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
                            + "\"thinking\":\"Hm.\"}}",
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\","
                            + "\"signature\":\"EqQB\"}}",
                    "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\","
                            + "\"text\":\"\"}}",
                    "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\","
                            + "\"text\":\"Hi\"}}",
                    "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\","
                            + "\"id\":\"toolu_1\",\"name\":\"sky\",\"input\":{}}}",
                    "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
                            + "\"partial_json\":\"\"}}",
                    "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
                            + "\"partial_json\":\"{\\\"x\\\": 1}\"}}",
                    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},"
                            + "\"usage\":{\"output_tokens\":7}}",
                    "{\"type\":\"message_stop\"}", "[DONE]")
                    .thought("Hm.").told("Hi").finished("tool_calls").counted(0, 7, 0, 0)
                    .calling(called("toolu_1", "sky", "{\"x\": 1}")),
            new Sample("/v1/messages: the longest answer").on(Endpoint.MESSAGES).events(
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
                            + "\"text\":\"Hi\"}}",
                    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"}}",
                    "{\"type\":\"message_stop\"}").told("Hi").finished("length"),
            new Sample("/v1/messages: overloaded in the middle").on(Endpoint.MESSAGES).events(
                    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
                            + "\"text\":\"Hi\"}}",
                    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}")
                    .told("Hi").finished("").breaking("Overloaded"));

    static final List<Sample> SAMPLES = Stream.concat(CHAT.stream(), OTHERS.stream()).toList();

    @ParameterizedTest
    @FieldSource("SAMPLES")
    void everyChunkSizeGivesTheSameReply(Sample sample) { replay(sample, sample.text); }

    @ParameterizedTest
    @FieldSource("SAMPLES")
    void linesMayEndInCrLf(Sample sample) { replay(sample, sample.text.replace("\n", "\r\n")); }

    @ParameterizedTest
    @FieldSource("SAMPLES")
    void linesMayEndInCr(Sample sample) { replay(sample, sample.text.replace("\n", "\r")); }

    @ParameterizedTest
    @FieldSource("SAMPLES")
    void unusualFraming(Sample sample) {
        String odd = sample.text.replaceFirst("^\uFEFF", "").replaceAll("(?m)^data: ", ": ping\r\ndata:");
        replay(sample, "\uFEFF" + odd.replaceFirst("\n+$", ""));
    }

    // ------------------------------------------------------------------------------------------- events

    private static List<String> events(InputStream in) throws IOException {
        var events = new EventStream(in);
        var all = new ArrayList<String>();
        for (String data = events.next(); data != null; data = events.next()) all.add(data);
        return all;
    }

    /// Gives at most `most` bytes a read.
    private static final class Slow extends FilterInputStream {
        private final int most;

        Slow(byte[] bytes, int most) {
            super(new ByteArrayInputStream(bytes));
            this.most = most;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            return super.read(bytes, offset, Math.min(most, length));
        }
    }

    private static void eventsOf(String text, String... wanted) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int size = 1; size <= Math.max(1, bytes.length); size++) {
            int step = size;
            assertEquals(List.of(wanted), events(new Slow(bytes, step)), () -> "in pieces of " + step);
        }
    }

    @Test
    void eventsFollowTheStandard() throws IOException {
        eventsOf("data: a\n\ndata:b\n\ndata:  c \n\n", "a", "b", " c ");
        eventsOf("data: a\rdata: b\r\ndata: c\n\n", "a\nb\nc");
        eventsOf("data\n\ndata:\n\ndata\ndata\n\n", "", "", "\n");
        eventsOf(": c\nevent: e\nid: 1\n\n\nunknown: x\ndata:x:y\n\n", "x:y");
        eventsOf("\uFEFFdata: \uFEFFa\n\n\uFEFFdata: not ours\n\n", "\uFEFFa");
        eventsOf("dataa: 1\ndata : 2\n data: 3\n\n");
        eventsOf("data: cut off", "cut off");
        eventsOf("data: cut off\r", "cut off");
        eventsOf("data: é€😀\r\n\r\ndata: \u2028\u0085\r\n\r\n", "é€😀", "\u2028\u0085");
        eventsOf("\n\n\r\r\n\n");
        eventsOf("");
    }

    @Test
    void eventIsDeliveredBeforeNextByteIsRead() throws IOException {
        for (String end : List.of("\n\n", "\r\r", "\r\n\r\n", "\r\n\r")) {
            var only = new ByteArrayInputStream(("data: x" + end).getBytes(StandardCharsets.UTF_8));
            var silent = new InputStream() {
                @Override
                public int read() { throw new AssertionError("read on"); }
            };
            var in = new SequenceInputStream(only, silent);
            assertEquals("x", new EventStream(in).next());
        }
    }

    @Test
    void lineOfOneMegabyte() throws IOException {
        String line = "é".repeat(500_000);
        byte[] bytes = ("data: " + line + "\n\n").getBytes(StandardCharsets.UTF_8);
        assertEquals(List.of(line), events(new Slow(bytes, 8192)));
    }

    @Test
    void endlessLineIsRejected() {
        var endless = new InputStream() {
            @Override
            public int read() { return 'x'; }
        };
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> assertThrows(IOException.class, () -> events(endless)));
    }

    @Test
    void endlessEventIsRejected() {
        byte[] line = ("data: " + "x".repeat(8186)).getBytes(StandardCharsets.UTF_8);
        line[line.length - 1] = '\n';
        var endless = new InputStream() {
            long given;

            @Override
            public int read() { throw new AssertionError(); }

            @Override
            public int read(byte[] bytes, int offset, int length) {
                if ((given += line.length) > 200 << 20) throw new AssertionError("200 MiB for one event");
                System.arraycopy(line, 0, bytes, offset, line.length);
                return line.length;
            }
        };
        assertThrows(IOException.class, () -> new EventStream(endless).next());
    }

    // ------------------------------------------------------------------------------------------- whole answers

    private static Heard whole(String json) throws IOException {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        var first = new Heard(1);
        first.read(head("application/json; charset=utf-8", body(bytes, bytes.length)));
        for (int step = 1; step < bytes.length; step++) {
            var heard = new Heard(1);
            assertEquals(first.answer.reply(Duration.ZERO), heard.read(head("application/json", body(bytes, step))));
            assertEquals(first.deltas, heard.deltas);
        }
        return first;
    }

    @Test
    void unstreamedOpenAiReply() throws IOException {
        var reply = whole("""
                {"choices":[{"finish_reason":"stop","index":0,"message":{"content":"Hellö 😀","role":"assistant"}}],
                 "created":1795300000,"id":"chatcmpl-7","model":"gpt-5.4-2026-03-01","object":"chat.completion",
                 "usage":{"completion_tokens":2,"prompt_tokens":9,"total_tokens":11,
                 "prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":0}},
                 "copilot_usage":{"total_nano_aiu":5}}""").answer.reply(Duration.ZERO);
        assertEquals(new Reply(List.of("Hellö 😀"), "", "stop", "gpt-5.4-2026-03-01",
                new Usage(9, 2, 1, 0, 5, false), Json.tryParse("[]"), "chatcmpl-7", "R:1",
                Duration.ZERO, List.of(), List.of()),
                reply);
    }

    @Test
    void unstreamedClaudeReplyInTwoChoices() throws IOException {
        var reply = whole("""
                {"choices":[{"finish_reason":"tool_calls","message":{"content":"Let me look.","role":"assistant"}},
                 {"finish_reason":"tool_calls","message":{"content":null,"role":"assistant","tool_calls":[
                 {"id":"toolu_7","type":"function","function":{"name":"weather",
                 "arguments":"{\\"city\\":\\"Oslo\\"}"}}]}}],
                 "id":"u","model":"claude-sonnet-4.5"}""").answer.reply(Duration.ZERO);
        assertEquals(List.of("Let me look."), reply.choices());
        assertEquals("tool_calls", reply.rawFinish());
        assertEquals("[" + called("toolu_7", "weather", "{\"city\":\"Oslo\"}") + "]",
                Json.singleLine(reply.toolCalls()));
    }

    @Test
    void toolCallsWithoutIndexStaySeparate() throws IOException {
        var reply = whole("""
                {"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[
                 {"id":"a","type":"function","function":{"name":"sky","arguments":"{}"}},
                 {"id":"b","type":"function","function":{"name":"sea","arguments":""}}]}}]}""").answer
                .reply(Duration.ZERO);
        assertEquals("[" + called("a", "sky", "{}") + "," + called("b", "sea", "{}") + "]",
                Json.singleLine(reply.toolCalls()));
    }

    @Test
    void unstreamedRefusalAndReasoning() throws IOException {
        var heard = whole("""
                {"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"No.",
                 "reasoning_text":"Hm."}}]}""");
        assertEquals(List.of("No."), heard.deltas);
        assertEquals(List.of("Hm."), heard.thoughts);
    }

    @Test
    void unstreamedErrorOrInvalidReplyIsFault() {
        for (String json : List.of("{\"error\":{\"message\":\"fell over\",\"code\":\"x\"}}", "{\"choices\":[]}", "{}",
                "", "[]", "{\"choices\":[{\"ind", "<html></html>")) {
            byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
            var answer = head("application/json", body(bytes, 7));
            var fault = assertThrows(Fault.class, () -> new Heard(1).read(answer), json);
            assertFalse(fault.hint().isEmpty(), json);
        }
    }

    // ------------------------------------------------------------------------------------------- limits of time

    @Test
    void silenceTimesOut() {
        var body = new StreamingBody(Duration.ofMillis(30), 0);
        body.onSubscribe(new Requests(_ -> {}));
        body.onNext(List.of(ByteBuffer.wrap(new byte[]{'a'})));
        var trouble = assertThrows(HttpTimeoutException.class, body::readAllBytes);
        assertEquals("sent nothing for 30 ms", trouble.getMessage());
    }

    @Test
    void deadlineEndsWait() {
        var body = new StreamingBody(Duration.ofMinutes(5), System.nanoTime() + 30_000_000);
        body.onSubscribe(new Requests(_ -> {}));
        var trouble = assertTimeoutPreemptively(Duration.ofSeconds(20),
                () -> assertThrows(HttpTimeoutException.class, body::read));
        assertEquals("did not finish within the timeout", trouble.getMessage());
    }

    @Test
    void deadlineEndsContinuousBody() {
        var body = new StreamingBody(Duration.ofMinutes(5), System.nanoTime() + 50_000_000);
        byte[] comment = ": ping\n".getBytes(StandardCharsets.UTF_8);
        body.onSubscribe(new Requests(_ -> body.onNext(List.of(ByteBuffer.wrap(comment)))));
        assertTimeoutPreemptively(Duration.ofSeconds(10),
                () -> assertThrows(IOException.class, () -> new EventStream(body).next()));
    }

    @Test
    void brokenBodyReportsReasonAndBytesReceived() throws IOException {
        var body = new StreamingBody(Duration.ofSeconds(20), 0);
        body.onSubscribe(new Requests(_ -> {}));
        body.onNext(List.of(ByteBuffer.wrap(new byte[]{'a', 'b'})));
        body.onError(new IOException("Connection reset"));
        assertEquals('a', body.read());
        assertEquals('b', body.read());
        assertEquals("Connection reset", assertThrows(IOException.class, body::read).getMessage());
    }

    @Test
    void interruptEndsWait() {
        var body = new StreamingBody(Duration.ofMinutes(5), 0);
        body.onSubscribe(new Requests(_ -> {}));
        Thread.currentThread().interrupt();
        assertEquals(Fault.INTERRUPTED, assertThrows(Fault.class, body::read).exitCode());
        assertFalse(Thread.interrupted());
    }

    // ------------------------------------------------------------------------------------------- over a socket

    private interface Handler {
        void answer(Socket socket, OutputStream out) throws IOException;
    }

    /// A web server of a dozen lines: one request a connection, each answered by the next handler, the last for ever.
    private static final class RawServer implements AutoCloseable {
        private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final List<Socket> sockets = Collections.synchronizedList(new ArrayList<>());
        final AtomicInteger requests = new AtomicInteger();
        private final List<Handler> handlers;

        RawServer(Handler... handlers) throws IOException {
            this.handlers = List.of(handlers);
            Thread.ofVirtual().start(this::accept);
        }

        URI uri() { return URI.create("http://127.0.0.1:" + server.getLocalPort() + "/chat/completions"); }

        private void accept() {
            try {
                while (true) {
                    var socket = server.accept();
                    sockets.add(socket);
                    Thread.ofVirtual().start(() -> serve(socket));
                }
            } catch (IOException _) {
                // closed
            }
        }

        private void serve(Socket socket) {
            try {
                socket.setTcpNoDelay(true);
                readRequest(socket.getInputStream());
                int number = requests.getAndIncrement();
                handlers.get(Math.min(number, handlers.size() - 1)).answer(socket, socket.getOutputStream());
            } catch (IOException _) {
                // the client went away, which is its right
            }
        }

        private static void readRequest(InputStream in) throws IOException {
            var head = new StringBuilder();
            while (!head.toString().endsWith("\r\n\r\n")) {
                int b = in.read();
                if (b < 0) throw new EOFException();
                head.append((char) b);
            }
            var length = Pattern.compile("(?i)content-length: (\\d+)").matcher(head);
            if (length.find()) in.readNBytes(Integer.parseInt(length.group(1)));
        }

        @Override
        public void close() throws IOException {
            server.close();
            for (var socket : List.copyOf(sockets)) socket.close();
        }
    }

    private static String headOf(String type, String... more) {
        return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nx-github-request-id: R:1\r\n"
                + Stream.of(more).map(m -> m + "\r\n").collect(Collectors.joining()) + "\r\n";
    }

    /// A stream written in pieces of a size, then the end of the connection.
    private static Handler streaming(String text, int step) {
        return (socket, out) -> {
            write(out, headOf("text/event-stream", "Connection: close"));
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            for (int at = 0; at < bytes.length; at += step) {
                out.write(bytes, at, Math.min(step, bytes.length - at));
                out.flush();
            }
            socket.close();
        };
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static void reset(Socket socket) throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    private final Harness.VirtualTime time = new Harness.VirtualTime();

    private HttpSender wire() {
        var nowhere = new PrintWriter(Writer.nullWriter());
        var env = new Environment(new Stdin(InputStream.nullInputStream(), Stdin.Kind.PIPE), nowhere, nowhere, Map.of(),
                _ -> false, time, () -> false, Path.of(""));
        return new HttpSender(new Console(env), Duration.ofMinutes(1));
    }

    private static ApiRequest call(RawServer server) {
        return new ApiRequest("POST", server.uri(), Headers.parse(null, List.of()).login(), "{}".getBytes());
    }

    /// Asks and closes the wire, as the tool does; must be over soon, whatever the server does.
    private Heard ask(RawServer server, int n) { return ask(server, new Heard(n)); }

    private Heard ask(RawServer server, Sample sample) { return ask(server, new Heard(sample.n, sample.way)); }

    private Heard ask(RawServer server, Heard heard) {
        return assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
            try (var http = wire()) {
                http.send(call(server), heard);
            } catch (Fault fault) {
                heard.trouble = fault.message();
            }
            return heard;
        });
    }

    @ParameterizedTest
    @FieldSource("SAMPLES")
    void socketGivesTheSameReply(Sample sample) throws IOException {
        for (int step : new int[]{1, 2, 7, 64, 100_000}) {
            try (var server = new RawServer(streaming(sample.text, step))) {
                ask(server, sample).mustBe(sample, () -> sample + " over a socket in pieces of " + step);
                boolean emptyHanded = !sample.trouble.isEmpty() && sample.deltas.isEmpty()
                        && !sample.text.contains("error");
                assertEquals(1, server.requests.get(), sample + ": requests");
            }
        }
    }

    private static final String GOOD = "data: " + said("Hi") + "\n\ndata: " + FINISHED + "\n\ndata: [DONE]\n\n";

    private static void understood(Heard heard) {
        assertEquals("", heard.trouble);
        assertEquals(List.of("Hi"), heard.deltas);
    }

    @Test
    void resetBeforeFirstDeltaIsRetried() throws IOException {
        Handler beforeTheHead = (socket, _) -> reset(socket);
        Handler afterTheHead = (socket, out) -> {
            write(out, headOf("text/event-stream"));
            reset(socket);
        };
        Handler withinTheFirstEvent = (socket, out) -> {
            write(out, headOf("text/event-stream") + "data: {\"choices\":[],\"id\":\"\"}\n\ndata: {\"choi");
            reset(socket);
        };
        try (var server = new RawServer(beforeTheHead, afterTheHead, withinTheFirstEvent, streaming(GOOD, 9))) {
            understood(ask(server, 1));
            assertEquals(4, server.requests.get());
            assertEquals(3, time.pauses.size());
        }
    }

    @Test
    void resetAfterFirstDeltaIsNotRetried() throws IOException {
        var told = new CountDownLatch(1);
        Handler cut = (socket, out) -> {
            write(out, headOf("text/event-stream") + "data: " + said("Hi") + "\n\n");
            awaitTold(told);
            reset(socket);
        };
        try (var server = new RawServer(cut, streaming(GOOD, 9)); var http = wire()) {
            var heard = new Heard(1) {
                @Override
                public void text(int choice, String delta) {
                    super.text(choice, delta);
                    told.countDown();
                }
            };
            assertTrue(assertThrows(Fault.class, () -> http.send(call(server), heard)).lostConnection());
            assertEquals(List.of("Hi"), heard.deltas);
            assertEquals(1, server.requests.get());
            assertEquals(List.of(), time.pauses);
        }
    }

    private static void awaitTold(CountDownLatch told) throws IOException {
        try {
            if (!told.await(20, TimeUnit.SECONDS)) throw new IOException("nobody heard the first delta");
        } catch (InterruptedException e) {
            throw new InterruptedIOException();
        }
    }

    @Test
    void resetAfterReasoningIsNotRetried() throws IOException {
        var sample = "data: " + delta("\"reasoning_text\":\"Hm\"") + "\n\n";
        try (var server = new RawServer(streaming(sample, 1000), streaming(GOOD, 9))) {
            assertContains("without an end mark", ask(server, 1).trouble, () -> "");
            assertEquals(1, server.requests.get());
        }
    }

    /// Whoever ends a stream in good order has made all of it, and bills it: it is not asked for again.
    @ParameterizedTest
    @ValueSource(strings = {"", ": ping\n\n", "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\","
            + "\"arguments\":\"{\"}}]}}]}\n\n"})
    void completeStreamIsNotRetried(String text) throws IOException {
        try (var server = new RawServer(streaming(text, 1000), streaming(GOOD, 9))) {
            assertContains("without an end mark", ask(server, 1).trouble, () -> "");
            assertEquals(1, server.requests.get());
            assertEquals(List.of(), time.pauses);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "text/plain", "text/event-stream", "application/octet-stream"})
    void unstreamedReplyIsDetectedByFirstCharacter(String type) throws IOException {
        Handler whole = (socket, out) -> {
            write(out, headOf(type, "Connection: close") + "\r\n "
                    + "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"Hi\"}}]}\n");
            socket.close();
        };
        try (var server = new RawServer(whole)) {
            understood(ask(server, 1));
            assertEquals(1, server.requests.get());
        }
    }

    @Test
    void openBodyAfterDoneDoesNotHang() throws IOException {
        try (var server = new RawServer((_, out) -> write(out, headOf("text/event-stream") + GOOD))) {
            long start = System.nanoTime();
            understood(ask(server, 1));
            assertTrue(System.nanoTime() - start < 5_000_000_000L);
        }
    }

    @Test
    void openChunkedBodyAfterDoneDoesNotHang() throws IOException {
        int length = GOOD.getBytes(StandardCharsets.UTF_8).length;
        try (var server = new RawServer((_, out) -> write(out, headOf("text/event-stream", "Transfer-Encoding: chunked")
                + Integer.toHexString(length) + "\r\n" + GOOD + "\r\n"))) {
            understood(ask(server, 1));
        }
    }

    @Test
    void dataAfterDoneIsIgnored() throws IOException {
        Handler talkative = (_, out) -> {
            write(out, headOf("text/event-stream") + GOOD);
            while (true) {
                write(out, ": ping\n\n");
                LockSupport.parkNanos(1_000_000);
            }
        };
        try (var server = new RawServer(talkative)) {
            understood(ask(server, 1));
        }
    }

    @Test
    void errorChunkInOpenStreamEndsAtOnce() throws IOException {
        try (var server = new RawServer((_, out) -> write(out, headOf("text/event-stream") + "data: " + said("Hi")
                + "\n\ndata: {\"error\":{\"message\":\"fell over\"}}\n\n"))) {
            var heard = ask(server, 1);
            assertContains("fell over", heard.trouble, () -> "");
            assertEquals(1, server.requests.get());
        }
    }

    @Test
    void abortingListenerLeavesNothingOpen() throws IOException {
        try (var server = new RawServer((_, out) -> write(out, headOf("text/event-stream") + "data: " + said("Hi")
                + "\n\n"))) {
            assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
                try (var http = wire()) {
                    var closed = new Heard(1) {
                        @Override
                        public void text(int choice, String delta) { throw new BrokenPipe(); }
                    };
                    assertThrows(BrokenPipe.class, () -> http.send(call(server), closed));
                }
            });
        }
    }

    private static Handler gzipped(int status, String text) {
        return (socket, out) -> {
            var bytes = new ByteArrayOutputStream();
            try (var gzip = new GZIPOutputStream(bytes)) {
                gzip.write(text.getBytes(StandardCharsets.UTF_8));
            }
            write(out, headOf("application/json", "Content-Encoding: gzip", "Content-Length: " + bytes.size())
                    .replace("200 OK", status + " Whatever"));
            out.write(bytes.toByteArray());
            out.flush();
        };
    }

    @Test
    void gzippedReply() throws IOException {
        String json = "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"Hi\"}}]}";
        try (var server = new RawServer(gzipped(200, json))) {
            understood(ask(server, 1));
        }
    }

    @Test
    void gzippedError() throws IOException {
        try (var server = new RawServer(gzipped(403, "{\"error\":{\"message\":\"no, thanks\",\"code\":\"no\"}}"))) {
            assertContains("no, thanks", ask(server, 1).trouble, () -> "");
        }
    }

    @Test
    void truncatedGzipIsLostConnection() throws IOException {
        Handler cut = (socket, out) -> {
            write(out, headOf("application/json", "Content-Encoding: gzip", "Connection: close"));
            out.write(new byte[]{0x1f, (byte) 0x8b, 8, 0, 0});
            out.flush();
            socket.close();
        };
        try (var server = new RawServer(cut, streaming(GOOD, 9))) {
            understood(ask(server, 1));
            assertEquals(2, server.requests.get());
        }
    }

    @Test
    void timeoutCoversWholeBody() throws IOException {
        Handler dripping = (_, out) -> {
            write(out, headOf("text/event-stream") + "data: " + said("Hi") + "\n\n");
            while (true) {
                write(out, ": ping\n\n");
                LockSupport.parkNanos(5_000_000);
            }
        };
        try (var server = new RawServer(dripping); var http = wire()) {
            var heard = new Heard(1);
            var stopped = assertTimeoutPreemptively(Duration.ofSeconds(20),
                    () -> assertThrows(Fault.class,
                            () -> Deadline.within(Duration.ofMillis(1500), () -> http.send(call(server),
                            heard))));
            assertContains("did not finish within the timeout", stopped.getMessage(), () -> "");
            assertEquals(List.of("Hi"), heard.deltas);
        }
    }

    @Test
    void connectionIsReusedAfterDone() throws IOException {
        int length = GOOD.getBytes(StandardCharsets.UTF_8).length;
        var connections = new AtomicInteger();
        Handler keeping = (socket, out) -> {
            connections.incrementAndGet();
            while (true) {
                write(out, headOf("text/event-stream", "Transfer-Encoding: chunked") + Integer.toHexString(length)
                        + "\r\n" + GOOD + "\r\n");
                write(out, "0\r\n\r\n");
                RawServer.readRequest(socket.getInputStream());
            }
        };
        try (var server = new RawServer(keeping); var http = wire()) {
            for (int i = 0; i < 3; i++) {
                var heard = new Heard(1);
                http.send(call(server), heard);
                understood(heard);
            }
            assertEquals(1, connections.get());
        }
    }
}
