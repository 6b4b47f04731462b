package main

import (
	"context"
	"fmt"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/mmap"
)

// auditDemo holds the rings against each other, message by message, when all processes have
// ended in order.
func auditDemo(dir string) (*auditReport, error) {
	r := &auditReport{Gateway: demoGatewayName, Venue: demoExchangeName}
	err := mmap.Guard(func() error { return r.audit(context.Background(), dir, auditOptions{atRest: true}) })
	if err != nil {
		return nil, err
	}
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
