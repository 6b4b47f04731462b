package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/affinity"
)

// coreFlags are what a thread wants besides a CPU.
type coreFlags struct {
	reserve, noGC bool
}

func (o *coreFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.reserve, "reserve", false, "reserve the CPU among processes that do so; without --cpu, the best one that is free")
	f.BoolVar(&o.noGC, "no-gc", false, "collect no garbage until half of the memory is used (GOMEMLIMIT sets another limit)")
}

// take pins the calling goroutine as pin does, and keeps others away, until the process ends.
func (o *coreFlags) take(cpu int) error {
	if o.noGC {
		if _, err := affinity.Quiet(affinity.QuietConfig{}); err != nil {
			return fmt.Errorf("--no-gc: %w", err)
		}
	}
	switch {
	case !o.reserve:
	case cpu == noCPU:
		makeRoom()
		if _, err := affinity.PinBy(affinity.Policy{}); err != nil {
			return fmt.Errorf("--reserve: %w", err)
		}
		return nil
	case cpu < 0:
		return badCPU(cpu)
	default:
		if _, err := affinity.Reserve("", cpu); err != nil {
			return fmt.Errorf("--reserve --cpu %d: %w", cpu, err)
		}
	}
	return pin(cpu)
}
