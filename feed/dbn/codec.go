package dbn

import (
	"encoding/binary"
	"fmt"
	"slices"
)

var le = binary.LittleEndian

// fits says whether rec begins with a whole record of type t and at least size
// bytes, by its own length byte too.
func fits(rec []byte, t RType, size int) bool {
	return len(rec) >= size && RType(rec[1]) == t && int(rec[0])*wordSize >= size
}

func checkFits(rec []byte, t RType, size int) error {
	if fits(rec, t, size) {
		return nil
	}
	return fmt.Errorf("dbn: decode: %w: these %d bytes are not a whole %v record of %d bytes", ErrRecord, len(rec), t, size)
}

// AsMbo returns the record that rec begins with as a MboMsg, and false if it is
// of another type or not whole.
//
// On amd64 and arm64 the struct is rec itself: it is valid as long as rec is, it
// must not be written to if rec must not, and rec need not be aligned. On other
// processors and with the build tag purego it is a decoded copy on the heap,
// which MboMsg.Decode avoids.
func AsMbo(rec []byte) (*MboMsg, bool) {
	if !fits(rec, RTypeMbo, MboSize) {
		return nil, false
	}
	return view[MboMsg](rec), true
}

// AsTrade is AsMbo for a TradeMsg (schema trades).
func AsTrade(rec []byte) (*TradeMsg, bool) {
	if !fits(rec, RTypeMbp0, TradeSize) {
		return nil, false
	}
	return view[TradeMsg](rec), true
}

// AsMbp1 is AsMbo for a Mbp1Msg (schemas mbp-1 and tbbo).
func AsMbp1(rec []byte) (*Mbp1Msg, bool) {
	if !fits(rec, RTypeMbp1, Mbp1Size) {
		return nil, false
	}
	return view[Mbp1Msg](rec), true
}

// AsMbp10 is AsMbo for a Mbp10Msg (schema mbp-10).
func AsMbp10(rec []byte) (*Mbp10Msg, bool) {
	if !fits(rec, RTypeMbp10, Mbp10Size) {
		return nil, false
	}
	return view[Mbp10Msg](rec), true
}

// ReadHeader returns the header of the record that rec begins with, and false if
// rec is shorter than a header.
func ReadHeader(rec []byte) (RecordHeader, bool) {
	var h RecordHeader
	if len(rec) < HeaderSize {
		return h, false
	}
	h.load(rec)
	return h, true
}

// RecordTime returns the time by which records are ordered in a file: ts_recv,
// when Databento's capture server received the data, or for the types that have
// none, bars and gateway messages for example, ts_event. It is UNIX nanoseconds,
// UndefTime if the record holds no time, and 0 for bytes that are no record.
func RecordTime(rec []byte) uint64 {
	if len(rec) < HeaderSize {
		return 0
	}
	at := 8 // ts_event
	switch RType(rec[1]) {
	case RTypeMbo:
		at = 40
	case RTypeMbp0, RTypeMbp1, RTypeMbp10, RTypeCmbp1, RTypeTcbbo,
		RTypeCbbo1S, RTypeCbbo1M, RTypeBbo1S, RTypeBbo1M:
		at = 32
	case RTypeStatus, RTypeDefinition, RTypeImbalance, RTypeStatistics:
		at = 16
	}
	if len(rec) < at+8 {
		return 0
	}
	return le.Uint64(rec[at:])
}

// Decode sets m to the record that rec begins with. Its error wraps ErrRecord.
func (m *MboMsg) Decode(rec []byte) error {
	if err := checkFits(rec, RTypeMbo, MboSize); err != nil {
		return err
	}
	m.load(rec)
	return nil
}

// Decode sets m to the record that rec begins with. Its error wraps ErrRecord.
func (m *TradeMsg) Decode(rec []byte) error {
	if err := checkFits(rec, RTypeMbp0, TradeSize); err != nil {
		return err
	}
	m.load(rec)
	return nil
}

// Decode sets m to the record that rec begins with. Its error wraps ErrRecord.
func (m *Mbp1Msg) Decode(rec []byte) error {
	if err := checkFits(rec, RTypeMbp1, Mbp1Size); err != nil {
		return err
	}
	m.load(rec)
	return nil
}

// Decode sets m to the record that rec begins with. Its error wraps ErrRecord.
func (m *Mbp10Msg) Decode(rec []byte) error {
	if err := checkFits(rec, RTypeMbp10, Mbp10Size); err != nil {
		return err
	}
	m.load(rec)
	return nil
}

// Append appends m's record, MboSize bytes, to b and returns the longer slice.
//
// Length and RType of what it writes are those of an MBO record without ts_out,
// whatever the fields of m hold: they need not be set, and a struct that was
// decoded from a file with ts_out comes out well formed.
func (m *MboMsg) Append(b []byte) []byte {
	b, rec := grow(b, MboSize)
	m.store(rec)
	m.RecordHeader.store(rec, RTypeMbo, MboSize)
	return b
}

// Append appends m's record, TradeSize bytes, to b. See MboMsg.Append.
func (m *TradeMsg) Append(b []byte) []byte {
	b, rec := grow(b, TradeSize)
	m.store(rec)
	m.RecordHeader.store(rec, RTypeMbp0, TradeSize)
	return b
}

// Append appends m's record, Mbp1Size bytes, to b. See MboMsg.Append.
func (m *Mbp1Msg) Append(b []byte) []byte {
	b, rec := grow(b, Mbp1Size)
	m.TradeMsg.store(rec)
	m.Level.store(rec[TradeSize:])
	m.RecordHeader.store(rec, RTypeMbp1, Mbp1Size)
	return b
}

// Append appends m's record, Mbp10Size bytes, to b. See MboMsg.Append.
func (m *Mbp10Msg) Append(b []byte) []byte {
	b, rec := grow(b, Mbp10Size)
	m.TradeMsg.store(rec)
	for i := range m.Levels {
		m.Levels[i].store(rec[TradeSize+i*pairSize:])
	}
	m.RecordHeader.store(rec, RTypeMbp10, Mbp10Size)
	return b
}

// grow makes b longer by n bytes and returns it and those bytes.
func grow(b []byte, n int) (all, added []byte) {
	all = slices.Grow(b, n)[:len(b)+n]
	return all, all[len(b):]
}

// load and store are the layout of the records in code that does not depend on
// the processor. The caller has checked the length.

const pairSize = 32 // BidAskPair

func (h *RecordHeader) load(b []byte) {
	_ = b[HeaderSize-1]
	h.Length = b[0]
	h.RType = RType(b[1])
	h.PublisherID = le.Uint16(b[2:])
	h.InstrumentID = le.Uint32(b[4:])
	h.TsEvent = le.Uint64(b[8:])
}

func (h *RecordHeader) store(b []byte, t RType, size int) {
	_ = b[HeaderSize-1]
	b[0] = uint8(size / wordSize)
	b[1] = uint8(t)
	le.PutUint16(b[2:], h.PublisherID)
	le.PutUint32(b[4:], h.InstrumentID)
	le.PutUint64(b[8:], h.TsEvent)
}

func (m *MboMsg) load(b []byte) {
	_ = b[MboSize-1]
	m.RecordHeader.load(b)
	m.OrderID = le.Uint64(b[16:])
	m.Price = int64(le.Uint64(b[24:]))
	m.Size = le.Uint32(b[32:])
	m.Flags = b[36]
	m.ChannelID = b[37]
	m.Action = Action(b[38])
	m.Side = Side(b[39])
	m.TsRecv = le.Uint64(b[40:])
	m.TsInDelta = int32(le.Uint32(b[48:]))
	m.Sequence = le.Uint32(b[52:])
}

func (m *MboMsg) store(b []byte) {
	_ = b[MboSize-1]
	le.PutUint64(b[16:], m.OrderID)
	le.PutUint64(b[24:], uint64(m.Price))
	le.PutUint32(b[32:], m.Size)
	b[36] = m.Flags
	b[37] = m.ChannelID
	b[38] = uint8(m.Action)
	b[39] = uint8(m.Side)
	le.PutUint64(b[40:], m.TsRecv)
	le.PutUint32(b[48:], uint32(m.TsInDelta))
	le.PutUint32(b[52:], m.Sequence)
}

func (m *TradeMsg) load(b []byte) {
	_ = b[TradeSize-1]
	m.RecordHeader.load(b)
	m.Price = int64(le.Uint64(b[16:]))
	m.Size = le.Uint32(b[24:])
	m.Action = Action(b[28])
	m.Side = Side(b[29])
	m.Flags = b[30]
	m.Depth = b[31]
	m.TsRecv = le.Uint64(b[32:])
	m.TsInDelta = int32(le.Uint32(b[40:]))
	m.Sequence = le.Uint32(b[44:])
}

func (m *TradeMsg) store(b []byte) {
	_ = b[TradeSize-1]
	le.PutUint64(b[16:], uint64(m.Price))
	le.PutUint32(b[24:], m.Size)
	b[28] = uint8(m.Action)
	b[29] = uint8(m.Side)
	b[30] = m.Flags
	b[31] = m.Depth
	le.PutUint64(b[32:], m.TsRecv)
	le.PutUint32(b[40:], uint32(m.TsInDelta))
	le.PutUint32(b[44:], m.Sequence)
}

func (m *Mbp1Msg) load(b []byte) {
	m.TradeMsg.load(b)
	m.Level.load(b[TradeSize:])
}

func (m *Mbp10Msg) load(b []byte) {
	m.TradeMsg.load(b)
	for i := range m.Levels {
		m.Levels[i].load(b[TradeSize+i*pairSize:])
	}
}

func (p *BidAskPair) load(b []byte) {
	_ = b[pairSize-1]
	p.BidPx = int64(le.Uint64(b))
	p.AskPx = int64(le.Uint64(b[8:]))
	p.BidSz = le.Uint32(b[16:])
	p.AskSz = le.Uint32(b[20:])
	p.BidCt = le.Uint32(b[24:])
	p.AskCt = le.Uint32(b[28:])
}

func (p *BidAskPair) store(b []byte) {
	_ = b[pairSize-1]
	le.PutUint64(b, uint64(p.BidPx))
	le.PutUint64(b[8:], uint64(p.AskPx))
	le.PutUint32(b[16:], p.BidSz)
	le.PutUint32(b[20:], p.AskSz)
	le.PutUint32(b[24:], p.BidCt)
	le.PutUint32(b[28:], p.AskCt)
}
