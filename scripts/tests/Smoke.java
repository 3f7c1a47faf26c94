package cop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import org.junit.jupiter.api.Test;

/// The five steps, once through.
class Smoke {
    @Test
    void loginTokenChat() {
        try (var cop = new Harness()) {
            assertEquals("logged in as octocat (individual), API " + cop.sim.api() + "\n",
                    cop.run("login", "--no-browser").out());
            assertEquals(0, cop.run("token").code());
            assertEquals("hello\n", cop.run("chat", "say: hello").out());
        }
    }
}
