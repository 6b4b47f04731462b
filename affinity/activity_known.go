package affinity

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
)

// Counts is a set of what an Activity knows. Its JSON form is a list of words.
type Counts uint32

const (
	KnowSched     Counts = 1 << iota // OnCPU, RunDelay
	KnowSwitches                     // Voluntary, Involuntary
	KnowFaults                       // MinorFaults, MajorFaults
	KnowInterrupt                    // Interrupts, Timer
	KnowSoftirqs                     // Softirqs
	KnowSteal                        // Steal
	KnowKHz                          // KHz
	KnowThrottle                     // Throttles, Throttled
	KnowGo                           // GCs, Stops, StopNs
	KnowStood                        // Stood

	allKnown = KnowStood<<1 - 1
)

// word of the lowest of the set's counts.
func (c Counts) word() string {
	return [...]string{"sched", "switches", "faults", "interrupts", "softirqs", "steal", "khz", "throttle", "go", "stood"}[bits.TrailingZeros32(uint32(c))]
}

func (c Counts) words() []string {
	list := []string{}
	for c &= allKnown; c != 0; c &= c - 1 {
		list = append(list, c.word())
	}
	return list
}

// String returns the words with commas between them, or "none".
func (c Counts) String() string {
	if c&allKnown == 0 {
		return "none"
	}
	return strings.Join(c.words(), ",")
}

func (c Counts) MarshalJSON() ([]byte, error) { return json.Marshal(c.words()) }

// UnmarshalJSON reads the list that MarshalJSON writes. The error wraps ErrSyntax.
func (c *Counts) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("affinity: counts: %w: %w", err, ErrSyntax)
	}
	var set Counts
next:
	for _, w := range list {
		for k := Counts(1); k <= allKnown; k <<= 1 {
			if k.word() == w {
				set |= k
				continue next
			}
		}
		return fmt.Errorf("affinity: counts: there is none called %s: %w", procfs.Excerpt(w), ErrSyntax)
	}
	*c = set
	return nil
}
