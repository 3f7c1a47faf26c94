package cop;

import module java.base;
import tools.jackson.databind.JsonNode;

/// Numbers the calls in a chat's stream: a new id begins one, as Claude's second call has index 0 again and others
/// begin at 1; other pieces belong to the last call of their index, else to the last.
final class CallNumbers {
    private record Call(int index, String id) {}

    private final List<Call> calls = new ArrayList<>();

    int size() { return calls.size(); }

    /// @param piece an item of `tool_calls`
    int of(JsonNode piece) {
        String id = Json.text(piece, "id");
        int index = piece.path("index").asInt(-1);
        for (int i = calls.size() - 1; i >= 0; i--) {
            if (id.isEmpty() ? calls.get(i).index == index : calls.get(i).id.equals(id)) return i;
        }
        if (!id.isEmpty() || calls.isEmpty()) calls.add(new Call(index, id));
        return calls.size() - 1;
    }
}
