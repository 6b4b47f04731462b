//go:build linux && !race

package gateway

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tickring/tickring/order"
)

// A strategy that cuts its own ring's file short harms itself only: what it left is canceled, and
// the others go on. Not with the race detector: a fault inside its own atomic operations ends the
// process.
func TestRingCutShort(t *testing.T) {
	for _, to := range []int64{0, 0x2000} { // and all but the header and the table
		cutShort(t, to, "ring")
	}
	cutShort(t, 0, "subs/"+gw) // the gateway's own file there, which it may write as well
}

func cutShort(t *testing.T, to int64, name string) {
	t.Helper()
	r, s := withFlagged(t)
	other := r.strategy(8)
	r.run()
	file := filepath.Join(r.dir, order.InputRing(gw, 7), name)
	if err := os.Truncate(file, to); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if name != "ring" {
		s.send(order.MsgNewOrderSingle, s.limit(order.Buy, 1, px)) // which the gateway is to count there
	}
	ended := make(chan error)
	go func() { ended <- r.g.Run(ctx) }()
	other.send(order.MsgNewOrderSingle, other.limit(order.Buy, 1, px))
	for canceled, forwarded := false, false; !canceled || !forwarded; {
		select {
		case err := <-ended:
			t.Fatalf("the gateway has ended: %v", err)
		default:
		}
		r.venue.read()
		for _, f := range r.venue.asked {
			canceled = canceled || f.typ == order.MsgOrderCancelRequest
			forwarded = forwarded || f.typ == order.MsgNewOrderSingle
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := r.g.state.Session(7).Status; got != order.SessionDown {
		t.Errorf("status %d", got)
	}
	if !strings.Contains(strings.Join(r.notes, "\n"), "its file was cut short") {
		t.Errorf("notes %q", r.notes)
	}
	r.sameState()
}
