package bench

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/internal/tick"
)

// ends are both ends of a way, in this process.
func ends(t *testing.T, w way) (near, far *user) {
	t.Helper()
	if w.threads != nil {
		n, f := w.threads()
		return newUser(n), newUser(f)
	}
	dir := t.TempDir()
	n, fds, err := w.open(dir)
	if err != nil {
		t.Skipf("%s is not to be had here: %v", w.name, err)
	}
	t.Cleanup(n.close)
	f, err := w.join(dir, fds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	return newUser(n), newUser(f)
}

// A reader finds out what is not the message that is due.
func TestWayNoticesWhatIsWrong(t *testing.T) {
	for _, w := range osWays() {
		t.Run(w.name, func(t *testing.T) {
			near, far := ends(t, w)
			for i := range 5 {
				m := *near.next()
				switch i {
				case 1:
					m[55]++ // not whole
				case 3:
					near.next() // one is missing from here on
				}
				if err := near.send(&m); err != nil {
					t.Fatal(err)
				}
			}
			r, err := far.read(5)
			if err != nil || r.Delivered != 5 || r.Wrong != 2 {
				t.Errorf("%+v, %v; want 5 messages, 2 of them wrong", r, err)
			}
		})
	}
}

// More than any buffer holds, with a reader that begins late: the writer waits, nothing is
// lost. It goes both ways at once.
func TestWayLosesNothing(t *testing.T) {
	const n = 4_000
	for _, w := range osWays() {
		t.Run(w.name, func(t *testing.T) {
			near, far := ends(t, w)
			done := make(chan error, 2)
			go func() { done <- near.write(n) }()
			go func() { done <- far.write(n) }()
			for _, u := range []*user{far, near} {
				r, err := u.read(n)
				if err != nil || r.Delivered != n || r.Wrong != 0 {
					t.Errorf("%+v, %v", r, err)
				}
			}
			for range 2 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// The death of the other side ends who waits for it, for a message and for room.
func TestWayHangUp(t *testing.T) {
	for _, w := range osWays() {
		if w.threads != nil {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			for name, wait := range map[string]func(*user) error{
				"message": func(u *user) error {
					clock := tick.New()
					_, err := u.roundTrips(&clock, make([]uint64, 1<<10))
					return err
				},
				"room": func(u *user) error { return u.write(1 << 30) },
			} {
				near, far := ends(t, w)
				done := make(chan error, 1)
				go func() { done <- wait(near) }()
				far.end.close()
				near.hangUp()
				if err := <-done; err == nil {
					t.Errorf("%s: it ended well", name)
				}
			}
		})
	}
}

func TestMQReasons(t *testing.T) {
	for errno, want := range map[unix.Errno]string{
		unix.ENOSYS: "CONFIG_POSIX_MQUEUE",
		unix.EPERM:  "not allowed",
		unix.EMFILE: "queues_max",
		unix.EINVAL: "limits",
		unix.ENOMEM: "mq_open",
	} {
		err := mqReason(errno)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want something with %q", errno, err, want)
		}
	}
}

// A process that dies in the middle is an error, not a wait for ever.
func TestIPCChildDies(t *testing.T) {
	s := testSession(t, Setup{})
	dir := filepath.Join(t.TempDir(), "ipc")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	runs, err := s.openWays(dir, s.setup.Capacity, osWays())
	defer func() {
		for _, w := range runs {
			w.close()
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range runs[2:] {
		f, ok := w.far.(farProcess)
		if !ok || w.Name != "eventfd" {
			continue
		}
		_, err := s.both(w, farCommand{Way: w.Name, N: 1 << 30}, func() error {
			f.cmd.Process.Kill()
			_, err := w.near.roundTrips(&s.clock, make([]uint64, 1<<20))
			return err
		})
		if !errors.Is(err, ErrChild) {
			t.Errorf("%s: %v, want ErrChild", w.Name, err)
		}
	}
}
