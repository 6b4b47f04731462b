package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

// parseTickring reads the last line of `tickring bench rtt --json` or `... throughput --json`:
// tickring itself, and the raw cache line of the same run, which is the limit.
func parseTickring(kind string, output []byte) (limit, ours result.Result, err error) {
	line := result.LastLine(output)
	if len(line) == 0 || line[0] != '{' {
		return limit, ours, result.ErrNone
	}
	limit = result.Result{Peer: limitName, Kind: kind, PayloadBytes: result.PayloadBytes, Processes: 2}
	ours = result.Result{Peer: tickringName, Language: "Go", Kind: kind, PayloadBytes: result.PayloadBytes, Processes: 2}
	if kind == result.RTT {
		var v struct {
			Limit *result.Trips `json:"limit"`
			RTT   *result.Trips `json:"rtt"`
		}
		if err := json.Unmarshal(line, &v); err != nil {
			return limit, ours, fmt.Errorf("tickring bench rtt: %w", err)
		}
		if v.Limit == nil || v.RTT == nil {
			return limit, ours, errors.New("tickring bench rtt: no limit or no rtt in its result")
		}
		limit.Trips, ours.Trips = v.Limit, v.RTT
		return limit, ours, nil
	}
	var v struct {
		result.Stream
		Limit   float64 `json:"limit_msgs_per_s"`
		Payload int     `json:"payload_bytes"`
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return limit, ours, fmt.Errorf("tickring bench throughput: %w", err)
	}
	if v.Payload != result.PayloadBytes {
		return limit, ours, fmt.Errorf("tickring bench throughput: payload of %d bytes, want %d", v.Payload, result.PayloadBytes)
	}
	if v.Limit <= 0 || v.PerSecond <= 0 {
		return limit, ours, errors.New("tickring bench throughput: no rate in its result")
	}
	limit.Stream, ours.Stream = &result.Stream{PerSecond: v.Limit}, &v.Stream
	return limit, ours, nil
}
