package cop;

import module java.base;
import cop.copilot.Fault;

/// A regular expression that ends. One such as `(a+)+b` would take years on some answers, and it may come from a row:
/// it may read a limited number of characters, so the verdict does not depend on the machine's speed.
record BoundedRegex(Pattern pattern) {
    /// Some 0.5 s; enough for `a.*b` on a line of 7,000 times `a`, whose time is quadratic.
    private static final int MOST_READS = 50_000_000;
    /// `.*` at the start: it changes nothing, as the regex may match anywhere, and makes the time quadratic.
    private static final Pattern LEADING = Pattern.compile("^((?:\\(\\?[a-z]+\\))?)(?:\\.\\*\\??(?![+*?{]))+");

    enum Found { YES, NO, TOO_SLOW }

    /// @throws Fault if it does not compile
    static BoundedRegex of(String regex) {
        try {
            var whole = Pattern.compile(regex);
            String shorter = LEADING.matcher(regex).replaceFirst("$1");
            return new BoundedRegex(shorter.equals(regex) ? whole : Pattern.compile(shorter));
        } catch (PatternSyntaxException e) {
            throw Fault.usage("invalid regex " + Text.shortened(Text.cell(regex), 60) + ": " + e.getDescription()
                    + (e.getIndex() >= 0 ? " at character " + (e.getIndex() + 1) : ""),
                    "use the syntax of java.util.regex.Pattern");
        } catch (StackOverflowError _) {
            throw Fault.usage("invalid regex: it is nested too deeply", "write a simpler one");
        }
    }

    Found find(String text) {
        try {
            return pattern.matcher(new Counted(text, 0, text.length(), new int[1])).find() ? Found.YES : Found.NO;
        } catch (TooSlow | StackOverflowError _) {          // (a|b)* recurses for each character
            return Found.TOO_SLOW;
        }
    }

    private static final class TooSlow extends RuntimeException {
        TooSlow() { super(null, null, false, false); }
    }

    /// @param reads one number, shared with subsequences
    private record Counted(String text, int start, int end, int[] reads) implements CharSequence {
        @Override
        public int length() { return end - start; }

        @Override
        public char charAt(int index) {
            if (++reads[0] > MOST_READS) throw new TooSlow();
            return text.charAt(start + index);
        }

        @Override
        public CharSequence subSequence(int from, int to) {
            return new Counted(text, start + from, start + to, reads);
        }

        @Override
        public String toString() { return text.substring(start, end); }
    }
}
