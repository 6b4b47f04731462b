// Package bench measures what tickring does on a machine, and beside it, in the same
// run, what the machine allows: the raw cache line. It is what 'tickring bench' runs.
//
//	s, err := bench.Open(bench.Setup{})
//	defer s.Close()
//	r, err := s.RTT(ctx, bench.RTT{})
//	fmt.Println(r.RTT.P50, r.Limit.P50, r.Ratio.P50)
//
// # Method
//
// Two processes, one thread each, pinned to a CPU each. A run is cut into rounds of
// some ten milliseconds, in which the limit and what is compared with it take turns: a
// machine that is slow for a second is slow for both, and the ratio holds. The first
// exchanges of a round warm up and are not counted. A run of less than ten milliseconds has
// small rounds: it shows that everything works here, not how fast.
//
// All rings have the settings that a ring has by default; what differs is named by the
// result. Nothing is set for one benchmark.
//
// Times are ticks of the processor's counter where it can be one clock for all CPUs.
// Latencies are recorded in HDR histograms of three digits. Open-loop latencies count
// from when a message was meant to be sent, so that a publisher that falls behind cannot
// hide it.
//
// What a result cannot show is in its Notes, for example that the machine is a shared
// one: then a figure is one of many that the machine can give, and only the ratio means
// something.
package bench
