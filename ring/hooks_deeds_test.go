//go:build linux && hooks

package ring

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// The tests of this file do something to a file while others use it: after any of their
// accesses of shared memory, and before and after anything that they do by a descriptor. So
// also between a mapping and its first access, and where Go reads by itself: to see that a
// pointer is not nil, or to copy a struct. No deed may end or hang the process, nor leave a
// descriptor or a mapping behind; and afterwards there is a ring again for who wants one.

var deedFlag = flag.String("deed", "", "the one point to do something at, as a failure of TestDeedsAt tells it: script/deed/victim/point")

// deeds are what somebody may do to a file: to those that are open, as f, and to the name.
var deeds = map[string]struct {
	open  func(f *os.File) error
	named func(path string) error
}{
	"cut":      {open: func(f *os.File) error { return f.Truncate(0) }},
	"cut-page": {open: func(f *os.File) error { return f.Truncate(int64(os.Getpagesize())) }},
	"grow":     {open: func(f *os.File) error { return f.Truncate(1 << 21) }},
	"hole": {open: func(f *os.File) error {
		return unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 1<<21)
	}},
	"ones": {open: func(f *os.File) error {
		return scribble(f, func(b []byte) { copy(b, bytes.Repeat([]byte{0xFF}, len(b))) })
	}},
	"rubbish": {open: func(f *os.File) error { return scribble(f, func(b []byte) { rand.NewChaCha8([32]byte{1}).Read(b) }) }},
	"remove":  {named: os.Remove},
	"empty": {named: func(path string) error {
		return instead(path, func(p string) error { return os.WriteFile(p, nil, 0o600) })
	}},
	"fifo": {named: func(path string) error { return instead(path, func(p string) error { return unix.Mkfifo(p, 0o600) }) }},
}

func scribble(f *os.File, how func(b []byte)) error {
	i, err := f.Stat()
	if err != nil {
		return err
	}
	b := make([]byte, i.Size())
	how(b)
	_, err = f.WriteAt(b, 0)
	return err
}

// instead puts something else in the place of a file.
func instead(path string, make func(path string) error) error {
	if err := make(path + "~"); err != nil {
		return err
	}
	return os.Rename(path+"~", path)
}

// deed is something that is done to a victim, a kind of files, at a point.
type deed struct {
	script, what, victim string
	at                   uint64
}

func (d deed) String() string { return fmt.Sprintf("%s/%s/%s/%d", d.script, d.what, d.victim, d.at) }

// victims are the kinds of files; see victimOf.
var victims = []string{"ring", "publisher", "lock", "sub"}

func victimOf(path string) string {
	if filepath.Base(filepath.Dir(path)) == "subs" {
		return "sub"
	}
	return filepath.Base(path)
}

// site is where a script runs and the deed is done.
type site struct {
	dir    string
	deed   deed
	tid    int
	beside bool // the points are those of other threads

	mu     sync.Mutex
	on     bool
	points uint64
	last   uint64 // address
	run    int
	files  map[string]*os.File // of the victim, ever opened: by device and inode
	learnt *learnt             // nil: it is known
	done   bool
	err    error // of the deed or of a call: what must not be
}

// learnt is what a run without a deed has shown.
type learnt struct {
	points uint64
	kinds  map[string]bool     // of files that were opened
	steps  []uint64            // points at which something was done to a file, and those behind them
	mapped map[string][]uint64 // the same for those at which a file of a kind had been mapped
}

// draw returns n points, 0 for all, some of them among the steps. If a file is cut to nothing,
// those before the first and the second access of a mapping come on top.
func (l *learnt) draw(r *rand.Rand, n int, what, victim string) []uint64 {
	if n == 0 || n >= int(l.points) {
		n = int(l.points)
	}
	at := map[uint64]bool{}
	for i := 0; len(at) < n; i++ {
		if i%2 == 0 && i < 2*len(l.steps) {
			at[l.steps[r.IntN(len(l.steps))]] = true
		} else {
			at[1+r.Uint64N(l.points)] = true
		}
	}
	if what == "cut" {
		for _, p := range l.mapped[victim] {
			at[p] = true
		}
	}
	return slices.Sorted(maps.Keys(at))
}

// access is the hook of package mem.
func (s *site) access(p *uint64, done bool) {
	if !done {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ours() {
		return
	}
	at := uint64(uintptr(unsafe.Pointer(p)))
	if at == s.last+8 {
		s.run++
	} else if at != s.last {
		s.run = 0
	}
	s.last = at
	if s.run < longRun {
		s.point()
	}
}

// step is the hook of package mmap.
func (s *site) step(fd int, path string, mapped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := victimOf(path)
	if s.learnt != nil {
		s.learnt.kinds[kind] = true
	}
	if kind == s.deed.victim && fd >= 0 {
		s.keep(fd)
	}
	if s.ours() {
		s.point()
		if s.learnt != nil {
			s.learnt.steps = append(s.learnt.steps, s.points, s.points+1)
			if mapped {
				s.learnt.mapped[kind] = append(s.learnt.mapped[kind], s.points, s.points+1)
			}
		}
	}
}

func (s *site) ours() bool { return s.on && (unix.Gettid() == s.tid) != s.beside }

// keep keeps a file, whatever becomes of its name.
func (s *site) keep(fd int) {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return
	}
	id := fmt.Sprint(st.Dev, st.Ino)
	if s.files[id] == nil {
		if f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDWR, 0); err == nil {
			s.files[id] = f
		}
	}
}

func (s *site) point() {
	if s.points++; s.points == s.deed.at {
		s.doIt()
	}
}

// doIt does the deed.
func (s *site) doIt() {
	s.done = true
	how := deeds[s.deed.what]
	paths := []string{filepath.Join(s.dir, "r", s.deed.victim)}
	if s.deed.victim == "sub" {
		paths, _ = filepath.Glob(filepath.Join(s.dir, "r", "subs", "*"))
	}
	for _, path := range paths {
		var err error
		if how.named != nil {
			if _, err = os.Lstat(path); err == nil {
				err = how.named(path)
			}
		} else if f, ferr := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0); ferr == nil {
			s.keep(int(f.Fd()))
			f.Close()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.fail("the deed: %v", err)
		}
	}
	if how.open != nil {
		for _, f := range s.files {
			if err := how.open(f); err != nil {
				s.fail("the deed: %v", err)
			}
		}
	}
}

func (s *site) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// begin and end enclose what of a script counts: what comes before is made as it should be.
func (s *site) begin() { s.set(true) }
func (s *site) end()   { s.set(false) }

func (s *site) set(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
}

// call makes a call that never faults, whatever is done to the files.
func (s *site) call(what string, do func() error) { s.look(what, do()) }

// loop makes one that may, and then ends with an error inside mmap.Guard.
func (s *site) loop(what string, do func() error) { s.look(what, mmap.Guard(do)) }

// look looks at an error: before the deed there is none, and later it is one sentence.
func (s *site) look(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
	case !s.done:
		s.fail("%s: %v", what, err)
	case strings.ContainsAny(err.Error(), "\n") && !strings.HasPrefix(what, "Close") || strings.Contains(err.Error(), "%!"):
		s.fail("%s does not say it in a sentence: %q", what, err)
	}
}

// must is for what comes before begin.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// trial runs a script with a deed, and looks whether the ring can be had afterwards.
func trial(base string, d deed, learn *learnt) error {
	dir := filepath.Join(base, "trial")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	open, mapped := leftOpen(dir)
	s := &site{dir: dir, deed: d, tid: unix.Gettid(), files: map[string]*os.File{}, learnt: learn}
	mem.Hook = func(p *uint64, _, done bool) { s.access(p, done) }
	mmap.Hook = s.step
	deedScripts[d.script](s)
	mem.Hook, mmap.Hook = nil, nil
	for _, f := range s.files {
		f.Close()
	}
	if n, m := leftOpen(dir); n != open || m != mapped {
		s.fail("there are %d files still open and %d mapped", n-open, m-mapped)
	}
	if s.err == nil {
		if err := afterwards(dir, d); err != nil {
			s.fail("afterwards: %w", err)
		}
	}
	if learn != nil {
		learn.points = s.points
	}
	return s.err
}

// leftOpen returns how many files of a directory this process has open, and has mapped.
func leftOpen(dir string) (open, mapped int) {
	fds := must(os.ReadDir("/proc/self/fd"))
	for _, e := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, dir) {
			open++
		}
	}
	return open, strings.Count(string(must(os.ReadFile("/proc/self/maps"))), " "+dir)
}

// afterwards makes the ring anew, or goes on with it, and reads a message.
func afterwards(dir string, d deed) error {
	cfg := smallest(dir)
	p, err := Create("r", cfg)
	for tries := 0; err != nil && tries < 2; tries++ {
		switch {
		case d.what == "fifo" && errors.Is(err, mmap.ErrNotRegular):
			if err := removeFIFOs(dir); err != nil { // by hand, as the error says
				return err
			}
		case errors.Is(err, ErrUnread):
			cfg.Capacity = 0 // that of the ring
		}
		p, err = Create("r", cfg)
	}
	if err != nil {
		return err
	}
	defer p.Close()
	for _, g := range p.Gates() {
		if err := p.RemoveGate(g.Name); err != nil {
			return err
		}
	}
	sub, err := Open("r", Options{Dir: dir, Name: "afterwards", From: FromLatest})
	if err != nil {
		return err
	}
	defer sub.Close()
	if err := p.Publish(7, []byte("news")); err != nil {
		return err
	}
	if msg, st := sub.Next(); st != Message || string(msg) != "news" || sub.Type() != 7 {
		return fmt.Errorf("%q, %v", msg, st)
	}
	i, err := Stat(dir, "r")
	return errors.Join(err, i.Err)
}

func removeFIFOs(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type()&fs.ModeNamedPipe != 0 {
			err = os.Remove(path)
		}
		return err
	})
}

func init() { roles["deeds"] = doDeeds }

// doDeeds runs a script again and again, with every deed to every victim at so many points, 0
// for all, drawn from a seed: args are the directory, the script, that number and the seed; or
// the one deed instead of the number. It prints what it is at, and "good".
func doDeeds(args []string) error {
	runtime.LockOSThread()
	dir, script := args[0], args[1]
	now := make(chan string)
	go func() {
		at := "the first"
		for {
			select {
			case at = <-now:
			case <-time.After(patience / 2):
				fmt.Println("it hangs at", at)
				pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
				os.Exit(0)
			}
		}
	}()
	do := func(d deed) error {
		fmt.Println(d)
		now <- d.String()
		if err := trial(dir, d, nil); err != nil {
			return fmt.Errorf("%v: %w", d, err)
		}
		return nil
	}
	if d, one := parseDeed(args[2]); one {
		if err := do(d); err != nil {
			return err
		}
		fmt.Println("good")
		return nil
	}
	most, err := strconv.Atoi(args[2])
	seed, err2 := strconv.ParseUint(args[3], 10, 64)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	l := &learnt{kinds: map[string]bool{}, mapped: map[string][]uint64{}}
	if err := trial(dir, deed{script: script}, l); err != nil {
		return fmt.Errorf("%s without a deed: %w", script, err)
	}
	r := rand.New(rand.NewPCG(seed, 0))
	trials := 0
	for _, what := range slices.Sorted(maps.Keys(deeds)) {
		for _, victim := range victims {
			if !l.kinds[victim] {
				continue
			}
			for _, at := range l.draw(r, most, what, victim) {
				trials++
				if err := do(deed{script, what, victim, at}); err != nil {
					return err
				}
			}
		}
	}
	fmt.Println(l.points, "points,", trials, "deeds")
	fmt.Println("good")
	return nil
}

func parseDeed(s string) (d deed, ok bool) {
	f := strings.Split(s, "/")
	if len(f) != 4 {
		return d, false
	}
	at, err := strconv.ParseUint(f[3], 10, 64)
	return deed{f[0], f[1], f[2], at}, err == nil
}

// TestDeedsAt does each of the deeds to each kind of files at points of each script.
func TestDeedsAt(t *testing.T) {
	if d, one := parseDeed(*deedFlag); one {
		runDeeds(t, d.script, *deedFlag, "0")
		return
	}
	seed := strconv.FormatUint(seed(t), 10)
	for _, script := range slices.Sorted(maps.Keys(deedScripts)) {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			runDeeds(t, script, strconv.Itoa(*pointsFlag/20), seed)
		})
	}
}

func runDeeds(t *testing.T, script, points, seed string) {
	c := start(t, "deeds", shmDir(t), script, points, seed)
	var before, last string
	for {
		line, err := c.out.ReadString('\n')
		if err != nil {
			break
		}
		before, last = last, strings.TrimSpace(line)
	}
	if last != "good" {
		t.Fatalf("it ended at %s", last)
	}
	c.wait()
	t.Log(before)
}

// stopping is a wait strategy that ends a context after some waits.
type stopping struct {
	after int
	end   context.CancelFunc
}

func (w stopping) Wait(polls int) {
	if polls >= w.after {
		w.end()
		time.Sleep(time.Millisecond) // until the waker has heard of it, or it does so later
	}
}
