//go:build !linux

package bench

import (
	"sync/atomic"
	"time"

	"github.com/tickring/tickring/mmap"
)

type monitors struct{ drawn atomic.Uint64 }

func (m *monitors) startTop([]string) error             { return mmap.ErrUnsupported }
func (m *monitors) startServe([]string) (string, error) { return "", mmap.ErrUnsupported }
func (m *monitors) end() time.Duration                  { return 0 }
