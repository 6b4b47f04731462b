package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

type executionsOptions struct {
	gateway     string
	strategy    uint16
	from        fromFlag
	name        string
	count       uint64
	once        bool
	untilClosed bool
	requests    bool
	noWait      bool
	idle        idleFlags
	json        bool
	quiet       bool
}

func (a *app) executionsCommand() *cobra.Command {
	var o executionsOptions
	cmd := &cobra.Command{
		Use:   "executions GATEWAY",
		Short: "Print what a gateway reports: a drop copy",
		Long: `executions prints a line for every execution report and every refusal in a gateway's ring, for
kill switches, and for processes of strategies and the venue that come and go; with
--requests also for every request that was forwarded.

It begins with the oldest message that the ring still has, and goes on until a signal
ends it; with --once until it has printed what was there when it began; with --until-closed
until the gateway has ended. With --name it is a subscriber whose place is kept: the next
one of that name goes on where this one ended. The gateway does not wait for it: if it is
too slow it loses what was overwritten, and says so on stderr.

Names and values are those of FIX. ExecID is the number of the message in the gateway's ring.
The JSON lines leave out what is 0; prices are exact; MdSeq is the number of the
market-data message that caused the request.`,
		Example: `  tickring executions gw
  tickring executions gw --once --strategy 7
  tickring executions gw --name dropcopy --json >> executions.jsonl
  tickring executions gw --once --json | jq -s 'map(select(.ExecType == "Trade")) | length'`,
		Args:              wantRings("GATEWAY"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.gateway = args[0]
			if cmd.Flags().Changed("count") && o.count == 0 {
				return usagef("invalid --count 0: want a number of lines above 0")
			}
			if err := checkStrategy(cmd, o.strategy); err != nil {
				return err
			}
			if o.name != "" {
				if err := ring.CheckName(o.name); err != nil {
					return usagef("--name %s: %w", text.Clipped(o.name), err)
				}
			}
			return a.executions(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.Uint16Var(&o.strategy, "strategy", 0, "this strategy only")
	f.Var(&o.from, "from", "where to begin (default oldest)")
	f.StringVar(&o.name, "name", "", "name of the subscriber, whose file and place stay")
	f.Uint64Var(&o.count, "count", 0, "end after so many lines")
	f.BoolVar(&o.once, "once", false, "end when everything was read that is there now")
	f.BoolVar(&o.untilClosed, "until-closed", false, "end when the ring is closed and everything was read")
	f.BoolVar(&o.requests, "requests", false, "also print requests that were forwarded")
	f.BoolVar(&o.noWait, "no-wait", false, "fail if the ring is not there")
	o.idle.register(cmd)
	f.BoolVar(&o.json, "json", false, "a JSON object per line instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on stderr")
	cmd.MarkFlagsMutuallyExclusive("once", "until-closed")
	must(cmd.RegisterFlagCompletionFunc("from", completeWords("oldest", "latest", "cursor", "mark", "seq:")))
	return cmd
}

func (a *app) executions(ctx context.Context, o executionsOptions) error {
	cfg := followConfig{dir: a.dir, ring: o.gateway, owner: uint32(a.owner), name: o.name, from: o.from,
		noWait: o.noWait || o.once, untilClosed: o.untilClosed, idle: o.idle, command: "executions"}
	if !o.quiet {
		cfg.notes = a.stderr
	}
	if err := o.idle.core.take(o.idle.cpu); err != nil {
		return err
	}
	upTo := uint64(math.MaxUint64)
	if o.once {
		info, err := ring.Stat(a.dir, o.gateway)
		if err != nil {
			return noRing(err, a.dir, o.gateway)
		}
		upTo = info.Last
	}
	if o.count == 0 {
		o.count = math.MaxUint64
	}
	d := &dropCopy{follow: newFollower(ctx, cfg), o: o, upTo: upTo, w: bufio.NewWriterSize(a.stdout, 64<<10)}
	err := d.follow.join(ctx)
	if err == nil {
		err = d.follow.guard(func() error { return d.read(ctx) })
	}
	err = errors.Join(err, d.w.Flush())
	d.follow.leave()
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// dropCopy prints a gateway's ring.
type dropCopy struct {
	follow *follower
	o      executionsOptions
	upTo   uint64 // last message to read
	w      *bufio.Writer
	line   []byte
}

func (d *dropCopy) read(ctx context.Context) error {
	sub := d.follow.sub
	for lines := uint64(0); lines < d.o.count; {
		if schema, _ := sub.Schema(); schema != order.Schema {
			return noGateway(d.o.gateway, schema)
		}
		if sub.Seq() >= d.upTo {
			return nil
		}
		msg, st := sub.Next()
		if st != ring.Message {
			if d.follow.polls == 0 && st == ring.Empty {
				if err := d.w.Flush(); err != nil {
					return err
				}
			}
			if d.o.once && (st == ring.Empty || st == ring.Closed) {
				return nil
			}
			done, err := d.follow.pause(ctx, st)
			if done || err != nil {
				return err
			}
			sub = d.follow.sub
			continue
		}
		d.follow.polls = 0
		if e := executionOf(sub.Seq(), order.MsgType(sub.Type()), msg); e != nil && d.wanted(e) {
			if t, ok := sub.PublishTime(); ok {
				t = t.UTC()
				e.Time = &t
			}
			if err := d.print(e); err != nil {
				return err
			}
			lines++
		}
		if d.follow.stop.Load() {
			return nil
		}
	}
	return nil
}

func (d *dropCopy) wanted(e *execution) bool {
	if e.request && !d.o.requests {
		return false
	}
	return d.o.strategy == 0 || e.Strategy == d.o.strategy || e.everybody
}

func (d *dropCopy) print(e *execution) error {
	if d.o.json {
		return writeJSON(d.w, e)
	}
	d.line = append(e.appendText(d.line[:0]), '\n')
	_, err := d.w.Write(d.line)
	return err
}

// execution is a message of a gateway's ring as people and machines read it, under the names
// of FIX.
type execution struct {
	ExecID           uint64       `json:"ExecID"` // number of the message
	Time             *time.Time   `json:"TransactTime,omitempty"`
	MsgType          string       `json:"MsgType"`
	Strategy         uint16       `json:"Strategy,omitempty"`
	ExecType         string       `json:"ExecType,omitempty"`
	OrdStatus        string       `json:"OrdStatus,omitempty"`
	ClOrdID          uint64       `json:"ClOrdID,omitempty"`
	OrigClOrdID      uint64       `json:"OrigClOrdID,omitempty"`
	OrderID          uint64       `json:"OrderID,omitempty"`
	SecurityID       uint32       `json:"SecurityID,omitempty"`
	Side             string       `json:"Side,omitempty"`
	OrdType          string       `json:"OrdType,omitempty"`
	TimeInForce      string       `json:"TimeInForce,omitempty"`
	OrderQty         int32        `json:"OrderQty,omitempty"`
	Price            *json.Number `json:"Price,omitempty"`
	LastQty          int32        `json:"LastQty,omitempty"`
	LastPx           *json.Number `json:"LastPx,omitempty"`
	CumQty           *int32       `json:"CumQty,omitempty"`
	LeavesQty        *int32       `json:"LeavesQty,omitempty"`
	OrdRejReason     *uint8       `json:"OrdRejReason,omitempty"`
	CxlRejReason     *uint8       `json:"CxlRejReason,omitempty"`
	CxlRejResponseTo string       `json:"CxlRejResponseTo,omitempty"`
	BusinessReject   *uint8       `json:"BusinessRejectReason,omitempty"`
	RefMsgType       string       `json:"RefMsgType,omitempty"`
	Status           string       `json:"Status,omitempty"`  // of a session
	Session          string       `json:"Session,omitempty"` // venue, operator, or empty: the strategy's
	Epoch            uint64       `json:"Epoch,omitempty"`
	Engaged          *bool        `json:"Engaged,omitempty"`
	Cancel           bool         `json:"Cancel,omitempty"`
	Text             string       `json:"Text,omitempty"`
	MdSeq            uint64       `json:"MdSeq,omitempty"`
	OriginSeq        uint32       `json:"OriginSeq,omitempty"` // low half of the input's number

	request   bool
	everybody bool // concerns all strategies
}

// executionOf returns a message as an execution; nil: it is none for people.
func executionOf(seq uint64, typ order.MsgType, msg []byte) *execution {
	e := &execution{ExecID: seq, MsgType: typ.String()}
	switch typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
		r, ok := order.AsRequest(msg)
		if !ok {
			return nil
		}
		e.request, e.Strategy, e.ClOrdID, e.OrigClOrdID, e.MdSeq, e.OriginSeq = true, r.Origin.Ring, r.ClOrdID, r.OrigClOrdID, r.MdSeq, r.Origin.Seq
		e.SecurityID, e.Side, e.OrderQty = r.SecurityID, r.Side.String(), r.OrderQty
		if typ == order.MsgNewOrderSingle {
			e.OrderID = seq
		}
		if typ != order.MsgOrderCancelRequest {
			e.OrdType, e.TimeInForce = r.OrdType.String(), r.TimeInForce.String()
			if r.OrdType != order.Market {
				e.Price = priceJSON(r.Price)
			}
		}
	case order.MsgExecutionReport:
		r, ok := order.AsExecutionReport(msg)
		if !ok {
			return nil
		}
		e.Strategy, e.ClOrdID, e.OrderID, e.SecurityID, e.OriginSeq = r.Strategy, r.ClOrdID, r.OrderID, r.SecurityID, r.Origin.Seq
		e.ExecType, e.OrdStatus, e.Text = r.ExecType.String(), r.OrdStatus.String(), r.Text.String()
		if r.Side != 0 {
			e.Side = r.Side.String()
		}
		cum, leaves := r.CumQty, r.LeavesQty
		e.CumQty, e.LeavesQty = &cum, &leaves
		if e.LastQty = r.LastQty; r.ExecType == order.ExecTrade {
			e.LastPx = priceJSON(r.LastPx)
		}
		if r.ExecType == order.ExecRejected {
			e.OrdRejReason = code(r.OrdRejReason)
		}
	case order.MsgOrderCancelReject:
		r, ok := order.AsOrderCancelReject(msg)
		if !ok {
			return nil
		}
		e.Strategy, e.ClOrdID, e.OrigClOrdID, e.OrderID, e.SecurityID, e.MdSeq = r.Strategy, r.ClOrdID, r.OrigClOrdID, r.OrderID, r.SecurityID, r.MdSeq
		e.OrdStatus, e.Text, e.CxlRejReason, e.OriginSeq = r.OrdStatus.String(), r.Text.String(), code(r.CxlRejReason), r.Origin.Seq
		if e.CxlRejResponseTo = "Cancel"; r.CxlRejResponseTo == order.ToReplace {
			e.CxlRejResponseTo = "Replace"
		}
	case order.MsgBusinessMessageReject:
		r, ok := order.AsBusinessMessageReject(msg)
		if !ok {
			return nil
		}
		e.Strategy, e.ClOrdID, e.RefMsgType, e.Text, e.OriginSeq = r.Strategy, r.ClOrdID, r.RefMsgType.String(), r.Text.String(), r.Origin.Seq
		e.BusinessReject, e.Session = code(r.BusinessRejectReason), sessionText(r.Origin.Ring)
	case order.MsgSessionStatus:
		r, ok := order.AsSessionStatus(msg)
		if !ok {
			return nil
		}
		e.Status, e.Epoch, e.Session, e.Text = r.Status.String(), r.Epoch, sessionText(r.Ring), r.Text.String()
		if e.everybody = e.Session != ""; !e.everybody {
			e.Strategy = r.Ring
		}
	case order.MsgKillSwitch:
		r, ok := order.AsKillSwitch(msg)
		if !ok {
			return nil
		}
		engaged := r.Engaged != 0
		e.Strategy, e.Engaged, e.Cancel, e.everybody = r.Strategy, &engaged, r.Cancel != 0, r.Strategy == 0
	default:
		return nil
	}
	return e
}

func code[T ~uint8](v T) *uint8 {
	n := uint8(v)
	return &n
}

// sessionText names the inputs that are no strategy's.
func sessionText(n uint16) string {
	switch n {
	case order.RingVenue:
		return "venue"
	case order.RingOperator:
		return "operator"
	}
	return ""
}
