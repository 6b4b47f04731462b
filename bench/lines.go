package bench

import (
	"errors"
	"sync/atomic"
	"unsafe"

	"github.com/tickring/tickring/internal/mem"
	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// This file is the limit: cache lines that go from one CPU to another, and nothing else.
// What a transport adds to that is what its figures are compared with.

const lineSize = 64

// askEvery is after how many polls in vain who waits for the other side asks whether there
// still is one: within some milliseconds. The answer that it gets then says what happened.
const askEvery = 1 << 16

// lines is memory shared by two processes: words for the ping-pong, and a ring of lines
// for the stream.
type lines struct {
	region           *mmap.Region
	ping, pong       *uint64      // where they are stored, and
	pinged, ponged   *uint64      // loaded: the same words
	readOnly         *mmap.Region // through which they are loaded; nil: region
	pauses           bool         // of the processor, between two polls of the ping-pong
	read             *uint64      // lines that the stream's reader is done with
	stream           unsafe.Pointer
	mask             uint64 // of the stream, in bytes
	written, already uint64 // by this process, of all rounds: lines, ping-pongs
	seen             uint64 // cached *read
	spare            uint64
	gone             *atomic.Bool // the other side is: pingPong and write end early
}

const linesHead = 4096

const pingAt, pongAt = 0, 512

// openLines maps the lines, with a stream of so many bytes. Both processes call it.
func openLines(path string, stream uint64) (*lines, error) {
	size := linesHead + int64(stream)
	f, _, err := mmap.OpenOrCreate(path, mmap.CreateOptions{Size: size})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := f.Map(mmap.MapOptions{Length: int(size), Access: mmap.ReadWrite, Prefault: true})
	if err != nil {
		return nil, err
	}
	word := func(off uintptr) *uint64 { return (*uint64)(unsafe.Add(r.Base(), off)) }
	return &lines{
		region: r,
		ping:   word(pingAt),
		pong:   word(pongAt),
		pinged: word(pingAt),
		ponged: word(pongAt),
		read:   word(1024),
		stream: unsafe.Add(r.Base(), linesHead),
		mask:   stream - 1,
		gone:   new(atomic.Bool),
	}, nil
}

// openProtected is openLines for the ping-pong, but the words of the other side are loaded
// through a mapping that cannot be written, as a subscriber's is. On some processors a line
// comes later that way.
func openProtected(path string) (*lines, error) {
	l, err := openLines(path, lineSize)
	if err != nil {
		return nil, err
	}
	f, err := mmap.Open(path, mmap.ReadOnly)
	if err == nil {
		defer f.Close()
		l.readOnly, err = f.Map(mmap.MapOptions{Length: linesHead, Prefault: true})
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.pinged = (*uint64)(unsafe.Add(l.readOnly.Base(), pingAt))
	l.ponged = (*uint64)(unsafe.Add(l.readOnly.Base(), pongAt))
	return l, nil
}

func (l *lines) close() error {
	if l.readOnly != nil {
		l.readOnly.Close()
	}
	return l.region.Close()
}

// pingPong sends a word there and waits for it, n times, and stores how many ticks each
// took. The other side is pongs.
func (l *lines) pingPong(clock *tick.Clock, ticks []uint64) {
	for i := range ticks {
		l.already++
		t := clock.Now()
		mem.StoreRelease(l.ping, l.already)
		for polls := 1; mem.LoadAcquire(l.ponged) != l.already; polls++ {
			if l.pauses {
				mem.Pause()
			}
			if polls%askEvery == 0 && l.gone.Load() {
				return
			}
		}
		ticks[i] = clock.Now() - t
	}
}

func (l *lines) pongs(n int) {
	for range n {
		l.already++
		for mem.LoadAcquire(l.pinged) != l.already {
			if l.pauses {
				mem.Pause()
			}
		}
		mem.StoreRelease(l.pong, l.already)
	}
}

func (l *lines) at(n uint64) unsafe.Pointer { return unsafe.Add(l.stream, n*lineSize&l.mask) }

// write streams n lines of 56 bytes, each with its number, from 1, as its first word. It
// waits where the reader has not been yet, so none is lost; it looks for that once in a
// while, as a ring does. The other side is readLines.
func (l *lines) write(n int, msg *[mem.LineWords]uint64) {
	room := (l.mask + 1) / lineSize
	for range n {
		for polls := 1; l.written-l.seen >= room; polls++ {
			if polls%askEvery == 0 && l.gone.Load() {
				return
			}
			l.seen = mem.LoadAcquire(l.read)
		}
		line := l.at(l.written)
		l.written++
		msg[0] = l.written
		// Numbers tell a new line from an old one, so no header is zeroed but a spare one.
		mem.PublishLine(line, unsafe.Pointer(&l.spare), unsafe.Pointer(msg), mem.LinePayload, l.written)
	}
}

// readLines reads n lines, and counts those that have not the number they should.
func (l *lines) readLines(n int) (wrong int) {
	var msg [mem.LineWords]uint64
	for range n {
		line := l.at(l.written)
		l.written++
		for mem.LoadAcquire((*uint64)(line)) != l.written {
			// A reader that polls the line takes it away from the writer all the time. One
			// that lets some gather is what makes the stream fastest.
			for range stepOff {
				mem.Pause()
			}
		}
		mem.CopyLineOut(&msg, line)
		if msg[0] != l.written {
			wrong++
		}
		if l.written%readEvery == 0 {
			mem.StoreRelease(l.read, l.written)
		}
	}
	mem.StoreRelease(l.read, l.written)
	return wrong
}

// stepOff is how many pauses a reader that has caught up waits: some microseconds. The
// longer, the faster the stream; what was tried is in docs/benchmarks.md.
const stepOff = 256

// readEvery is how often a stream's reader tells where it is: once a block of a ring.
const readEvery = 1024
