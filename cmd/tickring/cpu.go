package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/affinity"
)

// noCPU is the --cpu that pins to none.
const noCPU = -1

func cpuFlag(cmd *cobra.Command, cpu *int) {
	cmd.Flags().IntVar(cpu, "cpu", noCPU, "pin the thread to this CPU (-1: let it float)")
}

// pin binds the calling goroutine to a CPU until the process ends.
func pin(cpu int) error {
	switch {
	case cpu == noCPU:
		return nil
	case cpu < 0:
		return badCPU(cpu)
	}
	makeRoom()
	if _, err := affinity.Pin(cpu); err != nil {
		return fmt.Errorf("--cpu %d: %w", cpu, err)
	}
	return nil
}

// makeRoom is for a process that was started on one CPU: it has one slot for goroutines,
// and the one that spins would have it for 10 ms at a time.
func makeRoom() { runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0))) }

func badCPU(cpu int) error {
	return usagef("invalid --cpu %d: want the number of a CPU, or -1", cpu)
}
