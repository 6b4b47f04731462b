package fix

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"
)

// counterparty is the venue at the other end of the socket: an acceptor of quickfix that
// keeps what it gets, and says what the test has it say.
type counterparty struct {
	t        *testing.T
	acceptor *quickfix.Acceptor
	id       quickfix.SessionID
	port     int
	logons   chan struct{}
	got      chan *quickfix.Message
	rejects  chan *quickfix.Message // Reject of the session
	refuse   atomic.Value           // logons, with this reason
}

// waitFor is how long a test waits for what must come: nobody looks at how long it took.
const waitFor = time.Minute

func newCounterparty(t *testing.T, name string) *counterparty {
	t.Helper()
	c := &counterparty{t: t, logons: make(chan struct{}, 100), got: make(chan *quickfix.Message, 1000), rejects: make(chan *quickfix.Message, 100)}
	for tries := 0; ; tries++ { // somebody else may take the port
		err := c.start(name)
		if err == nil {
			break
		}
		if tries == 20 {
			t.Fatal(err)
		}
	}
	t.Cleanup(c.acceptor.Stop)
	return c
}

func (c *counterparty) start(name string) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.port = free.Addr().(*net.TCPAddr).Port
	free.Close()
	settings, err := quickfix.ParseSettings(strings.NewReader(fmt.Sprintf(
		"[DEFAULT]\nSocketAcceptHost=127.0.0.1\nSocketAcceptPort=%d\n[SESSION]\nBeginString=FIX.4.4\nSenderCompID=VENUE\nTargetCompID=%s\n", c.port, name)))
	if err != nil {
		return err
	}
	for id := range settings.SessionSettings() {
		c.id = id
	}
	if c.acceptor, err = quickfix.NewAcceptor(c, quickfix.NewMemoryStoreFactory(), settings, quickfix.NewNullLogFactory()); err != nil {
		return err
	}
	if err = c.acceptor.Start(); err != nil {
		_ = quickfix.UnregisterSession(c.id) // it is registered
	}
	return err
}

func (c *counterparty) OnCreate(quickfix.SessionID) {}
func (c *counterparty) OnLogon(quickfix.SessionID) {
	select {
	case c.logons <- struct{}{}:
	default:
	}
}
func (c *counterparty) OnLogout(quickfix.SessionID)                       {}
func (c *counterparty) ToAdmin(*quickfix.Message, quickfix.SessionID)     {}
func (c *counterparty) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }
func (c *counterparty) FromAdmin(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	switch typ, _ := m.MsgType(); typ {
	case "A":
		if why, _ := c.refuse.Load().(string); why != "" {
			return quickfix.RejectLogon{Text: why}
		}
	case "3":
		d := quickfix.NewMessage()
		m.CopyInto(d)
		c.rejects <- d
	}
	return nil
}
func (c *counterparty) FromApp(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	d := quickfix.NewMessage()
	m.CopyInto(d)
	c.got <- d
	return nil
}

// next returns the next message, which has to be of this type.
func (c *counterparty) next(typ string) *quickfix.Message {
	c.t.Helper()
	select {
	case m := <-c.got:
		if got, _ := m.MsgType(); got != typ {
			c.t.Fatalf("the venue got a message of type %s, want %s: %s", got, typ, printable(m))
		}
		return m
	case <-time.After(waitFor):
		c.t.Fatalf("no message of type %s came", typ)
	}
	return nil
}

// wants checks fields of a message: "tag=value".
func (c *counterparty) wants(m *quickfix.Message, fields ...string) {
	c.t.Helper()
	text := "|" + printable(m) + "|"
	for _, f := range fields {
		if !strings.Contains(text, "|"+f+"|") {
			c.t.Fatalf("no %s in %s", f, text)
		}
	}
}

// say sends a message of this type: "tag=value" for each field of the body.
func (c *counterparty) say(typ string, fields ...string) {
	c.t.Helper()
	if err := quickfix.SendToTarget(messageOf(typ, fields...), c.id); err != nil {
		c.t.Fatal(err)
	}
}

func messageOf(typ string, fields ...string) *quickfix.Message {
	m := quickfix.NewMessage()
	m.Header.SetString(tagMsgType, typ)
	for _, f := range fields {
		tag, value, _ := strings.Cut(f, "=")
		var n int
		fmt.Sscan(tag, &n)
		if n == int(tagPossResend) || n == int(tagPossDupFlag) {
			m.Header.SetString(quickfix.Tag(n), value)
		} else {
			m.Body.SetString(quickfix.Tag(n), value)
		}
	}
	return m
}

// report is an ExecutionReport of this ExecType and OrdStatus.
func (c *counterparty) report(clOrdID, execType, ordStatus string, fields ...string) {
	c.t.Helper()
	c.say("8", append([]string{"37=V1", "17=E", "11=" + clOrdID, "150=" + execType, "39=" + ordStatus, "55=ESH4", "54=1"}, fields...)...)
}

// wire is the network between the two: it can be cut, and can lose what goes to the venue.
type wire struct {
	ln   net.Listener
	to   string
	mu   sync.Mutex
	open []net.Conn
	lose bool
	shut bool
}

func newWire(t *testing.T, port int) *wire {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{ln: ln, to: fmt.Sprintf("127.0.0.1:%d", port)}
	go w.serve()
	t.Cleanup(func() { ln.Close(); w.cut() })
	return w
}

func (w *wire) port() int { return w.ln.Addr().(*net.TCPAddr).Port }

func (w *wire) serve() {
	for {
		near, err := w.ln.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		if w.shut {
			near.Close()
			w.mu.Unlock()
			continue
		}
		far, err := net.Dial("tcp", w.to)
		if err != nil {
			near.Close()
			w.mu.Unlock()
			continue
		}
		w.open = append(w.open, near, far)
		w.mu.Unlock()
		go func() {
			buf := make([]byte, 4096)
			for {
				n, err := near.Read(buf)
				w.mu.Lock()
				lose := w.lose
				w.mu.Unlock()
				if n > 0 && !lose {
					far.Write(buf[:n])
				}
				if err != nil {
					far.Close()
					return
				}
			}
		}()
		go func() {
			io.Copy(near, far)
			near.Close()
		}()
	}
}

// loses has everything that is sent from now on vanish, until the wire is cut.
func (w *wire) loses() {
	w.mu.Lock()
	w.lose = true
	w.mu.Unlock()
}

// cut breaks the connections there are.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		c.Close()
	}
	w.open, w.lose = nil, false
}

// close cuts the wire, and nobody gets through until it is opened.
func (w *wire) close(shut bool) {
	w.mu.Lock()
	w.shut = shut
	w.mu.Unlock()
	if shut {
		w.cut()
	}
}
