package dbn

import (
	"errors"
	"fmt"
)

// What can be wrong with a file or a record. Errors of a Reader that concern the
// data are a *FormatError that wraps one of these and says where; test with
// errors.Is.
var (
	// ErrEmpty: the input holds no bytes.
	ErrEmpty = errors.New("file is empty")
	// ErrNotDBN: the input begins as some other format does.
	ErrNotDBN = errors.New("not a DBN file")
	// ErrForm: the input is market data, but as another reader takes it, or only
	// after it is decompressed or converted, which Detail says. It wraps ErrNotDBN.
	ErrForm = fmt.Errorf("%w as it is", ErrNotDBN)
	// ErrVersion: a DBN version that this package does not know.
	ErrVersion = errors.New("unsupported DBN version")
	// ErrMetadata: the file header contradicts itself.
	ErrMetadata = errors.New("bad file header")
	// ErrTruncated: the input ends inside the header, a record or a zstd frame.
	ErrTruncated = errors.New("file is cut short")
	// ErrRecord: a record of an impossible length.
	ErrRecord = errors.New("bad record")
	// ErrCorrupt: the zstd stream is damaged.
	ErrCorrupt = errors.New("zstd stream is damaged")

	// ErrSchema: no schema has this name.
	ErrSchema = errors.New("no such schema")
	// ErrClosed: the Reader or Writer was closed.
	ErrClosed = errors.New("already closed")
)

// FormatError says what is wrong with the input, and where.
type FormatError struct {
	Name   string // of the file, from ReaderConfig; may be empty
	Offset int64  // of the header field or the record, in the uncompressed stream
	Detail string // what was found and what to do
	Err    error  // one of the Err values of this package
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("dbn: read %s: offset %d: %v: %s", nameOr(e.Name, "input"), e.Offset, e.Err, e.Detail)
}

// Unwrap returns the Err value.
func (e *FormatError) Unwrap() error { return e.Err }

func nameOr(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}
