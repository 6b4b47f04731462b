package ring

import (
	"context"
	"errors"
	"fmt"
)

// PublishWait is Publish, but waits while a gate holds the publisher: it spins, yields,
// and then sleeps for up to a millisecond at a time. If ctx ends first, nothing was
// written, and the error wraps [ErrBackPressure] and ctx's cause. While there is room it
// costs what Publish does.
func (p *publisher) PublishWait(ctx context.Context, typ uint16, msg []byte) error {
	err := p.Publish(typ, msg)
	if err == ErrBackPressure {
		err = p.waitForGates(ctx, func() error { return p.Publish(typ, msg) })
	}
	return err
}

// waitForGates tries until there is no back pressure, or ctx ends.
func (p *publisher) waitForGates(ctx context.Context, try func() error) error {
	var wait Backoff
	for n := 1; ; n++ {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrBackPressure, context.Cause(ctx))
		}
		wait.Wait(n)
		if err := try(); !errors.Is(err, ErrBackPressure) {
			return err
		}
	}
}
