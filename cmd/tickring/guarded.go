package main

import (
	"errors"
	"fmt"

	"github.com/tickring/tickring/mmap"
)

// guarded does what reads or publishes. A ring whose file is cut short meanwhile becomes an
// error, which says so of the ring called name.
func guarded(name string, do func() error) error {
	err := mmap.Guard(do)
	if errors.Is(err, mmap.ErrFault) {
		return fmt.Errorf("ring %q: %w", name, err)
	}
	return err
}
