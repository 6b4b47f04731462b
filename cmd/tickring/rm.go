package main

import (
	"github.com/spf13/cobra"

	"github.com/tickring/tickring/ring"
)

func (a *app) rmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME...",
		Short: "Remove rings",
		Long: `rm removes rings and the files of their subscribers. A ring that has a publisher
is not removed. Subscribers that still read a ring are told, and keep what they
have not read yet.`,
		Example:           `  tickring rm es itch`,
		Args:              wantRings("NAME..."),
		ValidArgsFunction: a.completeRing(anyNumber),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				if err := ring.Remove(a.dir, name); err != nil {
					return noRing(err, a.dir, name)
				}
			}
			return nil
		},
	}
}
