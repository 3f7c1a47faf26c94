package cop;

import module java.base;

/// What a check has besides its value.
///
/// @param threshold null for the default
/// @param weight 0 reports the check, but it cannot fail the answer
/// @param path null for the whole answer
/// @param ignoreCase as GitHub's `contains`, `startsWith`, and `endsWith` do
/// @param label the name to show; null for one made from the check
/// @param model the judge's; null for the run's
record CheckOptions(BigDecimal threshold, double weight, AnswerPath path, boolean ignoreCase, String label,
                    String model) {
    static final CheckOptions NONE = new CheckOptions(null, 1, null, false, null, null);

    CheckOptions withThreshold(BigDecimal other) {
        return new CheckOptions(other, weight, path, ignoreCase, label, model);
    }

    CheckOptions withLabel(String other) {
        return new CheckOptions(threshold, weight, path, ignoreCase, other, model);
    }

    double thresholdOr(double otherwise) { return threshold == null ? otherwise : threshold.doubleValue(); }
}
