package doctor

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
)

// counters are /proc/interrupts or /proc/softirqs: for every line what has been counted
// on each CPU.
type counters struct {
	CPUs  []int // of the columns
	Lines []counter
}

// counter is one line.
type counter struct {
	Name   string   // "LOC", "37", "TIMER"
	Text   string   // what the kernel says of it: "Local timer interrupts", "virtio1-input.0"
	Counts []uint64 // by column; lines for the whole machine (ERR) have fewer
	cpus   []int
}

// On returns the count of a CPU; 0 if the line has none of it.
func (c *counter) On(cpu int) uint64 {
	if i := slices.Index(c.cpus, cpu); i >= 0 && i < len(c.Counts) {
		return c.Counts[i]
	}
	return 0
}

// Line returns the line of that name, or nil.
func (c *counters) Line(name string) *counter {
	for i := range c.Lines {
		if c.Lines[i].Name == name {
			return &c.Lines[i]
		}
	}
	return nil
}

// parseCounters reads the text of such a file. The first line names the CPUs of the
// columns, those that are online; what follows the numbers of a line is words. In
// /proc/interrupts the last of those is the device, for a numbered line.
func parseCounters(text string) (*counters, error) {
	head, rest, _ := strings.Cut(text, "\n")
	c := &counters{}
	for word := range strings.FieldsSeq(head) {
		digits, ok := strings.CutPrefix(word, "CPU")
		id, err := strconv.Atoi(digits)
		if !ok || err != nil || id < 0 {
			return nil, fmt.Errorf("%s is no column of a CPU: %w", procfs.Excerpt(word), procfs.ErrFormat)
		}
		c.CPUs = append(c.CPUs, id)
	}
	if len(c.CPUs) == 0 {
		return nil, fmt.Errorf("there are no columns of CPUs: %w", procfs.ErrFormat)
	}
	for line := range strings.Lines(rest) {
		name, values, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		l := counter{Name: strings.TrimSpace(name), cpus: c.CPUs}
		words := strings.Fields(values)
		for len(words) > 0 && len(l.Counts) < len(c.CPUs) {
			n, err := strconv.ParseUint(words[0], 10, 64)
			if err != nil {
				break
			}
			l.Counts, words = append(l.Counts, n), words[1:]
		}
		if _, err := strconv.Atoi(l.Name); err == nil {
			l.Text = device(words)
		} else {
			l.Text = strings.Join(words, " ")
		}
		c.Lines = append(c.Lines, l)
	}
	return c, nil
}

// device returns the users of an interrupt line, which follow the controller and the
// kind: "IO-APIC 4-edge ttyS0", "PCI-MSIX-0000:00:02.0 1-edge virtio1-req.0". Several
// users of one line are separated by commas.
func device(words []string) string {
	if len(words) == 0 {
		return ""
	}
	from := len(words) - 1
	for from > 0 && strings.HasSuffix(words[from-1], ",") {
		from--
	}
	return strings.Join(words[from:], " ")
}

// since returns what was counted on a CPU since before, by line.
func (c *counters) since(before *counters, cpu int) []Moved {
	was := map[string]uint64{}
	for i := range before.Lines {
		was[before.Lines[i].Name] = before.Lines[i].On(cpu)
	}
	var moved []Moved
	for i := range c.Lines {
		l := &c.Lines[i]
		// A line that was not there before began at 0; one that went down was taken
		// away and set up again.
		if now := l.On(cpu); now > was[l.Name] {
			moved = append(moved, Moved{Name: l.Name, Text: l.Text, Count: now - was[l.Name]})
		}
	}
	return moved
}

// tables are /proc/interrupts and /proc/softirqs at a moment; nil: cannot be read.
type tables [2]*counters

func readCounters(files fs.FS) tables {
	var t tables
	for i, name := range []string{"proc/interrupts", "proc/softirqs"} {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			continue
		}
		if t[i], err = parseCounters(string(text)); err != nil {
			t[i] = nil
		}
	}
	return t
}

func (t tables) since(before tables, cpu int) []Moved {
	var all []Moved
	for i := range t {
		if t[i] == nil || before[i] == nil {
			continue
		}
		moved := t[i].since(before[i], cpu)
		if i == 1 {
			for k := range moved { // TIMER, as the kernel writes it, is not the timer's interrupt
				moved[k].Name, moved[k].Text = strings.ToLower(moved[k].Name), "softirq"
			}
		}
		all = append(all, moved...)
	}
	return all
}
