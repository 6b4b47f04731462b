//go:build linux

package ring

import (
	"context"
	"strings"
	"testing"
)

// The forms of publishing and reading on rings of real files; on heap words they are in
// claim_test.go, typed_test.go and heap_test.go.

// TestTypedOnARing: programs with different types find out when they begin.
func TestTypedOnARing(t *testing.T) {
	hash, err := LayoutHash[quote]()
	if err != nil {
		t.Fatal(err)
	}
	cfg := smallest(shmDir(t))
	cfg.SchemaHash = hash
	p := mustCreate(t, "r", cfg)
	s := mustOpen(t, "r", Options{Dir: cfg.Dir, Name: "a"})

	type newer struct {
		quote
		Flags uint64
	}
	for _, c := range []struct {
		err  error
		want error
	}{
		{second(NewTypedPublisher[newer](p, 1)), ErrSchema},
		{second(NewTypedSubscriber[newer](s, 1)), ErrSchema},
		{second(NewTypedPublisher[*quote](p, 1)), ErrType},
		{second(NewTypedSubscriber[[]quote](s, 1)), ErrType},
		{second(NewTypedPublisher[[1 << 12]byte](p, 1)), ErrTooLarge},
		{second(NewTypedSubscriber[[1 << 12]byte](s, 1)), ErrTooLarge},
	} {
		wantErr(t, "another type", c.err, c.want)
		if c.err != nil && !strings.Contains(c.err.Error(), `"r"`) {
			t.Errorf("the ring is not named: %v", c.err)
		}
	}

	tp, err := NewTypedPublisher[quote](p, 1)
	if err != nil {
		t.Fatal(err)
	}
	ts, err := NewTypedSubscriber[quote](s, 1)
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, "publish", tp.Publish(&quote{Price: 1}), nil)
	wantErr(t, "publish and wait", tp.PublishWait(context.Background(), &quote{Price: 2}), nil)
	wantErr(t, "publish a batch", tp.PublishBatch([]quote{{Price: 3}, {Price: 4}}), nil)
	for i := int64(1); i <= 4; i++ {
		if q, st := ts.Next(); st != Message || q.Price != i || s.Seq() != uint64(i) || s.Type() != 1 {
			t.Fatalf("%d: %v %v", i, st, q)
		}
	}
	if _, st := ts.Next(); st != Empty {
		t.Error(st)
	}
	if i := onlySub(t, cfg.Dir); i.Messages != 4 || i.Bytes != 4*24 || i.Latency.TotalCount() != 4 {
		t.Errorf("%d messages, %d bytes, %d latencies", i.Messages, i.Bytes, i.Latency.TotalCount())
	}
	p.Close()
	wantErr(t, "publish after the end", tp.Publish(&quote{}), ErrClosed)
	wantErr(t, "publish after the end", tp.PublishBatch([]quote{{}}), ErrClosed)
}

func second[T any](_ T, err error) error { return err }
