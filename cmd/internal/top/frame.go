package top

import (
	"io"
	"strings"
	"time"

	"github.com/tickring/tickring/ring/monitor"
)

// Frame draws everything once, on as many lines as it takes, with the colours that out has.
func Frame(snap *monitor.Snapshot, cfg Config, out io.Writer, width int) string {
	p := painterFor(out)
	m := newModel(cfg, &p, nil)
	m.width, m.snap = max(width, MinWidth), snap
	m.entries = m.choice.entries(snap)
	var b strings.Builder
	put := func(line string) {
		if cfg.ASCII {
			line = ascii(line)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	put(p.line(m.width, append(append([]cell{{"tickring top ", title}}, tallyCells(tallyOf(snap))...),
		cell{"  " + snap.Time.Format(time.DateTime) + "  latency of the " + spanNames[m.window] + "  " + clean(cfg.Dir), faint})...))
	if why := m.empty(); why != "" {
		put(why)
		return b.String()
	}
	t := m.table()
	put(t.header())
	for _, e := range m.entries {
		put(t.row(e, false))
	}
	return b.String()
}
