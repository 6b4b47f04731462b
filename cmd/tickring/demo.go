package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/order"
)

// The rings of a demonstration, and so the names of its gateway and its exchange.
const (
	demoRing         = "demo"
	demoGatewayName  = "gw"
	demoExchangeName = "sim"
)

const (
	demoRate     = 200_000 // messages a second, which one core holds with ease
	demoLasts    = 6       // seconds, about
	demoMessages = demoRate * demoLasts * 7 / 8
)

// demoKinds are the strategies; the first one's number is 1.
var demoKinds = [...]string{"maker", "taker"}

// inputRing is the ring of a strategy by its place in demoKinds.
func inputRing(i int) string { return order.InputRing(demoGatewayName, uint16(i+1)) }

// The bounds of ring.Config.Capacity.
const (
	minCapacity = 256 << 10
	maxCapacity = 1 << 40
)

type demoOptions struct {
	path       string // empty: a synthetic session
	messages   int
	seed       uint64
	instrument uint32
	capacity   sizeFlag
	speed      speedFlag
	paced      bool // --speed was given
	rate       rateFlag
	noPin      bool
	json       bool
	quiet      bool
}

func (a *app) demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo [FILE]",
		Short: "Trade a session: publisher, strategies, gateway and exchange, with all latencies",
		Long: fmt.Sprintf(`demo starts five processes: a publisher, which replays a market-data file into a ring;
a market maker and a momentum taker, which trade on it; a gateway, which holds their orders
against limits; and an exchange, which matches them with the session's own orders. These
are the commands replay, strategy, gateway and exchange.

At the end it prints how long a tick took to each strategy; from its publishing to the
gateway's judgment of the order that answers it (tick to order); and from sending an order
to the exchange's first answer (order to execution). Then what each strategy did and what
it has, and how many orders came to which end: by the strategies' own account, by the
gateway's journal and by the exchange's ring. If these do not agree, or an audit of the rings
('tickring audit') finds a contradiction, demo says where, and exits with 1.

FILE is a file that 'tickring replay' reads, of market by order: ITCH, or DBN of schema
mbo. Without it the session is made up, and removed afterwards. Both strategies trade one
instrument, the one with the most trades unless --instrument says which. On synthetic and
other XNAS sessions they send 100 shares at a time and hold 1,000 at most; else 1 and 10.

The pace is even, so that latencies mean something: by default such that the file
takes about %d seconds, but at most %d messages a second. --rate and --speed set
another one. With --speed max the publisher runs free, messages queue up in the
ring, and the latencies are those of the queue.

The processes are pinned where there are cores for it. With five cores each has one and
spins. With fewer some share one and yield it to each other, which costs microseconds;
the publisher never shares. Rings are in a directory of their own, below --dir or
TICKRING_DIR if that is given. Nothing is left behind; what a demo leaves that is killed,
the next one removes. A second signal ends demo without waiting for its processes.

The JSON object has the objects of the five commands; orders, with the counts of the three
sides, and of those that the gateway refused; audit, that of 'tickring audit'; agree, and
differences if there are any.`, demoLasts, demoRate),
		Example: `  tickring demo
  tickring demo es.mbo.dbn.zst
  tickring demo es.mbo.dbn.zst --rate 50000 --json`,
		Args: wantArgs("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.path = args[0]
			}
			o.paced = cmd.Flags().Changed("speed")
			if o.messages < 100 {
				return usagef("invalid --messages %d: want at least 100", o.messages)
			}
			if n := uint64(o.capacity); n != 0 && (n < minCapacity || n > maxCapacity || n&(n-1) != 0) {
				return usagef("invalid --capacity %d: want a power of two from 256KiB to 1TiB", n)
			}
			return a.demo(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.messages, "messages", demoMessages, "length of the synthetic session")
	f.Uint64Var(&o.seed, "seed", 1, "which synthetic session")
	f.Uint32Var(&o.instrument, "instrument", 0, "instrument_id to trade (default: that with the most trades)")
	f.Var(&o.capacity, "capacity", "size of the ring of market data (default 64MiB, less where there is no room)")
	f.Var(&o.speed, "speed", "as fast as possible, or a factor on the file's own pace (default: an even rate)")
	f.Lookup("speed").DefValue = ""
	f.Var(&o.rate, "rate", "messages a second")
	f.BoolVar(&o.noPin, "no-pin", false, "let all processes float")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress on stderr")
	cmd.MarkFlagsMutuallyExclusive("speed", "rate")
	return cmd
}

func (a *app) demo(ctx context.Context, o demoOptions) error {
	// A channel of its own, so that not even an impatient second signal ends this
	// process before it has cleaned up.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endSignals()...)
	defer signal.Stop(signals)

	stage, err := a.prepareDemo(ctx, &o)
	defer stage.clear()
	if err != nil {
		return err
	}
	if !o.json {
		stage.write(&lines{w: a.stdout}, o)
	}
	report, err := runDemo(signals, a, o, stage)
	if o.json {
		if err != nil {
			report.Error = err.Error()
		}
		if werr := writeJSON(a.stdout, report); err == nil {
			err = werr
		}
		return err
	}
	if werr := a.writeDemo(report); err == nil {
		err = werr
	}
	return err
}
