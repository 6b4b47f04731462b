package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/replay"
	"github.com/tickring/tickring/internal/text"
)

// checkRegular refuses what cannot be read twice.
func checkRegular(path string) error {
	if info, err := os.Stat(path); path == stdinPath || err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return fmt.Errorf("read %s: it is not a regular file, and demo reads it more than once; write it to a file first, or use 'tickring replay'", path)
	}
	return nil
}

// look reads the session, or the beginning of a long one, and fills in what it decides:
// the pace, the instrument, and the size of orders.
func (s *demoStage) look(ctx context.Context, o *demoOptions) error {
	file, err := openSession(ctx, o.path, sessionConfig{})
	if err != nil {
		return err
	}
	defer file.close()
	if kind, ok := parseDBNKind(file.schema); !ok || kind.schema != dbn.SchemaMbo {
		return fmt.Errorf("read %s: it has %s, but strategies and exchange build books from market by order: ITCH, or DBN of schema mbo; 'tickring replay' publishes it all the same",
			o.path, file.schema)
	}
	c := &census{seen: map[uint32]*activity{}}
	if _, err := replay.Run(ctx, file.messages, c, replay.Config{}); ctx.Err() != nil {
		return errors.New("stopped by a signal before the first message")
	} else if err == nil && o.instrument != 0 && c.seen[o.instrument] == nil {
		return fmt.Errorf("--instrument %d: %s has %s, and none of this one", o.instrument, o.path, text.CountOf(uint64(len(c.seen)), "instrument", "instruments"))
	} // the publisher will say what else is wrong
	if s.instrument = o.instrument; s.instrument == 0 {
		s.instrument = c.busiest()
	}
	s.qty, s.maxPosition = 1, 10
	if file.source == itchDataset {
		s.qty, s.maxPosition = 100, 1000
	}
	if o.rate == 0 && !o.paced {
		o.rate = rateFlag(max(1000, c.messages/demoLasts))
	}
	return nil
}

// census is a sink that counts what instruments do, and has enough after some messages.
type census struct {
	messages int
	seen     map[uint32]*activity
}

type activity struct{ trades, records int }

var errEnough = errors.New("enough")

func (c *census) Publish(_ uint16, msg []byte) error {
	if c.messages == demoRate*demoLasts {
		return errEnough
	}
	c.messages++
	m, ok := dbn.AsMbo(msg)
	if !ok {
		return nil
	}
	a := c.seen[m.InstrumentID]
	if a == nil {
		a = new(activity)
		c.seen[m.InstrumentID] = a
	}
	a.records++
	if m.Action == dbn.ActionTrade {
		a.trades++
	}
	return nil
}

// busiest is the instrument with the most trades, 0 if there is none.
func (c *census) busiest() uint32 {
	var most activity
	id := uint32(0)
	for i, a := range c.seen {
		if cmp.Or(cmp.Compare(a.trades, most.trades), cmp.Compare(a.records, most.records), cmp.Compare(id, i)) > 0 {
			id, most = i, *a
		}
	}
	return id
}

// limitsText is the gateway's file. The strategies keep within it by themselves; it is for
// what they do if they are wrong.
func (s *demoStage) limitsText() []byte {
	instruments := "  others: {}"
	if s.instrument != 0 {
		instruments = fmt.Sprintf("  %d: {}", s.instrument)
	}
	return fmt.Appendf(nil, `# The limits of 'tickring demo'; see 'tickring gateway --print-limits'.
defaults:
  max_qty: %d # an order that is replaced keeps what is filled
  max_notional: none
  max_position: %d
  max_orders: 10
  collar_ppm: 50_000
  rate: 100_000
instruments:
%s
`, 10*s.maxPosition, s.maxPosition, instruments)
}
