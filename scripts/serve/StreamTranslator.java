package cop;

import cop.copilot.Usage;

/// Makes the client's stream from Copilot's, an event at a time. Calls never overlap.
interface StreamTranslator {
    byte[] NOTHING = {};

    /// Returns the client's frames for an event; may be empty.
    ///
    /// @param name the event's name; empty if it has none
    /// @param data its data, in UTF-8
    byte[] event(String name, byte[] data);

    /// Returns the last frames, when Copilot's stream has ended, or `failed` if the answer is incomplete.
    byte[] end();

    /// Returns whether the client has been given an error, of Copilot or of ours, in place of the answer's end.
    boolean isBroken();

    /// Returns the frames with which a broken stream ends, in the client's protocol.
    byte[] failed(ApiRefusal why);

    /// Returns an event without content, for clients that do not count pings as life; empty if there is none now.
    default byte[] filler() { return NOTHING; }

    /// What the answer has cost so far.
    default Usage usage() { return Usage.NONE; }
}
