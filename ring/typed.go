package ring

import (
	"context"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
)

// TypedPublisher publishes values of one fixed-size type T on a ring, as messages of one
// type number. It is a view of its [Publisher], by which other messages can be published
// between its own; both are for the same goroutine.
//
// A message is the bytes of a T as Go lays it out, padding included.
type TypedPublisher[T any] struct {
	p   *publisher
	typ uint16
}

// NewTypedPublisher returns a publisher of T on the ring of p. typ is the type number of
// the messages.
//
// Errors: [ErrType] if T holds anything that means nothing in another process (pointers,
// slices, strings, maps, channels, functions, interfaces, uintptr), which it names, or has
// no bytes; [ErrTooLarge]; [ErrSchema] if the ring has a schema hash that is not that of T
// ([LayoutHash]).
func NewTypedPublisher[T any](p *Publisher, typ uint16) (*TypedPublisher[T], error) {
	if err := checkType[T](p.MaxMessage(), p.fixed.schemaHash); err != nil {
		return nil, fmt.Errorf("ring: publish %v on %q: %w", reflect.TypeFor[T](), p.Name(), err)
	}
	return &TypedPublisher[T]{&p.publisher, typ}, nil
}

// Publish publishes a copy of v, as [Publisher.Publish] does.
func (t *TypedPublisher[T]) Publish(v *T) error {
	return t.p.Publish(t.typ, bytesOf(v))
}

// PublishWait publishes a copy of v, and waits while a gate is in the way, as
// [Publisher.PublishWait] does.
func (t *TypedPublisher[T]) PublishWait(ctx context.Context, v *T) error {
	return t.p.PublishWait(ctx, t.typ, bytesOf(v))
}

// PublishBatch publishes copies of vs, which become visible at once, all or none, as
// those of [Publisher.PublishBatch] do. There may be [TypedPublisher.MaxBatch] of them.
func (t *TypedPublisher[T]) PublishBatch(vs []T) error {
	p := t.p
	if err := p.ready(); err != nil {
		return err
	}
	if len(vs) == 0 {
		return nil
	}
	n := uint64(unsafe.Sizeof(vs[0]))
	frame := frameSize(n)
	if uint64(len(vs)) > p.block/frame {
		return ErrTooLarge
	}
	size := frame * uint64(len(vs))
	stamp, err := p.makeRoom(size)
	if err != nil {
		return err
	}
	word := frameWord(n, t.typ) | stamp<<32
	line := p.line(p.pos)
	for i := 1; i < len(vs); i++ {
		line = unsafe.Add(line, frame)
		mem.PutFrame(line, &vs[i], word)
	}
	p.commit(p.pos, size, bytesOf(&vs[0]), word)
	p.advance(size, uint64(len(vs)))
	return nil
}

// MaxBatch returns how many values a batch can have: as many as fit into a block.
func (t *TypedPublisher[T]) MaxBatch() int {
	var v T
	return int(t.p.block / frameSize(uint64(unsafe.Sizeof(v))))
}

func bytesOf[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// TypedSubscriber reads the values of a [TypedPublisher]. It is a view of its
// [Subscriber], whose methods tell about the message in hand, the gap and the error, and
// which reads on from the same place.
type TypedSubscriber[T any] struct {
	s      *subscriber
	expect uint32 // the low half of every header that we want
	other  uint64
	value  T
	words  [256]uint64 // headers of a batch
}

// NewTypedSubscriber returns a subscriber to T on the ring of s, in messages of type typ.
// Values are taken as they lie in memory, from a publisher that is trusted to have put
// one of T there: a bool, for example, that is neither 0 nor 1 is not found out.
//
// Errors: as [NewTypedPublisher].
func NewTypedSubscriber[T any](s *Subscriber, typ uint16) (*TypedSubscriber[T], error) {
	_, hash := s.Schema()
	if err := checkType[T](s.MaxMessage(), hash); err != nil {
		return nil, fmt.Errorf("ring: subscribe to %v on %q: %w", reflect.TypeFor[T](), s.Name(), err)
	}
	return newTypedSubscriber[T](&s.subscriber, typ), nil
}

func newTypedSubscriber[T any](s *subscriber, typ uint16) *TypedSubscriber[T] {
	t := &TypedSubscriber[T]{s: s}
	t.expect = uint32(frameWord(uint64(unsafe.Sizeof(t.value)), typ))
	return t
}

// Next returns the next value, or says why there is none, as [Subscriber.Next] does. The
// value is a copy, checked to be whole, in memory that is good until the next call, and
// the caller's until then.
//
// Messages of other types are passed over; [TypedSubscriber.Other] counts them. After
// some hundreds of them in a row Next returns Empty, so that it always comes back. A message
// of this type that has not the size of a T was published by a program with another T:
// it is not read, Next returns [Corrupt], and the error is [ErrSchema].
func (t *TypedSubscriber[T]) Next() (*T, Status) {
	s := t.s
	n := uint64(unsafe.Sizeof(t.value))
	w := s.poll()
	if uint32(w) != t.expect || s.pos+frameSize(n) > s.end || s.short == 0 {
		return t.nextSlow(w)
	}
	mem.TakeFrame(&t.value, s.view.line(s.pos))
	if s.overrun(s.pos) {
		return nil, s.lapped()
	}
	if s.stats != nil || s.chase.empties != 0 {
		s.account(w, n)
	}
	s.word = w
	s.pos += frameSize(n)
	s.next++
	return &t.value, Message
}

// othersAtOnce is how many messages of other types one call of Next passes over.
const othersAtOnce = 512

func (t *TypedSubscriber[T]) nextSlow(w uint64) (*T, Status) {
	s := t.s
	for range othersAtOnce {
		var st Status
		if w, st = s.seek(w); st != Message {
			return nil, st
		}
		wanted := uint32(w) == t.expect
		if wanted {
			mem.TakeFrame(&t.value, s.view.line(s.pos))
		}
		if s.overrun(s.pos) {
			return nil, s.lapped()
		}
		if !wanted && uint16(w>>16) == uint16(t.expect>>16) {
			return nil, s.fail(fmt.Errorf("%w: message %d of type %d has %d bytes and a %T has %d; build publisher and subscribers with the same %T",
				ErrSchema, s.next, uint16(w>>16), w&0xFFFF-1, t.value, unsafe.Sizeof(t.value), t.value))
		}
		s.take(w, w&0xFFFF-1)
		if wanted {
			return &t.value, Message
		}
		t.other++
		w = s.frameHeader(s.pos)
	}
	return nil, Empty
}

// NextBatch reads values into vs, as many as there are, with one check for all of them and
// one look at the clock, and returns how many; what vs holds beyond them is rubbish. If
// there are none, it returns what Next would. Messages of other types are passed over, and
// end a batch, as the end of a block does. All values are in hand until the next call, as
// those of [Subscriber.NextBatch].
func (t *TypedSubscriber[T]) NextBatch(vs []T) (int, Status) {
	s := t.s
	size := uint64(unsafe.Sizeof(t.value))
	pos, n, most := s.pos, 0, min(len(vs), len(t.words))
	for n < most && pos+frameSize(size) <= s.end && s.short != 0 {
		w := s.frameHeader(pos)
		if uint32(w) != t.expect {
			break
		}
		mem.TakeFrame(&vs[n], s.view.line(pos))
		t.words[n] = w
		pos += frameSize(size)
		n++
	}
	if n == 0 {
		if most == 0 {
			return 0, Empty
		}
		v, st := t.Next()
		if st != Message {
			return 0, st
		}
		vs[0] = *v
		return 1, Message
	}
	if s.overrun(s.pos) {
		return 0, s.lapped()
	}
	s.accountBatch(uint64(n), uint64(n)*size)
	if s.timed {
		now := s.clock.Now()
		for i, w := range t.words[:n] {
			s.ahead = uint64(i)
			s.recordLatency(w, now)
		}
		s.ahead = 0
	}
	s.word = t.words[n-1]
	s.pos = pos
	s.next += uint64(n)
	return n, Message
}

// Other returns how many messages of other types were passed over.
func (t *TypedSubscriber[T]) Other() uint64 { return t.other }
