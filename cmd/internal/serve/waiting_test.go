package serve

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A connection on which nothing has come, as browsers make them in advance, does not keep
// the server from ending.
func TestEndWithAConnectionInAdvance(t *testing.T) {
	s := newServer(t, newFake())
	tcp := s.listener
	defer func() { s.listener = tcp }()
	synctest.Test(t, func(t *testing.T) {
		p := pipes{make(chan net.Conn), make(chan struct{})}
		s.listener = p
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		c, served := net.Pipe()
		defer c.Close()
		p.accept <- served
		synctest.Wait()

		began := time.Now() // on the bubble's clock, which goes on when all wait
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the server ended after %v", took)
		}
		if n, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection is not closed: %d %v", n, err)
		}
	})
}
