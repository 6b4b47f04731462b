package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/bench/plot"
	"github.com/tickring/tickring/cmd/internal/hlog"
	"github.com/tickring/tickring/internal/text"
)

// histOutputs are what hist can write to a file, by the end of its name.
var histOutputs = []string{".hlog", ".hgrm", ".json", ".svg", ".png"}

// histForm returns the form of a file to write.
func histForm(path string) (string, error) {
	for _, end := range histOutputs {
		if strings.HasSuffix(path, end) && filepath.Base(path) != end {
			return end, nil
		}
	}
	return "", usagef("invalid --output %q: want a name that ends in .hlog, .hgrm, .json, .svg or .png", path)
}

// writeHistFiles writes distributions to files. All of them are begun before any is given
// its name.
func (a *app) writeHistFiles(o *histOptions, all []distribution) error {
	var files []*newFile
	defer func() {
		for _, f := range files {
			f.discard()
		}
	}()
	for _, path := range o.outputs {
		form, err := histForm(path)
		if err != nil {
			return err
		}
		f, err := createFile(path, o.force)
		if err != nil {
			return err
		}
		files = append(files, f)
		if err := o.writeForm(f, form, all); err != nil {
			return writeError(path, err)
		}
	}
	for _, f := range files {
		if err := f.commit(); err != nil {
			return err
		}
	}
	return nil
}

func (o *histOptions) writeForm(w io.Writer, form string, all []distribution) error {
	switch form {
	case ".json":
		return writeHistJSON(w, all)
	case ".hgrm":
		if len(all) != 1 {
			return fmt.Errorf("a .hgrm file is for one distribution, and there are %d; name one of them", len(all))
		}
		return hlog.WriteDistribution(w, all[0].hist, all[0].max)
	case ".hlog":
		return writeHistLog(w, all)
	}
	p, err := o.picture(all)
	if err != nil {
		return err
	}
	if form == ".png" {
		return p.WritePNG(w)
	}
	return p.WriteSVG(w)
}

// picture draws the curves of all distributions.
func (o *histOptions) picture(all []distribution) (*plot.Picture, error) {
	var curves []bench.Curve
	for _, d := range all {
		if n := d.hist.TotalCount(); n > 0 {
			name := fmt.Sprintf("%s (%s)", d.name, text.Count(uint64(n)))
			curves = append(curves, bench.CurveOf(name, d.hist, d.max))
		}
	}
	if len(curves) == 0 {
		return nil, errors.New("no latencies were measured: there is no curve to draw")
	}
	title := o.title
	if title == "" {
		title = histTitle(all)
	}
	return plot.Curves(title, curves)
}

// histTitle says what the latencies are of.
func histTitle(all []distribution) string {
	own := 0
	for _, d := range all {
		if d.sub == ownPart {
			own++
		}
	}
	switch own {
	case 0:
		return "Latency from publish to read"
	case len(all):
		return "How late the publisher was"
	}
	return "Latency from publish to read, and how late the publisher was"
}

// writeHistLog writes a log with one interval for each distribution.
func writeHistLog(w io.Writer, all []distribution) error {
	start := time.Now()
	for _, d := range all {
		if !d.from.IsZero() && d.from.Before(start) {
			start = d.from
		}
	}
	log, err := hlog.NewWriter(w, start, "Written by tickring hist")
	if err != nil {
		return err
	}
	for _, d := range all {
		i := hlog.Interval{Tag: logTag(d.name), Start: start, Hist: d.hist}
		if !d.from.IsZero() {
			i.Start, i.Length = d.from, max(d.to.Sub(d.from), 0)
		}
		if len(all) == 1 {
			i.Tag = "" // most tools read lines without tags only, unless they are told
			if err := log.Comment(d.name); err != nil {
				return err
			}
		}
		if err := log.Interval(i); err != nil {
			return err
		}
	}
	return nil
}

// logTag is a name as a tag, which must not have commas and spaces.
func logTag(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ',' || r <= ' ' {
			return '_'
		}
		return r
	}, name)
}
