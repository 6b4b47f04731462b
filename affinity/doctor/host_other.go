//go:build !linux

package doctor

import (
	"fmt"

	"github.com/tickring/tickring/affinity"
)

// Here returns affinity.ErrUnsupported.
func Here(string) (Host, error) {
	return Host{}, fmt.Errorf("doctor: examine this machine: %w", affinity.ErrUnsupported)
}
