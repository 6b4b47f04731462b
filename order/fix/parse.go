package fix

import (
	"strconv"
	"strings"

	"github.com/quickfixgo/quickfix"

	"github.com/tickring/tickring/order"
)

// inbound is what the session hands over to Turn.
type inbound struct {
	kind      inboundKind
	id, orig  clOrdID // of the message; zero: none, or not one of ours
	execType  order.ExecType
	ordStatus order.OrdStatus
	reqType   byte // MsgType of the request that was refused, withheld or not sent
	again     bool // PossDupFlag or PossResend
	priced    bool // there is a LastPx
	exact     bool // which is a multiple of 1e-9
	lastQty   int32
	cumQty    int32
	lastPx    int64
	avgPx     int64 // rounded
	ordRej    int
	cxlRej    int
	restated  int    // ExecRestatementReason
	asked     uint64 // answer: what was pending when it was asked for (OrdStatusReqID)
	hasAsked  bool
	text      order.Text
	raw       string
}

type inboundKind uint8

const (
	execution    inboundKind = iota + 1 // ExecutionReport
	cancelReject                        // OrderCancelReject
	refused                             // Reject or BusinessMessageReject
	withheld                            // the venue asked for a request again
	unsent                              // a request was not sent
	loggedOn
	loggedOut
)

// flag reads a field of the header that is Y or N.
func flag(m *quickfix.Message, tag quickfix.Tag) (bool, quickfix.MessageRejectError) {
	if !m.Header.Has(tag) {
		return false, nil
	}
	switch v, _ := m.Header.GetString(tag); v {
	case "Y":
		return true, nil
	case "N":
		return false, nil
	}
	return false, quickfix.IncorrectDataFormatForValue(tag)
}

func printable(m *quickfix.Message) string {
	return strings.TrimSuffix(strings.ReplaceAll(m.String(), "\x01", "|"), "|")
}

// fields reads fields of a body; the first that is not as it should be is err.
type fields struct {
	body *quickfix.FieldMap
	err  quickfix.MessageRejectError
}

func (f *fields) text(tag quickfix.Tag, must bool) string {
	if !must && !f.body.Has(tag) {
		return ""
	}
	s, err := f.body.GetString(tag)
	if err != nil && f.err == nil {
		f.err = err
	}
	return s
}

// char reads a field of one character.
func (f *fields) char(tag quickfix.Tag) byte {
	s := f.text(tag, true)
	if len(s) != 1 {
		f.wrong(tag)
		return 0
	}
	return s[0]
}

func (f *fields) qty(tag quickfix.Tag, must bool) int32 {
	s := f.text(tag, must)
	if s == "" {
		return 0
	}
	n, err := parseQty(s)
	if err != nil {
		f.wrong(tag)
	}
	return n
}

func (f *fields) price(tag quickfix.Tag) (px int64, exact bool) {
	s := f.text(tag, false)
	if s == "" {
		return 0, true
	}
	px, exact, err := parsePrice(s)
	if err != nil {
		f.wrong(tag)
	}
	return px, exact
}

func (f *fields) number(tag quickfix.Tag, otherwise int) int {
	if !f.body.Has(tag) {
		return otherwise
	}
	n, err := strconv.Atoi(f.text(tag, true)) // GetInt panics if the value is empty
	if err != nil {
		f.wrong(tag)
	}
	return n
}

func (f *fields) wrong(tag quickfix.Tag) {
	if f.err == nil {
		f.err = quickfix.IncorrectDataFormatForValue(tag)
	}
}

func (f *fields) clOrdID(tag quickfix.Tag) clOrdID {
	id, _ := parseClOrdID(f.text(tag, false))
	return id
}

func parseExecution(m *quickfix.Message) (inbound, quickfix.MessageRejectError) {
	f := fields{body: &m.Body.FieldMap}
	in := inbound{kind: execution, raw: printable(m)}
	in.id, in.orig = f.clOrdID(tagClOrdID), f.clOrdID(tagOrigClOrdID)
	in.execType = order.ExecType(f.char(tagExecType))
	in.ordStatus = order.OrdStatus(f.char(tagOrdStatus))
	in.cumQty = f.qty(tagCumQty, true)
	in.lastQty = f.qty(tagLastQty, false)
	in.priced = m.Body.Has(tagLastPx)
	in.lastPx, in.exact = f.price(tagLastPx)
	in.avgPx, _ = f.price(tagAvgPx)
	in.ordRej = f.number(tagOrdRejReason, int(order.RejOther))
	in.restated = f.number(tagExecRestatement, 0)
	if text := f.text(tagOrdStatusReqID, false); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		in.asked, in.hasAsked = n, err == nil
	}
	in.readFlags(m, &f)
	return in, f.err
}

func parseCancelReject(m *quickfix.Message) (inbound, quickfix.MessageRejectError) {
	f := fields{body: &m.Body.FieldMap}
	in := inbound{kind: cancelReject, raw: printable(m)}
	in.id, in.orig = f.clOrdID(tagClOrdID), f.clOrdID(tagOrigClOrdID)
	in.ordStatus = order.OrdStatus(f.char(tagOrdStatus))
	in.cxlRej = f.number(tagCxlRejReason, int(order.CxlOther))
	in.readFlags(m, &f)
	return in, f.err
}

func (in *inbound) readFlags(m *quickfix.Message, f *fields) {
	for _, tag := range []quickfix.Tag{tagPossDupFlag, tagPossResend} {
		again, err := flag(m, tag)
		if err != nil && f.err == nil {
			f.err = err
		}
		in.again = in.again || again
	}
}
