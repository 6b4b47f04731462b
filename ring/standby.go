package ring

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/tickring/tickring/mmap"
)

// Standby waits until the ring has no publisher and then becomes it, as [Create] does:
// it goes on in the same file with the next sequence number, and subscribers notice
// nothing but the pause. A ring that has no publisher, or is not there, it takes at
// once. Of several standbys, and whoever calls Create meanwhile, exactly one gets the
// ring; the others go on waiting, or get [ErrPublisherActive].
//
// While it waits the ring is opened, mapped and its pages are present, so that nothing
// is left to do at the takeover that takes longer for a large ring. A ring that does
// not fit cfg, or is corrupt, is replaced then, not before.
//
// A publisher that is stopped or hung keeps the ring: [Fence] ends it. The publisher's
// death is known when the kernel has taken its process down; that takes longer for large
// mappings without huge pages. See Config.HugePages and Config.Poll.
//
// Errors: the cause of ctx, if that ends the wait, and those of Create. Whatever fails
// leaves everything as it was, and this standby does not wait any more.
func Standby(ctx context.Context, name string, cfg Config) (*Publisher, error) {
	p, err := create(name, cfg, func(p *Publisher) (*oldRing, error) {
		return p.awaitRing(ctx, cfg)
	})
	if err != nil {
		return nil, fmt.Errorf("ring: standby for %q: %w", name, err)
	}
	return p, nil
}

// openEvery is how often a standby looks whether the ring is another file now.
const openEvery = 100 * time.Millisecond

// awaitRing is takeRing for as long as it takes. It asks again and again: the kernel's
// own queue for a lock would hold a thread that nothing can call back.
func (p *Publisher) awaitRing(ctx context.Context, cfg Config) (ready *oldRing, err error) {
	var death obituary
	var lock *mmap.File // as it was when somebody had it
	forget := func() {
		if lock != nil {
			lock.Close()
		}
	}
	defer func() {
		death.close()
		forget()
		if err != nil {
			ready.close()
			ready = nil
		}
	}()
	var opened time.Time
	for {
		if ctx.Err() != nil {
			return ready, context.Cause(ctx)
		}
		if !stillHeld(lock) {
			if err := p.takeRing(cfg.Group); !errors.Is(err, ErrPublisherActive) {
				return ready, err
			}
			forget()
			lock, _ = mmap.Open(p.paths.lock(), mmap.ReadOnly) // or it is gone, and it is ours next time
		}
		if time.Since(opened) > openEvery {
			if !ready.current(p.paths) {
				ready.close()
				// What fails now may do better when the ring is free.
				ready, _ = openOld(p.paths, cfg)
			}
			if ready.ring != nil {
				pid, _ := ready.ring.word(unsafe.Offsetof(header{}.pid))
				death.of(pid)
			}
			opened = time.Now()
			continue // that may have taken long
		}
		death.wait(cfg.pollEvery())
	}
}

// stillHeld says whether somebody holds the lock and its file is the ring's. It is a
// cheap way to find out that there is no need to ask for the lock.
func stillHeld(lock *mmap.File) bool {
	if lock == nil || !lock.Same(lock.Path()) {
		return false
	}
	held, err := lock.Locked(lockWhole)
	return err == nil && held
}
