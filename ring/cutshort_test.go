//go:build linux && !race

package ring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// A ring's file that is cut short, or comes and goes, under all who have it mapped. Not
// with the race detector: a fault inside its own atomic operations ends the process.

func init() {
	roles["cut.all"] = cutUnderAll
	roles["cut.race"] = cutWhileOpening
}

// TestCutShortUnderAll: whatever call runs into it returns an error, inside mmap.Guard;
// goroutines of the ring's own end or wait. The next publisher makes a new file.
func TestCutShortUnderAll(t *testing.T) {
	for _, size := range []int{0, 0x300, tableOffset, dataOffset, dataOffset + minCapacity/2} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { inChild(t, "cut.all", shmDir(t), strconv.Itoa(size)) })
	}
}

func cutUnderAll(args []string) error {
	size, _ := strconv.Atoi(args[1])
	cfg := Config{Dir: args[0], Capacity: minCapacity, Heartbeat: time.Millisecond, Waker: true, WakerWait: Yield{}, Gates: []Gate{{Name: "gate"}}}
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	var subs []*Subscriber
	for _, name := range []string{"gate", "named", "", "sleeps"} {
		s, err := Open("r", Options{Dir: args[0], Name: name, From: map[bool]From{true: FromCursor, false: FromOldest}[name == "gate"]})
		if err != nil {
			return err
		}
		subs = append(subs, s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wakerEnds, taken := make(chan error, 1), make(chan *Publisher, 1)
	w, err := NewWaker("r", WakerOptions{Dir: args[0], Wait: Yield{}})
	if err != nil {
		return err
	}
	go func() { wakerEnds <- w.Run(ctx) }()
	go func() {
		again := cfg
		again.Waker = false
		q, err := Standby(ctx, "r", again)
		if err != nil {
			fmt.Println("the standby:", err)
		}
		taken <- q
	}()
	line, long := make([]byte, mem56), make([]byte, 3000)
	for range 40 {
		if err := errors.Join(p.Publish(0, line), p.Publish(0, long)); err != nil {
			return err
		}
		for _, s := range subs[1:] {
			s.Next()
		}
	}
	if _, st := subs[2].View(); st != Message {
		return fmt.Errorf("View: %v", st)
	}

	path := p.paths.ring()
	if err := os.Truncate(path, int64(size)); err != nil {
		return err
	}
	sleeper, err := NewSleeper(SleepOptions{Spins: 1, Yields: 1, Longest: time.Millisecond}, subs[3])
	if err != nil {
		return err
	}
	soon := func(do func(ctx context.Context) error) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
			defer cancel()
			return do(ctx)
		}
	}
	drain := func(s *Subscriber) func() error {
		return func() error {
			for st := Message; st == Message; {
				_, st = s.Next()
			}
			return nil
		}
	}
	calls := []struct {
		name string
		do   func() error
	}{
		{"Publish", func() error { return p.Publish(0, line) }},
		{"Publish a long one", func() error { return p.Publish(0, long) }},
		{"PublishWait", soon(func(ctx context.Context) error { return p.PublishWait(ctx, 0, long) })},
		{"PublishBatch", func() error { return p.PublishBatch([]Outgoing{{Data: line}, {Data: long}}) }},
		{"PublishMark", func() error { return p.PublishMark(0, line) }},
		{"Claim", func() error {
			b, err := p.Claim(100)
			if err == nil {
				copy(b, long)
				err = p.Commit(0, 100)
			}
			p.Abort()
			return err
		}},
		{"AddGate", func() error { return p.AddGate(Gate{Name: "new"}) }},
		{"RemoveGate", func() error { return p.RemoveGate("new") }},
		{"Gates", func() error { p.Gates(); return nil }},
		{"Beat", func() error { p.Beat(); return nil }},
		{"Next as a gate", drain(subs[0])},
		{"Next", drain(subs[1])},
		{"Valid", func() error { subs[2].Valid(); return nil }},
		{"View", func() error {
			for st := Message; st == Message; {
				_, st = subs[2].View()
			}
			return nil
		}},
		{"NextWait", soon(func(ctx context.Context) error {
			for {
				_, st, err := subs[3].NextWait(ctx, sleeper)
				if err != nil || st != Message && st != Gap {
					return err
				}
			}
		})},
		{"Gate", func() error { subs[0].Gate(); return nil }},
		{"Mark", func() error { subs[0].Mark(); return nil }},
		{"PublishTime", func() error { subs[1].PublishTime(); return nil }},
		{"Info", func() error { subs[1].Info(); return nil }},
		{"Publisher", func() error { subs[1].Publisher(); return nil }},
		{"Stat", func() error { _, err := Stat(args[0], "r"); return err }},
		{"Open", func() error { _, err := Open("r", Options{Dir: args[0], Name: "late"}); return err }},
	}
	// What must run into it if nothing is left. (In the others there is a guard.)
	faults := []string{"Publish a long one", "PublishMark", "Next as a gate", "Next", "View", "NextWait", "Gate", "Mark"}
	for _, c := range calls {
		fmt.Println(c.name)
		err := mmap.Guard(c.do)
		if size == 0 && slices.Contains(faults, c.name) && !errors.Is(err, mmap.ErrFault) {
			fmt.Println(c.name, "says", err)
			return nil
		}
		if (c.name == "Stat" || c.name == "Open") && !errors.Is(err, ErrNotRing) && !errors.Is(err, ErrCorrupt) {
			fmt.Println(c.name, "says", err)
			return nil
		}
	}
	// A Create meanwhile is refused, not by the file.
	if _, err := Create("r", cfg); !errors.Is(err, ErrPublisherActive) {
		fmt.Println("Create says", err)
		return nil
	}
	for _, s := range subs {
		s.Close()
	}
	fmt.Println("Close")
	p.Close()
	q := <-taken
	if q == nil {
		return nil
	}
	if q.Replaced() == nil || q.Seq() != 0 {
		fmt.Println("the standby goes on with what is left:", q.Replaced(), q.Seq())
		return nil
	}
	s, err := Open("r", Options{Dir: args[0], Name: "named", From: FromOldest})
	if err != nil {
		return err
	}
	if err := q.Publish(0, line); err != nil {
		return err
	}
	if _, st := s.Next(); st != Message {
		fmt.Println("in the new file:", st)
		return nil
	}
	q.Close()
	cancel()
	if err := <-wakerEnds; !errors.Is(err, context.Canceled) && !errors.Is(err, mmap.ErrFault) && !errors.Is(err, ErrNotRing) && !errors.Is(err, ErrCorrupt) {
		fmt.Println("the waker:", err)
		return nil
	}
	fmt.Println("good")
	return nil
}

// TestNothingIsTouchedByLayingIt: a view, and a list of spikes, are laid outside any guard,
// over a file that may have been cut short a moment before.
func TestNothingIsTouchedByLayingIt(t *testing.T) {
	none, err := unix.Mmap(-1, 0, dataOffset+minCapacity, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(none)
	base := unsafe.Pointer(unsafe.SliceData(none))
	g := geometry{capacity: minCapacity, block: minCapacity / 4}
	var v view
	var l *spikeList
	err = mmap.Guard(func() error {
		v, l = newView(base, g), (*subFile)(base).spikeList()
		r, err := newRecorder(l)
		if err == nil {
			r.close()
		}
		return err
	})
	if err != nil {
		t.Fatalf("it touches the memory: %v", err)
	}
	for _, word := range []*uint64{v.claimed, (*uint64)(unsafe.Pointer(l))} {
		if err := mmap.Guard(func() error { mem.LoadAcquire(word); return nil }); !errors.Is(err, mmap.ErrFault) {
			t.Errorf("the memory can be read: %v", err)
		}
	}
}

// TestLockCutShort: nobody reads what is in a lock's file, so it does no harm.
func TestLockCutShort(t *testing.T) {
	dir := shmDir(t)
	for _, size := range []int64{0, 1, 1 << 20} {
		p := mustCreate(t, "r", smallest(dir))
		path := p.paths.lock()
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		if _, err := Create("r", smallest(dir)); !errors.Is(err, ErrPublisherActive) {
			t.Errorf("%d bytes, under its owner: %v", size, err)
		}
		p.Close()
		p, err := Create("r", smallest(dir))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		p.Close()
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
}

// mem56 is a message of one line.
const mem56 = lineSize - headerBytes

// TestCutShortWhileOpening: the file is cut short and made whole again, again and again,
// while others open it, look at it, and go on with it.
func TestCutShortWhileOpening(t *testing.T) { inChild(t, "cut.race", shmDir(t)) }

func cutWhileOpening(args []string) error {
	dir := args[0]
	cfg := smallest(dir)
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	for range 300 {
		if err := p.Publish(0, make([]byte, 200)); err != nil {
			return err
		}
	}
	path := p.paths.ring()
	p.Close()
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	kept := filepath.Join(dir, "kept")
	if err := os.Link(path, kept); err != nil {
		return err
	}
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			f.Truncate(int64(i * 4096 % len(content)))
			f.WriteAt(content, 0)
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	whole := 0
	for i := range 400 {
		fmt.Println("round", i)
		if _, err := Stat(dir, "r"); err == nil {
			whole++
		}
		List(dir)
		s, err := Open("r", Options{Dir: dir, Name: fmt.Sprint("s", i%2), From: FromOldest, NoPrefault: i%2 == 0})
		if err == nil {
			whole++
			_ = mmap.Guard(func() error {
				for range 100 {
					s.Next()
				}
				return nil
			})
			s.Close()
		}
		if i%10 == 0 {
			// It goes on with the file, or replaces it; the other file is put back.
			if p, err := Create("r", cfg); err == nil {
				mmap.Guard(func() error { return p.Publish(0, nil) })
				p.Close()
			}
			if err := errors.Join(os.Link(kept, kept+"2"), os.Rename(kept+"2", path)); err != nil {
				return err
			}
			os.Remove(kept + "2") // it was the same file still
		}
	}
	close(stop)
	<-stopped
	if p, err = Create("r", cfg); err != nil {
		fmt.Println("Create at last:", err)
		return nil
	}
	if whole == 0 {
		fmt.Println("nobody ever saw the file whole")
		return nil
	}
	if err := p.Publish(0, nil); err != nil {
		return err
	}
	fmt.Println("good")
	return nil
}
