package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

func (a *app) lsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the rings",
		Long: `ls lists the rings in the directory of rings, without changing anything. A ring
that cannot be read is named after the others, with the reason.

PUBLISHER is live, hung (it holds the ring and gives no sign of life), dead (it
ended without closing the ring) or closed; SUBS is how many named subscribers are
reading, of how many there are; GATES is how many of them the publisher waits for, of
how many it was to wait for at first ('tickring stat' tells more); AGE is how long ago the ring was made.`,
		Example: `  tickring ls
  tickring ls --json | jq -r '.rings[] | select(.publisher == "live") | .name'`,
		Args: wantArgs(),
		RunE: func(*cobra.Command, []string) error { return a.ls(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object instead of text")
	return cmd
}

func (a *app) ls(asJSON bool) error {
	names, err := ring.List(a.dir)
	if err != nil {
		return err
	}
	rings := make([]ringReport, 0, len(names))
	for _, name := range names {
		info, err := ring.Stat(a.dir, name)
		if err != nil {
			if why := errors.Unwrap(err); why != nil {
				err = why // without the name
			}
			rings = append(rings, ringReport{Name: name, Error: err.Error()})
			continue
		}
		rings = append(rings, reportRing(info))
	}
	dir := a.dir
	if dir == "" {
		dir = ring.DefaultDir()
	}
	if asJSON {
		return writeJSON(a.stdout, map[string]any{"dir": dir, "rings": rings})
	}
	if len(rings) == 0 {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(a.stderr, "tickring ls: there is no directory %s yet\n", dir)
		} else {
			fmt.Fprintf(a.stderr, "tickring ls: no rings in %s\n", dir)
		}
		return nil
	}
	broken := func(r ringReport) bool { return r.Error != "" }
	w := &lines{}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	w.w = table
	if slices.ContainsFunc(rings, func(r ringReport) bool { return !broken(r) }) {
		w.printf("NAME\tPUBLISHER\tSCHEMA\tCAPACITY\tLAST\tSUBS\tGATES\tAGE\n")
	}
	for _, r := range rings {
		if broken(r) {
			continue
		}
		active := 0
		for _, s := range r.Subscribers {
			if s.Active {
				active++
			}
		}
		gates := "-"
		if holding, all := r.gates(); all > 0 {
			gates = fmt.Sprintf("%d/%d", holding, all)
		}
		w.printf("%s\t%s\t%s\t%s\t%s\t%d/%d\t%s\t%s\n", r.Name, r.Publisher, orDash(r.Schema),
			text.Bytes(r.Capacity), text.Count(r.LastSeq), active, len(r.Subscribers), gates, text.Ago(time.Since(r.Created)))
	}
	if w.err != nil {
		return w.err
	}
	if err := table.Flush(); err != nil {
		return err
	}
	w.w = a.stdout
	for _, r := range rings {
		if broken(r) {
			w.printf("%s: %s\n", r.Name, text.OneLine(errors.New(r.Error)))
		}
	}
	return w.err
}
