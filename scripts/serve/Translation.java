package cop;

import module java.base;

/// What a client's request becomes at Copilot, and how the answer becomes the client's.
interface Translation {
    /// The endpoint of Copilot that gets the request.
    ApiProtocol upstream();

    byte[] body();

    /// Headers to add: `X-Initiator`, `Copilot-Vision-Request`, `anthropic-beta` …
    Map<String, String> headers();

    /// Copilot's id of the model; empty if the request names none.
    String model();

    /// The id that the client asked for, which is put back into the answer.
    String asked();

    boolean streams();

    /// Returns this request with another body and other headers, as `RefusedMembers` changes them.
    Translation with(byte[] body, Map<String, String> headers);

    /// What was changed in the request, for the log; no content of it.
    default List<String> notes() { return List.of(); }

    /// Returns a translator for one streamed answer.
    StreamTranslator stream();

    /// Returns the client's form of an answer that was not streamed.
    WholeAnswer whole(byte[] body);

    /// @param usage what it cost, for the log
    record WholeAnswer(byte[] body, copilot.Usage usage) {}
}
