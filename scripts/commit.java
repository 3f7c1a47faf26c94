///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION A commit message for what is staged: commit [--yes]; --yes commits with it
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Prints a message for what `git add` has staged, from the template commit-message.
void main(String... args) {
    String diff = run("git", "diff", "--staged");
    if (diff.isEmpty()) {
        System.err.println("nothing is staged; type: git add -p");
        System.exit(1);
    }
    var message = prompt("commit-message").with("diff", diff).ask();
    IO.println(message);
    if (List.of(args).contains("--yes")) IO.println(run("git", "commit", "--message", message.text()));
}
