package cop;

import module java.base;

/// Sends requests to Copilot as `chat` does: with the account's token, which is renewed once if it is rejected, through
/// the same proxies. Nothing else is sent twice: clients repeat requests themselves, and two layers multiply.
///
/// @param silence how long Copilot may send nothing: before a response's headers, and, if it is longer than
///     HttpSender's own limit, within its body
record Upstream(CopilotClient copilot, Duration silence) {
    /// Sends a request, and reads its response of any status. Interrupting the thread cancels it at once.
    ///
    /// @param path such as `/chat/completions`
    /// @param body null for none
    /// @param headers to add to our own, or to replace them
    <T> T send(String method, String path, byte[] body, Map<String, String> headers, AnyReading<T> reading) {
        return copilot.send(method, path, body, call -> new ApiRequest(call.method(), call.uri(),
                call.headers().with(headers), call.body(), silence, 0, _ -> null), reading);
    }
}
