package audit

import (
	"bytes"

	"github.com/tickring/tickring/order"
)

// venue checks a frame of G that passes on message in of the venue, which is nil if it could
// not be read.
func (a *Auditor) venue(m, in *message, v *stream) {
	a.figures.Reports++
	if in == nil { // all there is to go by is G; which request it answers is not known
		in = m
		a.venueAt = 0
	} else if m.typ == order.MsgBusinessMessageReject && in.typ != m.typ {
		a.figures.Illegal++
		a.fault(a.journal, m, "the gateway finds a report illegal: %s", show(in))
		return
	} else if o, _ := originOf(m); m.typ != in.typ || !bytes.Equal(m.data, passed(in, o)) {
		a.fault(a.journal, m, "is not what the venue has reported: %s", show(in))
	}
	if in.typ == order.MsgVenueStatus {
		a.venueStatus(v, in)
		return
	}
	o, ok := originOf(in)
	if !ok {
		a.fault(v, in, "type %#x of %d bytes is nothing that a venue publishes", uint16(in.typ), len(in.data))
		return
	}
	var q *request
	if o.Ring != order.RingVenue {
		q = a.answer(v, in, o)
	} else {
		a.venueAt = 0
		if o.Seq != 0 && in != m {
			a.fault(v, in, "names a message of its own ring for what it answers")
		}
	}
	switch in.typ {
	case order.MsgExecutionReport:
		r := decode[order.ExecutionReport](in)
		a.book.report(v, in, m, &r, q)
	case order.MsgOrderCancelReject:
		r := decode[order.OrderCancelReject](in)
		a.book.cancelReject(v, in, &r, q)
	case order.MsgBusinessMessageReject:
		if q != nil {
			a.book.answered(v, in, q)
		}
	default:
		a.fault(v, in, "type %#x is nothing that a venue publishes", uint16(in.typ))
	}
	a.settle()
}

// answer finds the request that a report of the venue answers. The reports of one request
// follow each other, and the requests are answered in the order in which they were forwarded.
func (a *Auditor) answer(v *stream, in *message, o order.Origin) *request {
	last := a.journal.next - 1
	seq := last + uint64(int64(int32(o.Seq-uint32(last))))
	if seq == a.venueAt {
		return a.find(seq) // one more report of the same batch
	}
	a.venueAt = seq
	q := a.find(seq)
	switch {
	case q == nil && a.figures.Whole:
		a.fault(v, in, "answers message %d of %s, which is no request, or was answered before", seq, a.cfg.Gateway)
	case q == nil:
	case q.strategy != o.Ring:
		a.fault(v, in, "answers request %d of strategy %d in the name of %d", seq, q.strategy, o.Ring)
	case q.reported:
		a.fault(v, in, "answers request %d of %s a second time", seq, a.cfg.Gateway)
	}
	if q != nil {
		for _, f := range a.forwards {
			if f.seq >= seq {
				break
			}
			if !f.reported {
				a.fault(v, in, "answers request %d of %s before request %d", seq, a.cfg.Gateway, f.seq)
				break
			}
		}
		q.reported = true
	}
	return q
}

func (a *Auditor) find(seq uint64) *request {
	for _, q := range a.forwards {
		if q.seq >= seq {
			if q.seq == seq {
				return q
			}
			break
		}
	}
	return nil
}

// settle forgets requests that are answered, but for the one that the venue's last report
// was about: there may be more about it.
func (a *Auditor) settle() {
	for len(a.forwards) > 0 && a.forwards[0].answered && a.forwards[0].seq != a.venueAt {
		a.forwards = a.forwards[1:]
	}
}

// venueStatus checks what the venue says that it has dealt with.
func (a *Auditor) venueStatus(v *stream, in *message) {
	st := decode[order.VenueStatus](in)
	a.venueAt = 0
	if st.GatewayID == a.journal.id {
		if st.GatewaySeq < a.status {
			a.fault(v, in, "says that %s is dealt with up to %d, and said up to %d before", a.cfg.Gateway, st.GatewaySeq, a.status)
		}
		a.status = st.GatewaySeq
		for _, q := range a.forwards {
			if q.seq <= st.GatewaySeq && !q.reported {
				a.fault(v, in, "says that %s is dealt with up to %d; request %d is not answered", a.cfg.Gateway, st.GatewaySeq, q.seq)
				break
			}
		}
	} else if st.GatewayID != 0 && a.figures.Whole {
		a.fault(v, in, "speaks of another ring than %s (%#x, not %#x)", a.cfg.Gateway, st.GatewayID, a.journal.id)
	}
	a.settle()
}
