package ring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// WakerOptions says how a [Waker] works. The zero value will do.
type WakerOptions struct {
	// Dir is the directory of rings. Empty: [DefaultDir].
	Dir string

	// Interval is the least time between two wake-ups, in which messages gather: to
	// wake somebody costs microseconds, for each who sleeps. 0: 10 µs.
	Interval time.Duration

	// Wait is what the waker does between two looks that found nothing. nil: a
	// [Backoff] with sleeps of 100 µs, so that it leaves the core to others and comes
	// some 150 µs late at most. [Spin] wakes at once and wants a core of its own.
	Wait WaitStrategy

	// Notify, if set, is called by Run when what the waker does has changed.
	Notify func(WakerState)
}

// WakerState is what a [Waker] does.
type WakerState uint8

const (
	// WakerAway: there is no ring of the name. The waker waits for one.
	WakerAway WakerState = iota
	// WakerFollowing: it follows a ring and wakes who sleeps on it. Said again when a
	// new file has taken the place of the old one.
	WakerFollowing
)

func (o *WakerOptions) check() error {
	if o.Interval < 0 {
		return fmt.Errorf("%w: an Interval of %v is negative", ErrConfig, o.Interval)
	}
	if !futexes {
		return mmap.ErrUnsupported
	}
	return nil
}

const defaultWakeInterval = 10 * time.Microsecond

// defaultWakerWait is what a waker does between two looks.
func defaultWakerWait() WaitStrategy {
	return Backoff{Spins: 200, Yields: 1, Sleep: 100 * time.Microsecond}
}

// Waker wakes the subscribers that sleep on a ring ([Sleeper]), so that its publisher need
// not. It follows the ring as a subscriber does, but reads no message. A ring can have
// several: what one misses because it was killed, the other sees.
//
// It maps the ring read-only but for one page: the header, for the word that sleepers wait
// on. So only the ring's own user can run one.
type Waker struct {
	paths paths
	opt   WakerOptions
	wakes atomic.Uint64
}

// NewWaker returns a waker for the ring called name, which may be yet to come.
//
// Errors: [ErrName], [ErrConfig].
func NewWaker(name string, opt WakerOptions) (*Waker, error) {
	ps, err := pathsOf(opt.Dir, name)
	if err == nil {
		err = opt.check()
	}
	if err != nil {
		return nil, fmt.Errorf("ring: new waker of %q: %w", name, err)
	}
	return &Waker{paths: ps, opt: opt}, nil
}

// Wakes returns how many times the waker woke who slept. It is for any goroutine.
func (w *Waker) Wakes() uint64 { return w.wakes.Load() }

// wakerPoll is how often to look whether there is a ring.
const wakerPoll = 5 * time.Millisecond

// Run wakes until ctx is done, and returns the cause of that; or until something is wrong
// that does not mend itself: the ring is somebody else's (mmap.ErrPermission,
// mmap.ErrUnsafeDir) or not one that this build can read ([ErrVersion], [ErrNotRing],
// [ErrCorrupt], [ErrStale]), or its file was cut short (mmap.ErrFault).
//
// It follows the name: publishers come and go, the ring can be replaced or removed and
// made again.
func (w *Waker) Run(ctx context.Context) error {
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	for away := false; ; {
		err := w.follow(&stop)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			away = false
			continue // a new file, perhaps
		case errors.Is(err, errStaleRing):
			continue
		case !errors.Is(err, ErrNoRing):
			return fmt.Errorf("ring: wake %q: %w", w.paths.name, err)
		}
		if !away {
			away = true
			w.notify(WakerAway)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wakerPoll):
		}
	}
}

func (w *Waker) notify(s WakerState) {
	if w.opt.Notify != nil {
		w.opt.Notify(s)
	}
}

// follow wakes who sleeps on the file that is the ring now, until it is not any more.
func (w *Waker) follow(stop *atomic.Bool) error {
	if err := w.paths.check(0); err != nil {
		return err
	}
	r, err := openRing(w.paths, mmap.ReadWrite)
	if errors.Is(err, mmap.ErrPermission) {
		return fmt.Errorf("%w; a waker writes to the ring's header and is for the user that the ring belongs to", err)
	}
	if err != nil {
		return err
	}
	defer r.file.Close()
	if err := r.superseded(); err != nil {
		return err
	}
	ring, err := r.file.Map(mapOptions(mmap.ReadOnly, r.geo.fileSize(), true, false, false))
	if err != nil {
		return err
	}
	defer ring.Close()
	head, err := r.file.Map(mmap.MapOptions{Length: tableOffset, Access: mmap.ReadWrite})
	if err != nil {
		return err
	}
	defer head.Close()
	w.notify(WakerFollowing)
	l := newWakeLoop(r.file, newView(ring.Base(), r.geo), w.opt)
	l.target = (*header)(head.Base())
	l.wakes = &w.wakes
	return l.guarded(stop)
}

// startWaker runs a waker in a goroutine beside the publisher, for as long as that lives.
func (p *Publisher) startWaker(opt WakerOptions) {
	l := newWakeLoop(p.file, p.view, opt)
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		_ = l.guarded(&p.stopped) // a ring that was cut short has nobody to wake
	}()
}

// wakeLoop is a waker on one file.
type wakeLoop struct {
	lookout
	file     *mmap.File
	target   *header // that of the view, in a mapping that can be written
	wait     WaitStrategy
	interval time.Duration
	wakes    *atomic.Uint64

	began  time.Time     // the times below count from here
	woke   time.Duration // who slept, last
	minded time.Duration // the file, last
	marked bool          // wakerByte is locked
}

func newWakeLoop(f *mmap.File, v view, opt WakerOptions) *wakeLoop {
	l := &wakeLoop{
		file: f, target: v.hdr, wait: opt.Wait, interval: opt.Interval, wakes: new(atomic.Uint64),
		began: time.Now(),
	}
	l.view = v
	if l.wait == nil {
		l.wait = defaultWakerWait()
	}
	if l.interval == 0 {
		l.interval = defaultWakeInterval
	}
	return l
}

// guarded runs the loop. Before it wakes for the first time there is a sign that the ring
// has a waker, and before it does for the last time there is none: who sleeps on asks
// again, for the word has changed.
func (l *wakeLoop) guarded(stop *atomic.Bool) error {
	err := mmap.Guard(func() error {
		l.mark()
		l.rejoin()
		l.wakeAll() // what came before may not have woken anybody
		l.run(stop)
		return nil
	})
	if l.marked {
		err = errors.Join(err, l.file.Unlock(wakerByte))
	}
	if err == nil {
		err = mmap.Guard(func() error {
			l.wakeAll()
			return nil
		})
	}
	return err
}

// run returns when it is told to or when its file is not the ring any more.
func (l *wakeLoop) run(stop *atomic.Bool) {
	for polls := 0; !stop.Load(); {
		if l.news(polls == 0) {
			polls = 0
			l.gather(stop)
			l.wakeAll()
			if l.last == stateSuperseded || !l.mind(l.woke) {
				return
			}
			continue
		}
		polls++
		l.wait.Wait(polls)
		if polls%64 == 0 && !l.mind(time.Since(l.began)) {
			return
		}
	}
}

// gather waits until the interval since the last wake-up is over, or it is told to stop. It
// does not look at the ring: the publisher has its lines for itself meanwhile.
func (l *wakeLoop) gather(stop *atomic.Bool) {
	for !stop.Load() {
		switch left := l.interval - (time.Since(l.began) - l.woke); {
		case left <= 0:
			return
		case left > time.Millisecond:
			time.Sleep(min(left, wakerPoll) - time.Millisecond/2)
		default:
			mem.Pause()
		}
	}
}

// wakeAll is the writer's half of edge 8, through the mapping that can be written.
func (l *wakeLoop) wakeAll() {
	wakeSleepers(l.target)
	l.wakes.Add(1)
	l.woke = time.Since(l.began)
}

// mindEvery is how often to mind the file.
const mindEvery = 100 * time.Millisecond

// mind is false if the file is not the ring any more, and nobody could say so. It makes
// system calls now and then.
func (l *wakeLoop) mind(now time.Duration) bool {
	if now-l.minded < mindEvery {
		return true
	}
	l.minded = now
	l.mark()
	return l.file.Same(l.file.Path())
}

// wakerByte of a ring's file is locked by a waker, so that sleepers can ask whether
// somebody will wake them. Of several it is that of one; the others try again. A reader's
// lock can keep a waker from it, but does not look like one.
var wakerByte = mmap.Range{Start: 1, Len: 1}

func (l *wakeLoop) mark() {
	l.marked = l.marked || l.file.TryLock(wakerByte) == nil
}

// lookout follows a ring by its headers alone, to tell whether something was committed. It
// needs no numbers, so it may go to the newest block whenever it likes.
type lookout struct {
	view
	pos, end uint64
	claim    uint64 // claimed, at the last look
	last     uint64 // the state, at the last look
	lost     bool   // the ring makes no sense here: wait for the next block
}

// rejoin goes to the newest block.
func (l *lookout) rejoin() {
	l.claim = mem.LoadAcquire(l.claimed)
	if l.lost = l.checkClaimed(l.claim) != nil; !l.lost {
		l.pos = l.newest(l.claim)
		l.end = l.pos + l.block
	}
}

// A look that finds something after a while goes over a few frames at most, for somebody
// is to be woken; the next one over many, to come to the head.
const (
	fewFrames  = 16
	manyFrames = 4096
)

// news says whether something was committed or the state has changed since the last look.
// It may say so once too often, never too seldom.
func (l *lookout) news(again bool) bool {
	frames := fewFrames
	if again {
		frames = manyFrames
	}
	state := l.state()
	news := state != l.last
	l.last = state
	if k := mem.LoadAcquire(l.claimed); k != l.claim {
		l.rejoin()
		news = true
	}
	for range frames {
		if l.lost {
			return news
		}
		h := l.frameHeader(l.pos)
		if l.overrun(l.pos) {
			l.rejoin()
			return true
		}
		if h == 0 {
			return news
		}
		if l.pos >= l.claim-lineSize { // what is committed there was claimed before
			if mem.LoadAcquire(l.claimed) != l.claim {
				l.rejoin()
				return true
			}
			l.lost = true // somebody else has written claimed, or the frames
			return news
		}
		news = true
		l.pass(h)
	}
	return news
}

// pass goes over a frame.
func (l *lookout) pass(h uint64) {
	if l.pos == l.end {
		l.end += l.block
	}
	next, _, ok := l.frameEnd(l.pos, l.end, h&0xFFFF)
	if !ok {
		l.lost = true // a broken publisher; who reads the frame will say so
		return
	}
	l.pos = next
}

// wakeFile wakes all who sleep on a ring's file, without a waker: for a change of state.
func wakeFile(f *mmap.File) {
	page, err := f.Map(mmap.MapOptions{Length: os.Getpagesize(), Access: mmap.ReadWrite})
	if err != nil {
		return // they look themselves, at last after SleepOptions.Longest
	}
	defer page.Close()
	_ = mmap.Guard(func() error {
		wakeSleepers((*header)(page.Base()))
		return nil
	})
}
