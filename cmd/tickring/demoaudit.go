package main

import (
	"context"
	"fmt"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/order/audit"
)

// auditDemo holds the rings against each other, message by message, when all processes have
// ended in order.
func auditDemo(dir string) (*auditReport, error) {
	a, err := audit.Open(audit.Config{Dir: dir, Gateway: demoGatewayName, Venue: demoExchangeName})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if err := auditAll(context.Background(), a, false); err != nil {
		return nil, err
	}
	if err := a.Finish(); err != nil {
		return nil, err
	}
	r := &auditReport{Gateway: demoGatewayName, Venue: demoExchangeName, Figures: a.Figures(), Open: a.Open(), Positions: a.Positions(), Faults: a.Faults()}
	r.Agree, r.Total = r.Figures.Faults == 0, r.Figures.Total()
	return r, nil
}

// differences are the contradictions that it found.
func (r *auditReport) differences() (all []string) {
	for i := range r.Faults {
		all = append(all, "audit: "+r.Faults[i].String())
	}
	if more := r.Figures.Faults - uint64(len(r.Faults)); more > 0 {
		all = append(all, fmt.Sprintf("audit: %s more", text.Count(more)))
	}
	return all
}

// summary is what it says when there are none.
func (r *auditReport) summary() string {
	whole := ""
	if !r.Figures.Whole {
		whole = ", as far as the rings still have them"
	}
	return fmt.Sprintf("The audit of %s of the gateway and %s of the exchange%s finds no contradiction.",
		text.Messages(r.Figures.Frames), text.Count(r.Figures.Reports), whole)
}
