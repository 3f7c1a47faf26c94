///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Serves your Copilot on 127.0.0.1 to other tools, with the OpenAI and Anthropic APIs
//JAVA 25+
//SOURCES ../copilot.java

/// A local server with the three APIs that other tools speak: chat completions, responses, and messages.
package cop;

import module java.base;
import cop.copilot.Fault;

public class serve extends Command {
    public static void main(String... args) { System.exit(copilot.start("serve", args)); }

    @Override
    String syntax() {
        return """
                [--port PORT]

                Serve your Copilot to other tools.
                """;
    }

    @Override
    int run(CopilotClient copilot) { throw Fault.error("serve is not written yet", ""); }
}
