package procfs

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestCPUTimes(t *testing.T) {
	const text = "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 60 0 10 80 0 0 0 50 5 0\ncpu12 110 0 10 80 0 0 0 0 5 0\nintr 1 2 3 4 5 6 7 8 9 10\n"
	got, err := CPUTimes(text)
	if want := map[int]CPUTime{0: {Stolen: 50, All: 200}, 12: {All: 200}}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
	for _, bad := range []string{"cpu0 1 2 3\n", "cpu0 1 2 x 4 5 6 7 8\n", "cpu0 1 2 -3 4 5 6 7 8\n"} {
		if _, err := CPUTimes(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got, err := CPUTimes(""); err != nil || len(got) > 0 {
		t.Errorf("of nothing: %v %v", got, err)
	}
}

func TestChosen(t *testing.T) {
	for text, want := range map[string]string{"always [madvise] never": "madvise", "[x]": "x", "": "", "x": "", "[x": "", "x]": "", "[]": ""} {
		if got, ok := Chosen(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", text, got, ok, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	if got := Excerpt("a\n"); got != `"a\n"` {
		t.Error(got)
	}
	if got := Excerpt(strings.Repeat("x", 1000)); len(got) > 80 || !strings.HasSuffix(got, "...") {
		t.Error(got)
	}
}

func TestCgroups(t *testing.T) {
	const hybrid = "5:cpu,cpuacct:/a/b\n4:memory:/m\n0::/u/../x\nnonsense\n"
	for controller, want := range map[string][]string{
		"cpu":    {"1 sys/fs/cgroup/cpu/a/b sys/fs/cgroup/cpu/a sys/fs/cgroup/cpu", "2 sys/fs/cgroup/x sys/fs/cgroup", "2 sys/fs/cgroup/unified/x sys/fs/cgroup/unified"},
		"memory": {"1 sys/fs/cgroup/memory/m sys/fs/cgroup/memory", "2 sys/fs/cgroup/x sys/fs/cgroup", "2 sys/fs/cgroup/unified/x sys/fs/cgroup/unified"},
		"pids":   {"2 sys/fs/cgroup/x sys/fs/cgroup", "2 sys/fs/cgroup/unified/x sys/fs/cgroup/unified"},
	} {
		for _, text := range []string{hybrid, "0::/x\n" + hybrid[:strings.Index(hybrid, "0::")]} { // in whatever order
			var got []string
			for _, g := range Cgroups(text, controller) {
				line := "1"
				if g.V2 {
					line = "2"
				}
				for _, up := range g.Up() {
					line += " " + up.Dir
				}
				got = append(got, line)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", controller, got, want)
			}
		}
	}
}
