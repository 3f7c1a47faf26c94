package cop;

import module java.base;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What a model must get back with its thoughts (a signature, encrypted reasoning), in a form that clients of another
/// API keep for it. A seal is opened for its own model alone, and never sent to one that made none.
final class Seal {
    static final String PREFIX = "cop1_";

    static String close(String model, JsonNode content) {
        var json = Json.object().put("model", model).set("content", content);
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(Json.bytes(json));
    }

    /// Returns what was sealed for this model.
    static Optional<ObjectNode> open(String model, String seal) {
        if (!seal.startsWith(PREFIX)) return Optional.empty();
        try {
            var json = Json.tryParse(new String(Base64.getUrlDecoder().decode(seal.substring(PREFIX.length())),
                    StandardCharsets.UTF_8));
            return Json.text(json, "model").equals(model) && json.path("content") instanceof ObjectNode content
                    ? Optional.of(content) : Optional.empty();
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }
}
