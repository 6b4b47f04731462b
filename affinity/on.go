package affinity

import "errors"

// On runs f on a goroutine of its own that is pinned to the CPU, and waits for it. Its errors
// are those of Pin, after which f has not run, and those of f and of giving the pin back.
func On(cpu int, f func() error) error {
	done := make(chan error)
	go func() {
		p, err := Pin(cpu)
		if err != nil {
			done <- err
			return
		}
		err = f()
		done <- errors.Join(err, p.Release())
	}()
	return <-done
}
