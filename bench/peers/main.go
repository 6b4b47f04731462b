// Command peers measures tickring beside other transports on this machine: round trips and
// throughput of the same messages on the same two cores. It builds each peer's program, skips
// those it cannot build and says why, and then runs rounds in which everyone has a turn, so that
// a machine that is slow for a while is so for all. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

func main() {
	if err := peers(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func peers(args []string) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	s := settings{Payload: result.PayloadBytes}
	flags.IntVar(&s.Rounds, "rounds", 3, "how often everyone has a turn")
	flags.Float64Var(&s.Seconds, "seconds", 3, "how long is measured in each turn, after a warm-up")
	flags.IntVar(&s.FIFO, "fifo", 0, "measure under SCHED_FIFO at this priority; 0 is the ordinary scheduler")
	cpus := flags.String("cpus", envOr("PEERS_CPUS", "0,1"), "the two cores; $PEERS_CPUS")
	only := flags.String("only", "", "these peers only, comma-separated")
	out := flags.String("o", "out", "directory for peers.json and peers.md")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: takes flags only", flags.Arg(0))
	}
	var err error
	if s.CPUs, err = parseCPUs(*cpus); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	chosen, err := choose(catalogue(), *only)
	if err != nil {
		return err
	}
	root, err := here()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return measure(ctx, root, s, chosen, *out)
}

// measure builds, runs the rounds, and writes what there is, be it interrupted or not.
func measure(ctx context.Context, root string, s settings, chosen []peer, out string) error {
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	b := builder{root, say}
	bin, err := b.tickring(ctx)
	if err != nil {
		return err
	}
	r := &runner{root: root, settings: s, tickring: bin, say: say, faults: map[string][]string{}}
	skipped := b.peers(ctx, chosen)
	for _, p := range chosen {
		if skipped[p.name] == "" {
			r.peers = append(r.peers, p)
		}
	}
	rep := report{Began: time.Now(), Settings: s, Machine: thisMachine()}
	for n := 1; n <= s.Rounds && ctx.Err() == nil; n++ {
		r.round(ctx, n)
	}
	rep.Ended, rep.Interrupted = time.Now(), ctx.Err() != nil
	rep.fill(r.rounds, chosen, skipped, r.faults)
	if err := rep.write(out); err != nil {
		return err
	}
	fmt.Print(rep.markdown())
	say("written to %s", filepath.Join(out, "peers.json"))
	if rep.Interrupted {
		return errors.New("interrupted: what was measured by then is kept, and marked")
	}
	return nil
}

// here is bench/peers: the programs are built and run from there.
func here() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "catalogue.go")); err != nil {
		return "", fmt.Errorf("run it in bench/peers: %w", err)
	}
	return dir, nil
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
