package top

import (
	"strings"

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
