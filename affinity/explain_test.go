package affinity

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

const ms, us = time.Millisecond, time.Microsecond

// The kernel's counts in the first rows are as they were measured: of a spinning thread,
// stopped, frozen, throttled, preempted, asleep.
func TestExplain(t *testing.T) {
	all := Counts(allKnown)
	foreign := all &^ KnowGo
	for _, c := range []struct {
		name string
		took time.Duration
		a    Activity
		want Cause
		why  string // a part of it
	}{
		{"SIGSTOP", 200 * ms, Activity{At: 205 * ms, Known: all, OnCPU: 5 * ms, Voluntary: 1, Stood: 199 * ms}, CauseStopped, "stood still for 199 ms"},
		{"SIGSTOP on a busy machine", 20 * ms, Activity{At: 45 * ms, Known: all, OnCPU: 12 * ms, RunDelay: 12 * ms, Voluntary: 1, Involuntary: 4, Stood: 19 * ms}, CauseStopped, ""},
		{"SIGSTOP, seen from outside", 200 * ms, Activity{At: 205 * ms, Known: foreign, OnCPU: 5 * ms, Voluntary: 1, Stood: 180 * ms}, CauseStopped, "each look found the thread stopped, for at least 180 ms"},
		{"stopped for a while, then asleep, seen from outside", 200 * ms, Activity{At: 205 * ms, Known: foreign, OnCPU: 5 * ms, Voluntary: 2, Stood: 30 * ms}, CauseSlept, "; also stopped for 30.0 ms"},
		{"asleep, seen from outside", 200 * ms, Activity{At: 205 * ms, Known: foreign, OnCPU: 5 * ms, Voluntary: 1}, CauseSlept, "once, for 190 ms"},
		{"off the CPU all the time, seen from outside", 200 * ms, Activity{At: 205 * ms, Known: foreign}, CauseUnknown, "nothing that was counted"},
		// What it ran since the last tick is not in OnCPU: 4 ms are missing that it may have run.
		{"a moment's sleep, seen from outside", 1 * ms, Activity{At: 12 * ms, Known: foreign, OnCPU: 8 * ms, Voluntary: 1, Timer: 3}, CauseUnknown, "nothing that was counted"},
		{"asleep, at 4 ms a tick, seen from outside", 6 * ms, Activity{At: 20 * ms, Known: foreign, OnCPU: 12 * ms, Voluntary: 1, Timer: 5}, CauseSlept, "for 4.00 ms"},
		{"nothing but the watcher's lateness", 200 * ms, Activity{At: 205 * ms, Known: KnowStood, Stood: 200 * ms}, CauseStopped, ""},
		{"quota", 80 * ms, Activity{At: 100 * ms, Known: all, OnCPU: 20 * ms, RunDelay: 80 * ms, Involuntary: 1, Throttles: 1, Throttled: 93 * ms, Stood: 80 * ms}, CauseThrottled, "used up once, for 93.0 ms on all CPUs together, within 100 ms"},
		{"another CPU's quota", 80 * ms, Activity{At: 100 * ms, Known: all, OnCPU: 100 * ms, Throttles: 1, Throttled: 93 * ms}, CauseBusy, "did not leave"},
		{"preempted", 4 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 8 * ms, RunDelay: 4 * ms, Involuntary: 2}, CausePreempted, "for 4.00 ms while"},
		{"preempted, and the watcher too", 40 * ms, Activity{At: 60 * ms, Known: all, OnCPU: 20 * ms, RunDelay: 40 * ms, Involuntary: 9, Stood: 50 * ms}, CausePreempted, "9 times"},
		{"a delay that began before", 80 * ms, Activity{At: 100 * ms, Known: all, OnCPU: 10 * ms, RunDelay: 300 * ms, Involuntary: 2}, CausePreempted, "for 100 ms while"},
		{"preempted, then asleep", 6 * ms, Activity{At: 16 * ms, Known: all, OnCPU: 10 * ms, RunDelay: 4 * ms, Voluntary: 1, Involuntary: 1}, CausePreempted, "; also asleep for 2.00 ms"},
		{"asleep, then preempted", 6 * ms, Activity{At: 16 * ms, Known: all, OnCPU: 10 * ms, RunDelay: 2 * ms, Voluntary: 1, Involuntary: 1}, CauseSlept, "; also preempted for 2.00 ms"},
		{"asleep by habit, and kept waiting once", 2 * ms, Activity{At: 20 * ms, Known: all, OnCPU: 3 * ms, RunDelay: 2 * ms, Voluntary: 9}, CausePreempted, "; also asleep for 15.0 ms"},
		{"no half of it", 9 * ms, Activity{At: 19 * ms, Known: all, OnCPU: 13 * ms, RunDelay: 3 * ms, Voluntary: 1, Involuntary: 1}, CauseUnknown, "also preempted for 3.00 ms, asleep for 3.00 ms, it ran for 3.00 ms"},
		{"slept", 5 * ms, Activity{At: 6 * ms, Known: all, OnCPU: 1 * ms, Voluntary: 1}, CauseSlept, "once, for 5.00 ms within 6.00 ms"},
		{"slept, no times", 5 * ms, Activity{At: 6 * ms, Known: KnowSwitches, Voluntary: 2}, CauseSlept, "twice within"},
		{"switched for a moment", 5 * ms, Activity{At: 6 * ms, Known: all, OnCPU: 5900 * us, RunDelay: 16 * us, Voluntary: 1, Involuntary: 1}, CauseBusy, ""},
		{"steal", 30 * ms, Activity{At: 40 * ms, CPU: 3, Known: all, OnCPU: 12 * ms, Steal: 30 * ms}, CauseSteal, "on CPU 3 for about 30.0 ms"},
		{"a step of steal", 1 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms, Steal: 10 * ms}, CauseBusy, ""},
		{"a step of steal, and time is missing", 1 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 11 * ms, Steal: 10 * ms}, CauseSteal, ""},
		{"a step of steal, another process", 1 * ms, Activity{At: 12 * ms, Known: foreign, OnCPU: 8 * ms, Steal: 10 * ms}, CauseBusy, ""},
		{"the world stopped", 2 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 10 * ms, Voluntary: 2, GCs: 1, Stops: 2, StopNs: 1500 * us}, CauseGC, "ended 1 garbage collection and stopped the world twice, which can have kept the thread for 1.50 ms"},
		{"stopped for something else", 2 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 10 * ms, Voluntary: 1, Stops: 1, StopNs: 1500 * us}, CauseGC, "0 garbage collections"},
		{"waited for a collection", 2 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 10 * ms, Voluntary: 2, GCs: 1, Stops: 2, StopNs: 1200 * us}, CauseGC, "; also asleep for 800 µs"},
		{"slept, and there was a collection", 20 * ms, Activity{At: 32 * ms, Known: all, OnCPU: 12 * ms, Voluntary: 2, GCs: 1, Stops: 2, StopNs: 900 * us}, CauseSlept, "; also 1 garbage collection"},
		{"slept, and there was a long collection", 20 * ms, Activity{At: 32 * ms, Known: all, OnCPU: 12 * ms, Voluntary: 2, GCs: 1, Stops: 2, StopNs: 9 * ms}, CauseSlept, "for 11.0 ms within 32.0 ms; also 1 garbage collection, for 9.00 ms at most"},
		{"helped a collection", 2 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms, GCs: 1, Stops: 2, StopNs: 1100 * us}, CauseGC, "; also it ran for 900 µs"},
		{"busy, and there was a collection", 2 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms, GCs: 1, Stops: 2, StopNs: 50 * us}, CauseBusy, "; also 1 garbage collection"},
		{"stopped, and there was a collection", 60 * ms, Activity{At: 70 * ms, Known: all, OnCPU: 10 * ms, Voluntary: 2, GCs: 1, Stops: 2, StopNs: 1 * ms, Stood: 58 * ms}, CauseStopped, "58.0 ms"},
		{"a collection, and others had the CPU", 2 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 8 * ms, RunDelay: 4 * ms, Involuntary: 1, GCs: 1, Stops: 2, StopNs: 50 * us}, CausePreempted, ""},
		{"a disk", 8 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 3 * ms, Voluntary: 2, MajorFaults: 2, MinorFaults: 1}, CauseFault, "1 page fault, and 2 more for which a disk was read"},
		{"slept, and a disk was read meanwhile", 100 * ms, Activity{At: 112 * ms, Known: all, OnCPU: 12 * ms, Voluntary: 2, MajorFaults: 1}, CauseSlept, "for 80.0 ms within 112 ms; also 1 page fault"},
		{"many faults", 1 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms, MinorFaults: 900}, CauseFault, "900 page faults"},
		{"one fault", 1 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms, MinorFaults: 1}, CauseBusy, ""},
		{"interrupts", 50 * us, Activity{At: 12 * ms, CPU: 1, Known: all, OnCPU: 12 * ms, Interrupts: 1, Timer: 12, Softirqs: 2}, CauseInterrupt, "CPU 1 took 1 interrupt, 12 timer ticks and 2 softirqs"},
		{"the tick", 20 * us, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms, Timer: 3}, CauseInterrupt, ""},
		{"ticks do not add up", 1 * ms, Activity{At: 100 * ms, Known: all, OnCPU: 100 * ms, Timer: 100}, CauseBusy, ""},
		{"interrupts that took the time", 4 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 8 * ms, Interrupts: 1, Softirqs: 1}, CauseInterrupt, "neither the thread nor another task had the CPU for 4.00 ms, within 12.0 ms"},
		{"time that nothing accounts for", 60 * ms, Activity{At: 72 * ms, CPU: 0, Known: all, OnCPU: 4 * ms, Interrupts: 3, Softirqs: 4, Timer: 33}, CauseUnknown, "neither the thread nor another task had the CPU for 68.0 ms"},
		{"clock rate", 1 * ms, Activity{At: 12 * ms, CPU: 2, Known: all, OnCPU: 12 * ms, KHz: 1200000, KHzBefore: 3400000}, CauseFrequency, "CPU 2 went from 3400 MHz to 1200 MHz"},
		{"clock rate, by a third", 1 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms, KHz: 3400000, KHzBefore: 2300000}, CauseBusy, "; also the clock of CPU 0 went from 2300 MHz to 3400 MHz"},
		{"clock rate, hardly", 1 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms, KHz: 3390000, KHzBefore: 3400000}, CauseBusy, ""},
		{"busy", 1 * ms, Activity{At: 12 * ms, Known: all, OnCPU: 12 * ms}, CauseBusy, "did not leave the CPU"},
		{"busy, and not all is known", 1 * ms, Activity{At: 12 * ms, Known: all &^ (KnowKHz | KnowSteal), OnCPU: 12 * ms}, CauseBusy, "; unknown: steal, khz"},
		{"steal of a CPU that others had while it slept", 100 * ms, Activity{At: 110 * ms, Known: all, OnCPU: 10 * ms, Voluntary: 1, Steal: 60 * ms}, CauseSlept, "for 100 ms"},
		{"steal that counts as the thread's", 60 * ms, Activity{At: 70 * ms, Known: all, OnCPU: 70 * ms, Steal: 50 * ms}, CauseSteal, "; also it ran for 10.0 ms"},
		{"busy, old news of the time on CPU", 1 * ms, Activity{At: 12 * ms, Known: foreign, OnCPU: 8 * ms}, CauseBusy, ""},
		{"the machine stood still", 50 * ms, Activity{At: 60 * ms, Known: all, OnCPU: 60 * ms, Stood: 50 * ms}, CauseBusy, "the machine may have stood still"},
		{"nothing known", 1 * ms, Activity{At: 12 * ms, Voluntary: 5, GCs: 1, Stood: 7 * ms}, CauseUnknown, "unknown: sched, switches, faults"},
		{"nothing explains", 5 * ms, Activity{At: 12 * ms, Known: KnowSched, OnCPU: 6 * ms}, CauseUnknown, "nothing that was counted"},
		{"watched too late", 5 * ms, Activity{At: 1 * ms, Known: all, OnCPU: 1 * ms}, CauseUnknown, "no more than the last 1.00 ms"},
	} {
		got, why := Explain(c.took, c.a)
		if got != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%s: %s (%s); want %s (%s)", c.name, got, why, c.want, c.why)
		}
		if strings.Contains(why, "\n") || len(why) > 300 {
			t.Errorf("%s: no sentence of bearable length: %q", c.name, why)
		}
	}
}

// The words may come from a file that anybody wrote.
func TestExplainAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		var a Activity
		v := reflect.ValueOf(&a).Elem()
		for i := range v.NumField() {
			n := r.Uint64() >> r.IntN(64)
			if f := v.Field(i); !f.CanSet() {
				continue // cannot come from a file
			} else if f.CanInt() {
				f.SetInt(int64(n))
			} else {
				f.SetUint(n)
			}
		}
		for _, took := range []time.Duration{0, -1, math.MinInt64, math.MaxInt64, time.Duration(r.Int64N(1e9))} {
			if c, why := Explain(took, a); c.String() == "unknown" != (c == CauseUnknown) || len(why) > 500 {
				t.Fatalf("Explain(%v, %+v) = %v, %q", took, a, c, why)
			}
		}
	}
}

func TestSince(t *testing.T) {
	before := Activity{At: 5, CPU: 1, Known: allKnown, OnCPU: 1, RunDelay: 2, Voluntary: 3, Involuntary: 4, MinorFaults: 5, MajorFaults: 6, Interrupts: 7, Timer: 8,
		Softirqs: 9, Steal: 10, KHz: 11, KHzBefore: 1, Throttles: 12, Throttled: 13, GCs: 14, Stops: 15, StopNs: 16, Stood: 17}
	after := Activity{At: 50, CPU: 1, Known: allKnown, OnCPU: 11, RunDelay: 13, Voluntary: 15, Involuntary: 17, MinorFaults: 19, MajorFaults: 21, Interrupts: 23, Timer: 25,
		Softirqs: 27, Steal: 29, KHz: 99, Throttles: 32, Throttled: 34, GCs: 36, Stops: 38, StopNs: 40, Stood: 42}
	want := Activity{At: 45, CPU: 1, Known: allKnown, OnCPU: 10, RunDelay: 11, Voluntary: 12, Involuntary: 13, MinorFaults: 14, MajorFaults: 15, Interrupts: 16, Timer: 17,
		Softirqs: 18, Steal: 19, KHz: 99, KHzBefore: 11, Throttles: 20, Throttled: 21, GCs: 22, Stops: 23, StopNs: 24, Stood: 25}
	if got := after.Since(before); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	for k := Counts(1); k <= allKnown; k <<= 1 {
		a, w := after, want
		a.Known &^= k
		w.Known &^= k
		w.forget()
		if got := a.Since(before); got != w {
			t.Errorf("%v unknown: got  %+v\nwant %+v", k, got, w)
		}
		if w == want {
			t.Errorf("%v: nothing was forgotten", k)
		}
	}

	moved := after
	moved.CPU = 0
	if got := moved.Since(before); got.Known != allKnown&^ofCPU || got.CPU != 0 || got.Interrupts != 0 || got.KHz != 0 || got.Voluntary != 12 {
		t.Errorf("on another CPU: %+v", got)
	}
	moved.CPU, before.CPU = -1, -1
	if got := moved.Since(before); got.Known&ofCPU != 0 {
		t.Errorf("on an unknown CPU: %+v", got)
	}
	before.CPU = 1

	elsewhere := after
	elsewhere.group++
	if got := elsewhere.Since(before); got.Known != allKnown&^KnowThrottle || got.Throttles != 0 {
		t.Errorf("in another cgroup: %+v", got)
	}

	down := after
	down.Timer, down.StopNs = 0, 0
	if got := down.Since(before); got.Known != allKnown&^(KnowInterrupt|KnowGo) || got.Interrupts != 0 || got.GCs != 0 {
		t.Errorf("counts went down: %+v", got)
	}
}

// A thread that slept when it was first looked at has not been switched since, and a
// collection explains no more than the time that the thread was kept for.
func TestSinceOfWhatWasGoingOn(t *testing.T) {
	before := Activity{Known: allKnown, asleep: true}
	after := Activity{At: 30 * ms, Known: allKnown, OnCPU: 5 * ms}
	if c, why := Explain(15*ms, after.Since(before)); c != CauseSlept || !strings.Contains(why, "once, for 25.0 ms") {
		t.Errorf("it slept before already: %v (%s)", c, why)
	}
	for _, c := range []struct {
		name string
		a    Activity
		want time.Duration
		took Cause
	}{
		{"it ran", Activity{OnCPU: 30 * ms, StopNs: 1 * ms, collected: 25 * ms}, 0, CauseBusy},
		{"it ran, and helped", Activity{OnCPU: 30 * ms, StopNs: 1 * ms, collected: 25 * ms, helped: 16 * ms}, 16 * ms, CauseGC},
		{"it was off the CPU", Activity{OnCPU: 4 * ms, Voluntary: 1, StopNs: 1 * ms, collected: 25 * ms}, 26 * ms, CauseGC},
		{"it slept for longer", Activity{OnCPU: 4 * ms, Voluntary: 1, StopNs: 1 * ms, collected: 2 * ms}, 3 * ms, CauseSlept},
		{"others had the CPU", Activity{OnCPU: 4 * ms, RunDelay: 26 * ms, Involuntary: 1, StopNs: 1 * ms, collected: 25 * ms}, 0, CausePreempted},
	} {
		c.a.At, c.a.Known, c.a.GCs = 30*ms, allKnown, 1
		d := c.a.Since(Activity{Known: allKnown})
		if cause, why := Explain(20*ms, d); d.StopNs != c.want || cause != c.took {
			t.Errorf("%s: %v of the collection, %v (%s)", c.name, d.StopNs, cause, why)
		}
	}
}

func TestActivityJSON(t *testing.T) {
	type verdict struct {
		Cause Cause
		A     Activity
	}
	for _, v := range []verdict{
		{CauseUnknown, Activity{CPU: -1}},
		{CauseGC, Activity{At: 5, Known: KnowGo | KnowStood | KnowSched, GCs: 1}},
		{CauseBusy, Activity{Known: allKnown}},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back verdict
		if err := json.Unmarshal(b, &back); err != nil || back != v {
			t.Errorf("%s: %+v, %v", b, back, err)
		}
	}
	b, _ := json.Marshal(verdict{CauseGC, Activity{Known: KnowGo | KnowSched | 1<<20}})
	if !strings.Contains(string(b), `"Cause":"gc"`) || !strings.Contains(string(b), `"known":["sched","go"]`) {
		t.Errorf("%s", b)
	}
	for _, bad := range []string{`{"Cause":"x"}`, `{"A":{"known":["x"]}}`, `{"A":{"known":7}}`} {
		var v verdict
		if err := json.Unmarshal([]byte(bad), &v); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if Cause(200).String() != "unknown" || Counts(1<<20).String() != "none" || (KnowSwitches|KnowGo).String() != "switches,go" {
		t.Error("names")
	}
}
