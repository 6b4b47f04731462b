package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// wantWhole demands that all has been read, and that all sides agree.
func (r *demoReport) wantWhole(t *testing.T) {
	t.Helper()
	if len(r.Strategies) != len(demoKinds) || r.Publisher.Messages == 0 || !r.Agree || r.Error != "" || r.Differences != nil {
		line, _ := json.Marshal(r)
		t.Fatalf("%s", line)
	}
	var requests uint64
	for i, s := range r.Strategies {
		if s.Strategy != demoKinds[i] || s.Ticks != r.Publisher.Messages || s.Lost != 0 || s.Feed.Count == 0 || s.Open != 0 {
			t.Errorf("%s: %d of %d ticks, lost %d, latencies of %d, %d open", s.Strategy, s.Ticks, r.Publisher.Messages, s.Lost, s.Feed.Count, s.Open)
		}
		requests += s.Orders + s.Cancels + s.Replaces
	}
	if a := r.Audit; a == nil || !a.Figures.Whole || a.Figures.Frames == 0 || a.Figures.Faults != 0 || a.Total.Fills != r.Orders.Exchange.Fills {
		t.Errorf("audit: %+v", a)
	}
	if r.Exchange.Md.Lost != 0 || r.Exchange.Md.Records != r.Publisher.Messages || r.Gateway.Lapped != 0 {
		t.Errorf("exchange: %d records, lost %d; gateway: lapped %d times", r.Exchange.Md.Records, r.Exchange.Md.Lost, r.Gateway.Lapped)
	}
	if r.Gateway.Requests != requests || requests > 0 && r.Gateway.Tick.Count == 0 {
		t.Errorf("gateway: %d of %d requests, latencies of %d", r.Gateway.Requests, requests, r.Gateway.Tick.Count)
	}
}

// demoWithFills runs a demonstration in which both strategies trade. Who does not get the CPU
// for as long as the session lasts finds no market any more; then a slower one follows.
func (h *host) demoWithFills(args ...string) (p *process, r demoReport) {
	h.Helper()
	for _, rate := range []string{"60000", "20000", "5000"} {
		p = h.run(append([]string{"demo", "--json", "--rate", rate}, args...)...).want(exitOK)
		r = demoReport{}
		p.json(&r)
		r.wantWhole(h.T)
		if !slices.ContainsFunc(r.Strategies, func(s demoStrategy) bool { return s.Fills == 0 || s.OrderToExecution.Count == 0 }) {
			break
		}
	}
	for _, s := range r.Strategies {
		if s.Fills == 0 || s.OrderToExecution.Count == 0 {
			h.Errorf("%s: %d orders, %d fills, %d answers", s.Strategy, s.Orders, s.Fills, s.OrderToExecution.Count)
		}
	}
	if o := &r.Orders; o.Strategies.States["Filled"] == 0 || o.Strategies.Fills != o.Exchange.Fills || o.Gateway.FilledQty == 0 {
		h.Errorf("%+v", o)
	}
	return p, r
}

func TestDemo(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 5000)
	for _, args := range [][]string{
		{"demo", path, "--rate", "50000", "--json"},
		{"demo", path, "--speed", "max", "--no-pin", "--json"},
	} {
		var r demoReport
		h.run(args...).want(exitOK).json(&r)
		r.wantWhole(t)
	}
	out := h.run("demo", path, "--rate", "50000").want(exitOK).stdout.String()
	for _, w := range []string{"instrument", "processes", "tick to order", "maker, order to execution", "taker", "5,000", "p99.99", "position", "exchange agree"} {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s", w, out)
		}
	}
	h.wantFiles("session.dbn")
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// TestDemoTrades: on the synthetic session both strategies find somebody to trade with.
func TestDemoTrades(t *testing.T) {
	h := newHost(t)
	p, _ := h.demoWithFills("--messages", "60000")
	var fields map[string]json.RawMessage
	p.json(&fields)
	if got, want := slices.Sorted(maps.Keys(fields)), []string{"agree", "audit", "exchange", "gateway", "orders", "publisher", "strategies"}; !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	for name, want := range map[string][]string{
		"publisher": {"cpu", "messages", "late_ns"},
		"gateway":   {"cpu", "idle", "requests", "tick_ns"},
		"exchange":  {"cpu", "idle", "fills"},
		"orders":    {"strategies", "gateway", "exchange", "refused"},
	} {
		var got map[string]json.RawMessage
		if err := json.Unmarshal(fields[name], &got); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if got[w] == nil {
				t.Errorf("%s has no %q", name, w)
			}
		}
	}
}

// TestDemoOfARealSession: an hour of a future.
func TestDemoOfARealSession(t *testing.T) {
	path := realData(t, "dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst")
	h := newHost(t)
	_, r := h.demoWithFills(path)
	if r.Publisher.Messages != 68792 || r.Strategies[0].Instrument != 17077 {
		t.Errorf("%d messages, instrument %d", r.Publisher.Messages, r.Strategies[0].Instrument)
	}
}

func TestDemoMakesTheDirectoryThatIsNamed(t *testing.T) {
	h := newHost(t)
	h.run("demo", "--messages", "100", "--dir", h.file("new")).want(exitOK)
	h.run("demo", "--messages", "100", "--dir", h.file("no/new")).want(exitError).sentence(h.file("no/new"))
	h.wantFiles()
}

// TestDemoLeavesWhatIsNotItsOwn: whatever is called nearly like its directories.
func TestDemoLeavesWhatIsNotItsOwn(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	h.replay(path, "--ring", "tickring-demo-x")
	h.run("demo", path, "--speed", "max", "--json").want(exitOK)
	if i := h.stat("tickring-demo-x", func(ring.Info) bool { return true }); i.Last != 100 {
		t.Errorf("%+v", i)
	}
}

func TestDemoFailsCleanly(t *testing.T) {
	h := newHost(t)
	h.run("demo", "/dev/null").want(exitError).sentence("/dev/null", "regular file")
	bad := h.write("bad.dbn", []byte("DBN\x01nonsense"))
	h.run("demo", bad).want(exitError).sentence(bad)
	path, _, _ := h.mboFile("session.dbn", 5000)
	h.run("demo", path, "--instrument", "99999").want(exitError).sentence("--instrument 99999", path)
	cut := h.write("cut.dbn", h.read(path)[:5010])
	var r demoReport
	p := h.run("demo", cut, "--rate", "10000", "--json").want(exitError)
	p.json(&r)
	if r.Publisher.Messages == 0 || r.Error == "" || r.Strategies[0].Ticks != r.Publisher.Messages || !r.Agree {
		t.Errorf("%+v", r)
	}
	h.wantFiles("bad.dbn", "cut.dbn", "session.dbn")
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// running is a demonstration that trades slowly: the directory of its rings, and its
// processes by their commands.
func (h *host) running(p *process) (dir string, pids map[string]int) {
	h.Helper()
	h.until(func() bool {
		matches, _ := filepath.Glob(filepath.Join(h.dir, scratchPrefix+"*"))
		if len(matches) == 0 {
			return false
		}
		dir = matches[0]
		md, err := ring.Stat(dir, demoRing)
		if err != nil || md.Last <= 5 {
			return false
		}
		pids = map[string]int{"replay": md.PID}
		for name, of := range map[string]string{
			"gateway": demoGatewayName, "exchange": demoExchangeName, "strategy maker": inputRing(0), "strategy taker": inputRing(1),
		} {
			info, err := ring.Stat(dir, of)
			check(h, err)
			pids[name] = info.PID
		}
		return true
	})
	return dir, pids
}

// wantGone waits until none of the processes is left.
func (h *host) wantGone(pids map[string]int) {
	h.Helper()
	h.until(func() bool {
		for _, pid := range pids {
			if alive(pid) {
				return false
			}
		}
		return true
	})
}

func TestDemoStoppedBySignal(t *testing.T) {
	const twice = syscall.SIGTERM
	for _, how := range []os.Signal{syscall.SIGHUP, os.Kill, twice} {
		t.Run(how.String(), func(t *testing.T) {
			h := newHost(t)
			p := h.start("demo", "--messages", "20000", "--rate", "1000", "--json")
			dir, pids := h.running(p)
			if how == twice {
				// The first signal has to wait for a process that does not react.
				check(h, syscall.Kill(pids["strategy maker"], syscall.SIGSTOP))
				p.signal(os.Interrupt)
				h.until(func() bool {
					info, err := ring.Stat(dir, demoRing)
					return err == nil && info.Publisher == ring.Ended
				})
			}
			p.signal(how)
			// Whatever the signal, nothing is left: no process ...
			h.wantGone(pids)
			if how == os.Kill {
				p.want(-1)
				// What it could not remove the next one does.
				h.run("demo", "--messages", "100", "--rate", "20000").want(exitOK)
			}
			// ... and no file.
			p.end()
			h.wantFiles()
			if left := h.rings(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
			if how != syscall.SIGHUP {
				return
			}
			var r demoReport
			p.want(exitError).json(&r)
			if r.Publisher.Messages < 5 || r.Strategies[0].Ticks != r.Publisher.Messages || !strings.Contains(r.Error, "signal") || !r.Agree {
				line, _ := json.Marshal(r)
				t.Errorf("%s", line)
			}
		})
	}
}

// TestDemoWhenOneDies: the others end, and demo says who it was.
func TestDemoWhenOneDies(t *testing.T) {
	for _, who := range []string{"replay", "gateway", "exchange", "strategy taker"} {
		t.Run(who, func(t *testing.T) {
			h := newHost(t)
			p := h.start("demo", "--messages", "20000", "--rate", "1000", "--json")
			_, pids := h.running(p)
			check(h, syscall.Kill(pids[who], syscall.SIGKILL))
			h.wantGone(pids)
			var r demoReport
			p.want(exitError).json(&r)
			if want := "'tickring " + who + "' ended: signal: killed"; !strings.Contains(r.Error, want) || r.Agree {
				t.Errorf("error %q, want %q; agree: %v", r.Error, want, r.Agree)
			}
			h.wantFiles()
			if left := h.rings(); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// TestDemoDifferences: what the three sides may say of each other.
func TestDemoDifferences(t *testing.T) {
	counts := func(fills, rejected uint64) orderCounts {
		return orderCounts{States: map[string]uint64{"Filled": fills, "Rejected": rejected}, Fills: fills, FilledQty: 100 * fills, Position: -100}
	}
	for _, c := range []struct {
		name   string
		change func(a *account, r *demoReport)
		want   string
	}{
		{"agree", func(*account, *demoReport) {}, ""},
		{"a rejected order that the exchange has not seen", func(a *account, _ *demoReport) { a.refused-- }, "taker: orders that are Rejected: 3 by the strategy, 3 by the gateway, 2 by the exchange"},
		{"a strategy's order of another end", func(a *account, _ *demoReport) { a.strategy.States["Filled"]--; a.strategy.States["Canceled"]++ },
			"taker: orders that are Canceled: 1 by the strategy, 0 by the gateway, 0 by the exchange; taker: orders that are Filled: 4 by the strategy, 5 by the gateway, 5 by the exchange"},
		{"a fill that the gateway has not passed on", func(a *account, _ *demoReport) { a.gateway.Fills-- }, "taker: fills: 5 by the strategy, 4 by the gateway, 5 by the exchange"},
		{"a quantity", func(a *account, _ *demoReport) { a.exchange.FilledQty++ }, "taker: filled quantity: 500 by the strategy, 500 by the gateway, 501 by the exchange"},
		{"a position", func(a *account, _ *demoReport) { a.strategy.Position = 0 }, "taker: position: 0 by the strategy, -100 by the gateway, -100 by the exchange"},
		{"a request on its way", func(_ *account, r *demoReport) { r.Strategies[1].Cancels++ }, "requests that the strategies have sent, and that the gateway has judged: 31 and 30"},
		{"a request sent twice", func(_ *account, r *demoReport) { r.Exchange.Requests++ }, "requests that the gateway has sent, and that the exchange has answered: 28 and 29"},
		{"a report that was not passed on", func(_ *account, r *demoReport) { r.Gateway.Reports-- }, "reports that the exchange has sent, and that the gateway has passed on: 40 and 39"},
		{"a fill that was not reported", func(_ *account, r *demoReport) { r.Exchange.Fills++ }, "fills that the exchange has counted and reported: 11 and 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			accounts := make([]account, len(demoKinds))
			for i, name := range demoKinds {
				accounts[i] = account{name: name, strategy: counts(5, 3), gateway: counts(5, 3), exchange: counts(5, 2), refused: 1}
			}
			r := &demoReport{Strategies: make([]demoStrategy, len(demoKinds))}
			for i := range r.Strategies {
				r.Strategies[i].Orders, r.Strategies[i].Cancels, r.Strategies[i].Replaces = 8, 3, 4
			}
			r.Gateway.Requests, r.Gateway.Forwarded, r.Gateway.Cancels, r.Gateway.Reports = 30, 27, 1, 40
			r.Exchange.Requests, r.Exchange.Reports, r.Exchange.Fills = 28, 40, 10
			c.change(&accounts[1], r)
			if got := strings.Join(differences(accounts, r), "; "); got != c.want {
				t.Errorf("%s", got)
			}
		})
	}
}

// TestDemoTally: what two rings say that contradict each other is counted apart.
func TestDemoTally(t *testing.T) {
	h := newHost(t)
	gateway, err := ring.Create(demoGatewayName, ring.Config{Dir: h.dir, Schema: order.Schema, Capacity: 1 << 20})
	check(h, err)
	defer gateway.Close()
	exchange, err := ring.Create(demoExchangeName, ring.Config{Dir: h.dir, Schema: order.Schema, Capacity: 1 << 20})
	check(h, err)
	defer exchange.Close()
	tally, err := newDemoTally(h.dir)
	check(h, err)
	defer tally.close()

	publish := func(p *ring.Publisher, typ order.MsgType, record interface{ Bytes() []byte }) {
		check(h, p.Publish(uint16(typ), record.Bytes()))
	}
	input := order.Origin{Seq: 1, Epoch: 1, Ring: 1}
	publish(gateway, order.MsgSessionStatus, &order.SessionStatus{RingID: 5, Epoch: 1, Ring: 1, Status: order.SessionUp})
	publish(gateway, order.MsgSessionStatus, &order.SessionStatus{RingID: 6, Epoch: 1, Ring: order.RingVenue, Status: order.SessionUp})
	publish(gateway, order.MsgNewOrderSingle, &order.Request{ClOrdID: 1, Price: 10, OrderQty: 7, SecurityID: 9, Origin: input,
		Side: order.Sell, OrdType: order.Limit, TimeInForce: order.Day}) // message 3: the OrderID
	input.Seq++
	publish(gateway, order.MsgExecutionReport, &order.ExecutionReport{ClOrdID: 2, Origin: input, SecurityID: 9, Strategy: 1, Side: order.Sell,
		Text: order.TextMaxQty, ExecType: order.ExecRejected, OrdStatus: order.StatusRejected, OrdRejReason: order.RejExceedsLimit})

	fill := order.ExecutionReport{ClOrdID: 1, OrderID: 3, SecurityID: 9, Strategy: 1, Side: order.Sell, ExecType: order.ExecTrade}
	fill.LastPx, fill.LastQty, fill.CumQty, fill.LeavesQty, fill.OrdStatus = 10, 3, 3, 4, order.StatusPartiallyFilled
	publish(exchange, order.MsgExecutionReport, &fill)
	fill.Origin = order.Origin{Seq: 1, Epoch: 1, Ring: order.RingVenue}
	publish(gateway, order.MsgExecutionReport, &fill)
	fill.LastQty, fill.CumQty, fill.LeavesQty, fill.OrdStatus = 4, 7, 0, order.StatusFilled
	publish(exchange, order.MsgExecutionReport, &fill) // which the gateway has not passed on

	tally.finish()
	check(h, tally.err)
	g, x := &tally.byGateway[0], &tally.byExchange[0]
	if g.States["PartiallyFilled"] != 1 || g.States["Rejected"] != 1 || tally.refused[0] != 1 || g.Fills != 1 || g.FilledQty != 3 || g.Position != -3 {
		t.Errorf("gateway: %+v, refused %d", g, tally.refused[0])
	}
	if len(x.States) != 1 || x.States["Filled"] != 1 || x.Fills != 2 || x.FilledQty != 7 || x.Position != -7 {
		t.Errorf("exchange: %+v", x)
	}
}

// TestSeated: who has a CPU alone spins, the publisher never shares, and the text says who is
// where.
func TestSeated(t *testing.T) {
	for n, want := range map[int]string{
		5: "publisher on CPU 10; gateway on CPU 11; exchange on CPU 12; maker on CPU 13; taker on CPU 14",
		4: "publisher on CPU 10; gateway on CPU 11; exchange on CPU 12; maker and taker on CPU 13, which they yield to each other, because there are no five cores",
		3: "publisher on CPU 10; gateway and exchange on CPU 11; maker and taker on CPU 12, which they yield to each other, because there are no five cores",
		2: "publisher on CPU 10; gateway, exchange, maker and taker on CPU 11, which they yield to each other, because there are no five cores",
	} {
		i := slices.IndexFunc(seatings, func(s [3 + len(demoKinds)]int) bool { return slices.Max(s[:]) == n-1 })
		p := seated(seatings[i], []int{10, 11, 12, 13, 14}[:n])
		if p.text != want {
			t.Errorf("%d CPUs: %s", n, p.text)
		}
		seats := append([]seat{p.publisher, p.gateway, p.exchange}, p.strategies[:]...)
		for i, s := range seats {
			alone := !slices.ContainsFunc(slices.Delete(slices.Clone(seats), i, i+1), func(o seat) bool { return o.CPU == s.CPU })
			if i == 0 && !alone || i > 0 && (s.Idle == "spin") != alone {
				t.Errorf("%d CPUs: %d: %+v", n, i, s)
			}
		}
	}
}
