package order

import (
	"math/bits"
	"strconv"
	"strings"
)

// Int128 is a signed number of 128 bits: a sum of prices times quantities, in 1e-9. It
// wraps around beyond that, which no sum of fills reaches.
type Int128 struct {
	Lo uint64
	Hi int64
}

// mul returns price times qty.
func mul(price int64, qty int64) Int128 {
	hi, lo := bits.Mul64(uint64(price), uint64(qty))
	// As unsigned numbers they are 1<<64 too large each if negative.
	h := int64(hi)
	if price < 0 {
		h -= qty
	}
	if qty < 0 {
		h -= price
	}
	return Int128{lo, h}
}

// Add returns a + b.
func (a Int128) Add(b Int128) Int128 {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	hi, _ := bits.Add64(uint64(a.Hi), uint64(b.Hi), carry)
	return Int128{lo, int64(hi)}
}

// Sub returns a - b.
func (a Int128) Sub(b Int128) Int128 {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(uint64(a.Hi), uint64(b.Hi), borrow)
	return Int128{lo, int64(hi)}
}

// Cmp is -1, 0 or 1 as a is below, equal to or above b.
func (a Int128) Cmp(b Int128) int {
	switch {
	case a == b:
		return 0
	case a.Hi < b.Hi, a.Hi == b.Hi && a.Lo < b.Lo:
		return -1
	}
	return 1
}

// magnitude returns the absolute value in two halves.
func (a Int128) magnitude() (hi, lo uint64, negative bool) {
	if a.Hi < 0 {
		a, negative = Int128{}.Sub(a), true
	}
	return uint64(a.Hi), a.Lo, negative
}

// Float64 returns a divided by 1e9, as near as a float64 comes.
func (a Int128) Float64() float64 {
	hi, lo, negative := a.magnitude()
	f := (float64(hi)*(1<<64) + float64(lo)) / 1e9
	if negative {
		return -f
	}
	return f
}

// String returns a divided by 1e9, exactly: "-12.5".
func (a Int128) String() string {
	hi, lo, negative := a.magnitude()
	const e9 = 1_000_000_000
	// Three digits to the base of 1e18, the last of which has the fraction.
	const e18 = e9 * e9
	q1, r := hi/e18, hi%e18
	q0, last := bits.Div64(r, lo, e18)
	// The number is (q1<<64 + q0) * e18 + last.
	r = q1 % e18
	top, mid := bits.Div64(r, q0, e18)
	var b []byte
	if negative {
		b = append(b, '-')
	}
	switch {
	case top != 0:
		b = strconv.AppendUint(b, top, 10)
		b = appendDigits(b, mid, 18)
		b = appendDigits(b, last/e9, 9)
	case mid != 0:
		b = strconv.AppendUint(b, mid, 10)
		b = appendDigits(b, last/e9, 9)
	default:
		b = strconv.AppendUint(b, last/e9, 10)
	}
	if f := last % e9; f != 0 {
		b = append(b, '.')
		b = appendDigits(b, f, 9)
		return strings.TrimRight(string(b), "0")
	}
	return string(b)
}

// appendDigits appends v with leading zeros, n digits.
func appendDigits(b []byte, v uint64, n int) []byte {
	var d [20]byte
	for i := n - 1; i >= 0; i-- {
		d[i] = byte('0' + v%10)
		v /= 10
	}
	return append(b, d[:n]...)
}
