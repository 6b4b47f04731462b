//go:build linux

package ring

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/tick"
)

var (
	killsFlag = flag.Int("kills", 0, "kill so many publishers of each ring in TestTakeOverLatency")
	pollFlag  = flag.Duration("poll", 0, "Config.Poll of its standbys")
)

func init() { roles["takeover.relay"] = relayAndTell }

// relayAndTell stands by, tells when it is ready, and when it got the lock and had its
// first message committed (CLOCK_MONOTONIC, ns). It goes on to publish until it is
// killed. args are dir, capacity, whether to use huge pages and how often to poll.
func relayAndTell(args []string) error {
	capacity, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	poll, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	cfg := Config{Dir: args[0], Capacity: capacity, HugePages: args[2] == "true", Poll: poll}
	ctx := asked{context.Background(), new(atomic.Int64)}
	go func() {
		// It asks once before it has the ring mapped, and then with every poll.
		for ctx.n.Load() < 3 {
			time.Sleep(100 * time.Microsecond)
		}
		fmt.Println("ready")
	}()
	var locked uint64
	p, err := create("r", cfg, func(p *Publisher) (*oldRing, error) {
		ready, err := p.awaitRing(ctx, cfg)
		locked = tick.Mono()
		return ready, err
	})
	if err != nil {
		return err
	}
	buf := make([]byte, p.MaxMessage())
	if err := publishOne(&p.publisher, buf); err != nil {
		return err
	}
	committed := tick.Mono()
	fmt.Println(locked, committed)
	for {
		time.Sleep(time.Millisecond)
		if err := publishOne(&p.publisher, buf); err != nil {
			return err
		}
	}
}

// takeOverTimes are those of many takeovers, in ns.
type takeOverTimes struct {
	gone  *hdrhistogram.Histogram // from just before kill to the end of the process
	lock  *hdrhistogram.Histogram // from there to the standby's lock
	first *hdrhistogram.Histogram // from the lock to the first message
	all   *hdrhistogram.Histogram // from just before kill to the first message
}

// TestTakeOverLatency kills publishers, each of which was the standby of the one before,
// and measures how long a ring has none. A subscriber reads across all of them: nothing
// is lost and nothing doubled. It asserts no time.
//
//	go test ./ring -run TestTakeOverLatency -v -timeout 1h -args -kills 1000
func TestTakeOverLatency(t *testing.T) {
	for _, c := range []struct {
		capacity uint64
		huge     bool
	}{{1 << 20, false}, {64 << 20, false}, {1 << 30, false}, {1 << 30, true}} {
		t.Run(fmt.Sprintf("%dMiB,huge=%t", c.capacity>>20, c.huge), func(t *testing.T) {
			kills := *killsFlag
			if kills == 0 {
				if kills = 10; c.capacity > 1<<20 {
					t.Skip("large rings only with -args -kills N")
				}
			}
			times := takeOvers(t, c.capacity, c.huge, kills)
			t.Logf("%d kills, us:        least   p50   p90   p99  p99.9   max", kills)
			for _, row := range []struct {
				what string
				h    *hdrhistogram.Histogram
			}{
				{"kill to process gone ", times.gone},
				{"kill to lock         ", times.lock},
				{"lock to first message", times.first},
				{"kill to first message", times.all},
			} {
				us := func(ns int64) int64 { return (ns + 500) / 1000 }
				q := func(p float64) int64 { return us(row.h.ValueAtQuantile(p)) }
				t.Logf("%s %6d %6d %6d %6d %6d %6d", row.what, us(row.h.Min()), q(50), q(90), q(99), q(99.9), us(row.h.Max()))
			}
		})
	}
}

func takeOvers(t *testing.T, capacity uint64, huge bool, kills int) takeOverTimes {
	dir := shmDir(t)
	p, err := Create("r", Config{Dir: dir, Capacity: capacity, HugePages: huge})
	if err != nil {
		t.Fatal(err)
	}
	if why := p.region.HugeErr(); why != nil {
		t.Log(why)
	}
	p.Close()
	s := mustOpen(t, "r", Options{Dir: dir, NoPrefault: true})
	w := witnessOf(s, func() { time.Sleep(time.Millisecond) })

	standby := func() *child {
		return start(t, "takeover.relay", dir, strconv.FormatUint(capacity, 10), strconv.FormatBool(huge), pollFlag.String())
	}
	var locked, committed uint64
	primary := standby()
	if got := primary.line(); got == "ready" { // it may have the ring before it has asked twice
		primary.line()
	}
	hist := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(time.Minute), 3) }
	times := takeOverTimes{hist(), hist(), hist(), hist()}
	for range kills {
		next := standby()
		if got := next.line(); got != "ready" {
			t.Fatal(got)
		}
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond) // any phase of the standby's polls
		pidfd, err := unix.PidfdOpen(primary.cmd.Process.Pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		killed := tick.Mono()
		if err := unix.Kill(primary.cmd.Process.Pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := (holder{pidfd: pidfd}).wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		gone := tick.Mono()
		unix.Close(pidfd)
		if _, err := fmt.Sscan(next.line(), &locked, &committed); err != nil {
			t.Fatal(err)
		}
		times.gone.RecordValue(int64(gone - killed))
		times.lock.RecordValue(int64(locked - killed))
		times.first.RecordValue(int64(committed - locked))
		times.all.RecordValue(int64(committed - killed))
		primary.kill()
		primary = next
	}
	primary.kill()
	i := mustStat(t, dir, "r")
	w.finish(t, i.Last)
	if w.o.lost != 0 || i.Epoch != uint64(kills)+2 {
		t.Errorf("%d publishers, %d messages, %d of them lost", i.Epoch, i.Last, w.o.lost)
	}
	return times
}
