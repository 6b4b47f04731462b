//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// TestRingCutShortUnderCommands: those that read a gateway's ring say in a sentence that it
// was cut short while they did.
func TestRingCutShortUnderCommands(t *testing.T) {
	if raceDetector {
		t.Skip("a fault inside the race detector's own atomic operations cannot be recovered")
	}
	for _, args := range [][]string{
		{"kill", "gw", "--wait", patience.String()},
		{"audit", "gw", "--venue", "vx", "--follow"},
		{"executions", "gw"},
	} {
		t.Run(args[0], func(t *testing.T) {
			h := newHost(t)
			h.newLedger("gw")
			path := filepath.Join(h.dir, "gw", "ring")
			p := h.start(args...)
			h.until(func() bool {
				maps, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "maps"))
				return strings.Contains(string(maps), path)
			})
			if args[0] == "kill" { // it waits for an answer then
				h.stat(order.InputRing("gw", order.RingOperator), func(i ring.Info) bool { return i.Last == 1 })
			}
			time.Sleep(20 * time.Millisecond) // it reads; if not yet, then it finds out when it opens the ring
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
			p.want(exitError).sentence("gw")
		})
	}
}
