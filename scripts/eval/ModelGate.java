package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Reply;
import cop.copilot.Request;

/// Keeps a model that GitHub refuses from stopping the others: its cells fail. Until a model has answered, only a few
/// of its cells are in flight, so that these do not make up the share of failures that halts a run.
final class ModelGate {
    private final Function<Request, Reply> sender;
    private final int most;                                 // in flight to a model that has not answered
    private final Set<String> asked;                        // models
    private final Set<String> proven = new HashSet<>();
    private final Map<String, Integer> inFlight = new HashMap<>();
    private final Map<String, Fault> refused = new LinkedHashMap<>();

    /// @param asked the models of all cells to be sent
    ModelGate(Function<Request, Reply> sender, Set<String> asked, double haltShare) {
        this.sender = sender;
        this.asked = asked;
        most = asked.size() < 2 ? Integer.MAX_VALUE : Math.max(1, (int) (haltShare * 50 / asked.size()));
    }

    /// Sends a request; a refusal of its model is one that a row ends with.
    Reply send(Request request) {
        try {
            var reply = sender.apply(request);
            answered(request.model());
            return reply;
        } catch (Fault fault) {
            throw isOfModel(fault) ? refused(request.model(), fault) : fault;
        }
    }

    private synchronized void answered(String model) {
        proven.add(model);
        notifyAll();
    }

    /// @return what ends a row; or if no other model is left, what stops the run
    private synchronized Fault refused(String model, Fault fault) {
        if (proven.contains(model) && FaultClass.of(fault) != FaultClass.ROW) return fault;
        refused.putIfAbsent(model, fault);
        notifyAll();
        return allRefused() ? fault : asRow(fault);
    }

    private static Fault asRow(Fault fault) {
        if (FaultClass.of(fault) == FaultClass.ROW) return fault;
        var refusal = ApiError.behind(fault);
        String code = refusal.code().isEmpty() ? "http_" + refusal.status() : refusal.code();
        return new Fault(Fault.Kind.OTHER, Fault.ERROR, fault.message(), fault.hint(), new ApiError(new ErrorResponse(
                400, code, refusal.message(), refusal.json(), refusal.requestId(), refusal.headers(), refusal.now())));
    }

    /// Detects a model that is unknown upstream, or not enabled for this account.
    private static boolean isOfModel(Fault fault) {
        var refusal = ApiError.behind(fault);
        boolean ofAccount = refusal == null || refusal.quota() || refusal.limited() || fault.is(Fault.Kind.ABUSE)
                || refusal.json().has("error_details");
        if (ofAccount) return false;
        return refusal.kind().matches("model_not.*|unsupported_api_for_model|unknown_model")
                || refusal.status() == 403 || refusal.status() == 404;
    }

    /// Waits until a cell of this model may be handed out.
    ///
    /// @param tick called about twice a second
    /// @return why the model was refused, or null
    Fault enter(String model, BooleanSupplier stopped, Runnable tick) throws InterruptedException {
        while (!stopped.getAsBoolean() && isFull(model)) tick.run();    // which has a lock of its own
        synchronized (this) {
            var fault = refused.get(model);
            if (fault == null) inFlight.merge(model, 1, Integer::sum);
            return fault;
        }
    }

    /// Returns whether a model has its most cells in flight, if so after half a second or a change.
    private synchronized boolean isFull(String model) throws InterruptedException {
        if (!hasMost(model)) return false;
        wait(500);
        return hasMost(model);
    }

    private boolean hasMost(String model) {
        return !proven.contains(model) && !refused.containsKey(model) && inFlight.getOrDefault(model, 0) >= most;
    }

    synchronized void left(String model) {
        inFlight.merge(model, -1, Integer::sum);
        notifyAll();
    }

    /// Returns whether no model is left.
    synchronized boolean allRefused() { return refused.keySet().containsAll(asked); }
}
