package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/strategy"
	"github.com/tickring/tickring/ring"
)

type strategyOptions struct {
	kind        string
	gateway     string
	id          uint
	md          string
	instrument  uint32
	name        string
	qty         uint
	maxPosition uint
	window      uint
	threshold   priceFlag
	ttl         time.Duration
	queue       bool
	keep        bool
	history     bool
	untilClosed bool
	patience    time.Duration
	idle        idleFlags
	spikes      thresholdFlag
	json        bool
	quiet       bool
}

// strategies are those that the command knows.
var strategies = []struct{ name, short, long string }{
	{"maker", "Quote around the best bid and offer", `maker joins the best bid and the best offer, and follows them. A side that would take the
position beyond --max-position is not quoted.`},
	{"taker", "Follow momentum with orders that fill at once or not at all", `taker keeps an average of the trades. When they run ahead of it by more than --threshold
it takes the other side's best price and goes with them, up to --max-position; when they
fall back it gets out.`},
	{"echo", "Answer every tick with an order, to measure", `echo answers every change of the book with an order to buy at the best bid at once or
not at all: it cannot trade, and costs every process on the way all that an order does.`},
}

func (a *app) strategyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "strategy",
		Short: "Trade: market data in, orders out through a gateway",
		Long: `strategy runs one of the strategies that are there to learn from: it reads market data
(DBN, schema mbo) from a ring, builds the book, and sends orders to a gateway on a ring of
its own. None of them is meant to earn money.

Start order does not matter. A strategy that was killed and is started again knows its
open orders, its position and its requests on their way, and goes on.`,
		Example: `  tickring strategy maker --gateway gw --id 7 --md es
  tickring strategy maker --help`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, s := range strategies {
		cmd.AddCommand(a.strategyCommandOf(s.name, s.short, s.long))
	}
	return cmd
}

func (a *app) strategyCommandOf(kind, short, long string) *cobra.Command {
	o := strategyOptions{kind: kind}
	cmd := &cobra.Command{
		Use:   kind,
		Short: short,
		Long: long + `

It trades one instrument, the first that the feed tells of unless --instrument says which.
It first builds the book from what the ring has, and trades from there on (with --history
from the beginning). It ends with a
signal, or with --until-closed when the market data's ring is closed; then it cancels its
open orders and waits for the answers, for --patience at most.

` + idleHelp + `

The JSON object: ticks were read, lost were overwritten before; orders, cancels and replaces
were sent, skipped could not be sent; forwarded and refused are the gateway's word, states
what became of the orders that this process has seen end, open and unjudged those that have
not ended; position, bought, sold and fills; profit in the instrument's currency, marked at
the last trade; feed_latency_ns is from a tick's publishing to its reading, tick_to_send_ns to
the publishing of the order, order_to_execution_ns from there to the reading of the venue's
first answer; resyncs and illegal are what should not be.`,
		Example: "  tickring strategy " + kind + " --gateway gw --id 7 --md es --until-closed",
		Args:    wantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return a.trade(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.gateway, "gateway", "", "the gateway's name")
	f.UintVar(&o.id, "id", 0, "the strategy's number")
	f.StringVar(&o.md, "md", "", "the market data's ring")
	f.Uint32Var(&o.instrument, "instrument", 0, "instrument_id to trade (default: the first)")
	f.StringVar(&o.name, "name", kind, "name of the strategy, for people")
	f.UintVar(&o.qty, "qty", 1, "size of each order")
	f.DurationVar(&o.ttl, "ttl", 0, "time in which an order has to reach the venue (0: no limit)")
	f.BoolVar(&o.queue, "queue", false, "send also while no gateway lives")
	f.BoolVar(&o.keep, "keep-orders", false, "do not ask the gateway to cancel the orders when this process dies")
	f.BoolVar(&o.history, "history", false, "trade also on what the market data's ring has already")
	f.BoolVar(&o.untilClosed, "until-closed", false, "end when the market data's ring is closed and everything was read")
	f.DurationVar(&o.patience, "patience", 10*time.Second, "how long to wait for the last answers")
	if kind != "echo" {
		f.UintVar(&o.maxPosition, "max-position", 10, "largest position, long or short")
	}
	if kind == "taker" {
		f.UintVar(&o.window, "window", 32, "of trades that the average is about")
		f.Var(&o.threshold, "threshold", "how far the trades have to run ahead of it, such as 0.25")
	}
	o.idle.register(cmd)
	spikesFlag(cmd, &o.spikes, "record latencies of market data")
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on stderr")
	for _, name := range []string{"gateway", "id", "md"} {
		must(cmd.MarkFlagRequired(name))
	}
	must(cmd.RegisterFlagCompletionFunc("md", a.completeRing(anyNumber)))
	return cmd
}

func (o *strategyOptions) check() error {
	for _, name := range []string{o.gateway, o.md} {
		if err := ring.CheckName(name); err != nil {
			return usagef("ring %s: %w", text.Clipped(name), err)
		}
	}
	switch {
	case o.id == 0 || o.id > order.MaxStrategy:
		return usagef("invalid --id %d: want a number from 1 to %d", o.id, order.MaxStrategy)
	case o.qty == 0 || o.qty > math.MaxInt32:
		return usagef("invalid --qty %d: want a number from 1 to %d", o.qty, math.MaxInt32)
	case o.maxPosition > math.MaxInt32:
		return usagef("invalid --max-position %d: want at most %d", o.maxPosition, math.MaxInt32)
	case o.window > math.MaxInt32:
		return usagef("invalid --window %d: want at most %d", o.window, math.MaxInt32)
	case o.patience < 0:
		return usagef("invalid --patience %v: want 0 or more", o.patience)
	}
	return nil
}

// trade runs a strategy to its end.
func (a *app) trade(ctx context.Context, o strategyOptions) error {
	if err := o.idle.core.take(o.idle.cpu); err != nil {
		return err
	}
	client, err := order.Dial(order.ClientConfig{
		Gateway: o.gateway, Strategy: uint16(o.id), Name: o.name, Dir: a.dir, Owner: uint32(a.owner),
		CancelOnDisconnect: !o.keep, TTL: o.ttl, Queue: o.queue,
	})
	if errors.Is(err, order.ErrRequest) {
		return &usageError{err}
	}
	if err != nil {
		return err
	}
	defer client.Close()
	cfg := followConfig{
		dir: a.dir, ring: o.md, owner: uint32(a.owner), name: fmt.Sprintf("%s-%d", o.gateway, o.id), ephemeral: true,
		from: fromFlag{given: true, from: ring.FromOldest}, untilClosed: o.untilClosed, idle: o.idle, command: "strategy " + o.kind,
		spikes: time.Duration(o.spikes),
	}
	if !o.quiet {
		cfg.notes = a.stderr
	}
	e := newEngine(newFollower(ctx, cfg), client, o)
	e.trader.Client = client
	e.trader.Qty, e.trader.MaxPosition, e.trader.SecurityID = int32(o.qty), int64(o.maxPosition), o.instrument
	err = e.run(ctx)
	if errors.Is(err, errStopped) {
		err = nil
	}
	r := e.report(o)
	if err != nil {
		r.Error = err.Error()
	}
	if werr := a.writeStrategy(o, r); err == nil {
		err = werr
	}
	return err
}

// newStrategy makes the strategy, and says what it has in common with the others.
func newStrategy(o strategyOptions) (strategy.Strategy, *strategy.Trader) {
	switch o.kind {
	case "maker":
		s := new(strategy.Maker)
		return s, &s.Trader
	case "taker":
		s := &strategy.Taker{Window: int(o.window), Threshold: int64(o.threshold)}
		return s, &s.Trader
	}
	s := new(strategy.Echo)
	return s, &s.Trader
}

// priceFlag is a difference of prices, in 1e-9.
type priceFlag int64

func (f *priceFlag) Type() string { return "PRICE" }

func (f *priceFlag) String() string {
	if *f == 0 {
		return ""
	}
	return priceText(int64(*f))
}

func (f *priceFlag) Set(s string) error {
	v, err := positive(s)
	if err != nil || v > math.MaxInt64/1e9/2 {
		return errors.New("want a price above 0 such as 0.25")
	}
	*f = priceFlag(math.Round(v * 1e9))
	return nil
}
