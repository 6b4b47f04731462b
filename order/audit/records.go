package audit

import (
	"bytes"
	"encoding/binary"

	"github.com/tickring/tickring/order"
)

// decode reads a record from a message. What is shorter has zeros at its end.
func decode[T any](m *message) (record T) {
	b := m.data
	if len(b) < order.Size {
		b = append(bytes.Clone(b), make([]byte, order.Size-len(b))...)
	}
	binary.Decode(b, binary.LittleEndian, &record) // fails only for what is too short
	return record
}

// originOf returns where a frame of G comes from. It is false for what is no record.
func originOf(m *message) (order.Origin, bool) {
	if len(m.data) != order.Size {
		return order.Origin{}, false
	}
	switch m.typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
		return decode[order.Request](m).Origin, true
	case order.MsgExecutionReport:
		return decode[order.ExecutionReport](m).Origin, true
	case order.MsgOrderCancelReject:
		return decode[order.OrderCancelReject](m).Origin, true
	case order.MsgBusinessMessageReject:
		return decode[order.BusinessMessageReject](m).Origin, true
	case order.MsgKillSwitch:
		return decode[order.KillSwitch](m).Origin, true
	case order.MsgVenueStatus:
		return decode[order.VenueStatus](m).Origin, true
	}
	return order.Origin{}, false
}

// sameRequest checks that G forwards what the strategy sent: all but TTL, of which it
// forwards what is left.
func (a *Auditor) sameRequest(m, in *message, r *order.Request) {
	sent := decode[order.Request](in)
	if in.typ != m.typ || len(in.data) != order.Size {
		a.fault(a.journal, m, "forwards another kind of message than was sent: %s", show(in))
		return
	}
	if (r.TTL == 0) != (sent.TTL == 0) || r.TTL > sent.TTL {
		a.fault(a.journal, m, "forwards a TTL of %d for one of %d", r.TTL, sent.TTL)
	}
	got := *r
	got.TTL = sent.TTL
	if got != sent {
		a.fault(a.journal, m, "forwards something else than was sent: %s", show(in))
	}
}

// refusal checks the gateway's own refusal of a request.
func (a *Auditor) refusal(m, in *message, number uint16) {
	var sent order.Request
	if in != nil {
		sent = decode[order.Request](in)
	}
	differs := func(field string, got, want any) {
		if in != nil && got != want {
			a.fault(a.journal, m, "refuses %s with another %s", show(in), field)
		}
	}
	var strategy uint16
	switch m.typ {
	case order.MsgExecutionReport:
		r := decode[order.ExecutionReport](m)
		strategy = r.Strategy
		a.refusedFor(r.Text)
		differs("type", order.MsgNewOrderSingle, typeOf(in))
		differs("ClOrdID", r.ClOrdID, sent.ClOrdID)
		differs("SecurityID", r.SecurityID, sent.SecurityID)
		differs("Side", r.Side, sent.Side)
		if r.ExecType != order.ExecRejected || r.OrdStatus != order.StatusRejected || r.OrderID != 0 || r.CumQty != 0 || r.LeavesQty != 0 || r.LastQty != 0 {
			a.fault(a.journal, m, "is the gateway's refusal, and not a Rejected of nothing")
		}
	case order.MsgOrderCancelReject:
		r := decode[order.OrderCancelReject](m)
		strategy = r.Strategy
		a.refusedFor(r.Text)
		differs("ClOrdID", r.ClOrdID, sent.ClOrdID)
		differs("OrigClOrdID", r.OrigClOrdID, sent.OrigClOrdID)
		want := order.ToCancel
		if in != nil && in.typ == order.MsgOrderCancelReplaceRequest {
			want = order.ToReplace
		}
		differs("CxlRejResponseTo", r.CxlRejResponseTo, want)
		if in != nil && in.typ != order.MsgOrderCancelRequest && in.typ != order.MsgOrderCancelReplaceRequest {
			differs("type", in.typ, order.MsgOrderCancelRequest)
		}
		a.book.refused(m, number, &r)
	case order.MsgBusinessMessageReject:
		r := decode[order.BusinessMessageReject](m)
		strategy = r.Strategy
		a.refusedFor(r.Text)
		differs("RefMsgType", r.RefMsgType, typeOf(in))
	}
	if strategy != number {
		a.fault(a.journal, m, "refuses a request of strategy %d in the name of %d", number, strategy)
	}
}

func typeOf(m *message) order.MsgType {
	if m == nil {
		return 0
	}
	return m.typ
}

// killSwitch checks that G repeats the operator's command, which is nil if it could not be
// read, and notes it.
func (a *Auditor) killSwitch(m, in *message) {
	got := decode[order.KillSwitch](m)
	a.killed[got.Strategy] = got.Engaged != 0
	if in == nil {
		return
	}
	sent := decode[order.KillSwitch](in)
	if in.typ != m.typ || got.Strategy != sent.Strategy || got.Engaged != sent.Engaged || got.Cancel != sent.Cancel {
		a.fault(a.journal, m, "is another command than the operator's: %s", show(in))
	}
}

// passed returns in as G has to pass it on: with the place in the venue's ring for Origin.
func passed(in *message, got order.Origin) []byte {
	b := bytes.Clone(in.data)
	o := order.Origin{Seq: uint32(in.seq), Epoch: got.Epoch, Ring: order.RingVenue}
	var at int
	switch in.typ {
	case order.MsgExecutionReport, order.MsgVenueStatus:
		at = 24
	case order.MsgOrderCancelReject:
		at = 32
	case order.MsgBusinessMessageReject:
		at = 8
	default:
		return b
	}
	if len(b) >= at+8 {
		binary.LittleEndian.PutUint32(b[at:], o.Seq)
		binary.LittleEndian.PutUint16(b[at+4:], o.Epoch)
		binary.LittleEndian.PutUint16(b[at+6:], o.Ring)
	}
	return b
}
