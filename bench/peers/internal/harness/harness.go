// Package harness is what the Go peers have in common: which core, how long, what a message
// looks like, and how round trips and streams are measured.
//
// A peer's program is started as "prog rtt" or "prog throughput". That process is the one that
// measures: it sends and waits for the echo, or it receives the stream. It runs on the first
// core of PEERS_CPUS and starts a second process for the other end, which runs on the second.
package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

// A Peer is one transport.
type Peer struct {
	Name        string
	Module      string // whose version is shown
	Processes   int
	Differences string
	Threads     bool // the peer pins its own two threads; otherwise each process is pinned whole

	RTT        func(*Trips) error  // measures; see Trips.Measure
	Throughput func(*Stream) error // receives; see Stream.Take

	// Ends are what the second process can be, by the name given to Start. Each gets the
	// argument given there.
	Ends map[string]func(arg string) error
}

// Main runs the program and never returns.
func (p Peer) Main() {
	if err := p.run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (p Peer) run(args []string) error {
	if len(args) == 2 && p.Ends[args[0]] != nil {
		if err := PinProcess(CPUs()[1]); err != nil {
			return err
		}
		return p.Ends[args[0]](args[1])
	}
	if len(args) != 1 || (args[0] != result.RTT && args[0] != result.Throughput) {
		return fmt.Errorf("usage: %s rtt|throughput", os.Args[0])
	}
	if !p.Threads {
		if err := PinProcess(CPUs()[0]); err != nil {
			return err
		}
	}
	r := result.Result{
		Peer: p.Name, Version: version(p.Module), Language: "Go", Kind: args[0],
		Processes: p.Processes, PayloadBytes: result.PayloadBytes, Differences: p.Differences,
	}
	if args[0] == result.RTT {
		var t Trips
		if err := p.RTT(&t); err != nil {
			return err
		}
		r.Trips = t.result()
	} else {
		var s Stream
		if err := p.Throughput(&s); err != nil {
			return err
		}
		r.Stream = s.result()
	}
	return print(r)
}

// Start starts this program again as the other end, on the second core. It dies with this one.
func Start(end, arg string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, end, arg)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// Pdeathsig is sent when the thread that started the process ends: this one never does.
	runtime.LockOSThread()
	return cmd.Start()
}

// TempDir makes a directory under the name by which the runner finds it if this process is killed.
func TempDir(name, in string) (string, error) {
	dir := filepath.Join(in, fmt.Sprintf("peers-%s-%d", name, os.Getpid()))
	return dir, os.Mkdir(dir, 0o700)
}

// CPUs returns the two cores: PEERS_CPUS, by default 0,1.
func CPUs() [2]int {
	a, b, ok := strings.Cut(os.Getenv("PEERS_CPUS"), ",")
	first, err1 := strconv.Atoi(a)
	second, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil {
		return [2]int{0, 1}
	}
	return [2]int{first, second}
}

// Seconds is how long is measured: PEERS_SECONDS, by default 3.
func Seconds() time.Duration {
	s, err := strconv.ParseFloat(os.Getenv("PEERS_SECONDS"), 64)
	if err != nil || s <= 0 {
		s = 3
	}
	return time.Duration(s * float64(time.Second))
}

// warmUp is how long is not measured at the start.
const warmUp = time.Second

func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return "unknown"
}
