package ring

import (
	"encoding/json"
	"testing"
)

func TestSpikeKindText(t *testing.T) {
	for k, word := range map[SpikeKind]string{SpikeRead: `"read"`, SpikeClaim: `"claim"`, SpikeHeld: `"held"`, SpikePace: `"pace"`, 0: `"unknown"`} {
		b, err := json.Marshal(k)
		var back SpikeKind
		if err != nil || string(b) != word || json.Unmarshal(b, &back) != nil || back != k {
			t.Errorf("%d: %s %v, and back %d", k, b, err, back)
		}
	}
	if SpikeKind(200).String() != "unknown" {
		t.Error(SpikeKind(200))
	}
	if k := SpikeRead; json.Unmarshal([]byte(`"none"`), &k) == nil || json.Unmarshal([]byte(`1`), &k) == nil {
		t.Error("read what is none")
	}
}
