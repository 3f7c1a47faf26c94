package cop;

import tools.jackson.databind.node.ObjectNode;

/// A piece of an answer, in the form of no API.
sealed interface AnswerEvent {
    /// @param created in epoch seconds; 0 if unknown
    record Begin(String id, long created) implements AnswerEvent {}

    record TextDelta(String text) implements AnswerEvent {}

    /// Another text begins.
    record Paragraph() implements AnswerEvent {}

    record ThinkingDelta(String text) implements AnswerEvent {}

    /// @param sealed what the model needs back with its thoughts
    record ThinkingEnd(ObjectNode sealed) implements AnswerEvent {}

    /// @param key of the call within the answer
    record CallBegin(int key, String id, String name) implements AnswerEvent {}

    record CallDelta(int key, String arguments) implements AnswerEvent {}

    record CallEnd(int key) implements AnswerEvent {}

    record Used(TokenUsage usage) implements AnswerEvent {}

    /// @param sequence the text that ended it; null if none did
    record Finish(StopReason reason, String sequence) implements AnswerEvent {}

    /// The answer is whole.
    record End() implements AnswerEvent {}

    record Failed(ApiRefusal why) implements AnswerEvent {}
}
