package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/ring"
)

// fencePatience is how long a killed process may take to end.
const fencePatience = 30 * time.Second

func (a *app) fenceCommand() *cobra.Command {
	var force, asJSON bool
	cmd := &cobra.Command{
		Use:   "fence NAME",
		Short: "End a publisher that is hung",
		Long: `fence ends the publisher of a ring that is hung: it holds the ring, so that no other
can go on, and gives no sign of life, because it is stopped, in a debugger or stuck.
It is killed for certain, and so is whoever has inherited the ring's lock from it;
then a standby goes on, or the next publisher that is started.

Only processes that are seen to hold the ring's lock are killed, whatever pid 'stat'
shows. A holder in another PID namespace or container is not seen from inside of
one; run fence outside then.

The JSON object: ended lists the pid and the name of each process that was killed;
publisher is the state of the ring afterwards: dead, closed, or live if another
publisher has gone on already.`,
		Example: `  tickring fence es
  tickring fence es --force      # whether it is hung or not`,
		Args:              wantRings("NAME"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), fencePatience)
			defer cancel()
			done, err := ring.Fence(ctx, a.dir, args[0], ring.FenceOptions{Force: force})
			if err != nil {
				return noRing(err, a.dir, args[0])
			}
			if asJSON {
				return writeJSON(a.stdout, reportFence(args[0], done))
			}
			w := &lines{w: a.stdout}
			if len(done.Ended) == 0 {
				w.printf("nobody to end: the publisher of ring %s is %s\n", args[0], done.Publisher)
			}
			for _, p := range done.Ended {
				w.printf("ended %v; the publisher of ring %s is %s\n", p, args[0], done.Publisher)
			}
			return w.err
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "end it even if it is not hung")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object instead of text")
	return cmd
}

type fenceReport struct {
	Ring      string         `json:"ring"`
	Ended     []endedProcess `json:"ended"`
	Publisher string         `json:"publisher"`
}

type endedProcess struct {
	PID  int    `json:"pid"`
	Name string `json:"name"`
}

func reportFence(name string, f ring.Fenced) fenceReport {
	r := fenceReport{Ring: name, Ended: []endedProcess{}, Publisher: f.Publisher.String()}
	for _, p := range f.Ended {
		r.Ended = append(r.Ended, endedProcess{p.PID, p.Name})
	}
	return r
}
