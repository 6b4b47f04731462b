package main

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/quickfixgo/quickfix"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// broker is a counterparty that answers by itself: an order of 9 it keeps to itself, one of 1
// it fills, the others it takes into its book.
type broker struct {
	t    *testing.T
	mu   sync.Mutex
	port int
	qty  map[string]string // open orders by ClOrdID
	seen map[string]int    // requests by ClOrdID: one that comes twice is an error
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{t: t, qty: map[string]string{}, seen: map[string]int{}}
	for tries := 0; ; tries++ { // somebody else may take the port
		acceptor, err := b.start()
		if err == nil {
			t.Cleanup(acceptor.Stop)
			return b
		}
		if tries == 20 {
			t.Fatal(err)
		}
	}
}

func (b *broker) start() (*quickfix.Acceptor, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.port = free.Addr().(*net.TCPAddr).Port
	free.Close()
	settings, err := quickfix.ParseSettings(strings.NewReader(fmt.Sprintf(
		"[DEFAULT]\nSocketAcceptHost=127.0.0.1\nSocketAcceptPort=%d\n[SESSION]\nBeginString=FIX.4.4\nSenderCompID=BROKER\nTargetCompID=US\n", b.port)))
	if err != nil {
		return nil, err
	}
	acceptor, err := quickfix.NewAcceptor(b, quickfix.NewMemoryStoreFactory(), settings, quickfix.NewNullLogFactory())
	if err != nil {
		return nil, err
	}
	if err = acceptor.Start(); err != nil {
		for id := range settings.SessionSettings() {
			_ = quickfix.UnregisterSession(id) // it is registered
		}
	}
	return acceptor, err
}

func (b *broker) OnCreate(quickfix.SessionID)                       {}
func (b *broker) OnLogon(quickfix.SessionID)                        {}
func (b *broker) OnLogout(quickfix.SessionID)                       {}
func (b *broker) ToAdmin(*quickfix.Message, quickfix.SessionID)     {}
func (b *broker) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }
func (b *broker) FromAdmin(*quickfix.Message, quickfix.SessionID) quickfix.MessageRejectError {
	return nil
}

func (b *broker) FromApp(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	b.mu.Lock()
	defer b.mu.Unlock()
	typ, _ := m.MsgType()
	clOrdID, _ := m.Body.GetString(11)
	qty, _ := m.Body.GetString(38)
	if typ != "H" {
		if b.seen[clOrdID]++; b.seen[clOrdID] > 1 {
			b.t.Errorf("request %s came %d times", clOrdID, b.seen[clOrdID])
		}
	}
	report := func(execType, status, cum, leaves string, more ...string) {
		r := quickfix.NewMessage()
		r.Header.SetString(35, "8")
		for tag, v := range map[quickfix.Tag]string{11: clOrdID, 17: "E", 37: "V", 150: execType, 39: status, 14: cum, 151: leaves, 6: "5000", 55: "ESH4", 54: "1"} {
			r.Body.SetString(tag, v)
		}
		for i := 0; i < len(more); i += 2 {
			var tag int
			fmt.Sscan(more[i], &tag)
			r.Body.SetString(quickfix.Tag(tag), more[i+1])
		}
		if err := quickfix.SendToTarget(r, id); err != nil {
			b.t.Error(err)
		}
	}
	switch typ {
	case "D":
		b.qty[clOrdID] = qty
		switch qty {
		case "9": // not a word
		case "1":
			delete(b.qty, clOrdID)
			report("F", "2", "1", "0", "32", "1", "31", "5000.25")
		default:
			report("0", "0", "0", qty)
		}
	case "F":
		orig, _ := m.Body.GetString(41)
		delete(b.qty, orig)
		report("4", "4", "0", "0", "41", orig)
	case "H":
		asked, _ := m.Body.GetString(790)
		if open := b.qty[clOrdID]; open != "" {
			report("I", "0", "0", open, "790", asked)
		} else {
			report("I", "8", "0", "0", "790", asked, "103", "5")
		}
	}
	return nil
}

func (b *broker) config(h *host) string {
	return h.write("broker.cfg", fmt.Appendf(nil, "[DEFAULT]\nBeginString=FIX.4.4\nHeartBtInt=30\nReconnectInterval=1\nLogoutTimeout=1\nFileStorePath=%s\nFileStoreSync=N\n"+
		"[SESSION]\nSenderCompID=US\nTargetCompID=BROKER\nSocketConnectHost=127.0.0.1\nSocketConnectPort=%d\n[SYMBOLS]\n7=ESH4\n", h.TempDir(), b.port))
}

// Orders of a strategy get to a counterparty of FIX and back, once, though the process in
// between is killed with one that has no answer.
func TestFix(t *testing.T) {
	h := newHost(t)
	limits := h.write("limits.yaml", []byte(everything))
	b := newBroker(t)
	config := b.config(h)
	h.start("gateway", "gw", "--venue", "broker", "--limits", limits, "--json")
	x := h.start("fix", "broker", "--gateway", "gw", "--config", config, "--json")
	x.await("is logged on")
	c, err := order.Dial(order.ClientConfig{Gateway: "gw", Strategy: 3, Dir: h.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := &desk{h, c}
	h.until(func() bool { c.Poll(); return c.Ready() && c.Gateway() == ring.Live })
	if e := d.until(d.send(order.Buy, order.Limit, 5000_250_000_000, 1), order.EventFill); e.LastQty != 1 || e.LastPx != 5000_250_000_000 {
		t.Errorf("a fill of %d at %d", e.LastQty, e.LastPx)
	}
	rests := d.send(order.Buy, order.Limit, 4999_000_000_000, 5)
	d.until(rests, order.EventNew)
	silent := d.send(order.Buy, order.Limit, 4999_000_000_000, 9)
	h.until(func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.qty["3-3"] != "" })
	x.signal(syscall.SIGKILL)
	<-x.done
	x = h.start("fix", "broker", "--gateway", "gw", "--config", config, "--json")
	x.await("is logged on")
	d.until(silent, order.EventNew) // the counterparty was asked
	canceled, err := c.Cancel(rests, 0)
	if err != nil {
		t.Fatal(err)
	}
	d.until(canceled, order.EventCanceled)
	if n := len(c.Orders()); n != 1 {
		t.Errorf("%d open orders", n)
	}
	x.signal(syscall.SIGTERM)
	var r fixReport
	x.want(exitOK).json(&r)
	if r.Recovered != 2 || r.Requests != 1 || r.Sent != 3 || r.Logons != 1 || r.Unmatched != 0 || r.Error != "" {
		t.Errorf("%+v", r)
	}
}

func TestFixBadConfig(t *testing.T) {
	h := newHost(t)
	for name, c := range map[string]struct{ text, want string }{
		"symbol.cfg":  {"[SESSION]\nBeginString=FIX.4.4\n[SYMBOLS]\n7 ESH4\n", `symbol.cfg:4: invalid configuration: "7 ESH4" is not SecurityID=Symbol`},
		"version.cfg": {"[SESSION]\nBeginString=FIX.4.2\nSenderCompID=A\nTargetCompID=B\n[SYMBOLS]\n7=ESH4\n", "FIX.4.4"},
		"line.cfg":    {"[SESSION]\nBeginString\n", `line.cfg:2: invalid configuration: "BeginString" is not Name=Value`},
	} {
		path := h.write(name, []byte(c.text))
		h.run("fix", "broker", "--gateway", "gw", "--config", path).want(exitError).sentence(c.want)
	}
	h.run("fix", "broker", "--gateway", "gw").want(exitUsage).sentence("--config is missing")
	h.run("fix", "broker", "--config", "x").want(exitUsage).sentence("--gateway is missing")
	h.run("fix", "broker", "--gateway", "gw", "--config", "nowhere.cfg").want(exitError).sentence("nowhere.cfg")
}

func TestFixNoConnection(t *testing.T) {
	h := newHost(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{port: free.Addr().(*net.TCPAddr).Port}
	free.Close()
	h.start("gateway", "gw", "--venue", "broker", "--limits", h.write("limits.yaml", []byte(everything)))
	x := h.start("fix", "broker", "--gateway", "gw", "--config", b.config(h), "--json")
	x.await("Failed to connect")
	x.signal(syscall.SIGTERM)
	var r fixReport
	x.want(exitError).json(&r)
	if !strings.Contains(r.Error, "never logged on") || !strings.Contains(r.Error, "refused") {
		t.Errorf("%+v", r)
	}
}
