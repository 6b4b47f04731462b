package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tickring/tickring/affinity"
)

func TestReserveFlag(t *testing.T) {
	h := newHost(t)
	dir := filepath.Join(h.tmp, "cpus")
	reserved := func() []affinity.Holder {
		list, err := affinity.Reserved(dir)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: reserved are %v", what, reserved())
			}
		}
	}
	first := h.start("sub", "feed", "--reserve", "--no-gc")
	until("a free CPU", func() bool { l := reserved(); return len(l) == 1 && l[0].PID == first.cmd.Process.Pid })
	cpu := fmt.Sprint(reserved()[0].CPU)
	h.run("sub", "feed", "--cpu", cpu, "--reserve").want(exitError).sentence("--reserve", fmt.Sprint("process ", first.cmd.Process.Pid), "reserved")
	first.signal(syscall.SIGKILL)
	first.end()
	second := h.start("sub", "feed", "--cpu", cpu, "--reserve")
	until("after the death of its holder", func() bool { l := reserved(); return len(l) == 1 && l[0].PID == second.cmd.Process.Pid })
	h.run("sub", "feed", "--cpu", "-7", "--reserve").want(exitUsage).sentence("--cpu")
}
