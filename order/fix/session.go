package fix

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/store/file"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/venue"
)

// Session is a FIX session as a venue. Recover, Request, Turn and MdSeq are for one
// goroutine, that of venue.Run, and Close for when it has returned; the others for any.
type Session struct {
	cfg       Config
	id        quickfix.SessionID
	account   string
	initiator *quickfix.Initiator
	started   bool
	closed    sync.Once

	up   atomic.Bool // logged on
	on   bool        // likewise, as far as Turn has heard: the open orders were asked for
	in   chan inbound
	out  chan outbound
	stop chan struct{}
	sent journal
	note sync.Mutex // over Notify

	counts struct{ logons, sent, reports, repeated, unmatched, withheld atomic.Uint64 }

	book  book
	asked map[uint64]uint64        // by OrderID: what was pending (Pending.Seq) when the order was last asked for
	sends []outbound               // their intents are reported, so they may go with the next call
	later []func(r *venue.Reports) // reports of our own that await room
}

// Counts is what a session has done.
type Counts struct {
	Logons    uint64 `json:"logons"`
	Sent      uint64 `json:"sent"`      // messages to the venue, without those of the session itself
	Messages  uint64 `json:"messages"`  // of the venue, likewise
	Repeated  uint64 `json:"repeated"`  // reports of what was reported before
	Unmatched uint64 `json:"unmatched"` // messages that fit no order
	Withheld  uint64 `json:"withheld"`  // requests that the venue asked for again and did not get
}

// New makes a session. It connects when venue.Run has recovered (Recover), and tries again
// and again until Close.
//
// Errors: [ErrConfig], and those of quickfix.
func New(cfg Config) (*Session, error) {
	id, settings, err := cfg.session()
	if err != nil {
		return nil, fmt.Errorf("fix: %w", err)
	}
	if cfg.Queue <= 0 {
		cfg.Queue = defaultQueue
	}
	s := &Session{cfg: cfg, id: id, book: newBook(), stop: make(chan struct{}),
		in: make(chan inbound, cfg.Queue), out: make(chan outbound, cfg.Queue)}
	if settings.HasSetting("Account") {
		s.account, _ = settings.Setting("Account") // it is there
	}
	store := cfg.Store
	if store == nil {
		store = file.NewStoreFactory(cfg.Settings)
	}
	log, err := newLogs(cfg, settings, s)
	if err != nil {
		return nil, fmt.Errorf("fix: %w: %w", ErrConfig, err)
	}
	if s.initiator, err = quickfix.NewInitiator(application{s}, store, cfg.Settings, log); err != nil {
		return nil, fmt.Errorf("fix: session %v: %w: %w", id, ErrConfig, err)
	}
	return s, nil
}

// Close logs out, if logged on, and ends the session. What it has not reported yet is asked
// for when the next one is logged on.
func (s *Session) Close() {
	s.closed.Do(func() {
		close(s.stop)
		if s.started {
			s.initiator.Stop()
		} else {
			_ = quickfix.UnregisterSession(s.id) // it is registered
		}
	})
}

// Counts tells what the session has done up to now.
func (s *Session) Counts() Counts {
	c := &s.counts
	return Counts{c.logons.Load(), c.sent.Load(), c.reports.Load(), c.repeated.Load(), c.unmatched.Load(), c.withheld.Load()}
}

// LoggedOn says whether the session is up.
func (s *Session) LoggedOn() bool { return s.up.Load() }

// MdSeq is 0: the venue's market data is its own.
func (s *Session) MdSeq() uint64 { return 0 }

// Recover takes over the open orders, and connects. Those without an answer, or with a
// pending request, are in doubt until the venue has told of them.
func (s *Session) Recover(rec venue.Recovery) error {
	s.book = newBook()
	s.sends, s.later, s.asked = nil, nil, map[uint64]uint64{}
	for _, o := range rec.Orders {
		s.book.add(o)
		s.doubt(s.book.byID[o.OrderID])
	}
	for _, u := range rec.Requests {
		s.later = append(s.later, func(r *venue.Reports) { r.CancelReject(tooLate(&u)) })
	}
	if s.started {
		if s.on {
			s.askAll()
		}
		return nil
	}
	if err := s.initiator.Start(); err != nil {
		return fmt.Errorf("fix: session %v: %w", s.id, err)
	}
	s.started = true
	go s.send()
	return nil
}

// mostReports is how many reports one message of the venue can come to, and one more: New, a
// fill, Replaced, another fill, an end, and the refusal of what was pending.
const mostReports = 7

// Turn hands over what is to be sent, and reports what has come.
func (s *Session) Turn(out *venue.Reports) (busy bool, err error) {
	busy = s.handOver()
	for out.Room() >= mostReports {
		if len(s.later) > 0 {
			s.later[0](out)
			s.later = s.later[1:]
			busy = true
			continue
		}
		select {
		case m := <-s.in:
			s.receive(&m, out)
			busy = true
			continue
		default:
		}
		break
	}
	return busy, nil
}

// handOver gives what is to be sent to the sender, as far as there is room.
func (s *Session) handOver() bool {
	n := 0
	for ; n < len(s.sends); n++ {
		select {
		case s.out <- s.sends[n]:
			continue
		default:
		}
		break
	}
	s.sends = append(s.sends[:0], s.sends[n:]...)
	return n > 0
}

// ask asks for the state of an order.
func (s *Session) ask(o *order.Order) {
	symbol, known := s.cfg.Symbols[o.SecurityID]
	if !known {
		s.notify(Unmatched, "order %d of strategy %d is open, and instrument %d has no symbol: the venue cannot be asked for it", o.OrderID, o.Strategy, o.SecurityID)
		return
	}
	q := outbound{typ: 'H', id: clOrdID{o.Strategy, o.ClOrdID}, seq: o.Pending.Seq, symbol: symbol, side: o.Side}
	s.asked[o.OrderID] = o.Pending.Seq
	s.sends = append(s.sends, q)
	if o.Pending.Kind == order.PendingReplace {
		q.id.n = o.Pending.ClOrdID
		s.sends = append(s.sends, q)
	}
}

// askAll asks for the state of all orders.
func (s *Session) askAll() {
	for _, o := range s.book.sorted() {
		s.ask(o)
	}
}

// doubt reports that an order, or its request, is in doubt, if it is and was not reported so.
func (s *Session) doubt(o *order.Order) {
	id := o.OrderID
	if o.Venue&order.VenueAccepted == 0 && !o.InDoubt() {
		s.later = append(s.later, func(r *venue.Reports) {
			if o := s.book.byID[id]; o != nil && o.Venue&order.VenueAccepted == 0 {
				er := reportOf(o, order.ExecOrderStatus)
				er.Text, er.OrdStatus = order.TextInDoubt, o.OrdStatus()
				s.report(o, er, r)
			}
		})
		return
	}
	if o.Pending.Kind != order.PendingNone && !o.InDoubt() {
		pending := o.Pending.ClOrdID
		s.later = append(s.later, func(r *venue.Reports) {
			if o := s.book.byID[id]; o != nil && o.Pending.ClOrdID == pending {
				er := reportOf(o, order.ExecOrderStatus)
				er.ClOrdID, er.Text, er.OrdStatus = pending, order.TextInDoubt, o.OrdStatus()
				s.report(o, er, r)
			}
		})
	}
}

// report reports er if it fits the order, and applies it. It is false if it does not.
func (s *Session) report(o *order.Order, er order.ExecutionReport, out *venue.Reports) bool {
	before := *o
	if err := o.Report(&er); err != nil {
		return false
	}
	out.Report(er)
	s.book.changed(&before, o)
	if !o.Open() {
		delete(s.asked, o.OrderID)
	}
	if p := &o.Pending; !o.Open() && p.Kind != order.PendingNone {
		// Nothing can come of it any more, whether the venue says so or not.
		out.CancelReject(tooLate(&order.Unanswered{ClOrdID: p.ClOrdID, OrigClOrdID: o.ClOrdID, OrderID: o.OrderID,
			SecurityID: o.SecurityID, Strategy: o.Strategy, Kind: p.Kind}))
	}
	return true
}

// refuse reports that the pending request of an order was refused.
func (s *Session) refuse(o *order.Order, why order.CxlRejReason, text order.Text, out *venue.Reports) {
	p := &o.Pending
	cr := order.OrderCancelReject{ClOrdID: p.ClOrdID, OrigClOrdID: o.ClOrdID, OrderID: o.OrderID, MdSeq: p.MdSeq, SecurityID: o.SecurityID,
		Strategy: o.Strategy, Text: text, CxlRejReason: why, CxlRejResponseTo: responseTo(p.Kind)}
	before := *o
	if o.CancelReject(&cr) != nil {
		return
	}
	cr.OrdStatus = o.OrdStatus()
	out.CancelReject(cr)
	s.book.changed(&before, o)
}

func responseTo(k order.Kind) order.CxlRejResponseTo {
	if k == order.PendingReplace {
		return order.ToReplace
	}
	return order.ToCancel
}

// tooLate refuses a request whose order is closed.
func tooLate(u *order.Unanswered) order.OrderCancelReject {
	return order.OrderCancelReject{ClOrdID: u.ClOrdID, OrigClOrdID: u.OrigClOrdID, OrderID: u.OrderID, SecurityID: u.SecurityID,
		Strategy: u.Strategy, OrdStatus: order.StatusRejected, CxlRejReason: order.CxlTooLate, CxlRejResponseTo: responseTo(u.Kind)}
}

// reportOf begins a report of an order as it is.
func reportOf(o *order.Order, what order.ExecType) order.ExecutionReport {
	er := order.ExecutionReport{ClOrdID: o.ClOrdID, OrderID: o.OrderID, CumQty: o.CumQty, LeavesQty: o.LeavesQty(),
		SecurityID: o.SecurityID, Strategy: o.Strategy, ExecType: what, OrdStatus: order.StatusNew, Side: o.Side}
	if o.CumQty > 0 {
		er.OrdStatus = order.StatusPartiallyFilled
	}
	return er
}

// notify tells the operator.
func (s *Session) notify(kind EventKind, format string, args ...any) {
	if s.cfg.Notify == nil {
		return
	}
	s.note.Lock()
	defer s.note.Unlock()
	s.cfg.Notify(Event{kind, fmt.Sprintf(format, args...)})
}
