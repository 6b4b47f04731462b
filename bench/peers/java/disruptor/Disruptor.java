package peers;

import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BatchEventProcessorBuilder;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;

/**
 * Measures the LMAX Disruptor: a ring of objects between two threads of one JVM, which spin.
 *
 * <p>Round trip: a ring each way. The handler of the second takes the time and sends the next
 * message itself, so that there are two threads and not three. Throughput: one ring with one
 * producer, each message claimed and published by itself; the handler gets what is there as one
 * batch. A full ring holds the producer up.
 */
public final class Disruptor extends Peer {
    private static final int SMALL = 1024;
    private static final int LARGE = 1 << 16;

    private Disruptor() {
        super("disruptor", RingBuffer.class, 1,
                "Threads of one JVM with objects in its heap; the clock is System.nanoTime; messages are made in the ring, the reader gets batches; a full ring holds the producer up.");
    }

    public static void main(String[] args) throws Exception {
        new Disruptor().run(args);
    }

    private static RingBuffer<Message> ring(int size) {
        return RingBuffer.createSingleProducer(Message::new, size, new BusySpinWaitStrategy());
    }

    private static BatchEventProcessor<Message> reader(RingBuffer<Message> ring, EventHandler<Message> handler) {
        BatchEventProcessor<Message> p = new BatchEventProcessorBuilder().build(ring, ring.newBarrier(), handler);
        ring.addGatingSequences(p.getSequence());
        return p;
    }

    private static void publish(RingBuffer<Message> ring, Message m) {
        long seq = ring.next();
        ring.get(seq).copy(m);
        ring.publish(seq);
    }

    /** Runs something on the second core. */
    private static void other(Runnable work) {
        Thread t = new Thread(() -> {
            try {
                Place.pin(1);
                work.run();
            } catch (Throwable e) {
                e.printStackTrace();
                Runtime.getRuntime().halt(1);
            }
        });
        t.setDaemon(true);
        t.start();
    }

    @Override
    protected void roundTrips(String where, Trips trips) {
        RingBuffer<Message> there = ring(SMALL);
        RingBuffer<Message> back = ring(SMALL);
        Pinger pinger = new Pinger(there, trips);
        pinger.reader = reader(back, pinger);
        BatchEventProcessor<Message> echo = reader(there, new Echo(back));
        other(echo);
        trips.begin();
        pinger.send();
        pinger.reader.run();
    }

    private static final class Echo implements EventHandler<Message> {
        private final RingBuffer<Message> out;
        private final Message message = new Message();
        private final Prompt prompt = new Prompt();

        Echo(RingBuffer<Message> out) {
            this.out = out;
        }

        @Override
        public void onEvent(Message m, long seq, boolean endOfBatch) {
            message.copy(m);
            publish(out, message);
            prompt.see(message);
        }
    }

    private static final class Pinger implements EventHandler<Message> {
        private final RingBuffer<Message> out;
        private final Trips trips;
        private final Message message = new Message();
        private BatchEventProcessor<Message> reader;
        private long start;

        Pinger(RingBuffer<Message> out, Trips trips) {
            this.out = out;
            this.trips = trips;
        }

        void send() {
            message.stage = trips.stage();
            start = System.nanoTime();
            publish(out, message);
        }

        @Override
        public void onEvent(Message m, long seq, boolean endOfBatch) {
            message.copy(m);
            if (trips.record(start, System.nanoTime())) {
                send();
            } else {
                reader.halt();
            }
        }
    }

    @Override
    protected void receive(String where, Stream stream) {
        RingBuffer<Message> ring = ring(LARGE);
        Receiver receiver = new Receiver(stream);
        receiver.reader = reader(ring, receiver);
        other(() -> {
            Source source = new Source();
            Message m = new Message();
            while (source.next(m)) {
                publish(ring, m);
            }
        });
        receiver.reader.run();
    }

    private static final class Receiver implements EventHandler<Message> {
        private final Stream stream;
        private final Message message = new Message();
        private BatchEventProcessor<Message> reader;

        Receiver(Stream stream) {
            this.stream = stream;
        }

        @Override
        public void onEvent(Message m, long seq, boolean endOfBatch) {
            message.copy(m);
            if (!stream.take(message)) {
                reader.halt();
            }
        }
    }
}
