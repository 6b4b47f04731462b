package plot

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of pictures and of what is written in them.
const (
	pictureWidth  = 11 * vg.Inch
	pictureHeight = 6 * vg.Inch
	margin        = 0.15 * vg.Inch
	titleSize     = 14
	textSize      = 11
	dotsPerInch   = 110
)

// palette has colours that are told apart by the colour-blind too (after Okabe and Ito),
// and by their dashes where there are more lines than colours.
var (
	palette = []color.Color{
		color.RGBA{0x00, 0x72, 0xB2, 0xFF},
		color.RGBA{0xD5, 0x5E, 0x00, 0xFF},
		color.RGBA{0x00, 0x9E, 0x73, 0xFF},
		color.RGBA{0xCC, 0x79, 0xA7, 0xFF},
		color.RGBA{0xE6, 0x9F, 0x00, 0xFF},
		color.RGBA{0x56, 0xB4, 0xE9, 0xFF},
		color.RGBA{0x00, 0x00, 0x00, 0xFF},
	}
	dashes = [][]vg.Length{nil, {7, 3}, {2, 2}}

	limitColor = color.RGBA{0x80, 0x80, 0x80, 0xFF}
	gridColor  = color.RGBA{0xE2, 0xE2, 0xE2, 0xFF}
)

// lineStyle is that of the nth line that is no limit.
func lineStyle(n int) draw.LineStyle {
	return draw.LineStyle{Color: palette[n%len(palette)], Width: vg.Points(1.8), Dashes: dashes[n/len(palette)%len(dashes)]}
}

func limitStyle() draw.LineStyle {
	return draw.LineStyle{Color: limitColor, Width: vg.Points(2.4), Dashes: []vg.Length{vg.Points(5), vg.Points(4)}}
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// newPlot is an empty plot with the fonts of all.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font = sans(titleSize)
	p.Title.Padding = vg.Points(10)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = sans(textSize + 1)
		a.Label.Padding = vg.Points(6)
		a.Tick.Label.Font = sans(textSize)
		a.Padding = 0
	}
	return p
}

// newLegend is one that stands beside the plot.
func newLegend() plot.Legend {
	l := plot.NewLegend()
	l.TextStyle.Font = sans(textSize)
	l.Top, l.Left = true, true
	l.ThumbnailWidth = vg.Points(28)
	l.Padding = vg.Points(4)
	l.YPosition = draw.PosCenter
	return l
}
