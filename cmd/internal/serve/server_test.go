package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tickring/tickring/ring/monitor"
)

func TestListen(t *testing.T) {
	for _, remote := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"} {
		if _, err := Listen(Config{Source: newFake(), Listen: remote}); !errors.Is(err, ErrRemote) || !strings.Contains(err.Error(), "--allow-remote") {
			t.Errorf("%s: %v", remote, err)
		}
	}
	for _, bad := range []string{"127.0.0.1", "127.0.0.1:http-none", "no host.invalid:80", "127.0.0.1:99999"} {
		if _, err := Listen(Config{Source: newFake(), Listen: bad}); err == nil || !strings.Contains(err.Error(), "HOST:PORT") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	s, err := Listen(Config{Source: newFake(), Listen: "0.0.0.0:0", AllowRemote: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first, err := Listen(Config{Source: newFake(), Listen: "localhost:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	taken := strings.TrimSuffix(strings.TrimPrefix(first.URL(), "http://"), "/")
	if _, err := Listen(Config{Source: newFake(), Listen: taken}); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), taken) {
		t.Errorf("%s: %v", taken, err)
	}
	const elsewhere = "192.0.2.1:0" // of documentation
	if _, err := Listen(Config{Source: newFake(), Listen: elsewhere, AllowRemote: true}); !errors.Is(err, syscall.EADDRNOTAVAIL) || !strings.Contains(err.Error(), elsewhere) || !strings.Contains(err.Error(), "take one") {
		t.Errorf("%s: %v", elsewhere, err)
	}
}

func TestHosts(t *testing.T) {
	local, remote := newHosts([]string{"proxy.example"}, false), newHosts(nil, true)
	for _, host := range []string{"localhost", "LOCALHOST:8370", "localhost.", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8370", "proxy.example:80", "[::ffff:127.0.0.1]:1"} {
		if !local.has(host) {
			t.Errorf("%s is refused", host)
		}
	}
	for _, host := range []string{"", "evil.example", "evil.example:8370", "localhost.evil.example", "192.0.2.1:8370", "127.0.0.1.evil.example", "[::1", "0.0.0.0", "localhost:80:80", "[]"} {
		if local.has(host) {
			t.Errorf("%q is permitted", host)
		}
	}
	if !remote.has("192.0.2.1:8370") || remote.has("evil.example") {
		t.Error("with other hosts: an address is refused, or a name that is not ours permitted")
	}
}

func TestRefused(t *testing.T) {
	f := newFake()
	s := newServer(t, f)
	for _, c := range []struct {
		name string
		req  *http.Request
		code int
		word string
	}{
		{"other name", httptest.NewRequest("GET", "http://evil.example/api/v1/rings", nil), http.StatusForbidden, "--host"},
		{"POST", httptest.NewRequest("POST", "http://localhost/api/v1/rings", nil), http.StatusMethodNotAllowed, "GET and HEAD"},
		{"DELETE", httptest.NewRequest("DELETE", "http://localhost/api/v1/rings/es", nil), http.StatusMethodNotAllowed, "GET and HEAD"},
		{"body", httptest.NewRequest("GET", "http://localhost/", strings.NewReader("x")), http.StatusBadRequest, "no body"},
		{"chunked body", httptest.NewRequest("GET", "http://localhost/", io.MultiReader()), http.StatusBadRequest, "no body"},
	} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, c.req)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.word) || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v %s", c.name, w.Code, w.Header(), w.Body)
		}
	}
	// One more than it answers at once.
	for range cap(s.busy) {
		s.busy <- struct{}{}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/metrics", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || s.refused.Load() != 1 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestHeaders(t *testing.T) {
	s := newServer(t, newFake())
	for _, path := range []string{"/", "/static/app.js", "/static/style.css", "/metrics", "/api/v1/rings", "/none"} {
		get, head := httptest.NewRecorder(), httptest.NewRecorder()
		s.Handler().ServeHTTP(get, httptest.NewRequest("GET", "http://localhost"+path, nil))
		s.Handler().ServeHTTP(head, httptest.NewRequest("HEAD", "http://localhost"+path, nil))
		h := get.Header()
		if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'self'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, h)
		}
		if h.Get("Content-Length") != fmt.Sprint(get.Body.Len()) || get.Code != head.Code || h.Get("Content-Type") != head.Header().Get("Content-Type") {
			t.Errorf("%s: %d %v, HEAD %d %v", path, get.Code, h, head.Code, head.Header())
		}
	}
}

func TestHealth(t *testing.T) {
	f := newFake()
	s := newServer(t, f)
	var h struct{ Status, Error string }
	if code := get(t, s, "/healthz", &h); code != http.StatusOK || h.Status != "ok" {
		t.Errorf("%d %+v", code, h)
	}
	old := *s.watch.newest.Load()
	snapshot := *old.Snapshot
	snapshot.Time = time.Now().Add(-time.Hour)
	old.Snapshot = &snapshot
	s.watch.newest.Store(&old)
	if code := get(t, s, "/healthz", &h); code != http.StatusServiceUnavailable || !strings.Contains(h.Error, "for 1h") {
		t.Errorf("%d %+v", code, h)
	}
}

// run runs a server until the returned function is called, which returns what Run does.
func run(t *testing.T, s *Server) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(cancel)
	return func() error {
		cancel()
		return <-ended
	}
}

// say sends a request and returns all that comes until the server hangs up.
func say(s *Server, request string) (string, error) {
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		return "", err
	}
	defer c.Close()
	io.WriteString(c, request) // the server may hang up before the end
	answer, _ := io.ReadAll(c)
	return string(answer), nil
}

func TestClientsThatAreSlowOrWrong(t *testing.T) {
	t.Parallel()
	s := newServer(t, newFake())
	s.limits.idle = 50 * time.Millisecond
	stop := run(t, s)
	// Where a request has little time, nobody asks who wants an answer.
	brief := newServer(t, newFake())
	brief.limits.request = 100 * time.Millisecond
	stopBrief := run(t, brief)
	var clients sync.WaitGroup
	for name, c := range map[string]struct{ request, answer string }{
		"half a request":   {"GET / HTTP/1.1\r\nHost: localhost\r\n", ""},
		"nothing":          {"", ""},
		"no HTTP":          {"\x16\x03\x01 hello\r\n\r\n", "400"},
		"no name":          {"GET /healthz HTTP/1.0\r\n\r\n", "403"},
		"much header":      {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
		"idle afterwards":  {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "200"},
		"the whole server": {"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"},
		"body":             {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx", "405"},
	} {
		clients.Go(func() {
			to := s
			if c.answer == "" {
				to = brief
			}
			answer, err := say(to, c.request)
			status, _, _ := strings.Cut(answer, "\r\n")
			if name == "much header" && answer == "" {
				return // it was hung up on before it could read
			}
			if err != nil || !strings.Contains(status, c.answer) {
				t.Errorf("%s: %q %v", name, answer, err)
			}
		})
	}
	clients.Wait()
	if err := errors.Join(stop(), stopBrief()); err != nil {
		t.Error(err)
	}
}

// slow is a source that says when it is asked and answers when it may.
type slow struct {
	*fake
	asked, answer chan struct{}
}

func (s slow) Heat(ring, sub string) (monitor.Heat, bool) {
	s.asked <- struct{}{}
	<-s.answer
	return s.fake.Heat(ring, sub)
}

// A fault of the server costs one connection, and is told.
func TestFault(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, err := Listen(Config{Source: faulty{newFake()}, Listen: "127.0.0.1:0", Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, s)
	for path, status := range map[string]string{"heat": "", "spikes": "HTTP/1.0 200 OK"} {
		answer, err := say(s, "GET /api/v1/rings/es/subscribers/alpha/"+path+" HTTP/1.0\r\nHost: localhost\r\n\r\n")
		if got, _, _ := strings.Cut(answer, "\r\n"); err != nil || got != status {
			t.Errorf("%s: %v %q", path, err, answer)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if told := log.String(); strings.Count(told, "panic serving") != 1 || !strings.Contains(told, "of its own") {
		t.Errorf("told %q", told)
	}
}

// faulty is a source with a fault.
type faulty struct{ *fake }

func (faulty) Heat(ring, sub string) (monitor.Heat, bool) { panic("of its own") }

// Who has asked before the end gets his answer; who comes later is refused.
func TestEnd(t *testing.T) {
	t.Parallel()
	f := slow{newFake(), make(chan struct{}), make(chan struct{})}
	s := newServer(t, f)
	stop := run(t, s)
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /api/v1/rings/es/subscribers/alpha/heat HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-f.asked
	ended := make(chan error)
	go func() { ended <- stop() }()
	for { // until it listens no more
		late, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			break
		}
		late.Close()
	}
	close(f.answer)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("counts")) {
		t.Errorf("%v %s %s", err, r.Status, body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !f.closed.Load() {
		t.Error("the source is not closed")
	}
	// A request that is late by less than the connection's end finds the source closed.
	if code := get(t, s, "/api/v1/rings/es/subscribers/alpha/curves", nil); code != http.StatusOK {
		t.Errorf("%d", code)
	}
}

func TestBound(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := bound(l, 1)
	for range 2 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first, err := b.Accept()
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan net.Conn)
	go func() {
		c, err := b.Accept()
		if err != nil {
			t.Error(err)
		}
		second <- c
	}()
	select {
	case <-second:
		t.Error("two connections at a time")
	case <-time.After(10 * time.Millisecond):
	}
	first.Close()
	first.Close() // counts once
	(<-second).Close()
	b.(*bounded).free <- struct{}{}
	refused := make(chan error)
	go func() {
		_, err := b.Accept()
		refused <- err
	}()
	b.Close()
	if err := <-refused; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func FuzzRequest(f *testing.F) {
	for _, r := range routes() {
		f.Add("GET", strings.NewReplacer("{ring}", "es", "{subscriber}", "alpha", "{file}", "app.js", "{$}", "").Replace(r.path), "localhost", "gzip;q=0.5, *", "text/plain")
	}
	f.Add("POST", "//evil/%2e%2e/%00?brief=%zz;", "[::1]:x", "gzip;q", acceptProto)
	s := newServer(f, newFake())
	s.cfg.Every = 24 * time.Hour // nobody looks again, and that is no fault
	handler := s.Handler()
	f.Fuzz(func(t *testing.T, method, path, host, encoding, accept string) {
		raw := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return // net/http refuses it
		}
		r.Method, r.Host = method, host
		r.Header.Set("Accept-Encoding", encoding)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		case http.StatusMovedPermanently, http.StatusTemporaryRedirect: // to the path without // and ..
			if to := w.Header().Get("Location"); strings.HasPrefix(to, "//") || !strings.HasPrefix(to, "/") {
				t.Errorf("%q leads to %q", path, to)
			}
		default:
			t.Errorf("%q: %d %s", path, w.Code, w.Body)
		}
		if len(s.busy) != 0 {
			t.Error("a request is counted that has ended")
		}
	})
}
