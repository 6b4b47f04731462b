package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/mmap"
)

// A benchmark's other process is this program once more. The two talk in lines of JSON:
// the parent says what to do next, the child answers when it has done it. What is
// measured goes through shared memory alone.

// job is the first line that a child gets.
type job struct {
	Role   string
	CPU    int
	Params json.RawMessage
}

// answer is a line from a child.
type answer struct {
	Error string `json:",omitempty"`
	Value any    `json:",omitempty"`
}

// Child is the other process of a benchmark: it does what the process that started it
// says, through in and out, and returns when that is done. If its parent goes away, it
// ends this process, because it may be spinning at that moment.
func Child(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt, syscall.SIGHUP) // which are for the parent, who lets us end in order
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	c := &child{lines: make(chan []byte), enc: json.NewEncoder(out)}
	go c.listen(in)
	var j job
	if !c.next(&j) {
		return errors.New("bench: nobody told this process what to do; it is started by 'tickring bench'")
	}
	c.params = j.Params
	role := roleOf(j.Role)
	if role == nil {
		return c.fail(fmt.Errorf("bench: unknown role %q", j.Role))
	}
	if err := affinity.On(j.CPU, func() error { return mmap.Guard(func() error { return role(c) }) }); err != nil {
		return c.fail(err)
	}
	return nil
}

// roleOf names what a child can be.
func roleOf(name string) func(*child) error {
	switch name {
	case "echo":
		return echo
	case "mirror":
		return mirrored
	case "far":
		return farRole
	case "waiter":
		return waiter
	case "waker":
		return wakerRole
	case "sink":
		return sink
	case "listen":
		return listen
	case "crowd":
		return beCrowd
	case "strategist":
		return strategist
	case "looker":
		return looker
	}
	return nil
}

type child struct {
	params json.RawMessage
	lines  chan []byte
	enc    *json.Encoder
}

// listen reads on while the role spins, so that the end of in is noticed.
func (c *child) listen(in io.Reader) {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			close(c.lines)
			// A role that waits for a command ends by itself; one that spins does not.
			os.Exit(1)
		}
		c.lines <- line
	}
}

// next waits for the next command. It is false if there are no more.
func (c *child) next(command any) bool {
	line, ok := <-c.lines
	return ok && json.Unmarshal(line, command) == nil
}

func (c *child) reply(value any) error { return c.enc.Encode(answer{Value: value}) }

func (c *child) fail(err error) error {
	return errors.Join(err, c.enc.Encode(answer{Error: err.Error()}))
}

// other is a child as its parent sees it.
type other struct {
	role   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	enc    *json.Encoder
	stderr strings.Builder
	end    sync.Once
	// What it answers; closed when there is no more to come. gone is true before that: it
	// tells those who spin until the process does something.
	answers chan json.RawMessage
	gone    atomic.Bool
	closed  chan struct{}
}

// start starts the other process in a role, pinned to a CPU, and returns when its role has
// said that it is ready for a first command. It gets files as exec.Cmd.ExtraFiles.
func (s *Session) start(role string, cpu int, params any, files ...*os.File) (*other, error) {
	p, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	o := &other{role: role, cmd: exec.Command(s.setup.Command[0], s.setup.Command[1:]...)}
	o.answers, o.closed = make(chan json.RawMessage), make(chan struct{})
	o.cmd.Stderr, o.cmd.ExtraFiles = &o.stderr, files
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := o.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrChild, role, err)
	}
	o.enc = json.NewEncoder(o.in)
	go o.listen(out)
	if err = o.send(job{Role: role, CPU: cpu, Params: p}); err == nil {
		err = o.receive(nil)
	}
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// listen reads on while nobody waits for an answer, so that the process's end is noticed.
func (o *other) listen(out io.Reader) {
	defer close(o.answers)
	defer o.gone.Store(true)
	for dec := json.NewDecoder(out); ; {
		var line json.RawMessage
		if dec.Decode(&line) != nil {
			return
		}
		var a answer
		if json.Unmarshal(line, &a) == nil && a.Error != "" {
			o.gone.Store(true) // it does nothing more; who spins for it does not receive
		}
		select {
		case o.answers <- line:
		case <-o.closed:
			return
		}
	}
}

func (o *other) send(command any) error {
	if o.enc.Encode(command) != nil {
		return o.ended()
	}
	return nil
}

// receive waits for an answer; value may be nil.
func (o *other) receive(value any) error {
	line, ok := <-o.answers
	if !ok {
		return o.ended()
	}
	a := answer{Value: value}
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrChild, o.role, err)
	}
	if a.Error != "" {
		return fmt.Errorf("%w: %s: %s", ErrChild, o.role, a.Error)
	}
	return nil
}

// ended is the error of a process that has ended before it was told to.
func (o *other) ended() error {
	o.close()
	if said := strings.TrimSpace(o.stderr.String()); said != "" {
		return fmt.Errorf("%w: %s: %s", ErrChild, o.role, said)
	}
	return fmt.Errorf("%w: %s: it ended in the middle of the run (%v)", ErrChild, o.role, o.cmd.ProcessState)
}

// close ends the process, whatever it does.
func (o *other) close() {
	o.end.Do(func() {
		close(o.closed)
		o.in.Close()
		_ = o.cmd.Process.Kill() // it has nothing to put in order
		_ = o.cmd.Wait()
	})
}
