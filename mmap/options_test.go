package mmap

import (
	"errors"
	"math"
	"testing"
)

func TestRangeCheck(t *testing.T) {
	for _, r := range []Range{{}, {1, 0}, {0, math.MaxInt64}, {math.MaxInt64, 0}, {math.MaxInt64 - 1, 1}} {
		if err := r.check(); err != nil {
			t.Errorf("%v: %v", r, err)
		}
	}
	for _, r := range []Range{{-1, 0}, {0, -1}, {1, math.MaxInt64}, {math.MaxInt64, math.MaxInt64}} {
		if err := r.check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v", r, err)
		}
	}
}

func TestStrings(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Range{}.String(), "bytes 0 to the end"},
		{Range{64, 8}.String(), "bytes 64 to 71"},
		{ReadOnly.String(), "reading"},
		{ReadWrite.String(), "reading and writing"},
		{Access(9).String(), "access 9"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
