package serve

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/ring/monitor"
)

// watcher looks at a source again and again, and lends it to requests in between.
type watcher struct {
	every   time.Duration
	metrics func(*view) *scrapes
	newest  atomic.Pointer[view]

	mu     sync.Mutex // for what follows
	source Source
	polls  uint64
	closed bool
}

// view is a snapshot and what was made of it for those who asked. Each form is made once,
// by the first who asks.
type view struct {
	*monitor.Snapshot
	polls   uint64
	rings   [lessValues]func() (*body, error)
	metrics *scrapes
}

func (w *watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polls++
	v := &view{Snapshot: w.source.Poll(), polls: w.polls}
	for l := range lessValues {
		v.rings[l] = sync.OnceValues(func() (*body, error) { return jsonBody(trimmed(v.Snapshot, l)) })
	}
	v.metrics = w.metrics(v)
	w.newest.Store(v)
}

func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.look()
		}
	}
}

// borrow calls f with the source, unless it is closed already.
func (w *watcher) borrow(f func(Source)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		f(w.source)
	}
}

func (w *watcher) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return w.source.Close()
}
