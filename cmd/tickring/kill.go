package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

type killOptions struct {
	gateway  string
	strategy uint16
	cancel   bool
	release  bool
	wait     time.Duration
	json     bool
}

func (a *app) killCommand() *cobra.Command {
	var o killOptions
	cmd := &cobra.Command{
		Use:   "kill GATEWAY",
		Short: "Stop the orders of a strategy, or of all",
		Long: `kill engages a kill switch of a gateway: from then on it refuses new orders and replaces,
of one strategy (--strategy) or of all. Cancels still go through. With --cancel the gateway
also cancels what is open. The switch stays engaged, through restarts of the gateway, until
'tickring kill --release'; the switch of all and those of single strategies are
switches of their own, and a strategy may trade if both are released.

kill returns when the gateway has said that the switch is in force. If there is no answer in
time, the command stays in the ring GATEWAY.in.operator and is done by the gateway that comes
next; kill says so, and exits with 1.

The JSON object: seq is the number of the gateway's message from which on it is in force.`,
		Example: `  tickring kill gw                       # all strategies
  tickring kill gw --strategy 7 --cancel
  tickring kill gw --strategy 7 --release`,
		Args:              wantRings("GATEWAY"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.gateway = args[0]
			if cmd.Flags().Changed("strategy") && (o.strategy == 0 || o.strategy > order.MaxStrategy) {
				return usagef("invalid --strategy %d: want a number from 1 to %d", o.strategy, order.MaxStrategy)
			}
			if o.wait <= 0 {
				return usagef("invalid --wait %v: want a time above 0", o.wait)
			}
			return a.kill(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.Uint16Var(&o.strategy, "strategy", 0, "number of the strategy (default: all)")
	f.BoolVar(&o.cancel, "cancel", false, "also cancel the open orders")
	f.BoolVar(&o.release, "release", false, "release the switch instead")
	f.DurationVar(&o.wait, "wait", 5*time.Second, "how long to wait for the gateway's answer")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of text")
	cmd.MarkFlagsMutuallyExclusive("cancel", "release")
	return cmd
}

type killReport struct {
	Gateway  string `json:"gateway"`
	Strategy uint16 `json:"strategy"` // 0: all
	Engaged  bool   `json:"engaged"`
	Cancel   bool   `json:"cancel"`
	Seq      uint64 `json:"seq"`
}

func (a *app) kill(ctx context.Context, o killOptions) error {
	ctx, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	sub, err := ring.Open(o.gateway, ring.Options{Dir: a.dir, From: ring.FromLatest}) // before the command, whose answer it is to see
	if err != nil {
		return noRing(err, a.dir, o.gateway)
	}
	defer sub.Close()
	if schema, _ := sub.Schema(); schema != order.Schema {
		return fmt.Errorf("ring %q carries %q and is no gateway's", o.gateway, schema)
	}
	pub, err := a.operator(ctx, o.gateway)
	if err != nil {
		return err
	}
	defer pub.Close()
	k := order.KillSwitch{Strategy: o.strategy, Engaged: flag(!o.release), Cancel: flag(o.cancel),
		Origin: order.Origin{Seq: uint32(pub.Seq() + 1), Epoch: uint16(pub.Epoch()), Ring: order.RingOperator}}
	if err := mmap.Guard(func() error { return pub.Publish(uint16(order.MsgKillSwitch), k.Bytes()) }); err != nil {
		return fmt.Errorf("ring %q: %w", pub.Name(), err)
	}
	var seq uint64
	err = guarded(o.gateway, func() (err error) {
		seq, err = awaitKill(ctx, sub, k.Origin)
		return err
	})
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(a.stdout, killReport{o.gateway, o.strategy, !o.release, o.cancel, seq})
	}
	w := &lines{w: a.stdout}
	who, what := "all strategies", "stopped"
	if o.strategy != 0 {
		who = fmt.Sprintf("strategy %d", o.strategy)
	}
	switch {
	case o.release:
		what = "released"
	case o.cancel:
		what = "stopped, open orders are being canceled"
	}
	w.printf("%s, message %s: %s: %s\n", o.gateway, text.Count(seq), who, what)
	return w.err
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// operator becomes the publisher of the operator's ring. Two operators take turns.
func (a *app) operator(ctx context.Context, gateway string) (*ring.Publisher, error) {
	name := order.InputRing(gateway, order.RingOperator)
	for {
		pub, err := ring.Create(name, ring.Config{Dir: a.dir, Capacity: 256 << 10, Schema: order.Schema, Source: "tickring kill",
			Gates: []ring.Gate{{Name: gateway}}})
		if err == nil || !errors.Is(err, ring.ErrPublisherActive) {
			return pub, err
		}
		if sleep(ctx, pollEvery) != nil {
			return nil, err
		}
	}
}

// awaitKill returns the number of the gateway's message that answers the command.
func awaitKill(ctx context.Context, sub *ring.Subscriber, asked order.Origin) (uint64, error) {
	for {
		msg, st, err := sub.NextWait(ctx, nil)
		switch st {
		case ring.Message:
			switch order.MsgType(sub.Type()) {
			case order.MsgKillSwitch:
				if k, ok := order.AsKillSwitch(msg); ok && k.Origin == asked {
					return sub.Seq(), nil
				}
			case order.MsgBusinessMessageReject:
				if br, ok := order.AsBusinessMessageReject(msg); ok && br.Origin == asked {
					return 0, fmt.Errorf("gateway %q has refused the command: %s", sub.Name(), br.Text)
				}
			}
		case ring.Empty:
			if ctx.Err() == nil {
				return 0, err
			}
			return 0, fmt.Errorf("gateway %q has not answered (its ring's publisher is %s): the command waits for it in ring %q", sub.Name(), sub.Publisher(), order.InputRing(sub.Name(), order.RingOperator))
		case ring.Gap, ring.Closed:
			if ctx.Err() != nil {
				return 0, fmt.Errorf("gateway %q has ended: the command waits for the next one in ring %q", sub.Name(), order.InputRing(sub.Name(), order.RingOperator))
			}
		case ring.Corrupt:
			return 0, sub.Err()
		default:
			return 0, fmt.Errorf("ring %q was removed or replaced", sub.Name())
		}
	}
}
