package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/pty"
)

// terminal is one that a process runs in, and that answers nothing.
type terminal struct {
	*host
	master *os.File
	cmd    *exec.Cmd

	mu  sync.Mutex
	got bytes.Buffer
}

// inTerminal starts tickring in a terminal of 80x24.
func (h *host) inTerminal(env []string, args ...string) *terminal {
	h.Helper()
	program, err := os.Executable()
	if err != nil {
		h.Fatal(err)
	}
	t := &terminal{host: h, cmd: exec.Command(program, args...)}
	t.cmd.Env = append(os.Environ(), append([]string{asProgram + "=1", "TICKRING_DIR=" + h.dir, "TERM=xterm-256color", "CI="}, env...)...)
	switch t.master, err = pty.Start(t.cmd); {
	case errors.Is(err, pty.ErrNone):
		h.Skip(err)
	case err != nil:
		h.Fatal(err)
	}
	h.Cleanup(func() { t.master.Close() })
	h.Cleanup(func() { t.cmd.Process.Kill() })
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := t.master.Read(b)
			t.mu.Lock()
			t.got.Write(b[:n])
			t.mu.Unlock()
			if err != nil {
				return // nobody has the terminal open any more
			}
		}
	}()
	return t
}

// text is all that was written so far.
func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.got.String()
}

// await waits for words on the terminal.
func (t *terminal) await(words string) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(t.text(), words); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the terminal never showed %q, but\n%q", words, t.text())
		}
	}
}

// types presses keys.
func (t *terminal) types(keys string) {
	t.Helper()
	if _, err := t.master.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// TestTerminalIsNotAsked: a program with bubbletea in it asks the terminal for its colours
// when it starts, whatever it is to do, and waits for the answer.
func TestTerminalIsNotAsked(t *testing.T) {
	h := newHost(t)
	term := h.inTerminal(nil, "version")
	if err := term.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	term.await("\n")
	if s := term.text(); strings.Contains(s, "\x1b") || !strings.HasPrefix(s, "tickring ") {
		t.Errorf("the terminal got %q", s)
	}
}

// TestTopInATerminal: top draws, follows keys and a new size, and leaves the terminal as it was.
func TestTopInATerminal(t *testing.T) {
	h := newHost(t)
	path, _, _ := h.mboFile("session.dbn", 100)
	h.replay(path, "--ring", "feed")
	term := h.inTerminal([]string{"NO_COLOR="}, "top", "--every", "50ms")
	before, err := unix.IoctlGetTermios(int(term.master.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	term.await("closed by its publisher")
	term.types("?")
	term.await("p99 of each of the last seconds")
	term.types("x")
	if err := unix.IoctlSetWinsize(int(term.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 9, Col: 40}); err != nil {
		t.Fatal(err)
	}
	term.await("40 x 9")
	term.types("q")
	if err := term.cmd.Wait(); err != nil {
		t.Error(err)
	}
	term.await("\x1b[?1049l") // the screen of before
	after, err := unix.IoctlGetTermios(int(term.master.Fd()), unix.TCGETS)
	if err != nil || after.Lflag != before.Lflag || after.Iflag != before.Iflag || after.Oflag != before.Oflag {
		t.Errorf("the terminal was %+v, and is %+v: %v", before, after, err)
	}
	if s := term.text(); !strings.Contains(s, "\x1b[1m") || strings.Contains(s, "\x1b]11") || strings.Contains(s, "\x1b[6n") {
		t.Errorf("no colours, or the terminal was asked: %q", s)
	}
}

// TestTopInAPlainTerminal: NO_COLOR has no colours, a locale without UTF-8 has ASCII only, on
// a dumb terminal nothing is drawn. A signal ends top in order.
func TestTopInAPlainTerminal(t *testing.T) {
	h := newHost(t)
	for _, utf8 := range []bool{true, false} {
		env, signal := []string{"NO_COLOR=1", "LC_ALL=", "LC_CTYPE=en_US.UTF-8", "LANG=C"}, syscall.SIGTERM
		if !utf8 {
			env, signal = []string{"NO_COLOR=1", "LC_ALL=C", "LANG=en_US.UTF-8"}, syscall.SIGHUP
		}
		term := h.inTerminal(env, "top")
		term.await("There are no rings in")
		term.types("/x\r")
		term.await("Nothing has")
		term.types("\x1b")
		term.types("?")
		term.await("any key")
		if err := term.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := term.cmd.Wait(); err != nil {
			t.Errorf("%q: %v", env, err)
		}
		term.await("\x1b[?1049l")
		s := term.text()
		if regexp.MustCompile("\x1b\\[[0-9;]*[1-9][0-9;]*m").MatchString(s) {
			t.Errorf("%q: colours in %q", env, s)
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) != utf8 {
			t.Errorf("%q: characters that are not ASCII: %t, in %q", env, !utf8, s)
		}
	}
	dumb := h.inTerminal([]string{"TERM=dumb"}, "top")
	if err := dumb.cmd.Wait(); err == nil {
		t.Error("top draws on a dumb terminal")
	}
	dumb.await("--once")
	if s := dumb.text(); strings.Contains(s, "\x1b") {
		t.Errorf("a dumb terminal got %q", s)
	}
}
