package cop;

import module java.base;

import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The five steps once, where tokens are stored, and class names that work on every file system.
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

    /// Whatever is done, well or badly: tokens lie in the login and in the cached Copilot token, and nowhere else.
    @Test
    void tokensAreStoredInTwoFilesOnly() throws Exception {
        try (var cop = new Harness()) {
            cop.run("login", "--no-browser");
            cop.run("models");
            cop.run("models", "default", "mai-code-1.1-flash");
            cop.run("chat", "--json", "-o", "answer.json", "hello");
            cop.sim.set("faults", List.of("reset-mid", "401-expired"));
            cop.run("chat", "-o", "broken.txt", "say: one two three");
            cop.run("chat", "-v", "hello");
            cop.with("COPILOT_GITHUB_TOKEN", cop.sim.issueGithubToken("ghu-foreign")).run("chat", "hello");
            var holders = new TreeSet<String>();
            try (var files = Files.walk(cop.home)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
                    if (text.matches("(?s).*(gh[a-z]_[A-Za-z0-9]{12}|tid=[0-9a-f]{8}).*")) {
                        holders.add(file.getFileName().toString().replaceFirst("-[0-9a-f-]+", ""));
                    }
                }
            }
            try (var kept = Files.newDirectoryStream(cop.file(".cache/copilot.java"), "token-*.json")) {
                assertTrue(StreamSupport.stream(kept.spliterator(), false).anyMatch(file -> cop.read(
                        ".cache/copilot.java/" + file.getFileName()).contains("rejected")), "remembered by hash");
            }
            assertEquals(Set.of("login.json", "token.json"), holders);
        }
    }

    /// On macOS and Windows `cop/copilot.class` and a `cop/Copilot.class` would be one file.
    @Test
    void noTwoClassesDifferByCaseAlone() throws Exception {
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
