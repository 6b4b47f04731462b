package peers;

/** Makes the messages of a stream, one of Stages.OVER as the last. */
public final class Source {
    private long seq;
    private long stage;
    private long ends = System.nanoTime() + Stages.nanos(0);

    /** Makes the next message; false after the one that ends the stream. */
    public boolean next(Message m) {
        if (stage == Stages.OVER) {
            return false;
        }
        if ((seq & 1023) == 0 && System.nanoTime() >= ends) {
            change();
        }
        m.seq = seq;
        m.stage = stage;
        m.c = seq;
        m.d = seq;
        m.e = seq;
        m.f = seq;
        m.g = seq;
        seq++;
        return true;
    }

    private void change() {
        stage++;
        if (stage == Stages.ALONE) {
            Place.fifo(0);
        }
        ends = System.nanoTime() + Stages.nanos(stage);
    }
}
