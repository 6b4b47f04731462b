package top

import (
	"fmt"
	"strings"
	"time"

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
		case r.Publisher == ring.Live.String():
			return cell{fmt.Sprintf("published by process %d for %s, heartbeat %s ago", r.PID, text.Ago(now.Sub(r.Opened)), span(r.Beat)), i}
		case r.Publisher == ring.Hung.String():
			return cell{fmt.Sprintf("hung: process %d has given no heartbeat for %s; 'tickring fence' ends it", r.PID, span(r.Beat)), i}
		case r.Publisher == ring.Dead.String():
			return cell{fmt.Sprintf("dead: process %d ended without closing the ring", r.PID), i}
		case r.Publisher == ring.Ended.String():
			return cell{"closed by its publisher", i}
		case r.Publisher == ring.Replaced.String():
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
		if r.Subscribers[i].Gate == monitor.GateHolding {
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
	if s.Gate != monitor.GateHolding {
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
