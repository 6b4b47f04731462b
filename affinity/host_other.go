//go:build !linux

package affinity

import "fmt"

// host stands for an operating system whose topology this package cannot read.
type host struct{}

func (host) mask() (Set, error)             { return Set{}, ErrUnsupported }
func (host) setMask(Set) error              { return ErrUnsupported }
func (host) cpu() (int, error)              { return -1, ErrUnsupported }
func (host) tid() int                       { return 0 }
func (host) present() (_, _ Set, err error) { return Set{}, Set{}, ErrUnsupported }
func (host) permitted() (Set, error) {
	return Set{}, fmt.Errorf("affinity: permitted CPUs: %w", ErrUnsupported)
}
func (host) allowed() (Set, error) {
	return Set{}, fmt.Errorf("affinity: allowed CPUs: %w", ErrUnsupported)
}
func (host) read() (*Topology, error) {
	return nil, fmt.Errorf("affinity: read topology: %w", ErrUnsupported)
}
