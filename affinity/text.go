package affinity

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// String returns what WriteTable writes.
func (t *Topology) String() string {
	var b strings.Builder
	t.WriteTable(&b) // a Builder returns no error
	return b.String()
}

// WriteTable writes the topology for people: the processor, the sets, a line for
// each CPU, and the notes. A "-" stands for unknown or none.
func (t *Topology) WriteTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(format string, args ...any) { fmt.Fprintf(tw, format+"\n", args...) } // tw keeps the first error for Flush

	model := t.Info.Model
	if model == "" {
		model = "unknown processor"
	}
	if t.Info.Hypervisor {
		model += " (virtual machine)"
	}
	row("processor\t%s", model)
	tsc := "not invariant"
	if t.Info.InvariantTSC {
		tsc = "invariant"
	}
	row("clock\tTSC %s, kernel uses %s", tsc, dash(t.Info.Clocksource))
	row("online\t%s", orDash(t.Online))
	row("allowed\t%s", orDash(t.Allowed))
	row("permitted\t%s", orDash(t.Permitted))
	row("isolated\t%s", orDash(t.Isolated))
	row("nohz_full\t%s", orDash(t.NohzFull))
	quota := "-"
	if t.Quota > 0 {
		quota = fmt.Sprintf("%.3g CPUs", t.Quota)
	}
	row("quota\t%s", quota)
	row("L3 from\t%s\n", t.L3From)
	if err := tw.Flush(); err != nil {
		return err
	}

	row("CPU\tCORE\tL3\tPACKAGE\tNODE\tSIBLINGS\tIRQS\tGOVERNOR\tREMARKS")
	for _, c := range t.CPUs {
		if !c.Online {
			row("%d\t-\t-\t-\t-\t-\t-\t-\toffline", c.ID)
			continue
		}
		row("%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s", c.ID, number(c.Core), number(c.L3), number(c.Package),
			number(c.Node), orDash(c.Siblings), c.IRQs, dash(c.Governor), dash(t.remarks(c)))
	}
	if len(t.Notes) > 0 {
		row("")
	}
	for _, n := range t.Notes {
		row("note: %s", n)
	}
	return tw.Flush()
}

func (t *Topology) remarks(c CPU) string {
	var list []string
	switch {
	case !t.Permitted.Has(c.ID):
		list = append(list, "forbidden")
	case !t.Allowed.Has(c.ID):
		list = append(list, "outside mask")
	}
	if t.Isolated.Has(c.ID) {
		list = append(list, "isolated")
	}
	if t.NohzFull.Has(c.ID) {
		list = append(list, "nohz_full")
	}
	if c.Small {
		list = append(list, "small")
	}
	return strings.Join(list, ", ")
}

func orDash(s Set) string { return dash(s.String()) }

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func number(n int) string {
	if n < 0 {
		return "-"
	}
	return strconv.Itoa(n)
}
