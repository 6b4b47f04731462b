package ring

// Outgoing is a message of a batch.
type Outgoing struct {
	Type uint16
	Data []byte
}

// PublishBatch publishes messages that become visible at once, all or none, whenever
// this process dies. They have one stamp. No messages are no batch, and no error.
//
// A batch lies in one block: as frames (see [Config.Capacity]) it has at most
// [Publisher.Block] bytes. If it does not fit into what is left of the present block,
// that stays empty, so batches are best short against a block.
//
// Errors: [ErrBackPressure], [ErrTooLarge] for a message or all of them, [ErrClaimOpen],
// [ErrClosed]; nothing is published then. It makes no system call, but as
// [Publisher.Publish] does, and does not allocate.
func (p *publisher) PublishBatch(msgs []Outgoing) error {
	if err := p.ready(); err != nil {
		return err
	}
	if len(msgs) == 0 {
		return nil
	}
	var size uint64
	for i := range msgs {
		n := uint64(len(msgs[i].Data))
		if size += frameSize(n); n > p.maxMessage || size > p.block {
			return ErrTooLarge
		}
	}
	stamp, err := p.makeRoom(size)
	if err != nil {
		return err
	}
	stamp <<= 32
	first := &msgs[0]
	n := uint64(len(first.Data))
	pos := p.pos + frameSize(n)
	for i := 1; i < len(msgs); i++ {
		m := &msgs[i]
		n := uint64(len(m.Data))
		p.put(pos, m.Data, frameWord(n, m.Type)|stamp)
		pos += frameSize(n)
	}
	p.commit(p.pos, size, first.Data, frameWord(n, first.Type)|stamp)
	p.advance(size, uint64(len(msgs)))
	return nil
}

// PublishSnapshot publishes messages as [Publisher.PublishBatch] does, and marks the first
// of them: who joins late may start with it ([FromMark]). Dead before the mark is stored,
// the publisher has published the messages, and the mark is still the one before.
func (p *publisher) PublishSnapshot(msgs []Outgoing) error {
	err := p.PublishBatch(msgs)
	if err == nil && len(msgs) > 0 {
		p.setMark(p.seq - uint64(len(msgs)))
	}
	return err
}

// Room returns how many bytes of frames (see [Config.Capacity]) are left of the present
// block. What does not fit there begins the next one, and a stamped ring may put a line of
// its own before it. So who wants something at the start of every block, a checkpoint say,
// publishes it when there is room for no more than a line beside the next message.
func (p *publisher) Room() uint64 {
	if p.pos >= p.end {
		return 0
	}
	return p.end - p.pos
}

// Block returns the size of a block in bytes of frames: what a batch has room in.
func (p *Publisher) Block() uint64 { return p.fixed.block }
