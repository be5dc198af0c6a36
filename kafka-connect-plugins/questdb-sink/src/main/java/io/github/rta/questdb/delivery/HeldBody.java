package io.github.rta.questdb.delivery;

import java.net.http.HttpRequest.BodyPublisher;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow;

/**
 * The body of a request, of which the last byte can be held back. It is read while it is sent: the client's own
 * publishers would copy all of it first.
 */
final class HeldBody implements BodyPublisher {
    private static final int PIECE = 64 << 10;

    private final byte[] bytes;
    private final int offset;
    private final int length;
    private boolean held;
    private boolean closed;
    private Reading reading;

    HeldBody(byte[] bytes, int offset, int length, boolean held) {
        this.bytes = bytes;
        this.offset = offset;
        this.length = length;
        this.held = held;
    }

    @Override
    public long contentLength() {
        return length;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
        Reading begun = new Reading(subscriber);
        synchronized (this) {
            reading = begun;
        }
        subscriber.onSubscribe(begun);
    }

    /** Lets the last byte go. */
    void release() {
        Reading begun;
        synchronized (this) {
            held = false;
            begun = reading;
        }
        if (begun != null) {
            begun.go();
        }
    }

    /** Nothing is read any more. */
    synchronized void close() {
        closed = true;
    }

    /** Sends piece after piece, one at a time, as far as the client wants them. */
    private final class Reading implements Flow.Subscription {
        private final Flow.Subscriber<? super ByteBuffer> subscriber;
        private long wanted;
        private int position;
        private boolean sending;
        private boolean over;

        Reading(Flow.Subscriber<? super ByteBuffer> subscriber) {
            this.subscriber = subscriber;
        }

        @Override
        public void request(long count) {
            synchronized (HeldBody.this) {
                wanted = wanted + count < 0 ? Long.MAX_VALUE : wanted + count;
            }
            go();
        }

        @Override
        public void cancel() {
            synchronized (HeldBody.this) {
                over = true;
            }
        }

        void go() {
            for (ByteBuffer piece = next(); piece != null; piece = next()) {
                boolean last = position == length;
                subscriber.onNext(piece);
                if (last) {
                    subscriber.onComplete();
                }
                synchronized (HeldBody.this) {
                    sending = false;
                }
            }
        }

        /** The next piece; null while another thread, or a caller of this one, sends one, and when there is none yet. */
        private ByteBuffer next() {
            synchronized (HeldBody.this) {
                int end = Math.min(position + PIECE, held ? length - 1 : length);
                if (sending || over || closed || wanted == 0 || position >= end) {
                    return null;
                }
                ByteBuffer piece = ByteBuffer.wrap(bytes, offset + position, end - position);
                position = end;
                wanted--;
                sending = true;
                over = end == length;
                return piece;
            }
        }
    }
}
