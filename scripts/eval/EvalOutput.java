package cop;

import module java.base;
import cop.copilot.Fault;
import tools.jackson.databind.node.ObjectNode;

/// Writes OUT: a JSON object or CSV line per cell.
record EvalOutput(Environment env, Console console, String name, RunFolder folder) {
    static final String[] ENDINGS = {".jsonl", ".csv", ".ndjson"};
    private static final List<String> COLUMNS = List.of("id", "variant", "repeat", "status", "pass", "score", "text",
            "failed", "model", "prompt_tokens", "completion_tokens", "credits", "ms", "request_id", "error");

    /// Returns a line of OUT.
    static ObjectNode json(EvalCell cell) {
        var json = Json.object().put("id", cell.id()).put("variant", cell.variant()).put("repeat", cell.repeat())
                .put("status", cell.status());
        if (cell.json() != null) json.set("json", cell.json());
        else if (cell.text() != null) json.put("text", cell.text());
        var checks = json.putArray("checks");
        cell.checks().forEach(check -> {
            var each = checks.addObject().put("name", check.name()).put("pass", check.pass())
                    .put("score", check.score());
            if (!check.reason().isEmpty()) each.put("reason", check.reason());
        });
        if (cell.pass() != null) json.put("pass", cell.pass()).put("score", cell.score());
        json.put("model", cell.model()).set("usage", cell.usage().json());
        if (cell.credits() != null) json.put("credits", cell.credits());
        json.put("ms", cell.ms()).put("request_id", cell.requestId());
        if (cell.error() != null) json.set("error", cell.error());
        return json;
    }

    /// Returns the text of such a line; a look is cheaper than the search for what terminals obey.
    static String text(ObjectNode line) {
        String text = Json.compact(line);
        return text.chars().noneMatch(c -> c >= 0x7f && c <= 0x9f) ? text : Json.singleLine(line);
    }

    /// Reads lines of cells; to be closed.
    static Stream<EvalCell> read(Path lines) {
        try {
            return Files.lines(lines).map(Json::tryParse).map(OutReader::cell);
        } catch (IOException e) {
            throw Fault.io("cannot read " + lines, e, "");
        }
    }

    /// Replaces OUT. One that somebody has changed since the run wrote it is kept under another name.
    ///
    /// @param lines the file of all cells
    void write(Path lines) {
        Path file = env.path(name);
        AtomicFile.Content content = name.toLowerCase(Locale.ROOT).endsWith(".csv") ? to -> writeTable(lines, to)
                : to -> Files.copy(lines, to);
        folder.own(Map.of(file, ""));                       // also if the next step is killed
        try {
            String before = OutputFile.hash(file);
            if (!before.isEmpty() && OutputFile.hash(content).equals(before)) return;
            if (!before.isEmpty() && !folder.owned().containsValue(before)) {
                Path kept = Files.copy(file, OutputFile.free(file, i -> ".changed-" + i));
                console.note("note: " + name + " was changed since this run wrote it; saved as " + kept.getFileName());
            }
            AtomicFile.write(file, content);
            folder.own(Map.of(file, OutputFile.hash(file)));
        } catch (IOException e) {
            throw Fault.io("cannot write " + name, e, "the answers are saved; fix it, then run the same command");
        }
    }

    private void writeTable(Path lines, OutputStream to) throws IOException {
        var text = new BufferedWriter(new OutputStreamWriter(to, StandardCharsets.UTF_8));
        text.write(String.join(",", COLUMNS) + "\n");
        try (var all = read(lines)) {
            for (var each = all.iterator(); each.hasNext(); ) text.write(line(each.next()) + "\n");
        }
        text.flush();
    }

    private static String line(EvalCell cell) {
        String failed = cell.checks().stream().filter(check -> !check.pass()).map(check -> check.name()
                + (check.reason().isEmpty() ? "" : " (" + check.reason() + ")")).collect(Collectors.joining("; "));
        var cells = Stream.of(cell.id(), cell.variant(), cell.repeat(), cell.status(), cell.pass(), cell.score(),
                cell.json() != null ? Json.compact(cell.json()) : cell.text(), failed, cell.model(),
                cell.usage().promptTokens(), cell.usage().completionTokens(), cell.credits() == null ? null
                : cell.credits().toPlainString(), cell.ms(), cell.requestId(), cell.error() == null ? null
                : Json.text(cell.error(), "message"));
        return cells.map(value -> ResultWriter.cell(Objects.toString(value, ""), false)).collect(Collectors.joining(
                ","));
    }
}
