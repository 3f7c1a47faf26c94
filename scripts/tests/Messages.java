package cop;

import module java.base;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/// Every message that the suite has seen on stderr: collected from all tests, and of one form. Runs last.
class Messages {
    /// @param example the message as it was first seen
    /// @param test the test that saw it first
    private record Seen(String example, String test, LongAdder count) {}

    private static final Pattern MESSAGE = Pattern.compile("(error|hint|note|warning): (.*)");
    private static final Pattern TERMINAL = Pattern.compile("\033\\[[0-9;?]*[A-Za-z]|\r");
    private static final SortedMap<String, Seen> SEEN = new ConcurrentSkipListMap<>();
    private static volatile String test = "";

    /// Names the test that runs from now on.
    static void startTest(String name) { test = name; }

    /// Collects the messages of a run.
    static void collect(String stderr) {
        TERMINAL.matcher(stderr).replaceAll("").lines().filter(line -> MESSAGE.matcher(line).matches()).forEach(line ->
                SEEN.computeIfAbsent(normalized(line), _ -> new Seen(line, test, new LongAdder())).count().increment());
    }

    /// Replaces what differs between runs of the same message: quoted values, paths, URLs, ids and numbers.
    static String normalized(String message) {
        return message.replaceAll("\"(\\\\.|[^\"\\\\])*\"", "\"_\"").replaceAll("(?<![\\w])'[^']*'(?!\\w)", "'_'")
                .replaceAll("https?://[^\\s,;)]+", "URL")
                .replaceAll("(?<![\\w.<{])(~|\\.\\.?)?(/[\\w.@%+~-]+){2,}/?", "PATH")
                .replaceAll("\\b\\p{XDigit}{4,}(:\\p{XDigit}{4,})+\\b", "ID")
                .replaceAll("\\b\\p{XDigit}{8}(-\\p{XDigit}{4}){3}-\\p{XDigit}+", "ID")
                .replaceAll("\\b\\d+([.:,-]\\d+)*", "N").strip();
    }

    /// Writes the messages, sorted, each with its count and its first test, to a new file in the temporary folder.
    ///
    /// @return the file, or nothing if no message was seen
    static Optional<Path> write() throws IOException {
        if (SEEN.isEmpty()) return Optional.empty();
        Path file = Files.createTempFile("copilot-messages-", ".tsv");
        return Optional.of(Files.write(file, SEEN.entrySet().stream().map(entry -> entry.getKey() + "\t"
                + entry.getValue().count() + "\t" + entry.getValue().test()).toList()));
    }

    /// Names of products and protocols, which may begin a message with a capital.
    private static final Set<String> NAMES = Set.of("GitHub", "Copilot", "Java", "Markdown", "Excel",
            "Slurm", "Kubernetes");

    /// Messages that do not have the form yet: the question of a confirmation that cannot be asked, and messages of
    /// picocli and of the JSON Schema library.
    private static final Pattern OUTLIERS = Pattern.compile("error: (\\p{Lu}.*: cannot ask for confirmation"
            + "|Missing required parameter for option .*|.*: Schema from '.*' is not allowed to be loaded\\.)");

    /// What is wrong with the form of a message, or nothing. One line that does not begin like a sentence, for `gh`
    /// and `git` write so: in lower case, or with a name, an option, a file, a value or a code. An error and a hint
    /// do not end in a period.
    static Optional<String> flaw(String message) {
        var parts = MESSAGE.matcher(message);
        if (!parts.matches()) return Optional.of("not one line");
        String kind = parts.group(1), text = parts.group(2);
        String first = text.split("[\\s,:;(]", 2)[0];
        if (text.isBlank()) return Optional.of("empty");
        if (Harness.TOKEN.matcher(text).find()) return Optional.of("contains a token");
        boolean ofService = text.contains("[HTTP ");        // GitHub's own words, quoted as they came
        if (!ofService && first.matches("\\p{Lu}\\p{Ll}+('\\w+)?")
                && !NAMES.contains(first.replaceFirst("'s$", ""))) {
            return Optional.of("begins like a sentence");
        }
        if (kind.equals("error") && text.matches(".*[^.\\s]\\.")) return Optional.of("ends in a period");
        return Optional.empty();
    }

    @Test
    void everyMessageHasTheForm() {
        assumeFalse(SEEN.isEmpty(), "no messages: run it together with other classes");
        var flaws = new ArrayList<String>();
        for (var seen : SEEN.values()) {
            if (OUTLIERS.matcher(seen.example()).matches()) continue;
            flaw(seen.example()).ifPresent(flaw -> flaws.add(flaw + " (" + seen.test() + "): " + seen.example()));
        }
        assertEquals(List.of(), flaws);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "error: no model \"gpt \\\"x\\\"\" among 12 | error: no model \"_\" among N",
            "error: cannot read /tmp/cop-test-1/a.txt: not found | error: cannot read PATH: not found",
            "note: took 1.5 s, request id C0DE:0003:04CB4B | note: took N s, request id ID",
            "error: http://127.0.0.1:4711/x returned HTTP 404 | error: URL returned HTTP N",
            "hint: copilot chat 'Ann and Bob' asks a model | hint: copilot chat '_' asks a model"})
    void valuesAreNormalized(String message, String normalized) {
        assertEquals(normalized, normalized(message));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "error: no model \"x\"|", "error: GH_TOKEN is set|", "error: GitHub's exchange failed|",
            "error: -m needs a value|", "note: The end.|begins like a sentence", "error: it failed.|ends in a period",
            "error: waiting...|", "error: there is no file in .|", "'error: '|empty",
            "error: ghu_abcdefghijklmnop is no token|contains a token"})
    void flawsAreFound(String message, String flaw) {
        assertEquals(Optional.ofNullable(flaw), flaw(message));
    }
}
