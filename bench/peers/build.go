package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// A builder builds programs in a directory, at low priority.
type builder struct {
	root string // bench/peers
	say  func(format string, args ...any)
}

// peers builds each one and returns why those that could not be built are skipped.
func (b builder) peers(ctx context.Context, peers []peer) map[string]string {
	skipped := map[string]string{}
	for _, p := range peers {
		if ctx.Err() != nil {
			skipped[p.name] = "interrupted before it was built"
			continue
		}
		b.say("build %s", p.name)
		if why := b.peer(ctx, p); why != "" {
			skipped[p.name] = why
			b.say("skip %s: %s", p.name, why)
		}
	}
	return skipped
}

func (b builder) peer(ctx context.Context, p peer) (why string) {
	for _, n := range p.needs {
		if err := exec.CommandContext(ctx, n.command[0], n.command[1:]...).Run(); err != nil {
			return "needs " + n.what
		}
	}
	if log, err := b.command(ctx, p.dir, p.build); err != nil {
		return "build failed: " + gist(log, err)
	}
	return ""
}

// tickring builds the parent module's command and returns its path.
func (b builder) tickring(ctx context.Context) (string, error) {
	bin := filepath.Join(b.root, "bin", "tickring")
	b.say("build tickring")
	log, err := b.command(ctx, "../..", []string{"go", "build", "-o", bin, "./cmd/tickring"})
	if err != nil {
		return "", fmt.Errorf("build tickring: %s", gist(log, err))
	}
	return bin, nil
}

func (b builder) command(ctx context.Context, dir string, command []string) (log []byte, err error) {
	cmd := exec.CommandContext(ctx, "nice", append([]string{"-n", "10"}, command...)...)
	cmd.Dir = filepath.Join(b.root, dir)
	return cmd.CombinedOutput()
}

// gist is the line of a failed command's output that says why: the first that calls itself an
// error and is more than a heading, else the last.
func gist(log []byte, err error) string {
	var last string
	for line := range bytes.Lines(log) {
		l := strings.TrimSpace(string(line))
		if l == "" {
			continue
		}
		last = l
		if (strings.HasPrefix(l, "[ERROR]") || strings.HasPrefix(l, "error")) && !strings.HasSuffix(l, ":") {
			break
		}
	}
	if last == "" {
		last = err.Error()
	}
	const most = 300
	if len(last) > most {
		last = last[:most] + " ..."
	}
	return last
}
