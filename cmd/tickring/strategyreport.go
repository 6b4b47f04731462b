package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
)

// answers measures how long requests take to be answered by the venue.
type answers struct {
	began   time.Time
	at      [1 << 14]struct{ id, ns uint64 } // by ClOrdID; older ones are forgotten
	latency *hdrhistogram.Histogram
	largest int64
}

func newAnswers() answers {
	return answers{began: time.Now(), latency: hdrhistogram.New(1, int64(10*time.Second), 2)}
}

// sent notes that the requests with ClOrdIDs first to last were just sent.
func (a *answers) sent(first, last uint64) {
	now := uint64(time.Since(a.began))
	for id := first; id <= last; id++ {
		s := &a.at[id%uint64(len(a.at))]
		s.id, s.ns = id, now
	}
}

// answered notes that the venue has said something about one. Only the first time counts.
func (a *answers) answered(id uint64) {
	s := &a.at[id%uint64(len(a.at))]
	if s.id != id || id == 0 {
		return
	}
	s.id = 0
	ns := int64(uint64(time.Since(a.began)) - s.ns)
	a.largest = max(a.largest, ns)
	_ = a.latency.RecordValue(min(max(ns, 1), int64(10*time.Second))) // in range
}

// strategyReport is what a strategy did.
type strategyReport struct {
	Strategy   string `json:"strategy"`
	ID         uint   `json:"id"`
	Gateway    string `json:"gateway"`
	Ring       string `json:"ring"`
	Instrument uint32 `json:"instrument"`
	DurationNs int64  `json:"duration_ns"`

	Ticks uint64 `json:"ticks"`
	Lost  uint64 `json:"lost"`

	Orders    uint64            `json:"orders"`
	Cancels   uint64            `json:"cancels"`
	Replaces  uint64            `json:"replaces"`
	Skipped   uint64            `json:"skipped"`
	Forwarded uint64            `json:"forwarded"`
	Refused   uint64            `json:"refused"`
	States    map[string]uint64 `json:"states"`
	Open      int               `json:"open"`
	Unjudged  int               `json:"unjudged"`

	Fills     uint64   `json:"fills"`
	FilledQty uint64   `json:"filled_qty"`
	Position  int64    `json:"position"`
	Bought    int64    `json:"bought"`
	Sold      int64    `json:"sold"`
	Mark      *float64 `json:"mark"` // last trade; null: there was none
	Profit    *float64 `json:"profit"`

	Feed             *percentiles `json:"feed_latency_ns"`
	TickToSend       *percentiles `json:"tick_to_send_ns"`
	OrderToExecution *percentiles `json:"order_to_execution_ns"`

	Resyncs uint64 `json:"resyncs"`
	Illegal uint64 `json:"illegal"`
	Error   string `json:"error,omitempty"`

	profit string
}

func (e *engine) report(o strategyOptions) *strategyReport {
	r := &strategyReport{
		Strategy: o.kind, ID: o.id, Gateway: o.gateway, Ring: o.md, Instrument: e.trader.SecurityID,
		DurationNs: int64(e.last.Sub(e.began)),
		Ticks:      e.ticks, Lost: e.follow.lost,
		Orders: e.sent[order.MsgNewOrderSingle], Cancels: e.sent[order.MsgOrderCancelRequest], Replaces: e.sent[order.MsgOrderCancelReplaceRequest],
		Skipped: e.trader.Skipped,
		States:  map[string]uint64{}, Open: len(e.client.Orders()), Unjudged: len(e.client.Unjudged()),
		Fills: e.events[order.EventFill], FilledQty: e.filled,
		Feed:             percentilesOf(e.follow.latency, int64(e.follow.largest)),
		TickToSend:       percentilesOf(e.tickOrder, int64(e.slowest)),
		OrderToExecution: percentilesOf(e.answers.latency, e.answers.largest),
		Resyncs:          e.events[order.EventResync],
		Illegal:          e.events[order.EventIllegal] + e.events[order.EventLost],
	}
	if s := e.client.Session(); s != nil {
		r.Forwarded, r.Refused = s.Forwarded-e.before.Forwarded, s.Refused-e.before.Refused
	}
	for status, n := range e.states {
		r.States[status.String()] = n
	}
	orders := e.client.Orders()
	for i := range orders {
		r.States[orders[i].OrdStatus().String()]++
	}
	p := e.client.Position(e.trader.SecurityID)
	if p == nil {
		p = new(order.Position)
	}
	r.Position, r.Bought, r.Sold = p.Net, p.Bought, p.Sold
	if e.book != nil && e.book.LastTrade().Number > 0 {
		price := e.book.LastTrade().Price
		mark, profit := float64(price)/1e9, p.Profit(price).Float64()
		r.Mark, r.Profit, r.profit = &mark, &profit, p.Profit(price).String()
	} else if p.Net == 0 {
		profit := p.Cash.Float64()
		r.Profit, r.profit = &profit, p.Cash.String()
	}
	return r
}

func (a *app) writeStrategy(o strategyOptions, r *strategyReport) error {
	if o.json {
		return writeJSON(a.stdout, r)
	}
	w := &lines{w: a.stdout}
	lost := ""
	if r.Lost > 0 {
		lost = fmt.Sprintf(", %s lost", text.Count(r.Lost))
	}
	w.printf("strategy   %s, number %d at gateway %s, instrument %d of ring %s\n", r.Strategy, r.ID, r.Gateway, r.Instrument, r.Ring)
	w.printf("ticks      %s in %s%s\n", text.Count(r.Ticks), text.Ns(max(0, r.DurationNs)), lost)
	w.printf("sent       %s, %s, %s; %s skipped\n", text.CountOf(r.Orders, "order", "orders"), text.CountOf(r.Cancels, "cancel", "cancels"), text.CountOf(r.Replaces, "replace", "replaces"), text.Count(r.Skipped))
	w.printf("gateway    %s forwarded, %s refused, %d unjudged\n", text.Count(r.Forwarded), text.Count(r.Refused), r.Unjudged)
	w.printf("orders     %s\n", countsText(r.States))
	w.printf("fills      %s, %s bought, %s sold\n", text.Count(r.Fills), text.Count(uint64(r.Bought)), text.Count(uint64(r.Sold)))
	if r.Profit != nil {
		mark := ""
		if r.Mark != nil {
			mark = ", marked at the last trade, " + strconv.FormatFloat(*r.Mark, 'f', -1, 64)
		}
		w.printf("position   %d, profit %s%s\n", r.Position, r.profit, mark)
	} else {
		w.printf("position   %d, and no trade to mark it at\n", r.Position)
	}
	w.printf("latency    feed: %s\n", r.Feed.text())
	w.printf("           tick to send: %s\n", r.TickToSend.text())
	w.printf("           order to execution: %s\n", r.OrderToExecution.text())
	if r.Resyncs+r.Illegal > 0 {
		w.printf("trouble    %s, %s\n", text.CountOf(r.Resyncs, "resync", "resyncs"), text.CountOf(r.Illegal, "illegal event", "illegal events"))
	}
	return w.err
}

// priceText writes a price or a difference of prices, which is in 1e-9.
func priceText(v int64) string {
	return strings.TrimSuffix(strconv.FormatFloat(float64(v)/1e9, 'f', -1, 64), ".0")
}
