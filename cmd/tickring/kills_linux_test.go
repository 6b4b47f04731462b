package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	testflags "flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/order/audit"
	"github.com/tickring/tickring/ring"
)

var (
	killsFlag    = testflags.Int("kills", 0, "how many processes TestKills kills; 0: 20, or 5 under the race detector")
	killSeedFlag = testflags.Uint64("seed", 0, "what TestKills draws its kills from; 0: from the clock")
	killRateFlag = testflags.Int("rate", 1000, "requests a second that each strategy of TestKills sends")
)

// TestKills: gateway and standby, exchange, strategies and the market's publisher are real
// processes under load, and are killed at random moments, one or several at a time, or
// stopped and fenced. All the while an auditor with books of its own holds the rings against
// each other; at the end exchange, gateway and strategies must have the same open orders and
// positions, and everything that was sent must have been judged and answered, once.
//
//	go test ./cmd/tickring -run '^TestKills$' -v -args -kills 1000 [-seed N] [-rate N]
//
// or make kills. The last line of its output is one JSON object.
func TestKills(t *testing.T) {
	h := newHost(t)
	if *killsFlag == 0 {
		*killsFlag = 20
		if raceDetector {
			*killsFlag = 5
		}
	}
	seed := *killSeedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	k := &kills{host: h, seed: seed, rand: rand.New(rand.NewPCG(seed, 0)), figures: killFigures{Seed: seed, Kills: map[string]int{}}}
	k.run()
}

// drawDeath draws after which of its stores a process is to end itself, as a variable of its
// environment; nil: they are killed from outside. The build with the tag hooks sets it.
var drawDeath func(*kills) string

// killBound is within what everything has to happen that has to happen.
const killBound = 60 * time.Second

// kills is the test.
type kills struct {
	*host
	seed    uint64
	rand    *rand.Rand
	auditor *audit.Auditor
	figures killFigures

	gateways, strategies []*actor
	exchange, market     *actor
	began                time.Time
	killed               int
	done                 []string // what was done last
	storm                bool     // processes end themselves
}

// actor is a process of the test, and how to start it.
type actor struct {
	name   string
	kind   string
	role   string // of the test binary; empty: it is the program
	args   []string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stdout io.Writer // of a program
	stderr tailOf
	ended  chan error
}

// tailOf keeps the end of what is written.
type tailOf struct {
	mu  sync.Mutex
	end []byte
}

func (t *tailOf) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if over := len(t.end) - 4096; over > 0 {
		t.end = t.end[over:]
	}
	return len(p), nil
}

func (t *tailOf) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.end))
}

// killFigures are what the test has to show.
type killFigures struct {
	Seed        uint64           `json:"seed"`
	Seconds     float64          `json:"seconds"`
	Kills       map[string]int   `json:"kills"`
	All         int              `json:"kills_in_all"`
	Fenced      int              `json:"fenced"`
	Stopped     int              `json:"stopped_and_continued"`
	Switched    int              `json:"kill_switches"`
	TakeOvers   uint64           `json:"epochs_of_the_gateway"`
	Market      uint64           `json:"market_data_messages"`
	Audit       audit.Figures    `json:"audit"`
	Total       audit.Counts     `json:"total"`
	Differences map[string]int64 `json:"differences"`
}

// killRefusals are why requests may be refused; the others would be a client's mistake.
var killRefusals = []order.Text{order.TextQty, order.TextUnknownOrder, order.TextPending, order.TextMaxQty, order.TextCollar, order.TextNoMarket, order.TextPosition,
	order.TextOpenOrders, order.TextExpired, order.TextKilled}

const killLimits = `
defaults:
  max_qty: 100
  max_notional: 1_000_000_000
  max_position: 1_000
  max_orders: 40
  collar_ppm: 50_000
  rate: 1_000_000
instruments:
`

func (k *kills) run() {
	limits := killLimits
	for i := range killInstruments {
		limits += fmt.Sprintf("  %d: {symbol: I%d}\n", killFirst+i, i)
	}
	file := k.write("limits.yaml", []byte(limits))
	dir := k.dir
	k.market = &actor{name: "market", kind: "market", role: "kills.market", args: []string{dir, k.draw(), "5000"}}
	k.exchange = &actor{name: "exchange", kind: "exchange", args: []string{"exchange", killVenue, "--gateway", killGateway, "--md", killMd}}
	for _, name := range []string{"gateway A", "gateway B"} {
		k.gateways = append(k.gateways, &actor{name: name, kind: "gateway", args: []string{"gateway", killGateway, "--venue", killVenue, "--md", killMd, "--limits", file, "--standby"}})
	}
	for n, asks := range []string{"", "cancel", "queue", "cancel"} {
		k.strategies = append(k.strategies, &actor{name: fmt.Sprint("strategy ", n+1), kind: "strategy", role: "kills.load",
			args: []string{dir, strconv.Itoa(n + 1), k.draw(), strconv.Itoa(*killRateFlag), asks}})
	}
	defer k.end()
	k.makeRings()
	var err error
	k.auditor, err = audit.Open(audit.Config{Dir: dir, Gateway: killGateway, Venue: killVenue, Name: killAuditor})
	if err != nil {
		k.Fatal(err)
	}
	k.began = time.Now()
	k.storm = drawDeath != nil
	for _, a := range k.actors() {
		k.start(a)
	}
	k.progress(200)
	told, audited := time.Now(), 0
	for k.killed < *killsFlag {
		k.strike()
		if k.killed >= audited+100 { // as an operator would, from whatever the rings still have
			audited = k.killed
			k.operate("audit", killGateway, "--venue", killVenue)
		}
		if k.rand.IntN(4) > 0 {
			k.progress(1 + k.rand.Uint64N(500))
		} else {
			k.pass(time.Duration(k.rand.IntN(60)) * time.Millisecond)
		}
		if testing.Verbose() && time.Since(told) > 10*time.Second {
			told = time.Now()
			f := k.auditor.Figures()
			c := f.Total()
			fmt.Fprintf(os.Stderr, "%v: %d kills, %d requests sent, %d forwarded, %d fills, %d open, %d faults\n",
				time.Since(k.began).Round(time.Second), k.killed, c.Sent, c.Forwarded, c.Fills, f.Open, f.Faults)
		}
	}
	k.storm = false
	k.kill(k.actors()...)
	k.progress(500)
	k.kill(k.actors()...) // so that there is something to clean up that nobody has seen
	k.finish()
}

// killAuditor is the gate that the auditor is on every ring.
const killAuditor = "audit"

// makeRings makes the rings before those who publish them come, with a gate for the auditor.
// They are small, so that they go around often.
func (k *kills) makeRings() {
	make := func(name string, capacity uint64, gate, source string) {
		p, err := ring.Create(name, ring.Config{Dir: k.dir, Capacity: capacity, Schema: order.Schema, Stamps: ring.StampEvery, Source: source, // as they are going to be wanted
			Gates: []ring.Gate{{Name: gate}, {Name: killAuditor}}})
		if err == nil {
			err = p.Close()
		}
		if err != nil {
			k.Fatal(err)
		}
	}
	make(killGateway, 8<<20, killVenue, "tickring gateway")
	make(killVenue, 1<<20, killGateway, "tickring exchange")
	make(order.InputRing(killGateway, order.RingOperator), 256<<10, killGateway, "tickring kill")
	for n := range k.strategies {
		make(order.InputRing(killGateway, uint16(n+1)), 256<<10, killGateway, "load")
	}
}

func (k *kills) draw() string { return strconv.FormatUint(k.rand.Uint64(), 10) }

func (k *kills) actors() []*actor {
	return slices.Concat([]*actor{k.market, k.exchange}, k.gateways, k.strategies)
}

func (k *kills) start(a *actor) {
	k.Helper()
	exe, err := os.Executable()
	if err != nil {
		k.Fatal(err)
	}
	a.cmd = exec.Command(exe, a.args...)
	a.cmd.Env = append(os.Environ(), "TICKRING_DIR="+k.dir, "TMPDIR="+k.tmp, "GORACE=atexit_sleep_ms=0", "GOMAXPROCS=2")
	if a.role != "" {
		a.cmd.Env = append(a.cmd.Env, "TICKRING_TEST_ROLE="+a.role)
	} else {
		a.cmd.Env = append(a.cmd.Env, asProgram+"=1")
		a.cmd.Stdout = a.stdout
	}
	if k.storm && a.kind != "" {
		a.cmd.Env = append(a.cmd.Env, drawDeath(k))
	}
	a.cmd.Stderr = &a.stderr
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out io.ReadCloser
	var err1, err2 error
	a.in, err1 = a.cmd.StdinPipe()
	if a.role != "" {
		out, err2 = a.cmd.StdoutPipe()
	}
	if err := errors.Join(err1, err2, a.cmd.Start()); err != nil {
		k.Fatal(err)
	}
	if out != nil {
		a.out = bufio.NewReaderSize(out, 1<<20)
	}
	a.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan error) {
		var status syscall.WaitStatus
		p, err := cmd.Process.Wait()
		if err == nil {
			status = p.Sys().(syscall.WaitStatus)
			if !p.Success() {
				err = fmt.Errorf("%v", p)
			}
			if status.Signaled() && status.Signal() == syscall.SIGKILL {
				err = errKilled
			}
		}
		ended <- err
	}(a.cmd, a.ended)
}

var errKilled = errors.New("killed")

// await waits for the end of a process, which is to be by SIGKILL, or else in order.
func (k *kills) await(a *actor, killed bool) {
	k.Helper()
	select {
	case err := <-a.ended:
		a.cmd = nil
		if killed && !errors.Is(err, errKilled) || !killed && err != nil {
			k.fail("%s has ended: %v", a.name, err)
		}
	case <-time.After(killBound):
		k.fail("%s does not end", a.name)
	}
}

// watch sees to it that nobody ends who was not told to, and that the rings agree.
func (k *kills) watch() {
	k.Helper()
	for _, a := range k.actors() {
		if a.cmd == nil {
			continue
		}
		select {
		case err := <-a.ended:
			a.cmd = nil
			if !k.storm || !errors.Is(err, errKilled) {
				k.fail("%s has ended by itself: %v", a.name, err)
			}
			k.note("%s ended itself", a.name)
			k.figures.Kills[a.kind]++
			k.killed++
			k.start(a)
		default:
		}
	}
	if _, err := k.auditor.Step(20_000); err != nil {
		k.fail("%v", err)
	}
	if len(k.auditor.Faults()) > 0 {
		k.fail("the rings contradict each other")
	}
}

// until waits for a condition, and watches meanwhile.
func (k *kills) until(what string, cond func() bool) {
	k.Helper()
	for end := time.Now().Add(killBound); ; time.Sleep(time.Millisecond) {
		k.watch()
		if cond() {
			return
		}
		if time.Now().After(end) {
			k.fail("%s: not within %v", what, killBound)
		}
	}
}

// progress waits until so many requests more are forwarded and as many messages of the venue
// passed on, which takes everybody but the market.
func (k *kills) progress(n uint64) {
	k.Helper()
	at := func() (uint64, uint64) {
		f := k.auditor.Figures()
		return f.Total().Forwarded, f.Reports
	}
	forwarded, reports := at()
	k.until(fmt.Sprintf("%d requests are forwarded and answered", n), func() bool {
		f, r := at()
		return f >= forwarded+n && r >= reports+n
	})
}

func (k *kills) pass(d time.Duration) {
	end := time.Now().Add(d)
	k.until("time passes", func() bool { return time.Now().After(end) })
}

// active is the gateway that has the ring, or any if none has.
func (k *kills) active() *actor {
	info, err := ring.Stat(k.dir, killGateway)
	for _, a := range k.gateways {
		if err == nil && a.cmd != nil && a.cmd.Process.Pid == info.PID {
			return a
		}
	}
	return k.gateways[k.rand.IntN(len(k.gateways))]
}

func (k *kills) strategy() *actor { return k.strategies[k.rand.IntN(len(k.strategies))] }

// kill kills some at once, and starts them again.
func (k *kills) kill(victims ...*actor) {
	k.Helper()
	k.rand.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	for _, a := range victims {
		k.note("kill %s", a.name)
		a.cmd.Process.Kill()
		k.figures.Kills[a.kind]++
		k.killed++
	}
	for _, a := range victims {
		k.await(a, true)
		k.start(a)
	}
}

func (k *kills) note(format string, args ...any) {
	if len(k.done) == 30 {
		k.done = k.done[1:]
	}
	k.done = append(k.done, time.Since(k.began).Round(time.Millisecond).String()+" "+fmt.Sprintf(format, args...))
}

// strike does something to somebody.
func (k *kills) strike() {
	k.Helper()
	if k.storm {
		before := k.killed
		k.until("somebody ends", func() bool { return k.killed > before })
		return
	}
	switch d := k.rand.IntN(100); {
	case d < 20:
		k.kill(k.active())
	case d < 37:
		k.kill(k.exchange)
	case d < 55:
		k.kill(k.strategy())
	case d < 60:
		k.kill(k.market)
	case d < 70:
		k.killBeside(k.active(), k.exchange)
	case d < 74:
		k.killBeside(k.exchange, k.active())
	case d < 80:
		k.killBeside(k.active(), k.strategy())
	case d < 84:
		k.kill(k.gateways[k.rand.IntN(len(k.gateways))])
	case d < 87:
		k.kill(k.active(), k.exchange)
	case d < 89:
		k.kill(k.active(), k.strategy())
	case d < 90:
		k.kill(k.exchange, k.strategy())
	case d < 91:
		k.kill(k.gateways...)
	case d < 92:
		k.kill(k.actors()...)
	case d < 95:
		k.switchOff()
	case d < 96:
		k.note("reload limits")
		k.active().cmd.Process.Signal(syscall.SIGHUP)
	case d < 98:
		k.fence()
	default:
		k.stop(k.actors()[k.rand.IntN(len(k.actors()))])
	}
}

// killBeside kills somebody while somebody else is stopped, so that what was on its way between
// the two is there when the successor looks. Then the other goes on, or is killed as well.
func (k *kills) killBeside(stopped, victim *actor) {
	k.Helper()
	k.note("stop %s", stopped.name)
	stopped.cmd.Process.Signal(syscall.SIGSTOP)
	k.pass(time.Duration(k.rand.IntN(30)) * time.Millisecond)
	k.kill(victim)
	k.pass(time.Duration(k.rand.IntN(150)) * time.Millisecond)
	if k.rand.IntN(2) == 0 {
		k.kill(stopped)
		return
	}
	stopped.cmd.Process.Signal(syscall.SIGCONT)
	k.figures.Stopped++
}

// fence stops the gateway and has it fenced: the standby goes on.
func (k *kills) fence() {
	k.Helper()
	a := k.active()
	k.note("stop and fence %s", a.name)
	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		k.fail("%v", err)
	}
	k.pass(time.Duration(k.rand.IntN(50)) * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), killBound)
	defer cancel()
	f, err := ring.Fence(ctx, k.dir, killGateway, ring.FenceOptions{Force: true})
	if err != nil {
		k.fail("fence: %v", err)
	}
	for _, p := range f.Ended {
		for _, g := range k.gateways {
			if g.cmd != nil && g.cmd.Process.Pid == p.PID {
				k.figures.Fenced++
				k.figures.Kills["gateway"]++
				k.killed++
				k.await(g, true)
				k.start(g)
			}
		}
	}
	if a.cmd != nil { // it was not the one that had the ring
		a.cmd.Process.Signal(syscall.SIGCONT)
	}
}

// switchOff engages the kill switch of a strategy and releases it; the operator's own command
// may be killed in between, and somebody else as well.
func (k *kills) switchOff() {
	k.Helper()
	args := []string{"kill", killGateway, "--strategy", strconv.Itoa(1 + k.rand.IntN(len(k.strategies))), "--wait", killBound.String()}
	release := append(slices.Clone(args), "--release")
	if k.rand.IntN(2) == 0 {
		args = append(args, "--cancel")
	}
	k.note("tickring %s", strings.Join(args, " "))
	operator := &actor{name: "operator", args: args}
	k.start(operator)
	k.pass(time.Duration(k.rand.IntN(200)) * time.Millisecond)
	operator.cmd.Process.Kill()
	<-operator.ended
	if k.rand.IntN(2) == 0 {
		k.kill(k.active())
	}
	k.operate(release...)
	k.figures.Switched++
}

// stop stops a process for a while.
func (k *kills) stop(a *actor) {
	k.Helper()
	k.note("stop %s for a while", a.name)
	a.cmd.Process.Signal(syscall.SIGSTOP)
	k.pass(time.Duration(k.rand.IntN(200)) * time.Millisecond)
	a.cmd.Process.Signal(syscall.SIGCONT)
	k.figures.Stopped++
}

func (k *kills) tell(a *actor, line string) {
	k.Helper()
	if _, err := fmt.Fprintln(a.in, line); err != nil {
		k.fail("%s does not listen: %v", a.name, err)
	}
}

// rest waits until nothing is on its way any more.
func (k *kills) rest() {
	k.Helper()
	k.until("all comes to rest", func() bool {
		w, err := k.auditor.Waiting()
		if err != nil {
			k.fail("%v", err)
		}
		return w == audit.Waiting{}
	})
}

// finish brings all to rest and compares what everybody believes.
func (k *kills) finish() {
	k.Helper()
	d := map[string]int64{}
	k.figures.Differences = d
	k.tell(k.market, "stop")
	for _, a := range k.strategies {
		k.tell(a, "stop")
	}
	k.rest()
	k.pass(50 * time.Millisecond)
	k.rest()
	if err := k.auditor.Finish(); err != nil {
		k.fail("%v", err)
	}
	k.watch()
	k.compare(d, "open orders and positions")
	open := k.auditor.Open()

	before := k.auditor.Figures().Total()
	k.operate("kill", killGateway, "--cancel", "--wait", patience.String())
	k.until("all orders are canceled", func() bool { return len(k.auditor.Open()) == 0 })
	k.rest()
	after := k.auditor.Figures().Total()
	d["open orders: those that the exchange could cancel"] = int64(len(open)) - int64(after.Canceled-before.Canceled) - int64(after.Filled-before.Filled)
	k.compare(d, "open orders and positions after all were canceled")
	k.operate("kill", killGateway, "--release", "--wait", patience.String())
	k.rest()

	// In order: strategies, gateways, exchange.
	for _, a := range k.strategies {
		k.tell(a, "leave")
		k.await(a, false)
	}
	k.rest()
	if err := k.auditor.Finish(); err != nil {
		k.fail("%v", err)
	}
	k.watch()
	active := k.active()
	for _, a := range k.gateways { // the standby first: it would go on
		if a != active {
			a.cmd.Process.Kill()
			k.await(a, true)
		}
	}
	for _, a := range []*actor{active, k.exchange} {
		a.cmd.Process.Signal(syscall.SIGTERM)
		k.await(a, false)
	}
	k.tell(k.market, "leave")
	k.await(k.market, false)

	// What the rings still have is in order, too, for who has not read the rest.
	k.host.start("audit", killGateway, "--venue", killVenue, "--at-rest").want(exitOK)

	f := &k.figures
	f.Seconds, f.All = time.Since(k.began).Seconds(), k.killed
	f.Audit = k.auditor.Figures()
	f.Total = f.Audit.Total()
	k.rings(d)
	k.show()
	for what, n := range d {
		if n != 0 {
			k.Errorf("%s: a difference of %d", what, n)
		}
	}
	if f.Audit.Faults != 0 || !f.Audit.Whole || f.Audit.Unseen != 0 || f.Audit.Older != 0 {
		k.fail("the audit is not whole: %+v", f.Audit)
	}
	for why, n := range f.Audit.Refusals {
		if !slices.Contains(killRefusals, why) {
			k.Errorf("%d requests were refused because of %q: no strategy sends such", n, why)
		}
	}
	if t := f.Total; t.Fills == 0 || t.Canceled == 0 || t.Replaced == 0 || t.Refused == 0 {
		k.Errorf("nothing happened of some kind: %+v", t)
	}
}

// rings compares the numbers of messages in the rings with those of the audit.
func (k *kills) rings(d map[string]int64) {
	last := func(name string) int64 {
		i, err := ring.Stat(k.dir, name)
		if err != nil {
			k.fail("%v", err)
		}
		return int64(i.Last)
	}
	f := &k.figures
	var sent int64
	for n := range k.strategies {
		sent += last(order.InputRing(killGateway, uint16(n+1)))
	}
	t := &f.Total
	d["requests: sent, and forwarded or refused"] = sent - int64(t.Forwarded+t.Refused)
	d["requests: forwarded, and answered by the exchange"] = int64(f.Audit.Unanswered)
	d["exchange's messages: published, and passed on"] = last(killVenue) - int64(f.Audit.Reports)
	d["new orders: accepted, and filled, canceled, expired or open"] = int64(t.Acknowledged) - int64(t.Filled+t.Canceled+t.Expired+t.Open)
	d["messages without a frame"] = int64(f.Audit.Unjudged)
	d["ClOrdIDs used twice"] = int64(f.Audit.Reused)
	d["reports that the gateway found illegal"] = int64(f.Audit.Illegal)
	d["contradictions"] = int64(f.Audit.Faults)
	if i, err := ring.Stat(k.dir, killGateway); err == nil {
		f.TakeOvers = i.Epoch
	}
	f.Market = uint64(last(killMd))
}

// compare compares the open orders and positions with what each strategy believes, and with
// what a gateway would believe that began now.
func (k *kills) compare(d map[string]int64, what string) {
	k.Helper()
	var all []string
	for end := time.Now().Add(killBound); ; { // they may not have read all yet
		k.rest()
		all = nil
		for n := range k.strategies {
			all = append(all, k.compareView(uint16(n+1))...)
		}
		d[what+": strategies"] = int64(len(all))
		recovered := k.compareRecovered()
		d[what+": a gateway that starts now"] = int64(len(recovered))
		all = append(all, recovered...)
		if len(all) == 0 || time.Now().After(end) {
			break
		}
	}
	for _, x := range all {
		k.Errorf("%s: %s", what, x)
	}
}

func (k *kills) compareView(strategy uint16) []string {
	k.Helper()
	a := k.strategies[strategy-1]
	var v loadView
	k.tell(a, "view")
	line, err := a.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &v)
	}
	if err != nil {
		k.fail("%s: %v", a.name, err)
	}
	other := func(n uint16) bool { return n != strategy }
	open := slices.DeleteFunc(k.auditor.Open(), func(o audit.Order) bool { return other(o.Strategy) })
	net := slices.DeleteFunc(k.auditor.Positions(), func(p audit.Position) bool { return other(p.Strategy) })
	all := append(audit.Differences(open, v.Orders), audit.Differences(net, v.Positions)...)
	if v.Unjudged > 0 || v.Pending > 0 {
		all = append(all, fmt.Sprintf("%d requests not judged, %d pending", v.Unjudged, v.Pending))
	}
	for i := range all {
		all[i] = a.name + ": " + all[i]
	}
	return all
}

// compareRecovered compares with what a gateway believes that begins with the last checkpoint.
func (k *kills) compareRecovered() []string {
	k.Helper()
	info, err := ring.Stat(k.dir, killGateway)
	if err != nil {
		k.fail("%v", err)
	}
	sub, err := ring.Open(killGateway, ring.Options{Dir: k.dir, From: ring.FromMark})
	if err != nil {
		k.fail("%v", err)
	}
	defer sub.Close()
	s := order.NewState(order.Bounds{})
	if err := order.Recover(sub, s, info.Last); err != nil {
		k.fail("%v", err)
	}
	open, net := audit.Rows(s.Orders(), s.Positions())
	return append(audit.Differences(k.auditor.Open(), open), audit.Differences(k.auditor.Positions(), net)...)
}

// operate runs a command of the operator, and watches meanwhile.
func (k *kills) operate(args ...string) {
	k.Helper()
	var out tailOf
	a := &actor{name: "tickring " + strings.Join(args, " "), args: args, stdout: &out}
	k.start(a)
	var err error
	ended := false
	k.until(a.name, func() bool {
		select {
		case err = <-a.ended:
			ended = true
		default:
		}
		return ended
	})
	if err != nil {
		k.fail("%s: %v: %s\n%s", a.name, err, a.stderr.String(), out.String())
	}
}

// fail ends the test with all there is to know.
func (k *kills) fail(format string, args ...any) {
	k.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, format, args...)
	fmt.Fprintf(&b, "\nreplay with -kills %d -seed %d", *killsFlag, k.seed)
	if k.auditor != nil {
		for _, f := range k.auditor.Faults()[:min(3, len(k.auditor.Faults()))] {
			fmt.Fprintf(&b, "\n%s\n\tafter it:\n\t%s", f.Story(), strings.Join(k.auditor.After(&f, 8), "\n\t"))
		}
		w, err := k.auditor.Waiting()
		fmt.Fprintf(&b, "\non its way: %+v, %v; %+v", w, err, k.auditor.Figures())
	}
	for _, a := range k.actors() {
		state := "absent"
		if a.cmd != nil {
			state = fmt.Sprintf("process %d", a.cmd.Process.Pid)
		}
		fmt.Fprintf(&b, "\n%s: %s\n\t%s", a.name, state, strings.ReplaceAll(a.stderr.String(), "\n", "\n\t"))
	}
	for _, name := range []string{killGateway, killVenue, killMd} {
		i, err := ring.Stat(k.dir, name)
		fmt.Fprintf(&b, "\nring %s: %v, epoch %d, messages %d to %d, %v", name, i.Publisher, i.Epoch, i.Oldest, i.Last, err)
		for _, s := range i.Subscribers {
			fmt.Fprintf(&b, "; %s at %d, active %v", s.Name, s.Cursor, s.Active)
		}
	}
	fmt.Fprintf(&b, "\nwhat was done last: %s", strings.Join(k.done, ", "))
	if keep := os.Getenv("TICKRING_TEST_KEEP"); keep != "" {
		exec.Command("cp", "-r", k.dir, filepath.Join(keep, fmt.Sprint("kills-", k.seed))).Run()
	}
	k.Fatal(b.String())
}

// end ends what is left.
func (k *kills) end() {
	for _, a := range k.actors() {
		if a.cmd != nil {
			a.cmd.Process.Kill()
			<-a.ended
			a.cmd = nil
		}
	}
	if k.auditor != nil {
		k.auditor.Close()
	}
}

// show prints the figures: a table for people, and one line for machines.
func (k *kills) show() {
	if !testing.Verbose() {
		return
	}
	f := &k.figures
	w := &lines{w: os.Stdout}
	w.printf("%d kills in %.0f s (seed %d): gateway %d (%d of them fenced), exchange %d, strategies %d, market data %d; %d stopped and continued\n",
		f.All, f.Seconds, f.Seed, f.Kills["gateway"], f.Fenced, f.Kills["exchange"], f.Kills["strategy"], f.Kills["market"], f.Stopped)
	w.printf("%s market data messages; %s frames of the gateway in %d lives; %s messages of the exchange\n", text.Count(f.Market), text.Count(f.Audit.Frames), f.TakeOvers, text.Count(f.Audit.Reports))
	writeCounts(w, &f.Audit)
	w.printf("differences:\n")
	for _, what := range slices.Sorted(maps.Keys(f.Differences)) {
		w.printf("%6d  %s\n", f.Differences[what], what)
	}
	line, err := json.Marshal(f)
	if err != nil {
		k.Fatal(err)
	}
	w.printf("%s\n", line)
}
