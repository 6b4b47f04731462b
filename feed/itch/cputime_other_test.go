//go:build !linux

package itch

import "testing"

type cpuTimer struct{}

func (c *cpuTimer) start()            {}
func (c *cpuTimer) stop()             {}
func (c *cpuTimer) report(*testing.B) {}
