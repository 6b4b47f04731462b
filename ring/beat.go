package ring

import (
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// Beat tells that the publisher lives, and renews the ring's clock. A goroutine does
// it unless Config.Heartbeat is negative. It makes system calls.
func (p *Publisher) Beat() {
	p.beats.Lock()
	defer p.beats.Unlock()
	select {
	case <-p.stop:
		return // closed: the mapping may be gone
	default:
	}
	_ = mmap.Guard(func() error {
		p.beat()
		p.showPresence()
		return nil
	}) // who cuts a live ring short has ended it: no heartbeat says so
}

// beat writes the heartbeat and one moment on all clocks. The length of a tick is
// measured from this publisher's first moment, so it gets better as time goes on; unless
// the two clocks have come apart, as they may when the host was suspended: then it is
// measured from now on.
func (p *Publisher) beat() {
	ticks, mono := p.clock.Pair()
	a := clockAnchor{ticks: ticks, mono: mono, utc: uint64(time.Now().UnixNano()), scale: p.first.scale}
	if p.clock.Kind() == tick.Counter && mono-p.first.mono > uint64(time.Second) {
		s, was := tick.ScaleOf(mono-p.first.mono, ticks-p.first.ticks), tick.Scale(p.first.scale)
		if s.Near(was) {
			a.scale = uint64(s)
		} else {
			// Twice the same makes it the length of a tick: what it was is wrong.
			if s.Valid() && s.Near(p.doubt) {
				a.scale, p.first.scale = uint64(s), uint64(s)
			}
			p.doubt = s
			p.first.ticks, p.first.mono = ticks, mono
		}
	}
	p.setClock(a)
	mem.Store(&p.hdr.beat, mono)
}

func (p *Publisher) startBeating() {
	if p.beatEvery == 0 {
		return
	}
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		p.insistOnPresence()
		t := time.NewTicker(p.beatEvery)
		defer t.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-t.C:
				p.Beat()
			}
		}
	}()
}

// insistOnPresence asks for presenceByte again and again, ever less often, for as long as a
// heartbeat takes. The kernel may not have taken everything from a publisher that was killed
// when its successor begins, and on a busy host that may last; until then others take the
// successor for dead. It makes at least one heartbeat.
func (p *Publisher) insistOnPresence() {
	for wait := time.Millisecond; ; wait *= 2 {
		select {
		case <-p.stop:
			return
		case <-time.After(min(wait, p.beatEvery)):
		}
		p.Beat()
		if p.isPresent() || wait >= p.beatEvery {
			return
		}
	}
}

func (p *Publisher) isPresent() bool {
	p.beats.Lock()
	defer p.beats.Unlock()
	return p.present
}
