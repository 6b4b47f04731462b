//go:build !linux

package bench

// osWays are those of Linux. Elsewhere there is none to measure, and [Open] says so before.
func osWays() []way { return []way{chanWay} }
