package replay

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// ProgressPrinter shows a replay's progress on one line of a terminal, which it
// rewrites in place and clears at the end. It does not ask whether w is a
// terminal: that is the caller's to decide (term.IsTerminal of
// golang.org/x/term), who leaves Config.Progress nil when it is not.
type ProgressPrinter struct {
	w     io.Writer
	total int64
	shown int // width of what is on the line
	last  Progress
	line  []byte
	err   error
}

// NewProgressPrinter returns a printer whose Report goes into Config.Progress.
// Total is the size of the source in the unit of its Consumed method, and gives
// percent and time left; 0 if it is not known.
func NewProgressPrinter(w io.Writer, total int64) *ProgressPrinter {
	return &ProgressPrinter{w: w, total: total}
}

// Report rewrites the line:
//
//	12,345,678 messages   21.4 M/s   45%   0:12 left
//
// The rate is that since the last report; the time left supposes that the rest
// goes as what has been. A final report clears the line. After an error of the
// writer nothing more is written.
func (p *ProgressPrinter) Report(now Progress) {
	if p.err != nil {
		return
	}
	b := append(p.line[:0], '\r')
	if !now.Final {
		b = p.text(b, now)
	}
	width := len(b) - 1
	for range p.shown - width {
		b = append(b, ' ')
	}
	if now.Final {
		b = append(b, '\r')
	}
	if p.shown > 0 || !now.Final {
		_, p.err = p.w.Write(b)
	}
	p.line, p.shown, p.last = b, width, now
}

func (p *ProgressPrinter) text(b []byte, now Progress) []byte {
	b = grouped(b, now.Messages)
	b = append(b, " messages"...)
	if d := now.Elapsed - p.last.Elapsed; d > 0 {
		b = append(b, "   "...)
		b = perSecond(b, float64(now.Messages-p.last.Messages)/d.Seconds())
	}
	if p.total <= 0 || now.Consumed < 0 {
		return b
	}
	done := min(now.Consumed, p.total)
	b = fmt.Appendf(b, "   %d%%", int64(float64(done)/float64(p.total)*100))
	if done > 0 {
		left := float64(now.Elapsed) * (float64(p.total-done) / float64(done))
		b = append(b, "   "...)
		b = clockTime(b, time.Duration(min(left, float64(1000*time.Hour))))
		b = append(b, " left"...)
	}
	return b
}

// grouped appends n with a comma between thousands.
func grouped(b []byte, n uint64) []byte {
	var digits [20]byte
	s := strconv.AppendUint(digits[:0], n, 10)
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b = append(b, ',')
		}
		b = append(b, c)
	}
	return b
}

func perSecond(b []byte, rate float64) []byte {
	switch {
	case rate >= 1e6:
		return fmt.Appendf(b, "%.1f M/s", rate/1e6)
	case rate >= 1e3:
		return fmt.Appendf(b, "%.1f k/s", rate/1e3)
	}
	return fmt.Appendf(b, "%.0f/s", rate)
}

// clockTime appends d as m:ss or h:mm:ss, rounded up: something that is not
// finished has at least a second left.
func clockTime(b []byte, d time.Duration) []byte {
	s := int64((d + time.Second - 1) / time.Second)
	if s >= 3600 {
		return fmt.Appendf(b, "%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Appendf(b, "%d:%02d", s/60, s%60)
}
