package cop;

import module java.base;

/// Admits so many requests at a time, in the order of arrival. A place is kept until the whole answer is sent, so that
/// long streams count. A model that Copilot has limited waits until the limit ends; others pass it by.
final class Admission {
    private final ServerLimits.Admittance limits;
    private final ReentrantLock lock = new ReentrantLock();
    private final SequencedSet<Waiting> queue = new LinkedHashSet<>();
    private final Map<String, Long> holds = new HashMap<>();            // model to System.nanoTime()
    private int running;
    private long mean = Duration.ofSeconds(5).toNanos();                // of a request, for Retry-After

    private final class Waiting {
        private final String model;
        private final Condition turn = lock.newCondition();
        private boolean admitted;

        Waiting(String model) { this.model = model; }
    }

    /// A place among the running requests.
    final class Lease implements AutoCloseable {
        private final long since = System.nanoTime();
        private final AtomicBoolean closed = new AtomicBoolean();

        @Override
        public void close() {
            if (!closed.compareAndSet(false, true)) return;
            locked(() -> {
                running--;
                mean += (System.nanoTime() - since - mean) / 8;
                admit();
                return null;
            });
        }
    }

    Admission(ServerLimits.Admittance limits) { this.limits = limits; }

    /// Waits for a place.
    ///
    /// @param queued called once if it has to wait
    /// @throws ApiRefusal a 429 if too many wait, it waits too long, or the model is limited for longer than that
    /// @throws copilot.Fault of kind INTERRUPTED if the thread is interrupted, that is, its client has left
    Lease enter(String model, Runnable queued) {
        return locked(() -> {
            long now = System.nanoTime(), deadline = now + limits.patience().toNanos();
            var self = new Waiting(model);
            queue.add(self);
            admit();
            try {
                if (!self.admitted) {
                    refuseIfHopeless(self, now, deadline);
                    queued.run();
                    await(self, deadline);
                }
                return new Lease();
            } finally {
                queue.remove(self);
            }
        });
    }

    /// Holds all requests for a model until a limit of Copilot's ends.
    void hold(String model, Duration wait) {
        locked(() -> holds.merge(model, System.nanoTime() + Durations.min(wait, Duration.ofDays(1)).toNanos(),
                Math::max));
    }

    /// Forgets all limits of Copilot's.
    void forget() {
        locked(() -> {
            holds.clear();
            return null;
        });
    }

    int running() { return locked(() -> running); }

    int queued() { return locked(queue::size); }

    private void await(Waiting self, long deadline) {
        try {
            while (!self.admitted) {
                long now = System.nanoTime(), end = Math.min(deadline, Math.max(now + 1, heldUntil(self.model, now)
                        .orElse(deadline)));
                if (now >= deadline) throw late(self.model, now);
                self.turn.awaitNanos(end - now);
                admit();
            }
        } catch (InterruptedException e) {
            if (self.admitted) {
                running--;
                admit();
            }
            throw copilot.Fault.interrupted();
        }
    }

    private void refuseIfHopeless(Waiting self, long now, long deadline) {
        var held = heldUntil(self.model, now);
        if (held.isPresent() && held.get() > deadline) throw late(self.model, now);
        if (queue.size() <= limits.queue()) return;
        throw ApiRefusal.later("queue_full", limits.jobs() + " requests are running and " + limits.queue()
                + " are waiting; try again later, or start serve with a larger --jobs or --queue", expected());
    }

    private ApiRefusal late(String model, long now) {
        var held = heldUntil(model, now);
        if (held.isPresent()) return ApiRefusal.later("rate_limit_exceeded", "Copilot limits requests to " + model
                + " for another " + Durations.words(Duration.ofNanos(held.get() - now)),
                Duration.ofNanos(held.get() - now));
        return ApiRefusal.later("queue_timeout", "waited " + Durations.words(limits.patience()) + " for one of "
                + limits.jobs() + " places; try again later, or start serve with a larger --jobs", expected());
    }

    private Duration expected() {
        long rounds = 1 + queue.size() / Math.max(1, limits.jobs());
        return Durations.min(Duration.ofNanos(mean).multipliedBy(rounds), Duration.ofSeconds(60));
    }

    /// Admits those who may run, in the order of arrival.
    private void admit() {
        long now = System.nanoTime();
        for (var each = queue.iterator(); each.hasNext() && running < limits.jobs();) {
            var waiting = each.next();
            if (heldUntil(waiting.model, now).isPresent()) continue;
            each.remove();                                  // its thread may wake later, when others want to wait
            waiting.admitted = true;
            running++;
            waiting.turn.signal();
        }
    }

    private Optional<Long> heldUntil(String model, long now) {
        var until = holds.get(model);
        if (until != null && until - now > 0) return Optional.of(until);
        holds.remove(model);
        return Optional.empty();
    }

    private <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }
}
