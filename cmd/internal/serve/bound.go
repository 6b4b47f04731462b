package serve

import (
	"net"
	"sync"
)

// bound accepts at most n connections at a time; the kernel keeps those that come after.
func bound(l net.Listener, n int) net.Listener {
	return &bounded{Listener: l, free: make(chan struct{}, n), closed: make(chan struct{})}
}

type bounded struct {
	net.Listener
	free   chan struct{} // has an element for each connection
	closed chan struct{}
	once   sync.Once
}

func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.free <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.free
		return nil, err
	}
	return &boundConn{Conn: c, release: sync.OnceFunc(func() { <-b.free })}, nil
}

func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

type boundConn struct {
	net.Conn
	release func()
}

func (c *boundConn) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}
