package gaps

// buckets is the number of them in Counts.
const buckets = 11

// Bounds are those of Counts, in ns.
func Bounds() [buckets]float64 {
	return [...]float64{200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7}
}

// Counts is how many gaps took Bounds()[i] or more and less than the next bound.
type Counts [buckets]int64

// Add counts a gap. One below the first bound counts as there.
func (c *Counts) Add(ns uint64) {
	bounds := Bounds()
	i := len(bounds) - 1
	for i > 0 && float64(ns) < bounds[i] {
		i--
	}
	c[i]++
}

// Range is how many gaps took From or more and less than To. The last has no To.
type Range struct {
	From  float64 `json:"from_ns"`
	To    float64 `json:"to_ns,omitempty"`
	Count int64   `json:"count"`
}

// Ranges returns all of them, also those without a gap.
func (c *Counts) Ranges() []Range {
	bounds := Bounds()
	list := make([]Range, 0, len(c))
	for i, count := range c {
		r := Range{From: bounds[i], Count: count}
		if i+1 < len(bounds) {
			r.To = bounds[i+1]
		}
		list = append(list, r)
	}
	return list
}
