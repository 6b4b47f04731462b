package main

import (
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/tickring/tickring/internal/text"
)

// demoReport is the outcome for machines.
type demoReport struct {
	Publisher  demoPublisher  `json:"publisher"`
	Strategies []demoStrategy `json:"strategies"`
	Gateway    demoGateway    `json:"gateway"`
	Exchange   demoExchange   `json:"exchange"`
	Orders     demoOrders     `json:"orders"`
	Audit      *auditReport   `json:"audit"` // null: not every process ended in order

	// Agree: all sides have spoken, and say the same, as does the audit. Differences are
	// where they do not.
	Agree       bool     `json:"agree"`
	Differences []string `json:"differences,omitempty"`
	Error       string   `json:"error,omitempty"`
}

type demoPublisher struct {
	seat
	replayReport
}

type demoStrategy struct {
	seat
	strategyReport
}

type demoGateway struct {
	seat
	gatewayReport
}

type demoExchange struct {
	seat
	exchangeReport
}

// report collects what the processes have said. The error is what went wrong first.
func (r *demoRun) report() (*demoReport, error) {
	err, complete := r.err, true
	hear := func(c *child, into any) {
		if cerr := c.result(into); cerr != nil {
			complete = false
			if err == nil {
				err = cerr
			}
		}
	}
	p := &r.stage.place
	rep := &demoReport{Publisher: demoPublisher{seat: p.publisher}, Gateway: demoGateway{seat: p.gateway}, Exchange: demoExchange{seat: p.exchange}}
	hear(r.publisher, &rep.Publisher.replayReport)
	for i, c := range r.strategies {
		s := demoStrategy{seat: p.strategies[i]}
		hear(c, &s.strategyReport)
		rep.Strategies = append(rep.Strategies, s)
	}
	hear(r.gateway, &rep.Gateway.gatewayReport)
	hear(r.exchange, &rep.Exchange.exchangeReport)
	if r.tally == nil {
		return rep, err
	}
	accounts := accountsOf(rep.Strategies, r.tally)
	rep.Orders = sumOrders(accounts)
	if !complete {
		return rep, err
	}
	cerr := r.tally.err
	if cerr == nil {
		rep.Audit, cerr = auditDemo(r.stage.dir)
	}
	if cerr == nil {
		rep.Differences = append(differences(accounts, rep), rep.Audit.differences()...)
		if rep.Agree = len(rep.Differences) == 0; !rep.Agree {
			cerr = fmt.Errorf("strategies, gateway and exchange do not agree: %s", text.CountOf(uint64(len(rep.Differences)), "difference", "differences"))
		}
	} else {
		cerr = fmt.Errorf("the orders were not compared: %w", cerr)
	}
	if err == nil {
		err = cerr
	}
	return rep, err
}

// write says what is going to be shown.
func (s *demoStage) write(w *lines, o demoOptions) {
	traded := "none: the session has no orders"
	if s.instrument != 0 {
		traded = fmt.Sprintf("%d, %s at a time, %s at most", s.instrument, text.Count(uint64(s.qty)), text.Count(uint64(s.maxPosition)))
	}
	w.printf("session     %s\n", s.title)
	w.printf("instrument  %s\n", traded)
	w.printf("pace        %s\n", paceText(o))
	w.printf("processes   %s\n", s.place.text)
}

func paceText(o demoOptions) string {
	switch {
	case o.rate > 0:
		return fmt.Sprintf("%s messages a second", text.Count(uint64(o.rate)))
	case o.speed > 0:
		return fmt.Sprintf("%v times that of the session", float64(o.speed))
	}
	return "as fast as possible"
}

func (a *app) writeDemo(r *demoReport) error {
	p := &r.Publisher
	if p.Messages == 0 {
		return nil // the error says why
	}
	w := &lines{w: a.stdout}
	w.printf("published   %s of %s in %s, %s\n", text.Messages(p.Messages), p.Schema, text.Ns(p.DurationNs), text.Rate(p.Messages, time.Duration(p.DurationNs)))
	if p.Late != nil {
		w.printf("lateness    %s\n", p.Late.text())
	}
	for _, table := range []func(*lines){r.writeLatencies, r.writeStrategies, r.writeOrders} {
		w.printf("\n")
		t := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
		cells := &lines{w: t, err: w.err}
		table(cells)
		if w.err = cells.err; w.err == nil {
			w.err = t.Flush()
		}
	}
	r.writeVerdict(w)
	return w.err
}

func (r *demoReport) writeLatencies(w *lines) {
	w.printf("latency\tof")
	for _, name := range percentileNames {
		w.printf("\t%s", name)
	}
	w.printf("\t\n")
	row := func(name string, p *percentiles) {
		if p == nil {
			p = &percentiles{}
		}
		w.printf("%s\t%s", name, text.Count(p.Count))
		for _, cell := range p.cells() {
			w.printf("\t%s", cell)
		}
		w.printf("\t\n")
	}
	for i, s := range r.Strategies {
		row("feed to "+demoKinds[i], s.Feed)
	}
	row("tick to order", r.Gateway.Tick)
	for i, s := range r.Strategies {
		row(demoKinds[i]+", order to execution", s.OrderToExecution)
	}
}

func (r *demoReport) writeStrategies(w *lines) {
	w.printf("strategy\tticks\tlost\torders\treplaces\tcancels\trefused\tfills\tbought\tsold\tposition\tprofit\t\n")
	for i, s := range r.Strategies {
		profit := "-"
		if s.Profit != nil {
			profit = strconv.FormatFloat(*s.Profit, 'f', 2, 64)
		}
		w.printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t\n", demoKinds[i], text.Count(s.Ticks), text.Count(s.Lost), text.Count(s.Orders), text.Count(s.Replaces),
			text.Count(s.Cancels), text.Count(s.Refused), text.Count(s.Fills), text.Count(uint64(s.Bought)), text.Count(uint64(s.Sold)), s.Position, profit)
	}
}
