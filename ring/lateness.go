package ring

import (
	"os"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// lateness is what a publisher records of itself, in a file of its own: how late it was,
// and what took longer than a threshold. Nothing of it is touched by Publish, but when a
// gate holds it.
type lateness struct {
	spikeWriter
	stats *subFile
	scale tick.Scale
	limit uint64 // the threshold in ticks

	claimed uint64    // when the open claim was made, in ticks
	held    time.Time // when the refusals began; zero: nothing is held
	heldSeq uint64    // of the message that was refused then

	file     *mmap.File
	region   *mmap.Region
	recorder *recorder
}

// newLateness makes the file, which has yet to get its name.
func newLateness(ps paths, cfg Config) (*lateness, error) {
	perm := os.FileMode(0o600)
	if cfg.Group {
		perm = 0o640
	}
	f, err := mmap.Create(ps.publisher(), mmap.CreateOptions{Size: int64(subFileSize), Perm: perm})
	if err != nil {
		return nil, err
	}
	l := &lateness{file: f}
	l.region, err = f.Map(mmap.MapOptions{Length: subFileSize, Access: mmap.ReadWrite, Prefault: true, Lock: cfg.Mlock})
	if err == nil {
		l.stats = (*subFile)(l.region.Base())
		l.recorder, err = newRecorder(l.stats.spikeList())
	}
	if err == nil {
		err = mmap.Guard(func() error {
			l.spikeWriter = *newSpikeWriter(l.stats.spikeList(), cfg.Spikes)
			return nil
		})
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// recordLateness fills in the file and gives it its name; the publisher records from now on.
func (p *Publisher) recordLateness(l *lateness) error {
	h := newSubFile(pubMagic, p.fixed.ringID, p.paths.name)
	h.state, h.pid, h.opened = stateLive, uint64(os.Getpid()), h.created
	start := unsafe.Offsetof(h.counts) // the rest is 0, but for the threshold
	err := mmap.Guard(func() error {
		copy(unsafe.Slice((*byte)(l.region.Base()), start), unsafe.Slice((*byte)(unsafe.Pointer(h)), start))
		return nil
	})
	if err == nil {
		err = l.file.Commit()
	}
	if err != nil {
		return err
	}
	l.scale = tick.Scale(p.first.scale)
	l.limit = l.scale.Ticks(l.threshold)
	p.late = l
	l.recorder.start()
	return nil
}

// close ends the recording. The file stays, if it has its name.
func (l *lateness) close() {
	if l.recorder != nil {
		l.recorder.close()
	}
	if l.region != nil {
		_ = mmap.Guard(func() error { mem.StoreRelease(&l.stats.state, stateClosed); return nil })
		l.region.Close()
	}
	l.file.Close()
}

// took records what the publisher did for message seq if it took that long.
func (l *lateness) took(kind SpikeKind, seq, ns uint64) {
	if ns >= l.threshold && !l.goesOn(kind, seq, ns) {
		l.begin(kind, seq, ns, ns, 0)
	}
}

// commits is called when a claim is committed as message seq; now is in ticks.
func (l *lateness) commits(seq, now uint64) {
	if d := now - l.claimed; d >= l.limit && d < 1<<63 {
		l.took(SpikeClaim, seq, l.scale.Ns(d))
	}
}

// refused is called when a gate is in the way of message seq.
func (l *lateness) refused(seq uint64) {
	if l.held.IsZero() || seq != l.heldSeq { // smaller ones may have gone through meanwhile
		l.held, l.heldSeq = time.Now(), seq
	}
}

// through is called when no gate is in the way of message seq.
func (l *lateness) through(seq uint64) {
	if !l.held.IsZero() {
		if seq == l.heldSeq {
			l.took(SpikeHeld, seq, uint64(time.Since(l.held)))
		}
		l.held = time.Time{}
	}
}

// RecordLate says that the last message was published so much later than it was meant to be: by
// the schedule of a replay, say. With Config.Spikes it is counted in the histogram of the
// publisher's file, and is a spike if it is long enough; otherwise RecordLate does nothing.
// Call it from the goroutine that publishes.
func (p *publisher) RecordLate(d time.Duration) {
	if p.late == nil || p.closed {
		return
	}
	l := p.late
	f := l.stats
	mem.Add(&f.messages, 1)
	if d < 0 {
		mem.Add(&f.negative, 1)
		return
	}
	ns := uint64(d)
	if ns > f.maxNs {
		mem.Store(&f.maxNs, ns)
	}
	if ns >= l.threshold {
		l.took(SpikePace, p.seq-1, ns)
	}
	if ns > histHigh {
		mem.Add(&f.tooLong, 1)
		ns = histHigh
	}
	mem.Add(&f.counts[histIndex(ns)], 1)
}
