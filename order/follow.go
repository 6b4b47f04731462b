package order

import (
	"fmt"

	"github.com/tickring/tickring/ring"
)

// Recover reads a gateway's ring until the state has message upTo applied: after a restart,
// with upTo the last message that the ring has. The subscriber is one that begins at the
// mark (ring.FromMark); an empty state passes over what comes before the first
// checkpoint, unless that is message 1.
//
// Errors: [ErrJournal], also if messages were lost or upTo is not in the ring.
func Recover(sub *ring.Subscriber, s *State, upTo uint64) error {
	for s.seq < upTo || s.snap.on {
		msg, status := sub.Next()
		switch status {
		case ring.Message:
			if _, err := s.Take(sub.Seq(), MsgType(sub.Type()), msg); err != nil {
				return err
			}
			if !s.begun && sub.Seq() >= upTo {
				return fmt.Errorf("order: ring %q has no checkpoint to begin with up to message %d: %w", sub.Name(), upTo, ErrJournal)
			}
		case ring.Gap:
			first, last := sub.Gap()
			if s.begun {
				return fmt.Errorf("order: messages %d to %d of ring %q were lost while it was read: %w", first, last, sub.Name(), ErrJournal)
			}
		case ring.Corrupt:
			return sub.Err()
		default:
			return fmt.Errorf("order: ring %q ends at message %d, and %d was to be read: %w", sub.Name(), sub.Seq(), upTo, ErrJournal)
		}
	}
	return nil
}

// Take applies message seq as Apply does, but an empty state passes over, without an error,
// what it cannot begin with: anything but message 1 or a checkpoint. It says whether the
// message was applied.
func (s *State) Take(seq uint64, typ MsgType, msg []byte) (bool, error) {
	if !s.begun && seq != 1 && typ != MsgCheckpoint {
		return false, nil
	}
	return true, s.Apply(seq, typ, msg)
}

// Follower keeps a State of a gateway's ring up to date.
type Follower struct {
	State *State
	sub   *ring.Subscriber
}

// NewFollower returns a follower with an empty state. The subscriber is best one that begins
// at the mark and goes on there after an overrun (ring.FromMark, ring.RejoinMark).
func NewFollower(sub *ring.Subscriber, b Bounds) *Follower {
	return &Follower{State: NewState(b), sub: sub}
}

// Next reads and applies the next message, and returns it as the subscriber does. After a
// Gap the state is empty until the next checkpoint has come ([State.Ready]).
//
// Errors: as [State.Apply]; the subscriber's if the ring is Corrupt.
func (f *Follower) Next() ([]byte, ring.Status, error) {
	msg, status := f.sub.Next()
	switch status {
	case ring.Message:
		_, err := f.State.Take(f.sub.Seq(), MsgType(f.sub.Type()), msg)
		return msg, status, err
	case ring.Gap:
		f.State.Reset()
	case ring.Corrupt:
		return nil, status, f.sub.Err()
	}
	return nil, status, nil
}
