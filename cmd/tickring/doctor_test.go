package main

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/affinity/doctor"
)

func TestDoctor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("doctor examines Linux")
	}
	h := newHost(t)
	before := h.snapshot()
	p := h.run("doctor", "--measure", "1ms", "--json")
	if code := p.end(); code != exitOK && code != exitFound {
		t.Fatalf("exit code %d: %s", code, p.stderr.String())
	}
	var r doctorReport
	p.json(&r)
	if all := len(r.Checks) + len(r.Measured); len(r.Checks) < 40 || r.Good+r.Warn+r.Bad+r.Unknown+r.NotApplicable != all {
		t.Errorf("%d checks, %d measured: %+v", len(r.Checks), len(r.Measured), r)
	}
	if (p.end() == exitFound) != (r.Bad > 0) {
		t.Errorf("exit code %d and %d bad", p.end(), r.Bad)
	}
	if len(r.Measured) != r.CPUs.Len() || r.CPUs.Empty() {
		t.Errorf("of CPUs %v these were measured: %+v", r.CPUs, r.Measured)
	}
	for _, m := range r.Measured {
		var gaps int64
		for _, b := range m.Histogram {
			gaps += b.Count
		}
		if m.Error == "" && (m.Seconds <= 0 || gaps != m.Gaps || m.Verdict == doctor.Unknown) {
			t.Errorf("%+v", m)
		}
	}

	h.run("doctor", "--cpu", "0,8191").want(exitUsage).sentence("--cpu", "no CPU 8191, it has 0")
	h.run("doctor", "--measure", "-1s").want(exitUsage).sentence("--measure")
	h.run("doctor", "--cpu", "a").want(exitUsage).sentence("--cpu")
	h.run("doctor", "now").want(exitUsage).sentence("now")
	if after := h.snapshot(); after != before {
		t.Errorf("looking has changed something:\n%s\n%s", before, after)
	}
}

func TestDoctorShown(t *testing.T) {
	r := doctorReport{Report: doctor.Report{CPUs: affinity.SetOf(2, 3), Chosen: "isolated", Checks: []doctor.Check{
		{Group: "power", Name: "governor", Verdict: doctor.Bad, Value: "powersave", Want: "performance", Why: "It is slow.", Mend: strings.Repeat("mend it ", 20)},
		{Group: "power", Name: "turbo", Verdict: doctor.Good, Value: "off", Want: "off", Why: "So it is."},
		{Group: "Go", Name: "GOGC", Verdict: doctor.None, Value: "is not Go", Want: "off", Why: "So it is."},
	}, Measured: []doctor.Measured{
		{CPU: 3, Verdict: doctor.Warn, Seconds: 2, Gaps: 9, PerSecond: 4.5, Lost: 0.5, P50: 300, P99: 4000, P999: 50_000, Max: 123_456,
			Moved: []doctor.Moved{{Name: "LOC", Count: 500}, {Name: "37", Text: "virtio1-input", Count: 12}},
			Worst: doctor.Worst{Ns: 123_456, Cause: affinity.CauseSteal, Why: "because"}},
		{CPU: 9, Verdict: doctor.Unknown, Error: "there is none"},
	}}, Bad: 1, Good: 1, Warn: 1, Unknown: 1, NotApplicable: 1}
	var b strings.Builder
	if err := showDoctor(&lines{w: &b}, &r, paintFor(&b)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Quiet CPUs: 2-3, those that are isolated", "  BAD  governor              powersave; wanted: performance\n", "It is slow.\n", "=> mend it",
		"  good turbo                 off\n", "there is none", "LOC +500, virtio1-input +12", "123 µs: steal, because", "0.50%",
		"1 good, 1 to know of, 1 bad, 1 unknown, 1 not applicable\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "So it is.") {
		t.Error("what is good is explained")
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > doctorWidth {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("colour without a terminal")
	}
	if err := showDoctor(&lines{w: brokenPipe{}}, &r, paintFor(io.Discard)); err == nil {
		t.Error("nobody reads it, and that is no error")
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
