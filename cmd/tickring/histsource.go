package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/cmd/internal/hlog"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// histSource is where latencies are: RING, RING:SUB, FILE or FILE:TAG.
type histSource struct {
	ring string // or:
	file string
	part string // the subscriber, ownPart or the tag; "": all
}

// histFiles are the files that hist reads, by the ends of their names.
var histFiles = []string{".hlog", ".hgrm", ".json"}

func parseHistSource(arg string) (histSource, error) {
	cut := len(arg) // where the file's name ends
	for _, end := range histFiles {
		if at := strings.Index(arg, end+":"); at >= 0 {
			cut = min(cut, at+len(end))
		}
	}
	if file := arg[:cut]; slices.Contains(histFiles, filepath.Ext(file)) {
		if cut == len(arg) {
			return histSource{file: file}, nil
		}
		if filepath.Ext(file) == ".hgrm" {
			return histSource{}, usagef("%s: a .hgrm file has one distribution and no tags", text.Clipped(arg))
		}
		return histSource{file: file, part: arg[cut+1:]}, nil
	}
	if strings.ContainsRune(arg, filepath.Separator) {
		return histSource{}, usagef("%s is neither a ring nor a file whose name ends in .hlog, .hgrm or .json", text.Clipped(arg))
	}
	name, part, err := parsePart(arg)
	return histSource{ring: name, part: part}, err
}

// one says whether the source is a single distribution, whatever there is.
func (s histSource) one() bool { return s.part != "" || strings.HasSuffix(s.file, ".hgrm") }

// distribution is latencies, with where they come from.
type distribution struct {
	name      string // RING:SUB, FILE or FILE:TAG
	ring, sub string // if it is of a ring
	state     string // of the subscriber: reading, closed, dead or new; of the publisher publishing
	gate      string // holding, demoted or dropped
	from, to  time.Time
	hist      *hdrhistogram.Histogram // in ns
	max       int64                   // exactly, if that is known
	mean      float64
}

// percentiles sums d up. A .hgrm file knows its mean better than the histogram made of it.
func (d *distribution) percentiles() *percentiles {
	p := percentilesOf(d.hist, d.max)
	p.Mean = d.mean
	return p
}

// distributions returns what all sources have, in their order.
func (a *app) distributions(ctx context.Context, sources []histSource) (all []distribution, err error) {
	for _, s := range sources {
		var of []distribution
		if s.file != "" {
			of, err = a.readHistFile(ctx, s)
		} else {
			of, err = a.ringDistributions(s)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

func (a *app) ringDistributions(s histSource) (all []distribution, err error) {
	info, err := ring.Stat(a.dir, s.ring)
	if err != nil {
		if i, serr := os.Stat(s.ring); serr == nil && i.Mode().IsRegular() && errors.Is(err, ring.ErrNoRing) {
			return nil, fmt.Errorf("there is no ring %q, and the file of that name does not end in .hlog, .hgrm or .json, which hist can read", s.ring)
		}
		return nil, noRing(err, a.dir, s.ring)
	}
	now := time.Now()
	parts := info.Subscribers
	if info.Late != nil {
		parts = append(parts, ownPartOf(&info, info.Late))
	}
	for _, sub := range parts {
		switch {
		case !s.wants(sub.Name):
		case sub.Err != nil && s.part != "":
			return nil, sub.Err
		case sub.Err != nil:
			fmt.Fprintf(a.stderr, "tickring hist: %s: %s\n", sub.Name, text.OneLine(sub.Err))
		default:
			all = append(all, subDistribution(s.ring, sub, now))
		}
	}
	if s.part == ownPart && len(all) == 0 {
		return nil, fmt.Errorf("ring %q has no file of its publisher; one that records spikes makes it (replay --spikes, ring.Config.Spikes)", s.ring)
	}
	if s.part != "" && len(all) == 0 {
		return nil, fmt.Errorf("ring %q has no subscriber %q; 'tickring stat %s' lists them", s.ring, s.part, s.ring)
	}
	if len(all) == 0 {
		fmt.Fprintf(a.stderr, "tickring hist: ring %q has no named subscribers\n", s.ring)
	}
	return all, nil
}

// wants says whether a part of a ring is meant. The publisher is, if it is named.
func (s histSource) wants(part string) bool {
	return s.part == part || s.part == "" && part != ownPart
}

// ownPartOf is what a ring's publisher tells of itself, in the guise of a subscriber.
func ownPartOf(i *ring.Info, own *ring.PublisherInfo) ring.SubscriberInfo {
	alive := i.Publisher == ring.Live || i.Publisher == ring.Hung
	return ring.SubscriberInfo{
		Name: ownPart, Active: alive && !own.Closed && own.PID == i.PID, Closed: own.Closed, PID: own.PID, Opened: own.Opened,
		Max: own.Max, Latency: own.Latency, Err: own.Err,
	}
}

// ownAlive is the state of a publisher that a subscriber calls reading.
const ownAlive = "publishing"

func subDistribution(ring string, s ring.SubscriberInfo, now time.Time) distribution {
	d := distribution{
		name: ring + ":" + s.Name, ring: ring, sub: s.Name, state: monitor.StateOf(&s), gate: monitor.GateWord(s.Gate),
		from: s.Opened, to: now, hist: s.Latency, max: int64(s.Max), mean: s.Latency.Mean(),
	}
	if s.Name == ownPart && d.state == monitor.StateReading {
		d.state = ownAlive
	}
	if d.state == monitor.StateNew {
		d.from, d.to = time.Time{}, time.Time{}
	}
	return d
}

// readHistFile reads what hist, or another of HdrHistogram's tools, has written.
func (a *app) readHistFile(ctx context.Context, s histSource) (all []distribution, err error) {
	in, err := openInput(ctx, s.file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if in.dir {
		return nil, fmt.Errorf("read %s: it is a directory", s.file)
	}
	switch filepath.Ext(s.file) {
	case ".hgrm":
		d, err := hlog.ReadDistribution(in, s.file)
		if err != nil {
			return nil, err
		}
		return []distribution{{name: s.file, hist: d.Hist, max: d.Max, mean: d.Mean}}, nil
	case ".hlog":
		all, err = readLog(in, s)
		if errors.Is(err, hlog.ErrCutShort) {
			fmt.Fprintf(a.stderr, "tickring hist: %v\n", err)
			err = nil
		}
	default:
		all, err = readHistJSON(in, s)
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("read %s: it has no latencies", s.file)
		if s.part != "" {
			err = fmt.Errorf("read %s: it has no latencies of %q", s.file, s.part)
		}
	}
	return all, err
}

// mostSums bounds the memory for the sums of a log, which may be anything.
const mostSums = 512 << 20

// readLog sums the intervals of a log up, by tag. If the log is cut short it returns the
// sums and the error.
func readLog(in *input, s histSource) (all []distribution, err error) {
	bytes := 0
	err = hlog.Read(in, s.file, func(i hlog.Interval) error {
		if s.part != "" && i.Tag != s.part {
			return nil
		}
		at := slices.IndexFunc(all, func(d distribution) bool { return d.name == fileName(s.file, i.Tag) })
		if at < 0 {
			at = len(all)
			all = append(all, distribution{name: fileName(s.file, i.Tag), from: i.Start})
		}
		d := &all[at]
		before := 0
		if d.hist != nil {
			before = d.hist.ByteSize()
		}
		sum, err := hlog.Add(d.hist, i.Hist)
		if err != nil {
			return fmt.Errorf("read %s: %w", s.file, err)
		}
		d.hist = sum
		if bytes += sum.ByteSize() - before; bytes > mostSums {
			return fmt.Errorf("read %s: its tags need more than %s of memory; name one tag as %s:TAG", s.file, text.Bytes(mostSums), s.file)
		}
		if end := i.Start.Add(i.Length); end.After(d.to) {
			d.to = end
		}
		if i.Start.Before(d.from) {
			d.from = i.Start
		}
		return nil
	})
	for i := range all {
		all[i].max, all[i].mean = all[i].hist.Max(), all[i].hist.Mean()
	}
	return all, err
}

// fileName names what a file has under a tag.
func fileName(file, tag string) string {
	if tag == "" {
		return file
	}
	return file + ":" + tag
}

// subNames returns the names of a ring's subscribers; no ring has none.
func (a *app) subNames(name string) (names []string) {
	info, _ := ring.Stat(a.dir, name)
	for _, s := range info.Subscribers {
		names = append(names, s.Name)
	}
	return names
}
