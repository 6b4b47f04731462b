package mmap

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const tempDigits = 16

// maxBase is the longest name that leaves room for its temporary one: file systems
// limit a name to 255 bytes.
const maxBase = 255 - len("..tmp-") - tempDigits

func tempPrefix(base string) string { return "." + base + ".tmp-" }

func tempName(base string) string {
	var b [tempDigits / 2]byte
	rand.Read(b[:]) // never fails
	return tempPrefix(base) + hex.EncodeToString(b[:])
}

// isTemp tells whether name is one that tempName(base) can return.
func isTemp(name, base string) bool {
	digits, ok := strings.CutPrefix(name, tempPrefix(base))
	_, err := hex.DecodeString(digits)
	return ok && err == nil && len(digits) == tempDigits
}

// RemoveTemp removes what processes that were killed inside [Create] or
// [EnsureDir] for path have left beside it (and the second name that a file can
// keep where [File.CommitNew] could not remove it), and returns how many it
// removed.
//
// It cannot know whether such a process is still at work, and then spoils it:
// that one's Commit fails with ErrNotExist. Call it only where no other can be
// creating this path, for instance while holding the lock that entitles to it.
func RemoveTemp(path string) (int, error) {
	dir, base, err := split("clean up", path)
	if err != nil {
		return 0, err
	}
	defer unix.Close(dir)
	names, err := list(dir)
	if err != nil {
		return 0, failure("clean up", path+": list its directory", err)
	}
	removed := 0
	for _, name := range names {
		if !isTemp(name, base) {
			continue
		}
		err := unix.Unlinkat(dir, name, 0)
		if err == unix.EISDIR {
			err = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
		}
		switch err {
		case nil:
			removed++
		case unix.ENOENT:
		case unix.ENOTEMPTY: // not one that this package made
		default:
			return removed, failure("remove", filepath.Join(filepath.Dir(path), name), err)
		}
	}
	return removed, nil
}

// list returns the names in the directory dir.
func list(dir int) ([]string, error) {
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	d := os.NewFile(uintptr(fd), ".")
	defer d.Close()
	return d.Readdirnames(-1)
}
