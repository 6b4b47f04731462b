package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/internal/text"
)

// tally counts messages by type: MBO records by their action, ITCH messages by their
// type letter, other DBN records by the name of their schema.
type tally struct {
	messages, bytes uint64

	isDBN   bool
	actions [256]uint64
	types   *[1 << 16]uint64

	schema string
	before map[string]uint64 // counted under earlier schemas
}

func newTally(schema string) *tally {
	t := &tally{types: new([1 << 16]uint64), before: map[string]uint64{}}
	t.use(schema)
	return t
}

// use says what the messages from now on are.
func (t *tally) use(schema string) {
	if schema == t.schema {
		return
	}
	t.before = t.byType()
	t.schema = schema
	_, t.isDBN = parseDBNKind(schema)
	t.actions = [256]uint64{}
	clear(t.types[:])
}

const mboAction = 38 // offset of the action in an MBO record

// add counts a message.
func (t *tally) add(typ uint16, msg []byte) {
	t.messages++
	t.bytes += uint64(len(msg))
	if typ == uint16(dbn.RTypeMbo) && t.isDBN && len(msg) > mboAction {
		t.actions[msg[mboAction]]++
		return
	}
	t.types[typ]++
}

// byType returns the counts that are not 0.
func (t *tally) byType() map[string]uint64 {
	all := maps.Clone(t.before)
	for action, n := range t.actions {
		if n > 0 {
			all[itch.Type(action).String()] += n // letter, or hexadecimal
		}
	}
	kind, _ := parseDBNKind(t.schema)
	for typ, n := range t.types {
		if n > 0 {
			all[t.typeName(kind, uint16(typ))] += n
		}
	}
	return all
}

// unknown returns how many DBN records are of types that package dbn does not know.
func (t *tally) unknown() (n uint64) {
	kind, isDBN := parseDBNKind(t.schema)
	if !isDBN {
		return 0
	}
	for typ := range 1 << 8 {
		if _, known := dbn.RecordSize(dbn.RType(typ), kind.version); !known {
			n += t.types[typ]
		}
	}
	return n
}

func (t *tally) typeName(kind dbnKind, typ uint16) string {
	switch {
	case t.isDBN && typ <= 0xFF:
		return kind.schema.RecordName(dbn.RType(typ))
	case t.schema == itchSchema && typ <= 0xFF:
		return itch.Type(typ).String()
	}
	return fmt.Sprintf("type-%d", typ)
}

// countsText writes counts by name on one line, the largest first.
func countsText(counts map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			if counts[a] > counts[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, name+" "+text.Count(counts[name]))
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, "  ")
}
