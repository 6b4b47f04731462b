package ring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unsafe"

	"github.com/tickring/tickring/internal/tick"
	"github.com/tickring/tickring/mmap"
)

// settleFor is how long the lock may be held by nobody who is seen: by a process that
// the kernel takes down, or after it by a standby that is about to go on.
const settleFor = 2 * time.Second

func fence(ctx context.Context, ps paths, o FenceOptions) (Fenced, error) {
	if !exists(ps.ring()) && !exists(ps.lock()) {
		return Fenced{}, fmt.Errorf("%w: neither %s nor its lock is there", ErrNoRing, ps.ring())
	}
	lock, err := mmap.Open(ps.lock(), mmap.ReadOnly)
	if errors.Is(err, mmap.ErrNotExist) {
		return Fenced{Publisher: sightOf(ps).life}, nil // without a lock nobody holds it
	}
	if err != nil {
		return Fenced{}, err
	}
	defer lock.Close()
	file, err := lock.Stat()
	if err != nil {
		return Fenced{}, err
	}

	// Who holds the ring is found between two looks at its publisher: if it was there at
	// both, it was the one, and nobody is hit who has just gone on in its place.
	before := sightOf(ps)
	free := func() bool {
		held, err := lock.Locked(lockWhole)
		return err == nil && !held || !lock.Same(ps.lock()) || sightOf(ps).epoch != before.epoch
	}
	var done Fenced
	for late := time.Now().Add(settleFor); ; time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
		found, unseen, err := holders(file)
		if err != nil {
			return done, err
		}
		defer closeHolders(found)
		// One that hangs has presenceByte as well. If it is just taken down, its lock may
		// be with a successor already while that byte is not free yet.
		publishes := anyHolds(found, before.file)
		now := sightOf(ps)
		if free() || before.there() && !now.there() {
			break // it has gone by itself
		}
		if now.life == Hung && !publishes {
			now.life = Dead
			if len(found) > 0 && !o.Force && time.Now().Before(late) {
				continue // it will be seen to have gone
			}
		}
		if len(found) > 0 {
			if err := o.permit(now, found); err != nil {
				return done, err
			}
			if done.Ended, err = end(ctx, found); err != nil {
				return done, err
			}
			break
		}
		// A process that is about to end shows nothing any more and has the lock still.
		if time.Now().After(late) {
			return done, hidden(file, now, unseen)
		}
	}
	for late := time.Now().Add(settleFor); !free(); time.Sleep(defaultPoll) {
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
		if time.Now().After(late) {
			return done, heldByOthers(file)
		}
	}
	done.Publisher = sightOf(ps).life
	return done, nil
}

// end kills processes, all of them before it waits for the first, so that none sees
// the death of another and goes on.
func end(ctx context.Context, all []holder) (ended []Process, err error) {
	for _, h := range all {
		if err := h.kill(); err != nil {
			return nil, fmt.Errorf("kill %v: %w; run as its user or as root", h, err)
		}
	}
	for _, h := range all {
		if err := h.wait(ctx); err != nil {
			return ended, fmt.Errorf("%v was killed and has not ended: %w; it may be in a system call that cannot be interrupted, see %s", h, err, procPath(h.PID, "stack"))
		}
		ended = append(ended, h.Process)
	}
	return ended, nil
}

// permit says whether the holders may be killed.
func (o FenceOptions) permit(s sight, found []holder) error {
	who := make([]string, len(found))
	for i, h := range found {
		who[i] = h.String()
		if h.PID == os.Getpid() {
			return fmt.Errorf("%w: it is this process; close it", ErrPublisherActive)
		}
	}
	why := ""
	switch {
	case o.Force || s.life == Hung:
		return nil
	case s.life == Live && !s.beats:
		why = "it promises no heartbeats, so whether it is hung cannot be told"
	case s.life == Live:
		why = fmt.Sprintf("it is live, its heart beat %v ago", s.beat.Round(time.Millisecond))
	default:
		why = "it does not publish: it is about to, or about to end, or has the lock from a publisher that has ended"
	}
	return fmt.Errorf("%w, %s: %s; wait, end it, or force it (FenceOptions.Force, --force)", ErrPublisherActive, strings.Join(who, ", "), why)
}

// hidden is the error if the lock is held and nobody is seen who holds it.
func hidden(file mmap.Info, s sight, unseen int) error {
	var hints []string
	if s.pid != 0 {
		hints = append(hints, fmt.Sprintf("in its own PID namespace the last publisher was process %d", s.pid))
	}
	if unseen > 0 {
		hints = append(hints, fmt.Sprintf("%d processes may not be looked at", unseen))
	}
	if all := mappers(file); len(all) > 0 {
		hints = append(hints, fmt.Sprintf("the lock file is mapped by %v, which may be what holds it", all))
	}
	if len(hints) > 0 {
		hints[0] = " (" + strings.Join(hints, "; ") + ")"
	} else {
		hints = []string{""}
	}
	return fmt.Errorf("%w%s; run as root, where the process is: outside of this PID namespace or container, or inside of its own", ErrHidden, hints[0])
}

// heldByOthers is the error if the lock is held after all its holders have ended.
func heldByOthers(file mmap.Info) error {
	others, unseen, err := holders(file)
	if err != nil {
		return err
	}
	defer closeHolders(others)
	if len(others) == 0 {
		return hidden(file, sight{}, unseen)
	}
	var who []string
	for _, h := range others {
		who = append(who, h.String())
	}
	return fmt.Errorf("%w: %s, which did not hold it before: a successor that is slow to go on, or a child that was just being made; look, and fence again", ErrPublisherActive, strings.Join(who, ", "))
}

// sight is what the ring's file tells of its publisher.
type sight struct {
	life  Life
	file  mmap.Info // the ring's
	epoch uint64    // 0: there is no ring that can be read
	pid   uint64
	beats bool // heartbeats are promised
	beat  time.Duration
}

// there says whether the ring has a publisher, be it live or hung.
func (s sight) there() bool { return s.life == Live || s.life == Hung }

func sightOf(ps paths) (s sight) {
	s.life = Dead
	r, err := openRing(ps, mmap.ReadOnly)
	if err != nil {
		return s
	}
	defer r.file.Close()
	s.file, _ = r.file.Stat()
	// The epoch first: what the rest says may be of a later one, never of an earlier.
	s.epoch, _ = r.word(unsafe.Offsetof(header{}.epoch))
	s.pid, _ = r.word(unsafe.Offsetof(header{}.pid))
	every, _ := r.word(unsafe.Offsetof(header{}.beatEvery))
	s.beats = every > 0
	beat, _ := r.word(unsafe.Offsetof(header{}.beat))
	if now := tick.Mono(); now > beat {
		s.beat = time.Duration(now - beat)
	}
	s.life = r.life()
	return s
}
