//go:build linux && hooks

package ring

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	scripts["sleeper"] = sleeperScript
	scripts["waker"] = wakerScript
}

// sleeperScript reads to the end, and sleeps until it is woken: each message is an
// operation.
func sleeperScript(b *box, dir string) error {
	s, err := Open("r", Options{Dir: dir, From: FromOldest})
	if err != nil {
		return err
	}
	w, err := NewSleeper(SleepOptions{Spins: 1, Yields: 1, Longest: time.Hour})
	if err != nil {
		return err
	}
	for {
		m, st, err := s.NextWait(context.Background(), w)
		switch st {
		case Message:
			if binary.LittleEndian.Uint64(m) != s.Seq() {
				return fmt.Errorf("message %d is %x", s.Seq(), m)
			}
			b.done(s.Seq())
		case Closed:
			return s.Close()
		default:
			return fmt.Errorf("%v %v", st, err)
		}
	}
}

// wakerScript wakes until it is killed.
func wakerScript(_ *box, dir string) error {
	w, err := NewWaker("r", WakerOptions{Dir: dir, Wait: Yield{Spins: 1}})
	if err != nil {
		return err
	}
	return w.Run(context.Background())
}

// state of a process whose parent we are.
func (h *hookedProcess) isStopped(t *testing.T) bool {
	t.Helper()
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, h.cmd.Process.Pid, &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || info.Code != 0 && info.Code != 5 {
			t.Fatalf("the process has ended: %v, code %d", err, info.Code)
		}
		return info.Code == 5
	}
}

// TestSleeperStoppedAtEveryAccess: whatever a sleeper is about to do, it is stopped, and a
// message is published and woken for before it goes on. It must not sleep over it: its
// sleeps are of an hour.
func TestSleeperStoppedAtEveryAccess(t *testing.T) {
	stops := 0
	for point := uint64(1); ; point++ {
		reached := func() bool {
			dir := shmDir(t) + "/d"
			cfg := smallest(dir)
			cfg.Waker, cfg.WakerWait = true, Yield{Spins: 1}
			p := mustCreate(t, "r", cfg)
			defer p.Close()
			h, err := startHooked("sleeper", dir, point, unix.SIGSTOP)
			if err != nil {
				t.Fatal(err)
			}
			defer h.close()
			// Some sleeps, if it is not stopped before.
			for range 4 {
				if err := publishNumbers(p, 1); err != nil {
					t.Fatal(err)
				}
				for began := time.Now(); atomic.LoadUint64(&h.box.ops) != p.Seq() && !h.isStopped(t); {
					if time.Since(began) > patience {
						t.Fatalf("point %d: message %d is not read", point, p.Seq())
					}
					yield()
				}
				if h.isStopped(t) {
					break
				}
				time.Sleep(100 * time.Microsecond) // let it sleep
			}
			if !h.isStopped(t) {
				return atomic.LoadUint64(&h.box.points) >= point
			}
			stops++
			before := p.wakes()
			if err := publishNumbers(p, 1); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the waker has woken", func() bool { return p.wakes() != before })
			time.Sleep(100 * time.Microsecond) // between its add and its wake
			if err := h.goOn(); err != nil {
				t.Fatal(err)
			}
			eventually(t, fmt.Sprintf("stopped at point %d, message %d is read", point, p.Seq()), func() bool {
				return atomic.LoadUint64(&h.box.ops) == p.Seq()
			})
			p.Close()
			if _, err := h.ended(); err != nil {
				t.Fatalf("point %d: %v", point, err)
			}
			return true
		}()
		if !reached {
			break
		}
	}
	t.Logf("stopped at %d points", stops)
	if stops < 50 {
		t.Error("that tests little")
	}
}

// TestWakerKilledAtEveryAccess: whatever a waker is about to do, it is killed. Its sleepers
// miss nothing, though late, and the next waker takes its place.
func TestWakerKilledAtEveryAccess(t *testing.T) {
	kills := 0
	for point := uint64(1); point < 200; point++ {
		func() {
			dir := shmDir(t) + "/d"
			p := mustCreate(t, "r", smallest(dir))
			defer p.Close()
			s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
			defer s.Close()
			w := mustSleeper(t, SleepOptions{Spins: 1, Yields: 1, Longest: 2 * time.Millisecond})
			h, err := startHooked("waker", dir, point, unix.SIGKILL)
			if err != nil {
				t.Fatal(err)
			}
			defer h.close()
			ended := make(chan bool)
			go func() {
				h.ended()
				close(ended)
			}()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			for alive := true; alive; {
				select {
				case <-ended:
					alive = false
				default:
				}
				if err := publishNumbers(p, 1); err != nil {
					t.Fatal(err)
				}
				if _, st, err := s.NextWait(ctx, w); st != Message || s.Seq() != p.Seq() {
					t.Fatalf("point %d: %v %v, message %d and not %d", point, st, err, s.Seq(), p.Seq())
				}
			}
			kills++
			if i := mustStat(t, dir, "r"); i.Waker {
				t.Fatalf("point %d: the waker is dead and the ring has one", point)
			}
		}()
	}
	t.Logf("%d kills", kills)
}
