package book

import "strconv"

// Stats counts what was done.
type Stats struct {
	Records   uint64
	Orders    int // live now
	Books     int
	Anomalies [Anomalies]uint64
}

// Anomaly is a way in which a record did not fit.
type Anomaly uint8

const (
	UnknownOrder   Anomaly = iota // C or M of an order that is not there. C: nothing; M: added
	DuplicateOrder                // A of an order that is there: it took the old one's place
	OtherSide                     // M with another side than the order's: moved there
	BadSide                       // A or M with neither side: nothing
	BadPrice                      // A or M without a price: nothing
	BadSize                       // A, C or M of no size. A and C: nothing; M: the order is gone
	TooLarge                      // C of more than the order had: the order is gone
	UnknownAction                 // nothing
	CrossedBook                   // after FlagLast, the best bid is not below the best ask

	Anomalies = iota // how many there are
)

var anomalies = [Anomalies]string{
	"unknown order", "duplicate order", "other side", "bad side", "bad price", "bad size", "too large a cancel",
	"unknown action", "crossed book",
}

func (a Anomaly) String() string {
	if int(a) < len(anomalies) {
		return anomalies[a]
	}
	return "anomaly " + strconv.Itoa(int(a))
}
