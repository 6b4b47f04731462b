//go:build linux

package ring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

// A filesystem that is full, in a mount namespace of its own.

func init() {
	for name, session := range fullSessions {
		roles["full."+name] = session
	}
}

var fullSessions = map[string]func(args []string) error{
	"attach": fullAttach, "gates": fullGates, "start": fullStart, "inodes": fullInodes,
}

// TestFullFilesystem: what needs no new file goes on; what does fails, says where and that
// there is no room, and leaves nothing.
func TestFullFilesystem(t *testing.T) {
	for name := range fullSessions {
		t.Run(name, func(t *testing.T) {
			attr := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
			if os.Geteuid() != 0 {
				attr = &syscall.SysProcAttr{
					Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
					UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
					GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
				}
			}
			c := startWith(t, attr, "full."+name, shmDir(t))
			hang := time.AfterFunc(patience, func() { c.cmd.Process.Signal(unix.SIGQUIT) })
			out := c.line()
			hang.Stop()
			if skip, ok := strings.CutPrefix(out, "skip: "); ok {
				t.Skip(skip)
			}
			if out != "good" {
				t.Error(out)
			}
		})
	}
}

// small is a small filesystem, and a ring's directory in it.
type small struct {
	dir     string
	ballast string
	errs    []string
}

// newSmall mounts one. It is told by its kind of limit.
func newSmall(dir, limit string) (*small, error) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, limit+",mode=700"); err != nil {
		fmt.Println("skip: a filesystem cannot be mounted here:", err)
		os.Exit(0)
	}
	s := &small{dir: filepath.Join(dir, "rings"), ballast: filepath.Join(dir, "ballast")}
	return s, os.Mkdir(s.dir, 0o700)
}

// fill leaves room for so many bytes.
func (s *small) fill(left int64) {
	os.Remove(s.ballast)
	var st unix.Statfs_t
	unix.Statfs(s.dir, &st)
	f, err := os.Create(s.ballast)
	if err == nil {
		err = unix.Fallocate(int(f.Fd()), 0, 0, int64(st.Bfree)*st.Bsize-left)
		f.Close()
	}
	s.want("fill", err, nil, "")
}

// want checks an error, and that it says where.
func (s *small) want(what string, err, want error, where string) {
	if !errors.Is(err, want) || want != nil && (!strings.Contains(err.Error(), where) || strings.Contains(err.Error(), "\n")) {
		s.errs = append(s.errs, fmt.Sprintf("%s: %v, want %v at %s", what, err, want, where))
	}
}

// leaves checks that do, which fails, makes and takes away nothing.
func (s *small) leaves(what string, do func() error, where string) {
	list := func() (all []string) {
		filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
			i, _ := d.Info()
			all = append(all, fmt.Sprint(path, i.Mode(), i.Sys().(*syscall.Stat_t).Ino))
			return nil
		})
		return all
	}
	before := list()
	s.want(what, do(), mmap.ErrNoSpace, where)
	if after := list(); !slices.Equal(before, after) {
		s.errs = append(s.errs, fmt.Sprintf("%s leaves %v, was %v", what, after, before))
	}
}

func (s *small) tell() error {
	if s.errs == nil {
		fmt.Println("good")
	} else {
		fmt.Println(strings.Join(s.errs, "; "))
	}
	return nil
}

// flow publishes laps and reads them as gates; what is delivered is checked.
func (s *small) flow(p *Publisher, gates ...*Subscriber) {
	buf := make([]byte, p.MaxMessage())
	oracles := make([]*oracle, len(gates))
	for i := range gates {
		oracles[i] = newOracle(p.MaxMessage())
	}
	for end := p.pos + 2*minCapacity; p.pos < end; {
		err := publishOne(&p.publisher, buf)
		if err != nil && err != ErrBackPressure {
			s.want("Publish", err, nil, "")
			return
		}
		for i, g := range gates {
			st := Message
			for st == Message {
				var err error
				st, err = oracles[i].step(&g.subscriber)
				s.want("Next", err, nil, "")
			}
			if st != Empty {
				s.want("Next", fmt.Errorf("gate %d: %v", i, st), nil, "")
				return
			}
		}
	}
}

// fullAttach: subscribers come to a ring that is there.
func fullAttach(args []string) error {
	s, err := newSmall(args[0], "size=1m")
	if err != nil {
		return err
	}
	cfg := smallest(s.dir)
	cfg.Gates = []Gate{{Name: "g"}}
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	g, err := Open("r", Options{Dir: s.dir, Name: "g"})
	if err != nil {
		return err
	}
	s.fill(0)
	s.flow(p, g) // all of a ring's memory is there from the start
	g.Close()
	for _, opt := range []Options{{}, {Name: "g"}} {
		opt.Dir = s.dir
		sub, err := Open("r", opt)
		s.want("Open", err, nil, "")
		if err == nil {
			sub.Close()
		}
	}
	open := func() error {
		_, err := Open("r", Options{Dir: s.dir, Name: "new"})
		return err
	}
	s.leaves("Open as new", open, "subs/new")
	s.fill(int64(subFileSize) - 4096)
	s.leaves("Open as new, with almost enough room", open, "subs/new")
	i, err := Stat(s.dir, "r")
	s.want("Stat", errors.Join(err, i.Err, i.Subscribers[0].Err), nil, "")
	list, err := List(s.dir)
	if len(list) != 1 {
		err = errors.Join(err, fmt.Errorf("%v", list))
	}
	s.want("List", err, nil, "")
	s.fill(2 * int64(subFileSize))
	s.want("Open as new, with room", open(), nil, "")
	return s.tell()
}

// fullGates: gates come and go.
func fullGates(args []string) error {
	s, err := newSmall(args[0], "size=1m")
	if err != nil {
		return err
	}
	cfg := smallest(s.dir)
	cfg.Gates = []Gate{{Name: "g"}}
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	g, err := Open("r", Options{Dir: s.dir, Name: "g"})
	if err != nil {
		return err
	}
	was, err := Open("r", Options{Dir: s.dir, Name: "was"})
	if err != nil {
		return err
	}
	s.fill(0)
	s.leaves("AddGate", func() error { return p.AddGate(Gate{Name: "new"}) }, "subs/new")
	s.flow(p, g)
	s.want("AddGate of a subscriber", p.AddGate(Gate{Name: "was"}), nil, "")
	was.Close()
	if was, err = Open("r", Options{Dir: s.dir, Name: "was", From: FromLatest}); err != nil {
		return err
	}
	s.flow(p, g, was)
	s.want("RemoveGate", p.RemoveGate("was"), nil, "")
	// A gate's file is taken away, and cannot be made again at once: the gate holds.
	s.fill(0)
	path := p.paths.sub("g")
	s.want("Remove", os.Remove(path), nil, "") // its room is not free: it is open
	g.Close()
	for range 3 * minCapacity / lineSize {
		if err = p.Publish(0, nil); err != nil {
			break
		}
	}
	s.want("Publish without the gate's file", err, ErrBackPressure, "")
	// Reading the name is due every lookEvery, and finds room at last.
	s.fill(int64(subFileSize))
	for !exists(path) {
		p.Publish(0, nil)
	}
	if g, err = Open("r", Options{Dir: s.dir, Name: "g"}); err != nil {
		return err
	}
	next := uint64(0)
	for {
		_, st := g.Next()
		if st != Message {
			break
		}
		if next != 0 && g.Seq() != next {
			s.want("Next", fmt.Errorf("message %d, want %d", g.Seq(), next), nil, "")
		}
		next = g.Seq() + 1
	}
	if next != p.seq || g.Lost() != 0 {
		s.want("the gate", fmt.Errorf("read to %d of %d, lost %d", next-1, p.Seq(), g.Lost()), nil, "")
	}
	return s.tell()
}

// fullStart: publishers begin.
func fullStart(args []string) error {
	s, err := newSmall(args[0], "size=1m")
	if err != nil {
		return err
	}
	ring := int64(dataOffset + minCapacity)
	create := func(name string, cfg Config) func() error {
		return func() error {
			p, err := Create(name, cfg)
			if err == nil {
				p.Close()
			}
			return err
		}
	}
	cfg := smallest(s.dir)
	cfg.Gates = []Gate{{Name: "a"}, {Name: "b"}}
	// No room for: anything; the ring; the first gate; the second one.
	for _, left := range []int64{0, 4096, ring, ring + 3*4096, ring + int64(subFileSize), ring + int64(subFileSize) + 6*4096} {
		s.fill(left)
		s.leaves(fmt.Sprintf("Create with %d bytes left", left), create("r", cfg), filepath.Join(s.dir, "r"))
	}
	s.fill(ring + 2*int64(subFileSize) + 8*4096)
	s.want("Create", create("r", cfg)(), nil, "")
	s.fill(0)
	s.leaves("Create of another", create("other", smallest(s.dir)), "other")
	larger := cfg
	larger.Capacity *= 2
	s.leaves("Create of another size", create("r", larger), filepath.Join("r", "ring"))
	more := cfg
	more.Gates = append(more.Gates, Gate{Name: "c"})
	s.leaves("Create with another gate", create("r", more), "subs/c")
	s.fill(int64(subFileSize) + 4096)
	more.Gates = append(more.Gates, Gate{Name: "d"})
	s.leaves("Create with two other gates, one of which has room", create("r", more), "subs/d")
	// Who goes on needs no room, and has the gates that were there.
	s.fill(0)
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	if got := p.Gates(); len(got) != 2 {
		s.want("Gates", fmt.Errorf("%+v", got), nil, "")
	}
	var gates []*Subscriber
	for _, name := range []string{"a", "b"} {
		g, err := Open("r", Options{Dir: s.dir, Name: name})
		if err != nil {
			return err
		}
		gates = append(gates, g)
	}
	s.flow(p, gates...)
	p.Close()
	s.want("Remove", Remove(s.dir, "r"), nil, "")
	if left := names0(s.dir); left != "" {
		s.want("Remove", fmt.Errorf("leaves %s", left), nil, "")
	}
	return s.tell()
}

// fullInodes: there is room, but no file can be made.
func fullInodes(args []string) error {
	s, err := newSmall(args[0], "size=2m,nr_inodes=9")
	if err != nil {
		return err
	}
	p, err := Create("r", smallest(s.dir)) // rings, r, lock, subs, ring: 6 with the root
	if err != nil {
		return err
	}
	for i := range 3 {
		_, err := Open("r", Options{Dir: s.dir, Name: fmt.Sprint("s", i)})
		s.want("Open", err, nil, "")
	}
	s.leaves("Open", func() error {
		_, err := Open("r", Options{Dir: s.dir, Name: "s3"})
		return err
	}, "subs/s3")
	s.leaves("AddGate", func() error { return p.AddGate(Gate{Name: "g"}) }, "subs/g")
	s.leaves("Create", func() error {
		_, err := Create("other", smallest(s.dir))
		return err
	}, "other")
	s.flow(p)
	return s.tell()
}

// names0 is names outside a test.
func names0(dir string) (all string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		all += e.Name() + " "
	}
	return strings.TrimSpace(all)
}
