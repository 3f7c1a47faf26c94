package cop;

import module java.base;

import javax.xml.parsers.DocumentBuilderFactory;

import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// What the README shows is typed here, in a shell, against the simulator: a command that it names works.
class Readmes {
    private static final Path README = CommandLines.root().resolve("README.md");
    /// They need a terminal, time that passes, or a conversation of that day; the demo and other tests have them.
    private static final Set<String> ELSEWHERE = Set.of("cop chat", "cop chat -c", "cop repl", "cop login",
            "cop serve", "cop serve claude", "cop serve codex -m gpt-5.3-codex -- exec \"Explain this\"",
            "cop models enable claude-opus-5", "cop chat --cid 20261124-11 \"…\"",
            "cop chat -T tools.java \"What is 2^127 - 1 divided by 7?\"",
            "cop eval classify -d tickets.csv -o lab.jsonl --watch", "cop eval classify -d tickets.csv -m gpt-5-mini -m"
            + " claude-haiku-4.5 --repeat 3 -o lab.jsonl");
    /// What the model answers, by a part of the command; the first that fits.
    private static final Map<String, String> ANSWERS = new LinkedHashMap<>();

    static {
        ANSWERS.put(" -x ", "```\nls | wc -l\n```");
        ANSWERS.put("reply", "{\"reply\": \"Soon.\"}");
        ANSWERS.put("tags [string]", "{\"name\": \"Ann\", \"age\": 7, \"tags\": [\"a\"]}");
        ANSWERS.put("age int", "{\"name\": \"Ann\", \"age\": 7}");
        ANSWERS.put("Name.class", "{\"first\": \"Ann\", \"last\": \"Lee\"}");
        ANSWERS.put("", "{\"label\": \"bug\", \"reason\": \"it says so\", \"confidence\": \"high\"}");
    }

    private static String answer(String command) {
        return ANSWERS.entrySet().stream().filter(each -> command.contains(each.getKey())).findFirst().orElseThrow()
                .getValue();
    }

    /// A fenced block: the language after its fence, and its lines.
    private record Block(String language, List<String> lines) {}

    private static List<Block> blocks() throws IOException {
        return Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```").matcher(Files.readString(README)).results()
                .map(block -> new Block(block.group(1), block.group(2).lines().toList())).toList();
    }

    /// The commands of the shell blocks, without their remarks; a command may have several lines.
    private static List<String> commands() throws IOException {
        var commands = new ArrayList<String>();
        for (var block : blocks()) {
            if (!block.language().isEmpty()) continue;
            var text = new StringBuilder();
            for (String line : block.lines()) {
                text.append(line.replaceFirst("\\s{2,}# .*", "")).append('\n');
                if (line.endsWith("\\")) continue;
                String command = text.toString().strip();
                text.setLength(0);
                if (command.matches("(?s)(.*[|(] ?|)cop .*")) commands.add(command);
            }
        }
        return commands;
    }

    /// A logged-in home with the files that the README's commands name.
    private static Harness reader() throws IOException, InterruptedException {
        var cop = Harness.loggedIn();
        cop.write("bin/cop", "#!/bin/sh\nexec " + String.join(" ", cop.process().command().stream()
                .map(word -> "'" + word + "'").toList()) + " \"$@\"\n").toFile().setExecutable(true);
        for (String file : List.of("Main.java", "Test.java", "src/Retry.java")) cop.write(file, "class A {}\n");
        cop.write("docs/a.md", "# A\n");
        Files.write(cop.file("photo.png"), HexFormat.of().parseHex("89504e470d0a1a0a0000000d4948445200000001"));
        cop.write("tickets.jsonl", "{\"id\": \"a\", \"text\": \"it fails\"}\n{\"id\": \"b\", \"text\": \"why?\"}\n");
        cop.write("tickets.csv", "text,label,expect\nit fails,bug,contains: bug\n");
        cop.write("templates/classify-short.mustache", "{{text}}\n");
        cop.write("monday.jsonl", "{\"id\":\"1\",\"variant\":\"classify\",\"status\":\"ok\",\"text\":\"bug\"}\n");
        cop.write("questions", "who?\nwhen?\n");
        cop.write("tools.java", blocks().stream().filter(block -> block.language().equals("java")).map(block ->
                String.join("\n", block.lines())).filter(text -> text.startsWith("/// ")).findFirst().orElseThrow());
        cop.write("mail.json", "{\"mail\": \"Where is it?\", \"orders\": []}");
        String template = blocks().stream().map(block -> String.join("\n", block.lines()))
                .filter(text -> text.startsWith("---\n")).findFirst().orElseThrow();
        cop.write("templates/reply.mustache", template);
        cop.write("templates/reply.json", "{\"mail\": \"Where is it?\", \"orders\": []}");
        var git = new ProcessBuilder("bash", "-c", "git init -q . && echo a >a && git add a").directory(
                cop.home.toFile()).start();
        assertEquals(0, git.waitFor());
        return cop;
    }

    private static Harness.Outcome typed(Harness cop, String command) throws IOException {
        var builder = new ProcessBuilder("bash", "-c", command).directory(cop.home.toFile());
        builder.environment().clear();
        builder.environment().putAll(cop.variables);
        builder.environment().put("PATH", cop.file("bin") + ":" + System.getenv("PATH"));
        builder.environment().put("LC_ALL", "C.UTF-8");
        return Harness.finished(builder.start(), "", command.contains("token") ? "token" : "");
    }

    private static boolean here(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator)).anyMatch(folder ->
                Files.isExecutable(Path.of(folder, program)));
    }

    @Test
    void everyCommandWorks() throws Exception {
        var wrong = new ArrayList<String>();
        int count = 0;
        try (var cop = reader()) {
            for (String command : commands()) {
                boolean elsewhere = ELSEWHERE.contains(command) || command.startsWith("$ ") || Stream.of("jq", "curl",
                        "less").anyMatch(program -> command.contains(program) && !here(program));
                if (elsewhere) continue;
                count++;
                cop.sim.set("answer", answer(command));
                var outcome = typed(cop, command);
                if (outcome.code() != 0) wrong.add("$ " + command + "\n" + outcome.all());
            }
        }
        assertEquals("", String.join("\n", wrong));
        assertTrue(count > 30, () -> "the README shows few commands, or they were not found");
    }

    @Test
    void whatIsShownToGoWrongGoesWrongSo() throws Exception {
        var shown = blocks().stream().map(Block::lines).filter(lines -> lines.getFirst().startsWith("$ ")).toList();
        try (var cop = reader()) {
            for (var lines : shown) {
                Files.deleteIfExists(cop.file("templates/reply.json"));
                var outcome = typed(cop, lines.getFirst().substring(2) + " 2>&1 </dev/null");
                assertEquals(String.join("\n", lines.subList(1, lines.size())), outcome.out().strip());
            }
        }
        assertTrue(!shown.isEmpty());
    }

    @Test
    void everyLineForJShellWorks() throws Exception {
        var snippets = blocks().stream().flatMap(block -> block.lines().stream()).filter(line ->
                line.startsWith("jshell> ")).map(line -> line.substring(8).replaceFirst("\\s{2,}// .*", ""))
                .map(line -> line.endsWith(";") || line.startsWith("record ") ? line : line + ";").toList();
        var other = snippets.stream().filter(line -> line.contains("Name")).toList();
        try (var cop = reader()) {
            for (var lines : List.of(snippets.stream().filter(line -> !other.contains(line)).toList(), other)) {
                cop.write("readme.jsh", String.join("\n", lines) + "\n");
                cop.sim.set("answer", answer(String.join("\n", lines)));
                var outcome = typed(cop, "cop repl readme.jsh");
                assertEquals(0, outcome.code(), outcome::all);
            }
        }
        assertTrue(snippets.size() > 10);
    }

    /// They tell their story where nothing animates: all is drawn, once, in colors for dark and light.
    @Test
    void thePicturesShowTheirStory() throws Exception {
        var stories = Map.of("terminal.svg", List.of("~ $ cop login", "logged in as octocat", "~ $ cop chat \"Three",
                "Captain Bill, for", "~ $ git diff | cop chat -u", "Stop after the third retry", "usage: ",
                "error: unknown template: transalte", "hint: did you mean translate?", "Guten Morgen, und danke",
                "\"age\": 47}"), "batch.svg", List.of("~ $ cop batch classify", "pausing for 0:0",
                "requests in flight: 1", "10 of 20 rows are done: 10 ok", "as when this run started", "done: 20 ok",
                "20 of 20 rows are done"));
        var shown = new TreeSet<String>();
        for (String page : List.of("README.md", "README.zh-CN.md")) {
            Pattern.compile("!\\[[^\\]]{40,}\\]\\(\\.github/([^)]+)\\)").matcher(Files.readString(
                    README.resolveSibling(page))).results().forEach(image -> shown.add(image.group(1)));
        }
        assertTrue(shown.remove("report.png"));              // a screenshot of a page, light only
        assertTrue(Files.size(README.resolveSibling(".github/report.png")) < 300_000);
        assertEquals(stories.keySet(), shown);
        for (String name : shown) {
            var file = README.resolveSibling(".github").resolve(name);
            assertTrue(Files.size(file) < 150_000, name);
            String source = Files.readString(file);
            assertTrue(source.contains("prefers-color-scheme:dark"), name);
            for (String no : List.of("<script", "<animate", "<set", "@keyframes", "animation", "display:", "visibility",
                    "opacity", "href", "/tmp", "/home", "/root")) assertFalse(source.contains(no), name + " " + no);
            var texts = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile())
                    .getElementsByTagName("text");
            String text = IntStream.range(0, texts.getLength()).mapToObj(i -> texts.item(i).getTextContent())
                    .collect(Collectors.joining());
            for (String part : stories.get(name)) assertTrue(text.contains(part), name + " " + part);
        }
    }

    @Test
    void theContentsNameSections() throws IOException {
        String text = Files.readString(README);
        var sections = Pattern.compile("(?m)^#+ (.*)").matcher(text).results().map(section -> section.group(1)
                .toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9 -]", "").replace(' ', '-')).collect(Collectors.toSet());
        var links = Pattern.compile("\\]\\(#([^)]*)\\)").matcher(text).results().map(link -> link.group(1)).toList();
        assertEquals(List.of(), links.stream().filter(link -> !sections.contains(link)).toList());
        assertTrue(links.size() > 5);
    }
}
