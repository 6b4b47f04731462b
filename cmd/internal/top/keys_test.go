package top

import (
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"github.com/tickring/tickring/ring/monitor"
)

// sees checks the screen for words, and with ! before them that they are not on it.
func (u *user) sees(t *testing.T, words ...string) *user {
	t.Helper()
	screen := u.model.View()
	for _, w := range words {
		without, not := strings.CutPrefix(w, "!")
		if strings.Contains(screen, without) == not {
			t.Errorf("wanted %q on the screen:\n%s", w, screen)
		}
	}
	return u
}

// names are the first words of the table's lines.
func (u *user) names() string {
	var names []string
	for _, e := range u.model.entries {
		names = append(names, u.model.nameOf(e))
	}
	return strings.Join(strings.Fields(strings.Join(names, " ")), " ")
}

func TestEveryScreenFits(t *testing.T) {
	snaps := map[string]*monitor.Snapshot{"made": made(), "many": many(5), "none": {Time: noon, Dir: "/nowhere"},
		"error": {Time: noon, Dir: "/root", Error: strings.Repeat("permission denied ", 20)}}
	ways := [][]string{{}, {"?"}, {"jj", "<enter>"}, {"<enter>"}, {"j", "<enter>"}, {"t"}, {"jj", "<enter>", "<end>"}, {"<end>"},
		{"/", "nothing has this"}, {"p"}, {"ssssssssss"}, {"<end>", "<enter>"}}
	colored := inColors(termenv.ANSI)
	for name, snap := range snaps {
		for _, width := range []int{7, 64, 79, 80, 97, 300} {
			for _, height := range []int{1, 10, 16, 24, 31} {
				for _, keys := range ways {
					u := newUser(snap, width, height).types(keys...)
					screen := u.model.View()
					if strings.Contains(screen, "\x1b") {
						t.Fatalf("%s at %dx%d after %q has escape codes: %q", name, width, height, keys, screen)
					}
					lines := strings.Split(screen, "\n")
					if len(lines) > height || height >= MinHeight && width >= MinWidth && len(lines) != height {
						t.Fatalf("%s at %dx%d after %q has %d lines:\n%s", name, width, height, keys, len(lines), screen)
					}
					u.model.cfg.ASCII = true
					plainer := strings.Split(u.model.View(), "\n")
					u.model.cfg.ASCII = false
					for i, l := range lines {
						if ansi.StringWidth(l) > width {
							t.Fatalf("%s at %dx%d after %q has a line of %d:\n%s", name, width, height, keys, ansi.StringWidth(l), l)
						}
						isASCII := !strings.ContainsFunc(plainer[i], func(r rune) bool { return r < ' ' || r > '~' })
						if !isASCII || len(plainer[i]) != ansi.StringWidth(l) {
							t.Fatalf("%s at %dx%d after %q has a line that is another in ASCII:\n%s\n%q", name, width, height, keys, l, plainer[i])
						}
					}
					if width == 97 && height == 31 {
						u.model.paint = &colored
						if c := u.model.View(); ansi.Strip(c) != screen || !strings.Contains(c, "\x1b[") {
							t.Fatalf("%s in colours after %q says something else: %q", name, keys, c)
						}
					}
				}
			}
		}
	}
}

func TestTooSmall(t *testing.T) {
	u := newUser(made(), 30, 8).sees(t, "30 x 8", "64 x 10")
	u.does(tea.WindowSizeMsg{Width: 80, Height: 24})
	u.sees(t, "alpha", "!64 x 10")
}

func TestSort(t *testing.T) {
	u := newUser(made(), 80, 24)
	const byName = "bad es alpha beta gamma.with-a-name-that-is-as-long-as-a-name-may-be-in-tickring-1 risk orders broken venue"
	if got := u.names(); got != byName {
		t.Errorf("%s", got)
	}
	// The worst comes first, and its ring with it.
	for column, want := range map[string]string{
		"state":  "bad es risk beta alpha gamma",
		"lag":    "es beta risk gamma",
		"p99":    "es gamma",
		"p99.9":  "es gamma",
		"lost":   "es gamma",
		"behind": "es beta gamma",
		"rate":   "es alpha gamma",
	} {
		u.model.order = order{col: indexOf(column)}
		u.looks()
		if got := u.names(); !strings.HasPrefix(got, want) {
			t.Errorf("by %s: %s", column, got)
		}
		u.types("r")
		if got := u.names(); strings.HasPrefix(got, want) {
			t.Errorf("by %s reversed: %s", column, got)
		}
	}
	// All keys of the columns on the screen are reached, and none that is not sortable.
	u = newUser(made(), 80, 24)
	var seen []string
	for range 8 {
		u.types(">")
		seen = append(seen, columns[u.model.order.col].id)
	}
	if want := []string{"state", "rate", "lag", "behind", "lost", "p50", "p99", "max"}; !slices.Equal(seen, want) {
		t.Errorf("> reaches %v, want %v", seen, want)
	}
	u.types(">").sees(t, "NAME▴").types("<").sees(t, "▾MAX").types("r").sees(t, "▴MAX")
	for _, id := range SortNames() {
		m := newModel(Config{Sort: id}, u.model.paint, u.model.look)
		if columns[m.order.col].id != id {
			t.Errorf("--sort %s sorts by %s", id, columns[m.order.col].id)
		}
	}
}

func TestSelectionFollows(t *testing.T) {
	u := newUser(many(30), 80, 24).types("<down>", "j")
	if u.model.selected.id != (id{"ring000", "sub01"}) {
		t.Fatalf("%+v", u.model.selected)
	}
	u.types("sssssss", "<pgdown>", "<pgup>", "rr") // wherever it is now
	want := u.model.selected.id
	u.types("r").looks()
	if e, _ := u.model.selectedEntry(); e.id() != want {
		t.Errorf("on %v, want %v", e.id(), want)
	}
	u.sees(t, "▸")
	// What is selected is on the screen, wherever one goes.
	for _, k := range []string{"<end>", "<pgup>", "<pgup>", "<up>", "g", "G", "<home>", "<pgdown>", "jjjjjjjjjjjjjjjjjjjjjjjjjj", "kkk"} {
		u.types(k).sees(t, "▸")
	}
	// What was selected goes away.
	u.types("G")
	u.src.snap = many(2)
	u.looks().sees(t, "▸")
	u.src.snap = &monitor.Snapshot{Time: noon}
	u.looks().sees(t, "no rings").types("j", "k", "<enter>", "<end>", "<pgup>")
}

func TestOpen(t *testing.T) {
	u := newUser(made(), 80, 24).types("j", "<enter>")
	u.sees(t, "── es ─", "heartbeat 12.0ms ago", "held 17 times, 2.50/s now", "beta", "!orders")
	u.types("j", "<right>").sees(t, "── es/beta", "stuck: process 4242 has not moved for 3.20s, 812,345 messages unread", "p99.99", "0.001%")
	u.types("2").sees(t, "latencies, last minute").types("w").sees(t, "latencies, since start")
	u.types("<left>").sees(t, "▸beta").types("<esc>").sees(t, "▸es", "orders")
	u.types("j", "<enter>", "<end>").sees(t, "preempted", "another task had the CPU for 10.1 of 10.4 ms", "nobody has looked yet", "64+")

	// It goes away while it is open, and its ring after it.
	snap := made()
	snap.Rings[1].Subscribers = snap.Rings[1].Subscribers[1:]
	u.src.snap = snap
	u.looks().sees(t, "es/alpha", "not there any more: its file was removed")
	u.src.snap = &monitor.Snapshot{Time: noon}
	u.looks().sees(t, "ring es is not there any more")
	u.types("<esc>").sees(t, "no rings in")
	u.src.snap = made()
	u.looks().types("<home>", "j", "<enter>")
	u.src.snap = &monitor.Snapshot{Time: noon}
	u.looks().sees(t, "ring es is not there any more").types("<esc>").sees(t, "no rings in")
}

func TestPause(t *testing.T) {
	u := newUser(made(), 80, 24).types("p").sees(t, "PAUSED")
	u.src.snap = many(2)
	u.looks().sees(t, "PAUSED", "alpha", "!ring000").types("jj", "<enter>").sees(t, "es/alpha", "100%").looks().sees(t, "100%")
	u.types("<esc>", "<space>").sees(t, "!PAUSED", "!alpha", "ring000")
}

func TestFilter(t *testing.T) {
	u := newUser(made(), 80, 24).types("/", "de", "ad").sees(t, "filter: dead", "risk", "orders", "!alpha")
	u.types("<enter>", "jj").sees(t, "filter: dead", "▸orders")
	u.types("/", "<backspace>", "<backspace>", "<backspace>", "<backspace>", "ES", "<space>", "stu", "<enter>")
	if u.model.filter != "ES stu" || u.names() != "es beta" {
		t.Errorf("%q has %s", u.model.filter, u.names())
	}
	u.types("/", "qqq").sees(t, `Nothing has "ES stuqqq"`).types("<esc>").sees(t, "filter: ES stu", "beta").types("<esc>").sees(t, "!filter:", "alpha")
	u.types("/\x1b[31mx").sees(t, "filter: ")
	u = newUser(made(), 80, 24).types("/q?<")
	if u.model.filter != "q?<" || !u.model.typing {
		t.Errorf("what was typed fast: %q", u.model.filter)
	}
}

func TestQuit(t *testing.T) {
	for _, keys := range [][]string{{"q"}, {"<ctrl+c>"}, {"?", "q"}, {"/", "<ctrl+c>"}} {
		u := newUser(made(), 80, 24).types(keys[:len(keys)-1]...)
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q")}
		if keys[len(keys)-1] != "q" {
			msg = tea.KeyMsg{Type: tea.KeyCtrlC}
		}
		_, cmd := u.model.Update(msg)
		if cmd == nil || cmd() != tea.Quit() {
			t.Errorf("%q does not quit", keys)
		}
	}
	// Help is left by any other key, and a paste presses none.
	newUser(made(), 80, 24).types("?", "j").sees(t, "alpha")
	u := newUser(made(), 80, 24).does(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q"), Paste: true})
	u.sees(t, "alpha")
}

func TestCut(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{cutMiddle("short", 10), "short"}, {cutMiddle("market-data-es-1", 9), "mark…es-1"}, {cutMiddle("market-data-es-1", 10), "marke…es-1"},
		{cutMiddle("abcdef", 3), "ab…"}, {cutMiddle("größenordnung", 9), "größ…nung"}, {cut("abc", 0), ""},
		{clean("a\nb\x1b[0m\u202e"), "a b\ufffd[0m\ufffd"},
		{span(-1), "?"}, {span(0), "0ns"}, {span(1234), "1.23µs"}, {span(99e9), "99.0s"}, {span(150e9), "2m30s"}, {span(2*3600e9 + 60e9), "2h1m"}, {span(100 * 3600e9), "4d"},
		{count(9999), "9999"}, {count(10_000), "10.0k"}, {count(999_600), "1.00M"}, {count(1 << 63), "9.22E"}, {rate(0), "-"}, {rate(0.5), "0.50"}, {rate(1_204_567), "1.20M"},
		{spark([]int64{100, 101, 99, 100}, 6), "  ▁▁▁▁"}, {spark([]int64{10, -1, 0, 100_000, 100}, 5), "▂ ▁▇▃"}, {spark(nil, 2), "  "}, {spark([]int64{1, 2, 3}, 1), "▁"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestASCII(t *testing.T) {
	for _, c := range [][2]string{
		{"p50 1.23µs ▾MAX\n▸es", "p50 1.23us vMAX\n>es"}, {" ▁▂▃▄▅▆▇█", " .:-=+*%#"}, {"größe 市 e\u0301\x1b[1m", "gr??e ?? e\x1b[1m"},
		{"\xff", "?"}, {"", ""},
	} {
		if got := ascii(c[0]); got != c[1] {
			t.Errorf("%q is %q in ASCII, want %q", c[0], got, c[1])
		}
	}
}
