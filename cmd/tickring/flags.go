package main

import (
	"errors"
	"fmt"
	"math"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

// The types of flags. Each is a pflag.Value, so that a bad value is wrong usage
// and named together with its flag.

// sizeFlag is a number of bytes. 0: not given.
type sizeFlag uint64

func (f *sizeFlag) Type() string { return "SIZE" }

func (f *sizeFlag) String() string {
	if *f == 0 {
		return ""
	}
	return text.Bytes(uint64(*f))
}

func (f *sizeFlag) Set(s string) error {
	n, err := parseSize(s)
	*f = sizeFlag(n)
	return err
}

var sizeUnits = []struct {
	name  string
	shift uint
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}, {"K", 10}, {"M", 20}, {"G", 30}, {"T", 40}, {"B", 0}, {"", 0}}

// parseSize reads a number of bytes such as 4096, 64MiB or 1G. The units are powers
// of 1024.
func parseSize(s string) (uint64, error) {
	digits := strings.TrimRight(s, "BKMGTi")
	unit := s[len(digits):]
	for _, u := range sizeUnits {
		if u.name != unit {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || n == 0 || n > math.MaxUint64>>u.shift {
			break
		}
		return n << u.shift, nil
	}
	return 0, fmt.Errorf("want a number of bytes such as 4096, 512KiB, 64MiB or 1GiB")
}

// speedFlag is a factor on a file's own pace. 0: as fast as possible.
type speedFlag float64

func (f *speedFlag) Type() string { return "max|FACTOR" }

func (f *speedFlag) String() string {
	if *f == 0 {
		return "max"
	}
	return strconv.FormatFloat(float64(*f), 'g', -1, 64)
}

func (f *speedFlag) Set(s string) error {
	if s == "max" {
		*f = 0
		return nil
	}
	v, err := positive(s)
	if err != nil {
		return fmt.Errorf("want max, or a factor on the file's own pace such as 1, 10 or 0.5")
	}
	*f = speedFlag(v)
	return nil
}

// rateFlag is a number of messages a second. 0: not given.
type rateFlag float64

func (f *rateFlag) Type() string { return "N" }

func (f *rateFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*f), 'f', -1, 64)
}

func (f *rateFlag) Set(s string) error {
	v, err := positive(s)
	if err != nil {
		return fmt.Errorf("want a number of messages a second above 0")
	}
	*f = rateFlag(v)
	return nil
}

func positive(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && (math.IsNaN(v) || math.IsInf(v, 0) || v <= 0) {
		err = strconv.ErrRange
	}
	return v, err
}

// wordFlag is one of a few words.
type wordFlag struct {
	value string
	words []string
}

func newWord(value string, others ...string) *wordFlag {
	return &wordFlag{value: value, words: append([]string{value}, others...)}
}

func (f *wordFlag) Type() string   { return strings.Join(f.words, "|") }
func (f *wordFlag) String() string { return f.value }

func (f *wordFlag) Set(s string) error {
	if !slices.Contains(f.words, s) {
		return fmt.Errorf("want %s", strings.Join(f.words, " or "))
	}
	f.value = s
	return nil
}

// fromFlag is where a subscriber begins.
type fromFlag struct {
	given bool
	from  ring.From
	seq   uint64
}

func (f *fromFlag) Type() string { return "oldest|latest|cursor|mark|seq:N" }

func (f *fromFlag) String() string {
	switch {
	case !f.given:
		return ""
	case f.from == ring.FromLatest:
		return "latest"
	case f.from == ring.FromCursor:
		return "cursor"
	case f.from == ring.FromMark:
		return "mark"
	case f.from == ring.FromSeq:
		return "seq:" + strconv.FormatUint(f.seq, 10)
	}
	return "oldest"
}

func (f *fromFlag) Set(s string) error {
	number, isSeq := strings.CutPrefix(s, "seq:")
	switch {
	case s == "oldest":
		*f = fromFlag{true, ring.FromOldest, 0}
	case s == "latest":
		*f = fromFlag{true, ring.FromLatest, 0}
	case s == "cursor":
		*f = fromFlag{true, ring.FromCursor, 0}
	case s == "mark":
		*f = fromFlag{true, ring.FromMark, 0}
	case isSeq:
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || n == 0 {
			return fmt.Errorf("want seq: and the number of a message; they count from 1")
		}
		*f = fromFlag{true, ring.FromSeq, n}
	default:
		return fmt.Errorf("want oldest, latest, cursor, mark or seq:N")
	}
	return nil
}

// rejoinWords are the values of --rejoin, in the order of [ring.Rejoin].
var rejoinWords = []string{"oldest", "middle", "newest", "mark"}

// rejoinFlag is where a subscriber goes on that was lapped.
type rejoinFlag ring.Rejoin

func (f *rejoinFlag) Type() string   { return strings.Join(rejoinWords, "|") }
func (f *rejoinFlag) String() string { return rejoinWords[*f] }

func (f *rejoinFlag) Set(s string) error {
	at := slices.Index(rejoinWords, s)
	if at < 0 {
		return fmt.Errorf("want oldest, middle, newest or mark")
	}
	*f = rejoinFlag(at)
	return nil
}

// ownerFlag is a user. 0: nobody, or root, who is trusted anyway.
type ownerFlag uint32

func (f *ownerFlag) Type() string { return "USER|UID" }

func (f *ownerFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(*f), 10)
}

func (f *ownerFlag) Set(s string) error {
	uid, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		var who *user.User
		if who, err = user.Lookup(s); err == nil {
			uid, err = strconv.ParseUint(who.Uid, 10, 32)
		}
	}
	if err != nil {
		return fmt.Errorf("this host knows no such user; give the number of one ('id -u')")
	}
	*f = ownerFlag(uid)
	return nil
}

// plainFlagError says what is wanted of a flag without the names of Go's functions.
func plainFlagError(err error) error {
	head, parse, isNumber := strings.Cut(err.Error(), "strconv.")
	switch {
	case !isNumber:
		return err
	case strings.HasPrefix(parse, "ParseBool"):
		return errors.New(head + "want true or false")
	case strings.HasPrefix(parse, "ParseUint"):
		return errors.New(head + "want a whole number from 0 on")
	}
	return errors.New(head + "want a whole number")
}

// dateFlag is a day, for files that tell times of day only.
type dateFlag struct{ midnight time.Time }

func (f *dateFlag) Type() string { return "YYYY-MM-DD" }

func (f *dateFlag) String() string {
	if f.midnight.IsZero() {
		return ""
	}
	return f.midnight.Format(time.DateOnly)
}

func (f *dateFlag) Set(s string) error {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		return err
	}
	day, err := time.ParseInLocation(time.DateOnly, s, newYork)
	if err != nil || day.Unix() < 0 {
		return fmt.Errorf("want a day such as 2010-12-24")
	}
	f.midnight = day
	return nil
}

// nanos returns midnight in New York as UNIX nanoseconds, 0 if no day was given.
func (f *dateFlag) nanos() uint64 {
	if f.midnight.IsZero() {
		return 0
	}
	return uint64(f.midnight.UnixNano())
}
