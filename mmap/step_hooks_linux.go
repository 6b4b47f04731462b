//go:build hooks

package mmap

// Hook is called before and after each thing that is done to a file by its descriptor, and
// between the steps of mapping it; mapped says that it has just been. Tests set it, before
// anything is shared, to do something to the file there. It exists in builds with the tag hooks
// only.
var Hook func(fd int, path string, mapped bool)

func (f *File) step() { f.hook(false) }

func (f *File) mapped() { f.hook(true) }

func (f *File) hook(mapped bool) {
	if Hook != nil {
		Hook(f.fd, f.path, mapped)
	}
}
