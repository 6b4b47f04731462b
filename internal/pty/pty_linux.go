package pty

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Start starts a program whose input, output and controlling terminal is a new one of 80
// columns and 24 lines. What the program draws is read from it, and keys are written to it;
// reads fail when nobody has the terminal open any more. The program dies with the thread
// that has started it.
func Start(cmd *exec.Cmd) (terminal *os.File, err error) {
	terminal, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	defer func() {
		if err != nil {
			terminal.Close()
		}
	}()
	other, err := otherEnd(int(terminal.Fd()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	defer other.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = other, other, other
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
	return terminal, cmd.Start()
}

// otherEnd opens the end that is for the program.
func otherEnd(fd int) (*os.File, error) {
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		return nil, err
	}
	return os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
}
