//go:build !hooks

package mmap

// step is called between what is done to a file, and mapped when it has been mapped. A build
// with the tag hooks has others; see step_hooks_linux.go.
func (f *File) step() {}

func (f *File) mapped() {}
