package audit

import (
	"fmt"
	"strings"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// Fault is something in the rings that contradicts something else there.
type Fault struct {
	Ring string // where it was found
	Seq  uint64 // the message
	What string

	// Before are the last messages of the ring and of G, and those about the same order, up
	// to that one.
	Before []string
}

func (f *Fault) String() string { return fmt.Sprintf("%s message %d: %s", f.Ring, f.Seq, f.What) }

// Story is the fault and what was before it, in lines.
func (f *Fault) Story() string { return f.String() + "\n\t" + strings.Join(f.Before, "\n\t") }

// After shows up to n messages that follow the fault in its ring, as far as they are still
// there.
func (a *Auditor) After(f *Fault, n int) []string {
	sub, err := ring.Open(f.Ring, ring.Options{Dir: a.cfg.Dir, From: ring.FromSeq, Seq: f.Seq + 1})
	if err != nil {
		return nil
	}
	defer sub.Close()
	var all []string
	for len(all) < n {
		data, st := sub.Next()
		if st != ring.Message {
			break
		}
		all = append(all, fmt.Sprintf("%-10s %s", f.Ring, show(&message{sub.Seq(), order.MsgType(sub.Type()), data})))
	}
	return all
}

// fault notes what is wrong with message m of ring s.
func (a *Auditor) fault(s *stream, m *message, format string, args ...any) {
	a.figures.Faults++
	if len(a.faults) >= a.cfg.Faults {
		return
	}
	f := Fault{Ring: s.ring, Seq: m.seq, What: fmt.Sprintf(format, args...)}
	f.add(s, func(x *message) bool { return x.seq+12 > m.seq && x.seq <= m.seq })
	if s != a.journal {
		f.add(a.journal, func(x *message) bool { return x.seq+12 > a.journal.next })
	}
	if id, cl := about(m); id != 0 || cl != 0 {
		f.Before = append(f.Before, "about the same order:")
		same := func(x *message) bool {
			xid, xcl := about(x)
			return id != 0 && (xid == id || x.typ == order.MsgNewOrderSingle && x.seq == id) || cl != 0 && xcl == cl
		}
		f.add(a.journal, same)
		for _, in := range a.inputs {
			f.add(in, same)
		}
	}
	a.faults = append(a.faults, f)
}

func (f *Fault) add(s *stream, which func(*message) bool) {
	s.before(func(x *message) {
		if which(x) {
			f.Before = append(f.Before, fmt.Sprintf("%-10s %s", s.ring, show(x)))
		}
	})
}

// about returns the OrderID and ClOrdID that a message names, 0 if it does not.
func about(m *message) (id, cl uint64) {
	switch m.typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
		r := decode[order.Request](m)
		return 0, r.ClOrdID
	case order.MsgExecutionReport:
		r := decode[order.ExecutionReport](m)
		return r.OrderID, r.ClOrdID
	case order.MsgOrderCancelReject:
		r := decode[order.OrderCancelReject](m)
		return r.OrderID, r.ClOrdID
	}
	return 0, 0
}

// show is a message as a line of text.
func show(m *message) string {
	at := func(o order.Origin) string {
		switch o.Ring {
		case order.RingGateway:
			return "own"
		case order.RingVenue:
			return fmt.Sprintf("venue %d#%d", o.Epoch, o.Seq)
		case order.RingOperator:
			return fmt.Sprintf("operator %d#%d", o.Epoch, o.Seq)
		}
		return fmt.Sprintf("strategy %d %d#%d", o.Ring, o.Epoch, o.Seq)
	}
	line := func(kind string, o order.Origin, format string, args ...any) string {
		return fmt.Sprintf("%8d %s from %s: ", m.seq, kind, at(o)) + fmt.Sprintf(format, args...)
	}
	switch m.typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
		r := decode[order.Request](m)
		return line(m.typ.String(), r.Origin, "ClOrdID %d (of %d), security %d, %s %d at %d, %s, %s, flags %d, TTL %d, MdSeq %d",
			r.ClOrdID, r.OrigClOrdID, r.SecurityID, r.Side, r.OrderQty, r.Price, r.OrdType, r.TimeInForce, r.Flags, r.TTL, r.MdSeq)
	case order.MsgExecutionReport:
		r := decode[order.ExecutionReport](m)
		return line("ExecutionReport", r.Origin, "%s, is %s; strategy %d, order %d, ClOrdID %d, security %d, %s, last %d at %d, cum %d, leaves %d, %q",
			r.ExecType, r.OrdStatus, r.Strategy, r.OrderID, r.ClOrdID, r.SecurityID, r.Side, r.LastQty, r.LastPx, r.CumQty, r.LeavesQty, r.Text)
	case order.MsgOrderCancelReject:
		r := decode[order.OrderCancelReject](m)
		return line("OrderCancelReject", r.Origin, "strategy %d, order %d, ClOrdID %d (of %d), is %s, %q",
			r.Strategy, r.OrderID, r.ClOrdID, r.OrigClOrdID, r.OrdStatus, r.Text)
	case order.MsgBusinessMessageReject:
		r := decode[order.BusinessMessageReject](m)
		return line("BusinessMessageReject", r.Origin, "strategy %d, type %#x of %d bytes, ClOrdID %d, %q", r.Strategy, uint16(r.RefMsgType), r.Length, r.ClOrdID, r.Text)
	case order.MsgSessionStatus:
		r := decode[order.SessionStatus](m)
		return line("SessionStatus", r.Origin, "ring %d (%#x), epoch %d, up to %d, status %d, %q", r.Ring, r.RingID, r.Epoch, r.Seq, r.Status, r.Text)
	case order.MsgKillSwitch:
		r := decode[order.KillSwitch](m)
		return line("KillSwitch", r.Origin, "strategy %d, engaged %d, cancel %d", r.Strategy, r.Engaged, r.Cancel)
	case order.MsgVenueStatus:
		r := decode[order.VenueStatus](m)
		return fmt.Sprintf("%8d VenueStatus: gateway %#x up to %d, market data up to %d", m.seq, r.GatewayID, r.GatewaySeq, r.MdSeq)
	}
	if m.data == nil {
		return fmt.Sprintf("%8d (not kept)", m.seq)
	}
	return fmt.Sprintf("%8d type %#x, %d bytes", m.seq, uint16(m.typ), len(m.data))
}
