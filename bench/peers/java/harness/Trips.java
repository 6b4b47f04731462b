package peers;

import java.util.Locale;
import org.HdrHistogram.Histogram;

/**
 * The distribution of round trips, of three digits. The clock is System.nanoTime, read before
 * and after a round trip; what a histogram record costs lies outside.
 */
public final class Trips {
    private final Histogram histogram = new Histogram(1, 60_000_000_000L, 3);
    private long ends;
    private long stage;

    /** One round trip. */
    public interface Trip {
        void make();
    }

    /** Makes round trips, one after the other, until the time is up. */
    public void measure(Trip trip) {
        begin();
        long start;
        do {
            start = System.nanoTime();
            trip.make();
        } while (record(start, System.nanoTime()));
    }

    /** Starts the warm-up. For those who cannot use measure: call record for each round trip. */
    public void begin() {
        ends = System.nanoTime() + Stages.nanos(0);
    }

    /** Takes the times before and after one round trip. It is false when the time is up. */
    public boolean record(long start, long end) {
        histogram.recordValue(Math.min(end - start, 60_000_000_000L));
        return end < ends || !over();
    }

    /** For a message: the other end goes through the same stages. */
    public long stage() {
        return stage;
    }

    private boolean over() {
        stage++;
        if (stage == Stages.OVER) {
            return true;
        }
        if (stage == Stages.ALONE) {
            Place.fifo(0);
        }
        histogram.reset();
        ends = System.nanoTime() + Stages.nanos(stage);
        return false;
    }

    String json() {
        Histogram h = histogram;
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT,
                "\"samples\":%d,\"p50_ns\":%d,\"p90_ns\":%d,\"p99_ns\":%d,\"p999_ns\":%d,\"p9999_ns\":%d,"
                        + "\"max_ns\":%d,\"clock_ns\":%.1f,\"curve\":[",
                h.getTotalCount(), h.getValueAtPercentile(50), h.getValueAtPercentile(90),
                h.getValueAtPercentile(99), h.getValueAtPercentile(99.9), h.getValueAtPercentile(99.99),
                h.getMaxValue(), clockCost()));
        // Points at 100(1-10^-x) as long as at least one sample lies beyond.
        for (int i = 0;; i++) {
            double beyond = Math.pow(10, -i / 10.0);
            if (beyond * h.getTotalCount() < 1) {
                break;
            }
            double percentile = 100 * (1 - beyond);
            text.append('[').append(percentile).append(',').append(h.getValueAtPercentile(percentile)).append("],");
        }
        return text.append("[100,").append(h.getMaxValue()).append("]]").toString();
    }

    /** What a reading of the clock takes, in nanoseconds: the median of many groups. */
    private static double clockCost() {
        final int group = 1000;
        Histogram costs = new Histogram(3);
        for (int i = 0; i < 1001; i++) {
            long first = System.nanoTime();
            long last = first;
            for (int k = 1; k < group; k++) {
                last = System.nanoTime();
            }
            costs.recordValue(last - first);
        }
        return costs.getValueAtPercentile(50) / (double) (group - 1);
    }
}
