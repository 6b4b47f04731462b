package itch

import "strconv"

// Alpha2, Alpha4 and Alpha8 are text fields: ASCII, left justified, padded with
// spaces on the right.
type (
	Alpha2 [2]byte
	Alpha4 [4]byte
	Alpha8 [8]byte
)

// NewAlpha2 pads s with spaces; what is longer than 2 bytes is cut off.
func NewAlpha2(s string) (a Alpha2) { pad(a[:], s); return a }

// NewAlpha4 pads s with spaces; what is longer than 4 bytes is cut off.
func NewAlpha4(s string) (a Alpha4) { pad(a[:], s); return a }

// NewAlpha8 pads s with spaces; what is longer than 8 bytes is cut off.
func NewAlpha8(s string) (a Alpha8) { pad(a[:], s); return a }

// String returns the text without the padding.
func (a Alpha2) String() string { return string(unpad(a[:])) }

// String returns the text without the padding.
func (a Alpha4) String() string { return string(unpad(a[:])) }

// String returns the text without the padding.
func (a Alpha8) String() string { return string(unpad(a[:])) }

func pad(dst []byte, s string) {
	for i := copy(dst, s); i < len(dst); i++ {
		dst[i] = ' '
	}
}

func unpad(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// Char is a field of one letter, digit or space.
type Char byte

// String returns the character, or its number, as "0x07", if it cannot be printed.
func (c Char) String() string {
	if c == ' ' {
		return " "
	}
	return Type(c).String()
}

// Price4 is a price in 1/10000 dollar. The largest price Nasdaq accepts is
// 200,000.0000; no price is 0.
type Price4 uint32

// Price8 is a price in 1/100000000 dollar.
type Price8 uint64

// Nano returns the price in 1e-9 dollar, the unit of DBN.
func (p Price4) Nano() int64 { return int64(p) * 100_000 }

// String returns the price in dollars with four decimals.
func (p Price4) String() string { return decimal(uint64(p), 4) }

// String returns the price in dollars with eight decimals.
func (p Price8) String() string { return decimal(uint64(p), 8) }

func decimal(v uint64, places int) string {
	s := strconv.FormatUint(v, 10)
	for len(s) <= places {
		s = "0" + s
	}
	return s[:len(s)-places] + "." + s[len(s)-places:]
}

// Letters of the fields that a reader of the order flow has to understand. The
// other one-letter fields are passed on as they are.
const (
	Buy  Char = 'B' // BuySellIndicator
	Sell Char = 'S'

	Yes Char = 'Y' // Printable and other flags
	No  Char = 'N'

	EventStartOfMessages    Char = 'O' // EventCode, in the order of the day
	EventStartOfSystemHours Char = 'S'
	EventStartOfMarketHours Char = 'Q'
	EventEndOfMarketHours   Char = 'M'
	EventEndOfSystemHours   Char = 'E'
	EventEndOfMessages      Char = 'C'

	StateHalted    Char = 'H' // TradingState
	StatePaused    Char = 'P'
	StateQuoteOnly Char = 'Q'
	StateTrading   Char = 'T'

	CrossOpening Char = 'O' // CrossType
	CrossClosing Char = 'C'
	CrossHalt    Char = 'H' // IPO, or reopening after a halt
	CrossIntra   Char = 'I' // intraday and post-close cross (not in use)
)
