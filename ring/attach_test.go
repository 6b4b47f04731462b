//go:build linux

package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

// Tests of what Create, Open, Stat and Remove do with whatever they may find in a
// directory of rings.

// patience is how long the tests wait for what other processes do. Nothing passes
// because it is over.
const patience = 60 * time.Second

// eventually polls until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// smallest is the smallest ring, without a heartbeat's goroutine.
func smallest(dir string) Config {
	return Config{Dir: dir, Capacity: minCapacity, Heartbeat: -1}
}

func mustCreate(t testing.TB, name string, cfg Config) *Publisher {
	t.Helper()
	p, err := Create(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func mustOpen(t testing.TB, name string, opt Options) *Subscriber {
	t.Helper()
	s, err := Open(name, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustStat(t testing.TB, dir, name string) Info {
	t.Helper()
	i, err := Stat(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func mustPublish(t testing.TB, p *Publisher, msgs ...string) {
	t.Helper()
	for _, m := range msgs {
		if err := p.Publish(uint16(p.Seq()+1), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
}

// publishCount publishes n messages that carry their number in decimal.
func publishCount(t testing.TB, p *Publisher, n uint64) {
	t.Helper()
	for range n {
		mustPublish(t, p, strconv.FormatUint(p.Seq()+1, 10))
	}
}

// expect reads one message and wants it to be number seq of publishCount.
func expect(t testing.TB, s *Subscriber, seq uint64) {
	t.Helper()
	m, st := s.Next()
	if st != Message || s.Seq() != seq || string(m) != strconv.FormatUint(seq, 10) {
		t.Fatalf("got %v %q with number %d (%v), want message %d", st, m, s.Seq(), s.Err(), seq)
	}
}

func expectStatus(t testing.TB, s *Subscriber, want Status) {
	t.Helper()
	if m, st := s.Next(); st != want {
		first, last := s.Gap()
		t.Fatalf("got %v %q with number %d, gap %d-%d (%v), want %v", st, m, s.Seq(), first, last, s.Err(), want)
	}
}

func expectGap(t testing.TB, s *Subscriber, first, last uint64) {
	t.Helper()
	expectStatus(t, s, Gap)
	if a, b := s.Gap(); a != first || b != last {
		t.Fatalf("the gap is %d-%d, want %d-%d", a, b, first, last)
	}
}

// tree lists all that is in a directory, with inode numbers, so that two of them
// are equal only if nothing was made, removed or replaced.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %o %d %d\n", rel, st.Mode, st.Ino, st.Size)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// wantError checks that err is want and names the place.
func wantError(t testing.TB, what string, err, want error, place string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want %v", what, err, want)
		return
	}
	if !strings.Contains(err.Error(), place) {
		t.Errorf("%s: the error does not name %q: %v", what, place, err)
	}
	if strings.ContainsAny(err.Error(), "\n\x00") {
		t.Errorf("%s: the error is not one plain line: %q", what, err)
	}
}

// attachReadOnly tries all that opens a ring without changing it.
func attachReadOnly(t testing.TB, dir, name string, want error, place string) {
	t.Helper()
	before := tree(t, dir)
	s, err := Open(name, Options{Dir: dir})
	if err == nil {
		s.Close()
	}
	wantError(t, "Open", err, want, place)
	s, err = Open(name, Options{Dir: dir, Name: "sub", Ephemeral: true})
	if err == nil {
		s.Close()
	}
	wantError(t, "Open named", err, want, place)
	_, err = Stat(dir, name)
	wantError(t, "Stat", err, want, place)
	if after := tree(t, dir); after != before {
		t.Errorf("opening has changed the directory:\n%swas\n%s", after, before)
	}
}

func TestBadNames(t *testing.T) {
	base := filepath.Join(shmDir(t), "rings")
	bad := []string{"", ".", "..", ".hidden", "-x", "_x", "a/b", "/", "/etc", "../x", "a\x00b", "a b", "a\nb", "é", "a*",
		strings.Repeat("a", maxName+1), strings.Repeat("b", 5000)}
	for _, name := range bad {
		if err := CheckName(name); !errors.Is(err, ErrName) {
			t.Errorf("CheckName(%.40q): %v", name, err)
		}
		_, err := Create(name, smallest(base))
		wantError(t, fmt.Sprintf("Create %.40q", name), err, ErrName, "")
		_, err = Open(name, Options{Dir: base})
		wantError(t, fmt.Sprintf("Open %.40q", name), err, ErrName, "")
		_, err = Stat(base, name)
		wantError(t, fmt.Sprintf("Stat %.40q", name), err, ErrName, "")
		wantError(t, fmt.Sprintf("Remove %.40q", name), Remove(base, name), ErrName, "")
	}
	if _, err := os.Lstat(base); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a bad name has made %s: %v", base, err)
	}
	for _, name := range []string{"a", "0", "a..b", "A-_.z", strings.Repeat("a", maxName)} {
		p := mustCreate(t, name, smallest(base))
		s := mustOpen(t, name, Options{Dir: base, Name: name})
		publishCount(t, p, 1)
		expect(t, s, 1)
		if got := mustStat(t, base, name).Subscribers; len(got) != 1 || got[0].Name != name {
			t.Errorf("%q: the subscriber of that name is %v", name, got)
		}
	}
	for _, name := range bad {
		if name != "" {
			_, err := Open("a", Options{Dir: base, Name: name})
			wantError(t, fmt.Sprintf("Open as %.40q", name), err, ErrName, "")
		}
	}
}

func TestBadOptions(t *testing.T) {
	base := filepath.Join(shmDir(t), "rings")
	for _, cfg := range []Config{
		{Capacity: 1}, {Capacity: minCapacity - 1}, {Capacity: minCapacity / 2}, {Capacity: 3 * minCapacity},
		{Capacity: 2 * maxCapacity}, {Capacity: 1 << 63}, {Capacity: 1<<64 - 1},
		{MaxMessage: -1}, {MaxMessage: MaxMessage + 1}, {MaxMessage: 1 << 40},
		{Capacity: minCapacity, MaxMessage: minBlock - headerBytes + 1},
		{Stamps: 3}, {Schema: "a\x00b"}, {Schema: strings.Repeat("s", 33)}, {Source: strings.Repeat("s", 65)},
		{Heartbeat: 1}, {Heartbeat: 24 * time.Hour},
		{Gates: []Gate{{}}}, {Gates: []Gate{{Name: "a/b"}}}, {Gates: []Gate{{Name: "a", Hold: -1}}},
		{Gates: []Gate{{Name: "a"}, {Name: "a"}}}, {Gates: make([]Gate, maxGates+1)},
	} {
		cfg.Dir = base
		_, err := Create("r", cfg)
		wantError(t, fmt.Sprintf("Create %+v", cfg), err, ErrConfig, "")
	}
	for _, opt := range []Options{{From: FromMark + 1}, {Rejoin: RejoinMark + 1}, {Ephemeral: true}} {
		opt.Dir = base
		_, err := Open("r", opt)
		wantError(t, fmt.Sprintf("Open %+v", opt), err, ErrConfig, "")
	}
	if _, err := os.Lstat(base); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("bad options have made %s: %v", base, err)
	}
}

func TestNothingThere(t *testing.T) {
	root := shmDir(t)
	base := filepath.Join(root, "rings")
	attachReadOnly(t, root, "rings", ErrNoRing, root) // rings/ring is not there
	for range 2 {                                     // no directory of rings, and then an empty one
		_, err := Open("r", Options{Dir: base})
		wantError(t, "Open", err, ErrNoRing, base)
		wantError(t, "Open", err, fs.ErrNotExist, base)
		_, err = Stat(base, "r")
		wantError(t, "Stat", err, ErrNoRing, base)
		wantError(t, "Remove", Remove(base, "r"), ErrNoRing, base)
		if list, err := List(base); len(list) != 0 || err != nil {
			t.Errorf("List: %v, %v", list, err)
		}
		if err := os.Mkdir(base, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
	}
	if got := names(t, base); got != "" {
		t.Errorf("looking for a ring has made %s", got)
	}

	// The parent of the directory of rings is not ours to make.
	deep := filepath.Join(root, "no", "rings")
	_, err := Create("r", smallest(deep))
	wantError(t, "Create", err, mmap.ErrNotExist, deep)

	// A file in the place of a directory.
	if err := os.WriteFile(filepath.Join(base, "r"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	attachReadOnly(t, base, "r", mmap.ErrUnsafeDir, filepath.Join(base, "r"))
	_, err = Create("r", smallest(base))
	wantError(t, "Create", err, mmap.ErrUnsafeDir, filepath.Join(base, "r"))
}

// TestNotAFile: what is called ring is no regular file. It is refused, without being
// opened, and stays.
func TestNotAFile(t *testing.T) {
	outside := t.TempDir()
	mustPublish(t, mustCreate(t, "good", smallest(outside)), "x")
	for _, c := range []struct {
		name string
		make func(path string) error
		want error
	}{
		{"directory", func(path string) error { return os.Mkdir(path, 0o700) }, mmap.ErrNotRegular},
		{"symlink to a good ring", func(path string) error { return os.Symlink(filepath.Join(outside, "good", "ring"), path) }, mmap.ErrSymlink},
		{"dangling symlink", func(path string) error { return os.Symlink("nowhere", path) }, mmap.ErrSymlink},
		{"FIFO", func(path string) error { return unix.Mkfifo(path, 0o600) }, mmap.ErrNotRegular},
		{"socket", func(path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}, mmap.ErrNotRegular},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shmDir(t)
			p := mustCreate(t, "r", smallest(dir))
			p.Close()
			path := filepath.Join(dir, "r", "ring")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			attachReadOnly(t, dir, "r", c.want, path)
			before := tree(t, dir)
			_, err := Create("r", smallest(dir))
			wantError(t, "Create", err, c.want, path)
			if after := tree(t, dir); after != before {
				t.Errorf("a Create that failed has changed the directory:\n%swas\n%s", after, before)
			}
		})
	}
}

// headerIn is the header in the bytes of a ring's file.
func headerIn(b []byte) *header { return (*header)(unsafe.Pointer(&b[0])) }

// closedRing makes a ring with n messages and no publisher, and returns its file.
func closedRing(t testing.TB, dir string, n uint64) (path string, content []byte) {
	t.Helper()
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, n)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "r", "ring")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, content
}

// TestBadContent: the file is regular and is no good ring. Readers say why; Create
// puts a new ring in its place.
func TestBadContent(t *testing.T) {
	lie := func(change func(h *header)) func([]byte) []byte { // with a checksum that is right
		return func(b []byte) []byte {
			h := headerIn(b)
			change(h)
			h.checksum = h.sum()
			return b
		}
	}
	capacity := func(c uint64) func([]byte) []byte { return lie(func(h *header) { h.capacity = c }) }
	block := func(c uint64) func([]byte) []byte { return lie(func(h *header) { h.block = c }) }
	largest := func(c uint32) func([]byte) []byte { return lie(func(h *header) { h.maxMessage = c }) }
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		want   error
	}{
		{"empty", func([]byte) []byte { return nil }, ErrNotRing},
		{"one byte", func(b []byte) []byte { return b[:1] }, ErrNotRing},
		{"half a header", func(b []byte) []byte { return b[:100] }, ErrNotRing},
		{"no frames", func(b []byte) []byte { return b[:dataOffset] }, ErrCorrupt},
		{"cut short by a page", func(b []byte) []byte { return b[:len(b)-4096] }, ErrCorrupt},
		{"cut short by a byte", func(b []byte) []byte { return b[:len(b)-1] }, ErrCorrupt},
		{"a byte too long", func(b []byte) []byte { return append(b, 0) }, ErrCorrupt},
		{"zeros", func(b []byte) []byte { clear(b); return b }, ErrNotRing},
		{"half written: all but the magic", func(b []byte) []byte { headerIn(b).magic = 0; return b }, ErrNotRing},
		{"text", func(b []byte) []byte { return []byte(strings.Repeat("no ring at all\n", 1000)) }, ErrNotRing},
		{"a subscriber's magic", func(b []byte) []byte { headerIn(b).magic = subMagic; return b }, ErrNotRing},
		{"version 0", lie(func(h *header) { h.version = 0 }), ErrVersion},
		{"next version", lie(func(h *header) { h.version++ }), ErrVersion},
		{"wrong checksum", func(b []byte) []byte { headerIn(b).checksum++; return b }, ErrCorrupt},
		{"one bit of the header", func(b []byte) []byte { headerIn(b).ringID ^= 1; return b }, ErrCorrupt},
		{"capacity 0", capacity(0), ErrCorrupt},
		{"capacity half", capacity(minCapacity / 2), ErrCorrupt},
		{"capacity double", capacity(minCapacity * 2), ErrCorrupt},
		{"capacity 1 TiB", capacity(maxCapacity), ErrCorrupt},
		{"capacity 2 TiB", capacity(2 * maxCapacity), ErrCorrupt},
		{"capacity 2^63", capacity(1 << 63), ErrCorrupt},
		{"capacity all ones", capacity(1<<64 - 1), ErrCorrupt},
		{"capacity wraps to 0", capacity(-dataOffset & (1<<64 - 1)), ErrCorrupt},
		{"capacity no power of two", capacity(minCapacity + 4096), ErrCorrupt},
		{"capacity 2^63 + the right one", capacity(1<<63 | minCapacity), ErrCorrupt},
		{"block 0", block(0), ErrCorrupt},
		{"block 1", block(1), ErrCorrupt},
		{"block of a line", block(lineSize), ErrCorrupt},
		{"block half", block(minBlock / 2), ErrCorrupt},
		{"block double", block(minBlock * 2), ErrCorrupt},
		{"block is the ring", block(minCapacity), ErrCorrupt},
		{"block 2^63", block(1 << 63), ErrCorrupt},
		{"block no power of two", block(minBlock + lineSize), ErrCorrupt},
		{"messages of 0", largest(0), ErrCorrupt},
		{"messages larger than a block", largest(minBlock - headerBytes + 1), ErrCorrupt},
		{"messages of 64 KiB", largest(MaxMessage + 1), ErrCorrupt},
		{"messages of 4 GiB", largest(1<<32 - 1), ErrCorrupt},
		{"stamps unknown", lie(func(h *header) { h.stamps = 3 }), ErrCorrupt},
		{"clock 0", lie(func(h *header) { h.clockKind = 0 }), ErrCorrupt},
		{"clock unknown", lie(func(h *header) { h.clockKind = 99 }), ErrCorrupt},
		{"first number 0", lie(func(h *header) { h.firstSeq = 0 }), ErrCorrupt},
		{"another boot", lie(func(h *header) { h.bootID[3]++ }), ErrStale},
		{"no boot", lie(func(h *header) { h.bootID = [16]byte{} }), ErrStale},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shmDir(t)
			path, content := closedRing(t, dir, 3)
			oldID := headerIn(content).ringID
			if err := os.WriteFile(path, c.change(content), 0o600); err != nil {
				t.Fatal(err)
			}
			attachReadOnly(t, dir, "r", c.want, path)
			if list, err := List(dir); len(list) != 1 || err != nil {
				t.Errorf("List: %v, %v", list, err)
			}

			p := mustCreate(t, "r", smallest(dir))
			if p.Seq() != 0 || p.Epoch() != 1 || p.fixed.ringID == oldID {
				t.Errorf("the new ring goes on with the broken one: number %d, epoch %d", p.Seq(), p.Epoch())
			}
			s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
			publishCount(t, p, 1)
			expect(t, s, 1)
			if got, want := names(t, filepath.Join(dir, "r")), "lock ring subs"; got != want {
				t.Errorf("the ring's directory has %s, want %s", got, want)
			}
		})
	}
}

// TestRemoveBroken: what cannot be opened can still be removed.
func TestRemoveBroken(t *testing.T) {
	for _, content := range []string{"", "no ring"} {
		dir := shmDir(t)
		path, _ := closedRing(t, dir, 1)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Remove(dir, "r"); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); got != "" {
			t.Errorf("Remove has left %s", got)
		}
	}
}

// TestBrokenState: the header is good, and what follows it contradicts itself.
func TestBrokenState(t *testing.T) {
	const n = 500 // eight blocks of the smallest ring
	for _, c := range []struct {
		name   string
		change func(b []byte)
	}{
		{"claimed no block's end", func(b []byte) { headerIn(b).claimed += lineSize }},
		{"claimed 0", func(b []byte) { headerIn(b).claimed = 0 }},
		{"the newest block's number", func(b []byte) {
			k := headerIn(b).claimed - lineSize - minBlock
			(*entry)(unsafe.Pointer(&b[tableOffset+k/minBlock*16])).seq += 5
		}},
		{"a frame longer than its block", func(b []byte) {
			k := headerIn(b).claimed - lineSize - minBlock
			*(*uint64)(unsafe.Pointer(&b[dataOffset+k])) = frameWord(minBlock, 1)
		}},
		{"a frame missing in the block before", func(b []byte) {
			k := headerIn(b).claimed - lineSize - 2*minBlock
			*(*uint64)(unsafe.Pointer(&b[dataOffset+k+10*lineSize])) = 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shmDir(t)
			path, content := closedRing(t, dir, n)
			c.change(content)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if i, err := Stat(dir, "r"); err != nil || i.Capacity != minCapacity || i.Err != nil && !errors.Is(i.Err, ErrCorrupt) {
				t.Errorf("Stat: %v; %+v", err, i)
			}
			// Create may not publish behind something that it does not understand.
			p := mustCreate(t, "r", smallest(dir))
			if p.Seq() != 0 || p.fixed.ringID == headerIn(content).ringID {
				t.Errorf("Create goes on with a corrupt ring, after number %d", p.Seq())
			}
			publishCount(t, p, 1)
			expect(t, mustOpen(t, "r", Options{Dir: dir, From: FromOldest}), 1)
		})
	}
}

func init() {
	// Under the race detector a process sleeps for a second before it ends.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	roles["attach.other"] = attachAsOther
	roles["attach.modes"] = makeWithUmask
	roles["attach.half"] = createHalf
}

const nobody = 65534

// attachAsOther becomes another user and tries the ring: args are dir. It answers
// with one line for each of Open, Stat and Create.
func attachAsOther(args []string) error {
	if os.Getuid() == 0 {
		if err := errors.Join(unix.Setgroups(nil), unix.Setresgid(nobody, nobody, nobody), unix.Setresuid(nobody, nobody, nobody)); err != nil {
			return err
		}
	}
	_, err := Open("r", Options{Dir: args[0]})
	fmt.Println(errors.Is(err, mmap.ErrPermission), err)
	_, err = Stat(args[0], "r")
	fmt.Println(errors.Is(err, mmap.ErrPermission), err)
	_, err = Create("r", smallest(args[0]))
	fmt.Println(errors.Is(err, mmap.ErrPermission) || errors.Is(err, mmap.ErrUnsafeDir), err)
	return nil
}

// TestNotAllowed: the ring is another user's, or its mode forbids it.
func TestNotAllowed(t *testing.T) {
	for _, c := range []struct {
		name             string
		base, ring, file os.FileMode
	}{
		{"the directory of rings", 0o700, 0o755, 0o644},
		{"the ring's directory", 0o755, 0o700, 0o644},
		{"the ring", 0o755, 0o755, 0o600},
		{"mode 000", 0o755, 0o755, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if os.Getuid() != 0 && c.file != 0 {
				t.Skip("only root can become another user")
			}
			dir := shmDir(t)
			path, _ := closedRing(t, dir, 1)
			if err := errors.Join(os.Chmod(path, c.file), os.Chmod(filepath.Dir(path), c.ring), os.Chmod(dir, c.base)); err != nil {
				t.Fatal(err)
			}
			p := start(t, "attach.other", dir)
			for _, call := range []string{"Open", "Stat", "Create"} {
				got := p.line()
				if !strings.HasPrefix(got, "true ") || !strings.Contains(got, dir) {
					t.Errorf("%s: %s; want that it is not allowed, and where", call, got)
				}
			}
			p.wait()
		})
	}
}

// makeWithUmask makes a ring and a subscriber: args are dir, umask, group.
func makeWithUmask(args []string) error {
	umask, err := strconv.ParseInt(args[1], 8, 32)
	if err != nil {
		return err
	}
	unix.Umask(int(umask))
	cfg := smallest(args[0])
	cfg.Group = args[2] == "group"
	cfg.Gates = []Gate{{Name: "g"}, {Name: "o", Owner: strategyUser}}
	p, err := Create("r", cfg)
	if err != nil {
		return err
	}
	defer p.Close()
	s, err := Open("r", Options{Dir: args[0], Name: "s"})
	if err != nil {
		return err
	}
	return s.Close()
}

// TestModes: files and directories have exactly the modes that they should have,
// whatever the umask.
func TestModes(t *testing.T) {
	acl := ""
	for _, group := range []string{"group", "alone"} {
		for _, umask := range []string{"000", "022", "077"} {
			base := filepath.Join(shmDir(t), "rings")
			start(t, "attach.modes", base, umask, group).wait()
			want := map[string]uint32{".": 0o700, "r": 0o700, "r/ring": 0o600, "r/lock": 0o600, "r/subs": 0o700, "r/subs/s": 0o640, "r/subs/g": 0o600, "r/subs/o": 0o660}
			if group == "group" {
				want = map[string]uint32{".": 0o2750, "r": 0o2750, "r/ring": 0o640, "r/lock": 0o600, "r/subs": 0o3770, "r/subs/s": 0o640, "r/subs/g": 0o600, "r/subs/o": 0o660}
			}
			for path, mode := range want {
				var st unix.Stat_t
				if err := unix.Lstat(filepath.Join(base, path), &st); err != nil {
					t.Error(err)
				} else if got := st.Mode & 0o7777; got != mode {
					t.Errorf("%s, umask %s: %s has mode %#o, want %#o", group, umask, path, got, mode)
				}
			}
			// That of another user's gate is what its access control list allows in all.
			b := make([]byte, 100)
			n, err := unix.Lgetxattr(filepath.Join(base, "r/subs/o"), "system.posix_acl_access", b)
			if acl == "" {
				acl = string(b[:max(n, 0)])
			}
			if err != nil || string(b[:n]) != acl || n != 4+5*8 {
				t.Errorf("%s, umask %s: the list of a gate's file is %x (%v), want %x", group, umask, b[:max(n, 0)], err, acl)
			}
		}
	}
}

func TestUnsafeDirectory(t *testing.T) {
	good := shmDir(t)
	closedRing(t, good, 1)
	link := filepath.Join(shmDir(t), "link")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	open := shmDir(t)
	closedRing(t, open, 1)
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{link, link + "/", open} {
		t.Setenv("TICKRING_DIR", dir)
		if DefaultDir() != dir {
			t.Fatalf("DefaultDir is %s", DefaultDir())
		}
		place := strings.TrimSuffix(dir, "/")
		_, err := Create("r", smallest(""))
		wantError(t, "Create", err, mmap.ErrUnsafeDir, place)
		_, err = Open("r", Options{})
		wantError(t, "Open", err, mmap.ErrUnsafeDir, place)
		_, err = Stat("", "r")
		wantError(t, "Stat", err, mmap.ErrUnsafeDir, place)
		_, err = List("")
		wantError(t, "List", err, mmap.ErrUnsafeDir, place)
		wantError(t, "Remove", Remove("", "r"), mmap.ErrUnsafeDir, place)
	}
	// Sticky, nobody can take another's ring away: good enough.
	if err := os.Chmod(open, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	publishCount(t, mustCreate(t, "r", smallest("")), 1)
	expect(t, mustOpen(t, "r", Options{From: FromOldest}), 1)
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("TICKRING_DIR", "")
	if got, want := DefaultDir(), fmt.Sprint("/dev/shm/tickring-", os.Getuid()); got != want {
		t.Errorf("DefaultDir is %s, want %s", got, want)
	}
}

// tooLarge is a ring that no filesystem here has room for.
func tooLarge(t testing.TB, dir string) Config {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	if st.Blocks == 0 || st.Bfree > maxCapacity/uint64(st.Bsize) {
		t.Skip("there is room for a ring of 1 TiB here")
	}
	return Config{Dir: dir, Capacity: maxCapacity, Heartbeat: -1}
}

// TestNoSpace: there is a good ring and no room for the one that is to replace it.
func TestNoSpace(t *testing.T) {
	dir := shmDir(t)
	cfg := tooLarge(t, dir)
	path, _ := closedRing(t, dir, 3)
	s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
	before := tree(t, dir)
	_, err := Create("r", cfg)
	wantError(t, "Create", err, mmap.ErrNoSpace, path)
	if after := tree(t, dir); after != before {
		t.Errorf("a Create that failed has changed the directory:\n%swas\n%s", after, before)
	}
	// The old one is as good as before, for readers and for a publisher.
	for seq := range uint64(3) {
		expect(t, s, seq+1)
	}
	expectStatus(t, s, Closed)
	p := mustCreate(t, "r", smallest(dir))
	publishCount(t, p, 1)
	expect(t, s, 4)
}

// TestNoSpaceAtAll: there was nothing, and there is nothing afterwards.
func TestNoSpaceAtAll(t *testing.T) {
	root := shmDir(t)
	cfg := tooLarge(t, root)
	cfg.Dir = filepath.Join(root, "rings")
	_, err := Create("r", cfg)
	wantError(t, "Create", err, mmap.ErrNoSpace, cfg.Dir)
	if got := names(t, root); got != "" {
		t.Errorf("a Create that failed has left\n%s", tree(t, root))
	}
}

// createHalf does what a publisher that is killed in the midst of Create has done.
func createHalf(args []string) error {
	f, err := mmap.Create(args[0], mmap.CreateOptions{Size: 1 << 20})
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Println("ready")
	select {}
}

// TestKilledCreator: what a killed creator left behind is gone after the next Create.
func TestKilledCreator(t *testing.T) {
	for _, ring := range []bool{false, true} {
		dir := shmDir(t)
		path, content := closedRing(t, dir, 1)
		if !ring {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			c := start(t, "attach.half", path)
			c.line()
			c.kill()
		}
		if got := len(strings.Fields(names(t, filepath.Dir(path)))); got < 4 {
			t.Fatalf("the killed creators have left nothing: %s", names(t, filepath.Dir(path)))
		}
		p := mustCreate(t, "r", smallest(dir))
		if same := p.fixed.ringID == headerIn(content).ringID; same != ring {
			t.Errorf("the ring of before was there: %t; Create goes on with it: %t", ring, same)
		}
		if got, want := names(t, filepath.Dir(path)), "lock ring subs"; got != want {
			t.Errorf("the ring's directory has %s, want %s", got, want)
		}
	}
}

// TestKilledMakers: a process can be killed while it makes any of a ring's files. None
// of them is in the way later, and none stays when the file is there.
func TestKilledMakers(t *testing.T) {
	const digits = ".tmp-0123456789abcdef"
	for _, temp := range []string{".ring" + digits, ".lock" + digits, ".subs" + digits + "/", "subs/.a" + digits} {
		dir := shmDir(t)
		closedRing(t, dir, 1)
		path := filepath.Join(dir, "r", temp)
		leave := func() {
			t.Helper()
			var err error
			if strings.HasSuffix(temp, "/") {
				err = os.Mkdir(path, 0o700)
			} else {
				err = os.WriteFile(path, nil, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		mustOpen(t, "r", Options{Dir: dir, Name: "a"}).Close()
		leave()
		mustCreate(t, "r", smallest(dir)).Close()
		mustOpen(t, "r", Options{Dir: dir, Name: "a"}).Close()
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is still there after Create and Open", temp)
			continue
		}
		leave()
		if err := Remove(dir, "r"); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); got != "" {
			t.Errorf("Remove has left %s", got)
		}
	}
}

// TestReplacedUnderASubscriber: a ring that broke while it was read is replaced, and
// who reads it learns that.
func TestReplacedUnderASubscriber(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(h *header)
	}{
		{"claimed", func(h *header) { h.claimed += lineSize }},
		{"checksum", func(h *header) { h.checksum++ }},
		{"boot", func(h *header) { h.bootID[0]++; h.checksum = h.sum() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := shmDir(t)
			path, content := closedRing(t, dir, 3)
			s := mustOpen(t, "r", Options{Dir: dir, From: FromOldest})
			c.change(headerIn(content))
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(content[:4096], 0); err != nil {
				t.Fatal(err)
			}
			p := mustCreate(t, "r", smallest(dir))
			for seq := range uint64(3) {
				expect(t, s, seq+1)
			}
			expectStatus(t, s, Superseded)
			if got := s.Publisher(); got != Replaced {
				t.Errorf("the publisher is %v, want %v", got, Replaced)
			}
			publishCount(t, p, 1)
			expect(t, mustOpen(t, "r", Options{Dir: dir, From: FromOldest}), 1)
		})
	}
}
