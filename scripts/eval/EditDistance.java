package cop;

import module java.base;

/// Levenshtein distances up to a limit, in code points: insertions, deletions, and substitutions, each of which counts
/// 1. Only a band of the table is computed (Ukkonen, 1985): limit × length instead of length².
final class EditDistance {
    private static final long MOST_STEPS = 400_000_000;     // some 0.5 s

    /// Is more than the limit.
    static final int MORE = -1;
    /// Was not computed, as the texts are too long for so large a limit.
    static final int UNKNOWN = -2;

    static int of(String first, String second, int limit) {
        int[] a = first.codePoints().toArray(), b = second.codePoints().toArray();
        int start = 0, endA = a.length, endB = b.length;
        while (start < endA && start < endB && a[start] == b[start]) start++;
        while (endA > start && endB > start && a[endA - 1] == b[endB - 1]) {
            endA--;
            endB--;
        }
        a = Arrays.copyOfRange(a, start, endA);
        b = Arrays.copyOfRange(b, start, endB);
        int most = Math.min(limit, Math.max(a.length, b.length));
        if (Math.abs(a.length - b.length) > most) return MORE;
        if ((2L * most + 1) * a.length > MOST_STEPS) return UNKNOWN;
        return banded(a, b, most);
    }

    private static int banded(int[] a, int[] b, int most) {
        int far = most + 1;                                 // stands for all that is more
        int[] above = new int[b.length + 1], row = new int[b.length + 1];
        for (int j = 0; j <= b.length; j++) above[j] = Math.min(j, far);
        for (int i = 1; i <= a.length; i++) {
            int from = Math.max(1, i - most), to = Math.min(b.length, i + most);
            row[from - 1] = from == 1 ? Math.min(i, far) : far;
            int least = row[from - 1];
            for (int j = from; j <= to; j++) {
                int up = j > i - 1 + most ? far : above[j];
                int best = Math.min(Math.min(up, row[j - 1]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                row[j] = Math.min(best, far);
                least = Math.min(least, row[j]);
            }
            if (least >= far) return MORE;
            int[] swap = above;
            above = row;
            row = swap;
        }
        return above[b.length] > most ? MORE : above[b.length];
    }
}
