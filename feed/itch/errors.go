package itch

import (
	"errors"
	"fmt"
)

// What can be wrong with a file or a message. Errors of a Reader are a
// *FormatError that wraps one of these and says where; test with errors.Is.
var (
	// ErrTruncated: the file ends inside a message, a length prefix or a gzip stream.
	ErrTruncated = errors.New("file is cut short")
	// ErrLength: the length prefix is not the length of the message's type.
	ErrLength = errors.New("wrong message length")
	// ErrZeroLength: a length prefix of zero that does not end the file.
	ErrZeroLength = errors.New("length prefix is zero")
	// ErrUnknownType: not a message type of ITCH 5.0.
	ErrUnknownType = errors.New("unknown message type")
	// ErrEmpty: the file holds no bytes.
	ErrEmpty = errors.New("file is empty")
	// ErrNotITCH: the file begins as some other format does.
	ErrNotITCH = errors.New("not an ITCH 5.0 BinaryFILE")
	// ErrCompressed: the gzip stream is damaged, or something else follows it.
	ErrCompressed = errors.New("gzip stream is damaged")
)

// FormatError says what is wrong with a file, and where.
type FormatError struct {
	Name   string // of the file, from ReaderConfig; may be empty
	Offset int64  // of the message's length prefix, in the uncompressed stream
	Detail string // what was found and what to do
	Err    error  // one of the Err values of this package
}

func (e *FormatError) Error() string {
	name := e.Name
	if name == "" {
		name = "input"
	}
	return fmt.Sprintf("itch: read %s: offset %d: %v: %s", name, e.Offset, e.Err, e.Detail)
}

// Unwrap returns the Err value.
func (e *FormatError) Unwrap() error { return e.Err }
