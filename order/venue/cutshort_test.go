//go:build !race

package venue

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/tickring/tickring/mmap"
)

// The gateway's ring is cut short under the venue: one error. (The race detector's own loads
// of such memory cannot be caught.)
func TestRingCutShort(t *testing.T) {
	dir := t.TempDir()
	d := newDesk(t, dir, rand.New(rand.NewPCG(8, 8)))
	found := make(chan Event, 10)
	done := make(chan error)
	go func() {
		_, err := Run(context.Background(), Config{Dir: dir, Name: "v", Gateway: "g", Notify: func(e Event) { found <- e }}, quiet{})
		done <- err
	}()
	<-found
	if err := os.Truncate(filepath.Join(dir, "g", "ring"), 0); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, mmap.ErrFault) {
		t.Errorf("a ring that was cut short: %v", err)
	}
	_ = d // its heart goes on beating; nothing of it can be used
}
