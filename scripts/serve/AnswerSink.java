package cop;

import module java.base;
import cop.AnswerBlocks.Block;
import cop.AnswerBlocks.Kind;
import cop.AnswerEvent.*;
import tools.jackson.databind.node.ObjectNode;

/// Writes an answer for a client, as a stream or in one piece.
abstract sealed class AnswerSink implements AnswerBlocks.Listener permits ChatSink, ResponsesSink, MessagesSink {
    final TranslatedRequest request;
    final AnswerBlocks blocks = new AnswerBlocks(this);
    private final ByteArrayOutputStream frames = new ByteArrayOutputStream();
    private String id = "", sequence;
    private long created;
    private TokenUsage usage = TokenUsage.NONE;
    private StopReason reason = StopReason.DONE;
    private ApiRefusal failure;
    private boolean begun;

    AnswerSink(TranslatedRequest request) { this.request = request; }

    static AnswerSink of(TranslatedRequest request) {
        return switch (request.client()) {
            case CHAT -> new ChatSink(request);
            case RESPONSES -> new ResponsesSink(request);
            case MESSAGES -> new MessagesSink(request);
        };
    }

    void accept(AnswerEvent event) {
        if (failure != null) return;
        switch (event) {
            case Begin begin -> {
                id = begin.id();
                created = begin.created();
            }
            case Used used -> usage = usage.then(used.usage());
            case Finish finish -> {
                reason = finish.reason();
                sequence = finish.sequence();
            }
            case Failed failed -> failure = failed.why();
            default -> { }
        }
        if (!begun && failure == null) {
            begun = true;
            begin();
        }
        if (failure == null) content(event);
        if (event instanceof End) failure = wrongCall().orElse(null);
        if (failure != null) fail(failure);
        else if (event instanceof End) finish();
    }

    /// Writes what comes before all else.
    abstract void begin();

    void content(AnswerEvent event) { blocks.accept(event); }

    abstract void finish();

    abstract void fail(ApiRefusal why);

    /// Returns the whole answer.
    abstract ObjectNode whole();

    /// Returns a call that the client could not read; Anthropic's have an object.
    Optional<ApiRefusal> wrongCall() { return Optional.empty(); }

    // ---- facts

    String id(String prefix) {
        return id.startsWith(prefix) && id.length() < 64 ? id : prefix + Seal.PREFIX + Text.sha256(id + created())
                .substring(0, 24);
    }

    long created() {
        if (created == 0) created = Instant.now().getEpochSecond();
        return created;
    }

    TokenUsage usage() { return usage; }

    Optional<ApiRefusal> failure() { return Optional.ofNullable(failure); }

    String sequence() { return sequence; }

    boolean begun() { return begun; }

    Stream<Block> calls() { return blocks.all().stream().filter(block -> block.kind == Kind.CALL); }

    /// Returns why the answer ended. A limit below the least that /responses takes was raised, but is still reported.
    StopReason stop() {
        boolean called = calls().findAny().isPresent();
        var most = request.dialog().maxTokens;
        boolean raised = request.upstream() == ApiProtocol.RESPONSES && most != null
                && most < ResponsesDialog.LEAST_OUTPUT && usage.completion() > most;
        return switch (reason) {
            case DONE, TOOLS -> called ? StopReason.TOOLS : raised ? StopReason.LENGTH : StopReason.DONE;
            default -> reason;
        };
    }

    boolean isCut() { return EnumSet.of(StopReason.LENGTH, StopReason.FILTER, StopReason.WINDOW).contains(stop()); }

    /// Returns the seal of a thinking block; empty if the model needs nothing back.
    String seal(Block block) { return block.sealed == null ? "" : Seal.close(request.model(), block.sealed); }

    // ---- frames

    final void write(byte[] frame) { frames.writeBytes(frame); }

    /// Returns what was written since the last time.
    final byte[] take() {
        byte[] bytes = frames.toByteArray();
        frames.reset();
        return bytes;
    }

    @Override
    public void open(Block block) {}

    @Override
    public void delta(Block block, String text) {}

    @Override
    public void close(Block block) {}

    byte[] filler() { return StreamTranslator.NOTHING; }
}
