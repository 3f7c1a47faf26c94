package cop;

/// The end of an answer that is not whole. A stream that breaks off never looks complete to the client.
final class BrokenStream {
    static ApiRefusal ended() {
        return new ApiRefusal(502, "incomplete_stream", "Copilot's answer ended before it was complete; try again");
    }

    static ApiRefusal interrupted() {
        return new ApiRefusal(502, "interrupted", "Copilot interrupted the answer; try again");
    }

    static ApiRefusal empty() {
        return new ApiRefusal(502, "empty_stream", "Copilot sent an empty answer; try again");
    }
}
