package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/ring"
)

// idleFlags say what a subscriber does while there is nothing to read.
type idleFlags struct {
	idle *wordFlag
	cpu  int
	core coreFlags
}

func (o *idleFlags) register(cmd *cobra.Command) {
	o.idle = newWord("auto", "spin", "yield", "backoff", "futex")
	cmd.Flags().Var(o.idle, "idle", "what to do while there is nothing to read; auto: spin with --cpu or --reserve, else backoff")
	must(cmd.RegisterFlagCompletionFunc("idle", completeWords(o.idle.words...)))
	cpuFlag(cmd, &o.cpu)
	o.core.register(cmd)
}

const idleHelp = `While there is nothing to read a subscriber spins, which wants a core of its own;
yields the core between polls (yield); or polls for some microseconds, then
yields, then sleeps, at last 100 µs at a time (backoff), which leaves the core to
others. A sleeper sees the next message when it wakes up. With --idle futex it sleeps
until it is woken, by 'tickring waker' or 'replay --waker', or for 1 ms at a time if the
ring has neither.`

// strategy returns what to do, and how many idle polls may pass between two looks
// at the clock, less one: a power of two less one.
func (o *idleFlags) strategy() (ring.WaitStrategy, int) {
	how := o.idle.value
	if how == "auto" {
		how = "backoff"
		if o.cpu != noCPU || o.core.reserve {
			how = "spin"
		}
	}
	switch how {
	case "spin":
		return ring.Spin{}, 1<<12 - 1
	case "yield":
		return ring.Yield{Spins: 10}, 1<<6 - 1
	case "futex":
		w, err := ring.NewSleeper(ring.SleepOptions{Spins: idleSpins, Yields: sleeperYields})
		must(err)
		return w, 1<<6 - 1
	}
	return ring.Backoff{Spins: idleSpins, Yields: idleYields, Sleep: 100 * time.Microsecond}, 1<<6 - 1
}

// Polls before the first sleep.
const (
	idleSpins     = 1000
	idleYields    = 1000
	sleeperYields = 10
)

// serverWait is what a gateway, a venue or a waker does while there is nothing to do. nil: what
// their packages do by themselves, which is some kind of backoff.
func serverWait(idle *wordFlag, cpu int) ring.WaitStrategy {
	switch how := idle.value; {
	case how == "spin", how == "auto" && cpu != noCPU:
		return ring.Spin{}
	case how == "yield":
		return ring.Yield{Spins: 10}
	}
	return nil
}
