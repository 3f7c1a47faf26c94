package cop;

import module java.base;
import cop.copilot.Fault;
import tools.jackson.databind.JsonNode;

/// Runs a client that uses the server, with the settings of this run: in its environment, in options, and in a file
/// that only its user can read and that is deleted at the end. The key is never an argument, which others could see.
///
/// @param client `claude`, `codex` or `aider`
/// @param program its executable
record ClientLauncher(Environment env, String client, Path program) {
    /// The clients and how each is installed.
    private static final Map<String, String> INSTALL = Map.of("claude", "npm install -g @anthropic-ai/claude-code",
            "codex", "npm install -g @openai/codex", "aider", "python -m pip install aider-install && aider-install");
    /// Variables that would lead Claude Code elsewhere.
    private static final Set<String> MISLEADING = Set.of("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY");
    /// How long a client may take to end after SIGTERM.
    private static final Duration GRACE = Duration.ofSeconds(8);

    /// Finds the client.
    ///
    /// @throws Fault if it is not on the PATH, with the command that installs it
    static ClientLauncher of(Environment env, String client) {
        var endings = Text.WINDOWS ? List.of(".exe", ".cmd", ".bat") : List.of("");
        String folders = Objects.requireNonNullElse(env.variable("PATH"), "");
        return Stream.of(folders.split(File.pathSeparator)).filter(folder -> !folder.isEmpty())
                .flatMap(folder -> endings.stream().map(ending -> env.existing(folder + File.separator + client
                        + ending))).flatMap(Optional::stream)
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file)).findFirst()
                .map(file -> new ClientLauncher(env, client, file))
                .orElseThrow(() -> Fault.usage(client + " is not on the PATH", INSTALL.get(client)));
    }

    /// Runs the client with the terminal, until it ends.
    ///
    /// @return its exit code
    int run(ClientSettings settings, String key, List<String> arguments) {
        Path file = null;
        try {
            var options = new ArrayList<String>();
            var variables = new HashMap<String, String>();
            switch (client) {
                case "claude" -> {
                    variables.putAll(settings.claude());
                    variables.put("ANTHROPIC_AUTH_TOKEN", key);
                    file = file(ClientSettings.claudeSettings(variables));
                    options.addAll(List.of("--settings", file.toString()));
                }
                case "codex" -> {
                    options.addAll(settings.codex());
                    variables.put(ClientSettings.KEY, key);
                }
                default -> {
                    variables.putAll(settings.aider());
                    variables.put("OPENAI_API_KEY", key);
                    file = file(settings.aiderModels());
                    options.addAll(settings.aiderOptions());
                    options.addAll(List.of("--model-metadata-file", file.toString()));
                }
            }
            options.addAll(arguments);
            return run(options, variables);
        } catch (IOException e) {
            throw Fault.io("cannot run " + program, e, "check that it runs without serve: " + client);
        } finally {
            if (file != null) file.toFile().delete();
        }
    }

    private static Path file(JsonNode json) throws IOException {
        return Files.writeString(Files.createTempFile("cop-serve-", ".json"), Json.pretty(json));   // mode 0600
    }

    private int run(List<String> options, Map<String, String> variables) throws IOException {
        var builder = new ProcessBuilder(Stream.concat(Stream.of(program.toString()), options.stream()).toList())
                .inheritIO().directory(env.directory().toFile());
        var environment = builder.environment();
        environment.clear();
        environment.putAll(env.variables());
        environment.keySet().removeAll(MISLEADING);
        environment.remove(ServeKey.VARIABLE);              // of another server, which outlives this client
        environment.putAll(variables);
        for (String name : List.of("NO_PROXY", "no_proxy")) {           // a proxy cannot reach this computer's loopback
            environment.merge(name, "127.0.0.1,localhost", (old, own) -> old.isBlank() ? own : old + "," + own);
        }
        env.shutdown().patience(GRACE.plusSeconds(2));
        var process = builder.start();
        var code = new AtomicInteger();
        env.shutdown().stoppable(() -> code.set(ended(process)));
        return code.get();
    }

    /// Waits for the client. Ctrl-C reaches it from the terminal, and it may go on; SIGTERM and SIGHUP are passed on.
    private int ended(Process process) {
        while (true) {
            try {
                return process.waitFor();
            } catch (InterruptedException e) {
                if (!env.shutdown().signaled()) continue;
                process.destroy();
                if (!endsWithin(process, GRACE)) process.destroyForcibly();
                throw Fault.interrupted();
            }
        }
    }

    private static boolean endsWithin(Process process, Duration time) {
        try {
            return process.waitFor(time.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            return false;
        }
    }
}
