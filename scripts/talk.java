///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Chats on a terminal, with line editing, history, and Markdown rendered while it streams
//JAVA 25+
//SOURCES ../copilot.java
//DEPS org.commonmark:commonmark:0.32.0
//DEPS org.commonmark:commonmark-ext-gfm-tables:0.32.0
//DEPS org.jline:jline-reader:3.30.6
//DEPS org.jline:jline-terminal-ffm:3.30.6

/// `chat` with line editing, history, and Markdown. `chat` without a prompt uses its terminal if this class is on the
/// class path.
package cop;

import module java.base;
import cop.copilot.Fault;
import org.commonmark.ext.gfm.tables.*;
import org.commonmark.internal.InlineParserImpl;
import org.commonmark.node.*;
import org.commonmark.parser.*;
import org.commonmark.parser.Parser;
import org.commonmark.parser.beta.*;
import org.commonmark.parser.delimiter.DelimiterProcessor;
import org.jline.reader.*;
import org.jline.reader.impl.DefaultParser;
import org.jline.reader.impl.completer.StringsCompleter;
import org.jline.terminal.*;

import static cop.Text.COP;

public class talk extends ChatCommand {
    public static void main(String... args) { System.exit(copilot.start("talk", args)); }

    @Override
    String syntax() {
        var chat = SYNTAX.split("\n\n", 4);
        return String.join("\n\n", chat[0], """
                Chat with line editing, history, and rendered Markdown.
                Like chat, but a terminal shows Markdown rendered while it streams, wrapped to the window. Without
                PROMPT the conversation has line editing (Alt-Enter, or \\ before Enter, inserts a line break),
                Tab completion of /commands, and a history.""", chat[2].split("\n\n")[0].stripTrailing(), """
                  {cop} talk
                  {cop} talk -c --system "Answer in one sentence"
                """);
    }

    @Override
    AnswerView view() { return new MarkdownPrinter(env.out(), Window.of(env)); }

    @Override
    ChatTerminal terminal(Console console, boolean keeps) { return new EditedTerminal(console, keeps); }
}

/// A terminal with JLine's line editing and history.
final class EditedTerminal implements ChatTerminal {
    private final Environment env;
    private final Console console;
    private final Terminal terminal;
    private final LineReader reader;

    /// @param keeps whether to save typed lines to the history
    EditedTerminal(Console console, boolean keeps) {
        env = console.env();
        this.console = console;
        try {
            terminal = TerminalBuilder.builder().system(true).nativeSignals(true)
                    .encoding(StandardCharsets.UTF_8).stdinEncoding(StandardCharsets.UTF_8)
                    .stdoutEncoding(StandardCharsets.UTF_8).stderrEncoding(StandardCharsets.UTF_8).build();
        } catch (IOException e) {
            throw Fault.io("cannot open the terminal", e, "use " + COP + " chat \"…\", which needs none");
        }
        reader = reader(keeps);
    }

    @Override
    public String line() {
        while (true) {
            try {
                return reader.readLine(console.color() ? "\033[1m> \033[0m" : "> ");
            } catch (UserInterruptException stoppedTyping) {
                if (env.shutdown().stopping()) throw Fault.interrupted();
                if (stoppedTyping.getPartialLine().isEmpty()) console.note("(press Ctrl-D or type /quit to leave)");
            } catch (EndOfFileException _) {
                return null;
            }
        }
    }

    @Override
    public AnswerView view() {
        return new MarkdownPrinter(env.out(), () -> new Window(Math.max(10, terminal.getWidth()),
                Math.max(4, terminal.getHeight())));
    }

    @Override
    public void stoppable(Runnable work) {
        var thread = Thread.currentThread();
        var before = terminal.handle(Terminal.Signal.INT, _ -> thread.interrupt());
        try {
            work.run();
        } finally {
            terminal.handle(Terminal.Signal.INT, before);
            var _ = Thread.interrupted();                   // a Ctrl-C that came too late
        }
    }

    @Override
    public void close() {
        try {
            terminal.close();
        } catch (IOException e) {
            throw Fault.io("cannot close the terminal", e, null);
        }
    }

    private LineReader reader(boolean keeps) {
        Path history = Home.of(env).state().resolve("history");
        var parser = new DefaultParser();
        parser.setEscapeChars(new char[0]);                 // input is text, not shell words
        parser.setQuoteChars(new char[0]);
        var reader = LineReaderBuilder.builder().terminal(terminal).appName("copilot").parser(parser)
                .completer((from, line, found) -> {
                    if (line.line().startsWith("/")) {
                        new StringsCompleter(InteractiveChat.COMMANDS).complete(from, line, found);
                    }
                })
                .variable(LineReader.SECONDARY_PROMPT_PATTERN, "… ")
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .option(LineReader.Option.INSERT_TAB, true)
                .build();
        try {
            if (keeps && !Files.exists(history)) Home.of(env).writeText(history, "");   // 0600 before JLine writes
            if (keeps) reader.setVariable(LineReader.HISTORY_FILE, history);
        } catch (IOException readOnly) {
            console.detail("cannot save the history: " + Text.reason(readOnly));
        }
        var keys = reader.getKeyMaps().get(LineReader.MAIN);
        keys.bind((Widget) () -> newline(reader), "\033\r", "\033\n");
        keys.bind((Widget) () -> {
            if (reader.getBuffer().prevChar() != '\\') {
                reader.callWidget(LineReader.ACCEPT_LINE);
                return true;
            }
            reader.getBuffer().backspace();
            return newline(reader);
        }, "\r", "\n");
        return reader;
    }

    private static boolean newline(LineReader reader) {
        reader.getBuffer().write('\n');
        return true;
    }
}

/// Prints Markdown on a terminal while it streams. The open part (the last paragraph, item, table, or line of code) is
/// redrawn as it grows, from its first changed line. Lines above it are never redrawn, so an interrupted stream leaves
/// a complete display.
final class MarkdownPrinter implements AnswerView {
    private static final Pattern FENCE = Pattern.compile(" {0,3}(`{3,}|~{3,})[ \t]*");
    /// The start of a line whose kind the next character decides; it is held back until then.
    private static final Pattern UNDECIDED = Pattern.compile(
            "[ \t>]*([-=*+#`~|:_]+[-=*+#`~|: \t]*|\\d{1,9}[.)]?)?[ \t]*");
    private static final Pattern PLAIN = Pattern.compile("\\p{L}[\\p{L}\\p{Nd} ,.!?']{0,39}");

    /// The open code block at the left margin, whose lines are printed one at a time.
    private record Fence(char mark, int length, int indent) {
        boolean closes(String line) {
            var m = FENCE.matcher(line);
            return m.matches() && m.group(1).charAt(0) == mark && m.group(1).length() >= length;
        }

        String unindented(String line) {
            int from = 0;
            while (from < indent && from < line.length() && line.charAt(from) == ' ') from++;
            return line.substring(from);
        }
    }

    private final PrintWriter out;
    private final Supplier<Window> window;
    private final StringBuilder source = new StringBuilder();           // of the last block
    private Fence fence;
    private int done;                                       // the leaves of `source` that will not change
    private boolean begun, gap;                             // text, and a blank line, precede `source`
    private int fresh;                                      // characters since the last redraw
    private List<String> drawn = List.of();                 // changeable lines on the screen, above the cursor
    private String carried;                                 // the first of them, if it is already complete
    private String heldBack = "";

    MarkdownPrinter(PrintWriter out, Supplier<Window> window) {
        this.out = out;
        this.window = window;
    }

    @Override
    public void text(String delta) {
        String all = heldBack + delta;
        boolean incomplete = all.endsWith("\r")
                || !all.isEmpty() && Character.isHighSurrogate(all.charAt(all.length() - 1));
        heldBack = incomplete ? all.substring(all.length() - 1) : "";
        String complete = Text.printable(all.substring(0, all.length() - heldBack.length()).replace("\r\n", "\n"));
        source.append(complete);
        fresh += complete.length();
        boolean large = source.length() > 4000;             // do not parse it again for each word
        if (!large || fresh >= source.length() / 32) update(false);
    }

    /// Prints the rest and a line break; prints nothing if there was no text.
    @Override
    public void end() {
        source.append(Text.printable(heldBack.equals("\r") ? "" : heldBack));
        heldBack = "";
        update(true);
        if (!drawn.isEmpty()) out.print("\n");
        out.flush();
        drawn = List.of();
        carried = null;
    }

    /// Clears the open part from the screen, for other output; it is drawn again with the next text.
    @Override
    public void pause() {
        if (carried != null) out.print("\n");
        else draw(List.of());
        out.flush();
        drawn = List.of();
        carried = null;
    }

    private void update(boolean end) {
        fresh = 0;
        if (fence == null && !begun && PLAIN.matcher(source).matches()) {
            show(List.of(), List.of(source.toString()));    // enough for most short answers
            if (end) source.setLength(0);                   // a second end() prints nothing
            return;
        }
        while (fence == null ? blocks(end) : code(end)) fresh = 0;
    }

    /// @return whether a code block begins; continue with `code`
    private boolean blocks(boolean end) {
        String text = source.toString();
        int line = text.lastIndexOf('\n') + 1;
        if (!end && UNDECIDED.matcher(text).region(line, text.length()).matches()) text = text.substring(0, line);
        int complete = (int) text.chars().filter(c -> c == '\n').count();
        var leaves = Markdown.leaves(text, window.get().columns(), begun, gap);
        int open = leaves.size();
        while (!end && open > 0 && leaves.get(--open).line() >= complete) continue;
        open = Math.max(open, done);
        boolean code = !end && open < leaves.size() && leaves.get(open).fence() && leaves.get(open).line() < complete;
        var stable = lines(leaves, done, open);
        if (code) stable.addAll(leaves.get(open).head());
        show(stable, code ? List.of() : lines(leaves, open, leaves.size()));
        if (end) {
            source.setLength(0);
            done = 0;
        } else if (code) {
            begin(leaves.get(open), text);
        } else if (open < leaves.size()) {
            keep(leaves, open, text);
        }
        return code;
    }

    private void begin(Markdown.Leaf leaf, String text) {
        int from = Markdown.start(text, leaf.line());
        String opening = text.substring(from, text.indexOf('\n', from));
        int indent = opening.length() - opening.stripLeading().length();
        char mark = opening.charAt(indent);
        int length = 0;
        while (indent + length < opening.length() && opening.charAt(indent + length) == mark) length++;
        fence = new Fence(mark, length, indent);
        source.delete(0, from + opening.length() + 1);
        done = 0;
    }

    /// Discards the source before the block of the open leaf.
    private void keep(List<Markdown.Leaf> leaves, int open, String text) {
        int top = leaves.get(open).top(), first = open;
        while (first > 0 && leaves.get(first - 1).top() == top) first--;
        done = open - first;
        if (top == 0) return;
        gap = leaves.get(first).gap();
        begun |= first > 0;
        source.delete(0, Markdown.start(text, top));
    }

    /// @return whether the code block has ended; continue with `blocks`
    private boolean code(boolean end) {
        var stable = new ArrayList<String>();
        for (int to; (to = source.indexOf("\n")) >= 0 || end && !source.isEmpty(); ) {
            String line = source.substring(0, to < 0 ? source.length() : to);
            source.delete(0, to < 0 ? source.length() : to + 1);
            if (fence.closes(line)) {
                stable.add(Markdown.dim(line.strip()));
                show(stable, List.of());
                fence = null;
                begun = true;
                gap = false;
                return true;
            }
            stable.add(fence.unindented(line));
        }
        String rest = source.toString();
        show(stable, rest.isEmpty() ? List.of() : List.of(fence.closes(rest) ? Markdown.dim(rest.strip())
                : fence.unindented(rest)));
        return false;
    }

    private static List<String> lines(List<Markdown.Leaf> leaves, int from, int to) {
        return leaves.subList(Math.min(from, to), to).stream().flatMap(leaf -> leaf.lines().stream())
                .collect(Collectors.toCollection(ArrayList::new));
    }

    /// @param stable complete lines
    /// @param open lines that may change; only those that fit the window are shown, so that they can be redrawn
    private void show(List<String> stable, List<String> open) {
        var all = new ArrayList<String>();
        if (carried != null) all.add(carried);
        all.addAll(stable);
        int finished = all.size();
        all.addAll(fitting(open));
        draw(all);
        out.flush();
        if (all.isEmpty()) return;
        carried = open.isEmpty() ? all.getLast() : null;
        drawn = open.isEmpty() ? List.of(carried) : List.copyOf(all.subList(finished, all.size()));
    }

    private List<String> fitting(List<String> open) {
        if (open.isEmpty() || open.size() == 1 && (fence != null || open.getFirst().length() < 40)) return open;
        var size = window.get();
        int from = open.size(), rows = 0;
        while (from > 0 && (rows += DisplayWidth.rows(open.get(from - 1), size.columns())) < size.rows()) from--;
        if (from == 0) return open;
        var tail = new ArrayList<>(open.subList(Math.min(from + 1, open.size()), open.size()));
        tail.addFirst(Markdown.dim("⋮"));                   // the rest is printed when complete
        return tail;
    }

    /// Replaces the drawn lines with others.
    private void draw(List<String> lines) {
        int same = 0;
        while (same < Math.min(drawn.size(), lines.size()) && drawn.get(same).equals(lines.get(same))) same++;
        var text = new StringBuilder();
        if (same < drawn.size()) {
            boolean longer = same == drawn.size() - 1 && same < lines.size()
                    && lines.get(same).startsWith(drawn.get(same));
            if (longer) {
                text.append(lines.get(same), drawn.get(same).length(), lines.get(same).length());
            } else {
                if (same == lines.size() && same > 0) same--;
                int columns = window.get().columns();
                int up = drawn.subList(same, drawn.size()).stream()
                        .mapToInt(line -> DisplayWidth.rows(line, columns)).sum();
                // erasing from a screen's first cell makes tmux save the screen to its history: erase lines
                text.append(up > 1 ? "\033[" + (up - 1) + "A" : "").append("\r\033[K")
                        .append(up > 1 ? "\033[B\033[J\033[A" : "");
                if (same < lines.size()) text.append(lines.get(same));
            }
            same++;
        } else if (drawn.isEmpty() && !lines.isEmpty()) {
            text.append(lines.get(same++));
        }
        for (; same < lines.size(); same++) text.append('\n').append(lines.get(same));
        out.print(text);
    }
}

/// Renders Markdown as lines for a terminal. Only this class loads commonmark.
final class Markdown {
    private static final int BOLD = 1, ITALIC = 2, UNDERLINED = 4, DIM = 8, CODE = 16;
    private static final Pattern DIGITS = Pattern.compile("\\d{1,9}");
    private static final String BAR = "│ ", CROSS = "─┼─", BETWEEN = " │ ";

    private static final class Holder {
        static final Parser PARSER = Parser.builder().extensions(List.of(TablesExtension.create()))
                .includeSourceSpans(IncludeSourceSpans.BLOCKS).maxOpenBlockParsers(50)
                .inlineParserFactory(_ -> new InlineParserImpl(new WithoutDefinitions())).build();
    }

    /// Leaves reference links (`[text][1]`, `[1]: https://…`) as written: their definition usually arrives later.
    private record WithoutDefinitions() implements InlineParserContext {
        @Override
        public List<InlineContentParserFactory> getCustomInlineContentParserFactories() { return List.of(); }

        @Override
        public List<DelimiterProcessor> getCustomDelimiterProcessors() { return List.of(); }

        @Override
        public List<LinkProcessor> getCustomLinkProcessors() { return List.of(); }

        @Override
        public Set<Character> getCustomLinkMarkers() { return Set.of(); }

        @Override
        public int getMaxInlineNesting() { return 100; }

        @Override
        @SuppressWarnings("deprecation")
        public LinkReferenceDefinition getLinkReferenceDefinition(String label) { return null; }

        @Override
        public <D> D getDefinition(Class<D> type, String label) { return null; }
    }

    /// A block without child blocks: a paragraph, a heading, code, a table …
    ///
    /// @param top the first line of the outermost block around it
    /// @param line its own first line
    /// @param gap whether a blank line precedes it
    /// @param fence whether it is an unclosed code block at the left margin
    /// @param lines the printed lines, including the blank line before it
    record Leaf(int top, int line, boolean gap, boolean fence, List<String> lines) {
        /// Returns the lines up to the opening fence.
        List<String> head() { return lines.subList(0, gap ? 2 : 1); }
    }

    private final String[] source;
    private final int columns;
    private final boolean begun, gapBefore;
    private final List<Leaf> leaves = new ArrayList<>();
    private int top, lastLine = -1;
    private boolean definitions;                            // the last leaf has only link definitions
    private String lastRest = "";

    private Markdown(String text, int columns, boolean begun, boolean gapBefore) {
        source = text.split("\n", -1);
        this.columns = columns;
        this.begun = begun;
        this.gapBefore = gapBefore;
    }

    /// @param begun whether other text precedes this text
    /// @param gap whether that ended with a blank line
    static List<Leaf> leaves(String text, int columns, boolean begun, boolean gap) {
        var markdown = new Markdown(text, columns, begun, gap);
        for (var block = Holder.PARSER.parse(text).getFirstChild(); block != null; block = block.getNext()) {
            boolean within = block instanceof TableBlock && !markdown.leaves.isEmpty()
                    && markdown.lastLine + 1 == first(block);       // its header row may be a paragraph's last line
            markdown.top = within ? markdown.leaves.getLast().top() : first(block);
            markdown.block(block, "", "");
        }
        return markdown.leaves;
    }

    static String dim(String text) { return "\033[2m" + text + "\033[0m"; }

    /// Returns the offset of a line.
    static int start(String text, int line) {
        int at = 0;
        for (int i = 0; i < line; i++) at = text.indexOf('\n', at) + 1;
        return at;
    }

    private static int first(Node node) {
        var spans = node.getSourceSpans();
        return spans.isEmpty() ? 0 : spans.getFirst().getLineIndex();
    }

    private static int last(Node node) {
        var spans = node.getSourceSpans();
        return spans.isEmpty() ? 0 : spans.getLast().getLineIndex();
    }

    /// @param first the prefix of the first line: quote bars and a list marker
    /// @param rest the prefix of the other lines
    private void block(Node node, String first, String rest) {
        switch (node) {
            case BlockQuote _ -> children(node, first + BAR, rest + BAR);
            case ListBlock list -> list(list, first, rest);
            case Heading heading -> text(node, inlines(node, heading.getLevel() == 1 ? BOLD | UNDERLINED : BOLD), first,
                    rest);
            case Paragraph _ -> text(node, inlines(node, 0), first, rest);
            case FencedCodeBlock code -> {
                var lines = new ArrayList<String>();
                String mark = code.getFenceCharacter();
                lines.add(dim(mark.repeat(code.getOpeningFenceLength()) + clean(code.getInfo())));
                lines.addAll(codeLines(code.getLiteral()));
                boolean closed = code.getClosingFenceLength() != null;
                if (closed) lines.add(dim(mark.repeat(code.getClosingFenceLength())));
                leaf(node, "", lines, !closed && code.getParent() instanceof Document);
            }
            case IndentedCodeBlock code -> leaf(node, "", codeLines(code.getLiteral()), false);
            case HtmlBlock html -> {
                text(node, new Styled().add(cleanLines(html.getLiteral().stripTrailing()), 0), first, rest);
            }
            case ThematicBreak _ -> leaf(node, rest, List.of(first + dim("─".repeat(width(rest)))), false);
            case TableBlock table -> leaf(node, rest, prefixed(table(table, width(rest)), first, rest), false);
            case LinkReferenceDefinition link -> {
                definition(node, "[" + link.getLabel() + "]: " + address(link.getDestination(), link.getTitle()), first,
                        rest);
            }
            default -> children(node, first, rest);
        }
    }

    private void list(ListBlock list, String first, String rest) {
        int number = -1;
        for (var item = list.getFirstChild(); item != null; item = item.getNext()) {
            number = Math.max(number + 1, sourceNumber(item));
            String mark = list instanceof OrderedList ordered ? number + ordered.getMarkerDelimiter() + " " : "• ";
            children(item, (item.getPrevious() == null ? first : rest) + mark, rest + " ".repeat(mark.length()));
        }
    }

    /// Returns the number in an item's source, which may be 1 for each item.
    private int sourceNumber(Node item) {
        var span = item.getSourceSpans().getFirst();
        var digits = DIGITS.matcher(source[span.getLineIndex()]);
        return digits.find(span.getColumnIndex()) ? Integer.parseInt(digits.group()) : 0;
    }

    private void children(Node node, String first, String rest) {
        if (node.getFirstChild() == null) leaf(node, rest, List.of(first), false);
        for (var child = node.getFirstChild(); child != null; child = child.getNext()) {
            block(child, child.getPrevious() == null ? first : rest, rest);
        }
    }

    private int width(String prefix) { return Math.max(10, columns - DisplayWidth.of(prefix)); }

    private void text(Node node, Styled text, String first, String rest) {
        leaf(node, rest, prefixed(text.wrapped(width(rest), false), first, rest), false);
    }

    /// Prints a link definition as text. It shares a leaf with the next block, which may turn out to continue it.
    private void definition(Node node, String text, String first, String rest) {
        text(node, new Styled().add(clean(text), DIM), first, rest);
        definitions = true;
    }

    private static List<String> prefixed(List<String> lines, String first, String rest) {
        return IntStream.range(0, lines.size()).mapToObj(i -> (i == 0 ? first : rest) + lines.get(i)).toList();
    }

    /// @param rest the prefix of a blank line above it
    private void leaf(Node node, String rest, List<String> lines, boolean fence) {
        int line = first(node);
        boolean gap = lastLine < 0 ? begun && (gapBefore || line > 0) : line > lastLine + 1;
        var all = new ArrayList<String>();
        if (gap) {
            int common = 0, most = leaves.isEmpty() || leaves.getLast().top() < top ? 0
                    : Math.min(rest.length(), lastRest.length());
            while (common < most && rest.charAt(common) == lastRest.charAt(common)) common++;
            all.add(bars(rest.substring(0, common).stripTrailing()));
        }
        for (String text : lines) all.add(bars(text));
        lastLine = Math.max(line, last(node));
        lastRest = rest;
        if (definitions) {
            var before = leaves.removeLast();
            all.addAll(0, before.lines());
            top = before.top();
            leaves.add(new Leaf(top, before.line(), before.gap(), false, all));
        } else {
            leaves.add(new Leaf(top, line, gap, fence, all));
        }
        definitions = false;
    }

    /// Dims the quote bars at the start of a line.
    private static String bars(String line) {
        int end = 0;
        while (end < line.length() && (line.charAt(end) == '│' || line.charAt(end) == ' ')) end++;
        int last = line.lastIndexOf('│', end);
        return last < 0 || last >= end ? line : dim(line.substring(0, last + 1)) + line.substring(last + 1);
    }

    private static List<String> codeLines(String literal) {
        var lines = new ArrayList<>(List.of(literal.split("\n", -1)));
        if (lines.getLast().isEmpty()) lines.removeLast();
        return lines.stream().map(Text::printable).toList();
    }

    /// Makes control characters visible, which entities such as `&#27;` can produce.
    private static String clean(String text) { return text == null ? "" : cleanLines(text).replace('\n', ' '); }

    private static String cleanLines(String text) { return Text.printable(text.replace("\t", "    ")); }

    private static String address(String destination, String title) {
        return destination + (title == null || title.isEmpty() ? "" : " \"" + title + "\"");
    }

    // ---- within a paragraph

    private static Styled inlines(Node node, int style) {
        var text = new Styled();
        inlines(text, node, style);
        return text;
    }

    private static void inlines(Styled to, Node parent, int style) {
        for (var node = parent.getFirstChild(); node != null; node = node.getNext()) {
            switch (node) {
                case org.commonmark.node.Text text -> to.add(clean(text.getLiteral()), style);
                case org.commonmark.node.Code code -> to.add(clean(code.getLiteral()), style | CODE);
                case Emphasis _ -> inlines(to, node, style | ITALIC);
                case StrongEmphasis _ -> inlines(to, node, style | BOLD);
                case Link link -> link(to, link, link.getDestination(), link.getTitle(), style);
                case org.commonmark.node.Image image ->
                        link(to, image, image.getDestination(), image.getTitle(), style);
                case HtmlInline html -> to.add(cleanLines(html.getLiteral()), style);
                case SoftLineBreak _, HardLineBreak _ -> to.add("\n", style);
                default -> inlines(to, node, style);
            }
        }
    }

    /// Adds a link's text, and its address if that differs.
    private static void link(Styled to, Node node, String destination, String title, int style) {
        var text = inlines(node, style | UNDERLINED);
        String label = text.toString();
        String address = clean(address(destination, title));
        to.add(text);
        if (label.equals(address) || ("mailto:" + label).equals(address)) return;
        to.add((label.isEmpty() ? "(" : " (") + address + ")", style | DIM);
    }

    // ---- tables

    private List<String> table(TableBlock table, int width) {
        var rows = new ArrayList<List<Styled>>();
        var sides = new ArrayList<TableCell.Alignment>();
        for (var part = table.getFirstChild(); part != null; part = part.getNext()) {
            for (var row = part.getFirstChild(); row != null; row = row.getNext()) {
                var cells = new ArrayList<Styled>();
                for (var cell = row.getFirstChild(); cell != null; cell = cell.getNext()) {
                    cells.add(inlines(cell, part instanceof TableHead ? BOLD : 0));
                    if (rows.isEmpty()) sides.add(((TableCell) cell).getAlignment());
                }
                String extra = extraCells(row, cells.size());
                if (cells.isEmpty()) cells.add(new Styled());
                if (sides.isEmpty()) sides.add(null);       // the header row is a single bar
                cells.getLast().add(extra, 0);
                rows.add(cells);
            }
        }
        int[] widths = widths(rows, sides.size(), width);
        if (widths == null) return tooNarrow(rows, width);
        var lines = new ArrayList<String>();
        for (var row : rows) {
            lines.addAll(row(row, widths, sides));
            if (row == rows.getFirst()) {
                lines.add(dim(IntStream.of(widths).mapToObj("─"::repeat).collect(Collectors.joining(CROSS))));
            }
        }
        return lines;
    }

    /// Returns a row's text after the header's last column; models often forget to escape a bar in a cell.
    private String extraCells(Node row, int cells) {
        var span = row.getSourceSpans().getFirst();
        String line = source[span.getLineIndex()].substring(span.getColumnIndex()).strip();
        String[] parts = line.replaceFirst("^\\|", "").replaceFirst("(?<!\\\\)\\|$", "").split("(?<!\\\\)\\|", -1);
        return parts.length <= cells ? "" : " |" + clean(String.join("|", List.of(parts).subList(cells, parts.length)))
                .stripTrailing();
    }

    /// Returns the width of each column: that of its widest cell, with the widest columns reduced until all fit.
    ///
    /// @return null if the columns would be too narrow
    private static int[] widths(List<List<Styled>> rows, int count, int width) {
        int[] widths = new int[count];
        for (var row : rows) {
            for (int i = 0; i < Math.min(count, row.size()); i++) widths[i] = Math.max(widths[i], row.get(i).cells());
        }
        int most = width - BETWEEN.length() * (count - 1);
        if (most < 4 * count) return null;
        int[] sorted = IntStream.of(widths).sorted().toArray();
        int limit = 0;
        for (int i = 0, left = most; i < count; i++) {
            limit = left / (count - i);
            if (sorted[i] > limit) break;
            left -= sorted[i];
            limit = sorted[i];
        }
        for (int i = 0; i < count; i++) widths[i] = Math.clamp(widths[i], 1, Math.max(1, limit));
        return widths;
    }

    private static List<String> row(List<Styled> row, int[] widths, List<TableCell.Alignment> sides) {
        var cells = new ArrayList<List<String>>();
        for (int i = 0; i < widths.length; i++) {
            cells.add(i < row.size() ? row.get(i).wrapped(widths[i], true) : List.of());
        }
        var lines = new ArrayList<String>();
        for (int n = 0, height = cells.stream().mapToInt(List::size).max().orElse(0); n < height; n++) {
            var line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                String text = n < cells.get(i).size() ? cells.get(i).get(n) : "";
                int space = Math.max(0, widths[i] - DisplayWidth.of(text));
                int before = sides.get(i) == TableCell.Alignment.RIGHT ? space
                        : sides.get(i) == TableCell.Alignment.CENTER ? space / 2 : 0;
                line.append(i == 0 ? "" : dim(BETWEEN)).append(" ".repeat(before)).append(text)
                        .append(" ".repeat(i == widths.length - 1 ? 0 : space - before));
            }
            lines.add(line.toString());
        }
        return lines;
    }

    private static List<String> tooNarrow(List<List<Styled>> rows, int width) {
        return rows.stream().flatMap(row -> {
            var line = new Styled();
            for (var cell : row) line.add(line.toString().isEmpty() ? "" : BETWEEN, DIM).add(cell);
            return line.wrapped(width, false).stream();
        }).toList();
    }

    /// Text with a style for each character.
    private static final class Styled {
        private final StringBuilder text = new StringBuilder(), styles = new StringBuilder();

        Styled add(String more, int style) {
            text.append(more);
            styles.repeat((char) style, more.length());
            return this;
        }

        Styled add(Styled more) {
            text.append(more.text);
            styles.append(more.styles);
            return this;
        }

        int cells() { return DisplayWidth.of(text.toString()); }

        @Override
        public String toString() { return text.toString(); }

        /// Wraps the text to a width, at spaces and between wide characters. Longer words get a line of their own and
        /// are left for the terminal to wrap, so that they can be copied.
        ///
        /// @param all whether to break longer words as well
        List<String> wrapped(int width, boolean all) {
            var lines = new ArrayList<String>();
            int from = 0, chance = 0, cells = 0;
            for (int i = 0; i < text.length(); ) {
                int c = text.codePointAt(i), wide = DisplayWidth.of(c), next = i + Character.charCount(c);
                if (c == '\n') {
                    lines.add(line(from, i));
                    from = chance = next;
                    cells = 0;
                } else {
                    if (wide == 2 && i > from && !DisplayWidth.closing(c)) chance = i;
                    if (c != ' ' && cells + wide > width) {
                        int to = chance > from ? chance : all && i > from ? i : from;
                        if (to > from) {
                            lines.add(line(from, to));
                            from = chance = to;
                            cells = DisplayWidth.of(text.substring(from, i));
                        }
                    }
                    if (c == ' ') chance = next;
                    cells += wide;
                }
                i = next;
            }
            lines.add(line(from, text.length()));
            return lines;
        }

        private String line(int from, int to) {
            while (to > from && text.charAt(to - 1) == ' ') to--;
            var line = new StringBuilder();
            int now = 0;
            for (int i = from; i < to; i++) {
                int style = styles.charAt(i);
                if (style != now) line.append(now == 0 ? "" : "\033[0m").append(codes(style));
                now = style;
                line.append(text.charAt(i));
            }
            return line.append(now == 0 ? "" : "\033[0m").toString();
        }

        private static String codes(int style) {
            if (style == 0) return "";
            var codes = new StringJoiner(";", "\033[", "m");
            if ((style & BOLD) != 0) codes.add("1");
            if ((style & ITALIC) != 0) codes.add("3");
            if ((style & UNDERLINED) != 0) codes.add("4");
            if ((style & DIM) != 0) codes.add("2");
            if ((style & CODE) != 0) codes.add("36");
            return codes.toString();
        }
    }
}

/// The size of the terminal's window.
record Window(int columns, int rows) {
    /// Returns COLUMNS and LINES, or the terminal's size, or 80 by 24; looks on first use and after each resize.
    static Supplier<Window> of(Environment env) {
        return new Supplier<>() {
            private volatile Window known;

            @Override
            public Window get() {
                var size = known;
                if (size != null) return size;
                int columns = number(env.variable("COLUMNS")), rows = number(env.variable("LINES"));
                if (columns > 0 && rows > 0) return known = new Window(columns, rows);
                onChange(() -> known = null);
                int[] actual = Console.windowSize();
                return known = new Window(columns > 0 ? columns : actual[1], rows > 0 ? rows : actual[0]);
            }
        };
    }

    private static int number(String text) {
        return text != null && text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
    }

    private static void onChange(Runnable what) {
        try {
            sun.misc.Signal.handle(new sun.misc.Signal("WINCH"), _ -> what.run());
        } catch (IllegalArgumentException _) {
            // this system has no such signal
        }
    }
}

/// The number of terminal cells of a text: 0 for combining characters, 2 for East Asian ones and most emoji (W and F in
/// Unicode's EastAsianWidth), the larger number where terminals differ.
final class DisplayWidth {
    private static final int[] WIDE = {0x1100, 0x115f, 0x231a, 0x231b, 0x23e9, 0x23ec, 0x23f0, 0x23f0, 0x23f3, 0x23f3,
            0x25fd, 0x25fe, 0x2614, 0x2615, 0x2648, 0x2653, 0x267f, 0x267f, 0x2693, 0x2693, 0x26a1, 0x26a1, 0x26aa,
            0x26ab, 0x26bd, 0x26be, 0x26c4, 0x26c5, 0x26ce, 0x26ce, 0x26d4, 0x26d4, 0x26ea, 0x26ea, 0x26f2, 0x26f3,
            0x26f5, 0x26f5, 0x26fa, 0x26fa, 0x26fd, 0x26fd, 0x2705, 0x2705, 0x270a, 0x270b, 0x2728, 0x2728, 0x274c,
            0x274c, 0x274e, 0x274e, 0x2753, 0x2755, 0x2757, 0x2757, 0x2795, 0x2797, 0x27b0, 0x27b0, 0x27bf, 0x27bf,
            0x2b1b, 0x2b1c, 0x2b50, 0x2b50, 0x2b55, 0x2b55, 0x2e80, 0x303e, 0x3041, 0xa4cf, 0xa960, 0xa97c, 0xac00,
            0xd7a3, 0xf900, 0xfaff, 0xfe10, 0xfe19, 0xfe30, 0xfe6f, 0xff01, 0xff60, 0xffe0, 0xffe6, 0x16fe0, 0x18cff,
            0x1aff0, 0x1b2ff, 0x1f004, 0x1f004, 0x1f0cf, 0x1f0cf, 0x1f18e, 0x1f18e, 0x1f191, 0x1f19a, 0x1f1e6, 0x1f202,
            0x1f210, 0x1f23b, 0x1f240, 0x1f248, 0x1f250, 0x1f251, 0x1f260, 0x1f265, 0x1f300, 0x1f64f, 0x1f680, 0x1f6ff,
            0x1f7e0, 0x1f7eb, 0x1f90c, 0x1f9ff, 0x1fa70, 0x1faff, 0x20000, 0x3fffd};

    static int of(int c) {
        if (c < 0x300) return c < ' ' ? 0 : 1;
        if (c == 0xfe0f) return 1;                          // widens a narrow symbol before it
        int type = Character.getType(c);
        boolean mark = type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK;
        boolean partOfHangul = c >= 0x1160 && c <= 0x11ff;
        if (mark || type == Character.FORMAT || partOfHangul) return 0;
        int at = Arrays.binarySearch(WIDE, c);
        return at >= 0 || at % 2 == 0 ? 2 : 1;
    }

    /// Returns the cells of a text that may contain our SGR escape sequences.
    static int of(String text) {
        int cells = 0;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            if (c == '\033') {
                i = text.indexOf('m', i) + 1;
                continue;
            }
            cells += of(c);
            i += Character.charCount(c);
        }
        return cells;
    }

    /// Returns the number of rows of a line on a terminal.
    static int rows(String line, int columns) {
        int rows = 1, at = 0;
        for (int i = 0; i < line.length(); ) {
            int c = line.codePointAt(i);
            if (c == '\033') {
                i = line.indexOf('m', i) + 1;
                continue;
            }
            int wide = of(c);
            if (c == '\t') at = Math.max(at, Math.min(columns - 1, (at / 8 + 1) * 8));
            else if (at + wide > columns) {
                rows++;
                at = wide;
            } else at += wide;
            i += Character.charCount(c);
        }
        return rows;
    }

    /// Returns whether a line should not begin with this character.
    static boolean closing(int c) { return "、。，．！？：；）」』】〉》・ー".indexOf(c) >= 0; }
}
