package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		h.Skipf("no pseudo terminals here: %v", err)
	}
	h.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		h.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		h.Skipf("no pseudo terminals here: %v", err)
	}
	defer slave.Close()
	program, err := os.Executable()
	if err != nil {
		h.Fatal(err)
	}
	t := &terminal{host: h, master: master, cmd: exec.Command(program, args...)}
	t.cmd.Env = append(os.Environ(), append([]string{asProgram + "=1", "TICKRING_DIR=" + h.dir, "TERM=xterm-256color", "CI="}, env...)...)
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr = slave, slave, slave
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	if err := t.cmd.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { t.cmd.Process.Kill() })
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
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
