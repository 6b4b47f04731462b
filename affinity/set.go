package affinity

import (
	"fmt"
	"iter"
	"math/bits"
	"strconv"
	"strings"

	"github.com/tickring/tickring/internal/procfs"
)

// MaxCPUs is one more than the largest CPU number: the most that Linux can be
// built for on amd64 and arm64.
const MaxCPUs = 8192

// Set is a set of CPU numbers from 0 to MaxCPUs-1. It is a plain value of 1 KiB:
// assignment copies it, == compares it, and the zero value is the empty set. Its
// text and JSON form is the kernel's list form, such as "0-3,8".
type Set struct {
	words [MaxCPUs / 64]uint64 // CPU n is bit n%64 of word n/64, as in the kernel's cpumask
}

// SetOf returns the set of the given CPUs. Numbers that no CPU can have are left
// out.
func SetOf(cpus ...int) Set {
	var s Set
	for _, c := range cpus {
		s.Add(c)
	}
	return s
}

// ParseSet reads the kernel's list form: numbers and inclusive ascending ranges
// separated by commas, "0-3,8". White space around it is ignored; the empty
// string is the empty set. The error wraps ErrSyntax.
func ParseSet(text string) (Set, error) {
	s, err := parseSet(text)
	if err != nil {
		return Set{}, fmt.Errorf("affinity: %w", err)
	}
	return s, nil
}

// parseSet is ParseSet for callers who put the name of the package before the
// error themselves.
func parseSet(text string) (Set, error) {
	var s Set
	text = strings.TrimSpace(text)
	if text == "" {
		return s, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(item, "-")
		lo, ok := parseCPU(first)
		hi := lo
		if ok && isRange {
			hi, ok = parseCPU(last)
		}
		if !ok || hi < lo {
			return Set{}, fmt.Errorf("CPU list %s: %s is not a CPU from 0 to %d or an ascending range: %w",
				procfs.Excerpt(text), procfs.Excerpt(item), MaxCPUs-1, ErrSyntax)
		}
		for c := lo; c <= hi; c++ {
			s.Add(c)
		}
	}
	return s, nil
}

func parseCPU(text string) (int, bool) {
	n, ok := parseDigits(text)
	return n, ok && n < MaxCPUs
}

// parseDigits takes digits only: strconv.Atoi would let signs through.
func parseDigits(text string) (int, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// Has reports whether cpu is in the set.
func (s Set) Has(cpu int) bool {
	return cpu >= 0 && cpu < MaxCPUs && s.words[cpu/64]>>(cpu%64)&1 != 0
}

// Add puts cpu into the set. It reports false, and does nothing, if no CPU can
// have that number.
func (s *Set) Add(cpu int) bool {
	if cpu < 0 || cpu >= MaxCPUs {
		return false
	}
	s.words[cpu/64] |= 1 << (cpu % 64)
	return true
}

// Remove takes cpu out of the set.
func (s *Set) Remove(cpu int) {
	if cpu >= 0 && cpu < MaxCPUs {
		s.words[cpu/64] &^= 1 << (cpu % 64)
	}
}

// Len returns how many CPUs are in the set.
func (s Set) Len() int {
	n := 0
	for _, w := range s.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// Empty reports whether the set has no CPU.
func (s Set) Empty() bool { return s == Set{} }

// Min returns the lowest CPU of the set, or -1 if it is empty.
func (s Set) Min() int {
	for c := range s.All() {
		return c
	}
	return -1
}

// All iterates over the CPUs in ascending order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// CPUs returns the CPUs in ascending order.
func (s Set) CPUs() []int {
	list := make([]int, 0, s.Len())
	for c := range s.All() {
		list = append(list, c)
	}
	return list
}

// Or returns the CPUs that are in s, in o or in both.
func (s Set) Or(o Set) Set {
	for i := range s.words {
		s.words[i] |= o.words[i]
	}
	return s
}

// And returns the CPUs that are in both s and o.
func (s Set) And(o Set) Set {
	for i := range s.words {
		s.words[i] &= o.words[i]
	}
	return s
}

// Minus returns the CPUs of s that are not in o.
func (s Set) Minus(o Set) Set {
	for i := range s.words {
		s.words[i] &^= o.words[i]
	}
	return s
}

// String returns the kernel's list form; the empty set is the empty string.
func (s Set) String() string {
	var b strings.Builder
	first, last := -1, -1 // the range being collected
	flush := func() {
		if first < 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(first))
		if last > first {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(last))
		}
	}
	for c := range s.All() {
		if first < 0 || c != last+1 {
			flush()
			first = c
		}
		last = c
	}
	flush()
	return b.String()
}

// MarshalText implements encoding.TextMarshaler with the list form.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; see ParseSet.
func (s *Set) UnmarshalText(text []byte) error {
	parsed, err := ParseSet(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}
