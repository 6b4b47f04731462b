package ring

import "fmt"

// String returns a word: read, claim, held or pace, and "unknown" for a number that is no
// kind.
func (k SpikeKind) String() string {
	words := [...]string{"unknown", "read", "claim", "held", "pace"}
	if int(k) >= len(words) {
		return words[0]
	}
	return words[k]
}

func (k SpikeKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the word.
func (k *SpikeKind) UnmarshalText(b []byte) error {
	for known := range SpikePace + 1 {
		if known.String() == string(b) {
			*k = known
			return nil
		}
	}
	return fmt.Errorf("ring: there is no kind of spikes called %.20q", b)
}
