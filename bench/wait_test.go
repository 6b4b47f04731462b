package bench

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	s := testSession(t, Setup{})
	r, err := s.Wait(context.Background(), Wait{Duration: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Strategies) != len(waitings())-1 {
		t.Errorf("%d strategies, want all but the limit of %d", len(r.Strategies), len(waitings()))
	}
	for _, w := range r.Strategies {
		if n := w.Latency.Samples + int64(w.Latency.Negative); n < fewest || uint64(n) != w.Messages {
			t.Errorf("%s: %d times of %d messages", w.Name, n, w.Messages)
		}
		for _, use := range []CPUUse{w.Busy, w.IdleUse} {
			if use.Subscriber < 0 || use.Waker < 0 {
				t.Errorf("%s: a negative use of CPUs: %+v", w.Name, use)
			}
		}
		if waiting, _ := waitingOf(w.Name); waiting.waker == noWaker && w.Busy.Waker != 0 {
			t.Errorf("%s: has no waker, and that took %v %%", w.Name, w.Busy.Waker)
		}
	}
	if len(r.Curves()) != len(r.Strategies)+1 || len(r.Tables()[0].Rows) != len(r.Strategies)+1 || len(r.Dots()) != len(r.Strategies) {
		t.Error("a strategy, or the limit, is not shown")
	}
}

func TestWaitRefuses(t *testing.T) {
	s := testSession(t, Setup{})
	for _, every := range []time.Duration{-1, time.Microsecond, time.Minute} {
		if _, err := s.Wait(context.Background(), Wait{Every: every}); !errors.Is(err, ErrConfig) {
			t.Errorf("a message every %v: %v, want ErrConfig", every, err)
		}
	}
}

func TestWaitInterrupted(t *testing.T) {
	s := testSession(t, Setup{})
	ctx, cancel := context.WithCancel(context.Background())
	turns := 0
	s.setup.Progress = func(string, int, int) { // before each turn
		if turns++; turns == 3 {
			cancel()
		}
	}
	r, err := s.Wait(ctx, Wait{Duration: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Dots()) != 1 {
		t.Errorf("%d dots, want that of the one strategy that had its turn", len(r.Dots()))
	}
	if !r.Interrupted || r.Limit.Samples+int64(r.Limit.Negative) == 0 || r.Strategies[0].Messages == 0 || r.Strategies[1].Messages != 0 {
		t.Errorf("what there was until then, marked, is wanted: %+v", r)
	}
}
