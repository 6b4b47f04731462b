package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLooking(t *testing.T) {
	h := newHost(t)
	empty := h.run("ls").want(exitOK)
	if empty.stdout.Len() != 0 {
		t.Errorf("ls of nothing: %s", empty.stdout.String())
	}
	h.run("ls", "--dir", h.file("typo")).want(exitOK).sentence("no directory", h.file("typo"))
	path, _, _ := h.mboFile("session.dbn", 5000)
	sub := h.start("sub", "feed", "--name", "one", "--until-closed", "--json")
	sub.await("waiting for it")
	h.replay(path, "--ring", "feed", "--wait", "1", "--rate", "100000", "--capacity", "1M")
	read := sub.want(exitOK).subReport()

	before := h.snapshot()
	for cmd, words := range map[string][]string{
		"ls":        {"feed", "closed", "dbn3/mbo", "1 MiB", "5,000", "0/1"},
		"stat feed": {"closed", "TEST.MBO", "1 to 5,000", "one: closed", "delivered  5,000", "p99.99"},
		"hist feed": {"one", "mean", "p99.99", "%", "#"},
	} {
		out := h.run(strings.Fields(cmd)...).want(exitOK).stdout.String()
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q in\n%s", cmd, w, out)
			}
		}
	}
	var list struct{ Rings []ringReport }
	h.run("ls", "--json").want(exitOK).json(&list)
	var stat ringReport
	h.run("stat", "feed", "--json").want(exitOK).json(&stat)
	if len(list.Rings) != 1 || list.Rings[0].LastSeq != 5000 || stat.LastSeq != 5000 || stat.Publisher != "closed" || len(stat.Subscribers) != 1 {
		t.Fatalf("ls %+v\nstat %+v", list, stat)
	}
	s := stat.Subscribers[0]
	if s.Name != "one" || s.Delivered != 5000 || s.Lag != 0 || *s.Latency != *read.Latency {
		t.Errorf("stat says %+v, the subscriber said %+v", s, read.Latency)
	}
	var hist histDocument
	h.run("hist", "feed", "--sub", "one", "--json").want(exitOK).json(&hist)
	var sum int64
	for _, b := range hist.Distributions[0].Buckets {
		sum += b.Count
	}
	if uint64(sum) != read.Latency.Count || *hist.Distributions[0].Latency != *read.Latency {
		t.Errorf("hist says %+v", hist)
	}
	if out := h.run("hist", "feed", "--sub", "one", "--hgrm").want(exitOK).stdout.String(); !strings.Contains(out, "#[Mean") {
		t.Errorf("hgrm:\n%s", out)
	}
	h.run("hist", "feed", "--sub", "two").want(exitError).sentence(`no subscriber "two"`)
	if after := h.snapshot(); after != before {
		t.Errorf("looking has changed something:\n%s\n%s", before, after)
	}
}

// snapshot tells the names, sizes and times of all files of the rings.
func (h *host) snapshot() string {
	h.Helper()
	var b strings.Builder
	err := filepath.WalkDir(h.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			b.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return b.String()
}

func TestSynthIsReproducible(t *testing.T) {
	h := newHost(t)
	for _, name := range []string{"a.itch50", "b.itch50"} {
		h.run("synth", "-o", h.file(name), "--messages", "3000", "--seed", "5").want(exitOK)
	}
	if string(h.read(h.file("a.itch50"))) != string(h.read(h.file("b.itch50"))) {
		t.Error("the same flags made two files")
	}
	var made struct{ Messages uint64 }
	h.run("synth", "-o", h.file("c.itch50.gz"), "--messages", "3000", "--json").want(exitOK).json(&made)
	pub := h.replay(h.file("c.itch50.gz"), "--ring", "feed", "--as", "raw")
	if made.Messages != 3000 || pub.Messages != 3000 {
		t.Errorf("made %d, published %d", made.Messages, pub.Messages)
	}
}

func TestCompletion(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 10)
	h.replay(path, "--ring", "alpha")
	h.replay(path, "--ring", "beta")
	for _, args := range [][]string{{"sub", ""}, {"stat", ""}, {"rm", "alpha", ""}, {"replay", path, "--ring", ""}} {
		out := h.run(append([]string{"__complete"}, args...)...).want(exitOK).stdout.String()
		if !strings.HasPrefix(out, "alpha\nbeta\n") {
			t.Errorf("%v: %s", args, out)
		}
	}
	// Nothing is offered where there is nothing to name, not even files.
	for _, args := range [][]string{{"ls", ""}, {"doctor", ""}, {"doctor", "--cpu", ""}, {"stat", "alpha", ""}} {
		if out := h.run(append([]string{"__complete"}, args...)...).want(exitOK).stdout.String(); out != ":4\n" {
			t.Errorf("%v: %s", args, out)
		}
	}
	if h.run("completion", "bash").want(exitOK).stdout.Len() == 0 {
		t.Error("no script")
	}
}

func TestVersionAndHelp(t *testing.T) {
	h := newHost(t)
	var b build
	h.run("version", "--json").want(exitOK).json(&b)
	if b.Go == "" || b.Version == "" {
		t.Errorf("%+v", b)
	}
	if out := h.run("ls", "--help").want(exitOK).stdout.String(); !strings.Contains(out, "Examples:") {
		t.Error(out)
	}
	all := (&app{}).root().Commands()
	for len(all) > 0 {
		c := all[0]
		all = append(all[1:], c.Commands()...)
		if c.Example == "" && !c.Hidden && c.Name() != "help" {
			t.Errorf("%s: no examples in its help", c.CommandPath())
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if n := utf8.RuneCountInString(line); n > 120 {
				t.Errorf("%s: a line of its help has %d characters: %s", c.CommandPath(), n, line)
			}
		}
	}
}
