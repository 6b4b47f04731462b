package ring

import (
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// A Gate is a named subscriber that the publisher waits for: nothing that the gate has
// not read is overwritten. It outlives its process; who opens the name next goes on
// where the last owner ended. Any number of other subscribers may read the same ring;
// nobody waits for them.
//
// What a gate that lags may do to the publisher is its policy. The zero value of the
// policy is to hold it for ever, which is for orders.
type Gate struct {
	// Name of the subscriber.
	Name string
	// Hold is how long the gate may hold the publisher, counted from when it first
	// refused a message. Then it is demoted: it goes on as a subscriber that may lose
	// messages, and is told so ([Demoted]). 0: for ever.
	Hold time.Duration
	// DropDead lets the gate hold the publisher only while a process has it open.
	DropDead bool
	// Owner is the user who will open the gate, if it is another than the publisher's.
	// Only these two can open its file then. 0: the publisher's own.
	Owner uint32
}

func (g Gate) check() error {
	if err := CheckName(g.Name); err != nil {
		return fmt.Errorf("%w: gate: %w", ErrConfig, err)
	}
	if g.Hold < 0 {
		return fmt.Errorf("%w: gate %q may hold the publisher for %v, which is negative", ErrConfig, g.Name, g.Hold)
	}
	return nil
}

// policy is the gate's policy as it stands in its slot.
func (g Gate) policy() uint64 {
	p := uint64(g.Hold)
	if g.DropDead {
		p |= gateDropDead
	}
	return p
}

func (g *Gate) setPolicy(p uint64) {
	g.Hold, g.DropDead = time.Duration(p&^gateDropDead), p&gateDropDead != 0
}

// GateState says whether the publisher waits for a subscriber.
type GateState uint8

const (
	// GateNone: the subscriber never was a gate, or the publisher took it out.
	GateNone GateState = gateFree
	// GateHolding: the publisher waits for it.
	GateHolding GateState = gateHolding
	// GateDemoted: it held the publisher for longer than its policy allows.
	GateDemoted GateState = gateDemoted
	// GateDropped: it held the publisher and had no owner, and its policy does not
	// allow that. OnDemote is told so also of a gate that the publisher takes out.
	GateDropped GateState = gateDropped
)

func (s GateState) String() string {
	switch s {
	case GateNone:
		return "none"
	case GateHolding:
		return "gate"
	case GateDemoted:
		return "demoted"
	case GateDropped:
		return "dropped"
	}
	return "unknown"
}

// GateLag tells of a gate that holds the publisher, or did.
type GateLag struct {
	Gate
	State GateState
	Lag   uint64        // bytes of frames that it has not read
	Held  time.Duration // how long it has held the publisher
}

// gate is a gate as its publisher sees it.
type gate struct {
	Gate
	slot   *gateSlot
	cursor gateCursor
	pos    uint64    // all before it is done with, as far as was seen; it only grows
	since  time.Time // when it began to hold the publisher; zero: it does not
}

// gateCursor is the file of a gate, or what stands for it.
type gateCursor interface {
	// read returns how far the gate is. What it says may be old, and is false if
	// nothing can be known; a position beyond head is nonsense.
	read(head uint64) (pos uint64, ok bool)
	// lookAgain makes sure, now and then, that it is still the file of that name. It makes
	// system calls, and is for a gate that holds the publisher.
	lookAgain()
	// owned says whether a process has the gate open.
	owned() bool
	close()
}

const noLimit = ^uint64(0)

// limit is up to where the ring may be claimed as far as g is concerned. The block of
// what it has read last stays whole, so that its next owner finds the cursor by the
// table, as any subscriber does who begins at a number. At a block's end that is the
// block before: the next one may not have been entered yet.
func (v *view) limit(g *gate) uint64 { return (max(g.pos, 1)-1)&^(v.block-1) + v.capacity }

// awaitGates asks the gates whether the ring may be claimed up to claim. It reads the
// cursors of those that were too far behind when it last looked. It stores nothing in
// the ring's frames, and does not wait.
func (p *publisher) awaitGates(claim uint64) error {
	limit := noLimit
	for i := 0; i < len(p.gates); i++ {
		g := p.gates[i]
		if p.view.limit(g) < claim {
			p.refresh(g)
			if p.view.limit(g) < claim && !p.held(g) {
				i-- // it is a gate no more
				continue
			}
		}
		if p.view.limit(g) >= claim {
			g.since = time.Time{}
		}
		limit = min(limit, p.view.limit(g))
	}
	p.limit = limit
	if limit < claim {
		if p.late != nil {
			p.late.refused(p.seq)
		}
		return ErrBackPressure
	}
	if p.late != nil {
		p.late.through(p.seq)
	}
	return nil
}

// refresh reads how far a gate is. A number that cannot be is no news.
func (p *publisher) refresh(g *gate) {
	if pos, ok := g.cursor.read(p.pos); ok && pos > g.pos && pos <= p.pos && pos%lineSize == 0 {
		g.pos = pos
	}
}

// held applies the policy of a gate that holds the publisher. It is false if the gate
// is let go.
func (p *publisher) held(g *gate) bool {
	if g.since.IsZero() {
		g.since = time.Now()
		mem.Add(&p.hdr.refused, 1)
		if p.onLag != nil {
			p.onLag(p.lag(g, GateHolding))
		}
	}
	g.cursor.lookAgain()
	switch {
	case g.DropDead && !g.cursor.owned():
		p.letGo(g, gateDropped)
	case g.Hold > 0 && time.Since(g.since) >= g.Hold:
		p.letGo(g, gateDemoted)
	default:
		return true
	}
	return false
}

func (p *publisher) lag(g *gate, s GateState) GateLag {
	l := GateLag{Gate: g.Gate, State: s, Lag: p.pos - g.pos}
	if !g.since.IsZero() {
		l.Held = time.Since(g.since)
	}
	return l
}

// letGo ends the waiting for a gate, and tells it before anything is overwritten that it
// has not read.
func (p *publisher) letGo(g *gate, s GateState) {
	p.setGate(g.slot, s, g.Owner)
	p.gates = slices.DeleteFunc(p.gates, func(o *gate) bool { return o == g })
	g.cursor.close()
	if p.onDemote != nil {
		p.onDemote(p.lag(g, s))
	}
}

// hold makes g a gate from the next message on.
func (p *publisher) hold(g *gate) {
	p.setGate(g.slot, GateNone, 0)
	var name [len(g.slot.name) / 8]uint64
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&name)), len(g.slot.name)), g.Name)
	for i, w := range name {
		mem.Store((*uint64)(unsafe.Pointer(&g.slot.name[8*i])), w)
	}
	mem.Store(&g.slot.fromSeq, p.seq)
	mem.Store(&g.slot.fromPos, p.pos)
	mem.Store(&g.slot.policy, g.policy())
	g.pos = p.pos
	p.setGate(g.slot, GateHolding, g.Owner)
	p.watch(g)
}

// watch makes the next claim look at g.
func (p *publisher) watch(g *gate) {
	p.gates = append(p.gates, g)
	p.limit = 0
}
