package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// What stands in the columns of an entry.

// publisherInk is how bad a publisher's state is.
func publisherInk(state string) ink {
	switch state {
	case ring.Live.String():
		return good
	case ring.Ended.String():
		return faint
	case ring.Dead.String():
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
	case e.ring.Absent:
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
	if e.sub.Gate == monitor.GateHolding {
		return cell{e.sub.Gate, accent}
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

// ringError is what is wrong with a ring.
func ringError(r *monitor.Ring) cell {
	if r.Absent {
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
	case ring.Live.String():
		add(plain, "beat %s ago", span(r.Beat))
	case ring.Hung.String():
		add(warn, "no heartbeat for %s", span(r.Beat))
	case ring.Dead.String():
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
