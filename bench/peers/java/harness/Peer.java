package peers;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What the Java peers have in common. A program is started with "rtt" or "throughput". That
 * process measures, with its main thread on the first core of PEERS_CPUS: it sends and waits for
 * the echo, or it receives the stream. A peer that is made for processes starts itself again as
 * the other end, with "echo NAME" or "send NAME"; one that is made for threads starts a thread.
 *
 * <p>Only the threads that send and receive are pinned. The JVM's own, and the library's, run
 * where there is room on these two cores.
 */
public abstract class Peer {
    protected final String name;
    private final String version;
    private final int processes;
    private final String differences;

    protected Peer(String name, Class<?> library, int processes, String differences) {
        this.name = name;
        this.version = version(library);
        this.processes = processes;
        this.differences = differences;
    }

    /** Measures round trips; where is a name that no other run has. */
    protected abstract void roundTrips(String where, Trips trips) throws Exception;

    /** Receives a stream. */
    protected abstract void receive(String where, Stream stream) throws Exception;

    /** The other end of round trips, until the process is ended. */
    protected void echo(String where) throws Exception {
        throw new UnsupportedOperationException("threads only");
    }

    /** The other end of a stream, until the process is ended. */
    protected void send(String where) throws Exception {
        throw new UnsupportedOperationException("threads only");
    }

    protected final void run(String[] args) throws Exception {
        String what = args.length > 0 ? args[0] : "";
        String where = args.length > 1 ? args[1] : "peers-" + name + "-" + ProcessHandle.current().pid();
        switch (what) {
            case "echo" -> {
                Place.pin(1);
                echo(where);
            }
            case "send" -> {
                Place.pin(1);
                send(where);
            }
            case "rtt" -> {
                Place.pin(0);
                Trips trips = new Trips();
                roundTrips(where, trips);
                print(what, trips.json());
            }
            case "throughput" -> {
                Place.pin(0);
                Stream stream = new Stream();
                receive(where, stream);
                print(what, stream.json());
            }
            default -> throw new IllegalArgumentException("usage: rtt|throughput");
        }
        // Without waiting for threads that the library keeps.
        Runtime.getRuntime().halt(0);
    }

    /** Starts this program again as the other end. Whoever calls this ends it. */
    protected final Process start(String end, String where) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(System.getProperty("java.home") + "/bin/java");
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), getClass().getName(), end, where));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    }

    private void print(String kind, String figures) {
        System.out.printf(Locale.ROOT,
                "{\"peer\":\"%s\",\"version\":\"%s\",\"language\":\"Java\",\"kind\":\"%s\",\"processes\":%d,"
                        + "\"payload_bytes\":%d,\"differences\":\"%s\",%s}%n",
                name, version, kind, processes, Message.BYTES, differences, figures);
        System.out.flush();
    }

    /** The version in the name of the jar that a class comes from. */
    private static String version(Class<?> library) {
        String jar = library.getProtectionDomain().getCodeSource().getLocation().getPath();
        return jar.replaceFirst(".*?-(\\d[^/]*)\\.jar$", "$1");
    }
}
