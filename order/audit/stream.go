package audit

import (
	"errors"
	"fmt"

	"github.com/tickring/tickring/order"
	"github.com/tickring/tickring/ring"
)

// message is one as it was read, a copy.
type message struct {
	seq  uint64
	typ  order.MsgType
	data []byte
}

// kept is how many messages of each ring are kept to show what was before a fault.
const kept = 512

// stream reads a ring.
type stream struct {
	ring   string
	number uint16
	sub    *ring.Subscriber
	id     uint64 // RingID
	first  uint64 // number of the first message that could be read; 0: none yet
	newest uint64 // number of the last message that was read
	held   []*message
	recent []*message // read before; the last of them, a ring buffer from n on
	n      int

	next  uint64 // number of the next message that G has to speak of; 0: not known yet
	told  uint64 // RingID, as the gateway said
	epoch uint64 // as the gateway said
	cl    uint64 // the highest ClOrdID that was sent
	up    bool
}

func (s *stream) open(cfg Config) error {
	opt := ring.Options{Dir: cfg.Dir, Name: cfg.Name, From: ring.FromCursor, New: ring.FromOldest, NoHistogram: true}
	if cfg.Name == "" {
		opt.From, opt.Seq = ring.FromSeq, 1
	}
	sub, err := ring.Open(s.ring, opt)
	if err != nil {
		return err
	}
	if schema, _ := sub.Schema(); schema != "" && schema != order.Schema {
		sub.Close()
		return fmt.Errorf("%s carries %q and not %q", s.ring, schema, order.Schema)
	}
	s.sub, s.id, s.held = sub, sub.RingID(), nil
	m, err := s.peek()
	if err != nil {
		return err
	}
	s.first = 1
	if m != nil {
		s.first = m.seq
	}
	return nil
}

func (s *stream) reopen(cfg Config) error {
	s.close()
	return s.open(cfg)
}

func (s *stream) close() { s.sub.Close() }

// peek returns the next message, nil if there is none yet.
func (s *stream) peek() (*message, error) {
	for len(s.held) == 0 {
		data, st := s.sub.Next()
		switch st {
		case ring.Message:
			m := &message{s.sub.Seq(), order.MsgType(s.sub.Type()), append([]byte(nil), data...)}
			s.newest = m.seq
			s.held = append(s.held, m)
		case ring.Gap, ring.Demoted: // the numbers tell
		case ring.Corrupt:
			return nil, fmt.Errorf("audit: %s: %w", s.ring, s.sub.Err())
		case ring.Superseded:
			return nil, nil
		default:
			return nil, nil
		}
	}
	return s.held[0], nil
}

// read takes the next message, nil if there is none yet.
func (s *stream) read() (*message, error) {
	m, err := s.peek()
	if m != nil {
		s.held = s.held[1:]
		s.keep(m)
	}
	return m, err
}

// take reads up to message seq and returns it, nil if it cannot be read.
func (s *stream) take(seq uint64) (*message, error) {
	for {
		m, err := s.peek()
		if err != nil || m == nil || m.seq > seq {
			return nil, err
		}
		s.read()
		if m.seq == seq {
			return m, nil
		}
	}
}

// isThere says whether there is or was a message of that number.
func (s *stream) isThere(seq uint64) bool { return seq <= s.newest }

var errNothing = errors.New("has no messages")

// begin sets next, where only the low half of the number is known, by what the ring has.
func (s *stream) begin(low uint32) error {
	m, err := s.peek()
	if err != nil {
		return err
	}
	at := s.newest
	if m != nil {
		at = m.seq
	}
	if at == 0 {
		return fmt.Errorf("audit: %s: %w", s.ring, errNothing)
	}
	s.next = at + uint64(int64(int32(low-uint32(at))))
	return nil
}

func (s *stream) keep(m *message) {
	if len(s.recent) < kept {
		s.recent = append(s.recent, m)
		return
	}
	s.recent[s.n%kept] = m
	s.n++
}

// before calls f with the messages that were kept, in order.
func (s *stream) before(f func(m *message)) {
	for i := range s.recent {
		f(s.recent[(s.n+i)%len(s.recent)])
	}
}

// past returns a message that was read, as far as it is kept.
func (s *stream) past(seq uint64) *message {
	found := &message{seq: seq}
	s.before(func(m *message) {
		if m.seq == seq {
			found = m
		}
	})
	return found
}
