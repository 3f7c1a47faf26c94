package cop;

import module java.base;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// Replies as Markdown on a terminal: the final screen, independent of the chunks, and when Markdown is not rendered.
class Markdowns {
    private final Harness cop = Harness.loggedIn();

    @AfterEach
    void close() { cop.close(); }

    // ---------------------------------------------------------------------------------------------- a terminal

    /// As much of a terminal as the printer uses: text that wraps, cursor up and down, erase, colors. What it does not
    /// know is an error.
    private static final class Screen {
        private final int columns, rows;
        private final List<StringBuilder> lines = new ArrayList<>(List.of(new StringBuilder()));
        private int x, y;                                   // x counts cells; y counts from the first line ever
        private boolean bright;                             // a colour is on
        int erased;

        Screen(int columns, int rows) {
            this.columns = columns;
            this.rows = rows;
        }

        Screen write(String text) {
            for (int i = 0; i < text.length(); ) {
                int c = text.codePointAt(i);
                i += Character.charCount(c);
                switch (c) {
                    case '\n' -> {
                        x = 0;
                        down();
                    }
                    case '\r' -> x = 0;
                    case '\t' -> {
                        int to = Math.min(columns - 1, (x / 8 + 1) * 8);
                        while (x < to) put(' ');
                    }
                    case '\033' -> {
                        var m = Pattern.compile("\\[([0-9;]*)([A-Za-z])").matcher(text).region(i, text.length());
                        assertTrue(m.lookingAt(), () -> "an unknown sequence in " + text.replace('\033', '^'));
                        i = m.end();
                        sequence(m.group(1), m.group(2));
                    }
                    default -> {
                        assertFalse(c < ' ' || c >= 0x7f && c < 0xa0, () -> "control character " + c);
                        put(c);
                    }
                }
            }
            return this;
        }

        private void down() {
            if (++y == lines.size()) lines.add(new StringBuilder());
        }

        private void put(int c) {
            int wide = DisplayWidth.of(c);
            if (x + wide > columns) {
                x = 0;
                down();
            }
            var line = lines.get(y);
            int at = 0, cells = 0;
            while (cells < x && at < line.length()) {
                cells += DisplayWidth.of(line.codePointAt(at));
                at += Character.charCount(line.codePointAt(at));
            }
            while (at < line.length() && DisplayWidth.of(line.codePointAt(at)) == 0) at++;
            assertEquals(line.length(), at, "written over what was not erased");
            line.repeat(' ', x - cells).appendCodePoint(c);
            x += wide;
        }

        private void sequence(String numbers, String what) {
            int n = numbers.isEmpty() ? 1 : Integer.parseInt(numbers.split(";")[0]);
            switch (what) {
                case "A" -> y = Math.max(Math.max(0, lines.size() - rows), y - n);
                case "B" -> y = Math.min(lines.size() - 1, y + n);
                case "K" -> {
                    assertEquals(0, x);
                    erased++;
                    lines.get(y).setLength(0);
                }
                case "J" -> {
                    assertEquals(0, x);
                    while (lines.size() > y + 1) lines.removeLast();
                    lines.get(y).setLength(0);
                }
                case "m" -> bright = !numbers.equals("0");
                default -> throw new AssertionError("unknown: " + what);
            }
        }

        String text() {
            assertFalse(bright, "a colour is left on");
            return lines.stream().map(l -> l.toString().stripTrailing()).collect(Collectors.joining("\n"));
        }
    }

    private static String printed(Window size, List<String> pieces) {
        var console = new Screen(size.columns(), size.rows());
        var out = new PrintWriter(new Writer() {
            @Override
            public void write(char[] chars, int from, int length) { console.write(new String(chars, from, length)); }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        });
        var printer = new MarkdownPrinter(out, () -> size);
        pieces.forEach(printer::text);
        printer.end();
        return console.text();
    }

    private static String printed(String text, int columns) { return printed(new Window(columns, 500), List.of(text)); }

    private static String plain(String styled) { return styled.replaceAll("\033\\[[0-9;]*m", ""); }

    private static String styled(String text) {
        var out = new StringWriter();
        var printer = new MarkdownPrinter(new PrintWriter(out), () -> new Window(80, 24));
        printer.text(text);
        printer.end();
        return out.toString();
    }

    /// In pieces of 1 to `most` characters, as the seed has it.
    private static List<String> pieces(String text, int most, long seed) {
        var random = new Random(seed);
        var pieces = new ArrayList<String>();
        for (int at = 0; at < text.length(); ) {
            int to = Math.min(text.length(), at + 1 + random.nextInt(most));
            pieces.add(text.substring(at, to));
            at = to;
        }
        return pieces;
    }

    private static final String ALL = """
            # Pelicans — a *short* guide

            Pelicans are **large water birds** with a long beak, and they make up the family `Pelecanidae`. See
            [the article](https://en.wikipedia.org/wiki/Pelican) for more, or <https://birds.example>.
            A line of its own
            and a heading below
            ---

            ## How to count them
            1. Install the tool:

               ```bash
               npm install --global pelican-counter --with-a-very-long-option=that-goes-beyond-the-width
                 pelican count | sort
               ```

            2. Run it with **care**, e.g. `pelican count --all`:
               - nested one with a text that is long enough to be wrapped on to the next line at sixty columns
               - nested *two*
                 > quoted in a list
                 > for two lines

               and a paragraph
            10. Done ✅ 日本語のテキストもあります。全角文字の幅を正しく数えて\
            折り返すことができますか。

            > A quote with **bold** text that also goes on for long enough to need a second line of sixty columns.
            >
            > — Somebody
            lazily gone on

            - a
            -5 is no item
            - b

            * another list
            * of stars

            | Bird | Weight (kg) | Notes |
            |:-----|-----------:|:-----:|
            | Dalmatian pelican | 11.5 | the **largest**, found in Europe and Asia, quite rare |
            | Brown pelican | 3.6 | dives `head first` |
            | 桃色ペリカン | 9 |

            ~~~python
            def count(birds):
            \t# a comment

                return sum(1 for b in birds if b.kind == "pelican")
            ```
            ~~~
            right behind

                indented code
                  more of it

            <details>
            <summary>HTML</summary>
            </details>

            [a link][1] and ![a picture](p.png "its title")

            [1]: https://one.example
            "One"
            more text
            ***
            ````
            ```
            nested
            ```
            ````

            1986\\. A year, *not closed, __nor this, e\u0301 and \ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67

            Title
            =====
            The end **never closed
            """;

    // ------------------------------------------------------------------------------------------------- pieces

    @ParameterizedTest
    @ValueSource(ints = {20, 40, 60, 79, 120, 200})
    void chunkSizeDoesNotMatter(int columns) {
        String whole = printed(ALL, columns);
        for (int most : List.of(1, 3, 7, 30, 200)) {
            for (int rows : List.of(5, 12, 24, 500)) {
                same(whole, printed(new Window(columns, rows), pieces(ALL, most, most + rows)),
                        "pieces of at most " + most + " in " + rows + " rows");
            }
        }
    }

    @Test
    void mixedMarkdownIsIndependentOfChunks() {
        var random = new Random(7);
        var parts = List.of("**", "*", "_", "`", "```", "~~~\n", "\n", "\n\n", "- ", "1. ", "> ", "#", "# ", "    ",
                "  ", "| a ", "|\n", "|---|---|\n", "word ", "longer words here ", "[x](y)", "[z]: /u\n", "\"t\n",
                "<b>", "---\n", "===\n", "\t", "&amp;", "\\", "日本", "\ud83d\udc26", "e\u0301", "\r\n", "-", "+ ",
                "10) ", "[x]", "<!--", "-->");
        for (int n = 0; n < 1500; n++) {
            var text = new StringBuilder();
            for (int i = random.nextInt(40); i >= 0; i--) text.append(parts.get(random.nextInt(parts.size())));
            String source = text.toString(), shown = Json.tree(text.toString()).toString();
            var size = new Window(10 + random.nextInt(50), 4 + random.nextInt(20));
            String whole = printed(new Window(size.columns(), 500), List.of(source));
            same(whole, printed(size, pieces(source, 1 + random.nextInt(5), n)), size + " " + Json.tree(source));
            String letters = source.replaceAll("[^\\p{IsHan}a-z]", "").replaceAll("amp", "");
            String kept = whole.replaceAll("[^\\p{IsHan}a-z&]", "").replaceAll("&amp|&", "");
            assertEquals(sorted(letters), sorted(kept), () -> "lost or doubled: " + shown + "\n" + whole);
        }
    }

    /// Tells the first line that differs.
    private static void same(String wanted, String got, String what) {
        var a = wanted.lines().toList();
        var b = got.lines().toList();
        for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
            int line = i;
            assertEquals(a.get(i), b.get(i), () -> what + ", line " + (line + 1) + " behind "
                    + b.subList(Math.max(0, line - 3), line));
        }
        assertEquals(wanted, got, what);
    }

    private static String sorted(String text) {
        return text.codePoints().sorted().mapToObj(Character::toString).collect(Collectors.joining());
    }

    // ------------------------------------------------------------------------------------------------- layout

    static Stream<List<String>> layouts() {
        return Stream.of(
                List.of("# One\n## Two", "One\nTwo"),
                List.of("a *b* __c__ `d`", "a b c d"),
                List.of("one\ntwo  \nthree", "one\ntwo\nthree"),
                List.of("one\n\n\n\ntwo\n\n", "one\n\ntwo"),
                List.of("\n\none", "one"),
                List.of("[pelican](https://a.example)", "pelican (https://a.example)"),
                List.of("[pelican](https://a.example \"the bird\")", "pelican (https://a.example \"the bird\")"),
                List.of("<https://a.example> <me@a.example>", "https://a.example me@a.example"),
                List.of("[https://a.example](https://a.example)", "https://a.example"),
                List.of("![a bird](b.png)", "a bird (b.png)"),
                List.of("[](b)", "(b)"),
                List.of("[a][1]\n\n[1]: https://b.example \"t\"", "[a][1]\n\n[1]: https://b.example \"t\""),
                List.of("- a\n- b\n  - c\n\n* d", "• a\n• b\n  • c\n\n• d"),
                List.of("7. a\n8. b\n\n   c\n10) d", "7. a\n8. b\n\n   c\n10) d"),
                List.of("1. a\n1. b\n1. c", "1. a\n2. b\n3. c"),
                List.of("1. a\n3. b", "1. a\n3. b"),
                List.of("-\n- b", "•\n• b"),
                List.of("> a\n> > b\n>\n> c", "│ a\n│ │ b\n│\n│ c"),
                List.of("> - a\n>\n> - b", "│ • a\n│\n│ • b"),
                List.of("***", "─".repeat(40)),
                List.of("```java\nint x;\n\n  y\n```\nb", "```java\nint x;\n\n  y\n```\nb"),
                List.of("1. a\n   ~~~\n   b\n     c\n   ~~~\n2. d", "1. a\n~~~\nb\n  c\n~~~\n2. d"),
                List.of("````\n```\n````", "````\n```\n````"),
                List.of("```\nnever closed", "```\nnever closed"),
                List.of("``` \n```", "```\n```"),
                List.of("a\n\n    b\n      c", "a\n\nb\n  c"),
                List.of("<b>a</b> &amp; \\*c\\*", "<b>a</b> & *c*"),
                List.of("<div>\n<p>", "<div>\n<p>"),
                List.of("|a|b|\n|-|-:|\n|longer|1|\n|c|20|",
                        "a      │  b\n───────┼───\nlonger │  1\nc      │ 20"),
                List.of("|a|b|\n|-|-|\n|c|\n|d|e|f|g|", "a │ b\n──┼───────\nc │\nd │ e |f|g"),
                List.of("|日本|b|\n|-|-|\n|é|c|", "日本 │ b\n─────┼──\né    │ c"),
                List.of("one two three four five six seven eight nine",
                        "one two three four five six seven eight\nnine"),
                List.of("- one two three four five six seven eight nine",
                        "• one two three four five six seven\n  eight nine"),
                List.of("see https://a.example/a/very/long/path/that/is/not/broken", "see\n"
                        + "https://a.example/a/very/long/path/that/\nis/not/broken"),
                List.of("日本語".repeat(8), "日本語".repeat(6) + "日本\n語日本語"),
                List.of("e\u0301".repeat(40) + " x", "e\u0301".repeat(40) + "\nx"),
                List.of("|a|b|\n|-|-|\n|one two three four five six|seven eight nine ten eleven|", """
                        a                  │ b
                        ───────────────────┼─────────\
                        ──────────
                        one two three four │ seven eight nine
                        five six           │ ten eleven"""));
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void blocksAreLaidOut(List<String> layout) {
        assertEquals(layout.getLast() + "\n", printed(layout.getFirst(), 40));
    }

    @Test
    void stylesAreAnsi() {
        assertEquals("\033[1;4ma\033[0m\n", styled("# a"));
        assertEquals("\033[1mb\033[0m \033[3mc\033[0m \033[36md\033[0m \033[4me\033[0m\033[2m (f)\033[0m\n",
                styled("**b** *c* `d` [e](f)"));
        assertEquals("\033[2m```sh\033[0m\nls  -l\n\033[2m```\033[0m\n", styled("```sh\nls  -l\n```"));
        assertEquals("\033[2m│\033[0m a\n", styled("> a"));
    }

    @Test
    void codeIsPrintedUnchanged() {
        String code = "\tif (a) {\n\n\t\tb(\"" + "x".repeat(200) + "\");  \n# no heading\n* no item\n}";
        assertEquals("```\n" + code + "\n```\n", plain(styled("```\n" + code + "\n```\n")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\u001b[31mb", "a&#27;[31mb", "`a\u001b[2J`", "```\n\u001b[2J\n```", "[a](<b&#27;c>)",
            "<b\u001b>", "| a\u001b |\n|---|\n| &#x9b;2J |", "```a&#27;[2J\nb\n```", "![&#7;](b)",
            "    \u001b]0;t\u0007",
            "<div>\n\u001b[2J", "a &#13; b &#10; c", "[a]: /b&#27;c 'd&#27;'", "# &#8;\u009b", "a\rb"})
    void textIsEscapedOnTerminal(String text) {
        for (int most : List.of(1, 100)) {
            String shown = printed(new Window(40, 24), pieces(text, most, 1));
            assertFalse(shown.matches("(?s).*[\u0000-\u0009\u000b-\u001f\u007f-\u009f].*"));
        }
    }

    @Test
    void plainTextIsPrintedOnceAsItArrives() {
        var out = new StringWriter();
        var printer = new MarkdownPrinter(new PrintWriter(out), () -> new Window(80, 24));
        var said = new ArrayList<String>();
        for (String piece : List.of("Three ", "names", ": A, ", "B and *C* ", "are ", "good.")) {
            printer.text(piece);
            said.add(plain(out.toString()));
        }
        printer.end();
        assertEquals(List.of("Three ", "Three names", "Three names: A,"), said.subList(0, 3));
        assertEquals("Three names: A, B and C are good.\n", printed("Three names: A, B and *C* are good.", 80));
    }

    @Test
    void emptyReplyPrintsNothing() {
        assertEquals("", styled(""));
        assertEquals("", styled("\n\n"));
    }

    @Test
    void longParagraphIsNotReparsedForEachWord() {
        String text = "word **bold** ".repeat(10_000);
        long begin = System.nanoTime();
        String got = printed(new Window(80, 24), pieces(text, 40, 3));
        assertEquals(text.replaceAll("\\*|\\s", ""), got.replaceAll("\\s", ""));
        assertTrue(System.nanoTime() - begin < 30e9);
    }

    // ---------------------------------------------------------------------------------------------- the command

    private static final String ANSWER = "# A\n\n* b **c**\r\n";

    @ParameterizedTest
    @CsvSource({"1, , , true", "2, , , false", "1, NO_COLOR, 1, false", "1, TERM, dumb, false", "1, TERM, xterm, true"})
    void markdownOnTerminalOnly(int terminal, String variable, String value, boolean rendered) {
        cop.terminal(terminal).sim.set("answer", ANSWER);
        if (variable != null) cop.with(variable, value);
        var outcome = cop.run("talk", "hello");
        assertEquals(0, outcome.code(), outcome::all);
        if (rendered) assertEquals("A\n\n• b c\n", shown(outcome.out()));
        else assertEquals(ANSWER.stripTrailing() + "\n", outcome.out());
    }

    private static String shown(String out) { return new Screen(80, 24).write(out).text(); }

    @ParameterizedTest
    @ValueSource(strings = {"-r", "--raw", "--json", "-oanswer.md"})
    void optionsThatDisableMarkdown(String option) {
        cop.terminal(1, 2).sim.set("answer", ANSWER);
        var outcome = cop.run("talk", option, "hello");
        assertEquals(0, outcome.code(), outcome::all);
        assertFalse(outcome.out().contains("\u001b["), outcome::all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-stream", "--hide-reasoning"})
    void unstreamedRepliesAreRendered(String option) {
        cop.terminal(1).sim.set("answer", ANSWER);
        assertEquals("A\n\n• b c\n", shown(cop.run("talk", option, "hello").out()));
        assertTrue(shown(cop.run("talk", option, "-O", "n=2", "hello").out()).contains("• b c"));
    }

    /// However it is cut to pieces, and what is no mark stays.
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"# A\\n\\n* b **c**\\r\\n | <# A>\\n\\n* b <c>\\n",
            "a `b` c`d`. | a <b> c<d>.\\n",
            "2 ** 3 ** 4 *i* 5* | 2 ** 3 ** 4 *i* 5*\\n", "**open\\n`x\\n\\n | **open\\n`x\\n",
            "#no\\n####### no | #no\\n####### no\\n",
            "```sh\\n# x `a` **b**\\n``\\n```\\n**c** | <```sh>\\n# x `a` **b**\\n``\\n<```>\\n<c>\\n",
            "~~~\\n```\\n~~~~\\nx | <~~~>\\n```\\n<~~~~>\\nx\\n", "```a` b | ```a` b\\n",
            "a\u001b[2J **\u0007** | a␛[2J <␇>\\n",
            "**a** and **b**: `c**d**` | <a> and <b>: <c**d**>\\n", "\\n\\n | ''", "a\\rb\\r\\nc | a␍b\\nc\\n"})
    void linesAreStyled(String source, String shown) {
        String text = source.translateEscapes();
        for (int most = 1; most <= text.length(); most++) {
            var out = new StringWriter();
            var lines = new StyledLines(new PrintWriter(out));
            for (int i = 0; i < text.length(); i += most) {
                lines.text(text.substring(i, Math.min(text.length(), i + most)));
            }
            lines.end();
            assertEquals(shown.translateEscapes(), out.toString().replaceAll("\033\\[(1|2|36)m", "<")
                    .replace("\033[0m", ">"), "pieces of " + most);
        }
    }

    /// What cannot become anything else is on the screen at once.
    @Test
    void linesArePrintedAsTheyArrive() {
        var out = new StringWriter();
        var lines = new StyledLines(new PrintWriter(out));
        lines.text("Three **na");
        assertEquals("Three ", out.toString());
        lines.text("mes** and `x");
        lines.end();
        assertEquals("Three \033[1mnames\033[0m and `x\n", out.toString());
    }

    @Test
    void chatIsStyledOnTerminalOnly() {
        cop.sim.set("answer", ANSWER);
        assertEquals(ANSWER.stripTrailing() + "\n", cop.run("chat", "hello").out());
        cop.terminal(1);
        assertEquals("\033[1m# A\033[0m\n\n* b \033[1mc\033[0m\n", cop.run("chat", "hello").out());
        assertEquals(ANSWER.stripTrailing() + "\n", cop.run("chat", "--raw", "hello").out());
        assertEquals(ANSWER.stripTrailing() + "\n", cop.with("NO_COLOR", "1").run("chat", "hello").out());
    }

    @Test
    void jsonReplyIsNotStyled() {
        cop.terminal(1).sim.set("answer", "{\"a\": \"*b* *c*\"}");
        cop.write("templates/t.mustache", "---\nschema: {type: object}\n---\nhello\n");
        assertEquals("{\"a\": \"*b* *c*\"}\n", cop.run("talk", "-t", "t").out());
    }

    @Test
    void brokenStreamKeepsPartialReply() {
        cop.terminal(1, 2).sim.set("answer", "# A\n\nsome **bold** words that come before the end of it all");
        cop.sim.set("faults", "reset-mid");
        var outcome = cop.run("talk", "hello");
        assertEquals(1, outcome.code(), outcome::all);
        assertTrue(shown(outcome.out()).startsWith("A\n\nsome bold"), outcome::all);
    }

    @Test
    void pipeLoadsNoMarkdownClasses() throws Exception {
        cop.sim.set("answer", ANSWER);
        var process = cop.process("chat", "hello");
        process.command().add(process.command().indexOf("-cp"), "-Xlog:class+load:file=" + cop.file("classes"));
        var outcome = Harness.finished(process.start(), "");
        assertEquals(ANSWER.stripTrailing() + "\n", outcome.out(), outcome::all);
        String classes = cop.read("classes");
        assertTrue(classes.contains("cop.AnswerPrinter"));
        assertFalse(classes.contains("org.commonmark") || classes.contains("cop.Markdown ")
                || classes.contains("cop.DisplayWidth"), () -> classes.lines().filter(l -> l.contains("commonmark")
                || l.contains("cop.Markdown")).limit(5).toList().toString());
    }

    // -------------------------------------------------------------------------------------------------- widths

    @ParameterizedTest
    @CsvSource({"abc, 3", "é, 1", "日本, 4", "ｱ, 1", "Ａ, 2", "✅, 2", "→, 1",
            "가, 2", "😀, 2", "🚀, 2", "─, 1", "⚠️, 2"})
    void displayWidths(String text, int cells) { assertEquals(cells, DisplayWidth.of(text)); }

    @Test
    void combiningCharactersHaveNoWidth() {
        assertEquals(1, DisplayWidth.of("e\u0301"));
        assertEquals(0, DisplayWidth.of("\u200b\u200d"));
        assertEquals(3, DisplayWidth.of("\033[1mabc\033[0m"));
    }

    @ParameterizedTest
    @CsvSource({"40, 10, 40x10", "40, , 40x", "x, 7, x7", "0, 0, ''"})
    void sizeVariablesTakePrecedence(String columns, String lines, String size) {
        cop.with("COLUMNS", columns).with("LINES", lines);
        var window = Window.of(cop.environment(null, null, null)).get();
        String text = window.columns() + "x" + window.rows();
        assertTrue(size.startsWith("x") ? text.endsWith(size) : text.startsWith(size), text);
    }
}
