package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tickring",
		Short: "Market data between processes, through shared memory",
		Long: `tickring carries market data from one publisher to any number of strategy
processes of the same host through a ring in shared memory.

A ring is a directory with the ring's name below the directory of rings: --dir,
or TICKRING_DIR, or /dev/shm/tickring-UID. It stays there, with what was published
last, until 'tickring rm'.`,
		Example: `  tickring demo                                  # see it work
  tickring sub es --until-closed &               # a strategy: waits for the ring
  tickring replay es.mbo.dbn.zst --ring es       # a feed: publishes a file
  tickring ls`,
		SilenceUsage:  true,
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,

		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.PersistentFlags().StringVar(&a.dir, "dir", "", "directory of rings (default $TICKRING_DIR, or /dev/shm/tickring-UID)")
	_ = root.MarkPersistentFlagDirname("dir") // fails only for a flag that is not there
	root.PersistentFlags().Var(&a.owner, "owner", "user whose rings sub and record trust besides one's own, on a shared host")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return plainFlagError(err) })
	root.SetHelpCommand(helpCommand(root))

	root.AddCommand(
		a.demoCommand(),
		a.replayCommand(),
		a.subCommand(),
		a.recordCommand(),
		a.gatewayCommand(),
		a.killCommand(),
		a.strategyCommand(),
		a.exchangeCommand(),
		a.fixCommand(),
		a.ordersCommand(),
		a.executionsCommand(),
		a.wakerCommand(),
		a.lsCommand(),
		a.statCommand(),
		a.topCommand(),
		a.histCommand(),
		a.spikesCommand(),
		a.serveCommand(),
		a.rmCommand(),
		a.fenceCommand(),
		a.synthCommand(),
		a.auditCommand(),
		a.benchCommand(),
		a.doctorCommand(),
		a.versionCommand(),
	)
	a.noteRun(root)
	return root
}

// noteRun has the commands below parent say when they begin, and end by a signal. Those that
// take no arguments have none completed.
func (a *app) noteRun(parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.ValidArgsFunction == nil && !strings.Contains(c.Use, " ") {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
		body := c.RunE
		c.RunE = func(cmd *cobra.Command, args []string) error {
			a.ran = true
			ctx, stop := untilEnd(cmd)
			defer stop()
			cmd.SetContext(ctx)
			return body(cmd, args)
		}
		a.noteRun(c)
	}
}

// helpCommand is that of cobra, but it fails for what is no command.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err == nil {
				err = noSuchCommand(cmd, rest)
			}
			if err != nil {
				return err
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		return fmt.Errorf("there is no command %q, perhaps %s is meant", args[0], strings.Join(like, " or "))
	}
	return fmt.Errorf("there is no command %q", args[0])
}

// wantArgs demands the arguments of the given names. The last may be in brackets,
// and is optional then, or have "...", and may be given more than once.
func wantArgs(names ...string) cobra.PositionalArgs {
	low, high := len(names), len(names)
	if n := len(names); n > 0 {
		last := names[n-1]
		if strings.HasPrefix(last, "[") {
			low--
		}
		if strings.Contains(last, "...") {
			high = anyNumber
		}
	}
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < low:
			return fmt.Errorf("%s is missing", strings.TrimSuffix(names[len(args)], "..."))
		case len(args) > high:
			return fmt.Errorf("%q is one argument too many", args[high])
		}
		return nil
	}
}

// wantRings is wantArgs for names of rings, which it checks.
func wantRings(names ...string) cobra.PositionalArgs {
	count := wantArgs(names...)
	return func(cmd *cobra.Command, args []string) error {
		if err := count(cmd, args); err != nil {
			return err
		}
		for _, name := range args {
			if err := ring.CheckName(name); err != nil {
				return fmt.Errorf("ring %s: %w", text.Clipped(name), err)
			}
		}
		return nil
	}
}

// noRing says what to do if err is that there is no ring of that name.
func noRing(err error, dir, name string) error {
	if !errors.Is(err, ring.ErrNoRing) {
		return err
	}
	if dir == "" {
		dir = ring.DefaultDir()
	}
	return fmt.Errorf("%w: %q in %s; its publisher makes it, and 'tickring ls' lists those that are there", ring.ErrNoRing, name, dir)
}

// anyNumber of arguments.
const anyNumber = int(^uint(0) >> 1)

// completeRing offers the names of the rings that are there, for up to max arguments.
func (a *app) completeRing(max int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= max {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, err := ring.List(a.dir)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeWords offers the values of a flag that has few.
func completeWords(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}
