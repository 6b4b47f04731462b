// Command tickring carries market data between the processes of one host through
// shared memory: it replays files into rings, reads rings, and looks at them.
//
//	tickring demo
//	tickring replay FILE --ring NAME
//	tickring sub NAME
//
// Every command explains itself with --help. Errors are one sentence on stderr;
// the exit code is 1 for a failure and 2 for wrong usage; doctor ends with 3 if it has
// found something.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A closed pipe is to be an error of the write that meets it, so that what has
	// to be cleaned up is, and not the end of the process.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
	exitFound = 3 // doctor: something is bad
)

// run is the whole program: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(context.Background())
	var usage *usageError
	var file *fs.PathError // which no command line is to blame for
	var found *foundError
	switch {
	case err == nil:
		return exitOK
	case !a.ran && !errors.As(err, &file), errors.As(err, &usage):
		fmt.Fprintf(stderr, "%s: %v; see '%s --help'\n", cmd.CommandPath(), err, cmd.CommandPath())
		return exitUsage
	case errors.Is(err, syscall.EPIPE):
		return exitError // who reads our output has gone, and knows it
	case errors.As(err, &found):
		fmt.Fprintf(stderr, "%s: %v\n", cmd.CommandPath(), err)
		return exitFound
	}
	fmt.Fprintf(stderr, "%s: %v\n", cmd.CommandPath(), err)
	return exitError
}

// app is what all commands have in common.
type app struct {
	stdout, stderr io.Writer
	dir            string // of rings; empty: ring.DefaultDir
	owner          ownerFlag
	ran            bool // a command has begun: the command line was in order
}

// usageError is an error of the command line that shows only when the command
// looks at it.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}
