package cop;

import module java.base;
import tools.jackson.databind.JsonNode;

/// Frames of server-sent events (WHATWG HTML), as bytes.
final class SseFrames {
    static final byte[] NONE = new byte[0], DONE = data("[DONE]"), COMMENT = bytes(": keep-alive\n\n"),
            PING = named("ping", "{\"type\": \"ping\"}");

    private static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    /// @param name empty for an event without one
    static byte[] of(String name, byte[] data) {
        var out = new ByteArrayOutputStream(data.length + name.length() + 20);
        if (!name.isEmpty()) {
            out.writeBytes(bytes("event: "));
            out.writeBytes(bytes(name));
            out.writeBytes(bytes("\n"));
        }
        int from = 0;
        for (int i = 0; i <= data.length; i++) {            // an event's data may have lines
            if (i < data.length && data[i] != '\n') continue;
            out.writeBytes(bytes("data: "));
            out.write(data, from, i - from);
            out.writeBytes(bytes("\n"));
            from = i + 1;
        }
        out.writeBytes(bytes("\n"));
        return out.toByteArray();
    }

    static byte[] named(String name, JsonNode data) { return of(name, Json.bytes(data)); }

    private static byte[] named(String name, String data) { return of(name, bytes(data)); }

    static byte[] data(JsonNode data) { return of("", Json.bytes(data)); }

    private static byte[] data(String data) { return of("", bytes(data)); }

    static byte[] joined(byte[]... frames) {
        var out = new ByteArrayOutputStream();
        for (var frame : frames) out.writeBytes(frame);
        return out.toByteArray();
    }
}
