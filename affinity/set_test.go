package affinity

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseSet(t *testing.T) {
	for _, c := range []struct {
		text string
		cpus []int
		back string
	}{
		{"", []int{}, ""},
		{" \n", []int{}, ""},
		{"0\n", []int{0}, "0"},
		{"0-3,8", []int{0, 1, 2, 3, 8}, "0-3,8"},
		{"8,0-1,1-3", []int{0, 1, 2, 3, 8}, "0-3,8"},
		{"63-64,127,128,8191", []int{63, 64, 127, 128, 8191}, "63-64,127-128,8191"},
		{"007", []int{7}, "7"},
		{"5-5", []int{5}, "5"},
	} {
		s, err := ParseSet(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if !slices.Equal(s.CPUs(), c.cpus) || s.String() != c.back || s.Len() != len(c.cpus) {
			t.Errorf("%q: CPUs %v, Len %d, String %q; want %v, %q", c.text, s.CPUs(), s.Len(), s, c.cpus, c.back)
		}
		if s != SetOf(c.cpus...) {
			t.Errorf("%q differs from SetOf(%v)", c.text, c.cpus)
		}
	}
	for _, text := range []string{"x", "-1", "+1", "1-", "-", ",", "1,", ",1", "3-1", "8192", "0-8192",
		"1 2", "0x3", "1-2-3", "99999999999999999999", "0-3:2/4", "١", "1\x00"} {
		s, err := ParseSet(text)
		if !errors.Is(err, ErrSyntax) || !s.Empty() || !strings.HasPrefix(err.Error(), "affinity: CPU list ") {
			t.Errorf("%q: got %q, %v; want the empty set and ErrSyntax", text, s, err)
		}
	}
}

func TestSetOperations(t *testing.T) {
	a, b := SetOf(0, 64, 100, 8191), SetOf(64, 65)
	if got := a.Or(b).String(); got != "0,64-65,100,8191" {
		t.Error("Or:", got)
	}
	if got := a.And(b).String(); got != "64" {
		t.Error("And:", got)
	}
	if got := a.Minus(b).String(); got != "0,100,8191" {
		t.Error("Minus:", got)
	}
	if a.String() != "0,64,100,8191" || b.String() != "64-65" {
		t.Error("an operation changed its operands:", a, b)
	}
	if a.Min() != 0 || b.Min() != 64 || (Set{}).Min() != -1 {
		t.Error("Min:", a.Min(), b.Min(), Set{}.Min())
	}
	c := a
	c.Remove(64)
	c.Remove(-1)
	c.Remove(MaxCPUs)
	if c.String() != "0,100,8191" || !a.Has(64) {
		t.Error("Remove, or a copy that shares memory:", c, a)
	}
	for _, cpu := range []int{-1, MaxCPUs, -1 << 63, 1<<63 - 1} {
		if c.Add(cpu) || c.Has(cpu) {
			t.Error("took CPU", cpu)
		}
	}
	if SetOf(-1, 3, MaxCPUs) != SetOf(3) {
		t.Error("SetOf kept an impossible CPU")
	}
}

func TestSetJSON(t *testing.T) {
	in := struct{ S Set }{SetOf(1, 2, 3, 9)}
	b, err := json.Marshal(in)
	if err != nil || string(b) != `{"S":"1-3,9"}` {
		t.Fatalf("%s, %v", b, err)
	}
	out := in
	out.S = Set{}
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("got %v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"S":"3-1"}`), &out); !errors.Is(err, ErrSyntax) || out != in {
		t.Errorf("bad set: %v, %v", out, err)
	}
}

func FuzzParseSet(f *testing.F) {
	for _, s := range []string{"", "0", "0-3,8", "0-8191", "8192", "1-", "3-1", "(null)", "0,0,0", "1\n", "-", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSet(text)
		if err != nil {
			if !errors.Is(err, ErrSyntax) || len(err.Error()) > 1000 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := ParseSet(s.String())
		if err != nil || again != s {
			t.Fatalf("%q became %q, which reads as %q, %v", text, s, again, err)
		}
		if SetOf(s.CPUs()...) != s || len(s.CPUs()) != s.Len() {
			t.Fatalf("%q: CPUs() %v", text, s.CPUs())
		}
	})
}
