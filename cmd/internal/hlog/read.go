package hlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// longestLine bounds the memory for what is no log. A histogram in use has some KB.
const longestLine = 4 << 20

// Read calls each with every interval of a log, in order, until that returns an error.
// name is the log's, for errors. What is wrong with a line is an ErrFormat; if the last
// line is not whole, because its writer was killed or is about to go on, it is an
// ErrCutShort, and all others were handed on.
func Read(r io.Reader, name string, each func(Interval) error) error {
	d := reader{in: bufio.NewReaderSize(r, 64<<10), name: name}
	for {
		text, whole, err := d.line()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := d.take(text, each); err != nil {
			if !whole && errors.Is(err, ErrFormat) {
				return lineError(name, d.lines, ErrCutShort, "the last interval is not whole; those before it are good")
			}
			return err
		}
	}
	if d.intervals == 0 && !d.head {
		return fmt.Errorf("read %s: %w: no line of it is one of a histogram log", name, ErrFormat)
	}
	return nil
}

type reader struct {
	in        *bufio.Reader
	name      string
	lines     int  // so far
	intervals int  // so far
	head      bool // it has something that only a log has
	start     float64
	base      float64
	hasStart  bool
	hasBase   bool
}

// line returns the next line without its end, and whether that is there.
func (d *reader) line() (text string, whole bool, err error) {
	var b []byte
	for {
		part, err := d.in.ReadSlice('\n')
		b = append(b, part...)
		if err == nil {
			break
		}
		if len(b) > longestLine {
			return "", false, lineError(d.name, d.lines+1, ErrFormat, "it has more than %d bytes; this is no histogram log", longestLine)
		}
		if err == io.EOF && len(b) > 0 {
			d.lines++
			return string(b), false, nil
		}
		if err != bufio.ErrBufferFull {
			if err != io.EOF {
				err = fmt.Errorf("read %s: %w", d.name, err)
			}
			return "", false, err
		}
	}
	d.lines++
	return strings.TrimRight(string(b), "\r\n"), true, nil
}

func (d *reader) bad(format string, args ...any) error {
	return lineError(d.name, d.lines, ErrFormat, format, args...)
}

func (d *reader) take(text string, each func(Interval) error) (err error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil
	case strings.HasPrefix(text, "#"):
		if d.start, d.hasStart, err = d.headTime(text, "#[StartTime:", d.start, d.hasStart); err != nil {
			return err
		}
		d.base, d.hasBase, err = d.headTime(text, "#[BaseTime:", d.base, d.hasBase)
		return err
	case strings.HasPrefix(text, `"StartTimestamp"`):
		d.head = true
		return nil
	}
	i, err := d.interval(text)
	if err != nil {
		return err
	}
	d.intervals++
	return each(i)
}

// headTime reads the seconds after a word, if the line begins with it.
func (d *reader) headTime(text, word string, now float64, had bool) (float64, bool, error) {
	rest, is := strings.CutPrefix(text, word)
	if !is {
		return now, had, nil
	}
	d.head = true
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	v, ok := seconds(strings.TrimSuffix(number, "]"))
	if !ok {
		return 0, false, d.bad("%s is followed by %.20q, not by seconds", word, number)
	}
	return v, true, nil
}

// seconds reads a time of less than 3,000 years.
func seconds(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && v >= 0 && v < 1e11
}

func (d *reader) interval(text string) (i Interval, err error) {
	rest := text
	if tagged, is := strings.CutPrefix(rest, "Tag="); is {
		if i.Tag, rest, is = strings.Cut(tagged, ","); !is || i.Tag == "" {
			return i, d.bad("a tag without its interval")
		}
	}
	cells := strings.SplitN(rest, ",", 4)
	if len(cells) < 4 {
		return i, d.bad("%.40q is not start, length, maximum and histogram, with commas between", text)
	}
	at, ok := seconds(cells[0])
	if !ok {
		return i, d.bad("its start is %.20q, not seconds", cells[0])
	}
	length, ok := seconds(cells[1])
	if !ok || length > 1e9 {
		return i, d.bad("its length is %.20q, not seconds", cells[1])
	}
	if v, err := strconv.ParseFloat(cells[2], 64); err != nil || math.IsNaN(v) {
		return i, d.bad("its maximum is %.20q, not a number", cells[2])
	}
	if i.Hist, err = hdrhistogram.Decode([]byte(strings.TrimSpace(cells[3]))); err != nil {
		return i, d.bad("its histogram cannot be read: %v", err)
	}
	// Without a word for it, times are from the start on if they are a year before it.
	if !d.hasStart {
		d.start, d.hasStart = at, true
	}
	if !d.hasBase {
		const year = 365 * 24 * 3600
		if at < d.start-year {
			d.base = d.start
		}
		d.hasBase = true
	}
	at += d.base
	whole, part := math.Modf(at)
	i.Start = time.Unix(int64(whole), int64(math.Round(part*1e6))*1e3)
	i.Length = time.Duration(length * float64(time.Second))
	return i, nil
}
