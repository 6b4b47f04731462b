package fix

import (
	"strconv"
	"strings"

	"github.com/tickring/tickring/order"
)

// clOrdID names a request among all strategies.
type clOrdID struct {
	strategy uint16
	n        uint64
}

// format writes the ClOrdID as the venue gets it: "7-42"; the gateway's own cancel of it, sent
// as message seq of its ring, is "7-42.seq", so that a second one is not the first.
func (id clOrdID) format(seq uint64) string {
	s := strconv.Itoa(int(id.strategy)) + "-" + strconv.FormatUint(id.n&^order.GatewayBit, 10)
	if id.n&order.GatewayBit != 0 {
		s += "." + strconv.FormatUint(seq, 10)
	}
	return s
}

// parseClOrdID is the inverse of format. It is false for what is not one of ours.
func parseClOrdID(s string) (id clOrdID, ok bool) {
	strategy, n, ok := strings.Cut(s, "-")
	if !ok {
		return id, false
	}
	n, seq, own := strings.Cut(n, ".")
	a, err1 := strconv.ParseUint(strategy, 10, 16)
	b, err2 := strconv.ParseUint(n, 10, 63)
	if err1 != nil || err2 != nil || a == 0 || b == 0 {
		return id, false
	}
	id = clOrdID{uint16(a), b}
	if own {
		if _, err := strconv.ParseUint(seq, 10, 64); err != nil {
			return id, false
		}
		id.n |= order.GatewayBit
	}
	return id, true
}
