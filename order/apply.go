package order

import "fmt"

// Apply applies message seq of the gateway's ring, which has to be the next one.
//
// Errors: [ErrJournal] if it does not fit: another number, an unknown type or length, an
// input that was skipped or judged twice, a request or report that the state does not
// allow. The state is unchanged then; if it was within its first checkpoint, empty.
func (s *State) Apply(seq uint64, typ MsgType, msg []byte) error {
	if typ >= MsgCheckpointSessions && typ <= MsgCheckpointRequests {
		return s.applyRows(seq, typ, msg)
	}
	if len(msg) != Size {
		return s.journal(seq, typ, "it has %d bytes", len(msg))
	}
	switch typ {
	case MsgNewOrderSingle, MsgOrderCancelRequest, MsgOrderCancelReplaceRequest:
		return s.ApplyRequest(seq, typ, view[Request](msg))
	case MsgExecutionReport:
		return s.ApplyReport(seq, view[ExecutionReport](msg))
	case MsgOrderCancelReject:
		return s.ApplyCancelReject(seq, view[OrderCancelReject](msg))
	case MsgBusinessMessageReject:
		return s.ApplyBusinessReject(seq, view[BusinessMessageReject](msg))
	case MsgSessionStatus:
		return s.ApplySession(seq, view[SessionStatus](msg))
	case MsgKillSwitch:
		return s.ApplyKill(seq, view[KillSwitch](msg))
	case MsgVenueStatus:
		return s.ApplyVenueStatus(seq, view[VenueStatus](msg))
	case MsgCheckpoint:
		return s.applyCheckpoint(seq, view[Checkpoint](msg))
	}
	return s.journal(seq, typ, "no message of a gateway's ring")
}

// next says why message seq cannot be the next one.
func (s *State) next(seq uint64, typ MsgType) error {
	switch {
	case s.snap.on:
		return s.journal(seq, typ, "it comes within a checkpoint")
	case seq != s.seq+1:
		return s.journal(seq, typ, "the next message is %d", s.seq+1)
	}
	return nil
}

// done counts message seq, which was about no order.
func (s *State) done(seq uint64) { s.seq, s.begun, s.touched = seq, true, touchedNone }

// input returns the session whose next message the origin names; nil and why: it does not.
// A session that is not kept is nil without a reason.
func (s *State) input(seq uint64, typ MsgType, o Origin) (*Session, error) {
	if !s.keeps(o.Ring) {
		return nil, nil
	}
	i := s.session(o.Ring)
	if i < 0 {
		return nil, s.journal(seq, typ, "input %d was never announced", o.Ring)
	}
	in := &s.sessions[i]
	if o.Seq != uint32(in.Seq+1) {
		return nil, s.journal(seq, typ, "it is for message %d (low half) of input %d, whose next one is %d", o.Seq, o.Ring, in.Seq+1)
	}
	return in, nil
}

// ApplyRequest applies a request that the gateway has forwarded.
func (s *State) ApplyRequest(seq uint64, typ MsgType, r *Request) error {
	if err := s.next(seq, typ); err != nil {
		return err
	}
	strategy := r.Origin.Ring
	if strategy == RingGateway || strategy > MaxStrategy {
		return s.journal(seq, typ, "no strategy has number %d", strategy)
	}
	if !s.follows(strategy) {
		s.done(seq)
		return nil
	}
	i := s.session(strategy)
	if i < 0 {
		return s.journal(seq, typ, "input %d was never announced", strategy)
	}
	in, own := &s.sessions[i], r.ByGateway()
	if !own && r.Origin.Seq != uint32(in.Seq+1) {
		return s.journal(seq, typ, "it is message %d (low half) of input %d, whose next one is %d", r.Origin.Seq, strategy, in.Seq+1)
	}
	if text := r.Check(typ); text != TextNone {
		return s.journal(seq, typ, "request %d of strategy %d was forwarded: %s", r.ClOrdID, strategy, text)
	}
	text, row := s.checkRequest(typ, r, in)
	if text != TextNone {
		return s.journal(seq, typ, "request %d of strategy %d was forwarded: %s", r.ClOrdID, strategy, text)
	}
	s.done(seq)
	if !own {
		in.Seq++
		in.Forwarded++
		in.LastClOrdID = r.ClOrdID
		if r.Origin.Epoch != in.LastEpoch {
			in.LastEpoch, in.LastMdSeq = r.Origin.Epoch, 0
		}
		if r.MdSeq != 0 {
			in.LastMdSeq = r.MdSeq
		}
	}
	s.unanswered++
	if typ == MsgNewOrderSingle {
		s.touched = len(s.orders)
		s.roomForOrder().begin(seq, r)
		s.addOrder()
		in.Open++
		s.positions[s.links[s.touched].position].addExposure(r.Side, int64(r.OrderQty))
		return nil
	}
	o := &s.orders[row]
	before := o.exposure()
	o.request(seq, typ, r)
	s.orderRows.put(uint32(strategy), r.ClOrdID, row)
	if more := o.exposure() - before; more != 0 {
		s.positions[s.links[row].position].addExposure(o.Side, more)
	}
	s.touched = row
	return nil
}

// refused counts a request that the gateway has refused.
func (in *Session) refused(clOrdID uint64) {
	in.Seq++
	in.Refused++
	if clOrdID > in.LastClOrdID && clOrdID < GatewayBit {
		in.LastClOrdID = clOrdID
	}
}

// ApplyReport applies an ExecutionReport: the venue's, or the gateway's refusal of a new order.
func (s *State) ApplyReport(seq uint64, er *ExecutionReport) error {
	const typ = MsgExecutionReport
	if err := s.next(seq, typ); err != nil {
		return err
	}
	in, err := s.input(seq, typ, er.Origin)
	if err != nil {
		return err
	}
	if er.Origin.Ring != RingVenue {
		if er.ExecType != ExecRejected || er.OrdStatus != StatusRejected || er.Strategy != er.Origin.Ring || er.Strategy > MaxStrategy {
			return s.journal(seq, typ, "it answers input %d, but is no refusal of it", er.Origin.Ring)
		}
		if in != nil {
			in.refused(er.ClOrdID)
		}
		s.done(seq)
		return nil
	}
	row := -1
	if s.follows(er.Strategy) {
		var why string
		if row, why = s.findReported(er); why != "" {
			return fmt.Errorf("order: message %d (%s): %w (%w)", seq, typ, ErrJournal, s.refuseReport(er, row, why))
		}
	}
	s.done(seq)
	in.Seq++
	in.Forwarded++
	if row >= 0 {
		s.report(row, er)
	}
	return nil
}

// findReported returns the row of the order that a report is about; why it does not fit
// otherwise, and the row if there is an order.
func (s *State) findReported(er *ExecutionReport) (int, string) {
	row := s.orderRows.find(uint32(er.Strategy), er.ClOrdID)
	if row < 0 || row >= unansweredRow {
		return s.findOutlived(er, row)
	}
	return row, s.orders[row].objection(er)
}

// findOutlived is for what the venue says of a request that outlived its order: that it is
// on its way, or in doubt. That changes nothing of an order.
func (s *State) findOutlived(er *ExecutionReport, row int) (int, string) {
	if row < 0 {
		return -1, "there is no such open order"
	}
	u := &s.requests[row-unansweredRow]
	onItsWay := er.ExecType == ExecPendingCancel && u.Kind == PendingCancel ||
		er.ExecType == ExecPendingReplace && u.Kind == PendingReplace || er.ExecType == ExecOrderStatus
	if !onItsWay || er.OrderID != u.OrderID || er.SecurityID != u.SecurityID || er.LastQty != 0 || er.LeavesQty != 0 {
		return -1, "the order is closed; only its request is to be answered yet"
	}
	return row, ""
}

func (s *State) refuseReport(er *ExecutionReport, row int, why string) error {
	if row >= 0 && row < unansweredRow {
		return s.orders[row].refuse(er, why)
	}
	return fmt.Errorf("order: report of ExecType %s for request %d, order %d of strategy %d: %s: %w",
		er.ExecType, er.ClOrdID, er.OrderID, er.Strategy, why, ErrTransition)
}

// report applies a report of the venue that fits.
func (s *State) report(row int, er *ExecutionReport) {
	if row >= unansweredRow {
		u := &s.requests[row-unansweredRow]
		s.unanswered -= 1 - int(u.Answered)
		u.Answered = 1
		return
	}
	o := &s.orders[row]
	exposure, waiting, clOrdID, pending := o.exposure(), o.waiting(), o.ClOrdID, o.Pending.ClOrdID
	o.report(er)
	s.unanswered += o.waiting() - waiting
	if o.Pending.ClOrdID != pending { // answered: one of the two ids is no more
		if o.ClOrdID == pending {
			pending = clOrdID
		}
		s.orderRows.remove(uint32(o.Strategy), pending)
	}
	fill := er.ExecType == ExecTrade
	more := o.exposure() - exposure
	if fill || more != 0 {
		p := &s.positions[s.links[row].position]
		p.addExposure(o.Side, more)
		if fill {
			p.fill(o.Side, er.LastPx, int64(er.LastQty))
		}
	}
	in := &s.sessions[s.links[row].session]
	in.Reports++
	if fill {
		in.Fills++
	}
	if o.Closed != 0 {
		in.Open--
		s.removeOrder(row)
		s.touched = touchedClosed
		return
	}
	s.touched = row
}

func (p *Position) fill(side Side, px, qty int64) {
	paid := mul(px, qty)
	if side == Buy {
		p.Net += qty
		p.Bought += qty
		p.Cash = p.Cash.Sub(paid)
	} else {
		p.Net -= qty
		p.Sold += qty
		p.Cash = p.Cash.Add(paid)
	}
}

// ApplyCancelReject applies an OrderCancelReject: the venue's, or the gateway's.
func (s *State) ApplyCancelReject(seq uint64, cr *OrderCancelReject) error {
	const typ = MsgOrderCancelReject
	if err := s.next(seq, typ); err != nil {
		return err
	}
	in, err := s.input(seq, typ, cr.Origin)
	if err != nil {
		return err
	}
	if cr.Origin.Ring != RingVenue {
		if cr.Strategy != cr.Origin.Ring || cr.Strategy == 0 || cr.Strategy > MaxStrategy {
			return s.journal(seq, typ, "it answers input %d, but is for strategy %d", cr.Origin.Ring, cr.Strategy)
		}
		if in != nil {
			in.refused(cr.ClOrdID)
		}
		s.done(seq)
		return nil
	}
	row := -1
	if s.follows(cr.Strategy) {
		var why string
		if row, why = s.findRejected(cr); why != "" {
			return fmt.Errorf("order: message %d (%s): %w (%w)", seq, typ, ErrJournal, s.refuseReject(cr, row, why))
		}
	}
	s.done(seq)
	in.Seq++
	in.Forwarded++
	if row >= 0 {
		s.cancelReject(row, cr)
	}
	return nil
}

// findRejected returns the row of the order, or of the request that outlived it, that an
// OrderCancelReject is about.
func (s *State) findRejected(cr *OrderCancelReject) (int, string) {
	row := s.orderRows.find(uint32(cr.Strategy), cr.ClOrdID)
	switch {
	case row < 0:
		return -1, "no request of this ClOrdID is pending"
	case row < unansweredRow:
		return row, s.orders[row].objectionToReject(cr)
	}
	u := &s.requests[row-unansweredRow]
	return row, objectionToReject(cr, u.Kind, u.OrigClOrdID, u.OrderID, u.SecurityID)
}

func (s *State) refuseReject(cr *OrderCancelReject, row int, why string) error {
	return fmt.Errorf("order: OrderCancelReject of request %d, order %d of strategy %d: %s: %w",
		cr.ClOrdID, cr.OrderID, cr.Strategy, why, ErrTransition)
}

func (s *State) cancelReject(row int, cr *OrderCancelReject) {
	if i := s.session(cr.Strategy); i >= 0 {
		s.sessions[i].Reports++
	}
	if row >= unansweredRow {
		u := &s.requests[row-unansweredRow]
		s.unanswered -= 1 - int(u.Answered)
		s.removeRequest(row - unansweredRow)
		return
	}
	o := &s.orders[row]
	exposure, waiting := o.exposure(), o.waiting()
	s.orderRows.remove(uint32(o.Strategy), o.Pending.ClOrdID)
	o.cancelReject()
	s.unanswered += o.waiting() - waiting
	if more := o.exposure() - exposure; more != 0 {
		s.positions[s.links[row].position].addExposure(o.Side, more)
	}
	s.touched = row
}

// ApplyBusinessReject applies a BusinessMessageReject: an input that was no proper message, or a
// report of the venue that did not fit.
func (s *State) ApplyBusinessReject(seq uint64, br *BusinessMessageReject) error {
	const typ = MsgBusinessMessageReject
	if err := s.next(seq, typ); err != nil {
		return err
	}
	in, err := s.input(seq, typ, br.Origin)
	if err != nil {
		return err
	}
	if in != nil {
		in.Seq++
		in.Refused++
	}
	s.done(seq)
	return nil
}

// ApplySession applies a SessionStatus.
func (s *State) ApplySession(seq uint64, ss *SessionStatus) error {
	const typ = MsgSessionStatus
	if err := s.next(seq, typ); err != nil {
		return err
	}
	if ss.Ring == RingGateway || ss.Status != SessionUp && ss.Status != SessionDown {
		return s.journal(seq, typ, "input %d, status %d", ss.Ring, ss.Status)
	}
	if !s.keeps(ss.Ring) {
		s.done(seq)
		return nil
	}
	i := s.session(ss.Ring)
	if i < 0 && len(s.sessions) >= s.bounds.Rows {
		return s.journal(seq, typ, "more than %d inputs", s.bounds.Rows)
	}
	if i >= 0 && s.sessions[i].RingID == ss.RingID {
		if in := &s.sessions[i]; in.Seq != ss.Seq || in.Epoch > ss.Epoch {
			return s.journal(seq, typ, "it has input %d at message %d of epoch %d, which is at %d of %d", ss.Ring, ss.Seq, ss.Epoch, in.Seq, in.Epoch)
		}
	}
	s.done(seq)
	var in *Session
	if i >= 0 {
		in = &s.sessions[i]
	} else {
		in = s.addSession(ss.Ring)
	}
	if in.RingID != ss.RingID { // a ring of its own: it begins anew
		s.above = s.above || in.RingID != 0
		s.disown(ss.Ring)
		in.RingID, in.LastClOrdID, in.LastMdSeq, in.LastEpoch = ss.RingID, 0, 0, 0
	}
	in.Seq, in.Epoch, in.Status = ss.Seq, ss.Epoch, ss.Status
	return nil
}

// disown sets the epoch of a strategy's orders to 0, which none has: the ring that it counted
// for is no more, and another one's begin with 1 again. Their process has ended.
func (s *State) disown(strategy uint16) {
	for i := range s.orders {
		if o := &s.orders[i]; o.Strategy == strategy {
			o.Epoch, o.Pending.Epoch = 0, 0
		}
	}
}

// ApplyKill applies a KillSwitch: the operator's, or the gateway's own.
func (s *State) ApplyKill(seq uint64, k *KillSwitch) error {
	const typ = MsgKillSwitch
	if err := s.next(seq, typ); err != nil {
		return err
	}
	var in *Session
	if k.Origin.Ring != RingGateway {
		var err error
		if k.Origin.Ring != RingOperator {
			return s.journal(seq, typ, "it came from input %d", k.Origin.Ring)
		}
		if in, err = s.input(seq, typ, k.Origin); err != nil {
			return err
		}
	}
	if k.Strategy > MaxStrategy || k.Engaged > 1 || k.Cancel > k.Engaged {
		return s.journal(seq, typ, "strategy %d, engaged %d, cancel %d", k.Strategy, k.Engaged, k.Cancel)
	}
	i := s.session(k.Strategy)
	if k.Strategy != 0 && i < 0 && len(s.sessions) >= s.bounds.Rows {
		return s.journal(seq, typ, "more than %d inputs", s.bounds.Rows)
	}
	s.done(seq)
	if in != nil {
		in.Seq++
		in.Forwarded++
	}
	killed := Kill(k.Engaged) * KillEngaged
	if k.Cancel != 0 {
		killed |= KillCancels
	}
	switch {
	case k.Strategy == 0:
		s.killed = killed
	case !s.follows(k.Strategy):
	case i < 0: // not seen yet: it will find itself killed
		s.addSession(k.Strategy).Killed = killed
	default:
		s.sessions[i].Killed = killed
	}
	return nil
}

// ApplyVenueStatus applies a VenueStatus.
func (s *State) ApplyVenueStatus(seq uint64, vs *VenueStatus) error {
	const typ = MsgVenueStatus
	if err := s.next(seq, typ); err != nil {
		return err
	}
	if vs.Origin.Ring != RingVenue {
		return s.journal(seq, typ, "it came from input %d", vs.Origin.Ring)
	}
	in, err := s.input(seq, typ, vs.Origin)
	if err != nil {
		return err
	}
	in.Seq++
	in.Forwarded++
	s.done(seq)
	return nil
}

// ApplyVenue applies message seq of the venue's own ring to the orders, as they will be when
// the gateway has passed it on. It is for the venue, who finds by it, after a restart,
// what became of its orders: those of the gateway's ring, and then what it said that the
// gateway has not read. Messages that the gateway has passed on are refused ([ErrJournal]),
// and so is what does not fit ([ErrTransition]). A state that this was done to follows the
// gateway's ring no further.
func (s *State) ApplyVenue(seq uint64, typ MsgType, msg []byte) error {
	i := s.session(RingVenue)
	if i >= 0 && seq <= s.sessions[i].Seq {
		return s.journal(seq, typ, "the gateway has passed on the venue's messages up to %d", s.sessions[i].Seq)
	}
	if len(msg) != Size {
		return s.journal(seq, typ, "it has %d bytes", len(msg))
	}
	s.touched = touchedNone
	switch typ {
	case MsgExecutionReport:
		er := view[ExecutionReport](msg)
		if err := s.CheckReport(er); err != nil {
			return err
		}
		if row, _ := s.findReported(er); s.follows(er.Strategy) {
			s.report(row, er)
		}
	case MsgOrderCancelReject:
		cr := view[OrderCancelReject](msg)
		if err := s.CheckCancelReject(cr); err != nil {
			return err
		}
		if row, _ := s.findRejected(cr); s.follows(cr.Strategy) {
			s.cancelReject(row, cr)
		}
	}
	if i >= 0 {
		s.sessions[i].Seq = seq
	}
	return nil
}
