///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Serves your Copilot on 127.0.0.1 to other tools, with the OpenAI and Anthropic APIs
//JAVA 25+
//DEPS io.netty:netty-codec-http:4.2.20.Final
//SOURCES ../copilot.java
//SOURCES serve/AnswerBlocks.java
//SOURCES serve/AnswerEvent.java
//SOURCES serve/AnswerSink.java
//SOURCES serve/AnswerSource.java
//SOURCES serve/ApiProtocol.java
//SOURCES serve/ApiRefusal.java
//SOURCES serve/BrokenStream.java
//SOURCES serve/CallNumbers.java
//SOURCES serve/ChatDialog.java
//SOURCES serve/ChatPassThrough.java
//SOURCES serve/ChatRepairs.java
//SOURCES serve/ChatSink.java
//SOURCES serve/ChatSource.java
//SOURCES serve/ClientConfig.java
//SOURCES serve/ClientLauncher.java
//SOURCES serve/ClientModels.java
//SOURCES serve/ClientSettings.java
//SOURCES serve/CountTokensRoute.java
//SOURCES serve/Dialog.java
//SOURCES serve/EmbeddingsRequest.java
//SOURCES serve/EmbeddingsRoute.java
//SOURCES serve/Exchange.java
//SOURCES serve/HttpFields.java
//SOURCES serve/Initiator.java
//SOURCES serve/JsonEdits.java
//SOURCES serve/JsonSpan.java
//SOURCES serve/MessagesDialog.java
//SOURCES serve/MessagesPassThrough.java
//SOURCES serve/MessagesRepairs.java
//SOURCES serve/MessagesSink.java
//SOURCES serve/MessagesSource.java
//SOURCES serve/ModelDocuments.java
//SOURCES serve/ModelNames.java
//SOURCES serve/ModelsRoute.java
//SOURCES serve/PassThrough.java
//SOURCES serve/PassedRequest.java
//SOURCES serve/RequestMeter.java
//SOURCES serve/ResponsesDialog.java
//SOURCES serve/ResponsesPassThrough.java
//SOURCES serve/ResponsesRepairs.java
//SOURCES serve/ResponsesSink.java
//SOURCES serve/ResponsesSource.java
//SOURCES serve/Route.java
//SOURCES serve/Seal.java
//SOURCES serve/ServeKey.java
//SOURCES serve/ServerLimits.java
//SOURCES serve/SseFrames.java
//SOURCES serve/StatusPage.java
//SOURCES serve/StopReason.java
//SOURCES serve/StreamTranslator.java
//SOURCES serve/TokenEstimate.java
//SOURCES serve/TokenUsage.java
//SOURCES serve/TranslatedRequest.java
//SOURCES serve/TranslatedStream.java
//SOURCES serve/Translation.java
//SOURCES serve/Translations.java
//SOURCES serve/Upstream.java
//SOURCES serve/UpstreamError.java

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
