package cop;

import module java.base;
import cop.copilot.Fault;

/// The key that clients of `serve` send: from a file, COP_SERVE_KEY, or beside the login, where it is
/// made on first use.
record ServeKey(Home home) {
    static final String VARIABLE = "COP_SERVE_KEY";
    /// Some tools take a key only if it begins as OpenAI's do.
    private static final String PREFIX = "sk-cop-";
    private static final int BYTES = 32, LEAST = 16, MOST = 4096;

    /// Returns a new key of 256 bits.
    static String random() {
        byte[] bytes = new byte[BYTES];
        new SecureRandom().nextBytes(bytes);
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    Path file() { return home.config().resolve("serve-key"); }

    /// Returns the key to use.
    ///
    /// @param named the file of `--key-file`; null for the usual one
    String get(String named, Console console) {
        if (named != null) return read(home.env().path(named), named, console);
        if (home.env().variable(VARIABLE) instanceof String key) return checked(key.strip(), VARIABLE);
        if (!home.isPersistent()) {
            console.note("note: the key is new at each start: there is no home folder (set " + VARIABLE + ")");
            return random();
        }
        return home.locked("serve-key", () -> Files.exists(file()) ? read(file(), file().toString(), console)
                : written());
    }

    /// Replaces the key; a running server keeps the one it was started with.
    String renew() {
        if (!home.isPersistent()) throw Fault.usage("there is no folder to keep a key in", "set COP_HOME");
        return home.locked("serve-key", this::written);
    }

    private String written() {
        String key = random();
        try {
            home.writeText(file(), key + "\n");
        } catch (IOException e) {
            throw Fault.io("cannot write " + file(), e, "make the folder writable, or set COP_HOME or " + VARIABLE);
        }
        return key;
    }

    private String read(Path path, String name, Console console) {
        String text;
        try (var in = Files.newInputStream(path)) {
            text = new String(in.readNBytes(MOST + 1), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw Fault.io("cannot read the key in " + name, e, "check its name and permissions");
        }
        try {
            var others = Set.of(PosixFilePermission.OTHERS_READ, PosixFilePermission.OTHERS_WRITE);
            if (Files.isRegularFile(path) && !Collections.disjoint(Files.getPosixFilePermissions(path), others)) {
                console.warn("everyone on this computer can read the key: chmod 600 " + Text.quoted(name));
            }
        } catch (IOException | UnsupportedOperationException _) {
            // a file system without such permissions
        }
        return checked(text.strip(), name);
    }

    /// Rejects what HTTP cannot carry, and what can be guessed.
    private static String checked(String key, String where) {
        String problem = key.length() < LEAST ? "has " + key.length() + " characters; " + LEAST + " are required"
                : key.length() > MOST ? "is longer than " + MOST + " characters"
                : !key.matches("[!-~]+") ? "has blanks, or characters other than ASCII" : "";
        if (problem.isEmpty()) return key;
        throw Fault.usage("the key in " + where + " " + problem, "openssl rand -hex 32");
    }
}
