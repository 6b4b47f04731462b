package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/mmap"
)

// Info is what anyone who may read a ring can know of it.
type Info struct {
	Name       string
	Path       string // of the ring's directory
	Capacity   uint64 // bytes of frames
	Block      uint64 // bytes
	MaxMessage int    // bytes
	Stamps     Stamps
	Schema     string
	SchemaHash uint64
	Source     string
	Created    time.Time

	Publisher Life
	Epoch     uint64 // how many publishers it has had
	PID       int    // of the last publisher, in its own PID namespace
	Opened    time.Time
	Beat      time.Duration // since the last heartbeat
	TickHz    float64       // of the clock that stamps count
	Waker     bool          // somebody wakes who sleeps on the ring; see [Sleeper]

	Mark    uint64 // number of the message that begins the last snapshot; 0: none
	Refused uint64 // times a gate held the publisher

	First  uint64 // number of the first message that this file ever had
	Oldest uint64 // number of the oldest message still in the ring
	Last   uint64 // number of the newest message; First-1 if there is none yet

	Subscribers []SubscriberInfo // by name

	// Late is what the publisher's own file tells; nil if there is none. See Config.Spikes.
	Late *PublisherInfo

	// Err says how the ring's contents contradict themselves. Oldest and Last are
	// not known then.
	Err error
}

// SubscriberInfo is what a named subscriber's file tells. The counters are those
// since its present or last owner opened it.
type SubscriberInfo struct {
	Name   string
	Active bool // it has an owner
	Closed bool // its last owner left in order
	PID    int  // of the owner, in its own PID namespace
	Opened time.Time

	Gate     GateState
	Hold     time.Duration // how long it may hold the publisher; 0: for ever
	DropDead bool          // it may hold the publisher only while it is active

	Cursor   uint64 // number of the first message it is not done with
	Messages uint64 // delivered
	Bytes    uint64 // of their payload
	Overruns uint64 // times it was lapped
	Lost     uint64 // messages
	Negative uint64 // latencies below 0, by which the clocks of two cores differ
	TooLong  uint64 // latencies above 10 s, which count as 10 s in the histogram
	Max      time.Duration
	Sleeps   uint64 // times it went to sleep; see [Sleeper]

	// Wait is how it waited last: spin, yield, backoff, sleeper, or other. Empty: it has not
	// waited yet, or polls in a loop of its own.
	Wait string

	// Latencies from publish to read in ns. Never nil; without samples if they were
	// not measured.
	Latency *hdrhistogram.Histogram

	// Spikes are latencies of at least a threshold, with what happened meanwhile, if the
	// subscriber records them (Options.Spikes).
	Spikes SpikeLog

	// Err is set if the file cannot be read; of the rest only Name and what makes it a gate
	// are set then.
	Err error
}

// PublisherInfo is what the file of a publisher tells that records spikes. It stays after
// the publisher's end, until the next one that records them.
type PublisherInfo struct {
	PID    int // of the publisher that it is about, in its own PID namespace
	Opened time.Time
	Closed bool // it closed the ring

	Late    uint64                  // messages that it has said to be late, or not: Publisher.RecordLate
	Max     time.Duration           // the latest
	Latency *hdrhistogram.Histogram // how late they were in ns. Never nil
	Spikes  SpikeLog

	// Err is set, and the rest is not, if the file cannot be read.
	Err error
}

// Stat tells all about a ring without changing anything. dir is empty for
// [DefaultDir].
func Stat(dir, name string) (Info, error) {
	ps, err := pathsOf(dir, name)
	var i Info
	if err == nil {
		i, err = stat(ps)
	}
	if err != nil {
		return Info{}, fmt.Errorf("ring: stat %q: %w", name, err)
	}
	return i, nil
}

// stat is one look, at whatever the ring's file has become.
func stat(ps paths) (Info, error) {
	w := newWatch(ps)
	w.lean = true
	defer w.forget()
	if err := w.open(); err != nil {
		return Info{}, err
	}
	var s Sight
	err := w.lookAt(w.ring.life(), &s, nil)
	if err == nil && w.doubts() {
		err = w.lookAt(w.ring.life(), &s, nil)
	}
	if err != nil {
		return Info{}, err
	}
	return s.info(), nil
}

// info tells the same with histograms of the library.
func (s *Sight) info() Info {
	i := s.Info
	for k := range s.Subs {
		u := &s.Subs[k]
		if u.Err == nil {
			u.Latency = u.histogram()
		}
		i.Subscribers = append(i.Subscribers, u.SubscriberInfo)
	}
	if s.Own != nil {
		if s.Own.Err == nil {
			s.Own.Latency = s.Own.histogram()
		}
		i.Late = &s.Own.PublisherInfo
	}
	return i
}

func (l *Latencies) histogram() *hdrhistogram.Histogram {
	if l.Counts == nil {
		return new(Counts).Histogram()
	}
	return l.Counts.Histogram()
}

// publisherInfo tells what a copy of a publisher's file says, but for its latencies and spikes.
func (f *subFile) publisherInfo() *PublisherInfo {
	return &PublisherInfo{
		PID: int(f.pid), Opened: unixTime(f.opened), Closed: f.state == stateClosed,
		Late: f.messages, Max: nanoseconds(f.maxNs),
	}
}

// info tells what a copy of a subscriber's file says, but for its latencies and spikes.
func (f *subFile) info(name string) SubscriberInfo {
	return SubscriberInfo{
		Name: name, Closed: f.state == stateClosed, PID: int(f.pid), Opened: unixTime(f.opened),
		Cursor: f.cursorSeq, Messages: f.messages, Bytes: f.bytes, Overruns: f.overruns, Lost: f.lost,
		Negative: f.negative, TooLong: f.tooLong, Max: nanoseconds(f.maxNs), Sleeps: f.sleeps, Wait: waitText(f.wait),
	}
}

// Info tells what the subscriber's own file says: its counters and latencies since it
// was opened. It is false for a pure reader, and after Close. It copies the file and
// allocates; not for every message.
func (s *Subscriber) Info() (SubscriberInfo, bool) {
	if s.own == nil {
		return SubscriberInfo{}, false
	}
	f, err := readSub(s.own.file)
	if err != nil {
		return SubscriberInfo{}, false
	}
	i := f.info(cString(f.name[:]))
	i.Active, i.Latency = true, importHistogram(&f.counts)
	if i.Spikes, err = readSpikes(s.own.file, &f.spikes); err != nil {
		return SubscriberInfo{}, false
	}
	return i, true
}

func unixTime(ns uint64) time.Time { return time.Unix(0, int64(ns)) }

// List returns the names of the rings in a directory, in order; dir is empty for
// [DefaultDir]. A directory that is not there has none. Stat may still fail for a
// name: List only looks for something called a ring, and names what it may not look into.
func List(dir string) ([]string, error) {
	if dir == "" {
		dir = DefaultDir()
	}
	var owner uint32
	if i, err := os.Lstat(dir); err == nil {
		owner = ownerOf(i) // looking does no harm, whoever it is
	}
	err := mmap.CheckDir(dir, owner)
	if errors.Is(err, mmap.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ring: list: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("ring: list: %w; change its mode or run as a user who may", err)
	}
	if err != nil {
		return nil, fmt.Errorf("ring: list: %w", err)
	}
	var names []string
	for _, e := range entries {
		ps, err := pathsOf(dir, e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		if _, err := os.Lstat(ps.ring()); err == nil || errors.Is(err, fs.ErrPermission) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
