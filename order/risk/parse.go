package risk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/tickring/tickring/order"
)

// ErrLimits: limits that cannot be taken. It comes with the file, the line, and what to do.
var ErrLimits = errors.New("invalid limits")

// Parse reads limits in YAML; [Example] shows the format. name is the file's, for errors.
// They wrap [ErrLimits] and tell the first thing that is wrong, with its line.
func Parse(name string, data []byte) (*Limits, error) {
	p := parser{name: name}
	if line := notText(data); line != 0 {
		return nil, p.errorf(line, "not YAML: a byte that is no text; the file is UTF-8")
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case err == io.EOF:
		return nil, p.errorf(1, "there is nothing in it; 'defaults' and 'instruments' are needed")
	case err != nil:
		return nil, p.syntax(err, data)
	}
	var more yaml.Node
	switch err := dec.Decode(&more); {
	case err == nil:
		return nil, p.errorf(more.Line, "a second document; a file has the limits of one gateway")
	case err != io.EOF:
		return nil, p.syntax(err, data)
	}
	return p.limits(doc.Content[0])
}

// parser walks the nodes of a file, so that every error knows its line.
type parser struct{ name string }

func (p *parser) errorf(line int, format string, args ...any) error {
	return fmt.Errorf("%w: %s:%d: %s", ErrLimits, p.name, line, fmt.Sprintf(format, args...))
}

var (
	yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	// countedFrom0 are the errors of which the YAML reader gives the number of the line before.
	countedFrom0  = regexp.MustCompile(`^did not find expected (<|node content|'-'|key|',' or )`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax puts the place in an error of the YAML reader where ours have it.
func (p *parser) syntax(err error, data []byte) error {
	line, what := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(strings.ReplaceAll(what, "\n", " ")); m != nil {
		what = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
			if countedFrom0.MatchString(what) {
				line++
			}
		}
	}
	if m := unknownAnchor.FindStringSubmatch(what); m != nil { // it has no line
		before, _, _ := bytes.Cut(data, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
	}
	return p.errorf(line, "not YAML: %s", what)
}

// notText returns the line of the first byte that no YAML has, of which its reader tells no
// line; 0: there is none.
func notText(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return line
		case r == '\n':
			line++
		}
		data = data[n:]
	}
	return 0
}

func (p *parser) limits(root *yaml.Node) (*Limits, error) {
	l := &Limits{strategies: map[uint16]*Strategy{}, instruments: map[uint32]*Instrument{}}
	top, err := p.mapping(root, "the file")
	if err != nil {
		return nil, err
	}
	var defaults, strategies, instruments *pair
	for i := range top {
		switch e := &top[i]; e.key.Value {
		case "defaults":
			defaults = e
		case "strategies":
			strategies = e
		case "instruments":
			instruments = e
		default:
			return nil, p.unknown(e.key, "defaults", "strategies", "instruments")
		}
	}
	switch {
	case defaults == nil:
		return nil, p.errorf(root.Line, "'defaults' is missing: the limits of every strategy")
	case instruments == nil:
		return nil, p.errorf(root.Line, "'instruments' is missing: what may be traded")
	}
	if err := p.defaults(&l.defaults, defaults); err != nil {
		return nil, err
	}
	if strategies != nil {
		if err := p.strategies(l, strategies.value); err != nil {
			return nil, err
		}
	}
	if err := p.instruments(l, instruments.value); err != nil {
		return nil, err
	}
	return l, nil
}

// required are the limits of which none is said by silence.
var required = []string{"max_qty", "max_notional", "max_position", "max_orders", "collar_ppm", "rate"}

func (p *parser) defaults(s *Strategy, e *pair) error {
	*s = Strategy{Bounds: unbounded(), MaxOrders: noOrders}
	said, err := p.strategy(s, e.value, "defaults")
	if err != nil {
		return err
	}
	for _, name := range required {
		if !said[name] {
			return p.errorf(e.key.Line, "defaults: '%s' is missing; say 'none' for no limit", name)
		}
	}
	return nil
}

func (p *parser) strategies(l *Limits, n *yaml.Node) error {
	pairs, err := p.mapping(n, "strategies")
	if err != nil {
		return err
	}
	for _, e := range pairs {
		number, err := p.integer(e.key, "number of a strategy", 1, order.MaxStrategy)
		if err != nil {
			return err
		}
		if l.strategies[uint16(number)] != nil {
			return p.errorf(e.key.Line, "strategy %d is there twice", number)
		}
		s := l.defaults
		if _, err := p.strategy(&s, e.value, fmt.Sprintf("strategy %d", number)); err != nil {
			return err
		}
		l.strategies[uint16(number)] = &s
	}
	return nil
}

// strategy sets what n says and leaves the rest. It returns which keys n has.
func (p *parser) strategy(s *Strategy, n *yaml.Node, of string) (map[string]bool, error) {
	pairs, err := p.mapping(n, of)
	if err != nil {
		return nil, err
	}
	said := map[string]bool{}
	var burst *pair
	for i := range pairs {
		e := &pairs[i]
		said[e.key.Value] = true
		switch e.key.Value {
		case "max_orders":
			var n int64
			if n, err = p.limit(e, 0, 1e9, noOrders); err == nil {
				s.MaxOrders = int(n)
			}
		case "rate":
			s.Rate, err = p.rate(e)
		case "burst":
			burst = e
		default:
			err = p.bound(&s.Bounds, e, "max_orders", "rate", "burst")
		}
		if err != nil {
			return nil, err
		}
	}
	if burst != nil {
		n, err := p.integer(burst.value, "burst", 1, 1e9)
		if err != nil {
			return nil, err
		}
		if s.Rate.Interval == 0 {
			return nil, p.errorf(burst.key.Line, "'burst' goes with a rate")
		}
		s.Rate.Burst = uint64(n)
	}
	return said, nil
}

// rate is messages a second, of which as many as come in a tenth may come at once.
func (p *parser) rate(e *pair) (Rate, error) {
	if isNone(e.value) {
		return Rate{}, nil
	}
	n, err := p.integer(e.value, e.key.Value, 1, 1e9)
	if err != nil {
		return Rate{}, err
	}
	return Rate{Interval: uint64((1e9 + n - 1) / n), Burst: uint64(max(n/10, 1))}, nil
}

func (p *parser) instruments(l *Limits, n *yaml.Node) error {
	pairs, err := p.mapping(n, "instruments")
	if err != nil {
		return err
	}
	for _, e := range pairs {
		i := &Instrument{Bounds: unbounded(), Multiplier: 1}
		if e.key.Value == "others" {
			if err := p.instrument(i, e.value, "other instruments"); err != nil {
				return err
			}
			l.others = i
			continue
		}
		id, err := p.integer(e.key, "instrument_id, or 'others'", 0, 1<<32-1)
		if err != nil {
			return err
		}
		if l.instruments[uint32(id)] != nil {
			return p.errorf(e.key.Line, "instrument %d is there twice", id)
		}
		if err := p.instrument(i, e.value, fmt.Sprintf("instrument %d", id)); err != nil {
			return err
		}
		l.instruments[uint32(id)] = i
	}
	if len(pairs) == 0 {
		return p.errorf(n.Line, "no instruments, so nothing could be traded; 'others: {}' is for all")
	}
	return nil
}

func (p *parser) instrument(i *Instrument, n *yaml.Node, of string) error {
	pairs, err := p.mapping(n, of)
	if err != nil {
		return err
	}
	for k := range pairs {
		e := &pairs[k]
		switch e.key.Value {
		case "symbol":
			if e.value.Kind != yaml.ScalarNode {
				return p.errorf(e.value.Line, "symbol: want a name")
			}
			i.Symbol = e.value.Value
		case "multiplier":
			n, err := p.integer(e.value, "multiplier", 1, 1<<32-1)
			if err != nil {
				return err
			}
			i.Multiplier = uint32(n)
		default:
			if err := p.bound(&i.Bounds, e, "symbol", "multiplier"); err != nil {
				return err
			}
		}
	}
	return nil
}

// bound sets one of the limits that strategies and instruments have. others are the keys
// that its caller knows.
func (p *parser) bound(b *Bounds, e *pair, others ...string) (err error) {
	switch e.key.Value {
	case "max_qty":
		b.MaxQty, err = p.limit(e, 0, 1<<31-1, noQty)
	case "max_position":
		b.MaxPosition, err = p.limit(e, 0, 1e15, noQty)
	case "max_notional":
		if isNone(e.value) {
			b.MaxNotional = noNotional
			return nil
		}
		b.MaxNotional, err = p.amount(e)
	case "collar_ppm":
		var n int64
		n, err = p.limit(e, 0, 1e9, -1)
		b.CollarPPM = uint64(n) // none: all ones
	case "collar":
		if isNone(e.value) {
			b.Collar = noCollar
			return nil
		}
		var n Notional
		if n, err = p.amount(e); err == nil && (n.Hi != 0 || n.Lo > NoPrice) {
			err = p.errorf(e.value.Line, "%s: %s is larger than any price", e.key.Value, e.value.Value)
		}
		b.Collar = n.Lo
	default:
		return p.unknown(e.key, append([]string{"max_qty", "max_notional", "max_position", "collar_ppm", "collar"}, others...)...)
	}
	return err
}
