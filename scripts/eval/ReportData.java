package cop;

import module java.base;

/// What the page has to know of all cells before the first is written: how many there are, and their checks.
final class ReportData {
    /// The most checks to tell apart: rows may bring their own.
    private static final int MOST_CHECKS = 200;

    /// A check over all rows: one position of one kind. Its name is that of its only value, or its kind.
    private static final class Check {
        final String kind;
        String name;
        final Map<Integer, int[]> passed = new TreeMap<>();     // of a variant: passed, evaluated

        Check(String kind, String name) {
            this.kind = kind;
            this.name = name;
        }
    }

    /// The cells of a row, as many as follow each other.
    record Row(String id, List<EvalCell> cells) {}

    private final Map<String, Integer> variants = new LinkedHashMap<>();
    private final Map<String, Check> checks = new LinkedHashMap<>();
    private final Map<String, Integer> numbers = new HashMap<>();
    private int rows, cells, repeats;

    /// @param names of the variants, in the order to show
    static ReportData read(List<String> names, Supplier<Stream<EvalCell>> cells) {
        var data = new ReportData();
        names.forEach(data::variant);
        try (var all = cells.get()) {
            rows(all).forEachRemaining(data::add);
        }
        for (String key : data.checks.keySet()) data.numbers.put(key, data.numbers.size());
        return data;
    }

    /// Groups cells by row without holding more than one.
    static Iterator<Row> rows(Stream<EvalCell> cells) {
        var all = cells.iterator();
        return new Iterator<>() {
            private EvalCell next = all.hasNext() ? all.next() : null;

            @Override
            public boolean hasNext() { return next != null; }

            @Override
            public Row next() {
                if (next == null) throw new NoSuchElementException();
                var row = new Row(next.id(), new ArrayList<>());
                while (next != null && next.id().equals(row.id())) {
                    row.cells().add(next);
                    next = all.hasNext() ? all.next() : null;
                }
                return row;
            }
        };
    }

    private void add(Row row) {
        rows++;
        for (var cell : row.cells()) {
            cells++;
            repeats = Math.max(repeats, cell.repeat());
            int variant = variant(cell.variant());
            forEachCheck(cell, (key, check) -> {
                var known = checks.get(key);
                if (known == null) {
                    if (checks.size() >= MOST_CHECKS) return;
                    checks.put(key, known = new Check(kind(check.name()), check.name()));
                }
                if (!known.name.equals(check.name())) known.name = known.kind;
                var counts = known.passed.computeIfAbsent(variant, _ -> new int[2]);
                if (check.pass()) counts[0]++;
                counts[1]++;
            });
        }
    }

    private static void forEachCheck(EvalCell cell, BiConsumer<String, CheckResult> action) {
        if (cell.checks() == null) return;
        for (int i = 0; i < cell.checks().size(); i++) {
            var check = cell.checks().get(i);
            action.accept(i + " " + kind(check.name()), check);
        }
    }

    private static String kind(String name) { return name.replaceFirst("(?s):.*", ""); }

    int variant(String name) { return variants.computeIfAbsent(name, _ -> variants.size()); }

    List<String> variants() { return List.copyOf(variants.keySet()); }

    /// Returns the numbers of the checks that failed, as positions in `checkNames`.
    SortedSet<Integer> failed(EvalCell cell) {
        var failed = new TreeSet<Integer>();
        forEachCheck(cell, (key, check) -> {
            if (!check.pass() && numbers.containsKey(key)) failed.add(numbers.get(key));
        });
        return failed;
    }

    /// Returns the names of the checks; two of a kind whose values differ from row to row are numbered.
    List<String> checkNames() {
        var seen = new HashMap<String, Integer>();
        return checks.values().stream().map(check -> {
            int number = seen.merge(check.name, 1, Integer::sum);
            return number == 1 ? check.name : check.name + " (" + number + ")";
        }).toList();
    }

    /// Returns how often a check passed and was evaluated, of a variant; null if never.
    int[] passed(int check, int variant) {
        return checks.values().stream().skip(check).findFirst().orElseThrow().passed.get(variant);
    }

    int rows() { return rows; }

    int cells() { return cells; }

    int repeats() { return repeats; }
}
