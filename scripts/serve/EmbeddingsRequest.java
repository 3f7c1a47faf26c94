package cop;

import module java.base;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingRegistry;
import com.knuddels.jtokkit.api.IntArrayList;
import cop.copilot.Model;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A request of OpenAI's /v1/embeddings. Copilot takes only lists of strings (ericc-ch/copilot-api #59, #100), at most
/// 512 at once, and answers with numbers; clients send a string or tokens, up to 2,048 of them, and ask for Base64.
///
/// @param asked the model as the client named it
/// @param base64 whether vectors are answered as little-endian floats in Base64, as OpenAI's Node SDK demands
record EmbeddingsRequest(Model model, String asked, List<String> texts, Integer dimensions, boolean base64) {
    private static final EncodingRegistry ENCODINGS = Encodings.newLazyEncodingRegistry();
    /// The tokenizer of OpenAI's embedding models, which clients use if they send tokens.
    private static final String TOKENIZER = "cl100k_base";
    private static final int MOST_TEXTS = 2048, MOST_PER_CALL = 512;
    /// OpenAI rejects more than 300,000 tokens per request; a token is seldom shorter than 2.5 bytes.
    private static final int MOST_BYTES = 750_000;

    static boolean embeds(Model model) { return model.type().equals("embeddings"); }

    /// Reads a request.
    ///
    /// @throws ApiRefusal if it is not valid
    static EmbeddingsRequest of(JsonNode body, ModelList models) {
        String asked = Json.text(body, "model");
        if (asked.isEmpty()) throw invalid("model: a string is required");
        var model = models.find(asked).filter(EmbeddingsRequest::embeds).orElseThrow(() -> unknown(asked, models));
        var size = body.path("dimensions");
        if (!size.isMissingNode() && !size.isNull()) {
            if (!size.isIntegralNumber() || size.asLong() < 1 || size.asLong() > 100_000) {
                throw invalid("dimensions: expected a positive integer");
            }
            if (!model.supports("dimensions")) throw invalid("dimensions: " + model + " cannot shorten its vectors");
        }
        var format = body.path("encoding_format");
        if (!format.isMissingNode() && !format.isNull() && !Set.of("float", "base64").contains(format.asString(""))) {
            throw invalid("encoding_format: expected \"float\" or \"base64\"");
        }
        return new EmbeddingsRequest(model, asked, texts(body.path("input"), model),
                size.isIntegralNumber() ? size.asInt() : null, format.asString("").equals("base64"));
    }

    private static ApiRefusal invalid(String message) { return ApiRefusal.invalid(message); }

    private static ApiRefusal unknown(String asked, ModelList models) {
        var ids = models.models().stream().filter(EmbeddingsRequest::embeds).map(Model::id).toList();
        String others = ids.isEmpty() ? "; this account has no embedding model" : "; use " + String.join(", ", ids);
        return models.find(asked).isPresent()
                ? new ApiRefusal(400, "model_not_supported", asked + " is not an embedding model" + others)
                : new ApiRefusal(404, "model_not_found", "the model " + Text.shortened(Text.cell(asked), 100)
                + " is not in your account's list" + others);
    }

    private static List<String> texts(JsonNode input, Model model) {
        boolean tokens = input.isArray() && !input.isEmpty() && input.path(0).isNumber();
        var items = input.isString() || tokens ? List.of(input) : input.isArray() ? input.valueStream().toList()
                : List.<JsonNode>of();
        if (items.isEmpty()) throw invalid("input: expected a string, tokens, or a list of these");
        if (items.size() > MOST_TEXTS) {
            throw invalid("input: " + items.size() + " texts; " + MOST_TEXTS + " are allowed");
        }
        var encoding = new Object() {
            Encoding found;
        };
        var texts = new ArrayList<String>();
        for (int i = 0; i < items.size(); i++) {
            String place = items.size() == 1 ? "input" : "input[" + i + "]";
            if (items.get(i).isArray()) {
                if (encoding.found == null) encoding.found = encoding(model);
                texts.add(decoded(place, (ArrayNode) items.get(i), encoding.found));
            } else if (items.get(i).isString()) {
                texts.add(items.get(i).asString());
            } else {
                throw invalid(place + ": expected a string or a list of tokens");
            }
            if (texts.getLast().isEmpty()) throw invalid(place + ": the text is empty");
        }
        return texts;
    }

    private static Encoding encoding(Model model) {
        String name = model.json().path("capabilities").path("tokenizer").asString(TOKENIZER);
        return ENCODINGS.getEncoding(name).or(() -> ENCODINGS.getEncoding(TOKENIZER)).orElseThrow();
    }

    private static String decoded(String place, ArrayNode numbers, Encoding encoding) {
        var tokens = new IntArrayList(numbers.size());
        for (var number : numbers) {
            if (!number.isInt()) throw invalid(place + ": expected a list of integers");
            tokens.add(number.asInt());
        }
        try {
            return encoding.decode(tokens);
        } catch (RuntimeException _) {                      // a number that is no token: a NullPointerException
            throw invalid(place + ": has numbers that are not tokens of " + encoding.getName());
        }
    }

    /// Returns the bodies to send, one after the other.
    List<ObjectNode> calls() {
        long limit = model.limit("max_inputs");
        long most = limit > 0 ? limit : MOST_PER_CALL;
        var calls = new ArrayList<ObjectNode>();
        ArrayNode input = null;
        long weight = 0;
        for (String text : texts) {
            int bytes = text.getBytes(StandardCharsets.UTF_8).length;
            if (input == null || input.size() == most || weight + bytes > MOST_BYTES) {
                calls.add(Json.object().put("model", model.id()));
                input = calls.getLast().putArray("input");
                if (dimensions != null) calls.getLast().put("dimensions", dimensions);
                weight = 0;
            }
            input.add(text);
            weight += bytes;
        }
        return calls;
    }

    /// Joins the responses to all calls into the answer.
    ///
    /// @throws ApiRefusal if one has not a vector for each text
    ObjectNode answer(List<JsonNode> responses) {
        var answer = Json.object().put("object", "list");
        var data = answer.putArray("data");
        var calls = calls();
        long tokens = 0;
        for (int i = 0; i < responses.size(); i++) {
            var vectors = vectors(responses.get(i), calls.get(i).path("input").size());
            for (var vector : vectors) {
                var item = Json.object().put("object", "embedding").put("index", data.size());
                if (base64) item.put("embedding", packed(vector));
                else item.set("embedding", vector);
                data.add(item);
            }
            var usage = responses.get(i).path("usage");
            tokens += usage.path("total_tokens").asLong(usage.path("prompt_tokens").asLong(0));
        }
        answer.put("model", asked).putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        return answer;
    }

    private static Collection<JsonNode> vectors(JsonNode response, int texts) {
        var vectors = new TreeMap<Integer, JsonNode>();
        for (var item : response.path("data")) vectors.put(item.path("index").asInt(-1), item.path("embedding"));
        boolean complete = vectors.keySet().equals(IntStream.range(0, texts).boxed().collect(Collectors.toSet()));
        if (complete && vectors.values().stream().allMatch(vector -> vector.isArray() && vector.valueStream()
                .allMatch(JsonNode::isNumber))) return vectors.values();
        throw new ApiRefusal(502, "", "GitHub returned an invalid response to /embeddings: it has " + vectors.size()
                + " vectors for " + texts + (texts == 1 ? " text" : " texts"));
    }

    private static String packed(JsonNode vector) {
        var bytes = ByteBuffer.allocate(Float.BYTES * vector.size()).order(ByteOrder.LITTLE_ENDIAN);
        vector.forEach(number -> bytes.putFloat((float) number.asDouble()));
        return Base64.getEncoder().encodeToString(bytes.array());
    }
}
