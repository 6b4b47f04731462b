//go:build !linux

package mmap

import (
	"fmt"
	"io/fs"
	"unsafe"
)

// File is an open shared file. On this system there are none.
type File struct{}

func unsupported(verb, path string) error {
	return fmt.Errorf("mmap: %s %s: %w", verb, path, ErrUnsupported)
}

// Create returns ErrUnsupported.
func Create(path string, o CreateOptions) (*File, error) { return nil, unsupported("create", path) }

// OpenOrCreate returns ErrUnsupported.
func OpenOrCreate(path string, o CreateOptions) (f *File, created bool, err error) {
	return nil, false, unsupported("create", path)
}

// Open returns ErrUnsupported.
func Open(path string, a Access) (*File, error) { return nil, unsupported("open", path) }

// RemoveTemp returns ErrUnsupported.
func RemoveTemp(path string) (int, error) { return 0, unsupported("clean up", path) }

// EnsureDir returns ErrUnsupported.
func EnsureDir(path string, perm fs.FileMode) error { return unsupported("make directory", path) }

// CheckDir returns ErrUnsupported.
func CheckDir(path string, owners ...uint32) error { return unsupported("check directory", path) }

// The methods of File return ErrUnsupported.

func (f *File) Commit() error                           { return unsupported("commit", "") }
func (f *File) CommitNew() error                        { return unsupported("commit", "") }
func (f *File) CommitOver() error                       { return unsupported("commit", "") }
func (f *File) Discard() error                          { return unsupported("discard", "") }
func (f *File) Path() string                            { return "" }
func (f *File) Access() Access                          { return ReadOnly }
func (f *File) Size() (int64, error)                    { return 0, unsupported("stat", "") }
func (f *File) Stat() (Info, error)                     { return Info{}, unsupported("stat", "") }
func (f *File) Same(path string) bool                   { return false }
func (f *File) ReadAt(p []byte, off int64) (int, error) { return 0, unsupported("read", "") }
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	return 0, unsupported("write", "")
}
func (f *File) Map(o MapOptions) (*Region, error) { return nil, unsupported("map", "") }
func (f *File) TryLock(r Range) error             { return unsupported("lock", "") }
func (f *File) Unlock(r Range) error              { return unsupported("unlock", "") }
func (f *File) Locked(r Range) (bool, error)      { return false, unsupported("probe the lock of", "") }
func (f *File) LockedExclusively(r Range) (bool, error) {
	return false, unsupported("probe the lock of", "")
}
func (f *File) Close() error                { return unsupported("close", "") }
func (f *File) Grant(users ...uint32) error { return unsupported("grant access to", "") }
func (f *File) GrantedOnly(users ...uint32) (bool, error) {
	return false, unsupported("read the access list of", "")
}

// Region is a part of a file mapped into memory. On this system there are none.
type Region struct{}

func (r *Region) Bytes() []byte              { return nil }
func (r *Region) Base() unsafe.Pointer       { return nil }
func (r *Region) Len() int                   { return 0 }
func (r *Region) Path() string               { return "" }
func (r *Region) Writable() bool             { return false }
func (r *Region) Contains(addr uintptr) bool { return false }
func (r *Region) HugeErr() error             { return nil }
func (r *Region) Close() error               { return nil }
