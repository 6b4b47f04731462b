//go:build !linux

package ring

import (
	"context"

	"github.com/tickring/tickring/mmap"
)

func fence(context.Context, paths, FenceOptions) (Fenced, error) {
	return Fenced{}, mmap.ErrUnsupported
}
