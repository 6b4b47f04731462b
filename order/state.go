package order

import "fmt"

// Bounds say what of a gateway's ring a State keeps.
type Bounds struct {
	Strategy uint16 // keep the orders and positions of this strategy only; 0: of all
	Rows     int    // most orders, positions, inputs; 0: 1<<20. A guard against rubbish
}

const (
	defaultRows   = 1 << 20
	unansweredRow = 1 << 30 // rows of the index from here on are those of State.requests
)

// State is what the messages of a gateway's ring add up to: a fold over its frames, and
// nothing else. The gateway itself, its successor, the venue, the strategies and whoever
// watches keep one each, by the same code, and so agree.
//
// It begins empty at message 1, or with any checkpoint. Apply is strict: a message that does
// not fit changes nothing and is an error ([ErrJournal]). It does not allocate, but to
// grow; the memory is that of the largest number of open orders. A State is for one
// goroutine.
type State struct {
	bounds Bounds
	seq    uint64
	begun  bool // something was applied
	killed Kill
	snap   snapshot

	sessions  []Session
	positions []Position
	orders    []Order
	requests  []Unanswered

	sessionRows  []int32 // by number of the ring: the row and 1; 0: none
	venueRow     int32   // of RingVenue, the same
	operatorRow  int32   // of RingOperator, the same
	positionRows index   // by strategy and SecurityID
	// By strategy and ClOrdID: orders by their own and that of their pending request, and
	// requests.
	orderRows index
	links     []link // of orders, row by row

	// Whether there may be an order or a request with a ClOrdID above its session's last one:
	// a ring was made again.
	above      bool
	unanswered int
	touched    int        // row of the order that the last message was about, none or closed
	header     Checkpoint // of AppendCheckpoint
}

// link is where an order's position and session are. Those rows move in forget only.
type link struct{ position, session int32 }

const (
	touchedNone   = -1
	touchedClosed = -2
)

// NewState returns an empty state.
func NewState(b Bounds) *State {
	if b.Rows <= 0 || b.Rows > defaultRows {
		b.Rows = defaultRows
	}
	return &State{bounds: b, touched: touchedNone,
		positionRows: newIndex(), orderRows: newIndex()}
}

// Reset empties the state. It may begin again anywhere.
func (s *State) Reset() {
	clear(s.sessionRows)
	s.positionRows.clear()
	s.orderRows.clear()
	*s = State{bounds: s.bounds, touched: touchedNone,
		sessions: s.sessions[:0], positions: s.positions[:0], orders: s.orders[:0], requests: s.requests[:0], links: s.links[:0],
		sessionRows: s.sessionRows, positionRows: s.positionRows, orderRows: s.orderRows}
}

// Seq returns the number of the last message that was applied.
func (s *State) Seq() uint64 { return s.seq }

// Ready says that the state is whole: it has begun, and is not within a checkpoint.
func (s *State) Ready() bool { return s.begun && !s.snap.on }

// Killed returns the kill switch of all. Those of single strategies are in their sessions.
func (s *State) Killed() Kill { return s.killed }

// Unanswered returns how many requests were forwarded of which the venue has not said a
// word.
func (s *State) Unanswered() int { return s.unanswered }

// What follows returns rows of the state, which are good until the next Apply and are not
// to be written, but for Session.Rate.

// Order returns the open order of a strategy that has this ClOrdID, or whose pending request
// has it; nil: there is none.
func (s *State) Order(strategy uint16, clOrdID uint64) *Order {
	return s.orderAt(s.orderRows.find(uint32(strategy), clOrdID))
}

// OrderByID returns an open order; nil: there is none. It looks at all of them, as reports
// come with a ClOrdID.
func (s *State) OrderByID(orderID uint64) *Order {
	for i := range s.orders {
		if s.orders[i].OrderID == orderID {
			return &s.orders[i]
		}
	}
	return nil
}

func (s *State) orderAt(row int) *Order {
	if row < 0 || row >= unansweredRow {
		return nil
	}
	return &s.orders[row]
}

// Last returns the order that the last message was about, as it is after it, open or
// closed; nil: it was about none.
func (s *State) Last() *Order {
	switch {
	case s.touched == touchedClosed:
		return s.roomForOrder()
	case s.touched >= 0:
		return &s.orders[s.touched]
	}
	return nil
}

// Orders returns the open orders, in no order that means anything.
func (s *State) Orders() []Order { return s.orders }

// Requests returns the requests that outlived their orders.
func (s *State) Requests() []Unanswered { return s.requests }

// Session returns what is known of an input; nil: nothing.
func (s *State) Session(ring uint16) *Session {
	if i := s.session(ring); i >= 0 {
		return &s.sessions[i]
	}
	return nil
}

// Sessions returns all inputs, in the order in which they came.
func (s *State) Sessions() []Session { return s.sessions }

// Position returns a strategy's position in an instrument; nil: it has traded nothing, and has
// no open order.
func (s *State) Position(strategy uint16, security uint32) *Position {
	if i := s.positionRows.find(uint32(strategy), uint64(security)); i >= 0 {
		return &s.positions[i]
	}
	return nil
}

// Positions returns all positions, in the order in which they came. Those of which nothing is
// left but that there was an order go with the next checkpoint.
func (s *State) Positions() []Position { return s.positions }

// session returns the row of a ring's session; -1: there is none.
func (s *State) session(ring uint16) int {
	if int(ring) < len(s.sessionRows) {
		return int(s.sessionRows[ring]) - 1
	}
	switch ring {
	case RingVenue:
		return int(s.venueRow) - 1
	case RingOperator:
		return int(s.operatorRow) - 1
	}
	return -1
}

// follows says whether orders and positions of this strategy are kept.
func (s *State) follows(strategy uint16) bool {
	return s.bounds.Strategy == 0 || s.bounds.Strategy == strategy
}

// keeps says whether the session of this ring is kept.
func (s *State) keeps(ring uint16) bool { return ring > MaxStrategy || s.follows(ring) }

func (s *State) journal(seq uint64, typ MsgType, format string, args ...any) error {
	return fmt.Errorf("order: message %d (%s): %s: %w", seq, typ, fmt.Sprintf(format, args...), ErrJournal)
}

// addSession returns a new row for a ring that has none.
func (s *State) addSession(ring uint16) *Session {
	s.sessions = append(s.sessions, Session{Ring: ring})
	row := int32(len(s.sessions))
	switch {
	case ring == RingVenue:
		s.venueRow = row
	case ring == RingOperator:
		s.operatorRow = row
	default:
		for int(ring) >= len(s.sessionRows) {
			s.sessionRows = append(s.sessionRows, 0)
		}
		s.sessionRows[ring] = row
	}
	return &s.sessions[len(s.sessions)-1]
}

// position returns the row of a position, a new one if there is none.
func (s *State) position(strategy uint16, security uint32) int {
	i := s.positionRows.find(uint32(strategy), uint64(security))
	if i < 0 {
		i = len(s.positions)
		s.positionRows.put(uint32(strategy), uint64(security), i)
		s.positions = append(s.positions, Position{Strategy: strategy, SecurityID: security})
	}
	return i
}

// addExposure adds to what the open orders of a side may fill.
func (p *Position) addExposure(side Side, qty int64) {
	if side == Buy {
		p.OpenBuy += qty
	} else {
		p.OpenSell += qty
	}
}

// roomForOrder returns the row behind the last, which is rubbish.
func (s *State) roomForOrder() *Order {
	n := len(s.orders)
	if n == cap(s.orders) {
		s.orders = append(s.orders, Order{})[:n]
	}
	return &s.orders[:n+1][n]
}

// addOrder adds the row behind the last.
func (s *State) addOrder() {
	row := len(s.orders)
	s.orders = s.orders[:row+1]
	o := &s.orders[row]
	s.links = append(s.links, link{int32(s.position(o.Strategy, o.SecurityID)), int32(s.session(o.Strategy))})
	s.setKeys(row)
}

// setKeys points the keys of an order at its row.
func (s *State) setKeys(row int) {
	o := &s.orders[row]
	s.orderRows.put(uint32(o.Strategy), o.ClOrdID, row)
	if o.Pending.Kind != PendingNone {
		s.orderRows.put(uint32(o.Strategy), o.Pending.ClOrdID, row)
	}
}

// removeOrder takes a closed order out; it stays readable in the row behind the last. Its pending request, if any, stays to be answered.
func (s *State) removeOrder(row int) {
	o := &s.orders[row]
	s.orderRows.remove(uint32(o.Strategy), o.ClOrdID)
	if p := &o.Pending; p.Kind != PendingNone {
		u := Unanswered{ClOrdID: p.ClOrdID, OrigClOrdID: o.ClOrdID, OrderID: o.OrderID, Seq: p.Seq,
			SecurityID: o.SecurityID, Strategy: o.Strategy, Kind: p.Kind}
		if o.Venue&VenuePendingAnswered != 0 {
			u.Answered = 1
		}
		s.orderRows.put(uint32(o.Strategy), p.ClOrdID, unansweredRow+len(s.requests))
		s.requests = append(s.requests, u)
	}
	last := len(s.orders) - 1
	if row != last {
		s.orders[row], s.orders[last] = s.orders[last], s.orders[row]
		s.links[row] = s.links[last]
		s.setKeys(row)
	}
	s.orders, s.links = s.orders[:last], s.links[:last]
}

// removeRequest takes an answered request of a closed order out.
func (s *State) removeRequest(i int) {
	u := &s.requests[i]
	s.orderRows.remove(uint32(u.Strategy), u.ClOrdID)
	last := len(s.requests) - 1
	if i != last {
		s.requests[i] = s.requests[last]
		s.orderRows.put(uint32(u.Strategy), u.ClOrdID, unansweredRow+i)
	}
	s.requests = s.requests[:last]
}
