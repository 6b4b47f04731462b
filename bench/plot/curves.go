package plot

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/internal/text"
)

// nines is where a percentile stands on the axis: 0 at 0 %, 1 at 90 %, 2 at 99 %. The
// last nine is as far from the one before as that from the one before it.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

// Curves draws distributions: percentiles by nines to the right, time upwards, both by powers
// of ten. A curve without points is left out.
func Curves(title string, curves []bench.Curve) (*Picture, error) {
	p := newPlot(title)
	legend := newLegend()
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridColor, gridColor
	p.Add(grid)
	n, right := 0, 1.0
	low, high := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		points := curvePoints(c.Points)
		if len(points) == 0 {
			continue
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		if c.Limit {
			line.LineStyle = limitStyle()
		} else {
			line.LineStyle = lineStyle(n)
			n++
		}
		p.Add(line)
		legend.Add(c.Name, line)
		for _, at := range points {
			right, low, high = max(right, at.X), min(low, at.Y), max(high, at.Y)
		}
	}
	p.X.Label.Text, p.Y.Label.Text = "percentile", "latency"
	p.X.Min, p.X.Max = 0, right
	p.X.Tick.Marker = percentileTicks(right)
	p.Y.Scale = plot.LogScale{}
	p.Y.Min, p.Y.Max = roundLog(low, false), roundLog(high, true)
	p.Y.Tick.Marker = timeTicks{}
	return &Picture{plot: p, legend: &legend, height: pictureHeight}, nil
}

// curvePoints are those of a curve on the plot's axes. Its end, the largest value, is at no
// place on the axis; it stands above the last that is.
func curvePoints(points []bench.Point) (xys plotter.XYs) {
	for _, p := range points {
		x := nines(p.Percentile)
		switch {
		case p.Ns <= 0 || math.IsNaN(x):
			continue
		case math.IsInf(x, 1) && len(xys) > 0:
			x = xys[len(xys)-1].X
		case math.IsInf(x, 1):
			x = 0
		}
		xys = append(xys, plotter.XY{X: x, Y: p.Ns})
	}
	return xys
}

// percentileTicks are 0 %, 50 %, 90 % and from there on a nine more each. Where the first
// two are close, only the second is named.
func percentileTicks(right float64) plot.ConstantTicks {
	ticks := plot.ConstantTicks{{Value: nines(50), Label: "50%"}, {Value: 1, Label: "90%"}}
	if right < 6 {
		ticks = append(plot.ConstantTicks{{Value: 0, Label: "0%"}}, ticks...)
	}
	label := "99"
	for x := 2.0; x <= right; x++ {
		ticks = append(ticks, plot.Tick{Value: x, Label: label + "%"})
		if x == 2 {
			label += "."
		}
		label += "9"
	}
	return ticks
}

// timeTicks are those of a logarithmic axis of ns: 1, 2 and 5 of each power of ten, all of
// them named if there are few.
type timeTicks struct{}

func (timeTicks) Ticks(low, high float64) []plot.Tick {
	few := math.Log10(high/low) < 4
	var ticks []plot.Tick
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, digit := range []float64{1, 2, 5} {
			v := digit * math.Pow(10, power)
			if v < low*0.999 || v > high*1.001 {
				continue
			}
			t := plot.Tick{Value: v}
			if few || digit == 1 {
				t.Label = text.Round(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// roundLog rounds to 1, 2 or 5 times a power of ten.
func roundLog(v float64, up bool) float64 {
	if v <= 0 || math.IsInf(v, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	below := power
	for _, digit := range []float64{1, 2, 5, 10} {
		at := digit * power
		if up && at >= v*0.999 {
			return at
		}
		if at <= v*1.001 {
			below = at
		}
	}
	return below
}
