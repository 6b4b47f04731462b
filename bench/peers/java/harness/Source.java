package peers;

/**
 * Makes the messages of a stream: some that are not measured, those that are, and one that says
 * it is over.
 */
public final class Source {
    static final long WARMING = 0;
    static final long MEASURING = 1;
    static final long ENDED = 2;
    private static final long OVER = 3;

    private long seq;
    private long phase = WARMING;
    private long ends;

    /** Makes the next message; false after the one that ends the stream. */
    public boolean next(Message m) {
        if ((seq & 1023) == 0) {
            look();
        }
        if (phase == OVER) {
            return false;
        }
        m.seq = seq;
        m.phase = phase;
        m.c = seq;
        m.d = seq;
        m.e = seq;
        m.f = seq;
        m.g = seq;
        seq++;
        if (phase == ENDED) {
            phase = OVER;
        }
        return true;
    }

    /** Looks at the clock, which is too slow for every message. */
    private void look() {
        long now = System.nanoTime();
        if (ends == 0) {
            ends = now + Place.WARM_UP_NANOS;
        } else if (now >= ends && phase == WARMING) {
            Place.fifo(0);
            phase = MEASURING;
            ends = System.nanoTime() + Place.measuredNanos();
        } else if (now >= ends && phase == MEASURING) {
            phase = ENDED;
        }
    }
}
