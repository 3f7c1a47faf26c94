package cop;

import module java.base;

/// Answers `GET /v1/models` and `GET /v1/models/ID`, in the shape that the client reads: Codex names its version, and
/// copilot.java that of GitHub's API.
record ModelsRoute(ModelCatalog catalog) implements Route {
    private static final Pattern ONE = Pattern.compile(".*/models/(.+)");

    @Override
    public void handle(Exchange exchange) {
        var list = catalog.list(ModelList.FRESH);
        var documents = new ModelDocuments(list);
        var one = ONE.matcher(exchange.path());
        if (one.matches()) {
            String id = decoded(one.group(1));
            exchange.respond(200, documents.one(id).orElseGet(() -> documents.one(ModelNames.find(id, name ->
                    documents.models().stream().filter(model -> model.id().equals(name)).findFirst(), () ->
                    documents.models().stream().map(copilot.Model::id).toList()).id()).orElseThrow()));
        } else if (ExchangeRoute.speaksCopilot(exchange)) {
            exchange.respond(200, list.json());
        } else {
            exchange.respond(200, exchange.query().containsKey("client_version") ? documents.codex()
                    : documents.page(exchange.query()));
        }
    }

    private static String decoded(String segment) {
        try {
            return URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException _) {
            return segment;
        }
    }
}
