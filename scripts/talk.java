///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION A conversation on a terminal: line editing, history, Markdown drawn while it arrives
//JAVA 25+
//SOURCES ../copilot.java
//DEPS org.commonmark:commonmark:0.32.0
//DEPS org.commonmark:commonmark-ext-gfm-tables:0.32.0
//DEPS org.jline:jline-reader:3.30.6
//DEPS org.jline:jline-terminal-ffm:3.30.6

/// `chat` with line editing, history and Markdown. Where this is on the class path, `chat` without a prompt has its
/// terminal.
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
        var chat = SYNTAX.split("\n\n", 3);
        return String.join("\n\n", chat[0], """
                A conversation with line editing, history and Markdown.
                As chat, but on a terminal Markdown is drawn while it arrives, wrapped to the window, and with no
                prompt the conversation has line editing (Alt-Enter, or \\ before Enter, goes on in the next line),
                Tab for /commands, and a history.""", chat[2]);
    }

    @Override
    AnswerView view() { return new MarkdownPrinter(env.out(), Window.of(env)); }

    @Override
    ChatTerminal terminal(Console console, boolean keeps) { return new EditedTerminal(console, keeps); }
}

/// A terminal with line editing and history, by JLine.
final class EditedTerminal implements ChatTerminal {
    private final Environment env;
    private final Console console;
    private final Terminal terminal;
    private final LineReader reader;

    /// @param keeps whether typed lines go into a history
    EditedTerminal(Console console, boolean keeps) {
        env = console.env();
        this.console = console;
        try {
            terminal = TerminalBuilder.builder().system(true).nativeSignals(true)
                    .encoding(StandardCharsets.UTF_8).stdinEncoding(StandardCharsets.UTF_8)
                    .stdoutEncoding(StandardCharsets.UTF_8).stderrEncoding(StandardCharsets.UTF_8).build();
        } catch (IOException e) {
            throw Fault.io("the terminal does not answer", e, COP + " chat \"…\" needs none");
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
                if (stoppedTyping.getPartialLine().isEmpty()) console.note("(Ctrl-D or /quit leaves)");
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
            throw Fault.io("the terminal does not answer", e, null);
        }
    }

    private LineReader reader(boolean keeps) {
        Path history = Home.of(env).state().resolve("history");
        var parser = new DefaultParser();
        parser.setEscapeChars(new char[0]);                 // what is typed is text, not a shell's words
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
            console.detail("no history: " + Text.reason(readOnly));
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

/// Prints Markdown on a terminal while it arrives: what may still change (the last paragraph, item, table or line of
/// code) is drawn again as it grows, from the first line that has become another; what is finished is left alone. So
/// nothing above the open part is ever touched, and a stream that breaks off leaves what had come.
final class MarkdownPrinter implements AnswerView {
    private static final Pattern FENCE = Pattern.compile(" {0,3}(`{3,}|~{3,})[ \t]*");
    /// What a line may begin with and still turn into many things: it waits for the next character.
    private static final Pattern UNDECIDED = Pattern.compile(
            "[ \t>]*([-=*+#`~|:_]+[-=*+#`~|: \t]*|\\d{1,9}[.)]?)?[ \t]*");
    private static final Pattern PLAIN = Pattern.compile("\\p{L}[\\p{L}\\p{Nd} ,.!?']{0,39}");

    /// The open code block at the margin, whose lines are printed one by one.
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
    private final StringBuilder source = new StringBuilder();           // of the last block that has begun
    private Fence fence;
    private int done;                                       // the leaves of `source` that are printed for good
    private boolean begun, gap;                             // something, and a blank line, goes before `source`
    private int fresh;                                      // characters that came since the last drawing
    private List<String> drawn = List.of();                 // lines on the screen that may change; the cursor is behind
    private String carried;                                 // the first of them, where it is finished already
    private String heldBack = "";

    MarkdownPrinter(PrintWriter out, Supplier<Window> window) {
        this.out = out;
        this.window = window;
    }

    @Override
    public void text(String delta) {
        String all = heldBack + delta;
        boolean half = all.endsWith("\r") || !all.isEmpty() && Character.isHighSurrogate(all.charAt(all.length() - 1));
        heldBack = half ? all.substring(all.length() - 1) : "";
        String whole = Text.printable(all.substring(0, all.length() - heldBack.length()).replace("\r\n", "\n"));
        source.append(whole);
        fresh += whole.length();
        boolean large = source.length() > 4000;             // it is not read anew for each word
        if (!large || fresh >= source.length() / 32) update(false);
    }

    /// Prints what is still to be printed and ends its line. Nothing is written where nothing has come.
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

    /// Takes the open part off the screen, so that something else can be written there; it comes again with more text.
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
            show(List.of(), List.of(source.toString()));    // most short answers need no more
            if (end) source.setLength(0);                   // who ends it twice prints it once
            return;
        }
        while (fence == null ? blocks(end) : code(end)) fresh = 0;
    }

    /// @return whether a code block begins, and is to be gone on with
    private boolean blocks(boolean end) {
        String text = source.toString();
        int line = text.lastIndexOf('\n') + 1;
        if (!end && UNDECIDED.matcher(text).region(line, text.length()).matches()) text = text.substring(0, line);
        int whole = (int) text.chars().filter(c -> c == '\n').count();
        var leaves = Markdown.leaves(text, window.get().columns(), begun, gap);
        int open = leaves.size();
        while (!end && open > 0 && leaves.get(--open).line() >= whole) continue;
        open = Math.max(open, done);
        boolean code = !end && open < leaves.size() && leaves.get(open).fence() && leaves.get(open).line() < whole;
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

    /// Of the source only the block stays to which the open leaf belongs.
    private void keep(List<Markdown.Leaf> leaves, int open, String text) {
        int top = leaves.get(open).top(), first = open;
        while (first > 0 && leaves.get(first - 1).top() == top) first--;
        done = open - first;
        if (top == 0) return;
        gap = leaves.get(first).gap();
        begun |= first > 0;
        source.delete(0, Markdown.start(text, top));
    }

    /// @return whether the block has ended, and is to be gone on behind it
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

    /// @param stable finished lines
    /// @param open those that may change: no more of them are shown than the window can take back
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
        while (from > 0 && (rows += Cells.rows(open.get(from - 1), size.columns())) < size.rows()) from--;
        if (from == 0) return open;
        var tail = new ArrayList<>(open.subList(Math.min(from + 1, open.size()), open.size()));
        tail.addFirst(Markdown.dim("⋮"));                   // the rest comes when it is finished
        return tail;
    }

    /// Makes of the lines that are drawn those that are wanted.
    private void draw(List<String> wanted) {
        int same = 0;
        while (same < Math.min(drawn.size(), wanted.size()) && drawn.get(same).equals(wanted.get(same))) same++;
        var text = new StringBuilder();
        if (same < drawn.size()) {
            boolean longer = same == drawn.size() - 1 && same < wanted.size()
                    && wanted.get(same).startsWith(drawn.get(same));
            if (longer) {
                text.append(wanted.get(same), drawn.get(same).length(), wanted.get(same).length());
            } else {
                if (same == wanted.size() && same > 0) same--;
                int columns = window.get().columns();
                int up = drawn.subList(same, drawn.size()).stream().mapToInt(line -> Cells.rows(line, columns)).sum();
                // tmux keeps a screen that is erased from its first cell on: there only lines are
                text.append(up > 1 ? "\033[" + (up - 1) + "A" : "").append("\r\033[K")
                        .append(up > 1 ? "\033[B\033[J\033[A" : "");
                if (same < wanted.size()) text.append(wanted.get(same));
            }
            same++;
        } else if (drawn.isEmpty() && !wanted.isEmpty()) {
            text.append(wanted.get(same++));
        }
        for (; same < wanted.size(); same++) text.append('\n').append(wanted.get(same));
        out.print(text);
    }
}

/// Markdown as lines for a terminal. The only part that loads commonmark.
final class Markdown {
    private static final int BOLD = 1, ITALIC = 2, UNDERLINED = 4, DIM = 8, CODE = 16;
    private static final Pattern DIGITS = Pattern.compile("\\d{1,9}");
    private static final String BAR = "│ ", CROSS = "─┼─", BETWEEN = " │ ";

    private static final class Holder {
        static final Parser PARSER = Parser.builder().extensions(List.of(TablesExtension.create()))
                .includeSourceSpans(IncludeSourceSpans.BLOCKS).maxOpenBlockParsers(50)
                .inlineParserFactory(_ -> new InlineParserImpl(new WithoutDefinitions())).build();
    }

    /// A link whose address is given elsewhere (`[text][1]`, `[1]: https://…`) stays as it is written: when it is
    /// shown the address has not come yet.
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

    /// A block that holds no others: a paragraph, a heading, code, a table …
    ///
    /// @param top the line on which the outermost block around it begins
    /// @param line its own first line
    /// @param gap whether a blank line goes before it
    /// @param fence whether it is a code block at the margin that is not closed
    /// @param lines as they are printed, the blank line before it included
    record Leaf(int top, int line, boolean gap, boolean fence, List<String> lines) {
        /// Up to the opening fence.
        List<String> head() { return lines.subList(0, gap ? 2 : 1); }
    }

    private final String[] source;
    private final int columns;
    private final boolean begun, gapBefore;
    private final List<Leaf> leaves = new ArrayList<>();
    private int top, lastLine = -1;
    private boolean definitions;                            // the last leaf holds nothing else
    private String lastRest = "";

    private Markdown(String text, int columns, boolean begun, boolean gapBefore) {
        source = text.split("\n", -1);
        this.columns = columns;
        this.begun = begun;
        this.gapBefore = gapBefore;
    }

    /// @param begun whether something goes before this text
    /// @param gap whether that ended in a blank line
    static List<Leaf> leaves(String text, int columns, boolean begun, boolean gap) {
        var markdown = new Markdown(text, columns, begun, gap);
        for (var block = Holder.PARSER.parse(text).getFirstChild(); block != null; block = block.getNext()) {
            boolean within = block instanceof TableBlock && !markdown.leaves.isEmpty()
                    && markdown.lastLine + 1 == first(block);       // its heading may be a paragraph's last line
            markdown.top = within ? markdown.leaves.getLast().top() : first(block);
            markdown.block(block, "", "");
        }
        return markdown.leaves;
    }

    static String dim(String text) { return "\033[2m" + text + "\033[0m"; }

    /// Where a line begins.
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

    /// @param first what goes before the first line: bars, and the mark of an item
    /// @param rest before the others
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
            number = Math.max(number + 1, written(item));
            String mark = list instanceof OrderedList ordered ? number + ordered.getMarkerDelimiter() + " " : "• ";
            children(item, (item.getPrevious() == null ? first : rest) + mark, rest + " ".repeat(mark.length()));
        }
    }

    /// An item's own number; the 1 that some write before each counts up.
    private int written(Node item) {
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

    private int width(String prefix) { return Math.max(10, columns - Cells.of(prefix)); }

    private void text(Node node, Styled text, String first, String rest) {
        leaf(node, rest, prefixed(text.wrapped(width(rest), false), first, rest), false);
    }

    /// Definitions of links are text as well. They make one leaf with what follows, which may still become a part.
    private void definition(Node node, String text, String first, String rest) {
        text(node, new Styled().add(clean(text), DIM), first, rest);
        definitions = true;
    }

    private static List<String> prefixed(List<String> lines, String first, String rest) {
        return IntStream.range(0, lines.size()).mapToObj(i -> (i == 0 ? first : rest) + lines.get(i)).toList();
    }

    /// @param rest what may go before a blank line above it
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

    /// The bars of quotes at a line's beginning are dim.
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

    /// Text may hold control characters again: `&#27;`.
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

    /// Its text, and the address where that is another.
    private static void link(Styled to, Node node, String destination, String title, int style) {
        var text = inlines(node, style | UNDERLINED);
        String said = text.toString();
        String address = clean(address(destination, title));
        to.add(text);
        if (said.equals(address) || ("mailto:" + said).equals(address)) return;
        to.add((said.isEmpty() ? "(" : " (") + address + ")", style | DIM);
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
                String beyond = beyond(row, cells.size());
                if (cells.isEmpty()) cells.add(new Styled());
                if (sides.isEmpty()) sides.add(null);       // a heading of nothing but a bar
                cells.getLast().add(beyond, 0);
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

    /// What a row has behind the last column of the heading: a bar in a cell is easily forgotten to be escaped.
    private String beyond(Node row, int cells) {
        var span = row.getSourceSpans().getFirst();
        String line = source[span.getLineIndex()].substring(span.getColumnIndex()).strip();
        String[] parts = line.replaceFirst("^\\|", "").replaceFirst("(?<!\\\\)\\|$", "").split("(?<!\\\\)\\|", -1);
        return parts.length <= cells ? "" : " |" + clean(String.join("|", List.of(parts).subList(cells, parts.length)))
                .stripTrailing();
    }

    /// As wide as the widest cell; the widest columns give way until all fit.
    ///
    /// @return null where that leaves too little
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
                int space = Math.max(0, widths[i] - Cells.of(text));
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

        int cells() { return Cells.of(text.toString()); }

        @Override
        public String toString() { return text.toString(); }

        /// Lines of at most so many cells, broken at spaces and between wide characters. Words that are longer stand
        /// on a line of their own, for the terminal to break: so they can be copied.
        ///
        /// @param all break them as well
        List<String> wrapped(int width, boolean all) {
            var lines = new ArrayList<String>();
            int from = 0, chance = 0, cells = 0;
            for (int i = 0; i < text.length(); ) {
                int c = text.codePointAt(i), wide = Cells.of(c), next = i + Character.charCount(c);
                if (c == '\n') {
                    lines.add(line(from, i));
                    from = chance = next;
                    cells = 0;
                } else {
                    if (wide == 2 && i > from && !Cells.closing(c)) chance = i;
                    if (c != ' ' && cells + wide > width) {
                        int to = chance > from ? chance : all && i > from ? i : from;
                        if (to > from) {
                            lines.add(line(from, to));
                            from = chance = to;
                            cells = Cells.of(text.substring(from, i));
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
    /// COLUMNS and LINES, else what the terminal says, else 80 by 24. A program is asked, for that is quicker than to
    /// make the JVM ready for native calls; only when the size matters, and again when the window has changed.
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
                var asked = asked().orElse(new Window(80, 24));
                return known = new Window(columns > 0 ? columns : asked.columns(), rows > 0 ? rows : asked.rows());
            }
        };
    }

    private static int number(String text) {
        return text != null && text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
    }

    private static Optional<Window> asked() {
        try {
            var stty = new ProcessBuilder("stty", "size").redirectInput(new File("/dev/tty"))
                    .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String[] said = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).split("\\s+");
            int rows = number(said[0]), columns = said.length < 2 ? 0 : number(said[1]);
            return rows > 0 && columns > 0 ? Optional.of(new Window(columns, rows)) : Optional.empty();
        } catch (IOException _) {
            return Optional.empty();                        // no terminal, or no such program
        }
    }

    private static void onChange(Runnable what) {
        try {
            sun.misc.Signal.handle(new sun.misc.Signal("WINCH"), _ -> what.run());
        } catch (IllegalArgumentException _) {
            // a system without this signal
        }
    }
}

/// How many cells of a terminal a text takes: none for combining characters, two for those of East Asia and most emoji
/// (Unicode's EastAsianWidth W and F). Where terminals differ it is the larger number.
final class Cells {
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
        if (c == 0xfe0f) return 1;                          // makes a narrow symbol before it a wide one
        int type = Character.getType(c);
        boolean mark = type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK;
        boolean partOfHangul = c >= 0x1160 && c <= 0x11ff;
        if (mark || type == Character.FORMAT || partOfHangul) return 0;
        int at = Arrays.binarySearch(WIDE, c);
        return at >= 0 || at % 2 == 0 ? 2 : 1;
    }

    /// Of a text that may hold escape sequences of ours.
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

    /// The rows that a terminal of so many columns breaks a line into.
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

    /// Whether no line should begin with this character.
    static boolean closing(int c) { return "、。，．！？：；）」』】〉》・ー".indexOf(c) >= 0; }
}
