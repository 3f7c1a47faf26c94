package cop;

import module java.base;

/// Writes an experiment as one HTML page that needs nothing else: no network, no server, and, for its tables, no
/// scripts. The cells are JSON in chunks, each with an index that is read when the page opens, and texts that are read
/// when a row is shown or searched; so the page opens quickly however long the answers are.
final class Report {
    private static final int ROWS_OF_CHUNK = 200, CHARS_OF_CHUNK = 256 << 10;
    /// Cells in the table for browsers without scripts, and characters of an answer there.
    private static final int MOST_PLAIN = 2000, MOST_BRIEF = 240;
    private static final int MOST_REASON = 2000;

    private final Summary summary;
    private final Supplier<Stream<EvalCell>> cells;
    private final Function<EvalCell, String> prompt;
    private final ReportData data;
    private final int mostText;
    private final Writer out;

    private Report(Writer out, Summary summary, Supplier<Stream<EvalCell>> cells, Function<EvalCell, String> prompt) {
        this.out = out;
        this.summary = summary;
        this.cells = cells;
        this.prompt = prompt;
        data = ReportData.read(summary.variants().stream().map(Summary.Line::name).toList(), cells);
        mostText = Math.clamp(30_000_000L / Math.max(1, data.cells()), 1000, 20_000);
    }

    /// Writes the page; the stream stays open.
    ///
    /// @param cells opens the cells, those of a row one after another; called several times
    /// @param prompt returns what was asked in a cell; may return null
    static void write(OutputStream out, Summary summary, Supplier<Stream<EvalCell>> cells,
                      Function<EvalCell, String> prompt, String title) throws IOException {
        var writer = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), 1 << 16);
        new Report(writer, summary, cells, prompt).write(title);
        writer.flush();
    }

    private void write(String title) throws IOException {
        String page = template();
        var hole = Pattern.compile("@(POLICY|TITLE|SUMMARY|DATA)@|<!--NOSCRIPT-->").matcher(page);
        int from = 0;
        for (; hole.find(); from = hole.end()) {
            out.write(page, from, hole.start() - from);
            switch (hole.group(1)) {
                case "POLICY" -> out.write(policy(page));
                case "TITLE" -> out.write(ReportText.plain(title));
                case "SUMMARY" -> new ReportSummary(out, summary, data).write();
                case "DATA" -> data();
                case null, default -> plainTable();
            }
        }
        out.write(page, from, page.length() - from);
    }

    private static String template() throws IOException {
        try (var in = Report.class.getResourceAsStream("/report.html")) {
            if (in == null) throw new FileNotFoundException("report.html, a part of the program");
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
        }
    }

    /// Allows the page's own style and script by their hashes, and nothing else.
    private static String policy(String page) {
        return "default-src 'none'; img-src data:; style-src '" + hash(page, "style") + "'; script-src '"
                + hash(page, "script") + "'; base-uri 'none'; form-action 'none'";
    }

    private static String hash(String page, String element) {
        int start = page.indexOf("<" + element + ">") + element.length() + 2;
        String text = page.substring(start, page.indexOf("</" + element + ">", start));
        return "sha256-" + Base64.getEncoder().encodeToString(Text.sha256().digest(
                text.getBytes(StandardCharsets.UTF_8)));
    }

    // ---- the cells as JSON

    private void data() throws IOException {
        var head = new StringBuilder("{\"variants\":[");
        for (String name : data.variants()) {
            ReportText.json(head.append(head.charAt(head.length() - 1) == '[' ? "" : ",").append("{\"name\":"), name)
                    .append('}');
        }
        strings(head.append("],\"checks\":"), data.checkNames()).append('}');
        script("id=\"run\"", head);
        StringBuilder index = new StringBuilder(), texts = new StringBuilder();
        int rows = 0;
        try (var all = cells.get()) {
            for (var each = ReportData.rows(all); each.hasNext(); ) {
                row(each.next(), index.append(rows == 0 ? "[" : ",\n"), texts.append(rows == 0 ? "[" : ",\n"));
                rows++;
                if (rows < ROWS_OF_CHUNK && texts.length() < CHARS_OF_CHUNK && each.hasNext()) continue;
                script("class=\"index\"", index.append(']'));
                script("class=\"texts\"", texts.append(']'));
                rows = 0;
            }
        }
    }

    private void script(String attribute, StringBuilder json) throws IOException {
        out.append("<script type=\"application/json\" ").append(attribute).append(">").append(json)
                .append("</script>\n");
        json.setLength(0);
    }

    /// Appends a row to its chunk. Prompts are written once per row: most variants share them.
    private void row(ReportData.Row row, StringBuilder index, StringBuilder texts) {
        var prompts = new LinkedHashMap<String, Integer>();
        var ofVariant = new HashMap<String, Integer>();
        ReportText.json(index.append('['), row.id()).append(",[");
        var cells = new StringBuilder();
        for (var cell : row.cells()) {
            if (!cells.isEmpty()) {
                cells.append(',');
                index.append(',');
            }
            int number = ofVariant.computeIfAbsent(cell.variant(), _ -> prompts.computeIfAbsent(
                    Objects.requireNonNullElse(prompt.apply(cell), ""), _ -> prompts.size()));
            indexed(cell, index);
            texts(cell, number, cells);
        }
        index.append("]]");
        texts.append("{\"prompts\":");
        strings(texts, prompts.keySet().stream().map(text -> ReportText.start(text, mostText)).toList());
        if (prompts.keySet().stream().anyMatch(text -> text.length() > mostText)) {
            texts.append(",\"lengths\":").append(prompts.keySet().stream()
                    .map(text -> text.length() > mostText ? text.length() : 0).toList());
        }
        texts.append(",\"cells\":[").append(cells).append("]}");
    }

    /// Appends what the filters need: `[variant, repeat, verdict, failed checks, hash of the answer]`.
    private void indexed(EvalCell cell, StringBuilder index) {
        var verdict = Verdict.of(cell);
        index.append('[').append(data.variant(cell.variant())).append(',').append(cell.repeat()).append(',')
                .append(verdict.ordinal()).append(',').append(data.failed(cell).toString().replace(" ", ""));
        if (verdict == Verdict.UNCHECKED) index.append(',').append(ReportText.answer(cell).strip().hashCode());
        index.append(']');
    }

    private void texts(EvalCell cell, int number, StringBuilder json) {
        json.append("{\"prompt\":").append(number);
        String answer = ReportText.answer(cell);
        if (cell.text() != null || cell.json() != null) {
            ReportText.json(json.append(",\"text\":"), ReportText.start(answer, mostText));
            if (answer.length() > mostText) json.append(",\"length\":").append(answer.length());
        }
        if (cell.checks() != null && !cell.checks().isEmpty()) checks(cell.checks(), json.append(",\"checks\":"));
        if (cell.score() != null) json.append(",\"score\":").append(number(cell.score()));
        if (cell.model() != null && !cell.model().isEmpty()) ReportText.json(json.append(",\"model\":"), cell.model());
        if (cell.ms() > 0) json.append(",\"ms\":").append(cell.ms());
        var usage = cell.usage();
        if (usage != null && usage.totalTokens() > 0) {
            json.append(",\"usage\":").append(List.of(usage.promptTokens(), usage.completionTokens(),
                    usage.cachedTokens(), usage.reasoningTokens()));
        }
        if (cell.credits() != null && cell.credits().signum() > 0) {
            json.append(",\"credits\":").append(cell.credits().setScale(4, RoundingMode.HALF_UP)
                    .stripTrailingZeros().toPlainString());
        }
        String request = Objects.requireNonNullElse(cell.requestId(), "");
        if (!request.isEmpty()) ReportText.json(json.append(",\"request\":"), request);
        if (cell.error() != null) {
            strings(json.append(",\"error\":"), Stream.of("code", "message").map(field -> ReportText.start(
                    Json.text(cell.error(), field), MOST_REASON)).filter(text -> !text.isEmpty()).toList());
        }
        json.append('}');
    }

    private static void checks(List<CheckResult> checks, StringBuilder json) {
        json.append('[');
        for (int i = 0; i < checks.size(); i++) {
            var check = checks.get(i);
            ReportText.json(json.append(i == 0 ? "[" : ",["), ReportText.start(check.name(), MOST_REASON));
            json.append(',').append(check.pass()).append(',').append(number(check.score())).append(',');
            ReportText.json(json, ReportText.start(check.reason(), MOST_REASON)).append(']');
        }
        json.append(']');
    }

    private static StringBuilder strings(StringBuilder json, List<String> texts) {
        json.append('[');
        for (int i = 0; i < texts.size(); i++) ReportText.json(i > 0 ? json.append(',') : json, texts.get(i));
        return json.append(']');
    }

    private static String number(double score) {
        return Double.isFinite(score) ? BigDecimal.valueOf(score).setScale(4, RoundingMode.HALF_UP)
                .stripTrailingZeros().toPlainString() : "0";
    }

    // ---- the cells without scripts

    private void plainTable() throws IOException {
        if (data.cells() == 0) return;
        var names = data.variants();
        int most = Math.max(1, MOST_PLAIN / Math.max(1, names.size() * data.repeats()));
        if (data.rows() > most) {
            out.append("<p class=\"dim\">The first ").append("" + most).append(" of ").append("" + data.rows())
                    .append(" rows. With scripts on, this page shows and searches all.</p>\n");
        }
        out.append("<div class=\"card scroll\"><table class=\"cells\"><thead><tr><th scope=\"col\">Row</th>");
        for (String name : names) out.append("<th scope=\"col\">").append(ReportText.html(name)).append("</th>");
        out.append("</tr></thead>\n<tbody>\n");
        try (var all = cells.get()) {
            var rows = ReportData.rows(all);
            for (int i = 0; i < most && rows.hasNext(); i++) plainRow(rows.next());
        }
        out.append("</tbody></table></div>\n");
    }

    private void plainRow(ReportData.Row row) throws IOException {
        out.append("<tr><th scope=\"row\"><span class=\"id\">").append(ReportText.html(row.id()))
                .append("</span></th>");
        for (String name : data.variants()) {
            out.append("<td>");
            for (var cell : row.cells()) if (cell.variant().equals(name)) plainCell(cell);
            out.append("</td>");
        }
        out.append("</tr>\n");
    }

    private void plainCell(EvalCell cell) throws IOException {
        var verdict = Verdict.of(cell);
        String reasons = cell.checks() == null ? "" : cell.checks().stream().filter(check -> !check.pass())
                .map(check -> check.name()).collect(Collectors.joining("; "));
        out.append("<div class=\"").append(verdict.style).append("\"><span class=\"sign\">").append(verdict.sign)
                .append("</span> ").append(verdict.word)
                .append(reasons.isEmpty() ? "" : ": " + ReportText.html(ReportText.brief(reasons, MOST_BRIEF)))
                .append("</div><small dir=\"auto\">").append(ReportText.html(ReportText.brief(
                        ReportText.answer(cell).isEmpty() ? message(cell) : ReportText.answer(cell), MOST_BRIEF)))
                .append("</small>");
    }

    private static String message(EvalCell cell) {
        return cell.error() == null ? "" : Json.text(cell.error(), "message");
    }

    /// What became of a cell, in the order that the page's script knows.
    enum Verdict {
        PASSED("✓", "passed", "pass"), FAILED("✗", "failed", "fail"), ERROR("!", "error", "error"),
        FILTERED("⊘", "filtered", "error"), INCOMPLETE("…", "cut off", "error"),
        UNCHECKED("·", "not checked", "none");

        final String sign, word, style;

        Verdict(String sign, String word, String style) {
            this.sign = sign;
            this.word = word;
            this.style = style;
        }

        static Verdict of(EvalCell cell) {
            return switch (cell.status()) {
                case "ok" -> cell.pass() == null ? UNCHECKED : cell.pass() ? PASSED : FAILED;
                case "filtered" -> FILTERED;
                case "incomplete" -> INCOMPLETE;
                default -> ERROR;
            };
        }
    }
}
