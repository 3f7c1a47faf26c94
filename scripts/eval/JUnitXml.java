package cop;

import module java.base;
import cop.copilot.Fault;

import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/// Writes results as JUnit XML, which CI systems show: a test suite per variant, a test case per row and repeat. A
/// failed check is a failure; a request that failed, was filtered, or cut off is an error; a cell without checks is
/// skipped. Reads the cells once for the counts, which come first, and once per variant.
final class JUnitXml {
    private static final int MOST_TEXT = 4000;

    /// Counts of a variant, for the attributes of its suite.
    private static final class Counts {
        long tests, failures, errors, skipped, ms;

        void add(EvalCell cell) {
            tests++;
            ms += cell.ms();
            switch (Result.of(cell)) {
                case FAILURE -> failures++;
                case ERROR -> errors++;
                case SKIPPED -> skipped++;
                case PASSED -> { }
            }
        }

        void add(Counts other) {
            tests += other.tests;
            failures += other.failures;
            errors += other.errors;
            skipped += other.skipped;
            ms += other.ms;
        }
    }

    private enum Result {
        PASSED, FAILURE, ERROR, SKIPPED;

        static Result of(EvalCell cell) {
            if (!cell.status().equals("ok")) return ERROR;
            return cell.pass() == null ? SKIPPED : cell.pass() ? PASSED : FAILURE;
        }
    }

    private final XMLStreamWriter xml;

    private JUnitXml(XMLStreamWriter xml) { this.xml = xml; }

    /// Writes the file; the stream stays open.
    ///
    /// @param cells opens the cells, in any order; called several times
    /// @param name of the whole, such as the results file's
    static void write(OutputStream out, Supplier<Stream<EvalCell>> cells, String name) throws IOException {
        var counts = new LinkedHashMap<String, Counts>();
        var all = new Counts();
        try (var each = cells.get()) {
            each.forEach(cell -> counts.computeIfAbsent(cell.variant(), _ -> new Counts()).add(cell));
        }
        counts.values().forEach(all::add);
        try {
            var writer = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(out, "UTF-8");
            writer.writeStartDocument("UTF-8", "1.0");
            new JUnitXml(writer).suites(name, all, counts, cells);
            writer.writeEndDocument();
            writer.flush();
        } catch (XMLStreamException | UncheckedXml e) {
            var cause = e instanceof UncheckedXml ? e.getCause() : e;
            if (cause.getCause() instanceof IOException io) throw io;
            throw new IOException(cause);
        }
    }

    /// Carries an exception out of a stream's forEach.
    private static final class UncheckedXml extends RuntimeException {
        UncheckedXml(XMLStreamException cause) { super(cause); }
    }

    private void suites(String name, Counts all, Map<String, Counts> counts, Supplier<Stream<EvalCell>> cells)
            throws XMLStreamException {
        line("");
        start("testsuites", name, all);
        for (var variant : counts.entrySet()) {
            line("\n");
            start("testsuite", className(variant.getKey()), variant.getValue());
            line("\n  ");
            xml.writeStartElement("properties");
            xml.writeEmptyElement("property");
            attribute("name", "variant");
            attribute("value", variant.getKey());
            xml.writeEndElement();
            try (var each = cells.get()) {
                each.filter(cell -> cell.variant().equals(variant.getKey())).forEach(cell -> {
                    try {
                        testCase(cell);
                    } catch (XMLStreamException e) {
                        throw new UncheckedXml(e);
                    }
                });
            }
            line("\n");
            xml.writeEndElement();
        }
        line("\n");
        xml.writeEndElement();
        line("\n");
    }

    private void start(String element, String name, Counts counts) throws XMLStreamException {
        xml.writeStartElement(element);
        attribute("name", name);
        attribute("tests", counts.tests + "");
        attribute("failures", counts.failures + "");
        attribute("errors", counts.errors + "");
        attribute("skipped", counts.skipped + "");
        attribute("time", seconds(counts.ms));
    }

    private void testCase(EvalCell cell) throws XMLStreamException {
        line("\n  ");
        xml.writeStartElement("testcase");
        attribute("classname", className(cell.variant()));
        attribute("name", cell.repeat() > 1 ? cell.id() + " [" + cell.repeat() + "]" : cell.id());
        attribute("time", seconds(cell.ms()));
        switch (Result.of(cell)) {
            case FAILURE -> failure(cell);
            case ERROR -> error(cell);
            case SKIPPED -> {
                xml.writeEmptyElement("skipped");
                attribute("message", "no checks");
            }
            case PASSED -> { }
        }
        xml.writeEndElement();
    }

    /// Returns a variant's name without dots: CI systems take what precedes the last one for a package.
    private static String className(String variant) { return variant.replace('.', '_'); }

    private void failure(EvalCell cell) throws XMLStreamException {
        var failed = cell.checks().stream().filter(check -> !check.pass()).toList();
        String reasons = failed.stream().map(JUnitXml::line).collect(Collectors.joining("\n"));
        xml.writeStartElement("failure");
        attribute("message", failed.isEmpty() ? "the score is below the threshold" : ReportText.brief(reasons, 300));
        attribute("type", failed.isEmpty() ? "threshold" : failed.getFirst().name().replaceFirst("(?s):.*", ""));
        text(reasons + "\n\nanswer:\n" + ReportText.answer(cell));
        xml.writeEndElement();
    }

    private static String line(CheckResult check) {
        return check.name() + (check.reason().isEmpty() ? "" : " — " + check.reason());
    }

    private void error(EvalCell cell) throws XMLStreamException {
        String code = cell.error() == null ? cell.status() : Json.text(cell.error(), "code");
        String message = cell.error() == null ? "" : Json.text(cell.error(), "message");
        xml.writeStartElement("error");
        attribute("message", ReportText.brief(message.isEmpty() ? cell.status() : message, 300));
        attribute("type", code.isEmpty() ? cell.status() : code);
        String request = Objects.requireNonNullElse(cell.requestId(), "");
        text(cell.status() + ": " + message + (request.isEmpty() ? "" : "\nrequest " + request));
        xml.writeEndElement();
    }

    private void attribute(String name, String value) throws XMLStreamException {
        xml.writeAttribute(name, legal(value));
    }

    private void text(String text) throws XMLStreamException {
        String start = ReportText.start(text, MOST_TEXT);
        xml.writeCharacters(legal(start) + (start.length() < text.length() ? "…" : ""));
    }

    private void line(String white) throws XMLStreamException { xml.writeCharacters(white); }

    /// Replaces what XML 1.0 cannot contain, even escaped: most controls, surrogates without a partner, U+FFFE.
    static String legal(String text) {
        return text.replaceAll("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\x{10000}-\\x{10ffff}]", "\ufffd");
    }

    private static String seconds(long ms) { return BigDecimal.valueOf(Math.max(0, ms), 3).toPlainString(); }
}
