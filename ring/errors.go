package ring

import "errors"

// The errors of this package. They come wrapped with what was tried and where;
// test with errors.Is. Errors of the file itself (no such file, no permission, no
// space, a symlink in its place) are those of package mmap and wrap those of io/fs.
var (
	// ErrName: not a name for a ring or a subscriber.
	ErrName = errors.New("not a valid name")
	// ErrConfig: a Config or Options that no ring can have.
	ErrConfig = errors.New("invalid configuration")
	// ErrNoRing: there is no ring of this name, or its removal has begun.
	ErrNoRing = errors.New("no such ring")
	// ErrNotRing: the file is not a ring, or only half of one.
	ErrNotRing = errors.New("not a ring file")
	// ErrVersion: the ring is of a layout version that this build does not read.
	ErrVersion = errors.New("other layout version")
	// ErrCorrupt: the ring or the subscriber's file contradicts itself.
	ErrCorrupt = errors.New("corrupt")
	// ErrStale: the ring was made before this host last booted.
	ErrStale = errors.New("from before the last boot")
	// ErrPublisherActive: the ring has a publisher already.
	ErrPublisherActive = errors.New("the ring has a publisher")
	// ErrHidden: the process that holds the ring cannot be seen from here.
	ErrHidden = errors.New("the process that holds the ring cannot be seen from here")
	// ErrSubscriberActive: the subscriber's name has an owner already.
	ErrSubscriberActive = errors.New("the subscriber's name is in use")
	// ErrTooLarge: the message is larger than the ring's limit, or the batch than a block.
	ErrTooLarge = errors.New("message larger than the ring's limit")
	// ErrType: values of this type mean nothing in another process.
	ErrType = errors.New("not a type for messages")
	// ErrSchema: the messages are laid out in another way than this program's type.
	ErrSchema = errors.New("other message layout")
	// ErrBackPressure: a gate has not read what the message would overwrite.
	ErrBackPressure = errors.New("back pressure: a gate has not caught up")
	// ErrUnread: a new file would lose what a gate has not read.
	ErrUnread = errors.New("a gate has unread messages")
	// ErrClaimOpen: a claim has to be committed or aborted first.
	ErrClaimOpen = errors.New("a claim is open")
	// ErrNoClaim: there is no open claim of so many bytes to commit.
	ErrNoClaim = errors.New("no claim of so many bytes is open")
	// ErrClosed: the publisher was closed.
	ErrClosed = errors.New("closed")
)
