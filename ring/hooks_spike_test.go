//go:build linux && hooks

package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() { scripts["spikes"] = spikesScript }

// spikesBefore fill the list but for one place, so that the next ones take those of others.
const (
	spikesBefore = MaxSpikes - 1
	spikesAfter  = 3
)

// spikesScript publishes and reads, and each pair of messages is a spike, of which is
// found out at once why. The first spikes are one operation, and each of the others.
func spikesScript(b *box, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p, err := Create("r", Config{Dir: dir, Capacity: minCapacity, Heartbeat: -1})
	if err != nil {
		return err
	}
	s, err := Open("r", Options{Dir: dir, Name: "a", NoStepOff: true})
	if err != nil {
		return err
	}
	s.recordSpikes(1)
	r, err := newRecorder(&s.stats.spikes)
	if err != nil {
		return err
	}
	spike := func(messages int) error {
		s.spikes.next = 0
		for range messages {
			if err := p.Publish(1, nil); err != nil {
				return err
			}
		}
		for range messages {
			if _, st := s.Next(); st != Message {
				return fmt.Errorf("%v", st)
			}
		}
		return nil
	}
	for range spikesBefore {
		if err := spike(1); err != nil {
			return err
		}
	}
	explain := func() {
		r.pass(0)
		b.done(0)
	}
	explain()
	for range spikesAfter {
		if err := spike(2); err != nil {
			return err
		}
		explain()
	}
	return nil
}

// TestSpikesKilledAt kills a subscriber at every access while it records spikes and while
// it is found out why: what is in the list is whole, and what is not, is absent.
func TestSpikesKilledAt(t *testing.T) {
	c, err := learn("spikes", filepath.Join(shmDir(t), "rings"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var points []uint64
	for i := c.op[0].points; i <= c.points; i++ { // not as kills: a run of stores is a record
		points = append(points, i)
	}
	if n := *pointsFlag; n != 0 && n < len(points) {
		rand.New(rand.NewPCG(seed(t), 0)).Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
		points = points[:n]
	}
	var kills, holes, without atomic.Int64
	inParallel(t, points, func(dir string, point uint64) error {
		h, err := startHooked("spikes", dir, point, unix.SIGKILL)
		if err != nil {
			return err
		}
		defer h.close()
		if err := h.serve(nil); err != nil {
			return err
		}
		killed, err := h.ended()
		if err != nil {
			return err
		}
		if h.box.ops == 0 {
			return nil // a latency was larger than the one before, and so a store earlier
		}
		if killed {
			kills.Add(1)
		}
		i, err := Stat(dir, "r")
		if err = errors.Join(err, i.Err); err != nil {
			return err
		}
		sub := i.Subscribers[0]
		if sub.Err != nil {
			return sub.Err
		}
		l, ended := sub.Spikes, h.box.ops-1 // operations that are one spike
		spikes := spikesBefore + ended
		if l.Spikes < spikes || l.Spikes > spikes+1 || l.Messages < spikesBefore+2*ended || l.Messages > spikesBefore+2*ended+2 {
			return fmt.Errorf("after %d operations: %d spikes, %d messages", h.box.ops, l.Spikes, l.Messages)
		}
		if missing := min(l.Spikes, MaxSpikes) - uint64(len(l.List)); missing > 1 {
			return fmt.Errorf("%d of %d spikes are in the list", len(l.List), l.Spikes)
		} else if missing == 1 {
			holes.Add(1)
		}
		for k, s := range l.List {
			seq, messages := s.Number, uint64(1)
			if s.Number > spikesBefore {
				seq, messages = 2*s.Number-spikesBefore-1, 2
			}
			begun := s.Number > spikes // it was at that one
			if s.Kind != SpikeRead || s.Seq != seq || s.Messages != messages && !(begun && s.Messages == 1) || s.Latency <= 0 ||
				s.TID == 0 || s.CPU < 0 || time.Since(s.Time) > time.Hour || s.Behind > 1 || s.BehindMore || !s.Explained && !begun {
				return fmt.Errorf("after %d operations: %+v", h.box.ops, s)
			}
			if k > 0 && s.Number != l.List[k-1].Number+1 {
				return fmt.Errorf("spike %d comes after %d", s.Number, l.List[k-1].Number)
			}
			if s.Explained && (s.Why == "" || s.Happened.At <= 0 || s.Happened.At > time.Hour) {
				return fmt.Errorf("%+v", s)
			}
			if !s.Explained {
				without.Add(1)
			}
		}
		return nil
	})
	if !t.Failed() && *pointsFlag == 0 && (kills.Load() < int64(len(points))/2 || holes.Load() == 0 || without.Load() == 0) {
		t.Errorf("%d of %d points killed; a record was missing %d times, and without its second half %d times", kills.Load(), len(points), holes.Load(), without.Load())
	}
	t.Logf("killed at %d of %d points; a record was missing %d times, and without its second half %d times", kills.Load(), len(points), holes.Load(), without.Load())
}
