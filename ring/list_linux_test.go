package ring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/mmap"
)

// asNobody runs f with the rights of a user who owns nothing, or, without root, with one's own.
func asNobody(f func()) {
	if os.Geteuid() == 0 {
		runtime.LockOSThread() // whose rights these are
		defer runtime.UnlockOSThread()
		unix.SetfsuidRetUid(65534)
		defer unix.SetfsuidRetUid(0)
	}
	f()
}

// A ring that one may not look into is not a ring that is not there.
func TestListOfOthers(t *testing.T) {
	dir := shmDir(t)
	for _, name := range []string{"private", "public"} {
		pub, err := Create(name, Config{Dir: dir, Capacity: minCapacity})
		if err != nil {
			t.Fatal(err)
		}
		pub.Close()
	}
	private := filepath.Join(dir, "private")
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Join(dir, "public"), 0o755), os.Chmod(private, 0)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(private, 0o700)
	asNobody(func() {
		if names, err := List(dir); err != nil || !slices.Equal(names, []string{"private", "public"}) {
			t.Errorf("%q, %v", names, err)
		}
		if _, err := Stat(dir, "private"); !errors.Is(err, mmap.ErrPermission) {
			t.Errorf("%v", err)
		}
	})
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	asNobody(func() {
		if names, err := List(dir); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "run as a user who may") {
			t.Errorf("%q, %v", names, err)
		}
	})
}
