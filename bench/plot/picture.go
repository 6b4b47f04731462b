package plot

import (
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Picture is a plot, with its legend to its right if it has one.
type Picture struct {
	plot   *plot.Plot
	legend *plot.Legend
	height vg.Length
}

// Title of the picture.
func (p *Picture) Title() string { return p.plot.Title.Text }

// WriteSVG writes the picture as SVG, which has its text as text.
func (p *Picture) WriteSVG(w io.Writer) error {
	c := vgsvg.New(pictureWidth, p.height)
	p.paint(draw.New(c))
	_, err := c.WriteTo(w)
	return err
}

// WritePNG writes the picture as PNG.
func (p *Picture) WritePNG(w io.Writer) error {
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(pictureWidth, p.height), vgimg.UseDPI(dotsPerInch))}
	p.paint(draw.New(c))
	_, err := c.WriteTo(w)
	return err
}

func (p *Picture) paint(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	if p.legend != nil {
		beside := p.legend.Rectangle(c).Size().X + vg.Points(14)
		l := draw.Crop(c, c.Max.X-c.Min.X-beside+vg.Points(12), 0, 0, -vg.Points(titleSize+16))
		p.legend.Draw(l)
		c = draw.Crop(c, 0, -beside, 0, 0)
	}
	p.plot.Draw(c)
}
