package cop;

import module java.base;

/// Splits a stream of server-sent events (WHATWG) as it arrives. Lines end in LF, CRLF or CR; data stays bytes.
final class EventSplitter {
    /// Receives the name, empty if there is none, and the data of an event.
    interface Listener {
        void event(String name, byte[] data);
    }

    private static final int LONGEST = 16 << 20;            // bytes per event
    private static final byte[] MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    private final Listener listener;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream(512), data = new ByteArrayOutputStream(512);
    private String name = "";
    private boolean any, first = true, afterCr;

    EventSplitter(Listener listener) { this.listener = listener; }

    /// @throws IOException if an event is larger than 16 MiB
    void accept(byte[] bytes, int length) throws IOException {
        int from = 0;
        for (int i = 0; i < length; i++) {
            byte b = bytes[i];
            if (b != '\n' && b != '\r') {
                afterCr = false;
                continue;
            }
            if (b == '\n' && afterCr) {                     // the second half of CRLF
                afterCr = false;
                from = i + 1;
                continue;
            }
            line.write(bytes, from, i - from);
            line();
            from = i + 1;
            afterCr = b == '\r';
        }
        line.write(bytes, from, length - from);
        if (line.size() + data.size() > LONGEST) throw new IOException("an event in the stream is larger than 16 MiB");
    }

    /// Ends the stream. Some servers omit the blank line, or even the line break, after the last event.
    void end() {
        if (line.size() > 0) line();
        dispatch();
    }

    private void line() {
        var bytes = line.toByteArray();
        line.reset();
        if (first && bytes.length >= 3 && Arrays.equals(bytes, 0, 3, MARK, 0, 3)) {
            bytes = Arrays.copyOfRange(bytes, 3, bytes.length);
        }
        first = false;
        if (bytes.length == 0) dispatch();
        else if (is("data", bytes)) {
            if (any) data.write('\n');
            any = true;
            int from = value(4, bytes);
            data.write(bytes, from, bytes.length - from);
        } else if (is("event", bytes)) {
            int from = value(5, bytes);
            name = new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8);
        }                                                   // else: a comment or unused field
    }

    private static boolean is(String field, byte[] line) {
        int length = field.length();
        if (line.length < length || line.length > length && line[length] != ':') return false;
        for (int i = 0; i < length; i++) if (line[i] != field.charAt(i)) return false;
        return true;
    }

    private static int value(int length, byte[] line) {
        if (line.length <= length + 1) return line.length;
        return line[length + 1] == ' ' ? length + 2 : length + 1;
    }

    private void dispatch() {
        if (any) listener.event(name, data.toByteArray());
        data.reset();
        name = "";
        any = false;
    }
}
