package fix

import (
	"github.com/quickfixgo/quickfix"
)

// application is the session as quickfix sees it. Its methods are called by quickfix's
// goroutine and by the sender; they hand over what matters and know nothing of orders.
type application struct{ s *Session }

func (application) OnCreate(quickfix.SessionID)                   {}
func (application) ToAdmin(*quickfix.Message, quickfix.SessionID) {}

func (a application) OnLogon(quickfix.SessionID) {
	s := a.s
	s.up.Store(true)
	s.counts.logons.Add(1)
	s.arrived(inbound{kind: loggedOn})
	s.notify(Up, "%v is logged on", s.id)
}

// OnLogout is called when a logon fails, too.
func (a application) OnLogout(quickfix.SessionID) {
	s := a.s
	if s.up.Swap(false) {
		s.arrived(inbound{kind: loggedOut})
		s.notify(Down, "%v is down", s.id)
	}
}

// ToApp sees what goes out. What the venue asks for again is sent again if it is a question,
// and never if it is a request: it would be late, and it may have been told of otherwise.
func (a application) ToApp(m *quickfix.Message, _ quickfix.SessionID) error {
	typ, err := m.MsgType()
	if err != nil || len(typ) != 1 {
		return quickfix.ErrDoNotSend
	}
	text, err := m.Body.GetString(tagClOrdID)
	if err != nil {
		return quickfix.ErrDoNotSend
	}
	id, ok := parseClOrdID(text)
	if !ok {
		return quickfix.ErrDoNotSend // of another program that had this session
	}
	if again, _ := flag(m, tagPossDupFlag); again {
		if typ == "H" {
			return nil
		}
		a.s.counts.withheld.Add(1)
		a.s.arrived(inbound{kind: withheld, id: id, reqType: typ[0]})
		return quickfix.ErrDoNotSend
	}
	if seq, err := m.Header.GetInt(tagMsgSeqNum); err == nil {
		a.s.sent.put(seq, id, typ[0])
	}
	return nil
}

// FromAdmin sees the messages of the session itself: that it refused one of ours, or us.
func (a application) FromAdmin(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	switch typ, _ := m.MsgType(); typ {
	case msgTypeReject:
		a.refused(m)
	case msgTypeLogout:
		if text, err := m.Body.GetString(tagText); err == nil && text != "" {
			a.s.notify(Refused, "the venue logs out: %s", text)
		}
	}
	return nil
}

// FromApp sees the venue's reports. What cannot be read is refused, so that the venue knows.
func (a application) FromApp(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	typ, err := m.MsgType()
	if err != nil {
		return err
	}
	a.s.counts.reports.Add(1)
	var in inbound
	switch typ {
	case msgTypeExecution:
		in, err = parseExecution(m)
	case msgTypeCancelReject:
		in, err = parseCancelReject(m)
	case msgTypeBusinessReject:
		a.refused(m)
		return nil
	default:
		return quickfix.UnsupportedMessageType()
	}
	if err != nil {
		a.s.counts.unmatched.Add(1)
		a.s.notify(Unmatched, "a message of type %s cannot be read, and was refused: %v: %s", typ, err, printable(m))
		return err
	}
	a.s.arrived(in)
	return nil
}

// refused takes a Reject or BusinessMessageReject of one of our messages.
func (a application) refused(m *quickfix.Message) {
	in := inbound{kind: refused}
	typ, _ := m.Body.GetString(tagRefMsgType) // may be missing
	if text, err := m.Body.GetString(tagBusinessRejectID); err == nil {
		in.id, _ = parseClOrdID(text)
		if len(typ) == 1 {
			in.reqType = typ[0]
		}
	}
	if in.id == (clOrdID{}) {
		f := fields{body: &m.Body.FieldMap}
		// Another type: a message of the session, or the numbers began anew since.
		if row, ok := a.s.sent.get(f.number(tagRefSeqNum, 0)); ok && (typ == "" || typ == string(rune(row.typ))) {
			in.id, in.reqType = row.id, row.typ
		}
	}
	text, _ := m.Body.GetString(tagText)
	a.s.notify(Unmatched, "the venue refused a message (%s): %s", printable(m), text)
	if in.id != (clOrdID{}) {
		a.s.arrived(in)
	}
}

// arrived hands something over to Turn; while too much waits there, the socket waits.
func (s *Session) arrived(in inbound) {
	select {
	case s.in <- in:
	case <-s.stop:
	}
}
