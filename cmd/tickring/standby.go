package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tickring/tickring/feed/replay"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/mmap"
	"github.com/tickring/tickring/ring"
)

// standBy waits for the end of the ring's publisher, and meanwhile reads the file as
// far as the ring has come. When it returns the publisher, message n of the ring is the
// file's n-th, and s goes on with the one that is due.
func (a *app) standBy(ctx context.Context, o replayOptions, s *session, cfg ring.Config) (*ring.Publisher, error) {
	if !o.quiet {
		fmt.Fprintf(a.stderr, "tickring replay: standing by for ring %q\n", o.ring)
	}
	r := &readAlong{source: s.messages, file: o.path, dir: a.dir, ring: o.ring}
	waiting, end := context.WithCancelCause(ctx)
	read := make(chan error, 1)
	go func() {
		err := r.follow(waiting)
		end(err)
		read <- err
	}()
	pub, err := ring.Standby(waiting, o.ring, cfg)
	end(nil)
	if failed := <-read; failed != nil {
		err = failed // most likely what ended the wait
	}
	for err == nil && r.read != pub.Seq() {
		if err = ctx.Err(); err == nil {
			err = r.upTo(pub.Seq())
		}
	}
	if err == nil {
		err = r.compare()
	}
	if err != nil {
		if pub != nil {
			pub.Close()
		}
		if ctx.Err() != nil {
			err = errors.New("stopped by a signal before the first message")
		}
		return nil, err
	}
	if !o.quiet {
		fmt.Fprintf(a.stderr, "tickring replay: going on with ring %q after %s of the file\n", o.ring, text.Messages(pub.Seq()))
	}
	return pub, nil
}

// readAlong reads a file whose messages another process publishes.
type readAlong struct {
	source replay.Source
	file   string
	dir    string // of rings
	ring   string

	read uint64 // how many messages of the file were read; the last of them:
	typ  uint16
	msg  []byte
}

// follow keeps up with the ring until ctx is done, or the ring is not what the file is.
func (r *readAlong) follow(ctx context.Context) error {
	for ctx.Err() == nil {
		info, err := ring.Stat(r.dir, r.ring)
		if err != nil || info.Err != nil || r.read == info.Last {
			_ = sleep(ctx, 100*time.Millisecond)
			continue
		}
		if err := r.upTo(info.Last); err != nil {
			return err
		}
		if err := r.compare(); err != nil {
			return err
		}
	}
	return nil
}

// upTo reads the file up to message last, or some way of it.
func (r *readAlong) upTo(last uint64) error {
	if last < r.read {
		return fmt.Errorf("ring %q was made anew meanwhile: it had %s and has %s", r.ring, text.Messages(r.read), text.Count(last))
	}
	for range min(last-r.read, 1<<16) {
		typ, _, msg, err := r.source.Next()
		if err == io.EOF {
			return r.differs(last, fmt.Sprintf("%s has %s in all", r.file, text.Messages(r.read)))
		}
		if err != nil {
			return err
		}
		r.read, r.typ, r.msg = r.read+1, typ, msg
	}
	return nil
}

// compare compares the message that was read last with the ring's, if the ring has it.
func (r *readAlong) compare() error {
	if r.read == 0 {
		return nil
	}
	sub, err := ring.Open(r.ring, ring.Options{Dir: r.dir, From: ring.FromSeq, Seq: r.read, NoPrefault: true})
	if err != nil {
		return nil // it was removed just now
	}
	defer sub.Close()
	return mmap.Guard(func() error {
		msg, st := sub.Next()
		if st == ring.Message && sub.Seq() == r.read && (sub.Type() != r.typ || !bytes.Equal(msg, r.msg)) {
			return r.differs(r.read, "that is another one in "+r.file)
		}
		return nil
	})
}

func (r *readAlong) differs(seq uint64, how string) error {
	return fmt.Errorf("ring %q has message %s and %s: since it was made it has had others than this file's; remove it before a replay that is to have a standby", r.ring, text.Count(seq), how)
}
