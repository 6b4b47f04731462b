package ring

import (
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// A claim is the room of one message in the ring, for the caller to fill in place. Its
// header stays 0 until it is committed, so that whoever dies before that has published
// nothing, and readers stop there.

// Claim gives n bytes of the ring's own memory, on an 8-byte boundary, for the payload of
// the next message. Fill them and publish with [Publisher.Commit], or forget them with
// [Publisher.Abort]. What they hold at first is left from earlier messages. There is one
// claim at a time, and nothing else can be published while it is open.
//
// The bytes are shared memory, which a subscriber that was lapped may be looking at, and
// checks afterwards. Touch them only until Commit, Abort or Close.
//
// Errors: [ErrBackPressure], [ErrTooLarge], [ErrClaimOpen], [ErrClosed]; there is no claim
// then. It makes no system call, but as [Publisher.Publish] does, and does not allocate.
func (p *publisher) Claim(n int) ([]byte, error) {
	if err := p.ready(); err != nil {
		return nil, err
	}
	if uint64(n) > p.maxMessage { // so is a negative n
		return nil, ErrTooLarge
	}
	need := frameSize(uint64(n))
	if p.stamping != stampNone {
		need += lineSize // for Commit to put a time frame in
	}
	// At a block's start Commit needs no time frame, and any message fits.
	if p.pos+need > p.end && !p.atStart() {
		if err := p.nextBlock(p.now()); err != nil {
			return nil, err
		}
	}
	p.open, p.short = uint64(n)+1, 0 // short: Publish goes the slow way and finds out
	if p.late != nil {
		p.late.claimed = p.clock.Now()
	}
	return unsafe.Slice((*byte)(p.payload(p.pos)), n), nil
}

// Commit publishes the first n bytes of the open claim, which may be fewer than were
// claimed: the rest is free again. The stamp is the time of Commit.
//
// Errors: [ErrNoClaim] if no claim of n bytes is open; one of fewer stays open.
// [ErrClosed].
func (p *publisher) Commit(typ uint16, n int) error {
	if p.closed {
		return ErrClosed
	}
	if uint64(n) >= p.open { // so is a negative n; 0: none is open
		return ErrNoClaim
	}
	now := p.now()
	if p.stamping != stampNone && now-p.anchor >= 1<<32 {
		p.renewClaim(now, uint64(n))
	}
	size := frameSize(uint64(n))
	p.commit(p.pos, size, nil, frameWord(uint64(n), typ)|now<<32)
	p.advance(size, 1)
	p.endClaim()
	if p.late != nil {
		p.late.commits(p.seq-1, p.clock.Now())
	}
	return nil
}

// Abort forgets the open claim, if there is one. Nothing was published.
func (p *publisher) Abort() {
	if p.open != 0 && !p.closed {
		p.zeroAhead() // it may have been filled in
		p.endClaim()
	}
}

func (p *publisher) endClaim() { p.open, p.short = 0, p.fast() }

// renewClaim makes now what stamps count from, though n bytes of the next message are in
// their place already: since the claim, so much time has passed that its stamp would be
// ambiguous. They move up by a line, and a time frame goes before them.
//
// At a block's start there may be no room for that. There the table entry is renewed: a
// subscriber reads it after the block's first header, which is still to come.
func (p *publisher) renewClaim(now, n uint64) {
	if p.atStart() {
		p.renewEntry(p.pos, now)
		p.anchor = now
		return
	}
	from, to := p.payload(p.pos), p.payload(p.pos+lineSize)
	var line [lineSize]byte
	for at := n &^ (lineSize - 1); ; at -= lineSize { // the last line first: they overlap
		part := line[:min(n-at, lineSize)]
		mem.CopyOut(part, unsafe.Add(from, at))
		mem.CopyIn(unsafe.Add(to, at), part)
		if at == 0 {
			break
		}
	}
	p.timeFrame(now)
}

// atStart says whether the next frame is the first of its block.
func (p *publisher) atStart() bool { return p.pos+p.block == p.end }
