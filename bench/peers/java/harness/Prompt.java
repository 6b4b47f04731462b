package peers;

/** Keeps a thread that echoes in step with the one that measures: the messages say the stage. */
public final class Prompt {
    private long stage;

    public void see(Message m) {
        if (m.stage != stage) {
            stage = m.stage;
            if (stage == Stages.ALONE) {
                Place.fifo(0);
            }
        }
    }
}
