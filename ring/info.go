package ring

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
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

	// Err is set, and the rest but Name and what makes it a gate is not, if the file cannot be read.
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
	if err == nil {
		err = ps.checkToLook()
	}
	var i Info
	if err == nil {
		i, err = stat(ps)
	}
	if err != nil {
		return Info{}, fmt.Errorf("ring: stat %q: %w", name, err)
	}
	return i, nil
}

func stat(ps paths) (Info, error) {
	r, err := openRing(ps, mmap.ReadOnly)
	if err != nil {
		return Info{}, err
	}
	defer r.file.Close()
	region, err := r.file.Map(mapOptions(mmap.ReadOnly, r.geo.fileSize(), true, false, false))
	if err != nil {
		return Info{}, err
	}
	defer region.Close()
	h := &r.fixed
	i := Info{
		Name: ps.name, Path: ps.dir,
		Capacity: h.capacity, Block: h.block, MaxMessage: int(h.maxMessage), Stamps: Stamps(h.stamps),
		Schema: h.schemaName(), SchemaHash: h.schemaHash, Source: h.sourceName(),
		Created: unixTime(h.created), Publisher: r.life(), First: h.firstSeq,
	}
	var gates []GateLag
	i.Waker, _ = r.file.LockedExclusively(wakerByte)
	err = mmap.Guard(func() error {
		v := newView(region.Base(), r.geo)
		i.Epoch = mem.LoadAcquire(&v.hdr.epoch)
		i.PID = int(mem.LoadAcquire(&v.hdr.pid))
		i.Opened = unixTime(mem.LoadAcquire(&v.hdr.opened))
		if beat, now := mem.LoadAcquire(&v.hdr.beat), tick.Mono(); now > beat {
			i.Beat = time.Duration(now - beat)
		}
		if a, ok := v.clock(); ok {
			i.TickHz = tick.Scale(a.scale).Hz()
		}
		i.Mark, i.Refused = v.mark(), mem.LoadAcquire(&v.hdr.refused)
		gates = v.listGates()
		var s subscriber
		s.start(v)
		s.joinOldest(0) // first: the ring may lap between the two
		if s.err == nil {
			i.Oldest = s.next
			s.joinLatest()
			i.Last = s.floor - 1
		}
		if s.err != nil {
			i.Err, i.Last, i.Oldest = s.err, 0, 0
		}
		return nil
	})
	if err != nil {
		return Info{}, err
	}
	i.Late = statPublisher(ps, r.fixed.ringID)
	i.Subscribers, err = statSubs(ps, r.fixed.ringID)
	for _, g := range gates {
		at, found := slices.BinarySearchFunc(i.Subscribers, g.Name, func(s SubscriberInfo, name string) int { return strings.Compare(s.Name, name) })
		if !found {
			i.Subscribers = slices.Insert(i.Subscribers, at, SubscriberInfo{Name: g.Name, Err: fmt.Errorf("the gate's file is not there: %w", mmap.ErrNotExist)})
		}
		s := &i.Subscribers[at]
		s.Gate, s.Hold, s.DropDead = g.State, g.Hold, g.DropDead
	}
	return i, err
}

func statSubs(ps paths, ringID uint64) ([]SubscriberInfo, error) {
	files, err := os.ReadDir(ps.subs())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var subs []SubscriberInfo
	for _, f := range files {
		if CheckName(f.Name()) != nil {
			continue // a temporary file, or none of ours
		}
		s, err := statSub(ps, f.Name(), ringID)
		if errors.Is(err, mmap.ErrNotExist) {
			continue // it left meanwhile
		}
		if err != nil {
			s = SubscriberInfo{Name: f.Name(), Err: err}
		}
		subs = append(subs, s)
	}
	return subs, nil
}

func statSub(ps paths, name string, ringID uint64) (SubscriberInfo, error) {
	f, err := mmap.Open(ps.sub(name), mmap.ReadOnly)
	if err != nil {
		return SubscriberInfo{}, err
	}
	defer f.Close()
	s, err := readSub(f)
	if err != nil {
		return SubscriberInfo{}, fmt.Errorf("%s: %w", ps.sub(name), err)
	}
	i := s.info(name)
	i.Latency = importHistogram(&s.counts)
	if s.ringID != ringID {
		i.Cursor = 0 // of an earlier ring of this name: it means nothing here
	}
	if i.Spikes, err = readSpikes(f, &s.spikes); err != nil {
		return SubscriberInfo{}, fmt.Errorf("%s: %w", ps.sub(name), err)
	}
	i.Active, err = f.LockedExclusively(lockWhole)
	return i, err
}

// statPublisher reads the publisher's own file. It is nil if there is none, or one that
// an earlier ring of this name has left.
func statPublisher(ps paths, ringID uint64) *PublisherInfo {
	f, err := mmap.Open(ps.publisher(), mmap.ReadOnly)
	if errors.Is(err, mmap.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &PublisherInfo{Err: err}
	}
	defer f.Close()
	s, err := readStats(f, pubMagic)
	var log SpikeLog
	if err == nil {
		log, err = readSpikes(f, &s.spikes)
	}
	if err != nil {
		return &PublisherInfo{Err: fmt.Errorf("%s: %w", ps.publisher(), err)}
	}
	if s.ringID != ringID {
		return nil
	}
	i := s.publisherInfo()
	i.Latency, i.Spikes = importHistogram(&s.counts), log
	return i
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
// name: List only looks for something called a ring.
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
	if err != nil {
		return nil, fmt.Errorf("ring: list: %w", err)
	}
	var names []string
	for _, e := range entries {
		ps, err := pathsOf(dir, e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		if _, err := os.Lstat(ps.ring()); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
