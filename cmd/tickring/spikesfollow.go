package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tickring/tickring/ring"
)

// spikesEvery is how often to look whether there are new ones.
const spikesEvery = 10 * time.Millisecond

// followSpikes shows spikes as they come.
func (a *app) followSpikes(ctx context.Context, o spikesOptions) error {
	info, err := ring.Stat(a.dir, o.ring)
	if err != nil {
		return noRing(err, a.dir, o.ring)
	}
	w, err := ring.OpenWatch(a.dir, o.ring)
	if err != nil {
		return err
	}
	defer w.Close()
	dir := a.dir
	if dir == "" {
		dir = ring.DefaultDir()
	}
	f := &spikeFollower{o: o, dir: filepath.Join(dir, o.ring, "subs"), told: map[string]spikesTold{}, watched: map[string]*watchedProcess{}}
	defer f.close()
	if !o.json {
		if _, err := fmt.Fprintln(a.stdout, spikeLine(spikeHeads())); err != nil {
			return err
		}
	}
	if note := o.waitsFor(&info); note != "" {
		fmt.Fprintf(a.stderr, "tickring spikes: %s\n", note)
	}
	var sight ring.Sight
	for first := true; ; first = false {
		err := w.Look(&sight)
		now := time.Now()
		for _, s := range f.news(&sight, err, now, first) {
			if o.json {
				err = writeJSON(a.stdout, s)
			} else {
				_, err = fmt.Fprintln(a.stdout, spikeLine(s.row()))
			}
			if err != nil {
				return err
			}
		}
		if sleep(ctx, spikesEvery) != nil {
			return nil
		}
	}
}

// waitsFor says why nothing may come, "" if something may.
func (o *spikesOptions) waitsFor(info *ring.Info) string {
	recording, there := false, !o.one()
	for _, s := range info.Subscribers {
		if o.wants(s.Name) {
			there = true
			recording = recording || s.Spikes.Threshold != 0
		}
	}
	recording = recording || o.wants(ownPart) && info.Late != nil && info.Late.Spikes.Threshold != 0
	switch {
	case !there:
		return fmt.Sprintf("ring %q has no subscriber %q yet; waiting for it", o.ring, o.sub)
	case !recording && (o.above == 0 || o.sub == ownPart):
		return fmt.Sprintf("nobody records spikes on ring %q yet: start a subscriber or the publisher with --spikes, or look on from outside with --above 1ms", o.ring)
	}
	return ""
}

// spikeFollower remembers what was told.
type spikeFollower struct {
	o       spikesOptions
	dir     string                     // of subscribers' files
	told    map[string]spikesTold      // by name; "" is the publisher
	watched map[string]*watchedProcess // those that do not record
}

func (f *spikeFollower) subFile(name string) string { return filepath.Join(f.dir, name) }

// spikesTold is how far the list of a file was told.
type spikesTold struct {
	opened time.Time
	number uint64
}

// unexplainedAfter is how long a spike may wait for its explanation before it is told
// without.
const unexplainedAfter = time.Second

// news returns what is new in a sight; a ring that cannot be looked at has nothing. What
// was there at the first look is not new.
func (f *spikeFollower) news(sight *ring.Sight, failed error, now time.Time, first bool) (found []seenSpike) {
	if failed != nil {
		return nil // gone, or being replaced: the watch finds what comes
	}
	recorded := func(of string, publisher bool, opened time.Time, active bool, l ring.SpikeLog) {
		t, known := f.told[of]
		if !known || !t.opened.Equal(opened) {
			t = spikesTold{opened: opened}
			if first {
				t.number = l.Spikes
			}
		}
		for _, s := range l.List {
			if s.Number <= t.number {
				continue
			}
			if !s.Explained && active && now.Sub(s.Time) < unexplainedAfter {
				break // in a moment
			}
			t.number = s.Number
			if s.Latency >= time.Duration(f.o.above) {
				found = append(found, seenSpike{Of: of, Publisher: publisher, Spike: s})
			}
		}
		f.told[of] = t
	}
	for i := range sight.Subs {
		s := &sight.Subs[i]
		if s.Err != nil || !f.o.wants(s.Name) {
			continue
		}
		if s.Spikes.Threshold != 0 {
			recorded(s.Name, false, s.Opened, s.Active, s.Spikes)
		} else if f.o.above != 0 {
			if spike, ok := f.watch(s, now); ok {
				found = append(found, seenSpike{Of: s.Name, Watched: true, Spike: spike})
			}
		}
	}
	if own := sight.Own; own != nil && own.Err == nil && f.o.wants(ownPart) {
		recorded("", true, own.Opened, !own.Closed, own.Spikes)
	}
	return found
}

func (f *spikeFollower) close() {
	for _, p := range f.watched {
		p.close()
	}
}
