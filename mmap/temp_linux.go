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

func tempPrefix(base string) string { return "." + base + ".tmp-" }

func tempName(base string) string {
	var b [tempDigits / 2]byte
	rand.Read(b[:]) // never fails
	return tempPrefix(base) + hex.EncodeToString(b[:])
}

// RemoveTemp removes what processes that were killed inside [Create] or
// [EnsureDir] for path have left beside it, and returns how many it removed.
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
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), tempPrefix(base))
		if _, err := hex.DecodeString(digits); !ok || err != nil || len(digits) != tempDigits {
			continue
		}
		flags := 0
		if e.IsDir() {
			flags = unix.AT_REMOVEDIR
		}
		switch err := unix.Unlinkat(dir, e.Name(), flags); err {
		case nil:
			removed++
		case unix.ENOENT:
		default:
			return removed, failure("remove", filepath.Join(filepath.Dir(path), e.Name()), err)
		}
	}
	return removed, nil
}
