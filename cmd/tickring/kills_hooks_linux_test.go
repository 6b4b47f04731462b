//go:build hooks

package main

import (
	"math"
	"os"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
)

// In this build processes of TestKills end themselves, between two stores to shared memory:
// behind the one whose number is in their environment. So the moments at which they are
// killed are spread over what they do, and not over the time it takes.

const dieAtStore = "TICKRING_TEST_DIE_AT_STORE"

func init() {
	at, err := strconv.ParseUint(os.Getenv(dieAtStore), 10, 64)
	if err != nil {
		drawDeath = func(k *kills) string {
			// As many within the first ten stores as within the hundred and the thousand behind them.
			return dieAtStore + "=" + strconv.Itoa(int(math.Exp(k.rand.Float64()*math.Log(20_000))))
		}
		return
	}
	var stores atomic.Uint64
	mem.Hook = func(p *uint64, write, done bool) {
		// Those of 0 do not count: most are of histograms that begin.
		if write && done && atomic.LoadUint64(p) != 0 && stores.Add(1) == at {
			unix.RawSyscall(unix.SYS_TGKILL, uintptr(os.Getpid()), uintptr(unix.Gettid()), uintptr(unix.SIGKILL))
		}
	}
}
