package audit

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// Config says what to audit.
type Config struct {
	Dir     string // of rings; empty: ring.DefaultDir
	Gateway string
	Venue   string

	// Name makes the auditor a named subscriber on every ring. If it is a gate of all of
	// them from their first message on, it loses nothing, and publishers wait for it. Empty:
	// it leaves no trace.
	Name string

	// Faults is how many faults are kept; all are counted. 0: 20.
	Faults int
}

// Auditor follows the rings of one gateway. Its methods are for one goroutine.
type Auditor struct {
	cfg     Config
	journal *stream
	inputs  map[uint16]*stream // by number: strategies, operator, venue
	book    book
	figures Figures
	faults  []Fault

	venueAt  uint64 // the request that the venue's last report was about; 0: its own, or none
	forwards []*request
	status   uint64          // GatewaySeq of the venue's last status
	begin    uint64          // the first message of G that the books know
	killed   map[uint16]bool // kill switches that are engaged, by strategy; 0: of all

	fold   *order.State // what the programs themselves make of G
	folded bool         // G does not contradict it up to here
}

// request is one that G has forwarded.
type request struct {
	seq      uint64 // in G
	typ      order.MsgType
	strategy uint16
	cl, orig uint64
	qty      int32
	price    int64
	flags    order.Flags
	epoch    uint16
	order    *entry // nil: of an order that is older than what was read
	reported bool   // the venue has said something about it
	answered bool   // and granted or refused it
}

// Open begins an audit. The gateway's ring must be there; the others may come later.
//
// Errors: those of ring.Open.
func Open(cfg Config) (*Auditor, error) {
	if cfg.Faults == 0 {
		cfg.Faults = 20
	}
	a := &Auditor{cfg: cfg, inputs: map[uint16]*stream{}}
	a.forget()
	a.figures.Strategies = map[uint16]*Counts{}
	a.journal = &stream{ring: cfg.Gateway}
	if err := a.journal.open(cfg); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	a.figures.Whole = a.journal.first == 1
	return a, nil
}

// Close lets go of the rings.
func (a *Auditor) Close() {
	a.journal.close()
	for _, s := range a.inputs {
		s.close()
	}
}

// Faults returns the first that were found.
func (a *Auditor) Faults() []Fault { return a.faults }

// Step checks the frames of G that are there, at most so many, and returns how many.
//
// Errors are those of reading, which end the audit. What is wrong in the rings is a [Fault].
func (a *Auditor) Step(atMost int) (int, error) {
	for n := range atMost {
		m, err := a.journal.read()
		if err != nil || m == nil {
			return n, err
		}
		if err := a.frame(m); err != nil {
			return n, err
		}
		a.foldIn(m)
	}
	return atMost, nil
}

// frame checks a frame of G.
func (a *Auditor) frame(m *message) error {
	if a.journal.next != 0 && m.seq != a.journal.next {
		a.overwritten(m, "messages %d to %d of %s were overwritten before they were read", a.journal.next, m.seq-1, a.cfg.Gateway)
		a.forget()
	}
	a.journal.next = m.seq + 1
	if a.begin == 0 {
		a.begin = m.seq
	}
	a.figures.Frames++
	switch m.typ {
	case order.MsgCheckpoint, order.MsgCheckpointSessions, order.MsgCheckpointPositions, order.MsgCheckpointOrders, order.MsgCheckpointRequests:
		a.figures.Checkpoints++
		return nil
	case order.MsgSessionStatus:
		return a.session(m)
	}
	o, ok := originOf(m)
	if !ok {
		a.fault(a.journal, m, "type %#x of %d bytes is nothing that a gateway publishes", uint16(m.typ), len(m.data))
		return nil
	}
	if o.Ring == order.RingGateway || o.Seq == 0 && m.typ == order.MsgOrderCancelRequest {
		return a.own(m, o)
	}
	return a.judge(m, o.Ring, o.Seq)
}

// judge checks a frame that comes from message low (the low half of its number) of input
// number.
func (a *Auditor) judge(m *message, number uint16, low uint32) error {
	s, err := a.input(number)
	if err != nil {
		return err
	}
	if s == nil {
		a.fault(a.journal, m, "comes from ring %s, which is not there", a.ringName(number))
		return nil
	}
	if s.next == 0 { // where the audit begins
		if err := s.begin(low); err != nil {
			return err
		}
	}
	seq := s.next + uint64(int64(int32(low-uint32(s.next))))
	switch {
	case seq < s.next:
		a.fault(a.journal, m, "message %d of %s was judged before: a frame twice", seq, s.ring)
		return nil
	case seq > s.next:
		a.fault(a.journal, m, "comes from message %d of %s, but %d to %d have no frame", seq, s.ring, s.next, seq-1)
	}
	s.next = seq + 1
	in, err := s.take(seq)
	if err != nil {
		return err
	}
	if in == nil {
		if s.isThere(seq) {
			a.figures.Unseen++
			a.overwritten(m, "message %d of %s was overwritten before it was read", seq, s.ring)
		} else {
			a.fault(a.journal, m, "comes from message %d of %s, which does not exist: the last is %d", seq, s.ring, s.newest)
			return nil
		}
	}
	switch number {
	case order.RingVenue:
		a.venue(m, in, s)
	case order.RingOperator:
		a.figures.Commands++
		if m.typ != order.MsgKillSwitch && m.typ != order.MsgBusinessMessageReject {
			a.fault(a.journal, m, "comes from the operator, and is no KillSwitch")
		} else if m.typ == order.MsgKillSwitch {
			a.killSwitch(m, in)
		}
	default:
		a.strategy(m, in, s, number)
	}
	return nil
}

// forget begins with empty books, at whatever comes next.
func (a *Auditor) forget() {
	a.book = book{a: a, orders: map[uint64]*entry{}, current: map[name]*entry{}, last: map[uint16]uint64{}, net: map[holding]int64{}}
	a.forwards, a.venueAt, a.status, a.begin, a.killed = nil, 0, 0, 0, map[uint16]bool{}
	a.fold, a.folded = order.NewState(order.Bounds{}), true
	for _, s := range a.inputs {
		s.next, s.told, s.epoch, s.cl = 0, 0, 0, 0
	}
}

// overwritten notes that not everything can be read: a fault where everybody was to wait for
// the auditor.
func (a *Auditor) overwritten(m *message, format string, args ...any) {
	if a.cfg.Name != "" && a.figures.Whole {
		a.fault(a.journal, m, format, args...)
	}
	a.figures.Whole = false
}

// input returns the stream of a ring by its number, nil if there is no such ring.
func (a *Auditor) input(number uint16) (*stream, error) {
	if s := a.inputs[number]; s != nil {
		return s, nil
	}
	s := &stream{ring: a.ringName(number), number: number}
	switch err := s.open(a.cfg); {
	case errors.Is(err, ring.ErrNoRing):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("audit: %w", err)
	}
	if a.figures.Whole {
		s.next = 1
	}
	a.inputs[number] = s
	return s, nil
}

func (a *Auditor) ringName(number uint16) string {
	if number == order.RingVenue {
		return a.cfg.Venue
	}
	return order.InputRing(a.cfg.Gateway, number)
}

// session checks what the gateway says of an input.
func (a *Auditor) session(m *message) error {
	st := decode[order.SessionStatus](m)
	a.figures.Sessions++
	s, err := a.input(st.Ring)
	if err != nil {
		return err
	}
	if s == nil {
		// It was removed; the gateway says that it is gone.
		if st.Status != order.SessionDown {
			a.fault(a.journal, m, "tells of ring %s, which is not there", a.ringName(st.Ring))
		}
		return nil
	}
	if st.RingID != s.id && st.RingID != 0 && st.Status == order.SessionUp {
		if s.told != 0 { // the ring was removed and made again
			if st.Seq != 0 {
				a.fault(a.journal, m, "%s is another ring than before (%#x, not %#x), and begins at %d", s.ring, st.RingID, s.told, st.Seq)
			}
			if err := s.reopen(a.cfg); err != nil {
				return fmt.Errorf("audit: %w", err)
			}
			s.next, s.cl, s.epoch = 1, 0, 0 // epochs begin with 1 again
			delete(a.book.last, st.Ring)
			for _, o := range a.book.orders {
				if o.strategy == st.Ring {
					o.epoch = 0 // of no process of the new ring
				}
			}
		}
	}
	s.told = st.RingID
	if s.next == 0 {
		s.next = st.Seq + 1
	}
	if st.Seq != s.next-1 {
		a.fault(a.journal, m, "says that %s was judged up to %d; it was, up to %d", s.ring, st.Seq, s.next-1)
	}
	if st.Epoch < s.epoch {
		a.fault(a.journal, m, "the epoch of %s runs backwards, from %d to %d", s.ring, s.epoch, st.Epoch)
	}
	s.epoch, s.up = st.Epoch, st.Status == order.SessionUp
	return nil
}

// own checks what the gateway decided by itself.
func (a *Auditor) own(m *message, o order.Origin) error {
	if m.typ != order.MsgOrderCancelRequest {
		a.fault(a.journal, m, "comes from no input, and is none of the gateway's own")
		return nil
	}
	r := decode[order.Request](m)
	a.figures.OwnCancels++
	if r.ClOrdID != r.OrigClOrdID|1<<63 || o.Seq != 0 || o.Epoch != 0 {
		a.fault(a.journal, m, "the gateway's own cancel has another ClOrdID than that of its order with the top bit")
	}
	a.count(o.Ring).OwnCancels++
	a.forward(m, &r, o.Ring)
	return nil
}

// forward notes a request that G has forwarded.
func (a *Auditor) forward(m *message, r *order.Request, strategy uint16) {
	q := &request{seq: m.seq, typ: m.typ, strategy: strategy, cl: r.ClOrdID, orig: r.OrigClOrdID, qty: r.OrderQty, price: r.Price, flags: r.Flags, epoch: r.Origin.Epoch}
	a.forwards = append(a.forwards, q)
	a.book.forward(m, q, r)
}

// strategy checks a frame that comes from a strategy's request; in is nil if that could not
// be read.
func (a *Auditor) strategy(m, in *message, s *stream, number uint16) {
	c := a.count(number)
	c.Sent++
	if in != nil && len(in.data) == order.Size {
		r := decode[order.Request](in)
		if r.ClOrdID <= s.cl {
			a.figures.Reused++
		}
		s.cl = max(s.cl, r.ClOrdID)
	}
	switch m.typ {
	case order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest:
		r := decode[order.Request](m)
		c.Forwarded++
		if in != nil {
			a.sameRequest(m, in, &r)
		}
		if r.ClOrdID>>63 != 0 || r.ClOrdID == 0 {
			a.fault(a.journal, m, "ClOrdID %d is not for strategies", r.ClOrdID)
		}
		if last := a.book.last[number]; r.ClOrdID <= last {
			a.fault(a.journal, m, "ClOrdID %d is not above %d, which was forwarded before", r.ClOrdID, last)
		}
		a.book.last[number] = max(a.book.last[number], r.ClOrdID)
		if m.typ != order.MsgOrderCancelRequest && (a.killed[0] || a.killed[number]) {
			a.fault(a.journal, m, "is forwarded while the kill switch of strategy %d, or of all, is engaged", number)
		}
		a.forward(m, &r, number)
	case order.MsgExecutionReport, order.MsgOrderCancelReject, order.MsgBusinessMessageReject:
		c.Refused++
		a.refusal(m, in, number)
	default:
		a.fault(a.journal, m, "comes from a strategy, and is neither its request nor a refusal")
	}
}

// count returns the counts of a strategy.
func (a *Auditor) count(strategy uint16) *Counts {
	c := a.figures.Strategies[strategy]
	if c == nil {
		c = &Counts{}
		a.figures.Strategies[strategy] = c
	}
	return c
}

// Compare checks what must hold after any frame of G: that the venue's fills and those that G
// has passed on are the same, and that order.State has the same open orders and positions.
func (a *Auditor) Compare() {
	for _, id := range slices.Sorted(maps.Keys(a.book.orders)) {
		if o := a.book.orders[id]; o.sum != o.sumJournal {
			a.fault(a.journal, a.journal.past(o.id), "order %d: fills of %d in %s, of %d in %s", o.id, o.sum, a.cfg.Venue, o.sumJournal, a.cfg.Gateway)
		}
	}
	a.compareFold()
}

// Finish checks what must hold when everybody has come to rest: nothing is on its way. Step
// must have found nothing more to read.
func (a *Auditor) Finish() error {
	if err := a.findInputs(); err != nil {
		return err
	}
	for _, number := range slices.Sorted(maps.Keys(a.inputs)) {
		s := a.inputs[number]
		for {
			m, err := s.peek()
			if err != nil {
				return err
			}
			if m == nil {
				break
			}
			if s.next != 0 && m.seq >= s.next {
				a.figures.Unjudged++
				a.fault(s, m, "has no frame in %s, whose last is %d", a.cfg.Gateway, a.journal.next-1)
			}
			s.held = s.held[1:]
		}
	}
	for _, q := range a.forwards {
		if q.answered {
			continue
		}
		a.fault(a.journal, a.journal.past(q.seq), "request %d of %s (%c, strategy %d, ClOrdID %d) was never answered", q.seq, a.cfg.Gateway, rune(q.typ), q.strategy, q.cl)
	}
	a.Compare()
	for _, o := range a.orphans() {
		a.fault(a.journal, a.journal.past(o.id), "order %d of strategy %d is open, though its process has ended (epoch %d of %d) and it was to be canceled then", o.id, o.strategy, o.epoch, a.inputs[o.strategy].epoch)
	}
	return nil
}

// orphans returns the open orders that are to be canceled because their process has ended.
func (a *Auditor) orphans() []*entry {
	var all []*entry
	for _, id := range slices.Sorted(maps.Keys(a.book.orders)) {
		o := a.book.orders[id]
		s := a.inputs[o.strategy]
		if o.flags&order.CancelOnDisconnect != 0 && s != nil && s.epoch != 0 && (!s.up || o.epoch != uint16(s.epoch)) {
			all = append(all, o)
		}
	}
	return all
}

// Waiting says what is on its way.
type Waiting struct {
	Unread     uint64 // messages of G that the auditor has not read
	Unjudged   uint64 // messages of strategies, operator and venue that have no frame in G yet
	Unanswered uint64 // requests that the venue has not granted or refused
	Orphans    int    // open orders that are to be canceled because their strategy's process has ended
}

// Waiting looks at the rings, and says what is on its way at this moment.
//
// Errors: those of ring.Stat.
func (a *Auditor) Waiting() (Waiting, error) {
	if err := a.findInputs(); err != nil {
		return Waiting{}, err
	}
	w := Waiting{Unanswered: a.Figures().Unanswered, Orphans: len(a.orphans())}
	g, err := ring.Stat(a.cfg.Dir, a.cfg.Gateway)
	if err == nil {
		err = g.Err
	}
	if err != nil {
		return w, fmt.Errorf("audit: %w", err)
	}
	w.Unread = g.Last + 1 - max(a.journal.next, 1)
	for _, s := range a.inputs {
		i, err := ring.Stat(a.cfg.Dir, s.ring)
		if err == nil {
			err = i.Err
		}
		if err != nil {
			return w, fmt.Errorf("audit: %w", err)
		}
		if s.next != 0 && i.Last >= s.next {
			w.Unjudged += i.Last + 1 - s.next
		}
	}
	return w, nil
}

// findInputs opens the rings that G has not spoken of.
func (a *Auditor) findInputs() error {
	names, err := ring.List(a.cfg.Dir)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	for _, name := range names {
		number, ok := order.InputNumber(a.cfg.Gateway, name)
		if name == a.cfg.Venue {
			number, ok = order.RingVenue, true
		}
		if ok {
			if _, err := a.input(number); err != nil {
				return err
			}
		}
	}
	return nil
}
