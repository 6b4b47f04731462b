// Package serve is the HTTP server of tickring serve: it shows what a [monitor.Monitor]
// sees, as a web page, as JSON and as metrics of Prometheus. It reads only.
package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tickring/tickring/ring/monitor"
)

// Config says what to serve, and to whom.
type Config struct {
	// Monitor says which rings.
	Monitor monitor.Config
	// Source is looked at in place of a monitor.Monitor, if it is not nil.
	Source Source
	// Every is the time between two looks. 0: 1 s.
	Every time.Duration
	// Listen is host:port; port 0 is any that is free. Empty: DefaultListen.
	Listen string
	// AllowRemote permits addresses that other hosts can reach.
	AllowRemote bool
	// Hosts are names that requests may give the server, besides its addresses,
	// localhost and, with AllowRemote, the name of this host.
	Hosts []string
	// Requests is how many are answered at once. 0: 64. Four times as many may be
	// connected.
	Requests int
	// Version is told to who asks.
	Version string
	// Log is told of what is a fault of the server itself. nil: nobody is.
	Log io.Writer
}

// DefaultListen is where the server is when nothing else is said.
const DefaultListen = "127.0.0.1:8370"

// Source is what a monitor.Monitor does.
type Source interface {
	Poll() *monitor.Snapshot
	Histogram(ring, sub string, over monitor.Span) (*hdrhistogram.Histogram, bool)
	Heat(ring, sub string) (monitor.Heat, bool)
	Close() error
}

var (
	// ErrAddress: that is no address of this host.
	ErrAddress = errors.New("no address to listen on")
	// ErrRemote: other hosts could reach the address.
	ErrRemote = errors.New("other hosts can reach it, and there is no password")
)

// limits are what one client can take.
type limits struct {
	request time.Duration // for a request to come
	answer  time.Duration // for an answer to be read
	idle    time.Duration // between two requests
	end     time.Duration // for answers to be read when the server ends
	header  int           // bytes
}

func defaultLimits() limits {
	return limits{request: 5 * time.Second, answer: 15 * time.Second, idle: 2 * time.Minute, end: 5 * time.Second, header: 16 << 10}
}

// Server answers requests about rings.
type Server struct {
	cfg      Config
	limits   limits
	listener net.Listener
	hosts    hosts
	watch    *watcher
	scale    *scale
	busy     chan struct{} // has an element for each request that is being answered
	refused  atomic.Uint64 // requests that were too many
	answered atomic.Uint64
}

// Listen takes the address. Nothing is looked at or answered before Run.
func Listen(cfg Config) (*Server, error) {
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	if cfg.Listen == "" {
		cfg.Listen = DefaultListen
	}
	if cfg.Requests == 0 {
		cfg.Requests = 64
	}
	addr, err := net.ResolveTCPAddr("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w (%w); want HOST:PORT such as %s", cfg.Listen, ErrAddress, err, DefaultListen)
	}
	remote := addr.IP == nil || !addr.IP.IsLoopback()
	if remote && !cfg.AllowRemote {
		return nil, fmt.Errorf("listen on %s: %w; take an address such as %s, or give --allow-remote if all who can reach it may look", cfg.Listen, ErrRemote, DefaultListen)
	}
	listener, err := net.ListenTCP("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: the port is in use, perhaps by another tickring serve; end it, or choose another port with --listen (0 takes any that is free): %w", cfg.Listen, syscall.EADDRINUSE)
	}
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("listen on %s: this host does not have the address; take one that it has, or %s: %w", cfg.Listen, DefaultListen, syscall.EADDRNOTAVAIL)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("listen on %s: this user may not take the port; choose one of 1024 or above with --listen: %w", cfg.Listen, syscall.EACCES)
	case err != nil:
		return nil, err
	}
	if cfg.Source == nil {
		cfg.Source = monitor.New(cfg.Monitor)
	}
	s := &Server{
		cfg:      cfg,
		limits:   defaultLimits(),
		listener: bound(listener, 4*cfg.Requests),
		hosts:    newHosts(cfg.Hosts, remote),
		watch:    &watcher{source: cfg.Source, every: cfg.Every},
		busy:     make(chan struct{}, cfg.Requests),
		scale:    newScale(),
	}
	s.watch.metrics = func(v *view) *scrapes { return newScrapes(gatherer{s, v}) }
	return s, nil
}

// URL is where the page is.
func (s *Server) URL() string {
	addr := s.listener.Addr().(*net.TCPAddr)
	if addr.IP.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return fmt.Sprintf("http://%s:%d/", name, addr.Port)
		}
	}
	return fmt.Sprintf("http://%s/", addr)
}

// Run answers until ctx ends, and then those who have asked already.
func (s *Server) Run(ctx context.Context) error {
	s.watch.look()
	looking, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.watch.run(looking)
	}()
	waiting := newWaiting()
	server := &http.Server{
		Handler:           s.Handler(),
		ConnState:         waiting.note,
		ReadHeaderTimeout: s.limits.request,
		ReadTimeout:       s.limits.request,
		WriteTimeout:      s.limits.answer,
		IdleTimeout:       s.limits.idle,
		MaxHeaderBytes:    s.limits.header,
		ErrorLog:          log.New(panics{s.cfg.Log}, "", log.LstdFlags),
		// OPTIONS * is for the handler as well.
		DisableGeneralOptionsHandler: true,
	}
	server.RegisterOnShutdown(waiting.end)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }()

	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.Background(), s.limits.end)
		if server.Shutdown(grace) != nil {
			server.Close() // who has not read the answer by now never will
		}
		cancel()
	}
	stop()
	<-done
	if cerr := s.watch.close(); err == nil {
		err = cerr
	}
	return err
}

// Close gives the address back. It is for a server that does not run.
func (s *Server) Close() error { return s.listener.Close() }

// panics passes on what net/http tells of panics, with which it cuts one connection and goes
// on, and not what clients do wrong.
type panics struct{ to io.Writer }

func (p panics) Write(line []byte) (int, error) {
	if p.to != nil && bytes.Contains(line, []byte("http: panic serving")) {
		return p.to.Write(line)
	}
	return len(line), nil
}
