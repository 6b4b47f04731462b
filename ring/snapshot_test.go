package ring

import (
	"slices"
	"testing"
)

// A snapshot of several messages at the start of every block: who joins at the mark begins
// with the newest one, and the room that is told is what the block has.
func TestSnapshotAtEveryBlock(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Capacity: minCapacity}
	pub, err := Create("r", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	first, err := Open("r", Options{Dir: cfg.Dir, From: FromOldest})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if first.Epoch() != 1 || first.RingID() == 0 {
		t.Errorf("epoch %d, id %d", first.Epoch(), first.RingID())
	}
	const typSnapshot, typOther = 2, 1
	snapshot := []Outgoing{{typSnapshot, make([]byte, 56)}, {typOther, make([]byte, 200)}, {typOther, nil}}
	msg := make([]byte, 56)
	var want []uint64 // numbers of the snapshots' first messages
	for range 10 * pub.Block() / lineSize {
		if pub.Room() < 2*lineSize {
			if err := pub.PublishSnapshot(snapshot); err != nil {
				t.Fatal(err)
			}
			if got := pub.Block() - pub.Room(); got != 6*lineSize {
				t.Fatalf("the snapshot and what is before it take %d bytes of the block", got)
			}
			want = append(want, pub.Seq()-2)
		}
		before := pub.Room()
		if err := pub.Publish(typOther, msg); err != nil {
			t.Fatal(err)
		}
		if got := before - pub.Room(); got != lineSize {
			t.Fatalf("a message took %d of the room", got)
		}
	}
	var got []uint64
	for {
		_, st := first.Next()
		if st != Message {
			break
		}
		if first.Type() == typSnapshot {
			got = append(got, first.Seq())
		}
	}
	if !slices.Equal(got, want) || len(want) < 10 {
		t.Errorf("snapshots at %d, want %d", got, want)
	}
	late, err := Open("r", Options{Dir: cfg.Dir, From: FromMark})
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if _, st := late.Next(); st != Message || late.Seq() != want[len(want)-1] || late.Type() != typSnapshot {
		t.Errorf("%v: began with message %d of type %d, want %d", st, late.Seq(), late.Type(), want[len(want)-1])
	}
	// The next publisher is another epoch of the same ring.
	id := first.RingID()
	pub.Close()
	next, err := Create("r", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if first.Epoch() != 2 || first.RingID() != id {
		t.Errorf("epoch %d, id %d, want 2, %d", first.Epoch(), first.RingID(), id)
	}
	if err := next.PublishSnapshot(nil); err != nil || first.Mark() != want[len(want)-1] {
		t.Errorf("a snapshot of nothing: %v, mark %d", err, first.Mark())
	}
}
