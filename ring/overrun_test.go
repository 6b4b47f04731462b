//go:build linux

package ring

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/tickring/tickring/internal/mem"
)

var overrunMessages = flag.Uint64("messages", 2_000_000, "messages of TestOverrunUnderForce")

func init() { roles["flood"] = flood }

// mix is a bijection with good avalanche (the finaliser of splitmix64).
func mix(v uint64) uint64 {
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// floodSize is the size of message seq in words: mostly one line, sometimes more.
func floodSize(seq uint64) int {
	if seq%61 == 0 {
		return 2 + int(mix(seq)%200)
	}
	return 2 + int(seq%6)
}

// floodMessage writes message seq: its number, then words that follow from it, then
// the sum of all of them.
func floodMessage(buf []byte, seq uint64) []byte {
	n := floodSize(seq)
	sum := seq
	binary.LittleEndian.PutUint64(buf, seq)
	for i := 1; i < n-1; i++ {
		w := seq*0x9e3779b97f4a7c15 + uint64(i)
		binary.LittleEndian.PutUint64(buf[8*i:], w)
		sum += w
	}
	binary.LittleEndian.PutUint64(buf[8*(n-1):], mix(sum))
	return buf[:8*n]
}

func checkFlood(m []byte, seq uint64) error {
	if len(m) != 8*floodSize(seq) || binary.LittleEndian.Uint64(m) != seq {
		return fmt.Errorf("message %d: %d bytes with number %d", seq, len(m), binary.LittleEndian.Uint64(m[:8]))
	}
	sum := uint64(0)
	for i := 0; i < len(m)-8; i += 8 {
		sum += binary.LittleEndian.Uint64(m[i:])
	}
	if binary.LittleEndian.Uint64(m[len(m)-8:]) != mix(sum) {
		return fmt.Errorf("message %d is torn: %x", seq, m)
	}
	return nil
}

// flood publishes as fast as it can: args are dir and count.
func flood(args []string) error {
	n, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	p, err := Create("flood", Config{Dir: args[0], Capacity: minCapacity, Stamps: StampNone})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := fmt.Fscanln(os.Stdin); err != nil && err.Error() != "unexpected newline" {
		return err
	}
	buf := make([]byte, p.MaxMessage())
	for seq := uint64(1); seq <= n; seq++ {
		if err := p.Publish(uint16(seq), floodMessage(buf, seq)); err != nil {
			return err
		}
	}
	return p.Close()
}

// TestOverrunUnderForce: a publisher that never waits, the smallest ring, and
// subscribers that stall at random. Every message is delivered whole or counted as
// lost, exactly.
//
//	go test ./ring -run OverrunUnderForce -v -messages 100000000
func TestOverrunUnderForce(t *testing.T) {
	n := *overrunMessages
	if mem.Portable {
		n = min(n, 200_000)
	}
	dir := shmDir(t)
	c := start(t, "flood", dir, strconv.FormatUint(n, 10))
	c.line()
	base := seed(t)
	type result struct {
		delivered, lost, overruns, stalls uint64
		err                               error
	}
	results := make(chan result)
	const subs = 2
	for i := range subs {
		s, err := Open("flood", Options{Dir: dir, Name: fmt.Sprint("s", i), From: FromOldest})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			var r result
			defer func() { results <- r }()
			defer s.Close()
			rnd := rand.New(rand.NewPCG(base, uint64(i)))
			stall := uint64(1000)
			next := uint64(1)
			for {
				m, st := s.Next()
				switch st {
				case Message:
					if s.Seq() != next || s.Type() != uint16(next) {
						r.err = fmt.Errorf("message %d of type %d came where %d was due", s.Seq(), s.Type(), next)
						return
					}
					if r.err = checkFlood(m, next); r.err != nil {
						return
					}
					next++
					r.delivered++
					if stall--; stall == 0 {
						r.stalls++
						stall = 1 + rnd.Uint64N(200_000)
						// Until it has been lapped: nothing here depends on the speed of either.
						for !s.overrun(s.pos) && s.state() == stateLive {
							time.Sleep(time.Duration(rnd.IntN(200)) * time.Microsecond)
						}
					}
				case Gap:
					first, last := s.Gap()
					if first != next || last < first {
						r.err = fmt.Errorf("gap %d-%d came where %d was due", first, last, next)
						return
					}
					r.lost += last - first + 1
					r.overruns++
					next = last + 1
				case Empty:
					yield()
				case Closed:
					if s.Lost() != r.lost || s.stats.lost != r.lost || s.stats.messages != r.delivered || s.stats.overruns < r.overruns {
						r.err = fmt.Errorf("lost %d, the counters say %d and %d; delivered %d, the counter says %d",
							r.lost, s.Lost(), s.stats.lost, r.delivered, s.stats.messages)
					}
					return
				default:
					r.err = fmt.Errorf("%v: %w", st, s.Err())
					return
				}
			}
		}()
	}
	c.say("")
	for range subs {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
			continue
		}
		t.Logf("published %d = delivered %d + lost %d; %d gaps, %d stalls; none torn", n, r.delivered, r.lost, r.overruns, r.stalls)
		if r.delivered+r.lost != n {
			t.Errorf("delivered %d + lost %d are not the %d published", r.delivered, r.lost, n)
		}
		if r.lost == 0 && n > 100_000 {
			t.Error("nothing was lost: the test forced no overrun")
		}
	}
	c.wait()
}
