package peers;

/** Puts a thread that echoes under PEERS_FIFO when the warm-up is over: the messages say so. */
public final class Prompt {
    private boolean done;

    public void see(Message m) {
        if (!done && m.phase != 0) {
            done = true;
            Place.fifo(0);
        }
    }
}
