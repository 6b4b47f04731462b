package affinity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHoldLatency(t *testing.T) {
	device := filepath.Join(t.TempDir(), "device")
	if _, err := holdLatency(device, 1); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), device) {
		t.Errorf("no device: %v", err)
	}
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := holdLatency(device, -1); err == nil {
		t.Error("a negative latency")
	}
	h, err := holdLatency(device, 7)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(device); len(b) != 4 || binary.NativeEndian.Uint32(b) != 7 || h.Micros() != 7 {
		t.Errorf("the device was told % x", b)
	}
	for range 2 {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestHoldLatencyReal(t *testing.T) {
	held := func() int32 {
		b, err := os.ReadFile(latencyDevice)
		if err != nil || len(b) != 4 {
			t.Skip("the device cannot be read: ", err)
		}
		return int32(binary.NativeEndian.Uint32(b))
	}
	before := held()
	h, err := HoldLatency(3)
	if errors.Is(err, fs.ErrPermission) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if now := held(); now > 3 {
		t.Errorf("held at %d µs", now)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if now := held(); now < min(before, 4) { // others may hold it too
		t.Errorf("%d µs before, %d µs after", before, now)
	}
}

// contended returns a CPU on which another process spins until the test ends.
func contended(t *testing.T) int {
	t.Helper()
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	cpu := allowed.Min()
	_, lines := start(t, "spin", fmt.Sprint("CPU=", cpu))
	if !lines.Scan() {
		t.Fatal("nobody else spins")
	}
	return cpu
}

func TestNoise(t *testing.T) {
	cpu := contended(t)
	onOwnThread(func() {
		p, err := Pin(cpu)
		if err != nil {
			t.Error(err)
			return
		}
		var n Noise
		for range 50 {
			if n, err = p.Noise(ms * 30); err != nil {
				t.Error(err)
				return
			}
			if n.Listened <= 0 || n.CPU != cpu || n.Longest > n.Missing || n.Missing > n.Listened {
				t.Errorf("%+v", n)
			}
			if strings.Contains(n.String(), "other tasks had the CPU for ") && n.Gaps > 0 && n.Missing > n.Listened/10 {
				break
			}
		}
		if len(n.Found) == 0 || n.Found[0].Name == "" || !strings.Contains(n.String(), "other tasks") || len(n.May) == 0 {
			t.Errorf("another spinner on the CPU went unheard:\n%v", n)
		}
		t.Log(n)
		if err := p.Release(); err != nil {
			t.Error(err)
		}
		if _, err := p.Noise(ms); !errors.Is(err, ErrNotPinned) {
			t.Errorf("released: %v", err)
		}
	})
}

func TestDisturbances(t *testing.T) {
	all := Activity{At: 100 * ms, Known: allKnown, OnCPU: 1, RunDelay: 2, Voluntary: 3, Involuntary: 4, MinorFaults: 5, MajorFaults: 6, Interrupts: 7, Timer: 8,
		Softirqs: 9, Steal: 10, KHz: 11, KHzBefore: 1, Throttles: 12, Throttled: 13, GCs: 14, Stops: 15, StopNs: 16}
	var names []string
	for _, d := range all.disturbances() {
		names = append(names, d.Name)
		if strings.Contains(d.Text, "%!") || !strings.Contains(d.Text, " ") {
			t.Errorf("%+v", d)
		}
	}
	if got := strings.Join(names, " "); got != "quota-used stolen tasks stops faults interrupts ticks softirqs clock-rate" {
		t.Error(got)
	}
	if quiet := (&Activity{At: 100 * ms, Known: allKnown, OnCPU: 100 * ms, Voluntary: 1}).disturbances(); len(quiet) != 0 {
		t.Errorf("of nothing: %v", quiet)
	}
}
