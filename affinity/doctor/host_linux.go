package doctor

import (
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/tickring/tickring/affinity"
)

// Here returns this machine as this process sees it. Rings are, or will be, in dir.
// If not even the CPUs can be told, the error says why and the host is usable all the
// same: what depends on them will be unknown.
func Here(dir string) (Host, error) {
	t, err := affinity.Read()
	return Host{
		Files:      os.DirFS("/"),
		Topology:   t,
		UID:        os.Getuid(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Env:        os.Getenv,
		Shm:        spaceOf(dir),
	}, err
}

// spaceOf looks at the nearest directory above that exists.
func spaceOf(dir string) *Space {
	for {
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err == nil {
			unit := uint64(s.Frsize)
			return &Space{Path: dir, Tmpfs: s.Type == unix.TMPFS_MAGIC, Size: s.Blocks * unit, Free: s.Bavail * unit}
		}
		above := filepath.Dir(dir)
		if above == dir {
			return nil
		}
		dir = above
	}
}
