package bench

// A result may say more for plots than curves.

// Bar is a rate.
type Bar struct {
	Name  string  `json:"name"`
	Rate  float64 `json:"msgs_per_s"`
	Limit bool    `json:"limit,omitempty"` // it is what the machine allows
}

// Barred is a result that has rates.
type Barred interface {
	Result
	Bars() []Bar
}

// Dot is what one way to wait costs and what one gets for it.
type Dot struct {
	Name string  `json:"name"`
	CPU  float64 `json:"cpu_percent"` // of one CPU
	Ns   float64 `json:"ns"`          // latency, p50
	Tail float64 `json:"tail_ns"`     // latency, p99
}

// Dotted is a result that sets latency against CPU.
type Dotted interface {
	Result
	Dots() []Dot
}

// Bars are the streams, the limit first.
func (r *ThroughputResult) Bars() []Bar {
	if r.Limit == 0 {
		return nil
	}
	bars := []Bar{{"limit: lines of memory", r.Limit, true}}
	for _, s := range r.Streams {
		bars = append(bars, Bar{Name: s.Name, Rate: s.Rate})
	}
	return bars
}

// Bars are the streams of lines.
func (r *LimitResult) Bars() []Bar {
	var bars []Bar
	for _, s := range r.Streams {
		bars = append(bars, Bar{"lines through " + sizeText(s.Capacity), s.Rate, true})
	}
	return bars
}

// Bars are the streams of those ways that are to be had.
func (r *IPCResult) Bars() []Bar {
	var bars []Bar
	for _, w := range r.Ways {
		if w.Rate > 0 {
			bars = append(bars, Bar{w.Name, w.Rate, w.Name == limitWay})
		}
	}
	return bars
}
