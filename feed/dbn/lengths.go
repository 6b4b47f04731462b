package dbn

import (
	"fmt"
	"slices"
)

// lengths knows which lengths a record may have.
type lengths struct {
	// exact holds the size of each type that has one possible size, and noSize
	// for all others. It decides about nearly every record with one comparison.
	exact   [256]uint16
	version uint8 // 0: any
	tsOut   bool
}

// noSize is no record's size, not even that of one whose length byte is 0.
const noSize = 1

func newLengths(version uint8, tsOut bool) lengths {
	l := undecided()
	l.version, l.tsOut = version, tsOut
	for t := range l.exact {
		if sizes := l.sizes(RType(t)); len(sizes) == 1 {
			l.exact[t] = uint16(sizes[0])
		}
	}
	return l
}

// undecided are the lengths of a fragment of which not one record was seen: it
// is not known if its records have ts_out.
func undecided() lengths {
	var l lengths
	for t := range l.exact {
		l.exact[t] = noSize
	}
	return l
}

// size returns a type's size in a version, and false if it has none there or the
// version is not this one.
func (l *lengths) size(t RType, version uint8) (int, bool) {
	size, ok := RecordSize(t, version)
	if !ok || l.version != 0 && l.version != version {
		return 0, false
	}
	if l.tsOut {
		size += TsOutSize
	}
	return size, true
}

// sizes lists the possible sizes of a type; none if it is unknown.
func (l *lengths) sizes(t RType) []int {
	var list []int
	for v := uint8(minVersion); v <= MaxVersion; v++ {
		if size, ok := l.size(t, v); ok && !slices.Contains(list, size) {
			list = append(list, size)
		}
	}
	return list
}

// fault says what is wrong with a record of type t and size bytes, or "".
func (l *lengths) fault(t RType, size int) string {
	if size == int(l.exact[t]) {
		return ""
	}
	if fault := shortFault(size); fault != "" || !t.Known() {
		return fault
	}
	for v := uint8(minVersion); v <= MaxVersion; v++ {
		if n, ok := l.size(t, v); ok && n == size {
			return ""
		}
	}
	where := "in any version"
	if l.version != 0 {
		where = fmt.Sprintf("in version %d", l.version)
	}
	if l.tsOut {
		where += " with ts_out"
	}
	return fmt.Sprintf("a record of type %v is %d bytes long, %s it is %v", t, size, where, l.sizes(t))
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
