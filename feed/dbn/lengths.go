package dbn

import (
	"fmt"
	"slices"
)

// lengths knows which lengths a record may have.
type lengths struct {
	// exact holds, for each type that has one possible length, the value of its
	// length byte, and notExact for all others. It decides about nearly every
	// record with one comparison.
	exact   [256]uint16
	version uint8 // 0: any
	tsOut   bool
}

const notExact = 0xFFFF // no length byte has this value

func newLengths(version uint8, tsOut bool) *lengths {
	l := &lengths{version: version, tsOut: tsOut}
	for t := range l.exact {
		l.exact[t] = notExact
		if sizes := l.sizes(RType(t)); len(sizes) == 1 {
			l.exact[t] = uint16(sizes[0] / wordSize)
		}
	}
	return l
}

// undecided are the lengths of a fragment of which not one record was seen: it
// is not known if its records have ts_out.
func undecided() *lengths {
	l := &lengths{}
	for t := range l.exact {
		l.exact[t] = notExact
	}
	return l
}

// sizes lists the possible sizes of a type, ts_out included; none if unknown.
func (l *lengths) sizes(t RType) []int {
	var list []int
	for v := uint8(minVersion); v <= MaxVersion; v++ {
		size, ok := RecordSize(t, v)
		if !ok || l.version != 0 && l.version != v {
			continue
		}
		if l.tsOut {
			size += TsOutSize
		}
		if !slices.Contains(list, size) {
			list = append(list, size)
		}
	}
	return list
}

// fault says what is wrong with a record of type t and size bytes, or "".
func (l *lengths) fault(t RType, size int) string {
	if size == int(l.exact[t])*wordSize {
		return ""
	}
	if fault := shortFault(size); fault != "" {
		return fault
	}
	sizes := l.sizes(t)
	if len(sizes) == 0 || slices.Contains(sizes, size) {
		return ""
	}
	where := "in any version"
	if l.version != 0 {
		where = fmt.Sprintf("in version %d", l.version)
	}
	if l.tsOut {
		where += " with ts_out"
	}
	return fmt.Sprintf("a record of type %v is %d bytes long, %s it is %v", t, size, where, sizes)
}

func shortFault(size int) string {
	switch {
	case size == 0:
		return "a record's length byte is 0"
	case size < HeaderSize:
		return fmt.Sprintf("a record is %d bytes long, its header alone is %d", size, HeaderSize)
	}
	return ""
}

// detectTsOut says if a record of a fragment has ts_out, by its size. It returns
// false for ok if the type is unknown or no version has this size: no size of a
// type is another one's plus 8.
func detectTsOut(t RType, size int) (tsOut, ok bool) {
	for v := uint8(minVersion); v <= MaxVersion; v++ {
		switch n, known := RecordSize(t, v); {
		case !known:
			return false, false
		case size == n:
			return false, true
		case size == n+TsOutSize:
			return true, true
		}
	}
	return false, false
}
