package order

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// sim makes legal frames of a gateway's ring at random, and keeps its own books of what they
// come to: maps and big numbers, nothing of State's.
type sim struct {
	rng  *rand.Rand
	seq  uint64
	in   map[uint16]*simInput
	open map[uint64]*simOrder // by OrderID
	ids  []uint64             // their keys, in an order that the seed decides
	lost []simRequest         // requests that outlived their orders
	pos  map[simKey]*simPosition

	strategies, securities int
	maxOpen                int
	killed                 Kill

	rec struct { // the frame in hand
		Request
		ExecutionReport
		OrderCancelReject
		BusinessMessageReject
		SessionStatus
		KillSwitch
		VenueStatus
	}
}

type simInput struct {
	id, epoch, seq, clOrdID, mdSeq     uint64
	forwarded, refused, reports, fills uint64
	open                               int
	killed                             Kill
	lastEpoch                          uint16
}

type simKey struct {
	strategy uint16
	security uint32
}

type simPosition struct {
	bought, sold int64
	cash         big.Int
}

type simRequest struct {
	req     Request
	typ     MsgType
	seq     uint64
	orderID uint64
	known   bool
}

type simOrder struct {
	first    Request // its D, with price and quantity as they are
	id       uint64
	clOrdID  uint64
	priority uint64
	cum      int32
	paid     big.Int
	accepted bool
	answered bool
	doubt    bool
	pending  *simRequest
}

func newSim(seed uint64, strategies, securities, maxOpen int) *sim {
	return &sim{rng: rand.New(rand.NewPCG(seed, 1)), in: map[uint16]*simInput{}, open: map[uint64]*simOrder{},
		pos: map[simKey]*simPosition{}, strategies: strategies, securities: securities, maxOpen: maxOpen}
}

func (s *sim) n(n int) int { return s.rng.IntN(n) }

func (s *sim) origin(ring uint16) Origin {
	in := s.in[ring]
	in.seq++
	return Origin{Seq: uint32(in.seq), Epoch: uint16(in.epoch), Ring: ring}
}

func (s *sim) session(ring uint16, status SessionState) (MsgType, []byte) {
	in := s.in[ring]
	s.rec.SessionStatus = SessionStatus{RingID: in.id, Epoch: in.epoch, Seq: in.seq, Ring: ring, Status: status}
	return MsgSessionStatus, s.rec.SessionStatus.Bytes()
}

// next returns the next frame.
func (s *sim) next() (uint64, MsgType, []byte) {
	s.seq++
	for {
		if typ, msg := s.try(); msg != nil {
			return s.seq, typ, msg
		}
	}
}

func (s *sim) try() (MsgType, []byte) {
	strategy := uint16(1 + s.n(s.strategies))
	for _, ring := range []uint16{RingVenue, RingOperator, strategy} {
		if s.in[ring] == nil {
			s.in[ring] = &simInput{id: s.rng.Uint64(), epoch: 1 + uint64(s.n(3)), seq: uint64(s.n(2)) * s.rng.Uint64N(1<<33)}
			return s.session(ring, SessionUp)
		}
	}
	in := s.in[strategy]
	switch d := s.n(1000); {
	case d < 300 && len(s.ids) < s.maxOpen && s.killed|in.killed == 0:
		return s.newOrder(strategy, in)
	case d < 500:
		return s.change(in, strategy)
	case d < 900:
		return s.report()
	case d < 930:
		return s.answerLost()
	case d < 950: // refusals of the gateway
		in.refused++
		o := s.origin(strategy)
		clOrdID := in.clOrdID + uint64(s.n(3)) - 1
		if s.n(10) == 0 {
			clOrdID |= GatewayBit
		}
		if clOrdID > in.clOrdID && clOrdID < GatewayBit {
			in.clOrdID = clOrdID
		}
		if s.n(2) == 0 {
			s.rec.ExecutionReport = ExecutionReport{ClOrdID: clOrdID, Origin: o, Strategy: strategy, ExecType: ExecRejected, OrdStatus: StatusRejected, Text: TextRate, OrdRejReason: RejExceedsLimit}
			return MsgExecutionReport, s.rec.ExecutionReport.Bytes()
		}
		s.rec.OrderCancelReject = OrderCancelReject{ClOrdID: clOrdID, OrigClOrdID: 5, Origin: o, Strategy: strategy, OrdStatus: StatusRejected, CxlRejReason: CxlUnknownOrder, CxlRejResponseTo: ToCancel}
		return MsgOrderCancelReject, s.rec.OrderCancelReject.Bytes()
	case d < 960:
		ring := []uint16{strategy, RingVenue, RingOperator}[s.n(3)]
		s.in[ring].refused++
		s.rec.BusinessMessageReject = BusinessMessageReject{Origin: s.origin(ring), Text: TextIllegal}
		return MsgBusinessMessageReject, s.rec.BusinessMessageReject.Bytes()
	case d < 970:
		if s.n(3) > 0 {
			in.epoch++
		}
		if s.n(5) == 0 { // the ring was made again
			in.id, in.seq, in.epoch = s.rng.Uint64(), 0, 1
			in.mdSeq, in.lastEpoch = 0, 0
			for _, o := range s.open { // none of this ring
				if o.first.Origin.Ring == strategy {
					o.first.Origin.Epoch = 0
					if o.pending != nil {
						o.pending.req.Origin.Epoch = 0
					}
				}
			}
			// Order ids of open orders are in use still: the strategy knows, and goes on above.
			if len(s.ids)+len(s.lost) == 0 {
				in.clOrdID = 0
			} else {
				clOrdID := in.clOrdID
				in.clOrdID = 0
				defer func() { in.clOrdID = max(in.clOrdID, clOrdID) }()
			}
		}
		return s.session(strategy, SessionUp+SessionState(s.n(2)))
	case d < 975:
		k := KillSwitch{Engaged: uint8(s.n(2))}
		k.Cancel = k.Engaged * uint8(s.n(2))
		killed := Kill(k.Engaged + 2*k.Cancel)
		if s.n(2) == 0 {
			k.Strategy = strategy
			in.killed = killed
		} else {
			s.killed = killed
		}
		if s.n(2) == 0 {
			k.Origin = s.origin(RingOperator)
			s.in[RingOperator].forwarded++
		}
		s.rec.KillSwitch = k
		return MsgKillSwitch, s.rec.KillSwitch.Bytes()
	case d < 980:
		s.in[RingVenue].forwarded++
		s.rec.VenueStatus = VenueStatus{GatewaySeq: s.seq - 1, Origin: s.origin(RingVenue)}
		return MsgVenueStatus, s.rec.VenueStatus.Bytes()
	}
	return 0, nil
}

func (s *sim) price() int64 {
	if s.n(20) == 0 {
		return -int64(s.rng.Uint64N(1<<62)) - 1
	}
	return int64(s.rng.Uint64N(1<<62)) + 1
}

func (s *sim) request(strategy uint16, in *simInput) *Request {
	in.clOrdID += 1 + uint64(s.n(3))
	r := &s.rec.Request
	*r = Request{ClOrdID: in.clOrdID, Origin: s.origin(strategy)}
	if r.Origin.Epoch != in.lastEpoch {
		in.lastEpoch, in.mdSeq = r.Origin.Epoch, 0
	}
	if s.n(2) == 0 {
		in.mdSeq += uint64(s.n(5))
		r.MdSeq = in.mdSeq
	}
	in.forwarded++
	return r
}

func (s *sim) newOrder(strategy uint16, in *simInput) (MsgType, []byte) {
	r := s.request(strategy, in)
	r.SecurityID = uint32(1 + s.n(s.securities))
	r.Side = Buy + Side(s.n(2))
	r.OrderQty = int32(1 + s.n(20))
	if s.n(50) == 0 {
		r.OrderQty = 1<<31 - 1
	}
	r.OrdType, r.Price, r.TimeInForce = Limit, s.price(), []TimeInForce{Day, GTC, IOC, FOK}[s.n(4)]
	switch s.n(5) {
	case 0:
		r.OrdType, r.Price, r.TimeInForce = Market, 0, IOC
	case 1:
		r.OrdType, r.TimeInForce = Stop, Day
	}
	r.Flags = Flags(s.n(2))
	s.open[s.seq] = &simOrder{first: *r, id: s.seq, clOrdID: r.ClOrdID, priority: s.seq}
	s.ids = append(s.ids, s.seq)
	in.open++
	key := simKey{strategy, r.SecurityID}
	if s.pos[key] == nil {
		s.pos[key] = &simPosition{}
	}
	return MsgNewOrderSingle, r.Bytes()
}

func (s *sim) pick() *simOrder {
	if len(s.ids) == 0 {
		return nil
	}
	return s.open[s.ids[s.n(len(s.ids))]]
}

// change cancels or replaces an order of the strategy, or the gateway cancels any.
func (s *sim) change(in *simInput, strategy uint16) (MsgType, []byte) {
	o := s.pick()
	if o == nil || o.pending != nil {
		return 0, nil
	}
	typ, r := MsgOrderCancelRequest, &s.rec.Request
	if s.n(5) == 0 {
		*r = Request{ClOrdID: GatewayBit | o.clOrdID, OrigClOrdID: o.clOrdID, Origin: Origin{Ring: o.first.Origin.Ring}, SecurityID: o.first.SecurityID, Side: o.first.Side}
		for _, l := range s.lost {
			if l.req.ClOrdID == r.ClOrdID && l.req.Origin.Ring == r.Origin.Ring {
				return 0, nil
			}
		}
	} else {
		if o.first.Origin.Ring != strategy {
			return 0, nil
		}
		replace := s.n(2) == 0
		if replace && (s.killed|in.killed != 0 || o.first.OrderQty == 1<<31-1) {
			return 0, nil
		}
		r = s.request(strategy, in)
		r.OrigClOrdID, r.SecurityID, r.Side = o.clOrdID, o.first.SecurityID, o.first.Side
		if replace {
			typ = MsgOrderCancelReplaceRequest
			r.OrdType, r.TimeInForce, r.Price, r.Flags = o.first.OrdType, o.first.TimeInForce, o.first.Price, Flags(s.n(2))
			if r.OrdType != Market && s.n(2) == 0 {
				r.Price = s.price()
			}
			r.OrderQty = o.cum + 1 + int32(s.n(20))
		}
	}
	o.pending = &simRequest{req: *r, typ: typ, seq: s.seq, orderID: o.id}
	return typ, r.Bytes()
}

// report has the venue say something about an order.
func (s *sim) report() (MsgType, []byte) {
	o := s.pick()
	if o == nil {
		return 0, nil
	}
	qty := o.first.OrderQty
	er := ExecutionReport{ClOrdID: o.clOrdID, OrderID: o.id, CumQty: o.cum, LeavesQty: qty - o.cum,
		SecurityID: o.first.SecurityID, Strategy: o.first.Origin.Ring, Side: o.first.Side}
	p := o.pending
	close := func(t ExecType, st OrdStatus) {
		er.ExecType, er.OrdStatus, er.LeavesQty = t, st, 0
		if er.ClOrdID != o.clOrdID {
			o.pending = nil
		}
	}
	switch d := s.n(100); {
	case !o.accepted && d < 10:
		er.ExecType, er.OrdStatus = ExecPendingNew, StatusPendingNew
	case !o.accepted && d < 15:
		er.ExecType, er.OrdStatus, er.Text = ExecOrderStatus, StatusPendingNew, TextInDoubt
		o.doubt = true
	case !o.accepted && o.cum == 0 && d < 20:
		close(ExecRejected, StatusRejected)
		if s.n(2) == 0 {
			er.OrderID = 0
		}
	case !o.accepted && d < 70:
		er.ExecType, er.OrdStatus = ExecNew, StatusNew
		o.accepted, o.doubt = true, false
	case p != nil && d < 80:
		er.ClOrdID = p.req.ClOrdID
		replace := p.typ == MsgOrderCancelReplaceRequest
		switch e := s.n(10); {
		case e < 2 && replace:
			er.ExecType, er.OrdStatus, p.known = ExecPendingReplace, StatusPendingReplace, true
		case e < 2:
			er.ExecType, er.OrdStatus, p.known = ExecPendingCancel, StatusPendingCancel, true
		case e < 5:
			to := ToCancel
			if replace {
				to = ToReplace
			}
			o.pending = nil
			o.doubt = o.doubt && !o.accepted
			o.answered = true
			return s.cancelReject(OrderCancelReject{ClOrdID: p.req.ClOrdID, OrigClOrdID: o.clOrdID, OrderID: o.id, SecurityID: o.first.SecurityID,
				Strategy: o.first.Origin.Ring, OrdStatus: StatusNew, CxlRejReason: CxlTooLate, CxlRejResponseTo: to})
		case !replace:
			close(ExecCanceled, StatusCanceled)
		case p.req.OrderQty < o.cum: // filled meanwhile
			return 0, nil
		default:
			er.ExecType, er.OrdStatus, er.LeavesQty = ExecReplaced, StatusNew, p.req.OrderQty-o.cum
			if o.cum > 0 {
				er.OrdStatus = StatusPartiallyFilled
			}
			if er.LeavesQty == 0 {
				er.OrdStatus = StatusFilled
			}
			if p.req.Price != o.first.Price || p.req.OrderQty > o.first.OrderQty {
				o.priority = p.seq
			}
			o.first.Price, o.first.OrderQty, o.clOrdID = p.req.Price, p.req.OrderQty, p.req.ClOrdID
			o.first.MdSeq, o.first.Flags, o.first.Origin.Epoch = p.req.MdSeq, p.req.Flags, p.req.Origin.Epoch
			o.pending, o.accepted, o.doubt = nil, true, false
		}
	case d < 83:
		close(ExecCanceled, StatusCanceled)
	case d < 86:
		close(ExecExpired, StatusExpired)
	case d < 88:
		er.ExecType, er.OrdStatus = ExecOrderStatus, StatusNew
		o.accepted, o.doubt = true, false
	default:
		er.ExecType, er.OrdStatus, er.LastPx = ExecTrade, StatusPartiallyFilled, s.price()
		er.LastQty = 1 + int32(s.rng.Uint64N(uint64(er.LeavesQty)))
		o.cum += er.LastQty
		er.CumQty, er.LeavesQty = o.cum, qty-o.cum
		if er.LeavesQty == 0 {
			er.OrdStatus = StatusFilled
		}
		paid := new(big.Int).Mul(big.NewInt(er.LastPx), big.NewInt(int64(er.LastQty)))
		o.paid.Add(&o.paid, paid)
		pos := s.pos[simKey{er.Strategy, er.SecurityID}]
		if er.Side == Buy {
			pos.bought += int64(er.LastQty)
			pos.cash.Sub(&pos.cash, paid)
		} else {
			pos.sold += int64(er.LastQty)
			pos.cash.Add(&pos.cash, paid)
		}
		s.in[er.Strategy].fills++
		o.accepted, o.doubt = true, false
	}
	o.answered = true
	s.in[er.Strategy].reports++
	s.in[RingVenue].forwarded++
	er.Origin = s.origin(RingVenue)
	if !er.OrdStatus.Open() {
		s.drop(o)
	}
	s.rec.ExecutionReport = er
	return MsgExecutionReport, s.rec.ExecutionReport.Bytes()
}

func (s *sim) drop(o *simOrder) {
	if o.pending != nil {
		p := *o.pending
		p.req.OrigClOrdID = o.clOrdID
		s.lost = append(s.lost, p)
	}
	for i, id := range s.ids {
		if id == o.id {
			s.ids = append(s.ids[:i], s.ids[i+1:]...)
			break
		}
	}
	delete(s.open, o.id)
	s.in[o.first.Origin.Ring].open--
}

func (s *sim) cancelReject(cr OrderCancelReject) (MsgType, []byte) {
	s.in[cr.Strategy].reports++
	s.in[RingVenue].forwarded++
	cr.Origin = s.origin(RingVenue)
	s.rec.OrderCancelReject = cr
	return MsgOrderCancelReject, s.rec.OrderCancelReject.Bytes()
}

// answerLost refuses a request whose order is closed.
func (s *sim) answerLost() (MsgType, []byte) {
	if len(s.lost) == 0 {
		return 0, nil
	}
	i := s.n(len(s.lost))
	l := s.lost[i]
	s.lost = append(s.lost[:i], s.lost[i+1:]...)
	to := ToCancel
	if l.typ == MsgOrderCancelReplaceRequest {
		to = ToReplace
	}
	return s.cancelReject(OrderCancelReject{ClOrdID: l.req.ClOrdID, OrigClOrdID: l.req.OrigClOrdID, OrderID: l.orderID,
		SecurityID: l.req.SecurityID, Strategy: l.req.Origin.Ring, OrdStatus: StatusFilled, CxlRejReason: CxlTooLate, CxlRejResponseTo: to})
}

func toBig(a Int128) *big.Int {
	v := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return v.Add(v, new(big.Int).SetUint64(a.Lo))
}

// compare holds a state against the books. strategy 0: all.
func (s *sim) compare(t *testing.T, st *State, strategy uint16) {
	t.Helper()
	keep := func(n uint16) bool { return strategy == 0 || n == strategy }
	if st.Seq() != s.seq || st.Killed() != s.killed || !st.Ready() {
		t.Fatalf("message %d, killed %d, ready %t; want %d, %d", st.Seq(), st.Killed(), st.Ready(), s.seq, s.killed)
	}
	keys := len(st.orders) + len(st.requests)
	for i := range st.orders {
		if st.orders[i].Pending.Kind != PendingNone {
			keys++
		}
	}
	if st.orderRows.used != keys {
		t.Fatalf("message %d: %d keys, want %d", s.seq, st.orderRows.used, keys)
	}
	orders, unanswered := 0, 0
	exposed := map[simKey][2]int64{}
	for id, o := range s.open {
		if !keep(o.first.Origin.Ring) {
			continue
		}
		orders++
		got := st.OrderByID(id)
		if got == nil || got != st.Order(o.first.Origin.Ring, o.clOrdID) {
			t.Fatalf("message %d: order %d is not found by its ids", s.seq, id)
		}
		want := Order{OrderID: id, ClOrdID: o.clOrdID, MdSeq: o.first.MdSeq, Price: o.first.Price, Priority: o.priority,
			SecurityID: o.first.SecurityID, OrderQty: o.first.OrderQty, CumQty: o.cum, Strategy: o.first.Origin.Ring, Epoch: o.first.Origin.Epoch,
			Side: o.first.Side, OrdType: o.first.OrdType, TimeInForce: o.first.TimeInForce, Flags: o.first.Flags,
			Venue: got.Venue, Paid: got.Paid}
		qty := int64(o.first.OrderQty)
		if p := o.pending; p != nil {
			want.Pending = Pending{ClOrdID: p.req.ClOrdID, Seq: p.seq, MdSeq: p.req.MdSeq, Price: p.req.Price, OrderQty: p.req.OrderQty,
				Epoch: p.req.Origin.Epoch, Kind: Kind(p.typ), Flags: p.req.Flags}
			if !p.known {
				unanswered++
			}
			qty = max(qty, int64(p.req.OrderQty))
			if st.Order(want.Strategy, p.req.ClOrdID) != got {
				t.Fatalf("message %d: order %d is not found by its pending request", s.seq, id)
			}
		}
		if !o.answered {
			unanswered++
		}
		if *got != want || toBig(got.Paid).Cmp(&o.paid) != 0 || got.InDoubt() != o.doubt || (got.Venue&VenueAccepted != 0) != o.accepted {
			t.Fatalf("message %d: order\n%+v, paid %s\n%+v, paid %s", s.seq, *got, toBig(got.Paid), want, &o.paid)
		}
		if o.cum > 0 { // to the nearest, away from zero between two
			n := big.NewInt(int64(o.cum))
			avg, rest := new(big.Int).QuoRem(new(big.Int).Abs(&o.paid), n, new(big.Int))
			if rest.Lsh(rest, 1).Cmp(n) >= 0 {
				avg.Add(avg, big.NewInt(1))
			}
			if o.paid.Sign() < 0 {
				avg.Neg(avg)
			}
			if avg.Int64() != got.AvgPx() {
				t.Fatalf("message %d: AvgPx %d, want %s", s.seq, got.AvgPx(), avg)
			}
		}
		e := exposed[simKey{want.Strategy, want.SecurityID}]
		e[o.first.Side-Buy] += qty - int64(o.cum)
		exposed[simKey{want.Strategy, want.SecurityID}] = e
	}
	lost := 0
	for _, l := range s.lost {
		if keep(l.req.Origin.Ring) {
			lost++
			if !l.known {
				unanswered++
			}
		}
	}
	if len(st.Orders()) != orders || len(st.Requests()) != lost || st.Unanswered() != unanswered {
		t.Fatalf("message %d: %d orders, %d requests, %d unanswered; want %d, %d, %d", s.seq, len(st.Orders()), len(st.Requests()), st.Unanswered(), orders, lost, unanswered)
	}
	for key, p := range s.pos {
		if !keep(key.strategy) {
			continue
		}
		got := st.Position(key.strategy, key.security)
		e := exposed[key]
		if got == nil && p.bought|p.sold|e[0]|e[1] == 0 {
			continue // forgotten with a checkpoint
		}
		if got == nil || got.Net != p.bought-p.sold || got.Bought != p.bought || got.Sold != p.sold || got.OpenBuy != e[0] || got.OpenSell != e[1] ||
			toBig(got.Cash).Cmp(&p.cash) != 0 {
			t.Fatalf("message %d: position %v is %+v, want %+v open %v", s.seq, key, got, p, e)
		}
	}
	for ring, in := range s.in {
		if ring <= MaxStrategy && !keep(ring) {
			continue
		}
		got := st.Session(ring)
		if got == nil || got.RingID != in.id || got.Epoch != in.epoch || got.Seq != in.seq || got.Forwarded != in.forwarded || got.Refused != in.refused ||
			got.Reports != in.reports || got.Fills != in.fills || int(got.Open) != in.open || got.Killed != in.killed || got.LastMdSeq != in.mdSeq {
			t.Fatalf("message %d: input %d is %+v, want %+v", s.seq, ring, got, in)
		}
	}
}
