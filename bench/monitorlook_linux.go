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

	"golang.org/x/sys/unix"
)

// monitors are processes that look.
type monitors struct {
	cmds  []*exec.Cmd
	files []*os.File
	drawn atomic.Uint64 // bytes
}

// startTop starts a program in a terminal.
func (m *monitors) startTop(args []string) error {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("no pseudo terminal: %w", err)
	}
	m.files = append(m.files, master)
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		return fmt.Errorf("no pseudo terminal: %w", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("no pseudo terminal: %w", err)
	}
	defer slave.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	m.cmds = append(m.cmds, cmd)
	go drain(master, &m.drawn)
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
