package bench

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/ring"
)

// run begins the description of a run.
func (s *Session) run(bench, stamps string) Run {
	capacity := s.setup.Capacity
	if capacity == 0 {
		capacity = ring.DefaultCapacity
	}
	return Run{
		Bench:   bench,
		Started: time.Now().UTC(),
		CPUs:    s.CPUs(),
		Machine: s.machine(),
		Ring: Settings{
			Capacity:   capacity,
			Stamps:     stamps,
			Payload:    mem.LinePayload,
			Subscriber: "defaults",
			Wait:       "spin",
		},
	}
}

// finish ends it.
func (s *Session) finish(ctx context.Context, r *Run) {
	r.Seconds = time.Since(r.Started).Seconds()
	r.Machine.stolen(readCPUTime(r.CPUs).stealSince(s.before))
	// Rings of a run that is over are memory that the next one may need. What cannot be
	// removed now, Close removes, or says why it cannot.
	_ = os.RemoveAll(filepath.Join(s.dir, r.Bench))
	r.Interrupted = ctx.Err() != nil
	if r.Interrupted {
		r.Notes = append(r.Notes, "The run was interrupted: this is what there was until then.")
	}
}

// subdir is an empty directory for the rings of one run, below that of the session.
func (s *Session) subdir(name string) (string, error) {
	dir := filepath.Join(s.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o700)
}

// calibrateFor is how long a tick is measured.
const calibrateFor = 100 * time.Millisecond
