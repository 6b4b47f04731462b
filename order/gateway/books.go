package gateway

import (
	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/order/risk"
)

// noBooks knows no best prices: of market by order only trades count.
type noBooks struct{}

func newBooks() books { return noBooks{} }

func (noBooks) apply(*dbn.MboMsg)                {}
func (noBooks) best(uint32) (int64, int64, bool) { return risk.NoPrice, risk.NoPrice, true }
func (noBooks) clear()                           {}
