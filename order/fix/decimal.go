package fix

import (
	"errors"
	"strconv"
	"strings"
)

// scale is the 1e9 of a price.
const (
	digits = 9
	scale  = 1_000_000_000
)

var errDecimal = errors.New("not a decimal number")

// formatPrice writes a price in 1e-9 as the decimal that it is, without trailing zeros.
func formatPrice(px int64) string {
	u := uint64(px)
	sign := ""
	if px < 0 {
		u, sign = -u, "-"
	}
	whole, part := u/scale, u%scale
	s := sign + strconv.FormatUint(whole, 10)
	if part == 0 {
		return s
	}
	frac := strconv.FormatUint(scale+part, 10)[1:]
	return s + "." + strings.TrimRight(frac, "0")
}

// parsePrice reads a decimal as a price in 1e-9. What is finer than that is rounded to the
// nearest, away from zero between two, and exact is false then.
func parsePrice(s string) (px int64, exact bool, err error) {
	text, negative := strings.CutPrefix(s, "-")
	whole, frac, _ := strings.Cut(text, ".")
	if whole == "" && frac == "" {
		return 0, false, errDecimal
	}
	exact = true
	var u uint64
	for i, places := 0, 0; i < len(whole)+digits; i++ {
		d := byte('0')
		switch {
		case i < len(whole):
			d = whole[i]
		case places < len(frac):
			d = frac[places]
			fallthrough
		default:
			places++
		}
		if d < '0' || d > '9' {
			return 0, false, errDecimal
		}
		if u > (1<<63-10)/10 {
			return 0, false, strconv.ErrRange
		}
		u = u*10 + uint64(d-'0')
	}
	if len(frac) > digits {
		for _, d := range []byte(frac[digits:]) {
			if d < '0' || d > '9' {
				return 0, false, errDecimal
			}
			exact = exact && d == '0'
		}
		if frac[digits] >= '5' {
			u++
		}
	}
	if negative {
		return -int64(u), exact, nil
	}
	return int64(u), exact, nil
}

// parseQty reads a quantity: a decimal that is a whole number and fits.
func parseQty(s string) (int32, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if strings.Trim(frac, "0") != "" {
		return 0, errDecimal
	}
	n, err := strconv.ParseUint(whole, 10, 31)
	return int32(n), err
}
