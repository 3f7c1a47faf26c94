package cop;

import module java.base;

/// A check whose value is known: judges answers.
interface CheckTest {
    /// Where the answers to a check's questions come from.
    interface Verdicts extends Function<JudgeQuestion, Optional<Verdict>> {}

    /// @return empty if a question has no answer yet
    Optional<Finding> of(CheckedAnswer answer, Function<JudgeQuestion, Optional<Verdict>> verdicts);

    /// Returns what has to be asked about an answer first.
    default List<JudgeQuestion> questions(CheckedAnswer answer) { return List.of(); }

    /// A test that asks nobody.
    static CheckTest plain(Function<CheckedAnswer, Finding> test) {
        return (answer, _) -> Optional.of(test.apply(answer));
    }

    /// What a test found, before `not-`.
    ///
    /// @param score 0 to 1
    /// @param words returns what is so, whether that is good or bad: `no "refund" in "…"`
    /// @param certain whether `not-` leaves a failure a failure, such as an answer that is too long to compare
    /// @param always whether the words are kept if the check passes: a judge's reason
    record Finding(boolean pass, double score, Supplier<String> words, boolean certain, boolean always) {
        static Finding of(boolean pass, Supplier<String> ifSo, Supplier<String> ifNot) {
            return new Finding(pass, pass ? 1 : 0, pass ? ifSo : ifNot, false, false);
        }

        static Finding failed(Supplier<String> words) { return new Finding(false, 0, words, false, false); }

        /// Fails with and without `not-`.
        static Finding impossible(String words) { return new Finding(false, 0, () -> words, true, false); }

        Finding negated() {
            return certain ? this : new Finding(!pass, 1 - score, words, false, always);
        }
    }
}
