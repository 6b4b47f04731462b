package top

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the frames in testdata anew")

// TestFrames compares whole screens with those in testdata, which people have looked at.
func TestFrames(t *testing.T) {
	inASCII := newUser(made(), 80, 24)
	inASCII.model.cfg.ASCII = true
	for name, frame := range map[string]string{
		"list-80x24":       newUser(made(), 80, 24).model.View(),
		"list-160x40":      newUser(made(), 160, 40).types("j", "j").model.View(),
		"flat-by-p99":      newUser(made(), 100, 30).types("t", "ssssss", "2").model.View(),
		"ring-80x24":       newUser(made(), 80, 24).types("j", "<enter>").model.View(),
		"ring-120x36":      newUser(made(), 120, 36).types("j", "<enter>").model.View(),
		"subscriber-80x24": newUser(made(), 80, 24).types("jj", "<enter>").model.View(),
		"subscriber-130x50": newUser(made(), 130, 50).types("jj", "<enter>").
			model.View(),
		"help-80x24": newUser(made(), 80, 24).types("?").model.View(),
		"once":       Frame(made(), Config{Dir: "/dev/shm/tickring-1000"}, io.Discard, 120),
		"once-ascii": Frame(made(), Config{Dir: "/dev/shm/tickring-1000", ASCII: true}, io.Discard, 120),
		"subscriber-80x24-ascii": inASCII.types("jj", "<enter>").
			model.View(),
	} {
		path := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(frame), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if frame != string(want) {
			t.Errorf("%s is\n%s\nwant\n%s", name, frame, want)
		}
	}
}
