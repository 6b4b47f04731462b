package order

import (
	"strconv"
	"strings"
)

// Rings of a gateway called G, whose venue is called V:
//
//	G              the gateway's: every decision, every execution, and its checkpoints
//	G.in.7         requests of strategy 7
//	G.in.operator  commands of the operator
//	V              the venue's reports
//
// The gateway is a gate, called G, on all but its own; the venue is one on G, called V.

// Schema is what rings of orders say they carry.
const Schema = "tickring/order/1"

const (
	inputs   = ".in."
	operator = "operator"
)

// InputRing returns the name of the ring by which the strategy of this number, or the
// operator (RingOperator), talks to a gateway.
func InputRing(gateway string, number uint16) string {
	if number == RingOperator {
		return gateway + inputs + operator
	}
	return gateway + inputs + strconv.Itoa(int(number))
}

// InputNumber is the inverse of InputRing. It is false for other rings.
func InputNumber(gateway, ring string) (uint16, bool) {
	rest, ok := strings.CutPrefix(ring, gateway+inputs)
	if !ok {
		return 0, false
	}
	if rest == operator {
		return RingOperator, true
	}
	n, err := strconv.ParseUint(rest, 10, 16)
	if err != nil || n == 0 || n > MaxStrategy || strconv.FormatUint(n, 10) != rest {
		return 0, false
	}
	return uint16(n), true
}
