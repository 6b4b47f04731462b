package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
	"github.com/tickring/tickring/ring/monitor"
)

func (a *app) statCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stat NAME",
		Short: "Tell all about a ring",
		Long: `stat tells all that can be known about a ring and its named subscribers, without
changing anything.

A gate is a subscriber that the publisher waits for, for ever or as long as its policy
says. It is holding (the publisher would wait for it, and does if it is a ring behind),
demoted (it held the publisher for too long) or dropped (it had no owner, or the
publisher took it out). A subscriber is reading, closed, dead, or new, if it is a gate
that nobody has opened yet. The mark is the message that begins the last snapshot.`,
		Example: `  tickring stat es
  tickring stat es --json | jq '.subscribers[] | {name, lag}'
  tickring stat es --json | jq '.subscribers[] | select(.gate == "holding") | {name, active, lag}'`,
		Args:              wantRings("NAME"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(_ *cobra.Command, args []string) error {
			info, err := ring.Stat(a.dir, args[0])
			if err != nil {
				return noRing(err, a.dir, args[0])
			}
			r := reportRing(info)
			if asJSON {
				return writeJSON(a.stdout, r)
			}
			return r.write(&lines{w: a.stdout})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object instead of text")
	return cmd
}

// ringReport is ring.Info for machines.
type ringReport struct {
	Name        string      `json:"name"`
	Path        string      `json:"path,omitempty"`
	Publisher   string      `json:"publisher,omitempty"`
	PID         int         `json:"pid,omitempty"`
	Epoch       uint64      `json:"epoch,omitempty"`
	Created     time.Time   `json:"created,omitzero"`
	Opened      time.Time   `json:"opened,omitzero"` // by the last publisher
	BeatNs      int64       `json:"since_heartbeat_ns,omitempty"`
	Schema      string      `json:"schema,omitempty"`
	SchemaHash  string      `json:"schema_hash,omitempty"`
	Source      string      `json:"source,omitempty"`
	Capacity    uint64      `json:"capacity,omitempty"`
	Block       uint64      `json:"block,omitempty"`
	MaxMessage  int         `json:"max_message,omitempty"`
	Stamps      string      `json:"stamps,omitempty"`
	TickHz      float64     `json:"tick_hz,omitempty"`
	FirstSeq    uint64      `json:"first_seq,omitempty"`  // of this file
	OldestSeq   uint64      `json:"oldest_seq,omitempty"` // still in the ring
	LastSeq     uint64      `json:"last_seq"`
	MarkSeq     uint64      `json:"mark_seq,omitempty"` // begins the last snapshot
	Refused     uint64      `json:"refused"`            // times a gate held the publisher
	Waker       bool        `json:"waker"`              // somebody wakes who sleeps on the ring
	Subscribers []subStatus `json:"subscribers,omitempty"`
	Error       string      `json:"error,omitempty"` // what is broken; what cannot be told is not here
}

type subStatus struct {
	Name      string       `json:"name"`
	State     string       `json:"state,omitempty"` // reading, closed, dead or new
	Active    bool         `json:"active"`
	Gate      string       `json:"gate,omitempty"`    // holding, demoted or dropped
	HoldNs    int64        `json:"hold_ns,omitempty"` // a gate may hold the publisher for so long; 0: for ever
	DropDead  bool         `json:"drop_dead,omitempty"`
	PID       int          `json:"pid,omitempty"`
	Opened    time.Time    `json:"opened,omitzero"`
	Cursor    uint64       `json:"cursor"`
	Lag       uint64       `json:"lag"` // messages published and not read
	Delivered uint64       `json:"delivered"`
	Bytes     uint64       `json:"bytes"`
	Lost      uint64       `json:"lost"`
	Overruns  uint64       `json:"overruns"`
	Sleeps    uint64       `json:"sleeps"` // times it slept until it was woken
	Negative  uint64       `json:"latencies_below_0"`
	TooLong   uint64       `json:"latencies_above_10s"`
	Latency   *percentiles `json:"latency_ns"`
	Error     string       `json:"error,omitempty"`
}

func reportRing(i ring.Info) ringReport {
	r := ringReport{
		Name: i.Name, Path: i.Path, Publisher: i.Publisher.String(), PID: i.PID, Epoch: i.Epoch,
		Created: i.Created, Opened: i.Opened, BeatNs: int64(i.Beat),
		Schema: i.Schema, SchemaHash: fmt.Sprintf("%016x", i.SchemaHash), Source: i.Source,
		Capacity: i.Capacity, Block: i.Block, MaxMessage: i.MaxMessage, Stamps: i.Stamps.String(), TickHz: i.TickHz,
		FirstSeq: i.First, OldestSeq: i.Oldest, LastSeq: i.Last,
		MarkSeq: i.Mark, Refused: i.Refused, Waker: i.Waker,
	}
	if i.Err != nil {
		r.Error = i.Err.Error()
	}
	for _, s := range i.Subscribers {
		r.Subscribers = append(r.Subscribers, reportSub(s, i.Last))
	}
	return r
}

func reportSub(s ring.SubscriberInfo, last uint64) subStatus {
	r := subStatus{Name: s.Name, Gate: monitor.GateWord(s.Gate), HoldNs: int64(s.Hold), DropDead: s.DropDead}
	if s.Err != nil {
		r.Error = s.Err.Error()
		return r
	}
	r.State, r.Active, r.PID, r.Opened, r.Cursor = monitor.StateOf(&s), s.Active, s.PID, s.Opened, s.Cursor
	r.Delivered, r.Bytes, r.Lost, r.Overruns = s.Messages, s.Bytes, s.Lost, s.Overruns
	r.Sleeps = s.Sleeps
	r.Negative, r.TooLong, r.Latency = s.Negative, s.TooLong, percentilesOf(s.Latency, int64(s.Max))
	if r.State == monitor.StateNew {
		r.Opened = time.Time{}
	}
	if s.Cursor > 0 && last >= s.Cursor {
		r.Lag = last - s.Cursor + 1
	}
	return r
}

func (r *ringReport) write(w *lines) error {
	w.printf("ring         %s in %s\n", r.Name, r.Path)
	w.printf("publisher    %s, pid %d, since %s, number %d of this ring", r.Publisher, r.PID, r.Opened.Format(time.DateTime), r.Epoch)
	if r.Publisher == ring.Live.String() || r.Publisher == ring.Hung.String() {
		w.printf(", last heartbeat %s ago", text.Ago(time.Duration(r.BeatNs)))
	}
	w.printf("\n")
	w.printf("messages     %s", orDash(r.Schema))
	if r.Source != "" {
		w.printf(" from %s", r.Source)
	}
	w.printf("\n")
	if r.Error != "" {
		w.printf("numbers      not known: %s\n", text.OneLine(errors.New(r.Error)))
	} else if r.LastSeq < r.FirstSeq {
		w.printf("numbers      none yet; the next is %s\n", text.Count(r.LastSeq+1))
	} else {
		w.printf("numbers      %s to %s, the ring has them from %s on\n", text.Count(r.FirstSeq), text.Count(r.LastSeq), text.Count(r.OldestSeq))
	}
	w.printf("size         %s in blocks of %s, messages of up to %s bytes\n", text.Bytes(r.Capacity), text.Bytes(r.Block), text.Count(uint64(r.MaxMessage)))
	w.printf("stamps       %s, clock of %.3f MHz\n", r.Stamps, r.TickHz/1e6)
	w.printf("made         %s, %s ago\n", r.Created.Format(time.DateTime), text.Ago(time.Since(r.Created)))
	if r.MarkSeq > 0 {
		w.printf("mark         message %s begins the last snapshot\n", text.Count(r.MarkSeq))
	}
	w.printf("subscribers  %d", len(r.Subscribers))
	if holding, gates := r.gates(); gates > 0 {
		w.printf(", the publisher waits for %d of %s; held %s by them so far", holding, text.CountOf(uint64(gates), "gate", "gates"), text.CountOf(r.Refused, "time", "times"))
	}
	if r.Waker {
		w.printf("; those that sleep are woken")
	}
	w.printf("\n")
	for _, s := range r.Subscribers {
		w.printf("\n")
		if s.Error != "" {
			w.printf("  %s: %s\n", s.Name, text.OneLine(errors.New(s.Error)))
			s.writeGate(w)
			continue
		}
		if s.State == monitor.StateNew {
			w.printf("  %s: nobody has opened it yet\n", s.Name)
		} else {
			w.printf("  %s: %s, pid %d, since %s\n", s.Name, s.State, s.PID, s.Opened.Format(time.DateTime))
		}
		s.writeGate(w)
		w.printf("    delivered  %s messages, %s; next is %s, %s behind\n", text.Count(s.Delivered), text.Bytes(s.Bytes), text.Count(s.Cursor), text.Count(s.Lag))
		w.printf("    lost       %s in %s overruns\n", text.Count(s.Lost), text.Count(s.Overruns))
		w.printf("    latency    %s\n", s.Latency.text())
		if s.Sleeps > 0 {
			w.printf("    slept      %s\n", text.CountOf(s.Sleeps, "time", "times"))
		}
	}
	return w.err
}

// gates counts the subscribers that are gates or were, and those that the publisher
// waits for.
func (r *ringReport) gates() (holding, all int) {
	for _, s := range r.Subscribers {
		if s.Gate != "" {
			all++
		}
		if s.Gate == monitor.GateHolding {
			holding++
		}
	}
	return holding, all
}

func (s *subStatus) writeGate(w *lines) {
	switch s.Gate {
	case "":
	case monitor.GateHolding:
		w.printf("    gate       the publisher waits for it %s\n", policyText(time.Duration(s.HoldNs), s.DropDead))
	default:
		w.printf("    gate       %s: the publisher waits for it no more\n", s.Gate)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
