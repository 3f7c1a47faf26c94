package cop;

import module java.base;
import cop.copilot.Usage;

import org.apache.maven.plugin.surefire.log.api.NullConsoleLogger;
import org.apache.maven.plugins.surefire.report.ReportTestSuite;
import org.apache.maven.plugins.surefire.report.TestSuiteXmlParser;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The report of `eval`, opened from disk in a real browser, and its JUnit XML, read by Maven's parser.
class EvalReports {
    private static final List<String> VARIANTS = List.of("classify · gpt-5-mini", "classify · claude-haiku-4.5",
            "short · gpt-5-mini");
    private static final List<String> LABELS = List.of("bug", "question", "billing");
    /// What an answer may try: to end the script, to become markup or a link, to turn the line around, to be no text.
    private static final List<String> HOSTILE = List.of("</script><script>window.pwned = 1</script>",
            "<!--<script>", "]]></noscript><img src=x onerror=\"window.pwned = 2\">",
            "<img src='http://127.0.0.1:9/x.png' onerror=alert(1)>", "[click](javascript:alert(2))",
            "<a href=\"javascript:alert(3)\">link</a> https://example.com/beacon.png",
            "user\u202Etxt.exe\u2066 \u200Bend",
            "nul\0 bell\7 escape\33[31m del\177 c1\205", "half \uD83D pair", "\uD83D\uDE00 \uD842\uDFB7 e\u0301",
            "line\u2028separator\u2029paragraph\rreturn", "@TITLE@ <!--NOSCRIPT--> @DATA@", "&lt;b&gt; &amp; &#60;",
            "<style>*{display:none}</style><base href=//example.com><meta http-equiv=refresh content=0>",
            "\"}]</textarea></title></dialog>", "'; window.pwned = 3; //", "{{constructor.constructor('alert(4)')()}}");

    private static PageBrowser browser;
    private final Path folder = Files.createTempDirectory("cop-report-");

    EvalReports() throws IOException {}

    @BeforeEach
    void open() throws Exception {
        if (browser != null) {
            browser.size(1280, 900);
            browser.media("screen", "light");
        }
    }

    @AfterEach
    void delete() throws IOException {
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }

    @AfterAll
    static void close() {
        if (browser != null) browser.close();
        browser = null;
    }

    private static PageBrowser browser() throws Exception {
        if (browser == null) {
            browser = new PageBrowser();
            browser.size(1280, 900);
        }
        return browser;
    }

    // ---- experiments

    private static EvalCell answer(String id, String variant, int repeat, String text, CheckResult... checks) {
        boolean pass = Stream.of(checks).allMatch(CheckResult::pass);
        return new EvalCell(id, variant, repeat, "ok", text, null, "gpt-5-mini", List.of(checks),
                checks.length == 0 ? null : (Boolean) pass, checks.length == 0 ? null : (Double) (pass ? 1.0 : 0.25),
                new Usage(412, 9, 0, 0, 0, false), new BigDecimal("0.25"), 640 + repeat, "req-" + id, null);
    }

    private static EvalCell without(String id, String variant, int repeat, String status, String message) {
        return new EvalCell(id, variant, repeat, status, null, null, "gpt-5-mini", List.of(), null, null, Usage.NONE,
                null, 0, null, Json.object().put("code", "timeout").put("message", message));
    }

    private static CheckResult equalTo(String label, boolean pass) {
        return new CheckResult("equals: " + label, pass, pass ? 1 : 0, pass ? "" : "the answer is not " + label);
    }

    /// Rows from 1: the second variant fails on every fifth and the third, in its second repeat, on every seventh; the
    /// first has no answer to rows 4 and 9.
    private static Stream<EvalCell> cells(int rows) {
        return IntStream.rangeClosed(1, rows).boxed().flatMap(row -> VARIANTS.stream().flatMap(variant ->
                IntStream.rangeClosed(1, 2).mapToObj(repeat -> {
                    String id = "t-" + row, label = LABELS.get(row % 3);
                    int number = VARIANTS.indexOf(variant);
                    if (number == 0 && row == 4) return without(id, variant, repeat, "filtered", "it was filtered");
                    if (number == 0 && row == 9) return without(id, variant, repeat, "failed", "no answer in 60 s");
                    boolean pass = !(number == 1 && row % 5 == 0 || number == 2 && row % 7 == 0 && repeat == 2);
                    return answer(id, variant, repeat, pass ? label : "nonsense " + row, equalTo(label, pass),
                            new CheckResult("max-words: 3", true, 1, ""));
                })));
    }

    private Path report(Supplier<Stream<EvalCell>> cells) throws IOException {
        return report(cells, "classify, tickets.csv", cell -> "Classify this ticket as bug, question, or billing.\n\n"
                + "Ticket: number " + cell.id() + " does not print");
    }

    private Path report(Supplier<Stream<EvalCell>> cells, String title, Function<EvalCell, String> prompt)
            throws IOException {
        Path file = folder.resolve("lab.html");
        try (var out = Files.newOutputStream(file)) {
            Report.write(out, summary(cells), cells, prompt, title);
        }
        return file;
    }

    private static Summary summary(Supplier<Stream<EvalCell>> cells) {
        var summary = new Summary.Builder(List.of());
        try (var all = cells.get()) {
            all.forEach(summary::add);
        }
        return summary.build();
    }

    private PageBrowser opened(Supplier<Stream<EvalCell>> cells) throws Exception {
        var page = report(cells);
        browser().open(page);
        browser.until("!document.getElementById('filters').hidden");
        return browser;
    }

    // ---- the file

    @Test
    void pageAllowsItsOwnStyleAndScriptAlone() throws IOException {
        String page = Files.readString(report(() -> cells(10)));
        assertEquals(1, page.split("<script>", -1).length - 1);
        assertEquals(1, page.split("<style>", -1).length - 1);
        assertTrue(page.contains("content=\"default-src 'none'; img-src data:; style-src 'sha256-"));
        assertFalse(page.contains("unsafe-inline") || page.contains("innerHTML") || page.contains(" style=\""), page);
        assertFalse(Pattern.compile("(src|href)=\"(?!data:|#)").matcher(page).find());
    }

    @Test
    void untrustedTextIsNoMarkup() throws IOException {
        String page = Files.readString(report(this::hostile, HOSTILE.getFirst(), cell -> String.join("\n", HOSTILE)));
        assertEquals(Files.readString(report(() -> cells(1))).split("</script", -1).length, page.split("</script",
                -1).length);
        assertEquals("", Pattern.compile("(?i)<(img|a href=\"j|base|meta http-equiv=refresh|!--).{0,60}").matcher(page)
                .results().map(MatchResult::group).collect(Collectors.joining("\n")));
        assertFalse(page.contains("window.pwned = 1</"));
        assertTrue(page.contains("<span class=\"control\">U+202E</span>"), "the table without scripts shows it too");
        assertEquals("", Pattern.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066].{0,40}")
                .matcher(page).results().map(MatchResult::group).collect(Collectors.joining("\n")));
    }

    /// Every hostile text as answer, id, reason, name of a check, and message.
    private Stream<EvalCell> hostile() {
        return HOSTILE.stream().flatMap(text -> Stream.of(
                answer(text, text, 1, text, new CheckResult("contains: " + text, false, 0, text)),
                without(text, "plain", 1, "failed", text)));
    }

    @Test
    void longAnswersAreShortenedWithANote() throws Exception {
        String million = "\uD83D\uDE00".repeat(500_000);
        var page = report(() -> Stream.of(answer("1", "a", 1, million, equalTo("x", false)),
                answer("2", "a", 1, "short", equalTo("x", false))));
        assertTrue(Files.size(page) < 200_000, () -> page.toFile().length() + " bytes");
        browser().open(page);
        browser.key("/");
        browser.js("document.querySelector('#grid td[role=gridcell]').click()");
        assertEquals("Shortened: the first 20,000 of 1,000,000 characters. The results file has them all.",
                browser.text("document.querySelector('dialog pre + .dim').textContent"));
    }

    @Test
    void thousandCellsAreUnderThreeMegabytes() throws IOException {
        String words = "The ticket says that the export of a report stops, which is a defect. ".repeat(20);
        var page = report(() -> cells(167).map(cell -> cell.text() == null ? cell : answer(cell.id(), cell.variant(),
                cell.repeat(), words, cell.checks().toArray(CheckResult[]::new))));
        assertTrue(Files.size(page) < 3_000_000, () -> page.toFile().length() + " bytes");
    }

    /// 10,000 rows × 4 × 3 never exist at once, nor does the page.
    @Test
    @Tag("slow")
    void streams() throws Exception {
        var process = new ProcessBuilder(ProcessHandle.current().info().command().orElse("java"), "-Xmx64m",
                "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"), Large.class.getName())
                .redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), printed);
        assertTrue(Long.parseLong(printed.strip()) > 20_000_000, printed);
    }

    static final class Large {
        public static void main(String... args) throws IOException {
            var bytes = new long[1];
            var counting = new OutputStream() {
                @Override
                public void write(int b) { bytes[0]++; }

                @Override
                public void write(byte[] b, int from, int length) { bytes[0] += length; }
            };
            Supplier<Stream<EvalCell>> cells = () -> cells(20_000);
            Report.write(counting, summary(cells), cells, EvalCell::id, "large");
            JUnitXml.write(counting, cells, "large");
            System.out.println(bytes[0]);
        }
    }

    // ---- in a browser

    @Test
    void opensWithoutRequestsAndErrors() throws Exception {
        var page = opened(() -> cells(20));
        assertEquals(List.of(), page.events);
        assertEquals("classify, tickets.csv", page.text("document.title"));
        assertEquals("20 rows", count());
        assertEquals(20, rows());
        String seen = page.text("document.querySelector('main').innerText");
        assertTrue(seen.contains("20 rows × 3 variants × 2 repeats"), seen);
        assertEquals(3, page.js("document.querySelectorAll('figure svg').length").asInt());
    }

    private String count() { return browser.text("document.getElementById('count').textContent"); }

    private int rows() { return browser.js("document.querySelectorAll('#grid tr[data-row]').length").asInt(); }

    private String ids() {
        return browser.text("[...document.querySelectorAll('#grid .id')].map(e => e.textContent).join(' ')");
    }

    private void select(String id, String value) {
        browser.js("(e => { e.value = '" + value + "'; e.dispatchEvent(new Event('change', {bubbles: true})); })"
                + "(document.getElementById('" + id + "'))");
    }

    private void show(String rows) { browser.js("document.querySelector('[value=" + rows + "]').click()"); }

    @Test
    void filters() throws Exception {
        var page = opened(() -> cells(20));
        show("failed");
        assertEquals("t-5 t-7 t-10 t-14 t-15 t-20", ids());
        assertEquals("6 of 20 rows", count());
        select("variant", "2");
        assertEquals("t-7 t-14", ids());
        select("variant", "");
        show("missing");
        assertEquals("t-4 t-9", ids());
        show("differing");
        assertEquals("t-4 t-5 t-7 t-9 t-10 t-14 t-15 t-20", ids());
        show("all");
        assertEquals("any check|equals|max-words: 3", page.text("[...document.getElementById('check').options]"
                + ".map(o => o.text).join('|')"));
        select("check", "0");
        assertEquals("t-5 t-7 t-10 t-14 t-15 t-20", ids());
        select("check", "1");
        assertEquals("", ids());
        assertEquals("No row matches.", page.text("document.querySelector('.empty:not([hidden])').textContent"));
        select("check", "");
        page.js("document.getElementById('search').focus()");
        page.type("NONSENSE 1");
        page.until("document.getElementById('count').textContent.startsWith('3 of')");
        assertEquals("t-10 t-14 t-15", ids());
        page.js("document.getElementById('search').value = ''");
        page.js("document.getElementById('search').focus()");
        page.type("in 60 s");
        page.until("document.getElementById('count').textContent.startsWith('1 of')");
        assertEquals("t-9", ids());
        assertEquals(List.of(), page.events);
    }

    /// Without checks, what differs is the answers.
    @Test
    void withoutChecks() throws Exception {
        var page = opened(() -> Stream.of("a", "b").flatMap(row -> Stream.of(answer(row, "one", 1, "same"), answer(row,
                "two", 1, row.equals("a") ? " same" : "other"))));
        show("differing");
        assertEquals("b", ids());
        assertEquals("0", page.text("document.querySelector('[value=failed] ~ span').textContent"));
        assertEquals(1, page.js("document.querySelectorAll('figure').length").asInt());
        assertEquals(List.of(), page.events);
    }

    private String focused() { return browser.text("document.activeElement.innerText.replace(/\\s+/g, ' ')"); }

    private String dialog() { return browser.text("document.querySelector('dialog[open]')?.innerText ?? ''"); }

    @Test
    void keyboard() throws Exception {
        var page = opened(() -> cells(400));
        page.js("document.querySelector('#grid [tabindex=\"0\"]').focus()");
        page.key("ArrowDown");
        page.key("ArrowRight");
        assertTrue(focused().contains("2 of 2 passed"), focused());
        page.key("End", 2);
        assertEquals("400", page.text("document.activeElement.parentElement.dataset.row * 1 + 1 + ''"));
        page.key("PageUp");
        page.key("Home", 2);
        page.key("PageDown");
        page.key("PageUp");
        assertEquals("t-1", page.text("document.activeElement.querySelector('.id').textContent"));
        for (int i = 0; i < 6; i++) page.key("ArrowDown");
        page.key("End");
        assertTrue(focused().contains("1 of 2 passed"), focused());
        page.key("Enter");
        assertTrue(dialog().contains("Row t-7") && dialog().contains("nonsense 7") && dialog().contains(
                "equals: question") && dialog().contains("the answer is not question") && dialog().contains(
                "412 in, 9 out") && dialog().contains("number t-7 does not print") && dialog().contains("req-t-7"),
                dialog());
        assertEquals("repeat 2", pressed(1));
        page.key("ArrowLeft");
        assertEquals(VARIANTS.get(1), pressed(0));
        page.key("n");
        assertTrue(dialog().contains("Row t-8"), dialog());
        page.key("p");
        page.key("p");
        assertTrue(dialog().contains("Row t-6"), dialog());
        page.key("Escape");
        assertEquals("", dialog());
        page.until("document.activeElement.parentElement.dataset.row === '5'");
        page.key("/");
        assertEquals("search", page.text("document.activeElement.id"));
        assertEquals(List.of(), page.events);
    }

    private String pressed(int which) {
        return browser.text("document.querySelectorAll('dialog [aria-pressed=true]')[" + which + "].innerText"
                + ".replace(/[✓✗!⊘…·] ?(?=.*)/u, '').replace(/^[✓✗!⊘…\\s]+/u, '').trim()");
    }

    /// What a screen reader is given.
    @Test
    void rolesAndNames() throws Exception {
        var page = opened(() -> cells(300));
        assertEquals("301 4", page.text("(t => t.getAttribute('aria-rowcount') + ' ' + t.getAttribute('aria-colcount'))"
                + "(document.querySelector('[role=grid]'))"));
        assertTrue(rows() < 60, "only what is on the screen exists");
        page.js("document.querySelector('#grid').scrollTop = 1e6");
        page.until("[...document.querySelectorAll('#grid .id')].some(e => e.textContent == 't-300')");
        assertEquals("301", page.text("[...document.querySelectorAll('[role=row]')].at(-1).ariaRowIndex"));
        assertEquals("", page.text("[...document.querySelectorAll('button, input, select')].filter(e => !e.innerText"
                + " && !e.ariaLabel && !e.labels?.length).map(e => e.outerHTML).join()"));
    }

    @Test
    void darkAndLight() throws Exception {
        var page = opened(() -> cells(10));
        String background = "getComputedStyle(document.body).backgroundColor", light = page.text(background);
        assertEquals("", lowContrast());
        page.media("screen", "dark");
        assertFalse(page.text(background).equals(light));
        assertEquals("", lowContrast());
        page.js("document.querySelector('#grid td.has-fail').click()");
        assertEquals("", lowContrast());
    }

    /// Returns texts whose contrast with what is behind them is below WCAG's 4.5.
    private String lowContrast() {
        return browser.text("""
                (() => {
                  const parse = color => color.match(/[\\d.]+/g).map(Number);
                  const light = color => parse(color).slice(0, 3).map(c => c / 255)
                    .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
                    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
                  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
                    if ((parse(c)[3] ?? 1) === 1) return c; } return "rgb(255, 255, 255)"; };
                  const low = new Set();
                  const walk = document.createTreeWalker(document.querySelector("dialog[open]") ?? document.body,
                    NodeFilter.SHOW_TEXT);
                  for (let n; n = walk.nextNode();) {
                    const e = n.parentElement, seen = e.getClientRects().length && n.data.trim()
                      && !e.closest("svg, script, noscript, :disabled");
                    if (!seen) continue;
                    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
                    if ((a + .05) / (b + .05) < 4.5) low.add(e.className + ": " + n.data.trim().slice(0, 30));
                  }
                  return [...low].join("; ");
                })()""");
    }

    @Test
    void phone() throws Exception {
        browser().size(360, 740);
        var page = opened(() -> cells(200));
        assertEquals("360", page.text("document.documentElement.scrollWidth + ''"), "nothing is wider than the screen");
        assertEquals("block", page.text("getComputedStyle(document.querySelector('#grid .name')).display"));
        page.js("document.querySelector('#grid').scrollTop = 1e6");
        page.until("[...document.querySelectorAll('#grid .id')].some(e => e.textContent == 't-200')");
        page.js("document.querySelector('#grid td[role=gridcell]').click()");
        assertEquals("360 740", page.text("(r => r.width + ' ' + r.height)(document.querySelector('dialog')"
                + ".getBoundingClientRect())"));
        assertTrue(page.js("document.querySelector('dialog').scrollWidth <= 360").asBoolean());
    }

    @Test
    void print() throws Exception {
        var page = opened(() -> cells(300));
        page.media("print", "dark");
        assertEquals("rgb(255, 255, 255)", page.text("getComputedStyle(document.body).backgroundColor"));
        assertEquals("none", page.text("getComputedStyle(document.querySelector('#search')).display"));
        page.js("dispatchEvent(new Event('beforeprint'))");
        assertEquals(300, rows(), "all rows are printed");
        page.js("dispatchEvent(new Event('afterprint'))");
        page.media("", "dark");
        byte[] pdf = page.pdf();
        long pages = Pattern.compile("/Type\\s*/Page\\b").matcher(new String(pdf, StandardCharsets.ISO_8859_1))
                .results().count();
        assertTrue(pages > 4 && pages < 60, pages + " pages");
        page.until("document.querySelectorAll('#grid tr[data-row]').length < 60");
    }

    @Test
    void withoutScripts() throws Exception {
        browser().scripts(false);
        try {
            browser.open(report(() -> cells(30)));
        } finally {
            browser.scripts(true);
        }
        String seen = browser.text("document.querySelector('main').innerText");
        assertTrue(seen.contains("t-30") && seen.contains("nonsense 5") && seen.contains("✗ failed: equals: billing")
                && seen.contains("it was filtered") && seen.contains("of 60"), seen);
        assertTrue(browser.js("document.getElementById('filters').hidden").asBoolean());
    }

    @Test
    void untrustedTextDoesNothing() throws Exception {
        var file = report(this::hostile, HOSTILE.get(2), cell -> String.join("\n", HOSTILE));
        var page = browser();
        page.open(file);
        page.until("!document.getElementById('filters').hidden");
        assertEquals(HOSTILE.size() + " rows", count());
        for (int row = 0; row < HOSTILE.size(); row++) {
            page.js("document.querySelector('#grid tr[data-row=\"" + row + "\"] td:not(.none)').click()");
            String shown = page.text("document.querySelector('dialog').textContent");
            String text = HOSTILE.get(row).split("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\u202e\u2066\u200b]"
                    + "|\ud83d(?![\udc00-\udfff])")[0];
            assertTrue(shown.contains(text), () -> text + "\n" + shown);
            page.key("Escape");
        }
        page.js("document.getElementById('search').focus()");
        page.type("</script>");
        page.until("document.getElementById('count').textContent.endsWith('rows')");
        assertEquals("undefined", page.text("typeof window.pwned"));
        assertEquals(0, page.js("document.querySelectorAll('img, iframe, object, embed, base, a[href^=j]').length")
                .asInt());
        assertEquals(List.of(), page.events);
    }

    @Test
    void invisibleCharactersAreShown() throws Exception {
        var page = opened(() -> Stream.of(answer("1", "a", 1, HOSTILE.get(6) + HOSTILE.get(7) + HOSTILE.get(8),
                equalTo("x", false))));
        page.js("document.querySelector('#grid td[role=gridcell]').click()");
        assertEquals("U+202E U+2066 U+200B U+0000 U+0007 U+001B U+007F U+0085 U+D83D", page.text(
                "[...document.querySelector('dialog pre').querySelectorAll('.control')].map(e => e.textContent)"
                + ".join(' ')"));
        page.key("Escape");
    }

    /// Measured in bench; here it only has to work.
    @Test
    void tenThousandCells() throws Exception {
        var file = report(() -> cells(1667));
        long ms = browser().open(file);
        System.out.println("  10,000 cells, " + Files.size(file) / 1000 + " KB: open in " + ms + " ms");
        assertEquals("1,667 rows", count());
        browser.js("document.getElementById('search').focus()");
        browser.type("nonsense 1665");
        browser.until("document.getElementById('count').textContent.startsWith('1 of')");
        assertEquals("t-1665", ids());
    }

    // ---- JUnit XML

    private static List<ReportTestSuite> parsed(Supplier<Stream<EvalCell>> cells) throws Exception {
        var out = new ByteArrayOutputStream();
        JUnitXml.write(out, cells, "lab & co");
        return new TestSuiteXmlParser(new NullConsoleLogger()).parse(new InputStreamReader(new ByteArrayInputStream(
                out.toByteArray()), StandardCharsets.UTF_8));
    }

    @Test
    void junit() throws Exception {
        var suites = parsed(() -> cells(20));
        assertEquals(List.of(VARIANTS.get(0), "classify · claude-haiku-4_5", VARIANTS.get(2)),
                suites.stream().map(ReportTestSuite::getName).toList());
        assertEquals("40 0 4 0", counts(suites.get(0)));
        assertEquals("40 8 0 0", counts(suites.get(1)));
        assertEquals("40 2 0 0", counts(suites.get(2)));
        var failed = suites.get(2).getTestCases().get(13);
        assertEquals("t-7 [2]", failed.getName());
        assertEquals(0.642f, failed.getTime());
        assertEquals("equals: question — the answer is not question", failed.getFailureMessage());
        assertEquals("equals", failed.getFailureType());
        assertTrue(failed.getFailureDetail().contains("nonsense 7"), failed.getFailureDetail());
        var error = suites.get(0).getTestCases().get(6);
        assertTrue(error.hasError() && error.getFailureMessage().equals("it was filtered"), error.toString());
        assertEquals("1 0 0 1", counts(parsed(() -> Stream.of(answer("1", "a", 1, "x"))).getFirst()));
    }

    private static String counts(ReportTestSuite suite) {
        return suite.getNumberOfTests() + " " + suite.getNumberOfFailures() + " " + suite.getNumberOfErrors() + " "
                + suite.getNumberOfSkipped();
    }

    @Test
    void junitOfUntrustedText() throws Exception {
        var suites = parsed(this::hostile);
        var names = suites.stream().flatMap(suite -> suite.getTestCases().stream()).map(test -> test.getName())
                .distinct().toList();
        assertEquals(HOSTILE.stream().map(text -> JUnitXml.legal(text).replaceAll("[\r\n]", " ")).toList(), names);
    }

    @Test
    void junitReportsAFullDisk() {
        var full = new OutputStream() {
            @Override
            public void write(int b) throws IOException { throw new IOException("No space left on device"); }
        };
        var e = org.junit.jupiter.api.Assertions.assertThrows(IOException.class, () -> JUnitXml.write(full,
                () -> cells(1000), "lab"));
        assertEquals("No space left on device", e.getMessage());
    }
}
