package ring

import "testing"

// What a subscriber has in hand comes again after Abandon, and does not after Close.
func TestAbandonKeepsTheMessageInHand(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Capacity: minCapacity, Gates: []Gate{{Name: "g"}}}
	pub, err := Create("r", cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	for range 200 {
		if err := pub.Publish(1, make([]byte, 56)); err != nil {
			t.Fatal(err)
		}
	}
	opt := Options{Dir: cfg.Dir, Name: "g"}
	want := uint64(1)
	for round := range 180 {
		sub, err := Open("r", opt)
		if err != nil {
			t.Fatal(err)
		}
		if round%7 == 0 {
			b := NewBatch(3, 0)
			if st := sub.NextBatch(b); st != Message || b.Seq(0) != want {
				t.Fatalf("round %d: %v, message %d of a batch, want %d", round, st, b.Seq(0), want)
			}
			sub.Abandon()
			continue
		}
		if _, st := sub.Next(); st != Message || sub.Seq() != want {
			t.Fatalf("round %d: %v, message %d, want %d", round, st, sub.Seq(), want)
		}
		if round%2 == 0 {
			sub.Close()
			want++
			sub.Abandon() // nothing any more
			continue
		}
		sub.Abandon()
		if _, st := sub.Next(); st != Closed {
			t.Fatalf("%v after Abandon", st)
		}
	}
}
