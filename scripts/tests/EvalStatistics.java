package cop;

import module java.base;
import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;

/// The figures of `eval`.
class EvalStatistics {
    @Test
    void first() { assertEquals(1, 1); }
}
