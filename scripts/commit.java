///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Writes a commit message for the staged changes: commit [--yes]; --yes commits
//JAVA 25+
//SOURCES ../copilot.java

import static cop.copilot.*;

/// Prints a commit message for the staged changes, from the template commit-message.
void main(String... args) {
    script("""
            commit [--yes]

            Prints a commit message for the staged changes.

              --yes   Commit with the message.

            Examples:
              jbang commit@OWNER/copilot.java
              jbang commit@OWNER/copilot.java --yes
            """, args, (_, options) -> {
        gitRepository();
        String diff = run("git", "diff", "--staged");
        if (diff.isEmpty()) throw new Fault("no staged changes", "stage some with git add -p");
        var message = prompt("commit-message").with("diff", diff).ask();
        IO.println(message);
        if (options.contains("--yes")) IO.println(run("git", "commit", "--message", message.text()));
    });
}

/// Checks for a repository, outside of which git diff prints its whole help.
void gitRepository() {
    try {
        run("git", "rev-parse", "--git-dir");
    } catch (Fault fault) {
        throw new Fault(fault.message(), "run commit in a Git repository");
    }
}
