//go:build !linux

package ring

import "time"

// There are no rings on this system; this only compiles.

const futexes = false

const futexWaitMax = 128

type futexWaiter struct{ addr uint64 }

func waitOn(*uint32, uint32) futexWaiter    { return futexWaiter{} }
func waitOnOwn(*uint32, uint32) futexWaiter { return futexWaiter{} }

type woken uint8

const (
	wokenUp woken = iota
	timedOut
	noWaiting
)

func futexWait([]futexWaiter, time.Duration) woken   { return noWaiting }
func futexWaitOne(*futexWaiter, time.Duration) woken { return noWaiting }
func futexWake(*uint32)                              {}
func futexWakeOwn(*uint32)                           {}
