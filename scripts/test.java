///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION The tests of copilot.java: `scripts/jbang test [--slow] [CLASS or METHOD…]`
//JAVA 25+
//SOURCES ../copilot.java
//SOURCES install.java
//SOURCES simulator.java
//SOURCES tests/Harness.java
//SOURCES tests/Smoke.java
//SOURCES tests/SimulatorEndpoints.java
//SOURCES tests/Simulators.java
//SOURCES tests/Streams.java
//SOURCES tests/HttpResponses.java
//SOURCES tests/Login.java
//SOURCES tests/Token.java
//SOURCES tests/Accounts.java
//SOURCES tests/Caches.java
//SOURCES tests/Chat.java
//SOURCES tests/ChatFailures.java
//SOURCES tests/AutoModels.java
//SOURCES tests/ModelEndpoints.java
//SOURCES tests/ModelCommands.java
//SOURCES tests/ModelFields.java
//SOURCES tests/Schemas.java
//SOURCES tests/Logs.java
//SOURCES tests/PromptInputs.java
//SOURCES tests/Mustaches.java
//SOURCES tests/Prompts.java
//SOURCES tests/TemplateChecks.java
//SOURCES tests/Verbs.java
//SOURCES tests/ToolLoops.java
//SOURCES tests/Batches.java
//SOURCES tests/BatchJournals.java
//SOURCES tests/BatchPace.java
//SOURCES tests/BatchOutputs.java
//SOURCES tests/BatchProcesses.java
//SOURCES tests/RowReaders.java
//SOURCES tests/Budgets.java
//SOURCES tests/CommandLines.java
//SOURCES tests/Hints.java
//SOURCES tests/Completions.java
//SOURCES tests/Usages.java
//SOURCES tests/Embeds.java
//SOURCES tests/Evals.java
//SOURCES tests/ServesClients.java
//SOURCES tests/ServesLaunches.java
//SOURCES tests/ServesRoutes.java
//SOURCES tests/EvalCheckFiles.java
//SOURCES tests/EvalChecks.java
//SOURCES tests/EvalJudges.java
//SOURCES tests/EvalStatistics.java
//SOURCES tests/Network.java
//SOURCES tests/Processes.java
//SOURCES tests/Installs.java
//SOURCES tests/Terminals.java
//SOURCES tests/Markdowns.java
//SOURCES tests/Doctors.java
//SOURCES tests/JsonTrees.java
//SOURCES tests/Serves.java
//SOURCES tests/ServesAccess.java
//SOURCES tests/ServesHarness.java
//SOURCES tests/ServesHostile.java
//SOURCES tests/ServesProcesses.java
//SOURCES tests/SilentCopilot.java
//SOURCES tests/Readmes.java
//SOURCES tests/Layers.java
//SOURCES tests/EvalReports.java
//SOURCES tests/PageBrowser.java
//SOURCES tests/Messages.java
//SOURCES tests/ServeTranslations.java
//DEPS org.slf4j:slf4j-api:2.0.20
//DEPS org.junit.jupiter:junit-jupiter:6.1.1
//DEPS org.junit.platform:junit-platform-launcher:6.1.1
//DEPS org.apache.maven.surefire:surefire-report-parser:3.5.4

/// Runs the tests of `tests/`, one class for each part of copilot.java, and prints `N passed, N failed` on the last
/// line. Arguments select classes and methods: `test Streams`, `test twentyProcessesMakeOneExchange`. Tests tagged
/// `slow` run with `--slow` only. All messages that the tests have seen on stderr are collected in a temporary file.
package cop;

import module java.base;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

public class test {
    /// Every class of tests/, in the order of running.
    static final List<Class<?>> CLASSES = List.of(Smoke.class, SimulatorEndpoints.class, Simulators.class,
            Streams.class, HttpResponses.class, Login.class, Token.class, Accounts.class, Caches.class, Chat.class,
            ChatFailures.class, AutoModels.class, ModelEndpoints.class, ModelCommands.class, ModelFields.class,
            Schemas.class, Logs.class, PromptInputs.class, Mustaches.class, Prompts.class, TemplateChecks.class,
            Verbs.class, ToolLoops.class, Batches.class, BatchJournals.class, BatchPace.class, BatchOutputs.class,
            BatchProcesses.class, RowReaders.class, Budgets.class, CommandLines.class, Hints.class,
            Completions.class, Usages.class, Embeds.class, Evals.class,
            EvalChecks.class, EvalCheckFiles.class, EvalJudges.class, EvalReports.class, EvalStatistics.class,
            Network.class, Processes.class, Installs.class,
            Terminals.class, Markdowns.class, Doctors.class, JsonTrees.class, Readmes.class, Layers.class,
            Serves.class, ServesAccess.class, ServesHostile.class, ServesProcesses.class,
            ServesClients.class, ServesLaunches.class, ServesRoutes.class, Messages.class, ServeTranslations.class);

    private static final String USAGE = """
            usage: scripts/jbang test [--slow] [CLASS|METHOD…]

            Runs all tests, or those of the given classes and methods. The last line has
            the counts; the exit code is 1 if a test fails.

              --slow   Include the slow tests.

            Examples:
              scripts/jbang test
              scripts/jbang test Streams twentyProcessesMakeOneExchange

            Classes:
            """;

    public static void main(String... args) throws IOException {
        // As in the tool. Set here because the JDK reads them when the first HTTP client is created, in any class.
        System.setProperty("jdk.httpclient.redirects.retrylimit", "1");
        System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
        System.setProperty("cop.command", Harness.COMMAND);
        var words = new ArrayList<>(List.of(args));
        boolean slow = words.remove("--slow");
        var odd = words.stream().filter(word -> word.startsWith("-")).findFirst();
        if (odd.isPresent()) {
            boolean help = odd.get().matches("-h|--help");
            if (help) System.out.println(USAGE + "  " + CLASSES.stream().map(Class::getSimpleName)
                    .collect(Collectors.joining(" ")).replaceAll("(.{55,}?) ", "$1\n  "));
            else System.err.println("error: unknown option: " + odd.get() + "\nhint: scripts/jbang test --help");
            System.exit(help ? 0 : 2);
        }
        var report = new Report();
        LauncherFactory.create().execute(request(words, slow), report);
        Messages.write().ifPresent(file -> System.err.println("messages seen on stderr: " + file));
        System.exit(report.close());
    }

    private static LauncherDiscoveryRequest request(List<String> words, boolean slow) {
        var request = LauncherDiscoveryRequestBuilder.request()
                .configurationParameter("junit.jupiter.execution.timeout.default", slow ? "20 m" : "90 s");
        for (var type : CLASSES) {
            boolean whole = words.isEmpty() || words.contains(type.getSimpleName());
            if (whole) request.selectors(DiscoverySelectors.selectClass(type));
            for (var method : type.getDeclaredMethods()) {
                if (!whole && words.contains(method.getName())) {
                    request.selectors(DiscoverySelectors.selectMethod(type, method));
                }
            }
        }
        if (!slow) request.filters(TagFilter.excludeTags("slow"));
        return request.build();
    }

    /// One line a class while it runs, each failure with its reason, and the sum.
    private static final class Report implements TestExecutionListener {
        private final long start = System.nanoTime();
        private long passed, failed, skipped, classPassed, classStart;
        private final List<String> failures = new ArrayList<>();

        @Override
        public void executionStarted(TestIdentifier id) {
            if (id.isTest()) Messages.startTest(method(id));
            if (isClass(id)) {
                classPassed = 0;
                classStart = System.nanoTime();
            }
        }

        @Override
        public void executionSkipped(TestIdentifier id, String reason) {
            skipped++;
            System.out.println("  skipped: " + id.getDisplayName() + ": " + reason);
        }

        @Override
        public void executionFinished(TestIdentifier id, TestExecutionResult result) {
            switch (result.getStatus()) {
                case SUCCESSFUL -> {
                    if (id.isTest()) {
                        passed++;
                        classPassed++;
                    }
                }
                case ABORTED -> {
                    skipped++;
                    System.out.println("  skipped: " + name(id) + ": "
                            + result.getThrowable().map(Throwable::getMessage).orElse(""));
                }
                case FAILED -> failed(id, result.getThrowable().orElse(null));
            }
            if (isClass(id)) {
                System.out.printf("%-14s %4d passed  %5.1f s%n", id.getDisplayName(), classPassed,
                        (System.nanoTime() - classStart) / 1e9);
            }
        }

        private void failed(TestIdentifier id, Throwable reason) {
            failed++;
            var trace = new StringWriter();
            if (reason != null) reason.printStackTrace(new PrintWriter(trace));
            String shown = trace.toString().lines().filter(l -> !l.contains("org.junit.") && !l.contains("java.base/"))
                    .limit(25).collect(Collectors.joining("\n    "));
            failures.add(name(id) + "\n    " + shown);
            System.out.println("  FAILED: " + failures.getLast());
        }

        private static String name(TestIdentifier id) {
            return method(id) + " " + id.getDisplayName();
        }

        private static String method(TestIdentifier id) {
            return id.getSource().filter(MethodSource.class::isInstance).map(MethodSource.class::cast)
                    .map(m -> m.getClassName().replaceFirst(".*\\.", "") + "." + m.getMethodName()).orElse("");
        }

        private static boolean isClass(TestIdentifier id) {
            return id.isContainer() && id.getSource()
                    .filter(org.junit.platform.engine.support.descriptor.ClassSource.class::isInstance).isPresent();
        }

        int close() {
            if (failures.size() > 1) System.out.println("\nFailed:\n  " + String.join("\n  ", failures));
            System.out.printf("%.0f s%s%n", (System.nanoTime() - start) / 1e9,
                    passed + failed == 0 ? "; no test matches, check the names" : "");
            System.out.println(passed + " passed, " + failed + " failed"
                    + (skipped > 0 ? ", " + skipped + " skipped" : ""));
            return failed > 0 || passed == 0 ? 1 : 0;
        }
    }
}
