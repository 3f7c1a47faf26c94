///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Records the README's pictures, .github/*.svg and report.png: real runs against the simulator
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES eval.java
//SOURCES simulator.java

/// The README's pictures. To record them again, with tmux, git, and chromium on the PATH, in a checkout:
///
///     scripts/jbang scripts/screens.java [terminal] [batch] [report]
///
/// It types the commands into a shell in tmux and draws what `tmux capture-pane -e` then shows. The answers are made
/// up, all else is real. Nothing moves, one file serves dark and light, and each piece of text is as wide as its cells.
/// Of the page that `eval` writes it takes a screenshot.
package cop;

import module java.base;

public class screens implements AutoCloseable {
    private static final int ROWS = 60;
    private static final String PROMPT = "~ $", READY = Pattern.quote(PROMPT);
    /// Pixels of a cell, and around the text.
    private static final double WIDTH = 8.4, HEIGHT = 19, MARGIN = 20, TOP = 44;
    private static final String STYLE = """
            rect{fill:#f6f8fa;stroke:#d1d9e0}circle{fill:#d1d9e0}
            text{fill:#1f2328;white-space:pre;font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",\
            "Liberation Mono",monospace}
            .bold{font-weight:bold}.dim{fill:#59636e}
            .c1{fill:#cf222e}.c2{fill:#116329}.c3{fill:#7d4e00}.c4{fill:#0969da}.c5{fill:#8250df}.c6{fill:#1b7c83}
            @media(prefers-color-scheme:dark){
            rect{fill:#0d1117;stroke:#3d444d}circle{fill:#3d444d}text{fill:#e6edf3}.dim{fill:#9198a1}
            .c1{fill:#ff7b72}.c2{fill:#3fb950}.c3{fill:#d29922}.c4{fill:#58a6ff}.c5{fill:#bc8cff}.c6{fill:#39c5cf}
            }
            """;

    /// What a line rewritten in place said at a moment, to be drawn above row `row`.
    private record Moment(int row, String line) {}

    private final simulator sim = simulator.start().set("interval", 1);
    private final Path home = Files.createTempDirectory("cop-screens-");
    private final List<Moment> moments = new ArrayList<>();

    private final int columns;

    private screens(int columns, boolean loggedIn) throws Exception {
        this.columns = columns;
        var java = List.of(ProcessHandle.current().info().command().orElse("java"), "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-Xshare:auto", "--enable-native-access=ALL-UNNAMED", "-Dcop.command=cop",
                "-cp", System.getProperty("java.class.path"), "cop.copilot");
        Files.createDirectory(home.resolve("bin"));
        file("bin/cop", "#!/bin/sh\nexec '" + String.join("' '", java) + "' \"$@\"\n").toFile().setExecutable(true);
        file("bin/xdg-open", "#!/bin/sh\n").toFile().setExecutable(true);        // a browser that shows nothing
        var shell = new ArrayList<>(List.of("-f", "/dev/null", "new-session", "-d", "-x", "" + columns, "-y",
                "" + ROWS, "-c", home.toString(), "env", "-i", "HOME=" + home, "COP_HOST=" + sim.url(), "DISPLAY=:0",
                "PATH=" + home.resolve("bin") + ":" + System.getenv("PATH"), "TERM=tmux-256color", "LC_ALL=C.UTF-8",
                "PS1=\\[\\e[1;34m\\]" + PROMPT + "\\[\\e[39m\\] ", "PS0=\\e[0m", "HISTFILE="));
        if (loggedIn) shell.add("COPILOT_GITHUB_TOKEN=" + simulator.GITHUB_TOKEN);
        shell.addAll(List.of("bash", "--norc", "--noprofile", "-i"));
        tmux(shell.toArray(String[]::new));
        tmux("set", "-g", "status", "off");
        until(READY);
    }

    public static void main(String... args) throws Exception {
        var pictures = Path.of(".github");
        if (!Files.isDirectory(pictures)) throw new IllegalStateException("no .github here: run it in a checkout");
        var wanted = args.length == 0 ? List.of("terminal", "batch", "report") : List.of(args);
        if (wanted.contains("terminal")) {
            try (var screen = new screens(90, false)) {
                Files.writeString(pictures.resolve("terminal.svg"), screen.terminal());
            }
        }
        if (wanted.contains("batch")) {
            try (var screen = new screens(100, true)) {
                Files.writeString(pictures.resolve("batch.svg"), screen.batch());
            }
        }
        if (wanted.contains("report")) {
            try (var screen = new screens(400, true)) {
                screen.report(pictures.resolve("report.png").toAbsolutePath());
            }
        }
    }

    private String terminal() throws Exception {
        file("Retry.java", "boolean last(int retries) { return retries > 3; }\n");
        run("git", "init", "-q");
        run("git", "add", "Retry.java");
        file("Retry.java", "boolean last(int retries) { return retries >= 3; }\n");
        type("cop login");
        sim.set("answer", "1. **Gulliver**, who gulps first\n2. **Captain Bill**, for obvious reasons\n3. **Pouch**");
        type("cop chat \"Three names for a pelican\"");
        sim.set("answer", "Stop after the third retry, not the fourth");
        type("git diff | cop chat -u \"Write a commit message\"");
        sim.set("answer", "Guten Morgen, und danke für den Fisch!");
        for (String name : List.of("transalte", "translate")) {
            type("cop chat -t " + name + " --var to=German \"Good morning, and thanks for the fish!\"");
        }
        sim.set("answer", "{\"name\": \"Ada Fenwick\", \"age\": 47}");
        type("cop chat --schema 'name, age int' \"Invent a person\"");
        return drawn("A terminal: a login, a chat, a pipe, a mistake, a template, a schema");
    }

    /// A limit that passes, then Ctrl-C, then the same command again.
    private String batch() throws Exception {
        file("tickets.jsonl", IntStream.rangeClosed(1, 20).mapToObj(id -> "{\"id\": " + id
                + ", \"text\": \"The export of report " + id + " fails\"}\n").collect(Collectors.joining()));
        sim.set("answer", "{\"label\": \"bug\", \"reason\": \"it says that it fails\", \"confidence\": \"high\"}");
        sim.set("latency", 700).set("faults", List.of("ok", "ok", "ok", "ok", "429:5"));
        String command = "cop batch classify -d tickets.jsonl -o labels.jsonl";
        enter(command);
        moment("4/20: .*");
        moment("pausing for .*");
        moment("9/20: .* 1 in flight.*");
        tmux("send-keys", "C-c");
        until(READY);
        enter(command);
        moment("4/10: .*");
        until(READY);
        type("cop batch status labels.jsonl");
        type("head -n 2 labels.jsonl | cut -c 1-99");
        return drawn("A terminal: a batch waits for a limit, is interrupted, and goes on");
    }

    /// Three variants on 60 tickets: the first is wrong on one ticket in nine, the second on one in twenty, the third,
    /// which is told less, on one in four, and then says more than it should.
    private void report(Path picture) throws Exception {
        var texts = List.of("The export of a report stops at row 4,096", "How do I add a colleague to my team?",
                "I was charged twice in March", "The page is empty in Firefox", "Can I change the time zone?",
                "Where do I find my invoices?", "Search finds nothing since Monday", "Is there a shortcut to archive?",
                "Please refund the second seat", "Uploading a photo turns it by 90 degrees");
        var labels = List.of("bug", "question", "billing", "bug", "question", "billing", "bug", "question", "billing",
                "bug");
        file("tickets.jsonl", IntStream.range(0, 60).mapToObj(i -> {
            String label = labels.get(i % 10), other = label.equals("bug") ? "question" : "bug";
            return Json.compact(Json.object().put("id", "T-" + (1041 + 7 * i)).put("text", texts.get(i % 10))
                    .put("label", label).put("mini", i % 9 == 4 ? other : label)
                    .put("haiku", i % 20 == 13 ? other : label)
                    .put("short", i % 4 == 2 ? "This is a " + other + " report." : label)) + "\n";
        }).collect(Collectors.joining()));
        for (String variant : List.of("mini", "haiku", "short")) {
            file(variant + ".mustache", "---\nexpect: [equals: \"{{label}}\", max-words: 1]\n---\n"
                    + "Classify the ticket as bug, question, or billing.\n"
                    + (variant.equals("short") ? "" : "Answer with one word.\n")
                    + "\n{{text}}\n\nsay: {{" + variant + "}}");
        }
        var random = new Random(1);
        var pace = Thread.ofVirtual().start(() -> {
            while (!Thread.interrupted()) {
                sim.set("latency", 150 + random.nextInt(400));
                LockSupport.parkNanos(5_000_000);
            }
        });
        type("cop eval mini.mustache -m gpt-5-mini -d tickets.jsonl -o lab.jsonl --report lab.html -j 8 --delay 0 -y"
                + " --repeat 2 --variant 'claude-haiku-4.5: {template: haiku.mustache, model: claude-haiku-4.5}'"
                + " --variant 'gpt-5-mini, short prompt: {template: short.mustache, model: gpt-5-mini}'");
        pace.interrupt();
        run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,1420",
                "--user-data-dir=" + home.resolve("chromium"), "--virtual-time-budget=2000", "--screenshot=" + picture,
                home.resolve("lab.html").toUri().toString());
    }

    private void type(String command) throws Exception {
        enter(command);
        until(READY);
    }

    private void enter(String command) throws Exception {
        tmux("send-keys", "-l", command);
        until(Pattern.quote(PROMPT + " " + command));
        tmux("send-keys", "Enter");
    }

    private void moment(String last) throws Exception {
        var lines = until(last);
        moments.add(new Moment(lines.size() - 1, lines.getLast()));
    }

    /// The screen once its last line, without styles, is as wanted.
    private List<String> until(String last) throws Exception {
        for (var end = Instant.now().plusSeconds(60);; Thread.sleep(20)) {
            var lines = tmux("capture-pane", "-p", "-e").stripTrailing().lines().toList();
            String plain = lines.isEmpty() ? "" : lines.getLast().replaceAll("\\e\\[[\\d;]*m", "").strip();
            if (plain.matches(last)) return lines;
            if (Instant.now().isAfter(end)) throw new IllegalStateException("no " + last + " in:\n"
                    + String.join("\n", lines));
        }
    }

    private String drawn(String title) throws Exception {
        var lines = new ArrayList<>(until(READY));
        if (lines.size() >= ROWS) throw new IllegalStateException("the screen is full, and may have scrolled");
        for (var moment : moments.reversed()) lines.add(moment.row(), moment.line());
        var out = new StringBuilder();
        var styles = new TreeSet<String>();
        for (int row = 0; row < lines.size(); row++) line(lines.get(row), TOP + HEIGHT * (row + 0.75), styles, out);
        long width = Math.round(columns * WIDTH + 2 * MARGIN);
        long height = Math.round(TOP + lines.size() * HEIGHT + MARGIN);
        return """
                <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="%2$d" viewBox="0 0 %1$d %2$d" role="img"
                xml:space="preserve">
                <title>%3$s</title>
                <style>
                %4$s</style>
                <rect x=".5" y=".5" width="%5$d" height="%6$d" rx="8"/>
                <circle cx="24" cy="22" r="6"/><circle cx="44" cy="22" r="6"/><circle cx="64" cy="22" r="6"/>
                %7$s</svg>
                """.formatted(width, height, title, STYLE, width - 1, height - 1, out);
    }

    /// Draws one line of text and styles; the styles go on from line to line.
    private static void line(String line, double y, Set<String> styles, StringBuilder out) {
        var piece = Pattern.compile("\\e\\[([\\d;]*)m|[^\\e]+").matcher(line);
        for (int column = 0; piece.find();) {
            if (piece.group(1) != null) {
                for (String code : piece.group(1).split(";")) style(Integer.parseInt("0" + code), styles);
                continue;
            }
            String text = piece.group();
            int cells = text.codePointCount(0, text.length());
            if (!text.isBlank()) out.append(String.format(Locale.ROOT,
                    "<text x=\"%.1f\" y=\"%.1f\" textLength=\"%.1f\"%s>%s</text>\n", MARGIN + column * WIDTH, y,
                    cells * WIDTH, styles.isEmpty() ? "" : " class=\"" + String.join(" ", styles) + "\"",
                    text.replace("&", "&amp;").replace("<", "&lt;")));
            column += cells;
        }
    }

    private static void style(int code, Set<String> styles) {
        if (code == 0) styles.clear();
        else if (code == 1 || code == 2) styles.add(code == 1 ? "bold" : "dim");
        else if (code == 22) styles.removeAll(List.of("bold", "dim"));
        else if (code >= 30 && code <= 39) styles.removeIf(style -> style.matches("c\\d"));
        else if (code != 49) throw new IllegalStateException("draws no style " + code);
        if (code >= 31 && code <= 36) styles.add("c" + (code - 30));
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(home.resolve(name), text);
    }

    private String tmux(String... words) throws Exception {
        return run(Stream.concat(Stream.of("tmux", "-u", "-S", home.resolve("tmux").toString()), Stream.of(words))
                .toArray(String[]::new));
    }

    private String run(String... command) throws Exception {
        var builder = new ProcessBuilder(command).directory(home.toFile()).redirectErrorStream(true);
        builder.environment().remove("TMUX");
        var process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) throw new IllegalStateException(String.join(" ", command) + ": " + out);
        return out;
    }

    @Override
    public void close() throws Exception {
        tmux("kill-server");
        sim.close();
        try (var files = Files.walk(home)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
    }
}
