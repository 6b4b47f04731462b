//go:build linux

package mmap_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/tickring/tickring/mmap"
)

// One process makes a file, locks it and writes to it. Another maps it read-only
// and can tell that the first one is alive.
func Example() {
	dir, err := os.MkdirTemp("", "mmap-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "prices")

	// The owner. Nobody sees the file before Commit.
	f, err := mmap.Create(path, mmap.CreateOptions{Size: 1 << 20, Perm: 0o640})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	alive := mmap.Range{Start: 0, Len: 1}
	if err := f.TryLock(alive); err != nil {
		log.Fatal(err)
	}
	w, err := f.Map(mmap.MapOptions{Access: mmap.ReadWrite, Prefault: true})
	if err != nil {
		log.Fatal(err)
	}
	copy(w.Bytes(), "hello")
	if err := f.Commit(); err != nil {
		log.Fatal(err)
	}

	// A reader.
	g, err := mmap.Open(path, mmap.ReadOnly)
	if err != nil {
		log.Fatal(err)
	}
	defer g.Close()
	r, err := g.Map(mmap.MapOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	locked, err := g.Locked(alive)
	fmt.Printf("%s, owner alive: %v, %v\n", r.Bytes()[:5], locked, err)

	// The lock goes with the last descriptor and mapping of the owner.
	f.Close()
	w.Close()
	locked, err = g.Locked(alive)
	fmt.Printf("%s, owner alive: %v, %v\n", r.Bytes()[:5], locked, err)

	// Output:
	// hello, owner alive: true, <nil>
	// hello, owner alive: false, <nil>
}

// Whatever happens to a mapped file, Guard turns it into an error.
func ExampleGuard() {
	dir, err := os.MkdirTemp("", "mmap-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "prices")
	f, _, err := mmap.OpenOrCreate(path, mmap.CreateOptions{Size: 1 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	r, err := f.Map(mmap.MapOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()

	os.Truncate(path, 0) // by somebody else
	sum := 0
	err = mmap.Guard(func() error {
		for _, b := range r.Bytes() {
			sum += int(b)
		}
		return nil
	})
	var fault *mmap.FaultError
	if errors.As(err, &fault) {
		fmt.Println(errors.Is(err, mmap.ErrFault), r.Contains(fault.Addr))
	}
	// Output: true true
}
