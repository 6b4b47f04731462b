//go:build !linux

package affinity

type reserveLock struct{}

func (*reserveLock) release() error { return nil }

func reserveDir(string) (string, error) { return "", ErrUnsupported }

func lockCPU(string, int) (reserveLock, error) { return reserveLock{}, ErrUnsupported }

func cpuLocked(string, int) (bool, error) { return false, ErrUnsupported }

func holder(_ string, cpu int) Holder { return Holder{CPU: cpu} }
