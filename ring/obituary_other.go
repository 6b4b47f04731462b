//go:build !linux

package ring

import "time"

type obituary struct{}

func (*obituary) of(uint64)            {}
func (*obituary) wait(d time.Duration) { pause(d) }
func (*obituary) close()               {}
