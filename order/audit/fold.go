package audit

import (
	"cmp"
	"slices"

	"github.com/tickring/tickring/order"
)

// foldIn applies a frame of G to an order.State, which is what gateway, venue and strategies
// decide by. It is not used to find anything out: it is held against the auditor's own books.
func (a *Auditor) foldIn(m *message) {
	if !a.folded {
		return
	}
	if _, err := a.fold.Take(m.seq, m.typ, m.data); err != nil {
		a.folded = false
		a.fault(a.journal, m, "order.State refuses it: %v", err)
	}
}

// compareFold holds the open orders and positions of order.State against the auditor's.
func (a *Auditor) compareFold() {
	if !a.folded || !a.figures.Whole {
		return
	}
	at := &message{seq: a.journal.next - 1}
	open, net := Rows(a.fold.Orders(), a.fold.Positions())
	for _, d := range Differences(a.Open(), open) {
		a.fault(a.journal, at, "order.State has other open orders: %s", d)
	}
	for _, d := range Differences(a.Positions(), net) {
		a.fault(a.journal, at, "order.State has other positions: %s", d)
	}
}

// Rows turns open orders and positions as the programs have them into those that the auditor
// tells of, in its order, to be compared.
func Rows(orders []order.Order, positions []order.Position) ([]Order, []Position) {
	open, net := []Order{}, []Position{}
	for i := range orders {
		o := &orders[i]
		open = append(open, Order{o.OrderID, o.Strategy, o.ClOrdID, o.SecurityID, o.Side, o.OrderQty, o.CumQty, o.Price})
	}
	for i := range positions {
		if p := &positions[i]; p.Net != 0 {
			net = append(net, Position{p.Strategy, p.SecurityID, p.Net})
		}
	}
	sortRows(open, net)
	return open, net
}

func sortRows(open []Order, net []Position) {
	slices.SortFunc(open, func(x, y Order) int { return cmp.Compare(x.OrderID, y.OrderID) })
	slices.SortFunc(net, func(x, y Position) int {
		return cmp.Or(cmp.Compare(x.Strategy, y.Strategy), cmp.Compare(x.SecurityID, y.SecurityID))
	})
}
