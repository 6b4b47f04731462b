package mmap

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// truncated returns a mapping of three pages of a file that now has only one.
func truncated(t *testing.T, a Access) *Region {
	t.Helper()
	_, path := inDir(t)
	r := mapFile(t, create(t, path, int64(3*page)), MapOptions{Access: a})
	if err := os.Truncate(path, int64(page)); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGuardAfterTruncation(t *testing.T) {
	r := truncated(t, ReadWrite)
	b := r.Bytes()
	var sink byte
	for name, fn := range map[string]func(){
		"load":       func() { sink = b[page] },
		"store":      func() { b[2*page] = 1 },
		"copy from":  func() { copy(make([]byte, 2*page), b) },
		"copy to":    func() { copy(b, make([]byte, 2*page)) },
		"append":     func() { _ = append([]byte(nil), b...) },
		"clear":      func() { clear(b) },
		"in a frame": func() { func() { defer func() { sink++ }(); sink = b[len(b)-1] }() },
	} {
		err := Guard(func() error { fn(); return nil })
		var fault *FaultError
		if !errors.Is(err, ErrFault) || !errors.As(err, &fault) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !r.Contains(fault.Addr) || fault.Addr < uintptr(r.Base())+uintptr(page) {
			t.Errorf("%s: the address %#x is not in the part that is missing of the mapping at %p", name, fault.Addr, r.Base())
		}
		if !strings.Contains(err.Error(), "address 0x") {
			t.Errorf("%s: no address in %q", name, err)
		}
	}
	// The page that is still there works.
	if err := Guard(func() error { b[0]++; return nil }); err != nil {
		t.Error(err)
	}
}

func TestGuardOnManyGoroutines(t *testing.T) {
	b := truncated(t, ReadOnly).Bytes()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := Guard(func() error { _ = copy(make([]byte, 2*page), b); return nil }); !errors.Is(err, ErrFault) {
					t.Errorf("%v", err)
				}
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
}

func TestGuardPassesThrough(t *testing.T) {
	want := errors.New("mine")
	if err := Guard(func() error { return want }); err != want {
		t.Errorf("error %v", err)
	}
	if err := Guard(func() error { return nil }); err != nil {
		t.Errorf("error %v", err)
	}

	catch := func(fn func() error) (p any) {
		defer func() { p = recover() }()
		err := Guard(fn)
		t.Errorf("no panic, error %v", err)
		return nil
	}
	if p := catch(func() error { panic(want) }); p != want {
		t.Errorf("panic %v", p)
	}
	if p := catch(func() error { panic("text") }); p != "text" {
		t.Errorf("panic %v", p)
	}
	var null *[10]int
	var rerr runtime.Error
	if p := catch(func() error { null[3]++; return nil }); !errors.As(p.(error), &rerr) ||
		!strings.Contains(rerr.Error(), "nil pointer") {
		t.Errorf("nil dereference: %v", p)
	}
	i := 7
	if p := catch(func() error { _ = make([]int, 3)[i]; return nil }); !errors.As(p.(error), &rerr) ||
		!strings.Contains(rerr.Error(), "out of range") {
		t.Errorf("index: %v", p)
	}

	exited := make(chan bool)
	go func() {
		returned := false
		defer func() { exited <- !returned }()
		Guard(func() error { runtime.Goexit(); return nil })
		returned = true
	}()
	if !<-exited {
		t.Error("Goexit did not exit")
	}
}

func TestGuardRestores(t *testing.T) {
	b := truncated(t, ReadOnly).Bytes()
	var sink byte
	for _, old := range []bool{false, true} {
		func() {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(old))
			Guard(func() error {
				// An inner guard must leave the outer one at work.
				if err := Guard(func() error { sink += b[page]; return nil }); !errors.Is(err, ErrFault) {
					t.Errorf("inner: %v", err)
				}
				if err := Guard(func() error { _ = copy(make([]byte, 2*page), b); return nil }); !errors.Is(err, ErrFault) {
					t.Errorf("inner copy: %v", err)
				}
				if !debug.SetPanicOnFault(true) {
					t.Error("the outer guard was switched off")
				}
				return nil
			})
			if now := debug.SetPanicOnFault(old); now != old {
				t.Errorf("SetPanicOnFault was %v and is %v", old, now)
			}
			func() {
				defer func() { recover() }()
				Guard(func() error { panic("x") })
			}()
			if now := debug.SetPanicOnFault(old); now != old {
				t.Errorf("after a panic: SetPanicOnFault was %v and is %v", old, now)
			}
		}()
	}
}

func BenchmarkGuard(b *testing.B) {
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		Guard(func() error { n++; return nil })
	}
}
