package affinity

import (
	"os"
	"time"
)

// Delays tells for how long threads of this process had to wait for a CPU. A watcher that is
// late finds out by it whether it was kept waiting as they were, or whether the whole
// process stood still. It is for one goroutine at a time.
type Delays struct {
	dir     string
	threads []delayed
	buf     []byte
	asked   uint
}

// delayed is a thread's schedstat.
type delayed struct {
	name    string
	file    procFile
	waited  uint64 // ns, when it was last read
	unknown bool
}

const (
	delaysPerList = 32 // after how many times the threads are listed again
	mostDelays    = 64 // threads that are looked at
)

// NewDelays begins to look. Except on Linux nothing is known.
func NewDelays() *Delays { return newDelays("") }

func newDelays(root string) *Delays {
	return &Delays{dir: root + "/proc/self/task", buf: make([]byte, 128)}
}

// Close closes the files.
func (d *Delays) Close() {
	for i := range d.threads {
		d.threads[i].file.close()
	}
	d.threads = nil
}

// Longest returns how long a thread waited for a CPU since it was last asked: that which
// waited longest. What a thread had waited before it was first seen does not count. 0 if
// nothing is known.
func (d *Delays) Longest() (longest time.Duration) {
	if d.asked%delaysPerList == 0 {
		d.list()
	}
	d.asked++
	for i := range d.threads {
		t := &d.threads[i]
		f := fields(t.file.read(&d.buf, false))
		f.skip(1)
		waited, ok := f.number()
		if ok && !t.unknown && waited > t.waited {
			longest = max(longest, time.Duration(waited-t.waited))
		}
		t.waited, t.unknown = waited, !ok
	}
	return longest
}

// list finds the threads that are new, and drops those that have ended.
func (d *Delays) list() {
	kept := d.threads[:0]
	for _, t := range d.threads {
		if t.unknown {
			t.file.close()
			continue
		}
		kept = append(kept, t)
	}
	d.threads = kept
	entries, _ := os.ReadDir(d.dir)
next:
	for _, e := range entries {
		for _, t := range d.threads {
			if t.name == e.Name() {
				continue next
			}
		}
		if len(d.threads) < mostDelays {
			d.threads = append(d.threads, delayed{e.Name(), openProc(d.dir + "/" + e.Name() + "/schedstat"), 0, true})
		}
	}
}
