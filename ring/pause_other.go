//go:build !linux

package ring

import "time"

func pause(d time.Duration) { time.Sleep(d) }
