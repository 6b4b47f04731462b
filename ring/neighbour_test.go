//go:build linux

package ring

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

// What users of one group can do to each other, one thing at a time.

func init() { roles["neighbour"] = neighbour }

// neighbour does one thing as another user, says whether it could, and waits for a line:
// args are user, dir, what, and on which file.
func neighbour(args []string) error {
	if err := become(args[0]); err != nil {
		return err
	}
	ps, err := pathsOf(args[1], "r")
	if err != nil {
		return err
	}
	path := filepath.Join(ps.dir, args[3])
	switch what := args[2]; what {
	case "read", "write", "readlock", "readlock1", "lease":
		flags := unix.O_RDONLY
		if what == "write" || what == "lease" {
			flags = unix.O_RDWR
		}
		var fd int
		if fd, err = unix.Open(path, flags|unix.O_CLOEXEC, 0); err != nil {
			break
		}
		switch what {
		case "readlock":
			err = unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK})
		case "readlock1": // all but the first byte
			err = unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK, Start: 1})
		case "lease":
			_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK)
		}
	case "link":
		err = os.Link(ps.sub("bad"), path)
	case "chmod":
		err = os.Chmod(path, 0)
	case "open":
		_, err = Open("r", Options{Dir: args[1], Name: args[3], Owner: feedUser})
	case "remove":
		err = os.RemoveAll(path)
	default: // a kind of plant
		kind, _ := strconv.Atoi(what)
		(&attacker{paths: ps}).plant(kind, path)
	}
	if err != nil {
		fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
	} else {
		fmt.Println("ok")
	}
	return awaitLine()
}

// neighbours are a feed and the others of its group, on a ring with the gates good, of
// strategyUser, and bad, of otherUser.
type neighbours struct {
	t   *testing.T
	dir string
	pub *child
}

func newNeighbours(t *testing.T) *neighbours {
	n := &neighbours{t: t, dir: tradingDir(t)}
	n.pub = start(t, "hostile.feed", strconv.Itoa(feedUser), n.dir)
	n.feed("create", "ok")
	return n
}

// feed tells the feed something and checks what it answers.
func (n *neighbours) feed(line, want string) {
	n.t.Helper()
	n.pub.say(line)
	if got := n.pub.line(); !strings.HasPrefix(got, want) {
		n.t.Errorf("%s: %s; want %s", line, got, want)
	}
}

// do has a user do something and checks what comes of it. He goes on to hold what he got
// until end.
func (n *neighbours) do(user int, what, file, want string) (end func()) {
	n.t.Helper()
	c := start(n.t, "neighbour", strconv.Itoa(user), n.dir, what, file)
	if got := c.line(); !strings.Contains(got, want) {
		n.t.Errorf("user %d: %s %s: %s; want %s", user, what, file, got, want)
	}
	return func() { c.say(""); c.wait() }
}

func (n *neighbours) sub(name string) string { return filepath.Join(n.dir, "r", "subs", name) }

// owner is whom something belongs to.
func (n *neighbours) owner(name string) uint32 {
	var st unix.Stat_t
	if err := unix.Lstat(n.sub(name), &st); err != nil {
		n.t.Errorf("%s: %v", name, err)
	}
	return st.Uid
}

func (n *neighbours) same(a, b string) bool {
	i, err := os.Lstat(n.sub(a))
	j, err2 := os.Lstat(n.sub(b))
	return err == nil && err2 == nil && os.SameFile(i, j)
}

const denied = "permission denied"

// TestGateOwner: a gate's file is for the publisher and the gate's owner, and for nobody
// else of the group, whoever the owner becomes.
func TestGateOwner(t *testing.T) {
	n := newNeighbours(t)
	only := func(name string, allowed int) {
		t.Helper()
		for _, user := range []int{feedUser, strategyUser, otherUser} {
			want := denied
			if user == feedUser || user == allowed {
				want = "ok"
			}
			n.do(user, "read", "subs/"+name, want)()
			n.do(user, "write", "subs/"+name, want)()
			if want != "ok" {
				want = mmap.ErrPermission.Error()
			}
			n.do(user, "open", name, want)()
		}
	}
	only("good", strategyUser)
	only("bad", otherUser)
	n.feed("give good "+strconv.Itoa(otherUser), "ok")
	only("good", otherUser)
	n.feed("give good "+strconv.Itoa(feedUser), "ok")
	only("good", feedUser)
	n.feed("maps", "good ok") // and nothing that another user may write
	n.feed("give new "+strconv.Itoa(strategyUser), "ok")
	only("new", strategyUser)

	// Of whom a file is that is there already: its owner's.
	n.do(strategyUser, "open", "early", "ok")()
	n.feed("give early "+strconv.Itoa(strategyUser), "ok")
	n.do(strategyUser, "open", "early", "ok")()
	if got := n.owner("early"); got != strategyUser {
		t.Errorf("a subscriber's file was replaced when it became a gate: it is user %d's", got)
	}
	// The next publisher gives each the same.
	n.feed("close", "ok")
	n.feed("create", "ok")
	only("good", strategyUser) // as it says
	only("new", strategyUser)  // as it was
	n.do(strategyUser, "open", "early", "ok")()
}

// TestPlantedNames: something of another user has a name already. Who wants the name for
// a subscriber is told so; for a gate it makes room.
func TestPlantedNames(t *testing.T) {
	n := newNeighbours(t)
	for what, want := range map[string]error{
		"0": mmap.ErrSymlink, "1": mmap.ErrSymlink, "2": mmap.ErrNotRegular, "3": mmap.ErrNotRegular,
		"4": mmap.ErrNotRegular, "5": mmap.ErrPermission, "link": mmap.ErrPermission,
	} {
		for _, name := range []string{"at-run", "at-start"} {
			name += "-" + what
			n.do(otherUser, what, "subs/"+name, "ok")()
			// A strategy, and a subscriber of the feed's own.
			n.do(strategyUser, "open", name, want.Error())()
			n.do(feedUser, "open", name, want.Error())()
		}
		n.feed("gate at-run-"+what, "ok")
		if got := n.owner("at-run-" + what); got != feedUser {
			t.Errorf("%s: the gate's file belongs to user %d", what, got)
		}
		if n.same("at-run-"+what, "bad") {
			t.Error("the gate has the file of another gate")
		}
		n.do(otherUser, "write", "subs/at-run-"+what, denied)()
		n.do(strategyUser, "open", "at-run-"+what, "ok")()
	}
	n.feed("look", "ok")
	n.feed("close", "ok")
	n.feed("create at-start-0 at-start-1 at-start-2 at-start-3 at-start-4 at-start-5 at-start-link", "ok")
	for _, what := range []string{"0", "1", "2", "3", "4", "5", "link"} {
		if got := n.owner("at-start-" + what); got != feedUser {
			t.Errorf("%s: the gate's file belongs to user %d", what, got)
		}
		n.do(otherUser, "write", "subs/at-start-"+what, denied)()
		n.do(strategyUser, "open", "at-start-"+what, "ok")()
	}
	// An owner who spoils his own file does not keep the next publisher from starting.
	for what, want := range map[string]string{"chmod": "ok", "lease": "ok", "3": "ok"} {
		name := "own-" + what
		n.do(otherUser, "open", name, "ok")()
		n.feed("give "+name+" "+strconv.Itoa(otherUser), "ok")
		n.feed("close", "ok")
		if what == "3" {
			n.do(otherUser, "remove", "subs/"+name, "ok")()
		}
		end := n.do(otherUser, what, "subs/"+name, want)
		n.feed("create", "ok")
		end()
		n.do(otherUser, "open", name, "ok")()
	}
	n.feed("close", "ok")
	// A directory that is not empty stays, and says so; nothing is in the way of a start.
	n.feed("remove", "ring: remove \"r\": "+filepath.Join(n.dir, "r", "subs")) // what is in the way
	n.feed("create", "ok")
	n.feed("close", "ok")
}

// TestPlantedHeir: a name that becomes a gate's has what was the file of another gate. That
// one has a file anew, so nothing but its access list tells what this one was.
func TestPlantedHeir(t *testing.T) {
	n := newNeighbours(t)
	n.do(otherUser, "link", "subs/heir", "ok")()
	was, err := os.Stat(n.sub("heir"))
	if err != nil {
		t.Fatal(err)
	}
	n.do(feedUser, "remove", "subs/bad", "ok")()
	n.feed("gate heir", "ok")
	n.do(otherUser, "write", "subs/heir", denied)()
	if is, err := os.Stat(n.sub("heir")); err != nil || os.SameFile(is, was) {
		t.Errorf("the gate has the file that was another's: %v", err)
	}
	n.do(strategyUser, "open", "heir", "ok")()
	n.feed("close", "ok")
}

// TestForeignLocks: who may only read a file can put a read lock on it. That deceives
// nobody.
func TestForeignLocks(t *testing.T) {
	n := newNeighbours(t)
	n.do(strategyUser, "open", "lossy", "ok")()
	n.do(strategyUser, "open", "early", "ok")()
	n.feed("give early "+strconv.Itoa(strategyUser), "ok")
	for _, user := range []int{strategyUser, otherUser} {
		n.do(user, "read", "lock", denied)()
	}
	ends := []func(){
		n.do(otherUser, "readlock", "subs/lossy", "ok"),
		n.do(otherUser, "readlock", "subs/early", "ok"),
		n.do(otherUser, "readlock", "subs/good", denied),
		n.do(otherUser, "readlock1", "ring", "ok"),
	}
	// Nobody has them open, or wakes.
	n.feed("life", "live waker=false bad=false early=false good=false lossy=false ok")
	n.do(strategyUser, "open", "lossy", "keeps it locked")()
	// A gate that may hold the feed only while it lives does not live.
	n.feed("fill", "good bad ok")

	// Nor does the lock of a reader make a dead publisher live, or keep another from it.
	n.feed("close", "ok")
	n.feed("create", "ok")
	n.pub.kill()
	ends = append(ends, n.do(otherUser, "readlock", "ring", "ok"))
	n.pub = start(t, "hostile.feed", strconv.Itoa(feedUser), n.dir)
	eventually(t, "it is dead", func() bool {
		n.pub.say("life")
		return strings.HasPrefix(n.pub.line(), "dead ")
	})
	n.feed("create", "ok")
	n.feed("life", "live ")
	for _, end := range ends {
		end()
	}
}
