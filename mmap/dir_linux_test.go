package mmap

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func modeOf(t *testing.T, path string) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Mode & 0o7777
}

func TestEnsureDirModeIgnoresUmask(t *testing.T) {
	for _, mask := range []int{0, 0o077} {
		umask(t, mask)
		for perm, want := range map[fs.FileMode]uint32{
			0: 0o700, 0o700: 0o700, 0o755: 0o755, 0o750: 0o750,
			fs.ModeSticky | 0o777:                 0o1777,
			fs.ModeSetgid | fs.ModeSticky | 0o770: 0o3770,
		} {
			parent := t.TempDir()
			path := filepath.Join(parent, "dir")
			for _, p := range []string{path, path + "/"} { // makes it, then finds it
				if err := EnsureDir(p, perm); err != nil {
					t.Fatal(err)
				}
			}
			if got := modeOf(t, path); got != want {
				t.Errorf("umask %#o, %v: mode %#o, want %#o", mask, perm, got, want)
			}
			wantNames(t, parent, "dir")
		}
	}
}

func TestEnsureDirLeavesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dir")
	if err := os.Mkdir(path, 0o711); err != nil {
		t.Fatal(err)
	}
	os.Chmod(path, 0o711)
	if err := EnsureDir(path, 0o750); err != nil {
		t.Error(err)
	}
	if got := modeOf(t, path); got != 0o711 {
		t.Errorf("mode %#o", got)
	}
	os.Chmod(path, 0o777)
	wantErr(t, EnsureDir(path, 0o700), ErrUnsafeDir)
	if got := modeOf(t, path); got != 0o777 {
		t.Errorf("mode %#o", got)
	}
	wantErr(t, EnsureDir(path, fs.ModeSetuid|0o700), ErrInvalid)
	wantErr(t, EnsureDir(filepath.Join(dir, "no", "dir"), 0), ErrNotExist, fs.ErrNotExist)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	wantErr(t, EnsureDir(link, 0), ErrUnsafeDir, ErrSymlink)
	wantNames(t, dir, "dir", "link")
}

func TestEnsureDirTogether(t *testing.T) {
	umask(t, 0o077)
	parent := t.TempDir()
	path := filepath.Join(parent, "dir")
	for range 20 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := EnsureDir(path, 0o755); err != nil {
					t.Error(err)
				}
				var st unix.Stat_t
				if err := unix.Lstat(path, &st); err != nil || st.Mode&0o7777 != 0o755 {
					t.Errorf("mode %#o, %v", st.Mode, err)
				}
			})
		}
		wg.Wait()
		wantNames(t, parent, "dir")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// In a setgid directory a new one belongs to that group. The kernel then takes the
// setgid bit away, without an error, from a user who is not in it.
func TestEnsureDirIsExactOrFails(t *testing.T) {
	parent := t.TempDir()
	becomeNobody(t, parent)
	if err := errors.Join(syscall.Seteuid(0), unix.Chmod(parent, 0o3777), syscall.Seteuid(nobody)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(parent, "dir")
	wantErr(t, EnsureDir(path, fs.ModeSetgid|0o750), ErrPermission)
	wantNames(t, parent)
	if err := EnsureDir(path, 0o750); err != nil || modeOf(t, path) != 0o750 {
		t.Errorf("%v, mode %#o", err, modeOf(t, path))
	}
}

func TestMakeDirInPlace(t *testing.T) {
	umask(t, 0o077)
	path := filepath.Join(t.TempDir(), "dir")
	parent, base, err := split("make directory", path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(parent)
	if err := makeDirInPlace(parent, base, path, 0o755); err != nil || modeOf(t, path) != 0o755 {
		t.Errorf("%v, mode %#o", err, modeOf(t, path))
	}
	wantErr(t, makeDirInPlace(parent, base, path, 0o755), ErrExist)
}

func TestCheckDir(t *testing.T) {
	root := os.Geteuid() == 0
	for _, c := range []struct {
		mode     uint32
		safe     bool
		rootOnly bool
	}{
		{mode: 0o700, safe: true},
		{mode: 0o755, safe: true},
		{mode: 0o2755, safe: true},
		{mode: 0o770},
		{mode: 0o757},
		{mode: 0o702},
		{mode: 0o777},
		{mode: 0o1777, safe: true},
		{mode: 0o1770, safe: true},
		{mode: 0o3770, safe: true},
		{mode: 0o2777},
		{mode: 0o2770, safe: root},
	} {
		path := filepath.Join(t.TempDir(), "dir")
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		err := CheckDir(path)
		if c.safe != (err == nil) {
			t.Errorf("mode %#o: %v", c.mode, err)
		}
		if !c.safe {
			wantErr(t, err, ErrUnsafeDir)
			if s := err.Error(); !strings.Contains(s, path) || !strings.Contains(s, "chmod") {
				t.Errorf("mode %#o: unclear error: %v", c.mode, err)
			}
		}
	}
}

func TestCheckDirKind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	wantErr(t, CheckDir(path), ErrNotExist, fs.ErrNotExist)
	if err := os.Symlink(dir, path); err != nil {
		t.Fatal(err)
	}
	wantErr(t, CheckDir(path), ErrUnsafeDir, ErrSymlink)
	wantErr(t, CheckDir(path+"//"), ErrUnsafeDir, ErrSymlink)
	os.Remove(path)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantErr(t, CheckDir(path), ErrUnsafeDir)
	if err := CheckDir("/"); err != nil {
		t.Error(err)
	}
}

func TestCheckDirOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs to be root to give a directory away")
	}
	path := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	wantErr(t, CheckDir(path), ErrUnsafeDir)
	wantErr(t, CheckDir(path, 1, 2), ErrUnsafeDir)
	if err := CheckDir(path, 1, nobody); err != nil {
		t.Error(err)
	}
	// Only an administrator's group directory may be writable for the group.
	if err := unix.Chmod(path, 0o2770); err != nil {
		t.Fatal(err)
	}
	wantErr(t, CheckDir(path, nobody), ErrUnsafeDir)
}

func TestCheckDirAsSomebodyElse(t *testing.T) {
	dir := t.TempDir()
	group := filepath.Join(dir, "group")
	if err := os.Mkdir(group, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chmod(group, 0o2775); err != nil {
		t.Fatal(err)
	}
	becomeNobody(t, dir)
	for _, path := range []string{dir, group, "/"} { // root's
		if err := CheckDir(path); err != nil {
			t.Error(err)
		}
	}
	wantErr(t, EnsureDir(filepath.Join(dir, "new"), 0), ErrPermission, fs.ErrPermission)
	wantNames(t, dir, "group")
}
