package cop;

import module java.base;
import cop.copilot.Fault;

/// Options of a run, with their defaults.
final class EvalSpec {
    final BatchSpec batch;                                  // rows, files, pace, limits
    /// Variants with requested models, which may be null or part of an id.
    final List<ResolvedVariant> variants = new ArrayList<>();
    int repeat = 1;
    String judge;                                           // the model of llm-rubric; null: the default
    Map<String, Double> thresholds = Map.of();              // by variant; "" for all others
    String report, junit;                                   // files; null: none
    boolean json;                                           // the table as JSON
    boolean watching;                                       // prints the cells, and leaves OUT alone
    /// Checks in Java, by label; they see the row and the answer.
    final Map<String, BiPredicate<copilot.Row, copilot.Row>> predicates = new LinkedHashMap<>();

    EvalSpec(BatchSpec batch) { this.batch = batch; }

    /// Returns the share of cells that must pass, or null.
    Double threshold(String variant) { return thresholds.getOrDefault(variant, thresholds.get("")); }

    /// Returns what the variant's OUT is: null if there is none.
    String out() { return batch.out.equals("-") ? null : batch.out; }

    /// Reads `90%`, for all variants, and `NAME=90%`.
    static Map<String, Double> thresholds(List<String> options) {
        var all = new LinkedHashMap<String, Double>();
        for (String option : options) {
            var parts = Pattern.compile("(?s)(?:(.*)=)?\\s*([0-9]{1,3}(?:\\.[0-9]+)?)\\s*%\\s*").matcher(option);
            double share = parts.matches() ? Double.parseDouble(parts.group(2)) / 100 : 2;
            if (share > 1) throw Fault.usage("invalid --threshold: " + option, "--threshold 90%, or 'NAME=90%'");
            all.put(Objects.requireNonNullElse(parts.group(1), "").strip(), share);
        }
        return all;
    }

    /// Refuses two variants of one name, and thresholds of variants that are none.
    void checkNames() {
        var names = new LinkedHashSet<String>();
        for (var variant : variants) {
            if (!names.add(variant.shown().name())) throw Fault.usage("two variants have the name "
                    + variant.shown().name(), "name one with --variant 'NAME: {template: FILE, model: ID}'");
        }
        for (String name : thresholds.keySet()) {
            if (!name.isEmpty() && !names.contains(name)) throw Fault.usage("--threshold " + name
                    + ": no variant has this name", Suggestions.hint(name, names, "use " + String.join(", ", names)));
        }
    }
}
