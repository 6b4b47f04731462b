package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/ring"
)

// records returns the header of a DBN file and its records, one after the other.
func (h *host) records(path string) (*dbn.Metadata, []byte) {
	h.Helper()
	f, err := os.Open(path)
	if err != nil {
		h.Fatal(err)
	}
	defer f.Close()
	r, err := dbn.NewReader(f, dbn.ReaderConfig{Name: path, Fragment: dbn.FragmentNever})
	if err != nil {
		h.Fatal(err)
	}
	defer r.Close()
	var all []byte
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return r.Metadata(), all
		}
		if err != nil {
			h.Fatal(err)
		}
		all = append(all, rec...)
	}
}

func TestRecordGivesTheSameRecords(t *testing.T) {
	h := newHost(t)
	path, want, counts := h.mboFile("session.dbn", 30_000)
	early := h.start("record", "feed", "-o", h.file("early.dbn"), "--json") // before there is a ring
	early.await("waiting for it")
	pub := h.replay(path, "--ring", "feed")
	late := h.run("record", "feed", "-o", h.file("late.dbn.zst"), "--json")
	for _, p := range []*process{early, late} {
		var r recordReport
		p.want(exitOK).json(&r)
		md, got := h.records(r.File)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes of records, not the %d of the source", r.File, len(got), len(want))
		}
		if md.Version != 3 || md.Schema != dbn.SchemaMbo || md.Dataset != "TEST.MBO" || md.TsOut {
			t.Errorf("%s: header %+v", r.File, md)
		}
		agree(t, replayReport{Messages: r.Messages, Lost: r.Lost, ByType: r.ByType}, pub.Messages, counts)
	}
}

func TestRecordOfRealFiles(t *testing.T) {
	for _, name := range []string{
		"dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
		"dbn/databento-small/test_data.definition.v1.dbn.zst",
		"dbn/databento-small/test_data.mbp-10.v2.dbn.zst",
		"dbn/databento-small/test_data.tbbo.v3.dbn.zst",
	} {
		t.Run(name, func(t *testing.T) {
			path := realData(t, name)
			h := newHost(t)
			h.replay(path, "--ring", "feed")
			h.run("record", "feed", "-o", h.file("out.dbn")).want(exitOK)
			from, want := h.records(path)
			to, got := h.records(h.file("out.dbn"))
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes of records, not the %d of the source", len(got), len(want))
			}
			if from.Version != to.Version || from.Schema != to.Schema || from.Dataset != to.Dataset || from.TsOut != to.TsOut {
				t.Errorf("header %+v, that of the source %+v", to, from)
			}
		})
	}
}

func TestRecordOfRawITCH(t *testing.T) {
	h := newHost(t)
	path, _ := h.itchFile("session", 5000)
	h.replay(path, "--ring", "feed", "--as", "raw")
	h.run("record", "feed", "-o", h.file("out.itch50")).want(exitOK)
	h.run("record", "feed", "-o", h.file("out.itch50.gz")).want(exitOK)
	want := h.read(path)
	if !bytes.Equal(h.read(h.file("out.itch50")), want) {
		t.Error("the file differs from the source")
	}
	z, err := gzip.NewReader(bytes.NewReader(h.read(h.file("out.itch50.gz"))))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the compressed file differs from the source (%v)", err)
	}

	// What a file cannot hold is refused, and no file appears.
	h.run("record", "feed", "-o", h.file("out.dbn")).want(exitError).sentence("raw ITCH", ".itch50")
	h.replay(path, "--ring", "mbo")
	h.run("record", "mbo", "-o", h.file("mbo.itch50")).want(exitError).sentence("dbn3/mbo", ".dbn")
	h.wantFiles("out.itch50", "out.itch50.gz", "session")
}

func (h *host) wantFiles(want ...string) {
	h.Helper()
	entries, err := os.ReadDir(h.tmp)
	if err != nil {
		h.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		h.Errorf("files %v, want %v", got, want)
	}
}

func TestRecordDoesNotReplace(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	h.replay(path, "--ring", "feed")
	out := h.write("out.dbn", []byte("precious"))
	h.run("record", "feed", "-o", out).want(exitError).sentence(out, "exists", "--force")
	h.run("synth", "-o", out).want(exitError).sentence(out, "exists", "--force")
	if string(h.read(out)) != "precious" {
		t.Fatal("it is gone")
	}
	h.run("record", "feed", "-o", out, "--force").want(exitOK)
	if _, got := h.records(out); len(got) != 100*dbn.MboSize {
		t.Errorf("%d bytes of records", len(got))
	}
	h.run("record", "feed", "-o", h.tmp+"/missing/out.dbn").want(exitError).sentence("missing")
	h.wantFiles("out.dbn", "session.dbn")
}

func TestRecordWithAGap(t *testing.T) {
	h := newHost(t)
	path, all, _ := h.mboFile("session.dbn", 20_000)
	h.replay(path, "--ring", "feed", "--capacity", "256KiB")
	var r recordReport
	p := h.run("record", "feed", "-o", h.file("out.dbn"), "--from", "seq:1", "--json", "--quiet").want(exitError)
	p.sentence("lacks", "out.dbn")
	p.json(&r)
	if r.Messages+r.Lost != 20_000 || r.Lost == 0 {
		t.Errorf("%+v", r)
	}
	if _, got := h.records(h.file("out.dbn")); !bytes.Equal(got, all[int(r.Lost)*dbn.MboSize:]) {
		t.Error("the file does not have the records after the gap")
	}
}

func TestRecordsOfITCHAreThoseOfTheNormalizer(t *testing.T) {
	h := newHost(t)
	path, _ := h.itchFile("session", 20_000)
	h.replay(path, "--ring", "feed", "--date", "2020-01-30")
	h.run("record", "feed", "-o", h.file("out.dbn")).want(exitOK)
	_, got := h.records(h.file("out.dbn"))

	r, err := itch.NewReader(bytes.NewReader(h.read(path)), itch.ReaderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2020, 1, 30, 5, 0, 0, 0, time.UTC) // in New York
	n := itch.NewNormalizer(itch.NormalizerConfig{PublisherID: itchPublisher, Midnight: uint64(midnight.UnixNano())})
	var want []byte
	var out [itch.MaxRecords]dbn.MboMsg
	for {
		msg, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range n.Apply(msg, &out) {
			want = out[i].Append(want)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes of records, and not the %d that the messages mean", len(got), len(want))
	}
}

// A file that cannot be written any more: what is not in it is not claimed.
func TestRecordThatCannotWrite(t *testing.T) {
	for _, c := range []struct {
		name    string
		records int // before the writing fails
		word    string
	}{
		{"at once", 10, "nothing was saved"},
		{"later", 5000, "what was written before that, "},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			path, _, _ := h.mboFile("session.dbn", 6000)
			h.replay(path, "--ring", "feed", "--capacity", "1MiB")
			file, err := createFile(h.file("out.dbn"), false)
			check(h, err)
			cfg := followConfig{dir: h.dir, ring: "feed", untilClosed: true, idle: idleFlags{idle: newWord("auto"), cpu: noCPU}}
			r := &recording{follow: newFollower(t.Context(), cfg), tally: newTally(""), file: file}
			check(h, r.follow.join(t.Context()))
			defer r.follow.leave()
			check(h, r.open())
			for range c.records {
				msg, st := r.follow.sub.Next()
				if st != ring.Message {
					t.Fatal(st)
				}
				if r.out == nil {
					check(h, r.begin(msg))
				}
				check(h, r.out.Write(msg))
				r.tally.add(r.follow.sub.Type(), msg)
			}
			// As on a full disk: every write from now on fails.
			readOnly, err := os.Open(file.temp.Name())
			check(h, err)
			file.temp.Close()
			file.temp = readOnly

			kept, err := r.finish(r.read(t.Context()))
			file.discard()
			var unsaved *unsavedError
			if !errors.As(err, &unsaved) || !strings.Contains(err.Error(), c.word) {
				t.Fatalf("%q, %v", kept, err)
			}
			if unsaved.bytes == 0 {
				h.wantFiles("session.dbn")
				return
			}
			if info, err := os.Stat(kept); err != nil || info.Size() != unsaved.bytes || kept != h.file("out.dbn.partial") {
				t.Errorf("%s has %v bytes, not %d: %v", kept, info, unsaved.bytes, err)
			}
			h.wantFiles("out.dbn.partial", "session.dbn")
		})
	}
}
