package main

import (
	"bufio"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
)

// printer writes messages as lines for people. It allocates nothing per message
// that matters to one who prints.
type printer struct {
	w      *bufio.Writer
	isDBN  bool
	isITCH bool
	kind   dbnKind
	line   []byte
}

// use says what the messages from now on are.
func (p *printer) use(schema string) {
	p.kind, p.isDBN = parseDBNKind(schema)
	p.isITCH = schema == itchSchema
}

// print writes one message:
//
//	8726 2023-12-25T23:00:00.006105003Z mbo A B 1 @ 4821.25 order 6413... instrument 206222 flags 0x80
func (p *printer) print(seq uint64, typ uint16, msg []byte) error {
	b := strconv.AppendUint(p.line[:0], seq, 10)
	b = append(b, ' ')
	switch {
	case p.isDBN && typ == uint16(dbn.RecordType(msg)):
		b = p.record(b, msg)
	case p.isITCH && len(msg) >= itch.HeaderSize:
		b = appendTime(b, itch.Timestamp(msg))
		b = fmt.Appendf(b, " %v locate %d %x", itch.Type(msg[0]), itch.StockLocate(msg), msg[itch.HeaderSize:])
	default:
		b = fmt.Appendf(b, "type %d %d bytes ", typ, len(msg))
		b = appendHex(b, msg)
	}
	b = append(b, '\n')
	p.line = b
	_, err := p.w.Write(b)
	return err
}

func (p *printer) record(b, rec []byte) []byte {
	h, _ := dbn.ReadHeader(rec)
	b = appendTime(b, dbn.RecordTime(rec))
	b = append(b, ' ')
	b = append(b, p.kind.schema.RecordName(h.RType)...)
	b = append(b, ' ')
	if m, ok := dbn.AsMbo(rec); ok {
		b = appendDeal(b, m.Action, m.Side, m.Size, m.Price)
		return fmt.Appendf(b, " order %d instrument %d flags 0x%02x", m.OrderID, m.InstrumentID, m.Flags)
	}
	var t *dbn.TradeMsg
	if m, ok := dbn.AsTrade(rec); ok {
		t = m
	} else if m, ok := dbn.AsMbp1(rec); ok {
		t = &m.TradeMsg
	} else if m, ok := dbn.AsMbp10(rec); ok {
		t = &m.TradeMsg
	}
	if t != nil {
		b = appendDeal(b, t.Action, t.Side, t.Size, t.Price)
		return fmt.Appendf(b, " depth %d instrument %d flags 0x%02x", t.Depth, t.InstrumentID, t.Flags)
	}
	b = fmt.Appendf(b, "instrument %d %d bytes ", h.InstrumentID, len(rec))
	return appendHex(b, rec[dbn.HeaderSize:])
}

func appendDeal(b []byte, action dbn.Action, side dbn.Side, size uint32, price int64) []byte {
	b = append(b, itch.Type(action).String()...)
	b = append(b, ' ')
	b = append(b, itch.Type(side).String()...)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(size), 10)
	b = append(b, " @ "...)
	return appendPrice(b, price)
}

// appendPrice writes a price in units of 1e-9 as a decimal number of at least two
// places.
func appendPrice(b []byte, p int64) []byte {
	if p == dbn.UndefPrice {
		return append(b, '-')
	}
	u := uint64(p)
	if p < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/1e9, 10)
	b = append(b, '.')
	places, fraction := 9, u%1e9
	for places > 2 && fraction%10 == 0 {
		fraction /= 10
		places--
	}
	digits := strconv.Itoa(int(fraction))
	for range places - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

// appendTime writes UNIX ns; times of the first day of 1970 are taken for times of
// an unknown day.
func appendTime(b []byte, ns uint64) []byte {
	if ns > math.MaxInt64 {
		return append(b, '-')
	}
	t := time.Unix(0, int64(ns)).UTC()
	if ns < uint64(24*time.Hour) {
		return t.AppendFormat(b, "15:04:05.000000000")
	}
	return t.AppendFormat(b, "2006-01-02T15:04:05.000000000Z")
}

// appendHex writes at most 32 bytes.
func appendHex(b, data []byte) []byte {
	const most = 32
	b = fmt.Appendf(b, "%x", data[:min(len(data), most)])
	if len(data) > most {
		b = append(b, "..."...)
	}
	return b
}
