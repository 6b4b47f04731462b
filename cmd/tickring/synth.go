package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/spf13/cobra"

	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/feed/synth"
	"github.com/tickring/tickring/internal/text"
)

type synthOptions struct {
	output string
	cfg    synth.Config
	force  bool
	json   bool
}

func (a *app) synthCommand() *cobra.Command {
	var o synthOptions
	cmd := &cobra.Command{
		Use:   "synth -o FILE",
		Short: "Make up a trading session, as an ITCH 5.0 file",
		Long: `synth writes a valid Nasdaq TotalView-ITCH 5.0 BinaryFILE with an order flow like
that of a real day. The same flags make the same file, byte for byte, on any
machine.`,
		Example: `  tickring synth -o day.itch50 --messages 10000000 --seed 1
  tickring synth -o small.itch50.gz --messages 100000 --instruments 5 --burst 50`,
		Args: wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.synth(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "file to write; .gz compresses it")
	f.IntVar(&o.cfg.Messages, "messages", synth.DefaultMessages, "number of messages")
	f.Uint64Var(&o.cfg.Seed, "seed", 1, "which of the sessions that are like this")
	f.IntVar(&o.cfg.Instruments, "instruments", 0, fmt.Sprintf("number of stocks (default %d, fewer in small sessions)", synth.DefaultInstruments))
	f.IntVar(&o.cfg.Burst, "burst", synth.DefaultBurst, "about how many messages come together")
	f.BoolVar(&o.force, "force", false, "replace FILE if it is there")
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	must(cmd.MarkFlagRequired("output"))
	must(cmd.MarkFlagFilename("output", "itch50", "gz"))
	return cmd
}

func (a *app) synth(ctx context.Context, o synthOptions) error {
	if o.cfg.Messages <= 0 || o.cfg.Instruments < 0 || o.cfg.Burst <= 0 {
		return usagef("invalid --messages, --instruments or --burst: want numbers above 0")
	}
	if _, err := synth.New(o.cfg); err != nil {
		return &usageError{err}
	}
	stats, err := writeSession(ctx, o.output, o.cfg, o.force)
	if err != nil {
		return err
	}
	counts := map[string]uint64{}
	for t, n := range stats.ByType {
		if n > 0 {
			counts[itch.Type(t).String()] = n
		}
	}
	if o.json {
		return writeJSON(a.stdout, map[string]any{
			"file": o.output, "messages": stats.Messages, "bytes": stats.Bytes, "by_type": counts, "seed": o.cfg.Seed,
		})
	}
	w := &lines{w: a.stdout}
	w.printf("wrote      %s messages, %s, to %s\n", text.Count(stats.Messages), text.Bytes(stats.Bytes), o.output)
	w.printf("by type    %s\n", countsText(counts))
	return w.err
}

// writeSession writes a synthetic session to a file.
func writeSession(ctx context.Context, path string, cfg synth.Config, force bool) (synth.Stats, error) {
	file, err := createFile(path, force)
	if err != nil {
		return synth.Stats{}, err
	}
	defer file.discard()
	var out io.WriteCloser = file
	if strings.HasSuffix(path, ".gz") {
		out = gzip.NewWriter(file)
	}
	stats, err := synth.Write(interruptible{ctx, out}, cfg)
	if out != file && err == nil {
		err = out.Close()
	}
	if err != nil {
		return stats, err
	}
	return stats, file.commit()
}

// interruptible is a writer that fails once a signal came.
type interruptible struct {
	ctx context.Context
	w   io.Writer
}

func (i interruptible) Write(p []byte) (int, error) {
	if i.ctx.Err() != nil {
		return 0, errors.New("stopped by a signal")
	}
	return i.w.Write(p)
}
