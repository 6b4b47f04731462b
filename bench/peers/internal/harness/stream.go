package harness

import (
	"time"

	"github.com/tickring/tickring/bench/peers/internal/result"
)

// Words of a message.
const (
	seqWord   = 0
	phaseWord = 1
)

// Phases of a stream.
const (
	warming   = 0
	measuring = 1
	ended     = 2
	over      = 3 // nothing more is sent
)

// A Source makes the messages of a stream: a second that is not measured, then those that are,
// and one that says it is over.
type Source struct {
	seq, phase uint64
	ends       time.Time
}

// Next makes the next message; false after the one that ends the stream.
func (s *Source) Next(m *Message) bool {
	if s.seq&1023 == 0 {
		s.look()
	}
	if s.phase == over {
		return false
	}
	*m = Message{s.seq, s.phase, s.seq, s.seq, s.seq, s.seq, s.seq}
	s.seq++
	if s.phase == ended {
		s.phase = over
	}
	return true
}

// look looks at the clock, which is too slow for every message.
func (s *Source) look() {
	now := time.Now()
	switch {
	case s.ends.IsZero():
		s.ends = now.Add(warmUp)
	case now.Before(s.ends):
	case s.phase == warming:
		s.phase, s.ends = measuring, now.Add(Seconds())
	case s.phase == measuring:
		s.phase = ended
	}
}

// Stream counts what the receiver gets.
type Stream struct {
	last              Message
	began, end        time.Time
	delivered         uint64
	expected, missing uint64
}

// Take copies one message and counts it; false for the one that ends the stream.
func (s *Stream) Take(m *Message) bool {
	s.last = *m
	return s.count()
}

// TakeBytes does so with a message that a library delivers as bytes.
func (s *Stream) TakeBytes(b []byte) bool {
	s.last = FromBytes(b)
	return s.count()
}

func (s *Stream) count() bool {
	seq, phase := s.last[seqWord], s.last[phaseWord]
	if phase == measuring {
		if s.delivered == 0 {
			s.began, s.expected = time.Now(), seq
		}
		s.delivered++
		s.missing += seq - s.expected
		s.expected = seq + 1
		return true
	}
	if phase == warming {
		return true
	}
	s.end = time.Now()
	s.missing += seq - s.expected
	return false
}

func (s *Stream) result() *result.Stream {
	return &result.Stream{
		PerSecond: float64(s.delivered) / s.end.Sub(s.began).Seconds(),
		Delivered: int64(s.delivered),
		Lost:      int64(s.missing),
	}
}
