package fix

import (
	"strings"
	"testing"

	"github.com/quickfixgo/quickfix"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// Whatever the venue says, what is reported is legal, for as long as the order lives and
// after it: each line is a message, with a letter for its type and its fields behind it.
func FuzzInbound(f *testing.F) {
	f.Add("8|11=7-1|150=0|39=0|14=0\n8|11=7-1|150=F|39=1|14=4|32=4|31=5000.25\n8|11=7-2|41=7-1|150=5|39=1|14=4\n9|11=7-2|41=7-1|39=1|434=2|102=1")
	f.Add("8|11=7-1|150=I|39=8|14=0|103=5\n8|11=7-1|150=F|39=2|14=10|32=1|6=-5")
	f.Add("8|11=7-2|150=I|39=2|14=20|6=3|790=102\n8|11=7-3|150=4|39=4|14=3|6=1")
	f.Add("j|379=7-1|372=D\n3|45=1\n8|11=7-3.9|41=7-1|150=4|39=4|14=0\n8|11=7-1|150=8|39=8|14=1|6=9300000000")
	f.Add("8|11=7-3|150=3|39=3|14=12|6=0.0000000001|31=9223372036.9\n8|11=7-2|150=5|39=0|14=20|32=16|31=1")
	f.Add("8|11=7-1|150=F|39=1|14=4|32=4|31=-9223372036.8\n8|11=7-1|150=F|39=1|14=5|6=9223372036.8|43=Y\nx\n8|11=|150=|39=0|14=")
	f.Fuzz(func(t *testing.T, text string) {
		s := &Session{book: newBook(), asked: map[uint64]uint64{}, stop: make(chan struct{}), in: make(chan inbound, 16),
			cfg: Config{Symbols: map[uint32]string{5: "ES"}}}
		books := map[uint64]*order.Order{}
		base := order.Order{Strategy: 7, SecurityID: 5, Side: order.Buy, OrdType: order.Limit, TimeInForce: order.Day, Price: 5_000_000_000_000, OrderQty: 10}
		for i, p := range []order.Pending{{}, {Kind: order.PendingReplace, ClOrdID: 2, Seq: 102, OrderQty: 20, Price: 1}, {Kind: order.PendingCancel, ClOrdID: order.GatewayBit | 12, Seq: 104}} {
			o := base
			o.OrderID, o.ClOrdID, o.Pending = uint64(100+i), []uint64{1, 11, 12}[i], p
			if i > 0 {
				o.Venue = order.VenueAnswered | order.VenueAccepted
			}
			s.book.add(o)
			books[o.OrderID] = &o
		}
		app, out := application{s}, venue.NewReports()
		check := func() {
			for i := range out.Len() {
				if er := out.Execution(i); er != nil {
					if o := books[er.OrderID]; o == nil {
						t.Fatalf("a report about no order: %+v", er)
					} else if err := o.Report(er); err != nil {
						t.Fatal(err)
					}
					continue
				}
				cr := out.CancelRejection(i)
				if o := books[cr.OrderID]; o == nil || o.Pending.Kind == order.PendingNone || o.Pending.ClOrdID != cr.ClOrdID {
					t.Fatalf("a refusal of nothing: %+v", cr)
				} else if o.Open() {
					if err := o.CancelReject(cr); err != nil {
						t.Fatal(err)
					}
				} else {
					o.Pending = order.Pending{}
				}
			}
		}
		for line := range strings.Lines(text) {
			typ, rest, _ := strings.Cut(strings.TrimSpace(line), "|")
			m := messageOf(typ, strings.Split(rest, "|")...)
			if typ == "3" {
				app.FromAdmin(m, quickfix.SessionID{})
			} else {
				app.FromApp(m, quickfix.SessionID{})
			}
			for len(s.in) > 0 {
				in := <-s.in
				out.Reset(venue.MaxReports)
				s.receive(&in, out)
				if out.Len() >= mostReports {
					t.Fatalf("%d reports of one message", out.Len())
				}
				check()
			}
			for len(s.later) > 0 {
				out.Reset(venue.MaxReports)
				s.later[0](out)
				s.later = s.later[1:]
				check()
			}
		}
		for id, o := range s.book.byID {
			if b := books[id]; b == nil || b.CumQty != o.CumQty || b.Pending != o.Pending || !b.Open() {
				t.Fatalf("order %d is %+v, and %+v by its reports", id, o, b)
			}
		}
	})
}

// A file of settings is a configuration or one error.
func FuzzReadConfig(f *testing.F) {
	f.Add(Example)
	f.Add("Name=value\n[SESSION]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if cfg, err := ReadConfig(strings.NewReader(text), "f"); err == nil && (cfg.Settings == nil || len(cfg.Symbols) == 0) {
			t.Errorf("%+v", cfg)
		}
	})
}
