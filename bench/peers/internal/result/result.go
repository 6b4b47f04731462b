// Package result is the one JSON line that every peer's program ends its output with, whatever
// language it is written in, and that the runner reads.
package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// PayloadBytes is the size of every message.
const PayloadBytes = 56

// Kinds of measurement.
const (
	RTT        = "rtt"        // round trips, one message in flight
	Throughput = "throughput" // a stream from one to one
)

// A Result is one measurement of one peer. Of the two groups at its end only that of its kind
// is filled.
type Result struct {
	Peer         string `json:"peer"`
	Version      string `json:"version"`
	Language     string `json:"language"`
	Kind         string `json:"kind"`
	Processes    int    `json:"processes"` // 1: threads of one process
	PayloadBytes int    `json:"payload_bytes"`
	Differences  string `json:"differences"` // what is not alike, in one sentence

	*Trips
	*Stream
}

// Trips is the distribution of round trips.
type Trips struct {
	Samples int64   `json:"samples"`
	P50     float64 `json:"p50_ns"`
	P90     float64 `json:"p90_ns"`
	P99     float64 `json:"p99_ns"`
	P999    float64 `json:"p999_ns"`
	P9999   float64 `json:"p9999_ns"`
	Max     float64 `json:"max_ns"`
	// ClockNs is what one reading of the program's clock costs, in nanoseconds; about that much
	// is in every round trip.
	ClockNs float64 `json:"clock_ns,omitempty"`
	// Curve has points [percentile, ns]: percentile 100(1-10^-x) for x = 0, 0.1, ... as long as
	// at least one sample lies beyond it, and 100 with the maximum.
	Curve [][2]float64 `json:"curve,omitempty"`
}

// Stream is what a receiver got.
type Stream struct {
	PerSecond float64 `json:"msgs_per_s"`
	Delivered int64   `json:"delivered"`
	Lost      int64   `json:"lost"`
}

// ErrNone is returned by Last for an output without a result.
var ErrNone = errors.New("no line of JSON at the end of the output")

// Last returns the result that the last line of output holds. Lines before it are a library's
// own chatter.
func Last(output []byte) (Result, error) {
	var r Result
	line := LastLine(output)
	if len(line) == 0 || line[0] != '{' {
		return r, ErrNone
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("last line of the output: %w", err)
	}
	return r, r.Check()
}

// LastLine returns the last line of output that is not blank.
func LastLine(output []byte) []byte {
	output = bytes.TrimSpace(output)
	return bytes.TrimSpace(output[bytes.LastIndexByte(output, '\n')+1:])
}

// Check tells whether r is whole and can be true.
func (r Result) Check() error {
	switch {
	case r.Peer == "":
		return errors.New("result without a peer")
	case r.PayloadBytes != PayloadBytes:
		return fmt.Errorf("result with a payload of %d bytes, want %d", r.PayloadBytes, PayloadBytes)
	case r.Kind == RTT:
		if r.Trips == nil || r.Samples <= 0 {
			return errors.New("result without round trips")
		}
		if r.P50 <= 0 || r.P50 > r.P90 || r.P90 > r.P99 || r.P99 > r.P999 || r.P999 > r.P9999 || r.P9999 > r.Max {
			return errors.New("result with percentiles that do not rise")
		}
	case r.Kind == Throughput:
		if r.Stream == nil || r.Delivered <= 0 || r.PerSecond <= 0 {
			return errors.New("result without messages")
		}
		if r.Lost < 0 {
			return fmt.Errorf("result with %d messages lost", r.Lost)
		}
	default:
		return fmt.Errorf("result of kind %q", r.Kind)
	}
	return nil
}
