package report

import (
	"slices"

	"github.com/tickring/tickring/bench"
)

// titles of pictures, by benchmark.
var titles = map[string]string{
	"limit":      "What the machine allows",
	"rtt":        "Round trip between two processes",
	"latency":    "One way, open loop, from the intended time",
	"throughput": "Messages a second between two processes",
	"wait":       "Ways to wait",
	"ipc":        "The operating system's ways",
}

func titleOf(name string) string {
	if t, ok := titles[name]; ok {
		return t
	}
	return name
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
	title := func(more string) string { return titleOf(s.Bench) + more + " (" + cpu + ")" }
	for _, group := range groups(s.Curves) {
		name, more := s.Bench, ""
		if group != "" {
			name, more = s.Bench+"-"+group, ", "+group
		}
		add(r.drawCurves(name, title(more), slices.DeleteFunc(slices.Clone(s.Curves), func(c bench.Curve) bool {
			return c.Group != group && !c.Limit
		})))
	}
	if len(s.Bars) > 0 {
		add(r.drawBars(s.Bench+"-rates", title(", messages a second"), s.Bars))
	}
	if len(s.Dots) > 0 {
		add(r.drawDots(s.Bench+"-cpu", title(", latency against CPU"), s.Dots))
	}
	return pictures, err
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
