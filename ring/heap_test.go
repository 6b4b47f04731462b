package ring

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
)

// These tests run the protocol on heap words, with small rings that lap often. The
// race detector sees such memory, which it does not for mapped files, and its build
// makes every access of a shared word atomic: a load or store that goes past
// package mem is reported as a race.

var seedFlag = flag.Uint64("seed", 0, "replay the randomised tests with this seed")

// seed returns the seed of a randomised test and prints it.
func seed(t testing.TB) uint64 {
	s := *seedFlag
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -run '^%s$' -seed %d", t.Name(), s)
	return s
}

// heapRing is a ring of blocks*block bytes on the heap.
func heapRing(blocks, block uint64) (unsafe.Pointer, geometry) {
	g := geometry{capacity: blocks * block, block: block, maxMessage: block - headerBytes, firstSeq: 1}
	words := make([]uint64, (dataOffset+g.capacity+lineSize)/8)
	base := unsafe.Pointer(&words[0])
	if odd := uintptr(base) % lineSize; odd != 0 {
		base = unsafe.Add(base, lineSize-odd)
	}
	return base, g
}

func heapPublisher(base unsafe.Pointer, g geometry, how stamping) *publisher {
	p := &publisher{clock: tick.New()}
	p.setup(newView(base, g), how)
	return p
}

// takeOver is the successor of a publisher that died.
func takeOver(base unsafe.Pointer, g geometry, how stamping) (*publisher, error) {
	p := heapPublisher(base, g, how)
	h, err := p.findHead()
	if err == nil {
		p.resume(h)
	}
	return p, err
}

func newHeapPublisher(base unsafe.Pointer, g geometry, how stamping) *publisher {
	p := heapPublisher(base, g, how)
	p.begin(1)
	p.setState(stateLive)
	return p
}

func newHeapSubscriber(base unsafe.Pointer, g geometry, from From, seq uint64) *subscriber {
	s := &subscriber{}
	s.start(newView(base, g))
	s.chase.off = true
	s.clock, s.scale, s.stamped = tick.New(), 1<<32, true
	s.join(from, seq)
	return s
}

// Messages of typedSize have typedType and others do not, so that they can be published
// and read typed.
const typedSize, typedType = 27, 0

func typeOf(seq uint64, size int) uint16 {
	if size == typedSize {
		return typedType
	}
	return max(uint16(seq*7), 1)
}

// fill makes the message with number seq: its size and every byte follow from the
// number, so a reader can tell a torn, doubled, moved or foreign message. Zeros are
// frequent, and so are words that look like headers.
func fill(buf []byte, seq uint64, largest int) []byte {
	r := rand.New(rand.NewPCG(seq, 99))
	var n int
	switch r.IntN(8) {
	case 0:
		n = r.IntN(largest + 1)
	case 1:
		n = min(largest, 57+r.IntN(200))
	default:
		n = r.IntN(mem.LinePayload + 1)
	}
	if rand.New(rand.NewPCG(seq/4, 98)).IntN(4) == 0 { // some in a row
		n = typedSize
	}
	return fillWith(buf[:n], seq, r)
}

// fillWith fills m, whatever its size, with bytes that follow from the number and r.
func fillWith(m []byte, seq uint64, r *rand.Rand) []byte {
	pattern := r.Uint64()
	switch r.IntN(4) {
	case 0:
		pattern = 0
	case 1:
		pattern = frameWord(uint64(r.IntN(100)), 0)
	case 2:
		pattern = sizePad
	}
	for i := range m {
		m[i] = byte(pattern >> (i % 8 * 8))
	}
	if n := len(m); n >= 8 {
		binary.LittleEndian.PutUint64(m[n-8:], seq)
	}
	return m
}

// oracle checks everything a subscriber says.
type oracle struct {
	next      uint64 // expected number; 0: any
	delivered uint64
	bytes     uint64
	lost      uint64
	largest   int
	fill      func(buf []byte, seq uint64, largest int) []byte
	want      []byte
	viewed    []byte // what was seen of message next, which may be lost yet; nil: there is none
	typ       uint16 // of the same
	hand      uint64 // how many messages the subscriber has in hand, perhaps
}

func newOracle(largest int) *oracle {
	return &oracle{largest: largest, fill: fill, want: make([]byte, largest)}
}

func (o *oracle) message(seq uint64, typ uint16, got []byte) error {
	if o.next != 0 && seq != o.next {
		return fmt.Errorf("message %d came where %d was due", seq, o.next)
	}
	want := o.fill(o.want, seq, o.largest)
	if string(got) != string(want) {
		return fmt.Errorf("message %d is torn or foreign:\n got %x\nwant %x", seq, got, want)
	}
	if typ != typeOf(seq, len(got)) {
		return fmt.Errorf("message %d has type %d", seq, typ)
	}
	o.next = seq + 1
	o.delivered++
	o.bytes += uint64(len(got))
	o.hand = 1
	return nil
}

func (o *oracle) gap(first, last uint64) error {
	if o.next != 0 && first != o.next || last < first {
		return fmt.Errorf("gap %d-%d came where %d was due", first, last, o.next)
	}
	o.lost += last - first + 1
	o.next = last + 1
	return nil
}

// step reads once. more is false at the end.
func (o *oracle) step(s *subscriber) (st Status, err error) {
	m, st := s.Next()
	if err := o.other(s, st); st != Message || err != nil {
		return st, err
	}
	return st, o.message(s.Seq(), s.Type(), m)
}

// other looks at what a call returned, but for a message.
func (o *oracle) other(s *subscriber, st Status) error {
	if o.viewed != nil && st != Demoted {
		// Lost is what a gap begins with, now or after the subscriber was told of more.
		first, _ := s.Gap()
		if st != Gap || first != o.next {
			if err := o.wasValid(); err != nil {
				return err
			}
		}
		o.viewed = nil
	}
	switch st {
	case Gap:
		return o.gap(s.Gap())
	case Corrupt:
		return s.Err()
	}
	return nil
}

// stepSome reads in one of the forms there are.
func (o *oracle) stepSome(r *rand.Rand, s *subscriber) (Status, error) {
	next := o.next
	if o.viewed != nil {
		next++
	}
	switch r.IntN(4) {
	case 0:
		if o.next != 0 && len(fill(o.want, next, o.largest)) == typedSize {
			return o.typed(s, r.IntN(5))
		}
	case 1:
		return o.view(r, s)
	case 2:
		return o.batch(s, NewBatch(1+r.IntN(40), 1+r.IntN(4000)))
	}
	return o.step(s)
}

// batch reads several at once.
func (o *oracle) batch(s *subscriber, b *Batch) (Status, error) {
	st := s.NextBatch(b)
	if err := o.other(s, st); st != Message || err != nil {
		return st, err
	}
	for i := range b.Len() {
		if err := o.message(b.Seq(i), b.Type(i), b.Message(i)); err != nil {
			return st, err
		}
	}
	o.hand = uint64(b.Len())
	if s.Seq() != o.next-1 || b.Len() == 0 {
		return st, fmt.Errorf("a batch of %d messages ended with %d, and %d is in hand", b.Len(), o.next-1, s.Seq())
	}
	return st, nil
}

// typed reads one message of the type for it, or up to most at once.
func (o *oracle) typed(s *subscriber, most int) (Status, error) {
	var vs [5][typedSize]byte
	t := newTypedSubscriber[[typedSize]byte](s, typedType)
	n, st := 1, Empty
	if most > 0 {
		n, st = t.NextBatch(vs[:most])
	} else if v, one := t.Next(); one == Message {
		vs[0], st = *v, one
	} else {
		st = one
	}
	if err := o.other(s, st); st != Message || err != nil {
		return st, err
	}
	first := s.Seq() - uint64(n) + 1
	for i := range n {
		if err := o.message(first+uint64(i), s.Type(), vs[i][:]); err != nil {
			return st, err
		}
	}
	o.hand = uint64(n)
	return st, nil
}

// view reads in place. Whether what it saw is a message that counts, it sometimes asks at
// once, and sometimes learns from the next call only.
func (o *oracle) view(r *rand.Rand, s *subscriber) (Status, error) {
	m, st := s.View()
	if err := o.other(s, st); st != Message || err != nil {
		return st, err
	}
	if o.next == 0 {
		o.next = s.Seq()
	}
	if s.Seq() != o.next {
		return st, fmt.Errorf("message %d is in view where %d was due", s.Seq(), o.next)
	}
	// Through mem, because the race detector sees this memory.
	o.viewed, o.typ = make([]byte, len(m)), s.Type()
	mem.CopyOut(o.viewed, unsafe.Pointer(unsafe.SliceData(m)))
	if r.IntN(2) == 0 && s.Valid() {
		return st, o.wasValid()
	}
	return st, nil
}

// wasValid says that what was seen counts.
func (o *oracle) wasValid() error {
	got := o.viewed
	o.viewed = nil
	return o.message(o.next, o.typ, got)
}

func publishOne(p *publisher, buf []byte) error {
	m := fill(buf, p.seq, int(p.maxMessage))
	return p.Publish(typeOf(p.seq, len(m)), m)
}

// publishSome publishes a message, or several at once, in one of the forms there are.
func publishSome(r *rand.Rand, p *publisher, buf []byte) error {
	switch r.IntN(5) {
	case 0:
		return publishBatch(p, r.IntN(12))
	case 1:
		return publishClaim(r, p, buf)
	case 2:
		return publishTyped(p, r.IntN(5), fill)
	}
	return publishOne(p, buf)
}

// publishTyped publishes as many of the next messages as are of the type for it, up to
// most at once, and another one if there is none.
func publishTyped(p *publisher, most int, fill func([]byte, uint64, int) []byte) error {
	buf := make([]byte, p.maxMessage)
	var vs [][typedSize]byte
	for len(vs) < most {
		m := fill(buf, p.seq+uint64(len(vs)), int(p.maxMessage))
		if len(m) != typedSize {
			break
		}
		vs = append(vs, [typedSize]byte(m))
	}
	t := &TypedPublisher[[typedSize]byte]{p, typedType}
	switch len(vs) {
	case 0:
		m := fill(buf, p.seq, int(p.maxMessage))
		return p.Publish(typeOf(p.seq, len(m)), m)
	case 1:
		return t.Publish(&vs[0])
	}
	return t.PublishBatch(vs)
}

// publishBatch publishes up to most messages at once, as many as fit into a block.
func publishBatch(p *publisher, most int) error {
	var msgs []Outgoing
	for size := uint64(0); len(msgs) < most; {
		seq := p.seq + uint64(len(msgs))
		m := fill(make([]byte, p.maxMessage), seq, int(p.maxMessage))
		if size += frameSize(uint64(len(m))); size > p.block {
			break
		}
		msgs = append(msgs, Outgoing{typeOf(seq, len(m)), m})
	}
	return p.PublishBatch(msgs)
}

// publishClaim publishes a message in place, perhaps after another claim that is given
// up, of which more was claimed than is used, and perhaps after a long time.
func publishClaim(r *rand.Rand, p *publisher, buf []byte) error {
	m := fill(buf, p.seq, int(p.maxMessage))
	for given := r.IntN(3) == 0; ; given = false {
		claim, err := p.Claim(len(m) + r.IntN(1+int(p.maxMessage)-len(m)))
		if err != nil {
			return err
		}
		rubbish := make([]byte, len(claim))
		for i := 0; i+8 <= len(rubbish); i += 8 {
			binary.LittleEndian.PutUint64(rubbish[i:], []uint64{0, sizePad, sizeTime, frameWord(1, 1)}[r.IntN(4)])
		}
		// Through mem, because the race detector sees this memory.
		mem.CopyIn(unsafe.Pointer(unsafe.SliceData(claim)), rubbish)
		mem.CopyIn(unsafe.Pointer(unsafe.SliceData(claim)), m)
		if !given {
			break
		}
		p.Abort()
	}
	if r.IntN(4) == 0 {
		p.anchor -= 1 << 33
	}
	return p.Commit(typeOf(p.seq, len(m)), len(m))
}

// TestInterleaved drives one publisher and some subscribers in one goroutine, in a
// random order from a seed, with joins, restarts and laps.
func TestInterleaved(t *testing.T) {
	t.Parallel()
	rounds := 100
	if testing.Short() || mem.Portable {
		rounds = 10
	}
	base := seed(t)
	for round := range rounds {
		r := rand.New(rand.NewPCG(base, uint64(round)))
		if err := interleaved(r); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

func interleaved(r *rand.Rand) error {
	how := []stamping{stampNone, stampClock, stampTicks}[r.IntN(3)]
	if how == stampTicks && !mem.HasTicks() {
		how = stampClock
	}
	base, g := heapRing(8<<r.IntN(3), 256<<r.IntN(4))
	p := newHeapPublisher(base, g, how)
	buf := make([]byte, g.maxMessage)
	type reader struct {
		s *subscriber
		o *oracle
		n uint64 // the first number it could have had
	}
	var readers []reader
	join := func() {
		from, seq := []From{FromOldest, FromLatest, FromSeq}[r.IntN(3)], uint64(0)
		o := newOracle(int(g.maxMessage))
		if from == FromSeq {
			seq = 1 + r.Uint64N(p.seq+20)
			o.next = seq
		} else if from == FromLatest {
			o.next = p.seq
		}
		s := newHeapSubscriber(base, g, from, seq)
		s.stats = new(subFile)
		if from == FromOldest {
			o.next = s.next
		}
		readers = append(readers, reader{s, o, o.next})
	}
	for range 4 {
		join()
	}
	for range 2000 {
		switch d := r.IntN(100); {
		case d < 50:
			for range r.IntN(1 + int(g.capacity)/256/(1+r.IntN(20))) {
				if err := publishSome(r, p, buf); err != nil {
					return err
				}
			}
		case d < 97:
			rd := readers[r.IntN(len(readers))]
			for range r.IntN(200) {
				st, err := rd.o.stepSome(r, rd.s)
				if err != nil {
					return err
				}
				if st == Empty {
					break
				}
			}
		case d < 98 && len(readers) < 12:
			join()
		case d < 99:
			// The anchor of the stamps gets old: a time frame is due.
			p.anchor -= 1 << 33
		default:
			// The publisher dies between two messages, or before one that it has begun,
			// and another goes on.
			if r.IntN(2) == 0 {
				claim, err := p.Claim(r.IntN(1 + int(g.maxMessage)))
				if err != nil {
					return err
				}
				mem.CopyIn(unsafe.Pointer(unsafe.SliceData(claim)), buf[:len(claim)])
			}
			next, err := takeOver(base, g, how)
			if err != nil {
				return err
			}
			if next.seq != p.seq || next.pos != p.pos && next.pos != p.pos+lineSize {
				return fmt.Errorf("resumed at %d with number %d, not at %d with %d", next.pos, next.seq, p.pos, p.seq)
			}
			p = next
		}
	}
	p.setState(stateClosed)
	for i, rd := range readers {
		for {
			st, err := rd.o.step(rd.s)
			if err != nil {
				return err
			}
			if st == Closed {
				break
			}
		}
		if rd.n < p.seq && (rd.o.next != p.seq || rd.o.delivered+rd.o.lost != p.seq-rd.n || rd.s.Lost() != rd.o.lost) {
			return fmt.Errorf("subscriber %d from %d: delivered %d + lost %d are not the %d published (next %d)",
				i, rd.n, rd.o.delivered, rd.o.lost, p.seq-rd.n, rd.o.next)
		}
		if f := rd.s.stats; f.messages != rd.o.delivered || f.bytes != rd.o.bytes || f.lost != rd.o.lost || rd.n < p.seq && f.cursorSeq != p.seq {
			return fmt.Errorf("subscriber %d: %d delivered, %d bytes, %d lost, next %d; its file says %d, %d, %d, %d",
				i, rd.o.delivered, rd.o.bytes, rd.o.lost, rd.o.next, f.messages, f.bytes, f.lost, f.cursorSeq)
		}
	}
	return nil
}

// TestConcurrent is the same with real concurrency: under -race this checks every
// access to shared memory.
func TestConcurrent(t *testing.T) {
	messages := uint64(300_000)
	if mem.Portable {
		messages = 30_000
	}
	start := seed(t)
	for _, how := range []stamping{stampNone, stampClock, stampTicks} {
		if how == stampTicks && !mem.HasTicks() {
			continue
		}
		base, g := heapRing(16, 1<<10)
		p := newHeapPublisher(base, g, how)
		errs := make(chan error)
		const subs = 3
		for i := range subs {
			go func() {
				errs <- func() error {
					r := rand.New(rand.NewPCG(start, uint64(i)))
					for { // joins again and again while the ring laps
						s := newHeapSubscriber(base, g, []From{FromOldest, FromLatest, FromSeq}[i], 1)
						o := newOracle(int(g.maxMessage))
						first := s.next
						if s.missed != 0 {
							first = 1
						} else if s.want > first {
							first = s.want
						}
						o.next = first
						for reads := 0; reads < 20_000 || i == 2; reads++ {
							st, err := o.stepSome(r, s)
							if err != nil {
								return err
							}
							if st == Empty {
								yield()
							}
							if st == Closed {
								if first <= messages && o.delivered+o.lost != messages-first+1 {
									return fmt.Errorf("subscriber %d from %d: delivered %d + lost %d of %d", i, first, o.delivered, o.lost, messages)
								}
								return nil
							}
						}
					}
				}()
			}()
		}
		buf := make([]byte, g.maxMessage)
		r := rand.New(rand.NewPCG(start, uint64(how)))
		for p.seq <= messages {
			var err error
			if p.seq+12 <= messages {
				err = publishSome(r, p, buf)
			} else {
				err = publishOne(p, buf)
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.IntN(512) == 0 {
				yield()
			}
		}
		p.setState(stateClosed)
		for range subs {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	}
}

// TestDeathAtEveryStore cuts a publisher's stores off after each one, by replaying
// them word by word onto a copy of the ring, and lets another go on from there. What
// was committed must be there, once, and nothing else.
func TestDeathAtEveryStore(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(seed(t), 0))
	for _, how := range []stamping{stampNone, stampClock} {
		deaths := 0
		base, g := heapRing(8, 256<<r.IntN(2))
		p := newHeapPublisher(base, g, how)
		buf := make([]byte, g.maxMessage)
		words := unsafe.Slice((*uint64)(base), (dataOffset+g.capacity)/8)
		before := make([]uint64, len(words))
		for p.seq < 400 {
			copy(before, words)
			was := *p
			if err := publishSome(r, p, buf); err != nil {
				t.Fatal(err)
			}
			stores := storesOf(r, before, words, &was, p)
			for cut := range len(stores) + 1 {
				if err := deadAfter(r, before, stores[:cut], g, how, &was, p); err != nil {
					t.Fatalf("messages %d to %d, dead after %d of %d stores: %v", was.seq, p.seq-1, cut, len(stores), err)
				}
				deaths++
			}
		}
		t.Logf("%d deaths", deaths)
	}
}

// deadAfter makes the ring in which a publisher died after some of the stores that took
// it from was to now, and goes on in it.
func deadAfter(r *rand.Rand, before []uint64, stores []store, g geometry, how stamping, was, now *publisher) error {
	base, _ := heapRing(g.blocks(), g.block)
	copied := unsafe.Slice((*uint64)(base), len(before))
	copy(copied, before)
	want := was.seq
	for _, st := range stores {
		copied[st.word] = st.value
		if st.commits {
			want = now.seq
		}
	}
	next, err := takeOver(base, g, how)
	if err != nil {
		return err
	}
	if next.seq != want {
		return fmt.Errorf("resumed with %d, want %d", next.seq, want)
	}
	// A subscriber reads what is in the ring, across the death, to the end.
	s := newHeapSubscriber(base, g, FromOldest, 0)
	o := newOracle(int(g.maxMessage))
	o.next = s.next
	buf := make([]byte, g.maxMessage)
	for range 1 + r.IntN(3) {
		if err := publishSome(r, next, buf); err != nil {
			return err
		}
	}
	next.setState(stateClosed)
	for {
		st, err := o.step(s)
		if err != nil {
			return err
		}
		if st == Closed {
			break
		}
	}
	if o.next != next.seq {
		return fmt.Errorf("read to %d of %d", o.next-1, next.seq-1)
	}
	return nil
}

type store struct {
	word    int // of the ring
	value   uint64
	commits bool // the messages
}

// storesOf lists the stores of one call that took the ring from before to after, in an
// order that the protocol allows. For every frame that becomes visible by itself, be it
// a pad, a time frame or what the call published: the entry and the claim if it begins a
// block; then, in any order, 0 to the next header and all that the frame is made of;
// then the header. At last 0 to the header that the next call wants to be 0.
func storesOf(r *rand.Rand, before, after []uint64, was, now *publisher) []store {
	index := func(p unsafe.Pointer) int { return int(uintptr(p)-uintptr(unsafe.Pointer(now.hdr))) / 8 }
	current := slices.Clone(before)
	var stores []store
	add := func(i int, v uint64) {
		if current[i] != v {
			current[i] = v
			stores = append(stores, store{word: i, value: v})
		}
	}
	final := func(i int) { add(i, after[i]) }
	pos, end := was.pos, was.end
	ahead := -1
	if now.pos < now.end {
		ahead = index(now.line(now.pos + lineSize))
	}
	for pos < now.pos {
		if pos == end {
			end += now.block
		}
		if pos+now.block == end { // entered now, or its time is renewed
			e := index(unsafe.Pointer(now.entry(pos)))
			final(e)
			final(e + 1)
			final(index(unsafe.Pointer(now.claimed)))
		}
		header := index(now.line(pos))
		span := now.pos - pos
		switch after[header] & 0xFFFF {
		case sizePad:
			span = end - pos
		case sizeTime:
			span = lineSize
		}
		from := len(stores)
		add(index(now.line(pos+span)), 0)
		for i := 1; i < int(span/8); i++ {
			final(header + i)
		}
		if pos+span == now.pos { // a claim was larger than the message
			for i := range after {
				if i != header && i != ahead {
					final(i)
				}
			}
		}
		r.Shuffle(len(stores)-from, func(i, j int) {
			stores[from+i], stores[from+j] = stores[from+j], stores[from+i]
		})
		final(header)
		pos += span
	}
	if pos != was.pos {
		stores[len(stores)-1].commits = true
		if ahead >= 0 {
			final(ahead)
		}
	}
	if !slices.Equal(current, after) {
		panic("the list of stores does not lead to the ring as it is")
	}
	return stores
}

// TestStamps: whatever the gaps between messages, a reader rebuilds the full stamp.
func TestStamps(t *testing.T) {
	base, g := heapRing(8, 512)
	p := newHeapPublisher(base, g, stampClock)
	s := newHeapSubscriber(base, g, FromOldest, 0)
	r := rand.New(rand.NewPCG(seed(t), 0))
	var back uint64 // how far the publisher's past has been pushed away
	for i := range 5000 {
		if r.IntN(10) == 0 {
			p.anchor -= r.Uint64N(1 << 34) // as if that much time had passed
			back++
		}
		before := p.clock.Now()
		if err := p.Publish(1, nil); err != nil {
			t.Fatal(err)
		}
		after := p.clock.Now()
		_, st := s.Next()
		for st == Empty {
			_, st = s.Next()
		}
		if st != Message {
			t.Fatalf("message %d: %v %v", i, st, s.Err())
		}
		if got := s.fullStamp(s.word); got < before || got > after {
			t.Fatalf("message %d: stamp %d is not in [%d, %d]", i, got, before, after)
		}
	}
	if back == 0 {
		t.Fatal("no gap was made")
	}
}

// TestLappedExactly: the position that is exactly k laps behind, and one line more
// and less, is found out even if the ring is full of zeros there.
func TestLappedExactly(t *testing.T) {
	for laps := uint64(1); laps <= 3; laps++ {
		for _, off := range []int64{-1, 0, 1} {
			base, g := heapRing(8, 256)
			p := newHeapPublisher(base, g, stampNone)
			s := newHeapSubscriber(base, g, FromOldest, 0)
			lines := int64(laps*g.capacity/lineSize) + off
			for range lines {
				if err := p.Publish(0, make([]byte, mem.LinePayload)); err != nil {
					t.Fatal(err)
				}
			}
			p.setState(stateClosed)
			var delivered uint64
			for {
				_, st := s.Next()
				if st == Message {
					delivered++
				} else if st == Closed {
					break
				} else if st != Gap && st != Empty {
					t.Fatal(st, s.Err())
				}
			}
			if delivered+s.Lost() != uint64(lines) || s.Lost() == 0 && lines >= int64(g.capacity/lineSize) {
				t.Errorf("%d lines, %d laps %+d: delivered %d, lost %d", lines, laps, off, delivered, s.Lost())
			}
		}
	}
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	messages := 5000
	if mem.Portable {
		messages = 500
	}
	for _, how := range []stamping{stampNone, stampClock, stampTicks} {
		if how == stampTicks && !mem.HasTicks() {
			continue
		}
		base, g := heapRing(64, 4096)
		p := newHeapPublisher(base, g, how)
		s := newHeapSubscriber(base, g, FromOldest, 0)
		s.stats, s.timed = new(subFile), how != stampNone
		for _, n := range []int{0, 1, 56, 57, 368, 4088} {
			msg := make([]byte, n)
			// Many messages a run, because the average is rounded down: entering
			// blocks, pads and laps are part of it.
			if a := testing.AllocsPerRun(5, func() {
				for range messages {
					if p.Publish(1, msg) != nil {
						t.Fatal("publish failed")
					}
					for {
						if _, st := s.Next(); st == Message {
							break
						}
					}
					s.Next() // finds nothing
				}
			}); a != 0 {
				t.Errorf("%d bytes: %.0f allocations in %d messages", n, a, messages)
			}
		}
		msgs := []Outgoing{{1, make([]byte, 56)}, {2, make([]byte, 100)}, {3, nil}}
		if a := testing.AllocsPerRun(5, func() {
			for i := range messages {
				if i%2 == 0 {
					if p.PublishBatch(msgs) != nil {
						t.Fatal("publish failed")
					}
				} else if _, err := p.Claim(i); i <= int(g.maxMessage) != (err == nil) {
					t.Fatal("claim", i, err)
				} else if err == nil && p.Commit(1, i/2) != nil {
					t.Fatal("commit failed")
				}
			}
		}); a != 0 {
			t.Errorf("%.0f allocations in %d batches and claims", a, messages)
		}
		var b Batch
		s.NextBatch(&b) // a gap
		if a := testing.AllocsPerRun(5, func() {
			for range messages {
				if p.PublishBatch(msgs) != nil {
					t.Fatal("publish failed")
				}
				if _, st := s.View(); st != Message || !s.Valid() {
					t.Fatal("no view", st)
				}
				for n := 1; n < len(msgs); n += b.Len() {
					s.NextBatch(&b)
				}
			}
		}); a != 0 {
			t.Errorf("%.0f allocations in %d views and batches", a, messages)
		}
		// Being lapped does not allocate either.
		if a := testing.AllocsPerRun(5, func() {
			for range 2 * g.capacity / lineSize {
				if p.Publish(1, nil) != nil {
					t.Fatal("publish failed")
				}
			}
			if _, st := s.Next(); st != Gap {
				t.Fatal(st)
			}
		}); a != 0 {
			t.Errorf("%.0f allocations in an overrun", a)
		}
	}
}
