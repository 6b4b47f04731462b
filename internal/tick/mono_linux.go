package tick

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Mono reads CLOCK_MONOTONIC in ns: the one clock that all processes of a host
// share and that no one steps. It is a system call; never on a hot path.
func Mono() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0 // cannot fail with these arguments
	}
	return uint64(ts.Nano())
}

// kernelDistrustsCounter says whether the kernel has fallen back to a clock that is
// slower than the processor's counter. Clocks of hypervisors are built on the counter.
func kernelDistrustsCounter() bool {
	name, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	if err != nil {
		return false
	}
	switch strings.TrimSpace(string(name)) {
	case "hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit":
		return true
	}
	return false
}
