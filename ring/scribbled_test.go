//go:build linux

package ring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// TestFirstPublisherOfMany: several make a new ring at once. One gets it, whole; the
// others are told that it has a publisher, and take nothing of it away.
func TestFirstPublisherOfMany(t *testing.T) {
	root := shmDir(t)
	for round := range 100 {
		base := filepath.Join(root, fmt.Sprint("rings", round))
		const n = 4
		type result struct {
			p   *Publisher
			err error
		}
		results := make(chan result)
		begin := make(chan struct{})
		for range n {
			go func() {
				<-begin
				p, err := Create("r", smallest(base))
				results <- result{p, err}
			}()
		}
		close(begin)
		var first *Publisher
		for range n {
			r := <-results
			switch {
			case r.err == nil && first == nil:
				first = r.p
			case r.err == nil:
				t.Error("two publishers of one ring")
				r.p.Close()
			case !errors.Is(r.err, ErrPublisherActive):
				t.Error(r.err)
			}
		}
		if first == nil {
			t.Fatal("nobody got the ring")
		}
		if got, want := names(t, filepath.Join(base, "r")), "lock ring subs"; got != want {
			t.Errorf("the ring's directory has %s, want %s", got, want)
		}
		s, err := Open("r", Options{Dir: base, Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		publishCount(t, first, 1)
		expect(t, s, 1)
		s.Close()
		first.Close()
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

// TestFutureCursor: a subscriber that ends before the number it waits for has come can
// come back.
func TestFutureCursor(t *testing.T) {
	dir := shmDir(t)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 10)
	mustOpen(t, "r", Options{Dir: dir, Name: "a", From: FromSeq, Seq: 20}).Close()
	s := mustOpen(t, "r", Options{Dir: dir, Name: "a"})
	publishCount(t, p, 10)
	expect(t, s, 11) // where the ring was when it joined: nothing is missed
}

// TestImpossibleFirstNumber: no publisher goes on with a ring whose first block does not
// begin with the ring's first number.
func TestImpossibleFirstNumber(t *testing.T) {
	const k = 1<<64 - minBlock + lineSize // the block ends at 2^64 - minBlock
	inChild(t, "scribbled.create", badClaim(t, k, func(b []byte) {
		for i := dataOffset; i < len(b); i += lineSize {
			*(*uint64)(unsafe.Pointer(&b[i])) = frameWord(MaxMessage, 0)
		}
	}))
	inChild(t, "scribbled.create", badClaim(t, minBlock+lineSize, func(b []byte) {
		(*entry)(unsafe.Pointer(&b[tableOffset])).seq = 1<<64 - 10
	}))
}

// TestPadsForEver: on a ring of nothing but pads Next does not go round and round,
// beyond what is claimed.
func TestPadsForEver(t *testing.T) {
	dir := badClaim(t, minBlock+lineSize, func(b []byte) {
		for i := dataOffset; i < len(b); i += minBlock {
			*(*uint64)(unsafe.Pointer(&b[i])) = sizePad
		}
		for i := range minBlocks {
			(*entry)(unsafe.Pointer(&b[tableOffset+16*i])).seq = 1
		}
	})
	inChild(t, "scribbled.read", dir, fmt.Sprint(FromOldest), "0")
}

// TestHistogramTotal: whatever counts a damaged file has, their sum is an int64.
func TestHistogramTotal(t *testing.T) {
	counts := new([histLen]uint64)
	for i := range counts {
		counts[i] = 1<<63 - 1
	}
	if n := importHistogram(counts).TotalCount(); n < 0 {
		t.Errorf("%d latencies in all", n)
	}
}

// inChild runs a role that may hang or crash, and kills it then.
func inChild(t *testing.T, role string, args ...string) {
	t.Helper()
	c := start(t, role, args...)
	told := make(chan string, 1)
	go func() {
		last := "nothing"
		for {
			line, err := c.out.ReadString('\n')
			if err != nil {
				told <- last
				return
			}
			last = strings.TrimSpace(line)
		}
	}()
	select {
	case last := <-told:
		if last != "good" {
			t.Errorf("the child ended after: %s", last)
		}
	case <-time.After(60 * time.Second): // it spins for ever
		t.Error("the child hangs")
	}
	c.kill()
}

func init() {
	roles["scribbled.read"] = readAll
	roles["scribbled.create"] = func(args []string) error {
		p, err := Create("r", smallest(args[0]))
		if err != nil {
			return err
		}
		if p.Seq() > 1<<62 {
			fmt.Println("Create goes on after number", p.Seq())
			return nil
		}
		fmt.Println("good")
		return p.Close()
	}
	roles["scribbled.stat"] = func(args []string) error {
		if _, err := Stat(args[0], "r"); err != nil && !errors.Is(err, ErrCorrupt) {
			fmt.Println(err)
			return nil
		}
		fmt.Println("good")
		return nil
	}
}

// readAll opens a ring and reads: args are dir, From, Seq.
func readAll(args []string) error {
	from, _ := strconv.Atoi(args[1])
	seq, _ := strconv.ParseUint(args[2], 10, 64)
	s, err := Open("r", Options{Dir: args[0], From: From(from), Seq: seq})
	if errors.Is(err, ErrCorrupt) {
		fmt.Println("good")
		return nil
	}
	if err != nil {
		fmt.Println(err)
		return nil
	}
	for range 20_000 {
		if s.pos%lineSize != 0 || s.end%s.block != 0 {
			fmt.Printf("it stands at %#x, in a block that ends at %#x\n", s.pos, s.end)
			return nil
		}
		if _, st := s.Next(); st == Corrupt {
			break
		}
	}
	fmt.Println("good")
	return nil
}

func badClaim(t *testing.T, k uint64, patch func(b []byte)) (dir string) {
	dir = shmDir(t)
	path, content := closedRing(t, dir, 3*minCapacity/lineSize)
	headerIn(content).claimed = k
	if patch != nil {
		patch(content)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
