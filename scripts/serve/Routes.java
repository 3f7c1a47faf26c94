package cop;

import module java.base;

/// The server's paths. A path may end in `/*`.
final class Routes {
    private record Entry(String method, Pattern path, Route route, boolean page) {}

    private final List<Entry> entries = new ArrayList<>();

    Routes add(String method, String path, Route route) { return add(method, path, route, false); }

    /// Adds a page for browsers, which may send the key as the password of HTTP Basic.
    Routes addPage(String path, Route route) { return add("GET", path, route, true); }

    private Routes add(String method, String path, Route route, boolean page) {
        String prefix = path.endsWith("/*") ? Pattern.quote(path.substring(0, path.length() - 1)) + ".+"
                : Pattern.quote(path);
        entries.add(new Entry(method, Pattern.compile(prefix), route, page));
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
                : new ApiRefusal(405, "method_not_allowed", shown + " takes " + methods + ", not " + method,
                Map.of("Allow", methods));
    }

    private Stream<Entry> at(String path) {
        return entries.stream().filter(entry -> entry.path().matcher(path).matches());
    }
}
