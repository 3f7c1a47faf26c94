///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Release notes from git's log: changelog [RANGE], such as changelog v1.0..HEAD
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Prints release notes for a range of commits; without one, for what has come since the last tag.
void main(String... args) {
    String range = args.length > 0 ? args[0] : run("git", "describe", "--tags", "--abbrev=0") + "..HEAD";
    String log = run("git", "log", "--no-merges", "--format=- %s%n%w(0,2,2)%b", "--end-of-options", range);
    if (log.isBlank()) {
        System.err.println("there are no commits in " + range);
        System.exit(1);
    }
    prompt("release-notes").with("input", log).stream(IO::print);
    IO.println();
}
