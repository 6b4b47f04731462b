package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tickring/tickring/bench"
)

// Report is a directory with what benchmarks found. Its methods are for one goroutine.
type Report struct {
	dir         string
	began       time.Time
	interrupted bool
	sections    []section
	peers       *peers
}

// section is what there is about one benchmark.
type section struct {
	Bench    string        `json:"bench"`
	Error    string        `json:"error,omitempty"` // then there is no more
	Result   bench.Result  `json:"result,omitempty"`
	Curves   []bench.Curve `json:"curves,omitempty"`
	Bars     []bench.Bar   `json:"bars,omitempty"`
	Dots     []bench.Dot   `json:"dots,omitempty"`
	Pictures []picture     `json:"pictures,omitempty"`
}

// picture is a file, once as SVG and once as PNG.
type picture struct {
	Title string `json:"title"`
	SVG   string `json:"svg"`
	PNG   string `json:"png"`
}

// New begins a report in a directory, which it makes. Files of an earlier report there are
// replaced.
func New(dir string) (*Report, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	r := &Report{dir: dir, began: time.Now().UTC()}
	return r, r.write()
}

// Path of the Markdown.
func (r *Report) Path() string { return filepath.Join(r.dir, "report.md") }

// Add adds a result.
func (r *Report) Add(result bench.Result) error {
	about := result.About()
	s := section{Bench: about.Bench, Result: result}
	for _, c := range result.Curves() {
		if len(c.Points) > 0 {
			s.Curves = append(s.Curves, c)
		}
	}
	if b, ok := result.(bench.Barred); ok {
		s.Bars = b.Bars()
	}
	if d, ok := result.(bench.Dotted); ok {
		s.Dots = d.Dots()
	}
	var err error
	if s.Pictures, err = r.draw(s, about.Machine.CPU); err != nil {
		return err
	}
	r.sections = append(r.sections, s)
	r.interrupted = r.interrupted || about.Interrupted
	return r.write()
}

// AddFailure says that a benchmark failed, and why.
func (r *Report) AddFailure(bench string, err error) error {
	r.sections = append(r.sections, section{Bench: bench, Error: err.Error()})
	return r.write()
}

// Interrupt says that benchmarks are missing.
func (r *Report) Interrupt() error {
	r.interrupted = true
	return r.write()
}

// MarshalJSON is what report.json has.
func (r *Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Began       time.Time `json:"began"`
		Interrupted bool      `json:"interrupted"`
		Results     []section `json:"results"`
		Peers       *peers    `json:"peers,omitempty"`
	}{r.began, r.interrupted, append([]section{}, r.sections...), r.peers})
}

func (r *Report) write() error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return errors.Join(
		r.file("report.json", append(text, '\n')),
		r.file("report.md", r.markdown()),
	)
}

// file replaces a file as a whole.
func (r *Report) file(name string, data []byte) error {
	path := filepath.Join(r.dir, name)
	err := os.WriteFile(path+".new", data, 0o644)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		os.Remove(path + ".new")
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
