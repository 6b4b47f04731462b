package top

import (
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// made is a snapshot with something of everything.
func made() *monitor.Snapshot {
	sub := func(name, state string, lag uint64, p99 int64) monitor.Subscriber {
		s := monitor.Subscriber{
			Name: name, State: state, PID: 4242, Opened: noon.Add(-83 * time.Second), Wait: "spin",
			Cursor: 7_000_001 - lag, Lag: lag, LagTime: time.Duration(lag) * 830, Moved: 2 * time.Microsecond,
			Delivered: 7_000_000 - lag, Bytes: 336 << 20, Rate: 1_203_400,
			Second: window(1, 1_203_400, p99), Minute: window(60, 70_000_000, 2*p99), Start: window(83, 99_000_000, 3*p99),
		}
		for i := range 60 {
			v := p99 + p99*int64(i*i%17)/6
			if i == 41 {
				v = 40 * p99
			}
			s.Trend = append(s.Trend, v)
		}
		return s
	}
	es := monitor.Ring{
		Name: "es", Publisher: "live", PID: 4240, Epoch: 2, Opened: noon.Add(-2 * time.Hour), Beat: 12 * time.Millisecond,
		Schema: "dbn3/mbo", Source: "GLBX.MDP3", Stamps: "all", Capacity: 64 << 20, MaxMessage: 512,
		First: 1, Oldest: 6_000_000, Last: 7_000_000, Rate: 1_203_444, Refused: 17, RefusedRate: 2.5, Replaced: 1,
		Subscribers: []monitor.Subscriber{
			sub("alpha", monitor.StateReading, 0, 210),
			sub("beta", monitor.StateStuck, 812_345, 9_800),
			sub("gamma.with-a-name-that-is-as-long-as-a-name-may-be-in-tickring-1", monitor.StateReading, 12, 1_450_000),
			sub("risk", monitor.StateDead, 5_000, 310),
		},
	}
	es.Subscribers[1].Moved = 3200 * time.Millisecond
	es.Subscribers[1].Rate = 0
	es.Subscribers[1].Trend = append(es.Subscribers[1].Trend[4:], -1, -1, -1, -1)
	es.Subscribers[2].Lost, es.Subscribers[2].Overruns, es.Subscribers[2].LostRate = 1_234, 2, 400
	es.Subscribers[2].Wait = "backoff"
	es.Subscribers[3].Gate, es.Subscribers[3].Hold, es.Subscribers[3].LagTime = "holding", 5*time.Second, -1
	es.Subscribers[3].Rate, es.Subscribers[3].Second = 0, monitor.Window{Seconds: 1}
	es.Subscribers[0].Spikes = ring.SpikeLog{Threshold: 100 * time.Microsecond, Spikes: 2, Messages: 912, List: []ring.Spike{
		{Number: 1, Kind: ring.SpikeRead, Time: noon.Add(-31 * time.Second), Seq: 100, Messages: 900, Latency: 10_400_000, Behind: 64, BehindMore: true,
			Explained: true, Cause: affinity.CausePreempted, Why: "another task had the CPU for 10.1 of 10.4 ms, which the thread could have used, and then it was sent off once more"},
		{Number: 2, Kind: ring.SpikeRead, Time: noon.Add(-2 * time.Millisecond), Seq: 2000, Messages: 12, Latency: 130_000, Behind: 3},
	}}
	es.Late = &monitor.Publisher{Second: window(1, 1_203_444, 900), Minute: window(60, 70_000_000, 1_800), Start: window(7200, 8e9, 3_600), Spikes: ring.SpikeLog{Threshold: time.Millisecond, Spikes: 1, Messages: 1, List: []ring.Spike{
		{Number: 1, Kind: ring.SpikePace, Time: noon.Add(-time.Minute), Messages: 1, Latency: 1_400_000, Explained: true, Cause: affinity.CauseGC, Why: "a collection ended"}}}}
	return &monitor.Snapshot{
		Time: noon, Took: 3 * time.Millisecond, Dir: "/dev/shm/tickring-1000",
		Rings: []monitor.Ring{
			{Name: "bad", Error: "ring: \x1b[31mblock 3 of /dev/shm/tickring-1000/bad/ring is damaged:\n the frame at 4096 is longer than the block"},
			es,
			{Name: "orders", Publisher: "dead", PID: 99, Capacity: 1 << 20, First: 1, Subscribers: []monitor.Subscriber{
				{Name: "broken", State: monitor.StateBroken, Error: "its file has 12 bytes; remove it"},
				{Name: "venue", State: monitor.StateNew, Gate: "holding"},
			}},
		},
	}
}

func window(seconds float64, n uint64, p99 int64) monitor.Window {
	return monitor.Window{Seconds: seconds, Summary: monitor.Summary{Count: n, Mean: float64(p99) / 2, P50: p99 / 3, P90: p99 / 2, P99: p99, P999: 4 * p99, P9999: 30 * p99, Max: 95 * p99}}
}

// many is a snapshot of n rings with ten subscribers each.
func many(n int) *monitor.Snapshot {
	like := made().Rings[1]
	s := &monitor.Snapshot{Time: noon, Dir: "/dev/shm/many"}
	for i := range n {
		r := like
		r.Name = fmt.Sprintf("ring%03d", i)
		r.Subscribers = nil
		for j := range 10 {
			sub := like.Subscribers[j%3]
			sub.Name = fmt.Sprintf("sub%02d", j)
			sub.Second.P99 += int64(7919 * (i*10 + j) % 10_007)
			r.Subscribers = append(r.Subscribers, sub)
		}
		s.Rings = append(s.Rings, r)
	}
	return s
}

// source shows one snapshot again and again, and one histogram of whatever one asks for.
type source struct{ snap *monitor.Snapshot }

func (s *source) Poll() *monitor.Snapshot { return s.snap }

func (s *source) Histogram(string, string, monitor.Span) (*hdrhistogram.Histogram, bool) {
	return latencies(), true
}

var latencies = sync.OnceValue(func() *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, 10_000_000_000, 2)
	for i := range int64(1000) {
		h.RecordValues(70+i%40, 1000)
		h.RecordValues(110+i*i/700, 30)
	}
	h.RecordValues(8_400, 40)
	h.RecordValues(20_000, 2)
	return h
})

func inColors(profile termenv.Profile) painter {
	r := lipgloss.NewRenderer(nil)
	r.SetColorProfile(profile)
	return newPainter(r)
}

// user sits in front of a model: it has no clock, and looks are what the test says.
type user struct {
	model Model
	src   *source
}

func newUser(snap *monitor.Snapshot, width, height int) *user {
	src := &source{snap}
	p := inColors(termenv.Ascii)
	u := &user{newModel(Config{Dir: snap.Dir, Every: time.Second}, &p, &looker{src: src}), src}
	u.does(tea.WindowSizeMsg{Width: width, Height: height})
	return u.looks()
}

// looks is what happens each second.
func (u *user) looks() *user { return u.does(tickMsg{}) }

func (u *user) does(msg tea.Msg) *user {
	m, cmd := u.model.Update(msg)
	u.model = m.(Model)
	switch msg.(type) {
	case tickMsg, tea.KeyMsg:
		if cmd != nil {
			u.does(cmd())
		}
	}
	return u
}

// types presses keys: characters, or names as in "<enter>".
func (u *user) types(keys ...string) *user {
	names := map[string]tea.KeyType{"<enter>": tea.KeyEnter, "<esc>": tea.KeyEsc, "<up>": tea.KeyUp, "<down>": tea.KeyDown,
		"<pgdown>": tea.KeyPgDown, "<pgup>": tea.KeyPgUp, "<home>": tea.KeyHome, "<end>": tea.KeyEnd, "<backspace>": tea.KeyBackspace,
		"<left>": tea.KeyLeft, "<right>": tea.KeyRight, "<space>": tea.KeySpace, "<ctrl+c>": tea.KeyCtrlC}
	for _, k := range keys {
		if t, ok := names[k]; ok {
			u.does(tea.KeyMsg{Type: t})
		} else {
			u.does(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)})
		}
	}
	return u
}
