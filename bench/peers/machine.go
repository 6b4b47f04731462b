package main

import (
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// A machine is what figures are worth nothing without.
type machine struct {
	CPU      string `json:"cpu"`
	CPUs     int    `json:"cpus"`
	Virtual  bool   `json:"virtual"` // under a hypervisor
	Kernel   string `json:"kernel"`
	Isolated string `json:"isolated"` // CPUs, "" for none
	Governor string `json:"governor"` // of the first CPU used, "" where there is none
	Go       string `json:"go"`
	Load     string `json:"load"` // load averages when the rounds began
}

func thisMachine() machine {
	m := machine{
		CPU: "unknown", CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Isolated: word("/sys/devices/system/cpu/isolated"),
		Governor: word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
	}
	info, _ := os.ReadFile("/proc/cpuinfo") // without it the fields stay as they are
	for line := range strings.Lines(string(info)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			m.CPU = strings.TrimSpace(value)
		case "flags":
			m.Virtual = strings.Contains(value+" ", " hypervisor ")
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	if f := strings.Fields(word("/proc/loadavg")); len(f) > 3 {
		m.Load = strings.Join(f[:3], " ")
	}
	return m
}

func word(path string) string {
	b, _ := os.ReadFile(path) // "" for a file that is not there
	return strings.TrimSpace(string(b))
}
