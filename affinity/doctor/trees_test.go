package doctor

import (
	"encoding/binary"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// readTree reads a machine from testdata. After lines that begin with #, each file has a
// line "== path" and its content; dev/cpu_dma_latency, which is binary, is a decimal
// number there, or "-" if only root may read it.
func readTree(t testing.TB, name string) tree {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name + ".tree")
	if err != nil {
		t.Fatal(err)
	}
	f := tree{MapFS: fstest.MapFS{}, denied: map[string]bool{}, read: map[string]bool{}}
	_, files, _ := strings.Cut(string(content), "\n== ")
	for part := range strings.SplitSeq(files, "\n== ") {
		path, text, _ := strings.Cut(part, "\n")
		f.MapFS[path] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	if latency, ok := f.MapFS[dmaLatencyFile]; ok {
		n, err := strconv.ParseInt(strings.TrimSpace(string(latency.Data)), 10, 32)
		f.denied[dmaLatencyFile] = err != nil
		latency.Data = binary.NativeEndian.AppendUint32(nil, uint32(n))
	}
	return f
}

// tree is a file system that forbids some of its files, and notes which are read.
type tree struct {
	fstest.MapFS
	denied map[string]bool
	read   map[string]bool
}

func (t tree) Open(name string) (fs.File, error) {
	if t.denied[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	if f, ok := t.MapFS[name]; ok && f.Data != nil {
		t.read[name] = true
	}
	return t.MapFS.Open(name)
}

// ReadFile and Stat keep fs.ReadFile and fs.Stat from asking the map itself.
func (t tree) ReadFile(name string) ([]byte, error) {
	return fs.ReadFile(struct{ fs.FS }{t}, name)
}

func (t tree) Stat(name string) (fs.FileInfo, error) { return t.MapFS.Stat(name) }
