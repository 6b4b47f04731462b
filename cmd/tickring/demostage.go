package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/feed/synth"
	"github.com/tickring/tickring/internal/text"
)

// demoStage is what a demonstration needs besides its options.
type demoStage struct {
	title       string // of the session
	instrument  uint32 // that is traded; 0: the session has none
	qty         int    // of each order
	maxPosition int
	dir         string // of rings
	limits      string // the gateway's file
	sizes       demoSizes
	place       placement
	undo        []func()
}

// clear removes all that was made.
func (s *demoStage) clear() {
	for _, undo := range slices.Backward(s.undo) {
		undo()
	}
}

// scratch makes a directory that clear removes, and removes those that killed
// processes have left.
func (s *demoStage) scratch(base string) (string, error) {
	sweepScratch(base)
	dir, err := newScratch(base)
	if err != nil {
		return "", err
	}
	s.undo = append(s.undo, dir.remove)
	return dir.path, nil
}

// prepareDemo makes the session, the limits and the place for the rings, and fills in what
// o leaves open. The stage is to be cleared even after an error.
func (a *app) prepareDemo(ctx context.Context, o *demoOptions) (*demoStage, error) {
	s := &demoStage{title: o.path}
	if o.path != "" {
		if err := checkRegular(o.path); err != nil {
			return s, err
		}
	}
	base, made, err := demoBase(a.dir)
	if err != nil {
		return s, err
	}
	if made {
		s.undo = append(s.undo, func() { os.Remove(base) }) // unless others use it by now
	}
	if s.dir, err = s.scratch(base); err != nil {
		return s, err
	}
	temp, err := s.scratch("")
	if err != nil {
		return s, err
	}
	if o.path == "" {
		o.path = filepath.Join(temp, "session.itch50")
		s.title = fmt.Sprintf("a synthetic session of %s ITCH messages", text.Count(uint64(o.messages)))
		if _, err := writeSession(ctx, o.path, synth.Config{Messages: o.messages, Seed: o.seed}, false); err != nil {
			return s, err
		}
	}
	if err := s.look(ctx, o); err != nil {
		return s, err
	}
	s.limits = filepath.Join(temp, "limits.yaml")
	if err := os.WriteFile(s.limits, s.limitsText(), 0o600); err != nil {
		return s, err
	}
	s.sizes = sizesFor(s.dir)
	if o.capacity == 0 {
		o.capacity = sizeFlag(s.sizes.market)
	}
	s.place = placeDemo(o.noPin)
	return s, nil
}

// demoBase is where the directory of the demonstration's rings is made: in the
// directory of rings if one was named, which is made if it is not there; else in
// memory if possible; else, "", in the system's directory for temporary files.
func demoBase(dir string) (base string, made bool, err error) {
	if dir == "" {
		dir = os.Getenv("TICKRING_DIR")
	}
	if dir != "" {
		err := os.Mkdir(dir, 0o700)
		if errors.Is(err, fs.ErrExist) {
			return dir, false, nil
		}
		return dir, err == nil, err
	}
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && unix.Access(memory, unix.W_OK) == nil {
		return memory, false, nil
	}
	return "", false, nil
}

// demoSizes are the capacities of the rings. Those of the strategies have 1 MiB each.
type demoSizes struct{ market, gateway, exchange uint64 }

// sizesFor is what fits into a directory: /dev/shm is often small in containers.
func sizesFor(dir string) demoSizes {
	const most, least = 64 << 20, 2 << 20
	const small = 4 << 20 // strategies' rings and subscribers' files
	size := func(market uint64) demoSizes {
		return demoSizes{market, market / 2, max(1<<20, market/8)}
	}
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return size(most)
	}
	free := uint64(fs.Bavail) * uint64(fs.Bsize)
	market := uint64(most)
	for s := size(market); market > least && free < s.market+s.gateway+s.exchange+small; s = size(market) {
		market /= 2
	}
	return size(market)
}
