package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// stdinPath is the FILE that is standard input.
const stdinPath = "-"

// input is a file to replay, which counts the bytes that were read, as they are
// stored.
type input struct {
	io.ReadCloser
	name string // for errors
	size int64  // 0: unknown
	read int64
	dir  bool
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.ReadCloser.Read(p)
	i.read += int64(n)
	return n, err
}

// openInput opens a file. What is not a regular file may have nothing to read for
// long, or nobody who writes: reading it ends when ctx is done.
func openInput(ctx context.Context, path string) (*input, error) {
	i := &input{name: path}
	open := func() (*os.File, error) { return os.Open(path) }
	stat := func() (os.FileInfo, error) { return os.Stat(path) }
	if path == stdinPath {
		i.name = "standard input"
		open = func() (*os.File, error) { return os.Stdin, nil }
		stat = os.Stdin.Stat
	}
	info, err := stat()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", i.name, errors.Unwrap(err))
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		i.ReadCloser = stream(ctx, open)
		return i, nil
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	i.ReadCloser, i.size, i.dir = file, info.Size(), info.IsDir()
	return i, nil
}

// stream opens and reads a file in a goroutine, which is left behind in its system
// call when ctx is done.
func stream(ctx context.Context, open func() (*os.File, error)) io.ReadCloser {
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	go func() {
		file, err := open()
		if err == nil {
			_, err = io.Copy(w, file)
			file.Close()
		}
		w.CloseWithError(err) // io.EOF if there is none
	}()
	return r
}
