package mmap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func create(t *testing.T, path string, size int64) *File {
	t.Helper()
	f, err := Create(path, CreateOptions{Size: size})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	return f
}

func open(t *testing.T, path string, a Access) *File {
	t.Helper()
	f, err := Open(path, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func mapFile(t *testing.T, f *File, o MapOptions) *Region {
	t.Helper()
	r, err := f.Map(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func wantErr(t *testing.T, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("error %v, want it to be %q", err, w)
		}
	}
	if err != nil && !strings.HasPrefix(err.Error(), "mmap: ") {
		t.Errorf("error %q does not name the package", err)
	}
}

// wantNames checks what is in a directory: that nothing was left behind, above all.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s contains %q, want %q", dir, got, want)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}

// shm returns a directory on a tmpfs.
func shm(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "mmap-test-")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// umask sets the umask of the process until the test ends.
func umask(t *testing.T, mask int) {
	old := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(old) })
}

// smaps returns the lines that the kernel has about the mapping at the region's
// base, by their names.
func smaps(t *testing.T, r *Region) map[string]string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	_, after, found := strings.Cut("\n"+string(b), fmt.Sprintf("\n%x-", uintptr(r.base)))
	if !found {
		t.Fatalf("no mapping at %p", r.base)
	}
	fields := make(map[string]string)
	for line := range strings.Lines(after) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
		if name == "VmFlags" {
			break
		}
	}
	return fields
}

// kilobytes returns the bytes in a line of smaps.
func kilobytes(t *testing.T, line string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscanf(line, "%d kB", &n); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return n << 10
}

func inDir(t *testing.T) (dir, path string) {
	dir = t.TempDir()
	return dir, filepath.Join(dir, "file")
}
