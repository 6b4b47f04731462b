package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

// What is known of a ring or of a subscriber, in words.

// sentence is what its state means.
func sentence(e entry, now time.Time) cell {
	r, s := e.ring, e.sub
	if s == nil {
		i := publisherInk(r.Publisher)
		switch {
		case r.Error != "":
			return ringError(r)
		case r.Publisher == "live":
			return cell{fmt.Sprintf("published by process %d for %s, heartbeat %s ago", r.PID, text.Ago(now.Sub(r.Opened)), span(r.Beat)), i}
		case r.Publisher == "hung":
			return cell{fmt.Sprintf("hung: process %d has given no heartbeat for %s; 'tickring fence' ends it", r.PID, span(r.Beat)), i}
		case r.Publisher == "dead":
			return cell{fmt.Sprintf("dead: process %d ended without closing the ring", r.PID), i}
		case r.Publisher == "closed":
			return cell{"closed by its publisher", i}
		case r.Publisher == "superseded":
			return cell{"superseded: another ring has its name", i}
		}
		return cell{clean(r.Publisher), i}
	}
	unread := text.Messages(s.Lag) + " unread"
	i := subscriberInk(s.State)
	switch {
	case s.Error != "":
		return cell{clean(s.Error), bad}
	case s.State == monitor.StateReading && s.Lag == 0:
		return cell{fmt.Sprintf("read by process %d, nothing unread", s.PID), i}
	case s.State == monitor.StateReading:
		return cell{fmt.Sprintf("read by process %d, %s", s.PID, unread), i}
	case s.State == monitor.StateStuck:
		return cell{fmt.Sprintf("stuck: process %d has not moved for %s, %s", s.PID, span(s.Moved), unread), i}
	case s.State == monitor.StateDead:
		return cell{fmt.Sprintf("dead: process %d ended without closing it, %s", s.PID, unread), i}
	case s.State == monitor.StateClosed:
		return cell{fmt.Sprintf("closed, %s", unread), i}
	case s.State == monitor.StateNew:
		return cell{"new: a gate that nobody has opened yet", i}
	}
	return cell{clean(s.State), i}
}

// facts are lines about an entry as of now.
func facts(e entry, now time.Time) []string {
	if e.sub == nil {
		return ringFacts(e.ring)
	}
	return subscriberFacts(e, now)
}

func ringFacts(r *monitor.Ring) []string {
	if r.Publisher == "" {
		return nil // nothing could be read
	}
	numbers := fmt.Sprintf("messages %s to %s, in the ring from %s on", text.Count(r.First), text.Count(r.Last), text.Count(r.Oldest))
	switch {
	case r.Error != "":
		numbers = "messages not known"
	case r.Last < r.First:
		numbers = "no messages yet"
	}
	if r.Rate > 0 {
		numbers += ", " + text.PerSecond(r.Rate)
	}
	if r.Mark > 0 {
		numbers += ", snapshot at " + text.Count(r.Mark)
	}
	what := []string{text.Bytes(r.Capacity), "messages up to " + text.Bytes(uint64(r.MaxMessage)), "stamps: " + clean(r.Stamps)}
	if r.Schema != "" {
		what = append(what, clean(r.Schema))
	}
	if r.Source != "" {
		what = append(what, "from "+clean(r.Source))
	}
	gates := 0
	for i := range r.Subscribers {
		if r.Subscribers[i].Gate == "holding" {
			gates++
		}
	}
	life := "waits for no gates"
	if gates > 0 {
		life = "waits for " + text.CountOf(uint64(gates), "gate", "gates")
	}
	if r.Refused > 0 {
		life += ", held " + times(r.Refused)
	}
	if r.RefusedRate > 0 {
		life += fmt.Sprintf(", %s/s now", short(r.RefusedRate))
	}
	life += ", publisher number " + text.Count(r.Epoch)
	if r.Waker {
		life += ", sleepers are woken"
	}
	if r.Replaced > 0 {
		life += ", file replaced " + times(r.Replaced)
	}
	return []string{numbers, strings.Join(what, ", "), life}
}

func subscriberFacts(e entry, now time.Time) []string {
	s := e.sub
	var how []string
	if s.Wait != "" {
		how = append(how, "waits by "+clean(s.Wait))
	} else {
		how = append(how, "wait strategy unknown")
	}
	if s.Sleeps > 0 {
		how = append(how, "slept "+text.CountOf(s.Sleeps, "time", "times"))
	}
	if s.Gate != "" {
		how = append(how, gateText(s))
	}
	if !s.Opened.IsZero() && s.State != monitor.StateNew {
		how = append(how, "opened "+text.Ago(now.Sub(s.Opened))+" ago")
	}
	if s.State != monitor.StateNew && s.State != monitor.StateBroken {
		if s.Moved > 0 {
			how = append(how, "moved "+span(s.Moved)+" ago")
		} else {
			how = append(how, "moving")
		}
	}
	read := text.Messages(s.Delivered) + " read, " + text.Bytes(s.Bytes)
	if s.Rate > 0 {
		read += ", " + text.PerSecond(s.Rate)
	}
	if s.Lag > 0 {
		read += fmt.Sprintf(", %s behind", text.Count(s.Lag))
		if s.LagTime >= 0 {
			read += " by " + span(s.LagTime)
		}
	}
	lost := "none lost"
	if s.Lost > 0 {
		lost = fmt.Sprintf("%s lost in %s", text.Count(s.Lost), text.CountOf(s.Overruns, "overrun", "overruns"))
	}
	if s.LostRate > 0 {
		lost += fmt.Sprintf(", %s now", text.PerSecond(s.LostRate))
	}
	if s.Negative > 0 {
		lost += ", " + text.Count(s.Negative) + " latencies below 0"
	}
	if s.TooLong > 0 {
		lost += ", " + text.Count(s.TooLong) + " above 10 s"
	}
	return []string{read + ", " + lost, strings.Join(how, ", ")}
}

func gateText(s *monitor.Subscriber) string {
	if s.Gate != "holding" {
		return "a gate that was " + clean(s.Gate)
	}
	t := "the publisher waits for it "
	if s.Hold > 0 {
		t += "for at most " + span(s.Hold)
	} else {
		t += "for ever"
	}
	if s.DropDead {
		t += " while it lives"
	}
	return t
}

// spanNames are the windows, by [monitor.Span].
var spanNames = [...]string{"last second", "last minute", "since start"}

// windowsOf are the three windows of an entry, nil if it measures nothing.
func windowsOf(e entry) []*monitor.Window {
	switch {
	case e.sub != nil && e.sub.Error == "":
		return []*monitor.Window{&e.sub.Second, &e.sub.Minute, &e.sub.Start}
	case e.sub == nil && e.ring.Late != nil:
		l := e.ring.Late
		return []*monitor.Window{&l.Second, &l.Minute, &l.Start}
	}
	return nil
}

// spikesOf is what an entry has recorded of its spikes.
func spikesOf(e entry) *ring.SpikeLog {
	switch {
	case e.sub != nil:
		return &e.sub.Spikes
	case e.ring.Late != nil:
		return &e.ring.Late.Spikes
	}
	return nil
}

// windowLines are a table of windows; the one at is marked.
func windowLines(p *painter, width int, ws []*monitor.Window, at monitor.Span) []string {
	head := padded("", 20, true) + padded("messages", 13, false)
	for _, h := range []string{"mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"} {
		head += padded(h, 7, false)
	}
	// The mean makes room where the screen is narrow.
	from := 0
	if width < 83 {
		from = 1
		head = padded("", 20, true) + padded("messages", 11, false)
		for _, h := range []string{"p50", "p90", "p99", "p99.9", "p99.99", "max"} {
			head += padded(h, 8, false)
		}
	}
	lines := []string{p.line(width, cell{head, faint})}
	for i, w := range ws {
		name, in, mark := spanNames[i], plain, "  "
		if monitor.Span(i) == at {
			in, mark = strong, "▸ "
		}
		if whole := [...]float64{1, 60, 0}[i]; w.Seconds > 0 && w.Seconds < 0.9*whole {
			name = fmt.Sprintf("last %.1f s", w.Seconds)
		}
		l := padded(mark+name, 20, true)
		values := []string{latency(int64(w.Mean), w.Count), latency(w.P50, w.Count), latency(w.P90, w.Count), latency(w.P99, w.Count),
			latency(w.P999, w.Count), latency(w.P9999, w.Count), latency(w.Max, w.Count)}
		if from == 0 {
			l += padded(text.Count(w.Count), 13, false)
		} else {
			l += padded(count(w.Count), 11, false)
		}
		for _, v := range values[from:] {
			l += padded(v, 7+from, false)
		}
		lines = append(lines, p.line(width, cell{l, in}))
	}
	return lines
}

// whyColumn is where the sentences of spikes begin on a wide screen.
const whyColumn = 61

// windowLine is a window of an entry that has some in one line.
func windowLine(e entry, at monitor.Span) string {
	name, w := "", windowsOf(e)[at]
	if e.sub == nil {
		name = "late "
	}
	if w.Count == 0 {
		return name + "nothing measured, " + spanNames[at]
	}
	return fmt.Sprintf("%sp50 %s p90 %s p99 %s p99.9 %s p99.99 %s max %s", name, ns(w.P50), ns(w.P90), ns(w.P99), ns(w.P999), ns(w.P9999), ns(w.Max))
}

// spikeLines tell of the spikes, the newest first; whole has sentences that are too long go on
// below.
func spikeLines(p *painter, width, most int, whole bool, log *ring.SpikeLog, now time.Time) []string {
	if log == nil || log.Threshold == 0 {
		return []string{p.line(width, cell{"spikes  ", strong}, cell{"not recorded", faint})}
	}
	lines := []string{p.line(width, cell{"spikes  ", strong}, cell{fmt.Sprintf("%s of %s and more, %s late",
		text.Count(log.Spikes), span(log.Threshold), text.Messages(log.Messages)), faint})}
	if len(log.List) == 0 {
		return lines
	}
	head := "  time          latency  messages  behind  cause"
	wide := width >= 110 // else there is no room for the sentences
	if wide {
		head += "             why"
	}
	lines = append(lines, p.line(width, cell{head, faint}))
	for n := range min(most, len(log.List)) {
		s := &log.List[len(log.List)-1-n]
		behind := count(s.Behind)
		if s.BehindMore {
			behind += "+"
		}
		cause, why, in := s.Cause.String(), clean(s.Why), accent
		if !s.Explained {
			cause, why, in = "?", "nobody has looked yet", faint
		}
		if s.Kind != ring.SpikeRead {
			cause = s.Kind.String() + ", " + cause
		}
		cells := []cell{{"  " + s.Time.In(now.Location()).Format("15:04:05.000") + padded(span(s.Latency), 9, false) +
			padded(count(s.Messages), 10, false) + padded(behind, 8, false) + "  ", plain}, {padded(cause, 18, true), in}}
		indent, in := 4, faint
		if wide {
			indent, in = whyColumn, plain
		}
		sentence := []string{why}
		if whole {
			sentence = strings.Split(ansi.Wrap(why, width-indent-1, ""), "\n")
		}
		if wide {
			cells = append(cells, cell{sentence[0], plain})
			sentence = sentence[1:]
		}
		lines = append(lines, p.line(width, cells...))
		for _, part := range sentence {
			lines = append(lines, p.line(width, cell{strings.Repeat(" ", indent) + part, in}))
		}
	}
	return lines
}
