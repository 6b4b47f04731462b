package main

import (
	"slices"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

// A spread is one figure over the rounds.
type spread struct {
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Rounds []float64 `json:"rounds"` // in order, those in which it was measured
}

// newSpread is nil for no figures.
func newSpread(figures []float64) *spread {
	if len(figures) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	return &spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1], figures}
}

// An entry is what all rounds together say of one of those compared.
type entry struct {
	Peer        string   `json:"peer"`
	Version     string   `json:"version,omitempty"`
	Language    string   `json:"language,omitempty"`
	Processes   int      `json:"processes,omitempty"`
	Differences string   `json:"differences,omitempty"`
	Skipped     string   `json:"skipped,omitempty"` // why it did not run at all
	Faults      []string `json:"faults,omitempty"`  // runs without a result

	RTT        *trips  `json:"rtt,omitempty"`
	Throughput *stream `json:"throughput,omitempty"`
}

type trips struct {
	Samples int64   `json:"samples"` // of all rounds
	P50     *spread `json:"p50_ns"`
	P90     *spread `json:"p90_ns"`
	P99     *spread `json:"p99_ns"`
	P999    *spread `json:"p999_ns"`
	P9999   *spread `json:"p9999_ns"`
	Max     *spread `json:"max_ns"`
	ClockNs *spread `json:"clock_ns,omitempty"`

	// Ratios to the others of the same round; above 1 is slower.
	P50ToLimit    *spread `json:"p50_to_limit,omitempty"`
	P99ToLimit    *spread `json:"p99_to_limit,omitempty"`
	P50ToTickring *spread `json:"p50_to_tickring,omitempty"`
	P99ToTickring *spread `json:"p99_to_tickring,omitempty"`

	Curve [][2]float64 `json:"curve,omitempty"` // [percentile, ns], the median of the rounds
}

type stream struct {
	PerSecond *spread `json:"msgs_per_s"`
	Delivered int64   `json:"delivered"` // of all rounds
	Lost      int64   `json:"lost"`

	// Ratios to the others of the same round; below 1 is slower.
	ToLimit    *spread `json:"to_limit,omitempty"`
	ToTickring *spread `json:"to_tickring,omitempty"`
}

// merge puts the rounds of the one called name together.
func merge(name string, rounds []round) entry {
	e := entry{Peer: name}
	var some bool
	for _, r := range rounds {
		for _, v := range r[name] {
			e.Version, e.Language, e.Processes, e.Differences = v.Version, v.Language, v.Processes, v.Differences
			some = true
		}
	}
	if some {
		e.RTT, e.Throughput = mergeTrips(name, rounds), mergeStream(name, rounds)
	}
	return e
}

func mergeTrips(name string, rounds []round) *trips {
	var all []*result.Trips
	var t trips
	for _, r := range rounds {
		if v := r[name][result.RTT]; v.Trips != nil {
			all = append(all, v.Trips)
			t.Samples += v.Samples
		}
	}
	if len(all) == 0 {
		return nil
	}
	figure := func(of func(*result.Trips) float64) *spread {
		var figures []float64
		for _, v := range all {
			figures = append(figures, of(v))
		}
		return newSpread(figures)
	}
	p50 := func(v *result.Trips) float64 { return v.P50 }
	p99 := func(v *result.Trips) float64 { return v.P99 }
	t.P50, t.P99 = figure(p50), figure(p99)
	t.P90 = figure(func(v *result.Trips) float64 { return v.P90 })
	t.P999 = figure(func(v *result.Trips) float64 { return v.P999 })
	t.P9999 = figure(func(v *result.Trips) float64 { return v.P9999 })
	t.Max = figure(func(v *result.Trips) float64 { return v.Max })
	var clocks []float64
	for _, v := range all {
		if v.ClockNs > 0 {
			clocks = append(clocks, v.ClockNs)
		}
	}
	t.ClockNs = newSpread(clocks)

	ratio := func(to string, of func(*result.Trips) float64) *spread {
		return ratios(name, to, rounds, func(v result.Result) float64 {
			if v.Trips == nil {
				return 0
			}
			return of(v.Trips)
		}, result.RTT)
	}
	t.P50ToLimit, t.P99ToLimit = ratio(limitName, p50), ratio(limitName, p99)
	t.P50ToTickring, t.P99ToTickring = ratio(tickringName, p50), ratio(tickringName, p99)
	t.Curve = mergeCurves(all)
	return &t
}

func mergeStream(name string, rounds []round) *stream {
	var s stream
	var rates []float64
	for _, r := range rounds {
		if v := r[name][result.Throughput]; v.Stream != nil {
			rates = append(rates, v.PerSecond)
			s.Delivered += v.Delivered
			s.Lost += v.Lost
		}
	}
	if len(rates) == 0 {
		return nil
	}
	rate := func(v result.Result) float64 {
		if v.Stream == nil {
			return 0
		}
		return v.PerSecond
	}
	s.PerSecond = newSpread(rates)
	s.ToLimit = ratios(name, limitName, rounds, rate, result.Throughput)
	s.ToTickring = ratios(name, tickringName, rounds, rate, result.Throughput)
	return &s
}

// ratios divides a figure of the one by that of the other, round by round. nil where there is
// nothing to divide, and for one by itself.
func ratios(name, to string, rounds []round, figure func(result.Result) float64, kind string) *spread {
	if name == to {
		return nil
	}
	var all []float64
	for _, r := range rounds {
		a, b := figure(r[name][kind]), figure(r[to][kind])
		if a > 0 && b > 0 {
			all = append(all, a/b)
		}
	}
	return newSpread(all)
}

// mergeCurves takes the median of the rounds at each percentile that every round has.
func mergeCurves(all []*result.Trips) [][2]float64 {
	at := map[float64][]float64{}
	for _, v := range all {
		for _, p := range v.Curve {
			at[p[0]] = append(at[p[0]], p[1])
		}
	}
	var curve [][2]float64
	for percentile, ns := range at {
		if len(ns) == len(all) {
			curve = append(curve, [2]float64{percentile, newSpread(ns).Median})
		}
	}
	slices.SortFunc(curve, func(a, b [2]float64) int {
		if a[0] < b[0] {
			return -1
		}
		return 1
	})
	return curve
}
