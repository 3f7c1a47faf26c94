package cop;

import module java.base;
import tools.jackson.databind.JsonNode;

/// One request and its response, on a virtual thread of its own. If the client goes away, that thread is interrupted:
/// what it waits for ends with a `Fault` of kind INTERRUPTED, and nothing more needs to be sent.
interface Exchange {
    /// The request's method, in capitals.
    String method();

    /// The path without the query, as sent.
    String path();

    /// The parameters of the query, decoded.
    Map<String, String> query();

    HttpFields headers();

    /// The body, decompressed; empty if there is none.
    byte[] body();

    /// The protocol in whose envelope errors are sent.
    ApiProtocol protocol();

    /// An id of this request, which the response has as `request-id` and `x-request-id`.
    String id();

    /// The request's line in the log.
    RequestMeter.Call call();

    boolean isGone();

    /// The status that was sent; 0 before.
    int status();

    /// Runs work that the client's leaving does not interrupt, such as writing a file.
    void shielded(Runnable work);

    /// Sends a whole response. For HEAD, the body is left out.
    void respond(int status, Map<String, String> headers, byte[] body);

    default void respond(int status, String contentType, byte[] body) {
        respond(status, Map.of("Content-Type", contentType), body);
    }

    default void respond(int status, JsonNode json) { respond(status, "application/json", Json.bytes(json)); }

    default void refuse(ApiRefusal refusal) {
        var headers = new TreeMap<>(refusal.headers());
        headers.put("Content-Type", "application/json");
        respond(refusal.status(), headers, protocol().error(refusal, id()));
    }

    /// Begins a response whose length is not known.
    Sink stream(int status, Map<String, String> headers);

    /// A body that is being sent.
    interface Sink extends AutoCloseable {
        /// Sends bytes at once. Waits while the client does not read.
        void write(byte[] bytes);

        /// Returns the time since the last write.
        Duration silence();

        /// Ends the body.
        @Override
        void close();

        /// Ends a body that is incomplete, with an error for the client. The connection is kept, as the head has
        /// promised: the client's next request may be on its way.
        ///
        /// @param last what tells the client
        /// @param why for the log
        void breakOff(byte[] last, String why);
    }
}
