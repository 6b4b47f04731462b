package procfs

import (
	"fmt"
	"strconv"
	"strings"
)

// CPUTime is how long a CPU has been there, and how much of that the hypervisor ran somebody
// else, in ticks of the kernel's bookkeeping.
type CPUTime struct{ Stolen, All uint64 }

// CPUTimes reads the lines of /proc/stat that are about one CPU:
//
//	cpu0 user nice system idle iowait irq softirq steal guest guest_nice
//
// guest time is part of user time. The error wraps [ErrFormat].
func CPUTimes(text string) (map[int]CPUTime, error) {
	const fields = 8
	times := map[int]CPUTime{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		digits, ok := strings.CutPrefix(f[0], "cpu")
		id, err := strconv.Atoi(digits)
		if !ok || err != nil {
			continue
		}
		if len(f) <= fields {
			return nil, fmt.Errorf("/proc/stat: %s: %w", Excerpt(line), ErrFormat)
		}
		var t CPUTime
		for i, word := range f[1 : fields+1] {
			n, err := strconv.ParseUint(word, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("/proc/stat: %s: %w", Excerpt(line), ErrFormat)
			}
			t.All += n
			if i+1 == fields {
				t.Stolen = n
			}
		}
		times[id] = t
	}
	return times, nil
}
