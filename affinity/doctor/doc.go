// Package doctor examines a machine for what disturbs threads that have to be quick: it
// reads what the kernel says of itself, and measures what a thread that spins misses.
//
//	host, err := doctor.Here("/dev/shm")
//	report := doctor.Examine(host, affinity.Set{}) // an empty set: it chooses the CPUs
//	report.Measured = doctor.Measure(ctx, doctor.Listening{CPUs: report.CPUs, For: 2 * time.Second})
//
// Every [Check] has what was found, what is wanted, why, and the command or boot parameter
// that mends it. The checks are tables of rows, a file for each subject: cpus.go,
// interrupts.go, kernel.go, clock.go, power.go, memory.go, limits.go, files.go, runtime.go. What
// cannot be read is [Unknown] and never [Good]; what a machine does not have, such as a
// cpufreq driver in a virtual machine, is [None].
//
// Most checks concern the quiet CPUs: those on which such threads are to run.
//
// Sources: Documentation/admin-guide of the Linux kernel (kernel-parameters.txt, sysctl/,
// mm/, pm/, cgroup-v2.rst, cgroup-v1/), Documentation/core-api/workqueue.rst,
// Documentation/ABI, the manual pages proc(5), logind.conf(5), irqbalance(1) and
// getrlimit(2), and package runtime of Go.
package doctor
