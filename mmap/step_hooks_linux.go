//go:build hooks

package mmap

// Hook is called before and after each thing that is done to a file by its descriptor, and
// between the steps of mapping it. Tests set it, before anything is shared, to do something to
// the file there. It exists in builds with the tag hooks only.
var Hook func(fd int, path string)

func (f *File) step() {
	if Hook != nil {
		Hook(f.fd, f.path)
	}
}
