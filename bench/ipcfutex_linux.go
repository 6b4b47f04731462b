package bench

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/mem"
)

// futexEnd sleeps on words of shared memory. Nobody is woken who does not sleep, so a
// stream that does not stop makes hardly a system call.
type futexEnd struct{ out, in slots }

// The words of a queue.
const (
	wordWritten      = iota // messages put, mod 2^32
	wordReaderSleeps        // not 0: wake it
	wordTaken               // batches of queueBatch taken, mod 2^32
	wordWriterSleeps
)

func openFutex(dir string) (end, []int, error) {
	e, err := newFutexEnd(dir, false)
	return e, nil, err
}

func joinFutex(dir string, _ []int) (end, error) { return newFutexEnd(dir, true) }

func newFutexEnd(dir string, far bool) (end, error) {
	out, in, err := openSlots(dir, "futex", far)
	if err != nil {
		return nil, err
	}
	return &futexEnd{out, in}, nil
}

func (f *futexEnd) send(m *message) error {
	q := &f.out
	taken := q.word32(wordTaken)
	for {
		v := mem.LoadAcquire32(taken)
		if int32(uint32(q.n)-v*queueBatch) < queueSlots {
			break
		}
		futexSleep(taken, v, q.word(wordWriterSleeps))
	}
	q.put(m)
	mem.Increment(q.word32(wordWritten))
	futexWake(q.word32(wordWritten), q.word(wordReaderSleeps))
	return nil
}

func (f *futexEnd) receive(m *message) error {
	q := &f.in
	written := q.word32(wordWritten)
	for mem.LoadAcquire32(written) == uint32(q.n) {
		futexSleep(written, uint32(q.n), q.word(wordReaderSleeps))
	}
	q.take(m)
	if q.n%queueBatch == 0 {
		mem.Increment(q.word32(wordTaken))
		futexWake(q.word32(wordTaken), q.word(wordWriterSleeps))
	}
	return nil
}

// hangUp changes the words that a thread may sleep on.
func (f *futexEnd) hangUp() {
	for _, word := range []*uint32{f.in.word32(wordWritten), f.out.word32(wordTaken)} {
		mem.Increment(word)
		wakeOne(word)
	}
}

func (f *futexEnd) close() {
	f.out.lines.close()
	f.in.lines.close()
}

// Of linux/futex.h.
const (
	futexOpWait = 0
	futexOpWake = 1
)

// futexSleep sleeps while word is v. Meanwhile, sleeps says so: it is set before the kernel
// looks at the word, and the other side looks at it after it has changed the word.
func futexSleep(word *uint32, v uint32, sleeps *uint64) {
	mem.Exchange(sleeps, 1)
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWait, uintptr(v), 0, 0, 0)
	mem.StoreRelease(sleeps, 0)
}

// futexWake wakes who sleeps on a word that has just been changed, if somebody does.
func futexWake(word *uint32, sleeps *uint64) {
	if mem.LoadAcquire(sleeps) != 0 {
		wakeOne(word)
	}
}

func wakeOne(word *uint32) {
	unix.Syscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWake, 1)
}
