package gateway

import (
	"encoding/binary"
	"testing"

	"github.com/tickring/tickring/order"
)

// script reads a fuzzer's bytes; behind their end there are zeros.
type script struct{ b []byte }

func (s *script) byte() byte {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

func (s *script) bytes(n int) []byte {
	b := make([]byte, n)
	s.b = s.b[copy(b, s.b):]
	return b
}

var someTypes = []order.MsgType{order.MsgNewOrderSingle, order.MsgOrderCancelRequest, order.MsgOrderCancelReplaceRequest,
	order.MsgExecutionReport, order.MsgOrderCancelReject, order.MsgBusinessMessageReject, order.MsgSessionStatus,
	order.MsgKillSwitch, order.MsgVenueStatus, order.MsgCheckpoint, order.MsgCheckpointSessions, 0}

func (s *script) typ() order.MsgType {
	c := s.byte()
	if int(c) < len(someTypes) {
		return someTypes[c]
	}
	return order.MsgType(binary.LittleEndian.Uint16(s.bytes(2)))
}

// record is a record with any bytes, or any length, for a message of src; mostly with the
// origin that it ought to have.
func (s *script) record(src *strategy) []byte {
	how := s.byte()
	if how == 0xff {
		return s.bytes(int(s.byte()))
	}
	b := s.bytes(order.Size)
	if how&1 == 0 {
		o := src.origin()
		at := 32 // of Origin in a Request
		if src.n == order.RingOperator {
			at = 0
		}
		binary.LittleEndian.PutUint32(b[at:], o.Seq)
		binary.LittleEndian.PutUint16(b[at+4:], o.Epoch)
		binary.LittleEndian.PutUint16(b[at+6:], o.Ring)
	}
	return b
}

// request is a request that has a chance.
func (s *script) request(src *strategy) (order.MsgType, order.Request) {
	typ := someTypes[s.byte()%3]
	c := s.byte()
	q := src.limit(order.Side('1'+c&1), int32(s.byte()), int64(int8(s.byte()))*1e9)
	q.Flags = order.Flags(c >> 1 & 1)
	q.OrdType, q.TimeInForce = order.OrdType('1'+c>>2&3), order.TimeInForce('0'+c>>4&7)
	if c&0x80 != 0 {
		q.OrdType, q.TimeInForce = order.Limit, order.Day
	}
	switch typ {
	case order.MsgOrderCancelRequest:
		q = order.Request{ClOrdID: q.ClOrdID, OrigClOrdID: uint64(s.byte()), SecurityID: es, Side: q.Side}
	case order.MsgOrderCancelReplaceRequest:
		q.OrigClOrdID = uint64(s.byte())
	}
	return typ, q
}

// FuzzInput gives a gateway anything by all of its rings. It goes on, whatever that is: each
// message gets one frame, in order, and what the gateway knows is what its ring adds up to.
func FuzzInput(f *testing.F) {
	f.Add([]byte{})
	// A new order, the venue's answer, a cancel, its answer.
	f.Add([]byte{1, 0, 0x80, 5, 50, 7, 8, 3, 7, 1, 1, 0x80, 0, 0, 1, 7, 8, 3, 7})
	// Rubbish of all lengths by every ring.
	f.Add([]byte{0, 0, 0xff, 3, 1, 2, 3, 0, 9, 1, 0x10, 5, 4, 0xff, 0, 6, 7, 1, 1, 7, 9, 7})
	// A strategy that comes back, and a gateway that is killed.
	f.Add([]byte{1, 0, 0x82, 5, 50, 7, 10, 7, 9, 1, 0, 0x80, 5, 50, 7, 8, 9, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			t.Skip()
		}
		r := newRig(t)
		v := r.startVenue()
		l := newLedger(r)
		r.start()
		op := r.operator()
		said := strategy{rig: r, n: order.RingVenue, pub: v.pub}
		strats := []*strategy{r.strategy(1), r.strategy(2), r.strategy(order.MaxStrategy)}
		sent := func(s *strategy, typ order.MsgType, b []byte) {
			l.sent[s.n] = append(l.sent[s.n], frame{typ: typ, msg: b})
			s.raw(typ, b)
		}
		s := script{data}
		for len(s.b) > 0 {
			c := s.byte()
			who := strats[int(c>>4)%len(strats)]
			switch c & 15 {
			case 0:
				typ := s.typ()
				sent(who, typ, s.record(who))
			case 1, 2, 3:
				typ, q := s.request(who)
				q.Origin = who.origin()
				sent(who, typ, append([]byte(nil), q.Bytes()...))
			case 4:
				typ := s.typ()
				b := s.record(op)
				op.raw(typ, b)
			case 5:
				typ := s.typ()
				said.raw(typ, s.record(&said))
			case 6:
				if len(v.keys) > 0 {
					k := v.keys[int(s.byte())%len(v.keys)]
					v.fill(k.strategy, k.clOrdID, 1)
				}
			case 7:
				r.run()
				l.read()
			case 8:
				v.answer(int(s.byte()))
			case 9:
				r.kill()
				r.start()
			case 10:
				who.pub.Close()
				r.strategy(who.n)
			}
		}
		for range 3 {
			v.answer(1 << 20)
			r.run()
		}
		l.whole()
		if uint64(l.next[order.RingOperator]) != op.pub.Seq() {
			t.Errorf("the operator sent %d messages, %d have a frame", op.pub.Seq(), l.next[order.RingOperator])
		}
		r.sameState()
	})
}
