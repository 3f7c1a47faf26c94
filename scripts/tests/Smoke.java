package cop;

import module java.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import org.junit.jupiter.api.Test;

/// The five steps once through, and that the tool is what JBang can build everywhere.
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

    /// On macOS and Windows `cop/copilot.class` and a `cop/Copilot.class` would be one file.
    @Test
    void noTwoClassesDifferInCaseAlone() throws Exception {
        var place = Path.of(copilot.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        List<String> names;
        if (Files.isDirectory(place)) {
            try (var files = Files.list(place.resolve("cop"))) {
                names = files.map(file -> file.getFileName().toString()).toList();
            }
        } else {
            try (var jar = new JarFile(place.toFile())) {
                names = jar.stream().map(JarEntry::getName).filter(name -> name.endsWith(".class")).toList();
            }
        }
        var seen = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
        assertTrue(names.size() > 50, names::toString);
        assertEquals(List.of(), names.stream().filter(name -> !seen.add(name)).toList());
    }
}
