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
// measured from this publisher's first moment, so it gets better as time goes on.
func (p *Publisher) beat() {
	ticks, mono := p.clock.Pair()
	a := clockAnchor{ticks: ticks, mono: mono, utc: uint64(time.Now().UnixNano()), scale: p.first.scale}
	if p.clock.Kind() == tick.Counter && mono-p.first.mono > uint64(time.Second) {
		if s := tick.ScaleOf(mono-p.first.mono, ticks-p.first.ticks); s.Valid() {
			a.scale = uint64(s)
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

// showPresence locks the byte by which others see that the ring has a publisher. Any
// reader of the ring can be in the way with a lock of its own; then it looks as if
// there were a publisher all the same, and the next heartbeat tries again.
func (p *Publisher) showPresence() {
	if !p.present {
		p.present = p.file.TryLock(presenceByte) == nil
	}
}
