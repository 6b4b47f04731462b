package serve

import (
	"net"
	"net/http"
	"sync"
)

// waiting are the connections on which nothing has come yet. Browsers make some in advance.
// When a server ends, net/http answers nothing on them any more, but waits for them for 5 s.
type waiting struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	over  bool
}

func newWaiting() *waiting { return &waiting{conns: map[net.Conn]struct{}{}} }

// note is a ConnState of http.Server.
func (w *waiting) note(c net.Conn, state http.ConnState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(w.conns, c)
	case w.over:
		c.Close()
	default:
		w.conns[c] = struct{}{}
	}
}

// end closes them, and those that are still to come.
func (w *waiting) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for c := range w.conns {
		c.Close()
	}
}
