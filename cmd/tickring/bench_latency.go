package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/bench"
)

func (a *app) benchLatencyCommand(f *benchFlags) *cobra.Command {
	var rates ratesFlag
	var file string
	var speed scaleFlag
	var cut durationFlag
	cmd := &cobra.Command{
		Use:   "latency",
		Short: "One way between two processes, at fixed rates and in bursts",
		Long: `latency sends messages by a schedule that does not wait for anybody: at fixed rates, in
bursts of 8 messages, and, with --file, with the times of a market-data file. It tells
two times of each message: the response time, from when it was meant to be sent until it
was read, and the transit time, from when it was sent. A publisher that falls behind
leaves nothing out, so that messages that it held up are late and counted as late.

Each load is measured with a subscriber of the default settings and, in turns, with one
that never steps off the publisher's cache line.

A rate is held if at least 0.99 of it were achieved.

FILE is any file that 'tickring replay' reads; '-' is standard input. Its first
2,000,000 messages give the times; what is sent are messages of one line. Gaps that are
longer than --cut, at --speed, are cut to that.`,
		Example: `  tickring bench latency
  tickring bench latency --rates 10k,1M,20M --json
  tickring bench latency --file es.mbo.dbn.zst --speed 10`,
		Args: wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config := bench.Latency{Rates: rates, Duration: time.Duration(f.duration)}
			if file != "" {
				r, err := readTimes(cmd.Context(), file)
				if err != nil {
					return err
				}
				r.Speed, r.Cut = float64(speed), time.Duration(cut)
				config.Recording = r
			}
			return a.bench(cmd.Context(), f, func(ctx context.Context, s *bench.Session) (bench.Result, error) {
				r, err := s.Latency(ctx, config)
				if errors.Is(err, bench.ErrConfig) {
					err = &usageError{err}
				}
				return r, err
			})
		},
	}
	cmd.Flags().Var(&rates, "rates", "messages a second (default: 10k,100k,1M,5M,10M,20M)")
	cmd.Flags().StringVar(&file, "file", "", "a market-data file whose times to repeat besides")
	cmd.Flags().Var(&speed, "speed", "factor on the file's own pace (default: 1)")
	cmd.Flags().Var(&cut, "cut", "cut longer gaps of the file to this (default: 100µs)")
	return cmd
}

// mostTimes is how many messages of a file give their times: some seconds of a busy
// market.
const mostTimes = 2_000_000

// readTimes reads when the messages of a file came.
func readTimes(ctx context.Context, path string) (*bench.Recording, error) {
	s, err := openSession(ctx, path, sessionConfig{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	r := &bench.Recording{Name: filepath.Base(s.file.name)}
	for len(r.Times) < mostTimes {
		if len(r.Times)%4096 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("read %s: stopped by a signal", s.file.name)
		}
		_, t, _, err := s.messages.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		r.Times = append(r.Times, t)
	}
	return r, nil
}

// ratesFlag is some numbers of messages a second.
type ratesFlag []float64

func (f *ratesFlag) Type() string { return "N,..." }

func (f *ratesFlag) String() string {
	words := make([]string, len(*f))
	for i, v := range *f {
		words[i] = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.Join(words, ",")
}

func (f *ratesFlag) Set(s string) error {
	*f = nil
	for _, word := range strings.Split(s, ",") {
		v, err := parseRate(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		*f = append(*f, v)
	}
	return nil
}

// parseRate reads a number such as 1000, 100k or 2.5M.
func parseRate(s string) (float64, error) {
	digits, unit := s, 1.0
	switch {
	case strings.HasSuffix(s, "k"):
		digits, unit = s[:len(s)-1], 1e3
	case strings.HasSuffix(s, "M"):
		digits, unit = s[:len(s)-1], 1e6
	}
	v, err := positive(digits)
	if err != nil {
		return 0, fmt.Errorf("want numbers of messages a second such as 1000, 100k or 2.5M, with commas between")
	}
	return v * unit, nil
}

// scaleFlag is a factor. 0: not given.
type scaleFlag float64

func (f *scaleFlag) Type() string { return "FACTOR" }

func (f *scaleFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*f), 'g', -1, 64)
}

func (f *scaleFlag) Set(s string) error {
	v, err := positive(s)
	if err != nil {
		return fmt.Errorf("want a factor on the file's own pace such as 1, 10 or 0.5")
	}
	*f = scaleFlag(v)
	return nil
}
