package doctor

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/gaps"
	"github.com/tickring/tickring/internal/tick"
)

// Listening is what to measure.
type Listening struct {
	CPUs   affinity.Set
	For    time.Duration // each CPU
	InTurn bool          // one CPU after the other; otherwise all at once

	// Progress, if not nil, is told now and then how much of the time has passed.
	Progress func(done, total time.Duration)
}

// Measure has a thread that spins on each of the CPUs listen. It takes these CPUs away
// from whoever uses them, but for those that a process has reserved, and raises GOMAXPROCS
// and turns the garbage collector off meanwhile. When the context ends it returns what
// there is until then. A CPU that was not measured has the reason in its Error.
func Measure(ctx context.Context, l Listening) []Measured {
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(max(procs, l.CPUs.Len()+1))
	defer runtime.GOMAXPROCS(procs)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))

	r := &round{Listening: l, clock: tick.New(), began: time.Now(), total: l.For, taken: map[int]string{}}
	holders, _ := affinity.Reserved("") // where nobody can reserve nobody has
	for _, h := range holders {
		r.taken[h.CPU] = fmt.Sprintf("%v has reserved it", h)
	}
	r.scale = r.clock.Calibrate(20 * time.Millisecond)
	rounds := []affinity.Set{l.CPUs}
	if l.InTurn {
		rounds = nil
		for id := range l.CPUs.All() {
			rounds = append(rounds, affinity.SetOf(id))
		}
		r.total *= time.Duration(len(rounds))
	}
	var all []Measured
	for _, cpus := range rounds {
		all = append(all, r.run(ctx, cpus)...)
	}
	return all
}

type round struct {
	Listening
	clock tick.Clock
	scale tick.Scale
	began time.Time
	total time.Duration
	taken map[int]string // CPUs that are not to be disturbed, and why
}

// patient is a CPU that is listened to.
type patient struct {
	Measured
	ear           *gaps.Ear
	tally         *tally
	witness       *affinity.Witness // of the thread of the slice
	before, after affinity.Activity
}

func (r *round) run(ctx context.Context, cpus affinity.Set) []Measured {
	var all, hearing []*patient
	for id := range cpus.All() {
		p := &patient{Measured: Measured{CPU: id, Verdict: Unknown}, ear: gaps.NewEar(id, r.clock), tally: newTally()}
		p.ear.Before = func() { p.witness.Look(&p.before) }
		p.ear.After = func() { p.witness.Look(&p.after) }
		all = append(all, p)
		if p.Error = r.taken[id]; p.Error != "" {
			continue
		}
		if err := affinity.On(id, func() error { return nil }); err != nil {
			p.Error = err.Error()
			continue
		}
		hearing = append(hearing, p)
	}
	slice := min(r.For, gaps.Slice)
	counted := readCounters(os.DirFS("/"))
	until := time.Now().Add(r.For)
	for some := len(hearing) > 0; some && ctx.Err() == nil; some = time.Now().Before(until) {
		if r.Progress != nil {
			r.Progress(min(time.Since(r.began), r.total), r.total)
		}
		if err := r.listen(hearing, slice); err != nil {
			for _, p := range hearing { // a CPU has been switched off, or taken from the cpuset
				p.Error = err.Error()
			}
			break
		}
		now := readCounters(os.DirFS("/"))
		for _, p := range hearing {
			p.count(r.scale, now.since(counted, p.CPU))
		}
		counted = now
	}
	list := make([]Measured, 0, len(all))
	for _, p := range all {
		p.Seconds, p.Lost = float64(r.scale.Ns(p.ear.Heard))/1e9, p.ear.Lost()
		p.tally.sum(&p.Measured)
		if p.Seconds == 0 && p.Error == "" {
			p.Error = "ended before anything was measured"
		}
		list = append(list, p.Measured)
	}
	return list
}

func (r *round) listen(hearing []*patient, slice time.Duration) error {
	ears := make([]*gaps.Ear, 0, len(hearing))
	by := map[*gaps.Ear]*patient{}
	for _, p := range hearing {
		ears, by[p.ear] = append(ears, p.ear), p
	}
	return gaps.Together(ears, r.scale, slice, func(e *gaps.Ear, listen func() error) error {
		return affinity.On(e.CPU, func() error {
			w, err := affinity.NewWitness(0, 0)
			if err != nil {
				return err
			}
			defer w.Close()
			by[e].witness = w
			return listen()
		})
	})
}

// count takes a slice into account.
func (p *patient) count(scale tick.Scale, moved []Moved) {
	p.tally.inSlice = 0
	p.ear.Count(scale, p.tally.add)
	p.Moved = addMoved(p.Moved, moved)
	if p.tally.inSlice > p.Worst.Ns {
		p.Worst = Worst{Ns: p.tally.inSlice, Moved: addMoved(nil, moved), Happened: p.after.Since(p.before)}
		p.Worst.Cause, p.Worst.Why = affinity.Explain(time.Duration(p.Worst.Ns), p.Worst.Happened)
	}
}
