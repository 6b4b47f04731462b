//go:build !linux

package affinity

import (
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	if _, err := Read(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Read: %v", err)
	}
	if _, err := Allowed(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Allowed: %v", err)
	}
	if _, err := Permitted(); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Permitted: %v", err)
	}
	if _, err := Pin(0); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Pin: %v", err)
	}
}
