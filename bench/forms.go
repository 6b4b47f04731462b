package bench

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/ring"
)

// form is how messages are published and read. Every message has its sequence number as
// its first word.
type form string

const (
	formOne        form = "one"
	formBatch      form = "batch"
	formTyped      form = "typed"
	formTypedBatch form = "typed batch"
)

// batchSize is how many messages a published batch has.
const batchSize = 64

// value is a typed message of one line.
type value struct {
	Number uint64
	Rest   [mem.LineWords - 1]uint64
}

// insist publishes again what gates have held, until they do not, or the other side is gone:
// then it ends with errGone.
func insist(gone *atomic.Bool, publish func() error) error {
	for polls := 1; ; polls++ {
		if err := publish(); err != ring.ErrBackPressure {
			return err
		}
		if polls%askEvery == 0 && gone.Load() {
			return errGone
		}
	}
}

// writer returns what publishes n messages on p, and waits where gates hold it, until the
// other side is gone. For batches n is a multiple of batchSize.
func writer(p *ring.Publisher, how form, gone *atomic.Bool) (func(n int) error, error) {
	switch how {
	case formBatch:
		return batchWriter(p, gone), nil
	case formTyped:
		return typedWriter(p, gone)
	case formTypedBatch:
		return typedBatchWriter(p, gone)
	}
	var msg [mem.LinePayload]byte
	return func(n int) error {
		for seq := p.Seq() + 1; n > 0; n-- {
			binary.LittleEndian.PutUint64(msg[:], seq)
			seq++
			err := p.Publish(0, msg[:])
			if err == ring.ErrBackPressure {
				err = insist(gone, func() error { return p.Publish(0, msg[:]) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func batchWriter(p *ring.Publisher, gone *atomic.Bool) func(int) error {
	var data [batchSize][mem.LinePayload]byte
	var msgs [batchSize]ring.Outgoing
	for i := range msgs {
		msgs[i].Data = data[i][:]
	}
	return func(n int) error {
		for seq := p.Seq() + 1; n > 0; n -= batchSize {
			for i := range data {
				binary.LittleEndian.PutUint64(data[i][:], seq)
				seq++
			}
			err := p.PublishBatch(msgs[:])
			if err == ring.ErrBackPressure {
				err = insist(gone, func() error { return p.PublishBatch(msgs[:]) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func typedWriter(p *ring.Publisher, gone *atomic.Bool) (func(int) error, error) {
	t, err := ring.NewTypedPublisher[value](p, 0)
	var v value
	return func(n int) error {
		for v.Number = p.Seq() + 1; n > 0; n-- {
			err := t.Publish(&v)
			if err == ring.ErrBackPressure {
				err = insist(gone, func() error { return t.Publish(&v) })
			}
			if err != nil {
				return err
			}
			v.Number++
		}
		return nil
	}, err
}

func typedBatchWriter(p *ring.Publisher, gone *atomic.Bool) (func(int) error, error) {
	t, err := ring.NewTypedPublisher[value](p, 0)
	var vs [batchSize]value
	return func(n int) error {
		for seq := p.Seq() + 1; n > 0; n -= batchSize {
			for i := range vs {
				vs[i].Number = seq
				seq++
			}
			err := t.PublishBatch(vs[:])
			if err == ring.ErrBackPressure {
				err = insist(gone, func() error { return t.PublishBatch(vs[:]) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, err
}

// reader returns what reads up to most messages from s. It says how many there were, how
// many of them had not the number they should, and what ended it.
func reader(s *ring.Subscriber, how form) (func(most int) (n, wrong int, st ring.Status), error) {
	switch how {
	case formBatch:
		return batchReader(s), nil
	case formTyped:
		return typedReader(s)
	case formTypedBatch:
		return typedBatchReader(s)
	}
	return func(most int) (n, wrong int, st ring.Status) {
		for ; n < most; n++ {
			m, st := s.Next()
			if st != ring.Message {
				return n, wrong, st
			}
			if binary.LittleEndian.Uint64(m) != s.Seq() {
				wrong++
			}
		}
		return n, wrong, ring.Message
	}, nil
}

func batchReader(s *ring.Subscriber) func(int) (int, int, ring.Status) {
	b := ring.NewBatch(0, 0)
	return func(int) (n, wrong int, st ring.Status) {
		if st = s.NextBatch(b); st != ring.Message {
			return 0, 0, st
		}
		for i := range b.Len() {
			if binary.LittleEndian.Uint64(b.Message(i)) != b.Seq(i) {
				wrong++
			}
		}
		return b.Len(), wrong, st
	}
}

func typedReader(s *ring.Subscriber) (func(int) (int, int, ring.Status), error) {
	t, err := ring.NewTypedSubscriber[value](s, 0)
	return func(most int) (n, wrong int, st ring.Status) {
		for ; n < most; n++ {
			v, st := t.Next()
			if st != ring.Message {
				return n, wrong, st
			}
			if v.Number != s.Seq() {
				wrong++
			}
		}
		return n, wrong, ring.Message
	}, err
}

func typedBatchReader(s *ring.Subscriber) (func(int) (int, int, ring.Status), error) {
	t, err := ring.NewTypedSubscriber[value](s, 0)
	vs := make([]value, 256)
	return func(int) (n, wrong int, st ring.Status) {
		n, st = t.NextBatch(vs)
		first := s.Seq() - uint64(max(n, 1)-1)
		for i := range vs[:n] {
			if vs[i].Number != first+uint64(i) {
				wrong++
			}
		}
		return n, wrong, st
	}, err
}
