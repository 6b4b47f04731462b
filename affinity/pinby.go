package affinity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ReserveBy reserves n CPUs that suit together by the policy, the best one first, and
// that nobody has reserved: processes that call it at the same time get different ones.
// With fewer than n left it reserves none, and the error wraps ErrTooFewCPUs and says who
// has the others. dir is as for [Reserve].
func ReserveBy(dir string, n int, p Policy) ([]*Reservation, error) {
	t, err := Read()
	if err != nil {
		return nil, err
	}
	return t.reserve(dir, n, p)
}

func (t *Topology) reserve(dir string, n int, p Policy) ([]*Reservation, error) {
	var before []Holder // who had what when there was too little
	for {
		holders, err := Reserved(dir)
		if err != nil {
			return nil, err
		}
		policy := p
		for _, h := range holders {
			policy.Avoid.Add(h.CPU)
		}
		cpus, err := t.Pick(n, policy)
		if errors.Is(err, ErrTooFewCPUs) && len(holders) > 0 {
			// Another process may have had some for a moment only, on its way to others.
			if before == nil || !slices.Equal(before, holders) {
				before = holders
				continue
			}
			return nil, fmt.Errorf("%w (reserved: %s)", err, holdersText(holders))
		}
		if err != nil {
			return nil, err
		}
		list, err := reserveAll(dir, cpus)
		if errors.Is(err, ErrReserved) {
			continue // somebody was faster, and is in the list now
		}
		return list, err
	}
}

// reserveAll reserves all of the CPUs, by ascending number: of processes that want the
// same ones one gets them, and does not give way to others that give way to it.
func reserveAll(dir string, cpus []int) ([]*Reservation, error) {
	list := make([]*Reservation, len(cpus))
	order := slices.Sorted(slices.Values(cpus))
	for _, cpu := range order {
		r, err := reserve(dir, cpu)
		if err != nil {
			for _, r := range list {
				if r != nil {
					err = errors.Join(err, r.Release())
				}
			}
			return nil, err
		}
		list[slices.Index(cpus, cpu)] = r
	}
	return list, nil
}

func holdersText(holders []Holder) string {
	var list []string
	for _, h := range holders {
		list = append(list, fmt.Sprintf("CPU %d by %v", h.CPU, h))
	}
	return strings.Join(list, ", ")
}

// PinBy picks the best CPU by the policy that nobody has reserved, reserves it as
// [Reserve] does with the default directory, and pins the calling goroutine to it.
// Pinned.Release gives it back, as does the end of the process, but not that of
// the goroutine. The errors are those of [ReserveBy] and [Pin].
func PinBy(p Policy) (*Pinned, error) {
	list, err := ReserveBy("", 1, p)
	if err != nil {
		return nil, err
	}
	return list[0].Pin()
}

// Pin pins the calling goroutine to the CPU, as the function [Pin] does. Pinned.Release
// gives the CPU back too; if pinning fails, it is given back at once.
func (r *Reservation) Pin() (*Pinned, error) {
	pinned, err := Pin(r.cpu)
	if err != nil {
		return nil, errors.Join(err, r.Release())
	}
	pinned.reservation = r
	return pinned, nil
}
