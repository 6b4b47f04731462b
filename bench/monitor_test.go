package bench

import (
	"context"
	"errors"
	"testing"
)

func TestMonitorRefuses(t *testing.T) {
	s := testSession(t, Setup{})
	if _, err := s.Monitor(context.Background(), Monitor{}); !errors.Is(err, ErrConfig) {
		t.Errorf("nothing is to look: %v, want ErrConfig", err)
	}
	none := func(string) []string { return []string{"/nowhere/tickring"} }
	for _, config := range []Monitor{{Duration: 1, Top: none}, {Duration: 1, Serve: none}} {
		if _, err := s.Monitor(context.Background(), config); !errors.Is(err, ErrChild) {
			t.Errorf("what is to look is not there: %v, want ErrChild", err)
		}
	}
}
