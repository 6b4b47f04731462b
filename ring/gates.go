package ring

import (
	"fmt"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// AddGate makes the subscriber of that name a gate from the next message on, be there
// such a subscriber yet or not; of a gate that holds it changes the policy. A gate that
// was let go becomes one again. What was published before may be lost to it as to
// anybody. Whatever has the name and belongs to neither the publisher's user nor the
// gate's owner makes room. Call it between two messages, from the goroutine that publishes.
//
// Errors: [ErrName], [ErrConfig] (a ring has 32 gates at most), [ErrClosed], those of
// package mmap. Nothing has changed then.
func (p *Publisher) AddGate(g Gate) error {
	err := ErrClosed
	if !p.closed {
		err = mmap.Guard(func() error { return p.addGates([]Gate{g}) })
	}
	if err != nil {
		return fmt.Errorf("ring: add a gate to %q: %w", p.Name(), err)
	}
	return nil
}

// addGates makes all of them gates, or none: whatever can fail comes first, because the
// next publisher goes on with what the ring says.
func (p *Publisher) addGates(gates []Gate) error {
	files := make([]*gateFile, len(gates)) // nil: it holds already, and has its file
	done := false
	defer func() {
		for _, f := range files {
			if f != nil && !done { // there was an error, or a fault
				f.close()
			}
		}
	}()
	free := 0
	for i := range p.hdr.gates {
		if p.gateOf(&p.hdr.gates[i]) == GateNone {
			free++
		}
	}
	for _, g := range gates {
		if err := g.check(); err != nil {
			return err
		}
		if p.findGate(g.Name) == nil {
			free--
		}
	}
	if free < 0 {
		return fmt.Errorf("%w: a ring has %d gates at most, those that were let go included; take one out first", ErrConfig, maxGates)
	}
	for i, g := range gates {
		seq, pos, old := p.seq, p.pos, p.holding(g.Name)
		if old != nil {
			if old.Owner == g.Owner {
				continue
			}
			p.refresh(old)
			seq, pos = old.cursor.(*gateFile).seq, 0
		}
		f, err := openGate(p.paths, g, p.fixed.ringID, p.fixed.fileID, seq, pos, seq, old != nil)
		if err != nil {
			return err
		}
		files[i] = f
		if f.made && old == nil {
			p.made = append(p.made, p.paths.sub(g.Name))
		}
	}
	for i, g := range gates {
		old := p.holding(g.Name)
		if old == nil {
			slot := p.slotFor(g.Name)
			if slot == nil { // there was one a moment ago
				return fmt.Errorf("%w: somebody else writes the ring's gates", ErrCorrupt)
			}
			p.hold(&gate{Gate: g, slot: slot, cursor: files[i]})
			continue
		}
		if files[i] != nil {
			old.cursor.close()
			old.cursor = files[i]
			p.setGate(old.slot, GateHolding, g.Owner)
		}
		old.Gate = g
		mem.Store(&old.slot.policy, g.policy())
	}
	done = true
	return nil
}

// holding returns the gate of that name that the publisher waits for, or nil.
func (p *publisher) holding(name string) *gate {
	for _, g := range p.gates {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// slotFor returns the slot that a name has or can have, nil if all are taken.
func (v *view) slotFor(name string) *gateSlot {
	slot := v.findGate(name)
	for i := 0; slot == nil && i < maxGates; i++ {
		if s := &v.hdr.gates[i]; v.gateOf(s) == GateNone {
			slot = s
		}
	}
	return slot
}

// RemoveGate takes a gate out: the publisher waits for it no more, and it is told
// ([Demoted]). Another one can have its place. Its file stays, as that of a subscriber who
// may lose messages. Call it from the goroutine that publishes.
//
// Errors: [ErrConfig] if the ring has no such gate, [ErrClosed].
func (p *Publisher) RemoveGate(name string) error {
	err := ErrClosed
	if !p.closed {
		err = mmap.Guard(func() error {
			slot := p.findGate(name)
			if slot == nil {
				return fmt.Errorf("%w: the ring has no gate of that name", ErrConfig)
			}
			if g := p.holding(name); g != nil {
				p.letGo(g, GateDropped)
			}
			p.setGate(slot, GateNone, 0)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("ring: remove gate %q from %q: %w", name, p.Name(), err)
	}
	return nil
}

// adoptGates goes on with the gates that the last publisher of the file had.
func (p *Publisher) adoptGates() error {
	var oldest subscriber
	oldest.start(p.view)
	oldest.joinOldest(0)
	if oldest.err != nil {
		return oldest.err
	}
	for i := range p.hdr.gates {
		slot := &p.hdr.gates[i]
		state, owner := p.gate(slot)
		if state != GateHolding {
			continue
		}
		g := &gate{slot: slot, Gate: Gate{Name: slot.gateName(), Owner: owner}, pos: mem.LoadAcquire(&slot.fromPos)}
		g.setPolicy(mem.LoadAcquire(&slot.policy))
		if g.check() != nil || g.pos > p.pos {
			p.setGate(slot, GateNone, 0) // nonsense; whose gate it was cannot be known
			continue
		}
		// Without its file nobody knows how much it has read. It gets all again that there is.
		from := max(mem.LoadAcquire(&slot.fromSeq), oldest.next)
		f, err := openGate(p.paths, g.Gate, p.fixed.ringID, p.fixed.fileID, from, g.pos, oldest.next, true)
		if err != nil {
			return err
		}
		g.cursor = f
		p.watch(g)
	}
	return nil
}

// gates returns what the ring that is there has for gates, as a Config says it. It is
// an error if one of them has not read everything: a new file would lose that.
func (o *oldRing) gates(ps paths) (gates []Gate, err error) {
	if o.ring == nil {
		return nil, nil
	}
	err = mmap.Guard(func() error {
		v := newView(o.region.Base(), o.ring.geo)
		for i := range v.hdr.gates {
			slot := &v.hdr.gates[i]
			state, owner := v.gate(slot)
			if state != GateHolding {
				continue
			}
			g := Gate{Name: slot.gateName(), Owner: owner}
			g.setPolicy(mem.LoadAcquire(&slot.policy))
			if g.check() != nil {
				continue
			}
			if n := o.unread(ps, g.Name, mem.LoadAcquire(&slot.fromSeq)); n > 0 {
				return fmt.Errorf("%w: gate %q has not read %d messages, which a new file would lose (it is wanted because %v); let it read them, or remove the ring",
					ErrUnread, g.Name, n, o.why)
			}
			gates = append(gates, g)
		}
		return nil
	})
	return gates, err
}

// unread is how many messages a gate has not read. Rubbish in its file means all.
func (o *oldRing) unread(ps paths, name string, from uint64) uint64 {
	cursor := from
	if f, err := mmap.Open(ps.sub(name), mmap.ReadOnly); err == nil {
		if s, err := readSub(f); err == nil && s.ringID == o.ring.fixed.ringID {
			cursor = max(cursor, s.cursorSeq)
		}
		f.Close()
	}
	if cursor >= o.head.seq {
		return 0
	}
	return o.head.seq - cursor
}

// Gates tells of all gates that the ring has or had and that were not taken out. Call it
// from the goroutine that publishes.
func (p *Publisher) Gates() (gates []GateLag) {
	if p.closed {
		return nil
	}
	_ = mmap.Guard(func() error {
		gates = p.listGates()
		for _, g := range p.gates {
			p.refresh(g)
			for i := range gates {
				if gates[i].Name == g.Name {
					gates[i] = p.lag(g, GateHolding)
				}
			}
		}
		return nil
	})
	return gates
}

// listGates tells what the slots say.
func (v *view) listGates() (gates []GateLag) {
	for i := range v.hdr.gates {
		slot := &v.hdr.gates[i]
		state, owner := v.gate(slot)
		g := GateLag{Gate: Gate{Name: slot.gateName(), Owner: owner}, State: state}
		g.setPolicy(mem.LoadAcquire(&slot.policy))
		if again, _ := v.gate(slot); state != GateNone && state == again && g.check() == nil {
			gates = append(gates, g)
		}
	}
	return gates
}

func (g *gateSlot) gateName() string {
	name := g.who()
	return cString(name[:])
}
