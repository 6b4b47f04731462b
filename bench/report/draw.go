package report

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/bench/plot"
)

// titles of pictures, by their names.
var titles = map[string]string{
	"limit":            "Round trip of a cache line",
	"limit-rates":      "Stream of cache lines",
	"rtt":              "Round trip between two processes",
	"latency":          "One way, open loop: response time",
	"latency-transit":  "One way, open loop: transit time",
	"throughput-rates": "Stream between two processes",
	"claims":           "Publish calls that claim a block, by who listens",
	"wait":             "Ways to wait",
	"wait-cpu":         "Ways to wait: latency against CPU",
	"ipc":              "Round trip: the ring and the operating system's ways",
	"ipc-rates":        "Stream: the ring and the operating system's ways",
	"peers":            "Round trip: tickring and others",
	"peers-rates":      "Stream: tickring and others",
}

// titleOf a picture, with the processor.
func titleOf(name, cpu string) string {
	title, ok := titles[name]
	if !ok {
		title = name
	}
	return title + " (" + cpu + ")"
}

// draw makes the pictures of a section.
func (r *Report) draw(s section, cpu string) (pictures []picture, err error) {
	add := func(p picture, e error) {
		if e == nil {
			pictures = append(pictures, p)
		} else if err == nil {
			err = e
		}
	}
	for _, group := range groups(s.Curves) {
		name := s.Bench
		if group != "" {
			name += "-" + group
		}
		p, err := plot.Curves(titleOf(name, cpu), slices.DeleteFunc(slices.Clone(s.Curves), func(c bench.Curve) bool {
			return c.Group != group && !c.Limit
		}))
		add(r.save(name, p, err))
	}
	if len(s.Bars) > 0 {
		name := s.Bench + "-rates"
		p, err := plot.Bars(titleOf(name, cpu), s.Bars)
		add(r.save(name, p, err))
	}
	if len(s.Dots) > 0 {
		name := s.Bench + "-cpu"
		p, err := plot.Dots(titleOf(name, cpu), s.Dots)
		add(r.save(name, p, err))
	}
	return pictures, err
}

// save writes a picture that was drawn without an error as SVG and as PNG.
func (r *Report) save(name string, p *plot.Picture, err error) (picture, error) {
	if err != nil {
		return picture{}, fmt.Errorf("report: %s: %w", name, err)
	}
	pic := picture{Title: p.Title(), SVG: name + ".svg", PNG: name + ".png"}
	var svg, png bytes.Buffer
	if err := p.WriteSVG(&svg); err != nil {
		return pic, fmt.Errorf("report: %s: %w", pic.SVG, err)
	}
	if err := p.WritePNG(&png); err != nil {
		return pic, fmt.Errorf("report: %s: %w", pic.PNG, err)
	}
	return pic, errors.Join(r.file(pic.SVG, svg.Bytes()), r.file(pic.PNG, png.Bytes()))
}

// groups are those that curves belong to, in order.
func groups(curves []bench.Curve) (names []string) {
	for _, c := range curves {
		if !slices.Contains(names, c.Group) && (!c.Limit || len(curves) == 1) {
			names = append(names, c.Group)
		}
	}
	return names
}
