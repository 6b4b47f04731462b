package peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.wire.DocumentContext;

/**
 * Measures Chronicle Queue, between two JVMs: a journal in mapped files, here in /dev/shm, that
 * keeps every message.
 *
 * <p>Round trip: a queue each way. Throughput: one queue; nothing holds the writer up, and
 * nothing is lost because everything is kept. Messages are written and read as words of a
 * document, both where they lie. Both ends spin.
 */
public final class Chronicle extends Peer {
    private Chronicle() {
        super("chronicle", ChronicleQueue.class, 2,
                "Two JVMs; the clock is System.nanoTime; a journal in memory-mapped files in /dev/shm that keeps every message, so that new pages are touched all the time; no back pressure, the reader can be any distance behind.");
    }

    public static void main(String[] args) throws Exception {
        new Chronicle().run(args);
    }

    private static Path directory(String where) {
        return Path.of("/dev/shm", where);
    }

    private static ChronicleQueue queue(String where, String way) {
        return ChronicleQueue.singleBuilder(directory(where).resolve(way)).build();
    }

    private static void remove(String where) throws IOException {
        try (var paths = Files.walk(directory(where))) {
            for (Path p : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(p);
            }
        }
    }

    private static void put(ExcerptAppender out, Message m) {
        try (DocumentContext document = out.writingDocument()) {
            Bytes<?> b = document.wire().bytes();
            b.writeLong(m.seq);
            b.writeLong(m.stage);
            b.writeLong(m.c);
            b.writeLong(m.d);
            b.writeLong(m.e);
            b.writeLong(m.f);
            b.writeLong(m.g);
        }
    }

    /** False if there is no message. */
    private static boolean get(ExcerptTailer in, Message m) {
        try (DocumentContext document = in.readingDocument()) {
            if (!document.isPresent()) {
                return false;
            }
            Bytes<?> b = document.wire().bytes();
            m.seq = b.readLong();
            m.stage = b.readLong();
            m.c = b.readLong();
            m.d = b.readLong();
            m.e = b.readLong();
            m.f = b.readLong();
            m.g = b.readLong();
            return true;
        }
    }

    @Override
    protected void roundTrips(String where, Trips trips) throws Exception {
        try (ChronicleQueue there = queue(where, "there"); ChronicleQueue back = queue(where, "back")) {
            Process other = start("echo", where);
            ExcerptAppender out = there.createAppender();
            ExcerptTailer in = back.createTailer();
            Message m = new Message();
            trips.measure(() -> {
                m.stage = trips.stage();
                put(out, m);
                while (!get(in, m)) {
                    Thread.onSpinWait();
                }
            });
            other.destroyForcibly().waitFor();
        } finally {
            remove(where);
        }
    }

    @Override
    protected void echo(String where) {
        ExcerptTailer in = queue(where, "there").createTailer();
        ExcerptAppender out = queue(where, "back").createAppender();
        Message m = new Message();
        Prompt prompt = new Prompt();
        while (true) {
            if (get(in, m)) {
                put(out, m);
                prompt.see(m);
            } else {
                Thread.onSpinWait();
            }
        }
    }

    @Override
    protected void receive(String where, Stream stream) throws Exception {
        try (ChronicleQueue queue = queue(where, "stream")) {
            ExcerptTailer in = queue.createTailer();
            Process other = start("send", where);
            Message m = new Message();
            while (true) {
                if (!get(in, m)) {
                    Thread.onSpinWait();
                } else if (!stream.take(m)) {
                    break;
                }
            }
            other.destroyForcibly().waitFor();
        } finally {
            remove(where);
        }
    }

    @Override
    protected void send(String where) throws Exception {
        ExcerptAppender out = queue(where, "stream").createAppender();
        Message m = new Message();
        for (Source source = new Source(); source.next(m);) {
            put(out, m);
        }
        Thread.sleep(60_000); // the receiver ends this process
    }
}
