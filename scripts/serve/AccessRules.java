package cop;

import module java.base;

/// Who may use the server, and from where. Everything is refused that is not allowed here, before a request is routed,
/// so that no path can be forgotten.
///
/// @param key null to require none
/// @param hosts names, in lower case, under which the server may be addressed: a page whose own name was made to lead
///     to 127.0.0.1 (DNS rebinding) sends its own
/// @param origins of web pages that may use it
record AccessRules(byte[] key, Set<String> hosts, Set<String> origins) {
    static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final Pattern HOST = Pattern.compile("(\\[[0-9a-f:.]+]|[a-z0-9._-]+?)\\.*(?::[0-9]{1,5})?"),
            LOOPBACK6 = Pattern.compile("\\[[0:]*:0*1]"), SPACE = Pattern.compile("\\s+");

    /// @param key null to require none
    /// @param more hosts other than those of this machine
    static AccessRules of(String key, Collection<String> more, Collection<String> origins) {
        return new AccessRules(key == null ? null : key.getBytes(StandardCharsets.UTF_8), Stream.concat(
                LOOPBACK.stream(), more.stream()).collect(Collectors.toUnmodifiableSet()), Set.copyOf(origins));
    }

    /// Returns the host of a Host header, in lower case and without port and final dot; empty if it is malformed.
    static Optional<String> host(String text) {
        return Optional.of(HOST.matcher(text.toLowerCase(Locale.ROOT))).filter(Matcher::matches).map(host ->
                LOOPBACK6.matcher(host.group(1)).replaceFirst("[::1]"));
    }

    /// Returns why a request is refused, whatever it asks for.
    ///
    /// @param target as sent: a path; the forms for proxies are refused
    Optional<ApiRefusal> refusal(String target, HttpFields headers) {
        var names = headers.values("host");
        if (names.size() != 1) return refused(400, "invalid_host", "expected one Host header, got " + names.size());
        var name = host(names.getFirst());
        if (name.isEmpty()) return refused(400, "invalid_host", "invalid Host header");
        if (!hosts.contains(name.get())) return refused(403, "host_not_allowed", "the host " + name.get()
                + " is not allowed; start serve with --allow-host " + name.get());
        if (!target.startsWith("/")) return refused(400, "", "expected a path, not the request of a proxy's client");
        for (String origin : headers.values("origin")) {
            if (!origins.contains(origin)) return refused(403, "origin_not_allowed", "web pages of "
                    + Text.shortened(Text.printable(origin), 100) + " may not use this server; start serve with"
                    + " --allow-origin to let them");
        }
        return Optional.empty();
    }

    private static Optional<ApiRefusal> refused(int status, String code, String message) {
        return Optional.of(new ApiRefusal(status, code, message));
    }

    /// Returns whether a request has the key, in any header that clients use for it.
    ///
    /// @param basic also as the password of HTTP Basic, for browsers
    boolean hasKey(HttpFields headers, boolean basic) {
        if (key == null) return true;
        var given = Stream.of(headers.values("x-api-key").stream(), headers.values("api-key").stream(),
                headers.values("authorization").stream().flatMap(value -> credentials(value, basic).stream()))
                .flatMap(each -> each);
        // no short cut: as many comparisons as keys
        return given.map(each -> MessageDigest.isEqual(each.getBytes(StandardCharsets.UTF_8), key))
                .reduce(false, Boolean::logicalOr);
    }

    private static Optional<String> credentials(String authorization, boolean basic) {
        var parts = SPACE.split(authorization.strip(), 2);
        if (parts.length < 2) return Optional.empty();
        var kind = parts[0].toLowerCase(Locale.ROOT);       // GitHub's clients send `token`
        if (kind.equals("bearer") || kind.equals("token")) return Optional.of(parts[1]);
        if (!basic || !kind.equals("basic")) return Optional.empty();
        try {
            String pair = new String(Base64.getDecoder().decode(parts[1]), StandardCharsets.UTF_8);
            return Optional.of(pair.substring(pair.indexOf(':') + 1));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /// Returns the headers that let an allowed page read the answer; none for other clients.
    Map<String, String> cors(HttpFields headers) {
        if (origins.isEmpty()) return Map.of();
        String origin = headers.value("origin");
        if (!origins.contains(origin)) return Map.of("Vary", "Origin");        // none, or one that is refused
        return Map.of("Access-Control-Allow-Origin", origin, "Access-Control-Expose-Headers", "*", "Vary", "Origin");
    }

    /// Returns the answer to a browser's question whether a page may send its request.
    Map<String, String> preflight(HttpFields headers) {
        var answer = new TreeMap<>(Map.of("Access-Control-Allow-Methods", "GET, POST", "Access-Control-Max-Age",
                "600"));
        String asked = headers.joined("access-control-request-headers");
        if (asked.matches("[A-Za-z0-9_, -]+")) answer.put("Access-Control-Allow-Headers", asked);
        if (headers.value("access-control-request-private-network").equals("true")) {
            answer.put("Access-Control-Allow-Private-Network", "true");
        }
        if (headers.value("access-control-request-local-network").equals("true")) {
            answer.put("Access-Control-Allow-Local-Network", "true");
        }
        return answer;
    }
}
