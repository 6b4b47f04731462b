package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tickring/tickring/feed/replay"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// gatedSink is a publisher that waits while a gate holds it, and counts what it has
// taken. A ring may have gates that this publisher does not know of: those of the
// last one.
type gatedSink struct {
	ctx     context.Context
	pub     *ring.Publisher
	tally   *tally
	refused uint64
	gates   *gateWatch
}

func (s *gatedSink) Publish(typ uint16, msg []byte) error {
	err := s.pub.Publish(typ, msg)
	if err == ring.ErrBackPressure {
		err = s.gates.wait(s.ctx, s.pub, typ, msg)
	}
	if err != nil {
		if !errors.Is(err, ring.ErrBackPressure) { // that is a signal, which is nobody's loss
			s.refused++
		}
		return err
	}
	s.tally.add(typ, msg)
	return nil
}

// RecordLate is told by the replay how late the last message left.
func (s *gatedSink) RecordLate(d time.Duration) { s.pub.RecordLate(d) }

// gateWatch counts and tells what the gates do to a publisher.
type gateWatch struct {
	dir, ring string
	notes     io.Writer // nil: none
	progress  progressLine

	held             uint64        // times that a gate held the publisher
	heldFor          time.Duration // in all
	told             int
	demoted, dropped []string
}

// heldTold is how many long waits are told one by one.
const heldTold = 5

// wait publishes when the gates let it, or returns [ring.ErrBackPressure] when ctx ends.
// It tells of a wait that a person would notice.
func (w *gateWatch) wait(ctx context.Context, pub *ring.Publisher, typ uint16, msg []byte) error {
	w.held++
	began := time.Now()
	defer func() { w.heldFor += time.Since(began) }()
	short, cancel := context.WithTimeout(ctx, tellAfter)
	err := pub.PublishWait(short, typ, msg)
	cancel()
	if !errors.Is(err, ring.ErrBackPressure) || ctx.Err() != nil {
		return err
	}
	tell := w.told < heldTold
	w.told++
	if tell {
		w.tellHolding(pub)
	}
	err = pub.PublishWait(ctx, typ, msg)
	if err == nil && tell {
		more := ""
		if w.told == heldTold {
			more = "; further waits are counted and not told"
		}
		w.note("going on after %s%s", text.Ns(int64(time.Since(began))), more)
	}
	return err
}

// tellHolding says which gates hold the publisher.
func (w *gateWatch) tellHolding(pub *ring.Publisher) {
	info, err := ring.Stat(w.dir, w.ring)
	for _, g := range pub.Gates() {
		if g.State != ring.GateHolding || g.Held == 0 {
			continue
		}
		lag, owner := text.Bytes(g.Lag)+" are unread", ""
		for _, s := range info.Subscribers {
			if err == nil && s.Name == g.Name && s.Err == nil {
				lag = waitingText(reportSub(s, info.Last).Lag)
				if !s.Active {
					owner = ", and no process has it open"
				}
			}
		}
		most := ""
		if g.Hold > 0 {
			most = fmt.Sprintf(" for %v at most", g.Hold)
		}
		w.note("gate %s holds the publisher: %s%s; waiting%s", g.Name, lag, owner, most)
	}
}

// onDemote is for ring.Config.
func (w *gateWatch) onDemote(g ring.GateLag) {
	unread := fmt.Sprintf("; the %s that it has not read may be lost to it", text.Bytes(g.Lag))
	if g.State == ring.GateDemoted {
		w.demoted = append(w.demoted, g.Name)
		w.note("gate %s was demoted after it held the publisher for %s%s", g.Name, text.Ns(int64(g.Held)), unread)
		return
	}
	w.dropped = append(w.dropped, g.Name)
	w.note("gate %s was dropped: it held the publisher, and no process has it open%s", g.Name, unread)
}

func (w *gateWatch) note(format string, args ...any) {
	if w.notes != nil {
		w.progress.clear()
		fmt.Fprintf(w.notes, "tickring replay: "+format+"\n", args...)
	}
}

// progressLine is the progress of a replay on a terminal. It gives way to notes.
type progressLine struct {
	printer *replay.ProgressPrinter // nil: none
	last    replay.Progress
}

func (p *progressLine) report(now replay.Progress) {
	p.last = now
	p.printer.Report(now)
}

func (p *progressLine) clear() {
	if p.printer != nil {
		p.last.Final = true
		p.printer.Report(p.last)
	}
}
