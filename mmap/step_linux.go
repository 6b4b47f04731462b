//go:build !hooks

package mmap

// step is called between what is done to a file. A build with the tag hooks has another;
// see step_hooks_linux.go.
func (f *File) step() {}
