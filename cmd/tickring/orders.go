package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

type ordersOptions struct {
	gateway  string
	strategy uint16
	json     bool
}

func (a *app) ordersCommand() *cobra.Command {
	var o ordersOptions
	cmd := &cobra.Command{
		Use:   "orders GATEWAY",
		Short: "Show open orders and positions, by strategy",
		Long: `orders shows what a gateway's ring adds up to: the newest checkpoint in it and what follows.
That is what the gateway knows, or, if it has ended, what the next one will know. Nothing is
changed.

STATUS is that of FIX, with a question mark if it is in doubt whether the venue has the
order or its pending request. FILLED and AVGPX are CumQty and AvgPx. OPEN BUY and OPEN SELL
are what open orders may still fill. CASH is what was received less what was paid.

The JSON object: seq is the number of the gateway's last message that is in it; unanswered
counts the requests that the venue has not said a word about; prices and cash are exact.`,
		Example: `  tickring orders gw
  tickring orders gw --strategy 7
  tickring orders gw --json | jq '.strategies[] | {strategy, open: (.orders | length)}'`,
		Args:              wantRings("GATEWAY"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.gateway = args[0]
			if err := checkStrategy(cmd, o.strategy); err != nil {
				return err
			}
			return a.orders(o)
		},
	}
	f := cmd.Flags()
	f.Uint16Var(&o.strategy, "strategy", 0, "this strategy only")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of text")
	return cmd
}

// checkStrategy checks --strategy, if it was given.
func checkStrategy(cmd *cobra.Command, n uint16) error {
	if cmd.Flags().Changed("strategy") && (n == 0 || n > order.MaxStrategy) {
		return usagef("invalid --strategy %d: want a number from 1 to %d", n, order.MaxStrategy)
	}
	return nil
}

type ordersReport struct {
	Gateway    string           `json:"gateway"`
	Publisher  string           `json:"publisher"`
	Seq        uint64           `json:"seq"`
	Killed     string           `json:"killed,omitempty"` // stopped, or stopped and canceled
	Unanswered int              `json:"unanswered"`
	InDoubt    int              `json:"in_doubt"`
	Venue      *venueReport     `json:"venue,omitempty"`
	Strategies []strategyOrders `json:"strategies"`
}

type venueReport struct {
	Status  string `json:"status"`
	Epoch   uint64 `json:"epoch"`
	Seq     uint64 `json:"seq"`
	Illegal uint64 `json:"illegal"` // reports that did not fit
}

type strategyOrders struct {
	Strategy    uint16           `json:"strategy"`
	Status      string           `json:"status"`
	Killed      string           `json:"killed,omitempty"`
	Epoch       uint64           `json:"epoch"`
	Seq         uint64           `json:"seq"` // last message that was judged
	LastClOrdID uint64           `json:"last_cl_ord_id"`
	Forwarded   uint64           `json:"forwarded"`
	Refused     uint64           `json:"refused"`
	Reports     uint64           `json:"reports"`
	Fills       uint64           `json:"fills"`
	Positions   []positionReport `json:"positions"`
	Orders      []orderReport    `json:"orders"`
}

type positionReport struct {
	SecurityID uint32      `json:"security_id"`
	Net        int64       `json:"net"`
	Bought     int64       `json:"bought"`
	Sold       int64       `json:"sold"`
	OpenBuy    int64       `json:"open_buy"`
	OpenSell   int64       `json:"open_sell"`
	Cash       json.Number `json:"cash"`
}

type orderReport struct {
	OrderID     uint64       `json:"order_id"`
	ClOrdID     uint64       `json:"cl_ord_id"`
	OrdStatus   string       `json:"ord_status"`
	InDoubt     bool         `json:"in_doubt,omitempty"`
	Side        string       `json:"side"`
	OrdType     string       `json:"ord_type"`
	TimeInForce string       `json:"time_in_force"`
	OrderQty    int32        `json:"order_qty"`
	Price       *json.Number `json:"price,omitempty"`
	CumQty      int32        `json:"cum_qty"`
	LeavesQty   int32        `json:"leaves_qty"`
	AvgPx       *json.Number `json:"avg_px,omitempty"`
	SecurityID  uint32       `json:"security_id"`
	MdSeq       uint64       `json:"md_seq,omitempty"`
	Pending     uint64       `json:"pending_cl_ord_id,omitempty"`
}

// orders shows the state of a gateway.
func (a *app) orders(o ordersOptions) error {
	s, publisher, err := a.foldJournal(o.gateway, o.strategy)
	if err != nil {
		return err
	}
	r := reportOrders(o.gateway, publisher, s)
	if o.strategy != 0 && len(r.Strategies) == 0 {
		return fmt.Errorf("gateway %q has never seen strategy %d", o.gateway, o.strategy)
	}
	if o.json {
		return writeJSON(a.stdout, r)
	}
	return r.write(&lines{w: a.stdout})
}

// foldAttempts is how often a reader that was overrun while it folded begins again.
const foldAttempts = 5

// foldJournal returns what a gateway's ring adds up to at this moment.
func (a *app) foldJournal(gateway string, strategy uint16) (*order.State, ring.Life, error) {
	for attempt := 1; ; attempt++ {
		info, err := ring.Stat(a.dir, gateway)
		if err != nil {
			return nil, 0, noRing(err, a.dir, gateway)
		}
		if info.Err != nil {
			return nil, 0, info.Err
		}
		if info.Schema != order.Schema {
			return nil, 0, noGateway(gateway, info.Schema)
		}
		sub, err := ring.Open(gateway, ring.Options{Dir: a.dir, Owner: uint32(a.owner), From: ring.FromMark})
		if err != nil {
			return nil, 0, noRing(err, a.dir, gateway)
		}
		s := order.NewState(order.Bounds{Strategy: strategy})
		err = guarded(gateway, func() error { return order.Recover(sub, s, info.Last) })
		overrun := sub.Lost() > 0
		sub.Close()
		if err == nil || !overrun || attempt == foldAttempts {
			return s, info.Publisher, err
		}
	}
}

func noGateway(name, schema string) error {
	return fmt.Errorf("ring %q carries %q and is no gateway's, which carries %q", name, schema, order.Schema)
}

func reportOrders(gateway string, publisher ring.Life, s *order.State) *ordersReport {
	r := &ordersReport{Gateway: gateway, Publisher: publisher.String(), Seq: s.Seq(), Killed: killText(s.Killed()), Unanswered: s.Unanswered(),
		Strategies: []strategyOrders{}}
	at := map[uint16]int{}
	for _, in := range s.Sessions() {
		switch {
		case in.Ring == order.RingVenue:
			r.Venue = &venueReport{in.Status.String(), in.Epoch, in.Seq, in.Refused}
		case in.Ring <= order.MaxStrategy:
			r.Strategies = append(r.Strategies, strategyOrders{Strategy: in.Ring, Status: in.Status.String(), Killed: killText(in.Killed),
				Epoch: in.Epoch, Seq: in.Seq, LastClOrdID: in.LastClOrdID, Forwarded: in.Forwarded, Refused: in.Refused,
				Reports: in.Reports, Fills: in.Fills, Positions: []positionReport{}, Orders: []orderReport{}})
		}
	}
	slices.SortFunc(r.Strategies, func(a, b strategyOrders) int { return cmp.Compare(a.Strategy, b.Strategy) })
	for i := range r.Strategies {
		at[r.Strategies[i].Strategy] = i
	}
	for _, p := range s.Positions() {
		if i, ok := at[p.Strategy]; ok {
			r.Strategies[i].Positions = append(r.Strategies[i].Positions, positionReport{p.SecurityID, p.Net, p.Bought, p.Sold, p.OpenBuy, p.OpenSell, json.Number(p.Cash.String())})
		}
	}
	orders := s.Orders()
	for i := range orders {
		o := &orders[i]
		if o.InDoubt() {
			r.InDoubt++
		}
		if i, ok := at[o.Strategy]; ok {
			r.Strategies[i].Orders = append(r.Strategies[i].Orders, reportOrder(o))
		}
	}
	for i := range r.Strategies {
		slices.SortFunc(r.Strategies[i].Positions, func(a, b positionReport) int { return cmp.Compare(a.SecurityID, b.SecurityID) })
		slices.SortFunc(r.Strategies[i].Orders, func(a, b orderReport) int { return cmp.Compare(a.OrderID, b.OrderID) })
	}
	return r
}

func reportOrder(o *order.Order) orderReport {
	r := orderReport{OrderID: o.OrderID, ClOrdID: o.ClOrdID, OrdStatus: o.OrdStatus().String(), InDoubt: o.InDoubt(),
		Side: o.Side.String(), OrdType: o.OrdType.String(), TimeInForce: o.TimeInForce.String(),
		OrderQty: o.OrderQty, CumQty: o.CumQty, LeavesQty: o.LeavesQty(), SecurityID: o.SecurityID, MdSeq: o.MdSeq, Pending: o.Pending.ClOrdID}
	if o.OrdType != order.Market {
		r.Price = priceJSON(o.Price)
	}
	if o.CumQty > 0 {
		r.AvgPx = priceJSON(o.AvgPx())
	}
	return r
}

// priceJSON is a price as a number with all its digits.
func priceJSON(p int64) *json.Number {
	n := json.Number(appendPrice(nil, p))
	if n == "-" { // no price
		return nil
	}
	return &n
}

func killText(k order.Kill) string {
	switch {
	case k&order.KillCancels != 0:
		return "stopped and canceled"
	case k != 0:
		return "stopped"
	}
	return ""
}

func (r *ordersReport) write(w *lines) error {
	w.printf("gateway    %s, %s, as of message %s\n", r.Gateway, r.Publisher, text.Count(r.Seq))
	if r.Killed != "" {
		w.printf("killed     all strategies: %s; 'tickring kill %s --release'\n", r.Killed, r.Gateway)
	}
	if v := r.Venue; v != nil {
		w.printf("venue      %s, %s", v.Status, text.Messages(v.Seq))
		if v.Illegal > 0 {
			w.printf(", %s illegal", text.Count(v.Illegal))
		}
		w.printf("\n")
	}
	open := 0
	for _, s := range r.Strategies {
		open += len(s.Orders)
	}
	w.printf("open       %s, %s", text.CountOf(uint64(open), "order", "orders"), text.CountOf(uint64(r.Unanswered), "request unanswered", "requests unanswered"))
	if r.InDoubt > 0 {
		w.printf(", %s in doubt", text.Count(uint64(r.InDoubt)))
	}
	w.printf("\n")
	for i := range r.Strategies {
		r.Strategies[i].write(w)
	}
	return w.err
}

func (s *strategyOrders) write(w *lines) {
	w.printf("\nstrategy %d: %s", s.Strategy, s.Status)
	if s.Killed != "" {
		w.printf(", %s", s.Killed)
	}
	w.printf("; %s forwarded, %s refused, %s, %s\n", text.Count(s.Forwarded), text.Count(s.Refused), text.CountOf(s.Reports, "report", "reports"), text.CountOf(s.Fills, "fill", "fills"))
	table := tabwriter.NewWriter(w.w, 0, 0, 2, ' ', 0)
	t := &lines{w: table}
	if len(s.Positions) > 0 {
		t.printf("  INSTRUMENT\tNET\tBOUGHT\tSOLD\tOPEN BUY\tOPEN SELL\tCASH\n")
		for _, p := range s.Positions {
			t.printf("  %d\t%d\t%d\t%d\t%d\t%d\t%s\n", p.SecurityID, p.Net, p.Bought, p.Sold, p.OpenBuy, p.OpenSell, p.Cash)
		}
		t.err = errors.Join(t.err, table.Flush())
	}
	if len(s.Orders) > 0 {
		t.printf("  ORDER\tCLORDID\tSTATUS\tSIDE\tTYPE\tTIF\tQTY\tPRICE\tFILLED\tAVGPX\tINSTRUMENT\n")
		for _, o := range s.Orders {
			status := o.OrdStatus
			if o.InDoubt {
				status += "?"
			}
			t.printf("  %d\t%d\t%s\t%s\t%s\t%s\t%d\t%s\t%d\t%s\t%d\n", o.OrderID, o.ClOrdID, status, o.Side, o.OrdType, o.TimeInForce, o.OrderQty,
				numberText(o.Price), o.CumQty, numberText(o.AvgPx), o.SecurityID)
		}
		t.err = errors.Join(t.err, table.Flush())
	}
	if w.err == nil {
		w.err = t.err
	}
}

func numberText(n *json.Number) string {
	if n == nil {
		return "-"
	}
	return n.String()
}
