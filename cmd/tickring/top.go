package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tickring/tickring/cmd/internal/top"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

type topOptions struct {
	rings   []string
	every   time.Duration
	sort    *wordFlag
	window  *wordFlag
	reverse bool
	once    bool
	json    bool
	width   int
}

const (
	minLook  = 50 * time.Millisecond // from one look of top to the next
	maxWidth = 1000
)

func (a *app) topCommand() *cobra.Command {
	o := topOptions{window: newWord("second", "minute", "start")}
	names := top.SortNames()
	o.sort = newWord(names[0], names[1:]...)
	cmd := &cobra.Command{
		Use:   "top [NAME...]",
		Short: "Watch rings, subscribers and their latencies",
		Long: `top shows all rings, or those that are named, and their subscribers, and looks again
every second: rates, how far behind, losses, back pressure, and latencies from publish
to read over the last second, the last minute and since the start. It says who is dead,
hung or stuck (there are messages to read, and it has not moved for a second).

It reads shared memory only. Publishers and subscribers do no more for it than without.

Keys: ? tells all; arrows or j and k select, Enter opens, < and > sort, w changes the
window, / filters, p pauses, q quits. NO_COLOR in the environment turns colours off. If
LC_ALL, LC_CTYPE or LANG, the first of them that is set, does not end in UTF-8, all is
drawn with ASCII characters.

With --once it looks twice, --every apart, so that rates are known, and prints one
frame, or with --json what it has seen; it fails if a ring that was named is not there,
or if the directory of rings cannot be read.
On other things than a terminal a frame is 120 columns wide, without colours.`,
		Example: `  tickring top
  tickring top es nq --every 250ms --sort p99
  tickring top --once --sort lag --width 100
  tickring top --once --json | jq '.rings[].subscribers[] | select(.state == "stuck") | .name'`,
		Args:              wantRings("[NAME...]"),
		ValidArgsFunction: a.completeRing(anyNumber),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.rings = args
			switch {
			case o.every < minLook:
				return usagef("invalid --every %v: want at least %v", o.every, minLook)
			case o.json && !o.once:
				return usagef("--json is for --once")
			case cmd.Flags().Changed("width") && !o.once:
				return usagef("--width is for --once")
			case o.width != 0 && (o.width < top.MinWidth || o.width > maxWidth):
				return usagef("invalid --width %d: want from %d to %d columns", o.width, top.MinWidth, maxWidth)
			}
			return a.top(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.every, "every", time.Second, "time from one look to the next, at least 50ms")
	f.Var(o.sort, "sort", "`COLUMN` to sort by, the largest first: "+strings.Join(names, ", "))
	f.BoolVar(&o.reverse, "reverse", false, "sort the other way round")
	f.Var(o.window, "window", "latencies of the last second, of the last minute, or since the start")
	f.BoolVar(&o.once, "once", false, "print one frame")
	f.BoolVar(&o.json, "json", false, "with --once: one JSON object instead of a frame")
	f.IntVar(&o.width, "width", 0, "with --once: columns (default: the terminal's, or 120)")
	must(cmd.RegisterFlagCompletionFunc("sort", completeWords(names...)))
	must(cmd.RegisterFlagCompletionFunc("window", completeWords(o.window.words...)))
	return cmd
}

func (a *app) top(ctx context.Context, o topOptions) error {
	dir := a.dir
	if dir == "" {
		dir = ring.DefaultDir()
	}
	cfg := top.Config{Dir: dir, Rings: o.rings, Every: o.every, Sort: o.sort.value, Reverse: o.reverse, ASCII: !isUTF8(os.Getenv)}
	for i, word := range o.window.words {
		if word == o.window.value {
			cfg.Window = []monitor.Span{monitor.LastSecond, monitor.LastMinute, monitor.SinceStart}[i]
		}
	}
	switch {
	case o.once:
	case !isTerminal(a.stdout), !isTerminal(os.Stdin):
		return errors.New("stdin or stdout is no terminal; --once prints one frame")
	case os.Getenv("TERM") == "dumb":
		return errors.New("nothing can be drawn on this terminal, whose TERM is dumb; --once prints one frame")
	}
	m := monitor.New(monitor.Config{Dir: a.dir, Rings: o.rings})
	defer m.Close()
	if !o.once {
		return top.Run(ctx, m, cfg, os.Stdin, a.stdout)
	}
	m.Poll()
	select {
	case <-time.After(o.every):
	case <-ctx.Done():
		return errors.New("stopped by a signal before the second look")
	}
	snap := m.Poll()
	var err error
	switch {
	case o.json:
		if err = writeJSON(a.stdout, snap); err == nil && snap.Error != "" {
			err = errors.New(snap.Error)
		}
	case snap.Error != "":
		return errors.New(snap.Error)
	default:
		_, err = io.WriteString(a.stdout, top.Frame(snap, cfg, a.stdout, a.topWidth(o)))
	}
	for i := range snap.Rings {
		if r := &snap.Rings[i]; err == nil && r.Absent {
			err = noRing(ring.ErrNoRing, dir, r.Name)
		}
	}
	return err
}

// isUTF8 says whether the locale of an environment has that for its characters.
func isUTF8(env func(string) string) bool {
	locale, _, _ := strings.Cut(strings.ToLower(cmp.Or(env("LC_ALL"), env("LC_CTYPE"), env("LANG"))), "@")
	return strings.HasSuffix(locale, "utf-8") || strings.HasSuffix(locale, "utf8")
}

// topWidth is how wide a frame is.
func (a *app) topWidth(o topOptions) int {
	if o.width > 0 {
		return o.width
	}
	if f, ok := a.stdout.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 120
}
