package harness

import "testing"

func TestStreamCountsWhatIsMissing(t *testing.T) {
	var s Stream
	for _, m := range []Message{
		{0, warming}, {2, warming}, // what the warm-up loses does not count
		{3, measuring}, {4, measuring}, {7, measuring}, {8, measuring},
	} {
		if !s.Take(&m) {
			t.Fatalf("over at %v", m)
		}
	}
	if s.Take(&Message{10, ended}) {
		t.Fatal("not over at its end")
	}
	if r := s.result(); r.Delivered != 4 || r.Lost != 3 {
		t.Errorf("%d delivered, %d lost, want 4 and 3", r.Delivered, r.Lost)
	}
}

func TestSourceEndsItsStream(t *testing.T) {
	s := Source{phase: measuring, seq: 4096}
	s.ends = s.ends.Add(1) // long past
	var m Message
	if !s.Next(&m) || m[seqWord] != 4096 || m[phaseWord] != ended {
		t.Errorf("last message %v", m)
	}
	if s.Next(&m) {
		t.Errorf("one more: %v", m)
	}
}

func TestFromBytes(t *testing.T) {
	m := Message{1, 2, 3, 4, 5, 6, 7}
	if got := FromBytes(Bytes(&m)); got != m {
		t.Errorf("got %v, want %v", got, m)
	}
	if got := FromBytes(Bytes(&m)[:8]); got != (Message{}) {
		t.Errorf("of a short one: %v", got)
	}
}
