package gateway

import (
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/risk"
	"github.com/tickring/tickring/ring"
)

// source is a ring that the gateway reads: a strategy's, the operator's or the venue's.
type source struct {
	sub    *ring.Subscriber
	number uint16
	id     uint64         // RingID
	next   uint64         // number of the message that is to be judged next
	limits *risk.Strategy // of a strategy
	quiet  bool           // it had nothing since it was last attended to
	gone   bool           // removed, replaced or useless: it was read to its end
	lost   bool           // a message that was not judged is gone
}

// input is a message that is to be judged.
type input struct {
	src    *source // nil: there is none in hand
	msg    []byte
	typ    order.MsgType
	seq    uint64
	waited bool // it could not be settled at once
}

// origin is the input's, for what comes of it.
func (in *input) origin(epoch uint64) order.Origin {
	return order.Origin{Seq: uint32(in.seq), Epoch: uint16(epoch), Ring: in.src.number}
}

// sources finds the source of a subscriber. It is mostly the same as the last one, or the
// one behind it, as messages come in turns.
type sources struct {
	all  []*source
	last int
}

func (s *sources) find(sub *ring.Subscriber) *source {
	at := s.last
	for range s.all {
		if at >= len(s.all) {
			at = 0
		}
		if s.all[at].sub == sub {
			s.last = at
			return s.all[at]
		}
		at++
	}
	return nil
}

func (s *sources) number(n uint16) *source {
	for _, src := range s.all {
		if src.number == n {
			return src
		}
	}
	return nil
}

func (s *sources) remove(src *source) {
	for i := range s.all {
		if s.all[i] == src {
			s.all = append(s.all[:i], s.all[i+1:]...)
			return
		}
	}
}
