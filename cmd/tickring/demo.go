package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/affinity"
	"github.com/tickring/tickring/feed/replay"
	"github.com/tickring/tickring/feed/synth"
)

const (
	demoRing       = "demo"
	demoStrategies = 2
	demoRate       = 200_000 // messages a second, which one core holds with ease
	demoLasts      = 6       // seconds, about
	demoMessages   = demoRate * demoLasts * 7 / 8
)

// The bounds of ring.Config.Capacity.
const (
	minCapacity = 256 << 10
	maxCapacity = 1 << 40
)

type demoOptions struct {
	path     string // empty: a synthetic session
	messages int
	seed     uint64
	capacity sizeFlag
	speed    speedFlag
	paced    bool // --speed was given
	rate     rateFlag
	noPin    bool
	json     bool
	quiet    bool
}

func (a *app) demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo [FILE]",
		Short: "Carry a session from a publisher to two strategies, and show the latencies",
		Long: fmt.Sprintf(`demo starts three processes: a publisher, which replays a market-data file into a
ring, and two strategies, which read it. It prints for each strategy what was
delivered and lost, and how long messages took from the publisher's hand to the
strategy's.

FILE is a file that 'tickring replay' reads. Without it the session is made up, and
removed afterwards.

The pace is even, so that latencies mean something: by default such that the file
takes about %d seconds, but at most %d messages a second. --rate and --speed set
another one. With --speed max the publisher runs free, messages queue up in the
ring, and the latencies are those of the queue.

The processes are pinned where there are cores for it. With three cores each has
one and spins. With two the publisher has one, and the strategies share the other
and yield it to each other, which costs them microseconds. The ring is in a
directory of its own, below --dir or TICKRING_DIR if that is given. Nothing is left
behind; what a demo leaves that is killed, the next one removes. A second signal
ends demo without waiting for its processes.`, demoLasts, demoRate),
		Example: `  tickring demo
  tickring demo es.mbo.dbn.zst
  tickring demo es.mbo.dbn.zst --rate 50000 --json`,
		Args: wantArgs("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.path = args[0]
			}
			o.paced = cmd.Flags().Changed("speed")
			if o.messages < 100 {
				return usagef("invalid --messages %d: want at least 100", o.messages)
			}
			if n := uint64(o.capacity); n != 0 && (n < minCapacity || n > maxCapacity || n&(n-1) != 0) {
				return usagef("invalid --capacity %d: want a power of two from 256KiB to 1TiB", n)
			}
			return a.demo(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.messages, "messages", demoMessages, "length of the synthetic session")
	f.Uint64Var(&o.seed, "seed", 1, "which synthetic session")
	f.Var(&o.capacity, "capacity", "size of the ring (default 64MiB, less where there is no room)")
	f.Var(&o.speed, "speed", "as fast as possible, or a factor on the file's own pace (default: an even rate)")
	f.Lookup("speed").DefValue = ""
	f.Var(&o.rate, "rate", "messages a second")
	f.BoolVar(&o.noPin, "no-pin", false, "let all processes float")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress on stderr")
	cmd.MarkFlagsMutuallyExclusive("speed", "rate")
	return cmd
}

// demoReport is the outcome for machines.
type demoReport struct {
	Publisher  demoPublisher  `json:"publisher"`
	Strategies []demoStrategy `json:"strategies"`
	Error      string         `json:"error,omitempty"`
}

type demoPublisher struct {
	CPU int `json:"cpu"` // -1: not pinned
	replayReport
}

type demoStrategy struct {
	CPU  int    `json:"cpu"`
	Idle string `json:"idle"`
	subReport
	PerSecond float64 `json:"messages_per_second"`
}

func (a *app) demo(ctx context.Context, o demoOptions) error {
	// A channel of its own, so that not even an impatient second signal ends this
	// process before it has cleaned up.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	stage, err := a.prepareDemo(ctx, &o)
	defer stage.clear()
	if err != nil {
		return err
	}
	if !o.json {
		fmt.Fprintf(a.stdout, "session     %s\npace        %s\nprocesses   %s\n", stage.title, paceText(o), stage.place.text)
	}
	report, err := runDemo(signals, a, o, stage)
	if o.json {
		if err != nil {
			report.Error = err.Error()
		}
		if werr := writeJSON(a.stdout, report); err == nil {
			err = werr
		}
		return err
	}
	if werr := a.writeDemo(report); err == nil {
		err = werr
	}
	return err
}

// demoStage is what a demonstration needs besides its options.
type demoStage struct {
	title string // of the session
	dir   string // of rings
	place placement
	undo  []func()
}

// clear removes all that was made.
func (s *demoStage) clear() {
	for _, undo := range slices.Backward(s.undo) {
		undo()
	}
}

// scratch makes a directory that clear removes, and removes those that killed
// processes have left.
func (s *demoStage) scratch(base string) (string, error) {
	sweepScratch(base)
	dir, err := newScratch(base)
	if err != nil {
		return "", err
	}
	s.undo = append(s.undo, dir.remove)
	return dir.path, nil
}

// prepareDemo makes the session and the place for the ring, and fills in what o leaves
// open. The stage is to be cleared even after an error.
func (a *app) prepareDemo(ctx context.Context, o *demoOptions) (*demoStage, error) {
	s := &demoStage{title: o.path}
	if o.path != "" {
		if err := checkReadable(ctx, o.path); err != nil {
			return s, err
		}
	}
	base, made, err := demoBase(a.dir)
	if err != nil {
		return s, err
	}
	if made {
		s.undo = append(s.undo, func() { os.Remove(base) }) // unless others use it by now
	}
	if s.dir, err = s.scratch(base); err != nil {
		return s, err
	}
	if o.path == "" {
		temp, err := s.scratch("")
		if err != nil {
			return s, err
		}
		o.path = filepath.Join(temp, "session.itch50")
		s.title = fmt.Sprintf("a synthetic session of %s ITCH messages", countText(uint64(o.messages)))
		if _, err := writeSession(ctx, o.path, synth.Config{Messages: o.messages, Seed: o.seed}, false); err != nil {
			return s, err
		}
	}
	if o.rate == 0 && !o.paced {
		o.rate = evenRate(ctx, o.path)
	}
	if o.capacity == 0 {
		o.capacity = sizeFlag(capacityFor(s.dir))
	}
	s.place = placeDemo(o.noPin)
	return s, nil
}

// demoBase is where the directory of the demonstration's rings is made: in the
// directory of rings if one was named, which is made if it is not there; else in
// memory if possible; else, "", in the system's directory for temporary files.
func demoBase(dir string) (base string, made bool, err error) {
	if dir == "" {
		dir = os.Getenv("TICKRING_DIR")
	}
	if dir != "" {
		err := os.Mkdir(dir, 0o700)
		if errors.Is(err, fs.ErrExist) {
			return dir, false, nil
		}
		return dir, err == nil, err
	}
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && unix.Access(memory, unix.W_OK) == nil {
		return memory, false, nil
	}
	return "", false, nil
}

// capacityFor is the default capacity, or less on a small /dev/shm, which containers
// often have.
func capacityFor(dir string) uint64 {
	const most, least = 64 << 20, 1 << 20
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return most
	}
	free := uint64(fs.Bavail) * uint64(fs.Bsize)
	capacity := uint64(most)
	for capacity > least && free < capacity+capacity/4 {
		capacity /= 2
	}
	return capacity
}

// checkReadable refuses a file that is none of ours before processes are started.
func checkReadable(ctx context.Context, path string) error {
	if info, err := os.Stat(path); path == stdinPath || err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return fmt.Errorf("read %s: it is not a regular file, and demo reads it more than once; write it to a file first, or use 'tickring replay'", path)
	}
	s, err := openSession(ctx, path, sessionConfig{})
	if err != nil {
		return err
	}
	s.close()
	return nil
}

// evenRate is the pace at which the file takes as long as a demonstration should.
func evenRate(ctx context.Context, path string) rateFlag {
	s, err := openSession(ctx, path, sessionConfig{})
	if err != nil {
		return demoRate // the publisher will say what is wrong
	}
	defer s.close()
	sink := &enough{}
	_, _ = replay.Run(ctx, s.messages, sink, replay.Config{}) // as above
	return rateFlag(max(1000, sink.messages/demoLasts))
}

// enough is a sink that has enough after some messages.
type enough struct{ messages int }

var errEnough = errors.New("enough")

func (e *enough) Publish(uint16, []byte) error {
	if e.messages == demoRate*demoLasts {
		return errEnough
	}
	e.messages++
	return nil
}

func paceText(o demoOptions) string {
	switch {
	case o.rate > 0:
		return fmt.Sprintf("%s messages a second", countText(uint64(o.rate)))
	case o.speed > 0:
		return fmt.Sprintf("%v times that of the session", float64(o.speed))
	}
	return "as fast as possible"
}

// placement says where the processes of a demonstration run.
type placement struct {
	publisher  int
	strategies [demoStrategies]int
	idle       string // what strategies do while there is nothing to read
	text       string
}

// placeDemo gives each process a core of its own if there are enough.
func placeDemo(noPin bool) placement {
	float := placement{publisher: noCPU, strategies: [...]int{noCPU, noCPU}, idle: "backoff"}
	if noPin {
		float.text = "not pinned; strategies sleep when there is nothing to read"
		return float
	}
	t, err := affinity.Read()
	if err != nil {
		float.text = "not pinned: " + oneLine(err)
		return float
	}
	for _, policy := range []affinity.Policy{{}, {AnyL3: true}, {SMT: true}, {SMT: true, AnyL3: true}} {
		cpus, err := t.Pick(1+demoStrategies, policy)
		if err != nil {
			continue
		}
		return placement{
			publisher: cpus[0], strategies: [...]int{cpus[1], cpus[2]}, idle: "spin",
			text: fmt.Sprintf("publisher on CPU %d, strategies on CPUs %d and %d", cpus[0], cpus[1], cpus[2]),
		}
	}
	cpus, err := t.Pick(2, affinity.Policy{SMT: true, AnyL3: true})
	if err != nil {
		float.text = "not pinned, there is one CPU only; strategies sleep when there is nothing to read"
		return float
	}
	return placement{
		publisher: cpus[0], strategies: [...]int{cpus[1], cpus[1]}, idle: "yield",
		text: fmt.Sprintf("publisher on CPU %d; both strategies on CPU %d, which they yield to each other, because there are no three cores", cpus[0], cpus[1]),
	}
}

// runDemo starts the processes and sees them through to their ends.
func runDemo(signals <-chan os.Signal, a *app, o demoOptions, stage *demoStage) (*demoReport, error) {
	dir, place := stage.dir, stage.place
	// Children are to end with the thread that started them, if this process is
	// killed: so the thread has to last.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	group, err := newGroup(a.stderr)
	if err != nil {
		return &demoReport{}, err
	}
	defer group.kill()
	var strategies [demoStrategies]*child
	for i, cpu := range place.strategies {
		strategies[i], err = group.start("sub", "--dir", dir, demoRing, "--name", fmt.Sprintf("strategy-%d", i+1),
			"--until-closed", "--json", "--quiet", "--idle", place.idle, "--cpu", strconv.Itoa(cpu))
		if err != nil {
			return &demoReport{}, err
		}
	}
	args := []string{"--dir", dir, "--ring", demoRing, "--wait", strconv.Itoa(demoStrategies), "--wait-silently", "--json",
		"--capacity", strconv.FormatUint(uint64(o.capacity), 10), "--cpu", strconv.Itoa(place.publisher)}
	if o.rate > 0 {
		args = append(args, "--rate", o.rate.String())
	} else {
		args = append(args, "--speed", o.speed.String())
	}
	if o.quiet || !isTerminal(a.stderr) {
		args = append(args, "--quiet")
	}
	publisher, err := group.start("replay", append(args, "--", o.path)...)
	if err != nil {
		return &demoReport{}, err
	}
	err = superviseDemo(signals, group, publisher)

	report := &demoReport{Publisher: demoPublisher{CPU: place.publisher}}
	if perr := publisher.result(&report.Publisher.replayReport); err == nil {
		err = perr
	}
	for i, c := range strategies {
		s := demoStrategy{CPU: place.strategies[i], Idle: place.idle}
		if serr := c.result(&s.subReport); err == nil {
			err = serr
		}
		if s.DurationNs > 0 {
			s.PerSecond = float64(s.Delivered) / (time.Duration(s.DurationNs)).Seconds()
		}
		report.Strategies = append(report.Strategies, s)
	}
	return report, err
}

// How long the processes get to end by themselves, and after a signal.
const (
	graceToDrain = 10 * time.Second
	graceToStop  = 3 * time.Second
)

// superviseDemo returns when all processes have ended. The publisher ends the ring,
// and the ring its readers; whatever goes wrong, and a signal, ends the publisher. A
// second signal ends them all at once.
func superviseDemo(signals <-chan os.Signal, group *group, publisher *child) (err error) {
	stopped := false
	var deadline <-chan time.Time
	kill := false
	for group.running() > 0 {
		select {
		case <-signals:
			if stopped {
				group.kill()
				break
			}
			stopped = true
			err = errors.New("stopped by a signal")
			publisher.stop()
			deadline = time.After(graceToStop)
		case c := <-group.ended:
			group.reap(c)
			failed := c.err != nil
			if failed && err == nil {
				err = c.failure()
			}
			switch {
			case c == publisher && failed && !c.reported():
				group.stop() // there may be no ring that could end
				deadline = time.After(graceToStop)
			case c == publisher:
				deadline = time.After(graceToDrain)
			case failed:
				group.stop()
				deadline = time.After(graceToStop)
			}
		case <-deadline:
			if kill {
				group.kill()
				break
			}
			if err == nil {
				err = errors.New("the strategies did not come to the end of the ring")
			}
			group.stop()
			kill, deadline = true, time.After(graceToStop)
		}
	}
	return err
}

func (a *app) writeDemo(r *demoReport) error {
	p := &r.Publisher
	if p.Messages == 0 {
		return nil // the error says why
	}
	w := &lines{w: a.stdout}
	w.printf("published   %s of %s in %s, %s\n", messagesText(p.Messages), p.Schema, nsText(p.DurationNs), rateText(p.Messages, time.Duration(p.DurationNs)))
	if p.Late != nil {
		w.printf("lateness    %s\n", p.Late.text())
	}
	w.printf("\n")
	table := tabwriter.NewWriter(a.stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	w.w = table
	w.printf("strategy\tdelivered\tlost")
	for _, name := range percentileNames {
		w.printf("\t%s", name)
	}
	w.printf("\tmessages/s\t\n")
	for _, s := range r.Strategies {
		w.printf("%s\t%s\t%s", s.Name, countText(s.Delivered), countText(s.Lost))
		if s.Latency == nil {
			s.Latency = &percentiles{}
		}
		for _, cell := range s.Latency.cells() {
			w.printf("\t%s", cell)
		}
		w.printf("\t%s\t\n", countText(uint64(s.PerSecond)))
	}
	if w.err != nil {
		return w.err
	}
	return table.Flush()
}
