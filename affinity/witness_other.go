//go:build !linux

package affinity

import "time"

func threadTime(int) (time.Duration, bool) { return 0, false }
