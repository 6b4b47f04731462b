package ring

import (
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// This file is the protocol between the publisher and its subscribers: every edge
// along which one process learns what another has done. The writer's and the
// reader's half of each stand together. docs/memory-model.md argues why they are
// enough; the publisher and the subscriber are built from these and touch the
// ring's memory in no other way.
//
// Positions are byte offsets that only grow; a position lies in the ring at
// pos & (capacity-1).

// view is a ring in this process's memory.
type view struct {
	data unsafe.Pointer // capacity bytes of frames
	mask uint64         // capacity - 1
	geometry
	claimed *uint64 // header.claimed
	hdr     *header
	table   unsafe.Pointer // maxBlocks entries
}

// newView lays a view over memory that has the layout of a ring's file. It does not touch
// that memory, which may fault: &hdr.claimed would, where Go looks whether hdr is nil.
func newView(base unsafe.Pointer, g geometry) view {
	return view{
		data:     unsafe.Add(base, dataOffset),
		mask:     g.capacity - 1,
		geometry: g,
		claimed:  (*uint64)(unsafe.Add(base, unsafe.Offsetof(header{}.claimed))),
		hdr:      (*header)(base),
		table:    unsafe.Add(base, tableOffset),
	}
}

func (v *view) line(pos uint64) unsafe.Pointer { return unsafe.Add(v.data, pos&v.mask) }

func (v *view) payload(pos uint64) unsafe.Pointer { return unsafe.Add(v.line(pos), headerBytes) }

func (v *view) entry(start uint64) *entry {
	return (*entry)(unsafe.Add(v.table, start/v.block%(v.capacity/v.block)*uint64(unsafe.Sizeof(entry{}))))
}

// Edge 1, commit: a subscriber that sees a frame's header sees its payload.
//
// The writer zeroes the header after the frame, writes the payload, and stores the
// frame's header last (release). So a subscriber in step always finds 0 at the
// head, and a publisher that dies at any store leaves a ring whose head is the
// first 0 header.
//
// For frames of one line that 0 is stored beforehand, behind the commit of the frame before
// ([publisher.zeroAhead]): a store to one more line would delay the header.
//
// A batch is committed like one long frame: what comes after the first header, other
// headers among it, is written before that header, and the 0 is after the last frame.
// Nobody looks at those headers while the first one is 0. If their publisher dies before
// it is not, they stay behind the head; but whatever is committed there next, zeroes the
// header after it first.
//
// The writer's half for frames of one line is mem.PublishLine, called by Publish.

func (v *view) commit(pos, frame uint64, payload []byte, word uint64) {
	mem.Store((*uint64)(v.line(pos+frame)), 0)
	mem.CopyIn(v.payload(pos), payload)
	mem.StoreRelease((*uint64)(v.line(pos)), word)
}

// put writes a frame that the commit of an earlier one makes visible.
func (v *view) put(pos uint64, payload []byte, word uint64) {
	mem.CopyIn(v.payload(pos), payload)
	mem.Store((*uint64)(v.line(pos)), word)
}

// frameHeader is the reader's half: what follows it in the program is loaded after
// it. The bytes that are copied then are worth something only if [view.overrun]
// says so afterwards.
func (v *view) frameHeader(pos uint64) uint64 {
	return mem.LoadAcquire((*uint64)(v.line(pos)))
}

// Edge 2, claim: a subscriber that has read any byte of a later lap sees the claim
// of that lap.
//
// The writer raises claimed before it stores the first byte into a block, to the
// block's end and one line more, because the frame that ends the block zeroes the
// header after it. The block's table entry is written before that, so that who
// sees the claim sees the entry.

func (v *view) enter(start uint64, e entry) {
	t := v.entry(start)
	mem.Store(&t.seq, e.seq)
	mem.Store(&t.stamp, e.stamp)
	mem.Exchange(v.claimed, start+v.block+lineSize)
}

// renewEntry changes the time in the entry of the newest block, before it has a frame.
// The commit of the first one makes it visible: who stands at the block's start reads
// the entry after that header.
func (v *view) renewEntry(start, stamp uint64) { mem.Store(&v.entry(start).stamp, stamp) }

// overrun is the reader's half: it says whether what was loaded before, at pos and
// in its block, may be of a later lap. A header of 0 needs this look as well: it
// may be a 0 in somebody's payload.
func (v *view) overrun(pos uint64) bool {
	mem.LoadFence()
	return mem.LoadAcquire(v.claimed) > pos+v.capacity
}

// Edge 3, join: a subscriber finds a block to begin with, and its number.
//
// newest and oldest are the blocks that a subscriber that has read claimed == k may
// try; readEntry then says whether the entry is that of the block.

// newest is the start of the block that the publisher entered last.
func (v *view) newest(k uint64) uint64 { return k - lineSize - v.block }

// oldest is the start of the oldest block that is still whole.
func (v *view) oldest(k uint64) uint64 {
	if k <= v.capacity {
		return 0
	}
	return (k - v.capacity + v.block - 1) &^ (v.block - 1)
}

// readEntry reads the table entry of a block. It is false if the publisher has
// claimed that block's place again. The second look at claimed is what makes the
// entry good: the writer overwrites an entry before it claims, but it claims the
// block before that one first, and this already reaches into ours.
func (v *view) readEntry(start uint64) (entry, bool) {
	t := v.entry(start)
	e := entry{seq: mem.LoadAcquire(&t.seq), stamp: mem.LoadAcquire(&t.stamp)}
	return e, !v.overrun(start)
}

// Edge 4, end: a subscriber that sees the ring closed sees its last message.
//
// The writer stores the state after the last commit. The reader loads the state first,
// then the header at its position, then claimed: what it finds there after it has seen
// the end is final. In another order a lap could fall between the looks, and the 0 be
// one in a later lap's payload.

func (v *view) setState(s uint64) { mem.Exchange(&v.hdr.state, s) }

func (v *view) state() uint64 { return mem.LoadAcquire(&v.hdr.state) }

// Edge 5, gate: the publisher overwrites nothing that a gate may still read.
//
// The gate stores its cursor after it has copied what the cursor leaves behind: the load
// fence of overrun stands between. The publisher loads the cursor before it claims
// (gateFile.read). What it sees may be old, and then it waits for longer than it had to;
// it can never be ahead of the gate.
//
// The writer of a slot takes its state away before it changes the rest. A gate looks at
// it when it enters a block or finds nothing, and always before it calls itself lapped:
// the publisher changes it before it claims what it had held back.

func (v *view) setGate(slot *gateSlot, s GateState, owner uint32) {
	mem.Exchange(&slot.state, uint64(s)|uint64(owner)<<32)
}

func (v *view) gate(slot *gateSlot) (s GateState, owner uint32) {
	w := mem.LoadAcquire(&slot.state)
	return GateState(w), uint32(w >> 32)
}

// gateOf is the state of a subscriber that may have no slot.
func (v *view) gateOf(slot *gateSlot) GateState {
	if slot == nil {
		return GateNone
	}
	s, _ := v.gate(slot)
	return s
}

// findGate returns the slot of a name, or nil.
func (v *view) findGate(name string) *gateSlot {
	var wanted [len(gateSlot{}.name)]byte
	copy(wanted[:], name)
	for i := range v.hdr.gates {
		slot := &v.hdr.gates[i]
		if v.gateOf(slot) != GateNone && slot.who() == wanted && v.gateOf(slot) != GateNone {
			return slot
		}
	}
	return nil
}

// who returns the name as it is at this moment, padded with 0.
func (g *gateSlot) who() (name [len(gateSlot{}.name)]byte) {
	mem.CopyOut(name[:], unsafe.Pointer(&g.name))
	mem.LoadFence()
	return name
}

// Edge 6, mark: a subscriber that sees a mark finds the message it names.
//
// The writer stores it after that message's header.

func (v *view) setMark(seq uint64) { mem.StoreRelease(&v.hdr.mark, seq) }

func (v *view) mark() uint64 { return mem.LoadAcquire(&v.hdr.mark) }

// Edge 7, clock: the four clock words belong together. A seqlock with one writer.

// clockAnchor is one moment on three clocks.
type clockAnchor struct {
	ticks uint64
	mono  uint64 // CLOCK_MONOTONIC ns
	utc   uint64 // UNIX ns
	scale uint64 // tick.Scale
}

func (v *view) setClock(a clockAnchor) {
	h := v.hdr
	n := mem.LoadAcquire(&h.clockSeq) | 1
	mem.Exchange(&h.clockSeq, n)
	mem.Store(&h.clockTicks, a.ticks)
	mem.Store(&h.clockMono, a.mono)
	mem.Store(&h.clockUTC, a.utc)
	mem.Store(&h.clockScale, a.scale)
	mem.StoreRelease(&h.clockSeq, n+1)
}

// clock is false while the words change, or if a publisher died between them.
func (v *view) clock() (clockAnchor, bool) {
	h := v.hdr
	n := mem.LoadAcquire(&h.clockSeq)
	a := clockAnchor{
		ticks: mem.LoadAcquire(&h.clockTicks),
		mono:  mem.LoadAcquire(&h.clockMono),
		utc:   mem.LoadAcquire(&h.clockUTC),
		scale: mem.LoadAcquire(&h.clockScale),
	}
	mem.LoadFence()
	return a, n&1 == 0 && n != 0 && mem.LoadAcquire(&h.clockSeq) == n
}

// Edge 8, sleep: a subscriber that waits for the futex is woken by what it waits for.
//
// Whoever has news for sleepers, a waker that has loaded a header or a state (acquire), or
// a publisher that has stored the state itself, adds 1 to wake after that and then wakes
// all. The publisher's hot path knows nothing of it.

func wakeSleepers(h *header) {
	mem.Increment(&h.wake[0])
	futexWake(&h.wake[0])
}

// wakes begins the reader's half: it loads wake, then looks once more, with
// [subscriber.quiet], and then asks the kernel to wait as long as wake is what it was.
// News whose add came before this load is seen by those looks. Of all other news the
// kernel either finds that wake is another one by now, or has the sleeper in its queue
// before the wake that follows the add looks there.
func (v *view) wakes() uint32 { return mem.LoadAcquire32(&v.hdr.wake[0]) }

// quiet says that the next call of Next would find what the last one found: nothing. The
// looks are those of edge 4, in the same order.
func (s *subscriber) quiet() bool {
	if s.err != nil {
		return true // and stays so
	}
	if s.missed != 0 || s.state() != s.saw || s.held && s.gateOf(s.slot) != GateHolding {
		return false
	}
	return s.frameHeader(s.pos) == 0 && !s.overrun(s.pos)
}
