// Package affinity reads which CPUs a machine has and how they share caches,
// picks the ones that suit threads that talk through memory, and pins
// goroutines to them.
//
// Two threads that pass a cache line to each other are fastest on two physical
// cores below one L3 cache. Two threads of one core (SMT siblings) fight for
// its execution units; cores below different L3 caches, or on different
// sockets, pay several times the latency for every line. [Topology.Pick] knows
// that, [Pin] carries it out and checks that it took, and [Topology.Disturbs]
// says what else may take time on a CPU.
//
//	t, err := affinity.Read()
//	cpus, err := t.Pick(2, affinity.Policy{})
//	...
//	go func() {
//		p, err := affinity.Pin(cpus[0])
//		if err != nil { ... }
//		defer p.Release()
//		spin()
//	}()
//
// # Why was it late
//
// A [Witness] reads what the kernel and the Go runtime count for a thread, its CPU and its
// cgroup. The difference of two looks, [Activity.Since], says what happened between
// them, and [Explain] which of it made the thread late, as far as that can be told.
//
// # A quiet core
//
// [Reserve] takes a CPU among the processes that ask, [PinBy] picks one that is free and
// pins to it, [HoldLatency] keeps idle CPUs from deep sleep, [Quiet] keeps the garbage
// collector off, and [Pinned.Noise] listens to what still disturbs the thread.
//
// # Three sets that are easily confused
//
//   - The mask (Cpus_allowed_list in /proc/self/status, [Allowed] here) is where
//     the scheduler puts the threads now. taskset(1), CPUAffinity= of systemd and
//     isolcpus= narrow it. A thread may set its own mask to any CPU it is
//     permitted, inside the old mask or not.
//   - The permitted CPUs ([Permitted]) are the limit: the cpuset of the
//     process's cgroup, which a container's --cpuset-cpus sets. Nothing in the
//     process can leave it.
//   - The isolated CPUs (isolcpus=, or an isolated cpuset partition) are left
//     out of the scheduler's balancing and of every mask by default. They are
//     meant to be asked for by number.
//
// So Pick stays inside the mask, plus the isolated CPUs if nobody narrowed the
// mask, because a mask is somebody's wish. Pin goes wherever the kernel permits,
// because a CPU number is a wish too, and a more precise one: to start a program
// on the housekeeping CPUs and pin only its hot threads to others is how a
// garbage collector is kept off a hot core.
//
// # GOMAXPROCS
//
// GOMAXPROCS starts as the number of CPUs in the mask (or the cgroup's CPU
// quota, if that is less), and since Go 1.25 the runtime goes on following both
// while the program runs. A process that starts pinned to one CPU therefore has
// GOMAXPROCS=1: a goroutine that spins stops all others, for 10 ms at a time. A
// child process inherits the mask of the thread that starts it, so this happens
// by itself to a child started from a pinned goroutine. And a goroutine pinned
// to a CPU outside the mask still needs one of the mask's GOMAXPROCS slots.
//
// What to do:
//   - Call runtime.GOMAXPROCS(n) at the start of main with the pinned goroutines
//     plus at least one for everything else. That also ends the automatic updates.
//   - Start child processes from a goroutine that is not pinned.
//   - Do not call runtime.SetDefaultGOMAXPROCS from a pinned goroutine: it counts
//     the mask of the calling thread, which is 1.
//
// # What pinning does not do
//
// Pin keeps this thread on the CPU; it does not keep others off. The Go runtime
// does not let its other threads inherit the mask (it starts them from a thread
// that was never pinned), but they may still be scheduled on the same CPU, as may
// every other process, interrupts and kernel threads. Nor does it stop the
// runtime: a running goroutine is preempted about every 10 ms, locked or not.
//
// # Platforms
//
// Linux. Elsewhere a [Witness] knows nothing of threads; [Explain], [Quiet], [ReadFS],
// [Topology.Pick] and [Set] work; and everything that asks the machine returns
// [ErrUnsupported].
package affinity
