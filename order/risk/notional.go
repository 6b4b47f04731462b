package risk

import "math/bits"

// Notional is an amount of money in 1e-9, with 128 bits.
type Notional struct{ Hi, Lo uint64 }

var noNotional = Notional{^uint64(0), ^uint64(0)}

// notional returns price times quantity times multiplier. It fits: 63 bits, 31 and 32.
func notional(price uint64, qty uint32, multiplier uint32) Notional {
	hi, lo := bits.Mul64(price, uint64(qty)*uint64(multiplier))
	return Notional{hi, lo}
}

// above says whether n is more than m.
func (n Notional) above(m Notional) bool {
	return n.Hi > m.Hi || n.Hi == m.Hi && n.Lo > m.Lo
}
