//go:build linux

package ring

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

func init() {
	roles["forms.read"] = readForm
	roles["forms.raw"] = readRaw
}

// lineValue is a message of one line.
type lineValue struct{ A, B, C, D, E, F, G uint64 }

// publishForms publish at least n messages of one line, n a multiple of formBatch.
const formBatch = 16

var publishForms = []struct {
	name string
	make func(p *Publisher) func(n int) error
}{
	{"publish", func(p *Publisher) func(int) error {
		var v lineValue
		return func(n int) error {
			for i := range n {
				v.A = uint64(i)
				if err := p.Publish(1, bytesOf(&v)); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"claim", func(p *Publisher) func(int) error {
		return func(n int) error {
			for i := range n {
				c, err := p.Claim(56)
				if err != nil {
					return err
				}
				for j := range c[:8] {
					c[j] = byte(i)
				}
				if err := p.Commit(1, 56); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"batch", func(p *Publisher) func(int) error {
		var vs [formBatch]lineValue
		var msgs [formBatch]Outgoing
		for i := range msgs {
			msgs[i] = Outgoing{1, bytesOf(&vs[i])}
		}
		return func(n int) error {
			for i := 0; i < n; i += formBatch {
				for j := range vs {
					vs[j].A = uint64(i + j)
				}
				if err := p.PublishBatch(msgs[:]); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"typed", func(p *Publisher) func(int) error {
		t, err := NewTypedPublisher[lineValue](p, 1)
		var v lineValue
		return func(n int) error {
			for i := range n {
				v.A = uint64(i)
				if err := t.Publish(&v); err != nil {
					return err
				}
			}
			return err
		}
	}},
	{"typedbatch", func(p *Publisher) func(int) error {
		t, err := NewTypedPublisher[lineValue](p, 1)
		var vs [formBatch]lineValue
		return func(n int) error {
			for i := 0; i < n; i += formBatch {
				for j := range vs {
					vs[j].A = uint64(i + j)
				}
				if err := t.PublishBatch(vs[:]); err != nil {
					return err
				}
			}
			return err
		}
	}},
}

// BenchmarkForms is what a message of 56 bytes costs its publisher in each form, by
// itself. Batches are of 16.
func BenchmarkForms(b *testing.B) {
	for _, stamps := range []string{"none", "every"} {
		for _, form := range publishForms {
			b.Run(fmt.Sprintf("stamps=%s/%s", stamps, form.name), func(b *testing.B) {
				p, err := Create("forms", Config{Dir: shmDir(b), Capacity: 1 << 18, Stamps: stampsOf(stamps)})
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				publish := form.make(p)
				b.ReportAllocs()
				b.ResetTimer()
				// In slices, of which some are not disturbed by other work of the host.
				var took []uint64
				for done := 0; done < b.N; done += formSlice {
					t0 := p.clock.Now()
					if err := publish(formSlice); err != nil {
						b.Fatal(err)
					}
					took = append(took, p.clock.Now()-t0)
				}
				reportSlices(b, took, tick.Scale(p.first.scale))
			})
		}
	}
}

// BenchmarkReadForms is what a message of 56 bytes costs its subscriber in each form, if
// it is there already.
func BenchmarkReadForms(b *testing.B) {
	for _, name := range []string{"", "a"} {
		for _, form := range []string{"next", "view", "batch", "typed", "typedbatch"} {
			b.Run(fmt.Sprintf("named=%t/%s", name != "", form), func(b *testing.B) {
				dir := shmDir(b)
				p, err := Create("forms", Config{Dir: dir, Capacity: 1 << 20})
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				s, err := Open("forms", Options{Dir: dir, Name: name})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				publish, read := publishForms[len(publishForms)-1].make(p), readForms[form](s)
				b.ReportAllocs()
				b.ResetTimer()
				var took []uint64
				for done := 0; done < b.N; done += formSlice {
					if err := publish(formSlice); err != nil {
						b.Fatal(err)
					}
					t0 := p.clock.Now()
					for got := uint64(0); got < formSlice; {
						n, _, st := read()
						if st != Message {
							b.Fatal(st, s.Err())
						}
						got += n
					}
					took = append(took, p.clock.Now()-t0)
				}
				reportSlices(b, took, tick.Scale(p.first.scale))
			})
		}
	}
}

// formSlice is how many messages are timed at once.
const formSlice = 1 << 12

// reportSlices reports the ns of a message in the median slice and in the least disturbed
// tenth.
func reportSlices(b *testing.B, ticks []uint64, scale tick.Scale) {
	slices.Sort(ticks)
	for name, i := range map[string]int{"p10-ns": len(ticks) / 10, "p50-ns": len(ticks) / 2} {
		b.ReportMetric(float64(scale.Ns(ticks[i]))/formSlice, name)
	}
}

// readForms read one message of one line or more and return how many and the sum of
// their first words.
var readForms = map[string]func(s *Subscriber) func() (n, sum uint64, st Status){
	"next": func(s *Subscriber) func() (uint64, uint64, Status) {
		return func() (uint64, uint64, Status) {
			m, st := s.Next()
			if st != Message {
				return 0, 0, st
			}
			return 1, *(*uint64)(unsafe.Pointer(&m[0])), st
		}
	},
	"view": func(s *Subscriber) func() (uint64, uint64, Status) {
		return func() (uint64, uint64, Status) {
			m, st := s.View()
			if st != Message {
				return 0, 0, st
			}
			if v := *(*uint64)(unsafe.Pointer(&m[0])); s.Valid() {
				return 1, v, st
			}
			return 0, 0, st
		}
	},
	"batch": func(s *Subscriber) func() (uint64, uint64, Status) {
		b := NewBatch(0, 0)
		return func() (n, sum uint64, st Status) {
			if st = s.NextBatch(b); st == Message {
				for i := range b.Len() {
					sum += *(*uint64)(unsafe.Pointer(&b.Message(i)[0]))
				}
			}
			return uint64(b.Len()), sum, st
		}
	},
	"typed": func(s *Subscriber) func() (uint64, uint64, Status) {
		t, err := NewTypedSubscriber[lineValue](s, 1)
		if err != nil {
			panic(err)
		}
		return func() (uint64, uint64, Status) {
			v, st := t.Next()
			if st != Message {
				return 0, 0, st
			}
			return 1, v.A, st
		}
	},
	"typedbatch": func(s *Subscriber) func() (uint64, uint64, Status) {
		t, err := NewTypedSubscriber[lineValue](s, 1)
		if err != nil {
			panic(err)
		}
		var vs [256]lineValue
		return func() (uint64, uint64, Status) {
			n, st := t.NextBatch(vs[:])
			sum := uint64(0)
			for i := range n {
				sum += vs[i].A
			}
			return uint64(n), sum, st
		}
	},
}

// readForm reads to the end and reports: args are dir and form.
func readForm(args []string) error {
	s, err := Open("forms", Options{Dir: args[0]})
	if err != nil {
		return err
	}
	defer s.Close()
	pinTo(1)
	read := readForms[args[1]](s)
	fmt.Println("ready")
	var got, lost, sum uint64
	var first time.Time
	for {
		n, v, st := read()
		switch st {
		case Empty:
		case Message:
			if got == 0 {
				first = time.Now()
			}
			got += n
			sum += v
		case Gap:
			a, b := s.Gap()
			lost += b - a + 1
		case Closed:
			fmt.Println(got, lost, sum, time.Since(first).Nanoseconds())
			return nil
		default:
			return fmt.Errorf("status %v: %w", st, s.Err())
		}
	}
}

// BenchmarkFormsStream is a stream of 56-byte messages between two processes, one form of
// publishing and one of reading each, without stamps. The raw line stream is the same
// lines with nothing but a header in them that the reader waits for; see benchRaw.
//
//	for i in 1 2 3 4 5 6 7; do go test ./ring -run '^$' -bench FormsStream -benchtime 10000000x; done
func BenchmarkFormsStream(b *testing.B) {
	b.Run("raw", benchRaw)
	for _, v := range []struct{ publish, read string }{
		{"publish", "next"}, {"publish", "batch"}, {"publish", "view"}, {"batch", "next"}, {"batch", "batch"},
		{"typed", "typed"}, {"typedbatch", "typed"}, {"typedbatch", "typedbatch"},
	} {
		b.Run(v.publish+"/"+v.read, func(b *testing.B) {
			dir := shmDir(b)
			p, err := Create("forms", Config{Dir: dir, Capacity: 1 << 24, Stamps: StampNone})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			c := start(b, "forms.read", dir, v.read)
			c.line()
			n := (b.N + formBatch - 1) / formBatch * formBatch
			took := make(chan time.Duration)
			for _, form := range publishForms {
				if form.name == v.publish {
					go func() {
						pinTo(0)
						publish := form.make(p)
						b.ResetTimer()
						t0 := time.Now()
						if err := publish(n); err != nil {
							b.Error(err)
						}
						took <- time.Since(t0)
					}()
				}
			}
			d := <-took
			p.Close()
			var got, lost, sum, ns uint64
			fmt.Sscan(c.line(), &got, &lost, &sum, &ns)
			c.wait()
			if got+lost != uint64(n) || lost == 0 && sum != uint64(n)*uint64(n-1)/2 {
				b.Fatalf("published %d, delivered %d, lost %d, sum %d", n, got, lost, sum)
			}
			reportStream(b, d, uint64(n), got, ns)
		})
	}
}

func reportStream(b *testing.B, took time.Duration, n, got, ns uint64) {
	b.ReportMetric(float64(n)/took.Seconds()/1e6, "pub-M/s")
	b.ReportMetric(float64(got)*1e3/float64(ns), "read-M/s")
	b.ReportMetric(float64(got)*100/float64(n), "got-%")
}

// rawBytes is the size of the ring of raw lines. Behind it is a line for the claim.
const rawBytes = 1 << 24

func rawRing(dir string) (*mmap.Region, error) {
	f, _, err := mmap.OpenOrCreate(filepath.Join(dir, "raw"), mmap.CreateOptions{Size: rawBytes + 4096})
	if err != nil {
		return nil, err
	}
	return f.Map(mmap.MapOptions{Length: rawBytes + 4096, Access: mmap.ReadWrite, Prefault: true})
}

// benchRaw is what the hardware allows: lines with their number in the first word and
// seven words behind it, in a ring; the reader polls the first word, copies, and looks at
// a claim that is raised eight times a lap, as ours is.
func benchRaw(b *testing.B) {
	dir := shmDir(b)
	r, err := rawRing(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	c := start(b, "forms.raw", dir, fmt.Sprint(b.N))
	c.line()
	claim := (*uint64)(unsafe.Add(r.Base(), rawBytes))
	took := make(chan time.Duration)
	go func() {
		pinTo(0)
		b.ResetTimer()
		t0 := time.Now()
		for i := range uint64(b.N) {
			if i%(rawBytes/lineSize/8) == 0 {
				mem.Exchange(claim, (i+rawBytes/lineSize/8)*lineSize)
			}
			line := (*[8]uint64)(unsafe.Add(r.Base(), i*lineSize%rawBytes))
			line[1], line[2], line[3], line[4], line[5], line[6], line[7] = i, i, i, i, i, i, i
			mem.StoreRelease(&line[0], i+1)
		}
		took <- time.Since(t0)
	}()
	d := <-took
	var got, ns uint64
	fmt.Sscan(c.line(), &got, &ns)
	c.wait()
	reportStream(b, d, uint64(b.N), got, ns)
}

// readRaw reads raw lines up to the last one: args are dir and their number.
func readRaw(args []string) error {
	var n uint64
	fmt.Sscan(args[1], &n)
	r, err := rawRing(args[0])
	if err != nil {
		return err
	}
	claim := (*uint64)(unsafe.Add(r.Base(), rawBytes))
	pinTo(1)
	fmt.Println("ready")
	var got uint64
	var out [mem.LineWords]uint64
	var first time.Time
	for pos := uint64(0); pos < n*lineSize; {
		line := unsafe.Add(r.Base(), pos%rawBytes)
		if mem.LoadAcquire((*uint64)(line)) <= pos/lineSize {
			continue
		}
		mem.CopyLineOut(&out, line)
		if k := mem.LoadAcquire(claim); k > pos+rawBytes {
			pos = k - rawBytes/2
			continue
		}
		if got == 0 {
			first = time.Now()
		}
		got++
		pos += lineSize
	}
	fmt.Println(got, time.Since(first).Nanoseconds())
	return nil
}
