package peers;

/** Seven words, all written and all copied out by the receiver. */
public final class Message {
    public static final int BYTES = 56;

    public long seq;
    public long stage;
    public long c;
    public long d;
    public long e;
    public long f;
    public long g;

    public void copy(Message from) {
        seq = from.seq;
        stage = from.stage;
        c = from.c;
        d = from.d;
        e = from.e;
        f = from.f;
        g = from.g;
    }
}
