package plot

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tickring/tickring/bench"
)

// Bars draws rates, the first on top, each with its number.
func Bars(title string, bars []bench.Bar) (*Picture, error) {
	const each = 0.42 * vg.Inch
	p := newPlot(title)
	most := 0.0
	names := make([]string, len(bars))
	labels := &plotter.Labels{Offset: vg.Point{X: vg.Points(5)}}
	for i, b := range bars {
		y := float64(len(bars) - 1 - i)
		bar, err := plotter.NewBarChart(plotter.Values{b.Rate}, each*0.62)
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin = true, y
		bar.LineStyle.Width = 0
		bar.Color = palette[0]
		if b.Limit {
			bar.Color = limitColor
		}
		p.Add(bar)
		names[len(bars)-1-i] = b.Name
		labels.XYs = append(labels.XYs, plotter.XY{X: b.Rate, Y: y})
		labels.Labels = append(labels.Labels, RateText(b.Rate))
		labels.TextStyle = append(labels.TextStyle, text.Style{Font: sans(textSize), YAlign: draw.YCenter, Handler: plot.DefaultTextHandler})
		most = max(most, b.Rate)
	}
	p.Add(labels)
	p.NominalY(names...)
	p.Y.Tick.Label.Font = sans(textSize)
	p.X.Label.Text = "million messages a second"
	p.X.Min, p.X.Max = 0, max(most*1.14, 1)
	p.X.Tick.Marker = millions{}
	p.Y.Min, p.Y.Max = -0.6, float64(len(bars))-0.4
	return &Picture{plot: p, height: vg.Length(len(bars))*each + 1.4*vg.Inch}, nil
}

// millions are ticks of rates, named in millions.
type millions struct{}

func (millions) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = fmt.Sprintf("%g", ticks[i].Value/1e6)
		}
	}
	return ticks
}

// RateText is a rate in the words of a picture.
func RateText(perSecond float64) string {
	switch {
	case perSecond >= 1e7:
		return fmt.Sprintf("%.0f M/s", perSecond/1e6)
	case perSecond >= 1e5:
		return fmt.Sprintf("%.2f M/s", perSecond/1e6)
	case perSecond >= 1e3:
		return fmt.Sprintf("%.1f k/s", perSecond/1e3)
	}
	return fmt.Sprintf("%.0f /s", perSecond)
}
