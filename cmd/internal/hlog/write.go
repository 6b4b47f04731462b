package hlog

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Writer writes a log, line by line: each reaches the underlying writer at once and whole.
type Writer struct {
	w    io.Writer
	base time.Time
}

// NewWriter writes the head of a log that begins at start, with a line for people first.
func NewWriter(w io.Writer, start time.Time, about string) (*Writer, error) {
	start = start.Truncate(time.Millisecond) // what the head can say
	l := &Writer{w: w, base: start}
	sec := fmt.Sprintf("%d.%03d (seconds since epoch)", start.Unix(), start.Nanosecond()/1e6)
	_, err := fmt.Fprintf(w, "#[%s]\n#[Histogram log format version 1.3]\n#[StartTime: %s, %s]\n#[BaseTime: %s]\n%s\n",
		comment(about), sec, start.UTC().Format("2006-01-02T15:04:05.000Z"), sec, legend)
	return l, err
}

const legend = `"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`

// Comment writes a line for people. Tools skip it.
func (l *Writer) Comment(text string) error {
	_, err := fmt.Fprintf(l.w, "# %s\n", comment(text))
	return err
}

func comment(text string) string { return strings.Join(strings.Fields(text), " ") }

// Interval writes a line of the log. A tag must be without commas, spaces and line breaks.
func (l *Writer) Interval(i Interval) error {
	if strings.ContainsAny(i.Tag, ", \r\n\t") {
		return fmt.Errorf("a log cannot have the tag %q: it has a comma or a space", i.Tag)
	}
	coded, err := i.Hist.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return err
	}
	tag := ""
	if i.Tag != "" {
		tag = "Tag=" + i.Tag + ","
	}
	// Wall-clock times: the log is set beside others. The length is from the monotonic clock.
	start := time.Duration(i.Start.UnixNano() - l.base.UnixNano())
	const msPerNs = 1e-6
	_, err = fmt.Fprintf(l.w, "%s%.3f,%.3f,%.6f,%s\n", tag, start.Seconds(), i.Length.Seconds(), float64(i.Hist.Max())*msPerNs, coded)
	return err
}
