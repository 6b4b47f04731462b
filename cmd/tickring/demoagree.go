package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
)

// account is the orders of a strategy, as the three sides see them.
type account struct {
	name     string // of the strategy
	strategy orderCounts
	gateway  orderCounts
	exchange orderCounts
	refused  uint64 // orders that the gateway did not forward: the exchange has not seen them
}

// demoOrders is the sum of the accounts.
type demoOrders struct {
	Strategies orderCounts `json:"strategies"`
	Gateway    orderCounts `json:"gateway"`
	Exchange   orderCounts `json:"exchange"`
	Refused    uint64      `json:"refused"` // orders that the gateway did not forward
}

// accountsOf sets what the strategies say beside what their gateway and their exchange have
// published.
func accountsOf(strategies []demoStrategy, t *demoTally) []account {
	var all []account
	for i, s := range strategies {
		all = append(all, account{
			name:     demoKinds[i],
			strategy: orderCounts{States: s.States, Fills: s.Fills, FilledQty: s.FilledQty, Position: s.Position},
			gateway:  t.byGateway[i], exchange: t.byExchange[i], refused: t.refused[i],
		})
	}
	return all
}

func sumOrders(accounts []account) demoOrders {
	sum := demoOrders{
		Strategies: orderCounts{States: map[string]uint64{}},
		Gateway:    orderCounts{States: map[string]uint64{}},
		Exchange:   orderCounts{States: map[string]uint64{}},
	}
	for i := range accounts {
		a := &accounts[i]
		sum.Strategies.add(&a.strategy)
		sum.Gateway.add(&a.gateway)
		sum.Exchange.add(&a.exchange)
		sum.Refused += a.refused
	}
	return sum
}

// differences says where the sides do not agree: about the orders of each strategy, and about
// what has gone from one side to the next.
func differences(accounts []account, r *demoReport) (all []string) {
	same := func(what string, strategy, gateway, exchange int64) {
		if strategy != gateway || gateway != exchange {
			all = append(all, fmt.Sprintf("%s: %d by the strategy, %d by the gateway, %d by the exchange", what, strategy, gateway, exchange))
		}
	}
	for i := range accounts {
		a := &accounts[i]
		for _, state := range states(&a.strategy, &a.gateway, &a.exchange) {
			seen := a.exchange.States[state]
			if state == order.StatusRejected.String() {
				seen += a.refused
			}
			same(fmt.Sprintf("%s: orders that are %s", a.name, state), int64(a.strategy.States[state]), int64(a.gateway.States[state]), int64(seen))
		}
		same(a.name+": fills", int64(a.strategy.Fills), int64(a.gateway.Fills), int64(a.exchange.Fills))
		same(a.name+": filled quantity", int64(a.strategy.FilledQty), int64(a.gateway.FilledQty), int64(a.exchange.FilledQty))
		same(a.name+": position", a.strategy.Position, a.gateway.Position, a.exchange.Position)
	}
	passed := func(what string, from, to uint64) {
		if from != to {
			all = append(all, fmt.Sprintf("%s: %d and %d", what, from, to))
		}
	}
	sent := uint64(0)
	for i := range r.Strategies {
		s := &r.Strategies[i]
		sent += s.Orders + s.Cancels + s.Replaces
	}
	g, x := &r.Gateway, &r.Exchange
	passed("requests that the strategies have sent, and that the gateway has judged", sent, g.Requests)
	passed("requests that the gateway has sent, and that the exchange has answered", g.Forwarded+g.Cancels, x.Requests)
	passed("reports that the exchange has sent, and that the gateway has passed on", x.Reports, g.Reports)
	sum := sumOrders(accounts)
	passed("fills that the exchange has counted and reported", x.Fills, sum.Exchange.Fills)
	return all
}

// states are all that one of the counts has, in the order of their names.
func states(counts ...*orderCounts) []string {
	names := map[string]bool{}
	for _, c := range counts {
		for state, n := range c.States {
			if n > 0 {
				names[state] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (r *demoReport) writeOrders(w *lines) {
	o := &r.Orders
	w.printf("orders\tstrategies\tgateway\texchange\t\n")
	row := func(name string, strategies, gateway, exchange uint64) {
		w.printf("%s\t%s\t%s\t%s\t\n", name, text.Count(strategies), text.Count(gateway), text.Count(exchange))
	}
	for _, state := range states(&o.Strategies, &o.Gateway, &o.Exchange) {
		row(state, o.Strategies.States[state], o.Gateway.States[state], o.Exchange.States[state])
	}
	row("fills", o.Strategies.Fills, o.Gateway.Fills, o.Exchange.Fills)
	row("filled", o.Strategies.FilledQty, o.Gateway.FilledQty, o.Exchange.FilledQty)
	w.printf("position\t%d\t%d\t%d\t\n", o.Strategies.Position, o.Gateway.Position, o.Exchange.Position)
}

func (r *demoReport) writeVerdict(w *lines) {
	if r.Gateway.Refused > 0 {
		w.printf("\nThe gateway refused %s of %s: %s.\n", text.Count(r.Gateway.Refused), text.CountOf(r.Gateway.Requests, "request", "requests"), countsText(r.Gateway.RefusedBy))
	}
	if r.Orders.Refused > 0 {
		w.printf("Rejected orders: %s of them by the gateway, so that the exchange has not seen them.\n", text.Count(r.Orders.Refused))
	}
	switch {
	case r.Agree:
		w.printf("\nStrategies, gateway and exchange agree. %s\n", r.Audit.summary())
	case r.Differences != nil:
		w.printf("\nStrategies, gateway and exchange do not agree:\n")
		for _, d := range r.Differences {
			w.printf("  %s\n", d)
		}
	}
}
