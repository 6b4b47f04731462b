package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/tickring/tickring/bench"
	"github.com/tickring/tickring/bench/plot"
	"github.com/tickring/tickring/internal/text"
)

// peers is what bench/peers wrote: other transports, measured by their own programs.
type peers struct {
	Began       string `json:"began"`
	Interrupted bool   `json:"interrupted"`
	Settings    struct {
		Rounds  int     `json:"rounds"`
		Seconds float64 `json:"seconds"`
		Payload int     `json:"payload_bytes"`
	} `json:"settings"`
	Limit    peer   `json:"limit"`
	Tickring peer   `json:"tickring"`
	Peers    []peer `json:"peers"`

	pictures []picture
}

type peer struct {
	Peer        string   `json:"peer"`
	Version     string   `json:"version,omitempty"`
	Language    string   `json:"language,omitempty"`
	Differences string   `json:"differences,omitempty"`
	Skipped     string   `json:"skipped,omitempty"`
	Faults      []string `json:"faults,omitempty"`
	RTT         *struct {
		P50        *figure      `json:"p50_ns"`
		P99        *figure      `json:"p99_ns"`
		P999       *figure      `json:"p999_ns"`
		Max        *figure      `json:"max_ns"`
		P50ToLimit *figure      `json:"p50_to_limit,omitempty"`
		Curve      [][2]float64 `json:"curve,omitempty"`
	} `json:"rtt,omitempty"`
	Throughput *struct {
		PerSecond *figure `json:"msgs_per_s"`
		Lost      int64   `json:"lost"`
		ToLimit   *figure `json:"to_limit,omitempty"`
	} `json:"throughput,omitempty"`
}

// figure is the median of some rounds, and the extremes.
type figure struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func (f *figure) text(of func(float64) string) string {
	if f == nil {
		return "-"
	}
	return of(f.Median)
}

// AddPeers adds the peers.json of bench/peers. cpu is the processor's name.
func (r *Report) AddPeers(path, cpu string) error {
	p, err := readPeers(path)
	if err != nil {
		return err
	}
	if p.pictures, err = r.drawPeers(p, cpu); err != nil {
		return err
	}
	r.peers = p
	return r.write()
}

// CheckPeers says whether [Report.AddPeers] will be able to read the file.
func CheckPeers(path string) error {
	_, err := readPeers(path)
	return err
}

func readPeers(path string) (*peers, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	p := &peers{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("report: %s is not what bench/peers writes: %w", path, err)
	}
	if len(p.Peers) == 0 {
		return nil, fmt.Errorf("report: %s is not what bench/peers writes: it names no peers", path)
	}
	return p, nil
}

// all are the limit, tickring, and the peers.
func (p *peers) all() []peer { return append([]peer{p.Limit, p.Tickring}, p.Peers...) }

func (r *Report) drawPeers(p *peers, cpu string) (pictures []picture, err error) {
	var curves []bench.Curve
	var bars []bench.Bar
	if p.Tickring.RTT == nil || len(p.Tickring.RTT.Curve) == 0 {
		curves = r.ownTrips()
	}
	for i, v := range p.all() {
		limit := i == 0
		if v.RTT != nil && len(v.RTT.Curve) > 0 {
			c := bench.Curve{Name: v.Peer, Limit: limit}
			for _, at := range v.RTT.Curve {
				c.Points = append(c.Points, bench.Point{Percentile: at[0], Ns: at[1]})
			}
			curves = append(curves, c)
		}
		if v.Throughput != nil && v.Throughput.PerSecond != nil {
			bars = append(bars, bench.Bar{Name: v.Peer, Rate: v.Throughput.PerSecond.Median, Limit: limit})
		}
	}
	if len(curves) > 0 {
		p, err := plot.Curves(titleOf("peers", cpu), curves)
		pic, err := r.save("peers", p, err)
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, pic)
	}
	if len(bars) > 0 {
		p, err := plot.Bars(titleOf("peers-rates", cpu), bars)
		pic, err := r.save("peers-rates", p, err)
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, pic)
	}
	return pictures, nil
}

// ownTrips are the round trips of this report, for peers that came without tickring's
// curve: the limit, and the ring without stamps.
func (r *Report) ownTrips() (curves []bench.Curve) {
	for _, s := range r.sections {
		if s.Bench != "rtt" {
			continue
		}
		for _, c := range s.Curves {
			if len(curves) < 2 {
				c.Name += ", of this report"
				curves = append(curves, c)
			}
		}
	}
	return curves
}

func (p *peers) markdown(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## Peers\n\nBegun %s; %d rounds, %g s each, %d-byte messages. Medians of the rounds.\n", escape(p.Began), p.Settings.Rounds, p.Settings.Seconds, p.Settings.Payload)
	if p.Interrupted {
		b.WriteString("\n**That run was interrupted.**\n")
	}
	trips := bench.Table{Title: "Round trip", Head: []string{"", "version", "p50", "p99", "p99.9", "max", "p50 / limit"}}
	streams := bench.Table{Title: "Stream", Head: []string{"", "version", "delivered", "least", "most", "lost", "/ limit"}}
	least := func(f *figure) string {
		if f == nil {
			return "-"
		}
		return plot.RateText(f.Min)
	}
	most := func(f *figure) string {
		if f == nil {
			return "-"
		}
		return plot.RateText(f.Max)
	}
	ratio := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	var notes []string
	for _, v := range p.all() {
		switch {
		case v.Skipped != "":
			notes = append(notes, fmt.Sprintf("%s: skipped: %s", v.Peer, v.Skipped))
		case v.Differences != "":
			notes = append(notes, fmt.Sprintf("%s: %s", v.Peer, v.Differences))
		}
		if n := len(v.Faults); n > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d runs without a result: %s", v.Peer, n, v.Faults[0]))
		}
		if t := v.RTT; t != nil {
			trips.Rows = append(trips.Rows, []string{v.Peer, v.Version, t.P50.text(text.Round), t.P99.text(text.Round), t.P999.text(text.Round), t.Max.text(text.Round), t.P50ToLimit.text(ratio)})
		}
		if s := v.Throughput; s != nil {
			streams.Rows = append(streams.Rows, []string{v.Peer, v.Version, s.PerSecond.text(plot.RateText), least(s.PerSecond), most(s.PerSecond), fmt.Sprint(s.Lost), s.ToLimit.text(ratio)})
		}
	}
	writeTable(b, trips)
	writeTable(b, streams)
	for _, n := range notes {
		fmt.Fprintf(b, "\n- %s", escape(n))
	}
	b.WriteString("\n")
	writePictures(b, p.pictures)
}
