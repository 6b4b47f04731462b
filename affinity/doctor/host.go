package doctor

import (
	"io/fs"

	"github.com/tickring/tickring/affinity"
)

// Host is what an examination looks at.
type Host struct {
	Files    fs.FS              // the root directory, or a copy of the parts of it that matter
	Topology *affinity.Topology // nil: read from Files
	Limits   affinity.Limits    // for reading it

	UID        int                 // of the user examined; -1: unknown
	GOMAXPROCS int                 // 0: unknown
	Env        func(string) string // environment; nil: unknown
	Shm        *Space              // of the directory of rings; nil: unknown
}

// Space is what there is of a file system, in bytes.
type Space struct {
	Path  string
	Tmpfs bool
	Size  uint64
	Free  uint64
}
