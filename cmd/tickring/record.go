package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/spf13/cobra"

	"github.com/tickring/tickring/feed/dbn"
	"github.com/tickring/tickring/feed/itch"
	"github.com/tickring/tickring/internal/text"
	"github.com/tickring/tickring/ring"
)

type recordOptions struct {
	ring   string
	output string
	from   fromFlag
	rejoin rejoinFlag
	noWait bool
	force  bool
	idle   idleFlags
	json   bool
	quiet  bool
}

func (a *app) recordCommand() *cobra.Command {
	var o recordOptions
	cmd := &cobra.Command{
		Use:   "record NAME -o FILE",
		Short: "Write what a ring carries to a file",
		Long: `record reads a ring until it is closed and everything was read, or until a signal,
and writes the messages to a file, byte for byte.

FILE is named .dbn or .dbn.zst for a ring of DBN records, and .itch50 or .itch50.gz
for a ring of raw ITCH messages. It appears under its name when it is whole; what
is there already is not replaced without --force. A ring does not carry what a DBN
file says of its symbols, so the new file does not either.

record may be started before the ring is there, and waits for it. It begins with
the oldest message that the ring still has. It has no name and leaves no trace.

Messages that were lost, because record was too slow, make the exit code 1; the
file has all the others. After an error what was got is kept as FILE.partial. If it
was writing that failed, as on a full disk, nobody knows how many messages those
are: the JSON object has file_bytes instead of counts.

` + idleHelp,
		Example: `  tickring record es -o es.dbn.zst
  tickring record itch -o day.itch50.gz`,
		Args:              wantRings("NAME"),
		ValidArgsFunction: a.completeRing(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ring = args[0]
			return a.record(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "file to write: .dbn, .dbn.zst, .itch50 or .itch50.gz")
	f.Var(&o.from, "from", "where to begin (default oldest)")
	f.Var(&o.rejoin, "rejoin", "where to go on after an overrun")
	f.BoolVar(&o.noWait, "no-wait", false, "fail if the ring is not there")
	f.BoolVar(&o.force, "force", false, "replace FILE if it is there")
	o.idle.register(cmd)
	f.BoolVar(&o.json, "json", false, "end with one JSON object instead of text")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no notes on stderr")
	must(cmd.RegisterFlagCompletionFunc("from", completeWords("oldest", "latest", "mark", "seq:")))
	must(cmd.RegisterFlagCompletionFunc("rejoin", completeWords(rejoinWords...)))
	must(cmd.MarkFlagRequired("output"))
	must(cmd.MarkFlagFilename("output", "dbn", "zst", "itch50", "gz"))
	return cmd
}

// recordReport is what was recorded.
type recordReport struct {
	Ring     string            `json:"ring"`
	File     string            `json:"file"`
	Schema   string            `json:"schema"`
	Messages uint64            `json:"messages"`
	Lost     uint64            `json:"lost"`
	Gaps     uint64            `json:"gaps"`
	Bytes    uint64            `json:"bytes"` // of the messages
	ByType   map[string]uint64 `json:"by_type"`
	FirstSeq uint64            `json:"first_seq"` // 0: no message
	LastSeq  uint64            `json:"last_seq"`
	Error    string            `json:"error,omitempty"`
}

func (a *app) record(ctx context.Context, o recordOptions) error {
	isITCH, compressed, err := outputKind(o.output)
	if err != nil {
		return err
	}
	cfg := followConfig{
		dir: a.dir, ring: o.ring, owner: uint32(a.owner), from: o.from, rejoin: o.rejoin, noWait: o.noWait,
		untilClosed: true, idle: o.idle, command: "record",
	}
	if !o.quiet {
		cfg.notes = a.stderr
	}
	if err := o.idle.core.take(o.idle.cpu); err != nil {
		return err
	}
	file, err := createFile(o.output, o.force)
	if err != nil {
		return err
	}
	defer file.discard()
	r := &recording{
		follow: newFollower(ctx, cfg), tally: newTally(""),
		file: file, isITCH: isITCH, compressed: compressed,
	}
	if err := r.follow.join(ctx); errors.Is(err, errStopped) {
		return errors.New("stopped by a signal before the ring was there; nothing was recorded")
	} else if err != nil {
		return err
	}
	defer r.follow.leave()
	err = r.open()
	if err == nil {
		err = r.follow.guard(func() error { return r.read(ctx) })
	}
	kept, err := r.finish(err)
	if lost := r.follow.lost; err == nil && lost > 0 {
		err = fmt.Errorf("record ring %q: %s lacks %s lost; record sooner, or with a larger ring",
			o.ring, kept, text.CountOf(lost, "message that was", "messages that were"))
	}
	var unsaved *unsavedError
	switch {
	case errors.As(err, &unsaved):
		err = a.writeUnsaved(o, r, unsaved)
	case kept != "":
		report := r.report(kept, err)
		if werr := a.writeRecord(o, report); err == nil {
			err = werr
		}
	}
	return err
}

// outputKind tells what to write by the name of the file.
func outputKind(path string) (isITCH, compressed bool, err error) {
	for _, k := range []struct {
		suffix             string
		isITCH, compressed bool
	}{
		{".dbn", false, false},
		{".dbn.zst", false, true},
		{".itch50", true, false},
		{".itch50.gz", true, true},
	} {
		if strings.HasSuffix(path, k.suffix) {
			return k.isITCH, k.compressed, nil
		}
	}
	return false, false, usagef("invalid --output %q: want a name that ends in .dbn, .dbn.zst, .itch50 or .itch50.gz", path)
}

// recording is a follower that writes.
type recording struct {
	follow             *follower
	tally              *tally
	file               *newFile
	isITCH, compressed bool
	out                messageWriter // nil until the first message, whose time the header tells
	firstSeq, lastSeq  uint64
	source             string // of the ring, which may be gone when the header is written
}

// messageWriter writes one message after the other. Close writes the end.
type messageWriter interface {
	Write(msg []byte) error
	Close() error
}

// open checks that the ring's messages can stand in the file.
func (r *recording) open() error {
	schema, _ := r.follow.sub.Schema()
	_, isDBN := parseDBNKind(schema)
	switch {
	case r.isITCH && schema != itchSchema:
		return fmt.Errorf("record ring %q: its messages are %s, which an ITCH file cannot hold; use -o FILE.dbn", r.follow.cfg.ring, orUnknown(schema))
	case !r.isITCH && schema == itchSchema:
		return fmt.Errorf("record ring %q: its messages are raw ITCH, which a DBN file cannot hold; use -o FILE.itch50", r.follow.cfg.ring)
	case !r.isITCH && !isDBN:
		return fmt.Errorf("record ring %q: its messages are %s, which a DBN file cannot hold", r.follow.cfg.ring, orUnknown(schema))
	}
	r.tally.use(schema)
	r.source = r.follow.sub.Source()
	return nil
}

func orUnknown(schema string) string {
	if schema == "" {
		return "of an unknown schema"
	}
	return fmt.Sprintf("of schema %q", schema)
}

// read reads and writes to the end.
func (r *recording) read(ctx context.Context) error {
	sub := r.follow.sub
	for {
		msg, st := sub.Next()
		if st != ring.Message {
			done, err := r.follow.pause(ctx, st)
			if done || err != nil {
				return err
			}
			if sub != r.follow.sub {
				sub = r.follow.sub
				if now, _ := sub.Schema(); now != r.tally.schema {
					return fmt.Errorf("record ring %q: its schema changed from %s to %s, which one file cannot hold", r.follow.cfg.ring, r.tally.schema, now)
				}
			}
			continue
		}
		r.follow.polls = 0
		if r.out == nil {
			if err := r.begin(msg); err != nil {
				return err
			}
			r.firstSeq = sub.Seq()
		}
		if err := r.out.Write(msg); err != nil {
			return fmt.Errorf("record message %d of ring %q: %w", sub.Seq(), r.follow.cfg.ring, err)
		}
		r.tally.add(sub.Type(), msg)
		r.lastSeq = sub.Seq()
		if r.follow.stop.Load() {
			return nil
		}
	}
}

// begin writes the header. first is nil if there is no message.
func (r *recording) begin(first []byte) error {
	if r.isITCH {
		r.out = newITCHWriter(r.file, r.compressed)
		return nil
	}
	kind, _ := parseDBNKind(r.tally.schema)
	md := dbn.Metadata{
		Version: kind.version, Schema: kind.schema, TsOut: kind.tsOut,
		End: dbn.UndefTime, STypeIn: dbn.STypeInstrumentID, STypeOut: dbn.STypeInstrumentID,
	}
	if len(r.source) <= 16 { // or it is no dataset
		md.Dataset = r.source
	}
	if first != nil {
		md.Start = dbn.RecordTime(first)
	}
	w, err := dbn.NewWriter(r.file, md, dbn.WriterConfig{Name: r.file.path, Zstd: r.compressed})
	if err != nil {
		return err
	}
	r.out = w
	return nil
}

// unsavedError: writing failed, so that some of the messages that were read, and
// nobody knows how many, are not in the file.
type unsavedError struct {
	err   error
	kept  string // the file; empty: there is none, because nothing was saved
	bytes int64  // that it has
}

func (e *unsavedError) Error() string {
	if e.kept == "" {
		return fmt.Sprintf("%v; nothing was saved", e.err)
	}
	return fmt.Sprintf("%v; what was written before that, %s, is in %s", e.err, text.CountOf(uint64(e.bytes), "byte", "bytes"), e.kept)
}

func (e *unsavedError) Unwrap() error { return e.err }

// finish ends the file, and names it according to how it went. It returns the name,
// "" if nothing was kept.
func (r *recording) finish(failed error) (string, error) {
	if failed == nil && r.out == nil {
		failed = r.begin(nil)
	}
	if r.out != nil {
		// It fails if any write before has, and if it does not, all is written.
		err := r.out.Close()
		if err == nil {
			err = r.file.Close()
		}
		if err != nil {
			if failed == nil {
				failed = fmt.Errorf("record ring %q: %w", r.follow.cfg.ring, err)
			}
			return r.salvage(failed)
		}
	}
	if failed == nil {
		if failed = r.file.commit(); failed == nil {
			return r.file.path, nil
		}
	}
	if r.tally.messages == 0 {
		return "", failed
	}
	path, err := r.file.keepPartial()
	if err != nil {
		return "", fmt.Errorf("%w; and what was recorded before that is gone: %w", failed, err)
	}
	return path, fmt.Errorf("%w; %s before that in %s", failed, text.CountOf(r.tally.messages, "message is", "messages are"), path)
}

// salvage keeps what was written to a file that could not be written whole.
func (r *recording) salvage(failed error) (string, error) {
	e := &unsavedError{err: failed}
	info, err := os.Lstat(r.file.temp.Name())
	if err == nil && info.Size() > 0 {
		e.kept, err = r.file.keepPartial()
		e.bytes = info.Size()
	}
	if err != nil {
		e.kept, e.err = "", fmt.Errorf("%w; %w", failed, err)
	}
	return e.kept, e
}

func (r *recording) report(file string, err error) *recordReport {
	report := &recordReport{
		Ring: r.follow.cfg.ring, File: file, Schema: r.tally.schema,
		Messages: r.tally.messages, Bytes: r.tally.bytes, ByType: r.tally.byType(),
		Lost: r.follow.lost, Gaps: r.follow.gaps, FirstSeq: r.firstSeq, LastSeq: r.lastSeq,
	}
	if err != nil {
		report.Error = err.Error()
	}
	return report
}

func (a *app) writeRecord(o recordOptions, r *recordReport) error {
	if o.json {
		return writeJSON(a.stdout, r)
	}
	w := &lines{w: a.stdout}
	w.printf("recorded   %s, %s, to %s\n", text.Messages(r.Messages), text.Bytes(r.Bytes), r.File)
	w.printf("lost       %s\n", lostText(r.Lost, r.Gaps))
	w.printf("ring       %s, %s, %s\n", r.Ring, numbersText(r.FirstSeq, r.LastSeq), r.Schema)
	w.printf("by type    %s\n", countsText(r.ByType))
	return w.err
}

// writeUnsaved tells of a recording without counts. It returns the error to end with.
func (a *app) writeUnsaved(o recordOptions, r *recording, e *unsavedError) error {
	if o.json {
		_ = writeJSON(a.stdout, map[string]any{ // e is the graver error
			"ring": o.ring, "file": e.kept, "file_bytes": e.bytes, "schema": r.tally.schema, "error": e.Error(),
		})
	}
	return e
}

// itchWriter writes a BinaryFILE.
type itchWriter struct {
	buf   *bufio.Writer
	gzip  *gzip.Writer // or nil
	frame []byte
}

func newITCHWriter(w io.Writer, compressed bool) *itchWriter {
	i := &itchWriter{}
	if compressed {
		i.gzip = gzip.NewWriter(w)
		w = i.gzip
	}
	i.buf = bufio.NewWriterSize(w, 256<<10)
	return i
}

func (i *itchWriter) Write(msg []byte) error {
	if len(msg) == 0 || itch.Type(msg[0]).Size() != len(msg) {
		return fmt.Errorf("its %d bytes are not an ITCH 5.0 message", len(msg))
	}
	i.frame = itch.AppendFrame(i.frame[:0], msg)
	_, err := i.buf.Write(i.frame)
	return err
}

// Close writes the marker that ends a session.
func (i *itchWriter) Close() error {
	_, err := i.buf.Write(itch.AppendFrame(i.frame[:0], nil))
	if err == nil {
		err = i.buf.Flush()
	}
	if i.gzip != nil {
		if cerr := i.gzip.Close(); err == nil {
			err = cerr
		}
	}
	return err
}
