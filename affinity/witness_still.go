package affinity

import (
	"bytes"
	"time"

	"github.com/tickring/tickring/internal/procfs"
)

// stillness is how long looks at a thread of another process have found it stopped.
type stillness struct {
	added     time.Duration
	now       bool // at the last look,
	at        time.Duration
	voluntary uint64 // and what was counted then
}

// lookWhetherStill adds up the time between two looks that both found the thread stopped or
// frozen, if it did not run meanwhile.
func (w *Witness) lookWhetherStill(a *Activity, state byte) {
	a.Known &^= KnowStood
	a.Stood = 0
	if state == 0 || a.Known&KnowSwitches == 0 {
		w.still.now = false
		return
	}
	s := &w.still
	now := state == 'T' || state == 't' || a.asleep && w.frozen()
	if now && s.now && a.Voluntary == s.voluntary {
		s.added += a.At - s.at
	}
	s.now, s.at, s.voluntary = now, a.At, a.Voluntary
	a.Known |= KnowStood
	a.Stood = s.added
}

// freezerFile says whether a cgroup is frozen, by itself or with one above it.
type freezerFile struct {
	procFile
	v2 bool
}

func (w *Witness) findFreezers() {
	for _, g := range procfs.Cgroups(string(w.cgroupText), "freezer") {
		name := "/freezer.state"
		if g.V2 {
			name = "/cgroup.events"
		}
		if f := (freezerFile{openProc(w.root + "/" + g.Dir + name), g.V2}); f.open {
			w.freezers = append(w.freezers, f)
		}
	}
}

func (w *Witness) frozen() bool {
	for i := range w.freezers {
		f := &w.freezers[i]
		text := f.read(&w.buf, false)
		if f.v2 {
			if n, ok := labelled(text, "frozen "); ok && n == 1 {
				return true
			}
		} else if bytes.HasPrefix(text, []byte("FROZEN")) {
			return true
		}
	}
	return false
}
