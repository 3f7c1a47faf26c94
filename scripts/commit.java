///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION A commit message for what is staged: commit [--yes]; --yes commits with it
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Prints a message for what `git add` has staged, from the template commit-message.
void main(String... args) {
    script("commit [--yes]\n--yes commits with the message", args, (_, options) -> {
        run("git", "rev-parse", "--git-dir");               // else git diff tells all its options
        String diff = run("git", "diff", "--staged");
        if (diff.isEmpty()) throw new Fault("nothing is staged", "git add -p");
        var message = prompt("commit-message").with("diff", diff).ask();
        IO.println(message);
        if (options.contains("--yes")) IO.println(run("git", "commit", "--message", message.text()));
    });
}
