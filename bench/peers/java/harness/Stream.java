package peers;

import java.util.Locale;

/** What a receiver got. */
public final class Stream {
    private long delivered;
    private long expected;
    private long lost;
    private long began;
    private double seconds;

    /** Counts a message that has been copied out; false for the one that ends the stream. */
    public boolean take(Message m) {
        if (m.phase == Source.WARMING) {
            return true;
        }
        if (began == 0) {
            Place.fifo(0);
            began = System.nanoTime();
            expected = m.seq;
        }
        lost += m.seq - expected;
        expected = m.seq + 1;
        if (m.phase == Source.MEASURING) {
            delivered++;
            return true;
        }
        seconds = (System.nanoTime() - began) / 1e9;
        return false;
    }

    String json() {
        return String.format(Locale.ROOT, "\"msgs_per_s\":%.1f,\"delivered\":%d,\"lost\":%d",
                delivered / seconds, delivered, lost);
    }
}
