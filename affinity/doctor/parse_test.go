package doctor

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/internal/procfs"
)

func TestMasks(t *testing.T) {
	for text, want := range map[string]string{
		"0": "", "3": "0-1", "ff03": "0-1,8-15", "00000001,00000000": "32", "80000000,00000000,00000001": "0,95",
	} {
		s, err := parseMask(text)
		if err != nil || s.String() != want {
			t.Errorf("%s: %v, %v", text, s, err)
		}
		if back, err := parseMask(maskText(s)); err != nil || back != s {
			t.Errorf("%v is written %s", s, maskText(s))
		}
	}
	if got := maskText(affinity.SetOf(0, 33)); got != "2,00000001" {
		t.Error(got)
	}
	for _, text := range []string{"", "x", "1,,2", "111111111", "-1", "0x1", strings.Repeat("1,", 300) + "1"} {
		if s, err := parseMask(text); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
}

func TestBootParameters(t *testing.T) {
	m := &machine{Host: Host{Files: fstest.MapFS{"proc/cmdline": {Data: []byte("ro rcu-nocbs=1-2 nohz_full=\"3\" rcu_nocbs=4-N idle=poll -- rcu_nocbs=0\n")}}}}
	if v, there, err := m.bootParameter("rcu_nocbs"); v != "4-N" || !there || err != nil {
		t.Error(v, there, err)
	}
	if v, there, _ := m.bootParameter("nohz_full"); v != "3" || !there {
		t.Error(v, there)
	}
	if _, there, _ := m.bootParameter("nosmt"); there {
		t.Error("nosmt")
	}
	for text, want := range map[string]string{"all": "0-7", "4-N": "4-7", "N": "7", "1,3": "1,3"} {
		if s, err := parseBootList(text, affinity.SetOf(0, 1, 2, 3, 4, 5, 6, 7)); err != nil || s.String() != want {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	if _, err := parseBootList("0-7:1/2", affinity.SetOf(0)); err == nil {
		t.Error("parts of ranges are not understood")
	}
}

func TestCounters(t *testing.T) {
	before, err := parseCounters("           CPU0       CPU2\n  1:   9  0  IO-APIC   1-edge      i8042\n 11:  5 77  IO-APIC  11-fasteoi   uhci_hcd:usb1, virtio3\nLOC: 100 200   Local timer interrupts\nERR:  4\nbroken line\n 40: 1\n")
	if err != nil {
		t.Fatal(err)
	}
	if l := before.Line("11"); l.On(2) != 77 || l.On(0) != 5 || l.On(1) != 0 || l.Text != "uhci_hcd:usb1, virtio3" {
		t.Errorf("%+v", l)
	}
	if l := before.Line("ERR"); l.On(0) != 4 || l.On(2) != 0 || l.Text != "" {
		t.Errorf("%+v", l)
	}
	if before.Line("broken line") != nil {
		t.Error("a line without a name")
	}
	after, err := parseCounters("CPU0 CPU2\n1: 3 0 IO-APIC 1-edge i8042\n11: 5 80 IO-APIC 11-fasteoi virtio3\nLOC: 101 450 Local timer interrupts\n55: 0 2 PCI-MSI 1-edge eth0\n")
	if err != nil {
		t.Fatal(err)
	}
	softirqs := func(n string) *counters {
		c, err := parseCounters("      CPU0   CPU2\nTIMER: 1 " + n)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	moved := addMoved(nil, tables{after, softirqs("30")}.since(tables{before, softirqs("10")}, 2))
	var words []string
	for _, m := range moved {
		words = append(words, m.String())
	}
	if want := []string{"LOC +250", "timer +20", "virtio3 +3", "eth0 +2"}; !slices.Equal(words, want) {
		t.Errorf("%q", words)
	}
	// What went down on CPU 0 has not moved, and what cannot be read is nothing.
	if moved := (tables{after, nil}).since(tables{before, softirqs("1")}, 0); len(moved) != 1 || moved[0].Count != 1 {
		t.Errorf("%+v", moved)
	}
	if sum := addMoved(addMoved(nil, moved), moved); sum[0].Count != 500 {
		t.Errorf("%+v", sum)
	}
	for _, text := range []string{"", "\n", "CPU", "CPUx CPU1\n", "LOC: 1 2\n"} {
		if c, err := parseCounters(text); err == nil {
			t.Errorf("%q: %+v", text, c)
		}
	}
}

func TestOtherParsers(t *testing.T) {
	if _, _, err := parseSwaps("Filename Type Size Used Priority\n/swap file 10"); err == nil {
		t.Error("a short line of swap")
	}
	if _, err := parseBuddies("Node 0, zone Normal 1 2 3"); err == nil {
		t.Error("a zone without large blocks")
	}
	if n, err := parseBuddies("Node 0, zone Normal 1 1 1 1 1 1 1 1 1 5 3"); n != 11 || err != nil {
		t.Error(n, err)
	}
	limits := "Limit Soft Hard\nMax open files            20000   unlimited    files\nMax locked memory         unlimited   unlimited  bytes\nMax cpu time x"
	if n, err := parseLimit(limits, "Max open files"); n != 20000 || err != nil {
		t.Error(n, err)
	}
	if n, err := parseLimit(limits, "Max locked memory"); n != math.MaxUint64 || err != nil {
		t.Error(n, err)
	}
	for _, name := range []string{"Max cpu time", "Max nothing"} {
		if n, err := parseLimit(limits, name); err == nil {
			t.Error(name, n)
		}
	}
	if v, there := assignment("#A=1\nA=\"2-3\"\nexport A='4'\nB=5", "A"); v != "4" || !there {
		t.Error(v, there)
	}
	if v, there := iniValue("A=0\n[Login]\n;A=1\n A = 2 \n[Other]\nA=3", "Login", "A"); v != "2" || !there {
		t.Error(v, there)
	}
	if _, err := procfs.CPUTimes("cpu0 1 2 3"); err == nil {
		t.Error("a short line of times")
	}
}

// FuzzParsers gives any text to everything that reads a file of the kernel.
func FuzzParsers(f *testing.F) {
	for _, name := range []string{"server", "debian-vm", "laptop"} {
		for path, file := range readTree(f, name).MapFS {
			if !strings.HasPrefix(path, "sys/") || strings.HasSuffix(path, "mask") {
				f.Add(string(file.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseCounters(text); err == nil {
			for i := range c.Lines {
				if l := &c.Lines[i]; len(l.Counts) > len(c.CPUs) {
					t.Errorf("%+v", l)
				}
			}
			if moved := c.since(c, c.CPUs[0]); len(c.Lines) > 0 && len(moved) > 0 && unique(c.Lines) {
				t.Errorf("moved %v", moved)
			}
		}
		if s, err := parseMask(text); err == nil {
			if back, err := parseMask(maskText(s)); err != nil || back != s {
				t.Errorf("%v is written %s", s, maskText(s))
			}
		}
		if _, used, err := parseSwaps(text); err == nil {
			_ = used
		}
		procfs.CPUTimes(text)
		parseBuddies(text)
		parseLimit(text, "Max open files")
		parseBootList(strings.TrimSpace(text), affinity.SetOf(0, 5))
		parsePairs(text)
		cpuFlags(text)
		assignment(text, "A")
		iniValue(text, "Login", "RemoveIPC")
	})
}

func unique(lines []counter) bool {
	seen := map[string]bool{}
	for _, l := range lines {
		if seen[l.Name] {
			return false
		}
		seen[l.Name] = true
	}
	return true
}

// FuzzExamine puts any text in the place of any file of a machine.
func FuzzExamine(f *testing.F) {
	files := readTree(f, "laptop")
	var names []string
	for name := range files.MapFS {
		names = append(names, name)
	}
	slices.Sort(names)
	for i := range names {
		if i%7 == 0 {
			f.Add(uint16(i), "0-1,9999999999999999999")
		}
	}
	quiet := len(Examine(Host{Files: files}, affinity.Set{}).Checks)
	f.Fuzz(func(t *testing.T, at uint16, text string) {
		name := names[int(at)%len(names)]
		spoilt := fstest.MapFS{}
		for n, file := range files.MapFS {
			spoilt[n] = file
		}
		spoilt[name] = &fstest.MapFile{Data: []byte(text)}
		r := Examine(Host{Files: spoilt}, affinity.Set{})
		if len(r.Checks) != quiet || r.Count(Good)+r.Count(Warn)+r.Count(Bad)+r.Count(Unknown)+r.Count(None) != quiet {
			t.Errorf("%s: %d checks", name, len(r.Checks))
		}
		for _, c := range r.Checks {
			if c.Value == "" || len(c.Value) > 2000 {
				t.Errorf("%s: %+v", name, c)
			}
		}
	})
}

// The files of this machine, whatever it is, are understood.
func TestThisMachine(t *testing.T) {
	if _, err := os.Stat("/proc/interrupts"); err != nil {
		t.Skip("there is no /proc/interrupts here")
	}
	host, err := Here("/dev/shm")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Examine(host, affinity.Set{}).Checks {
		if strings.Contains(c.Value, procfs.ErrFormat.Error()) {
			t.Errorf("%+v", c)
		}
	}
}
