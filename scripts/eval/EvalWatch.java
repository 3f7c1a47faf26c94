package cop;

import module java.base;
import cop.copilot.Fault;

/// Runs the first rows each time a template or the rows are saved, until Ctrl-C.
final class EvalWatch {
    static final int ROWS = 5;
    private static final Duration LOOK = Duration.ofMillis(200), SETTLE = Duration.ofMillis(50);

    private final Environment env;
    private final Console console;
    private final List<String> templates;                   // as typed
    private final String rows;
    private final Set<Path> files = new TreeSet<>();

    EvalWatch(Console console, List<String> templates, String rows) {
        env = console.env();
        this.console = console;
        this.templates = templates;
        this.rows = rows;
    }

    /// @param run reads everything anew, and returns the variants that it has run
    int watch(Supplier<List<ResolvedVariant>> run) {
        if (rows.equals("-")) throw Fault.usage("--watch cannot watch stdin", "-d FILE");
        for (boolean first = true; ; first = false) {
            addFiles();
            var before = stamps();
            try {
                run.get().forEach(this::addPartials);
            } catch (Fault fault) {
                fault.rethrowIf(Fault.Kind.INTERRUPTED);
                if (first) throw fault;                     // perhaps a mistyped option
                console.report(fault);                      // to be fixed in the editor
            }
            before.putAll(stamps().entrySet().stream().filter(file -> !before.containsKey(file.getKey())).collect(
                    Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
            console.note("watching " + files.stream().map(file -> file.getFileName().toString()).collect(
                    Collectors.joining(", ")) + "; Ctrl-C ends");
            await(before);
        }
    }

    private void await(Map<Path, String> before) {
        while (stamps().equals(before)) {
            if (Thread.interrupted() || env.shutdown().signaled()) throw Fault.interrupted();
            env.time().pause(LOOK);
        }
        for (var now = stamps(); ; now = stamps()) {        // an editor may save in steps
            env.time().pause(SETTLE);
            if (now.equals(stamps())) return;
        }
    }

    private void addFiles() {
        Path data = env.path(rows);
        if (Files.isRegularFile(data)) files.add(data);
        for (String name : templates) {
            try {
                if (new TemplateFolders(env).find(name).file() instanceof Path file) files.add(file);
            } catch (Fault _) {
                // reported by the run
            }
        }
    }

    private void addPartials(ResolvedVariant variant) {
        variant.template().texts().forEach(text -> env.existing(text.source().place()).filter(Files::isRegularFile)
                .ifPresent(files::add));
    }

    private Map<Path, String> stamps() {
        var stamps = new HashMap<Path, String>();
        files.forEach(file -> stamps.put(file, FileStamp.of(file)));
        return stamps;
    }
}

/// Tells whether a file was saved again.
final class FileStamp {
    /// Returns time and size; those of a folder do not change with the files in it.
    static String of(Path file) {
        try {
            return Files.isDirectory(file) ? "folder" : Files.getLastModifiedTime(file) + " " + Files.size(file);
        } catch (IOException gone) {
            return "missing";
        }
    }
}
