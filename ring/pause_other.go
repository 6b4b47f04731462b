//go:build !linux

package ring

import "time"

func pause(d time.Duration) { time.Sleep(d) }

func nap(d time.Duration, _ int) { time.Sleep(d) }
