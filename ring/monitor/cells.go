package monitor

import (
	"encoding/binary"

	"github.com/tickring/tickring/ring"
)

// cells are counts of a few of many buckets: for each the bucket and how many, as varints.
// Two of them one after the other are the sum of both. Some bytes for each bucket that was
// hit are what makes a minute of a thousand subscribers small.
type cells []byte

func (c cells) append(bucket int, n uint64) cells {
	return binary.AppendUvarint(binary.AppendUvarint(c, uint64(bucket)), n)
}

func (c cells) each(do func(bucket int, n uint64)) {
	for len(c) > 0 {
		bucket, a := binary.Uvarint(c)
		n, b := binary.Uvarint(c[a:])
		c = c[a+b:]
		do(int(bucket), n)
	}
}

// sum adds cells up.
type sum struct {
	counts   ring.Counts
	total    uint64
	from, to int // buckets below and from here on are 0
}

func (s *sum) add(bucket int, n uint64) {
	if s.from == s.to {
		s.from, s.to = bucket, bucket+1
	}
	s.from, s.to = min(s.from, bucket), max(s.to, bucket+1)
	s.counts[bucket] += n
	s.total += n
}

func (s *sum) sub(bucket int, n uint64) {
	s.counts[bucket] -= n
	s.total -= n
}

func (s *sum) clear() {
	clear(s.counts[s.from:s.to])
	s.total, s.from, s.to = 0, 0, 0
}

// cells returns the sum in the memory of old.
func (s *sum) cells(old cells) cells {
	c := old[:0]
	for i, n := range s.counts[s.from:s.to] {
		if n > 0 {
			c = c.append(s.from+i, n)
		}
	}
	return c
}
