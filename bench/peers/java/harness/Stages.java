package peers;

/**
 * The stages of a run, which both ends go through. There are several of warm-up, so that the
 * compilers have seen a stage change, too: a way that was never gone before is interpreted at
 * first, and to compile it may take long when both cores spin. At ALONE the threads that measure
 * take their scheduling (see Place.fifo).
 */
final class Stages {
    static final int ALONE = 7;
    static final int MEASURED = 8;
    static final int OVER = 9;

    private Stages() {}

    /** How long a stage before OVER is. */
    static long nanos(long stage) {
        return stage == MEASURED ? Place.measuredNanos() : 500_000_000L;
    }
}
