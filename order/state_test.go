package order

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/tickring/tickring/ring"
)

// dump is all of a state, as a checkpoint has it.
func dump(st *State) []byte {
	var b []byte
	for _, m := range st.AppendCheckpoint(nil, 1000) {
		b = append(append(b, byte(m.Type)), m.Data...)
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFold applies random legal frames, with checkpoints between them, to the state of a
// gateway, to one that begins anew at every checkpoint, and to one of a single strategy.
// All agree with books that were kept in another way.
func TestFold(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(seed, 3, 3, 5+int(seed)*3)
		st, mine := NewState(Bounds{}), NewState(Bounds{Strategy: 2})
		late := NewState(Bounds{})
		scratch := make([]byte, 0, 4096)
		for range 3000 {
			seq, typ, msg := s.next()
			must(t, st.Apply(seq, typ, msg))
			must(t, mine.Apply(seq, typ, msg))
			if late.Ready() {
				must(t, late.Apply(seq, typ, msg))
			}
			if s.n(50) == 0 {
				s.compare(t, st, 0)
				s.compare(t, mine, 2)
			}
			if s.n(40) != 0 {
				continue
			}
			maxMessage := 256 + s.n(2000)
			msgs := st.AppendCheckpoint(nil, maxMessage)
			size := 0
			for _, m := range msgs {
				if len(m.Data) > maxMessage {
					t.Fatalf("a message of %d bytes; the most is %d", len(m.Data), maxMessage)
				}
				size += frameBytes(len(m.Data))
			}
			if size != st.CheckpointBytes(maxMessage) {
				t.Fatalf("the checkpoint takes %d bytes, CheckpointBytes is %d", size, st.CheckpointBytes(maxMessage))
			}
			if s.n(2) == 0 {
				late.Reset()
			}
			own := NewState(Bounds{Strategy: 2})
			for _, m := range msgs {
				s.seq++
				scratch = append(scratch[:0], m.Data...) // what follows must not lie in st
				must(t, mine.Apply(s.seq, MsgType(m.Type), scratch))
				must(t, late.Apply(s.seq, MsgType(m.Type), scratch))
				must(t, own.Apply(s.seq, MsgType(m.Type), scratch))
			}
			st.Skip(len(msgs))
			s.compare(t, late, 0)
			s.compare(t, own, 2)
			mine = own
			if !bytes.Equal(dump(late), dump(st)) {
				t.Fatal("a state that took a checkpoint over makes another checkpoint")
			}
		}
		s.compare(t, st, 0)
		s.compare(t, late, 0)
	}
}

// TestRefusedIsUnchanged changes legal frames at random. What is refused leaves the state as
// it was; the frame as it was meant is taken afterwards.
func TestRefusedIsUnchanged(t *testing.T) {
	refused := 0
	for seed := range uint64(10) {
		s := newSim(seed, 3, 2, 30)
		st := NewState(Bounds{})
		for range 2000 {
			seq, typ, msg := s.next()
			bad := slices.Clone(msg)
			badSeq, badTyp := seq, typ
			switch s.n(10) {
			case 0:
				badSeq += uint64(s.n(3)) - 1
			case 1:
				badTyp = []MsgType{'D', 'F', 'G', '8', '9', 'j', 0x101, 0x102, 0x103, 0x110, 0x111, 0x112, 0x113, 0x114, 0, 7}[s.n(16)]
			case 2:
				bad = bad[:s.n(len(bad))]
			default:
				bad[s.n(len(bad))] ^= 1 << s.n(8)
			}
			before := dump(st)
			if err := st.Apply(badSeq, badTyp, bad); err != nil {
				refused++
				if !errors.Is(err, ErrJournal) {
					t.Fatalf("%v is not ErrJournal", err)
				}
				if !bytes.Equal(before, dump(st)) {
					t.Fatalf("refused with %v, but the state has changed", err)
				}
			} else { // legal as well; back to where we were
				st = restored(t, before, seq-1)
			}
			if err := st.Apply(seq, typ, msg); err != nil {
				t.Fatalf("message %d: %v", seq, err)
			}
		}
		s.compare(t, st, 0)
	}
	if refused < 5000 {
		t.Errorf("only %d were refused", refused)
	}
}

// restored returns the state of a dump, which was that after message seq.
func restored(t *testing.T, b []byte, seq uint64) *State {
	st := NewState(Bounds{})
	if seq == 0 {
		return st
	}
	must(t, st.Apply(seq+1, MsgCheckpoint, b[1:1+Size]))
	n := 1
	for b = b[1+Size:]; len(b) > 0; n++ {
		typ := 0x100 | MsgType(b[0])
		size := map[MsgType]int{MsgCheckpointSessions: rowSize[Session](), MsgCheckpointPositions: rowSize[Position](),
			MsgCheckpointOrders: rowSize[Order](), MsgCheckpointRequests: rowSize[Unanswered]()}[typ]
		left := st.snap.left[typ-MsgCheckpointSessions]
		k := min(int(left), max(1000/size, 1)) * size
		must(t, st.Apply(seq+1+uint64(n), typ, b[1:1+k]))
		b = b[1+k:]
	}
	if !st.Ready() {
		t.Fatal("the dump is not whole")
	}
	st.seq = seq
	return st
}

// A checkpoint that is not the state that follows it is found, whichever byte of it differs, and
// the state is as it was.
func TestCheckpointDiffers(t *testing.T) {
	s := newSim(7, 3, 3, 20)
	st := NewState(Bounds{})
	for n := 0; n < 500 || len(st.orders) == 0 || len(st.requests) == 0; n++ {
		must(t, st.Apply(s.next()))
	}
	msgs := st.AppendCheckpoint(nil, 4000)
	apply := func(to *State, change, at int) (err error) {
		for i, m := range msgs {
			data := slices.Clone(m.Data)
			if i == change {
				data[at] ^= 1
			}
			if err = to.Apply(st.seq+1+uint64(i), MsgType(m.Type), data); err != nil {
				break
			}
		}
		return err
	}
	follower := NewState(Bounds{})
	must(t, apply(follower, -1, 0))
	follower.seq = st.seq
	before := dump(follower)
	for i, m := range msgs {
		holes := blanks(MsgType(m.Type))
		for at := range m.Data {
			err := apply(follower, i, at)
			if (err == nil) != holes(at) {
				t.Errorf("message %d (%s), byte %d changed: %v", i, MsgType(m.Type), at, err)
			}
			if err != nil && !errors.Is(err, ErrJournal) {
				t.Errorf("%v is not ErrJournal", err)
			}
			follower.seq = st.seq
			if typ := MsgType(m.Type); typ == MsgCheckpointSessions { // the rate is taken over
				must(t, apply(follower, -1, 0))
				follower.seq = st.seq
			}
			if !bytes.Equal(dump(follower), before) {
				t.Fatalf("message %d (%s), byte %d changed: the follower has changed", i, MsgType(m.Type), at)
			}
		}
	}
	// One that is broken off.
	must(t, follower.Apply(st.seq+1, MsgCheckpoint, msgs[0].Data))
	k := KillSwitch{}
	if err := follower.Apply(st.seq+2, MsgKillSwitch, k.Bytes()); !errors.Is(err, ErrJournal) {
		t.Errorf("a message within a checkpoint: %v", err)
	}
}

// blanks says which bytes of rows may differ: those without a name, and the rate.
func blanks(typ MsgType) func(int) bool {
	return func(at int) bool {
		switch typ {
		case MsgCheckpoint:
			return at >= 29
		case MsgCheckpointSessions:
			at %= rowSize[Session]()
			return at >= 72 && at < 88 || at >= 98
		case MsgCheckpointPositions:
			return at%rowSize[Position]() >= 62
		case MsgCheckpointOrders:
			return at%rowSize[Order]() >= 118
		}
		return false
	}
}

// A state that is warm does not allocate.
func TestNoAllocation(t *testing.T) {
	s := newSim(1, 4, 4, 50)
	st := NewState(Bounds{})
	msgs := make([]ring.Outgoing, 0, 64)
	for range 5000 {
		must(t, st.Apply(s.next()))
	}
	st.orders = slices.Grow(st.orders, 100)
	st.requests = slices.Grow(st.requests, 1000)
	seq, typ, msg := s.next()
	type frame struct {
		typ MsgType
		msg []byte
	}
	frames := []frame{{typ, slices.Clone(msg)}}
	for range 2000 {
		_, typ, msg := s.next()
		frames = append(frames, frame{typ, slices.Clone(msg)})
	}
	i := 0
	allocs := testing.AllocsPerRun(len(frames)-2, func() {
		if err := st.Apply(seq+uint64(i), frames[i].typ, frames[i].msg); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 && copies == 0 {
			msgs = st.AppendCheckpoint(msgs[:0], 4000)
		}
		i++
	})
	if allocs != 0 && copies == 0 {
		t.Errorf("%v allocations a message", allocs)
	}
}

// A state that begins in the middle waits for a checkpoint; Apply does not.
func TestBeginning(t *testing.T) {
	s := newSim(3, 2, 2, 10)
	st := NewState(Bounds{})
	late := NewState(Bounds{})
	for range 100 {
		seq, typ, msg := s.next()
		must(t, st.Apply(seq, typ, msg))
		if seq == 1 {
			continue
		}
		if err := late.Apply(seq, typ, msg); !errors.Is(err, ErrJournal) || late.Ready() {
			t.Fatalf("message %d first: %v", seq, err)
		}
		if took, err := late.Take(seq, typ, msg); took || err != nil {
			t.Fatalf("message %d first: %t, %v", seq, took, err)
		}
	}
	for i, m := range st.AppendCheckpoint(nil, 4000) {
		if took, err := late.Take(101+uint64(i), MsgType(m.Type), m.Data); !took || err != nil {
			t.Fatalf("%t, %v", took, err)
		}
		s.seq++
	}
	s.compare(t, late, 0)
}
