package order

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tickring/tickring/ring"
)

// journal publishes random legal frames on a ring, and a checkpoint at the start of every block, as
// a gateway does.
type journal struct {
	t    *testing.T
	pub  *ring.Publisher
	sim  *sim
	st   *State
	msgs []ring.Outgoing
	made int // checkpoints
}

func newJournal(t *testing.T, dir string) *journal {
	pub, err := ring.Create("gw", ring.Config{Dir: dir, Capacity: 256 << 10, Schema: Schema})
	must(t, err)
	t.Cleanup(func() { pub.Close() })
	return &journal{t: t, pub: pub, sim: newSim(1, 3, 3, 4), st: NewState(Bounds{})}
}

func (j *journal) publish(n int) {
	j.t.Helper()
	for range n {
		if j.pub.Room() < 2*64 {
			j.msgs = j.st.AppendCheckpoint(j.msgs[:0], j.pub.MaxMessage())
			must(j.t, j.pub.PublishSnapshot(j.msgs))
			j.st.Skip(len(j.msgs))
			j.sim.seq = j.st.Seq()
			j.made++
		}
		seq, typ, msg := j.sim.next()
		must(j.t, j.pub.Publish(uint16(typ), msg))
		must(j.t, j.st.Apply(seq, typ, msg))
	}
	if j.pub.Seq() != j.st.Seq() {
		j.t.Fatalf("message %d, state %d", j.pub.Seq(), j.st.Seq())
	}
}

// Who comes late, at any message, recovers the state from the newest checkpoint, and who
// follows and is lapped begins again with one.
func TestRecoverAndFollow(t *testing.T) {
	dir := t.TempDir()
	j := newJournal(t, dir)
	open := func() *ring.Subscriber {
		sub, err := ring.Open("gw", ring.Options{Dir: dir, From: ring.FromMark, Rejoin: ring.RejoinMark})
		must(t, err)
		t.Cleanup(func() { sub.Close() })
		return sub
	}
	f := NewFollower(open(), Bounds{})
	gaps := 0
	for round := range 300 {
		n := 1 + round*7%50
		if round%100 == 99 {
			n = 6000 // around the ring
		}
		j.publish(n)
		for {
			_, status, err := f.Next()
			must(t, err)
			if status == ring.Gap {
				gaps++
				if f.State.Ready() {
					t.Fatal("ready after a gap")
				}
			}
			if status == ring.Empty {
				break
			}
		}
		if !f.State.Ready() || !bytes.Equal(dump(f.State), dump(j.st)) {
			t.Fatalf("round %d: the follower is not where the publisher is", round)
		}
		if round%10 == 0 {
			sub, st := open(), NewState(Bounds{})
			must(t, Recover(sub, st, j.pub.Seq()))
			if !bytes.Equal(dump(st), dump(j.st)) {
				t.Fatalf("round %d: not the same state after recovery", round)
			}
			sub.Close()
		}
	}
	if gaps != 3 || j.made < 100 {
		t.Errorf("%d gaps, %d checkpoints", gaps, j.made)
	}
	if err := Recover(open(), NewState(Bounds{}), j.pub.Seq()+1); !errors.Is(err, ErrJournal) {
		t.Errorf("recovery up to a message that is not there: %v", err)
	}
}

// A ring of the same name without anything to begin with is no state.
func TestRecoverFromNothing(t *testing.T) {
	dir := t.TempDir()
	pub, err := ring.Create("gw", ring.Config{Dir: dir, Capacity: 256 << 10})
	must(t, err)
	defer pub.Close()
	k := KillSwitch{}
	for range 10000 {
		must(t, pub.Publish(uint16(MsgKillSwitch), k.Bytes()))
	}
	sub, err := ring.Open("gw", ring.Options{Dir: dir, From: ring.FromMark})
	must(t, err)
	defer sub.Close()
	if err := Recover(sub, NewState(Bounds{}), pub.Seq()); !errors.Is(err, ErrJournal) {
		t.Error(err)
	}
}
