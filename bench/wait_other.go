//go:build !linux

package bench

import (
	"time"

	"github.com/tickring/tickring/mmap"
)

func processTime() (time.Duration, error) { return 0, mmap.ErrUnsupported }
func threadTime() (time.Duration, error)  { return 0, mmap.ErrUnsupported }
func pause(d time.Duration)               { time.Sleep(d) }
