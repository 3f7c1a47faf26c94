package cop;

import module java.base;

/// The statistics of experiments. Each is exact or a standard formula, and says which.
final class Statistics {
    /// The 97.5 % quantile of the normal distribution, for two-sided 95 % intervals.
    static final double Z = 1.959963984540054;
    /// What counts as significant.
    static final double ALPHA = 0.05;

    /// Shares from 0 to 1.
    record Interval(double low, double high) {}

    /// Returns Wilson's score interval of a share, at 95 % (E. B. Wilson, 1927). For p = passed/n its center is
    /// (p + z^2/2n) / (1 + z^2/n), its half-width z/(1 + z^2/n) * sqrt(p(1-p)/n + z^2/4n^2). Unlike p +- 2 sigma it is
    /// right for few rows and near 0 and 1.
    ///
    /// @return 0 to 1 if there are none
    static Interval wilson(long passed, long n) { return wilson(passed, n, n); }

    private static Interval wilson(long passed, long all, double n) {
        if (all <= 0) return new Interval(0, 1);
        double p = (double) passed / all, z2 = Z * Z, scale = 1 / (1 + z2 / n);
        double center = scale * (p + z2 / (2 * n));
        double half = scale * Z * Math.sqrt(p * (1 - p) / n + z2 / (4.0 * n * n));
        // at the ends the formula gives exactly 0 and 1, which rounding misses
        return new Interval(passed == 0 ? 0 : Math.max(0, center - half), passed == all ? 1 : Math.min(1,
                center + half));
    }

    /// Returns Wilson's interval of a share over rows with repeats. Repeats of a row are alike, so n is divided by the
    /// design effect: the variance of the share between rows over that of independent answers (J. N. K. Rao and A. J.
    /// Scott, 1992). It stays between the numbers of rows and of answers: repeats that all agree add nothing.
    ///
    /// @param rows of each row, how many repeats passed, and how many were checked; one or more
    static Interval ofRows(List<int[]> rows) {
        long passed = rows.stream().mapToLong(row -> row[0]).sum(), n = rows.stream().mapToLong(row -> row[1]).sum();
        int k = rows.size();
        if (n == k || k < 2 || passed == 0 || passed == n) return wilson(passed, n, Math.min(n, k));
        double p = (double) passed / n;
        double squares = rows.stream().mapToDouble(row -> (row[0] - row[1] * p) * (row[0] - row[1] * p)).sum();
        double variance = squares * k / (k - 1) / n / n;
        return wilson(passed, n, Math.clamp(p * (1 - p) / variance, k, n));
    }

    /// Returns the two-sided p of the exact sign test (McNemar's exact test): if better and worse were equally likely,
    /// the probability of a result at least as uneven: twice the sum of C(n,i)/2^n for i from 0 to min(better, worse),
    /// at most 1. Rows that are the same do not count.
    static double signTest(long better, long worse) {
        long n = better + worse, k = Math.min(better, worse);
        if (2 * k >= n - 1) return 1;                       // the two halves meet, or there is nothing
        double logTerm = -n * Math.log(2), correction = 0;  // of C(n,k)/2^n; Kahan's sum, as n may be large
        for (long i = 1; i <= k; i++) {
            double y = Math.log((double) (n - k + i) / i) - correction, sum = logTerm + y;
            correction = sum - logTerm - y;
            logTerm = sum;
        }
        double sum = 1, term = 1;
        for (long i = k; i > 0 && term > 1e-17 * sum; i--) {
            term *= (double) i / (n - i + 1);               // C(n,i-1) / C(n,i)
            sum += term;
        }
        return Math.min(1, 2 * sum * Math.exp(logTerm));
    }

    static boolean isSignificant(double p) { return p < ALPHA; }

    /// Returns a percentile by the nearest rank: the smallest value that at least that share of all does not exceed.
    /// The median of an even number is the mean of the two in the middle.
    ///
    /// @param sorted ascending; not empty
    static double percentile(int[] sorted, int percent) {
        int n = sorted.length;
        if (percent == 50 && n % 2 == 0) return (sorted[n / 2 - 1] + (double) sorted[n / 2]) / 2;
        return sorted[Math.clamp((long) Math.ceil(percent / 100.0 * n), 1, n) - 1];
    }
}
