package risk

import (
	"math/bits"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pair is an entry of a mapping.
type pair struct{ key, value *yaml.Node }

// mapping returns the entries of n in the order of the file, each key once.
func (p *parser) mapping(n *yaml.Node, of string) ([]pair, error) {
	if n.Kind != yaml.MappingNode {
		return nil, p.errorf(n.Line, "%s: want 'name: value' lines, not %s", of, kind(n))
	}
	pairs := make([]pair, 0, len(n.Content)/2)
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := pair{n.Content[i], n.Content[i+1]}
		if e.key.Kind != yaml.ScalarNode || e.key.Tag == "!!merge" {
			return nil, p.errorf(e.key.Line, "%s: want a name before the colon, not %s", of, kind(e.key))
		}
		if first, twice := seen[e.key.Value]; twice {
			return nil, p.errorf(e.key.Line, "%s: '%s' is there twice, first in line %d", of, clip(e.key.Value), first)
		}
		seen[e.key.Value] = e.key.Line
		pairs = append(pairs, e)
	}
	return pairs, nil
}

func (p *parser) unknown(key *yaml.Node, known ...string) error {
	return p.errorf(key.Line, "unknown name '%s'; here are known: %s", clip(key.Value), strings.Join(known, ", "))
}

// limit is an integer within a range, or 'none'.
func (p *parser) limit(e *pair, least, most, none int64) (int64, error) {
	if isNone(e.value) {
		return none, nil
	}
	return p.integer(e.value, e.key.Value, least, most)
}

// integer is a plain decimal number within a range; '_' may stand between digits.
func (p *parser) integer(n *yaml.Node, what string, least, most int64) (int64, error) {
	digits, ok := plain(n, "!!int")
	if !ok {
		return 0, p.errorf(n.Line, "%s: want a whole number from %d to %d, not %s", what, least, most, kind(n))
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || v < least || v > most {
		return 0, p.errorf(n.Line, "%s: %s is not from %d to %d", what, clip(n.Value), least, most)
	}
	return v, nil
}

// amount is a number of at most 18 digits before the point and 9 behind it, in 1e-9.
func (p *parser) amount(e *pair) (Notional, error) {
	n := e.value
	text, ok := plain(n, "!!int", "!!float")
	if !ok {
		return Notional{}, p.errorf(n.Line, "%s: want a number, not %s", e.key.Value, kind(n))
	}
	whole, part, _ := strings.Cut(text, ".")
	if len(part) > 9 {
		return Notional{}, p.errorf(n.Line, "%s: %s has more than 9 digits behind the point", e.key.Value, clip(n.Value))
	}
	w, err := strconv.ParseUint(whole, 10, 64)
	f, err2 := strconv.ParseUint(part+strings.Repeat("0", 9-len(part)), 10, 64)
	if err != nil || err2 != nil || len(whole) > 18 {
		return Notional{}, p.errorf(n.Line, "%s: %s is not from 0 to 18 digits before the point", e.key.Value, clip(n.Value))
	}
	hi, lo := bits.Mul64(w, 1e9)
	lo, carry := bits.Add64(lo, f, 0)
	return Notional{hi + carry, lo}, nil
}

// plain returns the digits of a number that is written in no other way than with digits, a
// point and '_' between digits. YAML has more ways, such as 0x10, 017 and 1e3, which are
// misread too easily.
func plain(n *yaml.Node, tags ...string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.TaggedStyle) != 0 {
		return "", false
	}
	tagged := false
	for _, t := range tags {
		tagged = tagged || n.Tag == t
	}
	s := n.Value
	if !tagged || s == "" || len(s) > 1 && s[0] == '0' && s[1] != '.' {
		return "", false
	}
	minus := strings.HasPrefix(s, "-")
	b := []byte(strings.TrimPrefix(s, "-"))
	if len(b) == 0 || minus && len(tags) > 1 {
		return "", false // amounts are not below 0
	}
	digits := make([]byte, 0, len(s))
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
		case c == '_' || c == '.':
			if i == 0 || i == len(b)-1 || !digit(b[i-1]) || !digit(b[i+1]) {
				return "", false
			}
			if c == '_' {
				continue
			}
		default:
			return "", false
		}
		digits = append(digits, c)
	}
	if minus {
		return "-" + string(digits), true
	}
	return string(digits), true
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// isNone says that there shall be no limit.
func isNone(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == "none"
}

// kind says what a node is, for people.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.Tag == "!!null" {
		return "emptiness"
	}
	return "'" + clip(n.Value) + "'"
}

// clip keeps an error on a line.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		s = s[:most] + "..."
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
