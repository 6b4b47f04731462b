package bench

import (
	"os"

	"github.com/tickring/tickring/internal/procfs"
)

// cpuTime is time of some CPUs together, as /proc/stat counts it.
type cpuTime struct {
	procfs.CPUTime
	known bool
}

func readCPUTime(cpus []int) cpuTime {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return cpuTime{}
	}
	return parseCPUTime(string(text), cpus)
}

func parseCPUTime(text string, cpus []int) (sum cpuTime) {
	times, err := procfs.CPUTimes(text)
	if err != nil {
		return cpuTime{}
	}
	for _, id := range cpus {
		t, ok := times[id]
		if !ok {
			return cpuTime{}
		}
		sum.All += t.All
		sum.Stolen += t.Stolen
	}
	sum.known = true
	return sum
}

// stealSince is the share, in percent, of the time since before that was stolen; -1 if
// that is unknown.
func (t cpuTime) stealSince(before cpuTime) float64 {
	if !t.known || !before.known || t.All <= before.All || t.Stolen < before.Stolen {
		return -1
	}
	return float64(t.Stolen-before.Stolen) / float64(t.All-before.All) * 100
}
