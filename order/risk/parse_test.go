package risk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const good = `defaults:
  max_qty: 100
  max_notional: 5_000_000.25
  max_position: none
  max_orders: 10
  collar_ppm: 20_000
  rate: 1000
instruments:
  42: {}
`

func TestExample(t *testing.T) {
	l, err := Parse("limits.yaml", []byte(Example))
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Strategy(1); s.MaxQty != 100 || s.MaxNotional != (Notional{0, 50_000_000 * 1e9}) || s.MaxPosition != 500 || s.MaxOrders != 200 ||
		s.CollarPPM != 20_000 || s.Collar != noCollar || s.Rate != (Rate{100_000, 1000}) {
		t.Errorf("defaults %+v", s)
	}
	if s := l.Strategy(7); s.MaxPosition != 50 || s.MaxQty != 100 || s.Rate != (Rate{1_000_000, 100}) {
		t.Errorf("strategy 7 %+v", s)
	}
	if i := l.Instrument(5602); i == nil || i.Multiplier != 50 || i.Collar != 25*1e9 || i.Symbol != "ESH4" || i.MaxQty != noQty {
		t.Errorf("instrument 5602 %+v", i)
	}
	if i := l.Instrument(1); i != nil {
		t.Errorf("instrument 1, which is not listed: %+v", i)
	}
	if n, others := l.Instruments(); n != 2 || others || l.Strategies() != 1 {
		t.Errorf("%d instruments, others %t, %d strategies", n, others, l.Strategies())
	}
}

func TestParse(t *testing.T) {
	l, err := Parse("limits.yaml", []byte(good+"  others: {max_qty: 1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := l.Strategy(9)
	if s.MaxNotional != (Notional{0, 5_000_000_250_000_000}) || s.MaxPosition != noQty {
		t.Errorf("%+v", s)
	}
	if i := l.Instrument(7); i == nil || i.MaxQty != 1 {
		t.Errorf("other instruments: %+v", i)
	}
	large, err := Parse("", []byte(strings.Replace(good, "5_000_000.25", "999999999999999999.999999999", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if n := large.Strategy(1).MaxNotional; n.Hi == 0 {
		t.Errorf("largest notional %+v", n)
	}
}

// Every fault is found, with its line.
func TestFaults(t *testing.T) {
	edit := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "l:1: there is nothing in it"},
		{"comment only", "# nothing\n", "l:1: there is nothing in it"},
		{"scalar", "5\n", "l:1: the file: want 'name: value' lines, not '5'"},
		{"list", "- a\n", "l:1: the file: want 'name: value' lines, not a list"},
		{"tab", "defaults:\n\tmax_qty: 1\n", "l:2: not YAML"},
		{"open quote", "defaults:\n  max_qty: \"1\n", "l:2: not YAML"},
		{"open list", "defaults:\n  max_qty: [1,2\n\ninstruments: {}\n", "l:2: not YAML: did not find expected ',' or ']'"},
		{"open mapping", "a: 1\nb: {c: 1\n", "l:2: not YAML: did not find expected ',' or '}'"},
		{"stray bracket", "a: 1\n\n}\n", "l:3: not YAML: did not find expected key"},
		{"less indented", "a:\n  b: 1\n c: 2\n", "l:3: not YAML: did not find expected key"},
		{"two colons", "a: 1\nb: 2: 3\n", "l:2: not YAML: mapping values"},
		{"no such anchor", "a: 1\n\nb: *x\n", "l:3: not YAML: unknown anchor 'x'"},
		{"not UTF-8", "a: 1\nb: \xff\n", "l:2: not YAML: a byte that is no text"},
		{"UTF-16", "\xff\xfea\x00", "l:1: not YAML: a byte that is no text"},
		{"control character", "a: 1\n\nb: \x01\n", "l:3: not YAML: a byte that is no text"},
		{"two documents", good + "---\na: 1\n", "l:10: a second document"},
		{"unknown section", good + "more: 1\n", "l:10: unknown name 'more'; here are known: defaults, strategies, instruments"},
		{"no defaults", "instruments: {1: {}}\n", "l:1: 'defaults' is missing"},
		{"no instruments", strings.Split(good, "instruments")[0], "l:1: 'instruments' is missing"},
		{"empty instruments", edit("  42: {}\n", "  {}\n"), "no instruments, so nothing could be traded"},
		{"default missing", edit("  max_orders: 10\n", ""), "l:1: defaults: 'max_orders' is missing; say 'none' for no limit"},
		{"unknown limit", edit("max_qty", "max_quantity"), "l:2: unknown name 'max_quantity'; here are known: max_qty,"},
		{"twice", edit("  max_orders: 10\n", "  max_orders: 10\n  max_qty: 5\n"), "l:6: defaults: 'max_qty' is there twice, first in line 2"},
		{"instrument twice", good + "  42: {}\n", "l:10: instruments: '42' is there twice, first in line 9"},
		{"instrument twice in two ways", good + "  4_2: {}\n", "l:10: instrument 42 is there twice"},
		{"quoted", edit("100", `"100"`), "l:2: max_qty: want a whole number from 0 to 2147483647, not '100'"},
		{"fraction", edit("100", "1.5"), "l:2: max_qty: want a whole number from 0 to 2147483647, not '1.5'"},
		{"negative", edit("100", "-1"), "l:2: max_qty: -1 is not from 0 to 2147483647"},
		{"hexadecimal", edit("100", "0x64"), "l:2: max_qty: want a whole number"},
		{"octal", edit("100", "0100"), "l:2: max_qty: want a whole number"},
		{"exponent", edit("5_000_000.25", "5e6"), "l:3: max_notional: want a number, not '5e6'"},
		{"infinite", edit("5_000_000.25", ".inf"), "l:3: max_notional: want a number, not '.inf'"},
		{"negative amount", edit("5_000_000.25", "-5"), "l:3: max_notional: want a number, not '-5'"},
		{"too exact", edit("5_000_000.25", "0.0000000001"), "l:3: max_notional: 0.0000000001 has more than 9 digits"},
		{"too large", edit("100", "99999999999999999999"), "l:2: max_qty: "},
		{"nothing", edit(" 100", ""), "l:2: max_qty: want a whole number from 0 to 2147483647, not emptiness"},
		{"list of values", edit("100", "[100]"), "l:2: max_qty: want a whole number from 0 to 2147483647, not a list"},
		{"tagged", edit("100", "!!int 100"), "l:2: max_qty: want a whole number"},
		{"alias", edit("10\n", "*a\n"), "l:"},
		{"rate 0", edit("1000\n", "0\n"), "l:7: rate: 0 is not from 1 to 1000000000"},
		{"burst without rate", edit("  rate: 1000\n", "  rate: none\n  burst: 5\n"), "l:8: 'burst' goes with a rate"},
		{"burst 0", edit("  rate: 1000\n", "  rate: 1000\n  burst: 0\n"), "l:8: burst: 0 is not from 1"},
		{"strategy 0", good + "strategies: {0: {max_qty: 1}}\n", "l:10: number of a strategy: 0 is not from 1 to 65279"},
		{"strategy by name", good + "strategies:\n  alpha: {max_qty: 1}\n", "l:11: number of a strategy: want a whole number"},
		{"instrument by name", good + "  ESH4: {}\n", "l:10: instrument_id, or 'others': want a whole number"},
		{"instrument too large", good + "  4294967296: {}\n", "l:10: instrument_id, or 'others': 4294967296 is not"},
		{"multiplier 0", edit("42: {}", "42: {multiplier: 0}"), "l:9: multiplier: 0 is not from 1"},
		{"rate of an instrument", edit("42: {}", "42: {rate: 5}"), "l:9: unknown name 'rate'"},
		{"symbol list", edit("42: {}", "42: {symbol: [a]}"), "l:9: symbol: want a name"},
		{"merge key", edit("42: {}", "42: {<<: {max_qty: 1}}"), "l:9:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("l", []byte(c.text))
			if !errors.Is(err, ErrLimits) || !strings.HasPrefix(err.Error(), "invalid limits: "+c.want) && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
		})
	}
}

// A rate that does not divide a second is rounded to the slower side.
func TestRateIsNotExceeded(t *testing.T) {
	for _, n := range []uint64{1, 3, 7, 1000, 1_500_000, 600_000_000, 1_000_000_000} {
		l, err := Parse("", []byte(strings.Replace(good, "rate: 1000", fmt.Sprint("rate: ", n), 1)))
		if err != nil {
			t.Fatal(err)
		}
		if r := l.Strategy(1).Rate; r.Interval*n < 1e9 {
			t.Errorf("%d a second: one every %d ns", n, r.Interval)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "limits.yaml")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(good+"x: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrLimits) || !strings.Contains(err.Error(), path+":10: unknown name 'x'") {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
}

// FuzzParse: whatever a file has, it is limits or one error of a line with a place.
func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add(Example)
	f.Add("a: &a [*a]\n")
	f.Add("? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse("f", []byte(text))
		if (l == nil) == (err == nil) {
			t.Fatalf("limits %v and error %v", l, err)
		}
		if err == nil {
			if l.Strategy(1) == nil {
				t.Fatal("no limits for strategy 1")
			}
			return
		}
		if !errors.Is(err, ErrLimits) || strings.Contains(err.Error(), "\n") {
			t.Fatalf("%q", err)
		}
		var line int
		if _, err2 := fmt.Sscanf(strings.TrimPrefix(err.Error(), "invalid limits: f:"), "%d:", &line); err2 != nil || line < 1 {
			t.Fatalf("no place: %q", err)
		}
	})
}
