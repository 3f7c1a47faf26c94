package cop;

import module java.base;
import cop.copilot.Usage;
import tools.jackson.databind.node.ObjectNode;

/// A streamed answer of another API than the client's.
final class TranslatedStream implements StreamTranslator {
    private final AnswerSink sink;
    private final AnswerSource source;

    TranslatedStream(TranslatedRequest request) {
        sink = AnswerSink.of(request);
        source = AnswerSource.of(request.upstream(), sink::accept);
    }

    @Override
    public byte[] event(String name, byte[] data) {
        if (source.over() || sink.failure().isPresent()) return NOTHING;
        String text = new String(data, StandardCharsets.UTF_8);
        if (text.strip().equals("[DONE]")) source.done();
        else if (Json.tryParse(text) instanceof ObjectNode event) source.event(event);
        return sink.take();
    }

    @Override
    public byte[] end() {
        if (source.over() || sink.failure().isPresent()) return NOTHING;
        if (!source.end()) source.emit(new AnswerEvent.Failed(BrokenStream.ended()));
        return sink.take();
    }

    @Override
    public byte[] failed(ApiRefusal why) {
        if (source.over() || sink.failure().isPresent()) return NOTHING;
        source.emit(new AnswerEvent.Failed(why));
        return sink.take();
    }

    @Override
    public boolean isBroken() { return sink.failure().isPresent(); }

    @Override
    public byte[] filler() { return sink.filler(); }

    @Override
    public Usage usage() { return sink.usage().usage(); }
}
