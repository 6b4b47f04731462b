package fix

import (
	"strconv"
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/tickring/tickring/order"
)

// Tags of FIX that are used here.
const (
	tagAccount            = quickfix.Tag(1)
	tagAvgPx              = quickfix.Tag(6)
	tagClOrdID            = quickfix.Tag(11)
	tagCumQty             = quickfix.Tag(14)
	tagHandlInst          = quickfix.Tag(21)
	tagLastPx             = quickfix.Tag(31)
	tagLastQty            = quickfix.Tag(32)
	tagMsgSeqNum          = quickfix.Tag(34)
	tagMsgType            = quickfix.Tag(35)
	tagOrderQty           = quickfix.Tag(38)
	tagOrdStatus          = quickfix.Tag(39)
	tagOrdType            = quickfix.Tag(40)
	tagOrigClOrdID        = quickfix.Tag(41)
	tagPossDupFlag        = quickfix.Tag(43)
	tagPrice              = quickfix.Tag(44)
	tagRefSeqNum          = quickfix.Tag(45)
	tagSide               = quickfix.Tag(54)
	tagSymbol             = quickfix.Tag(55)
	tagText               = quickfix.Tag(58)
	tagTimeInForce        = quickfix.Tag(59)
	tagTransactTime       = quickfix.Tag(60)
	tagPossResend         = quickfix.Tag(97)
	tagStopPx             = quickfix.Tag(99)
	tagCxlRejReason       = quickfix.Tag(102)
	tagOrdRejReason       = quickfix.Tag(103)
	tagExecType           = quickfix.Tag(150)
	tagExecRestatement    = quickfix.Tag(378)
	tagBusinessRejectID   = quickfix.Tag(379)
	tagRefMsgType         = quickfix.Tag(372)
	tagOrdStatusReqID     = quickfix.Tag(790)
	tagCxlRejResponseTo   = quickfix.Tag(434)
	handlInstNoBroker     = "1"
	msgTypeExecution      = "8"
	msgTypeCancelReject   = "9"
	msgTypeBusinessReject = "j"
	msgTypeReject         = "3"
	msgTypeLogout         = "5"
)

// outbound is a request, or a question for an order's status ('H'), on its way to the venue.
type outbound struct {
	typ      byte // MsgType
	id, orig clOrdID
	seq      uint64 // in the gateway's ring; H: of the order's pending request, 0: none
	symbol   string
	side     order.Side
	ordType  order.OrdType
	tif      order.TimeInForce
	qty      int32
	px       int64
	deadline time.Time // it is not sent after that; zero: none
}

// message makes the message of FIX.
func (o *outbound) message(account string, now time.Time) *quickfix.Message {
	m := quickfix.NewMessage()
	m.Header.SetString(tagMsgType, string(rune(o.typ)))
	b := &m.Body
	b.SetString(tagClOrdID, o.id.format(o.seq))
	b.SetString(tagSymbol, o.symbol)
	b.SetString(tagSide, string(rune(o.side)))
	if account != "" {
		b.SetString(tagAccount, account)
	}
	if o.typ == 'H' {
		b.SetString(tagOrdStatusReqID, strconv.FormatUint(o.seq, 10))
		return m
	}
	b.SetField(tagTransactTime, quickfix.FIXUTCTimestamp{Time: now.UTC()})
	b.SetString(tagOrderQty, strconv.Itoa(int(o.qty)))
	if o.orig != (clOrdID{}) {
		b.SetString(tagOrigClOrdID, o.orig.format(0))
	}
	if o.typ == 'F' {
		return m
	}
	b.SetString(tagHandlInst, handlInstNoBroker)
	b.SetString(tagOrdType, string(rune(o.ordType)))
	b.SetString(tagTimeInForce, string(rune(o.tif)))
	switch o.ordType {
	case order.Limit:
		b.SetString(tagPrice, formatPrice(o.px))
	case order.Stop:
		b.SetString(tagStopPx, formatPrice(o.px))
	}
	return m
}

// send sends what is handed over until the session is closed. It is a goroutine of its own, as
// quickfix waits for the socket.
func (s *Session) send() {
	for {
		select {
		case <-s.stop:
			return
		case o := <-s.out:
			if why := s.sendOne(&o); why != order.TextNone && o.typ != 'H' {
				s.arrived(inbound{kind: unsent, id: o.id, reqType: o.typ, text: why})
			}
		}
	}
}

// sendOne sends a message, or says why it was not sent and never will be.
func (s *Session) sendOne(o *outbound) order.Text {
	now := time.Now()
	switch {
	case !s.up.Load():
		return order.TextOffline
	case !o.deadline.IsZero() && now.After(o.deadline):
		return order.TextExpired
	}
	// If the connection breaks now, the message has its number and is not sent; the venue
	// misses it at the next logon, is not given it (ToApp), and is asked for it.
	if err := quickfix.SendToTarget(o.message(s.account, now), s.id); err != nil {
		s.notify(Unmatched, "%s was not sent: %v", o.id.format(o.seq), err)
		return order.TextVenue
	}
	s.counts.sent.Add(1)
	return order.TextNone
}

// journal remembers which request went out under which number, for refusals that name the
// number only.
type journal struct {
	mu   sync.Mutex
	rows [1 << 13]journalRow
}

type journalRow struct {
	seq int
	id  clOrdID
	typ byte
}

func (j *journal) put(seq int, id clOrdID, typ byte) {
	j.mu.Lock()
	j.rows[seq&(len(j.rows)-1)] = journalRow{seq, id, typ}
	j.mu.Unlock()
}

func (j *journal) get(seq int) (journalRow, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	row := j.rows[seq&(len(j.rows)-1)]
	return row, row.seq == seq && row.typ != 0
}
