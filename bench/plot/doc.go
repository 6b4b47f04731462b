// Package plot draws what was measured, as SVG and as PNG: distributions of latencies by
// percentile, rates, and latency against CPU.
package plot
