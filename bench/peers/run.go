package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// sweep removes the files that a program has left, if it was killed: they are named after its
// process, peers-NAME-PID with or without more.
func sweep(pid int) {
	for _, dir := range []string{"/dev/shm", os.TempDir()} {
		for _, more := range []string{"", `[\-.]*`} {
			left, _ := filepath.Glob(filepath.Join(dir, fmt.Sprintf("peers-*-%d%s", pid, more))) // the pattern is good
			for _, path := range left {
				os.RemoveAll(path)
			}
		}
	}
}

// run runs one program and returns what it wrote. When the time is up or ctx ends, the program
// and all that it started are killed.
func run(ctx context.Context, limit time.Duration, dir string, env []string, command []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var out, log bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &out, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second // for a pipe that a stray keeps open
	err := cmd.Run()
	if cmd.Process != nil {
		// Whatever a program has left behind would disturb the next one.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		sweep(cmd.Process.Pid)
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("not done after %v, killed: %s", limit, gist(log.Bytes(), errors.New("it said nothing")))
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return nil, fmt.Errorf("%w: %s", err, gist(log.Bytes(), errors.New("it said nothing")))
	}
	return out.Bytes(), nil
}
