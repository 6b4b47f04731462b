package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/tickring/tickring/bench"
)

// markdown is report.md.
func (r *Report) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# tickring bench\n\nBegun %s.\n", r.began.Format(time.RFC3339))
	if r.interrupted {
		b.WriteString("\n**The run was interrupted: this is what there was until then.**\n")
	}
	headed := false
	for _, s := range r.sections {
		if s.Result != nil && !headed {
			headed = true
			b.WriteString("\n## Machine\n\n")
			for _, line := range s.Result.About().Header() {
				fmt.Fprintf(&b, "- %s\n", escape(line))
			}
		}
	}
	for _, s := range r.sections {
		s.markdown(&b)
	}
	if r.peers != nil {
		r.peers.markdown(&b)
	}
	return b.Bytes()
}

func (s *section) markdown(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## %s\n", escape(s.Bench))
	if s.Result == nil {
		fmt.Fprintf(b, "\n**It failed**: %s\n", escape(s.Error))
		return
	}
	about := s.Result.About()
	fmt.Fprintf(b, "\nBegun %s, took %.1f s; ring of %d KiB, stamps %s, subscriber %s, wait %s; load before %.2f", about.Started.Format(time.RFC3339), about.Seconds,
		about.Ring.Capacity>>10, escape(about.Ring.Stamps), escape(about.Ring.Subscriber), escape(about.Ring.Wait), about.Machine.Load)
	if about.Machine.Steal >= 0 {
		fmt.Fprintf(b, ", stolen by the hypervisor %.2f %%", about.Machine.Steal)
	}
	b.WriteString(".\n")
	for _, t := range s.Result.Tables() {
		writeTable(b, t)
	}
	for _, note := range about.Notes {
		fmt.Fprintf(b, "\n%s\n", escape(note))
	}
	writePictures(b, s.Pictures)
}

func writePictures(b *bytes.Buffer, pictures []picture) {
	for _, p := range pictures {
		fmt.Fprintf(b, "\n![%s](%s)\n\n([PNG](%s))\n", escape(p.Title), p.SVG, p.PNG)
	}
}

// writeTable writes a table: its first column to the left, all others to the right.
func writeTable(b *bytes.Buffer, t bench.Table) {
	fmt.Fprintf(b, "\n### %s\n\n", escape(t.Title))
	row := func(cells []string) {
		for i := range t.Head {
			b.WriteString("| ")
			if i < len(cells) {
				b.WriteString(escape(cells[i]))
			}
			b.WriteByte(' ')
		}
		b.WriteString("|\n")
	}
	row(t.Head)
	b.WriteString("|---")
	b.WriteString(strings.Repeat("|---:", max(len(t.Head)-1, 0)))
	b.WriteString("|\n")
	for _, cells := range t.Rows {
		row(cells)
	}
	for _, n := range t.Notes {
		fmt.Fprintf(b, "\n%s\n", escape(n))
	}
}

// escape keeps text from being taken for markup.
func escape(s string) string {
	return escaper.Replace(strings.Join(strings.Fields(s), " "))
}

var escaper = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "<", "&lt;", ">", "&gt;", "`", "\\`", "[", `\[`, "]", `\]`)
