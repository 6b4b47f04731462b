package main

import "syscall"

// childAttributes: a process group of its own, so that a signal from the terminal
// reaches this process alone, which ends the others in order; and death with the
// thread that starts it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
