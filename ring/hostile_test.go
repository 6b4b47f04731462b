//go:build linux

package ring

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A hostile process of another user of the group does all that the system lets it do, at
// full speed, while a feed publishes to a gate, to a subscriber and to the hostile one,
// which is a gate with a deadline itself.

func init() {
	roles["hostile.feed"] = hostileFeed
	roles["hostile.read"] = hostileReader
	roles["hostile.attack"] = hostileAttack
	roles["hostile.open"] = hostileOpen
}

// hostileHold is how long the hostile gate may hold the feed.
const hostileHold = 20 * time.Millisecond

// hostileFeed is a publisher that does what it is told on stdin, and says what came of it:
// args are user and dir.
func hostileFeed(args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	cfg := smallest(args[1])
	cfg.Group, cfg.Stamps, cfg.Heartbeat = true, StampNone, 10*time.Millisecond
	cfg.Gates = []Gate{{Name: "good", Owner: strategyUser}, {Name: "bad", Owner: otherUser, Hold: hostileHold}}
	var letGo []string
	var early bool // somebody was let go who was a good gate, or before his time
	cfg.OnDemote = func(l GateLag) {
		letGo = append(letGo, l.Name)
		early = early || l.State == GateDemoted && (l.Name != "bad" || l.Held < hostileHold)
	}
	var p *Publisher
	var err error
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		word := strings.Fields(in.Text())
		switch word[0] {
		case "create":
			for _, name := range word[1:] {
				cfg.Gates = append(cfg.Gates, Gate{Name: name, Owner: strategyUser})
			}
			p, err = Create("r", cfg)
		case "flood": // so many messages, and their gates have to let it
			n, _ := strconv.Atoi(word[1])
			buf := make([]byte, p.MaxMessage())
			for err = nil; n > 0 && err == nil; n-- {
				for err = ErrBackPressure; err == ErrBackPressure; {
					if err = publishOne(&p.publisher, buf); err != nil {
						yield()
					}
				}
			}
			if err == nil && early {
				err = fmt.Errorf("let go: %v", letGo)
			}
		case "gate":
			err = p.AddGate(Gate{Name: word[1], Owner: strategyUser})
			if err == nil && len(word) > 2 {
				err = p.RemoveGate(word[1])
			}
		case "give": // a gate to a user, who may hold the feed while he lives
			uid, _ := strconv.Atoi(word[2])
			err = p.AddGate(Gate{Name: word[1], Owner: uint32(uid), DropDead: true})
		case "fill": // until a gate refuses; it says which gates are there then
			for err = nil; err == nil; {
				err = p.Publish(0, nil)
			}
			if err == ErrBackPressure {
				err = nil
				for _, g := range p.Gates() {
					if g.State == GateHolding {
						fmt.Print(g.Name, " ")
					}
				}
			}
		case "again": // what was demoted becomes a gate again
			err = p.AddGate(Gate{Name: "bad", Owner: otherUser, Hold: hostileHold})
		case "maps": // the files of gates that it has mapped
			maps, _ := os.ReadFile("/proc/self/maps")
			for line := range strings.Lines(string(maps)) {
				if _, name, ok := strings.Cut(strings.TrimSpace(line), "/subs/"); ok {
					fmt.Print(name, " ")
				}
			}
		case "life":
			var i Info
			i, err = Stat(args[1], "r")
			fmt.Print(i.Publisher, " waker=", i.Waker, " ")
			for _, s := range i.Subscribers {
				fmt.Print(s.Name, "=", s.Active, " ")
			}
		case "look":
			var i Info
			if i, err = Stat(args[1], "r"); err == nil && i.Err != nil {
				err = i.Err
			}
			for _, s := range i.Subscribers {
				if strings.HasPrefix(s.Name, "good") && s.Err != nil {
					err = s.Err
				}
			}
			if list, lerr := List(args[1]); lerr != nil || len(list) != 1 {
				err = fmt.Errorf("List says %v, %v", list, lerr)
			}
		case "close":
			err = p.Close()
		case "remove":
			err = Remove(args[1], "r")
		}
		if err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
	return nil
}

// hostileReader reads to the end: args are user, dir, name. It says what it got.
func hostileReader(args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	s, err := Open("r", Options{Dir: args[1], Name: args[2], Owner: feedUser, From: FromCursor})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	o := newOracle(s.MaxMessage())
	o.next = max(s.next, s.want)
	for {
		st, err := o.step(&s.subscriber)
		if err != nil {
			return err
		}
		switch st {
		case Empty:
			yield()
		case Closed:
			fmt.Println(o.delivered, o.lost)
			return s.Close()
		case Message, Gap:
		default:
			return fmt.Errorf("%v", st)
		}
	}
}

// hostileOpen says what Open says: args are user, dir, name.
func hostileOpen(args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	s, err := Open("r", Options{Dir: args[1], Name: args[2], Owner: feedUser})
	if err != nil {
		fmt.Println(err)
		return nil
	}
	fmt.Println("ok")
	return s.Close()
}

// hostileAttack does harm until it is killed: args are user, dir, seed and the kinds of
// harm. It says "at it" after the first round, and what it should not have been able to.
func hostileAttack(args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	ps, err := pathsOf(args[1], "r")
	if err != nil {
		return err
	}
	seed, _ := strconv.ParseUint(args[2], 10, 64)
	var round atomic.Int32
	for i, kind := range args[3:] {
		a := &attacker{paths: ps, Rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		attack := attacks[kind]
		go func() {
			for n := 0; ; n++ {
				if attack(a); n == 10 {
					round.Add(1)
				}
			}
		}()
	}
	for int(round.Load()) < len(args)-3 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("at it")
	select {}
}

type attacker struct {
	paths
	*rand.Rand
	own   *os.File // the file of its gate
	kept  []int    // descriptors with locks
	count int
}

// could tells of something that should not be possible.
func could(what string, err error) {
	if err == nil {
		fmt.Println("it could", what)
	}
}

// file is the hostile gate's own.
func (a *attacker) file() *os.File {
	for a.own == nil {
		a.own, _ = os.OpenFile(a.sub("bad"), os.O_RDWR, 0)
	}
	return a.own
}

func (a *attacker) word() uint64 {
	switch a.IntN(6) {
	case 0:
		return a.Uint64N(8*minCapacity) &^ (lineSize - 1)
	case 1:
		return a.Uint64N(8 * minCapacity)
	case 2:
		return 1<<64 - 1 - a.Uint64N(1<<10)
	case 3:
		return a.Uint64N(1 << 12)
	}
	return a.Uint64()
}

var attacks = map[string]func(a *attacker){
	// Cursors ahead, behind, beyond, between lines, while the feed reads them.
	"cursors": func(a *attacker) {
		var b [16]byte
		*(*uint64)(unsafe.Pointer(&b[0])) = a.word()
		*(*uint64)(unsafe.Pointer(&b[8])) = a.word()
		off := int64(unsafe.Offsetof(subFile{}.cursorSeq))
		a.file().WriteAt(b[a.IntN(2)*8:], off+int64(a.IntN(2)*8))
		a.file().WriteAt(b[:1+a.IntN(15)], off+int64(a.IntN(8)))
	},
	"rubbish": func(a *attacker) {
		b := make([]byte, 1+a.IntN(subFileSize))
		for i := range b {
			b[i] = byte(a.Uint32())
		}
		a.file().WriteAt(b, int64(a.IntN(subFileSize)))
	},
	"truncate": func(a *attacker) {
		a.file().Truncate(0)
		a.file().Truncate(int64(a.IntN(2 * subFileSize)))
		a.file().Truncate(1 << 40)
		a.file().Truncate(int64(subFileSize))
	},
	// Holes, in a file that is large: who touches a missing page waits for the whole of it.
	"holes": func(a *attacker) {
		const large = 2 << 20
		unix.Fallocate(int(a.file().Fd()), 0, 0, large)
		unix.Fallocate(int(a.file().Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, large)
		a.file().Truncate(int64(subFileSize))
	},
	// Locks of every kind on all that it can open.
	"locks": func(a *attacker) {
		if len(a.kept) > 100 {
			for _, fd := range a.kept {
				unix.Close(fd)
			}
			a.kept = nil
		}
		all := []string{a.base, a.dir, a.ring(), a.lock(), a.subs()}
		names, _ := os.ReadDir(a.subs())
		for _, n := range names {
			all = append(all, a.sub(n.Name()))
		}
		for _, path := range all {
			for _, flags := range []int{unix.O_RDONLY, unix.O_RDWR} {
				fd, err := unix.Open(path, flags|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
				if err != nil {
					continue
				}
				kind := int16(unix.F_RDLCK)
				if flags == unix.O_RDWR {
					kind = unix.F_WRLCK
				}
				l := unix.Flock_t{Type: kind}
				unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &l)
				unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
				unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, int(kind))
				a.kept = append(a.kept, fd)
			}
		}
	},
	// What belongs to others.
	"others": func(a *attacker) {
		for _, path := range []string{a.ring(), a.lock(), a.sub("good"), a.sub("lossy")} {
			for what, err := range map[string]error{
				"write": func() error {
					f, err := os.OpenFile(path, os.O_RDWR, 0)
					f.Close()
					return err
				}(),
				"truncate": os.Truncate(path, 0),
				"remove":   os.Remove(path),
				"rename":   os.Rename(path, path+"x"),
				"replace":  os.Rename(a.sub("bad"), path),
				"chmod":    os.Chmod(path, 0o666),
			} {
				could(what+" "+path, err)
			}
		}
		for _, path := range []string{a.lock(), a.sub("good")} {
			f, err := os.Open(path)
			f.Close()
			could("open "+path, err)
		}
		could("make a ring's file", os.WriteFile(a.ring()+"2", nil, 0o600))
		could("make a ring", os.Mkdir(a.dir+"2", 0o700))
		could("remove the gate's own file", os.Remove(a.sub("bad")))
	},
	// Thousands of files with names of all kinds.
	"junk": func(a *attacker) {
		if a.count++; a.count > 1000 {
			return
		}
		name := strconv.FormatUint(a.Uint64(), 36)
		a.plant(a.IntN(6), a.sub(name))
		a.plant(a.IntN(6), a.sub("."+name))
		a.plant(a.IntN(6), a.sub(fmt.Sprintf(".good.tmp-%016x", a.Uint64())))
	},
	// Names of gates and of subscribers that are yet to come, and of those that are there.
	"plant": func(a *attacker) {
		for _, name := range []string{"bad", "good", "lossy", "gate0", "gate1", "gate2", "gate3", "late", "planted"} {
			path := a.sub(name)
			if name != "late" && a.IntN(2) == 0 {
				os.RemoveAll(path)
				os.Rename(path, a.sub("moved"+name))
			}
			a.plant(a.IntN(7), path)
		}
	},
}

// plant puts something at path, if nothing is there.
func (a *attacker) plant(what int, path string) {
	switch what {
	case 0:
		os.Symlink(a.ring(), path)
	case 1:
		os.Symlink("/dev/zero", path)
	case 2:
		unix.Mkfifo(path, 0o666)
	case 3:
		os.Mkdir(path, 0o777)
	case 4:
		os.MkdirAll(filepath.Join(path, "full"), 0o700)
	case 5: // a good file, that everybody may write
		b := make([]byte, subFileSize)
		if f, err := os.Open(a.ring()); err == nil {
			var h header
			f.ReadAt(unsafe.Slice((*byte)(unsafe.Pointer(&h)), unsafe.Sizeof(h)), 0)
			f.Close()
			s := (*subFile)(unsafe.Pointer(&b[0]))
			*s = subFile{magic: subMagic, version: layoutVersion, ringID: h.ringID,
				histLow: histLow, histHigh: histHigh, histDigits: histDigits, histLen: histLen, cursorSeq: 1, cursorFile: h.fileID}
			copy(s.name[:], filepath.Base(path))
			s.checksum = s.sum()
		}
		if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666); err == nil {
			f.Write(b)
			f.Chmod(0o666)
			f.Close()
		}
	case 6: // its gate's own file under another name
		os.Link(a.sub("bad"), path)
	}
}

// tradingDir is a directory of rings of the feed's, for the group.
func tradingDir(t *testing.T) string {
	if os.Getuid() != 0 {
		t.Skip("needs root to be several users")
	}
	dir := shmDir(t)
	base := filepath.Join(dir, "trading")
	if err := errors.Join(os.Chmod(dir, 0o711), os.Mkdir(base, 0o700), os.Chown(base, feedUser, tradingGroup), os.Chmod(base, 0o750|os.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	return base
}

// TestHostileNeighbour: whatever another user of the group does, the feed publishes on
// and starts again, a gate loses nothing, a subscriber knows what it lost.
func TestHostileNeighbour(t *testing.T) {
	all := []string{"cursors", "rubbish", "truncate", "holes", "locks", "others", "junk", "plant"}
	kinds := [][]string{all}
	for _, kind := range all {
		kinds = append(kinds, []string{kind})
	}
	base := seed(t)
	for _, kinds := range kinds {
		t.Run(strings.Join(kinds, "+"), func(t *testing.T) { hostileSession(t, base, kinds) })
	}
}

func hostileSession(t *testing.T, seed uint64, kinds []string) {
	dir := tradingDir(t)
	user := func(uid int, role string, args ...string) *child {
		return start(t, role, append([]string{strconv.Itoa(uid), dir}, args...)...)
	}
	feed := user(feedUser, "hostile.feed")
	tell := func(line, want string) {
		t.Helper()
		feed.say(line)
		got := make(chan string, 1)
		go func() {
			l, err := feed.out.ReadString('\n')
			got <- fmt.Sprint(strings.TrimSpace(l), " ", err)
		}()
		select {
		case got := <-got:
			if !strings.HasPrefix(got, want) {
				t.Fatalf("%s: %s; want %s", line, got, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s: the feed is held", line) // a gate has died, or worse
		}
	}
	tell("create", "ok")
	good, lossy := user(strategyUser, "hostile.read", "good"), user(strategyUser, "hostile.read", "lossy")
	good.line()
	lossy.line()
	bad := user(otherUser, "hostile.attack", append([]string{fmt.Sprint(seed)}, kinds...)...)
	if got := bad.line(); got != "at it" {
		t.Fatal(got)
	}
	// Six laps; the hostile gate is let go at its deadline, and made a gate again.
	const perRound = 2000
	published := 0
	for round := range 3 {
		tell(fmt.Sprint("flood ", perRound), "ok")
		published += perRound
		tell(fmt.Sprint("gate gate", round, " and out"), "ok")
		tell("again", "ok")
		tell("look", "ok")
	}
	tell("close", "ok")
	for what, c := range map[string]*child{"gate": good, "subscriber": lossy} {
		var delivered, lost int
		fmt.Sscan(c.line(), &delivered, &lost)
		if delivered+lost != published || what == "gate" && lost != 0 {
			t.Errorf("the %s: delivered %d + lost %d of %d", what, delivered, lost, published)
		}
		c.wait()
	}

	// The next publisher, with a gate the name of which was taken, while it goes on.
	tell("create gate3", "ok")
	good = user(strategyUser, "hostile.read", "good")
	late := user(strategyUser, "hostile.read", "gate3")
	good.line()
	late.line()
	tell(fmt.Sprint("flood ", perRound), "ok")
	tell("look", "ok")
	// Of a name that is no gate's, the strategy is told who has it, or gets it.
	open := user(strategyUser, "hostile.open", "planted")
	if got := open.line(); got != "ok" && !strings.Contains(got, filepath.Join("subs", "planted")) {
		t.Errorf("Open of a name that was taken: %s", got)
	}
	tell("close", "ok")
	for _, c := range []*child{good, late} {
		if got, want := c.line(), fmt.Sprint(perRound, " 0"); got != want {
			t.Errorf("a gate of the next publisher: %s, want %s", got, want)
		}
		c.wait()
	}
	bad.cmd.Process.Signal(unix.SIGKILL)
	for line, err := bad.out.ReadString('\n'); err == nil; line, err = bad.out.ReadString('\n') {
		t.Error(strings.TrimSpace(line))
	}
	bad.kill()

	// What is in the way of Remove is said, and is in the way of nothing else.
	feed.say("remove")
	if got := feed.line(); got != "ok" && !strings.Contains(got, filepath.Join("r", "subs")) {
		t.Errorf("Remove: %s", got)
	}
	tell("create", "ok")
	tell("flood 10", "ok")
	tell("close", "ok")
	var st unix.Stat_t
	for _, path := range []string{dir, filepath.Join(dir, "r"), filepath.Join(dir, "r", "ring")} {
		if err := unix.Lstat(path, &st); err != nil || st.Uid != feedUser {
			t.Errorf("%s belongs to %d (%v)", path, st.Uid, err)
		}
	}
}
