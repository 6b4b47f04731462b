package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// group is processes of this program that belong together: none outlives it.
type group struct {
	program string
	stderr  io.Writer
	alive   map[*child]bool
	ended   chan *child // each child once; then reap it
}

func newGroup(stderr io.Writer) (*group, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start it again: %w", err)
	}
	return &group{program: program, stderr: stderr, alive: map[*child]bool{}, ended: make(chan *child)}, nil
}

// child is one of the processes.
type child struct {
	name string // of its command
	cmd  *exec.Cmd
	out  bytes.Buffer // its stdout; to be read after its end
	err  error        // how it ended

	stopped bool // it was asked to end
}

// start starts a command of this program. It has to be called on a thread that lasts
// as long as the group.
func (g *group) start(name string, args ...string) (*child, error) {
	c := &child{name: name, cmd: exec.Command(g.program, append([]string{name}, args...)...)}
	c.cmd.Stdout = &c.out
	c.cmd.Stderr = g.stderr
	c.cmd.SysProcAttr = childAttributes()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", g.program, err)
	}
	g.alive[c] = true
	go func() {
		c.err = c.cmd.Wait()
		g.ended <- c
	}()
	return c, nil
}

func (g *group) running() int { return len(g.alive) }

// reap takes note that a child came through ended.
func (g *group) reap(c *child) { delete(g.alive, c) }

// names are the commands that still run.
func (g *group) names() string {
	var all []string
	for c := range g.alive {
		all = append(all, "'tickring "+c.name+"'")
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// kill ends all that are left, and waits for it.
func (g *group) kill() {
	for c := range g.alive {
		_ = c.cmd.Process.Kill() // or it has ended by itself
	}
	for len(g.alive) > 0 {
		g.reap(<-g.ended)
	}
}

func (c *child) stop() {
	c.stopped = true
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // or it has ended by itself
}

// lastLine is the JSON object that ends a child's output, nil if there is none.
func (c *child) lastLine() []byte {
	out := bytes.TrimSpace(c.out.Bytes())
	line := out[bytes.LastIndexByte(out, '\n')+1:]
	if !json.Valid(line) {
		return nil
	}
	return line
}

// reported says whether the child came to count messages.
func (c *child) reported() bool {
	var r struct {
		Messages uint64 `json:"messages"`
	}
	return json.Unmarshal(c.lastLine(), &r) == nil && r.Messages > 0
}

// result decodes what the child reported.
func (c *child) result(into any) error {
	line := c.lastLine()
	if line == nil {
		return fmt.Errorf("the process of 'tickring %s' ended without a result", c.name)
	}
	return json.Unmarshal(line, into)
}

// failure says how the child failed. It has told the reason itself, on stderr,
// unless it was killed.
func (c *child) failure() error {
	var exit *exec.ExitError
	if errors.As(c.err, &exit) && exit.Exited() {
		return fmt.Errorf("the process of 'tickring %s' failed, for the reason above", c.name)
	}
	return fmt.Errorf("the process of 'tickring %s' ended: %w", c.name, c.err)
}
