package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// thresholdFlag is a latency from which on something is told. 0: not given.
type thresholdFlag time.Duration

func (f *thresholdFlag) Type() string { return "TIME" }

func (f *thresholdFlag) String() string {
	if *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

func (f *thresholdFlag) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return fmt.Errorf("want a time such as 50us, 1ms or 2s")
	}
	*f = thresholdFlag(d)
	return nil
}

// spikesFlag makes a command record spikes.
func spikesFlag(cmd *cobra.Command, f *thresholdFlag, what string) {
	cmd.Flags().Var(f, "spikes", what+" of at least that, with their cause, for 'tickring spikes'")
	must(cmd.RegisterFlagCompletionFunc("spikes", completeWords("100us", "1ms", "10ms")))
}
