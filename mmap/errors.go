package mmap

import (
	"errors"
	"fmt"
)

// The errors of this package. What is returned wraps one of them, with the verb
// and the path, and the system's own error if there was one: errors.Is finds
// ErrNoSpace and unix.ENOSPC, ErrNotExist and fs.ErrNotExist.
var (
	ErrClosed      = errors.New("the file is closed")
	ErrExist       = errors.New("something is already there")
	ErrFault       = errors.New("memory fault")
	ErrInvalid     = errors.New("invalid argument")
	ErrLocked      = errors.New("locked by another open file")
	ErrMlock       = errors.New("cannot lock the mapping in memory")
	ErrNoHugePages = errors.New("no huge pages")
	ErrNoSpace     = errors.New("no space left")
	ErrNotExist    = errors.New("nothing is there")
	ErrNotRegular  = errors.New("not a regular file")
	ErrPermission  = errors.New("owner and mode do not allow it")
	ErrReadOnly    = errors.New("the file was opened read-only")
	ErrSymlink     = errors.New("a symbolic link, which is not followed")
	ErrTooLarge    = errors.New("too large for one file")
	ErrTooShort    = errors.New("the file is too short")
	ErrUnsafeDir   = errors.New("unsafe directory")
	ErrUnsupported = errors.New("shared files are supported on Linux only")
)

// FaultError is the error of [Guard]. errors.Is(err, ErrFault) holds for it.
type FaultError struct {
	Addr uintptr // the address that could not be accessed, as the system told it
}

func (e *FaultError) Error() string {
	return fmt.Sprintf("mmap: guard: %v at address %#x; "+
		"most likely the mapped file was made shorter, or a read-only mapping was written to", ErrFault, e.Addr)
}

// Unwrap returns [ErrFault].
func (e *FaultError) Unwrap() error { return ErrFault }
