// Command shmipc measures shmipc-go: buffers and queues in shared memory, a Unix socket to wake
// the other process up, which sleeps as soon as its queue is empty.
//
// Round trip: the other process is the server and echoes out of its callback, this one waits in
// ReadBytes. Throughput: this process is the server and reads the stream. Nothing in shmipc holds
// a sender up before the shared buffer has run out, and from then on it sends over the socket. So
// the receiver acknowledges every so many messages, and the sender waits for that.
package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/cloudwego/shmipc-go"
	"github.com/tickring/tickring/bench/peers/internal/harness"
	"github.com/tickring/tickring/bench/peers/internal/result"
)

func main() {
	shmipc.SetLogLevel(4) // errors: it writes to the standard output
	harness.Peer{
		Name: "shmipc-go", Module: "github.com/cloudwego/shmipc-go", Processes: 2,
		Differences: "Two processes that sleep when there is nothing and wake each other over a Unix socket; goroutines in between; a byte stream in slices of a shared buffer; acknowledgements of the program hold the sender up, because shmipc itself would go over to the socket.",
		RTT:         roundTrips,
		Throughput:  stream,
		Ends: map[string]func(string) error{
			"echo": func(dir string) error {
				return serve(dir, func(s *shmipc.Stream) shmipc.StreamCallbacks { return &echo{stream: s} })
			},
			"send": send,
		},
	}.Main()
}

// At most window messages are under way; each acknowledgement is for a part of them. Queue and
// buffer have room for more.
const (
	window    = 1 << 13
	part      = window / 8
	queueCap  = 2 * window
	sliceSize = 108 // and a header of 20
)

func config(dir string) shmipc.Config {
	c := *shmipc.DefaultConfig()
	c.QueueCap = queueCap
	c.ShareMemoryBufferCap = 4 * queueCap * 128
	c.BufferSliceSizes = []*shmipc.SizePercentPair{{Size: sliceSize, Percent: 100}}
	c.ShareMemoryPathPrefix = filepath.Join(dir, "buffer")
	c.QueuePath = filepath.Join(dir, "queue")
	return c
}

// serve answers each stream on the directory's socket with the callbacks that are made for it.
func serve(dir string, callbacks func(*shmipc.Stream) shmipc.StreamCallbacks) error {
	c := shmipc.NewDefaultListenerConfig(socket(dir), "unix")
	own := config(dir)
	c.Config = &own
	l, err := shmipc.NewListener(listener{callbacks}, c)
	if err != nil {
		return err
	}
	return l.Run()
}

type listener struct {
	callbacks func(*shmipc.Stream) shmipc.StreamCallbacks
}

func (l listener) OnShutdown(string) {}

func (l listener) OnNewStream(s *shmipc.Stream) {
	s.SetCallbacks(l.callbacks(s))
}

// dial opens a stream to the server on the directory's socket, once that is there.
func dial(dir string) (*shmipc.Stream, error) {
	c := shmipc.DefaultSessionManagerConfig()
	own := config(dir)
	c.Config = &own
	c.Network, c.Address = "unix", socket(dir)
	for range 1000 {
		if _, err := os.Stat(socket(dir)); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	m, err := shmipc.NewSessionManager(c)
	if err != nil {
		return nil, err
	}
	return m.GetStream()
}

func socket(dir string) string { return filepath.Join(dir, "socket") }

// newDir is for buffer, queue and socket; in memory.
func newDir() (string, error) { return harness.TempDir("shmipc", "/dev/shm") }

func roundTrips(t *harness.Trips) error {
	dir, err := newDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := harness.Start("echo", dir); err != nil {
		return err
	}
	stream, err := dial(dir)
	if err != nil {
		return err
	}
	var m harness.Message
	return t.Measure(func() error {
		if _, err := stream.BufferWriter().WriteBytes(harness.Bytes(&m)); err != nil {
			return err
		}
		if err := stream.Flush(false); err != nil {
			return err
		}
		b, err := stream.BufferReader().ReadBytes(result.PayloadBytes)
		if err != nil {
			return err
		}
		m = harness.FromBytes(b)
		stream.BufferReader().ReleasePreviousRead()
		return nil
	})
}

// echo is the server's side of the round trip.
type echo struct {
	stream  *shmipc.Stream
	message harness.Message
}

func (e *echo) OnData(r shmipc.BufferReader) {
	b, err := r.ReadBytes(result.PayloadBytes)
	if err != nil {
		panic(err)
	}
	e.message = harness.FromBytes(b)
	r.ReleasePreviousRead()
	if _, err := e.stream.BufferWriter().WriteBytes(harness.Bytes(&e.message)); err != nil {
		panic(err)
	}
	if err := e.stream.Flush(false); err != nil {
		panic(err)
	}
}

func (e *echo) OnLocalClose()  {}
func (e *echo) OnRemoteClose() {}

func stream(s *harness.Stream) error {
	dir, err := newDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	done := make(chan error, 2)
	go func() {
		done <- serve(dir, func(back *shmipc.Stream) shmipc.StreamCallbacks {
			return &receiver{stream: s, done: done, back: back}
		})
	}()
	if err := harness.Start("send", dir); err != nil {
		return err
	}
	return <-done
}

type receiver struct {
	stream *harness.Stream
	done   chan error
	back   *shmipc.Stream
	count  int
}

func (c *receiver) OnData(r shmipc.BufferReader) {
	b, err := r.ReadBytes(result.PayloadBytes)
	if err != nil {
		c.done <- err
		return
	}
	if !c.stream.TakeBytes(b) {
		c.done <- nil
	}
	r.ReleasePreviousRead()
	if c.count++; c.count%part == 0 {
		if err := c.acknowledge(); err != nil {
			c.done <- err
		}
	}
}

func (c *receiver) acknowledge() error {
	if err := c.back.BufferWriter().WriteByte(0); err != nil {
		return err
	}
	return c.back.Flush(false)
}

func (c *receiver) OnLocalClose()  {}
func (c *receiver) OnRemoteClose() {}

func send(dir string) error {
	stream, err := dial(dir)
	if err != nil {
		return err
	}
	var m harness.Message
	left := window // that may be sent
	for source := new(harness.Source); source.Next(&m); left-- {
		for left == 0 {
			if _, err := stream.BufferReader().ReadByte(); err != nil {
				return err
			}
			stream.BufferReader().ReleasePreviousRead()
			left += part
		}
		if _, err := stream.BufferWriter().WriteBytes(harness.Bytes(&m)); err != nil {
			return err
		}
		if err := stream.Flush(false); err != nil {
			return err
		}
	}
	select {} // the receiver ends, and this process with it
}
