package ring

import (
	"fmt"
	"math/bits"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/tickring/tickring/affinity"
)

// TestLayoutDocument holds docs/layout.md and the structs together: the same fields
// at the same offsets in the same order, and nothing more in either.
func TestLayoutDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/layout.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]any{
		"### header":            header{},
		"### block table entry": entry{},
		"### gate slot":         gateSlot{},
		"## subs/NAME":          subFile{},
		"### spike list":        spikeList{},
		"### spike record":      spikeRecord{},
	}
	row := regexp.MustCompile(`(?m)^\| (0x[0-9a-f]+) \| (\d+) \| (\w+) \|`)
	for title, v := range sections {
		_, section, ok := strings.Cut(string(text), "\n"+title+"\n")
		if !ok {
			t.Errorf("docs/layout.md has no section %q", title)
			continue
		}
		section, _, _ = strings.Cut(section, "\n#")
		var documented, real []string
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			var off, size int
			fmt.Sscanf(m[1], "0x%x", &off)
			fmt.Sscan(m[2], &size)
			documented = append(documented, fmt.Sprintf("%#x %d %s", off, size, m[3]))
		}
		typ := reflect.TypeOf(v)
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Name != "_" {
				real = append(real, fmt.Sprintf("%#x %d %s", f.Offset, f.Type.Size(), f.Name))
			}
		}
		if !slices.Equal(documented, real) {
			t.Errorf("%s\ndocumented: %s\nin the code: %s", title, strings.Join(documented, "; "), strings.Join(real, "; "))
		}
	}
	for _, fact := range []string{
		fmt.Sprintf("0x%04x  block table", tableOffset),
		fmt.Sprintf("0x%04x  frames", dataOffset),
		fmt.Sprintf("%#X pad", sizePad), fmt.Sprintf("%#X time", sizeTime),
		fmt.Sprintf("%d live, %d closed, %d superseded", stateLive, stateClosed, stateSuperseded),
		fmt.Sprintf("%d free, %d holding, %d demoted, %d dropped", gateFree, gateHolding, gateDemoted, gateDropped),
		fmt.Sprintf("%d gate slots", maxGates),
		fmt.Sprintf("of this layout: %d", layoutVersion),
		fmt.Sprintf("%d counts", histLen),
		fmt.Sprintf("%d KiB. The owner", subFileSize>>10),
		fmt.Sprintf("%d unknown, %d spin, %d yield, %d backoff, %d sleeper, %d other", waitUnknown, waitSpin, waitYield, waitBackoff, waitSleeper, waitOther),
		fmt.Sprintf("%d records of %d bytes", MaxSpikes, unsafe.Sizeof(spikeRecord{})),
		fmt.Sprintf("%d read, %d claim, %d held, %d pace", SpikeRead, SpikeClaim, SpikeHeld, SpikePace),
		fmt.Sprintf("%d unknown, %d stopped, %d throttled, %d steal, %d gc, %d preempted, %d slept, %d fault,\n%d interrupt, %d frequency, %d busy",
			affinity.CauseUnknown, affinity.CauseStopped, affinity.CauseThrottled, affinity.CauseSteal, affinity.CauseGC, affinity.CausePreempted,
			affinity.CauseSlept, affinity.CauseFault, affinity.CauseInterrupt, affinity.CauseFrequency, affinity.CauseBusy),
		fmt.Sprintf("%d onCPU and runDelay, %d switches, %d faults, %d interrupts and timer, %d softirqs, %d steal, %d khz, %d throttles, %d gcs and stops, %d stood",
			bit(affinity.KnowSched), bit(affinity.KnowSwitches), bit(affinity.KnowFaults), bit(affinity.KnowInterrupt), bit(affinity.KnowSoftirqs),
			bit(affinity.KnowSteal), bit(affinity.KnowKHz), bit(affinity.KnowThrottle), bit(affinity.KnowGo), bit(affinity.KnowStood)),
	} {
		if !strings.Contains(strings.ReplaceAll(string(text), "0X", "0x"), strings.ReplaceAll(fact, "0X", "0x")) {
			t.Errorf("docs/layout.md does not say %q", fact)
		}
	}
}

func bit(c affinity.Counts) int { return bits.TrailingZeros32(uint32(c)) }

func TestGeometry(t *testing.T) {
	for _, c := range []struct {
		capacity, maxMessage uint64
		block, largest       uint64 // 0: refused
	}{
		{256 << 10, 0, 4096, 4088},
		{256 << 10, 4088, 4096, 4088},
		{256 << 10, 4089, 0, 0},
		{1 << 20, 0, 16 << 10, 16376},
		{1 << 20, 56, 4096, 56},
		{4 << 20, 0, 64 << 10, MaxMessage},
		{4 << 20, MaxMessage, 64 << 10, MaxMessage},
		{4 << 20, MaxMessage + 1, 0, 0},
		{64 << 20, 0, 256 << 10, MaxMessage},
		{1 << 30, 0, 4 << 20, MaxMessage},
		{1 << 40, 0, 4 << 30, MaxMessage},
		{1 << 41, 0, 0, 0},
		{128 << 10, 0, 0, 0},
		{0, 0, 0, 0},
		{1<<20 + 1, 0, 0, 0},
		{3 << 20, 0, 0, 0},
		{1 << 63, 0, 0, 0},
	} {
		g, err := newGeometry(c.capacity, c.maxMessage)
		if (err == nil) != (c.block != 0) {
			t.Errorf("capacity %d, message %d: %v", c.capacity, c.maxMessage, err)
			continue
		}
		if err != nil {
			continue
		}
		if g.block != c.block || g.maxMessage != c.largest {
			t.Errorf("capacity %d, message %d: blocks of %d, messages of %d; want %d, %d", c.capacity, c.maxMessage, g.block, g.maxMessage, c.block, c.largest)
		}
		if n := g.blocks(); n < minBlocks || n > maxBlocks {
			t.Errorf("capacity %d: %d blocks", c.capacity, n)
		}
		if err := g.check(g.fileSize()); err != nil {
			t.Errorf("capacity %d: its own geometry does not pass: %v", c.capacity, err)
		}
		if g.check(g.fileSize()-1) == nil || g.check(g.fileSize()+1) == nil || g.check(-1) == nil {
			t.Errorf("capacity %d: a file of another size passes", c.capacity)
		}
	}
}
