package cop;

import module java.base;

/// Every number that limits the server, in one place, so that a test can shorten them.
record ServerLimits(Admittance admittance, Sizes sizes, Times times) {
    static final ServerLimits DEFAULT = new ServerLimits(new Admittance(4, 32, Duration.ofSeconds(60)), Sizes.DEFAULT,
            Times.DEFAULT);

    /// @param jobs requests at Copilot at once
    /// @param queue requests that wait for one of them
    /// @param patience how long they wait
    record Admittance(int jobs, int queue, Duration patience) {}

    /// @param head bytes of request line and headers
    /// @param body bytes of a request's body
    /// @param inflated bytes of a decompressed body
    /// @param bodies bytes of all bodies in memory, each of which is there two or three times
    /// @param connections open at once
    record Sizes(int head, int body, int inflated, long bodies, int connections) {
        static final Sizes DEFAULT = new Sizes(64 << 10, 32 << 20, 64 << 20, 160 << 20, 4096);
    }

    /// @param client how slow a client may be
    /// @param upstream how long Copilot may be silent before a response's headers, which models that think send late if
    ///     they do not stream, and within its body, where less than HttpSender's own limit has no effect
    /// @param signs how a silent stream shows that it lives
    /// @param shutdown how long streams may go on after Ctrl-C
    record Times(Client client, Duration upstream, Signs signs, Duration shutdown) {
        static final Times DEFAULT = new Times(Client.DEFAULT, Duration.ofMinutes(15), Signs.DEFAULT,
                Duration.ofSeconds(10));
    }

    /// @param head from a request's first byte to the end of its headers
    /// @param body from there to the end of its body
    /// @param idle between requests: longer than in the clients' pools, or they lose a race now and then
    record Client(Duration head, Duration body, Duration idle) {
        static final Client DEFAULT = new Client(Duration.ofSeconds(10), Duration.ofSeconds(120),
                Duration.ofMinutes(5));
    }

    /// @param ping the silence after which Anthropic's clients get a `ping`
    /// @param comment the silence after which the others get a comment
    /// @param filler the time without an event after which Anthropic's clients get one without content: Claude Code
    ///     has a watchdog of 300 s that pings do not feed
    record Signs(Duration ping, Duration comment, Duration filler) {
        static final Signs DEFAULT = new Signs(Duration.ofSeconds(5), Duration.ofSeconds(10),
                Duration.ofSeconds(240));
    }
}
