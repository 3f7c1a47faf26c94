package cop;

import module java.base;
import cop.copilot.Fault;
import cop.copilot.Request;
import tools.jackson.databind.JsonNode;

/// A row and its cells, variant by variant, or why it has none.
///
/// @param id as the row has it, or a hash of what the templates take from it
record EvalRow(InputRow row, Object id, List<CellRequest> cells) {
    /// Returns the cells in the order of sending: all variants, then the next repeat.
    List<CellRequest> interleaved() {
        return cells.stream().sorted(Comparator.comparingInt(CellRequest::repeat)).toList();
    }
}

/// A cell before it is sent.
///
/// @param item with a key of its row, request, and repeat; or with a Fault
record CellRequest(ResolvedVariant variant, int repeat, BatchItem item) {}

/// Reads rows, and makes a request of each row, variant, and repeat.
final class EvalInput implements AutoCloseable {
    final RowFilter rows;
    private final EvalSpec spec;
    private final Set<Integer> chosen;                      // null: all
    private final Iterator<String> keys;                    // of all cells in order, if known; requests are left out
    private final Set<String> names;                        // of values that templates use; empty: any
    private final Map<String, Integer> equal = new HashMap<>();     // how many rows without an id have a hash
    final Set<String> unseen = new HashSet<>();             // the field of --id, until a row has it
    Set<String> fields = Set.of();                          // of the last row
    int index = -1;
    Fault broken;                                           // of an unreadable row, which ends the input

    /// @param keys of all cells, as an earlier reader made them; null to make them and their requests
    EvalInput(RowFilter rows, EvalSpec spec, Set<Integer> chosen, Iterable<String> keys) {
        this.rows = rows;
        this.spec = spec;
        this.chosen = chosen;
        this.keys = keys == null ? null : keys.iterator();
        boolean any = spec.variants.stream().anyMatch(variant -> variant.template().open());
        names = any ? Set.of() : spec.variants.stream().flatMap(variant -> variant.template().names().stream())
                .collect(Collectors.toSet());
        if (spec.batch.id != null) unseen.add(spec.batch.id);
    }

    /// Returns the next row, selected or not; null after the last.
    InputRow read() {
        if (Thread.interrupted()) throw Fault.interrupted();
        try {
            int first = spec.batch.first;
            return broken != null || first > 0 && index + 1 >= first ? null : rows.next();
        } catch (Fault unreadable) {
            broken = unreadable;
            return new InputRow(spec.batch.rows, null, unreadable);
        }
    }

    /// Returns the next selected row; null after the last.
    EvalRow next() {
        for (var row = read(); row != null; row = read()) {
            index++;
            if (chosen == null || chosen.contains(index)) return cells(row);
        }
        return null;
    }

    private EvalRow cells(InputRow row) {
        Object id = row.place();
        try {
            if (row.fault() != null) throw row.fault();
            fields = row.data().keySet();
            unseen.removeAll(fields);
            Object own = id(row.data());
            id = own != null ? own : numbered(hash(row.data()));
            var cells = new ArrayList<CellRequest>();
            for (var variant : spec.variants) {
                if (keys == null) addCells(cells, row, variant, own, id);
                else addKnown(cells, row, variant, id);
            }
            return new EvalRow(row, id, cells);
        } catch (Fault fault) {
            return new EvalRow(row, id, List.of(bad(row, null, id, fault)));
        }
    }

    private void addCells(List<CellRequest> cells, InputRow row, ResolvedVariant variant, Object own, Object id) {
        try {
            var prompt = variant.prompts().apply(row);
            var request = variant.request(prompt);
            String asks = Fingerprint.of(asks(request)), known = own != null ? JsonValues.text(own) : "#"
                    + equal.merge(variant.shown().name() + " " + asks, 1, Integer::sum);
            for (int repeat = 1; repeat <= spec.repeat; repeat++) {
                var key = Fingerprint.of(known.getBytes(StandardCharsets.UTF_8), ("eval " + asks + " "
                        + request.delivery().endpoint() + " " + repeat).getBytes(StandardCharsets.UTF_8));
                cells.add(new CellRequest(variant, repeat, new BatchItem(index, row.place(), id, key, request,
                        prompt.schema(), null, null)));
            }
        } catch (Fault fault) {
            cells.add(bad(row, variant, id, fault));
        }
    }

    private void addKnown(List<CellRequest> cells, InputRow row, ResolvedVariant variant, Object id) {
        for (int repeat = 1; repeat <= spec.repeat; repeat++) {
            if (!keys.hasNext()) throw Fault.error("the input changed while it was read", "");
            cells.add(new CellRequest(variant, repeat, new BatchItem(index, row.place(), id, keys.next(), null, null,
                    null, null)));
        }
    }

    private CellRequest bad(InputRow row, ResolvedVariant variant, Object id, Fault fault) {
        return new CellRequest(variant, 1, BatchItem.bad(index, row.place(), id, fault, null));
    }

    private static byte[] asks(Request request) {
        var body = new TreeMap<String, JsonNode>();         // options in any order
        ChatCompletionsBody.plain(request).forEachEntry(body::put);
        return Json.compact(body).getBytes(StandardCharsets.UTF_8);
    }

    /// Returns the id field as it is, or null.
    private Object id(Map<String, Object> data) {
        String named = spec.batch.id;
        for (String name : named != null ? List.of(named) : List.of("id", "custom_id")) {
            if (RowFilter.isValue(data.get(name))) return data.get(name);
        }
        if (named == null) return null;
        throw Fault.usage("no value for --id " + named, "use a field that every row has");
    }

    /// Returns a hash of what templates take from the row, so that a corrected answer changes no id.
    private String hash(Map<String, Object> data) {
        var used = new LinkedHashMap<>(data);
        if (!names.isEmpty()) used.keySet().retainAll(names);
        return Fingerprint.of(Json.compact(JsonValues.node(used))).substring(0, 16);
    }

    /// Appends the number of a hash among equal ones, from the second on.
    private String numbered(String hash) {
        int number = equal.merge(hash, 1, Integer::sum);
        return hash + (number == 1 ? "" : "#" + number);
    }

    @Override
    public void close() { rows.close(); }
}
