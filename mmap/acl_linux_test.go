package mmap

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openAs tries to open a file in a process of another user, for reading and for writing.
func openAs(t *testing.T, uid, gid int, path string) (opened bool) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", path, strconv.Itoa(uid), strconv.Itoa(gid))
	cmd.Env = append(os.Environ(), roleEnv+"=open")
	out, _ := cmd.CombinedOutput() // its stdin is at its end
	if opened = strings.Contains(string(out), "ready"); !opened && !strings.Contains(string(out), ErrPermission.Error()) {
		t.Fatalf("the child says %q", out)
	}
	return opened
}

// TestGrant: exactly the owner and those users can open the file, whatever it was before
// and however often that is said.
func TestGrant(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to be several users")
	}
	const owner, friend, second, member, group = 61001, 61002, 61003, 61004, 62000
	dir := shm(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "file")
	f, err := Create(path, CreateOptions{Size: 1, Perm: 0o666})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := errors.Join(f.Commit(), os.Chown(path, owner, group)); err != nil {
		t.Fatal(err)
	}
	ro := open(t, path, ReadOnly)
	for _, granted := range [][]uint32{{friend}, {friend}, {second, friend, second}, {second}, {}, {friend}} {
		if err := ro.Grant(granted...); err != nil {
			t.Fatal(err)
		}
		for _, others := range [][]uint32{{}, {friend}, {second}, {second, friend}, {member, second, friend}} {
			want := len(granted) == 0 || len(others) > 0 && slices.Equal(slices.Compact(slices.Sorted(slices.Values(granted))), slices.Sorted(slices.Values(others)))
			if only, err := ro.GrantedOnly(others...); err != nil || only != want {
				t.Errorf("granted to %v: only to %v: %v, %v", granted, others, only, err)
			}
		}
		for _, uid := range []int{owner, friend, second, member} {
			want := uid == owner || slices.Contains(granted, uint32(uid))
			if got := openAs(t, uid, group, path); got != want {
				t.Errorf("granted to %v: user %d opens it: %v", granted, uid, got)
			}
		}
	}
	// With 0660 the list is in force again.
	for mode, want := range map[os.FileMode]bool{0o600: true, 0o644: true, 0o660: true, 0o602: false} {
		if err := errors.Join(ro.Grant(), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if only, err := ro.GrantedOnly(friend); err != nil || only != want {
			t.Errorf("mode %v: only to the owner and one more: %v, %v", mode, only, err)
		}
	}
	ro.Close()
	wantErr(t, ro.Grant(1), ErrClosed)
	_, err = ro.GrantedOnly(1)
	wantErr(t, err, ErrClosed)
}

func TestGrantWithoutLists(t *testing.T) {
	if !rerun(t, mountNamespace()) {
		return
	}
	f := create(t, filepath.Join(mount(t, "ramfs", "mode=700"), "file"), 1)
	// To a user that there is in this namespace, too.
	wantErr(t, f.Grant(uint32(os.Getuid())), ErrUnsupported, unix.EOPNOTSUPP)
	if err := f.Grant(); err != nil {
		t.Error(err)
	}
}

// TestLease: the owner of a file can keep others out by a lease, for as long as the
// kernel allows. Nobody waits for him.
func TestLease(t *testing.T) {
	_, path := inDir(t)
	f := create(t, path, 10)
	if _, err := unix.FcntlInt(uintptr(f.fd), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skipf("no leases here: %v", err)
	}
	for _, a := range []Access{ReadOnly, ReadWrite} {
		_, err := Open(path, a)
		wantErr(t, err, ErrPermission, unix.EAGAIN)
	}
	if _, err := unix.FcntlInt(uintptr(f.fd), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	open(t, path, ReadWrite)
}

// TestRemoveTempLeavesStrangers: what only looks like a temporary directory of ours is
// in nobody's way.
func TestRemoveTempLeavesStrangers(t *testing.T) {
	dir, path := inDir(t)
	stranger, empty, file := tempName("file"), tempName("file"), tempName("file")
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, stranger, "kept"), 0o700),
		os.Mkdir(filepath.Join(dir, empty), 0o700),
		os.WriteFile(filepath.Join(dir, file), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if n, err := RemoveTemp(path); n != 2 || err != nil {
		t.Errorf("RemoveTemp: %d, %v", n, err)
	}
	wantNames(t, dir, stranger)
}
