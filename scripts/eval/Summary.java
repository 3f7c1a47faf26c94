package cop;

import module java.base;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The figures of an experiment: per variant, per pair with the first variant, and the worst rows.
///
/// Of cells: `passed` of `checked` counts cells whose checks were evaluated. Failed, filtered and cut-off cells, and
/// those that wait for a judge, are counted on their own, as neither passed nor failed.
///
/// Of rows: a row has passed with a variant if more than half of its checked repeats have, and failed if more than half
/// have failed; an even split is neither, between the two. In a pair a row is better or worse if that differs, and the
/// same otherwise; a row without a checked repeat on one side is not compared. The sign test counts better and worse.
///
/// @param rows that have a cell
/// @param pairs of the others with the first variant, in order
/// @param worst at most five, none that passed everywhere
record Summary(List<Line> variants, List<Pair> pairs, List<Worst> worst, int rows, Map<String, Tally[]> tallies) {
    /// A row's result with a variant, over its repeats. The order counts.
    enum Result { FAILED, SPLIT, PASSED }

    /// What a variant has achieved.
    ///
    /// @param cells all of them
    /// @param low the lower end of the 95 % interval of passed of checked, 0 to 1; repeats of a row that agree are one
    /// @param score mean of the checked cells; 0 if there are none
    /// @param agreement share of the rows with repeats whose answers are all the same: texts but for white space around
    /// them, or equal JSON; null if no row has two complete answers
    /// @param sameVerdict share of the rows with repeats that have all passed or all failed; null as `agreement`
    /// @param unjudged complete answers whose checks are not evaluated: a judge's verdict is missing
    /// @param errors how often each error code occurred
    /// @param medianMs of complete answers; 0 if there are none
    /// @param credits 0 if no cell has a cost
    /// @param estimated whether a cost is
    /// @param passedRows by majority of their repeats
    record Line(String name, int cells, int passed, int checked, double low, double high, double score,
                Double agreement, Double sameVerdict, int failed, int filtered, int incomplete, int unjudged,
                SortedMap<String, Integer> errors, long medianMs, long p95Ms, long tokens, BigDecimal credits,
                boolean estimated, int passedRows) {
        /// Returns the share that a gate counts: passed of all cells.
        double passedOfAll() { return cells == 0 ? 0 : (double) passed / cells; }

        /// Returns the cost of a row that passed; empty if none has, or the cost is unknown.
        Optional<BigDecimal> creditsPerPassedRow() {
            return credits.signum() == 0 || passedRows == 0 ? Optional.empty() : Optional.of(credits.divide(
                    BigDecimal.valueOf(passedRows), 9, RoundingMode.HALF_UP));
        }

        ObjectNode json() {
            var json = Json.object().put("name", name).put("cells", cells).put("passed", passed).put("checked", checked)
                    .put("low", low).put("high", high).put("score", score).put("agreement", agreement)
                    .put("same_verdict", sameVerdict).put("failed", failed).put("filtered", filtered)
                    .put("incomplete", incomplete).put("unjudged", unjudged);
            errors.forEach(json.putObject("errors")::put);
            return json.put("median_ms", medianMs).put("p95_ms", p95Ms).put("tokens", tokens).put("credits", credits)
                    .put("estimated", estimated).put("passed_rows", passedRows);
        }
    }

    /// @param first the first variant, with which `other` is compared
    /// @param uncompared rows that one of the two has no checked repeat of
    /// @param p of the exact sign test
    record Pair(String first, String other, int better, int worse, int same, int uncompared, double p) {
        ObjectNode json() {
            return Json.object().put("first", first).put("other", other).put("better", better).put("worse", worse)
                    .put("same", same).put("uncompared", uncompared).put("p", p).put("words", words());
        }

        /// Returns the result in words.
        String words() {
            return count(better, "row") + " better, " + worse + " worse, " + others(same, uncompared, better, worse, p);
        }

        /// Returns the rest of a result, after better and worse.
        static String others(int same, int uncompared, int better, int worse, double p) {
            return same + " the same" + (uncompared > 0 ? ", " + uncompared + " not compared" : "") + (better + worse
                    + same == 0 ? "" : "; " + verdict(better, worse, p));
        }

        static String verdict(int better, int worse, double p) {
            if (better + worse == 0) return "no difference";
            String shown = p < 0.0001 ? "p<0.0001" : "p=" + BigDecimal.valueOf(p).round(new MathContext(2))
                    .toPlainString();
            return shown + (!Statistics.isSignificant(p) ? ", could be chance" : better > worse ? ", better"
                    : ", worse");
        }
    }

    /// @param of checked cells, over all variants
    /// @param score their mean
    /// @param why the first failed check: variant, check, and reason
    record Worst(String id, int passed, int of, double score, String why) {
        ObjectNode json() {
            return Json.object().put("id", id).put("passed", passed).put("of", of).put("score", score).put("why", why);
        }
    }

    /// What is kept of a row's cells with one variant.
    static final class Tally {
        private int passed, failed;
        private double score;
        private int[] repeats = {};                         // of complete answers, and hashes of these
        private long[] answers = {};

        int checked() { return passed + failed; }

        /// Returns the result; empty if no repeat is checked.
        Optional<Result> result() {
            return checked() == 0 ? Optional.empty() : Optional.of(2 * passed > checked() ? Result.PASSED
                    : 2 * passed < checked() ? Result.FAILED : Result.SPLIT);
        }

        private void answer(int repeat, long hash) {
            repeats = Arrays.copyOf(repeats, repeats.length + 1);
            answers = Arrays.copyOf(answers, answers.length + 1);
            repeats[repeats.length - 1] = repeat;
            answers[answers.length - 1] = hash;
        }

        private boolean agrees() { return Arrays.stream(answers).distinct().count() <= 1; }

        /// Returns the first repeat with the most frequent answer; 0 if there is no answer.
        int majority() {
            int best = 0, most = 0;
            for (int i = 0; i < answers.length; i++) {
                long answer = answers[i];
                int count = (int) Arrays.stream(answers).filter(other -> other == answer).count();
                if (count > most || count == most && repeats[i] < best) {
                    best = repeats[i];
                    most = count;
                }
            }
            return best;
        }
    }

    /// Returns a row's result with a variant; empty if it is unknown or unchecked.
    Optional<Result> result(String id, int variant) {
        return tally(id, variant).flatMap(Tally::result);
    }

    /// Returns how many repeats of a row have passed with a variant, and how many are checked.
    int[] checked(String id, int variant) {
        return tally(id, variant).map(tally -> new int[] {tally.passed, tally.checked()}).orElse(new int[2]);
    }

    /// Returns the repeat whose answer most repeats gave, the first of them; 0 if there is no answer.
    int majority(String id, int variant) { return tally(id, variant).map(Tally::majority).orElse(0); }

    private Optional<Tally> tally(String id, int variant) {
        var row = tallies.get(id);
        return row == null || variant >= row.length ? Optional.empty() : Optional.ofNullable(row[variant]);
    }

    private static Optional<Result> result(Tally[] row, int variant) {
        return variant >= row.length || row[variant] == null ? Optional.empty() : row[variant].result();
    }

    static String count(int n, String what) { return n + " " + what + (n == 1 ? "" : "s"); }

    ObjectNode json() {
        var json = Json.object().put("rows", rows);
        variants.forEach(line -> json.withArray("variants").add(line.json()));
        pairs.forEach(pair -> json.withArray("pairs").add(pair.json()));
        worst.forEach(row -> json.withArray("worst").add(row.json()));
        return json;
    }

    /// Returns the text for a terminal, at most `columns` wide.
    String table(int columns) { return new SummaryText(this, columns).text(); }

    // ------------------------------------------------------------------------------------------------------ builder

    /// Sums up cells as they come, in any order. Keeps some hundred bytes a row and variant, and no answers.
    static final class Builder {
        private static final int MOST_WORST = 5, MOST_ERRORS = 50, LONGEST_CODE = 60, LONGEST_WHY = 160;

        private final Map<String, Integer> numbers = new LinkedHashMap<>();     // of variants
        private final List<Counts> counts = new ArrayList<>();
        private final Map<String, Tally[]> tallies = new LinkedHashMap<>();
        private final Map<String, String> whys = new HashMap<>();               // by row

        private static final class Counts {
            int cells, passed, checked, failed, filtered, incomplete, unjudged, timed;
            double score;
            int[] ms = new int[16];
            long tokens;
            BigDecimal credits = BigDecimal.ZERO;
            boolean estimated;
            final SortedMap<String, Integer> errors = new TreeMap<>();
        }

        Builder() {}

        /// @param variants in their order; others follow as they come
        Builder(List<String> variants) { variants.forEach(this::number); }

        private int number(String variant) {
            return numbers.computeIfAbsent(variant, _ -> {
                counts.add(new Counts());
                return counts.size() - 1;
            });
        }

        Builder add(EvalCell cell) {
            int number = number(cell.variant());
            var to = counts.get(number);
            to.cells++;
            addCost(to, cell);
            var tally = tally(cell.id(), number);
            switch (cell.status()) {
                case "filtered" -> to.filtered++;
                case "incomplete" -> to.incomplete++;
                case "ok" -> addAnswer(to, tally, cell);
                default -> to.failed++;
            }
            if (cell.error() != null) {
                String code = Json.text(cell.error(), "code"), shown = code.isBlank() ? "unknown" : Text.shortened(code,
                        LONGEST_CODE);
                to.errors.merge(to.errors.size() < MOST_ERRORS || to.errors.containsKey(shown) ? shown : "other", 1,
                        Integer::sum);
            }
            return this;
        }

        private Tally tally(String id, int variant) {
            var row = tallies.computeIfAbsent(id, _ -> new Tally[numbers.size()]);
            if (row.length <= variant) tallies.put(id, row = Arrays.copyOf(row, numbers.size()));
            if (row[variant] == null) row[variant] = new Tally();
            return row[variant];
        }

        private static void addCost(Counts to, EvalCell cell) {
            if (cell.usage() != null) {
                to.tokens += cell.usage().totalTokens();
                to.estimated |= cell.usage().estimated();
            }
            if (cell.credits() != null) to.credits = to.credits.add(cell.credits());
        }

        private void addAnswer(Counts to, Tally tally, EvalCell cell) {
            if (to.timed == to.ms.length) to.ms = Arrays.copyOf(to.ms, 2 * to.timed);
            to.ms[to.timed++] = (int) Math.clamp(cell.ms(), 0, Integer.MAX_VALUE);
            tally.answer(cell.repeat(), hash(cell));
            if (cell.pass() == null) {
                if (!cell.checks().isEmpty()) to.unjudged++;
                return;
            }
            to.checked++;
            double score = cell.score() == null ? cell.pass() ? 1 : 0 : cell.score();
            to.score += score;
            tally.score += score;
            if (cell.pass()) {
                to.passed++;
                tally.passed++;
            } else {
                tally.failed++;
                whys.computeIfAbsent(cell.id(), _ -> why(cell));
            }
        }

        private static String why(EvalCell cell) {
            String failed = cell.checks().stream().filter(check -> !check.pass()).findFirst().map(check -> check.name()
                    + (check.reason().isEmpty() ? "" : ": " + check.reason())).orElse("");
            return Text.shortened(Text.cell(cell.variant() + ": " + failed), LONGEST_WHY);
        }

        private static long hash(EvalCell cell) {
            String answer = cell.json() != null ? Json.compact(sorted(cell.json())) : CheckedAnswer.normalized(
                    Objects.requireNonNullElse(cell.text(), "")).strip();
            return Long.parseUnsignedLong(Fingerprint.of(answer).substring(0, 16), 16);
        }

        /// Returns JSON whose fields are in order, and whose equal numbers are written alike.
        private static Object sorted(JsonNode json) {
            if (json.isObject()) {
                var fields = new TreeMap<String, Object>();
                json.properties().forEach(field -> fields.put(field.getKey(), sorted(field.getValue())));
                return fields;
            }
            if (json.isArray()) return json.valueStream().map(Builder::sorted).toList();
            return json.isNumber() ? new JsonValues.NumberLiteral(json.decimalValue().stripTrailingZeros().toString())
                    : json;
        }

        Summary build() {
            var names = List.copyOf(numbers.keySet());
            var variants = IntStream.range(0, names.size()).mapToObj(i -> variant(names.get(i), i)).toList();
            var pairs = IntStream.range(1, names.size()).mapToObj(i -> pair(names.get(i), i)).toList();
            return new Summary(variants, pairs, worst(), tallies.size(), Collections.unmodifiableMap(tallies));
        }

        private Stream<Tally> tallies(int variant) {
            return tallies.values().stream().filter(row -> variant < row.length && row[variant] != null)
                    .map(row -> row[variant]);
        }

        /// Returns the share of a variant's rows that pass a test; null if there are none.
        private Double share(int variant, Predicate<Tally> of, Predicate<Tally> test) {
            var found = tallies(variant).filter(of).collect(Collectors.partitioningBy(test, Collectors.counting()));
            long all = found.get(true) + found.get(false);
            return all == 0 ? null : (Double) ((double) found.get(true) / all);
        }

        private Line variant(String name, int number) {
            var from = counts.get(number);
            int[] ms = Arrays.copyOf(from.ms, from.timed);
            Arrays.sort(ms);
            var interval = Statistics.ofRows(tallies(number).filter(tally -> tally.checked() > 0)
                    .map(tally -> new int[] {tally.passed, tally.checked()}).toList());
            return new Line(name, from.cells, from.passed, from.checked, interval.low(), interval.high(),
                    from.checked == 0 ? 0 : from.score / from.checked,
                    share(number, tally -> tally.answers.length > 1, Tally::agrees),
                    share(number, tally -> tally.checked() > 1, tally -> tally.passed == 0 || tally.failed == 0),
                    from.failed, from.filtered, from.incomplete, from.unjudged,
                    Collections.unmodifiableSortedMap(from.errors),
                    ms.length == 0 ? 0 : Math.round(Statistics.percentile(ms, 50)),
                    ms.length == 0 ? 0 : Math.round(Statistics.percentile(ms, 95)), from.tokens, from.credits,
                    from.estimated, (int) tallies(number).filter(tally -> tally.result().equals(Optional.of(
                    Result.PASSED))).count());
        }

        private Pair pair(String name, int number) {
            int better = 0, worse = 0, same = 0, uncompared = 0;
            for (var row : tallies.values()) {
                var first = result(row, 0);
                var other = result(row, number);
                int sign = first.isEmpty() || other.isEmpty() ? 0 : other.get().compareTo(first.get());
                if (first.isEmpty() || other.isEmpty()) uncompared++;
                else if (sign == 0) same++;
                else if (sign > 0) better++;
                else worse++;
            }
            return new Pair(numbers.keySet().iterator().next(), name, better, worse, same, uncompared,
                    Statistics.signTest(better, worse));
        }

        private List<Worst> worst() {
            return tallies.keySet().stream().filter(whys::containsKey).map(this::worst).sorted(Comparator
                    .<Worst>comparingDouble(row -> (double) row.passed() / row.of()).thenComparingDouble(Worst::score)
                    .thenComparing(row -> -row.of())).limit(MOST_WORST).toList();
        }

        private Worst worst(String id) {
            var all = Stream.of(tallies.get(id)).filter(Objects::nonNull).toList();
            int checked = all.stream().mapToInt(Tally::checked).sum();
            return new Worst(id, all.stream().mapToInt(tally -> tally.passed).sum(), checked, all.stream()
                    .mapToDouble(tally -> tally.score).sum() / checked, whys.get(id));
        }
    }
}
