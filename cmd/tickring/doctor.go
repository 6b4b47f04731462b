package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/affinity/doctor"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

type doctorOptions struct {
	cpus    cpusFlag
	measure time.Duration
	inTurn  bool
	strict  bool
	asJSON  bool
}

func (a *app) doctorCommand() *cobra.Command {
	o := doctorOptions{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what on this machine disturbs low latency, and what mends it",
		Long: `doctor looks at what the kernel says of this machine and of this process, and says of
each thing what it found and wanted, why, and the command or boot parameter that mends
it. Then it measures: a thread that does nothing but read the clock spins on each quiet
CPU and counts the gaps, and what the kernel counted there meanwhile.

Quiet CPUs are those that --cpu names: the ones that publishers and strategies are to
spin on. Without it they are the isolated CPUs, or, if there are none, all that this
process may use.

It changes nothing and needs no root. What only root may read is unknown, with the
command that tells. But it takes the quiet CPUs from whoever uses them while it measures,
but for those that a process has reserved: on a machine that trades, say --measure 0.

The exit code is 0 if nothing is bad, 3 if something is, and 1 if doctor itself failed.
A warning is not bad, and what is unknown is not, unless --strict is given.`,
		Example: `  tickring doctor
  tickring doctor --cpu 2-5 --measure 10s
  tickring doctor --measure 0 --strict || echo not fit to trade
  tickring doctor --json | jq '.checks[] | select(.verdict == "bad") | {name, value, mend}'`,
		Args: wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.Var(&o.cpus, "cpu", "quiet CPUs, such as 2,3 or 4-7 (default: the isolated ones, or all that are allowed)")
	f.DurationVar(&o.measure, "measure", 2*time.Second, "how long to measure each CPU; 0: not at all")
	f.BoolVar(&o.inTurn, "in-turn", false, "measure one CPU after the other and not all at once")
	f.BoolVar(&o.strict, "strict", false, "what is unknown is bad")
	f.BoolVar(&o.asJSON, "json", false, "one JSON object instead of text")
	must(cmd.RegisterFlagCompletionFunc("cpu", cobra.NoFileCompletions))
	return cmd
}

// foundError is an examination that found something bad.
type foundError struct{ text string }

func (e *foundError) Error() string { return e.text }

// doctorReport is what doctor says, for machines.
type doctorReport struct {
	doctor.Report
	Good          int `json:"good"`
	Warn          int `json:"warn"`
	Bad           int `json:"bad"`
	Unknown       int `json:"unknown"`
	NotApplicable int `json:"not_applicable"`
}

func (a *app) doctor(ctx context.Context, o doctorOptions) error {
	if o.measure < 0 {
		return usagef("invalid --measure %v: want a time such as 2s, or 0", o.measure)
	}
	dir := a.dir
	if dir == "" {
		dir = ring.DefaultDir()
	}
	host, err := doctor.Here(dir)
	if errors.Is(err, affinity.ErrUnsupported) {
		return err
	}
	cpus := affinity.SetOf(o.cpus...)
	if t := host.Topology; t != nil {
		var present affinity.Set
		for _, c := range t.CPUs {
			present.Add(c.ID)
		}
		if absent := cpus.Minus(present); !absent.Empty() {
			return usagef("invalid --cpu: this machine has no CPU %v, it has %v", absent, present)
		}
	}
	r := doctor.Examine(host, cpus)
	if o.measure > 0 {
		progress := &benchProgress{}
		if isTerminal(a.stderr) {
			progress.w = a.stderr
		}
		r.Measured = doctor.Measure(ctx, doctor.Listening{
			CPUs: r.CPUs, For: o.measure, InTurn: o.inTurn,
			Progress: func(done, total time.Duration) { progress.report("listening", int(done), int(total)) },
		})
		progress.clear()
	}
	rep := doctorReport{
		Report: r,
		Good:   r.Count(doctor.Good), Warn: r.Count(doctor.Warn), Bad: r.Count(doctor.Bad),
		Unknown: r.Count(doctor.Unknown), NotApplicable: r.Count(doctor.None),
	}
	if o.asJSON {
		err = writeJSON(a.stdout, rep)
	} else {
		err = showDoctor(&lines{w: a.stdout}, &rep, paintFor(a.stdout))
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errInterrupted
	case rep.Bad > 0:
		return &foundError{text.CountOf(uint64(rep.Bad), "thing is bad", "things are bad")}
	case o.strict && rep.Unknown > 0:
		return &foundError{text.CountOf(uint64(rep.Unknown), "thing is unknown", "things are unknown")}
	}
	return nil
}
