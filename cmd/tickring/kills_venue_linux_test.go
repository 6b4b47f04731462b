package main

import (
	"context"
	"math/rand/v2"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

func init() { roles["kills.venue"] = killStub }

// killStub is a venue that fills orders as it likes.
func killStub(args []string) error {
	dieWithParent()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	_, err := venue.Run(ctx, venue.Config{Dir: args[0], Name: killVenue, Gateway: killGateway, Patience: patience}, &stub{last: time.Now()})
	return err
}

type stub struct {
	orders []order.Order // by OrderID
	last   time.Time
}

func (s *stub) MdSeq() uint64 { return 0 }

func (s *stub) Recover(r venue.Recovery) error {
	s.orders = slices.Clone(r.Orders)
	return nil
}

func (s *stub) find(strategy uint16, cl uint64) int {
	return slices.IndexFunc(s.orders, func(o order.Order) bool { return o.Strategy == strategy && o.ClOrdID == cl })
}

func (s *stub) tell(out *venue.Reports, o *order.Order, cl uint64, exec order.ExecType, status order.OrdStatus, text order.Text) {
	r := order.ExecutionReport{ClOrdID: cl, OrderID: o.OrderID, CumQty: o.CumQty, LeavesQty: o.OrderQty - o.CumQty, SecurityID: o.SecurityID, Strategy: o.Strategy, Side: o.Side, ExecType: exec, OrdStatus: status, Text: text}
	switch status {
	case order.StatusCanceled, order.StatusExpired, order.StatusRejected:
		r.LeavesQty = 0
	}
	out.Report(r)
}

func working(o *order.Order) order.OrdStatus {
	switch o.CumQty {
	case 0:
		return order.StatusNew
	case o.OrderQty:
		return order.StatusFilled
	}
	return order.StatusPartiallyFilled
}

func (s *stub) fill(out *venue.Reports, o *order.Order, qty int32) {
	o.CumQty += qty
	out.Report(order.ExecutionReport{ClOrdID: o.ClOrdID, OrderID: o.OrderID, LastPx: killPrice, LastQty: qty, CumQty: o.CumQty, LeavesQty: o.OrderQty - o.CumQty, SecurityID: o.SecurityID,
		Strategy: o.Strategy, Side: o.Side, ExecType: order.ExecTrade, OrdStatus: working(o)})
}

func (s *stub) Request(seq uint64, typ order.MsgType, r *order.Request, expired bool, out *venue.Reports) error {
	if typ == order.MsgNewOrderSingle {
		o := order.Order{OrderID: seq, ClOrdID: r.ClOrdID, SecurityID: r.SecurityID, OrderQty: r.OrderQty, Strategy: r.Origin.Ring, Side: r.Side, OrdType: r.OrdType, TimeInForce: r.TimeInForce}
		if expired {
			s.tell(out, &o, o.ClOrdID, order.ExecRejected, order.StatusRejected, order.TextExpired)
			return nil
		}
		s.tell(out, &o, o.ClOrdID, order.ExecNew, order.StatusNew, 0)
		if d := rand.IntN(10); d < 3 {
			s.fill(out, &o, o.OrderQty)
			return nil
		} else if d < 5 && o.OrderQty > 1 {
			s.fill(out, &o, 1)
		}
		if r.OrdType == order.Market || r.TimeInForce == order.IOC || r.TimeInForce == order.FOK {
			s.tell(out, &o, o.ClOrdID, order.ExecExpired, order.StatusExpired, order.TextNoLiquidity)
			return nil
		}
		s.orders = append(s.orders, o)
		return nil
	}
	i := s.find(r.Origin.Ring, r.OrigClOrdID)
	reject := order.OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, MdSeq: r.MdSeq, SecurityID: r.SecurityID, Strategy: r.Origin.Ring, Text: order.TextUnknownOrder, OrdStatus: order.StatusRejected, CxlRejReason: order.CxlUnknownOrder, CxlRejResponseTo: order.ToCancel}
	if typ == order.MsgOrderCancelReplaceRequest {
		reject.CxlRejResponseTo = order.ToReplace
	}
	if i < 0 {
		out.CancelReject(reject)
		return nil
	}
	o := &s.orders[i]
	reject.OrderID = o.OrderID
	switch {
	case typ == order.MsgOrderCancelRequest:
		s.tell(out, o, r.ClOrdID, order.ExecCanceled, order.StatusCanceled, 0)
		s.orders = slices.Delete(s.orders, i, i+1)
	case expired, r.OrderQty < o.CumQty:
		reject.OrdStatus, reject.Text, reject.CxlRejReason = working(o), order.TextQty, order.CxlTooLate
		out.CancelReject(reject)
	default:
		o.OrderQty, o.ClOrdID, o.Price = r.OrderQty, r.ClOrdID, r.Price
		s.tell(out, o, r.ClOrdID, order.ExecReplaced, working(o), 0)
		if o.CumQty == o.OrderQty {
			s.orders = slices.Delete(s.orders, i, i+1)
		}
	}
	return nil
}

func (s *stub) Turn(out *venue.Reports) (bool, error) {
	if out.Room() == 0 || len(s.orders) == 0 || time.Since(s.last) < 50*time.Millisecond {
		return false, nil
	}
	s.last = time.Now()
	i := rand.IntN(len(s.orders))
	o := &s.orders[i]
	s.fill(out, o, 1+rand.Int32N(o.OrderQty-o.CumQty))
	if o.CumQty == o.OrderQty {
		s.orders = slices.Delete(s.orders, i, i+1)
	}
	return true, nil
}
