package order

import "github.com/tickring/tickring/ring"

// A checkpoint is the state as a snapshot in the gateway's ring: a Checkpoint, and the rows
// of sessions, positions, orders and requests behind it, in messages of their own types.
// A state that begins takes it over; one that follows holds it against its own rows, so
// that a difference between two processes does not stay unnoticed for longer than a block.

// CheckpointLayout is the version of the rows. It is raised by every change to rows.go.
const CheckpointLayout = 1

// MinMessage is the least that a gateway's ring must be able to carry in a message.
const MinMessage = 256

// frameBytes is what a message of n bytes takes in a ring.
func frameBytes(n int) int { return (n + 8 + 63) &^ 63 }

// AppendCheckpoint appends the messages of a checkpoint, none longer than maxMessage bytes,
// which is at least MinMessage. They are to be published as one snapshot
// (ring.Publisher.PublishSnapshot), and are good until the state changes. It does not
// allocate if msgs has room.
func (s *State) AppendCheckpoint(msgs []ring.Outgoing, maxMessage int) []ring.Outgoing {
	s.forget()
	s.header = Checkpoint{Seq: s.seq, Layout: CheckpointLayout,
		Sessions: uint32(len(s.sessions)), Positions: uint32(len(s.positions)),
		Orders: uint32(len(s.orders)), Requests: uint32(len(s.requests)), Killed: s.killed}
	msgs = append(msgs, ring.Outgoing{Type: uint16(MsgCheckpoint), Data: s.header.Bytes()})
	msgs = appendRows(msgs, MsgCheckpointSessions, s.sessions, maxMessage)
	msgs = appendRows(msgs, MsgCheckpointPositions, s.positions, maxMessage)
	msgs = appendRows(msgs, MsgCheckpointOrders, s.orders, maxMessage)
	return appendRows(msgs, MsgCheckpointRequests, s.requests, maxMessage)
}

func appendRows[T row](msgs []ring.Outgoing, typ MsgType, rows []T, maxMessage int) []ring.Outgoing {
	most := max(maxMessage/rowSize[T](), 1)
	for len(rows) > 0 {
		n := min(most, len(rows))
		msgs = append(msgs, ring.Outgoing{Type: uint16(typ), Data: rowBytes(rows[:n])})
		rows = rows[n:]
	}
	return msgs
}

// CheckpointBytes returns what a checkpoint takes in the ring, as frames, if messages may have
// maxMessage bytes.
func (s *State) CheckpointBytes(maxMessage int) int {
	return frameBytes(Size) + rowFrames(s.sessions, maxMessage) + rowFrames(s.positions, maxMessage) +
		rowFrames(s.orders, maxMessage) + rowFrames(s.requests, maxMessage)
}

func rowFrames[T row](rows []T, maxMessage int) int {
	size := rowSize[T]()
	most := max(maxMessage/size, 1)
	n := len(rows) / most * frameBytes(most*size)
	if rest := len(rows) % most; rest != 0 {
		n += frameBytes(rest * size)
	}
	return n
}

// Skip goes past the n messages of the checkpoint that AppendCheckpoint has made of this
// very state and that were published as message Seq()+1 and following: what its publisher
// does instead of applying them.
func (s *State) Skip(n int) { s.done(s.seq + uint64(n)) }

// inUse says whether a position is worth keeping: anything was traded, or may be.
func (p *Position) inUse() bool { return p.Bought|p.Sold|p.OpenBuy|p.OpenSell != 0 }

func (s *State) positionsInUse() (n int) {
	for i := range s.positions {
		if s.positions[i].inUse() {
			n++
		}
	}
	return n
}

// forget takes out the positions of which nothing is left but that there was an order, so that
// who tries many instruments does not fill the checkpoints. Everybody does so at a checkpoint.
func (s *State) forget() {
	if s.positionsInUse() == len(s.positions) {
		return
	}
	kept := s.positions[:0]
	for i := range s.positions {
		if s.positions[i].inUse() {
			kept = append(kept, s.positions[i])
		}
	}
	s.positions = kept
	s.positionRows.clear()
	for i := range kept {
		s.positionRows.put(uint32(kept[i].Strategy), uint64(kept[i].SecurityID), i)
	}
	for i := range s.orders {
		s.links[i].position = int32(s.position(s.orders[i].Strategy, s.orders[i].SecurityID))
	}
}

// snapshot is a checkpoint that is being read.
type snapshot struct {
	on     bool
	verify bool // the state goes on; the rows have to be its own
	start  uint64
	header Checkpoint
	left   [4]uint32 // rows to come, by type
	same   [4]int    // rows that were the state's
}

func (s *State) applyCheckpoint(seq uint64, c *Checkpoint) error {
	const typ = MsgCheckpoint
	switch {
	case s.begun || s.snap.on:
		if err := s.next(seq, typ); err != nil {
			return err
		}
	case seq == 0:
		return s.journal(seq, typ, "messages count from 1")
	}
	left := [4]uint32{c.Sessions, c.Positions, c.Orders, c.Requests}
	switch {
	case c.Layout != CheckpointLayout:
		return s.journal(seq, typ, "its rows are of layout %d, this program's of layout %d; use the program that wrote it", c.Layout, CheckpointLayout)
	case c.Seq != seq-1:
		return s.journal(seq, typ, "it is the state after message %d", c.Seq)
	case !c.Killed.valid():
		return s.journal(seq, typ, "killed %d", c.Killed)
	}
	if s.bounds.Strategy == 0 {
		for _, n := range left {
			if uint64(n) > uint64(s.bounds.Rows) {
				return s.journal(seq, typ, "%d rows of a kind, which is more than %d", n, s.bounds.Rows)
			}
		}
	}
	if s.begun {
		own := [4]uint32{uint32(len(s.sessions)), uint32(s.positionsInUse()), uint32(len(s.orders)), uint32(len(s.requests))}
		if c.Killed != s.killed || s.bounds.Strategy == 0 && own != left {
			return s.journal(seq, typ, "killed %d, rows %d; what was read before it makes killed %d, rows %d", c.Killed, left, s.killed, own)
		}
	}
	s.snap = snapshot{on: true, verify: s.begun, start: seq, header: *c, left: left}
	if s.begun {
		s.forget()
	} else {
		s.killed = c.Killed
	}
	s.done(seq)
	return s.endSnapshot(seq, typ)
}

// broken gives a checkpoint up: the state is as it was before it.
func (s *State) broken(err error) error {
	if s.snap.verify {
		s.seq = s.snap.start - 1
		s.snap = snapshot{}
	} else {
		s.Reset()
	}
	return err
}

func (s *State) applyRows(seq uint64, typ MsgType, msg []byte) error {
	if seq != s.seq+1 || !s.snap.on {
		return s.journal(seq, typ, "rows, but the next message is %d, and begins no checkpoint", s.seq+1)
	}
	kind := int(typ - MsgCheckpointSessions)
	for k, left := range s.snap.left {
		if left != 0 && k < kind {
			return s.broken(s.journal(seq, typ, "rows before all of type %s have come", MsgCheckpointSessions+MsgType(k)))
		}
	}
	var why string
	switch typ {
	case MsgCheckpointSessions:
		why = applyRowsOf(s, kind, msg, (*State).sessionRow)
	case MsgCheckpointPositions:
		why = applyRowsOf(s, kind, msg, (*State).positionRow)
	case MsgCheckpointOrders:
		why = applyRowsOf(s, kind, msg, (*State).orderRow)
	default:
		why = applyRowsOf(s, kind, msg, (*State).requestRow)
	}
	if why != "" {
		return s.broken(s.journal(seq, typ, "%s", why))
	}
	s.seq = seq
	return s.endSnapshot(seq, typ)
}

// applyRowsOf takes the rows of a message one by one. take is told whether the row is only
// to be held against the state's; it returns whether it is one that the state keeps, and
// what is wrong with it.
func applyRowsOf[T row](s *State, kind int, msg []byte, take func(*State, *T, bool) (bool, string)) string {
	size := rowSize[T]()
	if len(msg) == 0 || len(msg)%size != 0 {
		return "not a whole number of rows"
	}
	n := len(msg) / size
	if uint64(n) > uint64(s.snap.left[kind]) {
		return "more rows than the checkpoint has"
	}
	s.snap.left[kind] -= uint32(n)
	rows := rowsOf[T](msg)
	for i := range rows {
		kept, why := take(s, &rows[i], s.snap.verify)
		if why != "" {
			return why
		}
		if kept {
			s.snap.same[kind]++
		}
	}
	return ""
}

const differs = "a row is not what was read before it makes of it"

func (s *State) sessionRow(r *Session, verify bool) (bool, string) {
	if !s.keeps(r.Ring) {
		return false, ""
	}
	i := s.session(r.Ring)
	if verify {
		if i < 0 {
			return true, differs
		}
		own := &s.sessions[i]
		was := own.Rate
		own.Rate = r.Rate
		if *own != *r {
			own.Rate = was
			return true, differs
		}
		return true, ""
	}
	if i >= 0 || r.Ring == RingGateway || r.Status > SessionDown || !r.Killed.valid() || r.Open < 0 {
		return true, "not a session"
	}
	if len(s.sessions) >= s.bounds.Rows {
		return true, "more rows than there may be"
	}
	*s.addSession(r.Ring) = *r
	return true, ""
}

func (s *State) positionRow(r *Position, verify bool) (bool, string) {
	if !s.follows(r.Strategy) {
		return false, ""
	}
	own := s.Position(r.Strategy, r.SecurityID)
	if verify {
		if own == nil || *own != *r {
			return true, differs
		}
		return true, ""
	}
	if own != nil || r.Strategy == 0 || r.Strategy > MaxStrategy || r.Net != r.Bought-r.Sold ||
		r.Bought < 0 || r.Sold < 0 || r.OpenBuy < 0 || r.OpenSell < 0 {
		return true, "not a position"
	}
	if len(s.positions) >= s.bounds.Rows {
		return true, "more rows than there may be"
	}
	s.positions[s.position(r.Strategy, r.SecurityID)] = *r
	return true, ""
}

func (s *State) orderRow(r *Order, verify bool) (bool, string) {
	if !s.follows(r.Strategy) {
		return false, ""
	}
	if verify {
		own := s.Order(r.Strategy, r.ClOrdID)
		if own == nil || *own != *r {
			return true, differs
		}
		return true, ""
	}
	if why := s.checkOrderRow(r); why != "" {
		return true, why
	}
	if len(s.orders) >= s.bounds.Rows {
		return true, "more rows than there may be"
	}
	*s.roomForOrder() = *r
	s.addOrder()
	return true, ""
}

func (s *State) checkOrderRow(r *Order) string {
	p := &r.Pending
	terms := Request{Price: r.Price, OrderQty: r.OrderQty, Side: r.Side, OrdType: r.OrdType, TimeInForce: r.TimeInForce, Flags: r.Flags}
	switch {
	case r.Strategy == 0 || r.Strategy > MaxStrategy || r.ClOrdID == 0 || r.ClOrdID >= GatewayBit,
		r.OrderID == 0 || r.OrderID > s.snap.header.Seq || r.Priority < r.OrderID || r.Priority > s.snap.header.Seq,
		terms.checkTerms() != TextNone || r.CumQty < 0 || r.CumQty >= r.OrderQty,
		r.Closed != 0 || r.Venue > VenueAnswered|VenueAccepted|VenueInDoubt|VenuePendingAnswered:
		return "not an open order"
	case p.Kind == PendingNone:
		if *p != (Pending{}) || r.Venue&VenuePendingAnswered != 0 {
			return "not an open order"
		}
	case p.Kind != PendingCancel && p.Kind != PendingReplace, p.Seq <= r.OrderID || p.Seq > s.snap.header.Seq,
		p.ClOrdID == 0 || p.ClOrdID == r.ClOrdID || p.OrderQty < 0:
		return "not a pending request"
	case s.orderRows.find(uint32(r.Strategy), p.ClOrdID) >= 0:
		return "a ClOrdID twice"
	}
	if s.orderRows.find(uint32(r.Strategy), r.ClOrdID) >= 0 {
		return "a ClOrdID twice"
	}
	if s.Position(r.Strategy, r.SecurityID) == nil || s.Session(r.Strategy) == nil {
		return "an order without its position and session"
	}
	return ""
}

func (s *State) requestRow(r *Unanswered, verify bool) (bool, string) {
	if !s.follows(r.Strategy) {
		return false, ""
	}
	row := s.orderRows.find(uint32(r.Strategy), r.ClOrdID)
	if verify {
		if row < unansweredRow || s.requests[row-unansweredRow] != *r {
			return true, differs
		}
		return true, ""
	}
	if row >= 0 || r.Strategy == 0 || r.Strategy > MaxStrategy || r.ClOrdID == 0 || r.Answered > 1 ||
		r.Kind != PendingCancel && r.Kind != PendingReplace || r.Seq > s.snap.header.Seq {
		return true, "not a request"
	}
	if len(s.requests) >= s.bounds.Rows {
		return true, "more rows than there may be"
	}
	s.orderRows.put(uint32(r.Strategy), r.ClOrdID, unansweredRow+len(s.requests))
	s.requests = append(s.requests, *r)
	return true, ""
}

// endSnapshot ends the checkpoint if all its rows have come.
func (s *State) endSnapshot(seq uint64, typ MsgType) error {
	if s.snap.left != [4]uint32{} {
		return nil
	}
	own := [4]int{len(s.sessions), len(s.positions), len(s.orders), len(s.requests)}
	if s.snap.verify {
		if own != s.snap.same {
			return s.broken(s.journal(seq, typ, "the checkpoint has %d rows of the state's %d", s.snap.same, own))
		}
	} else if why := s.sum(); why != "" {
		return s.broken(s.journal(seq, typ, "%s", why))
	}
	s.snap = snapshot{}
	return nil
}

// sum holds the sums of a state that was taken over against the rows they are of.
func (s *State) sum() string {
	s.unanswered, s.above = 0, false
	for i := range s.orders {
		o, in := &s.orders[i], &s.sessions[s.links[i].session]
		s.unanswered += o.waiting()
		s.above = s.above || o.ClOrdID > in.LastClOrdID || above(o.Pending.ClOrdID, in)
		in.Open--
		s.positions[s.links[i].position].addExposure(o.Side, -o.exposure())
	}
	for i := range s.requests {
		u := &s.requests[i]
		s.unanswered += 1 - int(u.Answered)
		in := s.Session(u.Strategy)
		s.above = s.above || in == nil || above(u.ClOrdID, in)
	}
	for i := range s.sessions {
		if s.sessions[i].Open != 0 {
			return "a session's count of open orders is not theirs"
		}
	}
	for i := range s.positions {
		if p := &s.positions[i]; p.OpenBuy != 0 || p.OpenSell != 0 {
			return "what a position says of open orders is not theirs"
		}
	}
	for i := range s.orders {
		o := &s.orders[i]
		s.sessions[s.links[i].session].Open++
		s.positions[s.links[i].position].addExposure(o.Side, o.exposure())
	}
	return ""
}

// above says whether a strategy's request has a ClOrdID above the last one of its session.
func above(clOrdID uint64, in *Session) bool { return clOrdID < GatewayBit && clOrdID > in.LastClOrdID }

func (k Kill) valid() bool { return k == 0 || k == KillEngaged || k == KillEngaged|KillCancels }
