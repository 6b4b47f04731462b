package plot

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tickring/tickring/bench"
)

// Dots draws latency against CPU: a full dot for p50, a hollow one for p99, a line
// between the two.
func Dots(title string, dots []bench.Dot) (*Picture, error) {
	p := newPlot(title)
	legend := newLegend()
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridColor, gridColor
	p.Add(grid)
	low, high, right := math.Inf(1), math.Inf(-1), 0.0
	for i, d := range dots {
		if d.Ns <= 0 {
			continue
		}
		tail := max(d.Tail, d.Ns)
		style := lineStyle(i)
		line, err := plotter.NewLine(plotter.XYs{{X: d.CPU, Y: d.Ns}, {X: d.CPU, Y: tail}})
		if err != nil {
			return nil, err
		}
		line.LineStyle = style
		p.Add(line)
		for _, end := range []struct {
			ns    float64
			shape draw.GlyphDrawer
		}{{d.Ns, draw.CircleGlyph{}}, {tail, draw.RingGlyph{}}} {
			dot, err := plotter.NewScatter(plotter.XYs{{X: d.CPU, Y: end.ns}})
			if err != nil {
				return nil, err
			}
			dot.GlyphStyle = draw.GlyphStyle{Color: style.Color, Radius: vg.Points(5), Shape: end.shape}
			p.Add(dot)
			if end.ns == d.Ns {
				legend.Add(d.Name, dot)
			}
		}
		low, high, right = min(low, d.Ns), max(high, tail), max(right, d.CPU)
	}
	p.X.Label.Text = "CPU of the subscriber, % of one"
	p.Y.Label.Text = "latency: full p50, hollow p99"
	p.X.Min, p.X.Max = 0, max(right*1.05, 1)
	p.Y.Scale = plot.LogScale{}
	p.Y.Min, p.Y.Max = roundLog(low, false), roundLog(high, true)
	p.Y.Tick.Marker = timeTicks{}
	return &Picture{plot: p, legend: &legend, height: pictureHeight}, nil
}
