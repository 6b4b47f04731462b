//go:build linux && hooks

package ring

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
)

// The tests of this build end or stop real processes between any two of their accesses
// of shared memory. A process runs a script; each access is two points, before it and
// after it. One run without a fault says which points there are and which of them make a
// message visible; then others are killed or stopped at them.

var pointsFlag = flag.Int("points", 0, "how many points of each script processes are killed at, drawn from the seed; 0: all")

const (
	boxOps    = 1 << 10
	boxPoints = 1 << 17
)

// box is what a process with a script leaves behind whenever it is killed: it lies in a
// shared file and is written by the hook and the script.
type box struct {
	points  uint64 // passed
	written uint64 // the point after the last store that was not of 0: one of 0 may follow a commit
	ops     uint64 // operations of the script that have returned
	last    uint64 // number of the last message; its parent stores it while the process is stopped
	lapIn   uint64 // how many stops out of 1000 are to be used for a lap
	op      [boxOps]boxOp
	trace   [boxPoints]uint64 // for every point: the address, and whether it is a store
}

// boxOp is an operation that has returned.
type boxOp struct {
	points  uint64 // box.points when it returned
	written uint64 // box.written when it returned
	said    [3]uint64
}

const traceStore = 1 << 63

// done notes that an operation has returned and what it said.
func (b *box) done(said ...uint64) {
	o := boxOp{points: b.points, written: b.written}
	copy(o.said[:], said)
	b.op[b.ops] = o
	b.ops++
}

// scripts are what processes do, by name. Every operation ends with box.done.
var scripts = map[string]func(b *box, dir string) error{}

func init() { roles["hooks"] = hooked }

// atAll stands for every point that follows an access, but for those in the midst of a
// run of so many stores or loads of neighbouring words.
const (
	atAll   = ^uint64(0)
	longRun = 16
)

// hooked runs a script: args are its name, the directory, the box, the point to stop at,
// and the signal.
func hooked(args []string) error {
	b, err := mapFile[box](args[2])
	if err != nil {
		return err
	}
	at, err := strconv.ParseUint(args[3], 10, 64)
	if err != nil {
		return err
	}
	sig, err := strconv.Atoi(args[4])
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	pid, tid := uintptr(os.Getpid()), uintptr(unix.Gettid())
	var last, run uint64
	mem.Hook = func(p *uint64, write, done bool) {
		b.points++
		t := uint64(uintptr(unsafe.Pointer(p)))
		if t == last+8 {
			run++
		} else if t != last {
			run = 0
		}
		last = t
		if write {
			t |= traceStore
			if done && atomic.LoadUint64(p) != 0 {
				b.written = b.points
			}
		}
		if b.points < boxPoints {
			b.trace[b.points] = t
		}
		if b.points == at || at == atAll && done && run < longRun {
			// To this thread, which does nothing more before the signal takes effect.
			unix.RawSyscall(unix.SYS_TGKILL, pid, tid, uintptr(sig))
		}
	}
	return scripts[args[0]](b, args[1])
}

// hookedProcess is a process with a script.
type hookedProcess struct {
	cmd  *exec.Cmd
	box  *box
	path string
	in   io.WriteCloser
	out  *bufio.Scanner
}

func startHooked(script, dir string, at uint64, sig unix.Signal) (*hookedProcess, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	path := dir + ".box"
	os.Remove(path)
	b, err := mapFile[box](path)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, script, dir, path, strconv.FormatUint(at, 10), strconv.Itoa(int(sig)))
	cmd.Env = append(os.Environ(), "TICKRING_TEST_ROLE=hooks", "GOMAXPROCS=2")
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		unmapFile(b)
		return nil, err
	}
	return &hookedProcess{cmd, b, path, in, bufio.NewScanner(out)}, nil
}

// ask is for scripts: somebody is to do something for them, and has done it when it
// returns.
func ask(what string) error {
	fmt.Println(what)
	_, err := fmt.Scanln()
	if err != nil && err.Error() == "unexpected newline" {
		return nil
	}
	return err
}

// serve does what the script asks for, until the process ends.
func (h *hookedProcess) serve(do func(what string) error) error {
	for h.out.Scan() {
		if err := do(h.out.Text()); err != nil {
			return err
		}
		fmt.Fprintln(h.in) // it may have been killed meanwhile
	}
	return nil
}

// ended waits for the end of the process: killed says whether that was by SIGKILL.
func (h *hookedProcess) ended() (killed bool, err error) {
	err = h.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true, nil
	}
	return false, err
}

// stopped waits until the process is stopped, or false: it has ended.
func (h *hookedProcess) stopped() (bool, error) {
	for {
		// Siginfo has no field for what is asked, but for the code: CLD_STOPPED is 5.
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, h.cmd.Process.Pid, &info, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		return info.Code == 5, err
	}
}

func (h *hookedProcess) goOn() error { return h.cmd.Process.Signal(unix.SIGCONT) }

// close ends the process, if it has not ended, and takes its box away.
func (h *hookedProcess) close() {
	if h.cmd.ProcessState == nil {
		h.cmd.Process.Kill()
		h.cmd.Wait()
	}
	unmapFile(h.box)
	os.Remove(h.path)
}

// course is what the run of a script without a fault has shown.
type course struct {
	points uint64
	op     []boxOp
	trace  []uint64
}

// learn runs a script without a fault; do is what it asks for, if it does.
func learn(script, dir string, do func(what string) error) (course, error) {
	h, err := startHooked(script, dir, 0, unix.SIGKILL)
	if err != nil {
		return course{}, err
	}
	defer h.close()
	if err := h.serve(do); err != nil {
		return course{}, err
	}
	if _, err := h.ended(); err != nil {
		return course{}, err
	}
	b := h.box
	if b.points >= boxPoints {
		return course{}, fmt.Errorf("script %s has %d points, more than fit", script, b.points)
	}
	return course{b.points, slices.Clone(b.op[:b.ops]), slices.Clone(b.trace[:b.points+1])}, nil
}

// same says whether a process that was ended or stopped took this course until then. A
// script runs the same way every time, unless seconds pass between two of its messages
// and its publisher puts in a time frame.
func (c *course) same(b *box) bool {
	for i := range b.ops {
		if b.op[i] != c.op[i] {
			return false
		}
	}
	return b.points <= c.points
}

var errOtherCourse = errors.New("the script did not take the course that it took before")

// kills returns the points at which processes are to be killed: all that follow an access,
// with the exception of atAll, and those at which an operation begins, because it may have
// begun with a system call.
func (c *course) kills(r *rand.Rand) []uint64 {
	var points []uint64
	run := 0
	for i := uint64(2); i <= c.points; i += 2 {
		if c.trace[i] == c.trace[i-2]+8 {
			run++
		} else {
			run = 0
		}
		if run < longRun {
			points = append(points, i)
		}
	}
	for _, o := range c.op {
		if o.points < c.points {
			points = append(points, o.points+1) // as the next operation begins
		}
	}
	slices.Sort(points)
	points = slices.Compact(points)
	if n := *pointsFlag; n != 0 && n < len(points) {
		r.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
		points = points[:n]
	}
	return points
}

// inParallel runs a trial for each of some points, each in a directory of its own, and
// reports the first error of each.
func inParallel(t *testing.T, points []uint64, trial func(dir string, point uint64) error) {
	t.Helper()
	base := shmDir(t)
	work := make(chan uint64)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for p := range work {
				dir := filepath.Join(base, strconv.FormatUint(p, 10))
				err := trial(dir, p)
				for tries := 1; errors.Is(err, errOtherCourse) && tries < 5; tries++ {
					os.RemoveAll(dir)
					err = trial(dir, p)
				}
				if err != nil {
					t.Errorf("point %d: %v", p, err)
				}
				os.RemoveAll(dir)
			}
		})
	}
	for _, p := range points {
		if t.Failed() {
			break
		}
		work <- p
	}
	close(work)
	wg.Wait()
}

// copyRings copies the files of a directory of rings, as they are at this moment.
func copyRings(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dest := filepath.Join(to, rel)
		if d.IsDir() {
			return os.Mkdir(dest, 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(dest, b, 0o600)
	})
}

// untilFree calls try until the kernel has let go of the locks of a process that has
// ended: that can be a moment after its parent was told.
func untilFree(try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		err := try()
		if !errors.Is(err, ErrPublisherActive) && !errors.Is(err, ErrSubscriberActive) || time.Now().After(end) {
			return err
		}
	}
}
