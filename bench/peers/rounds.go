package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

// Names of the two that are in every round and not in the catalogue.
const (
	limitName    = "raw cache line"
	tickringName = "tickring"
)

var kinds = []string{result.RTT, result.Throughput}

// A round has each one's results: by name, then kind.
type round map[string]map[string]result.Result

func (r round) add(v result.Result) {
	if r[v.Peer] == nil {
		r[v.Peer] = map[string]result.Result{}
	}
	r[v.Peer][v.Kind] = v
}

// A runner runs rounds.
type runner struct {
	root     string
	settings settings
	tickring string // its binary
	peers    []peer // those that were built
	say      func(format string, args ...any)

	rounds []round
	faults map[string][]string // what went wrong, by name
}

// round runs tickring and then every peer once. What one of them does wrong is kept and does not
// stop the others.
func (r *runner) round(ctx context.Context, n int) {
	got := round{}
	r.rounds = append(r.rounds, got)
	for _, kind := range kinds {
		out, err := run(ctx, time.Minute, r.root, r.settings.env(), r.settings.tickring(r.tickring, kind))
		var limit, ours result.Result
		if err == nil {
			limit, ours, err = parseTickring(kind, out)
		}
		if err != nil {
			r.fault(ctx, n, tickringName, kind, err)
			continue
		}
		got.add(limit)
		got.add(ours)
		r.say("round %d: %s: %s", n, limitName, brief(limit))
		r.say("round %d: %s: %s", n, tickringName, brief(ours))
	}
	for _, p := range r.peers {
		for _, kind := range kinds {
			if ctx.Err() != nil {
				return
			}
			v, err := r.one(ctx, p, kind)
			if err != nil {
				r.fault(ctx, n, p.name, kind, err)
				continue
			}
			got.add(v)
			r.say("round %d: %s: %s", n, p.name, brief(v))
		}
	}
}

func (r *runner) one(ctx context.Context, p peer, kind string) (result.Result, error) {
	limit := time.Duration(r.settings.Seconds*float64(time.Second)) + 30*time.Second
	out, err := run(ctx, limit, r.root, r.settings.env(), append(p.run[:len(p.run):len(p.run)], kind))
	if err != nil {
		return result.Result{}, err
	}
	v, err := result.Last(out)
	if err == nil && (v.Peer != p.name || v.Kind != kind) {
		err = fmt.Errorf("it calls itself %s %s", v.Peer, v.Kind)
	}
	return v, err
}

func (r *runner) fault(ctx context.Context, n int, name, kind string, err error) {
	if ctx.Err() != nil {
		return // interrupted: said once, for all
	}
	why := fmt.Sprintf("round %d, %s: %v", n, kind, err)
	r.faults[name] = append(r.faults[name], why)
	r.say("%s: %s", name, why)
}

// brief is a result in a few words.
func brief(v result.Result) string {
	if v.Kind == result.RTT {
		return fmt.Sprintf("round trip p50 %s, p99 %s", nanos(v.P50), nanos(v.P99))
	}
	return fmt.Sprintf("%s messages/s, %d lost", count(v.PerSecond), v.Lost)
}
