package cop;

import module java.base;
import cop.copilot.Fault;

/// Copies one stream from Copilot to a client, through a translator, and shows in silence that it lives. What arrives
/// together is sent together. A stream that breaks off ends with an error in the client's own form.
final class StreamRelay {
    private final Exchange exchange;
    private final Exchange.Sink sink;
    private final StreamTranslator translator;
    private final ServerLimits.Signs signs;
    private final ReentrantLock lock = new ReentrantLock();             // around the translator and what it returns
    private volatile boolean ended;
    private volatile long lastEvent = System.nanoTime();

    StreamRelay(Exchange exchange, Exchange.Sink sink, StreamTranslator translator, ServerLimits.Signs signs) {
        this.exchange = exchange;
        this.sink = sink;
        this.translator = translator;
        this.signs = signs;
    }

    /// Copies all of it.
    ///
    /// @throws Fault of kind INTERRUPTED if the client has left
    void copy(ApiResponse answer) {
        var signals = Thread.ofVirtual().name("keep-alive").start(this::keepAlive);
        try {
            var batch = new ByteArrayOutputStream(1024);
            var events = new EventSplitter((name, data) -> batch.writeBytes(translator.event(name, data)));
            var buffer = new byte[16 << 10];
            var in = answer.body().plain();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) send(events, buffer, n, batch);
            last(events, batch);
        } catch (IOException lost) {
            broken(new ApiRefusal(502, "upstream_disconnected", "Copilot interrupted the answer: "
                    + Text.reason(lost)));
        } catch (ApiRefusal refusal) {
            broken(refusal);
        } catch (Fault stopped) {
            if (exchange.isGone()) throw stopped;
            Thread.interrupted();
            broken(ApiRefusal.stopping());
        } catch (RuntimeException | Error defect) {
            broken(defect);
            throw defect;
        } finally {
            ended = true;
            signals.interrupt();
        }
    }

    private void send(EventSplitter events, byte[] buffer, int length, ByteArrayOutputStream batch)
            throws IOException {
        lock.lock();
        try (Closeable _ = () -> flush(batch)) {    // also what came before a fault, which stays the first
            events.accept(buffer, length);
        } finally {
            lock.unlock();
        }
    }

    private void flush(ByteArrayOutputStream batch) {
        if (batch.size() == 0) return;
        sink.write(batch.toByteArray());
        lastEvent = System.nanoTime();
        batch.reset();
    }

    private void last(EventSplitter events, ByteArrayOutputStream batch) throws IOException {
        lock.lock();
        try {
            ended = true;
            try (Closeable _ = () -> flush(batch)) {
                events.end();
            }
            batch.writeBytes(translator.end());
            if (translator.isBroken()) sink.breakOff(batch.toByteArray(), BrokenStream.ended().getMessage());
            else {
                sink.write(batch.toByteArray());
                sink.close();
            }
        } finally {
            lock.unlock();
        }
    }

    /// Ends the stream with an error, unless the client has all of it.
    private void broken(ApiRefusal why) {
        lock.lock();
        try {
            ended = true;
            byte[] frames;
            try {
                frames = translator.failed(why);
            } catch (RuntimeException | Error defect) {
                sink.breakOff(exchange.protocol().broken(why), why.getMessage());
                throw defect;
            }
            if (frames.length == 0) sink.close();
            else sink.breakOff(frames, why.getMessage());
        } finally {
            lock.unlock();
        }
    }

    /// Ends the stream after a defect, always with an error: the translator may think that it has sent the end.
    private void broken(Throwable defect) {
        var why = ApiRefusal.defect();
        lock.lock();
        try {
            ended = true;
            byte[] frames = StreamTranslator.NOTHING;
            try {
                frames = translator.failed(why);
            } catch (RuntimeException | Error another) {
                defect.addSuppressed(another);
            }
            sink.breakOff(frames.length > 0 ? frames : exchange.protocol().broken(why), why.getMessage());
        } finally {
            lock.unlock();
        }
    }

    private void keepAlive() {
        var period = exchange.protocol() == ApiProtocol.MESSAGES ? signs.ping() : signs.comment();
        try {
            while (!ended) {
                long left = period.minus(sink.silence()).toMillis();
                if (left > 0) Thread.sleep(left);
                else signal();
            }
        } catch (InterruptedException | Fault _) {
            // it has ended, or the client has left, which interrupts the other thread
        }
    }

    private void signal() {
        lock.lock();
        try {
            if (ended) return;
            boolean silent = System.nanoTime() - lastEvent > signs.filler().toNanos();
            var filler = silent ? translator.filler() : StreamTranslator.NOTHING;
            if (filler.length > 0) lastEvent = System.nanoTime();
            sink.write(filler.length > 0 ? filler : exchange.protocol().keepAlive());
        } finally {
            lock.unlock();
        }
    }
}
