package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// printsExample gives a command that wants arguments a flag with which it wants none, and
// prints an example of the file that it reads.
func (a *app) printsExample(cmd *cobra.Command, flag, file, example string) {
	show := cmd.Flags().Bool(flag, false, "print an example of "+file)
	args, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if *show && len(given) == 0 {
			return nil
		}
		return args(cmd, given)
	}
	cmd.RunE = func(cmd *cobra.Command, given []string) error {
		if *show {
			_, err := fmt.Fprint(a.stdout, example)
			return err
		}
		return run(cmd, given)
	}
}
