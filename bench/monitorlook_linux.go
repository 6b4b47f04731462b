package bench

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tickring/tickring/internal/pty"
)

// monitors are processes that look.
type monitors struct {
	cmds  []*exec.Cmd
	files []*os.File
	drawn atomic.Uint64 // bytes
}

// startTop starts a program in a terminal.
func (m *monitors) startTop(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	terminal, err := pty.Start(cmd)
	if err != nil {
		return err
	}
	m.files = append(m.files, terminal)
	m.cmds = append(m.cmds, cmd)
	go drain(terminal, &m.drawn)
	return nil
}

// startServe starts a program that prints its address.
func (m *monitors) startServe(args []string) (url string, err error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	m.cmds = append(m.cmds, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("it has printed no address: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSpace(line), "/"), nil
}

// end ends all of them, and returns the CPU time they took.
func (m *monitors) end() (used time.Duration) {
	for _, cmd := range m.cmds {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	for _, f := range m.files {
		f.Close()
	}
	m.cmds, m.files = nil, nil
	return used
}
