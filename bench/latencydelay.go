package bench

import "github.com/tickring/tickring/internal/tick"

// Delays sums up times between events on two CPUs, in ns. One is negative where the
// counter of the second CPU is behind that of the first by more than the time took.
// Negative ones are counted and are not in the percentiles.
type Delays struct {
	Percentiles
	Negative     uint64  `json:"negative"`
	MostNegative float64 `json:"most_negative_ns"` // 0 or less
}

// delays collects such times.
type delays struct {
	d        *dist
	negative uint64
	least    int64 // ns
}

func newDelays() *delays { return &delays{d: newDist()} }

func (d *delays) record(ticks int64, scale tick.Scale) {
	if ticks < 0 {
		d.negative++
		d.least = min(d.least, -int64(scale.Ns(uint64(-ticks))))
		return
	}
	d.d.record(scale.Ns(uint64(ticks)))
}

func (d *delays) sum() Delays { return Delays{d.d.sum(), d.negative, float64(d.least)} }

// delaysWire is delays on their way from the other process.
type delaysWire struct {
	Dist     wire
	Negative uint64
	Least    int64
}

func (d *delays) wire() (delaysWire, error) {
	w, err := d.d.wire()
	return delaysWire{w, d.negative, d.least}, err
}

func (w delaysWire) delays() (*delays, error) {
	d, err := w.Dist.dist()
	return &delays{d, w.Negative, w.Least}, err
}
