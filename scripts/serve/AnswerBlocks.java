package cop;

import module java.base;
import cop.AnswerEvent.*;
import tools.jackson.databind.node.ObjectNode;

/// Puts the parts of an answer in a row: one is open at a time, as Anthropic's clients require. What belongs to a later
/// call, while one is open, waits for the end of that (LiteLLM #15307, #13373).
final class AnswerBlocks {
    enum Kind {TEXT, THINKING, CALL}

    static final class Block {
        final Kind kind;
        final String id, name;                              // of a call
        final StringBuilder text = new StringBuilder();     // or arguments
        ObjectNode sealed;                                  // of thinking; may be null
        int index = -1;                                     // once it is open
        private boolean ended;

        Block(Kind kind, String id, String name) {
            this.kind = kind;
            this.id = id;
            this.name = name;
        }
    }

    interface Listener {
        void open(Block block);

        void delta(Block block, String text);

        void close(Block block);
    }

    private final Listener listener;
    private final List<Block> all = new ArrayList<>();      // in the order of opening
    private final Deque<Block> waiting = new ArrayDeque<>();
    private final Map<Integer, Block> calls = new HashMap<>();
    private Block open;
    private boolean paragraph;

    AnswerBlocks(Listener listener) { this.listener = listener; }

    List<Block> all() { return all; }

    Block open() { return open; }

    void accept(AnswerEvent event) {
        switch (event) {
            case TextDelta text -> prose(Kind.TEXT, text.text());
            case ThinkingDelta thinking -> prose(Kind.THINKING, thinking.text());
            case Paragraph _ -> paragraph = true;
            case ThinkingEnd end -> sealed(end.sealed());
            case CallBegin begin -> {
                var block = new Block(Kind.CALL, begin.id(), begin.name());
                calls.put(begin.key(), block);
                enter(block);
            }
            case CallDelta delta -> more(calls.get(delta.key()), delta.arguments());
            case CallEnd end -> end(calls.get(end.key()));
            case End _ -> finish();
            case Begin _, Used _, Finish _, Failed _ -> { }
        }
    }

    private void prose(Kind kind, String text) {
        var last = waiting.isEmpty() ? open : waiting.getLast();
        boolean goesOn = last != null && last.kind == kind && !last.ended && !(kind == Kind.TEXT && paragraph);
        if (kind == Kind.TEXT) paragraph = false;
        if (goesOn) more(last, text);
        else more(enter(new Block(kind, "", "")), text);
    }

    private void sealed(ObjectNode content) {
        var last = waiting.isEmpty() ? open : waiting.getLast();
        boolean thinking = last != null && last.kind == Kind.THINKING && !last.ended;
        if (!thinking && content == null) return;
        var block = thinking ? last : enter(new Block(Kind.THINKING, "", ""));
        block.sealed = content;
        end(block);
    }

    /// Opens a block, or lets it wait for an open call.
    private Block enter(Block block) {
        if (open != null && open.kind == Kind.CALL) {
            waiting.add(block);
        } else {
            close();
            open(block);
        }
        return block;
    }

    private void open(Block block) {
        block.index = all.size();
        all.add(block);
        open = block;
        listener.open(block);
        if (!block.text.isEmpty()) listener.delta(block, block.text.toString());
    }

    private void more(Block block, String text) {
        if (block == null || block.ended) return;
        block.text.append(text);
        if (block == open) listener.delta(block, text);
    }

    private void end(Block block) {
        if (block == null) return;
        block.ended = true;
        if (block != open) return;
        close();
        while (open == null && !waiting.isEmpty()) {
            var next = waiting.poll();
            open(next);
            if (next.kind != Kind.CALL && !waiting.isEmpty() || next.ended) close();
        }
    }

    private void close() {
        if (open == null) return;
        open.ended = true;
        listener.close(open);
        open = null;
    }

    private void finish() {
        waiting.forEach(block -> block.ended = true);
        end(open);
        close();
    }
}
