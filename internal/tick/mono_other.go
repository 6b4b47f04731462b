//go:build !linux

package tick

import "time"

// Mono is UNIX time in ns here: rings are for Linux, and this only compiles.
func Mono() uint64 { return uint64(time.Now().UnixNano()) }

func kernelDistrustsCounter() bool { return false }
