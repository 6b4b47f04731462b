package peers;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where and for how long: cores, scheduling. Threads are pinned with taskset and chrt. */
public final class Place {
    private Place() {}

    /** Puts the calling thread on the first or second core of PEERS_CPUS (0,1). */
    public static void pin(int which) throws Exception {
        String text = System.getenv("PEERS_CPUS");
        String[] cpus = (text == null || text.isEmpty() ? "0,1" : text).split(",");
        command("taskset", "-pc", cpus[which].trim(), thread());
    }

    /**
     * Puts the calling thread under SCHED_FIFO at the priority PEERS_FIFO, and so much above it;
     * does nothing if there is none. For a thread that measures this is done after the warm-up:
     * until then the compilers have to run beside it.
     */
    public static void fifo(int above) {
        String text = System.getenv("PEERS_FIFO");
        if (text == null || text.isEmpty() || text.equals("0")) {
            return;
        }
        try {
            command("chrt", "-f", "-p", String.valueOf(Integer.parseInt(text) + above), thread());
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** PEERS_SECONDS, by default 3. */
    static long measuredNanos() {
        String text = System.getenv("PEERS_SECONDS");
        return (long) (1e9 * (text == null || text.isEmpty() ? 3 : Double.parseDouble(text)));
    }

    /** The calling thread's number: PROCESS/task/THREAD. */
    private static String thread() throws Exception {
        return Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString();
    }

    private static void command(String... command) throws Exception {
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(p.getInputStream().readAllBytes());
        if (p.waitFor() != 0) {
            throw new IllegalStateException(String.join(" ", command) + ": " + said.trim());
        }
    }
}
