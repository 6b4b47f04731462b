package affinity

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// holdCPUs reserves as it is told, says what it got, and stays.
func holdCPUs() {
	var n int
	fmt.Sscan(os.Getenv("N"), &n)
	top, err := ReadFS(os.DirFS(os.Getenv("MACHINE")), Limits{})
	if err != nil {
		panic(err)
	}
	bufio.NewReader(os.Stdin).ReadString('\n')
	list, err := top.reserve(os.Getenv("CPUS"), n, Policy{})
	for _, r := range list {
		fmt.Print(r.CPU(), " ")
	}
	fmt.Println(strings.ReplaceAll(fmt.Sprint(err), "\n", " "))
	time.Sleep(time.Hour)
}

// pinSelf pins by policy, among processes, and stays.
func pinSelf() {
	p, err := PinBy(Policy{SMT: true, AnyL3: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	mask, _ := host{}.mask()
	fmt.Println(p.CPU(), mask, p.Check())
	bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Println(p.Release())
	time.Sleep(time.Hour)
}

func TestReserve(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cpus")
	if list, err := Reserved(dir); err != nil || len(list) != 0 {
		t.Errorf("no directory: %v, %v", list, err)
	}
	r, err := Reserve(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("the directory is %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(dir + "/cpu0"); err != nil || st.Mode() != 0o666 {
		t.Errorf("the file is %v, %v", st.Mode(), err)
	}
	_, err = Reserve(dir, 0)
	if me := fmt.Sprint("process ", os.Getpid(), " ("); !errors.Is(err, ErrReserved) || !strings.Contains(err.Error(), me) {
		t.Errorf("again: %v", err)
	}
	list, err := Reserved(dir)
	if err != nil || len(list) != 1 || list[0].CPU != 0 || list[0].PID != os.Getpid() || list[0].Name != filepath.Base(os.Args[0]) {
		t.Errorf("reserved: %+v, %v", list, err)
	}
	for range 2 {
		if err := r.Release(); err != nil {
			t.Error(err)
		}
	}
	if list, err := Reserved(dir); err != nil || len(list) != 0 {
		t.Errorf("released: %v, %v", list, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	for _, cpu := range []int{-1, MaxCPUs, MaxCPUs - 1} {
		if _, err := Reserve(dir, cpu); !errors.Is(err, ErrNoSuchCPU) {
			t.Errorf("CPU %d: %v", cpu, err)
		}
	}
}

// Others may put anything into the directory.
func TestReserveAmongStrangers(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	os.Symlink("/dev/null", at("cpu0"))
	unix.Mkfifo(at("cpu1"), 0o666)
	os.Mkdir(at("cpu2"), 0o777)
	for cpu := range 3 {
		if r, err := reserve(dir, cpu); err == nil || !strings.Contains(err.Error(), at(lockName(cpu))) {
			t.Errorf("CPU %d: %v, %v", cpu, r, err)
		}
		if _, err := Reserved(dir); err == nil {
			t.Errorf("a list with CPU %d", cpu)
		}
		os.RemoveAll(at(lockName(cpu)))
	}
	if _, err := Reserve(dir+"/nowhere/cpus", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no parent: %v", err)
	}
	os.WriteFile(at("file"), nil, 0o600)
	if _, err := Reserve(at("file"), 0); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file for a directory: %v", err)
	}
	for _, name := range []string{"cpu", "cpux", "cpu-1", "cpu007", "cpu99999999999999999999", "notcpu1"} {
		os.WriteFile(at(name), nil, 0o600)
	}
	os.WriteFile(at("cpu1"), []byte(strings.Repeat("9", 5000)), 0o666)
	r, err := reserve(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	os.WriteFile(at("cpu1"), []byte("77 \x1b[2J"+strings.Repeat("x", 1000)+"\n"), 0o666)
	list, err := Reserved(dir)
	if err != nil || len(list) != 1 || strings.Contains(list[0].Name, "\x1b") || len(list[0].Name) > mostName {
		t.Errorf("%+v, %v", list, err)
	}
	// A file that was deleted is not mistaken for its successor.
	os.Remove(at("cpu1"))
	second, err := reserve(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
}

func TestParseHolder(t *testing.T) {
	for text, want := range map[string]Holder{
		"12 sub\n":             {3, 12, "sub"},
		"12 a b\nold name\n":   {3, 12, "a b"},
		"12\n":                 {3, 12, ""},
		"":                     {CPU: 3},
		"12 half a li":         {CPU: 3},
		"-5 sub\n":             {CPU: 3},
		"0 sub\n":              {CPU: 3},
		"99999999999999 sub\n": {CPU: 3},
		"x\n":                  {CPU: 3},
		"12 \xff\x00é\n":       {3, 12, "\uFFFD?é"},
	} {
		if got := parseHolder(3, text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	for h, want := range map[Holder]string{{1, 0, ""}: "another process", {1, 7, ""}: "process 7", {1, 7, "a"}: "process 7 (a)"} {
		if h.String() != want {
			t.Errorf("%+v is %q", h, h)
		}
	}
}

// Processes that reserve at the same time get different CPUs, and those of one that is
// killed are free.
func TestReserveAmongProcesses(t *testing.T) {
	machine, dir := plain(9).write(t), filepath.Join(t.TempDir(), "cpus")
	const processes, each = 5, 2 // CPU 0 is picked too, and the fifth finds too few
	type child struct {
		kill  func()
		pid   int
		lines *bufio.Scanner
	}
	var children []child
	var gates []*os.File
	for range processes {
		in, gate, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd, lines := startWith(t, in, "hold", "MACHINE="+machine, "CPUS="+dir, fmt.Sprint("N=", each))
		in.Close()
		gates = append(gates, gate)
		children = append(children, child{func() { cmd.Process.Kill(); cmd.Wait() }, cmd.Process.Pid, lines})
	}
	for _, g := range gates {
		g.WriteString("\n")
	}
	owner, refused := map[int]int{}, 0
	for i, c := range children {
		if !c.lines.Scan() {
			t.Fatal("a process said nothing")
		}
		var a, b int
		if n, _ := fmt.Sscan(c.lines.Text(), &a, &b); n != each {
			refused++
			if !strings.Contains(c.lines.Text(), ErrTooFewCPUs.Error()) || !strings.Contains(c.lines.Text(), "reserved: CPU ") {
				t.Errorf("refused: %s", c.lines.Text())
			}
			continue
		}
		for _, cpu := range []int{a, b} {
			if other, taken := owner[cpu]; taken || cpu < 0 || cpu > 8 {
				t.Errorf("CPU %d was given to %d and %d", cpu, other, i)
			}
			owner[cpu] = i
		}
	}
	if refused != 1 || len(owner) != 8 {
		t.Errorf("%d were refused, and %d CPUs given", refused, len(owner))
	}

	list, err := Reserved(dir)
	if err != nil || len(list) != 8 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, h := range list {
		if h.PID != children[owner[h.CPU]].pid {
			t.Errorf("%+v, but %d has it", h, children[owner[h.CPU]].pid)
		}
	}
	victim := owner[list[0].CPU]
	children[victim].kill()
	for cpu, i := range owner {
		r, err := reserve(dir, cpu)
		if i == victim && err != nil || i != victim && !errors.Is(err, ErrReserved) {
			t.Errorf("CPU %d, of process %d, after the death of %d: %v", cpu, i, victim, err)
		}
		if err == nil {
			r.Release()
		}
	}
}

func TestPinByAmongProcesses(t *testing.T) {
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "cpus")
	var all Set
	var gates []*os.File
	var answers []*bufio.Scanner
	for i := range allowed.Len() + 1 {
		in, gate, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { gate.Close() })
		_, lines := startWith(t, in, "pin", "TICKRING_CPUS="+dir)
		gates, answers = append(gates, gate), append(answers, lines)
		in.Close()
		lines.Scan()
		var cpu int
		var mask, check string
		_, err = fmt.Sscan(lines.Text(), &cpu, &mask, &check)
		switch {
		case i == allowed.Len():
			if !strings.Contains(lines.Text(), ErrTooFewCPUs.Error()) {
				t.Errorf("one too many: %s", lines.Text())
			}
		case err != nil || mask != fmt.Sprint(cpu) || check != "<nil>" || all.Has(cpu):
			t.Errorf("process %d: %s; taken are %v", i, lines.Text(), all)
		default:
			all.Add(cpu)
		}
	}
	gates[0].WriteString("\n")
	if !answers[0].Scan() || answers[0].Text() != "<nil>" {
		t.Errorf("release: %s", answers[0].Text())
	}
	if list, err := Reserved(dir); err != nil || len(list) != allowed.Len()-1 {
		t.Errorf("after a release: %v, %v", list, err)
	}
}
