package order

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// What the venue applies of its own ring, on top of what the gateway has passed on, comes to the
// same orders as when the gateway passes it on; what was passed on already is not applied again.
func TestApplyVenue(t *testing.T) {
	for seed := range uint64(10) {
		s := newSim(seed, 3, 3, 20)
		gateway, own := NewState(Bounds{}), NewState(Bounds{})
		for range 1000 {
			seq, typ, msg := s.next()
			must(t, gateway.Apply(seq, typ, msg))
			must(t, own.Apply(seq, typ, msg))
		}
		passedOn := own.Session(RingVenue).Seq
		for n := range 200 {
			says := s.report
			if n%5 == 0 {
				says = s.answerLost
			}
			typ, msg := says()
			if msg == nil {
				continue
			}
			s.seq++
			must(t, gateway.Apply(s.seq, typ, msg))
			// In the venue's ring the same report names what it answers.
			venue := slices.Clone(msg)
			at := 24 // Origin's offset
			if typ == MsgOrderCancelReject {
				at = 32
			}
			clear(venue[at : at+8])
			seq := own.Session(RingVenue).Seq + 1
			if err := own.ApplyVenue(passedOn, typ, venue); !errors.Is(err, ErrJournal) {
				t.Fatalf("what was passed on already: %v", err)
			}
			must(t, own.ApplyVenue(seq, typ, venue))
			if err := own.ApplyVenue(seq+1, typ, venue); err == nil && own.Last() != nil && own.Last().Closed != 0 {
				t.Fatal("a closed order was closed again")
			} else if err == nil {
				own.Session(RingVenue).Seq = seq // a report that may come twice, such as its state
			}
		}
		// But for what only the gateway counts they are the same.
		own.seq = gateway.seq
		*own.Session(RingVenue) = *gateway.Session(RingVenue)
		for i := range own.sessions {
			own.sessions[i].Reports = gateway.sessions[i].Reports
		}
		if !bytes.Equal(dump(own), dump(gateway)) {
			t.Fatalf("seed %d: the venue has other orders than the gateway", seed)
		}
	}
}
