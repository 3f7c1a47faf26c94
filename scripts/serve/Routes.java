package cop;

import module java.base;

/// The server's paths. A path may end in `/*`.
final class Routes {
    private record Entry(String method, Route route, boolean page) {}

    private final Map<String, List<Entry>> exact = new HashMap<>(), prefixes = new LinkedHashMap<>();

    Routes add(String method, String path, Route route) { return add(method, path, route, false); }

    /// Adds a page for browsers, which may send the key as the password of HTTP Basic.
    Routes addPage(String path, Route route) { return add("GET", path, route, true); }

    private Routes add(String method, String path, Route route, boolean page) {
        boolean prefix = path.endsWith("/*");
        (prefix ? prefixes : exact).computeIfAbsent(path.replaceFirst("\\*$", ""), _ -> new ArrayList<>())
                .add(new Entry(method, route, page));
        return this;
    }

    /// Returns whether a browser's page is at this path.
    boolean isPage(String path) { return at(path).anyMatch(Entry::page); }

    /// @throws ApiRefusal if there is none for this path, or not with this method
    Route find(String method, String path) {
        String wanted = method.equals("HEAD") ? "GET" : method;
        var found = at(path).filter(entry -> entry.method().equals(wanted)).findFirst();
        if (found.isPresent()) return found.get().route();
        String methods = at(path).map(Entry::method).distinct().sorted().collect(Collectors.joining(", "));
        String shown = Text.shortened(Text.printable(path), 100);
        throw methods.isEmpty() ? new ApiRefusal(404, "not_found", "no such path: " + shown)
                : new ApiRefusal(405, "method_not_allowed", shown + " takes " + methods + ", not "
                + Text.shortened(Text.printable(method), 20),
                Map.of("Allow", methods));
    }

    private Stream<Entry> at(String path) {
        return exact.containsKey(path) ? exact.get(path).stream() : prefixes.keySet().stream().filter(prefix ->
                path.startsWith(prefix) && path.length() > prefix.length()).flatMap(prefix -> prefixes.get(prefix)
                .stream());
    }
}
