package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Every way carries all messages whole and in order, both ways: IPC fails where one does
// not.
func TestIPC(t *testing.T) {
	s := testSession(t, Setup{})
	r, err := s.IPC(context.Background(), IPC{Duration: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{limitWay, ringWay}
	for _, w := range osWays() {
		want = append(want, w.name)
	}
	if len(r.Ways) != len(want) {
		t.Fatalf("%d ways, want %d", len(r.Ways), len(want))
	}
	for i, w := range r.Ways {
		if w.Name != want[i] {
			t.Errorf("way %d is %q, want %q", i, w.Name, want[i])
		}
		if w.Skipped != "" {
			t.Logf("%s: skipped: %s", w.Name, w.Skipped)
			continue
		}
		if w.RTT.Samples == 0 || w.Delivered == 0 || w.Rate == 0 || w.Ratio.P50 == 0 || w.RingRatio.P99 == 0 || w.RateRatio == 0 {
			t.Errorf("%s: no figures: %+v", w.Name, w)
		}
		if w.RTT.P50 > w.RTT.P99 || w.RTT.P99 > w.RTT.Max {
			t.Errorf("%s: percentiles that fall: %+v", w.Name, w.RTT)
		}
	}
	if r.Interrupted {
		t.Error("interrupted, and nobody did")
	}
	if curves := r.Curves(); len(curves) == 0 || !curves[0].Limit || curves[1].Limit {
		t.Error("the first curve, and no other, is the limit")
	}
}

// A way that is not to be had is skipped, says why, and leaves the others alone.
func TestIPCSkips(t *testing.T) {
	s := testSession(t, Setup{})
	no := errors.New("this machine has no carrier pigeons")
	r, err := s.ipcOf(context.Background(), IPC{Duration: time.Millisecond}, []way{
		{name: "pigeon", open: func(string) (end, []int, error) { return nil, nil, no }},
		chanWay,
	})
	if err != nil {
		t.Fatal(err)
	}
	if w := r.Ways[2]; w.Name != "pigeon" || w.Skipped != no.Error() || w.RTT.Samples != 0 {
		t.Errorf("pigeon: %+v", w)
	}
	if w := r.Ways[3]; w.Skipped != "" || w.RTT.Samples == 0 {
		t.Errorf("the way after it: %+v", w)
	}
	if tables := r.Tables(); len(tables[0].Notes) != 1 || !strings.Contains(tables[0].Notes[0], no.Error()) {
		t.Errorf("notes %q do not say why", tables[0].Notes)
	}
}

// What there was until the end of ctx is kept and marked.
func TestIPCInterrupted(t *testing.T) {
	s := testSession(t, Setup{})
	ctx, cancel := context.WithCancel(context.Background())
	rounds := 0
	s.setup.Progress = func(string, int, int) { // before each round
		if rounds++; rounds == 2 {
			cancel()
		}
	}
	r, err := s.ipcOf(ctx, IPC{Duration: time.Hour}, []way{chanWay})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || len(r.Notes) == 0 {
		t.Errorf("not marked: %+v", r.Run)
	}
	for _, w := range r.Ways {
		if w.RTT.Samples == 0 {
			t.Errorf("%s: what there was is gone: %+v", w.Name, w)
		}
	}
}
