package synth

import (
	"fmt"
	"io"

	"github.com/tickring/tickring/feed/itch"
)

// Stats counts what a session holds.
type Stats struct {
	Messages uint64
	Bytes    uint64 // of the file: messages, length prefixes and end marker
	ByType   itch.Counts
}

// Write writes the session that cfg describes to w as a BinaryFILE: each message
// after its length in two bytes, big-endian, and a length of zero at the end. It
// calls Write of w with some 64 KiB at a time. The error wraps ErrConfig, before
// anything is written, or the one of w; the Stats then counts what w
// took before that call.
func Write(w io.Writer, cfg Config) (Stats, error) {
	var stats, pending Stats
	g, err := New(cfg)
	if err != nil {
		return stats, err
	}
	const chunk = 64 << 10
	buf := make([]byte, 0, chunk+2+itch.MaxMessageSize)
	for {
		msg, ok := g.Next()
		buf = itch.AppendFrame(buf, msg) // of no message: the end marker
		if ok {
			pending.Messages++
			pending.ByType[msg[0]]++
		}
		if len(buf) < chunk && ok {
			continue
		}
		pending.Bytes += uint64(len(buf))
		if _, err := w.Write(buf); err != nil {
			return stats, fmt.Errorf("synth: write after %d bytes: %w", stats.Bytes, err)
		}
		stats = pending
		buf = buf[:0]
		if !ok {
			return stats, nil
		}
	}
}
