package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/tickring/tickring/cmd/internal/hlog"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

func (o *histOptions) checkWatch(sources []histSource) error {
	for _, s := range sources {
		if s.file != "" {
			return usagef("--watch looks at rings, and %s is a file", s.file)
		}
	}
	if o.every < minHistEvery || o.every > maxHistEvery {
		return usagef("invalid --every %v: want a time from %v to %v", o.every, minHistEvery, maxHistEvery)
	}
	log := 0
	for _, path := range o.outputs {
		if form, _ := histForm(path); form != ".hlog" {
			return usagef("--watch writes a log, and %s is none; draw it from the log then", path)
		}
		log++
	}
	if o.hlog {
		log++
	}
	if log != 1 || o.json || o.hgrm {
		return usagef("--watch writes one log: give -o FILE.hlog, or --hlog for stdout")
	}
	return nil
}

// watchHist logs intervals until ctx ends or the time is over.
func (a *app) watchHist(ctx context.Context, o *histOptions, sources []histSource) error {
	w := &histWatch{dir: a.dir, started: time.Now(), rings: map[string]*watchedRing{}}
	defer w.close()
	for _, s := range sources {
		if err := w.add(s); err != nil {
			return err
		}
	}
	w.untagged = len(sources) == 1 && sources[0].part != ""
	if !o.quiet {
		w.notes = a.stderr
	}
	out := a.stdout
	if len(o.outputs) > 0 {
		f, err := createFile(o.outputs[0], o.force)
		if err != nil {
			return err
		}
		defer f.discard()
		defer f.Close() // each line was written with an error of its own
		// It has its name from the beginning: it is whole after each line.
		if err := f.nameIt(f.path, f.force); err != nil {
			return err
		}
		out = f
	}
	log, err := hlog.NewWriter(out, w.started, "Written by tickring hist --watch")
	if err != nil {
		return err
	}
	w.log = log
	if o.forTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(o.forTime))
		defer cancel()
	}
	if err := w.run(ctx, o.every); err != nil || len(o.outputs) == 0 {
		return err
	}
	l := &lines{w: a.stdout}
	l.printf("logged     %s, %s, to %s\n", text.CountOf(w.intervals, "interval", "intervals"), text.Messages(w.messages), o.outputs[0])
	return l.err
}

// histWatch takes the differences of histograms.
type histWatch struct {
	dir      string
	started  time.Time
	rings    map[string]*watchedRing
	order    []string // names of rings
	untagged bool
	notes    io.Writer // or nil
	log      *hlog.Writer
	err      error // the first of writing the log

	intervals, messages uint64
}

func (w *histWatch) add(s histSource) error {
	r := w.rings[s.ring]
	if r == nil {
		watch, err := ring.OpenWatch(w.dir, s.ring)
		if err != nil {
			return err
		}
		r = &watchedRing{name: s.ring, watch: watch, subs: map[string]*watchedSub{}}
		w.rings[s.ring] = r
		w.order = append(w.order, s.ring)
	}
	r.sources = append(r.sources, s)
	return nil
}

func (w *histWatch) close() {
	for _, r := range w.rings {
		r.watch.Close()
	}
}

// run looks at all rings at the pace, and once more at the end.
func (w *histWatch) run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ended := false; ; {
		for _, name := range w.order {
			w.look(w.rings[name])
		}
		if ended || w.err != nil {
			return w.err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		ended = ctx.Err() != nil
	}
}

// say writes what has happened, for people.
func (w *histWatch) say(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if w.notes != nil {
		fmt.Fprintf(w.notes, "tickring hist: %s\n", what)
	}
	w.keep(w.log.Comment(time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + " " + what))
}

func (w *histWatch) keep(err error) {
	if w.err == nil && err != nil {
		w.err = err
	}
}
