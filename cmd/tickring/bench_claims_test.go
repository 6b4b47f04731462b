package main

import (
	"testing"

	"github.com/tickring/tickring/bench"
)

func TestBenchClaims(t *testing.T) {
	needTwoCPUs(t)
	h := newHost(t)
	var r bench.ClaimsResult
	p := h.run("bench", "claims", "--dir", h.dir, "--duration", "20ms", "--capacity", "1MiB", "--json").want(exitOK)
	p.json(&r)
	if len(r.Crowds) != 7 {
		t.Fatalf("%d crowds in %s", len(r.Crowds), p.stdout.String())
	}
	for _, c := range r.Crowds {
		if c.Messages == 0 || c.Claims.Samples == 0 {
			t.Errorf("%+v", c)
		}
	}
}
