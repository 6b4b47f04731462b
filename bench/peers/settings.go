package main

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// settings are what every program is run with; zero values are not valid.
type settings struct {
	Rounds  int     `json:"rounds"`
	Seconds float64 `json:"seconds"` // measured, after a warm-up
	CPUs    [2]int  `json:"cpus"`
	FIFO    int     `json:"fifo"` // priority under SCHED_FIFO; 0: the ordinary scheduler
	Payload int     `json:"payload_bytes"`
}

func (s settings) check() error {
	if s.Rounds < 1 {
		return fmt.Errorf("--rounds %d: at least one", s.Rounds)
	}
	if s.Seconds < 0.1 || s.Seconds > 60 {
		return fmt.Errorf("--seconds %v: between 0.1 and 60", s.Seconds)
	}
	if s.FIFO < 0 || s.FIFO > 98 {
		return fmt.Errorf("--fifo %d: a priority from 1 to 98, or 0 for none", s.FIFO)
	}
	if s.CPUs[0] == s.CPUs[1] {
		return errors.New("--cpus: two different ones")
	}
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("the CPUs that are allowed: %w", err)
	}
	for _, c := range s.CPUs {
		if c < 0 || !allowed.IsSet(c) {
			return fmt.Errorf("--cpus: CPU %d is not there or not allowed", c)
		}
	}
	attr, err := unix.SchedGetAttr(0, 0)
	if err == nil && attr.Policy != unix.SCHED_NORMAL && attr.Policy != unix.SCHED_BATCH {
		return errors.New("run it under the ordinary scheduler and give --fifo: a JVM's compiler starves under chrt")
	}
	if s.FIFO > 0 {
		if err := exec.Command("chrt", "-f", strconv.Itoa(s.FIFO), "true").Run(); err != nil {
			return fmt.Errorf("--fifo %d: not allowed, or no chrt: %w", s.FIFO, err)
		}
	}
	return nil
}

// env is for the peers' programs.
func (s settings) env() []string {
	env := []string{
		fmt.Sprintf("PEERS_CPUS=%d,%d", s.CPUs[0], s.CPUs[1]),
		fmt.Sprintf("PEERS_SECONDS=%v", s.Seconds),
		"PEERS_FIFO=",
	}
	if s.FIFO > 0 {
		env[2] += strconv.Itoa(s.FIFO)
	}
	return env
}

// tickring is the command that measures tickring.
func (s settings) tickring(bin, kind string) []string {
	command := []string{bin, "bench", kind, "--json", "--cpus", fmt.Sprintf("%d,%d", s.CPUs[0], s.CPUs[1])}
	if s.FIFO > 0 {
		command = append([]string{"chrt", "-f", strconv.Itoa(s.FIFO)}, command...)
	}
	return command
}

// parseCPUs reads "0,1".
func parseCPUs(text string) (cpus [2]int, err error) {
	fields := strings.Split(text, ",")
	if len(fields) != 2 {
		return cpus, fmt.Errorf("--cpus %s: two numbers with a comma between them", text)
	}
	for i, f := range fields {
		if cpus[i], err = strconv.Atoi(strings.TrimSpace(f)); err != nil {
			return cpus, fmt.Errorf("--cpus %s: %w", text, err)
		}
	}
	return cpus, nil
}

// choose returns the peers that are named, comma-separated; all of them for "".
func choose(all []peer, only string) ([]peer, error) {
	if only == "" {
		return all, nil
	}
	var chosen []peer
	names := strings.Split(only, ",")
	for _, p := range all {
		if i := slices.Index(names, p.name); i >= 0 {
			chosen = append(chosen, p)
			names = slices.DeleteFunc(names, func(n string) bool { return n == p.name })
		}
	}
	if len(names) > 0 {
		var known []string
		for _, p := range all {
			known = append(known, p.name)
		}
		return nil, fmt.Errorf("--only: no peer is called %s; there are %s", strings.Join(names, ", "), strings.Join(known, ", "))
	}
	return chosen, nil
}
