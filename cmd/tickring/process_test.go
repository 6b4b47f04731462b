package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tickring/tickring/ring"
)

// The tests run the program as its users do: as processes. The test binary is the
// program if this is in its environment.
const asProgram = "TICKRING_TEST_AS_PROGRAM"

// roles are what the test binary can be besides the program: TICKRING_TEST_ROLE names one.
var roles = map[string]func(args []string) error{}

func TestMain(m *testing.M) {
	if role := os.Getenv("TICKRING_TEST_ROLE"); role != "" {
		if err := roles[role](os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(asProgram) != "" {
		main()
		panic("main returned")
	}
	os.Exit(m.Run())
}

// host is a directory of rings and the processes on it.
type host struct {
	*testing.T
	dir string
	tmp string // TMPDIR of the processes

	mu  sync.Mutex
	all []*process
}

func newHost(t *testing.T) *host {
	t.Helper()
	t.Parallel()
	return &host{T: t, dir: shmDir(t), tmp: t.TempDir()}
}

// process is a running tickring.
type process struct {
	host           *host
	args           []string
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	told           chan string // lines of stderr as they come
	done           chan struct{}
	err            error
}

// patience is how long anything may take on a machine that is busy with other
// things. It makes a failing test end; no passing test waits for it.
const patience = 2 * time.Minute

// start starts tickring. It is killed at the end of the test if it still runs.
func (h *host) start(args ...string) *process {
	h.Helper()
	return h.startWith(nil, nil, args...)
}

// startTo is start with another stdout.
func (h *host) startTo(stdout *os.File, args ...string) *process {
	h.Helper()
	return h.startWith(nil, stdout, args...)
}

// startFrom is start with something on a pipe to stdin.
func (h *host) startFrom(stdin []byte, args ...string) *process {
	h.Helper()
	return h.startWith(bytes.NewReader(stdin), nil, args...)
}

func (h *host) startWith(stdin io.Reader, stdout *os.File, args ...string) *process {
	h.Helper()
	program, err := os.Executable()
	if err != nil {
		h.Fatal(err)
	}
	p := &process{host: h, args: args, cmd: exec.Command(program, args...), told: make(chan string, 1000), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1", "TICKRING_DIR="+h.dir, "TMPDIR="+h.tmp, "TICKRING_CPUS="+filepath.Join(h.tmp, "cpus"),
		"GORACE=atexit_sleep_ms=0") // or each process takes a second to end under -race
	p.cmd.Stdin = stdin
	p.cmd.Stdout = &p.stdout
	if stdout != nil {
		p.cmd.Stdout = stdout
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		h.Fatal(err)
	}
	h.mu.Lock()
	h.all = append(h.all, p)
	h.mu.Unlock()
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(io.TeeReader(stderr, &p.stderr))
		for lines.Scan() {
			select {
			case p.told <- lines.Text():
			default:
			}
		}
		close(p.told)
		p.err = p.cmd.Wait()
	}()
	h.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// await returns when stderr has a line with that text.
func (p *process) await(text string) {
	p.host.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.told:
			if !ok {
				p.host.Fatalf("tickring %s: ended and never told %q:\n%s", strings.Join(p.args, " "), text, p.stderr.String())
			}
			if strings.Contains(line, text) {
				return
			}
		case <-timeout:
			p.host.Fatalf("tickring %s: does not tell %q\nstderr:\n%s", strings.Join(p.args, " "), text, p.dump())
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.host.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.host.Fatal(err)
	}
}

// end waits for the end and returns the exit code, -1 if it was a signal.
func (p *process) end() int {
	p.host.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.host.Fatalf("tickring %s: does not end\nstderr:\n%s", strings.Join(p.args, " "), p.dump())
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		p.host.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// dump ends a process that does not do what it should, and returns what it has said, and
// last of all what its goroutines were doing.
func (p *process) dump() string {
	p.cmd.Process.Signal(syscall.SIGCONT)
	p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
	return p.stderr.String()
}

// situation is what there is when something that is waited for does not come: the rings,
// and what those processes were doing that had not ended. They have then.
func (h *host) situation() string {
	var b strings.Builder
	for _, name := range h.rings() {
		info, err := ring.Stat(h.dir, name)
		fmt.Fprintf(&b, "ring %s: %+v, %v\n", name, info, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.all {
		select {
		case <-p.done:
		default:
			fmt.Fprintf(&b, "tickring %s:\n%s\n", strings.Join(p.args, " "), p.dump())
		}
	}
	return b.String()
}

// want demands an exit code.
func (p *process) want(code int) *process {
	p.host.Helper()
	if got := p.end(); got != code {
		p.host.Fatalf("tickring %s: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s",
			strings.Join(p.args, " "), got, code, p.stdout.String(), p.stderr.String())
	}
	return p
}

// json decodes the last line of stdout.
func (p *process) json(v any) {
	p.host.Helper()
	lines := strings.Split(strings.TrimSuffix(p.stdout.String(), "\n"), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), v); err != nil {
		p.host.Fatalf("tickring %s: last line of stdout: %v\n%s", strings.Join(p.args, " "), err, p.stdout.String())
	}
}

// sentence demands that stderr is one line, and that it has all of these words.
func (p *process) sentence(words ...string) {
	p.host.Helper()
	text := p.stderr.String()
	if strings.Count(text, "\n") != 1 {
		p.host.Errorf("tickring %s: not one sentence:\n%s", strings.Join(p.args, " "), text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.host.Errorf("tickring %s: no %q in: %s", strings.Join(p.args, " "), w, text)
		}
	}
	if strings.Contains(text, "panic") || strings.Contains(text, "goroutine") {
		p.host.Errorf("tickring %s: it panics:\n%s", strings.Join(p.args, " "), text)
	}
}

func (h *host) run(args ...string) *process {
	h.Helper()
	p := h.start(args...)
	p.end()
	return p
}

// replay replays a file, which has to succeed.
func (h *host) replay(args ...string) replayReport {
	h.Helper()
	var r replayReport
	h.run(append([]string{"replay", "--json"}, args...)...).want(exitOK).json(&r)
	return r
}

func (p *process) subReport() subReport {
	p.host.Helper()
	var r subReport
	p.json(&r)
	return r
}

// file returns the path of a file of the test, which need not be there.
func (h *host) file(name string) string { return filepath.Join(h.tmp, name) }

func (h *host) write(name string, data []byte) string {
	h.Helper()
	path := h.file(name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		h.Fatal(err)
	}
	return path
}

func (h *host) read(path string) []byte {
	h.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		h.Fatal(err)
	}
	return data
}

// stat waits until the ring's state is as wanted.
func (h *host) stat(name string, wanted func(ring.Info) bool) ring.Info {
	h.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if info, err := ring.Stat(h.dir, name); err == nil && wanted(info) {
			return info
		}
	}
	h.Fatalf("ring %q never came to the state that was waited for\n%s", name, h.situation())
	return ring.Info{}
}

// rings lists what is in the directory of rings, temporary things too.
func (h *host) rings() []string {
	h.Helper()
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		h.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// realData returns the path of a real market-data file, or skips the test.
func realData(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("TICKRING_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no real market data: %v; TICKRING_TESTDATA names its directory", err)
	}
	return path
}

// until waits for something that comes true.
func (h *host) until(true func() bool) {
	h.Helper()
	for end := time.Now().Add(patience); !true(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.Fatalf("it never came true\n%s", h.situation())
		}
	}
}

// alive says whether there is a process that has not ended.
func alive(pid int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(state, "Z")
}
