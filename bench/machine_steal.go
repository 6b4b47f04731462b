package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// cpuTime is time of CPUs as /proc/stat counts it, in its ticks.
type cpuTime struct {
	stolen, all uint64
	known       bool
}

func readCPUTime(cpus []int) cpuTime {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return cpuTime{}
	}
	return parseCPUTime(string(text), cpus)
}

// parseCPUTime adds up the lines of these CPUs:
//
//	cpu0 user nice system idle iowait irq softirq steal guest guest_nice
//
// guest time is part of user time.
func parseCPUTime(text string, cpus []int) (t cpuTime) {
	const steal, fields = 8, 9
	found := 0
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < fields {
			continue
		}
		for _, id := range cpus {
			if f[0] != fmt.Sprintf("cpu%d", id) {
				continue
			}
			found++
			for i, word := range f[1:fields] {
				n, err := strconv.ParseUint(word, 10, 64)
				if err != nil {
					return cpuTime{}
				}
				t.all += n
				if i+1 == steal {
					t.stolen += n
				}
			}
		}
	}
	t.known = found == len(cpus)
	return t
}

// stealSince is the share, in percent, of the time since before that was stolen; -1 if
// that is unknown.
func (t cpuTime) stealSince(before cpuTime) float64 {
	if !t.known || !before.known || t.all <= before.all || t.stolen < before.stolen {
		return -1
	}
	return float64(t.stolen-before.stolen) / float64(t.all-before.all) * 100
}
