package itch

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/tickring/tickring/feed/dbn"
)

// MaxRecords is the largest number of records that one message gives.
const MaxRecords = 3

// NormalizerConfig configures a Normalizer. Its zero value is ready for use.
type NormalizerConfig struct {
	// PublisherID is put into every record. Databento's own number for this
	// feed is 2 (XNAS.ITCH).
	PublisherID uint16
	// Midnight is the UNIX time in nanoseconds of the midnight in New York that
	// begins the file's day. With 0 the times of the records count from that
	// midnight, as in the file.
	Midnight uint64
	// Orders is the number of live orders to make room for at the start, 24 to
	// 48 bytes each. With more the table doubles, which takes some milliseconds
	// for a million orders. 0 is enough for small files.
	Orders int
}

// Normalizer turns ITCH messages into DBN MBO records, see the package comment
// for the table. It keeps the live orders, since an execution or a delete does
// not say the side, price and size of its order.
//
// A Normalizer is for one goroutine and one trading day. It does not allocate
// except when the number of live orders passes its room for them, and for the
// first few anomalies.
type Normalizer struct {
	orders   *orders
	header   dbn.RecordHeader
	midnight uint64
	offset   int64
	stats    Stats
}

// NewNormalizer returns a Normalizer with an empty book.
func NewNormalizer(cfg NormalizerConfig) *Normalizer {
	return &Normalizer{
		orders:   newOrders(cfg.Orders),
		midnight: cfg.Midnight,
		header:   dbn.RecordHeader{Length: mboSize / 4, RType: dbn.RTypeMbo, PublisherID: cfg.PublisherID},
	}
}

const mboSize = 56 // of dbn.MboMsg

// Stats returns the counts so far.
func (n *Normalizer) Stats() Stats {
	s := n.stats
	s.LiveOrders = n.orders.len()
	s.First = slices.Clone(s.First)
	return s
}

// Apply takes the next message of the file, as Reader.Next gave it, and writes
// the records that it means to out. It returns how many: 0 to MaxRecords. It
// keeps no reference to msg. Bytes that are not a message do no harm.
func (n *Normalizer) Apply(msg []byte, out *[MaxRecords]dbn.MboMsg) int {
	n.stats.Messages++
	at := n.offset
	n.offset += prefixSize + int64(len(msg))
	if len(msg) == 0 || len(msg) != int(sizes[msg[0]]) {
		n.anomaly(NotAMessage, msg, at, 0)
		return 0
	}
	t := Type(msg[0])
	n.stats.ByType[t]++

	// Field by field: a composite literal is built apart and copied.
	var e event
	e.n, e.msg, e.at, e.out = n, msg, at, out
	e.ts, e.locate = n.midnight+Timestamp(msg), StockLocate(msg)
	switch t {
	case TypeAddOrder, TypeAddOrderMPID:
		e.add()
	case TypeOrderExecuted:
		e.executed()
	case TypeOrderExecutedWithPrice:
		e.executedWithPrice()
	case TypeOrderCancel:
		e.cancel()
	case TypeOrderDelete:
		e.delete()
	case TypeOrderReplace:
		e.replace()
	case TypeTrade:
		e.trade()
	case TypeCrossTrade:
		e.cross()
	}
	if e.records == 0 {
		return 0
	}
	out[e.records-1].Flags = dbn.FlagLast
	n.stats.Records += uint64(e.records)
	return e.records
}

// event is one message on its way to records.
type event struct {
	n       *Normalizer
	msg     []byte
	at      int64
	out     *[MaxRecords]dbn.MboMsg
	records int
	ts      uint64
	locate  uint16
}

// Offsets of the fields that matter here; messages.go has them all.
const (
	offRef      = 11 // every message about an order
	offSide     = 19 // A, F
	offShares   = 20 // A, F, P
	offPrice    = 32 // A, F, P
	offTaken    = 19 // E, C, X
	offPrint    = 31 // C
	offExecPx   = 32 // C
	offNewRef   = 19 // U
	offNewSize  = 27 // U
	offNewPrice = 31 // U
)

func (e *event) u32(off int) uint32 { return binary.BigEndian.Uint32(e.msg[off:]) }
func (e *event) u64(off int) uint64 { return binary.BigEndian.Uint64(e.msg[off:]) }

// emit writes one record about an order, or about none if ref is 0.
func (e *event) emit(action dbn.Action, book bookSide, ref uint64, price Price4, size uint32) {
	r := &e.out[e.records]
	r.RecordHeader = e.n.header
	r.InstrumentID = uint32(book.locate)
	r.TsEvent = e.ts
	r.OrderID = ref
	r.Price = price.Nano()
	r.Size = size
	r.Flags = 0
	r.ChannelID = 0
	r.Action = action
	r.Side = book.side
	r.TsRecv = e.ts
	r.TsInDelta = 0
	r.Sequence = uint32(e.n.stats.Messages)
	e.records++
}

func (e *event) emitOrder(action dbn.Action, o order, size uint32) {
	e.emit(action, o.book, o.ref, o.price, size)
}

// sides is indexed by the Buy/Sell indicator. A table, because half of all orders
// are on either side: a branch on it is one that no processor predicts.
var sides = [256]dbn.Side{Buy: dbn.SideBid, Sell: dbn.SideAsk}

func (e *event) add() {
	o := order{
		ref:    e.u64(offRef),
		price:  Price4(e.u32(offPrice)),
		shares: e.u32(offShares),
		book:   bookSide{e.locate, sides[e.msg[offSide]]},
	}
	if o.book.side == 0 {
		e.anomaly(BadSide, o.ref)
		return
	}
	e.insert(o)
}

// insert puts an order into the book.
func (e *event) insert(o order) {
	if o.shares == 0 {
		e.anomaly(NoShares, o.ref)
		return
	}
	if was, at := e.n.orders.find(o.ref); was != nil {
		e.anomaly(DuplicateReference, o.ref)
		e.remove(was, at)
	}
	e.n.orders.insert(o)
	e.emitOrder(dbn.ActionAdd, o, o.shares)
}

// remove takes what is left of an order out of the book.
func (e *event) remove(o *order, at uint64) {
	e.emitOrder(dbn.ActionCancel, *o, o.shares)
	e.n.orders.remove(o, at)
}

// find returns the live order that the message names, or nil.
func (e *event) find() (*order, uint64) {
	ref := e.u64(offRef)
	o, at := e.n.orders.find(ref)
	if o == nil {
		e.n.stats.Unknown[e.msg[0]]++
		e.anomaly(UnknownReference, ref)
	} else if o.book.locate != e.locate {
		e.anomaly(OtherStock, ref)
	}
	return o, at
}

// take cancels shares of an order.
func (e *event) take(o *order, at uint64, shares uint32) {
	switch {
	case shares < o.shares:
		e.emitOrder(dbn.ActionCancel, *o, shares)
		o.shares -= shares
	case shares > o.shares:
		e.anomaly(TooManyShares, o.ref)
		fallthrough
	default:
		e.remove(o, at)
	}
}

func (e *event) executed() {
	if o, at := e.find(); o != nil {
		e.execute(o, at, o.price, true)
	}
}

func (e *event) executedWithPrice() {
	if o, at := e.find(); o != nil {
		printable := Char(e.msg[offPrint]) != No
		if !printable {
			e.n.stats.NonPrintable++
		}
		e.execute(o, at, Price4(e.u32(offExecPx)), printable)
	}
}

// execute emits what an execution against a displayed order means: a trade of
// the unknown aggressor on the other side, the fill of the resting order, and
// its removal from the price at which it rested.
func (e *event) execute(o *order, at uint64, price Price4, printable bool) {
	shares := e.u32(offTaken)
	if shares == 0 {
		e.anomaly(NoShares, o.ref)
		return
	}
	if printable {
		aggressor := bookSide{o.book.locate, dbn.SideBid}
		if o.book.side == dbn.SideBid {
			aggressor.side = dbn.SideAsk
		}
		e.emit(dbn.ActionTrade, aggressor, 0, price, shares)
	}
	e.emit(dbn.ActionFill, o.book, o.ref, price, shares)
	e.take(o, at, shares)
}

func (e *event) cancel() {
	o, at := e.find()
	if o == nil {
		return
	}
	shares := e.u32(offTaken)
	if shares == 0 {
		e.anomaly(NoShares, o.ref)
		return
	}
	e.take(o, at, shares)
}

func (e *event) delete() {
	if o, at := e.find(); o != nil {
		e.remove(o, at)
	}
}

func (e *event) replace() {
	was, at := e.find()
	if was == nil {
		return
	}
	o := *was
	e.remove(was, at)
	o.ref = e.u64(offNewRef)
	o.shares = e.u32(offNewSize)
	o.price = Price4(e.u32(offNewPrice))
	e.insert(o)
}

// trade is an execution against a hidden order, which the book never held.
func (e *event) trade() {
	shares := e.u32(offShares)
	if shares == 0 {
		e.anomaly(NoShares, e.u64(offRef))
		return
	}
	e.emit(dbn.ActionTrade, bookSide{e.locate, dbn.SideNone}, 0, Price4(e.u32(offPrice)), shares)
}

func (e *event) cross() {
	var q CrossTrade
	if q.Decode(e.msg) != nil {
		return // cannot be: Apply has checked the length
	}
	if q.Shares == 0 {
		e.n.stats.EmptyCrosses++
		return
	}
	if q.Shares > math.MaxUint32 {
		e.anomaly(HugeCross, q.MatchNumber)
		q.Shares = math.MaxUint32
	}
	e.emit(dbn.ActionTrade, bookSide{e.locate, dbn.SideNone}, 0, q.CrossPrice, uint32(q.Shares))
}

func (e *event) anomaly(k Kind, ref uint64) { e.n.anomaly(k, e.msg, e.at, ref) }

func (n *Normalizer) anomaly(k Kind, msg []byte, at int64, ref uint64) {
	n.stats.Anomalies[k]++
	if n.stats.Anomalies[k] > examples {
		return
	}
	a := Anomaly{Kind: k, Message: n.stats.Messages, Offset: at, Reference: ref}
	if len(msg) > 0 {
		a.Type = Type(msg[0])
	}
	n.stats.First = append(n.stats.First, a)
}
