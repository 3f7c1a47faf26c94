///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Writes release notes from the Git log: changelog [RANGE], such as changelog v1.0..HEAD
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Prints release notes for a range of commits, or for the commits since the last tag.
void main(String... args) {
    script("""
            changelog [RANGE]

            Prints release notes, as Markdown, for the commits in RANGE, which git log
            defines. Default: the commits since the last tag.

            Examples:
              jbang changelog@OWNER/copilot.java
              jbang changelog@OWNER/copilot.java v1.0..v1.1
            """, args, (words, _) -> {
        gitRepository();
        String range = words.isEmpty() ? lastTag() + "..HEAD" : words.getFirst();
        String log = run("git", "log", "--no-merges", "--format=- %s%n%w(0,2,2)%b", "--end-of-options", range);
        if (log.isBlank()) throw new Fault("no commits in " + range, "pass another range, such as v1.0..HEAD");
        prompt("release-notes").with("input", log).stream(IO::print);
        IO.println();
    });
}

void gitRepository() {
    try {
        run("git", "rev-parse", "--git-dir");
    } catch (Fault fault) {
        throw new Fault(fault.message(), "run changelog in a Git repository");
    }
}

String lastTag() {
    try {
        return run("git", "describe", "--tags", "--abbrev=0");
    } catch (Fault noTag) {
        throw new Fault("no tag to start from", "pass a range, such as v1.0..HEAD or HEAD");
    }
}
