package cop;

import module java.base;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;

/// A request before its body.
///
/// @param target as sent, with the query
/// @param keep whether the connection may be used again
/// @param chunks whether the client understands a body of chunks, as HTTP/1.0 does not
record RequestHead(String method, String target, HttpFields headers, boolean keep, boolean chunks) {
    /// A request that could not be read.
    static final RequestHead NONE = new RequestHead("GET", "/", HttpFields.of(Map.of()), false, true);
    private static final Pattern END_OF_PATH = Pattern.compile("[?#]"),
            JSON = Pattern.compile("application/(?:[^;]+\\+)?json\\s*(?:;.*)?");

    static RequestHead of(HttpRequest request) {
        var fields = new HashMap<String, List<String>>();
        request.headers().forEach(header -> fields.computeIfAbsent(header.getKey().toLowerCase(Locale.ROOT), _ ->
                new ArrayList<>()).add(header.getValue()));
        return new RequestHead(request.method().name(), request.uri(), new HttpFields(fields),
                HttpUtil.isKeepAlive(request), request.protocolVersion().minorVersion() > 0);
    }

    /// Returns this request as the last of its connection.
    RequestHead last() { return new RequestHead(method, target, headers, false, chunks); }

    String path() { return END_OF_PATH.split(target, 2)[0]; }

    Map<String, String> query() {
        var all = new LinkedHashMap<String, String>();
        int mark = target.indexOf('?');
        if (mark < 0) return all;
        for (String pair : target.substring(mark + 1).split("&")) {
            String[] parts = pair.split("=", 2);
            if (!parts[0].isEmpty()) all.put(decoded(parts[0]), parts.length < 2 ? "" : decoded(parts[1]));
        }
        return all;
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException invalid) {
            return text;
        }
    }

    ApiProtocol protocol() { return ApiProtocol.of(path(), headers); }

    /// Returns why this request is refused, before its body is read.
    Optional<ApiRefusal> check(LocalServer.Setup setup, boolean stopping) {
        try {
            if (target.equals("*")) throw new ApiRefusal(400, "", "expected a path");
            var refusal = setup.access().refusal(target, headers);
            if (refusal.isPresent() || isPreflight()) return refusal;
            if (!setup.access().hasKey(headers, setup.routes().isPage(path()))) return Optional.of(unauthorized(
                    setup));
            if (stopping) throw ApiRefusal.stopping();
            checkCoding();
            setup.routes().find(method, path());
            checkBody(setup.limits().sizes());
            return Optional.empty();
        } catch (ApiRefusal refusal) {
            return Optional.of(refusal);
        }
    }

    /// Netty decodes chunks, and passes what is compressed within them as it is.
    private void checkCoding() {
        String coding = headers.joined("transfer-encoding");
        if (coding.isEmpty() || coding.equalsIgnoreCase("chunked")) return;
        throw new ApiRefusal(501, "", "Transfer-Encoding: " + Text.shortened(Text.printable(coding), 40)
                + " is not supported; send chunked, or Content-Length");
    }

    /// A browser's question, which it asks without the key.
    boolean isPreflight() { return method.equals("OPTIONS") && headers.has("origin"); }

    private ApiRefusal unauthorized(LocalServer.Setup setup) {
        boolean page = setup.routes().isPage(path());
        boolean any = headers.has("authorization") || headers.has("x-api-key") || headers.has("api-key");
        return new ApiRefusal(401, "invalid_api_key", any ? "wrong key: not the one that `serve key` shows"
                : "a key is required: Authorization: Bearer KEY, or x-api-key; `serve key` shows it",
                Map.of("WWW-Authenticate", page ? "Basic realm=\"copilot.java\", charset=\"UTF-8\"" : "Bearer"));
    }

    private void checkBody(ServerLimits.Sizes sizes) {
        if (!method.equals("POST")) return;
        String type = headers.value("content-type").toLowerCase(Locale.ROOT);
        if (!JSON.matcher(type).matches()) {
            throw new ApiRefusal(415, "", "expected Content-Type: application/json, got "
                    + (type.isEmpty() ? "none" : Text.shortened(Text.printable(type), 60)));
        }
        String encoding = headers.joined("content-encoding").toLowerCase(Locale.ROOT);
        if (!List.of("", "identity", "gzip", "x-gzip").contains(encoding)) {
            throw new ApiRefusal(415, "", "Content-Encoding: " + Text.shortened(Text.printable(encoding), 40)
                    + " is not supported; send gzip, or no compression");
        }
        String length = headers.value("content-length");
        if (length.matches("[0-9]{1,18}") && Long.parseLong(length) > sizes.body()) throw tooLarge(sizes.body());
    }

    static ApiRefusal overloaded() {
        return new ApiRefusal(503, "overloaded", "too many large requests at once; try again later",
                Map.of("Retry-After", "2"));
    }

    static ApiRefusal tooLarge(int most) {
        return new ApiRefusal(413, "request_too_large", "the body is larger than " + (most >> 20) + " MiB");
    }
}
