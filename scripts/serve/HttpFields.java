package cop;

import module java.base;

/// The headers of a request, by name in lower case.
record HttpFields(Map<String, List<String>> all) {
    HttpFields {
        var lower = new TreeMap<String, List<String>>();
        all.forEach((name, values) -> lower.merge(name.toLowerCase(Locale.ROOT), List.copyOf(values),
                (a, b) -> Stream.concat(a.stream(), b.stream()).toList()));
        all = Collections.unmodifiableMap(lower);
    }

    static HttpFields of(Map<String, String> each) {
        var all = new HashMap<String, List<String>>();
        each.forEach((name, value) -> all.put(name, List.of(value)));
        return new HttpFields(all);
    }

    List<String> values(String name) { return all.getOrDefault(name.toLowerCase(Locale.ROOT), List.of()); }

    boolean has(String name) { return !values(name).isEmpty(); }

    /// Returns the first value; empty if there is none.
    String value(String name) { return values(name).stream().findFirst().orElse(""); }

    /// Returns all values as one list (RFC 9110, 5.3).
    String joined(String name) { return String.join(", ", values(name)); }
}
