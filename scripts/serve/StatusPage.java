package cop;

import module java.base;
import cop.copilot.Account;
import cop.copilot.Model;
import cop.copilot.Quota;
import cop.copilot.Usage;

/// The page at `/`: the figures of the meter, the quotas, and the models with their windows and prices. It has no
/// scripts, and a policy that allows nothing but its own style; it shows neither the key nor the account's name.
final class StatusPage implements Route {
    private static final Duration QUOTA_AGE = Duration.ofMinutes(1);
    private static final int REFRESH = 10;
    private static final String STYLE = """
            :root{color-scheme:light dark;--text:#1f2328;--dim:#59636e;--line:#d1d9e0;--back:#fff;--card:#f6f8fa;
            --bar:#1f6feb;--rest:#d8dee4;--bad:#b3261e}
            @media(prefers-color-scheme:dark){:root{--text:#e6edf3;--dim:#9198a1;--line:#30363d;--back:#0d1117;
            --card:#161b22;--bar:#4493f8;--rest:#30363d;--bad:#ff7b72}}
            *{box-sizing:border-box}
            body{margin:0 auto;padding:1.5rem 1.25rem 3rem;max-width:76rem;color:var(--text);background:var(--back);
            font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
            h1{font-size:1.35rem;margin:0}h2{font-size:1rem;margin:2rem 0 .6rem}
            p{margin:.2rem 0}.dim{color:var(--dim)}.bad{color:var(--bad)}
            code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
            dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1.25rem 0 0}
            dl div{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.6rem .8rem}
            dt{color:var(--dim);font-size:.85rem}dd{margin:0;font-size:1.3rem;font-variant-numeric:tabular-nums}
            .quota{margin:.5rem 0}meter{width:100%;max-width:26rem;height:.9rem;display:block;margin:.2rem 0}
            .wide{overflow-x:auto;border:1px solid var(--line);border-radius:8px}
            table{border-collapse:collapse;width:100%;font-size:.9rem}
            th,td{padding:.4rem .7rem;text-align:left;white-space:nowrap;border-top:1px solid var(--line)}
            thead th{border-top:0;background:var(--card);color:var(--dim);font-weight:600}
            td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
            thead tr+tr th{border-top:0;padding-top:0}thead th[colspan]{text-align:center;padding-bottom:0}
            tbody th{font-weight:400}tbody th span{display:block;color:var(--dim);font-size:.85em}
            p.bad{margin-top:.75rem}
            @media(max-width:46rem){body{padding:1rem .8rem 2rem}dl{grid-template-columns:repeat(2,1fr)}
            .wide{border:0}table,tbody,tr,th{display:block}thead{display:none}
            tbody tr{border:1px solid var(--line);border-radius:8px;padding:.5rem .8rem;margin-bottom:.6rem}
            tbody th,tbody td,td.n{border:0;padding:0;text-align:left;white-space:normal}
            td{display:inline-block;margin-right:.9rem}td:empty{display:none}
            td[data-l]::before{content:attr(data-l) " ";color:var(--dim)}}
            """;
    /// Allows the style by its hash, and nothing else.
    static final String POLICY = "default-src 'none'; style-src 'sha256-" + Base64.getEncoder().encodeToString(
            Text.sha256().digest(STYLE.getBytes(StandardCharsets.UTF_8))) + "'; base-uri 'none'; form-action 'none';"
            + " frame-ancestors 'none'";

    private record Quotas(Optional<Account> account, Instant at) {}

    private final CopilotClient copilot;
    private final RequestMeter meter;
    private final Instant started;
    private Quotas quotas = new Quotas(Optional.empty(), Instant.EPOCH);

    StatusPage(CopilotClient copilot, RequestMeter meter) {
        this.copilot = copilot;
        this.meter = meter;
        started = copilot.context().now();
    }

    @Override
    public void handle(Exchange exchange) {
        exchange.respond(200, Map.of("Content-Type", "text/html; charset=utf-8", "Content-Security-Policy", POLICY,
                "X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY", "Referrer-Policy", "no-referrer",
                "Cache-Control", "no-store"), html(base(exchange)).getBytes(StandardCharsets.UTF_8));
    }

    /// The address as the browser knows it; the server has checked the name.
    private static String base(Exchange exchange) { return "http://" + exchange.headers().value("host"); }

    String html(String base) {
        var models = copilot.context().attempt(() -> copilot.models().list(ModelList.FRESH));
        return """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta http-equiv="refresh" content="%1$d">
                <title>Copilot, served</title>
                <style>%2$s</style>
                </head>
                <body>
                <header>
                <h1>Copilot, served to other tools</h1>
                <p class="dim"><code>%3$s/v1</code> for OpenAI's API, <code>%3$s</code> for Anthropic's; up %4$s</p>
                </header>
                <main>
                %5$s</main>
                </body>
                </html>
                """.formatted(REFRESH, STYLE, escaped(base), Durations.words(Duration.between(started,
                copilot.context().now())), figures() + quotas() + models.map(this::models).orElse(
                "<p class=\"bad\">GitHub's list of models cannot be read now.</p>\n"));
    }

    private String figures() {
        var now = meter.snapshot();
        var used = now.all().used();
        var cells = new LinkedHashMap<String, String>();
        cells.put("in flight", "" + now.inFlight());
        cells.put("queued", "" + now.queued());
        cells.put("requests", number(now.all().requests()));
        cells.put("failed", number(now.all().failed()));
        cells.put("tokens", number(used.totalTokens()));
        cells.put("credits", credits(used));
        String list = cells.entrySet().stream().map(cell -> "<div><dt>" + cell.getKey() + "</dt><dd"
                + (cell.getKey().equals("failed") && !cell.getValue().equals("0") ? " class=\"bad\">" : ">")
                + cell.getValue() + "</dd></div>\n").collect(Collectors.joining("", "<dl>\n", "</dl>\n"));
        return list + now.last().map(last -> "<p class=\"bad\">last error, " + Durations.words(Duration.between(
                last.at(), copilot.context().now())) + " ago: " + escaped(last.request() + " " + last.reason())
                + "</p>\n").orElse("");
    }

    private static String number(long number) { return String.format(Locale.ROOT, "%,d", number); }

    private static String credits(Usage used) {
        return used.nanoCredits() == 0 ? "0" : (used.estimated() ? "≈ " : "") + used.price();
    }

    /// Asks GitHub once a minute at most.
    private synchronized Optional<Account> account() {
        var now = copilot.context().now();
        if (!Durations.isRecent(quotas.at(), QUOTA_AGE, now)) {
            quotas = new Quotas(copilot.context().attempt(copilot::account), now);
        }
        return quotas.account();
    }

    private String quotas() {
        var account = account();
        if (account.isEmpty()) return "";
        var lines = account.get().quotas().stream().map(this::quota).toList();
        return "<section><h2>Quotas</h2>\n" + (lines.isEmpty() ? "<p class=\"dim\">" + Account.NO_QUOTAS + "</p>\n"
                : String.join("", lines)) + "</section>\n";
    }

    private String quota(Quota quota) {
        var left = quota.percentRemaining();
        String bar = quota.unlimited() || left == null ? "" : "<meter min=\"0\" max=\"100\" low=\"10\" value=\""
                + left.max(BigDecimal.ZERO).min(BigDecimal.valueOf(100)).toPlainString() + "\"></meter>";
        return "<div class=\"quota\">" + escaped(quota.toString() + quota.resets(copilot.context().now())) + bar
                + "</div>\n";
    }

    private String models(ModelList list) {
        var used = meter.snapshot().models();
        var rows = new ModelDocuments(list).models().stream().map(model -> row(model, used.getOrDefault(model.id(),
                RequestMeter.Figures.NONE))).collect(Collectors.joining());
        return """
                <section><h2>Models</h2>
                <div class="wide"><table>
                <thead><tr><th></th><th colspan="2">most tokens of</th><th colspan="3">credits per million tokens</th>\
                <th></th><th colspan="3">since the start</th></tr>
                <tr><th>model</th><th class="n">prompt</th><th class="n">answer</th><th class="n">in</th>\
                <th class="n">cached</th><th class="n">out</th><th>abilities</th><th class="n">requests</th>\
                <th class="n">tokens</th><th class="n">credits</th></tr></thead>
                <tbody>
                %s</tbody>
                </table></div>
                </section>
                """.formatted(rows);
    }

    private static String row(Model model, RequestMeter.Figures used) {
        var prices = model.json().path("billing").path("token_prices");
        var scale = BigDecimal.valueOf(1_000_000).divide(BigDecimal.valueOf(Math.max(1, prices.path("batch_size")
                .asLong(1_000_000))), MathContext.DECIMAL32);
        Function<String, String> price = kind -> {
            var amount = prices.path("default").path(kind + "_price");
            return !amount.isNumber() ? "" : amount.decimalValue().multiply(scale).stripTrailingZeros()
                    .toPlainString();
        };
        boolean any = used.requests() > 0;
        return "<tr><th scope=\"row\"><code>" + escaped(model.id()) + "</code><span>" + escaped(model.name())
                + "</span></th>" + cell("prompt", size(model.maxPromptTokens())) + cell("answer", size(
                model.maxOutputTokens())) + cell("in", price.apply("input")) + cell("cached",
                ErrorResponse.firstNonEmpty(price.apply("cache_read"), price.apply("cache"))) + cell("out",
                price.apply("output")) + "<td>" + escaped(model.abilities()) + "</td>" + cell("requests",
                any ? number(used.requests()) : "") + cell("tokens", any ? number(used.used().totalTokens()) : "")
                + cell("credits", any ? credits(used.used()) : "") + "</tr>\n";
    }

    private static String size(long tokens) { return tokens == 0 ? "" : ModelDocuments.tokens(tokens); }

    private static String cell(String label, String text) {
        return "<td class=\"n\" data-l=\"" + label + "\">" + text + "</td>";
    }

    /// Escapes text for HTML, also control characters, which are shown.
    static String escaped(String text) {
        return Text.cell(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;")
                .replace("'", "&#39;");
    }
}
