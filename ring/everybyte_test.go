//go:build linux

package ring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/mmap"
)

// Every byte of what is shared, changed before and after somebody attaches. Whatever it
// is: no panic, no access outside the mapping, no hang, no message or position that
// cannot be. Only the user of the ring's publisher may write a ring, and then anything may
// be lost; a subscriber's file is that subscriber's own.

// changes are what is done to a byte: its bits one by one, all of them, all ones, none,
// one more.
func changes(b byte) (all []byte) {
	for bit := range 8 {
		all = append(all, b^1<<bit)
	}
	all = append(all, ^b, 0xff, 0, b+1)
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(c byte) bool { return c == b })
}

// guarded maps size bytes between two pages that nobody may touch.
func guarded(t *testing.T, size int) []byte {
	page := os.Getpagesize()
	all, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(all) })
	if err := errors.Join(unix.Mprotect(all[:page], unix.PROT_NONE), unix.Mprotect(all[page+size:], unix.PROT_NONE)); err != nil {
		t.Fatal(err)
	}
	return all[page : page+size]
}

// scene is a ring at work: a publisher, two gates, one of which holds it, one that was let
// go, and a subscriber. It can be set back to where it was.
type scene struct {
	memory, kept []byte
	geo          geometry
	pub          publisher
	gates        []gate // of pub
	files        [3]*heapGate
	cursors      [3][3]uint64 // of files
	subs         [4]subscriber
	buf          []byte
}

func newScene(t *testing.T) *scene {
	g := geometry{capacity: 16 * 256, block: 256, maxMessage: 256 - headerBytes, firstSeq: 1}
	s := &scene{memory: guarded(t, dataOffset+int(g.capacity)), geo: g, buf: make([]byte, g.maxMessage)}
	p := newHeapPublisher(unsafe.Pointer(&s.memory[0]), g, stampClock)
	var opened [4]*subscriber
	for i, name := range []string{"holds", "reads", "was"} {
		s.files[i] = &heapGate{alive: true}
		addHeapGate(p, Gate{Name: name}, s.files[i])
		sub, err := openHeapGate(p, name, s.files[i])
		if err != nil {
			t.Fatal(err)
		}
		opened[i] = sub
	}
	opened[3] = newHeapSubscriber(unsafe.Pointer(&s.memory[0]), g, FromOldest, 0)
	read := func(i int) {
		for st := Message; st == Message || st == Gap || st == Demoted; {
			_, st = opened[i].Next()
		}
	}
	for p.pos < 5*g.capacity/2 {
		err := publishOne(p, s.buf)
		if p.pos < 3*g.capacity/2 {
			read(0)
		}
		if p.pos > g.capacity/2 && p.holding("was") != nil {
			p.letGo(p.holding("was"), GateDemoted)
		}
		read(1)
		if p.seq%50 == 0 {
			p.setMark(p.seq - 1)
		}
		if err == ErrBackPressure {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if p.pos < 2*g.capacity || len(p.gates) != 2 {
		t.Fatalf("the scene is not as it should be: position %d, %d gates", p.pos, len(p.gates))
	}
	s.pub = *p
	for _, g := range p.gates {
		s.gates = append(s.gates, *g)
	}
	for i, sub := range opened {
		s.subs[i] = *sub
	}
	for i, f := range s.files {
		s.cursors[i] = [3]uint64{f.file.cursorSeq, f.file.cursorPos, f.file.cursorFile}
	}
	s.kept = bytes.Clone(s.memory)
	return s
}

// back sets all of it back, and returns the publisher and the subscribers.
func (s *scene) back() (*publisher, []*subscriber) {
	copy(s.memory, s.kept)
	p := s.pub
	p.gates = nil
	for i := range s.gates {
		g := s.gates[i]
		p.gates = append(p.gates, &g)
	}
	for i, f := range s.files {
		f.file.cursorSeq, f.file.cursorPos, f.file.cursorFile = s.cursors[i][0], s.cursors[i][1], s.cursors[i][2]
	}
	var subs []*subscriber
	for i := range s.subs {
		sub := s.subs[i]
		subs = append(subs, &sub)
	}
	return &p, subs
}

// poll reads n times, in each of the ways to read, and checks what comes.
func poll(s *subscriber, n int) error {
	for i := range n {
		var m []byte
		var st Status
		if i%3 == 2 {
			m, st = s.View()
			for range m { // the ring's own memory
			}
			s.Valid()
		} else {
			m, st = s.Next()
		}
		switch {
		case st == Message && uint64(len(m)) > s.maxMessage:
			return fmt.Errorf("a message of %d bytes", len(m))
		case st == Gap && s.gap[0] > s.gap[1]:
			return fmt.Errorf("a gap from %d to %d", s.gap[0], s.gap[1])
		case st == Corrupt && !errors.Is(s.err, ErrCorrupt):
			return fmt.Errorf("corrupt: %v", s.err)
		case st > Corrupt:
			return fmt.Errorf("status %d", st)
		case s.pos%lineSize != 0 || s.end%s.block != 0 || s.end-s.pos > s.block:
			return fmt.Errorf("it stands at %#x in a block that ends at %#x", s.pos, s.end)
		}
		if st == Corrupt {
			return nil
		}
	}
	return nil
}

// newSubscriber is one that has yet to join.
func (s *scene) newSubscriber(p *publisher) *subscriber {
	sub := &subscriber{}
	sub.start(p.view)
	sub.chase.off = true
	sub.clock, sub.scale, sub.stamped = p.clock, 1<<32, true
	return sub
}

// play lets all that touch a ring do so.
func (s *scene) play(spoil func()) error {
	return mmap.Guard(func() error {
		p, subs := s.back()
		spoil()
		var look lookout
		look.view = p.view
		look.rejoin()
		for range 3 {
			for range 10 {
				if err := publishOne(p, s.buf); err != nil && err != ErrBackPressure {
					return fmt.Errorf("publish: %w", err)
				}
			}
			look.news(false)
			for i, sub := range subs {
				if err := poll(sub, 12); err != nil {
					return fmt.Errorf("subscriber %d: %w", i, err)
				}
			}
		}
		p.listGates()
		p.view.clock()
		// Those who come now.
		for i, from := range []From{FromOldest, FromLatest, FromSeq, FromMark} {
			sub := s.newSubscriber(p)
			sub.rejoin = Rejoin(i)
			sub.join(from, p.seq-20)
			if sub.err != nil && !errors.Is(sub.err, ErrCorrupt) {
				return sub.err
			}
			if err := poll(sub, 12); err != nil {
				return fmt.Errorf("a late subscriber, %d: %w", i, err)
			}
		}
		for i, name := range []string{"holds", "reads", "was"} {
			sub := s.newSubscriber(p)
			sub.named = name
			sub.lookAtGate()
			if !sub.begin(Options{}, s.files[i].file.cursorSeq) {
				continue // its cursor is beyond the ring
			}
			sub.stats = &s.files[i].file
			if err := poll(sub, 12); err != nil {
				return fmt.Errorf("a late gate, %s: %w", name, err)
			}
		}
		// The next publisher.
		next := &publisher{clock: p.clock}
		next.setup(newView(unsafe.Pointer(&s.memory[0]), s.geo), stampClock)
		h, err := next.findHead()
		if errors.Is(err, ErrCorrupt) {
			return nil
		}
		if err != nil {
			return err
		}
		next.resume(h)
		for i := range next.hdr.gates {
			slot := &next.hdr.gates[i]
			g := &gate{Gate: Gate{Name: slot.gateName()}, slot: slot, cursor: s.files[i%3], pos: mem.LoadAcquire(&slot.fromPos)}
			g.setPolicy(mem.LoadAcquire(&slot.policy))
			if next.gateOf(slot) == GateHolding && g.check() == nil && g.pos <= next.pos { // as adoptGates
				next.watch(g)
			}
		}
		for range 40 {
			if err := publishOne(next, s.buf); err != nil && err != ErrBackPressure {
				return fmt.Errorf("the next one publishes: %w", err)
			}
		}
		return nil
	})
}

// TestEveryByteOfARing: header, table and frames, while publisher and subscribers are at
// work, and before they come.
func TestEveryByteOfARing(t *testing.T) {
	t.Parallel()
	inTime(t)
	s := newScene(t)
	if err := s.play(func() {}); err != nil {
		t.Fatal(err)
	}
	size := tableOffset + int(s.geo.blocks())*16 // what is behind it in the table is not used
	cases := 0
	each := func(from, to int) {
		for at := from; at < to; at++ {
			all := changes(s.kept[at])
			if payload := at >= dataOffset && at%lineSize >= headerBytes; payload || mem.Portable || testing.Short() {
				all = all[at%len(all):][:1]
			}
			for _, b := range all {
				cases++
				if err := s.play(func() { s.memory[at] = b }); err != nil {
					t.Errorf("byte %#x is %#x, was %#x: %v", at, b, s.kept[at], err)
					return
				}
			}
		}
	}
	each(0, size)
	each(dataOffset, len(s.memory))
	t.Logf("%d changes", cases)
}

// kit is a ring on files, closed, with a gate and a subscriber that have read some of it.
type kit struct {
	t       *testing.T
	dir     string
	ps      paths
	content map[string][]byte
}

func newKit(t *testing.T) *kit {
	k := &kit{t: t, dir: shmDir(t), content: map[string][]byte{}}
	cfg := smallest(k.dir)
	cfg.Gates = []Gate{{Name: "gate"}}
	p := mustCreate(t, "r", cfg)
	k.ps = p.paths
	buf := make([]byte, p.MaxMessage())
	for p.seq < 50 {
		if err := publishKit(p, buf); err != nil {
			t.Fatal(err)
		}
	}
	p.setMark(30)
	for _, name := range []string{"gate", "sub"} {
		s := mustOpen(t, "r", Options{Dir: k.dir, Name: name})
		for s.Seq() < 20 && name == "gate" {
			s.Next()
		}
		s.Close()
	}
	p.Close()
	for _, path := range []string{k.ps.ring(), k.ps.sub("gate"), k.ps.sub("sub")} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		k.content[path] = b
	}
	return k
}

// kitLargest is the largest message of a kit, whatever its header says.
const kitLargest = 1000

func publishKit(p *Publisher, buf []byte) error {
	m := fill(buf, p.seq, kitLargest)
	return p.Publish(typeOf(p.seq, len(m)), m)
}

// back sets the files back, in place if they are still the same.
func (k *kit) back(whole bool) {
	for path, b := range k.content {
		if !whole {
			b = b[:min(len(b), tableOffset)]
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			_, err = f.WriteAt(b, 0)
			f.Close()
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
}

// patch changes a byte, with a checksum that is right if mend says so.
func (k *kit) patch(path string, at int, b byte, mend bool) { k.write(path, at, []byte{b}, mend) }

func (k *kit) write(path string, at int, b []byte, mend bool) {
	page := bytes.Clone(k.content[path][:tableOffset])
	copy(page[at:], b)
	if mend && path == k.ps.ring() {
		headerIn(page).checksum = headerIn(page).sum()
	} else if mend {
		f := new(subFile)
		copy(unsafe.Slice((*byte)(unsafe.Pointer(f)), subFileSize), page)
		f.checksum = f.sum()
		*(*uint32)(unsafe.Pointer(&page[unsafe.Offsetof(f.checksum)])) = f.checksum
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(page, 0)
		f.Close()
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

// attach does all that opens a ring without changing it.
func (k *kit) attach() {
	i, err := Stat(k.dir, "r")
	if err = errors.Join(err, i.Err); err != nil {
		refused(k.t, "Stat", err)
	}
	for _, s := range i.Subscribers {
		if s.Err != nil && !errors.Is(s.Err, mmap.ErrNotExist) { // a gate of another name
			refused(k.t, "Stat", s.Err)
		}
	}
	for n, opt := range []Options{{From: FromOldest}, {Name: "gate"}, {Name: "sub", Rejoin: RejoinMark}} {
		opt.Dir, opt.NoPrefault = k.dir, true
		s, err := Open("r", opt)
		if err != nil {
			refused(k.t, fmt.Sprint("Open ", n), err)
			continue
		}
		readSome(k.t, s, 60)
		s.PublishTime()
		s.Publisher()
		s.Close()
	}
}

// TestEveryByteOfAHeader: the first page of a ring's file, before somebody attaches, and
// before the next publisher comes.
func TestEveryByteOfAHeader(t *testing.T) {
	inTime(t)
	k := newKit(t)
	k.attach()
	k.back(false)
	if t.Failed() {
		t.FailNow()
	}
	path, fixed := k.ps.ring(), int(unsafe.Offsetof(header{}.claimed))
	clock := int(unsafe.Offsetof(header{}.beat))
	for at := range tableOffset {
		gates := at - int(unsafe.Offsetof(header{}.gates))
		if slot := int(unsafe.Sizeof(gateSlot{})); gates > 2*slot && gates < (maxGates-1)*slot && gates%slot != int(unsafe.Offsetof(gateSlot{}.state)) {
			continue // slots that are free are all the same
		}
		was := k.content[path][at]
		for _, b := range []byte{^was, was + 1} {
			if clock <= at && at < clock+0x30 && b == was+1 && at%8 != 0 {
				continue // the clock is measured then, which takes its time
			}
			for _, mend := range []bool{false, true} {
				if mend && (at < 0x10 || at >= fixed) {
					continue // it is not in the sum
				}
				k.patch(path, at, b, mend)
				k.attach()
				if t.Failed() {
					t.Fatalf("byte %#x is %#x, was %#x; with its checksum %v", at, b, was, mend)
				}
				k.back(false)
			}
		}
	}
	// Numbers that look right.
	for at := 0x10; at < fixed; at += 4 {
		was := *(*uint32)(unsafe.Pointer(&k.content[path][at]))
		for _, v := range []uint32{2 * was, was / 2, was + lineSize, 1 << 31, 1} {
			k.write(path, at, unsafe.Slice((*byte)(unsafe.Pointer(&v)), 4), true)
			k.attach()
			if t.Failed() {
				t.Fatalf("word %#x is %#x, was %#x", at, v, was)
			}
			k.back(false)
		}
	}
	// The next publisher goes on with it or replaces it, and the ring is good then.
	for at := 0; at < tableOffset; at += 8 {
		gates := at - int(unsafe.Offsetof(header{}.gates))
		if slot := int(unsafe.Sizeof(gateSlot{})); gates > 2*slot && gates < (maxGates-1)*slot {
			continue
		}
		k.back(true)
		was := k.content[path][at]
		k.patch(path, at, ^was, at/8%2 == 0)
		k.succeed()
		if t.Failed() {
			t.Fatalf("byte %#x is %#x, was %#x", at, ^was, was)
		}
	}
}

// succeed has the next publisher come, and somebody read what he publishes.
func (k *kit) succeed() {
	cfg := smallest(k.dir)
	cfg.Gates = []Gate{{Name: "gate"}}
	p, err := Create("r", cfg)
	if errors.Is(err, ErrUnread) {
		// It wants a new file and says so; and whoever removes the ring can have it.
		if err := Remove(k.dir, "r"); err != nil {
			k.t.Error(err)
		}
		p, err = Create("r", cfg)
	}
	if err != nil {
		k.t.Error("Create: ", err)
		return
	}
	defer p.Close()
	late := mustOpen(k.t, "r", Options{Dir: k.dir, From: FromLatest, NoPrefault: true})
	defer late.Close()
	gate := mustOpen(k.t, "r", Options{Dir: k.dir, Name: "gate", NoPrefault: true})
	defer gate.Close()
	o := newOracle(kitLargest)
	buf := make([]byte, p.MaxMessage())
	for range 50 {
		if err := publishKit(p, buf); err != nil {
			k.t.Error("Publish: ", err)
			return
		}
		if st, err := o.step(&late.subscriber); err != nil || st != Message || late.Seq() != p.Seq() {
			k.t.Errorf("after number %d: %v with number %d (%v)", p.Seq(), st, late.Seq(), err)
			return
		}
	}
	o = newOracle(kitLargest)
	for st := Message; st == Message || st == Gap; {
		var err error
		if st, err = o.step(&gate.subscriber); err != nil {
			k.t.Error("the gate: ", err)
			return
		}
	}
	if o.next != p.seq {
		k.t.Errorf("the gate read to %d of %d", o.next-1, p.Seq())
	}
}

// TestEveryByteOfASubscribersFile: what others write into the file of a subscriber and of a
// gate is that one's trouble: before it comes, while it is at work, and while the
// publisher reads it.
func TestEveryByteOfASubscribersFile(t *testing.T) {
	inTime(t)
	k := newKit(t)
	const end = 0x220 // behind it are counts
	for at := range end {
		for _, name := range []string{"gate", "sub"} {
			path := k.ps.sub(name)
			was := k.content[path][at]
			for _, b := range []byte{^was, was + 1} {
				for _, mend := range []bool{false, true} {
					if mend && (at < 0x10 || at >= int(unsafe.Offsetof(subFile{}.cursorSeq))) {
						continue
					}
					k.patch(path, at, b, mend)
					k.attach()
					if t.Failed() {
						t.Fatalf("%s: byte %#x is %#x, was %#x; with its checksum %v", name, at, b, was, mend)
					}
					if at%8 == 0 && b == ^was && name == "gate" {
						k.patch(path, at, b, mend)
						k.succeedOnly()
						k.back(true)
					}
					k.back(false)
				}
			}
		}
	}

	// At work: a publisher, both gates and a subscriber. The other gate loses nothing.
	dir := shmDir(t)
	cfg := smallest(dir)
	cfg.Gates = []Gate{{Name: "gate"}, {Name: "other"}}
	p := mustCreate(t, "r", cfg)
	buf := make([]byte, p.MaxMessage())
	var subs []*Subscriber
	for _, name := range []string{"gate", "sub", "other"} {
		subs = append(subs, mustOpen(t, "r", Options{Dir: dir, Name: name}))
	}
	other := newOracle(kitLargest)
	for at := range end {
		for i, name := range []string{"gate", "sub"} {
			f, err := os.OpenFile(p.paths.sub(name), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			var b [1]byte
			f.ReadAt(b[:], int64(at))
			for _, c := range []byte{^b[0], b[0] + 1} {
				f.WriteAt([]byte{c}, int64(at))
				for range 8 {
					if err := publishKit(p, buf); err != nil && err != ErrBackPressure {
						t.Fatal(err)
					}
				}
				if at%4 == i {
					mustStat(t, dir, "r")
					p.Gates()
				}
				for j, s := range subs[:2] {
					if err := poll(&s.subscriber, 9); err != nil || s.err != nil {
						t.Fatalf("%d: byte %#x of the file of %s is %#x, was %#x: %v %v", j, at, name, c, b[0], err, s.err)
					}
				}
				for st := Message; st == Message; {
					if st, err = other.step(&subs[2].subscriber); err != nil || st != Message && st != Empty {
						t.Fatalf("the other gate: %v, %v", st, err)
					}
				}
			}
			f.WriteAt(b[:], int64(at))
			f.Close()
		}
	}
	if other.lost != 0 || other.next != p.seq || p.pos < 2*minCapacity {
		t.Errorf("the other gate lost %d and read to %d of %d, position %d", other.lost, other.next-1, p.Seq(), p.pos)
	}
}

// succeedOnly has the next publisher come and go.
func (k *kit) succeedOnly() {
	cfg := smallest(k.dir)
	cfg.Gates = []Gate{{Name: "gate"}, {Name: "sub"}}
	p, err := Create("r", cfg)
	if err != nil {
		k.t.Error("Create: ", err)
		return
	}
	p.Close()
}
