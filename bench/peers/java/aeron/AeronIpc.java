package peers;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Image;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.FragmentHandler;
import java.util.concurrent.ThreadFactory;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.SleepingMillisIdleStrategy;

/**
 * Measures Aeron over IPC, between two JVMs: a log in shared memory, which a media driver keeps.
 *
 * <p>Round trip: a stream each way. Throughput: one stream; the publisher tries again as long as
 * the window is used up. Messages are claimed and written where they lie (tryClaim on an
 * exclusive publication), and copied out by the handler. Both ends spin. The media driver is
 * embedded in the JVM that measures, with one thread for everything (SHARED) that sleeps for a
 * millisecond when there is nothing to do: it moves the publisher's limit on, and has no core of
 * its own.
 */
public final class AeronIpc extends Peer {
    private static final int TERM = 16 << 20;
    private static final int THERE = 1;
    private static final int BACK = 2;

    private AeronIpc() {
        super("aeron", MediaDriver.class, 2,
                "Two JVMs, shared memory; the clock is System.nanoTime; messages are written in the log; the publisher is held up by a window that the media driver's thread moves on, on one of the same two cores.");
    }

    public static void main(String[] args) throws Exception {
        new AeronIpc().run(args);
    }

    private static String channel() {
        return "aeron:ipc?term-length=" + TERM;
    }

    private static String directory(String where) {
        return "/dev/shm/" + where;
    }

    /** Of threads that have to run however busy the two that measure are. */
    private static final ThreadFactory ABOVE = work -> {
        Thread t = new Thread(() -> {
            Place.fifo(1);
            work.run();
        });
        t.setDaemon(true);
        return t;
    };

    private static MediaDriver driver(String where) {
        return MediaDriver.launch(new MediaDriver.Context()
                .aeronDirectoryName(directory(where))
                .dirDeleteOnStart(true)
                .dirDeleteOnShutdown(true)
                .termBufferSparseFile(false)
                .threadingMode(ThreadingMode.SHARED)
                .sharedThreadFactory(ABOVE)
                .sharedIdleStrategy(new SleepingMillisIdleStrategy(1)));
    }

    private static Aeron client(String where) {
        return Aeron.connect(new Aeron.Context().aeronDirectoryName(directory(where)).threadFactory(ABOVE));
    }

    private static ExclusivePublication publication(Aeron aeron, int stream) {
        ExclusivePublication p = aeron.addExclusivePublication(channel(), stream);
        while (!p.isConnected()) {
            Thread.yield();
        }
        return p;
    }

    private static Image image(Subscription s) {
        while (s.imageCount() == 0) {
            Thread.yield();
        }
        return s.imageAtIndex(0);
    }

    /** A publication and what it takes to write to it. */
    private static final class Out {
        private final ExclusivePublication publication;
        private final BufferClaim claim = new BufferClaim();

        Out(ExclusivePublication publication) {
            this.publication = publication;
        }

        void put(Message m) {
            long result;
            while ((result = publication.tryClaim(Message.BYTES, claim)) < 0) {
                if (result == ExclusivePublication.CLOSED || result == ExclusivePublication.NOT_CONNECTED) {
                    throw new IllegalStateException("publication: " + result);
                }
                Thread.onSpinWait();
            }
            MutableDirectBuffer b = claim.buffer();
            int at = claim.offset();
            b.putLong(at, m.seq);
            b.putLong(at + 8, m.stage);
            b.putLong(at + 16, m.c);
            b.putLong(at + 24, m.d);
            b.putLong(at + 32, m.e);
            b.putLong(at + 40, m.f);
            b.putLong(at + 48, m.g);
            claim.commit();
        }
    }

    private static void copy(DirectBuffer b, int at, Message m) {
        m.seq = b.getLong(at);
        m.stage = b.getLong(at + 8);
        m.c = b.getLong(at + 16);
        m.d = b.getLong(at + 24);
        m.e = b.getLong(at + 32);
        m.f = b.getLong(at + 40);
        m.g = b.getLong(at + 48);
    }

    @Override
    protected void roundTrips(String where, Trips trips) throws Exception {
        try (MediaDriver driver = driver(where); Aeron aeron = client(where)) {
            Process other = start("echo", where);
            Subscription subscription = aeron.addSubscription(channel(), BACK);
            Out out = new Out(publication(aeron, THERE));
            Image back = image(subscription);
            Message m = new Message();
            FragmentHandler handler = (buffer, offset, length, header) -> copy(buffer, offset, m);
            trips.measure(() -> {
                m.stage = trips.stage();
                out.put(m);
                while (back.poll(handler, 1) == 0) {
                    Thread.onSpinWait();
                }
            });
            other.destroyForcibly().waitFor();
        }
    }

    @Override
    protected void echo(String where) {
        Aeron aeron = client(where);
        Subscription subscription = aeron.addSubscription(channel(), THERE);
        Out out = new Out(publication(aeron, BACK));
        Image there = image(subscription);
        Message m = new Message();
        Prompt prompt = new Prompt();
        FragmentHandler handler = (buffer, offset, length, header) -> {
            copy(buffer, offset, m);
            out.put(m);
            prompt.see(m);
        };
        while (true) {
            if (there.poll(handler, 1) == 0) {
                Thread.onSpinWait();
            }
        }
    }

    @Override
    protected void receive(String where, Stream stream) throws Exception {
        try (MediaDriver driver = driver(where); Aeron aeron = client(where)) {
            Process other = start("send", where);
            Image image = image(aeron.addSubscription(channel(), THERE));
            Message m = new Message();
            boolean[] over = new boolean[1];
            FragmentHandler handler = (buffer, offset, length, header) -> {
                copy(buffer, offset, m);
                over[0] = !stream.take(m);
            };
            while (!over[0]) {
                if (image.poll(handler, 256) == 0) {
                    Thread.onSpinWait();
                }
            }
            other.destroyForcibly().waitFor();
        }
    }

    @Override
    protected void send(String where) throws Exception {
        Out out = new Out(publication(client(where), THERE));
        Message m = new Message();
        for (Source source = new Source(); source.next(m);) {
            out.put(m);
        }
        Thread.sleep(60_000); // the receiver ends this process
    }
}
