package order

import (
	"encoding/binary"
	"errors"
	"testing"
)

// FuzzApply takes frames of anything behind a legal beginning. What is refused is ErrJournal; the
// state stays one that makes a checkpoint which another takes over.
func FuzzApply(f *testing.F) {
	s := newSim(1, 2, 2, 10)
	var legal []byte
	for range 60 {
		_, typ, msg := s.next()
		legal = append(appendFrame(legal, typ, msg), 0)
	}
	f.Add(uint16(0), legal)
	f.Add(uint16(40), legal[:600])
	f.Add(uint16(1000), []byte{0x10, 1, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, n uint16, data []byte) {
		s := newSim(1, 2, 2, 10)
		st := NewState(Bounds{Rows: 1000})
		for range n % 500 {
			must(t, st.Apply(s.next()))
		}
		for len(data) > 4 {
			typ, size := MsgType(binary.LittleEndian.Uint16(data)), int(binary.LittleEndian.Uint16(data[2:]))
			data = data[4:]
			msg := data[:min(size, len(data))]
			data = data[len(msg):]
			if err := st.Apply(st.Seq()+1, typ, msg); err != nil && !errors.Is(err, ErrJournal) {
				t.Fatal(err)
			}
		}
		if st.Ready() {
			takeOver(t, st)
		}
	})
}

func appendFrame(b []byte, typ MsgType, msg []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(typ))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(msg)))
	return append(b, msg...)
}

// takeOver has an empty state begin with st's checkpoint.
func takeOver(t *testing.T, st *State) {
	t.Helper()
	next := NewState(st.bounds)
	msgs := st.AppendCheckpoint(nil, 1000)
	for i, m := range msgs {
		must(t, next.Apply(st.Seq()+1+uint64(i), MsgType(m.Type), m.Data))
	}
	if !next.Ready() || next.Unanswered() != st.Unanswered() {
		t.Fatalf("ready %t, %d unanswered, want %d", next.Ready(), next.Unanswered(), st.Unanswered())
	}
}

// FuzzCheckpoint has a state begin with rows of anything. It panics at none, needs memory only for
// rows that are there, and what it takes over is a whole state that goes on.
func FuzzCheckpoint(f *testing.F) {
	s := newSim(2, 2, 2, 10)
	st := NewState(Bounds{})
	for range 300 {
		if err := st.Apply(s.next()); err != nil {
			f.Fatal(err)
		}
	}
	var seed []byte
	for _, m := range st.AppendCheckpoint(nil, 700) {
		seed = appendFrame(seed, MsgType(m.Type), m.Data)
	}
	f.Add(uint64(300), uint16(0), seed)
	f.Add(uint64(300), uint16(1), seed)
	huge := Checkpoint{Seq: 6, Layout: CheckpointLayout, Sessions: 1 << 20, Positions: 1 << 20, Orders: 1 << 20, Requests: 1 << 20}
	f.Add(uint64(6), uint16(0), appendFrame(nil, MsgCheckpoint, huge.Bytes()))
	f.Fuzz(func(t *testing.T, seq uint64, strategy uint16, data []byte) {
		st := NewState(Bounds{Strategy: strategy})
		for len(data) > 4 {
			typ, size := MsgType(binary.LittleEndian.Uint16(data)), int(binary.LittleEndian.Uint16(data[2:]))
			data = data[4:]
			msg := data[:min(size, len(data))]
			data = data[len(msg):]
			seq++
			ready := st.Ready()
			if err := st.Apply(seq, typ, msg); err != nil {
				if !errors.Is(err, ErrJournal) {
					t.Fatal(err)
				}
				if st.Ready() && !ready && st.Seq() == 0 {
					t.Fatal("ready after a checkpoint that was refused")
				}
				return
			}
		}
		if !st.Ready() {
			return
		}
		if strategy == 0 && st.Seq() < 1<<60 {
			takeOver(t, st)
		}
		// Every order can be canceled and closed.
		for len(st.Orders()) > 0 {
			o := st.Orders()[0]
			venue := st.Session(RingVenue)
			if venue == nil {
				return
			}
			er := ExecutionReport{ClOrdID: o.ClOrdID, OrderID: o.OrderID, CumQty: o.CumQty, SecurityID: o.SecurityID, Strategy: o.Strategy, Side: o.Side,
				ExecType: ExecCanceled, OrdStatus: StatusCanceled, Origin: Origin{Seq: uint32(venue.Seq) + 1, Ring: RingVenue}}
			must(t, st.ApplyReport(st.Seq()+1, &er))
		}
		for _, p := range st.Positions() {
			if p.OpenBuy != 0 || p.OpenSell != 0 {
				t.Fatalf("%+v, but no order is open", p)
			}
		}
	})
}
