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
	src *source // nil: there is none in hand
	msg []byte
	typ order.MsgType
	seq uint64
}

// origin is the input's, for what comes of it.
func (in *input) origin(epoch uint64) order.Origin {
	return order.Origin{Seq: uint32(in.seq), Epoch: uint16(epoch), Ring: in.src.number}
}

// sources finds the source of a subscriber. Messages come in turns, so it is mostly the one
// behind the last.
type sources struct {
	all  []*source
	last int
}

func (s *sources) find(sub *ring.Subscriber) *source {
	for range s.all {
		if s.last++; s.last >= len(s.all) {
			s.last = 0
		}
		if s.all[s.last].sub == sub {
			return s.all[s.last]
		}
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
