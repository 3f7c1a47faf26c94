package cop;

import module java.base;
import cop.copilot.Fault;
import tools.jackson.databind.node.ObjectNode;

/// What changed between two outputs of `eval`: for each variant of both, which rows became better or worse, by the
/// rules and with the test of a Summary's pairs; new and missing rows; change of cost and time.
///
/// Variants are the same if their names are, or if each output has only one.
///
/// @param added rows that only the new output has
/// @param gone rows that only the old output has
/// @param addedVariants variants that only the new output has
record Difference(List<Change> changes, List<String> added, List<String> gone, List<String> addedVariants,
                  List<String> goneVariants) {
    private static final int MOST_IDS = 20;

    /// @param transitions ids by `passed → failed` and the like; only rows whose result changed
    /// @param uncompared rows of both outputs that are not checked in one of them
    /// @param passed shares before and after, of the rows that are compared; empty if there are none
    record Change(Summary.Line before, Summary.Line after, SortedMap<String, List<String>> transitions, int better,
                  int worse, int same, int uncompared, double p, List<Double> passed) {
        /// Tells whether it has become worse, and not by chance.
        boolean isWorse() { return worse > better && Statistics.isSignificant(p); }
    }

    /// @param old the name of a file
    /// @throws Fault if a file is no output of eval, or they have no variant in common
    static Difference read(Environment env, String old, String recent) {
        var difference = of(OutReader.summary(env, old), OutReader.summary(env, recent));
        if (!difference.changes.isEmpty()) return difference;
        String names = listed(difference.goneVariants) + "; " + listed(difference.addedVariants);
        throw Fault.usage("no variant of " + old + " is in " + recent + ": " + Text.shortened(names, 200),
                "give a variant the same name in both: --variant 'NAME: {model: …}'");
    }

    static Difference of(Summary old, Summary recent) {
        var before = old.variants().stream().map(Summary.Line::name).toList();
        var after = recent.variants().stream().map(Summary.Line::name).toList();
        boolean single = before.size() == 1 && after.size() == 1;
        var changes = new ArrayList<Change>();
        for (int i = 0; i < after.size(); i++) {
            int earlier = single ? 0 : before.indexOf(after.get(i));
            if (earlier >= 0) changes.add(change(old, earlier, recent, i));
        }
        return new Difference(changes, without(recent.tallies().keySet(), old.tallies().keySet()),
                without(old.tallies().keySet(), recent.tallies().keySet()), single ? List.of() : without(after, before),
                single ? List.of() : without(before, after));
    }

    private static List<String> without(Collection<String> names, Collection<String> others) {
        return names.stream().filter(name -> !others.contains(name)).toList();
    }

    private static Change change(Summary old, int before, Summary recent, int after) {
        var transitions = new TreeMap<String, List<String>>();
        int better = 0, worse = 0, same = 0, uncompared = 0;
        int[] first = {0, 0}, second = {0, 0};              // passed, checked
        for (String id : recent.tallies().keySet()) {
            if (!old.tallies().containsKey(id)) continue;
            var was = old.result(id, before);
            var is = recent.result(id, after);
            int sign = was.isEmpty() || is.isEmpty() ? 0 : is.get().compareTo(was.get());
            if (was.isEmpty() || is.isEmpty()) {
                uncompared++;
                continue;
            }
            add(first, old.checked(id, before));
            add(second, recent.checked(id, after));
            if (sign == 0) same++;
            else {
                transitions.computeIfAbsent(word(was.get()) + " → " + word(is.get()), _ -> new ArrayList<>()).add(id);
                if (sign > 0) better++;
                else worse++;
            }
        }
        return new Change(old.variants().get(before), recent.variants().get(after), transitions, better, worse, same,
                uncompared, Statistics.signTest(better, worse), first[1] == 0 ? List.of() : List.of((double) first[0]
                / first[1], (double) second[0] / second[1]));
    }

    private static void add(int[] sum, int[] more) {
        sum[0] += more[0];
        sum[1] += more[1];
    }

    private static String word(Summary.Result result) { return result.name().toLowerCase(Locale.ROOT); }

    /// Tells whether a variant has become worse, and not by chance: fails `--no-worse`.
    boolean isWorse() { return changes.stream().anyMatch(Change::isWorse); }

    ObjectNode json() {
        var json = Json.object().put("worse", isWorse());
        for (var change : changes) {
            var each = json.withArray("variants").addObject().put("name", change.after.name()).put("better",
                    change.better).put("worse", change.worse).put("same", change.same).put("uncompared",
                    change.uncompared).put("p", change.p).put("worse_for_sure", change.isWorse());
            change.transitions.forEach((name, ids) -> ids.forEach(each.withObject("rows").putArray(name)::add));
            each.set("before", change.before.json());
            each.set("after", change.after.json());
        }
        added.forEach(json.putArray("new_rows")::add);
        gone.forEach(json.putArray("gone_rows")::add);
        return json;
    }

    // --------------------------------------------------------------------------------------------------------- text

    /// Returns the text for a terminal, at most `columns` wide.
    String text(int columns) {
        var lines = new ArrayList<String>();
        for (var change : changes) {
            String renamed = change.before.name().equals(change.after.name()) ? "" : " (was " + change.before.name()
                    + ")";
            lines.add(change.after.name() + renamed + ": " + words(change));
            change.transitions.forEach((name, ids) -> lines.add("  " + name + ": " + listed(ids)));
            if (!figures(change).isEmpty()) lines.add("  " + figures(change));
        }
        if (!added.isEmpty()) lines.add(Summary.count(added.size(), "new row") + ": " + listed(added));
        if (!gone.isEmpty()) lines.add(Summary.count(gone.size(), "row") + " gone: " + listed(gone));
        if (!addedVariants.isEmpty()) lines.add("new variants: " + listed(addedVariants));
        if (!goneVariants.isEmpty()) lines.add("variants gone: " + listed(goneVariants));
        return lines.stream().map(line -> Text.wrapped(TextTable.shown(line), line.startsWith(" ") ? 4 : 2, Math.max(20,
                columns)) + "\n").collect(Collectors.joining());
    }

    private static String words(Change change) {
        return Summary.count(change.worse, "row") + " worse, " + change.better + " better, " + Summary.Pair.others(
                change.same, change.uncompared, change.better, change.worse, change.p);
    }

    private static String listed(List<String> ids) {
        String some = ids.stream().limit(MOST_IDS).map(id -> Text.shortened(Text.cell(id), 40)).collect(
                Collectors.joining(", "));
        return some + (ids.size() > MOST_IDS ? ", and " + (ids.size() - MOST_IDS) + " more" : "");
    }

    private static String figures(Change change) {
        var before = change.before;
        var after = change.after;
        return Text.joined("; ", change.passed.isEmpty() ? "" : "passed " + SummaryText.percent(change.passed
                .getFirst()) + " → " + SummaryText.percent(change.passed.getLast()),
                before.credits().signum() == 0 || after.credits().signum() == 0 ? "" : "credits per answer "
                + SummaryText.credits(each(before)) + " → " + SummaryText.credits(each(after)) + change(each(before)
                .doubleValue(), each(after).doubleValue()), before.medianMs() == 0 || after.medianMs() == 0 ? ""
                : "median " + SummaryText.time(before.medianMs()) + " → " + SummaryText.time(after.medianMs())
                + change(before.medianMs(), after.medianMs()));
    }

    private static BigDecimal each(Summary.Line line) {
        return line.credits().divide(BigDecimal.valueOf(line.cells()), 9, RoundingMode.HALF_UP);
    }

    private static String change(double before, double after) {
        long percent = Math.round(100 * (after / before - 1));
        return percent == 0 ? "" : " (" + (percent > 0 ? "+" : "") + percent + "%)";
    }
}
