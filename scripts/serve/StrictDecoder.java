package cop;

import module java.base;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.LastHttpContent;

/// Netty's decoder of requests, without what it tolerates for compatibility: two lengths in one request, and headers
/// that are continued on the next line. Both have been used to smuggle a request past a proxy.
final class StrictDecoder extends HttpRequestDecoder {
    private final Runnable begun;
    private boolean inHead = true, text;                    // whether a byte of the request line was seen
    private int known;                                      // bytes of the buffer that were checked before
    private byte last, beforeLast;

    /// @param begun called at the first byte of each request
    StrictDecoder(int head, Runnable begun) {
        super(new HttpDecoderConfig().setMaxInitialLineLength(16 << 10).setMaxHeaderSize(head).setMaxChunkSize(64 << 10)
                .setAllowDuplicateContentLengths(false).setStrictLineParsing(true)
                .setUseRfc9112TransferEncoding(true));
        this.begun = begun;
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf buffer, List<Object> out) throws Exception {
        if (inHead) check(buffer);
        int before = out.size();
        super.decode(context, buffer, out);
        known = buffer.readableBytes();
        for (Object each : out.subList(before, out.size())) {
            if (each instanceof HttpRequest) inHead = false;
            if (!(each instanceof LastHttpContent)) continue;
            inHead = true;
            text = false;
            known = last = beforeLast = 0;
        }
    }

    /// Looks at each new byte of a head for a blank at the beginning of a line.
    private void check(ByteBuf buffer) {
        for (int i = buffer.readerIndex() + Math.min(known, buffer.readableBytes()); i < buffer.writerIndex(); i++) {
            byte b = buffer.getByte(i);
            if (text && last == '\n' && (b == ' ' || b == '\t')) {
                throw new IllegalArgumentException("a header is continued on the next line");
            }
            if (text && b == '\n' && (last == '\n' || last == '\r' && beforeLast == '\n')) return;     // the end
            if (!text && b != '\r' && b != '\n') {
                text = true;
                begun.run();
            }
            beforeLast = last;
            last = b;
        }
    }

    @Override
    protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
        throw new IllegalArgumentException("both Content-Length and Transfer-Encoding");
    }
}
