package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

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

// whyColumn is where the sentences of spikes begin on a wide screen.
const whyColumn = 61

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
