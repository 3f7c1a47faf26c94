package cop;

import module java.base;
import cop.copilot.Model;

/// Chooses how a request is translated: not at all where the model has the client's own endpoint.
final class Translations {
    /// @param models finds a model by its id at Copilot
    /// @throws ApiRefusal for what cannot be kept, and unknown models
    static Translation of(ApiProtocol client, byte[] body, HttpFields headers,
            Function<String, Optional<Model>> models) {
        return new PassThrough(client, body);
    }

    private record PassThrough(ApiProtocol upstream, byte[] body) implements Translation {
        @Override
        public Map<String, String> headers() { return Map.of(); }

        @Override
        public String model() { return Json.text(Json.tryParse(new String(body, StandardCharsets.UTF_8)), "model"); }

        @Override
        public String asked() { return model(); }

        @Override
        public boolean streams() {
            return Json.tryParse(new String(body, StandardCharsets.UTF_8)).path("stream").asBoolean(false);
        }

        @Override
        public WholeAnswer whole(byte[] answer) { return new WholeAnswer(answer, copilot.Usage.NONE); }

        @Override
        public StreamTranslator stream() {
            return new StreamTranslator() {
                @Override
                public byte[] event(String name, byte[] data) {
                    return ((name.isEmpty() ? "" : "event: " + name + "\n") + "data: " + new String(data,
                            StandardCharsets.UTF_8) + "\n\n").getBytes(StandardCharsets.UTF_8);
                }

                @Override
                public byte[] end() { return NOTHING; }

                @Override
                public byte[] failed(ApiRefusal why) { return upstream.broken(why); }
            };
        }
    }
}
