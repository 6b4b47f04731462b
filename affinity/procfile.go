package affinity

import (
	"bytes"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/tick"
)

// procFile is a file of the kernel's that stays open and is read again and again,
// without an allocation. The zero value is a file that is not there.
type procFile struct {
	fd   int
	open bool
}

func openProc(name string) procFile {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return procFile{fd, err == nil}
}

func (f *procFile) close() {
	if f.open {
		unix.Close(f.fd)
	}
	*f = procFile{}
}

// read returns the content, in buf, which grows if it has to, or nil. The kernel hands
// out a file of one record whole; others (rows) in pieces of a page.
func (f *procFile) read(buf *[]byte, rows bool) []byte {
	if !f.open {
		return nil
	}
	n := 0
	for {
		if n == len(*buf) {
			*buf = append(*buf, make([]byte, max(len(*buf), 4096))...)
		}
		got, err := unix.Pread(f.fd, (*buf)[n:], int64(n))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil // a thread that ended, among others
		}
		n += got
		if got == 0 || !rows && n < len(*buf) {
			return (*buf)[:n]
		}
	}
}

// wideFile is a file that grows with the number of CPUs. It is closed for good when
// it turns out to take too long.
type wideFile struct {
	procFile
	tries int
	best  time.Duration
}

const (
	wideTries = 4
	wideMost  = time.Millisecond
)

func (f *wideFile) read(buf *[]byte, rows bool) []byte {
	if f.tries == wideTries {
		return f.procFile.read(buf, rows)
	}
	start := tick.Mono()
	text := f.procFile.read(buf, rows)
	f.tried(time.Duration(tick.Mono() - start))
	return text
}

// tried notes what a read took. Whatever interrupts a reader, it is rarely there each time.
func (f *wideFile) tried(took time.Duration) {
	if f.tries == 0 || took < f.best {
		f.best = took
	}
	if f.tries++; f.tries == wideTries && f.best > wideMost {
		f.close()
	}
}

// fields are the words of a text, taken one by one.
type fields []byte

func (f *fields) next() []byte {
	b := *f
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n') {
		b = b[1:]
	}
	end := 0
	for end < len(b) && b[end] != ' ' && b[end] != '\t' && b[end] != '\n' {
		end++
	}
	*f = b[end:]
	return b[:end]
}

func (f *fields) skip(n int) {
	for range n {
		f.next()
	}
}

func (f *fields) number() (uint64, bool) { return decimal(f.next()) }

// decimal is strconv.ParseUint for bytes.
func decimal(b []byte) (uint64, bool) {
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' || n > (1<<64-1)/10-1 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(b) > 0
}

// labelled returns the number after a label at the start of a line.
func labelled(text []byte, label string) (uint64, bool) {
	for line := range bytes.Lines(text) {
		if len(line) > len(label) && string(line[:len(label)]) == label {
			f := fields(line[len(label):])
			return f.number()
		}
	}
	return 0, false
}
