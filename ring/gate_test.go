package ring

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
)

// Gates on heap words, where the race detector sees them; gatefile_test.go has the same
// with files.

// heapGate stands for a gate's file.
type heapGate struct {
	file  subFile
	alive bool
}

func (g *heapGate) read(head uint64) (uint64, bool) {
	pos := mem.LoadAcquire(&g.file.cursorPos)
	return pos, pos <= head
}
func (g *heapGate) lookAgain()  {}
func (g *heapGate) owned() bool { return g.alive }
func (g *heapGate) close()      {}

// addHeapGate makes a gate as AddGate does.
func addHeapGate(p *publisher, g Gate, f *heapGate) {
	mem.Store(&f.file.cursorSeq, p.seq)
	mem.Store(&f.file.cursorPos, p.pos)
	p.hold(&gate{Gate: g, slot: p.slotFor(g.Name), cursor: f})
}

// removeHeapGate takes a gate out as RemoveGate does.
func removeHeapGate(p *publisher, slot *gateSlot) {
	if g := p.holding(slot.gateName()); g != nil {
		p.letGo(g, GateDropped)
	}
	p.setGate(slot, GateNone, 0)
}

// adoptHeapGates is adoptGates of a successor.
func adoptHeapGates(p *publisher, files map[string]*heapGate) {
	for i := range p.hdr.gates {
		slot := &p.hdr.gates[i]
		if p.gateOf(slot) == GateHolding {
			g := &gate{Gate: Gate{Name: slot.gateName()}, slot: slot, cursor: files[slot.gateName()], pos: slot.fromPos}
			g.setPolicy(slot.policy)
			p.watch(g)
		}
	}
}

// openHeapGate is what Open does for a gate, whose last owner may have been killed.
func openHeapGate(p *publisher, name string, f *heapGate) (*subscriber, error) {
	s := newHeapSubscriber(unsafe.Pointer(p.hdr), p.geometry, FromLatest, 0)
	s.named = name
	s.lookAtGate()
	if !s.begin(Options{}, mem.LoadAcquire(&f.file.cursorSeq)) {
		return nil, fmt.Errorf("the cursor of %s is beyond the ring", name)
	}
	s.stats = &f.file
	s.done()
	return s, nil
}

// TestGates drives a publisher, gates and others in one goroutine, in a random order
// from a seed, with deaths of all of them. A gate loses nothing.
func TestGates(t *testing.T) {
	t.Parallel()
	rounds := 100
	if testing.Short() || mem.Portable {
		rounds = 10
	}
	base := seed(t)
	refused := 0
	for round := range rounds {
		r := rand.New(rand.NewPCG(base, uint64(round)))
		if err := gatedRound(r, &refused); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	if refused == 0 {
		t.Error("no message was ever refused")
	}
}

func gatedRound(r *rand.Rand, refused *int) error {
	base, g := heapRing(8<<r.IntN(3), 256<<r.IntN(4))
	p := newHeapPublisher(base, g, stampNone)
	buf := make([]byte, g.maxMessage)
	type reader struct {
		name string
		s    *subscriber
		o    *oracle
	}
	files := map[string]*heapGate{}
	var readers []*reader
	add := func(name string) error {
		f := &heapGate{}
		files[name] = f
		addHeapGate(p, Gate{Name: name}, f)
		s, err := openHeapGate(p, name, f)
		o := newOracle(int(g.maxMessage))
		o.next = p.seq
		readers = append(readers, &reader{name, s, o})
		return err
	}
	if err := add("first"); err != nil {
		return err
	}
	// Somebody for whom nobody waits.
	lossy := newHeapSubscriber(base, g, FromOldest, 0)
	readers = append(readers, &reader{"", lossy, newOracle(int(g.maxMessage))})
	read := func(rd *reader, n int) error {
		for range n {
			st, err := rd.o.stepSome(r, rd.s)
			if err != nil {
				return fmt.Errorf("%q: %w", rd.name, err)
			}
			if rd.name != "" && (rd.o.lost != 0 || st == Demoted) {
				return fmt.Errorf("gate %q: %v, lost %d", rd.name, st, rd.o.lost)
			}
			if st == Empty || st == Closed {
				return nil
			}
		}
		return nil
	}
	for range 2000 {
		switch d := r.IntN(100); {
		case d < 50:
			for range r.IntN(1 + int(g.capacity)/256/(1+r.IntN(20))) {
				was, bytes := *p, mem.LoadAcquire(p.claimed)
				err := publishSome(r, p, buf)
				if err == nil {
					continue
				}
				if err != ErrBackPressure {
					return err
				}
				*refused++
				if p.pos != was.pos || p.seq != was.seq || mem.LoadAcquire(p.claimed) != bytes || p.frameHeader(p.pos) != 0 && p.pos != p.end {
					return fmt.Errorf("message %d was refused, and yet something was written", p.seq)
				}
				break
			}
		case d < 95:
			if err := read(readers[r.IntN(len(readers))], 1+r.IntN(200)); err != nil {
				return err
			}
		case d < 97:
			// A gate dies with a message in hand, or a batch, which its next owner gets again.
			rd := readers[r.IntN(len(readers))]
			if rd.name == "" {
				continue
			}
			s, err := openHeapGate(p, rd.name, files[rd.name])
			if err != nil {
				return err
			}
			cursor := mem.LoadAcquire(&files[rd.name].file.cursorSeq)
			if cursor != rd.o.next && cursor != rd.o.next-rd.o.hand {
				return fmt.Errorf("gate %q had %d next and its cursor is at %d", rd.name, rd.o.next, cursor)
			}
			rd.s, rd.o.next, rd.o.viewed = s, cursor, nil
		case d < 98 && len(readers) < 6:
			if err := add(fmt.Sprint("gate", len(readers))); err != nil {
				return err
			}
		default:
			next, err := takeOver(base, g, stampNone)
			if err != nil {
				return err
			}
			adoptHeapGates(next, files)
			p = next
		}
	}
	// No deadlock: once every gate has read all there is, there is room.
	for range 3 * g.capacity / lineSize {
		err := publishOne(p, buf)
		if err == ErrBackPressure {
			for _, rd := range readers {
				if err := read(rd, 1<<30); err != nil {
					return err
				}
			}
			err = publishOne(p, buf)
		}
		if err != nil {
			return fmt.Errorf("with all gates at the head: %w", err)
		}
	}
	p.setState(stateClosed)
	for _, rd := range readers {
		if err := read(rd, 1<<30); err != nil {
			return err
		}
		if rd.o.next != p.seq {
			return fmt.Errorf("%q read to %d of %d", rd.name, rd.o.next-1, p.seq-1)
		}
	}
	return nil
}

// TestGatesConcurrently is the same with real concurrency, for -race: two gates and one
// for whom nobody waits.
func TestGatesConcurrently(t *testing.T) {
	messages := uint64(300_000)
	if mem.Portable {
		messages = 30_000
	}
	base, g := heapRing(16, 1<<10)
	p := newHeapPublisher(base, g, stampClock)
	errs := make(chan error)
	const subs = 3
	for i := range subs {
		var s *subscriber
		if i < 2 {
			f := &heapGate{}
			addHeapGate(p, Gate{Name: fmt.Sprint("g", i)}, f)
			s, _ = openHeapGate(p, fmt.Sprint("g", i), f)
		} else {
			s = newHeapSubscriber(base, g, FromOldest, 0)
		}
		go func() {
			errs <- func() error {
				o := newOracle(int(g.maxMessage))
				for {
					st, err := o.step(s)
					if err != nil {
						return err
					}
					switch st {
					case Empty:
						yield()
					case Closed:
						if o.delivered+o.lost != messages || i < 2 && o.lost > 0 {
							return fmt.Errorf("subscriber %d: delivered %d + lost %d of %d", i, o.delivered, o.lost, messages)
						}
						return nil
					}
				}
			}()
		}()
	}
	buf := make([]byte, g.maxMessage)
	for p.seq <= messages {
		if err := publishOne(p, buf); err == ErrBackPressure {
			yield()
		} else if err != nil {
			t.Fatal(err)
		}
	}
	p.setState(stateClosed)
	for range subs {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestGateAtTheNextHeader: a gate that waits at exactly the header behind a block's last
// frame holds nobody, and one line before it does, once the ring is full.
func TestGateAtTheNextHeader(t *testing.T) {
	for _, unread := range []int{0, 1} {
		base, g := heapRing(8, 256)
		p := newHeapPublisher(base, g, stampNone)
		f := &heapGate{}
		addHeapGate(p, Gate{Name: "g"}, f)
		s, err := openHeapGate(p, "g", f)
		if err != nil {
			t.Fatal(err)
		}
		line := make([]byte, mem.LinePayload)
		publish := func(n int) (done int) {
			for ; done < n && p.Publish(0, line) == nil; done++ {
			}
			return done
		}
		perBlock := int(g.block / lineSize)
		if publish(perBlock) != perBlock {
			t.Fatal("the first block was refused")
		}
		for range perBlock - unread {
			if _, st := s.Next(); st != Message {
				t.Fatal(st)
			}
		}
		if unread == 0 {
			if _, st := s.Next(); st != Empty { // now the last one is done with
				t.Fatal(st)
			}
		}
		// All blocks but the one that the gate was in last, which stays whole, and the
		// one behind it, whose first line belongs to the claim of that one.
		want := perBlock * int(g.blocks()-2)
		if got := publish(1 << 20); got != want {
			t.Errorf("%d unread: %d messages until back pressure, want %d", unread, got, want)
		}
		for {
			if _, st := s.Next(); st == Empty {
				break
			} else if st != Message {
				t.Fatal(st)
			}
		}
		if publish(1) != 1 {
			t.Error("all was read and a message was refused")
		}
	}
}

// TestGatePolicies: who may hold the publisher, and how it learns that it may not.
func TestGatePolicies(t *testing.T) {
	line := make([]byte, mem.LinePayload)
	for _, c := range []struct {
		gate  Gate
		alive bool
		want  GateState
	}{
		{Gate{Name: "g"}, true, GateHolding},
		{Gate{Name: "g"}, false, GateHolding},
		{Gate{Name: "g", Hold: 1}, true, GateDemoted},
		{Gate{Name: "g", Hold: time.Hour}, false, GateHolding},
		{Gate{Name: "g", DropDead: true}, true, GateHolding},
		{Gate{Name: "g", DropDead: true}, false, GateDropped},
		{Gate{Name: "g", DropDead: true, Hold: 1}, true, GateDemoted},
	} {
		base, g := heapRing(8, 256)
		p := newHeapPublisher(base, g, stampNone)
		var told []GateLag
		p.onLag = func(l GateLag) { told = append(told, l) }
		p.onDemote = p.onLag
		f := &heapGate{alive: c.alive}
		addHeapGate(p, c.gate, f)
		s, err := openHeapGate(p, "g", f)
		if err != nil {
			t.Fatal(err)
		}
		lines := 3 * g.capacity / lineSize
		for tries := 0; p.seq <= lines && tries < 1000; tries++ {
			for p.Publish(0, line) == nil && p.seq <= lines {
			}
			for was := tick.Mono(); tick.Mono() < was+2; {
			}
		}
		if held := p.seq <= lines; held != (c.want == GateHolding) {
			t.Errorf("%+v, alive %v: held the publisher: %v", c.gate, c.alive, held)
		}
		if got := s.Gate(); got != c.want {
			t.Errorf("%+v, alive %v: the gate is %v, want %v", c.gate, c.alive, got, c.want)
		}
		if p.hdr.refused != 1 || len(told) == 0 || told[0].State != GateHolding || told[0].Lag == 0 {
			t.Errorf("%+v, alive %v: refused %d times, told %+v", c.gate, c.alive, p.hdr.refused, told)
		}
		// The gate reads on: what it has not lost, or the news, and then the exact gap.
		var delivered uint64
		var order []Status
		for st := Message; st != Empty; {
			_, st = s.Next()
			switch st {
			case Message:
				delivered++
			case Gap, Demoted:
				order = append(order, st)
			}
		}
		if delivered+s.Lost() != p.seq-1 {
			t.Errorf("%+v, alive %v: delivered %d + lost %d of %d", c.gate, c.alive, delivered, s.Lost(), p.seq-1)
		}
		if c.want == GateHolding {
			if s.Lost() != 0 || len(order) != 0 || len(told) != 1 {
				t.Errorf("%+v, alive %v: lost %d, %v, told %+v", c.gate, c.alive, s.Lost(), order, told)
			}
			continue
		}
		if len(told) != 2 || told[1].State != c.want || len(order) != 2 || order[0] != Demoted || order[1] != Gap {
			t.Errorf("%+v, alive %v: said %v, told %+v", c.gate, c.alive, order, told)
		}
		// It may become a gate again, and loses nothing from then on.
		addHeapGate(p, Gate{Name: "g"}, f)
		for p.Publish(0, line) == nil {
		}
		lost := s.Lost()
		for st := Message; st != Empty; _, st = s.Next() {
		}
		if s.Lost() != lost || s.next != p.seq {
			t.Errorf("%+v, alive %v: a gate again, it lost %d and read to %d of %d", c.gate, c.alive, s.Lost()-lost, s.next-1, p.seq-1)
		}
	}
}

// TestLateGate: a subscriber that was lapped already, and has not noticed, becomes a
// gate. It loses what was published before, and nothing since, wherever it goes on.
func TestLateGate(t *testing.T) {
	line := make([]byte, mem.LinePayload)
	for rejoin := RejoinOldest; rejoin <= RejoinMark; rejoin++ {
		base, g := heapRing(8, 256)
		p := newHeapPublisher(base, g, stampNone)
		f := &heapGate{}
		s, err := openHeapGate(p, "g", f)
		if err != nil {
			t.Fatal(err)
		}
		s.rejoin = rejoin
		for p.pos < 3*g.capacity {
			if err := p.Publish(0, line); err != nil {
				t.Fatal(err)
			}
		}
		from := p.seq
		cursor := f.file // the file's owner is at work; the cursor is not the publisher's
		addHeapGate(p, Gate{Name: "g"}, f)
		f.file.cursorSeq, f.file.cursorPos = cursor.cursorSeq, cursor.cursorPos
		for p.Publish(0, line) == nil {
		}
		if _, st := s.Next(); st != Gap {
			t.Fatal(st)
		}
		if first, last := s.Gap(); first != 1 || last != from-1 {
			t.Errorf("rejoin %d: lost %d to %d, want 1 to %d", rejoin, first, last, from-1)
		}
		for want := from; want < p.seq; want++ {
			if _, st := s.Next(); st == Empty { // it skips in its block
				want--
			} else if st != Message || s.Seq() != want {
				t.Fatalf("rejoin %d: %v, message %d, want %d", rejoin, st, s.Seq(), want)
			}
		}
	}
}

// TestGateWhileItJoins: the subscriber finds that it is no gate; then it becomes one, and
// messages are published; then it chooses its place.
func TestGateWhileItJoins(t *testing.T) {
	line := make([]byte, mem.LinePayload)
	for _, opt := range []Options{{}, {New: FromLatest}, {From: FromLatest}, {From: FromOldest}, {From: FromMark}, {New: FromSeq, Seq: 2}} {
		base, g := heapRing(8, 256)
		p := newHeapPublisher(base, g, stampNone)
		publish := func(n int) {
			for range n {
				if err := p.Publish(0, line); err != nil {
					t.Fatal(err)
				}
			}
		}
		publish(5)
		s := &subscriber{named: "g"}
		s.start(newView(base, g))
		s.lookAtGate()
		addHeapGate(p, Gate{Name: "g"}, &heapGate{})
		from := p.seq
		publish(10)
		s.begin(opt, 0)
		for want := from; want < p.seq; {
			_, st := s.Next()
			if st != Message || s.Seq() > want {
				t.Fatalf("%+v: %v, message %d, want %d", opt, st, s.Seq(), want)
			}
			if s.Seq() == want {
				want++
			}
		}
	}
}

// TestGatesComeAndGo: subscribers become gates, late and again, in any slot, and are let
// go, while others read, die, or are stopped. Whatever the order, a gate loses nothing of
// what was published while it was one, and who was let go is told before he loses any of it.
func TestGatesComeAndGo(t *testing.T) {
	rounds := 50
	if testing.Short() || mem.Portable {
		rounds = 5
	}
	base := seed(t)
	var told, gaps int
	for round := range rounds {
		r := rand.New(rand.NewPCG(base, uint64(round)))
		if err := comeAndGo(r, &told, &gaps); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	if told == 0 || gaps == 0 {
		t.Errorf("%d were told, %d gaps", told, gaps)
	}
}

func comeAndGo(r *rand.Rand, told, gaps *int) error {
	base, g := heapRing(8, 256)
	p := newHeapPublisher(base, g, stampNone)
	buf := make([]byte, g.maxMessage)
	type reader struct {
		name    string
		f       *heapGate
		s       *subscriber
		o       *oracle
		from    uint64 // it has been a gate since this message; 0: it never was
		letGo   bool   // ... and is none now
		mustSay bool   // ... which it has not said yet
	}
	var readers []*reader
	byName := map[string]*reader{}
	letGo := func(l GateLag) {
		if l.State != GateHolding {
			rd := byName[l.Name]
			rd.letGo, rd.mustSay = true, true
		}
	}
	p.onDemote = letGo
	open := func(rd *reader) error {
		s, err := openHeapGate(p, rd.name, rd.f)
		if err != nil {
			return err
		}
		s.rejoin = Rejoin(r.IntN(4))
		rd.s, rd.mustSay = s, false
		rd.o.next = max(1, mem.LoadAcquire(&rd.f.file.cursorSeq))
		return nil
	}
	for i := range 4 {
		rd := &reader{name: fmt.Sprint("g", i), f: &heapGate{alive: true}, o: newOracle(int(g.maxMessage))}
		rd.f.file.cursorSeq = 1
		readers, byName[rd.name] = append(readers, rd), rd
		if err := open(rd); err != nil {
			return err
		}
	}
	read := func(rd *reader) error {
		st, err := rd.o.step(rd.s)
		if err != nil {
			return err
		}
		switch st {
		case Demoted:
			if !rd.mustSay {
				return fmt.Errorf("it was let go: %v, and says so twice", rd.letGo)
			}
			rd.mustSay = false
			*told++
		case Gap:
			*gaps++
			if _, last := rd.s.Gap(); rd.from != 0 && last >= rd.from && (!rd.letGo || rd.mustSay) {
				return fmt.Errorf("a gate since %d, let go: %v, lost messages up to %d, not yet told: %v", rd.from, rd.letGo, last, rd.mustSay)
			}
		}
		return nil
	}
	for range 4000 {
		rd := readers[r.IntN(len(readers))]
		var err error
		switch d := r.IntN(100); {
		case d < 40:
			for range r.IntN(40) {
				if err = publishSome(r, p, buf); err == ErrBackPressure {
					err = nil
					break
				}
			}
		case d < 90:
			for range r.IntN(60) {
				if err = read(rd); err != nil {
					break
				}
			}
		case d < 94:
			if slot := p.findGate(rd.name); (slot == nil || p.gateOf(slot) != GateHolding) && p.seq > rd.from {
				seq, pos := rd.f.file.cursorSeq, rd.f.file.cursorPos
				hold := []time.Duration{0, 1}[r.IntN(2)]
				addHeapGate(p, Gate{Name: rd.name, Hold: hold}, rd.f)
				rd.f.file.cursorSeq, rd.f.file.cursorPos = seq, pos // it is not the publisher's
				rd.from, rd.letGo, rd.mustSay = p.seq, false, false
			}
		case d < 97:
			if slot := p.findGate(rd.name); slot != nil {
				removeHeapGate(p, slot)
				rd.mustSay = rd.mustSay && rd.s.held // else it never knew of what is no more
			}
		default:
			err = open(rd)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", rd.name, err)
		}
	}
	p.setState(stateClosed)
	for _, rd := range readers {
		for rd.o.next < p.seq {
			if err := read(rd); err != nil {
				return fmt.Errorf("%s at the end: %w", rd.name, err)
			}
		}
	}
	return nil
}

func TestRejoin(t *testing.T) {
	base, g := heapRing(64, 256)
	p := newHeapPublisher(base, g, stampNone)
	line := make([]byte, mem.LinePayload)
	perBlock := g.block / lineSize
	for _, c := range []struct {
		rejoin Rejoin
		mark   uint64 // blocks before the head
		want   uint64 // blocks before the head
	}{
		{RejoinOldest, 0, 55}, {RejoinMiddle, 0, 31}, {RejoinNewest, 0, 1},
		{RejoinMark, 20, 20}, {RejoinMark, 70, 55},
	} {
		s := newHeapSubscriber(base, g, FromLatest, 0)
		s.rejoin = c.rejoin
		expected := s.want
		var marked uint64
		for range 100 * perBlock {
			publish := p.Publish
			if c.mark != 0 && p.seq == expected+(100-c.mark)*perBlock {
				publish, marked = p.PublishMark, p.seq
			}
			if err := publish(0, line); err != nil {
				t.Fatal(err)
			}
		}
		if _, st := s.Next(); st != Gap {
			t.Fatal(st)
		}
		first, last := s.Gap()
		if want := p.seq - c.want*perBlock - 1; first != expected || last != want {
			t.Errorf("%+v: lost %d to %d, want %d to %d", c, first, last, expected, want)
		}
		if marked != 0 && s.Mark() != marked {
			t.Errorf("the mark is %d, want %d", s.Mark(), marked)
		}
		m, st := s.Next()
		for st == Empty {
			m, st = s.Next()
		}
		if st != Message || s.Seq() != last+1 || len(m) != len(line) {
			t.Errorf("%+v: then %v, message %d", c, st, s.Seq())
		}
		// A late joiner at the mark.
		s = newHeapSubscriber(base, g, FromMark, 0)
		if _, st = s.Next(); c.mark == 20 && (st != Message || s.Seq() != marked) {
			t.Errorf("%+v: from the mark: %v, message %d, want %d", c, st, s.Seq(), marked)
		}
	}
}
