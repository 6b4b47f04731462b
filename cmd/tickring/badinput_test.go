package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/ring"
)

// A bad file: one sentence with the file and the offset, the exit code 1, what was
// read before the fault is published and counted, and nothing else is left behind.
func TestBadFiles(t *testing.T) {
	setup := newHost(t)
	const records = 100
	dbnPath, _, _ := setup.mboFile("good.dbn", records)
	goodDBN := setup.read(dbnPath)
	header := len(goodDBN) - records*dbn.MboSize
	itchPath, _ := setup.itchFile("good.itch50", 1000)
	goodITCH := setup.read(itchPath)
	second := 2 + int(binary.BigEndian.Uint16(goodITCH)) // offset of the second message

	change := func(data []byte, at int, to ...byte) []byte {
		data = bytes.Clone(data)
		copy(data[at:], to)
		return data
	}
	for _, c := range []struct {
		name     string
		data     []byte
		messages uint64 // published before the fault
		words    []string
	}{
		{"empty.dbn", nil, 0, []string{"offset 0", "empty"}},
		{"empty.dbn.zst", compressed(t, nil), 0, []string{"empty"}},
		{"text.dbn", []byte("ts_event,price\n1,2\n"), 0, []string{"offset 0", "neither a DBN file nor an ITCH", "text"}},
		{"json", []byte(`{"ts_event": 1}`), 0, []string{"neither", "JSON"}},
		{"noise.itch50", bytes.Repeat([]byte{0xEE, 0x11}, 500), 0, []string{"neither", "ee 11"}},
		{"version.dbn", change(goodDBN, 3, 9), 0, []string{"offset 3", "version 9"}},
		{"header.dbn", goodDBN[:50], 0, []string{"cut short", "header"}},
		{"magic.dbn", goodDBN[:2], 0, []string{"cut short"}},
		{"cut.dbn", goodDBN[:len(goodDBN)-10], records - 1, []string{"cut short", "46 of 56 bytes"}},
		{"zero.dbn", change(goodDBN, header+3*dbn.MboSize, 0), 3, []string{"length byte is 0"}},
		{"length.dbn", change(goodDBN, header+3*dbn.MboSize, 13), 3, []string{"type mbo is 52 bytes"}},
		{"cut.dbn.zst", compressed(t, goodDBN)[:500], 0, []string{"cut short", "zstd"}},
		{"zero.itch50", change(goodITCH, second, 0, 0), 1, []string{"length prefix is zero"}},
		{"prefix.itch50", change(goodITCH, second, 0, 200), 1, []string{"length prefix is 200"}},
		{"type.itch50", change(goodITCH, second+2, 'Z'), 1, []string{"unknown message type", "Z"}},
		{"cut.itch50", goodITCH[:second+20], 1, []string{"18 of"}},
		{"cut.itch50.gz", gzipped(t, goodITCH)[:2000], 1, nil}, // how many depends on the compressor
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			path := h.write(c.name, c.data)
			p := h.run("replay", path, "--ring", "feed", "--as", "raw", "--json", "--capacity", "1MiB").want(exitError)
			p.sentence(append(c.words, path, "offset")...)
			if strings.Contains(p.stderr.String(), "into the source") {
				t.Errorf("two places: %s", p.stderr.String())
			}
			var r replayReport
			p.json(&r)
			if c.words == nil {
				if r.Messages == 0 {
					t.Error("nothing was published")
				}
				c.messages = r.Messages
			}
			if r.Messages != c.messages || r.Error == "" {
				t.Errorf("published %d, want %d; error %q", r.Messages, c.messages, r.Error)
			}
			if c.messages == 0 {
				if left := h.rings(); len(left) != 0 {
					t.Errorf("it left %v", left)
				}
				return
			}
			s := h.run("sub", "feed", "--until-closed", "--json").want(exitOK).subReport()
			if s.Delivered != c.messages || s.Lost != 0 {
				t.Errorf("the ring has %d, lost %d; published %d", s.Delivered, s.Lost, c.messages)
			}
		})
	}
}

func compressed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() == 0 { // an empty frame: the encoder writes none by itself
		return w.EncodeAll([]byte{}, nil)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFilesThatAreNone(t *testing.T) {
	h := newHost(t)
	for path, word := range map[string]string{
		h.file("missing.dbn"): "no such file",
		h.tmp:                 "directory",
	} {
		h.run("replay", path, "--ring", "feed").want(exitError).sentence(path, word)
	}
	// The format that was named counts, not the content.
	good, _, _ := h.mboFile("good.dbn", 10)
	h.run("replay", good, "--ring", "feed", "--format", "itch").want(exitError).sentence(good, "offset 0", "DBN")
	session, _ := h.itchFile("good.itch50", 500)
	h.run("replay", session, "--ring", "feed", "--format", "dbn").want(exitError).sentence(session, "offset 0", "ITCH")
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestRealFileWithoutLengths(t *testing.T) {
	path := realData(t, "itch/ritch-ex20101224.TEST_ITCH_50.raw")
	h := newHost(t)
	h.run("replay", path, "--ring", "feed").want(exitError).sentence("TEST_ITCH_50.raw", "offset 0", "length prefix is zero")
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// Real files of every version and schema: each is carried whole.
func TestRealSmallFiles(t *testing.T) {
	dir := realData(t, "dbn/databento-small")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var want uint64
		fragment := dbn.FragmentAuto
		if strings.Contains(e.Name(), ".frag") {
			fragment = dbn.FragmentAlways
		}
		r, err := dbn.NewReader(f, dbn.ReaderConfig{Fragment: fragment})
		for err == nil {
			if _, err = r.Next(); err == nil {
				want++
			}
		}
		f.Close()
		if got := h.replay(path, "--ring", "feed", "--capacity", "1MiB"); got.Messages != want {
			t.Errorf("%s: %d messages, want %d", e.Name(), got.Messages, want)
		}
	}
}

// A bad ring: whoever is to read it says what is wrong and where.
func TestBadRings(t *testing.T) {
	const versionAt, capacityAt, checksumAt = 8, 16, 12
	for _, c := range []struct {
		name   string
		damage func(h *host, file string)
		words  []string
	}{
		{"missing", func(h *host, file string) { os.RemoveAll(filepath.Dir(file)) }, []string{"no such ring"}},
		{"other-version", patch(versionAt, 99), []string{"version 99", "remove"}},
		{"half-written", patch(0, 0, 0, 0, 0, 0, 0, 0, 0), []string{"never finished"}},
		{"other-magic", patch(0, 'G', 'I', 'F'), []string{"not a ring"}},
		{"other-capacity", patch(capacityAt, 0, 0, 0, 0, 0, 0, 0, 0x80), []string{"corrupt"}},
		{"checksum", patch(checksumAt, 1, 2, 3, 4), []string{"corrupt"}},
		{"cut", func(h *host, file string) { check(h, os.Truncate(file, 10_000)) }, []string{"corrupt"}},
		{"empty", func(h *host, file string) { check(h, os.Truncate(file, 0)) }, []string{"not a ring"}},
		{"directory", replaceBy(func(h *host, file string) { check(h, os.Mkdir(file, 0o700)) }), []string{"not a regular file"}},
		{"symlink", replaceBy(func(h *host, file string) { check(h, os.Symlink("/etc/passwd", file)) }), []string{"symbolic link"}},
		{"fifo", replaceBy(func(h *host, file string) { check(h, syscall.Mkfifo(file, 0o600)) }), []string{"not a regular file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			path, _, _ := h.mboFile("session.dbn", 100)
			h.replay(path, "--ring", "feed", "--capacity", "1MiB")
			h.replay(path, "--ring", "good", "--capacity", "1MiB")
			file := filepath.Join(h.dir, "feed", "ring")
			c.damage(h, file)
			words := append(c.words, "feed", h.dir)
			h.run("stat", "feed").want(exitError).sentence(words...)
			h.run("hist", "feed").want(exitError).sentence(words...)
			h.run("sub", "feed", "--no-wait").want(exitError).sentence(words...)
			output := h.file("out.dbn")
			h.run("record", "feed", "-o", output, "--no-wait").want(exitError).sentence(words...)
			if _, err := os.Lstat(output); err == nil {
				t.Error("record left a file")
			}
			// The others are listed all the same.
			ls := h.run("ls").want(exitOK).stdout.String()
			if !strings.Contains(ls, "good") || c.name != "missing" && !strings.Contains(ls, c.words[0]) {
				t.Errorf("ls:\n%s", ls)
			}
		})
	}
}

func check(h *host, err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func patch(at int64, to ...byte) func(*host, string) {
	return func(h *host, file string) {
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		check(h, err)
		defer f.Close()
		_, err = f.WriteAt(to, at)
		check(h, err)
	}
}

func replaceBy(put func(*host, string)) func(*host, string) {
	return func(h *host, file string) {
		check(h, os.Remove(file))
		put(h, file)
	}
}

// What has the name of a ring and is none is not taken for one that is yet to come.
func TestNamesThatAreNoRings(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"fifo":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"file":    func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"symlink": func(path string) error { return os.Symlink(filepath.Dir(path), path) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			path, _, _ := h.mboFile("session.dbn", 10)
			check(h, put(filepath.Join(h.dir, "feed")))
			for _, args := range [][]string{
				{"sub", "feed"}, {"record", "feed", "-o", h.file("out.dbn")}, {"stat", "feed"},
				{"replay", path, "--ring", "feed"}, {"rm", "feed"},
			} {
				h.run(args...).want(exitError).sentence(filepath.Join(h.dir, "feed"))
			}
			h.wantFiles("session.dbn")
			if left := h.rings(); len(left) != 1 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestSomebodyElsesDirectory(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 10)
	open := filepath.Join(h.dir, "open")
	check(h, os.Mkdir(open, 0o700))
	check(h, os.Chmod(open, 0o777))
	for _, args := range [][]string{{"replay", path, "--ring", "feed"}, {"sub", "feed"}, {"ls"}, {"rm", "feed"}} {
		h.run(append(args, "--dir", open)...).want(exitError).sentence(open, "unsafe")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	other := filepath.Join(h.dir, "other")
	check(h, os.Mkdir(other, 0o700))
	check(h, os.Chown(other, 12345, 12345))
	h.run("sub", "feed", "--dir", other).want(exitError).sentence(other, "12345")
	h.run("sub", "feed", "--dir", other, "--owner", "12345", "--no-wait").want(exitError).sentence("no such ring", other)
}

func TestNoSpace(t *testing.T) {
	h := newHost(t)
	if !strings.HasPrefix(h.dir, "/dev/shm/") {
		t.Skip("no /dev/shm here")
	}
	path, _, _ := h.mboFile("session.dbn", 10)
	p := h.run("replay", path, "--ring", "feed", "--capacity", "1TiB", "--json").want(exitError)
	p.sentence("no space left", "feed")
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestSecondPublisher(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 10_000)
	first := h.start("replay", path, "--ring", "feed", "--rate", "1000")
	h.stat("feed", func(i ring.Info) bool { return i.Last > 0 })
	h.run("replay", path, "--ring", "feed").want(exitError).sentence(`"feed"`, "has a publisher")
	h.run("rm", "feed").want(exitError).sentence(`"feed"`, "has a publisher")
	first.signal(syscall.SIGKILL)
	first.want(-1)
	h.stat("feed", func(i ring.Info) bool { return i.Publisher == ring.Dead })
	h.run("rm", "feed").want(exitOK)
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestSecondSubscriberOfOneName(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 10)
	h.replay(path, "--ring", "feed")
	h.start("sub", "feed", "--name", "one")
	h.stat("feed", func(i ring.Info) bool { return len(i.Subscribers) == 1 && i.Subscribers[0].Active })
	h.run("sub", "feed", "--name", "one").want(exitError).sentence(`"one"`, "subscribed already")
}

func TestWrongUsage(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 10)
	for _, c := range []struct {
		word string
		args []string
	}{
		{"no command \"relpay\", perhaps replay", []string{"relpay"}},
		{"unknown flag: --nonsense", []string{"sub", "feed", "--nonsense"}},
		{"NAME is missing", []string{"sub"}},
		{"one argument too many", []string{"stat", "a", "b"}},
		{"FILE is missing", []string{"replay", "--ring", "feed"}},
		{`"ring" not set`, []string{"replay", path}},
		{"--ring \"a/b\"", []string{"replay", path, "--ring", "a/b"}},
		{"letters, digits", []string{"sub", "../x"}},
		{"letters, digits", []string{"rm", "a/b"}},
		{"--name \"a/b\"", []string{"sub", "feed", "--name", "a/b"}},
		{"--speed", []string{"replay", path, "--ring", "feed", "--speed", "-1"}},
		{"--rate", []string{"replay", path, "--ring", "feed", "--rate", "NaN"}},
		{"speed rate", []string{"replay", path, "--ring", "feed", "--rate", "1", "--speed", "1"}},
		{"--capacity", []string{"replay", path, "--ring", "feed", "--capacity", "64 bananas"}},
		{"capacity", []string{"replay", path, "--ring", "feed", "--capacity", "1000000"}},
		{"--as", []string{"replay", path, "--ring", "feed", "--as", "csv"}},
		{"--wait", []string{"replay", path, "--ring", "feed", "--wait", "-1"}},
		{"want hold= and a time", []string{"replay", path, "--ring", "feed", "--gate", "g,hold=5"}},
		{"want hold= and a time", []string{"replay", path, "--ring", "feed", "--gate", "g,hold=-1s"}},
		{"want hold= and a time", []string{"replay", path, "--ring", "feed", "--gate", "g,hold"}},
		{"\"\" is none of hold=TIME, drop-dead", []string{"replay", path, "--ring", "feed", "--gate", "g,"}},
		{"\"lossy\" is none of", []string{"replay", path, "--ring", "feed", "--gate", "g,drop-dead,lossy"}},
		{"no such user", []string{"replay", path, "--ring", "feed", "--gate", "g,owner=nobody-of-this-name"}},
		{"gate \"a/b\"", []string{"replay", path, "--ring", "feed", "--gate", "a/b"}},
		{"gate \"\"", []string{"replay", path, "--ring", "feed", "--gate", ""}},
		{"named twice", []string{"replay", path, "--ring", "feed", "--gate", "g", "--gate", "g,hold=1s"}},
		{"33 gates", append([]string{"replay", path, "--ring", "feed"}, manyGates(33)...)},
		{"--rejoin", []string{"sub", "feed", "--rejoin", "latest"}},
		{"--rejoin", []string{"record", "feed", "-o", h.file("x.dbn"), "--rejoin", ""}},
		{"oldest, latest, cursor, mark or seq:N", []string{"sub", "feed", "--from", "newest"}},
		{"--date", []string{"replay", path, "--ring", "feed", "--date", "24.12.2010"}},
		{"--cpu", []string{"sub", "feed", "--cpu", "-7"}},
		{"--from", []string{"sub", "feed", "--from", "seq:0"}},
		{"--count", []string{"sub", "feed", "--count", "0"}},
		{"--idle", []string{"sub", "feed", "--idle", "sleep"}},
		{"--idle", []string{"waker", "feed", "--idle", "futex"}},
		{"--interval", []string{"waker", "feed", "--interval", "0s"}},
		{"--interval", []string{"waker", "feed", "--interval", "10"}},
		{"NAME is missing", []string{"waker"}},
		{"name anonymous", []string{"sub", "feed", "--name", "a", "--anonymous"}},
		{"--output", []string{"record", "feed", "-o", "feed.csv"}},
		{`"output" not set`, []string{"record", "feed"}},
		{"--messages", []string{"synth", "-o", h.file("x.itch50"), "--messages", "0"}},
		{"--hgrm", []string{"hist", "feed", "--hgrm"}},
		{"--messages", []string{"demo", "--messages", "1"}},
		{"--owner", []string{"sub", "feed", "--owner", "nobody-of-this-name"}},
		{"no command \"foo\"", []string{"help", "foo"}},
		{"want a whole number", []string{"synth", "-o", h.file("x"), "--messages", "x"}},
		{"\"aaaaaaaaaaaaaaaaaaaa\"...", []string{"sub", strings.Repeat("a", 300)}},
		{"--capacity", []string{"demo", "--capacity", "1"}},
		{"--output", []string{"synth", "-o", "-"}},
	} {
		p := h.run(c.args...).want(exitUsage)
		p.sentence(c.word, "--help")
		if p.stdout.Len() > 0 {
			t.Errorf("%v: on stdout: %s", c.args, p.stdout.String())
		}
	}
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func manyGates(n int) (args []string) {
	for i := range n {
		args = append(args, "--gate", fmt.Sprint("g", i))
	}
	return args
}

func TestCPUThatIsNotThere(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 10)
	h.run("replay", path, "--ring", "feed", "--cpu", "8000").want(exitError).sentence("--cpu 8000", "CPU")
	h.run("sub", "feed", "--cpu", "8000").want(exitError).sentence("--cpu 8000", "CPU")
	if left := h.rings(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
