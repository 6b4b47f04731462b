package doctor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/procfs"
)

// powerRows are about what saves power and costs time.
func powerRows() []row {
	return []row{
		{
			name: "governor", want: "performance",
			why:  "Other governors lower the clock rate of a CPU that seems to have little to do, and raise it too late.",
			mend: "cpupower -c {cpus} frequency-set -g performance, or boot with cpufreq.default_governor=performance",
			look: func(m *machine) finding {
				return m.each(func(c affinity.CPU) (string, Verdict) {
					value, verdict := m.cpuFile(c.ID, "cpufreq/scaling_governor")
					if verdict == Good && value != "performance" {
						verdict = Bad
					}
					return value, verdict
				})
			},
		},
		{
			name: "energy preference", want: "performance, or 0",
			why:  "The processor itself weighs speed against power by this hint.",
			mend: "echo performance > /sys/devices/system/cpu/cpuN/cpufreq/energy_performance_preference for CPUs {cpus}",
			look: func(m *machine) finding {
				return m.each(func(c affinity.CPU) (string, Verdict) {
					value, verdict := m.cpuFile(c.ID, "cpufreq/energy_performance_preference")
					if verdict == Good && value != "performance" && value != "0" {
						verdict = Warn
					}
					return value, verdict
				})
			},
		},
		{
			name: "turbo", want: "off",
			why:  "Above its nominal rate the clock follows temperature, power and what the other cores do: the median is better with turbo, and the tail is steadier without.",
			mend: "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 > /sys/devices/system/cpu/cpufreq/boost; or measure with both and choose",
			look: (*machine).lookTurbo,
		},
		{
			name: "idle states", want: "woken within 2 µs",
			why:  "A CPU that idled in a deep state takes that long to wake up; threads that spin keep theirs out of it.",
			mend: "cpupower -c {cpus} idle-set -D 3, boot with processor.max_cstate=1 intel_idle.max_cstate=1, or hold /dev/cpu_dma_latency open with a small number in it",
			look: (*machine).lookIdleStates,
		},
		{
			name: "cpu_dma_latency", want: "2 µs or less",
			why:  "While a process holds this file open with a number in it, no CPU enters an idle state that takes longer to leave.",
			mend: "have the program hold it open (affinity.HoldLatency), or: cpupower idle-set -D 3",
			look: (*machine).lookDMALatency,
		},
	}
}

// cpuFile reads a word about a CPU. What the CPU does not have while it has a directory
// is not applicable.
func (m *machine) cpuFile(cpu int, file string) (string, Verdict) {
	dir := "sys/devices/system/cpu/cpu" + strconv.Itoa(cpu)
	value, err := m.line(path.Join(dir, file))
	switch {
	case err == nil && value != "":
		return value, Good
	case errors.Is(err, fs.ErrNotExist) && m.has(dir):
		return "not there", None
	}
	return "cannot be read", Unknown
}

func (m *machine) lookTurbo() finding {
	const dir = "sys/devices/system/cpu/"
	for _, f := range procfs.TurboFiles() {
		value, err := m.line(dir + f.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return m.unread(dir+f.Name, err)
		case value == f.Off:
			return good("off")
		case value == f.On:
			return warn("on")
		}
		return m.unread(dir+f.Name, fmt.Errorf("/%s%s: %s: %w", dir, f.Name, procfs.Excerpt(value), procfs.ErrFormat))
	}
	if m.has(dir + "cpu0") {
		return none("the kernel does not control it")
	}
	return unknown("there is no /"+dir+"cpu0", "ls /"+dir)
}

// quickWake is how long a CPU may take to leave an idle state, in µs: the shallowest one
// of most processors takes 1 or 2.
const quickWake = 2

func (m *machine) lookIdleStates() finding {
	if idle, _, err := m.bootParameter("idle"); err == nil && idle == "poll" {
		return good("none: idle=poll")
	}
	limit, err := m.dmaLatency()
	limited := err == nil
	f := m.each(func(c affinity.CPU) (string, Verdict) {
		dir := "sys/devices/system/cpu/cpu" + strconv.Itoa(c.ID)
		if !m.has(dir + "/cpuidle") {
			if m.has(dir) {
				return "not the kernel's to choose", None
			}
			return "cannot be read", Unknown
		}
		name, wake, err := m.deepest(dir, limit)
		switch {
		case err != nil:
			return err.Error(), Unknown
		case wake <= quickWake:
			return fmt.Sprintf("%s, %d µs", name, wake), Good
		case !limited:
			return fmt.Sprintf("%s, %d µs, unless /dev/cpu_dma_latency forbids it", name, wake), Unknown
		}
		return fmt.Sprintf("%s, %d µs", name, wake), Bad
	})
	if f.verdict == Unknown && !limited {
		f.mend = "sudo od -An -td4 /dev/cpu_dma_latency"
	}
	return f
}

// deepest returns the idle state of a CPU that takes longest to leave, of those that may
// be entered.
func (m *machine) deepest(dir string, limit int64) (name string, wake int64, err error) {
	// "n/a" forbids all idle states that take any time to leave, 0 nothing.
	if text, err := m.line(dir + "/power/pm_qos_resume_latency_us"); err == nil {
		if text == "n/a" {
			limit = 0
		} else if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
			limit = min(limit, n)
		}
	}
	entries, err := fs.ReadDir(m.Files, dir+"/cpuidle")
	if err != nil {
		return "", 0, err
	}
	name, wake = "none", -1
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "state") {
			continue
		}
		state := path.Join(dir, "cpuidle", e.Name())
		disabled, err := m.number(state + "/disable")
		if err != nil {
			return "", 0, err
		}
		latency, err := m.number(state + "/latency")
		if err != nil {
			return "", 0, err
		}
		if disabled != 0 || latency > limit || latency <= wake {
			continue
		}
		wake = latency
		if name, err = m.line(state + "/name"); err != nil {
			return "", 0, err
		}
	}
	return name, max(wake, 0), nil
}

const dmaLatencyFile = "dev/cpu_dma_latency"

// dmaLatency reads what is in force, in µs. Only root may; without a limit the kernel
// says some large number. To open the file is a request for nothing, and harmless.
func (m *machine) dmaLatency() (int64, error) {
	b, err := fs.ReadFile(m.Files, dmaLatencyFile)
	if err != nil {
		return math.MaxInt64, err
	}
	if len(b) != 4 {
		return math.MaxInt64, fmt.Errorf("/%s: %d bytes: %w", dmaLatencyFile, len(b), procfs.ErrFormat)
	}
	return int64(int32(binary.NativeEndian.Uint32(b))), nil
}

func (m *machine) lookDMALatency() finding {
	us, err := m.dmaLatency()
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unknown("for root to read", "sudo od -An -td4 /"+dmaLatencyFile)
	case errors.Is(err, fs.ErrNotExist):
		if devices, err := m.line("proc/misc"); err == nil && devices != "" && !strings.Contains(devices, path.Base(dmaLatencyFile)) {
			return none("this kernel has no /" + dmaLatencyFile)
		}
		return unknown("there is no /"+dmaLatencyFile+" in here", "sudo od -An -td4 /"+dmaLatencyFile+", on the host")
	case err != nil:
		return m.unread(dmaLatencyFile, err)
	case us <= quickWake:
		return good("%d µs", us)
	case !m.has("sys/devices/system/cpu/cpu0/cpuidle"):
		return none("there are no idle states")
	}
	value := fmt.Sprintf("%d µs", us)
	if us >= 2_000_000_000 {
		value = "no limit"
	}
	if m.lookIdleStates().verdict == Good {
		return good("%s, and none is needed", value)
	}
	return warn("%s", value)
}
