package affinity

import (
	"errors"
	"testing"
)

func TestOn(t *testing.T) {
	allowed, err := host{}.mask()
	if err != nil {
		t.Fatal(err)
	}
	cpu := allowed.Min()
	failed := errors.New("failed")
	err = On(cpu, func() error {
		if on, err := (host{}).mask(); err != nil || on != SetOf(cpu) {
			t.Errorf("it runs on CPUs %v, want %d: %v", on, cpu, err)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("%v, want %v", err, failed)
	}
	if now, err := (host{}).mask(); err != nil || now != allowed {
		t.Errorf("the caller may use %v now, and %v before: %v", now, allowed, err)
	}
	ran := false
	if err := On(MaxCPUs, func() error { ran = true; return nil }); !errors.Is(err, ErrNoSuchCPU) || ran {
		t.Errorf("%v, ran %t", err, ran)
	}
}
