package bench

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tickring/tickring/affinity"
)

// A run shorter than brief is to show that all is there, and measures nothing: its rounds
// are a sixteenth. Two threads that spin get done what they do while both are running, which
// on a machine that is busy with other things is a small part of the time.
const brief = 10 * time.Millisecond

// inRound is how many of what a round has n of there are in one of a run of that length.
func inRound(n int, run time.Duration) int {
	if run < brief {
		return n / 16
	}
	return n
}

// timed makes room for the ticks of the round trips of a round: for all of them, those that
// warm up first, and for those that count.
func timed(trips int, run time.Duration) (all, counted []uint64) {
	warm := inRound(warmUp, run)
	all = make([]uint64, warm+inRound(trips, run))
	return all, all[warm:]
}

// trips are round trips of several ways, measured in turn.
type trips struct {
	dists   []*dist    // by way
	medians [][]uint64 // by round, by way: ticks
}

// roundTrips measures the ways in turn for so long, rttRound round trips of each a round,
// beside the process that answers. There trip stores how many ticks each has taken.
func (s *Session) roundTrips(ctx context.Context, what string, d time.Duration, o *other, ways int, trip func(way int, ticks []uint64) error) (*trips, error) {
	t := &trips{}
	for range ways {
		t.dists = append(t.dists, newDist())
	}
	ticks, counted := timed(rttRound, d)
	for until := time.Now().Add(d); time.Now().Before(until) && ctx.Err() == nil; {
		s.progress(what, int(d-time.Until(until)), int(d))
		medians := make([]uint64, ways)
		for way := range ways {
			err := affinity.On(s.setup.CPUs[0], func() error {
				if err := o.send(echoCommand{Way: way, N: len(ticks)}); err != nil {
					return err
				}
				return trip(way, ticks)
			})
			if err != nil && !errors.Is(err, errGone) { // of which receive knows more
				return nil, err
			}
			if err := o.receive(nil); err != nil {
				return nil, err
			}
			for _, n := range counted {
				t.dists[way].record(s.scale.Ns(n))
			}
			slices.Sort(counted)
			medians[way] = counted[len(counted)/2]
		}
		t.medians = append(t.medians, medians)
	}
	return t, nil
}

func (t *trips) of(way int) Percentiles { return t.dists[way].sum() }

// ratios are those of the medians of two ways, round by round.
func (t *trips) ratios(way, limit int) RatioSpread {
	var ratios []float64
	for _, m := range t.medians {
		ratios = append(ratios, float64(m[way])/float64(m[limit]))
	}
	return spreadOf(ratios)
}
