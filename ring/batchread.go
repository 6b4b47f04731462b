package ring

import (
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// Batch is memory for messages that are read at once, by [Subscriber.NextBatch]. It is
// made once and used again and again, and does not allocate after the first time. Its
// messages are copies, good until the next call with it. The zero Batch is one of
// NewBatch(0, 0).
type Batch struct {
	words  []uint64 // frames as they lay in the ring, one after another
	at     []uint32 // where each begins, in lines
	n      int
	first  uint64 // number of the first message
	anchor uint64 // what their stamps count from
	s      *subscriber
}

const lineWords = lineSize / 8

// NewBatch returns a batch of at most so many messages, which take at most so many bytes
// as frames (see [Config.Capacity]), but has room for one message of any size. 0 messages
// are 256, 0 bytes are 64 for each message.
func NewBatch(messages, bytes int) *Batch {
	if messages <= 0 {
		messages = 256
	}
	if bytes <= 0 {
		bytes = messages * lineSize
	}
	return &Batch{words: make([]uint64, (bytes+lineSize-1)/lineSize*lineWords), at: make([]uint32, messages)}
}

// Len returns the number of messages.
func (b *Batch) Len() int { return b.n }

// Message returns message i, from 0.
func (b *Batch) Message(i int) []byte {
	word := b.word(i)
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(word), headerBytes)), *word&0xFFFF-1)
}

// Type returns the type of message i.
func (b *Batch) Type(i int) uint16 { return uint16(*b.word(i) >> 16) }

// Seq returns the sequence number of message i. There is no gap in a batch.
func (b *Batch) Seq(i int) uint64 { return b.first + uint64(i) }

// Age returns how long ago message i was published, as [Subscriber.Age] does.
func (b *Batch) Age(i int) (time.Duration, bool) { return b.s.age(b.anchor, *b.word(i)) }

// word is the header of message i; its payload follows.
func (b *Batch) word(i int) *uint64 { return &b.words[b.at[:b.n][i]*lineWords] }

// NextBatch reads what there is, as much as b takes, with one check for all of it, and
// one look at the clock. It returns [Message] if that is anything, and otherwise what
// [Subscriber.Next] would; b is empty then. A batch ends where a block does, at the latest.
//
// All its messages are in hand until the next call: the cursor of a named subscriber is
// at the first one. Seq, Type and Age of the subscriber tell about the last one.
func (s *subscriber) NextBatch(b *Batch) Status {
	b.n = 0
	w := s.poll()
	if w&0xFFFF-1 >= s.short || s.pos == s.end || len(b.at) == 0 {
		var st Status
		if w, st = s.seek(w); st != Message {
			return st
		}
		b.fit(s.maxMessage)
	}
	var (
		at            = b.at
		room          = uint64(len(b.words) / lineWords)
		pos           = s.pos
		count         = 0
		used, payload uint64
	)
	for count < len(at) && pos < s.end {
		n, lines := w&0xFFFF-1, uint64(1)
		if n < s.short && used < room {
			frame := (*[lineWords]uint64)(unsafe.Pointer(&b.words[used*lineWords]))
			frame[0] = w
			mem.CopyLineOut((*[mem.LineWords]uint64)(frame[1:]), s.view.line(pos))
		} else {
			// A header of 0, no message, or rubbish of a later lap is for seek, at the
			// next call.
			lines = frameSize(n) / lineSize
			if n > s.maxMessage || pos+lines*lineSize > s.end || used+lines > room {
				break
			}
			frame := b.words[used*lineWords:]
			frame[0] = w
			mem.CopyOut(unsafe.Slice((*byte)(unsafe.Pointer(&frame[1])), n), s.view.payload(pos))
		}
		at[count] = uint32(used)
		count++
		payload += n
		used += lines
		pos += lines * lineSize
		w = s.frameHeader(pos)
	}
	if s.overrun(s.pos) {
		return s.lapped()
	}
	b.n, b.first, b.anchor, b.s = count, s.next, s.anchor, s
	s.accountBatch(uint64(b.n), payload)
	if s.timed {
		now := s.clock.Now()
		for i := range b.n {
			s.ahead = uint64(i)
			s.recordLatency(*b.word(i), now)
		}
		s.ahead = 0
	}
	s.word = *b.word(b.n - 1)
	s.pos = pos
	s.next += uint64(b.n)
	return Message
}

// fit makes room for one message of the largest size.
func (b *Batch) fit(maxMessage uint64) {
	if len(b.at) == 0 {
		*b = *NewBatch(0, 0)
	}
	if words := int(frameSize(maxMessage) / 8); len(b.words) < words {
		b.words = make([]uint64, words)
	}
}

// accountBatch is account for n messages, but for their latencies.
func (s *subscriber) accountBatch(n, payload uint64) {
	if s.chase.empties != 0 {
		s.chase.found()
	}
	if s.stats != nil {
		s.holdCursor()
		mem.Add(&s.stats.messages, n)
		mem.Add(&s.stats.bytes, payload)
	}
}
