package peers;

import java.util.Locale;

/** What a receiver got. */
public final class Stream {
    private long stage;
    private long delivered;
    private long expected;
    private long lost;
    private long began;
    private String json;

    /** Counts a message that has been copied out; false for the one that ends the stream. */
    public boolean take(Message m) {
        if (m.stage != stage) {
            return change(m);
        }
        delivered++;
        lost += m.seq - expected;
        expected = m.seq + 1;
        return true;
    }

    /** At the first message of a stage. Each is counted, the measured one is kept. */
    private boolean change(Message m) {
        if (m.stage == Stages.OVER) {
            lost += m.seq - expected;
            double seconds = (System.nanoTime() - began) / 1e9;
            json = String.format(Locale.ROOT, "\"msgs_per_s\":%.1f,\"delivered\":%d,\"lost\":%d",
                    delivered / seconds, delivered, lost);
            return false;
        }
        stage = m.stage;
        if (stage == Stages.ALONE) {
            Place.fifo(0);
        }
        delivered = 1;
        lost = 0;
        expected = m.seq + 1;
        began = System.nanoTime();
        return true;
    }

    String json() {
        return json;
    }
}
