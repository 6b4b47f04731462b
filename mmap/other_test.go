//go:build !linux

package mmap

import (
	"errors"
	"testing"
)

func TestUnsupported(t *testing.T) {
	_, create := Create("x", CreateOptions{})
	_, open := Open("x", ReadOnly)
	_, _, both := OpenOrCreate("x", CreateOptions{})
	_, remove := RemoveTemp("x")
	for _, err := range []error{create, open, both, remove, EnsureDir("x", 0), CheckDir("x")} {
		if !errors.Is(err, ErrUnsupported) {
			t.Error(err)
		}
	}
}
