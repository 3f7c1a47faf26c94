///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Release notes from git's log: changelog [RANGE], such as changelog v1.0..HEAD
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Prints release notes for a range of commits; without one, for what has come since the last tag.
void main(String... args) {
    script("changelog [RANGE]\nRANGE is as git log takes it, such as v1.0..HEAD", args, (words, _) -> {
        String range = words.isEmpty() ? lastTag() + "..HEAD" : words.getFirst();
        String log = run("git", "log", "--no-merges", "--format=- %s%n%w(0,2,2)%b", "--end-of-options", range);
        if (log.isBlank()) throw new Fault("there are no commits in " + range, "git log --oneline");
        prompt("release-notes").with("input", log).stream(IO::print);
        IO.println();
    });
}

String lastTag() {
    try {
        return run("git", "describe", "--tags", "--abbrev=0");
    } catch (Fault none) {
        throw new Fault(none.message(), "name a range: changelog v1.0..HEAD");
    }
}
