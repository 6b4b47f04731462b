package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// entry is a line of the table: a subscriber, or a ring if sub is nil.
type entry struct {
	ring *monitor.Ring
	sub  *monitor.Subscriber
}

// column is a column of the table.
type column struct {
	id    string // for --sort
	title string
	width int
	left  bool
	show  func(e entry, w monitor.Span) cell
	// rank is what the column is sorted by, the largest first. nil: not at all; the name is
	// sorted as text.
	rank func(e entry, w monitor.Span) float64
}

// The columns that are always there. What comes between lost and trend, and in which order
// it does as the screen gets wider, is in extras.
const (
	colName  = 0
	colState = 1
	colRate  = 2
)

var columns = []column{
	{id: "name", title: "NAME", width: 16, left: true},
	{id: "state", title: "STATE", width: 7, left: true, show: showState, rank: rankState},
	{id: "rate", title: "MSG/S", width: 6, show: showRate, rank: rankRate},
	{id: "lag", title: "LAG", width: 5, show: showLag, rank: ofSub(func(s *monitor.Subscriber) float64 { return float64(s.Lag) })},
	{id: "behind", title: "BEHIND", width: 6, show: showBehind, rank: ofSub(func(s *monitor.Subscriber) float64 { return float64(s.LagTime) })},
	{id: "lost", title: "LOST", width: 5, show: showLost, rank: ofSub(func(s *monitor.Subscriber) float64 { return float64(s.Lost) })},
	latencyColumn("p50", func(w *monitor.Window) int64 { return w.P50 }),
	latencyColumn("p90", func(w *monitor.Window) int64 { return w.P90 }),
	latencyColumn("p99", func(w *monitor.Window) int64 { return w.P99 }),
	latencyColumn("p99.9", func(w *monitor.Window) int64 { return w.P999 }),
	latencyColumn("p99.99", func(w *monitor.Window) int64 { return w.P9999 }),
	latencyColumn("max", func(w *monitor.Window) int64 { return w.Max }),
	{id: "wait", title: "WAIT", width: 7, left: true, show: showWait},
	{id: "gate", title: "GATE", width: 7, left: true, show: showGate},
	{id: "moved", title: "MOVED", width: 6, show: showMoved, rank: ofSub(func(s *monitor.Subscriber) float64 { return float64(s.Moved) })},
	{id: "spikes", title: "SPIKES", width: 6, show: showSpikes, rank: ofSub(func(s *monitor.Subscriber) float64 { return float64(s.Spikes.Spikes) })},
	{id: "trend", title: "TREND", width: 7, left: true},
}

// extras are the columns that a wider screen has, the most wanted first, if there is anything
// in them. The trend is there anyway, and gets wider.
var extras = []string{"p99.9", "gate", "wait", "spikes", "trend", "p99.99", "p90", "moved"}

// spared are the columns that a screen of less than 80 columns does without, the least wanted
// first.
var spared = []string{"trend", "p50", "behind"}

// SortNames are the columns that one can sort by.
func SortNames() []string {
	var names []string
	for _, c := range columns {
		if c.sortable() {
			names = append(names, c.id)
		}
	}
	return names
}

func (c *column) sortable() bool { return c.id == "name" || c.rank != nil }

// ofSub ranks subscribers, and rings below all of them.
func ofSub(f func(*monitor.Subscriber) float64) func(entry, monitor.Span) float64 {
	return func(e entry, _ monitor.Span) float64 {
		if e.sub == nil {
			return -2
		}
		return f(e.sub)
	}
}

func latencyColumn(id string, of func(*monitor.Window) int64) column {
	return column{id: id, title: strings.ToUpper(id), width: 6,
		show: func(e entry, w monitor.Span) cell {
			win := windowOf(e.sub, w)
			return cell{latency(of(win), win.Count), plain}
		},
		rank: func(e entry, w monitor.Span) float64 {
			if e.sub == nil || windowOf(e.sub, w).Count == 0 {
				return -2
			}
			return float64(of(windowOf(e.sub, w)))
		}}
}

// windowOf is one of the windows of a subscriber.
func windowOf(s *monitor.Subscriber, w monitor.Span) *monitor.Window {
	switch w {
	case monitor.LastMinute:
		return &s.Minute
	case monitor.SinceStart:
		return &s.Start
	}
	return &s.Second
}

// publisherInk is how bad a publisher's state is.
func publisherInk(state string) ink {
	switch state {
	case "live":
		return good
	case "closed":
		return faint
	case "dead":
		return bad
	}
	return warn
}

func subscriberInk(state string) ink {
	switch state {
	case monitor.StateReading:
		return good
	case monitor.StateStuck:
		return warn
	case monitor.StateClosed:
		return faint
	case monitor.StateNew:
		return accent
	}
	return bad
}

func showState(e entry, _ monitor.Span) cell {
	if e.sub != nil {
		return cell{clean(e.sub.State), subscriberInk(e.sub.State)}
	}
	switch {
	case Absent(e.ring):
		return cell{"absent", warn}
	case e.ring.Publisher == "":
		return cell{"broken", bad}
	}
	return cell{clean(e.ring.Publisher), publisherInk(e.ring.Publisher)}
}

// rankState has the worst first.
func rankState(e entry, w monitor.Span) float64 {
	return map[ink]float64{bad: 4, warn: 3, accent: 2, good: 1}[showState(e, w).ink]
}

func rankRate(e entry, _ monitor.Span) float64 {
	if e.sub == nil {
		return e.ring.Rate
	}
	return e.sub.Rate
}

func showRate(e entry, w monitor.Span) cell { return cell{rate(rankRate(e, w)), plain} }

func showLag(e entry, _ monitor.Span) cell {
	if e.sub.Lag == 0 {
		return cell{"-", faint}
	}
	return cell{count(e.sub.Lag), plain}
}

func showBehind(e entry, _ monitor.Span) cell {
	s := e.sub
	switch d := s.LagTime; {
	case s.Lag == 0:
		return cell{"-", faint}
	case s.State != monitor.StateReading && s.State != monitor.StateStuck || d < 100*time.Millisecond:
		return cell{span(d), plain}
	default:
		return cell{span(d), warn}
	}
}

func showLost(e entry, _ monitor.Span) cell {
	switch {
	case e.sub.LostRate > 0:
		return cell{count(e.sub.Lost), bad}
	case e.sub.Lost > 0:
		return cell{count(e.sub.Lost), warn}
	}
	return cell{"-", faint}
}

func showWait(e entry, _ monitor.Span) cell {
	if e.sub.Wait == "" && e.sub.State != monitor.StateNew {
		return cell{"?", faint}
	}
	return cell{clean(e.sub.Wait), faint}
}

func showGate(e entry, _ monitor.Span) cell {
	if e.sub.Gate == "holding" {
		return cell{"holding", accent}
	}
	return cell{clean(e.sub.Gate), faint}
}

func showMoved(e entry, _ monitor.Span) cell {
	switch e.sub.State {
	case monitor.StateStuck:
		return cell{span(e.sub.Moved), warn}
	case monitor.StateNew:
		return cell{"-", faint}
	}
	if e.sub.Moved == 0 {
		return cell{"now", faint}
	}
	return cell{span(e.sub.Moved), faint}
}

func showSpikes(e entry, _ monitor.Span) cell {
	switch log := &e.sub.Spikes; {
	case log.Threshold == 0:
		return cell{"", faint}
	case log.Spikes == 0:
		return cell{"none", faint}
	default:
		return cell{count(log.Spikes), plain}
	}
}

// Absent says whether a ring that was asked for is not there.
func Absent(r *monitor.Ring) bool { return strings.Contains(r.Error, ring.ErrNoRing.Error()) }

// ringError is what is wrong with a ring.
func ringError(r *monitor.Ring) cell {
	if Absent(r) {
		return cell{"there is no ring of this name", warn}
	}
	return cell{clean(strings.TrimPrefix(r.Error, fmt.Sprintf("ring: watch %q: ", r.Name))), bad}
}

// ringText is what a ring's line says in place of a subscriber's columns.
func ringText(r *monitor.Ring) []cell {
	var cells []cell
	add := func(i ink, format string, args ...any) {
		if len(cells) > 0 {
			cells = append(cells, cell{" · ", faint})
		}
		cells = append(cells, cell{fmt.Sprintf(format, args...), i})
	}
	if r.Error != "" {
		return []cell{ringError(r)}
	}
	switch r.Publisher {
	case "live":
		add(plain, "beat %s ago", span(r.Beat))
	case "hung":
		add(warn, "no heartbeat for %s", span(r.Beat))
	case "dead":
		add(bad, "process %d ended without closing it", r.PID)
	}
	switch {
	case r.RefusedRate > 0:
		add(warn, "held by gates %s/s, %s", short(r.RefusedRate), times(r.Refused))
	case r.Refused > 0:
		add(plain, "held by gates %s", times(r.Refused))
	}
	if len(r.Subscribers) == 0 {
		add(faint, "no subscribers")
	}
	if r.Replaced > 0 {
		add(accent, "replaced %s", times(r.Replaced))
	}
	if r.Late != nil && r.Late.Minute.Count > 0 {
		add(plain, "late p99 %s max %s", ns(r.Late.Minute.P99), ns(r.Late.Minute.Max))
	}
	if r.Schema != "" {
		add(faint, "%s", clean(r.Schema))
	}
	return cells
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return count(n) + " times"
}
