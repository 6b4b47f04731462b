package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/exchange"
	"github.com/tickring/tickring/order/venue"
	"github.com/tickring/tickring/ring"
)

type exchangeOptions struct {
	name     string
	gateway  string
	md       string
	dayEnds  time.Duration
	capacity sizeFlag
	idle     *wordFlag
	cpu      int
	json     bool
	quiet    bool
}

func (a *app) exchangeCommand() *cobra.Command {
	o := exchangeOptions{idle: newWord("auto", "spin", "yield", "backoff")}
	cmd := &cobra.Command{
		Use:   "exchange NAME --gateway GATEWAY --md RING",
		Short: "Match orders with each other and with the market data of a ring",
		Long: `exchange is the venue of a gateway: it takes the orders that the gateway forwards, matches
them by price and time, and reports in its own ring, NAME. The gateway is started with
--venue NAME; either may come first.

Orders trade with each other and with the orders that the market-data ring shows (DBN
records, schema mbo). An order that takes liquidity takes what is displayed, once; an order
that rests has its exact place in the queue, and fills when the market would have reached
it. docs/orders.md has the rules, and what they leave out.

An exchange that was killed is started again with the same name: it has the open orders from
the gateway's ring, builds its books again of what the market-data ring still has, and goes
on. If it falls behind that ring so far that it loses messages, its books of the market are
empty until orders are shown again; it says so.

While there is nothing to do it spins, which wants a core of its own; yields the core
between looks (yield); or sleeps for up to 100 µs at a time (backoff).

A signal ends it (exit code 0). The orders stay open.

The JSON object: orders, cancels and replaces are the requests, by what became of them;
fills count each side of a trade between clients; rejected, refused (cancels and replaces),
canceled and expired are by reason, that of a cancel that was asked for is empty; md is the
market data: the last message, records, messages lost, and anomalies, records that did not
fit the books.`,
		Example: `  tickring exchange sim --gateway gw --md es
  tickring exchange sim --gateway gw --md day --day-ends 22h --cpu 3 --json`,
		Args: wantRings("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return a.exchange(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.gateway, "gateway", "", "name of the gateway, and of its ring")
	f.StringVar(&o.md, "md", "", "ring of market data")
	f.DurationVar(&o.dayEnds, "day-ends", 0, "end of the trading day after midnight UTC, by the clock of the market data")
	f.Var(&o.capacity, "capacity", "size of the ring of reports, a power of two from 1MiB (default: that of the ring that is there, or 8MiB)")
	f.Var(o.idle, "idle", "what to do while there is nothing to do; auto: spin with --cpu, else backoff")
	cpuFlag(cmd, &o.cpu)
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on stderr")
	must(cmd.MarkFlagRequired("gateway"))
	must(cmd.MarkFlagRequired("md"))
	must(cmd.RegisterFlagCompletionFunc("gateway", a.completeRing(anyNumber)))
	must(cmd.RegisterFlagCompletionFunc("md", a.completeRing(anyNumber)))
	must(cmd.RegisterFlagCompletionFunc("idle", completeWords(o.idle.words...)))
	return cmd
}

func (a *app) exchange(ctx context.Context, o exchangeOptions) error {
	if o.md == o.name || o.md == o.gateway {
		return usagef("--md %s: market data has a ring of its own, with another name than exchange and gateway", o.md)
	}
	say := func(string, ...any) {}
	if !o.quiet {
		say = func(format string, args ...any) {
			fmt.Fprintf(a.stderr, "tickring exchange: "+format+"\n", args...)
		}
	}
	if err := pin(o.cpu); err != nil {
		return err
	}
	x, err := exchange.New(exchange.Config{Dir: a.dir, MarketData: o.md, DayEnds: o.dayEnds, Notify: func(e exchange.Event) {
		switch e.Kind {
		case exchange.MarketFound:
			say("reading market data of ring %s, after message %s", o.md, text.Count(e.Seq))
		case exchange.MarketLost:
			say("lost %s of ring %s; the books of the market are empty", text.Messages(e.Lost), o.md)
		case exchange.MarketGone:
			if e.Err != nil {
				say("ring %s: %v", o.md, e.Err)
				break
			}
			say("ring %s was removed or replaced", o.md)
		case exchange.MarketBad:
			say("%v", e.Err)
		}
	}})
	if err != nil {
		return &usageError{err}
	}
	defer x.Close()
	began := time.Now()
	counts, err := venue.Run(ctx, venue.Config{Dir: a.dir, Name: o.name, Gateway: o.gateway, Capacity: uint64(o.capacity),
		Source: "tickring exchange", Wait: serverWait(o.idle, o.cpu), Notify: func(e venue.Event) {
			switch e {
			case venue.GatewayFound:
				say("found ring %s of the gateway", o.gateway)
			case venue.GatewayUp:
				say("the gateway is up")
			case venue.GatewayDown:
				say("the gateway is down")
			case venue.GatewayNew:
				say("ring %s was removed and made again: no order is open", o.gateway)
			}
		}}, x)
	switch {
	case errors.Is(err, venue.ErrConfig), errors.Is(err, ring.ErrConfig), errors.Is(err, ring.ErrName):
		return &usageError{err}
	case ctx.Err() != nil:
		err = nil // a signal, which is how it ends
	}
	r := reportExchange(o.name, counts, x, time.Since(began))
	if err != nil {
		r.Error = err.Error()
	}
	if werr := a.writeExchange(o, r); err == nil {
		err = werr
	}
	return err
}

// exchangeReport is what an exchange did.
type exchangeReport struct {
	Exchange   string            `json:"exchange"`
	DurationNs int64             `json:"duration_ns"`
	Requests   uint64            `json:"requests"`
	Reports    uint64            `json:"reports"`
	Recovered  int               `json:"recovered"`
	Orders     uint64            `json:"orders"`
	Accepted   uint64            `json:"accepted"`
	Cancels    uint64            `json:"cancels"`
	Replaces   uint64            `json:"replaces"`
	Replaced   uint64            `json:"replaced"`
	Fills      uint64            `json:"fills"`
	Quantity   uint64            `json:"quantity"`
	Triggered  uint64            `json:"triggered"`
	Rejected   map[string]uint64 `json:"rejected"`
	Refused    map[string]uint64 `json:"refused"`
	Canceled   map[string]uint64 `json:"canceled"`
	Expired    map[string]uint64 `json:"expired"`
	Open       int               `json:"open_orders"`
	Md         exchangeMd        `json:"md"`
	Error      string            `json:"error,omitempty"`
}

type exchangeMd struct {
	Last      uint64 `json:"last_seq"`
	Records   uint64 `json:"records"`
	Lost      uint64 `json:"lost"`
	Anomalies uint64 `json:"anomalies"`
}

func reportExchange(name string, v venue.Counts, x *exchange.Exchange, d time.Duration) *exchangeReport {
	c := x.Counts()
	return &exchangeReport{
		Exchange: name, DurationNs: int64(d), Requests: v.Requests, Reports: v.Reports, Recovered: v.Recovered,
		Orders: c.Orders, Accepted: c.Accepted, Cancels: c.Cancels, Replaces: c.Replaces, Replaced: c.Replaced,
		Fills: c.Fills, Quantity: c.Quantity, Triggered: c.Triggered, Open: c.Open,
		Rejected: byText(c.Rejected[:]), Refused: byText(c.Refused[:]), Canceled: byText(c.Canceled[:]), Expired: byText(c.Expired[:]),
		Md: exchangeMd{Last: x.MdSeq(), Records: c.Records, Lost: c.Lost, Anomalies: c.Anomalies},
	}
}

// byText names the counts that are not 0.
func byText(counts []uint64) map[string]uint64 {
	m := map[string]uint64{}
	for t, n := range counts {
		if n > 0 {
			m[order.Text(t).String()] = n
		}
	}
	return m
}

func (a *app) writeExchange(o exchangeOptions, r *exchangeReport) error {
	if o.json {
		return writeJSON(a.stdout, r)
	}
	w := &lines{w: a.stdout}
	w.printf("matched    %s, %s, %s in %s: %s\n", text.CountOf(r.Orders, "order", "orders"), text.CountOf(r.Cancels, "cancel", "cancels"),
		text.CountOf(r.Replaces, "replace", "replaces"), text.Ns(r.DurationNs), text.Rate(r.Requests, time.Duration(r.DurationNs)))
	w.printf("fills      %s of %s in all\n", text.Count(r.Fills), text.Count(r.Quantity))
	for _, l := range []struct {
		name   string
		counts map[string]uint64
	}{{"rejected", r.Rejected}, {"refused", r.Refused}, {"canceled", r.Canceled}, {"expired", r.Expired}} {
		n, asked := uint64(0), l.counts[""]
		why := map[string]uint64{}
		for text, count := range l.counts {
			n += count
			if text != "" {
				why[text] = count
			}
		}
		if asked > 0 {
			why["as asked"] = asked
		}
		if n > 0 {
			w.printf("%-10s %s: %s\n", l.name, text.Count(n), countsText(why))
		}
	}
	if r.Triggered > 0 {
		w.printf("triggered  %s\n", text.CountOf(r.Triggered, "stop order", "stop orders"))
	}
	w.printf("open       %s, %d recovered at the start\n", text.CountOf(uint64(r.Open), "order", "orders"), r.Recovered)
	w.printf("market     %s of ring %s, %s lost, %s\n", text.CountOf(r.Md.Records, "record", "records"), o.md, text.Count(r.Md.Lost),
		text.CountOf(r.Md.Anomalies, "anomaly", "anomalies"))
	w.printf("ring       %s, %s\n", r.Exchange, text.CountOf(r.Reports, "report", "reports"))
	return w.err
}
