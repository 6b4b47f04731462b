package fix

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/tickring/tickring/order"
)

func TestPricesAreExact(t *testing.T) {
	for _, px := range []int64{0, 1, -1, 5_000_250_000_000, -5_000_250_000_000, 999_999_999, 1_000_000_000, 1_000_000_001,
		math.MaxInt64 - 15, -(math.MaxInt64 - 15), 37_630_000_000} {
		s := formatPrice(px)
		got, exact, err := parsePrice(s)
		if err != nil || !exact || got != px {
			t.Errorf("%d is %q, which is %d, %v, %v", px, s, got, exact, err)
		}
		want := new(big.Rat).SetFrac(big.NewInt(px), big.NewInt(scale))
		if r, ok := new(big.Rat).SetString(s); !ok || r.Cmp(want) != 0 {
			t.Errorf("%d is not %s", px, s)
		}
	}
	for _, c := range []struct {
		s     string
		px    int64
		exact bool
	}{{"5000.25", 5_000_250_000_000, true}, {".5", 500_000_000, true}, {"5.", 5_000_000_000, true}, {"007", 7_000_000_000, true},
		{"0.0000000004", 0, false}, {"0.0000000005", 1, false}, {"-0.0000000015", -2, false}, {"1.10000000000", 1_100_000_000, true}} {
		if px, exact, err := parsePrice(c.s); err != nil || px != c.px || exact != c.exact {
			t.Errorf("%q is %d, %v, %v; want %d, %v", c.s, px, exact, err, c.px, c.exact)
		}
	}
	for _, s := range []string{"", "-", ".", "x", "1x", "1.x", "1.000000000x", "--1", "+1", "1e5", "1.2.3", " 1", "9300000000", strings.Repeat("9", 40)} {
		if px, _, err := parsePrice(s); err == nil {
			t.Errorf("%q is %d", s, px)
		}
	}
}

func TestQuantities(t *testing.T) {
	for s, want := range map[string]int32{"1": 1, "0": 0, "100.00": 100, "2147483647": math.MaxInt32} {
		if got, err := parseQty(s); err != nil || got != want {
			t.Errorf("%q is %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-1", "1.5", "2147483648", "x", "1e3"} {
		if got, err := parseQty(s); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
}

func FuzzParsePrice(f *testing.F) {
	for _, s := range []string{"5000.25", "-0.0000000015", ".5", "9223372036.854775807", "1x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		px, exact, err := parsePrice(s)
		if err != nil {
			return
		}
		r, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is no number, and was read as %d", s, px)
		}
		d := r.Sub(r, new(big.Rat).SetFrac(big.NewInt(px), big.NewInt(scale)))
		if exact && d.Sign() != 0 || d.Abs(d).Cmp(big.NewRat(1, 2*scale)) > 0 {
			t.Errorf("%q was read as %d", s, px)
		}
	})
}

func TestClOrdIDs(t *testing.T) {
	for _, c := range []struct {
		id  clOrdID
		seq uint64
		s   string
	}{{clOrdID{7, 42}, 9, "7-42"}, {clOrdID{65279, 1<<63 - 1}, 9, "65279-9223372036854775807"}, {clOrdID{7, order.GatewayBit | 42}, 9, "7-42.9"}} {
		if got := c.id.format(c.seq); got != c.s {
			t.Errorf("%+v is %q", c.id, got)
		}
		if id, ok := parseClOrdID(c.s); !ok || id != c.id {
			t.Errorf("%q is %+v, %v", c.s, id, ok)
		}
	}
	for _, s := range []string{"", "7", "7-", "-7", "0-1", "7-0", "65536-1", "7-1.", "7-1.x", "a-b", "7-9223372036854775808", "7--1"} {
		if id, ok := parseClOrdID(s); ok {
			t.Errorf("%q is %+v", s, id)
		}
	}
}
